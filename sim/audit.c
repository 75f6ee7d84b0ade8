/*
 * The audit log (v2): an entry for each write that reached its handler, also a refused one, by a
 * token or by somebody else at the dashboard. Fields and filters are those of the API's document;
 * the words for products and types are the simulator's own.
 */
#include "sim/audit.h"

#include <stdlib.h>
#include <string.h>

#include "sim/routes.h"

#define PEOPLE "owner@example.com"

struct sim_audit_row {
	char id[UUID_SIZE];
	int64_t number, at_ms, status;
	char account[SIM_ID_SIZE], zone[SIM_ID_SIZE], object[40];
	char ray[24], token_id[SIM_ID_SIZE];
	char *method, *uri, *zone_name;
	const char *product, *type, *action; /* literals */
};

static void row_free(struct sim_audit_row *x)
{
	free(x->method);
	free(x->uri);
	free(x->zone_name);
	*x = (struct sim_audit_row){.number = 0};
}

void sim_audit_clear(struct sim_audit *a)
{
	for (size_t i = 0; i < a->n; i++)
		row_free(&a->rows[i]);
	free(a->rows);
	*a = (struct sim_audit){.rows = NULL};
}

/* ---- writing ---- */

static const struct {
	const char *pattern; /* begins with it; the longest first */
	const char *product, *type;
} resources[] = {
	{"/accounts/{account}/cfd_tunnel/{tunnel}/configurations", "tunnels",
	 "tunnel_configuration"},
	{"/accounts/{account}/cfd_tunnel/{tunnel}/connections", "tunnels", "tunnel_connections"},
	{"/accounts/{account}/cfd_tunnel/{tunnel}/token", "tunnels", "tunnel_token"},
	{"/accounts/{account}/cfd_tunnel", "tunnels", "tunnel"},
	{"/zones/{zone}/dns_records", "dns_records", "dns_record"},
};

static const char *action_of(const char *method)
{
	return str_equal(method, "POST")     ? "create"
	       : str_equal(method, "DELETE") ? "delete"
	       : str_equal(method, "GET")    ? "view"
					     : "update";
}

static struct sim_audit_row *row_new(struct sim_audit *a)
{
	struct sim_audit_row *x;

	if (!a->rows)
		a->rows = mem_array(SIM_AUDIT_MAX, sizeof *a->rows);
	if (a->n < SIM_AUDIT_MAX) {
		x = &a->rows[a->n++];
	} else {
		x = &a->rows[a->first];
		a->first = (a->first + 1) % SIM_AUDIT_MAX;
		row_free(x);
	}
	x->number = ++a->made;
	sim_new_uuid(x->id);
	return x;
}

static void fill_row(struct call *k, struct sim_audit_row *x)
{
	x->at_ms = k->q->now_ms;
	x->status = k->r->status;
	x->method = str_dup(k->q->method);
	x->action = action_of(k->q->method);
	x->uri = str_format("%s%s", CLOUD_BASE_PATH, k->path);
	str_copy(x->account, sizeof x->account, k->zone ? k->zone->account : k->account->id);
	str_copy(x->zone, sizeof x->zone, k->zone ? k->zone->id : "");
	x->zone_name = k->zone ? str_dup(k->zone->name) : NULL;
	str_copy(x->object, sizeof x->object, k->tunnel ? k->tunnel->id : k->r->object);
	str_copy(x->ray, sizeof x->ray, k->r->ray);
	/* the data centre stands in the header only */
	x->ray[strcspn(x->ray, "-")] = '\0';
	str_copy(x->token_id, sizeof x->token_id, call_maker(k));
}

void audit_note(struct call *k, const struct route *route)
{
	bool view = str_equal(k->q->method, "GET");

	if ((!k->zone && !k->account) || (view && !str_ends(route->pattern, "/token")))
		return;
	for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
		if (!str_starts(route->pattern, resources[i].pattern))
			continue;
		struct sim_audit_row *x = row_new(&k->c->audit);
		fill_row(k, x);
		x->product = resources[i].product;
		x->type = resources[i].type;
		return;
	}
}

