#include "daemon/private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/config.h"
#include "daemon/memory.h"
#include "reconcile/guard_origin.h"
#include "reconcile/lease.h"
#include "reconcile/pause.h"
#include "supervise/origin_probe.h"

#define PROBE_SOCKET_MOST 94                 /* a name beside it, while it is made, is longer */
#define PKCHECK           "/usr/bin/pkcheck" /* where Debian has it */

/* ---- the folder ---- */

static int open_state(struct daemon *d, struct err *e)
{
	if (dir_open(AT_FDCWD, d->settings.state_dir, true, &d->state_dirfd, e) < 0)
		return err_wrap(e, "state_dir");
	return 0;
}

static void take_drift(struct daemon *d)
{
	int policy = drift_policy_by_name(d->settings.reconcile.drift);
	d->world->system.drift = policy < 0 ? DRIFT_REPORT : (enum drift_policy)policy;
}

static void fill_system(struct daemon *d)
{
	struct system_facts *s = &d->world->system;
	str_set(&s->owner, d->store ? store_owner(d->store) : d->settings.owner);
	const char *account =
		d->store ? store_account(d->store) : d->settings.cloudflare.account_id;
	(void)str_copy(s->account_id, sizeof(s->account_id), account ? account : "");
	take_drift(d);
}

/* ---- connectors and reconciling ---- */

static void supervisor_options_of(const struct daemon *d, struct supervisor_options *o)
{
	const struct settings *s = &d->settings;
	*o = (struct supervisor_options){
		.state_dirfd = d->state_dirfd,
		.state_dir = s->state_dir,
		.cloudflared = s->connectors.cloudflared,
		.protocol = s->connectors.protocol,
		.label = d->world->system.owner,
		.grace_ms = s->connectors.grace_period.ms,
		.probe_interval_ms = s->connectors.health.interval.ms,
		.probe_timeout_ms = s->connectors.health.timeout.ms,
		.unready_ms = s->connectors.health.unready.ms,
		.probe_failures = s->connectors.health.failures,
		.upgrade_roll = str_equal(s->connectors.upgrade, "roll"),
	};
}

static int open_supervisor(struct daemon *d, struct err *e)
{
	struct supervisor_options o;
	supervisor_options_of(d, &o);
	d->supervisor = supervisor_new(d->loop, d->world, d->store, &o);
	return supervisor_start(d->supervisor, e);
}

static void reconciler_options_of(const struct daemon *d, struct reconciler_options *o)
{
	const struct settings *s = &d->settings;
	int64_t calls, window_ms;
	daemon_budget(s, &calls, &window_ms);
	*o = (struct reconciler_options){
		.interval_ms = s->reconcile.interval.ms,
		.budget_calls = calls,
		.budget_window_ms = window_ms,
		.fleet_size = s->cloudflare.fleet_size,
		.guard = {.max_delete = s->safety.max_delete,
			  .protect = &s->safety.protect,
			  .allow_services = &s->safety.allow_services,
			  .socket = s->socket,
			  .mcp_listen = s->mcp.listen,
			  .probe_socket = d->probe_socket},
	};
}

static bool origin_permitted(const struct route *r, void *owner)
{
	struct reconciler_options o;
	AUTO(origin_safety_t) safety = {0};
	struct err e;
	reconciler_options_of(owner, &o);
	return guard_service(((const struct daemon *)owner)->world, &o.guard, r->service, &e) ==
		       0 &&
	       origin_read(r->origin, &safety, &e) == 0 && !safety.bastion && !safety.socks;
}

static bool connector_runs(const char *tunnel_id, pid_t pid, char id[ID_SIZE + 4], void *owner)
{
	const struct daemon *d = owner;
	return supervisor_runs(d->supervisor, tunnel_id, pid, id);
}

/* Where the path is too long for a socket's there are none; who asks for one is told. */
static void open_edges(struct daemon *d)
{
	const struct settings_cloudflare *s = &d->settings.cloudflare;
	AUTO(str_t) path = str_format("%s/" EDGE_PROBE_SOCKET, d->settings.state_dir);
	if (strlen(path) > PROBE_SOCKET_MOST)
		return;
	d->probe_socket = steal(&path);
	d->http_edge = http_new(d->loop,
				&(struct http_options){.max_connections = 4,
						       .max_in_flight = 8,
						       .ca_file = s->edge_url ? s->ca_file : NULL});
	d->edges = edge_probes_new(d->loop, d->world, d->http_edge,
				   &(struct edge_probes_options){.socket = d->probe_socket,
								 .url = s->edge_url,
								 .whose = connector_runs,
								 .owner = d});
	supervisor_set_edges(d->supervisor, d->edges);
}

