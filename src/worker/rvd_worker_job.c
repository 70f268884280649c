/*
 * rvd_worker_job.c
 *		A run of a job, item by item; in the foreground, all of it.
 *
 * Every item is done in a transaction of its own (in the foreground: in a
 * subtransaction), as the owner of its target: with the owner's rights,
 * nothing that would outlive the item, and no search path of anybody's.
 * Users' triggers and index expressions run in there.  An item that fails
 * leaves nothing behind and does not end the run.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"
#include "worker/rvd_worker_int.h"

#define BATCH 256				/* items listed at a time */
#define MAX_IN_A_ROW 10			/* failures after which a target is left */
#define AS_OWNER \
	(SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION | \
	 SECURITY_NOFORCE_RLS)

typedef void (*RvdWork)(RvdRun *run);

RvdTarget *
rvd_run_target(RvdRun *run)
{
	if (run->targets == NULL || run->target >= run->ntargets)
		return NULL;
	return &run->targets[run->target];
}

/* ---- a transaction, or a part of the caller's ---- */

static void
begin(RvdRun *run)
{
	if (run->in_foreground)
		BeginInternalSubTransaction(NULL);
	else
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
	}
}

static void
commit(RvdRun *run)
{
	if (run->in_foreground)
		ReleaseCurrentSubTransaction();
	else
	{
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
}

static void
roll_back(RvdRun *run)
{
	if (run->in_foreground)
		RollbackAndReleaseCurrentSubTransaction();
	else
		AbortCurrentTransaction();
}

static RvdStep
note_failure(RvdRun *run, ErrorData *error)
{
	RvdTarget  *t = rvd_run_target(run);

	run->sqlstate = error->sqlerrcode;
	run->error = MemoryContextStrdup(run->context, error->message);
	if (run->sqlstate == ERRCODE_LOCK_NOT_AVAILABLE)
		return RVD_STEP_BUSY;
	if (t != NULL)
	{
		t->failed++;
		t->error = run->error;
	}
	return RVD_STEP_FAILED;
}

/* Does `work`; if that fails, nothing of it has happened. */
static RvdStep
protect(RvdRun *run, RvdWork work)
{
	MemoryContext before = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	RvdStep		step;
	ErrorData *volatile error = NULL;

	begin(run);
	PG_TRY();
	{
		work(run);
		RVD_DEBUG_POINT("worker-before-commit");
		commit(run);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(run->context);
		error = CopyErrorData();
		FlushErrorState();
		roll_back(run);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(before);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return RVD_STEP_DONE;
	/* who cancels a statement does not mean one item of it */
	if (run->in_foreground && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	step = note_failure(run, error);
	FreeErrorData(error);
	return step;
}

/* ---- statements ---- */

/*
 * Runs a statement with int8 $1, text[] $2 and int4 $3 as the owner of the
 * target in hand.  The caller is connected to SPI.
 */
static void
execute_as_owner(RvdRun *run, const char *function, Datum item, int nargs)
{
	RvdTarget  *t = rvd_run_target(run);
	Oid			types[3] = {INT8OID, TEXTARRAYOID, INT4OID};
	Datum		values[3] = {Int64GetDatum(t->id), item, Int32GetDatum(BATCH)};
	char		nulls[4] = "   ";
	char	   *sql = psprintf("SELECT * FROM ruvector.%s_%s(%s)",
							   run->job->name, function,
							   nargs == 3 ? "$1, $2, $3" : "$1, $2");
	Oid			user;
	int			context;
	int			nest;

	if (item == (Datum) 0)
		nulls[1] = 'n';
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(t->owner, context | AS_OWNER);
	nest = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, context);
}

static Datum
result(uint64 row, int column)
{
	bool		null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &null);

	if (null)
		elog(ERROR, "a function of job is not as it should be");
	return value;
}

static void
list_targets(RvdRun *run)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	int			n = 0;
	RvdTarget  *targets;

	SPI_connect();
	values[0] = CStringGetTextDatum(run->job->name);
	if (SPI_execute_with_args("SELECT id, owner, target FROM "
							  "ruvector.worker_targets($1) ORDER BY target, id",
							  1, types, values, NULL, true, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not list the targets of a job");
	targets = MemoryContextAllocZero(
		run->context, Max(SPI_processed, 1) * sizeof(RvdTarget));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Oid			owner = DatumGetObjectId(result(i, 2));

		if (!has_privs_of_role(GetUserId(), owner))
			continue;
		targets[n].id = DatumGetInt64(result(i, 1));
		targets[n].owner = owner;
		targets[n].name = MemoryContextStrdup(
			run->context, TextDatumGetCString(result(i, 3)));
		n++;
	}
	SPI_finish();
	run->targets = targets;
	run->ntargets = n;
}

static void
list_items(RvdRun *run)
{
	MemoryContext batch = AllocSetContextCreate(run->context, "items",
												ALLOCSET_SMALL_SIZES);
	MemoryContext before;
	Datum	   *items;

	SPI_connect();
	execute_as_owner(run, "items", run->after, 3);
	before = MemoryContextSwitchTo(batch);
	items = palloc(Max(SPI_processed, 1) * sizeof(Datum));
	for (uint64 i = 0; i < SPI_processed; i++)
		items[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(result(i, 1)));
	MemoryContextSwitchTo(before);
	run->nitems = (int) SPI_processed;
	SPI_finish();
	run->items = items;
	run->item = 0;
	/* run->after was in the one before */
	if (run->batch != NULL)
		MemoryContextDelete(run->batch);
	run->batch = batch;
	if (run->nitems > 0)
		run->after = items[run->nitems - 1];
}

static void
do_item(RvdRun *run)
{
	RvdTarget  *t = rvd_run_target(run);
	int64		done;

	SPI_connect();
	execute_as_owner(run, "item", run->items[run->item], 2);
	if (SPI_processed != 1)
		elog(ERROR, "a function of job is not as it should be");
	done = DatumGetInt64(result(0, 1));
	SPI_finish();
	t->done += done;
}

/* ---- a run ---- */

RvdStep
rvd_run_begin(RvdRun *run, const RvdJob *job, bool in_foreground)
{
	memset(run, 0, sizeof(RvdRun));
	run->job = job;
	run->in_foreground = in_foreground;
	run->context = AllocSetContextCreate(
		in_foreground ? CurrentMemoryContext : TopMemoryContext,
		"ruvector run of a job", ALLOCSET_DEFAULT_SIZES);
	return protect(run, list_targets);
}

void
rvd_run_end(RvdRun *run)
{
	MemoryContextDelete(run->context);
	memset(run, 0, sizeof(RvdRun));
}

static void
next_target(RvdRun *run)
{
	run->target++;
	run->nitems = run->item = run->in_a_row = 0;
	run->after = (Datum) 0;
}

/* Does the next item; or finds that there is none. */
RvdStep
rvd_run_step(RvdRun *run)
{
	RvdTarget  *t;
	RvdStep		step;
	int64		done;

	while ((t = rvd_run_target(run)) != NULL)
	{
		if (run->item < run->nitems)
			break;
		step = protect(run, list_items);
		if (step != RVD_STEP_DONE)
		{
			next_target(run);
			return step;
		}
		if (run->nitems == 0)
			next_target(run);
	}
	if (t == NULL)
		return RVD_STEP_NONE;
	done = t->done;
	step = protect(run, do_item);
	if (step != RVD_STEP_DONE)
		t->done = done;
	t->tried++;
	run->item++;
	run->in_a_row = step == RVD_STEP_DONE ? 0 : run->in_a_row + 1;
	if (run->in_a_row >= MAX_IN_A_ROW)
		next_target(run);
	return step;
}

/* ---- in the foreground ---- */

static const RvdJob *
job_of_name(const char *name)
{
	for (int i = 0; i < RVD_JOB_COUNT; i++)
		if (strcmp(rvd_jobs[i].name, name) == 0)
			return &rvd_jobs[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("job \"%s\" is none of \"checkpoint\", \"tag\", "
					"\"compact\"",
					name)));
}

