/* The tools of the conformance suite that do more than say one thing. */
#ifndef CONFORMANCE_FIXTURES_H
#define CONFORMANCE_FIXTURES_H

#include "mcp/extra.h"

void canned_run(struct exchange *x, const struct tool *t, const struct json *arguments);
/* paced.c: tells three times of itself, 50 ms apart, then answers. */
void paced_run(struct exchange *x, const struct tool *t, const struct json *arguments);
/* paced.c: what a listener for changed lists waits for. */
void change_run(struct exchange *x, const struct tool *t, const struct json *arguments);
/* questions.c: asks the client by a request of ours, and says what he answered. */
void legacy_ask_run(struct exchange *x, const struct tool *t, const struct json *arguments);
/* rounds.c: ends with a question, and goes on when it comes again with the answers. */
void rounds_run(struct exchange *x, const struct tool *t, const struct json *arguments);
void rounds_prompt(struct exchange *x);
/* tasks.c: greets at once; takes a while, as a task where the client can have one. */
void greet_run(struct exchange *x, const struct tool *t, const struct json *arguments);
void job_run(struct exchange *x, const struct tool *t, const struct json *arguments);

#endif
