/* One run of adit that calls the daemon. */
#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/agent.h"
#include "cli/client.h"
#include "cli/outcome.h"

#define DEFAULT_SOCKET "/run/adit/adit.sock"

/* Whoever is no root authenticates first, where approving is asked for. */
enum { SPARE_MS = 10000, AUTHENTICATION_MS = 60000 };

/* ---- streams ---- */

static bool wants_colour(bool terminal, enum colour colour)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (colour != COLOUR_AUTO)
		return colour == COLOUR_ALWAYS;
	return terminal && !(no && *no) && !str_equal(term, "dumb");
}

void session_style(int fd, enum colour colour, struct style *out)
{
	bool terminal = isatty(fd);
	struct winsize size = {0};

	*out = (struct style){
		.colour = wants_colour(terminal, colour),
		.now_ms = clock_wall_ms(),
	};
	if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		out->width = size.ws_col;
}

bool session_write(const struct buf *text)
{
	if (fwrite(buf_text(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0)
		return true;
	perror("adit: standard output");
	return false;
}

void session_tell(const struct err *e, enum colour colour)
{
	struct style s;
	AUTO(buf_t) text = {0};

	session_style(STDERR_FILENO, colour, &s);
	print_err(e, &s, &text);
	(void)fwrite(buf_text(&text), 1, text.len, stderr);
}

/* ---- one call ---- */

const char *session_socket(const struct cli *c)
{
	const char *set = getenv("ADIT_SOCKET");

	if (c->socket)
		return c->socket;
	return set && *set ? set : DEFAULT_SOCKET;
}

/* Progress is for what waits, and for a person who watches. */
static bool shows_progress(const struct cli *c)
{
	return c->wait && c->op->effects != OP_READS && isatty(STDERR_FILENO) &&
	       !str_equal(getenv("TERM"), "dumb");
}

/* What root may do at once, and others when they authenticate. */
static bool takes_person(const struct cli *c, const char *operation)
{
	return c->yes || str_equal(operation, "plan_approve") ||
	       str_equal(operation, "writes_resume");
}

int session_call(const struct cli *c, const char *operation, const struct buf *body,
		 struct client_call *call, struct err *e)
{
	char words[WORDS_SIZE];
	char progress[WORDS_SIZE + 32];

	op_words(c->op, words);
	(void)snprintf(progress, sizeof(progress), "waiting for %s to be done", words);
	*call = (struct client_call){
		.socket = session_socket(c),
		.operation = operation,
		.body = body,
		.timeout_ms = c->timeout_ms + SPARE_MS + (geteuid() ? AUTHENTICATION_MS : 0),
	};
	pid_t agent = takes_person(c, operation) ? agent_start() : 0;
	/* Its question stands on the line that progress would write over. */
	call->progress = shows_progress(c) && !agent ? progress : NULL;
	int rc = client_run(call, e);
	agent_stop(agent);
	return rc;
}

/* What the answer holds: a result, or an error which *e gets. */
const struct json *session_answer(const struct client_call *call, struct json_doc **doc,
				  struct err *e)
{
	if (json_parse(buf_text(&call->answer), call->answer.len, NULL, doc, e) < 0) {
		(void)err_wrap(e, "The daemon's answer (HTTP %d) cannot be understood",
			       call->status);
		e->kind = ERR_INTERNAL;
		return NULL;
	}
	const struct json *result = json_get(json_root(*doc), "result");
	const struct json *error = json_get(json_root(*doc), "error");
	if (json_type(result) == JSON_OBJECT)
		return result;
	if (json_type(error) == JSON_OBJECT)
		json_read_err(error, e);
	else
		(void)err_set(e, ERR_INTERNAL,
			      "The daemon's answer (HTTP %d) holds neither result nor error",
			      call->status);
	return NULL;
}

int session_refused(const struct cli *c, const struct client_call *call, const struct err *e)
{
	if (c->json && !session_write(&call->answer))
		return EXIT_FAILED;
	if (!c->json)
		session_tell(e, c->colour);
	return err_kind_exit(e->kind);
}

/* ---- approving ---- */

static bool can_ask(const struct cli *c)
{
	return !c->json && !c->yes && geteuid() == 0 && isatty(STDIN_FILENO) &&
	       isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
}

static bool says_yes(const char *question)
{
	char line[64];

	(void)fprintf(stderr, "%s [y/N] ", question);
	(void)fflush(stderr);
	if (!fgets(line, sizeof(line), stdin)) {
		(void)fputc('\n', stderr);
		return false;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

/* Many deletions are counted by whoever approves them; what is no number is asked for again by the
 * daemon's refusal. */
static int64_t ask_number(void)
{
	char line[64];

	(void)fputs("how many objects does it delete? ", stderr);
	(void)fflush(stderr);
	return fgets(line, sizeof(line), stdin) ? strtoll(line, NULL, 10) : 0;
}

/* The hash is that of the plan which was shown: another one would be refused. */
static void approval_body(const struct cli *c, const struct json *result, struct buf *body)
{
	char timeout[TEXT_TIME_SIZE];
	int64_t deletes = plan_asks_number(result) ? ask_number() : 0;
	struct json_writer w;

	duration_format(c->timeout_ms, timeout);

	json_write_init(&w, body);
	json_object_begin(&w);
	json_put_string(&w, "plan", json_get_string(result, "plan"));
	json_put_string(&w, "hash", json_get_string(result, "hash"));
	if (deletes > 0)
		json_put_int(&w, "deletes", deletes);
	json_put_bool(&w, "wait", c->wait);
	json_put_string(&w, "timeout", timeout);
	json_object_end(&w);
}

/* No answer came. */
int session_unanswered(const struct cli *c, const struct err *e)
{
	session_tell(e, c->colour);
	return e->kind == ERR_TIMEOUT ? EXIT_TRY_AGAIN : EXIT_UNREACHABLE;
}

static int print_call(const struct cli *c, const struct client_call *call, bool may_ask);

static int approve_now(const struct cli *c, const struct json *result)
{
	struct cli approving = *c;
	struct client_call call = {0};
	AUTO(buf_t) body = {0};
	struct err e = {0};
	int code;

	approving.op = op_find("plan_approve");
	approval_body(c, result, &body);
	if (session_call(&approving, "plan_approve", &body, &call, &e) < 0) {
		code = session_unanswered(c, &e);
	} else {
		code = print_call(&approving, &call, false);
	}
	client_free(&call);
	return code;
}

static int after_answer(const struct cli *c, const struct json *result, bool may_ask)
{
	AUTO(buf_t) how = {0};
	struct style s;

	session_style(STDOUT_FILENO, c->colour, &s);
	bool waits = outcome_waits_for_approval(c->op, result);
	if (!c->json && waits && may_ask && can_ask(c) && json_get_string(result, "hash") &&
	    says_yes("approve now?"))
		return approve_now(c, result);
	if (!c->json && is_write_answer(c->op))
		print_how_to_decide(result, &s, &how);
	if (!session_write(&how))
		return EXIT_FAILED;
	return outcome_exit(c->op, result, c->wait);
}

static int print_call(const struct cli *c, const struct client_call *call, bool may_ask)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) text = {0};
	struct style s;
	struct err e = {0};
	const struct json *result = session_answer(call, &doc, &e);

	if (!result)
		return session_refused(c, call, &e);
	session_style(STDOUT_FILENO, c->colour, &s);
	s.chosen = c->chosen;
	if (!c->json)
		print_answer(c->op, result, &s, &text);
	if (!session_write(c->json ? &call->answer : &text))
		return EXIT_FAILED;
	return after_answer(c, result, may_ask);
}

/* ---- the plans that wait ---- */

enum { PLANS_SHOWN = 5 };

static int print_waiting_plan(const struct cli *c, const char *plan)
{
	struct cli get = *c;
	struct client_call call = {0};
	AUTO(buf_t) body = {0};
	struct json_writer w;
	struct err e = {0};
	int code;

	get.op = op_find("plan_get");
	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "plan", plan);
	json_object_end(&w);
	if (session_call(&get, "plan_get", &body, &call, &e) < 0) {
		code = session_unanswered(c, &e);
	} else {
		code = print_call(&get, &call, false);
	}
	client_free(&call);
	return code;
}

/* The newest ones whole, since a line of a list is nothing to decide by. */
static int print_waiting(const struct cli *c, const struct json *list)
{
	int64_t n = 0, total = json_get_int(list, "total", 0);
	AUTO(buf_t) text = {0};

	JSON_EACH (item, json_get(list, "items")) {
		const char *plan = json_get_string(item, "plan");
		if (!plan || n == PLANS_SHOWN)
			break;
		if (n++ > 0 && putchar('\n') == EOF)
			return EXIT_FAILED;
		int code = print_waiting_plan(c, plan);
		if (code != EXIT_DONE)
			return code;
	}
	if (n == 0)
		(void)buf_str(&text, "no plan waits\n");
	else if (total > n)
		(void)buf_printf(&text, "\n%lld more: adit plan list --state waiting\n",
				 (long long)(total - n));
	return session_write(&text) ? EXIT_DONE : EXIT_FAILED;
}

/* `adit plan` alone: not another list that somebody asked for. */
static bool shows_waiting(const struct cli *c)
{
	return c->shortcut && str_equal(c->shortcut->op, "plan_list") && !c->json && !c->chosen &&
	       strstr(buf_text(&c->body), "\"state\":\"waiting\"");
}

static int answer_call(const struct cli *c, const struct client_call *call)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e = {0};

	if (!shows_waiting(c))
		return print_call(c, call, true);
	const struct json *result = session_answer(call, &doc, &e);
	return result ? print_waiting(c, result) : session_refused(c, call, &e);
}

int session_run(const struct cli *c)
{
	struct client_call call = {0};
	struct err e = {0};
	int code;

	if (session_call(c, c->op->name, &c->body, &call, &e) < 0) {
		code = session_unanswered(c, &e);
	} else {
		code = answer_call(c, &call);
	}
	client_free(&call);
	return code;
}