/* ---- which rows ---- */

static const char *field_of(const struct sim_audit_row *x, const char *name)
{
	const struct {
		const char *name, *value;
	} fields[] = {
		{"id", x->id},
		{"action_type", x->action},
		{"action_result", x->status < 400 ? "success" : "failure"},
		{"actor_context", x->token_id[0] ? "api_token" : "dash"},
		{"actor_email", PEOPLE},
		{"actor_token_id", x->token_id},
		{"raw_cf_ray_id", x->ray},
		{"raw_method", x->method},
		{"raw_uri", x->uri},
		{"resource_id", x->object},
		{"resource_product", x->product},
		{"resource_type", x->type},
		{"resource_scope", x->zone[0] ? "zones" : "accounts"},
		{"zone_id", x->zone},
		{"zone_name", x->zone_name},
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_equal(fields[i].name, name))
			return fields[i].value ? fields[i].value : "";
	return NULL;
}

/* Values of one filter are alternatives; "name.not" takes out. */
static bool passes(const struct call *k, const struct sim_audit_row *x)
{
	for (size_t i = 0; i < k->q->n_query; i++) {
		const char *name = k->q->query[i].name;
		bool negated = str_ends(name, ".not"), fits = false;
		AUTO(str_t) plain = str_ndup(name, strlen(name) - (negated ? 4 : 0));
		const char *value = field_of(x, plain);
		for (size_t j = 0; value && j < k->q->n_query; j++)
			fits |= str_equal(k->q->query[j].name, name) &&
				str_equal(k->q->query[j].value, value);
		if (value && fits == negated)
			return false;
	}
	return true;
}

