/*
 * One API call while it is answered: the request, who asks, what its path names, and the answer
 * being written. Every handler ends in call_fail or in call_ok_begin ... call_ok_end.
 */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "sim/state.h"

#define CALL_IDS 3

/* Where the reference knows no code for a refusal, the simulator says this one. */
#define CODE_OWN 7400

struct call {
	struct cloud *c;
	const struct cloud_request *q;
	struct cloud_response *r;
	struct sim_token *token; /* NULL = somebody else, who may do everything */
	const char *path;        /* without the base path */
	char ids[CALL_IDS][64];  /* the values of the route's placeholders, in order */
	struct sim_account *account;
	struct sim_zone *zone;
	struct sim_tunnel *tunnel;
	struct json_doc *doc;
	const struct json *body;
	struct json_writer w;
};

/* What is wrong with a document, before anybody decided how to say it. */
struct refusal {
	int status;
	int64_t code;
	char message[320];
};
/* Always -1. */
int refuse(struct refusal *f, int status, int64_t code, const char *fmt, ...) PRINTF(4, 5);

void call_fail(struct call *k, int status, int64_t code, const char *fmt, ...) PRINTF(4, 5);
void call_fail_at(struct call *k, const struct refusal *f, const char *pointer);
/* With an error_chain of one. */
void call_fail_chain(struct call *k, int status, int64_t code, const char *message,
		     int64_t chain_code, const char *chain);
void call_fail_route(struct call *k);

/* After begin, the handler writes the value of "result" to k->w. */
void call_ok_begin(struct call *k);
void call_ok_end(struct call *k);
void call_ok_null(struct call *k);

/* The body as a JSON object in k->body; -1 = refused already. */
MUST_USE int call_body(struct call *k);
/* A string member: -1 = refused, since it is of another type; *out NULL = absent. */
MUST_USE int call_body_string(struct call *k, const char *key, const char **out);

const char *call_arg(const struct call *k, const char *name);
/* "true"/"false": -1 = refused. */
MUST_USE int call_arg_bool(struct call *k, const char *name, bool otherwise, bool *out);

struct page {
	int64_t page, per_page;
	void **items; /* borrowed pointers to what matched, all pages */
	size_t n;
};
MUST_USE int call_page(struct call *k, int64_t min, int64_t max, int64_t otherwise, struct page *p);
void page_add(struct page *p, void *item);
void page_reverse(struct page *p);
/* The whole answer: result = the page's items by write, result_info; frees the page's memory. */
void call_ok_page(struct call *k, struct page *p, void (*write)(struct call *k, const void *item));

/* A write touches an object: it is noted, and whether the token made that object. */
void call_touch(struct call *k, const char *id, const char *maker);
/* The id that new objects of this call bear as their maker. */
const char *call_maker(const struct call *k);
bool call_may(const struct call *k, const char *scope);
bool call_sees_account(const struct call *k, const char *id);
bool call_sees_zone(const struct call *k, const struct sim_zone *z);

#endif
