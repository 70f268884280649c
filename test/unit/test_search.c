/*
 * test_search.c
 *		The search against a slow and simple one on random graphs: the same
 *		nodes in the same order, the same pool after every step.
 */
#include "core/ruv_search.h"
#include "ruv_test.h"

#define DEGREE 12

/* ---- a graph ---- */

typedef struct Graph
{
	int			n;
	bool		has_ties;		/* and NaN, and infinities */
	float	   *distances;
	int		   *edges;			/* DEGREE of each node */
	float	   *estimates;
} Graph;

static uint32_t
id_of(int node)
{
	return (uint32_t) node * 48271u + 7;
}

static int
node_of(uint32_t id)
{
	return (int) ((id - 7) / 48271u);
}

/* Without ties, all numbers of two different nodes differ. */
static float
random_key(const Graph *graph, int node, uint64_t *seed)
{
	int			levels = 16000000 / graph->n;

	if (!graph->has_ties)
		return (float) (random_below(seed, levels) * graph->n + node);
	if (one_in(seed, 30))
		return NAN;
	if (one_in(seed, 30))
		return INFINITY;
	return (float) random_below(seed, 40);
}

static void
graph_init(Graph *graph, int n, bool has_ties, uint64_t *seed)
{
	graph->n = n;
	graph->has_ties = has_ties;
	graph->distances = must_alloc((size_t) n * sizeof(float));
	graph->edges = must_alloc((size_t) n * DEGREE * sizeof(int));
	graph->estimates = must_alloc((size_t) n * DEGREE * sizeof(float));
	for (int i = 0; i < n; i++)
		graph->distances[i] = random_key(graph, i, seed);
	for (int i = 0; i < n * DEGREE; i++)
	{
		graph->edges[i] = random_below(seed, n);
		graph->estimates[i] = random_key(graph, graph->edges[i], seed);
	}
}

static void
graph_free(Graph *graph)
{
	free(graph->distances);
	free(graph->edges);
	free(graph->estimates);
}

/* ---- the simple search: bags, looked through from end to end ---- */

typedef struct Item
{
	float		key;
	int			since;			/* among equals the older comes first */
	int			node;
	bool		is_visited;
} Item;

typedef struct Model
{
	int			width;
	bool		keeps_rest;
	Item	   *pool;
	int			npool;
	Item	   *rest;
	int			nrest;
	bool	   *seen;
	bool	   *given;
	int			now;
} Model;

static int
compare_items(const void *a, const void *b)
{
	const Item *x = a;
	const Item *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->since < y->since ? -1 : x->since > y->since;
}

static void
model_init(Model *model, int n, int width, bool keeps_rest)
{
	memset(model, 0, sizeof(*model));
	model->width = width;
	model->keeps_rest = keeps_rest;
	model->pool = must_alloc(((size_t) width + 1) * sizeof(Item));
	model->rest = must_alloc((size_t) n * sizeof(Item));
	model->seen = must_alloc((size_t) n);
	model->given = must_alloc((size_t) n);
	memset(model->seen, 0, (size_t) n);
	memset(model->given, 0, (size_t) n);
}

static void
model_free(Model *model)
{
	free(model->pool);
	free(model->rest);
	free(model->seen);
	free(model->given);
}

static void
model_insert(Model *model, float key, int node, bool is_visited)
{
	Item		item = {key, model->now++, node, is_visited};

	model->pool[model->npool++] = item;
	qsort(model->pool, (size_t) model->npool, sizeof(Item), compare_items);
	if (model->npool <= model->width)
		return;
	item = model->pool[--model->npool];
	if (model->keeps_rest && !item.is_visited)
		model->rest[model->nrest++] = item;
}

static float
model_horizon(const Model *model)
{
	return model->npool < model->width ? INFINITY :
										 model->pool[model->npool - 1].key;
}

/* The unvisited item number `skip` in the pool, -1 if there is none. */
static int
model_unvisited(const Model *model, int skip)
{
	for (int i = 0; i < model->npool; i++)
		if (!model->pool[i].is_visited && skip-- == 0)
			return i;
	return -1;
}

static void
model_settle(Model *model, int at, float distance, bool counts)
{
	int			node = model->pool[at].node;

	memmove(&model->pool[at], &model->pool[at + 1],
			(size_t) (model->npool - at - 1) * sizeof(Item));
	model->npool--;
	if (counts)
		model_insert(model, isnan(distance) ? INFINITY : distance, node, true);
}

/*
 * What was too far when the call began is forgotten, unless a rest is kept:
 * it may be offered again.
 */
