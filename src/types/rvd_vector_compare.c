/*
 * rvd_vector_compare.c
 *		Order and hash of vectors: the btree and hash operator classes.
 *
 * Vectors are ordered element by element, then by length, as arrays are.
 * Minus zero equals zero, so equal vectors may differ in their bytes: the hash
 * has to look through that, and btree may not deduplicate (the class has no
 * "equalimage" function on purpose).
 *
 * Index builds and sorts call these functions in one long-lived memory
 * context, so detoasted copies are freed.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "common/hashfn.h"

#include "types/rvd_vector.h"

static bool arguments_equal(FunctionCallInfo fcinfo);

/* <0, 0, >0 */
int
rvd_vector_compare(const RvdVector *a, const RvdVector *b)
{
	int			dims = Min(a->dims, b->dims);

	for (int i = 0; i < dims; i++)
	{
		if (a->x[i] < b->x[i])
			return -1;
		if (a->x[i] > b->x[i])
			return 1;
	}
	return (a->dims > b->dims) - (a->dims < b->dims);
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	int			order = rvd_vector_compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/* vector_cmp(vector, vector) returns integer */
RVD_FUNCTION(rvd_vector_cmp);
Datum
rvd_vector_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

/* vector_lt(vector, vector) returns boolean; so are the next five */
RVD_FUNCTION(rvd_vector_lt);
Datum
rvd_vector_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

RVD_FUNCTION(rvd_vector_le);
Datum
rvd_vector_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

RVD_FUNCTION(rvd_vector_eq);
Datum
rvd_vector_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_equal(fcinfo));
}

RVD_FUNCTION(rvd_vector_ne);
Datum
rvd_vector_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!arguments_equal(fcinfo));
}

RVD_FUNCTION(rvd_vector_ge);
Datum
rvd_vector_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

RVD_FUNCTION(rvd_vector_gt);
Datum
rvd_vector_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

/*
 * arguments_equal
 *		compare_arguments() == 0, without fetching toasted values whose
 *		lengths already differ.
 */
static bool
arguments_equal(FunctionCallInfo fcinfo)
{
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) !=
		toast_raw_datum_size(PG_GETARG_DATUM(1)))
		return false;
	return compare_arguments(fcinfo) == 0;
}

/*
 * hashable_elements
 *		The elements with every minus zero made zero.
 *
 * Returns v->x itself if there is none, else a copy that the caller frees.
 */
static float *
hashable_elements(RvdVector *v)
{
	bool		found = false;
	float	   *x;

	for (int i = 0; i < v->dims; i++)
	{
		uint32		bits;

		memcpy(&bits, &v->x[i], sizeof(bits));
		found |= bits == 0x80000000;
	}
	if (likely(!found))
		return v->x;

	x = (float *) palloc(sizeof(float) * (Size) v->dims);
	for (int i = 0; i < v->dims; i++)
		x[i] = v->x[i] == 0 ? 0 : v->x[i];
	return x;
}

/* vector_hash(vector) returns integer */
RVD_FUNCTION(rvd_vector_hash);
Datum
rvd_vector_hash(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	float	   *x = hashable_elements(v);
	Datum		hash;

	hash = hash_any((unsigned char *) x, v->dims * (int) sizeof(float));
	if (x != v->x)
		pfree(x);
	PG_FREE_IF_COPY(v, 0);
	return hash;
}

/* vector_hash_extended(vector, bigint) returns bigint */
RVD_FUNCTION(rvd_vector_hash_extended);
Datum
rvd_vector_hash_extended(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	uint64		seed = (uint64) PG_GETARG_INT64(1);
	float	   *x = hashable_elements(v);
	Datum		hash;

	hash = hash_any_extended((unsigned char *) x,
							 v->dims * (int) sizeof(float), seed);
	if (x != v->x)
		pfree(x);
	PG_FREE_IF_COPY(v, 0);
	return hash;
}
