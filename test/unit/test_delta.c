/*
 * test_delta.c
 *		The algebra of deltas: its laws on random deltas, bit for bit, and
 *		the form that every function must keep.
 */
#include "delta_testing.h"

/* What became of a vector. */
typedef struct State
{
	float		x[MAX_RANDOM_DIMS];
	bool		exists;
} State;

static void
random_state_of(uint32_t dims, State *state)
{
	random_vector(state->x, dims);
	state->exists = random_below(8) != 0;
}

static bool
same_state(const State *a, const State *b, uint32_t dims)
{
	return a->exists == b->exists &&
		(!a->exists || same_bits(a->x, b->x, dims));
}

/* D2: what is composed acts like one after the other. */
static void
test_compose(void)
{
	uint32_t	defined = 0;
	uint32_t	n = rounds(60000);
	RuvDelta	d = {0};
	RuvDelta	e = {0};
	RuvDelta	both = {0};

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	dims = 1 + random_below(24);
		State		one;
		State		other;

		random_delta(dims, &d);
		random_delta(dims, &e);
		random_state_of(dims, &one);
		other = one;
		if (ruv_delta_apply(&d, one.x, dims, &one.exists) != RUV_DELTA_OK ||
			ruv_delta_apply(&e, one.x, dims, &one.exists) != RUV_DELTA_OK)
			continue;
		defined++;
		/* The composition of d and e alone may leave the range of floats. */
		if (ruv_delta_compose(&arena, &d, &e, &both) != RUV_DELTA_OK)
		{
			EXPECT(!other.exists);
			continue;
		}
		EXPECT_STATUS(ruv_delta_check(&both), RUV_DELTA_OK);
		EXPECT_STATUS(ruv_delta_apply(&both, other.x, dims, &other.exists),
					  RUV_DELTA_OK);
		EXPECT(same_state(&one, &other, dims));
	}
	EXPECT(defined > n / 4);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &e);
	ruv_delta_free(&arena, &both);
}

/* D4: grouping does not matter; the delta that does nothing is neutral. */
static void
test_associative(void)
{
	uint32_t	defined = 0;
	uint32_t	n = rounds(60000);
	RuvDelta	d[3] = {{0}, {0}, {0}};
	RuvDelta	pair = {0};
	RuvDelta	left = {0};
	RuvDelta	right = {0};
	RuvDelta	none = {0};

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	dims = 1 + random_below(16);

		for (int j = 0; j < 3; j++)
			random_delta(dims, &d[j]);
		EXPECT_STATUS(ruv_delta_compose(&arena, &d[0], &none, &left),
					  RUV_DELTA_OK);
		EXPECT(ruv_delta_equal(&left, &d[0]));
		EXPECT_STATUS(ruv_delta_compose(&arena, &none, &d[0], &left),
					  RUV_DELTA_OK);
		EXPECT(ruv_delta_equal(&left, &d[0]));

		if (ruv_delta_compose(&arena, &d[0], &d[1], &pair) != RUV_DELTA_OK ||
			ruv_delta_compose(&arena, &pair, &d[2], &left) != RUV_DELTA_OK ||
			ruv_delta_compose(&arena, &d[1], &d[2], &pair) != RUV_DELTA_OK ||
			ruv_delta_compose(&arena, &d[0], &pair, &right) != RUV_DELTA_OK)
			continue;
		defined++;
		EXPECT(ruv_delta_equal(&left, &right));
	}
	EXPECT(defined > n / 4);
	for (int j = 0; j < 3; j++)
		ruv_delta_free(&arena, &d[j]);
	ruv_delta_free(&arena, &pair);
	ruv_delta_free(&arena, &left);
	ruv_delta_free(&arena, &right);
}

/* Makes y from x in one of the ways in which embeddings change. */
static void
edit(const float *x, float *y, uint32_t dims)
{
	float		a = 1 + ((float) random_below(1000) - 500) / 1000;
	float		b = (float) random_below(100) / 100;
	uint32_t	way = random_below(6);

	for (uint32_t i = 0; i < dims; i++)
	{
		switch (way)
		{
			case 0:
				y[i] = random_value();
				break;
			case 1:
				y[i] = x[i] / a;
				break;
			case 2:
				y[i] = x[i] + b;
				break;
			case 3:
				y[i] = x[i] * a + b;
				break;
			default:
				y[i] = x[i];
				break;
		}
		if (random_below(10) == 0)
			y[i] = random_value();
		if (!ruv_float_is_finite(y[i]))
			y[i] = -0.0f;
	}
}

