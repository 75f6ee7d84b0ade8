/* Rules are compared byte for byte: both texts are as Cloudflare sent them and as it was sent. */
#include "reconcile/race.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "reconcile/applied.h"

#define SHOWN_MAX 1000 /* bytes of rules on each side */

void race_list_t_cleanup(race_list_t *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].read);
		free(l->items[i].put);
	}
	free(l->items);
	*l = (struct race_list){0};
}

void race_say(const char *tunnel, int64_t version, int64_t made_from, struct err *told)
{
	(void)err_set(
		told, ERR_CONFLICT,
		"The configuration of tunnel %s was written by somebody else while adit wrote it "
		"(version %lld after %lld)",
		tunnel, (long long)version, (long long)made_from);
	(void)err_hint(told, "See adit drift list, and look at the tunnel at Cloudflare: the other "
			     "change may be lost.");
}

int race_keep(struct store *s, const char *tunnel_id, const struct race *r, const char *read,
	      struct json_span put, struct err *e)
{
	AUTO(str_t)
	both = str_format("{\"at\":%lld,\"from\":%lld,\"edit\":%s,\"read\":%s,\"put\":%.*s}",
			  (long long)r->at_ms, (long long)r->made_from, r->edit ? "true" : "false",
			  read ? read : "null", (int)put.len, put.p);
	return applied_keep_race(s, tunnel_id, r->version, both, e);
}

static char *key_of(const char *tunnel_id, const char *version)
{
	return str_format("race:%s:%s", tunnel_id, version);
}

bool race_kept(struct store *s, const char *tunnel_id, int64_t version)
{
	AUTO(str_t) number = str_format("%lld", (long long)version);
	AUTO(str_t) key = key_of(tunnel_id, number);
	AUTO(str_t) text = store_get_meta(s, key);
	return text != NULL;
}

static bool has_rule(const struct json *rules, struct json_span raw)
{
	JSON_EACH (v, rules) {
		struct json_span other = json_raw(v);
		if (other.len == raw.len && memcmp(other.p, raw.p, raw.len) == 0)
			return true;
	}
	return false;
}

/* A rule that has no room any more is counted, not cut: half a rule tells another story. */
static char *rules_only_in(const struct json *of, const struct json *those)
{
	AUTO(buf_t) text = {0};
	const struct json *others = json_get(those, "ingress");
	size_t more = 0;
	JSON_EACH (v, json_get(of, "ingress")) {
		struct json_span raw = json_raw(v);
		if (has_rule(others, raw))
			continue;
		if (text.len + raw.len > SHOWN_MAX) {
			more++;
			continue;
		}
		buf_printf(&text, "%s%.*s", text.len ? ", " : "", (int)raw.len, raw.p);
	}
	if (more)
		buf_printf(&text, "%sand %zu more", text.len ? ", " : "", more);
	return buf_steal(&text);
}

/* What cannot be read, or is long past, is not shown. */
static bool read_race(const char *key, const char *text, int64_t wall_ms, struct race *out)
{
	AUTO(json_doc_t) doc = NULL;
	struct err ignored;
	if (!text || json_parse(text, strlen(text), NULL, &doc, &ignored) < 0)
		return false;
	const struct json *v = json_root(doc);
	int64_t at = json_get_int(v, "at", 0);
	if (at < wall_ms - RACE_SHOWN_MS)
		return false;
	const struct json *read = json_get(v, "read"), *put = json_get(v, "put");
	*out = (struct race){
		.edit = json_get_bool(v, "edit", false),
		.at_ms = at,
		.version = strtoll(strrchr(key, ':') + 1, NULL, 10),
		.made_from = json_get_int(v, "from", -1),
		.read = rules_only_in(read, put),
		.put = rules_only_in(put, read),
	};
	return true;
}

int race_load(struct store *s, const char *tunnel_id, int64_t wall_ms, struct race_list *out,
	      struct err *e)
{
	AUTO(strlist_t) keys = {0};
	AUTO(str_t) prefix = key_of(tunnel_id, "");
	if (store_list_meta(s, prefix, &keys, e) < 0)
		return -1;
	for (size_t i = 0; i < keys.n; i++) {
		AUTO(str_t) text = store_get_meta(s, keys.items[i]);
		out->items = mem_grow(out->items, out->n + 1, sizeof(*out->items));
		out->n += read_race(keys.items[i], text, wall_ms, &out->items[out->n]);
	}
	return 0;
}
