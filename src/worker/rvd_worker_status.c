/*
 * rvd_worker_status.c
 *		What the processes of background work know of each other.
 *
 * A slot stands for a database that has the extension, or is being searched
 * for it.  The launcher takes and frees slots; a worker enters the one it was
 * started for and leaves it at its end, however it ends.  What a slot says of
 * its jobs outlives the worker: the next one goes by it.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/rvd_compat.h"
#include "worker/rvd_worker_int.h"

#define TRANCHE "RuvectorDeltaWorker"

RvdShared  *rvd_shared = NULL;

static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

static void
request(void)
{
	if (next_request_hook != NULL)
		next_request_hook();
	RequestAddinShmemSpace(sizeof(RvdShared));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

static void
startup(void)
{
	bool		found;

	if (next_startup_hook != NULL)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	rvd_shared = ShmemInitStruct("ruvector_delta workers", sizeof(RvdShared),
								 &found);
	if (!found)
	{
		memset(rvd_shared, 0, sizeof(RvdShared));
		rvd_shared->lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
rvd_shared_init(void)
{
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}

/* ---- slots ---- */

/* -1 if there is none */
int
rvd_slot_of(Oid database)
{
	int			found = -1;

	LWLockAcquire(rvd_shared->lock, LW_SHARED);
	for (int i = 0; i < RVD_SLOT_COUNT && found < 0; i++)
		if (rvd_shared->slots[i].database == database)
			found = i;
	LWLockRelease(rvd_shared->lock);
	return found;
}

/* A new slot; -1 if all are taken. */
int
rvd_slot_take(Oid database)
{
	int			slot = rvd_slot_of(InvalidOid);

	if (slot < 0)
		return -1;
	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	memset(&rvd_shared->slots[slot], 0, sizeof(RvdSlot));
	rvd_shared->slots[slot].database = database;
	LWLockRelease(rvd_shared->lock);
	return slot;
}

void
rvd_slot_free(int slot)
{
	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	memset(&rvd_shared->slots[slot], 0, sizeof(RvdSlot));
	LWLockRelease(rvd_shared->lock);
}

/* False if the slot is no longer, or another worker is still in it. */
bool
rvd_slot_enter(int slot, Oid *database)
{
	RvdSlot	   *s = &rvd_shared->slots[slot];
	bool		may;

	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	may = OidIsValid(s->database) && s->pid == 0;
	if (may)
		s->pid = MyProcPid;
	*database = s->database;
	LWLockRelease(rvd_shared->lock);
	return may;
}

void
rvd_slot_leave(int slot)
{
	RvdSlot	   *s = &rvd_shared->slots[slot];

	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	s->pid = 0;
	for (int i = 0; i < RVD_JOB_COUNT; i++)
		s->jobs[i].is_running = false;
	LWLockRelease(rvd_shared->lock);
}

int
rvd_slot_pid(int slot)
{
	int			pid;

	LWLockAcquire(rvd_shared->lock, LW_SHARED);
	pid = rvd_shared->slots[slot].pid;
	LWLockRelease(rvd_shared->lock);
	return pid;
}

/* Without the extension, nothing is remembered of the jobs. */
void
rvd_slot_found(int slot, bool has_extension)
{
	RvdSlot	   *s = &rvd_shared->slots[slot];

	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	s->has_extension = has_extension;
	if (!has_extension)
		memset(s->jobs, 0, sizeof(s->jobs));
	LWLockRelease(rvd_shared->lock);
}

bool
rvd_slot_has_extension(int slot)
{
	bool		has_extension;

	LWLockAcquire(rvd_shared->lock, LW_SHARED);
	has_extension = rvd_shared->slots[slot].has_extension;
	LWLockRelease(rvd_shared->lock);
	return has_extension;
}

RvdJobStatus
rvd_job_status(int slot, int job)
{
	RvdJobStatus status;

	LWLockAcquire(rvd_shared->lock, LW_SHARED);
	status = rvd_shared->slots[slot].jobs[job];
	LWLockRelease(rvd_shared->lock);
	return status;
}

void
rvd_job_set(int slot, int job, const RvdJobStatus *status)
{
	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	rvd_shared->slots[slot].jobs[job] = *status;
	LWLockRelease(rvd_shared->lock);
}

/* ---- the view ---- */

#define COLUMNS 12

static Datum
time_or_null(TimestampTz time, bool *null)
{
	*null = time == 0;
	return TimestampTzGetDatum(time);
}

static void
put_job(ReturnSetInfo *result, const RvdSlot *slot, int job, bool may_see)
{
	const RvdJobStatus *j = &slot->jobs[job];
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS] = {false};

	values[0] = ObjectIdGetDatum(slot->database);
	values[1] = CStringGetTextDatum(rvd_jobs[job].name);
	values[2] = Int32GetDatum(slot->pid);
	nulls[2] = slot->pid == 0;
	values[3] = CStringGetTextDatum(j->is_running ? "running" : "idle");
	values[4] = time_or_null(j->started, &nulls[4]);
	values[5] = time_or_null(j->ended, &nulls[5]);
	values[6] = Int64GetDatum(j->runs);
	values[7] = Int64GetDatum(j->done);
	values[8] = Int64GetDatum(j->failed);
	/* an error may speak of a row */
	values[9] = CStringGetTextDatum(may_see ? j->error :
											  "<insufficient privilege>");
	nulls[9] = j->error[0] == '\0';
	values[10] = time_or_null(j->failed_at, &nulls[10]);
	values[11] = time_or_null(j->due, &nulls[11]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_launcher(ReturnSetInfo *result, int pid)
{
	Datum		values[COLUMNS] = {0};
	bool		nulls[COLUMNS];

	memset(nulls, true, sizeof(nulls));
	values[1] = CStringGetTextDatum("launcher");
	values[2] = Int32GetDatum(pid);
	values[3] = CStringGetTextDatum(rvd_workers > 0 ? "running" : "off");
	nulls[1] = nulls[2] = nulls[3] = false;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* ruvector.worker_status_() returns table */
RVD_FUNCTION(rvd_worker_status);
Datum
rvd_worker_status(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		may_see = has_privs_of_role(GetUserId(),
											ROLE_PG_READ_ALL_STATS);
	RvdShared  *copy;

	InitMaterializedSRF(fcinfo, 0);
	if (rvd_shared == NULL)
		return (Datum) 0;
	copy = palloc(sizeof(RvdShared));
	LWLockAcquire(rvd_shared->lock, LW_SHARED);
	memcpy(copy, rvd_shared, sizeof(RvdShared));
	LWLockRelease(rvd_shared->lock);
	if (copy->launcher != 0)
		put_launcher(result, copy->launcher);
	for (int i = 0; i < RVD_SLOT_COUNT; i++)
		for (int job = 0; job < RVD_JOB_COUNT; job++)
			if (copy->slots[i].has_extension)
				put_job(result, &copy->slots[i], job, may_see);
	return (Datum) 0;
}
