/*
 * rvd_deltavec_int.h
 *		What the files of the type deltavec share among themselves.
 */
#ifndef RVD_DELTAVEC_INT_H
#define RVD_DELTAVEC_INT_H

#include "nodes/nodes.h"

#include "pg/rvd_memory.h"
#include "types/rvd_deltavec.h"

/* rvd_deltavec.c */
extern Datum rvd_deltavec_new(const uint8_t *frame, size_t size);
extern Datum rvd_deltavec_encode(const RuvFrameWishes *wishes,
								 const RuvDelta *delta);
/* The same, and compressed where that pays. */
extern Datum rvd_deltavec_best(const RuvFrameWishes *wishes,
							   const RuvDelta *delta);
/* As rvd_delta_from_datum, but *delta is a valid `out` and keeps its block. */
extern void rvd_deltavec_decode(const RuvArena *arena, Datum datum,
								RuvDelta *delta);
/* Errors for what is not, or not for the same number of dimensions. */
extern void rvd_deltavec_check_dims(int64 dims);
extern void rvd_deltavec_check_pair(const RuvDelta *a, const RuvDelta *b);
extern void rvd_deltavec_check_fits(const RuvDelta *delta,
									const RvdVector *v);
/* First a, then b, a create of any dimensions; *out is a valid `out`. */
extern void rvd_deltavec_compose(const RuvArena *arena, const RuvDelta *a,
								 const RuvDelta *b, RuvDelta *out);

/* rvd_deltavec_compress.c */
#define RVD_COMPRESSORS 2
extern const RuvCompressor rvd_compressors[RVD_COMPRESSORS];
/* NULL for RUV_COMPRESSION_NONE. */
extern const RuvCompressor *rvd_compressor(RuvCompression method);

/*
 * rvd_deltavec_text.c
 *
 * False after a soft error; *delta is a valid `out`.
 */
extern bool rvd_deltavec_parse(const char *text, Node *escontext,
							   RuvDelta *delta);
extern char *rvd_deltavec_print(const RuvDelta *delta);

/*
 * An element of a list: the dimension, counted from 0, and what befalls it.
 * rvd_deltavec_sort returns the position of the second of two elements of the
 * same dimension, or -1 if there are none.
 */
typedef struct RvdDeltaEntry
{
	uint32_t	dim;
	union
	{
		float		value;
		int32_t		places;
	};
} RvdDeltaEntry;

extern int64 rvd_deltavec_sort(RvdDeltaEntry *entry, uint32_t n);

#endif							/* RVD_DELTAVEC_INT_H */
