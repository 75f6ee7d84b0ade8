/* Dates of invitations, out of the audit log. */
#include "ops/invitations.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cloudflare/auditlog.h"

#define IDS_READ  50 /* of one read: a URL has an end */
#define READS_MAX 6
#define DAY_MS    (24 * 3600 * 1000LL)

struct pending {
	struct cf_audit_filter filters[1 + IDS_READ];
	char *ids[IDS_READ];
	size_t n;
	struct gather *gather;
	struct invitations *x;
	const char *account;
};

/* Whole days, so that who goes on with the list has what was read before. */
static void pending_ask(struct pending *p)
{
	int64_t now = clock_wall_ms(), since = cf_audit_horizon(now) / DAY_MS * DAY_MS;

	p->filters[0] = (struct cf_audit_filter){"action_type", "create"};
	for (size_t i = 0; i < p->n; i++)
		p->filters[i + 1] = (struct cf_audit_filter){"resource_id", p->ids[i]};
	AUTO(str_t)
	query = cf_audit_query(true, since, now / DAY_MS * DAY_MS + DAY_MS, p->filters, p->n + 1);
	size_t at = gather_read(p->gather, CF_SOURCE_AUDIT,
				&(struct cf_target){.account = p->account, .query = query});
	if (p->x->reads++ == 0)
		p->x->first = at;
	for (size_t i = 0; i < p->n; i++)
		free(p->ids[i]);
	p->n = 0;
}

static int pending_added(const struct json *row, void *owner)
{
	struct pending *p = owner;
	struct cf_member m;
	struct err e;

	if (cf_member_read(row, &m, &e) < 0 || m.status != CF_MEMBER_PENDING)
		return 0;
	p->ids[p->n++] = str_dup(m.id);
	if (p->n == IDS_READ)
		pending_ask(p);
	return p->x->reads == READS_MAX;
}

static int date_found(const struct json *row, void *owner)
{
	struct invitations *x = owner;
	struct cf_audit_entry entry;
	struct err e;

	if (cf_audit_read(row, &entry, &e) < 0 || !entry.resource_id || entry.failed ||
	    entry.action != CF_AUDIT_CREATE || map_get(&x->dates, entry.resource_id))
		return 0;
	int64_t *at = mem_alloc(sizeof(*at));
	*at = entry.time_ms;
	(void)map_set(&x->dates, entry.resource_id, at);
	return 0;
}

bool invitations_gather(struct gather *g, struct invitations *x, const struct members *m,
			const char *account)
{
	if (!x->asked) {
		struct pending p = {.gather = g, .x = x, .account = account};
		x->asked = true;
		(void)cf_listing_each(m->listing, pending_added, &p);
		if (p.n)
			pending_ask(&p);
		return x->reads == 0;
	}
	for (size_t i = 0; i < x->reads; i++) {
		const struct cf_listing *l = gather_listing(g, x->first + i);
		if (l)
			(void)cf_listing_each(l, date_found, x);
		else
			x->error = gather_error(g, x->first + i);
	}
	return true;
}

void invitations_free(struct invitations *x)
{
	const struct map_entry *e;

	for (size_t i = 0; (e = map_next(&x->dates, &i)) != NULL;)
		free(e->value);
	map_free(&x->dates);
}

int64_t invitation_date(const struct invitations *x, const char *member)
{
	const int64_t *at = map_get(&x->dates, member);

	return at ? *at : 0;
}
