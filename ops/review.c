/* Judging members, and what the judgements come to. */
#include "ops/review.h"

#include <inttypes.h>
#include <string.h>

#define OLD_MS (INVITATIONS_OLD_DAYS * 24 * 3600 * 1000LL)

/* ---- one member ---- */

static void right_judged(const struct members *m, const struct cf_right *r, void *owner)
{
	struct judged *j = owner;

	(void)m;
	powers_add(&j->powers, r);
	if (r->denies)
		j->flags |= REVIEW_DENIED;
	if (r->resources)
		j->flags |= REVIEW_POLICIES;
}

void review_judge(const struct members *m, const struct invitations *inv, const struct cf_member *x,
		  int64_t now_ms, struct judged *out)
{
	*out = (struct judged){.flags = 0};
	members_rights(m, x, right_judged, out);
	if (out->powers.super)
		out->flags |= REVIEW_SUPER;
	if (x->status == CF_MEMBER_PENDING) {
		out->invited_ms = invitation_date(inv, x->id);
		out->flags |= REVIEW_INVITED;
		if (!out->invited_ms && inv->asked)
			out->flags |= REVIEW_UNDATED;
		else if (out->invited_ms && now_ms - out->invited_ms > OLD_MS)
			out->flags |= REVIEW_INVITATION_OLD;
	} else if (x->status == CF_MEMBER_ACCEPTED) {
		if (x->two_factor == CF_TOLD_NO)
			out->flags |= REVIEW_NO_SECOND_FACTOR;
		else if (x->two_factor == CF_NOT_TOLD)
			out->flags |= REVIEW_FACTOR_UNKNOWN;
	}
}

static bool any_power(const struct powers *p)
{
	for (int i = 0; i < CF_POWERS; i++)
		if (p->gives[i])
			return true;
	return false;
}

int review_risk(const struct cf_member *x, const struct judged *j)
{
	const struct powers *p = &j->powers;
	int risk = 0;

	if (j->flags & REVIEW_NO_SECOND_FACTOR)
		risk += p->super ? 32 : any_power(p) ? 16 : 4;
	if (p->super)
		risk += 8;
	else if (p->gives[CF_POWER_MEMBERS] || p->gives[CF_POWER_TOKENS])
		risk += 6;
	else if (any_power(p))
		risk += 2;
	if (j->flags & (REVIEW_INVITATION_OLD | REVIEW_UNDATED))
		risk += 3;
	return risk + (x->status != CF_MEMBER_ACCEPTED);
}

void review_put_flags(struct json_writer *w, const struct judged *j)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{REVIEW_SUPER, "super_administrator"},
		{REVIEW_NO_SECOND_FACTOR, "no_second_factor"},
		{REVIEW_INVITED, "invited"},
		{REVIEW_INVITATION_OLD, "invitation_old"},
		{REVIEW_UNDATED, "invitation_undated"},
		{REVIEW_DENIED, "denied"},
	};

	json_write_key(w, "flags");
	json_array_begin(w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (j->flags & names[i].flag)
			json_write_string(w, names[i].name);
	json_array_end(w);
	if (j->invited_ms)
		json_put_time(w, "invited", j->invited_ms);
}

/* ---- all of them ---- */

void review_add(struct review_sum *s, const struct cf_member *x, const struct judged *j)
{
	const struct {
		unsigned flags;
		int64_t *n;
	} counts[] = {
		{REVIEW_SUPER, &s->super},
		{REVIEW_SUPER | REVIEW_NO_SECOND_FACTOR, &s->super_no_factor},
		{REVIEW_NO_SECOND_FACTOR, &s->no_factor},
		{REVIEW_FACTOR_UNKNOWN, &s->factor_unknown},
		{REVIEW_INVITATION_OLD, &s->old},
		{REVIEW_UNDATED, &s->undated},
		{REVIEW_POLICIES, &s->policies},
	};

	s->members++;
	s->status[x->status]++;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		*counts[i].n += (j->flags & counts[i].flags) == counts[i].flags;
	for (int p = 0; p < CF_POWERS; p++)
		s->can[p] += j->powers.gives[p];
}

static void finding(struct buf *out, const char *mark, int64_t n, const char *one, const char *many)
{
	if (n)
		(void)buf_printf(out, "%s%" PRId64 " %s\n", mark, n, n == 1 ? one : many);
}

void review_findings(const struct review_sum *s, const char *mark, struct buf *out)
{
	finding(out, mark, s->super_no_factor, "super administrator has no second factor.",
		"super administrators have no second factor.");
	finding(out, mark, s->no_factor, "member who has accepted has no second factor.",
		"members who have accepted have no second factor.");
	finding(out, mark, s->factor_unknown, "member's second factor is not told.",
		"members' second factor is not told.");
	finding(out, mark, s->super, "member is super administrator.",
		"members are super administrators.");
	finding(out, mark, s->old, "invitation is older than 14 days and was never accepted.",
		"invitations are older than 14 days and were never accepted.");
	finding(out, mark, s->undated,
		"invitation was not accepted, and it is not known when it was made.",
		"invitations were not accepted, and it is not known when they were made.");
}

void review_put_sum(struct json_writer *w, const struct review_sum *s)
{
	AUTO(buf_t) findings = {0};

	json_write_key(w, "summary");
	json_object_begin(w);
	json_put_int(w, "members", s->members);
	json_put_int(w, "accepted", s->status[CF_MEMBER_ACCEPTED]);
	json_put_int(w, "pending", s->status[CF_MEMBER_PENDING]);
	json_put_int(w, "super_administrators", s->super);
	json_put_int(w, "without_second_factor", s->no_factor);
	json_put_int(w, "second_factor_unknown", s->factor_unknown);
	if (s->dated) {
		json_put_int(w, "invitations_old", s->old);
		json_put_int(w, "invitations_undated", s->undated);
	}
	for (int p = 0; p < CF_POWERS; p++) {
		AUTO(str_t) key = str_format("can_%s", cf_power_name((enum cf_power)p));
		json_put_int(w, key, s->can[p]);
	}
	json_put_int(w, "by_policies", s->policies);
	json_object_end(w);
	review_findings(s, "", &findings);
	json_write_key(w, "findings");
	json_array_begin(w);
	for (const char *at = buf_text(&findings), *end; (end = strchr(at, '\n')); at = end + 1)
		json_write_stringn(w, at, (size_t)(end - at));
	json_array_end(w);
}
