/* names.c -- runs in the master: what the system knows of users and groups. A process that is forked for a question
 * writes what it found into a pipe; where none can be had, or it breaks, the question is asked here. */
#include "src/base/names.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/buf.h"
#include "src/base/fd.h"
#include "src/base/mem.h"

#define GROUPS_FIRST 64

struct question {
	const char *name;
	uid_t uid;
	gid_t gid;
};

/* Appends the answer to out; nothing: there is none. */
typedef void answer_fn(const struct question *q, struct buf *out);

static bool ask_apart;

void names_ask_apart(void)
{
	ask_apart = true;
}

static _Noreturn void answer_and_end(answer_fn *answer, const struct question *q, int fd)
{
	struct buf out = { 0 };
	size_t done = 0;
	ssize_t put = 0;

	answer(q, &out);
	while (done < out.len && (put = write(fd, out.data + done, out.len - done)) > 0)
		done += (size_t)put;
	_exit(put < 0);
}

static bool is_over(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool read_all(int fd, struct buf *out)
{
	ssize_t got;

	do {
		buf_reserve(out, 1024);
		got = read(fd, out->data + out->len, 1024);
		if (got > 0)
			out->len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0;
}

/* False: it did not come to an answer. */
static bool asked_apart(answer_fn *answer, const struct question *q, struct buf *out)
{
	int fds[2];
	bool whole;
	pid_t pid;

	if (!ask_apart || pipe2(fds, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		answer_and_end(answer, q, fds[1]);
	fd_close(&fds[1]);
	whole = pid > 0 && read_all(fds[0], out);
	fd_close(&fds[0]);
	return pid > 0 && is_over(pid) && whole;
}

static void ask(answer_fn *answer, const struct question *q, struct buf *out)
{
	if (asked_apart(answer, q, out))
		return;
	buf_clear(out);
	answer(q, out);
}

/* Both numbers, then both texts with their NULs. */
static void answer_user(const struct question *q, struct buf *out)
{
	const struct passwd *pw = q->name ? getpwnam(q->name) : getpwuid(q->uid);

	if (!pw)
		return;
	buf_add(out, &pw->pw_uid, sizeof(pw->pw_uid));
	buf_add(out, &pw->pw_gid, sizeof(pw->pw_gid));
	buf_add(out, pw->pw_name, strlen(pw->pw_name) + 1);
	buf_add(out, pw->pw_dir, strlen(pw->pw_dir) + 1);
}

bool names_user(const char *name, uid_t uid, struct names_user *out)
{
	struct question q = { .name = name, .uid = uid };
	struct buf b = { 0 };
	const char *text;
	bool found;

	*out = (struct names_user){ 0 };
	ask(answer_user, &q, &b);
	found = b.len > sizeof(out->uid) + sizeof(out->gid);
	if (found) {
		text = (const char *)b.data + sizeof(out->uid) + sizeof(out->gid);
		memcpy(&out->uid, b.data, sizeof(out->uid));
		memcpy(&out->gid, b.data + sizeof(out->uid), sizeof(out->gid));
		out->name = xstrdup(text);
		out->home = xstrdup(text + strlen(text) + 1);
	}
	buf_free(&b);
	return found;
}

void names_user_free(struct names_user *user)
{
	free(user->name);
	free(user->home);
	*user = (struct names_user){ 0 };
}

static void answer_group(const struct question *q, struct buf *out)
{
	const struct group *gr = getgrnam(q->name);

	if (gr)
		buf_add(out, &gr->gr_gid, sizeof(gr->gr_gid));
}

gid_t names_group(const char *name)
{
	struct question q = { .name = name };
	struct buf b = { 0 };
	gid_t gid = (gid_t)-1;

	ask(answer_group, &q, &b);
	if (b.len == sizeof(gid))
		memcpy(&gid, b.data, sizeof(gid));
	buf_free(&b);
	return gid;
}

static void answer_groups(const struct question *q, struct buf *out)
{
	int count = GROUPS_FIRST;

	buf_reserve(out, (size_t)count * sizeof(gid_t));
	if (getgrouplist(q->name, q->gid, (gid_t *)(void *)out->data, &count) < 0) {
		buf_reserve(out, (size_t)count * sizeof(gid_t));
		if (getgrouplist(q->name, q->gid, (gid_t *)(void *)out->data, &count) < 0)
			return;         /* the list grew between both calls: no group is safer than some */
	}
	out->len = (size_t)count * sizeof(gid_t);
}

size_t names_groups(const char *user, gid_t gid, gid_t **groups_out)
{
	struct question q = { .name = user, .gid = gid };
	struct buf b = { 0 };
	size_t count;

	ask(answer_groups, &q, &b);
	count = b.len / sizeof(gid_t);
	*groups_out = xcalloc(count + 1, sizeof(gid_t));
	if (count > 0)
		memcpy(*groups_out, b.data, count * sizeof(gid_t));
	buf_free(&b);
	return count;
}
