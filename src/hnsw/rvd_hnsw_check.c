/*
 * rvd_hnsw_check.c
 *		ruvector.index_check() and ruvector.index_info().
 *
 * index_check verifies the invariants G1 to G6 and P2 to P4 of README.md on
 * every page.  It takes no lock that stops writers but, except on a standby,
 * one that keeps vacuum away.  What a concurrent replay of vacuum could make
 * look broken is looked at again before it is reported: vacuum takes a link,
 * an entry or a row away before what it led to becomes something else, so
 * whoever has seen the latter finds the former gone.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/relation.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"

/* A row of the table and the node that it is attached to. */
typedef struct CheckRow
{
	ItemPointerData tid;
	uint32		node;
} CheckRow;

typedef struct Check
{
	RvdStore	store;
	BlockNumber nblocks;
	uint32		nbits;
	uint8	   *exists;			/* not free */
	uint8	   *reached;		/* from the entry table */
	uint32	   *queue;
	int64		nqueue;
	float	   *own;
	float	   *other;
	CheckRow   *rows;
	int64		nrows;
	int64		rows_room;
	int64		nodes;
	int64		live;
	int64		dead;
	int64		links;
	int64		live_links;		/* of the live nodes among them */
	int64		orphans;
} Check;

/* ---- the checks ---- */

static bool
bit_of(const uint8 *bits, uint32 id)
{
	return (bits[id / 8] >> (id % 8) & 1) != 0;
}

static void
put_bit(uint8 *bits, uint32 id)
{
	bits[id / 8] |= (uint8) (1 << (id % 8));
}

static void
collect_rows(Check *check, const RuvNode *node)
{
	const RuvLayout *layout = &check->store.geometry->layout;

	if (check->nrows + RUV_MAX_TIDS > check->rows_room)
	{
		check->rows_room *= 2;
		check->rows =
			repalloc_huge(check->rows,
						  (Size) check->rows_room * sizeof(CheckRow));
	}
	for (int i = 0; i < node->ntids; i++)
	{
		CheckRow   *row = &check->rows[check->nrows++];

		memcpy(&row->tid, ruv_node_tid(layout, node, i), RUV_TID_BYTES);
		row->node = node->self;
	}
}

/* P2 to P4 and what a record shows by itself: G3, G4, G5. */
static void
check_record(Check *check, const RvdPin *pin, int slot, const RuvNode *node)
{
	const RvdGeometry *geometry = check->store.geometry;
	const RuvLayout *layout = &geometry->layout;

	if (node->nlinks < 64 && node->diverse >> node->nlinks != 0)
		rvd_index_corrupted(check->store.index, pin->block, slot,
							"Invariant G4: a diverse bit stands behind the links.");
	for (int i = 0; i < node->nlinks; i++)
	{
		if (ruv_node_link(layout, node, i) < rvd_first_id(geometry) ||
			ruv_node_link(layout, node, i) == node->self)
			rvd_index_corrupted(check->store.index, pin->block, slot,
								"Invariant G2: a link does not lead to a node.");
		for (int k = 0; k < i; k++)
			if (ruv_node_link(layout, node, i) ==
				ruv_node_link(layout, node, k))
				rvd_index_corrupted(check->store.index, pin->block, slot,
									"Invariant G3: two links lead to one node.");
	}
	for (int i = 0; i < node->ntids; i++)
	{
		ItemPointerData tid;

		memcpy(&tid, ruv_node_tid(layout, node, i), RUV_TID_BYTES);
		if (!ItemPointerIsValid(&tid))
			rvd_index_corrupted(check->store.index, pin->block, slot,
								"Invariant P4: a heap TID is not valid.");
	}
}

/* First pass: every record by itself, and which ids exist. */
static void
check_page_alone(Check *check, BlockNumber block)
{
	const RvdGeometry *geometry = check->store.geometry;
	RvdPin		pin;

	if (rvd_store_is_empty_page(&check->store, block))
		return;
	rvd_store_get(&check->store, block, false, RVD_KIND_NODE, &pin);
	for (int i = 0; i < geometry->layout.per_page; i++)
	{
		RuvNode	   *node = rvd_node_of(&check->store, &pin, i);

		if (node->state == RUV_NODE_FREE)
			continue;
		check_record(check, &pin, i, node);
		put_bit(check->exists, rvd_id_of(geometry, block, i));
		check->nodes++;
		check->links += node->nlinks;
		if (node->state == RUV_NODE_LIVE)
		{
			check->live++;
			check->live_links += node->nlinks;
		}
		else
			check->dead++;
		collect_rows(check, node);
	}
	rvd_store_release(&check->store, &pin);
}

