/*
 * rvd_worker.c
 *		Settings of background work, and the table of jobs.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

#include "pg/rvd_compat.h"
#include "worker/rvd_worker.h"
#include "worker/rvd_worker_int.h"

int			rvd_workers = 3;
int			rvd_worker_naptime = 10000;
int			rvd_worker_discovery = 60000;
double		rvd_worker_cost_delay = 2;
int			rvd_worker_cost_limit = 1000;

static int	tag_interval = 60000;
static int	tag_retention = 7 * 24 * 60 * 60;
static int	compact_interval = 600000;
static int	repair_interval = 600000;

const RvdJob rvd_jobs[RVD_JOB_COUNT] = {
	{"checkpoint", &rvd_worker_naptime},
	{"tag", &tag_interval},
	{"compact", &compact_interval},
	{"repair", &repair_interval},
};

static void
define_settings(void)
{
	DefineCustomIntVariable("ruvector.workers",
							"Sets how many databases background work is done in at a time.",
							"0 ends it.",
							&rvd_workers, 3, 0, 64, PGC_SIGHUP, 0, NULL, NULL,
							NULL);
	DefineCustomIntVariable("ruvector.worker_naptime",
							"Sets the time between two workers in a database.",
							NULL, &rvd_worker_naptime, 10000, 100, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("ruvector.worker_discovery",
							"Sets how often a database is searched for the extension.",
							NULL, &rvd_worker_discovery, 60000, 100, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomRealVariable("ruvector.worker_cost_delay",
							 "Sets how long a worker rests when its limit is reached.",
							 "0 has it never rest.",
							 &rvd_worker_cost_delay, 2, 0, 100, PGC_SIGHUP,
							 GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("ruvector.worker_cost_limit",
							"Sets the cost after which a worker rests.",
							"Pages cost what vacuum_cost_page_... say.",
							&rvd_worker_cost_limit, 1000, 1, 1000000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ruvector.tag_interval",
							"Sets the time between automatic tags.",
							"0 has none made.", &tag_interval, 60000, 0,
							INT_MAX, PGC_SUSET, GUC_UNIT_MS, NULL, NULL,
							NULL);
	DefineCustomIntVariable("ruvector.tag_retention",
							"Sets how long automatic tags are kept.",
							"0 keeps them for ever.", &tag_retention,
							7 * 24 * 60 * 60, 0, INT_MAX, PGC_SUSET,
							GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("ruvector.compact_interval",
							"Sets the time between compactions.",
							"0 has none made.", &compact_interval, 600000, 0,
							INT_MAX, PGC_SUSET, GUC_UNIT_MS, NULL, NULL,
							NULL);
	DefineCustomIntVariable("ruvector.repair_interval",
							"Sets the time between repairs of indexes.",
							"0 has none made.", &repair_interval, 600000, 0,
							INT_MAX, PGC_SUSET, GUC_UNIT_MS, NULL, NULL,
							NULL);
}

void
rvd_worker_init(void)
{
	define_settings();
	if (!process_shared_preload_libraries_in_progress)
		return;
	rvd_shared_init();
	rvd_launcher_register();
}

uint32
rvd_worker_wait_event(void)
{
	static uint32 event = 0;

	if (event == 0)
		event = rvd_new_wait_event("RuvectorDeltaWorker");
	return event;
}
