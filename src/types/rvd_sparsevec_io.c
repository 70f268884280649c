/*
 * rvd_sparsevec_io.c
 *		Text and binary input and output of the type sparsevec, its limits and
 *		its checks.
 *
 * SQL counts indices from 1, the image and the binary form from 0.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

#include "core/ruv_sparse_text.h"
#include "core/ruv_vector_text.h"
#include "types/rvd_sparsevec.h"

/* dims, count and unused, ahead of the elements of the binary form */
#define BINARY_HEADER_SIZE (3 * sizeof(int32))

/* Digits of an int32, and its sign */
#define INDEX_LENGTH 11

static Datum report_text_fault(RuvTextFault fault, const char *text,
							   const RuvTextResult *result, Node *escontext);
static Datum report_fault(RuvSparseFault fault, Node *escontext);
static RvdSparsevec *from_elements(RuvSparseElement *elements,
								   int count, int dims);
static bool is_ascending(const RuvSparseElement *elements, int count);
static int	compare_elements(const void *a, const void *b);

/* A vector of count elements, which the caller has to set. */
RvdSparsevec *
rvd_sparsevec_new(int dims, int count)
{
	Size		size = rvd_sparsevec_size(count);
	RvdSparsevec *v = (RvdSparsevec *) palloc0(size);

	SET_VARSIZE(v, size);
	v->dims = dims;
	v->count = count;
	return v;
}

void
rvd_sparsevec_check_count(int64 count, int dims)
{
	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sparsevec cannot have negative number of elements")));
	if (count > RVD_SPARSEVEC_MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more than %d non-zero elements",
						RVD_SPARSEVEC_MAX_COUNT)));
	if (count > dims)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more elements than dimensions")));
}

/* sparsevec_in(cstring, oid, integer) returns sparsevec */
RVD_FUNCTION(rvd_sparsevec_in);
Datum
rvd_sparsevec_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	Node	   *escontext = fcinfo->context;
	size_t		room = ruv_vector_text_bound(text);
	RuvSparseElement *elements;
	RuvSparseTextResult result;
	RuvTextFault text_fault;
	RuvSparseFault fault;
	RvdSparsevec *v;

	/* before anything else, and zeros count, too */
	if (room > RVD_SPARSEVEC_MAX_COUNT)
		return report_text_fault(RUV_TEXT_TOO_MANY, text, NULL, escontext);

	elements = (RuvSparseElement *) palloc(sizeof(*elements) * room);
	text_fault = ruv_sparse_text_parse(text, rvd_parse_float, elements,
									   &result);
	if (text_fault != RUV_TEXT_OK)
		return report_text_fault(text_fault, text, &result.text, escontext);
	if (result.dims < 1)
		return report_text_fault(RUV_TEXT_NO_ELEMENT, text, NULL, escontext);
	if (result.dims > RVD_SPARSEVEC_MAX_DIMS)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more than %d dimensions",
						RVD_SPARSEVEC_MAX_DIMS)));
	if (!rvd_dims_fit(typmod, result.dims, escontext))
		return (Datum) 0;

	v = from_elements(elements, result.text.count, result.dims);
	pfree(elements);
	fault = ruv_sparse_fault(rvd_sparse_of(v), v->dims);
	if (fault != RUV_SPARSE_OK)
		return report_fault(fault, escontext);
	PG_RETURN_POINTER(v);
}

/* Elements in the order of their indices, but not otherwise checked. */
static RvdSparsevec *
from_elements(RuvSparseElement *elements, int count, int dims)
{
	RvdSparsevec *v = rvd_sparsevec_new(dims, count);
	float	   *values = rvd_sparsevec_values(v);

	if (!is_ascending(elements, count))
		qsort(elements, (size_t) count, sizeof(*elements), compare_elements);
	for (int i = 0; i < count; i++)
	{
		v->indices[i] = elements[i].index;
		values[i] = elements[i].value;
	}
	return v;
}

static bool
is_ascending(const RuvSparseElement *elements, int count)
{
	for (int i = 1; i < count; i++)
	{
		if (elements[i - 1].index > elements[i].index)
			return false;
	}
	return true;
}

static int
compare_elements(const void *a, const void *b)
{
	int32		x = ((const RuvSparseElement *) a)->index;
	int32		y = ((const RuvSparseElement *) b)->index;

	return (x > y) - (x < y);
}

/* Returns only if the caller of the input function wants soft errors. */
static Datum
report_text_fault(RuvTextFault fault, const char *text,
				  const RuvTextResult *result, Node *escontext)
{
	const char *detail = NULL;

	if (fault == RUV_TEXT_TOO_MANY)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more than %d non-zero elements",
						RVD_SPARSEVEC_MAX_COUNT)));
	if (fault == RUV_TEXT_NO_BRACKET)
		detail = "Vector contents must start with \"{\".";
	if (fault == RUV_TEXT_NO_DIMS)
		detail = "Unexpected end of input.";
	if (fault == RUV_TEXT_JUNK)
		detail = "Junk after closing.";
	return rvd_text_fault(RVD_SPARSEVEC, fault, text, detail, result,
						  escontext);
}

