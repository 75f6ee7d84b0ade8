/* Manifests against worlds: what a document changes, what it leaves alone, whose things it refuses;
 * that a second time changes nothing, and that what is written is what was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ops/manifest_export.h"
#include "ops/manifest_plan.h"
#include "reconcile/apply.h"
#include "reconcile/guard.h"

static struct world *new_world(void)
{
	struct world *w = world_new();
	str_set(&w->system.owner, "edge1");
	(void)str_copy(w->system.install, sizeof(w->system.install), "a1b2c3d4");
	return w;
}

static struct manifest *read_text(const char *text)
{
	struct manifest *m = NULL;
	struct err e = {0};
	if (manifest_parse("f", text, strlen(text), &m, &e) < 0)
		fail_msg("%s\n%s", e.message, text);
	return m;
}

/* The plan, or NULL and why. */
static struct plan *plan_text(const struct world *w, const char *text, const char *name, bool prune,
			      struct err *e)
{
	AUTO(manifest_t) m = read_text(text);
	AUTO(plan_t) p = plan_new("manifest_apply", "root", NULL);
	m->partial = !name;
	const struct manifest_ask ask = {.m = m, .name = name, .prune = prune};
	if (manifest_plan(w, &ask, p, e) < 0)
		return NULL;
	return steal(&p);
}

/* "+route a.example.com words; " of all changes. */
static void tell(const struct plan *p, struct buf *out)
{
	for (size_t i = 0; i < p->n_changes; i++)
		(void)buf_printf(out, "%c%s %s %s; ", p->changes[i].sign, p->changes[i].object,
				 p->changes[i].name,
				 p->changes[i].detail ? p->changes[i].detail : "");
}

static void apply_text(struct world *w, const char *text, const char *name, bool prune)
{
	struct err e = {0};
	AUTO(plan_t) p = plan_text(w, text, name, prune, &e);
	if (!p)
		fail_msg("%s\n%s", e.message, text);
	p->revision = w->revision + 1;
	apply_world(w, p);
}

static void expect(struct world *w, const char *text, const char *name, bool prune,
		   const char *words)
{
	struct err e = {0};
	AUTO(buf_t) told = {0};
	AUTO(plan_t) p = plan_text(w, text, name, prune, &e);
	if (p)
		tell(p, &told);
	else
		(void)buf_printf(&told, "%s", e.message);
	if (strcmp(buf_text(&told), words) != 0)
		fail_msg("%s\n%s\nnot\n%s", text, buf_text(&told), words);
}

#define SITE                                                                                       \
	"tunnels:\n- name: web\n  routes:\n"                                                       \
	"  - {hostname: a.example.com, service: 'http://127.0.0.1:1'}\n"                           \
	"  - {hostname: a.example.com, path: ^/x, service: 'http://127.0.0.1:2'}\n"                \
	"  - {hostname: b.example.com, service: 'http://127.0.0.1:3', dns: false}\n"               \
	"records:\n- {name: m.example.com, type: A, content: 192.0.2.1}\n"

static void all_is_made_and_the_second_time_nothing(void **state)
{
	struct world *w = new_world();
	(void)state;
	expect(w, SITE, "site", false,
	       "+tunnel web 1 connector on this host; "
	       "+route a.example.com to http://127.0.0.1:1 through web; "
	       "+route a.example.com ^/x to http://127.0.0.1:2 through web; "
	       "+route b.example.com to http://127.0.0.1:3 through web; "
	       "+record a.example.com CNAME to tunnel web; "
	       "+record m.example.com A 192.0.2.1; ");
	apply_text(w, SITE, "site", false);
	assert_int_equal(w->routes.n, 3);
	assert_int_equal(w->records.n, 2);
	assert_string_equal(world_find_tunnel(w, "web")->manifest, "site");
	assert_string_equal(world_find_route(w, "a.example.com", "^/x")->manifest, "site");
	expect(w, SITE, "site", false, "");
	expect(w, SITE, "site", true, "");
	world_free(w);
}

