/* Ids are checked here and nowhere else on their way out. */
#include "cloudflare/paths.h"

static int id_refuse(const char *what, struct err *e)
{
	return err_set(e, ERR_INVALID, "the id of the %s is malformed; nothing was sent", what);
}

static bool id32_valid(const char *id)
{
	return id && hex_valid(id, CF_ID_SIZE - 1);
}

int path_account(const struct cf *cf, const char *rest, char **path, struct err *e)
{
	const char *account;

	if (cf_account(cf, &account, e) < 0)
		return -1;
	*path = str_format("/accounts/%s%s", account, rest);
	return 0;
}

int path_tunnel(const struct cf *cf, const char *id, const char *rest, char **path, struct err *e)
{
	const char *account;

	if (cf_account(cf, &account, e) < 0)
		return -1;
	if (!id || !uuid_valid(id))
		return id_refuse("tunnel", e);
	*path = str_format("/accounts/%s/cfd_tunnel/%s%s", account, id, rest);
	return 0;
}

int path_records(const char *zone, const char *rest, char **path, struct err *e)
{
	if (!id32_valid(zone))
		return id_refuse("zone", e);
	*path = str_format("/zones/%s/dns_records%s", zone, rest);
	return 0;
}

int path_record(const char *zone, const char *id, char **path, struct err *e)
{
	if (!id32_valid(zone))
		return id_refuse("zone", e);
	if (!id32_valid(id))
		return id_refuse("DNS record", e);
	*path = str_format("/zones/%s/dns_records/%s", zone, id);
	return 0;
}
