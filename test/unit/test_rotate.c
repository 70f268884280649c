/*
 * test_rotate.c
 *		The rotation: orthogonal, random enough, and the same everywhere.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_rotate.h"

#define MAX_TABLES 8
#define MAX_N 4096

static int	failures = 0;
static uint64_t random_state = 7;

static void
fail(size_t n, const char *table, const char *what, double value)
{
	if (failures++ < 50)
		printf("not ok: n = %zu, %s: %s: %.9g\n", n, table, what, value);
}

static float
random_float(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (float) (random_state >> 40) * 0x1p-23f - 1.0f;
}

/* An arena that counts, and may have nothing to give */

typedef struct Heap
{
	bool		is_empty;
	size_t		asked;			/* the last size */
	int			held;			/* pieces not yet released */
} Heap;

static void *
heap_alloc(void *context, size_t bytes)
{
	Heap	   *heap = context;

	heap->asked = bytes;
	if (heap->is_empty)
		return NULL;
	heap->held++;
	return malloc(bytes);
}

static void
heap_release(void *context, void *pointer)
{
	Heap	   *heap = context;

	heap->held--;
	free(pointer);
}

static RuvArena
arena_of(Heap *heap)
{
	RuvArena	arena = {heap_alloc, heap_release, heap};

	return arena;
}

static void
expect_status(size_t n, bool is_empty, RuvStatus expected)
{
	Heap		heap = {.is_empty = is_empty};
	RuvArena	arena = arena_of(&heap);
	RuvRotation rotation = {0};
	RuvStatus	status = ruv_rotation_init(&rotation, n, 1, &arena);

	if (status != expected)
		fail(n, "init", "status", (double) status);
	if (status != RUV_ERR_ARGUMENT && heap.asked != n / 8 * 3)
		fail(n, "init", "asks for bytes", (double) heap.asked);
	if (status != RUV_OK && heap.held != 0)
		fail(n, "init", "keeps memory after an error", heap.held);
	if (status == RUV_OK)
		ruv_release(&arena, rotation.signs);
}

static void
test_status(void)
{
	expect_status(0, false, RUV_ERR_ARGUMENT);
	expect_status(8, false, RUV_ERR_ARGUMENT);
	expect_status(24, false, RUV_ERR_ARGUMENT);
	expect_status(31, false, RUV_ERR_ARGUMENT);
	expect_status(32, false, RUV_OK);
	expect_status(33, false, RUV_ERR_ARGUMENT);
	expect_status(36, false, RUV_ERR_ARGUMENT);
	expect_status(40, false, RUV_OK);
	expect_status(SIZE_MAX, false, RUV_ERR_ARGUMENT);
	/* sizes that no machine has: nothing wraps around, nothing loops */
	expect_status(SIZE_MAX - 7, true, RUV_ERR_MEMORY);
	expect_status(SIZE_MAX / 2 + 1, true, RUV_ERR_MEMORY);
	expect_status(32, true, RUV_ERR_MEMORY);
}

/* What a stored index relies on: bits that must never change */

typedef struct Golden
{
	size_t		n;
	uint64_t	seed;
	size_t		block;
	uint64_t	signs;			/* checksum */
} Golden;

/* The published first number from seed 0, lowest byte first */
static const uint8_t first_number[8] = {
	0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2};

static uint64_t
checksum(const uint8_t *bytes, size_t count)
{
	uint64_t	hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void
test_golden(void)
{
	static const Golden golden[] = {
		{32, 0, 32, UINT64_C(0xb28e85f5d674b337)},
		{40, 1, 32, UINT64_C(0x1907d742f1ce9360)},
		{384, 42, 256, UINT64_C(0x416e1a341eef56fe)},
		{768, UINT64_MAX, 512, UINT64_C(0x650cdedad764447d)},
		{1536, 12345, 1024, UINT64_C(0x21a09b84668223fa)},
		{4096, 42, 4096, UINT64_C(0xf72dce6cd8cfb444)}};

	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
	{
		const Golden *g = &golden[i];
		Heap		heap = {0};
		RuvArena	arena = arena_of(&heap);
		RuvRotation rotation;
		uint64_t	signs;

		if (ruv_rotation_init(&rotation, g->n, g->seed, &arena) != RUV_OK)
		{
			fail(g->n, "init", "fails", 0.0);
			continue;
		}
		signs = checksum(rotation.signs, g->n / 8 * RUV_ROTATE_ROUNDS);
		if (signs != g->signs)
			fail(g->n, "init", "other signs than always", 0.0);
		if (g->seed == 0 &&
			memcmp(rotation.signs, first_number, sizeof(first_number)) != 0)
			fail(g->n, "init", "signs are not splitmix64", 0.0);
		if (rotation.n != g->n || rotation.block != g->block)
			fail(g->n, "init", "block", (double) rotation.block);
		ruv_release(&arena, rotation.signs);
		if (heap.held != 0)
			fail(g->n, "init", "leak", heap.held);
	}
}

/* The steps that the header describes, in double precision */

static void
hadamard(double *x, size_t n)
{
	for (size_t stride = 1; stride < n; stride *= 2)
	{
		for (size_t i = 0; i < n; i++)
		{
			double		a = x[i];

			if ((i & stride) != 0)
				continue;
			x[i] = a + x[i + stride];
			x[i + stride] = a - x[i + stride];
		}
	}
	for (size_t i = 0; i < n; i++)
		x[i] /= sqrt((double) n);
}

static void
reference_rotate(const RuvRotation *rotation, double *x)
{
	size_t		n = rotation->n;
	size_t		block = rotation->block;

	for (size_t round = 0; round < 3; round++)
	{
		const uint8_t *signs = rotation->signs + round * n / 8;

		for (size_t i = 0; i < n; i++)
		{
			if (signs[i / 8] >> i % 8 & 1)
				x[i] = -x[i];
		}
		hadamard(x, block);
		if (block == n)
			continue;
		hadamard(x + n - block, block);
		for (size_t i = 0; i < n / 2; i++)
		{
			double		low = x[i];
			double		high = x[i + n / 2];

			x[i] = (low + high) * sqrt(0.5);
			x[i + n / 2] = (low - high) * sqrt(0.5);
		}
	}
}

static double
dot(const float *a, const float *b, size_t n)
{
	double		sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double) a[i] * (double) b[i];
	return sum;
}

