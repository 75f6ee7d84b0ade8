/* Inside of the JSON files only: a document is a tree of cJSON's nodes in an arena that is freed in
 * one piece. Of numbers, arrays and objects, valuestring and valueint are the text and its length.
 */
#ifndef BASE_JSON_DOC_H
#define BASE_JSON_DOC_H

#include "base/json_text.h"

struct json_chunk {
	struct json_chunk *next;
	size_t used, size;
	_Alignas(8) char data[];
};

struct json_doc {
	char *text; /* owned; NULL where it is somebody else's */
	struct json_chunk *chunks;
	struct cJSON *root;
};

/* An empty document that reads a text of somebody else's; doc may be NULL, and its memory is used
 * again. */
struct json_doc *json_doc_again(struct json_doc *doc, size_t len);
/* Memory of its arena, not zeroed. */
void *json_doc_take(struct json_doc *doc, size_t size);

#endif
