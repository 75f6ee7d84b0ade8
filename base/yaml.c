/*
 * YAML by libyaml's events, rewritten as JSON text and then parsed like every other JSON. Beside
 * it a list of nodes (parent, key, place) in document order answers where a path stands; a look-up
 * is a scan, because it happens once, for the sentence of a mistake.
 */
#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define YAML_MAX_BYTES ((size_t)1 << 20)
#define YAML_MAX_DEPTH 32
#define NO_PARENT      UINT32_MAX

struct node {
	uint32_t parent; /* index of the containing node, NO_PARENT for the root */
	uint32_t line, column;
	uint32_t key;   /* of a mapping's value: offset of its name in yaml_doc.keys */
	uint32_t index; /* of a list's item */
	bool in_mapping;
};

struct yaml_doc {
	char *file;
	struct json_doc *json;
	struct node *nodes; /* in document order */
	size_t n, cap;
	struct buf keys; /* names, each with a NUL behind it */
	char **where;    /* the last answer of yaml_where */
};

struct level {
	uint32_t node; /* the container's own node */
	uint32_t items;
	bool mapping;
	bool has_key; /* a key was read and waits for its value */
	uint32_t key;
	uint32_t key_line, key_column;
};

struct reader {
	struct yaml_doc *doc;
	struct buf json;
	struct json_writer w;
	struct level levels[YAML_MAX_DEPTH];
	int depth;
	int documents;
	struct err *e;
};

static int bad_at(struct reader *r, size_t line, size_t column, const char *what)
{
	return err_set(r->e, ERR_INVALID, "%s:%zu:%zu: %s", r->doc->file, line + 1, column + 1,
		       what);
}

static int bad(struct reader *r, const yaml_event_t *event, const char *what)
{
	return bad_at(r, event->start_mark.line, event->start_mark.column, what);
}

static struct level *top(struct reader *r)
{
	return r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
}

/* ---- nodes ---- */

static struct node *node_add(struct yaml_doc *doc)
{
	if (doc->n == doc->cap) {
		doc->cap = doc->cap ? doc->cap * 2 : 64;
		doc->nodes = mem_grow(doc->nodes, doc->cap, sizeof(doc->nodes[0]));
	}
	doc->nodes[doc->n] = (struct node){.parent = NO_PARENT};
	return &doc->nodes[doc->n++];
}

/* A value begins: it gets a node, and its key is spent. A member's place is that of its key. */
static uint32_t begin_value(struct reader *r, const yaml_event_t *event)
{
	struct level *level = top(r);
	struct node *node = node_add(r->doc);
	node->line = (uint32_t)event->start_mark.line;
	node->column = (uint32_t)event->start_mark.column;
	if (!level)
		return (uint32_t)(r->doc->n - 1);
	node->parent = level->node;
	node->in_mapping = level->mapping;
	if (level->mapping) {
		node->key = level->key;
		node->line = level->key_line;
		node->column = level->key_column;
		level->has_key = false;
	} else {
		node->index = level->items++;
	}
	return (uint32_t)(r->doc->n - 1);
}

static const char *node_key(const struct yaml_doc *doc, const struct node *node)
{
	return doc->keys.data + node->key;
}

struct member {
	const struct yaml_doc *doc;
	uint32_t node;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	const struct node *p = &x->doc->nodes[x->node], *q = &y->doc->nodes[y->node];
	if (p->parent != q->parent)
		return p->parent < q->parent ? -1 : 1;
	int order = strcmp(node_key(x->doc, p), node_key(y->doc, q));
	return order ? order : x->node < y->node ? -1 : 1;
}

static bool same_member(const struct yaml_doc *doc, uint32_t a, uint32_t b)
{
	const struct node *p = &doc->nodes[a], *q = &doc->nodes[b];
	return p->parent == q->parent && strcmp(node_key(doc, p), node_key(doc, q)) == 0;
}

static int refuse_duplicate(struct reader *r, const struct member *members, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct node *node = &r->doc->nodes[members[i].node];
		if (!same_member(r->doc, members[i - 1].node, members[i].node))
			continue;
		return err_set(r->e, ERR_INVALID, "%s:%u:%u: the key \"%.64s\" stands twice",
			       r->doc->file, node->line + 1, node->column + 1,
			       node_key(r->doc, node));
	}
	return 0;
}

/* All members sorted by parent and name: equal ones become neighbours. */
static int check_duplicates(struct reader *r)
{
	struct member *members = mem_array(r->doc->n + 1, sizeof(*members));
	size_t n = 0;
	for (size_t i = 0; i < r->doc->n; i++)
		if (r->doc->nodes[i].in_mapping)
			members[n++] = (struct member){.doc = r->doc, .node = (uint32_t)i};
	qsort(members, n, sizeof(*members), compare_members);
	int rc = refuse_duplicate(r, members, n);
	free(members);
	return rc;
}

