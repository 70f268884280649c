/*
 * ruv_kernel_avx512.c
 *		The kernels for AVX-512 F, BW, VL, DQ and VNNI.
 *
 * Ends of arrays are read and written under masks, which do not touch the
 * lanes that they leave out.  NaN gives any value, as in the scalar table.
 *
 * A code is never unpacked.  Each piece of it is broadcast to all lanes, a
 * different mask for every lane keeps one of its fields where it stands, and
 * that is multiplied with a query whose bytes were brought into the same order
 * once per call.  So the sums of a lane come out times a power of two; the
 * excess is shifted away after the sums of four codes were transposed into
 * one register.
 */
#include "core/ruv_kernel_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET \
	__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

#define LANES 16
#define FULL ((__mmask16) 0xffff)

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define DOWN (_MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)

/* For vrangeps: the larger of two magnitudes. */
#define MAX_MAGNITUDE 0x0b

/* Query groups that code_dot prepares at a time, one register each. */
#define GROUPS (RUV_QUERY_CHUNK / 64)

/* The lanes below n, all of them if there are more. */
RUV_INLINE TARGET __mmask16
lanes_below(size_t n)
{
	return n >= LANES ? FULL : (__mmask16) ((1u << n) - 1);
}

/*
 * An empty statement between a product and its use, as a compiler at liberty
 * to do so would make one operation, with one rounding, of the two.
 */
RUV_INLINE TARGET __m512
keep_rounding(__m512 product)
{
	__asm__(""
			: "+v"(product));
	return product;
}

RUV_INLINE TARGET __m512
load_f32(const float *x, size_t i, __mmask16 lanes)
{
	return _mm512_maskz_loadu_ps(lanes, x + i);
}

RUV_INLINE TARGET __m512
load_f16(const uint16_t *x, size_t i, __mmask16 lanes)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes, x + i));
}

RUV_INLINE TARGET __m512
load_i8(const int8_t *x, size_t i, __mmask16 lanes)
{
	__m128i		bytes = _mm_maskz_loadu_epi8(lanes, x + i);

	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

RUV_INLINE TARGET __m512
element(RuvSource source, const void *x, size_t i, __mmask16 lanes,
		__m512 scale)
{
	switch (source)
	{
		case RUV_SOURCE_F16:
			return _mm512_mul_ps(load_f16(x, i, lanes), scale);
		case RUV_SOURCE_I8:
			return keep_rounding(_mm512_mul_ps(load_i8(x, i, lanes), scale));
		case RUV_SOURCE_F32:
			break;
	}
	return load_f32(x, i, lanes);
}

/* A half times a power of two is exact, so that one may be fused. */
RUV_INLINE TARGET __m512
difference(RuvSource source, const float *q, const void *x, size_t i,
		   __mmask16 lanes, __m512 scale)
{
	__m512		from = load_f32(q, i, lanes);

	if (source == RUV_SOURCE_F16)
		return _mm512_fnmadd_ps(load_f16(x, i, lanes), scale, from);
	return _mm512_sub_ps(from, element(source, x, i, lanes, scale));
}

RUV_INLINE TARGET float
add_sums(__m512 a, __m512 b, __m512 c, __m512 d)
{
	return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b),
											  _mm512_add_ps(c, d)));
}

/* Distances, over a source */

RUV_INLINE TARGET __m512
add_square(__m512 sum, __m512 value)
{
	return _mm512_fmadd_ps(value, value, sum);
}

RUV_INLINE TARGET __m512
add_magnitude(__m512 sum, __m512 value)
{
	return _mm512_add_ps(sum, _mm512_abs_ps(value));
}

RUV_INLINE TARGET __m512
add_term(__m512 sum, RuvTerm term, RuvSource source, const float *q,
		 const void *x, size_t i, __mmask16 lanes, __m512 scale)
{
	if (term == RUV_TERM_PRODUCT)
		return _mm512_fmadd_ps(load_f32(q, i, lanes),
							   element(source, x, i, lanes, scale), sum);
	if (term == RUV_TERM_MAGNITUDE)
		return add_magnitude(sum, difference(source, q, x, i, lanes, scale));
	return add_square(sum, difference(source, q, x, i, lanes, scale));
}

