/* Snapshots: what a difference says, and that it always leads from the one to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/snapshot.h"

static const char start[] =
	"["
	"{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"web\",\"replicas\":1}"
	","
	"{\"kind\":\"tunnel_put\",\"id\":\"t2\",\"tunnel_id\":\"\",\"name\":\"old\",\"replicas\":1}"
	","
	"{\"kind\":\"route_put\",\"id\":\"r1\",\"tunnel_id\":\"t1\",\"name\":\"a.example.com\","
	"\"service\":\"http://127.0.0.1:80\",\"replicas\":0},"
	"{\"kind\":\"route_put\",\"id\":\"r2\",\"tunnel_id\":\"t1\",\"name\":\"a.example.com\","
	"\"path\":\"^/api\",\"service\":\"http://127.0.0.1:81\",\"replicas\":0},"
	"{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"t1\",\"name\":\"a.example.com\","
	"\"type\":\"CNAME\",\"replicas\":0,\"proxied\":true},"
	"{\"kind\":\"record_put\",\"id\":\"d3\",\"tunnel_id\":\"\",\"name\":\"m.example.com\","
	"\"type\":\"MX\",\"content\":\"a.example.com\",\"priority\":10,\"replicas\":0}"
	"]";

static void apply(struct snapshot *s, const char *text)
{
	struct err e;

	if (snapshot_read(s, text, strlen(text), &e))
		fail_msg("%s in %s", e.message, text);
}

static void same(const struct snapshot *a, const struct snapshot *b)
{
	AUTO(buf_t) one = {0};
	AUTO(buf_t) two = {0};

	snapshot_write(a, &one);
	snapshot_write(b, &two);
	assert_string_equal(buf_text(&one), buf_text(&two));
}

static void changes_text(const struct plan *p, struct buf *out)
{
	for (size_t i = 0; i < p->n_changes; i++)
		(void)buf_printf(out, "%c %s %s%s%s\n", p->changes[i].sign, p->changes[i].object,
				 p->changes[i].name, p->changes[i].detail ? ": " : "",
				 p->changes[i].detail ? p->changes[i].detail : "");
}

static void differences_are_said(void **state)
{
	static const struct {
		const char *edits, *said;
	} rows[] = {
		{"[]", ""},
		{"[{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"t1\",\"name\":"
		 "\"a.example.com\",\"type\":\"CNAME\",\"replicas\":0,\"ttl\":1,"
		 "\"proxied\":true}]",
		 ""},
		{"[{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"t1\",\"name\":"
		 "\"a.example.com\",\"type\":\"CNAME\",\"replicas\":0,\"ttl\":300,"
		 "\"proxied\":true}]",
		 "~ record a.example.com: ttl 300\n"},
		{"[{\"kind\":\"record_put\",\"id\":\"d2\",\"tunnel_id\":\"\",\"name\":"
		 "\"example.com\",\"type\":\"MX\",\"content\":\"mx.example.com\","
		 "\"priority\":10,\"replicas\":0}]",
		 "+ record example.com: MX mx.example.com, priority 10\n"},
		{"[{\"kind\":\"record_put\",\"id\":\"d3\",\"tunnel_id\":\"\",\"name\":"
		 "\"m.example.com\",\"type\":\"MX\",\"content\":\"b.example.com\","
		 "\"priority\":20,\"replicas\":0}]",
		 "~ record m.example.com: a.example.com to b.example.com, priority 20\n"},
		{"[{\"kind\":\"route_drop\",\"id\":\"r9\",\"tunnel_id\":\"\",\"replicas\":0}]", ""},
		{"[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"web\","
		 "\"replicas\":3}]",
		 "~ tunnel web: replicas 1 to 3\n"},
		{"[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"site\","
		 "\"replicas\":1}]",
		 "~ tunnel site: renamed from web\n"},
		{"[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"web\","
		 "\"drift\":\"ignore\",\"manifest\":\"shop\",\"replicas\":1,\"joined\":true}]",
		 "~ tunnel web: another host's, joined, drift as set to ignore, in manifest "
		 "shop\n"},
		{"[{\"kind\":\"route_put\",\"id\":\"r1\",\"tunnel_id\":\"t1\",\"name\":"
		 "\"a.example.com\",\"service\":\"http://127.0.0.1:80\",\"drift\":\"repair\","
		 "\"replicas\":0}]",
		 "~ route a.example.com: drift as set to repair\n"},
		{"[{\"kind\":\"record_put\",\"id\":\"d3\",\"tunnel_id\":\"\",\"name\":"
		 "\"m.example.com\",\"type\":\"TXT\",\"content\":\"a.example.com\","
		 "\"priority\":10,\"manifest\":\"mail\",\"replicas\":0}]",
		 "~ record m.example.com: type MX to TXT, in manifest mail\n"},
		{"[{\"kind\":\"tunnel_put\",\"id\":\"t3\",\"tunnel_id\":\"\",\"name\":\"new\","
		 "\"replicas\":2}]",
		 "+ tunnel new: 2 connectors on this host\n"},
		{"[{\"kind\":\"tunnel_drop\",\"id\":\"t2\",\"tunnel_id\":\"\",\"replicas\":0}]",
		 "- tunnel old\n"},
		{"[{\"kind\":\"route_drop\",\"id\":\"r2\",\"tunnel_id\":\"\",\"replicas\":0},"
		 "{\"kind\":\"record_drop\",\"id\":\"d1\",\"tunnel_id\":\"\",\"replicas\":0},"
		 "{\"kind\":\"route_drop\",\"id\":\"r1\",\"tunnel_id\":\"\",\"replicas\":0}]",
		 "- route a.example.com: to http://127.0.0.1:80 through web\n"
		 "- route a.example.com: path ^/api, to http://127.0.0.1:81 through web\n"
		 "- record a.example.com: CNAME to tunnel web\n"},
		{"[{\"kind\":\"route_put\",\"id\":\"r1\",\"tunnel_id\":\"t2\",\"name\":"
		 "\"a.example.com\",\"service\":\"http://127.0.0.1:90\",\"origin\":\"{}\","
		 "\"replicas\":0}]",
		 "~ route a.example.com: http://127.0.0.1:80 to http://127.0.0.1:90, from tunnel "
		 "web to tunnel old, other options\n"},
		{"[{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"t2\",\"name\":"
		 "\"a.example.com\",\"type\":\"CNAME\",\"comment\":\"x\",\"replicas\":0,"
		 "\"proxied\":false}]",
		 "~ record a.example.com: CNAME to tunnel old, no longer proxied, another "
		 "comment\n"},
		{"[{\"kind\":\"tunnel_drop\",\"id\":\"t2\",\"tunnel_id\":\"\",\"replicas\":0},"
		 "{\"kind\":\"tunnel_put\",\"id\":\"t0\",\"tunnel_id\":\"\",\"name\":\"x\","
		 "\"replicas\":0},"
		 "{\"kind\":\"route_put\",\"id\":\"r0\",\"tunnel_id\":\"t0\",\"name\":"
		 "\"b.example.com\",\"service\":\"http://127.0.0.1:1\",\"replicas\":0}]",
		 "+ tunnel x: 0 connectors on this host\n"
		 "+ route b.example.com: to http://127.0.0.1:1 through x\n"
		 "- tunnel old\n"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(snapshot_t) from = {0};
		AUTO(snapshot_t) to = {0};
		AUTO(plan_t) p = plan_new("x", "y", NULL);
		AUTO(buf_t) said = {0};

		apply(&from, start);
		apply(&to, start);
		apply(&to, rows[i].edits);
		snapshot_diff(&from, &to, p);
		assert_int_equal(p->n_edits, p->n_changes);
		changes_text(p, &said);
		assert_string_equal(buf_text(&said), rows[i].said);
	}
}

static void what_is_taken_back_is_said(void **state)
{
	static const char with[] =
		"[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"web\","
		"\"drift\":\"ignore\",\"manifest\":\"shop\",\"replicas\":1,\"joined\":true},"
		"{\"kind\":\"tunnel_put\",\"id\":\"t2\",\"tunnel_id\":\"\",\"name\":\"old\","
		"\"manifest\":\"shop\",\"replicas\":1}]";
	static const char without[] =
		"[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"web\","
		"\"replicas\":1},"
		"{\"kind\":\"tunnel_put\",\"id\":\"t2\",\"tunnel_id\":\"\",\"name\":\"old\","
		"\"manifest\":\"site\",\"replicas\":1}]";
	AUTO(snapshot_t) from = {0};
	AUTO(snapshot_t) to = {0};
	AUTO(plan_t) p = plan_new("x", "y", NULL);
	AUTO(buf_t) said = {0};

	(void)state;
	apply(&from, with);
	apply(&to, without);
	snapshot_diff(&from, &to, p);
	changes_text(p, &said);
	assert_string_equal(buf_text(&said),
			    "~ tunnel old: now in manifest site\n"
			    "~ tunnel web: this host's own, drift ignore to as set, no longer in "
			    "manifest shop\n");
}

/* ---- random states from a fixed seed ---- */

