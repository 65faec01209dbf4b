/* spawn.c -- what a started process is told, written by the master and read by the new process.
 * Both ends are one build, so the head is a plain struct; still nothing is believed that does not fit: a process that
 * cannot trust its orders must not start. Starts nothing itself. */
#include "src/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define SPAWN_MAGIC     0x77656972u     /* "weir" */
#define SPAWN_MOST      (64u << 20)     /* bytes; a section is a few KiB */
#define SPAWN_SEALS     (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Three texts stand behind it, in this order, without NULs between them. */
struct spawn_head {
	uint32_t magic;
	uint32_t head_size;             /* another build would differ here first */
	uint32_t kind, names, print;
	uint32_t was_root;
	uint32_t generation;
	uint32_t listen_count;
	int32_t log_level;
	uint32_t pool_uid, pool_gid;
	uint32_t has_section, has_module;       /* NULL is not "" */
	uint32_t log_to_syslog;
	char short_name[16];
	uint64_t section_len, module_len, options_len;
};
_Static_assert(sizeof(struct spawn_head) == 96, "no padding");

int spawn_info_write(const struct spawn_info *info)
{
	struct spawn_head head = {
		.magic = SPAWN_MAGIC,
		.head_size = sizeof(head),
		.kind = info->kind,
		.names = info->names,
		.print = info->print,
		.was_root = info->was_root,
		.generation = info->generation,
		.listen_count = info->listen_count,
		.log_level = info->log_level,
		.log_to_syslog = info->log_to_syslog,
		.pool_uid = info->pool_uid,
		.pool_gid = info->pool_gid,
		.has_section = info->section != NULL,
		.has_module = info->module != NULL,
		.section_len = info->section ? info->section_len : 0,
		.module_len = info->module ? strlen(info->module) : 0,
		.options_len = info->options_len,
	};
	struct buf all = { 0 };
	int fd;

	prctl(PR_GET_NAME, head.short_name);
	buf_add(&all, &head, sizeof(head));
	buf_add(&all, info->section, head.section_len);
	buf_add(&all, info->module, head.module_len);
	buf_add(&all, info->options, head.options_len);
	fd = fd_memfd_sealed("weir-spawn", all.data, all.len);
	buf_free(&all);
	return fd;
}

static int spawn_read_all(int fd, struct buf *all, struct err *err)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SPAWN_SEALS) != SPAWN_SEALS || fstat(fd, &st) < 0)
		return err_set(err, "descriptor %d holds no orders of a master", fd);
	if (st.st_size < (off_t)sizeof(struct spawn_head) || st.st_size > (off_t)SPAWN_MOST)
		return err_set(err, "the orders on descriptor %d have an impossible size", fd);
	buf_reserve(all, (size_t)st.st_size);
	while (all->len < (size_t)st.st_size) {
		ssize_t n = pread(fd, all->data + all->len, (size_t)st.st_size - all->len, (off_t)all->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "cannot read the orders on descriptor %d", fd);
		all->len += (size_t)n;
	}
	return 0;
}

static int spawn_head_check(const struct spawn_head *h, size_t total, struct err *err)
{
	size_t texts = total - sizeof(*h);

	if (h->magic != SPAWN_MAGIC || h->head_size != sizeof(*h))
		return err_set(err, "the orders come from another build");
	if (h->section_len > texts || h->module_len > texts || h->options_len > texts ||
	    h->section_len + h->module_len + h->options_len != texts)
		return err_set(err, "the orders' texts do not add up");
	if (h->kind < SPAWN_POOL || h->kind > SPAWN_PROBE || h->names > SPAWN_NAMES_PHP_FPM ||
	    h->print > SPAWN_PRINT_THREADS)
		return err_set(err, "the orders name no known kind of process");
	if (h->log_level < LOG_LEVEL_DEBUG || h->log_level > LOG_LEVEL_ALERT || h->was_root > 1 || h->log_to_syslog > 1)
		return err_set(err, "the orders hold a value that is out of range");
	return 0;
}

static char *spawn_take_text(const uint8_t **at, uint64_t len)
{
	char *text = xcalloc((size_t)len + 1, 1);

	memcpy(text, *at, (size_t)len);
	*at += len;
	return text;
}

int spawn_info_read(int fd, struct spawn_info *info_out, struct err *err)
{
	struct buf all = { 0 };
	struct spawn_head h;
	const uint8_t *at;

	*info_out = (struct spawn_info){ 0 };
	if (spawn_read_all(fd, &all, err) < 0)
		goto failed;
	memcpy(&h, all.data, sizeof(h));
	if (spawn_head_check(&h, all.len, err) < 0)
		goto failed;
	*info_out = (struct spawn_info){
		.kind = h.kind, .names = h.names, .print = h.print, .was_root = h.was_root,
		.generation = h.generation, .listen_count = h.listen_count, .log_level = h.log_level,
		.log_to_syslog = h.log_to_syslog,
		.pool_uid = h.pool_uid, .pool_gid = h.pool_gid,
		.section_len = h.section_len, .options_len = h.options_len,
	};
	memcpy(info_out->short_name, h.short_name, sizeof(h.short_name) - 1);
	at = all.data + sizeof(h);
	if (h.has_section)
		info_out->section = spawn_take_text(&at, h.section_len);
	if (h.has_module)
		info_out->module = spawn_take_text(&at, h.module_len);
	info_out->options = spawn_take_text(&at, h.options_len);
	buf_free(&all);
	return 0;
failed:
	buf_free(&all);
	return -1;
}

void spawn_info_free(struct spawn_info *info)
{
	free(info->section);
	free(info->module);
	free(info->options);
	*info = (struct spawn_info){ 0 };
}

void spawn_option_add(struct buf *options, const char *name, const char *key, const char *value)
{
	const char *const texts[] = { name, key, value };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		buf_add_str(options, texts[i] ? texts[i] : "");
		buf_add(options, "", 1);
	}
}
