/*
 * What the official conformance suite wants to find in the server under test: tools, resources and
 * prompts with answers that it knows. Linked into adit-conformance in the place of mcp/extra.c;
 * never shipped.
 */
#include "tests/conformance/fixtures.h"

#include <string.h>

#define NOTHING "{\"type\":\"object\",\"additionalProperties\":false}"
#define PNG                                                                                        \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU"   \
	"5ErkJggg=="
#define WAV        "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
#define TEXT(t)    "{\"type\":\"text\",\"text\":\"" t "\"}"
#define CONTENT(c) "\"content\":[" c "]"
#define SAYS(t)    CONTENT(TEXT(t))
#define DOC(t)     "\"description\":\"" t "\""
#define IMAGE      "{\"type\":\"image\",\"data\":\"" PNG "\",\"mimeType\":\"image/png\"}"
#define EMBEDDED(u, m, t)                                                                          \
	"{\"type\":\"resource\",\"resource\":{\"uri\":\"" u "\",\"mimeType\":\"" m                 \
	"\",\"text\":\"" t "\"}}"
#define USER(c) "{\"role\":\"user\",\"content\":" c "}"

/* ---- tools that say one thing ---- */

static const struct {
	const char *tool, *members;
} canned[] = {
	{"test_simple_text", SAYS("This is a simple text response for testing.")},
	{"test_image_content", CONTENT(IMAGE)},
	{"test_audio_content",
	 CONTENT("{\"type\":\"audio\",\"data\":\"" WAV "\",\"mimeType\":\"audio/wav\"}")},
	{"test_embedded_resource", CONTENT(EMBEDDED("test://embedded-resource", "text/plain",
						    "This is an embedded resource content."))},
	{"test_multiple_content_types",
	 CONTENT(TEXT("Multiple content types test:") "," IMAGE "," EMBEDDED(
		 "test://mixed-content-resource", "application/json",
		 "{\\\"test\\\":\\\"data\\\",\\\"value\\\":123}"))},
	{"test_error_handling",
	 SAYS("This tool intentionally returns an error for testing") ",\"isError\":true"},
	{"test_logging_tool", SAYS("Nothing was logged.")},
	{"json_schema_2020_12_tool", SAYS("valid")},
	{"test_custom_header", SAYS("The header repeats the argument.")},
};

void canned_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	struct json_writer *w = exchange_result(x);
	(void)arguments;
	for (size_t i = 0; i < ARRAY_LEN(canned); i++)
		if (str_equal(canned[i].tool, t->name))
			json_write_raw(w, canned[i].members, strlen(canned[i].members));
	exchange_done(x);
}

/* It takes what this client did not declare. */
static void missing_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	(void)t;
	(void)arguments;
	exchange_fail(x, RPC_CAPABILITY, 400, "The client declared no sampling",
		      "{\"requiredCapabilities\":{\"sampling\":{}}}");
}

#define ADDRESSED                                                                                  \
	"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","       \
	"\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\","                  \
	"\"properties\":{\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"}}}},"      \
	"\"properties\":{\"name\":{\"type\":\"string\"},\"address\":{\"$ref\":"                    \
	"\"#/$defs/address\"},\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\","         \
	"\"email\"]},\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"            \
	"\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"         \
	"\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},"                        \
	"\"required\":[\"contactMethod\"]},\"then\":{\"required\":[\"phone\"]},"                   \
	"\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}"
#define MIRRORED                                                                                   \
	"{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\","                    \
	"\"x-mcp-header\":\"Region\"}}}"
#define STRING(n)                                                                                  \
	"{\"type\":\"object\",\"properties\":{\"" n "\":{\"type\":\"string\"}},"                   \
	"\"required\":[\"" n "\"]}"

#define SECONDS                                                                                    \
	"{\"type\":\"object\",\"properties\":{\"seconds\":{\"type\":\"integer\"},"                 \
	"\"label\":{\"type\":\"string\"}}}"

