/*
 * rvd_deltavec.h
 *		The type deltavec: a varlena that holds one frame of a delta
 *		(core/ruv_delta_frame.h, docs/format.md), and what C above it needs.
 */
#ifndef RVD_DELTAVEC_H
#define RVD_DELTAVEC_H

#include "core/ruv_delta.h"
#include "core/ruv_delta_frame.h"
#include "types/rvd_vector.h"

/* Raises the ERROR for a status other than OK; `what` was being done. */
extern void rvd_check_delta(RuvDeltaStatus status, const char *what);

/*
 * What frames are read and written with: lz4 and zstd, CRC-32C in hardware.
 * Stored frames may be compressed, so no reader can do without.
 */
extern const RuvFrameRules *rvd_frame_rules(void);

/* A deltavec from a delta, and back; palloc'd. */
extern Datum rvd_delta_to_datum(const RuvDelta *delta);
extern void rvd_delta_from_datum(Datum datum, RuvDelta *delta);

/* The create of v; the delete if v is NULL. */
extern Datum rvd_delta_whole(const RvdVector *v);

/* What leads from old to new, which have the same dimensions, bit for bit. */
extern Datum rvd_delta_between(const RvdVector *old, const RvdVector *new);

/* Does the vector after the delta not depend on the one before? */
extern bool rvd_delta_is_whole(Datum delta);

/*
 * v with the delta applied.  v may be NULL, which is what a delete leaves and
 * only a create changes.
 */
extern RvdVector *rvd_delta_applied(const RvdVector *v, Datum delta);

#endif							/* RVD_DELTAVEC_H */