static uint64_t draw(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % n;
}

static void draw_edit(struct snapshot *s, uint64_t *seed)
{
	static const char letters[] = "trd";
	enum edit_kind puts[] = {EDIT_TUNNEL_PUT, EDIT_ROUTE_PUT, EDIT_RECORD_PUT};
	enum edit_kind drops[] = {EDIT_TUNNEL_DROP, EDIT_ROUTE_DROP, EDIT_RECORD_DROP};
	uint64_t type = draw(seed, 3);
	struct edit d = {.kind = draw(seed, 3) ? puts[type] : drops[type]};

	snprintf(d.id, sizeof(d.id), "%c%d", letters[type], (int)draw(seed, 12));
	if (type)
		snprintf(d.tunnel_id, sizeof(d.tunnel_id), "t%d", (int)draw(seed, 12));
	else
		d.replicas = (int64_t)draw(seed, 3);
	d.name = str_format("n%d.example.com", (int)draw(seed, 6));
	d.type = type == 2 ? str_dup("CNAME") : NULL;
	d.path = type == 1 && draw(seed, 2) ? str_format("^/%d", (int)draw(seed, 3)) : NULL;
	d.service = type == 1 ? str_format("http://127.0.0.1:%d", (int)draw(seed, 4)) : NULL;
	d.origin = type == 1 && draw(seed, 3) == 0 ? str_dup("{\"noTLSVerify\":true}") : NULL;
	d.comment = type == 2 && draw(seed, 3) == 0 ? str_dup("words") : NULL;
	d.content = type == 2 && draw(seed, 3) == 0 ? str_dup("192.0.2.1") : NULL;
	d.ttl = type == 2 ? (int64_t)draw(seed, 3) : 0;
	d.priority = type == 2 ? (int64_t)draw(seed, 2) : 0;
	d.proxied = type == 2 && draw(seed, 2);
	snapshot_apply(s, &d);
	edit_clear(&d);
}

