/* What plans need approval for and what is refused, edit by edit, against one small world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/edge_probe.h"
#include "reconcile/guard.h"

/*
 * web     created and configured: a.ex.org (record made), *.ex.org (its record made),
 *         s.ex.org with an access check, and vpn.ex.org
 * idle    created, never configured: i.ex.org, whose record was never made
 * putting created, its first configuration is under way: p.ex.org
 * fresh   never created
 * leaving want = absent
 */
static struct tunnel *add_tunnel(struct world *w, const char *id, const char *remote,
				 int64_t version)
{
	struct tunnel *t = tunnel_new(id + 1);
	str_copy(t->id, sizeof(t->id), id);
	str_copy(t->remote_id, sizeof(t->remote_id), remote);
	t->config_version = version;
	world_add_tunnel(w, t);
	return t;
}

static void add_route(struct world *w, const char *id, const char *tunnel, const char *hostname,
		      const char *origin)
{
	struct route *r = route_new();
	str_copy(r->id, sizeof(r->id), id);
	str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel);
	str_set(&r->hostname, hostname);
	str_set(&r->service, "http://127.0.0.1:80");
	str_set(&r->origin, origin);
	world_add_route(w, r);
}

static void add_record(struct world *w, const char *id, const char *tunnel, const char *name,
		       const char *remote)
{
	struct record *r = record_new(name, "CNAME");
	str_copy(r->id, sizeof(r->id), id);
	str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel);
	str_copy(r->remote_id, sizeof(r->remote_id), remote);
	world_add_record(w, r);
}

#define UUID   "11111111-2222-4333-8444-555555555555"
#define HEX    "0123456789abcdef0123456789abcdef"
#define ACCESS "{\"access\":{\"required\":true,\"teamName\":\"t\",\"audTag\":[\"x\"]}}"

static struct world *make_world(void)
{
	struct world *w = world_new();
	struct connector *c = connector_new("tweb", 1);
	c->metrics_port = 20241;
	add_tunnel(w, "tweb", UUID, 3);
	add_tunnel(w, "tidle", UUID, 0);
	add_tunnel(w, "tputting", UUID, 0)->observed.put_unknown_ms = 1;
	add_tunnel(w, "tfresh", "", 0);
	add_tunnel(w, "tsent", "", 0)->create_sent_ms = 1;
	add_tunnel(w, "tleaving", UUID, 1)->want = WANT_ABSENT;
	add_route(w, "ra", "tweb", "a.ex.org", NULL);
	add_route(w, "rwild", "tweb", "*.ex.org", NULL);
	add_route(w, "rsafe", "tweb", "s.ex.org", ACCESS);
	add_route(w, "rvpn", "tweb", "vpn.ex.org", NULL);
	add_route(w, "ri", "tidle", "i.ex.org", NULL);
	add_route(w, "rk", "tidle", "k.ex.org", NULL);
	add_route(w, "rp", "tputting", "p.ex.org", NULL);
	add_record(w, "da", "tweb", "a.ex.org", HEX);
	add_record(w, "dvpn", "tweb", "vpn.ex.org", HEX);
	add_record(w, "di", "tidle", "i.ex.org", "");
	add_record(w, "dk", "tidle", "k.ex.org", HEX);
	add_record(w, "dsent", "", "sent.ex.org", "");
	world_record(w, "dsent")->create_sent_ms = 1;
	world_add_connector(w, c);
	return w;
}

static char *protect_items[] = {(char[]){"vpn.ex.org"}, (char[]){"*.prod.org"}};
static const struct strlist protect = {protect_items, 2};
static char *allow_items[] = {(char[]){"unix:/run/app.sock"}, (char[]){"bastion"},
			      (char[]){"unix:/run/adit/adit.sock"}};
static const struct strlist allow = {allow_items, 3};

static const struct guard_policy policy = {
	.max_delete = 3,
	.protect = &protect,
	.allow_services = &allow,
	.socket = "/run/adit/adit.sock",
	.mcp_listen = "127.0.0.1:7437",
	.probe_socket = "/s/edge-probe.sock",
};

