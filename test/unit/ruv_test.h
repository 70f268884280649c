/*
 * ruv_test.h
 *		What the unit programs of the core share: checks, random numbers, an
 *		arena that counts and can fail, and a space to make nodes in.
 *
 * Every random number follows from a seed, so a failure repeats itself.
 */
#ifndef RUV_TEST_H
#define RUV_TEST_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_node.h"

/* ---- checks ---- */

#define MAX_PRINTED 20

static int	failures = 0;

/* The arguments after the condition are what printf gets. */
#define CHECK(condition, ...) \
	check((condition), __func__, __LINE__, #condition, __VA_ARGS__)

static inline __attribute__((format(printf, 5, 6))) bool
check(bool holds, const char *where, int line, const char *condition,
	  const char *format, ...)
{
	va_list		args;

	if (holds)
		return true;
	if (++failures > MAX_PRINTED)
		return false;
	printf("not ok: %s, line %d: %s: ", where, line, condition);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return false;
}

/* The exit status of a program. */
static inline int
test_result(const char *what)
{
	if (failures > 0)
	{
		printf("not ok: %s: %d failures\n", what, failures);
		return 1;
	}
	printf("ok: %s\n", what);
	return 0;
}

static inline bool
is_quick(void)
{
	return getenv("RUV_TEST_QUICK") != NULL;
}

/* ---- random numbers ---- */

static inline uint64_t
random_bits(uint64_t *state)
{
	uint64_t	z;

	*state += UINT64_C(0x9e3779b97f4a7c15);
	z = *state;
	z = (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93);
	z = (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return z ^ z >> 32;
}

/* 0 .. n - 1 */
static inline int
random_below(uint64_t *state, int n)
{
	return (int) (random_bits(state) >> 33) % n;
}

static inline bool
one_in(uint64_t *state, int n)
{
	return random_below(state, n) == 0;
}

/* [0, 1) */
static inline double
random_unit(uint64_t *state)
{
	return (double) (random_bits(state) >> 11) / 9007199254740992.0;
}

/* Close to a normal distribution, by the sum of twelve uniform ones. */
static inline float
random_normal(uint64_t *state)
{
	double		sum = -6;

	for (int i = 0; i < 12; i++)
		sum += random_unit(state);
	return (float) sum;
}

/* ---- memory ---- */

typedef struct TestArena
{
	RuvArena	arena;
	int			live;			/* allocations not yet released */
	size_t		live_bytes;
	int			calls;
	int			fail_at;		/* the call that gets NULL, 0 for none */
} TestArena;

/* An allocation remembers its size in front of what the caller gets. */
#define ARENA_HEAD 16

static inline void *
test_alloc(void *context, size_t size)
{
	TestArena  *arena = context;
	char	   *memory;

	if (++arena->calls == arena->fail_at)
		return NULL;
	memory = malloc(size + ARENA_HEAD);
	if (memory == NULL)
		abort();
	memcpy(memory, &size, sizeof(size));
	memset(memory + ARENA_HEAD, 0xA5, size);
	arena->live++;
	arena->live_bytes += size;
	return memory + ARENA_HEAD;
}

static inline void
test_release(void *context, void *pointer)
{
	TestArena  *arena = context;
	char	   *memory = (char *) pointer - ARENA_HEAD;
	size_t		size;

	memcpy(&size, memory, sizeof(size));
	arena->live--;
	arena->live_bytes -= size;
	free(memory);
}

static inline void
test_arena_init(TestArena *arena, int fail_at)
{
	memset(arena, 0, sizeof(*arena));
	arena->arena.alloc = test_alloc;
	arena->arena.release = test_release;
	arena->arena.context = arena;
	arena->fail_at = fail_at;
}

static inline void *
must_alloc(size_t size)
{
	void	   *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL)
		abort();
	return memory;
}

/* ---- a space ---- */

#define TEST_ROOM 8160			/* what a page of 8192 bytes has */

/* Layout, kernels and rotation, as an index has them. */
typedef struct TestSpace
{
	RuvLayout	layout;
	const RuvKernels *kernels;
	RuvRotation rotation;
	TestArena	arena;
} TestSpace;

static inline void
space_init(TestSpace *space, RuvMetric metric, int dims, int m,
		   const RuvKernels *kernels)
{
	memset(space, 0, sizeof(*space));
	space->kernels = kernels;
	test_arena_init(&space->arena, 0);
	if (ruv_layout_init(&space->layout, metric, dims, m, TEST_ROOM) != RUV_OK)
		abort();
	if (ruv_layout_is_rotated(&space->layout) &&
		ruv_rotation_init(&space->rotation, (size_t) space->layout.padded,
						  42 + (uint64_t) dims,
						  &space->arena.arena) != RUV_OK)
		abort();
}

static inline void
space_free(TestSpace *space)
{
	ruv_release(&space->arena.arena, space->rotation.signs);
}

/* A query with scratch of its own, in memory of exactly the size it wants. */
static inline void
space_query(const TestSpace *space, RuvQuery *query, const float *vector)
{
	ruv_query_init(query, &space->layout, space->kernels, &space->rotation,
				   vector, must_alloc(ruv_query_bytes(&space->layout)));
}

static inline void
query_free(RuvQuery *query)
{
	free(query->x);
}

/* A record of exactly the size that the layout says, for the query. */
static inline RuvNode *
space_node(const TestSpace *space, const RuvQuery *query, uint32_t self)
{
	RuvNode	   *node = must_alloc((size_t) space->layout.record_bytes);

	memset(node, 0xA5, (size_t) space->layout.record_bytes);
	ruv_node_init(query, node, self);
	return node;
}

static inline const char *
metric_name(RuvMetric metric)
{
	static const char *const names[] = {"?", "l2", "ip", "cosine", "l1"};

	return names[metric];
}

#endif							/* RUV_TEST_H */