/* Does the node that was copied still have link i as it was? */
static bool
still_has_link(Check *check, const RuvNode *copy, int i)
{
	const RuvLayout *layout = &check->store.geometry->layout;
	bool		has_link = false;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(&check->store, copy->self, false,
									  &pin);

	if (node == NULL)
		return false;
	for (int k = 0; k < node->nlinks; k++)
		has_link |= node->state == RUV_NODE_LIVE &&
			memcmp(ruv_node_slot(layout, node, k),
				   ruv_node_slot(layout, copy, i),
				   (size_t) layout->slot_bytes) == 0;
	rvd_store_release(&check->store, &pin);
	return has_link;
}

/*
 * How far the distance in a slot may be from that between the two stored
 * vectors: the slot may have been made from the exact vectors.
 */
static double
link_tolerance(const RuvLayout *layout, const RuvNode *a, double residual_b,
			   double norm_b, double distance)
{
	double		residuals = a->residual + residual_b;
	double		underflow = layout->padded * (double) FLT_MIN;

	if (layout->metric == RUV_METRIC_IP)
		return underflow + (a->norm + residual_b) * residual_b +
			(norm_b + a->residual) * a->residual +
			0.01 * (double) a->norm * norm_b;
	if (layout->metric == RUV_METRIC_L1)
		return residuals + 0.01 * distance;
	/* |sqrt(x) - sqrt(y)| <= residuals, in terms of x - y */
	return underflow + 2 * sqrt(distance) * residuals +
		residuals * residuals + 0.01 * distance +
		1e-5 * ((double) a->norm * a->norm + norm_b * norm_b);
}

/*
 * G2: the link leads to a node, and its slot was made for that very node.  One
 * that moved is told from others no more.
 */
static void
check_link(Check *check, const RuvNode *node, int i)
{
	const RvdGeometry *geometry = check->store.geometry;
	const RuvLayout *layout = &geometry->layout;
	uint32		to = ruv_node_link(layout, node, i);
	BlockNumber block = rvd_block_of(geometry, node->self);
	int			slot = rvd_slot_of(geometry, node->self);
	RvdPin		pin;
	RuvNode	   *other = rvd_store_node(&check->store, to, false, &pin);
	double		residual;
	double		norm;
	double		stored;
	double		actual;
	bool		has_moved;

	if (other == NULL)
	{
		if (still_has_link(check, node, i))
			rvd_index_corrupted(check->store.index, block, slot,
								"Invariant G2: a link leads to a free slot.");
		return;
	}
	ruv_node_decode(layout, rvd_kernels, other, check->other);
	residual = other->residual;
	norm = other->norm;
	has_moved = ((node->flags | other->flags) & RUV_NODE_MOVED) != 0;
	rvd_store_release(&check->store, &pin);

	stored = ruv_node_link_distance(layout, rvd_kernels, node, i);
	actual = ruv_graph_distance(layout, rvd_kernels, check->own,
								check->other);
	if (!has_moved && isfinite(node->residual) && isfinite(residual) &&
		isfinite(stored) && isfinite(actual) &&
		fabs(stored - actual) >
			link_tolerance(layout, node, residual, norm, fabs(actual)) &&
		still_has_link(check, node, i))
		rvd_index_corrupted(check->store.index, block, slot,
							"Invariant G2: a slot was made for another node.");
}

static void
push(Check *check, uint32 id)
{
	if (id >= check->nbits || bit_of(check->reached, id))
		return;
	put_bit(check->reached, id);
	check->queue[check->nqueue++] = id;
}

/* Second pass: breadth first from the entry table, each link once. */
static void
check_links(Check *check)
{
	const RuvLayout *layout = &check->store.geometry->layout;
	RuvNode	   *copy = palloc((Size) layout->record_bytes);

	for (int64 at = 0; at < check->nqueue; at++)
	{
		RvdPin		pin;
		RuvNode	   *node;

		CHECK_FOR_INTERRUPTS();
		node = rvd_store_node(&check->store, check->queue[at], false, &pin);
		if (node == NULL)
			continue;
		memcpy(copy, node, (Size) layout->record_bytes);
		rvd_store_release(&check->store, &pin);
		ruv_node_decode(layout, rvd_kernels, copy, check->own);
		for (int i = 0; i < copy->nlinks; i++)
		{
			if (copy->state == RUV_NODE_LIVE)
				check_link(check, copy, i);
			push(check, ruv_node_link(layout, copy, i));
		}
	}
	pfree(copy);
}

/* Copies the ids of the entry table; returns how many. */
static int
read_entries(Check *check, uint32 *ids)
{
	const RuvLayout *layout = &check->store.geometry->layout;
	RvdPin		pin;
	int			n;

	rvd_store_get(&check->store, RVD_ENTRY_BLOCK, false, RVD_KIND_ENTRY,
				  &pin);
	n = (int) rvd_entry_page(pin.page)->count;
	for (int i = 0; i < n; i++)
		ids[i] = ruv_entry_id(layout, rvd_entry_table(pin.page), i);
	rvd_store_release(&check->store, &pin);
	return n;
}

