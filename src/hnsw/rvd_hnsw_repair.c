/*
 * rvd_hnsw_repair.c
 *		ruvector.index_repair: nodes follow their rows, lost links return.
 *
 * Three kinds of damage, worst first: nodes whose row has drifted from their
 * vector, nodes with few links, and nodes that nothing leads to.  A node is
 * repaired in a few steps, each one WAL record of one page; ending after any
 * of them leaves a sound index.  Vacuum is kept away, writers and readers are
 * not.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "commands/vacuum.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"
#include "types/rvd_vector.h"

typedef enum DamageKind
{
	DAMAGE_DRIFT,
	DAMAGE_FEW_LINKS
} DamageKind;

typedef struct Damage
{
	uint32		id;
	float		score;
	DamageKind	kind;
} Damage;

typedef struct Repair
{
	Relation	table;
	Relation	index;
	RvdStore	store;
	RvdPlacer	placer;
	MemoryContext context;		/* of everything */
	MemoryContext item_context; /* of one node's repair */

	IndexInfo  *info;
	EState	   *estate;
	TupleTableSlot *slot;
	IndexFetchTableData *fetch;
	Snapshot	snapshot;
	RvdDamageView view;

	Damage	   *damages;
	Size		ndamages;
	Size		room;
	int64		nlive;
	int64		left;			/* found, not repaired */
	int64		moved;
	int64		relinked;
	int64		tied;
} Repair;

/* ---- what there is to do ---- */

static void
note_damage(Repair *repair, uint32 id, float score, DamageKind kind)
{
	Size		most = (Size) maintenance_work_mem * 1024 / sizeof(Damage);

	if (repair->ndamages == repair->room)
	{
		if (repair->room >= most)
		{
			repair->left++;
			return;
		}
		repair->room = Min(repair->room * 2, Max(most, 1024));
		repair->damages = repalloc_huge(repair->damages,
										repair->room * sizeof(Damage));
	}
	repair->damages[repair->ndamages++] = (Damage){id, score, kind};
}

static void
look_at_node(Repair *repair, const RuvNode *node)
{
	const RuvLayout *layout = &repair->store.geometry->layout;
	int			room = ruv_node_room(layout, node->ntids);
	float		widest = rvd_widest_radius(&repair->view, node);

	repair->nlive++;
	if (isfinite(widest) && widest > rvd_harmless_radius(&repair->view, node))
		note_damage(repair, node->self, widest / fmaxf(node->norm, 1e-30f),
					DAMAGE_DRIFT);
	else if (rvd_has_few_links(&repair->view, node))
		note_damage(repair, node->self,
					1 - (float) node->nlinks / (float) room,
					DAMAGE_FEW_LINKS);
}

static void
look_at_page(Repair *repair, BlockNumber block)
{
	RvdStore   *store = &repair->store;
	RvdPin		pin;

	rvd_vacuum_delay();
	if (rvd_store_is_empty_page(store, block))
		return;
	rvd_store_get(store, block, false, RVD_KIND_NODE, &pin);
	for (int i = 0; i < store->geometry->layout.per_page; i++)
	{
		RuvNode	   *node = rvd_node_of(store, &pin, i);

		if (node->state == RUV_NODE_LIVE)
			look_at_node(repair, node);
	}
	rvd_store_release(store, &pin);
}

static int
compare_damages(const void *a, const void *b)
{
	float		x = ((const Damage *) a)->score;
	float		y = ((const Damage *) b)->score;

	return x > y ? -1 : x < y;
}

/* ---- a drifted node ---- */

/* The vector that the index should have for a row; NULL if nobody sees it. */
static RvdVector *
vector_of_row(Repair *repair, ItemPointer tid)
{
	ExprContext *econtext = GetPerTupleExprContext(repair->estate);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	bool		again = false;
	bool		all_dead;
	RvdVector  *vector;

	if (!table_index_fetch_tuple(repair->fetch, tid, repair->snapshot,
								 repair->slot, &again, &all_dead))
		return NULL;
	econtext->ecxt_scantuple = repair->slot;
	FormIndexDatum(repair->info, repair->slot, repair->estate, values, nulls);
	if (nulls[0])
		return NULL;
	vector = rvd_vector_of(values[0]);
	return rvd_hnsw_is_indexable(&repair->store.geometry->layout, vector) ?
		vector :
		NULL;
}

/*
 * Moves the node to its last row that is committed, if that has drifted.
 * Older versions have not long to live, newer ones may be rolled back.
 */
static bool
follow_row(Repair *repair, uint32 id)
{
	const RuvLayout *layout = &repair->store.geometry->layout;
	RuvNode	   *copy = palloc((Size) layout->record_bytes);
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(&repair->store, id, false, &pin);
	float		harmless;

	if (node == NULL)
		return false;
	memcpy(copy, node, (Size) layout->record_bytes);
	rvd_store_release(&repair->store, &pin);
	if (copy->state != RUV_NODE_LIVE)
		return false;
	harmless = rvd_harmless_radius(&repair->view, copy);
	for (int i = copy->ntids - 1; i >= 0; i--)
	{
		ItemPointerData tid;
		RvdVector  *vector;

		memcpy(&tid, ruv_node_tid(layout, copy, i), RUV_TID_BYTES);
		vector = vector_of_row(repair, &tid);
		if (vector == NULL)
			continue;
		return ruv_node_radius(layout, copy, i) > harmless &&
			rvd_recentre(&repair->placer, id, vector->x, &tid);
	}
	return false;
}