static void the_same_in_other_words_is_the_same(void **state)
{
	static const char *const same[] = {
		"records:\n- {content: 192.0.2.1, type: A, name: M.EXAMPLE.com., ttl: 1, comment: "
		"'',"
		" proxied: false, priority: 7, drift: null}\n"
		"tunnels:\n- routes:\n"
		"  - {hostname: B.example.com, service: 'http://127.0.0.1:3', dns: false, origin: "
		"{}}\n"
		"  - {hostname: a.example.com, path: ^/x, service: 'http://127.0.0.1:2', drift: "
		"null}\n"
		"  - {hostname: A.example.com., path: '', service: 'http://127.0.0.1:1',"
		" origin: {noTLSVerify: null}}\n"
		"  name: WEB\n  replicas: 1\n",
		"manifest: site\n" SITE,
	};
	struct world *w = new_world();
	(void)state;
	apply_text(w, SITE, "site", false);
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		expect(w, same[i], "site", true, "");
	world_free(w);
}

#define ORIGIN(o)                                                                                  \
	"tunnels:\n- name: web\n  routes:\n"                                                       \
	"  - {hostname: a.example.com, service: hello_world, origin: " o "}\n"

static void options_are_compared_by_their_meaning(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ORIGIN("{connectTimeout: 30, noTLSVerify: true}"), "site", false);
	expect(w, ORIGIN("{noTLSVerify: true, connectTimeout: 30s}"), "site", false, "");
	expect(w, ORIGIN("{noTLSVerify: true, connectTimeout: 30, caPool: null}"), "site", false,
	       "");
	expect(w, ORIGIN("{}"), "site", false,
	       "~route a.example.com options {\"connectTimeout\":30,\"noTLSVerify\":true} to "
	       "none; ");
	apply_text(w, ORIGIN("{}"), "site", false);
	expect(w, ORIGIN("null"), "site", false, "");
	assert_null(world_find_route(w, "a.example.com", NULL)->origin);
	world_free(w);
}

#define ONE(tunnel, host, service)                                                                 \
	"tunnels:\n- name: " tunnel "\n  routes:\n"                                                \
	"  - {hostname: " host ", service: '" service "'}\n"

static void each_member_is_told(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ONE("web", "a.example.com", "http://127.0.0.1:1"), "site", false);
	expect(w, ONE("web", "a.example.com", "http://127.0.0.1:2"), "site", false,
	       "~route a.example.com http://127.0.0.1:1 to http://127.0.0.1:2; ");
	expect(w,
	       "tunnels:\n- name: web\n  replicas: 3\n  drift: ignore\n  routes:\n"
	       "  - {hostname: a.example.com, service: 'http://127.0.0.1:1', drift: repair,"
	       " comment: hello, probe: none}\n",
	       "site", false,
	       "~tunnel web replicas 1 to 3, drift as set to ignore; "
	       "~route a.example.com drift as set to repair, probe tcp to none; "
	       "~record a.example.com comment \"\" to \"hello\", drift as set to repair; ");
	apply_text(w, "records:\n- {name: m.example.com, type: MX, content: x.example.net}", "m",
		   false);
	expect(w,
	       "records:\n- {name: m.example.com, type: MX, content: y.example.net, priority: 5,"
	       " ttl: 300, comment: c}",
	       "m", false,
	       "~record m.example.com from MX x.example.net, priority 10 to MX y.example.net, "
	       "priority 5, ttl 300, comment \"c\"; ");
	world_free(w);
}

static void what_is_not_named_is_left_alone_or_pruned(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, SITE, "site", false);
	expect(w, "tunnels:\n- name: web\n", "site", false,
	       "=route a.example.com left alone (apply with --prune to delete); "
	       "=route a.example.com ^/x left alone (apply with --prune to delete); "
	       "=route b.example.com left alone (apply with --prune to delete); "
	       "=record a.example.com CNAME left alone (apply with --prune to delete); "
	       "=record m.example.com A left alone (apply with --prune to delete); ");
	expect(w, "tunnels:\n- name: web\n", "site", true,
	       "-route a.example.com to http://127.0.0.1:1; "
	       "-route a.example.com ^/x to http://127.0.0.1:2; "
	       "-route b.example.com to http://127.0.0.1:3; "
	       "-record a.example.com CNAME; "
	       "-record m.example.com A; ");
	/* another manifest's prune sees nothing of it */
	expect(w, "", "other", true, "");
	expect(w, "", "site", true,
	       "-route a.example.com to http://127.0.0.1:1; "
	       "-route a.example.com ^/x to http://127.0.0.1:2; "
	       "-route b.example.com to http://127.0.0.1:3; "
	       "-record a.example.com CNAME; "
	       "-record m.example.com A; "
	       "-tunnel web not made yet; ");
	apply_text(w, "", "site", true);
	assert_int_equal(w->routes.n, 0);
	assert_int_equal(world_find_tunnel(w, "web")->want, WANT_ABSENT);
	expect(w, SITE, "site", false, "f:2:3: tunnels[0]: Tunnel web is being deleted");
	world_free(w);
}

