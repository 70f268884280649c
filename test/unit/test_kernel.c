/*
 * test_kernel.c
 *		Every kernel table against a reference in double precision.
 *
 * The reference follows the words of ruv_kernel.h and shares no code with the
 * tables.  Arrays lie against pages without access, or have guard bytes, so
 * that a step outside of them shows without a sanitizer, too.
 */
#define _DEFAULT_SOURCE			/* MAP_ANONYMOUS */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/ruv_kernel.h"

#define MAX_TABLES 8
#define MAX_N RUV_KERNEL_MAX_DIMS
#define ROOM ((size_t) 512 * 1024)
#define GUARD 64
#define GUARD_BYTE 0xa5

static const RuvKernels *tables[MAX_TABLES];
static int	n_tables;
static bool quick;
static int	failures = 0;
static uint64_t random_state = 42;

/* What is being tested, for messages */
static const RuvKernels *table;
static size_t size;

static void
fail(const char *format, ...)
{
	va_list		arguments;

	if (failures++ >= 50)
		return;
	printf("not ok: %s, n = %zu: ", table->name, size);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static uint32_t
random_bits(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (uint32_t) (random_state >> 32);
}

/* -1 .. 1 */
static float
random_float(void)
{
	return (float) (random_bits() >> 7) * 0x1p-24f - 1.0f;
}

/* Memory with guards */

typedef enum Place
{
	AT_END,						/* of the accessible memory */
	AT_BEGIN,
	OFF_BY_ONE,					/* element, from the end */
	PLACES
} Place;

/* One for every array that a kernel takes at the same time */
typedef struct Slot
{
	uint8_t	   *room;			/* between pages without access */
	uint8_t	   *begin;			/* the array in it */
	uint8_t	   *end;
} Slot;

enum
{
	SLOT_Q,
	SLOT_X,
	SLOT_HALVES,
	SLOT_BYTES,
	SLOT_OUT,
	SLOTS
};

static Slot slots[SLOTS];

static void
make_slots(void)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);

	for (int i = 0; i < SLOTS; i++)
	{
		uint8_t	   *all = mmap(NULL, ROOM + 2 * page, PROT_NONE,
							   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (all == MAP_FAILED ||
			mprotect(all + page, ROOM, PROT_READ | PROT_WRITE) != 0)
		{
			printf("not ok: no memory\n");
			exit(1);
		}
		slots[i].room = all + page;
	}
}

static size_t
guard_before(const Slot *slot)
{
	size_t		left = (size_t) (slot->begin - slot->room);

	return left < GUARD ? left : GUARD;
}

static size_t
guard_after(const Slot *slot)
{
	size_t		left = (size_t) (slot->room + ROOM - slot->end);

	return left < GUARD ? left : GUARD;
}

/* An array of count elements with the guard bytes around it */
static void *
array(int number, size_t count, size_t width, Place place)
{
	Slot	   *slot = &slots[number];

	if (place == AT_BEGIN)
		slot->begin = slot->room;
	else
		slot->begin = slot->room + ROOM - count * width -
			(place == OFF_BY_ONE ? width : 0);
	slot->end = slot->begin + count * width;
	memset(slot->begin - guard_before(slot), GUARD_BYTE, guard_before(slot));
	memset(slot->end, GUARD_BYTE, guard_after(slot));
	return slot->begin;
}

static bool
is_guard(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (bytes[i] != GUARD_BYTE)
			return false;
	}
	return true;
}

static void
check_guards(const char *what)
{
	for (int i = 0; i < SLOTS; i++)
	{
		const Slot *slot = &slots[i];

		if (slot->begin != NULL &&
			!(is_guard(slot->begin - guard_before(slot),
					   guard_before(slot)) &&
			  is_guard(slot->end, guard_after(slot))))
			fail("%s writes outside of array %d", what, i);
	}
}

/* Halves, by their definition */

