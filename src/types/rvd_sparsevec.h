/*
 * rvd_sparsevec.h
 *		The type sparsevec: the elements of a vector that are not zero.
 *
 * The image is pgvector's, byte for byte, so tables, dumps and binary COPY
 * files pass between the two.
 */
#ifndef RVD_SPARSEVEC_H
#define RVD_SPARSEVEC_H

#include "core/ruv_sparse.h"
#include "types/rvd_types.h"

#define RVD_SPARSEVEC "sparsevec"
#define RVD_SPARSEVEC_MAX_DIMS 1000000000
#define RVD_SPARSEVEC_MAX_COUNT 16000

/*
 * Indices count from 0, ascend and are below dims, which is
 * 1..RVD_SPARSEVEC_MAX_DIMS; values are finite and not zero; count is
 * 0..RVD_SPARSEVEC_MAX_COUNT.  Every function that makes one sees to that,
 * every function that reads one may rely on it.  So equal vectors have equal
 * bytes.
 */
typedef struct RvdSparsevec
{
	int32		varlena_header; /* only through SET_VARSIZE */
	int32		dims;
	int32		count;
	int32		unused;			/* zero */
	int32		indices[FLEXIBLE_ARRAY_MEMBER];
	/* values, one float for each index, follow */
} RvdSparsevec;

StaticAssertDecl(offsetof(RvdSparsevec, dims) == 4,
				 "sparsevec: dims moved on disk");
StaticAssertDecl(offsetof(RvdSparsevec, indices) == 16,
				 "sparsevec: indices moved on disk");

/* An index and a value. */
#define RVD_SPARSEVEC_ELEMENT (sizeof(int32) + sizeof(float))

/* No overflow: count is at most RVD_SPARSEVEC_MAX_COUNT. */
static inline Size
rvd_sparsevec_size(int count)
{
	Assert(count >= 0 && count <= RVD_SPARSEVEC_MAX_COUNT);
	return offsetof(RvdSparsevec, indices) +
		RVD_SPARSEVEC_ELEMENT * (Size) count;
}

static inline float *
rvd_sparsevec_values(const RvdSparsevec *v)
{
	return (float *) (v->indices + v->count);
}

static inline RuvSparse
rvd_sparse_of(const RvdSparsevec *v)
{
	RuvSparse	sparse;

	sparse.indices = v->indices;
	sparse.values = rvd_sparsevec_values(v);
	sparse.count = (size_t) v->count;
	return sparse;
}

/*
 * The vector of a datum: itself, or a palloc'd copy if it was toasted or has
 * a short header.
 */
static inline RvdSparsevec *
rvd_sparsevec_of(Datum datum)
{
	RvdSparsevec *v = (RvdSparsevec *) PG_DETOAST_DATUM(datum);

	Assert(VARSIZE(v) == rvd_sparsevec_size(v->count));
	return v;
}

#define RVD_GETARG_SPARSEVEC(n) rvd_sparsevec_of(PG_GETARG_DATUM(n))

/* rvd_sparsevec_io.c */
extern RvdSparsevec *rvd_sparsevec_new(int dims, int count);
extern void rvd_sparsevec_check_count(int64 count, int dims);

#endif							/* RVD_SPARSEVEC_H */
