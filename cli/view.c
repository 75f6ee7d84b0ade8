/* Columns of lists. */
#include "cli/view.h"

#include <string.h>

#include "cli/print.h"

#define END                                                                                        \
	{                                                                                          \
		NULL, NULL                                                                         \
	}

static const struct view_column tunnels[] = {
	{"name", "TUNNEL"},
	{"state", NULL},
	{"connectors", NULL},
	{"joined", NULL},
	{"remote.status", "CLOUDFLARE"},
	{"remote.connections", "EDGE"},
	{"config_version", "CONFIG"},
	{"routes", NULL},
	{"converged", NULL},
	END,
};
static const struct view_column routes[] = {
	{"hostname", NULL}, {"path", NULL},           {"service", NULL},          {"tunnel", NULL},
	{"state", NULL},    {"old_tunnel", "LEAVES"}, {"origin_state", "ORIGIN"}, END,
};
static const struct view_column records[] = {
	{"name", NULL},
	{"type", NULL},
	{"content", NULL},
	{"untrusted_content", "FOREIGN CONTENT"},
	{"proxied", NULL},
	{"zone", NULL},
	{"owned", NULL},
	{"converged", NULL},
	END,
};
static const struct view_column zones[] = {
	{"name", "ZONE"}, {"status", NULL}, {"plan", NULL}, {"paused", NULL}, {"id", NULL}, END,
};
static const struct view_column accounts[] = {
	{"id", "ACCOUNT"},          {"untrusted_name", "NAME"},
	{"untrusted_type", "TYPE"}, {"second_factor", "SECOND FACTOR"},
	{"configured", NULL},       END,
};
static const struct view_column rulesets[] = {
	{"id", "RULESET"},
	{"kind", NULL},
	{"phase", NULL},
	{"untrusted_name", "NAME"},
	{"last_updated", NULL},
	{"version", NULL},
	END,
};
static const struct view_column ruleset_rules[] = {
	{"id", "RULE"},
	{"action", NULL},
	{"enabled", NULL},
	{"untrusted_description", "DESCRIPTION"},
	{"untrusted_expression", "EXPRESSION"},
	{"rate_limit", NULL},
	{"executes", NULL},
	{"last_updated", NULL},
	END,
};
static const struct view_column firewall[] = {
	{"id", "RULE"},
	{"source", NULL},
	{"action", NULL},
	{"paused", NULL},
	{"untrusted_description", "DESCRIPTION"},
	{"untrusted_expression", "EXPRESSION"},
	{"last_updated", NULL},
	END,
};
static const struct view_column timeline[] = {
	{"at", "WHEN"},  {"kind", NULL},        {"what", NULL},      {"untrusted_detail", "DETAIL"},
	{"times", NULL}, {"operation", "MORE"}, {"arguments", NULL}, END,
};
static const struct view_column audit[] = {
	{"time", NULL},
	{"action", NULL},
	{"type", NULL},
	{"resource", NULL},
	{"zone", NULL},
	{"untrusted_actor", "ACTOR"},
	{"untrusted_address", "FROM"},
	{"result", NULL},
	{"ours", NULL},
	END,
};
static const struct view_column overrides[] = {
	{"id", "RULE"},
	{"kind", NULL},
	{"paused", NULL},
	{"of", NULL},
	{"target", NULL},
	{"managed_ruleset", NULL},
	{"action", NULL},
	{"enabled", NULL},
	{"untrusted_target_name", "NAME"},
	{"untrusted_description", "DESCRIPTION"},
	END,
};
static const struct view_column members[] = {
	{"untrusted_email", "MEMBER"},   {"status", NULL},
	{"two_factor", "SECOND FACTOR"}, {"can", "CAN CHANGE"},
	{"untrusted_roles", "ROLES"},    END,
};
static const struct view_column review[] = {
	{"untrusted_email", "MEMBER"},
	{"flags", NULL},
	{"status", NULL},
	{"invited", NULL},
	{"can", "CAN CHANGE"},
	{"untrusted_roles", "ROLES"},
	END,
};
static const struct view_column tokens[] = {
	{"setting", NULL}, {"serves", NULL},     {"status", NULL},
	{"owner", NULL},   {"expires_on", NULL}, {"known_by", NULL},
	{"missing", NULL}, {"message", NULL},    END,
};
static const struct view_column roles[] = {
	{"untrusted_name", "ROLE"}, {"permissions", NULL}, {"members", NULL}, {"id", NULL}, END,
};
static const struct view_column plans[] = {
	{"plan", NULL},
	{"state", NULL},
	{"operation", NULL},
	{"principal", "BY"},
	{"made", NULL},
	{"reason", NULL},
	END,
};
static const struct view_column drift[] = {
	{"object", NULL},
	{"name", NULL},
	{"kind", NULL},
	{"field", NULL},
	{"wanted", NULL},
	{"untrusted_seen", "SEEN"},
	{"untrusted_put", "PUT"},
	{"untrusted_actor", "BY"},
	{"policy", NULL},
	{"why_not", "NOT PUT BACK SINCE"},
	END,
};
static const struct view_column revisions[] = {
	{"revision", NULL},  {"at", "WHEN"}, {"changes", NULL}, {"operation", NULL},
	{"principal", "BY"}, {"plan", NULL}, {"reason", NULL},  END,
};
static const struct view_column connectors[] = {
	{"name", "CONNECTOR"},
	{"state", NULL},
	{"reason", NULL},
	{"edge_connections", "EDGE"},
	{"config_version", "CONFIG"},
	{"pid", NULL},
	{"restarts", NULL},
	{"since", NULL},
	END,
};
static const struct view_column events[] = {
	{"at", "WHEN"}, {"kind", NULL}, {"name", NULL}, {"message", NULL}, END,
};

