/*
 * On a terminal the page of `adit status`, drawn again with each change; else one line per change,
 * or with --json each event as it came. The daemon may go and come back meanwhile: it is asked
 * again, from the last event on.
 */
#include "cli/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/board.h"
#include "cli/client.h"
#include "cli/outcome.h"
#include "cli/session.h"
#include "cli/sse.h"
#include "loop/http.h"

enum { RETRY_MS = 500, RAW_MOST = 64 << 10 };

#define SCREEN_ON  "\033[?1049h\033[H\033[2J"
#define SCREEN_OFF "\033[?1049l"

struct live {
	const struct cli *cli;
	struct loop *loop;
	struct http *pool;
	struct http_req req;
	struct sse sse;
	struct buf raw; /* the beginning of the answer, which may be an error */
	struct board board;
	struct buf status; /* terminal: the last status, as JSON */
	struct timer again;
	struct signal_watch interrupt, terminate, resize;
	char place[64]; /* the last event's id */
	bool screen;    /* the terminal shows our page */
	bool reached;   /* the daemon was there before */
	bool gone;      /* and is not now, which was told */
	bool told;      /* of this stream an event came */
	int code;
};

static void finish(struct live *v, int code)
{
	v->code = code;
	v->sse.stop = true;
	loop_stop(v->loop);
}

static void put(struct live *v, const struct buf *text)
{
	if (text->len && !session_write(text))
		finish(v, EXIT_FAILED);
}

/* ---- the terminal ---- */

static size_t terminal_rows(void)
{
	struct winsize size = {0};

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 24;
}

/* The first lines of the page, each cleared to its end; the last row is ours. */
static void page_frame(const struct live *v, const char *page, struct buf *out)
{
	size_t rows = terminal_rows() - 1;

	(void)buf_str(out, "\033[H");
	for (; *page && rows > 0; rows--) {
		size_t len = strcspn(page, "\n");

		(void)buf_add(out, page, len);
		(void)buf_str(out, "\033[K\n");
		page += len + (page[len] == '\n');
	}
	(void)buf_str(out, *page ? "... " : "");
	(void)buf_str(out, v->gone ? "daemon is not reachable, retrying" : "Ctrl-C ends");
	(void)buf_str(out, "\033[J");
}

static void page_draw(struct live *v)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) page = {0};
	AUTO(buf_t) frame = {0};
	struct style s;
	struct err ignored;

	if (!v->screen || !v->status.len ||
	    json_parse(buf_text(&v->status), v->status.len, NULL, &doc, &ignored) < 0)
		return;
	session_style(STDOUT_FILENO, v->cli->colour, &s);
	print_status(json_root(doc), &s, &page);
	page_frame(v, buf_text(&page), &frame);
	put(v, &frame);
}

static void screen_begin(struct live *v)
{
	AUTO(buf_t) text = {0};

	if (!v->screen || v->reached)
		return;
	(void)buf_str(&text, SCREEN_ON);
	put(v, &text);
}

static void screen_end(struct live *v)
{
	AUTO(buf_t) text = {0};

	if (!v->screen || !v->reached)
		return;
	(void)buf_str(&text, SCREEN_OFF);
	put(v, &text);
}

static void resized(struct signal_watch *w, int signo, void *owner)
{
	(void)w, (void)signo;
	page_draw(owner);
}

/* ---- events ---- */

static void event_show(struct live *v, const struct json *event)
{
	AUTO(buf_t) text = {0};
	struct style s;

	if (v->screen) {
		const struct json *status = json_get(event, "status");
		if (status) {
			buf_reset(&v->status);
			json_print(status, &v->status);
		}
		page_draw(v);
		return;
	}
	session_style(STDOUT_FILENO, v->cli->colour, &s);
	board_take(&v->board, event, &s, &text);
	put(v, &text);
}

