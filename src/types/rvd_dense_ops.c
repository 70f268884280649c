/*
 * rvd_dense_ops.c
 *		Arithmetic on dense vectors, and the functions that take them apart.
 *
 * Halves are computed as floats, and each result is rounded to a half once.
 */
#include "postgres.h"

#include "utils/float.h"
#include "utils/varbit.h"

#include "types/rvd_dense.h"

static VarBit *new_bits(int length);

/* Where finite elements were computed with: an overflow is an error. */
RVD_GENERIC void
check_overflow(const RvdKind *kind, const RvdDense *v)
{
	bool		finite = true;

	for (int i = 0; i < v->dims; i++)
		finite &= rvd_element_is_finite(kind, v, i);
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
RVD_GENERIC RvdDense *
target_of_sum(FunctionCallInfo fcinfo, const RvdKind *kind, RvdDense *a)
{
	if ((Pointer) a != DatumGetPointer(PG_GETARG_DATUM(0)) ||
		AggCheckCallContext(fcinfo, NULL) != 0)
		return a;
	return rvd_dense_new(kind, a->dims);
}

typedef enum Operation
{
	ADD,
	SUBTRACT,
	MULTIPLY
} Operation;

/* The result may be a. */
RVD_GENERIC void
compute(const RvdKind *kind, Operation operation, const RvdDense *a,
		const RvdDense *b, RvdDense *result)
{
	float		buffers[3][RVD_CHUNK];

	for (int from = 0, n; from < a->dims; from += n)
	{
		const float *x;
		const float *y;
		float	   *out = rvd_room(kind, result, from, buffers[2]);

		n = rvd_step(kind, a->dims, from);
		x = rvd_load(kind, a, from, n, buffers[0]);
		y = rvd_load(kind, b, from, n, buffers[1]);
		for (int i = 0; i < n; i++)
		{
			if (operation == ADD)
				out[i] = x[i] + y[i];
			else if (operation == SUBTRACT)
				out[i] = x[i] - y[i];
			else
				out[i] = x[i] * y[i];
		}
		rvd_store(kind, result, from, n, out);
	}
}

/* vector_add(vector, vector) returns vector */
RVD_GENERIC Datum
dense_add(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	RvdDense   *sum;

	rvd_check_same_dims(kind, a, b);
	sum = target_of_sum(fcinfo, kind, a);
	compute(kind, ADD, a, b, sum);
	check_overflow(kind, sum);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_POINTER(sum);
}

RVD_DENSE_FUNCTION(add);

/* vector_sub(vector, vector) returns vector */
RVD_GENERIC Datum
dense_sub(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	RvdDense   *difference;

	rvd_check_same_dims(kind, a, b);
	difference = rvd_dense_new(kind, a->dims);
	compute(kind, SUBTRACT, a, b, difference);
	check_overflow(kind, difference);
	PG_RETURN_POINTER(difference);
}

RVD_DENSE_FUNCTION(sub);

/* Is element i zero though neither factor is? */
RVD_GENERIC bool
has_vanished(const RvdKind *kind, const RvdDense *a, const RvdDense *b,
			 const RvdDense *product, int i)
{
	return rvd_element_is_zero(kind, product, i) &&
		!rvd_element_is_zero(kind, a, i) && !rvd_element_is_zero(kind, b, i);
}

/* The first element decides whether it is called overflow or underflow. */
RVD_GENERIC void
check_product(const RvdKind *kind, const RvdDense *a, const RvdDense *b,
			  const RvdDense *product)
{
	bool		in_range = true;

	for (int i = 0; i < product->dims; i++)
	{
		in_range &= rvd_element_is_finite(kind, product, i);
		in_range &= !has_vanished(kind, a, b, product, i);
	}
	if (likely(in_range))
		return;

	for (int i = 0; i < product->dims; i++)
	{
		if (!rvd_element_is_finite(kind, product, i))
			float_overflow_error();
		if (has_vanished(kind, a, b, product, i))
			float_underflow_error();
	}
}

/*
 * vector_mul(vector, vector) returns vector
 *
 * Element by element.  A product that vanishes though neither factor is zero
 * is an error, as for float4.
 */
RVD_GENERIC Datum
dense_mul(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	RvdDense   *product;

	rvd_check_same_dims(kind, a, b);
	product = rvd_dense_new(kind, a->dims);
	compute(kind, MULTIPLY, a, b, product);
	check_product(kind, a, b, product);
	PG_RETURN_POINTER(product);
}

RVD_DENSE_FUNCTION(mul);

/* vector_concat(vector, vector) returns vector */
RVD_GENERIC Datum
dense_concat(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *a = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *b = RVD_GETARG_DENSE(kind, 1);
	RvdDense   *result;
	int			dims = a->dims + b->dims;

	rvd_dense_check_dims(kind, dims);
	result = rvd_dense_new(kind, dims);
	memcpy(result->x, a->x, kind->size * (Size) a->dims);
	memcpy(rvd_element(kind, result, a->dims), b->x,
		   kind->size * (Size) b->dims);
	PG_RETURN_POINTER(result);
}

RVD_DENSE_FUNCTION(concat);

/*
 * subvector(vector, integer, integer) returns vector
 *
 * Elements start to start + count - 1, counted from 1; those that do not
 * exist are left out, as substring does, but one must remain.
 */
RVD_GENERIC Datum
dense_subvector(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	int64		start = PG_GETARG_INT32(1);
	int64		count = PG_GETARG_INT32(2);
	int64		first = Max(start, 1);
	int64		last = Min(start + count - 1, v->dims);
	int64		dims = last - first + 1;
	RvdDense   *result;

	rvd_dense_check_dims(kind, dims);
	result = rvd_dense_new(kind, (int) dims);
	memcpy(result->x, rvd_element(kind, v, (int) first - 1),
		   kind->size * (Size) dims);
	PG_RETURN_POINTER(result);
}

RVD_DENSE_FUNCTION(subvector);

/* vector_dims(vector) returns integer */
RVD_GENERIC Datum
dense_dims(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	/* the head of a toasted value is enough, and costs one chunk at most */
	RvdDense   *v = (RvdDense *)
		PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0,
							   offsetof(RvdDense, x) - VARHDRSZ);

	PG_RETURN_INT32(v->dims);
}

