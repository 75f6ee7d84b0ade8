/* Where a route may lead, whatever the spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/guard.h"

static char *allow_items[] = {(char[]){"unix:/run/app.sock"}, (char[]){"bastion"},
			      (char[]){"unix:/run/adit/adit.sock"},
			      (char[]){"http://169.254.169.254"}};
static const struct strlist allow = {allow_items, 4};

static const struct {
	const char *service;
	enum err_kind kind; /* ERR_NONE = allowed */
	const char *why;
} services[] = {
	{"http://127.0.0.1:81", ERR_NONE, NULL},
	{"http://localhost:8080", ERR_NONE, NULL},
	{"https://10.0.0.5", ERR_NONE, NULL},
	{"tcp://192.168.0.9:22", ERR_NONE, NULL},
	{"ssh://[fd00::1]:22", ERR_NONE, NULL},
	{"https://app.internal:8443", ERR_NONE, NULL},
	{"http_status:404", ERR_NONE, NULL},
	{"hello_world", ERR_NONE, NULL},
	{"bastion", ERR_NONE, NULL},
	{"unix:/run/app.sock", ERR_NONE, NULL},
	{"http://10.1.1.1:7437", ERR_NONE, NULL},
	{"http://10.1.1.1:20241", ERR_NONE, NULL},
	{"http://127.0.0.1:7438", ERR_NONE, NULL},

	{"unix:/run/app.sock2", ERR_DENIED, "allowed by name"},
	{"unix+tls:/run/app.sock", ERR_DENIED, "allowed by name"},
	{"unix:/run/app", ERR_DENIED, "allowed by name"},
	{"socks-proxy", ERR_DENIED, "allowed by name"},
	{"unix:/run/adit/adit.sock", ERR_DENIED, "own socket"},
	{"unix:/var/run/adit/adit.sock", ERR_DENIED, "own socket"},
	{"unix+tls:/run/adit/adit.sock", ERR_DENIED, "own socket"},
	{"http://169.254.169.254", ERR_DENIED, "metadata"}, /* though it is on the list */
	{"http://169.254.1.1:8080", ERR_DENIED, "link-local"},
	{"http://2852039166", ERR_DENIED, "metadata"},
	{"http://0xa9fea9fe", ERR_DENIED, "metadata"},
	{"http://[::ffff:169.254.169.254]", ERR_DENIED, "metadata"},
	{"http://[fe80::1]:80", ERR_DENIED, "link-local"},
	{"tcp://metadata.google.internal:80", ERR_DENIED, "metadata"},
	{"http://127.0.0.1:7437", ERR_DENIED, "mcp.listen"},
	{"http://localhost:7437", ERR_DENIED, "mcp.listen"},
	{"http://LOCALHOST.:7437", ERR_DENIED, "mcp.listen"},
	{"http://x.localhost:7437", ERR_DENIED, "mcp.listen"},
	{"http://ip6-localhost:7437", ERR_DENIED, "mcp.listen"},
	{"tcp://0.0.0.0:7437", ERR_DENIED, "mcp.listen"},
	{"tcp://127.1:7437", ERR_DENIED, "mcp.listen"},
	{"https://[::]:7437", ERR_DENIED, "mcp.listen"},
	{"https://[::1]:7437", ERR_DENIED, "mcp.listen"},
	{"http://[::ffff:127.0.0.1]:7437", ERR_DENIED, "mcp.listen"},
	{"http://127.0.0.1:20241", ERR_DENIED, "metrics port"},
	{"tcp://0.0.0.0:20241", ERR_DENIED, "metrics port"},
	{"tcp://[::]:20241", ERR_DENIED, "metrics port"},
	{"http://localhost", ERR_DENIED, "metrics port"}, /* of the second one: 80 */
	{"ftp://h:1", ERR_INVALID, "scheme"},
	{"http://h:1/path", ERR_INVALID, "behind host and port"},
	{"", ERR_INVALID, "empty"},
};

static struct world *make_world(void)
{
	struct world *w = world_new();
	struct connector *c = connector_new("tweb", 1), *d = connector_new("tweb", 2);
	struct connector *none = connector_new("tweb", 3);
	c->metrics_port = 20241;
	d->metrics_port = 80;
	world_add_connector(w, c);
	world_add_connector(w, d);
	world_add_connector(w, none);
	return w;
}

static void services_are_judged(void **state)
{
	(void)state;
	struct world *w = make_world();
	const struct guard_policy g = {.allow_services = &allow,
				       .socket = "/run/adit/adit.sock",
				       .mcp_listen = "127.0.0.1:7437"};
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		struct err e = {.kind = ERR_NONE};
		int rc = guard_service(w, &g, services[i].service, &e);
		if ((rc == 0) != (services[i].kind == ERR_NONE) || e.kind != services[i].kind)
			fail_msg("%s: %d, %s", services[i].service, rc, e.message);
		if (services[i].why && !strstr(e.message, services[i].why))
			fail_msg("%s: %s", services[i].service, e.message);
	}
	world_free(w);
}

static void without_policy_the_rest_holds(void **state)
{
	(void)state;
	struct world *w = world_new();
	const struct guard_policy g = {.max_delete = 1};
	struct err e;
	const struct guard_policy elsewhere = {.mcp_listen = "10.0.0.9:7437"};
	assert_int_equal(guard_service(w, &elsewhere, "http://10.0.0.9:7437", &e), -1);
	assert_int_equal(guard_service(w, &elsewhere, "http://10.0.0.8:7437", &e), 0);
	assert_int_equal(guard_service(w, &g, "http://127.0.0.1:7437", &e), 0);
	assert_int_equal(guard_service(w, &g, "unix:/run/app.sock", &e), -1);
	assert_int_equal(guard_service(w, &g, "http://169.254.169.254", &e), -1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_judged),
		cmocka_unit_test(without_policy_the_rest_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
