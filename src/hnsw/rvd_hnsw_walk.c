/*
 * rvd_hnsw_walk.c
 *		Nodes that no path from the entry table leads to, and tying them to it.
 *
 * Two bits a node and a stack; a page is locked only while its links are
 * copied.  What changes behind the walk may be missed; the next one sees it.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"

/* Notes a node to be walked through. */
static void
reach(RvdWalk *walk, uint32 id)
{
	if (id >= walk->reached.nbits || rvd_set_has(&walk->reached, id))
		return;
	rvd_set_add(&walk->reached, id);
	if (walk->nstack == walk->room)
	{
		walk->room *= 2;
		walk->stack = repalloc_huge(walk->stack, walk->room * sizeof(uint32));
	}
	walk->stack[walk->nstack++] = id;
}

/* Everything that can be reached from the nodes noted. */
static void
go_on(RvdWalk *walk)
{
	RvdStore   *store = walk->placer->store;
	const RuvLayout *layout = &store->geometry->layout;

	while (walk->nstack > 0)
	{
		uint32		id = walk->stack[--walk->nstack];
		uint32		ids[RUV_MAX_LINKS];
		int			n = 0;
		RvdPin		pin;
		RuvNode	   *node;

		rvd_vacuum_delay();
		node = rvd_store_node(store, id, false, &pin);
		if (node == NULL)
			continue;
		for (; n < node->nlinks; n++)
			ids[n] = ruv_node_link(layout, node, n);
		rvd_store_release(store, &pin);
		for (int i = 0; i < n; i++)
			reach(walk, ids[i]);
	}
}

void
rvd_walk_begin(RvdWalk *walk, RvdPlacer *placer, uint32 nbits,
			   MemoryContext context)
{
	RvdStore   *store = placer->store;
	const RuvLayout *layout = &store->geometry->layout;
	RvdPin		pin;
	void	   *entries;
	int			n;

	memset(walk, 0, sizeof(*walk));
	walk->placer = placer;
	walk->context = context;
	rvd_set_grow(&walk->reached, nbits, context);
	walk->room = 1024;
	walk->stack = MemoryContextAlloc(context, walk->room * sizeof(uint32));

	rvd_store_get(store, RVD_ENTRY_BLOCK, false, RVD_KIND_ENTRY, &pin);
	n = (int) rvd_entry_page(pin.page)->count;
	entries = rvd_entry_table(pin.page);
	for (int i = 0; i < n; i++)
		reach(walk, ruv_entry_id(layout, entries, i));
	rvd_store_release(store, &pin);
	go_on(walk);
}

int64
rvd_walk_tie_page(RvdWalk *walk, BlockNumber block, int64 most)
{
	RvdStore   *store = walk->placer->store;
	const RvdGeometry *geometry = store->geometry;
	int			per_page = geometry->layout.per_page;
	uint32	   *live = palloc((Size) per_page * sizeof(uint32));
	int			n = 0;
	int64		ntied = 0;
	RvdPin		pin;

	rvd_vacuum_delay();
	if (!rvd_store_is_empty_page(store, block))
	{
		rvd_store_get(store, block, false, RVD_KIND_NODE, &pin);
		for (int i = 0; i < per_page; i++)
			if (rvd_node_of(store, &pin, i)->state == RUV_NODE_LIVE)
				live[n++] = rvd_id_of(geometry, block, i);
		rvd_store_release(store, &pin);
	}
	for (int i = 0; i < n && ntied < most; i++)
	{
		MemoryContext old;

		/* who came after the walk is the business of its insert */
		if (live[i] >= walk->reached.nbits ||
			rvd_set_has(&walk->reached, live[i]))
			continue;
		old = MemoryContextSwitchTo(walk->context);
		rvd_link_back(walk->placer, live[i]);
		MemoryContextSwitchTo(old);
		RVD_DEBUG_POINT("vacuum-between-orphans");
		ntied++;
		reach(walk, live[i]);
		go_on(walk);
	}
	pfree(live);
	return ntied;
}
