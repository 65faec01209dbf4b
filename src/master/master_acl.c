/* master_acl.c -- listen.acl_users, listen.acl_groups. Master only, on a path that names one open descriptor.
 * The list is always written whole: what an earlier configuration or somebody else put there is gone. */
#include "src/master/master_acl.h"

#include <acl/libacl.h>
#include <errno.h>
#include <sys/acl.h>

static int acl_put(acl_t *acl, const struct conf_acl *who)
{
	acl_permset_t rights;
	acl_entry_t entry;
	id_t id = (id_t)who->id;

	if (acl_create_entry(acl, &entry) < 0 || acl_set_tag_type(entry, who->is_group ? ACL_GROUP : ACL_USER) < 0 ||
	    acl_set_qualifier(entry, &id) < 0 || acl_get_permset(entry, &rights) < 0)
		return -1;
	return acl_clear_perms(rights) < 0 || acl_add_perm(rights, ACL_READ | ACL_WRITE) < 0 ||
	       acl_set_permset(entry, rights) < 0 ? -1 : 0;
}

/* Of the mode and the entries; NULL with errno. */
static acl_t acl_make(const struct master_listen_want *want)
{
	acl_t acl = acl_from_mode(want->mode);
	int rc = acl ? 0 : -1;

	for (size_t i = 0; i < want->acl_count && rc == 0; i++)
		rc = acl_put(&acl, &want->acl[i]);
	if (rc == 0 && want->acl_count > 0)
		rc = acl_calc_mask(&acl);
	if (rc < 0 && acl) {
		int why = errno;

		acl_free(acl);
		errno = why;
		acl = NULL;
	}
	return acl;
}

static int acl_failed(const char *name, struct err *err)
{
	if (errno == ENOTSUP)
		return err_set(err, "the file system of the socket '%s' has no access control lists (listen.acl_users, "
			       "listen.acl_groups): choose another folder for listen, or use listen.owner, "
			       "listen.group and listen.mode", name);
	return err_sys(err, "cannot set the access control list of the socket '%s' (listen.acl_users, "
		       "listen.acl_groups)", name);
}

static int acl_verify(const char *path, const char *name, acl_t wanted, struct err *err)
{
	acl_t is = acl_get_file(path, ACL_TYPE_ACCESS);
	int differs = is ? acl_cmp(is, wanted) : -1;

	if (is)
		acl_free(is);
	if (differs == 0)
		return 0;
	return err_set(err, "the file system did not accept the access control list of the socket '%s': choose another "
		       "folder for listen", name);
}

int master_acl_apply(const char *path, const char *name, const struct master_listen_want *want, struct err *err)
{
	acl_t acl;
	int rc;

	if (want->acl_count == 0 && acl_extended_file(path) <= 0)
		return 0;
	acl = acl_make(want);
	if (!acl)
		return acl_failed(name, err);
	rc = acl_set_file(path, ACL_TYPE_ACCESS, acl) < 0 ? acl_failed(name, err) : acl_verify(path, name, acl, err);
	acl_free(acl);
	return rc;
}
