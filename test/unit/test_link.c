/*
 * test_link.c
 *		Slots: what the codes in them are worth, which neighbours are chosen,
 *		who is taken in and who goes, and TIDs that need a slot's bytes.
 */
#include "core/ruv_link.h"
#include "ruv_test.h"

#define MAX_TABLES 8
#define MAX_CANDIDATES 150

/* Every kind of slot and code. */
static const struct
{
	RuvMetric	metric;
	int			dims;
	int			m;
} shapes[] = {
	{RUV_METRIC_L2, 1, 2},
	{RUV_METRIC_L2, 3, 16},
	{RUV_METRIC_L1, 10, 5},
	{RUV_METRIC_IP, 32, 8},
	{RUV_METRIC_L2, 50, 16},
	{RUV_METRIC_IP, 90, 16},
	{RUV_METRIC_COSINE, 128, 16},
	{RUV_METRIC_IP, 200, 16},
	{RUV_METRIC_L1, 40, 2},
	{RUV_METRIC_L1, 300, 16},
	{RUV_METRIC_L2, 768, 16},
	{RUV_METRIC_IP, 300, 16},
	{RUV_METRIC_COSINE, 1000, 16},
};

#define NSHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* ---- a node among others ---- */

typedef struct Scene
{
	TestSpace	space;
	float	   *centre;			/* all vectors lie around it */
	RuvNode	   *node;
	float	   *own;			/* its stored vector */
} Scene;

/* A vector around the scene's centre, ready to be asked with. */
static void
scene_query(const Scene *scene, RuvQuery *query, double spread,
			uint64_t *seed)
{
	int			dims = scene->space.layout.dims;
	float	   *x = must_alloc((size_t) dims * sizeof(float));

	for (int i = 0; i < dims; i++)
		x[i] = scene->centre[i] + (float) spread * random_normal(seed);
	space_query(&scene->space, query, x);
	free(x);
}

static void
scene_init(Scene *scene, size_t shape, const RuvKernels *kernels,
		   uint64_t *seed)
{
	int			dims = shapes[shape].dims;
	RuvQuery	query;

	space_init(&scene->space, shapes[shape].metric, dims, shapes[shape].m,
			   kernels);
	scene->centre = must_alloc((size_t) dims * sizeof(float));
	for (int i = 0; i < dims; i++)
		scene->centre[i] = random_normal(seed);
	scene_query(scene, &query, 0.5, seed);
	scene->node = space_node(&scene->space, &query, 77);
	CHECK(ruv_node_add_row(&scene->space.layout, kernels, scene->node,
						   "first!", 0),
		  "first TID");
	scene->own = must_alloc((size_t) scene->space.layout.padded *
							sizeof(float));
	ruv_node_decode(&scene->space.layout, kernels, scene->node, scene->own);
	query_free(&query);
}

static void
scene_free(Scene *scene)
{
	free(scene->centre);
	free(scene->node);
	free(scene->own);
	space_free(&scene->space);
}

/* Writes slot i for a neighbour with that vector; returns the distance. */
static float
write_link(Scene *scene, int i, uint32_t id, const float *x)
{
	const RuvLayout *layout = &scene->space.layout;
	float	   *r = must_alloc((size_t) layout->padded * sizeof(float));
	float		distance = ruv_graph_distance(layout, scene->space.kernels,
											  scene->own, x);

	for (int d = 0; d < layout->padded; d++)
		r[d] = x[d] - scene->own[d];
	ruv_node_set_link(layout, scene->space.kernels, scene->node, i, id, r, x,
					  distance);
	free(r);
	return distance;
}

/*
 * Fills n slots with random neighbours; returns their vectors, which the
 * caller frees.
 */
static float *
scene_links(Scene *scene, int n, float *distances, uint64_t *seed)
{
	size_t		padded = (size_t) scene->space.layout.padded;
	float	   *vectors = must_alloc((size_t) n * padded * sizeof(float));

	for (int i = 0; i < n; i++)
	{
		float	   *x = vectors + (size_t) i * padded;
		RuvQuery	query;

		scene_query(scene, &query, 0.5, seed);
		memcpy(x, query.x, padded * sizeof(float));
		query_free(&query);
		distances[i] = write_link(scene, i, 100 + (uint32_t) i, x);
	}
	scene->node->nlinks = (uint8_t) n;
	return vectors;
}

