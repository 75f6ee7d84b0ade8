/*
 * The batch: deletes, patches, puts, posts in that order, all or nothing. A copy of the zone's
 * records is kept until the last step went well.
 */
#include <stdlib.h>

#include "sim/record_edit.h"
#include "sim/routes.h"

#define STEPS 4

struct step {
	const char *key;
	const struct json *rows;
	struct page done; /* records as they were when their turn was over; copies */
};

static int step_row(struct call *k, size_t step, const struct json *row, struct step *s,
		    struct refusal *f)
{
	static const enum record_write how[STEPS] = {RECORD_PATCH, RECORD_PATCH, RECORD_PUT,
						     RECORD_POST};
	const char *id = json_get_string(row, "id");
	struct sim_record *r = NULL;
	int outcome;

	if (step == STEPS - 1)
		outcome = record_create(k, row, &r, f);
	else if (!id)
		outcome = refuse(f, 400, 9207, "Request body is invalid: id must be a string");
	else if (step == 0)
		outcome = record_take(k, id, &r, f);
	else
		outcome = record_change(k, id, row, how[step], &r, f);
	if (outcome < 0)
		return -1;
	page_add(&s->done, step == 0 ? r : record_copy(r));
	return 0;
}

static int step_run(struct call *k, size_t step, struct step *s, char **pointer, struct refusal *f)
{
	size_t i = 0;

	JSON_EACH (row, s->rows) {
		if (step_row(k, step, row, s, f) < 0) {
			*pointer = str_format("/%s/%zu", s->key, i);
			return -1;
		}
		i++;
	}
	return 0;
}

static int steps_read(struct call *k, struct step steps[STEPS])
{
	size_t total = 0, max = k->zone->paid ? SIM_BATCH_PAID : SIM_BATCH_FREE;

	for (size_t i = 0; i < STEPS; i++) {
		const struct json *rows = json_get(k->body, steps[i].key);
		if (!json_is_null(rows) && json_type(rows) != JSON_ARRAY) {
			call_fail(k, 400, 9207, "Request body is invalid: %s must be a list",
				  steps[i].key);
			return -1;
		}
		steps[i].rows = rows;
		total += json_count(rows);
	}
	if (total > 0 && total <= max)
		return 0;
	call_fail(k, 400, CODE_OWN, "A batch takes 1 to %zu records in this zone, not %zu", max,
		  total);
	return -1;
}

static void records_copy(const struct map *from, struct map *to)
{
	MAP_EACH (const struct sim_record, r, from)
		map_set(to, r->id, record_copy(r));
}

static void answer_steps(struct call *k, struct step steps[STEPS])
{
	call_ok_begin(k);
	json_object_begin(&k->w);
	for (size_t i = 0; i < STEPS; i++) {
		json_write_key(&k->w, steps[i].key);
		json_array_begin(&k->w);
		for (size_t n = 0; n < steps[i].done.n; n++)
			write_record(k, steps[i].done.items[n]);
		json_array_end(&k->w);
	}
	json_object_end(&k->w);
	call_ok_end(k);
}

static void steps_free(struct step steps[STEPS])
{
	for (size_t i = 0; i < STEPS; i++) {
		for (size_t n = 0; n < steps[i].done.n; n++)
			record_free(steps[i].done.items[n]);
		free(steps[i].done.items);
	}
}

void answer_record_batch(struct call *k)
{
	struct step steps[STEPS] = {
		{.key = "deletes"}, {.key = "patches"}, {.key = "puts"}, {.key = "posts"}};
	struct map before = {0};
	AUTO(str_t) pointer = NULL;
	struct refusal f = {0};
	int outcome = 0;

	if (call_body(k) < 0 || steps_read(k, steps) < 0)
		return;
	bool foreign = k->r->foreign;
	records_copy(&k->zone->records, &before);
	for (size_t i = 0; i < STEPS && outcome == 0; i++)
		outcome = step_run(k, i, &steps[i], &pointer, &f);
	if (outcome == 0) {
		answer_steps(k, steps);
		records_free(&before);
	} else {
		records_free(&k->zone->records);
		k->zone->records = before;
		k->r->foreign = foreign;
		call_fail_at(k, &f, pointer);
	}
	steps_free(steps);
}
