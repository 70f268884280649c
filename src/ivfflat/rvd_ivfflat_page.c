/*
 * rvd_ivfflat_page.c
 *		Geometry and pages: checks before belief, new pages, distances.
 *
 * What only this file knows: what must be true of a page before anything on it
 * is believed (README.md, "Pages").
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

#include "core/ruv_kmeans.h"
#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"

/* ---- geometry ---- */

/*
 * The metric follows from the operator class's support functions, so that an
 * operator class of the user's own works: number 1 is the distance, number 2,
 * if there is one, the norm to divide by.
 */
static RuvMetric
metric_of(Relation index)
{
	PGFunction	distance = index_getprocinfo(index, 1, 1)->fn_addr;
	bool		is_normalized = OidIsValid(index_getprocid(index, 1, 2));

	if (distance == rvd_vector_l2_squared_distance && !is_normalized)
		return RUV_METRIC_L2;
	if (distance == rvd_vector_negative_inner_product)
		return is_normalized ? RUV_METRIC_COSINE : RUV_METRIC_IP;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("type not supported for ivfflat index"),
			 errdetail("The operator class of index \"%s\" has a distance "
					   "function that ivfflat does not know.",
					   RelationGetRelationName(index))));
	pg_unreachable();
}

static void
set_geometry(RvdIvf *ivf, Relation index, RuvMetric metric, int dims,
			 int lists)
{
	ivf->index = index;
	ivf->metric = metric;
	ivf->dims = dims;
	ivf->lists = lists;
	ivf->entry_bytes = offsetof(RvdIvfRow, x) + (Size) dims * sizeof(float);
	ivf->per_page = (int) (RVD_IVFFLAT_ROOM / ivf->entry_bytes);
	Assert(ivf->per_page >= 1);
	ivf->first_row_block = rvd_ivfflat_block_of_list(ivf, lists - 1) + 1;
	ivf->nblocks = ivf->first_row_block;
}

void
rvd_ivfflat_plan(RvdIvf *ivf, Relation index)
{
	int			dims = TupleDescAttr(index->rd_att, 0)->atttypmod;
	RuvMetric	metric = metric_of(index);

	if (dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions")));
	if (dims > RVD_IVFFLAT_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for ivfflat index",
						RVD_IVFFLAT_MAX_DIMS)));
	if (dims == 1 && metric != RUV_METRIC_L2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions must be greater than one for this opclass")));
	set_geometry(ivf, index, metric, dims, rvd_ivfflat_option_lists(index));
	ivf->durability = RVD_BUILDING;
}

/* ---- pages ---- */

/* Header and special space are those of a page of ours. */
static const char *
fault_of_page(Page page, RvdIvfKind kind, Size used_bytes)
{
	PageHeader	header = (PageHeader) page;
	RvdIvfSpecial *special;

	if (PageIsNew(page))
		return "The page is empty.";
	if (PageGetPageSize(page) != BLCKSZ ||
		header->pd_special != BLCKSZ - MAXALIGN(sizeof(RvdIvfSpecial)) ||
		header->pd_lower != MAXALIGN(SizeOfPageHeaderData) + used_bytes ||
		header->pd_upper != header->pd_special)
		return "The page header is not that of an ivfflat page.";
	special = rvd_ivfflat_special(page);
	if (special->page_id != RVD_IVFFLAT_PAGE_ID)
		return "The page is not one of an ivfflat index.";
	if (special->kind != kind)
		return "The page is of another kind.";
	return NULL;
}

static Size
used_bytes_of(const RvdIvf *ivf, RvdIvfKind kind)
{
	if (kind == RVD_IVFFLAT_META)
		return sizeof(RvdIvfMetaPage);
	return (Size) ivf->per_page * ivf->entry_bytes;
}

static const char *
fault_of_entries(const RvdIvf *ivf, Page page, RvdIvfKind kind)
{
	const RvdIvfSpecial *special = rvd_ivfflat_special(page);
	uint32		nlists;

	if (kind == RVD_IVFFLAT_META)
		return NULL;
	if (special->nused > ivf->per_page)
		return "The page counts more entries than it can hold.";
	if (special->list >= (uint32) ivf->lists)
		return "The page belongs to a list that does not exist.";
	nlists = Min((uint32) ivf->per_page, (uint32) ivf->lists - special->list);
	if (kind == RVD_IVFFLAT_LISTS && special->nused != nlists)
		return "The page does not hold the centers that it must.";
	return NULL;
}

