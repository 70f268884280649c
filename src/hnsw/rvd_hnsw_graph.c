/*
 * rvd_hnsw_graph.c
 *		Neighbours of a vector: search, choice, links there and back.
 *
 * One algorithm for INSERT, for both parts of a build and for repairs.  At
 * most one page is locked at any time (README.md, "Locks"); each change is
 * one WAL record, and the index is sound between any two of them.
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

/* Room for one more candidate; returns its vector. */
static float *
ensure_room(RvdPlacer *placer)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	int			n = placer->ncandidates;
	MemoryContext old = MemoryContextSwitchTo(placer->context);

	if (placer->room == 0)
	{
		placer->room = 256;
		placer->candidates = palloc(256 * sizeof(RuvCandidate));
		placer->vectors = palloc0(256 * sizeof(float *));
	}
	else if (n == placer->room)
	{
		placer->room *= 2;
		placer->candidates = repalloc(placer->candidates,
									  (Size) placer->room *
										  sizeof(RuvCandidate));
		placer->vectors = repalloc(placer->vectors,
								   (Size) placer->room * sizeof(float *));
		memset(placer->vectors + n, 0, (Size) n * sizeof(float *));
	}
	/* most rows need few; memory never touched before is slow */
	if (placer->vectors[n] == NULL)
		placer->vectors[n] = palloc((Size) layout->padded * sizeof(float));
	MemoryContextSwitchTo(old);
	return placer->vectors[n];
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
			  float distance)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	RuvCandidate *candidate;
	float	   *x;

	x = ensure_room(placer);
	ruv_node_decode(layout, rvd_kernels, node, x);
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

/* Root of the mean distance to a node's neighbours; infinite for none. */
static float
mean_link(const RuvLayout *layout, const RuvNode *node)
{
	float		sum = 0;

	for (int i = 0; i < node->nlinks; i++)
		sum += ruv_node_link_distance(layout, rvd_kernels, node, i);
	if (node->nlinks == 0 || layout->metric == RUV_METRIC_IP)
		return INFINITY;
	sum /= (float) node->nlinks;
	return layout->metric == RUV_METRIC_L1 ? sum : sqrtf(fmaxf(sum, 0));
}

/*
 * Is the row near enough to a visited node to be attached to it, if an older
 * version of it is there?  *radius is how near.  Beyond a third of the way to
 * the node's neighbours its links would no longer serve the row.
 */
bool
rvd_is_within_reach(RvdPlacer *placer, const RuvNode *node, float distance,
					float *radius)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	float		reach = placer->reach;

	if (placer->update->is_unchanged)
		for (int i = 0; i < node->ntids; i++)
			reach = fmaxf(reach, 1.02f * ruv_node_radius(layout, node, i));
	if (layout->metric == RUV_METRIC_L1 && distance > reach * 1.1f)
		return false;
	if ((layout->metric == RUV_METRIC_L2 ||
		 layout->metric == RUV_METRIC_COSINE) &&
		distance > reach * reach * 1.2f)
		return false;
	*radius = ruv_node_radius_for(&placer->query, node);
	if (!(*radius <= reach))
		return false;
	return placer->update->is_unchanged || *radius <= node->residual * 1.5f ||
		*radius <= mean_link(layout, node) / 3;
}

/*
 * Looks at a visited node as a place for the row.  The page is locked; for
 * what has to be asked of the heap, the rows are copied and counted.
 */
static int
look_for_place(RvdPlacer *placer, const RuvNode *node, float distance,
			   RvdRowPlace *place, ItemPointerData *tids)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	float		unused;
	int			n = 0;

	if (node->ntids < RUV_MAX_TIDS &&
		ruv_node_same_image(node, placer->record, layout))
		place->twin = node->self;
	else if (placer->update != NULL &&
			 rvd_is_within_reach(placer, node, distance, &unused))
		for (; n < node->ntids; n++)
			memcpy(&tids[n], ruv_node_tid(layout, node, n), RUV_TID_BYTES);
	return n;
}

/*
 * Fills placer->candidates with the live nodes that a search for the query
 * visits, except `self`, nearest first.  With a place, looks for one on the
 * way, and ends when it has found it.
 */
