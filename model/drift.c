#include "model/drift.h"

#include "base/text.h"

static const char *const names[DRIFT_POLICIES] = {
	[DRIFT_REPORT] = "report",
	[DRIFT_REPAIR] = "repair",
	[DRIFT_IGNORE] = "ignore",
};

const char *drift_policy_name(enum drift_policy p)
{
	return names[p];
}

int drift_policy_by_name(const char *name)
{
	for (int i = 0; i < DRIFT_POLICIES; i++)
		if (str_equal(names[i], name))
			return i;
	return -1;
}
