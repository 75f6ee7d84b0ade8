/* `adit log NAME --follow`: the log so far, and then what is added, as long as somebody looks. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/args.h"

/* The exit code: 0 when it was ended by Ctrl-C. */
int follow_run(const struct cli *c);

#endif
