/* apache_import.c -- the command `weir import-apache`. A process of its own that reads, prints and ends: it starts
 * nothing and changes nothing. */
#include "src/apache/apache_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "src/apache/apache_pool.h"
#include "src/apache/apache_table.h"
#include "src/apache/apache_write.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/mem.h"

#define USAGE "Usage: weir import-apache [-D NAME[=VALUE]] FILE...\n" \
	      "       weir import-apache --table | --help\n" \
	      "Reads configuration files of Apache httpd and prints the equal configuration of Weir.\n" \
	      "  -D, --define NAME[=VALUE]\n                   as 'Define NAME VALUE' in front of the files; may be given again\n" \
	      "      --table\n                   print which directive becomes which key\n" \
	      "  -h, --help\n                   print this\n"

/* Names once each, in the order of their first appearance. */
struct names {
	const char **at;
	size_t count;
};

static void names_add(struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (!strcasecmp(n->at[i], name))
			return;
	n->at = xrealloc(n->at, (n->count + 1) * sizeof(*n->at));
	n->at[n->count++] = name;
}

/* In lines of a comment that are not too long. */
static void put_names(struct buf *to, const struct names *n)
{
	size_t from = to->len;

	for (size_t i = 0; i < n->count; i++) {
		if (i == 0 || to->len - from > 100) {
			buf_add_str(to, i ? "\n; " : "; ");
			from = to->len - 2;
		}
		for (const char *c = n->at[i]; *c; c++)
			buf_add(to, (unsigned char)*c < 0x20 || *c == 0x7F ? "?" : c, 1);
		buf_add_str(to, i + 1 == n->count ? "\n" : to->len - from > 100 ? "," : ", ");
	}
}

static const char *mpm_word(enum apache_mpm mpm)
{
	static const char *const words[] = { "any", "prefork", "worker", "event" };

	return words[mpm];
}

/* A directive of the table that no pool took. */
static void put_untold(struct buf *to, struct apache_conf *conf, struct apache_directive *d,
		       const struct apache_row *row)
{
	enum apache_mpm mpm = apache_pools_mpm(conf);

	if (!row->key)
		apache_put(to, d, NULL, NULL, "no equal: %s", row->note);
	else if (d->mpm && d->mpm != mpm)
		apache_put(to, d, NULL, NULL, "not taken: it counts under mpm_%s, and this is mpm_%s", mpm_word(d->mpm),
			   mpm_word(mpm));
	else if (apache_is(d, "MinSpareServers") || apache_is(d, "MaxSpareServers") || apache_is(d, "MinSpareThreads") ||
		 apache_is(d, "MaxSpareThreads") || apache_is(d, "ThreadsPerChild"))
		apache_put(to, d, NULL, NULL, "not taken: mpm_%s does not have it", mpm_word(mpm));
	else if (apache_is(d, "WSGIScriptAlias"))
		apache_put(to, d, NULL, NULL, "not taken: a pool runs one FILE.wsgi or FILE.py at one place of the site");
	else if (apache_is(d, "WSGIDaemonProcess"))
		apache_put(to, d, NULL, NULL, "not taken: no WSGIScriptAlias of these files names it");
	else
		apache_put(to, d, NULL, NULL, "not taken: another line counts, or no pool here is concerned");
}

static void put_rest(struct buf *to, struct apache_conf *conf)
{
	struct names stay = { 0 };
	bool title = false;

	for (size_t i = 0; i < conf->count; i++) {
		struct apache_directive *d = &conf->at[i];
		const struct apache_row *row = apache_row_find(d->name);

		if (d->told)
			continue;
		if (!row) {
			names_add(&stay, d->name);
			continue;
		}
		if (!title)
			buf_add_str(to, "\n; Not taken over:\n");
		title = true;
		put_untold(to, conf, d, row);
	}
	if (stay.count)
		buf_add_str(to, "\n; About the front end, or unknown; these stay in Apache:\n");
	put_names(to, &stay);
	free(stay.at);
}

/* Apache's 0 waits for ever, Weir's not at all. */
static void put_timeout(struct buf *to, struct apache_conf *conf)
{
	struct apache_directive *d = apache_find_for(conf, "GracefulShutdownTimeout", NULL);
	long seconds = d ? apache_number(conf, d, apache_arg(d, 0), 0) : 0;

	if (d && seconds > 0)
		apache_put_int(to, d, "process_control_timeout", seconds, "%s", "");
	else if (d)
		apache_put(to, d, NULL, NULL, "no limit in Apache; process_control_timeout = 0 would end requests at once, so Weir's "
			   "default stands");
}

static enum apache_threads threads_of(const struct apache_pool *p, bool php_threads)
{
	if (p->runs == APACHE_RUNS_WSGI || php_threads)
		return APACHE_THREADS_GOOD;
	return p->runs == APACHE_RUNS_UNKNOWN ? APACHE_THREADS_OPEN : APACHE_THREADS_BAD;
}

