/*
 * rvd_hnsw_probe.c
 *		ruvector.measure_recall: how much of the truth an index finds.
 *
 * Queries are stored ones or a random sample of the table's vectors.  One pass
 * over the table finds for all of them how far the k-th nearest row is; then
 * each is answered by the index alone, whatever the planner thinks, and every
 * row that is not farther counts as found.  Memory: `sample` vectors, and as
 * many heaps of k distances.  README.md, "Recall".
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "types/rvd_vector.h"

#define MAX_K 1000
#define MAX_SAMPLE 10000
#define FETCH_ROWS 100

/* Distances that differ by less are the same. */
#define TIE_SLACK 1e-9

/* The two-sided 95 % point of the normal distribution. */
#define Z_95 1.959963984540054

/* A query; those with the lowest of random numbers are the sample. */
typedef struct Asked
{
	uint64		number;
	RvdVector  *vector;
	binaryheap *nearest;		/* exact distances, the largest first */
	double		bound;			/* a row not farther than this is found */
	int			hits;
} Asked;

typedef struct Probe
{
	Relation	table;
	Relation	index;
	Snapshot	snapshot;
	int			k;
	int			sample;
	pg_prng_state prng;

	RvdStore	store;
	IndexInfo  *info;
	EState	   *estate;
	ExprState  *predicate;
	TupleTableSlot *slot;
	Oid			type;			/* of the indexed value */
	FmgrInfo	distance;		/* the operator's function */

	binaryheap *drawn;			/* of Asked, the highest number first */
	int			nqueries;
	Asked	  **queries;
	int64		rows;
	int			trials;			/* of one query: k, or what rows there are */
	double		exact_ms;
	double		index_ms;
} Probe;

typedef struct Estimate
{
	double		recall;
	double		low;
	double		high;
} Estimate;

/* ---- the interval ---- */

/*
 * Wilson's score interval (1927) for a share `p` of n independent trials.
 * Unlike p +- z * error it is sound near 0 and 1, where recall is.
 */
static void
wilson_interval(double p, double n, Estimate *estimate)
{
	double		z2n = Z_95 * Z_95 / n;
	double		centre = (p + z2n / 2) / (1 + z2n);
	double		half = Z_95 / (1 + z2n) *
		sqrt(p * (1 - p) / n + z2n / (4 * n));

	estimate->recall = p;
	estimate->low = Max(0, Min(p, centre - half));
	estimate->high = Min(1, Max(p, centre + half));
}

/*
 * The hits of one query are no independent trials: a query that lies badly
 * misses several.  So the number of trials is divided by the design effect of
 * cluster samples (Kish 1965): the variance between queries by what it would
 * be if hits were drawn one by one.
 *
 * What hurts an index most are islands, whose few queries miss everything; a
 * sample may hold none of them and look the steadier for it.  So the effect
 * is that of the sample and one more query, which missed everything; without
 * it the interval covers the truth in no more than 68 of 100 cases there.
 */
static void
estimate_recall(const Probe *probe, Estimate *estimate)
{
	double		trials = probe->trials;
	double		n = probe->nqueries;
	int64		hits = 0;
	double		squares;
	double		mean;
	double		binomial;
	double		effect = trials;

	for (int i = 0; i < probe->nqueries; i++)
		hits += probe->queries[i]->hits;
	mean = (double) hits / trials / (n + 1);
	squares = mean * mean;
	for (int i = 0; i < probe->nqueries; i++)
	{
		double		off = probe->queries[i]->hits / trials - mean;

		squares += off * off;
	}
	binomial = mean * (1 - mean) / trials;
	/* a query's answers are worth no less than one trial */
	if (binomial > 0)
		effect = Min(Max(squares / n / binomial, 1), trials);
	wilson_interval((double) hits / (n * trials), n * trials / effect,
					estimate);
}

/* ---- rows ---- */

/*
 * The vector that the index has for the row in the slot, NULL if it has none.
 * It lives until the per-tuple context is reset.
 */
