/* What is a probe's route, and what its answers mean. */
#include "model/edge_probe.h"

#include <string.h>

bool edge_probe_is(const char *path, const char *service)
{
	return str_equal(path, EDGE_PROBE_PATH) && service && str_starts(service, "unix:/") &&
	       str_ends(service, "/" EDGE_PROBE_SOCKET);
}

bool route_is_edge_probe(const struct route *r)
{
	return edge_probe_is(r->path, r->service);
}

struct route *world_edge_probe(const struct world *w, const char *hostname)
{
	struct route *r = world_find_route(w, hostname, EDGE_PROBE_PATH);

	return r && route_is_edge_probe(r) ? r : NULL;
}

bool world_is_published(const struct world *w, const char *hostname, const char *tunnel_id)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, hostname) && !route_is_edge_probe(r) &&
		    (!tunnel_id || str_equal(r->tunnel_id, tunnel_id)))
			return true;
	return false;
}

/* ---- answers ---- */

/* What Cloudflare says by itself where a policy, a redirect or a rule stands before the name. */
static bool is_of_a_policy(int status)
{
	return (status >= 300 && status < 400) || status == 401 || status == 403 || status == 429;
}

enum edge_seen edge_judge(const struct edge_answer *a)
{
	if (a->arrived)
		return a->proved ? EDGE_PASSED : EDGE_HALF;
	if (a->failed == ERR_TIMEOUT)
		return EDGE_TIMEOUT;
	if (a->failed != ERR_NONE)
		return EDGE_UNREACHED;
	if (a->status == 530)
		return EDGE_NO_TUNNEL;
	return is_of_a_policy(a->status) ? EDGE_STOPPED : EDGE_ELSEWHERE;
}

const char *edge_seen_name(enum edge_seen s)
{
	static const char *const names[] = {
		[EDGE_UNASKED] = "unasked",     [EDGE_PASSED] = "passed",
		[EDGE_UNREACHED] = "unreached", [EDGE_TIMEOUT] = "timeout",
		[EDGE_NO_TUNNEL] = "no_tunnel", [EDGE_STOPPED] = "stopped",
		[EDGE_ELSEWHERE] = "elsewhere", [EDGE_HALF] = "half",
	};
	return names[s];
}

bool edge_seen_fails(enum edge_seen s)
{
	return s != EDGE_UNASKED && s != EDGE_PASSED && s != EDGE_STOPPED;
}

bool route_is_down(const struct route *r)
{
	return r->reach.state == REACH_REFUSED || r->reach.state == REACH_TIMEOUT ||
	       edge_seen_fails(r->edge.seen);
}

static void say_unreached(const struct route *r, struct err *e)
{
	(void)err_set(e, ERR_UPSTREAM, "https://%s cannot be reached from this host: %s",
		      r->hostname, r->edge.words ? r->edge.words : "no connection came about");
	(void)err_hint(e, "Does this host resolve the name, and may it reach Cloudflare on port "
			  "443 outwards?");
}

static void say_elsewhere(const struct route *r, struct err *e)
{
	(void)err_set(e, ERR_UPSTREAM,
		      "A request for https://%s was answered with HTTP status %d and did not "
		      "arrive here: another rule took it, or a connector that runs another "
		      "configuration",
		      r->hostname, r->edge.status);
	(void)err_hint(e,
		       "See which rule takes it: adit route test https://%s" EDGE_PROBE_PREFIX
		       "0123456789abcdef0123456789abcdef. See which connectors there are: adit "
		       "connector list.",
		       r->hostname);
}

bool route_edge_problem(const struct route *r, struct problem *out)
{
	struct err *e = &out->err;

	if (!edge_seen_fails(r->edge.seen))
		return false;
	*out = (struct problem){.since_ms = r->edge.since_ms};
	if (r->edge.seen == EDGE_UNREACHED) {
		say_unreached(r, e);
	} else if (r->edge.seen == EDGE_TIMEOUT) {
		(void)err_set(e, ERR_TIMEOUT, "No answer came from https://%s in time",
			      r->hostname);
		(void)err_hint(e, "See adit why %s.", r->hostname);
	} else if (r->edge.seen == EDGE_NO_TUNNEL) {
		(void)err_set(e, ERR_UPSTREAM,
			      "Cloudflare's edge has no connection of the tunnel for https://%s "
			      "(HTTP status 530)",
			      r->hostname);
		(void)err_hint(e, "See adit why %s, and adit connector list.", r->hostname);
	} else if (r->edge.seen == EDGE_HALF) {
		(void)err_set(e, ERR_UPSTREAM,
			      "A request for https://%s arrived here, and its answer did not come "
			      "back",
			      r->hostname);
		(void)err_hint(e, "Does a Worker or a rule of Cloudflare's change answers?");
	} else {
		say_elsewhere(r, e);
	}
	return true;
}

char *route_edge_unproved(const struct route *r)
{
	if (r->edge.seen != EDGE_STOPPED)
		return NULL;
	return str_format("A request for https://%s was answered with HTTP status %d before it "
			  "arrived here: an Access policy, a redirect or a rule of Cloudflare's "
			  "stands before the name, and nothing is proved",
			  r->hostname, r->edge.status);
}
