/*
 * ruv_kernel.h
 *		Distance, conversion and code kernels, one table per instruction set.
 *
 * ruv_kernels_best() asks the CPU and returns the fastest table it can run;
 * the caller keeps the pointer (asking costs a trap on virtual machines).
 * Every table computes the same functions.  Float results differ from the
 * scalar table only by the order of summation: the difference is at most
 * RUV_KERNEL_ERROR(n) times the sum of the absolute values of the terms.
 * Integer results are equal.
 *
 * Contracts common to all: no pointer needs more alignment than its type, no
 * byte outside the stated arrays is read or written, n may be any value from
 * 0 up unless a line below says otherwise, arrays do not overlap.
 * NaN among the floats gives any value that the type of a result can hold,
 * within the stated limits where it is an integer.
 */
#ifndef RUV_KERNEL_H
#define RUV_KERNEL_H

#include "core/ruv_common.h"

/*
 * Bound on the relative error of an n-term float sum, any order of summation
 * that a table may use (at least 8 partial sums when n >= 64): a rounding is
 * off by 2^-24 at most.
 */
#define RUV_KERNEL_ERROR(n) (((double) (n) / 8.0 + 16.0) * 0x1p-24)

/* Longest int8 vector for which the integer kernels cannot overflow int32. */
#define RUV_KERNEL_MAX_DIMS 16384

/* Both arguments are halves, finite ones; sums are float sums. */
typedef struct RuvHalfKernels
{
	float		(*l2_squared)(const uint16_t *a, const uint16_t *b, size_t n);
	float		(*inner_product)(const uint16_t *a, const uint16_t *b,
								 size_t n);
	float		(*l1)(const uint16_t *a, const uint16_t *b, size_t n);
	/* sums for a cosine: a.b, a.a, b.b */
	void		(*cosine)(const uint16_t *a, const uint16_t *b, size_t n,
						  float *ab, float *aa, float *bb);
	/* rounds to nearest even; what is too large becomes an infinity */
	void		(*from_float)(const float *x, size_t n, uint16_t *out);
} RuvHalfKernels;

typedef struct RuvKernels
{
	const char *name;			/* "scalar", "avx2", "avx512", "neon" */

	/* half x half; the same set of instructions */
	const RuvHalfKernels *half;

	/* float32 x float32 */
	float		(*l2_squared)(const float *a, const float *b, size_t n);
	float		(*inner_product)(const float *a, const float *b, size_t n);
	float		(*l1)(const float *a, const float *b, size_t n);
	/* sums for a cosine: a.b, a.a, b.b */
	void		(*cosine)(const float *a, const float *b, size_t n,
						  float *ab, float *aa, float *bb);

	/*
	 * Stored halves: element i stands for half(x[i]) * scale; scale is a
	 * power of two.  decode writes the floats; encode rounds x[i] *
	 * inv_scale to nearest even and saturates at the largest finite half.
	 */
	void		(*decode_f16)(const uint16_t *x, float scale, size_t n,
							  float *out);
	void		(*encode_f16)(const float *x, float inv_scale, size_t n,
							  uint16_t *out);
	float		(*l2_squared_f16)(const float *q, const uint16_t *x,
								  float scale, size_t n);
	float		(*inner_product_f16)(const float *q, const uint16_t *x,
									 float scale, size_t n);
	float		(*l1_f16)(const float *q, const uint16_t *x, float scale,
						  size_t n);
	/* diff[i] = q[i] - x[i]; returns sum diff^2, *maxabs = max |diff| */
	float		(*residual_f16)(const float *q, const uint16_t *x,
								float scale, size_t n, float *diff,
								float *maxabs);

	/* The same for stored int8: element i stands for x[i] * scale. */
	void		(*decode_i8)(const int8_t *x, float scale, size_t n,
							 float *out);
	float		(*l2_squared_i8)(const float *q, const int8_t *x,
								 float scale, size_t n);
	float		(*inner_product_i8)(const float *q, const int8_t *x,
									float scale, size_t n);
	float		(*l1_i8)(const float *q, const int8_t *x, float scale,
						 size_t n);
	float		(*residual_i8)(const float *q, const int8_t *x, float scale,
							   size_t n, float *diff, float *maxabs);

	/* and for float32 input */
	float		(*residual_f32)(const float *q, const float *x, size_t n,
								float *diff, float *maxabs);

	/*
	 * out[i] = x[i] * inv_scale rounded to nearest (even), saturated to
	 * -127..127; returns the sum of out.  Used for stored vectors and for
	 * queries.
	 */
	int32_t		(*quantize_i8)(const float *x, float inv_scale, size_t n,
							   int8_t *out);

	/*
	 * Codes: n unsigned numbers of `bits` bits (1, 2 or 4) in
	 * ruv_code_bytes(bits, n) bytes.  n is a multiple of 32 for 1 bit, of 64
	 * for 2 bits, of 32 for 4 bits, so that the bytes are a multiple of 4, 16
	 * and 16.
	 *
	 * 1 bit: number i is bit i % 8 (least significant first) of byte i / 8.
	 * 2 and 4 bits: planes.  With B = ruv_code_bytes, number p * B + j is the
	 * p-th field (least significant first) of byte j.
	 *
	 * code_dot: out[k] = sum_i code_k[i] * q[i] for the `count` codes that
	 * begin at codes + k * stride.  Reads exactly ruv_code_bytes of each and
	 * n bytes of q.  n at most RUV_KERNEL_MAX_DIMS.
	 */
	void		(*code_dot)(int bits, const int8_t *q, size_t n,
							const uint8_t *codes, size_t stride, int count,
							int32_t *out);

	/*
	 * code_encode: code[i] = clamp(floor(r[i] * inv_step) + 2^(bits-1), 0,
	 * 2^bits - 1); returns sum_i (code[i] - (2^bits - 1) / 2) * r[i].  For 1
	 * bit code[i] = (r[i] >= 0) whatever inv_step is.
	 */
	float		(*code_encode)(int bits, const float *r, float inv_step,
							   size_t n, uint8_t *code);

	/*
	 * In-place orthonormal fast Walsh-Hadamard transform of n = 2^k floats
	 * (result scaled by 1/sqrt(n)).
	 */
	void		(*hadamard)(float *x, size_t n);
	/* x[i] = -x[i] where bit i (least significant first) of signs is set */
	void		(*flip_signs)(float *x, const uint8_t *signs, size_t n);
} RuvKernels;

static inline size_t
ruv_code_bytes(int bits, size_t n)
{
	return n * (size_t) bits / 8;
}

/* The table of that name if it was compiled in and this CPU can run it. */
extern const RuvKernels *ruv_kernels_by_name(const char *name);

/* The fastest table that this CPU can run; never NULL. */
extern const RuvKernels *ruv_kernels_best(void);

/* Every table that this CPU can run, scalar first; returns how many. */
extern int	ruv_kernels_all(const RuvKernels **tables, int room);

/* One IEEE half to float and back (round to nearest even, overflow to inf). */
extern float ruv_half_to_float(uint16_t half);
extern uint16_t ruv_float_to_half(float value);

#endif							/* RUV_KERNEL_H */
