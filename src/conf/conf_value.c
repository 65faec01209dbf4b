/* conf_value.c -- turns the text of a value into its place in a struct, and back, by the type in the key's
 * row. Pure; for every process that reads configuration. Numbers that do not fit are refused, never wrapped
 * around; whether a value makes sense beside others is not asked here (conf_check.c). */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/conf/conf.h"
#include "src/conf/conf_value.h"

#define NOT_A_NUMBER "is not a valid number (greater or equal than zero)"

static const char *const pm_names[] = {
	[CONF_PM_STATIC] = "static", [CONF_PM_DYNAMIC] = "dynamic", [CONF_PM_ONDEMAND] = "ondemand",
};
static const char *const mpm_names[] = {
	[CONF_MPM_PREFORK] = "prefork", [CONF_MPM_WORKER] = "worker", [CONF_MPM_EVENT] = "event",
};
static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "DEBUG", [LOG_LEVEL_NOTICE] = "NOTICE", [LOG_LEVEL_WARNING] = "WARNING",
	[LOG_LEVEL_ERROR] = "ERROR", [LOG_LEVEL_ALERT] = "ALERT",
};

/* The index of text among names, any case; -1: it is not there. */
static int name_index(const char *const *names, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] && !strcasecmp(names[i], text))
			return (int)i;
	return -1;
}

int conf_value_bool(const char *text, bool *out)
{
	static const char *const yes[] = { "1", "yes", "true", "on" };
	static const char *const no[] = { "", "0", "no", "none", "false", "off" };

	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (i < ARRAY_LEN(yes) && !strcmp(text, yes[i])) {
			*out = true;
			return 0;
		}
		if (!strcmp(text, no[i])) {
			*out = false;
			return 0;
		}
	}
	return -1;
}

static int check_range(const struct conf_key *key, int64_t number, struct err *why)
{
	if (number < key->min && key->min == 0)
		return err_set(why, "must not be negative");
	if (number < key->min)
		return err_set(why, "must be at least %lld", (long long)key->min);
	if (number > key->max)
		return err_set(why, "must be at most %lld", (long long)key->max);
	return 0;
}

/* An optional '-' and digits, nothing else; empty is 0, as php-fpm has it. */
static int read_number(const struct conf_key *key, const char *text, int64_t *out, struct err *why)
{
	const char *digits = text + (*text == '-');
	long long number;

	if (strspn(digits, "0123456789") != strlen(digits) || (*text == '-' && !*digits))
		return err_set(why, NOT_A_NUMBER);
	errno = 0;
	number = strtoll(text, NULL, 10);
	if (errno == ERANGE)
		return err_set(why, "is too large a number");
	*out = number;
	return check_range(key, number, why);
}

/* Suffixes that multiply a number, and php-fpm's words when it is none. */
struct units {
	const char *letters;
	const int64_t *factors;
	const char *no_number, *no_unit;
};

/* digits: text without its suffix; changed. */
static int read_multiple(const struct conf_key *key, char *digits, int64_t factor, int64_t *out,
			 struct err *why)
{
	size_t len = strlen(digits);
	long long number;

	while (len && strchr(" \t", digits[len - 1]))
		digits[--len] = '\0';
	errno = 0;
	number = strtoll(digits, NULL, 10);
	if (errno == ERANGE || __builtin_mul_overflow((int64_t)number, factor, out))
		return err_set(why, "is too large a number");
	return check_range(key, *out, why);
}

static int read_with_unit(const struct conf_key *key, const char *text, const struct units *u, int64_t *out,
			  struct err *why)
{
	size_t len = strlen(text);
	size_t digits_len = (*text == '-') + strspn(text + (*text == '-'), "0123456789");
	const char *letter = len ? strchr(u->letters, text[len - 1]) : NULL;
	char *digits;
	int failed;

	if (!len)
		return err_set(why, "%s", u->no_number);
	if (!letter && !isdigit((unsigned char)text[len - 1]))
		return err_set(why, "%s", u->no_unit);
	if (digits_len == (size_t)(*text == '-') ||
	    digits_len + strspn(text + digits_len, " \t") + (letter != NULL) != len)
		return err_set(why, "%s", u->no_number);
	digits = xstrndup(text, len - (letter != NULL));
	failed = read_multiple(key, digits, letter ? u->factors[letter - u->letters] : 1, out, why);
	free(digits);
	return failed;
}

static int read_time(const struct conf_key *key, const char *text, int64_t *out, struct err *why)
{
	static const int64_t factors[] = { 1, 60, 3600, 86400 };
	static const struct units units = {
		"smhd", factors, "invalid time value", "unknown suffix used in time value",
	};

	return read_with_unit(key, text, &units, out, why);
}

