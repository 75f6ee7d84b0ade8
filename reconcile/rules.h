/*
 * Pure: the ingress rules of a configuration document as merge reads them. Keys are understood,
 * everything else stays the bytes that were sent (json_raw of the rule's value).
 */
#ifndef RECONCILE_RULES_H
#define RECONCILE_RULES_H

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

#define RULE_WORDS_MAX (HOSTNAME_MAX + 160)

struct rule {
	char *hostname;           /* lower-case ASCII, "*.x" allowed; NULL = every host */
	char *path;               /* NULL = every path */
	bool every_path;          /* path is NULL, or a pattern that fits whatever comes */
	const struct json *value; /* in its document; NULL = a rule that stands in none */
};

struct rules {
	struct json_doc *doc;    /* owned */
	const struct json *root; /* NULL = there is no document */
	struct rule *items;
	size_t n;
};

void rules_free(struct rules *r);
void rule_free(struct rule *r);
/* A key without a document. */
void rule_make(struct rule *r, const char *hostname, const char *path);
bool rule_same_key(const struct rule *a, const struct rule *b);
/* Takes every request that comes to it. */
bool rule_takes_all(const struct rule *r);
/* For sentences: "rule 3 (*.example.com)". The text of a rule came from outside, so a host name is
 * shown only when it is one. number counts from 1. */
void rule_describe(const struct rule *r, size_t number, char *out, size_t size);
/* The same with where it leads: "rule 3 (*.example.com) to http://10.0.0.5:80"; a service is shown
 * only when it looks like one, and cut. */
void rule_words(const struct rule *r, size_t number, char out[RULE_WORDS_MAX]);
/* SHA-256 of its text as it was sent: what `takes` of a route names it by. */
void rule_hash(const struct rule *r, char out[SHA256_HEX_SIZE]);

/* The document of a tunnel's configuration. text NULL or null: no document. A last rule that takes
 * all and no such rule before it are part of being understood. */
MUST_USE int rules_read_config(const char *text, struct rules *out, struct err *e);
/* A plain array of rules; NULL = empty. */
MUST_USE int rules_read_array(const char *text, struct rules *out, struct err *e);

/* Rules by key; borrows them. */
struct rule_index {
	const struct rule **sorted;
	size_t n;
};
void rule_index_init(struct rule_index *x, const struct rules *r);
void rule_index_free(struct rule_index *x);
/* How many have the key; *first is an array of them, in the order of the document. */
size_t rule_index_find(const struct rule_index *x, const struct rule *key,
		       const struct rule *const **first);

/* Equal as values: order of members, white space, escapes and the spelling of numbers do not count;
 * a member that is null counts as absent. */
bool json_same(const struct json *a, const struct json *b);
/* As json_same, {} counting as absent as well: so Cloudflare shows "none". */
bool origin_same(const struct json *a, const struct json *b);
/* Service and originRequest are these. */
bool rule_serves(const struct rule *r, const char *service, const struct json *origin);

#endif
