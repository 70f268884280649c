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

bool
rvd_hnsw_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
				Relation heap, IndexUniqueCheck check_unique,
				bool index_unchanged, struct IndexInfo *info)
{
	MemoryContext context;
	MemoryContext old;
	RvdStore	store;
	RvdPlacer	placer;
	RvdVector  *vector;

	if (isnull[0])
		return false;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"ruvector hnsw insert",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	vector = rvd_vector_of(values[0]);
	rvd_store_open(&store, index, RVD_LOGGED);
	if (rvd_hnsw_is_indexable(&store.geometry->layout, vector))
	{
		rvd_placer_init(&placer, &store, context,
						pg_prng_uint64(&pg_global_prng_state));

		/* vacuum waits for us before it frees nodes (README.md, barrier) */
		LockPage(index, RVD_META_BLOCK, ShareLock);
		if (!rvd_place(&placer, vector->x, tid))
			elog(ERROR, "no room for a new node in index \"%s\"",
				 RelationGetRelationName(index));
		UnlockPage(index, RVD_META_BLOCK, ShareLock);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return false;
}
