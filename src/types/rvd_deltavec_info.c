/*
 * rvd_deltavec_info.c
 *		What a deltavec is and does.
 *
 * A delta for vectors of any dimensions that changes all of them cannot say
 * how many these are: it answers NULL.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "types/rvd_deltavec_int.h"
#include "types/rvd_types.h"

static const char *
kind_of(const RuvDelta *delta)
{
	if (delta->kind == RUV_DELTA_CREATE)
		return "create";
	if (delta->kind == RUV_DELTA_DELETE)
		return "delete";
	if (ruv_delta_is_identity(delta))
		return "identity";
	if (delta->nsteps == 0)
		return delta->nassigned == delta->dims ? "dense" : "sparse";
	if (delta->nsteps == 1 && delta->nassigned == 0 &&
		delta->steps[0].kind != RUV_STEP_NUDGE)
		return delta->steps[0].kind == RUV_STEP_SCALE ? "scale" : "offset";
	return "affine";
}

/* delta_kind(deltavec) returns text */
RVD_FUNCTION(rvd_delta_kind);
Datum
rvd_delta_kind(PG_FUNCTION_ARGS)
{
	RuvDelta	delta;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	PG_RETURN_TEXT_P(cstring_to_text(kind_of(&delta)));
}

/* delta_is_identity(deltavec) returns boolean */
RVD_FUNCTION(rvd_delta_is_identity);
Datum
rvd_delta_is_identity(PG_FUNCTION_ARGS)
{
	RuvDelta	delta;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	PG_RETURN_BOOL(ruv_delta_is_identity(&delta));
}

/* delta_dims(deltavec) returns integer; NULL if it fits any vector */
RVD_FUNCTION(rvd_delta_dims);
Datum
rvd_delta_dims(PG_FUNCTION_ARGS)
{
	RuvDelta	delta;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	if (delta.dims == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) delta.dims);
}

/* Does it change all dimensions, whatever their number? */
static bool
changes_unknown(const RuvDelta *delta)
{
	return delta->dims == 0 && !ruv_delta_is_identity(delta);
}

/* delta_changed(deltavec) returns integer */
RVD_FUNCTION(rvd_delta_changed);
Datum
rvd_delta_changed(PG_FUNCTION_ARGS)
{
	RuvDelta	delta;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	if (changes_unknown(&delta))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) ruv_delta_reach(&delta));
}

/* delta_dimensions(deltavec) returns integer[], counted from 1 */
RVD_FUNCTION(rvd_delta_dimensions);
Datum
rvd_delta_dimensions(PG_FUNCTION_ARGS)
{
	RuvDelta	delta;
	uint32_t	reach;
	bool	   *reached;
	ArrayType  *array;
	int32	   *out;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	if (changes_unknown(&delta))
		PG_RETURN_NULL();
	reach = ruv_delta_reach(&delta);
	if (reach == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT4OID));
	reached = palloc0(delta.dims * sizeof(bool));
	if (reach == delta.dims)
		memset(reached, true, delta.dims * sizeof(bool));
	else
	{
		/* only assignments, and one step of nudges: disjoint */
		for (uint32_t i = 0; i < delta.nassigned; i++)
			reached[delta.dim[i]] = true;
		for (uint32_t i = 0; i < delta.nnudges; i++)
			reached[delta.nudges[i].dim] = true;
	}
	array = rvd_array_new(INT4OID, sizeof(int32), (int) reach);
	out = (int32 *) ARR_DATA_PTR(array);
	for (uint32_t i = 0; i < delta.dims; i++)
	{
		if (reached[i])
			*out++ = (int32) i + 1;
	}
	PG_RETURN_ARRAYTYPE_P(array);
}

/* delta_bytes(deltavec) returns integer; out of line it is not fetched */
RVD_FUNCTION(rvd_delta_bytes);
Datum
rvd_delta_bytes(PG_FUNCTION_ARGS)
{
	Size		size = toast_raw_datum_size(PG_GETARG_DATUM(0)) - VARHDRSZ;

	PG_RETURN_INT32((int32) size);
}

/*
 * delta_norm(deltavec, base vector) returns double precision
 *
 * How far it moves the base; NULL if it deletes it.
 */
RVD_FUNCTION(rvd_delta_norm);
Datum
rvd_delta_norm(PG_FUNCTION_ARGS)
{
	RvdVector  *base = RVD_GETARG_VECTOR(1);
	RvdVector  *moved = rvd_delta_applied(base, PG_GETARG_DATUM(0));
	double		sum = 0;

	if (moved == NULL)
		PG_RETURN_NULL();
	rvd_vector_check_same_dims(base, moved);
	for (int i = 0; i < base->dims; i++)
	{
		double		by = (double) moved->x[i] - (double) base->x[i];

		sum += by * by;
	}
	PG_RETURN_FLOAT8(sqrt(sum));
}
