/*
 * ruv_sparse_text.c
 *		Parser of the text form of a sparse vector.
 */
#include "core/ruv_number_text_int.h"
#include "core/ruv_sparse_text.h"

/* index ':' number at *cursor, which is not a blank */
static RuvTextFault
parse_element(const char **cursor, RuvParseFloat parse,
			  RuvSparseElement *element, RuvTextResult *result)
{
	RuvTextFault fault;
	const char *number;

	if (!ruv_integer_parse(cursor, &element->index))
		return RUV_TEXT_NO_NUMBER;
	/* INT32_MIN would not survive the step to counting from 0 */
	if (element->index > INT32_MIN)
		element->index--;

	*cursor = ruv_skip_blanks(*cursor);
	if (**cursor != ':')
		return RUV_TEXT_NO_SEPARATOR;
	*cursor = ruv_skip_blanks(*cursor + 1);

	number = *cursor;
	fault = ruv_number_parse(cursor, parse, INFINITY, &element->value, result);
	if (fault == RUV_TEXT_OK && element->value == 0.0f &&
		ruv_number_is_nonzero(number, *cursor))
	{
		result->begin = number;
		result->end = *cursor;
		return RUV_TEXT_OUT_OF_RANGE;
	}
	return fault;
}

/* What stands between the braces; *cursor begins behind the first one. */
static RuvTextFault
parse_elements(const char **cursor, RuvParseFloat parse,
			   RuvSparseElement *out, RuvTextResult *result)
{
	*cursor = ruv_skip_blanks(*cursor);
	if (**cursor == '}')
		return RUV_TEXT_OK;

	for (;;)
	{
		RuvSparseElement *element = &out[result->count];
		RuvTextFault fault;

		*cursor = ruv_skip_blanks(*cursor);
		fault = parse_element(cursor, parse, element, result);
		if (fault != RUV_TEXT_OK)
			return fault;
		result->count += element->value != 0.0f;

		*cursor = ruv_skip_blanks(*cursor);
		if (**cursor == '}')
			return RUV_TEXT_OK;
		if (**cursor != ',')
			return RUV_TEXT_NO_SEPARATOR;
		++*cursor;
	}
}

RuvTextFault
ruv_sparse_text_parse(const char *text, RuvParseFloat parse,
					  RuvSparseElement *out, RuvSparseTextResult *result)
{
	const char *p = ruv_skip_blanks(text);
	RuvTextFault fault;

	result->text.count = 0;
	result->text.begin = result->text.end = text;
	result->dims = 0;

	if (*p != '{')
		return RUV_TEXT_NO_BRACKET;
	p++;
	fault = parse_elements(&p, parse, out, &result->text);
	if (fault != RUV_TEXT_OK)
		return fault;

	p = ruv_skip_blanks(p + 1);
	if (*p != '/')
		return RUV_TEXT_NO_DIMS;
	p = ruv_skip_blanks(p + 1);
	if (!ruv_integer_parse(&p, &result->dims))
		return RUV_TEXT_NO_NUMBER;
	p = ruv_skip_blanks(p);
	return *p == '\0' ? RUV_TEXT_OK : RUV_TEXT_JUNK;
}
