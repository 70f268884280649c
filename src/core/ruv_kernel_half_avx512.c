/*
 * ruv_kernel_half_avx512.c
 *		Halves with halves, for AVX-512 F, BW and VL.
 *
 * Ends of arrays are read and written under masks, which do not touch the
 * lanes that they leave out.
 */
#include "core/ruv_kernel_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))

#define LANES 16

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

typedef __m512 Reg;

RUV_INLINE TARGET __mmask16
lanes_below(size_t n)
{
	return (__mmask16) ((1u << n) - 1);
}

RUV_INLINE TARGET Reg
half_load(const uint16_t *x, size_t i, size_t n)
{
	if (n >= LANES)
		return _mm512_cvtph_ps(
			_mm256_loadu_si256((const __m256i *) (x + i)));
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes_below(n), x + i));
}

RUV_INLINE TARGET void
half_store(uint16_t *out, size_t i, size_t n, Reg value)
{
	__m256i		halves = _mm512_cvtps_ph(value, NEAREST);

	if (n >= LANES)
		_mm256_storeu_si256((__m256i *) (out + i), halves);
	else
		_mm256_mask_storeu_epi16(out + i, lanes_below(n), halves);
}

RUV_INLINE TARGET Reg
float_load(const float *x, size_t i, size_t n)
{
	if (n >= LANES)
		return _mm512_loadu_ps(x + i);
	return _mm512_maskz_loadu_ps(lanes_below(n), x + i);
}

RUV_INLINE TARGET Reg
reg_zero(void)
{
	return _mm512_setzero_ps();
}

RUV_INLINE TARGET Reg
reg_add(Reg a, Reg b)
{
	return _mm512_add_ps(a, b);
}

RUV_INLINE TARGET Reg
reg_sub(Reg a, Reg b)
{
	return _mm512_sub_ps(a, b);
}

RUV_INLINE TARGET Reg
reg_fma(Reg a, Reg b, Reg c)
{
	return _mm512_fmadd_ps(a, b, c);
}

RUV_INLINE TARGET Reg
reg_magnitude(Reg value)
{
	return _mm512_abs_ps(value);
}

RUV_INLINE TARGET float
reg_sum(Reg sum)
{
	return _mm512_reduce_add_ps(sum);
}

#include "core/ruv_kernel_half_int.h"

const RuvHalfKernels ruv_half_kernels_avx512 = RUV_HALF_KERNEL_TABLE;

#endif							/* __x86_64__ */
