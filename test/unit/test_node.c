/*
 * test_node.c
 *		The record of a node: what it stores, what it says of distances, and
 *		above all that the interval it gives holds the distance of SQL.
 */
#include "core/ruv_link.h"
#include "ruv_test.h"

#define MAX_TABLES 8

/* ---- vectors of many kinds ---- */

typedef enum Kind
{
	KIND_NORMAL,
	KIND_TINY,
	KIND_HUGE,
	KIND_INTEGERS,
	KIND_SPARSE,
	KIND_OFFSET,				/* far from the origin, close together */
	KIND_MIXED,					/* every coordinate in a unit of its own */
	KIND_SPIKE,					/* one coordinate outweighs the others */
	KIND_ZERO,
	KIND_VANISHING,				/* squares are subnormal or zero */
	KIND_SUBNORMAL,
	KIND_SMALLEST,				/* a few units of the last place there is */
	KIND_BORDER,				/* squares just fit into a float */
	KIND_BEYOND,				/* squares do not */
	KIND_COUNT
} Kind;

static float
random_element(Kind kind, int i, uint64_t *seed)
{
	float		x = random_normal(seed);

	switch (kind)
	{
		case KIND_TINY:
			return x * 1e-15f;
		case KIND_HUGE:
			return x * 1e15f;
		case KIND_INTEGERS:
			return rintf(x * 3);
		case KIND_SPARSE:
			return i == 0 || one_in(seed, 40) ? x : 0;
		case KIND_OFFSET:
			return 1000 + x * 0.01f;
		case KIND_MIXED:
			return x * powf(10, (float) random_below(seed, 25) - 12);
		case KIND_SPIKE:
			return i == 0 ? x * 1e6f : x;
		case KIND_ZERO:
			return 0;
		case KIND_VANISHING:
			return x * 1e-21f;
		case KIND_SUBNORMAL:
			return x * 1e-40f;
		case KIND_SMALLEST:
			return x * 8e-45f;
		case KIND_BORDER:
			return x * 1e16f;
		case KIND_BEYOND:
			return x * 1e19f;
		case KIND_NORMAL:
		case KIND_COUNT:
			break;
	}
	return x;
}

static float *
random_vector(Kind kind, int dims, uint64_t *seed)
{
	float	   *x = must_alloc((size_t) dims * sizeof(float));

	for (int i = 0; i < dims; i++)
		x[i] = random_element(kind, i, seed);
	return x;
}

/* What a query may have to do with a row. */
typedef enum Relative
{
	RELATIVE_SAME,
	RELATIVE_CLOSE,
	RELATIVE_MOVED,
	RELATIVE_OPPOSITE,
	RELATIVE_ORTHOGONAL,
	RELATIVE_COUNT
} Relative;

static float *
relative_of(const float *x, int dims, Relative relative, uint64_t *seed)
{
	float	   *y = must_alloc((size_t) dims * sizeof(float));

	for (int i = 0; i < dims; i++)
	{
		y[i] = x[i];
		if (relative == RELATIVE_CLOSE)
			y[i] *= 1 + 1e-6f * random_normal(seed);
		else if (relative == RELATIVE_MOVED)
			y[i] *= 1 + 0.2f * random_normal(seed);
		else if (relative == RELATIVE_OPPOSITE)
			y[i] = -x[i];
		else if (relative == RELATIVE_ORTHOGONAL && i + 1 < dims + i % 2)
			y[i] = i % 2 == 0 ? -x[i + 1] : x[i - 1];
	}
	return y;
}

static double
norm_of(const float *x, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double) x[i] * (double) x[i];
	return sqrt(sum);
}

/* ---- distances, as SQL computes them and as they are ---- */

