/* The parser must survive anything: cloudflared's JSON lines are not atomic, its last words are
 * plain text, and remote configurations stand in them as well. */
#include "supervise/outlog.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define TRIES       8 /* places where a torn line may begin again */
#define JWT_MIN     16
#define BASE64_MIN  24
#define TOKEN_START "eyJ"

/* ---- reasons ---- */

static const struct {
	const char *words;
	enum reason reason;
	bool plain_only;
} tellings[] = {
	{"Failed to get tunnel", REASON_TUNNEL_GONE, false},
	{"Tunnel not found", REASON_TUNNEL_GONE, false},
	{"tunnel has been deleted", REASON_TUNNEL_GONE, false},
	{"Unauthorized:", REASON_BAD_TOKEN, false},
	{"Provided Tunnel token is not valid", REASON_BAD_TOKEN, false},
	{"Register tunnel error from server side", REASON_REFUSED, false},
	{"already connected to this server", REASON_REFUSED, false},
	/* By quic all that is said of a refusal, whatever its words. */
	{"control stream encountered a failure while serving", REASON_REFUSED, false},
	{"Error opening metrics server listener", REASON_PORT_BUSY, false},
	{"Could not lookup srv records", REASON_NO_NETWORK, false},
	{"the DNS query failed", REASON_NO_NETWORK, false},
	{"Couldn't resolve SRV record", REASON_NO_NETWORK, false},
	{"had no IPs", REASON_NO_NETWORK, false},
	{"failed to resolve any edge address", REASON_NO_NETWORK, false},
	{"Cloudflare Regions", REASON_NO_NETWORK, false},
	{"no free edge addresses left", REASON_NO_ADDRESSES, false},
	{"Failed to dial a quic connection", REASON_NO_QUIC, false},
	{"Unable to establish connection with Cloudflare edge", REASON_NO_NETWORK, false},
	{"error parsing YAML", REASON_BAD_CONFIG, true},
	{"expected ", REASON_BAD_CONFIG, true},
	{"unknown protocol", REASON_BAD_CONFIG, true},
	{"Validation failed", REASON_BAD_CONFIG, true},
	{"grace-period must be", REASON_BAD_CONFIG, true},
	{"invalid value", REASON_BAD_CONFIG, true},
	{"Cannot determine default configuration path", REASON_BAD_CONFIG, true},
	{"config file", REASON_BAD_CONFIG, true},
};

enum reason outlog_classify(const char *text, bool plain)
{
	for (size_t i = 0; i < ARRAY_LEN(tellings); i++)
		if ((plain || !tellings[i].plain_only) && strstr(text, tellings[i].words))
			return tellings[i].reason;
	return REASON_NONE;
}

/* ---- secrets ---- */

static bool is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '-' || c == '_';
}

static void strike_known(char *text, const char *secret)
{
	size_t len = secret ? strlen(secret) : 0;

	if (len < 8)
		return;
	for (char *p = text; (p = strstr(p, secret)) != NULL; p += len)
		memset(p, '*', len);
}

/* A token begins somewhere in the run, perhaps glued to what a torn line left before it. */
static void strike_run(char *run, size_t len, bool padded)
{
	for (size_t i = 0; i + JWT_MIN <= len; i++) {
		if (strncmp(run + i, TOKEN_START, strlen(TOKEN_START)) == 0) {
			memset(run + i, '*', len - i);
			return;
		}
	}
	if (padded && len >= BASE64_MIN)
		memset(run, '*', len);
}

void outlog_strike(char *text, const char *secret)
{
	strike_known(text, secret);
	for (char *p = text; *p;) {
		size_t len = 0;

		while (is_base64(p[len]))
			len++;
		strike_run(p, len, p[len] == '=');
		p += len ? len : 1;
	}
}

/* ---- lines ---- */

struct line {
	char *text;    /* message: error */
	char *message; /* NULL for a line that is no JSON */
};

static struct json_doc *parse(const char *line, size_t len)
{
	static const struct json_limits limits = {.max_bytes = 64 << 10, .max_depth = 16};
	struct json_doc *doc = NULL;
	struct err ignored;

	if (json_parse(line, len, &limits, &doc, &ignored))
		return NULL;
	if (json_type(json_root(doc)) == JSON_OBJECT)
		return doc;
	json_doc_free(doc);
	return NULL;
}

/* Two events interleave: one of them often stands whole at the end. */
static struct json_doc *parse_torn(const char *line, size_t len)
{
	const char *end = line + len;
	struct json_doc *doc = NULL;
	int tries = 0;

	for (const char *p = line; !doc && p < end && tries < TRIES; p++) {
		if (*p != '{' || p + 1 >= end || p[1] != '"')
			continue;
		doc = parse(p, (size_t)(end - p));
		tries++;
	}
	return doc;
}

static char *text_of(const char *message, const char *error)
{
	if (message && error)
		return str_format("%s: %s", message, error);
	return str_dup(message ? message : error ? error : "");
}

static void line_read(const char *line, size_t len, struct line *out)
{
	AUTO(json_doc_t) doc = parse_torn(line, len);
	const struct json *root = doc ? json_root(doc) : NULL;
	const char *message = json_get_string(root, "message");
	const char *error = json_get_string(root, "error");

	if (message || error) {
		out->text = text_of(message, error);
		out->message = str_dup(message ? message : "");
	} else {
		out->text = str_ndup(line, len);
		out->message = NULL;
	}
}

/* The text behind a prefix, up to white space, into a fixed array. */
static void take_word(const char *message, const char *prefix, char *out, size_t size)
{
	const char *word;
	size_t len;

	if (!str_starts(message, prefix))
		return;
	word = message + strlen(prefix);
	len = strcspn(word, " \t");
	if (len && len < size)
		snprintf(out, size, "%.*s", (int)len, word);
}

