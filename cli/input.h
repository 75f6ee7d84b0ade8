/* Files named on the command line: `-` is standard input. What is sent to the daemon as text must
 * be text, so UTF-8 without NUL is asked for here, where the file can be named. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the whole file; limit in bytes, 0 = 16 MiB. */
MUST_USE int input_read(const char *path, size_t limit, struct buf *out, struct err *e);
/* What to call it in sentences, at most 255 bytes: borrowed from path. */
const char *input_name(const char *path);

#endif
