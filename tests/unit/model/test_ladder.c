/* The truth ladder: facts in, the first broken rung and its command out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/ladder.h"

/* All is well; each case breaks something of it. */
static struct ladder_facts well(void)
{
	struct ladder_facts f = {.host = "a.x.org",
				 .name = "a.x.org",
				 .tunnel = "web",
				 .service = "http://127.0.0.1:80"};
	f.record.zone = f.record.known = f.record.found = f.record.ours = true;
	f.record.leads = f.record.proxied = true;
	f.at_cloudflare.made = f.at_cloudflare.lists_ours = true;
	f.at_cloudflare.replicas = 1;
	f.at_cloudflare.connections = 4;
	f.connectors.total = f.connectors.serving = 1;
	f.connectors.name = "web/1";
	f.connectors.state = "ready";
	f.config.version = f.config.running = 7;
	f.config.one_runs = true;
	f.config.behind = "web/1";
	f.rule.number = 1;
	f.rule.certain = f.rule.as_wanted = true;
	f.rule.words = "Rule 1 of 2 takes it";
	f.origin.state = REACH_UP;
	return f;
}

static void edge_passes(struct ladder_facts *f)
{
	f->edge.seen = EDGE_PASSED;
	f->edge.via = "web/1";
	f->edge.took_ms = 80;
}
static void edge_misses(struct ladder_facts *f)
{
	edge_passes(f);
	f->edge.missed = 3;
}
static void edge_stopped(struct ladder_facts *f)
{
	f->edge.seen = EDGE_STOPPED;
	f->edge.unasked = "A policy stands before it";
}
static void edge_waits(struct ladder_facts *f)
{
	f->edge.unasked = "It is not back yet";
	f->edge.waits = true;
}
static void edge_elsewhere(struct ladder_facts *f)
{
	f->edge.seen = EDGE_ELSEWHERE;
	f->edge.problem = "It went elsewhere";
	f->edge.hint = "Look there";
}
static void answers_well(struct ladder_facts *f)
{
	f->origin.status = 404;
}
static void answers_badly(struct ladder_facts *f)
{
	f->origin.status = 503;
}
static void no_zone(struct ladder_facts *f)
{
	f->record.zone = false;
}
static void record_gone(struct ladder_facts *f)
{
	f->record.found = false;
}
static void record_never_made(struct ladder_facts *f)
{
	f->record.found = f->record.ours = false;
	f->record.problem = "It is in the way";
	f->record.hint = "Let it give way";
}
static void no_record_row(struct ladder_facts *f)
{
	f->record.found = f->record.ours = false;
}
static void record_elsewhere(struct ladder_facts *f)
{
	f->record.leads = false;
}
static void record_foreign(struct ladder_facts *f)
{
	f->record.leads = f->record.ours = false;
	f->record.id = "77";
	f->record.shown = "A 192.0.2.1";
}
static void record_foreign_leads(struct ladder_facts *f)
{
	f->record.ours = false;
}
static void record_hides(struct ladder_facts *f)
{
	record_foreign(f);
	f->record.hides = "'*.x.org'";
}
static void record_of_ours_hides(struct ladder_facts *f)
{
	record_hides(f);
	f->record.ours = true;
}
static void record_hides_and_leads(struct ladder_facts *f)
{
	f->record.hides = "'*.x.org'";
}
static void record_of_no_address_hides(struct ladder_facts *f)
{
	f->record.found = f->record.ours = f->record.leads = false;
	f->record.hides = "'*.x.org'";
}
static void record_unseen(struct ladder_facts *f)
{
	f->record.known = false;
	f->unasked = "no token";
}
static void unproxied(struct ladder_facts *f)
{
	f->record.proxied = false;
}
static void not_made(struct ladder_facts *f)
{
	f->at_cloudflare.made = false;
}
static void gone(struct ladder_facts *f)
{
	f->at_cloudflare.gone = true;
	f->at_cloudflare.connections = 0;
	f->connectors.serving = 0;
}
static void unlisted(struct ladder_facts *f)
{
	f->at_cloudflare.connections = -1;
}
static void half_open(struct ladder_facts *f)
{
	f->at_cloudflare.connections = 0;
}
static void not_among_them(struct ladder_facts *f)
{
	f->at_cloudflare.lists_ours = false;
}
static void nobody(struct ladder_facts *f)
{
	f->at_cloudflare.connections = f->at_cloudflare.replicas = 0;
	f->connectors.total = f->connectors.serving = 0;
	f->connectors.name = NULL;
}
static void elsewhere(struct ladder_facts *f)
{
	nobody(f);
	f->at_cloudflare.connections = 8;
}
static void blocked(struct ladder_facts *f)
{
	f->at_cloudflare.connections = 0;
	f->connectors.serving = 0;
	f->connectors.state = "blocked";
	f->connectors.reason = "Invalid tunnel secret";
}
static void starting(struct ladder_facts *f)
{
	blocked(f);
	f->connectors.state = "starting";
}
static void stopped(struct ladder_facts *f)
{
	blocked(f);
	f->connectors.state = "stopped";
	f->connectors.stopped = true;
}
static void half(struct ladder_facts *f)
{
	f->connectors.total = 2;
	f->connectors.state = "restarting";
}
static void not_here_yet(struct ladder_facts *f)
{
	f->connectors.total = f->connectors.serving = 0;
}
static void local(struct ladder_facts *f)
{
	f->config.local = true;
}
static void pending(struct ladder_facts *f)
{
	f->config.pending = true;
}
static void version_unread(struct ladder_facts *f)
{
	f->config.version = -1;
}
static void behind(struct ladder_facts *f)
{
	f->config.running = 6;
	f->config.one_runs = false;
}
static void without_any(struct ladder_facts *f)
{
	behind(f);
	f->config.running = -1;
}
static void one_behind(struct ladder_facts *f)
{
	f->config.running = 6;
}
static void rule_removed(struct ladder_facts *f)
{
	f->rule.as_wanted = false;
	f->rule.drifted = true;
	f->rule.differs = "It was removed";
}
static void rule_hidden(struct ladder_facts *f)
{
	f->rule.as_wanted = false;
	f->rule.differs = "An earlier rule takes it";
}
static void no_rule(struct ladder_facts *f)
{
	f->rule.last_resort = true;
}
static void no_rules(struct ladder_facts *f)
{
	f->rule.number = 0;
}
static void rule_unsure(struct ladder_facts *f)
{
	f->rule.certain = false;
}
static void rules_unread(struct ladder_facts *f)
{
	f->rule.words = NULL;
}
static void rules_strange(struct ladder_facts *f)
{
	f->rule.refused = "It cannot be understood";
}
static void refused(struct ladder_facts *f)
{
	f->origin.state = REACH_REFUSED;
	f->origin.problem = "Nothing listens";
	f->origin.hint = "Start it";
}
static void unasked_origin(struct ladder_facts *f)
{
	f->origin.state = REACH_UNKNOWN;
}
static void record_and_connector(struct ladder_facts *f)
{
	record_gone(f);
	blocked(f);
	refused(f);
}
static void nothing(struct ladder_facts *f)
{
	(void)f;
}