static void an_empty_document_warns(void **state)
{
	struct world *w = new_world();
	struct err e = {0};
	(void)state;
	apply_text(w, SITE, "site", false);
	AUTO(plan_t) p = plan_text(w, "", "site", true, &e);
	assert_int_equal(p->warnings.n, 1);
	assert_non_null(strstr(p->warnings.items[0], "all 6 objects"));
	world_free(w);
}

static void a_renamed_host_is_dropped_and_made_in_one_plan(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ONE("web", "a.example.com", "hello_world"), "site", false);
	expect(w, ONE("web", "b.example.com", "hello_world"), "site", true,
	       "+route b.example.com to hello_world through web; "
	       "+record b.example.com CNAME to tunnel web; "
	       "-route a.example.com to hello_world; "
	       "-record a.example.com CNAME; ");
	world_free(w);
}

static void a_name_moves_with_all_its_paths(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w,
		   "tunnels:\n- name: web\n  routes:\n"
		   "  - {hostname: a.example.com, path: /x, service: hello_world}\n",
		   NULL, false);
	apply_text(w, ONE("web", "a.example.com", "hello_world"), "site", false);
	expect(w,
	       "tunnels:\n- name: web\n- name: new\n  routes:\n"
	       "  - {hostname: a.example.com, service: hello_world}\n",
	       "site", false,
	       "+tunnel new 1 connector on this host; "
	       "~route a.example.com from tunnel web to new; "
	       "~route a.example.com /x along with its name from tunnel web to new; "
	       "~record a.example.com CNAME from web to tunnel new; ");
	/* the tunnel that it leaves may go in the same plan, once nothing leads through it */
	expect(w, ONE("new", "a.example.com", "hello_world"), "site", true,
	       "+tunnel new 1 connector on this host; "
	       "~route a.example.com from tunnel web to new; "
	       "~route a.example.com /x along with its name from tunnel web to new; "
	       "~record a.example.com CNAME from web to tunnel new; "
	       "-tunnel web not made yet; ");
	apply_text(w, ONE("new", "a.example.com", "hello_world"), "site", true);
	assert_int_equal(world_find_tunnel(w, "web")->want, WANT_ABSENT);
	TABLE_EACH (i, struct route, r, &w->routes)
		assert_string_equal(r->tunnel_id, world_find_tunnel(w, "new")->id);
	world_free(w);
}

static void what_another_manifest_made_is_refused(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, SITE, "other", false);
	expect(w, "tunnels:\n- name: web\n", "site", false,
	       "f:2:3: tunnels[0]: Tunnel web belongs to manifest other");
	expect(w, ONE("new", "a.example.com", "hello_world"), "site", false,
	       "f:4:5: tunnels[0].routes[0]: The route a.example.com belongs to manifest other");
	expect(w, "records:\n- {name: m.example.com, type: A, content: 192.0.2.1}", "site", false,
	       "f:2:3: records[0]: The record m.example.com belongs to manifest other");
	/* nor does a path of another's move along */
	expect(w,
	       "tunnels:\n- name: new\n  routes:\n"
	       "  - {hostname: a.example.com, path: /new, service: hello_world}\n",
	       "site", false,
	       "f:4:5: tunnels[0].routes[0]: The route a.example.com belongs to manifest other");
	world_free(w);
}