RUV_INLINE TARGET float
sum_any(RuvTerm term, RuvSource source, const float *q, const void *x,
		float scale, size_t n)
{
	__m512		by = _mm512_set1_ps(scale);
	__m512		a = _mm512_setzero_ps();
	__m512		b = a;
	__m512		c = a;
	__m512		d = a;
	size_t		i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
	{
		a = add_term(a, term, source, q, x, i, FULL, by);
		b = add_term(b, term, source, q, x, i + 16, FULL, by);
		c = add_term(c, term, source, q, x, i + 32, FULL, by);
		d = add_term(d, term, source, q, x, i + 48, FULL, by);
	}
	for (; i < n; i += LANES)
		a = add_term(a, term, source, q, x, i, lanes_below(n - i), by);
	return add_sums(a, b, c, d);
}

RUV_INLINE TARGET float
residual_any(RuvSource source, const float *q, const void *x, float scale,
			 size_t n, float *diff, float *maxabs)
{
	__m512		by = _mm512_set1_ps(scale);
	__m512		zero = _mm512_setzero_ps();
	__m512		largest = zero;
	__m512		largest2 = zero;
	__m512		sum = zero;
	__m512		sum2 = zero;
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		__m512		d = difference(source, q, x, i, FULL, by);
		__m512		d2 = difference(source, q, x, i + LANES, FULL, by);

		_mm512_storeu_ps(diff + i, d);
		_mm512_storeu_ps(diff + i + LANES, d2);
		sum = add_square(sum, d);
		sum2 = add_square(sum2, d2);
		largest = _mm512_range_ps(largest, d, MAX_MAGNITUDE);
		largest2 = _mm512_range_ps(largest2, d2, MAX_MAGNITUDE);
	}
	for (; i < n; i += LANES)
	{
		__mmask16	lanes = lanes_below(n - i);
		__m512		d = difference(source, q, x, i, lanes, by);

		_mm512_mask_storeu_ps(diff + i, lanes, d);
		sum = add_square(sum, d);
		largest = _mm512_range_ps(largest, d, MAX_MAGNITUDE);
	}
	*maxabs = _mm512_reduce_max_ps(_mm512_max_ps(largest, largest2));
	return add_sums(sum, sum2, zero, zero);
}

RUV_INLINE TARGET void
decode_any(RuvSource source, const void *x, float scale, size_t n, float *out)
{
	__m512		by = _mm512_set1_ps(scale);

	for (size_t i = 0; i < n; i += LANES)
	{
		__mmask16	lanes = lanes_below(n - i);

		_mm512_mask_storeu_ps(out + i, lanes,
							  element(source, x, i, lanes, by));
	}
}

RUV_ALL_SOURCE_KERNELS(TARGET)

/* The three sums of one register of a cosine. */
RUV_INLINE TARGET void
add_three(__m512 *sums, __m512 a, __m512 b)
{
	sums[0] = _mm512_fmadd_ps(a, b, sums[0]);
	sums[1] = add_square(sums[1], a);
	sums[2] = add_square(sums[2], b);
}

static TARGET void
cosine(const float *a, const float *b, size_t n, float *ab, float *aa,
	   float *bb)
{
	__m512		zero = _mm512_setzero_ps();
	__m512		even[3] = {zero, zero, zero};
	__m512		odd[3] = {zero, zero, zero};
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		add_three(even, load_f32(a, i, FULL), load_f32(b, i, FULL));
		add_three(odd, load_f32(a, i + LANES, FULL),
				  load_f32(b, i + LANES, FULL));
	}
	for (; i < n; i += LANES)
		add_three(even, load_f32(a, i, lanes_below(n - i)),
				  load_f32(b, i, lanes_below(n - i)));
	*ab = add_sums(even[0], odd[0], zero, zero);
	*aa = add_sums(even[1], odd[1], zero, zero);
	*bb = add_sums(even[2], odd[2], zero, zero);
}

/* Stored halves */

static TARGET void
encode_f16(const float *x, float inv_scale, size_t n, uint16_t *out)
{
	__m512		by = _mm512_set1_ps(inv_scale);
	__m512		low = _mm512_set1_ps(-RUV_MAX_HALF);
	__m512		high = _mm512_set1_ps(RUV_MAX_HALF);

	for (size_t i = 0; i < n; i += LANES)
	{
		__mmask16	lanes = lanes_below(n - i);
		__m512		value = _mm512_mul_ps(load_f32(x, i, lanes), by);

		value = _mm512_min_ps(_mm512_max_ps(value, low), high);
		_mm256_mask_storeu_epi16(out + i, lanes,
								 _mm512_cvtps_ph(value, NEAREST));
	}
}

/* Stored int8 */

