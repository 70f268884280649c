/*
 * rvd_ivfflat_build.c
 *		ambuild and ambuildempty.
 *
 * The centers are found on a sample (rvd_ivfflat_sample.c).  Then each row is
 * given to its list and sorted by it, and the lists are written one behind the
 * other, so that reading one is reading on.  Nothing is logged until the file
 * is finished.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/progress.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"

typedef struct BuildState
{
	RvdIvf		ivf;
	float	   *centers;
	TupleDesc	desc;			/* what is sorted: list, entry */
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	bytea	   *entry;			/* the row as it will stand on its page */
	float	   *unit;			/* room for a normalised vector */
	MemoryContext row_context;
	int64		index_tuples;
} BuildState;

/* ---- rows to lists ---- */

static int
nearest_list(const BuildState *state, const float *x)
{
	const RvdIvf *ivf = &state->ivf;
	float		best = 0;
	int			result = -1;

	for (int i = 0; i < ivf->lists; i++)
	{
		float		d = rvd_ivfflat_distance(ivf, x,
											 state->centers +
												 (Size) i * (Size) ivf->dims);

		if (result < 0 || d < best)
		{
			best = d;
			result = i;
		}
	}
	return result;
}

static void
build_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		  bool is_alive, void *argument)
{
	BuildState *state = argument;
	RvdIvf	   *ivf = &state->ivf;
	RvdIvfRow  *row = (RvdIvfRow *) VARDATA(state->entry);
	MemoryContext old;
	const float *x;

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(state->row_context);
	x = rvd_ivfflat_stored(ivf, rvd_vector_of(values[0]), state->unit);
	if (x != NULL)
	{
		TupleTableSlot *slot = state->slot;

		row->tid = *tid;
		row->unused = 0;
		memcpy(row->x, x, (Size) ivf->dims * sizeof(float));
		ExecClearTuple(slot);
		slot->tts_values[0] = Int32GetDatum(nearest_list(state, x));
		slot->tts_values[1] = PointerGetDatum(state->entry);
		slot->tts_isnull[0] = slot->tts_isnull[1] = false;
		ExecStoreVirtualTuple(slot);
		tuplesort_puttupleslot(state->sort, slot);
		state->index_tuples++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->row_context);
}

static void
begin_sort(BuildState *state, int memory_kb)
{
	AttrNumber	columns[] = {1};
	Oid			operators[] = {Int4LessOperator};
	Oid			collations[] = {InvalidOid};
	bool		nulls_first[] = {false};
	Size		bytes = VARHDRSZ + state->ivf.entry_bytes;

	state->desc = CreateTemplateTupleDesc(2);
	TupleDescInitEntry(state->desc, 1, "list", INT4OID, -1, 0);
	TupleDescInitEntry(state->desc, 2, "entry", BYTEAOID, -1, 0);
	state->slot = MakeSingleTupleTableSlot(state->desc, &TTSOpsVirtual);
	state->entry = palloc0(bytes);
	SET_VARSIZE(state->entry, bytes);
	state->unit = palloc((Size) state->ivf.dims * sizeof(float));
	state->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "ruvector ivfflat build row",
											   ALLOCSET_DEFAULT_SIZES);
	state->sort = tuplesort_begin_heap(state->desc, 1, columns, operators,
									   collations, nulls_first, memory_kb,
									   NULL, TUPLESORT_NONE);
}

/* ---- lists to pages ---- */

/* A new page of the fork, registered with the change. */
static Page
begin_page(RvdIvf *ivf, ForkNumber fork, RvdChange *change, Buffer *buffer,
		   RvdIvfKind kind, uint32 list)
{
	Page		page;

	*buffer = rvd_ivfflat_extend(ivf, fork);
	rvd_change_begin(change, ivf->index, RVD_BUILDING);
	page = rvd_change_page(change, *buffer, BufferGetPage(*buffer), true);
	rvd_ivfflat_init_page(ivf, page, kind, list);
	return page;
}

static void
end_page(RvdChange *change, Buffer buffer)
{
	rvd_change_finish(change);
	UnlockReleaseBuffer(buffer);
}

/* Block 0 and the centers, whose lists are empty. */
static void
write_first_pages(BuildState *state, ForkNumber fork)
{
	RvdIvf	   *ivf = &state->ivf;
	RvdChange	change;
	Buffer		buffer;
	Page		page = begin_page(ivf, fork, &change, &buffer,
								  RVD_IVFFLAT_META, 0);
	RvdIvfMetaPage meta = {.magic = RVD_IVFFLAT_MAGIC,
				   .version = RVD_IVFFLAT_VERSION,
				   .lists = (uint32) ivf->lists,
				   .metric = (uint16) ivf->metric,
				   .dims = (uint16) ivf->dims};

	memcpy(PageGetContents(page), &meta, sizeof(meta));
	end_page(&change, buffer);
	for (int first = 0; first < ivf->lists; first += ivf->per_page)
	{
		int			n = Min(ivf->per_page, ivf->lists - first);

		page = begin_page(ivf, fork, &change, &buffer, RVD_IVFFLAT_LISTS,
						  (uint32) first);
		Assert(BufferGetBlockNumber(buffer) ==
			   rvd_ivfflat_block_of_list(ivf, first));
		rvd_ivfflat_special(page)->nused = (uint16) n;
		for (int i = 0; i < n; i++)
		{
			RvdIvfList *list = rvd_ivfflat_list(ivf, page, i);

			list->first = list->insert = InvalidBlockNumber;
			memcpy(list->x,
				   state->centers + (Size) (first + i) * (Size) ivf->dims,
				   (Size) ivf->dims * sizeof(float));
		}
		end_page(&change, buffer);
	}
}

