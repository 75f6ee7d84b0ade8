/*
 * One exchange: which options curl is given, what its callbacks keep of the answer and how its
 * result codes become our errors. Nothing here touches a multi handle.
 */
#include "loop/http_transfer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"

#define MAX_BODY          ((size_t)16 << 20)
#define MAX_HEADER        ((size_t)64 << 10)
#define TIMEOUT_MS        30000
#define CONNECT_MS        5000
#define DNS_CACHE_SECONDS 300L

/* ---- life ---- */

static bool is_plain(const struct http_req *r)
{
	return (!r->method || str_equal(r->method, "GET")) && !r->body && !r->unix_socket &&
	       !(r->headers && *r->headers) && !r->bearer && !r->connect_only;
}

struct http_transfer *transfer_new(struct http_req *r)
{
	struct http_transfer *t = mem_alloc(sizeof(*t));

	list_init(&t->node);
	t->req = r;
	t->method = str_dup(r->method ? r->method : "GET");
	t->url = str_dup(r->url ? r->url : "");
	t->socket = str_dup(r->unix_socket);
	if (r->body)
		t->body = str_ndup("", 0);
	if (r->body && r->body_len > 0) {
		t->body = mem_grow(t->body, r->body_len, 1);
		memcpy(t->body, r->body, r->body_len);
		t->body_len = r->body_len;
	}
	for (size_t i = 0; r->headers && r->headers[i]; i++)
		strlist_add(&t->header_lines, r->headers[i]);
	t->plain = is_plain(r);
	t->max_body = r->max_body ? r->max_body : r->piece ? SIZE_MAX : MAX_BODY;
	return t;
}

