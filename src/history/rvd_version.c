/*
 * rvd_version.c
 *		Versions of one key: reading a chain, appending to it.
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "history/rvd_history.h"
#include "pg/rvd_kernels.h"
#include "pg/rvd_memory.h"
#include "types/rvd_deltavec.h"

/* Identifies the bits of a vector; zero stands for no vector. */
int64
rvd_content(const RvdVector *v)
{
	uint64		hash;

	if (v == NULL)
		return 0;
	hash = hash_bytes_extended((const unsigned char *) v->x,
							   v->dims * (int) sizeof(float), 0);
	return hash == 0 ? 1 : (int64) hash;
}

/* ruvector.content(vector) returns bigint */
RVD_FUNCTION(rvd_content_of);
Datum
rvd_content_of(PG_FUNCTION_ARGS)
{
	RvdVector  *v = PG_ARGISNULL(0) ? NULL : RVD_GETARG_VECTOR(0);

	PG_RETURN_INT64(rvd_content(v));
}

bool
rvd_same_bits(const RvdVector *a, const RvdVector *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->dims == b->dims &&
		memcmp(a->x, b->x, a->dims * sizeof(float)) == 0;
}

/* Relative L2 distance; infinite where there is nothing to relate it to. */
double
rvd_drift(const RvdVector *from, const RvdVector *to)
{
	const RuvKernels *k = rvd_kernels;
	double		moved;
	double		norm;

	if (from == NULL || to == NULL || from->dims != to->dims)
		return from == to ? 0 : INFINITY;
	moved = k->l2_squared(from->x, to->x, (size_t) from->dims);
	norm = k->inner_product(from->x, from->x, (size_t) from->dims);
	if (moved == 0)
		return 0;
	return norm > 0 ? sqrt(moved / norm) : INFINITY;
}

static Datum
column(int row, int i, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, i,
						 is_null);
}

static RuvBytes
bytes_of(Datum value)
{
	struct varlena *detoasted = PG_DETOAST_DATUM_PACKED(value);
	RuvBytes	bytes;

	bytes.data = (const uint8_t *) VARDATA_ANY(detoasted);
	bytes.size = VARSIZE_ANY_EXHDR(detoasted);
	return bytes;
}

static RvdVector *
copy_vector(const RvdVector *v)
{
	RvdVector  *copy = rvd_vector_new(v->dims);

	memcpy(copy, v, rvd_vector_size(v->dims));
	return copy;
}

/* Folds n frames, the first of which depends on nothing. */
static void
fold(RvdState *state, const RuvBytes *frames, int n)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	first = {0};
	RvdVector  *v;
	bool		exists = true;

	rvd_check_delta(ruv_delta_decode(&arena, rvd_frame_rules(),
									 frames[0].data, frames[0].size, &first,
									 NULL),
					"reading the log");
	if (first.kind == RUV_DELTA_DELETE)
		return;
	rvd_vector_check_dims(first.dims);
	v = rvd_vector_new((int) first.dims);
	memset(v->x, 0, first.dims * sizeof(float));
	rvd_check_delta(ruv_delta_apply(&first, v->x, first.dims, &exists),
					"reading the log");
	state->keyframe = copy_vector(v);
	rvd_check_delta(ruv_delta_fold(&arena, rvd_frame_rules(), frames + 1,
								   (uint32_t) n - 1, v->x, first.dims, &exists,
								   NULL),
					"reading the log");
	state->vector = exists ? v : NULL;
}

static void
finish_state(const RvdTracked *t, const RvdKey *key, RvdState *state,
			 RvdChain *chain)
{
	for (int i = 0, j = chain->n - 1; i < j; i++, j--)
	{
		RuvBytes	swap = chain->frames[i];

		chain->frames[i] = chain->frames[j];
		chain->frames[j] = swap;
	}
	if (chain->n == 0 || !state->exists)
		return;
	fold(state, chain->frames, chain->n);
	if (rvd_content(state->vector) != state->content)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("log %s is damaged", t->log_name),
				 errdetail("Version %d of key %s is not what was written.",
						   state->version, rvd_key_text(t, key))));
}