static void
put_target(ReturnSetInfo *out, const RvdTarget *t)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(t->name);
	values[1] = Int64GetDatum(t->tried);
	values[2] = Int64GetDatum(t->done);
	values[3] = Int64GetDatum(t->failed);
	nulls[4] = t->error == NULL;
	values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(t->error);
	tuplestore_putvalues(out->setResult, out->setDesc, values, nulls);
}

/* ruvector.run_worker(job text, budget integer) returns table */
RVD_FUNCTION(rvd_run_worker);
Datum
rvd_run_worker(PG_FUNCTION_ARGS)
{
	RvdRun		run;
	const RvdJob *job;
	int64		budget = PG_INT64_MAX;

	InitMaterializedSRF(fcinfo, 0);
	PreventCommandDuringRecovery("ruvector.run_worker()");
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	if (!PG_ARGISNULL(1))
		budget = PG_GETARG_INT32(1);
	if (budget < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("budget must be at least 1")));
	job = job_of_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (rvd_run_begin(&run, job, true) != RVD_STEP_DONE)
		ereport(ERROR,
				(errcode(run.sqlstate),
				 errmsg("could not list what job \"%s\" is done at",
						job->name),
				 errdetail_internal("%s", run.error)));
	for (int64 i = 0; i < budget && rvd_run_step(&run) != RVD_STEP_NONE; i++)
		CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < run.ntargets; i++)
		put_target((ReturnSetInfo *) fcinfo->resultinfo, &run.targets[i]);
	rvd_run_end(&run);
	return (Datum) 0;
}
