/*
 * rvd_hnsw_build.c
 *		ambuild and ambuildempty.
 *
 * A build runs INSERT's own algorithm.  While the pages fit into
 * maintenance_work_mem they are plain memory, without buffers, locks or WAL;
 * when they no longer fit, or at the end, they are written out as they are,
 * and what is left goes through shared buffers.  The finished file is logged
 * page by page.  With parallel workers the memory is shared and each page has
 * an LWLock.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"
#include "types/rvd_vector.h"

/* What all processes of a build share. */
typedef struct BuildShared
{
	/* fixed before the workers start */
	Oid			heap_oid;
	Oid			index_oid;
	bool		is_concurrent;
	int			nparticipants;
	BlockNumber area_room;
	RvdMetaPage meta;

	/* the area and what is in it */
	pg_atomic_uint32 used;
	pg_atomic_uint32 target;
	LWLock		flush_lock;		/* shared to place into memory, exclusive to
								 * write the memory out */
	bool		is_flushed;

	/* progress and results, under the mutex */
	slock_t		mutex;
	ConditionVariable done;
	int			ndone;
	double		heap_tuples;
	int64		index_tuples;
	bool		broken_hot_chain;	/* IndexInfo's, of any process */
} BuildShared;

typedef struct BuildState
{
	Relation	index;
	BuildShared *shared;
	RvdArea		area;
	RvdGeometry *geometry;
	RvdStore	store;			/* private until flushed, then buffers */
	RvdPlacer	placer;
	MemoryContext row_context;
	bool		is_private;
} BuildState;

#define KEY_SHARED UINT64CONST(0xD371A00000000001)
#define KEY_AREA UINT64CONST(0xD371A00000000002)
#define KEY_LOCKS UINT64CONST(0xD371A00000000003)
#define KEY_QUERY UINT64CONST(0xD371A00000000004)

/* Like pgvector: what a parallel build keeps back for other uses. */
#define PARALLEL_RESERVE ((Size) 3 * 1024 * 1024)

static int	build_tranche = 0;

static void
init_shared(BuildShared *shared, Relation heap, Relation index,
			bool is_concurrent, BlockNumber room)
{
	if (build_tranche == 0)
		build_tranche = LWLockNewTrancheId();
	LWLockRegisterTranche(build_tranche, "RuvectorDeltaBuild");
	memset(shared, 0, sizeof(*shared));
	shared->heap_oid = RelationGetRelid(heap);
	shared->index_oid = RelationGetRelid(index);
	shared->is_concurrent = is_concurrent;
	shared->area_room = room;
	pg_atomic_init_u32(&shared->used, RVD_FIRST_NODE_BLOCK);
	pg_atomic_init_u32(&shared->target, 0);
	LWLockInitialize(&shared->flush_lock, build_tranche);
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->done);
	rvd_hnsw_make_geometry(index, &shared->meta);
}

/* Attaches this process to the build; pages is the area's memory. */
static void
open_state(BuildState *state, Relation index, BuildShared *shared,
		   char *pages, LWLock *locks, uint64 seed)
{
	state->index = index;
	state->shared = shared;
	state->area.pages = pages;
	state->area.locks = locks;
	state->area.room = shared->area_room;
	state->area.used = &shared->used;
	state->area.target = &shared->target;
	state->geometry = rvd_geometry_from_meta(index, &shared->meta,
											 CurrentMemoryContext);
	state->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "ruvector hnsw build row",
											   ALLOCSET_DEFAULT_SIZES);
	state->store.index = index;
	state->store.geometry = state->geometry;
	state->store.nblocks = 0;
	state->store.hint_base = 0;
	state->store.area = &state->area;
	state->is_private = true;
	state->store.durability = RVD_PRIVATE;
	rvd_placer_init(&state->placer, &state->store, CurrentMemoryContext,
					seed);
}

/*
 * Writes the area out, in the order of its blocks, to the empty file.  The
 * caller holds flush_lock exclusively or is alone.
 */