struct given {
	enum edit_kind kind;
	const char *id, *tunnel, *name, *service, *origin, *path;
	int64_t replicas, until;
};

struct guard_case {
	const char *what;
	struct given edits[5];
	const char *approvals[3];
	const char *warning;
	const char *refused; /* NULL = it is not */
};

#define ROUTE(...)                                                                                 \
	{                                                                                          \
		EDIT_ROUTE_PUT, __VA_ARGS__                                                        \
	}
#define OLD_A "tweb", "a.ex.org", "http://127.0.0.1:80"
#define NEW(svc)                                                                                   \
	{                                                                                          \
		ROUTE("rnew", "tweb", "n.new.org", svc)                                            \
	}
#define OPTIONS(o)                                                                                 \
	{                                                                                          \
		ROUTE("rnew", "tweb", "n.new.org", "http://h:1", o)                                \
	}
#define PROBE(tunnel, name)                                                                        \
	{                                                                                          \
		ROUTE("rnew", tunnel, name, "unix:/s/edge-probe.sock", NULL, EDGE_PROBE_PATH,      \
		      .until = 1)                                                                  \
	}
#define DROP(k, id)                                                                                \
	{                                                                                          \
		EDIT_##k##_DROP, id                                                                \
	}

static const struct guard_case cases[] = {
	/* harmless */
	{"a new route", NEW("http://192.168.1.5:8080"), {0}, NULL, NULL},
	{"a new route on loopback", NEW("http://localhost:3000"), {0}, NULL, NULL},
	{"a new tunnel and its route",
	 {{EDIT_TUNNEL_PUT, "tnew", .name = "new", .replicas = 1},
	  ROUTE("rnew", "tnew", "n.new.org", "http://h:1"),
	  {EDIT_RECORD_PUT, "dnew", "tnew", "n.new.org"}},
	 {0},
	 NULL,
	 NULL},
	{"the same route again", {ROUTE("ra", OLD_A)}, {0}, NULL, NULL},
	{"an option that weakens nothing",
	 {ROUTE("ra", OLD_A, "{\"connectTimeout\":5}")},
	 {0},
	 NULL,
	 NULL},
	{"fewer replicas",
	 {{EDIT_TUNNEL_PUT, "tweb", .name = "web", .replicas = 1}},
	 {0},
	 NULL,
	 NULL},
	{"no replicas of a tunnel without routes",
	 {{EDIT_TUNNEL_PUT, "tfresh", .name = "fresh", .replicas = 0}},
	 {0},
	 NULL,
	 NULL},
	{"a record again", {{EDIT_RECORD_PUT, "da", "tweb", "a.ex.org"}}, {0}, NULL, NULL},
	{"a record that leads to no tunnel",
	 {{EDIT_RECORD_PUT, "dn", "", "n.new.org"}},
	 {0},
	 NULL,
	 NULL},
	{"a record never made moves",
	 {{EDIT_RECORD_PUT, "di", "tweb", "i.ex.org"}},
	 {0},
	 NULL,
	 NULL},

	/* deletes */
	{"a tunnel never created", {DROP(TUNNEL, "tfresh")}, {0}, NULL, NULL},
	{"a tunnel perhaps created", {DROP(TUNNEL, "tsent")}, {"Deletes tunnel sent."}, NULL, NULL},
	{"a record never made", {DROP(RECORD, "di")}, {0}, NULL, NULL},
	{"a record perhaps made",
	 {DROP(RECORD, "dsent")},
	 {"Deletes the record sent.ex.org (CNAME)."},
	 NULL,
	 NULL},
	{"a record", {DROP(RECORD, "da")}, {"Deletes the record a.ex.org (CNAME)."}, NULL, NULL},
	{"a route",
	 {DROP(ROUTE, "ra")},
	 {"Deletes the route a.ex.org to http://127.0.0.1:80."},
	 NULL,
	 NULL},
	{"a route never live", {DROP(ROUTE, "ri")}, {0}, NULL, NULL},
	{"a route that is just being put",
	 {DROP(ROUTE, "rp")},
	 {"Deletes the route p.ex.org to"},
	 NULL,
	 NULL},
	{"a route whose record was made",
	 {DROP(ROUTE, "rk")},
	 {"Deletes the route k.ex.org to"},
	 NULL,
	 NULL},
	{"a tunnel with all that it has",
	 {DROP(ROUTE, "ri"), DROP(ROUTE, "rk"), DROP(RECORD, "di"), DROP(RECORD, "dk"),
	  DROP(TUNNEL, "tidle")},
	 {"Deletes tunnel idle.", "Deletes the record k.ex.org",
	  "Deletes 5 objects at once, more than 3 (safety.max_delete)."},
	 NULL,
	 NULL},
	{"a tunnel that keeps a route",
	 {DROP(TUNNEL, "tidle")},
	 {0},
	 NULL,
	 "Tunnel idle still has the route i.ex.org"},
	{"a tunnel that keeps a record",
	 {DROP(ROUTE, "ri"), DROP(ROUTE, "rk"), DROP(RECORD, "di"), DROP(TUNNEL, "tidle")},
	 {0},
	 NULL,
	 "The record k.ex.org still leads to tunnel idle"},
	{"a tunnel that is not there", {DROP(TUNNEL, "tnone")}, {0}, NULL, "no tunnel tnone"},
	{"a route that is not there", {DROP(ROUTE, "rnone")}, {0}, NULL, "no route rnone"},
	{"a record that is not there", {DROP(RECORD, "dnone")}, {0}, NULL, "no record dnone"},

	/* a published name changes */
	{"another service",
	 {ROUTE("ra", "tweb", "a.ex.org", "http://127.0.0.1:81")},
	 {"Repoints a.ex.org from http://127.0.0.1:80 to http://127.0.0.1:81."},
	 NULL,
	 NULL},
	{"another tunnel",
	 {ROUTE("ra", "tidle", "a.ex.org", "http://127.0.0.1:80")},
	 {"Moves a.ex.org from tunnel web to tunnel idle."},
	 "a.ex.org through tunnel idle overlaps with *.ex.org",
	 NULL},
	{"another name",
	 {ROUTE("ra", "tweb", "b.new.org", "http://127.0.0.1:80")},
	 {"Takes the route a.ex.org away, for b.new.org."},
	 NULL,
	 NULL},
	{"another path",
	 {ROUTE("ra", OLD_A, NULL, "^/api")},
	 {"Takes the route a.ex.org away, for a.ex.org ^/api."},
	 NULL,
	 NULL},
	{"a record moves",
	 {{EDIT_RECORD_PUT, "da", "tidle", "a.ex.org"}},
	 {"Repoints the record a.ex.org from web to idle."},
	 NULL,
	 NULL},
	{"a record leaves its tunnel",
	 {{EDIT_RECORD_PUT, "da", "", "a.ex.org"}},
	 {"Repoints the record a.ex.org from web to content of its own."},
	 NULL,
	 NULL},
	{"the last connector",
	 {{EDIT_TUNNEL_PUT, "tweb", .name = "web", .replicas = 0}},
	 {"Stops the last connector of tunnel web on this host, which serves 4 routes."},
	 NULL,
	 NULL},
	{"TLS verification",
	 {ROUTE("ra", OLD_A, "{\"noTLSVerify\":true}")},
	 {"Stops verifying the certificate of the origin of a.ex.org."},
	 NULL,
	 NULL},
	{"the access check goes",
	 {ROUTE("rsafe", "tweb", "s.ex.org", "http://127.0.0.1:80")},
	 {"Lifts the access check of s.ex.org."},
	 NULL,
	 NULL},
	{"the access check is switched off",
	 {ROUTE("rsafe", "tweb", "s.ex.org", "http://127.0.0.1:80",
		"{\"access\":{\"required\":false,\"teamName\":\"t\",\"audTag\":[\"x\"]}}")},
	 {"Lifts the access check of s.ex.org."},
	 NULL,
	 NULL},
	{"the access check asks another team",
	 {ROUTE("rsafe", "tweb", "s.ex.org", "http://127.0.0.1:80",
		"{\"access\":{\"required\":true,\"teamName\":\"u\",\"audTag\":[\"x\"]}}")},
	 {"Changes the access check of s.ex.org."},
	 NULL,
	 NULL},
	{"the access check stays",
	 {ROUTE("rsafe", "tweb", "s.ex.org", "http://127.0.0.1:80", ACCESS)},
	 {0},
	 NULL,
	 NULL},
	{"a path around the access check",
	 {ROUTE("rnew", "tweb", "s.ex.org", "http://127.0.0.1:80", NULL, "^/adm")},
	 {"Takes s.ex.org ^/adm out of the access check of the route s.ex.org."},
	 NULL,
	 NULL},
	{"a path with the access check",
	 {ROUTE("rnew", "tweb", "s.ex.org", "http://127.0.0.1:80", ACCESS, "^/adm")},
	 {0},
	 NULL,
	 NULL},

	/* protected names */
	{"a protected route changes",
	 {ROUTE("rvpn", "tweb", "vpn.ex.org", "http://127.0.0.1:80")},
	 {"Touches vpn.ex.org, which is protected (safety.protect: vpn.ex.org)."},
	 NULL,
	 NULL},
	{"below a protected wildcard",
	 {ROUTE("rnew", "tweb", "x.y.prod.org", "http://h:1")},
	 {"Touches x.y.prod.org, which is protected (safety.protect: *.prod.org)."},
	 NULL,
	 NULL},
	{"a wildcard over a protected name",
	 {ROUTE("rnew", "tweb", "*.org", "http://h:1")},
	 {"Touches *.org, which is protected (safety.protect: vpn.ex.org)."},
	 "*.org through tunnel web overlaps with i.ex.org",
	 NULL},
	{"a protected record",
	 {{EDIT_RECORD_PUT, "dvpn", "tweb", "vpn.ex.org"}},
	 {"Touches vpn.ex.org"},
	 NULL,
	 NULL},
	{"a protected record goes",
	 {DROP(RECORD, "dvpn")},
	 {"Touches vpn.ex.org", "Deletes the record vpn.ex.org"},
	 NULL,
	 NULL},
	{"a protected route goes",
	 {DROP(ROUTE, "rvpn")},
	 {"Touches vpn.ex.org", "Deletes the route vpn.ex.org"},
	 NULL,
	 NULL},
	{"a protected name is given up",
	 {ROUTE("rvpn", "tweb", "b.new.org", "http://127.0.0.1:80")},
	 {"Touches vpn.ex.org", "Takes the route vpn.ex.org away"},
	 NULL,
	 NULL},

	/* overlaps */
	{"under our wildcard of another tunnel",
	 {ROUTE("rnew", "tidle", "z.ex.org", "http://h:1")},
	 {0},
	 "z.ex.org through tunnel idle overlaps with *.ex.org through tunnel web",
	 NULL},
	{"a wildcard over ours of another tunnel",
	 {ROUTE("rnew", "tfresh", "*.ex.org", "http://h:1", NULL, "^/z")},
	 {"Touches *.ex.org"},
	 "*.ex.org has routes through the tunnels fresh and web",
	 NULL},
	{"two new ones overlap",
	 {ROUTE("rnew", "tweb", "*.n.org", "http://h:1"),
	  ROUTE("rm", "tidle", "m.n.org", "http://h:1")},
	 {0},
	 "m.n.org through tunnel idle overlaps with *.n.org through tunnel web",
	 NULL},
	{"the same tunnel", {ROUTE("rnew", "tweb", "z.ex.org", "http://h:1")}, {0}, NULL, NULL},

	/* what makes no sense */
	{"a tunnel that does not exist",
	 {ROUTE("rnew", "tnone", "n.new.org", "http://h:1")},
	 {0},
	 NULL,
	 "n.new.org would lead through a tunnel that does not exist"},
	{"a tunnel that is going",
	 {ROUTE("rnew", "tleaving", "n.new.org", "http://h:1")},
	 {0},
	 NULL,
	 "through tunnel leaving, which is deleted"},
	{"a tunnel that the plan drops",
	 {DROP(TUNNEL, "tfresh"), ROUTE("rnew", "tfresh", "n.new.org", "http://h:1")},
	 {0},
	 NULL,
	 "through tunnel fresh, which is deleted"},
	{"a record moves while it may be on its way",
	 {{EDIT_RECORD_PUT, "dsent", "tweb", "sent.ex.org"}},
	 {0},
	 NULL,
	 "is being created"},
	{"a record to a tunnel that does not exist",
	 {{EDIT_RECORD_PUT, "dn", "tnone", "n.new.org"}},
	 {0},
	 NULL,
	 "does not exist"},
	{"a record that one of ours shuts out",
	 {{EDIT_RECORD_PUT, "dn", "", "k.ex.org", "A"}},
	 {0},
	 NULL,
	 "k.ex.org has a record of adit's already (CNAME)"},
	{"a record in the place of one that goes",
	 {DROP(RECORD, "dk"), {EDIT_RECORD_PUT, "dn", "", "k.ex.org", "A"}},
	 {"Deletes the record k.ex.org (CNAME)."},
	 NULL,
	 NULL},
	{"two records in the place of one",
	 {{EDIT_RECORD_PUT, "dk", "", "k.ex.org", "A"},
	  {EDIT_RECORD_PUT, "dn", "", "k.ex.org", "AAAA"}},
	 {"Repoints the record k.ex.org from idle to content of its own."},
	 NULL,
	 NULL},
	{"one that shuts out what takes its place",
	 {{EDIT_RECORD_PUT, "dk", "", "k.ex.org", "A"},
	  {EDIT_RECORD_PUT, "dn", "", "k.ex.org", "CNAME"}},
	 {0},
	 NULL,
	 "k.ex.org has a record of adit's already"},
	{"a key that is taken",
	 {ROUTE("rnew", OLD_A)},
	 {0},
	 NULL,
	 "There is a route for a.ex.org already"},
	{"a key twice in the plan",
	 {ROUTE("rnew", "tweb", "n.new.org", "http://h:1"),
	  ROUTE("rm", "tweb", "n.new.org", "http://h:2")},
	 {0},
	 NULL,
	 "There is a route for n.new.org already"},
	{"no service", {ROUTE("rnew", "tweb", "n.new.org", NULL)}, {0}, NULL, "needs a host name"},

	/* options */
	{"options that are no object", OPTIONS("[]"), {0}, NULL, "originRequest is an array"},
	{"options that are no JSON", OPTIONS("{"), {0}, NULL, "originRequest: byte 1"},
	{"an option in another case",
	 OPTIONS("{\"NoTlsVerify\":true}"),
	 {0},
	 NULL,
	 "noTLSVerify is spelled in another case"},
	{"access in another case",
	 OPTIONS("{\"access\":{\"Required\":true}}"),
	 {0},
	 NULL,
	 "required is spelled in another case"},
	{"a flag that is none",
	 OPTIONS("{\"noTLSVerify\":\"true\"}"),
	 {0},
	 NULL,
	 "noTLSVerify is a string"},
	{"access that is none", OPTIONS("{\"access\":true}"), {0}, NULL, "access is a boolean"},
	{"socks by the back door",
	 OPTIONS("{\"proxyType\":\"socks\"}"),
	 {0},
	 NULL,
	 "originRequest.proxyType: No route may lead to socks-proxy"},
	{"no proxy type", OPTIONS("{\"proxyType\":\"\"}"), {0}, NULL, NULL},
	{"bastion by the back door, which is allowed here",
	 OPTIONS("{\"bastionMode\":true}"),
	 {0},
	 NULL,
	 NULL},
	{"unknown options", OPTIONS("{\"newThing\":{\"a\":1e3}}"), {0}, NULL, NULL},
	/* a probe through the edge */
	{"a probe", PROBE("tweb", "a.ex.org"), {0}, NULL, NULL},
	{"a probe of a protected name",
	 PROBE("tweb", "vpn.ex.org"),
	 {"Touches vpn.ex.org"},
	 NULL,
	 NULL},
	{"a probe past an access check",
	 PROBE("tweb", "s.ex.org"),
	 {"out of the access check"},
	 NULL,
	 NULL},
	{"a probe of what is not published", PROBE("tweb", "n.ex.org"), {0}, NULL, "not published"},
	{"a probe by another tunnel", PROBE("tidle", "a.ex.org"), {0}, NULL, "not published"},
	{"a probe of a wildcard", PROBE("tweb", "*.ex.org"), {0}, NULL, "is a wildcard"},
	{"a probe of what the plan takes away",
	 {DROP(ROUTE, "ra"),
	  ROUTE("rnew", "tweb", "a.ex.org", "unix:/s/edge-probe.sock", NULL, EDGE_PROBE_PATH)},
	 {0},
	 NULL,
	 "not published"},
	{"its listener by another path",
	 {ROUTE("rnew", "tweb", "a.ex.org", "unix:/s/edge-probe.sock", NULL, "^/x")},
	 {0},
	 NULL,
	 "adit's own socket"},
	{"its listener by TLS",
	 {ROUTE("rnew", "tweb", "a.ex.org", "unix+tls:/s/edge-probe.sock", NULL, EDGE_PROBE_PATH)},
	 {0},
	 NULL,
	 "adit's own socket"},
	{"its path to another listener",
	 {ROUTE("rnew", "tweb", "a.ex.org", "unix:/t/edge-probe.sock", NULL, EDGE_PROBE_PATH)},
	 {0},
	 NULL,
	 "allowed by name"},
	{"an end of what is no probe",
	 {ROUTE("rnew", "tweb", "n.new.org", "http://h:1", .until = 5)},
	 {0},
	 NULL,
	 "ends by itself"},
	{"a service that is refused",
	 NEW("http://169.254.169.254"),
	 {0},
	 NULL,
	 "No route may lead to http://169.254.169.254"},
};

