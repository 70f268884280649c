/*
 * ruv_kernel_neon.c
 *		The kernels for 64-bit ARM, with nothing beyond its base set.
 *
 * The set has no masked moves, so ends of arrays pass through buffers.  NaN
 * gives any value, as in the scalar table.
 *
 * A code of one bit is never unpacked: a test against a different bit for
 * every lane gives the mask that leaves the chosen bytes of the query.  A load
 * of every fourth byte brings the query into the order in which the lanes look
 * at the code, so that it needs no preparation.
 */
#include "core/ruv_kernel_int.h"

#if defined(__AARCH64EL__)
#include <arm_neon.h>

#define TARGET

#define LANES 4

/*
 * Pieces of a code of one bit whose sums fit into 16 bits, as a lane adds up
 * eight bytes of the query for each; and bytes of one of 2 or 4 bits, of which
 * a lane adds up every eighth with all its fields.
 */
#define PIECES_IN_16_BITS 32
#define BYTES_IN_16_BITS(bits) ((size_t) ((bits) == 2 ? 160 : 64))

/* See the same function in ruv_kernel_avx512.c. */
RUV_INLINE float32x4_t
keep_rounding(float32x4_t product)
{
	__asm__(""
			: "+w"(product));
	return product;
}

/* Loads take as many of the next n elements as there are lanes. */
RUV_INLINE float32x4_t
load_f32(const float *x, size_t i, size_t n)
{
	float		rest[LANES] = {0};

	if (n >= LANES)
		return vld1q_f32(x + i);
	memcpy(rest, x + i, n * sizeof(*x));
	return vld1q_f32(rest);
}

RUV_INLINE float32x4_t
load_f16(const uint16_t *x, size_t i, size_t n)
{
	uint16_t	rest[LANES] = {0};

	if (n >= LANES)
		return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x + i)));
	memcpy(rest, x + i, n * sizeof(*x));
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(rest)));
}

RUV_INLINE float32x4_t
load_i8(const int8_t *x, size_t i, size_t n)
{
	uint32_t	bytes = 0;
	int16x8_t	wide;

	memcpy(&bytes, x + i, n >= LANES ? LANES : n);
	wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(bytes)));
	return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

RUV_INLINE void
store_f32(float *out, size_t i, size_t n, float32x4_t value)
{
	float		rest[LANES];

	if (n >= LANES)
	{
		vst1q_f32(out + i, value);
		return;
	}
	vst1q_f32(rest, value);
	memcpy(out + i, rest, n * sizeof(*out));
}

RUV_INLINE float32x4_t
element(RuvSource source, const void *x, size_t i, size_t n,
		float32x4_t scale)
{
	switch (source)
	{
		case RUV_SOURCE_F16:
			return vmulq_f32(load_f16(x, i, n), scale);
		case RUV_SOURCE_I8:
			return keep_rounding(vmulq_f32(load_i8(x, i, n), scale));
		case RUV_SOURCE_F32:
			break;
	}
	return load_f32(x, i, n);
}

/* A half times a power of two is exact, so that one may be fused. */
RUV_INLINE float32x4_t
difference(RuvSource source, const float *q, const void *x, size_t i,
		   size_t n, float32x4_t scale)
{
	float32x4_t from = load_f32(q, i, n);

	if (source == RUV_SOURCE_F16)
		return vfmsq_f32(from, load_f16(x, i, n), scale);
	return vsubq_f32(from, element(source, x, i, n, scale));
}

/* Distances, over a source */

RUV_INLINE float32x4_t
add_square(float32x4_t sum, float32x4_t value)
{
	return vfmaq_f32(sum, value, value);
}

RUV_INLINE float32x4_t
add_magnitude(float32x4_t sum, float32x4_t value)
{
	return vaddq_f32(sum, vabsq_f32(value));
}

RUV_INLINE float32x4_t
add_term(float32x4_t sum, RuvTerm term, RuvSource source, const float *q,
		 const void *x, size_t i, size_t n, float32x4_t scale)
{
	if (term == RUV_TERM_PRODUCT)
		return vfmaq_f32(sum, load_f32(q, i, n),
						 element(source, x, i, n, scale));
	if (term == RUV_TERM_MAGNITUDE)
		return add_magnitude(sum, difference(source, q, x, i, n, scale));
	return add_square(sum, difference(source, q, x, i, n, scale));
}