/* D1 and D5, and that the steps are found where there are some. */
static void
test_between(void)
{
	uint32_t	with_steps = 0;
	uint32_t	n = rounds(20000);
	RuvDelta	d = {0};
	RuvDelta	back = {0};

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	dims = 1 + random_below(MAX_RANDOM_DIMS);
		float		x[MAX_RANDOM_DIMS];
		float		y[MAX_RANDOM_DIMS];
		float		z[MAX_RANDOM_DIMS];
		bool		exists = true;

		random_vector(x, dims);
		if (random_below(2))
		{
			for (uint32_t k = 0; k < dims; k++)
				x[k] = 0.1f + (float) random_below(1 << 20) / (1 << 20);
		}
		edit(x, y, dims);
		memcpy(z, x, sizeof(z));
		EXPECT_STATUS(ruv_delta_between(&arena, dims, x, y, 0, true, &d),
					  RUV_DELTA_OK);
		EXPECT_STATUS(ruv_delta_check(&d), RUV_DELTA_OK);
		with_steps += d.nsteps > 0;
		EXPECT_STATUS(ruv_delta_apply(&d, z, dims, &exists), RUV_DELTA_OK);
		EXPECT(exists && same_bits(z, y, dims));
		EXPECT_STATUS(ruv_delta_invert(&arena, &d, dims, x, &back),
					  RUV_DELTA_OK);
		EXPECT_STATUS(ruv_delta_apply(&back, z, dims, &exists), RUV_DELTA_OK);
		EXPECT(exists && same_bits(z, x, dims));
		EXPECT_STATUS(ruv_delta_between(&arena, dims, x, y, 0, false, &d),
					  RUV_DELTA_OK);
		EXPECT(d.nsteps == 0);
	}
	EXPECT(with_steps > n / 20);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &back);
}

static void
test_invert(void)
{
	uint32_t	defined = 0;
	RuvDelta	d = {0};
	RuvDelta	back = {0};

	for (uint32_t i = 0; i < rounds(10000); i++)
	{
		uint32_t	dims = 1 + random_below(24);
		State		base;
		State		now;

		random_delta(dims, &d);
		random_state_of(dims, &base);
		now = base;
		if (ruv_delta_apply(&d, now.x, dims, &now.exists) != RUV_DELTA_OK)
			continue;
		defined++;
		EXPECT_STATUS(ruv_delta_invert(&arena, &d, dims,
									   base.exists ? base.x : NULL, &back),
					  RUV_DELTA_OK);
		EXPECT_STATUS(ruv_delta_apply(&back, now.x, dims, &now.exists),
					  RUV_DELTA_OK);
		EXPECT(same_state(&now, &base, dims));
	}
	EXPECT(defined > rounds(10000) / 2);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &back);
}

/* A renormalised vector: one factor, some edits, nudges of a few places. */
static void
test_finds_factor(void)
{
	float		x[384];
	float		y[384];
	RuvDelta	d = {0};

	for (uint32_t i = 0; i < 384; i++)
		x[i] = (float) random_below(1 << 20) / (1 << 20) - 0.5f;
	for (uint32_t i = 0; i < 384; i++)
		y[i] = i % 40 == 7 ? 0.25f : x[i];
	for (uint32_t i = 0; i < 384; i++)
	{
		y[i] /= 11.9f;
		x[i] /= 11.3f;
	}
	EXPECT_STATUS(ruv_delta_between(&arena, 384, x, y, 0, true, &d),
				  RUV_DELTA_OK);
	EXPECT(d.nsteps == 2 && d.steps[0].kind == RUV_STEP_SCALE);
	EXPECT(d.nassigned <= 12 && d.nnudges < 250);
	EXPECT(ruv_delta_reach(&d) == 384 && ruv_delta_reaches(&d, 383));
	/* A shift of exact numbers needs no nudge. */
	for (uint32_t i = 0; i < 384; i++)
	{
		x[i] = (float) i;
		y[i] = (float) i + 0.5f;
	}
	EXPECT_STATUS(ruv_delta_between(&arena, 384, x, y, 0, true, &d),
				  RUV_DELTA_OK);
	EXPECT(d.nsteps == 1 && d.steps[0].kind == RUV_STEP_OFFSET &&
		   d.nassigned == 0);
	for (uint32_t i = 0; i < 384; i++)
	{
		x[i] = (float) (i * i % 97);
		y[i] = x[i] * 3 + 0.5f;
	}
	EXPECT_STATUS(ruv_delta_between(&arena, 384, x, y, 0, true, &d),
				  RUV_DELTA_OK);
	EXPECT(d.nsteps == 2 && d.steps[0].operand == 3 &&
		   d.steps[1].operand == 0.5f && d.nassigned == 0);
	ruv_delta_free(&arena, &d);
}

