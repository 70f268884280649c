/*
 * ruv_kernel_avx2.c
 *		The kernels for AVX2 with FMA and F16C.
 *
 * Ends of arrays go through masked moves, or, where the set has none for the
 * size of an element, through a buffer.  NaN gives any value, as in the scalar
 * table.
 *
 * A code is never unpacked.  Each piece of it is broadcast to all lanes, once
 * as it is and once shifted by four bits; a different mask for every lane
 * keeps one of its fields where it stands, and that is multiplied with a query
 * whose bytes were brought into the same order once per call.  So the 16-bit
 * sums of a lane come out times a power of two.  Widening them to 32 bits
 * multiplies each by what makes the powers equal, and one shift at the end
 * takes that back.
 */
#include "core/ruv_kernel_int.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))

#define LANES 8

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

/* Query groups of 64 numbers that code_dot prepares at a time. */
#define GROUPS (RUV_QUERY_CHUNK / 64)

/*
 * Groups whose sums fit into 16 bits: twice a group, a lane adds two products
 * of a query byte and a field that stands as high as 8, 12 or 15.
 */
#define GROUPS_IN_16_BITS(bits) ((size_t) ((bits) == 1 ? 8 : 4))

/* The first n lanes: eight numbers from lane_masks + LANES - n on. */
static const int32_t lane_masks[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};

RUV_INLINE TARGET __m256i
lanes_below(size_t n)
{
	return _mm256_loadu_si256((const __m256i *) (lane_masks + LANES - n));
}

/* See the same function in ruv_kernel_avx512.c. */
RUV_INLINE TARGET __m256
keep_rounding(__m256 product)
{
	__asm__(""
			: "+x"(product));
	return product;
}

/* Loads take as many of the next n elements as there are lanes. */
RUV_INLINE TARGET __m256
load_f32(const float *x, size_t i, size_t n)
{
	if (n >= LANES)
		return _mm256_loadu_ps(x + i);
	return _mm256_maskload_ps(x + i, lanes_below(n));
}

RUV_INLINE TARGET __m256
load_f16(const uint16_t *x, size_t i, size_t n)
{
	uint16_t	rest[LANES] = {0};

	if (n >= LANES)
		return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (x + i)));
	memcpy(rest, x + i, n * sizeof(*x));
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) rest));
}

RUV_INLINE TARGET __m256
load_i8(const int8_t *x, size_t i, size_t n)
{
	long long	bytes = 0;

	memcpy(&bytes, x + i, n >= LANES ? LANES : n);
	return _mm256_cvtepi32_ps(
		_mm256_cvtepi8_epi32(_mm_set_epi64x(0, bytes)));
}

RUV_INLINE TARGET void
store_f32(float *out, size_t i, size_t n, __m256 value)
{
	if (n >= LANES)
		_mm256_storeu_ps(out + i, value);
	else
		_mm256_maskstore_ps(out + i, lanes_below(n), value);
}

RUV_INLINE TARGET __m256
element(RuvSource source, const void *x, size_t i, size_t n, __m256 scale)
{
	switch (source)
	{
		case RUV_SOURCE_F16:
			return _mm256_mul_ps(load_f16(x, i, n), scale);
		case RUV_SOURCE_I8:
			return keep_rounding(_mm256_mul_ps(load_i8(x, i, n), scale));
		case RUV_SOURCE_F32:
			break;
	}
	return load_f32(x, i, n);
}

/* A half times a power of two is exact, so that one may be fused. */
RUV_INLINE TARGET __m256
difference(RuvSource source, const float *q, const void *x, size_t i,
		   size_t n, __m256 scale)
{
	__m256		from = load_f32(q, i, n);

	if (source == RUV_SOURCE_F16)
		return _mm256_fnmadd_ps(load_f16(x, i, n), scale, from);
	return _mm256_sub_ps(from, element(source, x, i, n, scale));
}

RUV_INLINE TARGET __m256
magnitude(__m256 value)
{
	return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), value);
}

