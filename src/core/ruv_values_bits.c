/*
 * ruv_values_bits.c
 *		Floats as bit fields: packed, and by dictionary.
 */
#include <string.h>

#include "core/ruv_float_bits.h"
#include "core/ruv_values.h"

#define PATTERN_BITS 31			/* a float without its sign */
#define SHIFT_BITS 5
#define EXPONENT_BITS 8
#define EXPONENT_COUNT 256
#define EXPONENT_RICE_BITS 3
#define GAP_RICE_BITS 5
#define ENTRIES_RICE 4
#define SIGN_MODE_BITS 2
#define INDEX_MODE_BITS 4
#define MAX_INDEX_RICE 7		/* modes up to this are Rice parameters */
#define INDEX_FIXED 15			/* as many bits as tell the entries apart */
#define SMALL_DICTIONARY 256
#define FEW_VALUES 64
#define HASH_FACTOR UINT32_C(0x9e3779b1)	/* 2^32 / golden ratio, a prime */

enum
{
	ALL_PLUS = 0,
	ALL_MINUS = 1,
	MIXED_SIGNS = 2
};

static unsigned
sign_mode(const float *value, uint32_t n)
{
	uint32_t	minus = 0;

	for (uint32_t i = 0; i < n; i++)
		minus += ruv_float_bits(value[i]) >> 31;
	if (minus == 0)
		return ALL_PLUS;
	return minus == n ? ALL_MINUS : MIXED_SIGNS;
}

static inline void
put_sign(RuvBitWriter *w, unsigned mode, float value)
{
	if (mode == MIXED_SIGNS)
		ruv_bits_put(w, ruv_float_bits(value) >> 31, 1);
}

static inline uint32_t
get_sign(RuvBitReader *r, unsigned mode)
{
	if (mode == MIXED_SIGNS)
		return ruv_bits_get(r, 1) << 31;
	return mode == ALL_MINUS ? RUV_FLOAT_SIGN : 0;
}

/* How many low bits are zero in all of these patterns. */
static unsigned
common_shift(uint32_t any, unsigned max)
{
	unsigned	shift = 0;

	while (shift < max && !(any >> shift & 1))
		shift++;
	return shift;
}

void
ruv_packed_plan(const float *value, uint32_t n, RuvValuePlan *plan)
{
	uint32_t	count[EXPONENT_COUNT] = {0};
	uint32_t	zeros = 0;
	uint32_t	any = 0;
	uint64_t	best = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	pattern = ruv_float_magnitude(value[i]);

		any |= pattern;
		if (pattern == 0)
			zeros++;
		else
			count[pattern >> RUV_FLOAT_MANTISSA_BITS]++;
	}
	plan->has_zero = zeros > 0;
	plan->shift = common_shift(any, RUV_FLOAT_MANTISSA_BITS);
	plan->top_exponent = EXPONENT_COUNT - 1;
	while (plan->top_exponent > 0 && count[plan->top_exponent] == 0)
		plan->top_exponent--;
	for (unsigned k = 0; k < 1 << EXPONENT_RICE_BITS; k++)
	{
		uint64_t	bits = zeros * ruv_rice_bits(0, k);

		for (unsigned e = 0; e <= plan->top_exponent; e++)
		{
			uint32_t	code = plan->top_exponent - e + plan->has_zero;

			bits += count[e] * ruv_rice_bits(code, k);
		}
		if (bits >= best)
			continue;
		best = bits;
		plan->exponent_rice = k;
	}
	plan->sign_mode = sign_mode(value, n);
	plan->bits = SHIFT_BITS + EXPONENT_BITS + 1 + EXPONENT_RICE_BITS +
		SIGN_MODE_BITS + best +
		(uint64_t) (n - zeros) * (RUV_FLOAT_MANTISSA_BITS - plan->shift) +
		(plan->sign_mode == MIXED_SIGNS ? n : 0);
}

void
ruv_packed_write(RuvBitWriter *w, const RuvValuePlan *plan,
				 const float *value, uint32_t n)
{
	unsigned	width = RUV_FLOAT_MANTISSA_BITS - plan->shift;

	ruv_bits_put(w, plan->shift, SHIFT_BITS);
	ruv_bits_put(w, plan->top_exponent, EXPONENT_BITS);
	ruv_bits_put(w, plan->has_zero, 1);
	ruv_bits_put(w, plan->exponent_rice, EXPONENT_RICE_BITS);
	ruv_bits_put(w, plan->sign_mode, SIGN_MODE_BITS);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	pattern = ruv_float_magnitude(value[i]);
		uint32_t	exponent = pattern >> RUV_FLOAT_MANTISSA_BITS;
		uint32_t	mantissa = pattern - (exponent << RUV_FLOAT_MANTISSA_BITS);

		put_sign(w, plan->sign_mode, value[i]);
		if (pattern == 0)
		{
			ruv_bits_put_rice(w, 0, plan->exponent_rice);
			continue;
		}
		ruv_bits_put_rice(w, plan->top_exponent - exponent + plan->has_zero,
						  plan->exponent_rice);
		ruv_bits_put(w, mantissa >> plan->shift, width);
	}
}

