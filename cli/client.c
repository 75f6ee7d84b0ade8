/* One call over the Unix socket. */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/http.h"

enum { PROGRESS_AFTER_MS = 400, PROGRESS_EVERY_MS = 200 };

struct visit {
	struct loop *loop;
	struct http_req req;
	struct timer tick;
	const char *progress;
	int64_t started_ms;
	unsigned turns;
};

/* ---- the line that shows that it goes on ---- */

static void progress_shown(struct timer *t, void *owner)
{
	static const char marks[] = "|/-\\";
	struct visit *v = owner;
	int64_t s = (clock_mono_ms() - v->started_ms) / 1000;

	(void)fprintf(stderr, "\r%c %s, %lld s\033[K", marks[v->turns++ % 4], v->progress,
		      (long long)s);
	(void)fflush(stderr);
	timer_start(t, PROGRESS_EVERY_MS);
}

static void progress_start(struct visit *v)
{
	v->started_ms = clock_mono_ms();
	timer_init(&v->tick, v->loop, progress_shown, v);
	if (v->progress)
		timer_start(&v->tick, PROGRESS_AFTER_MS);
}

static void progress_stop(struct visit *v)
{
	timer_stop(&v->tick);
	if (v->turns == 0)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
}

/* ---- why the daemon is not reached ---- */

/* The library does not tell errno, and what to do depends on it: so the door is tried by hand. */
static int open_door(const char *path, fd_t *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	if (!str_copy(address.sun_path, sizeof(address.sun_path), path))
		return ENAMETOOLONG;
	if (connect(*fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno;
	return 0;
}

static int try_door(const char *path)
{
	AUTO(fd_t) fd = -1;

	return open_door(path, &fd);
}

int client_connect(const char *path, int *fd, struct err *e)
{
	AUTO(fd_t) opened = -1;

	if (open_door(path, &opened))
		return client_unreachable(path, e);
	*fd = opened;
	opened = -1;
	return 0;
}

int client_unreachable(const char *path, struct err *e)
{
	static const char start_it[] =
		"Is aditd running (systemctl status aditd)? Another socket is named by --socket or "
		"ADIT_SOCKET.";
	int number = try_door(path);

	switch (number) {
	case 0:
		(void)err_set(e, ERR_UPSTREAM,
			      "The daemon at %.120s closed the connection without an answer", path);
		return err_hint(e, "What it was asked may have been done: see adit status, and "
				   "aditd's log for the reason.");
	case EACCES:
	case EPERM:
		(void)err_set(e, ERR_DENIED,
			      "The daemon cannot be reached: you may not open its socket %.120s",
			      path);
		return err_hint(e, "Your user must be in one of the groups that `access` names in "
				   "adit.yaml; or use sudo.");
	case ENOENT:
	case ENOTDIR:
		(void)err_set(e, ERR_NOT_FOUND,
			      "The daemon cannot be reached: there is no socket %.120s", path);
		return err_hint(e, "%s", start_it);
	case ECONNREFUSED:
		(void)err_set(e, ERR_NOT_FOUND,
			      "The daemon cannot be reached: nobody listens on the socket %.120s",
			      path);
		return err_hint(e, "%s", start_it);
	default:
		(void)err_set(e, ERR_UPSTREAM, "The daemon cannot be reached at %.120s: %s", path,
			      strerror(number));
		return err_hint(e, "%s", start_it);
	}
}

static int tell_failure(const struct client_call *c, const struct visit *v, struct err *e)
{
	if (v->req.task.err.kind != ERR_TIMEOUT)
		return client_unreachable(c->socket, e);
	(void)err_set(e, ERR_TIMEOUT, "The daemon did not answer within %lld s",
		      (long long)(c->timeout_ms / 1000));
	return err_hint(e, "What it was asked may still be done: see adit status.");
}

/* ---- the call ---- */

static void answer_came(struct task *t, void *owner)
{
	struct visit *v = owner;

	(void)t;
	loop_stop(v->loop);
}

static void visit_start(struct visit *v, struct http *pool, const struct client_call *c,
			const char *url)
{
	const char *const headers[] = {"Content-Type: application/json", "Accept: application/json",
				       c->header, NULL};

	v->req.method = "POST";
	v->req.url = url;
	v->req.unix_socket = c->socket;
	v->req.headers = headers;
	v->req.body = buf_text(c->body);
	v->req.body_len = c->body->len;
	v->req.timeout_ms = c->timeout_ms;
	progress_start(v);
	http_start(pool, &v->req, answer_came, v);
}

int client_run(struct client_call *c, struct err *e)
{
	struct visit v = {.progress = c->progress};
	AUTO(str_t)
	url = str_format("http://localhost%s%s", c->operation ? "/v1/" : c->path,
			 c->operation ? c->operation : "");
	int rc = 0;

	v.loop = loop_new();
	struct http *pool = http_new(v.loop, NULL);
	visit_start(&v, pool, c, url);
	loop_run(v.loop);
	progress_stop(&v);
	c->reached = v.req.task.err.kind == ERR_NONE;
	c->status = v.req.status;
	if (c->reached)
		rc = buf_add(&c->answer, buf_text(&v.req.answer), v.req.answer.len);
	else
		rc = tell_failure(c, &v, e);
	http_req_reset(&v.req);
	http_free(pool);
	loop_free(v.loop);
	return rc;
}

void client_free(struct client_call *c)
{
	buf_free(&c->answer);
}