RUV_INLINE TARGET float
add_lanes(__m256 sum)
{
	__m128		half = _mm_add_ps(_mm256_castps256_ps128(sum),
								  _mm256_extractf128_ps(sum, 1));

	half = _mm_add_ps(half, _mm_movehl_ps(half, half));
	return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

/* Distances, over a source */

RUV_INLINE TARGET __m256
add_square(__m256 sum, __m256 value)
{
	return _mm256_fmadd_ps(value, value, sum);
}

RUV_INLINE TARGET __m256
add_magnitude(__m256 sum, __m256 value)
{
	return _mm256_add_ps(sum, magnitude(value));
}

RUV_INLINE TARGET __m256
add_term(__m256 sum, RuvTerm term, RuvSource source, const float *q,
		 const void *x, size_t i, size_t n, __m256 scale)
{
	if (term == RUV_TERM_PRODUCT)
		return _mm256_fmadd_ps(load_f32(q, i, n),
							   element(source, x, i, n, scale), sum);
	if (term == RUV_TERM_MAGNITUDE)
		return add_magnitude(sum, difference(source, q, x, i, n, scale));
	return add_square(sum, difference(source, q, x, i, n, scale));
}

RUV_INLINE TARGET float
sum_any(RuvTerm term, RuvSource source, const float *q, const void *x,
		float scale, size_t n)
{
	__m256		by = _mm256_set1_ps(scale);
	__m256		a = _mm256_setzero_ps();
	__m256		b = a;
	__m256		c = a;
	__m256		d = a;
	size_t		i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
	{
		a = add_term(a, term, source, q, x, i, LANES, by);
		b = add_term(b, term, source, q, x, i + 8, LANES, by);
		c = add_term(c, term, source, q, x, i + 16, LANES, by);
		d = add_term(d, term, source, q, x, i + 24, LANES, by);
	}
	for (; n - i >= LANES; i += LANES)
		a = add_term(a, term, source, q, x, i, LANES, by);
	if (i < n)
		b = add_term(b, term, source, q, x, i, n - i, by);
	return add_lanes(_mm256_add_ps(_mm256_add_ps(a, b),
								   _mm256_add_ps(c, d)));
}

RUV_INLINE TARGET float
residual_any(RuvSource source, const float *q, const void *x, float scale,
			 size_t n, float *diff, float *maxabs)
{
	__m256		by = _mm256_set1_ps(scale);
	__m256		zero = _mm256_setzero_ps();
	__m256		largest[2] = {zero, zero};
	__m256		sums[2] = {zero, zero};
	__m128		half;
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		__m256		d = difference(source, q, x, i, LANES, by);
		__m256		d2 = difference(source, q, x, i + LANES, LANES, by);

		_mm256_storeu_ps(diff + i, d);
		_mm256_storeu_ps(diff + i + LANES, d2);
		sums[0] = add_square(sums[0], d);
		sums[1] = add_square(sums[1], d2);
		largest[0] = _mm256_max_ps(largest[0], magnitude(d));
		largest[1] = _mm256_max_ps(largest[1], magnitude(d2));
	}
	for (; i < n; i += LANES)
	{
		__m256		d = difference(source, q, x, i, n - i, by);

		store_f32(diff, i, n - i, d);
		sums[0] = add_square(sums[0], d);
		largest[0] = _mm256_max_ps(largest[0], magnitude(d));
	}
	largest[0] = _mm256_max_ps(largest[0], largest[1]);
	half = _mm_max_ps(_mm256_castps256_ps128(largest[0]),
					  _mm256_extractf128_ps(largest[0], 1));
	half = _mm_max_ps(half, _mm_movehl_ps(half, half));
	*maxabs = _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
	return add_lanes(_mm256_add_ps(sums[0], sums[1]));
}

RUV_INLINE TARGET void
decode_any(RuvSource source, const void *x, float scale, size_t n, float *out)
{
	__m256		by = _mm256_set1_ps(scale);
	size_t		i = 0;

	for (; n - i >= LANES; i += LANES)
		_mm256_storeu_ps(out + i, element(source, x, i, LANES, by));
	if (i < n)
		store_f32(out, i, n - i, element(source, x, i, n - i, by));
}

RUV_ALL_SOURCE_KERNELS(TARGET)

/* The three sums of one register of a cosine. */
RUV_INLINE TARGET void
add_three(__m256 *sums, __m256 a, __m256 b)
{
	sums[0] = _mm256_fmadd_ps(a, b, sums[0]);
	sums[1] = add_square(sums[1], a);
	sums[2] = add_square(sums[2], b);
}

