/*
 * Answers for people, rendered from the same JSON that --json prints. Pure: JSON in, text out, so
 * that tests can read it. Every text is stripped of control and bidi characters on its way out,
 * wherever it came from.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "ops/decl/decl.h"

struct style {
	bool colour;
	int width;      /* columns; 0 = as wide as it gets */
	int64_t now_ms; /* wall clock, for ages */
	bool chosen;    /* lists: show all members that came */
};

enum tone { TONE_PLAIN, TONE_BOLD, TONE_DIM, TONE_GOOD, TONE_WARN, TONE_BAD };

/* The operation's result. */
void print_answer(const struct op *op, const struct json *result, const struct style *s,
		  struct buf *out);
void print_err(const struct err *e, const struct style *s, struct buf *out);

/* print_write.c: what all writes answer. */
bool is_write_answer(const struct op *op);
void print_write(const struct json *result, const struct style *s, struct buf *out);
/* "+ route app.example.com" lines. */
void print_changes(const struct json *changes, const struct style *s, struct buf *out);
void print_change(const struct json *change, size_t indent, bool asked, const struct style *s,
		  struct buf *out);
void print_sentences(const struct json *list, const char *mark, const struct style *s,
		     struct buf *out);
void print_plan_head(const struct json *result, const struct style *s, struct buf *out);
/* Can it still be decided? */
bool plan_is_open(const struct json *result);

/* print_plan.c: a plan in full, of plan_get or of a write that was not carried out. */
void print_plan(const struct json *result, const struct style *s, struct buf *out);
/* How a waiting plan is approved or applied; nothing when none waits. */
void print_how_to_decide(const struct json *result, const struct style *s, struct buf *out);
/* Does approving it take the number of its deletions? */
bool plan_asks_number(const struct json *result);

/* print_log.c */
void print_log(const struct json *result, const struct style *s, struct buf *out);

/* print_status.c */
void print_status(const struct json *result, const struct style *s, struct buf *out);

/* print_health.c */
void print_health(const struct json *result, const struct style *s, struct buf *out);

/* print_grant.c: with what to paste, as it is to be pasted. */
void print_grant(const struct field *table, const struct json *result, const struct style *s,
		 struct buf *out);

/* ---- pieces ---- */

/* A line for each member that the table declares, then those that are lists of objects. */
void print_members(const struct field *table, const struct json *object, const struct style *s,
		   struct buf *out);

/* A copy that is safe to show. */
void print_text(struct buf *out, const char *text);
void print_toned(struct buf *out, const struct style *s, enum tone tone, const char *text);
/* Words wrapped at the style's width; the first line goes on where the cursor is, which is
 * column indent, as all others begin there. Ends the line. */
void print_wrapped(struct buf *out, const struct style *s, size_t indent, const char *text);
/* "! object name  message  (4m)", then the hint. */
void print_problem(struct buf *out, const struct style *s, const char *what,
		   const struct json *problem);
/* One value on one line; f may be NULL. */
void print_value(struct buf *out, const struct style *s, const struct field *f,
		 const struct json *value);
/* "4m ago", "in 3h", "now"; the text itself when it is no time. */
void print_age(struct buf *out, const struct style *s, const char *time);
/* Good, bad or in between: the tone of a state's word. */
enum tone state_tone(const char *state);
/* Columns that a text takes on a terminal. */
size_t text_columns(const char *text);

/* ---- print_table.c ---- */

struct cell {
	char *text; /* owned */
	enum tone tone;
};
struct table {
	size_t columns, n;
	struct cell *cells; /* row by row */
};
typedef struct table table_t;
void table_t_cleanup(table_t *t);

void table_cell(struct table *t, enum tone tone, const char *text);
/* Aligned; on a terminal cut to its width, the widest columns first. */
void table_print(const struct table *t, const struct style *s, size_t indent, struct buf *out);

#endif
