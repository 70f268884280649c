/*
 * rvd_hnsw_place.c
 *		A row enters the graph: a node that takes it, or one of its own.
 *
 * Each change is one WAL record of one page (README.md, "WAL").
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_kernels.h"

/* From so many rows on, those that are gone from the heap are looked for. */
#define MANY_ROWS 4

/*
 * Of many equal vectors a search visits some, whose nodes may all be full.
 * The newest, which has room, is linked from the nearest candidate, because
 * force_link put it there.  0 if there is none.
 */
static uint32
twin_of(RvdPlacer *placer)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	uint32		ids[RUV_MAX_LINKS];
	int			n = 0;
	RvdPin		pin;
	RuvNode	   *node;

	if (placer->ncandidates == 0 ||
		!ruv_link_is_twin(layout, placer->record->residual,
						  placer->candidates[0].distance))
		return 0;
	node = rvd_store_node(store, placer->candidates[0].id, false, &pin);
	if (node == NULL)
		return 0;
	for (; n < node->nlinks; n++)
		ids[n] = ruv_node_link(layout, node, n);
	rvd_store_release(store, &pin);
	for (int i = 0; i < n; i++)
	{
		bool		has_room;

		CHECK_FOR_INTERRUPTS();
		node = rvd_store_node(store, ids[i], false, &pin);
		if (node == NULL)
			continue;
		has_room = node->state == RUV_NODE_LIVE &&
			node->ntids < RUV_MAX_TIDS &&
			ruv_node_same_image(node, placer->record, layout);
		rvd_store_release(store, &pin);
		if (has_room)
			return ids[i];
	}
	return 0;
}

/*
 * Rows of a locked node that vacuum would take out: bit i for row i.  With
 * few rows there is no need to look.
 */
static uint32
gone_rows(const RvdPlacer *placer, const RuvNode *node)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	uint32		gone = 0;

	if (placer->update == NULL || node->ntids < MANY_ROWS)
		return 0;
	for (int i = 0; i < node->ntids; i++)
	{
		ItemPointerData tid;

		memcpy(&tid, ruv_node_tid(layout, node, i), RUV_TID_BYTES);
		if (rvd_update_row_is_gone(placer->update, &tid))
			gone |= (uint32) 1 << i;
	}
	return gone;
}

/*
 * Attaches the row to node `id`.  False if the node changed in the meantime,
 * or is full.
 */
static bool
attach(RvdPlacer *placer, uint32 id, ItemPointer tid)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RvdChange	change;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, id, true, &pin);
	float		radius = placer->record->residual;
	uint32		gone;
	bool		may_join;
	Page		page;

	if (node == NULL)
		return false;
	gone = gone_rows(placer, node);
	may_join = ruv_node_same_image(node, placer->record, layout) ||
		(placer->update != NULL &&
		 rvd_is_within_reach(placer, node,
							 ruv_node_distance(&placer->query, node),
							 &radius));
	if (!may_join || node->state != RUV_NODE_LIVE ||
		node->ntids - pg_popcount32(gone) >= RUV_MAX_TIDS)
	{
		rvd_store_release(store, &pin);
		return false;
	}
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin.buffer, pin.page, false);
	node = rvd_raw_node(store->geometry, page,
						rvd_slot_of(store->geometry, id));
	/* from the end, because a removed row is replaced by the last */
	for (int i = node->ntids - 1; i >= 0; i--)
		if ((gone >> i & 1) != 0)
			ruv_node_drop_row(layout, node, i);
	if (!ruv_node_add_row(layout, rvd_kernels, node, tid, radius))
		elog(ERROR, "node %u has no room for a row", id);
	node->norm = Max(node->norm, placer->record->norm);
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
	return true;
}

/* Writes placer->record into a free slot: one WAL record.  0: no room. */
static uint32
write_node(RvdPlacer *placer)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RvdChange	change;
	RvdPin		pin;
	Page		page;
	bool		fresh;
	int			slot;
	uint32		id;

	if (!rvd_store_free_slot(store, &pin, &slot, &fresh))
		return 0;
	id = rvd_id_of(store->geometry, pin.block, slot);
	placer->record->self = id;
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin.buffer, pin.page, fresh);
	if (fresh)
	{
		rvd_init_page(page, RVD_KIND_NODE,
					  (uint32) (layout->per_page * layout->record_bytes));
		memset(PageGetContents(page), 0,
			   (Size) layout->per_page * layout->record_bytes);
	}
	memcpy(rvd_raw_node(store->geometry, page, slot), placer->record,
		   (Size) layout->record_bytes);
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
	return id;
}

/*
 * Keeps the entry table a random sample of the nodes: each new one replaces
 * an entry with the probability of reservoir sampling, the number of nodes
 * being read off the number of pages.
 */
static void
sample_entry(RvdPlacer *placer, uint32 id)
{
	const RvdGeometry *geometry = placer->store->geometry;
	double		nodes = (double) rvd_block_of(geometry, id) *
		geometry->layout.per_page;

	if (placer->nentries < geometry->entry_room)
		rvd_add_entry(placer, id, placer->query.x, false);
	else if (pg_prng_double(&placer->prng) * nodes < geometry->entry_room)
		rvd_add_entry(placer, id, placer->query.x, true);
}

/* How far a new version may be from its old one's node to be attached. */
static float
reach_of(const RvdPlacer *placer)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	float		norm = (float) placer->query.norm;

	if (layout->metric == RUV_METRIC_L1)
	{
		norm = 0;
		for (int i = 0; i < layout->padded; i++)
			norm += fabsf(placer->query.x[i]);
	}
	return norm * (float) rvd_hnsw_option_reinsert(placer->store->index);
}

/* Where the row is to be attached; 0: it gets a node of its own. */
static uint32
find_place(RvdPlacer *placer, ItemPointer tid)
{
	RvdRowPlace place = {0, 0};

	rvd_find_candidates(placer, 0, &place);
	if (place.twin == 0 && place.ball == 0)
		place.twin = twin_of(placer);
	if (place.twin != 0 && attach(placer, place.twin, tid))
		return place.twin;
	if (place.ball != 0 && attach(placer, place.ball, tid))
		return place.ball;
	if (place.twin != 0 || place.ball != 0)
		rvd_find_candidates(placer, 0, NULL);
	return 0;
}

bool
rvd_place(RvdPlacer *placer, const float *vector, ItemPointer tid,
		  RvdUpdate *update)
{
	RvdStore   *store = placer->store;
	const RvdGeometry *geometry = store->geometry;
	int			chosen[RUV_MAX_LINKS];
	uint32		id;
	int			n;

	ruv_query_init(&placer->query, &geometry->layout, rvd_kernels,
				   &geometry->rotation, vector, placer->query_memory);
	ruv_node_init(&placer->query, placer->record, 0);
	placer->update = update;
	if (update != NULL)
		placer->reach = reach_of(placer);
	if (find_place(placer, tid) != 0)
		return true;

	if (!ruv_node_add_row(&geometry->layout, rvd_kernels, placer->record, tid,
						  placer->record->residual))
		elog(ERROR, "fresh node has no room for a row");
	n = rvd_choose_links(placer, chosen);
	id = write_node(placer);
	if (id == 0)
		return false;
	RVD_DEBUG_POINT("insert-after-node");
	rvd_offer_links(placer, id, chosen, n);
	RVD_DEBUG_POINT("insert-before-entry");
	sample_entry(placer, id);
	return true;
}
