#include "cloudflare/accounts.h"

#include "cloudflare/paths.h"

int cf_account_read(const struct json *v, struct cf_account_row *out)
{
	const char *id = json_get_string(v, "id");
	const struct json *asked = json_get(json_get(v, "settings"), "enforce_twofactor");

	if (!id || !hex_valid(id, CF_ID_SIZE - 1))
		return -1;
	*out = (struct cf_account_row){
		.id = id,
		.name = json_get_string(v, "name"),
		.type = json_get_string(v, "type"),
	};
	if (json_type(asked) == JSON_BOOL)
		out->second_factor = json_bool(asked, false) ? CF_SECOND_FACTOR_ASKED
							     : CF_SECOND_FACTOR_NOT_ASKED;
	return 0;
}
