/*
 * ruv_kernel_half_neon.c
 *		Halves with halves, for 64-bit ARM with nothing beyond its base set.
 *
 * The set has no masked moves, so ends of arrays pass through buffers.
 */
#include "core/ruv_kernel_int.h"

#if defined(__AARCH64EL__)
#include <arm_neon.h>

#define TARGET

#define LANES 4

typedef float32x4_t Reg;

RUV_INLINE Reg
half_load(const uint16_t *x, size_t i, size_t n)
{
	uint16_t	rest[LANES] = {0};

	if (n >= LANES)
		return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x + i)));
	memcpy(rest, x + i, n * sizeof(*x));
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(rest)));
}

RUV_INLINE void
half_store(uint16_t *out, size_t i, size_t n, Reg value)
{
	uint16x4_t	halves = vreinterpret_u16_f16(vcvt_f16_f32(value));

	if (n >= LANES)
		vst1_u16(out + i, halves);
	else
		memcpy(out + i, &halves, n * sizeof(*out));
}

RUV_INLINE Reg
float_load(const float *x, size_t i, size_t n)
{
	float		rest[LANES] = {0};

	if (n >= LANES)
		return vld1q_f32(x + i);
	memcpy(rest, x + i, n * sizeof(*x));
	return vld1q_f32(rest);
}

RUV_INLINE Reg
reg_zero(void)
{
	return vdupq_n_f32(0.0f);
}

RUV_INLINE Reg
reg_add(Reg a, Reg b)
{
	return vaddq_f32(a, b);
}

RUV_INLINE Reg
reg_sub(Reg a, Reg b)
{
	return vsubq_f32(a, b);
}

RUV_INLINE Reg
reg_fma(Reg a, Reg b, Reg c)
{
	return vfmaq_f32(c, a, b);
}

RUV_INLINE Reg
reg_magnitude(Reg value)
{
	return vabsq_f32(value);
}

RUV_INLINE float
reg_sum(Reg sum)
{
	return vaddvq_f32(sum);
}

#include "core/ruv_kernel_half_int.h"

const RuvHalfKernels ruv_half_kernels_neon = RUV_HALF_KERNEL_TABLE;

#endif							/* __AARCH64EL__ */
