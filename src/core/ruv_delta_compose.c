/*
 * ruv_delta_compose.c
 *		Two deltas: one after the other, and against each other.
 *
 * Assignments are moved behind the other side's steps by running these on the
 * assigned values; steps are strung together.  Nudges of a dimension that is
 * assigned in the end are dropped, which may make two nudge steps neighbours:
 * these add up, dimension by dimension.
 */
#include <string.h>

#include "core/ruv_delta.h"
#include "core/ruv_float_bits.h"

/*
 * The assignments of both, b's where both assign.  `moved` are a's values
 * after b's steps; out of range is allowed only where b assigns.
 */
static RuvDeltaStatus
merge_assignments(const RuvDelta *a, const float *moved, const RuvDelta *b,
				  RuvDelta *out)
{
	uint32_t	n = 0;
	uint32_t	i = 0;
	uint32_t	infinite = 0;

	for (uint32_t j = 0; j <= b->nassigned; j++)
	{
		uint32_t	limit = j < b->nassigned ? b->dim[j] : UINT32_MAX;

		for (; i < a->nassigned && a->dim[i] < limit; i++)
		{
			out->dim[n] = a->dim[i];
			out->value[n++] = moved[i];
			infinite |= !ruv_float_is_finite(moved[i]);
		}
		if (j == b->nassigned)
			break;
		i += i < a->nassigned && a->dim[i] == limit;
		out->dim[n] = limit;
		out->value[n++] = b->value[j];
	}
	out->nassigned = n;
	return infinite ? RUV_DELTA_OUT_OF_RANGE : RUV_DELTA_OK;
}

/* The same with b's steps, if there are any. */
static RuvDeltaStatus
compose_assignments(const RuvArena *arena, const RuvDelta *a,
					const RuvDelta *b, RuvDelta *out)
{
	float	   *moved;
	RuvDeltaStatus status;

	if (b->nsteps == 0 || a->nassigned == 0)
		return merge_assignments(a, a->value, b, out);
	moved = ruv_alloc(arena, a->nassigned * sizeof(float));
	if (moved == NULL)
		return RUV_DELTA_MEMORY;
	memcpy(moved, a->value, a->nassigned * sizeof(float));
	ruv_delta_run_steps(b, a->dim, a->nassigned, moved);
	status = merge_assignments(a, moved, b, out);
	ruv_release(arena, moved);
	return status;
}

/* Appends those nudges whose dimension stays unassigned. */
static uint32_t
append_nudges(const RuvNudge *nudge, uint32_t n, RuvDelta *out)
{
	uint32_t	assigned = 0;
	uint32_t	before = out->nnudges;

	for (uint32_t i = 0; i < n; i++)
	{
		while (assigned < out->nassigned &&
			   out->dim[assigned] < nudge[i].dim)
			assigned++;
		if (assigned < out->nassigned && out->dim[assigned] == nudge[i].dim)
			continue;
		out->nudges[out->nnudges++] = nudge[i];
	}
	return out->nnudges - before;
}

/*
 * The last two runs of nudges, n1 and n2 long, become one.  Room behind them
 * is not needed: scratch holds the second run.
 */
