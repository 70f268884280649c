/*
 * rvd_dense_compare.c
 *		Order and hash of dense vectors: the btree and hash operator classes.
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

#include "types/rvd_dense.h"

/* <0, 0, >0 */
RVD_GENERIC int
compare(const RvdKind *kind, const RvdDense *a, const RvdDense *b)
{
	int			dims = Min(a->dims, b->dims);
	float		buffers[2][RVD_CHUNK];

	for (int from = 0, n; from < dims; from += n)
	{
		const float *x;
		const float *y;

		n = rvd_step(kind, dims, from);
		/* a sort is decided by the first few elements, nearly always */
		if (!rvd_is_float(kind) && from == 0)
			n = Min(n, 16);
		x = rvd_load(kind, a, from, n, buffers[0]);
		y = rvd_load(kind, b, from, n, buffers[1]);
		for (int i = 0; i < n; i++)
		{
			if (x[i] < y[i])
				return -1;
			if (x[i] > y[i])
				return 1;
		}
	}
	return (a->dims > b->dims) - (a->dims < b->dims);
}

int
rvd_vector_compare(const RvdVector *a, const RvdVector *b)
{
	return compare(&rvd_vector_kind, (const RvdDense *) a,
				   (const RvdDense *) b);
}

RVD_GENERIC int
compare_arguments(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	int			order = compare(kind, a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/*
 * arguments_equal
 *		compare_arguments() == 0, without fetching toasted values whose
 *		lengths already differ.
 */
RVD_GENERIC bool
arguments_equal(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) !=
		toast_raw_datum_size(PG_GETARG_DATUM(1)))
		return false;
	return compare_arguments(fcinfo, kind) == 0;
}

/* vector_cmp(vector, vector) returns integer */
RVD_GENERIC Datum
dense_cmp(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_INT32(compare_arguments(fcinfo, kind));
}

RVD_DENSE_FUNCTION(cmp);

/* vector_lt(vector, vector) returns boolean; so are the next five */
RVD_GENERIC Datum
dense_lt(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, kind) < 0);
}

RVD_DENSE_FUNCTION(lt);

RVD_GENERIC Datum
dense_le(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, kind) <= 0);
}

RVD_DENSE_FUNCTION(le);

RVD_GENERIC Datum
dense_eq(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_BOOL(arguments_equal(fcinfo, kind));
}

RVD_DENSE_FUNCTION(eq);

RVD_GENERIC Datum
dense_ne(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_BOOL(!arguments_equal(fcinfo, kind));
}

RVD_DENSE_FUNCTION(ne);

RVD_GENERIC Datum
dense_ge(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, kind) >= 0);
}

RVD_DENSE_FUNCTION(ge);

RVD_GENERIC Datum
dense_gt(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo, kind) > 0);
}

RVD_DENSE_FUNCTION(gt);

RVD_GENERIC bool
is_minus_zero(const RvdKind *kind, const RvdDense *v, int i)
{
	uint32		bits;

	if (!rvd_is_float(kind))
		return rvd_halves(v)[i] == 0x8000;
	memcpy(&bits, &rvd_floats(v)[i], sizeof(bits));
	return bits == 0x80000000;
}

/*
 * hashable_elements
 *		The elements with every minus zero made zero.
 *
 * Returns v->x itself if there is none, else a copy that the caller frees.
 */
RVD_GENERIC char *
hashable_elements(const RvdKind *kind, RvdDense *v)
{
	bool		found = false;
	char	   *x;

	for (int i = 0; i < v->dims; i++)
		found |= is_minus_zero(kind, v, i);
	if (likely(!found))
		return v->x;

	x = (char *) palloc(kind->size * (Size) v->dims);
	memcpy(x, v->x, kind->size * (Size) v->dims);
	for (int i = 0; i < v->dims; i++)
	{
		if (is_minus_zero(kind, v, i))
			memset(x + kind->size * (Size) i, 0, kind->size);
	}
	return x;
}

/* vector_hash(vector) returns integer */
RVD_GENERIC Datum
dense_hash(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	char	   *x = hashable_elements(kind, v);
	Datum		hash;

	hash = hash_any((unsigned char *) x, v->dims * (int) kind->size);
	if (x != v->x)
		pfree(x);
	PG_FREE_IF_COPY(v, 0);
	return hash;
}

RVD_DENSE_FUNCTION(hash);

/* vector_hash_extended(vector, bigint) returns bigint */
RVD_GENERIC Datum
dense_hash_extended(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	uint64		seed = (uint64) PG_GETARG_INT64(1);
	char	   *x = hashable_elements(kind, v);
	Datum		hash;

	hash = hash_any_extended((unsigned char *) x,
							 v->dims * (int) kind->size, seed);
	if (x != v->x)
		pfree(x);
	PG_FREE_IF_COPY(v, 0);
	return hash;
}

RVD_DENSE_FUNCTION(hash_extended);
