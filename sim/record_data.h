/* Records whose content Cloudflare builds from an object `data`. */
#ifndef SIM_RECORD_DATA_H
#define SIM_RECORD_DATA_H

#include "sim/call.h"

/* Does it take no content of that type, only data? */
bool record_data_needed(const char *type);
/* Check data's members, and write the record's content (and priority) from them. A type that has
 * none is left as it is. */
MUST_USE int record_data_decode(const struct json *data, struct sim_record *into,
				struct refusal *f);

#endif
