/*
 * The whole of a replacement as one ordered table: the first row whose condition holds says the one
 * next action. No row starts a third process: a start needs the place of the other one to be empty.
 */
#include "supervise/replace.h"

#include "base/mem.h"
#include "supervise/step.h"

#define EDGE_LOOK_MS 250

/* ---- conditions ---- */

static bool other_hung(const struct replace_facts *f)
{
	return f->other.last_answer_ms && f->other.failures >= f->failure_limit;
}

static bool unanswering(const struct replace_facts *f)
{
	return !f->other.term_noted && other_hung(f);
}

static int64_t kill_at(const struct replace_facts *f)
{
	return f->other.term_sent_ms +
	       (unanswering(f) ? HUNG_GRACE_MS : f->grace_ms + TERM_MARGIN_MS);
}

static bool killed(const struct replace_facts *f)
{
	return f->other.running && f->other.kill_sent;
}

static bool grace_over(const struct replace_facts *f)
{
	return f->other.running && f->other.term_sent_ms && f->now_ms >= kill_at(f);
}

/* cloudflared says 503 as soon as it has the signal. */
static bool never_told(const struct replace_facts *f)
{
	return f->other.running && f->other.term_noted && f->other.edge > 0;
}

static bool stopping(const struct replace_facts *f)
{
	return f->other.running && f->other.term_sent_ms;
}

static bool not_wanted(const struct replace_facts *f)
{
	return f->other.running && f->unwanted;
}

static int64_t window_end(const struct replace_facts *f)
{
	return f->other.started_ms + f->window_ms;
}

/* Not before it is seen that requests can go elsewhere. */
static bool to_drain(const struct replace_facts *f)
{
	return f->other.running && f->other.replaced && f->running &&
	       (f->serves || f->now_ms >= window_end(f));
}

static bool own_is_gone(const struct replace_facts *f)
{
	return f->other.running && !f->running;
}

static bool only_it_serves(const struct replace_facts *f)
{
	return f->other.running && f->other.edge > 0 && !other_hung(f) && !f->serves && !f->unheard;
}

static bool stood(const struct replace_facts *f)
{
	return f->other.running && f->other.full_ms && !f->other.config_behind &&
	       f->now_ms >= f->other.full_ms + f->settle_ms;
}

static bool edge_fails(const struct replace_facts *f)
{
	return f->other.running && f->other.edge_gate == EDGE_GATE_FAILED;
}

static bool settled(const struct replace_facts *f)
{
	return stood(f) && f->other.edge_gate != EDGE_GATE_WAITS;
}

/* The edge chooses where it sends what: it may take a while, and may never be. */
static bool unproved(const struct replace_facts *f)
{
	return stood(f) && f->now_ms < window_end(f);
}

static bool refused(const struct replace_facts *f)
{
	return f->other.running && f->other.edge == 0 && f->other.log_class != REASON_NONE;
}

static bool quic_in_vain(const struct replace_facts *f)
{
	return f->other.running && f->other.edge == 0 && f->other.quic_useless;
}

static bool hung(const struct replace_facts *f)
{
	return f->other.running && other_hung(f);
}

static bool was_replaced(const struct replace_facts *f)
{
	return f->other.running && f->other.replaced;
}

/* With an old token it may never have all its connections. */
static bool of_old(const struct replace_facts *f)
{
	return f->other.running && f->other.outdated && f->serves;
}

static bool no_worse(const struct replace_facts *f)
{
	return f->other.running && f->now_ms >= window_end(f) && f->other.edge > 0 &&
	       f->other.edge >= f->edge && !f->other.config_behind;
}

static bool never_up_to_date(const struct replace_facts *f)
{
	return f->other.running && f->now_ms >= window_end(f) && f->other.edge > 0 &&
	       f->other.config_behind;
}

static bool too_late(const struct replace_facts *f)
{
	return f->other.running && f->now_ms >= window_end(f) && !f->other.full_ms;
}

static bool settles(const struct replace_facts *f)
{
	return f->other.running && f->other.full_ms;
}

static bool comes_up(const struct replace_facts *f)
{
	return f->other.running;
}

static bool left_over(const struct replace_facts *f)
{
	return f->other.there;
}

static bool may_try(const struct replace_facts *f)
{
	return !f->unwanted && f->running && f->serves && f->cause != REASON_NONE;
}

static bool too_early(const struct replace_facts *f)
{
	return may_try(f) && f->now_ms < f->not_before_ms;
}

static bool otherwise(const struct replace_facts *f)
{
	(void)f;
	return true;
}