static void headers_wipe(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

void transfer_free(struct http_transfer *t)
{
	if (!t)
		return;
	list_remove(&t->node);
	curl_easy_cleanup(t->easy);
	headers_wipe(t->headers);
	strlist_free(&t->header_lines);
	if (t->body)
		explicit_bzero(t->body, t->body_len);
	free(t->body);
	free(t->method);
	free(t->url);
	free(t->socket);
	free(t->peer);
	free(t);
}

/* ---- what curl calls ---- */

/* The connection is ready and the request goes out next. Curl repeats a request by itself when a
 * kept connection dies without an answer; for anything but a read that could act twice. */
static int request_leaves(void *owner, char *remote, char *local, int remote_port, int local_port)
{
	struct http_transfer *t = owner;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	t->attempts++;
	if (t->attempts == 1 || str_equal(t->method, "GET") || str_equal(t->method, "HEAD"))
		return CURL_PREREQFUNC_OK;
	return CURL_PREREQFUNC_ABORT;
}

static void headers_clear(struct http_req *r)
{
	for (size_t i = 0; i < r->n_answer_headers; i++) {
		free(r->answer_headers[i].name);
		free(r->answer_headers[i].value);
	}
	r->n_answer_headers = 0;
}

static void header_keep(struct http_req *r, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;
	struct http_header *h = &r->answer_headers[r->n_answer_headers];

	if (!colon || colon == line || *line == ' ' || *line == '\t' ||
	    r->n_answer_headers == HTTP_MAX_HEADERS)
		return;
	h->name = str_ndup(line, (size_t)(colon - line));
	for (char *c = h->name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;

	const char *begin = colon + 1;
	while (begin < end && strchr(" \t", *begin))
		begin++;
	while (end > begin && strchr(" \t\r\n", end[-1]))
		end--;
	h->value = str_ndup(begin, (size_t)(end - begin));
	r->n_answer_headers++;
}

/* The end of a header: interim answers (1xx) are forgotten, trailers never looked at. */
static void header_end(struct http_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200)
		t->header_ended = true;
	else
		headers_clear(t->req);
}

static size_t header_came(char *data, size_t size, size_t n, void *owner)
{
	struct http_transfer *t = owner;
	size_t len = size * n;

	if (!t->req)
		return 0;
	t->header_bytes += len;
	if (t->header_bytes > MAX_HEADER) {
		t->header_too_large = true;
		return 0;
	}
	if (t->header_ended)
		return len;
	if (len > 0 && (*data == '\r' || *data == '\n'))
		header_end(t);
	else if (len < 5 || memcmp(data, "HTTP/", 5) != 0)
		header_keep(t->req, data, len);
	return len;
}

static size_t body_came(char *data, size_t size, size_t n, void *owner)
{
	struct http_transfer *t = owner;
	size_t len = size * n;

	if (!t->req)
		return 0;
	if (len > t->max_body - t->body_bytes) {
		t->body_too_large = true;
		return 0;
	}
	t->body_bytes += len;
	if (!t->req->piece)
		return buf_add(&t->req->answer, data, len) == 0 ? len : 0;
	t->req->piece(t->req, data, len);
	return t->req ? len : 0;
}

/* A name was judged before it was looked up; what it stands for is judged here. */
static curl_socket_t socket_open(void *owner, curlsocktype purpose, struct curl_sockaddr *a)
{
	char host[INET6_ADDRSTRLEN] = "";
	const void *at =
		a->family == AF_INET6
			? (const void *)&((struct sockaddr_in6 *)(void *)&a->addr)->sin6_addr
			: (const void *)&((struct sockaddr_in *)(void *)&a->addr)->sin_addr;

	(void)owner;
	(void)purpose;
	if (!inet_ntop(a->family, at, host, sizeof(host)) || address_is_link_local(host))
		return CURL_SOCKET_BAD;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- options ---- */

/* One byte of white space other than a blank would begin another header. */
static bool header_safe(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return false;
	return len > 0;
}

static int header_add(struct http_transfer *t, const char *line)
{
	struct curl_slist *grown = curl_slist_append(t->headers, line);

	if (!grown)
		return -1;
	t->headers = grown;
	return 0;
}

static bool has_body(const struct http_transfer *t)
{
	const char *m = t->method;

	return t->body || str_equal(m, "POST") || str_equal(m, "PUT") || str_equal(m, "PATCH");
}

static bool header_given(const struct http_transfer *t, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < t->header_lines.n; i++)
		if (strncasecmp(t->header_lines.items[i], name, len) == 0)
			return true;
	return false;
}

static int bearer_add(struct http_transfer *t, const struct secret *bearer, struct err *e)
{
	if (!header_safe(bearer->data, bearer->len))
		return err_set(e, ERR_INVALID,
			       "the token holds characters that no header may hold");

	struct buf line = {0};
	buf_str(&line, "Authorization: Bearer ");
	buf_add(&line, bearer->data, bearer->len);
	int rc = header_add(t, buf_text(&line));
	buf_wipe(&line);
	return rc == 0 ? 0 : err_set(e, ERR_INTERNAL, "out of memory for a header");
}

static int headers_make(struct http_transfer *t, struct err *e)
{
	const struct secret *bearer = t->req->bearer;

	for (size_t i = 0; i < t->header_lines.n; i++) {
		const char *line = t->header_lines.items[i];

		if (!header_safe(line, strlen(line)))
			return err_set(e, ERR_INVALID, "a header of the request is malformed");
		if (header_add(t, line) < 0)
			return err_set(e, ERR_INTERNAL, "out of memory for a header");
	}
	/* No waiting for "100 Continue", and no content type that nobody asked for. */
	if (has_body(t) && (header_add(t, "Expect:") < 0 || (!header_given(t, "content-type:") &&
							     header_add(t, "Content-Type:") < 0)))
		return err_set(e, ERR_INTERNAL, "out of memory for a header");
	if (bearer && secret_present(bearer))
		return bearer_add(t, bearer, e);
	return 0;
}

#define SET(option, value) (rc = rc ? rc : curl_easy_setopt(easy, option, value))

/* What the environment or the peer might want otherwise is fixed here. */
static CURLcode options_safety(CURL *easy, const char *ca_file)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* a cancel must not wait for a name server */
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (ca_file) {
		SET(CURLOPT_CAINFO, ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	return rc;
}

static CURLcode options_connection(CURL *easy, const struct http_transfer *t)
{
	const struct http_req *r = t->req;
	bool tls = strncasecmp(t->url, "https:", 6) == 0;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_URL, t->url);
	if (t->socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, t->socket);
	/* In the clear there is no HTTP/2, and waiting for a connection to share would queue
	 * requests behind a slow answer. */
	SET(CURLOPT_HTTP_VERSION, (long)(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	SET(CURLOPT_PIPEWAIT, tls ? 1L : 0L);
	if (r->connect_only) {
		SET(CURLOPT_CONNECT_ONLY, 1L);
		SET(CURLOPT_OPENSOCKETFUNCTION, socket_open);
	}
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(r->connect_timeout_ms > 0 ? r->connect_timeout_ms : CONNECT_MS));
	SET(CURLOPT_TIMEOUT_MS, (long)(r->timeout_ms < 0 ? 0
				       : r->timeout_ms   ? r->timeout_ms
							 : TIMEOUT_MS));
	return rc;
}

static CURLcode options_request(CURL *easy, const struct http_transfer *t)
{
	const char *m = t->method;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_HTTPHEADER, t->headers);
	if (str_equal(m, "HEAD"))
		SET(CURLOPT_NOBODY, 1L);
	else if (!str_equal(m, "GET") || t->body)
		SET(CURLOPT_CUSTOMREQUEST, m);
	if (has_body(t)) { /* without one: Content-Length: 0 */
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body_len);
		SET(CURLOPT_POSTFIELDS, t->body ? t->body : "");
	}
	return rc;
}

/* Where the library finds its way back to the transfer; NULL: to none. */
static CURLcode options_owner(CURL *easy, struct http_transfer *t)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_ERRORBUFFER, t ? t->reason : NULL);
	SET(CURLOPT_PREREQDATA, t);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEDATA, t);
	return rc;
}

/* ---- handles ---- */

/* What is the same in all transfers of a pool. */
static CURLcode options_common(CURL *easy)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_SECONDS);
	SET(CURLOPT_USERAGENT, "adit/" ADIT_VERSION);
	SET(CURLOPT_ACCEPT_ENCODING, "");
	SET(CURLOPT_PREREQFUNCTION, request_leaves);
	SET(CURLOPT_HEADERFUNCTION, header_came);
	SET(CURLOPT_WRITEFUNCTION, body_came);
	return rc;
}

