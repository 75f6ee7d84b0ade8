/*
 * Pure text forms; no I/O. Durations, times, ids and encodings are in text.c, names in hostname.c,
 * services and URLs in service.c, what an address is in address.c, patterns in pattern.c, what may
 * be shown in utf8.c.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/err.h"

#define TEXT_TIME_SIZE 32
#define UUID_SIZE      37
#define HOSTNAME_MAX   253

/* "30s", "1h30m", "100ms", "2d"; a bare number is refused. ERR_INVALID says what is accepted. */
MUST_USE int duration_parse(const char *text, int64_t *ms, struct err *e);
/* The shortest exact form: 90000 -> "1m30s". */
void duration_format(int64_t ms, char out[TEXT_TIME_SIZE]);
/* For people: "4m", "3h", "2d"; one unit, rounded down. */
void duration_human(int64_t ms, char out[TEXT_TIME_SIZE]);
/* A number's decimal digits. */
#define TEXT_INT_SIZE 24
const char *int_format(int64_t v, char out[TEXT_INT_SIZE]);
/* RFC 3339 UTC "2026-11-21T14:00:00.000Z". */
void time_format(int64_t wall_ms, char out[TEXT_TIME_SIZE]);
/* RFC 3339 with Z or offset, or a duration that is taken back from now_ms ("48h"). */
MUST_USE int time_parse(const char *text, int64_t now_ms, int64_t *wall_ms, struct err *e);
/* "600/5m" -> 600 and 300000. */
MUST_USE int rate_parse(const char *text, int64_t *count, int64_t *window_ms, struct err *e);

/* Lower-case ASCII (punycode) form of a host name, a leading "*." allowed; the caller frees it.
 * Refused: empty, one label, over 253 bytes, a port, a scheme, an address, bad labels. */
MUST_USE int hostname_normalise(const char *text, char **out, struct err *e);
/* name equals pattern, or pattern is "*.x" and name ends with ".x" (any depth). Both normalised. */
bool hostname_matches(const char *pattern, const char *name);
/* name is domain or below it; both normalised. */
bool hostname_within(const char *name, const char *domain);
/* Tunnel names: 1-64 of letters, digits, space . _ -, first alphanumeric; no UUID. */
MUST_USE int tunnel_name_check(const char *name, struct err *e);

bool uuid_valid(const char *s); /* 8-4-4-4-12 hex */
/* What it says without its form, for what is kept a thousand times; zeroes = none. */
struct uuid {
	unsigned char bytes[16];
};
struct uuid uuid_read(const char *text); /* none of what is not valid */
bool uuid_known(const struct uuid *u);
bool uuid_same(const struct uuid *a, const struct uuid *b);
/* In lower case; "" of none. Gives out back. */
const char *uuid_format(const struct uuid *u, char out[UUID_SIZE]);
bool hex_valid(const char *s, size_t len);

/* Where a route sends its traffic (cloudflared.md 7). */
enum service_kind { SERVICE_URL, SERVICE_UNIX, SERVICE_STATUS, SERVICE_BUILTIN };

struct service {
	enum service_kind kind;
	char scheme[16];
	char host[HOSTNAME_MAX + 1]; /* without brackets */
	int port;                    /* 0 = the scheme's own or none */
	int status;                  /* SERVICE_STATUS */
	char path[108];              /* SERVICE_UNIX */
};

/* http://h:p https:// ws:// wss:// tcp:// ssh:// rdp:// smb:// (no path in the URL), unix:/p,
 * unix+tls:/p, http_status:NNN, hello_world, bastion, socks-proxy. */
MUST_USE int service_parse(const char *text, struct service *out, struct err *e);
/* The port it is reached at, said or its scheme's own; 0 = it has none. */
int service_port(const struct service *s);

/* What an address is: routes may not point at link-local or metadata addresses (design 3.6). */
bool address_is_loopback(const char *host);    /* 127/8, ::1, localhost */
bool address_is_unspecified(const char *host); /* 0.0.0.0, ::, which lead to this host as well */
bool address_is_link_local(const char *host);  /* 169.254/16, fe80::/10, metadata names */

/* http(s)://host[:port][/path] split; -1 when it is no such URL or carries user:password, a query
 * or a fragment. */
struct url {
	char scheme[8];
	char host[HOSTNAME_MAX + 1];
	int port;       /* filled with the scheme's default */
	char path[512]; /* begins with '/', or is empty */
};
MUST_USE int url_parse(const char *text, struct url *out, struct err *e);

/* Standard base64 with padding. decode returns NULL for anything else; *len may be NULL; the
 * result has a NUL behind it. */
char *base64_encode(const void *data, size_t len);
char *base64_decode(const char *text, size_t *len);
/* %-encode everything but unreserved characters. The caller frees it. */
char *percent_encode(const char *s);
/* The way back; NULL for what is no such text, or holds a NUL. The caller frees it. */
char *percent_decode(const char *s);
/* Replace control, bidi and other unprintable characters by '?' in place; keep UTF-8. */
void text_printable(char *s);
/* A PCRE2 pattern is valid and within our limits (size 512, no backreference or look-around,
 * which RE2 refuses as well). */
MUST_USE int pattern_check(const char *pattern, struct err *e);
/* 1 match, 0 none, -1 limits exceeded or bad pattern. Unanchored, as cloudflared does. */
int pattern_matches(const char *pattern, const char *subject);

#endif
