/*
 * rvd_error.h
 *		Statuses of the core as PostgreSQL errors, in one wording.
 */
#ifndef RVD_ERROR_H
#define RVD_ERROR_H

#include "storage/block.h"
#include "utils/relcache.h"

#include "core/ruv_common.h"

/* Raises the ERROR for a status other than RUV_OK; `what` was being done. */
extern void rvd_check_status(RuvStatus status, const char *what);

/*
 * Raises ERRCODE_INDEX_CORRUPTED: `broken` is the invariant, as a sentence.
 */
extern void rvd_index_corrupted(Relation index, BlockNumber block, int slot,
								const char *broken)
	__attribute__((noreturn));

#endif							/* RVD_ERROR_H */