/* Where the sorted rows are to go. */
typedef struct Writer
{
	BuildState *state;
	RvdIvfHead *heads;
	int			list;			/* of the page that is open, -1: none is */
	RvdChange	change;
	Buffer		buffer;
	Page		page;
} Writer;

static void
close_page(Writer *writer, BlockNumber next)
{
	if (writer->list < 0)
		return;
	rvd_ivfflat_special(writer->page)->next = next;
	end_page(&writer->change, writer->buffer);
}

/* Opens a page for the next row of the list. */
static void
open_page(Writer *writer, int list)
{
	RvdIvf	   *ivf = &writer->state->ivf;
	RvdIvfHead *head = &writer->heads[list];
	BlockNumber block = RelationGetNumberOfBlocks(ivf->index);

	/* nobody else adds pages to an index that is being built */
	close_page(writer, list == writer->list ? block : InvalidBlockNumber);
	CHECK_FOR_INTERRUPTS();
	writer->page = begin_page(ivf, MAIN_FORKNUM, &writer->change,
							  &writer->buffer, RVD_IVFFLAT_ROWS,
							  (uint32) list);
	Assert(BufferGetBlockNumber(writer->buffer) == block);
	if (list != writer->list)
		head->first = block;
	head->insert = block;
	writer->list = list;
}

static void
write_row(Writer *writer, int list, const char *entry)
{
	RvdIvf	   *ivf = &writer->state->ivf;
	RvdIvfSpecial *special;

	if (list != writer->list ||
		rvd_ivfflat_special(writer->page)->nused == ivf->per_page)
		open_page(writer, list);
	special = rvd_ivfflat_special(writer->page);
	memcpy(rvd_ivfflat_row(ivf, writer->page, special->nused++), entry,
		   ivf->entry_bytes);
}

/* Tells the pages of lists where their lists are. */
static void
write_heads(RvdIvf *ivf, const RvdIvfHead *heads)
{
	for (int first = 0; first < ivf->lists; first += ivf->per_page)
	{
		Buffer		buffer = rvd_ivfflat_get_lists(ivf, first, true);
		RvdChange	change;
		Page		page;

		rvd_change_begin(&change, ivf->index, RVD_BUILDING);
		page = rvd_change_page(&change, buffer, BufferGetPage(buffer), false);
		for (int i = 0; i < rvd_ivfflat_special(page)->nused; i++)
		{
			RvdIvfList *list = rvd_ivfflat_list(ivf, page, i);

			list->first = heads[first + i].first;
			list->insert = heads[first + i].insert;
		}
		rvd_change_finish(&change);
		UnlockReleaseBuffer(buffer);
	}
}

static void
write_lists(BuildState *state)
{
	RvdIvf	   *ivf = &state->ivf;
	Writer		writer = {.state = state, .list = -1};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(state->desc,
													&TTSOpsMinimalTuple);
	int64		ndone = 0;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE,
								 RVD_IVFFLAT_PHASE_LOAD);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL,
								 state->index_tuples);
	writer.heads = palloc((Size) ivf->lists * sizeof(RvdIvfHead));
	for (int i = 0; i < ivf->lists; i++)
		writer.heads[i].first = writer.heads[i].insert = InvalidBlockNumber;
	while (tuplesort_gettupleslot(state->sort, true, false, slot, NULL))
	{
		bool		isnull;
		int			list = DatumGetInt32(slot_getattr(slot, 1, &isnull));
		Datum		entry = slot_getattr(slot, 2, &isnull);

		write_row(&writer, list, VARDATA_ANY(DatumGetPointer(entry)));
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, ++ndone);
	}
	close_page(&writer, InvalidBlockNumber);
	write_heads(ivf, writer.heads);
	ExecDropSingleTupleTableSlot(slot);
}

/* ---- callbacks ---- */

IndexBuildResult *
rvd_ivfflat_build(Relation heap, Relation index, IndexInfo *info)
{
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ruvector ivfflat build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BuildState	state = {0};

	/* refuse before any work */
	rvd_ivfflat_plan(&state.ivf, index);
	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data",
			 RelationGetRelationName(index));
	state.centers = rvd_ivfflat_centers(&state.ivf, heap, info);
	write_first_pages(&state, MAIN_FORKNUM);

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE,
								 RVD_IVFFLAT_PHASE_ASSIGN);
	begin_sort(&state, maintenance_work_mem);
	result->heap_tuples = table_index_build_scan(heap, index, info, true,
												 true, build_row, &state,
												 NULL);
	tuplesort_performsort(state.sort);
	write_lists(&state);
	tuplesort_end(state.sort);
	result->index_tuples = (double) state.index_tuples;

	RVD_DEBUG_POINT("ivfflat-build-before-log");
	rvd_log_whole_fork(index, MAIN_FORKNUM);
	RVD_DEBUG_POINT("ivfflat-build-after-log");

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

/* The initialisation fork of an unlogged index. */
void
rvd_ivfflat_buildempty(Relation index)
{
	BuildState	state = {0};

	rvd_ivfflat_plan(&state.ivf, index);
	state.centers = rvd_ivfflat_centers(&state.ivf, NULL, NULL);
	write_first_pages(&state, INIT_FORKNUM);
	rvd_log_whole_fork(index, INIT_FORKNUM);
	pfree(state.centers);
}
