/*
 * What lasts: one SQLite file in state_dir (WAL, synchronous=FULL), one writer, locked. Whatever is
 * acknowledged has been committed before. Callers bracket their writes with store_begin and
 * store_commit; a function that writes outside of a transaction asserts. No ledger row, no
 * mutation: the intent is in the same transaction as the change.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/secret.h"
#include "model/plan.h"
#include "model/snapshot.h"
#include "model/world.h"

struct store;

struct store_options {
	int dirfd;                   /* state_dir, open; borrowed while the store is open */
	const char *owner;           /* pinned at first start: another one later is ERR_CONFLICT */
	const char *account_id;      /* pinned when first not empty; "" = not configured yet */
	const char *machine_id_file; /* NULL = /etc/machine-id */
	bool impatient;              /* do not wait for a program that has the file locked */
};

/* Locks state_dir (ERR_BUSY names the pid that holds it), opens or makes the file (0600), migrates;
 * a newer schema is refused, a damaged file is moved aside to adit.db.damaged-<time> and reported
 * by store_was_damaged. The account of an earlier start is in force when none is given. What may
 * pass by itself (a full disk, a program that has locked the file) may be tried again. */
MUST_USE int store_open(const struct store_options *o, struct store **s, struct err *e);
void store_close(struct store *s);                /* checkpoint, unlock */
const char *store_install(const struct store *s); /* 8 hex digits, made at first start */
const char *store_owner(const struct store *s);
const char *store_account(const struct store *s);
bool store_was_damaged(const struct store *s);
const char *store_damaged_name(const struct store *s); /* file in state_dir; NULL = not damaged */
/* The file "install" (0600) beside the store keeps install id, owner, account and machine: a store
 * that is begun anew where one was takes them from there, so that the marks at Cloudflare stay
 * ours. Such a store has this key (store_get_meta) until somebody has decided what becomes of what
 * is there: "lost", or the name of the damaged file that was moved aside. */
#define STORE_REBUILD "rebuild"

/* Tunnels, routes and records of a file that was moved aside, as far as they can be read: none of
 * it is certain. NULL when nothing can; the caller frees the world. */
struct world *store_salvage(const struct store *s, const char *name);

/* ---- what the disk lets us do ---- */

enum store_disk {
	STORE_DISK_FINE,
	STORE_DISK_FULL,
	STORE_DISK_READ_ONLY,
	STORE_DISK_FAILING, /* any other error of input and output */
};
/* As the last write found it. */
enum store_disk store_disk(const struct store *s);
/* Write something small: is it as it was? Not inside a transaction. A reserve of 256 KiB is kept in
 * state_dir while there is room; it is made again here. */
enum store_disk store_try(struct store *s);
/* On a full disk: give up the reserve for what revokes something. true = there is room now, try it
 * once more. */
bool store_give_reserve(struct store *s);

/* The machine is another one than at the first start: a restored or cloned store. Not known (no
 * machine id) counts as the same. */
bool store_moved(const struct store *s);
/* This machine is the right one from now on (writes_resume). Inside a transaction. */
MUST_USE int store_accept_machine(struct store *s, struct err *e);

/* One transaction. Full disk and I/O errors are ERR_INTERNAL with a hint, never lost silently; a
 * failed commit has rolled back. */
MUST_USE int store_begin(struct store *s, struct err *e);
MUST_USE int store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s); /* no-op outside of a transaction */

/* ---- desired state (desired.c) ---- */

/* Fill an empty world with tunnels, routes, records, connectors and the revision, in order of
 * creation. Observed parts start empty. After an error the world is to be freed. */
MUST_USE int store_load(struct store *s, struct world *w, struct err *e);
MUST_USE int store_save_tunnel(struct store *s, const struct tunnel *t, struct err *e);
MUST_USE int store_save_route(struct store *s, const struct route *r, struct err *e);
MUST_USE int store_save_record(struct store *s, const struct record *r, struct err *e);
/* Slot, want, who stopped it, why and until when, restarts and token_generation. What finds its
 * process again lies in its folder, and so does what was asked for and is not done yet. */
