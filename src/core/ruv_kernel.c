/*
 * ruv_kernel.c
 *		The scalar kernel table, half conversion, and the choice of a table.
 *
 * The scalar table is the definition that the others are tested against, and
 * all there is on machines without one of their instruction sets.  It sums in
 * SUMS partial sums, which bounds its error well enough for RUV_KERNEL_ERROR
 * to hold between any two tables, and lets a compiler use what vectors it has.
 *
 * A product that a sum follows stands in its own statement, and wherever its
 * rounding shows (int8 times scale) passes keep_rounding(): a compiler that
 * fuses the two would give other differences than the other tables do.
 * NaN gives any value, but no undefined behaviour: floats are clamped by
 * comparisons that NaN fails before they become integers.
 */
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "core/ruv_kernel_int.h"

#define SUMS 16

/* As many as one kind of processor may have. */
#define MAX_TABLES 3

/* Adding and subtracting it rounds |x| < 2^22 to nearest even. */
#define ROUNDER 12582912.0f

static inline uint32_t
float_bits(float value)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline float
bits_float(uint32_t bits)
{
	float		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline float
absolute(float value)
{
	return bits_float(float_bits(value) & 0x7fffffff);
}

static inline float
clamp(float value, float low, float high)
{
	value = value > low ? value : low;
	return value < high ? value : high;
}

static inline float
keep_rounding(float product)
{
#if defined(__aarch64__)
	__asm__(""
			: "+w"(product));
#elif defined(__FMA__)
	__asm__(""
			: "+x"(product));
#endif
	return product;
}

/*
 * The fields of a half fit into those of a float; what differs is the bias of
 * the exponent.  A subnormal half becomes the fraction of 2^-14, of which that
 * is then taken away: arithmetic with subnormal floats is slow.
 */
static inline float
half_value(uint16_t half)
{
	uint32_t	sign = (uint32_t) (half & 0x8000) << 16;
	uint32_t	bits = (uint32_t) (half & 0x7fff) << 13;

	if (bits > 0x0f800000)
		return bits_float(sign | bits | 0x7fc00000);	/* quiet NaN */
	if (bits == 0x0f800000)
		return bits_float(sign | 0x7f800000);
	if (bits >= 0x00800000)
		return bits_float(sign | (bits + 0x38000000));
	bits = float_bits(bits_float(bits + 0x38800000) - 0x1p-14f);
	return bits_float(sign | bits);
}

static inline uint16_t
half_from(float value)
{
	uint32_t	bits = float_bits(value);
	uint32_t	sign = bits >> 16 & 0x8000;
	uint32_t	half;

	bits &= 0x7fffffff;
	if (bits > 0x7f800000)
		half = 0x7e00 | (bits >> 13 & 0x3ff);
	else if (bits >= 0x477ff000)	/* 65520 rounds up to 2^16 */
		half = 0x7c00;
	else if (bits >= 0x38800000)	/* 2^-14, the least normal half */
		half = (bits - 0x38000000 + 0xfff + (bits >> 13 & 1)) >> 13;
	else						/* 0.5f ends where a subnormal half does */
		half = float_bits(bits_float(bits) + 0.5f) - float_bits(0.5f);
	return (uint16_t) (sign | half);
}

float
ruv_half_to_float(uint16_t half)
{
	return half_value(half);
}

uint16_t
ruv_float_to_half(float value)
{
	return half_from(value);
}

RUV_INLINE float
element(RuvSource source, const void *x, size_t i, float scale)
{
	switch (source)
	{
		case RUV_SOURCE_F16:
			return half_value(((const uint16_t *) x)[i]) * scale;
		case RUV_SOURCE_I8:
			return keep_rounding((float) ((const int8_t *) x)[i] * scale);
		case RUV_SOURCE_F32:
			break;
	}
	return ((const float *) x)[i];
}

static inline float
add_sums(const float *sums)
{
	float		half[SUMS / 2];
	float		quarter[SUMS / 4];

	for (int i = 0; i < SUMS / 2; i++)
		half[i] = sums[i] + sums[i + SUMS / 2];
	for (int i = 0; i < SUMS / 4; i++)
		quarter[i] = half[i] + half[i + SUMS / 4];
	return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

/* Distances, over a source */

RUV_INLINE float
term_of(RuvTerm term, RuvSource source, const float *q, const void *x,
		size_t i, float scale)
{
	float		value = element(source, x, i, scale);
	float		diff = q[i] - value;

	if (term == RUV_TERM_PRODUCT)
		return q[i] * value;
	return term == RUV_TERM_SQUARE ? diff * diff : absolute(diff);
}

RUV_INLINE float
sum_any(RuvTerm term, RuvSource source, const float *q, const void *x,
		float scale, size_t n)
{
	float		sums[SUMS] = {0};
	size_t		i = 0;

	for (; n - i >= SUMS; i += SUMS)
	{
		for (size_t k = 0; k < SUMS; k++)
			sums[k] += term_of(term, source, q, x, i + k, scale);
	}
	for (size_t k = 0; i + k < n; k++)
		sums[k] += term_of(term, source, q, x, i + k, scale);
	return add_sums(sums);
}

RUV_INLINE float
residual_any(RuvSource source, const float *q, const void *x, float scale,
			 size_t n, float *diff, float *maxabs)
{
	float		sums[SUMS] = {0};
	float		largest = 0.0f;

	for (size_t i = 0; i < n; i++)
	{
		float		d = q[i] - element(source, x, i, scale);

		diff[i] = d;
		sums[i % SUMS] += d * d;
		largest = absolute(d) > largest ? absolute(d) : largest;
	}
	*maxabs = largest;
	return add_sums(sums);
}

RUV_INLINE void
decode_any(RuvSource source, const void *x, float scale, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = element(source, x, i, scale);
}

#define NO_TARGET
RUV_ALL_SOURCE_KERNELS(NO_TARGET)

static void
cosine(const float *a, const float *b, size_t n, float *ab, float *aa,
	   float *bb)
{
	*ab = inner_product(a, b, n);
	*aa = inner_product(a, a, n);
	*bb = inner_product(b, b, n);
}

/* Stored halves */

static void
encode_f16(const float *x, float inv_scale, size_t n, uint16_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = half_from(clamp(x[i] * inv_scale, -RUV_MAX_HALF,
								 RUV_MAX_HALF));
}

/* Stored int8 */

static int32_t
quantize_i8(const float *x, float inv_scale, size_t n, int8_t *out)
{
	int32_t		sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		float		value = clamp(x[i] * inv_scale, -RUV_MAX_INT8,
								  RUV_MAX_INT8);

		out[i] = (int8_t) (value + ROUNDER - ROUNDER);
		sum += out[i];
	}
	return sum;
}

/* Codes */

static int32_t
bit_code_dot(const int8_t *q, size_t n, const uint8_t *code)
{
	int32_t		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += q[i] & -(code[i / 8] >> (i % 8) & 1);
	return sum;
}

static int32_t
plane_code_dot(int bits, const int8_t *q, size_t bytes, const uint8_t *code)
{
	int32_t		sum = 0;

	for (int shift = 0; shift < 8; shift += bits)
	{
		for (size_t j = 0; j < bytes; j++)
			sum += q[j] * (code[j] >> shift & ((1 << bits) - 1));
		q += bytes;
	}
	return sum;
}

static void
code_dot(int bits, const int8_t *q, size_t n, const uint8_t *codes,
		 size_t stride, int count, int32_t *out)
{
	for (int k = 0; k < count; k++)
	{
		const uint8_t *code = codes + (size_t) k * stride;

		if (bits == 1)
			out[k] = bit_code_dot(q, n, code);
		else
			out[k] = plane_code_dot(bits, q, ruv_code_bytes(bits, n), code);
	}
}

/* floor(value) + half, clamped to 0 .. 2 * half - 1 */
static inline int
code_of(float value, int half)
{
	int			floored;

	value = clamp(value, (float) -half, (float) (half - 1));
	floored = (int) value;
	return floored - (value < (float) floored) + half;
}

static float
code_encode(int bits, const float *r, float inv_step, size_t n,
			uint8_t *code)
{
	size_t		bytes = ruv_code_bytes(bits, n);
	int			half = 1 << (bits - 1);
	float		middle = (float) half - 0.5f;
	float		sums[SUMS] = {0};

	memset(code, 0, bytes);
	for (size_t i = 0; i < n; i++)
	{
		int			value;

		if (bits == 1)
		{
			value = r[i] >= 0.0f;
			code[i / 8] |= (uint8_t) (value << (i % 8));
		}
		else
		{
			value = code_of(r[i] * inv_step, half);
			code[i % bytes] |= (uint8_t) (value << i / bytes * (size_t) bits);
		}
		sums[i % SUMS] += ((float) value - middle) * r[i];
	}
	return add_sums(sums);
}

/* Rotation */

/*
 * Every table scales first and takes the strides in this order, so that all
 * give equal bits.
 */
static void
hadamard(float *x, size_t n)
{
	float		scale = ruv_hadamard_scale(n);

	for (size_t i = 0; i < n; i++)
		x[i] *= scale;
	for (size_t stride = 1; stride < n; stride *= 2)
	{
		for (size_t i = 0; i < n; i += 2 * stride)
		{
			for (size_t j = i; j < i + stride; j++)
			{
				float		a = x[j];
				float		b = x[j + stride];

				x[j] = a + b;
				x[j + stride] = a - b;
			}
		}
	}
}

static void
flip_signs(float *x, const uint8_t *signs, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		uint32_t	flip = (uint32_t) (signs[i / 8] >> (i % 8) & 1) << 31;

		x[i] = bits_float(float_bits(x[i]) ^ flip);
	}
}

