/*
 * rvd_hnsw_scan.c
 *		Index scans: nearest rows first, in true order of distance.
 *
 * A visited node is known up to an interval that surely holds the distance
 * of its rows.  Rows are returned by the lower end of the interval.  Where no
 * other interval overlaps, the order is proven; the others are marked for the
 * executor to recompute and sort (xs_recheckorderby).  README.md, "Order".
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "pgstat.h"
#include "storage/itemptr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"
#include "pg/rvd_memory.h"
#include "types/rvd_vector.h"

/*
 * In strict order a hit waits until no node is likely to come before it: so
 * many mean errors of the estimates.  With two, a filter that lets 2 % of
 * random vectors through loses two rows of five; with six, next to none.
 */
#define STRICT_MARGIN 6

/* Rows of a visited node within one radius, not yet returned. */
typedef struct RvdHit
{
	double		low;
	double		high;
	float		distance;		/* graph metric, of the stored vector */
	uint32		first_tid;		/* in RvdScan.tids */
	uint32		node;			/* that of the node's first hit */
	uint16		ntids;
	bool		is_exact;		/* all its rows have the same distance */
	bool		is_node;		/* of a node's hits the one with the widest
								 * radius, by which the node is counted */
} RvdHit;

typedef struct RvdScan
{
	MemoryContext context;
	RuvArena	arena;
	RvdStore	store;
	RuvQuery	query;
	RuvSearch	search;
	RvdIterativeScan mode;
	int			ef_search;
	bool		is_started;
	bool		is_over;		/* no further batch will come */
	bool		is_ordered;		/* the operator gives a distance at all */

	RvdHit	   *hits;			/* [0, nready) sorted, the rest pending */
	int			nhits;
	int			nready;
	int			hits_room;
	int			next_hit;
	int			next_tid;		/* of hits[next_hit] */
	double		highest;		/* upper end of all returned so far */
	double		last_low;		/* what was reported last */
	float		widest;			/* radius of the rows found so far */
	double		squared_error;	/* of estimates that were too far: the sum */
	int64		nestimates;
	float		norm;			/* of them, at most */
	bool		has_balls;		/* some are farther out than a fresh row is */
	ItemPointerData *tids;
	uint32		ntids;
	uint32		tids_room;
} RvdScan;

IndexScanDesc
rvd_hnsw_beginscan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	RvdScan	   *so = palloc0(sizeof(RvdScan));

	so->context = AllocSetContextCreate(CurrentMemoryContext,
										"ruvector hnsw scan",
										0, 32 * 1024, 1024 * 1024);
	so->arena = rvd_arena(so->context);
	scan->opaque = so;
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	return scan;
}

void
rvd_hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
				ScanKey orderbys, int norderbys)
{
	RvdScan	   *so = scan->opaque;

	so->is_started = false;
	MemoryContextReset(so->context);
	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys,
				(Size) scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				(Size) scan->numberOfOrderBys * sizeof(ScanKeyData));
}

void
rvd_hnsw_endscan(IndexScanDesc scan)
{
	RvdScan	   *so = scan->opaque;

	MemoryContextDelete(so->context);
	pfree(so);
	scan->opaque = NULL;
}

/* The query vector; NULL orders nothing, every row is as good. */
static void
init_query(IndexScanDesc scan, RvdScan *so)
{
	const RvdGeometry *geometry = so->store.geometry;
	const RuvLayout *layout = &geometry->layout;
	void	   *memory = palloc(ruv_query_bytes(layout));
	ScanKey		key = &scan->orderByData[0];

	so->is_ordered = (key->sk_flags & SK_ISNULL) == 0;
	if (!so->is_ordered)
	{
		float	   *zero = palloc0((Size) layout->dims * sizeof(float));

		ruv_query_init(&so->query, layout, rvd_kernels, &geometry->rotation,
					   zero, memory);
		pfree(zero);
	}
	else
	{
		RvdVector  *vector = rvd_vector_of(key->sk_argument);

		if (vector->dims != layout->dims)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("different vector dimensions %d and %d",
							vector->dims, layout->dims)));
		ruv_query_init(&so->query, layout, rvd_kernels, &geometry->rotation,
					   vector->x, memory);
		/* the cosine to a zero vector is NaN for every row */
		if (layout->metric == RUV_METRIC_COSINE && so->query.norm == 0)
			so->is_ordered = false;
	}
}

