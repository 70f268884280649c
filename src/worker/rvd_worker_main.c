/*
 * rvd_worker_main.c
 *		A worker: some seconds of background work in one database.
 *
 * The launcher starts it; it does the jobs that are due, item by item, and
 * ends.  A session keeps others from dropping, copying, renaming or moving
 * its database, so it ends early when somebody wants to: between any two
 * items it asks, without waiting, for the lock that a new session would need.
 *
 * Who comes first in rvd_jobs goes first, at every item: a compaction of an
 * hour does not keep a chain from being folded in time.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "worker/rvd_worker_int.h"

#define LOG_AGAIN_MS 300000		/* the same error of the same job */

extern PGDLLEXPORT void rvd_worker_main(Datum arg);

static int	my_slot;
static RvdRun runs[RVD_JOB_COUNT];

static void
leave(int code, Datum arg)
{
	rvd_slot_leave(my_slot);
}

/*
 * What a database or role may set for its sessions is not meant for this one.
 * A lock is not waited for long: who holds it may wait for this process.  A
 * commit that a crash takes away was work that is found again.
 */
static void
settle_settings(void)
{
	static const char *const settings[][2] = {
		{"application_name", "ruvector worker"},
		{"ruvector.actor", "ruvector worker"},
		{"search_path", "pg_catalog, pg_temp"},
		{"session_replication_role", "origin"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"row_security", "on"},
		{"synchronous_commit", "off"},
		{"statement_timeout", "0"},
		{"lock_timeout", "200ms"},
		{"idle_in_transaction_session_timeout", "0"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
	/* the server counts what pages cost; see rest() */
	VacuumCostActive = true;
	VacuumCostBalance = 0;
}

/* ---- between items ---- */

/* Does a new session have to wait?  In a transaction. */
static bool
is_in_the_way(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) ==
		LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

/* May this process go on? */
static bool
look_around(void)
{
	bool		goes_on;

	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	if (rvd_workers == 0)
		return false;
	StartTransactionCommand();
	goes_on = !is_in_the_way();
	if (goes_on)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		goes_on = OidIsValid(get_extension_oid(RVD_EXTENSION, true));
		PopActiveSnapshot();
		rvd_slot_found(my_slot, goes_on);
	}
	CommitTransactionCommand();
	return goes_on;
}

/* Where the pages touched since the last time cost enough. */
static void
rest(void)
{
	double		share = (double) VacuumCostBalance / rvd_worker_cost_limit;

	if (share < 1)
		return;
	VacuumCostBalance = 0;
	if (rvd_worker_cost_delay <= 0)
		return;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 (long) Max(1, rvd_worker_cost_delay * Min(share, 4)),
					 rvd_worker_wait_event());
	ResetLatch(MyLatch);
}

/* ---- jobs ---- */

/* When the job is due next; 0: not by itself. */
static TimestampTz
next_due(int job, const RvdJobStatus *status)
{
	int64		interval = *rvd_jobs[job].interval_ms;

	if (interval == 0)
		return 0;
	if (status->started == 0)
		return 1;
	return status->started +
		(interval << status->backoff) * 1000;
}

/*
 * A database is visited every so often: what would be due before half of the
 * time to the next visit has passed is done now.
 */
static bool
is_due(int job)
{
	RvdJobStatus status = rvd_job_status(my_slot, job);
	TimestampTz due = next_due(job, &status);

	return due != 0 &&
		due <= GetCurrentTimestamp() + (int64) rvd_worker_naptime * 500;
}

/* The first in order that has something to do; -1 for none. */
static int
choose_job(void)
{
	for (int job = 0; job < RVD_JOB_COUNT; job++)
		if (runs[job].context != NULL || is_due(job))
			return job;
	return -1;
}

static void
report_failure(RvdRun *run, RvdJobStatus *status)
{
	TimestampTz now = GetCurrentTimestamp();
	RvdTarget  *target = rvd_run_target(run);
	char		text[RVD_ERROR_LENGTH];
	bool		is_news;

	strlcpy(text, run->error, sizeof(text));
	is_news = strcmp(text, status->error) != 0 ||
		TimestampDifferenceExceeds(status->logged_at, now, LOG_AGAIN_MS);
	status->failed++;
	status->failed_at = now;
	strlcpy(status->error, text, sizeof(status->error));
	if (!is_news)
		return;
	status->logged_at = now;
	ereport(WARNING,
			(errcode(run->sqlstate),
			 errmsg("background job \"%s\" failed at %s: %s", run->job->name,
					target == NULL ? "its begin" : target->name, run->error),
			 errhint("The rest of it goes on; see ruvector.worker_status.")));
}

static RvdStep
begin_run(int job)
{
	RvdJobStatus status = rvd_job_status(my_slot, job);

	status.started = GetCurrentTimestamp();
	status.is_running = true;
	rvd_job_set(my_slot, job, &status);
	return rvd_run_begin(&runs[job], &rvd_jobs[job], false);
}

static void
end_run(int job)
{
	RvdRun	   *run = &runs[job];
	RvdJobStatus status = rvd_job_status(my_slot, job);
	int64		failed = run->targets == NULL ? 1 : 0;
	int64		done = 0;

	for (int i = 0; run->targets != NULL && i < run->ntargets; i++)
	{
		failed += run->targets[i].failed;
		done += run->targets[i].done;
	}
	if (failed == 0 || done > 0)
		status.backoff = 0;
	else if (status.backoff < RVD_MAX_BACKOFF)
		status.backoff++;
	status.is_running = false;
	status.ended = GetCurrentTimestamp();
	status.due = next_due(job, &status);
	status.runs++;
	rvd_job_set(my_slot, job, &status);
	rvd_run_end(run);
}

static void
report_activity(RvdRun *run)
{
	RvdTarget  *target = rvd_run_target(run);
	char		text[NAMEDATALEN * 3];

	if (target == NULL)
		snprintf(text, sizeof(text), "%s", run->job->name);
	else
		snprintf(text, sizeof(text), "%s: %s", run->job->name, target->name);
	pgstat_report_activity(STATE_RUNNING, text);
}

/* One item of a job, or the beginning or end of a run. */
static void
work(int job)
{
	RvdRun	   *run = &runs[job];
	RvdTarget  *target;
	int64		done = 0;
	RvdStep		step;

	if (run->context == NULL)
		step = begin_run(job);
	else
	{
		report_activity(run);
		target = rvd_run_target(run);
		done = target == NULL ? 0 : target->done;
		step = rvd_run_step(run);
		done = target == NULL ? 0 : target->done - done;
	}
	/* what fails because there is no extension any more is no failure */
	if (step == RVD_STEP_FAILED && !look_around())
		return;
	if (step == RVD_STEP_FAILED || done > 0)
	{
		RvdJobStatus status = rvd_job_status(my_slot, job);

		status.done += done;
		if (step == RVD_STEP_FAILED)
			report_failure(run, &status);
		rvd_job_set(my_slot, job, &status);
	}
	if (step == RVD_STEP_NONE || run->targets == NULL)
		end_run(job);
	pgstat_report_activity(STATE_IDLE, NULL);
	(void) pgstat_report_stat(false);
}

void
rvd_worker_main(Datum arg)
{
	Oid			database;
	int			job;

	my_slot = DatumGetInt32(arg);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	if (!rvd_slot_enter(my_slot, &database))
		proc_exit(0);
	before_shmem_exit(leave, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	settle_settings();
	while (look_around() && (job = choose_job()) >= 0)
	{
		work(job);
		rest();
	}
	proc_exit(0);
}
