/* Accounts, and the tokens' verification. */
#include <string.h>

#include "sim/routes.h"

/* ---- accounts ---- */

static void write_account(struct call *k, const void *item)
{
	const struct sim_account *a = item;

	json_object_begin(&k->w);
	json_put_string(&k->w, "id", a->id);
	json_put_string(&k->w, "name", a->name);
	json_put_string(&k->w, "type", "standard");
	json_write_key(&k->w, "settings");
	json_object_begin(&k->w);
	json_put_bool(&k->w, "enforce_twofactor", false);
	json_put_string(&k->w, "abuse_contact_email", NULL);
	json_object_end(&k->w);
	json_put_time(&k->w, "created_on", a->created_ms);
	json_object_end(&k->w);
}

void answer_account_list(struct call *k)
{
	const char *name = call_arg(k, "name");
	struct page p;

	if (k->token && k->token->account[0]) {
		call_fail(k, 400, 1001,
			  "List accounts endpoint does not support account owned tokens.");
		return;
	}
	if (call_page(k, 5, 50, 20, &p) < 0)
		return;
	MAP_EACH (struct sim_account, a, &k->c->accounts)
		if (call_sees_account(k, a->id) && (!name || str_equal(name, a->name)))
			page_add(&p, a);
	if (str_equal(call_arg(k, "direction"), "desc"))
		page_reverse(&p);
	call_ok_page(k, &p, write_account);
}

void answer_account_get(struct call *k)
{
	call_ok_begin(k);
	write_account(k, k->account);
	call_ok_end(k);
}

/* ---- tokens ---- */

static void answer_verify(struct call *k, bool right_kind)
{
	if (!right_kind) {
		call_fail(k, 401, 1000, "Invalid API Token");
		return;
	}
	call_ok_begin(k);
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", call_maker(k));
	json_put_string(&k->w, "status", k->token ? k->token->status : "active");
	if (k->token && k->token->expires_ms)
		json_put_time(&k->w, "expires_on", k->token->expires_ms);
	if (k->token && k->token->not_before_ms)
		json_put_time(&k->w, "not_before", k->token->not_before_ms);
	json_object_end(&k->w);
	call_ok_end(k);
}

void answer_user_verify(struct call *k)
{
	answer_verify(k, !k->token || !k->token->account[0]);
}

void answer_account_verify(struct call *k)
{
	answer_verify(k, !k->token || k->token->account[0]);
}