/* A letter each rung: Ok Broken Unknown Not checked. */
static const struct {
	void (*change)(struct ladder_facts *f);
	const char *rungs;
	enum ladder_state state;
	const char *command, *cure; /* of the first broken rung; NULL = none */
} cases[] = {
	{nothing, "OONOOOOO", LADDER_OK, NULL, NULL},
	{no_zone, "BUNUUUUU", LADDER_DOWN, "adit zone list", "one of them"},
	{record_gone, "BUNUUUUU", LADDER_DOWN, "adit plan create --drift --object a.x.org", "plan"},
	{record_never_made, "BUNUUUUU", LADDER_DOWN, NULL, "give way"},
	{no_record_row, "BUNUUUUU", LADDER_DOWN, "adit publish a.x.org http://127.0.0.1:80", ""},
	{record_elsewhere, "BUNUUUUU", LADDER_DOWN, "adit plan create --drift --object a.x.org",
	 ""},
	{record_foreign, "BUNUUUUU", LADDER_DOWN,
	 "adit publish a.x.org http://127.0.0.1:80 --overwrite 77", ""},
	{record_hides, "BUNUUUUU", LADDER_DOWN,
	 "adit publish a.x.org http://127.0.0.1:80 --overwrite 77", "by itself"},
	{record_of_ours_hides, "BUNUUUUU", LADDER_DOWN, "adit dns delete a.x.org A", "Delete it"},
	{record_hides_and_leads, "OONOOOOO", LADDER_OK, NULL, NULL},
	{record_of_no_address_hides, "BUNUUUUU", LADDER_DOWN,
	 "adit publish a.x.org http://127.0.0.1:80", "by itself"},
	{record_foreign_leads, "OONOOOOO", LADDER_DEGRADED, NULL, NULL},
	{record_unseen, "UUNOOOOO", LADDER_DEGRADED, NULL, NULL},
	{unproxied, "OBNUUUUU", LADDER_DOWN, "adit plan create --drift --object a.x.org", ""},
	{not_made, "OONBUUUU", LADDER_DOWN, NULL, "adit status"},
	{gone, "OONBBUUU", LADDER_DOWN, "adit plan create --drift --object web", ""},
	{unlisted, "OONUOOOO", LADDER_DEGRADED, NULL, NULL},
	{half_open, "OONBUUUU", LADDER_DOWN, "adit connector restart web/1", "anew"},
	{not_among_them, "OONOOOOO", LADDER_DEGRADED, NULL, NULL},
	{nobody, "OONBNNUU", LADDER_DOWN, "adit tunnel update web --replicas 1", ""},
	{elsewhere, "OONONNOO", LADDER_OK, NULL, NULL},
	{blocked, "OONUBUUU", LADDER_DOWN, "adit connector restart web/1", "Start it"},
	{starting, "OONUBUUU", LADDER_DOWN, "adit log web/1", "See what"},
	{stopped, "OONUBUUU", LADDER_DOWN, "adit connector start web/1", ""},
	{half, "OONOOOOO", LADDER_DEGRADED, NULL, NULL},
	{not_here_yet, "OONOBUUU", LADDER_DOWN, NULL, "adit status"},
	{local, "OONOOBUU", LADDER_DOWN, "adit tunnel adopt web --convert", ""},
	{pending, "OONOOBUU", LADDER_DOWN, NULL, "adit status"},
	{version_unread, "OONOOUOO", LADDER_DEGRADED, NULL, NULL},
	{behind, "OONOOBUU", LADDER_DOWN, "adit connector restart web/1", ""},
	{without_any, "OONOOBUU", LADDER_DOWN, "adit connector restart web/1", ""},
	{one_behind, "OONOOOOO", LADDER_DEGRADED, NULL, NULL},
	{rule_removed, "OONOOOBU", LADDER_DOWN, "adit plan create --drift --object a.x.org", ""},
	{rule_hidden, "OONOOOBU", LADDER_DOWN, "adit route test https://a.x.org/", ""},
	{no_rule, "OONOOOBU", LADDER_DOWN, "adit route test https://a.x.org/ --tunnel web", ""},
	{no_rules, "OONOOOBU", LADDER_DOWN, "adit route test https://a.x.org/ --tunnel web", ""},
	{rule_unsure, "OONOOOUO", LADDER_DEGRADED, NULL, NULL},
	{rules_unread, "OONOOOUO", LADDER_DEGRADED, NULL, NULL},
	{rules_strange, "OONOOOBU", LADDER_DOWN, NULL, "dashboard"},
	{edge_passes, "OOOOOOOO", LADDER_OK, NULL, NULL},
	{edge_misses, "OOOOOOOO", LADDER_DEGRADED, NULL, NULL},
	{edge_stopped, "OONOOOOO", LADDER_OK, NULL, NULL},
	{edge_waits, "OOUOOOOO", LADDER_DEGRADED, NULL, NULL},
	{edge_elsewhere, "OOBUUUUU", LADDER_DOWN, NULL, "Look there"},
	{refused, "OONOOOOB", LADDER_DOWN, NULL, "Start it"},
	{unasked_origin, "OONOOOON", LADDER_OK, NULL, NULL},
	{answers_well, "OONOOOOO", LADDER_OK, NULL, NULL},
	{answers_badly, "OONOOOOO", LADDER_DEGRADED, NULL, NULL},
	/* what is broken itself stays so; what looks well above it is not believed */
	{record_and_connector, "BUNUBUUB", LADDER_DOWN, "adit plan create --drift --object a.x.org",
	 ""},
};

