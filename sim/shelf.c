/* Keeping lists of JSON rows, and finding them. */
#include "sim/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

const struct json *row_json(const struct sim_row *x)
{
	return x ? json_root(x->doc) : NULL;
}

static void row_free(struct sim_row *x)
{
	if (!x)
		return;
	json_doc_free(x->doc);
	free(x);
}

static void rows_free(struct map *rows)
{
	MAP_EACH (struct sim_row, x, rows)
		row_free(x);
	map_free(rows);
}

struct map *shelf_find(const struct cloud *c, const char *kind, const char *owner)
{
	AUTO(str_t) key = str_format("%s/%s", kind, owner);

	return map_get(&c->shelves, key);
}

static struct map *shelf_make(struct cloud *c, const char *kind, const char *owner)
{
	struct map *rows = shelf_find(c, kind, owner);

	if (rows)
		return rows;
	AUTO(str_t) key = str_format("%s/%s", kind, owner);
	rows = mem_alloc(sizeof *rows);
	map_set(&c->shelves, key, rows);
	return rows;
}

struct sim_row *shelf_row(const struct cloud *c, const char *kind, const char *owner,
			  const char *id)
{
	const struct map *rows = shelf_find(c, kind, owner);

	return rows ? map_get(rows, id) : NULL;
}

struct sim_row *shelf_put(struct cloud *c, const char *kind, const char *owner, const char *text)
{
	struct map *rows = shelf_make(c, kind, owner);
	struct json_doc *doc = NULL;
	struct err e = {0};

	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		return NULL;
	const char *id = json_get_string(json_root(doc), "id");
	struct sim_row *x = id ? map_get(rows, id) : NULL;
	if (!x) {
		x = mem_alloc(sizeof *x);
		str_copy(x->id, sizeof x->id, id ? id : "");
		map_set(rows, x->id, x);
	}
	json_doc_free(x->doc);
	x->doc = doc;
	return x;
}

bool shelf_drop(struct cloud *c, const char *kind, const char *owner, const char *id)
{
	struct map *rows = shelf_find(c, kind, owner);
	struct sim_row *x = rows ? map_remove(rows, id) : NULL;

	row_free(x);
	return x != NULL;
}

void shelf_clear(struct cloud *c, const char *kind, const char *owner)
{
	struct map *rows = shelf_make(c, kind, owner);

	rows_free(rows);
	*rows = (struct map){.entries = NULL};
}

void shelves_free(struct cloud *c)
{
	MAP_EACH (struct map, rows, &c->shelves) {
		rows_free(rows);
		free(rows);
	}
	map_free(&c->shelves);
}

void shelf_id(const char *owner, const char *name, char out[SIM_ID_SIZE])
{
	char hash[SHA256_HEX_SIZE];
	const struct sha256_part parts[] = {{owner, strlen(owner)}, {name, strlen(name)}};

	sha256_parts(parts, ARRAY_LEN(parts), hash);
	hash[SIM_ID_SIZE - 1] = '\0';
	str_copy(out, SIM_ID_SIZE, hash);
}

static bool named(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (str_equal(*names, name))
			return true;
	return false;
}

void write_merged(struct json_writer *w, const struct json *under, const struct json *over,
		  const char *const *skip)
{
	const struct json *const sides[] = {over, under};

	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		JSON_EACH (v, sides[i]) {
			const char *key = json_key(v);
			if (named(skip, key) || (i == 1 && json_get(over, key)))
				continue;
			json_write_key(w, key);
			json_write_value(w, v);
		}
	}
}

const char *call_owner(const struct call *k)
{
	return k->zone ? k->zone->id : k->account ? k->account->id : OWNER_USER;
}

const char *call_last_id(const struct call *k)
{
	size_t n = CALL_IDS;

	while (n > 1 && !k->ids[n - 1][0])
		n--;
	return k->ids[n - 1];
}