static const struct extra_tool tools[] = {
	{"test_simple_text", DOC("Says a text"), NOTHING, canned_run},
	{"test_image_content", DOC("Shows an image"), NOTHING, canned_run},
	{"test_audio_content", DOC("Plays a sound"), NOTHING, canned_run},
	{"test_embedded_resource", DOC("Brings a resource along"), NOTHING, canned_run},
	{"test_multiple_content_types", DOC("Says, shows and brings along"), NOTHING, canned_run},
	{"test_error_handling", DOC("Fails"), NOTHING, canned_run},
	{"test_logging_tool", DOC("Logs nothing"), NOTHING, canned_run},
	{"json_schema_2020_12_tool", DOC("Has a schema with everything"), ADDRESSED, canned_run},
	{"test_custom_header", DOC("Wants a header"), MIRRORED, canned_run},
	{"test_missing_capability", DOC("Takes sampling"), NOTHING, missing_run},
	{"test_tool_with_progress", DOC("Tells how far it is"), NOTHING, paced_run},
	{"test_tool_with_logging", DOC("Tells what it does"), NOTHING, paced_run},
	{"test_trigger_tool_change", DOC("Changes the list of tools"), NOTHING, change_run},
	{"test_trigger_prompt_change", DOC("Changes the list of prompts"), NOTHING, change_run},
	{"test_sampling", DOC("Asks the model"), STRING("prompt"), legacy_ask_run},
	{"test_elicitation", DOC("Asks the person"), STRING("message"), legacy_ask_run},
	{"test_elicitation_sep1034_defaults", DOC("Asks, with defaults"), NOTHING, legacy_ask_run},
	{"test_elicitation_sep1330_enums", DOC("Asks for choices"), NOTHING, legacy_ask_run},
	{"test_streaming_elicitation", DOC("Asks"), NOTHING, rounds_run},
	{"test_input_required_result_elicitation", DOC("Asks for a name"), NOTHING, rounds_run},
	{"test_input_required_result_sampling", DOC("Asks the model"), NOTHING, rounds_run},
	{"test_input_required_result_list_roots", DOC("Asks for roots"), NOTHING, rounds_run},
	{"test_input_required_result_request_state", DOC("Keeps a state"), NOTHING, rounds_run},
	{"test_input_required_result_multiple_inputs", DOC("Asks for three"), NOTHING, rounds_run},
	{"test_input_required_result_multi_round", DOC("Asks twice"), NOTHING, rounds_run},
	{"test_input_required_result_tampered_state", DOC("Marks its state"), NOTHING, rounds_run},
	{"test_input_required_result_capabilities", DOC("Asks what it may"), NOTHING, rounds_run},
	{"greet", DOC("Greets"), STRING("name"), greet_run},
	{"slow_compute", DOC("Takes so many seconds"), SECONDS, job_run},
	{"failing_job", DOC("Fails after a second"), NOTHING, job_run},
	{"protocol_error_job", DOC("Breaks after a second"), NOTHING, job_run},
	{"confirm_delete", DOC("Takes a second"), STRING("filename"), job_run},
};

/* ---- resources ---- */

static void put_content(struct json_writer *w, const char *uri, const char *mime, const char *key,
			const char *text)
{
	json_write_key(w, "contents");
	json_array_begin(w);
	json_object_begin(w);
	json_put_string(w, "uri", uri);
	json_put_string(w, "mimeType", mime);
	json_put_string(w, key, text);
	json_object_end(w);
	json_array_end(w);
}

static bool read_data(struct exchange *x, const char *uri)
{
	static const char before[] = "test://template/", behind[] = "/data";
	if (!str_starts(uri, before) || !str_ends(uri, behind) ||
	    strlen(uri) < sizeof(before) + sizeof(behind) - 1)
		return false;
	AUTO(str_t)
	id = str_ndup(uri + sizeof(before) - 1, strlen(uri) - sizeof(before) - sizeof(behind) + 2);
	AUTO(str_t)
	text = str_format("{\"id\":\"%s\",\"templateTest\":true,\"data\":\"Data for ID: %s\"}", id,
			  id);
	put_content(exchange_result(x), uri, "application/json", "text", text);
	return true;
}

static bool read_extra(struct exchange *x, const char *uri)
{
	if (str_equal(uri, "test://static-text"))
		put_content(exchange_result(x), uri, "text/plain", "text",
			    "This is the content of the static text resource.");
	else if (str_equal(uri, "test://static-binary"))
		put_content(exchange_result(x), uri, "image/png", "blob", PNG);
	else if (str_equal(uri, "test://watched-resource"))
		put_content(exchange_result(x), uri, "text/plain", "text", "It never changes.");
	else if (!read_data(x, uri))
		return false;
	exchange_keep(x, 0, true);
	exchange_done(x);
	return true;
}

