/*
 * ruv_kernel_bits_x86.c
 *		Bit counts with POPCNT, AVX2 and AVX-512 VPOPCNTDQ.
 *
 * AVX2 looks the bits of every half byte up in a register.  The counts of a
 * byte stay below 256 for 31 steps, so that they are added up across bytes
 * only that often.  What is left over from whole registers goes through
 * POPCNT, or under a mask where the set has masks for bytes.
 */
#include "core/ruv_kernel_bits_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET_POPCNT __attribute__((target("popcnt")))
#define TARGET_AVX2 __attribute__((target("avx2,popcnt")))
#define TARGET_AVX512 \
	__attribute__((target("avx512f,avx512bw,avx512vpopcntdq")))

/* Steps after which a byte that grows by up to eight may be full. */
#define STEPS_IN_A_BYTE 31

/* POPCNT */

RUV_INLINE TARGET_POPCNT uint64_t
count_word(uint64_t word)
{
	return (uint64_t) _mm_popcnt_u64(word);
}

RUV_INLINE TARGET_POPCNT uint64_t
hamming_words(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	uint64_t	even = 0;
	uint64_t	odd = 0;
	size_t		i = 0;

	for (; bytes - i >= 16; i += 16)
	{
		even += count_word(ruv_load_word(a + i, 8) ^ ruv_load_word(b + i, 8));
		odd += count_word(ruv_load_word(a + i + 8, 8) ^
						  ruv_load_word(b + i + 8, 8));
	}
	for (; i < bytes; i += 8)
		even += count_word(ruv_load_word(a + i, bytes - i) ^
						   ruv_load_word(b + i, bytes - i));
	return even + odd;
}

/* Adds to the counts, which bytes might alias, so that they are kept apart. */
RUV_INLINE TARGET_POPCNT void
overlap_words(const uint8_t *a, const uint8_t *b, size_t bytes,
			  uint64_t *both, uint64_t *either)
{
	uint64_t	in_both = 0;
	uint64_t	in_either = 0;

	for (size_t i = 0; i < bytes; i += 8)
	{
		uint64_t	x = ruv_load_word(a + i, bytes - i);
		uint64_t	y = ruv_load_word(b + i, bytes - i);

		in_both += count_word(x & y);
		in_either += count_word(x | y);
	}
	*both += in_both;
	*either += in_either;
}

static TARGET_POPCNT uint64_t
hamming_popcnt(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return hamming_words(a, b, bytes);
}

static TARGET_POPCNT void
overlap_popcnt(const uint8_t *a, const uint8_t *b, size_t bytes,
			   uint64_t *both, uint64_t *either)
{
	*both = 0;
	*either = 0;
	overlap_words(a, b, bytes, both, either);
}

const RuvBitKernels ruv_bit_kernels_popcnt = {
	.name = "popcnt", .hamming = hamming_popcnt, .overlap = overlap_popcnt};

/* AVX2 */

RUV_INLINE TARGET_AVX2 __m256i
load_32(const uint8_t *bytes)
{
	return _mm256_loadu_si256((const __m256i *) bytes);
}

/* The count of every byte. */
RUV_INLINE TARGET_AVX2 __m256i
count_bytes(__m256i value)
{
	const __m256i counts = _mm256_setr_epi8(
		0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
		0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	__m256i		low = _mm256_and_si256(value, nibble);
	__m256i		high = _mm256_and_si256(_mm256_srli_epi16(value, 4), nibble);

	return _mm256_add_epi8(_mm256_shuffle_epi8(counts, low),
						   _mm256_shuffle_epi8(counts, high));
}

/* Adds the bytes to the four sums. */
RUV_INLINE TARGET_AVX2 __m256i
add_bytes(__m256i sums, __m256i bytes)
{
	return _mm256_add_epi64(sums,
							_mm256_sad_epu8(bytes, _mm256_setzero_si256()));
}

RUV_INLINE TARGET_AVX2 uint64_t
add_sums(__m256i sums)
{
	__m128i		sum = _mm_add_epi64(_mm256_castsi256_si128(sums),
									_mm256_extracti128_si256(sums, 1));

	sum = _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum));
	return (uint64_t) _mm_cvtsi128_si64(sum);
}