static RvdVector *
indexed_vector(Probe *probe)
{
	ExprContext *econtext = GetPerTupleExprContext(probe->estate);
	MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	RvdVector  *vector = NULL;

	econtext->ecxt_scantuple = probe->slot;
	if (probe->predicate == NULL || ExecQual(probe->predicate, econtext))
	{
		FormIndexDatum(probe->info, probe->slot, probe->estate, values, nulls);
		if (!nulls[0])
			vector = rvd_vector_of(values[0]);
		if (vector != NULL &&
			!rvd_hnsw_is_indexable(&probe->store.geometry->layout, vector))
			vector = NULL;
	}
	MemoryContextSwitchTo(old);
	return vector;
}

/* As ORDER BY compares: what is not a number comes last. */
static double
distance_between(Probe *probe, const RvdVector *row, const RvdVector *query)
{
	double		distance =
		DatumGetFloat8(FunctionCall2(&probe->distance, PointerGetDatum(row),
									 PointerGetDatum(query)));

	return isnan(distance) ? get_float8_infinity() : distance;
}

static int
compare_distances(Datum a, Datum b, void *arg)
{
	double		x = DatumGetFloat8(a);
	double		y = DatumGetFloat8(b);

	return x > y ? 1 : -(x < y);
}

/* Keeps the `most` smallest distances. */
static void
note_distance(binaryheap *nearest, int most, double distance)
{
	if (nearest->bh_size < most)
		binaryheap_add(nearest, Float8GetDatum(distance));
	else if (distance < DatumGetFloat8(binaryheap_first(nearest)))
		binaryheap_replace_first(nearest, Float8GetDatum(distance));
}

/* Always from the first page on, so that a seed repeats its sample. */
static TableScanDesc
begin_pass(Probe *probe)
{
	return table_beginscan_strat(probe->table, probe->snapshot, 0, NULL, true,
								 false);
}

/* ---- the queries ---- */

static int
compare_numbers(Datum a, Datum b, void *arg)
{
	uint64		x = ((Asked *) DatumGetPointer(a))->number;
	uint64		y = ((Asked *) DatumGetPointer(b))->number;

	return x > y ? 1 : -(x < y);
}

/* Would a vector with that number belong to the sample, as far as is known? */
static bool
is_drawn(const Probe *probe, uint64 number)
{
	return probe->drawn->bh_size < probe->sample ||
		number < ((Asked *) DatumGetPointer(binaryheap_first(probe->drawn)))
					 ->number;
}

static void
draw(Probe *probe, uint64 number, const RvdVector *vector)
{
	bool		is_full = probe->drawn->bh_size == probe->sample;
	Asked	   *query;

	if (is_full)
	{
		query = (Asked *) DatumGetPointer(binaryheap_first(probe->drawn));
		pfree(query->vector);
	}
	else
		query = palloc0(sizeof(Asked));
	query->number = number;
	query->vector = palloc(VARSIZE(vector));
	memcpy(query->vector, vector, VARSIZE(vector));
	if (is_full)
		binaryheap_replace_first(probe->drawn, PointerGetDatum(query));
	else
		binaryheap_add(probe->drawn, PointerGetDatum(query));
}

