/* What takes a person because somebody else made it, or lives on another host: each reason, and
 * what nobody can approve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/guard.h"

#define UUID  "11111111-2222-4333-8444-555555555555"
#define UUID2 "11111111-2222-4333-8444-666666666666"
#define HEX   "0123456789abcdef0123456789abcdef"
#define HEX2  "fedcba9876543210fedcba9876543210"
#define RULE  "{\"rule\":\"r1\",\"what\":\"rule 3 (*.ex.org)\"}"
#define TAKE  "{\"id\":\"" HEX2 "\",\"seen\":\"s1\",\"what\":\"A 192.0.2.1\"}"

/* web is ours, joined is another host's and runs here, idle is another host's and does not run. */
static struct tunnel *add_tunnel(struct world *w, const char *name, int64_t replicas, bool joined)
{
	struct tunnel *t = tunnel_new(name);
	AUTO(str_t) id = str_format("t%s", name);
	str_copy(t->id, ID_SIZE, id);
	str_copy(t->remote_id, sizeof(t->remote_id), UUID);
	t->replicas = replicas;
	t->joined = joined;
	t->config_version = 1;
	world_add_tunnel(w, t);
	return t;
}

static struct world *make_world(void)
{
	struct world *w = world_new();
	struct route *x = route_new();
	struct record *r = record_new("a.ex.org", "CNAME");
	struct connector *c = connector_new("tjoined", 1);
	struct tunnel *adopted;
	add_tunnel(w, "web", 1, false);
	add_tunnel(w, "joined", 1, true)->observed.connections = 4;
	add_tunnel(w, "idle", 0, true)->observed.connections = -1;
	adopted = add_tunnel(w, "adopted", 1, false);
	adopted->adopted = true;
	adopted->observed.connections = 0;
	c->edge_connections = 4;
	world_add_connector(w, c);
	str_copy(x->id, ID_SIZE, "ra");
	str_copy(x->tunnel_id, ID_SIZE, "tweb");
	str_set(&x->hostname, "a.ex.org");
	str_set(&x->service, "http://h:1");
	str_set(&x->takes, "[" RULE "]");
	world_add_route(w, x);
	str_copy(r->id, ID_SIZE, "da");
	str_copy(r->tunnel_id, ID_SIZE, "tweb");
	str_copy(r->remote_id, CF_ID_SIZE, HEX);
	str_set(&r->takes, "[" TAKE "]");
	world_add_record(w, r);
	r = record_new("s.ex.org", "CNAME");
	str_copy(r->id, ID_SIZE, "dsent");
	r->create_sent_ms = 1;
	world_add_record(w, r);
	return w;
}

static const struct guard_policy policy = {.max_delete = 10, .socket = "/run/adit/adit.sock"};

struct owner_case {
	const char *what;
	struct edit edit;         /* strings are borrowed */
	const char *approvals[2]; /* all of them */
	const char *refused;      /* NULL = it is not */
	int64_t connections;      /* of the joined tunnel; 0 = 4, those of this host */
};

#define S(text) ((char *)(uintptr_t)(text))
#define TUNNEL(n, ...)                                                                             \
	{                                                                                          \
		EDIT_TUNNEL_PUT, "t" n, .name = S(n), __VA_ARGS__                                  \
	}
#define ROUTE(i, ...)                                                                              \
	{                                                                                          \
		EDIT_ROUTE_PUT, i, "tweb", .name = S("n.ex.org"), .service = S("http://h:1"),      \
					   __VA_ARGS__                                             \
	}
#define ROUTE_A(...)                                                                               \
	{                                                                                          \
		EDIT_ROUTE_PUT, "ra", "tweb", .name = S("a.ex.org"), .service = S("http://h:1"),   \
					      __VA_ARGS__                                          \
	}
#define RECORD(i, n, ...)                                                                          \
	{                                                                                          \
		EDIT_RECORD_PUT, i, "tweb", .name = S(n), .type = S("CNAME"), __VA_ARGS__          \
	}

