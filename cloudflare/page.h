/* A task that reads all pages of a listing, or nothing: it succeeds only when every page came and
 * the count agrees with what Cloudflare says the total is; a listing that changed underneath is
 * read again (twice at most). Page and cursor styles. */
#ifndef CLOUDFLARE_PAGE_H
#define CLOUDFLARE_PAGE_H

#include "cloudflare/client.h"
#include "cloudflare/source.h"

struct cf_page {
	struct task task; /* first */
	/* out */
	struct cf_rows *rows; /* walk them with cf_page_each; NULL = none came */
	size_t n_pages;
	size_t count; /* rows */
	char *next;   /* of a piece: where the listing goes on; NULL = it ends here */

	/* private */
	struct cf *cf;
	struct cf_call call;
	enum cf_share share;
	char *path; /* with a query that begins with '?' */
	const char *permission;
	int64_t page, per_page, max_pages;
	char *cursor;
	int64_t total; /* as the first page said; -1 = it did not */
	size_t max_rows;
	const struct cf_family *family; /* see cf_page_decoded; NULL: the rows are wanted as JSON */
	bool cursors;                   /* by cursor */
	bool beside;                    /* that it fails says nothing of Cloudflare as a whole */
	const char *size_key;           /* a literal */
	bool piece;                     /* one page alone is wanted */
	char *from;                     /* where it begins; NULL = at the beginning */
	int restarts;
};

/* path may hold a query; page, per_page (and cursor) are added. max_rows bounds memory. */
void cf_page_start(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
		   int64_t per_page, size_t max_rows, const char *permission, task_done_fn *done,
		   void *owner);
/* For families, behind the start: the rows are decoded, and kept for the next listing of the path.
 */
void cf_page_decoded(struct cf_page *p, const struct cf_family *family);
/* A listing by limit and cursor, which has no total: it ends with a page without a cursor, or
 * without a row. Fewer rows than the limit are no end, since filters may have taken some out. It
 * may be empty, and that it cannot be read says nothing of Cloudflare as a whole. */
void cf_page_start_cursor(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
			  int64_t limit, size_t max_rows, const char *permission,
			  task_done_fn *done, void *owner);
/* A listing of the table of sources, for people. */
void cf_page_start_source(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
			  const struct cf_source_row *source, task_done_fn *done, void *owner);
/* One page of it, of at most so many rows: from is next of the piece before, NULL at first. How
 * many there are in all is not known of it. */
void cf_page_start_piece(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
			 const struct cf_source_row *source, int64_t rows, const char *from,
			 task_done_fn *done, void *owner);
/* For families: the listing ends with this error, nothing is asked. */
void cf_page_refuse(struct cf *cf, struct cf_page *p, const struct err *why, task_done_fn *done,
		    void *owner);
void cf_page_cancel(struct cf_page *p);
void cf_page_reset(struct cf_page *p);
/* Every row, in order, which is there while row() is; stops when that returns non-zero and returns
 * it. */
int cf_page_each(const struct cf_page *p, int (*row)(const struct json *row, void *owner),
		 void *owner);
/* The row with that id, NULL when the listing has none. */
const struct json *cf_page_row(const struct cf_page *p, const char *id);
/* The same for families, which read it (cf_record_row, cf_tunnel_row). */
struct cf_row *cf_page_find(const struct cf_page *p, const char *id);

#endif