static void
flush_area(BuildState *state)
{
	BuildShared *shared = state->shared;
	BlockNumber used = pg_atomic_read_u32(&shared->used);

	if (shared->area_room < RVD_FIRST_NODE_BLOCK)
	{
		RvdStore	store = state->store;

		store.durability = RVD_BUILDING;
		rvd_write_first_pages(&store, MAIN_FORKNUM, &shared->meta);
	}
	else
	{
		for (BlockNumber block = 0; block < used; block++)
		{
			Buffer		buffer = ReadBuffer(state->index, P_NEW);

			CHECK_FOR_INTERRUPTS();
			Assert(BufferGetBlockNumber(buffer) == block);
			LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
			memcpy(BufferGetPage(buffer),
				   state->area.pages + (Size) block * BLCKSZ, BLCKSZ);
			MarkBufferDirty(buffer);
			UnlockReleaseBuffer(buffer);
		}
	}
	shared->is_flushed = true;
}

static void
use_buffers(BuildState *state)
{
	state->is_private = false;
	state->store.durability = RVD_BUILDING;
}

/* Places into memory; false when it is full or somebody flushed it. */
static bool
place_in_memory(BuildState *state, const float *x, ItemPointer tid)
{
	BuildShared *shared = state->shared;
	bool		placed;

	LWLockAcquire(&shared->flush_lock, LW_SHARED);
	placed = !shared->is_flushed &&
		shared->area_room > RVD_FIRST_NODE_BLOCK &&
		rvd_place(&state->placer, x, tid, NULL);
	LWLockRelease(&shared->flush_lock);
	if (placed)
		return true;

	LWLockAcquire(&shared->flush_lock, LW_EXCLUSIVE);
	if (!shared->is_flushed)
	{
		ereport(NOTICE,
				(errmsg("hnsw graph no longer fits into maintenance_work_mem "
						"after " INT64_FORMAT " tuples",
						shared->index_tuples),
				 errdetail("Building will take significantly more time."),
				 errhint("Increase maintenance_work_mem to speed up builds.")));
		flush_area(state);
	}
	LWLockRelease(&shared->flush_lock);
	use_buffers(state);
	return false;
}

static void
build_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		  bool is_alive, void *argument)
{
	BuildState *state = argument;
	BuildShared *shared = state->shared;
	MemoryContext old;
	RvdVector  *vector;

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(state->row_context);
	vector = rvd_vector_of(values[0]);
	if (rvd_hnsw_is_indexable(&state->geometry->layout, vector))
	{
		int64		count;

		if (!state->is_private ||
			!place_in_memory(state, vector->x, tid))
		{
			if (!rvd_place(&state->placer, vector->x, tid, NULL))
				elog(ERROR, "no room for a new node in index \"%s\"",
					 RelationGetRelationName(index));
		}
		SpinLockAcquire(&shared->mutex);
		count = ++shared->index_tuples;
		SpinLockRelease(&shared->mutex);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, count);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->row_context);
}

/* ---- parallel build ---- */

static void
scan_heap(BuildState *state, Relation heap, IndexInfo *info,
		  TableScanDesc scan)
{
	BuildShared *shared = state->shared;
	double		tuples;

	tuples = table_index_build_scan(heap, state->index, info, true,
									scan == NULL, build_row, state, scan);
	SpinLockAcquire(&shared->mutex);
	shared->heap_tuples += tuples;
	shared->broken_hot_chain |= info->ii_BrokenHotChain;
	shared->ndone++;
	SpinLockRelease(&shared->mutex);
	ConditionVariableSignal(&shared->done);
}

static ParallelTableScanDesc
table_scan_of(BuildShared *shared)
{
	return (ParallelTableScanDesc) ((char *) shared +
									BUFFERALIGN(sizeof(BuildShared)));
}

/* What a worker runs; found by name in this library. */
extern PGDLLEXPORT void rvd_hnsw_build_worker(dsm_segment *seg, shm_toc *toc);

