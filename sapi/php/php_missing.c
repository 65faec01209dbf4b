/* php_missing.c -- what PHP did not find while it started, in words that say what to do: PHP names the places where
 * it looked, and neither the file that asks nor the package that helps. Runs in the zygote, probes and prints.
 * The pool runs on without it, as PHP does: a site may not need what its php.ini names. */
#include "sapi/php/php_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/mem.h"

/* libphp's, in none of its headers. */
extern PHPAPI char *php_ini_opened_path;        /* the php.ini that was read, or NULL */
extern PHPAPI char *php_ini_scanned_files;      /* "FILE,\nFILE\n", or NULL */

/* Debian: extension -> what follows "php8.2-" in the package's name, where that is another word. */
static const struct { const char *extension, *package; } packages[] = {
	{ "mysqli", "mysql" }, { "mysqlnd", "mysql" }, { "pdo_mysql", "mysql" }, { "pdo_pgsql", "pgsql" },
	{ "pdo_sqlite", "sqlite3" }, { "pdo_odbc", "odbc" }, { "pdo_firebird", "interbase" }, { "pdo_dblib", "sybase" },
	{ "dom", "xml" }, { "simplexml", "xml" }, { "xmlreader", "xml" }, { "xmlwriter", "xml" }, { "xsl", "xml" },
	{ "calendar", "common" }, { "ctype", "common" }, { "exif", "common" }, { "ffi", "common" },
	{ "fileinfo", "common" }, { "ftp", "common" }, { "gettext", "common" }, { "iconv", "common" },
	{ "pdo", "common" }, { "phar", "common" }, { "posix", "common" }, { "shmop", "common" },
	{ "sockets", "common" }, { "sysvmsg", "common" }, { "sysvsem", "common" }, { "sysvshm", "common" },
	{ "tokenizer", "common" },
};
/* Those whose package has the extension's name. */
static const char *const same_name[] = {
	"amqp", "apcu", "ast", "bcmath", "bz2", "curl", "dba", "ds", "enchant", "gd", "gearman", "gmagick", "gmp",
	"gnupg", "http", "igbinary", "imagick", "imap", "interbase", "intl", "ldap", "mailparse", "maxminddb",
	"mbstring", "mcrypt", "memcache", "memcached", "mongodb", "msgpack", "oauth", "odbc", "opcache", "pcov",
	"pgsql", "pinba", "ps", "pspell", "psr", "raphf", "readline", "redis", "rrd", "snmp", "soap", "solr",
	"sqlite3", "ssh2", "stomp", "tidy", "uopz", "uploadprogress", "uuid", "xdebug", "xml", "xmlrpc", "yac",
	"yaml", "zip", "zmq",
};

static const char *package_of(const char *extension)
{
	for (size_t i = 0; i < ARRAY_LEN(packages); i++)
		if (!strcasecmp(packages[i].extension, extension))
			return packages[i].package;
	for (size_t i = 0; i < ARRAY_LEN(same_name); i++)
		if (!strcasecmp(same_name[i], extension))
			return same_name[i];
	return NULL;
}

/* Does the line say [zend_]extension = NAME, in quotes or not? */
static bool line_asks(const char *line, const char *name)
{
	size_t len = strlen(name);

	line += strspn(line, " \t");
	if (!strncasecmp(line, "zend_", 5))
		line += 5;
	if (strncasecmp(line, "extension", 9))
		return false;
	line += 9;
	line += strspn(line, " \t");
	if (*line++ != '=')
		return false;
	line += strspn(line, " \t\"'");
	return !strncmp(line, name, len) && strchr(" \t\r\n;\"'", line[len]);      /* or the line's end */
}

/* "FILE, line N" into out; false: not this file. */
static bool file_asks(const char *path, const char *name, struct buf *out)
{
	FILE *file = fopen(path, "re");
	size_t room = 0;
	char *line = NULL;
	bool found = false;

	if (!file)
		return false;
	for (int number = 1; !found && getline(&line, &room, file) >= 0; number++)
		if ((found = line_asks(line, name)))
			buf_printf(out, "%s, line %d", path, number);
	free(line);
	fclose(file);
	return found;
}

/* Who asks for it: a file that PHP has read, or what the pool says. */
static void asker_find(const char *name, struct buf *out)
{
	char *files = xstrdup(php_ini_scanned_files ? php_ini_scanned_files : ""), *save = NULL;
	bool found = php_ini_opened_path && file_asks(php_ini_opened_path, name, out);

	for (char *path = strtok_r(files, ",\n", &save); path && !found; path = strtok_r(NULL, ",\n", &save))
		found = file_asks(path, name, out);
	free(files);
	if (!found)
		buf_add_str(out, "the pool's php_value or php_admin_value, or the option -d");
}

