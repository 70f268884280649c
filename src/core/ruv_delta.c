/*
 * ruv_delta.c
 *		Deltas as values: construction, canonical form, application.
 */
#include <string.h>

#include "core/ruv_delta.h"
#include "core/ruv_float_bits.h"

const char *
ruv_delta_message(RuvDeltaStatus status)
{
	switch (status)
	{
		case RUV_DELTA_OK:
			return "no error";
		case RUV_DELTA_ARGUMENT:
			return "invalid use of a delta";
		case RUV_DELTA_MEMORY:
			return "out of memory";
		case RUV_DELTA_DIMENSIONS:
			return "different vector dimensions in delta";
		case RUV_DELTA_NOT_FINITE:
			return "NaN or infinite value not allowed in delta";
		case RUV_DELTA_OUT_OF_RANGE:
			return "value out of range: overflow in delta";
		case RUV_DELTA_LIMIT:
			return "delta exceeds a size limit";
		case RUV_DELTA_INACCURATE:
			return "delta encoding cannot meet the error bound";
		case RUV_DELTA_TRUNCATED:
			return "delta frame is truncated";
		case RUV_DELTA_TRAILING:
			return "delta frame is followed by other bytes";
		case RUV_DELTA_MAGIC:
			return "not a delta frame";
		case RUV_DELTA_VERSION:
			return "delta frame version is not supported";
		case RUV_DELTA_CHECKSUM:
			return "delta frame checksum does not match";
		case RUV_DELTA_FORMAT:
			return "delta frame has an unknown format";
		case RUV_DELTA_NOT_CANONICAL:
			return "delta frame is not in canonical form";
		case RUV_DELTA_COUNT:
			return "delta frame declares too many elements";
		case RUV_DELTA_POSITION:
			return "delta frame has a position out of range";
		case RUV_DELTA_VALUE:
			return "delta frame has a value that is not finite";
		case RUV_DELTA_COMPRESSION:
			return "delta frame compression method is not supported";
		case RUV_DELTA_DECOMPRESSION:
			return "compressed delta frame is corrupt";
	}
	return "unknown delta status";
}

void
ruv_delta_free(const RuvArena *arena, RuvDelta *delta)
{
	ruv_release(arena, delta->block);
	memset(delta, 0, sizeof(*delta));
}

RuvDeltaStatus
ruv_delta_reserve(const RuvArena *arena, uint32_t nassigned, uint32_t nsteps,
				  uint32_t nnudges, RuvDelta *out)
{
	size_t		size;
	void	   *block = out->block;
	size_t		block_size = out->block_size;
	uint8_t	   *p;

	if (nassigned > RUV_DELTA_MAX_DIMS || nsteps > RUV_DELTA_MAX_STEPS ||
		nnudges > RUV_DELTA_MAX_NUDGES)
		return RUV_DELTA_LIMIT;
	size = nassigned * (sizeof(uint32_t) + sizeof(float)) +
		nsteps * sizeof(RuvDeltaStep) + nnudges * sizeof(RuvNudge);
	memset(out, 0, sizeof(*out));
	if (block_size < size)
	{
		ruv_release(arena, block);
		block = ruv_alloc(arena, size);
		if (block == NULL)
			return RUV_DELTA_MEMORY;
		block_size = size;
	}
	out->block = block;
	out->block_size = block_size;
	if (size == 0)
		return RUV_DELTA_OK;
	p = block;
	out->dim = (uint32_t *) (void *) p;
	p += nassigned * sizeof(uint32_t);
	out->value = (float *) (void *) p;
	p += nassigned * sizeof(float);
	out->steps = (RuvDeltaStep *) (void *) p;
	p += nsteps * sizeof(RuvDeltaStep);
	out->nudges = (RuvNudge *) (void *) p;
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
set_assignments(uint32_t n, const uint32_t *dim, const float *value,
				RuvDelta *out)
{
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	d = dim != NULL ? dim[i] : i;

		if (d >= out->dims)
			return RUV_DELTA_DIMENSIONS;
		if (i > 0 && d <= out->dim[i - 1])
			return RUV_DELTA_ARGUMENT;
		if (!ruv_float_is_finite(value[i]))
			return RUV_DELTA_NOT_FINITE;
		out->dim[i] = d;
		out->value[i] = value[i];
	}
	out->nassigned = n;
	return RUV_DELTA_OK;
}

