/*
 * rvd_hnsw_store.c
 *		Pages of the index: geometry, pins, checks before belief, free slots.
 *
 * What only this file knows: how a block is found in shared buffers or in a
 * build's memory, and what must be true of a page before anything on it is
 * believed (README.md, "Pages").
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/ruv_node.h"
#include "hnsw/rvd_hnsw.h"
#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"
#include "types/rvd_vector.h"

/* ---- geometry ---- */

/* A bump allocator over the tail of the cached chunk. */
static void *
bump(void *context, size_t size)
{
	char	  **tail = context;
	void	   *result = *tail;

	*tail += MAXALIGN(size);
	return result;
}

static Size
geometry_bytes(int padded)
{
	return MAXALIGN(sizeof(RvdGeometry)) +
		MAXALIGN(RUV_ROTATE_ROUNDS * (Size) padded / 8);
}

/* The signs of the rotation stand behind the struct. */
static RvdGeometry *
copy_geometry(const RvdGeometry *geometry)
{
	Size		bytes = geometry_bytes(geometry->layout.padded);
	RvdGeometry *copy = palloc(bytes);

	memcpy(copy, geometry, bytes);
	if (copy->rotation.signs != NULL)
		copy->rotation.signs = (uint8_t *) copy +
			(geometry->rotation.signs - (const uint8_t *) geometry);
	return copy;
}

RvdGeometry *
rvd_geometry_from_meta(Relation index, const RvdMetaPage *meta,
					   MemoryContext context)
{
	RuvLayout	layout;
	RvdGeometry *geometry;
	char	   *tail;
	RuvArena	arena = {bump, NULL, &tail};

	if (meta->magic != RVD_HNSW_MAGIC)
		rvd_index_corrupted(index, RVD_META_BLOCK, -1,
							"The metapage does not have the magic number.");
	if (meta->version != RVD_HNSW_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has format version %u",
						RelationGetRelationName(index), meta->version),
				 errdetail("This version of ruvector_delta reads version %d.",
						   RVD_HNSW_VERSION),
				 errhint("Rebuild it with REINDEX.")));
	if (meta->metric < RUV_METRIC_L2 || meta->metric > RUV_METRIC_L1 ||
		meta->dims > RUV_MAX_GRAPH_DIMS ||
		meta->m < RVD_HNSW_MIN_M || meta->m > RVD_HNSW_MAX_M ||
		meta->ef_construction < RVD_HNSW_MIN_EF_CONSTRUCTION ||
		meta->ef_construction > RVD_HNSW_MAX_EF_CONSTRUCTION ||
		ruv_layout_init(&layout, (RuvMetric) meta->metric, meta->dims,
						meta->m, RVD_PAGE_ROOM) != RUV_OK ||
		layout.padded != meta->padded || layout.bits != meta->bits ||
		layout.slots != meta->slots || layout.per_page != meta->per_page ||
		layout.record_bytes != meta->record_bytes ||
		layout.slot_bytes != meta->slot_bytes ||
		(int) layout.own != meta->own || (int) layout.slot != meta->slot)
		rvd_index_corrupted(index, RVD_META_BLOCK, -1,
							"The metapage describes an impossible geometry.");

	geometry = MemoryContextAllocZero(context, geometry_bytes(layout.padded));
	geometry->layout = layout;
	geometry->m = meta->m;
	geometry->ef_construction = meta->ef_construction;
	geometry->entry_room = ruv_entry_room(&layout, (int) RVD_ENTRY_ROOM);
	tail = (char *) geometry + MAXALIGN(sizeof(RvdGeometry));
	if (ruv_layout_is_rotated(&layout))
		rvd_check_status(ruv_rotation_init(&geometry->rotation,
										   (size_t) layout.padded,
										   meta->seed, &arena),
						 "preparing the rotation");
	return geometry;
}