static void
start_scan(IndexScanDesc scan)
{
	RvdScan	   *so = scan->opaque;

	pgstat_count_index_scan(scan->indexRelation);
#ifdef RVD_HAVE_INDEX_SEARCH_COUNT
	if (scan->instrument)
		scan->instrument->nsearches++;
#endif
	if (scan->numberOfOrderBys == 0 || scan->orderByData == NULL)
		elog(ERROR, "cannot scan hnsw index without order");
	/* no pin is kept on what was read, see "Scans" in README.md */
	if (!IsMVCCSnapshot(scan->xs_snapshot))
		elog(ERROR, "non-MVCC snapshots are not supported with hnsw");

	so->is_started = true;
	so->is_over = false;
	so->mode = rvd_hnsw_iterative_scan();
	so->ef_search = rvd_hnsw_ef_search();
	so->hits = NULL;
	so->tids = NULL;
	so->nhits = so->nready = so->hits_room = 0;
	so->next_hit = so->next_tid = 0;
	so->ntids = so->tids_room = 0;
	so->highest = -INFINITY;
	so->last_low = -INFINITY;
	so->widest = so->norm = 0;
	so->squared_error = 0;
	so->nestimates = 0;
	so->has_balls = false;

	rvd_store_open(&so->store, scan->indexRelation, RVD_LOGGED);
	rvd_check_status(ruv_search_init(&so->search,
									 rvd_hnsw_width(so->ef_search),
									 so->mode != RVD_ITERATIVE_OFF,
									 &so->arena),
					 "starting a search");
	init_query(scan, so);
	(void) rvd_search_begin(&so->store, &so->query, &so->search);
}

static void *
resize(void *array, Size size)
{
	return array == NULL ? palloc(size) : repalloc_huge(array, size);
}

/* Remembers those rows of a node, a bit each, that have this radius. */
static RvdHit *
add_hit(RvdScan *so, const RuvNode *node, uint32 rows, float distance,
		float radius)
{
	const RuvLayout *layout = &so->store.geometry->layout;
	RuvInterval interval = ruv_node_interval(&so->query, distance, radius,
											 node->norm);
	RvdHit	   *hit = &so->hits[so->nhits++];

	hit->low = interval.low;
	hit->high = interval.high;
	hit->distance = distance;
	hit->first_tid = so->ntids;
	for (int i = 0; i < node->ntids; i++)
		if ((rows >> i & 1) != 0)
			memcpy(&so->tids[so->ntids++], ruv_node_tid(layout, node, i),
				   RUV_TID_BYTES);
	hit->ntids = (uint16) (so->ntids - hit->first_tid);
	hit->is_exact = hit->ntids == 1 || radius == 0;
	hit->is_node = false;
	return hit;
}

/* Remembers a node's rows. */
static void
add_hits(RvdScan *so, const RuvNode *node, float distance)
{
	const RuvLayout *layout = &so->store.geometry->layout;
	uint32		left = ((uint32) 1 << node->ntids) - 1;
	uint32		first_tid = so->ntids;
	RvdHit	   *widest = NULL;
	float		widest_radius = -1;

	if (so->nhits + RUV_MAX_TIDS > so->hits_room)
	{
		so->hits_room = so->hits_room ? so->hits_room * 2 : 256;
		so->hits = resize(so->hits, so->hits_room * sizeof(*so->hits));
	}
	if (so->ntids + RUV_MAX_TIDS > so->tids_room)
	{
		so->tids_room = so->tids_room ? so->tids_room * 2 : 512;
		so->tids = resize(so->tids, so->tids_room * sizeof(*so->tids));
	}
	while (left != 0)
	{
		float		radius = ruv_node_radius(layout, node,
											 pg_rightmost_one_pos32(left));
		uint32		rows = 0;
		RvdHit	   *hit;

		for (int i = 0; i < node->ntids; i++)
			if ((left >> i & 1) != 0 &&
				ruv_node_radius(layout, node, i) == radius)
				rows |= (uint32) 1 << i;
		left &= ~rows;
		hit = add_hit(so, node, rows, distance, radius);
		hit->node = first_tid;
		if (radius > widest_radius)
		{
			widest = hit;
			widest_radius = radius;
		}
	}
	if (widest == NULL)
		return;
	widest->is_node = true;
	so->has_balls |= widest_radius > node->residual;
	/* what a repair left far behind are old versions: nothing to wait for */
	if ((node->flags & RUV_NODE_MOVED) != 0)
		widest_radius = node->residual;
	if (isfinite(widest_radius) && isfinite(node->norm))
	{
		so->widest = fmaxf(so->widest, widest_radius);
		so->norm = fmaxf(so->norm, node->norm);
	}
}

