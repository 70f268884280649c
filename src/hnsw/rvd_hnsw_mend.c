/*
 * rvd_hnsw_mend.c
 *		Links of nodes that are there: around the dead, and after a move.
 *
 * Mending is that of FreshDiskANN (Singh et al. 2021, algorithm 4): a node
 * that loses a neighbour is offered the neighbours of the lost one, whose
 * codes are in its record still; no search is made.  Each change is one WAL
 * record of one page, after which the index is sound (README.md, "WAL").
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_kernels.h"

/* Offers to a node with lost links: so many for each place, at most. */
#define OFFERS_A_PLACE 2
#define MOST_OFFERS 32

/* Of a page that others change all the time dead links go out, at least. */
#define MAX_MEND_TRIES 3

void
rvd_set_grow(RvdNodeSet *set, uint32 nbits, MemoryContext context)
{
	Size		old = ((Size) set->nbits + 7) / 8;
	Size		fresh = ((Size) nbits + 7) / 8;

	if (nbits <= set->nbits)
		return;
	if (set->bits == NULL)
		set->bits = MemoryContextAllocHuge(context, fresh);
	else
		set->bits = repalloc_huge(set->bits, fresh);
	memset(set->bits + old, 0, fresh - old);
	set->nbits = nbits;
}

/* ---- the query of a node that is there ---- */

/* Makes the query a stored vector, which is normalised and rotated already. */
static void
query_from_stored(RvdPlacer *placer, const RuvNode *node)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	float	   *zero = palloc0((Size) layout->dims * sizeof(float));
	double		norm = 0;

	ruv_query_init(&placer->query, layout, rvd_kernels,
				   &store->geometry->rotation, zero, placer->query_memory);
	pfree(zero);
	ruv_node_decode(layout, rvd_kernels, node, placer->query.x);
	for (int i = 0; i < layout->padded; i++)
		norm += (double) placer->query.x[i] * placer->query.x[i];
	placer->query.norm = sqrt(norm);
	ruv_query_requantize(&placer->query);
}

/* placer->record and the query become those of node `id`, if it is live. */
static bool
load_node(RvdPlacer *placer, uint32 id)
{
	RvdStore   *store = placer->store;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, id, false, &pin);

	if (node == NULL)
		return false;
	memcpy(placer->record, node,
		   (Size) store->geometry->layout.record_bytes);
	rvd_store_release(store, &pin);
	query_from_stored(placer, placer->record);
	return placer->record->state == RUV_NODE_LIVE;
}

/* ---- mending ---- */

typedef struct Offer
{
	uint32		id;
	float		estimate;
} Offer;

typedef struct Offers
{
	int			n;
	Offer		offer[RUV_MAX_LINKS * RUV_MAX_LINKS];
} Offers;

static int
compare_offers(const void *a, const void *b)
{
	const Offer *x = a;
	const Offer *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->estimate < y->estimate ? -1 : x->estimate > y->estimate;
}

static int
compare_estimates(const void *a, const void *b)
{
	float		x = ((const Offer *) a)->estimate;
	float		y = ((const Offer *) b)->estimate;

	return x < y ? -1 : x > y;
}

/*
 * Takes the links to dead nodes out of placer->record, and collects those
 * nodes' neighbours with the distances that their records estimate.
 */
