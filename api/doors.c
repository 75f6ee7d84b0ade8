/*
 * Who may come in. Unix: the kernel's word on the peer, never the request's. TCP: the Host must be
 * our own loopback address and an Origin, if any, must be the same, so that no web page reaches us
 * through a browser.
 */
#include <string.h>
#include <strings.h>

#include "api/private.h"

/* localhost and our port */
static bool is_named(const char *host, const char *local)
{
	const char *port = strrchr(local, ':');
	char named[64];
	str_join(named, sizeof(named), (const char *[]){"localhost", port ? port : "", NULL});
	return strcasecmp(host, named) == 0;
}

static int admit_host(const struct server_req *r, struct err *e)
{
	const char *host = server_req_header(r, "host");
	const char *local = server_req_local(r);
	if (host && (strcasecmp(host, local) == 0 || is_named(host, local)))
		return 0;
	return err_set(e, ERR_DENIED, "Host must be %s", local);
}

static int admit_origin(const struct server_req *r, struct err *e)
{
	static const char scheme[] = "http://";
	const char *origin = server_req_header(r, "origin"), *local = server_req_local(r);
	if (!origin)
		return 0;
	const char *host = origin + sizeof(scheme) - 1;
	if (server_req_header_repeats(r, "origin") == 1 &&
	    strncasecmp(origin, scheme, sizeof(scheme) - 1) == 0 &&
	    (strcasecmp(host, local) == 0 || is_named(host, local)))
		return 0;
	return err_set(e, ERR_DENIED, "Requests from web pages of another origin are refused");
}

/* What comes out of a tunnel must not reach our own door. */
static bool is_connector(const struct world *w, const struct peer *peer)
{
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (c->pid && (peer->valid ? c->pid == peer->pid
					   : process_holds_socket(c->pid, peer->socket)))
			return true;
	return false;
}

bool door_accepts(const struct peer *peer, int door, int peer_port, void *owner)
{
	const struct api *a = owner;
	(void)door, (void)peer_port;
	return !is_connector(a->ops->world, peer);
}

static int admit_unix(const struct api *a, const struct server_req *r, struct principal *who,
		      struct err *e)
{
	const struct peer *p = server_req_peer(r);
	if (!p->valid)
		return err_set(e, ERR_DENIED, "The kernel does not tell who is calling");
	if (principal_of_user(a->ops->settings, p->uid, p->gid, p->groups, p->n_groups, who, e) < 0)
		return -1;
	who->pid = p->pid;
	who->pid_start = p->start_ticks;
	return 0;
}

/* Whoever names one means to see no more than it does, and would see everything. */
static int admit_ungranted(const struct server_req *r, struct err *e)
{
	if (str_equal(server_req_path(r), MCP_PATH) || !server_req_header(r, "x-adit-grant"))
		return 0;
	(void)err_set(e, ERR_INVALID,
		      "X-Adit-Grant is for " MCP_PATH ": here the user of the socket calls");
	return err_hint(e, "Call without it, or use adit mcp --grant.");
}

int door_admit(const struct api *a, const struct server_req *r, struct principal *who,
	       struct err *e)
{
	if (server_req_door(r) == DOOR_UNIX)
		return admit_ungranted(r, e) < 0 ? -1 : admit_unix(a, r, who, e);
	*who = (struct principal){.door = OP_DOOR_MCP};
	return admit_host(r, e) < 0 || admit_origin(r, e) < 0 ? -1 : 0;
}
