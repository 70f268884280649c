/*
 * ruv_kernel_bits_neon.c
 *		Bit counts for 64-bit ARM, whose base set counts the bits of bytes.
 *
 * The count of a byte grows by up to eight at a step, so it is added up
 * across bytes every 31 steps.
 */
#include "core/ruv_kernel_bits_int.h"

#if defined(__AARCH64EL__)
#include <arm_neon.h>

#define STEPS_IN_A_BYTE 31

/* The next 16 bytes, or as many as there are, and zeros. */
RUV_INLINE uint8x16_t
load_16(const uint8_t *bytes, size_t n)
{
	uint8_t		rest[16] = {0};

	if (n >= sizeof(rest))
		return vld1q_u8(bytes);
	memcpy(rest, bytes, n);
	return vld1q_u8(rest);
}

static uint64_t
hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	uint64_t	count = 0;

	for (size_t i = 0; i < bytes;)
	{
		uint8x16_t	counts = vdupq_n_u8(0);

		for (int k = 0; k < STEPS_IN_A_BYTE && i < bytes; k++, i += 16)
		{
			uint8x16_t	differ = veorq_u8(load_16(a + i, bytes - i),
										  load_16(b + i, bytes - i));

			counts = vaddq_u8(counts, vcntq_u8(differ));
		}
		count += vaddlvq_u8(counts);
	}
	return count;
}

static void
overlap(const uint8_t *a, const uint8_t *b, size_t bytes, uint64_t *both,
		uint64_t *either)
{
	*both = 0;
	*either = 0;
	for (size_t i = 0; i < bytes;)
	{
		uint8x16_t	both_counts = vdupq_n_u8(0);
		uint8x16_t	either_counts = vdupq_n_u8(0);

		for (int k = 0; k < STEPS_IN_A_BYTE && i < bytes; k++, i += 16)
		{
			uint8x16_t	x = load_16(a + i, bytes - i);
			uint8x16_t	y = load_16(b + i, bytes - i);

			both_counts = vaddq_u8(both_counts, vcntq_u8(vandq_u8(x, y)));
			either_counts = vaddq_u8(either_counts, vcntq_u8(vorrq_u8(x, y)));
		}
		*both += vaddlvq_u8(both_counts);
		*either += vaddlvq_u8(either_counts);
	}
}

const RuvBitKernels ruv_bit_kernels_neon = {
	.name = "neon", .hamming = hamming, .overlap = overlap};

#endif							/* __AARCH64EL__ */