static void fill(struct plan *p, const struct given *g)
{
	struct edit *d = plan_edit(p, g->kind, g->id);
	if (g->tunnel)
		str_copy(d->tunnel_id, sizeof(d->tunnel_id), g->tunnel);
	str_set(&d->name, g->name);
	bool record = g->kind == EDIT_RECORD_PUT; /* its type stands where a service does */
	str_set(&d->type, !record ? NULL : g->service ? g->service : "CNAME");
	str_set(&d->service, record ? NULL : g->service);
	str_set(&d->origin, g->origin);
	str_set(&d->path, g->path);
	d->replicas = g->replicas;
	d->until_ms = g->until;
}

static bool is_among(const struct strlist *l, const char *part)
{
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->items[i], part))
			return true;
	return false;
}

static const char *first_of(const struct strlist *l)
{
	return l->n ? l->items[0] : "(none)";
}

static void assert_told(const struct guard_case *c, const struct plan *p)
{
	size_t n = 0;
	for (; n < ARRAY_LEN(c->approvals) && c->approvals[n]; n++)
		if (!is_among(&p->approvals, c->approvals[n]))
			fail_msg("%s: \"%s\" is not said, but %s", c->what, c->approvals[n],
				 first_of(&p->approvals));
	/* the third of three may stand for more */
	if (n < ARRAY_LEN(c->approvals) && p->approvals.n != n)
		fail_msg("%s: %zu approvals, %s", c->what, p->approvals.n, first_of(&p->approvals));
	if (c->warning ? !is_among(&p->warnings, c->warning) : p->warnings.n > 0)
		fail_msg("%s: warning %s", c->what, first_of(&p->warnings));
}

