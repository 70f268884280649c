/*
 * rvd_worker_launcher.c
 *		The launcher: sends workers round the databases.
 *
 * It is connected to no database and reads pg_database only.  Which of them
 * have the extension is known only inside: a worker is sent to every database
 * that takes connections (but for templates, which a session would keep from
 * being copied) at the interval of discovery, and ends at once where it finds
 * nothing; it comes back soon where it does.
 *
 * Nothing that it knows must survive it: slots and what they say of the jobs
 * are in shared memory, the rest is found again.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "worker/rvd_worker_int.h"

#define LIBRARY "ruvector_delta"
#define RESTART_SECONDS 5

extern PGDLLEXPORT void rvd_launcher_main(Datum arg);

typedef struct Database
{
	Oid			oid;
	bool		is_there;		/* while the list is brought up to date */
	TimestampTz visited;		/* when the last worker ended, 0 for never */
	int			slot;			/* -1 for none */
	BackgroundWorkerHandle *handle; /* of a worker on its way, or NULL */
} Database;

static List *databases = NIL;

static void
set_launcher(int pid)
{
	LWLockAcquire(rvd_shared->lock, LW_EXCLUSIVE);
	rvd_shared->launcher = pid;
	LWLockRelease(rvd_shared->lock);
}

static void
leave(int code, Datum arg)
{
	set_launcher(0);
}

/* ---- which databases there are ---- */

static Database *
database_of(Oid oid)
{
	ListCell   *cell;
	Database   *db;

	foreach (cell, databases)
	{
		db = lfirst(cell);
		if (db->oid == oid)
			return db;
	}
	db = MemoryContextAllocZero(TopMemoryContext, sizeof(Database));
	db->oid = oid;
	db->slot = rvd_slot_of(oid);
	databases = lappend(databases, db);
	return db;
}

/* A datconnlimit below -1: DROP DATABASE came to its half only. */
static void
list_databases(void)
{
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;
	MemoryContext before;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	before = MemoryContextSwitchTo(TopMemoryContext);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datallowconn && !form->datistemplate &&
			form->datconnlimit >= -1)
			database_of(form->oid)->is_there = true;
	}
	MemoryContextSwitchTo(before);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
}

static bool
is_busy(const Database *db)
{
	pid_t		pid;

	if (db->handle != NULL &&
		GetBackgroundWorkerPid(db->handle, &pid) != BGWH_STOPPED)
		return true;
	/* one that an earlier launcher has sent */
	return db->slot >= 0 && rvd_slot_pid(db->slot) != 0;
}

static void
free_slot(Database *db)
{
	if (db->slot >= 0)
		rvd_slot_free(db->slot);
	db->slot = -1;
}

static void
forget_dropped(void)
{
	ListCell   *cell;

	foreach (cell, databases)
	{
		Database   *db = lfirst(cell);

		if (!db->is_there && !is_busy(db))
		{
			free_slot(db);
			databases = foreach_delete_current(databases, cell);
			pfree(db);
		}
		else
			db->is_there = false;
	}
}

/* ---- visits ---- */

/* Takes note of a worker that has ended. */
static void
notice_end(Database *db)
{
	if (db->handle == NULL || is_busy(db))
		return;
	pfree(db->handle);
	db->handle = NULL;
	db->visited = GetCurrentTimestamp();
	if (db->slot >= 0 && !rvd_slot_has_extension(db->slot))
		free_slot(db);
}

static TimestampTz
next_visit(const Database *db)
{
	int64		interval = db->slot >= 0 ? rvd_worker_naptime :
									 rvd_worker_discovery;

	return db->visited == 0 ? 0 : db->visited + interval * 1000;
}

/* False if the server has no room for another process. */
static bool
send_worker(Database *db)
{
	BackgroundWorker worker = {0};
	MemoryContext before;
	bool		is_sent;

	if (db->slot < 0)
		db->slot = rvd_slot_take(db->oid);
	/* more databases than slots: the others are not served */
	if (db->slot < 0)
		return false;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "rvd_worker_main",
			sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name),
			 "ruvector worker for database %u", db->oid);
	strlcpy(worker.bgw_type, "ruvector worker", sizeof(worker.bgw_type));
	worker.bgw_main_arg = Int32GetDatum(db->slot);
	worker.bgw_notify_pid = MyProcPid;
	before = MemoryContextSwitchTo(TopMemoryContext);
	is_sent = RegisterDynamicBackgroundWorker(&worker, &db->handle);
	MemoryContextSwitchTo(before);
	if (!is_sent && !rvd_slot_has_extension(db->slot))
		free_slot(db);
	return is_sent;
}

static void
complain(void)
{
	static bool has_complained = false;

	if (!has_complained)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no room for a background worker of ruvector"),
				 errhint("Consider increasing \"max_worker_processes\".")));
	has_complained = true;
}

/* NULL if there is a worker everywhere. */
static Database *
longest_waiting(void)
{
	ListCell   *cell;
	Database   *first = NULL;

	foreach (cell, databases)
	{
		Database   *db = lfirst(cell);

		if (!is_busy(db) &&
			(first == NULL || next_visit(db) < next_visit(first)))
			first = db;
	}
	return first;
}

/*
 * Sends workers where it is time, the longest waiting first, and returns how
 * many milliseconds until there may be something to do again.
 */
static long
make_visits(void)
{
	int			running = 0;
	ListCell   *cell;
	TimestampTz now = GetCurrentTimestamp();
	long		sleep = 60000;
	Database   *first;

	foreach (cell, databases)
	{
		Database   *db = lfirst(cell);

		notice_end(db);
		running += is_busy(db) ? 1 : 0;
	}
	while (rvd_workers > 0 && (first = longest_waiting()) != NULL)
	{
		TimestampTz due = next_visit(first);

		if (due > now)
			return Min(sleep, TimestampDifferenceMilliseconds(now, due) + 1);
		/* a worker that ends wakes the launcher */
		if (running >= rvd_workers)
			break;
		if (send_worker(first))
			running++;
		else
		{
			complain();
			first->visited = now;
		}
	}
	return sleep;
}

void
rvd_launcher_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	before_shmem_exit(leave, (Datum) 0);
	set_launcher(MyProcPid);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	for (;;)
	{
		long		sleep;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		list_databases();
		forget_dropped();
		sleep = make_visits();
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 sleep, rvd_worker_wait_event());
		ResetLatch(MyLatch);
	}
}

/* Not before recovery is over: a standby has nothing to do. */
void
rvd_launcher_register(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_library_name, LIBRARY, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "rvd_launcher_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, "ruvector launcher", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "ruvector launcher", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}
