#include "ops/grant_paste.h"

/* Names of grants and addresses hold nothing that a shell or JSON would have to be told of. */
static void put(struct json_writer *w, const char *what, const char *where, const char *text)
{
	json_object_begin(w);
	json_put_string(w, "for", what);
	json_put_string(w, "where", where);
	json_put_string(w, "text", text);
	json_object_end(w);
}

static void put_stdio(const char *name, struct json_writer *w)
{
	AUTO(str_t)
	text = str_format("claude mcp add adit -- adit mcp --grant %s", name);
	put(w, "Claude Code on this host, over stdio: no token in any file",
	    "a shell of the user that Claude Code runs as", text);
}

/* The helper makes headers of the lines of a file, so that no token stands in a configuration. */
#define HELPER_ONE "sed 's/.*/{\\\"Authorization\\\":\\\"Bearer &\\\"}/' ~/.config/adit/%s.token"
#define HELPER_TWO                                                                                 \
	"paste -sd' ' ~/.config/adit/%s.token | sed 's/\\\\([^ ]*\\\\) "                           \
	"\\\\(.*\\\\)/{\\\"Authorization\\\":\\\"Bearer \\\\1\\\","                                \
	"\\\"X-Adit-Token\\\":\\\"\\\\2\\\"}/'"

static void put_http(const char *name, const char *listen, bool second, struct json_writer *w)
{
	AUTO(str_t) helper = second ? str_format(HELPER_TWO, name) : str_format(HELPER_ONE, name);
	AUTO(str_t)
	text = str_format("mkdir -p ~/.config/adit && install -m 600 /dev/stdin "
			  "~/.config/adit/%s.token\n"
			  "claude mcp add-json adit \"$(cat <<'END'\n"
			  "{\"type\":\"http\",\"url\":\"http://%s/mcp\","
			  "\"headersHelper\":\"%s\"}\n"
			  "END\n"
			  ")\"",
			  name, listen, helper);
	put(w, "Claude Code over HTTP, with the token in a file of mode 0600",
	    second ? "a shell; the first command takes the token and the second token, a line "
		     "each, and Ctrl-D"
		   : "a shell; the first command takes the token and Ctrl-D",
	    text);
}

static void put_project(const char *name, struct json_writer *w)
{
	AUTO(str_t)
	text = str_format("{\n"
			  "  \"mcpServers\": {\n"
			  "    \"adit\": {\n"
			  "      \"type\": \"stdio\",\n"
			  "      \"command\": \"adit\",\n"
			  "      \"args\": [\"mcp\", \"--grant\", \"%s\"]\n"
			  "    }\n"
			  "  }\n"
			  "}",
			  name);
	put(w, "a project of Claude Code", ".mcp.json at the top of the project", text);
}

static void put_desktop(const char *name, struct json_writer *w)
{
	AUTO(str_t)
	text = str_format("{\n"
			  "  \"mcpServers\": {\n"
			  "    \"adit\": {\n"
			  "      \"command\": \"" ADIT_INSTALLED "\",\n"
			  "      \"args\": [\"mcp\", \"--grant\", \"%s\"]\n"
			  "    }\n"
			  "  }\n"
			  "}",
			  name);
	put(w, "Claude Desktop", "claude_desktop_config.json", text);
}

void grant_put_paste(const char *name, const char *listen, bool second, struct json_writer *w)
{
	json_write_key(w, "paste");
	json_array_begin(w);
	put_stdio(name, w);
	if (listen)
		put_http(name, listen, second, w);
	put_project(name, w);
	put_desktop(name, w);
	json_array_end(w);
}
