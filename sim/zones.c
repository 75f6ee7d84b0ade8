/* Zones: their list with its filters, and one of them. */
#include <stdlib.h>
#include <string.h>

#include "sim/routes.h"

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

static const char *zone_status(const struct sim_zone *z)
{
	return z->status ? z->status : "active";
}

static const char *zone_type(const struct sim_zone *z)
{
	return z->type ? z->type : "full";
}

static void write_zone(struct call *k, const void *item)
{
	static const char *const servers[] = {"ada.ns.sim.invalid", "bob.ns.sim.invalid"};
	const struct sim_zone *z = item;

	json_object_begin(&k->w);
	json_put_string(&k->w, "id", z->id);
	json_put_string(&k->w, "name", z->name);
	json_put_string(&k->w, "status", zone_status(z));
	json_put_bool(&k->w, "paused", z->paused);
	json_put_string(&k->w, "type", zone_type(z));
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

/* Values of "type" are alternatives. */
static bool type_asked(const struct call *k, const char *type, bool *asked)
{
	bool fits = false;

	*asked = false;
	for (size_t i = 0; i < k->q->n_query; i++) {
		if (!str_equal(k->q->query[i].name, "type"))
			continue;
		*asked = true;
		fits |= str_equal(k->q->query[i].value, type);
	}
	return fits;
}

static bool zone_asked(const struct call *k, const struct sim_zone *z)
{
	const struct sim_account *a = map_get(&k->c->accounts, z->account);
	const char *id = call_arg(k, "account.id"), *status = call_arg(k, "status");
	const char *name = call_arg(k, "name"), *owner = call_arg(k, "account.name");
	bool of_type, fits = type_asked(k, zone_type(z), &of_type);
	const struct {
		bool asked, fits;
	} each[] = {
		{name != NULL, name_asked(name, z->name)},
		{owner != NULL, name_asked(owner, a ? a->name : "")},
		{id != NULL, str_equal(id, z->account)},
		{status != NULL, str_equal(status, zone_status(z))},
		{of_type, fits},
	};
	bool any = str_equal(call_arg(k, "match"), "any"), asked = false, passed = false;

	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		if (each[i].asked && !each[i].fits && !any)
			return false;
		asked |= each[i].asked;
		passed |= each[i].asked && each[i].fits;
	}
	return !asked || passed;
}

static int by_name(const void *a, const void *b)
{
	const struct sim_zone *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int by_status(const void *a, const void *b)
{
	const struct sim_zone *const *x = a, *const *y = b;
	int order = strcmp(zone_status(*x), zone_status(*y));

	return order ? order : by_name(a, b);
}

static int word_check(struct call *k, const char *arg, const char *const *words, size_t n)
{
	const char *asked = call_arg(k, arg);

	for (size_t i = 0; i < n; i++)
		if (str_equal(words[i], asked))
			return 0;
	if (!asked)
		return 0;
	call_fail(k, 400, CODE_OWN, "%s is not valid", arg);
	return -1;
}

static int zone_words_check(struct call *k)
{
	static const char *const status[] = {"initializing", "pending", "active", "moved"};
	static const char *const type[] = {"full", "partial", "secondary", "internal"};
	static const char *const match[] = {"any", "all"};
	static const char *const order[] = {"name", "status"};
	static const char *const direction[] = {"asc", "desc"};

	if (word_check(k, "status", status, ARRAY_LEN(status)) < 0 ||
	    word_check(k, "type", type, ARRAY_LEN(type)) < 0 ||
	    word_check(k, "match", match, ARRAY_LEN(match)) < 0 ||
	    word_check(k, "order", order, ARRAY_LEN(order)) < 0)
		return -1;
	return word_check(k, "direction", direction, ARRAY_LEN(direction));
}

void answer_zone_list(struct call *k)
{
	const char *order = call_arg(k, "order");
	struct page p;

	if (zone_words_check(k) < 0 || call_page(k, 5, 50, 20, &p) < 0)
		return;
	MAP_EACH (struct sim_zone, z, &k->c->zones)
		if (call_sees_zone(k, z) && zone_asked(k, z))
			page_add(&p, z);
	if (order && p.n > 1)
		qsort(p.items, p.n, sizeof *p.items,
		      str_equal(order, "name") ? by_name : by_status);
	if (str_equal(call_arg(k, "direction"), "desc"))
		page_reverse(&p);
	call_ok_page(k, &p, write_zone);
}

void answer_zone_get(struct call *k)
{
	call_ok_begin(k);
	write_zone(k, k->zone);
	call_ok_end(k);
}
