/*
 * test_kmeans.c
 *		k-means: centers where the clusters are, and sane where there are none.
 */
#include "ruv_test.h"

#include "core/ruv_kmeans.h"

static uint64_t state = 1;

/* Uniform in [-1, 1). */
static float
noise(void)
{
	state = state * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (float) (state >> 40) * 0x1p-23f - 1.0f;
}

/* A run with its memory; every array has exactly the stated size. */
typedef struct Run
{
	RuvKmeans	kmeans;
	float	   *samples;
	float	   *centers;
	void	   *memory;
	int			dims;
	int			n;
	int			k;
} Run;

static void
run_init(Run *run, int dims, int n, int k)
{
	run->dims = dims;
	run->n = n;
	run->k = k;
	run->samples = must_alloc((size_t) n * (size_t) dims * sizeof(float));
	run->centers = must_alloc((size_t) k * (size_t) dims * sizeof(float));
	run->memory = must_alloc(ruv_kmeans_bytes(dims, n, k));
}

static void
run_begin(Run *run, bool spherical)
{
	run->kmeans.kernels = ruv_kernels_best();
	run->kmeans.samples = run->samples;
	run->kmeans.centers = run->centers;
	run->kmeans.dims = run->dims;
	run->kmeans.nsamples = run->n;
	run->kmeans.ncenters = run->k;
	run->kmeans.spherical = spherical;
}

static void
run_free(Run *run)
{
	free(run->samples);
	free(run->centers);
	free(run->memory);
}

static void
run_all(Run *run, bool spherical, uint64_t seed)
{
	int			steps = 0;

	run_begin(run, spherical);
	if (!CHECK(ruv_kmeans_init(&run->kmeans, seed, run->memory) == RUV_OK,
			   "k = %d", run->k))
		return;
	while (ruv_kmeans_step(&run->kmeans) && ++steps < 1000000)
		;
	CHECK(run->kmeans.phase == RUV_KMEANS_DONE, "%d steps", steps);
	CHECK(!ruv_kmeans_step(&run->kmeans), "done stays done");
	for (int i = 0; i < run->k * run->dims; i++)
		if (!CHECK(isfinite(run->centers[i]), "coordinate %d", i))
			return;
	for (int c = 0; spherical && c < run->k; c++)
	{
		double		sum = 0;

		for (int d = 0; d < run->dims; d++)
			sum += pow((double) run->centers[c * run->dims + d], 2);
		CHECK(fabs(sum - 1) < 1e-5, "center %d has squared norm %g", c, sum);
	}
}

/* Squared distance to the nearest center, in double. */
static double
to_nearest(const Run *run, const float *x)
{
	double		best = INFINITY;

	for (int c = 0; c < run->k; c++)
	{
		double		sum = 0;

		for (int d = 0; d < run->dims; d++)
			sum += pow((double) x[d] -
						   (double) run->centers[c * run->dims + d],
					   2);
		best = fmin(best, sum);
	}
	return best;
}

static double
inertia(const Run *run)
{
	double		sum = 0;

	for (int i = 0; i < run->n; i++)
		sum += to_nearest(run, run->samples + i * run->dims);
	return sum;
}

/* Corners of a cube with a little noise: each gets a center of its own. */
static void
test_clusters(bool spherical)
{
	enum
	{
		DIMS = 6,
		N = 640
	};
	Run			run;

	run_init(&run, DIMS, N, 64);
	for (int i = 0; i < N; i++)
	{
		float	   *x = run.samples + i * DIMS;

		for (int d = 0; d < DIMS; d++)
			x[d] = ((i >> d & 1) ? 1.0f : -1.0f) + 0.01f * noise();
		if (spherical)
			CHECK(ruv_normalize(x, DIMS), "sample %d", i);
	}
	for (uint64_t seed = 1; seed <= 5; seed++)
	{
		run_all(&run, spherical, seed);
		for (int i = 0; i < N; i++)
			CHECK(to_nearest(&run, run.samples + i * DIMS) < 0.01,
				  "sample %d is far from every center, seed %d", i,
				  (int) seed);
	}
	run_free(&run);
}

/*
 * What the bounds leave out changes nothing: after the last assignment every
 * sample has its nearest center, and refinement has not made things worse
 * than the seeds were.
 */
