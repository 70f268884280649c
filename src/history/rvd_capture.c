/*
 * rvd_capture.c
 *		The triggers of a tracked column: what SQL changes becomes versions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "history/rvd_history.h"
#include "types/rvd_deltavec.h"

/* A row before or after: its key and its vector. */
typedef struct Row
{
	RvdKey		key;
	RvdVector  *vector;
} Row;

/* Anybody can make a trigger of this function, on any table of theirs. */
static void
not_our_trigger(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("only ruvector.track makes triggers of this function")));
}

static RvdTracked *
enter(FunctionCallInfo fcinfo, TriggerData **data)
{
	RvdTracked *t;
	Relation	rel;

	*data = (TriggerData *) fcinfo->context;
	if (!CALLED_AS_TRIGGER(fcinfo) || (*data)->tg_trigger->tgnargs != 1 ||
		(TRIGGER_FIRED_FOR_ROW((*data)->tg_event) &&
		 TRIGGER_FIRED_BEFORE((*data)->tg_event) &&
		 !TRIGGER_FIRED_BY_UPDATE((*data)->tg_event)))
		not_our_trigger();
	SPI_connect();
	t = rvd_tracked_by_id(
		pg_strtoint32((*data)->tg_trigger->tgargs[0]));
	rel = (*data)->tg_relation;
	if (RelationGetRelid(rel) != t->rel &&
		!(rel->rd_rel->relispartition &&
		  list_member_oid(get_partition_ancestors(RelationGetRelid(rel)),
						  t->rel)))
		not_our_trigger();
	return t;
}

/*
 * Columns are found by name: a partition's may have other numbers than those
 * of the table that is tracked.
 */
static Row
row_of(const RvdTracked *t, Relation rel, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Row			row = {{{0}}, NULL};
	bool		null;
	Datum		value;

	for (int i = 0; i < t->nkeys; i++)
	{
		row.key.value[i] = SPI_getbinval(
			tuple, desc, SPI_fnumber(desc, t->key_plain_name[i]), &null);
		if (null)
			elog(ERROR, "key column \"%s\" is null", t->key_plain_name[i]);
	}
	value = SPI_getbinval(tuple, desc,
						  SPI_fnumber(desc, t->column_plain_name), &null);
	if (!null)
		row.vector = rvd_vector_of(value);
	return row;
}

static bool
same_key(const RvdTracked *t, Relation rel, const Row *a, const Row *b)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < t->nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(
			desc, SPI_fnumber(desc, t->key_plain_name[i]) - 1);

		if (!datumIsEqual(a->key.value[i], b->key.value[i], att->attbyval,
						  att->attlen))
			return false;
	}
	return true;
}

/*
 * Does the log already end with what the table holds?  Then a trigger of
 * somebody's, fired for an earlier row of the same statement, changed this
 * one again, and that was seen first.
 */
static bool
is_recorded(RvdTracked *t, const RvdKey *key, const RvdState *head)
{
	RvdVector  *column;

	if (!head->is_known || !rvd_lock_row(t, key, &column))
		return head->is_known && !head->exists;
	return head->exists && head->content == rvd_content(column);
}

/*
 * One version more of a column that always holds the truth.  `old` is what
 * the change was made from; a history that ends elsewhere was bypassed, and
 * says so before it goes on.
 */
static void
write_version(RvdTracked *t, const RvdKey *key, char op,
			  const RvdVector *old, const RvdVector *new)
{
	for (;;)
	{
		RvdState	head = rvd_head(t, key, false);

		if (op == RVD_OP_INSERT ||
			(head.exists && head.content == rvd_content(old)))
		{
			if (rvd_append_change(t, key, &head, op, old, new, false))
				return;
			rvd_lost_race(t, key);
		}
		else if (is_recorded(t, key, &head))
			return;
		else if (!rvd_append_change(t, key, &head, RVD_OP_FOUND, NULL, old,
									false))
			rvd_lost_race(t, key);
	}
}

/* A lazy row that changes its key was ended before it did. */
static void
end_key(RvdTracked *t, const Row *row)
{
	RvdState	head;

	if (!t->is_lazy)
	{
		write_version(t, &row->key, RVD_OP_DELETE, row->vector, NULL);
		return;
	}
	head = rvd_head(t, &row->key, false);
	if (head.exists || !head.is_known)
		(void) rvd_lazy_end(t, &row->key, row->vector);
}

