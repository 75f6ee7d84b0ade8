/*
 * The rows of a listing: each page's text as it came, and of each row the form into which its
 * family decodes it. A row is parsed once and its tree is dropped; one that stood byte by byte the
 * same in the last complete listing of the path is neither checked nor parsed again but takes over
 * what was decoded then. What a row is read as never depends on which of the two happened.
 */
#ifndef CLOUDFLARE_ROWS_H
#define CLOUDFLARE_ROWS_H

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"

/* The decoded form begins with this and is one piece of memory; listings share it. */
struct cf_decoded {
	size_t refs;
	const char *id; /* the row's, within that memory */
};
#define CF_MEMBERS_MAX 16
/* How a family's rows are read. */
struct cf_family {
	const char *const *members; /* those that decode looks at; the first is "id" */
	size_t n_members;           /* CF_MEMBERS_MAX at most */
	/* Those members, NULL for one that the row lacks. It may depend on nothing else, and
	 * borrows nothing. NULL: there is no such form, and the row is read from its text each
	 * time. */
	struct cf_decoded *(*decode)(const struct json *const *members);
};

struct cf_row {
	struct json_span text;      /* first: known rows are told by it */
	const char *id;             /* NULL = it has none */
	char *own_id;               /* where it is not decoded */
	struct cf_decoded *decoded; /* NULL = none */
	struct json_doc *doc;       /* while somebody wants it as JSON */
};

struct cf_rows {
	size_t refs;
	const struct cf_family *family; /* NULL: JSON alone is wanted */
	char **texts;
	size_t n_texts;
	struct cf_row *items; /* in order */
	size_t n, cap;
	struct map by_id;       /* borrows; index + 1 in items */
	struct cf_rows *before; /* the last complete listing, while this one is not; NULL = none */
	size_t expected;        /* index in before */
	struct json_doc *scratch;
	struct json_rows page; /* read, not yet taken */
};

/* before: may be NULL; of the same family. Both are counted references. */
struct cf_rows *cf_rows_new(const struct cf_family *family, struct cf_rows *before);
struct cf_rows *cf_rows_ref(struct cf_rows *r);
void cf_rows_unref(struct cf_rows *r);

/* Check a page and find its rows; *doc is what stands around them (the result is an empty list). A
 * page that was read before and not taken is forgotten. */
MUST_USE int cf_rows_read(struct cf_rows *r, const struct buf *text,
			  const struct json_limits *limits, struct json_doc **doc, struct err *e);
/* How many rows the page has that was read. */
size_t cf_rows_came(const struct cf_rows *r);
/* Take it, and the text, which is left empty. False when a row was there before. */
bool cf_rows_take(struct cf_rows *r, struct buf *text);
/* That was the last page. */
void cf_rows_complete(struct cf_rows *r);
/* Drop what was only parsed for whoever wanted JSON. */
void cf_rows_rest(struct cf_rows *r);
/* Bytes of text. */
size_t cf_rows_size(const struct cf_rows *r);

struct cf_row *cf_rows_find(const struct cf_rows *r, const char *id); /* NULL when absent */
/* The row as JSON, until cf_rows_rest. */
const struct json *cf_row_json(struct cf_row *row);

/* The last complete listings by their paths, bounded in number and size. */
#define CF_SHELF_LISTINGS 16
#define CF_SHELF_BYTES    ((size_t)32 << 20)

struct cf_shelf {
	struct {
		char *path;
		struct cf_rows *rows;
	} items[CF_SHELF_LISTINGS]; /* the oldest first */
	size_t n;
};
struct cf_rows *cf_shelf_find(const struct cf_shelf *s, const char *path); /* borrowed */
/* Instead of the last one; what is too much goes, the oldest first. */
void cf_shelf_put(struct cf_shelf *s, const char *path, struct cf_rows *rows);
void cf_shelf_free(struct cf_shelf *s);

#endif
