/* Answers for people: what stands in the text for which JSON, that nothing from outside reaches the
 * terminal as it is, and which exit code an answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/gen.h"
#include "cli/outcome.h"
#include "cli/print.h"
#include "cli/view.h"
#include "cli/words.h"

static struct style plain_style(void)
{
	struct err e;
	struct style s = {.width = 0};
	assert_int_equal(time_parse("2026-11-21T12:00:00Z", 0, &s.now_ms, &e), 0);
	return s;
}

static char *render(const char *op, const char *json, const struct style *s)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) out = {0};
	struct err e = {0};
	if (json_parse(json, strlen(json), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", json, e.message);
	print_answer(op_find(op), json_root(doc), s, &out);
	return buf_steal(&out);
}

static void answers_become_text(void **state)
{
	(void)state;
	static const struct {
		const char *op, *json, *text;
	} rows[] = {
		{"tunnel_list", "{\"items\":[],\"count\":0,\"total\":0,\"truncated\":false}",
		 "Nothing to list.\n"},
		{"tunnel_list",
		 "{\"items\":[{\"id\":\"t1\",\"name\":\"web\",\"state\":\"healthy\",\"routes\":3,"
		 "\"connectors\":{\"ready\":1,\"total\":2},\"remote\":{\"status\":\"healthy\"},"
		 "\"config_version\":42,\"converged\":true}],\"count\":1,\"total\":1,"
		 "\"truncated\":false}",
		 "TUNNEL  STATE    CONNECTORS  CLOUDFLARE  CONFIG  ROUTES  CONVERGED\n"
		 "web     healthy  1/2         healthy     42      3       yes\n"},
		{"route_list",
		 "{\"items\":[{\"hostname\":\"a.example.com\",\"service\":\"http://x:1\","
		 "\"tunnel\":\"web\",\"state\":\"problem\",\"problem\":{\"kind\":\"conflict\","
		 "\"message\":\"A record is in the way\",\"hint\":\"Remove it.\"}},"
		 "{\"hostname\":\"b.example.com\",\"path\":\"/v1\",\"service\":\"http://y:1\","
		 "\"tunnel\":\"web\",\"state\":\"live\"}],\"count\":2,\"total\":5,"
		 "\"next_cursor\":\"2\",\"truncated\":true}",
		 "HOSTNAME       PATH  SERVICE     TUNNEL  STATE\n"
		 "a.example.com  -     http://x:1  web     problem\n"
		 "b.example.com  /v1   http://y:1  web     live\n"
		 "\n  ! a.example.com: A record is in the way\n    -> Remove it.\n"
		 "\n2 of 5 shown; go on with the same command and --cursor 2\n"},
		{"health_get",
		 "{\"host\":\"a.example.com\",\"path\":\"/\",\"state\":\"down\","
		 "\"broken\":\"proxied\",\"evidence\":\"It is not.\",\"cure\":\"Do this\","
		 "\"command\":\"adit x\",\"rungs\":[{\"rung\":\"record\",\"state\":\"ok\","
		 "\"weak\":true,\"evidence\":\"It is there.\",\"untrusted_detail\":"
		 "\"A \\u001b[31m\"},{\"rung\":\"proxied\",\"state\":\"broken\",\"evidence\":"
		 "\"It is not.\"},{\"rung\":\"edge\",\"state\":\"not_checked\",\"evidence\":"
		 "\"Nobody asked.\"},{\"rung\":\"origin\",\"state\":\"unknown\",\"evidence\":"
		 "\"Who knows?\"}],\"unasked\":\"no token\"}",
		 "a.example.com: down\n"
		 "  ~ record         ok           It is there. (A ?[31m)\n"
		 "  ! proxied        broken       It is not.\n"
		 "    -> Do this: adit x\n"
		 "  . edge           not checked  Nobody asked.\n"
		 "  ? origin         unknown      Who knows?\n"
		 "Cloudflare's word is not of now: no token\n"},
		{"event_list",
		 "{\"items\":[{\"seq\":7,\"at\":\"2026-11-21T11:58:00.123Z\",\"kind\":"
		 "\"connector_ready\",\"name\":\"web/1\",\"message\":\"It is ready.\"}],"
		 "\"count\":1,\"total\":1,\"truncated\":false}",
		 "WHEN                  KIND             NAME   MESSAGE\n"
		 "2026-11-21 11:58:00Z  connector_ready  web/1  It is ready.\n"},
		{"firewall_rule_list",
		 "{\"items\":[],\"count\":0,\"total\":0,\"truncated\":false,\"unknown\":[{"
		 "\"part\":\"lockdown\",\"message\":\"It may not\",\"missing_permission\":"
		 "\"Firewall Services: Read\"}],\"unreadable\":2}",
		 "Nothing to list of what could be read.\n\nNOT KNOWN\n  ! lockdown: It may not\n"
		 "    -> The token lacks: Firewall Services: Read\n"
		 "\n2 rows of Cloudflare's could not be read.\n"},
		{"connector_restart",
		 "{\"id\":\"c1\",\"name\":\"web/1\",\"state\":\"ready\",\"since\":"
		 "\"2026-11-21T11:56:00Z\",\"untrusted_last_line\":\"a \\u001b[31mline\","
		 "\"converged\":true}",
		 "id         c1\nname       web/1\nstate      ready\n"
		 "since      2026-11-21 11:56:00Z (4m ago)\n"
		 "last line  a ?[31mline\nconverged  yes\n"},
		{"config_check", "{\"valid\":true,\"needs_restart\":[\"owner\",\"state_dir\"]}",
		 "valid          yes\nneeds restart  owner\n               state_dir\n"},
		{"plan_get",
		 "{\"plan\":\"p2\",\"state\":\"applied\",\"approvals\":[\"One.\",\"Two.\"],"
		 "\"undeclared\":[{\"a\":1}],\"more\":1,\"changes\":[{\"sign\":\"-\",\"object\":"
		 "\"route\",\"name\":\"a.b\",\"detail\":\"gone\"}]}",
		 "plan p2: applied\n  - route a.b gone\napproval was needed, since\n  * One.\n"
		 "  * Two.\n"},
		{"tunnel_get",
		 "{\"name\":\"web\",\"remote\":{\"status\":\"healthy\",\"seen\":"
		 "\"2026-11-21T11:56:00Z\"},\"connectors\":{\"ready\":1,\"total\":2}}",
		 "name        web\nremote      status healthy, seen 4m ago\nconnectors  1/2\n"},
		{"tunnel_get",
		 "{\"name\":\"web\",\"state\":\"problem\",\"problem\":{\"message\":\"Gone\","
		 "\"since\":\"2026-11-21T09:00:00Z\",\"attempts\":3},\"route_items\":["
		 "{\"hostname\":\"a.example.com\",\"service\":\"http://x:1\",\"state\":\"live\"}],"
		 "\"connector_items\":[]}",
		 "name   web\nstate  problem\n  ! Gone (3h ago, 3 attempts)\n\nroute items\n"
		 "  HOSTNAME       SERVICE     STATE\n  a.example.com  http://x:1  live\n"},
	};
	struct style s = plain_style();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) text = render(rows[i].op, rows[i].json, &s);
		assert_string_equal(text, rows[i].text);
	}
}

static void writes_become_text(void **state)
{
	(void)state;
	static const struct {
		const char *json, *text;
	} rows[] = {
		{"{\"plan\":\"p8\",\"state\":\"applied\",\"changes\":[{\"sign\":\"+\",\"object\":"
		 "\"route\",\"name\":\"a.example.com\",\"detail\":\"to http://x:1\"},{\"sign\":"
		 "\"=\",\"object\":\"tunnel\",\"name\":\"web\"}],\"approvals\":[],\"warnings\":["
		 "\"Mind the gap.\"],\"converged\":true,\"problems\":[]}",
		 "plan p8: applied\n  + route a.example.com to http://x:1\n  = tunnel web\n"
		 "  warning: Mind the gap.\ndone: true at Cloudflare and in the connectors\n"},
		{"{\"state\":\"unchanged\",\"changes\":[],\"converged\":true}",
		 "unchanged: that is how it is already\n"
		 "done: true at Cloudflare and in the connectors\n"},
		{"{\"plan\":\"p9\",\"state\":\"needs_approval\",\"hash\":\"5c1e0d5c1e0d5c1e\","
		 "\"changes\":[{\"sign\":\"-\",\"object\":\"record\",\"name\":\"a.example.com\"}],"
		 "\"approvals\":[\"it deletes a record\"],\"converged\":false}",
		 "plan p9: needs approval\n  - record a.example.com\napproval is needed, since\n"
		 "  * it deletes a record\n"},
		{"{\"state\":\"planned\",\"changes\":[],\"converged\":false}",
		 "dry run: nothing was changed\n"},
		{"{\"state\":\"needs_approval\",\"changes\":[],\"approvals\":[\"x\"]}",
		 "dry run: it would need approval\napproval is needed, since\n  * x\n"},
		{"{\"plan\":\"p1\",\"state\":\"applied\",\"changes\":[],\"converged\":false,"
		 "\"waiting_for\":\"web/1: not ready\",\"problems\":[{\"message\":\"No\","
		 "\"hint\":\"Try.\"}]}",
		 "plan p1: applied\nnot done yet: waiting for web/1: not ready\n  ! No\n"
		 "    -> Try.\n"},
	};
	struct style s = plain_style();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) text = render("route_delete", rows[i].json, &s);
		assert_string_equal(text, rows[i].text);
	}
}

static void waiting_plans_say_how(void **state)
{
	(void)state;
	struct style s = plain_style();
	AUTO(str_t)
	waits = render("plan_get",
		       "{\"plan\":\"p7\",\"state\":\"needs_approval\",\"hash\":"
		       "\"5c1e0d5c1e0d5c1e\"}",
		       &s);
	AUTO(str_t)
	done = render("plan_get",
		      "{\"plan\":\"p7\",\"state\":\"applied\",\"hash\":"
		      "\"5c1e0d5c1e0d5c1e\"}",
		      &s);
	assert_non_null(strstr(waits, "waiting: sudo adit plan approve p7 --hash 5c1e0d5c1e0d\n"));
	assert_non_null(strstr(waits, "adit plan reject p7\n"));
	assert_null(strstr(done, "approve"));
}

static const char plan_json[] =
	"{\"plan\":\"p9\",\"state\":\"needs_approval\",\"base_revision\":41,\"principal\":\"alice "
	"(uid 1000)\","
	"\"reason\":\"retire old api\",\"hash\":\"5c1e0d5c1e0d5c1e\","
	"\"expires\":\"2026-11-22T11:00:00Z\",\"deletes\":2,\"api_calls\":4,"
	"\"changes\":["
	"{\"sign\":\"-\",\"object\":\"record\",\"name\":\"old.example.com\","
	"\"detail\":\"CNAME\",\"in\":\"example.com\"},"
	"{\"sign\":\"~\",\"object\":\"route\",\"name\":\"api.example.com\","
	"\"detail\":\"http://127.0.0.1:1 to http://127.0.0.1:2\",\"in\":\"web\"},"
	"{\"sign\":\"-\",\"object\":\"route\",\"name\":\"old.example.com\","
	"\"detail\":\"to http://h:1\",\"in\":\"web\"},"
	"{\"sign\":\"=\",\"object\":\"rule\",\"name\":\"grafana.example.com\","
	"\"detail\":\"foreign, kept\",\"in\":\"web\"},"
	"{\"sign\":\"=\",\"object\":\"zone\",\"name\":\"example.com\","
	"\"detail\":\"41 of 200 records\",\"in\":\"example.com\"},"
	"{\"sign\":\"=\",\"object\":\"record\",\"name\":\"grafana.example.com\","
	"\"detail\":\"not ours, left alone\",\"in\":\"example.com\"},"
	"{\"sign\":\"+\",\"object\":\"record\",\"name\":\"new.example.org\"}],"
	"\"approvals\":["
	"\"Repoints api.example.com from http://127.0.0.1:1 to http://127.0.0.1:2.\","
	"\"Deletes the route old.example.com to http://h:1.\","
	"\"Deletes the record old.example.com (CNAME).\","
	"\"Touches api.example.com, which is protected (safety.protect: api.example.com).\"],"
	"\"warnings\":[\"Mind the gap.\"]}";

static void a_plan_in_full(void **state)
{
	(void)state;
	struct style s = plain_style();
	AUTO(str_t) text = render("plan_get", plan_json, &s);
	assert_string_equal(
		text,
		"plan p9: needs approval   base revision 41   by alice (uid 1000)   reason "
		"\"retire old api\"\n"
		"  + record new.example.org\n"
		"  tunnel web\n"
		"    ~ route api.example.com http://127.0.0.1:1 to http://127.0.0.1:2 [needs "
		"approval]\n"
		"    - route old.example.com to http://h:1 [needs approval]\n"
		"    = rule grafana.example.com foreign, kept\n"
		"  zone example.com   41 of 200 records\n"
		"    - record old.example.com CNAME [needs approval]\n"
		"    = record grafana.example.com not ours, left alone\n"
		"  protected   api.example.com\n"
		"  exposure    new public name new.example.org\n"
		"  deletes     2 objects\n"
		"  API calls   about 4   undo: adit plan create --revision 41   hash "
		"5c1e0d5c1e0d\n"
		"approval is needed, since\n"
		"  * Repoints api.example.com from http://127.0.0.1:1 to http://127.0.0.1:2.\n"
		"  * Deletes the route old.example.com to http://h:1.\n"
		"  * Deletes the record old.example.com (CNAME).\n"
		"  * Touches api.example.com, which is protected (safety.protect: "
		"api.example.com).\n"
		"  warning: Mind the gap.\n"
		"waiting: sudo adit plan approve p9 --hash 5c1e0d5c1e0d   (expires in 23h)\n"
		"to drop it: adit plan reject p9\n");
}

/* A reason marks what it names, and nothing whose name is only a part of another. */
static void what_needs_approval_is_marked(void **state)
{
	static const struct {
		const char *reason, *object, *name;
		bool marked;
	} rows[] = {
		{"Deletes tunnel web.", "tunnel", "web", true},
		{"Deletes tunnel web2.", "tunnel", "web", false},
		{"Deletes tunnel my-web.", "tunnel", "web", false},
		{"Deletes tunnel web.x.", "tunnel", "web", false},
		{"Deletes the record a.b (CNAME).", "record", "a.b", true},
		{"Deletes the record a.b (CNAME).", "route", "a.b", false},
		{"Deletes the record x.a.b (CNAME).", "record", "a.b", false},
		{"Adopts the record CNAME a.b (0123).", "record", "a.b", true},
		{"Repoints a.b from http://x to http://y.", "route", "a.b", true},
		{"Touches *.a.b, which is protected.", "route", "a.b", false},
		{"Replaces or stands before rule 3 (*.a.b), which adit did not make.", "route",
		 "a.b", false},
		{"Deletes the route a.b ^/x to http://y.", "route", "a.b", true},
		{"", "route", "", false},
	};
	(void)state;
	struct style s = plain_style();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t)
		json = str_format("{\"plan\":\"p1\",\"state\":\"needs_approval\",\"changes\":[{"
				  "\"sign\":\"-\",\"object\":\"%s\",\"name\":\"%s\"}],"
				  "\"approvals\":[\"%s\"]}",
				  rows[i].object, rows[i].name, rows[i].reason);
		AUTO(str_t) text = render("plan_get", json, &s);
		if ((strstr(text, "[needs approval]") != NULL) != rows[i].marked)
			fail_msg("%s: %s", rows[i].reason, text);
	}
}