static void
model_offer(Model *model, const int *nodes, const float *estimates, int n)
{
	float		horizon = model_horizon(model);
	bool		takes_all = model->keeps_rest || model->npool < model->width;

	for (int i = 0; i < n; i++)
	{
		float		key = isnan(estimates[i]) ? INFINITY : estimates[i];

		if (model->seen[nodes[i]] || (!takes_all && key >= horizon))
			continue;
		model->seen[nodes[i]] = true;
		if (model->npool < model->width || key < model_horizon(model))
			model_insert(model, key, nodes[i], false);
		else if (model->keeps_rest)
			model->rest[model->nrest++] = (Item){key, 0, nodes[i], false};
	}
}

static bool
model_resume(Model *model)
{
	model->npool = 0;
	while (model->npool < model->width && model->nrest > 0)
	{
		int			best = 0;

		for (int i = 1; i < model->nrest; i++)
			if (model->rest[i].key < model->rest[best].key)
				best = i;
		model_insert(model, model->rest[best].key, model->rest[best].node,
					 false);
		model->rest[best] = model->rest[--model->nrest];
	}
	return model->npool > 0;
}

/* ---- both side by side ---- */

static RuvStatus
offer_both(RuvSearch *search, Model *model, const int *nodes,
		   const float *estimates, int n)
{
	uint32_t	ids[64];

	for (int i = 0; i < n; i++)
		ids[i] = id_of(nodes[i]);
	model_offer(model, nodes, estimates, n);
	return ruv_search_offer(search, ids, estimates, n);
}

static bool
same_pool(const RuvSearch *search, const Model *model)
{
	if (search->npool != model->npool ||
		search->nrest != (size_t) model->nrest)
		return false;
	for (int i = 0; i < model->npool; i++)
		if (search->pool[i].key != model->pool[i].key ||
			search->pool[i].id != id_of(model->pool[i].node) ||
			search->pool[i].is_visited != model->pool[i].is_visited)
			return false;
	return true;
}

/* One step of both; false when they are done or differ. */
static bool
step(const Graph *graph, RuvSearch *search, Model *model, uint64_t *seed,
	 RuvStatus *status)
{
	uint32_t	id = ruv_search_next(search);
	int			at = model_unvisited(model, 0);
	int			second = model_unvisited(model, 1);
	bool		counts = !one_in(seed, 8);
	int			node;
	uint32_t	then;

	if (!CHECK((id == 0) == (at < 0), "one of them is over") || id == 0)
		return false;
	node = model->pool[at].node;
	if (!CHECK(node_of(id) == node, "node %d, not %d", node_of(id), node))
		return false;
	CHECK(!model->given[node], "node %d given out twice", node);
	model->given[node] = true;
	then = ruv_search_peek(search);
	CHECK(then == (second < 0 ? 0 : id_of(model->pool[second].node)),
		  "peeked at %u", then);

	ruv_search_settle(search, graph->distances[node], counts);
	model_settle(model, at, graph->distances[node], counts);
	*status = offer_both(search, model, &graph->edges[node * DEGREE],
						 &graph->estimates[node * DEGREE], DEGREE);
	if (*status != RUV_OK)
		return false;
	CHECK(ruv_search_horizon(search) == model_horizon(model), "horizon %g",
		  (double) ruv_search_horizon(search));
	return CHECK(same_pool(search, model), "after node %d", node);
}

/* Returns how many times the arena was asked. */
static int
run(const Graph *graph, int width, bool keeps_rest, uint64_t seed,
	int fail_at, RuvStatus *status)
{
	int			entries[16];
	float		estimates[16];
	TestArena	arena;
	RuvSearch	search;
	Model		model;
	int64_t		nvisited = 0;

	model_init(&model, graph->n, width, keeps_rest);
	test_arena_init(&arena, fail_at);
	for (int i = 0; i < 16; i++)
	{
		entries[i] = random_below(&seed, graph->n);
		estimates[i] = random_key(graph, entries[i], &seed);
	}
	*status = ruv_search_init(&search, width, keeps_rest, &arena.arena);
	if (*status != RUV_OK)
		CHECK(arena.live == 0, "%d allocations left", arena.live);
	else
		*status = offer_both(&search, &model, entries, estimates, 16);
	while (*status == RUV_OK)
	{
		bool		goes_on;

		while (step(graph, &search, &model, &seed, status))
		{
			nvisited++;
			CHECK(search.nvisited == nvisited, "%d", (int) search.nvisited);
			CHECK(ruv_search_memory(&search) == arena.live_bytes,
				  "%zu bytes, not %zu", ruv_search_memory(&search),
				  arena.live_bytes);
		}
		if (*status != RUV_OK || !keeps_rest || failures > 0)
			break;
		goes_on = model_resume(&model);
		CHECK(ruv_search_resume(&search) == goes_on, "resume");
		if (!goes_on || !CHECK(same_pool(&search, &model), "resumed"))
			break;
	}
	for (int i = 0; i < graph->n && keeps_rest && *status == RUV_OK; i++)
		CHECK(model.given[i] == model.seen[i], "node %d left out", i);
	ruv_search_free(&search);
	ruv_search_free(&search);	/* harmless */
	CHECK(arena.live == 0, "%d allocations left", arena.live);
	model_free(&model);
	return arena.calls;
}

