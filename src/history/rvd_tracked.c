/*
 * rvd_tracked.c
 *		Tracked columns as this backend knows them, and their statements.
 *
 * Every statement names its operators and functions with their schemas, so
 * that a search path of the caller's cannot lead it elsewhere: some run with
 * the rights of the table's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_oper.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "history/rvd_history.h"

#define EQUAL "OPERATOR(pg_catalog.=)"
#define LESS "OPERATOR(pg_catalog.<)"
#define AT_MOST "OPERATOR(pg_catalog.<=)"
#define AT_LEAST "OPERATOR(pg_catalog.>=)"
#define PLUS "OPERATOR(pg_catalog.+)"
#define MINUS "OPERATOR(pg_catalog.-)"

static HTAB *tracked_columns = NULL;

/* Contents that entries had before they were loaded again. */
typedef struct Retired
{
	struct Retired *next;
	MemoryContext context;
	SPIPlanPtr	plans[RVD_PLAN_COUNT];
} Retired;

static Retired *retired = NULL;

/*
 * Somebody further up the stack may be executing a plan of this entry, or
 * hold one of its names, so all that is kept until the transaction ends.
 */
static void
retire(const RvdTracked *t)
{
	Retired	   *r = MemoryContextAlloc(t->context, sizeof(Retired));

	r->context = t->context;
	memcpy(r->plans, t->plans, sizeof(r->plans));
	r->next = retired;
	retired = r;
}

static void
free_retired(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE ||
		event == XACT_EVENT_PARALLEL_PRE_COMMIT)
		return;
	while (retired != NULL)
	{
		Retired	   *r = retired;

		retired = r->next;
		for (int i = 0; i < RVD_PLAN_COUNT; i++)
			if (r->plans[i] != NULL)
				SPI_freeplan(r->plans[i]);
		MemoryContextDelete(r->context);
	}
}

/*
 * Only marks: an entry may be in use further up the stack.  It is replaced
 * when it is asked for the next time.
 */
static void
invalidate(Datum arg, Oid rel)
{
	HASH_SEQ_STATUS status;
	RvdTracked *t;

	hash_seq_init(&status, tracked_columns);
	while ((t = hash_seq_search(&status)) != NULL)
		if (rel == InvalidOid || t->rel == rel || t->log == rel)
			t->is_valid = false;
}

static void
make_table(void)
{
	HASHCTL		control = {.keysize = sizeof(int32),
				.entrysize = sizeof(RvdTracked)};

	tracked_columns = hash_create("ruvector tracked columns", 16, &control,
								  HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	RegisterXactCallback(free_retired, NULL);
}

/*
 * ruvector.tracked_changed(rel oid) returns void: what sessions know about
 * the table's tracked columns is no longer true; they hear of it when this
 * transaction commits.
 */
RVD_FUNCTION(rvd_tracked_changed);
Datum
rvd_tracked_changed(PG_FUNCTION_ARGS)
{
	Oid			rel = PG_GETARG_OID(0);

	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(rel)))
		CacheInvalidateRelcacheByRelid(rel);
	PG_RETURN_VOID();
}

static char *
qualified(Oid rel)
{
	char	   *name = get_rel_name(rel);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("a table that belongs to a tracked column is gone")));
	return quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(rel)), name);
}

/* The schema of a type's operators, quoted. */
static char *
schema_of_type(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			schema;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
	return pstrdup(quote_identifier(get_namespace_name(schema)));
}

static Oid
owner_of(Oid rel)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(rel));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", rel);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Field i of the row of ruvector.tracked that was just read. */
static Datum
field(int i, bool *is_null)
{
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, i, is_null);

	return *is_null ? (Datum) 0 : value;
}

static AttrNumber
log_attribute(const RvdTracked *t, const char *name, Oid type)
{
	AttrNumber	number = get_attnum(t->log, name);

	if (number == InvalidAttrNumber || get_atttype(t->log, number) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("log %s has no column \"%s\" of type %s", t->log_name,
						name, format_type_be(type)),
				 errhint("A log must not be altered.")));
	return number;
}

