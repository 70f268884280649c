/*
 * rvd_error.c
 *		Statuses of the core as PostgreSQL errors.
 */
#include "postgres.h"

#include "utils/rel.h"

#include "pg/rvd_error.h"

void
rvd_check_status(RuvStatus status, const char *what)
{
	switch (status)
	{
		case RUV_OK:
			return;
		case RUV_ERR_LIMIT:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("size limit exceeded while %s", what)));
			break;
		case RUV_ERR_CORRUPT:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("damaged data found while %s", what)));
			break;
		case RUV_ERR_MEMORY:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory"),
					 errdetail("Failed while %s.", what)));
			break;
		case RUV_ERR_ARGUMENT:
			elog(ERROR, "unexpected argument while %s", what);
			break;
	}
}

void
rvd_index_corrupted(Relation index, BlockNumber block, int slot,
					const char *broken)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" is damaged",
					RelationGetRelationName(index)),
			 slot < 0 ?
				 errdetail("Block %u: %s", block, broken) :
				 errdetail("Block %u, node %d: %s", block, slot, broken),
			 errhint("Rebuild it with REINDEX.")));
	pg_unreachable();
}
