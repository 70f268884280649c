/*
 * rvd_log.c
 *		The log as a table: one scan for a chain, one insertion for a version.
 *
 * A statement does the same at several times the cost, so these are for what
 * a statement would not do otherwise: reading by who may read every row, and
 * appending to a log on which nothing waits for rows.  The
 * caller acts as who shall read or write; rights have been looked at.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "history/rvd_history.h"

/* Marks our locks among the advisory ones; SQL's are 1 and 2. */
#define LOCK_OF_VERSION 0x7276

typedef struct Log
{
	Relation	table;
	Relation	index;			/* the primary key's */
	TupleTableSlot *slot;
} Log;

/* Is the log as ruvector.track makes it, with nothing that a row sets off? */
static bool
is_plain(const RvdTracked *t, const Log *log)
{
	Form_pg_class form = log->table->rd_rel;
	TupleConstr *constr = RelationGetDescr(log->table)->constr;

	return form->relkind == RELKIND_RELATION && !form->relispartition &&
		!form->relhasrules && log->table->trigdesc == NULL &&
		form->relnatts == t->nkeys + RVD_LOG_COLUMNS &&
		(constr == NULL ||
		 (constr->num_check == 0 && constr->num_defval == 0 &&
		  !constr->has_generated_stored));
}

/* What was known of the log may have changed while its lock was waited for. */
static void
check_type(const RvdTracked *t, const Log *log, AttrNumber number, Oid type)
{
	TupleDesc	desc = RelationGetDescr(log->table);

	if (number > desc->natts ||
		TupleDescAttr(desc, number - 1)->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("log %s was altered", t->log_name),
				 errhint("A log must not be altered.")));
}

static void
open_log(const RvdTracked *t, LOCKMODE mode, Log *log)
{
	log->table = table_open(t->log, mode);
	for (int i = 0; i < RVD_LOG_COLUMNS; i++)
		check_type(t, log, t->log_column[i], t->log_type[i]);
	for (int i = 0; i < t->nkeys; i++)
		check_type(t, log, t->log_key[i], t->key_type[i]);
	log->index = index_open(t->log_index, mode);
	log->slot = table_slot_create(log->table, NULL);
}

/* mode NoLock: locked until the transaction ends, as a statement does */
static void
close_log(Log *log, LOCKMODE mode)
{
	ExecDropSingleTupleTableSlot(log->slot);
	index_close(log->index, mode);
	table_close(log->table, mode);
}

static void
set_condition(const Log *log, ScanKey condition, int column,
			  StrategyNumber strategy, Datum value)
{
	Oid			type = log->index->rd_opcintype[column];
	Oid			operator= get_opfamily_member(log->index->rd_opfamily[column],
											  type, type, strategy);

	if (!OidIsValid(operator))
		elog(ERROR, "missing operator %d of column %d of a log's key",
			 strategy, column + 1);
	ScanKeyEntryInitialize(&condition[column], 0, column + 1, strategy,
						   InvalidOid, log->index->rd_indcollation[column],
						   get_opcode(operator), value);
}

/* The versions of a key; strategy 0, or how they compare with `version`. */
static IndexScanDesc
begin_scan(const RvdTracked *t, const Log *log, const RvdKey *key,
		   StrategyNumber strategy, Datum version, Snapshot snapshot)
{
	ScanKeyData condition[RVD_MAX_KEYS + 1];
	int			n = t->nkeys;
	IndexScanDesc scan;

	for (int i = 0; i < n; i++)
		set_condition(log, condition, i, BTEqualStrategyNumber, key->value[i]);
	if (strategy != InvalidStrategy)
		set_condition(log, condition, n++, strategy, version);
	scan = rvd_index_beginscan(log->table, log->index, snapshot, n);
	index_rescan(scan, condition, n, NULL, 0);
	return scan;
}

static Datum
of_row(const RvdTracked *t, TupleTableSlot *slot, RvdLogColumn column,
	   bool *is_null)
{
	return slot_getattr(slot, t->log_column[column], is_null);
}

static Datum
of_row_not_null(const RvdTracked *t, TupleTableSlot *slot,
				RvdLogColumn column)
{
	bool		is_null;
	Datum		value = of_row(t, slot, column, &is_null);

	if (is_null)
		elog(ERROR, "log %s has a null where none can be", t->log_name);
	return value;
}

