/*
 * rvd_hnsw_graph.c
 *		Placing a vector: search, choice of neighbours, node, back-links.
 *
 * One algorithm for INSERT, for both parts of a build and for vacuum's
 * repairs.  At most one page is locked at any time (README.md, "Locks"); each
 * change is one WAL record, and the index is sound between any two of them.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/ruv_entry.h"
#include "core/ruv_link.h"
#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"
#include "pg/rvd_memory.h"

/* A full node may have changed between two looks at it; not for ever. */
#define MAX_FORCE_TRIES 4

void
rvd_placer_init(RvdPlacer *placer, RvdStore *store, MemoryContext context,
				uint64 seed)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	const RuvLayout *layout = &store->geometry->layout;

	memset(placer, 0, sizeof(*placer));
	placer->store = store;
	placer->context = context;
	placer->arena = rvd_arena(context);
	placer->query_memory = palloc(ruv_query_bytes(layout));
	placer->record = palloc0((Size) layout->record_bytes);
	pg_prng_seed(&placer->prng, seed);
	MemoryContextSwitchTo(old);
}

static void
ensure_room(RvdPlacer *placer)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	int			room = placer->room ? placer->room * 2 : 256;
	MemoryContext old;

	if (placer->ncandidates < placer->room)
		return;
	old = MemoryContextSwitchTo(placer->context);
	if (placer->room == 0)
	{
		placer->candidates = palloc((Size) room * sizeof(RuvCandidate));
		placer->same_image = palloc((Size) room * sizeof(bool));
		placer->vectors = palloc((Size) room * sizeof(float *));
	}
	else
	{
		placer->candidates = repalloc(placer->candidates,
									  (Size) room * sizeof(RuvCandidate));
		placer->same_image = repalloc(placer->same_image,
									  (Size) room * sizeof(bool));
		placer->vectors = repalloc(placer->vectors,
								   (Size) room * sizeof(float *));
	}
	for (int i = placer->room; i < room; i++)
		placer->vectors[i] = palloc((Size) layout->padded * sizeof(float));
	placer->room = room;
	MemoryContextSwitchTo(old);
}

static int
compare_candidates(const void *a, const void *b)
{
	float		x = ((const RuvCandidate *) a)->distance;
	float		y = ((const RuvCandidate *) b)->distance;

	if (x != y)
		return x < y ? -1 : 1;
	/* of equal ones always the same shall be first, see twin_of */
	return ((const RuvCandidate *) a)->id < ((const RuvCandidate *) b)->id ?
		-1 :
		1;
}

/*
 * Enters a visited node into the candidates.  False if one has the same
 * vector already: many equal ones shall not take the places of all others.
 * The one with the lowest id stays, see twin_of.
 */
static bool
add_candidate(RvdPlacer *placer, const RuvNode *node, uint32 id,
			  float distance, uint32 *twin)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	RuvCandidate *candidate;
	float	   *x;

	ensure_room(placer);
	x = placer->vectors[placer->ncandidates];
	ruv_node_decode(layout, rvd_kernels, node, x);
	if (node->ntids < RUV_MAX_TIDS &&
		ruv_node_same_image(node, placer->record, layout))
		*twin = id;
	for (int i = 0; i < placer->ncandidates; i++)
	{
		candidate = &placer->candidates[i];
		if (candidate->distance == distance &&
			memcmp(candidate->x, x, (Size) layout->padded * sizeof(float)) ==
				0)
		{
			candidate->id = Min(candidate->id, id);
			return false;
		}
	}
	candidate = &placer->candidates[placer->ncandidates++];
	candidate->id = id;
	candidate->distance = distance;
	candidate->x = x;
	return true;
}

/*
 * Fills placer->candidates with the live nodes that a search for the query
 * visits, except `self`, nearest first.  *twin gets a node that stores the
 * same image and has room for a TID, 0 if there is none.
 */
