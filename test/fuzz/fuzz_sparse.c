/*
 * fuzz_sparse.c
 *		Any indices and values, as a binary message may bring them, are refused
 *		or make a vector whose sums with another are those of its definition.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_sparse.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
check_is_valid(RuvSparse v, int32_t dims)
{
	for (size_t i = 0; i < v.count; i++)
	{
		require(v.indices[i] >= 0 && v.indices[i] < dims);
		require(i == 0 || v.indices[i] > v.indices[i - 1]);
		require(isfinite(v.values[i]) && v.values[i] != 0);
	}
}

static double
element(RuvSparse v, int32_t index)
{
	for (size_t i = 0; i < v.count; i++)
	{
		if (v.indices[i] == index)
			return (double) v.values[i];
	}
	return 0;
}

static void
check_sum(double expected, double magnitude, float got)
{
	double		bound = magnitude * 0x1p-23 + 0x1p-149;

	/* where float ends a sum is an infinity */
	if (magnitude < 3.4e38)
		require(fabs((double) got - expected) <= bound);
	else
		require(!isnan(got));
}

static void
check_sums(RuvSparse a, RuvSparse b)
{
	double		l2 = 0;
	double		l1 = 0;
	double		ab = 0;
	double		magnitude = 0;

	for (size_t i = 0; i < a.count; i++)
	{
		double		x = (double) a.values[i];
		double		y = element(b, a.indices[i]);

		l2 += (x - y) * (x - y);
		l1 += fabs(x - y);
		ab += x * y;
		magnitude += fabs(x * y);
	}
	for (size_t i = 0; i < b.count; i++)
	{
		double		y = (double) b.values[i];

		if (element(a, b.indices[i]) != 0)
			continue;
		l2 += y * y;
		l1 += fabs(y);
	}
	check_sum(l2, l2, ruv_sparse_l2_squared(a, b));
	check_sum(l1, l1, ruv_sparse_l1(a, b));
	check_sum(ab, magnitude, ruv_sparse_inner_product(a, b));
	check_sum(ab, magnitude, ruv_sparse_inner_product(b, a));
}

/* Two bytes: dims and how many elements are the first vector's. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t		n;
	size_t		split;
	int32_t		dims;
	int32_t	   *indices;
	float	   *values;

	if (size < 2)
		return 0;
	n = (size - 2) / 5;
	split = data[1] % (n + 1);
	dims = data[0] + 1;
	indices = malloc(n * sizeof(*indices) + 1);
	values = malloc(n * sizeof(*values) + 1);
	require(indices != NULL && values != NULL);
	for (size_t i = 0; i < n; i++)
	{
		/* one byte an index, so that they meet */
		indices[i] = (int8_t) data[2 + 5 * i];
		memcpy(&values[i], &data[2 + 5 * i + 1], sizeof(*values));
	}

	{
		RuvSparse	a = {indices, values, split};
		RuvSparse	b = {indices + split, values + split, n - split};

		if (ruv_sparse_fault(a, dims) == RUV_SPARSE_OK &&
			ruv_sparse_fault(b, dims) == RUV_SPARSE_OK)
		{
			check_is_valid(a, dims);
			check_is_valid(b, dims);
			check_sums(a, b);
		}
	}
	free(indices);
	free(values);
	return 0;
}