static void run_case(const struct guard_case *c)
{
	struct world *w = make_world();
	AUTO(plan_t) p = plan_new("test", "somebody", NULL);
	struct err e = {.kind = ERR_NONE};
	for (size_t i = 0; i < ARRAY_LEN(c->edits) && c->edits[i].id; i++)
		fill(p, &c->edits[i]);
	int rc = guard_check(w, &policy, p, &e);
	if (!c->refused && rc < 0)
		fail_msg("%s: %s", c->what, e.message);
	if (c->refused && (rc == 0 || !strstr(e.message, c->refused)))
		fail_msg("%s: not refused with \"%s\" but \"%s\"", c->what, c->refused, e.message);
	if (c->refused) {
		assert_true(e.kind == ERR_DENIED || e.kind == ERR_INVALID || e.kind == ERR_BUSY ||
			    e.kind == ERR_CONFLICT);
		assert_int_equal(p->approvals.n + p->warnings.n, 0);
	} else {
		assert_told(c, p);
		size_t n = p->approvals.n, m = p->warnings.n;
		assert_int_equal(guard_check(w, &policy, p, &e), 0); /* says nothing twice */
		assert_int_equal(p->approvals.n, n);
		assert_int_equal(p->warnings.n, m);
	}
	world_free(w);
}