/* ---- scalars ---- */

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* A plain scalar that means something else than its characters: it is written as it stands. */
static bool is_number(const char *text, size_t len)
{
	return len > 0 && (*text == '-' || (*text >= '0' && *text <= '9')) &&
	       json_check(text, len, NULL, NULL) == 0;
}

static bool is_null(const char *text, size_t len)
{
	return len == 0 || is_word(text, len, "~") || is_word(text, len, "null");
}

static bool is_bool(const char *text, size_t len)
{
	return is_word(text, len, "true") || is_word(text, len, "false");
}

static void write_scalar(struct reader *r, const char *text, size_t len, bool plain)
{
	if (plain && is_null(text, len))
		json_write_null(&r->w);
	else if (plain && (is_bool(text, len) || is_number(text, len)))
		json_write_raw(&r->w, text, len);
	else
		json_write_stringn(&r->w, text, len);
}

static int read_key(struct reader *r, const yaml_event_t *event, const char *text, size_t len)
{
	struct level *level = top(r);
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (plain && (is_null(text, len) || is_bool(text, len) || is_number(text, len)))
		return bad(r, event, "a key must be a string; put it in quotes");
	level->has_key = true;
	level->key = (uint32_t)r->doc->keys.len;
	level->key_line = (uint32_t)event->start_mark.line;
	level->key_column = (uint32_t)event->start_mark.column;
	buf_add(&r->doc->keys, text, len);
	buf_char(&r->doc->keys, '\0');
	json_write_key(&r->w, text);
	return 0;
}

static bool expects_key(struct reader *r)
{
	const struct level *level = top(r);
	return level && level->mapping && !level->has_key;
}

static int read_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (event->data.scalar.tag)
		return bad(r, event, "tags are not accepted");
	if (event->data.scalar.anchor)
		return bad(r, event, "anchors are not accepted");
	if (memchr(text, '\0', len))
		return bad(r, event, "a NUL character is not accepted");
	if (expects_key(r))
		return read_key(r, event, text, len);
	begin_value(r, event);
	/* An empty document is an empty object. */
	if (r->depth == 0 && plain && len == 0)
		json_write_raw(&r->w, "{}", 2);
	else
		write_scalar(r, text, len, plain);
	return 0;
}

/* ---- containers ---- */

static int open_container(struct reader *r, const yaml_event_t *event, bool mapping)
{
	const yaml_char_t *tag =
		mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	const yaml_char_t *anchor =
		mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	if (tag)
		return bad(r, event, "tags are not accepted");
	if (anchor)
		return bad(r, event, "anchors are not accepted");
	if (expects_key(r))
		return bad(r, event, "a key must be a string");
	if (r->depth == YAML_MAX_DEPTH)
		return bad(r, event, "nested deeper than 32");
	uint32_t node = begin_value(r, event);
	r->levels[r->depth++] = (struct level){.node = node, .mapping = mapping};
	if (mapping)
		json_object_begin(&r->w);
	else
		json_array_begin(&r->w);
	return 0;
}

static int close_container(struct reader *r)
{
	if (r->levels[--r->depth].mapping)
		json_object_end(&r->w);
	else
		json_array_end(&r->w);
	return 0;
}

static int read_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++ > 0)
			return bad(r, event, "a second document is not accepted");
		return 0;
	case YAML_ALIAS_EVENT:
		return bad(r, event, "aliases are not accepted");
	case YAML_SCALAR_EVENT:
		return read_scalar(r, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(r, event, false);
	case YAML_MAPPING_START_EVENT:
		return open_container(r, event, true);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_container(r);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

/* ---- the document ---- */

#define FORMS "lines of the form key: value, or - value in a list"

/* What libyaml says, and what people can do about it. */
static const char *syntax_words(const char *problem)
{
	static const char *const rows[][2] = {
		{"did not find expected key",
		 "no key stands here, expected one as far in as those before it, or the end of a "
		 "text in quotes or brackets"},
		{"mapping values are not allowed",
		 "a second \": \" in one line, or lines that are not equally far in; expected one "
		 "key: value a line, and quotes around a text with \": \" in it"},
		{"could not find expected ':'", "a line without \": \", expected " FORMS},
		{"cannot start any token",
		 "nothing begins so, expected blanks instead of a tab, and quotes around a text "
		 "that begins with @, ` or %"},
		{"a tab character", "a tab, expected blanks"},
		{"did not find expected '-'",
		 "no item of the list, expected one that begins with \"- \", as far in as those "
		 "before it"},
		{"block sequence entries",
		 "an item of a list behind a key, expected it on a line of its own"},
		{"unexpected end of stream", "the text ends within quotes"},
		{"expected ',' or ']'", "a list without its end, expected ',' or ']'"},
		{"expected ',' or '}'", "an object without its end, expected ',' or '}'"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(problem, rows[i][0]))
			return rows[i][1];
	return NULL;
}

static int refuse_syntax(struct reader *r, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "something unknown";
	const char *words = syntax_words(problem);
	const yaml_mark_t *at = &parser->problem_mark, *whole = &parser->context_mark;
	/* The reader of bytes gives an offset, the scanner and the parser a mark. */
	if (parser->error == YAML_READER_ERROR)
		return err_set(r->e, ERR_INVALID, "%s:%zu:%zu: %s at byte %zu, expected UTF-8",
			       r->doc->file, parser->mark.line + 1, parser->mark.column + 1,
			       problem, parser->problem_offset);
	AUTO(str_t)
	begun = parser->context && whole->line < at->line
			? str_format("; what it belongs to begins in line %zu", whole->line + 1)
			: str_dup("");
	AUTO(str_t)
	other = words ? NULL : str_format("is no YAML (%s), expected " FORMS, problem);
	AUTO(str_t) sentence = str_format("%s%s", words ? words : other, begun);
	return bad_at(r, at->line, at->column, sentence);
}

static int read_events(struct reader *r, yaml_parser_t *parser)
{
	bool end = false;
	int rc = 0;
	while (rc == 0 && !end) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event))
			return refuse_syntax(r, parser);
		end = event.type == YAML_STREAM_END_EVENT;
		rc = read_event(r, &event);
		yaml_event_delete(&event);
	}
	return rc;
}

