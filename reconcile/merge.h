/*
 * Pure: our routes merged into a tunnel's configuration document. Rules and members that are not
 * ours come back byte for byte and in their order; ours stand in their total order, and never where
 * they take a foreign rule's requests unless a person let them (`takes` of the route); the
 * catch-all stays last and is made when missing. A route that something stands in the way of is
 * left out, with an issue: the others do not wait for it.
 */
#ifndef RECONCILE_MERGE_H
#define RECONCILE_MERGE_H

#include "base/json.h"
#include "base/secret.h"
#include "model/route.h"

struct merge_input {
	const char *remote; /* text of the "config" member; NULL = never configured or null */
	const char *base; /* rules of ours that were applied last: JSON array (store_load_rules) */
	/* Desired, any order. One whose generation is not applied is *fresh*: what is wanted here
	 * wins over an edit there, and its `takes` count. What happened to the rule of any other is
	 * reported and left alone. */
	const struct route *const *routes;
	size_t n_routes;
	const char *sent; /* rules of PUTs whose answers never came: they may stand there or not */
	bool always;      /* a document even when nothing changes, to be put all the same */
};

enum merge_outcome {
	MERGE_SAME,
	MERGE_CHANGED /* a fresh route has its place, or a rule of ours goes */
};

enum merge_issue_kind {
	MERGE_FOREIGN_KEY,       /* a rule that we did not make has the key */
	MERGE_IDENTICAL_FOREIGN, /* and is what we would write */
	MERGE_SHADOWS,           /* ours would have to stand before a foreign rule */
	MERGE_DEAD,              /* a foreign rule takes all requests of ours */
	MERGE_EDITED,            /* our rule stands there otherwise than it was put */
	MERGE_REMOVED,           /* our rule stands there no more */
	MERGE_KNOT,              /* no order suits ours and the foreign rules */
	MERGE_TWICE              /* another route has the key */
};
/* Could a person let it, by naming the rule in `takes`? */
bool merge_permittable(enum merge_issue_kind k);

struct merge_issue {
	enum merge_issue_kind kind;
	char route_id[ID_SIZE];
	size_t number;              /* of the rule in the document, from 1; 0 = none */
	char rule[SHA256_HEX_SIZE]; /* its text, as `takes` names it; "" = none */
	char *words;                /* "rule 3 (*.example.com) to http://10.0.0.5:80"; NULL */
	struct err err;             /* the sentence, with a hint */
};

/* What becomes of one route: how it stands in the document that is to be put, or in this one. */
struct merge_fate {
	char route_id[ID_SIZE];
	int64_t generation;
	enum route_seen seen; /* ROUTE_AS_PUT: as wanted */
	char *service;        /* ROUTE_EDITED: what stands there, from outside */
	/* A rule of ours that somebody edited, and this fresh route rewrites: as of an issue */
	char rule[SHA256_HEX_SIZE];
	char *words; /* NULL = none */
};

struct merge_result {
	enum merge_outcome outcome;
	char *document; /* the text to put; NULL when there is nothing to put */
	char *rules;    /* our rules in it, as base of the next merge */
	char *sent;     /* what may stand there when this PUT's answer is lost too */
	struct merge_issue *issues;
	size_t n_issues;
	struct merge_fate *fates; /* of each route */
	size_t n_fates;
	struct strlist dropped; /* rules of ours that go, and that somebody edited: as words */
	struct strlist dropped_rules; /* their texts, as `takes` names them */
	size_t n_kept;    /* rules that come back byte for byte, without the catch-all */
	size_t n_foreign; /* those of them that adit did not make */
};

/* -1 when remote is no configuration that can be understood (nothing may be written then). */
MUST_USE int merge(const struct merge_input *in, struct merge_result *out, struct err *e);
void merge_result_free(struct merge_result *r);

#endif
