/*
 * Keeps the connectors of this host alive: makes connector objects for tunnels (replicas), gathers
 * facts, calls step, carries out its action through the launcher. It finds the processes of an
 * earlier life again and never starts a second one for a slot. Connectors outlive it: freeing it
 * leaves them running.
 */
#ifndef SUPERVISE_SUPERVISOR_H
#define SUPERVISE_SUPERVISOR_H

#include "model/world.h"
#include "store/store.h"
#include "supervise/edge_probe.h"

struct supervisor;

struct supervisor_options {
	int state_dirfd;         /* connectors/<id>/ is made below it */
	const char *state_dir;   /* its absolute path, for the connectors' own configuration */
	const char *cloudflared; /* absolute path of the binary */
	const char *protocol;    /* quic, http2 */
	const char *label;       /* shown at Cloudflare: owner */
	int64_t grace_ms, probe_interval_ms, probe_timeout_ms, unready_ms;
	int64_t probe_failures;
	bool upgrade_roll; /* another cloudflared on the disk is rolled out, not only told of */
};

/* Nothing is started yet. All pointers are borrowed. */
struct supervisor *supervisor_new(struct loop *l, struct world *w, struct store *s,
				  const struct supervisor_options *o);
/* Take over running connectors, start what is missing. s may be without a store (NULL): then the
 * folders alone say what ran last (fail-static boot). */
MUST_USE int supervisor_start(struct supervisor *s, struct err *e);
void supervisor_free(struct supervisor *s); /* processes go on */
/* A store was opened after the start, and the world holds by now what is in it. Processes go on. */
void supervisor_attach(struct supervisor *s, struct store *store);
/* New options at a reload: those that need a restart of the process roll it. Copied. */
void supervisor_configure(struct supervisor *s, const struct supervisor_options *o);
/* Ask for a restart; false when there is no such connector. The connector object's restart_asked is
 * raised; what becomes of it is seen in its state and its counters. One that serves is replaced:
 * the new process is ready before the old one is asked to stop. The wish outlasts us. */
bool supervisor_restart(struct supervisor *s, const char *connector_id);
/* Let it run the cloudflared that lies on the disk, if that is another one: else nothing is asked
 * for. As above. */
bool supervisor_upgrade(struct supervisor *s, const char *connector_id);

/* Is that process one of this tunnel's connectors, their other processes included? Its id. */
bool supervisor_runs(const struct supervisor *s, const char *tunnel_id, pid_t pid,
		     char id[ID_SIZE + 4]);
/* What proves a process that is to replace another one; borrowed, NULL = nothing does. */
void supervisor_set_edges(struct supervisor *s, struct edge_probes *edges);

#endif