/* Is d what a slot gives back for a link of that distance? */
static bool
is_stored_distance(const RuvLayout *layout, float d, float distance)
{
	if (layout->slot == RUV_SLOT_CODE)
		return fabsf(d - distance) <= fabsf(distance) / 256;
	return d == distance;
}

/* ---- estimates ---- */

/* What estimates of one shape are worth, over many links and queries. */
typedef struct Worth
{
	double		n;
	double		sum;			/* of errors */
	double		squares;
	double		units;			/* of |r| |q - node|, squared */
	double		in_order;		/* pairs */
	double		pairs;
} Worth;

static void
judge(const Scene *scene, RuvQuery *query, const float *vectors, Worth *worth)
{
	const RuvLayout *layout = &scene->space.layout;
	float		exact[RUV_MAX_LINKS];
	RuvVisit	visit;

	ruv_node_visit(query, scene->node, &visit);
	for (int i = 0; i < visit.nlinks; i++)
	{
		const float *x = vectors + i * layout->padded;
		double		error;
		double		r = 0;
		double		q = 0;

		exact[i] = ruv_graph_distance(layout, scene->space.kernels, query->x,
									  x);
		for (int d = 0; d < layout->padded; d++)
		{
			double		own = (double) scene->own[d];
			double		asked = (double) query->x[d];

			r += pow((double) x[d] - own, 2);
			q += pow(layout->metric == RUV_METRIC_IP ? asked : asked - own,
					 2);
		}
		error = (double) visit.estimates[i] - (double) exact[i];
		if (layout->metric != RUV_METRIC_IP)
			error /= 2;
		worth->n++;
		worth->sum += error;
		worth->squares += error * error;
		worth->units += r * q;
	}
	for (int i = 0; i < visit.nlinks; i++)
		for (int k = 0; k < i; k++)
		{
			worth->pairs++;
			worth->in_order += (exact[i] < exact[k]) ==
				(visit.estimates[i] < visit.estimates[k]);
		}
}

/*
 * The error of a code in units of |r| |q| / sqrt(dims), which is what RaBitQ
 * proves to be constant.  Without any code it would be 1.
 */
static void
check_worth(const RuvLayout *layout, const Worth *worth)
{
	double		error = sqrt(worth->squares / worth->units * layout->padded);
	double		bias = worth->sum / worth->n / sqrt(worth->squares / worth->n);
	double		order = worth->in_order / worth->pairs;
	double		limit = 0.88;
	double		least = 0.65;

	if (layout->slot == RUV_SLOT_ID)
		return;
	if (layout->slot == RUV_SLOT_VECTOR)
	{
		CHECK(worth->squares == 0, "dims %d", layout->dims);
		return;
	}
	if (layout->bits == 2)
	{
		limit = 0.42;
		least = 0.8;
	}
	else if (layout->bits == 4)
	{
		limit = 0.13;
		least = 0.93;
	}
	CHECK(error < limit, "%s, dims %d: error %g", metric_name(layout->metric),
		  layout->dims, error);
	CHECK(fabs(bias) < (is_quick() ? 0.5 : 0.25), "%s, dims %d: bias %g",
		  metric_name(layout->metric), layout->dims, bias);
	CHECK(order > least, "%s, dims %d: %g in order",
		  metric_name(layout->metric), layout->dims, order);
}

/* One node, its neighbours, and some queries. */
static void
judge_scene(size_t shape, const RuvKernels *kernels, Worth *worth,
			uint64_t *seed)
{
	float		distances[RUV_MAX_LINKS];
	float	   *vectors;
	Scene		scene;

	scene_init(&scene, shape, kernels, seed);
	vectors = scene_links(&scene, scene.space.layout.slots, distances, seed);
	for (int i = 0; i < 12; i++)
	{
		RuvQuery	query;

		scene_query(&scene, &query, 0.4, seed);
		judge(&scene, &query, vectors, worth);
		query_free(&query);
	}
	free(vectors);
	scene_free(&scene);
}

static void
test_estimates(void)
{
	const RuvKernels *tables[MAX_TABLES];
	int			ntables = ruv_kernels_all(tables, MAX_TABLES);
	uint64_t	seed = 21;

	for (int t = 0; t < ntables; t++)
		for (size_t s = 0; s < NSHAPES; s++)
		{
			Worth		worth = {0};
			TestSpace	space;

			for (int round = 0; round < (is_quick() ? 4 : 12); round++)
				judge_scene(s, tables[t], &worth, &seed);
			space_init(&space, shapes[s].metric, shapes[s].dims, shapes[s].m,
					   tables[t]);
			check_worth(&space.layout, &worth);
			space_free(&space);
		}
}

