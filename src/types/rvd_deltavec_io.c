/*
 * rvd_deltavec_io.c
 *		Input and output of the type deltavec, as text and as bytes.
 *
 * The binary form is the frame itself.  What comes in is decoded once, so
 * that a stored frame is a valid one; its bytes are kept as they are.
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "types/rvd_deltavec_int.h"

/* deltavec_in(cstring) returns deltavec */
RVD_FUNCTION(rvd_deltavec_in);
Datum
rvd_deltavec_in(PG_FUNCTION_ARGS)
{
	RuvDelta	delta = {0};

	if (!rvd_deltavec_parse(PG_GETARG_CSTRING(0), fcinfo->context, &delta))
		return (Datum) 0;
	PG_RETURN_DATUM(rvd_delta_to_datum(&delta));
}

/* deltavec_out(deltavec) returns cstring */
RVD_FUNCTION(rvd_deltavec_out);
Datum
rvd_deltavec_out(PG_FUNCTION_ARGS)
{
	RuvDelta	delta;

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	PG_RETURN_CSTRING(rvd_deltavec_print(&delta));
}

/* A deltavec from bytes that may be anybody's. */
static Datum
deltavec_of_bytes(const uint8_t *frame, size_t size)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	delta = {0};
	RuvDeltaStatus status = ruv_delta_decode(&arena, rvd_frame_rules(), frame,
											 size, &delta, NULL);

	if (status == RUV_DELTA_LIMIT || status == RUV_DELTA_MEMORY)
		rvd_check_delta(status, "reading a delta frame");
	if (status != RUV_DELTA_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("%s", ruv_delta_message(status)),
				 errdetail("The frame has %zu bytes.", size)));
	ruv_delta_free(&arena, &delta);
	return rvd_deltavec_new(frame, size);
}

/* deltavec_recv(internal) returns deltavec */
RVD_FUNCTION(rvd_deltavec_recv);
Datum
rvd_deltavec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			size = buf->len - buf->cursor;
	const char *frame = pq_getmsgbytes(buf, size);

	return deltavec_of_bytes((const uint8_t *) frame, (size_t) size);
}

/* deltavec(bytea) returns deltavec */
RVD_FUNCTION(rvd_bytea_to_deltavec);
Datum
rvd_bytea_to_deltavec(PG_FUNCTION_ARGS)
{
	bytea	   *frame = PG_GETARG_BYTEA_PP(0);

	return deltavec_of_bytes((const uint8_t *) VARDATA_ANY(frame),
							 VARSIZE_ANY_EXHDR(frame));
}

/* deltavec_send(deltavec) returns bytea: both hold the same bytes */
RVD_FUNCTION(rvd_deltavec_send);
Datum
rvd_deltavec_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/*
 * deltavec_typanalyze(internal) returns boolean
 *
 * No statistics: nothing is planned by them, and without an order ANALYZE
 * would hold every delta of its sample against hundreds of others.
 */
RVD_FUNCTION(rvd_deltavec_typanalyze);
Datum
rvd_deltavec_typanalyze(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(false);
}