/* The same steps as the SQL functions take. */
static double
sql_distance(RuvMetric metric, const RuvKernels *k, const float *a,
			 const float *b, int dims)
{
	size_t		n = (size_t) dims;
	float		ab;
	float		aa;
	float		bb;
	double		cosine;

	switch (metric)
	{
		case RUV_METRIC_L2:
			return sqrt((double) k->l2_squared(a, b, n));
		case RUV_METRIC_IP:
			return -(double) k->inner_product(a, b, n);
		case RUV_METRIC_L1:
			return (double) k->l1(a, b, n);
		case RUV_METRIC_COSINE:
			break;
	}
	k->cosine(a, b, n, &ab, &aa, &bb);
	cosine = (double) ab / sqrt((double) aa * (double) bb);
	if (cosine > 1)
		cosine = 1;
	if (cosine < -1)
		cosine = -1;
	return 1.0 - cosine;
}

static double
true_distance(RuvMetric metric, const float *a, const float *b, int dims)
{
	long double squares = 0;
	long double product = 0;
	long double absolute = 0;
	double		norms;

	for (int i = 0; i < dims; i++)
	{
		long double diff = (long double) a[i] - (long double) b[i];

		squares += diff * diff;
		absolute += fabsl(diff);
		product += (long double) a[i] * (long double) b[i];
	}
	switch (metric)
	{
		case RUV_METRIC_L2:
			return (double) sqrtl(squares);
		case RUV_METRIC_IP:
			return (double) -product;
		case RUV_METRIC_L1:
			return (double) absolute;
		case RUV_METRIC_COSINE:
			break;
	}
	norms = norm_of(a, dims) * norm_of(b, dims);
	return norms > 0 ? (double) (1 - product / norms) : NAN;
}

/* Rotates in double, by the definition. */
static void
rotate_exactly(const RuvRotation *rotation, double *x)
{
	size_t		n = rotation->n;

	for (size_t round = 0; round < RUV_ROTATE_ROUNDS; round++)
	{
		const uint8_t *signs = rotation->signs + round * n / 8;
		size_t		last = n - rotation->block;

		for (size_t i = 0; i < n; i++)
			if ((signs[i / 8] >> i % 8 & 1) != 0)
				x[i] = -x[i];
		for (size_t from = 0; from <= last; from += last > 0 ? last : n)
			for (size_t s = 1; s < rotation->block; s *= 2)
				for (size_t i = 0; i < rotation->block; i++)
					if ((i & s) == 0)
					{
						double		a = x[from + i];
						double		b = x[from + i + s];

						x[from + i] = (a + b) * sqrt(0.5);
						x[from + i + s] = (a - b) * sqrt(0.5);
					}
		for (size_t i = 0; last > 0 && i < n / 2; i++)
		{
			double		a = x[i];
			double		b = x[n / 2 + i];

			x[i] = (a + b) * sqrt(0.5);
			x[n / 2 + i] = (a - b) * sqrt(0.5);
		}
	}
}

/* ---- what a record stores ---- */

/* |vector - stored vector|, the vector normalised and rotated in double. */
static double
stored_error(const TestSpace *space, const float *vector, const RuvNode *node)
{
	const RuvLayout *layout = &space->layout;
	size_t		n = (size_t) layout->padded;
	double	   *x = must_alloc(n * sizeof(double));
	float	   *stored = must_alloc(n * sizeof(float));
	double		norm = norm_of(vector, layout->dims);
	double		sum = 0;

	memset(x, 0, n * sizeof(double));
	for (int i = 0; i < layout->dims; i++)
	{
		x[i] = (double) vector[i];
		if (layout->metric == RUV_METRIC_COSINE && norm > 0)
			x[i] /= norm;
	}
	if (ruv_layout_is_rotated(layout))
		rotate_exactly(&space->rotation, x);
	ruv_node_decode(layout, space->kernels, node, stored);
	for (size_t i = 0; i < n; i++)
	{
		double		diff = x[i] - (double) stored[i];

		sum += layout->metric == RUV_METRIC_L1 ? fabs(diff) : diff * diff;
	}
	free(x);
	free(stored);
	return layout->metric == RUV_METRIC_L1 ? sum : sqrt(sum);
}