static int read_text(struct reader *r, const char *text, size_t len)
{
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		return err_set(r->e, ERR_INTERNAL, "%s: out of memory", r->doc->file);
	/* Otherwise a byte order mark would switch to UTF-16. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	int rc = read_events(r, &parser);
	yaml_parser_delete(&parser);
	return rc;
}

static int build_json(struct reader *r)
{
	if (r->documents == 0)
		buf_str(&r->json, "{}");
	if (check_duplicates(r) < 0)
		return -1;
	if (json_parse(buf_text(&r->json), r->json.len, NULL, &r->doc->json, r->e) < 0)
		return err_wrap(r->e, "%s:1:1", r->doc->file);
	return 0;
}

int yaml_parse(const char *file, const char *text, size_t len, struct yaml_doc **doc, struct err *e)
{
	if (len > YAML_MAX_BYTES)
		return err_set(e, ERR_INVALID, "%s:1:1: the text has %zu bytes, accepted are %zu",
			       file, len, YAML_MAX_BYTES);
	AUTO(yaml_doc_t) parsed = mem_alloc(sizeof(*parsed));
	parsed->file = str_dup(file);
	parsed->where = mem_alloc(sizeof(*parsed->where));
	struct reader r = {.doc = parsed, .e = e};
	json_write_init(&r.w, &r.json);
	int rc = read_text(&r, text, len);
	if (rc == 0)
		rc = build_json(&r);
	buf_free(&r.json);
	if (rc == 0)
		*doc = steal(&parsed);
	return rc;
}

void yaml_doc_free(struct yaml_doc *doc)
{
	if (!doc)
		return;
	json_doc_free(doc->json);
	buf_free(&doc->keys);
	free(*doc->where);
	free(doc->where);
	free(doc->nodes);
	free(doc->file);
	free(doc);
}

void yaml_doc_t_cleanup(yaml_doc_t *doc)
{
	yaml_doc_free(*doc);
}

const struct json *yaml_root(const struct yaml_doc *doc)
{
	return doc ? json_root(doc->json) : NULL;
}

/* ---- where ---- */

/* Bytes of path that name this node below its parent, 0 when they name another. */
static size_t match_node(const struct yaml_doc *doc, const struct node *node, const char *path)
{
	char text[16];
	if (!node->in_mapping) {
		snprintf(text, sizeof(text), "[%u]", node->index);
		return str_starts(path, text) ? strlen(text) : 0;
	}
	size_t dot = *path == '.' ? 1 : 0;
	const char *key = node_key(doc, node);
	size_t len = strlen(key);
	if (!len || !str_starts(path + dot, key))
		return 0;
	char next = path[dot + len];
	return next == '\0' || next == '.' || next == '[' ? dot + len : 0;
}

/* The child of a node that takes the most of path; keys may hold dots themselves. */
static size_t find_child(const struct yaml_doc *doc, uint32_t parent, const char *path,
			 uint32_t *child)
{
	size_t best = 0;
	for (size_t i = parent + 1; i < doc->n; i++) {
		if (doc->nodes[i].parent != parent)
			continue;
		size_t len = match_node(doc, &doc->nodes[i], path);
		if (len > best) {
			best = len;
			*child = (uint32_t)i;
		}
	}
	return best;
}

const char *yaml_where(const struct yaml_doc *doc, const char *path)
{
	uint32_t at = 0;
	size_t step = doc->n > 0 ? find_child(doc, at, path, &at) : 0;
	while (step > 0) {
		path += step;
		step = *path ? find_child(doc, at, path, &at) : 0;
	}
	uint32_t line = doc->n > 0 ? doc->nodes[at].line : 0;
	uint32_t column = doc->n > 0 ? doc->nodes[at].column : 0;
	free(*doc->where);
	*doc->where = str_format("%s:%u:%u", doc->file, line + 1, column + 1);
	return *doc->where;
}
