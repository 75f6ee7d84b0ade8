/* DNS records of a zone. */
#ifndef CLOUDFLARE_RECORDS_H
#define CLOUDFLARE_RECORDS_H

#include "cloudflare/page.h"

struct cf_record {
	char id[CF_ID_SIZE];
	const char *name, *type, *content, *comment; /* borrowed; comment NULL = none */
	bool proxied;
	bool locked;           /* Cloudflare keeps it for a service of its own: nobody changes it */
	int64_t ttl, priority; /* priority: 0 where there is none */
	const struct json *data; /* borrowed; of a type that has it, NULL = absent */
};

/* A member that is NULL (a ttl of 0) is left out: unset in a new record, unchanged by a patch. */
struct cf_record_body {
	const char *type, *name, *content, *comment;
	bool proxied;
	int64_t ttl, priority; /* priority: sent with MX records alone */
};

/* All records of exactly that name, any type; result is an array. */
void cf_record_find(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		    const char *name, task_done_fn *done, void *owner);
/* The same for a person who asks. */
void cf_record_ask(struct cf *cf, struct cf_call *c, const char *zone, const char *name,
		   task_done_fn *done, void *owner);
void cf_record_get(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		   const char *id, task_done_fn *done, void *owner);
void cf_record_create(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		      const struct cf_record_body *body, task_done_fn *done, void *owner);
/* PATCH of content, proxied, ttl and comment; the type cannot change. */
void cf_record_patch(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		     const char *id, const struct cf_record_body *body, task_done_fn *done,
		     void *owner);
/* PATCH of the comment alone; "" = none. */
void cf_record_comment(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		       const char *id, const char *comment, task_done_fn *done, void *owner);
void cf_record_delete(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		      const char *id, task_done_fn *done, void *owner);
/* Several writes in one zone: all or nothing, deletes before patches before posts. */
enum cf_step_kind { CF_STEP_DELETE, CF_STEP_PATCH, CF_STEP_POST, CF_STEP_KINDS };

struct cf_step {
	enum cf_step_kind kind;
	const char *id;             /* of the record; NULL with a post */
	struct cf_record_body body; /* not of a delete */
};

/* How many steps a batch may have in a zone of that plan (as Cloudflare names it; NULL = not
 * told). */
size_t cf_batch_max(const char *plan);
void cf_record_batch(struct cf *cf, struct cf_call *c, const char *zone,
		     const struct cf_step *steps, size_t n, task_done_fn *done, void *owner);
/* What the answer says of the nth step of that kind; NULL when it says nothing. */
const struct json *cf_batch_row(const struct json *result, enum cf_step_kind kind, size_t nth);
/* filter: further query as "name=x&type=CNAME" (encoded), NULL = none. */
void cf_record_list(struct cf *cf, struct cf_page *p, enum cf_share share, const char *zone,
		    const char *filter, task_done_fn *done, void *owner);
/* How many records a zone has and may have; read by cf_record_usage_read, quota -1 = not told. */
void cf_record_usage(struct cf *cf, struct cf_call *c, enum cf_share share, const char *zone,
		     task_done_fn *done, void *owner);
MUST_USE int cf_record_usage_read(const struct json *v, int64_t *usage, int64_t *quota,
				  struct err *e);
MUST_USE int cf_record_read(const struct json *v, struct cf_record *out, struct err *e);
/* How rows of listings without a filter are kept. */
const struct cf_family *cf_record_family(void);
/* The row with that id of a listing, until the page is reset. */
MUST_USE int cf_record_row(const struct cf_page *p, struct cf_row *row, struct cf_record *out,
			   struct err *e);
/* Every row, in order, until each() returns non-zero, which is returned. NULL: it is no record, and
 * why tells what is wrong with it. Borrowed until the page is reset. */
int cf_record_each(const struct cf_page *p,
		   int (*each)(const struct cf_record *r, const struct err *why, void *owner),
		   void *owner);
/* What each row says of these, whether or not it is a record; NULL = nothing. */
struct cf_record_label {
	const char *id, *name, *comment;
};
void cf_record_labels(const struct cf_page *p,
		      void (*each)(const struct cf_record_label *l, void *owner), void *owner);
/* Its content in the form in which ours is kept (model/record_data.h). The caller frees it. */
char *cf_record_content(const struct cf_record *r);
/* The same, borrowed where it stands there already; else in *made, which the caller frees. */
const char *cf_record_content_in(const struct cf_record *r, char **made);

#endif
