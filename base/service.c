/*
 * Where a route sends its traffic, and URLs. Stricter than cloudflared, which takes a misspelled
 * scheme for a TCP service: what is not on the list is refused, with the list.
 */
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define ACCEPTED                                                                                   \
	"accepted are http, https, ws, wss, tcp, ssh, rdp and smb with ://host:port, unix:/path, " \
	"unix+tls:/path, http_status:100 to 999, hello_world, bastion and socks-proxy"

static const char *const url_schemes[] = {"http", "https", "ws", "wss", "tcp", "ssh", "rdp", "smb"};

/* Unquoted: user information in a URL may be a password, so the text itself is never repeated. */
static int refuse(struct err *e, const char *what, const char *why)
{
	return err_set(e, ERR_INVALID, "the %s %s", what, why);
}

static bool read_port(const char *text, int *port)
{
	size_t len = strspn(text, "0123456789");
	int n = 0;

	if (len == 0 || len > 5 || text[len])
		return false;
	for (; *text; text++)
		n = n * 10 + (*text - '0');
	if (n < 1 || n > 65535)
		return false;
	*port = n;
	return true;
}

/* A name or IPv4 address: labels of letters, digits, hyphen and underscore; one label will do. */
static bool read_name(const char *p, size_t len, char out[HOSTNAME_MAX + 1])
{
	size_t label = 0;

	if (len > 0 && p[len - 1] == '.')
		len--;
	if (len == 0 || len > HOSTNAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = p[i];

		if (c == '.' ? label == 0 : !isalnum((unsigned char)c) && c != '-' && c != '_')
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
		out[i] = (char)tolower((unsigned char)c);
	}
	out[len] = '\0';
	return label > 0;
}

static bool read_ip6(const char *p, size_t len, char out[HOSTNAME_MAX + 1])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in;

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &in) == 1 &&
	       inet_ntop(AF_INET6, &in, out, HOSTNAME_MAX + 1);
}

/* host, host:port, [ip6] or [ip6]:port; NULL, or what is wrong with it. */
static const char *read_authority(const char *text, char out[HOSTNAME_MAX + 1], int *port)
{
	size_t len = strcspn(text, ":");
	const char *rest = text + len;

	if (strchr(text, '@'))
		return "carries a user name or password: secrets do not belong in it";
	if (text[0] == '[') {
		len = strcspn(text, "]");
		rest = text + len + (text[len] ? 1 : 0);
		if (!text[len] || !read_ip6(text + 1, len - 1, out))
			return "has a bad IPv6 address between the brackets";
	} else if (strchr(rest + (*rest ? 1 : 0), ':')) {
		return "has more than one colon in its host: an IPv6 address stands in brackets";
	} else if (!read_name(text, len, out)) {
		return "needs a host: a name in letters, digits, hyphens and dots, or an address";
	}
	if (*rest && (*rest != ':' || !read_port(rest + 1, port)))
		return "has a bad port: a number from 1 to 65535 is accepted";
	return NULL;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return true;
	return false;
}

static int parse_origin(const char *scheme, const char *authority, struct service *s, struct err *e)
{
	const char *fault;

	s->kind = SERVICE_URL;
	str_copy(s->scheme, sizeof(s->scheme), scheme);
	if (authority[strcspn(authority, "/?#")])
		return refuse(e, "service",
			      "has something behind host and port: cloudflared does not change the "
			      "path, so end the service after the port");
	fault = read_authority(authority, s->host, &s->port);
	if (fault)
		return refuse(e, "service", fault);
	if (str_equal(scheme, "tcp") && s->port == 0)
		return refuse(e, "service", "needs a port: tcp has none of its own");
	return 0;
}

static int parse_url_service(const char *text, size_t scheme_len, struct service *s, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(url_schemes); i++)
		if (strlen(url_schemes[i]) == scheme_len &&
		    strncmp(text, url_schemes[i], scheme_len) == 0)
			return parse_origin(url_schemes[i], text + scheme_len + 3, s, e);
	return refuse(e, "service", "has an unknown scheme; " ACCEPTED);
}