/* The same as the statements' condition in rvd_tracked.c. */
static bool
had_happened(const RvdTracked *t, TupleTableSlot *slot, const RvdPoint *point)
{
	int16		era;

	switch (point->plan)
	{
		case RVD_PLAN_CHAIN_AT_VERSION:
			return true;		/* the scan begins there */
		case RVD_PLAN_CHAIN_AT_TIME:
			return DatumGetTimestampTz(of_row_not_null(t, slot, RVD_LOG_AT)) <=
				DatumGetTimestampTz(point->value[0]);
		default:
			Assert(point->plan == RVD_PLAN_CHAIN_AT_POINT);
			era = DatumGetInt16(of_row_not_null(t, slot, RVD_LOG_ERA));
			if (era != DatumGetInt16(point->value[0]))
				return era < DatumGetInt16(point->value[0]);
			return DatumGetBool(DirectFunctionCall2(
				pg_visible_in_snapshot,
				of_row_not_null(t, slot, RVD_LOG_XID), point->value[1]));
	}
}

static RuvBytes
copied(Datum value)
{
	struct varlena *copy = PG_DETOAST_DATUM_COPY(value);
	RuvBytes	bytes;

	bytes.data = (const uint8_t *) VARDATA(copy);
	bytes.size = VARSIZE(copy) - VARHDRSZ;
	return bytes;
}

static void
read_head(const RvdTracked *t, TupleTableSlot *slot, RvdState *state)
{
	state->is_known = true;
	state->version = DatumGetInt32(of_row_not_null(t, slot, RVD_LOG_VERSION));
	state->base = DatumGetInt32(of_row_not_null(t, slot, RVD_LOG_BASE));
	state->op = DatumGetChar(of_row_not_null(t, slot, RVD_LOG_OP));
	state->content = DatumGetInt64(of_row_not_null(t, slot, RVD_LOG_CONTENT));
	state->exists = state->op != RVD_OP_DELETE;
}

/* True if the vector can be put together from this row on. */
static bool
add_frame(const RvdTracked *t, TupleTableSlot *slot, RvdChain *chain,
		  int32 base)
{
	bool		is_delta;
	Datum		value = of_row(t, slot, RVD_LOG_KEYFRAME, &is_delta);

	if (is_delta)
		value = of_row_not_null(t, slot, RVD_LOG_DELTA);
	if (chain->n == chain->room)
	{
		chain->room = chain->room * 2 + 16;
		chain->frames = chain->frames == NULL ?
			palloc(chain->room * sizeof(RuvBytes)) :
			repalloc(chain->frames, chain->room * sizeof(RuvBytes));
	}
	chain->frames[chain->n++] = copied(value);
	return !is_delta ||
		DatumGetInt32(of_row_not_null(t, slot, RVD_LOG_VERSION)) <= base;
}

/*
 * The last version of key before `point` (NULL: now), and the frames that
 * make its vector, from the last back to the first (chain NULL: none).
 */
RvdState
rvd_log_read(const RvdTracked *t, const RvdKey *key, const RvdPoint *point,
			 RvdChain *chain)
{
	Log			log;
	RvdState	state = {0};
	IndexScanDesc scan;

	open_log(t, AccessShareLock, &log);
	scan = point != NULL && point->plan == RVD_PLAN_CHAIN_AT_VERSION ?
		begin_scan(t, &log, key, BTLessEqualStrategyNumber, point->value[0],
				   GetActiveSnapshot()) :
		begin_scan(t, &log, key, InvalidStrategy, (Datum) 0,
				   GetActiveSnapshot());
	while (index_getnext_slot(scan, BackwardScanDirection, log.slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!state.is_known && point != NULL &&
			!had_happened(t, log.slot, point))
			continue;
		if (!state.is_known)
			read_head(t, log.slot, &state);
		if (chain == NULL || !state.exists ||
			add_frame(t, log.slot, chain, state.base))
			break;
	}
	index_endscan(scan);
	close_log(&log, AccessShareLock);
	return state;
}

/* ---- appending ---- */