/* Those that were stored for this index, if any; as the user who asks. */
static void
draw_stored(Probe *probe, MemoryContext context)
{
	static const char *const select =
		"SELECT q.query FROM ruvector.probe_query q"
		" WHERE q.rel OPERATOR(pg_catalog.=) $1"
		" AND q.index_name OPERATOR(pg_catalog.=) $2 ORDER BY q.id";
	Oid			types[] = {REGCLASSOID, NAMEOID};
	Datum		values[2];
	Portal		portal;
	MemoryContext old;

	values[0] = ObjectIdGetDatum(RelationGetRelid(probe->table));
	values[1] = NameGetDatum(&probe->index->rd_rel->relname);
	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, select, 2, types, values, NULL,
									   true, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			uint64		number = pg_prng_uint64(&probe->prng);
			bool		isnull;
			RvdVector  *vector;

			if (!is_drawn(probe, number))
				continue;
			vector = rvd_vector_of(SPI_getbinval(SPI_tuptable->vals[i],
												 SPI_tuptable->tupdesc, 1,
												 &isnull));
			if (!rvd_hnsw_is_indexable(&probe->store.geometry->layout, vector))
				continue;
			old = MemoryContextSwitchTo(context);
			draw(probe, number, vector);
			MemoryContextSwitchTo(old);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/*
 * From the table.  Only rows that are drawn have their vector looked at, so
 * this pass reads nothing that is stored out of line but theirs.
 */
static void
draw_rows(Probe *probe)
{
	TableScanDesc scan = begin_pass(probe);

	while (table_scan_getnextslot(scan, ForwardScanDirection, probe->slot))
	{
		uint64		number = pg_prng_uint64(&probe->prng);
		RvdVector  *vector;

		rvd_vacuum_delay();
		if (!is_drawn(probe, number))
			continue;
		vector = indexed_vector(probe);
		if (vector != NULL)
			draw(probe, number, vector);
		ResetPerTupleExprContext(probe->estate);
	}
	table_endscan(scan);
}

/* ---- the answers ---- */

/* One pass over the table for the exact answers of all queries. */
static void
answer_exactly(Probe *probe)
{
	TableScanDesc scan;

	for (int i = 0; i < probe->nqueries; i++)
		probe->queries[i]->nearest = binaryheap_allocate(probe->k,
														 compare_distances,
														 NULL);
	scan = begin_pass(probe);
	while (table_scan_getnextslot(scan, ForwardScanDirection, probe->slot))
	{
		RvdVector  *vector = indexed_vector(probe);

		rvd_vacuum_delay();
		if (vector != NULL)
		{
			probe->rows++;
			for (int i = 0; i < probe->nqueries; i++)
			{
				Asked	   *query = probe->queries[i];

				note_distance(query->nearest, probe->k,
							  distance_between(probe, vector, query->vector));
			}
		}
		ResetPerTupleExprContext(probe->estate);
	}
	table_endscan(scan);
	probe->trials = (int) Min(probe->rows, (int64) probe->k);
	for (int i = 0; i < probe->nqueries && probe->rows > 0; i++)
	{
		Asked	   *query = probe->queries[i];
		double		kth = DatumGetFloat8(binaryheap_first(query->nearest));

		query->bound = kth + fabs(kth) * TIE_SLACK;
	}
}

/*
 * What a query with LIMIT k would show, as the executor sorts it: rows come by
 * a bound that their distance is not below, so the k nearest are known when
 * the bound passes the worst of them.  In relaxed order nothing is sorted.
 */
static void
answer_by_index(Probe *probe, IndexScanDesc scan, Asked *query)
{
	bool		is_sorted = rvd_hnsw_iterative_scan() != RVD_ITERATIVE_RELAXED;
	ScanKeyData key;

	ScanKeyEntryInitialize(&key, SK_ORDER_BY, 1, 1, probe->type, InvalidOid,
						   probe->distance.fn_oid,
						   PointerGetDatum(query->vector));
	index_rescan(scan, NULL, 0, &key, 1);
	binaryheap_reset(query->nearest);
	while (index_getnext_slot(scan, ForwardScanDirection, probe->slot))
	{
		RvdVector  *vector;

		rvd_vacuum_delay();
		if (query->nearest->bh_size == probe->k &&
			(!is_sorted ||
			 DatumGetFloat8(scan->xs_orderbyvals[0]) >
				 DatumGetFloat8(binaryheap_first(query->nearest))))
			break;
		vector = indexed_vector(probe);
		if (vector != NULL)
			note_distance(query->nearest, probe->k,
						  distance_between(probe, vector, query->vector));
		ResetPerTupleExprContext(probe->estate);
	}
	while (!binaryheap_empty(query->nearest))
		query->hits += DatumGetFloat8(
						   binaryheap_remove_first(query->nearest)) <=
			query->bound;
}

static void
answer_all_by_index(Probe *probe)
{
	IndexScanDesc scan = rvd_index_beginscan_ordered(probe->table,
													 probe->index,
													 probe->snapshot, 1);

	for (int i = 0; i < probe->nqueries; i++)
		answer_by_index(probe, scan, probe->queries[i]);
	index_endscan(scan);
}

static double
ms_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_MILLISEC(now);
}

