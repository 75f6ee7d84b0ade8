#include "reconcile/match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_MAX_BYTES = 4096 };

/* ---- requests ---- */

void request_t_cleanup(request_t *q)
{
	free(steal(&q->host));
	free(steal(&q->path));
}

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_INVALID, "The URL %s", why);
}

/* Where the host begins; NULL for a scheme that no visitor comes with. */
static const char *skip_scheme(const char *url)
{
	static const char *const schemes[] = {"https://", "http://", "wss://", "ws://"};
	size_t name = strcspn(url, ":/?#");

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return url + strlen(schemes[i]);
	return strncmp(url + name, "://", 3) == 0 ? NULL : url;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* Digits behind the colon are a port, of which rules know nothing. */
static int cut_port(char *host, struct err *e)
{
	char *colon = strchr(host, ':');

	if (!colon)
		return 0;
	if (!colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
		return refuse(e, "has a bad port");
	*colon = '\0';
	return 0;
}

/* Browsers send an international name in its ASCII form. */
static int read_host(const char *authority, size_t len, char **out, struct err *e)
{
	AUTO(str_t) host = str_ndup(authority, len);
	AUTO(str_t) ascii = NULL;

	if (strchr(host, '@'))
		return refuse(e, "carries a user name or password");
	if (cut_port(host, e) < 0)
		return -1;
	if (host[0] == '*')
		return refuse(e, "names a wildcard: a request is for one name, as in "
				 "https://app.example.com/");
	if (hostname_normalise(host, &ascii, e) < 0)
		return err_wrap(e, "The URL's host");
	*out = is_ascii(host) ? steal(&host) : steal(&ascii);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Patterns are tried on the path as its bytes are meant. */
static int read_path(const char *path, size_t len, char **out, struct err *e)
{
	AUTO(buf_t) text = {0};

	if (len > PATH_MAX_BYTES)
		return refuse(e, "has a path longer than 4096 bytes");
	if (len == 0)
		(void)buf_char(&text, '/');
	for (size_t i = 0; i < len; i++) {
		int high = -1, low = -1;
		if (path[i] != '%') {
			(void)buf_char(&text, path[i]);
			continue;
		}
		if (i + 2 < len) {
			high = hex_digit(path[i + 1]);
			low = hex_digit(path[i + 2]);
		}
		if (high < 0 || low < 0 || high + low == 0)
			return refuse(e, "has a % without two hexadecimal digits, or a NUL");
		(void)buf_char(&text, (char)(high * 16 + low));
		i += 2;
	}
	*out = buf_steal(&text);
	return 0;
}

int request_parse(const char *url, struct request *out, struct err *e)
{
	AUTO(request_t) q = {0};
	const char *host = skip_scheme(url);

	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return refuse(e, "may hold no space, backslash or control character");
	if (!host)
		return refuse(e, "must begin with https:// or http://");
	size_t len = strcspn(host, "/?#");
	if (len == 0)
		return refuse(e, "has no host, as in https://app.example.com/");
	if (read_host(host, len, &q.host, e) < 0 ||
	    read_path(host + len, strcspn(host + len, "?#"), &q.path, e) < 0)
		return -1;
	*out = q;
	q = (struct request){0};
	return 0;
}

/* ---- verdicts ---- */

static const struct {
	const char *name, *doc;
} verdicts[] = {
	[VERDICT_MATCHES] = {"matches", "it is the first rule that fits host and path"},
	[VERDICT_LATER] = {"later", "it fits too, but an earlier rule has the request already"},
	[VERDICT_HOST] = {"host", "it is for another host name"},
	[VERDICT_CASE] = {"case", "its host name differs in the case of letters, which counts"},
	[VERDICT_PATH] = {"path", "the path does not fit its pattern"},
	[VERDICT_UNSURE] = {"unsure", "its pattern is refused or takes too long: nothing is known"},
};

const char *verdict_name(enum verdict v)
{
	return verdicts[v].name;
}

const char *verdict_doc(enum verdict v)
{
	return verdicts[v].doc;
}

static bool is_every_host(const char *hostname)
{
	return !hostname || !*hostname || str_equal(hostname, "*");
}

static bool fits_but_for_case(const char *hostname, const char *host)
{
	size_t n = strlen(hostname), m = strlen(host);

	if (str_starts(hostname, "*."))
		return m >= n && strcasecmp(host + m - (n - 1), hostname + 1) == 0;
	return strcasecmp(hostname, host) == 0;
}

static enum verdict match_host(const char *hostname, const char *twin, const char *host)
{
	if (is_every_host(hostname) || hostname_matches(hostname, host) ||
	    (twin && hostname_matches(twin, host)))
		return VERDICT_MATCHES;
	return fits_but_for_case(hostname, host) ? VERDICT_CASE : VERDICT_HOST;
}

enum verdict match_one(const char *hostname, const char *twin, const char *path,
		       const struct request *q)
{
	enum verdict v = match_host(hostname, twin, q->host);

	if (v != VERDICT_MATCHES || !path || !*path)
		return v;
	int fits = pattern_matches(path, q->path);
	return fits < 0 ? VERDICT_UNSURE : fits ? VERDICT_MATCHES : VERDICT_PATH;
}

/* ---- a configuration ---- */

void match_t_cleanup(match_t *m)
{
	free(m->verdicts);
	m->verdicts = NULL;
}

/* Only what is not ASCII has a twin: cloudflared compares all else as it was written. */
static enum verdict match_rule(const struct rule *r, const struct request *q)
{
	const char *hostname = json_get_string(r->value, "hostname");
	const char *twin = hostname && !is_ascii(hostname) ? r->hostname : NULL;

	return match_one(hostname, twin, r->path, q);
}

void match_rules(const struct rules *r, const struct request *q, struct match *out)
{
	struct match m = {.n = r->n, .certain = true};

	m.verdicts = mem_array(r->n + 1, sizeof(*m.verdicts));
	for (size_t i = 0; i < r->n; i++) {
		enum verdict v = match_rule(&r->items[i], q);
		if (v == VERDICT_MATCHES && m.number)
			v = VERDICT_LATER;
		else if (v == VERDICT_MATCHES)
			m.number = i + 1;
		if (v == VERDICT_UNSURE && !m.number)
			m.certain = false;
		m.verdicts[i] = v;
	}
	*out = m;
}
