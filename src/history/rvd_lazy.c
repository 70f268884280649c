/*
 * rvd_lazy.c
 *		Lazy columns: the log is ahead, the column is the last keyframe.
 *
 * Invariant: between transactions the column holds, bit for bit, the vector
 * of the version at which the key's chain begins, and the key is in the table
 * of pending ones exactly if its chain goes on from there.
 *
 * Locks: a version is taken by its row in the log (unique by key and
 * version).  Whoever also writes the table's row locks that row first, so
 * both never wait for each other.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "history/rvd_history.h"
#include "pg/rvd_debug.h"
#include "types/rvd_deltavec.h"

/* The row whose column set_column writes, and what. */
typedef struct Folding
{
	int32		id;				/* of the tracked column; 0: none */
	const RvdKey *key;
	const RvdVector *vector;
} Folding;

static Folding folding = {0};

static uint64
run(RvdTracked *t, RvdPlan plan, const RvdKey *key)
{
	Datum		values[RVD_MAX_KEYS];

	memcpy(values, key->value, sizeof(values));
	if (SPI_execute_plan(rvd_tracked_plan(t, plan), values, NULL, false, 0) <
		0)
		elog(ERROR, "could not write what is pending");
	return SPI_processed;
}

/*
 * Is this UPDATE, of that row to `new`, the one of set_column?  It is recorded
 * then; what somebody's trigger made of the vector is not, and is here.
 */
bool
rvd_is_folding(RvdTracked *t, const RvdKey *key, const RvdVector *new)
{
	if (folding.id != t->id)
		return false;
	for (int i = 0; i < t->nkeys; i++)
	{
		int16		length;
		bool		by_value;

		get_typlenbyval(t->key_type[i], &length, &by_value);
		if (!datum_image_eq(key->value[i], folding.key->value[i], by_value,
							length))
			return false;
	}
	while (!rvd_same_bits(new, folding.vector))
	{
		RvdState	head = rvd_head(t, key, false);

		if (rvd_append_change(t, key, &head, RVD_OP_UPDATE, folding.vector,
							  new, true))
			break;
		rvd_lost_race(t, key);
	}
	return true;
}

/* False if there is no such row. */
bool
rvd_lock_row(RvdTracked *t, const RvdKey *key, RvdVector **column)
{
	bool		null;
	Datum		value;

	if (run(t, RVD_PLAN_LOCK_ROW, key) == 0)
		return false;
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						  &null);
	*column = null ? NULL : rvd_vector_of(value);
	return true;
}

void
rvd_pending_drop(RvdTracked *t, const RvdKey *key)
{
	(void) run(t, RVD_PLAN_PENDING_DROP, key);
}

/*
 * The truth about a row whose column holds `column`.  If that is not the
 * keyframe, somebody wrote past the triggers: the column is right then.
 */
RvdState
rvd_lazy_current(RvdTracked *t, const RvdKey *key, const RvdVector *column)
{
	for (;;)
	{
		RvdState	state = rvd_head(t, key, true);

		if (state.exists && rvd_same_bits(state.keyframe, column))
			return state;
		if (!rvd_append_change(t, key, &state, RVD_OP_FOUND, NULL, column,
							   true))
			rvd_lost_race(t, key);
		else
			rvd_pending_drop(t, key);
	}
}

/* Must the column take this vector, rather than wait? */
static bool
fold_is_due(const RvdTracked *t, const RvdState *state, const RvdVector *new)
{
	return state->keyframe == NULL || new == NULL ||
		state->version + 1 - state->base >= t->max_chain ||
		rvd_drift(state->keyframe, new) > t->max_drift;
}

/*
 * A new vector for a row that the caller has locked and whose column holds
 * `column`.  True if the column shall take it, else it stays as it is.
 */
bool
rvd_lazy_write(RvdTracked *t, const RvdKey *key, const RvdVector *column,
			   const RvdVector *new)
{
	for (;;)
	{
		RvdState	state = rvd_lazy_current(t, key, column);
		bool		fold = fold_is_due(t, &state, new);

		if (rvd_same_bits(state.vector, new))
			return false;
		if (rvd_append_change(t, key, &state, RVD_OP_UPDATE, state.vector, new,
							  fold))
		{
			if (fold)
				rvd_pending_drop(t, key);
			else if (state.version == state.base)
				(void) run(t, RVD_PLAN_PENDING_ADD, key);
			return fold;
		}
		rvd_lost_race(t, key);
	}
}