static void what_was_made_by_hand_is_taken_in(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ONE("web", "a.example.com", "hello_world"), NULL, false);
	assert_null(world_find_tunnel(w, "web")->manifest);
	expect(w, ONE("web", "a.example.com", "hello_world"), "site", false,
	       "~tunnel web taken into manifest site; "
	       "~route a.example.com taken into manifest site; "
	       "~record a.example.com taken into manifest site; ");
	apply_text(w, ONE("web", "a.example.com", "hello_world"), "site", false);
	expect(w, ONE("web", "a.example.com", "hello_world"), "site", false, "");
	world_free(w);
}

static void what_was_made_by_hand_is_never_pruned(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ONE("web", "a.example.com", "hello_world"), NULL, false);
	expect(w, "tunnels:\n- name: web\n", "site", true,
	       "~tunnel web taken into manifest site; ");
	apply_text(w, "tunnels:\n- name: web\n", "site", true);
	expect(w, "", "site", true,
	       "=tunnel web left alone: a.example.com leads through it, which manifest site did "
	       "not "
	       "make; ");
	/* the record of a name stays while a route made by hand uses it */
	apply_text(w,
		   "tunnels:\n- name: web\n  routes:\n"
		   "  - {hostname: a.example.com, path: /x, service: hello_world}\n",
		   "site", false);
	expect(w, "tunnels:\n- name: web\n", "site", true,
	       "-route a.example.com /x to hello_world; "
	       "=record a.example.com CNAME left alone: routes that manifest site did not make use "
	       "it; ");
	world_free(w);
}

static void a_route_without_dns_leaves_the_record_alone(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ONE("web", "a.example.com", "hello_world"), "site", false);
	expect(w,
	       "tunnels:\n- name: web\n  routes:\n"
	       "  - {hostname: a.example.com, service: hello_world, dns: false}\n",
	       "site", true,
	       "=record a.example.com CNAME left alone, as the document says (dns: false); ");
	world_free(w);
}

static void what_does_not_fit_is_refused_where_it_stands(void **state)
{
	struct world *w = new_world();
	(void)state;
	apply_text(w, ONE("web", "a.example.com", "hello_world"), "site", false);
	expect(w, "records:\n- {name: a.example.com, type: CNAME, content: b.example.net}", "site",
	       false, "f:2:3: records[0]: a.example.com has a route's record (CNAME)");
	expect(w, "records:\n- name: m.example.com\n  type: A\n  content: x", "site", false,
	       "f:4:3: records[0].content: \"x\" is no IPv4 address, as in 192.0.2.1");
	expect(w, "records:\n- name: m.example.com\n  type: TXT\n  content: x\n  ttl: 5", "site",
	       false,
	       "f:5:3: records[0].ttl: 5 is too short, accepted are 60 to 86400 seconds, or 1 for "
	       "automatic");
	world_find_tunnel(w, "web")->joined = true;
	expect(w, ONE("web", "b.example.com", "hello_world"), "site", false,
	       "f:2:3: tunnels[0]: Tunnel web is another host's: its routes are kept there");
	world_free(w);
}

static void a_comment_must_fit_behind_the_mark(void **state)
{
	struct world *w = new_world();
	struct err e = {0};
	char words[120];
	(void)state;
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	AUTO(str_t)
	text = str_format("tunnels:\n- name: web\n  routes:\n  - hostname: a.example.com\n"
			  "    service: hello_world\n    comment: %s\n",
			  words);
	assert_null(plan_text(w, text, "site", false, &e));
	assert_true(str_starts(e.message, "f:6:5: tunnels[0].routes[0].comment: "));
	world_free(w);
}

/* ---- written and read ---- */

static char *export_text(const struct world *w, const char *name, const char *tunnel)
{
	const struct manifest_scope scope = {
		.name = name, .tunnel = tunnel ? world_find_tunnel(w, tunnel) : NULL};
	AUTO(buf_t) text = {0};
	size_t n;
	struct err e = {0};
	if (manifest_export(w, &scope, &text, &n, &e) < 0)
		fail_msg("%s", e.message);
	return buf_steal(&text);
}

