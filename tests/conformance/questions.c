#include "tests/conformance/fixtures.h"

#include <string.h>

#define FORM(properties, required)                                                                 \
	"\"requestedSchema\":{\"type\":\"object\",\"properties\":{" properties                     \
	"},\"required\":[" required "]}}"
#define CHOICE(n, key, a, b, c)                                                                    \
	"\"" n "\":{\"type\":\"string\",\"" key "\":[{\"const\":\"value1\",\"title\":\"" a         \
	"\"},{\"const\":\"value2\",\"title\":\"" b "\"},{\"const\":\"value3\",\"title\":\"" c      \
	"\"}]}"
#define OPTIONS "[\"option1\",\"option2\",\"option3\"]"

/* "%s" is the tool's own argument, where it has one. */
static const struct {
	const char *tool, *argument, *method, *params, *before;
} questions[] = {
	{"test_sampling", "prompt", "sampling/createMessage",
	 "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"%s\"}}],"
	 "\"maxTokens\":100}",
	 "LLM response: "},
	{"test_elicitation", "message", "elicitation/create",
	 "{\"message\":\"%s\"," FORM("\"username\":{\"type\":\"string\",\"description\":\"User's "
				     "response\"},\"email\":{\"type\":\"string\",\"description\":"
				     "\"User's email address\"}",
				     "\"username\",\"email\""),
	 "User response: "},
	{"test_elicitation_sep1034_defaults", NULL, "elicitation/create",
	 "{\"message\":\"Defaults\"," FORM(
		 "\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
		 "\"age\":{\"type\":\"integer\",\"default\":30},"
		 "\"score\":{\"type\":\"number\",\"default\":95.5},"
		 "\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],"
		 "\"default\":\"active\"},"
		 "\"verified\":{\"type\":\"boolean\",\"default\":true}",
		 ""),
	 "Elicitation completed: "},
	{"test_elicitation_sep1330_enums", NULL, "elicitation/create",
	 "{\"message\":\"Choices\"," FORM(
		 "\"untitledSingle\":{\"type\":\"string\",\"enum\":" OPTIONS
		 "}," CHOICE("titledSingle", "oneOf", "First Option", "Second Option",
			     "Third Option") ","
					     "\"legacyEnum\":{\"type\":\"string\",\"enum\":["
					     "\"opt1\",\"opt2\",\"opt3\"],"
					     "\"enumNames\":[\"Option One\",\"Option "
					     "Two\",\"Option Three\"]},"
					     "\"untitledMulti\":{\"type\":\"array\",\"items\":{"
					     "\"type\":\"string\","
					     "\"enum\":" OPTIONS "}},"
					     "\"titledMulti\":{\"type\":\"array\",\"items\":{"
					     "\"anyOf\":["
					     "{\"const\":\"value1\",\"title\":\"First Choice\"},"
					     "{\"const\":\"value2\",\"title\":\"Second Choice\"},"
					     "{\"const\":\"value3\",\"title\":\"Third Choice\"}]}}",
		 ""),
	 "Elicitation completed: "},
};

static void say(struct exchange *x, const struct buf *text)
{
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "content");
	json_array_begin(w);
	json_object_begin(w);
	json_put_string(w, "type", "text");
	json_put_string(w, "text", buf_text(text));
	json_object_end(w);
	json_array_end(w);
	exchange_done(x);
}

/* "action=accept, content={..}", or what the model said. */
static void say_answer(const struct json *result, struct buf *text)
{
	const char *action = json_get_string(result, "action");
	struct json_writer w;
	if (!action) {
		const char *said = json_get_string(json_get(result, "content"), "text");
		(void)buf_str(text, said ? said : "nothing");
		return;
	}
	(void)buf_printf(text, "action=%s, content=", action);
	json_write_init(&w, text);
	json_write_value(&w, json_get(result, "content"));
}

static void answered(struct exchange *x, const struct json *result)
{
	AUTO(buf_t) text = {0};
	(void)buf_str(&text, x->state);
	say_answer(result, &text);
	say(x, &text);
}

void legacy_ask_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		if (!str_equal(questions[i].tool, t->name))
			continue;
		const char *key = questions[i].argument;
		const char *value = key ? json_get_string(arguments, key) : NULL;
		const char *slot = strstr(questions[i].params, "%s");
		AUTO(buf_t) params = {0};
		size_t head =
			slot ? (size_t)(slot - questions[i].params) : strlen(questions[i].params);
		(void)buf_add(&params, questions[i].params, head);
		if (slot)
			(void)buf_printf(&params, "%s%s", value ? value : "", slot + 2);
		x->state = (void *)(uintptr_t)questions[i].before;
		exchange_ask(x, questions[i].method, &params, answered);
		return;
	}
}
