/* Actions on tunnels: each sends one request and writes what came back. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloudflare/configs.h"
#include "cloudflare/tunnels.h"
#include "reconcile/act.h"

static struct tunnel *subject(struct act *a)
{
	return world_tunnel(a->x->world, a->action.object_id);
}

/* The answer came, but the object went away meanwhile: nothing to write. */
static struct tunnel *answered_subject(struct act *a)
{
	struct tunnel *t = subject(a);
	if (!t)
		act_end(a);
	return t;
}

static void changed(struct act *a)
{
	world_changed(a->x->world, OBJECT_TUNNEL, a->action.object_id);
}

/* ---- find, claim, create ---- */

static void tunnel_found(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t;
	struct cf_tunnel found;
	struct err e;
	(void)task;
	if (act_failed(a) || !(t = answered_subject(a)))
		return;
	t->observed.found_id[0] = '\0';
	JSON_EACH (row, a->call.result) {
		if (cf_tunnel_read(row, &found, &e) < 0) {
			act_fail(a, &e);
			return;
		}
		if (!found.deleted && str_equal(found.name, t->name))
			(void)str_copy(t->observed.found_id, UUID_SIZE, found.id);
	}
	t->observed.looked_ms = clock_wall_ms();
	changed(a);
	act_end(a);
}

static void start_find(struct act *a)
{
	a->calling = true;
	cf_tunnel_find(a->x->cf, &a->call, a->action.object_id, subject(a)->name, tunnel_found, a);
}

/* Ours when its token carries the secret that was stored before the POST left. */
int act_token_is_ours(struct act *a, const char *token, bool *ours, struct err *e)
{
	AUTO(secret_t) own = {0};
	struct cf_token parts = {0};
	if (cf_token_read(token, &parts, e) < 0)
		return -1;
	int rc = store_load_secret(a->x->store, a->action.object_id, &own, e);
	if (rc == 0)
		*ours = secret_equal(&own, &parts.secret) &&
			strcasecmp(parts.account, a->x->world->system.account_id) == 0;
	cf_token_free(&parts);
	return rc;
}

static int take_remote(struct act *a, struct tunnel *t, const char *remote_id, struct err *e)
{
	struct tunnel row = *t;
	(void)str_copy(row.remote_id, UUID_SIZE, remote_id);
	row.create_sent_ms = 0;
	int rc = act_save_tunnel(a, LEDGER_RESULT, "POST cfd_tunnel", &row, NULL, e);
	/* Cloudflare has it whether or not the disk took it; a crash now is healed by a claim. */
	(void)str_copy(t->remote_id, UUID_SIZE, remote_id);
	t->create_sent_ms = 0;
	t->observed.seen_ms = clock_wall_ms();
	return rc;
}

