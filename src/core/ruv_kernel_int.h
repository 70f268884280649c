/*
 * ruv_kernel_int.h
 *		What the kernel tables share; for ruv_kernel*.c only.
 *
 * A stored vector may be float32, half or int8.  The distance loops are
 * written once per instruction set over a RuvSource, a constant in every
 * caller, so that the compiler drops the branches.
 */
#ifndef RUV_KERNEL_INT_H
#define RUV_KERNEL_INT_H

#include <string.h>

#include "core/ruv_kernel.h"

#define RUV_INLINE static inline __attribute__((always_inline))

typedef enum RuvSource
{
	RUV_SOURCE_F32,
	RUV_SOURCE_F16,
	RUV_SOURCE_I8
} RuvSource;

#define RUV_MAX_HALF	65504.0f
#define RUV_MAX_INT8	127.0f

/* int8 query bytes that code_dot prepares at a time, on the stack. */
#define RUV_QUERY_CHUNK 2048

extern const RuvKernels ruv_kernels_scalar;
#if defined(__x86_64__)
extern const RuvKernels ruv_kernels_avx2;
extern const RuvKernels ruv_kernels_avx512;
#elif defined(__aarch64__)
extern const RuvKernels ruv_kernels_neon;
#endif

/* 1 / sqrt(n) of a power of two, without libm */
static inline float
ruv_hadamard_scale(size_t n)
{
	float		scale = 1.0f;

	for (; n >= 4; n /= 4)
		scale *= 0.5f;
	return n == 2 ? scale * 0.70710678118654752f : scale;
}

#endif							/* RUV_KERNEL_INT_H */
