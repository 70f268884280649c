/*
 * rvd_sparsevec_compare.c
 *		Order and hash of sparse vectors: the btree and hash operator classes.
 *
 * The order is that of the dense vectors that they stand for: element by
 * element, then by dimensions.  No element is zero, so none is minus zero, and
 * equal vectors have equal bytes.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "common/hashfn.h"

#include "types/rvd_sparsevec.h"

/* Where only the first has an element, it stands against a zero. */
static inline int
order_with_zero(float value)
{
	return value < 0 ? -1 : 1;
}

/* <0, 0, >0 */
static int
compare(const RvdSparsevec *a, const RvdSparsevec *b)
{
	const float *x = rvd_sparsevec_values(a);
	const float *y = rvd_sparsevec_values(b);
	int			count = Min(a->count, b->count);

	for (int i = 0; i < count; i++)
	{
		if (a->indices[i] < b->indices[i])
			return order_with_zero(x[i]);
		if (a->indices[i] > b->indices[i])
			return -order_with_zero(y[i]);
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}

	/* an element beyond the dimensions of the other decides nothing */
	if (a->count < b->count && b->indices[count] < a->dims)
		return -order_with_zero(y[count]);
	if (a->count > b->count && a->indices[count] < b->dims)
		return order_with_zero(x[count]);
	return (a->dims > b->dims) - (a->dims < b->dims);
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	RvdSparsevec *a = RVD_GETARG_SPARSEVEC(0);
	RvdSparsevec *b = RVD_GETARG_SPARSEVEC(1);
	int			order = compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/* Without fetching toasted values whose lengths already differ. */
static bool
arguments_equal(FunctionCallInfo fcinfo)
{
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) !=
		toast_raw_datum_size(PG_GETARG_DATUM(1)))
		return false;
	return compare_arguments(fcinfo) == 0;
}

/* sparsevec_cmp(sparsevec, sparsevec) returns integer */
RVD_FUNCTION(rvd_sparsevec_cmp);
Datum
rvd_sparsevec_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

/* sparsevec_lt(sparsevec, sparsevec) returns boolean; so are the next five */
RVD_FUNCTION(rvd_sparsevec_lt);
Datum
rvd_sparsevec_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

RVD_FUNCTION(rvd_sparsevec_le);
Datum
rvd_sparsevec_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

RVD_FUNCTION(rvd_sparsevec_eq);
Datum
rvd_sparsevec_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(arguments_equal(fcinfo));
}

RVD_FUNCTION(rvd_sparsevec_ne);
Datum
rvd_sparsevec_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!arguments_equal(fcinfo));
}

RVD_FUNCTION(rvd_sparsevec_ge);
Datum
rvd_sparsevec_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

RVD_FUNCTION(rvd_sparsevec_gt);
Datum
rvd_sparsevec_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

/* sparsevec_hash(sparsevec) returns integer */
RVD_FUNCTION(rvd_sparsevec_hash);
Datum
rvd_sparsevec_hash(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	Datum		hash;

	hash = hash_any((unsigned char *) VARDATA(v), VARSIZE(v) - VARHDRSZ);
	PG_FREE_IF_COPY(v, 0);
	return hash;
}

/* sparsevec_hash_extended(sparsevec, bigint) returns bigint */
RVD_FUNCTION(rvd_sparsevec_hash_extended);
Datum
rvd_sparsevec_hash_extended(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	uint64		seed = (uint64) PG_GETARG_INT64(1);
	Datum		hash;

	hash = hash_any_extended((unsigned char *) VARDATA(v),
							 VARSIZE(v) - VARHDRSZ, seed);
	PG_FREE_IF_COPY(v, 0);
	return hash;
}
