/* Between a program that speaks MCP and the daemon: its streams are handed over to the daemon, or
 * bytes are copied. */
#include "cli/mcp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/mcp_hand.h"
#include "cli/mcp_refused.h"
#include "cli/outcome.h"
#include "cli/session.h"
#include "loop/duct.h"

/* The daemon answers the upgrade from memory; what was asked for before the input ended is waited
 * for a little. */
enum { UPGRADE_MS = 10000, REST_MS = 2000, LOOK_MS = 100, PIECE = 65536 };

/* One direction. What is in it was read and not written yet. */
struct flow {
	int from, to;
	bool ended; /* nothing more comes from there */
	bool socket_to;
	size_t len, sent;
	char data[PIECE];
};

static volatile sig_atomic_t caught;

static void stop_asked(int signo)
{
	caught = signo;
}

/* They interrupt the waiting only, so that none is lost between a look and a wait. */
static void signals_prepare(sigset_t *open)
{
	struct sigaction a = {.sa_handler = stop_asked};
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &stops, open);
	sigdelset(open, SIGINT);
	sigdelset(open, SIGTERM);
	(void)sigaction(SIGINT, &a, NULL);
	(void)sigaction(SIGTERM, &a, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* ---- one direction ---- */

static void flow_read(struct flow *f)
{
	ssize_t n = read(f->from, f->data, sizeof(f->data));

	if (n > 0) {
		f->len = (size_t)n;
		f->sent = 0;
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		f->ended = true;
	}
}

/* -1: nobody takes it any more. A pipe that can be written takes this much without waiting. */
static int flow_write(struct flow *f)
{
	size_t rest = f->len - f->sent;
	ssize_t n = f->socket_to ? send(f->to, f->data + f->sent, rest, MSG_DONTWAIT | MSG_NOSIGNAL)
				 : write(f->to, f->data + f->sent, rest < 4096 ? rest : 4096);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	f->sent += (size_t)n;
	if (f->sent == f->len)
		f->len = f->sent = 0;
	return 0;
}

static bool flow_is_done(const struct flow *f)
{
	return f->ended && !f->len;
}

static void flow_init(struct flow *f, int from, int to)
{
	struct stat st;

	f->from = from;
	f->to = to;
	f->ended = false;
	f->len = f->sent = 0;
	f->socket_to = fstat(to, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* ---- both ---- */

enum outcome { INPUT_ENDED, STOPPED, DAEMON_LEFT, CLIENT_LEFT };

struct pump {
	struct flow up, down;
	sigset_t open;
	bool handed;        /* the daemon reads and writes itself, and says how that ends */
	bool broken;        /* the daemon takes no more; what it said last is still copied */
	bool told_end;      /* the daemon was told that no more comes */
	int64_t told_at_ms; /* and when */
};

static struct pollfd wanted(const struct flow *f)
{
	return f->len     ? (struct pollfd){.fd = f->to, .events = POLLOUT}
	       : f->ended ? (struct pollfd){.fd = -1}
			  : (struct pollfd){.fd = f->from, .events = POLLIN};
}

/* 0, or -1 when whoever is written to has gone. */
static int flow_step(struct flow *f, const struct pollfd *p)
{
	if (!p->revents)
		return 0;
	if (!f->len) {
		flow_read(f);
		/* What was just read mostly fits at once: try before waiting for room. */
		return f->len && f->socket_to ? flow_write(f) : 0;
	}
	return flow_write(f);
}

static void input_ended(struct pump *p)
{
	p->told_end = true;
	p->told_at_ms = clock_mono_ms();
}

static void tell_end(struct pump *p)
{
	if (!flow_is_done(&p->up) || p->told_end || p->broken)
		return;
	input_ended(p);
	(void)shutdown(p->up.to, SHUT_WR);
}

static void break_off(struct pump *p)
{
	p->broken = true;
	p->up.ended = true;
	p->up.len = p->up.sent = 0;
}

static struct timespec patience(const struct pump *p)
{
	int64_t ms = p->told_end ? p->told_at_ms + REST_MS - clock_mono_ms() : 0;

	ms = ms > 0 ? ms : 0;
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

static enum outcome pump_run(struct pump *p)
{
	for (;;) {
		struct pollfd fds[] = {wanted(&p->up), wanted(&p->down)};
		struct timespec left = patience(p);
		int n = ppoll(fds, 2, p->told_end ? &left : NULL, &p->open);

		if (caught)
			return STOPPED;
		if (n == 0 && p->told_end)
			return INPUT_ENDED;
		if (n < 0)
			continue;
		if (flow_step(&p->down, &fds[1]) < 0)
			return CLIENT_LEFT;
		if (flow_step(&p->up, &fds[0]) < 0)
			break_off(p);
		if (flow_is_done(&p->down))
			return p->told_end ? INPUT_ENDED : DAEMON_LEFT;
		tell_end(p);
	}
}

/* ---- streams that were handed over ---- */

/* false: the connection has ended. */
static bool word_take(struct pump *p, bool *gone)
{
	char word;
	ssize_t n = recv(p->down.from, &word, 1, MSG_DONTWAIT);

	if (n == 1 && word == DUCT_INPUT_ENDED && !p->told_end)
		input_ended(p);
	*gone = n == 1 && word == DUCT_OUTPUT_GONE;
	return n == 1 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* No more comes, and the daemon has read all of it; whether it has noticed that is its business. */
static bool input_is_read(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLRDHUP};
	int unread = 0;

	return poll(&in, 1, 0) == 1 && ioctl(STDIN_FILENO, FIONREAD, &unread) == 0 && !unread;
}

/* Until the daemon says something or the input ends; while that has ended and is not read yet,
 * which nobody would tell us, a short while. */
static int handed_wait(struct pump *p, short *said, short *ended)
{
	struct pollfd fds[] = {
		{.fd = p->down.from, .events = POLLIN},
		{.fd = p->told_end || *ended ? -1 : STDIN_FILENO, .events = POLLRDHUP}};
	struct timespec left = patience(p);
	const struct timespec look = {.tv_nsec = LOOK_MS * 1000000};
	int n = ppoll(fds, 2, p->told_end ? &left : *ended ? &look : NULL, &p->open);

	*said = n > 0 ? fds[0].revents : 0;
	*ended |= n > 0 ? fds[1].revents : 0;
	return n;
}

static enum outcome handed_run(struct pump *p)
{
	short said, ended = 0;

	for (;;) {
		int n = handed_wait(p, &said, &ended);
		bool gone = false;

		if (caught)
			return STOPPED;
		if (n == 0 && p->told_end)
			return INPUT_ENDED;
		if (said && !word_take(p, &gone))
			return p->told_end ? INPUT_ENDED : DAEMON_LEFT;
		if (gone)
			return CLIENT_LEFT;
		if (ended && !p->told_end && input_is_read())
			input_ended(p);
	}
}

/* ---- the upgrade ---- */

/* The grant's header; NULL where none was asked for. */
static char *grant_header(const struct cli *c)
{
	AUTO(json_doc_t) doc = NULL;

	if (json_parse(buf_text(&c->body), c->body.len, NULL, &doc, NULL) < 0)
		return NULL;
	const char *grant = json_get_string(json_root(doc), "grant");
	return grant ? str_format("X-Adit-Grant: %s", grant) : NULL;
}

static int ask_upgrade(int fd, const char *header, bool hands, struct err *e)
{
	AUTO(str_t)
	text = str_format("GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
			  "Upgrade: %sadit-mcp-lines\r\n%s%s\r\n",
			  hands ? "adit-mcp-streams, " : "", header ? header : "",
			  header ? "\r\n" : "");

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		return err_errno(e, "Asking the daemon");
	return 0;
}

/* The first of the two that were asked for? */
static bool is_for_streams(const char *head, size_t len)
{
	static const char line[] = "\r\nUpgrade: adit-mcp-streams\r\n";

	return memmem(head, len, line, sizeof(line) - 1);
}

/* The answer's header up to the blank line; what follows it belongs to the lines. 0 = it is the
 * one that was asked for; anything else is not read here. */
static int take_upgrade(int fd, struct pump *p, struct err *e)
{
	static const char right[] = "HTTP/1.1 101 ";
	int64_t end = clock_mono_ms() + UPGRADE_MS;
	struct flow *f = &p->down;

	for (;;) {
		int64_t left = end - clock_mono_ms();
		struct pollfd in = {.fd = fd, .events = POLLIN};
		const char *blank = memmem(f->data, f->len, "\r\n\r\n", 4);

		if (f->len >= sizeof(right) - 1 && memcmp(f->data, right, sizeof(right) - 1) != 0)
			return 1;
		if (blank) {
			f->sent = (size_t)(blank - f->data) + 4;
			p->handed = is_for_streams(f->data, f->sent);
			if (f->sent == f->len)
				f->len = f->sent = 0;
			return 0;
		}
		if (left <= 0 || f->len == sizeof(f->data) || poll(&in, 1, (int)left) == 0)
			return err_set(e, ERR_TIMEOUT, "The daemon did not answer within %d s",
				       UPGRADE_MS / 1000);
		ssize_t n = recv(fd, f->data + f->len, sizeof(f->data) - f->len, 0);
		if (n <= 0)
			return 1;
		f->len += (size_t)n;
	}
}

/* ---- sentences ---- */

/* Asked once more as a plain request, whose answer says why. The exit code; *why is what was
 * told. */
static int tell_refusal(const struct cli *c, const char *header, struct err *why)
{
	AUTO(buf_t) body = {0};
	AUTO(json_doc_t) doc = NULL;
	struct client_call call = {.socket = session_socket(c),
				   .path = "/mcp",
				   .header = header,
				   .body = &body,
				   .timeout_ms = UPGRADE_MS};
	struct err e = {0};
	int code;

	(void)buf_str(&body, "{}");
	if (client_run(&call, &e) < 0) {
		*why = e;
		code = session_unanswered(c, &e);
	} else {
		bool says = call.status == 403 || call.status == 404 || call.status == 429 ||
			    call.status == 503;
		if (says && !session_answer(&call, &doc, &e))
			*why = e;
		session_tell(why, c->colour);
		code = err_kind_exit(why->kind);
	}
	client_free(&call);
	return code;
}

static int tell_left(const struct cli *c, const char *header)
{
	struct err e;

	(void)err_set(&e, ERR_BUSY, "The daemon closed the connection");
	(void)err_hint(&e, "It was restarted, or it was sent more than it takes. Start adit mcp "
			   "again (in Claude Code: /mcp).");
	return tell_refusal(c, header, &e);
}

static int tell_no_upgrade(const struct cli *c, const char *header)
{
	struct err e;

	(void)err_set(&e, ERR_UPSTREAM, "The daemon does not speak MCP on this socket");
	(void)err_hint(&e,
		       "adit and aditd are of different versions: adit --version, adit status.");
	int code = tell_refusal(c, header, &e);
	mcp_answer_refused(&e);
	return code;
}

/* Whoever types it looks at nothing otherwise. */
static void tell_person(void)
{
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		(void)fputs("adit mcp waits for messages of MCP on standard input; it is for "
			    "programs, as in: claude mcp add adit -- adit mcp. Ctrl-D ends it.\n",
			    stderr);
}

static int pump_ended(const struct cli *c, const char *header, struct pump *p)
{
	tell_person();
	switch (p->handed ? handed_run(p) : pump_run(p)) {
	case DAEMON_LEFT:
		return tell_left(c, header);
	case CLIENT_LEFT:
		return EXIT_FAILED;
	case INPUT_ENDED:
	case STOPPED:
		break;
	}
	return EXIT_DONE;
}

/* A descriptor of a standard stream that is closed must not become the daemon's. */
static void streams_open(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
}

static int unreachable(const struct cli *c, const struct err *e)
{
	int code = session_unanswered(c, e);

	mcp_answer_refused(e);
	return code;
}

/* 0, or -1 when the daemon went away meanwhile. */
static int streams_handed(struct pump *p, int fd, struct hand *h)
{
	const struct timespec limit = {.tv_sec = UPGRADE_MS / 1000};
	int taken = p->handed ? hand_over(fd, h, &limit, &p->open) : 0;

	hand_close(h);
	p->handed = taken > 0;
	return taken < 0 ? -1 : 0;
}

int mcp_run(const struct cli *c)
{
	static struct pump p;
	AUTO(str_t) header = grant_header(c);
	AUTO(fd_t) fd = -1;
	struct hand hand;
	struct err e = {0};
	bool hands;
	int refused;

	streams_open();
	if (client_connect(session_socket(c), &fd, &e) < 0)
		return unreachable(c, &e);
	flow_init(&p.up, STDIN_FILENO, fd);
	flow_init(&p.down, fd, STDOUT_FILENO);
	hands = hand_open(&hand);
	refused = ask_upgrade(fd, header, hands, &e) < 0 ? -1 : take_upgrade(fd, &p, &e);
	if (refused > 0)
		return tell_no_upgrade(c, header);
	if (refused < 0)
		return unreachable(c, &e);
	signals_prepare(&p.open);
	if (streams_handed(&p, fd, &hand) < 0)
		return caught ? EXIT_DONE : tell_left(c, header);
	return pump_ended(c, header, &p);
}
