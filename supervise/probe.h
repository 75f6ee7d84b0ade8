/*
 * Asks a connector's metrics port how it is: /ready for edge connections, /config for the version
 * of the configuration that it runs. What counts is kept here; the owner hears of every answer and
 * every failure. One failed probe says nothing: failures count in a row.
 */
#ifndef SUPERVISE_PROBE_H
#define SUPERVISE_PROBE_H

#include "base/text.h"
#include "loop/ask.h"

struct probe;
typedef void probe_told_fn(struct probe *p, void *owner);
/* Its connector id by its log, "" = not said. Another one is a stranger's port. */
typedef const char *probe_expected_fn(void *owner);

/* What all probes share; it outlives them. */
struct probe_terms {
	struct loop *loop;
	struct asker *asker;
	int64_t interval_ms, timeout_ms;
	int edge_wanted;
	probe_told_fn *told;
	probe_expected_fn *expected;
};

struct probe {
	const struct probe_terms *terms;
	void *owner;
	struct ask_peer peer;
	struct ask *question; /* owned, while one is asked: /ready, or /config after it */
	struct timer timer;
	int64_t version_wanted; /* of the configuration: /config is asked until it is there */
	int64_t eager_until_ms; /* monotonic: after a start or a change, ask often */
	int64_t asked_ms, config_asked_ms;

	/* what it said */
	int64_t last_answer_ms; /* monotonic; 0 = never */
	int64_t zero_since_ms;  /* monotonic: edge is 0 since; 0 = it is not */
	int64_t config_version; /* -1 = none */
	int failures;           /* in a row */
	int16_t edge;           /* connections; -1 = never answered */
	uint16_t port;
	bool ever_ready;
	struct uuid connector_id;
};

void probe_init(struct probe *p, const struct probe_terms *terms, void *owner);
/* For a new process on that port: forget what the old one said, ask often at first. */
void probe_start(struct probe *p, int port);
void probe_stop(struct probe *p); /* idempotent; what was said is kept */
/* Something changed that it should see soon. */
void probe_hurry(struct probe *p);

/* Pure: the answer of /ready. false when it is none of cloudflared's. */
bool probe_read_ready(int status, const char *body, size_t len, int *edge, char id[UUID_SIZE]);
/* Pure: the version in the answer of /config. */
bool probe_read_config(int status, const char *body, size_t len, int64_t *version);

#endif