static void planned_and_many_say_how(void **state)
{
	(void)state;
	struct style s = plain_style();
	AUTO(str_t)
	planned =
		render("plan_get",
		       "{\"plan\":\"p7\",\"state\":\"planned\",\"hash\":\"5c1e0d5c1e0d5c1e\"}", &s);
	AUTO(str_t)
	many = render("plan_get",
		      "{\"plan\":\"p7\",\"state\":\"needs_approval\",\"hash\":\"5c1e0d5c1e0d\","
		      "\"approvals\":[\"Deletes 9 objects at once, more than 3 "
		      "(safety.max_delete).\"]}",
		      &s);
	AUTO(str_t)
	back = render("plan_get",
		      "{\"plan\":\"p7\",\"state\":\"needs_approval\",\"base_revision\":3,"
		      "\"api_calls\":1,\"approvals\":[\"Gives tunnel web back.\"]}",
		      &s);
	/* Going back to a revision does not adopt again. */
	assert_null(strstr(back, "undo"));
	assert_non_null(strstr(planned, "waiting: adit plan apply p7\n"));
	assert_non_null(strstr(many, " --hash 5c1e0d5c1e0d --deletes NUMBER\n"));
}

static const char status_json[] =
	"{\"state\":\"degraded\",\"owner\":\"edge1\",\"problems\":[{\"object\":\"connector\","
	"\"name\":\"web/2\",\"kind\":\"upstream\",\"message\":\"It exits.\",\"hint\":\"Look.\","
	"\"since\":\"2026-11-21T11:56:00Z\",\"attempts\":5}],\"tunnels\":[{\"name\":\"web\","
	"\"state\":\"degraded\",\"connectors_ready\":1,\"connectors\":2,\"edge_connections\":4,"
	"\"config_version\":42,\"routes\":1,\"converged\":false},{\"name\":\"vpn\",\"state\":"
	"\"healthy\",\"connectors\":0,\"config_version\":0,\"routes\":0,\"converged\":true}],"
	"\"routes\":[{\"hostname\":\"a.example.com\",\"path\":\"/v1\",\"service\":\"http://x:1\","
	"\"tunnel\":\"web\",\"state\":\"live\"}],\"writes\":\"on\",\"access\":\"ok\","
	"\"plans_waiting\":1,\"revision\":41,\"rate\":{\"limit\":600,\"remaining\":412,"
	"\"reset_s\":120}}";

