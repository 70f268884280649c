/*
 * rvd_key.c
 *		Primary keys as arguments: of any type, or a row for several columns.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "history/rvd_history.h"

/*
 * As an assignment would do it for the types that keys have; through text for
 * all others, and for the literals that PostgreSQL leaves untyped.
 */
static Datum
convert(Datum value, Oid from, Oid to)
{
	Oid			function;
	Oid			io_argument;
	bool		is_varlena;
	char	   *text;

	if (from == to || getBaseType(to) == from)
		return value;
	if (from == UNKNOWNOID)
		text = DatumGetCString(value);
	else
	{
		getTypeOutputInfo(from, &function, &is_varlena);
		text = OidOutputFunctionCall(function, value);
	}
	getTypeInputInfo(to, &function, &io_argument);
	return OidInputFunctionCall(function, text, io_argument, -1);
}

static void
key_is_null(const RvdTracked *t)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("key of table %s must not be null", t->rel_name)));
}

static RvdKey
key_of_row(Datum row, const RvdTracked *t)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	TupleDesc	desc =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
							   HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header),
				  .t_data = header};
	RvdKey		key = {{0}};

	if (desc->natts != t->nkeys)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key of table %s has %d columns, not %d", t->rel_name,
						t->nkeys, desc->natts)));
	for (int i = 0; i < t->nkeys; i++)
	{
		bool		null;
		Datum		value = heap_getattr(&tuple, i + 1, desc, &null);

		if (null)
			key_is_null(t);
		key.value[i] =
			convert(value, TupleDescAttr(desc, i)->atttypid, t->key_type[i]);
	}
	ReleaseTupleDesc(desc);
	return key;
}

/* The key in an argument of type "any". */
RvdKey
rvd_key_argument(FunctionCallInfo fcinfo, int argument, const RvdTracked *t)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	RvdKey		key = {{0}};

	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of the key");
	if (PG_ARGISNULL(argument))
		key_is_null(t);
	if (type == RECORDOID || (t->nkeys > 1 && type_is_rowtype(type)))
		return key_of_row(PG_GETARG_DATUM(argument), t);
	if (t->nkeys > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key of table %s has %d columns", t->rel_name,
						t->nkeys),
				 errhint("Give it as ROW(...).")));
	key.value[0] = convert(PG_GETARG_DATUM(argument), type, t->key_type[0]);
	return key;
}

/* For messages. */
char *
rvd_key_text(const RvdTracked *t, const RvdKey *key)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '(');
	for (int i = 0; i < t->nkeys; i++)
	{
		Oid			function;
		bool		is_varlena;

		getTypeOutputInfo(t->key_type[i], &function, &is_varlena);
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 OidOutputFunctionCall(function, key->value[i]));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}