static void
load_keys(RvdTracked *t, ArrayType *names, ArrayType *log_names)
{
	Datum	   *name;
	Datum	   *log_name;
	int			n;
	int			nlog;

	deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &name, NULL, &n);
	deconstruct_array(log_names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &log_name, NULL, &nlog);
	if (n < 1 || n > RVD_MAX_KEYS || n != nlog)
		elog(ERROR, "entry %d of ruvector.tracked is damaged", t->id);
	t->nkeys = n;
	for (int i = 0; i < n; i++)
	{
		char	   *plain = NameStr(*DatumGetName(name[i]));

		t->key[i] = get_attnum(t->rel, plain);
		if (t->key[i] == InvalidAttrNumber)
			elog(ERROR, "tracked table has no column \"%s\"", plain);
		t->key_type[i] = get_atttype(t->rel, t->key[i]);
		t->key_plain_name[i] = pstrdup(plain);
		t->key_name[i] = pstrdup(quote_identifier(plain));
		plain = NameStr(*DatumGetName(log_name[i]));
		t->log_key[i] = log_attribute(t, plain, t->key_type[i]);
		t->log_key_name[i] = pstrdup(quote_identifier(plain));
	}
}

/* Of the log and its primary key, which has the key's columns and version. */
static void
load_log(RvdTracked *t)
{
	/* in the order of RvdLogColumn */
	static const char *const name[RVD_LOG_COLUMNS] = {
		"version", "base", "op", "era", "content", "delta",
		"keyframe", "actor", "reason", "ticket", "xid", "at"};
	const Oid	type[RVD_LOG_COLUMNS] = {
		INT4OID, INT4OID, CHAROID, INT2OID, INT8OID, t->delta_type,
		t->delta_type, TEXTOID, TEXTOID, TEXTOID, XID8OID, TIMESTAMPTZOID};
	Relation	log = table_open(t->log, AccessShareLock);
	Relation	index;
	bool		is_ours;

	for (int i = 0; i < RVD_LOG_COLUMNS; i++)
	{
		t->log_column[i] = log_attribute(t, name[i], type[i]);
		t->log_type[i] = type[i];
	}
	list_free(RelationGetIndexList(log));
	t->log_index = log->rd_pkindex;
	table_close(log, NoLock);
	if (OidIsValid(t->log_index))
	{
		index = index_open(t->log_index, AccessShareLock);
		is_ours = index->rd_index->indnkeyatts == t->nkeys + 1 &&
			index->rd_index->indkey.values[t->nkeys] ==
				t->log_column[RVD_LOG_VERSION];
		for (int i = 0; is_ours && i < t->nkeys; i++)
			is_ours = index->rd_index->indkey.values[i] == t->log_key[i];
		index_close(index, NoLock);
		if (is_ours)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("log %s has lost its primary key", t->log_name),
			 errdetail("It has to be the tracked table's key, then version."),
			 errhint("Add it with ALTER TABLE.")));
}

/* Fills *t from the row of ruvector.tracked that was just read. */
static void
load(RvdTracked *t)
{
	bool		null;
	MemoryContext before;
	char	   *column;

	t->context = AllocSetContextCreate(CacheMemoryContext,
									   "ruvector tracked column",
									   ALLOCSET_SMALL_SIZES);
	before = MemoryContextSwitchTo(t->context);
	t->rel = DatumGetObjectId(field(2, &null));
	column = NameStr(*DatumGetName(field(3, &null)));
	t->column = get_attnum(t->rel, column);
	if (t->column == InvalidAttrNumber)
		elog(ERROR, "tracked table has no column \"%s\"", column);
	t->column_plain_name = pstrdup(column);
	t->column_name = pstrdup(quote_identifier(column));
	t->log = DatumGetObjectId(field(7, &null));
	t->log_name = qualified(t->log);
	t->delta_type = DatumGetObjectId(field(13, &null));
	load_keys(t, DatumGetArrayTypeP(field(4, &null)),
			  DatumGetArrayTypeP(field(5, &null)));
	load_log(t);
	t->is_lazy = DatumGetBool(field(6, &null));
	t->rel_name = qualified(t->rel);
	t->owner = owner_of(t->rel);
	t->vector_type = get_atttype(t->rel, t->column);
	if (t->vector_type != DatumGetObjectId(field(12, &null)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %s of table %s is not of type vector",
						t->column_name, t->rel_name)));
	t->pending_name = qualified(DatumGetObjectId(field(8, &null)));
	t->vector_schema = schema_of_type(t->vector_type);
	t->max_drift = DatumGetFloat4(field(9, &null));
	t->max_chain = DatumGetInt32(field(10, &null));
	t->horizon = DatumGetTimestampTz(field(11, &null));
	t->is_valid = true;
	MemoryContextSwitchTo(before);
}

