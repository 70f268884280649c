/*
 * rvd_hnsw_damage.c
 *		What updates and deletes left behind in an index: how it is recognised,
 *		and ruvector.index_damage, which counts it.
 *
 * The count reads every page twice, once in order and once along the links,
 * and keeps two bits a node.  It takes no lock that keeps anybody out, so
 * while others write its numbers are close, not exact.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_kernels.h"

/* ---- one node ---- */

void
rvd_damage_view_init(RvdDamageView *view, const RvdStore *store)
{
	view->geometry = store->geometry;
	view->soft_update = (float) rvd_hnsw_option_soft_update(store->index);
	view->scratch = palloc((Size) store->geometry->layout.padded *
						   sizeof(float));
}

float
rvd_harmless_radius(const RvdDamageView *view, const RuvNode *node)
{
	const RuvLayout *layout = &view->geometry->layout;
	float		norm = node->norm;

	if (layout->metric == RUV_METRIC_L1)
	{
		norm = 0;
		ruv_node_decode(layout, rvd_kernels, node, view->scratch);
		for (int i = 0; i < layout->padded; i++)
			norm += fabsf(view->scratch[i]);
	}
	return fmaxf(norm * view->soft_update, node->residual * 1.5f);
}

float
rvd_widest_radius(const RvdDamageView *view, const RuvNode *node)
{
	const RuvLayout *layout = &view->geometry->layout;
	float		widest = 0;

	for (int i = 0; i < node->ntids; i++)
		widest = fmaxf(widest, ruv_node_radius(layout, node, i));
	return widest;
}

bool
rvd_has_few_links(const RvdDamageView *view, const RuvNode *node)
{
	return node->nlinks * 2 <
		ruv_node_room(&view->geometry->layout, node->ntids);
}

/* ---- all of them ---- */

typedef struct Damages
{
	RvdStore	store;
	RvdPlacer	placer;
	RvdDamageView view;
	RvdNodeSet	live;
	int64		nlive;
	int64		ndead;
	int64		drifted;
	int64		few_links;
	int64		orphans;
	int64		rows;
	int64		stale_rows;
} Damages;

static void
count_live_node(Damages *damages, const RuvNode *node)
{
	const RuvLayout *layout = &damages->store.geometry->layout;
	float		harmless = rvd_harmless_radius(&damages->view, node);
	int			nstale = 0;

	for (int i = 0; i < node->ntids; i++)
		nstale += ruv_node_radius(layout, node, i) > harmless;
	damages->nlive++;
	damages->rows += node->ntids;
	damages->stale_rows += nstale;
	damages->drifted += nstale > 0;
	damages->few_links += rvd_has_few_links(&damages->view, node);
	rvd_set_add(&damages->live, node->self);
}

static void
count_page(Damages *damages, BlockNumber block)
{
	RvdStore   *store = &damages->store;
	RvdPin		pin;

	rvd_vacuum_delay();
	if (rvd_store_is_empty_page(store, block))
		return;
	rvd_store_get(store, block, false, RVD_KIND_NODE, &pin);
	for (int i = 0; i < store->geometry->layout.per_page; i++)
	{
		RuvNode	   *node = rvd_node_of(store, &pin, i);

		if (node->state == RUV_NODE_LIVE)
			count_live_node(damages, node);
		else if (node->state == RUV_NODE_DEAD)
			damages->ndead++;
	}
	rvd_store_release(store, &pin);
}

static bool
is_still_live(RvdStore *store, uint32 id)
{
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, id, false, &pin);
	bool		is_live;

	if (node == NULL)
		return false;
	is_live = node->state == RUV_NODE_LIVE;
	rvd_store_release(store, &pin);
	return is_live;
}

/*
 * Nodes that were live before the walk and were not met by it.  Vacuum may
 * have taken one away in between.
 */
static void
count_orphans(Damages *damages, const RvdNodeSet *reached)
{
	for (uint32 id = 0; id < damages->live.nbits; id++)
	{
		if (id % 4096 == 0)
			rvd_vacuum_delay();
		damages->orphans += rvd_set_has(&damages->live, id) &&
			!rvd_set_has(reached, id) && is_still_live(&damages->store, id);
	}
}

RVD_FUNCTION(rvd_index_damage);
Datum
rvd_index_damage(PG_FUNCTION_ARGS)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "ruvector hnsw damage",
												  ALLOCSET_DEFAULT_SIZES);
	Damages		damages = {0};
	Relation	index;
	RvdWalk		walk;
	BlockNumber nblocks;
	Datum		values[7];

	(void) rvd_lock_table_of(PG_GETARG_OID(0), AccessShareLock);
	index = rvd_open_hnsw_index(PG_GETARG_OID(0), AccessShareLock);
	MemoryContextSwitchTo(context);
	rvd_store_open(&damages.store, index, RVD_LOGGED);
	rvd_placer_init(&damages.placer, &damages.store, context, 0);
	rvd_damage_view_init(&damages.view, &damages.store);
	nblocks = RelationGetNumberOfBlocks(index);
	rvd_set_grow(&damages.live, rvd_id_of(damages.store.geometry, nblocks, 0),
				 context);
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < nblocks; b++)
		count_page(&damages, b);
	if (rvd_is_small_graph(damages.store.geometry, damages.nlive))
		damages.few_links = 0;
	rvd_walk_begin(&walk, &damages.placer, damages.live.nbits, context);
	count_orphans(&damages, &walk.reached);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	relation_close(index, NoLock);

	values[0] = Int64GetDatum(damages.nlive);
	values[1] = Int64GetDatum(damages.drifted);
	values[2] = Int64GetDatum(damages.few_links);
	values[3] = Int64GetDatum(damages.orphans);
	values[4] = Int64GetDatum(damages.ndead);
	values[5] = Int64GetDatum(damages.rows);
	values[6] = Int64GetDatum(damages.stale_rows);
	PG_RETURN_DATUM(rvd_make_row(fcinfo, values, 7));
}
