/*
 * Words to operations: `adit tunnel list`, `adit tunnel_list` and `adit tunnel-list` are one. All
 * of it follows from the operations' table; only the shortcuts for daily use are listed here.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "ops/decl/decl.h"

#define WORD_SIZE  48
#define WORDS_SIZE 96

struct shortcut {
	const char *word, *op, *doc;
	const char *key, *value; /* an argument that it sets unless it is given; or NULL */
};

const struct shortcut *shortcut_at(size_t i); /* NULL past the last */
const struct shortcut *shortcut_find(const char *word);

/* An option that adit carries out by itself, of one operation. */
struct own_option {
	const char *op, *name, *doc;
};
/* Of that operation; name NULL: its first one. */
const struct own_option *own_option_find(const struct op *op, const char *name);

/* "audit-log" and "list" of audit_log_list; an operation of one word has no verb (""). */
void op_noun(const struct op *op, char out[WORD_SIZE]);
void op_verb(const struct op *op, char out[WORD_SIZE]);
/* Both, as they are typed: "audit-log list". */
void op_words(const struct op *op, char out[WORDS_SIZE]);
/* The first operation whose noun this is, in either spelling; NULL when there is none. */
const struct op *noun_find(const char *noun);
/* Is it the first operation of its noun in the table? For lists that group by noun. */
bool op_opens_noun(const struct op *op);

/* The operation that the leading words name, and how many of them it took; NULL when none. */
const struct op *words_find(char *const *words, size_t n, size_t *used);
/* ERR_INVALID for words that name nothing, with the nearest ones; always -1. */
int words_unknown(char *const *words, size_t n, struct err *e);

/* What an argument's option is called: a file's bytes are given by --file. */
void field_word(const struct field *f, char out[WORD_SIZE]);
/* An argument that adit fills in by itself: the name of a file that was read. */
bool field_is_hidden(const struct field *f);

/* dry_run -> dry-run, and back. */
void to_dashes(const char *name, char *out, size_t size);
void to_underscores(const char *word, char *out, size_t size);

#endif
