/*
 * ruv_sparse.c
 *		Check of sparse vectors, and sums over two.
 *
 * Which of two indices comes first is as good as random, so the merge does
 * not branch on it: it takes a value or a zero from each side and steps each
 * side by one or by nothing.  Where one vector is much shorter, its elements
 * are looked up in the other by steps that double, and most of that is never
 * read.
 */
#include <math.h>

#include "core/ruv_float_bits.h"
#include "core/ruv_sparse.h"

/* Beyond this ratio of counts, looking up is faster than merging. */
#define LOOKUP_RATIO 16

RuvSparseFault
ruv_sparse_fault(RuvSparse v, int32_t dims)
{
	for (size_t i = 0; i < v.count; i++)
	{
		if (v.indices[i] < 0 || v.indices[i] >= dims)
			return RUV_SPARSE_OUT_OF_BOUNDS;
		if (i > 0 && v.indices[i] < v.indices[i - 1])
			return RUV_SPARSE_DESCENDING;
		if (i > 0 && v.indices[i] == v.indices[i - 1])
			return RUV_SPARSE_DUPLICATE;
	}
	for (size_t i = 0; i < v.count; i++)
	{
		if (isnan(v.values[i]))
			return RUV_SPARSE_NAN;
		if (isinf(v.values[i]))
			return RUV_SPARSE_INFINITE;
		if (v.values[i] == 0.0f)
			return RUV_SPARSE_ZERO;
	}
	return RUV_SPARSE_OK;
}

typedef enum Term
{
	TERM_SQUARE,
	TERM_MAGNITUDE
} Term;

/* term is a constant in every caller. */
static inline double
term_of(Term term, double value)
{
	if (term == TERM_SQUARE)
		return value * value;
	return fabs(value);
}

/*
 * The value, or zero if it is not taken.  The empty statement hides from
 * compilers that this is a choice, of which they would make a branch.
 */
static inline double
taken(float value, bool is_taken)
{
	uint32_t	mask = -(uint32_t) is_taken;

#if defined(__GNUC__)
	__asm__(""
			: "+r"(mask));
#endif
	return (double) ruv_float_from_bits(ruv_float_bits(value) & mask);
}

static inline double
sum_from(Term term, RuvSparse v, size_t begin)
{
	double		sum = 0.0;

	for (size_t i = begin; i < v.count; i++)
		sum += term_of(term, (double) v.values[i]);
	return sum;
}

/* The sum of the terms of a - b. */
static inline double
sum_of_differences(Term term, RuvSparse a, RuvSparse b)
{
	double		sum = 0.0;
	size_t		i = 0;
	size_t		j = 0;

	while (i < a.count && j < b.count)
	{
		bool		from_a = a.indices[i] <= b.indices[j];
		bool		from_b = b.indices[j] <= a.indices[i];
		double		x = taken(a.values[i], from_a);
		double		y = taken(b.values[j], from_b);

		sum += term_of(term, x - y);
		i += from_a;
		j += from_b;
	}
	return sum + sum_from(term, a, i) + sum_from(term, b, j);
}

static double
merge_products(RuvSparse a, RuvSparse b)
{
	double		sum = 0.0;
	size_t		i = 0;
	size_t		j = 0;

	while (i < a.count && j < b.count)
	{
		int32_t		at_a = a.indices[i];
		int32_t		at_b = b.indices[j];

		/* rare in sparse vectors, and so well foreseen */
		if (at_a == at_b)
			sum += (double) a.values[i] * (double) b.values[j];
		i += at_a <= at_b;
		j += at_b <= at_a;
	}
	return sum;
}

/* The first place from `from` on whose index is not below `index`. */
static size_t
find_index(RuvSparse v, size_t from, int32_t index)
{
	size_t		low = from;
	size_t		step = 1;
	size_t		high;

	/* what stands before low is below index; high is v.count or not below */
	while (low < v.count && step <= v.count - low &&
		   v.indices[low + step - 1] < index)
	{
		low += step;
		step *= 2;
	}
	high = step <= v.count - low ? low + step - 1 : v.count;
	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (v.indices[middle] < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static double
look_up_products(RuvSparse few, RuvSparse many)
{
	double		sum = 0.0;
	size_t		j = 0;

	for (size_t i = 0; i < few.count; i++)
	{
		j = find_index(many, j, few.indices[i]);
		if (j == many.count)
			break;
		if (many.indices[j] == few.indices[i])
			sum += (double) few.values[i] * (double) many.values[j];
	}
	return sum;
}

float
ruv_sparse_l2_squared(RuvSparse a, RuvSparse b)
{
	return (float) sum_of_differences(TERM_SQUARE, a, b);
}

float
ruv_sparse_l1(RuvSparse a, RuvSparse b)
{
	return (float) sum_of_differences(TERM_MAGNITUDE, a, b);
}

float
ruv_sparse_inner_product(RuvSparse a, RuvSparse b)
{
	if (a.count > b.count * LOOKUP_RATIO)
		return (float) look_up_products(b, a);
	if (b.count > a.count * LOOKUP_RATIO)
		return (float) look_up_products(a, b);
	return (float) merge_products(a, b);
}

void
ruv_sparse_cosine(RuvSparse a, RuvSparse b, float *ab, float *aa, float *bb)
{
	*ab = ruv_sparse_inner_product(a, b);
	*aa = (float) sum_from(TERM_SQUARE, a, 0);
	*bb = (float) sum_from(TERM_SQUARE, b, 0);
}