/* The same for what is wrong with elements. */
static Datum
report_fault(RuvSparseFault fault, Node *escontext)
{
	switch (fault)
	{
		case RUV_SPARSE_DESCENDING:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("sparsevec indices must be in ascending order")));
		case RUV_SPARSE_DUPLICATE:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("sparsevec indices must not contain duplicates")));
		case RUV_SPARSE_NAN:
			return rvd_text_fault(RVD_SPARSEVEC, RUV_TEXT_NAN, NULL, NULL,
								  NULL, escontext);
		case RUV_SPARSE_INFINITE:
			return rvd_text_fault(RVD_SPARSEVEC, RUV_TEXT_INFINITE, NULL,
								  NULL, NULL, escontext);
		case RUV_SPARSE_ZERO:
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("binary representation of sparsevec cannot contain zero values")));
		case RUV_SPARSE_OUT_OF_BOUNDS:
		case RUV_SPARSE_OK:
			break;
	}
	ereturn(escontext, (Datum) 0,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("sparsevec index out of bounds")));
}

/* sparsevec_out(sparsevec) returns cstring */
RVD_FUNCTION(rvd_sparsevec_out);
Datum
rvd_sparsevec_out(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	const float *values = rvd_sparsevec_values(v);
	char	   *text;
	char	   *p;

	/*
	 * For each element an index, a colon, a value and, where
	 * FLOAT_SHORTEST_DECIMAL_LEN counts a NUL, a comma; then two braces, a
	 * slash, dims and the NUL.
	 */
	text = palloc((INDEX_LENGTH + 1 + FLOAT_SHORTEST_DECIMAL_LEN) *
					  (Size) v->count +
				  3 + INDEX_LENGTH + 1);
	p = text;
	*p++ = '{';
	for (int i = 0; i < v->count; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += pg_ltoa(v->indices[i] + 1, p);
		*p++ = ':';
		p = rvd_append_float(p, values[i]);
	}
	*p++ = '}';
	*p++ = '/';
	/* writes the NUL, too */
	(void) pg_ltoa(v->dims, p);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_CSTRING(text);
}

/* sparsevec_typmod_in(cstring[]) returns integer */
RVD_FUNCTION(rvd_sparsevec_typmod_in);
Datum
rvd_sparsevec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rvd_typmod_of(PG_GETARG_ARRAYTYPE_P(0), RVD_SPARSEVEC,
								  RVD_SPARSEVEC_MAX_DIMS));
}

/* n numbers of 32 bits from the order of the machine to that of the network */
static void
swap_words(void *to, const void *from, int n)
{
	for (int i = 0; i < n; i++)
	{
		uint32		word;

		memcpy(&word, (const char *) from + sizeof(word) * (Size) i,
			   sizeof(word));
		word = pg_hton32(word);
		memcpy((char *) to + sizeof(word) * (Size) i, &word, sizeof(word));
	}
}

/*
 * sparsevec_recv(internal, oid, integer) returns sparsevec
 *
 * int32 dims, int32 count, int32 zero, count times int32, count times float4,
 * all in network order.
 */
RVD_FUNCTION(rvd_sparsevec_recv);
Datum
rvd_sparsevec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	int32		dims = (int32) pq_getmsgint(buf, sizeof(int32));
	int32		count = (int32) pq_getmsgint(buf, sizeof(int32));
	int32		unused = (int32) pq_getmsgint(buf, sizeof(int32));
	const char *bytes;
	RuvSparseFault fault;
	RvdSparsevec *v;

	rvd_check_dims(RVD_SPARSEVEC, dims, RVD_SPARSEVEC_MAX_DIMS);
	rvd_sparsevec_check_count(count, dims);
	(void) rvd_dims_fit(typmod, dims, NULL);
	rvd_check_unused(unused);

	/* reports a message that is too short before anything is allocated */
	bytes = pq_getmsgbytes(buf, count * (int) RVD_SPARSEVEC_ELEMENT);
	v = rvd_sparsevec_new(dims, count);
	swap_words(v->indices, bytes, 2 * count);
	fault = ruv_sparse_fault(rvd_sparse_of(v), dims);
	if (fault != RUV_SPARSE_OK)
		(void) report_fault(fault, NULL);
	PG_RETURN_POINTER(v);
}

/* sparsevec_send(sparsevec) returns bytea */
RVD_FUNCTION(rvd_sparsevec_send);
Datum
rvd_sparsevec_send(PG_FUNCTION_ARGS)
{
	RvdSparsevec *v = RVD_GETARG_SPARSEVEC(0);
	Size		size = VARHDRSZ + BINARY_HEADER_SIZE +
		RVD_SPARSEVEC_ELEMENT * (Size) v->count;
	bytea	   *result = (bytea *) palloc(size);

	/* as on disk, behind the header */
	StaticAssertStmt(offsetof(RvdSparsevec, indices) ==
						 VARHDRSZ + BINARY_HEADER_SIZE,
					 "the binary form is the image");
	SET_VARSIZE(result, size);
	swap_words(VARDATA(result), &v->dims, 3 + 2 * v->count);

	PG_FREE_IF_COPY(v, 0);
	PG_RETURN_BYTEA_P(result);
}