/* ---- links that go ---- */

/* The link that is least missed: diverse ones last, then the farthest. */
static int
expected_victim(const Scene *scene, uint64_t diverse, bool spares_twins)
{
	int			victim = -1;
	bool		spared = false;
	float		farthest = 0;
	float		residual = scene->node->residual;

	for (int pass = 0; pass < 2 && victim < 0; pass++)
		for (int i = 0; i < scene->node->nlinks; i++)
		{
			float		d = ruv_node_link_distance(&scene->space.layout,
												   scene->space.kernels,
												   scene->node, i);

			spared = pass == 0 && (diverse >> i & 1) != 0;
			if (spares_twins &&
				ruv_link_is_twin(&scene->space.layout, residual, d))
				spared = true;
			if (!spared && (victim < 0 || d > farthest))
			{
				victim = i;
				farthest = d;
			}
		}
	return victim;
}

/* A copy of the record; what should become of it is done there by hand. */
static RuvNode *
copy_node(const Scene *scene)
{
	size_t		bytes = (size_t) scene->space.layout.record_bytes;
	RuvNode	   *copy = must_alloc(bytes);

	memcpy(copy, scene->node, bytes);
	return copy;
}

static void
remove_by_hand(const RuvLayout *layout, RuvNode *node, int i)
{
	int			last = node->nlinks - 1;
	uint64_t	bit = node->diverse >> last & 1;

	memmove(ruv_node_slot(layout, node, i), ruv_node_slot(layout, node, last),
			(size_t) layout->slot_bytes);
	node->diverse &= ~(UINT64_C(1) << i);
	node->diverse |= bit << i;
	if (i != last || bit != 0)
		node->diverse &= ~(UINT64_C(1) << last);
	node->nlinks--;
}

/* The same header, own vector and links; what is behind them may differ. */
static bool
same_links(const RuvLayout *layout, const RuvNode *a, const RuvNode *b)
{
	size_t		used = (size_t) layout->slot_offset +
		(size_t) (a->nlinks * layout->slot_bytes);

	return memcmp(a, b, used) == 0;
}

