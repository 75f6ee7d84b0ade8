/* Which members of a list's rows are shown as columns, under which head; a test keeps the choice
 * true to the operations' result tables. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "base/fields.h"

enum { VIEW_COLUMNS = 32 };

struct view_column {
	const char *path; /* "name", or "remote.status" in an object */
	const char *head; /* NULL = from the path */
};

/* The columns of an operation's rows, ended by a NULL path; NULL when it has no choice here. */
const struct view_column *view_of(const char *op_name);
/* Without a choice: left out of columns, as the ids of what has a name. */
bool view_hides(const struct field *rows, const struct field *f);
const struct json *view_get(const struct json *row, const char *path);
const struct field *view_field(const struct field *rows, const char *path);
/* RFC 3339 as people read it: "2026-11-21 14:00:03Z". */
void view_clock(const char *time, struct buf *out);

#endif