static TARGET void
cosine(const float *a, const float *b, size_t n, float *ab, float *aa,
	   float *bb)
{
	__m256		zero = _mm256_setzero_ps();
	__m256		even[3] = {zero, zero, zero};
	__m256		odd[3] = {zero, zero, zero};
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		add_three(even, load_f32(a, i, LANES), load_f32(b, i, LANES));
		add_three(odd, load_f32(a, i + LANES, LANES),
				  load_f32(b, i + LANES, LANES));
	}
	for (; i < n; i += LANES)
		add_three(even, load_f32(a, i, n - i), load_f32(b, i, n - i));
	*ab = add_lanes(_mm256_add_ps(even[0], odd[0]));
	*aa = add_lanes(_mm256_add_ps(even[1], odd[1]));
	*bb = add_lanes(_mm256_add_ps(even[2], odd[2]));
}

static TARGET void
encode_f16(const float *x, float inv_scale, size_t n, uint16_t *out)
{
	__m256		by = _mm256_set1_ps(inv_scale);
	__m256		low = _mm256_set1_ps(-RUV_MAX_HALF);
	__m256		high = _mm256_set1_ps(RUV_MAX_HALF);

	for (size_t i = 0; i < n; i += LANES)
	{
		size_t		count = n - i < LANES ? n - i : LANES;
		__m256		value = _mm256_mul_ps(load_f32(x, i, count), by);
		__m128i		halves;

		value = _mm256_min_ps(_mm256_max_ps(value, low), high);
		halves = _mm256_cvtps_ph(value, NEAREST);
		if (count == LANES)
			_mm_storeu_si128((__m128i *) (out + i), halves);
		else
			memcpy(out + i, &halves, count * sizeof(*out));
	}
}

/*
 * Of the values that int32 cannot hold only the positive ones need care: the
 * conversion gives INT32_MIN for all, and that saturates to the right end.
 */
RUV_INLINE TARGET __m256i
quantize(const float *x, size_t i, size_t n, __m256 by)
{
	__m256		value = _mm256_mul_ps(load_f32(x, i, n), by);

	value = _mm256_min_ps(value, _mm256_set1_ps(RUV_MAX_INT8));
	return _mm256_cvtps_epi32(value);
}

/* Four registers of int32 to bytes in order, saturated to -127 .. 127. */
RUV_INLINE TARGET __m256i
pack_bytes(__m256i a, __m256i b, __m256i c, __m256i d)
{
	/* packing twice leaves the dwords of the result in columns */
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	__m256i		bytes = _mm256_packs_epi16(_mm256_packs_epi32(a, b),
										   _mm256_packs_epi32(c, d));

	bytes = _mm256_permutevar8x32_epi32(bytes, order);
	return _mm256_max_epi8(bytes, _mm256_set1_epi8(-127));
}

