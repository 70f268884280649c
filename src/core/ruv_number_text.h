/*
 * ruv_number_text.h
 *		Numbers in the text forms of vectors, and what may be wrong with them.
 */
#ifndef RUV_NUMBER_TEXT_H
#define RUV_NUMBER_TEXT_H

#include "core/ruv_common.h"

/* What is wrong with a text; the caller chooses the words. */
typedef enum RuvTextFault
{
	RUV_TEXT_OK = 0,
	RUV_TEXT_NO_BRACKET,		/* does not begin with '[', or '{' */
	RUV_TEXT_NO_ELEMENT,		/* "[]" */
	RUV_TEXT_TOO_MANY,			/* more elements than there is room for */
	RUV_TEXT_NO_NUMBER,			/* something that is no number, or the end */
	RUV_TEXT_OUT_OF_RANGE,		/* a number too large, or too small */
	RUV_TEXT_NAN,
	RUV_TEXT_INFINITE,
	RUV_TEXT_NO_SEPARATOR,		/* neither ',' nor an end after a number */
	RUV_TEXT_NO_DIMS,			/* a sparse vector without '/' */
	RUV_TEXT_JUNK				/* something after the end */
} RuvTextFault;

/*
 * strtof in the C locale, or an equal: the number at the start of text
 * rounded to the nearest float, *end behind it; *end = text if there is none.
 */
typedef float (*RuvParseFloat)(const char *text, char **end);

typedef struct RuvTextResult
{
	int			count;			/* elements stored in out */
	const char *begin;			/* OUT_OF_RANGE: the number, from begin */
	const char *end;			/* up to, not including, end */
} RuvTextResult;

/* What the server calls white space, whatever the locale. */
static inline bool
ruv_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline const char *
ruv_skip_blanks(const char *p)
{
	while (ruv_is_blank(*p))
		p++;
	return p;
}

static inline bool
ruv_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ruv_number_parse by strtof alone */
extern RUV_CHECKED RuvTextFault ruv_number_parse_any(const char **cursor,
													 RuvParseFloat parse,
													 float limit,
													 float *value,
													 RuvTextResult *result);
extern bool ruv_number_is_nonzero(const char *begin, const char *end);
extern RUV_CHECKED bool ruv_integer_parse(const char **cursor,
										  int32_t *value);

#endif							/* RUV_NUMBER_TEXT_H */
