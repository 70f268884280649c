/*
 * rvd_ivfflat_vacuum.c
 *		Bulk delete: entries of dead rows become free.
 *
 * The file is read in the order of its blocks, whatever list they belong to.
 * Pages that were added meanwhile hold no row that this vacuum knows as dead.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "miscadmin.h"

#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"

typedef struct Vacuum
{
	RvdIvf		ivf;
	IndexVacuumInfo *info;
	IndexBulkDeleteResult *stats;
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	BlockNumber *with_room;		/* of each list the first page that has */
} Vacuum;

/* Numbers of the page's entries whose rows are dead. */
static int
find_dead(Vacuum *vacuum, Page page, uint16 *dead)
{
	int			ndead = 0;

	for (int i = 0; i < vacuum->ivf.per_page; i++)
	{
		RvdIvfRow  *row = rvd_ivfflat_row(&vacuum->ivf, page, i);

		if (!ItemPointerIsValid(&row->tid))
			continue;
		if (vacuum->callback(&row->tid, vacuum->callback_state))
			dead[ndead++] = (uint16) i;
		else
			vacuum->stats->num_index_tuples++;
	}
	return ndead;
}

static void
free_entries(Vacuum *vacuum, Buffer buffer, const uint16 *dead, int ndead)
{
	RvdIvf	   *ivf = &vacuum->ivf;
	RvdChange	change;
	Page		page;

	rvd_change_begin(&change, ivf->index, RVD_LOGGED);
	page = rvd_change_page(&change, buffer, BufferGetPage(buffer), false);
	for (int i = 0; i < ndead; i++)
		memset(rvd_ivfflat_row(ivf, page, dead[i]), 0, ivf->entry_bytes);
	rvd_ivfflat_special(page)->nused -= (uint16) ndead;
	rvd_change_finish(&change);
}

static void
vacuum_page(Vacuum *vacuum, BlockNumber block)
{
	RvdIvf	   *ivf = &vacuum->ivf;
	uint16		dead[RVD_IVFFLAT_ROOM / offsetof(RvdIvfRow, x)];
	uint32		list;
	int			ndead;
	Buffer		buffer;

	rvd_vacuum_delay();
	buffer = rvd_ivfflat_get_any_row_page(ivf, block, vacuum->info->strategy,
										  &list);
	if (!BufferIsValid(buffer))
		return;
	ndead = find_dead(vacuum, BufferGetPage(buffer), dead);
	if (ndead > 0)
		free_entries(vacuum, buffer, dead, ndead);
	vacuum->stats->tuples_removed += ndead;
	if (!BlockNumberIsValid(vacuum->with_room[list]) &&
		rvd_ivfflat_special(BufferGetPage(buffer))->nused < ivf->per_page)
		vacuum->with_room[list] = block;
	UnlockReleaseBuffer(buffer);
	if (ndead > 0)
		RVD_DEBUG_POINT("ivfflat-vacuum-between-pages");
}

/* Leads inserts to the room that there is, one page of lists a record. */
static void
renew_hints(Vacuum *vacuum, int first)
{
	RvdIvf	   *ivf = &vacuum->ivf;
	Buffer		buffer = rvd_ivfflat_get_lists(ivf, first, true);
	RvdChange	change;
	Page		page;
	bool		has_changed = false;

	rvd_change_begin(&change, ivf->index, RVD_LOGGED);
	page = rvd_change_page(&change, buffer, BufferGetPage(buffer), false);
	for (int i = 0; i < rvd_ivfflat_special(page)->nused; i++)
	{
		RvdIvfList *list = rvd_ivfflat_list(ivf, page, i);
		BlockNumber block = vacuum->with_room[first + i];

		/* blocks of a list ascend along its chain */
		if (!BlockNumberIsValid(block) || block >= list->insert)
			continue;
		list->insert = block;
		has_changed = true;
	}
	if (has_changed)
		rvd_change_finish(&change);
	else
		rvd_change_abort(&change);
	UnlockReleaseBuffer(buffer);
}

IndexBulkDeleteResult *
rvd_ivfflat_bulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
					   IndexBulkDeleteCallback callback, void *callback_state)
{
	Vacuum		vacuum = {.info = info,
				.callback = callback,
				.callback_state = callback_state};
	BlockNumber nblocks;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	stats->num_index_tuples = 0;
	vacuum.stats = stats;
	rvd_ivfflat_open(&vacuum.ivf, info->index);
	vacuum.with_room = palloc((Size) vacuum.ivf.lists * sizeof(BlockNumber));
	for (int i = 0; i < vacuum.ivf.lists; i++)
		vacuum.with_room[i] = InvalidBlockNumber;

	nblocks = RelationGetNumberOfBlocks(info->index);
	for (BlockNumber b = vacuum.ivf.first_row_block; b < nblocks; b++)
		vacuum_page(&vacuum, b);
	RVD_DEBUG_POINT("ivfflat-vacuum-before-hints");
	for (int i = 0; i < vacuum.ivf.lists; i += vacuum.ivf.per_page)
		renew_hints(&vacuum, i);
	pfree(vacuum.with_room);
	return stats;
}

IndexBulkDeleteResult *
rvd_ivfflat_vacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	if (info->analyze_only || stats == NULL)
		return stats;
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	return stats;
}
