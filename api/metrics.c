/* One table of metrics, written as Prometheus text. */
#include <inttypes.h>

#include "api/private.h"
#include "base/clock.h"

typedef int64_t metric_fn(const struct api *a);

static int64_t count_requests(const struct api *a)
{
	return a->requests;
}

static int64_t count_refusals(const struct api *a)
{
	return a->refusals;
}

static int64_t count_connections(const struct api *a)
{
	return server_connections(a->server);
}

static int64_t count_watchers(const struct api *a)
{
	return watch_count(a->watch);
}

static int64_t count_tunnels(const struct api *a)
{
	return (int64_t)a->ops->world->tunnels.n;
}

static int64_t count_routes(const struct api *a)
{
	return (int64_t)a->ops->world->routes.n;
}

static int64_t count_serving(const struct api *a)
{
	int64_t n = 0;
	TABLE_EACH (i, struct connector, c, &a->ops->world->connectors)
		n += connector_serving(c);
	return n;
}

static int64_t count_restarts(const struct api *a)
{
	int64_t n = 0;
	TABLE_EACH (i, struct connector, c, &a->ops->world->connectors)
		n += c->restarts;
	return n;
}

static int64_t budget_remaining(const struct api *a)
{
	return a->ops->world->system.budget_remaining;
}

static int64_t access_ok(const struct api *a)
{
	return a->ops->world->system.access == ACCESS_OK;
}

static int64_t uptime_s(const struct api *a)
{
	return (clock_wall_ms() - a->ops->world->system.started_ms) / 1000;
}

static const struct {
	const char *name, *type, *help;
	metric_fn *value;
} metrics[] = {
	{"aditd_api_requests_total", "counter", "Requests at the doors.", count_requests},
	{"aditd_api_refusals_total", "counter", "Requests refused at the doors.", count_refusals},
	{"aditd_api_connections", "gauge", "Open connections at the doors.", count_connections},
	{"aditd_api_watchers", "gauge", "Streams of changes that are open.", count_watchers},
	{"aditd_tunnels", "gauge", "Tunnels kept.", count_tunnels},
	{"aditd_routes", "gauge", "Routes kept.", count_routes},
	{"aditd_connectors_serving", "gauge", "Connectors of this host that serve.", count_serving},
	{"aditd_connector_restarts_total", "counter", "Unwanted ends and restarts of connectors.",
	 count_restarts},
	{"aditd_cloudflare_ratelimit_remaining", "gauge", "Calls left in Cloudflare's window.",
	 budget_remaining},
	{"aditd_cloudflare_access", "gauge", "1 when Cloudflare takes our token.", access_ok},
	{"aditd_uptime_seconds", "gauge", "Since this daemon started.", uptime_s},
};

static void write_states(const struct api *a, struct buf *out)
{
	(void)buf_str(out, "# HELP aditd_connectors Connectors of this host by state.\n"
			   "# TYPE aditd_connectors gauge\n");
	for (int s = 0; s < CONNECTOR_STATES; s++) {
		int64_t n = 0;
		TABLE_EACH (i, struct connector, c, &a->ops->world->connectors)
			n += (int)c->state == s;
		(void)buf_printf(out, "aditd_connectors{state=\"%s\"} %" PRId64 "\n",
				 connector_state_name((enum connector_state)s), n);
	}
}

void metrics_write(const struct api *a, struct buf *out)
{
	(void)buf_printf(out,
			 "# HELP aditd_build_info Version of the daemon.\n"
			 "# TYPE aditd_build_info gauge\naditd_build_info{version=\"%s\"} 1\n",
			 ADIT_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		(void)buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n",
				 metrics[i].name, metrics[i].help, metrics[i].name, metrics[i].type,
				 metrics[i].name, metrics[i].value(a));
	write_states(a, out);
}
