#include "ops/principal.h"

#include "base/text.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OVERFLOW_UID 65534
#define GROUPS_MAX   1024 /* more are as none: fewer rights, not more */

static void name_principal(struct principal *p, const struct passwd *pw)
{
	(void)snprintf(p->name, sizeof(p->name), "%.60s (uid %u)", pw ? pw->pw_name : "unknown",
		       (unsigned)p->uid);
	text_printable(p->name);
}

static bool in_group(const char *group, gid_t gid, const gid_t *groups, size_t n)
{
	char room[16384];
	struct group entry, *found = NULL;
	if (getgrnam_r(group, &entry, room, sizeof(room), &found) != 0 || !found)
		return false;
	if (found->gr_gid == gid)
		return true;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == found->gr_gid)
			return true;
	return false;
}

static bool rule_fits(const struct access_rule *rule, const char *user, gid_t gid,
		      const gid_t *groups, size_t n)
{
	if (user && strlist_has(&rule->users, user))
		return true;
	for (size_t i = 0; i < rule->groups.n; i++)
		if (in_group(rule->groups.items[i], gid, groups, n))
			return true;
	return false;
}

static int deny_user(const struct settings *s, const struct principal *p, struct err *e)
{
	(void)err_set(e, ERR_DENIED, "%s may not use adit: no rule of access names this user",
		      p->name);
	return err_hint(e, "Add the user to group %s (to read) or %s (to change things).",
			s->access.viewer.groups.n ? s->access.viewer.groups.items[0] : "adit",
			s->access.operator.groups.n ? s->access.operator.groups.items[0]
						    : "adit-operator");
}

int principal_of_user(const struct settings *s, uid_t uid, gid_t gid, const gid_t *groups,
		      size_t n_groups, struct principal *out, struct err *e)
{
	struct principal p = {.door = OP_DOOR_SOCKET, .uid = uid};
	char room[16384];
	struct passwd entry, *pw = NULL;
	if (getpwuid_r(uid, &entry, room, sizeof(room), &pw) != 0)
		pw = NULL;
	name_principal(&p, pw);
	if (uid == (uid_t)-1 || uid == OVERFLOW_UID)
		return err_set(
			e, ERR_DENIED,
			"The kernel does not tell who is calling (uid %u), so the call is refused",
			(unsigned)uid);
	const char *user = pw ? pw->pw_name : NULL;
	if (uid == 0 || uid == geteuid())
		p.role = ROLE_ADMIN;
	else if (rule_fits(&s->access.admin, user, gid, groups, n_groups))
		p.role = ROLE_ADMIN;
	else if (rule_fits(&s->access.operator, user, gid, groups, n_groups))
		p.role = ROLE_OPERATOR;
	else if (rule_fits(&s->access.viewer, user, gid, groups, n_groups))
		p.role = ROLE_VIEWER;
	else
		return deny_user(s, &p, e);
	p.person = uid == 0;
	*out = p;
	return 0;
}

/* "alice (uid 1000)": the number is what counts. */
static bool uid_of(const char *name, uid_t *uid)
{
	static const char before[] = " (uid ";
	const char *at = strrchr(name, ' ');
	at = at && at - name >= 5 ? at - 5 : NULL;
	if (!at || strncmp(at, before, sizeof(before) - 1) != 0)
		return false;
	at += sizeof(before) - 1;
	if (!isdigit((unsigned char)*at)) /* strtoull takes a sign, and nothing at all for 0 */
		return false;
	char *end;
	unsigned long long n = strtoull(at, &end, 10);
	*uid = (uid_t)n;
	return n < UINT32_MAX && str_equal(end, ")");
}

int principal_of_name(const struct settings *s, const char *name, struct principal *out,
		      struct err *e)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;
	char room[16384];
	struct passwd entry, *pw = NULL;
	uid_t uid;
	if (!uid_of(name, &uid))
		return err_set(e, ERR_DENIED, "%s is no user of this host", name);
	if (getpwuid_r(uid, &entry, room, sizeof(room), &pw) != 0)
		pw = NULL;
	if (!pw || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		n = 0;
	return principal_of_user(s, uid, pw ? pw->pw_gid : (gid_t)-1, groups, (size_t)n, out, e);
}

int principal_may(const struct principal *p, const struct op *op, struct err *e)
{
	if (!(op->doors & p->door))
		return err_set(e, ERR_DENIED,
			       "%s is not to be had here: it exists on the Unix socket alone",
			       op->name);
	if (role_holds(p->role, op->role))
		return 0;
	(void)err_set(e, ERR_DENIED, "%s takes the role %s; %s is %s", op->name,
		      role_name(op->role), p->name, role_name(p->role));
	return err_hint(e, "Ask somebody of the role %s, or be put into its group.",
			role_name(op->role));
}
