/* When quic is given up and when it is tried again, as one ordered table. */
#include "supervise/protocol.h"

#include <stddef.h>

#include "base/backoff.h"
#include "base/mem.h"

#define HOUR_MS (3600 * 1000LL)
#define DAY_MS  (24 * HOUR_MS)
#define PART_MS (HOUR_MS / LOSSES_PARTS)

/* Losses come back sooner than a firewall changes. */
static const struct backoff again_blocked = {HOUR_MS, QUIC_AGAIN_MOST_MS, 10};
static const struct backoff again_losses = {4 * HOUR_MS, QUIC_AGAIN_MOST_MS, 10};

/* ---- conditions ---- */

static bool pinned(const struct protocol_facts *f)
{
	return !f->quic_wanted;
}

/* Names that cannot be resolved are not quic's fault. A refusal may not be either, but by quic
 * cloudflared never says why it was refused; by http2 it does. */
static bool may_be_quic(enum reason telling)
{
	return telling == REASON_NONE || telling == REASON_NO_QUIC || telling == REASON_REFUSED;
}

static bool comes_up_on_quic(const struct protocol_facts *f)
{
	return f->running && f->on_quic && !f->ever_ready && f->edge == 0 &&
	       may_be_quic(f->telling);
}

static int64_t patience_end(const struct protocol_facts *f)
{
	return f->unready_since_ms + QUIC_PATIENCE_MS;
}

static bool does_not_come_up(const struct protocol_facts *f)
{
	return comes_up_on_quic(f) && f->now_ms >= patience_end(f);
}

static bool loses_again(const struct protocol_facts *f)
{
	return f->running && f->on_quic && f->losses >= QUIC_LOSSES_MOST;
}

static bool time_is_over(const struct protocol_facts *f)
{
	return f->state->fallen && f->running && !f->on_quic && f->serves &&
	       f->wall_ms >= f->state->again_ms;
}

static bool stands_in(const struct protocol_facts *f)
{
	return f->state->fallen && f->running && !f->on_quic && f->serves;
}

static bool otherwise(const struct protocol_facts *f)
{
	(void)f;
	return true;
}

static int64_t at_again(const struct protocol_facts *f)
{
	return f->now_ms + f->state->again_ms - f->wall_ms;
}

/* ---- the table ---- */

struct rule {
	const char *text;
	bool (*holds)(const struct protocol_facts *f);
	enum reason reason;
	enum protocol_move move;
	int64_t (*wake)(const struct protocol_facts *f);
};

#define RULE(when, holds, reason, move, wake)                                                      \
	{                                                                                          \
		when " | " #reason " | " #move, holds, REASON_##reason, PROTOCOL_##move, wake      \
	}

/* clang-format off */
static const struct rule rules[] = {
	RULE("the settings say http2",                                       pinned,           NONE,       STAY,    NULL),
	RULE("on quic, 503 since its start for 30 s, its log tells no other cause", does_not_come_up, NO_QUIC, GIVE_UP, NULL),
	RULE("on quic, 30 connections lost within an hour",                  loses_again,      LOSSES,     GIVE_UP, NULL),
	RULE("on quic, 503 since its start",                                 comes_up_on_quic, NONE,       STAY,    patience_end),
	RULE("http2 stands in and serves, its time is over",                 time_is_over,     QUIC_AGAIN, RETRY,   NULL),
	RULE("http2 stands in and serves",                                   stands_in,        NONE,       STAY,    at_again),
	RULE("otherwise",                                                    otherwise,        NONE,       STAY,    NULL),
};
/* clang-format on */

struct protocol_verdict protocol_judge(const struct protocol_facts *f)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(rules) && !rules[i].holds(f))
		i++;
	return (struct protocol_verdict){
		.move = rules[i].move,
		.reason = rules[i].reason,
		.wake_ms = rules[i].wake ? rules[i].wake(f) : 0,
	};
}

const char *protocol_describe(size_t row)
{
	return row < ARRAY_LEN(rules) ? rules[row].text : NULL;
}