/* The rows of a statement: version, base, op, content, delta, keyframe. */
static RvdState
state_of_rows(RvdChain *chain)
{
	RvdState	state = {0};
	int			n = (int) SPI_processed;
	bool		null;

	if (n == 0)
		return state;
	state.is_known = true;
	state.version = DatumGetInt32(column(n - 1, 1, &null));
	state.base = DatumGetInt32(column(n - 1, 2, &null));
	state.op = DatumGetChar(column(n - 1, 3, &null));
	state.content = DatumGetInt64(column(n - 1, 4, &null));
	state.exists = state.op != RVD_OP_DELETE;
	chain->frames = palloc(n * sizeof(RuvBytes));
	for (int i = n - 1; i >= 0; i--)
	{
		Datum		keyframe = column(i, 6, &null);
		Datum		value = null ? column(i, 5, &null) : keyframe;

		chain->frames[chain->n++] = bytes_of(value);
		if (value == keyframe)
			break;
	}
	return state;
}

/* With a statement, which asks for the caller's rights and policies. */
static RvdState
state_by_statement(RvdTracked *t, const RvdKey *key, const RvdPoint *point,
				   RvdChain *chain)
{
	Datum		values[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	int			result;

	memcpy(values, key->value, t->nkeys * sizeof(Datum));
	if (point != NULL)
		memcpy(values + t->nkeys, point->value, sizeof(point->value));
	result = SPI_execute_plan(
		rvd_tracked_plan(t, point == NULL ? RVD_PLAN_CHAIN : point->plan),
		values, NULL, true, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the log: %s",
			 SPI_result_code_string(result));
	return state_of_rows(chain);
}

/* Would a statement see every row, and nothing else but rows? */
static bool
sees_all(const RvdTracked *t, const RvdPoint *point)
{
	if (point != NULL && point->plan == RVD_PLAN_CHAIN_AT_COMMIT)
		return false;
	return pg_class_aclcheck(t->log, GetUserId(), ACL_SELECT) ==
		ACLCHECK_OK &&
		check_enable_rls(t->log, InvalidOid, true) != RLS_ENABLED;
}

/*
 * The last version of key at that point (NULL: now), as the calling
 * statement sees it, with the caller's rights.
 */
RvdState
rvd_state_seen(RvdTracked *t, const RvdKey *key, const RvdPoint *point)
{
	RvdChain	chain = {0};
	RvdState	state = sees_all(t, point) ?
		rvd_log_read(t, key, point, &chain) :
		state_by_statement(t, key, point, &chain);

	finish_state(t, key, &state, &chain);
	return state;
}

/*
 * The last version of key as a new statement sees it, for the owner who is to
 * write the next one; without its vector if that is not wanted.
 */
RvdState
rvd_head(RvdTracked *t, const RvdKey *key, bool with_vector)
{
	RvdChain	chain = {0};
	RvdState	state;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	state = rvd_log_read(t, key, NULL, with_vector ? &chain : NULL);
	PopActiveSnapshot();
	finish_state(t, key, &state, &chain);
	return state;
}

/* NULL means the text is absent from the log row. */
static Datum
text_or_null(const char *setting, bool *null)
{
	*null = setting == NULL || setting[0] == '\0';
	return *null ? (Datum) 0 : CStringGetTextDatum(setting);
}

/* actor, reason, ticket */
void
rvd_who_and_why(const RvdTracked *t, Datum *values, bool *nulls)
{
	const char *actor = rvd_setting_actor();

	if (actor == NULL || actor[0] == '\0')
		actor = GetUserNameFromId(t->actor, true);
	values[0] = text_or_null(actor, &nulls[0]);
	values[1] = text_or_null(rvd_setting_reason(), &nulls[1]);
	values[2] = text_or_null(rvd_setting_ticket(), &nulls[2]);
}

/* The log's own triggers, rules and columns are a statement's business. */
static bool
append_by_statement(RvdTracked *t, const RvdKey *key, const Datum *change,
					const bool *change_nulls)
{
	int			n = t->nkeys;
	Datum		values[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	char		nulls[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	int			result;

	memcpy(values, key->value, n * sizeof(Datum));
	memset(nulls, ' ', sizeof(nulls));
	for (int i = 0; i < RVD_LOG_XID; i++)
	{
		values[n + i] = change[i];
		if (change_nulls[i])
			nulls[n + i] = 'n';
	}
	result = SPI_execute_plan(rvd_tracked_plan(t, RVD_PLAN_APPEND), values,
							  nulls, false, 0);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "could not append to the log: %s",
			 SPI_result_code_string(result));
	return SPI_processed == 1;
}

/*
 * False if another transaction has taken the version: look again.  The
 * caller acts as the table's owner.
 */
bool
rvd_append(RvdTracked *t, const RvdKey *key, const RvdChange *change)
{
	Datum		values[RVD_LOG_COLUMNS];
	bool		nulls[RVD_LOG_COLUMNS] = {0};
	RvdAppended result;

	values[RVD_LOG_VERSION] = Int32GetDatum(change->version);
	values[RVD_LOG_BASE] = Int32GetDatum(change->base);
	values[RVD_LOG_OP] = CharGetDatum(change->op);
	values[RVD_LOG_ERA] = Int16GetDatum(rvd_era());
	values[RVD_LOG_CONTENT] = Int64GetDatum(change->content);
	values[RVD_LOG_DELTA] = change->delta;
	values[RVD_LOG_KEYFRAME] = change->keyframe;
	nulls[RVD_LOG_KEYFRAME] = change->keyframe == (Datum) 0;
	rvd_who_and_why(t, values + RVD_LOG_ACTOR, nulls + RVD_LOG_ACTOR);
	values[RVD_LOG_XID] =
		FullTransactionIdGetDatum(GetCurrentFullTransactionId());
	values[RVD_LOG_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	result = rvd_log_append(t, key, values, nulls);
	if (result == RVD_NEEDS_STATEMENT)
		return append_by_statement(t, key, values, nulls);
	return result == RVD_APPENDED;
}

/* What a chain that begins with this delta needs besides; 0: nothing. */
Datum
rvd_keyframe(Datum delta, const RvdVector *new)
{
	return rvd_delta_is_whole(delta) ? (Datum) 0 : rvd_delta_whole(new);
}

/*
 * Appends the version after *head that leads from `old` (NULL: say it whole)
 * to `new`.  as_keyframe: the chain begins anew here.
 */
bool
rvd_append_change(RvdTracked *t, const RvdKey *key, const RvdState *head,
				  char op, const RvdVector *old, const RvdVector *new,
				  bool as_keyframe)
{
	RvdChange	change = {.op = op, .version = head->version + 1};

	if (op == RVD_OP_DELETE)
		new = NULL;
	change.content = rvd_content(new);
	change.base = change.version;
	if (old == NULL || new == NULL || old->dims != new->dims)
		change.delta = rvd_delta_whole(new);
	else
	{
		change.delta = rvd_delta_between(old, new);
		if (as_keyframe || change.version - head->base >= t->max_chain)
			change.keyframe = rvd_keyframe(change.delta, new);
		else
			change.base = head->base;
	}
	return rvd_append(t, key, &change);
}

/*
 * Somebody else wrote a version of this key.  Under READ COMMITTED the next
 * look sees it; under a snapshot that is older there is no order in which
 * both transactions could have run.
 */
void
rvd_lost_race(const RvdTracked *t, const RvdKey *key)
{
	CHECK_FOR_INTERRUPTS();
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("Another transaction changed key %s of %s.",
						   rvd_key_text(t, key), t->rel_name)));
}
