/*
 * YAML (libyaml) to a JSON document, with the place of every key. Refused: duplicate keys, anchors
 * and aliases, tags, several documents, keys that are not strings, depth over 32, more than 1 MiB.
 * Plain scalars become null, true/false, numbers (strict JSON grammar) or else strings.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/json.h"

struct yaml_doc;

/* file only names the source in sentences: "file:line:column: what is wrong". An empty text is an
 * empty object. The caller frees *doc. */
MUST_USE int yaml_parse(const char *file, const char *text, size_t len, struct yaml_doc **doc,
			struct err *e);
void yaml_doc_free(struct yaml_doc *doc);
typedef struct yaml_doc *yaml_doc_t;
void yaml_doc_t_cleanup(yaml_doc_t *doc);
const struct json *yaml_root(const struct yaml_doc *doc);
/* "file:line:column" of a path as the field decoder writes it ("access.viewer.groups[0]"); the
 * nearest known parent's place when the path itself is not in the document. */
const char *yaml_where(const struct yaml_doc *doc, const char *path);

#endif
