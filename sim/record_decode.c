/* From a request's body to a record: types, names and what an omitted member means. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/record_data.h"
#include "sim/record_rules.h"

#define CODE_DATA 9101
#define CODE_BODY 9207
#define CODE_NAME 9000
#define CODE_TYPE 9020

static int wrong_type(struct refusal *f, const char *key, const char *accepted)
{
	return refuse(f, 400, CODE_BODY, "Request body is invalid: %s must be %s", key, accepted);
}

static int decode_string(const struct json *body, const char *key, bool nullable, char **slot,
			 struct refusal *f)
{
	const struct json *v = json_get(body, key);

	if (!v)
		return 0;
	if (!json_string(v) && !(nullable && json_is_null(v)))
		return wrong_type(f, key, "a string");
	str_set(slot, json_string(v));
	return 0;
}

static int decode_object(const struct json *body, const char *key, char **slot, struct refusal *f)
{
	const struct json *v = json_get(body, key);
	struct buf text = {0};

	if (!v)
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return wrong_type(f, key, "an object");
	json_print(v, &text);
	free(*slot);
	*slot = buf_steal(&text);
	return 0;
}

static int decode_int(const struct json *body, const char *key, int64_t *slot, struct refusal *f)
{
	const struct json *v = json_get(body, key);

	if (!v || json_int(v, slot))
		return 0;
	return wrong_type(f, key, "a whole number");
}

static int decode_bool(const struct json *body, const char *key, bool *slot, struct refusal *f)
{
	const struct json *v = json_get(body, key);

	if (!v)
		return 0;
	if (json_type(v) != JSON_BOOL)
		return wrong_type(f, key, "true or false");
	*slot = json_bool(v, false);
	return 0;
}

static int decode_tags(const struct json *body, struct strlist *slot, struct refusal *f)
{
	const struct json *v = json_get(body, "tags");

	if (!v)
		return 0;
	if (json_type(v) != JSON_ARRAY)
		return wrong_type(f, "tags", "a list of strings");
	strlist_free(slot);
	JSON_EACH (tag, v) {
		if (!json_string(tag))
			return wrong_type(f, "tags", "a list of strings");
		strlist_add(slot, json_string(tag));
	}
	return 0;
}

/* ---- names ---- */

static bool label_valid(const char *p, size_t len, bool first)
{
	if (len == 0 || len > 63)
		return false;
	if (first && len == 1 && *p == '*')
		return true;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '-' && p[i] != '_')
			return false;
	return p[0] != '-' && p[len - 1] != '-';
}

static bool name_valid(const char *name)
{
	bool first = true;

	if (strlen(name) > 253)
		return false;
	for (const char *p = name;; p++) {
		size_t len = strcspn(p, ".");
		if (!label_valid(p, len, first))
			return false;
		first = false;
		p += len;
		if (!*p)
			return true;
	}
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void drop_last_dot(char *s)
{
	if (str_ends(s, "."))
		s[strlen(s) - 1] = '\0';
}

/* The whole name: "@" is the zone, a name outside it is meant relative to it. */
static int complete_name(const struct sim_zone *z, char **name, struct refusal *f)
{
	lower(*name);
	drop_last_dot(*name);
	if (str_equal(*name, "@"))
		str_set(name, z->name);
	if (!hostname_within(*name, z->name)) {
		char *whole = str_format("%s.%s", *name, z->name);
		free(*name);
		*name = whole;
	}
	if (name_valid(*name))
		return 0;
	return refuse(f, 400, CODE_NAME, "DNS name is invalid.");
}

/* ---- the whole ---- */

static void reset_to_defaults(struct sim_record *r)
{
	str_set(&r->comment, NULL);
	str_set(&r->settings, NULL);
	strlist_free(&r->tags);
	r->ttl = 1;
	r->proxied = false;
}

static int decode_members(const struct json *body, struct sim_record *into, struct refusal *f)
{
	if (decode_string(body, "name", false, &into->name, f) < 0 ||
	    decode_string(body, "type", false, &into->type, f) < 0 ||
	    decode_string(body, "content", false, &into->content, f) < 0 ||
	    decode_string(body, "comment", true, &into->comment, f) < 0)
		return -1;
	if (decode_object(body, "settings", &into->settings, f) < 0 ||
	    decode_object(body, "data", &into->data, f) < 0)
		return -1;
	if (json_get(body, "data"))
		str_set(&into->content, NULL);
	if (decode_int(body, "ttl", &into->ttl, f) < 0 ||
	    decode_int(body, "priority", &into->priority, f) < 0 ||
	    decode_bool(body, "proxied", &into->proxied, f) < 0)
		return -1;
	/* Cloudflare ignores it; here it is how a test makes a record that Cloudflare keeps. */
	into->read_only =
		into->read_only || json_get_bool(json_get(body, "meta"), "read_only", false);
	return decode_tags(body, &into->tags, f);
}

static int check_presence(const struct json *body, enum record_write how,
			  const struct sim_record *into, struct refusal *f)
{
	static const char *const needed[] = {"name", "type"};

	for (size_t i = 0; how != RECORD_PATCH && i < ARRAY_LEN(needed); i++)
		if (!json_get(body, needed[i]))
			return wrong_type(f, needed[i], "given");
	if (how != RECORD_PATCH && !json_get(body, "content") && !json_get(body, "data"))
		return wrong_type(f, "content", "given");
	if (!record_type_known(into->type))
		return refuse(f, 400, CODE_TYPE, "Invalid DNS record type.");
	if (record_data_needed(into->type) && !into->data)
		return refuse(f, 400, CODE_DATA, "data is required for records of this type.");
	return 0;
}

static void settle(const char *comment_before, enum record_write how, int64_t now_ms,
		   struct sim_record *r)
{
	r->modified_ms = now_ms;
	if (how == RECORD_POST)
		r->created_ms = now_ms;
	if (r->tags.n > 0)
		r->tags_ms = now_ms;
	if (!r->content)
		r->content = str_dup(r->data);
	if (r->comment && !r->comment[0])
		str_set(&r->comment, NULL);
	if (!str_equal(comment_before, r->comment))
		r->comment_ms = r->comment ? now_ms : 0;
	if (str_equal(r->type, "CNAME")) {
		lower(r->content);
		drop_last_dot(r->content);
	}
	if (r->proxied)
		r->ttl = 1;
}

int record_decode(const struct sim_zone *z, const struct json *body, enum record_write how,
		  int64_t now_ms, struct sim_record *into, struct refusal *f)
{
	AUTO(str_t) type = str_dup(into->type);
	AUTO(str_t) comment = str_dup(into->comment);

	if (json_type(body) != JSON_OBJECT)
		return wrong_type(f, "a record", "an object");
	if (how != RECORD_PATCH)
		reset_to_defaults(into);
	if (decode_members(body, into, f) < 0 || check_presence(body, how, into, f) < 0)
		return -1;
	if (type && !str_equal(type, into->type))
		return refuse(f, 400, CODE_OWN,
			      "The type of a DNS record cannot be changed; delete it and create "
			      "another");
	if (complete_name(z, &into->name, f) < 0 ||
	    (json_get(body, "data") && record_data_decode(json_get(body, "data"), into, f) < 0))
		return -1;
	settle(comment, how, now_ms, into);
	return 0;
}