void
rvd_hnsw_build_worker(dsm_segment *seg, shm_toc *toc)
{
	BuildShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	char	   *pages = shm_toc_lookup(toc, KEY_AREA, false);
	LWLock	   *locks = shm_toc_lookup(toc, KEY_LOCKS, false);
	LOCKMODE	heap_lock = shared->is_concurrent ? ShareUpdateExclusiveLock :
												 ShareLock;
	LOCKMODE	index_lock = shared->is_concurrent ? RowExclusiveLock :
												  AccessExclusiveLock;
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	BuildState	state;

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	LWLockRegisterTranche(shared->flush_lock.tranche, "RuvectorDeltaBuild");

	heap = table_open(shared->heap_oid, heap_lock);
	index = index_open(shared->index_oid, index_lock);
	info = BuildIndexInfo(index);
	info->ii_Concurrent = shared->is_concurrent;
	open_state(&state, index, shared, pages, locks,
			   (uint64) ParallelWorkerNumber + 2);
	scan_heap(&state, heap, info,
			  table_beginscan_parallel(heap, table_scan_of(shared)));
	index_close(index, index_lock);
	table_close(heap, heap_lock);
}

static Snapshot
build_snapshot(bool is_concurrent)
{
	return is_concurrent ? RegisterSnapshot(GetTransactionSnapshot()) :
						   SnapshotAny;
}

static Size
query_bytes(void)
{
	return strlen(debug_query_string) + 1;
}

/* The statement, for the workers' entries in pg_stat_activity. */
static void
share_query(ParallelContext *context)
{
	char	   *query;

	if (debug_query_string == NULL)
		return;
	query = shm_toc_allocate(context->toc, query_bytes());
	strlcpy(query, debug_query_string, query_bytes());
	shm_toc_insert(context->toc, KEY_QUERY, query);
}

/* Leaves parallel mode; the snapshot is a transaction's or SnapshotAny. */
static void
end_parallel(ParallelContext *context, Snapshot snapshot)
{
	if (IsMVCCSnapshot(snapshot))
		UnregisterSnapshot(snapshot);
	DestroyParallelContext(context);
	ExitParallelMode();
}

/*
 * Builds with `wanted` workers besides this process.  False if not a single
 * one could be started; nothing has happened then.
 */
static bool
build_parallel(Relation heap, Relation index, IndexInfo *info, int wanted,
			   IndexBuildResult *result)
{
	bool		is_concurrent = info->ii_Concurrent;
	Size		budget = (Size) maintenance_work_mem * 1024;
	BlockNumber room;
	ParallelContext *context;
	Snapshot	snapshot;
	Size		shared_bytes;
	BuildShared *shared;
	BuildState	state;
	char	   *pages;
	LWLock	   *locks;

	budget = budget > PARALLEL_RESERVE ? budget - PARALLEL_RESERVE : 0;
	room = (BlockNumber) Min(budget / (BLCKSZ + sizeof(LWLock)),
							 (Size) MaxBlockNumber);

	EnterParallelMode();
	context = CreateParallelContext("ruvector_delta", "rvd_hnsw_build_worker",
									wanted);
	snapshot = build_snapshot(is_concurrent);
	shared_bytes = BUFFERALIGN(sizeof(BuildShared)) +
		table_parallelscan_estimate(heap, snapshot);
	shm_toc_estimate_chunk(&context->estimator, shared_bytes);
	shm_toc_estimate_chunk(&context->estimator,
						   mul_size(Max(room, 1), BLCKSZ));
	shm_toc_estimate_chunk(&context->estimator,
						   mul_size(Max(room, 1), sizeof(LWLock)));
	shm_toc_estimate_keys(&context->estimator, 3);
	if (debug_query_string)
	{
		shm_toc_estimate_chunk(&context->estimator, query_bytes());
		shm_toc_estimate_keys(&context->estimator, 1);
	}
	InitializeParallelDSM(context);
	if (context->seg == NULL)
	{
		end_parallel(context, snapshot);
		return false;
	}

	shared = shm_toc_allocate(context->toc, shared_bytes);
	init_shared(shared, heap, index, is_concurrent, room);
	table_parallelscan_initialize(heap, table_scan_of(shared), snapshot);
	pages = shm_toc_allocate(context->toc, mul_size(Max(room, 1), BLCKSZ));
	locks = shm_toc_allocate(context->toc,
							 mul_size(Max(room, 1), sizeof(LWLock)));
	for (BlockNumber i = 0; i < room; i++)
		LWLockInitialize(&locks[i], build_tranche);
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	shm_toc_insert(context->toc, KEY_AREA, pages);
	shm_toc_insert(context->toc, KEY_LOCKS, locks);
	share_query(context);

	open_state(&state, index, shared, pages, locks, 1);
	if (room >= RVD_FIRST_NODE_BLOCK)
		rvd_write_first_pages(&state.store, MAIN_FORKNUM, &shared->meta);
	LaunchParallelWorkers(context);
	ereport(DEBUG1,
			(errmsg("using %d parallel workers", context->nworkers_launched)));
	if (context->nworkers_launched > 0)
		WaitForParallelWorkersToAttach(context);
	shared->nparticipants = context->nworkers_launched + 1;

	/* this process takes part too */
	scan_heap(&state, heap, info,
			  table_beginscan_parallel(heap, table_scan_of(shared)));
	WaitForParallelWorkersToFinish(context);
	info->ii_BrokenHotChain |= shared->broken_hot_chain;
	if (!shared->is_flushed)
		flush_area(&state);
	result->heap_tuples = shared->heap_tuples;
	result->index_tuples = (double) shared->index_tuples;
	end_parallel(context, snapshot);
	return true;
}

