#include "ops/principal.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "ops/grant.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OVERFLOW_UID 65534
#define USER_KEPT_MS 2000
#define GROUPS_MAX   1024 /* more are as none: fewer rights, not more */

/* The system's name for a user; NULL = it knows none. The last one is kept for a moment: each
 * request asks twice, and each time the whole file of users would be read. */
static const char *user_name(uid_t uid)
{
	static struct {
		uid_t uid;
		char name[256];
		int64_t until_ms;
	} last;
	int64_t now = clock_mono_ms();
	if (uid != last.uid || now >= last.until_ms) {
		char room[16384];
		struct passwd entry, *pw = NULL;
		if (getpwuid_r(uid, &entry, room, sizeof(room), &pw) != 0)
			pw = NULL;
		if (!pw || !str_copy(last.name, sizeof(last.name), pw->pw_name))
			last.name[0] = '\0';
		last.uid = uid;
		last.until_ms = now + USER_KEPT_MS;
	}
	return last.name[0] ? last.name : NULL;
}

static void name_principal(struct principal *p, const char *user)
{
	(void)snprintf(p->name, sizeof(p->name), "%.60s (uid %u)", user ? user : "unknown",
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
	const char *user = user_name(uid);
	name_principal(&p, user);
	if (uid == (uid_t)-1 || uid == OVERFLOW_UID)
		return err_set(
			e, ERR_DENIED,
			"The kernel does not tell who is calling (uid %u), so the call is refused",
			(unsigned)uid);
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

/* ---- grants ---- */

int principal_of_grant(const struct grant *g, struct principal *out)
{
	if (!g || g->damage)
		return -1;
	*out = (struct principal){
		.role = g->role,
		.door = OP_DOOR_MCP,
		.uid = (uid_t)-1,
		.grant = g->id,
		.grants = g->home,
	};
	str_join(out->name, sizeof(out->name), (const char *[]){GRANT_PRINCIPAL, g->name, NULL});
	return 0;
}

int principal_without_grant(const struct principal *user, struct principal *out, struct err *e)
{
	if (!role_holds(user->role, ROLE_VIEWER))
		return err_set(e, ERR_DENIED, "%s may not read what adit knows", user->name);
	*out = *user;
	out->role = ROLE_VIEWER;
	out->door = OP_DOOR_MCP;
	out->person = false;
	return 0;
}

const struct grant *principal_grant(const struct principal *p)
{
	return p->grant ? grants_find(p->grants, p->grant) : NULL;
}

void principal_claim(char *slot, size_t size, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	len = len < size ? len : utf8_whole(text, size - 1);
	if (len)
		memcpy(slot, text, len);
	slot[len] = '\0';
	text_printable(slot);
}

/* ---- may he? ---- */

const char *policy_name(enum policy p)
{
	static const char *const names[POLICIES] = {
		[POLICY_NONE] = "none",     [POLICY_DOOR] = "door",
		[POLICY_ROLE] = "role",     [POLICY_ENDED] = "ended",
		[POLICY_FROZEN] = "frozen", [POLICY_METHOD] = "methods",
		[POLICY_TAG] = "tags",      [POLICY_BUDGET] = "budget",
		[POLICY_SCOPE] = "scope",   [POLICY_APPROVAL] = "approval",
		[POLICY_PERSON] = "person",
	};
	return names[p];
}

static bool any_tag(const struct strlist *tags, const struct op *op)
{
	for (size_t i = 0; i < tags->n; i++)
		if (op_has_tag(op, tags->items[i]))
			return true;
	return tags->n == 0;
}

/* The plan itself was judged when it was made, and is again when it is applied. */
static bool was_asked_about(const struct principal *p, const struct op *op)
{
	return (p->asked == ASKED_YES && str_equal(op->name, "plan_apply")) ||
	       (p->asked == ASKED_NO && str_equal(op->name, "plan_reject"));
}

bool principal_must_ask(const struct principal *p)
{
	const struct grant *g = principal_grant(p);
	return g && g->ask && p->asked == ASKED_NOTHING;
}

enum policy principal_policy(const struct principal *p, const struct op *op)
{
	const struct grant *g = principal_grant(p);
	if (g && was_asked_about(p, op) && role_holds(p->role, op->role))
		return p->asked == ASKED_YES && grants_frozen(p->grants) ? POLICY_FROZEN
									 : POLICY_NONE;
	if (!(op->doors & p->door))
		return POLICY_DOOR;
	if (p->grant && !g)
		return POLICY_ENDED;
	if (!role_holds(p->role, op->role))
		return POLICY_ROLE;
	if (g && op->effects != OP_READS && grants_frozen(p->grants))
		return POLICY_FROZEN;
	if (g && !(g->methods & op_methods(op)))
		return POLICY_METHOD;
	return g && !any_tag(&g->tags, op) ? POLICY_TAG : POLICY_NONE;
}

static int deny_role(const struct principal *p, const struct op *op, struct err *e)
{
	(void)err_set(e, ERR_DENIED, "%s takes the role %s; %s is %s", op->name,
		      role_name(op->role), p->name, role_name(p->role));
	if (p->door == OP_DOOR_MCP)
		return err_hint(e, "Ask the person you work for: a grant of the role %s can do it.",
				role_name(op->role));
	return err_hint(e, "Ask somebody of the role %s, or be put into its group.",
			role_name(op->role));
}

/* "list, get" */
static void list_methods(unsigned methods, struct buf *out)
{
	const char *const *names = op_method_names();
	for (size_t i = 0; names[i]; i++)
		if (methods & 1u << i)
			buf_printf(out, "%s%s", out->len ? ", " : "", names[i]);
}

int policy_deny_method(const struct principal *p, const char *what, unsigned methods, struct err *e)
{
	const struct grant *g = principal_grant(p);
	AUTO(buf_t) takes = {0};
	AUTO(buf_t) has = {0};
	list_methods(methods, &takes);
	list_methods(g ? g->methods : 0, &has);
	(void)err_set(e, ERR_DENIED, "%s takes the method %s; %s has %s", what, buf_text(&takes),
		      p->name, buf_text(&has));
	return err_hint(e, "Ask the person you work for: the grant was made without it.");
}

static int deny_tag(const struct principal *p, const struct op *op, struct err *e)
{
	const struct grant *g = principal_grant(p);
	AUTO(buf_t) tags = {0};
	for (size_t i = 0; g && i < g->tags.n; i++)
		buf_printf(&tags, "%s%s", i ? ", " : "", g->tags.items[i]);
	return err_set(e, ERR_DENIED, "%s is none of what %s is for: operations of %s", op->name,
		       p->name, buf_text(&tags));
}

int principal_may(const struct principal *p, const struct op *op, struct err *e)
{
	switch (principal_policy(p, op)) {
	case POLICY_NONE:
		return 0;
	case POLICY_DOOR:
		return err_set(e, ERR_DENIED,
			       "%s is not to be had here: it exists on the Unix socket alone",
			       op->name);
	case POLICY_ROLE:
		return deny_role(p, op, e);
	case POLICY_ENDED:
		(void)err_set(e, ERR_DENIED, "%s has ended: it was revoked or has expired",
			      p->name);
		return err_hint(e, "A new one comes from adit grant create.");
	case POLICY_FROZEN:
		(void)err_set(e, ERR_DENIED, "%s is refused: all grants are read-only now",
			      op->name);
		return err_hint(e, "Until adit grant freeze off. Reading goes on.");
	case POLICY_METHOD:
		return policy_deny_method(p, op->name, op_methods(op), e);
	case POLICY_TAG:
		return deny_tag(p, op, e);
	case POLICY_BUDGET:
	case POLICY_SCOPE:
	case POLICY_APPROVAL:
	case POLICY_PERSON:
	case POLICIES:
		break;
	}
	return err_set(e, ERR_DENIED, "%s is refused", op->name);
}

int principal_spend(const struct principal *p, struct err *e)
{
	return p->grant ? grants_spend(p->grants, p->grant, e) : 0;
}
