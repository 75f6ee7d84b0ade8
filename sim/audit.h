/* The simulated account's audit log: what every write did, in order, shown after a lag. */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#define SIM_AUDIT_MAX 20000

struct sim_audit {
	struct sim_audit_row *rows; /* a ring */
	size_t n, first;
	int64_t made; /* so far: ids are made of it */
};

void sim_audit_clear(struct sim_audit *a);

#endif
