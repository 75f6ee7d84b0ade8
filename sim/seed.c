/* What a seed document or a control request puts into the cloud; and edits by somebody else. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/shelf.h"

#define EDIT_MAX_QUERY 16

/* ---- names for ids ---- */

static const char *id_by_name(const struct cloud *c, const char *name)
{
	MAP_EACH (const struct sim_account, a, &c->accounts)
		if (str_equal(name, "account") || str_equal(a->name, name))
			return a->id;
	MAP_EACH (const struct sim_zone, z, &c->zones)
		if (str_equal(z->name, name))
			return z->id;
	MAP_EACH (const struct sim_tunnel, t, &c->tunnels)
		if (!t->deleted_ms && str_equal(t->name, name))
			return t->id;
	return NULL;
}

/* "@name" segments become ids; the caller frees *out. */
static int expand_path(const struct cloud *c, const char *path, char **out, struct err *e)
{
	AUTO(buf_t) text = {0};

	while (*path) {
		size_t slash = strspn(path, "/"), len = strcspn(path + slash, "/");
		AUTO(str_t) segment = str_ndup(path + slash, len);
		const char *id = segment[0] == '@' ? id_by_name(c, segment + 1) : segment;
		if (!id)
			return err_set(e, ERR_NOT_FOUND, "nothing is named %s", segment + 1);
		buf_add(&text, path, slash);
		buf_str(&text, id);
		path += slash + len;
	}
	*out = buf_steal(&text);
	return 0;
}

/* ---- edits ---- */

static size_t edit_query(const struct json *query, struct cloud_arg args[EDIT_MAX_QUERY])
{
	size_t n = 0;

	JSON_EACH (v, query) {
		if (n == EDIT_MAX_QUERY || !json_string(v))
			continue;
		args[n++] = (struct cloud_arg){json_key(v), json_string(v)};
	}
	return n;
}

int cloud_edit(struct cloud *c, const struct json *edit, int64_t now_ms, struct cloud_response *r,
	       struct err *e)
{
	const char *method = json_get_string(edit, "method"), *path = json_get_string(edit, "path");
	const struct json *body = json_get(edit, "body");
	const char *at = json_get_string(edit, "at");
	struct cloud_arg args[EDIT_MAX_QUERY];
	AUTO(str_t) whole = NULL;
	AUTO(buf_t) text = {0};

	if (!method || !path)
		return err_set(e, ERR_INVALID, "an edit needs method and path");
	if (at && time_parse(at, now_ms, &now_ms, e) < 0)
		return -1;
	if (expand_path(c, path, &whole, e) < 0)
		return -1;
	/* a string is a document as it is to be sent, byte for byte */
	if (json_string(body))
		buf_str(&text, json_string(body));
	else if (body)
		json_print(body, &text);
	struct cloud_request q = {.method = method,
				  .path = whole,
				  .query = args,
				  .n_query = edit_query(json_get(edit, "query"), args),
				  .body = text.data,
				  .body_len = text.len,
				  .now_ms = now_ms,
				  .actor = json_get(edit, "actor"),
				  .outside = true};
	cloud_answer(c, &q, r);
	return 0;
}

static int load_edits(struct cloud *c, const struct json *edits, struct err *e)
{
	JSON_EACH (edit, edits) {
		struct cloud_response r = {0};
		int outcome = cloud_edit(c, edit, clock_wall_ms(), &r, e);
		if (outcome == 0 && r.status / 100 != 2)
			outcome = err_set(e, ERR_INVALID, "edit %s %s was refused: %.200s",
					  json_get_string(edit, "method"),
					  json_get_string(edit, "path"), buf_text(&r.body));
		cloud_response_free(&r);
		if (outcome < 0)
			return -1;
	}
	return 0;
}

/* ---- objects ---- */

static int load_account(struct cloud *c, const struct json *row, struct err *e)
{
	const char *id = json_get_string(row, "id"), *name = json_get_string(row, "name");

	if (!id || strlen(id) != 32 || !hex_valid(id, 32))
		return err_set(e, ERR_INVALID, "an account needs an id of 32 hex digits");
	state_add_account(c, id, name ? name : id);
	return 0;
}

static int load_zone(struct cloud *c, const struct json *row, struct err *e)
{
	const char *name = json_get_string(row, "name"), *id = json_get_string(row, "id");
	const char *account = json_get_string(row, "account"), *plan = json_get_string(row, "plan");

	if (!account)
		account = id_by_name(c, "account");
	if (!name || !account || !map_get(&c->accounts, account))
		return err_set(e, ERR_INVALID, "a zone needs a name and a known account");
	if (id && (strlen(id) != 32 || !hex_valid(id, 32)))
		return err_set(e, ERR_INVALID, "a zone's id has 32 hex digits");
	struct sim_zone *z = state_add_zone(c, id, name, account);
	z->paid = plan && !str_equal(plan, "free");
	z->record_quota = json_get_int(row, "record_quota", z->record_quota);
	z->paused = json_get_bool(row, "paused", false);
	str_set(&z->status, json_get_string(row, "status"));
	str_set(&z->type, json_get_string(row, "type"));
	return 0;
}

/* Names or ids; what is no name is taken as an id. */
static void load_ids(const struct cloud *c, const struct json *list, struct strlist *out)
{
	JSON_EACH (v, list) {
		const char *text = json_string(v);
		const char *id = text ? id_by_name(c, text) : NULL;
		if (text)
			strlist_add(out, id ? id : text);
	}
}

