/* The forms of settings. Values are repeated in sentences only where they cannot hold a secret. */
#include "model/settings_check.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool owner_form(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (is_letter_or_digit(s[n]) || s[n] == '.' || s[n] == '_' || s[n] == '-'))
		n++;
	return len > 0 && n == len && is_letter_or_digit(s[0]);
}

int check_owner(const char *value, struct err *e)
{
	if (!owner_form(value, strlen(value)))
		return err_set(e, ERR_INVALID,
			       "is no name, accepted are letters, digits, dot, hyphen and "
			       "underscore, the first a letter or digit");
	return 0;
}

/* Control characters in a path would end up in unit files and log lines. */
static bool has_control(const char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return true;
	return false;
}

int check_path(const char *value, struct err *e)
{
	if (value[0] != '/' || value[1] == '\0')
		return err_set(e, ERR_INVALID,
			       "is no absolute path, accepted is one that begins with /");
	if (has_control(value))
		return err_set(e, ERR_INVALID,
			       "holds a control character, accepted is an absolute path");
	return 0;
}

int check_account_name(const char *value, struct err *e)
{
	if (!*value || has_control(value) || strpbrk(value, ":/"))
		return err_set(e, ERR_INVALID,
			       "is no Unix name, accepted is one without colon and slash");
	return 0;
}

int check_account_id(const char *value, struct err *e)
{
	if (strlen(value) != 32 || !hex_valid(value, 32))
		return err_set(e, ERR_INVALID, "is no account id, accepted are 32 hex digits");
	return 0;
}

int check_base_url(const char *value, struct err *e)
{
	struct url url;

	if (url_parse(value, &url, e) < 0)
		return -1;
	if (str_equal(url.scheme, "http") && !address_is_loopback(url.host))
		return err_set(e, ERR_INVALID,
			       "sends the token in clear, accepted is https:// anywhere, http:// "
			       "only to a loopback address");
	if (str_ends(value, "/"))
		return err_set(e, ERR_INVALID,
			       "ends with a slash, accepted is a URL without one, as in "
			       "https://api.cloudflare.com/client/v4");
	return 0;
}

int check_edge_url(const char *value, struct err *e)
{
	struct url url;

	if (url_parse(value, &url, e) < 0)
		return -1;
	if (url.path[0] || (str_equal(url.scheme, "http") && !address_is_loopback(url.host)))
		return err_set(e, ERR_INVALID,
			       "is no place of an edge, accepted is https://host:port without a "
			       "path, http:// only to a loopback address");
	return 0;
}

int check_budget(const char *value, struct err *e)
{
	const int64_t cloudflare_calls = 1200, cloudflare_ms = 300000;
	const int64_t second_ms = 1000, hour_ms = 3600000;
	int64_t calls, window_ms;

	if (rate_parse(value, &calls, &window_ms, e) < 0)
		return -1;
	if (window_ms < second_ms || window_ms > hour_ms)
		return err_set(e, ERR_INVALID,
			       "has a window out of range, accepted is one from 1s to 1h");
	if (calls > cloudflare_calls * hour_ms / cloudflare_ms ||
	    calls * cloudflare_ms > cloudflare_calls * window_ms ||
	    calls * cloudflare_ms < window_ms)
		return err_set(e, ERR_INVALID,
			       "is out of range, accepted are 1 to 1200 calls in 5 minutes, as in "
			       "600/5m");
	return 0;
}

int check_protect(const char *value, struct err *e)
{
	AUTO(str_t) name = NULL;

	return hostname_normalise(value, &name, e);
}

int check_allowed_service(const char *value, struct err *e)
{
	static const char *const prefixes[] = {
		"unix:/", "unix+tls:/", "http://", "https://", "ws://",
		"wss://", "tcp://",     "ssh://",  "rdp://",   "smb://",
	};

	if (str_equal(value, "bastion") || str_equal(value, "socks-proxy"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(value, prefixes[i]) && value[strlen(prefixes[i])] &&
		    !has_control(value) && !strchr(value, ' '))
			return 0;
	return err_set(e, ERR_INVALID,
		       "is no service, accepted are bastion, socks-proxy, unix:/path and "
		       "scheme://host:port with http, https, ws, wss, tcp, ssh, rdp or smb");
}

/* Read as a URL's authority, so that ports and bracketed addresses are judged in one place. */
int check_listen(const char *value, struct err *e)
{
	AUTO(str_t) text = str_format("http://%s", value);
	size_t digits = strlen(value);
	struct err inner;
	struct url url;

	while (digits > 0 && isdigit((unsigned char)value[digits - 1]))
		digits--;
	if (digits == 0 || value[digits - 1] != ':' || !value[digits] ||
	    url_parse(text, &url, &inner) < 0 || *url.path)
		return err_set(e, ERR_INVALID,
			       "is no address and port, accepted is a form like 127.0.0.1:7437");
	if (!address_is_loopback(url.host))
		return err_set(e, ERR_INVALID,
			       "is no loopback address, accepted is one like 127.0.0.1:7437");
	return 0;
}
