/*
 * ruv_sparse.h
 *		Sparse vectors: what makes one valid, and sums over two of them.
 *
 * A merge of indices waits for its own comparisons, not for arithmetic, so
 * there is one implementation for all processors.  Terms are added in double,
 * in the order of their indices, and the result is rounded to a float once.
 */
#ifndef RUV_SPARSE_H
#define RUV_SPARSE_H

#include "core/ruv_common.h"

/* Indices ascend strictly; an index that is not there stands for a zero. */
typedef struct RuvSparse
{
	const int32_t *indices;
	const float *values;
	size_t		count;
} RuvSparse;

/* What is wrong with one; the caller chooses the words. */
typedef enum RuvSparseFault
{
	RUV_SPARSE_OK = 0,
	RUV_SPARSE_OUT_OF_BOUNDS,	/* an index below 0, or not below dims */
	RUV_SPARSE_DESCENDING,
	RUV_SPARSE_DUPLICATE,
	RUV_SPARSE_NAN,
	RUV_SPARSE_INFINITE,
	RUV_SPARSE_ZERO
} RuvSparseFault;

/* The first fault of the indices, or, if they have none, of the values. */
extern RUV_CHECKED RuvSparseFault ruv_sparse_fault(RuvSparse v, int32_t dims);

/* The sums want valid vectors of equal dimensions. */
extern float ruv_sparse_l2_squared(RuvSparse a, RuvSparse b);
extern float ruv_sparse_inner_product(RuvSparse a, RuvSparse b);
extern float ruv_sparse_l1(RuvSparse a, RuvSparse b);

/* a.b, a.a and b.b; the roots and the quotient are the caller's. */
extern void ruv_sparse_cosine(RuvSparse a, RuvSparse b, float *ab, float *aa,
							  float *bb);

#endif							/* RUV_SPARSE_H */