static void cases_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		run_case(&cases[i]);
}

/* It ends without a word of anybody's, and takes nothing from the name. */
static void a_probe_ends(void **state)
{
	struct world *w = make_world();
	AUTO(plan_t) p = plan_new("test", "somebody", NULL);
	struct err e;
	(void)state;
	add_route(w, "rprobe", "tweb", "vpn.ex.org", NULL);
	str_set(&world_route(w, "rprobe")->path, EDGE_PROBE_PATH);
	str_set(&world_route(w, "rprobe")->service, "unix:/s/edge-probe.sock");
	plan_edit(p, EDIT_ROUTE_DROP, "rprobe");
	assert_int_equal(guard_check(w, &policy, p, &e), 0);
	assert_int_equal(p->approvals.n, 0);
	world_free(w);
}

static void the_number_of_deletes_counts(void **state)
{
	(void)state;
	for (int64_t most = 0; most < 4; most++) {
		struct world *w = make_world();
		AUTO(plan_t) p = plan_new("test", "somebody", NULL);
		struct guard_policy g = policy;
		struct err e;
		g.max_delete = most;
		(void)plan_edit(p, EDIT_ROUTE_DROP, "ra");
		(void)plan_edit(p, EDIT_RECORD_DROP, "da");
		assert_int_equal(guard_check(w, &g, p, &e), 0);
		assert_int_equal(is_among(&p->approvals, "Deletes 2 objects at once"), most < 2);
		world_free(w);
	}
}