static void
find_candidates(RvdPlacer *placer, uint32 self, uint32 *twin)
{
	RvdStore   *store = placer->store;
	RuvSearch	search;
	RuvVisit	visit;
	uint32		id;
	int64		nothers = 0;

	*twin = 0;
	placer->ncandidates = 0;
	rvd_check_status(ruv_search_init(&search,
									 store->geometry->ef_construction, false,
									 &placer->arena),
					 "starting a search");
	placer->nentries = rvd_search_begin(store, &placer->query, &search);
	while ((id = ruv_search_next(&search)) != 0)
	{
		RvdPin		pin;
		RuvNode	   *node;
		bool		is_new;

		CHECK_FOR_INTERRUPTS();
		node = rvd_store_node(store, id, false, &pin);
		if (node == NULL)
		{
			ruv_search_settle(&search, 0, false);
			continue;
		}
		ruv_node_visit(&placer->query, node, &visit);
		is_new = node->state == RUV_NODE_LIVE && id != self &&
			add_candidate(placer, node, id, visit.distance, twin);
		rvd_store_release(store, &pin);
		ruv_search_settle(&search, visit.distance,
						  rvd_keeps_place(&search, is_new, &nothers));
		rvd_search_offer(store, &placer->query, &search, id, visit.ids,
						 visit.estimates, visit.nlinks);
	}
	ruv_search_free(&search);
	qsort(placer->candidates, (size_t) placer->ncandidates,
		  sizeof(RuvCandidate), compare_candidates);
	if (placer->ncandidates > store->geometry->ef_construction)
		placer->ncandidates = store->geometry->ef_construction;
}

/*
 * Of many equal vectors a search visits some, whose nodes may all be full.
 * The newest, which has room, is linked from the nearest candidate, because
 * force_link put it there.  0 if there is none.
 */
static uint32
twin_of(RvdPlacer *placer)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	uint32		ids[RUV_MAX_LINKS];
	int			n = 0;
	RvdPin		pin;
	RuvNode	   *node;

	if (placer->ncandidates == 0 ||
		!ruv_link_is_twin(layout, placer->record->residual,
						  placer->candidates[0].distance))
		return 0;
	node = rvd_store_node(store, placer->candidates[0].id, false, &pin);
	if (node == NULL)
		return 0;
	for (; n < node->nlinks; n++)
		ids[n] = ruv_node_link(layout, node, n);
	rvd_store_release(store, &pin);
	for (int i = 0; i < n; i++)
	{
		bool		has_room;

		CHECK_FOR_INTERRUPTS();
		node = rvd_store_node(store, ids[i], false, &pin);
		if (node == NULL)
			continue;
		has_room = node->state == RUV_NODE_LIVE &&
			node->ntids < RUV_MAX_TIDS &&
			ruv_node_same_image(node, placer->record, layout);
		rvd_store_release(store, &pin);
		if (has_room)
			return ids[i];
	}
	return 0;
}

/*
 * Attaches the row to a node with the same image.  False if the node changed
 * in the meantime.
 */
static bool
attach(RvdPlacer *placer, uint32 twin, ItemPointer tid)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RvdChange	change;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, twin, true, &pin);
	Page		page;

	if (node == NULL)
		return false;
	if (node->state != RUV_NODE_LIVE || node->ntids >= RUV_MAX_TIDS ||
		!ruv_node_same_image(node, placer->record, layout))
	{
		rvd_store_release(store, &pin);
		return false;
	}
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin.buffer, pin.page, false);
	node = rvd_raw_node(store->geometry, page,
						rvd_slot_of(store->geometry, twin));
	if (!ruv_node_add_tid(layout, rvd_kernels, node, tid))
		elog(ERROR, "node %u has no room for a row", twin);
	node->residual = Max(node->residual, placer->record->residual);
	node->norm = Max(node->norm, placer->record->norm);
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
	return true;
}