/* Halves with halves */

RUV_INLINE float
half_term_of(RuvTerm term, uint16_t a, uint16_t b)
{
	float		x = half_value(a);
	float		y = half_value(b);
	float		diff = x - y;

	if (term == RUV_TERM_PRODUCT)
		return x * y;
	return term == RUV_TERM_SQUARE ? diff * diff : absolute(diff);
}

RUV_INLINE float
half_sum_any(RuvTerm term, const uint16_t *a, const uint16_t *b, size_t n)
{
	float		sums[SUMS] = {0};
	size_t		i = 0;

	for (; n - i >= SUMS; i += SUMS)
	{
		for (size_t k = 0; k < SUMS; k++)
			sums[k] += half_term_of(term, a[i + k], b[i + k]);
	}
	for (size_t k = 0; i + k < n; k++)
		sums[k] += half_term_of(term, a[i + k], b[i + k]);
	return add_sums(sums);
}

static float
half_l2_squared(const uint16_t *a, const uint16_t *b, size_t n)
{
	return half_sum_any(RUV_TERM_SQUARE, a, b, n);
}

static float
half_inner_product(const uint16_t *a, const uint16_t *b, size_t n)
{
	return half_sum_any(RUV_TERM_PRODUCT, a, b, n);
}

static float
half_l1(const uint16_t *a, const uint16_t *b, size_t n)
{
	return half_sum_any(RUV_TERM_MAGNITUDE, a, b, n);
}

