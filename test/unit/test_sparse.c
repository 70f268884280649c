/*
 * test_sparse.c
 *		Sums over sparse vectors against the dense sums in double, faults, and
 *		the text form.
 */
#include <string.h>

#include "core/ruv_sparse.h"
#include "core/ruv_sparse_text.h"
#include "core/ruv_vector_text.h"
#include "ruv_test.h"

#define DIMS 500

static uint64_t state = 42;

typedef struct Sample
{
	double		dense[DIMS];
	RuvSparse	sparse;
	int32_t	   *indices;		/* allocated to the byte */
	float	   *values;
} Sample;

static void
make_sample(Sample *sample, int one_of)
{
	size_t		n = 0;

	for (int i = 0; i < DIMS; i++)
	{
		sample->dense[i] = 0;
		if (!one_in(&state, one_of))
			continue;
		sample->dense[i] = (double) (random_normal(&state) + 0.001f);
		n++;
	}
	sample->indices = must_alloc(n * sizeof(int32_t));
	sample->values = must_alloc(n * sizeof(float));
	n = 0;
	for (int i = 0; i < DIMS; i++)
	{
		if (sample->dense[i] == 0)
			continue;
		sample->indices[n] = i;
		sample->values[n++] = (float) sample->dense[i];
	}
	sample->sparse = (RuvSparse){sample->indices, sample->values, n};
}

static void
free_sample(Sample *sample)
{
	free(sample->indices);
	free(sample->values);
}

/* One rounding to float after sums in double. */
static void
check_sum(const char *what, double expected, double magnitude, float got)
{
	CHECK(fabs((double) got - expected) <= magnitude * 0x1p-24 * 1.0001,
		  "%s: %.9g, not %.9g", what, (double) got, expected);
}

static void
test_pair(const Sample *a, const Sample *b)
{
	double		l2 = 0;
	double		l1 = 0;
	double		ab = 0;
	double		magnitude = 0;
	double		aa = 0;
	double		bb = 0;
	float		sums[3];

	CHECK(ruv_sparse_fault(a->sparse, DIMS) == RUV_SPARSE_OK, "sample");
	for (int i = 0; i < DIMS; i++)
	{
		double		x = a->dense[i];
		double		y = b->dense[i];

		l2 += (x - y) * (x - y);
		l1 += fabs(x - y);
		ab += x * y;
		magnitude += fabs(x * y);
		aa += x * x;
		bb += y * y;
	}
	check_sum("l2", l2, l2, ruv_sparse_l2_squared(a->sparse, b->sparse));
	check_sum("l1", l1, l1, ruv_sparse_l1(a->sparse, b->sparse));
	check_sum("product", ab, magnitude,
			  ruv_sparse_inner_product(a->sparse, b->sparse));
	ruv_sparse_cosine(a->sparse, b->sparse, &sums[0], &sums[1], &sums[2]);
	check_sum("a.b", ab, magnitude, sums[0]);
	check_sum("a.a", aa, aa, sums[1]);
	check_sum("b.b", bb, bb, sums[2]);
}

static void
test_sums(void)
{
	/* both sides of the ratio from which elements are looked up */
	static const int densities[] = {1, 2, 10, 30, 200, 100000};

	for (int round = 0; round < 2000; round++)
	{
		Sample		a;
		Sample		b;

		make_sample(&a, densities[random_below(&state, 6)]);
		make_sample(&b, densities[random_below(&state, 6)]);
		test_pair(&a, &b);
		test_pair(&a, &a);
		free_sample(&a);
		free_sample(&b);
	}
}

static void
test_faults(void)
{
	static const struct
	{
		int32_t		indices[3];
		float		values[3];
		RuvSparseFault fault;
	} cases[] = {
		{{0, 1, 9}, {1, -1, 1e-45f}, RUV_SPARSE_OK},
		{{-1, 1, 2}, {1, 1, 1}, RUV_SPARSE_OUT_OF_BOUNDS},
		{{0, 1, 10}, {1, 1, 1}, RUV_SPARSE_OUT_OF_BOUNDS},
		{{0, 2, 1}, {1, 1, 1}, RUV_SPARSE_DESCENDING},
		{{0, 2, 2}, {1, 1, 1}, RUV_SPARSE_DUPLICATE},
		{{2, 1, 10}, {1, 1, 1}, RUV_SPARSE_DESCENDING},
		{{0, 1, 1}, {NAN, 1, 1}, RUV_SPARSE_DUPLICATE},
		{{0, 1, 2}, {1, NAN, 0}, RUV_SPARSE_NAN},
		{{0, 1, 2}, {1, -INFINITY, NAN}, RUV_SPARSE_INFINITE},
		{{0, 1, 2}, {1, -0.0f, NAN}, RUV_SPARSE_ZERO}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		RuvSparse	v = {cases[i].indices, cases[i].values, 3};

		CHECK(ruv_sparse_fault(v, 10) == cases[i].fault, "case %zu", i);
	}
}