/* Chooses the neighbours and writes them into placer->record. */
static int
choose_links(RvdPlacer *placer, int *chosen)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	RuvNode	   *record = placer->record;
	float	   *own = placer->query.diff;
	float	   *r = palloc((Size) layout->padded * sizeof(float));
	int		   *scratch;
	uint64_t	diverse;
	int			ntids = Max(record->ntids, 1);
	int			n;

	/* one of many equal ones will fill with rows: let them take no link */
	if (placer->ncandidates > 0 &&
		ruv_link_is_twin(layout, record->residual,
						 placer->candidates[0].distance))
		ntids = RUV_MAX_TIDS;
	scratch = palloc((Size) (2 * placer->ncandidates + 1) * sizeof(int));
	n = ruv_select(layout, rvd_kernels, placer->candidates,
				   placer->ncandidates,
				   ruv_node_room(layout, ntids), chosen, &diverse, scratch);

	/* codes are relative to the stored image, as every reader sees it */
	ruv_node_decode(layout, rvd_kernels, record, own);
	for (int i = 0; i < n; i++)
	{
		const RuvCandidate *c = &placer->candidates[chosen[i]];

		for (int d = 0; d < layout->padded; d++)
			r[d] = c->x[d] - own[d];
		ruv_node_set_link(layout, rvd_kernels, record, i, c->id, r, c->x,
						  c->distance);
	}
	record->nlinks = (uint8) n;
	record->diverse = diverse;
	pfree(scratch);
	pfree(r);
	return n;
}

/* Writes placer->record into a free slot: one WAL record.  0: no room. */
static uint32
write_node(RvdPlacer *placer)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RvdChange	change;
	RvdPin		pin;
	Page		page;
	bool		fresh;
	int			slot;
	uint32		id;

	if (!rvd_store_free_slot(store, &pin, &slot, &fresh))
		return 0;
	id = rvd_id_of(store->geometry, pin.block, slot);
	placer->record->self = id;
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin.buffer, pin.page, fresh);
	if (fresh)
	{
		rvd_init_page(page, RVD_KIND_NODE,
					  (uint32) (layout->per_page * layout->record_bytes));
		memset(PageGetContents(page), 0,
			   (Size) layout->per_page * layout->record_bytes);
	}
	memcpy(rvd_raw_node(store->geometry, page, slot), placer->record,
		   (Size) layout->record_bytes);
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
	return id;
}

/*
 * What the newcomer's query says of a node and its neighbours.  Slots that
 * hold no more than an id say nothing; where the neighbour was a candidate
 * its distance is known, and the others are farther than these.
 */
static void
visit_for_link(RvdPlacer *placer, const RuvNode *node, RuvVisit *visit)
{
	ruv_node_visit(&placer->query, node, visit);
	if (placer->store->geometry->layout.slot != RUV_SLOT_ID)
		return;
	for (int i = 0; i < visit->nlinks; i++)
	{
		visit->estimates[i] = INFINITY;
		for (int k = 0; k < placer->ncandidates; k++)
			if (placer->candidates[k].id == visit->ids[i])
				visit->estimates[i] = placer->candidates[k].distance;
	}
}

/* Carries out a plan for the node on a locked page: one WAL record. */
static void
apply_plan(RvdPlacer *placer, RvdPin *pin, uint32 neighbour,
		   const RuvLinkPlan *plan, uint32 id, float distance)
{
	RvdStore   *store = placer->store;
	RvdChange	change;
	Page		page;

	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin->buffer, pin->page, false);
	ruv_link_apply(&placer->query,
				   rvd_raw_node(store->geometry, page,
								rvd_slot_of(store->geometry, neighbour)),
				   plan, id, distance);
	rvd_change_finish(&change);
}

/*
 * The slot of a full node that a newcomer takes although nothing speaks for
 * it: of those whose neighbour the newcomer's record links to, if any, else
 * of all, the one that ruv_link_plan picks.  *is_spared tells which case.
 */