#define FIELDS \
	"SELECT id, rel::pg_catalog.oid, \"column\", key, log_key, " \
	"mode OPERATOR(pg_catalog.=) 'lazy', log::pg_catalog.oid, " \
	"pending::pg_catalog.oid, max_drift, max_chain, horizon, " \
	"ruvector.vector_type()::pg_catalog.oid, " \
	"ruvector.delta_type()::pg_catalog.oid FROM " \
	"ruvector.tracked "

static RvdTracked *
enter(int32 id)
{
	RvdTracked	fresh = {.id = id};
	RvdTracked *t;
	bool		found;

	load(&fresh);
	t = hash_search(tracked_columns, &id, HASH_ENTER, &found);
	if (found)
		retire(t);
	*t = fresh;
	return t;
}

static RvdTracked *
cached(int32 id)
{
	RvdTracked *t = hash_search(tracked_columns, &id, HASH_FIND, NULL);

	return t != NULL && t->is_valid ? t : NULL;
}

RvdTracked *
rvd_tracked_by_id(int32 id)
{
	RvdTracked *t;
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(id)};

	if (tracked_columns == NULL)
		make_table();
	t = cached(id);
	if (t != NULL)
		return t;
	SPI_execute_with_args(FIELDS "WHERE id " EQUAL " $1", 1, types, values,
						  NULL, true, 1);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("tracked column %d is not in ruvector.tracked", id),
				 errhint("Drop the triggers that this extension left on the "
						 "table, or track the column again.")));
	return enter(id);
}

static void
not_tracked(Oid rel, const char *column)
{
	if (column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("column \"%s\" of table \"%s\" is not tracked", column,
						get_rel_name(rel)),
				 errhint("Use ruvector.track to begin.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table \"%s\" has no tracked column", get_rel_name(rel)),
			 errhint("Use ruvector.track to begin.")));
}

/* Another column that is tracked or not any more invalidates the first. */
static RvdTracked *
known_by_name(Oid rel, const char *column)
{
	HASH_SEQ_STATUS status;
	RvdTracked *t;
	RvdTracked *found = NULL;

	hash_seq_init(&status, tracked_columns);
	while ((t = hash_seq_search(&status)) != NULL)
		if (t->is_valid && t->rel == rel &&
			(column == NULL ? t->is_only :
							  strcmp(t->column_plain_name, column) == 0))
			found = t;
	return found;
}

/* column NULL: the table's only tracked column */
RvdTracked *
rvd_tracked_by_name(Oid rel, const char *column)
{
	Oid			types[2] = {OIDOID, TEXTOID};
	Datum		values[2] = {ObjectIdGetDatum(rel), (Datum) 0};
	RvdTracked *t;
	int32		id;
	bool		null;

	if (tracked_columns == NULL)
		make_table();
	t = known_by_name(rel, column);
	if (t != NULL)
		return t;
	if (column != NULL)
		values[1] = CStringGetTextDatum(column);
	SPI_execute_with_args(FIELDS "WHERE rel::pg_catalog.oid " EQUAL " $1 AND "
								 "(\"column\" " EQUAL " $2::pg_catalog.name OR $2 IS "
								 "NULL)",
						  2, types, values, column == NULL ? " n" : NULL, true,
						  2);
	if (SPI_processed == 0)
		not_tracked(rel, column);
	if (SPI_processed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("table \"%s\" has more than one tracked column",
						get_rel_name(rel)),
				 errhint("Name the column.")));
	id = DatumGetInt32(field(1, &null));
	t = cached(id);
	if (t == NULL)
		t = enter(id);
	t->is_only = t->is_only || column == NULL;
	return t;
}

/* ---- statements ---- */

/* The equality of a key column, as OPERATOR(schema.=). */
static char *
equality(Oid type)
{
	Oid			equal;
	HeapTuple	tuple;
	Form_pg_operator form;
	char	   *name;

	get_sort_group_operators(type, false, true, false, NULL, &equal, NULL,
							 NULL);
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(equal));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", equal);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

/* alias.key1 = $1 AND alias.key2 = $2 ... */
static void
add_key_condition(StringInfo sql, const RvdTracked *t, const char *alias,
				  char *const *name)
{
	for (int i = 0; i < t->nkeys; i++)
		appendStringInfo(sql, "%s%s.%s %s $%d", i > 0 ? " AND " : "", alias,
						 name[i], equality(t->key_type[i]), i + 1);
}

