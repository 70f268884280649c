/*
 * rvd_hnsw_vacuum.c
 *		ambulkdelete and amvacuumcleanup.
 *
 * Four passes, each a prefix of which leaves a sound index: rows out (nodes
 * without rows become dead), barrier, links to dead nodes out, dead nodes
 * freed.  What a crash leaves half done the next vacuum finishes, because it
 * takes dead nodes from the pages, not from its memory.  README.md, "Vacuum".
 */
#include "postgres.h"

#include "access/genam.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"

typedef struct Vacuum
{
	IndexVacuumInfo *info;
	IndexBulkDeleteResult *stats;
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	RvdStore	store;
	RvdPlacer	placer;
	MemoryContext context;

	RvdNodeSet	dead;
	int64		ndead;
	uint32	   *sample;			/* live nodes, for the entry table */
	int			nsample;
	int64		nlive;
} Vacuum;

/*
 * Pins and locks a page of nodes.  A page that a crash left empty between
 * extending the file and filling it is reported as free space and skipped.
 */
static bool
get_page(Vacuum *vacuum, BlockNumber block, bool exclusive, RvdPin *pin)
{
	RvdStore   *store = &vacuum->store;

	rvd_vacuum_delay();
	if (rvd_store_is_empty_page(store, block))
	{
		RecordPageWithFreeSpace(store->index, block, RVD_FREE_RECORDED);
		return false;
	}
	rvd_store_get(store, block, exclusive, RVD_KIND_NODE, pin);
	return true;
}

/* Keeps a random sample of the live nodes. */
static void
sample_node(Vacuum *vacuum, uint32 id)
{
	int			room = vacuum->store.geometry->entry_room;

	vacuum->nlive++;
	if (vacuum->nsample < room)
		vacuum->sample[vacuum->nsample++] = id;
	else
	{
		uint64		at = pg_prng_uint64_range(&vacuum->placer.prng, 0,
											  (uint64) vacuum->nlive - 1);

		if (at < (uint64) room)
			vacuum->sample[at] = id;
	}
}

/* ---- pass 1: rows out ---- */

/*
 * Asks the callback about each row of a node; bit i of the result is set if
 * row i is to go.
 */
static uint32
dead_rows(Vacuum *vacuum, const RvdPin *pin, int slot, const RuvNode *node)
{
	const RuvLayout *layout = &vacuum->store.geometry->layout;
	uint32		rows = 0;

	for (int i = 0; i < node->ntids; i++)
	{
		ItemPointerData tid;

		memcpy(&tid, ruv_node_tid(layout, node, i), RUV_TID_BYTES);
		if (!ItemPointerIsValid(&tid))
			rvd_index_corrupted(vacuum->store.index, pin->block, slot,
								"Invariant P4: a heap TID is not valid.");
		if (vacuum->callback(&tid, vacuum->callback_state))
			rows |= (uint32) 1 << i;
	}
	return rows;
}

static void
remove_rows(Vacuum *vacuum, RuvNode *node, uint32 rows)
{
	const RuvLayout *layout = &vacuum->store.geometry->layout;

	/* from the end, because a removed row is replaced by the last */
	for (int i = node->ntids - 1; i >= 0; i--)
	{
		if ((rows >> i & 1) == 0)
			continue;
		ruv_node_drop_row(layout, node, i);
		vacuum->stats->tuples_removed++;
	}
	if (node->ntids == 0)
		node->state = RUV_NODE_DEAD;
}

static void
rows_out_of_page(Vacuum *vacuum, BlockNumber block)
{
	const RvdGeometry *geometry = vacuum->store.geometry;
	int			per_page = geometry->layout.per_page;
	uint32	   *rows = palloc0((Size) per_page * sizeof(uint32));
	bool		any = false;
	RvdPin		pin;

	if (!get_page(vacuum, block, true, &pin))
	{
		pfree(rows);
		return;
	}
	for (int i = 0; i < per_page; i++)
	{
		RuvNode	   *node = rvd_node_of(&vacuum->store, &pin, i);

		if (node->state == RUV_NODE_LIVE)
			rows[i] = dead_rows(vacuum, &pin, i, node);
		any |= rows[i] != 0;
	}
	if (any)
	{
		RvdChange	change;
		Page		page;

		rvd_change_begin(&change, vacuum->store.index, RVD_LOGGED);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		for (int i = 0; i < per_page; i++)
			if (rows[i] != 0)
				remove_rows(vacuum, rvd_raw_node(geometry, page, i), rows[i]);
		rvd_change_finish(&change);
		RVD_DEBUG_POINT("vacuum-between-marks");
	}
	for (int i = 0; i < per_page; i++)
	{
		RuvNode	   *node = rvd_raw_node(geometry, pin.page, i);
		uint32		id = rvd_id_of(geometry, block, i);

		vacuum->stats->num_index_tuples += node->state == RUV_NODE_LIVE ?
			node->ntids :
			0;
		if (node->state == RUV_NODE_DEAD)
		{
			rvd_set_add(&vacuum->dead, id);
			vacuum->ndead++;
		}
		else if (node->state == RUV_NODE_LIVE)
			sample_node(vacuum, id);
	}
	rvd_store_release(&vacuum->store, &pin);
	pfree(rows);
}

