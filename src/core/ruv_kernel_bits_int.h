/*
 * ruv_kernel_bits_int.h
 *		What the tables of bit counts share; for ruv_kernel_bits*.c only.
 */
#ifndef RUV_KERNEL_BITS_INT_H
#define RUV_KERNEL_BITS_INT_H

#include <string.h>

#include "core/ruv_kernel_bits.h"
#include "core/ruv_kernel_int.h"

extern const RuvBitKernels ruv_bit_kernels_scalar;
#if defined(__x86_64__)
extern const RuvBitKernels ruv_bit_kernels_popcnt;
extern const RuvBitKernels ruv_bit_kernels_avx2;
extern const RuvBitKernels ruv_bit_kernels_vpopcntdq;
#elif defined(__AARCH64EL__)
extern const RuvBitKernels ruv_bit_kernels_neon;
#endif

/* The next bytes, at most eight, as a word; zeros where there are none. */
RUV_INLINE uint64_t
ruv_load_word(const uint8_t *bytes, size_t n)
{
	uint64_t	word = 0;

	if (n >= sizeof(word))
		memcpy(&word, bytes, sizeof(word));
	else
		memcpy(&word, bytes, n);
	return word;
}

#endif							/* RUV_KERNEL_BITS_INT_H */