/* Adds the bytes to the eight sums. */
RUV_INLINE TARGET __m256i
add_bytes(__m256i sums, __m256i bytes)
{
	__m256i		pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);

	return _mm256_add_epi32(sums,
							_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static TARGET int32_t
quantize_i8(const float *x, float inv_scale, size_t n, int8_t *out)
{
	__m256		by = _mm256_set1_ps(inv_scale);
	__m256i		zero = _mm256_setzero_si256();
	__m256i		sums = zero;
	__m256i		bytes;
	__m128i		sum;
	size_t		i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
	{
		bytes = pack_bytes(quantize(x, i, LANES, by),
						   quantize(x, i + 8, LANES, by),
						   quantize(x, i + 16, LANES, by),
						   quantize(x, i + 24, LANES, by));
		sums = add_bytes(sums, bytes);
		_mm256_storeu_si256((__m256i *) (out + i), bytes);
	}
	for (; i < n; i += LANES)
	{
		bytes = pack_bytes(quantize(x, i, n - i, by), zero, zero, zero);
		sums = add_bytes(sums, bytes);
		memcpy(out + i, &bytes, n - i < LANES ? n - i : LANES);
	}
	sum = _mm_add_epi32(_mm256_castsi256_si128(sums),
						_mm256_extracti128_si256(sums, 1));
	sum = _mm_hadd_epi32(sum, sum);
	return _mm_cvtsi128_si32(_mm_hadd_epi32(sum, sum));
}

/* Codes */

/* 64 numbers of the query in the order of the fields of a piece of code. */
typedef struct QueryGroup
{
	__m256i		low;			/* the fields in the low half of a byte */
	__m256i		high;			/* those that come there by a shift */
} QueryGroup;

/*
 * Bring the eight numbers that bit b of eight code bytes goes with together,
 * in qword b.
 */
RUV_INLINE TARGET QueryGroup
transpose_bits(const int8_t *q, bool is_short)
{
	const __m128i pairs = _mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11,
										4, 12, 5, 13, 6, 14, 7, 15);
	const __m128i *from = (const __m128i *) q;
	__m128i		a = _mm_loadu_si128(from);
	__m128i		b = _mm_loadu_si128(from + 1);
	__m128i		c = is_short ? _mm_setzero_si128() : _mm_loadu_si128(from + 2);
	__m128i		d = is_short ? _mm_setzero_si128() : _mm_loadu_si128(from + 3);
	__m128i		ab;
	__m128i		cd;
	QueryGroup	group;

	a = _mm_shuffle_epi8(a, pairs);
	b = _mm_shuffle_epi8(b, pairs);
	c = _mm_shuffle_epi8(c, pairs);
	d = _mm_shuffle_epi8(d, pairs);
	ab = _mm_unpacklo_epi16(a, b);
	cd = _mm_unpacklo_epi16(c, d);
	group.low = _mm256_set_m128i(_mm_unpackhi_epi32(ab, cd),
								 _mm_unpacklo_epi32(ab, cd));
	ab = _mm_unpackhi_epi16(a, b);
	cd = _mm_unpackhi_epi16(c, d);
	group.high = _mm256_set_m128i(_mm_unpackhi_epi32(ab, cd),
								  _mm_unpacklo_epi32(ab, cd));
	return group;
}

/*
 * Group number `index` of the query; zeros where a short last piece of code
 * has no fields.
 */
RUV_INLINE TARGET QueryGroup
query_group(int bits, const int8_t *q, size_t n, size_t index)
{
	size_t		plane = ruv_code_bytes(bits, n);
	bool		is_short = n - index * 64 < 64;
	QueryGroup	group;

	if (bits == 1)
		return transpose_bits(q + index * 64, is_short);

	q += index * 8 * (size_t) bits;
	if (bits == 2)
	{
		group.low = _mm256_loadu2_m128i((const __m128i *) (q + plane),
										(const __m128i *) q);
		group.high = _mm256_loadu2_m128i((const __m128i *) (q + 3 * plane),
										 (const __m128i *) (q + 2 * plane));
	}
	else if (is_short)
	{
		group.low = _mm256_zextsi128_si256(
			_mm_loadu_si128((const __m128i *) q));
		group.high = _mm256_zextsi128_si256(
			_mm_loadu_si128((const __m128i *) (q + plane)));
	}
	else
	{
		group.low = _mm256_loadu_si256((const __m256i *) q);
		group.high = _mm256_loadu_si256((const __m256i *) (q + plane));
	}
	return group;
}

/* The field that each lane looks at, and what makes their weights equal. */
RUV_INLINE TARGET __m256i
field_mask(int bits)
{
	if (bits == 1)
		return _mm256_set_epi64x(0x0808080808080808, 0x0404040404040404,
								 0x0202020202020202, 0x0101010101010101);
	if (bits == 2)
		return _mm256_set_epi64x(0x0c0c0c0c0c0c0c0c, 0x0c0c0c0c0c0c0c0c,
								 0x0303030303030303, 0x0303030303030303);
	return _mm256_set1_epi8(0x0f);
}

RUV_INLINE TARGET __m256i
equal_weights(int bits)
{
	if (bits == 1)
		return _mm256_set_epi64x(0x0001000100010001, 0x0002000200020002,
								 0x0004000400040004, 0x0008000800080008);
	if (bits == 2)
		return _mm256_set_epi64x(0x0001000100010001, 0x0001000100010001,
								 0x0004000400040004, 0x0004000400040004);
	return _mm256_set1_epi16(1);
}