static void
add_step(RuvDelta *out, RuvStepKind kind, float operand)
{
	RuvDeltaStep *step = &out->steps[out->nsteps++];

	step->kind = kind;
	step->operand = operand;
	step->nnudges = 0;
}

RuvDeltaStatus
ruv_delta_affine(const RuvArena *arena, uint32_t dims, float a, float b,
				 uint32_t n, const uint32_t *dim, const float *value,
				 RuvDelta *out)
{
	RuvDeltaStatus status;

	if (dims > RUV_DELTA_MAX_DIMS)
		return RUV_DELTA_LIMIT;
	if (n > dims)
		return RUV_DELTA_DIMENSIONS;
	if (!ruv_float_is_finite(a) || !ruv_float_is_finite(b))
		return RUV_DELTA_NOT_FINITE;
	status = ruv_delta_reserve(arena, n, 2, 0, out);
	if (status != RUV_DELTA_OK)
		return status;
	out->dims = dims;
	if (n < dims || dims == 0)
	{
		if (a != 1)
			add_step(out, RUV_STEP_SCALE, a);
		if (b != 0)
			add_step(out, RUV_STEP_OFFSET, b);
	}
	return set_assignments(n, dim, value, out);
}

RuvDeltaStatus
ruv_delta_create(const RuvArena *arena, uint32_t dims, const float *value,
				 RuvDelta *out)
{
	RuvDeltaStatus status;

	if (dims == 0)
		return RUV_DELTA_DIMENSIONS;
	status = ruv_delta_affine(arena, dims, 1, 0, dims, NULL, value, out);
	out->kind = RUV_DELTA_CREATE;
	return status;
}

void
ruv_delta_delete(uint32_t dims, RuvDelta *out)
{
	void	   *block = out->block;
	size_t		block_size = out->block_size;

	memset(out, 0, sizeof(*out));
	out->kind = RUV_DELTA_DELETE;
	out->dims = dims;
	out->block = block;
	out->block_size = block_size;
}

