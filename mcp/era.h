/*
 * Which of the two eras a message belongs to, and whether it may pass the gate: pure, one message
 * at a time, nothing is remembered but what initialize agreed on. A message that names a version in
 * params._meta is judged by the modern rules, whatever the version; one that names none is a
 * legacy one unless its header speaks of a modern version. Over HTTP the headers must repeat what
 * the body says.
 */
#ifndef MCP_ERA_H
#define MCP_ERA_H

#include "mcp/rpc.h"

enum era { ERA_LEGACY = 1, ERA_MODERN = 2 };

#define VERSION_MODERN "2026-07-28"
#define VERSION_LATEST "2025-11-25" /* of the legacy ones */
#define VERSION_BATCH  "2025-03-26" /* the one that has batches; meant where none is named */
#define VERSION_OLDEST "2024-11-05" /* over lines alone */

#define META_PREFIX "io.modelcontextprotocol/"

/* As they came; NULL = absent. */
struct era_head {
	bool http;
	const char *version, *method, *name;
};

struct verdict {
	enum era era;
	const char *version; /* one of the above and of those between; lives for ever */
	int code;            /* 0 = it may pass; else an error of this code, told by HTTP status */
	int status;
	char message[200];
};

/* agreed: the version that initialize settled on, NULL = none. A broken message is refused, a
 * response passes in the legacy era alone. */
void era_judge(const struct era_head *h, const struct rpc_message *m, const char *agreed,
	       struct verdict *v);
/* May an array of messages come in? */
void era_judge_batch(const struct era_head *h, const char *agreed, struct verdict *v);
/* The legacy version of that name that is spoken here, or NULL. */
const char *era_legacy(const char *version, bool http);
/* Is the version that or a later one? */
bool era_since(const char *version, const char *than);
/* A legacy version by its number and back, for what must be small; NULL, -1 = there is none. */
const char *era_version_at(int i);
int era_version_index(const char *version);

/* What a header says: white space around it dropped, "=?base64?...?=" decoded. false when it is
 * not valid. */
bool era_header_read(const char *value, struct buf *out);
/* Does the header repeat that string, integer or boolean? Headers that are not there do not. */
bool era_header_repeats(const char *header, const struct json *value);

#endif