static uint64_t
first_bits(int n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static void
check_removal(Scene *scene, uint64_t *seed)
{
	const RuvLayout *layout = &scene->space.layout;
	int			n = layout->slots;
	float		distances[RUV_MAX_LINKS];
	float	   *vectors = scene_links(scene, n, distances, seed);
	RuvNode	   *copy;

	for (int i = 0; i < n; i++)
	{
		float		d = ruv_node_link_distance(layout, scene->space.kernels,
											   scene->node, i);

		CHECK(ruv_node_link(layout, scene->node, i) == 100 + (uint32_t) i,
			  "link %d", i);
		CHECK(is_stored_distance(layout, d, distances[i]), "%s: %g, not %g",
			  metric_name(layout->metric), (double) d,
			  (double) distances[i]);
	}
	scene->node->diverse = random_bits(seed) & first_bits(n);
	copy = copy_node(scene);
	while (scene->node->nlinks > 0)
	{
		int			i = random_below(seed, scene->node->nlinks);

		ruv_node_drop_link(layout, scene->node, i);
		remove_by_hand(layout, copy, i);
		CHECK(same_links(layout, copy, scene->node), "dims %d, link %d",
			  layout->dims, i);
		CHECK(scene->node->diverse >> scene->node->nlinks == 0, "bits left");
	}
	free(copy);
	free(vectors);
}

/* ---- rows ---- */

static void
make_tid(uint8_t *tid, int i)
{
	for (int k = 0; k < RUV_TID_BYTES; k++)
		tid[k] = (uint8_t) (i * 16 + k);
}

/* Only that of the first row is kept exactly. */
static float
radius_of_row(int i)
{
	return (float) i * 0.3f;
}

static void
check_tid(const Scene *scene, int i, int expected)
{
	uint8_t		tid[RUV_TID_BYTES];
	float		radius = ruv_node_radius(&scene->space.layout, scene->node, i);

	make_tid(tid, expected);
	CHECK(memcmp(ruv_node_tid(&scene->space.layout, scene->node, i), tid,
				 sizeof(tid)) == 0,
		  "%s, dims %d, TID %d", metric_name(scene->space.layout.metric),
		  scene->space.layout.dims, i);
	CHECK(radius >= radius_of_row(expected) &&
			  radius <= radius_of_row(expected) * (i + expected == 0 ? 1 : 1.008f),
		  "radius %g of row %d", (double) radius, expected);
}

/* Row by row takes what it needs from the links that are least missed. */
static void
add_rows(Scene *scene)
{
	const RuvLayout *layout = &scene->space.layout;
	RuvNode	   *copy = copy_node(scene);
	uint8_t		tid[RUV_TID_BYTES];

	for (int n = 0; n < RUV_MAX_TIDS; n++)
	{
		make_tid(tid, n);
		while (scene->node->nlinks > ruv_node_room(layout, n + 1))
		{
			int			victim = expected_victim(scene, copy->diverse, false);
			int			before = scene->node->nlinks;

			if (!CHECK(copy->nlinks == before, "%d links", before))
				break;
			remove_by_hand(layout, copy, victim);
			if (copy->nlinks <= ruv_node_room(layout, n + 1))
				break;
			/* more than one has to go: look at the node without the first */
			ruv_node_drop_link(layout, scene->node, victim);
		}
		CHECK(ruv_node_add_row(layout, scene->space.kernels, scene->node,
							   tid, radius_of_row(n)),
			  "TID %d", n);
		copy->ntids = (uint8_t) (n + 1);
		CHECK(same_links(layout, copy, scene->node),
			  "%s, dims %d, TID %d: another link went, or more",
			  metric_name(layout->metric), layout->dims, n);
		CHECK(ruv_node_check(layout, scene->node, 77) == RUV_OK, "TID %d", n);
		for (int i = 0; i <= n; i++)
			check_tid(scene, i, i);
	}
	memcpy(copy, scene->node, (size_t) layout->record_bytes);
	CHECK(!ruv_node_add_row(layout, scene->space.kernels, scene->node, tid, 0),
		  "one too many");
	CHECK(memcmp(copy, scene->node, (size_t) layout->record_bytes) == 0,
		  "changed although it was refused");
	free(copy);
}

static void
check_rows(Scene *scene, uint64_t *seed)
{
	const RuvLayout *layout = &scene->space.layout;
	float		distances[RUV_MAX_LINKS];
	float	   *vectors = scene_links(scene, layout->slots, distances, seed);
	int			rows[RUV_MAX_TIDS];

	scene->node->ntids = 0;
	scene->node->diverse = random_bits(seed) & random_bits(seed) &
		first_bits(layout->slots);
	add_rows(scene);
	for (int i = 0; i < RUV_MAX_TIDS; i++)
		rows[i] = i;
	for (int n = RUV_MAX_TIDS; n > 0; n--)
	{
		int			i = random_below(seed, n);

		ruv_node_drop_row(layout, scene->node, i);
		rows[i] = rows[n - 1];
		CHECK(scene->node->ntids == n - 1, "%d TIDs", scene->node->ntids);
		for (int k = 0; k < n - 1; k++)
			check_tid(scene, k, rows[k]);
	}
	free(vectors);
}

/* ---- who is chosen ---- */

/* The heuristic as the paper has it, then the nearest of the others. */
static int
expected_selection(const Scene *scene, const RuvCandidate *candidates, int n,
				   int room, bool *is_diverse, bool *is_chosen)
{
	int			nchosen = 0;

	for (int c = 0; c < n; c++)
		is_diverse[c] = is_chosen[c] = false;
	for (int c = 0; c < n && nchosen < room; c++)
	{
		bool		is_good = true;

		for (int k = 0; k < c; k++)
			if (is_diverse[k] &&
				ruv_graph_distance(&scene->space.layout, scene->space.kernels,
								   candidates[c].x, candidates[k].x) <=
					candidates[c].distance)
				is_good = false;
		is_diverse[c] = is_chosen[c] = is_good;
		nchosen += is_good;
	}
	for (int c = 0; c < n && nchosen < room; c++)
	{
		nchosen += !is_chosen[c];
		is_chosen[c] = true;
	}
	return nchosen;
}

static int
compare_candidates(const void *a, const void *b)
{
	float		x = ((const RuvCandidate *) a)->distance;
	float		y = ((const RuvCandidate *) b)->distance;

	return x < y ? -1 : x > y;
}

static void
check_selection(const Scene *scene, const RuvCandidate *candidates, int n,
				int room)
{
	bool		is_diverse[MAX_CANDIDATES];
	bool		is_chosen[MAX_CANDIDATES];
	int			chosen[RUV_MAX_LINKS];
	int		   *scratch = must_alloc((size_t) n * 2 * sizeof(int));
	uint64_t	diverse;
	int			expected = expected_selection(scene, candidates, n, room,
											  is_diverse, is_chosen);
	int			nchosen = ruv_select(&scene->space.layout,
									 scene->space.kernels, candidates, n,
									 room, chosen, &diverse, scratch);
	int			at = 0;

	CHECK(nchosen == expected, "%d of %d, not %d", nchosen, n, expected);
	for (int c = 0; c < n && at < nchosen; c++)
		if (is_chosen[c])
		{
			CHECK(chosen[at] == c, "place %d: %d, not %d", at, chosen[at], c);
			CHECK((diverse >> at & 1) == is_diverse[c], "place %d", at);
			at++;
		}
	CHECK(at == nchosen && (nchosen == 64 || diverse >> nchosen == 0),
		  "bits left");
	free(scratch);
}

static void
check_selections(Scene *scene, uint64_t *seed)
{
	const RuvLayout *layout = &scene->space.layout;
	size_t		padded = (size_t) layout->padded;
	RuvCandidate candidates[MAX_CANDIDATES];
	float	   *vectors = must_alloc(MAX_CANDIDATES * padded * sizeof(float));
	int			n = 2 + random_below(seed, MAX_CANDIDATES - 1);

	for (int i = 0; i < n; i++)
	{
		float	   *x = vectors + (size_t) i * padded;
		RuvQuery	query;

		/* some of them twice */
		scene_query(scene, &query, i % 3 == 0 ? 0.1 : 0.5, seed);
		memcpy(x, i > 0 && one_in(seed, 10) ? x - padded : query.x,
			   padded * sizeof(float));
		query_free(&query);
		/* as near to the node as to what shares its place */
		if (i == 0)
			memcpy(x, scene->own, padded * sizeof(float));
		candidates[i].id = (uint32_t) i + 1;
		candidates[i].x = x;
		candidates[i].distance = ruv_graph_distance(layout,
													scene->space.kernels,
													scene->own, x);
	}
	qsort(candidates, (size_t) n, sizeof(RuvCandidate), compare_candidates);
	for (int room = 0; room <= RUV_MAX_LINKS; room += 8)
		check_selection(scene, candidates, n, room);
	check_selection(scene, candidates, n, 1 + random_below(seed, 32));
	check_selection(scene, candidates, 1, 16);
	check_selection(scene, candidates, 0, 16);
	free(vectors);
}

/* ---- who is taken in ---- */

/* The rule in words: see ruv_link.h. */
static RuvLinkPlan
expected_plan(const Scene *scene, const RuvVisit *visit, uint32_t id,
			  bool must_take)
{
	const RuvLayout *layout = &scene->space.layout;
	const RuvNode *node = scene->node;
	RuvLinkPlan refused = {-1, node->diverse};
	RuvLinkPlan plan = refused;
	float		d = visit->distance;
	bool		is_diverse = true;
	bool		has_room = node->nlinks < ruv_node_room(layout, node->ntids);
	uint64_t	shaded = 0;

	for (int i = 0; i < node->nlinks; i++)
	{
		float		other = ruv_node_link_distance(layout,
												   scene->space.kernels, node,
												   i);
		float		between = visit->estimates[i];

		if (ruv_node_link(layout, node, i) == id)
			return refused;
		if (other <= d && between <= d && (node->diverse >> i & 1) != 0)
			is_diverse = false;
		if (other > d && between < other)
			shaded |= UINT64_C(1) << i;
	}
	if (is_diverse)
		plan.diverse &= ~shaded;
	if (has_room)
		plan.slot = node->nlinks;
	else
	{
		bool		is_twin = ruv_link_is_twin(layout, node->residual, d);
		int			victim = expected_victim(scene, plan.diverse,
											 is_twin && !must_take);
		bool		victim_is_diverse;
		float		farthest;

		if (victim < 0)
			return refused;
		victim_is_diverse = (plan.diverse >> victim & 1) != 0;
		farthest = ruv_node_link_distance(layout, scene->space.kernels, node,
										  victim);

		if (!must_take &&
			(is_diverse < victim_is_diverse ||
			 (is_diverse == victim_is_diverse && !(d < farthest))))
			return refused;
		plan.slot = victim;
	}
	plan.diverse &= ~(UINT64_C(1) << plan.slot);
	plan.diverse |= (uint64_t) is_diverse << plan.slot;
	return plan;
}

/* After a link was written: what the node says to the newcomer itself. */
static void
check_written(const Scene *scene, RuvQuery *query, int slot, float distance)
{
	const RuvLayout *layout = &scene->space.layout;
	float		d = ruv_node_link_distance(layout, scene->space.kernels,
										   scene->node, slot);
	RuvVisit	visit;

	CHECK(is_stored_distance(layout, d, distance), "%s, dims %d: %g, not %g",
		  metric_name(layout->metric), layout->dims, (double) d,
		  (double) distance);
	ruv_node_visit(query, scene->node, &visit);
	if (layout->slot == RUV_SLOT_VECTOR)
		CHECK(visit.estimates[slot] ==
				  ruv_graph_distance(layout, scene->space.kernels, query->x,
									 query->x),
			  "dims %d", layout->dims);
	else if (layout->slot == RUV_SLOT_CODE &&
			 layout->metric != RUV_METRIC_IP)
		CHECK(fabsf(visit.estimates[slot]) <= 0.05f * distance,
			  "%s, dims %d: %g away from itself, %g from the node",
			  metric_name(layout->metric), layout->dims,
			  (double) visit.estimates[slot], (double) distance);
}

static void
offer(Scene *scene, uint32_t id, bool must_take, uint64_t *seed)
{
	const RuvLayout *layout = &scene->space.layout;
	RuvNode	   *copy = copy_node(scene);
	RuvLinkPlan expected;
	RuvLinkPlan plan;
	RuvQuery	query;
	RuvVisit	visit;
	bool		has = false;

	for (int i = 0; i < scene->node->nlinks; i++)
		has = has || ruv_node_link(layout, scene->node, i) == id;
	scene_query(scene, &query, one_in(seed, 3) ? 0.15 : 0.5, seed);
	ruv_node_visit(&query, scene->node, &visit);
	expected = expected_plan(scene, &visit, id, must_take);
	plan = ruv_link_plan(layout, scene->space.kernels, scene->node, &visit,
						 id, must_take);
	CHECK(plan.slot == expected.slot && plan.diverse == expected.diverse,
		  "%s, dims %d: slot %d, not %d", metric_name(layout->metric),
		  layout->dims, plan.slot, expected.slot);
	CHECK(memcmp(copy, scene->node, (size_t) layout->record_bytes) == 0,
		  "planning changed the record");
	CHECK(!has || plan.slot < 0, "link %u twice", id);
	CHECK(has || !must_take || plan.slot >= 0, "link %u not taken", id);
	if (plan.slot >= 0)
	{
		RuvNode	   *node = scene->node;

		ruv_link_apply(&query, scene->node, &plan, id, visit.distance);
		CHECK(ruv_node_link(layout, scene->node, plan.slot) == id, "slot %d",
			  plan.slot);
		check_written(scene, &query, plan.slot, visit.distance);
		/* the slot is the one of their difference, and nothing else changed */
		scene->node = copy;
		(void) write_link(scene, plan.slot, id, query.x);
		scene->node = node;
		copy->diverse = plan.diverse;
		copy->nlinks = (uint8_t) (copy->nlinks +
								  (plan.slot == copy->nlinks));
		CHECK(memcmp(copy, scene->node, (size_t) layout->record_bytes) == 0,
			  "%s, dims %d: more than slot %d changed",
			  metric_name(layout->metric), layout->dims, plan.slot);
	}
	free(copy);
	query_free(&query);
}

static void
check_node(const Scene *scene)
{
	const RuvLayout *layout = &scene->space.layout;
	const RuvNode *node = scene->node;

	CHECK(ruv_node_check(layout, node, 77) == RUV_OK, "check");
	CHECK(node->nlinks <= ruv_node_room(layout, node->ntids), "%d links",
		  node->nlinks);
	CHECK((node->diverse & ~first_bits(node->nlinks)) == 0, "bits left");
	for (int i = 0; i < node->nlinks; i++)
		for (int k = 0; k < i; k++)
			CHECK(ruv_node_link(layout, node, i) !=
					  ruv_node_link(layout, node, k),
				  "links %d and %d", i, k);
}

/* A life of offers, with links and rows that come and go between them. */
static void
check_offers(Scene *scene, uint64_t *seed)
{
	const RuvLayout *layout = &scene->space.layout;

	for (int i = 0; i < (is_quick() ? 60 : 200); i++)
	{
		uint32_t	id = 1 + (uint32_t) random_below(seed, 150);

		if (one_in(seed, 10))
			scene->node->diverse = first_bits(scene->node->nlinks);
		offer(scene, id, one_in(seed, 4), seed);
		if (one_in(seed, 30) && scene->node->nlinks > 0)
			ruv_node_drop_link(layout, scene->node,
							   random_below(seed, scene->node->nlinks));
		if (one_in(seed, 40) && scene->node->ntids < RUV_MAX_TIDS)
			CHECK(ruv_node_add_row(layout, scene->space.kernels, scene->node,
								   "sixer", 0),
				  "%d TIDs", scene->node->ntids);
		if (one_in(seed, 40) && scene->node->ntids > 1)
			ruv_node_drop_row(layout, scene->node,
							  random_below(seed, scene->node->ntids));
		check_node(scene);
	}
}

/* A neighbour that moved: its slot says so, the others say what they said. */
static void
check_refresh(Scene *scene, uint64_t *seed)
{
	const RuvLayout *layout = &scene->space.layout;
	float		distances[RUV_MAX_LINKS];
	float	   *vectors = scene_links(scene, layout->slots, distances, seed);
	int			which = random_below(seed, scene->node->nlinks);
	uint32_t	id = ruv_node_link(layout, scene->node, which);
	RuvNode	   *copy = copy_node(scene);
	RuvQuery	query;
	RuvVisit	visit;

	scene_query(scene, &query, 0.5, seed);
	ruv_node_visit(&query, scene->node, &visit);
	CHECK(!ruv_link_refresh(&query, scene->node, 12345, visit.distance) &&
			  same_links(layout, copy, scene->node),
		  "a link that is not there");
	CHECK(ruv_link_refresh(&query, scene->node, id, visit.distance),
		  "not found");
	ruv_node_set_link(layout, scene->space.kernels, copy, which, id,
					  query.diff, query.x, visit.distance);
	CHECK(same_links(layout, copy, scene->node) &&
			  copy->diverse == scene->node->diverse,
		  "%s, dims %d", metric_name(layout->metric), layout->dims);

	memset(ruv_node_slot(layout, copy, 0), 0,
		   (size_t) (copy->nlinks * layout->slot_bytes));
	copy->nlinks = 0;
	copy->diverse = 0;
	ruv_link_take(layout, copy, scene->node);
	CHECK(same_links(layout, copy, scene->node), "taken");
	copy->ntids = RUV_MAX_TIDS;
	ruv_link_take(layout, copy, scene->node);
	CHECK(copy->nlinks <= ruv_node_room(layout, RUV_MAX_TIDS) &&
			  (copy->nlinks == 64 || copy->diverse >> copy->nlinks == 0),
		  "%d links", copy->nlinks);
	free(copy);
	free(vectors);
	query_free(&query);
}

static void
test_links(void)
{
	const RuvKernels *tables[MAX_TABLES];
	int			ntables = ruv_kernels_all(tables, MAX_TABLES);
	uint64_t	seed = 22;

	for (int round = 0; round < (is_quick() ? 1 : 3); round++)
		for (int t = 0; t < ntables; t++)
			for (size_t s = 0; s < NSHAPES; s++)
			{
				Scene		scene;

				scene_init(&scene, s, tables[t], &seed);
				check_removal(&scene, &seed);
				check_rows(&scene, &seed);
				scene_free(&scene);
				scene_init(&scene, s, tables[t], &seed);
				check_selections(&scene, &seed);
				check_offers(&scene, &seed);
				scene_free(&scene);
				scene_init(&scene, s, tables[t], &seed);
				check_refresh(&scene, &seed);
				scene_free(&scene);
			}
}

int
main(void)
{
	test_estimates();
	test_links();
	return test_result("link");
}
