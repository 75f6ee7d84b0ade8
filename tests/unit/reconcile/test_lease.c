/* What ends by itself, and that nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/edge_probe.h"
#include "reconcile/lease.h"

#define NOW 1700000000000

static struct route *add(struct world *w, const char *tunnel, const char *path, const char *service)
{
	struct route *r = route_new();

	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel);
	str_set(&r->hostname, "a.x.org");
	str_set(&r->path, path);
	str_set(&r->service, service);
	world_add_route(w, r);
	return r;
}

static void test_what_is_over(void **state)
{
	struct world *w = world_new();
	struct route *probe = add(w, "t1", EDGE_PROBE_PATH, "unix:/s/edge-probe.sock");
	struct route *page = add(w, "t1", NULL, "http://127.0.0.1:1");

	(void)state;
	assert_false(lease_is_over(w, probe, NOW));
	probe->until_ms = NOW + 1;
	assert_false(lease_is_over(w, probe, NOW));
	probe->until_ms = NOW;
	assert_true(lease_is_over(w, probe, NOW));
	probe->until_ms = 0;
	/* Nothing that visitors use, whatever a damaged row says. */
	page->until_ms = 1;
	assert_false(lease_is_over(w, page, NOW));
	/* Without its name, or with its name led elsewhere, a probe has nothing to prove. */
	(void)str_copy(page->tunnel_id, sizeof(page->tunnel_id), "t2");
	assert_true(lease_is_over(w, probe, NOW));
	assert_true(world_drop(w, OBJECT_ROUTE, page->id));
	assert_true(lease_is_over(w, probe, NOW));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_over),
	};
	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