MUST_USE int store_save_connector(struct store *s, const struct connector *c, struct err *e);
/* Tunnel, route, record or connector. A missing row is no error. A dropped tunnel takes secret,
 * token, rules and connectors along; while a route leads through it, the commit is refused. */
MUST_USE int store_drop(struct store *s, enum object_type type, const char *id, struct err *e);
/* The tunnel's own secret (base64 text, as Cloudflare takes it) and the connector's token. */
MUST_USE int store_save_secret(struct store *s, const char *tunnel_id, const struct secret *secret,
			       struct err *e);
MUST_USE int store_load_secret(struct store *s, const char *tunnel_id, struct secret *secret,
			       struct err *e); /* ERR_NOT_FOUND */
MUST_USE int store_save_token(struct store *s, const char *tunnel_id, const struct secret *token,
			      struct err *e);
MUST_USE int store_load_token(struct store *s, const char *tunnel_id, struct secret *token,
			      struct err *e); /* ERR_NOT_FOUND */
/* The rules of ours that Cloudflare last confirmed: JSON array of {hostname, path?, service,
 * originRequest?}. "[]" when there are none. The caller frees *rules. */
MUST_USE int store_save_rules(struct store *s, const char *tunnel_id, const char *rules,
			      struct err *e);
MUST_USE int store_load_rules(struct store *s, const char *tunnel_id, char **rules, struct err *e);

/* ---- history of desired state (revisions.c) ---- */

/* At least the newest so many can be listed and gone back to. What was before them is known as the
 * one state that they begin from. */
#define REVISIONS_KEPT 1000

struct revision {
	int64_t number, at_ms; /* wall */
	int64_t plan;          /* 0 = none */
	char *principal, *operation;
	char *reason; /* NULL = none said */
	int64_t changes;
	struct strlist objects; /* names of what it changed, each once */
};
void revision_free(struct revision *r); /* its members, not itself: lists are arrays of them */
/* The next revision, made by this plan. */
MUST_USE int store_add_revision(struct store *s, int64_t revision, const struct plan *p,
				struct err *e);
/* Newest first, below before (0 = newest). The caller frees the rows' members and the array. */
MUST_USE int store_list_revisions(struct store *s, int64_t before, int64_t limit,
				  struct revision **rows, size_t *n, struct err *e);
/* Desired state as it was at a revision; 0 = empty, before the first. ERR_NOT_FOUND with what there
 * is; ERR_INVALID when the history is damaged. */
MUST_USE int store_load_snapshot(struct store *s, int64_t revision, struct snapshot *out,
				 struct err *e);

/* ---- plans (plans.c) ---- */

MUST_USE int store_add_plan(struct store *s, struct plan *p, struct err *e); /* sets number */
/* State, decided_by, decided_ms, revision; the rest is immutable. ERR_NOT_FOUND. */
MUST_USE int store_decide_plan(struct store *s, const struct plan *p, struct err *e);
/* ERR_NOT_FOUND; ERR_CONFLICT for a waiting plan that no longer has the hash it was stored with. */
MUST_USE int store_load_plan(struct store *s, int64_t number, struct plan **p, struct err *e);
/* Newest first, below before (0 = newest), state -1 = any. The caller frees each and the array. */
MUST_USE int store_list_plans(struct store *s, int state, int64_t before, int64_t limit,
			      struct plan ***plans, size_t *n, struct err *e);
MUST_USE int store_count_plans(struct store *s, int state, int64_t *count, struct err *e);
/* Objects that this principal's applied plans have deleted since then. */
MUST_USE int store_count_drops(struct store *s, const char *principal, int64_t since_ms,
			       int64_t *count, struct err *e);
