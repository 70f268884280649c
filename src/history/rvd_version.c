/*
 * rvd_version.c
 *		Versions of one key: reading a chain, appending to it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/ruv_delta_frame.h"
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
	PG_RETURN_INT64(rvd_content(PG_ARGISNULL(0) ? NULL : RVD_GETARG_VECTOR(0)));
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

/* The bytes of row's delta, or of its keyframe where it has one. */
static RuvBytes
frame_of(int row, bool prefer_keyframe)
{
	bool		null = true;
	Datum		value = (Datum) 0;
	RuvBytes	bytes;
	struct varlena *detoasted;

	if (prefer_keyframe)
		value = column(row, 6, &null);
	if (null)
		value = column(row, 5, &null);
	if (null)
		elog(ERROR, "log row without a delta");
	detoasted = PG_DETOAST_DATUM_PACKED(value);
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

/* Folds the chain that SPI_tuptable holds into state->vector. */
static void
fold(RvdState *state)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	int			n = (int) SPI_processed;
	RuvBytes   *frames = palloc(n * sizeof(RuvBytes));
	RuvDelta	first = {0};
	RvdVector  *v;
	bool		exists = true;

	for (int i = 0; i < n; i++)
		frames[i] = frame_of(i, i == 0);
	rvd_check_delta(ruv_delta_decode(&arena, rvd_frame_rules(),
									 frames[0].data,
									 frames[0].size, &first, NULL),
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
								   (uint32_t) n - 1, v->x, first.dims, &exists, NULL),
					"reading the log");
	state->vector = exists ? v : NULL;
}

/* What the last row of SPI_tuptable says besides its delta. */
static void
read_last(RvdState *state)
{
	int			last = (int) SPI_processed - 1;
	bool		null;

	state->is_known = true;
	state->version = DatumGetInt32(column(last, 1, &null));
	state->base = DatumGetInt32(column(last, 2, &null));
	state->op = DatumGetChar(column(last, 3, &null));
	state->content = DatumGetInt64(column(last, 4, &null));
	state->exists = state->op != RVD_OP_DELETE;
}

/*
 * The last version of key at that point (NULL: now).  read_only uses the
 * caller's snapshot, otherwise a fresh one is taken where the isolation
 * level has one for every statement.
 */
RvdState
rvd_state(RvdTracked *t, const RvdKey *key, const RvdPoint *point,
		  bool read_only)
{
	RvdPlan		plan = point == NULL ? RVD_PLAN_CHAIN : point->plan;
	Datum		values[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	RvdState	state = {0};
	int			result;

	memcpy(values, key->value, t->nkeys * sizeof(Datum));
	if (point != NULL)
		memcpy(values + t->nkeys, point->value, sizeof(point->value));
	result = SPI_execute_plan(rvd_tracked_plan(t, plan), values, NULL,
							  read_only, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read the log: %s",
			 SPI_result_code_string(result));
	if (SPI_processed == 0)
		return state;
	read_last(&state);
	if (state.exists)
		fold(&state);
	if (state.exists && rvd_content(state.vector) != state.content)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("log %s is damaged", t->log_name),
				 errdetail("Version %d of key %s is not what was written.",
						   state.version, rvd_key_text(t, key))));
	SPI_freetuptable(SPI_tuptable);
	return state;
}

/* The same without the vectors, and always now. */
RvdState
rvd_head(RvdTracked *t, const RvdKey *key)
{
	Datum		values[RVD_MAX_KEYS];
	RvdState	state = {0};

	memcpy(values, key->value, sizeof(values));
	if (SPI_execute_plan(rvd_tracked_plan(t, RVD_PLAN_HEAD), values, NULL,
						 false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the log");
	if (SPI_processed > 0)
		read_last(&state);
	SPI_freetuptable(SPI_tuptable);
	return state;
}

/* NULL means the text is absent from the log row. */
static Datum
text_or_null(const char *setting, char *null)
{
	if (setting == NULL || setting[0] == '\0')
	{
		*null = 'n';
		return (Datum) 0;
	}
	*null = ' ';
	return CStringGetTextDatum(setting);
}

void
rvd_who_and_why(const RvdTracked *t, Datum *values, char *nulls)
{
	const char *actor = rvd_setting_actor();

	if (actor == NULL || actor[0] == '\0')
		actor = GetUserNameFromId(t->actor, true);
	values[0] = text_or_null(actor, &nulls[0]);
	values[1] = text_or_null(rvd_setting_reason(), &nulls[1]);
	values[2] = text_or_null(rvd_setting_ticket(), &nulls[2]);
}

/*
 * False if another transaction has taken the version: look again.  The
 * caller acts as the table's owner.
 */
bool
rvd_append(RvdTracked *t, const RvdKey *key, const RvdChange *change)
{
	int			n = t->nkeys;
	Datum		values[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	char		nulls[RVD_MAX_KEYS + RVD_MAX_ARGUMENTS];
	int			result;

	memcpy(values, key->value, n * sizeof(Datum));
	memset(nulls, ' ', sizeof(nulls));
	values[n] = Int32GetDatum(change->version);
	values[n + 1] = Int32GetDatum(change->base);
	values[n + 2] = CharGetDatum(change->op);
	values[n + 3] = Int16GetDatum(rvd_era());
	values[n + 4] = Int64GetDatum(change->content);
	values[n + 5] = change->delta;
	values[n + 6] = change->keyframe;
	if (change->keyframe == (Datum) 0)
		nulls[n + 6] = 'n';
	rvd_who_and_why(t, values + n + 7, nulls + n + 7);
	result = SPI_execute_plan(rvd_tracked_plan(t, RVD_PLAN_APPEND), values,
							  nulls, false, 0);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "could not append to the log: %s",
			 SPI_result_code_string(result));
	return SPI_processed == 1;
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
			change.keyframe = rvd_delta_whole(new);
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