static void
test_bounds(int dims, int n, int k)
{
	Run			run;
	double		seeded;

	run_init(&run, dims, n, k);
	for (int i = 0; i < n * dims; i++)
		run.samples[i] = noise() + noise();
	run_begin(&run, false);
	if (ruv_kmeans_init(&run.kmeans, 3, run.memory) != RUV_OK)
		abort();
	while (run.kmeans.phase == RUV_KMEANS_SEED)
		(void) ruv_kmeans_step(&run.kmeans);
	seeded = inertia(&run);
	for (bool more = true; more;)
	{
		RuvKmeansPhase before = run.kmeans.phase;

		more = ruv_kmeans_step(&run.kmeans);
		if (before != RUV_KMEANS_ASSIGN || run.kmeans.at < n)
			continue;
		for (int i = 0; i < n; i++)
		{
			const float *x = run.samples + i * dims;
			const float *c = run.centers +
				run.kmeans.nearest[i] * dims;
			double		own = 0;

			for (int d = 0; d < dims; d++)
				own += pow((double) x[d] - (double) c[d], 2);
			CHECK(own <= to_nearest(&run, x) * 1.0001 + 1e-9,
				  "round %d, sample %d: %g, nearest %g", run.kmeans.round, i,
				  own, to_nearest(&run, x));
		}
	}
	CHECK(inertia(&run) < seeded, "%g, seeded %g", inertia(&run), seeded);
	run_free(&run);
}

static void
test_same_seed(void)
{
	Run			a;
	Run			b;

	run_init(&a, 9, 500, 20);
	run_init(&b, 9, 500, 20);
	for (int i = 0; i < 500 * 9; i++)
		a.samples[i] = b.samples[i] = noise();
	run_all(&a, false, 7);
	run_all(&b, false, 7);
	CHECK(memcmp(a.centers, b.centers, 20 * 9 * sizeof(float)) == 0,
		  "same seed, other centers");
	run_all(&b, false, 8);
	CHECK(memcmp(a.centers, b.centers, 20 * 9 * sizeof(float)) != 0,
		  "other seed, same centers");
	run_free(&a);
	run_free(&b);
}

/* No samples, few, equal ones, one center, floats near their limit. */
static void
test_edges(void)
{
	static const float scales[] = {0.0f, 1e-30f, 1.0f, 3e38f};

	for (int spherical = 0; spherical < 2; spherical++)
		for (int n = 0; n <= 12; n += 3)
			for (int k = 1; k <= 9; k += 4)
			{
				Run			run;

				run_init(&run, 3, n, k);
				for (int s = 0; s < 4; s++)
				{
					for (int i = 0; i < n; i++)
					{
						float	   *x = run.samples + 3 * i;

						for (int d = 0; d < 3; d++)
							x[d] = spherical ? noise() :
											   scales[s] * (float) (i % 3 - 1);
						if (spherical && !ruv_normalize(x, 3))
							x[0] = 1;
					}
					run_all(&run, spherical != 0, (uint64_t) (n + k));
				}
				run_free(&run);
			}
}

static void
test_bytes(void)
{
	CHECK(ruv_kmeans_bytes(0, 1, 1) == 0, "no dimension");
	CHECK(ruv_kmeans_bytes(1, -1, 1) == 0, "negative samples");
	CHECK(ruv_kmeans_bytes(1, 1, 0) == 0, "no center");
	CHECK(ruv_kmeans_bytes(2000, 0, 100) == 100 * (2000 * 4 + 12),
		  "%zu", ruv_kmeans_bytes(2000, 0, 100));
	CHECK(ruv_kmeans_bytes(128, 50000, 1000) ==
			  1000 * (128 * 4 + 12) + 50000 * 12,
		  "%zu", ruv_kmeans_bytes(128, 50000, 1000));
}

static void
test_normalize(void)
{
	float		x[4] = {3, 0, 0, -4};
	float		zero[2] = {0, 0};
	float		large[2] = {3e38f, 3e38f};

	CHECK(ruv_normalize(x, 4), "3, 4");
	CHECK(x[0] == 0.6f && x[3] == -0.8f, "%g %g", (double) x[0],
		  (double) x[3]);
	CHECK(!ruv_normalize(zero, 2), "zero");
	CHECK(ruv_normalize(large, 2) && fabsf(large[0] - 0.70710677f) < 1e-6f,
		  "%g", (double) large[0]);
}

int
main(void)
{
	test_bytes();
	test_normalize();
	test_clusters(false);
	test_clusters(true);
	test_bounds(2, 400, 7);
	test_bounds(16, is_quick() ? 300 : 3000, 40);
	test_same_seed();
	test_edges();
	return test_result("k-means");
}