void act_disown(struct act *a, struct tunnel *t)
{
	struct tunnel row = *t;
	struct err e, theirs;
	t->observed.refuted_ms = clock_wall_ms();
	if (t->observed.refuted_ms < t->create_sent_ms + SETTLE_MS) {
		changed(a);
		act_end(a);
		return;
	}
	(void)err_set(&theirs, ERR_CONFLICT, "The tunnel of that name has another secret");
	row.create_sent_ms = 0;
	if (act_save_tunnel(a, LEDGER_RESULT, "POST cfd_tunnel", &row, &theirs, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	t->create_sent_ms = 0;
	changed(a);
	act_end(a);
}

void act_claim(struct act *a, struct tunnel *t, const char *remote_id)
{
	struct err e;
	if (take_remote(a, t, remote_id, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	changed(a);
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "tunnel_claimed",
		  "tunnel %s was made by a request whose answer was lost; it is adit's", t->name);
	act_end(a);
}

static void tunnel_claimed(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t;
	struct err e;
	bool ours = false;
	(void)task;
	if (a->call.absent && (t = subject(a)))
		t->observed.looked_ms = 0; /* it went away since it was found */
	if (act_failed(a) || !(t = answered_subject(a)))
		return;
	const char *token = json_string(a->call.result);
	if (!token)
		(void)err_set(&e, ERR_UPSTREAM, "Cloudflare's token of tunnel %s is no string",
			      t->name);
	if (!token || act_token_is_ours(a, token, &ours, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (!ours) {
		act_search(a);
		return;
	}
	act_claim(a, t, t->observed.found_id);
}

static void start_claim(struct act *a)
{
	a->calling = true;
	cf_tunnel_token(a->x->cf, &a->call, subject(a)->observed.found_id, tunnel_claimed, a);
}

/* A refused POST made nothing, so the intent is taken back; after a lost answer it stands. */
static void create_failed(struct act *a, struct tunnel *t)
{
	struct err e = a->call.task.err, trouble;
	struct tunnel row = *t;
	a->calling = false;
	t->observed.looked_ms = 0;
	if (!a->call.unknown && e.kind != ERR_CONFLICT)
		row.create_sent_ms = 0;
	if (act_save_tunnel(a, LEDGER_RESULT, "POST cfd_tunnel", &row, &e, &trouble) == 0)
		t->create_sent_ms = row.create_sent_ms;
	act_fail(a, &e);
}

static void tunnel_created(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct cf_tunnel made;
	struct err e;
	if (!t) {
		act_end(a);
		return;
	}
	if (task->err.kind != ERR_NONE) {
		create_failed(a, t);
		return;
	}
	a->calling = false;
	/* An answer that cannot be read is a lost answer: look what became of it. */
	if (cf_tunnel_read(a->call.result, &made, &e) < 0) {
		t->observed.looked_ms = 0;
		act_fail(a, &e);
		return;
	}
	(void)str_copy(t->observed.status, sizeof(t->observed.status), made.status);
	if (take_remote(a, t, made.id, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	changed(a);
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "tunnel_created", "tunnel %s created as %s",
		  t->name, made.id);
	act_end(a);
}

static void start_create(struct act *a)
{
	struct tunnel *t = subject(a), row = *t;
	AUTO(secret_t) secret = {0};
	struct err e;
	row.create_sent_ms = clock_wall_ms();
	if (store_load_secret(a->x->store, t->id, &secret, &e) < 0 ||
	    act_save_tunnel(a, LEDGER_INTENT, "POST cfd_tunnel", &row, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	t->create_sent_ms = row.create_sent_ms;
	t->observed.looked_ms = 0;
	a->calling = true;
	cf_tunnel_create(a->x->cf, &a->call, t->id, t->name, &secret, tunnel_created, a);
}

/* ---- token ---- */

/* Its connectors may have started with tokens that a lost store had counted. */
static int64_t next_token(const struct world *w, const struct tunnel *t)
{
	int64_t next = t->token_generation + 1;
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (!t->token_generation && str_equal(c->tunnel_id, t->id) &&
		    c->token_generation > next)
			next = c->token_generation;
	return next;
}

int act_read_token(struct act *a, const struct tunnel *t, const char *text, struct cf_token *parts,
		   struct err *e)
{
	struct cf_token read = {0};
	if (!text)
		return err_set(e, ERR_UPSTREAM, "Cloudflare's token of tunnel %s is no string",
			       t->name);
	if (cf_token_read(text, &read, e) < 0)
		return -1;
	if (strcasecmp(read.tunnel, t->remote_id) == 0 &&
	    strcasecmp(read.account, a->x->world->system.account_id) == 0) {
		*parts = read;
		return 0;
	}
	cf_token_free(&read);
	return err_set(e, ERR_UPSTREAM, "Cloudflare sent a token of another tunnel for %s",
		       t->name);
}

/* Read again because it was refused, and still the same: connectors need not hear of it. */
static bool same_token(const struct act *a, const struct tunnel *t, const struct secret *token)
{
	AUTO(secret_t) kept = {0};
	struct err ignored;

	return t->token_generation > 0 &&
	       store_load_token(a->x->store, t->id, &kept, &ignored) == 0 &&
	       secret_equal(&kept, token);
}

static int keep_token(struct act *a, struct tunnel *t, const char *text, struct err *e)
{
	AUTO(secret_t) token = {0};
	struct cf_token parts = {0};
	struct tunnel row = *t;
	struct store *s = a->x->store;
	if (act_read_token(a, t, text, &parts, e) < 0)
		return -1;
	cf_token_free(&parts);
	secret_set(&token, text, strlen(text));
	if (!same_token(a, t, &token))
		row.token_generation = next_token(a->x->world, t);
	row.token_stale = false;
	if (store_begin(s, e) < 0)
		return -1;
	if (store_save_token(s, t->id, &token, e) < 0 || store_save_tunnel(s, &row, e) < 0 ||
	    store_commit(s, e) < 0) {
		store_rollback(s);
		return -1;
	}
	t->token_generation = row.token_generation;
	t->token_stale = t->token_due = false;
	return 0;
}

static void token_came(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t;
	struct err e;
	(void)task;
	if (act_failed(a) || !(t = answered_subject(a)))
		return;
	if (keep_token(a, t, json_string(a->call.result), &e) < 0) {
		act_fail(a, &e);
		return;
	}
	changed(a);
	act_end(a);
}

static void start_token(struct act *a)
{
	a->calling = true;
	cf_tunnel_token(a->x->cf, &a->call, subject(a)->remote_id, token_came, a);
}

/* ---- delete ---- */

static void connections_cleared(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = answered_subject(a);
	struct err e;
	a->calling = false;
	if (!t)
		return;
	if (task->err.kind != ERR_NONE && !a->call.absent) {
		act_fail_change(a, "DELETE connections", t->name, &task->err);
		return;
	}
	if (act_ledger(a, LEDGER_RESULT, "DELETE connections", t->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	t->observed.connections_cleared = true;
	changed(a);
	act_end(a);
}

static void start_clear(struct act *a)
{
	struct tunnel *t = subject(a);
	struct err e;
	if (act_ledger(a, LEDGER_INTENT, "DELETE connections", t->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->calling = true;
	cf_connections_delete(a->x->cf, &a->call, t->remote_id, connections_cleared, a);
}

static int forget(struct act *a, struct tunnel *t, struct err *e)
{
	struct store *s = a->x->store;
	bool back = t->want == WANT_RELEASED;
	const char *operation = back ? "tunnel_release" : "DELETE cfd_tunnel";
	if (store_begin(s, e) < 0)
		return -1;
	if (store_drop(s, OBJECT_TUNNEL, t->id, e) < 0 ||
	    act_ledger(a, LEDGER_RESULT, operation, t->name, NULL, e) < 0 ||
	    store_commit(s, e) < 0) {
		store_rollback(s);
		return -1;
	}
	act_event(a, OBJECT_TUNNEL, t->id, t->name, back ? "tunnel_released" : "tunnel_deleted",
		  back ? "tunnel %s is not adit's any more" : "tunnel %s is gone", t->name);
	(void)world_drop(a->x->world, OBJECT_TUNNEL, t->id);
	return 0;
}

static void start_forget(struct act *a)
{
	struct err e;
	if (forget(a, subject(a), &e) < 0)
		act_fail(a, &e);
	else
		act_end(a);
}

static void tunnel_deleted(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = answered_subject(a);
	a->calling = false;
	if (!t)
		return;
	if (task->err.kind != ERR_NONE && !a->call.absent) {
		/* Connections may have come back: they are cleared again before the next try. */
		t->observed.connections_cleared = false;
		act_fail_change(a, "DELETE cfd_tunnel", t->name, &task->err);
	} else
		start_forget(a);
}

static void start_delete(struct act *a)
{
	struct tunnel *t = subject(a);
	struct err e;
	if (act_ledger(a, LEDGER_INTENT, "DELETE cfd_tunnel", t->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->calling = true;
	cf_tunnel_delete(a->x->cf, &a->call, t->remote_id, tunnel_deleted, a);
}

act_fn *act_tunnel_starter(enum action_kind k)
{
	static act_fn *const starters[ACTION_KINDS] = {
		[ACT_TUNNEL_FIND] = start_find,        [ACT_TUNNEL_CLAIM] = start_claim,
		[ACT_TUNNEL_CREATE] = start_create,    [ACT_TUNNEL_TOKEN] = start_token,
		[ACT_CONNECTIONS_CLEAR] = start_clear, [ACT_TUNNEL_DELETE] = start_delete,
		[ACT_TUNNEL_FORGET] = start_forget,
	};
	return starters[k];
}
