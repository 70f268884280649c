/*
 * rvd_hnsw_int.h
 *		Shared by the files of the access method; private to this folder.
 *
 * Pages, locks, WAL and crash states are written down in README.md.
 */
#ifndef RVD_HNSW_INT_H
#define RVD_HNSW_INT_H

#include "access/amapi.h"
#include "common/pg_prng.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "storage/lwlock.h"
#include "utils/relcache.h"

#include "core/ruv_entry.h"
#include "core/ruv_link.h"
#include "core/ruv_node.h"
#include "core/ruv_search.h"
#include "pg/rvd_wal.h"

/* ---- pages ---- */

#define RVD_META_BLOCK 0
#define RVD_ENTRY_BLOCK 1
#define RVD_FIRST_NODE_BLOCK 2

#define RVD_HNSW_MAGIC 0x52564831	/* "RVH1" */
#define RVD_HNSW_VERSION 1

/* Kind of a page, in its special space. */
#define RVD_PAGE_ID 0xFF9D		/* for forensic tools, last two bytes */
#define RVD_KIND_META 1
#define RVD_KIND_ENTRY 2
#define RVD_KIND_NODE 3

typedef struct RvdSpecial
{
	uint32		unused;
	uint16		kind;
	uint16		page_id;
} RvdSpecial;

/*
 * The metapage is written once, when the index is created, and never again;
 * so it may be cached for as long as the relation's file stays the same.
 */
typedef struct RvdMetaPage
{
	uint32		magic;
	uint32		version;
	uint64		seed;			/* of the rotation */
	uint16		metric;			/* RuvMetric */
	uint16		dims;
	uint16		m;
	uint16		ef_construction;
	/* geometry, as computed then; must equal what is computed now */
	uint16		padded;
	uint16		bits;
	uint16		slots;
	uint16		per_page;
	uint16		record_bytes;
	uint16		slot_bytes;
	uint8		own;
	uint8		slot;
	uint16		unused;
} RvdMetaPage;

StaticAssertDecl(sizeof(RvdMetaPage) == 40, "on-disk format");

typedef struct RvdEntryPage
{
	uint32		unused;
	uint32		count;			/* entries in use */
} RvdEntryPage;

#define RVD_PAGE_ROOM \
	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - MAXALIGN(sizeof(RvdSpecial)))
#define RVD_ENTRY_ROOM (RVD_PAGE_ROOM - sizeof(RvdEntryPage))

/*
 * Everything about an index that does not change; rd_amcache has one, which
 * any invalidation may free, and whoever opens a store gets a copy.
 */
typedef struct RvdGeometry
{
	RuvLayout	layout;
	RuvRotation rotation;
	int			m;
	int			ef_construction;
	int			entry_room;
} RvdGeometry;

/* ---- SQL functions by which an operator class is recognised ---- */