/* AFTER ROW */
static void
after_row(RvdTracked *t, TriggerData *data)
{
	Relation	rel = data->tg_relation;
	Row			old = row_of(t, rel, data->tg_trigtuple);
	Row			new;

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
	{
		write_version(t, &old.key, RVD_OP_INSERT, NULL, old.vector);
		return;
	}
	if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
	{
		end_key(t, &old);
		return;
	}
	new = row_of(t, rel, data->tg_newtuple);
	if (!same_key(t, rel, &old, &new))
	{
		end_key(t, &old);
		write_version(t, &new.key, RVD_OP_INSERT, NULL, new.vector);
	}
	else if (!t->is_lazy && !rvd_same_bits(old.vector, new.vector))
		write_version(t, &old.key, RVD_OP_UPDATE, old.vector, new.vector);
}

static HeapTuple
with_vector(RvdTracked *t, Relation rel, HeapTuple tuple,
			const RvdVector *vector)
{
	int			number = SPI_fnumber(RelationGetDescr(rel),
									 t->column_plain_name);
	Datum		value = PointerGetDatum(vector);

	return SPI_modifytuple(rel, tuple, 1, &number, &value,
						   vector == NULL ? "n" : " ");
}

/*
 * BEFORE ROW UPDATE of a lazy column: the log gets the change, the row keeps
 * its keyframe unless that would be too far from the truth.
 */
static HeapTuple
before_update(RvdTracked *t, TriggerData *data)
{
	Relation	rel = data->tg_relation;
	Row			old = row_of(t, rel, data->tg_trigtuple);
	Row			new = row_of(t, rel, data->tg_newtuple);
	int			number = SPI_fnumber(RelationGetDescr(rel),
									 t->column_plain_name);
	bool		is_set = !rvd_same_bits(old.vector, new.vector) ||
		bms_is_member(number - FirstLowInvalidHeapAttributeNumber,
					  data->tg_updatedcols);

	if (rvd_is_folding(t, &old.key, new.vector))
		return data->tg_newtuple;
	if (!same_key(t, rel, &old, &new))
	{
		/* the new key starts with the truth; the rest is after_row's */
		RvdState	last = rvd_lazy_end(t, &old.key, old.vector);

		if (is_set)
			return data->tg_newtuple;
		return with_vector(t, rel, data->tg_newtuple, last.vector);
	}
	if (!is_set)
		return data->tg_newtuple;
	if (rvd_lazy_write(t, &old.key, old.vector, new.vector))
		return data->tg_newtuple;
	return with_vector(t, rel, data->tg_newtuple, old.vector);
}

/* A statement whose parameters are the era and who and why. */
static int
run_for_all(RvdTracked *t, RvdPlan plan)
{
	Datum		values[4] = {Int16GetDatum(rvd_era())};
	bool		null[3];
	char		nulls[5] = "    ";

	rvd_who_and_why(t, values + 1, null);
	for (int i = 0; i < 3; i++)
		if (null[i])
			nulls[i + 1] = 'n';
	return SPI_execute_plan(rvd_tracked_plan(t, plan), values, nulls, false,
							0);
}

/* AFTER STATEMENT INSERT: the rows are in a transition table. */
static void
after_insert(RvdTracked *t, TriggerData *data)
{
	int			result;

	SPI_register_trigger_data(data);
	result = run_for_all(t, RVD_PLAN_INSERTED);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "could not append to the log: %s",
			 SPI_result_code_string(result));
}

/* BEFORE STATEMENT TRUNCATE: every key that is alive ends here. */
static void
before_truncate(RvdTracked *t)
{
	(void) run_for_all(t, RVD_PLAN_TRUNCATED);
	SPI_execute_plan(rvd_tracked_plan(t, RVD_PLAN_PENDING_CLEAR), NULL, NULL,
					 false, 0);
}

/* ruvector.capture() returns trigger; its argument is the tracked column */
RVD_FUNCTION(rvd_capture);
Datum
rvd_capture(PG_FUNCTION_ARGS)
{
	TriggerData *data;
	RvdTracked *t = enter(fcinfo, &data);
	HeapTuple	result = NULL;
	RvdIdentity before;

	rvd_as_owner(t, &before);
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		before_truncate(t);
	else if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		after_insert(t, data);
	else if (TRIGGER_FIRED_BEFORE(data->tg_event))
		result = before_update(t, data);
	else
		after_row(t, data);
	rvd_as_before(&before);
	SPI_finish();
	PG_RETURN_POINTER(result);
}
