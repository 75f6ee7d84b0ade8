/*
 * Any bytes as YAML. What is accepted must be JSON that prints and parses again, and every path
 * must have a place.
 */
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"", "a", "a.b[0].c", "[0]", "[1][2]", "..", "a..b["};
	struct err e = {0};
	AUTO(yaml_doc_t) doc = NULL;
	AUTO(buf_t) text = {0};
	if (yaml_parse("f", (const char *)data, size, &doc, &e) < 0) {
		require(strncmp(e.message, "f:", 2) == 0);
		return 0;
	}
	require(yaml_root(doc) != NULL);
	json_print(yaml_root(doc), &text);
	require(json_check(buf_text(&text), text.len, NULL, &e) == 0);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		require(strncmp(yaml_where(doc, paths[i]), "f:", 2) == 0);
	JSON_EACH (member, yaml_root(doc))
		require(!json_key(member) || yaml_where(doc, json_key(member)) != NULL);
	return 0;
}
