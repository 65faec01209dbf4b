/* apache_files.c -- the files of an Apache configuration: which there are, each opened once at a time, and Debian's
 * envvars beside them. Runs in `weir import-apache` only. Reads regular files and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/apache/apache_read_priv.h"
#include "src/base/err.h"
#include "src/base/mem.h"

#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define FILES_MAX 10000

/* 0, or -1 with err. */
static int file_read(const char *path, struct buf *out, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = 1;

	if (fd < 0)
		return err_sys(err, "cannot be read");
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return err_set(err, "is no regular file");
	}
	while (n > 0 && out->len <= FILE_BYTES_MAX) {
		buf_reserve(out, 64 * 1024);
		n = read(fd, out->data + out->len, 64 * 1024);
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		err_sys(err, "cannot be read");
	close(fd);
	if (n < 0)
		return -1;
	return n == 0 ? 0 : err_set(err, "has more than %d bytes", FILE_BYTES_MAX);
}

static const char *keep_name(struct apache_conf *conf, const char *path)
{
	conf->files = xrealloc(conf->files, (conf->file_count + 1) * sizeof(*conf->files));
	conf->files[conf->file_count] = xstrdup(path);
	return conf->files[conf->file_count++];
}

static bool is_open(const struct apache_reader *r, const struct stat *st)
{
	for (size_t i = 0; i < r->open_count; i++)
		if (r->open[i].dev == st->st_dev && r->open[i].ino == st->st_ino)
			return true;
	return false;
}

/* What is wrong with a file is told at the line that includes it, or of itself. */
static void refuse(struct apache_reader *r, const char *path, const char *why)
{
	if (r->file)
		apache_read_problem(r, "%s %s", path, why);
	else
		apache_problem(r->conf, path, 0, "%s", why);
}

static void read_opened(struct apache_reader *r, const char *path, const struct buf *text, const struct stat *st)
{
	const char *file = r->file;
	size_t line = r->line;

	r->open[r->open_count++] = (struct apache_open_file){ st->st_dev, st->st_ino };
	r->files_read++;
	r->file = keep_name(r->conf, path);
	apache_read_lines(r, (const char *)text->data, text->len);
	r->open_count--;
	r->file = file;
	r->line = line;
}

static void read_one(struct apache_reader *r, const char *path)
{
	struct buf text = { 0 };
	struct stat st;
	struct err err;

	if (file_read(path, &text, &st, &err) < 0)
		refuse(r, path, err.text);
	else if (is_open(r, &st))
		refuse(r, path, "includes itself");
	else if (r->open_count == APACHE_DEPTH_MAX)
		refuse(r, path, "is included too deep");
	else if (r->files_read >= FILES_MAX)
		refuse(r, path, "is one too many: does a file include others again and again?");
	else
		read_opened(r, path, &text, &st);
	buf_free(&text);
}

/* The whole pattern, seen from folder; 0: it finds something. */
static int find_from(const char *folder, const char *pattern, glob_t *found)
{
	char *whole = xasprintf("%s/%s", folder, pattern);
	int rc = glob(whole, 0, NULL, found);

	free(whole);
	return rc;
}

/* Relative names count from ServerRoot, which Debian's files do not say: then from the folder of the file that was
 * named, or, for one in sites-enabled and its kind, from the folder above. */
static int find(struct apache_reader *r, const char *pattern, glob_t *found)
{
	char *above = xasprintf("%s/..", r->folder);
	int rc = GLOB_NOMATCH;

	if (*pattern == '/') {
		rc = glob(pattern, 0, NULL, found);
	} else {
		if (r->conf->server_root)
			rc = find_from(r->conf->server_root, pattern, found);
		if (rc)
			rc = find_from(r->folder, pattern, found);
		if (rc)
			rc = find_from(above, pattern, found);
	}
	free(above);
	return rc;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void read_found(struct apache_reader *r, const char *path, bool optional)
{
	char *all;

	if (!is_folder(path)) {
		read_one(r, path);
		return;
	}
	if (++r->files_read >= FILES_MAX) {
		refuse(r, path, "is one folder too many");
		return;
	}
	all = xasprintf("%s/*", path);
	apache_read_include(r, all, optional);
	free(all);
}

void apache_read_include(struct apache_reader *r, const char *pattern, bool optional)
{
	glob_t found = { 0 };
	size_t wild = strcspn(pattern, "*?[");

	if (!r->folder) {
		apache_read_problem(r, "'%.200s' is not included here", pattern);
		return;
	}
	if (strlen(pattern) > 4096) {
		apache_read_problem(r, "the name of a file of %zu bytes", strlen(pattern));
		return;
	}
	if (find(r, pattern, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_found(r, found.gl_pathv[i], true);
	} else if (!optional) {
		apache_read_problem(r, "Include %s: %s", pattern, pattern[wild] ? "nothing fits" : "no such file");
	}
	globfree(&found);
}

/* Beside the file, or above it. */
static void read_envvars(struct apache_reader *r)
{
	for (size_t i = 0; i < 2; i++) {
		char *path = xasprintf(i ? "%s/envvars" : "%s/../envvars", r->folder);
		struct buf text = { 0 };
		struct stat st;

		if (file_read(path, &text, &st, NULL) == 0)
			apache_vars_envvars(&r->conf->vars, (const char *)text.data, text.len);
		buf_free(&text);
		free(path);
	}
}

void apache_read_file(struct apache_conf *conf, const char *path)
{
	struct apache_reader *r = xcalloc(1, sizeof(*r));
	char *copy = xstrdup(path);

	r->conf = conf;
	r->folder = xstrdup(dirname(copy));
	read_envvars(r);
	read_one(r, path);
	free(copy);
	free(r->folder);
	free(r);
}

void apache_read_text(struct apache_conf *conf, const char *name, const char *text, size_t len)
{
	struct apache_reader *r = xcalloc(1, sizeof(*r));

	r->conf = conf;
	r->file = keep_name(conf, name);
	apache_read_lines(r, text, len);
	free(r);
}
