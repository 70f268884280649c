/*
 * ruv_delta_frame_int.h
 *		What encoder and decoder of a delta's frame must agree on.
 */
#ifndef RUV_DELTA_FRAME_INT_H
#define RUV_DELTA_FRAME_INT_H

#include "core/ruv_delta_frame.h"

#define FRAME_MAGIC_0 0x7a
#define FRAME_MAGIC_1 0xde
#define FRAME_FLAGS_AT 3		/* after magic and version */
#define FRAME_LENGTH_AT 4
#define FRAME_CHECKSUM_BYTES 4
#define FRAME_MIN_BYTES (FRAME_LENGTH_AT + 1 + FRAME_CHECKSUM_BYTES)

#define FLAG_KIND 0x03
#define FLAG_COMPRESSION 0x0c
#define FLAG_COMPRESSION_SHIFT 2
#define FLAG_STEPS 0x10
#define FLAG_ASSIGNED 0x20
#define FLAG_UNKNOWN 0xc0

#define FORMAT_POSITIONS 0x0f
#define FORMAT_VALUES_SHIFT 4

#define POSITION_RICE_BITS 4
#define MAX_POSITION_RICE 15
#define NUDGE_RICE_BITS 5
#define MAX_NUDGE_RICE 31
/* A nudge takes a gap, a sign and a size: one bit each at least. */
#define NUDGE_MIN_BITS 3

static inline RuvCrc32c
frame_checksum(const RuvFrameRules *rules)
{
	return rules != NULL && rules->crc32c != NULL ? rules->crc32c : ruv_crc32c;
}

#endif							/* RUV_DELTA_FRAME_INT_H */
