/* One command line being read: what it names (args.c), and its values as JSON (args_body.c). */
#ifndef CLI_ARGS_PRIVATE_H
#define CLI_ARGS_PRIVATE_H

#include "cli/args.h"

#define MOST_ARGS 64

struct parse {
	struct cli *out;
	int argc, at;
	char *const *argv;
	char *yes_hash;          /* owned */
	char *values[MOST_ARGS]; /* owned; as given, by place in the operation's table */
	struct strlist words;    /* those that are no option */
};
typedef struct parse parse_t;

/* How many arguments the operation has, and where one stands; SIZE_MAX = nowhere. */
size_t args_count(const struct op *op);
size_t args_place(const struct op *op, const char *name);
size_t args_file_place(const struct op *op);
/* The hint names the command as it was typed; -1. */
int args_see_help(const struct cli *c, struct err *e);

/* What was given as the body of the call. */
MUST_USE int args_body(struct parse *p, struct err *e);

#endif
