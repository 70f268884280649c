/*
 * rvd_dense_io.c
 *		Text and binary input and output of vector and halfvec.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

#include "core/ruv_vector_text.h"
#include "types/rvd_dense.h"

/* dims and unused, ahead of the elements of the binary form */
#define BINARY_HEADER_SIZE 4

static Datum report_text_fault(const RvdKind *kind, RuvTextFault fault,
							   const char *text, const RuvTextResult *result,
							   Node *escontext);

/*
 * vector_in(cstring, oid, integer) returns vector
 *
 * A half is the float that the text means, rounded once more.
 */
RVD_GENERIC Datum
dense_in(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			room = (int) Min(ruv_vector_text_bound(text),
								 RVD_VECTOR_MAX_DIMS);
	RvdDense   *v = rvd_dense_new(kind, room);
	float	   *x = rvd_floats(v);
	RuvTextResult result;
	RuvTextFault fault;

	if (!rvd_is_float(kind))
		x = (float *) palloc(sizeof(float) * (Size) room);
	fault = ruv_vector_text_parse(text, rvd_parse_float, kind->limit, x, room,
								  &result);
	if (fault != RUV_TEXT_OK)
		return report_text_fault(kind, fault, text, &result, fcinfo->context);
	if (!rvd_dims_fit(typmod, result.count, fcinfo->context))
		return (Datum) 0;

	/* in a valid text every comma stands between two elements */
	Assert(result.count == room);
	rvd_store(kind, v, 0, room, x);
	if (!rvd_is_float(kind))
		pfree(x);
	PG_RETURN_POINTER(v);
}

RVD_DENSE_FUNCTION(in);

static Datum
report_text_fault(const RvdKind *kind, RuvTextFault fault, const char *text,
				  const RuvTextResult *result, Node *escontext)
{
	const char *detail = NULL;

	if (fault == RUV_TEXT_TOO_MANY)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions", kind->type,
						RVD_VECTOR_MAX_DIMS)));
	if (fault == RUV_TEXT_NO_BRACKET)
		detail = "Vector contents must start with \"[\".";
	if (fault == RUV_TEXT_JUNK)
		detail = "Junk after closing right brace.";
	return rvd_text_fault(kind->type, fault, text, detail, result, escontext);
}

/* vector_out(vector) returns cstring */
RVD_GENERIC Datum
dense_out(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	float		buffer[RVD_CHUNK];
	char	   *text;
	char	   *p;

	/*
	 * FLOAT_SHORTEST_DECIMAL_LEN counts a NUL, whose place a separator or the
	 * closing bracket takes; then the opening bracket and the NUL.
	 */
	text = palloc(FLOAT_SHORTEST_DECIMAL_LEN * (Size) v->dims + 2);
	p = text;
	*p++ = '[';
	for (int from = 0, n; from < v->dims; from += n)
	{
		const float *x;

		n = rvd_step(kind, v->dims, from);
		x = rvd_load(kind, v, from, n, buffer);
		for (int i = 0; i < n; i++)
		{
			p = rvd_append_float(p, x[i]);
			*p++ = ',';
		}
	}
	p[-1] = ']';
	*p = '\0';

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_CSTRING(text);
}

RVD_DENSE_FUNCTION(out);

/* vector_typmod_in(cstring[]) returns integer */
RVD_GENERIC Datum
dense_typmod_in(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	PG_RETURN_INT32(rvd_typmod_of(PG_GETARG_ARRAYTYPE_P(0), kind->type,
								  RVD_VECTOR_MAX_DIMS));
}

RVD_DENSE_FUNCTION(typmod_in);

/* n elements from the order of the machine to that of the network, or back */
RVD_GENERIC void
swap_elements(const RvdKind *kind, void *to, const void *from, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (rvd_is_float(kind))
		{
			uint32		bits;

			memcpy(&bits, (const char *) from + sizeof(bits) * (Size) i,
				   sizeof(bits));
			bits = pg_hton32(bits);
			memcpy((char *) to + sizeof(bits) * (Size) i, &bits,
				   sizeof(bits));
		}
		else
		{
			uint16		bits;

			memcpy(&bits, (const char *) from + sizeof(bits) * (Size) i,
				   sizeof(bits));
			bits = pg_hton16(bits);
			memcpy((char *) to + sizeof(bits) * (Size) i, &bits,
				   sizeof(bits));
		}
	}
}

/*
 * vector_recv(internal, oid, integer) returns vector
 *
 * int16 dims, int16 zero, dims elements, all in network order.
 */
RVD_GENERIC Datum
dense_recv(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			dims = (int) pq_getmsgint(buf, sizeof(int16));
	int			unused = (int) pq_getmsgint(buf, sizeof(int16));
	float		buffer[RVD_CHUNK];
	const char *bytes;
	RvdDense   *v;

	rvd_dense_check_dims(kind, dims);
	(void) rvd_dims_fit(typmod, dims, NULL);
	rvd_check_unused(unused);

	/* reports a message that is too short before anything is allocated */
	bytes = pq_getmsgbytes(buf, dims * (int) kind->size);
	v = rvd_dense_new(kind, dims);
	swap_elements(kind, v->x, bytes, dims);
	for (int from = 0, n; from < dims; from += n)
	{
		n = rvd_step(kind, dims, from);
		rvd_check_finite(kind->type, rvd_load(kind, v, from, n, buffer), n);
	}
	PG_RETURN_POINTER(v);
}

RVD_DENSE_FUNCTION(recv);

/* vector_send(vector) returns bytea */
RVD_GENERIC Datum
dense_send(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	Size		size = VARHDRSZ + BINARY_HEADER_SIZE +
		kind->size * (Size) v->dims;
	bytea	   *result = (bytea *) palloc(size);
	char	   *p = VARDATA(result);
	uint16		head[2];

	SET_VARSIZE(result, size);
	head[0] = pg_hton16((uint16) v->dims);
	head[1] = pg_hton16((uint16) v->unused);
	memcpy(p, head, BINARY_HEADER_SIZE);
	swap_elements(kind, p + BINARY_HEADER_SIZE, v->x, v->dims);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_BYTEA_P(result);
}

RVD_DENSE_FUNCTION(send);
