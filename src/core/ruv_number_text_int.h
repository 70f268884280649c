/*
 * ruv_number_text_int.h
 *		The fast reader of numbers; for ruv_*_text.c only.
 *
 * Most of the time of loading vectors as text goes into strtof.  Nearly all
 * numbers there are plain decimals, for which one or two double operations
 * are exact enough (ruv_parse_decimal); the caller's strtof does the others,
 * and whatever else strtof knows: hexadecimal, "nan", "infinity", huge
 * exponents.  Both ways give the same bits.
 *
 * All of it is inline: a call for every number would take a tenth of the time
 * that is left.
 */
#ifndef RUV_NUMBER_TEXT_INT_H
#define RUV_NUMBER_TEXT_INT_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/ruv_number_text.h"

/* Integers up to here, and powers of ten up to 22, are exact in a double. */
#define RUV_MAX_EXACT_INTEGER (UINT64_C(1) << 53)
#define RUV_MAX_EXACT_POWER 22

/* One more digit after this integer is still exact. */
#define RUV_MAX_TENTH ((RUV_MAX_EXACT_INTEGER - 10) / 10)

/* A double's fraction bits below those of a float, and their midpoint. */
#define RUV_TAIL_MASK ((UINT64_C(1) << 29) - 1)
#define RUV_TAIL_MIDPOINT (UINT64_C(1) << 28)

static const double ruv_exact_power[RUV_MAX_EXACT_POWER + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* integer * 10^exponent; if cut, some number from there to integer + 1 */
typedef struct RuvDecimal
{
	uint64_t	integer;
	int			exponent;
	bool		is_cut;
} RuvDecimal;

/* Reads digits with at most one point among them; false if there are none. */
static inline bool
ruv_parse_digits(const char **cursor, RuvDecimal *decimal)
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
		if (!ruv_is_digit(*p))
			break;
		has_digits = true;
		if (decimal->is_cut || decimal->integer > RUV_MAX_TENTH)
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
static inline bool
ruv_parse_exponent(const char **cursor, int *exponent)
{
	const char *p = *cursor + 1;
	bool		negative = *p == '-';
	int			part = 0;
	int			digits = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; ruv_is_digit(*p); p++)
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
 * ruv_scale_decimal
 *		*value = integer * 10^exponent rounded to nearest even, or false.
 *
 * Both operands are exact, so the double is the number correctly rounded.
 * Rounding never crosses a representable value, and every midpoint of two
 * neighbouring floats is representable: unless the double is such a midpoint,
 * it lies on the number's side of it, and rounding it once more gives the
 * nearest float.  All results are zero or normal floats (1e-22 to 1e38).
 */
static inline bool
ruv_scale_decimal(uint64_t integer, int exponent, float *value)
{
	double		number;
	uint64_t	bits;

	/* wider intermediate results would round twice */
	if (FLT_EVAL_METHOD != 0)
		return false;
	if (exponent < -RUV_MAX_EXACT_POWER || exponent > RUV_MAX_EXACT_POWER)
		return false;

	if (exponent < 0)
		number = (double) integer / ruv_exact_power[-exponent];
	else
		number = (double) integer * ruv_exact_power[exponent];

	memcpy(&bits, &number, sizeof(bits));
	if ((bits & RUV_TAIL_MASK) == RUV_TAIL_MIDPOINT)
		return false;
	*value = (float) number;
	return true;
}

/*
 * ruv_parse_decimal
 *		Read a decimal number; false leaves it to strtof.
 *
 * True only for a complete number: what follows must be a blank or one of the
 * characters that may follow a number, so "0x1" and "1e" never end here.
 */
static inline bool
ruv_parse_decimal(const char **cursor, float *value)
{
	const char *p = *cursor;
	bool		negative = *p == '-';
	RuvDecimal	decimal;

	if (*p == '-' || *p == '+')
		p++;
	if (!ruv_parse_digits(&p, &decimal))
		return false;
	if ((*p == 'e' || *p == 'E') && !ruv_parse_exponent(&p, &decimal.exponent))
		return false;
	if (*p != ',' && *p != ']' && *p != '}' && !ruv_is_blank(*p))
		return false;

	if (!ruv_scale_decimal(decimal.integer, decimal.exponent, value))
		return false;
	if (decimal.is_cut)
	{
		float		above;

		/* the number lies between two that round to the same float */
		if (!ruv_scale_decimal(decimal.integer + 1, decimal.exponent,
							   &above) ||
			above != *value)
			return false;
	}
	if (negative)
		*value = -*value;
	*cursor = p;
	return true;
}

/*
 * ruv_number_parse
 *		Read the number at *cursor and move *cursor behind it.
 *
 * A magnitude of limit or more is OUT_OF_RANGE, and *result says from where
 * to where it goes.
 */
static inline RuvTextFault
ruv_number_parse(const char **cursor, RuvParseFloat parse, float limit,
				 float *value, RuvTextResult *result)
{
	const char *begin = *cursor;

	if (ruv_parse_decimal(cursor, value) && fabsf(*value) < limit)
		return RUV_TEXT_OK;
	*cursor = begin;
	return ruv_number_parse_any(cursor, parse, limit, value, result);
}

#endif							/* RUV_NUMBER_TEXT_INT_H */
