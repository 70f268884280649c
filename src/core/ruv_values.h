/*
 * ruv_values.h
 *		Ways to store a list of finite floats.
 *
 * Exact: the bits come back.  F32 is the plain bytes.  PACKED drops what the
 * values have in common: trailing zero bits, the spread of exponents, one
 * sign.  DICTIONARY stores each magnitude once, sorted, as gaps between bit
 * patterns, and per value its number and sign.
 *
 * With an error: F16 rounds to half precision; INT8 and INT4 divide the range
 * from the least to the largest value into 255 or 15 equal parts.  Their
 * decoding is fl(fl(code * scale) + zero), two roundings, nothing fused; an
 * encoder knows the very value a reader will see, so a bound is verified and
 * not estimated.
 *
 * The bytes are described in docs/format.md.
 */
#ifndef RUV_VALUES_H
#define RUV_VALUES_H

#include "core/ruv_bits.h"
#include "core/ruv_delta.h"

typedef enum RuvValueCodec
{
	RUV_VALUES_F32 = 0,
	RUV_VALUES_PACKED = 1,
	RUV_VALUES_DICTIONARY = 2,
	RUV_VALUES_F16 = 3,
	RUV_VALUES_INT8 = 4,
	RUV_VALUES_INT4 = 5,
	RUV_VALUES_AUTO = 15		/* a wish, never stored */
} RuvValueCodec;

/* ruv_values_plan's result: the codec, its parameters and its size. */
typedef struct RuvValuePlan
{
	RuvValueCodec codec;
	uint64_t	bits;			/* size, without alignment */
	unsigned	shift;			/* PACKED, DICTIONARY: common trailing zeros */
	unsigned	sign_mode;
	bool		has_zero;
	unsigned	top_exponent;	/* PACKED */
	unsigned	exponent_rice;
	uint32_t	entries;		/* DICTIONARY: magnitudes other than zero */
	unsigned	gap_rice;
	unsigned	index_mode;
	const uint32_t *entry;		/* sorted; these lie in the scratch */
	const uint32_t *gap;		/* between entries, from the second on */
	const uint32_t *number;		/* of each value's entry */
	float		scale;			/* INT8, INT4 */
	float		zero;
} RuvValuePlan;

/* Entries of scratch that ruv_values_plan needs, uint32_t each. */
static inline size_t
ruv_values_scratch(uint32_t n)
{
	return 3 * (size_t) n;
}

/*
 * The smallest codec for n values with an error of at most bound each (0:
 * exact), or how `wanted` does it.  scratch belongs to the plan until that
 * has been written.  Returns INACCURATE if `wanted` exceeds the bound.
 */
extern RUV_CHECKED RuvDeltaStatus ruv_values_plan(const float *value,
												  uint32_t n, float bound,
												  RuvValueCodec wanted,
												  uint32_t *scratch,
												  RuvValuePlan *plan);
extern void ruv_values_write(RuvBitWriter *w, const RuvValuePlan *plan,
							 const float *value, uint32_t n);
/* The arena is asked for memory only for a large dictionary. */
extern RUV_CHECKED RuvDeltaStatus ruv_values_read(const RuvArena *arena,
												  RuvBitReader *r,
												  RuvValueCodec codec,
												  float *value, uint32_t n);

/* What is wrong with a frame whose reader met this fault. */
extern RuvDeltaStatus ruv_values_fault(RuvBitFault fault);

/*
 * ruv_values_bits.c: the codecs of bits
 */
extern void ruv_packed_plan(const float *value, uint32_t n,
							RuvValuePlan *plan);
extern void ruv_packed_write(RuvBitWriter *w, const RuvValuePlan *plan,
							 const float *value, uint32_t n);
extern RuvDeltaStatus ruv_packed_read(RuvBitReader *r, float *value,
									  uint32_t n);
/* Are there enough repetitions to try?  An estimate, much faster. */
extern bool ruv_dictionary_may_pay(const float *value, uint32_t n,
								   uint32_t *scratch);
extern void ruv_dictionary_plan(const float *value, uint32_t n,
								uint32_t *scratch, RuvValuePlan *plan);
extern void ruv_dictionary_write(RuvBitWriter *w, const RuvValuePlan *plan,
								 const float *value, uint32_t n);
extern RuvDeltaStatus ruv_dictionary_read(const RuvArena *arena,
										  RuvBitReader *r, float *value,
										  uint32_t n);

#endif							/* RUV_VALUES_H */
