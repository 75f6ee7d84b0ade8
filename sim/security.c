/* The read-only corners: nothing there unless a fixture says so, and what Cloudflare has retired.
 */
#include "sim/routes.h"

static void write_nothing(struct call *k, const void *item)
{
	(void)k;
	(void)item;
}

void answer_empty_list(struct call *k)
{
	struct page p;

	if (call_page(k, 1, 1000, 20, &p) == 0)
		call_ok_page(k, &p, write_nothing);
}

void answer_entrypoint(struct call *k)
{
	call_fail(k, 404, 10003, "could not find entrypoint ruleset in the \"%s\" phase",
		  k->ids[1]);
}

void answer_retired(struct call *k)
{
	call_fail(k, 410, CODE_OWN, "This API has been retired; use Rulesets");
}
