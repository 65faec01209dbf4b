/* zygote_confine.c -- runs in a zygote: apparmor_hat. A pool that asks for confinement and cannot have it does not
 * start. */
#include "pool/zygote_confine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

#ifdef HAVE_APPARMOR
#include <sys/apparmor.h>

static int confine_into(const char *hat, const char *now, struct err *err)
{
	char *into;
	int rc;

	/* A hat is a profile of its own below the one that holds: the bare name of an unconfined process has none. */
	if (strcmp(now, "unconfined") == 0)
		return err_set(err, "apparmor_hat = %s: Weir runs unconfined, and only a profile has hats: load an "
			       "AppArmor profile for it, or remove the key", hat);
	into = xasprintf("%s//%s", now, hat);
	rc = aa_change_profile(into);
	if (rc < 0)
		rc = err_sys(err, "apparmor_hat = %s: cannot change to the AppArmor profile '%s' (is it loaded, and "
			     "does the profile of Weir allow the change?)", hat, into);
	free(into);
	return rc;
}

int zygote_confine(const char *hat, struct err *err)
{
	char *now = NULL, *mode = NULL;
	int rc;

	if (aa_getcon(&now, &mode) < 0)
		return err_set(err, "apparmor_hat = %s: this kernel tells no AppArmor confinement (%s): boot it with "
			       "AppArmor, or remove the key", hat, strerror(errno));
	rc = confine_into(hat, now, err);
	free(now);
	return rc;
}

bool zygote_confine_possible(void)
{
	return aa_is_enabled();
}
#else
int zygote_confine(const char *hat, struct err *err)
{
	return err_set(err, "apparmor_hat = %s: Weir was built without libapparmor: build it with (Debian: "
		       "libapparmor-dev), or remove the key", hat);
}

bool zygote_confine_possible(void)
{
	return false;
}
#endif
