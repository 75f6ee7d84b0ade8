/* Which records and rules that are not ours a person let adit write to. An entry counts only with
 * the hash of what that person was shown: a text that cannot be read names nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/record.h"
#include "model/route.h"

static int takes_parse(const char *takes, struct json_doc **doc)
{
	struct err e;

	return takes ? json_parse(takes, strlen(takes), NULL, doc, &e) : -1;
}

enum take record_take(const char *takes, const char *id, const char *seen)
{
	AUTO(json_doc_t) doc = NULL;
	enum take found = TAKE_UNNAMED;

	if (takes_parse(takes, &doc) < 0)
		return TAKE_UNNAMED;
	JSON_EACH (entry, json_root(doc)) {
		const char *then = json_get_string(entry, "seen");

		if (!str_equal(json_get_string(entry, "id"), id))
			continue;
		if (then && str_equal(then, seen))
			return TAKE_AS_SEEN;
		found = TAKE_CHANGED;
	}
	return found;
}

/* key names what an entry is about. */
static void takes_add(char **takes, const char *key, const char *id, const char *seen,
		      const char *what)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) out = {0};
	struct json_writer w;

	json_write_init(&w, &out);
	json_array_begin(&w);
	if (takes_parse(*takes, &doc) == 0)
		JSON_EACH (entry, json_root(doc))
			json_write_value(&w, entry);
	json_object_begin(&w);
	json_put_string(&w, key, id);
	if (seen)
		json_put_string(&w, "seen", seen);
	if (what)
		json_put_string(&w, "what", what);
	json_object_end(&w);
	json_array_end(&w);
	str_set(takes, buf_text(&out));
}

void record_takes_add(char **takes, const char *id, const char *seen, const char *what)
{
	takes_add(takes, "id", id, seen, what);
}

void route_takes_add(char **takes, const char *rule, const char *what)
{
	takes_add(takes, "rule", rule, NULL, what);
}

bool record_takes_unseen(const char *takes)
{
	AUTO(json_doc_t) doc = NULL;

	if (takes_parse(takes, &doc) < 0)
		return false;
	JSON_EACH (entry, json_root(doc))
		if (json_get_string(entry, "id") && !json_get_string(entry, "seen"))
			return true;
	return false;
}
