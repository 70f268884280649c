/*
 * rvd_dense_check.c
 *		Allocation of dense vectors, and their limits.
 */
#include "postgres.h"

#include "types/rvd_dense.h"

/* A vector of zeros. */
RvdDense *
rvd_dense_new(const RvdKind *kind, int dims)
{
	Size		size = rvd_dense_size(kind, dims);
	RvdDense   *v = (RvdDense *) palloc0(size);

	Assert(dims >= 1 && dims <= RVD_VECTOR_MAX_DIMS);
	SET_VARSIZE(v, size);
	v->dims = (int16) dims;
	return v;
}

RvdVector *
rvd_vector_new(int dims)
{
	return (RvdVector *) rvd_dense_new(&rvd_vector_kind, dims);
}

/* The limit is the same for all kinds. */
void
rvd_dense_check_dims(const RvdKind *kind, int64 dims)
{
	rvd_check_dims(kind->type, dims, RVD_VECTOR_MAX_DIMS);
}

void
rvd_vector_check_dims(int64 dims)
{
	rvd_dense_check_dims(&rvd_vector_kind, dims);
}

void
rvd_vector_dims_differ(const RvdVector *a, const RvdVector *b)
{
	rvd_dims_differ(rvd_vector_kind.type, a->dims, b->dims);
}