RuvDeltaStatus
ruv_packed_read(RuvBitReader *r, float *value, uint32_t n)
{
	unsigned	shift = ruv_bits_get(r, SHIFT_BITS);
	uint32_t	top = ruv_bits_get(r, EXPONENT_BITS);
	uint32_t	has_zero = ruv_bits_get(r, 1);
	unsigned	rice = ruv_bits_get(r, EXPONENT_RICE_BITS);
	unsigned	mode = ruv_bits_get(r, SIGN_MODE_BITS);

	if (shift > RUV_FLOAT_MANTISSA_BITS || mode > MIXED_SIGNS)
		return RUV_DELTA_FORMAT;
	if (top >= EXPONENT_COUNT - 1)
		return RUV_DELTA_VALUE;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	bits = get_sign(r, mode);
		uint32_t	code = ruv_bits_get_rice(r, rice, top + has_zero);

		if (code > 0 || !has_zero)
		{
			bits |= (top + has_zero - code) << RUV_FLOAT_MANTISSA_BITS;
			bits |= ruv_bits_get(r, RUV_FLOAT_MANTISSA_BITS - shift) << shift;
		}
		value[i] = ruv_float_from_bits(bits);
	}
	return RUV_DELTA_OK;
}

/* Shell's sort with the gaps of Ciura (2001), continued by 9/4. */
static void
sort(uint32_t *x, uint32_t n)
{
	static const uint32_t gaps[] = {90927, 40412, 17961, 7983, 3548, 1577,
						  701, 301, 132, 57, 23, 10, 4, 1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
	{
		for (uint32_t i = gaps[g]; i < n; i++)
		{
			uint32_t	v = x[i];
			uint32_t	j = i;

			for (; j >= gaps[g] && x[j - gaps[g]] > v; j -= gaps[g])
				x[j] = x[j - gaps[g]];
			x[j] = v;
		}
	}
}

/* The number of a value; zero, if there is one, is number 0. */
static uint32_t
index_of(const RuvValuePlan *plan, float value)
{
	uint32_t	pattern = ruv_float_magnitude(value);
	uint32_t	low = 0;
	uint32_t	high = plan->entries;

	if (pattern == 0)
		return 0;
	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (plan->entry[middle] < pattern)
			low = middle + 1;
		else
			high = middle;
	}
	return low + plan->has_zero;
}

static unsigned
index_width(const RuvValuePlan *plan)
{
	return ruv_bits_width(plan->entries + plan->has_zero);
}

/*
 * Counts the magnitudes that are new to a bitmap of 32 bits for each value;
 * so one in sixty is overlooked.  Few values always may pay.
 */
bool
ruv_dictionary_may_pay(const float *value, uint32_t n, uint32_t *scratch)
{
	uint32_t	distinct = 0;

	if (n <= FEW_VALUES)
		return true;
	memset(scratch, 0, n * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	hash = ruv_float_magnitude(value[i]) * HASH_FACTOR;
		uint32_t	bit = (uint32_t) ((uint64_t) hash * n >> 27);
		uint32_t	mask = UINT32_C(1) << (bit & 31);

		distinct += !(scratch[bit >> 5] & mask);
		scratch[bit >> 5] |= mask;
	}
	return distinct < n - n / 16;
}

void
ruv_dictionary_plan(const float *value, uint32_t n, uint32_t *scratch,
					RuvValuePlan *plan)
{
	uint32_t   *gap = scratch + n;
	uint32_t   *number = scratch + 2 * (size_t) n;
	uint32_t	any = 0;
	uint32_t	m = 0;
	uint64_t	bits;

	plan->entry = scratch;
	plan->gap = gap;
	plan->number = number;
	for (uint32_t i = 0; i < n; i++)
	{
		scratch[i] = ruv_float_magnitude(value[i]);
		any |= scratch[i];
	}
	sort(scratch, n);
	plan->has_zero = n > 0 && scratch[0] == 0;
	for (uint32_t i = 0; i < n; i++)
	{
		if (scratch[i] != 0 && (m == 0 || scratch[i] != scratch[m - 1]))
			scratch[m++] = scratch[i];
	}
	plan->entries = m;
	plan->shift = m > 0 ? common_shift(any, PATTERN_BITS - 1) : 0;
	for (uint32_t i = 1; i < m; i++)
		gap[i] = ((scratch[i] - scratch[i - 1]) >> plan->shift) - 1;

	plan->sign_mode = sign_mode(value, n);
	plan->bits = SHIFT_BITS + 1 + ruv_rice_bits(m, ENTRIES_RICE) +
		INDEX_MODE_BITS + SIGN_MODE_BITS +
		(plan->sign_mode == MIXED_SIGNS ? n : 0);
	if (m > 0)
	{
		plan->gap_rice = ruv_rice_choose(gap + 1, m - 1, PATTERN_BITS - 1,
										 &bits);
		plan->bits += PATTERN_BITS - plan->shift + GAP_RICE_BITS + bits;
	}
	for (uint32_t i = 0; i < n; i++)
		number[i] = index_of(plan, value[i]);
	plan->index_mode = ruv_rice_choose(number, n, MAX_INDEX_RICE, &bits);
	if ((uint64_t) n * index_width(plan) < bits)
	{
		plan->index_mode = INDEX_FIXED;
		bits = (uint64_t) n * index_width(plan);
	}
	plan->bits += bits;
}