static void open_reconciler(struct daemon *d)
{
	struct reconciler_options o;
	if (!d->store)
		return;
	reconciler_options_of(d, &o);
	d->pause = pause_new(d->loop, d->world, d->store, d->cf);
	d->reconciler = reconciler_new(d->loop, d->world, d->store, d->cf, &o);
	reconciler_start(d->reconciler);
	d->lease = lease_new(d->loop, d->world, d->store);
}

void daemon_store_came(struct daemon *d)
{
	fill_system(d);
	daemon_account_came(d);
	supervisor_attach(d->supervisor, d->store);
	origin_probes_attach(d->origins, d->store);
	open_reconciler(d);
	d->ops.store = d->store;
	d->ops.reconciler = d->reconciler;
	ops_store_came(&d->ops);
	world_changed(d->world, OBJECT_SYSTEM, "");
}

static void fill_ops(struct daemon *d)
{
	d->ops = (struct ops){
		.loop = d->loop,
		.world = d->world,
		.store = d->store,
		.cf = d->cf,
		.security = d->security,
		.supervisor = d->supervisor,
		.origins = d->origins,
		.edges = d->edges,
		.probe_socket = d->probe_socket,
		.reconciler = d->reconciler,
		.settings = &d->settings,
		.state_dirfd = d->state_dirfd,
		.store_trouble = &d->store_trouble,
		.store_cure = &d->store_cure,
		.pkcheck = access(PKCHECK, X_OK) == 0 ? PKCHECK : NULL,
		.config_problem = &d->config_problem,
	};
	ops_init(&d->ops);
}

/* ---- what systemd shows ---- */

static void status_line(const struct daemon *d, char *out, size_t size)
{
	const struct world *w = d->world;
	size_t serving = 0;
	TABLE_EACH (i, struct connector, c, &w->connectors)
		serving += connector_serving(c);
	if (w->system.access_problem)
		(void)snprintf(out, size, "%s. %s", w->system.access_problem->err.message,
			       w->system.access_problem->err.hint);
	else
		(void)snprintf(out, size, "%zu tunnels, %zu of %zu connectors serve, %zu routes",
			       w->tunnels.n, serving, w->connectors.n, w->routes.n);
}

static void tell_status(struct deferred *x, void *owner)
{
	char line[800];
	(void)x;
	status_line(owner, line, sizeof(line));
	notify_status(line);
}

static void world_moved(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct daemon *d = owner;
	(void)x, (void)id;
	if (type == OBJECT_SYSTEM || type == OBJECT_CONNECTOR || type == OBJECT_TUNNEL)
		deferred_start(&d->tell);
}

/* ---- signals ---- */

static void stop_asked(struct signal_watch *s, int signo, void *owner)
{
	struct daemon *d = owner;
	(void)s;
	log_info("stopping on signal %d; connectors go on", signo);
	notify_stopping();
	loop_stop(d->loop);
}

static void dump_asked(struct signal_watch *s, int signo, void *owner)
{
	(void)s, (void)signo, (void)owner;
	log_dump();
}

/* What changes only by a restart stays as it runs. */
static void keep_fixed(const struct settings *now, struct settings *then)
{
	size_t n;
	const struct setting_fixed *fixed = settings_fixed(&n);
	for (size_t i = 0; i < n; i++) {
		const char *runs = setting_fixed_get(now, &fixed[i]);
		if (!str_equal(setting_fixed_get(then, &fixed[i]), runs))
			log_warning("%s changes only by a restart", fixed[i].name);
		setting_fixed_put(then, &fixed[i], runs);
	}
}

void daemon_tell_config(struct daemon *d, const struct err *wrong)
{
	if (wrong)
		problem_set(&d->config_problem, wrong, clock_wall_ms());
	else
		problem_clear(&d->config_problem);
	if (d->world)
		world_changed(d->world, OBJECT_SYSTEM, "");
}

static void reload_rooms(struct daemon *d)
{
	struct supervisor_options so;
	struct reconciler_options ro;
	log_set_level((enum log_level)log_level_by_name(d->settings.log.level));
	daemon_reload_cloudflare(d);
	take_drift(d);
	supervisor_options_of(d, &so);
	supervisor_configure(d->supervisor, &so);
	if (!d->reconciler)
		return;
	reconciler_options_of(d, &ro);
	reconciler_configure(d->reconciler, &ro);
	reconciler_observe(d->reconciler);
}