static void
add_list(StringInfo sql, const char *prefix, char *const *name, int n)
{
	for (int i = 0; i < n; i++)
		appendStringInfo(sql, "%s%s%s", i > 0 ? ", " : "", prefix, name[i]);
}

static void
add_parameters(StringInfo sql, int first, int n)
{
	for (int i = 0; i < n; i++)
		appendStringInfo(sql, "%s$%d", i > 0 ? ", " : "", first + i);
}

/* What of the log belongs to a past: $%1$d and $%2$d follow the key. */
static void
add_point_condition(StringInfo sql, RvdPlan plan, int first)
{
	switch (plan)
	{
		case RVD_PLAN_CHAIN_AT_VERSION:
			appendStringInfo(sql, " AND h.version " AT_MOST " $%d", first);
			break;
		case RVD_PLAN_CHAIN_AT_POINT:
			appendStringInfo(sql,
							 " AND (h.era " LESS " $%1$d OR h.era " EQUAL
							 " $%1$d AND pg_catalog.pg_visible_in_snapshot("
							 "h.xid, $%2$d))",
							 first, first + 1);
			break;
		case RVD_PLAN_CHAIN_AT_COMMIT:
			appendStringInfo(sql,
							 " AND COALESCE(CASE WHEN h.era " EQUAL
							 " $%1$d THEN ruvector.commit_time(h.xid) END,"
							 " h.at) " AT_MOST " $%2$d",
							 first, first + 1);
			break;
		case RVD_PLAN_CHAIN_AT_TIME:
			appendStringInfo(sql, " AND h.at " AT_MOST " $%d", first);
			break;
		default:
			break;
	}
}

/*
 * What the log says of a version besides its vector.  The casts do nothing but
 * refuse a log whose columns have become something else.
 */
#define VERSION_FIELDS \
	"l.version::pg_catalog.int4, l.base::pg_catalog.int4, " \
	"l.op::pg_catalog.\"char\", l.content::pg_catalog.int8"

/*
 * From the keyframe to the last version that belongs to the past asked for.
 * Visibility is monotone along a key's versions: later ones were written
 * under the row's or the log's lock after earlier ones had committed.
 */
static void
chain_statement(StringInfo sql, const RvdTracked *t, RvdPlan plan)
{
	appendStringInfo(sql,
					 "SELECT " VERSION_FIELDS ", l.delta::%1$s.deltavec, "
					 "l.keyframe::%1$s.deltavec FROM (SELECT h.version, "
					 "h.base FROM %2$s h WHERE ",
					 t->vector_schema, t->log_name);
	add_key_condition(sql, t, "h", t->log_key_name);
	add_point_condition(sql, plan, t->nkeys + 1);
	appendStringInfo(sql, " ORDER BY h.version DESC LIMIT 1) c, %s l WHERE ",
					 t->log_name);
	add_key_condition(sql, t, "l", t->log_key_name);
	appendStringInfoString(sql, " AND l.version " AT_LEAST " c.base AND "
								"l.version " AT_MOST " c.version "
								"ORDER BY l.version");
}

/*
 * $: keys, version, base, op, era, content, delta, keyframe, actor, reason,
 * ticket.  Whoever comes second with a version waits for the first and then
 * inserts nothing; so a key's history is one line.
 */
static void
append_statement(StringInfo sql, const RvdTracked *t)
{
	int			n = t->nkeys;

	appendStringInfo(sql, "INSERT INTO %s (", t->log_name);
	add_list(sql, "", t->log_key_name, n);
	appendStringInfoString(sql, ", version, base, op, era, content, delta, "
								"keyframe, actor, reason, ticket, xid, at) "
								"VALUES (");
	add_parameters(sql, 1, n + 10);
	appendStringInfoString(sql, ", pg_catalog.pg_current_xact_id(), "
								"pg_catalog.clock_timestamp()) "
								"ON CONFLICT DO NOTHING");
}

