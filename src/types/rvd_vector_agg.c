/*
 * rvd_vector_agg.c
 *		avg(vector): transition, combine and final function.
 *
 * The state is a float8 array, the count and then one sum per dimension, as
 * for avg(real): partial states can travel from parallel workers, and the
 * functions can be called from SQL, so every state is checked.  '{0}' is the
 * state of no rows.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/float.h"

#include "types/rvd_vector.h"

/* A state, taken apart; values[0] is the count, sums follow. */
typedef struct AvgState
{
	ArrayType  *array;
	float8	   *values;
	int			dims;			/* 0: no row yet */
} AvgState;

static AvgState
open_state(ArrayType *array, const char *caller)
{
	AvgState	state;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] < 1 ||
		ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
		elog(ERROR, "%s: expected state array", caller);
	state.array = array;
	state.values = (float8 *) ARR_DATA_PTR(array);
	state.dims = ARR_DIMS(array)[0] - 1;
	return state;
}

/* The values are not set. */
static AvgState
new_state(int dims)
{
	return open_state(rvd_array_new(FLOAT8OID, sizeof(float8), dims + 1),
					  "new_state");
}

/*
 * target_state
 *		The state that takes the result: the first argument itself where an
 *		aggregate calls, for then nobody else sees it; else a new one.
 */
static AvgState
target_state(FunctionCallInfo fcinfo, AvgState first)
{
	if (AggCheckCallContext(fcinfo, NULL) != 0)
		return first;
	return new_state(first.dims);
}

static void
check_sums(AvgState state)
{
	bool		infinite = false;

	for (int i = 1; i <= state.dims; i++)
		infinite |= isinf(state.values[i]) != 0;
	if (unlikely(infinite))
		float_overflow_error();
}

/* vector_accum(double precision[], vector) returns double precision[] */
RVD_FUNCTION(rvd_vector_accum);
Datum
rvd_vector_accum(PG_FUNCTION_ARGS)
{
	AvgState	state = open_state(PG_GETARG_ARRAYTYPE_P(0), "vector_accum");
	RvdVector  *v = RVD_GETARG_VECTOR(1);
	AvgState	result;

	if (state.dims == 0)
	{
		result = new_state(v->dims);
		for (int i = 0; i < v->dims; i++)
			result.values[i + 1] = (float8) v->x[i];
	}
	else
	{
		(void) rvd_vector_fits(state.dims, v->dims, NULL);
		result = target_state(fcinfo, state);
		for (int i = 0; i < v->dims; i++)
			result.values[i + 1] = state.values[i + 1] + (float8) v->x[i];
		check_sums(result);
	}
	result.values[0] = state.values[0] + 1.0;
	PG_FREE_IF_COPY(v, 1);
	PG_RETURN_ARRAYTYPE_P(result.array);
}

/*
 * vector_combine(double precision[], double precision[])
 *		returns double precision[]
 */
RVD_FUNCTION(rvd_vector_combine);
Datum
rvd_vector_combine(PG_FUNCTION_ARGS)
{
	AvgState	a = open_state(PG_GETARG_ARRAYTYPE_P(0), "vector_combine");
	AvgState	b = open_state(PG_GETARG_ARRAYTYPE_P(1), "vector_combine");
	float8		count = a.values[0] + b.values[0];
	AvgState	result;

	if (a.dims > 0)
		rvd_vector_check_dims(a.dims);
	else if (b.dims > 0)
		rvd_vector_check_dims(b.dims);

	if (a.dims == 0 || b.dims == 0)
	{
		AvgState	filled = a.dims > 0 ? a : b;

		result = new_state(filled.dims);
		memcpy(result.values, filled.values,
			   sizeof(float8) * (Size) (filled.dims + 1));
	}
	else
	{
		(void) rvd_vector_fits(a.dims, b.dims, NULL);
		result = target_state(fcinfo, a);
		for (int i = 1; i <= a.dims; i++)
			result.values[i] = a.values[i] + b.values[i];
		check_sums(result);
	}
	result.values[0] = count;
	PG_RETURN_ARRAYTYPE_P(result.array);
}

/* vector_avg(double precision[]) returns vector; NULL for no rows */
RVD_FUNCTION(rvd_vector_avg);
Datum
rvd_vector_avg(PG_FUNCTION_ARGS)
{
	AvgState	state = open_state(PG_GETARG_ARRAYTYPE_P(0), "vector_avg");
	float8		count = state.values[0];
	RvdVector  *v;

	if (count == 0)
		PG_RETURN_NULL();

	rvd_vector_check_dims(state.dims);
	v = rvd_vector_new(state.dims);
	for (int i = 0; i < state.dims; i++)
		v->x[i] = (float) (state.values[i + 1] / count);
	rvd_vector_check_finite(v->x, v->dims);
	PG_RETURN_POINTER(v);
}