static const RvdGeometry *
cached_geometry(Relation index)
{
	if (index->rd_amcache == NULL)
	{
		RvdStore	store = {.index = index, .durability = RVD_LOGGED};
		RvdPin		pin;
		RvdMetaPage meta;

		rvd_store_get(&store, RVD_META_BLOCK, false, RVD_KIND_META, &pin);
		memcpy(&meta, PageGetContents(pin.page), sizeof(meta));
		rvd_store_release(&store, &pin);
		/* a column that lost its type modifier says nothing */
		if (TupleDescAttr(index->rd_att, 0)->atttypmod > 0 &&
			TupleDescAttr(index->rd_att, 0)->atttypmod != meta.dims)
			rvd_index_corrupted(index, RVD_META_BLOCK, -1,
								"The metapage describes another column.");
		index->rd_amcache =
			rvd_geometry_from_meta(index, &meta, index->rd_indexcxt);
	}
	return index->rd_amcache;
}

/*
 * The metric follows from the operator class's support functions, so that an
 * operator class of the user's own works: number 1 is the distance, number 2,
 * if there is one, the norm to divide by.
 */
RuvMetric
rvd_hnsw_metric(Relation index)
{
	PGFunction	distance = index_getprocinfo(index, 1, 1)->fn_addr;
	bool		is_normalized = OidIsValid(index_getprocid(index, 1, 2));

	if (distance == rvd_vector_l2_squared_distance && !is_normalized)
		return RUV_METRIC_L2;
	if (distance == rvd_vector_negative_inner_product)
		return is_normalized ? RUV_METRIC_COSINE : RUV_METRIC_IP;
	if (distance == rvd_vector_l1_distance && !is_normalized)
		return RUV_METRIC_L1;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("type not supported for hnsw index"),
			 errdetail("The operator class of index \"%s\" has a distance "
					   "function that hnsw does not know.",
					   RelationGetRelationName(index))));
	pg_unreachable();
}

/* The metapage of a new index; checks the column and the options. */
void
rvd_hnsw_make_geometry(Relation index, RvdMetaPage *meta)
{
	int			dims = TupleDescAttr(index->rd_att, 0)->atttypmod;
	int			m = rvd_hnsw_option_m(index);
	int			ef_construction = rvd_hnsw_option_ef_construction(index);
	RuvLayout	layout;

	if (dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions")));
	if (dims > RVD_HNSW_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for hnsw index",
						RVD_HNSW_MAX_DIMS)));
	if (ef_construction < 2 * m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction must be greater than or equal to 2 * m")));

	memset(meta, 0, sizeof(*meta));
	meta->magic = RVD_HNSW_MAGIC;
	meta->version = RVD_HNSW_VERSION;
	meta->metric = rvd_hnsw_metric(index);
	meta->seed = UINT64CONST(0x72757664656C7461) + (uint64) dims;
	meta->dims = (uint16) dims;
	meta->m = (uint16) m;
	meta->ef_construction = (uint16) ef_construction;
	rvd_check_status(ruv_layout_init(&layout, (RuvMetric) meta->metric, dims,
									 m, RVD_PAGE_ROOM),
					 "laying out the index page");
	meta->padded = (uint16) layout.padded;
	meta->bits = (uint16) layout.bits;
	meta->slots = (uint16) layout.slots;
	meta->per_page = (uint16) layout.per_page;
	meta->record_bytes = (uint16) layout.record_bytes;
	meta->slot_bytes = (uint16) layout.slot_bytes;
	meta->own = (uint8) layout.own;
	meta->slot = (uint8) layout.slot;
}

/* ---- pages ---- */

void
rvd_init_page(Page page, uint16 kind, uint32 used_bytes)
{
	RvdSpecial *special;

	PageInit(page, BLCKSZ, sizeof(RvdSpecial));
	special = (RvdSpecial *) PageGetSpecialPointer(page);
	special->kind = kind;
	special->page_id = RVD_PAGE_ID;
	/* what lies below pd_lower is neither compressed nor left out of WAL */
	((PageHeader) page)->pd_lower =
		MAXALIGN(SizeOfPageHeaderData) + used_bytes;
	Assert(((PageHeader) page)->pd_lower <= ((PageHeader) page)->pd_upper);
}

