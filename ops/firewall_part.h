/* Where a zone's firewall stands in Cloudflare's API: one row for each place. A token may be kept
 * from any of them. */
#ifndef OPS_FIREWALL_PART_H
#define OPS_FIREWALL_PART_H

#include "cloudflare/firewall.h"
#include "cloudflare/rulesets.h"
#include "cloudflare/source.h"

#define FIREWALL_PARTS 9

struct firewall_part {
	const char *name, *api;
	enum cf_source source;
	const char *phase; /* of a ruleset; NULL: the rules are read by read() */
	int (*read)(const struct json *v, struct cf_firewall_rule *out);
	bool account; /* the account's, as a whole */
};

const struct firewall_part *firewall_part(size_t i);
/* By a literal that is one of their names. */
const struct firewall_part *firewall_part_named(const char *name);
/* Can the rule hold for the zone? Of the account's some name other zones alone. */
bool firewall_part_holds(const struct firewall_part *p, const struct cf_ruleset_rule *r,
			 const char *zone);
/* Each rule of a ruleset that can hold for the zone is told; gives how many could not be read. */
typedef void firewall_rule_fn(const struct cf_ruleset_rule *r, const char *ruleset, void *owner);
size_t firewall_part_rules(const struct firewall_part *p, const struct json *ruleset,
			   const char *zone, firewall_rule_fn *told, void *owner);

#endif