/*
 * The row whose column holds `column` goes away; returns what it was.  Whoever
 * applies a delta does not lock it, so what it was is known only once the last
 * version has been taken.
 */
RvdState
rvd_lazy_end(RvdTracked *t, const RvdKey *key, const RvdVector *column)
{
	for (;;)
	{
		RvdState	state = rvd_lazy_current(t, key, column);

		if (rvd_append_change(t, key, &state, RVD_OP_DELETE, state.vector,
							  NULL, true))
		{
			rvd_pending_drop(t, key);
			return state;
		}
		rvd_lost_race(t, key);
	}
}

/* UPDATE ... SET column = vector, past the triggers of this folder. */
static void
set_column(RvdTracked *t, const RvdKey *key, const RvdVector *vector)
{
	Datum		values[RVD_MAX_KEYS + 1];
	char		nulls[RVD_MAX_KEYS + 1];
	Folding		before = folding;

	memcpy(values, key->value, t->nkeys * sizeof(Datum));
	memset(nulls, ' ', sizeof(nulls));
	values[t->nkeys] = PointerGetDatum(vector);
	if (vector == NULL)
		nulls[t->nkeys] = 'n';
	folding = (Folding){.id = t->id, .key = key, .vector = vector};
	PG_TRY();
	{
		if (SPI_execute_plan(rvd_tracked_plan(t, RVD_PLAN_SET_COLUMN), values,
							 nulls, false, 0) != SPI_OK_UPDATE)
			elog(ERROR, "could not update the tracked table");
	}
	PG_FINALLY();
	{
		folding = before;
	}
	PG_END_TRY();
}

/* ---- ruvector.apply ---- */

static void
no_such_key(const RvdTracked *t, const RvdKey *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("table %s has no row with key %s", t->rel_name,
					rvd_key_text(t, key))));
}

/* What an UPDATE of the column would ask for. */
static void
check_rights(RvdTracked *t, const RvdKey *key)
{
	Oid			user = GetUserId();

	if (pg_class_aclcheck(t->rel, user, ACL_UPDATE) != ACLCHECK_OK &&
		pg_attribute_aclcheck(t->rel, t->column, user, ACL_UPDATE) !=
			ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(t->rel));
	/* a row's policies are asked by looking at it as this user */
	if (check_enable_rls(t->rel, InvalidOid, false) == RLS_ENABLED &&
		run(t, RVD_PLAN_LOCK_ROW, key) == 0)
		no_such_key(t, key);
}

static RvdVector *
applied(const RvdState *state, Datum delta)
{
	if (state->vector == NULL)
		return rvd_delta_applied(NULL, delta);
	return rvd_delta_applied(state->vector, delta);
}

/*
 * One try; false if another session was faster.  column: what the row holds,
 * if it is locked.
 */
static bool
apply_once(RvdTracked *t, const RvdKey *key, Datum delta, bool is_locked,
		   const RvdVector *column, int32 *version, bool *needs_lock)
{
	RvdState	state = is_locked ? rvd_lazy_current(t, key, column) :
								 rvd_head(t, key, true);
	RvdVector  *new;
	RvdChange	change = {.op = RVD_OP_UPDATE, .delta = delta};
	bool		fold;

	if (!state.exists)
		no_such_key(t, key);
	new = applied(&state, delta);
	*version = state.version;
	if (rvd_same_bits(state.vector, new))
		return true;
	fold = fold_is_due(t, &state, new);
	*needs_lock = fold && !is_locked;
	if (*needs_lock)
		return false;
	change.version = *version = state.version + 1;
	change.base = fold ? change.version : state.base;
	change.content = rvd_content(new);
	change.keyframe = fold ? rvd_keyframe(delta, new) : (Datum) 0;
	if (!rvd_append(t, key, &change))
		return false;
	if (fold)
	{
		set_column(t, key, new);
		rvd_pending_drop(t, key);
	}
	else if (state.version == state.base)
		(void) run(t, RVD_PLAN_PENDING_ADD, key);
	return true;
}