static double
half_value(uint16_t half)
{
	int			exponent = half >> 10 & 31;
	int			fraction = half & 1023;
	double		value;

	if (exponent == 31)
		value = fraction == 0 ? (double) INFINITY : (double) NAN;
	else if (exponent == 0)
		value = ldexp(fraction, -24);
	else
		value = ldexp(1024 + fraction, exponent - 25);
	return half & 0x8000 ? -value : value;
}

static uint16_t
half_of(float value)
{
	double		rest = fabs((double) value);
	uint32_t	sign = signbit(value) ? 0x8000 : 0;
	uint32_t	half;
	int			exponent;

	if (rest >= 65520.0)
		return (uint16_t) (sign | 0x7c00);
	frexp(rest, &exponent);
	exponent = rest == 0.0 || exponent < -13 ? -13 : exponent;
	/* a fraction that rounds up to 2048 goes on into the exponent */
	rest = rint(ldexp(rest, 11 - exponent));
	half = ((uint32_t) (exponent + 13) << 10) + (uint32_t) rest;
	return (uint16_t) (sign | half);
}

/*
 * Rounded to a float, which the compiler must not leave out: it could fuse
 * the product with what follows.
 */
static float
product(float a, float b)
{
	volatile float result = a * b;

	return result;
}

static float
quotient_clamped(float a, float b, float limit)
{
	return fminf(fmaxf(product(a, b), -limit), limit);
}

/* Equal bits, or both NaN */
static bool
same_float(float a, float b)
{
	return memcmp(&a, &b, sizeof(a)) == 0 || (isnan(a) && isnan(b));
}

/* The middle between a half and the next: exact, a tie when it is rounded */
static float
middle_after(uint16_t half)
{
	double		next = half_value((uint16_t) (half + 1));

	return (float) ((half_value(half) + next) * 0.5);
}

static void
test_halves(void)
{
	float		values[4];

	for (uint32_t i = 0; i < 65536; i++)
	{
		uint16_t	half = (uint16_t) i;
		float		value = (float) half_value(half);

		if (!same_float(ruv_half_to_float(half), value))
			fail("half %04x is %a", i, (double) ruv_half_to_float(half));
		if (isnan(value))
		{
			if (!isnan(ruv_half_to_float(ruv_float_to_half(value))))
				fail("NaN %04x does not remain one", i);
			continue;
		}
		if (i & 0x8000 || isinf(value))
			continue;

		/* the value, the middle to the next half, and beside that */
		values[0] = value;
		values[1] = 65520.0f;
		if (i != 0x7bff)
			values[1] = middle_after(half);
		values[2] = nextafterf(values[1], 0.0f);
		values[3] = nextafterf(values[1], INFINITY);
		for (int k = 0; k < 4; k++)
		{
			if (ruv_float_to_half(values[k]) != half_of(values[k]) ||
				ruv_float_to_half(-values[k]) != half_of(-values[k]))
				fail("%a becomes half %04x", (double) values[k],
					 ruv_float_to_half(values[k]));
		}
	}
	if (ruv_float_to_half(INFINITY) != 0x7c00 ||
		ruv_float_to_half(-FLT_MAX) != 0xfc00 ||
		ruv_float_to_half(FLT_TRUE_MIN) != 0)
		fail("the ends of half");
}

/* Inputs */

typedef enum Kind
{
	PLAIN,
	MIXED,						/* magnitudes, and zeros of both signs */
	NEAR,						/* to each other */
	TINY,						/* down to the least subnormal */
	HUGE_VALUES,				/* sums of which overflow */
	KINDS
} Kind;

typedef enum Source
{
	F32,
	F16,
	I8,
	SOURCES
} Source;

typedef enum Term
{
	SQUARE,
	PRODUCT,
	MAGNITUDE,
	TERMS
} Term;

typedef struct Input
{
	size_t		n;
	Place		place;
	float	   *q;
	float	   *x;
	uint16_t   *halves;
	int8_t	   *bytes;
	float		scale[SOURCES];
	float		values[SOURCES][MAX_N]; /* what the stored ones stand for */
} Input;

