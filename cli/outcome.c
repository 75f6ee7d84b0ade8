/* From an answer to the exit code. */
#include "cli/outcome.h"

#include "cli/print.h"

static int status_exit(const char *state)
{
	if (str_equal(state, "ok"))
		return EXIT_DONE;
	return str_equal(state, "down") ? EXIT_DOWN : EXIT_FAILED;
}

bool outcome_waits_for_approval(const struct op *op, const struct json *result)
{
	return is_write_answer(op) && json_get_string(result, "plan") &&
	       str_equal(json_get_string(result, "state"), "needs_approval");
}

/* Applied, but not true yet: a failure when something is in the way, else a matter of time. */
static int convergence_exit(const struct json *result, bool waited)
{
	if (!waited || json_get_bool(result, "converged", false))
		return EXIT_DONE;
	bool in_the_way = json_count(json_get(result, "problems")) > 0 ||
			  !json_is_null(json_get(result, "problem"));
	return in_the_way ? EXIT_FAILED : EXIT_TRY_AGAIN;
}

static int write_exit(const struct op *op, const struct json *result, bool waited)
{
	const char *state = json_get_string(result, "state");

	if (str_equal(state, "applied") || str_equal(state, "unchanged"))
		return convergence_exit(result, waited);
	if (str_equal(state, "planned"))
		return EXIT_DONE;
	/* A dry run did what was asked, whatever it found. */
	if (str_equal(state, "needs_approval"))
		return outcome_waits_for_approval(op, result) ? EXIT_REFUSED : EXIT_DONE;
	if (str_equal(state, "rejected") && str_equal(op->name, "plan_reject"))
		return EXIT_DONE;
	return EXIT_FAILED;
}

int outcome_exit(const struct op *op, const struct json *result, bool waited)
{
	if (str_equal(op->name, "status_get") || str_equal(op->name, "health_get"))
		return status_exit(json_get_string(result, "state"));
	if (is_write_answer(op))
		return write_exit(op, result, waited);
	if (op->effects != OP_READS && fields_find(op->result, "converged"))
		return convergence_exit(result, waited);
	if (str_equal(op->name, "ledger_verify"))
		return json_get_bool(result, "valid", false) ? EXIT_DONE : EXIT_FAILED;
	/* Of others, "valid": false is about a configuration. */
	return json_get_bool(result, "valid", true) ? EXIT_DONE : EXIT_CONFIG;
}
