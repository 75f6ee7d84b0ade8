/* Routes and the order of their rules. cloudflared takes the first rule that fits, so whatever is
 * narrower has to stand before what is broader. */
#include "model/route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

struct route *route_new(void)
{
	struct route *r = mem_alloc(sizeof(*r));

	r->id[0] = 'r';
	random_hex(r->id + 1, ID_DIGITS);
	r->generation = 1;
	return r;
}

void route_free(struct route *r)
{
	if (!r)
		return;
	free(r->hostname);
	free(r->path);
	free(r->service);
	free(r->origin);
	free(r->manifest);
	free(r->takes);
	free(r->observed.service);
	problem_clear(&r->problem);
	free(r);
}

static const char *text_or_empty(const char *s)
{
	return s ? s : "";
}

bool route_same_key(const struct route *r, const char *hostname, const char *path)
{
	return strcasecmp(text_or_empty(r->hostname), text_or_empty(hostname)) == 0 &&
	       strcmp(text_or_empty(r->path), text_or_empty(path)) == 0;
}

static bool is_wildcard(const char *hostname)
{
	return hostname[0] == '*';
}

static int count_labels(const char *hostname)
{
	int n = 1;

	for (; *hostname; hostname++)
		n += *hostname == '.';
	return n;
}

/* Only wildcards shadow each other: "*.b.c" takes what "*.a.b.c" would have served. */
static int compare_breadth(const char *a, const char *b)
{
	if (is_wildcard(a) != is_wildcard(b))
		return is_wildcard(a) ? 1 : -1;
	return is_wildcard(a) ? count_labels(b) - count_labels(a) : 0;
}

static int compare_length(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n == m ? 0 : n > m ? -1 : 1;
}

int route_compare(const struct route *a, const struct route *b)
{
	const char *host_a = text_or_empty(a->hostname), *host_b = text_or_empty(b->hostname);
	const char *path_a = text_or_empty(a->path), *path_b = text_or_empty(b->path);
	int order = compare_breadth(host_a, host_b);

	if (order == 0)
		order = compare_length(path_a, path_b);
	if (order == 0)
		order = strcmp(host_a, host_b);
	if (order == 0)
		order = strcmp(path_a, path_b);
	return order ? order : strcmp(a->id, b->id);
}
