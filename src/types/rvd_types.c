/*
 * rvd_types.c
 *		What all vector types check and say alike: limits, type modifiers,
 *		faults of texts, elements of arrays.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"

#include "types/rvd_types.h"

static void copy_numerics(ArrayType *array, const char *type, float limit,
						  float *x);

/* Wider than int so that callers can pass a sum or a size as it is. */
void
rvd_check_dims(const char *type, int64 dims, int max_dims)
{
	if (dims < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type)));
	if (dims > max_dims)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions", type,
						max_dims)));
}

void
rvd_dims_differ(const char *type, int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different %s dimensions %d and %d", type, a, b)));
}

/*
 * rvd_dims_fit
 *		Does the count of dimensions agree with the type modifier?
 *
 * If not, an error: a soft one, and false, where escontext asks for it.
 */
bool
rvd_dims_fit(int32 typmod, int dims, Node *escontext)
{
	if (typmod == -1 || typmod == dims)
		return true;
	ereturn(escontext, false,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("expected %d dimensions, not %d", typmod, dims)));
}

/* Reports the first element that is NaN or infinite. */
void
rvd_check_finite(const char *type, const float *x, int n)
{
	bool		finite = true;

	/* no exit from the loop: the compiler makes vector code of it */
	for (int i = 0; i < n; i++)
		finite &= isfinite(x[i]) != 0;
	if (likely(finite))
		return;

	for (int i = 0; i < n; i++)
	{
		if (isnan(x[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("NaN not allowed in %s", type)));
		if (isinf(x[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("infinite value not allowed in %s", type)));
	}
}

/* Reports the first number that an element of the type cannot hold. */
void
rvd_check_range(const char *type, float limit, const float *x, int n)
{
	bool		in_range = true;

	for (int i = 0; i < n; i++)
		in_range &= !(fabsf(x[i]) >= limit);
	if (likely(in_range))
		return;

	for (int i = 0; i < n; i++)
	{
		char		text[FLOAT_SHORTEST_DECIMAL_LEN];

		/* an infinity is a fault of another kind */
		if (!isfinite(x[i]) || fabsf(x[i]) < limit)
			continue;
		float_to_shortest_decimal_buf(x[i], text);
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s\" is out of range for type %s", text, type)));
	}
}

/* The reserved field of a binary message. */
void
rvd_check_unused(int unused)
{
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));
}

int32
rvd_typmod_of(ArrayType *array, const char *type, int max_dims)
{
	int			n;
	int32	   *modifiers = ArrayGetIntegerTypmods(array, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	if (modifiers[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type)));
	if (modifiers[0] > max_dims)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d", type,
						max_dims)));
	return modifiers[0];
}

/* The server keeps LC_NUMERIC at C, which is what strtof must run in. */
float
rvd_parse_float(const char *text, char **end)
{
	return strtof(text, end);
}

/*
 * rvd_text_fault
 *		Say what is wrong with a text: a number, or else its syntax, then with
 *		detail unless that is NULL.
 *
 * Returns only if the caller of the input function wants soft errors.
 */
Datum
rvd_text_fault(const char *type, RuvTextFault fault, const char *text,
			   const char *detail, const RuvTextResult *result,
			   Node *escontext)
{
	if (fault == RUV_TEXT_NO_ELEMENT)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type)));
	if (fault == RUV_TEXT_NAN)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in %s", type)));
	if (fault == RUV_TEXT_INFINITE)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("infinite value not allowed in %s", type)));
	if (fault == RUV_TEXT_OUT_OF_RANGE)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%.*s\" is out of range for type %s",
						(int) (result->end - result->begin), result->begin,
						type)));
	ereturn(escontext, (Datum) 0,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", type, text),
			 detail != NULL ? errdetail("%s", detail) : 0));
}

/* At most FLOAT_SHORTEST_DECIMAL_LEN - 1 bytes, no NUL; returns their end. */
char *
rvd_append_float(char *p, float value)
{
	return p + float_to_shortest_decimal_bufn(value, p);
}

/* How many elements an array has that may become a vector. */
int
rvd_array_count(ArrayType *array)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

/*
 * rvd_array_floats
 *		The n elements of an array without nulls, each rounded to float and
 *		below the limit, but perhaps not finite.
 *
 * Elements of fixed length stand one after another, so they are read in place.
 */
void
rvd_array_floats(ArrayType *array, const char *type, float limit, float *x,
				 int n)
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
			copy_numerics(array, type, limit, x);
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("unsupported array type")));
	}
	rvd_check_range(type, limit, x, n);
}

/* numeric_float4 has errors of its own, so the range is checked in between. */
static void
copy_numerics(ArrayType *array, const char *type, float limit, float *x)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements,
					  NULL, &n);
	for (int i = 0; i < n; i++)
	{
		x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4,
												  elements[i]));
		rvd_check_range(type, limit, &x[i], 1);
	}
	pfree(elements);
}

/*
 * rvd_array_new
 *		A one-dimensional array without nulls, its elements not yet set.
 *
 * For element types of fixed length; spares the array of Datums that
 * construct_array wants.
 */
ArrayType *
rvd_array_new(Oid element_type, Size element_size, int n)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + element_size * (Size) n;
	ArrayType  *array;

	Assert(n >= 1);
	array = (ArrayType *) palloc(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = element_type;
	*ARR_DIMS(array) = n;
	*ARR_LBOUND(array) = 1;
	return array;
}
