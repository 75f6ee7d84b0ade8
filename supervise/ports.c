/* Sorted, since it is read at each start and holds few; most often at most one of a kind. */
#include "supervise/ports.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Where the first one stands that is not smaller. */
static size_t place_of(const struct ports *p, int port)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->sorted[mid] < port)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void ports_add(struct ports *p, int port)
{
	size_t at = place_of(p, port);

	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->sorted = mem_grow(p->sorted, p->cap, sizeof(*p->sorted));
	}
	memmove(p->sorted + at + 1, p->sorted + at, (p->n - at) * sizeof(*p->sorted));
	p->sorted[at] = (uint16_t)port;
	p->n++;
}

void ports_remove(struct ports *p, int port)
{
	size_t at = place_of(p, port);

	if (at == p->n || p->sorted[at] != port)
		return;
	p->n--;
	memmove(p->sorted + at, p->sorted + at + 1, (p->n - at) * sizeof(*p->sorted));
}

size_t ports_count(const struct ports *p, int port)
{
	size_t first = place_of(p, port), at = first;

	while (at < p->n && p->sorted[at] == port)
		at++;
	return at - first;
}

void ports_free(struct ports *p)
{
	free(p->sorted);
	*p = (struct ports){0};
}
