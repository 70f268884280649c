/*
 * rvd_wal.h
 *		The change set: the only way an index page is modified.
 *
 * It hides from its users whether a change is logged: a change to a permanent
 * index is one Generic WAL record; while an index is being built nothing is
 * logged, the finished index is logged whole; and a page may be private
 * memory that no buffer stands behind.
 */
#ifndef RVD_WAL_H
#define RVD_WAL_H

#include "storage/bufmgr.h"
#include "utils/relcache.h"

/* How the pages of a change reach the disk. */
typedef enum RvdDurability
{
	RVD_LOGGED,					/* Generic WAL (nothing if unlogged table) */
	RVD_BUILDING,				/* shared buffers, logged when complete */
	RVD_PRIVATE					/* memory that is written out later */
} RvdDurability;

#define RVD_CHANGE_PAGES 4		/* what one Generic WAL record can hold */

typedef struct RvdChange
{
	RvdDurability durability;
	void	   *state;			/* of Generic WAL, if logged */
	int			nbuffers;
	Buffer		buffers[RVD_CHANGE_PAGES];
} RvdChange;

extern void rvd_change_begin(RvdChange *change, Relation rel,
							 RvdDurability durability);

/*
 * The image to modify of a page whose buffer the caller holds exclusively
 * locked until the change is finished.  `page` is the buffer's page or, where
 * there is no buffer, the private memory.  fresh: the page is new, all of it
 * is logged.
 */
extern Page rvd_change_page(RvdChange *change, Buffer buffer, Page page,
							bool fresh);

/* All pages change at once or, after a crash, none. */
extern void rvd_change_finish(RvdChange *change);

/*
 * Forgets the images.  Only before anything was modified while building:
 * there the image is the page itself.
 */
extern void rvd_change_abort(RvdChange *change);

/* Logs every page of a finished fork (nothing if the table is unlogged). */
extern void rvd_log_whole_fork(Relation rel, ForkNumber fork);

#endif							/* RVD_WAL_H */
