/*
 * rvd_ivfflat_sample.c
 *		Centers of a new index's lists: a sample of the rows, then k-means.
 *
 * Rows are sampled as ANALYZE does it: random blocks, and of their rows a
 * reservoir.  All memory is counted against maintenance_work_mem before it is
 * asked for.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "commands/progress.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

#include "core/ruv_kmeans.h"
#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_error.h"
#include "pg/rvd_kernels.h"

/* Rows for each list, and at the least; as in pgvector. */
#define SAMPLES_PER_LIST 50
#define MIN_SAMPLES 10000

typedef struct Sample
{
	const RvdIvf *ivf;
	float	   *x;				/* n * dims */
	int			n;
	int			room;
	double		nseen;
	double		nskip;			/* rows to pass over; < 0: not yet chosen */
	ReservoirStateData reservoir;
	MemoryContext row_context;
} Sample;

/* Refuses to use that much memory. */
static void
check_memory(Size bytes)
{
	if (bytes / 1024 > (Size) maintenance_work_mem)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("memory required is %zu MB, maintenance_work_mem is %d MB",
						bytes / (1024 * 1024) + 1,
						maintenance_work_mem / 1024),
				 errhint("Increase maintenance_work_mem or use fewer lists.")));
}

/* Where the row goes, -1: nowhere. */
static int
place_of_row(Sample *sample)
{
	int			place = -1;

	if (sample->n < sample->room)
		place = sample->n++;
	else
	{
		if (sample->nskip < 0)
			sample->nskip = reservoir_get_next_S(&sample->reservoir,
												 sample->nseen, sample->room);
		if (sample->nskip <= 0)
			place = (int) (sample->room *
						   sampler_random_fract(&sample->reservoir.randstate));
		sample->nskip -= 1;
	}
	sample->nseen += 1;
	return place;
}

/* A vector without a direction has no place among directions. */
static bool
has_direction(const RvdVector *vector)
{
	for (int i = 0; i < vector->dims; i++)
		if (vector->x[i] != 0)
			return true;
	return false;
}

static void
sample_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		   bool is_alive, void *argument)
{
	Sample	   *sample = argument;
	const RvdIvf *ivf = sample->ivf;
	Size		bytes = (Size) ivf->dims * sizeof(float);
	MemoryContext old;
	RvdVector  *vector;
	float	   *x;
	int			place;

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(sample->row_context);
	vector = rvd_vector_of(values[0]);
	if (vector->dims == ivf->dims &&
		(ivf->metric == RUV_METRIC_L2 || has_direction(vector)) &&
		(place = place_of_row(sample)) >= 0)
	{
		x = sample->x + (Size) place * (Size) ivf->dims;
		memcpy(x, vector->x, bytes);
		if (ivf->metric != RUV_METRIC_L2)
			(void) ruv_normalize(x, (size_t) ivf->dims);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(sample->row_context);
}

static void
sample_rows(Sample *sample, Relation heap, IndexInfo *info)
{
	BlockSamplerData blocks;

	sample->row_context = AllocSetContextCreate(CurrentMemoryContext,
												"ruvector ivfflat sample row",
												ALLOCSET_DEFAULT_SIZES);
	sample->nskip = -1;
	reservoir_init_selection_state(&sample->reservoir, sample->room);
	BlockSampler_Init(&blocks, RelationGetNumberOfBlocks(heap), sample->room,
					  pg_prng_uint32(&pg_global_prng_state));
	while (BlockSampler_HasMore(&blocks))
		table_index_build_range_scan(heap, sample->ivf->index, info, false,
									 false, false, BlockSampler_Next(&blocks),
									 1, sample_row, sample, NULL);
	MemoryContextDelete(sample->row_context);
}

static int
samples_wanted(const RvdIvf *ivf, Relation heap)
{
	int64		rows;
	int64		wanted = (int64) ivf->lists * SAMPLES_PER_LIST;

	if (heap == NULL)
		return 0;
	rows = (int64) RelationGetNumberOfBlocks(heap) * MaxHeapTuplesPerPage;
	return (int) Min(rows, Max(wanted, MIN_SAMPLES));
}

float *
rvd_ivfflat_centers(const RvdIvf *ivf, Relation heap, IndexInfo *info)
{
	Size		a_vector = (Size) ivf->dims * sizeof(float);
	Size		bytes = (Size) ivf->lists * a_vector;
	Size		workspace;
	Sample		sample = {.ivf = ivf};
	RuvKmeans	kmeans;
	float	   *centers;
	void	   *memory;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE,
								 RVD_IVFFLAT_PHASE_KMEANS);
	sample.room = samples_wanted(ivf, heap);
	bytes += (Size) sample.room * a_vector;
	check_memory(bytes);
	centers = MemoryContextAllocHuge(CurrentMemoryContext,
									 (Size) ivf->lists * a_vector);
	sample.x = MemoryContextAllocHuge(CurrentMemoryContext,
									  Max(1, (Size) sample.room) * a_vector);
	if (sample.room > 0)
		sample_rows(&sample, heap, info);
	if (heap != NULL && sample.n < ivf->lists)
		ereport(NOTICE,
				(errmsg("ivfflat index created with little data"),
				 errdetail("This will cause low recall."),
				 errhint("Drop the index until the table has more data.")));

	workspace = ruv_kmeans_bytes(ivf->dims, sample.n, ivf->lists);
	if (sample.n > 0)
		check_memory(bytes + workspace);
	memory = MemoryContextAllocHuge(CurrentMemoryContext, workspace);
	kmeans.kernels = rvd_kernels;
	kmeans.samples = sample.x;
	kmeans.centers = centers;
	kmeans.dims = ivf->dims;
	kmeans.nsamples = sample.n;
	kmeans.ncenters = ivf->lists;
	kmeans.spherical = ivf->metric != RUV_METRIC_L2;
	rvd_check_status(ruv_kmeans_init(&kmeans,
									 pg_prng_uint64(&pg_global_prng_state),
									 memory),
					 "looking for the centers of an index");
	while (ruv_kmeans_step(&kmeans))
		CHECK_FOR_INTERRUPTS();
	pfree(memory);
	pfree(sample.x);
	return centers;
}
