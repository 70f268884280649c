/*
 * ruv_sparse_text.h
 *		The text form of a sparse vector: {1:0.5,7:-3e-4}/10.
 *
 * Grammar: '{', nothing or index ':' number separated by ',', '}', '/',
 * dimensions; blanks may stand between any two of these, around everything,
 * and nowhere else.  Indices count from 1 and may come in any order.  A
 * number is what strtof takes, less NaN, the infinities, and what is not
 * zero but rounds to it.
 */
#ifndef RUV_SPARSE_TEXT_H
#define RUV_SPARSE_TEXT_H

#include "core/ruv_number_text.h"

typedef struct RuvSparseElement
{
	int32_t		index;			/* counted from 0; not checked */
	float		value;			/* not zero */
} RuvSparseElement;

typedef struct RuvSparseTextResult
{
	RuvTextResult text;			/* count: elements stored */
	int32_t		dims;			/* as written: not checked */
} RuvSparseTextResult;

/*
 * Reads a NUL-terminated text with room for ruv_vector_text_bound elements.
 * Integers beyond int32 are cut off at its ends, where no index and no count
 * of dimensions is valid.  Zeros are dropped, their indices unseen.  Sets
 * every field of *result.
 */
extern RUV_CHECKED RuvTextFault ruv_sparse_text_parse(
	const char *text, RuvParseFloat parse, RuvSparseElement *out,
	RuvSparseTextResult *result);

#endif							/* RUV_SPARSE_TEXT_H */