RuvDeltaStatus
ruv_delta_copy(const RuvArena *arena, const RuvDelta *delta, RuvDelta *out)
{
	RuvDeltaStatus status = ruv_delta_reserve(arena, delta->nassigned,
											  delta->nsteps, delta->nnudges,
											  out);

	if (status != RUV_DELTA_OK)
		return status;
	out->kind = delta->kind;
	out->dims = delta->dims;
	out->nassigned = delta->nassigned;
	out->nsteps = delta->nsteps;
	out->nnudges = delta->nnudges;
	for (uint32_t i = 0; i < delta->nassigned; i++)
	{
		out->dim[i] = delta->dim[i];
		out->value[i] = delta->value[i];
	}
	for (uint32_t i = 0; i < delta->nsteps; i++)
		out->steps[i] = delta->steps[i];
	for (uint32_t i = 0; i < delta->nnudges; i++)
		out->nudges[i] = delta->nudges[i];
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
check_assignments(const RuvDelta *delta)
{
	for (uint32_t i = 0; i < delta->nassigned; i++)
	{
		if (delta->dim[i] >= delta->dims)
			return RUV_DELTA_POSITION;
		if (i > 0 && delta->dim[i] <= delta->dim[i - 1])
			return RUV_DELTA_NOT_CANONICAL;
		if (!ruv_float_is_finite(delta->value[i]))
			return RUV_DELTA_VALUE;
	}
	return RUV_DELTA_OK;
}

/* One nudge step: ascending, none of 0, none of an assigned dimension. */
static RuvDeltaStatus
check_nudges(const RuvDelta *delta, const RuvNudge *nudge, uint32_t n)
{
	uint32_t	assigned = 0;

	if (n == 0)
		return RUV_DELTA_NOT_CANONICAL;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	dim = nudge[i].dim;

		if (dim >= delta->dims)
			return RUV_DELTA_POSITION;
		if (nudge[i].places == 0 || (i > 0 && dim <= nudge[i - 1].dim))
			return RUV_DELTA_NOT_CANONICAL;
		while (assigned < delta->nassigned && delta->dim[assigned] < dim)
			assigned++;
		if (assigned < delta->nassigned && delta->dim[assigned] == dim)
			return RUV_DELTA_NOT_CANONICAL;
	}
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
check_steps(const RuvDelta *delta)
{
	uint32_t	done = 0;
	RuvDeltaStatus status;

	for (uint32_t i = 0; i < delta->nsteps; i++)
	{
		const RuvDeltaStep *step = &delta->steps[i];

		if (step->kind == RUV_STEP_NUDGE)
		{
			if (step->nnudges > delta->nnudges - done)
				return RUV_DELTA_COUNT;
			if (i > 0 && step[-1].kind == RUV_STEP_NUDGE)
				return RUV_DELTA_NOT_CANONICAL;
			status = check_nudges(delta, delta->nudges + done, step->nnudges);
			if (status != RUV_DELTA_OK)
				return status;
			done += step->nnudges;
			continue;
		}
		if (step->kind != RUV_STEP_SCALE && step->kind != RUV_STEP_OFFSET)
			return RUV_DELTA_FORMAT;
		if (!ruv_float_is_finite(step->operand))
			return RUV_DELTA_VALUE;
		if (step->operand == (step->kind == RUV_STEP_SCALE ? 1.0f : 0.0f) ||
			step->nnudges != 0)
			return RUV_DELTA_NOT_CANONICAL;
	}
	return done == delta->nnudges ? RUV_DELTA_OK : RUV_DELTA_COUNT;
}

RuvDeltaStatus
ruv_delta_check(const RuvDelta *delta)
{
	RuvDeltaStatus status;

	if (delta->kind > RUV_DELTA_DELETE)
		return RUV_DELTA_FORMAT;
	if (delta->dims > RUV_DELTA_MAX_DIMS || delta->nassigned > delta->dims ||
		delta->nsteps > RUV_DELTA_MAX_STEPS ||
		delta->nnudges > RUV_DELTA_MAX_NUDGES)
		return RUV_DELTA_COUNT;
	if (delta->kind == RUV_DELTA_CREATE &&
		(delta->dims == 0 || delta->nassigned != delta->dims))
		return RUV_DELTA_FORMAT;
	if (delta->kind == RUV_DELTA_DELETE && delta->nassigned > 0)
		return RUV_DELTA_FORMAT;
	if (delta->nsteps > 0 &&
		(delta->kind != RUV_DELTA_CHANGE ||
		 (delta->dims > 0 && delta->nassigned == delta->dims)))
		return RUV_DELTA_NOT_CANONICAL;
	status = check_assignments(delta);
	if (status != RUV_DELTA_OK)
		return status;
	return check_steps(delta);
}

bool
ruv_delta_equal(const RuvDelta *a, const RuvDelta *b)
{
	if (a->kind != b->kind || a->dims != b->dims ||
		a->nassigned != b->nassigned || a->nsteps != b->nsteps ||
		a->nnudges != b->nnudges)
		return false;
	for (uint32_t i = 0; i < a->nassigned; i++)
	{
		if (a->dim[i] != b->dim[i] ||
			!ruv_float_same(a->value[i], b->value[i]))
			return false;
	}
	for (uint32_t i = 0; i < a->nsteps; i++)
	{
		if (a->steps[i].kind != b->steps[i].kind ||
			a->steps[i].nnudges != b->steps[i].nnudges ||
			!ruv_float_same(a->steps[i].operand, b->steps[i].operand))
			return false;
	}
	for (uint32_t i = 0; i < a->nnudges; i++)
	{
		if (a->nudges[i].dim != b->nudges[i].dim ||
			a->nudges[i].places != b->nudges[i].places)
			return false;
	}
	return true;
}

bool
ruv_delta_is_identity(const RuvDelta *delta)
{
	return delta->kind == RUV_DELTA_CHANGE && delta->nassigned == 0 &&
		delta->nsteps == 0;
}

/* Does a step act on every dimension? */
static bool
acts_on_all(const RuvDelta *delta)
{
	if (delta->kind != RUV_DELTA_CHANGE)
		return true;
	for (uint32_t i = 0; i < delta->nsteps; i++)
	{
		if (delta->steps[i].kind != RUV_STEP_NUDGE)
			return true;
	}
	return false;
}

/* Without a step on all there is one nudge step at most. */
uint32_t
ruv_delta_reach(const RuvDelta *delta)
{
	return acts_on_all(delta) ? delta->dims :
								delta->nassigned + delta->nnudges;
}

bool
ruv_delta_reaches(const RuvDelta *delta, uint32_t dim)
{
	uint32_t	low = 0;
	uint32_t	high = delta->nassigned;

	if (acts_on_all(delta))
		return delta->dims == 0 || dim < delta->dims;
	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (delta->dim[middle] < dim)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < delta->nassigned && delta->dim[low] == dim)
		return true;
	for (uint32_t i = 0; i < delta->nnudges; i++)
	{
		if (delta->nudges[i].dim == dim)
			return true;
	}
	return false;
}