static RuvLinkPlan
plan_by_force(RvdPlacer *placer, const RuvNode *node, const RuvVisit *visit,
			  uint32 id, bool *is_spared)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	const RuvNode *mine = placer->record;
	RuvLinkPlan plan = ruv_link_plan(layout, rvd_kernels, node, visit, id,
									 true);
	int			best = -1;

	*is_spared = plan.slot < 0 || plan.slot == node->nlinks;
	for (int i = 0; i < visit->nlinks && !*is_spared; i++)
		for (int k = 0; k < mine->nlinks; k++)
			if (ruv_node_link(layout, mine, k) == visit->ids[i] &&
				(best < 0 || i == plan.slot ||
				 (node->diverse >> best & 1) > (node->diverse >> i & 1)))
				best = i;
	if (best >= 0 && best != plan.slot)
	{
		plan.slot = best;
		plan.diverse = node->diverse & ~(UINT64CONST(1) << best);
	}
	*is_spared |= best >= 0;
	return plan;
}

/*
 * Has node `id` (placer->record is its image) link to `other`, in place of
 * its least important link if need be.
 */
static void
adopt(RvdPlacer *placer, uint32 id, uint32 other)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	float	   *x = palloc((Size) layout->padded * sizeof(float));
	float	   *r = palloc((Size) layout->padded * sizeof(float));
	RvdChange	change;
	RvdPin		pin;
	RuvNode	   *node;
	Page		page;

	if (rvd_decode_live(store, other, x) &&
		(node = rvd_store_node(store, id, true, &pin)) != NULL)
	{
		ruv_node_decode(layout, rvd_kernels, node, r);
		for (int i = 0; i < layout->padded; i++)
			r[i] = x[i] - r[i];
		rvd_change_begin(&change, store->index, store->durability);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		node = rvd_raw_node(store->geometry, page,
							rvd_slot_of(store->geometry, id));
		ruv_link_add(layout, rvd_kernels, node, other, r, x,
					 ruv_graph_distance(layout, rvd_kernels,
										placer->query.x, x));
		memcpy(placer->record, node, (Size) layout->record_bytes);
		rvd_change_finish(&change);
		rvd_store_release(store, &pin);
	}
	pfree(x);
	pfree(r);
}

/*
 * A link from `neighbour` to `id`, whatever it costs the neighbour; but who
 * loses his link there is linked from `id` first, so that nobody becomes
 * unreachable.  False if the neighbour is no longer alive.
 */
static bool
force_link(RvdPlacer *placer, uint32 neighbour, uint32 id)
{
	RvdStore   *store = placer->store;

	for (int try = 0;; try++)
	{
		RuvVisit	visit;
		RuvLinkPlan plan;
		RvdPin		pin;
		RuvNode	   *node = rvd_store_node(store, neighbour, true, &pin);
		bool		is_spared;

		CHECK_FOR_INTERRUPTS();
		if (node == NULL)
			return false;
		if (node->state != RUV_NODE_LIVE)
		{
			rvd_store_release(store, &pin);
			return false;
		}
		visit_for_link(placer, node, &visit);
		plan = plan_by_force(placer, node, &visit, id, &is_spared);
		if (is_spared || try == MAX_FORCE_TRIES)
		{
			if (plan.slot >= 0)
				apply_plan(placer, &pin, neighbour, &plan, id,
						   visit.distance);
			rvd_store_release(store, &pin);
			return true;
		}
		rvd_store_release(store, &pin);
		adopt(placer, id, visit.ids[plan.slot]);
		RVD_DEBUG_POINT("insert-after-adoption");
	}
}

/*
 * Offers node `neighbour` a link to `id`, whose vector is the query.  True if
 * it took it.
 */