RUV_INLINE float
sum_any(RuvTerm term, RuvSource source, const float *q, const void *x,
		float scale, size_t n)
{
	float32x4_t by = vdupq_n_f32(scale);
	float32x4_t a = vdupq_n_f32(0.0f);
	float32x4_t b = a;
	float32x4_t c = a;
	float32x4_t d = a;
	size_t		i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
	{
		a = add_term(a, term, source, q, x, i, LANES, by);
		b = add_term(b, term, source, q, x, i + 4, LANES, by);
		c = add_term(c, term, source, q, x, i + 8, LANES, by);
		d = add_term(d, term, source, q, x, i + 12, LANES, by);
	}
	for (; n - i >= LANES; i += LANES)
		a = add_term(a, term, source, q, x, i, LANES, by);
	if (i < n)
		b = add_term(b, term, source, q, x, i, n - i, by);
	return vaddvq_f32(vaddq_f32(vaddq_f32(a, b), vaddq_f32(c, d)));
}

RUV_INLINE float
residual_any(RuvSource source, const float *q, const void *x, float scale,
			 size_t n, float *diff, float *maxabs)
{
	float32x4_t by = vdupq_n_f32(scale);
	float32x4_t largest[2] = {vdupq_n_f32(0.0f), vdupq_n_f32(0.0f)};
	float32x4_t sums[2] = {vdupq_n_f32(0.0f), vdupq_n_f32(0.0f)};
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		float32x4_t d = difference(source, q, x, i, LANES, by);
		float32x4_t d2 = difference(source, q, x, i + LANES, LANES, by);

		vst1q_f32(diff + i, d);
		vst1q_f32(diff + i + LANES, d2);
		sums[0] = add_square(sums[0], d);
		sums[1] = add_square(sums[1], d2);
		largest[0] = vmaxnmq_f32(largest[0], vabsq_f32(d));
		largest[1] = vmaxnmq_f32(largest[1], vabsq_f32(d2));
	}
	for (; i < n; i += LANES)
	{
		float32x4_t d = difference(source, q, x, i, n - i, by);

		store_f32(diff, i, n - i, d);
		sums[0] = add_square(sums[0], d);
		largest[0] = vmaxnmq_f32(largest[0], vabsq_f32(d));
	}
	*maxabs = vmaxnmvq_f32(vmaxnmq_f32(largest[0], largest[1]));
	return vaddvq_f32(vaddq_f32(sums[0], sums[1]));
}

RUV_INLINE void
decode_any(RuvSource source, const void *x, float scale, size_t n, float *out)
{
	float32x4_t by = vdupq_n_f32(scale);
	size_t		i = 0;

	for (; n - i >= LANES; i += LANES)
		vst1q_f32(out + i, element(source, x, i, LANES, by));
	if (i < n)
		store_f32(out, i, n - i, element(source, x, i, n - i, by));
}

RUV_ALL_SOURCE_KERNELS(TARGET)

/* The three sums of one register of a cosine. */
RUV_INLINE void
add_three(float32x4_t *sums, float32x4_t a, float32x4_t b)
{
	sums[0] = vfmaq_f32(sums[0], a, b);
	sums[1] = add_square(sums[1], a);
	sums[2] = add_square(sums[2], b);
}

static void
cosine(const float *a, const float *b, size_t n, float *ab, float *aa,
	   float *bb)
{
	float32x4_t zero = vdupq_n_f32(0.0f);
	float32x4_t even[3] = {zero, zero, zero};
	float32x4_t odd[3] = {zero, zero, zero};
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		add_three(even, load_f32(a, i, LANES), load_f32(b, i, LANES));
		add_three(odd, load_f32(a, i + LANES, LANES),
				  load_f32(b, i + LANES, LANES));
	}
	for (; i < n; i += LANES)
		add_three(even, load_f32(a, i, n - i), load_f32(b, i, n - i));
	*ab = vaddvq_f32(vaddq_f32(even[0], odd[0]));
	*aa = vaddvq_f32(vaddq_f32(even[1], odd[1]));
	*bb = vaddvq_f32(vaddq_f32(even[2], odd[2]));
}