static float
random_value(Kind kind)
{
	int			power = (int) (random_bits() % 41) - 20;

	switch (kind)
	{
		case MIXED:
			if (random_bits() % 4 == 0)
				return copysignf(0.0f, random_float());
			return ldexpf(random_float(), power);
		case TINY:
			return ldexpf(random_float(), power - 120);
		case HUGE_VALUES:
			return ldexpf(random_float(), power + 107);
		case PLAIN:
		case NEAR:
		case KINDS:
			break;
	}
	return random_float();
}

static void
make_input(Input *in, Kind kind, size_t n, Place place)
{
	static const float scales[KINDS][2] = {
		{0.25f, 0.0123f},
		{0x1p9f, 1234.5f},
		{0.25f, 0.0123f},
		{0x1p-100f, 1e-40f},
		{0x1p100f, 3e34f}};

	size = n;
	in->n = n;
	in->place = place;
	in->q = array(SLOT_Q, n, sizeof(float), place);
	in->x = array(SLOT_X, n, sizeof(float), place);
	in->halves = array(SLOT_HALVES, n, sizeof(uint16_t), place);
	in->bytes = array(SLOT_BYTES, n, 1, place);
	in->scale[F32] = 1.0f;
	in->scale[F16] = scales[kind][0];
	in->scale[I8] = scales[kind][1];

	for (size_t i = 0; i < n; i++)
	{
		float		q = random_value(kind);

		in->q[i] = q;
		in->x[i] = random_value(kind);
		in->halves[i] = (uint16_t) (random_bits() & 0xfbff);
		in->bytes[i] = (int8_t) (random_bits() % 256 - 128);
		if (kind == NEAR)
		{
			in->x[i] = product(q, 1.0f + ldexpf(random_float(), -18));
			in->halves[i] = half_of(q / in->scale[F16]);
			in->bytes[i] = (int8_t) rintf(q / in->scale[I8]);
		}
		in->values[F32][i] = in->x[i];
		in->values[F16][i] = product((float) half_value(in->halves[i]),
									 in->scale[F16]);
		in->values[I8][i] = product(in->bytes[i], in->scale[I8]);
	}
}

/* Room for what a kernel makes of n numbers */
static void *
output(const Input *in, size_t width)
{
	return array(SLOT_OUT, in->n, width, in->place);
}

/* Sums */

typedef struct Sum
{
	double		value;
	double		magnitude;		/* the sum of the absolute values */
} Sum;

static Sum
reference_sum(Term term, const float *q, const float *x, size_t n)
{
	Sum			sum = {0.0, 0.0};

	for (size_t i = 0; i < n; i++)
	{
		double		diff = (double) q[i] - (double) x[i];
		double		value = diff * diff;

		if (term == PRODUCT)
			value = (double) q[i] * (double) x[i];
		else if (term == MAGNITUDE)
			value = fabs(diff);

		sum.value += value;
		sum.magnitude += fabs(value);
	}
	return sum;
}

/*
 * The bound, and half the least subnormal for each term that underflowed.
 * Sums that overflow are infinite, or anything if terms of both signs do.
 */
static bool
within(float value, double expected, double magnitude, size_t n)
{
	double		bound = RUV_KERNEL_ERROR(n) * magnitude +
		(double) n * (double) FLT_TRUE_MIN;

	if (magnitude < (double) FLT_MAX * 0.999)
		return fabs((double) value - expected) <= bound;
	if (magnitude < (double) FLT_MAX * 1.001 || fabs(expected) < magnitude)
		return true;
	return isinf(value) && (value > 0) == (expected > 0);
}

static void
check_sum(const char *what, Sum expected, float value, float scalar)
{
	if (!within(value, expected.value, expected.magnitude, size))
		fail("%s is %.9g, not %.9g", what, (double) value, expected.value);
	else if (isfinite(scalar) && isfinite(value) &&
			 !within(value, (double) scalar, expected.magnitude, size))
		fail("%s is %.9g, by the scalar table %.9g", what, (double) value,
			 (double) scalar);
}

