/* apache_conf.c -- small questions about a configuration that was read (see apache_conf.h), and its end. Runs in
 * `weir import-apache` only. Pure. */
#include "src/apache/apache_conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"

#define WORDS_MAX (64 * 1024)           /* bytes; who has more problems than that does not read them */

/* A line is one line, whatever the file held, and is said once. */
static void say(struct apache_conf *conf, const char *file, size_t line, const char *level, const char *fmt, va_list ap)
{
	struct buf whole = { 0 };
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (line)
		buf_printf(&whole, "%s:%zu: %s: %s", file, line, level, text);
	else
		buf_printf(&whole, "%s: %s: %s", file, level, text);
	for (size_t i = 0; i < whole.len; i++)
		if (whole.data[i] < 0x20 || whole.data[i] == 0x7F)
			whole.data[i] = '?';
	buf_add_str(&whole, "\n");
	if (conf->words.len < WORDS_MAX && !strstr(buf_str(&conf->words), buf_str(&whole)))
		buf_add(&conf->words, whole.data, whole.len);
	buf_free(&whole);
}

void apache_problem(struct apache_conf *conf, const char *file, size_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(conf, file, line, "error", fmt, ap);
	va_end(ap);
	conf->errors++;
}

void apache_warning(struct apache_conf *conf, const char *file, size_t line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(conf, file, line, "warning", fmt, ap);
	va_end(ap);
}

void apache_conf_free(struct apache_conf *conf)
{
	for (size_t i = 0; i < conf->count; i++) {
		free(conf->at[i].name);
		free(conf->at[i].text);
		apache_words_free(&conf->at[i].args);
	}
	for (size_t i = 0; i < conf->section_count; i++) {
		free(conf->sections[i]->kind);
		apache_words_free(&conf->sections[i]->args);
		free(conf->sections[i]);
	}
	for (size_t i = 0; i < conf->file_count; i++)
		free(conf->files[i]);
	for (size_t i = 0; i < conf->module_count; i++)
		free(conf->modules[i]);
	free(conf->at);
	free(conf->sections);
	free(conf->files);
	free(conf->modules);
	free(conf->server_root);
	apache_vars_free(&conf->vars);
	buf_free(&conf->words);
	*conf = (struct apache_conf){ 0 };
}

bool apache_is(const struct apache_directive *d, const char *name)
{
	return !strcasecmp(d->name, name);
}

const char *apache_arg(const struct apache_directive *d, size_t i)
{
	return i < d->args.count ? d->args.at[i] : "";
}

const struct apache_section *apache_host(const struct apache_section *in)
{
	while (in && strcmp(in->kind, "virtualhost") != 0)
		in = in->up;
	return in;
}

enum apache_mpm apache_mpm_in(const char *name)
{
	static const struct { const char *word; enum apache_mpm mpm; } words[] = {
		{ "prefork", APACHE_MPM_PREFORK }, { "worker", APACHE_MPM_WORKER }, { "event", APACHE_MPM_EVENT },
		{ "itk", APACHE_MPM_PREFORK },
	};
	static const char *const ends[] = { "_module", ".c", ".conf" };
	bool mpm = !strncasecmp(name, "mpm_", 4);

	name += mpm ? 4 : 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].word);

		if (strncasecmp(name, words[i].word, len) != 0)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(ends); j++)
			if (!strcasecmp(name + len, ends[j]) && (mpm || j == 1))
				return words[i].mpm;
	}
	return APACHE_MPM_ANY;
}

enum apache_mpm apache_loaded_mpm(const struct apache_conf *conf)
{
	enum apache_mpm found = APACHE_MPM_ANY;

	for (size_t i = 0; i < conf->module_count && !found; i++)
		found = apache_mpm_in(conf->modules[i]);
	return found;
}

/* "mod_php.c" and "php_module" are one; Debian's Apache has some built in. */
bool apache_has_module(const struct apache_conf *conf, const char *name)
{
	static const char *const built_in[] = { "core", "so", "http", "log_config", "logio", "version", "unixd", "watchdog" };
	size_t skip = strncasecmp(name, "mod_", 4) ? 0 : 4;
	size_t len = strcspn(name + skip, ".");

	if (len > 7 && !strcasecmp(name + skip + len - 7, "_module"))
		len -= 7;
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
		if (strlen(built_in[i]) == len && !strncasecmp(built_in[i], name + skip, len))
			return true;
	for (size_t i = 0; i < conf->module_count; i++) {
		const char *has = conf->modules[i];

		if (!strncasecmp(has, name + skip, len) && !strcasecmp(has + len, "_module"))
			return true;
	}
	return false;
}
