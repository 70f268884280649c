/*
 * rvd_dense_cast.c
 *		Casts: to the same type, which checks the modifier; between vector and
 *		halfvec; arrays to them, and back to real[].
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "types/rvd_dense.h"

/* vector(vector, integer, boolean) returns vector: checks the modifier */
RVD_GENERIC Datum
dense_to_self(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);

	(void) rvd_dims_fit(PG_GETARG_INT32(1), v->dims, NULL);
	PG_RETURN_POINTER(v);
}

RVD_DENSE_FUNCTION(to_self);

/* array_to_vector(<number>[], integer, boolean) returns vector */
RVD_GENERIC Datum
dense_from_array(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int32		typmod = PG_GETARG_INT32(1);
	int			n = rvd_array_count(array);
	RvdDense   *v;
	float	   *x;

	rvd_dense_check_dims(kind, n);
	(void) rvd_dims_fit(typmod, n, NULL);

	v = rvd_dense_new(kind, n);
	x = rvd_floats(v);
	if (!rvd_is_float(kind))
		x = (float *) palloc(sizeof(float) * (Size) n);
	rvd_array_floats(array, kind->type, kind->limit, x, n);
	rvd_check_finite(kind->type, x, n);
	rvd_store(kind, v, 0, n, x);
	if (!rvd_is_float(kind))
		pfree(x);
	PG_RETURN_POINTER(v);
}

RVD_DENSE_FUNCTION(from_array);

/* vector_to_float4(vector, integer, boolean) returns real[] */
RVD_GENERIC Datum
dense_to_float4(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	ArrayType  *array = rvd_array_new(FLOAT4OID, sizeof(float4), v->dims);
	float	   *out = (float *) ARR_DATA_PTR(array);

	if (rvd_is_float(kind))
		memcpy(out, rvd_floats(v), sizeof(float4) * (Size) v->dims);
	else
		(void) rvd_load(kind, v, 0, v->dims, out);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_ARRAYTYPE_P(array);
}

RVD_DENSE_FUNCTION(to_float4);

/* halfvec_to_vector(halfvec, integer, boolean) returns vector */
RVD_FUNCTION(rvd_halfvec_to_vector);
Datum
rvd_halfvec_to_vector(PG_FUNCTION_ARGS)
{
	RvdDense   *v = RVD_GETARG_DENSE(&rvd_halfvec_kind, 0);
	RvdVector  *result;

	(void) rvd_dims_fit(PG_GETARG_INT32(1), v->dims, NULL);
	result = rvd_vector_new(v->dims);
	(void) rvd_load(&rvd_halfvec_kind, v, 0, v->dims, result->x);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_POINTER(result);
}

/* vector_to_halfvec(vector, integer, boolean) returns halfvec */
RVD_FUNCTION(rvd_vector_to_halfvec);
Datum
rvd_vector_to_halfvec(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	RvdDense   *result;

	(void) rvd_dims_fit(PG_GETARG_INT32(1), v->dims, NULL);
	rvd_check_range(rvd_halfvec_kind.type, rvd_halfvec_kind.limit, v->x,
					v->dims);
	result = rvd_dense_new(&rvd_halfvec_kind, v->dims);
	rvd_store(&rvd_halfvec_kind, result, 0, v->dims, v->x);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_POINTER(result);
}
