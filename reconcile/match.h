/*
 * Pure: which rule of a configuration takes a request, and why not the others, as cloudflared
 * decides it: rules in their order, host names letter by letter, "*.x" at any depth, the ASCII twin
 * of an international name, paths unanchored. A pattern that cannot be judged within its limits
 * leaves the answer uncertain: nothing is guessed.
 */
#ifndef RECONCILE_MATCH_H
#define RECONCILE_MATCH_H

#include "reconcile/rules.h"

struct request {
	char *host; /* as it is sent: no port; international names in ASCII; the case stays */
	char *path; /* decoded, without query; begins with '/' */
};

typedef struct request request_t;
void request_t_cleanup(request_t *q);

/* "https://app.example.com/a?b", or the same without its scheme. ERR_INVALID says what is wrong. */
MUST_USE int request_parse(const char *url, struct request *out, struct err *e);

enum verdict {
	VERDICT_MATCHES,
	VERDICT_LATER, /* it fits as well, but an earlier rule has the request */
	VERDICT_HOST,  /* it is for another host */
	VERDICT_CASE,  /* only the case of the letters is another */
	VERDICT_PATH,  /* the path does not fit its pattern */
	VERDICT_UNSURE /* its pattern is refused, or went beyond its limits */
};
const char *verdict_name(enum verdict v);
const char *verdict_doc(enum verdict v);

/* One rule by itself. hostname as it was written, NULL, "" or "*" = every host; twin: its ASCII
 * form, or NULL; path NULL or "" = every path. */
enum verdict match_one(const char *hostname, const char *twin, const char *path,
		       const struct request *q);

struct match {
	enum verdict *verdicts; /* of each rule, in order */
	size_t n;
	size_t number; /* of the rule that takes it, from 1; 0 = there are no rules */
	bool certain;  /* no rule before it was beyond judging */
};

typedef struct match match_t;
void match_t_cleanup(match_t *m);
void match_rules(const struct rules *r, const struct request *q, struct match *out);

#endif