static void
test_against_model(void)
{
	static const int widths[] = {1, 2, 3, 10, 64, 250};
	uint64_t	seed = 7;

	for (int round = 0; round < (is_quick() ? 1 : 4); round++)
		for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
			for (int kind = 0; kind < 3; kind++)
			{
				bool		keeps_rest = kind == 2;
				Graph		graph;
				RuvStatus	status;

				graph_init(&graph, 50 + random_below(&seed, 1000), kind == 0,
						   &seed);
				run(&graph, widths[w], keeps_rest, random_bits(&seed), 0,
					&status);
				CHECK(status == RUV_OK, "status %d", (int) status);
				graph_free(&graph);
			}
}

/* So many nodes that the table of those seen grows more than once. */
static void
test_many_nodes(void)
{
	uint64_t	seed = 8;
	RuvStatus	status;
	Graph		graph;

	graph_init(&graph, is_quick() ? 3000 : 6000, false, &seed);
	run(&graph, 40, true, random_bits(&seed), 0, &status);
	CHECK(status == RUV_OK, "status %d", (int) status);
	graph_free(&graph);
}

/* Each allocation in turn is refused. */
static void
test_out_of_memory(void)
{
	uint64_t	seed = 9;
	RuvStatus	status;
	Graph		graph;
	int			ncalls;

	graph_init(&graph, 1500, false, &seed);
	ncalls = run(&graph, 20, true, 1, 0, &status);
	CHECK(status == RUV_OK && ncalls > 5, "%d calls", ncalls);
	for (int i = 1; i <= ncalls; i++)
	{
		run(&graph, 20, true, 1, i, &status);
		CHECK(status == RUV_ERR_MEMORY, "call %d: status %d", i,
			  (int) status);
	}
	graph_free(&graph);
}

static void
test_odd_offers(void)
{
	static const uint32_t ids[] = {5, 5, 6, 7, 5};
	static const float estimates[] = {3, 1, NAN, INFINITY, 0};
	static const uint32_t nobody = 0;
	static const float zero = 0;
	TestArena	arena;
	RuvSearch	search;

	test_arena_init(&arena, 0);
	CHECK(ruv_search_init(&search, 0, false, &arena.arena) ==
			  RUV_ERR_ARGUMENT,
		  "no width");
	CHECK(ruv_search_init(&search, 9, false, &arena.arena) == RUV_OK, "init");
	CHECK(ruv_search_horizon(&search) == INFINITY, "empty");
	CHECK(ruv_search_next(&search) == 0, "empty");
	CHECK(ruv_search_peek(&search) == 0, "empty");
	CHECK(!ruv_search_resume(&search), "no rest");
	CHECK(ruv_search_offer(&search, ids, estimates, 0) == RUV_OK, "nothing");
	CHECK(ruv_search_offer(&search, ids, estimates, 5) == RUV_OK, "five");
	CHECK(search.npool == 3 && search.pool[0].id == 5 &&
			  search.pool[0].key == 3 && search.pool[1].id == 6 &&
			  search.pool[1].key == INFINITY && search.pool[2].id == 7,
		  "%d in the pool", search.npool);
	CHECK(ruv_search_offer(&search, &nobody, &zero, 1) == RUV_ERR_CORRUPT,
		  "nobody's id");
	CHECK(search.npool == 3, "%d in the pool", search.npool);
	ruv_search_free(&search);
}

/* More ids in one call than the search looks at together. */
static void
test_large_offer(void)
{
	uint32_t	ids[300];
	float		estimates[300];
	TestArena	arena;
	RuvSearch	search;

	for (int i = 0; i < 300; i++)
	{
		ids[i] = (uint32_t) i + 1;
		estimates[i] = (float) (i * 7 % 300);
	}
	test_arena_init(&arena, 0);
	CHECK(ruv_search_init(&search, 100, false, &arena.arena) == RUV_OK,
		  "init");
	CHECK(ruv_search_offer(&search, ids, estimates, 300) == RUV_OK, "offer");
	CHECK(search.npool == 100, "%d in the pool", search.npool);
	for (int i = 0; i < 100; i++)
		CHECK(search.pool[i].key == (float) i, "place %d: %g", i,
			  (double) search.pool[i].key);
	ruv_search_free(&search);
}

int
main(void)
{
	test_against_model();
	test_many_nodes();
	test_out_of_memory();
	test_odd_offers();
	test_large_offer();
	return test_result("search");
}
