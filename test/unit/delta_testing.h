/*
 * delta_testing.h
 *		Shared by the tests of deltas: an arena that counts and fails on
 *		request, random numbers, random deltas.
 */
#ifndef DELTA_TESTING_H
#define DELTA_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_delta_frame.h"
#include "core/ruv_float_bits.h"

static int	failures = 0;

#define EXPECT(condition) \
	do \
	{ \
		if (!(condition)) \
		{ \
			failures++; \
			printf("not ok: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

#define EXPECT_STATUS(call, expected) \
	do \
	{ \
		RuvDeltaStatus got_ = (call); \
		if (got_ != (expected)) \
		{ \
			failures++; \
			printf("not ok: %s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
				   ruv_delta_message(got_)); \
		} \
	} while (0)

/* Blocks not yet released; the allocation with this number fails. */
typedef struct Counting
{
	int			live;
	int			done;
	int			fail_at;
} Counting;

static void *
counting_alloc(void *context, size_t size)
{
	Counting   *counting = context;
	void	   *block;

	if (++counting->done == counting->fail_at)
		return NULL;
	block = malloc(size);
	if (block == NULL)
		abort();
	counting->live++;
	return block;
}

static void
counting_release(void *context, void *pointer)
{
	((Counting *) context)->live--;
	free(pointer);
}

static Counting counting;
static const RuvArena arena = {counting_alloc, counting_release, &counting};

static uint64_t random_state = 42;

static inline uint32_t
random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) +
		1442695040888963407;
	return (uint32_t) ((random_state >> 33) % n);
}

/* Numbers as in vectors, and those that trip over their own feet. */
static inline float
random_value(void)
{
	static const float odd[] = {0.0f, -0.0f, 1.0f, -1.0f, 0x1p-149f,
					   -0x1p-126f, 0x1.fffffep-127f, 1e-30f, 3e38f,
					   -0x1.fffffep127f, 0.69314718f, 65504.0f};

	if (random_below(4) == 0)
		return odd[random_below(sizeof(odd) / sizeof(odd[0]))];
	return ((float) random_below(1 << 24) / (1 << 23) - 1) *
		(random_below(2) ? 1.0f : 0.01f);
}

static inline void
random_vector(float *x, uint32_t dims)
{
	for (uint32_t i = 0; i < dims; i++)
		x[i] = random_value();
}

static inline float
random_operand(RuvStepKind kind)
{
	static const float factors[] = {0.0f, -1.0f, 0.5f, 1.0000001f, 1.3f,
					   -0.99f, 1e-20f, 1e10f};
	static const float shifts[] = {1.0f, -0.125f, 1e-8f, 0.1f, -3.7f, 1e30f};

	return kind == RUV_STEP_SCALE ? factors[random_below(8)] :
									shifts[random_below(6)];
}

/* Ascending dimensions, n of them at most, among those not in `taken`. */
static inline uint32_t
random_dims(uint32_t dims, uint32_t n, const bool *taken, uint32_t *dim)
{
	uint32_t	count = 0;

	for (uint32_t i = 0; i < dims && count < n; i++)
	{
		if (!taken[i] && random_below(dims) < n)
			dim[count++] = i;
	}
	return count;
}

#define MAX_RANDOM_DIMS 64

static inline void
random_nudges(RuvDelta *out, const bool *taken)
{
	uint32_t	dim[MAX_RANDOM_DIMS];
	uint32_t	n = random_dims(out->dims, 1 + random_below(out->dims), taken,
								dim);

	if (n == 0 || (out->nsteps > 0 && out->steps[out->nsteps - 1].kind == RUV_STEP_NUDGE))
		return;
	for (uint32_t i = 0; i < n; i++)
	{
		RuvNudge   *nudge = &out->nudges[out->nnudges++];

		nudge->dim = dim[i];
		nudge->places = (int32_t) (1 + random_below(random_below(5) ? 3 : 100000));
		if (random_below(2))
			nudge->places = -nudge->places;
	}
	out->steps[out->nsteps].kind = RUV_STEP_NUDGE;
	out->steps[out->nsteps].operand = 0;
	out->steps[out->nsteps++].nnudges = n;
}

/* A canonical change of up to MAX_RANDOM_DIMS dimensions. */
static inline void
random_change(uint32_t dims, RuvDelta *out)
{
	uint32_t	dim[MAX_RANDOM_DIMS];
	bool		taken[MAX_RANDOM_DIMS] = {false};
	uint32_t	n = random_dims(dims, random_below(dims + 1), taken, dim);

	EXPECT_STATUS(ruv_delta_reserve(&arena, n, 4, 4 * dims, out), RUV_DELTA_OK);
	out->dims = dims;
	for (uint32_t i = 0; i < n; i++)
	{
		out->dim[i] = dim[i];
		out->value[i] = random_value();
		taken[dim[i]] = true;
	}
	out->nassigned = n;
	for (uint32_t i = n < dims ? random_below(5) : 0; i > 0; i--)
	{
		RuvStepKind kind = (RuvStepKind) (1 + random_below(3));

		if (kind == RUV_STEP_NUDGE)
		{
			random_nudges(out, taken);
			continue;
		}
		out->steps[out->nsteps].kind = kind;
		out->steps[out->nsteps].operand = random_operand(kind);
		out->steps[out->nsteps++].nnudges = 0;
	}
}

static inline void
random_delta(uint32_t dims, RuvDelta *out)
{
	float		x[MAX_RANDOM_DIMS];

	switch (random_below(12))
	{
		case 0:
			ruv_delta_delete(random_below(2) ? dims : 0, out);
			break;
		case 1:
			random_vector(x, dims);
			EXPECT_STATUS(ruv_delta_create(&arena, dims, x, out), RUV_DELTA_OK);
			break;
		case 2:
			EXPECT_STATUS(ruv_delta_affine(&arena, 0,
										   random_operand(RUV_STEP_SCALE),
										   random_operand(RUV_STEP_OFFSET), 0,
										   NULL, NULL, out),
						  RUV_DELTA_OK);
			break;
		default:
			random_change(dims, out);
			break;
	}
	EXPECT_STATUS(ruv_delta_check(out), RUV_DELTA_OK);
}

static inline bool
same_bits(const float *a, const float *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
	{
		if (!ruv_float_same(a[i], b[i]))
			return false;
	}
	return true;
}

static inline uint32_t
rounds(uint32_t full)
{
	return getenv("RUV_TEST_QUICK") != NULL ? full / 20 + 1 : full;
}

#endif							/* DELTA_TESTING_H */