/*
 * Of the values that int32 cannot hold only the positive ones need care: the
 * conversion gives INT32_MIN for all, and that saturates to the right end.
 */
RUV_INLINE TARGET __m512i
quantize(const float *x, size_t i, __mmask16 lanes, __m512 by)
{
	__m512		value = _mm512_mul_ps(load_f32(x, i, lanes), by);

	value = _mm512_min_ps(value, _mm512_set1_ps(RUV_MAX_INT8));
	return _mm512_cvtps_epi32(value);
}

static TARGET int32_t
quantize_i8(const float *x, float inv_scale, size_t n, int8_t *out)
{
	/* packing twice leaves the dwords of the result in columns */
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13,
											2, 6, 10, 14, 3, 7, 11, 15);
	__m512		by = _mm512_set1_ps(inv_scale);
	__m512i		sum = _mm512_setzero_si512();
	size_t		i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
	{
		__m512i		low = _mm512_packs_epi32(quantize(x, i, FULL, by),
											 quantize(x, i + 16, FULL, by));
		__m512i		high = _mm512_packs_epi32(quantize(x, i + 32, FULL, by),
											  quantize(x, i + 48, FULL, by));
		__m512i		bytes = _mm512_packs_epi16(low, high);

		bytes = _mm512_max_epi8(bytes, _mm512_set1_epi8(-127));
		sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), bytes);
		bytes = _mm512_permutexvar_epi32(order, bytes);
		_mm512_storeu_si512(out + i, bytes);
	}
	for (; i < n; i += LANES)
	{
		__mmask16	lanes = lanes_below(n - i);
		__m512i		value = quantize(x, i, lanes, by);

		value = _mm512_max_epi32(value, _mm512_set1_epi32(-127));
		sum = _mm512_add_epi32(sum, value);
		_mm_mask_storeu_epi8(out + i, lanes, _mm512_cvtepi32_epi8(value));
	}
	return _mm512_reduce_add_epi32(sum);
}

/* Codes */

/* Byte b of word 4 * b + l: bytes 8 * (2 l), 8 * (2 l + 1), both plus b. */
RUV_INLINE TARGET __m512i
transpose_bits(__m512i q)
{
	const __m512i pairs = _mm512_broadcast_i32x4(
		_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
	const __m512i words = _mm512_set_epi16(
		31, 23, 15, 7, 30, 22, 14, 6, 29, 21, 13, 5, 28, 20, 12, 4,
		27, 19, 11, 3, 26, 18, 10, 2, 25, 17, 9, 1, 24, 16, 8, 0);

	return _mm512_permutexvar_epi16(words, _mm512_shuffle_epi8(q, pairs));
}

/*
 * Group `group` of the query, 64 numbers in the order in which field_mask()
 * leaves those of a piece of code, zeros where a short last piece has none.
 */
RUV_INLINE TARGET __m512i
query_group(int bits, const int8_t *q, size_t n, size_t group)
{
	size_t		plane = ruv_code_bytes(bits, n);
	bool		is_short = n - group * 64 < 64;
	__m256i		low;
	__m256i		high;

	if (bits == 1)
		return transpose_bits(_mm512_maskz_loadu_epi8(
			is_short ? 0xffffffff : ~(__mmask64) 0, q + group * 64));

	if (bits == 2)
	{
		q += group * 16;
		low = _mm256_loadu2_m128i((const __m128i *) (q + plane),
								  (const __m128i *) q);
		high = _mm256_loadu2_m128i((const __m128i *) (q + 3 * plane),
								   (const __m128i *) (q + 2 * plane));
	}
	else
	{
		__mmask32	bytes = is_short ? 0xffff : 0xffffffff;

		q += group * 32;
		low = _mm256_maskz_loadu_epi8(bytes, q);
		high = _mm256_maskz_loadu_epi8(bytes, q + plane);
	}
	return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* The field that each lane looks at. */
RUV_INLINE TARGET __m512i
field_mask(int bits)
{
	if (bits == 1)
		return _mm512_set_epi64((long long) 0x8080808080808080,
								0x4040404040404040, 0x2020202020202020,
								0x1010101010101010, 0x0808080808080808,
								0x0404040404040404, 0x0202020202020202,
								0x0101010101010101);
	if (bits == 2)
		return _mm512_set_epi64((long long) 0xc0c0c0c0c0c0c0c0,
								(long long) 0xc0c0c0c0c0c0c0c0,
								0x3030303030303030, 0x3030303030303030,
								0x0c0c0c0c0c0c0c0c, 0x0c0c0c0c0c0c0c0c,
								0x0303030303030303, 0x0303030303030303);
	return _mm512_inserti64x4(_mm512_set1_epi8(0x0f),
							  _mm256_set1_epi8((char) 0xf0), 1);
}

/* The piece of a code that belongs to a query group, in every lane. */
RUV_INLINE TARGET __m512i
code_piece(int bits, const uint8_t *code)
{
	long long	piece;

	if (bits == 2)
		return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *) code));
	if (bits == 4)
		return _mm512_broadcast_i64x4(
			_mm256_loadu_si256((const __m256i *) code));
	memcpy(&piece, code, sizeof(piece));
	return _mm512_set1_epi64(piece);
}