static void status_shows_problems_first(void **state)
{
	(void)state;
	struct style s = plain_style();
	AUTO(str_t) text = render("status_get", status_json, &s);
	assert_string_equal(text,
			    "adit on edge1: degraded\n\nPROBLEMS\n"
			    "  ! connector web/2: It exits. (4m ago, 5 attempts)\n    -> Look.\n\n"
			    "TUNNEL  STATE     CONNECTORS  EDGE  CONFIG  ROUTES  AS WANTED\n"
			    "web     degraded  1/2         4     v42     1       no\n"
			    "vpn     healthy   none here   0     -       0       yes\n\n"
			    "HOSTNAME           STATE  SERVICE     TUNNEL\n"
			    "a.example.com /v1  live   http://x:1  web\n\n"
			    "1 plan waiting for approval (adit plan)   access ok   writes on   "
			    "API 412/600 left, resets in 120 s   revision 41\n");
}

static void status_tells_of_another_cloudflared(void **state)
{
	struct style s = plain_style();

	(void)state;
	AUTO(str_t)
	text = render("status_get",
		      "{\"state\":\"ok\",\"problems\":[],\"tunnels\":[{\"name\":\"web\",\"state\":"
		      "\"healthy\",\"connectors_ready\":2,\"connectors\":2,\"converged\":true,"
		      "\"update_available\":2,\"disk_version\":\"2027.1.0\"},{\"name\":\"vpn\","
		      "\"state\":\"healthy\",\"update_available\":1}],\"routes\":[],\"writes\":"
		      "\"on\"}",
		      &s);
	assert_non_null(strstr(
		text, "\n  ? 2 connectors of web run another cloudflared than lies on the disk "
		      "(2027.1.0)\n    -> adit connector upgrade --tunnel web\n"
		      "  ? 1 connector of vpn runs another cloudflared than lies on the disk\n"
		      "    -> adit connector upgrade --tunnel vpn\n"));
}