static void check(size_t i, const struct ladder *l)
{
	static const char letters[] = "OBUN";
	char got[RUNGS + 1] = "";

	for (int r = 0; r < RUNGS; r++) {
		got[r] = letters[l->rungs[r].state];
		assert_true(l->rungs[r].evidence && l->rungs[r].evidence[0]);
	}
	if (strcmp(got, cases[i].rungs) != 0 || l->state != cases[i].state)
		fail_msg("case %zu: %s, state %s", i, got, ladder_state_name(l->state));
	if (!cases[i].command && !cases[i].cure) {
		assert_int_equal(l->broken, RUNGS);
		return;
	}
	const struct rung *b = &l->rungs[l->broken];
	assert_ptr_equal(strchr(got, 'B'), &got[l->broken]);
	if ((cases[i].command == NULL) != (b->command == NULL) ||
	    (b->command && strcmp(b->command, cases[i].command) != 0))
		fail_msg("case %zu: %s", i, b->command ? b->command : "no command");
	if (cases[i].cure && (!b->cure || !strstr(b->cure, cases[i].cure)))
		fail_msg("case %zu: %s", i, b->cure ? b->cure : "no cure");
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ladder_facts f = well();
		struct ladder l;

		cases[i].change(&f);
		ladder_climb(&f, &l);
		check(i, &l);
		ladder_free(&l);
	}
}

