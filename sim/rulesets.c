/*
 * Reading rulesets. A list has no rules in its items and shows a narrow token only the phases that
 * it may read, without a word about the others; an entry point or a ruleset of such a phase is
 * refused.
 */
#include "sim/rulesets.h"

#include <stdlib.h>
#include <string.h>

#include "sim/routes.h"

#define PAGE_MOST 50

static const struct {
	const char *name;
	bool firewall; /* for whom the WAF's permission is needed */
} phases[] = {
	{"ddos_l4", true},
	{"ddos_l7", true},
	{"http_config_settings", false},
	{"http_custom_errors", false},
	{"http_log_custom_fields", false},
	{"http_ratelimit", true},
	{"http_request_cache_settings", false},
	{"http_request_dynamic_redirect", false},
	{"http_request_firewall_custom", true},
	{"http_request_firewall_managed", true},
	{"http_request_late_transform", false},
	{"http_request_origin", false},
	{"http_request_redirect", false},
	{"http_request_sanitize", false},
	{"http_request_sbfm", true},
	{"http_request_transform", false},
	{"http_response_cache_settings", false},
	{"http_response_compression", false},
	{"http_response_firewall_managed", true},
	{"http_response_headers_transform", false},
	{"magic_transit", false},
	{"magic_transit_ids_managed", false},
	{"magic_transit_managed", false},
	{"magic_transit_ratelimit", false},
};

bool phase_known(const char *phase)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (str_equal(phases[i].name, phase))
			return true;
	return false;
}

static bool phase_is_firewalls(const char *phase)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (str_equal(phases[i].name, phase))
			return phases[i].firewall;
	return false;
}

bool ruleset_may_read(const struct call *k, const char *phase)
{
	bool firewall = phase_is_firewalls(phase);

	if (k->zone)
		return call_may(k, firewall ? "zone-waf:read|waf:write" : "transform:read");
	return call_may(k, firewall ? "account-waf:read|account-rulesets:read"
				    : "account-rulesets:read");
}

/* ---- one ruleset ---- */

static const char *text_of(const struct sim_row *x, const char *key)
{
	return json_get_string(row_json(x), key);
}

struct sim_row *ruleset_entry(const struct call *k, const char *phase)
{
	const struct map *rows = shelf_find(k->c, RULESETS, call_owner(k));
	const char *kind = k->zone ? "zone" : "root";

	if (!rows)
		return NULL;
	MAP_EACH (struct sim_row, x, rows)
		if (str_equal(text_of(x, "phase"), phase) && str_equal(text_of(x, "kind"), kind))
			return x;
	return NULL;
}

void answer_ruleset(struct call *k, const struct sim_row *x)
{
	call_ok_begin(k);
	json_write_value(&k->w, row_json(x));
	call_ok_end(k);
}

static void refuse_reading(struct call *k)
{
	if (k->zone)
		call_fail(k, 403, 9109, "Unauthorized to access requested resource");
	else
		call_fail(k, 403, 10000, "Authentication error");
}

void answer_entrypoint(struct call *k)
{
	const char *phase = k->ids[1];
	const struct sim_row *x = ruleset_entry(k, phase);

	if (!phase_known(phase))
		call_fail(k, 400, CODE_OWN, "unknown phase \"%s\"", phase);
	else if (!ruleset_may_read(k, phase))
		refuse_reading(k);
	else if (!x)
		call_fail(k, 404, 10003, "could not find entrypoint ruleset in the \"%s\" phase",
			  phase);
	else
		answer_ruleset(k, x);
}

void answer_ruleset_get(struct call *k)
{
	const char *id = k->ids[1];
	const struct sim_row *x = shelf_row(k->c, RULESETS, call_owner(k), id);

	if (!x)
		x = shelf_row(k->c, RULESETS, OWNER_MANAGED, id);
	if (!x)
		call_fail(k, 404, 10001, "could not find ruleset %s", id);
	else if (!ruleset_may_read(k, text_of(x, "phase")))
		refuse_reading(k);
	else
		answer_ruleset(k, x);
}

/* ---- the list ---- */

static void write_item(struct call *k, const struct sim_row *x)
{
	static const char *const rules[] = {"rules", NULL};

	json_object_begin(&k->w);
	write_merged(&k->w, row_json(x), NULL, rules);
	json_object_end(&k->w);
}

static void collect(const struct call *k, const char *owner, struct page *p)
{
	const struct map *rows = shelf_find(k->c, RULESETS, owner);

	if (!rows)
		return;
	MAP_EACH (struct sim_row, x, rows)
		if (ruleset_may_read(k, text_of(x, "phase")))
			page_add(p, x);
}

/* Where a cursor of ours goes on: it names the last ruleset that was shown. */
static int read_cursor(struct call *k, const struct page *p, size_t *at)
{
	const char *text = call_arg(k, "cursor");

	*at = 0;
	if (!text || !*text)
		return 0;
	AUTO(str_t) id = base64_decode(text, NULL);
	for (size_t i = 0; id && i < p->n; i++) {
		if (!str_equal(((const struct sim_row *)p->items[i])->id, id))
			continue;
		*at = i + 1;
		return 0;
	}
	call_fail(k, 400, CODE_OWN, "the cursor is not valid");
	return -1;
}

/* Cloudflare's documents have two places for it, and its client reads one: a caller must know both,
 * so an account's list uses the one and a zone's the other. */
static void put_cursor(struct call *k, const char *cursor)
{
	if (!k->zone) {
		json_put_string(&k->w, "cursor", cursor);
		return;
	}
	json_write_key(&k->w, "cursors");
	json_object_begin(&k->w);
	json_put_string(&k->w, "after", cursor);
	json_object_end(&k->w);
}

static void write_info(struct call *k, const struct page *p, size_t next)
{
	json_write_key(&k->w, "result_info");
	json_object_begin(&k->w);
	json_put_int(&k->w, "per_page", p->per_page);
	if (next < p->n) {
		const struct sim_row *last = p->items[next - 1];
		AUTO(str_t) cursor = base64_encode(last->id, strlen(last->id));
		put_cursor(k, cursor);
	}
	json_object_end(&k->w);
}

void answer_ruleset_list(struct call *k)
{
	struct page p;
	size_t at;

	if (call_arg(k, "page")) {
		call_fail(k, 400, CODE_OWN, "rulesets are paged by cursor");
		return;
	}
	if (call_page(k, 1, PAGE_MOST, PAGE_MOST, &p) < 0)
		return;
	collect(k, call_owner(k), &p);
	collect(k, OWNER_MANAGED, &p);
	if (read_cursor(k, &p, &at) == 0) {
		call_ok_begin(k);
		json_array_begin(&k->w);
		for (int64_t i = 0; i < p.per_page && at < p.n; i++)
			write_item(k, p.items[at++]);
		json_array_end(&k->w);
		write_info(k, &p, at);
		call_ok_end(k);
	}
	free(p.items);
}

/* ---- what Cloudflare has retired ---- */

/* A zone's row "retired" says how far it is there: "gone", else "maintenance". */
void answer_retired(struct call *k)
{
	const struct sim_row *x = shelf_row(k->c, "retired", call_owner(k), "state");

	if (x && str_equal(text_of(x, "is"), "maintenance"))
		call_fail(k, 400, 10020, "firewallrules.api.maintenance_mode");
	else
		call_fail(k, 410, CODE_OWN, "This API has been retired; use Rulesets");
}
