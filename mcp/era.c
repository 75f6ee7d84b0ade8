#include "mcp/era.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The newest first. */
static const char *const legacy[] = {VERSION_LATEST, "2025-06-18", VERSION_BATCH, VERSION_OLDEST};

const char *era_version_at(int i)
{
	return i >= 0 && i < (int)ARRAY_LEN(legacy) ? legacy[i] : NULL;
}

int era_version_index(const char *version)
{
	for (int i = 0; i < (int)ARRAY_LEN(legacy); i++)
		if (str_equal(legacy[i], version))
			return i;
	return -1;
}

const char *era_legacy(const char *version, bool http)
{
	const char *known = era_version_at(era_version_index(version));
	return known && http && str_equal(known, VERSION_OLDEST) ? NULL : known;
}

/* Versions are dates. */
bool era_since(const char *version, const char *than)
{
	return strcmp(version, than) >= 0;
}

/* ---- headers ---- */

static bool is_space(char ch)
{
	return ch == ' ' || ch == '\t';
}

static bool is_visible(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e)
			return false;
	return true;
}

static const char encoded_before[] = "=?base64?", encoded_after[] = "?=";
enum { BEFORE = sizeof(encoded_before) - 1, AFTER = sizeof(encoded_after) - 1 };

/* Without white space around it; false when it holds what a header may not. */
static bool header_text(const char *value, struct json_span *out)
{
	size_t len = strlen(value);
	for (; len > 0 && is_space(*value); len--)
		value++;
	while (len > 0 && is_space(value[len - 1]))
		len--;
	*out = (struct json_span){.p = value, .len = len};
	return is_visible(value, len);
}

static bool is_encoded(struct json_span s)
{
	return s.len >= BEFORE + AFTER && memcmp(s.p, encoded_before, BEFORE) == 0 &&
	       memcmp(s.p + s.len - AFTER, encoded_after, AFTER) == 0;
}

static bool header_decode(struct json_span s, struct buf *out)
{
	AUTO(str_t) inner = str_ndup(s.p + BEFORE, s.len - BEFORE - AFTER);
	size_t n = 0;
	AUTO(str_t) plain = base64_decode(inner, &n);
	return plain && !memchr(plain, '\0', n) && buf_add(out, plain, n) == 0;
}

bool era_header_read(const char *value, struct buf *out)
{
	struct json_span text;
	if (!header_text(value, &text))
		return false;
	return is_encoded(text) ? header_decode(text, out) : buf_add(out, text.p, text.len) == 0;
}

/* Of nearly all requests as it stands, with nothing to decode. */
static bool header_says(const char *header, const char *wanted, size_t len)
{
	AUTO(buf_t) decoded = {.limit = 8192};
	struct json_span text;
	if (!header || !header_text(header, &text))
		return false;
	if (is_encoded(text)) {
		if (!header_decode(text, &decoded))
			return false;
		text = (struct json_span){.p = buf_text(&decoded), .len = decoded.len};
	}
	return text.len == len && memcmp(text.p, wanted, len) == 0;
}

bool era_header_repeats(const char *header, const struct json *value)
{
	const char *text = json_string(value);
	if (json_type(value) == JSON_BOOL)
		text = json_bool(value, false) ? "true" : "false";
	struct json_span raw = json_raw(value);
	if (json_type(value) == JSON_NUMBER)
		return header_says(header, raw.p, raw.len);
	return text && header_says(header, text, strlen(text));
}

/* ---- the gate ---- */

static void refuse(struct verdict *v, int code, int status, const char *message)
{
	v->code = code;
	v->status = status;
	(void)snprintf(v->message, sizeof(v->message), "%s", message);
}

/* The member whose value the header Mcp-Name repeats. */
static const char *name_member(const char *method)
{
	static const struct {
		const char *method, *member;
	} names[] = {
		{"tools/call", "name"},  {"prompts/get", "name"},    {"resources/read", "uri"},
		{"tasks/get", "taskId"}, {"tasks/update", "taskId"}, {"tasks/cancel", "taskId"},
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_equal(names[i].method, method))
			return names[i].member;
	return NULL;
}

static bool method_repeated(const struct era_head *h, const char *method)
{
	return header_says(h->method, method, strlen(method));
}

