/* A carrier that keeps what it is given, on a desk with a real store and no network. */
#ifndef UNIT_MCP_FAKE_CARRIER_H
#define UNIT_MCP_FAKE_CARRIER_H

#include "tests/unit/ops/write_desk.h"

#include "mcp/private.h"

#define HEADERS_MAX 8

struct fake {
	struct desk *desk;
	struct mcp *mcp;
	struct parcel *parcel;
	const struct principal *who;
	const char *headers[HEADERS_MAX][2]; /* name, value; the first NULL ends them */
	struct session agreed;
	bool streams; /* messages begin a stream, as over HTTP */
	int answers, finished, messages;
	int status;
	struct json_doc *doc; /* the last answer */
	struct buf text;
	struct strlist sent; /* all messages */
};

static inline void fake_keep(struct fake *f, const struct buf *text)
{
	struct err e;
	buf_reset(&f->text);
	(void)buf_add(&f->text, text->data, text->len);
	json_doc_free(f->doc);
	f->doc = NULL;
	if (text->len && json_parse(text->data, text->len, NULL, &f->doc, &e) < 0)
		fail_msg("%s: %s", e.message, text->data);
	assert_null(text->len ? strchr(buf_text(text), '\n') : NULL);
}

static inline void fake_answer(struct parcel *p, int status, struct buf *text)
{
	struct fake *f = p->owner;
	f->answers++;
	f->status = status;
	fake_keep(f, text);
}

static inline void fake_message(struct parcel *p, const struct buf *text)
{
	struct fake *f = p->owner;
	p->streaming = f->streams;
	f->messages++;
	fake_keep(f, text);
	strlist_add(&f->sent, buf_text(text));
}

static inline void fake_finish(struct parcel *p)
{
	struct fake *f = p->owner;
	f->finished++;
}

static inline void fake_agreed(struct parcel *p, const struct session *s)
{
	struct fake *f = p->owner;
	f->agreed = *s;
}

static inline const char *fake_header(const struct parcel *p, const char *name)
{
	const struct fake *f = p->owner;
	for (int i = 0; i < HEADERS_MAX && f->headers[i][0]; i++)
		if (strcasecmp(f->headers[i][0], name) == 0)
			return f->headers[i][1];
	return NULL;
}

static inline bool fake_streams(const struct parcel *p)
{
	const struct fake *f = p->owner;
	return f->streams;
}

static const struct carrier fake_http = {
	.answer = fake_answer,
	.message = fake_message,
	.finish = fake_finish,
	.agreed = fake_agreed,
	.header = fake_header,
	.streams = fake_streams,
};
static const struct carrier fake_lines = {
	.answer = fake_answer,
	.message = fake_message,
	.finish = fake_finish,
	.agreed = fake_agreed,
	.streams = fake_streams,
};

static const struct principal model_operator = {
	.role = ROLE_OPERATOR, .door = OP_DOOR_MCP, .uid = 5, .name = "games (uid 5)"};
static const struct principal model_viewer = {
	.role = ROLE_VIEWER, .door = OP_DOOR_MCP, .uid = 6, .name = "man (uid 6)"};

static inline void fake_forget(struct fake *f)
{
	if (f->parcel)
		parcel_free(f->parcel);
	f->parcel = NULL;
	f->answers = f->finished = f->messages = f->status = 0;
	buf_free(&f->text);
	strlist_free(&f->sent);
	json_doc_free(f->doc);
	f->doc = NULL;
}

static inline int fake_open(void **state)
{
	struct fake *f = mem_alloc(sizeof(*f));
	void *desk = NULL;
	assert_int_equal(desk_open(&desk), 0);
	f->desk = desk;
	f->mcp = mcp_new(f->desk->loop, &f->desk->ops);
	f->who = &model_operator;
	f->streams = true;
	*state = f;
	return 0;
}

static inline int fake_close(void **state)
{
	struct fake *f = *state;
	void *desk = f->desk;
	fake_forget(f);
	assert_true(list_empty(&f->mcp->parcels));
	mcp_free(f->mcp);
	free(f);
	return desk_close(&desk);
}

/* What came in is read; the answer may still be to come. */
static inline void fake_begin(struct fake *f, const struct carrier *carrier, const char *text)
{
	fake_forget(f);
	f->parcel = parcel_new(f->mcp, carrier, f, f->who);
	f->parcel->session = f->agreed;
	parcel_take(f->parcel, text, strlen(text));
}

static inline void fake_wait(struct fake *f)
{
	for (int turns = 0; !f->answers && !f->finished && turns < 20000; turns++)
		loop_turn(f->desk->loop);
	assert_int_equal(f->answers + f->finished, 1);
}

/* The answer, a whole message; NULL = there was nothing to answer. */
static inline const struct json *fake_take(struct fake *f, const struct carrier *carrier,
					   const char *text)
{
	fake_begin(f, carrier, text);
	fake_wait(f);
	return json_root(f->doc);
}

#define META                                                                                       \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* A modern request over lines; params without braces, "" = none. */
static inline const struct json *fake_ask(struct fake *f, const char *method, const char *params)
{
	AUTO(str_t)
	text = str_format("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":{%s%s%s}}",
			  method, META, *params ? "," : "", params);
	return fake_take(f, &fake_lines, text);
}

/* The result of a tool, asked for in the modern way. */
static inline const struct json *fake_tool(struct fake *f, const char *name, const char *args)
{
	AUTO(str_t) params = str_format("\"name\":\"%s\",\"arguments\":%s", name, args);
	return json_get(fake_ask(f, "tools/call", params), "result");
}

static inline int64_t fake_code(const struct fake *f)
{
	return json_get_int(json_get(json_root(f->doc), "error"), "code", 0);
}

#define FAKE_TEST(name) cmocka_unit_test_setup_teardown(name, fake_open, fake_close)

#endif