static void it_is_written_so(void **state)
{
	struct world *w = new_world();
	(void)state;
	AUTO(str_t) none = export_text(w, NULL, NULL);
	assert_string_equal(none, "# adit: 0 objects\ntunnels: []\nrecords: []\n");
	apply_text(w, SITE, "site", false);
	apply_text(w, "tunnels:\n- {name: idle, replicas: 0, drift: report}\n", "site", false);
	AUTO(str_t) all = export_text(w, NULL, NULL);
	assert_string_equal(all, "# adit: 6 objects\n"
				 "manifest: site\n"
				 "tunnels:\n"
				 "- name: idle\n"
				 "  replicas: 0\n"
				 "  drift: report\n"
				 "- name: web\n"
				 "  routes:\n"
				 "  - hostname: a.example.com\n"
				 "    service: http://127.0.0.1:1\n"
				 "  - hostname: a.example.com\n"
				 "    path: ^/x\n"
				 "    service: http://127.0.0.1:2\n"
				 "  - hostname: b.example.com\n"
				 "    service: http://127.0.0.1:3\n"
				 "    dns: false\n"
				 "records:\n"
				 "- name: m.example.com\n"
				 "  type: A\n"
				 "  content: '192.0.2.1'\n");
	AUTO(str_t) one = export_text(w, NULL, "idle");
	assert_string_equal(one, "# adit: 1 object\nmanifest: site\ntunnels:\n- name: idle\n"
				 "  replicas: 0\n  drift: report\n");
	AUTO(str_t) other = export_text(w, "other", NULL);
	assert_string_equal(other,
			    "# adit: 0 objects\nmanifest: other\ntunnels: []\nrecords: []\n");
	world_find_tunnel(w, "idle")->joined = true;
	apply_text(w, ONE("mine", "c.example.com", "hello_world"), NULL, false);
	AUTO(str_t) mixed = export_text(w, NULL, NULL);
	assert_true(str_starts(mixed, "# adit: 7 objects\n# They are not all of one manifest"));
	assert_non_null(
		strstr(mixed, "# Left out: tunnel idle, which is another host's\ntunnels:"));
	world_free(w);
}

static void manifest_lines_are_safe(void **state)
{
	static const char *const names[] = {"yes", "no", "null", "1e3", "1", "true", "2026-11-22"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct world *w = new_world();
		apply_text(w, SITE, names[i], false);
		AUTO(str_t) text = export_text(w, NULL, NULL);
		AUTO(manifest_t) m = read_text(text);
		assert_string_equal(m->name, names[i]);
		world_free(w);
	}
}

/* ---- the example of the docs ---- */

static char *example_text(void)
{
	static const char path[] = SOURCE_DIR "/docs/MANIFEST.md";
	AUTO(buf_t) page = {0};
	char piece[4096];
	size_t n;
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		(void)buf_add(&page, piece, n);
	(void)fclose(f);
	const char *start = strstr(buf_text(&page), "```yaml\n");
	assert_non_null(start);
	start += strlen("```yaml\n");
	const char *end = strstr(start, "```\n");
	assert_non_null(end);
	return str_ndup(start, (size_t)(end - start));
}

static void the_example_of_the_docs_is_true(void **state)
{
	static const char *const keys[] = {"manifest", "tunnels",  "name",    "replicas", "drift",
					   "routes",   "hostname", "path",    "service",  "origin",
					   "dns",      "comment",  "records", "type",     "content",
					   "proxied",  "ttl",      "priority"};
	AUTO(str_t) text = example_text();
	struct world *w = new_world();
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		AUTO(str_t) key = str_format("%s:", keys[i]);
		if (!strstr(text, key))
			fail_msg("the example does not show %s", key);
	}
	apply_text(w, text, "site", false);
	AUTO(str_t) written = export_text(w, NULL, NULL);
	assert_true(str_starts(written, "# adit: 7 objects\nmanifest: site\n"));
	expect(w, text, "site", true, "");
	expect(w, written, "site", true, "");
	world_free(w);
}

/* ---- random worlds ---- */

static uint64_t seed = 88172645463325252;

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static const char *const drifts[] = {"", "", ", drift: report", ", drift: repair",
				     ", drift: ignore"};
static const char *const origins[] = {
	"",
	"",
	", origin: {}",
	", origin: {noTLSVerify: true}",
	", origin: {connectTimeout: 30s, httpHostHeader: 'yes', x: 1e3, y: '1e3', z: [1.50, null]}",
	", origin: {access: {required: true, audTag: ['*', '@a', 'null']}}"};
