/*
 * rvd_ivfflat.c
 *		The access method's handler: the table of its callbacks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/progress.h"
#include "commands/vacuum.h"

#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_opclass.h"

static char *
build_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case RVD_IVFFLAT_PHASE_KMEANS:
			return "performing k-means";
		case RVD_IVFFLAT_PHASE_ASSIGN:
			return "assigning tuples";
		case RVD_IVFFLAT_PHASE_LOAD:
			return "loading tuples";
		default:
			return NULL;
	}
}

static bool
validate_opclass(Oid opclass)
{
	/* distance, norm of what is stored, distance and norm for k-means, type */
	static const RvdSupport supports[] = {
		{1, FLOAT8OID, 2, true},
		{2, FLOAT8OID, 1, false},
		{3, FLOAT8OID, 2, false},
		{4, FLOAT8OID, 1, false},
		{5, INTERNALOID, 1, false}};

	return rvd_validate_opclass(opclass, "ivfflat", supports,
								lengthof(supports));
}

RVD_FUNCTION(rvd_ivfflathandler);
Datum
rvd_ivfflathandler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = 0;
	am->amsupport = 5;
	am->amcanorderbyop = true;
	am->amoptionalkey = true;
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL;
	am->amkeytype = InvalidOid;

	am->ambuild = rvd_ivfflat_build;
	am->ambuildempty = rvd_ivfflat_buildempty;
	am->aminsert = rvd_ivfflat_insert;
	am->ambulkdelete = rvd_ivfflat_bulkdelete;
	am->amvacuumcleanup = rvd_ivfflat_vacuumcleanup;
	am->amcostestimate = rvd_ivfflat_costestimate;
	am->amoptions = rvd_ivfflat_options;
	am->ambuildphasename = build_phase_name;
	am->amvalidate = validate_opclass;
	am->ambeginscan = rvd_ivfflat_beginscan;
	am->amrescan = rvd_ivfflat_rescan;
	am->amgettuple = rvd_ivfflat_gettuple;
	am->amendscan = rvd_ivfflat_endscan;
	PG_RETURN_POINTER(am);
}
