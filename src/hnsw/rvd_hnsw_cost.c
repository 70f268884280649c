/*
 * rvd_hnsw_cost.c
 *		What the planner is told about a scan.
 *
 * Everything happens before the first row comes: a search visits somewhat
 * more nodes than its pool is wide, and each visit is one page.  That is the
 * share of the index to charge as startup cost; as in pgvector, an index scan
 * without an order is never chosen.
 */
#include "postgres.h"

#include "nodes/pathnodes.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"

/* Visits a place in the pool, measured on text and images at ef 20 to 200. */
#define VISITS_PER_PLACE 1.6

static double
startup_ratio(double tuples)
{
	double		visits = VISITS_PER_PLACE *
		rvd_hnsw_width(rvd_hnsw_ef_search());

	return tuples > visits ? visits / tuples : 1;
}

void
rvd_hnsw_costestimate(PlannerInfo *root, IndexPath *path, double loop_count,
					  Cost *startup, Cost *total, Selectivity *selectivity,
					  double *correlation, double *pages)
{
	GenericCosts costs;
	double		ratio;
	double		startup_pages;
	double		seq_page_cost;

	if (path->indexorderbys == NIL)
	{
		/* without an order there is nothing to scan for */
		*startup = *total = get_float8_infinity();
		*selectivity = 0;
		*correlation = 0;
		*pages = 0;
#ifdef RVD_HAVE_DISABLED_NODES
		path->path.disabled_nodes = 2;
#endif
		return;
	}

	MemSet(&costs, 0, sizeof(costs));
	genericcostestimate(root, path, loop_count, &costs);
	ratio = startup_ratio(path->indexinfo->tuples);
	get_tablespace_page_costs(path->indexinfo->reltablespace, NULL,
							  &seq_page_cost);
	*startup = costs.indexTotalCost * ratio;

	/*
	 * A sequential scan is not charged for the TOAST table; so where the
	 * index is larger than the table, it is not charged for that either.
	 */
	startup_pages = costs.numIndexPages * ratio;
	if (startup_pages > path->indexinfo->rel->pages && ratio < 0.5)
	{
		*startup -= startup_pages *
			(costs.spc_random_page_cost - seq_page_cost);
		*startup -= (startup_pages - path->indexinfo->rel->pages) *
			seq_page_cost;
	}
	*total = costs.indexTotalCost;
	*selectivity = costs.indexSelectivity;
	*correlation = costs.indexCorrelation;
	*pages = costs.numIndexPages;
}