RVD_DENSE_FUNCTION(dims);

/*
 * l2_normalize(vector) returns vector
 *
 * The zero vector has no direction and stays what it is.
 */
RVD_GENERIC Datum
dense_l2_normalize(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	RvdDense   *result = rvd_dense_new(kind, v->dims);
	double		norm = rvd_dense_l2_norm(kind, v);
	float		buffers[2][RVD_CHUNK];

	if (norm > 0)
	{
		for (int from = 0, n; from < v->dims; from += n)
		{
			const float *x;
			float	   *out = rvd_room(kind, result, from, buffers[1]);

			n = rvd_step(kind, v->dims, from);
			x = rvd_load(kind, v, from, n, buffers[0]);
			for (int i = 0; i < n; i++)
				out[i] = (float) (x[i] / norm);
			rvd_store(kind, result, from, n, out);
		}
		check_overflow(kind, result);
	}
	PG_RETURN_POINTER(result);
}

RVD_DENSE_FUNCTION(l2_normalize);

static VarBit *
new_bits(int length)
{
	VarBit	   *bits = (VarBit *) palloc(VARBITTOTALLEN(length));

	SET_VARSIZE(bits, VARBITTOTALLEN(length));
	VARBITLEN(bits) = length;
	return bits;
}

/* The first element is the most significant bit; unused bits are zero. */
static inline uint8
sign_bits(const float *x, int n)
{
	uint8		byte = 0;

	for (int i = 0; i < n; i++)
		byte |= (uint8) ((x[i] > 0) << (BITS_PER_BYTE - 1 - i));
	return byte;
}

/*
 * binary_quantize(vector) returns bit
 *
 * A one for every element above zero.
 */
RVD_GENERIC Datum
dense_binary_quantize(FunctionCallInfo fcinfo, const RvdKind *kind)
{
	RvdDense   *v = RVD_GETARG_DENSE(kind, 0);
	VarBit	   *bits = new_bits(v->dims);
	bits8	   *out = VARBITS(bits);
	float		buffer[RVD_CHUNK];

	StaticAssertStmt(RVD_CHUNK % BITS_PER_BYTE == 0,
					 "a byte's elements are in one chunk");
	for (int from = 0, n; from < v->dims; from += n)
	{
		const float *x;

		n = rvd_step(kind, v->dims, from);
		x = rvd_load(kind, v, from, n, buffer);
		for (int i = 0; i < n; i += BITS_PER_BYTE)
			*out++ = sign_bits(&x[i], Min(n - i, BITS_PER_BYTE));
	}
	PG_RETURN_VARBIT_P(bits);
}

RVD_DENSE_FUNCTION(binary_quantize);
