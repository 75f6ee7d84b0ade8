/*
 * A plan: a proposed change of what we want. It holds edits (what changes in the store), the
 * changes that follow as people read them, why it needs approval, and a hash over all of it and
 * over the versions of the objects it touches. Immutable once made; only its state moves.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "base/json.h"
#include "base/secret.h"
#include "model/record.h"
#include "model/route.h"

enum edit_kind {
	EDIT_TUNNEL_PUT,     /* name, replicas, joined, drift, manifest */
	EDIT_TUNNEL_DROP,    /* want = absent; its routes and records are edits of their own */
	EDIT_TUNNEL_RELEASE, /* want = released; its routes and records are edits of their own */
	EDIT_ROUTE_PUT,      /* tunnel_id, name, path, service, origin, drift, probe,
				until_ms, manifest */
	EDIT_ROUTE_DROP,     /* the rule goes */
	EDIT_ROUTE_RELEASE,  /* the rule stays at Cloudflare and is not ours any more */
	EDIT_RECORD_PUT,     /* tunnel_id or content, name, type, comment, proxied, ttl, priority,
				drift, manifest */
	EDIT_RECORD_DROP,    /* want = absent */
	EDIT_RECORD_RELEASE, /* want = released */
	EDIT_CONNECTOR_STOP, /* tunnel_id, name (who), comment (why), for_ms */
	EDIT_CONNECTOR_START,
	EDIT_KINDS
};

struct edit {
	enum edit_kind kind;
	char id[ID_SIZE];
	char tunnel_id[ID_SIZE];
	char *name, *path, *service, *origin, *type, *comment, *content;
	char *drift;    /* a policy's name; NULL = as the settings say */
	char *probe;    /* as probing_said */
	char *manifest; /* NULL = none */
	int64_t replicas;
	int64_t ttl, priority; /* 0 = not said */
	int64_t until_ms;      /* as in struct route */
	int64_t for_ms;        /* how long a connector is stopped; 0 = until it is started */
	bool proxied;
	bool joined;

	/* Once, when the plan is applied: no part of what is wanted. */
	char *remote_id, *zone_id; /* a tunnel's or record's, which it takes over; NULL = none */
	char *takes;               /* as in struct route and struct record; of a tunnel: the name
				      that somebody else gave it and that is to give way */
	char *seen;                /* record_seen_hash of somebody's edit that the plan names */
	int64_t overwrites;        /* foreign records that give way to this one */
	bool convert;              /* as in struct tunnel */
	bool rotate;               /* a tunnel: it gets another secret */
	char *others; /* with rotate: connectors of other hosts, a line each; NULL = not known */
	bool anew;    /* it is gone at Cloudflare and is to be made again, with another remote id */
};

/* An edit by itself: owned by the caller, cleared to zeroes. What it holds goes through all of
 * these by one table, so that no member is forgotten by one of them. */
void edit_clear(struct edit *d);
void edit_copy(struct edit *dst, const struct edit *src);
void edit_write(const struct edit *d, struct json_writer *w);
/* ERR_INVALID when it is no edit. */
MUST_USE int edit_read(struct edit *d, const struct json *v, struct err *e);

/* What a person reads: sign '+' made, '~' changed, '-' deleted, '=' left alone. */
struct change {
	char sign;
	char *object; /* "route", "tunnel", "record", "connector" */
	char *name;
	char *detail; /* NULL = none */
	char *in;     /* name of its tunnel or zone, where people look for it; NULL = not said */
	char *theirs; /* text of others that it concerns, which no sentence repeats; NULL = none */
};

/* An object whose version the plan was computed from. */
struct touch {
	char id[ID_SIZE];
	int64_t generation; /* 0 = it did not exist */
};

enum plan_state {
	PLAN_PLANNED,
	PLAN_NEEDS_APPROVAL,
	PLAN_APPLIED,
	PLAN_UNCHANGED,
	PLAN_STALE,
	PLAN_REJECTED,
	PLAN_EXPIRED,
	PLAN_FAILED,
	PLAN_STATES
};

struct plan {
	int64_t number;                          /* shown as "p<number>"; 0 = not stored yet */
	char *operation;                         /* that made it */
	char *principal;                         /* who proposed */
	char *reason;                            /* NULL = none said */
	char *decided_by;                        /* who approved or rejected; NULL = nobody */
	int64_t made_ms, expires_ms, decided_ms; /* wall; 0 = not yet */
	int64_t base;     /* desired revision that it was made from; 0 = the empty one */
	int64_t revision; /* desired revision that it made when applied; 0 = none */
	enum plan_state state;
	struct edit *edits;
	size_t n_edits;
	struct change *changes;
	size_t n_changes;
	struct touch *touches;
	size_t n_touches;
	struct strlist approvals; /* why it needs approval, a sentence each; empty = it does not */
	struct strlist warnings;
	char hash[SHA256_HEX_SIZE]; /* over operation, edits, changes, touches and approvals */
};

#define PLAN_LIFE_MS (24 * 3600 * 1000LL)

struct plan *plan_new(const char *operation, const char *principal, const char *reason);
void plan_free(struct plan *p);
typedef struct plan *plan_t;
void plan_t_cleanup(plan_t *p);
/* Append a zeroed edit; the pointer is good until the next one. */
struct edit *plan_edit(struct plan *p, enum edit_kind kind, const char *id);
void plan_change(struct plan *p, char sign, const char *object, const char *name,
		 const char *detail_fmt, ...) PRINTF(5, 6);
/* The last change concerns that text, which others wrote: it is shown beside, in no sentence. */
void plan_change_theirs(struct plan *p, const char *text);
void plan_touch(struct plan *p, const char *id, int64_t generation); /* once an id */
/* The object as it is, put again: what is to change of it is changed in the edit. Its generation is
 * touched. An object that the plan puts already has that edit returned. */
struct edit *plan_put_tunnel(struct plan *p, const struct tunnel *t);
struct edit *plan_put_route(struct plan *p, const struct route *r);
struct edit *plan_put_record(struct plan *p, const struct record *r);
/* A new object of that kind: a fresh id with its letter ('t', 'r', 'd'), touched as not existing.
 */
struct edit *plan_put_new(struct plan *p, enum edit_kind kind);
/* Drop or release of an object of that generation, once. */
struct edit *plan_take_off(struct plan *p, enum edit_kind kind, const char *id, int64_t generation);
/* Objects that it deletes, foreign ones that are overwritten among them. */
int64_t plan_drops(const struct plan *p);
/* What does the edit do to its object? */
bool edit_is_put(enum edit_kind k);
bool edit_is_drop(enum edit_kind k);
bool edit_is_release(enum edit_kind k);
char edit_letter(enum edit_kind k); /* 't', 'r', 'd', or 'c' for connectors of this host */
/* Fix the hash; to be called when all is in. */
void plan_seal(struct plan *p);
const char *plan_state_name(enum plan_state s);
int plan_state_by_name(const char *name); /* -1 when unknown */
/* {edits, changes, touches, approvals, warnings, base}: how the store keeps it. */
void plan_write_body(const struct plan *p, struct buf *out);
/* Replaces what the plan holds; on failure it stays as it was. The hash is not touched. */
MUST_USE int plan_read_body(struct plan *p, const char *text, size_t len, struct err *e);
/* Move what `from` holds into p, whose own is freed. */
void plan_take_body(struct plan *p, struct plan *from);
void plan_id(int64_t number, char out[24]); /* "p7" */
MUST_USE int plan_number(const char *id, int64_t *number, struct err *e);

#endif