static void status_of_nothing(void **state)
{
	(void)state;
	struct style s = plain_style();
	AUTO(str_t)
	text = render("status_get",
		      "{\"state\":\"ok\",\"problems\":[],\"tunnels\":[],\"routes\":[],"
		      "\"writes\":\"the store is not open\",\"access\":\"missing\","
		      "\"rate\":{}}",
		      &s);
	assert_string_equal(text, "adit: ok\n\nwrites are off: the store is not open\n"
				  "access missing   writes off   revision 0\n");
}

/* Whatever the daemon passes on: no control character but our own newlines reaches the terminal. */
static void nothing_from_outside_drives_the_terminal(void **state)
{
	(void)state;
	static const char evil[] = "\\u001b]0;x\\u0007\\u202e\\u009b\\r\\n";
	static const char *const ops[] = {"status_get", "tunnel_list", "tunnel_get", "route_delete",
					  "plan_get",   "dns_list",    "event_list", "plan_list"};
	struct style s = plain_style();
	AUTO(str_t)
	json = str_format(
		"{\"state\":\"%s\",\"plan\":\"%s\",\"hash\":\"%s\",\"owner\":\"%s\",\"writes\":"
		"\"%s\",\"access\":\"%s\",\"next_cursor\":\"%s\",\"truncated\":true,\"new\":{\"%"
		"s\":"
		"\"%s\"},\"waiting_for\":\"%s\",\"warnings\":[\"%s\"],\"approvals\":[\"%s\"],"
		"\"changes\":[{\"sign\":\"%s\",\"object\":\"%s\",\"name\":\"%s\",\"detail\":\"%s\"}"
		"]",
		evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil,
		evil, evil);
	AUTO(str_t)
	rows = str_format(
		"[{\"name\":\"%s\",\"hostname\":\"%s\",\"object\":\"%s\",\"message\":\"%s\","
		"\"hint\":\"%s\",\"since\":\"%s\",\"at\":\"%s\",\"untrusted_comment\":\"%s\","
		"\"path\":\"%s\",\"state\":\"%s\",\"missing_permission\":\"%s\",\"problem\":"
		"{\"message\":\"%s\"}}]",
		evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil);
	AUTO(str_t)
	whole = str_format("%s,\"items\":%s,\"problems\":%s,\"tunnels\":%s,\"routes\":%s}", json,
			   rows, rows, rows, rows);
	AUTO(str_t) object = str_format("%s,\"route_items\":%s}", json, rows);
	for (size_t i = 0; i < 2 * ARRAY_LEN(ops); i++) {
		AUTO(str_t) text = render(ops[i / 2], i % 2 ? object : whole, &s);
		assert_true(strlen(text) > 0);
		for (const char *c = text; *c; c++)
			if ((unsigned char)*c < 32 && *c != '\n')
				fail_msg("%s prints byte %d", ops[i / 2], *c);
		assert_null(strstr(text, "\xe2\x80\xae"));
		assert_null(strstr(text, "\xc2\x9b"));
	}
}

