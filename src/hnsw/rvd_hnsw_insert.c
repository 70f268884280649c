/*
 * rvd_hnsw_insert.c
 *		aminsert: one row enters the index.
 */
#include "postgres.h"

#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "types/rvd_vector.h"

bool
rvd_hnsw_is_indexable(const RuvLayout *layout, const RvdVector *vector)
{
	if (vector->dims != layout->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", layout->dims,
						vector->dims)));
	if (layout->metric != RUV_METRIC_COSINE)
		return true;
	for (int i = 0; i < vector->dims; i++)
		if (vector->x[i] != 0)
			return true;
	return false;
}

/* What the rows of one statement share. */
typedef struct InsertState
{
	MemoryContext row_context;
	RvdStore	store;
	RvdPlacer	placer;
} InsertState;

static InsertState *
insert_state(Relation index, struct IndexInfo *info)
{
	InsertState *state = info->ii_AmCache;
	MemoryContext context;
	MemoryContext old;

	if (state != NULL)
	{
		/* the descriptor may have been built anew between two rows */
		state->store.index = index;
		return state;
	}
	context = AllocSetContextCreate(info->ii_Context, "ruvector hnsw insert",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	state = palloc0(sizeof(InsertState));
	state->row_context = AllocSetContextCreate(context,
											   "ruvector hnsw insert row",
											   ALLOCSET_DEFAULT_SIZES);
	rvd_store_open(&state->store, index, RVD_LOGGED);
	rvd_placer_init(&state->placer, &state->store, context,
					pg_prng_uint64(&pg_global_prng_state));
	MemoryContextSwitchTo(old);
	info->ii_AmCache = state;
	return state;
}

bool
rvd_hnsw_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
				Relation heap, IndexUniqueCheck check_unique,
				bool index_unchanged, struct IndexInfo *info)
{
	InsertState *state;
	MemoryContext old;
	RvdVector  *vector;
	RvdUpdate	update;
	bool		is_update;

	if (isnull[0])
		return false;

	state = insert_state(index, info);
	old = MemoryContextSwitchTo(state->row_context);
	vector = rvd_vector_of(values[0]);
	if (rvd_hnsw_is_indexable(&state->store.geometry->layout, vector))
	{
		is_update = rvd_update_begin(&update, heap, tid, index_unchanged);

		/* vacuum waits for us before it frees nodes (README.md, barrier) */
		LockPage(index, RVD_META_BLOCK, ShareLock);
		if (!rvd_place(&state->placer, vector->x, tid,
					   is_update ? &update : NULL))
			elog(ERROR, "no room for a new node in index \"%s\"",
				 RelationGetRelationName(index));
		UnlockPage(index, RVD_META_BLOCK, ShareLock);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->row_context);
	return false;
}
