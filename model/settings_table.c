/*
 * The settings as field tables: every key, its default, its range and its words. Decoding, the
 * schema, the manual page and config_check all read this and nothing else.
 */
#include "base/drift_words.h"
#include "model/settings.h"
#include "model/settings_check.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

#define ACCESS_TABLE(role, group)                                                                  \
	static const struct field role##_fields[] = {                                              \
		FIELD(struct access_rule, groups, .doc = "Unix groups whose members are " #role,   \
		      .fallback = group, .check = check_account_name),                             \
		FIELD(struct access_rule, users, .doc = "Unix users who are " #role,               \
		      .check = check_account_name),                                                \
		FIELDS_END}

ACCESS_TABLE(viewer, "adit");
ACCESS_TABLE(operator, "adit-operator");
ACCESS_TABLE(admin, "adit-admin");

static const struct field access_fields[] = {
	FIELD_SUB(struct settings_access, viewer, viewer_fields, .doc = "who may read"),
	FIELD_SUB(struct settings_access, operator, operator_fields,
		  .doc = "who may also propose changes"),
	FIELD_SUB(struct settings_access, admin, admin_fields,
		  .doc = "who may also manage grants and configuration"),
	FIELDS_END};

static const struct field cloudflare_fields[] = {
	FIELD(struct settings_cloudflare, account_id,
	      .doc = "the account that holds tunnels and zones, 32 hex digits; fixed after first "
		     "start",
	      .check = check_account_id),
	FIELD(struct settings_cloudflare, api_token_file,
	      .doc = "file with the API token, mode 0600; the systemd credential cloudflare-token "
		     "goes before it",
	      .fallback = "/etc/adit/cloudflare-token", .check = check_path),
	FIELD(struct settings_cloudflare, read_token_file,
	      .doc = "file with a second, narrower token for the security operations",
	      .check = check_path),
	FIELD(struct settings_cloudflare, base_url,
	      .doc = "where Cloudflare's API is; http:// only to a loopback address",
	      .fallback = "https://api.cloudflare.com/client/v4", .check = check_base_url),
	FIELD(struct settings_cloudflare, edge_url,
	      .doc = "where probes ask for published names instead of where DNS leads; http:// "
		     "only to a loopback address",
	      .check = check_edge_url),
	FIELD(struct settings_cloudflare, ca_file,
	      .doc = "further trust anchor (PEM) for a base_url of one's own", .check = check_path),
	FIELD(struct settings_cloudflare, budget,
	      .doc = "calls in a time with each token, of Cloudflare's 1200 per 5 minutes per "
		     "user or account token (one user's tokens share them)",
	      .fallback = "600/5m", .check = check_budget),
	FIELD(struct settings_cloudflare, fleet_size,
	      .doc = "hosts that share the token: the budget is divided by it", .fallback = "1",
	      .min = 1, .max = 100),
	FIELDS_END};

static const char *const drift_words[] = {DRIFT_WORDS, NULL};

static const struct field reconcile_fields[] = {
	FIELD(struct settings_reconcile, interval, .doc = "time between two complete looks",
	      .fallback = "60s", .min = SECOND, .max = 24 * HOUR),
	FIELD(struct settings_reconcile, drift,
	      .doc = "what to do about a difference that somebody else made", .fallback = "report",
	      .values = drift_words),
	FIELDS_END};

static const struct field safety_fields[] = {
	FIELD(struct settings_safety, max_delete,
	      .doc = "objects a principal may have deleted in 24 h; above it the approver types "
		     "the number",
	      .fallback = "10", .min = 0, .max = 1000),
	FIELD(struct settings_safety, protect,
	      .doc = "host names whose changes always need approval; *.example.com takes all below",
	      .check = check_protect),
	FIELD(struct settings_safety, allow_services,
	      .doc = "services that routes may reach although they are refused otherwise, as in "
		     "unix:/run/app.sock or tcp://10.0.0.5:22",
	      .check = check_allowed_service),
	FIELDS_END};

