/*
 * ruv_delta_between.c
 *		The delta that leads from one vector to another, and back.
 *
 * A plain list of the changed dimensions is always possible.  Where nearly
 * all dimensions changed, mostly because of one factor (a vector normalised
 * again after an edit) or one shift, that step is looked for.  What it
 * predicts is off by a unit in the last place here and there, since both
 * vectors were rounded before we saw them: nudges of a few bits repair this.
 * Dimensions that were truly edited are assigned.
 *
 * The factor is the mode of new/old: the densest narrow window of the sorted
 * ratios, so that edited dimensions do not disturb it, and then, of a few
 * floats around, the one that needs the fewest nudges.  Likewise the shift,
 * and for a*x + b the slope between neighbouring dimensions.
 */
#include <string.h>

#include "core/ruv_delta_frame.h"
#include "core/ruv_float_bits.h"

/* Fewer changed dimensions are better off as a list. */
#define MIN_CHANGED 12
/* Ratios this close, relatively, have the same factor; shifts likewise. */
#define WINDOW (1.0 / (1 << 21))
/* A nudge of more places costs nearly what an assignment does. */
#define MAX_PLACES 32
/* Floats to try on each side of the mode. */
#define REFINE 2
/* So many dimensions, evenly spread, show a factor as well as all do. */
#define MAX_SAMPLE 96
/* Bits that an assignment costs, about. */
#define ASSIGNMENT_BITS 32

typedef struct Search
{
	const float *old_vector;
	const float *new_vector;
	uint32_t	dims;
	float		bound;
	float		a;				/* the prediction: fl(fl(a * x) + b) */
	float		b;
	double		sample[MAX_SAMPLE];
} Search;

static bool
close_enough(float guess, float wanted, float bound)
{
	double		error = (double) guess - (double) wanted;

	if (bound == 0)
		return ruv_float_same(guess, wanted);
	return error <= (double) bound && error >= -(double) bound;
}

static bool
all_finite(const float *x, uint32_t n)
{
	for (uint32_t i = 0; x != NULL && i < n; i++)
	{
		if (!ruv_float_is_finite(x[i]))
			return false;
	}
	return true;
}

static void
sort(double *x, uint32_t n)
{
	for (uint32_t gap = n / 2; gap > 0;
		 gap = gap == 2 ? 1 : (uint32_t) ((uint64_t) gap * 5 / 11))
	{
		for (uint32_t i = gap; i < n; i++)
		{
			double		v = x[i];
			uint32_t	j = i;

			for (; j >= gap && x[j - gap] > v; j -= gap)
				x[j] = x[j - gap];
			x[j] = v;
		}
	}
}

/* The middle of the densest window; false if it holds less than a third. */
static bool
find_mode(double *x, uint32_t n, double width, double *mode)
{
	uint32_t	best = 0;
	uint32_t	low = 0;

	sort(x, n);
	for (uint32_t high = 0; high < n; high++)
	{
		double		size = x[high] < 0 ? -x[high] : x[high];

		while (x[high] - x[low] > (width > 0 ? width : size * WINDOW))
			low++;
		if (high - low + 1 <= best)
			continue;
		best = high - low + 1;
		*mode = x[low + best / 2];
	}
	return best >= 4 && best >= n / 3;
}

static inline float
predict(const Search *s, float x)
{
	if (s->b == 0)
		return x * s->a;
	return (s->a != 1 ? ruv_float_rounded(x * s->a) : x) + s->b;
}

/* Places by which the prediction misses; INT64_MAX: assign instead. */
static int64_t
miss(const Search *s, uint32_t dim)
{
	float		wanted = s->new_vector[dim];
	float		guess = predict(s, s->old_vector[dim]);
	int64_t		places;

	if (!ruv_float_is_finite(guess))
		return INT64_MAX;
	if (close_enough(guess, wanted, s->bound))
		return 0;
	places = ruv_float_place(wanted) - ruv_float_place(guess);
	return s->bound > 0 || places > MAX_PLACES || places < -MAX_PLACES ?
		INT64_MAX :
		places;
}

/* About how many bits the misses cost. */
static uint64_t
cost(const Search *s)
{
	uint64_t	bits = 0;

	for (uint32_t i = 0; i < s->dims; i++)
	{
		int64_t		places = miss(s, i);

		if (places == INT64_MAX)
			bits += ASSIGNMENT_BITS;
		else if (places != 0)
			bits += 3 + (uint64_t) (places < 0 ? -places : places);
	}
	return bits;
}

