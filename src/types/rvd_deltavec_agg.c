/*
 * rvd_deltavec_agg.c
 *		delta_compose(deltavec): many deltas, one after the other, as one.
 *
 * The state is the delta so far, decoded, and the memory of the two others
 * that a step needs.  Deltas do not commute, so what parallel workers have
 * seen cannot be put together: there is no combine function.
 */
#include "postgres.h"

#include "types/rvd_deltavec_int.h"

typedef struct ComposeState
{
	RuvArena	arena;
	RuvDelta	sum;
	RuvDelta	next;
	RuvDelta	spare;			/* takes the next sum */
} ComposeState;

static ComposeState *
new_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	ComposeState *state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "delta_compose called outside of an aggregate");
	state = MemoryContextAllocZero(context, sizeof(ComposeState));
	state->arena = rvd_arena(context);
	return state;
}

/* deltavec_compose_step(internal, deltavec) returns internal */
RVD_FUNCTION(rvd_deltavec_compose_step);
Datum
rvd_deltavec_compose_step(PG_FUNCTION_ARGS)
{
	ComposeState *state = NULL;
	RuvDelta	swap;

	if (!PG_ARGISNULL(0))
		state = (ComposeState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		state = new_state(fcinfo);
		rvd_deltavec_decode(&state->arena, PG_GETARG_DATUM(1), &state->sum);
		PG_RETURN_POINTER(state);
	}
	rvd_deltavec_decode(&state->arena, PG_GETARG_DATUM(1), &state->next);
	rvd_deltavec_compose(&state->arena, &state->sum, &state->next,
						 &state->spare);
	swap = state->sum;
	state->sum = state->spare;
	state->spare = swap;
	PG_RETURN_POINTER(state);
}

/* deltavec_compose_final(internal) returns deltavec; NULL of no delta */
RVD_FUNCTION(rvd_deltavec_compose_final);
Datum
rvd_deltavec_compose_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(
		rvd_delta_to_datum(&((ComposeState *) PG_GETARG_POINTER(0))->sum));
}
