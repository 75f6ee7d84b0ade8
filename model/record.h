/* A DNS record that we made or mean to make. Ours = this row with a remote id, and our mark in the
 * record's comment at Cloudflare. */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include "base/secret.h"
#include "model/tunnel.h"

#define COMMENT_MAX 100 /* characters that the Free plan allows */

struct record {
	char id[ID_SIZE];        /* "d0123456789" */
	char *name;              /* host name, normalised; unique among our records of a type */
	char *type;              /* "CNAME" */
	char tunnel_id[ID_SIZE]; /* content is <its remote id>.cfargotunnel.com; "" = content below
				  */
	char *content;           /* of a record that leads to no tunnel of ours; NULL otherwise */
	char *comment;           /* the user's text behind the mark; NULL = none */
	bool proxied;
	int64_t ttl;      /* 1 = automatic */
	int64_t priority; /* of an MX record; 0 otherwise */
	enum want want;
	enum drift_policy drift;
	char *manifest; /* that made it; NULL = none */
	/* Records that do not bear our mark and that a person let adit overwrite or replace: JSON
	 * array of {id, seen: record_seen_hash, what: words}; NULL = none. Gone once it is ours. */
	char *takes;
	/* What adit last put there and sent there (reconcile/edited.h); NULL = not known. */
	char *applied;
	/* The last plan about it, "p4", and behind a blank the record_seen_hash of somebody's edit
	 * that it named; NULL = none is known. */
	char *asked;
	int64_t generation, applied_generation;
	char zone_id[CF_ID_SIZE]; /* "" until a zone is found for the name */
	char remote_id[CF_ID_SIZE];
	int64_t create_sent_ms; /* wall: a POST may have taken effect since; 0 = none */

	struct {
		int64_t looked_ms; /* wall: last complete look-up of name (or by id); 0 = none */
		int64_t named_ms;  /* wall: of the name */
		bool found; /* the record with our remote id (or, before that, a claimable one) */
		bool gone;  /* had a remote id, a complete look-up says it is absent */
		int64_t deleting_ms; /* wall: a DELETE without an answer may still land; 0 = none */
		bool missing;        /* a listing lacks it, and that is not believed yet */
		bool marked;         /* its comment bears our mark */
		char found_id[CF_ID_SIZE];
		char *renamed; /* the name that somebody gave our record; NULL = it has its own */
		char *type, *content, *comment; /* as Cloudflare shows it */
		bool proxied;
		int64_t ttl, priority;
		bool locked; /* Cloudflare keeps it for itself and lets nobody change it */
		/* Our last write of it: the look before it, and its answer; 0 = none in this life.
		 */
		int64_t wrote_after_ms, wrote_ms;
		/* It leads where it does since, after this content; NULL = not known (leaving.h).
		 */
		char *led;
		bool led_elsewhere; /* and just before that to something else */
		int64_t led_ms;     /* wall; 0 = it never changed */
		char *conflict; /* what stands in the way: "A 192.0.2.1 (not ours)"; NULL = nothing
				 */
		struct strlist taking; /* ids of foreign records of its name that may give way */
		struct drift_facts drift;
	} observed;
	struct problem *problem;
};

struct record *record_new(const char *name, const char *type);
void record_free(struct record *r);

/* ---- what Cloudflare makes of a record (record_form.c) ---- */

/* Does content of this type say where somebody is to go, so that another content repoints the name?
 * A text, a key, a certificate or a rule about them does not. What is not known does. */
bool record_type_leads(const char *type);
/* May Cloudflare's edge answer for this type? NULL may not. */
bool record_type_proxiable(const char *type);
/* May no two records of these types share a name? adit keeps one record of a name and type. */
bool record_types_clash(const char *a, const char *b);
/* The same in the form in which Cloudflare gives it back: addresses in any spelling, names in any
 * case, texts with or without their quotation marks. */
bool record_content_same(const char *type, const char *a, const char *b);
/* Of a record that leads to no tunnel: was it seen as it is wanted? */
bool record_own_as_seen(const struct record *r);

/* What a person was shown of a record, as one hash: it may be written only while it is still that.
 * comment NULL = none. */
void record_seen_hash(const char *type, const char *content, const char *comment, bool proxied,
		      int64_t ttl, int64_t priority, char out[SHA256_HEX_SIZE]);

/* The same of what was last seen of our own. */
void record_observed_hash(const struct record *r, char out[SHA256_HEX_SIZE]);

/* ---- what may be taken (record_takes.c) ---- */

enum take {
	TAKE_UNNAMED, /* nobody said that it may be written to */
	TAKE_CHANGED, /* somebody did, but it is no longer what was shown then */
	TAKE_AS_SEEN,
};

/* What do takes, as in struct record, say of the record with that id? seen: its hash now. */
enum take record_take(const char *takes, const char *id, const char *seen);
/* One more entry. seen and what may be NULL: then it is only named, and nothing may be taken. */
void record_takes_add(char **takes, const char *id, const char *seen, const char *what);
/* Are there entries that are only named? */
bool record_takes_unseen(const char *takes);

/* ---- the mark ---- */

/* "adit:<owner>/<install>" and, behind a blank, the user's text. ERR_INVALID when it would not fit
 * into COMMENT_MAX characters; nothing is cut. The caller frees *comment. */
MUST_USE int mark_write(const char *owner, const char *install, const char *text, char **comment,
			struct err *e);
/* Does this comment begin with the word of exactly this owner and install? NULL has none. */
bool mark_is(const char *comment, const char *owner, const char *install);
/* Whose mark it is, as "edge1/a1b2c3d4", for people; NULL when it bears none. The caller frees it.
 */
char *mark_owner(const char *comment);
/* The user's text behind the mark, "" if none; NULL when there is no adit mark at all. */
const char *mark_text(const char *comment);

#endif
