/*
 * Host names of routes and records, in the one form that is compared: lower-case ASCII. All checks
 * run on that form, so that a full-width digit or dot cannot slip past them.
 */
#include "base/text.h"

#include <ctype.h>
#include <idn2.h>
#include <string.h>

enum { INPUT_MAX = 1024, LABEL_MAX = 63, TUNNEL_NAME_MAX = 64 };

static int refuse(struct err *e, const char *text, const char *why)
{
	return err_set(e, ERR_INVALID, "\"%.100s\" is no host name: %s", text, why);
}

/* What people paste instead of a name gets its own sentence. */
static const char *pasted(const char *text)
{
	if (!*text)
		return "it is empty";
	if (strlen(text) > INPUT_MAX)
		return "it is longer than 253 bytes";
	if (strstr(text, "://"))
		return "it has a scheme; write the name alone, as in app.example.com";
	if (strpbrk(text, ":[]"))
		return "it has a port or is an address; write the name alone, as in "
		       "app.example.com";
	if (strchr(text, '/'))
		return "it has a path; write the name alone, as in app.example.com";
	return NULL;
}

/* Only names with non-ASCII text or punycode are libidn2's business: its rules for the rest would
 * refuse names that exist ("r3---x.example.com"). */
static bool needs_idna(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p >= 0x80 ||
		    ((p == text || p[-1] == '.') && strncasecmp(p, "xn--", 4) == 0))
			return true;
	return false;
}

static int to_ascii(const char *text, char **out, struct err *e)
{
	uint8_t *ascii = NULL;
	int rc;

	if (!needs_idna(text)) {
		*out = str_lower(text);
		return 0;
	}
	rc = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return refuse(e, text, idn2_strerror(rc));
	*out = str_lower((const char *)ascii);
	idn2_free(ascii);
	return 0;
}

static const char *label_fault(const char *label, size_t len)
{
	if (len == 0)
		return "it has an empty label (two dots, or one in front)";
	if (len > LABEL_MAX)
		return "a label is longer than 63 bytes";
	if (label[0] == '-' || label[len - 1] == '-')
		return "a label begins or ends with a hyphen";
	for (size_t i = 0; i < len; i++) {
		if (label[i] == '*')
			return "a wildcard is only allowed as the whole first label, as in "
			       "*.example.com";
		if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
			return "only letters, digits, hyphens, underscores and dots are allowed";
	}
	return NULL;
}

/* As browsers judge it: a name whose last label is a number is an IPv4 address. */
static bool ends_in_number(const char *name)
{
	const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;

	if (strncmp(last, "0x", 2) == 0)
		return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
	return last[strspn(last, "0123456789")] == '\0';
}

static const char *name_fault(const char *name)
{
	const char *rest = str_starts(name, "*.") ? name + 2 : name;
	size_t labels = 0;

	if (strlen(name) > HOSTNAME_MAX)
		return "it is longer than 253 bytes";
	for (const char *p = rest;; labels++) {
		size_t len = strcspn(p, ".");
		const char *fault = label_fault(p, len);

		if (fault)
			return fault;
		if (!p[len])
			break;
		p += len + 1;
	}
	if (ends_in_number(rest))
		return "it is an address; only names can be published";
	if (labels == 0)
		return "it has one label; write it in full, as in app.example.com";
	return NULL;
}

int hostname_normalise(const char *text, char **out, struct err *e)
{
	const char *fault = pasted(text), *stem = text;
	AUTO(str_t) name = NULL;
	AUTO(str_t) whole = NULL;
	size_t len;

	if (fault)
		return refuse(e, text, fault);
	if (str_starts(text, "*."))
		stem += 2;
	if (to_ascii(stem, &name, e))
		return -1;
	len = strlen(name);
	if (len > 1 && name[len - 1] == '.') /* the root's dot says nothing */
		name[len - 1] = '\0';
	whole = str_format("%s%s", stem == text ? "" : "*.", name);
	fault = name_fault(whole);
	if (fault)
		return refuse(e, text, fault);
	*out = steal(&whole);
	return 0;
}

bool hostname_matches(const char *pattern, const char *name)
{
	return str_equal(pattern, name) ||
	       (str_starts(pattern, "*.") && strlen(name) >= strlen(pattern) &&
		str_ends(name, pattern + 1));
}

bool hostname_within(const char *name, const char *domain)
{
	size_t n = strlen(name), m = strlen(domain);

	if (m == 0 || n < m || strcmp(name + n - m, domain) != 0)
		return false;
	return n == m || name[n - m - 1] == '.';
}

int tunnel_name_check(const char *name, struct err *e)
{
	size_t len = strlen(name);
	bool valid = len >= 1 && len <= TUNNEL_NAME_MAX && isalnum((unsigned char)name[0]);

	for (size_t i = 0; valid && i < len; i++)
		valid = isalnum((unsigned char)name[i]) || strchr(" ._-", name[i]);
	if (!valid)
		return err_set(e, ERR_INVALID,
			       "\"%.80s\" is no tunnel name: 1 to 64 letters, digits, spaces, "
			       "dots, underscores or hyphens, a letter or digit first",
			       name);
	if (uuid_valid(name))
		return err_set(e, ERR_INVALID,
			       "\"%s\" is no tunnel name: it looks like an id; choose a word",
			       name);
	return 0;
}