/* ---- pass 2: links out ---- */

/*
 * Dead nodes keep their own links: a search may still pass through, and they
 * tell who their neighbours were.
 */
static void
links_out_of_page(Vacuum *vacuum, BlockNumber block)
{
	MemoryContext old;

	rvd_vacuum_delay();
	if (rvd_store_is_empty_page(&vacuum->store, block))
		return;
	old = MemoryContextSwitchTo(vacuum->context);
	rvd_mend_page(&vacuum->placer, block, &vacuum->dead);
	MemoryContextSwitchTo(old);
	RVD_DEBUG_POINT("vacuum-between-unlinks");
}

/* The vectors of the sampled nodes; those that are gone are left out. */
static float **
sampled_vectors(Vacuum *vacuum)
{
	MemoryContext old = MemoryContextSwitchTo(vacuum->context);
	int			padded = vacuum->store.geometry->layout.padded;
	float	  **vectors = palloc(RUV_MAX_ENTRIES * sizeof(float *));
	int			n = 0;

	for (int i = 0; i < vacuum->nsample; i++)
	{
		vectors[n] = palloc((Size) padded * sizeof(float));
		if (rvd_decode_live(&vacuum->store, vacuum->sample[i], vectors[n]))
			vacuum->sample[n++] = vacuum->sample[i];
	}
	vacuum->nsample = n;
	MemoryContextSwitchTo(old);
	return vectors;
}

static bool
is_entry(const RuvLayout *layout, const void *entries, int n, uint32 id)
{
	for (int i = 0; i < n; i++)
		if (ruv_entry_id(layout, entries, i) == id)
			return true;
	return false;
}

/*
 * Puts sampled nodes into the places of dead ones, in one change: with no
 * entry a search would find nothing.
 */
static void
renew_entries(Vacuum *vacuum)
{
	RvdStore   *store = &vacuum->store;
	const RuvLayout *layout = &store->geometry->layout;
	float	  **vectors = sampled_vectors(vacuum);
	RvdPin		pin;
	RvdChange	change;
	Page		page;
	void	   *entries;
	int			kept = 0;
	int			count;

	rvd_store_get(store, RVD_ENTRY_BLOCK, true, RVD_KIND_ENTRY, &pin);
	rvd_change_begin(&change, store->index, RVD_LOGGED);
	page = rvd_change_page(&change, pin.buffer, pin.page, false);
	entries = rvd_entry_table(page);
	count = (int) rvd_entry_page(page)->count;
	for (int i = 0; i < count; i++)
	{
		if (rvd_set_has(&vacuum->dead, ruv_entry_id(layout, entries, i)))
			continue;
		memmove(ruv_entry_slot(layout, entries, kept++),
				ruv_entry_slot(layout, entries, i),
				(Size) layout->slot_bytes);
	}
	for (int i = 0; i < vacuum->nsample && kept < store->geometry->entry_room;
		 i++)
		if (!is_entry(layout, entries, kept, vacuum->sample[i]))
			ruv_entry_set(layout, rvd_kernels, entries, kept++,
						  vacuum->sample[i], vectors[i]);
	rvd_entry_page(page)->count = (uint32) kept;
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
}

/* ---- pass 3: dead nodes freed ---- */