static float
call_sum(const RuvKernels *k, Term term, Source source, const Input *in)
{
	const float *q = in->q;
	float		by = in->scale[source];
	size_t		n = in->n;

	switch ((int) source * TERMS + (int) term)
	{
		case F32 *TERMS + SQUARE:
			return k->l2_squared(q, in->x, n);
		case F32 *TERMS + PRODUCT:
			return k->inner_product(q, in->x, n);
		case F32 *TERMS + MAGNITUDE:
			return k->l1(q, in->x, n);
		case F16 *TERMS + SQUARE:
			return k->l2_squared_f16(q, in->halves, by, n);
		case F16 *TERMS + PRODUCT:
			return k->inner_product_f16(q, in->halves, by, n);
		case F16 *TERMS + MAGNITUDE:
			return k->l1_f16(q, in->halves, by, n);
		case I8 *TERMS + SQUARE:
			return k->l2_squared_i8(q, in->bytes, by, n);
		case I8 *TERMS + PRODUCT:
			return k->inner_product_i8(q, in->bytes, by, n);
		default:
			return k->l1_i8(q, in->bytes, by, n);
	}
}

static float
call_residual(const RuvKernels *kernels, Source source, const Input *in,
			  float *diff, float *maxabs)
{
	float		by = in->scale[source];
	size_t		n = in->n;

	if (source == F16)
		return kernels->residual_f16(in->q, in->halves, by, n, diff, maxabs);
	if (source == I8)
		return kernels->residual_i8(in->q, in->bytes, by, n, diff, maxabs);
	return kernels->residual_f32(in->q, in->x, n, diff, maxabs);
}

static void
test_sums(const Input *in)
{
	static const char *const names[SOURCES][TERMS] = {
		{"l2_squared", "inner_product", "l1"},
		{"l2_squared_f16", "inner_product_f16", "l1_f16"},
		{"l2_squared_i8", "inner_product_i8", "l1_i8"}};

	for (Source source = 0; source < SOURCES; source++)
	{
		for (Term term = 0; term < TERMS; term++)
		{
			Sum			expected = reference_sum(term, in->q,
												 in->values[source], in->n);
			float		scalar = call_sum(tables[0], term, source, in);

			for (int t = 0; t < n_tables; t++)
			{
				table = tables[t];
				check_sum(names[source][term], expected,
						  call_sum(table, term, source, in), scalar);
			}
		}
	}
}

static void
test_cosine(const Input *in)
{
	float		scalar[3];
	Sum			expected[3];

	expected[0] = reference_sum(PRODUCT, in->q, in->x, in->n);
	expected[1] = reference_sum(PRODUCT, in->q, in->q, in->n);
	expected[2] = reference_sum(PRODUCT, in->x, in->x, in->n);
	tables[0]->cosine(in->q, in->x, in->n, &scalar[0], &scalar[1], &scalar[2]);
	for (int t = 0; t < n_tables; t++)
	{
		float		sums[3];

		table = tables[t];
		table->cosine(in->q, in->x, in->n, &sums[0], &sums[1], &sums[2]);
		for (int k = 0; k < 3; k++)
			check_sum("cosine", expected[k], sums[k], scalar[k]);
	}
}

/* Differences have equal bits in all tables. */
static void
test_residuals(const Input *in)
{
	for (Source source = 0; source < SOURCES; source++)
	{
		const float *x = in->values[source];
		Sum			expected = reference_sum(SQUARE, in->q, x, in->n);

		for (int t = 0; t < n_tables; t++)
		{
			float	   *diff = output(in, sizeof(float));
			float		largest = 0.0f;
			float		maxabs = -1.0f;
			float		sum;

			table = tables[t];
			sum = call_residual(table, source, in, diff, &maxabs);
			check_sum("residual", expected, sum, sum);
			for (size_t i = 0; i < in->n; i++)
			{
				float		d = in->q[i] - x[i];

				largest = fmaxf(largest, fabsf(d));
				if (d != diff[i])
					fail("source %d: difference %zu is %a, not %a",
						 (int) source, i, (double) diff[i], (double) d);
			}
			if (maxabs != largest)
				fail("source %d: largest difference", (int) source);
			check_guards("residual");
		}
	}
}