static const char *const probes[] = {"", "", ", probe: http", ", probe: none"};
static const char *const comments[] = {"",
				       "",
				       ", comment: 'yes'",
				       ", comment: \"a: b # c\\n\"",
				       ", comment: ' \xc3\xa9 '",
				       ", comment: '1e3'"};
static const char *const paths[] = {"", ", path: ^/x", ", path: '/a|b: #c'"};

static void random_routes(struct buf *out, int tunnel)
{
	for (int host = 0; host < 7; host++) {
		const char *drift = drifts[draw(ARRAY_LEN(drifts))];
		const char *comment = comments[draw(ARRAY_LEN(comments))];
		bool dns = draw(4) != 0;
		/* a name is in one tunnel of a document */
		if ((host + (int)draw(2) * 3) % 3 != tunnel || draw(3) == 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(paths); i++)
			if (draw(2))
				(void)buf_printf(
					out,
					"  - {hostname: '%sh%d.example.com'%s, service: "
					"'http://127.0.0.1:%d'%s%s%s%s%s}\n",
					host == 6 ? "*." : "", host, paths[i], (int)draw(3) + 1,
					origins[draw(ARRAY_LEN(origins))], drift, comment,
					dns ? "" : ", dns: false", probes[draw(ARRAY_LEN(probes))]);
	}
}

static char *random_document(void)
{
	static const char *const records[] = {"type: A, content: 192.0.2.1",
					      "type: AAAA, content: '2001:db8::1', proxied: true",
					      "type: MX, content: mx.example.net, priority: 0",
					      "type: TXT, content: '\"a\" \"b\"'",
					      "type: TXT, content: 'yes', ttl: 300",
					      "type: CNAME, content: t.example.net"};
	struct buf out = {0};
	(void)buf_str(&out, "tunnels:\n");
	for (int tunnel = 0; tunnel < 3; tunnel++) {
		if (draw(4) == 0)
			continue;
		(void)buf_printf(&out, "- name: t%d\n  replicas: %d\n%s  routes:\n", tunnel,
				 (int)draw(3), draw(3) ? "" : "  drift: repair\n");
		random_routes(&out, tunnel);
	}
	(void)buf_str(&out, "records:\n");
	for (int i = 0; i < 5; i++)
		if (draw(2))
			(void)buf_printf(&out, "- {name: m%d.example.com, %s%s%s}\n", i,
					 records[draw(ARRAY_LEN(records))],
					 comments[draw(ARRAY_LEN(comments))],
					 drifts[draw(ARRAY_LEN(drifts))]);
	return buf_steal(&out);
}

/* What is to be deleted goes, as the reconciler does it. */
static void sweep(struct world *w)
{
	struct strlist gone = {0};
	TABLE_EACH (i, struct record, r, &w->records)
		if (r->want == WANT_ABSENT)
			strlist_add(&gone, r->id);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (t->want == WANT_ABSENT)
			strlist_add(&gone, t->id);
	for (size_t k = 0; k < gone.n; k++)
		assert_true(world_drop(w, gone.items[k][0] == 't' ? OBJECT_TUNNEL : OBJECT_RECORD,
				       gone.items[k]));
	strlist_free(&gone);
}

static const char *maker_of(const struct world *w, const char *id)
{
	const struct tunnel *t = world_tunnel(w, id);
	const struct route *r = world_route(w, id);
	const struct record *d = world_record(w, id);
	return t ? t->manifest : r ? r->manifest : d->manifest;
}

static void drops_are_its_own(const struct world *w, const struct plan *p, const char *name,
			      bool prune)
{
	for (size_t i = 0; i < p->n_edits; i++) {
		if (!edit_is_drop(p->edits[i].kind))
			continue;
		assert_true(prune);
		assert_string_equal(maker_of(w, p->edits[i].id), name);
	}
}

static void nothing_to_do(const struct world *w, const char *text, const char *name, bool prune)
{
	struct err e = {0};
	AUTO(buf_t) told = {0};
	AUTO(plan_t) p = plan_text(w, text, name, prune, &e);
	if (!p)
		fail_msg("%s\n%s", e.message, text);
	tell(p, &told);
	if (p->n_edits)
		fail_msg("%s\n%s", buf_text(&told), text);
}