static int read_size(const struct conf_key *key, const char *text, int64_t *out, struct err *why)
{
	static const int64_t factors[] = { 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30 };
	static const struct units units = {
		"kKmMgG", factors, "invalid size value", "unknown suffix used in size value (K, M or G)",
	};

	return read_with_unit(key, text, &units, out, why);
}

static int read_mode(const char *text, unsigned *out, struct err *why)
{
	if (!*text || strspn(text, "01234567") != strlen(text) || strtoul(text, NULL, 8) > 0777)
		return err_set(why, "is not an octal file mode such as 0660");
	*out = (unsigned)strtoul(text, NULL, 8);
	return 0;
}

static int set_string(const struct conf_key *key, char **place, const char *text, struct err *why)
{
	if (!*text && (key->flags & CONF_KEY_NO_EMPTY))
		return err_set(why, "it is empty");
	free(*place);
	*place = *text || (key->flags & CONF_KEY_EMPTY) ? xstrdup(text) : NULL;
	return 0;
}

static int set_int(const struct conf_key *key, int *place, const char *text, struct err *why)
{
	static const struct conf_key any_int = { .min = INT_MIN, .max = INT_MAX };
	int64_t number;

	if (read_number(key->type == CONF_PRIORITY ? &any_int : key, text, &number, why) < 0)
		return -1;
	*place = (int)number;
	return 0;
}

static int set_core(const struct conf_key *key, int64_t *place, const char *text, struct err *why)
{
	if (!strcasecmp(text, "unlimited")) {
		*place = -1;
		return 0;
	}
	if (*text == '-' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1))
		return err_set(why, "must be greater than zero or 'unlimited'");
	return read_number(key, text, place, why);
}

static int set_level(int *place, const char *text, struct err *why)
{
	const char *name = strcasecmp(text, "warn") ? text : "warning";
	int level = name_index(level_names, ARRAY_LEN(level_names), name);

	if (level < 0)
		return err_set(why, "invalid value for 'log_level'");
	*place = level;
	return 0;
}

static int set_pm(enum conf_pm *place, const char *text, struct err *why)
{
	int pm = name_index(pm_names, ARRAY_LEN(pm_names), text);

	if (pm < 0)
		return err_set(why, "invalid process manager (static, dynamic or ondemand)");
	*place = (enum conf_pm)pm;
	return 0;
}

static int set_mpm(enum conf_mpm *place, const char *text, struct err *why)
{
	int mpm = name_index(mpm_names, ARRAY_LEN(mpm_names), text);

	if (mpm < 0)
		return err_set(why, "invalid multi-processing model (prefork, worker or event)");
	*place = (enum conf_mpm)mpm;
	return 0;
}

/* -1: text is none of the key's words. */
static int choice_index(const struct conf_key *key, const char *text)
{
	for (int i = 0; *text && key->choices[i]; i++)
		if (!strcasecmp(key->choices[i], text))
			return i;
	return -1;
}

static int refuse_choice(const struct conf_key *key, struct err *why)
{
	struct buf words = { 0 };

	for (int i = 0; key->choices[i]; i++)
		if (*key->choices[i])
			buf_printf(&words, "%s%s", words.len ? ", " : "", key->choices[i]);
	err_set(why, "invalid value, give one of %s", buf_str(&words));
	buf_free(&words);
	return -1;
}

/* A file's bare yes and no come as 1 and nothing. */
static int set_choice(const struct conf_key *key, int *place, const char *text, struct err *why)
{
	int found = choice_index(key, text);
	bool flag;

	if (found < 0 && conf_value_bool(text, &flag) == 0)
		found = choice_index(key, flag ? "yes" : "no");
	if (found < 0)
		return refuse_choice(key, why);
	*place = found;
	return 0;
}

static int set_bool(bool *place, const char *text, struct err *why)
{
	return conf_value_bool(text, place) < 0 ? err_set(why, "invalid boolean value") : 0;
}

static int set_signed(const struct conf_key *key, int64_t *place, const char *text, struct err *why)
{
	int64_t number;
	int failed = key->type == CONF_TIME ? read_time(key, text, &number, why) :
					      read_number(key, text, &number, why);

	if (failed)
		return -1;
	*place = number;
	return 0;
}

static int set_size(const struct conf_key *key, uint64_t *place, const char *text, struct err *why)
{
	int64_t number;

	if (read_size(key, text, &number, why) < 0)
		return -1;
	*place = (uint64_t)number;
	return 0;
}

