/*
 * Lists out of a seed: each list that is named takes the place of the one that is there. A row that
 * says no id gets one that is the same in each run.
 */
#include <string.h>

#include "base/clock.h"
#include "sim/kinds.h"
#include "sim/rulesets.h"

static int load_row(struct cloud *c, const struct shelf_kind *kind, const char *owner, size_t at,
		    const struct json *row, struct err *e)
{
	const char *given = json_get_string(row, "id");
	AUTO(str_t) name = str_format("%s %zu", kind->name, at);
	AUTO(buf_t) text = {0};
	char id[UUID_SIZE];

	if (json_type(row) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a row of %s is an object", kind->name);
	shelf_id(owner, name, id);
	if (given && !str_copy(id, sizeof id, given))
		return err_set(e, ERR_INVALID, "an id has at most %zu characters", sizeof id - 1);
	kind_fill(kind, id, row, NULL, clock_wall_ms(), &text);
	return shelf_put(c, kind->name, owner, buf_text(&text))
		       ? 0
		       : err_set(e, ERR_INVALID, "a row of %s cannot be kept", kind->name);
}

static int load_ruleset(struct cloud *c, const char *owner, const struct json *row, struct err *e)
{
	const char *kind = map_get(&c->zones, owner)      ? "zone"
			   : map_get(&c->accounts, owner) ? "root"
							  : "managed";
	AUTO(buf_t) text = {0};
	char id[SIM_ID_SIZE];

	if (!phase_known(json_get_string(row, "phase")))
		return err_set(e, ERR_INVALID, "a ruleset has one of Cloudflare's phases");
	ruleset_id(owner, row, id);
	ruleset_fill(kind, id, row, NULL, clock_wall_ms(), &text);
	return shelf_put(c, RULESETS, owner, buf_text(&text))
		       ? 0
		       : err_set(e, ERR_INVALID, "a ruleset cannot be kept");
}

static int load_rulesets(struct cloud *c, const char *owner, const struct json *rows, struct err *e)
{
	shelf_clear(c, RULESETS, owner);
	JSON_EACH (row, rows) {
		if (load_ruleset(c, owner, row, e) < 0)
			return -1;
	}
	return 0;
}

/* Entries are added to those that are there. */
static int load_audit(struct cloud *c, const char *owner, const struct json *rows, struct err *e)
{
	const struct sim_account *a = map_get(&c->accounts, owner);
	int64_t now = clock_wall_ms();

	if (!a)
		return err_set(e, ERR_INVALID, "an audit log is an account's");
	JSON_EACH (row, rows) {
		if (audit_load(c, a, row, now, e) < 0)
			return -1;
	}
	return 0;
}

static int load_retired(struct cloud *c, const char *owner, const struct json *state, struct err *e)
{
	bool maintenance = str_equal(json_string(state), "maintenance");

	if (!maintenance && !str_equal(json_string(state), "gone"))
		return err_set(e, ERR_INVALID, "what is retired is gone or in maintenance");
	shelf_put(c, "retired", owner,
		  maintenance ? "{\"id\":\"state\",\"is\":\"maintenance\"}"
			      : "{\"id\":\"state\",\"is\":\"gone\"}");
	return 0;
}

static int load_list(struct cloud *c, const char *owner, const struct json *rows, struct err *e)
{
	const struct shelf_kind *kind = kind_named(json_key(rows));
	size_t at = 0;

	if (str_equal(json_key(rows), RULESETS))
		return load_rulesets(c, owner, rows, e);
	if (str_equal(json_key(rows), "audit"))
		return load_audit(c, owner, rows, e);
	if (str_equal(json_key(rows), "retired"))
		return load_retired(c, owner, rows, e);
	if (!kind || json_type(rows) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "there is no list %s", json_key(rows));
	shelf_clear(c, kind->name, owner);
	JSON_EACH (row, rows) {
		if (load_row(c, kind, owner, at++, row, e) < 0)
			return -1;
	}
	return 0;
}

int shelves_load(struct cloud *c, const char *owner, const struct json *lists, struct err *e)
{
	JSON_EACH (rows, lists) {
		if (load_list(c, owner, rows, e) < 0)
			return -1;
	}
	return 0;
}