/* The piece of a code that belongs to a query group, in every lane. */
RUV_INLINE TARGET __m256i
code_piece(int bits, const uint8_t *code)
{
	long long	piece;

	if (bits == 2)
		return _mm256_broadcastsi128_si256(
			_mm_loadu_si128((const __m128i *) code));
	if (bits == 4)
		return _mm256_loadu_si256((const __m256i *) code);
	memcpy(&piece, code, sizeof(piece));
	return _mm256_set1_epi64x(piece);
}

/* Half a piece, where n ends with half a group. */
RUV_INLINE TARGET __m256i
short_piece(int bits, const uint8_t *code)
{
	int			piece;

	if (bits == 4)
		return _mm256_broadcastsi128_si256(
			_mm_loadu_si128((const __m128i *) code));
	memcpy(&piece, code, sizeof(piece));
	return _mm256_set1_epi32(piece);
}

RUV_INLINE TARGET __m256i
add_piece(__m256i sum, __m256i piece, __m256i mask, const QueryGroup *group)
{
	__m256i		low = _mm256_and_si256(piece, mask);
	__m256i		high = _mm256_and_si256(_mm256_srli_epi16(piece, 4), mask);

	low = _mm256_maddubs_epi16(low, group->low);
	high = _mm256_maddubs_epi16(high, group->high);
	return _mm256_add_epi16(sum, _mm256_add_epi16(low, high));
}

/* The dot products of four codes with n numbers of the query. */
RUV_INLINE TARGET __m128i
four_codes(int bits, const QueryGroup *query, size_t n,
		   const uint8_t *const *codes)
{
	const __m256i mask = field_mask(bits);
	const __m256i weights = equal_weights(bits);
	const __m256i zero = _mm256_setzero_si256();
	__m256i		wide[4] = {zero, zero, zero, zero};
	__m128i		sum;
	size_t		groups = n / 64;
	size_t		at = 0;

	for (size_t g = 0; g * 64 < n;)
	{
		__m256i		sums[4] = {zero, zero, zero, zero};
		size_t		end = g + GROUPS_IN_16_BITS(bits);

		end = end < groups ? end : groups;
		if (g == groups)
		{
			RUV_UNROLL
			for (int k = 0; k < 4; k++)
				sums[k] = add_piece(zero, short_piece(bits, codes[k] + at),
									mask, &query[g]);
			g++;
		}
		for (; g < end; g++)
		{
			RUV_UNROLL
			for (int k = 0; k < 4; k++)
				sums[k] = add_piece(sums[k], code_piece(bits, codes[k] + at),
									mask, &query[g]);
			at += 8 * (size_t) bits;
		}
		RUV_UNROLL
		for (int k = 0; k < 4; k++)
			wide[k] = _mm256_add_epi32(wide[k],
									   _mm256_madd_epi16(sums[k], weights));
	}
	wide[0] = _mm256_hadd_epi32(wide[0], wide[1]);
	wide[2] = _mm256_hadd_epi32(wide[2], wide[3]);
	wide[0] = _mm256_hadd_epi32(wide[0], wide[2]);
	sum = _mm_add_epi32(_mm256_castsi256_si128(wide[0]),
						_mm256_extracti128_si256(wide[0], 1));
	return _mm_srai_epi32(sum, 4 - bits);	/* the power, 3, 2 or 0 */
}

RUV_INLINE TARGET void
code_dot_any(int bits, const int8_t *q, size_t n, const uint8_t *codes,
			 size_t stride, int count, int32_t *out)
{
	QueryGroup	query[GROUPS];

	for (size_t begin = 0; begin == 0 || begin < n; begin += 64 * GROUPS)
	{
		size_t		left = n - begin < 64 * GROUPS ? n - begin : 64 * GROUPS;
		const uint8_t *from = codes + ruv_code_bytes(bits, begin);

		for (size_t g = 0; g * 64 < left; g++)
			query[g] = query_group(bits, q, n, begin / 64 + g);

		for (int k = 0; k < count; k += 4)
		{
			int			last = count - k < 4 ? count - k - 1 : 3;
			const uint8_t *four[4];
			int32_t		sums[4];

			for (int j = 0; j < 4; j++)
				four[j] = from + (size_t) (k + (j < last ? j : last)) * stride;
			_mm_storeu_si128((__m128i *) sums,
							 four_codes(bits, query, left, four));
			for (int j = 0; j <= last; j++)
				out[k + j] = begin > 0 ? out[k + j] + sums[j] : sums[j];
		}
	}
}

