/*
 * rvd_dense.h
 *		Dense vectors, whatever the kind of their elements: vector, halfvec.
 *
 * A function that SQL calls is written once, as an inline function that takes
 * a kind, and RVD_DENSE_FUNCTION makes one for every type of it.  The kind is
 * a constant there, so that what is written for any kind costs vector
 * nothing: its elements are used where they stand, and its kernels are called
 * directly.  Elements of another kind pass as floats through a buffer of
 * RVD_CHUNK.
 */
#ifndef RVD_DENSE_H
#define RVD_DENSE_H

#include <math.h>

#include "pg/rvd_kernels.h"
#include "types/rvd_types.h"
#include "types/rvd_vector.h"

/* A type's kind of element. */
typedef struct RvdKind
{
	const char *type;			/* name of the SQL type */
	Size		size;			/* of an element: a float, or a half */
	float		limit;			/* a float from here on rounds to infinity */
} RvdKind;

static const RvdKind rvd_vector_kind = {"vector", sizeof(float), INFINITY};
static const RvdKind rvd_halfvec_kind = {"halfvec", sizeof(uint16), 65520.0f};

/* The image that all kinds share; see RvdVector, whose rules hold for it. */
typedef struct RvdDense
{
	int32		varlena_header; /* only through SET_VARSIZE */
	int16		dims;
	int16		unused;			/* zero */
	char		x[FLEXIBLE_ARRAY_MEMBER];
} RvdDense;

StaticAssertDecl(offsetof(RvdDense, dims) == offsetof(RvdVector, dims) &&
					 offsetof(RvdDense, x) == offsetof(RvdVector, x),
				 "dense vectors and vector differ in their image");

#define RVD_CHUNK 128

#define RVD_GENERIC static pg_attribute_always_inline

/*
 * The functions rvd_vector_NAME and rvd_halfvec_NAME, and what makes them
 * callable, from dense_NAME(fcinfo, kind).
 */
#define RVD_KIND_FUNCTION(kind, name) \
	extern PGDLLEXPORT Datum rvd_##kind##_##name(PG_FUNCTION_ARGS); \
	Datum rvd_##kind##_##name(PG_FUNCTION_ARGS) \
	{ \
		return dense_##name(fcinfo, &rvd_##kind##_kind); \
	} \
	PG_FUNCTION_INFO_V1(rvd_##kind##_##name)
#define RVD_DENSE_FUNCTION(name) \
	RVD_KIND_FUNCTION(vector, name); \
	RVD_KIND_FUNCTION(halfvec, name)

RVD_GENERIC bool
rvd_is_float(const RvdKind *kind)
{
	return kind->size == sizeof(float);
}

RVD_GENERIC Size
rvd_dense_size(const RvdKind *kind, int dims)
{
	return offsetof(RvdDense, x) + kind->size * (Size) dims;
}

RVD_GENERIC RvdDense *
rvd_dense_of(const RvdKind *kind, Datum datum)
{
	RvdDense   *v = (RvdDense *) PG_DETOAST_DATUM(datum);

	Assert(VARSIZE(v) == rvd_dense_size(kind, v->dims));
	return v;
}

#define RVD_GETARG_DENSE(kind, n) rvd_dense_of(kind, PG_GETARG_DATUM(n))

/* Elements as they stand. */
RVD_GENERIC float *
rvd_floats(const RvdDense *v)
{
	return (float *) v->x;
}

RVD_GENERIC uint16 *
rvd_halves(const RvdDense *v)
{
	return (uint16 *) v->x;
}

RVD_GENERIC void *
rvd_element(const RvdKind *kind, const RvdDense *v, int i)
{
	return (char *) v->x + kind->size * (Size) i;
}

/* How many of the elements from `from` on one step of a loop takes. */
RVD_GENERIC int
rvd_step(const RvdKind *kind, int dims, int from)
{
	return rvd_is_float(kind) ? dims - from : Min(dims - from, RVD_CHUNK);
}

/* n elements as floats: where they stand, or in buffer. */
RVD_GENERIC const float *
rvd_load(const RvdKind *kind, const RvdDense *v, int from, int n,
		 float *buffer)
{
	if (rvd_is_float(kind))
		return rvd_floats(v) + from;
	rvd_kernels->decode_f16(rvd_halves(v) + from, 1.0f, (size_t) n, buffer);
	return buffer;
}

/* Where to put n floats that rvd_store then makes elements of. */
RVD_GENERIC float *
rvd_room(const RvdKind *kind, RvdDense *v, int from, float *buffer)
{
	return rvd_is_float(kind) ? rvd_floats(v) + from : buffer;
}

RVD_GENERIC void
rvd_store(const RvdKind *kind, RvdDense *v, int from, int n,
		  const float *room)
{
	if (!rvd_is_float(kind))
		rvd_kernels->half->from_float(room, (size_t) n,
									  rvd_halves(v) + from);
}

RVD_GENERIC bool
rvd_element_is_finite(const RvdKind *kind, const RvdDense *v, int i)
{
	if (rvd_is_float(kind))
		return isfinite(rvd_floats(v)[i]) != 0;
	return (rvd_halves(v)[i] & 0x7c00) != 0x7c00;
}

RVD_GENERIC bool
rvd_element_is_zero(const RvdKind *kind, const RvdDense *v, int i)
{
	if (rvd_is_float(kind))
		return rvd_floats(v)[i] == 0;
	return (rvd_halves(v)[i] & 0x7fff) == 0;
}

RVD_GENERIC void
rvd_check_same_dims(const RvdKind *kind, const RvdDense *a, const RvdDense *b)
{
	if (unlikely(a->dims != b->dims))
		rvd_dims_differ(kind->type, a->dims, b->dims);
}

/* rvd_dense_check.c */
extern RvdDense *rvd_dense_new(const RvdKind *kind, int dims);
extern void rvd_dense_check_dims(const RvdKind *kind, int64 dims);

/* rvd_dense_distance.c */
extern double rvd_dense_l2_norm(const RvdKind *kind, const RvdDense *v);

#endif							/* RVD_DENSE_H */
