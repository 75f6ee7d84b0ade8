/*
 * Pure: what is to be taken over of a tunnel that stands at Cloudflare, from what was read of it:
 * edits, and words for each rule and record, also for those that are left alone. Adoption changes
 * nothing there but comments: what could not be taken without moving a rule is left alone.
 */
#ifndef OPS_ADOPT_H
#define OPS_ADOPT_H

#include "cloudflare/tunnels.h"
#include "model/plan.h"
#include "ops/decl/decl.h"
#include "reconcile/guard.h"

/* A CNAME that leads to the tunnel. */
struct adopt_record {
	char zone_id[CF_ID_SIZE], id[CF_ID_SIZE];
	char *name, *content, *comment; /* owned; comment NULL = none */
	bool proxied;
	int64_t ttl;
};
void adopt_record_free(struct adopt_record *r); /* its members, not itself */

struct adopt_input {
	const struct world *world;
	const struct guard_policy *guard; /* what it refuses is left alone */
	const struct tunnel_adopt_args *args;
	const struct cf_tunnel *found;
	int64_t connections, others; /* edge connections now; those of them that are not ours */
	const char *config;          /* text of the "config" member; NULL = never configured */
	bool local;                  /* it is configured by a file somewhere */
	const char *rules;           /* ours that were put last: JSON array; NULL = none */
	const struct adopt_record *records;
	size_t n_records;
	bool records_unknown; /* they could not be read */
	bool records_more;    /* there are more than these: they are not looked at */
};

/* Our row of that tunnel: by its id at Cloudflare, else one of its name that waits to be made. */
const struct tunnel *adopt_row(const struct world *w, const struct cf_tunnel *found);
/* May that row become, or be, this tunnel? */
MUST_USE int adopt_row_check(const struct tunnel *row, const struct cf_tunnel *found,
			     struct err *e);

/* A plan without edits: all of it is adit's already. */
MUST_USE int adopt_plan(const struct adopt_input *in, struct plan *p, struct err *e);

/* Does one of these patterns ("all", "none", a host name, "*.example.com") choose the name? */
bool adopt_chosen(const struct strlist *patterns, const char *hostname);
bool adopt_all(const struct strlist *patterns);
/* Zones that hold host names of the configuration, or records of ours that lead there: ids. A
 * configuration that cannot be read has none. */
void adopt_zones(const struct world *w, const char *config, const struct tunnel *row,
		 struct strlist *zones);

#endif