/* ---- the state ---- */

const char *protocol_name(const struct protocol_state *s, const char *wanted)
{
	return s->fallen ? "http2" : wanted;
}

static void wait_again(struct protocol_state *s, int64_t wall_ms, uint64_t random)
{
	const struct backoff *b = s->why == REASON_LOSSES ? &again_losses : &again_blocked;

	if (s->tries < 100)
		s->tries++;
	s->again_ms = wall_ms + backoff_delay(b, s->tries, random);
}

/* Soon after it was taken up again, the waiting goes on where it had come to. */
void protocol_fell(struct protocol_state *s, enum reason why, int64_t wall_ms, uint64_t random)
{
	int64_t stood = wall_ms - s->rose_ms;

	if (!s->rose_ms || stood < 0 || stood > DAY_MS)
		s->tries = 0;
	s->fallen = true;
	s->why = why;
	wait_again(s, wall_ms, random);
}

void protocol_in_vain(struct protocol_state *s, int64_t wall_ms, uint64_t random)
{
	wait_again(s, wall_ms, random);
}

void protocol_rose(struct protocol_state *s, int64_t wall_ms)
{
	s->fallen = false;
	s->why = REASON_NONE;
	s->again_ms = 0;
	s->rose_ms = wall_ms;
}

void protocol_forget(struct protocol_state *s)
{
	*s = (struct protocol_state){.ip4_ms = s->ip4_ms, .ip4_vain_ms = s->ip4_vain_ms};
}

bool protocol_is_new(const struct protocol_state *s)
{
	return !s->fallen && !s->tries && !s->again_ms && !s->rose_ms && !s->ip4_ms &&
	       !s->ip4_vain_ms;
}

void protocol_recall(struct protocol_state *s, int64_t wall_ms)
{
	if (s->why != REASON_NO_QUIC && s->why != REASON_LOSSES)
		s->fallen = false;
	if (s->again_ms > wall_ms + QUIC_AGAIN_MOST_MS)
		s->again_ms = wall_ms + QUIC_AGAIN_MOST_MS;
	if (s->ip4_ms > wall_ms)
		s->ip4_ms = wall_ms;
	if (s->ip4_vain_ms > wall_ms)
		s->ip4_vain_ms = wall_ms;
}

/* ---- addresses ---- */

bool protocol_ip4_only(const struct protocol_state *s, int64_t wall_ms)
{
	return s->ip4_ms && wall_ms - s->ip4_ms < DAY_MS;
}

bool protocol_no_addresses(struct protocol_state *s, bool had_ip4_only, int64_t wall_ms)
{
	if (had_ip4_only) {
		s->ip4_ms = 0;
		s->ip4_vain_ms = wall_ms;
		return true;
	}
	if (s->ip4_vain_ms && wall_ms - s->ip4_vain_ms < HOUR_MS)
		return false;
	s->ip4_ms = wall_ms;
	return true;
}

/* ---- losses ---- */

static int64_t part_of(int64_t now_ms)
{
	return now_ms / PART_MS;
}

void losses_add(struct losses *l, int n, int64_t now_ms)
{
	int64_t part = part_of(now_ms);

	for (int64_t p = l->part + 1; p <= part && p <= l->part + LOSSES_PARTS; p++)
		l->n[p % LOSSES_PARTS] = 0;
	if (part > l->part)
		l->part = part;
	if (l->n[l->part % LOSSES_PARTS] < QUIC_LOSSES_MOST)
		l->n[l->part % LOSSES_PARTS] = (uint16_t)(l->n[l->part % LOSSES_PARTS] + n);
}

int losses_count(const struct losses *l, int64_t now_ms)
{
	int64_t gone = part_of(now_ms) - l->part;
	int sum = 0;

	for (int64_t back = 0; back + gone < LOSSES_PARTS && back <= l->part; back++)
		sum += l->n[(l->part - back) % LOSSES_PARTS];
	return sum;
}
