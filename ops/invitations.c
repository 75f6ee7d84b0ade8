/* Dates of invitations, out of the audit log. */
#include "ops/invitations.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cloudflare/auditlog.h"

#define IDS_READ  50 /* of one read: a URL has an end */
#define READS_MAX 6
#define DAY_MS    (24 * 3600 * 1000LL)

/* Whole days, so that who goes on with the list has what was read before. */
static void read_some(struct invitations *x, struct gather *g, char **ids, size_t n,
		      const char *account)
{
	int64_t now = clock_wall_ms(), since = cf_audit_horizon(now) / DAY_MS * DAY_MS;
	struct cf_audit_filter filters[1 + IDS_READ] = {{"action_type", "create"}};

	for (size_t i = 0; i < n; i++)
		filters[i + 1] = (struct cf_audit_filter){"resource_id", ids[i]};
	AUTO(str_t)
	query = cf_audit_query(true, since, now / DAY_MS * DAY_MS + DAY_MS, filters, n + 1);
	size_t at = gather_read(g, CF_SOURCE_AUDIT,
				&(struct cf_target){.account = account, .query = query});
	if (x->reads++ == 0)
		x->first = at;
}

static int pending_added(const struct json *row, void *owner)
{
	struct invitations *x = owner;
	struct cf_member m;
	struct err e;

	if (cf_member_read(row, &m, &e) < 0 || m.status != CF_MEMBER_PENDING)
		return 0;
	strlist_add(&x->pending, m.id);
	return x->pending.n == (size_t)IDS_READ * READS_MAX;
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
	if (!x->looked) {
		x->looked = true;
		members_each(g, m, pending_added, x, NULL);
		return false;
	}
	if (!x->asked) {
		x->asked = true;
		for (size_t i = 0; i < x->pending.n; i += IDS_READ)
			read_some(x, g, x->pending.items + i,
				  x->pending.n - i < IDS_READ ? x->pending.n - i : IDS_READ,
				  account);
		return x->reads == 0;
	}
	while (x->dated < x->reads) {
		size_t at = x->first + x->dated++;
		if (!gather_error(g, at)) {
			gather_each(g, at, date_found, x, NULL);
			return false;
		}
		x->error = gather_error(g, at);
	}
	return true;
}

void invitations_free(struct invitations *x)
{
	const struct map_entry *e;

	for (size_t i = 0; (e = map_next(&x->dates, &i)) != NULL;)
		free(e->value);
	map_free(&x->dates);
	strlist_free(&x->pending);
}

int64_t invitation_date(const struct invitations *x, const char *member)
{
	const int64_t *at = map_get(&x->dates, member);

	return at ? *at : 0;
}
