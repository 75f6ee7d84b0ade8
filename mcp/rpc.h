/*
 * JSON-RPC 2.0 as MCP narrows it: what one parsed value is, and how errors are written. Ids are
 * strings or integers, at most 256 bytes, and go back as they came; a request without one is a
 * notification, and one with null is no message at all.
 */
#ifndef MCP_RPC_H
#define MCP_RPC_H

#include "base/json.h"

#define RPC_ID_MAX     256
#define RPC_METHOD_MAX 128
#define RPC_BATCH_MAX  32

enum rpc_code {
	RPC_PARSE = -32700,
	RPC_NO_REQUEST = -32600,
	RPC_NO_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_INTERNAL = -32603,
	RPC_HEADERS = -32020,     /* headers and body disagree */
	RPC_NO_RESOURCE = -32002, /* legacy: nothing can be read there */
	RPC_CAPABILITY = -32021,  /* the client declared no such capability */
	RPC_VERSION = -32022      /* not a version that is spoken here */
};

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESPONSE, RPC_BROKEN };

/* Borrowed from the document. */
struct rpc_message {
	enum rpc_kind kind;
	const struct json *id;     /* NULL = none that could be taken */
	const struct json *params; /* an object, or NULL */
	const struct json *meta;   /* params._meta: an object, or NULL */
	const struct json *result; /* of a response; NULL = it is an error, or none */
	const char *method;        /* NULL in a response */
	const char *broken;        /* what is wrong with it */
};

void rpc_read(const struct json *v, struct rpc_message *m);
/* The same id, type and all? NULL equals nothing. */
bool rpc_id_equal(const struct json *a, const struct json *b);
/* As a value; null where there is none. */
void rpc_put_id(const struct json *id, struct json_writer *w);
/* A whole message. data: JSON text, or NULL. */
void rpc_put_error(const struct json *id, int code, const char *message, const char *data,
		   struct json_writer *w);

#endif