/* ---- the whole ---- */

/*
 * An index built over broken HOT chains is not for a snapshot from before;
 * the planner ignores it then, and so must who does without a planner.
 */
static void
check_usable(Relation index)
{
	TransactionId built;

	if (!index->rd_index->indcheckxmin)
		return;
	built = HeapTupleHeaderGetXmin(index->rd_indextuple->t_data);
	if (!TransactionIdPrecedes(built, TransactionXmin))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" cannot be used by this transaction yet",
						RelationGetRelationName(index)),
				 errdetail("It was built while older versions of its rows "
						   "were visible to this or other transactions."),
				 errhint("Try again when those transactions are over.")));
}

static void
probe_open(Probe *probe)
{
	Relation	index = probe->index;
	Oid			order_operator;

	check_usable(index);
	rvd_store_open(&probe->store, index, RVD_LOGGED);
	probe->type = index->rd_opcintype[0];
	order_operator = get_opfamily_member(index->rd_opfamily[0], probe->type,
										 probe->type, 1);
	if (!OidIsValid(order_operator))
		elog(ERROR, "operator family of index \"%s\" lacks its operator",
			 RelationGetRelationName(index));
	fmgr_info(get_opcode(order_operator), &probe->distance);
	probe->drawn = binaryheap_allocate(probe->sample, compare_numbers, NULL);
}

static void
run_probe(Probe *probe)
{
	instr_time	start;

	probe->info = BuildIndexInfo(probe->index);
	probe->estate = CreateExecutorState();
	probe->predicate = ExecPrepareQual(probe->info->ii_Predicate,
									   probe->estate);
	probe->slot = table_slot_create(probe->table, NULL);
	if (probe->drawn->bh_size == 0)
		draw_rows(probe);
	probe->nqueries = probe->drawn->bh_size;
	probe->queries = palloc(sizeof(Asked *) * (Size) (probe->nqueries + 1));
	for (int i = 0; i < probe->nqueries; i++)
		probe->queries[i] = (Asked *)
			DatumGetPointer(binaryheap_remove_first(probe->drawn));

	INSTR_TIME_SET_CURRENT(start);
	answer_exactly(probe);
	probe->exact_ms = ms_since(start);
	INSTR_TIME_SET_CURRENT(start);
	if (probe->rows > 0)
		answer_all_by_index(probe);
	probe->index_ms = ms_since(start);

	ExecDropSingleTupleTableSlot(probe->slot);
	FreeExecutorState(probe->estate);
}

/* Takes the arguments but the index; complains about them. */
static void
read_arguments(FunctionCallInfo fcinfo, Probe *probe)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("k and sample must not be null")));
	probe->k = PG_GETARG_INT32(1);
	probe->sample = PG_GETARG_INT32(2);
	if (probe->k < 1 || probe->k > MAX_K)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be between 1 and %d", MAX_K),
				 errdetail("It is %d.", probe->k)));
	if (probe->sample < 1 || probe->sample > MAX_SAMPLE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sample must be between 1 and %d", MAX_SAMPLE),
				 errdetail("It is %d.", probe->sample)));
	pg_prng_seed(&probe->prng,
				 PG_ARGISNULL(3) ? pg_prng_uint64(&pg_global_prng_state) :
								   (uint64) PG_GETARG_INT64(3));
}

