/* The daemon is asked once a second for what came behind the newest line that was shown. */
#include "cli/follow.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/outcome.h"
#include "cli/session.h"
#include "loop/loop.h"

enum { ASK_EVERY_MS = 1000 };

struct follow {
	const struct cli *cli;
	struct loop *loop;
	struct timer again;
	struct signal_watch interrupt, terminate;
	char *newest; /* place of the newest line; NULL = nothing was shown yet */
	bool gone;    /* the daemon is not there, which was told */
	int code;
};

static void finish(struct follow *f, int code)
{
	f->code = code;
	loop_stop(f->loop);
}

/* What was asked on the command line, for what came since. */
static void body_of(const struct follow *f, struct buf *out)
{
	const struct buf *asked = &f->cli->body;
	struct json_writer w;

	if (!f->newest) {
		(void)buf_add(out, asked->data, asked->len);
		return;
	}
	(void)buf_add(out, asked->data, asked->len - 1); /* less the last brace */
	(void)buf_str(out, asked->len > 2 ? ",\"after\":" : "\"after\":");
	json_write_init(&w, out);
	json_write_string(&w, f->newest);
	(void)buf_char(out, '}');
}

static void show(struct follow *f, const struct client_call *call, const struct json *result)
{
	AUTO(buf_t) text = {0};
	struct style s;

	if (f->gone)
		(void)fputs("adit: the daemon is reachable again\n", stderr);
	f->gone = false;
	if (json_get_string(result, "newest"))
		str_set(&f->newest, json_get_string(result, "newest"));
	if (json_count(json_get(result, "items")) == 0)
		return;
	session_style(STDOUT_FILENO, f->cli->colour, &s);
	if (!f->cli->json)
		print_log(result, &s, &text);
	if (!session_write(f->cli->json ? &call->answer : &text))
		finish(f, EXIT_FAILED);
}

static void not_reached(struct follow *f, const struct err *e)
{
	if (!f->newest) {
		finish(f, session_unanswered(f->cli, e));
		return;
	}
	if (!f->gone)
		(void)fputs("adit: the daemon is not reachable, retrying\n", stderr);
	f->gone = true;
}

static void ask(struct follow *f)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) body = {0};
	struct client_call call = {0};
	struct err e = {0};

	body_of(f, &body);
	if (session_call(f->cli, f->cli->op->name, &body, &call, &e) < 0) {
		not_reached(f, &e);
	} else {
		const struct json *result = session_answer(&call, &doc, &e);

		if (result)
			show(f, &call, result);
		else
			finish(f, session_refused(f->cli, &call, &e));
	}
	client_free(&call);
}

static void ask_again(struct timer *t, void *owner)
{
	ask(owner);
	timer_start(t, ASK_EVERY_MS);
}

static void stopped(struct signal_watch *w, int signo, void *owner)
{
	(void)w, (void)signo;
	finish(owner, EXIT_DONE);
}

int follow_run(const struct cli *c)
{
	struct follow f = {.cli = c, .code = EXIT_DONE};

	f.loop = loop_new();
	signal_start(&f.interrupt, f.loop, SIGINT, stopped, &f);
	signal_start(&f.terminate, f.loop, SIGTERM, stopped, &f);
	timer_init(&f.again, f.loop, ask_again, &f);
	timer_start(&f.again, 0);
	loop_run(f.loop);
	timer_stop(&f.again);
	signal_stop(&f.interrupt);
	signal_stop(&f.terminate);
	loop_free(f.loop);
	free(f.newest);
	return f.code;
}