/* With a bound, small differences are left alone. */
static void
test_between_bound(void)
{
	float		x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	float		y[8] = {1.01f, 2, 3.5f, 4, 5, 6, 7.01f, 8.1f};
	RuvDelta	d = {0};

	EXPECT_STATUS(ruv_delta_between(&arena, 8, x, y, 0.05f, true, &d),
				  RUV_DELTA_OK);
	EXPECT(d.nassigned == 2 && d.dim[0] == 2 && d.dim[1] == 7);
	EXPECT(d.value[0] == 3.5f && d.value[1] == 8.1f);
	EXPECT_STATUS(ruv_delta_between(&arena, 8, x, y, -1, true, &d),
				  RUV_DELTA_ARGUMENT);
	ruv_delta_free(&arena, &d);
}

/* Symmetric; and without a conflict the order does not matter. */
static void
test_conflict(void)
{
	uint32_t	free_of_it = 0;
	uint32_t	n = rounds(60000);
	RuvDelta	d[2] = {{0}, {0}};

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	dims = 1 + random_below(16);
		bool		conflict[2];
		uint32_t	ndims[2];
		uint32_t	first[2];
		State		start;
		State		end[2];
		int			ok = 0;

		random_delta(dims, &d[0]);
		random_delta(dims, &d[1]);
		random_state_of(dims, &start);
		for (int j = 0; j < 2; j++)
			EXPECT_STATUS(ruv_delta_conflict(&arena, &d[j], &d[!j],
											 &conflict[j], &ndims[j],
											 &first[j]),
						  RUV_DELTA_OK);
		EXPECT(conflict[0] == conflict[1] && ndims[0] == ndims[1] &&
			   first[0] == first[1]);
		if (conflict[0])
			continue;
		for (int j = 0; j < 2; j++)
		{
			end[j] = start;
			if (ruv_delta_apply(&d[j], end[j].x, dims, &end[j].exists) ==
					RUV_DELTA_OK &&
				ruv_delta_apply(&d[!j], end[j].x, dims, &end[j].exists) ==
					RUV_DELTA_OK)
				ok++;
		}
		if (ok < 2)
			continue;
		free_of_it++;
		EXPECT(same_state(&end[0], &end[1], dims));
	}
	EXPECT(free_of_it > n / 100);
	ruv_delta_free(&arena, &d[0]);
	ruv_delta_free(&arena, &d[1]);
}

static bool
conflicts(const RuvDelta *a, const RuvDelta *b, uint32_t *ndims,
		  uint32_t *first)
{
	bool		conflict = false;

	EXPECT_STATUS(ruv_delta_conflict(&arena, a, b, &conflict, ndims, first),
				  RUV_DELTA_OK);
	return conflict;
}

static void
test_conflict_cases(void)
{
	static const uint32_t low[] = {1, 2, 5};
	static const uint32_t high[] = {2, 5, 6};
	static const float one[] = {1, 1, 3};
	static const float other[] = {1, 2, 3};
	RuvDelta	a = {0};
	RuvDelta	b = {0};
	RuvDelta	gone = {0};
	uint32_t	ndims;
	uint32_t	first;

	EXPECT_STATUS(ruv_delta_affine(&arena, 8, 1, 0, 3, low, one, &a),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_affine(&arena, 8, 1, 0, 3, high, other, &b),
				  RUV_DELTA_OK);
	EXPECT(conflicts(&a, &b, &ndims, &first) && ndims == 1 && first == 5);
	EXPECT(!conflicts(&a, &a, NULL, NULL));

	/* A factor meets every assignment but that of 0. */
	EXPECT_STATUS(ruv_delta_affine(&arena, 0, 2, 0, 0, NULL, NULL, &b),
				  RUV_DELTA_OK);
	EXPECT(conflicts(&a, &b, &ndims, &first) && ndims == 3 && first == 1);
	EXPECT(!conflicts(&b, &b, NULL, NULL));
	EXPECT_STATUS(ruv_delta_affine(&arena, 8, 1, 0, 1, low,
								   (const float[]){0}, &a),
				  RUV_DELTA_OK);
	EXPECT(!conflicts(&a, &b, NULL, NULL));
	EXPECT_STATUS(ruv_delta_affine(&arena, 0, 1, 2, 0, NULL, NULL, &a),
				  RUV_DELTA_OK);
	EXPECT(conflicts(&a, &b, &ndims, NULL) && ndims == 0);

	ruv_delta_delete(0, &gone);
	EXPECT(conflicts(&a, &gone, NULL, NULL));
	EXPECT(!conflicts(&gone, &gone, NULL, NULL));
	ruv_delta_free(&arena, &b);
	EXPECT(!conflicts(&b, &gone, NULL, NULL));
	ruv_delta_free(&arena, &a);
}

