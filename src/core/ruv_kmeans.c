/*
 * ruv_kmeans.c
 *		k-means: k-means++ seeding, then Lloyd's rounds under Hamerly's bounds.
 */
#include "core/ruv_kmeans.h"

#include <math.h>
#include <string.h>

/* Distances in one step, so that a caller can be interrupted. */
#define STEP_DISTANCES 1000000

/* A round that moves fewer samples than one in this many is the last. */
#define SETTLED 200

static uint64_t
next_random(RuvKmeans *kmeans)
{
	uint64_t	z = kmeans->random += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

/* In [0, 1). */
static double
random_fraction(RuvKmeans *kmeans)
{
	return (double) (next_random(kmeans) >> 11) * 0x1p-53;
}

static inline const float *
sample_of(const RuvKmeans *kmeans, int i)
{
	return kmeans->samples + (size_t) i * (size_t) kmeans->dims;
}

static inline float *
center_of(const RuvKmeans *kmeans, int c)
{
	return kmeans->centers + (size_t) c * (size_t) kmeans->dims;
}

static inline float
distance(const RuvKmeans *kmeans, const float *a, const float *b)
{
	return sqrtf(kmeans->kernels->l2_squared(a, b, (size_t) kmeans->dims));
}

bool
ruv_normalize(float *x, size_t n)
{
	double		sum = 0;
	double		scale;

	for (size_t i = 0; i < n; i++)
		sum += (double) x[i] * (double) x[i];
	if (!(sum > 0) || isinf(sum))
		return false;
	scale = 1 / sqrt(sum);
	for (size_t i = 0; i < n; i++)
		x[i] = (float) ((double) x[i] * scale);
	return true;
}

/* ---- begin ---- */

size_t
ruv_kmeans_bytes(int dims, int nsamples, int ncenters)
{
	uint64_t	a_center;
	uint64_t	bytes;

	if (dims < 1 || nsamples < 0 || ncenters < 1)
		return 0;
	/* neither product reaches 2^63: the factors have 31 bits */
	a_center = (uint64_t) dims * sizeof(float) + sizeof(int32_t) +
		2 * sizeof(float);
	if (a_center > UINT64_MAX / 4 / (uint64_t) ncenters)
		return 0;
	bytes = a_center * (uint64_t) ncenters +
		(uint64_t) nsamples * (2 * sizeof(float) + sizeof(int32_t));
	return bytes > SIZE_MAX / 2 ? 0 : (size_t) bytes;
}

/* Cuts n four-byte places off the workspace. */
static void *
cut(float **memory, size_t n)
{
	void	   *result = *memory;

	*memory += n;
	return result;
}

RuvStatus
ruv_kmeans_init(RuvKmeans *kmeans, uint64_t seed, void *memory)
{
	int			dims = kmeans->dims;
	int			nsamples = kmeans->nsamples;
	int			ncenters = kmeans->ncenters;
	float	   *place = memory;

	if (ruv_kmeans_bytes(dims, nsamples, ncenters) == 0)
		return RUV_ERR_ARGUMENT;
	kmeans->phase = RUV_KMEANS_SEED;
	kmeans->random = seed;
	kmeans->at = kmeans->round = kmeans->nmoved = 0;
	kmeans->upper = cut(&place, (size_t) nsamples);
	kmeans->lower = cut(&place, (size_t) nsamples);
	kmeans->nearest = cut(&place, (size_t) nsamples);
	kmeans->sums = cut(&place, (size_t) ncenters * (size_t) dims);
	kmeans->counts = cut(&place, (size_t) ncenters);
	kmeans->half = cut(&place, (size_t) ncenters);
	kmeans->drift = cut(&place, (size_t) ncenters);
	for (int i = 0; i < nsamples; i++)
	{
		kmeans->upper[i] = kmeans->lower[i] = INFINITY;
		kmeans->nearest[i] = -1;
	}
	return RUV_OK;
}

/* ---- seeding ---- */

static void
random_center(RuvKmeans *kmeans, float *center)
{
	for (int d = 0; d < kmeans->dims; d++)
		center[d] = (float) (next_random(kmeans) >> 40) * 0x1p-24f;
	if (kmeans->spherical &&
		!ruv_normalize(center, (size_t) kmeans->dims))
		center[0] = 1;
}

/*
 * A sample, with a chance in proportion to the square of its distance to the
 * centers so far; any sample for the first one, and where every sample is a
 * center already.
 */
static int
choose_sample(RuvKmeans *kmeans)
{
	int			last = 0;
	double		sum = 0;
	double		choice;

	for (int i = 0; i < kmeans->nsamples; i++)
		sum += (double) kmeans->upper[i] * (double) kmeans->upper[i];
	if (!(sum > 0) || isinf(sum))
		return (int) (next_random(kmeans) % (uint64_t) kmeans->nsamples);
	choice = sum * random_fraction(kmeans);
	for (int i = 0; i < kmeans->nsamples; i++)
	{
		double		weight = (double) kmeans->upper[i] *
			(double) kmeans->upper[i];

		if (weight == 0)
			continue;
		last = i;
		choice -= weight;
		if (choice < 0)
			break;
	}
	return last;
}

/*
 * The samples learn of a new center.  kmeans->drift holds its distances to
 * the centers before it: twice as far from a sample's center as the sample
 * itself, it cannot be nearer to the sample.
 */
static void
offer_center(RuvKmeans *kmeans, int c)
{
	const float *center = center_of(kmeans, c);

	for (int i = 0; i < kmeans->nsamples; i++)
	{
		int			before = kmeans->nearest[i];
		float		d;

		if (before >= 0)
		{
			float		apart = kmeans->drift[before];

			if (apart >= 2 * kmeans->upper[i])
			{
				kmeans->lower[i] = fminf(kmeans->lower[i],
										 apart - kmeans->upper[i]);
				continue;
			}
		}
		d = distance(kmeans, sample_of(kmeans, i), center);
		if (before < 0 || d < kmeans->upper[i])
		{
			kmeans->lower[i] = fminf(kmeans->lower[i], kmeans->upper[i]);
			kmeans->upper[i] = d;
			kmeans->nearest[i] = c;
		}
		else
			kmeans->lower[i] = fminf(kmeans->lower[i], d);
	}
}

static void
seed_center(RuvKmeans *kmeans)
{
	int			c = kmeans->at++;
	float	   *center = center_of(kmeans, c);

	if (kmeans->nsamples == 0)
		random_center(kmeans, center);
	else
	{
		memcpy(center, sample_of(kmeans, choose_sample(kmeans)),
			   (size_t) kmeans->dims * sizeof(float));
		for (int other = 0; other < c; other++)
			kmeans->drift[other] = distance(kmeans, center,
											center_of(kmeans, other));
		offer_center(kmeans, c);
	}
	if (kmeans->at == kmeans->ncenters)
	{
		kmeans->phase = kmeans->nsamples == 0 ? RUV_KMEANS_DONE :
												RUV_KMEANS_MOVE;
		kmeans->at = 0;
	}
}

/* ---- centers move ---- */

/* The sample farthest from its center that is not alone there; -1: none. */
static int
farthest_sample(const RuvKmeans *kmeans)
{
	int			result = -1;
	float		farthest = 0;

	for (int i = 0; i < kmeans->nsamples; i++)
	{
		if (kmeans->upper[i] > farthest &&
			kmeans->counts[kmeans->nearest[i]] > 1)
		{
			farthest = kmeans->upper[i];
			result = i;
		}
	}
	return result;
}

/*
 * An empty center takes the sample that is served worst.  The sample's former
 * center keeps its mean until the next round.
 */
static void
refill_center(RuvKmeans *kmeans, int c)
{
	int			i = farthest_sample(kmeans);
	float	   *center = center_of(kmeans, c);

	kmeans->drift[c] = 0;
	if (i < 0)
		return;					/* fewer distinct samples than centers */
	kmeans->drift[c] = distance(kmeans, center, sample_of(kmeans, i));
	memcpy(center, sample_of(kmeans, i),
		   (size_t) kmeans->dims * sizeof(float));
	kmeans->counts[kmeans->nearest[i]]--;
	kmeans->counts[c] = 1;
	kmeans->nearest[i] = c;
	kmeans->upper[i] = 0;
	kmeans->lower[i] = 0;
}

/* To the mean; a center whose mean has no direction or overflows stays. */
static void
move_center(RuvKmeans *kmeans, int c)
{
	size_t		dims = (size_t) kmeans->dims;
	float	   *mean = kmeans->sums + (size_t) c * dims;
	float	   *center = center_of(kmeans, c);
	float		scale = 1 / (float) kmeans->counts[c];
	bool		is_finite = true;

	for (size_t d = 0; d < dims; d++)
	{
		mean[d] *= scale;
		is_finite &= isfinite(mean[d]) != 0;
	}
	kmeans->drift[c] = 0;
	if (!is_finite || (kmeans->spherical && !ruv_normalize(mean, dims)))
		return;
	kmeans->drift[c] = distance(kmeans, center, mean);
	memcpy(center, mean, dims * sizeof(float));
}

/* The bounds give way by as much as the centers moved. */
static void
loosen_bounds(RuvKmeans *kmeans)
{
	int			farthest = 0;
	float		second = 0;

	for (int c = 1; c < kmeans->ncenters; c++)
		if (kmeans->drift[c] > kmeans->drift[farthest])
			farthest = c;
	for (int c = 0; c < kmeans->ncenters; c++)
		if (c != farthest)
			second = fmaxf(second, kmeans->drift[c]);
	for (int i = 0; i < kmeans->nsamples; i++)
	{
		int			c = kmeans->nearest[i];

		kmeans->upper[i] += kmeans->drift[c];
		kmeans->lower[i] -= c == farthest ? second : kmeans->drift[farthest];
	}
}

static void
measure_halves(RuvKmeans *kmeans)
{
	for (int c = 0; c < kmeans->ncenters; c++)
		kmeans->half[c] = INFINITY;
	for (int c = 0; c < kmeans->ncenters; c++)
		for (int other = 0; other < c; other++)
		{
			float		d = distance(kmeans, center_of(kmeans, c),
									 center_of(kmeans, other)) /
				2;

			kmeans->half[c] = fminf(kmeans->half[c], d);
			kmeans->half[other] = fminf(kmeans->half[other], d);
		}
}

static void
move_centers(RuvKmeans *kmeans)
{
	size_t		dims = (size_t) kmeans->dims;

	memset(kmeans->sums, 0,
		   (size_t) kmeans->ncenters * dims * sizeof(float));
	memset(kmeans->counts, 0, (size_t) kmeans->ncenters * sizeof(int32_t));
	for (int i = 0; i < kmeans->nsamples; i++)
	{
		const float *x = sample_of(kmeans, i);
		float	   *sum = kmeans->sums + (size_t) kmeans->nearest[i] * dims;

		kmeans->counts[kmeans->nearest[i]]++;
		for (size_t d = 0; d < dims; d++)
			sum[d] += x[d];
	}
	for (int c = 0; c < kmeans->ncenters; c++)
		if (kmeans->counts[c] > 0)
			move_center(kmeans, c);
	for (int c = 0; c < kmeans->ncenters; c++)
		if (kmeans->counts[c] == 0)
			refill_center(kmeans, c);
	loosen_bounds(kmeans);
	kmeans->nmoved = 0;
	kmeans->at = 0;
	kmeans->phase = RUV_KMEANS_ASSIGN;
	if (++kmeans->round > RUV_KMEANS_MAX_ROUNDS)
		kmeans->phase = RUV_KMEANS_DONE;
	else
		measure_halves(kmeans);
}

/* ---- samples move ---- */

static void
assign_sample(RuvKmeans *kmeans, int i)
{
	const float *x = sample_of(kmeans, i);
	int			before = kmeans->nearest[i];
	float		bound = fmaxf(kmeans->half[before], kmeans->lower[i]);
	float		best = INFINITY;
	float		second = INFINITY;
	int			nearest = before;

	if (kmeans->upper[i] <= bound)
		return;
	kmeans->upper[i] = distance(kmeans, x, center_of(kmeans, before));
	if (kmeans->upper[i] <= bound)
		return;
	for (int c = 0; c < kmeans->ncenters; c++)
	{
		float		d = kmeans->kernels->l2_squared(x, center_of(kmeans, c),
													(size_t) kmeans->dims);

		if (d < best)
		{
			second = best;
			best = d;
			nearest = c;
		}
		else if (d < second)
			second = d;
	}
	kmeans->upper[i] = sqrtf(best);
	kmeans->lower[i] = sqrtf(second);
	kmeans->nearest[i] = nearest;
	kmeans->nmoved += nearest != before;
}

static void
assign_samples(RuvKmeans *kmeans)
{
	int			n = 1 + STEP_DISTANCES / kmeans->ncenters;

	while (n-- > 0 && kmeans->at < kmeans->nsamples)
		assign_sample(kmeans, kmeans->at++);
	if (kmeans->at < kmeans->nsamples)
		return;
	/* the last samples to move shall count in their centers' means */
	if (kmeans->nmoved <= kmeans->nsamples / SETTLED)
		kmeans->round = RUV_KMEANS_MAX_ROUNDS;
	kmeans->phase = kmeans->nmoved == 0 ? RUV_KMEANS_DONE : RUV_KMEANS_MOVE;
}

bool
ruv_kmeans_step(RuvKmeans *kmeans)
{
	switch (kmeans->phase)
	{
		case RUV_KMEANS_SEED:
			seed_center(kmeans);
			break;
		case RUV_KMEANS_MOVE:
			move_centers(kmeans);
			break;
		case RUV_KMEANS_ASSIGN:
			assign_samples(kmeans);
			break;
		case RUV_KMEANS_DONE:
			break;
	}
	return kmeans->phase != RUV_KMEANS_DONE;
}
