/*
 * Members, roles and tokens: what an account has before a seed says more, how a member's row refers
 * to roles and permission groups by id or name, and what a token's row tells of it.
 */
#include "sim/people.h"

#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

/* By id or by name. */
static const struct json *referred(const struct call *k, const char *kind, const char *text)
{
	const struct map *rows = shelf_find(k->c, kind, call_owner(k));
	const struct sim_row *x = rows ? map_get(rows, text) : NULL;

	if (x || !rows)
		return row_json(x);
	MAP_EACH (const struct sim_row, each, rows)
		if (str_equal(json_get_string(row_json(each), "name"), text))
			return row_json(each);
	return NULL;
}

static void write_referred(struct call *k, const char *kind, const struct json *list)
{
	json_array_begin(&k->w);
	JSON_EACH (v, list) {
		const char *text = json_string(v);
		const struct json *row = text ? referred(k, kind, text) : v;
		if (row)
			json_write_value(&k->w, row);
	}
	json_array_end(&k->w);
}

/* An invitation that nobody took yet has no user behind it. */
static void write_user(struct call *k, const struct json *row)
{
	const char *email = json_get_string(row, "email");
	bool accepted = str_equal(json_get_string(row, "status"), "accepted");
	char id[SIM_ID_SIZE];

	shelf_id(OWNER_USER, email ? email : "", id);
	json_object_begin(&k->w);
	if (accepted)
		json_put_string(&k->w, "id", id);
	json_put_string(&k->w, "email", email);
	json_put_string(&k->w, "first_name", NULL);
	json_put_string(&k->w, "last_name", NULL);
	json_put_bool(&k->w, "two_factor_authentication_enabled",
		      json_get_bool(row, "two_factor", false));
	json_object_end(&k->w);
}

static void write_policies(struct call *k, const struct json *list)
{
	json_array_begin(&k->w);
	JSON_EACH (v, list) {
		json_object_begin(&k->w);
		JSON_EACH (member, v) {
			json_write_key(&k->w, json_key(member));
			if (str_equal(json_key(member), "permission_groups"))
				write_referred(k, "permission_groups", member);
			else
				json_write_value(&k->w, member);
		}
		json_object_end(&k->w);
	}
	json_array_end(&k->w);
}

void write_member(struct call *k, const struct json *row)
{
	static const char *const plain[] = {"roles", "policies", "two_factor", NULL};

	json_object_begin(&k->w);
	write_merged(&k->w, row, NULL, plain);
	if (!json_get(row, "user")) {
		json_write_key(&k->w, "user");
		write_user(k, row);
	}
	if (json_get(row, "roles")) {
		json_write_key(&k->w, "roles");
		write_referred(k, "roles", json_get(row, "roles"));
	}
	if (json_get(row, "policies")) {
		json_write_key(&k->w, "policies");
		write_policies(k, json_get(row, "policies"));
	}
	json_object_end(&k->w);
}

/* ---- what an account has ---- */

void shelves_default(struct cloud *c, const char *account)
{
	static const char role[] =
		"{\"id\":\"3536bcfad5faccb999b47003c79917fb\","
		"\"name\":\"Super Administrator - All Privileges\","
		"\"description\":\"Can edit any Cloudflare setting\","
		"\"permissions\":{\"dns_records\":{\"read\":true,\"write\":true}}}";
	static const char member[] =
		"{\"id\":\"4536bcfad5faccb111b47003c79917fa\",\"email\":\"" SIM_USER_EMAIL "\","
		"\"status\":\"accepted\",\"roles\":[\"3536bcfad5faccb999b47003c79917fb\"],"
		"\"user\":{\"id\":\"" SIM_USER "\",\"email\":\"" SIM_USER_EMAIL "\","
		"\"first_name\":null,\"last_name\":null,"
		"\"two_factor_authentication_enabled\":false}}";

	static const char group[] =
		"{\"id\":\"6d7f2f5f5b1d4a0e9081fdc98d432fd1\",\"name\":\"Administrators\","
		"\"meta\":{\"label\":\"admin\",\"scopes\":\"com.cloudflare.api.account\"}}";

	if (shelf_find(c, "members", account))
		return;
	shelf_put(c, "roles", account, role);
	shelf_put(c, "members", account, member);
	shelf_put(c, "permission_groups", account, group);
}

/* ---- tokens ---- */

static void write_token(struct json_writer *w, const struct sim_token *t)
{
	json_object_begin(w);
	json_put_string(w, "id", t->id);
	json_put_string(w, "name", t->name ? t->name : "a token of the simulator's");
	json_put_string(w, "status", t->status);
	json_put_time(w, "issued_on", t->issued_ms);
	json_put_time(w, "modified_on", t->issued_ms);
	if (t->window_ms)
		json_put_time(w, "last_used_on", t->second_ms);
	if (t->expires_ms)
		json_put_time(w, "expires_on", t->expires_ms);
	if (t->not_before_ms)
		json_put_time(w, "not_before", t->not_before_ms);
	json_write_key(w, "policies");
	write_token_policies(w, t);
	json_object_end(w);
}

void tokens_to_shelf(struct cloud *c, const char *owner)
{
	MAP_EACH (const struct sim_token, t, &c->tokens) {
		AUTO(buf_t) text = {0};
		struct json_writer w;
		if (!str_equal(t->account[0] ? t->account : OWNER_USER, owner))
			continue;
		json_write_init(&w, &text);
		write_token(&w, t);
		shelf_put(c, "tokens", owner, buf_text(&text));
	}
}
