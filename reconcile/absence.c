#include "reconcile/absence.h"

/* So many may go at once, whatever their share. */
#define FEW 10

enum absence absence_judge(const struct absence_facts *f)
{
	bool shows_none = f->missing >= f->known;
	if (f->missing == 0)
		return ABSENCE_NONE;
	if (f->accepted)
		return ABSENCE_LOOK;
	if (shows_none && (!f->same_access || f->known > 1))
		return ABSENCE_DOUBTED;
	return f->missing > FEW && f->missing > f->known / 2 ? ABSENCE_DOUBTED : ABSENCE_LOOK;
}