static void
test_decode(const Input *in)
{
	for (int t = 0; t < n_tables; t++)
	{
		for (Source source = F16; source < SOURCES; source++)
		{
			float	   *out = output(in, sizeof(float));

			table = tables[t];
			if (source == F16)
				table->decode_f16(in->halves, in->scale[F16], in->n, out);
			else
				table->decode_i8(in->bytes, in->scale[I8], in->n, out);
			for (size_t i = 0; i < in->n; i++)
			{
				if (!same_float(out[i], in->values[source][i]))
					fail("decode %d: %a, not %a", (int) source,
						 (double) out[i], (double) in->values[source][i]);
			}
			check_guards("decode");
		}
	}
}

static void
test_encode(const Input *in, float inverse)
{
	for (int t = 0; t < n_tables; t++)
	{
		uint16_t   *halves = output(in, sizeof(uint16_t));

		table = tables[t];
		table->encode_f16(in->x, inverse, in->n, halves);
		for (size_t i = 0; i < in->n; i++)
		{
			uint16_t	half = half_of(quotient_clamped(in->x[i], inverse,
														65504.0f));

			if (!isnan(in->x[i]) && half != halves[i])
				fail("encode_f16 of %a: %04x, not %04x", (double) in->x[i],
					 halves[i], half);
		}
		check_guards("encode_f16");
	}
}

static void
test_quantize(const Input *in, float inverse)
{
	for (int t = 0; t < n_tables; t++)
	{
		int8_t	   *bytes = output(in, 1);
		int32_t		sum;
		int32_t		expected = 0;

		table = tables[t];
		sum = table->quantize_i8(in->x, inverse, in->n, bytes);
		for (size_t i = 0; i < in->n; i++)
		{
			float		value = rintf(quotient_clamped(in->x[i], inverse,
													   127.0f));

			expected += bytes[i];
			if (bytes[i] == -128)
				fail("quantize_i8 gives -128");
			else if (!isnan(in->x[i]) && (float) bytes[i] != value)
				fail("quantize_i8 of %a: %d, not %g", (double) in->x[i],
					 bytes[i], (double) value);
		}
		if (sum != expected)
			fail("sum of quantize_i8 is %d, not %d", sum, expected);
		check_guards("quantize_i8");
	}
}

static void
test_flip_signs(const Input *in)
{
	const float *before = in->values[F32];

	for (int t = 0; t < n_tables; t++)
	{
		size_t		bytes = (in->n + 7) / 8;
		uint8_t	   *signs = array(SLOT_BYTES, bytes, 1, in->place);
		float	   *x = output(in, sizeof(float));

		for (size_t i = 0; i < bytes; i++)
			signs[i] = (uint8_t) random_bits();
		memcpy(x, before, in->n * sizeof(*x));
		table = tables[t];
		table->flip_signs(x, signs, in->n);
		for (size_t i = 0; i < in->n; i++)
		{
			bool		flip = signs[i / 8] >> i % 8 & 1;

			if (!same_float(x[i], flip ? -before[i] : before[i]))
				fail("flip_signs: %zu", i);
		}
		check_guards("flip_signs");
	}
}

static void
test_size(Input *in, size_t n)
{
	Kind		step = quick && n > 64 ? 3 : 1;

	for (Kind kind = 0; kind < KINDS; kind += step)
	{
		Place		place = (Place) ((n + kind) % PLACES);
		Place		end = quick ? place + 1 : place + PLACES;

		for (; place < end; place++)
		{
			make_input(in, kind, n, place % PLACES);
			test_sums(in);
			test_cosine(in);
			test_residuals(in);
			test_decode(in);
			test_encode(in, 4096.0f);
			test_quantize(in, 100.0f);
			check_guards("a kernel without output");
			test_flip_signs(in);
		}
	}
}

static void
test_sizes(Input *in)
{
	static const size_t more[] = {255, 256, 257, 258, 259, 260, 384, 784,
						1000, 2000, 4096, 16000};
	size_t		limit = quick ? 130 : 200;

	for (size_t n = 0; n <= limit; n++)
		test_size(in, n);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		test_size(in, more[i]);
}