/* Tries the floats around *parameter, which is s->a or s->b. */
static void
refine(Search *s, float *parameter)
{
	int64_t		middle = ruv_float_place(*parameter);
	float		best = *parameter;
	uint64_t	least = cost(s);

	for (int64_t place = middle - REFINE; place <= middle + REFINE; place++)
	{
		uint64_t	bits;

		*parameter = ruv_float_at_place(place);
		if (place == middle || !ruv_float_is_finite(*parameter))
			continue;
		bits = cost(s);
		if (bits >= least)
			continue;
		least = bits;
		best = *parameter;
	}
	*parameter = best;
}

static uint32_t
sample_stride(const Search *s)
{
	return (s->dims + MAX_SAMPLE - 1) / MAX_SAMPLE;
}

static bool
find_scale(Search *s)
{
	uint32_t	n = 0;
	uint32_t	skip = 0;
	uint32_t	both = 0;
	uint32_t	stride;
	double		mode = 1;

	for (uint32_t i = 0; i < s->dims; i++)
		both += s->old_vector[i] != 0 && s->new_vector[i] != 0;
	if (both == 0)
		return false;
	stride = (both - 1) / MAX_SAMPLE + 1;
	for (uint32_t i = 0; i < s->dims; i++)
	{
		if (s->old_vector[i] == 0 || s->new_vector[i] == 0 ||
			skip++ % stride != 0)
			continue;
		s->sample[n++] = (double) s->new_vector[i] / (double) s->old_vector[i];
	}
	if (!find_mode(s->sample, n, 0, &mode))
		return false;
	s->a = (float) mode;
	if (!ruv_float_is_finite(s->a) || s->a == 0 || s->a == 1)
		return false;
	refine(s, &s->a);
	return s->a != 1;
}

/* The shift that is left when the factor s->a is taken as known. */
static bool
find_offset(Search *s)
{
	uint32_t	n = 0;
	double		mode = 0;
	double		largest = 0;

	for (uint32_t i = 0; i < s->dims; i += sample_stride(s))
	{
		double		x = (double) s->new_vector[i];

		s->sample[n++] = x - (double) s->old_vector[i] * (double) s->a;
		x = x < 0 ? -x : x;
		largest = x > largest ? x : largest;
	}
	if (!find_mode(s->sample, n, 2 * largest * WINDOW, &mode))
		return false;
	s->b = (float) mode;
	if (!ruv_float_is_finite(s->b) || s->b == 0)
		return false;
	refine(s, &s->b);
	return s->b != 0;
}

static bool
find_affine(Search *s)
{
	uint32_t	n = 0;
	double		slope = 0;

	for (uint32_t i = 1; i < s->dims; i += sample_stride(s))
	{
		double		run = (double) s->old_vector[i] -
			(double) s->old_vector[i - 1];

		if (run != 0)
			s->sample[n++] = ((double) s->new_vector[i] -
							  (double) s->new_vector[i - 1]) /
				run;
	}
	/* Differences of rounded numbers: a wider window. */
	if (!find_mode(s->sample, n, WINDOW * 64, &slope))
		return false;
	s->a = (float) slope;
	if (!ruv_float_is_finite(s->a) || s->a == 0 || s->a == 1 ||
		!find_offset(s))
		return false;
	refine(s, &s->a);
	return s->a != 1;
}

static void
add_step(RuvDelta *out, RuvStepKind kind, float operand)
{
	out->steps[out->nsteps].kind = kind;
	out->steps[out->nsteps].operand = operand;
	out->steps[out->nsteps++].nnudges = 0;
}

/* The delta with the steps that were found, in full. */
static RuvDeltaStatus
build(const RuvArena *arena, const Search *s, RuvDelta *out)
{
	RuvDeltaStatus status = ruv_delta_reserve(arena, s->dims, 3, s->dims, out);

	if (status != RUV_DELTA_OK)
		return status;
	out->dims = s->dims;
	for (uint32_t i = 0; i < s->dims; i++)
	{
		int64_t		places = miss(s, i);

		if (places == INT64_MAX)
		{
			out->dim[out->nassigned] = i;
			out->value[out->nassigned++] = s->new_vector[i];
		}
		else if (places != 0)
		{
			out->nudges[out->nnudges].dim = i;
			out->nudges[out->nnudges++].places = (int32_t) places;
		}
	}
	if (out->nassigned == s->dims)
		return RUV_DELTA_OK;
	if (s->a != 1)
		add_step(out, RUV_STEP_SCALE, s->a);
	if (s->b != 0)
		add_step(out, RUV_STEP_OFFSET, s->b);
	if (out->nnudges > 0)
	{
		add_step(out, RUV_STEP_NUDGE, 0);
		out->steps[out->nsteps - 1].nnudges = out->nnudges;
	}
	return RUV_DELTA_OK;
}

