/* One look at a token: verify, read its row, try what it may. */
#include "cloudflare/token_look.h"

#include "cloudflare/paths.h"
#include "cloudflare/zones.h"

/* ---- the end ---- */

bool cf_token_look_usable(const struct cf_token_look *x)
{
	if (x->task.err.kind == ERR_DENIED)
		return false;
	return !x->token || x->token->status == CF_TOKEN_ACTIVE ||
	       x->token->status == CF_TOKEN_OTHER;
}

/* Who may edit may read; who may not read may not edit. */
static void fill_in(struct cf_token_look *x)
{
	for (int has = 0; has < CF_PERMISSIONS; has++)
		for (int p = 0; p < CF_PERMISSIONS; p++) {
			if (has == p ||
			    !cf_permission_includes((enum cf_permission)has, (enum cf_permission)p))
				continue;
			if (x->may[has] >= CF_MAY_PARTLY && x->may[has] > x->may[p])
				x->may[p] = x->may[has];
			if (x->may[p] == CF_MAY_NOT)
				x->may[has] = CF_MAY_NOT;
		}
}

static void look_end(struct cf_token_look *x)
{
	fill_in(x);
	task_finish(&x->task);
}

/* ---- what it may, one by one ---- */

/* Does a refusal tell of the permission, and not of the zone? */
static bool tells(const struct cf_token_look *x, enum cf_permission p)
{
	return x->own_zone || !cf_permission_is_zones(p);
}

static void zones_came(struct cf_token_look *x, const struct json *zones);

static void probe_came(struct task *t, void *owner)
{
	struct cf_token_look *x = owner;
	const struct cf_call *c = (const struct cf_call *)(const void *)t;
	enum cf_permission p = (enum cf_permission)(c - x->probes);
	enum cf_may *may = &x->may[p];

	/* That there is no such thing is an answer, too. */
	if (t->err.kind == ERR_NONE || c->absent)
		*may = CF_MAY;
	else if (t->err.kind == ERR_DENIED && t->err.cloudflare.status && tells(x, p))
		*may = CF_MAY_NOT;
	if (p == CF_ZONE_READ)
		zones_came(x, c->result);
	if (--x->waiting == 0)
		look_end(x);
}

static void probe(struct cf_token_look *x, enum cf_permission p)
{
	AUTO(str_t) path = cf_permission_probe(p, x->account, x->zone);

	if (!path)
		return;
	x->waiting++;
	cf_call_start_with(x->cf, &x->probes[p], CF_SHARE_PEOPLE, "GET", path, NULL, NULL, NULL,
			   CF_CALL_TRYING | CF_CALL_BESIDE, probe_came, x);
}

static void probe_rest(struct cf_token_look *x)
{
	for (int p = 0; p < CF_PERMISSIONS; p++)
		if (p != CF_ZONE_READ)
			probe(x, (enum cf_permission)p);
}

/* A token may be for other zones than the other one: it is tried on one that it lists itself. */
static void zones_came(struct cf_token_look *x, const struct json *zones)
{
	const char *id = json_get_string(json_first(zones), "id");

	if (id && hex_valid(id, CF_ID_SIZE - 1))
		x->own_zone = str_copy(x->zone, sizeof(x->zone), id);
	probe_rest(x);
}

static void probe_all(struct cf_token_look *x)
{
	probe(x, CF_ZONE_READ);
	if (!x->waiting)
		probe_rest(x);
	if (!x->waiting)
		look_end(x);
}

/* ---- its own row ---- */

static enum cf_may may_of(enum cf_allowed a)
{
	return a == CF_ALLOWED ? CF_MAY : a == CF_ALLOWED_PARTLY ? CF_MAY_PARTLY : CF_MAY_NOT;
}

static void self_came(struct task *t, void *owner)
{
	struct cf_token_look *x = owner;
	enum cf_permission self =
		x->owner == CF_OWNER_USER ? CF_USER_TOKENS_READ : CF_ACCOUNT_TOKENS_READ;
	struct err e;

	if (t->err.kind == ERR_DENIED && t->err.cloudflare.status == 403)
		x->may[self] = CF_MAY_NOT;
	if (t->err.kind != ERR_NONE || cf_token_row_read(x->self.result, &x->own, &e) < 0 ||
	    !x->own.policies) {
		probe_all(x);
		return;
	}
	x->by_policies = true;
	x->name = x->own.name;
	for (int p = 0; p < CF_PERMISSIONS; p++)
		x->may[p] = may_of(cf_token_allows(
			x->own.policies, cf_permission_name((enum cf_permission)p), x->account));
	look_end(x);
}

static void self_ask(struct cf_token_look *x)
{
	AUTO(str_t)
	path = x->owner == CF_OWNER_USER
		       ? str_format("/user/tokens/%s", x->token->id)
		       : str_format("/accounts/%s/tokens/%s", x->account, x->token->id);

	cf_call_start_with(x->cf, &x->self, CF_SHARE_PEOPLE, "GET", path, NULL, NULL, NULL,
			   CF_CALL_TRYING | CF_CALL_BESIDE, self_came, x);
}

/* ---- is it any good ---- */

static void verified(struct task *t, void *owner);

/* 401 tells a token that is an account's; 403 one that is good and may not ask. */
static void verify_failed(struct cf_token_look *x, const struct err *why)
{
	if (x->owner == CF_OWNER_USER && why->cloudflare.status == 401) {
		x->owner = CF_OWNER_ACCOUNT;
		cf_call_reset(&x->verify);
		cf_token_verify(x->cf, &x->verify, true, verified, x);
		return;
	}
	x->owner = CF_OWNER_UNKNOWN;
	if (why->cloudflare.status == 403) {
		probe_all(x);
		return;
	}
	x->task.err = *why;
	task_finish(&x->task);
}

static void verified(struct task *t, void *owner)
{
	struct cf_token_look *x = owner;
	struct err e = t->err;

	if (e.kind != ERR_NONE || cf_token_row_read(x->verify.result, &x->row, &e) < 0) {
		verify_failed(x, &e);
		return;
	}
	x->token = &x->row;
	if (cf_token_look_usable(x))
		self_ask(x);
	else
		task_finish(&x->task);
}

void cf_token_look_start(struct cf *cf, struct cf_token_look *x, const char *zone,
			 task_done_fn *done, void *owner)
{
	const char *account;
	struct err e;

	cf_token_look_reset(x);
	task_begin(&x->task, cf_loop(cf), done, owner);
	x->cf = cf;
	x->owner = CF_OWNER_USER;
	(void)str_copy(x->zone, sizeof(x->zone), zone);
	if (cf_account(cf, &account, &e) == 0)
		(void)str_copy(x->account, sizeof(x->account), account);
	cf_token_verify(cf, &x->verify, false, verified, x);
}

void cf_token_look_cancel(struct cf_token_look *x)
{
	cf_call_cancel(&x->verify);
	cf_call_cancel(&x->self);
	for (int p = 0; p < CF_PERMISSIONS; p++)
		cf_call_cancel(&x->probes[p]);
	x->waiting = 0;
	task_abandon(&x->task);
}

void cf_token_look_reset(struct cf_token_look *x)
{
	cf_call_reset(&x->verify);
	cf_call_reset(&x->self);
	for (int p = 0; p < CF_PERMISSIONS; p++)
		cf_call_reset(&x->probes[p]);
	x->token = NULL;
	x->name = NULL;
	x->by_policies = x->own_zone = false;
	for (int p = 0; p < CF_PERMISSIONS; p++)
		x->may[p] = CF_MAY_UNKNOWN;
}