void
ruv_dictionary_write(RuvBitWriter *w, const RuvValuePlan *plan,
					 const float *value, uint32_t n)
{
	ruv_bits_put(w, plan->shift, SHIFT_BITS);
	ruv_bits_put(w, plan->has_zero, 1);
	ruv_bits_put_rice(w, plan->entries, ENTRIES_RICE);
	if (plan->entries > 0)
	{
		ruv_bits_put(w, plan->entry[0] >> plan->shift,
					 PATTERN_BITS - plan->shift);
		ruv_bits_put(w, plan->gap_rice, GAP_RICE_BITS);
	}
	for (uint32_t i = 1; i < plan->entries; i++)
		ruv_bits_put_rice(w, plan->gap[i], plan->gap_rice);
	ruv_bits_put(w, plan->index_mode, INDEX_MODE_BITS);
	ruv_bits_put(w, plan->sign_mode, SIGN_MODE_BITS);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	number = plan->number[i];

		put_sign(w, plan->sign_mode, value[i]);
		if (plan->index_mode == INDEX_FIXED)
			ruv_bits_put(w, number, index_width(plan));
		else
			ruv_bits_put_rice(w, number, plan->index_mode);
	}
}

/* The sorted magnitudes, zero first if there is one. */
static RuvDeltaStatus
read_entries(RuvBitReader *r, unsigned shift, uint32_t has_zero,
			 uint32_t count, uint32_t *entry)
{
	uint32_t	most = (RUV_FLOAT_INFINITY - 1) >> shift;
	uint32_t	pattern;
	unsigned	rice;

	if (has_zero)
		*entry++ = 0;
	if (count == 0)
		return RUV_DELTA_OK;
	pattern = ruv_bits_get(r, PATTERN_BITS - shift);
	rice = ruv_bits_get(r, GAP_RICE_BITS);
	if (rice > PATTERN_BITS - 1)
		return RUV_DELTA_FORMAT;
	if (pattern == 0)
		return RUV_DELTA_NOT_CANONICAL;
	if (pattern > most)
		return RUV_DELTA_VALUE;
	entry[0] = pattern << shift;
	for (uint32_t i = 1; i < count; i++)
	{
		uint32_t	gap = ruv_bits_get_rice(r, rice, most);

		if (gap >= most - pattern)
			return RUV_DELTA_VALUE;
		pattern += gap + 1;
		entry[i] = pattern << shift;
	}
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
read_by_dictionary(RuvBitReader *r, unsigned shift, uint32_t has_zero,
				   uint32_t count, uint32_t *entry, float *value, uint32_t n)
{
	RuvDeltaStatus status = read_entries(r, shift, has_zero, count, entry);
	unsigned	index_mode = ruv_bits_get(r, INDEX_MODE_BITS);
	unsigned	signs = ruv_bits_get(r, SIGN_MODE_BITS);
	uint32_t	total = count + has_zero;
	unsigned	width = ruv_bits_width(total);

	if (status != RUV_DELTA_OK)
		return status;
	if (total == 0 || signs > MIXED_SIGNS ||
		(index_mode > MAX_INDEX_RICE && index_mode != INDEX_FIXED))
		return RUV_DELTA_FORMAT;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	sign = get_sign(r, signs);
		uint32_t	number = index_mode == INDEX_FIXED ?
			ruv_bits_get(r, width) :
			ruv_bits_get_rice(r, index_mode, total - 1);

		if (number >= total)
			return RUV_DELTA_COUNT;
		value[i] = ruv_float_from_bits(sign | entry[number]);
	}
	return RUV_DELTA_OK;
}

RuvDeltaStatus
ruv_dictionary_read(const RuvArena *arena, RuvBitReader *r, float *value,
					uint32_t n)
{
	unsigned	shift = ruv_bits_get(r, SHIFT_BITS);
	uint32_t	has_zero = ruv_bits_get(r, 1);
	uint32_t	count = ruv_bits_get_rice(r, ENTRIES_RICE, n);
	uint32_t	small[SMALL_DICTIONARY + 1];
	uint32_t   *entry = small;
	RuvDeltaStatus status;

	if (shift > PATTERN_BITS - 1)
		return RUV_DELTA_FORMAT;
	if (count > SMALL_DICTIONARY)
	{
		entry = ruv_alloc(arena, ((size_t) count + 1) * sizeof(uint32_t));
		if (entry == NULL)
			return RUV_DELTA_MEMORY;
	}
	status = read_by_dictionary(r, shift, has_zero, count, entry, value, n);
	if (entry != small)
		ruv_release(arena, entry);
	return status;
}
