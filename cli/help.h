/* `--help`, from the operations' table; the man page and OPERATIONS.md are made of the same
 * pieces. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/args.h"
#include "cli/print.h"

/* All, one noun, or one operation: as args_parse found it. */
void help_print(const struct cli *c, const struct style *s, struct buf *out);

/* Pieces. "HOSTNAME" of a positional argument; "--replicas N", "--[no-]wait" of an option. */
void help_argument(const struct field *f, struct buf *out);
void help_option(const struct field *f, struct buf *out);
/* Doc, what it accepts, default. */
void help_details(const struct field *f, struct buf *out);
/* "adit tunnel create NAME [options]" */
void help_usage(const struct op *op, const char *words, struct buf *out);

struct exit_code {
	int code;
	const char *doc;
};
const struct exit_code *exit_code_at(size_t i);

#endif