static void
drop_dead_links(RvdPlacer *placer, const RvdNodeSet *dead, Offers *offers)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	RuvNode	   *record = placer->record;
	uint32		lost[RUV_MAX_LINKS];
	int			nlost = 0;

	for (int i = record->nlinks - 1; i >= 0; i--)
	{
		uint32		id = ruv_node_link(layout, record, i);

		if (!rvd_set_has(dead, id))
			continue;
		lost[nlost++] = id;
		ruv_node_drop_link(layout, record, i);
	}
	offers->n = 0;
	for (int k = 0; k < nlost; k++)
	{
		RuvVisit	visit;
		RvdPin		pin;
		RuvNode	   *node = rvd_store_node(placer->store, lost[k], false, &pin);

		CHECK_FOR_INTERRUPTS();
		if (node == NULL)
			continue;
		ruv_node_visit(&placer->query, node, &visit);
		rvd_store_release(placer->store, &pin);
		for (int i = 0; i < visit.nlinks; i++)
			if (!rvd_set_has(dead, visit.ids[i]) &&
				visit.ids[i] != record->self &&
				ruv_node_slot_of(layout, record, visit.ids[i]) < 0)
				offers->offer[offers->n++] =
					(Offer){visit.ids[i], visit.estimates[i]};
	}
}

/* The nearest offers, each once; as many as there may be use for. */
static void
pick_offers(Offers *offers, int nfree)
{
	int			n = 0;

	qsort(offers->offer, (size_t) offers->n, sizeof(Offer), compare_offers);
	for (int i = 0; i < offers->n; i++)
		if (n == 0 || offers->offer[n - 1].id != offers->offer[i].id)
			offers->offer[n++] = offers->offer[i];
	qsort(offers->offer, (size_t) n, sizeof(Offer), compare_estimates);
	offers->n = Min(n, Min(nfree * OFFERS_A_PLACE, MOST_OFFERS));
}

/* Offers placer->record the vectors of other nodes, nearest first. */
static void
take_offers(RvdPlacer *placer, const Offers *offers)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RuvNode	   *record = placer->record;

	for (int i = 0; i < offers->n; i++)
	{
		uint32		id = offers->offer[i].id;
		RuvVisit	visit;
		RuvLinkPlan plan;
		RvdPin		pin;
		RuvNode	   *node = rvd_store_node(store, id, false, &pin);
		bool		is_live;

		CHECK_FOR_INTERRUPTS();
		if (node == NULL)
			continue;
		is_live = node->state == RUV_NODE_LIVE;
		if (is_live)
			ruv_node_decode(layout, rvd_kernels, node, placer->query.x);
		rvd_store_release(store, &pin);
		if (!is_live)
			continue;
		ruv_query_requantize(&placer->query);
		ruv_node_visit(&placer->query, record, &visit);
		/* what is not known of the others does not speak against this one */
		if (layout->slot == RUV_SLOT_ID)
			for (int k = 0; k < visit.nlinks; k++)
				visit.estimates[k] = INFINITY;
		plan = ruv_link_plan(layout, rvd_kernels, record, &visit, id, false);
		if (plan.slot >= 0)
			ruv_link_apply(&placer->query, record, &plan, id, visit.distance);
	}
}

/* Copies the nodes of a page; false if none has a link to a dead one. */
static bool
copy_hurt_page(RvdPlacer *placer, BlockNumber block, const RvdNodeSet *dead,
			   char *copy)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	bool		is_hurt = false;
	RvdPin		pin;

	rvd_store_get(store, block, false, RVD_KIND_NODE, &pin);
	for (int i = 0; i < layout->per_page; i++)
	{
		RuvNode	   *node = rvd_node_of(store, &pin, i);

		for (int k = 0; node->state == RUV_NODE_LIVE && k < node->nlinks; k++)
			is_hurt |= rvd_set_has(dead, ruv_node_link(layout, node, k));
	}
	memcpy(copy, PageGetContents(pin.page),
		   (Size) layout->per_page * layout->record_bytes);
	rvd_store_release(store, &pin);
	return is_hurt;
}

/*
 * Writes the mended links to the page if it is still as it was copied; when
 * this was the last try, only what is the same in any case: dead links out.
 */