static CURL *handle_new(const struct http_transfer *t, const char *ca_file, struct err *e)
{
	CURL *easy = curl_easy_init();
	CURLcode rc;

	if (!easy) {
		err_set(e, ERR_INTERNAL, "the HTTP library gave no handle");
		return NULL;
	}
	rc = options_safety(easy, ca_file);
	rc = rc ? rc : options_common(easy);
	if (rc == CURLE_OK)
		return easy;
	err_set(e, ERR_INTERNAL, "%s: %s", t->peer, curl_easy_strerror(rc));
	curl_easy_cleanup(easy);
	return NULL;
}

CURL *transfer_take_handle(struct http_transfer *t)
{
	CURL *easy = t->plain ? t->easy : NULL;

	if (!easy || options_owner(easy, NULL) != CURLE_OK)
		return NULL;
	t->easy = NULL;
	return easy;
}

static bool method_valid(const char *method)
{
	size_t n = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 0 && n <= 16 && method[n] == '\0';
}

/* Check the URL by curl's own parser and name the peer for sentences. */
static int peer_name(struct http_transfer *t, struct err *e)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	CURLUcode rc = curl_url_set(u, CURLUPART_URL, t->url, CURLU_DISALLOW_USER);

	if (rc == CURLUE_OK)
		rc = curl_url_get(u, CURLUPART_HOST, &host, 0);
	if (rc == CURLUE_OK)
		rc = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (rc == CURLUE_OK)
		t->peer = t->socket ? str_dup(t->socket) : str_format("%s:%s", host, port);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	if (rc != CURLUE_OK)
		return err_set(e, ERR_INVALID, "the URL cannot be used: %s", curl_url_strerror(rc));
	return 0;
}

int transfer_prepare(struct http_transfer *t, CURL *spare, const char *ca_file, struct err *e)
{
	t->easy = spare;
	if (!method_valid(t->method))
		return err_set(e, ERR_INVALID, "the HTTP method is malformed");
	if (peer_name(t, e) < 0 || headers_make(t, e) < 0)
		return -1;
	if (!t->easy)
		t->easy = handle_new(t, ca_file, e);
	if (!t->easy)
		return -1;

	CURLcode rc = options_connection(t->easy, t);
	rc = rc ? rc : options_request(t->easy, t);
	rc = rc ? rc : options_owner(t->easy, t);
	if (rc)
		return err_set(e, ERR_INVALID, "%s: %s", t->peer, curl_easy_strerror(rc));
	return 0;
}

/* ---- outcome ---- */

static void fail_timeout(struct http_transfer *t, struct err *e)
{
	double total = 0;

	curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME, &total);
	if (t->attempts == 0)
		err_set(e, ERR_TIMEOUT, "%s: no connection within %.1f s", t->peer, total);
	else
		err_set(e, ERR_TIMEOUT, "%s: no complete answer within %.1f s", t->peer, total);
}

static void fail_upstream(struct http_transfer *t, CURLcode result, struct err *e)
{
	const char *why = t->reason[0] ? t->reason : curl_easy_strerror(result);

	if (t->header_too_large)
		err_set(e, ERR_UPSTREAM, "%s: the header of the answer is larger than %zu KiB",
			t->peer, MAX_HEADER >> 10);
	else if (t->body_too_large)
		err_set(e, ERR_UPSTREAM, "%s: the answer is larger than %zu bytes", t->peer,
			t->max_body);
	else if (result == CURLE_ABORTED_BY_CALLBACK)
		err_set(e, ERR_UPSTREAM, "%s: the connection was lost before an answer came",
			t->peer);
	else
		err_set(e, ERR_UPSTREAM, "%s: %s", t->peer, why);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		err_hint(e, "check this host's clock and its CA certificates");
}

static void transfer_fail(struct http_transfer *t, CURLcode result)
{
	struct err *e = &t->req->task.err;

	/* Also the library's name for an answer that is not HTTP. */
	if (result == CURLE_UNSUPPORTED_PROTOCOL && t->attempts > 0) {
		fail_upstream(t, result, e);
		return;
	}
	switch ((int)result) {
	case CURLE_OPERATION_TIMEDOUT:
		fail_timeout(t, e);
		return;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_LOGIN_DENIED:
		err_set(e, ERR_INVALID, "%s: %s", t->peer, curl_easy_strerror(result));
		return;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		err_set(e, ERR_INTERNAL, "%s: %s", t->peer, curl_easy_strerror(result));
		return;
	default:
		fail_upstream(t, result, e);
	}
}

void transfer_outcome(struct http_transfer *t, CURLcode result)
{
	struct http_req *r = t->req;
	long status = 0;

	r->sent = t->attempts > 0;
	r->took_ms = clock_mono_ms() - t->started_ms;
	if (result == CURLE_OK) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		r->status = (int)status;
		return;
	}
	transfer_fail(t, result);
	answer_clear(r);
}

void answer_clear(struct http_req *r)
{
	headers_clear(r);
	buf_free(&r->answer);
}
