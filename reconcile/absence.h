/*
 * Pure: what is believed when a complete listing lacks objects of ours. One or a few are looked at
 * by their ids, and only that look tells that they are gone. All at once, very many, or a listing
 * by another token that shows none: that is doubted, since it may be the token and not the objects.
 */
#ifndef RECONCILE_ABSENCE_H
#define RECONCILE_ABSENCE_H

#include <stdbool.h>
#include <stddef.h>

enum absence {
	ABSENCE_NONE,
	ABSENCE_LOOK,    /* each by its id */
	ABSENCE_DOUBTED, /* nothing is concluded, and nothing written to them */
};

struct absence_facts {
	size_t known;     /* objects of ours that the listing should show */
	size_t missing;   /* of them, those that it does not */
	bool same_access; /* by the token by which they were last seen */
	bool accepted;    /* a person was shown the doubt and let it go on */
};

enum absence absence_judge(const struct absence_facts *f);

#endif
