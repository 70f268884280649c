/*
 * ruv_node_int.h
 *		Shared by the files that read and write slots; private to the core.
 *
 * A code slot is: u32 id | distance | factor | code.  Distance and factor are
 * the upper halves of floats (bfloat16): eight bits of mantissa are far finer
 * than the code's own error, and float's exponents cannot overflow.
 */
#ifndef RUV_NODE_INT_H
#define RUV_NODE_INT_H

#include <string.h>

#include "core/ruv_node.h"

/*
 * What rotating a vector in float may move it by, relative to its norm: three
 * rounds of log2(n) additions each, errors adding up as a random walk at
 * worst coherent; generous by an order of magnitude against measurement.
 */
#define RUV_ROTATION_ERROR 4e-6

static inline float
ruv_load_bf16(const uint8_t *p)
{
	uint16_t	high;
	uint32_t	bits;
	float		value;

	memcpy(&high, p, 2);
	bits = (uint32_t) high << 16;
	memcpy(&value, &bits, 4);
	return value;
}

static inline void
ruv_store_bf16(uint8_t *p, float value)
{
	uint32_t	bits;
	uint16_t	high;

	memcpy(&bits, &value, 4);
	/* round to nearest unless that would make an infinity or a NaN */
	if ((bits & 0x7f800000u) < 0x7f000000u)
		bits += 0x8000;
	high = (uint16_t) (bits >> 16);
	memcpy(p, &high, 2);
}

/* The next bfloat16 that is not less than the value, which is not negative. */
static inline void
ruv_store_bf16_above(uint8_t *p, float value)
{
	uint32_t	bits;
	uint16_t	high;

	memcpy(&bits, &value, 4);
	high = (uint16_t) ((bits >> 16) + ((bits & 0xffff) != 0));
	memcpy(p, &high, 2);
}

static inline float
ruv_slot_distance(const uint8_t *slot)
{
	return ruv_load_bf16(slot + 4);
}

static inline float
ruv_slot_factor(const uint8_t *slot)
{
	return ruv_load_bf16(slot + 6);
}

extern void ruv_query_quantize(RuvQuery *query, const float *y, float maxabs);

extern void ruv_estimate_slots(const RuvQuery *query, const uint8_t *slots,
							   int n, float distance, uint32_t *ids,
							   float *estimates);

extern void ruv_slot_encode(const RuvLayout *layout,
							const RuvKernels *kernels, uint8_t *slot,
							uint32_t id, const float *r,
							const float *neighbour, float distance);

#endif							/* RUV_NODE_INT_H */
