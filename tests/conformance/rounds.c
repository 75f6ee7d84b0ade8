#include "tests/conformance/fixtures.h"

#include <string.h>

#include "base/clock.h"
#include "mcp/ask_state.h"
#include "mcp/private.h"

#define ASKED_MAX 3
#define FORM(message, key, type)                                                                   \
	"{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\",\"message\":\"" message  \
	"\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"" key                       \
	"\":{\"type\":\"" type "\"}},\"required\":[\"" key "\"]}}}"
#define SAMPLE(text, tokens)                                                                       \
	"{\"method\":\"sampling/createMessage\",\"params\":{\"messages\":[{\"role\":\"user\","     \
	"\"content\":{\"type\":\"text\",\"text\":\"" text "\"}}],\"maxTokens\":" tokens "}}"
#define ROOTS "{\"method\":\"roots/list\",\"params\":{}}"

struct asked_for {
	const char *key, *request, *capability;
};

/* What is asked for in one round; stated: the client brings back what we gave him. */
static const struct round {
	const char *name; /* of the tool or prompt */
	const char *round;
	bool stated;
	struct asked_for asks[ASKED_MAX];
} rounds[] = {
	{"test_streaming_elicitation",
	 "1",
	 false,
	 {{"user_name", FORM("What is your name?", "name", "string"), "elicitation"}}},
	{"test_input_required_result_elicitation",
	 "1",
	 false,
	 {{"user_name", FORM("What is your name?", "name", "string"), "elicitation"}}},
	{"test_input_required_result_sampling",
	 "1",
	 false,
	 {{"capital_question", SAMPLE("What is the capital of France?", "100"), "sampling"}}},
	{"test_input_required_result_list_roots", "1", false, {{"client_roots", ROOTS, "roots"}}},
	{"test_input_required_result_request_state",
	 "1",
	 true,
	 {{"confirm", FORM("Please confirm", "ok", "boolean"), "elicitation"}}},
	{"test_input_required_result_multiple_inputs",
	 "1",
	 true,
	 {{"user_name", FORM("What is your name?", "name", "string"), "elicitation"},
	  {"greeting", SAMPLE("Generate a greeting", "50"), "sampling"},
	  {"client_roots", ROOTS, "roots"}}},
	{"test_input_required_result_multi_round",
	 "1",
	 true,
	 {{"step1", FORM("Step 1: What is your name?", "name", "string"), "elicitation"}}},
	{"test_input_required_result_multi_round",
	 "2",
	 true,
	 {{"step2", FORM("Step 2: What is your favorite color?", "color", "string"),
	   "elicitation"}}},
	{"test_input_required_result_tampered_state",
	 "1",
	 true,
	 {{"confirm", FORM("Please confirm", "ok", "boolean"), "elicitation"}}},
	{"test_input_required_result_capabilities",
	 "1",
	 false,
	 {{"user_name", FORM("What is your name?", "name", "string"), "elicitation"},
	  {"greeting", SAMPLE("Generate a greeting", "50"), "sampling"}}},
	{"test_input_required_result_prompt",
	 "1",
	 false,
	 {{"user_context", FORM("What context should the prompt use?", "context", "string"),
	   "elicitation"}}},
};

static const struct round *round_find(const char *name, const char *round)
{
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++)
		if (str_equal(rounds[i].name, name) && str_equal(rounds[i].round, round))
			return &rounds[i];
	return NULL;
}

static struct ask_bond bond_of(const struct exchange *x, const char *name)
{
	return (struct ask_bond){.principal = x->parcel->who.name, .tool = name, .arguments = ""};
}

static bool may_ask(const struct exchange *x, const struct round *r, const struct asked_for *a)
{
	return !str_equal(r->name, "test_input_required_result_capabilities") ||
	       json_type(json_get(exchange_declared(x), a->capability)) == JSON_OBJECT;
}

static bool is_answered(const struct exchange *x, const struct asked_for *a)
{
	const struct json *answer = json_get(exchange_param(x, "inputResponses"), a->key);
	if (json_type(answer) != JSON_OBJECT)
		return false;
	return !str_equal(a->capability, "elicitation") || json_get_string(answer, "action");
}

static void ask(struct exchange *x, const struct round *r)
{
	struct ask_state state = {0};
	const struct ask_bond bond = bond_of(x, r->name);
	char text[ASK_STATE_SIZE];
	x->unfinished = true;
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "inputRequests");
	json_object_begin(w);
	for (size_t i = 0; i < ASKED_MAX && r->asks[i].key; i++) {
		if (!may_ask(x, r, &r->asks[i]) || is_answered(x, &r->asks[i]))
			continue;
		json_write_key(w, r->asks[i].key);
		json_write_raw(w, r->asks[i].request, strlen(r->asks[i].request));
	}
	json_object_end(w);
	(void)str_copy(state.plan, sizeof(state.plan), r->round);
	ask_state_write(x->parcel->mcp->key, &state, &bond, clock_wall_ms(), text);
	if (r->stated)
		json_put_string(w, "requestState", text);
	exchange_done(x);
}

static bool all_answered(const struct exchange *x, const struct round *r)
{
	for (size_t i = 0; i < ASKED_MAX && r->asks[i].key; i++)
		if (may_ask(x, r, &r->asks[i]) && !is_answered(x, &r->asks[i]))
			return false;
	return true;
}

static void answer_all(struct exchange *x)
{
	AUTO(buf_t) said = {0};
	struct json_writer all;
	json_write_init(&all, &said);
	json_write_value(&all, exchange_param(x, "inputResponses"));
	AUTO(str_t) text = str_format("Hello, state-ok: %s", buf_text(&said));
	bool prompt = str_equal(x->method->name, "prompts/get");
	struct json_writer *w = exchange_result(x);
	json_write_key(w, prompt ? "messages" : "content");
	json_array_begin(w);
	json_object_begin(w);
	if (prompt) {
		json_put_string(w, "role", "user");
		json_write_key(w, "content");
		json_object_begin(w);
	}
	json_put_string(w, "type", "text");
	json_put_string(w, "text", text);
	if (prompt)
		json_object_end(w);
	json_object_end(w);
	json_array_end(w);
	exchange_done(x);
}

static void rounds_go(struct exchange *x, const char *name)
{
	const struct json *given = exchange_param(x, "requestState");
	const struct ask_bond bond = bond_of(x, name);
	struct ask_state state = {.plan = "1"};
	if (given &&
	    (!json_string(given) || !ask_state_read(x->parcel->mcp->key, json_string(given), &bond,
						    clock_wall_ms(), &state))) {
		exchange_fail(x, RPC_PARAMS, 200, "requestState is not ours", NULL);
		return;
	}
	const struct round *r = round_find(name, state.plan);
	const struct round *next = round_find(name, "2");
	if (!r || !all_answered(x, r) || (r->stated && !given))
		ask(x, r ? r : &rounds[0]);
	else if (next && next != r)
		ask(x, next);
	else
		answer_all(x);
}

void rounds_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	(void)arguments;
	rounds_go(x, t->name);
}

void rounds_prompt(struct exchange *x)
{
	rounds_go(x, "test_input_required_result_prompt");
}
