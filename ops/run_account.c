/* Handlers: accounts. */
#include <string.h>

#include "base/untrusted.h"
#include "cloudflare/accounts.h"
#include "ops/gather.h"
#include "ops/rule_rows.h"

static void row_account(const void *row, struct json_writer *w, const void *owner)
{
	static const char *const second_factor[] = {"unknown", "required", "not required"};
	const struct cf_account_row *a = row;
	const struct world *world = owner;

	json_object_begin(w);
	json_put_string(w, "id", a->id);
	json_put_untrusted(w, "untrusted_name", a->name);
	json_put_untrusted(w, "untrusted_type", a->type);
	json_put_string(w, "second_factor", second_factor[a->second_factor]);
	json_put_bool(w, "configured", str_equal(a->id, world->system.account_id));
	json_object_end(w);
}

static int listed_account(const struct json *row, void *owner)
{
	struct list_answer *l = owner;
	const struct account_list_args *a = l->call->args;
	struct cf_account_row account;

	if (cf_account_read(row, &account) == 0 &&
	    (!a->name || (account.name && strcasestr(account.name, a->name))))
		list_row(l, row_account, &account, l->call->ops->world);
	return 0;
}

/* A token that an account owns cannot list accounts, but read its own. */
static void accounts_came(struct call *c, struct gather *g)
{
	size_t last = gather_count(g) - 1;
	const struct cf_listing *came = gather_listing(g, last);
	const struct account_list_args *a = c->args;
	struct list_answer l;

	if (!came && last == 0 && c->ops->world->system.account_id[0]) {
		(void)gather_read(g, CF_SOURCE_ACCOUNT, &(struct cf_target){0});
		return;
	}
	if (!came) {
		gather_fail(c, g, 0);
		return;
	}
	(void)list_takes_details((struct list_args *)c->args, false);
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	(void)cf_listing_each(came, listed_account, &l);
	gather_list_end(g, &l);
}

void run_account_list(struct call *c)
{
	const struct account_list_args *a = c->args;

	if (!gather_whole_account(c))
		return;
	struct gather *g = gather_begin(c, a->fresh, accounts_came);
	(void)gather_read(g, CF_SOURCE_ACCOUNTS, &(struct cf_target){0});
}