static void
check_stored(const TestSpace *space, Kind kind, const float *vector,
			 const RuvQuery *query, const RuvNode *node)
{
	const RuvLayout *layout = &space->layout;
	double		norm = norm_of(query->x, layout->padded);
	double		fine = layout->own == RUV_OWN_I8 ? 0.03 : 1e-3;
	double		limit;

	CHECK(node->state == RUV_NODE_LIVE && node->self == 77 &&
			  node->nlinks == 0 && node->ntids == 0 && node->diverse == 0,
		  "header");
	if (query->is_wild)
	{
		CHECK(isinf(node->residual) && isinf(node->norm), "kind %d", kind);
		return;
	}
	CHECK(stored_error(space, vector, node) <= (double) node->residual + 1e-40,
		  "%s, dims %d, kind %d, %s: error %g, residual %g",
		  metric_name(layout->metric), layout->dims, kind,
		  space->kernels->name, stored_error(space, vector, node),
		  (double) node->residual);
	limit = layout->metric == RUV_METRIC_COSINE && norm > 0 ?
		1 :
		norm_of(vector, layout->dims);
	CHECK((double) node->norm * (1 + 1e-9) + 1e-44 >= limit,
		  "kind %d: norm %g, not %g", kind, (double) node->norm, limit);
	if (kind > KIND_INTEGERS || layout->dims < 8)
		return;
	/* a bound that bounds nothing would pass all the rest */
	limit = fine * norm;
	if (layout->metric == RUV_METRIC_L1)
		limit *= sqrt(layout->dims);
	CHECK((double) node->residual < limit, "%s, dims %d, kind %d: loses %g",
		  metric_name(layout->metric), layout->dims, kind,
		  (double) node->residual / norm);
}

/* ---- the interval ---- */

/* A row in the index and beside it the vector that the table has. */
typedef struct Row
{
	Kind		kind;
	float	   *vector;
	RuvNode	   *node;
} Row;

static bool
is_within(RuvInterval interval, double distance)
{
	return interval.low <= distance && distance <= interval.high;
}

static void
check_distance(const TestSpace *space, const RuvQuery *query, const Row *row,
			   const float *asked, float graph_distance)
{
	static const RuvKernels *tables[MAX_TABLES];
	int			ntables = ruv_kernels_all(tables, MAX_TABLES);
	RuvMetric	metric = space->layout.metric;
	int			dims = space->layout.dims;
	RuvInterval interval = ruv_node_interval(query, graph_distance,
											 row->node->radius,
											 row->node->norm);
	double		distance = true_distance(metric, asked, row->vector, dims);

	if (metric == RUV_METRIC_COSINE && isnan(distance))
		return;					/* no such row, no such query */
	CHECK(is_within(interval, distance),
		  "%s, dims %d, row kind %d, %s: %.9g is not in %.9g .. %.9g",
		  metric_name(metric), dims, row->kind, space->kernels->name,
		  distance, interval.low, interval.high);
	for (int i = 0; i < ntables; i++)
	{
		double		sql = sql_distance(metric, tables[i], asked, row->vector,
									   dims);

		CHECK(is_within(interval, sql) ||
				  (isnan(sql) && isinf(interval.high)),
			  "%s, dims %d, row kind %d, %s: %s says %.9g, not %.9g .. %.9g",
			  metric_name(metric), dims, row->kind, space->kernels->name,
			  tables[i]->name, sql, interval.low, interval.high);
	}
}

