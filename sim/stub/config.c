/*
 * The config file, the flat part of YAML that a supervisor writes, with the real program's strict
 * types; and the token. Nested blocks (ingress, originRequest) are accepted and not read: this
 * stub serves remotely managed tunnels.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/stub/stub.h"

struct scalar {
	const char *type; /* as Go names it */
	char *text;
};

static const char *const nested_keys[] = {"ingress", "warp-routing", "originRequest"};
static const char *const other_keys[] = {"tunnel", "logDirectory"};

static bool is_one_of(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

static const char *plain_type(const char *text)
{
	char *end;

	if (!*text || !strcmp(text, "~") || !strcmp(text, "null"))
		return "<nil>";
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return "bool";
	if (*text == '[')
		return "[]interface {}";
	if (*text == '{')
		return "map[string]interface {}";
	strtoll(text, &end, 10);
	if (!*end)
		return "int";
	strtod(text, &end);
	return *end ? "string" : "float64";
}

static _Noreturn void bad_yaml(const char *path, int line, const char *what)
{
	die(1, "error parsing YAML in config file at %s: yaml: line %d: %s", path, line, what);
}

/* The value behind "key:": quoted or plain, a comment taken off. */
static struct scalar read_scalar(const char *path, int line, char *text)
{
	char quote = *text, *end, *comment;

	if (quote == '"' || quote == '\'') {
		end = strchr(text + 1, quote);
		if (!end)
			bad_yaml(path, line, "found unexpected end of stream");
		*end = '\0';
		end += 1 + strspn(end + 1, " ");
		if (*end && *end != '#')
			bad_yaml(path, line, "did not find expected key");
		return (struct scalar){"string", text + 1};
	}
	comment = *text == '#' ? text : strstr(text, " #");
	if (comment)
		*comment = '\0';
	for (size_t n = strlen(text); n && (text[n - 1] == ' ' || text[n - 1] == '\t');)
		text[--n] = '\0';
	if (strstr(text, ": "))
		bad_yaml(path, line, "mapping values are not allowed in this context");
	return (struct scalar){plain_type(text), text};
}

static void check_type(const struct flag *f, const struct scalar *v)
{
	static const char *const wanted[] = {"bool", "string", "int", "duration"};
	bool fine = !strcmp(v->type, f->type == FLAG_DURATION ? "string" : wanted[f->type]);
	int64_t ms;

	if (!fine)
		die(1, "expected %s found %s for %s", wanted[f->type], v->type, f->name);
	if (f->type == FLAG_DURATION && !duration_read(v->text, &ms))
		die(1, "time: invalid duration \"%s\"", v->text);
}

static void read_key(struct settings *s, const char *path, int line, const char *key,
		     const struct scalar *v)
{
	int flag = flag_find(key);
	struct log plain = {.level = LEVEL_WARN};

	if (flag >= 0 && strcmp(key, "config") && strcmp(key, "output")) {
		if (s->rank[flag] > 1)
			return;
		if (s->rank[flag] == 1)
			bad_yaml(path, line, "mapping key already defined");
		check_type(flag_at((size_t)flag), v);
		setting_put(s, flag, v->text, 1);
	} else if (!strcmp(key, "tunnel") && !s->tunnel_id) {
		s->tunnel_id = must_dup(v->text);
	} else if (!is_one_of(key, nested_keys, COUNT(nested_keys)) &&
		   !is_one_of(key, other_keys, COUNT(other_keys))) {
		log_text(&plain, LEVEL_WARN,
			 "Your configuration file has unknown keys: yaml: line %d: field %s not "
			 "found",
			 line, key);
	}
}

static void read_line(struct settings *s, const char *path, int line, char *text, bool *nests)
{
	char *colon;
	struct scalar v;

	text[strcspn(text, "\r\n")] = '\0';
	if (!*text || *text == '#' || !strncmp(text, "---", 3) || !text[strspn(text, " ")] ||
	    text[strspn(text, " ")] == '#')
		return;
	if (*text == '\t')
		bad_yaml(path, line, "found character that cannot start any token");
	if (*text == ' ' || !strncmp(text, "- ", 2)) {
		if (!*nests)
			bad_yaml(path, line, "did not find expected <document start>");
		return;
	}
	colon = strchr(text, ':');
	if (!colon || (colon[1] && colon[1] != ' '))
		bad_yaml(path, line, "could not find expected ':'");
	*colon = '\0';
	v = read_scalar(path, line, colon + 1 + strspn(colon + 1, " "));
	*nests = !strcmp(v.type, "<nil>");
	if (*nests && flag_find(text) < 0 && is_one_of(text, nested_keys, COUNT(nested_keys)))
		return;
	read_key(s, path, line, text, &v);
}

void config_read(struct settings *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[8192];
	bool nests = false;
	int n = 0;

	if (!f && errno == ENOENT)
		die(1, "Cannot determine default configuration path. No file [config.yml "
		       "config.yaml] in [~/.cloudflared ~/.cloudflare-warp ~/cloudflare-warp "
		       "/etc/cloudflared /usr/local/etc/cloudflared]");
	if (!f)
		die(1, "open %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		read_line(s, path, ++n, line, &nests);
	fclose(f);
}

/* ---- the token: base64 of a flat JSON object ---- */

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* A JSON string without escapes other than those of one character; NULL = it is none. */
static char *json_text(const char **p)
{
	const char *in = skip_space(*p);
	char *out = must_alloc(strlen(in) + 1), *to = out;

	if (*in++ != '"') {
		free(out);
		return NULL;
	}
	while (*in && *in != '"') {
		if (*in == '\\' && !*++in)
			break;
		*to++ = *in++;
	}
	*p = *in ? in + 1 : in;
	return out;
}

static bool token_member(struct token *t, const char **p)
{
	char *key = json_text(p), *value;
	char **slot = NULL;

	*p = skip_space(*p);
	if (!key || *(*p)++ != ':')
		return false;
	value = json_text(p);
	if (!value)
		return false;
	if (!strcmp(key, "a"))
		slot = &t->account;
	else if (!strcmp(key, "t"))
		slot = &t->tunnel;
	else if (!strcmp(key, "s"))
		slot = &t->secret;
	else if (!strcmp(key, "e"))
		slot = &t->edge;
	if (slot)
		*slot = value;
	free(key);
	return true;
}

static bool uuid_fine(const char *s)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!s[i] || (dash ? s[i] != '-' : !strchr("0123456789abcdefABCDEF", s[i])))
			return false;
	}
	return !s[36];
}