static void take_facts(struct outlog *o, const char *message)
{
	char id[UUID_SIZE] = "";

	take_word(message, "Version ", o->version, sizeof(o->version));
	take_word(message, "Generated Connector ID: ", id, sizeof(id));
	if (uuid_valid(id))
		str_copy(o->connector_id, sizeof(o->connector_id), id);
	if (!strcmp(message, "Registered tunnel connection")) {
		o->registered = true;
		o->telling = REASON_NONE;
		o->refusal = REASON_NONE;
		o->refusals = 0;
	}
}

static void take_reason(struct outlog *o, const struct line *l)
{
	enum reason r = outlog_classify(l->text, !l->message);

	if (r == REASON_NONE)
		return;
	o->telling = r;
	if (r != REASON_BAD_TOKEN && r != REASON_TUNNEL_GONE)
		return;
	o->refusal = r;
	o->refusals++;
}

static void keep_line(struct outlog *o, char *text, const char *secret)
{
	char **slot;

	if (!o->lines)
		o->lines = mem_array(OUTLOG_LINES, sizeof(*o->lines));
	slot = &o->lines[o->count % OUTLOG_LINES];
	outlog_strike(text, secret);
	text[strnlen(text, OUTLOG_WIDTH)] = '\0';
	text_printable(text);
	free(*slot);
	*slot = str_dup(text);
	o->count++;
}

/* What follows the line that matters, and would stand in its place for people. */
static bool is_noise(const char *text)
{
	static const char *const starts[] = {
		"See 'cloudflared ",
		"Retrying connection in up to ",
		"Tunnel connection curve preferences: ",
	};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_starts(text, starts[i]))
			return true;
	return false;
}

void outlog_add(struct outlog *o, const char *line, size_t len, const char *secret)
{
	struct line l;

	if (len == 0)
		return;
	line_read(line, len, &l);
	if (l.message)
		take_facts(o, l.message);
	take_reason(o, &l);
	if (!is_noise(l.text))
		keep_line(o, l.text, secret);
	free(l.text);
	free(l.message);
}

const char *outlog_line(const struct outlog *o, size_t back)
{
	if (back >= OUTLOG_LINES || back >= o->count)
		return NULL;
	return o->lines[(o->count - 1 - back) % OUTLOG_LINES];
}

/* ---- for people ---- */

char *outlog_last(const struct outlog *o, size_t lines, size_t bytes)
{
	struct buf out = {0};
	size_t back = 0, room = bytes;

	for (const char *l; back < lines && (l = outlog_line(o, back)); back++) {
		if (strlen(l) + 1 > room)
			break;
		room -= strlen(l) + 1;
	}
	for (; back-- > 0;) {
		(void)buf_str(&out, out.len ? "\n" : "");
		(void)buf_str(&out, outlog_line(o, back));
	}
	return out.len ? buf_steal(&out) : NULL;
}

char *outlog_told(const struct outlog *o)
{
	return outlog_last(o, 10, 2000);
}

/* What the message does not say by itself: which connection, which address. */
static void entry_member(const struct json *v, struct buf *out)
{
	static const char *const said[] = {"level", "time", "message", "error"};

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (str_equal(json_key(v), said[i]))
			return;
	(void)buf_printf(out, " %s=", json_key(v));
	if (json_string(v))
		(void)buf_str(out, json_string(v));
	else
		json_print(v, out);
}

/* From RFC 3339; 0 for anything else. */
static int64_t entry_time(const char *text)
{
	int64_t ms = 0;
	struct err ignored;

	if (!text || !isdigit((unsigned char)*text) || !strchr(text, 'T') ||
	    time_parse(text, 0, &ms, &ignored))
		return 0;
	return ms;
}

static void entry_show(struct buf *text, struct outlog_entry *out)
{
	out->text = buf_steal(text);
	outlog_strike(out->text, NULL);
	out->text[strnlen(out->text, OUTLOG_SHOWN)] = '\0';
	text_printable(out->text);
}

void outlog_read(const char *line, size_t len, struct outlog_entry *out)
{
	AUTO(json_doc_t) doc = parse_torn(line, len);
	const struct json *root = doc ? json_root(doc) : NULL;
	const char *message = json_get_string(root, "message");
	const char *error = json_get_string(root, "error");
	AUTO(str_t) said = message || error ? text_of(message, error) : str_ndup(line, len);
	bool plain = !message && !error;
	struct buf text = {0};

	*out = (struct outlog_entry){.reason = outlog_classify(said, plain)};
	(void)buf_str(&text, said);
	if (!plain) {
		const char *level = json_get_string(root, "level");
		(void)str_copy(out->level, sizeof(out->level), level ? level : "");
		out->time_ms = entry_time(json_get_string(root, "time"));
		JSON_EACH (member, root)
			entry_member(member, &text);
	}
	entry_show(&text, out);
}

void outlog_entry_free(struct outlog_entry *x)
{
	free(x->text);
	x->text = NULL;
}

enum reason outlog_refused(const struct outlog *o)
{
	return o->refusals >= OUTLOG_REFUSED ? o->refusal : REASON_NONE;
}

void outlog_begin(struct outlog *o)
{
	o->telling = REASON_NONE;
	o->refusal = REASON_NONE;
	o->refusals = 0;
	o->connector_id[0] = '\0';
	o->registered = false;
}

void outlog_free(struct outlog *o)
{
	for (size_t i = 0; o->lines && i < OUTLOG_LINES; i++)
		free(o->lines[i]);
	free(o->lines);
	*o = (struct outlog){0};
}
