/*
 * rvd_hnsw.c
 *		The access method's handler: the table of its callbacks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/progress.h"
#include "commands/vacuum.h"
#include "utils/syscache.h"

#include "hnsw/rvd_hnsw.h"
#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_opclass.h"

static char *
build_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case RVD_PROGRESS_PHASE_LOAD:
			return "loading tuples";
		default:
			return NULL;
	}
}

static bool
validate_opclass(Oid opclass)
{
	/* distance, norm to divide by, type */
	static const RvdSupport supports[] = {
		{1, FLOAT8OID, 2, true},
		{2, FLOAT8OID, 1, false},
		{3, INTERNALOID, 1, false}};

	return rvd_validate_opclass(opclass, "hnsw", supports,
								lengthof(supports));
}

RVD_FUNCTION(rvd_hnswhandler);
Datum
rvd_hnswhandler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = 0;
	am->amsupport = 3;
	am->amcanorderbyop = true;
	am->amoptionalkey = true;
#ifdef RVD_AM_HAS_BUILD_PARALLEL
	am->amcanbuildparallel = true;
#endif
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL;
	am->amkeytype = InvalidOid;

	am->ambuild = rvd_hnsw_build;
	am->ambuildempty = rvd_hnsw_buildempty;
	am->aminsert = rvd_hnsw_insert;
	am->ambulkdelete = rvd_hnsw_bulkdelete;
	am->amvacuumcleanup = rvd_hnsw_vacuumcleanup;
	am->amcostestimate = rvd_hnsw_costestimate;
	am->amoptions = rvd_hnsw_options;
	am->ambuildphasename = build_phase_name;
	am->amvalidate = validate_opclass;
	am->ambeginscan = rvd_hnsw_beginscan;
	am->amrescan = rvd_hnsw_rescan;
	am->amgettuple = rvd_hnsw_gettuple;
	am->amendscan = rvd_hnsw_endscan;
	PG_RETURN_POINTER(am);
}
