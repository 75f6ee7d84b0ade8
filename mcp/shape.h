/*
 * The shape of an answer: concise or detailed, only the members that were asked for, and never
 * longer than clients take. Text in, text out; what is left out is said.
 */
#ifndef MCP_SHAPE_H
#define MCP_SHAPE_H

#include "base/fields.h"

#define SHAPE_CAP  40000 /* of any answer: beyond it clients put it aside */
#define SHAPE_SOFT 8192  /* of a concise list whose length nobody said */

struct shape {
	bool detailed;
	struct strlist fields; /* members of the answer; empty = all */
};

/* The members that concise answers go without, at whatever depth. */
const char *const *shape_details(void);
/* The members that are asked for must be of the table. */
MUST_USE int shape_check(const struct shape *s, const struct field *table, struct err *e);
void shape_write(const struct shape *s, const struct buf *answer, struct buf *out);
/* Shorten arrays and long texts of an object until it has no more than cap bytes. cut gets what
 * was left out, in words. */
void shape_cut(const struct buf *answer, size_t cap, struct buf *out, struct buf *cut);
/* Of an answer with items that is too long: how many would do; 0 = that helps nothing. */
size_t shape_fitting_items(const struct buf *answer, size_t cap);
/* Put one more member behind the last one of an object. */
void shape_append(struct buf *object, const char *key, const char *text);

#endif