static void event_came(const struct sse_event *ev, void *owner)
{
	static const struct json_limits limits = {.max_bytes = SSE_MOST};
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) line = {0};
	struct live *v = owner;
	struct err ignored;

	screen_begin(v);
	if (v->gone && !v->screen && !v->cli->json)
		(void)fputs("adit: the daemon is reachable again\n", stderr);
	v->reached = v->told = true;
	v->gone = false;
	buf_free(&v->raw);
	(void)str_copy(v->place, sizeof(v->place), ev->id);
	if (v->cli->json) {
		(void)buf_add(&line, ev->data, ev->len);
		(void)buf_char(&line, '\n');
		put(v, &line);
	} else if (json_parse(ev->data, ev->len, &limits, &doc, &ignored) == 0) {
		event_show(v, json_root(doc));
	}
}

/* ---- the stream, again and again ---- */

static void piece_came(struct http_req *r, const char *data, size_t len)
{
	struct live *v = (struct live *)(void *)((char *)r - offsetof(struct live, req));

	if (!v->told && v->raw.len + len <= RAW_MOST)
		(void)buf_add(&v->raw, data, len);
	sse_add(&v->sse, data, len);
}

/* What the daemon answered instead of a stream. */
static void refused(struct live *v)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e = {0};

	screen_end(v);
	v->screen = false;
	if (json_parse(buf_text(&v->raw), v->raw.len, NULL, &doc, &e) == 0)
		json_read_err(json_get(json_root(doc), "error"), &e);
	if (v->cli->json)
		put(v, &v->raw);
	else
		session_tell(&e, v->cli->colour);
	finish(v, err_kind_exit(e.kind));
}

static void not_reached(struct live *v)
{
	struct err e;

	if (!v->reached) {
		(void)client_unreachable(session_socket(v->cli), &e);
		session_tell(&e, v->cli->colour);
		finish(v, EXIT_UNREACHABLE);
		return;
	}
	if (!v->gone && !v->screen)
		(void)fputs("adit: the daemon is not reachable, retrying\n", stderr);
	v->gone = true;
	page_draw(v);
	timer_start(&v->again, RETRY_MS);
}

static void stream_ended(struct task *t, void *owner)
{
	struct live *v = owner;
	bool answered = t->err.kind == ERR_NONE;

	if (answered && v->req.status >= 400)
		refused(v);
	else
		not_reached(v);
}

static void stream_begin(struct live *v)
{
	AUTO(str_t)
	last = str_format("Last-Event-ID: %s", v->place);
	AUTO(str_t)
	url = str_format("http://localhost/v1/watch%s", v->screen ? "?view=status" : "");
	const char *headers[] = {"Accept: text/event-stream", v->place[0] ? last : NULL, NULL};

	v->told = false;
	buf_free(&v->raw);
	sse_restart(&v->sse);
	http_req_reset(&v->req);
	v->req.method = "GET";
	v->req.url = url;
	v->req.unix_socket = session_socket(v->cli);
	v->req.headers = headers;
	v->req.timeout_ms = -1;
	v->req.piece = piece_came;
	http_start(v->pool, &v->req, stream_ended, v);
}

static void try_again(struct timer *t, void *owner)
{
	(void)t;
	stream_begin(owner);
}

static void stopped(struct signal_watch *w, int signo, void *owner)
{
	(void)w, (void)signo;
	finish(owner, EXIT_DONE);
}

int watch_run(const struct cli *c)
{
	struct live v = {.cli = c, .code = EXIT_DONE};

	v.screen = !c->json && isatty(STDOUT_FILENO) && !str_equal(getenv("TERM"), "dumb");
	v.loop = loop_new();
	v.pool = http_new(v.loop, NULL);
	sse_init(&v.sse, event_came, &v);
	timer_init(&v.again, v.loop, try_again, &v);
	signal_start(&v.interrupt, v.loop, SIGINT, stopped, &v);
	signal_start(&v.terminate, v.loop, SIGTERM, stopped, &v);
	signal_start(&v.resize, v.loop, SIGWINCH, resized, &v);
	stream_begin(&v);
	loop_run(v.loop);
	screen_end(&v);
	signal_stop(&v.interrupt);
	signal_stop(&v.terminate);
	signal_stop(&v.resize);
	timer_stop(&v.again);
	http_cancel(&v.req);
	http_req_reset(&v.req);
	http_free(v.pool);
	loop_free(v.loop);
	sse_free(&v.sse);
	buf_free(&v.raw);
	buf_free(&v.status);
	board_free(&v.board);
	return v.code;
}