/*
 * Puts the delta of s into *list, the plain list of changes, if its frame is
 * smaller by a quarter.
 */
static RuvDeltaStatus
prefer(const RuvArena *arena, const Search *s, RuvDelta *list)
{
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	RuvDelta	other = {0};
	size_t		size = 0;
	size_t		list_size = 0;
	RuvDeltaStatus status = build(arena, s, &other);

	wishes.bound = s->bound;
	if (status == RUV_DELTA_OK)
		status = ruv_delta_encoded_size(arena, &wishes, list, &list_size);
	if (status == RUV_DELTA_OK)
		status = ruv_delta_encoded_size(arena, &wishes, &other, &size);
	if (status == RUV_DELTA_OK && size < list_size / 4 * 3)
	{
		RuvDelta	swap = *list;

		*list = other;
		other = swap;
	}
	ruv_delta_free(arena, &other);
	return status;
}

/* The first prediction that is clearly cheaper than the list. */
static bool
find_steps(Search *s, uint32_t nlisted)
{
	bool (*const find[])(Search *) = {find_scale, find_offset,
									  find_affine};
	uint64_t	enough = (uint64_t) nlisted * ASSIGNMENT_BITS * 3 / 4;

	for (int i = 0; i < 3; i++)
	{
		s->a = 1;
		s->b = 0;
		if (find[i](s) && cost(s) < enough)
			return true;
	}
	return false;
}

/* The list of changed dimensions: the search with nothing found. */
static RuvDeltaStatus
list_changes(const RuvArena *arena, const Search *s, RuvDelta *out)
{
	RuvDeltaStatus status;
	uint32_t	n = 0;

	for (uint32_t i = 0; i < s->dims; i++)
		n += !close_enough(s->old_vector[i], s->new_vector[i], s->bound);
	status = ruv_delta_reserve(arena, n, 0, 0, out);
	if (status != RUV_DELTA_OK)
		return status;
	out->dims = s->dims;
	for (uint32_t i = 0; i < s->dims; i++)
	{
		if (close_enough(s->old_vector[i], s->new_vector[i], s->bound))
			continue;
		out->dim[out->nassigned] = i;
		out->value[out->nassigned++] = s->new_vector[i];
	}
	return RUV_DELTA_OK;
}

RuvDeltaStatus
ruv_delta_between(const RuvArena *arena, uint32_t dims,
				  const float *old_vector, const float *new_vector,
				  float bound, bool steps_allowed, RuvDelta *out)
{
	Search		s;
	RuvDeltaStatus status;

	s.old_vector = old_vector;
	s.new_vector = new_vector;
	s.dims = dims;
	s.bound = bound;

	if (dims == 0 || !(bound >= 0))
		return RUV_DELTA_ARGUMENT;
	if (dims > RUV_DELTA_MAX_DIMS)
		return RUV_DELTA_LIMIT;
	if (!all_finite(old_vector, dims) || !all_finite(new_vector, dims))
		return RUV_DELTA_NOT_FINITE;
	if (new_vector == NULL)
	{
		ruv_delta_delete(dims, out);
		return RUV_DELTA_OK;
	}
	if (old_vector == NULL)
		return ruv_delta_create(arena, dims, new_vector, out);
	status = list_changes(arena, &s, out);
	if (status != RUV_DELTA_OK || !steps_allowed ||
		out->nassigned < MIN_CHANGED || out->nassigned < dims / 16 ||
		!find_steps(&s, out->nassigned))
		return status;
	return prefer(arena, &s, out);
}

RuvDeltaStatus
ruv_delta_invert(const RuvArena *arena, const RuvDelta *delta, uint32_t dims,
				 const float *base, RuvDelta *out)
{
	bool		exists = base != NULL;
	float	   *after;
	RuvDeltaStatus status;

	if (dims == 0 || dims > RUV_DELTA_MAX_DIMS)
		return RUV_DELTA_DIMENSIONS;
	after = ruv_alloc(arena, dims * sizeof(float));
	if (after == NULL)
		return RUV_DELTA_MEMORY;
	if (base != NULL)
		memcpy(after, base, dims * sizeof(float));
	status = ruv_delta_apply(delta, after, dims, &exists);
	if (status == RUV_DELTA_OK)
		status = ruv_delta_between(arena, dims, exists ? after : NULL, base,
								   0, true, out);
	ruv_release(arena, after);
	return status;
}
