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

void answer_audit_list(struct call *k)
{
	if (!call_arg(k, "since") || !call_arg(k, "before")) {
		call_fail(k, 400, CODE_OWN, "since and before are required");
		return;
	}
	call_ok_begin(k);
	json_array_begin(&k->w);
	json_array_end(&k->w);
	json_write_key(&k->w, "result_info");
	json_object_begin(&k->w);
	/* a string, as in the documentation's example */
	json_put_string(&k->w, "count", "0");
	json_put_string(&k->w, "cursor", "");
	json_object_end(&k->w);
	call_ok_end(k);
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
