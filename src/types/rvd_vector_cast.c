/*
 * rvd_vector_cast.c
 *		Casts: vector to vector(n), arrays to vector, vector to real[].
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"

#include "types/rvd_vector.h"

static void copy_elements(ArrayType *array, float *x, int n);
static void copy_numerics(ArrayType *array, float *x);

/* vector(vector, integer, boolean) returns vector: checks the modifier */
RVD_FUNCTION(rvd_vector_to_vector);
Datum
rvd_vector_to_vector(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);

	(void) rvd_vector_fits(PG_GETARG_INT32(1), v->dims, NULL);
	PG_RETURN_POINTER(v);
}

/* array_to_vector(<number>[], integer, boolean) returns vector */
RVD_FUNCTION(rvd_array_to_vector);
Datum
rvd_array_to_vector(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int32		typmod = PG_GETARG_INT32(1);
	RvdVector  *v;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	rvd_vector_check_dims(n);
	(void) rvd_vector_fits(typmod, n, NULL);

	v = rvd_vector_new(n);
	copy_elements(array, v->x, n);
	rvd_vector_check_finite(v->x, n);
	PG_RETURN_POINTER(v);
}

/*
 * copy_elements
 *		The n elements of an array without nulls, each rounded to float.
 *
 * Elements of fixed length stand one after another, so they are read in place.
 */
static void
copy_elements(ArrayType *array, float *x, int n)
{
	const char *data = ARR_DATA_PTR(array);

	switch (ARR_ELEMTYPE(array))
	{
		case FLOAT4OID:
			memcpy(x, data, sizeof(float) * (Size) n);
			break;
		case FLOAT8OID:
			for (int i = 0; i < n; i++)
				x[i] = (float) ((const float8 *) data)[i];
			break;
		case INT4OID:
			for (int i = 0; i < n; i++)
				x[i] = (float) ((const int32 *) data)[i];
			break;
		case NUMERICOID:
			copy_numerics(array, x);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("unsupported array type")));
	}
}

static void
copy_numerics(ArrayType *array, float *x)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements,
					  NULL, &n);
	for (int i = 0; i < n; i++)
		x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4,
												  elements[i]));
	pfree(elements);
}

/* vector_to_float4(vector, integer, boolean) returns real[] */
RVD_FUNCTION(rvd_vector_to_float4);
Datum
rvd_vector_to_float4(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	ArrayType  *array = rvd_array_new(FLOAT4OID, sizeof(float4), v->dims);

	memcpy(ARR_DATA_PTR(array), v->x, sizeof(float4) * (Size) v->dims);
	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_ARRAYTYPE_P(array);
}
