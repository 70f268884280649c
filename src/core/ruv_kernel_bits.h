/*
 * ruv_kernel_bits.h
 *		Counts over strings of bits, one table per instruction set.
 *
 * A table of its own beside RuvKernels, because processors come with and
 * without the instruction that counts the bits of a whole register, whatever
 * else they have.  The order of bits in a byte does not matter.  No pointer
 * needs alignment, no byte outside the arrays is read, all tables give the
 * same counts.
 */
#ifndef RUV_KERNEL_BITS_H
#define RUV_KERNEL_BITS_H

#include "core/ruv_common.h"

typedef struct RuvBitKernels
{
	/* "scalar", "popcnt", "avx2", "avx512-vpopcntdq", "neon" */
	const char *name;

	/* the bits in which a and b differ */
	uint64_t	(*hamming)(const uint8_t *a, const uint8_t *b, size_t bytes);
	/* the bits set in both, and those set in at least one */
	void		(*overlap)(const uint8_t *a, const uint8_t *b, size_t bytes,
						   uint64_t *both, uint64_t *either);
} RuvBitKernels;

/* The fastest table that this CPU can run; never NULL. */
extern const RuvBitKernels *ruv_bit_kernels_best(void);

/* Every table that this CPU can run, slowest first; returns how many. */
extern int	ruv_bit_kernels_all(const RuvBitKernels **tables, int room);

#endif							/* RUV_KERNEL_BITS_H */