#define RESOURCE(key, uri, mime)                                                                   \
	"{\"" key "\":\"" uri "\",\"name\":\"" uri "\",\"description\":\"For tests\","             \
	"\"mimeType\":\"" mime "\"}"

/* ---- prompts ---- */

#define PROMPT(n, args)                                                                            \
	"{\"name\":\"" n "\",\"description\":\"For tests\",\"arguments\":[" args "]}"
#define ARG(n) "{\"name\":\"" n "\",\"description\":\"For tests\",\"required\":true}"

static void put_messages(struct exchange *x, const char *messages)
{
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "messages");
	json_array_begin(w);
	json_write_raw(w, messages, strlen(messages));
	json_array_end(w);
	exchange_done(x);
}

static const char *argument(const struct exchange *x, const char *name)
{
	const char *value = json_get_string(exchange_param(x, "arguments"), name);
	return value ? value : "";
}

static bool prompt_extra(struct exchange *x, const char *name)
{
	AUTO(str_t) text = NULL;
	if (str_equal(name, "test_input_required_result_prompt"))
		rounds_prompt(x);
	else if (str_equal(name, "test_simple_prompt"))
		put_messages(x, USER(TEXT("This is a simple prompt for testing.")));
	else if (str_equal(name, "test_prompt_with_image"))
		put_messages(x, USER(IMAGE) "," USER(TEXT("Please analyze the image above.")));
	else if (str_equal(name, "test_prompt_with_arguments"))
		put_messages(x, text = str_format(
					USER(TEXT("Prompt with arguments: arg1='%s', arg2='%s'")),
					argument(x, "arg1"), argument(x, "arg2")));
	else if (str_equal(name, "test_prompt_with_embedded_resource"))
		put_messages(
			x, text = str_format(USER(EMBEDDED("%s", "text/plain",
							   "Embedded resource content for "
							   "testing.")) "," USER(TEXT("Please "
										      "process the "
										      "embedded "
										      "resource "
										      "above.")),
					     argument(x, "resourceUri")));
	else
		return false;
	return true;
}

static bool complete_extra(struct exchange *x)
{
	const char *name = json_get_string(exchange_param(x, "ref"), "name");
	if (!str_equal(name, "test_prompt_with_arguments"))
		return false;
	struct json_writer *w = exchange_result(x);
	static const char values[] =
		"\"completion\":{\"values\":[\"paris\",\"park\"],\"total\":2,\"hasMore\":false}";
	json_write_raw(w, values, sizeof(values) - 1);
	exchange_done(x);
	return true;
}

static void empty_run(struct exchange *x)
{
	(void)exchange_result(x);
	exchange_done(x);
}

static const struct method methods[] = {
	{"logging/setLevel", ERA_LEGACY, "logging", empty_run},
	{"resources/subscribe", ERA_LEGACY, "resources", empty_run},
	{"resources/unsubscribe", ERA_LEGACY, "resources", empty_run},
};

const struct mcp_extra *mcp_extra(void)
{
	static const struct mcp_extra extra = {
		.tools = tools,
		.n_tools = ARRAY_LEN(tools),
		.methods = methods,
		.n_methods = ARRAY_LEN(methods),
		.resources = RESOURCE("uri", "test://static-text", "text/plain") "," RESOURCE(
			"uri", "test://static-binary",
			"image/png") "," RESOURCE("uri", "test://watched-resource", "text/plain"),
		.templates =
			RESOURCE("uriTemplate", "test://template/{id}/data", "application/json"),
		.prompts = PROMPT("test_simple_prompt", "") "," PROMPT(
			"test_prompt_with_arguments",
			ARG("arg1") "," ARG(
				"arg2")) "," PROMPT("test_prompt_with_embedded_resource",
						    ARG("resourceUri")) "," PROMPT("test_prompt_"
										   "with_image",
										   "") "," PROMPT("test_input_required_result_prompt",
												  ""),
		.read = read_extra,
		.prompt = prompt_extra,
		.complete = complete_extra,
	};
	return &extra;
}