/* Rounded after the product and after the sum; nothing fused. */
static void
test_steps_round_singly(void)
{
	float		a = 1 + 0x1p-12f;
	float		x[2] = {1 + 0x1p-12f, -0.0f};
	bool		exists = true;
	RuvDelta	d = {0};

	EXPECT_STATUS(ruv_delta_affine(&arena, 0, a, -1, 0, NULL, NULL, &d),
				  RUV_DELTA_OK);
	EXPECT(ruv_delta_reach(&d) == 0 && ruv_delta_reaches(&d, 77));
	EXPECT_STATUS(ruv_delta_apply(&d, x, 2, &exists), RUV_DELTA_OK);
	EXPECT(x[0] == 0x1p-11f && x[1] == -1); /* fused: 0x1.001p-11 */

	x[0] = 3e38f;
	EXPECT_STATUS(ruv_delta_affine(&arena, 0, 2, 0, 0, NULL, NULL, &d),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_apply(&d, x, 2, &exists),
				  RUV_DELTA_OUT_OF_RANGE);
	/* Not where the dimension is assigned. */
	EXPECT_STATUS(ruv_delta_affine(&arena, 2, 2, 0, 1, NULL, x + 1, &d),
				  RUV_DELTA_OK);
	x[0] = 3e38f;
	EXPECT_STATUS(ruv_delta_apply(&d, x, 2, &exists), RUV_DELTA_OK);
	EXPECT(x[0] == -2 && x[1] == -4);
	ruv_delta_free(&arena, &d);
}

static void
test_states(void)
{
	float		x[3] = {1, 2, 3};
	float		y[3] = {7, 8, 9};
	bool		exists = false;
	RuvDelta	d = {0};

	EXPECT_STATUS(ruv_delta_affine(&arena, 3, 1, 0, 3, NULL, y, &d),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_apply(&d, x, 3, &exists), RUV_DELTA_OK);
	EXPECT(!exists && x[0] == 1);
	EXPECT_STATUS(ruv_delta_create(&arena, 3, y, &d), RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_apply(&d, x, 3, &exists), RUV_DELTA_OK);
	EXPECT(exists && same_bits(x, y, 3));
	ruv_delta_delete(3, &d);
	EXPECT_STATUS(ruv_delta_apply(&d, x, 3, &exists), RUV_DELTA_OK);
	EXPECT(!exists && ruv_delta_reach(&d) == 3);
	EXPECT_STATUS(ruv_delta_apply(&d, x, 2, &exists), RUV_DELTA_DIMENSIONS);
	ruv_delta_free(&arena, &d);
	EXPECT(ruv_delta_is_identity(&d) && !ruv_delta_reaches(&d, 0));
}

static void
test_construction_errors(void)
{
	static const uint32_t dim[] = {3, 3};
	static const uint32_t beyond[] = {3, 8};
	static const float value[] = {1, 2};
	static const float bad[] = {1, __builtin_nanf("")};
	RuvDelta	d = {0};
	RuvDelta	e = {0};
	RuvDelta	f = {0};

	EXPECT_STATUS(ruv_delta_affine(&arena, 8, 1, 0, 2, dim, value, &d),
				  RUV_DELTA_ARGUMENT);
	EXPECT_STATUS(ruv_delta_affine(&arena, 8, 1, 0, 2, beyond, value, &d),
				  RUV_DELTA_DIMENSIONS);
	EXPECT_STATUS(ruv_delta_affine(&arena, 8, 1, 0, 2, NULL, bad, &d),
				  RUV_DELTA_NOT_FINITE);
	EXPECT_STATUS(ruv_delta_affine(&arena, 8, __builtin_inff(), 0, 0, NULL,
								   NULL, &d),
				  RUV_DELTA_NOT_FINITE);
	EXPECT_STATUS(ruv_delta_affine(&arena, 1, 1, 0, 2, NULL, value, &d),
				  RUV_DELTA_DIMENSIONS);
	EXPECT_STATUS(ruv_delta_affine(&arena, RUV_DELTA_MAX_DIMS + 1, 1, 0, 0,
								   NULL, NULL, &d),
				  RUV_DELTA_LIMIT);
	EXPECT_STATUS(ruv_delta_create(&arena, 0, value, &d),
				  RUV_DELTA_DIMENSIONS);
	EXPECT_STATUS(ruv_delta_between(&arena, 2, value, bad, 0, true, &d),
				  RUV_DELTA_NOT_FINITE);
	EXPECT_STATUS(ruv_delta_affine(&arena, 2, 1, 0, 2, NULL, value, &d),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_affine(&arena, 3, 1, 0, 2, NULL, value, &e),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_compose(&arena, &d, &e, &f),
				  RUV_DELTA_DIMENSIONS);
	/* A composition out of range. */
	e.value[0] = 3e38f;
	EXPECT_STATUS(ruv_delta_affine(&arena, 0, 10, 0, 0, NULL, NULL, &f),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_compose(&arena, &e, &f, &d),
				  RUV_DELTA_OUT_OF_RANGE);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &e);
	ruv_delta_free(&arena, &f);
}

