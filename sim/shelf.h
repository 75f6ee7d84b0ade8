/*
 * Lists that the simulator keeps as JSON, much as they are answered: members, roles, tokens,
 * rulesets, access rules and the like. Each list has a kind and an owner: an account's or a zone's
 * id, "user", or "managed" for what Cloudflare itself provides. Rows stay in order of arrival.
 */
#ifndef SIM_SHELF_H
#define SIM_SHELF_H

#include "sim/call.h"

#define OWNER_USER    "user"
#define OWNER_MANAGED "managed"

struct sim_row {
	char id[UUID_SIZE];
	struct json_doc *doc; /* an object */
};
const struct json *row_json(const struct sim_row *x);

/* struct sim_row by id; NULL = nothing was ever put there. */
struct map *shelf_find(const struct cloud *c, const char *kind, const char *owner);
struct sim_row *shelf_row(const struct cloud *c, const char *kind, const char *owner,
			  const char *id);
/* text is a JSON object with an id, by which it replaces a row that is there. */
struct sim_row *shelf_put(struct cloud *c, const char *kind, const char *owner, const char *text);
bool shelf_drop(struct cloud *c, const char *kind, const char *owner, const char *id);
/* Afterwards the list is there, and empty. */
void shelf_clear(struct cloud *c, const char *kind, const char *owner);
void shelves_free(struct cloud *c);

/* A made-up id of 32 hex digits that is the same for the same texts. */
void shelf_id(const char *owner, const char *name, char out[SIM_ID_SIZE]);
/* The members of over, then those of under that over lacks; without those that skip names. */
void write_merged(struct json_writer *w, const struct json *under, const struct json *over,
		  const char *const *skip);
/* Whom a call's path names: the zone, the account, else the user. */
const char *call_owner(const struct call *k);
/* The path's last id. */
const char *call_last_id(const struct call *k);

/* ---- what a seed says: {"<owner's name or id>": {"<kind>": [rows]}} ---- */
MUST_USE int shelves_load(struct cloud *c, const char *owner, const struct json *lists,
			  struct err *e);
/* audit_note.c: one entry of the audit log, as v2 answers it, with a time or how long ago. */
MUST_USE int audit_load(struct cloud *c, const struct sim_account *a, const struct json *row,
			int64_t now_ms, struct err *e);
/* What an account has before a seed says more. */
void shelves_default(struct cloud *c, const char *account);

#endif