static const struct owner_case cases[] = {
	/* tunnels */
	{"as it is", TUNNEL("web", .replicas = 1), {0}, NULL, 0},
	{"adopting",
	 TUNNEL("new", .replicas = 1, .remote_id = S(UUID2)),
	 {"Adopts tunnel new (" UUID2 ")."},
	 NULL,
	 0},
	{"its own id again", TUNNEL("web", .replicas = 1, .remote_id = S(UUID)), {0}, NULL, 0},
	{"adopting another one in its place",
	 TUNNEL("web", .replicas = 1, .remote_id = S(UUID2)),
	 {"Adopts tunnel web (" UUID2 ")."},
	 NULL,
	 0},
	{"joining",
	 TUNNEL("new", .replicas = 1, .joined = true, .remote_id = S(UUID2)),
	 {"Runs connectors of tunnel new, which another host owns."},
	 NULL,
	 0},
	{"joining without connectors",
	 TUNNEL("new", .joined = true, .remote_id = S(UUID2)),
	 {0},
	 NULL,
	 0},
	{"connectors of what was joined",
	 TUNNEL("idle", .replicas = 1, .joined = true),
	 {"Runs connectors of tunnel idle, which another host owns."},
	 NULL,
	 0},
	{"one more of what runs", TUNNEL("joined", .replicas = 2, .joined = true), {0}, NULL, 0},
	{"taking over",
	 TUNNEL("joined", .replicas = 1),
	 {"Takes tunnel joined over from the host that owns it."},
	 NULL,
	 0},
	{"converting",
	 TUNNEL("web", .replicas = 1, .convert = true),
	 {"Turns the local configuration of tunnel web into a remote one; its config.yml is "
	  "ignored from then on, and there is no way back."},
	 NULL,
	 0},
	{"again",
	 TUNNEL("web", .replicas = 1, .anew = true),
	 {"Makes tunnel web again, which was deleted at Cloudflare."},
	 NULL,
	 0},
	{"the last connectors of a joined one",
	 TUNNEL("joined", .joined = true),
	 {"Stops the connectors of tunnel joined on this host, and no others of it are known to "
	  "run; the tunnel itself stays."},
	 NULL,
	 0},
	{"others run it too", TUNNEL("joined", .joined = true), {0}, NULL, 8},
	{"leaving a joined one",
	 {EDIT_TUNNEL_DROP, "tjoined"},
	 {"Stops the connectors of tunnel joined on this host, and no others of it are known to "
	  "run; the tunnel itself stays."},
	 NULL,
	 0},
	{"leaving while others run it", {EDIT_TUNNEL_DROP, "tjoined"}, {0}, NULL, 8},
	{"leaving what does not run here", {EDIT_TUNNEL_DROP, "tidle"}, {0}, NULL, 0},
	{"the last connectors of an adopted one without a route of ours",
	 TUNNEL("adopted", .replicas = 0),
	 {"Stops the connectors of tunnel adopted on this host, and no others of it are known to "
	  "run; the tunnel itself stays."},
	 NULL,
	 0},
	{"what its own connectors hold is not asked yet",
	 TUNNEL("adopted", .replicas = 0),
	 {"Stops the connectors of tunnel adopted on this host, and no others of it are known to "
	  "run; the tunnel itself stays."},
	 NULL,
	 4},
	{"others run the adopted one too", TUNNEL("adopted", .replicas = 0), {0}, NULL, 8},
	{"another secret, and nobody else has it",
	 TUNNEL("web", .replicas = 1, .rotate = true, .others = S("")),
	 {0},
	 NULL,
	 0},
	{"another secret, and others have it",
	 TUNNEL("web", .replicas = 1, .rotate = true,
		.others = S("connector 1 at 192.0.2.1\nconnector 2")),
	 {"Rotates the secret of tunnel web, which connector 1 at 192.0.2.1 uses and is not this "
	  "host's: once its connections are lost, it cannot connect again.",
	  "Rotates the secret of tunnel web, which connector 2 uses and is not this host's: once "
	  "its connections are lost, it cannot connect again."},
	 NULL,
	 0},
	{"another secret, and who has it is not known",
	 TUNNEL("web", .replicas = 1, .rotate = true),
	 {"Rotates the secret of tunnel web, and who else uses it could not be read: connectors "
	  "of other hosts cannot connect again with the old one."},
	 NULL,
	 0},
	{"another secret for another host's",
	 TUNNEL("joined", .replicas = 1, .joined = true, .rotate = true, .others = S("")),
	 {0},
	 "is another host's",
	 0},
	{"another secret for what is not made",
	 TUNNEL("new", .replicas = 1, .rotate = true, .others = S("")),
	 {0},
	 "is not made yet",
	 0},
	{"giving back with a route",
	 {EDIT_TUNNEL_RELEASE, "tweb"},
	 {0},
	 "still has the route a.ex.org",
	 0},
	{"giving back",
	 {EDIT_TUNNEL_RELEASE, "tjoined"},
	 {"Gives tunnel joined back: it stays at Cloudflare as it stands, and its connectors on "
	  "this host stop."},
	 NULL,
	 0},
	{"giving back what is not there",
	 {EDIT_TUNNEL_RELEASE, "tnone"},
	 {0},
	 "There is no tunnel tnone",
	 0},

	/* routes */
	{"a route through a joined tunnel",
	 {EDIT_ROUTE_PUT, "rn", "tjoined", .name = S("n.ex.org"), .service = S("http://h:1")},
	 {0},
	 "another host owns it",
	 0},
	{"a rule that is taken",
	 ROUTE("rn", .takes = S("[" RULE "]")),
	 {"Replaces or stands before rule 3 (*.ex.org), which adit did not make."},
	 NULL,
	 0},
	{"words of their own",
	 ROUTE("rn", .takes = S("[{\"rule\":\"r2\",\"what\":\"Moves the moon.\"}]")),
	 {"Moves the moon."},
	 NULL,
	 0},
	{"agreed to before", ROUTE_A(.takes = S("[" RULE "]")), {0}, NULL, 0},
	{"one more than before",
	 ROUTE_A(.takes = S("[" RULE ",{\"rule\":\"r2\",\"what\":\"rule 5\"}]")),
	 {"Replaces or stands before rule 5, which adit did not make."},
	 NULL,
	 0},
	{"the same rule, changed since",
	 ROUTE_A(.takes = S("[{\"rule\":\"r9\",\"what\":\"rule 3 (*.ex.org)\"}]")),
	 {"Replaces or stands before rule 3 (*.ex.org), which adit did not make."},
	 NULL,
	 0},
	{"takes that are no list", ROUTE("rn", .takes = S("{}")), {0}, "is not a list", 0},
	{"takes without words",
	 ROUTE("rn", .takes = S("[{\"rule\":\"r1\"}]")),
	 {0},
	 "does not say what it is",
	 0},
	{"takes without a rule",
	 ROUTE("rn", .takes = S("[{\"what\":\"rule 3\"}]")),
	 {0},
	 "does not say what it is",
	 0},
	{"takes that are no JSON", ROUTE("rn", .takes = S("[")), {0}, "cannot be read", 0},
	{"a route again",
	 ROUTE_A(.anew = true),
	 {"Makes the route a.ex.org again, which was deleted at Cloudflare."},
	 NULL,
	 0},
	{"giving a route back",
	 {EDIT_ROUTE_RELEASE, "ra"},
	 {"Gives the route a.ex.org back: its rule stays as it stands."},
	 NULL,
	 0},
	{"giving back no route", {EDIT_ROUTE_RELEASE, "rx"}, {0}, "There is no route rx", 0},

	/* records */
	{"a record through a joined tunnel",
	 {EDIT_RECORD_PUT, "dn", "tjoined", .name = S("n.ex.org"), .type = S("CNAME")},
	 {0},
	 "another host owns it",
	 0},
	{"adopting a record",
	 RECORD("dn", "n.ex.org", .remote_id = S(HEX2)),
	 {"Adopts the record CNAME n.ex.org (" HEX2 "), which adit did not make."},
	 NULL,
	 0},
	{"adopting says it once",
	 RECORD("dn", "n.ex.org", .remote_id = S(HEX2), .takes = S("[" TAKE "]")),
	 {"Adopts the record CNAME n.ex.org (" HEX2 "), which adit did not make."},
	 NULL,
	 0},
	{"marking it again",
	 RECORD("da", "a.ex.org", .remote_id = S(HEX),
		.takes = S("[{\"id\":\"" HEX "\",\"seen\":\"s\",\"what\":\"CNAME a.ex.org\"}]")),
	 {"Overwrites the record CNAME a.ex.org, which adit did not make."},
	 NULL,
	 0},
	{"overwriting",
	 RECORD("dn", "n.ex.org", .takes = S("[" TAKE "]")),
	 {"Overwrites the record A 192.0.2.1, which adit did not make."},
	 NULL,
	 0},
	{"overwriting what was agreed to",
	 RECORD("da", "a.ex.org", .takes = S("[" TAKE "]")),
	 {0},
	 NULL,
	 0},
	{"the same record, changed since",
	 RECORD("da", "a.ex.org",
		.takes = S("[{\"id\":\"" HEX2 "\",\"seen\":\"s2\",\"what\":\"A 192.0.2.2\"}]")),
	 {"Overwrites the record A 192.0.2.2, which adit did not make."},
	 NULL,
	 0},
	{"adopting another record in its place",
	 RECORD("da", "a.ex.org", .remote_id = S(HEX2)),
	 {"Adopts the record CNAME a.ex.org (" HEX2 "), which adit did not make."},
	 NULL,
	 0},
	{"another wish for what is being created",
	 RECORD("dsent", "s.ex.org", .remote_id = NULL),
	 {0},
	 "is being created",
	 0},
	{"adopting what is being created",
	 RECORD("dsent", "s.ex.org", .remote_id = S(HEX2)),
	 {"Repoints the record s.ex.org from its own content to web.",
	  "Adopts the record CNAME s.ex.org (" HEX2 "), which adit did not make."},
	 NULL,
	 0},
	{"again what is being created",
	 RECORD("dsent", "s.ex.org", .anew = true),
	 {"Makes the record s.ex.org (CNAME) again, which was deleted at Cloudflare."},
	 NULL,
	 0},
	{"a record again",
	 RECORD("da", "a.ex.org", .anew = true),
	 {"Makes the record a.ex.org (CNAME) again, which was deleted at Cloudflare."},
	 NULL,
	 0},
	{"giving a record back",
	 {EDIT_RECORD_RELEASE, "da"},
	 {"Gives the record a.ex.org (CNAME) back: it stays, without adit's mark."},
	 NULL,
	 0},
	{"giving back no record", {EDIT_RECORD_RELEASE, "dx"}, {0}, "There is no record dx", 0},
};