/* A delta with everything in it: 8 dims, 2 assigned, 3 steps, 2 nudges. */
static void
rich_delta(RuvDelta *d)
{
	EXPECT_STATUS(ruv_delta_reserve(&arena, 2, 3, 2, d), RUV_DELTA_OK);
	d->dims = 8;
	d->nassigned = 2;
	d->nsteps = 3;
	d->nnudges = 2;
	d->dim[0] = 2;
	d->dim[1] = 5;
	d->value[0] = 1.5f;
	d->value[1] = -0.0f;
	d->steps[0] = (RuvDeltaStep){RUV_STEP_SCALE, 0.75f, 0};
	d->steps[1] = (RuvDeltaStep){RUV_STEP_NUDGE, 0, 2};
	d->steps[2] = (RuvDeltaStep){RUV_STEP_OFFSET, -0.25f, 0};
	d->nudges[0] = (RuvNudge){0, -1};
	d->nudges[1] = (RuvNudge){7, 40};
}

#define EXPECT_BROKEN(change, expected) \
	do \
	{ \
		rich_delta(&d); \
		change; \
		EXPECT_STATUS(ruv_delta_check(&d), expected); \
	} while (0)

/* Every rule of the canonical form is looked at. */
static void
test_check(void)
{
	RuvDelta	d = {0};

	EXPECT_BROKEN((void) 0, RUV_DELTA_OK);
	EXPECT_BROKEN(d.kind = (RuvDeltaKind) 3, RUV_DELTA_FORMAT);
	EXPECT_BROKEN(d.kind = RUV_DELTA_CREATE, RUV_DELTA_FORMAT);
	EXPECT_BROKEN(d.kind = RUV_DELTA_DELETE, RUV_DELTA_FORMAT);
	EXPECT_BROKEN(d.dims = 1, RUV_DELTA_COUNT);
	EXPECT_BROKEN(d.dims = 5, RUV_DELTA_POSITION);
	EXPECT_BROKEN(d.dims = 7, RUV_DELTA_POSITION);
	EXPECT_BROKEN(d.dims = 2, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.dim[1] = 2, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.value[1] = __builtin_inff(), RUV_DELTA_VALUE);
	EXPECT_BROKEN(d.steps[0].kind = (RuvStepKind) 4, RUV_DELTA_FORMAT);
	EXPECT_BROKEN(d.steps[0].operand = 1, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.steps[0].operand = __builtin_nanf(""), RUV_DELTA_VALUE);
	EXPECT_BROKEN(d.steps[2].operand = -0.0f, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.steps[2].nnudges = 1, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.steps[1].nnudges = 3, RUV_DELTA_COUNT);
	EXPECT_BROKEN(d.steps[1].nnudges = 1, RUV_DELTA_COUNT);
	EXPECT_BROKEN(d.steps[1].nnudges = 0, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN((d.steps[1].nnudges = 1,
				   d.steps[2] = (RuvDeltaStep){RUV_STEP_NUDGE, 0, 1}),
				  RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.nudges[0].dim = 7, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.nudges[0].dim = 5, RUV_DELTA_NOT_CANONICAL);
	EXPECT_BROKEN(d.nudges[1].places = 0, RUV_DELTA_NOT_CANONICAL);
	ruv_delta_free(&arena, &d);
}

/* Nudges add up, and are checked against what a place can hold. */
static void
test_nudges(void)
{
	RuvDelta	d = {0};
	RuvDelta	e = {0};
	RuvDelta	f = {0};
	float		x[8];
	bool		exists = true;

	rich_delta(&d);
	d.nsteps = 2;
	rich_delta(&e);
	e.steps[0] = e.steps[1];
	e.nsteps = 1;
	e.nudges[0].places = 1;
	EXPECT_STATUS(ruv_delta_compose(&arena, &d, &e, &f), RUV_DELTA_OK);
	EXPECT(f.nsteps == 2 && f.nnudges == 1 && f.nudges[0].dim == 7 &&
		   f.nudges[0].places == 80);
	d.nudges[1].places = INT32_MAX;
	EXPECT_STATUS(ruv_delta_compose(&arena, &d, &e, &f), RUV_DELTA_LIMIT);
	d.nudges[1].places = -40;
	/* Out of range is out of range, whatever way a nudge points. */
	for (int i = 0; i < 8; i++)
		x[i] = i == 0 ? 3e38f : 1;
	d.steps[0].operand = 2;
	EXPECT_STATUS(ruv_delta_apply(&d, x, 8, &exists),
				  RUV_DELTA_OUT_OF_RANGE);
	/* They cancel, and the step is gone. */
	EXPECT_STATUS(ruv_delta_compose(&arena, &d, &e, &f), RUV_DELTA_OK);
	EXPECT(f.nsteps == 1 && f.nnudges == 0);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &e);
	ruv_delta_free(&arena, &f);

	for (int64_t i = -40; i < 40; i++)
	{
		EXPECT(ruv_float_place(ruv_float_at_place(i)) == i);
		EXPECT(ruv_float_at_place(i) <= ruv_float_at_place(i + 1));
	}
	EXPECT(ruv_float_place(-0.0f) == -1 && ruv_float_place(0.0f) == 0);
	EXPECT(!ruv_float_is_finite(ruv_float_at_place(INT64_C(1) << 40)));
}