/* Does every tunnel that holds routes of the manifest belong to it? */
static bool holds_its_tunnels(const struct world *w, const char *name)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->manifest, name) &&
		    !str_equal(world_tunnel(w, r->tunnel_id)->manifest, name))
			return false;
	return true;
}

static void written_and_read_again(const struct world *w, const char *name)
{
	AUTO(str_t) text = export_text(w, name, NULL);
	AUTO(str_t) again = export_text(w, name, NULL);
	assert_string_equal(text, again);
	if (holds_its_tunnels(w, name))
		nothing_to_do(w, text, name, !strstr(text, "# Left out"));
}

static void what_is_written_changes_nothing_when_it_is_read(void **state)
{
	static const char *const names[] = {"site", "other", NULL};
	struct world *w = new_world();
	int applied = 0, refused = 0, clashes = 0, exact = 0;
	(void)state;
	for (int i = 0; i < 1500; i++) {
		AUTO(str_t) text = random_document();
		const char *name = names[draw(ARRAY_LEN(names))];
		bool prune = name && draw(2);
		struct err e = {0};
		const struct guard_policy policy = {.max_delete = 10};
		AUTO(plan_t) p = plan_text(w, text, name, prune, &e);
		if (p && guard_check(w, &policy, p, &e) < 0)
			clashes++;
		else if (p) {
			applied++;
			drops_are_its_own(w, p, name, prune);
			p->revision = w->revision + 1;
			apply_world(w, p);
			nothing_to_do(w, text, name, false);
		} else {
			refused++;
			assert_true(e.kind == ERR_CONFLICT || e.kind == ERR_INVALID);
			assert_true(str_starts(e.message, "f:"));
		}
		sweep(w);
		written_and_read_again(w, "site");
		written_and_read_again(w, "other");
		exact += holds_its_tunnels(w, "site");
		if (draw(12) == 0) {
			world_free(w);
			w = new_world();
		}
	}
	world_free(w);
	assert_true(applied > 300 && refused > 100 && clashes > 10 && exact > 300);
}

static void a_thousand_routes_are_planned_fast(void **state)
{
	struct world *w = new_world();
	AUTO(buf_t) text = {0};
	(void)state;
	(void)buf_str(&text, "tunnels:\n");
	for (int i = 0; i < 1000; i++) {
		if (i % 50 == 0)
			(void)buf_printf(&text, "- name: t%d\n  routes:\n", i);
		(void)buf_printf(
			&text, "  - {hostname: h%d.example.com, service: 'http://127.0.0.1:%d'}\n",
			i, i + 1);
	}
	clock_t start = clock();
	apply_text(w, buf_text(&text), "site", false);
	nothing_to_do(w, buf_text(&text), "site", true);
	long long took = (long long)(clock() - start) * 1000 / CLOCKS_PER_SEC;
	print_message("1,000 routes: %lld ms of CPU for two plans\n", took);
	assert_true(took < 3000);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_made_and_the_second_time_nothing),
		cmocka_unit_test(the_same_in_other_words_is_the_same),
		cmocka_unit_test(options_are_compared_by_their_meaning),
		cmocka_unit_test(each_member_is_told),
		cmocka_unit_test(what_is_not_named_is_left_alone_or_pruned),
		cmocka_unit_test(an_empty_document_warns),
		cmocka_unit_test(a_renamed_host_is_dropped_and_made_in_one_plan),
		cmocka_unit_test(a_name_moves_with_all_its_paths),
		cmocka_unit_test(what_another_manifest_made_is_refused),
		cmocka_unit_test(what_was_made_by_hand_is_taken_in),
		cmocka_unit_test(what_was_made_by_hand_is_never_pruned),
		cmocka_unit_test(a_route_without_dns_leaves_the_record_alone),
		cmocka_unit_test(what_does_not_fit_is_refused_where_it_stands),
		cmocka_unit_test(a_comment_must_fit_behind_the_mark),
		cmocka_unit_test(it_is_written_so),
		cmocka_unit_test(manifest_lines_are_safe),
		cmocka_unit_test(the_example_of_the_docs_is_true),
		cmocka_unit_test(what_is_written_changes_nothing_when_it_is_read),
		cmocka_unit_test(a_thousand_routes_are_planned_fast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