/* Every key that is alive gets its end; $: era and who and why. */
static void
truncated_statement(StringInfo sql, const RvdTracked *t)
{
	appendStringInfo(sql, "INSERT INTO %s (", t->log_name);
	add_list(sql, "", t->log_key_name, t->nkeys);
	appendStringInfoString(sql, ", version, base, op, era, content, delta, "
								"actor, reason, ticket, xid, at) SELECT ");
	add_list(sql, "c.", t->log_key_name, t->nkeys);
	appendStringInfoString(sql,
						   ", c.version " PLUS " 1, c.version " PLUS " 1, "
						   "'d', $1, 0, ruvector.whole(NULL), $2, $3, $4, "
						   "pg_catalog.pg_current_xact_id(), "
						   "pg_catalog.clock_timestamp() FROM (SELECT "
						   "DISTINCT ON (");
	add_list(sql, "l.", t->log_key_name, t->nkeys);
	appendStringInfoString(sql, ") ");
	add_list(sql, "l.", t->log_key_name, t->nkeys);
	appendStringInfo(sql, ", l.version, l.op FROM %s l ORDER BY ",
					 t->log_name);
	add_list(sql, "l.", t->log_key_name, t->nkeys);
	appendStringInfoString(sql, ", l.version DESC) c WHERE c.op "
								"OPERATOR(pg_catalog.<>) 'd'");
}

/*
 * The rows of a statement in the transition table; $: era and who and why.  A
 * row that this transaction has already given a version was changed by
 * somebody's trigger for it, which fired before: that one is later.
 */
static void
inserted_statement(StringInfo sql, const RvdTracked *t)
{
	appendStringInfo(sql, "INSERT INTO %s (", t->log_name);
	add_list(sql, "", t->log_key_name, t->nkeys);
	appendStringInfoString(sql, ", version, base, op, era, content, delta, "
								"actor, reason, ticket, xid, at) SELECT ");
	add_list(sql, "n.", t->key_name, t->nkeys);
	appendStringInfo(sql,
					 ", COALESCE(h.version, 0) " PLUS " 1, "
					 "COALESCE(h.version, 0) " PLUS " 1, 'i', $1, "
					 "ruvector.content(n.%1$s), ruvector.whole(n.%1$s), $2, "
					 "$3, $4, pg_catalog.pg_current_xact_id(), "
					 "pg_catalog.clock_timestamp() FROM "
					 "ruvector_inserted n LEFT JOIN LATERAL (SELECT l.version"
					 ", l.op, l.xid FROM %2$s l WHERE ",
					 t->column_name, t->log_name);
	for (int i = 0; i < t->nkeys; i++)
		appendStringInfo(sql, "%sl.%s %s n.%s", i > 0 ? " AND " : "",
						 t->log_key_name[i], equality(t->key_type[i]),
						 t->key_name[i]);
	appendStringInfo(sql,
					 " ORDER BY l.version DESC LIMIT 1) h ON true WHERE CASE "
					 "WHEN h.version IS NULL OR h.xid "
					 "OPERATOR(pg_catalog.<>) pg_catalog.pg_current_xact_id() "
					 "THEN true WHEN h.op OPERATOR(pg_catalog.<>) 'd' THEN "
					 "false ELSE EXISTS (SELECT FROM %s r WHERE ",
					 t->rel_name);
	for (int i = 0; i < t->nkeys; i++)
		appendStringInfo(sql, "%sr.%s %s n.%s", i > 0 ? " AND " : "",
						 t->key_name[i], equality(t->key_type[i]),
						 t->key_name[i]);
	appendStringInfoString(sql, ") END");
}

