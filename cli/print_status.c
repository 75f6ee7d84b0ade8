/* `adit status`: problems first, then tunnels and routes, then one line about the rest. */
#include <stdio.h>

#include "cli/print.h"

static void print_heading(const struct json *result, const struct style *s, struct buf *out)
{
	const char *state = json_get_string(result, "state");
	const char *owner = json_get_string(result, "owner");

	(void)buf_str(out, "adit");
	if (owner) {
		(void)buf_str(out, " on ");
		print_text(out, owner);
	}
	(void)buf_str(out, ": ");
	print_toned(out, s, state_tone(state), state ? state : "?");
	(void)buf_char(out, '\n');
}

static void print_problems(const struct json *result, const struct style *s, struct buf *out)
{
	const struct json *problems = json_get(result, "problems");

	if (json_count(problems) == 0)
		return;
	(void)buf_char(out, '\n');
	print_toned(out, s, TONE_BOLD, "PROBLEMS");
	(void)buf_char(out, '\n');
	JSON_EACH (problem, problems) {
		AUTO(buf_t) what = {0};
		print_value(&what, s, NULL, json_get(problem, "object"));
		(void)buf_char(&what, ' ');
		print_value(&what, s, NULL, json_get(problem, "name"));
		print_problem(out, s, buf_text(&what), problem);
	}
}

static bool has_problem(const struct json *result, const struct json *drift)
{
	JSON_EACH (problem, json_get(result, "problems"))
		if (str_equal(json_get_string(problem, "object"),
			      json_get_string(drift, "object")) &&
		    str_equal(json_get_string(problem, "name"), json_get_string(drift, "name")))
			return true;
	return false;
}

/* What differs and is nobody's problem: it will be put back, or does no harm. */
static void print_drift(const struct json *result, const struct style *s, struct buf *out)
{
	const struct json *drift = json_get(result, "drift");
	int64_t count = json_get_int(drift, "count", 0);

	if (count == 0)
		return;
	(void)buf_char(out, '\n');
	print_toned(out, s, TONE_BOLD, "DRIFT");
	(void)buf_char(out, '\n');
	JSON_EACH (row, json_get(drift, "first")) {
		(void)buf_str(out, has_problem(result, row) ? "  ! " : "  ? ");
		print_text(out, json_get_string(row, "object"));
		(void)buf_char(out, ' ');
		print_text(out, json_get_string(row, "name"));
		(void)buf_str(out, " drifted: ");
		print_text(out, json_get_string(row, "field"));
		(void)buf_char(out, ' ');
		print_text(out, json_get_string(row, "kind"));
		if (json_get_bool(row, "repair", false))
			(void)buf_str(out, ", will be put back");
		(void)buf_char(out, '\n');
	}
	(void)buf_printf(out, "  %lld in all (adit drift list)\n", (long long)count);
}

static void heads(struct table *t, const char *const *names)
{
	for (; *names; names++) {
		table_cell(t, TONE_BOLD, *names);
		t->columns++;
	}
}

static void put_state(struct table *t, const struct json *row)
{
	const char *state = json_get_string(row, "state");

	table_cell(t, state_tone(state), state);
}

static void put_number(struct table *t, const char *prefix, const struct json *row, const char *key)
{
	int64_t n = json_get_int(row, key, 0);
	char text[32];

	(void)snprintf(text, sizeof(text), "%s%lld", n ? prefix : "", (long long)n);
	table_cell(t, TONE_PLAIN, *prefix && !n ? NULL : text);
}

static void print_tunnels(const struct json *tunnels, const struct style *s, struct buf *out)
{
	static const char *const names[] = {"TUNNEL", "STATE",  "CONNECTORS", "EDGE",
					    "CONFIG", "ROUTES", "AS WANTED",  NULL};
	AUTO(table_t) t = {0};
	char ready[48];

	if (json_count(tunnels) == 0)
		return;
	(void)buf_char(out, '\n');
	heads(&t, names);
	JSON_EACH (row, tunnels) {
		(void)snprintf(ready, sizeof(ready), "%lld/%lld",
			       (long long)json_get_int(row, "connectors_ready", 0),
			       (long long)json_get_int(row, "connectors", 0));
		table_cell(&t, TONE_PLAIN, json_get_string(row, "name"));
		put_state(&t, row);
		table_cell(&t, TONE_PLAIN,
			   json_get_int(row, "connectors", 0) ? ready : "none here");
		put_number(&t, "", row, "edge_connections");
		put_number(&t, "v", row, "config_version");
		put_number(&t, "", row, "routes");
		table_cell(&t, TONE_PLAIN, json_get_bool(row, "converged", false) ? "yes" : "no");
	}
	table_print(&t, s, 0, out);
}

