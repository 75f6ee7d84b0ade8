/* Declarations: grants and the ledger. */
#include "base/text.h"
#include "ops/decl/common.h"

#define DAY_MS (24 * 3600 * 1000LL)

static const char *const grant_roles[] = {"viewer", "auditor", "operator", "admin", NULL};
static const char *const methods[] = {"list", "get", "create", "update", "delete", NULL};

static int check_rate(const char *text, struct err *e)
{
	int64_t count, window_ms;
	if (rate_parse(text, &count, &window_ms, e) < 0)
		return -1;
	if (count <= 1000000 && window_ms >= 1000 && window_ms <= DAY_MS)
		return 0;
	return err_set(e, ERR_INVALID, "\"%s\" is no budget: up to 1000000 calls in 1s to 1d",
		       text);
}

#define GRANT_SPEC_FIELDS(T)                                                                       \
	FIELD(T, role, .fallback = "viewer", .values = grant_roles,                                \
	      .doc = "What it may do at the most; not more than who makes it."),                   \
		FIELD(T, methods, .max = 5, .values = methods,                                     \
		      .doc = "Only operations that do one of these; absent = all that the role "   \
			     "allows."),                                                           \
		FIELD(T, tags, .max = 20,                                                          \
		      .doc = "Only operations with one of these tags; absent = all."),             \
		FIELD(T, zones, .max = 100, .doc = "Only names in these zones; absent = all."),    \
		FIELD(T, hosts, .max = 100,                                                        \
		      .doc = "Only these host names, or what is below *.DOMAIN; absent = all."),   \
		FIELD(T, tunnels, .max = 100,                                                      \
		      .doc = "Only these tunnels, by name or id; absent = all."),                  \
		FIELD(T, origins, .max = 100,                                                      \
		      .doc = "Services, as in http://127.0.0.1:3000, that it may publish without " \
			     "approval."),                                                         \
		FIELD(T, ask,                                                                      \
		      .doc = "The client asks its user before each write; what needs approval "    \
			     "needs it all the same."),                                            \
		FIELD(T, budget, .fallback = "600/5m", .max = 20, .check = check_rate,             \
		      .doc = "Calls in a time, as in 600/5m.")

const struct field *grant_spec_fields(void)
{
	static const struct field fields[] = { GRANT_SPEC_FIELDS(struct grant_spec), FIELDS_END };
	return fields;
}
