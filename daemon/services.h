/*
 * The daemon as a whole: every room is built up here in order and torn down in reverse. What cannot
 * be had (store, token, network) leaves the rest running: connectors of the last good state start
 * all the same, and status says why writes are off.
 */
#ifndef DAEMON_SERVICES_H
#define DAEMON_SERVICES_H

#include "api/api.h"
#include "daemon/notify.h"
#include "mcp/mcp.h"

struct daemon {
	struct loop *loop;
	const char *config_path; /* borrowed from argv */
	bool config_required;
	struct settings settings;
	int state_dirfd;
	struct world *world;
	struct store *store;
	char *store_trouble, *store_cure; /* why there is no store, and what to do */
	struct timer store_timer;         /* the next look at it */
	int store_tries;                  /* in a row that found it in trouble */
	struct problem *config_problem;   /* the files are wrong, so older settings run */
	struct http *http_cloudflare, *http_origins, *http_edge;
	struct cf *cf;
	struct cf *cf_reading; /* with a token of its own, where the settings name one */
	struct world *reading_world;
	struct cf_reads *security;
	struct supervisor *supervisor;
	struct origin_probes *origins;
	struct edge_probes *edges;
	char *probe_socket; /* where they listen; NULL = there are none */
	struct lease *lease;
	struct pause *pause;
	struct reconciler *reconciler;
	struct ops ops;
	struct api *api;
	struct mcp *mcp;
	char *port_open;         /* where MCP is served over HTTP; NULL = nowhere now */
	bool port_passed;        /* by systemd: settings do not move it */
	struct timer port_timer; /* the next try to open it */
	int port_tries;          /* in a row that failed */
	struct notify notify;
	struct signal_watch sigterm, sigint, sighup, sigusr1;
	struct watcher watcher; /* keeps systemd's status line true */
	struct deferred tell;
};

/* What is wrong with the files, or NULL, for status; also before the start. */
void daemon_tell_config(struct daemon *d, const struct err *wrong);
/* settings are taken. -1 when not even the socket can be opened. */
MUST_USE int daemon_start(struct daemon *d, struct settings *settings, struct err *e);
void daemon_run(struct daemon *d); /* until SIGTERM or SIGINT */
void daemon_stop(struct daemon *d);

#endif
