/*
 * rvd_read.c
 *		ruvector.vector and ruvector.get_at: one key's vector, now or then.
 *
 * All of it runs with the caller's rights on the log, whose grants and
 * policies follow the table's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "history/rvd_history.h"

/* Fields of the type ruvector.point. */
enum
{
	POINT_ERA = 1,
	POINT_SNAPSHOT,
	POINT_AT,
	POINT_METHOD
};

static void
check_horizon(const RvdTracked *t, TimestampTz at)
{
	if (at >= t->horizon)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the history of %s.%s does not reach back that far",
					t->rel_name, t->column_name),
			 errdetail("It begins at %s.", timestamptz_to_str(t->horizon)),
			 errhint("See ruvector.oldest_reachable.")));
}

/* A value of type ruvector.point, checked against what t still has. */
static RvdPoint
point_of(Datum datum, const RvdTracked *t)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(datum);
	TupleDesc	desc =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
							   HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),
				  .t_data = header};
	RvdPoint	point = {RVD_PLAN_CHAIN_AT_TIME, {0}};
	Datum		field[POINT_METHOD + 1];
	bool		null[POINT_METHOD + 1];

	for (int i = POINT_ERA; i <= POINT_METHOD; i++)
		field[i] = heap_getattr(&tuple, i, desc, &null[i]);
	ReleaseTupleDesc(desc);
	if (null[POINT_ERA] || null[POINT_AT] || null[POINT_METHOD])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a point in time must not have nulls"),
				 errhint("Use ruvector.resolve to make one.")));
	check_horizon(t, DatumGetTimestampTz(field[POINT_AT]));
	point.value[0] = field[POINT_ERA];
	point.value[1] = field[POINT_AT];
	if (!null[POINT_SNAPSHOT])
	{
		point.plan = RVD_PLAN_CHAIN_AT_POINT;
		point.value[1] = field[POINT_SNAPSHOT];
	}
	else if (strcmp(TextDatumGetCString(field[POINT_METHOD]),
					"commit time") == 0)
		point.plan = RVD_PLAN_CHAIN_AT_COMMIT;
	else
		point.value[0] = field[POINT_AT];
	return point;
}

/* ruvector.resolve of a tag or a timestamp */
static RvdPoint
resolve(Datum as_of, Oid type, const RvdTracked *t)
{
	bool		null;

	if (SPI_execute_with_args("SELECT ruvector.resolve($1)", 1, &type, &as_of,
							  NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not resolve a point in time");
	return point_of(SPI_getbinval(SPI_tuptable->vals[0],
								  SPI_tuptable->tupdesc, 1, &null),
					t);
}

static Oid
base_type_of_argument(FunctionCallInfo fcinfo, int argument)
{
	return getBaseType(get_fn_expr_argtype(fcinfo->flinfo, argument));
}

static RvdPoint
version_point(const RvdTracked *t, int32 version)
{
	RvdPoint	point = {RVD_PLAN_CHAIN_AT_VERSION, {Int32GetDatum(version)}};

	if (version < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("version %d does not exist", version),
				 errdetail("Versions of a key are counted from 1.")));
	return point;
}

static void
no_history(const RvdTracked *t, const RvdKey *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("key %s of table %s has no history", rvd_key_text(t, key),
					t->rel_name)));
}

/*
 * The state of the key in arguments 0 and 1 at the point in argument 2, which
 * is a version, a tag, a timestamp or a ruvector.point; column in argument 3.
 */
static RvdState
state_then(FunctionCallInfo fcinfo, RvdTracked **tracked, RvdKey *key)
{
	RvdTracked *t = rvd_tracked_by_name(
		PG_GETARG_OID(0),
		PG_ARGISNULL(3) ? NULL : NameStr(*PG_GETARG_NAME(3)));
	Oid			type = base_type_of_argument(fcinfo, 2);
	RvdPoint	point;
	RvdState	state;

	*tracked = t;
	*key = rvd_key_argument(fcinfo, 1, t);
	if (type == INT4OID)
		point = version_point(t, PG_GETARG_INT32(2));
	else if (type == TEXTOID || type == TIMESTAMPTZOID)
		point = resolve(PG_GETARG_DATUM(2), type, t);
	else
		point = point_of(PG_GETARG_DATUM(2), t);
	state = rvd_state_seen(t, key, &point);
	if (type == INT4OID && state.version != PG_GETARG_INT32(2))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("key %s of table %s has no version %d",
						rvd_key_text(t, key), t->rel_name,
						PG_GETARG_INT32(2))));
	return state;
}

/* The vector in the memory of the function's caller. */
static Datum
hand_out(FunctionCallInfo fcinfo, const RvdVector *v)
{
	Size		size;
	void	   *copy;

	if (v == NULL)
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	size = rvd_vector_size(v->dims);
	copy = SPI_palloc(size);
	memcpy(copy, v, size);
	SPI_finish();
	PG_RETURN_POINTER(copy);
}

/*
 * ruvector.get_at(rel regclass, key "any", as_of ..., column name) returns
 * vector: NULL where the key had none at that point; an error if it never had
 */
RVD_FUNCTION(rvd_get_at);
Datum
rvd_get_at(PG_FUNCTION_ARGS)
{
	RvdTracked *t;
	RvdKey		key;
	RvdState	state;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	SPI_connect();
	state = state_then(fcinfo, &t, &key);
	if (!state.is_known && !rvd_state_seen(t, &key, NULL).is_known)
		no_history(t, &key);
	return hand_out(fcinfo, state.vector);
}

/* The vector now of the key in argument 1. */
static Datum
vector_now(FunctionCallInfo fcinfo, RvdTracked *t)
{
	RvdKey		key = rvd_key_argument(fcinfo, 1, t);
	RvdState	state = rvd_state_seen(t, &key, NULL);

	if (!state.is_known)
		no_history(t, &key);
	return hand_out(fcinfo, state.vector);
}

/*
 * ruvector.vector(rel regclass, key "any", column name) returns vector: what
 * it is now, whatever a lazy column still holds
 */
RVD_FUNCTION(rvd_vector_now);
Datum
rvd_vector_now(PG_FUNCTION_ARGS)
{
	const char *column =
		PG_ARGISNULL(2) ? NULL : NameStr(*PG_GETARG_NAME(2));

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	return vector_now(fcinfo, rvd_tracked_by_name(PG_GETARG_OID(0), column));
}

/* ruvector.vector_of(tracked_id integer, key "any") returns vector */
RVD_FUNCTION(rvd_vector_of_tracked);
Datum
rvd_vector_of_tracked(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	return vector_now(fcinfo, rvd_tracked_by_id(PG_GETARG_INT32(0)));
}