static void reload_asked(struct signal_watch *s, int signo, void *owner)
{
	struct daemon *d = owner;
	struct settings then;
	struct err e;
	(void)s, (void)signo;
	notify_reloading();
	if (config_load(d->config_path, d->config_required, &then, &e) < 0) {
		log_error("the running settings are kept: %s", e.message);
		daemon_tell_config(d, &e);
		notify_ready("Settings were not reloaded: the file is wrong; see the log");
		return;
	}
	keep_fixed(&d->settings, &then);
	settings_free(&d->settings);
	d->settings = then;
	daemon_tell_config(d, NULL);
	daemon_reload_doors(d);
	reload_rooms(d);
	config_keep(d->state_dirfd, &d->settings);
	daemon_hurry_store(d);
	log_info("settings reloaded from %s", d->config_path);
	notify_ready("Settings reloaded");
}

static void watch_signals(struct daemon *d)
{
	signal_start(&d->sigterm, d->loop, SIGTERM, stop_asked, d);
	signal_start(&d->sigint, d->loop, SIGINT, stop_asked, d);
	signal_start(&d->sighup, d->loop, SIGHUP, reload_asked, d);
	signal_start(&d->sigusr1, d->loop, SIGUSR1, dump_asked, d);
}

/* What the settings may say and this version does not do must not look as if it were done. */
static void tell_unused(const struct settings *s)
{
	static const char words[] = "%s: %s has no effect yet; %s";
	if (str_equal(s->connectors.launcher, "systemd"))
		log_warning(words, "connectors.launcher", "systemd",
			    "connectors run as children that outlive aditd");
}

/* ---- all of it ---- */

int daemon_start(struct daemon *d, struct settings *settings, struct err *e)
{
	d->settings = *settings;
	memset(settings, 0, sizeof(*settings));
	d->state_dirfd = -1;
	d->loop = loop_new();
	d->world = world_new();
	d->world->system.started_ms = clock_wall_ms();
	if (open_state(d, e) < 0 || daemon_open_store(d, e) < 0)
		return -1;
	fill_system(d);
	if (daemon_open_cloudflare(d, e) < 0 || open_supervisor(d, e) < 0)
		return -1;
	open_edges(d);
	open_reconciler(d);
	d->origins = origin_probes_new(d->loop, d->world, d->http_origins, origin_permitted, d);
	origin_probes_attach(d->origins, d->store);
	fill_ops(d);
	if (daemon_open_doors(d, e) < 0)
		return -1;
	watch_signals(d);
	daemon_watch_store(d);
	deferred_init(&d->tell, d->loop, tell_status, d);
	world_watch(d->world, &d->watcher, world_moved, d);
	config_keep(d->state_dirfd, &d->settings);
	return 0;
}

void daemon_run(struct daemon *d)
{
	char line[800];
	tell_unused(&d->settings);
	notify_start(&d->notify, d->loop);
	status_line(d, line, sizeof(line));
	notify_ready(line);
	memory_settle();
	log_info("aditd %s is ready as %s/%s on %s", ADIT_VERSION, d->world->system.owner,
		 d->world->system.install, d->settings.socket);
	loop_run(d->loop);
	notify_stop(&d->notify);
}

void daemon_stop(struct daemon *d)
{
	signal_stop(&d->sigterm);
	signal_stop(&d->sigint);
	signal_stop(&d->sighup);
	signal_stop(&d->sigusr1);
	daemon_unwatch_store(d);
	world_unwatch(&d->watcher);
	deferred_stop(&d->tell);
	daemon_close_doors(d);
	if (d->ops.loop)
		ops_fini(&d->ops);
	origin_probes_free(d->origins);
	lease_free(d->lease);
	pause_free(d->pause);
	reconciler_free(d->reconciler);
	if (d->supervisor)
		supervisor_set_edges(d->supervisor, NULL);
	edge_probes_free(d->edges);
	supervisor_free(d->supervisor);
	daemon_close_cloudflare(d);
	if (d->http_origins)
		http_free(d->http_origins);
	if (d->http_edge)
		http_free(d->http_edge);
	store_close(d->store);
	world_free(d->world);
	loop_free(d->loop);
	free(d->store_trouble);
	free(d->store_cure);
	free(d->probe_socket);
	problem_clear(&d->config_problem);
	if (d->state_dirfd >= 0)
		(void)close(d->state_dirfd);
	settings_free(&d->settings);
}
