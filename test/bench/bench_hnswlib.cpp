/*
 * bench_hnswlib.cpp
 *		The same search in hnswlib, for scale: no server, no SQL, one thread.
 *
 *	bench_hnswlib BASE ROWS QUERY METRIC K M EF_CONSTRUCTION EF,EF... DIR
 *
 * Prints a JSON object for the build and one for each ef; the answers go to
 * DIR/hnswlib-EF.ibin.  Cosine is the inner product of normalised vectors.
 */
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include <hnswlib/hnswlib.h>

#include "vecfile.h"

static double
now()
{
	return std::chrono::duration<double>(
			   std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void
normalise(VecFile &v)
{
	for (long i = 0; i < v.rows; i++)
	{
		float	   *x = v.x + (size_t) i * v.dims;
		double		sum = 0;

		for (int d = 0; d < v.dims; d++)
			sum += (double) x[d] * x[d];
		for (int d = 0; sum > 0 && d < v.dims; d++)
			x[d] = (float) (x[d] / sqrt(sum));
	}
}

int
main(int argc, char **argv)
{
	if (argc != 10)
		vec_die("usage", "BASE ROWS QUERY METRIC K M EF_CONSTRUCTION EFS DIR");
	VecFile		base = vec_read(argv[1], atol(argv[2]));
	VecFile		query = vec_read(argv[3], -1);
	VecMetric	metric = vec_metric(argv[4]);
	int			k = atoi(argv[5]);

	if (metric == VEC_L1)
		vec_die("l1", "hnswlib has no such distance");
	if (metric == VEC_COSINE)
	{
		normalise(base);
		normalise(query);
	}
	hnswlib::L2Space l2((size_t) base.dims);
	hnswlib::InnerProductSpace ip((size_t) base.dims);
	hnswlib::SpaceInterface<float> *space = &ip;

	if (metric == VEC_L2)
		space = &l2;
	hnswlib::HierarchicalNSW<float> graph(space, (size_t) base.rows,
										  (size_t) atol(argv[6]), (size_t) atol(argv[7]));
	double		began = now();

	for (long i = 0; i < base.rows; i++)
		graph.addPoint(vec_row(&base, i), (size_t) i);
	printf("{\"phase\":\"build\",\"build_seconds\":%.2f}\n", now() - began);

	std::stringstream efs(argv[8]);
	std::string ef;

	while (std::getline(efs, ef, ','))
	{
		std::string out = std::string(argv[9]) + "/hnswlib-" + ef + ".ibin";
		IdFile		got = {query.rows, k, (int32_t *) vec_alloc((size_t) query.rows * k * 4)};
		double		best = INFINITY;

		graph.setEf((size_t) std::max(atol(ef.c_str()), (long) k));
		for (int round = 0; round < 3; round++)
		{
			began = now();
			for (long i = 0; i < query.rows; i++)
			{
				auto		found = graph.searchKnn(vec_row(&query, i), (size_t) k);

				for (int j = 0; j < k; j++)
					got.id[i * k + j] = -1;
				for (size_t j = found.size(); j-- > 0; found.pop())
					got.id[i * k + (long) j] = (int32_t) found.top().second;
			}
			best = std::min(best, now() - began);
		}
		ids_write(out.c_str(), &got);
		free(got.id);
		printf("{\"phase\":\"query\",\"ef\":%s,\"ms\":%.5f,\"got\":\"%s\"}\n", ef.c_str(),
			   best / (double) query.rows * 1e3, out.c_str());
	}
	return 0;
}
