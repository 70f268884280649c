/*
 * rvd_wal.c
 *		The change set over Generic WAL.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "pg/rvd_wal.h"

StaticAssertDecl(RVD_CHANGE_PAGES == MAX_GENERIC_XLOG_PAGES,
				 "a change set must fit into one record");

void
rvd_change_begin(RvdChange *change, Relation rel, RvdDurability durability)
{
	change->durability = durability;
	change->nbuffers = 0;
	change->state = durability == RVD_LOGGED ? GenericXLogStart(rel) : NULL;
}

Page
rvd_change_page(RvdChange *change, Buffer buffer, Page page, bool fresh)
{
	if (change->durability == RVD_PRIVATE)
		return page;
	Assert(change->nbuffers < RVD_CHANGE_PAGES);
	change->buffers[change->nbuffers++] = buffer;
	if (change->durability == RVD_BUILDING)
		return page;
	return GenericXLogRegisterBuffer(change->state, buffer,
									 fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
}

void
rvd_change_finish(RvdChange *change)
{
	if (change->durability == RVD_LOGGED)
		GenericXLogFinish(change->state);
	else
	{
		for (int i = 0; i < change->nbuffers; i++)
			MarkBufferDirty(change->buffers[i]);
	}
	change->state = NULL;
}

void
rvd_change_abort(RvdChange *change)
{
	if (change->state != NULL)
		GenericXLogAbort(change->state);
	change->state = NULL;
}

void
rvd_log_whole_fork(Relation rel, ForkNumber fork)
{
	if (RelationNeedsWAL(rel) || fork == INIT_FORKNUM)
		log_newpage_range(rel, fork, 0,
						  RelationGetNumberOfBlocksInFork(rel, fork), true);
}
