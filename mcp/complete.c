/* completion/complete: values for an argument of a prompt or a part of a resource's address. */
#include "mcp/extra.h"
#include "mcp/private.h"
#include "mcp/resource.h"

#include <string.h>

#define VALUE_MAX 300

/* What the reference leads to. */
static enum offer asked_for(const struct exchange *x, const char *argument)
{
	const struct json *ref = exchange_param(x, "ref");
	const char *type = json_get_string(ref, "type");
	if (str_equal(type, "ref/prompt"))
		return prompt_offer(x, json_get_string(ref, "name"), argument);
	if (str_equal(type, "ref/resource"))
		return resource_offer(json_get_string(ref, "uri"), argument);
	return OFFER_UNKNOWN;
}

void complete_run(struct exchange *x)
{
	const struct json *argument = exchange_param(x, "argument");
	const char *name = json_get_string(argument, "name");
	const char *begun = json_get_string(argument, "value");
	enum offer what = name ? asked_for(x, name) : OFFER_UNKNOWN_ARGUMENT;
	AUTO(strlist_t) values = {0};
	if (what == OFFER_UNKNOWN && mcp_extra() && mcp_extra()->complete(x))
		return;
	if (!begun || strlen(begun) > VALUE_MAX || what == OFFER_UNKNOWN ||
	    what == OFFER_UNKNOWN_ARGUMENT) {
		exchange_fail(x, RPC_PARAMS, 200,
			      what == OFFER_UNKNOWN
				      ? "ref: there is no such prompt or resource template"
				      : "argument: its name must be one of the reference's, its "
					"value a string of at most 300 bytes",
			      NULL);
		return;
	}
	size_t total = offer_values(x->parcel->mcp->ops, &x->parcel->who, what, begun, &values);
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "completion");
	json_object_begin(w);
	json_put_strlist(w, "values", &values);
	json_put_int(w, "total", (int64_t)total);
	json_put_bool(w, "hasMore", total > values.n);
	json_object_end(w);
	exchange_done(x);
}
