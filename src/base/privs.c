/* privs.c -- giving up root. Master's children, before they load foreign code.
 * Follows setgroups, setresgid, setresuid: the last takes away the right that the others need. Believes
 * no return value: asks the kernel afterwards, and tries to get back. Looks up no name: the master did. */
#include "src/base/privs.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "src/base/mem.h"

/* Make keep (or nothing) the only permitted and effective capability, nothing inheritable. */
static int privs_set_caps(enum privs_keep keep)
{
	cap_value_t chroot_only[] = { CAP_SYS_CHROOT };
	cap_t caps = cap_init();
	int rc;

	if (!caps)
		return -1;
	rc = 0;
	if (keep == PRIVS_CHROOT) {
		rc |= cap_set_flag(caps, CAP_PERMITTED, 1, chroot_only, CAP_SET);
		rc |= cap_set_flag(caps, CAP_EFFECTIVE, 1, chroot_only, CAP_SET);
	}
	rc = rc ? -1 : cap_set_proc(caps);
	cap_free(caps);
	return rc;
}

static bool privs_caps_are(enum privs_keep keep)
{
	static const cap_flag_t flags[] = { CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE };
	cap_t caps = cap_get_proc();
	bool as_wanted = caps != NULL;

	for (size_t i = 0; caps && i < ARRAY_LEN(flags); i++) {
		for (cap_value_t c = 0; c < cap_max_bits(); c++) {
			bool kept = keep == PRIVS_CHROOT && c == CAP_SYS_CHROOT;
			cap_flag_value_t have = CAP_CLEAR, want = CAP_CLEAR;

			if (kept && flags[i] != CAP_INHERITABLE)
				want = CAP_SET;
			if (cap_get_flag(caps, c, flags[i], &have) == 0 && have != want)
				as_wanted = false;
		}
	}
	cap_free(caps);
	return as_wanted;
}

static bool privs_ids_are(const struct privs_identity *id)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return false;
	return ruid == id->uid && euid == id->uid && suid == id->uid &&
	    rgid == id->gid && egid == id->gid && sgid == id->gid;
}

static void privs_assert_no_way_back(const struct privs_identity *id, enum privs_keep keep)
{
	BUG_IF(!privs_ids_are(id));
	if (id->uid == 0)
		return;
	BUG_IF(setresuid(0, 0, 0) == 0);
	BUG_IF(seteuid(0) == 0);
	BUG_IF(setgroups(0, NULL) == 0);
	BUG_IF(id->gid != 0 && setresgid(0, 0, 0) == 0);
	BUG_IF(!privs_caps_are(keep));
}

static int privs_set_ids(const struct privs_identity *id, struct err *err)
{
	if (setgroups(id->group_count, id->groups) < 0)
		return err_sys(err, "cannot set %zu supplementary groups", id->group_count);
	if (setresgid(id->gid, id->gid, id->gid) < 0)
		return err_sys(err, "cannot become group %lu", (unsigned long)id->gid);
	if (setresuid(id->uid, id->uid, id->uid) < 0)
		return err_sys(err, "cannot become user %lu", (unsigned long)id->uid);
	return 0;
}

int privs_become(const struct privs_identity *id, enum privs_keep keep, struct err *err)
{
	if (geteuid() != 0) {
		if (privs_ids_are(id))
			return 0;
		return err_set(err, "only root can become user %lu and group %lu: start as root or as that "
		    "user", (unsigned long)id->uid, (unsigned long)id->gid);
	}
	if (keep == PRIVS_CHROOT && prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(err, "cannot keep CAP_SYS_CHROOT (prctl PR_SET_KEEPCAPS)");
	if (privs_set_ids(id, err) < 0)
		return -1;
	if (id->uid != 0 && privs_set_caps(keep) < 0)
		return err_sys(err, "cannot drop capabilities");
	if (keep == PRIVS_CHROOT)
		prctl(PR_SET_KEEPCAPS, 0L, 0L, 0L, 0L);
	privs_assert_no_way_back(id, keep);
	return 0;
}

int privs_drop_last(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	if (privs_set_caps(PRIVS_NONE) < 0)
		return err_sys(err, "cannot drop capabilities");
	if (!privs_caps_are(PRIVS_NONE))
		return err_set(err, "capabilities are left after they were dropped");
	BUG_IF(setresuid(0, 0, 0) == 0);
	return 0;
}
