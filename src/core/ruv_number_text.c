/*
 * ruv_number_text.c
 *		Reader of the numbers in the text forms of vectors.
 *
 * Most of the time of loading vectors as text goes into strtof.  Nearly all
 * numbers there are plain decimals, for which one or two double operations
 * are exact enough (parse_decimal); the caller's strtof does the others, and
 * whatever else strtof knows: hexadecimal, "nan", "infinity", huge exponents.
 * Both ways give the same bits.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/ruv_number_text.h"

/* Integers up to here, and powers of ten up to 22, are exact in a double. */
#define MAX_EXACT_INTEGER (UINT64_C(1) << 53)
#define MAX_EXACT_POWER 22

/* One more digit after this integer is still exact. */
#define MAX_TENTH ((MAX_EXACT_INTEGER - 10) / 10)

/* A double's fraction bits below those of a float, and their midpoint. */
#define TAIL_MASK ((UINT64_C(1) << 29) - 1)
#define TAIL_MIDPOINT (UINT64_C(1) << 28)

static const double exact_power[MAX_EXACT_POWER + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* integer * 10^exponent; if cut, some number from there to integer + 1 */
typedef struct Decimal
{
	uint64_t	integer;
	int			exponent;
	bool		is_cut;
} Decimal;

static bool parse_decimal(const char **cursor, float *value);
static bool parse_digits(const char **cursor, Decimal *decimal);
static bool parse_exponent(const char **cursor, int *exponent);
static bool scale_decimal(uint64_t integer, int exponent, float *value);

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

RuvTextFault
ruv_number_parse(const char **cursor, RuvParseFloat parse, float limit,
				 float *value, RuvTextResult *result)
{
	const char *begin = *cursor;
	const char *digits = begin + (*begin == '-' || *begin == '+');

	if (!parse_decimal(cursor, value))
	{
		char	   *end;

		*value = parse(begin, &end);
		if (end == begin)
			return RUV_TEXT_NO_NUMBER;
		*cursor = end;
		if (isnan(*value))
			return RUV_TEXT_NAN;
		/* an infinity that was not written as a word is an overflow */
		if (isinf(*value) && !is_digit(*digits) && *digits != '.')
			return RUV_TEXT_INFINITE;
	}
	result->begin = begin;
	result->end = *cursor;
	return fabsf(*value) >= limit ? RUV_TEXT_OUT_OF_RANGE : RUV_TEXT_OK;
}

/*
 * ruv_number_is_nonzero
 *		Does a number, as it is written, differ from zero?
 *
 * That is, is there a digit but 0 ahead of its exponent?
 */
bool
ruv_number_is_nonzero(const char *begin, const char *end)
{
	const char *p = begin + (*begin == '-' || *begin == '+');
	bool		is_hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');

	if (is_hex)
		p += 2;
	for (; p < end; p++)
	{
		if (*p >= '1' && *p <= '9')
			return true;
		if (*p == '0' || *p == '.')
			continue;
		/* a digit of a hexadecimal number, or the mark of an exponent */
		return is_hex && *p != 'p' && *p != 'P';
	}
	return false;
}

/*
 * ruv_integer_parse
 *		Read a decimal integer as strtol does, cut off at the ends of int32.
 */
bool
ruv_integer_parse(const char **cursor, int32_t *value)
{
	const char *p = *cursor;
	bool		negative = *p == '-';
	int64_t		magnitude = 0;

	if (*p == '-' || *p == '+')
		p++;
	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++)
	{
		if (magnitude <= INT32_MAX)
			magnitude = magnitude * 10 + (*p - '0');
	}
	*cursor = p;
	if (negative)
		*value = magnitude > INT32_MAX ? INT32_MIN : (int32_t) -magnitude;
	else
		*value = magnitude > INT32_MAX ? INT32_MAX : (int32_t) magnitude;
	return true;
}

/*
 * parse_decimal
 *		Read a decimal number; false leaves it to strtof.
 *
 * True only for a complete number: what follows must be a blank or one of the
 * characters that may follow a number, so "0x1" and "1e" never end here.
 */
static bool
parse_decimal(const char **cursor, float *value)
{
	const char *p = *cursor;
	bool		negative = *p == '-';
	Decimal		decimal;

	if (*p == '-' || *p == '+')
		p++;
	if (!parse_digits(&p, &decimal))
		return false;
	if ((*p == 'e' || *p == 'E') && !parse_exponent(&p, &decimal.exponent))
		return false;
	if (*p != ',' && *p != ']' && *p != '}' && !ruv_is_blank(*p))
		return false;

	if (!scale_decimal(decimal.integer, decimal.exponent, value))
		return false;
	if (decimal.is_cut)
	{
		float		above;

		/* the number lies between two that round to the same float */
		if (!scale_decimal(decimal.integer + 1, decimal.exponent, &above) ||
			above != *value)
			return false;
	}
	if (negative)
		*value = -*value;
	*cursor = p;
	return true;
}

/* Reads digits with at most one point among them; false if there are none. */
static bool
parse_digits(const char **cursor, Decimal *decimal)
{
	const char *p = *cursor;
	bool		has_digits = false;
	bool		in_fraction = false;

	decimal->integer = 0;
	decimal->exponent = 0;
	decimal->is_cut = false;
	for (;; p++)
	{
		if (*p == '.' && !in_fraction)
		{
			in_fraction = true;
			continue;
		}
		if (!is_digit(*p))
			break;
		has_digits = true;
		if (decimal->is_cut || decimal->integer > MAX_TENTH)
		{
			decimal->is_cut = true;
			decimal->exponent += !in_fraction;
			continue;
		}
		decimal->integer = decimal->integer * 10 + (uint64_t) (*p - '0');
		decimal->exponent -= in_fraction;
	}
	*cursor = p;
	return has_digits;
}

/* Adds the exponent part at *cursor to *exponent; false if not a short one. */
static bool
parse_exponent(const char **cursor, int *exponent)
{
	const char *p = *cursor + 1;
	bool		negative = *p == '-';
	int			part = 0;
	int			digits = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; is_digit(*p); p++)
	{
		if (++digits > 3)
			return false;
		part = part * 10 + (*p - '0');
	}
	*exponent += negative ? -part : part;
	*cursor = p;
	return digits > 0;
}

/*
 * scale_decimal
 *		*value = integer * 10^exponent rounded to nearest even, or false.
 *
 * Both operands are exact, so the double is the number correctly rounded.
 * Rounding never crosses a representable value, and every midpoint of two
 * neighbouring floats is representable: unless the double is such a midpoint,
 * it lies on the number's side of it, and rounding it once more gives the
 * nearest float.  All results are zero or normal floats (1e-22 to 1e38).
 */
static bool
scale_decimal(uint64_t integer, int exponent, float *value)
{
	double		number;
	uint64_t	bits;

	/* wider intermediate results would round twice */
	if (FLT_EVAL_METHOD != 0)
		return false;
	if (exponent < -MAX_EXACT_POWER || exponent > MAX_EXACT_POWER)
		return false;

	if (exponent < 0)
		number = (double) integer / exact_power[-exponent];
	else
		number = (double) integer * exact_power[exponent];

	memcpy(&bits, &number, sizeof(bits));
	if ((bits & TAIL_MASK) == TAIL_MIDPOINT)
		return false;
	*value = (float) number;
	return true;
}
