/*
 * rvd_sparsevec_cast.c
 *		Casts: sparsevec to sparsevec(n), dense vectors and arrays to
 *		sparsevec, sparsevec to dense vectors.
 */
#include "postgres.h"

#include "types/rvd_dense.h"
#include "types/rvd_sparsevec.h"

/* sparsevec(sparsevec, integer, boolean) returns sparsevec: checks only */
RVD_FUNCTION(rvd_sparsevec_to_self);
Datum
rvd_sparsevec_to_self(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);

	(void) rvd_dims_fit(PG_GETARG_INT32(1), v->dims, NULL);
	PG_RETURN_POINTER(v);
}

/* The elements of x that are not zero; NaN is none, here. */
static RvdSparsevec *
from_floats(const float *x, int dims)
{
	RvdSparsevec *v;
	float	   *values;
	int			count = 0;
	int			n = 0;

	for (int i = 0; i < dims; i++)
		count += x[i] != 0;
	rvd_sparsevec_check_count(count, dims);

	v = rvd_sparsevec_new(dims, count);
	values = rvd_sparsevec_values(v);
	for (int i = 0; i < dims; i++)
	{
		if (x[i] == 0)
			continue;
		v->indices[n] = i;
		values[n++] = x[i];
	}
	return v;
}

/* vector_to_sparsevec(vector, integer, boolean) returns sparsevec */
RVD_GENERIC Datum
dense_to_sparsevec(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	const float *x = rvd_floats(v);
	RvdSparsevec *result;

	(void) rvd_dims_fit(PG_GETARG_INT32(1), v->dims, NULL);
	if (!rvd_is_float(kind))
		x = rvd_load(kind, v, 0, v->dims,
					 (float *) palloc(sizeof(float) * (Size) v->dims));
	result = from_floats(x, v->dims);
	PG_RETURN_POINTER(result);
}

RVD_DENSE_FUNCTION(to_sparsevec);

/* sparsevec_to_vector(sparsevec, integer, boolean) returns vector */
RVD_GENERIC Datum
dense_from_sparsevec(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	const float *values = rvd_sparsevec_values(v);
	RvdDense   *result;

	rvd_dense_check_dims(kind, v->dims);
	(void) rvd_dims_fit(PG_GETARG_INT32(1), v->dims, NULL);
	rvd_check_range(kind->type, kind->limit, values, v->count);

	result = rvd_dense_new(kind, v->dims);
	for (int i = 0; i < v->count; i++)
	{
		/* stored bytes decide where this writes */
		if (unlikely(v->indices[i] < 0 || v->indices[i] >= v->dims))
			elog(ERROR, "index out of bounds");
		if (rvd_is_float(kind))
			rvd_floats(result)[v->indices[i]] = values[i];
		else
			rvd_halves(result)[v->indices[i]] = ruv_float_to_half(values[i]);
	}
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_POINTER(result);
}

RVD_DENSE_FUNCTION(from_sparsevec);

/* array_to_sparsevec(<number>[], integer, boolean) returns sparsevec */
RVD_FUNCTION(rvd_sparsevec_from_array);
Datum
rvd_sparsevec_from_array(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int32		typmod = PG_GETARG_INT32(1);
	int			n = rvd_array_count(array);
	RvdSparsevec *v;
	float	   *x;

	rvd_check_dims(RVD_SPARSEVEC, n, RVD_SPARSEVEC_MAX_DIMS);
	(void) rvd_dims_fit(typmod, n, NULL);

	x = (float *) palloc(sizeof(float) * (Size) n);
	rvd_array_floats(array, RVD_SPARSEVEC, INFINITY, x, n);
	v = from_floats(x, n);
	rvd_check_finite(RVD_SPARSEVEC, rvd_sparsevec_values(v), v->count);
	pfree(x);
	PG_RETURN_POINTER(v);
}
