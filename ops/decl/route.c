/* Declarations: routes, DNS records and zones. */
#include "base/probe_words.h"
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

DRIFT_VALUES;
static const char *const probe_values[] = {PROBE_WORDS, NULL};
static const char *const route_tags[] = {"route", NULL};
static const char *const dns_tags[] = {"dns", NULL};

static const struct field route_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "adit's own id."),
	FIELD_OUT("hostname", FIELD_STRING, .doc = "Public name."),
	FIELD_OUT("path", FIELD_STRING, .doc = "Path pattern; absent = all paths."),
	FIELD_OUT("service", FIELD_STRING, .doc = "Origin service."),
	FIELD_OUT("origin", FIELD_RAW, .doc = "Options towards the origin (originRequest)."),
	FIELD_OUT("tunnel", FIELD_STRING, .doc = "Name of the tunnel that it goes through."),
	FIELD_OUT("url", FIELD_STRING, .doc = "Where it is published."),
	FIELD_OUT("state", FIELD_STRING, .doc = "live, pending or problem."),
	FIELD_OUT("origin_state", FIELD_STRING,
		  .doc = "up, refused or timeout: does anything take connections at the origin? "
			 "Absent "
			 "= not asked."),
	FIELD_OUT("origin_since", FIELD_STRING, .flags = FIELD_TIME, .doc = "It is so since."),
	FIELD_OUT("origin_status", FIELD_INT,
		  .doc = "HTTP status of its last answer, where it is asked by HTTP."),
	FIELD_OUT("edge_state", FIELD_STRING,
		  .doc = "Of a probe through the public edge: passed, unreached, timeout, "
			 "no_tunnel, stopped, elsewhere or half."),
	FIELD_OUT("edge_since", FIELD_STRING, .flags = FIELD_TIME, .doc = "It is so since."),
	FIELD_OUT("old_tunnel", FIELD_STRING,
		  .doc = "The tunnel that it moves away from, which keeps its rule for now."),
	FIELD_OUT("old_until", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "The old rule goes then; absent = the record has not moved yet."),
	FIELD_OUT("probe", FIELD_STRING, .doc = "How the origin is asked; absent = tcp."),
	FIELD_OUT("until", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "It ends by itself then; absent = it does not."),
	FIELD_OUT("problem", FIELD_OBJECT, .sub = problem_rows,
		  .doc = "Why not; absent when fine."),
	FIELDS_END,
};

#define RULE_ROWS                                                                                  \
	FIELD_OUT("route", FIELD_STRING, .doc = "adit's route that put it."),                      \
		FIELD_OUT("hostname", FIELD_STRING, .doc = "Its host name, of adit's rules."),     \
		FIELD_OUT("rule_path", FIELD_STRING, .doc = "Its path pattern, of adit's rules."), \
		FIELD_OUT("service", FIELD_STRING, .doc = "Where it leads, of adit's rules."),     \
		FIELD_OUT("untrusted_hostname", FIELD_STRING, .flags = FIELD_UNTRUSTED,            \
			  .doc = "Its host name, of foreign rules."),                              \
		FIELD_OUT("untrusted_rule_path", FIELD_STRING, .flags = FIELD_UNTRUSTED,           \
			  .doc = "Its path pattern, of foreign rules."),                           \
		FIELD_OUT("untrusted_service", FIELD_STRING, .flags = FIELD_UNTRUSTED,             \
			  .doc = "Where it leads, of foreign rules.")

static const struct field rule_rows[] = {
	FIELD_OUT("number", FIELD_INT, .doc = "Its place in the configuration, from 1."),
	FIELD_OUT("verdict", FIELD_STRING, .doc = "matches, later, host, case, path or unsure."),
	FIELD_OUT("ours", FIELD_BOOL, .doc = "adit put it."),
	RULE_ROWS,
	FIELD_OUT("why", FIELD_STRING, .doc = "The verdict in words."),
	FIELDS_END,
};

