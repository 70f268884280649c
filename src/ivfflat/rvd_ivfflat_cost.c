/*
 * rvd_ivfflat_cost.c
 *		What the planner is told about a scan.
 *
 * Everything happens before the first row comes: the share of the lists that
 * is probed is the share of the index to charge as startup cost.  Half of the
 * pages of a list lie one behind the other.  As in pgvector, an index scan
 * without an order is never chosen.
 */
#include "postgres.h"

#include "access/genam.h"
#include "nodes/pathnodes.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_compat.h"

#define SEQUENTIAL_SHARE 0.5

static double
probed_share(Oid index_oid)
{
	Relation	index = index_open(index_oid, NoLock);
	RvdIvf		ivf;

	rvd_ivfflat_open(&ivf, index);
	index_close(index, NoLock);
	return Min(1.0, (double) rvd_ivfflat_probes() / ivf.lists);
}

void
rvd_ivfflat_costestimate(PlannerInfo *root, IndexPath *path,
						 double loop_count, Cost *startup, Cost *total,
						 Selectivity *selectivity, double *correlation,
						 double *pages)
{
	GenericCosts costs;
	double		share;
	double		startup_pages;
	double		seq_page_cost;
	double		saved;			/* by a page that need not be sought */

	if (path->indexorderbys == NIL)
	{
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
	share = probed_share(path->indexinfo->indexoid);
	get_tablespace_page_costs(path->indexinfo->reltablespace, NULL,
							  &seq_page_cost);
	saved = costs.spc_random_page_cost - seq_page_cost;
	*total = costs.indexTotalCost -
		SEQUENTIAL_SHARE * costs.numIndexPages * saved;
	*startup = *total * share;

	/*
	 * A sequential scan is not charged for the TOAST table; so where more
	 * pages are probed than the table has, only as many are charged for.
	 */
	startup_pages = costs.numIndexPages * share;
	if (startup_pages > path->indexinfo->rel->pages && share < 0.5)
	{
		*startup -= (1 - SEQUENTIAL_SHARE) * startup_pages * saved;
		*startup -= (startup_pages - path->indexinfo->rel->pages) *
			seq_page_cost;
	}
	*selectivity = costs.indexSelectivity;
	*correlation = costs.indexCorrelation;
	*pages = costs.numIndexPages;
}