/* Nothing is wrong: it is told what a person may do. */
static void print_updates(const struct json *tunnels, struct buf *out)
{
	JSON_EACH (row, tunnels) {
		int64_t n = json_get_int(row, "update_available", 0);
		const char *version = json_get_string(row, "disk_version");
		if (n == 0)
			continue;
		(void)buf_printf(out, "  ? %lld connector%s of ", (long long)n, n == 1 ? "" : "s");
		print_text(out, json_get_string(row, "name"));
		(void)buf_printf(out, " %s another cloudflared than lies on the disk",
				 n == 1 ? "runs" : "run");
		if (version) {
			(void)buf_str(out, " (");
			print_text(out, version);
			(void)buf_char(out, ')');
		}
		(void)buf_str(out, "\n    -> adit connector upgrade --tunnel ");
		print_text(out, json_get_string(row, "name"));
		(void)buf_char(out, '\n');
	}
}

static void print_routes(const struct json *routes, const struct style *s, struct buf *out)
{
	static const char *const names[] = {"HOSTNAME", "STATE", "SERVICE", "TUNNEL", NULL};
	AUTO(table_t) t = {0};

	if (json_count(routes) == 0)
		return;
	(void)buf_char(out, '\n');
	heads(&t, names);
	JSON_EACH (row, routes) {
		const char *host = json_get_string(row, "hostname");
		const char *path = json_get_string(row, "path");
		AUTO(str_t)
		where = str_format("%s%s%s", host ? host : "?", path ? " " : "", path ? path : "");
		table_cell(&t, TONE_PLAIN, where);
		put_state(&t, row);
		table_cell(&t, TONE_PLAIN, json_get_string(row, "service"));
		table_cell(&t, TONE_PLAIN, json_get_string(row, "tunnel"));
	}
	table_print(&t, s, 0, out);
}

static void print_plans(const struct json *result, struct buf *out)
{
	long long waiting = (long long)json_get_int(result, "plans_waiting", 0);

	if (waiting)
		(void)buf_printf(out, "%lld plan%s waiting for approval (adit plan)   ", waiting,
				 waiting == 1 ? "" : "s");
}

static void print_access(const struct json *result, const struct style *s, struct buf *out)
{
	const char *access = json_get_string(result, "access");
	const char *writes = json_get_string(result, "writes");

	(void)buf_str(out, "access ");
	print_toned(out, s, state_tone(access), access ? access : "?");
	(void)buf_str(out, "   writes ");
	print_toned(out, s, str_equal(writes, "on") ? TONE_GOOD : TONE_WARN,
		    str_equal(writes, "on") ? "on" : "off");
	(void)buf_str(out, "   ");
}

static void print_rate(const struct json *result, struct buf *out)
{
	const struct json *rate = json_get(result, "rate");
	int64_t limit = json_get_int(rate, "limit", 0);

	if (limit)
		(void)buf_printf(out, "API %lld/%lld left, resets in %lld s   ",
				 (long long)json_get_int(rate, "remaining", 0), (long long)limit,
				 (long long)json_get_int(rate, "reset_s", 0));
}

void print_status(const struct json *result, const struct style *s, struct buf *out)
{
	const char *writes = json_get_string(result, "writes");

	print_heading(result, s, out);
	print_problems(result, s, out);
	print_drift(result, s, out);
	print_tunnels(json_get(result, "tunnels"), s, out);
	print_updates(json_get(result, "tunnels"), out);
	print_routes(json_get(result, "routes"), s, out);
	(void)buf_char(out, '\n');
	if (writes && !str_equal(writes, "on")) {
		(void)buf_str(out, "writes are off: ");
		print_wrapped(out, s, 16, writes);
	}
	print_plans(result, out);
	print_access(result, s, out);
	print_rate(result, out);
	(void)buf_printf(out, "revision %lld\n", (long long)json_get_int(result, "revision", 0));
}