static uint32
hash_of_key(const RvdTracked *t, const Log *log, const RvdKey *key)
{
	uint32		hash = 0;

	for (int i = 0; i < t->nkeys; i++)
	{
		TypeCacheEntry *type = lookup_type_cache(t->key_type[i],
												 TYPECACHE_HASH_PROC_FINFO);

		/* a type without one: its keys wait for each other */
		if (OidIsValid(type->hash_proc_finfo.fn_oid))
			hash = hash_combine(hash,
								DatumGetUInt32(FunctionCall1Coll(
									&type->hash_proc_finfo,
									log->index->rd_indcollation[i],
									key->value[i])));
	}
	return hash;
}

/*
 * Has somebody taken this version?  While that is not certain *busy is the
 * transaction that may have.
 */
static bool
is_taken(const RvdTracked *t, const Log *log, const RvdKey *key,
		 int32 version, TransactionId *busy)
{
	SnapshotData dirty;
	IndexScanDesc scan;
	bool		found;

	InitDirtySnapshot(dirty);
	scan = begin_scan(t, log, key, BTEqualStrategyNumber,
					  Int32GetDatum(version), &dirty);
	found = index_getnext_slot(scan, ForwardScanDirection, log->slot);
	*busy = !found						 ? InvalidTransactionId :
		TransactionIdIsValid(dirty.xmin) ? dirty.xmin :
										   dirty.xmax;
	index_endscan(scan);
	return found;
}

/*
 * Waits until it is known who has the version; false if it is not free.  If
 * it is, nobody else can take it until *tag is unlocked.
 */
static bool
lock_version(const RvdTracked *t, const Log *log, const RvdKey *key,
			 int32 version, LOCKTAG *tag)
{
	TransactionId busy;

	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, t->log,
						 hash_of_key(t, log, key), LOCK_OF_VERSION);
	for (;;)
	{
		(void) LockAcquire(tag, ExclusiveLock, false, false);
		if (!is_taken(t, log, key, version, &busy))
			return true;
		LockRelease(tag, ExclusiveLock, false);
		if (!TransactionIdIsValid(busy))
			return false;
		/* not while others wait for us: they may be whom we wait for */
		XactLockTableWait(busy, log->table, &log->slot->tts_tid,
						  XLTW_InsertIndex);
	}
}

static void
insert_row(const RvdTracked *t, Log *log, const RvdKey *key,
		   const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot =
		MakeSingleTupleTableSlot(RelationGetDescr(log->table), &TTSOpsVirtual);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);

	ExecClearTuple(slot);
	for (int i = 0; i < t->nkeys; i++)
	{
		slot->tts_values[t->log_key[i] - 1] = key->value[i];
		slot->tts_isnull[t->log_key[i] - 1] = false;
	}
	for (int i = 0; i < RVD_LOG_COLUMNS; i++)
	{
		slot->tts_values[t->log_column[i] - 1] = values[i];
		slot->tts_isnull[t->log_column[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	InitResultRelInfo(target, log->table, 0, NULL, 0);
	ExecOpenIndices(target, false);
	table_tuple_insert(log->table, slot, GetCurrentCommandId(true), 0, NULL);
	(void) rvd_insert_index_tuples(target, slot, estate);
	ExecCloseIndices(target);
	FreeExecutorState(estate);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * The primary key keeps a history one line; the lock only has others wait,
 * rather than fail.
 */
RvdAppended
rvd_log_append(const RvdTracked *t, const RvdKey *key, const Datum *values,
			   const bool *nulls)
{
	Log			log;
	LOCKTAG		tag;
	RvdAppended result;

	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");
	open_log(t, RowExclusiveLock, &log);
	if (!is_plain(t, &log))
		result = RVD_NEEDS_STATEMENT;
	else if (!lock_version(t, &log, key,
						   DatumGetInt32(values[RVD_LOG_VERSION]), &tag))
		result = RVD_TAKEN;
	else
	{
		insert_row(t, &log, key, values, nulls);
		LockRelease(&tag, ExclusiveLock, false);
		CommandCounterIncrement();
		result = RVD_APPENDED;
	}
	close_log(&log, NoLock);
	return result;
}
