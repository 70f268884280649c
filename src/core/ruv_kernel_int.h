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

/*
 * Before a loop over an array of registers: as a loop it would keep them in
 * memory.  Compilers unroll it at -O3 only, unless they are told to.
 */
#define RUV_UNROLL _Pragma("GCC unroll 8")

typedef enum RuvSource
{
	RUV_SOURCE_F32,
	RUV_SOURCE_F16,
	RUV_SOURCE_I8
} RuvSource;

/* What a distance adds up; a constant in every caller, too. */
typedef enum RuvTerm
{
	RUV_TERM_SQUARE,
	RUV_TERM_PRODUCT,
	RUV_TERM_MAGNITUDE
} RuvTerm;

#define RUV_MAX_HALF 65504.0f
#define RUV_MAX_INT8 127.0f

/* int8 query bytes that code_dot prepares at a time, on the stack. */
#define RUV_QUERY_CHUNK 2048

extern const RuvKernels ruv_kernels_scalar;
#if defined(__x86_64__)
extern const RuvKernels ruv_kernels_avx2;
extern const RuvKernels ruv_kernels_avx512;
extern const RuvHalfKernels ruv_half_kernels_avx2;
extern const RuvHalfKernels ruv_half_kernels_avx512;
#elif defined(__AARCH64EL__)
extern const RuvKernels ruv_kernels_neon;
extern const RuvHalfKernels ruv_half_kernels_neon;
#endif

/*
 * The kernels that differ only in their source, of a file that defines
 * sum_any, residual_any and decode_any for every source.  A macro, because a
 * function cannot have two sets of instructions; target is the attribute that
 * names the set.
 */
#define RUV_SOURCE_KERNELS(target, suffix, Type, source) \
	static target float l2_squared_##suffix(const float *q, const Type *x, \
											float scale, size_t n) \
	{ \
		return sum_any(RUV_TERM_SQUARE, source, q, x, scale, n); \
	} \
	static target float inner_product_##suffix(const float *q, \
											   const Type *x, \
											   float scale, size_t n) \
	{ \
		return sum_any(RUV_TERM_PRODUCT, source, q, x, scale, n); \
	} \
	static target float l1_##suffix(const float *q, const Type *x, \
									float scale, size_t n) \
	{ \
		return sum_any(RUV_TERM_MAGNITUDE, source, q, x, scale, n); \
	} \
	static target float residual_##suffix(const float *q, const Type *x, \
										  float scale, size_t n, \
										  float *diff, float *maxabs) \
	{ \
		return residual_any(source, q, x, scale, n, diff, maxabs); \
	} \
	static target void decode_##suffix(const Type *x, float scale, size_t n, \
									   float *out) \
	{ \
		decode_any(source, x, scale, n, out); \
	}

#define RUV_ALL_SOURCE_KERNELS(target) \
	RUV_SOURCE_KERNELS(target, f16, uint16_t, RUV_SOURCE_F16) \
	RUV_SOURCE_KERNELS(target, i8, int8_t, RUV_SOURCE_I8) \
	static target float l2_squared(const float *a, const float *b, size_t n) \
	{ \
		return sum_any(RUV_TERM_SQUARE, RUV_SOURCE_F32, a, b, 1.0f, n); \
	} \
	static target float inner_product(const float *a, const float *b, \
									  size_t n) \
	{ \
		return sum_any(RUV_TERM_PRODUCT, RUV_SOURCE_F32, a, b, 1.0f, n); \
	} \
	static target float l1(const float *a, const float *b, size_t n) \
	{ \
		return sum_any(RUV_TERM_MAGNITUDE, RUV_SOURCE_F32, a, b, 1.0f, n); \
	} \
	static target float residual_f32(const float *q, const float *x, \
									 size_t n, float *diff, float *maxabs) \
	{ \
		return residual_any(RUV_SOURCE_F32, q, x, 1.0f, n, diff, maxabs); \
	}

/*
 * The code kernels, likewise, of a file that defines code_dot_any,
 * encode_signs and encode_planes; bits is a constant in them.
 */
#define RUV_CODE_KERNELS(target) \
	static target void code_dot(int bits, const int8_t *q, size_t n, \
								const uint8_t *codes, size_t stride, \
								int count, int32_t *out) \
	{ \
		if (bits == 1) \
			code_dot_any(1, q, n, codes, stride, count, out); \
		else if (bits == 2) \
			code_dot_any(2, q, n, codes, stride, count, out); \
		else \
			code_dot_any(4, q, n, codes, stride, count, out); \
	} \
	static target float code_encode(int bits, const float *r, \
									float inv_step, size_t n, \
									uint8_t *code) \
	{ \
		if (bits == 1) \
			return encode_signs(r, n, code); \
		if (bits == 2) \
			return encode_planes(2, r, inv_step, n / 4, code); \
		return encode_planes(4, r, inv_step, n / 2, code); \
	}

/* The table of a file whose functions are named as their places in it. */
#define RUV_KERNEL_TABLE(set) \
	{ \
		.name = #set, \
		.half = &ruv_half_kernels_##set, \
		.l2_squared = l2_squared, \
		.inner_product = inner_product, \
		.l1 = l1, \
		.cosine = cosine, \
		.decode_f16 = decode_f16, \
		.encode_f16 = encode_f16, \
		.l2_squared_f16 = l2_squared_f16, \
		.inner_product_f16 = inner_product_f16, \
		.l1_f16 = l1_f16, \
		.residual_f16 = residual_f16, \
		.decode_i8 = decode_i8, \
		.l2_squared_i8 = l2_squared_i8, \
		.inner_product_i8 = inner_product_i8, \
		.l1_i8 = l1_i8, \
		.residual_i8 = residual_i8, \
		.residual_f32 = residual_f32, \
		.quantize_i8 = quantize_i8, \
		.code_dot = code_dot, \
		.code_encode = code_encode, \
		.hadamard = hadamard, \
		.flip_signs = flip_signs \
	}

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
