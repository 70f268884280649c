/*
 * ruv_kernel_avx512.c
 *		The kernels for AVX-512 F, BW, VL, DQ and VNNI.
 *
 * Ends of arrays are read and written under masks, which do not touch the
 * lanes that they leave out.  NaN gives any value, as in the scalar table.
 *
 * A code is never unpacked.  Each piece of it is broadcast to all lanes, a
 * different mask for every lane keeps one of its fields where it stands, and
 * a query that was permuted to match (once per call) is multiplied with that.
 * So lane sums come out times a power of two, which is shifted away after
 * the sums of four codes have been transposed into one register.
 */
#include "core/ruv_kernel_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

#define LANES	16
#define UNROLL	4

/* vrangeps: the larger magnitude of the two, sign cleared */
#define RANGE_MAX_ABS	0x0b

typedef struct FloatSums
{
	__m512		part[UNROLL];
} FloatSums;

/* the lanes below n, all of them if there are more */
RUV_INLINE TARGET __mmask16
mask_of(size_t n)
{
	return n >= LANES ? 0xffff : (__mmask16) ((1u << n) - 1);
}

RUV_INLINE TARGET __m512
load(RuvSource source, const void *x, size_t i, __mmask16 mask, __m512 scale)
{
	__m512		value;

	switch (source)
	{
		case RUV_SOURCE_F16:
			value = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, (const uint16_t *) x + i));
			break;
		case RUV_SOURCE_I8:
			value = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, (const int8_t *) x + i)));
			break;
		default:
			return _mm512_maskz_loadu_ps(mask, (const float *) x + i);
	}
	return value;
}
#endif