static bool
link_from(RvdPlacer *placer, uint32 neighbour, uint32 id)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RuvVisit	visit;
	RuvLinkPlan plan;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, neighbour, true, &pin);

	/* it may have died since it was chosen; then others lead here */
	if (node == NULL)
		return false;
	if (node->state != RUV_NODE_LIVE)
	{
		rvd_store_release(store, &pin);
		return false;
	}
	visit_for_link(placer, node, &visit);
	plan = ruv_link_plan(layout, rvd_kernels, node, &visit, id, false);

	/* equal vectors may have no other link than this one */
	if (plan.slot >= 0 && plan.slot < node->nlinks &&
		ruv_link_is_twin(layout, node->residual,
						 ruv_node_link_distance(layout, rvd_kernels, node,
												plan.slot)))
	{
		rvd_store_release(store, &pin);
		return force_link(placer, neighbour, id);
	}
	if (plan.slot >= 0)
		apply_plan(placer, &pin, neighbour, &plan, id, visit.distance);
	rvd_store_release(store, &pin);
	return plan.slot >= 0;
}

/*
 * Back-links from the chosen neighbours; at least one must take it.  Of equal
 * vectors it must be the equal one: others will forget it for a nearer one.
 */
static void
link_back(RvdPlacer *placer, uint32 id, const int *chosen, int n)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	int			taken = 0;

	for (int i = 0; i < n; i++)
	{
		const RuvCandidate *c = &placer->candidates[chosen[i]];
		bool		is_taken;

		CHECK_FOR_INTERRUPTS();
		is_taken = link_from(placer, c->id, id);
		if (!is_taken &&
			ruv_link_is_twin(layout, placer->record->residual, c->distance))
			is_taken = force_link(placer, c->id, id);
		if (is_taken)
		{
			taken++;
			RVD_DEBUG_POINT("insert-after-backlink");
		}
	}
	for (int i = 0; i < n && taken == 0; i++)
		if (force_link(placer, placer->candidates[chosen[i]].id, id))
			taken++;
	if (taken == 0)
		rvd_add_entry(placer, id, placer->query.x, true);
}

void
rvd_add_entry(RvdPlacer *placer, uint32 id, const float *x, bool must_add)
{
	RvdStore   *store = placer->store;
	const RvdGeometry *geometry = store->geometry;
	RvdChange	change;
	RvdPin		pin;
	RvdEntryPage *table;
	uint32		at;

	rvd_store_get(store, RVD_ENTRY_BLOCK, true, RVD_KIND_ENTRY, &pin);
	table = rvd_entry_page(pin.page);
	at = table->count;
	for (uint32 i = 0; i < table->count; i++)
		if (ruv_entry_id(&geometry->layout, rvd_entry_table(pin.page),
						 (int) i) == id)
			must_add = false, at = UINT32_MAX;
	if (at == (uint32) geometry->entry_room)
		at = must_add ? (uint32) pg_prng_uint64_range(&placer->prng, 0,
													  at - 1) :
						UINT32_MAX;
	if (at != UINT32_MAX)
	{
		Page		page;

		rvd_change_begin(&change, store->index, store->durability);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		table = rvd_entry_page(page);
		ruv_entry_set(&geometry->layout, rvd_kernels, rvd_entry_table(page),
					  (int) at, id, x);
		if (at == table->count)
			table->count++;
		rvd_change_finish(&change);
	}
	rvd_store_release(store, &pin);
}

/*
 * Keeps the entry table a random sample of the nodes: each new one replaces
 * an entry with the probability of reservoir sampling, the number of nodes
 * being read off the number of pages.
 */
static void
sample_entry(RvdPlacer *placer, uint32 id)
{
	const RvdGeometry *geometry = placer->store->geometry;
	double		nodes = (double) rvd_block_of(geometry, id) *
		geometry->layout.per_page;

	if (placer->nentries < geometry->entry_room)
		rvd_add_entry(placer, id, placer->query.x, false);
	else if (pg_prng_double(&placer->prng) * nodes < geometry->entry_room)
		rvd_add_entry(placer, id, placer->query.x, true);
}