static bool
is_still_entered(Check *check, uint32 id)
{
	uint32		ids[RUV_MAX_ENTRIES];
	int			n = read_entries(check, ids);

	for (int i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/*
 * G1: entries name nodes that exist, each once.  An empty table has no node
 * to link to; a node that is live without links is one whose insert has not
 * come to the table, or never will.
 */
static void
check_entries(Check *check)
{
	const RvdGeometry *geometry = check->store.geometry;
	uint32		ids[RUV_MAX_ENTRIES];
	int			n = read_entries(check, ids);
	RvdPin		pin;

	for (int i = 0; i < n; i++)
	{
		RuvNode	   *node;

		for (int k = 0; k < i; k++)
			if (ids[i] == ids[k])
				rvd_index_corrupted(check->store.index, RVD_ENTRY_BLOCK, -1,
									"Invariant G1: a node is entered twice.");
		if (ids[i] < rvd_first_id(geometry))
			rvd_index_corrupted(check->store.index, RVD_ENTRY_BLOCK, -1,
								"Invariant G1: an entry does not name a node.");
		node = rvd_store_node(&check->store, ids[i], false, &pin);
		if (node == NULL)
		{
			if (is_still_entered(check, ids[i]))
				rvd_index_corrupted(check->store.index, RVD_ENTRY_BLOCK, -1,
									"Invariant G1: an entry names a free slot.");
			continue;
		}
		rvd_store_release(&check->store, &pin);
		push(check, ids[i]);
	}
	if (n == 0 && check->live_links > 0 && !RecoveryInProgress())
		rvd_index_corrupted(check->store.index, RVD_ENTRY_BLOCK, -1,
							"Invariant G1: the entry table is empty, the index is not.");
}

static int
compare_rows(const void *a, const void *b)
{
	return ItemPointerCompare(&((CheckRow *) a)->tid, &((CheckRow *) b)->tid);
}

static bool
is_still_attached(Check *check, const CheckRow *row)
{
	const RuvLayout *layout = &check->store.geometry->layout;
	bool		is_attached = false;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(&check->store, row->node, false, &pin);

	if (node == NULL)
		return false;
	for (int i = 0; i < node->ntids; i++)
		is_attached |= memcmp(ruv_node_tid(layout, node, i), &row->tid,
							  RUV_TID_BYTES) == 0;
	rvd_store_release(&check->store, &pin);
	return is_attached;
}

/* G6: no row is attached to two nodes. */
static void
check_rows(Check *check)
{
	qsort(check->rows, (size_t) check->nrows, sizeof(CheckRow), compare_rows);
	for (int64 i = 1; i < check->nrows; i++)
	{
		const CheckRow *row = &check->rows[i];

		if (compare_rows(row - 1, row) == 0 &&
			is_still_attached(check, row - 1) &&
			is_still_attached(check, row))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" is damaged",
							RelationGetRelationName(check->store.index)),
					 errdetail("Invariant G6: heap row (%u,%u) is in the "
							   "index twice.",
							   ItemPointerGetBlockNumber(&row->tid),
							   ItemPointerGetOffsetNumber(&row->tid)),
					 errhint("Rebuild it with REINDEX.")));
	}
}

static void
check_open(Check *check, Relation index)
{
	const RvdGeometry *geometry;
	Size		bytes;
	int			padded;

	memset(check, 0, sizeof(*check));
	rvd_store_open(&check->store, index, RVD_LOGGED);
	geometry = check->store.geometry;
	padded = geometry->layout.padded;
	check->nblocks = RelationGetNumberOfBlocks(index);
	if (check->nblocks < RVD_FIRST_NODE_BLOCK)
		rvd_index_corrupted(index, check->nblocks, -1,
							"Invariant P2: the index lacks its first pages.");
	check->nbits = rvd_id_of(geometry, check->nblocks, 0);
	bytes = (Size) check->nbits / 8 + 1;
	check->exists = MemoryContextAllocExtended(CurrentMemoryContext, bytes,
											   MCXT_ALLOC_HUGE |
												   MCXT_ALLOC_ZERO);
	check->reached = MemoryContextAllocExtended(CurrentMemoryContext, bytes,
												MCXT_ALLOC_HUGE |
													MCXT_ALLOC_ZERO);
	check->own = palloc((Size) padded * sizeof(float));
	check->other = palloc((Size) padded * sizeof(float));
	check->rows_room = 1024;
	check->rows = palloc((Size) check->rows_room * sizeof(CheckRow));
}

