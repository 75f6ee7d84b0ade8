/* Whose connectors are not this host's: who is not known to be ours is somebody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ops/others.h"

#define OURS   "11111111-2222-4333-8444-555555555555"
#define BESIDE "11111111-2222-4333-8444-777777777777"
#define THEIRS "11111111-2222-4333-8444-666666666666"

static const struct {
	const char *answer, *others; /* NULL = it is not believed */
} cases[] = {
	{"[]", ""},
	{"[{\"id\":\"" OURS "\",\"conns\":[{\"origin_ip\":\"192.0.2.1\"}]}]", ""},
	{"[{\"id\":\"" OURS "\"},{\"id\":\"" BESIDE "\",\"conns\":[]}]", ""},
	{"[{\"id\":\"" OURS "\"},{\"id\":\"" THEIRS
	 "\",\"conns\":[{\"origin_ip\":\"192.0.2.7\"}]}]",
	 "connector " THEIRS " at 192.0.2.7"},
	{"[{\"id\":\"" THEIRS "\",\"conns\":[{\"origin_ip\":\"2001:db8::1\"}]}]",
	 "connector " THEIRS " at 2001:db8::1"},
	/* what is no address is not told */
	{"[{\"id\":\"" THEIRS "\",\"conns\":[{\"origin_ip\":\"run this\\n\"}]}]",
	 "connector " THEIRS},
	{"[{\"id\":\"" THEIRS "\",\"conns\":null}]", "connector " THEIRS},
	{"[{\"id\":\"" THEIRS "\"},{\"id\":\"" THEIRS "\"}]",
	 "connector " THEIRS "\nconnector " THEIRS},
	{"{}", NULL},
	{"null", NULL},
	{"[{\"id\":\"x\"}]", NULL},
};

static void who_is_not_known_is_another(void **state)
{
	struct world *w = world_new();
	struct connector *c = connector_new("t1", 1), *elsewhere = connector_new("t2", 1);
	(void)state;
	c->connector_id = uuid_read(OURS);
	str_copy(connector_past_make(c)->other_id, UUID_SIZE, BESIDE);
	elsewhere->connector_id = uuid_read(THEIRS);
	world_add_connector(w, c);
	world_add_connector(w, elsewhere);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) others = NULL;
		AUTO(json_doc_t) doc = NULL;
		struct err e;
		if (json_parse(cases[i].answer, strlen(cases[i].answer), NULL, &doc, &e) < 0)
			fail_msg("%s", e.message);
		struct cf_call call = {.result = json_root(doc)};
		int rc = others_read(w, "t1", &call, &others, &e);
		if ((rc == 0) != (cases[i].others != NULL) || !str_equal(others, cases[i].others))
			fail_msg("%s: %s", cases[i].answer, others ? others : "-");
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_known_is_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