/* Every half, numbers in the middle of two results, infinities and NaN */
static void
test_special(Input *in)
{
	for (uint32_t from = 0; from < 65536; from += 8192)
	{
		make_input(in, PLAIN, 8192, AT_END);
		for (uint32_t i = 0; i < 8192; i++)
		{
			in->halves[i] = (uint16_t) (from + i);
			in->x[i] = (float) half_value(in->halves[i]);
			in->values[F16][i] = product(in->x[i], in->scale[F16]);
		}
		test_decode(in);
		test_encode(in, 1.0f);
		test_encode(in, 0x1p-12f);
		test_quantize(in, 1.0f);
	}
	for (uint32_t i = 0; i < 8192; i++)
	{
		uint16_t	half = (uint16_t) (random_bits() & 0x7fff);

		if (i < 2048)
			in->x[i] = (float) i * 0.25f - 256.0f;
		else if (half >= 0x7bff)
			in->x[i] = NAN;
		else
			in->x[i] = copysignf(middle_after(half), random_float());
	}
	in->x[0] = FLT_MAX;
	in->x[1] = -FLT_MAX;
	in->x[2] = INFINITY;
	in->x[3] = -INFINITY;
	test_encode(in, 1.0f);
	test_quantize(in, 1.0f);
	test_encode(in, FLT_MAX);
	test_quantize(in, FLT_MAX);
}

/* Codes */

static int
code_number(int bits, const uint8_t *code, size_t n, size_t i)
{
	size_t		bytes = n * (size_t) bits / 8;

	if (bits == 1)
		return code[i / 8] >> i % 8 & 1;
	return code[i % bytes] >> i / bytes * (size_t) bits & ((1 << bits) - 1);
}

/* Extremes to show an overflow, or anything */
static void
make_codes(int8_t *q, size_t n, uint8_t *codes, size_t bytes, int extreme)
{
	for (size_t i = 0; i < n; i++)
	{
		q[i] = (int8_t) (random_bits() % 256 - 128);
		if (extreme != 0)
			q[i] = extreme < 0 ? INT8_MIN : INT8_MAX;
	}
	for (size_t i = 0; i < bytes; i++)
		codes[i] = extreme != 0 ? 0xff : (uint8_t) random_bits();
}

static void
test_code_dot(int bits, size_t n, int count, size_t gap, int extreme)
{
	size_t		stride = n * (size_t) bits / 8 + gap;
	size_t		bytes = count == 0 ? 0 : stride * (size_t) count - gap;
	Place		place = (Place) (random_bits() % PLACES);
	int8_t	   *q = array(SLOT_BYTES, n, 1, place);
	uint8_t	   *codes = array(SLOT_HALVES, bytes, 1, place);
	int32_t		expected[64];

	size = n;
	make_codes(q, n, codes, bytes, extreme);
	for (int k = 0; k < count; k++)
	{
		const uint8_t *code = codes + (size_t) k * stride;

		expected[k] = 0;
		for (size_t i = 0; i < n; i++)
			expected[k] += q[i] * code_number(bits, code, n, i);
	}
	for (int t = 0; t < n_tables; t++)
	{
		int32_t	   *out = array(SLOT_OUT, (size_t) count, sizeof(int32_t),
								place);

		table = tables[t];
		memset(out, 0x55, (size_t) count * sizeof(int32_t));
		table->code_dot(bits, q, n, codes, stride, count, out);
		for (int k = 0; k < count; k++)
		{
			if (out[k] != expected[k])
				fail("code_dot of %d bits, code %d of %d: %d, not %d", bits, k,
					 count, out[k], expected[k]);
		}
		check_guards("code_dot");
	}
}

static int
encoded(int bits, float r, float inv_step)
{
	int			half = 1 << (bits - 1);
	float		value;

	if (bits == 1)
		return r >= 0.0f;
	value = floorf(product(r, inv_step)) + (float) half;
	return (int) fminf(fmaxf(value, 0.0f), (float) (2 * half - 1));
}