static void
plan_statement(StringInfo sql, const RvdTracked *t, RvdPlan plan)
{
	switch (plan)
	{
		case RVD_PLAN_CHAIN:
		case RVD_PLAN_CHAIN_AT_VERSION:
		case RVD_PLAN_CHAIN_AT_POINT:
		case RVD_PLAN_CHAIN_AT_COMMIT:
		case RVD_PLAN_CHAIN_AT_TIME:
			chain_statement(sql, t, plan);
			break;
		case RVD_PLAN_APPEND:
			append_statement(sql, t);
			break;
		case RVD_PLAN_INSERTED:
			inserted_statement(sql, t);
			break;
		case RVD_PLAN_TRUNCATED:
			truncated_statement(sql, t);
			break;
		case RVD_PLAN_PENDING_CLEAR:
			appendStringInfo(sql, "DELETE FROM %s", t->pending_name);
			break;
		case RVD_PLAN_SET_COLUMN:
			appendStringInfo(sql, "UPDATE %s r SET %s = $%d WHERE ",
							 t->rel_name, t->column_name, t->nkeys + 1);
			add_key_condition(sql, t, "r", t->key_name);
			break;
		case RVD_PLAN_ADD_DELTA:
			appendStringInfo(sql,
							 "UPDATE %s r SET %s = %s.delta_apply(r.%s, $%d) "
							 "WHERE ",
							 t->rel_name, t->column_name, t->vector_schema,
							 t->column_name, t->nkeys + 1);
			add_key_condition(sql, t, "r", t->key_name);
			break;
		case RVD_PLAN_LOCK_ROW:
			appendStringInfo(sql, "SELECT r.%s FROM %s r WHERE ",
							 t->column_name, t->rel_name);
			add_key_condition(sql, t, "r", t->key_name);
			appendStringInfoString(sql, " FOR NO KEY UPDATE");
			break;
		case RVD_PLAN_PENDING_ADD:
			appendStringInfo(sql, "INSERT INTO %s VALUES (", t->pending_name);
			add_parameters(sql, 1, t->nkeys);
			appendStringInfoString(sql, ") ON CONFLICT DO NOTHING");
			break;
		case RVD_PLAN_PENDING_DROP:
			appendStringInfo(sql, "DELETE FROM %s p WHERE ", t->pending_name);
			add_key_condition(sql, t, "p", t->log_key_name);
			break;
		case RVD_PLAN_COUNT:
			break;
	}
}

/* Types of the parameters after the key. */
static int
plan_types(const RvdTracked *t, RvdPlan plan, Oid *types)
{
	static const Oid append[] = {INT4OID, INT4OID, CHAROID, INT2OID, INT8OID,
					 InvalidOid, InvalidOid, TEXTOID, TEXTOID,
					 TEXTOID};

	static const Oid statement[] = {INT2OID, TEXTOID, TEXTOID, TEXTOID};

	switch (plan)
	{
		case RVD_PLAN_INSERTED:
		case RVD_PLAN_TRUNCATED:
			memcpy(types, statement, sizeof(statement));
			return lengthof(statement);
		case RVD_PLAN_CHAIN_AT_VERSION:
			types[0] = INT4OID;
			return 1;
		case RVD_PLAN_CHAIN_AT_POINT:
			types[0] = INT2OID;
			types[1] = PG_SNAPSHOTOID;
			return 2;
		case RVD_PLAN_CHAIN_AT_COMMIT:
			types[0] = INT2OID;
			types[1] = TIMESTAMPTZOID;
			return 2;
		case RVD_PLAN_CHAIN_AT_TIME:
			types[0] = TIMESTAMPTZOID;
			return 1;
		case RVD_PLAN_APPEND:
			memcpy(types, append, sizeof(append));
			types[5] = types[6] = t->delta_type;
			return lengthof(append);
		case RVD_PLAN_SET_COLUMN:
			types[0] = t->vector_type;
			return 1;
		case RVD_PLAN_ADD_DELTA:
			types[0] = t->delta_type;
			return 1;
		default:
			return 0;
	}
}

SPIPlanPtr
rvd_tracked_plan(RvdTracked *t, RvdPlan plan)
{
	Oid			types[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	int			n = 0;
	StringInfoData sql;

	if (t->plans[plan] != NULL)
		return t->plans[plan];
	if (plan != RVD_PLAN_INSERTED && plan != RVD_PLAN_TRUNCATED &&
		plan != RVD_PLAN_PENDING_CLEAR)
		for (; n < t->nkeys; n++)
			types[n] = t->key_type[n];
	n += plan_types(t, plan, types + n);
	initStringInfo(&sql);
	plan_statement(&sql, t, plan);
	t->plans[plan] = SPI_prepare_cursor(sql.data, n, types,
										CURSOR_OPT_GENERIC_PLAN);
	if (t->plans[plan] == NULL)
		elog(ERROR, "could not prepare: %s (%s)", sql.data,
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(t->plans[plan]);
	pfree(sql.data);
	return t->plans[plan];
}

/* ---- rights ---- */

void
rvd_as_owner(RvdTracked *t, RvdIdentity *before)
{
	GetUserIdAndSecContext(&before->user, &before->context);
	t->actor = before->user;
	SetUserIdAndSecContext(t->owner,
						   before->context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_NOFORCE_RLS);
}

void
rvd_as_before(const RvdIdentity *before)
{
	SetUserIdAndSecContext(before->user, before->context);
}