static RuvDeltaStatus
add_nudges(RuvDelta *out, uint32_t n1, uint32_t n2, RuvNudge *scratch,
		   uint32_t *nsum)
{
	RuvNudge   *run = out->nudges + out->nnudges - n1 - n2;
	RuvNudge   *first = scratch;
	RuvNudge   *second = scratch + n1;
	uint32_t	i = 0;
	uint32_t	j = 0;
	uint32_t	n = 0;

	memcpy(scratch, run, (n1 + n2) * sizeof(RuvNudge));
	while (i < n1 || j < n2)
	{
		uint32_t	di = i < n1 ? first[i].dim : UINT32_MAX;
		uint32_t	dj = j < n2 ? second[j].dim : UINT32_MAX;
		int64_t		places = 0;

		if (di <= dj)
			places += first[i++].places;
		if (dj <= di)
			places += second[j++].places;
		if (places > INT32_MAX || places < INT32_MIN)
			return RUV_DELTA_LIMIT;
		if (places == 0)
			continue;
		run[n].dim = di < dj ? di : dj;
		run[n++].places = (int32_t) places;
	}
	out->nnudges = out->nnudges - n1 - n2 + n;
	*nsum = n;
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
append_steps(const RuvArena *arena, const RuvDelta *from, RuvDelta *out)
{
	const RuvNudge *nudge = from->nudges;
	RuvDeltaStatus status = RUV_DELTA_OK;

	if (from->nsteps == 0 || out->steps == NULL)
		return RUV_DELTA_OK;
	for (uint32_t i = 0; i < from->nsteps && status == RUV_DELTA_OK; i++)
	{
		const RuvDeltaStep *step = &from->steps[i];
		RuvDeltaStep *last = out->nsteps > 0 ?
			&out->steps[out->nsteps - 1] :
			NULL;
		uint32_t	n;

		if (step->kind != RUV_STEP_NUDGE)
		{
			out->steps[out->nsteps++] = *step;
			continue;
		}
		n = append_nudges(nudge, step->nnudges, out);
		nudge += step->nnudges;
		if (n == 0)
			continue;
		if (last == NULL || last->kind != RUV_STEP_NUDGE)
		{
			out->steps[out->nsteps] = *step;
			out->steps[out->nsteps++].nnudges = n;
		}
		else
		{
			size_t		both = (size_t) last->nnudges + n;
			RuvNudge   *scratch = ruv_alloc(arena, both * sizeof(RuvNudge));

			if (scratch == NULL)
				return RUV_DELTA_MEMORY;
			status = add_nudges(out, last->nnudges, n, scratch,
								&last->nnudges);
			ruv_release(arena, scratch);
			if (status == RUV_DELTA_OK && last->nnudges == 0)
				out->nsteps--;
		}
	}
	return status;
}

RuvDeltaStatus
ruv_delta_compose(const RuvArena *arena, const RuvDelta *a,
				  const RuvDelta *b, RuvDelta *out)
{
	uint32_t	dims = a->dims != 0 ? a->dims : b->dims;
	uint32_t	nassigned = a->nassigned + b->nassigned;
	RuvDeltaStatus status;

	if (b->dims != 0 && b->dims != dims)
		return RUV_DELTA_DIMENSIONS;
	if (b->kind != RUV_DELTA_CHANGE || a->kind == RUV_DELTA_DELETE)
	{
		status = ruv_delta_copy(arena, b->kind != RUV_DELTA_CHANGE ? b : a,
								out);
		out->dims = dims;
		return status;
	}
	/* Twice dims at most, and the excess is gone before it counts. */
	status = ruv_delta_reserve(arena, nassigned < dims ? nassigned : dims,
							   a->nsteps + b->nsteps,
							   a->nnudges + b->nnudges, out);
	if (status != RUV_DELTA_OK)
		return status;
	out->kind = a->kind;
	out->dims = dims;
	status = compose_assignments(arena, a, b, out);
	if (status != RUV_DELTA_OK || (dims > 0 && out->nassigned == dims))
		return status;
	status = append_steps(arena, a, out);
	if (status == RUV_DELTA_OK)
		status = append_steps(arena, b, out);
	return status;
}

/* Walks through the dimensions of one side of a conflict test. */
typedef struct Side
{
	const RuvDelta *delta;
	const float *rerun;			/* its values after the other side's steps */
	bool		on_all;			/* it scales or offsets */
	uint32_t	assigned;		/* next assignment */
	uint32_t	nudge;			/* next nudge, if not on_all */
} Side;

static bool
assigns(Side *side, uint32_t dim)
{
	const RuvDelta *d = side->delta;

	while (side->assigned < d->nassigned && d->dim[side->assigned] < dim)
		side->assigned++;
	return side->assigned < d->nassigned && d->dim[side->assigned] == dim;
}

static bool
steps_on(Side *side, uint32_t dim)
{
	const RuvDelta *d = side->delta;

	if (side->on_all)
		return true;
	while (side->nudge < d->nnudges && d->nudges[side->nudge].dim < dim)
		side->nudge++;
	return side->nudge < d->nnudges && d->nudges[side->nudge].dim == dim;
}

static bool
differ_on(Side *a, Side *b, uint32_t dim, bool steps_commute)
{
	bool		assigns_a = assigns(a, dim);
	bool		assigns_b = assigns(b, dim);

	if (assigns_a && assigns_b)
		return !ruv_float_same(a->delta->value[a->assigned],
							   b->delta->value[b->assigned]);
	if (assigns_a)
		return steps_on(b, dim) &&
			!ruv_float_same(a->delta->value[a->assigned],
							a->rerun[a->assigned]);
	if (assigns_b)
		return steps_on(a, dim) &&
			!ruv_float_same(b->delta->value[b->assigned],
							b->rerun[b->assigned]);
	return !steps_commute && steps_on(a, dim) && steps_on(b, dim);
}

/* The same steps commute, and so do nudges alone. */
static bool
steps_commute(const Side *a, const Side *b)
{
	RuvDelta	steps_a = *a->delta;
	RuvDelta	steps_b = *b->delta;

	if (!a->on_all && !b->on_all)
		return true;
	steps_a.nassigned = 0;
	steps_b.nassigned = 0;
	steps_a.dims = steps_b.dims;
	steps_a.kind = steps_b.kind;
	return ruv_delta_equal(&steps_a, &steps_b);
}

static Side
start_side(const RuvDelta *delta, const RuvDelta *other, float *rerun)
{
	Side		side = {delta, rerun, false, 0, 0};

	for (uint32_t i = 0; i < delta->nsteps; i++)
		side.on_all |= delta->steps[i].kind != RUV_STEP_NUDGE;
	if (delta->nassigned > 0)
		memcpy(rerun, delta->value, delta->nassigned * sizeof(float));
	ruv_delta_run_steps(other, delta->dim, delta->nassigned, rerun);
	return side;
}

RuvDeltaStatus
ruv_delta_conflict(const RuvArena *arena, const RuvDelta *a,
				   const RuvDelta *b, bool *conflict, uint32_t *ndims,
				   uint32_t *first)
{
	uint32_t	dims = a->dims != 0 ? a->dims : b->dims;
	uint32_t	n = 0;
	uint32_t	lowest = 0;
	size_t		nvalues = (size_t) a->nassigned + b->nassigned;
	bool		commute;
	float	   *rerun;
	Side		sides[2];

	if (b->dims != 0 && b->dims != dims)
		return RUV_DELTA_DIMENSIONS;
	rerun = ruv_alloc(arena, (nvalues + 1) * sizeof(float));
	if (rerun == NULL)
		return RUV_DELTA_MEMORY;
	sides[0] = start_side(a, b, rerun);
	sides[1] = start_side(b, a, rerun + a->nassigned);
	commute = steps_commute(&sides[0], &sides[1]);
	for (uint32_t dim = 0; dim < dims; dim++)
	{
		if (!differ_on(&sides[0], &sides[1], dim, commute))
			continue;
		if (n++ == 0)
			lowest = dim;
	}
	ruv_release(arena, rerun);
	*conflict = n > 0;
	if (dims == 0 && !commute)
		*conflict = a->nsteps > 0 && b->nsteps > 0;
	if ((a->kind == RUV_DELTA_DELETE && b->kind != RUV_DELTA_DELETE) ||
		(b->kind == RUV_DELTA_DELETE && a->kind != RUV_DELTA_DELETE))
		*conflict = !ruv_delta_is_identity(a) && !ruv_delta_is_identity(b);
	if (ndims != NULL)
		*ndims = n;
	if (first != NULL)
		*first = lowest;
	return RUV_DELTA_OK;
}