static void check_order(const struct snapshot *s)
{
	for (size_t i = 1; i < s->n; i++)
		assert_true(strcmp(s->items[i - 1].id, s->items[i].id) < 0);
}

static void a_difference_leads_to_the_other(void **state)
{
	uint64_t seed = 88172645463325252;
	(void)state;
	for (int round = 0; round < 2000; round++) {
		AUTO(snapshot_t) a = {0};
		AUTO(snapshot_t) b = {0};
		AUTO(plan_t) p = plan_new("x", "y", NULL);
		AUTO(plan_t) nothing = plan_new("x", "y", NULL);

		for (uint64_t i = draw(&seed, 40); i > 0; i--)
			draw_edit(&a, &seed);
		for (uint64_t i = draw(&seed, 40); i > 0; i--)
			draw_edit(&b, &seed);
		check_order(&a);
		snapshot_diff(&a, &b, p);
		for (size_t i = 0; i < p->n_edits; i++)
			snapshot_apply(&a, &p->edits[i]);
		same(&a, &b);
		snapshot_diff(&a, &b, nothing);
		assert_int_equal(nothing->n_edits, 0);
	}
}

static void a_snapshot_survives_its_text(void **state)
{
	uint64_t seed = 7;
	(void)state;
	for (int round = 0; round < 300; round++) {
		AUTO(snapshot_t) a = {0};
		AUTO(snapshot_t) b = {0};
		AUTO(buf_t) text = {0};

		for (int i = 0; i < 40; i++)
			draw_edit(&a, &seed);
		snapshot_write(&a, &text);
		apply(&b, buf_text(&text));
		same(&a, &b);
	}
}

static void damage_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[7]",
		"[{}]",
		"[",
		"[{\"kind\":\"tunnel_put\",\"id\":\"t1\"}]",
		"[{\"kind\":\"x\",\"id\":\"t1\",\"tunnel_id\":\"\",\"replicas\":1}]",
		("[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":7,"
		 "\"replicas\":1}]"),
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(snapshot_t) s = {0};
		struct err e = {0};

		assert_int_equal(snapshot_read(&s, texts[i], strlen(texts[i]), &e), -1);
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void what_an_edit_did_once_is_not_wanted(void **state)
{
	AUTO(snapshot_t) s = {0};
	AUTO(buf_t) text = {0};
	static const char once[] =
		"[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\",\"name\":\"web\","
		"\"remote_id\":\"x\",\"zone_id\":\"x\",\"takes\":\"x\",\"replicas\":1,"
		"\"proxied\":false,\"joined\":true,\"convert\":true,\"anew\":true}]";

	(void)state;
	apply(&s, once);
	snapshot_write(&s, &text);
	assert_string_equal(buf_text(&text),
			    "[{\"kind\":\"tunnel_put\",\"id\":\"t1\",\"tunnel_id\":\"\","
			    "\"name\":\"web\",\"replicas\":1,\"proxied\":false,\"joined\":true}]");
}

/* ---- other ids ---- */

