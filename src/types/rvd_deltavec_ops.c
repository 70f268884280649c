/*
 * rvd_deltavec_ops.c
 *		Operators of the type deltavec; what two deltas have in common.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "types/rvd_deltavec_int.h"

/* vector + deltavec returns vector; NULL for a delete */
RVD_FUNCTION(rvd_deltavec_add);
Datum
rvd_deltavec_add(PG_FUNCTION_ARGS)
{
	RvdVector  *result = rvd_delta_applied(RVD_GETARG_VECTOR(0),
										   PG_GETARG_DATUM(1));

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/*
 * delta_apply(vector, deltavec) returns vector
 *
 * The same for a vector that may be NULL, which means that it does not exist.
 */
RVD_FUNCTION(rvd_delta_apply);
Datum
rvd_delta_apply(PG_FUNCTION_ARGS)
{
	RvdVector  *v = PG_ARGISNULL(0) ? NULL : RVD_GETARG_VECTOR(0);
	RvdVector  *result = NULL;

	if (!PG_ARGISNULL(1))
		result = rvd_delta_applied(v, PG_GETARG_DATUM(1));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/* deltavec || deltavec returns deltavec, the left one first */
RVD_FUNCTION(rvd_deltavec_concat);
Datum
rvd_deltavec_concat(PG_FUNCTION_ARGS)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	first;
	RuvDelta	second;
	RuvDelta	result = {0};

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &first);
	rvd_delta_from_datum(PG_GETARG_DATUM(1), &second);
	rvd_deltavec_compose(&arena, &first, &second, &result);
	PG_RETURN_DATUM(rvd_delta_to_datum(&result));
}

/* delta_conflict(deltavec, deltavec) returns boolean */
RVD_FUNCTION(rvd_delta_conflict);
Datum
rvd_delta_conflict(PG_FUNCTION_ARGS)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	a;
	RuvDelta	b;
	bool		conflict;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &a);
	rvd_delta_from_datum(PG_GETARG_DATUM(1), &b);
	if (a.dims != b.dims && a.dims != 0 && b.dims != 0 &&
		(a.kind == RUV_DELTA_CREATE || b.kind == RUV_DELTA_CREATE))
		PG_RETURN_BOOL(true);
	rvd_deltavec_check_pair(&a, &b);
	rvd_check_delta(ruv_delta_conflict(&arena, &a, &b, &conflict, NULL, NULL),
					"comparing two deltas");
	PG_RETURN_BOOL(conflict);
}

/* One delta has several frames: what they mean is compared. */
static bool
same_delta(FunctionCallInfo fcinfo)
{
	RuvDelta	a;
	RuvDelta	b;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &a);
	rvd_delta_from_datum(PG_GETARG_DATUM(1), &b);
	return ruv_delta_equal(&a, &b);
}

/* deltavec = deltavec */
RVD_FUNCTION(rvd_deltavec_eq);
Datum
rvd_deltavec_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_delta(fcinfo));
}

/* deltavec <> deltavec */
RVD_FUNCTION(rvd_deltavec_ne);
Datum
rvd_deltavec_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_delta(fcinfo));
}

static uint64
hash_more(const void *data, size_t size, uint64 seed)
{
	if (size == 0)
		return seed;
	return hash_bytes_extended(data, (int) size, seed);
}

/* Everything that ruv_delta_equal compares, bit for bit; without gaps. */
static uint64
hash_of(Datum datum, uint64 seed)
{
	RuvDelta	delta;
	uint32		head[5];

	rvd_delta_from_datum(datum, &delta);
	head[0] = (uint32) delta.kind;
	head[1] = delta.dims;
	head[2] = delta.nassigned;
	head[3] = delta.nsteps;
	head[4] = delta.nnudges;
	seed = hash_more(head, sizeof(head), seed);
	seed = hash_more(delta.dim, sizeof(uint32_t) * delta.nassigned, seed);
	seed = hash_more(delta.value, sizeof(float) * delta.nassigned, seed);
	seed = hash_more(delta.steps, sizeof(RuvDeltaStep) * delta.nsteps, seed);
	return hash_more(delta.nudges, sizeof(RuvNudge) * delta.nnudges, seed);
}

StaticAssertDecl(sizeof(RuvDeltaStep) == 12 && sizeof(RuvNudge) == 8,
				 "deltavec: a hash would see gaps");

/* deltavec_hash(deltavec) returns integer */
RVD_FUNCTION(rvd_deltavec_hash);
Datum
rvd_deltavec_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash_of(PG_GETARG_DATUM(0), 0));
}

/* deltavec_hash_extended(deltavec, bigint) returns bigint */
RVD_FUNCTION(rvd_deltavec_hash_extended);
Datum
rvd_deltavec_hash_extended(PG_FUNCTION_ARGS)
{
	uint64		seed = (uint64) PG_GETARG_INT64(1);

	PG_RETURN_INT64((int64) hash_of(PG_GETARG_DATUM(0), seed));
}