/* Which call of the algebra to make with how much memory. */
static RuvDeltaStatus
call_number(int number, const RuvDelta *d, const RuvDelta *e, RuvDelta *out)
{
	static const float base[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	float		wide[64];
	float		scaled[64];
	bool		conflict;

	for (int i = 0; i < 64; i++)
	{
		wide[i] = (float) (i + 1);
		scaled[i] = wide[i] * 0.7f;
	}
	switch (number)
	{
		case 0:
			return ruv_delta_create(&arena, 8, base, out);
		case 1:
			return ruv_delta_affine(&arena, 8, 2, 3, 0, NULL, NULL, out);
		case 2:
			return ruv_delta_copy(&arena, d, out);
		case 3:
			return ruv_delta_compose(&arena, d, e, out);
		case 4:
			return ruv_delta_conflict(&arena, d, e, &conflict, NULL, NULL);
		case 5:
			return ruv_delta_between(&arena, 64, wide, scaled, 0, true, out);
		default:
			return ruv_delta_invert(&arena, d, 8, base, out);
	}
}

/* Every allocation fails once: a clean status, nothing lost. */
static void
test_memory(void)
{
	RuvDelta	d = {0};
	RuvDelta	e = {0};

	rich_delta(&d);
	d.nsteps = 2;				/* its nudges meet those of e */
	rich_delta(&e);
	e.steps[0] = e.steps[1];
	e.nsteps = 1;
	for (int number = 0; number < 7; number++)
	{
		RuvDeltaStatus status = RUV_DELTA_MEMORY;
		int			live = counting.live;
		int			fail_at = 0;

		while (status == RUV_DELTA_MEMORY)
		{
			RuvDelta	out = {0};

			counting.done = 0;
			counting.fail_at = ++fail_at;
			status = call_number(number, &d, &e, &out);
			counting.fail_at = 0;
			ruv_delta_free(&arena, &out);
			EXPECT(counting.live == live);
		}
		EXPECT(status == RUV_DELTA_OK && fail_at > 1);
	}
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &e);
}

int
main(void)
{
	test_states();
	test_steps_round_singly();
	test_construction_errors();
	test_check();
	test_nudges();
	test_compose();
	test_associative();
	test_between();
	test_between_bound();
	test_finds_factor();
	test_invert();
	test_conflict();
	test_conflict_cases();
	test_memory();
	EXPECT(counting.live == 0);
	if (failures > 0)
		return 1;
	printf("ok: delta algebra\n");
	return 0;
}
