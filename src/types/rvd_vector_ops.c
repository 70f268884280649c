/*
 * rvd_vector_ops.c
 *		Arithmetic on vectors, and the functions that take them apart.
 */
#include "postgres.h"

#include <math.h>

#include "utils/float.h"
#include "utils/varbit.h"

#include "types/rvd_vector.h"

static void report_product_out_of_range(const RvdVector *a,
										const RvdVector *b,
										const RvdVector *product);
static VarBit *new_bits(int length);
static uint8 sign_bits(const float *x, int n);

/* Where elements of finite vectors were added: an overflow is an error. */
static void
check_overflow(const RvdVector *v)
{
	bool		finite = true;

	for (int i = 0; i < v->dims; i++)
		finite &= isfinite(v->x[i]) != 0;
	if (unlikely(!finite))
		float_overflow_error();
}

/*
 * target_of_sum
 *		The vector that takes the result of a + b.
 *
 * sum(vector) calls vector_add for every row.  There the first argument is
 * the running total, which nobody else sees, so the result may overwrite it;
 * so may it a detoasted copy, in any call.
 */
static RvdVector *
target_of_sum(FunctionCallInfo fcinfo, RvdVector *a)
{
	if ((Pointer) a != DatumGetPointer(PG_GETARG_DATUM(0)) ||
		AggCheckCallContext(fcinfo, NULL) != 0)
		return a;
	return rvd_vector_new(a->dims);
}

/* vector_add(vector, vector) returns vector */
RVD_FUNCTION(rvd_vector_add);
Datum
rvd_vector_add(PG_FUNCTION_ARGS)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	RvdVector  *sum;

	rvd_vector_check_same_dims(a, b);
	sum = target_of_sum(fcinfo, a);
	for (int i = 0; i < a->dims; i++)
		sum->x[i] = a->x[i] + b->x[i];
	check_overflow(sum);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_POINTER(sum);
}

/* vector_sub(vector, vector) returns vector */
RVD_FUNCTION(rvd_vector_sub);
Datum
rvd_vector_sub(PG_FUNCTION_ARGS)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	RvdVector  *difference;

	rvd_vector_check_same_dims(a, b);
	difference = rvd_vector_new(a->dims);
	for (int i = 0; i < a->dims; i++)
		difference->x[i] = a->x[i] - b->x[i];
	check_overflow(difference);
	PG_RETURN_POINTER(difference);
}

/*
 * vector_mul(vector, vector) returns vector
 *
 * Element by element.  A product that vanishes though neither factor is zero
 * is an error, as for float4.
 */
RVD_FUNCTION(rvd_vector_mul);
Datum
rvd_vector_mul(PG_FUNCTION_ARGS)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	RvdVector  *product;
	bool		in_range = true;

	rvd_vector_check_same_dims(a, b);
	product = rvd_vector_new(a->dims);
	for (int i = 0; i < a->dims; i++)
	{
		float		p = a->x[i] * b->x[i];

		product->x[i] = p;
		in_range &= isfinite(p) && (p != 0 || a->x[i] == 0 || b->x[i] == 0);
	}
	if (unlikely(!in_range))
		report_product_out_of_range(a, b, product);
	PG_RETURN_POINTER(product);
}

/* The first element decides whether it is called overflow or underflow. */
static void
report_product_out_of_range(const RvdVector *a, const RvdVector *b,
							const RvdVector *product)
{
	for (int i = 0; i < product->dims; i++)
	{
		if (isinf(product->x[i]))
			float_overflow_error();
		if (product->x[i] == 0 && a->x[i] != 0 && b->x[i] != 0)
			float_underflow_error();
	}
	elog(ERROR, "product of vectors is not a number");
}

/* vector_concat(vector, vector) returns vector */
RVD_FUNCTION(rvd_vector_concat);
Datum
rvd_vector_concat(PG_FUNCTION_ARGS)
{
	RvdVector  *a = RVD_GETARG_VECTOR(0);
	RvdVector  *b = RVD_GETARG_VECTOR(1);
	RvdVector  *result;
	int			dims = a->dims + b->dims;

	rvd_vector_check_dims(dims);
	result = rvd_vector_new(dims);
	memcpy(result->x, a->x, sizeof(float) * (Size) a->dims);
	memcpy(result->x + a->dims, b->x, sizeof(float) * (Size) b->dims);
	PG_RETURN_POINTER(result);
}

/*
 * subvector(vector, integer, integer) returns vector
 *
 * Elements start to start + count - 1, counted from 1; those that do not
 * exist are left out, as substring does, but one must remain.
 */
RVD_FUNCTION(rvd_subvector);
Datum
rvd_subvector(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	int64		start = PG_GETARG_INT32(1);
	int64		count = PG_GETARG_INT32(2);
	int64		first = Max(start, 1);
	int64		last = Min(start + count - 1, v->dims);
	int64		dims = last - first + 1;
	RvdVector  *result;

	rvd_vector_check_dims(dims);
	result = rvd_vector_new((int) dims);
	memcpy(result->x, v->x + first - 1, sizeof(float) * (Size) dims);
	PG_RETURN_POINTER(result);
}

/* vector_dims(vector) returns integer */
RVD_FUNCTION(rvd_vector_dims);
Datum
rvd_vector_dims(PG_FUNCTION_ARGS)
{
	/* the head of a toasted value is enough, and costs one chunk at most */
	RvdVector  *v = (RvdVector *)
		PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0,
							   offsetof(RvdVector, x) - VARHDRSZ);

	PG_RETURN_INT32(v->dims);
}

/*
 * l2_normalize(vector) returns vector
 *
 * The zero vector has no direction and stays what it is.
 */
RVD_FUNCTION(rvd_l2_normalize);
Datum
rvd_l2_normalize(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	RvdVector  *result = rvd_vector_new(v->dims);
	double		norm = rvd_vector_l2_norm(v);

	if (norm > 0)
	{
		for (int i = 0; i < v->dims; i++)
			result->x[i] = (float) (v->x[i] / norm);
		check_overflow(result);
	}
	PG_RETURN_POINTER(result);
}

/*
 * binary_quantize(vector) returns bit
 *
 * A one for every element above zero.
 */
RVD_FUNCTION(rvd_binary_quantize);
Datum
rvd_binary_quantize(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);
	VarBit	   *bits = new_bits(v->dims);
	bits8	   *out = VARBITS(bits);

	for (int i = 0; i < v->dims; i += BITS_PER_BYTE)
		*out++ = sign_bits(&v->x[i], Min(v->dims - i, BITS_PER_BYTE));
	PG_RETURN_VARBIT_P(bits);
}

static VarBit *
new_bits(int length)
{
	VarBit	   *bits = (VarBit *) palloc(VARBITTOTALLEN(length));

	SET_VARSIZE(bits, VARBITTOTALLEN(length));
	VARBITLEN(bits) = length;
	return bits;
}

/* The first element is the most significant bit; unused bits are zero. */
static uint8
sign_bits(const float *x, int n)
{
	uint8		byte = 0;

	for (int i = 0; i < n; i++)
		byte |= (uint8) ((x[i] > 0) << (BITS_PER_BYTE - 1 - i));
	return byte;
}