static void
half_cosine(const uint16_t *a, const uint16_t *b, size_t n, float *ab,
			float *aa, float *bb)
{
	*ab = half_inner_product(a, b, n);
	*aa = half_inner_product(a, a, n);
	*bb = half_inner_product(b, b, n);
}

static void
half_from_float(const float *x, size_t n, uint16_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = half_from(x[i]);
}

static const RuvHalfKernels ruv_half_kernels_scalar = {
	.l2_squared = half_l2_squared,
	.inner_product = half_inner_product,
	.l1 = half_l1,
	.cosine = half_cosine,
	.from_float = half_from_float};

const RuvKernels ruv_kernels_scalar = RUV_KERNEL_TABLE(scalar);

/* The choice */

#if defined(__x86_64__)

/*
 * What the CPU has and the system saves on a context switch.  F16C is not
 * among the names that every compiler knows; saving AVX registers is all that
 * the system has to do for it.
 */
static bool
cpu_has_avx2(void)
{
	unsigned int a;
	unsigned int b;
	unsigned int c = 0;
	unsigned int d;

	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return false;
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

static bool
cpu_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vnni");
}

#endif

/* Slowest first. */
int
ruv_kernels_all(const RuvKernels **tables, int room)
{
	const RuvKernels *usable[MAX_TABLES];
	int			count = 0;

	usable[count++] = &ruv_kernels_scalar;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (cpu_has_avx2())
		usable[count++] = &ruv_kernels_avx2;
	if (cpu_has_avx2() && cpu_has_avx512())
		usable[count++] = &ruv_kernels_avx512;
#elif defined(__AARCH64EL__)
	usable[count++] = &ruv_kernels_neon;
#endif

	if (count > room)
		count = room;
	for (int i = 0; i < count; i++)
		tables[i] = usable[i];
	return count;
}

const RuvKernels *
ruv_kernels_by_name(const char *name)
{
	const RuvKernels *tables[MAX_TABLES];
	int			count = ruv_kernels_all(tables, MAX_TABLES);

	for (int i = 0; i < count; i++)
	{
		if (strcmp(tables[i]->name, name) == 0)
			return tables[i];
	}
	return NULL;
}

const RuvKernels *
ruv_kernels_best(void)
{
	const RuvKernels *tables[MAX_TABLES] = {NULL};
	int			count = ruv_kernels_all(tables, MAX_TABLES);

	return tables[count - 1];
}
