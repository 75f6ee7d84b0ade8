/* Handlers: members and roles. */
#include <stdlib.h>
#include <string.h>

#include "base/untrusted.h"
#include "ops/members.h"
#include "ops/rule_rows.h"

struct member_listing {
	struct members members; /* first */
	struct list_answer l;
	int64_t unreadable;
	bool details;
};

static void listing_drop(void *own)
{
	members_free(own);
	free(own);
}

/* What a list has besides its rows. */
static void put_rest(struct list_answer *l, int64_t unreadable, const char *part,
		     const struct err *missing)
{
	list_rows_end(l);
	if (unreadable)
		json_put_int(&l->w, "unreadable", unreadable);
	if (!missing)
		return;
	json_write_key(&l->w, "unknown");
	json_array_begin(&l->w);
	put_unknown(&l->w, part, missing);
	json_array_end(&l->w);
}

/* ---- member_list ---- */

static bool says(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

struct role_look {
	const char *role;
	bool found;
};

static void role_compared(const struct members *m, const struct cf_right *r, void *owner)
{
	struct role_look *x = owner;

	(void)m;
	x->found |= str_equal(r->id, x->role) || says(r->name, x->role);
}

static bool holds(const struct members *m, const struct cf_member *x, const char *role)
{
	struct role_look look = {.role = role};

	members_rights(m, x, role_compared, &look);
	return look.found;
}

static bool member_fits(const struct members *m, const struct cf_member *x,
			const struct member_list_args *a)
{
	AUTO(str_t) name = member_name(x);

	return (!a->text || says(x->email, a->text) || says(name, a->text)) &&
	       (!a->status || str_equal(a->status, cf_member_status_name(x->status))) &&
	       (!a->two_factor || str_equal(a->two_factor, second_factor_word(x->two_factor))) &&
	       (!a->role || holds(m, x, a->role));
}

static void row_member(const void *row, struct json_writer *w, const void *owner)
{
	const struct member_listing *x = owner;

	json_object_begin(w);
	put_member(&x->members, row, w);
	if (x->details)
		put_rights(&x->members, row, w);
	json_object_end(w);
}

static int listed_member(const struct json *row, void *owner)
{
	struct member_listing *x = owner;
	struct cf_member member;
	struct err e;

	if (cf_member_read(row, &member, &e) < 0)
		x->unreadable++;
	else if (member_fits(&x->members, &member, x->l.call->args))
		list_row(&x->l, row_member, &member, x);
	return 0;
}

static void members_listed(struct call *c, struct gather *g)
{
	struct member_listing *x = gather_own(g);

	(void)c;
	put_rest(&x->l, x->unreadable, "names of permission groups", x->members.groups_error);
	gather_list_end(g, &x->l);
}

static void members_came(struct call *c, struct gather *g)
{
	const struct member_list_args *a = c->args;
	struct member_listing *x = gather_own(g);
	AUTO(str_t) query = a->status ? str_format("status=%s", a->status) : NULL;
	const char *account;

	if (!gather_account(c, g, a->account, &account) ||
	    !members_gather(c, g, &x->members, account, query))
		return;
	x->details = list_takes_details(c->args, a->details) || strlist_has(&a->fields, "rights");
	if (list_begin(c, (const struct list_args *)a, &x->l) < 0) {
		call_fail(c);
		return;
	}
	members_each(g, &x->members, listed_member, x, members_listed);
}

void run_member_list(struct call *c)
{
	const struct member_list_args *a = c->args;

	if (!gather_whole_account(c))
		return;
	struct gather *g = gather_begin(c, a->fresh, members_came);
	gather_set_own(g, mem_alloc(sizeof(struct member_listing)), listing_drop);
	members_came(c, g);
}

/* ---- role_list ---- */

struct role_listing {
	struct list_answer l;
	int64_t unreadable;
	size_t roles, members; /* reads, + 1 */
	struct map held;       /* id -> struct held *, owned; empty = not counted */
	size_t member;         /* who is counted now */
	bool counted;
};

struct held {
	int64_t members;
	size_t last; /* of them: a role may be told as a policy, too */
};

static void role_listing_drop(void *own)
{
	struct role_listing *x = own;
	const struct map_entry *e;

	for (size_t i = 0; (e = map_next(&x->held, &i)) != NULL;)
		free(e->value);
	map_free(&x->held);
	free(x);
}

static void role_counted(const struct cf_right *r, void *owner)
{
	struct role_listing *x = owner;
	struct held *h = r->id ? map_get(&x->held, r->id) : NULL;

	if (!r->id || r->denies)
		return;
	if (!h) {
		h = mem_alloc(sizeof(*h));
		(void)map_set(&x->held, r->id, h);
	}
	h->members += h->last != x->member;
	h->last = x->member;
}

static int member_counted(const struct json *row, void *owner)
{
	struct role_listing *x = owner;
	struct cf_member member;
	struct err e;

	x->member++;
	if (cf_member_read(row, &member, &e) == 0)
		cf_member_rights(&member, NULL, role_counted, x);
	return 0;
}

static void row_role(const void *row, struct json_writer *w, const void *owner)
{
	const struct role_listing *x = owner;
	const struct cf_role *r = row;
	const struct held *held = map_get(&x->held, r->id);
	const struct cf_right right = {.id = r->id, .name = r->name, .permissions = r->permissions};
	struct powers powers = {.super = false};
	AUTO(buf_t) words = {0};

	powers_add(&powers, &right);
	cf_permission_words(r->permissions, &words);
	json_object_begin(w);
	json_put_string(w, "id", r->id);
	json_put_untrusted(w, "untrusted_name", r->name);
	json_put_untrusted(w, "untrusted_description", r->description);
	if (r->permissions)
		json_put_string(w, "permissions",
				words.len      ? buf_text(&words)
				: powers.super ? "everything"
					       : "nothing");
	put_powers(w, &powers);
	if (x->counted)
		json_put_int(w, "members", held ? held->members : 0);
	json_object_end(w);
}

static int listed_role(const struct json *row, void *owner)
{
	struct role_listing *x = owner;
	const struct role_list_args *a = x->l.call->args;
	struct cf_role role;
	struct err e;

	if (cf_role_read(row, &role, &e) < 0)
		x->unreadable++;
	else if (!a->text || says(role.name, a->text) || says(role.description, a->text))
		list_row(&x->l, row_role, &role, x);
	return 0;
}

static void roles_listed(struct call *c, struct gather *g)
{
	struct role_listing *x = gather_own(g);

	(void)c;
	put_rest(&x->l, x->unreadable, "members",
		 x->members ? gather_error(g, x->members - 1) : NULL);
	gather_list_end(g, &x->l);
}

static void holders_counted(struct call *c, struct gather *g)
{
	struct role_listing *x = gather_own(g);

	if (list_begin(c, c->args, &x->l) < 0)
		call_fail(c);
	else
		gather_each(g, x->roles - 1, listed_role, x, roles_listed);
}

/* Both lists at once. */
static void roles_ask(struct gather *g, struct role_listing *x, const char *account, bool members)
{
	const struct cf_target target = {.account = account};

	x->roles = gather_read(g, CF_SOURCE_ROLES, &target) + 1;
	if (members)
		x->members = gather_read(g, CF_SOURCE_MEMBERS, &target) + 1;
}

static void roles_came(struct call *c, struct gather *g)
{
	const struct role_list_args *a = c->args;
	struct role_listing *x = gather_own(g);
	const char *account;

	if (!gather_account(c, g, a->account, &account))
		return;
	if (!x->roles) {
		roles_ask(g, x, account, a->members);
		return;
	}
	if (gather_error(g, x->roles - 1)) {
		gather_fail(c, g, x->roles - 1);
		return;
	}
	(void)list_takes_details((struct list_args *)c->args, false);
	x->counted = x->members && !gather_error(g, x->members - 1);
	if (x->counted)
		gather_each(g, x->members - 1, member_counted, x, holders_counted);
	else
		holders_counted(c, g);
}

void run_role_list(struct call *c)
{
	const struct role_list_args *a = c->args;

	if (!gather_whole_account(c))
		return;
	struct gather *g = gather_begin(c, a->fresh, roles_came);
	gather_set_own(g, mem_alloc(sizeof(struct role_listing)), role_listing_drop);
	roles_came(c, g);
}