/* Apache's numbers count for all that it runs, a pool's for itself. */
static void put_process_max(struct buf *to, struct apache_conf *conf, const struct apache_pools *pools,
			    bool php_threads)
{
	long most = 0, all = 0;
	size_t sharers = 0;

	for (size_t i = 0; i < pools->count; i++) {
		const struct apache_pool *p = &pools->at[i];
		const char *processes = p->daemon ? apache_option(p->daemon, "processes=") : NULL;
		long own = p->daemon ? processes ? apache_number(conf, p->daemon, processes, 1) : 1 :
				       apache_mpm_children(conf, threads_of(p, php_threads), p->host);

		all += p->daemon ? own : 0;
		most = !p->daemon && own > most ? own : most;
		sharers += p->daemon ? 0 : 1;
	}
	if (sharers > 1 && most + all < INT32_MAX)
		apache_put_int(to, NULL, "process.max", most + all, "Apache's numbers count for all that it runs, and each pool below "
			       "has them: together they have no more than this");
}

void apache_import_write(struct buf *to, struct apache_conf *conf, apache_php_threads_fn *php_threads)
{
	struct apache_pools pools = apache_pools_find(conf);
	bool with_php = false, threads = true;
	struct buf global = { 0 };

	for (size_t i = 0; i < pools.count; i++)
		with_php = with_php || pools.at[i].runs != APACHE_RUNS_WSGI;
	if (with_php && php_threads && apache_pools_mpm(conf) != APACHE_MPM_PREFORK)
		threads = php_threads();
	buf_add_str(to, "; Made by weir import-apache. Each line stands under what it comes from.\n"
			"; `weir -t -y FILE` checks this file; weir.conf(5) tells the keys.\n");
	put_timeout(&global, conf);
	put_process_max(&global, conf, &pools, threads);
	if (global.len)
		buf_printf(to, "\n[global]\n%s", buf_str(&global));
	buf_free(&global);
	for (size_t i = 0; i < pools.count; i++)
		apache_pool_put(to, conf, &pools.at[i], threads_of(&pools.at[i], threads));
	put_rest(to, conf);
	apache_pools_free(&pools);
}

static const char *environment(const char *name)
{
	return getenv(name);
}

static int print(struct buf *text)
{
	int rc = fd_write_all(STDOUT_FILENO, text->data, text->len);

	buf_free(text);
	return rc < 0 ? EXIT_SOFTWARE : EXIT_OK;
}

static int usage_wrong(const char *why, const char *what)
{
	fprintf(stderr, "weir import-apache: %s%s\n%s", why, what, USAGE);
	return EXIT_USAGE;
}

static void define(struct apache_conf *conf, const char *word)
{
	const char *equals = strchr(word, '=');
	char *name = xstrndup(word, equals ? (size_t)(equals - word) : strlen(word));

	apache_vars_set(&conf->vars, name, equals ? equals + 1 : "", true);
	free(name);
}

/* The files are read; they give a result, or errors. */
static int finish(struct apache_conf *conf, apache_php_threads_fn *php_threads)
{
	struct buf out = { 0 };
	int code = EXIT_CONFIG;

	if (!conf->errors)
		apache_import_write(&out, conf, php_threads);
	if (conf->words.len)
		(void)fd_write_all(STDERR_FILENO, conf->words.data, conf->words.len);
	if (!conf->errors)
		code = print(&out);
	buf_free(&out);
	return code;
}

/* The options; *at_out: the first file. -1: go on; else the exit code. */
static int options(struct apache_conf *conf, char **argv, int *at_out)
{
	int at = 2;
	struct buf table = { 0 };

	for (; argv[at] && argv[at][0] == '-' && argv[at][1]; at++) {
		const char *word = argv[at];

		if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
			fputs(USAGE, stdout);
			return EXIT_OK;
		}
		if (!strcmp(word, "--table")) {
			apache_table_markdown(&table);
			return print(&table);
		}
		if (!strcmp(word, "--")) {
			at++;
			break;
		}
		if (strncmp(word, "-D", 2) != 0 && strcmp(word, "--define") != 0)
			return usage_wrong("unknown option ", word);
		if (word[1] == 'D' && word[2])
			define(conf, word + 2);
		else if (argv[++at])
			define(conf, argv[at]);
		else
			return usage_wrong("NAME or NAME=VALUE is missing behind ", word);
	}
	*at_out = at;
	return argv[at] ? -1 : usage_wrong("no file is named", "");
}

int apache_import_main(int argc, char **argv, apache_php_threads_fn *php_threads)
{
	struct apache_conf conf = { .vars.env = environment };
	int at = argc, code = options(&conf, argv, &at);

	for (; code < 0 && at < argc; at++)
		apache_read_file(&conf, argv[at]);
	if (code < 0)
		code = finish(&conf, php_threads);
	apache_conf_free(&conf);
	return code;
}