/* Any two faults at once: nothing above the first broken rung is called healthy. */
static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
			struct ladder_facts f = well();
			struct ladder l;

			cases[i].change(&f);
			cases[k].change(&f);
			ladder_climb(&f, &l);
			for (int r = (int)l.broken + 1; r < RUNGS; r++)
				assert_int_not_equal(l.rungs[r].state, RUNG_OK);
			assert_int_equal(l.state == LADDER_DOWN, l.broken != RUNGS);
			ladder_free(&l);
		}
	}
}

static void test_detail(void **state)
{
	struct ladder_facts f = well();
	struct ladder l;

	(void)state;
	record_foreign(&f);
	ladder_climb(&f, &l);
	assert_string_equal(l.rungs[RUNG_RECORD].detail, "A 192.0.2.1");
	assert_null(strstr(l.rungs[RUNG_RECORD].evidence, "192.0.2.1"));
	ladder_free(&l);
}

/* What explains it is named in its place: the first of those that a request depends on. */
static void test_edge_explained(void **state)
{
	static void (*const causes[])(struct ladder_facts * f) = {blocked, behind, rule_removed};
	static const char *const rungs[] = {"OOUUBUUU", "OOUOOBUU", "OOUOOOBU"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		struct ladder_facts f = well();
		struct ladder l;

		causes[i](&f);
		edge_elsewhere(&f);
		ladder_climb(&f, &l);
		for (int r = 0; r < RUNGS; r++)
			assert_int_equal("OBUN"[l.rungs[r].state], rungs[i][r]);
		assert_non_null(strstr(l.rungs[RUNG_EDGE].evidence, rung_name(l.broken)));
		ladder_free(&l);
	}
	/* An origin that is down explains nothing: the request never goes there. */
	struct ladder_facts f = well();
	struct ladder l;
	refused(&f);
	edge_elsewhere(&f);
	ladder_climb(&f, &l);
	assert_int_equal(l.broken, RUNG_EDGE);
	ladder_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_edge_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