static const char again[] =
	"["
	"{\"kind\":\"tunnel_put\",\"id\":\"t7\",\"tunnel_id\":\"\",\"name\":\"web\",\"replicas\":1}"
	","
	"{\"kind\":\"tunnel_put\",\"id\":\"t2\",\"tunnel_id\":\"\",\"name\":\"old\",\"replicas\":1}"
	","
	"{\"kind\":\"route_put\",\"id\":\"r8\",\"tunnel_id\":\"t7\",\"name\":\"a.example.com\","
	"\"path\":\"^/api\",\"service\":\"http://127.0.0.1:81\",\"replicas\":0}"
	"]";

static void what_was_made_anew_is_the_same_object(void **state)
{
	AUTO(snapshot_t) s = {0};
	AUTO(snapshot_t) base = {0};
	AUTO(plan_t) p = plan_new("x", "y", NULL);
	AUTO(buf_t) said = {0};
	struct strlist taken = {0};

	(void)state;
	apply(&s, start);
	apply(&base, again);
	snapshot_align(&s, &base, &taken);
	check_order(&s);
	assert_int_equal(taken.n, 1);
	assert_string_equal(taken.items[0], "web");
	strlist_free(&taken);
	assert_null(snapshot_find(&s, "t1"));
	assert_string_equal(snapshot_find(&s, "r8")->tunnel_id, "t7");
	assert_string_equal(snapshot_find(&s, "r1")->tunnel_id, "t7");
	assert_string_equal(snapshot_find(&s, "d1")->tunnel_id, "t7");
	snapshot_diff(&base, &s, p);
	changes_text(p, &said);
	assert_string_equal(buf_text(&said),
			    "+ route a.example.com: to http://127.0.0.1:80 through web\n"
			    "+ record a.example.com: CNAME to tunnel web\n"
			    "+ record m.example.com: MX a.example.com, priority 10\n");
}

/* Two types of a name are two objects; what is wanted already is nobody's twin. */
static void another_type_or_one_that_is_there_is_no_twin(void **state)
{
	AUTO(snapshot_t) s = {0};
	AUTO(snapshot_t) base = {0};

	(void)state;
#define TEXT_RECORD(id, type)                                                                      \
	"{\"kind\":\"record_put\",\"id\":\"" id "\",\"tunnel_id\":\"\",\"name\":\"a.b\","          \
	"\"type\":\"" type "\",\"content\":\"x\",\"replicas\":0}"
	apply(&s, "[" TEXT_RECORD("d1", "TXT") "," TEXT_RECORD("d5", "TXT") "]");
	apply(&base, "[" TEXT_RECORD("d2", "A") "," TEXT_RECORD("d5", "TXT") "]");
	snapshot_align(&s, &base, NULL);
	assert_non_null(snapshot_find(&s, "d1"));
	assert_non_null(snapshot_find(&s, "d5"));
	assert_null(snapshot_find(&s, "d2"));
	apply(&base, "[" TEXT_RECORD("d7", "TXT") "]");
	snapshot_align(&s, &base, NULL);
	assert_null(snapshot_find(&s, "d1"));
	assert_non_null(snapshot_find(&s, "d7"));
	assert_non_null(snapshot_find(&s, "d5"));
}

static void choose(const struct edit *put, char id[ID_SIZE], void *owner)
{
	snprintf(id, ID_SIZE, "%c-%d", put->id[0], ++*(int *)owner);
}

static void what_is_gone_gets_new_ids(void **state)
{
	AUTO(snapshot_t) s = {0};
	AUTO(snapshot_t) base = {0};
	int chosen = 0;

	(void)state;
	apply(&s, start);
	apply(&base, start);
	apply(&base, "[{\"kind\":\"tunnel_drop\",\"id\":\"t1\",\"tunnel_id\":\"\",\"replicas\":0},"
		     "{\"kind\":\"route_drop\",\"id\":\"r1\",\"tunnel_id\":\"\",\"replicas\":0}]");
	snapshot_renew(&s, &base, choose, &chosen);
	check_order(&s);
	assert_int_equal(chosen, 2);
	assert_int_equal(s.n, 6);
	assert_null(snapshot_find(&s, "t1"));
	assert_null(snapshot_find(&s, "r1"));
	for (size_t i = 0; i < s.n; i++)
		if (s.items[i].tunnel_id[0])
			assert_int_equal(s.items[i].tunnel_id[1], '-');
	assert_non_null(snapshot_find(&s, "r2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences_are_said),
		cmocka_unit_test(what_is_taken_back_is_said),
		cmocka_unit_test(a_difference_leads_to_the_other),
		cmocka_unit_test(a_snapshot_survives_its_text),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(what_an_edit_did_once_is_not_wanted),
		cmocka_unit_test(another_type_or_one_that_is_there_is_no_twin),
		cmocka_unit_test(what_was_made_anew_is_the_same_object),
		cmocka_unit_test(what_is_gone_gets_new_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
