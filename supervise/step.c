/*
 * The behaviour of the supervisor as one ordered table: the first row whose condition holds says
 * state, reason and the one next action. Nothing else decides. Time limits are told as wake_ms, so
 * that nobody has to look without cause.
 */
#include "supervise/step.h"

#include <stddef.h>

/* ---- conditions ---- */

/* Failures count once it has answered: before, its metrics port may be closed for good reasons
 * (cloudflared looks up names first, for up to a minute), and the start window is the limit. */
static bool is_hung(const struct facts *f)
{
	return f->last_answer_ms && f->failures >= f->failure_limit;
}

/* What cannot serve a request is not waited for: cloudflared whose registration is not answered
 * uses its whole grace period, and nobody is served meanwhile. What an earlier life of ours asked
 * to stop may be draining. */
static int64_t grace_of(const struct facts *f)
{
	int64_t grace = f->grace_ms + TERM_MARGIN_MS;

	if (f->term_noted)
		return grace;
	if (is_hung(f))
		return HUNG_GRACE_MS;
	return f->edge == 0 && IDLE_GRACE_MS < grace ? IDLE_GRACE_MS : grace;
}

static int64_t kill_at(const struct facts *f)
{
	return f->term_sent_ms + grace_of(f);
}

static bool killed(const struct facts *f)
{
	return f->running && f->kill_sent;
}

static bool grace_over(const struct facts *f)
{
	return f->running && f->term_sent_ms && f->now_ms >= kill_at(f);
}

/* cloudflared says 503 as soon as it has the signal. */
static bool never_told(const struct facts *f)
{
	return f->running && f->term_noted && f->edge > 0;
}

static bool stopping(const struct facts *f)
{
	return f->running && f->term_sent_ms;
}

static bool runs_unwanted(const struct facts *f)
{
	return f->running && (f->absent || f->stopped);
}

static bool runs_asked(const struct facts *f)
{
	return f->running && f->restart_asked;
}

static bool runs_hung(const struct facts *f)
{
	return f->running && is_hung(f);
}

static bool runs_silent(const struct facts *f)
{
	return f->running && f->edge < 0 && f->now_ms >= f->started_ms + f->window_ms;
}

static bool runs_full(const struct facts *f)
{
	return f->running && f->edge > 0 && f->edge >= f->edge_wanted;
}

static bool runs_partly(const struct facts *f)
{
	return f->running && f->edge > 0;
}

static bool runs_refused(const struct facts *f)
{
	return f->running && f->edge == 0 && f->log_class != REASON_NONE;
}

static int64_t unready_at(const struct facts *f)
{
	return f->ever_ready ? f->unready_since_ms + f->unready_limit_ms
			     : f->started_ms + f->window_ms;
}

static bool runs_quic_in_vain(const struct facts *f)
{
	return f->running && f->edge == 0 && f->quic_useless;
}

static bool runs_unready_too_long(const struct facts *f)
{
	return f->running && f->edge == 0 && f->now_ms >= unready_at(f);
}

static bool runs_unready(const struct facts *f)
{
	return f->running && f->edge == 0 && f->ever_ready;
}

static bool runs(const struct facts *f)
{
	return f->running;
}

static bool gone_other_drains(const struct facts *f)
{
	return f->other_runs && (f->absent || f->stopped);
}

static bool gone_absent(const struct facts *f)
{
	return f->absent;
}

static bool gone_stopped(const struct facts *f)
{
	return f->stopped;
}

static bool gone_tokenless(const struct facts *f)
{
	return !f->has_token;
}

static bool gone_asked(const struct facts *f)
{
	return f->restart_asked;
}

static bool gone_blocked(const struct facts *f)
{
	return f->now_ms < f->next_start_ms && f->retry == RETRY_SLOWLY;
}

static bool gone_waiting(const struct facts *f)
{
	return f->now_ms < f->next_start_ms;
}

static bool gone_otherwise(const struct facts *f)
{
	return !f->running;
}

/* ---- when to look again ---- */

static int64_t at_window_end(const struct facts *f)
{
	int64_t at = f->edge == 0 ? unready_at(f) : f->started_ms + f->window_ms;

	return f->quic_until_ms && f->quic_until_ms < at ? f->quic_until_ms : at;
}

static int64_t at_stop_end(const struct facts *f)
{
	return f->stopped_until_ms;
}

static int64_t at_next_start(const struct facts *f)
{
	return f->next_start_ms;
}

/* ---- the table ---- */