static const struct view_column rules[] = {
	{"number", "RULE"},
	{"verdict", NULL},
	{"ours", NULL},
	{"hostname", NULL},
	{"untrusted_hostname", "FOREIGN HOSTNAME"},
	{"rule_path", "PATH"},
	{"untrusted_rule_path", "FOREIGN PATH"},
	{"service", NULL},
	{"untrusted_service", "FOREIGN SERVICE"},
	{"why", NULL},
	END,
};

static const struct view_column grants[] = {
	{"name", "GRANT"},      {"state", NULL},       {"role", NULL},
	{"hosts", NULL},        {"zones", NULL},       {"tunnels", NULL},
	{"expires_at", "ENDS"}, {"last_used", "USED"}, END,
};
static const struct view_column ledger[] = {
	{"seq", NULL},        {"at", "WHEN"},
	{"principal", "WHO"}, {"operation", NULL},
	{"phase", NULL},      {"plan", NULL},
	{"decision", NULL},   {"policy", NULL},
	{"outcome", NULL},    END,
};

static const struct {
	const char *op;
	const struct view_column *columns;
} views[] = {
	{"tunnel_list", tunnels},
	{"route_list", routes},
	{"dns_list", records},
	{"zone_list", zones},
	{"account_list", accounts},
	{"plan_list", plans},
	{"connector_list", connectors},
	{"connector_items", connectors},
	{"drift_list", drift},
	{"event_list", events},
	{"revision_list", revisions},
	{"rules", rules},
	{"grant_list", grants},
	{"ledger_list", ledger},
	{"ruleset_list", rulesets},
	{"ruleset_get", ruleset_rules},
	{"firewall_rule_list", firewall},
	{"waf_override_list", overrides},
	{"member_list", members},
	{"role_list", roles},
	{"access_review", review},
	{"tokens", tokens},
	{"audit_log_list", audit},
	{"entries", audit},
	{"timeline", timeline},
};

const struct view_column *view_of(const char *op_name)
{
	for (size_t i = 0; i < ARRAY_LEN(views); i++)
		if (str_equal(views[i].op, op_name))
			return views[i].columns;
	return NULL;
}

bool view_hides(const struct field *rows, const struct field *f)
{
	if (str_equal(f->name, "problem"))
		return true;
	bool named = fields_find(rows, "name") || fields_find(rows, "hostname");
	return named && (str_equal(f->name, "id") || str_ends(f->name, "_id"));
}

const struct json *view_get(const struct json *row, const char *path)
{
	const char *dot = strchr(path, '.');

	if (!dot)
		return json_get(row, path);
	AUTO(str_t) outer = str_ndup(path, (size_t)(dot - path));
	return json_get(json_get(row, outer), dot + 1);
}

const struct field *view_field(const struct field *rows, const char *path)
{
	const char *dot = strchr(path, '.');

	if (!rows)
		return NULL;
	if (!dot)
		return fields_find(rows, path);
	AUTO(str_t) outer = str_ndup(path, (size_t)(dot - path));
	const struct field *f = fields_find(rows, outer);
	return f && f->sub ? fields_find(f->sub, dot + 1) : NULL;
}

void view_clock(const char *time, struct buf *out)
{
	size_t len = strlen(time);

	if (len < 20 || time[10] != 'T' || time[len - 1] != 'Z') {
		print_text(out, time);
		return;
	}
	AUTO(str_t) text = str_format("%.10s %.8sZ", time, time + 11);
	print_text(out, text);
}
