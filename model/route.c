/* Routes and the order of their rules. cloudflared takes the first rule that fits, so whatever is
 * narrower has to stand before what is broader. */
#include "model/route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/probe_words.h"
#include "base/secret.h"

struct route *route_new(void)
{
	struct route *r = mem_alloc(sizeof(*r));

	r->id[0] = 'r';
	random_hex(r->id + 1, ID_DIGITS);
	r->generation = 1;
	return r;
}

void route_free(struct route *r)
{
	if (!r)
		return;
	free(r->hostname);
	free(r->path);
	free(r->service);
	free(r->origin);
	free(r->manifest);
	free(r->takes);
	free(r->observed.service);
	free(r->edge.via);
	free(r->edge.words);
	problem_clear(&r->problem);
	free(r);
}

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

bool route_same_key(const struct route *r, const char *hostname, const char *path)
{
	return strcasecmp(text_or_empty(r->hostname), text_or_empty(hostname)) == 0 &&
	       strcmp(text_or_empty(r->path), text_or_empty(path)) == 0;
}

static bool is_wildcard(const char *hostname)
{
	return hostname[0] == '*';
}

static int count_labels(const char *hostname)
{
	int n = 1;

	for (; *hostname; hostname++)
		n += *hostname == '.';
	return n;
}

/* Only wildcards shadow each other: "*.b.c" takes what "*.a.b.c" would have served. */
static int compare_breadth(const char *a, const char *b)
{
	if (is_wildcard(a) != is_wildcard(b))
		return is_wildcard(a) ? 1 : -1;
	return is_wildcard(a) ? count_labels(b) - count_labels(a) : 0;
}

static int compare_length(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n == m ? 0 : n > m ? -1 : 1;
}

int route_compare(const struct route *a, const struct route *b)
{
	const char *host_a = text_or_empty(a->hostname), *host_b = text_or_empty(b->hostname);
	const char *path_a = text_or_empty(a->path), *path_b = text_or_empty(b->path);
	int order = compare_breadth(host_a, host_b);

	if (order == 0)
		order = compare_length(path_a, path_b);
	if (order == 0)
		order = strcmp(host_a, host_b);
	if (order == 0)
		order = strcmp(path_a, path_b);
	return order ? order : strcmp(a->id, b->id);
}

/* ---- its origin ---- */

const char *reach_name(enum reach r)
{
	static const char *const names[] = {
		[REACH_UNKNOWN] = "unknown",
		[REACH_UP] = "up",
		[REACH_REFUSED] = "refused",
		[REACH_TIMEOUT] = "timeout",
	};
	return names[r];
}

static const char *const probings[] = {PROBE_WORDS};

const char *probing_name(enum probing p)
{
	return probings[p];
}

enum probing probing_by_name(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(probings); i++)
		if (str_equal(probings[i], name))
			return (enum probing)i;
	return PROBE_TCP;
}

const char *probing_said(enum probing p)
{
	return p == PROBE_TCP ? NULL : probings[p];
}

int probing_check(enum probing p, const char *service, struct err *e)
{
	struct service s;

	if (p != PROBE_HTTP)
		return 0;
	if (service_parse(service, &s, e) < 0)
		return -1;
	if (s.kind == SERVICE_URL && str_equal(s.scheme, "http"))
		return 0;
	(void)err_set(e, ERR_INVALID, "%s cannot be asked by HTTP", service);
	return err_hint(e, "Only http:// services can; tcp asks for a connection alone.");
}

static void reach_hint(const struct route *r, const struct service *s, struct err *e)
{
	const char *flag = r->path ? " --path '" : "", *end = r->path ? "'" : "";
	bool named = str_equal(s->host, "localhost");

	(void)err_hint(e,
		       "Start the service%s, or lead the route elsewhere: adit route set %s "
		       "%s://%s:%d%s%s%s%s",
		       named ? " (localhost may mean ::1, where it does not listen)" : "",
		       r->hostname, s->scheme, named ? "127.0.0.1" : "HOST", service_port(s), flag,
		       r->path ? r->path : "", end, ".");
}

bool route_reach_problem(const struct route *r, struct problem *out)
{
	struct service s;
	struct err e;

	if (r->reach.state == REACH_UNKNOWN || r->reach.state == REACH_UP ||
	    service_parse(r->service, &s, &e) < 0)
		return false;
	*out = (struct problem){.since_ms = r->reach.since_ms};
	if (r->probing == PROBE_HTTP)
		(void)err_set(&out->err,
			      r->reach.state == REACH_REFUSED ? ERR_UPSTREAM : ERR_TIMEOUT,
			      "The origin of %s is down: no HTTP answer came from %s:%d%s",
			      r->hostname, s.host, service_port(&s),
			      r->reach.state == REACH_REFUSED ? "" : " in time");
	else if (r->reach.state == REACH_REFUSED)
		(void)err_set(&out->err, ERR_UPSTREAM,
			      "The origin of %s is down: nothing takes connections at %s:%d",
			      r->hostname, s.host, service_port(&s));
	else
		(void)err_set(&out->err, ERR_TIMEOUT,
			      "The origin of %s is down: no connection to %s:%d came about in time",
			      r->hostname, s.host, service_port(&s));
	reach_hint(r, &s, &out->err);
	return true;
}
