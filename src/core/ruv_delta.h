/*
 * ruv_delta.h
 *		A change to a vector as a value: its algebra.
 *
 * A vector either does not exist or is an array of finite floats.  A delta is
 * a function on these states:
 *
 *		change	of an existing vector, first its steps in order, then its
 *				assignments; what does not exist stays so
 *		create	whatever was before, the vector is now this one
 *		delete	whatever was before, the vector does not exist
 *
 * A step acts on every dimension (scale: x * a; offset: x + b) or on the
 * listed ones (nudge: k places along the floats, ruv_float_bits.h).  Each
 * step rounds to float once, to nearest even, and nothing is fused; so a
 * delta is the same function on every machine.  `x -> a*x + b, then assign`
 * is the steps scale and offset, then assignments.
 *
 * Composing keeps the steps of both sides in their order instead of
 * multiplying them out, for floats are not associative.  Assignments absorb
 * what lies before them.  Hence, bit for bit:
 *
 *		D1	apply(between(a, b), a) = b
 *		D2	apply(compose(d, e), a) = apply(e, apply(d, a))
 *		D4	compose(compose(d, e), f) = compose(d, compose(e, f))
 *		D5	apply(invert(d, a), apply(d, a)) = a
 *
 * (D3 is the codec's, ruv_delta_frame.h.)  D2 holds wherever its right side is
 * defined: a vector that would overflow on the way to a dimension that is
 * then assigned does not exist on the left side.  D4 as well: nudges that
 * cancel may pass the limit of an int32_t in one order only.
 *
 * Canonical form, which every function here yields and requires:
 *		- dimensions ascend, and are less than dims
 *		- numbers are finite; no scale by 1, no offset by 0, no nudge by 0
 *		- no two nudge steps in a row, none that is empty
 *		- nothing nudges a dimension that is assigned
 *		- no steps if every dimension is assigned; a create assigns them all
 *		- dims is 0, "any", only where no dimension is named; a create has a
 *		  dimension at least
 */
#ifndef RUV_DELTA_H
#define RUV_DELTA_H

#include "core/ruv_common.h"

#define RUV_DELTA_MAX_DIMS 65535
#define RUV_DELTA_MAX_STEPS 4096
#define RUV_DELTA_MAX_NUDGES (1 << 24)

typedef enum RuvDeltaStatus
{
	RUV_DELTA_OK = 0,
	RUV_DELTA_ARGUMENT,			/* the caller broke the contract */
	RUV_DELTA_MEMORY,			/* the arena is exhausted */
	RUV_DELTA_DIMENSIONS,		/* the dimensions do not fit together */
	RUV_DELTA_NOT_FINITE,		/* an argument is NaN or infinite */
	RUV_DELTA_OUT_OF_RANGE,		/* the result would not be finite */
	RUV_DELTA_LIMIT,			/* more steps, nudges or bytes than allowed */
	RUV_DELTA_INACCURATE,		/* the codec asked for misses the bound */
	/* what is wrong with a frame */
	RUV_DELTA_TRUNCATED,		/* it ends too early */
	RUV_DELTA_TRAILING,			/* something follows its end */
	RUV_DELTA_MAGIC,			/* it does not begin like one */
	RUV_DELTA_VERSION,			/* of a version that is not known */
	RUV_DELTA_CHECKSUM,			/* altered, or damaged */
	RUV_DELTA_FORMAT,			/* unknown or contradictory flags or codes */
	RUV_DELTA_NOT_CANONICAL,	/* a form that no encoder writes */
	RUV_DELTA_COUNT,			/* a count beyond its dimensions or limits */
	RUV_DELTA_POSITION,			/* a dimension beyond the last */
	RUV_DELTA_VALUE,			/* a value that is not finite */
	RUV_DELTA_COMPRESSION,		/* compressed by what the caller has not */
	RUV_DELTA_DECOMPRESSION		/* the compressed bytes are damaged */
} RuvDeltaStatus;

typedef enum RuvDeltaKind
{
	RUV_DELTA_CHANGE = 0,
	RUV_DELTA_CREATE = 1,
	RUV_DELTA_DELETE = 2
} RuvDeltaKind;

typedef enum RuvStepKind
{
	RUV_STEP_SCALE = 1,
	RUV_STEP_OFFSET = 2,
	RUV_STEP_NUDGE = 3
} RuvStepKind;

typedef struct RuvDeltaStep
{
	RuvStepKind kind;
	float		operand;		/* of scale and offset */
	uint32_t	nnudges;		/* of nudge: so many of the delta's nudges */
} RuvDeltaStep;

typedef struct RuvNudge
{
	uint32_t	dim;
	int32_t		places;
} RuvNudge;

/*
 * All arrays lie in one block of the arena.  Free, or overwrite by a function
 * that takes it as `out`; a zeroed struct is a valid `out` and the delta that
 * does nothing.  An `out` is never also an argument.
 */