/* Bounds that hold nothing would hold everything. */
static void
check_width(const TestSpace *space, const RuvQuery *query, const Row *row,
			const float *asked, float distance)
{
	int			dims = space->layout.dims;
	double		a = norm_of(asked, dims);
	double		b = norm_of(row->vector, dims);
	double		unit = a + b;
	RuvInterval interval = ruv_node_interval(query, distance,
											 row->node->radius,
											 row->node->norm);

	if (space->layout.metric == RUV_METRIC_IP)
		unit = a * b;
	else if (space->layout.metric == RUV_METRIC_COSINE)
		unit = 2;
	else if (space->layout.metric == RUV_METRIC_L1)
		unit *= sqrt(dims);
	if (space->layout.own == RUV_OWN_I8)
		unit *= 20;
	CHECK(interval.high - interval.low <= 3e-3 * unit,
		  "%s, dims %d, row kind %d: %.9g .. %.9g",
		  metric_name(space->layout.metric), dims, row->kind, interval.low,
		  interval.high);
}

static void
check_query(const TestSpace *space, const float *asked, const Row *rows,
			int nrows)
{
	RuvQuery	query;
	RuvVisit	visit;

	space_query(space, &query, asked);
	for (int i = 0; i < nrows; i++)
	{
		float		distance = ruv_node_distance(&query, rows[i].node);

		check_distance(space, &query, &rows[i], asked, distance);
		ruv_node_visit(&query, rows[i].node, &visit);
		CHECK(visit.nlinks == 0, "%d links", visit.nlinks);
		if (visit.distance != distance)
			check_distance(space, &query, &rows[i], asked, visit.distance);
	}
	query_free(&query);
}

/* Queries and rows of kinds that lose nothing to the ends of float's range. */
static void
check_widths(const TestSpace *space, Kind kind, const float *asked,
			 const Row *rows)
{
	RuvQuery	query;

	if (kind > KIND_INTEGERS || space->layout.dims < 8)
		return;
	space_query(space, &query, asked);
	for (int i = 0; i <= KIND_INTEGERS; i++)
		check_width(space, &query, &rows[i], asked,
					ruv_node_distance(&query, rows[i].node));
	query_free(&query);
}

/* Both rows are still in the ball when it has moved from one to the other. */
static void
check_moved(const TestSpace *space, const Row *row, const Row *other,
			const RuvQuery *query, const RuvNode *image)
{
	const RuvLayout *layout = &space->layout;
	RuvNode	   *node = other->node;
	Row			first = *row;
	float		radius;

	node->ntids = 0;
	CHECK(ruv_node_add_row(layout, space->kernels, node, "first!",
						   row->node->radius) &&
			  ruv_node_add_row(layout, space->kernels, node, "second",
							   ruv_node_radius_for(query, node)),
		  "two rows");
	ruv_link_move(query, node, image);
	CHECK(node->flags == RUV_NODE_MOVED && ruv_node_same_image(node, image, layout) &&
			  node->residual == image->residual,
		  "moved");
	radius = ruv_node_radius(layout, node, 1);
	CHECK(radius >= image->residual, "radius %g", (double) radius);
	first.node = node;
	check_query(space, other->vector, &first, 1);
	check_query(space, row->vector, &first, 1);
	node->radius = radius;
	check_query(space, row->vector, other, 1);
	check_query(space, other->vector, other, 1);
}

/* Another row in the ball, near or far, with the header as attaching leaves it. */
static void
check_attached(const TestSpace *space, Row *row, Relative relative,
			   uint64_t *seed)
{
	RuvQuery	query;
	Row			other = *row;
	RuvNode	   *image;

	other.vector = relative_of(row->vector, space->layout.dims, relative,
							   seed);
	space_query(space, &query, other.vector);
	image = space_node(space, &query, 78);
	other.node = must_alloc((size_t) space->layout.record_bytes);
	memcpy(other.node, row->node, (size_t) space->layout.record_bytes);
	other.node->norm = fmaxf(row->node->norm, image->norm);
	other.node->radius = ruv_node_radius_for(&query, row->node);
	if (ruv_node_same_image(row->node, image, &space->layout))
		CHECK(other.node->radius == image->radius, "radius %g, not %g",
			  (double) other.node->radius, (double) image->radius);
	check_query(space, row->vector, &other, 1);
	check_query(space, other.vector, &other, 1);
	check_moved(space, row, &other, &query, image);
	free(other.node);
	free(other.vector);
	free(image);
	query_free(&query);
}