RUV_INLINE TARGET float
encode_signs(const float *r, size_t n, uint8_t *code)
{
	const __m256 half = _mm256_set1_ps(0.5f);
	__m256		zero = _mm256_setzero_ps();
	__m256		sums[2] = {zero, zero};

	for (size_t i = 0; i < n; i += 2 * LANES)
	{
		__m256		low = _mm256_loadu_ps(r + i);
		__m256		high = _mm256_loadu_ps(r + i + LANES);

		code[i / 8] = (uint8_t) _mm256_movemask_ps(
			_mm256_cmp_ps(low, zero, _CMP_GE_OQ));
		code[i / 8 + 1] = (uint8_t) _mm256_movemask_ps(
			_mm256_cmp_ps(high, zero, _CMP_GE_OQ));
		sums[0] = _mm256_fmadd_ps(half, magnitude(low), sums[0]);
		sums[1] = _mm256_fmadd_ps(half, magnitude(high), sums[1]);
	}
	return add_lanes(_mm256_add_ps(sums[0], sums[1]));
}

/* The eight codes of r; adds their share to *sum. */
RUV_INLINE TARGET __m256i
encode_lanes(int half, const float *r, __m256 by, __m256 *sum)
{
	__m256		value = _mm256_loadu_ps(r);
	__m256		t = _mm256_mul_ps(value, by);
	__m256i		floored;

	t = _mm256_max_ps(t, _mm256_set1_ps((float) -half));
	t = _mm256_min_ps(t, _mm256_set1_ps((float) (half - 1)));
	t = _mm256_floor_ps(t);
	floored = _mm256_cvtps_epi32(t);
	t = _mm256_add_ps(t, _mm256_set1_ps(0.5f));
	*sum = _mm256_fmadd_ps(t, value, *sum);
	return _mm256_add_epi32(floored, _mm256_set1_epi32(half));
}

RUV_INLINE TARGET float
encode_planes(int bits, const float *r, float inv_step, size_t bytes,
			  uint8_t *code)
{
	const int	half = 1 << (bits - 1);
	__m256		by = _mm256_set1_ps(inv_step);
	__m256		zero = _mm256_setzero_ps();
	__m256		sums[2] = {zero, zero};

	for (size_t j = 0; j < bytes; j += 2 * LANES)
	{
		__m256i		low = _mm256_setzero_si256();
		__m256i		high = low;

		for (int p = 0; p < 8 / bits; p++)
		{
			const float *from = r + (size_t) p * bytes + j;
			__m256i		value = encode_lanes(half, from, by, &sums[0]);

			low = _mm256_or_si256(low, _mm256_slli_epi32(value, p * bits));
			value = encode_lanes(half, from + LANES, by, &sums[1]);
			high = _mm256_or_si256(high, _mm256_slli_epi32(value, p * bits));
		}
		low = _mm256_packus_epi32(low, high);
		low = _mm256_permute4x64_epi64(low, 0xd8);
		_mm_storeu_si128((__m128i *) (code + j),
						 _mm_packus_epi16(_mm256_castsi256_si128(low),
										  _mm256_extracti128_si256(low, 1)));
	}
	return add_lanes(_mm256_add_ps(sums[0], sums[1]));
}

RUV_CODE_KERNELS(TARGET)

/* Rotation */

/*
 * Strides 1 to 4, all within a register: the sum of each lane, or its
 * negation in the upper one of a pair, with its partner.  Exact products, so
 * the bits are those of an addition.
 */
RUV_INLINE TARGET __m256
mix_lanes(__m256 x, size_t n)
{
	if (n > 1)
		x = _mm256_fmadd_ps(x, _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1),
							_mm256_permute_ps(x, 0xb1));
	if (n > 2)
		x = _mm256_fmadd_ps(x, _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1),
							_mm256_permute_ps(x, 0x4e));
	if (n > 4)
		x = _mm256_fmadd_ps(x, _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1),
							_mm256_permute2f128_ps(x, x, 1));
	return x;
}

