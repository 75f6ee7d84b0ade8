/*
 * Memory that a long-running process has no more use of goes back: large buffers at once, when they
 * are freed; what only the start needed, when it is over.
 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/* First of all that main does. */
void memory_begin(void);
/* The start is over. */
void memory_settle(void);

#endif