static void
write_first_page(RvdStore *store, ForkNumber fork, BlockNumber block,
				 const RvdMetaPage *meta)
{
	RvdChange	change;
	Buffer		buffer = InvalidBuffer;
	Page		page;

	if (store->durability == RVD_PRIVATE)
		page = store->area->pages + (Size) block * BLCKSZ;
	else
	{
		buffer = ReadBufferExtended(store->index, fork, P_NEW, RBM_NORMAL,
									NULL);
		Assert(BufferGetBlockNumber(buffer) == block);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		page = BufferGetPage(buffer);
	}
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, buffer, page, true);
	if (block == RVD_META_BLOCK)
	{
		rvd_init_page(page, RVD_KIND_META, sizeof(RvdMetaPage));
		memcpy(PageGetContents(page), meta, sizeof(RvdMetaPage));
	}
	else
	{
		rvd_init_page(page, RVD_KIND_ENTRY, RVD_PAGE_ROOM);
		memset(PageGetContents(page), 0, sizeof(RvdEntryPage));
	}
	rvd_change_finish(&change);
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
}

/* Metapage and empty entry table of a new fork. */
void
rvd_write_first_pages(RvdStore *store, ForkNumber fork,
					  const RvdMetaPage *meta)
{
	write_first_page(store, fork, RVD_META_BLOCK, meta);
	write_first_page(store, fork, RVD_ENTRY_BLOCK, meta);
}

/* ---- where a block was last ---- */

/*
 * Buffers in which this backend found blocks, of all its indexes; blocks that
 * meet at one place overwrite each other's.  Never freed, so that nobody can
 * hold a stale pointer; memory that is not touched costs nothing.
 */
#define NHINTS (1024 * 1024)	/* a power of two */

static Buffer *hints = NULL;

/* Every so many accesses go through ReadBuffer. */
#define HINTS_IN_A_ROW 16