static void fill(struct plan *p, const struct edit *from)
{
	struct edit *d = plan_edit(p, from->kind, from->id);
	edit_copy(d, from);
}

static void run_case(const struct owner_case *c)
{
	struct world *w = make_world();
	AUTO(plan_t) p = plan_new("test", "somebody", NULL);
	struct err e = {.kind = ERR_NONE};
	size_t n = 0;
	if (c->connections)
		world_tunnel(w, c->edit.id)->observed.connections = c->connections;
	fill(p, &c->edit);
	int rc = guard_check(w, &policy, p, &e);
	if (c->refused ? rc == 0 || !strstr(e.message, c->refused) : rc < 0)
		fail_msg("%s: %d, %s", c->what, rc, e.message);
	while (n < ARRAY_LEN(c->approvals) && c->approvals[n])
		n++;
	if (p->approvals.n != n)
		fail_msg("%s: %zu approvals, %s", c->what, p->approvals.n,
			 p->approvals.n ? p->approvals.items[0] : "none");
	for (size_t i = 0; i < n; i++)
		assert_string_equal(p->approvals.items[i], c->approvals[i]);
	world_free(w);
}

static void cases_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		run_case(&cases[i]);
}

/* What an earlier look at the plan found is no reason any more when it is not found again. */
static void reasons_are_those_of_the_edits_as_they_are(void **state)
{
	struct world *w = make_world();
	AUTO(plan_t) p = plan_new("test", "somebody", NULL);
	struct edit given = ROUTE("rn", .takes = S("[" RULE "]"));
	struct err e;
	(void)state;
	strlist_add(&p->approvals, "Something of old.");
	fill(p, &given);
	assert_int_equal(guard_check(w, &policy, p, &e), 0);
	assert_int_equal(p->approvals.n, 1);
	str_set(&p->edits[0].takes, NULL);
	assert_int_equal(guard_check(w, &policy, p, &e), 0);
	assert_int_equal(p->approvals.n, 0);
	world_free(w);
}

