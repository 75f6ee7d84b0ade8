/* What Cloudflare demands of one record, and of the records that share a name. */
#include "sim/record_rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const char *const types[] = {"A",     "AAAA", "CNAME", "MX",     "NS",     "OPENPGPKEY",
				    "PTR",   "TXT",  "CAA",   "CERT",   "DNSKEY", "DS",
				    "HTTPS", "LOC",  "NAPTR", "SMIMEA", "SRV",    "SSHFP",
				    "SVCB",  "TLSA", "URI"};

bool record_type_known(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_equal(types[i], type))
			return true;
	return false;
}

bool record_type_proxiable(const char *type)
{
	return str_equal(type, "A") || str_equal(type, "AAAA") || str_equal(type, "CNAME");
}

/* ---- one record ---- */

static bool target_valid(const char *content)
{
	unsigned char bytes[16];

	if (!strchr(content, '.') || strlen(content) > 253)
		return false;
	for (const char *p = content; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	return content[0] != '.' && !strstr(content, "..") &&
	       inet_pton(AF_INET, content, bytes) != 1;
}

static int check_content(const struct sim_record *r, struct refusal *f)
{
	unsigned char bytes[16];

	if (str_equal(r->type, "A") && inet_pton(AF_INET, r->content, bytes) != 1)
		return refuse(f, 400, 9005, "Content for A record must be a valid IPv4 address.");
	if (str_equal(r->type, "AAAA") && inet_pton(AF_INET6, r->content, bytes) != 1)
		return refuse(f, 400, 9006,
			      "Content for AAAA record must be a valid IPv6 address.");
	if (str_equal(r->type, "CNAME") &&
	    (!target_valid(r->content) || str_equal(r->content, r->name)))
		return refuse(f, 400, 9007, "Content for CNAME record is invalid.");
	if (strlen(r->content) > 4096)
		return refuse(f, 400, CODE_OWN, "The record is too large.");
	return 0;
}

static size_t count_characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int check_comment(const struct sim_zone *z, const struct sim_record *r, struct refusal *f)
{
	size_t max = z->paid ? SIM_COMMENT_PAID : SIM_COMMENT_FREE;
	size_t max_tags = z->paid ? 20 : 0;

	if (r->comment && count_characters(r->comment) > max)
		return refuse(f, 400, 9313,
			      "DNS record comment exceeds the maximum length of %zu characters.",
			      max);
	if (r->comment && strpbrk(r->comment, "\r\n"))
		return refuse(f, 400, CODE_OWN, "DNS record comment must not have line breaks.");
	if (r->tags.n > max_tags)
		return refuse(f, 400, 9300, "DNS record has %zu tags, exceeding the quota of %zu.",
			      r->tags.n, max_tags);
	return 0;
}

static int check_form(const struct sim_zone *z, const struct sim_record *r, struct refusal *f)
{
	if (check_content(r, f) < 0)
		return -1;
	if (r->ttl != 1 && (r->ttl < 60 || r->ttl > 86400))
		return refuse(f, 400, 9021,
			      "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for "
			      "Automatic.");
	if (r->proxied && !record_type_proxiable(r->type))
		return refuse(f, 400, 9041, "This record type cannot be proxied.");
	return check_comment(z, r, f);
}

/* ---- records of one name ---- */

static int check_pair(const struct sim_record *r, const struct sim_record *other, struct refusal *f)
{
	bool cname = str_equal(r->type, "CNAME"), other_cname = str_equal(other->type, "CNAME");

	if (str_equal(r->type, other->type) && str_equal(r->content, other->content) &&
	    r->priority == other->priority)
		return refuse(f, 400, 81058, "An identical record already exists.");
	if (cname && record_type_proxiable(other->type))
		return refuse(f, 400, 81053,
			      "An A, AAAA, or CNAME record with that host already exists.");
	if (other_cname && record_type_proxiable(r->type))
		return refuse(f, 400, 81054, "A CNAME record with that host already exists.");
	return 0;
}

int record_check(const struct sim_zone *z, const struct sim_record *r, struct refusal *f)
{
	if (check_form(z, r, f) < 0)
		return -1;
	MAP_EACH (const struct sim_record, other, &z->records)
		if (!str_equal(other->id, r->id) && str_equal(other->name, r->name) &&
		    check_pair(r, other, f) < 0)
			return -1;
	bool fresh = !map_get(&z->records, r->id);
	if (fresh && z->record_quota > 0 && (int64_t)z->records.count >= z->record_quota)
		return refuse(f, 400, 81045, "The record quota of %" PRId64 " has been reached.",
			      z->record_quota);
	return 0;
}
