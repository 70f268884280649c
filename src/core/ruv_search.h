/*
 * ruv_search.h
 *		Best-first search with a bounded pool of candidates.
 *
 * The caller drives it:
 *
 *		while ((id = ruv_search_next(s)) != 0)
 *		{
 *			visit node id;
 *			ruv_search_settle(s, its distance, whether it counts);
 *			ruv_search_offer(s, its neighbours and their estimates);
 *		}
 *
 * The pool keeps the best `width` candidates by estimate, or by distance once
 * visited; the search ends when all in the pool were visited.  A search that
 * is to be resumed keeps what falls out of the pool in a heap.
 */
#ifndef RUV_SEARCH_H
#define RUV_SEARCH_H

#include "core/ruv_common.h"

typedef struct RuvPoolEntry
{
	float		key;
	uint32_t	id;
	bool		is_visited;
} RuvPoolEntry;

typedef struct RuvHeapEntry
{
	float		key;
	uint32_t	id;
} RuvHeapEntry;

typedef struct RuvSearch
{
	const RuvArena *arena;
	RuvPoolEntry *pool;			/* sorted by key */
	int			width;
	int			npool;
	int			cursor;			/* nothing unvisited before it */
	int			current;		/* the entry that next() gave out */
	uint32_t   *seen;			/* open addressing, 0 is empty */
	uint32_t	seen_mask;
	uint32_t	nseen;
	bool		keeps_rest;
	RuvHeapEntry *rest;			/* min-heap of what the pool had no room for */
	size_t		nrest;
	size_t		rest_room;
	int64_t		nvisited;
} RuvSearch;

/*
 * width >= 1; keeps_rest if ruv_search_resume will be wanted.  After a
 * failure nothing needs to be freed.
 */
extern RUV_CHECKED RuvStatus ruv_search_init(RuvSearch *search, int width,
											 bool keeps_rest,
											 const RuvArena *arena);

extern void ruv_search_free(RuvSearch *search);

/* What the node that was given out last was ranked by. */
static inline float
ruv_search_key(const RuvSearch *search)
{
	return search->pool[search->current].key;
}

/* The next node to visit, 0 when the search is over. */
extern uint32_t ruv_search_next(RuvSearch *search);

/* What next() would give out after the present one, as far as is known now;
 * 0 if nothing.  For prefetching. */
extern uint32_t ruv_search_peek(const RuvSearch *search);

/* The distance of the node just visited; counts = false drops it. */
extern void ruv_search_settle(RuvSearch *search, float distance, bool counts);

/*
 * Neighbours of the node just settled, or entries to start from.  An id that
 * was offered before is passed over; the id 0 is RUV_ERR_CORRUPT.  Estimates
 * that are NaN rank last.  After RUV_ERR_MEMORY only ruv_search_free is left.
 */
extern RUV_CHECKED RuvStatus ruv_search_offer(RuvSearch *search,
											  const uint32_t *ids,
											  const float *estimates, int n);

/* Has this id been offered before? */
extern bool ruv_search_has_seen(const RuvSearch *search, uint32_t id);

/* Starts again from the best of the rest; false if there is none. */
extern bool ruv_search_resume(RuvSearch *search);

/* What is farther cannot enter the pool; infinite while it has room. */
extern float ruv_search_horizon(const RuvSearch *search);

/* Bytes in use besides the struct. */
extern size_t ruv_search_memory(const RuvSearch *search);

#endif							/* RUV_SEARCH_H */