/* What the headers must say again. */
static void judge_headers(const struct era_head *h, const struct rpc_message *m, struct verdict *v)
{
	const char *member = name_member(m->method);
	const struct json *name = member ? json_get(m->params, member) : NULL;
	if (!method_repeated(h, m->method))
		refuse(v, RPC_HEADERS, 400,
		       h->method ? "The header Mcp-Method differs from the method"
				 : "The header Mcp-Method is missing");
	else if (name && !era_header_repeats(h->name, name))
		refuse(v, RPC_HEADERS, 400,
		       h->name ? "The header Mcp-Name differs from what is named"
			       : "The header Mcp-Name is missing");
}

static void judge_modern(const struct era_head *h, const struct rpc_message *m,
			 const struct json *version, struct verdict *v)
{
	const struct json *capabilities = json_get(m->meta, META_PREFIX "clientCapabilities");
	v->era = ERA_MODERN;
	v->version = VERSION_MODERN;
	if (!json_string(version))
		refuse(v, RPC_PARAMS, 400,
		       "params._meta must name io.modelcontextprotocol/protocolVersion, a string");
	else if (h->http && !era_header_repeats(h->version, version))
		refuse(v, RPC_HEADERS, 400,
		       h->version ? "The header MCP-Protocol-Version differs from params._meta"
				  : "The header MCP-Protocol-Version is missing");
	else if (!str_equal(json_string(version), VERSION_MODERN))
		refuse(v, RPC_VERSION, 400, "Unsupported protocol version");
	else if (m->kind == RPC_REQUEST && json_type(capabilities) != JSON_OBJECT)
		refuse(v, RPC_PARAMS, 400,
		       "params._meta must have io.modelcontextprotocol/clientCapabilities, "
		       "an object");
	else if (h->http)
		judge_headers(h, m, v);
}

/* The header speaks of a modern version, the body of none. */
static void judge_bare(const struct rpc_message *m, struct verdict *v)
{
	v->era = ERA_MODERN;
	v->version = VERSION_MODERN;
	if (m->kind == RPC_RESPONSE)
		refuse(v, RPC_NO_REQUEST, 400, "No response was asked for");
	else if (m->kind == RPC_REQUEST && str_equal(m->method, "initialize"))
		refuse(v, RPC_HEADERS, 400,
		       "initialize belongs to older versions than MCP-Protocol-Version says");
	else if (m->kind == RPC_REQUEST)
		refuse(v, RPC_PARAMS, 400,
		       "params._meta must name io.modelcontextprotocol/protocolVersion and "
		       "io.modelcontextprotocol/clientCapabilities");
}

static void judge_legacy(const struct era_head *h, const char *agreed, const char *said,
			 struct verdict *v)
{
	v->era = ERA_LEGACY;
	v->version = agreed ? agreed : h->http ? VERSION_BATCH : VERSION_LATEST;
	if (!said)
		return;
	const char *known = era_legacy(said, h->http);
	if (known)
		v->version = known;
	else
		refuse(v, RPC_NO_REQUEST, 400,
		       "Unsupported protocol version in the header MCP-Protocol-Version; there are "
		       "2026-07-28, 2025-11-25, 2025-06-18 and 2025-03-26");
}

static void judge_by_header(const struct era_head *h, const struct rpc_message *m,
			    const char *agreed, struct verdict *v)
{
	AUTO(buf_t) said = {.limit = 256};
	if (h->version && !era_header_read(h->version, &said)) {
		judge_legacy(h, agreed, "", v);
		return;
	}
	const char *version = h->version ? buf_text(&said) : NULL;
	if (version && era_since(version, VERSION_MODERN))
		judge_bare(m, v);
	else
		judge_legacy(h, agreed, version, v);
}

void era_judge(const struct era_head *h, const struct rpc_message *m, const char *agreed,
	       struct verdict *v)
{
	const struct json *version = json_get(m->meta, META_PREFIX "protocolVersion");
	*v = (struct verdict){.status = 200};
	if (version && m->kind != RPC_BROKEN)
		judge_modern(h, m, version, v);
	else
		judge_by_header(h, m, agreed, v);
	if (m->kind == RPC_BROKEN) {
		char text[200];
		(void)snprintf(text, sizeof(text), "Not a JSON-RPC message: %s", m->broken);
		refuse(v, RPC_NO_REQUEST, 400, text);
	}
}

void era_judge_batch(const struct era_head *h, const char *agreed, struct verdict *v)
{
	const struct rpc_message none = {.kind = RPC_NOTIFICATION};
	*v = (struct verdict){.status = 200};
	judge_by_header(h, &none, agreed, v);
	if (v->code)
		return;
	if (v->era == ERA_MODERN || era_since(v->version, "2025-06-18"))
		refuse(v, RPC_NO_REQUEST, 400, "Batches belong to 2025-03-26 alone");
}