static void
check_space(RuvMetric metric, int dims, const RuvKernels *kernels,
			uint64_t *seed)
{
	TestSpace	space;
	Row			rows[KIND_COUNT];

	space_init(&space, metric, dims, 16, kernels);
	for (int kind = 0; kind < KIND_COUNT; kind++)
	{
		RuvQuery	query;
		Row		   *row = &rows[kind];

		row->kind = (Kind) kind;
		row->vector = random_vector(row->kind, dims, seed);
		space_query(&space, &query, row->vector);
		row->node = space_node(&space, &query, 77);
		check_stored(&space, row->kind, row->vector, &query, row->node);
		query_free(&query);
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
	{
		float	   *asked = random_vector((Kind) kind, dims, seed);

		check_query(&space, asked, rows, KIND_COUNT);
		check_widths(&space, (Kind) kind, asked, rows);
		free(asked);
		for (int relative = 0; relative < RELATIVE_COUNT; relative++)
		{
			asked = relative_of(rows[kind].vector, dims, (Relative) relative,
								seed);
			check_query(&space, asked, &rows[kind], 1);
			free(asked);
		}
		check_attached(&space, &rows[kind], RELATIVE_CLOSE, seed);
		check_attached(&space, &rows[kind], RELATIVE_MOVED, seed);
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
	{
		free(rows[kind].vector);
		free(rows[kind].node);
	}
	space_free(&space);
}

static void
test_interval(void)
{
	static const int all[] = {1, 2, 7, 32, 33, 64, 96, 97, 128, 256, 257, 784,
					 1000, 1536, 2000, 4096};
	static const int few[] = {1, 32, 33, 97, 257, 1000};
	const int  *dims = is_quick() ? few : all;
	size_t		ndims = is_quick() ? sizeof(few) / sizeof(few[0]) :
								sizeof(all) / sizeof(all[0]);
	const RuvKernels *tables[MAX_TABLES];
	int			ntables = ruv_kernels_all(tables, MAX_TABLES);
	uint64_t	seed = 1;

	for (int t = 0; t < ntables; t++)
		for (size_t d = 0; d < ndims; d++)
			for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
				for (int i = 0; i < (dims[d] < 64 ? 10 : 2); i++)
					check_space((RuvMetric) metric, dims[d], tables[t], &seed);
}

/* ---- images ---- */

/* Does node store the image of vector? */
static bool
stores(const TestSpace *space, const RuvNode *node, const float *vector)
{
	RuvQuery	query;
	RuvNode	   *other;
	bool		result;

	space_query(space, &query, vector);
	other = space_node(space, &query, 5);
	result = ruv_node_same_image(node, other, &space->layout);
	free(other);
	query_free(&query);
	return result;
}

static void
test_same_image(void)
{
	static const int dims[] = {5, 64, 300, 1000};
	uint64_t	seed = 3;

	for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
		for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]); d++)
		{
			TestSpace	space;
			RuvQuery	query;
			float	   *x = random_vector(KIND_NORMAL, dims[d], &seed);
			RuvNode	   *node;

			space_init(&space, (RuvMetric) metric, dims[d], 16,
					   ruv_kernels_best());
			space_query(&space, &query, x);
			node = space_node(&space, &query, 77);
			node->nlinks = 3;
			node->diverse = 5;
			node->residual *= 2;
			CHECK(stores(&space, node, x), "dims %d", dims[d]);

			/* half of it is the same but for the scale */
			for (int i = 0; i < dims[d]; i++)
				x[i] /= 2;
			CHECK(stores(&space, node, x) == (metric == RUV_METRIC_COSINE),
				  "dims %d", dims[d]);
			for (int i = 0; i < dims[d]; i++)
				x[i] *= 2;
			x[dims[d] / 2] += 1;
			CHECK(!stores(&space, node, x), "dims %d", dims[d]);
			free(node);
			free(x);
			query_free(&query);
			space_free(&space);
		}
}

