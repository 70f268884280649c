/*
 * rvd_sparsevec_distance.c
 *		Distances between two sparse vectors, and the norm of one.
 *
 * As for dense vectors: a sum too large for a float is an infinity, not an
 * error, and roots and quotients are taken in double.
 */
#include "postgres.h"

#include <math.h>

#include "utils/float.h"

#include "types/rvd_sparsevec.h"

static RvdSparsevec *without_zeros(const RvdSparsevec *v, int zeros);

typedef float (*Sum)(RuvSparse a, RuvSparse b);

static inline void
check_same_dims(const RvdSparsevec *a, const RvdSparsevec *b)
{
	if (unlikely(a->dims != b->dims))
		rvd_dims_differ(RVD_SPARSEVEC, a->dims, b->dims);
}

/* Of the two arguments, which must agree in dims. */
static double
sum_of_arguments(FunctionCallInfo fcinfo, Sum sum)
{
	RvdSparsevec *a = RVD_GETARG_SPARSEVEC(0);
	RvdSparsevec *b = RVD_GETARG_SPARSEVEC(1);
	double		result;

	check_same_dims(a, b);
	result = (double) sum(rvd_sparse_of(a), rvd_sparse_of(b));
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/* l2_distance(sparsevec, sparsevec) returns float8 */
RVD_FUNCTION(rvd_sparsevec_l2_distance);
Datum
rvd_sparsevec_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(sum_of_arguments(fcinfo, ruv_sparse_l2_squared)));
}

/* sparsevec_l2_squared_distance(sparsevec, sparsevec) returns float8 */
RVD_FUNCTION(rvd_sparsevec_l2_squared_distance);
Datum
rvd_sparsevec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, ruv_sparse_l2_squared));
}

/* inner_product(sparsevec, sparsevec) returns float8 */
RVD_FUNCTION(rvd_sparsevec_inner_product);
Datum
rvd_sparsevec_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, ruv_sparse_inner_product));
}

/* sparsevec_negative_inner_product(sparsevec, sparsevec) returns float8 */
RVD_FUNCTION(rvd_sparsevec_negative_inner_product);
Datum
rvd_sparsevec_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-sum_of_arguments(fcinfo, ruv_sparse_inner_product));
}

/* l1_distance(sparsevec, sparsevec) returns float8 */
RVD_FUNCTION(rvd_sparsevec_l1_distance);
Datum
rvd_sparsevec_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, ruv_sparse_l1));
}

/*
 * cosine_distance(sparsevec, sparsevec) returns float8
 *
 * NaN if either vector has the norm zero.
 */
RVD_FUNCTION(rvd_sparsevec_cosine_distance);
Datum
rvd_sparsevec_cosine_distance(PG_FUNCTION_ARGS)
{
	RvdSparsevec *a = RVD_GETARG_SPARSEVEC(0);
	RvdSparsevec *b = RVD_GETARG_SPARSEVEC(1);
	float		ab;
	float		aa;
	float		bb;
	double		cosine;

	check_same_dims(a, b);
	ruv_sparse_cosine(rvd_sparse_of(a), rvd_sparse_of(b), &ab, &aa, &bb);
	cosine = (double) ab / sqrt((double) aa * (double) bb);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(1.0 - rvd_clamp_cosine(cosine));
}

/* In double throughout: no square of a float overflows or vanishes there. */
static double
l2_norm(const RvdSparsevec *v)
{
	const float *values = rvd_sparsevec_values(v);
	double		sum = 0;

	for (int i = 0; i < v->count; i++)
		sum += (double) values[i] * (double) values[i];
	return sqrt(sum);
}

/* l2_norm(sparsevec) returns float8 */
RVD_FUNCTION(rvd_sparsevec_norm);
Datum
rvd_sparsevec_norm(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	double		norm = l2_norm(v);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_FLOAT8(norm);
}

/*
 * l2_normalize(sparsevec) returns sparsevec
 *
 * The zero vector has no direction and stays what it is.  A quotient may
 * vanish, and then it is an element no more.
 */
RVD_FUNCTION(rvd_sparsevec_l2_normalize);
Datum
rvd_sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	const float *from = rvd_sparsevec_values(v);
	RvdSparsevec *result = rvd_sparsevec_new(v->dims, v->count);
	float	   *to = rvd_sparsevec_values(result);
	double		norm = l2_norm(v);
	int			zeros = 0;

	memcpy(result->indices, v->indices, sizeof(int32) * (Size) v->count);
	for (int i = 0; i < v->count; i++)
	{
		to[i] = (float) (from[i] / norm);
		if (isinf(to[i]))
			float_overflow_error();
		zeros += to[i] == 0;
	}
	if (zeros > 0)
		result = without_zeros(result, zeros);
	PG_RETURN_POINTER(result);
}

static RvdSparsevec *
without_zeros(const RvdSparsevec *v, int zeros)
{
	const float *from = rvd_sparsevec_values(v);
	RvdSparsevec *result = rvd_sparsevec_new(v->dims, v->count - zeros);
	float	   *to = rvd_sparsevec_values(result);
	int			n = 0;

	for (int i = 0; i < v->count; i++)
	{
		if (from[i] == 0)
			continue;
		result->indices[n] = v->indices[i];
		to[n++] = from[i];
	}
	Assert(n == result->count);
	return result;
}