static void extension_explain(const char *name, size_t len)
{
	bool suffixed = len > 3 && !strncasecmp(name + len - 3, ".so", 3);
	char *asked = xasprintf("%.*s", (int)len, name);
	const char *slash = strrchr(asked, '/');
	char *bare = xasprintf("%.*s", (int)(strlen(asked) - (suffixed ? 3 : 0)), asked);
	const char *package = PHP_THREAD_SAFE ? NULL : package_of(slash ? bare + (slash + 1 - asked) : bare);
	struct buf where = { 0 };

	asker_find(asked, &where);
	if (package)
		log_error("the extension '%s' was not loaded, see above; %s asks for it. Install Debian's package "
		    "php" WEIR_PHP_VERSION "-%s, or take the line out", bare, buf_str(&where), package);
	else
		log_error("the extension '%s' was not loaded, see above; %s asks for it. Install the package that "
		    "holds it for PHP " WEIR_PHP_NAME ", or take the line out", bare, buf_str(&where));
	buf_free(&where);
	free(bare);
	free(asked);
}

void php_missing_explain(const char *message)
{
	static const char *const heads[] = { "Unable to load dynamic library '", "Failed loading Zend extension '" };

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		const char *name = strstr(message, heads[i]);

		if (!name)
			continue;
		name += strlen(heads[i]);
		extension_explain(name, strcspn(name, "'"));
		return;
	}
}

static void unreadable_say(const char *path)
{
	const struct passwd *pw = getpwuid(geteuid());

	log_error("%s cannot be read by user %s (%u): PHP runs without it, with its built-in values; let that user read "
	    "it (chmod a+r), its folders included", path, pw ? pw->pw_name : "of no name", geteuid());
}

/* PHP goes without, and says nothing. */
static bool is_unreadable(const char *path)
{
	return access(path, R_OK) < 0 && errno == EACCES;
}

void php_missing_ini_check(const char *folder)
{
	char *pattern = xasprintf("%s/conf.d/*.ini", folder), *ini = xasprintf("%s/php.ini", folder);
	glob_t found = { 0 };

	if (is_unreadable(ini))
		unreadable_say(ini);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (is_unreadable(found.gl_pathv[i]))
				unreadable_say(found.gl_pathv[i]);
	globfree(&found);
	free(pattern);
	free(ini);
}

/* Of the option -c: a file or a folder. */
void php_missing_option_check(const char *path)
{
	char *ini = xasprintf("%s/php.ini", path), *opened = NULL;

	if (cfg_get_string("cfg_file_path", &opened) == SUCCESS && opened)
		;
	else if (is_unreadable(path))
		unreadable_say(path);
	else if (is_unreadable(ini))
		unreadable_say(ini);
	else
		log_warning("-c %s: there is no php.ini; PHP runs with its built-in values", path);
	free(ini);
}

static const char *api_in(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what));
}

/* The file that libphp is, read only here: its API can be had from it before anything of it runs. */
static const char *library_map(const char **path_out, size_t *len_out)
{
	Dl_info info;
	struct stat st;
	void *text = MAP_FAILED;
	int fd = dladdr((void *)(uintptr_t)php_module_startup, &info) ? open(info.dli_fname, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	*path_out = info.dli_fname;
	*len_out = (size_t)st.st_size;
	return text == MAP_FAILED ? NULL : text;
}

int php_missing_version_check(struct err *err)
{
	const char *path, *found, *text;
	size_t len;
	int rc = 0;

	text = library_map(&path, &len);
	if (!text)
		return 0;       /* it is loaded, and its file is out of sight: nothing can be told */
	found = api_in(text, len, "API20");
	if (!api_in(text, len, ZEND_MODULE_BUILD_ID))
		rc = err_set(err, "weir_php" WEIR_PHP_NAME ".so was built for PHP " WEIR_PHP_VERSION
		    " (" ZEND_MODULE_BUILD_ID "), and %s is another version (%.11s): install Debian's package "
		    "libphp" WEIR_PHP_VERSION "-embed, or build Weir with the php-config of that one", path,
		    found ? found : "unknown");
	munmap((void *)(uintptr_t)text, len);
	return rc;
}
