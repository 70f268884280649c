/*
 * rvd_ivfflat_int.h
 *		Page structs of the ivfflat index and what the files of this folder
 *		share.  README.md, "Pages", draws them.
 */
#ifndef RVD_IVFFLAT_INT_H
#define RVD_IVFFLAT_INT_H

#include "access/amapi.h"
#include "access/genam.h"
#include "storage/bufmgr.h"
#include "utils/relcache.h"

#include "core/ruv_layout.h"
#include "ivfflat/rvd_ivfflat.h"
#include "pg/rvd_wal.h"
#include "types/rvd_vector.h"

/* ---- on disk ---- */

#define RVD_IVFFLAT_MAGIC 0x72764946	/* "rvIF" */
#define RVD_IVFFLAT_VERSION 1
#define RVD_IVFFLAT_PAGE_ID 0xFD7B

#define RVD_IVFFLAT_META_BLOCK 0
#define RVD_IVFFLAT_FIRST_LIST_BLOCK 1

typedef enum RvdIvfKind
{
	RVD_IVFFLAT_META = 1,
	RVD_IVFFLAT_LISTS = 2,		/* centers */
	RVD_IVFFLAT_ROWS = 3		/* entries of one list */
} RvdIvfKind;

typedef struct RvdIvfMetaPage
{
	uint32		magic;
	uint32		version;
	uint32		lists;
	uint16		metric;			/* RuvMetric */
	uint16		dims;
} RvdIvfMetaPage;

typedef struct RvdIvfSpecial
{
	BlockNumber next;			/* of a list's chain, InvalidBlockNumber at
								 * its end */
	uint32		list;			/* whose rows; of a page of lists its first */
	uint16		nused;			/* entries in use */
	uint16		unused;			/* zero */
	uint16		kind;			/* RvdIvfKind */
	uint16		page_id;
} RvdIvfSpecial;

StaticAssertDecl(sizeof(RvdIvfSpecial) == 16,
				 "ivfflat: the special space changed on disk");

/* A center: where its list begins, and where it may have room. */
typedef struct RvdIvfList
{
	BlockNumber first;
	BlockNumber insert;			/* no page before it has room */
	float		x[FLEXIBLE_ARRAY_MEMBER];
} RvdIvfList;

/* An entry; not in use if its TID is not valid. */
typedef struct RvdIvfRow
{
	ItemPointerData tid;
	uint16		unused;			/* zero */
	float		x[FLEXIBLE_ARRAY_MEMBER];
} RvdIvfRow;

/* Both kinds of entry are of one size. */
StaticAssertDecl(offsetof(RvdIvfList, x) == 8 && offsetof(RvdIvfRow, x) == 8,
				 "ivfflat: an entry changed on disk");

#define RVD_IVFFLAT_ROOM \
	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - MAXALIGN(sizeof(RvdIvfSpecial)))