static void tables_fit_the_terminal(void **state)
{
	(void)state;
	struct style s = plain_style();
	static const char json[] =
		"{\"items\":[{\"hostname\":\"a-rather-long-name-that-goes-on.example.com\","
		"\"service\":"
		"\"http://another-long-name-inside.example.net:8080\",\"tunnel\":\"web\",\"state\":"
		"\"live\"}],\"count\":1,\"total\":1,\"truncated\":false}";
	for (int width = 40; width <= 120; width += 7) {
		s.width = width;
		AUTO(str_t) text = render("route_list", json, &s);
		char *rest = NULL;
		for (char *line = strtok_r(text, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			assert_true((int)text_columns(line) <= width);
	}
	s.width = 0;
	AUTO(str_t) whole = render("route_list", json, &s);
	assert_non_null(strstr(whole, "http://another-long-name-inside.example.net:8080"));
}

static void chosen_members_are_all_shown(void **state)
{
	(void)state;
	struct style s = plain_style();
	s.chosen = true;
	AUTO(str_t)
	text = render("tunnel_list",
		      "{\"items\":[{\"id\":\"t1\",\"generation\":4}],\"count\":1,"
		      "\"total\":1,\"truncated\":false}",
		      &s);
	assert_string_equal(text, "ID  GENERATION\nt1  4\n");
}

static void colour_is_only_added(void **state)
{
	(void)state;
	struct style s = plain_style();
	AUTO(str_t) plain = render("status_get", status_json, &s);
	s.colour = true;
	AUTO(str_t) coloured = render("status_get", status_json, &s);
	assert_non_null(strstr(coloured, "\033[33mdegraded\033[0m"));
	AUTO(buf_t) stripped = {0};
	for (const char *c = coloured; *c; c++) {
		if (*c == '\033')
			c = strchr(c, 'm');
		else
			(void)buf_char(&stripped, *c);
	}
	assert_string_equal(buf_text(&stripped), plain);
}

static void errors_become_text(void **state)
{
	(void)state;
	struct style s = plain_style();
	struct err e;
	AUTO(buf_t) out = {0};
	(void)err_set(&e, ERR_DENIED, "Cloudflare refused the call");
	(void)err_hint(&e, "Give the token the permission.");
	(void)str_copy(e.missing_permission, sizeof(e.missing_permission), "DNS: Edit");
	e.cloudflare.status = 403;
	e.cloudflare.code = 10000;
	(void)str_copy(e.cloudflare.ray, sizeof(e.cloudflare.ray), "8a1b-FRA");
	e.retry_after_ms = 1500;
	print_err(&e, &s, &out);
	assert_string_equal(buf_text(&out),
			    "adit: Cloudflare refused the call\n"
			    "      Give the token the permission.\n"
			    "      The token lacks: DNS: Edit\n"
			    "      Cloudflare answered HTTP 403, code 10000, ray 8a1b-FRA\n"
			    "      Try again in 2 s.\n");
	s.width = 24;
	buf_reset(&out);
	(void)err_set(&e, ERR_INVALID, "one two three four five six");
	print_err(&e, &s, &out);
	assert_string_equal(buf_text(&out), "adit: one two three four\n      five six\n");
}

static void exit_codes(void **state)
{
	(void)state;
	static const struct {
		const char *op, *json;
		bool waited;
		int code;
	} rows[] = {
		{"health_get", "{\"state\":\"ok\"}", true, EXIT_DONE},
		{"health_get", "{\"state\":\"degraded\"}", true, EXIT_FAILED},
		{"health_get", "{\"state\":\"down\"}", true, EXIT_DOWN},
		{"status_get", "{\"state\":\"ok\"}", false, 0},
		{"status_get", "{\"state\":\"degraded\"}", false, 1},
		{"status_get", "{\"state\":\"down\"}", false, 2},
		{"status_get", "{}", false, 1},
		{"tunnel_list", "{\"items\":[]}", false, 0},
		{"plan_get", "{\"plan\":\"p1\",\"state\":\"needs_approval\"}", false, 0},
		{"plan_get", "{\"plan\":\"p1\",\"state\":\"failed\"}", false, 0},
		{"config_check", "{\"valid\":true}", false, 0},
		{"config_check", "{\"valid\":false}", false, 78},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"applied\",\"converged\":true}", true,
		 0},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"applied\",\"converged\":false}", true,
		 75},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"applied\",\"converged\":false}", false,
		 0},
		{"route_set",
		 "{\"state\":\"applied\",\"converged\":false,\"problems\":[{\"message\":\"x\"}]}",
		 true, 1},
		{"route_set", "{\"state\":\"unchanged\",\"converged\":true}", true, 0},
		{"route_set", "{\"state\":\"unchanged\",\"converged\":false}", true, 75},
		{"route_set", "{\"state\":\"planned\",\"converged\":false}", true, 0},
		{"route_set", "{\"state\":\"needs_approval\"}", true, 0},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"needs_approval\"}", true, 77},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"stale\"}", true, 1},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"expired\"}", true, 1},
		{"route_set", "{\"plan\":\"p1\",\"state\":\"failed\"}", true, 1},
		{"route_set", "{\"plan\":\"p1\"}", true, 1},
		{"plan_approve", "{\"plan\":\"p1\",\"state\":\"applied\",\"converged\":true}", true,
		 0},
		{"plan_reject", "{\"plan\":\"p1\",\"state\":\"rejected\"}", false, 0},
		{"plan_approve", "{\"plan\":\"p1\",\"state\":\"rejected\"}", true, 1},
		{"connector_restart", "{\"state\":\"ready\",\"converged\":true}", true, 0},
		{"connector_restart", "{\"state\":\"starting\",\"converged\":false}", true, 75},
		{"connector_restart", "{\"state\":\"starting\",\"converged\":false}", false, 0},
		{"connector_restart",
		 "{\"state\":\"blocked\",\"converged\":false,\"problem\":{\"message\":\"x\"}}",
		 true, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e;
		assert_int_equal(json_parse(rows[i].json, strlen(rows[i].json), NULL, &doc, &e), 0);
		int code = outcome_exit(op_find(rows[i].op), json_root(doc), rows[i].waited);
		if (code != rows[i].code)
			fail_msg("%s %s: %d, not %d", rows[i].op, rows[i].json, code, rows[i].code);
	}
}