RUV_INLINE TARGET void
butterfly(__m256 *a, __m256 *b)
{
	__m256		sum = _mm256_add_ps(*a, *b);

	*b = _mm256_sub_ps(*a, *b);
	*a = sum;
}

/* The strides `stride` and twice that, in one pass */
RUV_INLINE TARGET void
mix_two_strides(float *x, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i += 4 * stride)
	{
		for (float *p = x + i; p < x + i + stride; p += LANES)
		{
			__m256		a = _mm256_loadu_ps(p);
			__m256		b = _mm256_loadu_ps(p + stride);
			__m256		c = _mm256_loadu_ps(p + 2 * stride);
			__m256		d = _mm256_loadu_ps(p + 3 * stride);

			butterfly(&a, &b);
			butterfly(&c, &d);
			butterfly(&a, &c);
			butterfly(&b, &d);
			_mm256_storeu_ps(p, a);
			_mm256_storeu_ps(p + stride, b);
			_mm256_storeu_ps(p + 2 * stride, c);
			_mm256_storeu_ps(p + 3 * stride, d);
		}
	}
}

/* Strides 1 to 16 of 32 floats */
RUV_INLINE TARGET void
mix_32(float *x, __m256 scale)
{
	__m256		a = mix_lanes(_mm256_mul_ps(_mm256_loadu_ps(x), scale), LANES);
	__m256		b = mix_lanes(_mm256_mul_ps(_mm256_loadu_ps(x + 8), scale),
							  LANES);
	__m256		c = mix_lanes(_mm256_mul_ps(_mm256_loadu_ps(x + 16), scale),
							  LANES);
	__m256		d = mix_lanes(_mm256_mul_ps(_mm256_loadu_ps(x + 24), scale),
							  LANES);

	butterfly(&a, &b);
	butterfly(&c, &d);
	butterfly(&a, &c);
	butterfly(&b, &d);
	_mm256_storeu_ps(x, a);
	_mm256_storeu_ps(x + 8, b);
	_mm256_storeu_ps(x + 16, c);
	_mm256_storeu_ps(x + 24, d);
}

RUV_INLINE TARGET void
mix_stride(float *x, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i += 2 * stride)
	{
		for (float *p = x + i; p < x + i + stride; p += LANES)
		{
			__m256		a = _mm256_loadu_ps(p);
			__m256		b = _mm256_loadu_ps(p + stride);

			butterfly(&a, &b);
			_mm256_storeu_ps(p, a);
			_mm256_storeu_ps(p + stride, b);
		}
	}
}

static TARGET void
hadamard(float *x, size_t n)
{
	__m256		scale = _mm256_set1_ps(ruv_hadamard_scale(n));
	size_t		stride = n < 32 ? LANES : 32;

	if (n < 32)
	{
		for (size_t i = 0; i < n; i += LANES)
		{
			__m256		v = _mm256_mul_ps(load_f32(x, i, n), scale);

			store_f32(x, i, n, mix_lanes(v, n));
		}
	}
	else
	{
		for (size_t i = 0; i < n; i += 32)
			mix_32(x + i, scale);
	}
	for (; 4 * stride <= n; stride *= 4)
		mix_two_strides(x, n, stride);
	if (stride < n)
		mix_stride(x, n, stride);
}

static TARGET void
flip_signs(float *x, const uint8_t *signs, size_t n)
{
	const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);

	for (size_t i = 0; i < n; i += LANES)
	{
		__m256i		flip = _mm256_and_si256(_mm256_set1_epi32(signs[i / 8]),
											bit);
		__m256		sign = _mm256_castsi256_ps(_mm256_cmpeq_epi32(flip, bit));

		sign = _mm256_and_ps(sign, _mm256_set1_ps(-0.0f));
		store_f32(x, i, n - i, _mm256_xor_ps(load_f32(x, i, n - i), sign));
	}
}

const RuvKernels ruv_kernels_avx2 = RUV_KERNEL_TABLE(avx2);

#endif							/* __x86_64__ */