static void
encode_f16(const float *x, float inv_scale, size_t n, uint16_t *out)
{
	float32x4_t by = vdupq_n_f32(inv_scale);
	float32x4_t low = vdupq_n_f32(-RUV_MAX_HALF);
	float32x4_t high = vdupq_n_f32(RUV_MAX_HALF);

	for (size_t i = 0; i < n; i += LANES)
	{
		float32x4_t value = vmulq_f32(load_f32(x, i, n - i), by);
		uint16x4_t	halves;

		value = vminnmq_f32(vmaxnmq_f32(value, low), high);
		halves = vreinterpret_u16_f16(vcvt_f16_f32(value));
		if (n - i >= LANES)
			vst1_u16(out + i, halves);
		else
			memcpy(out + i, &halves, (n - i) * sizeof(*out));
	}
}

/* The conversion saturates at the ends of int32. */
RUV_INLINE int16x4_t
quantize(const float *x, size_t i, size_t n, float32x4_t by)
{
	float32x4_t value = vmulq_f32(load_f32(x, i, n), by);

	return vqmovn_s32(vcvtnq_s32_f32(value));
}

RUV_INLINE int8x8_t
pack_bytes(int16x4_t low, int16x4_t high)
{
	return vmax_s8(vqmovn_s16(vcombine_s16(low, high)), vdup_n_s8(-127));
}

static int32_t
quantize_i8(const float *x, float inv_scale, size_t n, int8_t *out)
{
	float32x4_t by = vdupq_n_f32(inv_scale);
	int32x4_t	sums = vdupq_n_s32(0);
	size_t		i = 0;
	int8x8_t	bytes;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		bytes = pack_bytes(quantize(x, i, LANES, by),
						   quantize(x, i + LANES, LANES, by));
		sums = vpadalq_s16(sums, vmovl_s8(bytes));
		vst1_s8(out + i, bytes);
	}
	for (; i < n; i += LANES)
	{
		bytes = pack_bytes(quantize(x, i, n - i, by), vdup_n_s16(0));
		sums = vpadalq_s16(sums, vmovl_s8(bytes));
		memcpy(out + i, &bytes, n - i < LANES ? n - i : LANES);
	}
	return vaddvq_s32(sums);
}

/* Codes */

/*
 * Register b: every fourth number of the query from number b on, which go with
 * bit b and bit b + 4 of the bytes of a code in turn; zeros where n ends with
 * half a piece.
 */
RUV_INLINE int8x16x4_t
query_group(const int8_t *q, bool is_short)
{
	const int8x8_t zero = vdup_n_s8(0);
	int8x16x4_t group;
	int8x8x4_t	half;

	if (!is_short)
		return vld4q_s8(q);
	half = vld4_s8(q);
	group.val[0] = vcombine_s8(half.val[0], zero);
	group.val[1] = vcombine_s8(half.val[1], zero);
	group.val[2] = vcombine_s8(half.val[2], zero);
	group.val[3] = vcombine_s8(half.val[3], zero);
	return group;
}

/* Eight bytes of a code, or four at its end, each in two lanes. */
RUV_INLINE uint8x16_t
code_piece(const uint8_t *code, bool is_short)
{
	uint32_t	piece;
	uint8x8_t	bytes;

	if (is_short)
	{
		memcpy(&piece, code, sizeof(piece));
		bytes = vreinterpret_u8_u32(vdup_n_u32(piece));
	}
	else
		bytes = vld1_u8(code);
	return vcombine_u8(vzip1_u8(bytes, bytes), vzip2_u8(bytes, bytes));
}

RUV_INLINE int16x8_t
add_bit(int16x8_t sum, uint8x16_t piece, int bit, int8x16_t query)
{
	const uint8x16_t mask = vreinterpretq_u8_u16(
		vdupq_n_u16((uint16_t) (0x1001 << bit)));
	int8x16_t	chosen = vreinterpretq_s8_u8(vtstq_u8(piece, mask));

	return vpadalq_s8(sum, vandq_s8(chosen, query));
}

RUV_INLINE int16x8_t
add_piece(int16x8_t sum, uint8x16_t piece, const int8x16x4_t *query)
{
	sum = add_bit(sum, piece, 0, query->val[0]);
	sum = add_bit(sum, piece, 1, query->val[1]);
	sum = add_bit(sum, piece, 2, query->val[2]);
	return add_bit(sum, piece, 3, query->val[3]);
}

