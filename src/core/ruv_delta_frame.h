/*
 * ruv_delta_frame.h
 *		A delta as bytes: the frame that is stored and that travels.
 *
 * Self-describing, versioned, little-endian, ends in a checksum, readable at
 * any address; byte by byte in docs/format.md.
 *
 *		D3	decode(encode(d)) = d; all other bytes give a status
 *
 * An encoder chooses the smallest of several ways to write positions and
 * values, so one delta has several frames; compare deltas, not frames.
 */
#ifndef RUV_DELTA_FRAME_H
#define RUV_DELTA_FRAME_H

#include "core/ruv_crc32c.h"
#include "core/ruv_delta.h"
#include "core/ruv_values.h"

#define RUV_FRAME_VERSION 1
#define RUV_FRAME_MAX_PAYLOAD (16 << 20)
/* Bytes around a payload shorter than 128. */
#define RUV_FRAME_OVERHEAD 9

typedef enum RuvPositions
{
	RUV_POSITIONS_ALL = 0,		/* every dimension: dense */
	RUV_POSITIONS_LIST = 1,		/* a varint for each gap: sparse */
	RUV_POSITIONS_RUNS = 2,		/* varints: gap, length of a run */
	RUV_POSITIONS_RICE = 3,		/* a Rice code for each gap: sparse */
	RUV_POSITIONS_AUTO = 15		/* a wish, never stored */
} RuvPositions;

typedef enum RuvCompression
{
	RUV_COMPRESSION_NONE = 0,
	RUV_COMPRESSION_LZ4 = 1,	/* one block, without LZ4's own frame */
	RUV_COMPRESSION_ZSTD = 2	/* one zstd frame */
} RuvCompression;

/* A compression method, lent by the caller; the core has none of its own. */
typedef struct RuvCompressor
{
	RuvCompression method;
	void	   *context;
	/* Bytes written to target, 0 if more than capacity would be. */
	size_t		(*compress)(void *context, const uint8_t *source, size_t size,
							uint8_t *target, size_t capacity);
	/* Fills exactly target_size bytes, or returns false; writes no more. */
	bool		(*decompress)(void *context, const uint8_t *source,
							  size_t size, uint8_t *target,
							  size_t target_size);
} RuvCompressor;

/* What a decoder may use and believe; NULL or 0 in a field: the default. */
typedef struct RuvFrameRules
{
	const RuvCompressor *compressors;
	uint32_t	ncompressors;
	RuvCrc32c	crc32c;			/* NULL: ruv_crc32c */
	uint32_t	max_dims;		/* 0: RUV_DELTA_MAX_DIMS */
	uint32_t	max_payload;	/* 0: RUV_FRAME_MAX_PAYLOAD; uncompressed */
} RuvFrameRules;

/* What an encoder shall aim at; NULL: the smallest exact one, uncompressed. */
typedef struct RuvFrameWishes
{
	float		bound;			/* greatest error of a value; 0: bit-exact */
	RuvPositions positions;		/* AUTO: the smallest */
	RuvValueCodec values;
	const RuvCompressor *compressor;	/* NULL: do not compress */
	uint32_t	compress_from;	/* payload bytes from which to try */
} RuvFrameWishes;

typedef struct RuvFrameInfo
{
	RuvDeltaKind kind;
	RuvCompression compression;
	RuvPositions positions;		/* both ALL and F32 if nothing is assigned */
	RuvValueCodec values;
	size_t		payload_size;	/* as stored */
	size_t		raw_size;		/* before compression */
} RuvFrameInfo;

typedef struct RuvBytes
{
	const uint8_t *data;
	size_t		size;
} RuvBytes;

extern const RuvFrameWishes ruv_frame_default_wishes;

/* ruv_delta_encode.c */

/*
 * *frame comes from the arena and is the caller's to release.  rules may be
 * NULL; only its checksum is used.  INACCURATE if the codec wished for misses
 * the bound; with a bound above 0 decode the frame to learn what its readers
 * will see.  A canonical delta is required.
 */
extern RUV_CHECKED RuvDeltaStatus
ruv_delta_encode(const RuvArena *arena, const RuvFrameRules *rules,
				 const RuvFrameWishes *wishes, const RuvDelta *delta,
				 uint8_t **frame, size_t *size);

/* The size of the frame without compression. */
extern RUV_CHECKED RuvDeltaStatus
ruv_delta_encoded_size(const RuvArena *arena, const RuvFrameWishes *wishes,
					   const RuvDelta *delta, size_t *size);

/*
 * One version of a vector after another, with an error that does not grow:
 * encodes the change from `seen`, what readers have of the old version, to
 * new_vector, and puts into `seen` what they will have of the new one.  Every
 * component of it is within wishes->bound of new_vector's, whatever the
 * number of versions.  seen NULL: a create, and nothing is told.
 */
extern RUV_CHECKED RuvDeltaStatus
ruv_delta_encode_next(const RuvArena *arena, const RuvFrameRules *rules,
					  const RuvFrameWishes *wishes, uint32_t dims, float *seen,
					  const float *new_vector, uint8_t **frame, size_t *size);

/* ruv_delta_decode.c */

/* info may be NULL.  On error *out is freeable and otherwise undefined. */
extern RUV_CHECKED RuvDeltaStatus
ruv_delta_decode(const RuvArena *arena, const RuvFrameRules *rules,
				 const uint8_t *frame, size_t size, RuvDelta *out,
				 RuvFrameInfo *info);

/*
 * Applies n frames, oldest first, to x[dims] as ruv_delta_apply does each.
 * Starts at the last frame that creates or deletes; earlier ones are not even
 * looked at.  On error x is spoilt and *failed, if not NULL, tells the frame.
 */
extern RUV_CHECKED RuvDeltaStatus
ruv_delta_fold(const RuvArena *arena, const RuvFrameRules *rules,
			   const RuvBytes *frames, uint32_t n, float *x, uint32_t dims,
			   bool *exists, uint32_t *failed);

#endif							/* RUV_DELTA_FRAME_H */
