/* php_values.c -- PHP_VALUE and PHP_ADMIN_VALUE: ini text that the front end sends with a request. The entries take
 * the place of the pool's values before PHP starts the request, so that all that is read then (auto_prepend_file,
 * post_max_size) counts, and the pool's come back after its end. Runs in the child.
 * Nothing is loaded for a request, and a request without these parameters costs two comparisons. */
#include "sapi/php/php_priv.h"

#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "zend_ini_scanner.h"

/* What an entry was before this request, newest last: one set twice stands here twice. */
static PHP_THREAD struct kept {
	zend_ini_entry *entry;
	zend_string *value;             /* may be NULL */
	uint8_t modifiable;
} *kept;
static PHP_THREAD size_t kept_count, kept_room;

void php_values_forget(void)
{
	free(kept);
	kept = NULL;
	kept_count = kept_room = 0;
}

static void kept_add(zend_ini_entry *entry)
{
	if (kept_count == kept_room) {
		kept_room = kept_room ? kept_room * 2 : 16;
		kept = xrealloc(kept, kept_room * sizeof(*kept));
	}
	kept[kept_count++] = (struct kept){ entry, entry->value, entry->modifiable };
}

/* An entry's handler is an extension's: it may leave by a jump, and there is no request yet to end by it. */
static bool entry_modify(zend_ini_entry *entry, zend_string *value, int stage)
{
	volatile bool done = true;

	if (!entry->on_modify)
		return true;
	zend_try {
		done = entry->on_modify(entry, value, entry->mh_arg1, entry->mh_arg2, entry->mh_arg3, stage) == SUCCESS;
	} zend_catch {
		done = false;
		CG(unclean_shutdown) = 0;
	} zend_end_try();
	return done;
}

/* Without a word where the entry does not take the value, as php-fpm has it. */
static void entry_take(zend_ini_entry *entry, zend_string *value, int mode)
{
	zend_string *text = zend_string_init(ZSTR_VAL(value), ZSTR_LEN(value), 1);

	kept_add(entry);
	if (!entry_modify(entry, text, ZEND_INI_STAGE_ACTIVATE)) {
		kept_count--;
		zend_string_release(text);
		return;
	}
	entry->value = text;
	if (mode == ZEND_INI_SYSTEM)
		entry->modifiable = ZEND_INI_SYSTEM;
}

static void refuse_once(atomic_bool *said, const char *name, const char *why)
{
	if (atomic_exchange(said, true))
		return;
	log_warning("%s in PHP_VALUE or PHP_ADMIN_VALUE of a request is ignored: %s; put it into the pool's section as "
	    "php_admin_value[%s]", name, why, name);
}

static bool is_refused(const char *name)
{
	static atomic_bool said_extension, said_zend, said_classes, said_functions;

	if (!strcmp(name, "extension"))
		refuse_once(&said_extension, name, "what is loaded stays loaded for all requests");
	else if (!strcmp(name, "zend_extension"))
		refuse_once(&said_zend, name, "what is loaded stays loaded for all requests");
	else if (!strcmp(name, "disable_classes"))
		refuse_once(&said_classes, name, "PHP cannot give a class back");
	else if (!strcmp(name, "disable_functions") && !php_disable_can())
		refuse_once(&said_functions, name, "opcache's JIT calls functions without looking");
	else
		return false;
	return true;
}

static void value_set(const zval *name, const zval *value, int mode)
{
	zend_ini_entry *entry;

	if (!Z_STRLEN_P(name)) {
		php_log_request(LOG_LEVEL_ERROR, "Passing INI directive through FastCGI: empty key");
		return;
	}
	if (is_refused(Z_STRVAL_P(name)))
		return;
	entry = zend_hash_find_ptr(EG(ini_directives), Z_STR_P(name));
	if (!entry) {
		php_log_request(LOG_LEVEL_ERROR, "Passing INI directive through FastCGI: unable to set '%s'",
		    Z_STRVAL_P(name));
		return;
	}
	entry_take(entry, Z_STR_P(value), mode);
	if (!strcmp(Z_STRVAL_P(name), "disable_functions"))
		php_disable_add(Z_STRVAL_P(value));
}

/* PHP's parser of php.ini calls this for each statement. */
static void statement(zval *name, zval *value, zval *index, int kind, void *mode)
{
	(void)index;
	if (!name)
		return;
	if (kind != ZEND_INI_PARSER_ENTRY)
		php_log_request(LOG_LEVEL_ERROR,
		    "Passing INI directive through FastCGI: only classic entries are allowed");
	else if (!value)
		php_log_request(LOG_LEVEL_ERROR, "Passing INI directive through FastCGI: empty value for key '%s'",
		    Z_STRVAL_P(name));
	else
		value_set(name, value, *(int *)mode);
}

static void text_read(struct php_slice text, const char *param, int mode)
{
	char *line;

	if (!text.p)
		return;
	line = xasprintf("%s\n", text.p);
	if (zend_parse_ini_string(line, 1, ZEND_INI_SCANNER_NORMAL, statement, &mode) == FAILURE)
		log_warning("request %s: %s is no ini text: what stands in front of the fault is set, the rest is not; "
		    "correct it where the front end sets it", php_slot.req->id, param);
	free(line);
}

/* Say so once, where they would have mattered. */
static void refuse(void)
{
	static atomic_bool said;

	if (atomic_exchange(&said, true))
		return;
	log_warning("the front end sends PHP_VALUE or PHP_ADMIN_VALUE, which this pool does not take from a request; "
	    "put php_value[...] or php_admin_value[...] into its section, use .user.ini, or set "
	    "security.php_value_params = yes if nobody but the front end reaches its socket");
}

void php_values_set(struct php_slot *slot)
{
	if (EXPECTED(!slot->param[PARAM_PHP_VALUE].p && !slot->param[PARAM_PHP_ADMIN_VALUE].p))
		return;
	if (!php_settings.value_params) {
		refuse();
		return;
	}
	text_read(slot->param[PARAM_PHP_VALUE], "PHP_VALUE", ZEND_INI_USER);
	text_read(slot->param[PARAM_PHP_ADMIN_VALUE], "PHP_ADMIN_VALUE", ZEND_INI_SYSTEM);
}

/* A request with open_basedir has no realpath cache; PHP leaves it switched off for the process' life. */
static void realpath_cache_restore(void)
{
	zend_ini_entry *size = zend_hash_str_find_ptr(EG(ini_directives), ZEND_STRL("realpath_cache_size"));

	if (size && size->value && !(PG(open_basedir) && *PG(open_basedir)))
		entry_modify(size, size->value, ZEND_INI_STAGE_DEACTIVATE);
}

bool php_values_undo(void)
{
	bool all = true;

	if (EXPECTED(!kept_count))
		return true;
	while (kept_count) {
		struct kept *k = &kept[--kept_count];
		zend_string *sent = k->entry->value;

		if (!entry_modify(k->entry, k->value, ZEND_INI_STAGE_DEACTIVATE)) {
			log_error("the pool's value of %s could not be put back after a request that set it: the child is "
			    "replaced", ZSTR_VAL(k->entry->name));
			all = false;
		}
		k->entry->value = k->value;
		k->entry->modifiable = k->modifiable;
		if (all)
			zend_string_release(sent);      /* else something may point to it still */
	}
	realpath_cache_restore();
	php_disable_undo();
	return all;
}