/* Half a piece, where n ends with half a group. */
RUV_INLINE TARGET __m512i
short_piece(int bits, const uint8_t *code)
{
	int			piece;

	if (bits == 4)
		return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *) code));
	memcpy(&piece, code, sizeof(piece));
	return _mm512_set1_epi32(piece);
}

/*
 * Sum up each of four registers and take back the weights of the fields.  At
 * 1 bit the upper half of every 128-bit lane looks one bit higher.
 */
RUV_INLINE TARGET __m128i
add_lanes(int bits, const __m512i *sums)
{
	const __m512i shifts = _mm512_set_epi64(
		bits == 4 ? 0x400000004 : 0x600000006,
		bits == 4 ? 0x400000004 : 0x600000006, 0x400000004, 0x400000004,
		bits == 4 ? 0 : 0x200000002, bits == 4 ? 0 : 0x200000002, 0, 0);
	__m512i		ab = _mm512_unpackhi_epi32(sums[0], sums[1]);
	__m512i		cd = _mm512_unpackhi_epi32(sums[2], sums[3]);
	__m512i		sum;
	__m256i		half;

	if (bits == 1)
	{
		ab = _mm512_srai_epi32(ab, 1);
		cd = _mm512_srai_epi32(cd, 1);
	}
	ab = _mm512_add_epi32(ab, _mm512_unpacklo_epi32(sums[0], sums[1]));
	cd = _mm512_add_epi32(cd, _mm512_unpacklo_epi32(sums[2], sums[3]));
	sum = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd),
						   _mm512_unpackhi_epi64(ab, cd));
	sum = _mm512_srav_epi32(sum, shifts);
	half = _mm256_add_epi32(_mm512_castsi512_si256(sum),
							_mm512_extracti64x4_epi64(sum, 1));
	return _mm_add_epi32(_mm256_castsi256_si128(half),
						 _mm256_extracti128_si256(half, 1));
}

/* The dot products of four codes with `groups` groups of the query. */
RUV_INLINE TARGET __m128i
four_codes(int bits, const __m512i *query, size_t groups, bool has_short,
		   const uint8_t *const *codes)
{
	const __m512i mask = field_mask(bits);
	__m512i		sums[4];
	size_t		at = 0;

	RUV_UNROLL
	for (int k = 0; k < 4; k++)
		sums[k] = _mm512_setzero_si512();
	for (size_t g = 0; g < groups; g++)
	{
		RUV_UNROLL
		for (int k = 0; k < 4; k++)
			sums[k] = _mm512_dpbusd_epi32(
				sums[k],
				_mm512_and_si512(mask, code_piece(bits, codes[k] + at)),
				query[g]);
		at += 8 * (size_t) bits;
	}
	if (has_short)
	{
		RUV_UNROLL
		for (int k = 0; k < 4; k++)
			sums[k] = _mm512_dpbusd_epi32(
				sums[k],
				_mm512_and_si512(mask, short_piece(bits, codes[k] + at)),
				query[groups]);
	}
	return add_lanes(bits, sums);
}

