/*
 * A tunnel's new secret on its way to Cloudflare. It stands in the store before the PATCH leaves,
 * and the tunnel's token alone tells whether it arrived, whatever the answer said: then the token
 * is kept, and connectors take it. The old secret is that of the token in the store.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cloudflare/tunnels.h"
#include "reconcile/act.h"
#include "reconcile/apply.h"

#define OPERATION "PATCH tunnel_secret"
#define LOST      "lost"

typedef struct cf_token cf_token_t;
static void cf_token_t_cleanup(cf_token_t *t)
{
	cf_token_free(t);
}

static struct tunnel *subject(struct act *a)
{
	return world_tunnel(a->x->world, a->action.object_id);
}

static void done(struct act *a)
{
	world_changed(a->x->world, OBJECT_TUNNEL, a->action.object_id);
	act_end(a);
}

static void recall(const struct act_context *x, struct tunnel *t)
{
	AUTO(str_t) key = apply_rotate_key(t->id);
	AUTO(str_t) kept = store_get_meta(x->store, key);
	t->rotating = kept != NULL;
	t->rotate_lost = str_equal(kept, LOST);
	t->rotate_sent_ms = kept && !t->rotate_lost ? strtoll(kept, NULL, 10) : 0;
}

void act_rotate_recall(const struct act_context *x)
{
	TABLE_EACH (i, struct tunnel, t, &x->world->tunnels)
		recall(x, t);
}

/* ---- PATCH ---- */

/* When a PATCH left that may have taken effect, in one transaction with its ledger row. */
static int note_sent(struct act *a, struct tunnel *t, int64_t sent_ms, enum ledger_phase phase,
		     const struct err *outcome, struct err *e)
{
	struct store *s = a->x->store;
	AUTO(str_t) key = apply_rotate_key(t->id);
	AUTO(str_t) value = str_format("%lld", (long long)sent_ms);
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_meta(s, key, value, e) == 0 &&
	    act_ledger(a, phase, OPERATION, t->name, outcome, e) == 0 && store_commit(s, e) == 0) {
		t->rotate_sent_ms = sent_ms;
		return 0;
	}
	store_rollback(s);
	return -1;
}

/* A refusal that no repetition heals soon is told, and holds up nothing else of the tunnel. */
static void secret_refused(struct act *a, struct tunnel *t, const struct err *why)
{
	str_set(&t->observed.secret_refusal, why->message);
	t->observed.secret_refused_ms = clock_wall_ms();
	done(a);
}

/* Without an answer it is not known what stands there: the token will tell. */
static void secret_sent(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct err why = task->err, e;
	bool failed = why.kind != ERR_NONE;
	a->calling = false;
	if (!t || !t->rotating) {
		act_end(a);
		return;
	}
	t->observed.secret_looked_ms = 0;
	int64_t sent = failed && !a->call.unknown ? 0 : t->rotate_sent_ms;
	if (note_sent(a, t, sent, LEDGER_RESULT, failed ? &why : NULL, &e) < 0)
		act_fail(a, &e);
	else if (!failed)
		done(a);
	else if (sent || why.retryable)
		act_fail(a, &why);
	else
		secret_refused(a, t, &why);
}

static void start_secret(struct act *a)
{
	struct tunnel *t = subject(a);
	AUTO(secret_t) secret = {0};
	struct err e;
	str_set(&t->observed.secret_refusal, NULL);
	if (store_load_secret(a->x->store, t->id, &secret, &e) < 0 ||
	    note_sent(a, t, clock_wall_ms(), LEDGER_INTENT, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	t->observed.secret_looked_ms = 0;
	a->calling = true;
	cf_tunnel_rotate(a->x->cf, &a->call, t->remote_id, &secret, secret_sent, a);
}

/* ---- what its token says ---- */

enum carries { CARRIES_NEW, CARRIES_OLD, CARRIES_OTHER };

/* The store's token may be missing or stale; then no secret is known to be the old one. */
static bool is_old(struct act *a, const struct tunnel *t, const struct cf_token *read)
{
	AUTO(secret_t) token = {0};
	AUTO(cf_token_t) parts = {0};
	struct err e;
	return store_load_token(a->x->store, t->id, &token, &e) == 0 &&
	       cf_token_read(token.data, &parts, &e) == 0 &&
	       secret_equal(&parts.secret, &read->secret);
}

static int judge_token(struct act *a, const struct tunnel *t, const char *text, enum carries *out,
		       struct err *e)
{
	AUTO(secret_t) own = {0};
	AUTO(cf_token_t) parts = {0};
	if (act_read_token(a, t, text, &parts, e) < 0 ||
	    store_load_secret(a->x->store, t->id, &own, e) < 0)
		return -1;
	*out = secret_equal(&own, &parts.secret) ? CARRIES_NEW
	       : is_old(a, t, &parts)            ? CARRIES_OLD
						 : CARRIES_OTHER;
	return 0;
}

/* The token that is valid now, and how the rotation stands with it; connectors take it. state: NULL
 * = it is over. */
static int keep(struct act *a, struct tunnel *t, const char *text, const char *state, struct err *e)
{
	struct store *s = a->x->store;
	struct tunnel row = *t;
	AUTO(secret_t) token = {0}, was = {0};
	AUTO(str_t) key = apply_rotate_key(t->id);
	struct err ignored;
	secret_set(&token, text, strlen(text));
	/* It may have been read before its secret was asked about. */
	if (store_load_token(s, t->id, &was, &ignored) < 0 || !secret_equal(&was, &token))
		row.token_generation++;
	row.token_stale = false;
	if (store_begin(s, e) < 0)
		return -1;
	if (store_save_token(s, t->id, &token, e) < 0 || store_save_tunnel(s, &row, e) < 0 ||
	    store_set_meta(s, key, state, e) < 0 || store_commit(s, e) < 0) {
		store_rollback(s);
		return -1;
	}
	t->token_generation = row.token_generation;
	t->token_stale = false;
	t->rotate_sent_ms = 0;
	t->rotating = t->rotate_lost = state != NULL;
	return 0;
}

static void rotated(struct act *a, struct tunnel *t, const char *text)
{
	struct err e;
	if (keep(a, t, text, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "tunnel_rotated",
		  "tunnel %s has its new secret; its connectors are replaced one after the other",
		  t->name);
	done(a);
}

static void lost(struct act *a, struct tunnel *t, const char *text)
{
	struct err e;
	if (keep(a, t, text, LOST, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "tunnel_rotated_elsewhere",
		  "tunnel %s has a secret that somebody else gave it, not the one that it was to "
		  "get",
		  t->name);
	done(a);
}

static void confirmed(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	const char *text;
	enum carries it;
	struct err e;
	(void)task;
	if (act_failed(a))
		return;
	if (!t || !t->rotating) {
		act_end(a);
		return;
	}
	text = json_string(a->call.result);
	if (judge_token(a, t, text, &it, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	t->observed.secret_looked_ms = clock_wall_ms();
	if (it == CARRIES_NEW)
		rotated(a, t, text);
	else if (it == CARRIES_OTHER &&
		 t->observed.secret_looked_ms >= t->rotate_sent_ms + SETTLE_MS)
		lost(a, t, text);
	else
		done(a);
}

static void start_confirm(struct act *a)
{
	a->calling = true;
	cf_tunnel_token(a->x->cf, &a->call, subject(a)->remote_id, confirmed, a);
}

act_fn *act_rotate_starter(enum action_kind k)
{
	return k == ACT_TUNNEL_SECRET    ? start_secret
	       : k == ACT_TUNNEL_CONFIRM ? start_confirm
					 : NULL;
}
