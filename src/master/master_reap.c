/* master_reap.c -- the dead, and whom to kill. Master only.
 * The master is a subreaper: when a zygote dies its children become the master's, which tells pool processes when it
 * reaps them. Kills nothing that it has not made sure of; a process that a script left behind is not ours. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_priv.h"

struct proc_facts {
	pid_t parent;
	uid_t uid;                      /* real */
};

static int proc_read(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	fd_close(&fd);
	if (n < 0)
		return -1;
	out[n] = '\0';
	return 0;
}

static int proc_facts(pid_t pid, struct proc_facts *out)
{
	char text[2048];
	const char *parent, *uid;

	if (proc_read(pid, "status", text, sizeof(text)) < 0)
		return -1;
	parent = strstr(text, "\nPPid:");
	uid = strstr(text, "\nUid:");
	if (!parent || !uid) {
		errno = ESRCH;
		return -1;
	}
	out->parent = (pid_t)strtol(parent + strlen("\nPPid:"), NULL, 10);
	out->uid = (uid_t)strtoul(uid + strlen("\nUid:"), NULL, 10);
	return 0;
}

static void zygote_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct master_zygote *z = arg;

	(void)fd;
	(void)what;
	log_warning("zygote %d did not end after its pool process: killed", (int)z->pid);
	kill(z->pid, SIGKILL);
}

void master_zygote_add(struct master_proc *owner, pid_t pid)
{
	struct master *m = owner->m;
	struct master_zygote *z = xcalloc(1, sizeof(*z));

	z->m = m;
	z->owner = owner;
	z->pid = pid;
	z->late = evtimer_new(m->base, zygote_on_late, z);
	BUG_IF(!z->late);
	z->next = m->zygotes;
	m->zygotes = z;
}

/* It ends by itself when its link closes. */
void master_zygotes_orphan(struct master_proc *owner)
{
	const struct timeval tv = { .tv_sec = MASTER_ORPHAN_MS / 1000 };

	for (struct master_zygote *z = owner->m->zygotes; z; z = z->next) {
		if (z->owner != owner)
			continue;
		z->owner = NULL;
		evtimer_add(z->late, &tv);
	}
}

static void zygote_free(struct master *m, struct master_zygote *z)
{
	for (struct master_zygote **at = &m->zygotes; *at; at = &(*at)->next) {
		if (*at != z)
			continue;
		*at = z->next;
		break;
	}
	event_free(z->late);
	free(z);
}

static struct master_zygote *zygote_find(const struct master *m, pid_t pid)
{
	for (struct master_zygote *z = m->zygotes; z; z = z->next)
		if (z->pid == pid)
			return z;
	return NULL;
}

static struct master_proc *proc_find(const struct master *m, pid_t pid)
{
	for (struct master_proc *p = m->procs; p; p = p->next)
		if (p->pid == pid)
			return p;
	return NULL;
}

static void reap_one(struct master *m, pid_t pid, int status)
{
	struct master_reaped reaped = { .pid = (int32_t)pid, .status = status };
	struct master_proc *p = proc_find(m, pid);
	struct master_zygote *z;

	if (p) {
		master_proc_died(p, status);
		return;
	}
	z = zygote_find(m, pid);
	if (z && z->owner)
		master_proc_tell(z->owner, MASTER_REAPED, 0, &reaped, sizeof(reaped), -1);
	/* An orphan: somebody's child, and only its pool process knows whose. */
	for (p = m->procs; p && !z; p = p->next)
		master_proc_tell(p, MASTER_REAPED, 0, &reaped, sizeof(reaped), -1);
	if (z)
		zygote_free(m, z);
	master_end_check(m);
}

void master_reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		reap_one(m, pid, status);
}

static bool title_names(pid_t pid, const char *pool)
{
	char text[512];
	size_t len, pool_len = strlen(pool);

	if (proc_read(pid, "cmdline", text, sizeof(text)) < 0)
		return false;
	if (strncmp(text, "weir: ", 6) != 0 && strncmp(text, "php-fpm: ", 9) != 0)
		return false;
	len = strlen(text);
	return len > pool_len && text[len - pool_len - 1] == ' ' && strcmp(text + len - pool_len, pool) == 0;
}

/* A child of one of this pool process' zygotes, one of these itself, or a child of an earlier one. */
static bool kill_is_allowed(const struct master_proc *proc, pid_t pid)
{
	const struct master_zygote *z = zygote_find(proc->m, pid);
	struct proc_facts facts;

	if (z)
		return z->owner == proc;
	if (pid <= 1 || pid == getpid() || proc_find(proc->m, pid) || proc_facts(pid, &facts) < 0)
		return false;
	z = zygote_find(proc->m, facts.parent);
	if (z)
		return z->owner == proc;
	if (facts.parent != getpid() || (proc->m->as_root && facts.uid != proc->spec->uid))
		return false;
	return title_names(pid, proc->spec->name);
}

int master_kill_for(struct master_proc *proc, pid_t pid)
{
	int rc = -1, fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	/* The descriptor is taken first: what was checked and what is killed are one process. */
	if (fd < 0)
		return -1;
	if (kill_is_allowed(proc, pid))
		rc = pidfd_send_signal(fd, SIGKILL, NULL, 0);
	else
		errno = EPERM;
	fd_close(&fd);
	return rc;
}

/* Is this child of the master's a process of Weir (a child whose zygote died)? */
static bool kin_is(const struct master *m, pid_t pid)
{
	struct proc_facts facts;
	struct stat own, its;
	char path[64], title[16];

	if (proc_facts(pid, &facts) < 0 || facts.parent != getpid())
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &its) == 0)
		return fstat(m->exe_fd, &own) == 0 && own.st_dev == its.st_dev && own.st_ino == its.st_ino;
	/* Not dumpable, and we are not root: its title must do. */
	return errno == EACCES && proc_read(pid, "cmdline", title, sizeof(title)) == 0 &&
	       (strncmp(title, "weir: ", 6) == 0 || strncmp(title, "php-fpm: ", 9) == 0);
}

/* Each process of Weir whose parent the master is; returns how many there are. */
static size_t kin_each(const struct master *m, void (*each)(pid_t pid))
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;

		if (pid <= 0 || !kin_is(m, pid))
			continue;
		count++;
		if (each)
			each(pid);
	}
	if (dir)
		closedir(dir);
	return count;
}

static void kin_kill(pid_t pid)
{
	kill(pid, SIGKILL);
}

bool master_kin_left(struct master *m)
{
	return kin_each(m, NULL) > 0;
}

void master_kill_left(struct master *m)
{
	kin_each(m, kin_kill);
}
