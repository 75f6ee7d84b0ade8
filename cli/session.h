/* One run of adit that calls the daemon: call, print, ask for an approval, exit code. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/args.h"
#include "cli/client.h"
#include "cli/print.h"

/* How a stream shall look: colour and width on a terminal, neither elsewhere. */
void session_style(int fd, enum colour colour, struct style *out);
/* The exit code. */
int session_run(const struct cli *c);
/* The daemon's socket. */
const char *session_socket(const struct cli *c);
/* One call; as client_run. */
MUST_USE int session_call(const struct cli *c, const char *operation, const struct buf *body,
			  struct client_call *call, struct err *e);
/* The result in it, as long as *doc lives; NULL with the error that it holds instead. */
const struct json *session_answer(const struct client_call *call, struct json_doc **doc,
				  struct err *e);
/* Nobody answered: print why; the exit code. */
int session_unanswered(const struct cli *c, const struct err *e);
/* Print that error; the exit code. */
int session_refused(const struct cli *c, const struct client_call *call, const struct err *e);
/* Print an error on standard error. */
void session_tell(const struct err *e, enum colour colour);
/* Write to standard output; false when it cannot be written. */
bool session_write(const struct buf *text);

#endif