static void
free_nodes_of_page(Vacuum *vacuum, BlockNumber block)
{
	const RvdGeometry *geometry = vacuum->store.geometry;
	const RuvLayout *layout = &geometry->layout;
	bool		has_free = false;
	int			ndead = 0;
	RvdPin		pin;

	if (!get_page(vacuum, block, true, &pin))
		return;
	for (int i = 0; i < layout->per_page; i++)
	{
		RuvNode	   *node = rvd_node_of(&vacuum->store, &pin, i);

		if (node->state == RUV_NODE_FREE)
			has_free = true;
		else if (rvd_set_has(&vacuum->dead, rvd_id_of(geometry, block, i)))
			ndead++;
	}
	if (ndead > 0)
	{
		RvdChange	change;
		Page		page;

		rvd_change_begin(&change, vacuum->store.index, RVD_LOGGED);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		for (int i = 0; i < layout->per_page; i++)
		{
			RuvNode	   *node = rvd_raw_node(geometry, page, i);

			if (node->state == RUV_NODE_DEAD &&
				rvd_set_has(&vacuum->dead, rvd_id_of(geometry, block, i)))
				memset(node, 0, (Size) layout->record_bytes);
		}
		rvd_change_finish(&change);
	}
	rvd_store_release(&vacuum->store, &pin);
	if (ndead > 0)
		RVD_DEBUG_POINT("vacuum-between-frees");
	if (has_free || ndead > 0)
		RecordPageWithFreeSpace(vacuum->store.index, block,
								RVD_FREE_RECORDED);
}

/* ---- the whole ---- */

/* Unlinks and frees what pass 1 found dead. */
static void
remove_dead_nodes(Vacuum *vacuum, BlockNumber *nblocks)
{
	Relation	index = vacuum->store.index;
	RvdWalk		walk;

	/*
	 * Barrier.  Inserts hold this lock in share mode from before they look
	 * at the first node until they have written the last link.  Those that
	 * began before the nodes were marked dead are over when we get it, those
	 * that begin later see the mark and do not link to them: from here on no
	 * link to a dead node comes into being.
	 */
	LockPage(index, RVD_META_BLOCK, ExclusiveLock);
	UnlockPage(index, RVD_META_BLOCK, ExclusiveLock);
	RVD_DEBUG_POINT("vacuum-after-mark");

	*nblocks = RelationGetNumberOfBlocks(index);
	rvd_set_grow(&vacuum->dead,
				 rvd_id_of(vacuum->store.geometry, *nblocks, 0),
				 vacuum->context);
	renew_entries(vacuum);
	RVD_DEBUG_POINT("vacuum-after-entries");
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < *nblocks; b++)
		links_out_of_page(vacuum, b);
	RVD_DEBUG_POINT("vacuum-after-unlink");

	rvd_walk_begin(&walk, &vacuum->placer, vacuum->dead.nbits,
				   vacuum->context);
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < *nblocks; b++)
		(void) rvd_walk_tie_page(&walk, b, INT64_MAX);
	RVD_DEBUG_POINT("vacuum-before-free");
}

static void
vacuum_open(Vacuum *vacuum, IndexVacuumInfo *info,
			IndexBulkDeleteResult *stats)
{
	memset(vacuum, 0, sizeof(*vacuum));
	vacuum->info = info;
	vacuum->stats = stats;
	vacuum->context = AllocSetContextCreate(CurrentMemoryContext,
											"ruvector hnsw vacuum",
											ALLOCSET_DEFAULT_SIZES);
	rvd_store_open(&vacuum->store, info->index, RVD_LOGGED);
	rvd_placer_init(&vacuum->placer, &vacuum->store, vacuum->context,
					pg_prng_uint64(&pg_global_prng_state));
	vacuum->sample = MemoryContextAlloc(vacuum->context,
										(Size) RUV_MAX_ENTRIES *
											sizeof(uint32));
}

IndexBulkDeleteResult *
rvd_hnsw_bulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
					IndexBulkDeleteCallback callback, void *callback_state)
{
	Vacuum		vacuum;
	BlockNumber nblocks;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	stats->num_index_tuples = 0;
	vacuum_open(&vacuum, info, stats);
	vacuum.callback = callback;
	vacuum.callback_state = callback_state;

	nblocks = RelationGetNumberOfBlocks(info->index);
	rvd_set_grow(&vacuum.dead, rvd_id_of(vacuum.store.geometry, nblocks, 0),
				 vacuum.context);
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < nblocks; b++)
		rows_out_of_page(&vacuum, b);
	if (vacuum.ndead > 0)
	{
		remove_dead_nodes(&vacuum, &nblocks);
		for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < nblocks; b++)
			free_nodes_of_page(&vacuum, b);
	}
	FreeSpaceMapVacuum(info->index);
	MemoryContextDelete(vacuum.context);
	return stats;
}

IndexBulkDeleteResult *
rvd_hnsw_vacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	if (info->analyze_only || stats == NULL)
		return stats;
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	return stats;
}