/* ---- what the header may not say ---- */

/* The check of a copy of the node, in which bytes were changed. */
static RuvStatus
check_with(const TestSpace *space, const RuvNode *node, size_t offset,
		   const void *bytes, size_t size)
{
	RuvNode	   *copy = must_alloc((size_t) space->layout.record_bytes);
	RuvStatus	status;

	memcpy(copy, node, (size_t) space->layout.record_bytes);
	memcpy((char *) copy + offset, bytes, size);
	status = ruv_node_check(&space->layout, copy, 77);
	free(copy);
	return status;
}

static void
check_byte(const TestSpace *space, const RuvNode *node, size_t offset,
		   int value, RuvStatus expected)
{
	uint8_t		byte = (uint8_t) value;
	RuvStatus	status = check_with(space, node, offset, &byte, 1);

	CHECK(status == expected, "byte %zu = %d: status %d", offset, value,
		  (int) status);
}

static void
check_float(const TestSpace *space, const RuvNode *node, size_t offset,
			float value, RuvStatus expected)
{
	RuvStatus	status = check_with(space, node, offset, &value,
									sizeof(value));

	CHECK(status == expected, "float at %zu = %g: status %d", offset,
		  (double) value, (int) status);
}

static void
check_with_radius(const TestSpace *space, const RuvNode *node, size_t offset,
				  uint16_t value, RuvStatus expected)
{
	RuvStatus	status = check_with(space, node, offset, &value,
									sizeof(value));

	CHECK(status == expected, "radius %x at %zu: status %d", value, offset,
		  (int) status);
}

static void
check_headers(const TestSpace *space, const RuvNode *node)
{
	static const size_t floats[] = {offsetof(RuvNode, scale),
						offsetof(RuvNode, residual),
						offsetof(RuvNode, norm),
						offsetof(RuvNode, radius)};
	int			room = ruv_node_room(&space->layout, node->ntids);
	uint32_t	other = 78;

	CHECK(ruv_node_check(&space->layout, node, 77) == RUV_OK, "sound");
	CHECK(ruv_node_check(&space->layout, node, 78) == RUV_ERR_CORRUPT,
		  "not its own place");
	CHECK(check_with(space, node, offsetof(RuvNode, self), &other, 4) ==
			  RUV_ERR_CORRUPT,
		  "another's id");
	check_byte(space, node, offsetof(RuvNode, state), RUV_NODE_FREE, RUV_OK);
	for (int state = RUV_NODE_DEAD; state < 256; state++)
		check_byte(space, node, offsetof(RuvNode, state), state,
				   RUV_ERR_CORRUPT);
	check_byte(space, node, offsetof(RuvNode, ntids), 0, RUV_ERR_CORRUPT);
	for (int ntids = RUV_MAX_TIDS + 1; ntids < 256; ntids++)
		check_byte(space, node, offsetof(RuvNode, ntids), ntids,
				   RUV_ERR_CORRUPT);
	for (int nlinks = 0; nlinks < 256; nlinks++)
		check_byte(space, node, offsetof(RuvNode, nlinks), nlinks,
				   nlinks <= room ? RUV_OK : RUV_ERR_CORRUPT);
	for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++)
	{
		check_float(space, node, floats[i], NAN, RUV_ERR_CORRUPT);
		check_float(space, node, floats[i], -INFINITY, RUV_ERR_CORRUPT);
		check_float(space, node, floats[i], -1, RUV_ERR_CORRUPT);
	}
	check_float(space, node, offsetof(RuvNode, scale), 0, RUV_ERR_CORRUPT);
	check_float(space, node, offsetof(RuvNode, scale), INFINITY,
				RUV_ERR_CORRUPT);
	for (int flags = 0; flags < 256; flags++)
		check_byte(space, node, offsetof(RuvNode, flags), flags,
				   flags <= RUV_NODE_MOVED ? RUV_OK : RUV_ERR_CORRUPT);
	for (int i = 1; i < node->ntids; i++)
	{
		size_t		at = (size_t) (ruv_node_tid(&space->layout, node, i) -
								   (const uint8_t *) node) +
			RUV_TID_BYTES;

		/* the upper half of -1, of a NaN, of infinity */
		check_byte(space, node, at + 1, 0xbf, RUV_ERR_CORRUPT);
		check_with_radius(space, node, at, 0x7fc0, RUV_ERR_CORRUPT);
		check_with_radius(space, node, at, 0x7f80, RUV_OK);
	}
	/* a vector too large for float has these */
	check_float(space, node, offsetof(RuvNode, residual), INFINITY, RUV_OK);
	check_float(space, node, offsetof(RuvNode, radius), INFINITY, RUV_OK);
	check_float(space, node, offsetof(RuvNode, norm), INFINITY, RUV_OK);
}