/* what: the elements and the dimensions, as the text form writes them */
static void
expect_text(const char *text, RuvTextFault fault, const char *what)
{
	size_t		room = ruv_vector_text_bound(text);
	RuvSparseElement *elements = must_alloc(room * sizeof(*elements));
	RuvSparseTextResult result;
	RuvTextFault got = ruv_sparse_text_parse(text, strtof, elements, &result);
	char		written[256] = "";
	size_t		at = 0;

	CHECK(got == fault, "\"%s\": %d, not %d", text, (int) got, (int) fault);
	if (got == RUV_TEXT_OK)
	{
		for (int i = 0; i < result.text.count; i++)
			at += (size_t) snprintf(written + at, sizeof(written) - at,
									"%d:%.9g ", elements[i].index,
									(double) elements[i].value);
		snprintf(written + at, sizeof(written) - at, "/%d", result.dims);
		CHECK(strcmp(written, what) == 0, "\"%s\" is %s", text, written);
	}
	else if (got == RUV_TEXT_OUT_OF_RANGE)
		CHECK(strlen(what) == (size_t) (result.text.end - result.text.begin) &&
				  strncmp(what, result.text.begin, strlen(what)) == 0,
			  "\"%s\": what is out of range", text);
	free(elements);
}

static void
test_text(void)
{
	expect_text("{1:1,3:2.5}/5", RUV_TEXT_OK, "0:1 2:2.5 /5");
	expect_text(" { 3 : 2 , \t1 :\n-1e2 } / +5 ", RUV_TEXT_OK,
				"2:2 0:-100 /5");
	expect_text("{}/3", RUV_TEXT_OK, "/3");
	expect_text("{ }/-3", RUV_TEXT_OK, "/-3");
	expect_text("{1:0,2:-0,9:0x0p9,0:0e9}/3", RUV_TEXT_OK, "/3");
	expect_text("{0:1,-1:1}/3", RUV_TEXT_OK, "-1:1 -2:1 /3");
	expect_text("{99999999999999999999:1}/99999999999999999999", RUV_TEXT_OK,
				"2147483646:1 /2147483647");
	expect_text("{-99999999999:1}/-2147483648", RUV_TEXT_OK,
				"-2147483648:1 /-2147483648");
	expect_text("{-2147483647:1}/-2147483649", RUV_TEXT_OK,
				"-2147483648:1 /-2147483648");
	expect_text("{1:0x1p3}/1", RUV_TEXT_OK, "0:8 /1");
	expect_text("{1:1e-45}/1", RUV_TEXT_OK, "0:1.40129846e-45 /1");
	expect_text("{1:1e-46}/1", RUV_TEXT_OUT_OF_RANGE, "1e-46");
	expect_text("{1:-0.00e9,2:-0x.ap-999}/1", RUV_TEXT_OUT_OF_RANGE,
				"-0x.ap-999");
	expect_text("{1:4e38,x", RUV_TEXT_OUT_OF_RANGE, "4e38");
	expect_text("{1:nan}/1", RUV_TEXT_NAN, "");
	expect_text("{1:-inf}/1", RUV_TEXT_INFINITE, "");
	expect_text("", RUV_TEXT_NO_BRACKET, "");
	expect_text("[1]", RUV_TEXT_NO_BRACKET, "");
	expect_text("{", RUV_TEXT_NO_NUMBER, "");
	expect_text("{,", RUV_TEXT_NO_NUMBER, "");
	expect_text("{1:}/1", RUV_TEXT_NO_NUMBER, "");
	expect_text("{1:1,}/1", RUV_TEXT_NO_NUMBER, "");
	expect_text("{+:1}/1", RUV_TEXT_NO_NUMBER, "");
	expect_text("{1}/1", RUV_TEXT_NO_SEPARATOR, "");
	expect_text("{1.5:1}/1", RUV_TEXT_NO_SEPARATOR, "");
	expect_text("{0x1:1}/1", RUV_TEXT_NO_SEPARATOR, "");
	expect_text("{1:1 2:1}/1", RUV_TEXT_NO_SEPARATOR, "");
	expect_text("{1:1]/1", RUV_TEXT_NO_SEPARATOR, "");
	expect_text("{1:1", RUV_TEXT_NO_SEPARATOR, "");
	expect_text("{1:1}", RUV_TEXT_NO_DIMS, "");
	expect_text("{1:1}1", RUV_TEXT_NO_DIMS, "");
	expect_text("{1:1}/", RUV_TEXT_NO_NUMBER, "");
	expect_text("{1:1}/x", RUV_TEXT_NO_NUMBER, "");
	expect_text("{1:1}/- 1", RUV_TEXT_NO_NUMBER, "");
	expect_text("{1:1}/1.5", RUV_TEXT_JUNK, "");
	expect_text("{1:1}/1}", RUV_TEXT_JUNK, "");
}

int
main(void)
{
	test_sums();
	test_faults();
	test_text();
	return test_result("sparse vectors");
}