RUV_INLINE void
add_pieces(int16x8_t *sums, bool is_short, const int8_t *q,
		   const uint8_t *const *codes, size_t at)
{
	int8x16x4_t query = query_group(q + at * 8, is_short);

	RUV_UNROLL
	for (int k = 0; k < 4; k++)
		sums[k] = add_piece(sums[k], code_piece(codes[k] + at, is_short),
							&query);
}

/* The dot products of four codes, in order */
RUV_INLINE int32x4_t
add_four_lanes(const int32x4_t *sums)
{
	return vpaddq_s32(vpaddq_s32(sums[0], sums[1]),
					  vpaddq_s32(sums[2], sums[3]));
}

RUV_INLINE void
widen_four(int32x4_t *wide, const int16x8_t *sums)
{
	RUV_UNROLL
	for (int k = 0; k < 4; k++)
		wide[k] = vpadalq_s16(wide[k], sums[k]);
}

RUV_INLINE int32x4_t
four_bit_codes(const int8_t *q, size_t n, const uint8_t *const *codes)
{
	const int32x4_t zero = vdupq_n_s32(0);
	const int16x8_t none = vdupq_n_s16(0);
	int32x4_t	wide[4] = {zero, zero, zero, zero};
	size_t		at = 0;

	for (size_t pieces = n / 64; pieces > 0;)
	{
		int16x8_t	sums[4] = {none, none, none, none};
		size_t		now = PIECES_IN_16_BITS;

		now = now < pieces ? now : pieces;
		for (pieces -= now; now > 0; now--)
		{
			add_pieces(sums, false, q, codes, at);
			at += 8;
		}
		widen_four(wide, sums);
	}
	if (n % 64 != 0)
	{
		int16x8_t	sums[4] = {none, none, none, none};

		add_pieces(sums, true, q, codes, at);
		widen_four(wide, sums);
	}
	return add_four_lanes(wide);
}

/* The lowest field of every byte of the code, times the query */
RUV_INLINE int16x8_t
add_field(int16x8_t sum, int bits, uint8x16_t code, int8x16_t query)
{
	uint8x16_t	mask = vdupq_n_u8((uint8_t) ((1 << bits) - 1));
	int8x16_t	field = vreinterpretq_s8_u8(vandq_u8(code, mask));

	sum = vmlal_s8(sum, vget_low_s8(field), vget_low_s8(query));
	return vmlal_high_s8(sum, field, query);
}

RUV_INLINE int32x4_t
four_plane_codes(int bits, const int8_t *q, size_t n,
				 const uint8_t *const *codes)
{
	const size_t bytes = ruv_code_bytes(bits, n);
	const int32x4_t zero = vdupq_n_s32(0);
	const int16x8_t none = vdupq_n_s16(0);
	const int8x16_t next = vdupq_n_s8((int8_t) -bits);
	int32x4_t	wide[4] = {zero, zero, zero, zero};
	size_t		j = 0;

	while (j < bytes)
	{
		int16x8_t	sums[4] = {none, none, none, none};
		size_t		end = j + BYTES_IN_16_BITS(bits);

		end = end < bytes ? end : bytes;
		for (; j < end; j += 16)
		{
			uint8x16_t	a = vld1q_u8(codes[0] + j);
			uint8x16_t	b = vld1q_u8(codes[1] + j);
			uint8x16_t	c = vld1q_u8(codes[2] + j);
			uint8x16_t	d = vld1q_u8(codes[3] + j);

			for (size_t p = 0; p < 8 / (size_t) bits; p++)
			{
				int8x16_t	query = vld1q_s8(q + p * bytes + j);

				sums[0] = add_field(sums[0], bits, a, query);
				sums[1] = add_field(sums[1], bits, b, query);
				sums[2] = add_field(sums[2], bits, c, query);
				sums[3] = add_field(sums[3], bits, d, query);
				a = vshlq_u8(a, next);
				b = vshlq_u8(b, next);
				c = vshlq_u8(c, next);
				d = vshlq_u8(d, next);
			}
		}
		widen_four(wide, sums);
	}
	return add_four_lanes(wide);
}