static const struct field health_fields[] = {
	FIELD(struct settings_health, interval, .doc = "time between two probes of a connector",
	      .fallback = "5s", .min = 100, .max = 5 * MINUTE),
	FIELD(struct settings_health, timeout,
	      .doc = "how long a probe waits; not longer than the interval", .fallback = "2s",
	      .min = 50, .max = MINUTE),
	FIELD(struct settings_health, failures,
	      .doc = "probes without an answer after which a connector counts as hung",
	      .fallback = "3", .min = 1, .max = 100),
	FIELD(struct settings_health, unready,
	      .doc = "how long a connector may be without edge connection before it is restarted; "
		     "not shorter than the interval",
	      .fallback = "45s", .min = SECOND, .max = HOUR),
	FIELDS_END};

static const char *const launcher_words[] = {"auto", "systemd", "child", NULL};
static const char *const protocol_words[] = {"quic", "http2", NULL};
static const char *const upgrade_words[] = {"notice", "roll", NULL};

static const struct field connectors_fields[] = {
	FIELD(struct settings_connectors, launcher,
	      .doc = "how connectors run: as systemd units or as child processes; changes by a "
		     "restart only",
	      .fallback = "auto", .values = launcher_words),
	FIELD(struct settings_connectors, cloudflared, .doc = "the binary of cloudflared",
	      .fallback = "/usr/bin/cloudflared", .check = check_path),
	FIELD(struct settings_connectors, protocol,
	      .doc = "to the edge; adit itself falls back to http2 where quic does not pass",
	      .fallback = "quic", .values = protocol_words),
	FIELD(struct settings_connectors, grace_period,
	      .doc = "how long a stopping connector may finish its requests", .fallback = "30s",
	      .min = 0, .max = 3 * MINUTE),
	FIELD_SUB(struct settings_connectors, health, health_fields,
		  .doc = "when a connector counts as hung or lost"),
	FIELD(struct settings_connectors, upgrade,
	      .doc = "what to do when the binary on disk changed", .fallback = "notice",
	      .values = upgrade_words),
	FIELDS_END};

static const char *const aliases_words[] = {"none", "truto", NULL};

static const struct field mcp_fields[] = {
	FIELD(struct settings_mcp, listen,
	      .doc = "loopback address and port for MCP over HTTP, as in 127.0.0.1:7437; absent: "
		     "stdio and the socket only",
	      .check = check_listen),
	FIELD(struct settings_mcp, metrics, .doc = "serve /metrics on that port as well",
	      .fallback = "false"),
	FIELD(struct settings_mcp, aliases,
	      .doc = "truto: tools for security data also answer to the names and arguments that "
		     "guides for Truto's server use",
	      .fallback = "none", .values = aliases_words),
	FIELDS_END};

static const char *const level_words[] = {"debug", "info", "warning", "error", NULL};

static const struct field log_fields[] = {FIELD(struct settings_log, level,
						.doc = "the least important line that is written",
						.fallback = "info", .values = level_words),
					  FIELDS_END};

enum { OWNER_MAX = 63, SOCKET_PATH_MAX = 107 };

static const struct field settings_fields[] = {
	FIELD(struct settings, owner,
	      .doc = "the mark on DNS records; default: the host name. Fixed after first start",
	      .max = OWNER_MAX, .check = check_owner),
	FIELD(struct settings, state_dir,
	      .doc = "the folder of the store; changes by a restart only",
	      .fallback = "/var/lib/adit", .check = check_path),
	FIELD(struct settings, socket, .doc = "the Unix socket, unless systemd passes one in",
	      .fallback = "/run/adit/adit.sock", .max = SOCKET_PATH_MAX, .check = check_path),
	FIELD_SUB(struct settings, access, access_fields,
		  .doc = "who may do what on the socket; root and aditd's own user are admin"),
	FIELD_SUB(struct settings, cloudflare, cloudflare_fields,
		  .doc = "the account, its tokens and how often it is asked"),
	FIELD_SUB(struct settings, reconcile, reconcile_fields,
		  .doc = "how often to compare, and what to do about differences"),
	FIELD_SUB(struct settings, safety, safety_fields, .doc = "what needs a person"),
	FIELD_SUB(struct settings, connectors, connectors_fields,
		  .doc = "how cloudflared runs and is watched"),
	FIELD_SUB(struct settings, mcp, mcp_fields, .doc = "the door for MCP clients"),
	FIELD_SUB(struct settings, log, log_fields, .doc = "what is logged"),
	FIELDS_END};

const struct field *settings_table(void)
{
	return settings_fields;
}
