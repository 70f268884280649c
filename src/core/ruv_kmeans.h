/*
 * ruv_kmeans.h
 *		Centers of n vectors by k-means, in steps between which the caller may
 *		look up.
 *
 * Seeding is k-means++ (Arthur & Vassilvitskii, SODA 2007), refinement is
 * Lloyd's, with Hamerly's bounds (SDM 2010: one upper and one lower bound a
 * sample) to leave out distances that cannot change anything.  Under
 * `spherical` the samples are of unit length and the centers are made so; the
 * squared distance of unit vectors ranks as their angle does, so the bounds
 * hold there too.
 *
 * Every random choice follows from the seed.  Memory is
 * ruv_kmeans_bytes(dims, nsamples, ncenters) beside samples and centers:
 * linear in both, there is no table of samples by centers.
 */
#ifndef RUV_KMEANS_H
#define RUV_KMEANS_H

#include "core/ruv_kernel.h"

/* More than a few rounds buy next to nothing (README.md, "k-means"). */
#define RUV_KMEANS_MAX_ROUNDS 8

typedef enum RuvKmeansPhase
{
	RUV_KMEANS_SEED,			/* centers are chosen among the samples */
	RUV_KMEANS_MOVE,			/* each center to the mean of its samples */
	RUV_KMEANS_ASSIGN,			/* each sample to its nearest center */
	RUV_KMEANS_DONE
} RuvKmeansPhase;

typedef struct RuvKmeans
{
	/* given */
	const RuvKernels *kernels;
	const float *samples;		/* nsamples * dims */
	float	   *centers;		/* ncenters * dims */
	int			dims;
	int			nsamples;
	int			ncenters;
	bool		spherical;

	/* state */
	RuvKmeansPhase phase;
	uint64_t	random;
	int			at;				/* center or sample where the next step is */
	int			round;
	int			nmoved;			/* samples that changed center this round */

	/* of each sample; distances, not their squares */
	float	   *upper;			/* at least that to its center */
	float	   *lower;			/* at most that to any other center */
	int32_t	   *nearest;

	/* of each center */
	float	   *sums;			/* ncenters * dims */
	int32_t	   *counts;
	float	   *half;			/* half the distance to the nearest other */
	float	   *drift;			/* how far it moved */
} RuvKmeans;

/* Bytes of workspace; 0 if no machine has as many. */
extern size_t ruv_kmeans_bytes(int dims, int nsamples, int ncenters);

/*
 * Begins; the caller has filled what is given, and nothing else matters.
 * memory: ruv_kmeans_bytes, aligned as for a float.  Samples are finite;
 * without any, the centers are random points of the unit cube (of the unit
 * sphere if spherical).
 */
extern RUV_CHECKED RuvStatus ruv_kmeans_init(RuvKmeans *kmeans, uint64_t seed,
											 void *memory);

/*
 * Does a bounded piece of work, some million distances at most; false when
 * the centers are final.  Then they are finite, and of unit length if
 * spherical.
 */
extern bool ruv_kmeans_step(RuvKmeans *kmeans);

/* Scales x to unit length; false, and x unchanged, if it has no direction. */
extern bool ruv_normalize(float *x, size_t n);

#endif							/* RUV_KMEANS_H */