bool
rvd_place(RvdPlacer *placer, const float *vector, ItemPointer tid)
{
	RvdStore   *store = placer->store;
	const RvdGeometry *geometry = store->geometry;
	int			chosen[RUV_MAX_LINKS];
	uint32		twin;
	uint32		id;
	int			n;

	ruv_query_init(&placer->query, &geometry->layout, rvd_kernels,
				   &geometry->rotation, vector, placer->query_memory);
	ruv_node_init(&placer->query, placer->record, 0);
	find_candidates(placer, 0, &twin);
	if (twin == 0)
		twin = twin_of(placer);
	if (twin != 0 && attach(placer, twin, tid))
		return true;

	if (!ruv_node_add_tid(&geometry->layout, rvd_kernels, placer->record,
						  tid))
		elog(ERROR, "fresh node has no room for a row");
	n = choose_links(placer, chosen);
	id = write_node(placer);
	if (id == 0)
		return false;
	RVD_DEBUG_POINT("insert-after-node");
	link_back(placer, id, chosen, n);
	RVD_DEBUG_POINT("insert-before-entry");
	sample_entry(placer, id);
	return true;
}

bool
rvd_decode_live(RvdStore *store, uint32 id, float *x)
{
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, id, false, &pin);
	bool		is_live;

	if (node == NULL)
		return false;
	is_live = node->state == RUV_NODE_LIVE;
	ruv_node_decode(&store->geometry->layout, rvd_kernels, node, x);
	rvd_store_release(store, &pin);
	return is_live;
}

/* Makes the query the vector that node `id` stores; false if it is gone. */
static bool
query_from_node(RvdPlacer *placer, uint32 id)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	float	   *zero = palloc0((Size) layout->dims * sizeof(float));
	double		norm = 0;
	RvdPin		pin;
	RuvNode	   *node;

	/* stored vectors are normalised and rotated already */
	ruv_query_init(&placer->query, layout, rvd_kernels,
				   &store->geometry->rotation, zero, placer->query_memory);
	pfree(zero);
	node = rvd_store_node(store, id, false, &pin);
	if (node == NULL)
		return false;
	ruv_node_decode(layout, rvd_kernels, node, placer->query.x);
	memcpy(placer->record, node, (Size) layout->record_bytes);
	rvd_store_release(store, &pin);
	for (int i = 0; i < layout->padded; i++)
		norm += (double) placer->query.x[i] * placer->query.x[i];
	placer->query.norm = sqrt(norm);
	ruv_query_requantize(&placer->query);
	return placer->record->state == RUV_NODE_LIVE;
}

void
rvd_replace_links(RvdPlacer *placer, uint32 id)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	int			chosen[RUV_MAX_LINKS];
	RvdChange	change;
	RvdPin		pin;
	RuvNode	   *node;
	uint32		unused;
	int			n;

	if (!query_from_node(placer, id))
		return;
	find_candidates(placer, id, &unused);
	n = choose_links(placer, chosen);

	node = rvd_store_node(store, id, true, &pin);
	if (node == NULL)
		return;
	if (node->state == RUV_NODE_LIVE)
	{
		Page		page;
		int			room = ruv_node_room(layout, node->ntids);

		rvd_change_begin(&change, store->index, store->durability);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		node = rvd_raw_node(store->geometry, page,
							rvd_slot_of(store->geometry, id));
		/* a row attached since may have taken the room of a slot */
		n = Min(n, room);
		memcpy(ruv_node_slot(layout, node, 0),
			   ruv_node_slot(layout, placer->record, 0),
			   (Size) n * layout->slot_bytes);
		node->nlinks = (uint8) n;
		node->diverse = placer->record->diverse;
		if (n < 64)
			node->diverse &= (UINT64CONST(1) << n) - 1;
		rvd_change_finish(&change);
	}
	rvd_store_release(store, &pin);
}

void
rvd_link_back(RvdPlacer *placer, uint32 id)
{
	uint32		unused;

	if (!query_from_node(placer, id))
		return;
	find_candidates(placer, id, &unused);
	for (int i = 0; i < placer->ncandidates; i++)
		if (force_link(placer, placer->candidates[i].id, id))
			return;
	rvd_add_entry(placer, id, placer->query.x, true);
}
