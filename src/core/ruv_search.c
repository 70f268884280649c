/*
 * ruv_search.c
 *		Best-first search with a bounded pool of candidates.
 */
#include <math.h>
#include <string.h>

#include "core/ruv_search.h"

#define FIRST_SEEN 2048			/* power of two */
#define OFFER_GROUP 64

RuvStatus
ruv_search_init(RuvSearch *search, int width, bool keeps_rest,
				const RuvArena *arena)
{
	memset(search, 0, sizeof(*search));
	if (width < 1)
		return RUV_ERR_ARGUMENT;
	search->arena = arena;
	search->width = width;
	search->keeps_rest = keeps_rest;
	search->current = -1;
	search->pool = ruv_alloc(arena, (size_t) width * sizeof(RuvPoolEntry));
	search->seen = ruv_alloc(arena, FIRST_SEEN * sizeof(uint32_t));
	if (search->pool == NULL || search->seen == NULL)
	{
		ruv_search_free(search);
		return RUV_ERR_MEMORY;
	}
	memset(search->seen, 0, FIRST_SEEN * sizeof(uint32_t));
	search->seen_mask = FIRST_SEEN - 1;
	return RUV_OK;
}

void
ruv_search_free(RuvSearch *search)
{
	ruv_release(search->arena, search->pool);
	ruv_release(search->arena, search->seen);
	ruv_release(search->arena, search->rest);
	memset(search, 0, sizeof(*search));
}

static uint32_t
hash_id(uint32_t id)
{
	id *= 0x9E3779B1u;
	return id ^ id >> 15;
}

static RuvStatus
grow_seen(RuvSearch *search)
{
	uint32_t	size = search->seen_mask + 1;
	uint32_t   *old = search->seen;
	uint32_t   *fresh;

	if (size > UINT32_MAX / 8)
		return RUV_ERR_LIMIT;
	fresh = ruv_alloc(search->arena, (size_t) size * 4 * sizeof(uint32_t));
	if (fresh == NULL)
		return RUV_ERR_MEMORY;
	memset(fresh, 0, (size_t) size * 4 * sizeof(uint32_t));
	search->seen_mask = size * 4 - 1;
	for (uint32_t i = 0; i < size; i++)
	{
		uint32_t	at;

		if (old[i] == 0)
			continue;
		at = hash_id(old[i]) & search->seen_mask;
		while (fresh[at] != 0)
			at = (at + 1) & search->seen_mask;
		fresh[at] = old[i];
	}
	search->seen = fresh;
	ruv_release(search->arena, old);
	return RUV_OK;
}

/* Marks id as seen; *fresh tells whether it was not before. */
static RuvStatus
mark_seen(RuvSearch *search, uint32_t id, bool *fresh)
{
	uint32_t	at = hash_id(id) & search->seen_mask;

	while (search->seen[at] != 0)
	{
		if (search->seen[at] == id)
		{
			*fresh = false;
			return RUV_OK;
		}
		at = (at + 1) & search->seen_mask;
	}
	*fresh = true;
	search->seen[at] = id;
	if (++search->nseen > search->seen_mask / 2)
		return grow_seen(search);
	return RUV_OK;
}

bool
ruv_search_has_seen(const RuvSearch *search, uint32_t id)
{
	uint32_t	at = hash_id(id) & search->seen_mask;

	while (search->seen[at] != 0 && search->seen[at] != id)
		at = (at + 1) & search->seen_mask;
	return search->seen[at] == id;
}

