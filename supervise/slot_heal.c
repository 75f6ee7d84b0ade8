/* Signs against a process that serves, and the protocol that it speaks: what follows from them. */
#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

static bool wants_quic(const struct slot *x)
{
	return str_equal(x->s->options.protocol, "quic");
}

/* ---- Cloudflare's list ---- */

/* With the default of 45 s for `unready`: a minute, and half a minute. */
static int64_t settled_ms(const struct slot *x)
{
	return x->s->options.unready_ms * 4 / 3;
}

static int64_t apart_ms(const struct slot *x)
{
	return x->s->options.unready_ms * 2 / 3;
}

static void look_at_list(struct slot *x)
{
	struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);
	struct signs *s = &x->own->signs;

	if (!t || !process_serves(x->own))
		return;
	signs_listed(s, &x->own->probe, t, settled_ms(x));
	if (t->connections_due || !signs_want_list(s, settled_ms(x), apart_ms(x), clock_mono_ms()))
		return;
	t->connections_due = true;
	x->s->muted++;
	world_changed(x->s->world, OBJECT_TUNNEL, t->id);
	x->s->muted--;
}

/* ---- protocol ---- */

static struct protocol_facts protocol_facts_of(const struct slot *x, const struct process *p)
{
	int64_t now = clock_mono_ms();

	return (struct protocol_facts){
		.now_ms = now,
		.wall_ms = clock_wall_ms(),
		.quic_wanted = wants_quic(x),
		.state = &slot_trouble(x)->protocol,
		.running = p->running && !p->term_sent_ms,
		.on_quic = str_equal(p->memory.protocol, "quic"),
		.serves = process_serves(p),
		.ever_ready = p->probe.ever_ready || p->signs.connected_ms,
		.edge = p->probe.edge,
		.unready_since_ms = p->probe.zero_since_ms,
		.telling = process_log(p)->telling,
		.losses = signs_losses(&p->signs, now),
	};
}

bool slot_quic_useless(const struct slot *x, const struct process *p, int64_t *until_ms)
{
	struct protocol_facts f = protocol_facts_of(x, p);
	struct protocol_verdict v = protocol_judge(&f);

	*until_ms = f.state->fallen && !f.on_quic ? 0 : v.wake_ms;
	return v.move == PROTOCOL_GIVE_UP && v.reason == REASON_NO_QUIC;
}

static void take_protocol(struct slot *x, const struct protocol_state *p)
{
	slot_trouble_make(x)->protocol = *p;
	x->keep_due = true;
	if (x->own->running)
		x->own->outdated = process_outdated(x->own);
	if (x->own->outdated != REASON_NONE)
		slot_turn_again(x);
	deferred_start(&x->s->pass);
}

/* It is the tunnel's: what one of its connectors learned, the others need not learn again. */
static void protocol_moved(struct slot *x)
{
	const struct protocol_state now = slot_trouble(x)->protocol;

	for (int number = 1; number <= TUNNEL_SLOTS_MAX; number++) {
		char id[CONNECTOR_ID_SIZE];

		connector_slot_id(x->tunnel_id, number, id);
		struct slot *y = map_get(&x->s->slots, id);

		if (y)
			take_protocol(y, &now);
	}
}

static void give_up_quic(struct slot *x, const struct connector *c, enum reason why)
{
	protocol_fell(&slot_trouble_make(x)->protocol, why, clock_wall_ms(), random_u64());
	slot_event(x, c, "connector_protocol", NULL, "http2 stands in for quic: %s",
		   reason_info(why)->sentence);
	protocol_moved(x);
}

/* cloudflared takes addresses of both families by itself: where one of them leads nowhere, it may
 * come to an end with them. */
void slot_addresses_ended(struct slot *x, const struct connector *c, const struct process *p,
			  enum reason r)
{
	bool found_none = r == REASON_NO_ADDRESSES ||
			  (r == REASON_UNREADY && process_log(p)->telling == REASON_NO_ADDRESSES);

	if (!found_none || !protocol_no_addresses(&slot_trouble_make(x)->protocol,
						  p->memory.ip4_only, clock_wall_ms()))
		return;
	slot_event(x, c, "connector_addresses", NULL,
		   p->memory.ip4_only ? "IPv4 alone did not help either: all addresses of the "
					"edge are tried again"
				      : "no address of the edge could be reached: IPv4 alone is "
					"tried, for a day");
	protocol_moved(x);
}

void slot_protocol_ended(struct slot *x, const struct connector *c, const struct process *p,
			 enum reason r)
{
	bool on_quic = str_equal(p->memory.protocol, "quic");

	slot_addresses_ended(x, c, p, r);
	if (r == REASON_NO_QUIC && on_quic && wants_quic(x)) {
		give_up_quic(x, c, r);
	} else if (r == REASON_UNREADY && !on_quic && slot_trouble(x)->protocol.fallen &&
		   !p->probe.ever_ready) {
		protocol_forget(&slot_trouble_make(x)->protocol);
		protocol_moved(x);
	}
}

