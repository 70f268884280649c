/*
 * rvd_dense_distance.c
 *		Distances between two dense vectors, and the norm of one.
 *
 * The sums are float sums of the kernel in use, as an index takes them too;
 * roots and quotients are taken in double.  A sum too large for a float is an
 * infinity, not an error.
 */
#include "postgres.h"

#include "types/rvd_dense.h"

typedef enum Sum
{
	L2_SQUARED,
	INNER_PRODUCT,
	L1
} Sum;

RVD_GENERIC float
sum_of(const RvdKind *kind, Sum sum, const RvdDense *a, const RvdDense *b)
{
	size_t		n = (size_t) a->dims;

	if (rvd_is_float(kind))
	{
		if (sum == L2_SQUARED)
			return rvd_kernels->l2_squared(rvd_floats(a), rvd_floats(b), n);
		if (sum == L1)
			return rvd_kernels->l1(rvd_floats(a), rvd_floats(b), n);
		return rvd_kernels->inner_product(rvd_floats(a), rvd_floats(b), n);
	}
	if (sum == L2_SQUARED)
		return rvd_kernels->half->l2_squared(rvd_halves(a), rvd_halves(b), n);
	if (sum == L1)
		return rvd_kernels->half->l1(rvd_halves(a), rvd_halves(b), n);
	return rvd_kernels->half->inner_product(rvd_halves(a), rvd_halves(b), n);
}

/* Of the two arguments, which must agree in dims. */
RVD_GENERIC double
sum_of_arguments(FunctionCallInfo fcinfo, const RvdKind *kind, Sum sum)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	double		result;

	rvd_check_same_dims(kind, a, b);
	result = (double) sum_of(kind, sum, a, b);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/* l2_distance(vector, vector) returns float8 */
RVD_GENERIC Datum
dense_l2_distance(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_FLOAT8(sqrt(sum_of_arguments(fcinfo, kind, L2_SQUARED)));
}

RVD_DENSE_FUNCTION(l2_distance);

/* vector_l2_squared_distance(vector, vector) returns float8 */
RVD_GENERIC Datum
dense_l2_squared_distance(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, kind, L2_SQUARED));
}

RVD_DENSE_FUNCTION(l2_squared_distance);

/* inner_product(vector, vector) returns float8 */
RVD_GENERIC Datum
dense_inner_product(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, kind, INNER_PRODUCT));
}

RVD_DENSE_FUNCTION(inner_product);

/* vector_negative_inner_product(vector, vector) returns float8 */
RVD_GENERIC Datum
dense_negative_inner_product(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_FLOAT8(-sum_of_arguments(fcinfo, kind, INNER_PRODUCT));
}

RVD_DENSE_FUNCTION(negative_inner_product);

/* l1_distance(vector, vector) returns float8 */
RVD_GENERIC Datum
dense_l1_distance(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, kind, L1));
}

RVD_DENSE_FUNCTION(l1_distance);

/*
 * vector_spherical_distance(vector, vector) returns float8
 *
 * The angle in units of pi; the arguments must be of unit length.
 */
RVD_GENERIC Datum
dense_spherical_distance(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	double		cosine = sum_of_arguments(fcinfo, kind, INNER_PRODUCT);

	PG_RETURN_FLOAT8(acos(rvd_clamp_cosine(cosine)) / M_PI);
}

RVD_DENSE_FUNCTION(spherical_distance);

/*
 * cosine_distance(vector, vector) returns float8
 *
 * NaN if either vector has the norm zero.
 */
RVD_GENERIC Datum
dense_cosine_distance(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	float		ab;
	float		aa;
	float		bb;
	double		cosine;

	rvd_check_same_dims(kind, a, b);
	if (rvd_is_float(kind))
		rvd_kernels->cosine(rvd_floats(a), rvd_floats(b), (size_t) a->dims,
							&ab, &aa, &bb);
	else
		rvd_kernels->half->cosine(rvd_halves(a), rvd_halves(b),
								  (size_t) a->dims, &ab, &aa, &bb);
	/* one root of the product loses less than a product of two roots */
	cosine = (double) ab / sqrt((double) aa * (double) bb);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(1.0 - rvd_clamp_cosine(cosine));
}

RVD_DENSE_FUNCTION(cosine_distance);

/* In double throughout: no square of a float overflows there. */
RVD_GENERIC double
l2_norm(const RvdKind *kind, const RvdDense *v)
{
	double		sums[4] = {0};
	float		buffer[RVD_CHUNK];

	for (int from = 0, n; from < v->dims; from += n)
	{
		const float *x;
		int			i = 0;

		n = rvd_step(kind, v->dims, from);
		x = rvd_load(kind, v, from, n, buffer);
		/* four sums, because one would wait for its own last addition */
		for (; i + 4 <= n; i += 4)
			for (int j = 0; j < 4; j++)
				sums[j] += (double) x[i + j] * (double) x[i + j];
		for (; i < n; i++)
			sums[0] += (double) x[i] * (double) x[i];
	}
	return sqrt((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

double
rvd_dense_l2_norm(const RvdKind *kind, const RvdDense *v)
{
	if (rvd_is_float(kind))
		return l2_norm(&rvd_vector_kind, v);
	return l2_norm(&rvd_halfvec_kind, v);
}

double
rvd_vector_l2_norm(const RvdVector *v)
{
	return l2_norm(&rvd_vector_kind, (const RvdDense *) v);
}

/* vector_norm(vector), l2_norm(halfvec) return float8 */
RVD_GENERIC Datum
dense_norm(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	double		norm = l2_norm(kind, v);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_FLOAT8(norm);
}

RVD_DENSE_FUNCTION(norm);