/* Waiting plans past expires_ms become expired. */
MUST_USE int store_expire_plans(struct store *s, int64_t wall_ms, int64_t *expired, struct err *e);

/* ---- events (events.c): what happened, for people; bounded ---- */

struct event {
	int64_t seq;   /* set by the store */
	int64_t at_ms; /* wall; 0 = now */
	enum object_type object_type;
	char *object_id;   /* local id, "" for the system */
	char *object_name; /* as people know it */
	char *kind;        /* "connector_ready", "tunnel_created", ...: lower case, closed by use */
	char *message;     /* one sentence */
	char *untrusted_detail; /* text from outside, NULL = none */
};
void event_free(struct event *ev); /* its members, not itself: lists are arrays of events */
/* Own transaction if none is open. Keeps the newest 10,000. */
MUST_USE int store_add_event(struct store *s, const struct event *ev, struct err *e);
struct event_filter {
	int64_t since_ms;             /* 0 = any */
	int64_t before;               /* seq, exclusive; 0 = newest */
	const char *kind, *object_id; /* NULL = any */
	int64_t limit;
};
/* Newest first. The caller event_free()s each and frees the array. */
MUST_USE int store_list_events(struct store *s, const struct event_filter *f, struct event **events,
			       size_t *n, struct err *e);

/* ---- ledger (ledger.c): who did what; append-only (trigger), hash-chained, write-ahead ---- */

enum ledger_phase { LEDGER_ASKED, LEDGER_INTENT, LEDGER_RESULT };

struct ledger_row {
	int64_t seq; /* set by the store, as are at_ms and the hashes */
	int64_t at_ms;
	enum ledger_phase phase;
	char *principal; /* "uid 0 (root)", "grant claude", "adit" for the reconciler itself */
	char *operation; /* "route_set", or "POST cfd_tunnel" for a call to Cloudflare */
	char *object;    /* local id or name, NULL = none */
	char *arguments; /* JSON with secrets struck out, NULL = none */
	char *plan_hash; /* NULL = none */
	char *outcome;   /* "ok", an error kind, "refused"; NULL while asked */
	char *detail;    /* ray id, remote id, revision: JSON or words; NULL = none */

	/* since schema 8; NULL = not said */
	char *door;     /* "socket", "mcp" */
	char *peer;     /* "pid 5", "127.0.0.1:40000" */
	char *client;   /* its name and version, as it said: from outside */
	char *tool_use; /* its id of the call, as it said: from outside */
	char *decision; /* "allowed", "denied", "needs_approval", "approved", "declined", ... */
	char *policy;   /* what decided so */
	char *plan;     /* "p7" */
	char *rays;     /* of Cloudflare's answers, with commas between */

	char prev_hash[SHA256_HEX_SIZE], hash[SHA256_HEX_SIZE];
};
void ledger_row_free(struct ledger_row *row); /* its members, not itself */
const char *ledger_phase_name(enum ledger_phase phase);
/* Inside the caller's transaction, or in one of its own when none is open. */
MUST_USE int store_add_ledger(struct store *s, const struct ledger_row *row, int64_t *seq,
			      struct err *e);
/* Newest first, below before (0 = newest). The caller frees the rows' members and the array. */
MUST_USE int store_list_ledger(struct store *s, int64_t before, int64_t limit,
			       struct ledger_row **rows, size_t *n, struct err *e);
/* The same, of what fits. NULL and 0 = whatever. */
struct ledger_filter {
	const char *principal, *operation, *decision, *plan;
	int64_t since_ms, until_ms;
};
/* Looks at so many rows below *before at the most (0 = from the newest), and moves it to the last
 * one that was looked at; 1 = nothing is below that. */
MUST_USE int store_find_ledger(struct store *s, const struct ledger_filter *f, int64_t *before,
			       int64_t look, int64_t limit, struct ledger_row **rows, size_t *n,
			       struct err *e);