/* One spelling only: the guard compares socket paths. */
static bool path_is_plain(const char *path)
{
	if (path[0] != '/' || !path[1])
		return false;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

static int parse_unix(const char *scheme, const char *path, struct service *s, struct err *e)
{
	s->kind = SERVICE_UNIX;
	str_copy(s->scheme, sizeof(s->scheme), scheme);
	if (!path_is_plain(path))
		return refuse(e, "service",
			      "needs an absolute socket path without empty, . or .. parts, as in "
			      "unix:/run/app.sock");
	if (!str_copy(s->path, sizeof(s->path), path))
		return refuse(e, "service", "has a socket path longer than 107 bytes");
	return 0;
}

static int parse_status(const char *digits, struct service *s, struct err *e)
{
	int status;

	if (strlen(digits) != 3 || !read_port(digits, &status) || status < 100)
		return refuse(e, "service",
			      "http_status needs a number from 100 to 999, as in "
			      "http_status:404");
	s->kind = SERVICE_STATUS;
	str_copy(s->scheme, sizeof(s->scheme), "http_status");
	s->status = status;
	return 0;
}

/* The name under which cloudflared knows it, or NULL. */
static const char *builtin_name(const char *text)
{
	static const char *const names[] = {"hello_world", "bastion", "socks-proxy"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_equal(text, names[i]))
			return names[i];
	return str_equal(text, "hello-world") ? names[0] : NULL;
}

static int parse_into(const char *text, struct service *s, struct err *e)
{
	const char *builtin = builtin_name(text), *mark;

	if (has_control(text))
		return refuse(e, "service", "holds a space or control character");
	if (builtin) {
		s->kind = SERVICE_BUILTIN;
		str_copy(s->scheme, sizeof(s->scheme), builtin);
		return 0;
	}
	if (str_starts(text, "unix:"))
		return parse_unix("unix", text + 5, s, e);
	if (str_starts(text, "unix+tls:"))
		return parse_unix("unix+tls", text + 9, s, e);
	if (str_starts(text, "http_status:"))
		return parse_status(text + 12, s, e);
	mark = strstr(text, "://");
	if (mark)
		return parse_url_service(text, (size_t)(mark - text), s, e);
	return refuse(e, "service", *text ? "has no scheme; " ACCEPTED : "is empty; " ACCEPTED);
}

int service_parse(const char *text, struct service *out, struct err *e)
{
	struct service s = {0};

	if (parse_into(text, &s, e))
		return -1;
	*out = s;
	return 0;
}

int service_port(const struct service *s)
{
	static const struct {
		const char *scheme;
		int port;
	} ports[] = {{"http", 80}, {"https", 443}, {"ws", 80},  {"wss", 443},
		     {"ssh", 22},  {"rdp", 3389},  {"smb", 445}};
	for (size_t i = 0; !s->port && i < ARRAY_LEN(ports); i++)
		if (str_equal(s->scheme, ports[i].scheme))
			return ports[i].port;
	return s->port;
}

static int split_url(const char *text, struct url *u, struct err *e)
{
	bool tls = strncasecmp(text, "https://", 8) == 0;
	char authority[HOSTNAME_MAX + 16];
	const char *fault, *rest = text + (tls ? 8 : 7);
	size_t len;

	if (!tls && strncasecmp(text, "http://", 7) != 0)
		return refuse(e, "URL", "must begin with http:// or https://");
	if (has_control(text) || strpbrk(text, "?#\\"))
		return refuse(e, "URL", "may hold no space, ?, # or backslash");
	len = strcspn(rest, "/");
	if (len >= sizeof(authority))
		return refuse(e, "URL", "has a host longer than 253 bytes");
	memcpy(authority, rest, len);
	authority[len] = '\0';
	u->port = tls ? 443 : 80;
	fault = read_authority(authority, u->host, &u->port);
	if (fault)
		return refuse(e, "URL", fault);
	if (!str_copy(u->path, sizeof(u->path), rest + len))
		return refuse(e, "URL", "has a path longer than 511 bytes");
	str_copy(u->scheme, sizeof(u->scheme), tls ? "https" : "http");
	return 0;
}

int url_parse(const char *text, struct url *out, struct err *e)
{
	struct url u = {0};

	if (split_url(text, &u, e))
		return -1;
	*out = u;
	return 0;
}
