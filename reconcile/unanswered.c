#include "reconcile/unanswered.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

/* Beyond it the oldest are only counted. */
#define KEPT_MAX 4

void landing_free(struct landing *l)
{
	free(steal(&l->read));
}

void landing_t_cleanup(landing_t *l)
{
	landing_free(l);
}

/* What cannot be read is as if nothing were remembered. */
static const struct json *read_known(const char *known, struct json_doc **doc)
{
	struct err e;
	if (!known || json_parse(known, strlen(known), NULL, doc, &e) < 0)
		return NULL;
	return json_type(json_root(*doc)) == JSON_ARRAY ? json_root(*doc) : NULL;
}

/* own: versions since its own was read that are, or may be, ours. */
struct entry {
	const char *hash;
	int64_t version, own;
	struct json_span read;
};

static struct entry entry_of(const struct json *v)
{
	const struct json *read = json_get(v, "read");
	return (struct entry){
		.hash = json_get_string(v, "hash"),
		.version = json_get_int(v, "version", 0),
		.own = json_get_int(v, "own", 0),
		.read = json_is_null(read) ? (struct json_span){0} : json_raw(read),
	};
}

static void write_entry(struct json_writer *w, const struct entry *x)
{
	json_object_begin(w);
	json_put_int(w, "version", x->version);
	json_put_int(w, "own", x->own);
	json_put_string(w, "hash", x->hash ? x->hash : "");
	if (x->read.len) {
		json_write_key(w, "read");
		json_write_raw(w, x->read.p, x->read.len);
	}
	json_object_end(w);
}

char *unanswered_add(const char *known, bool earlier, int64_t version, const char *read,
		     const char *document)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) text = {0};
	char hash[SHA256_HEX_SIZE];
	const struct json *list = read_known(known, &doc);
	size_t n = json_count(list);
	size_t drops = n >= KEPT_MAX ? n + 1 - KEPT_MAX : 0, i = 0;
	int64_t dropped = 0; /* and those before them, as the one before this knows */
	struct json_writer w;
	json_write_init(&w, &text);
	json_array_begin(&w);
	if (!n && earlier)
		write_entry(&w, &(struct entry){.version = version});
	JSON_EACH (v, list) {
		struct entry x = entry_of(v);
		x.own += (int64_t)drops;
		if (i++ >= drops)
			write_entry(&w, &x);
		dropped = drops ? x.own : 0;
	}
	sha256_hex(document, strlen(document), hash);
	write_entry(&w, &(struct entry){
				.hash = hash,
				.version = version,
				.own = dropped,
				.read = {.p = read, .len = read ? strlen(read) : 0},
			});
	json_array_end(&w);
	return buf_steal(&text);
}

char *unanswered_without(const char *known, const char *document, bool effect)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) text = {0};
	char hash[SHA256_HEX_SIZE];
	const struct json *list = read_known(known, &doc);
	size_t left = json_count(list);
	struct json_writer w;
	sha256_hex(document, strlen(document), hash);
	json_write_init(&w, &text);
	json_array_begin(&w);
	JSON_EACH (v, list) {
		struct entry x = entry_of(v);
		/* It is the newest: one before it may have carried the same. */
		if (--left == 0 && str_equal(x.hash, hash))
			break;
		x.own += effect;
		write_entry(&w, &x);
	}
	json_array_end(&w);
	return buf_steal(&text);
}

bool unanswered_find(const char *known, int64_t version, const char *config, struct landing *out)
{
	AUTO(json_doc_t) doc = NULL;
	char hash[SHA256_HEX_SIZE];
	const struct json *list = read_known(known, &doc);
	int64_t others = (int64_t)json_count(list) - 1;
	bool found = false;
	if (!config || others < 0)
		return false;
	sha256_hex(config, strlen(config), hash);
	JSON_EACH (v, list) {
		struct entry x = entry_of(v);
		/* A version that was there before shows nothing, whatever stands in it. */
		if (!str_equal(x.hash, hash) || version <= x.version)
			continue;
		landing_free(out);
		*out = (struct landing){
			.read_version = x.version,
			.read = x.read.len ? str_ndup(x.read.p, x.read.len) : NULL,
			.raced = version - x.version - 1 > x.own + others,
			.alone = others == 0 && x.own == 0,
		};
		found = true;
	}
	return found;
}