/* Does a row hold that ray of Cloudflare's, with its data centre or without? *seq its number, *plan
 * as in "p7" or NULL, which the caller frees. */
MUST_USE int store_ledger_ray(struct store *s, const char *ray, bool *has, int64_t *seq,
			      char **plan, struct err *e);
/* In that time, was anything about to be written to the object (as rows name it; NULL = to any)
 * whose answer never
 * came, or came without a ray? Of the newest rows. */
MUST_USE int store_ledger_open(struct store *s, const char *object, int64_t from_ms, int64_t to_ms,
			       bool *open, struct err *e);
/* What the rows behind its first one (asked) say of a call: how it ended (outcome NULL = there is
 * no such row), and the last plan that it stored, as in "p7" or NULL. An intent of it says so in
 * its detail, by the mark, which the caller frees. */
struct ledger_call {
	char *outcome, *detail, *plan;
};
char *ledger_call_mark(const char *call);
void ledger_call_free(struct ledger_call *call); /* its members, not itself */
MUST_USE int store_ledger_call(struct store *s, int64_t asked, const char *call,
			       struct ledger_call *out, struct err *e);
/* When its first row was written; 0 = there is none. */
MUST_USE int store_ledger_began(struct store *s, int64_t *at_ms, struct err *e);
/* Walk the chain: 0 and *count rows, or ERR_CONFLICT that names the first bad row. All of it in one
 * go, 100000 rows in about 0.2 s: too long for a turn of the loop when the ledger is old. */
MUST_USE int store_verify_ledger(struct store *s, int64_t *count, struct err *e);
/* The same in pieces of so many rows; what is added meanwhile is walked too. Zeroed to begin with;
 * bad is the first bad row after ERR_CONFLICT. */
struct ledger_walk {
	int64_t rows, bad;
	bool done;

	char link[SHA256_HEX_SIZE]; /* private */
};
MUST_USE int store_walk_ledger(struct store *s, struct ledger_walk *walk, int64_t rows,
			       struct err *e);

/* ---- grants (grants.c) ---- */

struct grant_row {
	int64_t id; /* set by the store; never given twice */
	char *name, *token_sha256;
	char *second_sha256; /* NULL = none is asked for */
	char *spec;          /* JSON */
	char *created_by;
	int64_t created_ms, expires_at_ms;
	int64_t last_used_ms; /* 0 = never */
};
void grant_row_free(struct grant_row *row); /* its members, not itself */
/* Sets id. ERR_CONFLICT when the name is taken. */
MUST_USE int store_add_grant(struct store *s, struct grant_row *row, struct err *e);
MUST_USE int store_set_grant_second(struct store *s, int64_t id, const char *sha256, struct err *e);
MUST_USE int store_set_grant_used(struct store *s, int64_t id, int64_t wall_ms, struct err *e);
MUST_USE int store_drop_grant(struct store *s, int64_t id, struct err *e); /* missing: no error */
/* Oldest first. The caller frees the rows' members and the array. */
MUST_USE int store_list_grants(struct store *s, struct grant_row **rows, size_t *n, struct err *e);
/* Plans of that principal that wait, without what they hold. The caller frees the array. */
struct waiting_plan {
	int64_t number;
	char hash[SHA256_HEX_SIZE];
};
MUST_USE int store_list_waiting(struct store *s, const char *principal, struct waiting_plan **rows,
				size_t *n, struct err *e);

/* ---- small facts (meta) ---- */

/* NULL removes the key. The store's own keys (install, owner, account, machine, clean, ledger_head)
 * are refused. */
MUST_USE int store_set_meta(struct store *s, const char *key, const char *value, struct err *e);
char *store_get_meta(struct store *s, const char *key); /* NULL; the caller frees it */
/* Keys that begin with this, in order, appended to keys. */
MUST_USE int store_list_meta(struct store *s, const char *prefix, struct strlist *keys,
			     struct err *e);

#endif