/* ---- when to look again ---- */

static int64_t soon(const struct replace_facts *f)
{
	return f->now_ms + EDGE_LOOK_MS;
}

static int64_t at_settled(const struct replace_facts *f)
{
	return f->other.config_behind ? window_end(f) : f->other.full_ms + f->settle_ms;
}

static int64_t patience_end(const struct replace_facts *f)
{
	int64_t at = window_end(f), quic = f->other.quic_until_ms;

	return quic && quic < at ? quic : at;
}

static int64_t at_not_before(const struct replace_facts *f)
{
	return f->not_before_ms;
}

/* ---- the table ---- */

enum { REASON_CAUSE = REASONS, REASON_LOG };

struct rule {
	const char *text;
	bool (*holds)(const struct replace_facts *f);
	int reason; /* enum reason, or one of the above */
	enum replace_action action;
	int64_t (*wake)(const struct replace_facts *f);
};

#define RULE(when, holds, reason, action, wake)                                                    \
	{                                                                                          \
		when " | " #reason " | " #action, holds, REASON_##reason, REPLACE_##action, wake   \
	}

/* clang-format off */
static const struct rule rules[] = {
	RULE("other runs, SIGKILL sent",                                  killed,         NONE,   NOTHING, NULL),
	RULE("other runs, SIGTERM sent, grace is over",                   grace_over,     NONE,   KILL,    NULL),
	RULE("other runs, SIGTERM noted before our time, still connected", never_told,    ASKED,  TERM,    NULL),
	RULE("other runs, SIGTERM sent",                                  stopping,       NONE,   NOTHING, kill_at),
	RULE("other runs, absent or stopped by a user",                   not_wanted,     ASKED,  TERM,    NULL),
	RULE("other runs, it was replaced, own is connected or has had its time", to_drain, ASKED, TERM,   NULL),
	RULE("other runs, own is gone",                                   own_is_gone,    NONE,   SWAP,    NULL),
	RULE("other is connected, own is not",                            only_it_serves, NONE,   SWAP,    NULL),
	RULE("other runs, it was replaced",                               was_replaced,   NONE,   NOTHING, window_end),
	RULE("other has an old token or old settings, own is connected",  of_old,         ASKED,  TERM,    NULL),
	RULE("other runs, requests through the public edge fail since it is connected", edge_fails, EDGE, ABANDON, NULL),
	RULE("other has all edge connections and own's configuration for a moment, and a probe passed where there is one", settled, NONE, SWAP, NULL),
	RULE("other answers 503, its log says refused",                   refused,        LOG,    ABANDON, NULL),
	RULE("other answers 503, quic does not come up",                  quic_in_vain,   NO_QUIC, ABANDON, NULL),
	RULE("other runs, probe failures at the limit",                   hung,           HUNG,   ABANDON, NULL),
	RULE("other has no fewer connections than own, window over",      no_worse,       NONE,   SWAP,    NULL),
	RULE("other is connected, without own's configuration, window over", never_up_to_date, STALE, ABANDON, NULL),
	RULE("other runs, window over",                                   too_late,       UNREADY, ABANDON, NULL),
	RULE("other is to be proved by a probe",                          unproved,       NONE,   NOTHING, soon),
	RULE("other has all edge connections",                            settles,        NONE,   NOTHING, at_settled),
	RULE("other runs",                                                comes_up,       NONE,   NOTHING, patience_end),
	RULE("other ended",                                               left_over,      NONE,   TIDY,    NULL),
	RULE("own serves, another is wanted, too early after a try in vain", too_early,   CAUSE,  NOTHING, at_not_before),
	RULE("own serves, another is wanted",                             may_try,        CAUSE,  START,   NULL),
	RULE("otherwise",                                                 otherwise,      NONE,   NOTHING, NULL),
};
/* clang-format on */

static enum reason reason_told(const struct replace_facts *f, int reason)
{
	if (reason == REASON_CAUSE)
		return f->cause;
	return reason == REASON_LOG ? f->other.log_class : (enum reason)reason;
}

struct replace_verdict replace_step(const struct replace_facts *f)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(rules) && !rules[i].holds(f))
		i++;
	return (struct replace_verdict){
		.action = rules[i].action,
		.reason = reason_told(f, rules[i].reason),
		.wake_ms = rules[i].wake ? rules[i].wake(f) : 0,
	};
}

const char *replace_describe(size_t row)
{
	return row < ARRAY_LEN(rules) ? rules[row].text : NULL;
}
