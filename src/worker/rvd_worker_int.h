/*
 * rvd_worker_int.h
 *		Background work: what the C files of this folder share.
 *
 * A *job* is a kind of work, a *target* is what it is done at (such as a
 * tracked column), an *item* is the part of it that one transaction does.  A
 * *run* does all items that a job finds.  src/worker/README.md has the locks
 * and what a crash leaves.
 */
#ifndef RVD_WORKER_INT_H
#define RVD_WORKER_INT_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"
#include "utils/palloc.h"

#define RVD_EXTENSION "ruvector_delta"
#define RVD_JOB_COUNT 4
#define RVD_SLOT_COUNT 128		/* databases with the extension */
#define RVD_ERROR_LENGTH 200
#define RVD_MAX_BACKOFF 3		/* doublings of a job's interval */

/* Its functions in SQL are ruvector.NAME_items and ruvector.NAME_item. */
typedef struct RvdJob
{
	const char *name;
	const int  *interval_ms;	/* 0: not by itself */
} RvdJob;

/* In order of precedence: who comes first interrupts who comes later. */
extern const RvdJob rvd_jobs[RVD_JOB_COUNT];

/* ---- settings, rvd_worker.c ---- */

extern int	rvd_workers;
extern int	rvd_worker_naptime;
extern int	rvd_worker_discovery;
extern double rvd_worker_cost_delay;
extern int	rvd_worker_cost_limit;

/* ---- a run, rvd_worker_job.c ---- */

typedef struct RvdTarget
{
	int64		id;
	Oid			owner;
	char	   *name;
	int64		tried;			/* items */
	int64		done;			/* what they amounted to */
	int64		failed;			/* items */
	char	   *error;			/* of the last that failed, or NULL */
} RvdTarget;

typedef struct RvdRun
{
	const RvdJob *job;
	bool		in_foreground;	/* in the caller's transaction */
	MemoryContext context;		/* NULL: there is no run */
	RvdTarget  *targets;
	int			ntargets;
	int			target;			/* the one in hand */
	MemoryContext batch;		/* of the items listed last */
	Datum	   *items;			/* text[] */
	int			nitems;
	int			item;
	Datum		after;			/* the item before items[0], or 0 */
	int			in_a_row;		/* failures without a success */
	int			sqlstate;		/* of the last failure */
	char	   *error;			/* its text */
} RvdRun;

typedef enum RvdStep
{
	RVD_STEP_DONE,
	RVD_STEP_BUSY,				/* somebody holds a lock: another time */
	RVD_STEP_FAILED,
	RVD_STEP_NONE				/* the run is over */
} RvdStep;

extern RvdStep rvd_run_begin(RvdRun *run, const RvdJob *job,
							 bool in_foreground);
extern RvdStep rvd_run_step(RvdRun *run);
extern void rvd_run_end(RvdRun *run);

/* What is in hand; NULL before the first target and after the last. */
extern RvdTarget *rvd_run_target(RvdRun *run);

/* ---- shared memory, rvd_worker_status.c ---- */

typedef struct RvdJobStatus
{
	bool		is_running;
	TimestampTz started;		/* the last run, 0 for none */
	TimestampTz ended;
	TimestampTz due;			/* the next run; 0: not by itself */
	TimestampTz failed_at;
	TimestampTz logged_at;
	int64		runs;
	int64		done;
	int64		failed;
	int			backoff;		/* runs in a row that only failed */
	char		error[RVD_ERROR_LENGTH];
} RvdJobStatus;

/* A database that has the extension, or is being looked at. */
typedef struct RvdSlot
{
	Oid			database;		/* InvalidOid: free */
	bool		has_extension;
	int			pid;			/* its worker, 0 for none */
	RvdJobStatus jobs[RVD_JOB_COUNT];
} RvdSlot;

/* All under the lock; a slot's jobs are written by its worker only. */
typedef struct RvdShared
{
	LWLock	   *lock;
	int			launcher;		/* pid */
	RvdSlot		slots[RVD_SLOT_COUNT];
} RvdShared;

extern RvdShared *rvd_shared;	/* NULL unless preloaded */

extern void rvd_shared_init(void);
extern int	rvd_slot_of(Oid database);
extern int	rvd_slot_take(Oid database);
extern void rvd_slot_free(int slot);
extern bool rvd_slot_enter(int slot, Oid *database);
extern void rvd_slot_leave(int slot);
extern int	rvd_slot_pid(int slot);
extern void rvd_slot_found(int slot, bool has_extension);
extern bool rvd_slot_has_extension(int slot);
extern RvdJobStatus rvd_job_status(int slot, int job);
extern void rvd_job_set(int slot, int job, const RvdJobStatus *status);

/* ---- processes: rvd_worker_launcher.c, rvd_worker_main.c ---- */

extern void rvd_launcher_register(void);
extern uint32 rvd_worker_wait_event(void);

#endif							/* RVD_WORKER_INT_H */