/* False if there was nothing to do: of a drifted node only old versions. */
static bool
repair_node(Repair *repair, const Damage *damage)
{
	MemoryContext old = MemoryContextSwitchTo(repair->item_context);
	bool		is_done = false;

	switch (damage->kind)
	{
		case DAMAGE_DRIFT:
			is_done = follow_row(repair, damage->id);
			repair->moved += is_done;
			break;
		case DAMAGE_FEW_LINKS:
			is_done = rvd_replace_links(&repair->placer, damage->id);
			repair->relinked += is_done;
			break;
	}
	RVD_DEBUG_POINT("repair-between-nodes");
	ResetPerTupleExprContext(repair->estate);
	MemoryContextSwitchTo(old);
	MemoryContextReset(repair->item_context);
	return is_done;
}

/* ---- the whole ---- */

static void
repair_open(Repair *repair)
{
	Relation	index = repair->index;

	repair->context = AllocSetContextCreate(CurrentMemoryContext,
											"ruvector hnsw repair",
											ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(repair->context);
	repair->item_context = AllocSetContextCreate(repair->context,
												 "ruvector hnsw repair item",
												 ALLOCSET_DEFAULT_SIZES);
	rvd_store_open(&repair->store, index, RVD_LOGGED);
	rvd_placer_init(&repair->placer, &repair->store, repair->context,
					pg_prng_uint64(&pg_global_prng_state));
	rvd_damage_view_init(&repair->view, &repair->store);
	repair->info = BuildIndexInfo(index);
	repair->estate = CreateExecutorState();
	repair->slot = table_slot_create(repair->table, NULL);
	repair->snapshot = RegisterSnapshot(GetLatestSnapshot());
	repair->fetch = table_index_fetch_begin(repair->table);
	repair->room = 1024;
	repair->damages = palloc(repair->room * sizeof(Damage));
}

static void
repair_close(Repair *repair)
{
	table_index_fetch_end(repair->fetch);
	UnregisterSnapshot(repair->snapshot);
	ExecDropSingleTupleTableSlot(repair->slot);
	FreeExecutorState(repair->estate);
}

static void
run_repair(Repair *repair, int64 budget)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(repair->index);
	RvdWalk		walk;

	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < nblocks; b++)
		look_at_page(repair, b);
	qsort(repair->damages, repair->ndamages, sizeof(Damage), compare_damages);
	for (Size i = 0; i < repair->ndamages; i++)
	{
		if (budget <= 0)
		{
			repair->left += (int64) (repair->ndamages - i);
			return;
		}
		if (repair->damages[i].kind == DAMAGE_FEW_LINKS &&
			rvd_is_small_graph(repair->store.geometry, repair->nlive))
			continue;
		rvd_vacuum_delay();
		/* what stays as it is shall not keep the others from their turn */
		budget -= repair_node(repair, &repair->damages[i]);
	}
	rvd_walk_begin(&walk, &repair->placer,
				   rvd_id_of(repair->store.geometry, nblocks, 0),
				   repair->context);
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < nblocks; b++)
		repair->tied += rvd_walk_tie_page(&walk, b, budget - repair->tied);
}

RVD_FUNCTION(rvd_index_repair);
Datum
rvd_index_repair(PG_FUNCTION_ARGS)
{
	Oid			oid;
	Oid			table;
	int64		budget = PG_ARGISNULL(1) ? INT64_MAX : PG_GETARG_INT32(1);
	MemoryContext old = CurrentMemoryContext;
	Repair		repair = {0};
	Datum		values[4];
	Oid			user;
	int			security;
	int			nest;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	oid = PG_GETARG_OID(0);
	if (budget < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("budget must not be negative")));
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot repair an index during recovery")));
	/* this lock keeps vacuum, and another repair, away */
	table = rvd_lock_table_of(oid, ShareUpdateExclusiveLock);
	repair.index = rvd_open_hnsw_index(oid, RowExclusiveLock);
	repair.table = table_open(table, NoLock);

	/* the index's expressions are the owner's code */
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(repair.table->rd_rel->relowner,
						   security | SECURITY_RESTRICTED_OPERATION);
	nest = NewGUCNestLevel();
	rvd_restrict_search_path();

	repair_open(&repair);
	run_repair(&repair, budget);
	repair_close(&repair);

	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, security);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(repair.context);
	table_close(repair.table, NoLock);
	relation_close(repair.index, NoLock);

	values[0] = Int64GetDatum(repair.moved);
	values[1] = Int64GetDatum(repair.relinked);
	values[2] = Int64GetDatum(repair.tied);
	values[3] = Int64GetDatum(repair.left);
	PG_RETURN_DATUM(rvd_make_row(fcinfo, values, 4));
}
