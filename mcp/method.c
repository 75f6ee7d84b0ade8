/* The one table of methods: what stands here is honoured, and nothing else is declared. */
#include "mcp/extra.h"
#include "mcp/private.h"

static const struct method methods[] = {
	{"tools/call", ERA_MODERN | ERA_LEGACY, "tools", tools_call_run},
	{"tools/list", ERA_MODERN | ERA_LEGACY, "tools", tools_list_run},
	{"server/discover", ERA_MODERN, NULL, discover_run},
	{"initialize", ERA_LEGACY, NULL, initialize_run},
	{"ping", ERA_LEGACY, NULL, ping_run},
	{"resources/list", ERA_MODERN | ERA_LEGACY, "resources", resources_list_run},
	{"resources/read", ERA_MODERN | ERA_LEGACY, "resources", resources_read_run},
	{"resources/templates/list", ERA_MODERN | ERA_LEGACY, "resources", templates_list_run},
	{"prompts/list", ERA_MODERN | ERA_LEGACY, "prompts", prompts_list_run},
	{"prompts/get", ERA_MODERN | ERA_LEGACY, "prompts", prompts_get_run},
	{"completion/complete", ERA_MODERN | ERA_LEGACY, "completions", complete_run},
	{"subscriptions/listen", ERA_MODERN, NULL, listen_run},
	{"tasks/get", ERA_MODERN, TASKS_EXTENSION, tasks_get_run},
	{"tasks/update", ERA_MODERN, TASKS_EXTENSION, tasks_update_run},
	{"tasks/cancel", ERA_MODERN, TASKS_EXTENSION, tasks_cancel_run},
};

const struct method *method_at(size_t i)
{
	const struct mcp_extra *extra = mcp_extra();
	if (i < ARRAY_LEN(methods))
		return &methods[i];
	i -= ARRAY_LEN(methods);
	return extra && i < extra->n_methods ? &extra->methods[i] : NULL;
}

const struct method *method_find(const char *name, enum era era)
{
	const struct method *m;
	for (size_t i = 0; (m = method_at(i)); i++)
		if (m->eras & era && str_equal(m->name, name))
			return m;
	return NULL;
}