static bool
write_mended(RvdPlacer *placer, BlockNumber block, const RvdNodeSet *dead,
			 const char *copy, const char *mended, bool is_last)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	Size		size = (Size) layout->per_page * layout->record_bytes;
	RvdChange	change;
	RvdPin		pin;
	Page		page;
	bool		is_same;

	rvd_store_get(store, block, true, RVD_KIND_NODE, &pin);
	is_same = memcmp(copy, PageGetContents(pin.page), size) == 0;
	if (!is_same && !is_last)
	{
		rvd_store_release(store, &pin);
		return false;
	}
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin.buffer, pin.page, false);
	if (is_same)
		memcpy(PageGetContents(page), mended, size);
	else
		for (int i = 0; i < layout->per_page; i++)
		{
			RuvNode	   *node = rvd_raw_node(store->geometry, page, i);

			for (int k = node->nlinks - 1;
				 node->state == RUV_NODE_LIVE && k >= 0; k--)
				if (rvd_set_has(dead, ruv_node_link(layout, node, k)))
					ruv_node_drop_link(layout, node, k);
		}
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
	return true;
}

/* Mends the copies of a page's nodes; poor[] gets who is left with few. */
static void
mend_copies(RvdPlacer *placer, const RvdNodeSet *dead, char *mended,
			bool *poor)
{
	const RuvLayout *layout = &placer->store->geometry->layout;
	Offers	   *offers = palloc(sizeof(Offers));

	for (int i = 0; i < layout->per_page; i++)
	{
		char	   *at = mended + (Size) i * layout->record_bytes;
		RuvNode	   *node = (RuvNode *) at;
		int			room = ruv_node_room(layout, node->ntids);
		int			before = node->nlinks;

		poor[i] = false;
		if (node->state != RUV_NODE_LIVE)
			continue;
		memcpy(placer->record, node, (Size) layout->record_bytes);
		query_from_stored(placer, placer->record);
		drop_dead_links(placer, dead, offers);
		if (placer->record->nlinks == before)
			continue;
		pick_offers(offers, room - placer->record->nlinks);
		take_offers(placer, offers);
		memcpy(node, placer->record, (Size) layout->record_bytes);
		poor[i] = node->nlinks * 2 < Min(room, before);
	}
	pfree(offers);
}

void
rvd_mend_page(RvdPlacer *placer, BlockNumber block, const RvdNodeSet *dead)
{
	const RvdGeometry *geometry = placer->store->geometry;
	const RuvLayout *layout = &geometry->layout;
	Size		size = (Size) layout->per_page * layout->record_bytes;
	char	   *copy = palloc(size);
	char	   *mended = palloc(size);
	bool	   *poor = palloc0((Size) layout->per_page * sizeof(bool));

	for (int try = 1; copy_hurt_page(placer, block, dead, copy); try++)
	{
		memcpy(mended, copy, size);
		mend_copies(placer, dead, mended, poor);
		if (write_mended(placer, block, dead, copy, mended,
						 try == MAX_MEND_TRIES))
			break;
	}
	for (int i = 0; i < layout->per_page; i++)
		if (poor[i])
		{
			(void) rvd_replace_links(placer, rvd_id_of(geometry, block, i));
			RVD_DEBUG_POINT("vacuum-between-replacements");
		}
	pfree(copy);
	pfree(mended);
	pfree(poor);
}

/* ---- by a search ---- */

bool
rvd_replace_links(RvdPlacer *placer, uint32 id)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	int			chosen[RUV_MAX_LINKS];
	RvdChange	change;
	RvdPin		pin;
	RuvNode	   *node;
	bool		is_live;

	if (!load_node(placer, id))
		return false;
	rvd_find_candidates(placer, id, NULL);
	(void) rvd_choose_links(placer, chosen);

	node = rvd_store_node(store, id, true, &pin);
	if (node == NULL)
		return false;
	is_live = node->state == RUV_NODE_LIVE &&
		ruv_node_same_image(node, placer->record, layout);
	if (is_live)
	{
		Page		page;

		rvd_change_begin(&change, store->index, store->durability);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		ruv_link_take(layout,
					  rvd_raw_node(store->geometry, page,
								   rvd_slot_of(store->geometry, id)),
					  placer->record);
		rvd_change_finish(&change);
	}
	rvd_store_release(store, &pin);
	return is_live;
}

