/* php_user_ini.c -- configuration that depends on the script: php.ini's [HOST=] and [PATH=] sections, and the
 * .user.ini files from the document root down to the script's folder. Runs in the child, at a request's start.
 * Files are read once per folder and user_ini.cache_ttl seconds. What they may change is PHP's to judge. */
#include "sapi/php/php_priv.h"

#include <string.h>
#include <sys/param.h>

struct user_ini {
	time_t read;                    /* in which second */
	HashTable values;
};

static PHP_THREAD HashTable user_inis;             /* folder and user_ini.filename -> struct user_ini */
static PHP_THREAD bool user_inis_ready;

static void user_ini_drop(zval *entry)
{
	struct user_ini *ui = Z_PTR_P(entry);

	zend_hash_destroy(&ui->values);
	pefree(ui, 1);
}

void php_user_ini_forget(void)
{
	if (user_inis_ready)
		zend_hash_destroy(&user_inis);
	user_inis_ready = false;
}

static struct user_ini *user_ini_find(const char *folder, size_t len)
{
	struct user_ini *ui;

	if (!user_inis_ready) {
		zend_hash_init(&user_inis, 8, NULL, user_ini_drop, 1);
		user_inis_ready = true;
	}
	ui = zend_hash_str_find_ptr(&user_inis, folder, len);
	if (ui)
		return ui;
	ui = pecalloc(1, sizeof(*ui), 1);
	zend_hash_init(&ui->values, 0, NULL, config_zval_dtor, 1);
	zend_hash_str_update_ptr(&user_inis, folder, len, ui);
	return ui;
}

/* A request may come with a name and a time of its own (PHP_VALUE): it must not find another's, nor leave its own. */
static struct user_ini *user_ini_of(const char *folder)
{
	char key[2 * MAXPATHLEN];
	int len = snprintf(key, sizeof(key), "%s%s", folder, PG(user_ini_filename));

	return user_ini_find(key, len < (int)sizeof(key) ? (size_t)len : sizeof(key) - 1);
}

/* Is the folder (which ends in a slash) the root or below it? Whole components count: /www2 is not in /www. */
static bool is_below(const char *folder, size_t len, struct php_slice root)
{
	return root.p && root.len && len > root.len && !memcmp(folder, root.p, root.len) && folder[root.len] == '/';
}

/* folder ends in a slash and is written to on the way. Outside the document root only the folder itself is looked
 * at, as php-fpm does. */
static void user_ini_scan(struct user_ini *ui, char *folder, size_t len, struct php_slice root)
{
	size_t at = is_below(folder, len, root) ? root.len : len - 1;

	zend_hash_clean(&ui->values);
	for (; at < len; at++)
		if (folder[at] == '/') {
			folder[at] = '\0';
			php_parse_user_ini_file(folder, PG(user_ini_filename), &ui->values);
			folder[at] = '/';
		}
}

static void user_ini_files(const struct php_slot *slot, char *folder, size_t len)
{
	struct php_slice root = slot->param[PARAM_DOCUMENT_ROOT];
	struct user_ini *ui;

	if (!php_path_var(&slot->path, "DOCUMENT_ROOT", sizeof("DOCUMENT_ROOT") - 1, &root) && !root.p)
		return;
	while (root.len && root.p[root.len - 1] == '/')
		root.len--;
	ui = user_ini_of(folder);
	if (slot->started.tv_sec > ui->read + PG(user_ini_cache_ttl)) {
		user_ini_scan(ui, folder, len, root);
		ui->read = slot->started.tv_sec;
	}
	php_ini_activate_config(&ui->values, PHP_INI_PERDIR, PHP_INI_STAGE_HTACCESS);
}

static void host_sections(const struct php_slot *slot)
{
	struct php_slice name = slot->param[PARAM_SERVER_NAME];
	char *lower;

	if (!name.len || !php_ini_has_per_host_config())
		return;
	lower = estrndup(name.p, name.len);
	zend_str_tolower(lower, name.len);
	php_ini_activate_per_host_config(lower, name.len);
	efree(lower);
}

void php_user_ini_activate(const struct php_slot *slot)
{
	const char *slash = strrchr(slot->script, '/');
	size_t len = slash ? (size_t)(slash - slot->script) + 1 : 0;
	bool files = PG(user_ini_filename) && *PG(user_ini_filename);
	char folder[MAXPATHLEN];

	host_sections(slot);
	if (!len || len >= sizeof(folder) || (!files && !php_ini_has_per_dir_config()))
		return;
	memcpy(folder, slot->script, len);
	folder[len] = '\0';
	php_ini_activate_per_dir_config(folder, len);
	if (files)
		user_ini_files(slot, folder, len);
}
