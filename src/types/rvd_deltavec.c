/*
 * rvd_deltavec.c
 *		Deltas between the core's form and SQL's.
 */
#include "postgres.h"

#include "port/pg_crc32c.h"

#include "core/ruv_crc32c.h"
#include "types/rvd_deltavec_int.h"

/*
 * Frames that would be moved out of line are worth the time of a compressor:
 * it may save that, and a fetch.
 */
#define COMPRESS_FROM 2000

static int
sqlstate_of(RuvDeltaStatus status)
{
	switch (status)
	{
		case RUV_DELTA_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case RUV_DELTA_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case RUV_DELTA_OUT_OF_RANGE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case RUV_DELTA_OK:
		case RUV_DELTA_ARGUMENT:
		case RUV_DELTA_INACCURATE:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case RUV_DELTA_DIMENSIONS:
		case RUV_DELTA_NOT_FINITE:
			return ERRCODE_DATA_EXCEPTION;
		default:
			return ERRCODE_DATA_CORRUPTED;
	}
}

void
rvd_check_delta(RuvDeltaStatus status, const char *what)
{
	if (unlikely(status != RUV_DELTA_OK))
		ereport(ERROR,
				(errcode(sqlstate_of(status)),
				 errmsg("%s", ruv_delta_message(status)),
				 errdetail("Found while %s.", what),
				 status == RUV_DELTA_INACCURATE ?
					 errhint("Allow a larger error, or choose another codec.") :
					 0));
}

void
rvd_deltavec_check_dims(int64 dims)
{
	if (dims < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("deltavec must have at least 1 dimension")));
	if (dims > RVD_VECTOR_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("deltavec cannot have more than %d dimensions",
						RVD_VECTOR_MAX_DIMS)));
}

void
rvd_deltavec_check_pair(const RuvDelta *a, const RuvDelta *b)
{
	if (a->dims != b->dims && a->dims != 0 && b->dims != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different deltavec dimensions %u and %u", a->dims,
						b->dims)));
}

void
rvd_deltavec_check_fits(const RuvDelta *delta, const RvdVector *v)
{
	if (delta->dims != 0 && delta->dims != (uint32_t) v->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different dimensions of vector and deltavec: %d and %u",
						v->dims, delta->dims)));
}

/* The server's own, which uses instructions where the processor has them. */
static uint32_t
server_crc32c(uint32_t crc, const void *data, size_t size)
{
	pg_crc32c	server = crc ^ 0xFFFFFFFF;

	COMP_CRC32C(server, data, size);
	FIN_CRC32C(server);
	Assert(server == ruv_crc32c(crc, data, size));
	return server;
}

const RuvFrameRules *
rvd_frame_rules(void)
{
	static const RuvFrameRules rules = {.compressors = rvd_compressors,
							   .ncompressors = RVD_COMPRESSORS,
							   .crc32c = server_crc32c,
							   .max_dims = RVD_VECTOR_MAX_DIMS};

	return &rules;
}

Datum
rvd_deltavec_new(const uint8_t *frame, size_t size)
{
	struct varlena *result = palloc(VARHDRSZ + size);

	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), frame, size);
	return PointerGetDatum(result);
}

Datum
rvd_deltavec_encode(const RuvFrameWishes *wishes, const RuvDelta *delta)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	uint8_t	   *frame;
	size_t		size;
	Datum		result;

	rvd_check_delta(ruv_delta_encode(&arena, rvd_frame_rules(), wishes, delta,
									 &frame, &size),
					"encoding a delta");
	result = rvd_deltavec_new(frame, size);
	pfree(frame);
	return result;
}

Datum
rvd_deltavec_best(const RuvFrameWishes *wishes, const RuvDelta *delta)
{
	RuvFrameWishes compressing = *wishes;

	/* nothing to look for in what would be short even without any codec */
	if (delta->nassigned * sizeof(float) < COMPRESS_FROM)
		return rvd_deltavec_encode(wishes, delta);
	compressing.compressor = rvd_compressor(RUV_COMPRESSION_ZSTD);
	compressing.compress_from = COMPRESS_FROM;
	return rvd_deltavec_encode(&compressing, delta);
}

Datum
rvd_delta_to_datum(const RuvDelta *delta)
{
	return rvd_deltavec_best(&ruv_frame_default_wishes, delta);
}

void
rvd_deltavec_decode(const RuvArena *arena, Datum datum, RuvDelta *delta)
{
	struct varlena *frame = PG_DETOAST_DATUM_PACKED(datum);

	rvd_check_delta(ruv_delta_decode(arena, rvd_frame_rules(),
									 (const uint8_t *) VARDATA_ANY(frame),
									 VARSIZE_ANY_EXHDR(frame), delta, NULL),
					"decoding a delta");
	if ((Pointer) frame != DatumGetPointer(datum))
		pfree(frame);
}

void
rvd_delta_from_datum(Datum datum, RuvDelta *delta)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);

	memset(delta, 0, sizeof(*delta));
	rvd_deltavec_decode(&arena, datum, delta);
}

void
rvd_deltavec_compose(const RuvArena *arena, const RuvDelta *a,
					 const RuvDelta *b, RuvDelta *out)
{
	RuvDeltaStatus status;

	/* what is created need not have the dimensions of what was before */
	if (b->kind == RUV_DELTA_CREATE)
		status = ruv_delta_copy(arena, b, out);
	else
	{
		rvd_deltavec_check_pair(a, b);
		status = ruv_delta_compose(arena, a, b, out);
	}
	rvd_check_delta(status, "composing deltas");
}

Datum
rvd_delta_whole(const RvdVector *v)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	delta = {0};

	if (v == NULL)
		ruv_delta_delete(0, &delta);
	else
		rvd_check_delta(ruv_delta_create(&arena, (uint32_t) v->dims, v->x,
										 &delta),
						"making a delta");
	return rvd_delta_to_datum(&delta);
}

Datum
rvd_delta_between(const RvdVector *old, const RvdVector *new)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	delta = {0};

	rvd_vector_check_same_dims(old, new);
	rvd_check_delta(ruv_delta_between(&arena, (uint32_t) old->dims, old->x,
									  new->x, 0, true, &delta),
					"comparing two vectors");
	return rvd_delta_to_datum(&delta);
}

bool
rvd_delta_is_whole(Datum datum)
{
	RuvDelta	delta;

	rvd_delta_from_datum(datum, &delta);
	return delta.kind != RUV_DELTA_CHANGE ||
		(delta.dims > 0 && delta.nassigned == delta.dims);
}

RvdVector *
rvd_delta_applied(const RvdVector *v, Datum datum)
{
	RuvDelta	delta;
	RvdVector  *result;
	bool		exists = v != NULL;
	uint32_t	dims;

	rvd_delta_from_datum(datum, &delta);
	if (v != NULL && delta.kind != RUV_DELTA_CREATE)
		rvd_deltavec_check_fits(&delta, v);
	if (delta.kind == RUV_DELTA_DELETE ||
		(v == NULL && delta.kind != RUV_DELTA_CREATE))
		return NULL;
	dims = delta.kind == RUV_DELTA_CREATE ? delta.dims : (uint32_t) v->dims;
	result = rvd_vector_new((int) dims);
	if (v != NULL && v->dims == (int) dims)
		memcpy(result->x, v->x, dims * sizeof(float));
	rvd_check_delta(ruv_delta_apply(&delta, result->x, dims, &exists),
					"applying a delta");
	return result;
}