#define ST_SORT sort_hits
#define ST_ELEMENT_TYPE RvdHit
#define ST_COMPARE(a, b) ((a)->low < (b)->low ? -1 : (a)->low > (b)->low)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Nearest nodes first, a node's hits next to each other. */
static int
compare_nodes(const RvdHit *a, const RvdHit *b)
{
	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

#define ST_SORT sort_nodes
#define ST_ELEMENT_TYPE RvdHit
#define ST_COMPARE(a, b) compare_nodes(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* How much nearer than estimated nodes are; entries have no estimate. */
static void
note_estimate(RvdScan *so, float key, float distance)
{
	double		error = (double) key - distance;

	if (!isfinite(error))
		return;
	so->nestimates++;
	if (error > 0)
		so->squared_error += error * error;
}

/* Runs the search until its pool is settled. */
static void
run_search(RvdScan *so)
{
	RuvVisit	visit;
	uint32		id;
	int64		ndead = 0;

	while ((id = ruv_search_next(&so->search)) != 0)
	{
		RvdPin		pin;
		RuvNode	   *node;
		bool		is_live;

		CHECK_FOR_INTERRUPTS();
		node = rvd_store_node(&so->store, id, false, &pin);
		if (node == NULL)
		{
			ruv_search_settle(&so->search, 0, false);
			continue;
		}
		rvd_store_prefetch(&so->store, ruv_search_peek(&so->search));
		ruv_node_visit(&so->query, node, &visit);
		is_live = node->state == RUV_NODE_LIVE;
		if (is_live)
			add_hits(so, node, visit.distance);
		rvd_store_release(&so->store, &pin);
		note_estimate(so, ruv_search_key(&so->search), visit.distance);
		ruv_search_settle(&so->search, visit.distance,
						  rvd_keeps_place(&so->search, is_live, &ndead));
		rvd_search_offer(&so->store, &so->query, &so->search, id, visit.ids,
						 visit.estimates, visit.nlinks);
	}
}

/*
 * In strict order what is reported must not come after anything lower, so it
 * waits for nodes beyond the horizon whose balls may reach back.
 */
static double
lowest_of_rest(const RvdScan *so, float horizon)
{
	if (so->mode != RVD_ITERATIVE_STRICT || !isfinite(horizon))
		return INFINITY;
	/* a node beyond the horizon may be nearer than its estimate */
	if (so->nestimates > 0)
		horizon -= (float) (STRICT_MARGIN *
							sqrt(so->squared_error / (double) so->nestimates));
	if (so->store.geometry->layout.metric != RUV_METRIC_IP)
		horizon = fmaxf(horizon, 0);
	return ruv_node_interval(&so->query, horizon, so->widest, so->norm).low;
}

/*
 * Moves the hits up to the horizon to the front, sorted; they are ready to be
 * returned.  What lies beyond may turn out to be behind rows not found yet.
 */
static void
ready_hits(RvdScan *so, float horizon)
{
	double		lowest = lowest_of_rest(so, horizon);
	int			n = 0;

	for (int i = so->nready; i < so->nhits; i++)
		so->hits[i - so->nready] = so->hits[i];
	so->nhits -= so->nready;
	for (int i = 0; i < so->nhits; i++)
	{
		if ((so->hits[i].distance <= horizon && so->hits[i].low <= lowest) ||
			isnan(so->hits[i].distance))
		{
			RvdHit		hit = so->hits[i];

			so->hits[i] = so->hits[n];
			so->hits[n++] = hit;
		}
	}
	sort_hits(so->hits, (size_t) n);
	so->nready = n;
	so->next_hit = so->next_tid = 0;
}

static bool
is_exhausted(const RvdScan *so)
{
	Size		used = ruv_search_memory(&so->search) +
		(Size) so->hits_room * sizeof(RvdHit) +
		(Size) so->tids_room * sizeof(ItemPointerData);

	return so->search.nvisited >= rvd_hnsw_max_scan_tuples() ||
		(double) used > work_mem * 1024.0 * rvd_hnsw_scan_mem_multiplier();
}

/*
 * pgvector's promise: the rows of at most n nodes.  The nearest, not those
 * that reach out farthest, which come first in the order of the hits.
 */
static int
rows_of_nodes(RvdScan *so, int n)
{
	int			i = 0;

	if (!so->has_balls)
	{
		while (i < so->nready && (n > 0 || !so->hits[i].is_node))
			n -= so->hits[i++].is_node;
		return i;
	}
	sort_nodes(so->hits, (size_t) so->nready);
	for (; i < so->nready; i++)
		if ((i == 0 || so->hits[i].node != so->hits[i - 1].node) && n-- == 0)
			break;
	sort_hits(so->hits, (size_t) i);
	return i;
}

/* The next hits; false when there are none. */
static bool
next_batch(RvdScan *so, bool is_first)
{
	while (!so->is_over)
	{
		bool		can_go_on = is_first ||
			(so->mode != RVD_ITERATIVE_OFF && !is_exhausted(so) &&
			 ruv_search_resume(&so->search));

		if (can_go_on)
			run_search(so);
		ready_hits(so, can_go_on ? ruv_search_horizon(&so->search) : INFINITY);
		if (so->mode == RVD_ITERATIVE_OFF)
		{
			so->nready = rows_of_nodes(so, so->ef_search);
			so->is_over = true;
		}
		else if (!can_go_on)
			so->is_over = true;
		if (so->nready > 0)
			return true;
		is_first = false;
	}
	return false;
}

/*
 * Must the executor recompute the distance of this hit's rows?  Not if no
 * other interval, returned already or still to come, overlaps its own.
 */
static bool
needs_recheck(const RvdScan *so, const RvdHit *hit, int at)
{
	if (!hit->is_exact || so->highest >= hit->low)
		return true;
	if (at + 1 < so->nready)
		return so->hits[at + 1].low <= hit->high;
	return !so->is_over;
}

/* The next hit that may be returned, NULL at the end. */
static const RvdHit *
next_hit(IndexScanDesc scan)
{
	RvdScan	   *so = scan->opaque;

	for (;;)
	{
		const RvdHit *hit;

		if (so->next_hit >= so->nready)
		{
			if (!next_batch(so, !so->is_started))
				return NULL;
			continue;
		}
		hit = &so->hits[so->next_hit];
		if (so->next_tid == 0 && so->mode == RVD_ITERATIVE_STRICT &&
			hit->low < so->last_low)
		{
			/* rows beyond it were returned: too late for this one */
			so->next_hit++;
			continue;
		}
		return hit;
	}
}

/*
 * What the executor is told about the hit's place.  A search follows one key;
 * with several, all that is known is that the executor has to sort.
 */
static void
report_order(IndexScanDesc scan, const RvdScan *so, const RvdHit *hit)
{
	scan->xs_recheckorderby = so->is_ordered &&
		so->mode != RVD_ITERATIVE_RELAXED &&
		needs_recheck(so, hit, so->next_hit);
	scan->xs_orderbyvals[0] = Float8GetDatum(hit->low);
	scan->xs_orderbynulls[0] = false;
	if (scan->numberOfOrderBys == 1)
		return;
	scan->xs_recheckorderby = true;
	for (int i = 0; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbyvals[i] = Float8GetDatum(-INFINITY);
		scan->xs_orderbynulls[i] = false;
	}
}

bool
rvd_hnsw_gettuple(IndexScanDesc scan, ScanDirection direction)
{
	RvdScan	   *so = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(so->context);
	const RvdHit *hit;

	Assert(ScanDirectionIsForward(direction));
	if (!so->is_started)
	{
		start_scan(scan);
		(void) next_batch(so, true);
	}
	hit = next_hit(scan);
	MemoryContextSwitchTo(old);
	if (hit == NULL)
		return false;

	if (so->next_tid == 0)
	{
		report_order(scan, so, hit);
		so->last_low = hit->low;
		so->highest = Max(so->highest, hit->high);
	}
	scan->xs_heaptid = so->tids[hit->first_tid + (uint32) so->next_tid];
	scan->xs_recheck = false;
	if (unlikely(!ItemPointerIsValid(&scan->xs_heaptid)))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" is damaged",
						RelationGetRelationName(scan->indexRelation)),
				 errdetail("Invariant P4: a heap TID is not valid."),
				 errhint("Rebuild it with REINDEX.")));
	if (++so->next_tid == hit->ntids)
	{
		so->next_hit++;
		so->next_tid = 0;
	}
	return true;
}