/* Reasons that a row does not know itself. */
enum { REASON_LAST = REASONS, REASON_LAST_OR_NEW, REASON_LOG, REASON_STOP };

struct rule {
	const char *text;
	bool (*holds)(const struct facts *f);
	enum connector_state state;
	int reason; /* enum reason, or one of the above */
	enum step_action action;
	int64_t (*wake)(const struct facts *f);
};

#define RULE(when, holds, state, reason, action, wake)                                             \
	{                                                                                          \
		when " | " #state " | " #reason " | " #action, holds, CONNECTOR_##state,           \
			REASON_##reason, STEP_##action, wake                                       \
	}

/* clang-format off */
static const struct rule rules[] = {
	RULE("runs, SIGKILL sent",                        killed,                DRAINING,   STOP, NOTHING, NULL),
	RULE("runs, SIGTERM sent, grace is over",         grace_over,            DRAINING,   STOP, KILL,    NULL),
	RULE("runs, SIGTERM noted before our time, still connected", never_told, DRAINING,  STOP, TERM,    NULL),
	RULE("runs, SIGTERM sent",                        stopping,              DRAINING,   STOP, NOTHING, kill_at),
	RULE("runs, absent or stopped by a user",         runs_unwanted,         DRAINING,   ASKED, TERM,   NULL),
	RULE("runs, serves nobody, another process is wanted", runs_asked,            DRAINING,   ASKED, TERM,   NULL),
	RULE("runs, probe failures at the limit",         runs_hung,             UNREADY,    HUNG, TERM,    NULL),
	RULE("runs, never answered, start window over",   runs_silent,           UNREADY,    HUNG, TERM,    NULL),
	RULE("runs, all edge connections",                runs_full,             READY,      NONE, NOTHING, NULL),
	RULE("runs, some edge connections",               runs_partly,           DEGRADED,   NONE, NOTHING, NULL),
	RULE("runs, answers 503, log says refused",       runs_refused,          UNREADY,    LOG, TERM,     NULL),
	RULE("runs, answers 503, quic does not come up",  runs_quic_in_vain,     UNREADY,    NO_QUIC, TERM, NULL),
	RULE("runs, answers 503 for too long",            runs_unready_too_long, UNREADY,    UNREADY, TERM, NULL),
	RULE("runs, answers 503, was ready before",       runs_unready,          UNREADY,    UNREADY, NOTHING, unready_at),
	RULE("runs",                                      runs,                  STARTING,   LAST_OR_NEW, NOTHING, at_window_end),
	RULE("no process, absent or stopped by a user, another one drains", gone_other_drains, DRAINING, ASKED, NOTHING, NULL),
	RULE("no process, absent",                        gone_absent,           STOPPED,    ASKED, FORGET, NULL),
	RULE("no process, stopped by a user",             gone_stopped,          STOPPED,    ASKED, NOTHING, at_stop_end),
	RULE("no process, no token",                      gone_tokenless,        BLOCKED,    NO_TOKEN, NOTHING, NULL),
	RULE("no process, restart asked",                 gone_asked,            RESTARTING, ASKED, START,  NULL),
	RULE("no process, too early, slow retry",         gone_blocked,          BLOCKED,    LAST, NOTHING, at_next_start),
	RULE("no process, too early",                     gone_waiting,          RESTARTING, LAST, NOTHING, at_next_start),
	RULE("no process",                                gone_otherwise,        RESTARTING, LAST_OR_NEW, START, NULL),
};
/* clang-format on */

static enum reason reason_told(const struct facts *f, int reason)
{
	switch (reason) {
	case REASON_LAST:
		return f->last_exit;
	case REASON_LAST_OR_NEW:
		return f->last_exit == REASON_NONE ? REASON_NEW : f->last_exit;
	case REASON_LOG:
		return f->log_class;
	case REASON_STOP:
		return f->stop_reason;
	default:
		return (enum reason)reason;
	}
}

struct verdict step(const struct facts *f)
{
	size_t i = 0;

	/* Every set of facts meets one of the two rows without further condition. */
	while (i + 1 < ARRAY_LEN(rules) && !rules[i].holds(f))
		i++;
	return (struct verdict){
		.state = rules[i].state,
		.reason = reason_told(f, rules[i].reason),
		.action = rules[i].action,
		.wake_ms = rules[i].wake ? rules[i].wake(f) : 0,
	};
}

const char *step_describe(size_t row)
{
	return row < ARRAY_LEN(rules) ? rules[row].text : NULL;
}
