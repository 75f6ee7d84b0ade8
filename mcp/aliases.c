/* One table: what they are called elsewhere, and what that is here. */
#include "mcp/aliases.h"

struct alias_arg {
	const char *name, *own;
	const char *unless; /* the argument that stands for false; NULL: it is passed on */
};

struct alias {
	const char *name, *op;
	struct alias_arg args[8];
};

#define CURSOR                                                                                     \
	{                                                                                          \
		"next_cursor", "cursor", NULL                                                      \
	}
#define ACCOUNT                                                                                    \
	{                                                                                          \
		"account_id", "account", NULL                                                      \
	}
#define ZONE                                                                                       \
	{                                                                                          \
		"zone_id", "zone", NULL                                                            \
	}

static const struct alias aliases[] = {
	{"list_all_cloudflare_zones", "zone_list", {ACCOUNT, CURSOR}},
	{"list_all_cloudflare_accounts", "account_list", {CURSOR}},
	{"list_all_cloudflare_members", "member_list", {ACCOUNT, CURSOR}},
	{"list_all_cloudflare_roles", "role_list", {ACCOUNT, CURSOR}},
	{"list_all_cloudflare_audit_logs",
	 "audit_log_list",
	 {ACCOUNT,
	  ZONE,
	  {"zone_name", "zone", NULL},
	  {"before", "until", NULL},
	  {"actor_email", "actor", NULL},
	  {"action_type", "action", NULL},
	  CURSOR}},
	{"list_all_cloudflare_firewall_rules",
	 "firewall_rule_list",
	 {ZONE, {"paused", "paused", "active"}, {"description", "text", NULL}, CURSOR}},
	{"list_all_cloudflare_rule_sets", "ruleset_list", {ZONE, ACCOUNT, CURSOR}},
	{"list_all_cloudflare_waf_overrides", "waf_override_list", {ZONE, CURSOR}},
};

const struct alias *alias_at(size_t i)
{
	return i < ARRAY_LEN(aliases) ? &aliases[i] : NULL;
}

const char *alias_name(const struct alias *a)
{
	return a->name;
}

const struct op *alias_op(const struct alias *a)
{
	return op_find(a->op);
}

bool aliases_are_on(const struct settings *s)
{
	return str_equal(s->mcp.aliases, "truto");
}

static const struct alias_arg *arg_named(const struct alias *a, const char *name)
{
	for (const struct alias_arg *x = a->args; x < a->args + ARRAY_LEN(a->args) && x->name; x++)
		if (str_equal(x->name, name))
			return x;
	return NULL;
}

static bool is_renamed(const struct alias *a, const char *own)
{
	for (const struct alias_arg *x = a->args; x < a->args + ARRAY_LEN(a->args) && x->name; x++)
		if (str_equal(x->own, own))
			return true;
	return false;
}

/* ---- the schema ---- */

/* Two names for one: whichever is given will do. */
static struct field field_of(const struct alias *a, const struct alias_arg *x,
			     const struct field *own)
{
	struct field f = *own;
	bool shared = false;

	for (const struct alias_arg *o = a->args; o->name; o++)
		shared = shared || (o != x && str_equal(o->own, x->own));
	f.name = x->name;
	if (shared)
		f.flags &= ~(unsigned)FIELD_REQUIRED;
	return f;
}

struct field *alias_fields(const struct alias *a)
{
	const struct field *args = alias_op(a)->args;
	struct field *all;
	size_t n = 0, most = 0;

	while (args[most].name)
		most++;
	all = mem_array(most + ARRAY_LEN(a->args) + 1, sizeof(*all));
	for (const struct alias_arg *x = a->args; x->name; x++)
		all[n++] = field_of(a, x, fields_find(args, x->own));
	for (const struct field *f = args; f->name; f++)
		if (!is_renamed(a, f->name))
			all[n++] = *f;
	return all;
}

/* ---- a call ---- */

static void write_argument(const struct alias *a, const struct json *member, struct json_writer *w)
{
	const struct alias_arg *x = arg_named(a, json_key(member));
	const char *own = x ? x->own : json_key(member);

	if (x && x->unless && json_type(member) == JSON_BOOL && !json_bool(member, true)) {
		json_put_bool(w, x->unless, true);
		return;
	}
	json_write_key(w, own);
	json_write_value(w, member);
}

/* Two names of one argument would be one of them without a word. */
static int check_once(const struct alias *a, const struct json *given, struct err *e)
{
	JSON_EACH (one, given) {
		const struct alias_arg *x = arg_named(a, json_key(one));
		JSON_EACH (other, given) {
			const struct alias_arg *y = arg_named(a, json_key(other));
			const char *own = y ? y->own : json_key(other);
			if (x && one != other && str_equal(x->own, own))
				return err_set(e, ERR_INVALID,
					       "%s: it stands for the same as %.40s", x->name,
					       json_key(other));
		}
	}
	return 0;
}

int alias_arguments(const struct alias *a, const struct json *given, struct buf *out, struct err *e)
{
	struct json_writer w;

	if (check_once(a, given, e) < 0)
		return -1;
	json_write_init(&w, out);
	json_object_begin(&w);
	JSON_EACH (member, given)
		write_argument(a, member, &w);
	json_object_end(&w);
	return 0;
}
