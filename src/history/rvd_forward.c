/*
 * rvd_forward.c
 *		Functions whose key may be of any type, for bodies that are SQL.
 *
 * PL/pgSQL cannot take "any", and anyelement refuses untyped literals.  So
 * ruvector.NAME(rel, key "any", ...) is this function: it hands the key on to
 * ruvector.NAME_(tracked id, key text[], ...), every column in its text form,
 * and passes on what that returns.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "history/rvd_history.h"

static Datum
key_as_text_array(const RvdTracked *t, const RvdKey *key)
{
	Datum		texts[RVD_MAX_KEYS];

	for (int i = 0; i < t->nkeys; i++)
	{
		Oid			function;
		bool		is_varlena;

		getTypeOutputInfo(t->key_type[i], &function, &is_varlena);
		texts[i] = CStringGetTextDatum(
			OidOutputFunctionCall(function, key->value[i]));
	}
	return PointerGetDatum(construct_array(texts, t->nkeys, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* The last argument is the column's name. */
static void
call_body(FunctionCallInfo fcinfo)
{
	int			n = PG_NARGS();
	Oid			types[FUNC_MAX_ARGS];
	Datum		values[FUNC_MAX_ARGS];
	char		nulls[FUNC_MAX_ARGS + 1] = {0};
	RvdTracked *t;
	RvdKey		key;
	StringInfoData sql;

	t = rvd_tracked_by_name(
		PG_GETARG_OID(0),
		PG_ARGISNULL(n - 1) ? NULL : NameStr(*PG_GETARG_NAME(n - 1)));
	key = rvd_key_argument(fcinfo, 1, t);
	types[0] = INT4OID;
	values[0] = Int32GetDatum(t->id);
	types[1] = TEXTARRAYOID;
	values[1] = key_as_text_array(t, &key);
	for (int i = 2; i < n - 1; i++)
	{
		types[i] = get_fn_expr_argtype(fcinfo->flinfo, i);
		values[i] = PG_GETARG_DATUM(i);
	}
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT * FROM ruvector.%s_(",
					 quote_identifier(get_func_name(fcinfo->flinfo->fn_oid)));
	for (int i = 0; i < n - 1; i++)
	{
		nulls[i] = i >= 2 && PG_ARGISNULL(i) ? 'n' : ' ';
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	}
	appendStringInfoChar(&sql, ')');
	if (SPI_execute_with_args(sql.data, n - 1, types, values, nulls,
							  func_volatile(fcinfo->flinfo->fn_oid) !=
								  PROVOLATILE_VOLATILE,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not call the body of a function");
}

RVD_FUNCTION(rvd_forward_set);
Datum
rvd_forward_set(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	SPI_connect();
	call_body(fcinfo);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(info->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	return (Datum) 0;
}

/* A function with one result, which is an integer. */
RVD_FUNCTION(rvd_forward_integer);
Datum
rvd_forward_integer(PG_FUNCTION_ARGS)
{
	Datum		value;
	bool		null;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	call_body(fcinfo);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						  &null);
	SPI_finish();
	if (null)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}
