/* Rows of v1: what was done is a word of each product's own, which is sorted here by its parts. */
#include "cloudflare/auditold.h"

#include <string.h>

#include "cloudflare/words.h"

/* "rec_add", "ssl_set", "delete", "login" ... What says nothing of these changed something. */
static enum cf_audit_action action_of(const char *word)
{
	static const struct {
		const char *part;
		enum cf_audit_action action;
	} parts[] = {
		{"add", CF_AUDIT_CREATE},    {"create", CF_AUDIT_CREATE},
		{"del", CF_AUDIT_DELETE},    {"remove", CF_AUDIT_DELETE},
		{"purge", CF_AUDIT_DELETE},  {"revoke", CF_AUDIT_DELETE},
		{"login", CF_AUDIT_OTHER},   {"logout", CF_AUDIT_OTHER},
		{"view", CF_AUDIT_VIEW},     {"read", CF_AUDIT_VIEW},
		{"download", CF_AUDIT_VIEW},
	};

	for (size_t i = 0; word && i < ARRAY_LEN(parts); i++)
		if (strcasestr(word, parts[i].part))
			return parts[i].action;
	return word ? CF_AUDIT_UPDATE : CF_AUDIT_OTHER;
}

int cf_audit_old_read(const struct json *row, struct cf_audit_entry *out, struct err *e)
{
	const struct json *action = json_get(row, "action"), *actor = json_get(row, "actor");
	const struct json *resource = json_get(row, "resource");
	const struct json *metadata = json_get(row, "metadata");
	struct cf_audit_entry x = {
		.id = cf_text(row, "id"),
		.old = true,
		.time_ms = cf_time(row, "when"),
		.word = cf_text(action, "type"),
		.failed = !json_get_bool(action, "result", true),
		.resource_id = cf_text(resource, "id"),
		.resource_type = cf_text(resource, "type"),
		.zone_name = cf_text(metadata, "zone_name"),
		.email = cf_text(actor, "email"),
		.address = cf_text(actor, "ip"),
		.actor_type = cf_text(actor, "type"),
		.actor_id = cf_text(actor, "id"),
		.context = cf_text(row, "interface"),
	};

	x.action = action_of(x.word);
	if (!x.id || strlen(x.id) > 128)
		return err_set(e, ERR_UPSTREAM, "an entry of the older audit log has no id");
	if (!x.time_ms)
		return err_set(e, ERR_UPSTREAM, "an entry of the older audit log has no time");
	*out = x;
	return 0;
}
