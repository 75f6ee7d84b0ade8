/* The API's door: requests from the server to the cloud, answers back, with the faults between. */
#ifndef SIM_API_H
#define SIM_API_H

#include "loop/loop.h"
#include "sim/cloud.h"
#include "sim/faults.h"
#include "sim/journal.h"

struct api;

/* fd is the public listening socket; taken. cloud, faults and journal are borrowed. */
MUST_USE int api_new(struct loop *l, struct cloud *c, struct faults *f, struct journal *j, int fd,
		     struct api **out, struct err *e);
void api_free(struct api *a);
/* Forget what was to happen late. */
void api_forget_late(struct api *a);

#endif
