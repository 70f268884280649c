/*
 * ruv_kernel_half_avx2.c
 *		Halves with halves, for AVX2 with FMA and F16C.
 *
 * Ends of arrays go through a buffer, as no masked move takes 16-bit elements.
 */
#include "core/ruv_kernel_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))

#define LANES 8

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

typedef __m256 Reg;

RUV_INLINE TARGET Reg
half_load(const uint16_t *x, size_t i, size_t n)
{
	uint16_t	rest[LANES] = {0};

	if (n >= LANES)
		return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (x + i)));
	memcpy(rest, x + i, n * sizeof(*x));
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) rest));
}

RUV_INLINE TARGET void
half_store(uint16_t *out, size_t i, size_t n, Reg value)
{
	__m128i		halves = _mm256_cvtps_ph(value, NEAREST);

	if (n >= LANES)
		_mm_storeu_si128((__m128i *) (out + i), halves);
	else
		memcpy(out + i, &halves, n * sizeof(*out));
}

RUV_INLINE TARGET Reg
float_load(const float *x, size_t i, size_t n)
{
	float		rest[LANES] = {0};

	if (n >= LANES)
		return _mm256_loadu_ps(x + i);
	memcpy(rest, x + i, n * sizeof(*x));
	return _mm256_loadu_ps(rest);
}

RUV_INLINE TARGET Reg
reg_zero(void)
{
	return _mm256_setzero_ps();
}

RUV_INLINE TARGET Reg
reg_add(Reg a, Reg b)
{
	return _mm256_add_ps(a, b);
}

RUV_INLINE TARGET Reg
reg_sub(Reg a, Reg b)
{
	return _mm256_sub_ps(a, b);
}

RUV_INLINE TARGET Reg
reg_fma(Reg a, Reg b, Reg c)
{
	return _mm256_fmadd_ps(a, b, c);
}

RUV_INLINE TARGET Reg
reg_magnitude(Reg value)
{
	return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), value);
}

RUV_INLINE TARGET float
reg_sum(Reg sum)
{
	__m128		half = _mm_add_ps(_mm256_castps256_ps128(sum),
								  _mm256_extractf128_ps(sum, 1));

	half = _mm_add_ps(half, _mm_movehl_ps(half, half));
	return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

#include "core/ruv_kernel_half_int.h"

const RuvHalfKernels ruv_half_kernels_avx2 = RUV_HALF_KERNEL_TABLE;

#endif							/* __x86_64__ */
