/*
 * Pure: who waits for a request that comes through the edge to one process, and what the requests
 * that were sent meanwhile say of it. A few at a time; one that is asked about no more is
 * forgotten.
 */
#ifndef SUPERVISE_EDGE_GATE_H
#define SUPERVISE_EDGE_GATE_H

#include "supervise/edge_probe.h"

#define EDGE_GATES 8
/* So many requests failed and none came: it is not the edge's choice. */
#define EDGE_GATE_FAIL 4

struct edge_gates {
	struct edge_waiting {
		char tunnel_id[ID_SIZE];
		pid_t pid; /* 0 = free */
		int64_t asked_ms;
		bool passed;
		int failures;
	} items[EDGE_GATES];
};

/* passing: there is a probe of the tunnel, and its last requests all came. */
enum edge_gate edge_gate_ask(struct edge_gates *g, const char *tunnel_id, pid_t pid, bool passing,
			     int64_t now_ms);
/* A request through that tunnel came to pid, or failed (0). */
void edge_gate_seen(struct edge_gates *g, const char *tunnel_id, pid_t pid);
/* Does anybody wait for one of that tunnel? */
bool edge_gate_waits(const struct edge_gates *g, const char *tunnel_id, int64_t now_ms);

#endif