typedef struct RuvDelta
{
	RuvDeltaKind kind;
	uint32_t	dims;			/* 0: any */
	uint32_t	nassigned;
	uint32_t	nsteps;
	uint32_t	nnudges;		/* of all steps together */
	uint32_t   *dim;			/* nassigned, ascending */
	float	   *value;			/* nassigned */
	RuvDeltaStep *steps;		/* nsteps */
	RuvNudge   *nudges;			/* nnudges, step after step */
	void	   *block;
	size_t		block_size;
} RuvDelta;

/* Primary message, lower case, without full stop. */
extern const char *ruv_delta_message(RuvDeltaStatus status);

/*
 * ruv_delta.c.  On any status but OK, *out is left freeable and otherwise
 * undefined.
 */
extern void ruv_delta_free(const RuvArena *arena, RuvDelta *delta);

/* Room in *out for so much; keeps a block that is large enough. */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_reserve(const RuvArena *arena,
													uint32_t nassigned,
													uint32_t nsteps,
													uint32_t nnudges,
													RuvDelta *out);

/*
 * x -> a*x + b, then assign n dimensions; ascending, each less than dims.
 * dim NULL stands for 0, 1, ..., n - 1.  a = 1 and b = 0 (of either sign)
 * leave out their step, so this also builds plain assignments.  dims may be 0
 * if n is.
 */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_affine(const RuvArena *arena,
												   uint32_t dims, float a,
												   float b, uint32_t n,
												   const uint32_t *dim,
												   const float *value,
												   RuvDelta *out);
extern RUV_CHECKED RuvDeltaStatus ruv_delta_create(const RuvArena *arena,
												   uint32_t dims,
												   const float *value,
												   RuvDelta *out);
/* Without memory: *out is overwritten, its block kept. */
extern void ruv_delta_delete(uint32_t dims, RuvDelta *out);
extern RUV_CHECKED RuvDeltaStatus ruv_delta_copy(const RuvArena *arena,
												 const RuvDelta *delta,
												 RuvDelta *out);

/* Is it in canonical form?  OK, or what is wrong. */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_check(const RuvDelta *delta);
/* The same kind, dims, steps and assignments, bit for bit. */
extern bool ruv_delta_equal(const RuvDelta *a, const RuvDelta *b);
extern bool ruv_delta_is_identity(const RuvDelta *delta);
/* How many dimensions may change; a delete of any dims says 0. */
extern uint32_t ruv_delta_reach(const RuvDelta *delta);
extern bool ruv_delta_reaches(const RuvDelta *delta, uint32_t dim);

/*
 * Apply to x[dims], in place; *exists says and is told whether the vector
 * exists (x is not looked at if not, but a create fills it).  On
 * OUT_OF_RANGE x is spoilt.  x must be finite: that is not looked at either.
 */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_apply(const RuvDelta *delta,
												  float *x, uint32_t dims,
												  bool *exists);

/*
 * The steps alone on n values: x[i] is the value of dimension dim[i], dim
 * ascending; dim NULL stands for all.  Infinite or NaN where out of range.
 */
extern void ruv_delta_run_steps(const RuvDelta *delta, const uint32_t *dim,
								uint32_t n, float *x);

/*
 * ruv_delta_compose.c
 */

/* First a, then b.  OUT_OF_RANGE if b takes an assigned value out of range. */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_compose(const RuvArena *arena,
													const RuvDelta *a,
													const RuvDelta *b,
													RuvDelta *out);

/*
 * Do a and b, made without knowledge of each other, disagree?  Symmetric.
 * They do where both reach a dimension and are not known to give the same bits
 * in either order, and when one deletes what the other changes or creates.
 * *ndims: on how many dimensions (0 if about existence); *first: the lowest.
 * Either may be NULL.
 */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_conflict(const RuvArena *arena,
													 const RuvDelta *a,
													 const RuvDelta *b,
													 bool *conflict,
													 uint32_t *ndims,
													 uint32_t *first);

/*
 * ruv_delta_between.c
 */

/*
 * The delta that leads from `old` to `new`, NULL for a vector that does not
 * exist.  bound 0: bit-exact.  bound > 0: dimensions may be left as they are
 * if that is no further than bound from the truth.  steps_allowed: look for a
 * common factor or shift; used if that makes the frame smaller by a quarter
 * at least, since a sparse delta conflicts with fewer others.
 */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_between(const RuvArena *arena,
													uint32_t dims,
													const float *old_vector,
													const float *new_vector,
													float bound,
													bool steps_allowed,
													RuvDelta *out);

/* What leads back from apply(delta, base) to base (NULL: nothing existed). */
extern RUV_CHECKED RuvDeltaStatus ruv_delta_invert(const RuvArena *arena,
												   const RuvDelta *delta,
												   uint32_t dims,
												   const float *base,
												   RuvDelta *out);

#endif							/* RUV_DELTA_H */