static void
test_code_encode(int bits, Kind kind, size_t n, bool special)
{
	size_t		bytes = n * (size_t) bits / 8;
	Place		place = (Place) (random_bits() % PLACES);
	float	   *r = array(SLOT_Q, n, sizeof(float), place);
	float		inv_step = kind == MIXED ? 1.0f : (float) (1 << (bits - 1));
	Sum			expected = {0.0, 0.0};
	float		scalar = 0.0f;

	size = n;
	for (size_t i = 0; i < n; i++)
	{
		double		term;

		r[i] = random_value(kind);
		if (special && i % 3 == 0)
			r[i] = i % 2 == 0 ? INFINITY : -INFINITY;
		else if (special && i % 3 == 1)
			r[i] = (float) (i % 32) - 16.0f;
		term = (encoded(bits, r[i], inv_step) -
				((1 << bits) - 1) * 0.5) *
			(double) r[i];
		expected.value += term;
		expected.magnitude += fabs(term);
	}
	for (int t = 0; t < n_tables; t++)
	{
		uint8_t	   *code = array(SLOT_OUT, bytes, 1, place);
		float		sum;

		table = tables[t];
		sum = table->code_encode(bits, r, inv_step, n, code);
		scalar = t == 0 ? sum : scalar;
		if (!special)
			check_sum("code_encode", expected, sum, scalar);
		for (size_t i = 0; i < n; i++)
		{
			if (code_number(bits, code, n, i) !=
				encoded(bits, r[i], inv_step))
				fail("code_encode of %d bits: %zu", bits, i);
		}
		check_guards("code_encode");
	}
}

/* Widths, sizes around what fits into 16 bits and on the stack, and counts */
static void
test_codes(void)
{
	static const int counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 32, 33};
	static const size_t gaps[] = {0, 1, 13, 64};
	static const size_t sizes[] = {640, 672, 992, 1024, 1056, 1536, 2016,
						2048, 2080, 2112, 4096, 4128, 16000,
						16352, 16384};
	const size_t n_sizes = sizeof(sizes) / sizeof(sizes[0]);

	for (size_t s = 0; s < 20 + n_sizes; s++)
	{
		size_t		n = s < 20 ? s * 32 : sizes[s - 20];

		for (int bits = 1; bits <= 4; bits *= 2)
		{
			if (bits == 2 && n % 64 != 0)
				continue;
			for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
			{
				if ((quick && n > 200 && i != s % 10) ||
					(n > 5000 && counts[i] > 8))
					continue;
				test_code_dot(bits, n, counts[i], gaps[(s + i) % 4], 0);
			}
			test_code_dot(bits, n, 4, 1, -1);
			test_code_dot(bits, n, 4, 1, 1);
			for (Kind kind = 0; kind < KINDS; kind++)
				test_code_encode(bits, kind, n, false);
			test_code_encode(bits, MIXED, n, true);
		}
	}
}

/* Rotation */

static void
reference_hadamard(double *x, size_t n)
{
	for (size_t stride = 1; stride < n; stride *= 2)
	{
		for (size_t i = 0; i < n; i++)
		{
			double		a = x[i];

			if ((i & stride) != 0)
				continue;
			x[i] = a + x[i + stride];
			x[i + stride] = a - x[i + stride];
		}
	}
	for (size_t i = 0; i < n; i++)
		x[i] /= sqrt((double) n);
}

/*
 * Against the reference; twice is nothing; norms remain; and equal bits in all
 * tables, as the rotation is part of what an index stores.
 */
