/*
 * rvd_vector_distance.c
 *		Distances between two vectors, and the norm of one.
 *
 * The sums are float sums of the kernel in use, as an index takes them too;
 * roots and quotients are taken in double.  A sum too large for a float is an
 * infinity, not an error.
 */
#include "postgres.h"

#include <math.h>

#include "pg/rvd_kernels.h"
#include "types/rvd_vector.h"

typedef float (*SumKernel)(const float *a, const float *b, size_t n);

/* Applies the kernel to the two arguments, which must agree in dims. */
static double
sum_of_arguments(FunctionCallInfo fcinfo, SumKernel kernel)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	double		sum;

	rvd_vector_check_same_dims(a, b);
	sum = (double) kernel(a->x, b->x, (size_t) a->dims);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return sum;
}

/* Rounding may leave a cosine a little outside its range; NaN stays NaN. */
static inline double
clamp_cosine(double cosine)
{
	if (cosine > 1)
		return 1;
	if (cosine < -1)
		return -1;
	return cosine;
}

/* l2_distance(vector, vector) returns float8 */
RVD_FUNCTION(rvd_l2_distance);
Datum
rvd_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(sum_of_arguments(fcinfo, rvd_kernels->l2_squared)));
}

/* vector_l2_squared_distance(vector, vector) returns float8 */
RVD_FUNCTION(rvd_vector_l2_squared_distance);
Datum
rvd_vector_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, rvd_kernels->l2_squared));
}

/* inner_product(vector, vector) returns float8 */
RVD_FUNCTION(rvd_inner_product);
Datum
rvd_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, rvd_kernels->inner_product));
}

/* vector_negative_inner_product(vector, vector) returns float8 */
RVD_FUNCTION(rvd_vector_negative_inner_product);
Datum
rvd_vector_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-sum_of_arguments(fcinfo, rvd_kernels->inner_product));
}

/* l1_distance(vector, vector) returns float8 */
RVD_FUNCTION(rvd_l1_distance);
Datum
rvd_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sum_of_arguments(fcinfo, rvd_kernels->l1));
}

/*
 * vector_spherical_distance(vector, vector) returns float8
 *
 * The angle in units of pi; the arguments must be of unit length.
 */
RVD_FUNCTION(rvd_vector_spherical_distance);
Datum
rvd_vector_spherical_distance(PG_FUNCTION_ARGS)
{
	double		cosine = sum_of_arguments(fcinfo, rvd_kernels->inner_product);

	PG_RETURN_FLOAT8(acos(clamp_cosine(cosine)) / M_PI);
}

/*
 * cosine_distance(vector, vector) returns float8
 *
 * NaN if either vector has the norm zero.
 */
RVD_FUNCTION(rvd_cosine_distance);
Datum
rvd_cosine_distance(PG_FUNCTION_ARGS)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	float		ab;
	float		aa;
	float		bb;
	double		cosine;

	rvd_vector_check_same_dims(a, b);
	rvd_kernels->cosine(a->x, b->x, (size_t) a->dims, &ab, &aa, &bb);
	/* one root of the product loses less than a product of two roots */
	cosine = (double) ab / sqrt((double) aa * (double) bb);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(1.0 - clamp_cosine(cosine));
}

/* vector_norm(vector) returns float8 */
RVD_FUNCTION(rvd_vector_norm);
Datum
rvd_vector_norm(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	double		norm = rvd_vector_l2_norm(v);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_FLOAT8(norm);
}

/* In double throughout: no square of a float overflows there. */
double
rvd_vector_l2_norm(const RvdVector *v)
{
	double		sums[4] = {0};
	int			i = 0;

	/* four sums, because one would wait for its own last addition */
	for (; i + 4 <= v->dims; i += 4)
		for (int j = 0; j < 4; j++)
			sums[j] += (double) v->x[i + j] * (double) v->x[i + j];
	for (; i < v->dims; i++)
		sums[0] += (double) v->x[i] * (double) v->x[i];
	return sqrt((sums[0] + sums[1]) + (sums[2] + sums[3]));
}