typedef struct Pair
{
	float		a[MAX_N];
	float		b[MAX_N];
} Pair;

/* 1: a spike against noise, the vectors that a weak rotation leaves as is */
static void
make_pair(Pair *pair, size_t n, int kind)
{
	for (size_t i = 0; i < n; i++)
	{
		pair->a[i] = random_float();
		pair->b[i] = random_float();
		if (kind == 1)
			pair->a[i] = i == n - 1 ? 1.0f : 0.0f;
	}
}

/* Rotated by a table, against the reference and what must be kept */
static void
check_rotated(const char *table, const RuvRotation *rotation,
			  const Pair *before, const Pair *after)
{
	static double expected[MAX_N];
	size_t		n = rotation->n;
	double		norm_a = sqrt(dot(before->a, before->a, n));
	double		norm_b = sqrt(dot(before->b, before->b, n));
	double		off = 0.0;
	/* roundings of three rounds of two transforms and a butterfly */
	double		bound = 6.0 * (log2((double) n) + 2.0) * 0x1p-24;

	for (size_t i = 0; i < n; i++)
		expected[i] = (double) before->a[i];
	reference_rotate(rotation, expected);
	for (size_t i = 0; i < n; i++)
		off += pow((double) after->a[i] - expected[i], 2.0);
	if (!(sqrt(off) <= bound * norm_a))
		fail(n, table, "is off", sqrt(off) / norm_a);

	off = sqrt(dot(after->a, after->a, n)) - norm_a;
	if (!(fabs(off) <= bound * norm_a))
		fail(n, table, "norm changes", off / norm_a);
	off = dot(after->a, after->b, n) - dot(before->a, before->b, n);
	if (!(fabs(off) <= 2.0 * bound * norm_a * norm_b))
		fail(n, table, "inner product changes", off / (norm_a * norm_b));
}

/*
 * A coordinate of a rotated vector has the variance of all: none is much
 * larger than the others, whatever the vector was.
 */
static void
check_spread(const char *table, size_t n, const float *x)
{
	double		norm = sqrt(dot(x, x, n));
	double		largest = 0.0;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double) x[i]));
	if (!(largest <= 7.0 * norm / sqrt((double) n)))
		fail(n, table, "largest coordinate", largest / norm);
}

static void
test_rotation(size_t n, const RuvKernels *const *tables, int n_tables)
{
	static Pair before;
	static Pair after;
	static Pair scalar;
	Heap		heap = {0};
	RuvArena	arena = arena_of(&heap);
	RuvRotation rotation;

	if (ruv_rotation_init(&rotation, n, n + 1, &arena) != RUV_OK)
	{
		fail(n, "init", "fails", 0.0);
		return;
	}
	for (int kind = 0; kind < 2; kind++)
	{
		make_pair(&before, n, kind);
		for (int t = 0; t < n_tables; t++)
		{
			after = before;
			ruv_rotate(&rotation, tables[t], after.a);
			ruv_rotate(&rotation, tables[t], after.b);
			if (t == 0)
				scalar = after;
			check_rotated(tables[t]->name, &rotation, &before, &after);
			check_spread(tables[t]->name, n, after.a);
			if (memcmp(after.a, scalar.a, n * sizeof(float)) != 0 ||
				memcmp(after.b, scalar.b, n * sizeof(float)) != 0)
				fail(n, tables[t]->name, "other bits than scalar", 0.0);
		}
	}
	ruv_release(&arena, rotation.signs);
	if (heap.held != 0)
		fail(n, "init", "leak", heap.held);
}

int
main(void)
{
	const RuvKernels *tables[MAX_TABLES];
	int			n_tables = ruv_kernels_all(tables, MAX_TABLES);
	size_t		step = getenv("RUV_TEST_QUICK") != NULL ? 1000 : 104;

	test_status();
	test_golden();
	for (size_t n = 32; n <= 264; n += 8)
		test_rotation(n, tables, n_tables);
	for (size_t n = 264; n < MAX_N; n += step)
		test_rotation(n, tables, n_tables);
	for (size_t n = 512; n <= MAX_N; n *= 2)
	{
		test_rotation(n - 8, tables, n_tables);
		test_rotation(n, tables, n_tables);
		if (n < MAX_N)
			test_rotation(n + 8, tables, n_tables);
		test_rotation(n * 3 / 4, tables, n_tables);
	}
	if (failures > 0)
		return 1;
	printf("ok: rotation\n");
	return 0;
}