void
rvd_link_back(RvdPlacer *placer, uint32 id)
{
	if (!load_node(placer, id))
		return;
	rvd_find_candidates(placer, id, NULL);
	for (int i = 0; i < placer->ncandidates; i++)
		if (rvd_force_link(placer, placer->candidates[i].id, id))
			return;
	rvd_add_entry(placer, id, placer->query.x, true);
}

/* ---- moving a node ---- */

/* Has node `neighbour`, if it links to `id`, do so with what the query is. */
static void
refresh_link(RvdPlacer *placer, uint32 neighbour, uint32 id)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RuvVisit	visit;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, neighbour, true, &pin);

	if (node == NULL)
		return;
	if (ruv_node_slot_of(layout, node, id) >= 0)
	{
		RvdChange	change;
		Page		page;

		rvd_change_begin(&change, store->index, store->durability);
		page = rvd_change_page(&change, pin.buffer, pin.page, false);
		node = rvd_raw_node(store->geometry, page,
							rvd_slot_of(store->geometry, neighbour));
		ruv_node_visit(&placer->query, node, &visit);
		(void) ruv_link_refresh(&placer->query, node, id, visit.distance);
		rvd_change_finish(&change);
	}
	rvd_store_release(store, &pin);
}

/*
 * Writes the moved node; before[] gets the links that it had.  Returns how
 * many, or -1 if the row is not there any more.
 */
static int
write_moved(RvdPlacer *placer, uint32 id, const ItemPointerData *tid,
			uint32 *before)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RvdChange	change;
	RvdPin		pin;
	RuvNode	   *node = rvd_store_node(store, id, true, &pin);
	Page		page;
	int			row = 0;
	int			n = 0;

	if (node == NULL)
		return -1;
	while (row < node->ntids &&
		   memcmp(ruv_node_tid(layout, node, row), tid, RUV_TID_BYTES) != 0)
		row++;
	if (node->state != RUV_NODE_LIVE || row == node->ntids)
	{
		rvd_store_release(store, &pin);
		return -1;
	}
	for (; n < node->nlinks; n++)
		before[n] = ruv_node_link(layout, node, n);
	rvd_change_begin(&change, store->index, store->durability);
	page = rvd_change_page(&change, pin.buffer, pin.page, false);
	node = rvd_raw_node(store->geometry, page,
						rvd_slot_of(store->geometry, id));
	ruv_link_move(&placer->query, node, placer->record);
	ruv_node_set_radius(layout, node, row, placer->record->residual);
	rvd_change_finish(&change);
	rvd_store_release(store, &pin);
	return n;
}

bool
rvd_recentre(RvdPlacer *placer, uint32 id, const float *vector,
			 const ItemPointerData *tid)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	int			chosen[RUV_MAX_LINKS];
	uint32		before[RUV_MAX_LINKS];
	int			nbefore;
	int			n;

	ruv_query_init(&placer->query, layout, rvd_kernels,
				   &store->geometry->rotation, vector, placer->query_memory);
	ruv_node_init(&placer->query, placer->record, id);
	rvd_find_candidates(placer, id, NULL);
	n = rvd_choose_links(placer, chosen);
	nbefore = write_moved(placer, id, tid, before);
	if (nbefore < 0)
		return false;
	RVD_DEBUG_POINT("repair-after-move");
	rvd_offer_links(placer, id, chosen, n);
	RVD_DEBUG_POINT("repair-before-refresh");
	for (int i = 0; i < nbefore; i++)
	{
		CHECK_FOR_INTERRUPTS();
		refresh_link(placer, before[i], id);
	}
	rvd_refresh_entry(placer, id, placer->query.x);
	return true;
}