RUV_INLINE void
code_dot_any(int bits, const int8_t *q, size_t n, const uint8_t *codes,
			 size_t stride, int count, int32_t *out)
{
	for (int k = 0; k < count; k += 4)
	{
		int			last = count - k < 4 ? count - k - 1 : 3;
		const uint8_t *four[4];
		int32_t		sums[4];

		for (int j = 0; j < 4; j++)
			four[j] = codes + (size_t) (k + (j < last ? j : last)) * stride;
		if (bits == 1)
			vst1q_s32(sums, four_bit_codes(q, n, four));
		else
			vst1q_s32(sums, four_plane_codes(bits, q, n, four));
		memcpy(out + k, sums, (size_t) (last + 1) * sizeof(*out));
	}
}

RUV_INLINE float
encode_signs(const float *r, size_t n, uint8_t *code)
{
	const float32x4_t half = vdupq_n_f32(0.5f);
	static const uint16_t weights[8] = {1, 2, 4, 8, 16, 32, 64, 128};
	const uint16x8_t bits = vld1q_u16(weights);
	float32x4_t even = vdupq_n_f32(0.0f);
	float32x4_t odd = even;

	for (size_t i = 0; i < n; i += 2 * LANES)
	{
		float32x4_t low = vld1q_f32(r + i);
		float32x4_t high = vld1q_f32(r + i + LANES);
		uint16x8_t	set = vcombine_u16(vmovn_u32(vcgezq_f32(low)),
									   vmovn_u32(vcgezq_f32(high)));

		code[i / 8] = (uint8_t) vaddvq_u16(vandq_u16(set, bits));
		even = vfmaq_f32(even, half, vabsq_f32(low));
		odd = vfmaq_f32(odd, half, vabsq_f32(high));
	}
	return vaddvq_f32(vaddq_f32(even, odd));
}

/* The four codes of r; adds their share to *sum. */
RUV_INLINE uint32x4_t
encode_lanes(int half, const float *r, float32x4_t by, float32x4_t *sum)
{
	float32x4_t value = vld1q_f32(r);
	float32x4_t t = vmulq_f32(value, by);
	int32x4_t	floored;

	t = vmaxnmq_f32(t, vdupq_n_f32((float) -half));
	t = vrndmq_f32(vminnmq_f32(t, vdupq_n_f32((float) (half - 1))));
	floored = vcvtq_s32_f32(t);
	*sum = vfmaq_f32(*sum, vaddq_f32(t, vdupq_n_f32(0.5f)), value);
	return vreinterpretq_u32_s32(vaddq_s32(floored, vdupq_n_s32(half)));
}

RUV_INLINE uint8x8_t
narrow_lanes(uint32x4_t low, uint32x4_t high)
{
	return vmovn_u16(vcombine_u16(vmovn_u32(low), vmovn_u32(high)));
}

RUV_INLINE float
encode_planes(int bits, const float *r, float inv_step, size_t bytes,
			  uint8_t *code)
{
	const int	half = 1 << (bits - 1);
	float32x4_t by = vdupq_n_f32(inv_step);
	float32x4_t even = vdupq_n_f32(0.0f);
	float32x4_t odd = even;

	for (size_t j = 0; j < bytes; j += 2 * LANES)
	{
		uint32x4_t	low = vdupq_n_u32(0);
		uint32x4_t	high = low;

		for (int p = 0; p < 8 / bits; p++)
		{
			const float *from = r + (size_t) p * bytes + j;
			int32x4_t	place = vdupq_n_s32(p * bits);
			uint32x4_t	value = encode_lanes(half, from, by, &even);

			low = vorrq_u32(low, vshlq_u32(value, place));
			value = encode_lanes(half, from + LANES, by, &odd);
			high = vorrq_u32(high, vshlq_u32(value, place));
		}
		vst1_u8(code + j, narrow_lanes(low, high));
	}
	return vaddvq_f32(vaddq_f32(even, odd));
}

RUV_CODE_KERNELS(TARGET)

/* Rotation */

/*
 * Strides 1 and 2, within a register: the sum of each lane, or its negation
 * in the upper one of a pair, with its partner.  Exact products, so the bits
 * are those of an addition.
 */
RUV_INLINE float32x4_t
mix_lanes(float32x4_t x, size_t n)
{
	static const float second[LANES] = {1, -1, 1, -1};
	static const float upper[LANES] = {1, 1, -1, -1};

	if (n > 1)
		x = vfmaq_f32(vrev64q_f32(x), x, vld1q_f32(second));
	if (n > 2)
		x = vfmaq_f32(vextq_f32(x, x, 2), x, vld1q_f32(upper));
	return x;
}