bool slot_protocol_in_vain(struct slot *x, const struct connector *c, enum reason r)
{
	bool quic = x->other && str_equal(x->other->memory.protocol, "quic");

	/* What it came up for is judged anew. */
	x->heal_cause = REASON_NONE;
	if (slot_trouble(x)->protocol.fallen && quic) {
		protocol_in_vain(&slot_trouble_make(x)->protocol, clock_wall_ms(), random_u64());
		slot_event(x, c, "connector_protocol", NULL,
			   "quic was tried in vain, http2 goes on: %s", reason_info(r)->sentence);
		protocol_moved(x);
		return true;
	}
	if (r == REASON_NO_QUIC && quic && wants_quic(x))
		give_up_quic(x, c, r);
	return false;
}

static enum reason look_at_protocol(struct slot *x, const struct connector *c, int64_t *wake_ms)
{
	struct protocol_facts f = protocol_facts_of(x, x->own);
	struct protocol_verdict v = protocol_judge(&f);

	*wake_ms = v.wake_ms;
	if (slot_trouble(x)->protocol.fallen && !wants_quic(x)) {
		protocol_forget(&slot_trouble_make(x)->protocol);
		protocol_moved(x);
	} else if (slot_trouble(x)->protocol.fallen && f.on_quic && f.serves) {
		protocol_rose(&slot_trouble_make(x)->protocol, f.wall_ms);
		slot_event(x, c, "connector_protocol", NULL, "quic serves again");
		protocol_moved(x);
	} else if (v.move == PROTOCOL_GIVE_UP && v.reason == REASON_LOSSES &&
		   !slot_trouble(x)->protocol.fallen) {
		give_up_quic(x, c, v.reason);
	}
	return v.move == PROTOCOL_RETRY ? v.reason : REASON_NONE;
}

/* ---- what is wrong ---- */

static struct heal_verdict judge(const struct slot *x)
{
	const struct process *p = x->own;
	const struct heal_facts f = {
		.now_ms = clock_mono_ms(),
		.wall_ms = clock_wall_ms(),
		.serves = process_serves(p),
		.missed_since_ms = p->signs.missed_since_ms,
		.missed_ms = p->signs.missed_ms,
		.apart_ms = apart_ms(x),
		.behind_since_ms = p->signs.behind_since_ms,
		.version_wanted = p->probe.version_wanted,
		.over = p->signs.over,
		.kept = &slot_trouble(x)->heal,
	};

	return heal_judge(&f);
}

/* Told once, and taken back when it is over. */
static void tell(struct slot *x, struct connector *c, enum reason r)
{
	if (r == x->heal_told)
		return;
	if (r == REASON_NONE) {
		if (x->problem_reason == x->heal_told && c->problem) {
			problem_clear(&c->problem);
			slot_changed(x);
		}
	} else {
		slot_problem(x, c, r);
		slot_event(x, c, "connector_unwell", NULL, "%s", reason_info(r)->sentence);
	}
	x->heal_told = r;
}

void slot_heal(struct slot *x, struct connector *c, int64_t *wake_ms)
{
	bool coming = x->other && !x->other->replaced;
	struct heal_verdict v;
	enum reason cause, before = x->heal_cause;
	int64_t protocol_wake;

	*wake_ms = 0;
	/* What another process comes up for is not judged anew before that is over. */
	if (coming || !x->own->running || x->own->term_sent_ms || c->stopped_by_user) {
		if (!coming)
			x->heal_cause = REASON_NONE;
		return;
	}
	look_at_list(x);
	cause = look_at_protocol(x, c, &protocol_wake);
	v = judge(x);
	tell(x, c, v.reason);
	if (v.replace)
		cause = v.reason;
	x->heal_cause = cause;
	*wake_ms = slot_earlier(v.wake_ms, protocol_wake);
	/* Turns are given in the pass; while it waits for its turn, others will wake it. */
	if (x->heal_cause != REASON_NONE && x->heal_cause != before)
		deferred_start(&x->s->pass);
}

void slot_heal_begins(struct slot *x, enum reason cause)
{
	if (cause != x->heal_told || cause == REASON_NONE)
		return;
	heal_done(&slot_trouble_make(x)->heal, cause, x->own->probe.version_wanted, clock_wall_ms(),
		  random_u64());
	x->keep_due = true;
	slot_keep(x, true);
}

/* ---- shown ---- */

bool slot_show_health(const struct slot *x, struct connector *c)
{
	const struct process *p = x->own;
	const char *speaks = p->running ? p->memory.protocol : "";
	const char *why =
		p->running && slot_trouble(x)->protocol.fallen && str_equal(speaks, "http2")
			? reason_info(slot_trouble(x)->protocol.why)->sentence
			: NULL;
	int listed = p->running ? p->signs.edge_listed : -1;
	bool news = !str_equal(c->protocol, speaks) ||
		    !str_equal(connector_past(c)->protocol_why, why) || c->edge_listed != listed;

	str_copy(c->protocol, sizeof(c->protocol), speaks);
	if (!str_equal(connector_past(c)->protocol_why, why))
		str_set(&connector_past_make(c)->protocol_why, why);
	c->edge_listed = listed;
	/* Not told: they change with each look. */
	c->rss_bytes = p->running ? p->signs.rss_bytes : -1;
	c->open_fds = p->running ? p->signs.open_fds : -1;
	return news;
}
