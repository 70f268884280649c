/*
 * ruv_vector_text.c
 *		Parser of the text form of a dense vector.
 */
#include "core/ruv_number_text_int.h"
#include "core/ruv_vector_text.h"

size_t
ruv_vector_text_bound(const char *text)
{
	size_t		commas = 0;

	for (const char *p = text; *p != '\0'; p++)
		commas += *p == ',';
	return commas + 1;
}

RuvTextFault
ruv_vector_text_parse(const char *text, RuvParseFloat parse, float limit,
					  float *out, int room, RuvTextResult *result)
{
	const char *p = ruv_skip_blanks(text);
	RuvTextFault fault;

	result->count = 0;
	result->begin = result->end = text;

	if (*p != '[')
		return RUV_TEXT_NO_BRACKET;
	p = ruv_skip_blanks(p + 1);
	if (*p == ']')
		return RUV_TEXT_NO_ELEMENT;

	for (;;)
	{
		if (result->count == room)
			return RUV_TEXT_TOO_MANY;
		p = ruv_skip_blanks(p);
		fault = ruv_number_parse(&p, parse, limit, &out[result->count],
								 result);
		if (fault != RUV_TEXT_OK)
			return fault;
		result->count++;

		p = ruv_skip_blanks(p);
		if (*p == ']')
			break;
		if (*p != ',')
			return RUV_TEXT_NO_SEPARATOR;
		p++;
	}

	p = ruv_skip_blanks(p + 1);
	return *p == '\0' ? RUV_TEXT_OK : RUV_TEXT_JUNK;
}