/* A route that the same plan moves overlaps by where it goes, not by where it was. */
static void what_moves_along_does_not_overlap(void **state)
{
	(void)state;
	for (int together = 0; together < 2; together++) {
		struct world *w = make_world();
		AUTO(plan_t) p = plan_new("test", "somebody", NULL);
		struct err e;
		fill(p, &(struct given)ROUTE("ra", "tidle", "a.ex.org", "http://127.0.0.1:80"));
		if (together)
			fill(p, &(struct given)ROUTE("rwild", "tidle", "*.ex.org",
						     "http://127.0.0.1:80"));
		assert_int_equal(guard_check(w, &policy, p, &e), 0);
		assert_int_equal(is_among(&p->warnings, "a.ex.org through tunnel idle overlaps "
							"with *.ex.org"),
				 !together);
		world_free(w);
	}
}

static void many_overlaps_are_summed_up(void **state)
{
	(void)state;
	struct world *w = make_world();
	AUTO(plan_t) p = plan_new("test", "somebody", NULL);
	struct err e;
	for (int i = 0; i < 25; i++) {
		AUTO(str_t) id = str_format("rx%d", i);
		AUTO(str_t) name = str_format("x%d.ex.org", i);
		struct given g = ROUTE(id, "tidle", name, "http://h:1");
		fill(p, &g);
	}
	assert_int_equal(guard_check(w, &policy, p, &e), 0);
	assert_int_equal(p->warnings.n, 11);
	assert_string_equal(p->warnings.items[10],
			    "15 more names overlap with routes through other tunnels.");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_hold),
		cmocka_unit_test(a_probe_ends),
		cmocka_unit_test(the_number_of_deletes_counts),
		cmocka_unit_test(what_moves_along_does_not_overlap),
		cmocka_unit_test(many_overlaps_are_summed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
