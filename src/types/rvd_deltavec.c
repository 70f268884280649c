/*
 * rvd_deltavec.c
 *		Deltas between the core's form and SQL's.
 */
#include "postgres.h"

#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#include "pg/rvd_memory.h"
#include "types/rvd_deltavec.h"

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
	if (status != RUV_DELTA_OK)
		ereport(ERROR,
				(errcode(sqlstate_of(status)),
				 errmsg("%s", ruv_delta_message(status)),
				 errdetail("Found while %s.", what)));
}

/* The server's own, which uses instructions where the processor has them. */
static uint32_t
server_crc32c(uint32_t crc, const void *data, size_t size)
{
	crc = ~crc;
	COMP_CRC32C(crc, data, size);
	return ~crc;
}

const RuvFrameRules *
rvd_frame_rules(void)
{
	static const RuvFrameRules rules = {.crc32c = server_crc32c,
										.max_dims = RVD_VECTOR_MAX_DIMS};

	return &rules;
}

Datum
rvd_delta_to_datum(const RuvDelta *delta)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	uint8_t    *frame;
	size_t		size;
	struct varlena *result;

	rvd_check_delta(ruv_delta_encode(&arena, rvd_frame_rules(), NULL, delta,
									 &frame, &size),
					"encoding a delta");
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), frame, size);
	pfree(frame);
	return PointerGetDatum(result);
}

void
rvd_delta_from_datum(Datum datum, RuvDelta *delta)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	struct varlena *frame = PG_DETOAST_DATUM_PACKED(datum);

	memset(delta, 0, sizeof(*delta));
	rvd_check_delta(ruv_delta_decode(&arena, rvd_frame_rules(),
									 (const uint8_t *) VARDATA_ANY(frame),
									 VARSIZE_ANY_EXHDR(frame), delta, NULL),
					"decoding a delta");
}

Datum
rvd_delta_whole(const RvdVector *v)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	delta = {0};

	if (v == NULL)
		ruv_delta_delete(0, &delta);
	else
		rvd_check_delta(
			ruv_delta_create(&arena, (uint32_t) v->dims, v->x, &delta),
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

RvdVector *
rvd_delta_applied(const RvdVector *v, Datum datum)
{
	RuvDelta	delta;
	RvdVector  *result;
	bool		exists = v != NULL;
	uint32_t	dims;

	rvd_delta_from_datum(datum, &delta);
	dims = delta.kind == RUV_DELTA_CREATE ? delta.dims :
		v == NULL						   ? 0 :
											 (uint32_t) v->dims;
	if (delta.kind == RUV_DELTA_DELETE || dims == 0)
		return NULL;
	if (delta.dims != 0 && delta.dims != dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different dimensions of vector and deltavec"),
				 errdetail("The vector has %u dimensions, the deltavec %u.",
						   dims, delta.dims)));
	rvd_vector_check_dims(dims);
	result = rvd_vector_new((int) dims);
	if (v != NULL && v->dims == (int) dims)
		memcpy(result->x, v->x, dims * sizeof(float));
	else
		memset(result->x, 0, dims * sizeof(float));
	rvd_check_delta(ruv_delta_apply(&delta, result->x, dims, &exists),
					"applying a delta");
	return exists ? result : NULL;
}
