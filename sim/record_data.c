/* Which members data must have, in the order in which they make up the content. */
#include "sim/record_data.h"

#include <string.h>

#define CODE_DATA 9101

/* n= a number, d= one with decimals, m= one in metres, s= a string as it is, q= one in quotation
 * marks, o= one that may lack. */
static const struct {
	const char *type;
	const char *members[13];
} forms[] = {
	{"CAA", {"n=flags", "s=tag", "q=value"}},
	{"CERT", {"n=type", "n=key_tag", "n=algorithm", "s=certificate"}},
	{"DNSKEY", {"n=flags", "n=protocol", "n=algorithm", "s=public_key"}},
	{"DS", {"n=key_tag", "n=algorithm", "n=digest_type", "s=digest"}},
	{"HTTPS", {"n=priority", "s=target", "o=value"}},
	{"LOC",
	 {"n=lat_degrees", "n=lat_minutes", "d=lat_seconds", "s=lat_direction", "n=long_degrees",
	  "n=long_minutes", "d=long_seconds", "s=long_direction", "m=altitude", "m=size",
	  "m=precision_horz", "m=precision_vert"}},
	{"NAPTR", {"n=order", "n=preference", "q=flags", "q=service", "q=regex", "s=replacement"}},
	{"SMIMEA", {"n=usage", "n=selector", "n=matching_type", "s=certificate"}},
	{"SRV", {"n=priority", "n=weight", "n=port", "s=target"}},
	{"SSHFP", {"n=algorithm", "n=type", "s=fingerprint"}},
	{"SVCB", {"n=priority", "s=target", "o=value"}},
	{"TLSA", {"n=usage", "n=selector", "n=matching_type", "s=certificate"}},
	{"URI", {"n=weight", "q=target"}},
};

static const char *const *members_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_equal(forms[i].type, type))
			return forms[i].members;
	return NULL;
}

bool record_data_needed(const char *type)
{
	return members_of(type) != NULL;
}

static int missing(const char *key, const char *what, struct refusal *f)
{
	return refuse(f, 400, CODE_DATA, "%s is a required data field%s.", key, what);
}

static int add_number(const struct json *v, const char *key, struct buf *out, struct refusal *f)
{
	int64_t n;

	if (!json_int(v, &n) || n < 0 || n > 65535)
		return missing(key, ", a number from 0 to 65535", f);
	(void)buf_printf(out, "%lld", (long long)n);
	return 0;
}

/* Seconds with three places, metres with two. */
static int add_decimal(const struct json *v, const char *member, struct buf *out, struct refusal *f)
{
	if (json_type(v) != JSON_NUMBER)
		return missing(member + 2, ", a number", f);
	(void)buf_printf(out, *member == 'm' ? "%.2fm" : "%.3f", json_double(v, 0));
	return 0;
}

static int add_string(const struct json *v, const char *member, struct buf *out, struct refusal *f)
{
	const char *s = json_string(v);

	if (!s && *member == 'o' && json_is_null(v))
		return 0;
	if (!s)
		return missing(member + 2, ", a string", f);
	(void)buf_printf(out, *member == 'q' ? "\"%s\"" : "%s", s);
	return 0;
}

static int add_member(const struct json *v, const char *member, struct buf *out, struct refusal *f)
{
	if (*member == 'n')
		return add_number(v, member + 2, out, f);
	if (*member == 'd' || *member == 'm')
		return add_decimal(v, member, out, f);
	return add_string(v, member, out, f);
}

/* SRV and URI show their priority as a member of the record, SRV in its content as well. */
static int settle_priority(const struct json *data, struct sim_record *into, struct refusal *f)
{
	if (str_equal(into->type, "SRV"))
		into->priority = json_get_int(data, "priority", 0);
	else if (str_equal(into->type, "URI") && into->priority < 0)
		return refuse(f, 400, CODE_DATA, "priority is a required field.");
	return 0;
}

int record_data_decode(const struct json *data, struct sim_record *into, struct refusal *f)
{
	const char *const *members = members_of(into->type);
	AUTO(buf_t) out = {0};

	if (!members)
		return 0;
	for (const char *const *m = members; *m; m++) {
		const struct json *v = json_get(data, *m + 2);
		/* As the API gives it back: numbers of an SRV record apart by tabs. */
		if (m != members)
			(void)buf_char(&out, str_equal(into->type, "SRV") ? '\t' : ' ');
		if (add_member(v, *m, &out, f) < 0)
			return -1;
	}
	str_set(&into->content, buf_text(&out));
	return settle_priority(data, into, f);
}