static void record_deleting(struct world *w)
{
	world_record(w, "da")->want = WANT_ABSENT;
	world_record(w, "da")->observed.deleting_ms = 1;
}
static void record_leaving(struct world *w)
{
	world_record(w, "da")->want = WANT_RELEASED;
}
static void tunnel_leaving(struct world *w)
{
	world_tunnel(w, "tjoined")->want = WANT_RELEASED;
}

/* What is on its way out would take the new wish along. */
static void what_is_going_takes_no_new_wish(void **state)
{
	static const struct {
		void (*happens)(struct world *w);
		struct edit edit;
		const char *refused;
	} rows[] = {
		{record_deleting, RECORD("da", "a.ex.org", .takes = NULL), "is just being deleted"},
		{record_leaving, RECORD("da", "a.ex.org", .takes = NULL),
		 "is just being given back"},
		{tunnel_leaving, TUNNEL("joined", .replicas = 1, .joined = true),
		 "is just being given back"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = make_world();
		AUTO(plan_t) p = plan_new("test", "somebody", NULL);
		struct err e;
		fill(p, &rows[i].edit);
		assert_int_equal(guard_check(w, &policy, p, &e), 0);
		rows[i].happens(w);
		assert_int_equal(guard_check(w, &policy, p, &e), -1);
		assert_int_equal(e.kind, ERR_BUSY);
		assert_non_null(strstr(e.message, rows[i].refused));
		world_free(w);
	}
}

static void deletions_of_a_day_count(void **state)
{
	static const struct {
		int64_t before, most;
		const char *told;
	} rows[] = {
		{0, 1, NULL},
		{9, 10, NULL},
		{10, 10,
		 "Deletes 1 object, which makes more than 10 by the same caller in 24 hours"},
		{0, 0, "Deletes 1 object at once, more than 0"},
		{5, 0, "Deletes 1 object at once, more than 0"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = make_world();
		AUTO(plan_t) p = plan_new("test", "somebody", NULL);
		struct guard_policy g = policy;
		struct err e;
		g.deleted = rows[i].before;
		g.max_delete = rows[i].most;
		(void)plan_edit(p, EDIT_ROUTE_DROP, "ra");
		assert_int_equal(guard_check(w, &g, p, &e), 0);
		assert_int_equal(p->approvals.n, rows[i].told ? 2 : 1);
		assert_int_equal(guard_many(&g, p), rows[i].told != NULL);
		if (rows[i].told && !strstr(p->approvals.items[1], rows[i].told))
			fail_msg("%s", p->approvals.items[1]);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_hold),
		cmocka_unit_test(reasons_are_those_of_the_edits_as_they_are),
		cmocka_unit_test(what_is_going_takes_no_new_wish),
		cmocka_unit_test(deletions_of_a_day_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
