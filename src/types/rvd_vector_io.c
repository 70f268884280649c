/*
 * rvd_vector_io.c
 *		Text and binary input and output of the type vector.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "utils/array.h"

#include "core/ruv_vector_text.h"
#include "types/rvd_vector.h"

/* dims and unused, ahead of the elements of the binary form */
#define BINARY_HEADER_SIZE 4

static Datum report_text_fault(RuvTextFault fault, const char *text,
							   const RuvTextResult *result, Node *escontext);
static int	syntax_detail(RuvTextFault fault);
static Datum report_number_fault(RuvTextFault fault,
								 const RuvTextResult *result,
								 Node *escontext);

/* The server keeps LC_NUMERIC at C, which is what strtof must run in. */
static float
parse_float(const char *text, char **end)
{
	return strtof(text, end);
}

static inline uint32
float_to_network(float value)
{
	uint32		bits;

	memcpy(&bits, &value, sizeof(bits));
	return pg_hton32(bits);
}

static inline float
network_to_float(uint32 bits)
{
	float		value;

	bits = pg_ntoh32(bits);
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* vector_in(cstring, oid, integer) returns vector */
RVD_FUNCTION(rvd_vector_in);
Datum
rvd_vector_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			room = (int) Min(ruv_vector_text_bound(text),
								 RVD_VECTOR_MAX_DIMS);
	RvdVector  *v = rvd_vector_new(room);
	RuvTextResult result;
	RuvTextFault fault;

	fault = ruv_vector_text_parse(text, parse_float, INFINITY, v->x, room,
								  &result);
	if (fault != RUV_TEXT_OK)
		return report_text_fault(fault, text, &result, fcinfo->context);
	if (!rvd_vector_fits(typmod, result.count, fcinfo->context))
		return (Datum) 0;

	/* in a valid text every comma stands between two elements */
	Assert(result.count == room);
	PG_RETURN_POINTER(v);
}

/*
 * report_text_fault
 *		Say what is wrong with a text.
 *
 * Returns only if the caller of the input function wants soft errors.
 */
static Datum
report_text_fault(RuvTextFault fault, const char *text,
				  const RuvTextResult *result, Node *escontext)
{
	switch (fault)
	{
		case RUV_TEXT_NO_ELEMENT:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("vector must have at least 1 dimension")));
		case RUV_TEXT_TOO_MANY:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("vector cannot have more than %d dimensions",
							RVD_VECTOR_MAX_DIMS)));
		case RUV_TEXT_OUT_OF_RANGE:
		case RUV_TEXT_NAN:
		case RUV_TEXT_INFINITE:
			return report_number_fault(fault, result, escontext);
		case RUV_TEXT_NO_BRACKET:
		case RUV_TEXT_JUNK:
		case RUV_TEXT_NO_NUMBER:
		case RUV_TEXT_NO_SEPARATOR:
		case RUV_TEXT_NO_DIMS:
		case RUV_TEXT_OK:
			break;
	}
	ereturn(escontext, (Datum) 0,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type vector: \"%s\"", text),
			 syntax_detail(fault)));
}

static int
syntax_detail(RuvTextFault fault)
{
	if (fault == RUV_TEXT_NO_BRACKET)
		return errdetail("Vector contents must start with \"[\".");
	if (fault == RUV_TEXT_JUNK)
		return errdetail("Junk after closing right brace.");
	return 0;
}

/* The same for a number that is none of a vector's. */
static Datum
report_number_fault(RuvTextFault fault, const RuvTextResult *result,
					Node *escontext)
{
	if (fault == RUV_TEXT_NAN)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in vector")));
	if (fault == RUV_TEXT_INFINITE)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("infinite value not allowed in vector")));
	ereturn(escontext, (Datum) 0,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("\"%.*s\" is out of range for type vector",
					(int) (result->end - result->begin), result->begin)));
}

/* vector_out(vector) returns cstring */
RVD_FUNCTION(rvd_vector_out);
Datum
rvd_vector_out(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	char	   *text;
	char	   *p;

	/*
	 * FLOAT_SHORTEST_DECIMAL_LEN counts a NUL, whose place a separator or the
	 * closing bracket takes; then the opening bracket and the NUL.
	 */
	text = palloc(FLOAT_SHORTEST_DECIMAL_LEN * (Size) v->dims + 2);
	p = text;
	*p++ = '[';
	for (int i = 0; i < v->dims; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += float_to_shortest_decimal_bufn(v->x[i], p);
	}
	*p++ = ']';
	*p = '\0';

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_CSTRING(text);
}

/* vector_typmod_in(cstring[]) returns integer */
RVD_FUNCTION(rvd_vector_typmod_in);
Datum
rvd_vector_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			n;
	int32	   *modifiers = ArrayGetIntegerTypmods(array, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	if (modifiers[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type vector must be at least 1")));
	if (modifiers[0] > RVD_VECTOR_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type vector cannot exceed %d",
						RVD_VECTOR_MAX_DIMS)));
	PG_RETURN_INT32(modifiers[0]);
}

/*
 * vector_recv(internal, oid, integer) returns vector
 *
 * int16 dims, int16 zero, dims times float4, all in network order.
 */
RVD_FUNCTION(rvd_vector_recv);
Datum
rvd_vector_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			dims = (int) pq_getmsgint(buf, sizeof(int16));
	int			unused = (int) pq_getmsgint(buf, sizeof(int16));
	const char *bytes;
	RvdVector  *v;

	rvd_vector_check_dims(dims);
	(void) rvd_vector_fits(typmod, dims, NULL);
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));

	/* reports a message that is too short before anything is allocated */
	bytes = pq_getmsgbytes(buf, dims * (int) sizeof(float));
	v = rvd_vector_new(dims);
	for (int i = 0; i < dims; i++)
	{
		uint32		bits;

		memcpy(&bits, bytes + sizeof(bits) * (Size) i, sizeof(bits));
		v->x[i] = network_to_float(bits);
	}
	rvd_vector_check_finite(v->x, dims);
	PG_RETURN_POINTER(v);
}

/* vector_send(vector) returns bytea */
RVD_FUNCTION(rvd_vector_send);
Datum
rvd_vector_send(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	Size		size = VARHDRSZ + BINARY_HEADER_SIZE +
		sizeof(float) * (Size) v->dims;
	bytea	   *result = (bytea *) palloc(size);
	char	   *p = VARDATA(result);
	uint16		head[2];

	SET_VARSIZE(result, size);
	head[0] = pg_hton16((uint16) v->dims);
	head[1] = pg_hton16((uint16) v->unused);
	memcpy(p, head, BINARY_HEADER_SIZE);
	p += BINARY_HEADER_SIZE;
	for (int i = 0; i < v->dims; i++)
	{
		uint32		bits = float_to_network(v->x[i]);

		memcpy(p + sizeof(bits) * (Size) i, &bits, sizeof(bits));
	}

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_BYTEA_P(result);
}
