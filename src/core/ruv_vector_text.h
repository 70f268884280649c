/*
 * ruv_vector_text.h
 *		The text form of a dense vector: [1,2.5,-3e-4].
 *
 * Grammar: blanks, '[', number, any count of ',' number, ']', blanks; blanks
 * may also stand around every number.  A number is what strtof takes, less
 * NaN and the infinities.
 */
#ifndef RUV_VECTOR_TEXT_H
#define RUV_VECTOR_TEXT_H

#include "core/ruv_common.h"

/* What is wrong with a text; the caller chooses the words. */
typedef enum RuvTextFault
{
	RUV_TEXT_OK = 0,
	RUV_TEXT_NO_BRACKET,		/* does not begin with '[' */
	RUV_TEXT_NO_ELEMENT,		/* "[]" */
	RUV_TEXT_TOO_MANY,			/* more elements than there is room for */
	RUV_TEXT_NO_NUMBER,			/* something that is no number, or the end */
	RUV_TEXT_OUT_OF_RANGE,		/* a number too large for a float */
	RUV_TEXT_NAN,
	RUV_TEXT_INFINITE,
	RUV_TEXT_NO_SEPARATOR,		/* neither ',' nor ']' after a number */
	RUV_TEXT_JUNK				/* something after ']' */
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

/* An upper bound on the elements of a text; exact if the text is valid. */
extern size_t ruv_vector_text_bound(const char *text);

/*
 * Reads a NUL-terminated text; stores at most `room` elements in out and
 * sets every field of *result.  An element beyond `room` is TOO_MANY before
 * it is looked at.
 */
extern RUV_CHECKED RuvTextFault ruv_vector_text_parse(const char *text,
													  RuvParseFloat parse,
													  float *out, int room,
													  RuvTextResult *result);

#endif							/* RUV_VECTOR_TEXT_H */
