/* How a grant is given to a client: texts to paste, none of which holds a token. */
#ifndef OPS_GRANT_PASTE_H
#define OPS_GRANT_PASTE_H

#include "base/json.h"

/* The array of the answer. listen: mcp.listen, NULL = there is no HTTP. */
void grant_put_paste(const char *name, const char *listen, bool second, struct json_writer *w);

#endif
