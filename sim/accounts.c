/* Accounts, zones, members, roles and the tokens' verification. */
#include <string.h>

#include "sim/routes.h"

static const char member_id[] = "4536bcfad5faccb111b47003c79917fa";
static const char role_id[] = "3536bcfad5faccb999b47003c79917fb";

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
	call_ok_page(k, &p, write_account);
}

void answer_account_get(struct call *k)
{
	call_ok_begin(k);
	write_account(k, k->account);
	call_ok_end(k);
}

/* ---- zones ---- */

static void write_zone_owners(struct call *k, const struct sim_zone *z)
{
	const struct sim_account *a = map_get(&k->c->accounts, z->account);

	json_write_key(&k->w, "account");
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", z->account);
	json_put_string(&k->w, "name", a ? a->name : "");
	json_object_end(&k->w);
	json_write_key(&k->w, "owner");
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", NULL);
	json_put_string(&k->w, "type", "user");
	json_put_string(&k->w, "email", NULL);
	json_object_end(&k->w);
	json_write_key(&k->w, "plan");
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	json_put_string(&k->w, "name", z->paid ? "Pro Plan" : "Free Website");
	json_put_string(&k->w, "legacy_id", z->paid ? "pro" : "free");
	json_object_end(&k->w);
}

static void write_zone_meta(struct call *k)
{
	json_write_key(&k->w, "meta");
	json_object_begin(&k->w);
	json_put_int(&k->w, "step", 2);
	json_put_int(&k->w, "custom_certificate_quota", 0);
	json_put_int(&k->w, "page_rule_quota", 3);
	json_put_bool(&k->w, "phishing_detected", false);
	json_object_end(&k->w);
}

static void write_zone(struct call *k, const void *item)
{
	static const char *const servers[] = {"ada.ns.sim.invalid", "bob.ns.sim.invalid"};
	const struct sim_zone *z = item;

	json_object_begin(&k->w);
	json_put_string(&k->w, "id", z->id);
	json_put_string(&k->w, "name", z->name);
	json_put_string(&k->w, "status", "active");
	json_put_bool(&k->w, "paused", false);
	json_put_string(&k->w, "type", "full");
	json_put_int(&k->w, "development_mode", 0);
	json_write_key(&k->w, "name_servers");
	json_array_begin(&k->w);
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		json_write_string(&k->w, servers[i]);
	json_array_end(&k->w);
	json_put_string(&k->w, "original_name_servers", NULL);
	json_put_string(&k->w, "original_registrar", NULL);
	json_put_string(&k->w, "original_dnshost", NULL);
	json_put_time(&k->w, "created_on", z->created_ms);
	json_put_time(&k->w, "modified_on", z->created_ms);
	json_put_time(&k->w, "activated_on", z->created_ms);
	write_zone_meta(k);
	write_zone_owners(k, z);
	json_object_end(&k->w);
}

/* "example.com", or one of the comparisons that the zones' list knows in place of a name. */
static bool name_asked(const char *asked, const char *name)
{
	const char *colon = asked ? strchr(asked, ':') : NULL;

	if (!asked)
		return true;
	if (!colon)
		return str_equal(asked, name);
	const char *rest = colon + 1;
	if (str_starts(asked, "equal:"))
		return str_equal(rest, name);
	if (str_starts(asked, "not_equal:"))
		return !str_equal(rest, name);
	if (str_starts(asked, "starts_with:"))
		return str_starts(name, rest);
	if (str_starts(asked, "ends_with:"))
		return str_ends(name, rest);
	return str_starts(asked, "contains:") && strstr(name, rest);
}

void answer_zone_list(struct call *k)
{
	const char *account = call_arg(k, "account.id"), *status = call_arg(k, "status");
	struct page p;

	if (call_page(k, 5, 50, 20, &p) < 0)
		return;
	MAP_EACH (struct sim_zone, z, &k->c->zones) {
		if (!call_sees_zone(k, z) || !name_asked(call_arg(k, "name"), z->name))
			continue;
		if ((account && !str_equal(account, z->account)) ||
		    (status && !str_equal(status, "active")))
			continue;
		page_add(&p, z);
	}
	call_ok_page(k, &p, write_zone);
}

void answer_zone_get(struct call *k)
{
	call_ok_begin(k);
	write_zone(k, k->zone);
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

/* ---- people ---- */

static void write_role(struct call *k, const void *item)
{
	(void)item;
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", role_id);
	json_put_string(&k->w, "name", "Super Administrator - All Privileges");
	json_put_string(&k->w, "description", "Can edit any Cloudflare setting");
	json_write_key(&k->w, "permissions");
	json_object_begin(&k->w);
	json_write_key(&k->w, "dns_records");
	json_object_begin(&k->w);
	json_put_bool(&k->w, "read", true);
	json_put_bool(&k->w, "write", true);
	json_object_end(&k->w);
	json_object_end(&k->w);
	json_object_end(&k->w);
}

static void write_member(struct call *k, const void *item)
{
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", member_id);
	json_put_string(&k->w, "email", "owner@example.com");
	json_put_string(&k->w, "status", "accepted");
	json_write_key(&k->w, "user");
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", "7c5dae5552338874e5053f2534d2767a");
	json_put_string(&k->w, "email", "owner@example.com");
	json_put_string(&k->w, "first_name", NULL);
	json_put_string(&k->w, "last_name", NULL);
	json_put_bool(&k->w, "two_factor_authentication_enabled", false);
	json_object_end(&k->w);
	json_write_key(&k->w, "roles");
	json_array_begin(&k->w);
	write_role(k, item);
	json_array_end(&k->w);
	json_object_end(&k->w);
}

static void answer_one(struct call *k, void (*write)(struct call *k, const void *item))
{
	struct page p;

	if (call_page(k, 5, 50, 20, &p) < 0)
		return;
	page_add(&p, k->account);
	call_ok_page(k, &p, write);
}

void answer_member_list(struct call *k)
{
	answer_one(k, write_member);
}

void answer_role_list(struct call *k)
{
	answer_one(k, write_role);
}