RVD_FUNCTION(rvd_index_check);
Datum
rvd_index_check(PG_FUNCTION_ARGS)
{
	LOCKMODE	lock = RecoveryInProgress() ? AccessShareLock :
										   ShareUpdateExclusiveLock;
	/* a lock on the table is what keeps vacuum away */
	Oid			table = rvd_lock_table_of(PG_GETARG_OID(0), lock);
	Relation	index = rvd_open_hnsw_index(PG_GETARG_OID(0), AccessShareLock);
	Check		check;
	Datum		values[6];

	check_open(&check, index);
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < check.nblocks; b++)
	{
		CHECK_FOR_INTERRUPTS();
		check_page_alone(&check, b);
	}
	check.queue = MemoryContextAllocHuge(CurrentMemoryContext,
										 ((Size) check.nbits + 1) *
											 sizeof(uint32));
	check_entries(&check);
	check_links(&check);
	for (uint32 id = 0; id < check.nbits; id++)
	{
		RvdPin		pin;
		RuvNode	   *node;

		if (!bit_of(check.exists, id) || bit_of(check.reached, id))
			continue;
		node = rvd_store_node(&check.store, id, false, &pin);
		if (node == NULL)
			continue;
		check.orphans += node->state == RUV_NODE_LIVE;
		rvd_store_release(&check.store, &pin);
	}
	check_rows(&check);

	relation_close(index, AccessShareLock);
	UnlockRelationOid(table, lock);
	values[0] = Int64GetDatum(check.nodes);
	values[1] = Int64GetDatum(check.live);
	values[2] = Int64GetDatum(check.dead);
	values[3] = Int64GetDatum(check.links);
	values[4] = Int64GetDatum(check.orphans);
	values[5] = Int64GetDatum(check.nrows);
	PG_RETURN_DATUM(rvd_make_row(fcinfo, values, 6));
}

static const char *
metric_name(RuvMetric metric)
{
	switch (metric)
	{
		case RUV_METRIC_L2:
			return "l2";
		case RUV_METRIC_IP:
			return "ip";
		case RUV_METRIC_COSINE:
			return "cosine";
		case RUV_METRIC_L1:
			break;
	}
	return "l1";
}

static const char *
own_name(RuvOwnKind own)
{
	switch (own)
	{
		case RUV_OWN_F32:
			return "float32";
		case RUV_OWN_F16:
			return "float16";
		case RUV_OWN_I8:
			break;
	}
	return "int8";
}

RVD_FUNCTION(rvd_index_info);
Datum
rvd_index_info(PG_FUNCTION_ARGS)
{
	Relation	index = rvd_open_hnsw_index(PG_GETARG_OID(0), AccessShareLock);
	Check		check;
	const RuvLayout *layout;
	int64		slots;
	Datum		values[18];
	RvdPin		pin;
	uint32		entries;

	check_open(&check, index);
	layout = &check.store.geometry->layout;
	for (BlockNumber b = RVD_FIRST_NODE_BLOCK; b < check.nblocks; b++)
	{
		CHECK_FOR_INTERRUPTS();
		check_page_alone(&check, b);
	}
	rvd_store_get(&check.store, RVD_ENTRY_BLOCK, false, RVD_KIND_ENTRY, &pin);
	entries = rvd_entry_page(pin.page)->count;
	rvd_store_release(&check.store, &pin);
	slots = (int64) (check.nblocks - RVD_FIRST_NODE_BLOCK) *
		layout->per_page;

	values[0] = CStringGetTextDatum(metric_name(layout->metric));
	values[1] = Int32GetDatum(layout->dims);
	values[2] = Int32GetDatum(check.store.geometry->m);
	values[3] = Int32GetDatum(check.store.geometry->ef_construction);
	values[4] = CStringGetTextDatum(own_name(layout->own));
	values[5] = Int32GetDatum(layout->bits);
	values[6] = Int32GetDatum(layout->per_page);
	values[7] = Int32GetDatum(layout->slots);
	values[8] = Int32GetDatum(1);
	values[9] = Int32GetDatum((int32) entries);
	values[10] = Int64GetDatum(check.nodes);
	values[11] = Int64GetDatum(check.live);
	values[12] = Int64GetDatum(check.dead);
	values[13] = Int64GetDatum(slots - check.nodes);
	values[14] = Int64GetDatum(check.nrows);
	values[15] = Float8GetDatum(check.nodes ?
									(double) check.links / check.nodes :
									0);
	values[16] = Float8GetDatum(check.nodes ?
									(double) check.dead / check.nodes :
									0);
	values[17] = Int64GetDatum((int64) check.nblocks * BLCKSZ);
	relation_close(index, AccessShareLock);
	PG_RETURN_DATUM(rvd_make_row(fcinfo, values, 18));
}
