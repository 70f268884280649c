/*
 * rvd_vector.h
 *		The type vector: a varlena of float4, as the layers below see it.
 *
 * The image is pgvector's, byte for byte, so tables, dumps and binary COPY
 * files pass between the two.
 */
#ifndef RVD_VECTOR_H
#define RVD_VECTOR_H

#include "fmgr.h"
#include "nodes/nodes.h"
#include "utils/array.h"

#include "pg/rvd_compat.h"

#define RVD_VECTOR_MAX_DIMS 16000

/*
 * Elements are always finite, dims is 1..RVD_VECTOR_MAX_DIMS, and the size of
 * the varlena follows from dims: every function that makes a vector sees to
 * that, every function that reads one may rely on it.
 */
typedef struct RvdVector
{
	int32		varlena_header; /* only through SET_VARSIZE */
	int16		dims;
	int16		unused;			/* zero */
	float		x[FLEXIBLE_ARRAY_MEMBER];
} RvdVector;

StaticAssertDecl(offsetof(RvdVector, dims) == 4,
				 "vector: dims moved on disk");
StaticAssertDecl(offsetof(RvdVector, x) == 8,
				 "vector: elements moved on disk");

/* No overflow: dims is at most RVD_VECTOR_MAX_DIMS. */
static inline Size
rvd_vector_size(int dims)
{
	Assert(dims >= 1 && dims <= RVD_VECTOR_MAX_DIMS);
	return offsetof(RvdVector, x) + sizeof(float) * (Size) dims;
}

/*
 * The vector of a datum: itself, or a palloc'd copy if it was toasted or has
 * a short header.
 */
static inline RvdVector *
rvd_vector_of(Datum datum)
{
	RvdVector  *v = (RvdVector *) PG_DETOAST_DATUM(datum);

	Assert(VARSIZE(v) == rvd_vector_size(v->dims));
	return v;
}

#define RVD_GETARG_VECTOR(n) rvd_vector_of(PG_GETARG_DATUM(n))

/* rvd_dense_check.c */
extern RvdVector *rvd_vector_new(int dims);
extern void rvd_vector_check_dims(int64 dims);
extern void rvd_vector_dims_differ(const RvdVector *a, const RvdVector *b);

static inline void
rvd_vector_check_same_dims(const RvdVector *a, const RvdVector *b)
{
	if (unlikely(a->dims != b->dims))
		rvd_vector_dims_differ(a, b);
}

/* rvd_dense_distance.c */
extern double rvd_vector_l2_norm(const RvdVector *v);

/* rvd_dense_compare.c */
extern int	rvd_vector_compare(const RvdVector *a, const RvdVector *b);

#endif							/* RVD_VECTOR_H */
