/*
 * rvd_vector_check.c
 *		Allocation of vectors and the checks that every way of making one
 *		goes through.
 *
 * Texts and SQLSTATEs are pgvector's: programs match on them.
 */
#include "postgres.h"

#include <math.h>

#include "types/rvd_vector.h"

/* A vector of zeros. */
RvdVector *
rvd_vector_new(int dims)
{
	Size		size = rvd_vector_size(dims);
	RvdVector  *v = (RvdVector *) palloc0(size);

	SET_VARSIZE(v, size);
	v->dims = (int16) dims;
	return v;
}

/* Wider than int so that callers can pass a sum or a size as it is. */
void
rvd_vector_check_dims(int64 dims)
{
	if (dims < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("vector must have at least 1 dimension")));
	if (dims > RVD_VECTOR_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("vector cannot have more than %d dimensions",
						RVD_VECTOR_MAX_DIMS)));
}

/*
 * rvd_vector_fits
 *		Does the count of dimensions agree with the type modifier?
 *
 * If not, an error: a soft one, and false, where escontext asks for it.
 */
bool
rvd_vector_fits(int32 typmod, int dims, Node *escontext)
{
	if (typmod == -1 || typmod == dims)
		return true;
	ereturn(escontext, false,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("expected %d dimensions, not %d", typmod, dims)));
}

/* Reports the first element that is NaN or infinite. */
void
rvd_vector_check_finite(const float *x, int n)
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
					 errmsg("NaN not allowed in vector")));
		if (isinf(x[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("infinite value not allowed in vector")));
	}
}

void
rvd_vector_dims_differ(const RvdVector *a, const RvdVector *b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different vector dimensions %d and %d", a->dims,
					b->dims)));
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

	Assert(n >= 1 && n <= RVD_VECTOR_MAX_DIMS + 1);
	array = (ArrayType *) palloc(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = element_type;
	*ARR_DIMS(array) = n;
	*ARR_LBOUND(array) = 1;
	return array;
}
