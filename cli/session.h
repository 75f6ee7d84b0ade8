/* One run of adit that calls the daemon: call, print, ask for an approval, exit code. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/args.h"
#include "cli/print.h"

/* How a stream shall look: colour and width on a terminal, neither elsewhere. */
void session_style(int fd, enum colour colour, struct style *out);
/* The exit code. */
int session_run(const struct cli *c);
/* The daemon's socket. */
const char *session_socket(const struct cli *c);
/* Print an error on standard error. */
void session_tell(const struct err *e, enum colour colour);
/* Write to standard output; false when it cannot be written. */
bool session_write(const struct buf *text);

#endif
