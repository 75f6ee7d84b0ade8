/*
 * The least that loop/server can do: answer every request on a Unix socket with the same BYTES
 * bytes. What status_get takes longer than this is its own work: who asks, the ledger's rules,
 * decoding, rendering. With a TOKEN it listens on an address, "127.0.0.1:7438", and answers its
 * bearer alone. With TOOL, too, it is the least MCP server: it reads the request, knows one tool,
 * and makes an answer that holds BYTES bytes.
 *
 * bench-echo SOCKET BYTES | bench-echo ADDRESS BYTES TOKEN [TOOL]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "loop/server.h"

struct echo {
	struct buf body;
	char known[SHA256_HEX_SIZE]; /* of "Bearer TOKEN"; "" = nobody is asked */
	const char *tool;            /* NULL = the body is the answer to everything */
};

static bool may(const struct echo *x, const struct server_req *r)
{
	const char *said = server_req_header(r, "Authorization");
	char hash[SHA256_HEX_SIZE];

	if (!x->known[0])
		return true;
	if (!said)
		return false;
	sha256_hex(said, strlen(said), hash);
	return const_time_equal(hash, x->known, sizeof(hash));
}

static void write_result(const struct echo *x, const struct json *id, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "jsonrpc", "2.0");
	json_write_key(&w, "id");
	json_write_value(&w, id);
	json_write_key(&w, "result");
	json_object_begin(&w);
	json_put_string(&w, "resultType", "complete");
	json_write_key(&w, "content");
	json_array_begin(&w);
	json_array_end(&w);
	json_write_key(&w, "structuredContent");
	json_object_begin(&w);
	json_put_string(&w, "status", "ok");
	json_put_string(&w, "text", buf_text(&x->body));
	json_object_end(&w);
	json_object_end(&w);
	json_object_end(&w);
}

static void call_tool(const struct echo *x, struct server_req *r)
{
	const struct buf *body = server_req_body(r);
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) out = {0};
	const struct json *root, *params;
	struct err e;

	if (json_parse(buf_text(body), body->len, NULL, &doc, &e) < 0) {
		server_reply(r, 400, "text/plain", "", 0, NULL);
		return;
	}
	root = json_root(doc);
	params = json_get(root, "params");
	if (!str_equal(json_get_string(root, "method"), "tools/call") ||
	    !str_equal(json_get_string(params, "name"), x->tool)) {
		server_reply(r, 404, "text/plain", "", 0, NULL);
		return;
	}
	write_result(x, json_get(root, "id"), &out);
	server_reply_taken(r, 200, "application/json", &out, NULL);
}

static void answer(struct server_req *r, void *owner)
{
	const struct echo *x = owner;

	if (!may(x, r))
		server_reply(r, 401, "text/plain", "", 0, NULL);
	else if (x->tool)
		call_tool(x, r);
	else
		server_reply(r, 200, "application/json", x->body.data, x->body.len, NULL);
}

static void over(struct server_req *r, void *owner)
{
	(void)r;
	(void)owner;
}

static void know(struct echo *x, const char *token)
{
	char *bearer = str_format("Bearer %s", token);

	sha256_hex(bearer, strlen(bearer), x->known);
	free(bearer);
}

int main(int argc, char **argv)
{
	struct echo x = {0};
	struct err e = {0};
	int fd = -1;

	if (argc < 3 || argc > 5)
		return 64;
	if (argc > 3)
		know(&x, argv[3]);
	x.tool = argc == 5 ? argv[4] : NULL;
	for (int i = 0; i < (int)strtol(argv[2], NULL, 10); i++)
		buf_char(&x.body, 'x');
	struct server_handler handler = {.request = answer, .gone = over, .owner = &x};
	struct loop *loop = loop_new();
	struct server *server = server_new(loop, &(struct server_limits){0}, &handler);
	int made = argc > 3 ? server_socket_tcp(argv[1], &fd, &e)
			    : server_socket_unix(argv[1], 0600, (gid_t)-1, &fd, &e);
	if (made < 0 || server_listen(server, fd, 0, &e) < 0) {
		fprintf(stderr, "bench-echo: %s\n", e.message);
		return 1;
	}
	loop_run(loop);
	return 0;
}
