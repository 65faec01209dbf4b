/* conf_const.c -- the table of PHP's constants that make sense in a configuration file. Pure; used by the
 * line reader. The master loads no PHP, so nothing is looked up there: values that differ from one PHP to
 * the next (PHP_VERSION) are left out, and the reader doubts words that look like them. */
#include <string.h>
#include "src/base/conf_const.h"
#include "src/base/mem.h"

static const struct { const char *name, *value; } constants[] = {
	{ "E_ERROR", "1" }, { "E_WARNING", "2" }, { "E_PARSE", "4" }, { "E_NOTICE", "8" },
	{ "E_CORE_ERROR", "16" }, { "E_CORE_WARNING", "32" }, { "E_COMPILE_ERROR", "64" },
	{ "E_COMPILE_WARNING", "128" }, { "E_USER_ERROR", "256" }, { "E_USER_WARNING", "512" },
	{ "E_USER_NOTICE", "1024" }, { "E_STRICT", "2048" }, { "E_RECOVERABLE_ERROR", "4096" },
	{ "E_DEPRECATED", "8192" }, { "E_USER_DEPRECATED", "16384" }, { "E_ALL", "32767" },
	{ "INI_USER", "1" }, { "INI_PERDIR", "2" }, { "INI_SYSTEM", "4" }, { "INI_ALL", "7" },
	{ "LOG_EMERG", "0" }, { "LOG_ALERT", "1" }, { "LOG_CRIT", "2" }, { "LOG_ERR", "3" },
	{ "LOG_WARNING", "4" }, { "LOG_NOTICE", "5" }, { "LOG_INFO", "6" }, { "LOG_DEBUG", "7" },
	{ "ENT_COMPAT", "2" }, { "ENT_QUOTES", "3" }, { "ENT_NOQUOTES", "0" },
	{ "DIRECTORY_SEPARATOR", "/" }, { "PATH_SEPARATOR", ":" }, { "PHP_OS", "Linux" },
	{ "PHP_OS_FAMILY", "Linux" }, { "PHP_INT_MAX", "9223372036854775807" },
	{ "PHP_INT_SIZE", "8" }, { "PHP_MAXPATHLEN", "4096" },
};

const char *conf_const_find(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (strlen(constants[i].name) == len && !memcmp(constants[i].name, word, len))
			return constants[i].value;
	return NULL;
}

static bool is_upper(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", word[i], 37))
			return false;
	return true;
}

bool conf_const_like(const char *word, size_t len)
{
	static const char *const starts[] = { "E_", "PHP_", "LOG_", "INI_", "ENT_" };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		size_t start_len = strlen(starts[i]);

		if (len > start_len && !memcmp(word, starts[i], start_len) && is_upper(word, len))
			return true;
	}
	return false;
}
