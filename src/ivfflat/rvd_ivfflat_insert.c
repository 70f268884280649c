/*
 * rvd_ivfflat_insert.c
 *		aminsert: one row enters the list of the nearest center.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_error.h"

/* What enters, and where. */
typedef struct Insertion
{
	RvdIvf		ivf;
	int			list;
	ItemPointerData tid;
	const float *x;
} Insertion;

/* Into a free entry of a page that has one. */
static void
put_row(const Insertion *insertion, Page page)
{
	const RvdIvf *ivf = &insertion->ivf;
	RvdIvfSpecial *special = rvd_ivfflat_special(page);

	Assert(special->nused < ivf->per_page);
	for (int i = 0; i < ivf->per_page; i++)
	{
		RvdIvfRow  *row = rvd_ivfflat_row(ivf, page, i);

		if (ItemPointerIsValid(&row->tid))
			continue;
		row->tid = insertion->tid;
		memcpy(row->x, insertion->x, (Size) ivf->dims * sizeof(float));
		special->nused++;
		return;
	}
	rvd_index_corrupted(ivf->index, special->next, -1,
						"A page of the list counts free entries that it does not have.");
}

static Buffer
get_list_page(Insertion *insertion)
{
	return rvd_ivfflat_get_lists(&insertion->ivf, insertion->list, true);
}

static inline RvdIvfList *
list_on(const Insertion *insertion, Page page)
{
	return rvd_ivfflat_list(&insertion->ivf, page,
							insertion->list % insertion->ivf.per_page);
}

/* A new page with the row, part of the change.  Returned pinned and locked. */
static Buffer
add_page(Insertion *insertion, RvdChange *change)
{
	Buffer		buffer = rvd_ivfflat_extend(&insertion->ivf, MAIN_FORKNUM);
	Page		page = rvd_change_page(change, buffer, BufferGetPage(buffer),
									   true);

	rvd_ivfflat_init_page(&insertion->ivf, page, RVD_IVFFLAT_ROWS,
						  (uint32) insertion->list);
	put_row(insertion, page);
	return buffer;
}

/*
 * Gives an empty list its first page, with the row.  False if somebody else
 * has done so; *insert is where to go then.
 */
static bool
begin_list(Insertion *insertion, BlockNumber *insert)
{
	Buffer		buffer = get_list_page(insertion);
	RvdIvfList *list = list_on(insertion, BufferGetPage(buffer));
	RvdChange	change;
	Buffer		added;
	Page		page;

	*insert = list->insert;
	if (BlockNumberIsValid(*insert))
	{
		UnlockReleaseBuffer(buffer);
		return false;
	}
	rvd_change_begin(&change, insertion->ivf.index, RVD_LOGGED);
	page = rvd_change_page(&change, buffer, BufferGetPage(buffer), false);
	list = list_on(insertion, page);
	added = add_page(insertion, &change);
	list->first = list->insert = BufferGetBlockNumber(added);
	rvd_change_finish(&change);
	UnlockReleaseBuffer(added);
	UnlockReleaseBuffer(buffer);
	return true;
}

/* Into the first page with room from `block` on; returns which it was. */
static BlockNumber
append_row(Insertion *insertion, BlockNumber block)
{
	RvdIvf	   *ivf = &insertion->ivf;

	for (;;)
	{
		Buffer		buffer = rvd_ivfflat_get(ivf, block, true,
											 RVD_IVFFLAT_ROWS,
											 (uint32) insertion->list);
		Page		page = BufferGetPage(buffer);
		BlockNumber next = rvd_ivfflat_next(ivf, block, page);
		int			nused = rvd_ivfflat_special(page)->nused;
		bool		has_room = nused < ivf->per_page;
		RvdChange	change;

		if (!has_room && BlockNumberIsValid(next))
		{
			UnlockReleaseBuffer(buffer);
			block = next;
			continue;
		}
		rvd_change_begin(&change, ivf->index, RVD_LOGGED);
		page = rvd_change_page(&change, buffer, page, false);
		if (has_room)
		{
			put_row(insertion, page);
			rvd_change_finish(&change);
		}
		else
		{
			Buffer		added = add_page(insertion, &change);

			block = BufferGetBlockNumber(added);
			rvd_ivfflat_special(page)->next = block;
			rvd_change_finish(&change);
			UnlockReleaseBuffer(added);
		}
		UnlockReleaseBuffer(buffer);
		return block;
	}
}

/*
 * Pages before `to` were full.  If the list's hint is no longer `from`,
 * vacuum or another insert has changed it and knows better.
 */
static void
advance_hint(Insertion *insertion, BlockNumber from, BlockNumber to)
{
	Buffer		buffer = get_list_page(insertion);

	if (list_on(insertion, BufferGetPage(buffer))->insert == from)
	{
		RvdChange	change;
		Page		page;

		rvd_change_begin(&change, insertion->ivf.index, RVD_LOGGED);
		page = rvd_change_page(&change, buffer, BufferGetPage(buffer), false);
		list_on(insertion, page)->insert = to;
		rvd_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
}

static void
insert_row(Insertion *insertion)
{
	RvdIvf	   *ivf = &insertion->ivf;
	RvdIvfHead *heads = palloc((Size) ivf->lists * sizeof(RvdIvfHead));
	BlockNumber from;
	BlockNumber to;

	rvd_ivfflat_measure_lists(ivf, insertion->x, heads);
	for (int i = 1; i < ivf->lists; i++)
		if (heads[i].distance < heads[insertion->list].distance)
			insertion->list = i;
	from = heads[insertion->list].insert;
	if (!BlockNumberIsValid(from) && begin_list(insertion, &from))
		return;
	to = append_row(insertion, from);
	if (to == from)
		return;
	RVD_DEBUG_POINT("ivfflat-insert-before-hint");
	advance_hint(insertion, from, to);
}

bool
rvd_ivfflat_insert(Relation index, Datum *values, bool *isnull,
				   ItemPointer tid, Relation heap,
				   IndexUniqueCheck check_unique, bool index_unchanged,
				   struct IndexInfo *info)
{
	Insertion	insertion = {.tid = *tid};
	MemoryContext context;
	MemoryContext old;

	if (isnull[0])
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext,
									"ruvector ivfflat insert",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	rvd_ivfflat_open(&insertion.ivf, index);
	insertion.x = rvd_ivfflat_stored(&insertion.ivf, rvd_vector_of(values[0]),
									 palloc((Size) insertion.ivf.dims *
											sizeof(float)));
	if (insertion.x != NULL)
		insert_row(&insertion);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return false;
}