static Buffer
get_page(RvdIvf *ivf, BlockNumber block, bool exclusive, RvdIvfKind kind,
		 bool may_be_new, BufferAccessStrategy strategy)
{
	Buffer		buffer;
	const char *fault;

	if (block >= ivf->nblocks)
	{
		ivf->nblocks = RelationGetNumberOfBlocks(ivf->index);
		if (block >= ivf->nblocks)
			rvd_index_corrupted(ivf->index, block, -1,
								"The block is behind the end of the file.");
	}
	buffer = ReadBufferExtended(ivf->index, MAIN_FORKNUM, block, RBM_NORMAL,
								strategy);
	LockBuffer(buffer, exclusive ? BUFFER_LOCK_EXCLUSIVE : BUFFER_LOCK_SHARE);
	if (may_be_new && PageIsNew(BufferGetPage(buffer)))
		return buffer;
	fault = fault_of_page(BufferGetPage(buffer), kind,
						  used_bytes_of(ivf, kind));
	if (fault == NULL)
		fault = fault_of_entries(ivf, BufferGetPage(buffer), kind);
	if (fault != NULL)
		rvd_index_corrupted(ivf->index, block, -1, fault);
	return buffer;
}

Buffer
rvd_ivfflat_get(RvdIvf *ivf, BlockNumber block, bool exclusive,
				RvdIvfKind kind, uint32 list)
{
	Buffer		buffer = get_page(ivf, block, exclusive, kind, false, NULL);

	if (rvd_ivfflat_special(BufferGetPage(buffer))->list != list)
		rvd_index_corrupted(ivf->index, block, -1,
							"The page belongs to another list.");
	return buffer;
}

Buffer
rvd_ivfflat_get_any_row_page(RvdIvf *ivf, BlockNumber block,
							 BufferAccessStrategy strategy, uint32 *list)
{
	Buffer		buffer = get_page(ivf, block, true, RVD_IVFFLAT_ROWS,
								  true, strategy);

	if (PageIsNew(BufferGetPage(buffer)))
	{
		/* added by an insert that a crash undid, or not yet filled */
		UnlockReleaseBuffer(buffer);
		return InvalidBuffer;
	}
	*list = rvd_ivfflat_special(BufferGetPage(buffer))->list;
	return buffer;
}

BlockNumber
rvd_ivfflat_next(const RvdIvf *ivf, BlockNumber block, Page page)
{
	BlockNumber next = rvd_ivfflat_special(page)->next;

	if (next <= block)
		rvd_index_corrupted(ivf->index, block, -1,
							"The chain of the list leads back.");
	return next;
}

Buffer
rvd_ivfflat_get_lists(RvdIvf *ivf, int list, bool exclusive)
{
	return rvd_ivfflat_get(ivf, rvd_ivfflat_block_of_list(ivf, list),
						   exclusive, RVD_IVFFLAT_LISTS,
						   (uint32) (list - list % ivf->per_page));
}

void
rvd_ivfflat_init_page(const RvdIvf *ivf, Page page, RvdIvfKind kind,
					  uint32 list)
{
	Size		used_bytes = used_bytes_of(ivf, kind);
	RvdIvfSpecial *special;

	PageInit(page, BLCKSZ, sizeof(RvdIvfSpecial));
	special = rvd_ivfflat_special(page);
	special->next = InvalidBlockNumber;
	special->list = list;
	special->kind = kind;
	special->page_id = RVD_IVFFLAT_PAGE_ID;
	/* what lies below pd_lower is neither compressed nor left out of WAL */
	((PageHeader) page)->pd_lower =
		(LocationIndex) (MAXALIGN(SizeOfPageHeaderData) + used_bytes);
	Assert(((PageHeader) page)->pd_lower <= ((PageHeader) page)->pd_upper);
}

Buffer
rvd_ivfflat_extend(RvdIvf *ivf, ForkNumber fork)
{
	bool		needs_lock = ivf->durability == RVD_LOGGED &&
		!RELATION_IS_LOCAL(ivf->index);
	Buffer		buffer;

	if (needs_lock)
		LockRelationForExtension(ivf->index, ExclusiveLock);
	buffer = ReadBufferExtended(ivf->index, fork, P_NEW, RBM_NORMAL, NULL);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (needs_lock)
		UnlockRelationForExtension(ivf->index, ExclusiveLock);
	ivf->nblocks = Max(ivf->nblocks, BufferGetBlockNumber(buffer) + 1);
	return buffer;
}