RUV_INLINE TARGET void
code_dot_any(int bits, const int8_t *q, size_t n, const uint8_t *codes,
			 size_t stride, int count, int32_t *out)
{
	__m512i		query[GROUPS];

	for (size_t begin = 0; begin == 0 || begin < n; begin += 64 * GROUPS)
	{
		size_t		left = n - begin < 64 * GROUPS ? n - begin : 64 * GROUPS;
		const uint8_t *from = codes + ruv_code_bytes(bits, begin);

		for (size_t g = 0; g * 64 < left; g++)
			query[g] = query_group(bits, q, n, begin / 64 + g);

		for (int k = 0; k < count; k += 4)
		{
			int			last = count - k < 4 ? count - k - 1 : 3;
			__mmask8	lanes = (__mmask8) (0x0f >> (3 - last));
			const uint8_t *four[4];
			__m128i		sums;

			for (int j = 0; j < 4; j++)
				four[j] = from + (size_t) (k + (j < last ? j : last)) * stride;
			sums = four_codes(bits, query, left / 64, left % 64 != 0, four);
			if (begin > 0)
				sums = _mm_add_epi32(sums,
									 _mm_maskz_loadu_epi32(lanes, out + k));
			_mm_mask_storeu_epi32(out + k, lanes, sums);
		}
	}
}

RUV_INLINE TARGET float
encode_signs(const float *r, size_t n, uint8_t *code)
{
	const __m512 half = _mm512_set1_ps(0.5f);
	__m512		zero = _mm512_setzero_ps();
	__m512		sum = zero;
	__m512		sum2 = zero;

	for (size_t i = 0; i < n; i += 2 * LANES)
	{
		__m512		low = load_f32(r, i, FULL);
		__m512		high = load_f32(r, i + LANES, FULL);
		uint32_t	signs;

		signs = _mm512_cmp_ps_mask(low, zero, _CMP_GE_OQ);
		signs |= (uint32_t) _mm512_cmp_ps_mask(high, zero, _CMP_GE_OQ) << 16;
		memcpy(code + i / 8, &signs, sizeof(signs));
		sum = _mm512_fmadd_ps(half, _mm512_abs_ps(low), sum);
		sum2 = _mm512_fmadd_ps(half, _mm512_abs_ps(high), sum2);
	}
	return add_sums(sum, sum2, zero, zero);
}

RUV_INLINE TARGET float
encode_planes(int bits, const float *r, float inv_step, size_t bytes,
			  uint8_t *code)
{
	const int	half = 1 << (bits - 1);
	__m512		low = _mm512_set1_ps((float) -half);
	__m512		high = _mm512_set1_ps((float) (half - 1));
	__m512		by = _mm512_set1_ps(inv_step);
	__m512		sum = _mm512_setzero_ps();

	for (size_t j = 0; j < bytes; j += LANES)
	{
		__m512i		packed = _mm512_setzero_si512();

		for (int p = 0; p < 8 / bits; p++)
		{
			__m512		value = load_f32(r, (size_t) p * bytes + j, FULL);
			__m512		t = _mm512_mul_ps(value, by);
			__m512i		floored;

			t = _mm512_min_ps(_mm512_max_ps(t, low), high);
			floored = _mm512_cvt_roundps_epi32(t, DOWN);
			t = _mm512_add_ps(_mm512_cvtepi32_ps(floored),
							  _mm512_set1_ps(0.5f));
			sum = _mm512_fmadd_ps(t, value, sum);
			floored = _mm512_add_epi32(floored, _mm512_set1_epi32(half));
			packed = _mm512_or_si512(
				packed, _mm512_slli_epi32(floored, (unsigned) (p * bits)));
		}
		_mm_storeu_si128((__m128i *) (code + j),
						 _mm512_cvtepi32_epi8(packed));
	}
	return _mm512_reduce_add_ps(sum);
}

RUV_CODE_KERNELS(TARGET)

/* Rotation */

/*
 * Strides 1 to 8, all within a register: the sum of each lane, or its
 * negation in the upper one of a pair, with its partner.  Exact products, so
 * the bits are those of an addition.
 */
RUV_INLINE TARGET __m512
mix_lanes(__m512 x, size_t n)
{
	const __m512 one = _mm512_set1_ps(1.0f);
	const __m512 minus = _mm512_set1_ps(-1.0f);

	if (n > 1)
		x = _mm512_fmadd_ps(x, _mm512_mask_mov_ps(one, 0xaaaa, minus),
							_mm512_permute_ps(x, 0xb1));
	if (n > 2)
		x = _mm512_fmadd_ps(x, _mm512_mask_mov_ps(one, 0xcccc, minus),
							_mm512_permute_ps(x, 0x4e));
	if (n > 4)
		x = _mm512_fmadd_ps(x, _mm512_mask_mov_ps(one, 0xf0f0, minus),
							_mm512_shuffle_f32x4(x, x, 0xb1));
	if (n > 8)
		x = _mm512_fmadd_ps(x, _mm512_mask_mov_ps(one, 0xff00, minus),
							_mm512_shuffle_f32x4(x, x, 0x4e));
	return x;
}