static inline float
moved(float value, int32_t places)
{
	return ruv_float_at_place(ruv_float_place(value) + places);
}

static void
run_nudges(const RuvNudge *nudge, uint32_t nnudges, const uint32_t *dim,
		   uint32_t n, float *x)
{
	uint32_t	at = 0;

	for (uint32_t i = 0; i < nnudges; i++)
	{
		if (dim == NULL)
			at = nudge[i].dim;
		else
		{
			while (at < n && dim[at] < nudge[i].dim)
				at++;
			if (at < n && dim[at] != nudge[i].dim)
				continue;
		}
		if (at >= n)
			return;
		/* What is already out of range must not come back into it. */
		if (ruv_float_is_finite(x[at]))
			x[at] = moved(x[at], nudge[i].places);
	}
}

void
ruv_delta_run_steps(const RuvDelta *delta, const uint32_t *dim, uint32_t n,
					float *x)
{
	const RuvNudge *nudge = delta->nudges;

	for (uint32_t s = 0; s < delta->nsteps; s++)
	{
		const RuvDeltaStep *step = &delta->steps[s];
		float		operand = step->operand;

		switch (step->kind)
		{
			case RUV_STEP_SCALE:
				for (uint32_t i = 0; i < n; i++)
					x[i] *= operand;
				break;
			case RUV_STEP_OFFSET:
				for (uint32_t i = 0; i < n; i++)
					x[i] += operand;
				break;
			case RUV_STEP_NUDGE:
				run_nudges(nudge, step->nnudges, dim, n, x);
				nudge += step->nnudges;
				break;
		}
	}
}

static bool
all_finite(const float *x, uint32_t n)
{
	uint32_t	infinite = 0;

	for (uint32_t i = 0; i < n; i++)
		infinite |= ruv_float_magnitude(x[i]) >= RUV_FLOAT_INFINITY;
	return infinite == 0;
}

RuvDeltaStatus
ruv_delta_apply(const RuvDelta *delta, float *x, uint32_t dims, bool *exists)
{
	if (delta->dims != 0 && delta->dims != dims)
		return RUV_DELTA_DIMENSIONS;
	if (delta->kind == RUV_DELTA_DELETE)
		*exists = false;
	else if (delta->kind == RUV_DELTA_CREATE)
		*exists = true;
	if (!*exists)
		return RUV_DELTA_OK;
	ruv_delta_run_steps(delta, NULL, dims, x);
	for (uint32_t i = 0; i < delta->nassigned; i++)
		x[delta->dim[i]] = delta->value[i];
	if (delta->nsteps > 0 && !all_finite(x, dims))
		return RUV_DELTA_OUT_OF_RANGE;
	return RUV_DELTA_OK;
}