static Datum
probe_result(FunctionCallInfo fcinfo, const Probe *probe)
{
	Datum		values[9];
	bool		nulls[9] = {0};
	Estimate	estimate = {0};

	nulls[0] = nulls[1] = nulls[2] = probe->nqueries == 0 || probe->rows == 0;
	if (!nulls[0])
		estimate_recall(probe, &estimate);
	values[0] = Float8GetDatum(estimate.recall);
	values[1] = Float8GetDatum(estimate.low);
	values[2] = Float8GetDatum(estimate.high);
	values[3] = Int32GetDatum(probe->nqueries);
	values[4] = Int32GetDatum(probe->k);
	values[5] = Int32GetDatum(rvd_hnsw_ef_search());
	values[6] = Int64GetDatum(probe->rows);
	values[7] = Float8GetDatum(probe->exact_ms);
	values[8] = Float8GetDatum(probe->index_ms);
	return rvd_make_row_with_nulls(fcinfo, values, nulls, 9);
}

RVD_FUNCTION(rvd_measure_recall);
Datum
rvd_measure_recall(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	Probe		probe = {0};
	Oid			oid;
	Oid			table;
	Oid			user;
	int			security;
	int			nest;
	Datum		result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	read_arguments(fcinfo, &probe);
	oid = PG_GETARG_OID(0);
	table = rvd_lock_table_of(oid, AccessShareLock);
	probe.index = rvd_open_hnsw_index(oid, AccessShareLock);
	probe.table = table_open(table, NoLock);
	probe.snapshot = GetActiveSnapshot();

	context = AllocSetContextCreate(caller, "ruvector hnsw probe",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	probe_open(&probe);
	draw_stored(&probe, context);

	/* the index's expressions are the owner's code */
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(probe.table->rd_rel->relowner,
						   security | SECURITY_RESTRICTED_OPERATION);
	nest = NewGUCNestLevel();
	rvd_restrict_search_path();
	run_probe(&probe);
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, security);

	MemoryContextSwitchTo(caller);
	result = probe_result(fcinfo, &probe);
	MemoryContextDelete(context);
	table_close(probe.table, NoLock);
	relation_close(probe.index, NoLock);
	PG_RETURN_DATUM(result);
}

/*
 * ruvector.probe_key(index, query): by what a stored query knows its index,
 * and that the query is one for it.
 */
RVD_FUNCTION(rvd_probe_key);
Datum
rvd_probe_key(PG_FUNCTION_ARGS)
{
	Oid			table;
	Relation	index;
	Datum		values[2];
	NameData	name;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	table = rvd_lock_table_of(PG_GETARG_OID(0), AccessShareLock);
	index = rvd_open_hnsw_index(PG_GETARG_OID(0), AccessShareLock);
	if (!PG_ARGISNULL(1))
	{
		RvdStore	store;

		rvd_store_open(&store, index, RVD_LOGGED);
		if (!rvd_hnsw_is_indexable(&store.geometry->layout,
								   RVD_GETARG_VECTOR(1)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the zero vector is no query for index \"%s\"",
							RelationGetRelationName(index)),
					 errdetail("It has no direction, so every row's cosine "
							   "distance is NaN.")));
	}
	name = index->rd_rel->relname;
	values[0] = ObjectIdGetDatum(table);
	values[1] = NameGetDatum(&name);
	relation_close(index, NoLock);
	PG_RETURN_DATUM(rvd_make_row(fcinfo, values, 2));
}

/* ruvector.recall_bounds(index): what its owner wants of it */
RVD_FUNCTION(rvd_recall_bounds);
Datum
rvd_recall_bounds(PG_FUNCTION_ARGS)
{
	Relation	index = rvd_open_hnsw_index(PG_GETARG_OID(0), AccessShareLock);
	Datum		values[2];

	values[0] = Float8GetDatum(rvd_hnsw_option_min_recall(index));
	values[1] = Float8GetDatum(rvd_hnsw_option_target_recall(index));
	relation_close(index, AccessShareLock);
	PG_RETURN_DATUM(rvd_make_row(fcinfo, values, 2));
}