static void
make_hints(void)
{
	if (hints != NULL)
		return;
	hints = calloc(NHINTS, sizeof(Buffer));
	if (hints == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

static Buffer *
hint_of(const RvdStore *store, BlockNumber block)
{
	return &hints[(store->hint_base + block) & (NHINTS - 1)];
}

void
rvd_store_open(RvdStore *store, Relation index, RvdDurability durability)
{
	store->index = index;
	store->geometry = copy_geometry(cached_geometry(index));
	store->durability = durability;
	store->nblocks = 0;
	store->hint_base = RelationGetRelid(index) * 2654435769U;
	store->area = NULL;
	make_hints();
}

/* Bytes of a page's contents that are in use; what rvd_init_page was told. */
static int
used_bytes_of(const RvdStore *store, uint16 kind)
{
	switch (kind)
	{
		case RVD_KIND_META:
			return (int) sizeof(RvdMetaPage);
		case RVD_KIND_ENTRY:
			return (int) RVD_PAGE_ROOM;
		default:
			Assert(kind == RVD_KIND_NODE && store->geometry != NULL);
			return store->geometry->layout.per_page *
				store->geometry->layout.record_bytes;
	}
}

/*
 * Raises ERRCODE_INDEX_CORRUPTED unless the page is what it should be.  The
 * bounds matter to writers: Generic WAL clears what is between them.
 */
static void
check_page(const RvdStore *store, BlockNumber block, Page page, uint16 kind)
{
	PageHeader	header = (PageHeader) page;
	RvdSpecial *special;

	if (PageIsNew(page))
		rvd_index_corrupted(store->index, block, -1, "The page is empty.");
	if (header->pd_special != BLCKSZ - MAXALIGN(sizeof(RvdSpecial)) ||
		header->pd_upper != header->pd_special ||
		header->pd_lower !=
			MAXALIGN(SizeOfPageHeaderData) + used_bytes_of(store, kind))
		rvd_index_corrupted(store->index, block, -1,
							"The page header does not belong to this index.");
	special = (RvdSpecial *) ((char *) page + header->pd_special);
	if (special->page_id != RVD_PAGE_ID || special->kind != kind)
		rvd_index_corrupted(store->index, block, -1,
							"The page is not of the expected kind.");
	if (kind == RVD_KIND_ENTRY && store->geometry != NULL &&
		rvd_entry_page(page)->count > (uint32) store->geometry->entry_room)
		rvd_index_corrupted(store->index, block, -1,
							"The entry table holds more than fits.");
}

/*
 * Pins a block.  The hint saves the search of the buffer table; whether the
 * buffer still holds the block is checked by ReadRecentBuffer.  That one does
 * not tell the clock sweep that the page is in use, so ReadBuffer has to now
 * and then.
 */
static Buffer
read_buffer(RvdStore *store, BlockNumber block)
{
	static uint32 naccesses = 0;
	Buffer	   *hint;

	if (hints == NULL)
		return ReadBuffer(store->index, block);
	hint = hint_of(store, block);
	if (*hint == InvalidBuffer || ++naccesses % HINTS_IN_A_ROW == 0 ||
		!rvd_read_recent_buffer(store->index, block, *hint))
		*hint = ReadBuffer(store->index, block);
	return *hint;
}

/*
 * Asks for the bytes that will be looked at, all at once: a record is some
 * thirty cache lines that are in no cache, and the lock comes in between.
 */
static void
prefetch(Page page, int from, int bytes)
{
	const char *start = PageGetContents(page) + from;

	for (int i = 0; i < bytes; i += 64)
		__builtin_prefetch(start + i);
}

/*
 * Asks for the record of a node that will probably be visited next.  Nothing
 * is pinned: if the buffer holds something else by now, the wrong bytes come
 * into the cache, and that is all.
 */
void
rvd_store_prefetch(const RvdStore *store, uint32 id)
{
	const RvdGeometry *geometry = store->geometry;
	int			record_bytes = geometry->layout.record_bytes;
	Buffer		buffer;

	if (id == 0)
		return;
	buffer = *hint_of(store, rvd_block_of(geometry, id));
	if (!BufferIsValid(buffer) || BufferIsLocal(buffer))
		return;
	__builtin_prefetch(GetBufferDescriptor(buffer - 1));
	prefetch(BufferGetPage(buffer),
			 rvd_slot_of(geometry, id) * record_bytes, record_bytes);
}

/*
 * Pins and locks a block without a look at what is on it; the range (from
 * the page's contents on) is what will be read.
 */
static void
get_raw(RvdStore *store, BlockNumber block, bool exclusive,
		int prefetch_from, int prefetch_bytes, RvdPin *pin)
{
	pin->block = block;
	if (store->durability == RVD_PRIVATE)
	{
		Assert(block < store->area->room);
		pin->buffer = InvalidBuffer;
		pin->page = store->area->pages + (Size) block * BLCKSZ;
		if (store->area->locks != NULL)
			LWLockAcquire(&store->area->locks[block],
						  exclusive ? LW_EXCLUSIVE : LW_SHARED);
		return;
	}
	if (block >= store->nblocks)
	{
		store->nblocks = RelationGetNumberOfBlocks(store->index);
		if (block >= store->nblocks)
			rvd_index_corrupted(store->index, block, -1,
								"A link leads behind the end of the index.");
	}
	pin->buffer = read_buffer(store, block);
	pin->page = BufferGetPage(pin->buffer);
	prefetch(pin->page, prefetch_from, prefetch_bytes);
	LockBuffer(pin->buffer,
			   exclusive ? BUFFER_LOCK_EXCLUSIVE : BUFFER_LOCK_SHARE);
}

void
rvd_store_get(RvdStore *store, BlockNumber block, bool exclusive, uint16 kind,
			  RvdPin *pin)
{
	get_raw(store, block, exclusive, 0, 0, pin);
	check_page(store, block, pin->page, kind);
}

void
rvd_store_release(RvdStore *store, RvdPin *pin)
{
	if (BufferIsValid(pin->buffer))
		UnlockReleaseBuffer(pin->buffer);
	else if (store->area->locks != NULL)
		LWLockRelease(&store->area->locks[pin->block]);
	pin->page = NULL;
}

bool
rvd_store_is_empty_page(RvdStore *store, BlockNumber block)
{
	RvdPin		pin;
	bool		is_empty;

	get_raw(store, block, false, 0, 0, &pin);
	is_empty = PageIsNew(pin.page);
	rvd_store_release(store, &pin);
	return is_empty;
}

RuvNode *
rvd_node_of(const RvdStore *store, const RvdPin *pin, int slot)
{
	const RvdGeometry *geometry = store->geometry;
	RuvNode	   *node = rvd_raw_node(geometry, pin->page, slot);

	if (ruv_node_check(&geometry->layout, node,
					   rvd_id_of(geometry, pin->block, slot)) != RUV_OK)
		rvd_index_corrupted(store->index, pin->block, slot,
							"The node's header is damaged.");
	return node;
}

RuvNode *
rvd_store_node(RvdStore *store, uint32 id, bool exclusive, RvdPin *pin)
{
	const RuvLayout *layout = &store->geometry->layout;
	BlockNumber block = rvd_block_of(store->geometry, id);
	int			slot = rvd_slot_of(store->geometry, id);
	RuvNode	   *node;

	if (unlikely(block < RVD_FIRST_NODE_BLOCK))
		rvd_index_corrupted(store->index, block, slot,
							"A link leads to a page without nodes.");
	get_raw(store, block, exclusive, slot * layout->record_bytes,
			layout->record_bytes, pin);

	/*
	 * The special space is a cache line of its own, often a TLB entry too;
	 * it is read only where the record does not vouch for the page, and by
	 * writers.
	 */
	node = rvd_raw_node(store->geometry, pin->page, slot);
	if (exclusive ||
		unlikely(((PageHeader) pin->page)->pd_special !=
					 BLCKSZ - MAXALIGN(sizeof(RvdSpecial)) ||
				 node->self != id))
		check_page(store, block, pin->page, RVD_KIND_NODE);
	node = rvd_node_of(store, pin, slot);
	if (node->state == RUV_NODE_FREE)
	{
		rvd_store_release(store, pin);
		return NULL;
	}
	return node;
}

/* The distances to those of the n nodes that were not seen yet. */
static int
ask_nodes(RvdStore *store, RuvQuery *query, const RuvSearch *search,
		  uint32 *ids, float *distances, int n)
{
	int			nfresh = 0;

	for (int i = 0; i < n; i++)
	{
		RvdPin		pin;
		RuvNode	   *node;

		CHECK_FOR_INTERRUPTS();
		if (ids[i] != 0 && ruv_search_has_seen(search, ids[i]))
			continue;
		node = rvd_store_node(store, ids[i], false, &pin);
		if (node == NULL)
			continue;
		ids[nfresh] = ids[i];
		distances[nfresh++] = ruv_node_distance(query, node);
		rvd_store_release(store, &pin);
	}
	return nfresh;
}

void
rvd_search_offer(RvdStore *store, RuvQuery *query, RuvSearch *search,
				 uint32 id, uint32 *ids, float *estimates, int n)
{
	RuvStatus	status;

	if (store->geometry->layout.slot == RUV_SLOT_ID)
		n = ask_nodes(store, query, search, ids, estimates, n);
	status = ruv_search_offer(search, ids, estimates, n);
	if (status == RUV_ERR_CORRUPT)
		rvd_index_corrupted(store->index, rvd_block_of(store->geometry, id),
							rvd_slot_of(store->geometry, id),
							"A link leads to a page without nodes.");
	rvd_check_status(status, "searching");
}

int
rvd_search_begin(RvdStore *store, RuvQuery *query, RuvSearch *search)
{
	uint32		ids[RUV_MAX_ENTRIES];
	float		estimates[RUV_MAX_ENTRIES];
	RvdPin		pin;
	int			n;

	rvd_store_get(store, RVD_ENTRY_BLOCK, false, RVD_KIND_ENTRY, &pin);
	n = (int) rvd_entry_page(pin.page)->count;
	ruv_entry_visit(query, rvd_entry_table(pin.page), n, ids, estimates);
	rvd_store_release(store, &pin);
	for (int i = 0; i < n; i++)
		if (ids[i] < rvd_first_id(store->geometry))
			rvd_index_corrupted(store->index, RVD_ENTRY_BLOCK, -1,
								"An entry does not name a node.");
	rvd_search_offer(store, query, search,
					 rvd_id_of(store->geometry, RVD_ENTRY_BLOCK, 0), ids,
					 estimates, n);
	return n;
}

/* ---- free slots ---- */

/* First free slot of a locked page, -1 if there is none. */
static int
free_slot_of(const RvdStore *store, Page page)
{
	for (int i = 0; i < store->geometry->layout.per_page; i++)
		if (rvd_raw_node(store->geometry, page, i)->state == RUV_NODE_FREE)
			return i;
	return -1;
}

/* Takes the block if it has a free slot; else leaves it unlocked. */
static bool
try_block(RvdStore *store, BlockNumber block, RvdPin *pin, int *slot,
		  bool *fresh)
{
	get_raw(store, block, true, 0, 0, pin);
	*fresh = PageIsNew(pin->page);
	*slot = 0;
	if (!*fresh)
	{
		check_page(store, block, pin->page, RVD_KIND_NODE);
		*slot = free_slot_of(store, pin->page);
	}
	if (*slot >= 0)
		return true;
	rvd_store_release(store, pin);
	return false;
}

static bool
free_private_slot(RvdStore *store, RvdPin *pin, int *slot, bool *fresh)
{
	RvdArea	   *area = store->area;

	for (;;)
	{
		BlockNumber target = pg_atomic_read_u32(area->target);
		BlockNumber next;

		if (target != 0 && try_block(store, target, pin, slot, fresh))
			return true;
		next = pg_atomic_fetch_add_u32(area->used, 1);
		if (next >= area->room)
		{
			pg_atomic_fetch_sub_u32(area->used, 1);
			return false;
		}
		/* nobody else knows the block yet; have it read as new */
		memset(area->pages + (Size) next * BLCKSZ, 0, BLCKSZ);
		pg_write_barrier();
		pg_atomic_write_u32(area->target, next);
	}
}

bool
rvd_store_free_slot(RvdStore *store, RvdPin *pin, int *slot, bool *fresh)
{
	Relation	index = store->index;
	BlockNumber block;
	bool		tried_last = false;

	if (store->durability == RVD_PRIVATE)
		return free_private_slot(store, pin, slot, fresh);

	/* the page this backend used last, one that vacuum made room on, ... */
	block = RelationGetTargetBlock(index);
	if (!BlockNumberIsValid(block))
		block = GetPageWithFreeSpace(index, RVD_FREE_WANTED);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!BlockNumberIsValid(block) && !tried_last)
		{
			/* ... the end, where another backend may have left room ... */
			block = RelationGetNumberOfBlocks(index) - 1;
			tried_last = true;
			if (block >= RVD_FIRST_NODE_BLOCK &&
				try_block(store, block, pin, slot, fresh))
				break;
			block = InvalidBlockNumber;
		}
		if (!BlockNumberIsValid(block))
		{
			/* ... or a new page */
			if (RelationGetNumberOfBlocks(index) >=
				UINT32_MAX / store->geometry->layout.per_page - 1)
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("index \"%s\" has too many nodes",
								RelationGetRelationName(index))));
			LockRelationForExtension(index, ExclusiveLock);
			pin->buffer = ReadBuffer(index, P_NEW);
			UnlockRelationForExtension(index, ExclusiveLock);
			block = BufferGetBlockNumber(pin->buffer);
			ReleaseBuffer(pin->buffer);
			RVD_DEBUG_POINT("insert-after-extend");
			/*
			 * Whoever looks at the end of the file may get hold of the page
			 * before us, and fill it; so it is tried like any other.
			 */
			if (try_block(store, block, pin, slot, fresh))
				break;
			continue;
		}
		/* the free space map may be behind; what it says is only a hint */
		if (block >= RVD_FIRST_NODE_BLOCK &&
			block < RelationGetNumberOfBlocks(index) &&
			try_block(store, block, pin, slot, fresh))
			break;
		block = RecordAndGetPageWithFreeSpace(index, block, 0,
											  RVD_FREE_WANTED);
	}
	RelationSetTargetBlock(index, pin->block);
	return true;
}