int conf_value_set(const struct conf_key *key, void *base, const char *text, struct err *why)
{
	void *place = (char *)base + key->offset;

	switch (key->type) {
	case CONF_STRING:
	case CONF_PATH:
		return set_string(key, place, text, why);
	case CONF_BOOL:
		return set_bool(place, text, why);
	case CONF_INT:
	case CONF_PRIORITY:
		return set_int(key, place, text, why);
	case CONF_LONG:
	case CONF_TIME:
		return set_signed(key, place, text, why);
	case CONF_SIZE:
		return set_size(key, place, text, why);
	case CONF_CORE:
		return set_core(key, place, text, why);
	case CONF_LEVEL:
		return set_level(place, text, why);
	case CONF_MODE:
		return read_mode(text, place, why);
	case CONF_PM:
		return set_pm(place, text, why);
	case CONF_MPM:
		return set_mpm(place, text, why);
	case CONF_CHOICE:
		return set_choice(key, place, text, why);
	case CONF_LIST:
	case CONF_PAIRS:
	case CONF_PAIR_FLAGS:
		break;
	}
	bug_at(__FILE__, __LINE__, "an array is not one value");
}

static bool show_text(const char *text, struct buf *out)
{
	if (text)
		buf_add_str(out, text);
	return text != NULL;
}

static bool show_number(long long number, long long unset, const char *unit, struct buf *out)
{
	if (number == unset)
		return false;
	buf_printf(out, "%lld%s", number, unit);
	return true;
}

bool conf_value_show(const struct conf_key *key, const void *base, struct buf *out)
{
	const void *place = (const char *)base + key->offset;
	const char *seconds = key->flags & CONF_KEY_BARE_TIME ? "" : "s";
	int64_t core;

	switch (key->type) {
	case CONF_STRING:
	case CONF_PATH:
		return show_text(*(char *const *)place, out);
	case CONF_BOOL:
		return show_text(*(const bool *)place ? "yes" : "no", out);
	case CONF_INT:
		return show_number(*(const int *)place, LLONG_MIN, "", out);
	case CONF_PRIORITY:
		return show_number(*(const int *)place, CONF_PRIORITY_UNSET, "", out);
	case CONF_LONG:
		return show_number(*(const int64_t *)place, LLONG_MIN, "", out);
	case CONF_TIME:
		return show_number(*(const int64_t *)place, -1, seconds, out);
	case CONF_SIZE:
		return show_number((long long)*(const uint64_t *)place, LLONG_MIN, "", out);
	case CONF_CORE:
		core = *(const int64_t *)place;
		return core < 0 ? show_text("unlimited", out) : show_number(core, LLONG_MIN, "", out);
	case CONF_LEVEL:
		return show_text(level_names[*(const int *)place], out);
	case CONF_MODE:
		buf_printf(out, "%04o", *(const unsigned *)place);
		return true;
	case CONF_PM:
		return show_text(pm_names[*(const enum conf_pm *)place], out);
	case CONF_MPM:
		return show_text(mpm_names[*(const enum conf_mpm *)place], out);
	case CONF_CHOICE:
		return show_text(key->choices[*(const int *)place], out);
	case CONF_LIST:
	case CONF_PAIRS:
	case CONF_PAIR_FLAGS:
		break;
	}
	bug_at(__FILE__, __LINE__, "an array is not one value");
}

static void set_unset(const struct conf_key *key, void *base)
{
	void *place = (char *)base + key->offset;

	if (key->type == CONF_TIME)
		*(int64_t *)place = -1;
	if (key->type == CONF_PRIORITY)
		*(int *)place = CONF_PRIORITY_UNSET;
}

void conf_value_defaults(enum conf_where where, void *base)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		struct err why;

		if (key->where != where || conf_key_is_array(key))
			continue;
		set_unset(key, base);
		BUG_IF(key->initial && conf_value_set(key, base, key->initial, &why) < 0);
	}
}

static void pairs_free(struct conf_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->at[i].sub);
		free(pairs->at[i].value);
		free(pairs->at[i].written);
	}
	free(pairs->at);
	pairs->at = NULL;
	pairs->count = 0;
}

void conf_value_free(enum conf_where where, void *base)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		void *place = (char *)base + key->offset;

		if (key->where != where)
			continue;
		if (conf_key_is_array(key))
			pairs_free(place);
		if (key->type == CONF_STRING || key->type == CONF_PATH) {
			free(*(char **)place);
			*(char **)place = NULL;
		}
	}
}