void
rvd_find_candidates(RvdPlacer *placer, uint32 self, RvdRowPlace *place)
{
	RvdStore   *store = placer->store;
	RuvSearch	search;
	RuvVisit	visit;
	uint32		id;
	int64		nothers = 0;

	placer->ncandidates = 0;
	rvd_check_status(ruv_search_init(&search,
									 store->geometry->ef_construction, false,
									 &placer->arena),
					 "starting a search");
	placer->nentries = rvd_search_begin(store, &placer->query, &search);
	while ((id = ruv_search_next(&search)) != 0)
	{
		ItemPointerData tids[RUV_MAX_TIDS];
		int			ntids = 0;
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
		if (place != NULL && node->state == RUV_NODE_LIVE)
			ntids = look_for_place(placer, node, visit.distance, place, tids);
		is_new = node->state == RUV_NODE_LIVE && id != self &&
			add_candidate(placer, node, id, visit.distance);
		rvd_store_release(store, &pin);
		if (ntids > 0 && rvd_update_replaces(placer->update, tids, ntids))
			place->ball = id;
		if (place != NULL && (place->twin != 0 || place->ball != 0))
			break;
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

/* Chooses the neighbours and writes them into placer->record. */
int
rvd_choose_links(RvdPlacer *placer, int *chosen)
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
bool
rvd_force_link(RvdPlacer *placer, uint32 neighbour, uint32 id)
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
 * it took it, or had it; a node that moved is no longer where it was.
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
	int			at;

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
	at = ruv_node_slot_of(layout, node, id);
	if (at >= 0)
		plan.slot = at;

	/* equal vectors may have no other link than this one */
	else if (plan.slot >= 0 && plan.slot < node->nlinks &&
			 ruv_link_is_twin(layout, node->residual,
							  ruv_node_link_distance(layout, rvd_kernels, node,
													 plan.slot)))
	{
		rvd_store_release(store, &pin);
		return rvd_force_link(placer, neighbour, id);
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
void
rvd_offer_links(RvdPlacer *placer, uint32 id, const int *chosen, int n)
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
			is_taken = rvd_force_link(placer, c->id, id);
		if (is_taken)
		{
			taken++;
			RVD_DEBUG_POINT("insert-after-backlink");
		}
	}
	for (int i = 0; i < n && taken == 0; i++)
		if (rvd_force_link(placer, placer->candidates[chosen[i]].id, id))
			taken++;
	if (taken == 0)
		rvd_add_entry(placer, id, placer->query.x, true);
}

/* The place of node `id` in the entry table of a locked page, -1 if none. */
static int
entry_of(const RvdStore *store, const RvdPin *pin, uint32 id)
{
	int			n = (int) rvd_entry_page(pin->page)->count;

	for (int i = 0; i < n; i++)
		if (ruv_entry_id(&store->geometry->layout, rvd_entry_table(pin->page),
						 i) == id)
			return i;
	return -1;
}

static void
write_entry(RvdStore *store, const RvdPin *pin, int at, uint32 id,
			const float *x)
{
	RvdChange	change;
	Page		page;
	RvdEntryPage *table;

	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin->buffer, pin->page, false);
	table = rvd_entry_page(page);
	ruv_entry_set(&store->geometry->layout, rvd_kernels,
				  rvd_entry_table(page), at, id, x);
	if ((uint32) at == table->count)
		table->count++;
	rvd_change_finish(&change);
}

void
rvd_add_entry(RvdPlacer *placer, uint32 id, const float *x, bool must_add)
{
	RvdStore   *store = placer->store;
	int			room = store->geometry->entry_room;
	RvdPin		pin;
	int			at;

	rvd_store_get(store, RVD_ENTRY_BLOCK, true, RVD_KIND_ENTRY, &pin);
	if (entry_of(store, &pin, id) < 0)
	{
		at = (int) rvd_entry_page(pin.page)->count;
		if (at == room && must_add)
			at = (int) pg_prng_uint64_range(&placer->prng, 0,
											(uint64) room - 1);
		if (at < room)
			write_entry(store, &pin, at, id, x);
	}
	rvd_store_release(store, &pin);
}

void
rvd_refresh_entry(RvdPlacer *placer, uint32 id, const float *x)
{
	RvdStore   *store = placer->store;
	RvdPin		pin;
	int			at;

	rvd_store_get(store, RVD_ENTRY_BLOCK, false, RVD_KIND_ENTRY, &pin);
	at = entry_of(store, &pin, id);
	rvd_store_release(store, &pin);
	if (at < 0)
		return;
	rvd_store_get(store, RVD_ENTRY_BLOCK, true, RVD_KIND_ENTRY, &pin);
	at = entry_of(store, &pin, id);
	if (at >= 0)
		write_entry(store, &pin, at, id, x);
	rvd_store_release(store, &pin);
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
