/*
 * Which loopback ports processes remember: sorted, once for each process that does. Two bytes for
 * each of them, where a table of all ports would be as large as a hundred processes.
 */
#ifndef SUPERVISE_PORTS_H
#define SUPERVISE_PORTS_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed = none. */
struct ports {
	uint16_t *sorted;
	size_t n, cap;
};

void ports_add(struct ports *p, int port);
void ports_remove(struct ports *p, int port); /* one of it; nothing when there is none */
size_t ports_count(const struct ports *p, int port);
void ports_free(struct ports *p);

#endif
