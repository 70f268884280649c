/*
 * rvd_hnsw_cost.c
 *		What the planner is told about a scan.
 *
 * The model is pgvector's, so that a query gets the plan there and here: the
 * share of the index that must be read before the first row comes is the
 * number of nodes that an HNSW search looks at, over all nodes.  (The pages
 * of this index are fewer and larger steps, which only makes the index
 * cheaper than estimated.)
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "nodes/pathnodes.h"
#include "utils/float.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"

/* Share of the looked-at neighbours that were not seen before; fitted. */
#define FRESH_SHARE 0.55

static double
startup_ratio(double tuples, int m, int ef)
{
	double		levels;
	double		bottom;
	double		fresh;

	if (tuples <= 0)
		return 1;
	levels = floor(log(tuples) / log(m));
	bottom = 2.0 * m * ef;
	fresh = FRESH_SHARE * log(tuples) / (log(m) * (1 + log(ef)));
	return Min((levels * m + bottom * fresh) / tuples, 1);
}

void
rvd_hnsw_costestimate(PlannerInfo *root, IndexPath *path, double loop_count,
					  Cost *startup, Cost *total, Selectivity *selectivity,
					  double *correlation, double *pages)
{
	GenericCosts costs;
	Relation	index;
	double		ratio;
	double		startup_pages;
	double		seq_page_cost;
	int			m;

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
	index = index_open(path->indexinfo->indexoid, NoLock);
	m = rvd_hnsw_geometry(index)->m;
	index_close(index, NoLock);

	ratio = startup_ratio(path->indexinfo->tuples, m, rvd_hnsw_ef_search());
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
