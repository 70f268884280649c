/*
 * rvd_hnsw_update.c
 *		Is a row that enters the index a new version of one that is in it?
 *
 * An access method is not told which row version an UPDATE replaced, but the
 * heap knows: the old version's t_ctid names the new one.  So a node that
 * holds the old version can be recognised by its rows.  Only heap tables are
 * looked into; for others every row is a new one, which is correct, too.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"

/* More nodes than this are not asked for the old version. */
#define MAX_CHECKS 24

/* The item with that TID, NULL if there is none such; the page is locked. */
static ItemId
item_of(Buffer buffer, OffsetNumber offset)
{
	Page		page = BufferGetPage(buffer);

	if (PageIsNew(page) || offset < FirstOffsetNumber ||
		offset > PageGetMaxOffsetNumber(page))
		return NULL;
	return PageGetItemId(page, offset);
}

static HeapTupleHeader
tuple_of(Buffer buffer, ItemId item)
{
	if (item == NULL || !ItemIdIsNormal(item))
		return NULL;
	return (HeapTupleHeader) PageGetItem(BufferGetPage(buffer), item);
}

/* Pins and locks a page of the heap; false if the TID leads behind its end. */
static bool
lock_heap_page(Relation heap, const ItemPointerData *tid, Buffer *buffer)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);

	if (block >= RelationGetNumberOfBlocks(heap))
		return false;
	*buffer = ReadBuffer(heap, block);
	LockBuffer(*buffer, BUFFER_LOCK_SHARE);
	return true;
}

bool
rvd_update_begin(RvdUpdate *update, Relation heap, ItemPointer tid,
				 bool is_unchanged)
{
	HeapTupleHeader tuple;
	Buffer		buffer;

	update->heap = heap;
	update->tid = *tid;
	update->xmin = InvalidTransactionId;
	update->is_unchanged = is_unchanged;
	update->nchecks = 0;
	if (heap->rd_tableam != GetHeapamTableAmRoutine() ||
		!lock_heap_page(heap, tid, &buffer))
		return false;
	tuple = tuple_of(buffer,
					 item_of(buffer, ItemPointerGetOffsetNumber(tid)));
	if (tuple != NULL && (tuple->t_infomask & HEAP_UPDATED) != 0)
		update->xmin = HeapTupleHeaderGetRawXmin(tuple);
	UnlockReleaseBuffer(buffer);
	return TransactionIdIsValid(update->xmin);
}

/*
 * Does the chain of versions that begins at this item, and that an index
 * knows by it, end with the one that was updated?  As heap_hot_search_buffer
 * follows it.
 */
static bool
chain_leads_to(const RvdUpdate *update, Buffer buffer, OffsetNumber offset)
{
	TransactionId before = InvalidTransactionId;
	ItemId		item = item_of(buffer, offset);

	if (item != NULL && ItemIdIsRedirected(item))
		item = item_of(buffer, ItemIdGetRedirect(item));
	/* a damaged chain may be a circle */
	for (int steps = 0; steps < MaxHeapTuplesPerPage; steps++)
	{
		HeapTupleHeader tuple = tuple_of(buffer, item);
		TransactionId after;

		if (tuple == NULL || (tuple->t_infomask & HEAP_XMAX_INVALID) != 0)
			return false;
		if (TransactionIdIsValid(before) &&
			!TransactionIdEquals(HeapTupleHeaderGetRawXmin(tuple), before))
			return false;
		after = HeapTupleHeaderGetUpdateXid(tuple);
		if (!TransactionIdIsValid(after))
			return false;
		if (TransactionIdEquals(after, update->xmin) &&
			ItemPointerEquals(&tuple->t_ctid, (ItemPointer) &update->tid))
			return true;
		if (!HeapTupleHeaderIsHotUpdated(tuple))
			return false;
		before = after;
		item = item_of(buffer, ItemPointerGetOffsetNumber(&tuple->t_ctid));
	}
	return false;
}

bool
rvd_update_replaces(RvdUpdate *update, const ItemPointerData *tids, int n)
{
	if (update->nchecks++ >= MAX_CHECKS)
		return false;
	/* from the end: versions are attached one after another */
	for (int i = n - 1; i >= 0; i--)
	{
		bool		is_it;
		Buffer		buffer;

		if (!lock_heap_page(update->heap, &tids[i], &buffer))
			continue;
		is_it = chain_leads_to(update, buffer,
							   ItemPointerGetOffsetNumber(&tids[i]));
		UnlockReleaseBuffer(buffer);
		if (is_it)
			return true;
	}
	return false;
}

bool
rvd_update_row_is_gone(const RvdUpdate *update, const ItemPointerData *tid)
{
	bool		is_gone;
	ItemId		item;
	Buffer		buffer;

	if (!lock_heap_page(update->heap, tid, &buffer))
		return false;
	item = item_of(buffer, ItemPointerGetOffsetNumber(tid));
	is_gone = item != NULL && ItemIdIsDead(item);
	UnlockReleaseBuffer(buffer);
	return is_gone;
}
