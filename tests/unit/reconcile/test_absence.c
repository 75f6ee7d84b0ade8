/* What is believed when a listing lacks objects: one table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reconcile/absence.h"

static const struct {
	struct absence_facts facts;
	enum absence expected;
} cases[] = {
	/* known, missing, same token, accepted */
	{{0, 0, true, false}, ABSENCE_NONE},
	{{0, 0, false, false}, ABSENCE_NONE},
	{{5, 0, false, false}, ABSENCE_NONE},
	{{1, 1, true, false}, ABSENCE_LOOK},
	{{1, 1, false, false}, ABSENCE_DOUBTED}, /* another token that shows none */
	{{1, 1, false, true}, ABSENCE_LOOK},
	{{2, 2, true, false}, ABSENCE_DOUBTED}, /* all at once */
	{{2, 2, true, true}, ABSENCE_LOOK},
	{{2, 1, true, false}, ABSENCE_LOOK},
	{{2, 1, false, false}, ABSENCE_LOOK}, /* it shows one of ours */
	{{12, 12, true, false}, ABSENCE_DOUBTED},
	{{12, 10, true, false}, ABSENCE_LOOK},
	{{12, 11, true, false}, ABSENCE_DOUBTED},
	{{20, 10, true, false}, ABSENCE_LOOK},
	{{20, 11, true, false}, ABSENCE_DOUBTED},
	{{1000, 500, true, false}, ABSENCE_LOOK},
	{{1000, 501, true, false}, ABSENCE_DOUBTED},
	{{1000, 501, true, true}, ABSENCE_LOOK},
	{{10000, 10000, false, true}, ABSENCE_LOOK},
};

static void each_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (absence_judge(&cases[i].facts) != cases[i].expected)
			fail_msg("case %zu: %zu of %zu missing is %d", i, cases[i].facts.missing,
				 cases[i].facts.known, (int)absence_judge(&cases[i].facts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