/* ---- what follows from the table ---- */

static void columns_are_members(void **state)
{
	(void)state;
	const struct op *op;
	for (size_t i = 0; (op = op_at(i)); i++) {
		const struct view_column *c = view_of(op->name);
		const struct field *items = fields_find(op->result, "items");
		for (; c && c->path; c++)
			if (!items || !view_field(items->sub, c->path))
				fail_msg("%s has no member %s", op->name, c->path);
	}
}

/* roff has its dashes with backslashes. */
static void without_backslashes(struct buf *text)
{
	AUTO(str_t) all = str_dup(buf_text(text));
	buf_reset(text);
	for (const char *c = all; *c; c++)
		if (*c != '\\')
			assert_int_equal(buf_char(text, *c), 0);
}

static void generated_texts_name_every_operation(void **state)
{
	(void)state;
	static const char *const kinds[] = {"man", "completions-bash", "completions-zsh",
					    "completions-fish", "operations-md"};
	struct err e = {0};
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		AUTO(buf_t) text = {0};
		const struct op *op;
		assert_int_equal(gen_print(kinds[k], &text, &e), 0);
		without_backslashes(&text);
		for (size_t i = 0; (op = op_at(i)); i++) {
			char words[WORDS_SIZE], noun[WORD_SIZE], verb[WORD_SIZE];
			op_words(op, words);
			op_noun(op, noun);
			op_verb(op, verb);
			AUTO(str_t) fish = str_format("-a %s", verb);
			bool named =
				strstr(buf_text(&text), words) || strstr(buf_text(&text), op->name);
			if (!named &&
			    !(strstr(buf_text(&text), noun) && strstr(buf_text(&text), fish)))
				fail_msg("%s does not name %s", kinds[k], op->name);
		}
	}
	AUTO(buf_t) none = {0};
	assert_int_equal(gen_print("nothing", &none, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_become_text),
		cmocka_unit_test(writes_become_text),
		cmocka_unit_test(waiting_plans_say_how),
		cmocka_unit_test(a_plan_in_full),
		cmocka_unit_test(what_needs_approval_is_marked),
		cmocka_unit_test(planned_and_many_say_how),
		cmocka_unit_test(status_shows_problems_first),
		cmocka_unit_test(status_tells_of_another_cloudflared),
		cmocka_unit_test(status_of_nothing),
		cmocka_unit_test(nothing_from_outside_drives_the_terminal),
		cmocka_unit_test(tables_fit_the_terminal),
		cmocka_unit_test(chosen_members_are_all_shown),
		cmocka_unit_test(colour_is_only_added),
		cmocka_unit_test(errors_become_text),
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(columns_are_members),
		cmocka_unit_test(generated_texts_name_every_operation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
