/* `adit gen`: what packages ship, written from the operations' table. */
#ifndef CLI_GEN_H
#define CLI_GEN_H

#include "base/buf.h"
#include "base/err.h"

/* man, completions-bash, completions-zsh, completions-fish or operations-md; ERR_INVALID for
 * others. */
MUST_USE int gen_print(const char *what, struct buf *out, struct err *e);

/* gen_complete.c */
void gen_bash(struct buf *out);
void gen_zsh(struct buf *out);
void gen_fish(struct buf *out);

#endif