RUV_INLINE TARGET void
butterfly(__m512 *a, __m512 *b)
{
	__m512		sum = _mm512_add_ps(*a, *b);

	*b = _mm512_sub_ps(*a, *b);
	*a = sum;
}

/* Strides 1 to 64 of 128 floats */
RUV_INLINE TARGET void
mix_128(float *x, __m512 scale)
{
	__m512		v[8];

	v[0] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x), scale), LANES);
	v[1] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 16), scale), LANES);
	v[2] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 32), scale), LANES);
	v[3] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 48), scale), LANES);
	v[4] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 64), scale), LANES);
	v[5] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 80), scale), LANES);
	v[6] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 96), scale), LANES);
	v[7] = mix_lanes(_mm512_mul_ps(_mm512_loadu_ps(x + 112), scale), LANES);

	butterfly(&v[0], &v[1]);
	butterfly(&v[2], &v[3]);
	butterfly(&v[4], &v[5]);
	butterfly(&v[6], &v[7]);
	butterfly(&v[0], &v[2]);
	butterfly(&v[1], &v[3]);
	butterfly(&v[4], &v[6]);
	butterfly(&v[5], &v[7]);
	butterfly(&v[0], &v[4]);
	butterfly(&v[1], &v[5]);
	butterfly(&v[2], &v[6]);
	butterfly(&v[3], &v[7]);

	RUV_UNROLL
	for (size_t k = 0; k < 8; k++)
		_mm512_storeu_ps(x + k * LANES, v[k]);
}

/* The strides `stride` and twice that, in one pass */
RUV_INLINE TARGET void
mix_two_strides(float *x, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i += 4 * stride)
	{
		for (float *p = x + i; p < x + i + stride; p += LANES)
		{
			__m512		a = _mm512_loadu_ps(p);
			__m512		b = _mm512_loadu_ps(p + stride);
			__m512		c = _mm512_loadu_ps(p + 2 * stride);
			__m512		d = _mm512_loadu_ps(p + 3 * stride);

			butterfly(&a, &b);
			butterfly(&c, &d);
			butterfly(&a, &c);
			butterfly(&b, &d);
			_mm512_storeu_ps(p, a);
			_mm512_storeu_ps(p + stride, b);
			_mm512_storeu_ps(p + 2 * stride, c);
			_mm512_storeu_ps(p + 3 * stride, d);
		}
	}
}

RUV_INLINE TARGET void
mix_stride(float *x, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i += 2 * stride)
	{
		for (float *p = x + i; p < x + i + stride; p += LANES)
		{
			__m512		a = _mm512_loadu_ps(p);
			__m512		b = _mm512_loadu_ps(p + stride);

			butterfly(&a, &b);
			_mm512_storeu_ps(p, a);
			_mm512_storeu_ps(p + stride, b);
		}
	}
}

static TARGET void
hadamard(float *x, size_t n)
{
	__m512		scale = _mm512_set1_ps(ruv_hadamard_scale(n));
	size_t		stride = n < 128 ? LANES : 128;

	if (n < 128)
	{
		for (size_t i = 0; i < n; i += LANES)
		{
			__mmask16	lanes = lanes_below(n);
			__m512		v = _mm512_mul_ps(load_f32(x, i, lanes), scale);

			_mm512_mask_storeu_ps(x + i, lanes, mix_lanes(v, n));
		}
	}
	else
	{
		for (size_t i = 0; i < n; i += 128)
			mix_128(x + i, scale);
	}
	for (; 4 * stride <= n; stride *= 4)
		mix_two_strides(x, n, stride);
	if (stride < n)
		mix_stride(x, n, stride);
}

static TARGET void
flip_signs(float *x, const uint8_t *signs, size_t n)
{
	const __m512 sign = _mm512_set1_ps(-0.0f);

	for (size_t i = 0; i < n; i += LANES)
	{
		__mmask16	lanes = lanes_below(n - i);
		uint32_t	flip = signs[i / 8];
		__m512		value = load_f32(x, i, lanes);

		if (n - i > 8)
			flip |= (uint32_t) signs[i / 8 + 1] << 8;
		value = _mm512_mask_xor_ps(value, (__mmask16) flip, value, sign);
		_mm512_mask_storeu_ps(x + i, lanes, value);
	}
}

const RuvKernels ruv_kernels_avx512 = RUV_KERNEL_TABLE(avx512);

#endif							/* __x86_64__ */
