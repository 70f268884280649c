/*
 * ruv_number_text.c
 *		Reader of the numbers in the text forms of vectors: whatever strtof
 *		knows, and integers.
 */
#include <math.h>

#include "core/ruv_number_text.h"

/* By the caller's strtof; the other way is in ruv_number_text_int.h. */
RuvTextFault
ruv_number_parse_any(const char **cursor, RuvParseFloat parse, float limit,
					 float *value, RuvTextResult *result)
{
	const char *begin = *cursor;
	const char *digits = begin + (*begin == '-' || *begin == '+');
	char	   *end;

	*value = parse(begin, &end);
	if (end == begin)
		return RUV_TEXT_NO_NUMBER;
	*cursor = end;
	if (isnan(*value))
		return RUV_TEXT_NAN;
	/* an infinity that was not written as a word is an overflow */
	if (isinf(*value) && !ruv_is_digit(*digits) && *digits != '.')
		return RUV_TEXT_INFINITE;
	if (fabsf(*value) < limit)
		return RUV_TEXT_OK;
	result->begin = begin;
	result->end = end;
	return RUV_TEXT_OUT_OF_RANGE;
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
	if (!ruv_is_digit(*p))
		return false;
	for (; ruv_is_digit(*p); p++)
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
