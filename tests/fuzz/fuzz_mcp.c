/*
 * Any bytes as a message of MCP, with any headers: what it is, which era it belongs to and whether
 * it passes the gate. What passes must be a message; what is refused must say why; an error made
 * of it must be JSON. The first three lines are headers, the rest is
 * the body.
 */
#include "mcp/era.h"
#include "mcp/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct rpc_message *m, const struct verdict *v)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	struct err e;
	json_write_init(&w, &out);
	rpc_put_error(m->id, v->code, v->message, NULL, &w);
	require(json_check(out.data, out.len, NULL, &e) == 0);
	require(v->status >= 400 && v->message[0]);
}

static void check_message(const struct era_head *h, const struct json *v, const char *agreed)
{
	struct rpc_message m;
	struct verdict verdict;
	rpc_read(v, &m);
	era_judge(h, &m, agreed, &verdict);
	require(verdict.era == ERA_MODERN || verdict.era == ERA_LEGACY);
	require(verdict.version != NULL);
	if (verdict.code) {
		check_error(&m, &verdict);
		return;
	}
	require(m.kind != RPC_BROKEN);
	require(m.kind != RPC_REQUEST || (m.id && m.method));
	require(verdict.era == ERA_LEGACY || m.kind != RPC_RESPONSE);
	require(rpc_id_equal(m.id, m.id) == (m.id != NULL));
}

static void check_all(const struct era_head *h, const char *body)
{
	AUTO(json_doc_t) doc = NULL;
	struct verdict v;
	struct err e;
	era_judge_batch(h, NULL, &v);
	if (json_parse(body, strlen(body), NULL, &doc, &e) < 0)
		return;
	check_message(h, json_root(doc), NULL);
	check_message(h, json_root(doc), VERSION_BATCH);
	JSON_EACH (item, json_root(doc))
		check_message(h, item, VERSION_LATEST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char key[SESSION_KEY] = {1};
	AUTO(str_t) text = str_ndup((const char *)data, size);
	const char *parts[4] = {"", "", "", ""};
	struct session s;
	char *at = text;
	for (size_t i = 0; i < ARRAY_LEN(parts) && at; i++) {
		parts[i] = at;
		at = i + 1 < ARRAY_LEN(parts) ? strchr(at, '\n') : NULL;
		if (at)
			*at++ = '\0';
	}
	const struct era_head http = {
		.http = true, .version = parts[0], .method = parts[1], .name = parts[2]};
	const struct era_head bare = {.http = true}, lines = {.http = false};
	check_all(&http, parts[3]);
	check_all(&bare, parts[3]);
	check_all(&lines, parts[3]);
	require(!session_read(key, parts[0], "nobody", 0, &s));
	return 0;
}
