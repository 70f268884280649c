/*
 * rvd_ivfflat_scan.c
 *		Index scans: the rows of the nearest lists, nearest first.
 *
 * Entries hold whole vectors, so distances are exact and nothing is rechecked.
 * An iterative scan goes on with the next lists when the rows are used up.
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/ruv_kmeans.h"
#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_error.h"

typedef struct RvdIvfScan
{
	MemoryContext context;		/* of one run */
	RvdIvf		ivf;
	bool		is_started;
	const float *query;			/* NULL orders nothing */
	RvdIvfHead *heads;			/* of all lists */
	RvdIvfOrder lists;
	RvdIvfOrder rows;
	int			probes;
	int			nleft;			/* lists that may still be probed */
} RvdIvfScan;

IndexScanDesc
rvd_ivfflat_beginscan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	RvdIvfScan *so = palloc0(sizeof(RvdIvfScan));

	so->context = AllocSetContextCreate(CurrentMemoryContext,
										"ruvector ivfflat scan",
										ALLOCSET_DEFAULT_SIZES);
	scan->opaque = so;
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	return scan;
}

static void
end_run(RvdIvfScan *so)
{
	if (so->is_started)
		rvd_ivfflat_order_clear(&so->rows);
	so->is_started = false;
	MemoryContextReset(so->context);
}

void
rvd_ivfflat_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
				   ScanKey orderbys, int norderbys)
{
	end_run(scan->opaque);
	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys,
				(Size) scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				(Size) scan->numberOfOrderBys * sizeof(ScanKeyData));
}

void
rvd_ivfflat_endscan(IndexScanDesc scan)
{
	RvdIvfScan *so = scan->opaque;

	end_run(so);
	MemoryContextDelete(so->context);
	pfree(so);
	scan->opaque = NULL;
}

/*
 * The query as vectors are stored; NULL, or under the cosine a vector without
 * direction, orders nothing.
 */
static const float *
query_of(const RvdIvf *ivf, ScanKey key)
{
	RvdVector  *vector;

	if ((key->sk_flags & SK_ISNULL) != 0)
		return NULL;
	vector = rvd_vector_of(key->sk_argument);
	if (vector->dims != ivf->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different vector dimensions %d and %d", ivf->dims,
						vector->dims)));
	return rvd_ivfflat_stored(ivf, vector,
							  palloc((Size) ivf->dims * sizeof(float)));
}

static void
start_scan(IndexScanDesc scan)
{
	RvdIvfScan *so = scan->opaque;
	RvdIvf	   *ivf = &so->ivf;

	pgstat_count_index_scan(scan->indexRelation);
#ifdef RVD_HAVE_INDEX_SEARCH_COUNT
	if (scan->instrument)
		scan->instrument->nsearches++;
#endif
	if (scan->numberOfOrderBys == 0 || scan->orderByData == NULL)
		elog(ERROR, "cannot scan ivfflat index without order");
	/* no pin is kept on what was read, see "Scans" in README.md */
	if (!IsMVCCSnapshot(scan->xs_snapshot))
		elog(ERROR, "non-MVCC snapshots are not supported with ivfflat");

	rvd_ivfflat_open(ivf, scan->indexRelation);
	so->query = query_of(ivf, &scan->orderByData[0]);
	so->probes = rvd_ivfflat_probes();
	so->nleft = so->probes;
	if (rvd_ivfflat_is_iterative())
		so->nleft = Max(so->nleft, rvd_ivfflat_max_probes());
	so->nleft = Min(so->nleft, ivf->lists);

	so->heads = palloc((Size) ivf->lists * sizeof(RvdIvfHead));
	rvd_ivfflat_measure_lists(ivf, so->query, so->heads);
	/* there is no reason to spill these: the heads are in memory, too */
	rvd_ivfflat_order_init(&so->lists,
						   (Size) ivf->lists * sizeof(RvdIvfItem));
	for (int i = 0; i < ivf->lists; i++)
		rvd_ivfflat_order_add(&so->lists, so->heads[i].distance, (uint32) i,
							  0);
	rvd_ivfflat_order_init(&so->rows, (Size) work_mem * 1024);
	so->is_started = true;
}

/* Adds the rows of one page; returns the next block of the list. */
static BlockNumber
read_page(RvdIvfScan *so, BlockNumber block, uint32 list)
{
	RvdIvf	   *ivf = &so->ivf;
	Buffer		buffer = rvd_ivfflat_get(ivf, block, false, RVD_IVFFLAT_ROWS,
										 list);
	Page		page = BufferGetPage(buffer);
	int			nleft = rvd_ivfflat_special(page)->nused;
	float		distance = 0;
	BlockNumber next = rvd_ivfflat_next(ivf, block, page);

	for (int i = 0; i < ivf->per_page && nleft > 0; i++)
	{
		const RvdIvfRow *row = rvd_ivfflat_row(ivf, page, i);

		if (!ItemPointerIsValid(&row->tid))
			continue;
		if (so->query != NULL)
			distance = rvd_ivfflat_distance(ivf, so->query, row->x);
		rvd_ivfflat_order_add(&so->rows, distance,
							  ItemPointerGetBlockNumberNoCheck(&row->tid),
							  ItemPointerGetOffsetNumberNoCheck(&row->tid));
		nleft--;
	}
	if (nleft != 0)
		rvd_index_corrupted(ivf->index, block, -1,
							"The page counts entries that it does not have.");
	UnlockReleaseBuffer(buffer);
	return next;
}

/* Reads the next lists; false when there are none. */
static bool
next_lists(RvdIvfScan *so)
{
	int			n = Min(so->probes, so->nleft);
	RvdIvfItem	item;

	if (n == 0)
		return false;
	so->nleft -= n;
	rvd_ivfflat_order_clear(&so->rows);
	while (n-- > 0 && rvd_ivfflat_order_next(&so->lists, &item))
	{
		BlockNumber block = so->heads[item.number].first;

		while (BlockNumberIsValid(block))
		{
			CHECK_FOR_INTERRUPTS();
			block = read_page(so, block, item.number);
		}
	}
	return true;
}

/*
 * What the executor is told about the row's place.  A search follows one key;
 * with several, all that is known is that the executor has to sort.
 */
static void
report_order(IndexScanDesc scan)
{
	scan->xs_recheck = false;
	scan->xs_recheckorderby = scan->numberOfOrderBys > 1;
	if (!scan->xs_recheckorderby)
		return;
	for (int i = 0; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbyvals[i] = Float8GetDatum(-INFINITY);
		scan->xs_orderbynulls[i] = false;
	}
}

bool
rvd_ivfflat_gettuple(IndexScanDesc scan, ScanDirection direction)
{
	RvdIvfScan *so = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(so->context);
	RvdIvfItem	item;
	bool		found;

	Assert(ScanDirectionIsForward(direction));
	if (!so->is_started)
		start_scan(scan);
	while (!(found = rvd_ivfflat_order_next(&so->rows, &item)) &&
		   next_lists(so))
		;
	MemoryContextSwitchTo(old);
	if (!found)
		return false;
	ItemPointerSet(&scan->xs_heaptid, item.number, item.offset);
	report_order(scan);
	return true;
}
