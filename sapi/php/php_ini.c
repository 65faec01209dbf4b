/* php_ini.c -- PHP's configuration as this pool wants it: which php.ini, the options -c, -n and -d, and the
 * pool's php_value and php_admin_value. Runs in the zygote (and in probe and print), once, around PHP's start:
 * children inherit the result, so that no request pays for it and none can undo it.
 * The pool's values are given twice: as start-up values, for entries that are only read while PHP starts (opcache's
 * memory, extensions), then with the right to be changed that goes with the name of the key. */
#include "sapi/php/php_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build-defs.h"
#include "src/base/mem.h"

static const struct kind {
	const char *name;
	bool flag;
	int mode;                       /* who may change it afterwards */
} kinds[] = {
	{ "php_value", false, ZEND_INI_USER },
	{ "php_flag", true, ZEND_INI_USER },
	{ "php_admin_value", false, ZEND_INI_SYSTEM },
	{ "php_admin_flag", true, ZEND_INI_SYSTEM },
};

enum when { AT_START, AGAIN };

static const struct kind *kind_of(const struct sapi_setting *set)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (set->key && !strcmp(set->name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static bool is_true(const char *value)
{
	return !strcasecmp(value, "1") || !strcasecmp(value, "on") || !strcasecmp(value, "yes") ||
	       !strcasecmp(value, "true");
}

static const char *kind_value(const struct kind *kind, const struct sapi_setting *set)
{
	if (!kind->flag)
		return set->value ? set->value : "";
	return set->value && is_true(set->value) ? "1" : "0";
}

/* These add to what php.ini says; given as start-up values they would replace it. */
static bool is_added(const char *key)
{
	return !strcmp(key, "disable_functions") || !strcmp(key, "disable_classes");
}

static bool is_extension(const char *key)
{
	return !strcmp(key, "extension") || !strcmp(key, "zend_extension");
}

/* name='value': nothing is special between single quotes; a value that holds one goes between double quotes. */
static void entry_quoted(struct buf *out, const char *name, const char *value)
{
	if (strchr(value, '\'') && strstr(value, "${"))
		return;         /* can be written in neither way; php_ini_apply gives it */
	if (!strchr(value, '\'')) {
		buf_printf(out, "%s='%s'\n", name, value);
		return;
	}
	buf_printf(out, "%s=\"", name);
	for (; *value; value++)
		buf_printf(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	buf_add_str(out, "\"\n");
}

/* -d name=value is php.ini text (constants and so on count), but what begins like no word is taken as it is. */
static void entry_option(struct buf *out, const struct sapi_setting *set)
{
	const char *value = set->value ? set->value : "1";

	if (isalnum((unsigned char)*value) || !*value || *value == '"' || *value == '\'')
		buf_printf(out, "%s=%s\n", set->key, value);
	else
		buf_printf(out, "%s=\"%s\"\n", set->key, value);
}

/* Other names cannot be written as php.ini text, and one that is not would end the reading of all behind it. */
static bool is_plain_name(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:")];
}

static void entries_of(struct buf *out, const struct sapi_ctx *ctx, int mode)
{
	for (size_t i = 0; i < ctx->setting_count; i++) {
		const struct sapi_setting *set = &ctx->settings[i];
		const struct kind *kind = kind_of(set);

		if (kind && kind->mode == mode && !is_added(set->key) && is_plain_name(set->key))
			entry_quoted(out, set->key, kind_value(kind, set));
	}
}

static char *entries_text(const struct sapi_ctx *ctx)
{
	struct buf out = { 0 };
	char *text;

	for (size_t i = 0; i < ctx->setting_count; i++)
		if (!strcmp(ctx->settings[i].name, "-d") && ctx->settings[i].key)
			entry_option(&out, &ctx->settings[i]);
	entries_of(&out, ctx, ZEND_INI_USER);
	entries_of(&out, ctx, ZEND_INI_SYSTEM);
	text = xstrdup(buf_str(&out));
	buf_free(&out);
	return text;
}

/* php-fpm's folder stands beside libphp's own: /etc/php/8.2/{embed,fpm}. NULL where there is none. */
static char *fpm_folder(void)
{
	const char *slash = strrchr(PHP_CONFIG_FILE_PATH, '/');
	char *folder;

	if (!slash)
		return NULL;
	folder = xasprintf("%.*s/fpm", (int)(slash - PHP_CONFIG_FILE_PATH), PHP_CONFIG_FILE_PATH);
	php_missing_ini_check(folder);
	if (access(folder, R_OK | X_OK) == 0)
		return folder;
	free(folder);
	return NULL;
}

/* The folder of more .ini files goes by the environment only. PHP keeps the pointer, so the string stays, but the
 * variable itself must not reach a script. */
static char *scan_variable;

static void scan_folder_set(const char *folder)
{
	if (getenv("PHP_INI_SCAN_DIR"))
		return;
	scan_variable = xasprintf("PHP_INI_SCAN_DIR=%s/conf.d", folder);
	putenv(scan_variable);
}

static void scan_folder_unset(void)
{
	if (scan_variable)
		unsetenv("PHP_INI_SCAN_DIR");
}

static bool is_regular(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* $PHPRC comes first, as in any PHP: a file, or a folder to look into. */
static char *search_path(char *folder)
{
	const char *rc = getenv("PHPRC");
	char *path;

	if (!rc || !*rc)
		return folder;
	path = is_regular(rc) ? xstrdup(rc) : xasprintf("%s:%s", rc, folder);
	free(folder);
	return path;
}

void php_ini_prepare(const struct sapi_ctx *ctx, sapi_module_struct *module)
{
	char *folder;

	module->php_ini_ignore_cwd = 1;
	for (size_t i = 0; i < ctx->setting_count; i++) {
		const struct sapi_setting *set = &ctx->settings[i];

		if (!strcmp(set->name, "-c"))
			module->php_ini_path_override = xstrdup(set->value);
		else if (!strcmp(set->name, "-n"))
			module->php_ini_ignore = 1;
	}
	if (!module->php_ini_ignore && (folder = fpm_folder())) {
		scan_folder_set(folder);
		if (module->php_ini_path_override)
			free(folder);
		else
			module->php_ini_path_override = search_path(folder);
	}
	module->ini_entries = entries_text(ctx);
}

/* The entry takes the value for good: no request's end puts the old one back. */
static int entry_set(const char *name, const char *value, int mode)
{
	zend_ini_entry *entry = zend_hash_str_find_ptr(EG(ini_directives), name, strlen(name));
	zend_string *text;

	if (!entry)
		return -1;
	text = zend_string_init(value, strlen(value), 1);
	if (entry->value && zend_string_equals(entry->value, text)) {
		zend_string_release(text);
	} else if (!entry->on_modify || entry->on_modify(entry, text, entry->mh_arg1, entry->mh_arg2, entry->mh_arg3,
							 ZEND_INI_STAGE_STARTUP) == SUCCESS) {
		entry->value = text;
	} else {
		zend_string_release(text);
		return -1;
	}
	if (mode == ZEND_INI_SYSTEM)
		entry->modifiable = ZEND_INI_SYSTEM;
	return 0;
}

static void classes_disable(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, " ,");

		if (len)
			zend_disable_class(list, len);
		list += len;
		list += strspn(list, " ,");
	}
}

/* ini_get() shows the whole list: php.ini's and this. */
static void list_add(const char *name, const char *more, enum when when)
{
	zend_ini_entry *entry = zend_hash_str_find_ptr(EG(ini_directives), name, strlen(name));
	char *all;

	if (!entry || !*more)
		return;
	if (!strcmp(name, "disable_functions"))
		zend_disable_functions(more);
	else if (when == AT_START)      /* threads have functions of their own, but share the classes */
		classes_disable(more);
	all = entry->value && ZSTR_LEN(entry->value) ? xasprintf("%s,%s", ZSTR_VAL(entry->value), more) : xstrdup(more);
	entry->value = zend_string_init(all, strlen(all), 1);
	entry->modifiable = ZEND_INI_SYSTEM;
	free(all);
}

static void setting_apply(const struct kind *kind, const struct sapi_setting *set, enum when when)
{
	const char *value = kind_value(kind, set);

	if (is_extension(set->key))
		return;         /* loaded while PHP started, which says what went wrong */
	if (is_added(set->key))
		list_add(set->key, value, when);
	else if (entry_set(set->key, value, kind->mode) < 0 && when == AT_START)
		log_error("Unable to set %s '%s': PHP has no such ini entry, or does not take '%s' for it; correct or "
		    "remove %s[%s]", kind->name, set->key, value, kind->name, set->key);
}

/* Several scripts share a process. hard_timeout would end it for one that does not stop at max_execution_time: that
 * is left to request_terminate_timeout, which lets the others finish. And a PHP without timers of each thread's own
 * would stop whichever it meets: it measures nothing. What php.ini or the pool says of hard_timeout holds. */
static void limits_for_threads(enum when when)
{
	if (!strcmp(INI_STR("hard_timeout"), "2"))
		entry_set("hard_timeout", "0", ZEND_INI_USER);
#if defined(ZTS) && !defined(ZEND_MAX_EXECUTION_TIMERS)
	entry_set("max_execution_time", "0", ZEND_INI_SYSTEM);
	entry_set("max_input_time", "-1", ZEND_INI_SYSTEM);
	if (when == AT_START)
		log_warning("this PHP was built without --enable-zend-max-execution-timers: with several threads "
		    "max_execution_time would end the wrong script, and is off; set request_terminate_timeout, or "
		    "mpm = prefork");
#else
	(void)when;
#endif
}

/* First all that scripts may change, then what they may not: the latter wins, wherever it stands. */
static void apply(const struct sapi_ctx *ctx, enum when when)
{
	static const int modes[] = { ZEND_INI_USER, ZEND_INI_SYSTEM };

	if (!strcmp(INI_STR("display_startup_errors"), PHP_INI_QUIET))
		entry_set("display_startup_errors", "1", ZEND_INI_USER);
	for (size_t pass = 0; pass < ARRAY_LEN(modes); pass++)
		for (size_t i = 0; i < ctx->setting_count; i++) {
			const struct kind *kind = kind_of(&ctx->settings[i]);

			if (kind && kind->mode == modes[pass])
				setting_apply(kind, &ctx->settings[i], when);
		}
	if (php_settings.threads)
		limits_for_threads(when);
}

void php_ini_apply(const struct sapi_ctx *ctx)
{
	scan_folder_unset();
	apply(ctx, AT_START);
}

void php_ini_apply_again(const struct sapi_ctx *ctx)
{
	apply(ctx, AGAIN);
}

void php_settings_read(const struct sapi_ctx *ctx, struct php_settings *out)
{
	*out = (struct php_settings){ .limit_extensions = ".php .phar" };
	for (size_t i = 0; i < ctx->setting_count; i++) {
		const struct sapi_setting *set = &ctx->settings[i];

		if (!strcmp(set->name, "security.limit_extensions"))
			out->limit_extensions = set->value ? set->value : "";
		else if (!strcmp(set->name, "security.php_value_params"))
			out->value_params = set->value && is_true(set->value);
		else if (!strcmp(set->name, "catch_workers_output"))
			out->catch_output = set->value && is_true(set->value);
		else if (!strcmp(set->name, "mpm.threads_per_child"))
			out->threads = set->value && strtol(set->value, NULL, 10) > 1;
	}
}