static TARGET_AVX2 uint64_t
hamming_avx2(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	__m256i		sums = _mm256_setzero_si256();
	size_t		registers = bytes / 32;
	size_t		i = 0;

	while (registers > 0)
	{
		size_t		steps = registers;
		__m256i		counts = _mm256_setzero_si256();

		steps = steps < STEPS_IN_A_BYTE ? steps : STEPS_IN_A_BYTE;
		registers -= steps;
		for (; steps > 0; steps--, i += 32)
		{
			__m256i		differ = _mm256_xor_si256(load_32(a + i),
												  load_32(b + i));

			counts = _mm256_add_epi8(counts, count_bytes(differ));
		}
		sums = add_bytes(sums, counts);
	}
	return add_sums(sums) + hamming_words(a + i, b + i, bytes - i);
}

static TARGET_AVX2 void
overlap_avx2(const uint8_t *a, const uint8_t *b, size_t bytes,
			 uint64_t *both, uint64_t *either)
{
	__m256i		both_sums = _mm256_setzero_si256();
	__m256i		either_sums = _mm256_setzero_si256();
	size_t		registers = bytes / 32;
	size_t		i = 0;

	while (registers > 0)
	{
		size_t		steps = registers;
		__m256i		both_counts = _mm256_setzero_si256();
		__m256i		either_counts = _mm256_setzero_si256();

		steps = steps < STEPS_IN_A_BYTE ? steps : STEPS_IN_A_BYTE;
		registers -= steps;
		for (; steps > 0; steps--, i += 32)
		{
			__m256i		x = load_32(a + i);
			__m256i		y = load_32(b + i);

			both_counts = _mm256_add_epi8(
				both_counts, count_bytes(_mm256_and_si256(x, y)));
			either_counts = _mm256_add_epi8(
				either_counts, count_bytes(_mm256_or_si256(x, y)));
		}
		both_sums = add_bytes(both_sums, both_counts);
		either_sums = add_bytes(either_sums, either_counts);
	}
	*both = add_sums(both_sums);
	*either = add_sums(either_sums);
	overlap_words(a + i, b + i, bytes - i, both, either);
}

const RuvBitKernels ruv_bit_kernels_avx2 = {
	.name = "avx2", .hamming = hamming_avx2, .overlap = overlap_avx2};

/* AVX-512 VPOPCNTDQ */

RUV_INLINE TARGET_AVX512 __m512i
load_64(const uint8_t *bytes, size_t n)
{
	if (n >= 64)
		return _mm512_loadu_si512(bytes);
	return _mm512_maskz_loadu_epi8((UINT64_C(1) << n) - 1, bytes);
}

static TARGET_AVX512 uint64_t
hamming_vpopcntdq(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	__m512i		sums = _mm512_setzero_si512();

	for (size_t i = 0; i < bytes; i += 64)
	{
		__m512i		differ = _mm512_xor_si512(load_64(a + i, bytes - i),
											  load_64(b + i, bytes - i));

		sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(differ));
	}
	return (uint64_t) _mm512_reduce_add_epi64(sums);
}

static TARGET_AVX512 void
overlap_vpopcntdq(const uint8_t *a, const uint8_t *b, size_t bytes,
				  uint64_t *both, uint64_t *either)
{
	__m512i		both_sums = _mm512_setzero_si512();
	__m512i		either_sums = _mm512_setzero_si512();

	for (size_t i = 0; i < bytes; i += 64)
	{
		__m512i		x = load_64(a + i, bytes - i);
		__m512i		y = load_64(b + i, bytes - i);

		both_sums = _mm512_add_epi64(
			both_sums, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
		either_sums = _mm512_add_epi64(
			either_sums, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
	}
	*both = (uint64_t) _mm512_reduce_add_epi64(both_sums);
	*either = (uint64_t) _mm512_reduce_add_epi64(either_sums);
}

const RuvBitKernels ruv_bit_kernels_vpopcntdq = {
	.name = "avx512-vpopcntdq",
	.hamming = hamming_vpopcntdq,
	.overlap = overlap_vpopcntdq};

#endif							/* __x86_64__ */