static RuvStatus
push_rest(RuvSearch *search, float key, uint32_t id)
{
	size_t		at;

	if (search->nrest == search->rest_room)
	{
		size_t		room = search->rest_room ? search->rest_room * 2 : 256;
		RuvHeapEntry *grown = ruv_alloc(search->arena,
										room * sizeof(RuvHeapEntry));

		if (grown == NULL)
			return RUV_ERR_MEMORY;
		if (search->nrest > 0)
			memcpy(grown, search->rest, search->nrest * sizeof(RuvHeapEntry));
		ruv_release(search->arena, search->rest);
		search->rest = grown;
		search->rest_room = room;
	}
	at = search->nrest++;
	while (at > 0 && search->rest[(at - 1) / 2].key > key)
	{
		search->rest[at] = search->rest[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	search->rest[at].key = key;
	search->rest[at].id = id;
	return RUV_OK;
}

static RuvHeapEntry
pop_rest(RuvSearch *search)
{
	RuvHeapEntry top = search->rest[0];
	RuvHeapEntry last = search->rest[--search->nrest];
	size_t		at = 0;

	for (;;)
	{
		size_t		child = at * 2 + 1;

		if (child >= search->nrest)
			break;
		if (child + 1 < search->nrest &&
			search->rest[child + 1].key < search->rest[child].key)
			child++;
		if (search->rest[child].key >= last.key)
			break;
		search->rest[at] = search->rest[child];
		at = child;
	}
	if (search->nrest > 0)
		search->rest[at] = last;
	return top;
}

/*
 * Where a key belongs: behind those that are not greater.  Without branches
 * that depend on the keys, because nobody could predict them.
 */
static int
find_place(const RuvSearch *search, float key)
{
	const RuvPoolEntry *base = search->pool;
	int			n = search->npool;

	while (n > 1)
	{
		int			half = n / 2;

		base += base[half - 1].key <= key ? half : 0;
		n -= half;
	}
	return (int) (base - search->pool) + (n == 1 && base->key <= key);
}

/*
 * Puts an entry into the pool; what falls out and was not visited goes to the
 * rest.  The caller knows that it fits.
 */
static RuvStatus
insert_pool(RuvSearch *search, float key, uint32_t id, bool is_visited)
{
	int			at = find_place(search, key);
	RuvStatus	status = RUV_OK;

	if (search->npool == search->width)
	{
		RuvPoolEntry *last = &search->pool[search->npool - 1];

		if (search->keeps_rest && !last->is_visited)
			status = push_rest(search, last->key, last->id);
		search->npool--;
	}
	memmove(&search->pool[at + 1], &search->pool[at],
			(size_t) (search->npool - at) * sizeof(RuvPoolEntry));
	search->pool[at].key = key;
	search->pool[at].id = id;
	search->pool[at].is_visited = is_visited;
	search->npool++;
	if (!is_visited && at < search->cursor)
		search->cursor = at;
	return status;
}

uint32_t
ruv_search_next(RuvSearch *search)
{
	while (search->cursor < search->npool &&
		   search->pool[search->cursor].is_visited)
		search->cursor++;
	if (search->cursor == search->npool)
		return 0;
	search->current = search->cursor;
	search->nvisited++;
	return search->pool[search->current].id;
}

uint32_t
ruv_search_peek(const RuvSearch *search)
{
	for (int i = search->cursor + 1; i < search->npool; i++)
		if (!search->pool[i].is_visited)
			return search->pool[i].id;
	return 0;
}

void
ruv_search_settle(RuvSearch *search, float distance, bool counts)
{
	int			at = search->current;
	uint32_t	id = search->pool[at].id;

	if (isnan(distance))
		distance = INFINITY;
	memmove(&search->pool[at], &search->pool[at + 1],
			(size_t) (search->npool - at - 1) * sizeof(RuvPoolEntry));
	search->npool--;
	search->current = -1;
	if (counts)
		(void) insert_pool(search, distance, id, true);
}

static RuvStatus
offer_one(RuvSearch *search, uint32_t id, float key)
{
	bool		fresh;
	RuvStatus	status;

	/* nobody has it; in the pool it would look like the end */
	if (id == 0)
		return RUV_ERR_CORRUPT;
	status = mark_seen(search, id, &fresh);
	if (status != RUV_OK || !fresh)
		return status;
	if (search->npool < search->width ||
		key < search->pool[search->npool - 1].key)
		return insert_pool(search, key, id, false);
	return search->keeps_rest ? push_rest(search, key, id) : RUV_OK;
}

RuvStatus
ruv_search_offer(RuvSearch *search, const uint32_t *ids,
				 const float *estimates, int n)
{
	float		horizon = ruv_search_horizon(search);
	bool		takes_all = search->keeps_rest ||
		search->npool < search->width;

	for (int i = 0; i < n; i += OFFER_GROUP)
	{
		int			near[OFFER_GROUP] = {0};
		int			nnear = 0;
		int			end = n - i < OFFER_GROUP ? n : i + OFFER_GROUP;

		/* most are too far; sorted out first, without a branch for each */
		for (int k = i; k < end; k++)
		{
			near[nnear] = k;
			nnear += takes_all || estimates[k] < horizon;
		}
		for (int k = 0; k < nnear; k++)
		{
			float		key = estimates[near[k]];
			RuvStatus	status;

			status = offer_one(search, ids[near[k]],
							   isnan(key) ? INFINITY : key);
			if (status != RUV_OK)
				return status;
		}
	}
	return RUV_OK;
}

bool
ruv_search_resume(RuvSearch *search)
{
	search->npool = 0;
	search->cursor = 0;
	while (search->npool < search->width && search->nrest > 0)
	{
		RuvHeapEntry best = pop_rest(search);

		search->pool[search->npool].key = best.key;
		search->pool[search->npool].id = best.id;
		search->pool[search->npool].is_visited = false;
		search->npool++;
	}
	return search->npool > 0;
}

float
ruv_search_horizon(const RuvSearch *search)
{
	if (search->npool < search->width)
		return INFINITY;
	return search->pool[search->npool - 1].key;
}

size_t
ruv_search_memory(const RuvSearch *search)
{
	return (size_t) search->width * sizeof(RuvPoolEntry) +
		((size_t) search->seen_mask + 1) * sizeof(uint32_t) +
		search->rest_room * sizeof(RuvHeapEntry);
}