extern PGDLLEXPORT Datum rvd_vector_l2_squared_distance(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum rvd_vector_negative_inner_product(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum rvd_vector_l1_distance(PG_FUNCTION_ARGS);

/* ---- rvd_hnsw_store.c ---- */

/*
 * Where the pages of an index are: in shared buffers, or during the first
 * part of a build in memory.
 */
typedef struct RvdStore
{
	Relation	index;
	const RvdGeometry *geometry;
	RvdDurability durability;
	BlockNumber nblocks;		/* as last seen; at least so many exist */
	uint32		hint_base;		/* see hint_of */
	struct RvdArea *area;		/* of RVD_PRIVATE pages */
} RvdStore;

/* Pages in memory; in dynamic shared memory if several processes build. */
typedef struct RvdArea
{
	char	   *pages;
	LWLock	   *locks;			/* one a page, NULL if one process builds */
	BlockNumber room;
	pg_atomic_uint32 *used;		/* pages given out */
	pg_atomic_uint32 *target;	/* page that new nodes go to */
} RvdArea;

typedef struct RvdPin
{
	BlockNumber block;
	Buffer		buffer;			/* InvalidBuffer for RVD_PRIVATE */
	Page		page;
} RvdPin;

extern RuvMetric rvd_hnsw_metric(Relation index);
extern void rvd_hnsw_make_geometry(Relation index, RvdMetaPage *meta);
extern RvdGeometry *rvd_geometry_from_meta(Relation index,
										   const RvdMetaPage *meta,
										   MemoryContext context);
extern void rvd_init_page(Page page, uint16 kind, uint32 used_bytes);
extern void rvd_write_first_pages(RvdStore *store, ForkNumber fork,
								  const RvdMetaPage *meta);

extern void rvd_store_open(RvdStore *store, Relation index,
						   RvdDurability durability);
extern void rvd_store_get(RvdStore *store, BlockNumber block, bool exclusive,
						  uint16 kind, RvdPin *pin);
extern void rvd_store_release(RvdStore *store, RvdPin *pin);

/* Was the file extended by this page and a crash came before it was filled? */
extern bool rvd_store_is_empty_page(RvdStore *store, BlockNumber block);

static inline BlockNumber
rvd_block_of(const RvdGeometry *geometry, uint32 id)
{
	return id / (uint32) geometry->layout.per_page;
}

static inline int
rvd_slot_of(const RvdGeometry *geometry, uint32 id)
{
	return (int) (id % (uint32) geometry->layout.per_page);
}

static inline uint32
rvd_id_of(const RvdGeometry *geometry, BlockNumber block, int slot)
{
	return block * (uint32) geometry->layout.per_page + (uint32) slot;
}

static inline uint32
rvd_first_id(const RvdGeometry *geometry)
{
	return rvd_id_of(geometry, RVD_FIRST_NODE_BLOCK, 0);
}

/* The record in that slot of a page image; nothing about it is checked. */
static inline RuvNode *
rvd_raw_node(const RvdGeometry *geometry, Page page, int slot)
{
	return (RuvNode *) (PageGetContents(page) +
						slot * geometry->layout.record_bytes);
}

static inline RvdEntryPage *
rvd_entry_page(Page page)
{
	return (RvdEntryPage *) PageGetContents(page);
}

static inline void *
rvd_entry_table(Page page)
{
	return PageGetContents(page) + sizeof(RvdEntryPage);
}

/* The same, checked: damaged bytes raise ERRCODE_INDEX_CORRUPTED. */
extern RuvNode *rvd_node_of(const RvdStore *store, const RvdPin *pin,
							int slot);

/* Pins and locks the page of node `id`; NULL and unlocked if it is free. */
extern RuvNode *rvd_store_node(RvdStore *store, uint32 id, bool exclusive,
							   RvdPin *pin);

extern void rvd_store_prefetch(const RvdStore *store, uint32 id);

/* Begins a search at the entry table; returns how many entries it has. */
extern int	rvd_search_begin(RvdStore *store, RuvQuery *query,
							 RuvSearch *search);

/*
 * Offers a search the n neighbours of node `id`.  Where a record knows only
 * their ids, the nodes themselves are asked for the distances; then no page
 * may be locked.
 */
extern void rvd_search_offer(RvdStore *store, RuvQuery *query,
							 RuvSearch *search, uint32 id, uint32 *ids,
							 float *estimates, int n);

/*
 * Nodes that a search is not for (dead ones, say) lead on and take no place
 * in the pool, up to so many times its width; beyond, they do, so that a
 * search ends.
 */
#define RVD_OTHER_WIDTHS 4

/* Does a visited node keep a place in the pool?  Counts the others. */
static inline bool
rvd_keeps_place(const RuvSearch *search, bool is_wanted, int64 *nothers)
{
	return is_wanted || ++*nothers > (int64) RVD_OTHER_WIDTHS * search->width;
}

/*
 * The free space map only tells pages with a free slot from others: it rounds
 * sizes, so that it would miss a slot that exactly fits.
 */
#define RVD_FREE_RECORDED (BLCKSZ / 2)
#define RVD_FREE_WANTED (BLCKSZ / 4)

/*
 * Pins and locks exclusively a page with a free slot; *fresh if the page must
 * be initialised first.  false: a private area has no room left.
 */
extern bool rvd_store_free_slot(RvdStore *store, RvdPin *pin, int *slot,
								bool *fresh);

/* ---- rvd_hnsw_update.c ---- */

/* A row version that enters, which replaces one that the index has. */
typedef struct RvdUpdate
{
	Relation	heap;
	ItemPointerData tid;		/* of the new version */
	TransactionId xmin;			/* whose it is */
	bool		is_unchanged;	/* the vector is said to be the same */
	int			nchecks;
} RvdUpdate;

/* false: it is not the product of an UPDATE, as far as can be told. */
extern bool rvd_update_begin(RvdUpdate *update, Relation heap,
							 ItemPointer tid, bool is_unchanged);

/*
 * Is the version that was replaced one of these rows?  Locks heap pages, one
 * at a time.
 */
extern bool rvd_update_replaces(RvdUpdate *update,
								const ItemPointerData *tids, int n);

/*
 * Was the row pruned from its page of the heap, and only the item that
 * indexes point to is left?  While the caller keeps the row's index page
 * locked, vacuum cannot have the item reused.  Pruning resolved what
 * conflicts there were on a standby before this can be known.
 */
extern bool rvd_update_row_is_gone(const RvdUpdate *update,
								   const ItemPointerData *tid);

/* ---- rvd_hnsw_graph.c ---- */

/* What one process needs to place vectors into a graph, reused by each. */
typedef struct RvdPlacer
{
	RvdStore   *store;
	MemoryContext context;
	RuvArena	arena;
	RuvQuery	query;
	void	   *query_memory;
	RuvNode	   *record;			/* image of the node being placed */
	RuvCandidate *candidates;
	float	  **vectors;		/* decoded vectors of the candidates */
	int			ncandidates;
	int			room;
	int			nentries;		/* in the entry table, as last read */
	RvdUpdate  *update;			/* of the row being placed, or NULL */
	float		reach;			/* of its old version's node, at most */
	pg_prng_state prng;
} RvdPlacer;

extern void rvd_placer_init(RvdPlacer *placer, RvdStore *store,
							MemoryContext context, uint64 seed);

/*
 * Enters node `id` with the stored vector x into the entry table: if there
 * is room or, with must_add, in the place of another.
 */
extern void rvd_add_entry(RvdPlacer *placer, uint32 id, const float *x,
						  bool must_add);

/* Writes node `id` anew if it is in the entry table. */
extern void rvd_refresh_entry(RvdPlacer *placer, uint32 id, const float *x);

/* The stored vector of node `id`; false if it is not live. */
extern bool rvd_decode_live(RvdStore *store, uint32 id, float *x);

/* Where a search for candidates found that the row belongs. */
typedef struct RvdRowPlace
{
	uint32		twin;			/* a node with the same image and room, or 0 */
	uint32		ball;			/* that of the version it replaces, or 0 */
} RvdRowPlace;

/*
 * Fills placer->candidates with the live nodes that a search for the query
 * visits, except `self`, nearest first.  With a place, looks for one on the
 * way and ends when it has found it.
 */
extern void rvd_find_candidates(RvdPlacer *placer, uint32 self,
								RvdRowPlace *place);

/*
 * Is the query near enough to a node for placer->update to be attached to it,
 * if the older version is there?  *radius is how near.
 */
extern bool rvd_is_within_reach(RvdPlacer *placer, const RuvNode *node,
								float distance, float *radius);

/* Chooses neighbours of placer->record and writes them into it. */
extern int	rvd_choose_links(RvdPlacer *placer, int *chosen);

/* Has the chosen n candidates link to `id`; at least one must. */
extern void rvd_offer_links(RvdPlacer *placer, uint32 id, const int *chosen,
							int n);

/* A link from `neighbour` to `id`; false if the neighbour is not alive. */
extern bool rvd_force_link(RvdPlacer *placer, uint32 neighbour, uint32 id);

/* ---- rvd_hnsw_place.c ---- */

/*
 * Enters one row into the graph.  With an update, the node of the version
 * that it replaces is looked for, and takes the row if it is near enough.
 * false: the private area is full and nothing was changed.
 */
extern bool rvd_place(RvdPlacer *placer, const float *vector,
					  ItemPointer tid, RvdUpdate *update);

/* ---- rvd_hnsw_mend.c ---- */

/* Which nodes are not to be linked to any more: a bit for each id. */
typedef struct RvdNodeSet
{
	uint8	   *bits;
	uint32		nbits;
} RvdNodeSet;

static inline bool
rvd_set_has(const RvdNodeSet *set, uint32 id)
{
	return id < set->nbits && (set->bits[id / 8] >> (id % 8) & 1) != 0;
}

static inline void
rvd_set_add(RvdNodeSet *set, uint32 id)
{
	if (id < set->nbits)
		set->bits[id / 8] |= (uint8) (1 << (id % 8));
}

/* Makes room for ids below nbits; what is in the set stays. */
extern void rvd_set_grow(RvdNodeSet *set, uint32 nbits,
						 MemoryContext context);

/*
 * Takes the links to dead nodes out of the live nodes of a page, and fills
 * their places with neighbours of the dead ones: one WAL record.  Nodes that
 * stay poor search for new ones.
 */
extern void rvd_mend_page(RvdPlacer *placer, BlockNumber block,
						  const RvdNodeSet *dead);

/* Has the nearest node that a search finds link to node `id`. */
extern void rvd_link_back(RvdPlacer *placer, uint32 id);

/* New neighbours for node `id` by a search; false if it is gone. */
extern bool rvd_replace_links(RvdPlacer *placer, uint32 id);

/*
 * Moves node `id` to the vector of its row `tid`, with new neighbours.  Its
 * other rows stay in the ball.  False if it no longer has the row.
 */
extern bool rvd_recentre(RvdPlacer *placer, uint32 id, const float *vector,
						 const ItemPointerData *tid);

/* ---- rvd_hnsw_walk.c ---- */

/* A walk over all links, to find the nodes that no search can reach. */
typedef struct RvdWalk
{
	RvdPlacer  *placer;
	MemoryContext context;
	RvdNodeSet	reached;
	uint32	   *stack;			/* reached, their links not looked at yet */
	Size		nstack;
	Size		room;
} RvdWalk;

extern void rvd_walk_begin(RvdWalk *walk, RvdPlacer *placer, uint32 nbits,
						   MemoryContext context);

/*
 * Links the islands that begin on a page to what can be reached; returns how
 * many it tied, at most `most`.
 */
extern int64 rvd_walk_tie_page(RvdWalk *walk, BlockNumber block, int64 most);

/* ---- rvd_hnsw_damage.c ---- */

/* What there may be to repair, and how it is recognised. */
typedef struct RvdDamageView
{
	const RvdGeometry *geometry;
	float		soft_update;	/* the reloption */
	float	   *scratch;		/* a decoded vector */
} RvdDamageView;

extern void rvd_damage_view_init(RvdDamageView *view, const RvdStore *store);

/* How far a row may be from its node's vector without harm. */
extern float rvd_harmless_radius(const RvdDamageView *view,
								 const RuvNode *node);

/* The radius of the row that is farthest from its node's vector. */
extern float rvd_widest_radius(const RvdDamageView *view,
							   const RuvNode *node);

/* So few links that it wants new ones?  In a small graph nobody has many. */
extern bool rvd_has_few_links(const RvdDamageView *view, const RuvNode *node);

static inline bool
rvd_is_small_graph(const RvdGeometry *geometry, int64 nlive)
{
	return nlive <= geometry->layout.slots;
}

/* ---- rvd_hnsw_insert.c ---- */

struct RvdVector;

/* Has the vector a place in the index?  Zero vectors have no direction. */
extern bool rvd_hnsw_is_indexable(const RuvLayout *layout,
								  const struct RvdVector *vector);

/* ---- rvd_hnsw_options.c ---- */

extern int	rvd_hnsw_ef_search(void);
extern int	rvd_hnsw_max_scan_tuples(void);
extern double rvd_hnsw_scan_mem_multiplier(void);

typedef enum RvdIterativeScan
{
	RVD_ITERATIVE_OFF,
	RVD_ITERATIVE_RELAXED,
	RVD_ITERATIVE_STRICT
} RvdIterativeScan;

extern RvdIterativeScan rvd_hnsw_iterative_scan(void);

extern int	rvd_hnsw_option_m(Relation index);
extern int	rvd_hnsw_option_ef_construction(Relation index);
extern double rvd_hnsw_option_soft_update(Relation index);
extern double rvd_hnsw_option_reinsert(Relation index);
extern double rvd_hnsw_option_min_recall(Relation index);
extern double rvd_hnsw_option_target_recall(Relation index);
extern bytea *rvd_hnsw_options(Datum reloptions, bool validate);

/* Width of the search pool for an ef_search. */
extern int	rvd_hnsw_width(int ef_search);

/* ---- rvd_hnsw_open.c ---- */

/*
 * Locks the table of an index, as everybody does before the index itself; the
 * other way round is a deadlock with REINDEX.  Whatever is wrong with the
 * index is said when it is opened.
 */
extern Oid	rvd_lock_table_of(Oid index, LOCKMODE lock);

/* Opens a valid hnsw index that the user owns. */
extern Relation rvd_open_hnsw_index(Oid oid, LOCKMODE lock);

/* A tuple of the values, of the type that the calling function returns. */
extern Datum rvd_make_row(FunctionCallInfo fcinfo, Datum *values, int n);
extern Datum rvd_make_row_with_nulls(FunctionCallInfo fcinfo, Datum *values,
									 bool *nulls, int n);

/* ---- rvd_hnsw_cost.c ---- */

extern void rvd_hnsw_costestimate(struct PlannerInfo *root,
								  struct IndexPath *path, double loop_count,
								  Cost *startup, Cost *total,
								  Selectivity *selectivity,
								  double *correlation, double *pages);

/* ---- the other callbacks, one file each ---- */

extern IndexBuildResult *rvd_hnsw_build(Relation heap, Relation index,
										struct IndexInfo *info);
extern void rvd_hnsw_buildempty(Relation index);
extern bool rvd_hnsw_insert(Relation index, Datum *values, bool *isnull,
							ItemPointer tid, Relation heap,
							IndexUniqueCheck check_unique,
							bool index_unchanged, struct IndexInfo *info);
extern IndexScanDesc rvd_hnsw_beginscan(Relation index, int nkeys,
										int norderbys);
extern void rvd_hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
							ScanKey orderbys, int norderbys);
extern bool rvd_hnsw_gettuple(IndexScanDesc scan, ScanDirection direction);
extern void rvd_hnsw_endscan(IndexScanDesc scan);
extern IndexBulkDeleteResult *
rvd_hnsw_bulkdelete(IndexVacuumInfo *info,
					IndexBulkDeleteResult *stats,
					IndexBulkDeleteCallback callback,
					void *callback_state);
extern IndexBulkDeleteResult *
rvd_hnsw_vacuumcleanup(IndexVacuumInfo *info,
					   IndexBulkDeleteResult *stats);

#define RVD_PROGRESS_PHASE_LOAD 2

#endif							/* RVD_HNSW_INT_H */
