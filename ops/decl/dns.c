/* Declarations: DNS records that lead to no tunnel, and how many a zone has. */
#include "base/record_types.h"
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

DRIFT_VALUES;
static const char *const dns_tags[] = {"dns", NULL};
static const char *const types[] = {RECORD_TYPES, NULL};

const struct op *op_dns_set(void)
{
	static const struct field args[] = {
		FIELD(struct dns_set_args, name, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 3, .max = 253, .doc = "Full name, as in mail.example.com."),
		FIELD(struct dns_set_args, type, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .values = types, .doc = "Record type."),
		FIELD(struct dns_set_args, content, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 2048,
		      .doc = "Address (A, AAAA), name (CNAME, MX, NS, PTR), text (TXT), or the "
			     "type's fields as in zone files: 10 5 443 sip.example.com "
			     "(SRV), 0 issue \"letsencrypt.org\" (CAA)."),
		FIELD(struct dns_set_args, zone, .max = 253,
		      .doc = "Zone that must hold it, by name or id; absent = the one with the "
			     "longest fitting name."),
		FIELD(struct dns_set_args, proxied,
		      .doc = "Answered by Cloudflare's edge: A, AAAA and CNAME only."),
		FIELD(struct dns_set_args, ttl, .fallback = "1", .min = 1, .max = 86400,
		      .doc = "Seconds, 60 or more; 1 = automatic."),
		FIELD(struct dns_set_args, priority, .fallback = "10", .max = 65535,
		      .doc = "Of an MX record: the lowest is tried first. SRV and URI "
			     "records have theirs in content."),
		FIELD(struct dns_set_args, comment, .max = 400,
		      .doc = "Text behind adit's mark in the comment, 100 characters with it; "
			     "absent = none."),
		DRIFT_FIELD(struct dns_set_args),
		OVERWRITE_FIELD(struct dns_set_args),
		WRITE_FIELDS(struct dns_set_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "dns_set",
		.title = "Set a DNS record",
		.doc = "Make or change one of adit's own DNS records: one of a name and type. The "
		       "same call again changes nothing. A record of that name that is not adit's "
		       "is refused unless overwrite names it; a route's record is changed by "
		       "route_set alone. "
		       "Leading an existing record elsewhere needs approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = dns_tags,
		.args = args,
		.args_size = sizeof(struct dns_set_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_dns_delete(void)
{
	static const struct field args[] = {
		FIELD(struct dns_delete_args, name, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 3, .max = 253, .doc = "Full name."),
		FIELD(struct dns_delete_args, type, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .values = types, .doc = "Record type."),
		FIELD(struct dns_delete_args, zone, .max = 253,
		      .doc = "Zone that must hold it, by name or id."),
		FIELD(struct dns_delete_args, release,
		      .doc = "Only give it back: take adit's mark off its comment and forget it; "
			     "the record stays."),
		WRITE_FIELDS(struct dns_delete_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "dns_delete",
		.title = "Delete a DNS record",
		.doc = "Delete one of adit's own DNS records. Needs approval. What is not adit's "
		       "is refused, and so is the record of a route: route_delete takes that.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_ALL,
		.tags = dns_tags,
		.args = args,
		.args_size = sizeof(struct dns_delete_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_dns_usage(void)
{
	static const struct field args[] = {
		FIELD(struct dns_usage_args, zone, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 253, .doc = "Zone, by name or id."),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("zone", FIELD_STRING, .doc = "Name of the zone."),
		FIELD_OUT("record_usage", FIELD_INT, .doc = "Records that it has."),
		FIELD_OUT("record_quota", FIELD_INT,
			  .doc = "Records that it may have; null = Cloudflare does not tell."),
		FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows,
			  .doc = "Cloudflare's rate limit."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "dns_usage",
		.title = "Count a zone's DNS records",
		.doc = "How many DNS records a zone has and may have, asked of Cloudflare now.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = dns_tags,
		.args = args,
		.args_size = sizeof(struct dns_usage_args),
		.result = result,
	};
	return &op;
}
