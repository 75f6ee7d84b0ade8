/*
 * What a route may lead to (design 3.6). What would let the world talk to adit itself or to the
 * machine's metadata is refused whatever the settings say; what leads anywhere or past the network
 * is refused unless the settings name the whole service.
 */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "reconcile/guard.h"

/* Names that mean this host without being an address. */
static bool is_local_name(const char *host)
{
	static const char *const names[] = {"localhost.localdomain", "localhost4", "localhost6",
					    "ip6-localhost", "ip6-loopback"};
	AUTO(str_t) name = str_dup(host);
	size_t len = strlen(name);
	if (len && name[len - 1] == '.')
		name[--len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return len > 10 && strcasecmp(name + len - 10, ".localhost") == 0;
}

static bool is_this_host(const char *host)
{
	return address_is_loopback(host) || address_is_unspecified(host) || is_local_name(host);
}

static bool is_mcp_door(const struct guard_policy *g, const struct service *s)
{
	struct url door;
	struct err e;
	if (!g->mcp_listen)
		return false;
	AUTO(str_t) text = str_format("http://%s", g->mcp_listen);
	if (url_parse(text, &door, &e) < 0)
		return false;
	return service_port(s) == door.port &&
	       (is_this_host(s->host) || strcasecmp(s->host, door.host) == 0);
}

static bool is_metrics_port(const struct world *w, const struct service *s)
{
	if (!is_this_host(s->host))
		return false;
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (c->metrics_port > 0 && c->metrics_port == service_port(s))
			return true;
	return false;
}

/* /var/run is /run on every system that we run on. */
static const char *plain_run(const char *path)
{
	return str_starts(path, "/var/run/") ? path + 4 : path;
}

static bool is_our_socket(const struct guard_policy *g, const struct service *s)
{
	return (g->socket && str_equal(plain_run(s->path), plain_run(g->socket))) ||
	       (g->probe_socket && str_equal(plain_run(s->path), plain_run(g->probe_socket)));
}

static int deny(struct err *e, const char *service, const char *why)
{
	return err_set(e, ERR_DENIED, "No route may lead to %s: %s", service, why);
}

static int check_address(const struct world *w, const struct guard_policy *g,
			 const struct service *s, const char *service, struct err *e)
{
	if (address_is_link_local(s->host))
		return deny(e, service, "it is a link-local or metadata address");
	if (is_mcp_door(g, s))
		return deny(e, service, "adit itself listens there (mcp.listen)");
	if (is_metrics_port(w, s))
		return deny(e, service, "it is the metrics port of a connector");
	return 0;
}

static bool is_allowed(const struct guard_policy *g, const char *service)
{
	return g->allow_services && strlist_has(g->allow_services, service);
}

static int check_allowed(const struct guard_policy *g, const char *service, struct err *e)
{
	if (is_allowed(g, service))
		return 0;
	(void)deny(e, service, "sockets, bastion and socks-proxy have to be allowed by name");
	return err_hint(e, "Add it to safety.allow_services in adit's settings.");
}

int guard_service(const struct world *w, const struct guard_policy *g, const char *service,
		  struct err *e)
{
	struct service s;
	if (service_parse(service, &s, e) < 0)
		return -1;
	switch (s.kind) {
	case SERVICE_URL:
		return check_address(w, g, &s, service, e);
	case SERVICE_UNIX:
		if (is_our_socket(g, &s))
			return deny(e, service, "it is adit's own socket");
		return check_allowed(g, service, e);
	case SERVICE_BUILTIN:
		return str_equal(s.scheme, "hello_world") ? 0 : check_allowed(g, service, e);
	case SERVICE_STATUS:
		return 0;
	}
	return 0;
}
