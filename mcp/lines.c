/*
 * Lines: a connection with one message a line, both ways. It remembers what initialize agreed on;
 * all else is judged message by message. While too much of it runs, no line is taken.
 */
#include "mcp/private.h"

#include <stdlib.h>

#define LINES_OPEN_MAX 32

struct line_conn {
	struct server_lines *lines; /* NULL = it is over */
	struct principal who;
	struct session session;
	size_t open; /* parcels */
	bool ended;  /* no more comes */
};

/* Takes the parcel, which may have been the last that was waited for. */
static void lines_settle(struct parcel *p)
{
	struct line_conn *c = p->owner;
	parcel_free(p);
	c->open--;
	if (!c->lines)
		return;
	server_lines_hold(c->lines, c->open >= LINES_OPEN_MAX);
	if (c->ended && c->open == 0)
		server_lines_end(c->lines);
}

/* A peer that does not read is not waited for. */
static void lines_push(struct parcel *p, const struct buf *text)
{
	const struct line_conn *c = p->owner;
	AUTO(buf_t) line = {0};
	if (!c->lines || !text->len)
		return;
	(void)buf_add(&line, text->data, text->len);
	(void)buf_char(&line, '\n');
	if (server_lines_push(c->lines, line.data, line.len) < 0)
		server_lines_end(c->lines);
}

static void lines_answer(struct parcel *p, int status, struct buf *text)
{
	(void)status;
	lines_push(p, text);
	lines_settle(p);
}

static void lines_agreed(struct parcel *p, const struct session *s)
{
	struct line_conn *c = p->owner;
	c->session = *s;
	c->who = p->who;
}

static bool lines_stream(const struct parcel *p)
{
	(void)p;
	return true;
}

static const struct carrier lines_carrier = {
	.answer = lines_answer,
	.message = lines_push,
	.finish = lines_settle,
	.agreed = lines_agreed,
	.streams = lines_stream,
};

void mcp_lines(struct mcp *m, struct server_lines *lines, const struct principal *who)
{
	struct line_conn *c = mem_alloc(sizeof(*c));
	(void)m;
	c->lines = lines;
	c->who = *who;
	server_lines_set_context(lines, c);
}

static struct parcel *lines_parcel(struct mcp *m, struct line_conn *c)
{
	struct parcel *p = parcel_new(m, &lines_carrier, c, &c->who);
	p->session = c->session;
	c->open++;
	server_lines_hold(c->lines, c->open >= LINES_OPEN_MAX);
	return p;
}

void mcp_line(struct mcp *m, struct server_lines *lines, const char *text, size_t len)
{
	struct line_conn *c = server_lines_context(lines);
	parcel_take(lines_parcel(m, c), text, len);
}

void mcp_lines_too_long(struct mcp *m, struct server_lines *lines)
{
	struct line_conn *c = server_lines_context(lines);
	parcel_refuse(lines_parcel(m, c), 413, RPC_NO_REQUEST,
		      "The message is longer than 1 MiB and was not read");
}

void mcp_lines_ended(struct mcp *m, struct server_lines *lines)
{
	struct line_conn *c = server_lines_context(lines);
	c->ended = true;
	listens_end(m, c);
	if (c->open == 0)
		server_lines_end(lines);
}

void mcp_lines_gone(struct mcp *m, struct server_lines *lines)
{
	struct line_conn *c = server_lines_context(lines);
	if (!c)
		return;
	server_lines_set_context(lines, NULL);
	c->lines = NULL;
	LIST_EACH (it, &m->parcels) {
		struct parcel *p = LIST_OF(it, struct parcel, node);
		if (p->owner == c)
			parcel_free(p);
	}
	free(c);
}