/* ---- an index that exists ---- */

static void
check_meta(Relation index, const RvdIvfMetaPage *meta)
{
	if (meta->magic != RVD_IVFFLAT_MAGIC)
		rvd_index_corrupted(index, RVD_IVFFLAT_META_BLOCK, -1,
							"The metapage does not have the magic number.");
	if (meta->version != RVD_IVFFLAT_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has format version %u",
						RelationGetRelationName(index), meta->version),
				 errdetail("This version of ruvector_delta reads version %d.",
						   RVD_IVFFLAT_VERSION),
				 errhint("Rebuild it with REINDEX.")));
	if (meta->metric < RUV_METRIC_L2 || meta->metric > RUV_METRIC_COSINE ||
		meta->dims < 1 || meta->dims > RVD_IVFFLAT_MAX_DIMS ||
		meta->lists < RVD_IVFFLAT_MIN_LISTS ||
		meta->lists > RVD_IVFFLAT_MAX_LISTS)
		rvd_index_corrupted(index, RVD_IVFFLAT_META_BLOCK, -1,
							"The metapage describes an impossible geometry.");
	/* a column that lost its type modifier says nothing */
	if (TupleDescAttr(index->rd_att, 0)->atttypmod > 0 &&
		TupleDescAttr(index->rd_att, 0)->atttypmod != meta->dims)
		rvd_index_corrupted(index, RVD_IVFFLAT_META_BLOCK, -1,
							"The metapage describes another column.");
}

static void
read_meta(Relation index)
{
	RvdIvf		ivf = {.index = index};
	Buffer		buffer = get_page(&ivf, RVD_IVFFLAT_META_BLOCK, false,
								  RVD_IVFFLAT_META, false, NULL);
	RvdIvfMetaPage *meta = MemoryContextAlloc(index->rd_indexcxt,
											  sizeof(*meta));

	memcpy(meta, PageGetContents(BufferGetPage(buffer)), sizeof(*meta));
	UnlockReleaseBuffer(buffer);
	check_meta(index, meta);
	index->rd_amcache = meta;
}

void
rvd_ivfflat_open(RvdIvf *ivf, Relation index)
{
	const RvdIvfMetaPage *meta;

	if (index->rd_amcache == NULL)
		read_meta(index);
	meta = index->rd_amcache;
	set_geometry(ivf, index, (RuvMetric) meta->metric, meta->dims,
				 (int) meta->lists);
	ivf->durability = RVD_LOGGED;
}

void
rvd_ivfflat_measure_lists(RvdIvf *ivf, const float *x, RvdIvfHead *heads)
{
	for (int first = 0; first < ivf->lists; first += ivf->per_page)
	{
		Buffer		buffer = rvd_ivfflat_get_lists(ivf, first, false);
		Page		page = BufferGetPage(buffer);
		int			n = rvd_ivfflat_special(page)->nused;

		for (int i = 0; i < n; i++)
		{
			const RvdIvfList *list = rvd_ivfflat_list(ivf, page, i);
			RvdIvfHead *head = &heads[first + i];

			head->distance = x == NULL ? 0 :
										 rvd_ivfflat_distance(ivf, x, list->x);
			head->first = list->first;
			head->insert = list->insert;
		}
		UnlockReleaseBuffer(buffer);
	}
}

/* ---- vectors ---- */

const float *
rvd_ivfflat_stored(const RvdIvf *ivf, const RvdVector *vector, float *memory)
{
	if (vector->dims != ivf->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", ivf->dims,
						vector->dims)));
	if (ivf->metric != RUV_METRIC_COSINE)
		return vector->x;
	memcpy(memory, vector->x, (Size) ivf->dims * sizeof(float));
	return ruv_normalize(memory, (size_t) ivf->dims) ? memory : NULL;
}

float
rvd_ivfflat_distance(const RvdIvf *ivf, const float *a, const float *b)
{
	if (ivf->metric == RUV_METRIC_L2)
		return rvd_kernels->l2_squared(a, b, (size_t) ivf->dims);
	return -rvd_kernels->inner_product(a, b, (size_t) ivf->dims);
}
