/* A JSON value as YAML in block style, which yaml_parse reads back as the same value: whatever a
 * reader of YAML could take for something else than its characters stands in quotes. */
#ifndef BASE_YAML_WRITE_H
#define BASE_YAML_WRITE_H

#include "base/json.h"

/* Appends to out. Numbers keep their digits. -1 when out has a limit that it would pass, or the
 * value is nested too deep. */
MUST_USE int yaml_write(const struct json *v, struct buf *out, struct err *e);

#endif