static void
test_check(void)
{
	static const int dims[] = {1, 20, 50, 1000};
	uint64_t	seed = 4;

	for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
		for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]); d++)
		{
			TestSpace	space;
			RuvQuery	query;
			float	   *x = random_vector(KIND_NORMAL, dims[d], &seed);
			RuvNode	   *node;

			space_init(&space, (RuvMetric) metric, dims[d], 2 + (int) d * 8,
					   ruv_kernels_best());
			space_query(&space, &query, x);
			node = space_node(&space, &query, 77);
			CHECK(ruv_node_check(&space.layout, node, 77) == RUV_ERR_CORRUPT,
				  "alive without a row");
			node->state = RUV_NODE_DEAD;
			CHECK(ruv_node_check(&space.layout, node, 77) == RUV_OK, "dead");
			node->state = RUV_NODE_LIVE;
			for (int i = 0; i < RUV_MAX_TIDS; i++)
			{
				CHECK(ruv_node_add_row(&space.layout, space.kernels, node,
									   "sixer", 0.5f),
					  "TID %d", i);
				if (i == 0 || i == RUV_MAX_TIDS - 1)
					check_headers(&space, node);
			}
			free(node);
			free(x);
			query_free(&query);
			space_free(&space);
		}
}

/* ---- queries out of range ---- */

static void
expect_wild(RuvMetric metric, float value, bool is_wild)
{
	TestSpace	space;
	RuvQuery	query;
	float		x[40] = {0};

	x[3] = value;
	x[4] = -value;
	space_init(&space, metric, 40, 16, ruv_kernels_best());
	space_query(&space, &query, x);
	CHECK(query.is_wild == is_wild, "%s, %g", metric_name(metric),
		  (double) value);
	for (int i = 0; i < space.layout.padded; i++)
		CHECK(isfinite(query.x[i]), "element %d", i);
	for (int i = 0; i < 2 && (is_wild || i == 0); i++)
	{
		RuvInterval interval = ruv_node_interval(&query, 1, 0.5f,
												 i == 0 ? INFINITY : 1);

		CHECK(interval.low == -INFINITY && interval.high == INFINITY,
			  "%g .. %g", interval.low, interval.high);
	}
	query_free(&query);
	space_free(&space);
}

static void
test_wild(void)
{
	for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
	{
		bool		is_cosine = metric == RUV_METRIC_COSINE;

		expect_wild((RuvMetric) metric, 0, false);
		expect_wild((RuvMetric) metric, 1, false);
		expect_wild((RuvMetric) metric, 1e17f, false);
		expect_wild((RuvMetric) metric, 1e18f, true);
		expect_wild((RuvMetric) metric, 3e38f, true);
		expect_wild((RuvMetric) metric, 1e-17f, false);
		expect_wild((RuvMetric) metric, 1e-19f, is_cosine);
		expect_wild((RuvMetric) metric, 1e-45f, is_cosine);
	}
}

int
main(void)
{
	test_interval();
	test_same_image();
	test_check();
	test_wild();
	return test_result("node");
}
