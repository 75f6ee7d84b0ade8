/* `adit status --watch`: the stream of changes, shown as long as somebody looks. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/args.h"

/* The exit code: 0 when it was ended by Ctrl-C. */
int watch_run(const struct cli *c);

#endif