RUV_INLINE void
butterfly(float32x4_t *a, float32x4_t *b)
{
	float32x4_t sum = vaddq_f32(*a, *b);

	*b = vsubq_f32(*a, *b);
	*a = sum;
}

/* The strides of a and b, and of both and c and d, of four registers. */
RUV_INLINE void
two_butterflies(float32x4_t *a, float32x4_t *b, float32x4_t *c,
				float32x4_t *d)
{
	butterfly(a, b);
	butterfly(c, d);
	butterfly(a, c);
	butterfly(b, d);
}

/* The strides `stride` and twice that, in one pass */
RUV_INLINE void
mix_two_strides(float *x, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i += 4 * stride)
	{
		for (float *p = x + i; p < x + i + stride; p += LANES)
		{
			float32x4_t a = vld1q_f32(p);
			float32x4_t b = vld1q_f32(p + stride);
			float32x4_t c = vld1q_f32(p + 2 * stride);
			float32x4_t d = vld1q_f32(p + 3 * stride);

			two_butterflies(&a, &b, &c, &d);
			vst1q_f32(p, a);
			vst1q_f32(p + stride, b);
			vst1q_f32(p + 2 * stride, c);
			vst1q_f32(p + 3 * stride, d);
		}
	}
}

/* Strides 1 to 8 of 16 floats */
RUV_INLINE void
mix_16(float *x, float32x4_t scale)
{
	float32x4_t a = mix_lanes(vmulq_f32(vld1q_f32(x), scale), LANES);
	float32x4_t b = mix_lanes(vmulq_f32(vld1q_f32(x + 4), scale), LANES);
	float32x4_t c = mix_lanes(vmulq_f32(vld1q_f32(x + 8), scale), LANES);
	float32x4_t d = mix_lanes(vmulq_f32(vld1q_f32(x + 12), scale), LANES);

	two_butterflies(&a, &b, &c, &d);
	vst1q_f32(x, a);
	vst1q_f32(x + 4, b);
	vst1q_f32(x + 8, c);
	vst1q_f32(x + 12, d);
}

RUV_INLINE void
mix_stride(float *x, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i += 2 * stride)
	{
		for (float *p = x + i; p < x + i + stride; p += LANES)
		{
			float32x4_t a = vld1q_f32(p);
			float32x4_t b = vld1q_f32(p + stride);

			butterfly(&a, &b);
			vst1q_f32(p, a);
			vst1q_f32(p + stride, b);
		}
	}
}

static void
hadamard(float *x, size_t n)
{
	float32x4_t scale = vdupq_n_f32(ruv_hadamard_scale(n));
	size_t		stride = n < 16 ? LANES : 16;

	if (n < 16)
	{
		for (size_t i = 0; i < n; i += LANES)
		{
			float32x4_t v = vmulq_f32(load_f32(x, i, n), scale);

			store_f32(x, i, n, mix_lanes(v, n));
		}
	}
	else
	{
		for (size_t i = 0; i < n; i += 16)
			mix_16(x + i, scale);
	}
	for (; 4 * stride <= n; stride *= 4)
		mix_two_strides(x, n, stride);
	if (stride < n)
		mix_stride(x, n, stride);
}

static void
flip_signs(float *x, const uint8_t *signs, size_t n)
{
	static const uint32_t weights[LANES] = {1, 2, 4, 8};
	const uint32x4_t bits = vld1q_u32(weights);
	const uint32x4_t sign = vdupq_n_u32(0x80000000);

	for (size_t i = 0; i < n; i += LANES)
	{
		uint32x4_t	flip = vdupq_n_u32((uint32_t) signs[i / 8] >> i % 8);
		uint32x4_t	value = vreinterpretq_u32_f32(load_f32(x, i, n - i));

		flip = vandq_u32(vtstq_u32(flip, bits), sign);
		store_f32(x, i, n - i, vreinterpretq_f32_u32(veorq_u32(value, flip)));
	}
}

const RuvKernels ruv_kernels_neon = RUV_KERNEL_TABLE(neon);

#endif							/* __AARCH64EL__ */
