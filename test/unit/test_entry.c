/*
 * test_entry.c
 *		The entry table: what is put in comes out, ranked, and nothing beside
 *		its slots is touched.
 */
#include "core/ruv_entry.h"
#include "ruv_test.h"

/* Stored vectors of n rows, one behind the other, and the rows' queries. */
static void
fill_table(const TestSpace *space, void *table, int n, float *stored,
		   float *vectors, uint64_t *seed)
{
	const RuvLayout *layout = &space->layout;

	for (int i = 0; i < n; i++)
	{
		float	   *x = vectors + i * layout->dims;
		float	   *decoded = stored + i * layout->padded;
		RuvQuery	query;
		RuvNode	   *node;

		for (int d = 0; d < layout->dims; d++)
			x[d] = random_normal(seed) + (float) (i % 5);
		space_query(space, &query, x);
		node = space_node(space, &query, 7);
		ruv_node_decode(layout, space->kernels, node, decoded);
		ruv_entry_set(layout, space->kernels, table, i, 1000 + (uint32_t) i,
					  decoded);
		free(node);
		query_free(&query);
	}
}

/* How far off the estimates may be, in units of both norms. */
static double
tolerance(const RuvLayout *layout)
{
	if (layout->slot == RUV_SLOT_VECTOR)
		return 1e-6;
	if (layout->bits == 4)
		return 0.1;
	return layout->bits == 2 ? 0.2 : 0.25;
}

static void
check_ranking(const TestSpace *space, const void *table, int n,
			  const float *stored, const float *asked)
{
	const RuvLayout *layout = &space->layout;
	RuvQuery	query;
	uint32_t	ids[RUV_MAX_ENTRIES];
	float		estimates[RUV_MAX_ENTRIES];

	space_query(space, &query, asked);
	ruv_entry_visit(&query, table, n, ids, estimates);
	for (int i = 0; i < n; i++)
	{
		const float *x = stored + i * layout->padded;
		double		distance = (double) ruv_graph_distance(layout,
														   space->kernels,
														   query.x, x);
		double		unit = 0;
		double		own = 0;

		for (int d = 0; d < layout->padded; d++)
		{
			unit += (double) x[d] * (double) x[d];
			own += (double) query.x[d] * (double) query.x[d];
		}
		CHECK(ids[i] == 1000 + (uint32_t) i, "entry %d: %u", i, ids[i]);
		if (layout->slot == RUV_SLOT_ID)
			CHECK(estimates[i] == 0, "entry %d: %g", i,
				  (double) estimates[i]);
		else
			CHECK(fabs((double) estimates[i] - distance) <=
					  tolerance(layout) * (unit + own),
				  "%s, dims %d, entry %d: %g, not %g",
				  metric_name(layout->metric), layout->dims, i,
				  (double) estimates[i], distance);
	}
	query_free(&query);
}

static void
check_table(RuvMetric metric, int dims, const RuvKernels *kernels,
			uint64_t *seed)
{
	TestSpace	space;
	const RuvLayout *layout = &space.layout;
	uint8_t	   *table;
	uint8_t	   *copy;
	float	   *stored;
	float	   *vectors;
	size_t		bytes;
	int			n;

	space_init(&space, metric, dims, 16, kernels);
	n = ruv_entry_room(layout, TEST_ROOM - 8);
	CHECK(n >= 1 && n <= RUV_MAX_ENTRIES, "%d entries", n);
	bytes = (size_t) n * (size_t) layout->slot_bytes;
	CHECK(bytes <= TEST_ROOM - 8, "%zu bytes", bytes);
	table = must_alloc(bytes);
	copy = must_alloc(bytes);
	stored = must_alloc((size_t) (n * layout->padded) * sizeof(float));
	vectors = must_alloc((size_t) (n * dims) * sizeof(float));
	fill_table(&space, table, n, stored, vectors, seed);
	for (int i = 0; i < n; i++)
		CHECK(ruv_entry_id(layout, table, i) == 1000 + (uint32_t) i,
			  "entry %d: %u", i, ruv_entry_id(layout, table, i));
	for (int i = 0; i < n; i++)
		check_ranking(&space, table, n, stored, vectors + i * dims);
	/* fewer than there are: the others are not looked at */
	check_ranking(&space, table, n / 2, stored, vectors);
	check_ranking(&space, table, 0, stored, vectors);

	/* what is written again is the same, and only there */
	memcpy(copy, table, bytes);
	memset(ruv_entry_slot(layout, table, n / 2), 0xA5,
		   (size_t) layout->slot_bytes);
	ruv_entry_set(layout, kernels, table, n / 2, 1000 + (uint32_t) n / 2,
				  stored + n / 2 * layout->padded);
	CHECK(memcmp(copy, table, bytes) == 0, "dims %d", dims);
	free(table);
	free(copy);
	free(stored);
	free(vectors);
	space_free(&space);
}

static void
test_tables(void)
{
	static const int dims[] = {1, 8, 32, 33, 96, 97, 256, 257, 1000, 2000};
	const RuvKernels *tables[8];
	int			ntables = ruv_kernels_all(tables, 8);
	uint64_t	seed = 5;

	for (int t = 0; t < ntables; t++)
		for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]); d++)
			for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
				if (!is_quick() || d % 3 == 2)
					check_table((RuvMetric) metric, dims[d], tables[t],
								&seed);
}

/* Small tables, and few entries where they cannot be ranked. */
static void
test_room(void)
{
	TestSpace	space;

	space_init(&space, RUV_METRIC_L1, 100, 16, ruv_kernels_best());
	CHECK(ruv_entry_room(&space.layout, TEST_ROOM) == 8, "%d",
		  ruv_entry_room(&space.layout, TEST_ROOM));
	CHECK(ruv_entry_room(&space.layout, 17) == 2, "%d",
		  ruv_entry_room(&space.layout, 17));
	space_free(&space);
	space_init(&space, RUV_METRIC_L2, 100, 16, ruv_kernels_best());
	CHECK(ruv_entry_room(&space.layout, TEST_ROOM) == RUV_MAX_ENTRIES, "%d",
		  ruv_entry_room(&space.layout, TEST_ROOM));
	CHECK(ruv_entry_room(&space.layout, space.layout.slot_bytes * 3 - 1) == 2,
		  "%d", ruv_entry_room(&space.layout, space.layout.slot_bytes * 3 - 1));
	CHECK(ruv_entry_room(&space.layout, 0) == 0, "nothing");
	space_free(&space);
}

int
main(void)
{
	test_tables();
	test_room();
	return test_result("entry");
}
