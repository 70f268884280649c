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

#include "core/ruv_number_text.h"

/* An upper bound on the elements of a text; exact if the text is valid. */
extern size_t ruv_vector_text_bound(const char *text);

/*
 * Reads a NUL-terminated text; stores at most `room` elements in out and
 * sets every field of *result.  An element beyond `room` is TOO_MANY before
 * it is looked at.  A magnitude of limit or more is OUT_OF_RANGE; limit is
 * INFINITY where any float will do.
 */
extern RUV_CHECKED RuvTextFault ruv_vector_text_parse(const char *text,
													  RuvParseFloat parse,
													  float limit,
													  float *out, int room,
													  RuvTextResult *result);

#endif							/* RUV_VECTOR_TEXT_H */
