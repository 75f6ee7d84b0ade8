/*
 * What speaks against a process that says it is well, gathered as its probe ticks: how long it has
 * been connected, whether Cloudflare lists it, whether its configuration is the newest, what it
 * takes, and how often it lost connections. Signs are facts; what follows is judged elsewhere.
 */
#ifndef SUPERVISE_SIGNS_H
#define SUPERVISE_SIGNS_H

#include "model/tunnel.h"
#include "supervise/probe.h"
#include "supervise/protocol.h"
#include "supervise/resources.h"

#define RESOURCES_INTERVALS 12 /* of the probe: once a minute */

struct signs {
	int64_t connected_ms;    /* monotonic: without a break since; 0 = it is not connected */
	int64_t edge_ms;         /* monotonic: as many connections as edge_before since */
	struct losses *losses;   /* of connections, owned; NULL = none was lost */
	int64_t behind_since_ms; /* monotonic: an older configuration since; 0 = it is not */
	int64_t look_ms;         /* monotonic: when the list last taken was asked for; 0 = none */
	int64_t missed_since_ms; /* as in struct heal_facts */
	int64_t missed_ms;
	int64_t resources_ms; /* monotonic: last look; 0 = none */
	int64_t rss_bytes;    /* by that; -1 = not known */
	int open_fds;         /* the same */
	int over;             /* looks in a row above a ceiling */
	int edge_listed;      /* its connections by the list; -1 = not known, or of others */
	int16_t edge_before;  /* connections by the answer before */
};

/* Of a new process: nothing is known. */
void signs_begin(struct signs *s);
void signs_free(struct signs *s);
/* Connections lost within an hour. */
int signs_losses(const struct signs *s, int64_t now_ms);
/* It answered, or did not. */
void signs_probed(struct signs *s, const struct probe *p, pid_t pid, int64_t now_ms);
/* Cloudflare's list, if another one came than was taken. Only a list asked for so long after it
 * connected counts: the list takes its time. */
void signs_listed(struct signs *s, const struct probe *p, const struct tunnel *t,
		  int64_t settled_ms);
/* Is a list wanted: none counts yet, or one lacked it and the second look is due. */
bool signs_want_list(const struct signs *s, int64_t settled_ms, int64_t apart_ms, int64_t now_ms);

#endif