static int read_time(struct call *k, const char *name, int64_t *out)
{
	const char *text = call_arg(k, name);
	struct err e;

	if (!text) {
		call_fail(k, 400, CODE_OWN, "since and before are required");
		return -1;
	}
	AUTO(str_t) whole = str_format("%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
	if (time_parse(whole, 0, out, &e) == 0 && *out > 0)
		return 0;
	call_fail(k, 400, CODE_OWN, "%s must be a date or a time as in RFC 3339", name);
	return -1;
}

struct asked {
	int64_t since_ms, before_ms, limit, after; /* after: a row's number; 0 = from the start */
	bool ascending;
};

static int read_number(struct call *k, const char *name, int64_t most, int64_t *out)
{
	const char *text = call_arg(k, name);

	if (!text || !*text)
		return 0;
	*out = strspn(text, "0123456789") == strlen(text) && strlen(text) < 16
		       ? strtoll(text, NULL, 10)
		       : -1;
	if (*out >= 1 && *out <= most)
		return 0;
	call_fail(k, 400, CODE_OWN, "%s is not valid", name);
	return -1;
}

static int read_asked(struct call *k, struct asked *a)
{
	const char *direction = call_arg(k, "direction");

	*a = (struct asked){.limit = 100, .ascending = str_equal(direction, "asc")};
	if (read_time(k, "since", &a->since_ms) < 0 || read_time(k, "before", &a->before_ms) < 0 ||
	    read_number(k, "limit", 1000, &a->limit) < 0 ||
	    read_number(k, "cursor", INT64_MAX, &a->after) < 0)
		return -1;
	if (!direction || a->ascending || str_equal(direction, "desc"))
		return 0;
	call_fail(k, 400, CODE_OWN, "direction must be asc or desc");
	return -1;
}

static bool is_shown(const struct call *k, const struct asked *a, const struct sim_audit_row *x)
{
	return str_equal(x->account, k->account->id) && x->at_ms > a->since_ms &&
	       x->at_ms < a->before_ms && x->at_ms + k->c->limits.audit_lag_ms <= k->q->now_ms &&
	       (!a->after || (a->ascending ? x->number > a->after : x->number < a->after)) &&
	       passes(k, x);
}

/* ---- answering ---- */

static void begin(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_object_begin(w);
}

static void write_actor(struct json_writer *w, const struct call *k, const struct sim_audit_row *x)
{
	begin(w, "actor");
	json_put_string(w, "id", "7c5dae5552338874e5053f2534d2767a");
	json_put_string(w, "type", "user");
	json_put_string(w, "email", PEOPLE);
	json_put_string(w, "ip_address", "198.51.100.7");
	json_put_string(w, "context", x->token_id[0] ? "api_token" : "dash");
	if (x->token_id[0]) {
		json_put_string(w, "token_id", x->token_id);
		json_put_string(w, "token_name", "a token of the simulator's");
	}
	json_object_end(w);
	begin(w, "account");
	json_put_string(w, "id", x->account);
	json_put_string(w, "name", k->account->name);
	json_object_end(w);
}

static void write_raw(struct json_writer *w, const struct sim_audit_row *x)
{
	begin(w, "raw");
	json_put_string(w, "cf_ray_id", x->ray);
	json_put_string(w, "method", x->method);
	json_put_int(w, "status_code", x->status);
	json_put_string(w, "uri", x->uri);
	json_put_string(w, "user_agent", "");
	json_object_end(w);
	begin(w, "resource");
	if (x->object[0])
		json_put_string(w, "id", x->object);
	json_put_string(w, "product", x->product);
	json_put_string(w, "type", x->type);
	json_put_string(w, "scope", x->zone[0] ? "zones" : "accounts");
	json_object_end(w);
	if (!x->zone[0])
		return;
	begin(w, "zone");
	json_put_string(w, "id", x->zone);
	json_put_string(w, "name", x->zone_name);
	json_object_end(w);
}

static void write_row(struct call *k, const struct sim_audit_row *x)
{
	struct json_writer *w = &k->w;

	json_object_begin(w);
	json_put_string(w, "id", x->id);
	begin(w, "action");
	json_put_string(w, "description", x->type);
	json_put_string(w, "result", x->status < 400 ? "success" : "failure");
	json_put_time(w, "time", x->at_ms);
	json_put_string(w, "type", x->action);
	json_object_end(w);
	write_actor(w, k, x);
	write_raw(w, x);
	json_object_end(w);
}

/* The cursor stands in both places where it was seen; the count is a string, as there. */
static void write_info(struct call *k, size_t count, int64_t last)
{
	AUTO(str_t) words = str_format("%zu", count);
	AUTO(str_t) cursor = last ? str_format("%lld", (long long)last) : str_dup("");

	begin(&k->w, "result_info");
	json_put_string(&k->w, "count", words);
	json_put_string(&k->w, "cursor", cursor);
	begin(&k->w, "cursors");
	if (last)
		json_put_string(&k->w, "after", cursor);
	json_object_end(&k->w);
	json_object_end(&k->w);
}

void answer_audit_list(struct call *k)
{
	const struct sim_audit *log = &k->c->audit;
	struct asked a;
	size_t count = 0;
	int64_t last = 0;
	bool more = false;

	if (read_asked(k, &a) < 0)
		return;
	call_ok_begin(k);
	json_array_begin(&k->w);
	for (size_t i = 0; i < log->n && !more; i++) {
		size_t at = a.ascending ? i : log->n - 1 - i;
		const struct sim_audit_row *x = &log->rows[(log->first + at) % log->n];
		if (!is_shown(k, &a, x))
			continue;
		more = (int64_t)count == a.limit;
		if (more)
			continue;
		write_row(k, x);
		last = x->number;
		count++;
	}
	json_array_end(&k->w);
	write_info(k, count, more ? last : 0);
	call_ok_end(k);
}

static void write_nothing(struct call *k, const void *item)
{
	(void)k;
	(void)item;
}

/* The older log is empty unless a fixture says more. */
void answer_empty_list(struct call *k)
{
	struct page p;

	if (call_page(k, 1, 1000, 20, &p) == 0)
		call_ok_page(k, &p, write_nothing);
}
