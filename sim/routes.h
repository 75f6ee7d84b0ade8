/*
 * The API's routes: one table of method, pattern, scope and handler. The table decides between
 * "no such path" (7003), "not by this method" (7001) and a handler, and reads ids out of paths.
 */
#ifndef SIM_ROUTES_H
#define SIM_ROUTES_H

#include "sim/call.h"

struct route {
	const char *method; /* NULL = any */
	const char *pattern;
	const char *scope; /* or several, with | between; NULL = any valid token */
	void (*answer)(struct call *k);
};

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Fills ids in the order of the pattern's placeholders. */
enum route_match route_find(const char *method, const char *path, char ids[CALL_IDS][64],
			    const struct route **out);

/* accounts.c */
void answer_account_list(struct call *k);
void answer_account_get(struct call *k);
void answer_user_verify(struct call *k);
void answer_account_verify(struct call *k);
/* zones.c */
void answer_zone_list(struct call *k);
void answer_zone_get(struct call *k);
/* lists.c: every list of a kind (kinds.h) */
void answer_list(struct call *k);
void answer_list_row(struct call *k);
void answer_list_create(struct call *k);
void answer_list_change(struct call *k);
void answer_list_delete(struct call *k);
/* rulesets.c, ruleset_edit.c */
void answer_ruleset_list(struct call *k);
void answer_ruleset_get(struct call *k);
void answer_ruleset_delete(struct call *k);
void answer_entrypoint(struct call *k);
void answer_entrypoint_put(struct call *k);
void answer_rule_create(struct call *k);
void answer_rule_change(struct call *k);
void answer_rule_delete(struct call *k);
void answer_retired(struct call *k);
/* audit.c */
void answer_audit_list(struct call *k);
void answer_audit_old(struct call *k);
/* What a call did, or tried to, goes into the account's audit log. */
void audit_note(struct call *k, const struct route *route);
/* tunnels.c */
void answer_tunnel_list(struct call *k);
void answer_tunnel_get(struct call *k);
void answer_tunnel_create(struct call *k);
void answer_tunnel_patch(struct call *k);
void answer_tunnel_delete(struct call *k);
void answer_tunnel_token(struct call *k);
/* connections.c */
void answer_connection_list(struct call *k);
void answer_connection_delete(struct call *k);
void answer_connector_get(struct call *k);
/* configs.c */
void answer_config_get(struct call *k);
void answer_config_put(struct call *k);
/* records.c */
void answer_record_get(struct call *k);
void answer_record_create(struct call *k);
void answer_record_put(struct call *k);
void answer_record_patch(struct call *k);
void answer_record_delete(struct call *k);
void answer_zone_usage(struct call *k);
void answer_account_usage(struct call *k);
/* record_list.c, batch.c */
void answer_record_list(struct call *k);
void answer_record_batch(struct call *k);

#endif
