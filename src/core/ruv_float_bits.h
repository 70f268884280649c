/*
 * ruv_float_bits.h
 *		A float as its 32 bits, and its place among all floats.
 *
 * The place numbers the floats in ascending order: -0.0 is -1, +0.0 is 0, the
 * next larger float is 1.  Adding an integer to it moves a value by units in
 * the last place, and is undone by subtracting the integer again.
 */
#ifndef RUV_FLOAT_BITS_H
#define RUV_FLOAT_BITS_H

#include <string.h>

#include "core/ruv_common.h"

#define RUV_FLOAT_SIGN UINT32_C(0x80000000)
#define RUV_FLOAT_INFINITY UINT32_C(0x7f800000)
#define RUV_FLOAT_MANTISSA_BITS 23

static inline uint32_t
ruv_float_bits(float value)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline float
ruv_float_from_bits(uint32_t bits)
{
	float		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint32_t
ruv_float_magnitude(float value)
{
	return ruv_float_bits(value) & ~RUV_FLOAT_SIGN;
}

static inline bool
ruv_float_is_finite(float value)
{
	return ruv_float_magnitude(value) < RUV_FLOAT_INFINITY;
}

static inline bool
ruv_float_same(float a, float b)
{
	return ruv_float_bits(a) == ruv_float_bits(b);
}

static inline int64_t
ruv_float_place(float value)
{
	int64_t		magnitude = ruv_float_magnitude(value);

	return ruv_float_bits(value) >> 31 ? -magnitude - 1 : magnitude;
}

/* The float at a place; a place beyond the finite floats gives an infinity. */
static inline float
ruv_float_at_place(int64_t place)
{
	int64_t		magnitude = place < 0 ? -place - 1 : place;

	if (magnitude > (int64_t) RUV_FLOAT_INFINITY)
		magnitude = (int64_t) RUV_FLOAT_INFINITY;
	return ruv_float_from_bits((uint32_t) magnitude |
							   (place < 0 ? RUV_FLOAT_SIGN : 0));
}

/*
 * A product rounded to float and no further used unrounded: a compiler may
 * otherwise fuse it with an addition, and machines would differ.
 */
static inline float
ruv_float_rounded(float product)
{
	volatile float rounded = product;

	return rounded;
}

#endif							/* RUV_FLOAT_BITS_H */