static bool token_read(struct token *t, const char *text)
{
	struct bytes json = {0}, secret = {0};
	const char *p;
	bool fine = base64_plain(text, &json);

	p = skip_space(bytes_at(&json));
	fine = fine && *p++ == '{';
	while (fine) {
		fine = token_member(t, &p);
		p = skip_space(p);
		if (!fine || *p != ',')
			break;
		p++;
	}
	fine = fine && *p == '}' && !*skip_space(p + 1);
	fine = fine && (!t->secret || !*t->secret || base64_plain(t->secret, &secret));
	bytes_free(&json);
	bytes_free(&secret);
	/* Real life accepts a token without a tunnel, and runs the tunnel of all zeroes. */
	if (!t->tunnel)
		t->tunnel = must_dup("00000000-0000-0000-0000-000000000000");
	if (!t->account)
		t->account = must_dup("");
	if (!t->secret)
		t->secret = must_dup("");
	return fine && uuid_fine(t->tunnel);
}

static void read_token_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	size_t from;

	if (n < 0)
		die(255,
		    "Failed to read token file: open %s: %s\nSee 'cloudflared tunnel run --help'.",
		    path, errno == ENOENT ? "no such file or directory" : "permission denied");
	close(fd);
	while (n && strchr(" \t\r\n", out[n - 1]))
		n--;
	out[n] = '\0';
	from = strspn(out, " \t\r\n");
	memmove(out, out + from, (size_t)n + 1 - from);
}

void token_load(const struct settings *s, struct token *out)
{
	const char *token = setting(s, "token"), *file = setting(s, "token-file");
	char text[16384];

	if (token && *token)
		snprintf(text, sizeof(text), "%s", token);
	else if (file && *file)
		read_token_file(file, text, sizeof(text));
	else
		die(255,
		    "\"cloudflared tunnel run\" requires the ID or name of the tunnel to run as "
		    "the last command line argument or in the configuration file.\nSee "
		    "'cloudflared tunnel run --help'.");
	if (!token_read(out, text))
		die(255,
		    "Provided Tunnel token is not valid.\nSee 'cloudflared tunnel run --help'.");
}
