/* A text dialogue for polkit while a call is under way: whoever is not root may then authenticate
 * on this terminal. Where polkit has a dialogue of its own (a desktop), that one is used. */
#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include <sys/types.h>

/* 0 = none was started: there is no terminal, no such program, or no need. */
pid_t agent_start(void);
/* Ends it; 0 is fine. */
void agent_stop(pid_t pid);

#endif
