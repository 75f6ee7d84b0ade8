/*
 * Judging a complete header before the body is read. The library is lax where two readers could
 * disagree on where a request ends, so that is checked here: one length, or chunks, never both.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loop/server_private.h"

struct header_facts {
	int lengths, codings, hosts;
	bool bad_name;
	const char *length, *coding, *expect;
};

static bool name_is_token(const char *name)
{
	if (!*name)
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
			return false;
	return true;
}

static enum MHD_Result header_seen(void *cls, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct header_facts *f = cls;

	(void)kind;
	if (!name_is_token(name))
		f->bad_name = true;
	if (!strcasecmp(name, "Content-Length")) {
		f->lengths++;
		f->length = value;
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		f->codings++;
		f->coding = value;
	} else if (!strcasecmp(name, "Host")) {
		f->hosts++;
	} else if (!strcasecmp(name, "Expect")) {
		f->expect = value;
	}
	return MHD_YES;
}

static size_t header_size(const struct server_req *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info ? info->header_size : 0;
}

static int framing_check(const struct header_facts *f, const char *version, const char **what)
{
	if (f->bad_name) {
		*what = "A header's name has characters that are not allowed there.";
		return 400;
	}
	/* The library's own check for a missing one sends its answer garbled. */
	if (f->hosts > 1 || (!f->hosts && !strcmp(version, "HTTP/1.1"))) {
		*what = "There must be exactly one Host header.";
		return 400;
	}
	if (f->lengths + f->codings > 1) {
		*what = "The length of the body is given more than once.";
		return 400;
	}
	if (f->codings && strcmp(version, "HTTP/1.1") != 0) {
		*what = "Transfer-Encoding needs HTTP/1.1.";
		return 400;
	}
	if (f->codings && strcasecmp(f->coding ? f->coding : "", "chunked") != 0) {
		*what = "The only transfer coding that is understood is chunked.";
		return 501;
	}
	return 0;
}

/* The library has checked that the length is a number in range. */
static void body_announce(struct server_req *r, const struct header_facts *f)
{
	r->chunked = f->codings > 0;
	r->body_length = f->length ? strtoull(f->length, NULL, 10) : 0;
	r->has_body = r->chunked || r->body_length;
	r->expects_continue = f->expect && !strcasecmp(f->expect, "100-continue");
}

static int limits_check(const struct server_req *r, const char **what)
{
	const struct conn *c = r->conn;
	const struct server_limits *l = &c->server->limits;

	if (header_size(r) > l->max_header) {
		*what = "The request's header is too large.";
		return 431;
	}
	if (c->over_limit && c->listener->connections > l->max_connections) {
		*what = "There are too many connections.";
		return 503;
	}
	return 0;
}

int body_check(const struct server_req *r, const char **what)
{
	if (r->body_length <= r->conn->server->limits.max_body)
		return 0;
	*what = "The request's body is too large.";
	return 413;
}

int head_check(struct server_req *r, const char *version, const char **what)
{
	struct conn *c = r->conn;
	struct header_facts f = {0};
	int status = 0;

	MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, header_seen, &f);
	body_announce(r, &f);
	status = framing_check(&f, version, what);
	if (status)
		return status;
	if (c->bad_uri || r->path[0] != '/') {
		*what = "The request's target is not a valid path.";
		return 400;
	}
	status = limits_check(r, what);
	if (!status)
		c->over_limit = false;
	return status;
}