static const struct field record_rows[] = {
	FIELD_OUT("id", FIELD_STRING,
		  .doc = "adit's own id; absent when the record is not adit's."),
	FIELD_OUT("remote_id", FIELD_STRING, .doc = "Cloudflare's id."),
	FIELD_OUT("name", FIELD_STRING, .doc = "Full name; absent when it has no form of one."),
	FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Instead of it: what stands there as a foreign record's name."),
	FIELD_OUT("type", FIELD_STRING, .doc = "Record type."),
	FIELD_OUT("content", FIELD_STRING, .doc = "What it leads to, of adit's records."),
	FIELD_OUT("untrusted_content", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What it leads to, of foreign records."),
	FIELD_OUT("proxied", FIELD_BOOL, .doc = "Answered by Cloudflare's edge."),
	FIELD_OUT("ttl", FIELD_INT, .doc = "Seconds; 1 = automatic."),
	FIELD_OUT("priority", FIELD_INT, .doc = "Of an MX record; the lowest is tried first."),
	FIELD_OUT("zone", FIELD_STRING, .doc = "Zone that holds it."),
	FIELD_OUT("tunnel", FIELD_STRING, .doc = "Tunnel of adit's that it leads to."),
	FIELD_OUT("owned", FIELD_BOOL, .doc = "Made by this adit: row and mark."),
	FIELD_OUT("converged", FIELD_BOOL, .doc = "As wanted."),
	FIELD_OUT("untrusted_comment", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Its comment."),
	FIELD_OUT("problem", FIELD_OBJECT, .sub = problem_rows,
		  .doc = "Why not; absent when fine."),
	FIELDS_END,
};

static const struct field zone_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Cloudflare's id."),
	FIELD_OUT("name", FIELD_STRING, .doc = "Domain."),
	FIELD_OUT("status", FIELD_STRING, .doc = "initializing, pending, active or moved."),
	FIELD_OUT("plan", FIELD_STRING, .doc = "What the zone is paid for, where told."),
	FIELD_OUT("paused", FIELD_BOOL, .doc = "Cloudflare only answers its DNS."),
	FIELDS_END,
};

const struct op *op_route_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct route_list_args),
		FIELD(struct route_list_args, tunnel, .max = 64,
		      .doc = "Only routes of this tunnel."),
		FIELD(struct route_list_args, hostname, .max = 253, .doc = "Only this host name."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(route_rows), FIELDS_END };
	static const struct op op = {
		.name = "route_list",
		.title = "List routes",
		.doc = "Routes in the order in which they match, tunnel by tunnel.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = route_tags,
		.args = args,
		.args_size = sizeof(struct route_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_route_set(void)
{
	static const struct field args[] =
	{ FIELD(struct route_set_args, hostname, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		.min = 3, .max = 253, .doc = "Full public name, as in app.example.com."),
	  FIELD(struct route_set_args, service, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		.min = 3, .max = 300, .doc = "Origin, as in http://127.0.0.1:8080."),
	  FIELD(struct route_set_args, path, .max = 512,
		.doc = "Only paths that match this pattern; absent = all."),
	  FIELD(struct route_set_args, tunnel, .max = 64,
		.doc = "Tunnel to go through; the default is the one that serves the host name "
		       "already, else this host's own, named after owner, which is made when "
		       "missing."),
	  FIELD(struct route_set_args, origin,
		.doc = "Options towards the origin, as Cloudflare's originRequest."),
	  FIELD(struct route_set_args, probe, .values = probe_values,
		.doc = "How adit asks whether the origin is there: tcp (a connection, never a "
		       "byte), http (the head of /, of http:// services) or none; absent = as it "
		       "was, tcp at first."),
	  DRIFT_FIELD(struct route_set_args),
	  OVERWRITE_FIELD(struct route_set_args),
	  WRITE_FIELDS(struct route_set_args),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "route_set",
		.title = "Publish a service",
		.doc = "Publish a local service under a host name: one ingress rule and one "
		       "proxied "
		       "DNS record. The same call again changes nothing. A DNS record of that name "
		       "that is not adit's is refused unless overwrite names it.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = route_tags,
		.args = args,
		.args_size = sizeof(struct route_set_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_route_delete(void)
{
	static const struct field args[] = {
		FIELD(struct route_delete_args, hostname,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 3, .max = 253,
		      .doc = "Full public name."),
		FIELD(struct route_delete_args, path, .max = 512,
		      .doc = "Path pattern of the route; absent = the route without one."),
		FIELD(struct route_delete_args, keep_dns,
		      .doc = "Give its DNS record back instead of deleting it: it stays, without "
			     "adit's mark."),
		WRITE_FIELDS(struct route_delete_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "route_delete",
		.title = "Unpublish a service",
		.doc = "Remove a route and, with the last route of its name, the DNS record. Needs "
		       "approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_ALL,
		.tags = route_tags,
		.args = args,
		.args_size = sizeof(struct route_delete_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_route_probe(void)
{
	static const struct field args[] = {
		FIELD(struct route_probe_args, hostname, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 3, .max = 253, .doc = "A published name of adit's."),
		{.name = "for",
		 .type = FIELD_DURATION,
		 .offset = offsetof(struct route_probe_args, for_time),
		 .min = 5 * 1000,
		 .max = 30LL * 24 * 3600 * 1000,
		 .fallback = "10m",
		 .doc = "It ends by itself after so long."},
		FIELD(struct route_probe_args, always,
		      .doc = "It stands until it is ended, and asks every 5 minutes instead of "
			     "every 30 seconds."),
		FIELD(struct route_probe_args, end, .doc = "End the one that there is."),
		WRITE_FIELDS(struct route_probe_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "route_probe",
		.title = "Prove the way through the public edge",
		.doc = "Prove for a time that requests for a published name come by DNS, "
		       "Cloudflare's edge and the tunnel to a connector of this host, and that "
		       "answers come back: a route of its own, for one path below "
		       "/.well-known/adit-probe/, leads to a listener of adit's that knows "
		       "nothing but nonces of one use. health_get tells what came of it, and a "
		       "connector is replaced only by one that such a request came through. Asked "
		       "again it stands longer. It ends by itself.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = route_tags,
		.args = args,
		.args_size = sizeof(struct route_probe_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_route_test(void)
{
	static const struct field args[] =
	{ FIELD(struct route_test_args, url, .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 3,
		.max = 2048, .doc = "What a visitor asks for, as in https://app.example.com/path."),
	  FIELD(struct route_test_args, tunnel, .max = 64,
		.doc = "Tunnel; the default is that of the route for the host name, else this "
		       "host's own."),
	  FIELD(struct route_test_args, refresh,
		.doc = "Read the configuration at Cloudflare first."),
	  FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("host", FIELD_STRING, .doc = "Host name of the request, as it is sent."),
		FIELD_OUT("path", FIELD_STRING, .doc = "Its path, decoded."),
		FIELD_OUT("tunnel", FIELD_STRING, .doc = "The tunnel."),
		FIELD_OUT("config_version", FIELD_INT,
			  .doc = "Of the configuration at Cloudflare."),
		FIELD_OUT("source", FIELD_STRING,
			  .doc = "model (the configuration as last read) or api (read now)."),
		FIELD_OUT("rule", FIELD_INT,
			  .doc = "The rule that takes the request, from 1; 0 = there are none."),
		FIELD_OUT("result", FIELD_STRING, .doc = "The same in words."),
		FIELD_OUT("certain", FIELD_BOOL, .doc = "Every rule before it could be judged."),
		FIELD_OUT("ours", FIELD_BOOL, .doc = "adit put that rule."),
		RULE_ROWS,
		FIELD_OUT("as_wanted", FIELD_BOOL, .doc = "Nothing is wanted otherwise."),
		FIELD_OUT("differs", FIELD_STRING, .doc = "What is wanted, and why it is not so."),
		FIELD_OUT("rules", FIELD_ITEMS, .sub = rule_rows,
			  .doc = "The rules in their order; of many, those for this host."),
		FIELD_OUT("total", FIELD_INT, .doc = "Rules in the configuration."),
		FIELD_OUT("truncated", FIELD_BOOL, .doc = "Not all are shown."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "route_test",
		.title = "Tell which rule takes a URL",
		.doc = "Which rule of the tunnel's configuration takes a request for this URL, and "
		       "why not the others, as cloudflared decides it: the configuration that "
		       "stands "
		       "at Cloudflare, foreign rules included. Tells too whether that is what is "
		       "wanted. Nothing is sent to the URL.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = route_tags,
		.args = args,
		.args_size = sizeof(struct route_test_args),
		.result = result,
	};
	return &op;
}

const struct op *op_dns_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct dns_list_args),
		FIELD(struct dns_list_args, zone, .max = 253,
		      .doc = "Zone, by name or id: asks Cloudflare for all its records. Absent: "
			     "adit's own records, from what it knows."),
		FIELD(struct dns_list_args, name, .max = 253, .doc = "Only this name."),
		FIELD(struct dns_list_args, type, .max = 10, .doc = "Only this type."),
		FIELD(struct dns_list_args, owned, .doc = "Only adit's own records."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(record_rows), FIELDS_END };
	static const struct op op = {
		.name = "dns_list",
		.title = "List DNS records",
		.doc = "DNS records with their owner. Comments and foreign contents come from "
		       "outside "
		       "and stand in untrusted_ members.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = dns_tags,
		.args = args,
		.args_size = sizeof(struct dns_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_zone_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct zone_list_args),
		FIELD(struct zone_list_args, name, .max = 253,
		      .doc = "Only zones whose name contains this."),
		FIELD(struct zone_list_args, status, .max = 20,
		      .doc = "Only zones of this status."),
		FIELD(struct zone_list_args, plan, .max = 40,
		      .doc = "Only zones whose plan contains this, as in free or pro."),
		FIELD(struct zone_list_args, account, .min = 1, .max = 160,
		      .doc = "Only zones of this account, by id, or by name for who may list "
			     "accounts."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(zone_rows), FIELDS_END };
	static const struct op op = {
		.name = "zone_list",
		.title = "List zones",
		.doc = "The zones of the account, in which host names can be published.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = dns_tags,
		.args = args,
		.args_size = sizeof(struct zone_list_args),
		.result = result,
	};
	return &op;
}
