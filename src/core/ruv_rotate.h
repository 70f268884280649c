/*
 * ruv_rotate.h
 *		A fast random rotation of n floats, from a seed.
 *
 * Random signs, then Hadamard transforms of the first and the last power of
 * two of the coordinates, with a butterfly between the halves where n is no
 * power of two; three rounds.  The map is orthogonal, so L2 distances and
 * inner products are kept up to float rounding.  Method: fast
 * Johnson-Lindenstrauss transform (Ailon & Chazelle, STOC 2006), with a
 * Kac-walk step between blocks that overlap, as RaBitQ (SIGMOD 2024) uses it.
 */
#ifndef RUV_ROTATE_H
#define RUV_ROTATE_H

#include "core/ruv_kernel.h"

#define RUV_ROTATE_ROUNDS 3

typedef struct RuvRotation
{
	size_t		n;				/* multiple of 8, at least 32 */
	size_t		block;			/* largest power of two <= n */
	uint8_t	   *signs;			/* RUV_ROTATE_ROUNDS * n / 8 bytes */
} RuvRotation;

/*
 * Fills *rotation for n coordinates; the sign bits follow from the seed only
 * (splitmix64), so equal seeds give equal rotations on every machine.
 */
extern RUV_CHECKED RuvStatus ruv_rotation_init(RuvRotation *rotation, size_t n,
											   uint64_t seed,
											   const RuvArena *arena);

/* Rotates x[0 .. n-1] in place. */
extern void ruv_rotate(const RuvRotation *rotation, const RuvKernels *kernels,
					   float *x);

#endif							/* RUV_ROTATE_H */
