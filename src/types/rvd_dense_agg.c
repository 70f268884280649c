/*
 * rvd_dense_agg.c
 *		avg of dense vectors: transition, combine and final function.
 *
 * The state is a float8 array, the count and then one sum per dimension, as
 * for avg(real): partial states can travel from parallel workers, and the
 * functions can be called from SQL, so every state is checked.  '{0}' is the
 * state of no rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/float.h"

#include "types/rvd_dense.h"

/* A state, taken apart; values[0] is the count, sums follow. */
typedef struct AvgState
{
	ArrayType  *array;
	float8	   *values;
	int			dims;			/* 0: no row yet */
} AvgState;

/* A state that the SQL function type_function was called with. */
static AvgState
open_state(ArrayType *array, const char *type, const char *function)
{
	AvgState	state;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] < 1 ||
		ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
		elog(ERROR, "%s_%s: expected state array", type, function);
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
					  "new", "state");
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

/* Reports the first element that is none of the kind, whatever is wrong. */
static void
check_mean(const RvdKind *kind, const float *x, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (likely(fabsf(x[i]) < kind->limit))
			continue;
		rvd_check_range(kind->type, kind->limit, &x[i], 1);
		rvd_check_finite(kind->type, &x[i], 1);
	}
}

/* vector_accum(double precision[], vector) returns double precision[] */
RVD_GENERIC Datum
dense_accum(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	AvgState	state = open_state(PG_GETARG_ARRAYTYPE_P(0), kind->type,
								   "accum");
	RvdDense   *v = RVD_GETARG_DENSE(kind, 1);
	AvgState	result;
	float		buffer[RVD_CHUNK];

	if (state.dims == 0)
		result = new_state(v->dims);
	else
	{
		(void) rvd_dims_fit(state.dims, v->dims, NULL);
		result = target_state(fcinfo, state);
	}
	for (int from = 0, n; from < v->dims; from += n)
	{
		float8	   *sums = result.values + 1 + from;
		const float *x;

		n = rvd_step(kind, v->dims, from);
		x = rvd_load(kind, v, from, n, buffer);
		if (state.dims == 0)
			for (int i = 0; i < n; i++)
				sums[i] = (float8) x[i];
		else
			for (int i = 0; i < n; i++)
				sums[i] = state.values[1 + from + i] + (float8) x[i];
	}
	check_sums(result);
	result.values[0] = state.values[0] + 1.0;
	PG_FREE_IF_COPY(v, 1);
	PG_RETURN_ARRAYTYPE_P(result.array);
}

RVD_DENSE_FUNCTION(accum);

/*
 * vector_combine(double precision[], double precision[])
 *		returns double precision[]
 *
 * A state does not know its type; halfvec_combine is the same function.
 */
RVD_FUNCTION(rvd_vector_combine);
Datum
rvd_vector_combine(PG_FUNCTION_ARGS)
{
	AvgState	a = open_state(PG_GETARG_ARRAYTYPE_P(0), "vector", "combine");
	AvgState	b = open_state(PG_GETARG_ARRAYTYPE_P(1), "vector", "combine");
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
		(void) rvd_dims_fit(a.dims, b.dims, NULL);
		result = target_state(fcinfo, a);
		for (int i = 1; i <= a.dims; i++)
			result.values[i] = a.values[i] + b.values[i];
		check_sums(result);
	}
	result.values[0] = count;
	PG_RETURN_ARRAYTYPE_P(result.array);
}

/* vector_avg(double precision[]) returns vector; NULL for no rows */
RVD_GENERIC Datum
dense_avg(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	AvgState	state = open_state(PG_GETARG_ARRAYTYPE_P(0), kind->type, "avg");
	float8		count = state.values[0];
	float		buffer[RVD_CHUNK];
	RvdDense   *v;

	if (count == 0)
		PG_RETURN_NULL();

	rvd_dense_check_dims(kind, state.dims);
	v = rvd_dense_new(kind, state.dims);
	for (int from = 0, n; from < v->dims; from += n)
	{
		float	   *x = rvd_room(kind, v, from, buffer);

		n = rvd_step(kind, v->dims, from);
		for (int i = 0; i < n; i++)
			x[i] = (float) (state.values[1 + from + i] / count);
		check_mean(kind, x, n);
		rvd_store(kind, v, from, n, x);
	}
	PG_RETURN_POINTER(v);
}

RVD_DENSE_FUNCTION(avg);
