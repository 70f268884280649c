/*
 * test_kernel_half.c
 *		The kernels for two arrays of halves, of every table, against a
 *		reference in double precision and against the scalar table.
 *
 * Arrays end where their memory does, so that the sanitizer sees a step
 * outside, and begin anywhere that an element may.
 */
#include <float.h>

#include "core/ruv_kernel.h"
#include "ruv_test.h"

#define MAX_TABLES 8
#define MAX_N 16000

static const RuvKernels *tables[MAX_TABLES];
static int	n_tables;
static uint64_t state = 42;

typedef enum Kind
{
	PLAIN,						/* any finite half */
	NEAR,						/* the second is almost the first */
	TINY,						/* subnormal halves */
	LARGEST,					/* of one magnitude: sums without rounding */
	KINDS
} Kind;

/* n elements that end where the memory does; free() what *memory gets. */
static uint16_t *
halves_at_end(size_t n, void **memory)
{
	/* the odd element shifts the array from where malloc aligns */
	*memory = must_alloc((n + n % 2 + 1) * sizeof(uint16_t));
	return (uint16_t *) *memory + n % 2 + 1;
}

static void
fill(Kind kind, uint16_t *a, uint16_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	random = random_bits(&state);

		a[i] = (uint16_t) (random & 0xfbff);
		b[i] = (uint16_t) (random >> 16 & 0xfbff);
		if (kind == NEAR)
			b[i] = (uint16_t) (a[i] ^ (random >> 32 & 3));
		else if (kind == TINY)
		{
			a[i] &= 0x83ff;
			b[i] &= 0x83ff;
		}
		else if (kind == LARGEST)
		{
			a[i] = (uint16_t) (0x7bff | (random & 0x8000));
			b[i] = (uint16_t) (0x7bff | (random >> 1 & 0x8000));
		}
		/* the largest exponent would be no number */
		if ((a[i] & 0x7c00) == 0x7c00)
			a[i] = 0;
		if ((b[i] & 0x7c00) == 0x7c00)
			b[i] = 0x8000;
	}
}

static double
value(uint16_t half)
{
	return (double) ruv_half_to_float(half);
}

typedef struct Sums
{
	double		l2;
	double		l1;
	double		ab;
	double		ab_magnitude;
	double		aa;
	double		bb;
} Sums;

static Sums
reference(const uint16_t *a, const uint16_t *b, size_t n)
{
	Sums		sums = {0};

	for (size_t i = 0; i < n; i++)
	{
		double		x = value(a[i]);
		double		y = value(b[i]);

		sums.l2 += (x - y) * (x - y);
		sums.l1 += fabs(x - y);
		sums.ab += x * y;
		sums.ab_magnitude += fabs(x * y);
		sums.aa += x * x;
		sums.bb += y * y;
	}
	return sums;
}

static void
check_sum(const char *what, const char *table, size_t n, double expected,
		  double magnitude, float got)
{
	double		bound = RUV_KERNEL_ERROR(n) * magnitude +
		(double) n * (double) FLT_TRUE_MIN;

	CHECK(fabs((double) got - expected) <= bound,
		  "%s of %s, n = %zu: %.9g, not %.9g", what, table, n, (double) got,
		  expected);
}

static void
test_sums(Kind kind, size_t n)
{
	void	   *memory[2];
	uint16_t   *a = halves_at_end(n, &memory[0]);
	uint16_t   *b = halves_at_end(n, &memory[1]);
	Sums		expected;

	fill(kind, a, b, n);
	expected = reference(a, b, n);
	for (int t = 0; t < n_tables; t++)
	{
		const RuvHalfKernels *half = tables[t]->half;
		const char *name = tables[t]->name;
		float		sums[3];

		check_sum("l2", name, n, expected.l2, expected.l2,
				  half->l2_squared(a, b, n));
		check_sum("l1", name, n, expected.l1, expected.l1, half->l1(a, b, n));
		check_sum("product", name, n, expected.ab, expected.ab_magnitude,
				  half->inner_product(a, b, n));
		half->cosine(a, b, n, &sums[0], &sums[1], &sums[2]);
		check_sum("a.b", name, n, expected.ab, expected.ab_magnitude, sums[0]);
		check_sum("a.a", name, n, expected.aa, expected.aa, sums[1]);
		check_sum("b.b", name, n, expected.bb, expected.bb, sums[2]);
	}
	free(memory[0]);
	free(memory[1]);
}

/* Rounded as one half at a time is, whose bits test_kernel.c checks. */
static void
test_from_float(size_t n)
{
	void	   *memory;
	uint16_t   *out = halves_at_end(n, &memory);
	float	   *x = must_alloc(n * sizeof(*x));

	for (size_t i = 0; i < n; i++)
	{
		int			power = random_below(&state, 50) - 30;

		x[i] = ldexpf(random_normal(&state), power);
		/* ties, and what lies just beside the end of halves */
		if (i % 5 == 0)
			x[i] = ldexpf((float) (1024 + random_below(&state, 1024)) + 0.5f,
						  power - 10);
		if (i % 7 == 0)
			x[i] = i % 2 == 0 ? 65520.0f : -65519.996f;
		if (i % 11 == 0)
			x[i] = copysignf(i % 3 == 0 ? INFINITY : 0.0f, x[i]);
	}
	for (int t = 0; t < n_tables; t++)
	{
		tables[t]->half->from_float(x, n, out);
		for (size_t i = 0; i < n; i++)
			CHECK(out[i] == ruv_float_to_half(x[i]),
				  "%s: %a becomes %04x, not %04x", tables[t]->name,
				  (double) x[i], out[i], ruv_float_to_half(x[i]));
	}
	free(memory);
	free(x);
}

int
main(void)
{
	static const size_t large[] = {384, 768, 1000, 1536, 1999, MAX_N};

	n_tables = ruv_kernels_all(tables, MAX_TABLES);
	for (Kind kind = 0; kind < KINDS; kind++)
	{
		for (size_t n = 0; n <= 200; n++)
			test_sums(kind, n);
		for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
			test_sums(kind, large[i]);
	}
	for (size_t n = 0; n <= 200; n++)
		test_from_float(n);
	test_from_float(MAX_N);
	return test_result("kernels of halves");
}
