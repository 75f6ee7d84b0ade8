#include "supervise/edge_gate.h"

#define FORGOTTEN_MS (10 * 1000)

static struct edge_waiting *find(struct edge_gates *g, const char *tunnel_id, pid_t pid)
{
	for (size_t i = 0; i < EDGE_GATES; i++)
		if (g->items[i].pid == pid && str_equal(g->items[i].tunnel_id, tunnel_id))
			return &g->items[i];
	return NULL;
}

static bool is_forgotten(const struct edge_waiting *x, int64_t now_ms)
{
	return !x->pid || now_ms - x->asked_ms > FORGOTTEN_MS;
}

static struct edge_waiting *make(struct edge_gates *g, const char *tunnel_id, pid_t pid,
				 int64_t now_ms)
{
	for (size_t i = 0; i < EDGE_GATES; i++) {
		struct edge_waiting *x = &g->items[i];

		if (!is_forgotten(x, now_ms))
			continue;
		*x = (struct edge_waiting){.pid = pid};
		(void)str_copy(x->tunnel_id, sizeof(x->tunnel_id), tunnel_id);
		return x;
	}
	return NULL;
}

enum edge_gate edge_gate_ask(struct edge_gates *g, const char *tunnel_id, pid_t pid, bool passing,
			     int64_t now_ms)
{
	struct edge_waiting *x = pid > 0 ? find(g, tunnel_id, pid) : NULL;

	if (x && is_forgotten(x, now_ms))
		x->pid = 0, x = NULL;
	/* What does not pass by itself can prove nothing of one process. */
	if (!x && pid > 0 && passing)
		x = make(g, tunnel_id, pid, now_ms);
	if (!x)
		return EDGE_GATE_NONE;
	x->asked_ms = now_ms;
	if (x->passed)
		return EDGE_GATE_PASSED;
	return x->failures >= EDGE_GATE_FAIL ? EDGE_GATE_FAILED : EDGE_GATE_WAITS;
}

void edge_gate_seen(struct edge_gates *g, const char *tunnel_id, pid_t pid)
{
	for (size_t i = 0; i < EDGE_GATES; i++) {
		struct edge_waiting *x = &g->items[i];

		if (!x->pid || !str_equal(x->tunnel_id, tunnel_id))
			continue;
		x->passed |= pid == x->pid;
		x->failures += pid == 0;
	}
}

bool edge_gate_waits(const struct edge_gates *g, const char *tunnel_id, int64_t now_ms)
{
	for (size_t i = 0; i < EDGE_GATES; i++) {
		const struct edge_waiting *x = &g->items[i];

		if (!is_forgotten(x, now_ms) && !x->passed && x->failures < EDGE_GATE_FAIL &&
		    str_equal(x->tunnel_id, tunnel_id))
			return true;
	}
	return false;
}