static int32
apply_lazily(RvdTracked *t, const RvdKey *key, Datum delta)
{
	RvdIdentity before;
	RvdVector  *column = NULL;
	int32		version;
	bool		is_locked = false;
	bool		needs_lock = false;

	check_rights(t, key);
	rvd_as_owner(t, &before);
	while (!apply_once(t, key, delta, is_locked, column, &version,
					   &needs_lock))
	{
		if (!needs_lock)
			rvd_lost_race(t, key);
		else if (!rvd_lock_row(t, key, &column))
			no_such_key(t, key);
		is_locked |= needs_lock;
	}
	rvd_as_before(&before);
	return version;
}

/* An ordinary UPDATE, for the caller; the trigger does the rest. */
static int32
apply_eagerly(RvdTracked *t, const RvdKey *key, Datum delta)
{
	Datum		values[RVD_MAX_KEYS + 1];
	RvdIdentity before;
	RvdState	head;

	memcpy(values, key->value, t->nkeys * sizeof(Datum));
	values[t->nkeys] = delta;
	if (SPI_execute_plan(rvd_tracked_plan(t, RVD_PLAN_ADD_DELTA), values, NULL,
						 false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not update the tracked table");
	if (SPI_processed == 0)
		no_such_key(t, key);
	rvd_as_owner(t, &before);
	head = rvd_head(t, key, false);
	rvd_as_before(&before);
	return head.version;
}

static RvdTracked *
tracked_argument(FunctionCallInfo fcinfo, int column)
{
	return rvd_tracked_by_name(
		PG_GETARG_OID(0),
		PG_ARGISNULL(column) ? NULL : NameStr(*PG_GETARG_NAME(column)));
}

/*
 * ruvector.apply(rel regclass, key "any", delta deltavec, column name)
 * returns integer: the version that resulted
 */
RVD_FUNCTION(rvd_apply);
Datum
rvd_apply(PG_FUNCTION_ARGS)
{
	RvdTracked *t;
	RvdKey		key;
	int32		version;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	SPI_connect();
	t = tracked_argument(fcinfo, 3);
	key = rvd_key_argument(fcinfo, 1, t);
	version = t->is_lazy ? apply_lazily(t, &key, PG_GETARG_DATUM(2)) :
						   apply_eagerly(t, &key, PG_GETARG_DATUM(2));
	SPI_finish();
	PG_RETURN_INT32(version);
}

/* The row is gone: was that recorded?  False if the key was never there. */
static bool
fold_gone(RvdTracked *t, const RvdKey *key)
{
	RvdState	head = rvd_head(t, key, false);

	while (head.exists)
	{
		if (rvd_append_change(t, key, &head, RVD_OP_DELETE, NULL, NULL, true))
			break;
		rvd_lost_race(t, key);
		head = rvd_head(t, key, false);
	}
	if (head.is_known)
		rvd_pending_drop(t, key);
	return head.is_known;
}

/* Brings a row's column up to date; false if it was, or the row is gone. */
static bool
fold_row(RvdTracked *t, const RvdKey *key)
{
	RvdVector  *column;
	RvdState	state;
	bool		is_behind;

	if (!rvd_lock_row(t, key, &column))
	{
		if (!fold_gone(t, key))
			no_such_key(t, key);
		return false;
	}
	for (;;)
	{
		state = rvd_lazy_current(t, key, column);
		is_behind = state.version > state.base;
		if (!is_behind ||
			rvd_append_change(t, key, &state, RVD_OP_FOLD, state.vector,
							  state.vector, true))
			break;
		rvd_lost_race(t, key);
	}
	RVD_DEBUG_POINT("history-between-log-and-row");
	if (is_behind)
		set_column(t, key, state.vector);
	RVD_DEBUG_POINT("history-after-row");
	rvd_pending_drop(t, key);
	return is_behind;
}

/*
 * ruvector.fold(rel regclass, key "any", column name) returns boolean: brings
 * the column of one row up to date; false if it was
 */
RVD_FUNCTION(rvd_fold);
Datum
rvd_fold(PG_FUNCTION_ARGS)
{
	RvdTracked *t;
	RvdKey		key;
	RvdIdentity before;
	bool		was_behind;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	t = tracked_argument(fcinfo, 2);
	key = rvd_key_argument(fcinfo, 1, t);
	if (!t->is_lazy)
	{
		SPI_finish();
		PG_RETURN_BOOL(false);
	}
	check_rights(t, &key);
	rvd_as_owner(t, &before);
	was_behind = fold_row(t, &key);
	rvd_as_before(&before);
	SPI_finish();
	PG_RETURN_BOOL(was_behind);
}
