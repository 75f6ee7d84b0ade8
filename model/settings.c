/*
 * Settings from YAML. Several files become one document before it is decoded, so that defaults are
 * filled in once and a mistake is found by the same tables whichever file it stands in; the place
 * is then looked up in the file that holds the key.
 */
#include "model/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"

/* The parsed files, and the document that they make together. */
struct sources {
	yaml_doc_t *docs;
	size_t n;
};

typedef struct sources sources_t;
static void sources_t_cleanup(sources_t *s)
{
	for (size_t i = 0; i < s->n; i++)
		yaml_doc_free(s->docs[i]);
	free(s->docs);
}

void settings_free(struct settings *s)
{
	fields_free(settings_table(), s);
}

void settings_t_cleanup(settings_t *s)
{
	settings_free(s);
}

void settings_default(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	fields_default(settings_table(), s);
}

/* ---- where a key stands ---- */

/* How many steps of "a.b[0].c" lead to something in the document. */
static int depth_in(const struct json *v, const char *path)
{
	int depth = 0;

	while (*path) {
		size_t len = strcspn(path, ".[");
		AUTO(str_t) key = str_ndup(path, len);

		v = json_get(v, key);
		if (!v)
			break;
		depth++;
		path += len + strcspn(path + len, ".");
		path += *path == '.';
	}
	return depth;
}

/* The place in the file that knows most of the path; the first file's when none does. */
static const char *place_of(const struct sources *s, const char *path)
{
	size_t best = 0;
	int best_depth = 0;

	for (size_t i = 0; i < s->n; i++) {
		int depth = depth_in(yaml_root(s->docs[i]), path);

		if (depth > best_depth) {
			best = i;
			best_depth = depth;
		}
	}
	return yaml_where(s->docs[best], path);
}

/* ---- joining ---- */

static int given_twice(const struct sources *s, const size_t *givers, const char *path,
		       struct err *e)
{
	AUTO(str_t) first = str_dup(yaml_where(s->docs[givers[0]], path));

	return err_set(e, ERR_INVALID, "%s: %s: is given twice, here and at %s; keep one of them",
		       yaml_where(s->docs[givers[1]], path), path, first);
}

struct join {
	const struct sources *sources;
	struct json_writer w;
	struct err *e;
};

static int join_objects(struct join *j, const struct json *const *objects, const char *path);

/* One key: its only value, or all its sections joined. */
static int join_key(struct join *j, const struct json *const *objects, const char *key,
		    const char *path)
{
	size_t n = j->sources->n, count = 0, sections = 0;
	AUTO(str_t) below = str_format("%s%s%s", path, *path ? "." : "", key);
	const struct json **values = mem_array(n, sizeof(struct json *));
	size_t *givers = mem_array(n, sizeof(*givers));
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct json *v = json_get(objects[i], key);

		if (json_is_null(v))
			continue;
		values[i] = v;
		sections += json_type(v) == JSON_OBJECT;
		givers[count++] = i;
	}
	json_write_key(&j->w, key);
	if (count == 0)
		json_write_null(&j->w);
	else if (count == 1)
		json_write_value(&j->w, values[givers[0]]);
	else if (sections == count)
		failed = join_objects(j, values, below);
	else
		failed = given_twice(j->sources, givers, below, j->e);
	free(values);
	free(givers);
	return failed;
}

/* objects[i] is what the i-th file has at this path, NULL when it has nothing. */
static int join_objects(struct join *j, const struct json *const *objects, const char *path)
{
	struct map seen = {.entries = NULL};
	int failed = 0;

	json_object_begin(&j->w);
	for (size_t i = 0; i < j->sources->n && !failed; i++)
		for (const struct json *v = json_first(objects[i]); v && !failed; v = json_next(v))
			if (!map_set(&seen, json_key(v), &seen))
				failed = join_key(j, objects, json_key(v), path);
	json_object_end(&j->w);
	map_free(&seen);
	return failed;
}

static int join_sources(const struct sources *s, struct json_doc **doc, struct err *e)
{
	const struct json **roots = mem_array(s->n, sizeof(struct json *));
	AUTO(buf_t) text = {0};
	struct join j = {.sources = s, .e = e};
	int failed;

	for (size_t i = 0; i < s->n; i++)
		roots[i] = yaml_root(s->docs[i]);
	json_write_init(&j.w, &text);
	failed = join_objects(&j, roots, "");
	free(roots);
	return failed ? -1 : json_parse(text.data, text.len, NULL, doc, e);
}

/* ---- parsing ---- */

static int parse_sources(const struct settings_source *from, size_t n, struct sources *s,
			 struct err *e)
{
	s->docs = mem_array(n, sizeof(*s->docs));
	for (; s->n < n; s->n++) {
		const struct settings_source *f = &from[s->n];
		yaml_doc_t *doc = &s->docs[s->n];

		if (yaml_parse(f->file, f->text, f->len, doc, e) < 0)
			return -1;
		if (!json_is_null(yaml_root(*doc)) && json_type(yaml_root(*doc)) != JSON_OBJECT) {
			s->n++;
			return err_set(e, ERR_INVALID,
				       "%s:1:1: the file holds no settings, accepted are lines of "
				       "the form key: value",
				       f->file);
		}
	}
	return 0;
}

/* What no key can say alone. */
static int check_together(const struct settings *s, char *path, struct err *e)
{
	const struct settings_health *h = &s->connectors.health;
	const char *key = NULL, *than = NULL;

	if (h->timeout.ms > h->interval.ms) {
		key = "connectors.health.timeout";
		than = "longer than connectors.health.interval, accepted is at most that";
	} else if (h->unready.ms < h->interval.ms) {
		key = "connectors.health.unready";
		than = "shorter than connectors.health.interval, accepted is at least that";
	}
	if (!key)
		return 0;
	str_copy(path, FIELD_PATH_SIZE, key);
	return err_set(e, ERR_INVALID, "%s: is %s", key, than);
}

/* Host names are compared in their normal form everywhere. */
static void normalise_protect(struct strlist *protect)
{
	for (size_t i = 0; i < protect->n; i++) {
		AUTO(str_t) name = NULL;
		struct err e;

		if (hostname_normalise(protect->items[i], &name, &e) == 0)
			str_set(&protect->items[i], name);
	}
}

static int decode(const struct json *root, struct settings *out, char *path, struct err *e)
{
	AUTO(settings_t) s = {0};

	if (fields_decode(settings_table(), root, &s, path, e) < 0 ||
	    check_together(&s, path, e) < 0)
		return -1;
	normalise_protect(&s.safety.protect);
	*out = s;
	memset(&s, 0, sizeof(s));
	return 0;
}

int settings_parse_all(const struct settings_source *from, size_t n, struct settings *out,
		       struct err *e)
{
	AUTO(sources_t) sources = {0};
	AUTO(json_doc_t) doc = NULL;
	char path[FIELD_PATH_SIZE] = "";

	if (n == 0) {
		settings_default(out);
		return 0;
	}
	if (parse_sources(from, n, &sources, e) < 0 || join_sources(&sources, &doc, e) < 0)
		return -1;
	if (decode(json_root(doc), out, path, e) < 0)
		return err_wrap(e, "%s", place_of(&sources, path));
	return 0;
}

int settings_parse(const char *file, const char *text, size_t len, struct settings *out,
		   struct err *e)
{
	const struct settings_source one = {file, text, len};

	return settings_parse_all(&one, 1, out, e);
}