static void
build_serial(Relation heap, Relation index, IndexInfo *info,
			 IndexBuildResult *result)
{
	BlockNumber room = (BlockNumber)
		Min((Size) maintenance_work_mem * 1024 / BLCKSZ,
			(Size) MaxBlockNumber);
	BuildShared *shared = palloc(sizeof(BuildShared));
	BuildState	state;
	char	   *pages;

	/* the kernel gives memory to pages when they are first touched */
	pages = MemoryContextAllocHuge(CurrentMemoryContext,
								   mul_size(Max(room, 1), BLCKSZ));
	init_shared(shared, heap, index, info->ii_Concurrent, room);
	open_state(&state, index, shared, pages, NULL, 1);
	if (room >= RVD_FIRST_NODE_BLOCK)
		rvd_write_first_pages(&state.store, MAIN_FORKNUM, &shared->meta);
	scan_heap(&state, heap, info, NULL);
	if (!shared->is_flushed)
		flush_area(&state);
	result->heap_tuples = shared->heap_tuples;
	result->index_tuples = (double) shared->index_tuples;
	pfree(pages);
	pfree(shared);
}

/* How many workers to ask for; the table's own setting wins. */
static int
wanted_workers(Relation heap, Relation index)
{
	int			workers = RelationGetParallelWorkers(heap, -1);

	if (plan_create_index_workers(RelationGetRelid(heap),
								  RelationGetRelid(index)) == 0)
		return 0;
	if (workers < 0)
		workers = plan_create_index_workers(RelationGetRelid(heap),
											RelationGetRelid(index));
	return Min(workers, max_parallel_maintenance_workers);
}

IndexBuildResult *
rvd_hnsw_build(Relation heap, Relation index, IndexInfo *info)
{
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ruvector hnsw build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RvdMetaPage meta;
	int			workers;

	/* refuse before any work */
	rvd_hnsw_make_geometry(index, &meta);
	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data",
			 RelationGetRelationName(index));

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE,
								 RVD_PROGRESS_PHASE_LOAD);
	workers = wanted_workers(heap, index);
	if (workers == 0 || !build_parallel(heap, index, info, workers, result))
		build_serial(heap, index, info, result);

	RVD_DEBUG_POINT("build-before-log");
	rvd_log_whole_fork(index, MAIN_FORKNUM);
	RVD_DEBUG_POINT("build-after-log");

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

/* The initialisation fork of an unlogged index. */
void
rvd_hnsw_buildempty(Relation index)
{
	RvdMetaPage meta;
	RvdStore	store = {.index = index, .durability = RVD_BUILDING};

	rvd_hnsw_make_geometry(index, &meta);
	rvd_write_first_pages(&store, INIT_FORKNUM, &meta);
	rvd_log_whole_fork(index, INIT_FORKNUM);
}