/* Support functions, by which an operator class's metric is known. */
extern PGDLLEXPORT Datum rvd_vector_l2_squared_distance(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum rvd_vector_negative_inner_product(PG_FUNCTION_ARGS);

/* ---- rvd_ivfflat_page.c ---- */

/* An index as it is worked with. */
typedef struct RvdIvf
{
	Relation	index;
	RuvMetric	metric;
	int			dims;
	int			lists;
	Size		entry_bytes;
	int			per_page;
	BlockNumber first_row_block;	/* behind the pages of lists */
	BlockNumber nblocks;		/* the index has at least as many */
	RvdDurability durability;
} RvdIvf;

static inline RvdIvfSpecial *
rvd_ivfflat_special(Page page)
{
	return (RvdIvfSpecial *) PageGetSpecialPointer(page);
}

/* Entry i of a page of lists or of rows. */
static inline RvdIvfList *
rvd_ivfflat_list(const RvdIvf *ivf, Page page, int i)
{
	Size		offset = (Size) i * ivf->entry_bytes;

	return (RvdIvfList *) (PageGetContents(page) + offset);
}

static inline RvdIvfRow *
rvd_ivfflat_row(const RvdIvf *ivf, Page page, int i)
{
	Size		offset = (Size) i * ivf->entry_bytes;

	return (RvdIvfRow *) (PageGetContents(page) + offset);
}

/* Where a list's center is. */
static inline BlockNumber
rvd_ivfflat_block_of_list(const RvdIvf *ivf, int list)
{
	return RVD_IVFFLAT_FIRST_LIST_BLOCK + (BlockNumber) (list / ivf->per_page);
}

/* An index that is to be built; checks the column and the options. */
extern void rvd_ivfflat_plan(RvdIvf *ivf, Relation index);

/* An index that exists. */
extern void rvd_ivfflat_open(RvdIvf *ivf, Relation index);

/*
 * A page of this kind (of rows: of this list), pinned and locked, after it was
 * checked.  Raises ERRCODE_INDEX_CORRUPTED where it is not what it must be.
 */
extern Buffer rvd_ivfflat_get(RvdIvf *ivf, BlockNumber block, bool exclusive,
							  RvdIvfKind kind, uint32 list);

/* The page with the center of a list. */
extern Buffer rvd_ivfflat_get_lists(RvdIvf *ivf, int list, bool exclusive);

/*
 * A page of rows, exclusively locked, of whatever list, which is *list;
 * InvalidBuffer if the block is empty.
 */
extern Buffer rvd_ivfflat_get_any_row_page(RvdIvf *ivf, BlockNumber block,
										   BufferAccessStrategy strategy,
										   uint32 *list);

/* Checks that a chain goes on as it must, and returns the next block. */
extern BlockNumber rvd_ivfflat_next(const RvdIvf *ivf, BlockNumber block,
									Page page);

/* Empties a page that the caller has registered as fresh. */
extern void rvd_ivfflat_init_page(const RvdIvf *ivf, Page page,
								  RvdIvfKind kind, uint32 list);

/* A new page at the end of the fork, pinned and exclusively locked. */
extern Buffer rvd_ivfflat_extend(RvdIvf *ivf, ForkNumber fork);

/* What a page of lists says of one, and how far its center is. */
typedef struct RvdIvfHead
{
	float		distance;
	BlockNumber first;
	BlockNumber insert;
} RvdIvfHead;

/* Fills heads, one for each list; without x the distances are 0. */
extern void rvd_ivfflat_measure_lists(RvdIvf *ivf, const float *x,
									  RvdIvfHead *heads);

/*
 * The vector as the index stores it: of unit length under the cosine.  NULL if
 * it is not to be indexed, having no direction there.
 */
extern const float *rvd_ivfflat_stored(const RvdIvf *ivf,
									   const RvdVector *vector,
									   float *memory);

/* Distance by which lists and rows are ranked. */
extern float rvd_ivfflat_distance(const RvdIvf *ivf, const float *a,
								  const float *b);

/* ---- rvd_ivfflat_order.c ---- */

/* Something with a distance: a row, by its TID, or a list, by its number. */
typedef struct RvdIvfItem
{
	uint32		key;			/* the distance as a place among all floats */
	uint32		number;			/* block, or list */
	uint16		offset;
} RvdIvfItem;

/* Items taken in ascending order, and put in order as far as taken. */
typedef struct RvdIvfOrder
{
	RvdIvfItem *items;
	Size		nitems;
	Size		room;
	Size		nsorted;		/* of them, from the front */
	Size		next;
	int			share;			/* in 128ths, to put in order next */
	Size		max_items;		/* beyond it, items are spilled */
	struct Tuplesortstate *spill;
	struct TupleTableSlot *slot_in;
	struct TupleTableSlot *slot_out;
} RvdIvfOrder;

/* Memory comes from the current context, about max_bytes at most. */
extern void rvd_ivfflat_order_init(RvdIvfOrder *order, Size max_bytes);
extern void rvd_ivfflat_order_clear(RvdIvfOrder *order);
extern void rvd_ivfflat_order_add(RvdIvfOrder *order, float distance,
								  uint32 number, uint16 offset);

/* All were added; the next by distance, false behind the last. */
extern bool rvd_ivfflat_order_next(RvdIvfOrder *order, RvdIvfItem *item);

/* ---- rvd_ivfflat_sample.c ---- */

/* The centers of a new index's lists; NULL heap: random ones. */
extern float *rvd_ivfflat_centers(const RvdIvf *ivf, Relation heap,
								  struct IndexInfo *info);

/* ---- rvd_ivfflat_options.c ---- */

extern int	rvd_ivfflat_option_lists(Relation index);
extern bytea *rvd_ivfflat_options(Datum reloptions, bool validate);
extern int	rvd_ivfflat_probes(void);
extern int	rvd_ivfflat_max_probes(void);
extern bool rvd_ivfflat_is_iterative(void);

/* ---- the callbacks, one file each ---- */

extern IndexBuildResult *rvd_ivfflat_build(Relation heap, Relation index,
										   struct IndexInfo *info);
extern void rvd_ivfflat_buildempty(Relation index);
extern bool rvd_ivfflat_insert(Relation index, Datum *values, bool *isnull,
							   ItemPointer tid, Relation heap,
							   IndexUniqueCheck check_unique,
							   bool index_unchanged, struct IndexInfo *info);
extern IndexScanDesc rvd_ivfflat_beginscan(Relation index, int nkeys,
										   int norderbys);
extern void rvd_ivfflat_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
							   ScanKey orderbys, int norderbys);
extern bool rvd_ivfflat_gettuple(IndexScanDesc scan, ScanDirection direction);
extern void rvd_ivfflat_endscan(IndexScanDesc scan);
extern IndexBulkDeleteResult *
rvd_ivfflat_bulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
					   IndexBulkDeleteCallback callback,
					   void *callback_state);
extern IndexBulkDeleteResult *
rvd_ivfflat_vacuumcleanup(IndexVacuumInfo *info,
						  IndexBulkDeleteResult *stats);
extern void rvd_ivfflat_costestimate(struct PlannerInfo *root,
									 struct IndexPath *path,
									 double loop_count, Cost *startup,
									 Cost *total, Selectivity *selectivity,
									 double *correlation, double *pages);

/* Phases of a build; 1 is "initializing". */
#define RVD_IVFFLAT_PHASE_KMEANS 2
#define RVD_IVFFLAT_PHASE_ASSIGN 3
#define RVD_IVFFLAT_PHASE_LOAD 4

#endif							/* RVD_IVFFLAT_INT_H */
