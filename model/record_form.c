/*
 * The forms of a record's members at Cloudflare: what it gives back need not be what it was given,
 * and must be known again all the same.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "model/record.h"
#include "model/record_data.h"

bool record_type_leads(const char *type)
{
	static const char *const still[] = {"CAA",    "CERT",  "DNSKEY", "DS", "OPENPGPKEY",
					    "SMIMEA", "SSHFP", "TLSA",   "TXT"};

	for (size_t i = 0; i < ARRAY_LEN(still); i++)
		if (str_equal(type, still[i]))
			return false;
	return true;
}

bool record_type_proxiable(const char *type)
{
	return str_equal(type, "A") || str_equal(type, "AAAA") || str_equal(type, "CNAME");
}

bool record_types_clash(const char *a, const char *b)
{
	if (!a || !b)
		return false;
	if (str_equal(a, b))
		return true;
	return (str_equal(a, "CNAME") && record_type_proxiable(b)) ||
	       (str_equal(b, "CNAME") && record_type_proxiable(a));
}

/* ---- contents ---- */

static bool addresses_same(int family, const char *a, const char *b)
{
	unsigned char x[16] = {0}, y[16] = {0};

	return inet_pton(family, a, x) == 1 && inet_pton(family, b, y) == 1 &&
	       memcmp(x, y, sizeof(x)) == 0;
}

static size_t without_dot(const char *name)
{
	size_t n = strlen(name);

	return n > 1 && name[n - 1] == '.' ? n - 1 : n;
}

static bool names_same(const char *a, const char *b)
{
	size_t n = without_dot(a);

	return n == without_dot(b) && strncasecmp(a, b, n) == 0;
}

/* A text is written bare, or as strings in quotation marks that are read as one. */
struct text_reader {
	const char *p;
	bool quoted, inside;
};

static int text_next(struct text_reader *t)
{
	while (t->quoted && (*t->p == '"' || (!t->inside && *t->p == ' ')))
		if (*t->p++ == '"')
			t->inside = !t->inside;
	if (t->quoted && t->p[0] == '\\' && t->p[1])
		t->p++;
	return *t->p ? (unsigned char)*t->p++ : -1;
}

static bool texts_same(const char *a, const char *b)
{
	struct text_reader x = {.p = a, .quoted = *a == '"'}, y = {.p = b, .quoted = *b == '"'};

	for (;;) {
		int c = text_next(&x);

		if (c != text_next(&y))
			return false;
		if (c < 0)
			return true;
	}
}

bool record_content_same(const char *type, const char *a, const char *b)
{
	if (!a || !b || strcmp(a, b) == 0)
		return a && b;
	if (record_type_has_fields(type))
		return record_data_same(type, a, b);
	if (str_equal(type, "A"))
		return addresses_same(AF_INET, a, b);
	if (str_equal(type, "AAAA"))
		return addresses_same(AF_INET6, a, b);
	return str_equal(type, "TXT") ? texts_same(a, b) : names_same(a, b);
}

/* ---- the whole ---- */

static bool comment_as_seen(const struct record *r)
{
	const char *seen = mark_text(r->observed.comment);

	return str_equal(seen ? seen : "", r->comment ? r->comment : "");
}

/* Cloudflare chooses the time to live of what it answers itself. */
bool record_own_as_seen(const struct record *r)
{
	return record_content_same(r->type, r->content, r->observed.content) &&
	       r->observed.proxied == r->proxied && (r->proxied || r->observed.ttl == r->ttl) &&
	       (!str_equal(r->type, "MX") || r->observed.priority == r->priority) &&
	       comment_as_seen(r);
}

void record_seen_hash(const char *type, const char *content, const char *comment, bool proxied,
		      int64_t ttl, int64_t priority, char out[SHA256_HEX_SIZE])
{
	AUTO(str_t)
	numbers = str_format("%d %lld %lld", proxied, (long long)ttl, (long long)priority);
	const char *texts[] = {type, content, comment, numbers};
	struct sha256_part parts[ARRAY_LEN(texts)];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		parts[i] = (struct sha256_part){texts[i] ? texts[i] : "",
						texts[i] ? strlen(texts[i]) : 0};
	sha256_parts(parts, ARRAY_LEN(parts), out);
}

void record_observed_hash(const struct record *r, char out[SHA256_HEX_SIZE])
{
	record_seen_hash(r->observed.type, r->observed.content, r->observed.comment,
			 r->observed.proxied, r->observed.ttl, r->observed.priority, out);
}
