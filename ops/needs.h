/*
 * Which permissions of Cloudflare's each operation takes, in one table: what token_check tells
 * comes from here. An operation that asks Cloudflare nothing takes none.
 */
#ifndef OPS_NEEDS_H
#define OPS_NEEDS_H

#include "cloudflare/permissions.h"
#include "ops/decl/decl.h"

#define NEED(p) (1u << (p))

struct op_needs {
	const char *op;
	unsigned all;   /* NEED(...): without one of them it fails */
	unsigned parts; /* without one of them its answer lacks a part, and says so */
	bool reads;     /* of security data: asked with the token for reading, where there is one */
};
/* NULL past the last. */
const struct op_needs *op_needs_at(size_t i);

#endif