static void
test_hadamard(Kind kind, size_t n)
{
	static double expected[MAX_N];
	static float from[MAX_N];
	static float scalar[MAX_N];
	double		largest = 0.0;
	double		norm = 0.0;
	double		bound;

	size = n;
	for (size_t i = 0; i < n; i++)
	{
		from[i] = random_value(kind);
		expected[i] = (double) from[i];
		norm += expected[i] * expected[i];
	}
	reference_hadamard(expected, n);
	norm = sqrt(norm);
	/* what a rounding in each of the log2(n) + 1 steps comes to */
	bound = (log2((double) n) + 2.0) * 0x1p-23 * norm +
		(double) n * (double) FLT_TRUE_MIN;

	for (int t = 0; t < n_tables; t++)
	{
		Place		place = (Place) ((n + (size_t) t) % PLACES);
		float	   *x = array(SLOT_OUT, n, sizeof(float), place);
		double		norm_after = 0.0;

		table = tables[t];
		memcpy(x, from, n * sizeof(*x));
		table->hadamard(x, n);
		if (t == 0)
			memcpy(scalar, x, n * sizeof(*x));
		if (memcmp(scalar, x, n * sizeof(*x)) != 0)
			fail("hadamard: other bits than the scalar table's");
		largest = 0.0;
		for (size_t i = 0; i < n; i++)
		{
			largest = fmax(largest, fabs((double) x[i] - expected[i]));
			norm_after += (double) x[i] * (double) x[i];
		}
		if (!(largest <= bound))
			fail("hadamard is off by %g of %g", largest, bound);
		if (!(fabs(sqrt(norm_after) - norm) <= bound))
			fail("hadamard changes the norm");
		table->hadamard(x, n);
		largest = 0.0;
		for (size_t i = 0; i < n; i++)
			largest = fmax(largest, fabs((double) x[i] - (double) from[i]));
		if (!(largest <= 2 * bound))
			fail("hadamard twice is off by %g of %g", largest, 2 * bound);
		check_guards("hadamard");
	}
}

/* Column i of the matrix: +-1 / sqrt(n) by the parity of i & j, exactly */
static void
test_hadamard_columns(size_t n)
{
	size = n;
	for (int t = 0; t < n_tables; t++)
	{
		table = tables[t];
		for (size_t i = 0; i < n; i++)
		{
			float	   *x = array(SLOT_OUT, n, sizeof(float), AT_END);
			float		unit = (float) (1.0 / sqrt((double) n));

			for (size_t j = 0; j < n; j++)
				x[j] = j == i ? 1.0f : 0.0f;
			table->hadamard(x, n);
			for (size_t j = 0; j < n; j++)
			{
				bool		odd = false;

				for (size_t both = i & j; both != 0; both &= both - 1)
					odd = !odd;
				if (x[j] != (odd ? -unit : unit))
					fail("hadamard: row %zu, column %zu", j, i);
			}
		}
	}
}

/* The choice */

static void
test_choice(void)
{
	const RuvKernels *few[MAX_TABLES];

	table = tables[0];
	if (strcmp(tables[0]->name, "scalar") != 0)
		fail("the first table is not scalar");
	if (ruv_kernels_best() != tables[n_tables - 1])
		fail("the best table is not the last");
	if (ruv_kernels_by_name("no such set") != NULL ||
		ruv_kernels_by_name("") != NULL)
		fail("a table of no name");
	if (ruv_kernels_all(few, 1) != 1 || few[0] != tables[0] ||
		ruv_kernels_all(few, 0) != 0)
		fail("room for tables");
	for (int t = 0; t < n_tables; t++)
	{
		if (ruv_kernels_by_name(tables[t]->name) != tables[t])
			fail("table %d by name", t);
		printf("%s%s", tables[t]->name, t < n_tables - 1 ? ", " : "\n");
	}
}

int
main(void)
{
	static Input input;

	quick = getenv("RUV_TEST_QUICK") != NULL;
	n_tables = ruv_kernels_all(tables, MAX_TABLES);
	make_slots();
	test_choice();
	test_halves();
	test_sizes(&input);
	test_special(&input);
	test_codes();
	for (size_t n = 1; n <= MAX_N; n *= 2)
	{
		for (Kind kind = 0; kind < HUGE_VALUES; kind++)
			test_hadamard(kind, n);
		if (n <= 256)
			test_hadamard_columns(n);
	}
	if (failures > 0)
		return 1;
	printf("ok: kernels\n");
	return 0;
}
