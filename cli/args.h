/*
 * The command line: words and options to one operation and its arguments as JSON. Which options
 * there are follows from the operation's table; values are judged by the daemon's own decoder, so
 * that the sentences are the same. Files are read here: the daemon is sent bytes, never names.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/words.h"

enum cli_verb { CLI_CALL, CLI_HELP, CLI_VERSION, CLI_GEN };
enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct cli {
	enum cli_verb verb;
	const struct op *op;             /* what to call, or to help with; else NULL */
	const struct shortcut *shortcut; /* the word it was called by, or NULL */
	char topic[WORD_SIZE];           /* help: a noun or ""; gen: what to write */
	char *socket;                    /* owned; NULL = not said */
	bool json;
	bool yes;    /* approve without asking */
	bool stay;   /* go on showing what changes */
	bool wait;   /* the operation waits for its effect */
	bool chosen; /* the caller chose the members of a list's rows */
	enum colour colour;
	int64_t timeout_ms; /* of the operation itself */
	struct buf body;    /* its arguments, a JSON object */
};

/* An option of all operations, for help and completions. */
struct global_option {
	const char *name, *value, *doc;
};
const struct global_option *global_option_at(size_t i);

/* Fill *out, zeroed by the caller and freed by args_free either way. */
MUST_USE int args_parse(int argc, char *const *argv, struct cli *out, struct err *e);
void args_free(struct cli *c);
typedef struct cli cli_t;
void cli_t_cleanup(cli_t *c);

#endif