/* A time, "-1h" for an hour ago, "30d" for in thirty days; 0 = not said. */
static int load_time(const struct json *row, const char *key, int64_t *out, struct err *e)
{
	const char *text = json_get_string(row, key);
	int64_t now = clock_wall_ms(), away;

	*out = 0;
	if (!text)
		return 0;
	if (duration_parse(text + (text[0] == '-'), &away, e) < 0)
		return time_parse(text, now, out, e);
	*out = text[0] == '-' ? now - away : now + away;
	return 0;
}

static int load_token_times(struct sim_token *t, const struct json *row, struct err *e)
{
	int64_t issued;

	if (load_time(row, "issued_on", &issued, e) < 0 ||
	    load_time(row, "expires_on", &t->expires_ms, e) < 0 ||
	    load_time(row, "not_before", &t->not_before_ms, e) < 0)
		return -1;
	if (issued)
		t->issued_ms = issued;
	return 0;
}

static int load_token(struct cloud *c, const struct json *row, struct err *e)
{
	const char *value = json_get_string(row, "value"), *id = json_get_string(row, "id");
	const char *status = json_get_string(row, "status");
	const char *account = json_get_string(row, "account");
	const struct json *scopes = json_get(row, "scopes");

	if (!value || strlen(value) < 16)
		return err_set(e, ERR_INVALID, "a token needs a value of at least 16 characters");
	struct sim_token *t = state_add_token(c, value);
	if (id && !str_copy(t->id, sizeof t->id, id))
		return err_set(e, ERR_INVALID, "a token's id has at most 32 characters");
	str_set(&t->status, status ? status : "active");
	str_set(&t->name, json_get_string(row, "name"));
	if (load_token_times(t, row, e) < 0)
		return -1;
	if (account && !str_copy(t->account, sizeof t->account, account))
		return err_set(e, ERR_INVALID, "a token's account is an id of 32 hex digits");
	strlist_free(&t->scopes);
	strlist_free(&t->zones);
	strlist_free(&t->accounts);
	JSON_EACH (scope, scopes) {
		strlist_add(&t->scopes, json_string(scope) ? json_string(scope) : "");
	}
	if (!scopes)
		strlist_add(&t->scopes, SIM_EVERY_SCOPE);
	load_ids(c, json_get(row, "zones"), &t->zones);
	load_ids(c, json_get(row, "accounts"), &t->accounts);
	return 0;
}

static void load_limits(struct sim_limits *l, const struct json *row)
{
	l->requests = json_get_int(row, "requests", l->requests);
	l->window_ms = json_get_int(row, "window_s", l->window_ms / 1000) * 1000;
	l->block_ms = json_get_int(row, "block_s", l->block_ms / 1000) * 1000;
	l->burst = json_get_int(row, "burst", l->burst);
	l->max_tunnels = json_get_int(row, "max_tunnels", l->max_tunnels);
	l->first_version = json_get_int(row, "first_version", l->first_version);
	l->audit_from_ms = json_get_int(row, "audit_from_ms", l->audit_from_ms);
	l->audit_lag_ms = json_get_int(row, "audit_lag_ms", l->audit_lag_ms);
}

/* A whole envelope, or only its result; null takes the fixture away. */
static int load_fixture(struct cloud *c, const struct json *row, struct err *e)
{
	AUTO(str_t) path = NULL;
	struct buf text = {0};

	if (expand_path(c, json_key(row), &path, e) < 0)
		return -1;
	if (json_is_null(row)) {
		free(map_remove(&c->fixtures, path));
		return 0;
	}
	if (json_get(row, "success")) {
		json_print(row, &text);
	} else {
		buf_str(&text, "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":");
		json_print(row, &text);
		buf_char(&text, '}');
	}
	free(map_set(&c->fixtures, path, buf_steal(&text)));
	return 0;
}

static int load_rows(struct cloud *c, const struct json *rows,
		     int (*load)(struct cloud *c, const struct json *row, struct err *e),
		     struct err *e)
{
	JSON_EACH (row, rows) {
		if (load(c, row, e) < 0)
			return -1;
	}
	return 0;
}

static int load_security(struct cloud *c, const struct json *lists, struct err *e)
{
	const char *owner = json_key(lists), *id = id_by_name(c, owner);

	if (!id && !str_equal(owner, OWNER_USER) && !str_equal(owner, OWNER_MANAGED) &&
	    !map_get(&c->accounts, owner) && !map_get(&c->zones, owner))
		return err_set(e, ERR_INVALID, "%s is no account and no zone", owner);
	return shelves_load(c, id ? id : owner, lists, e);
}

int cloud_load(struct cloud *c, const struct json *seed, struct err *e)
{
	static const char *const known[] = {"accounts", "zones", "tokens",  "limits",
					    "fixtures", "edits", "security"};

	if (json_type(seed) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a seed is a JSON object");
	JSON_EACH (member, seed) {
		bool found = false;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found |= str_equal(known[i], json_key(member));
		if (!found)
			return err_set(e, ERR_INVALID, "a seed has no member %s", json_key(member));
	}
	load_limits(&c->limits, json_get(seed, "limits"));
	if (load_rows(c, json_get(seed, "accounts"), load_account, e) < 0 ||
	    load_rows(c, json_get(seed, "zones"), load_zone, e) < 0 ||
	    load_rows(c, json_get(seed, "tokens"), load_token, e) < 0 ||
	    load_rows(c, json_get(seed, "security"), load_security, e) < 0 ||
	    load_edits(c, json_get(seed, "edits"), e) < 0)
		return -1;
	return load_rows(c, json_get(seed, "fixtures"), load_fixture, e);
}
