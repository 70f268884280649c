/*
 * ruv_kernel_half_int.h
 *		The loops over two arrays of halves, once for all sets of vector
 *		instructions; for ruv_kernel_half_*.c only.
 *
 * A file that includes it has defined TARGET, LANES, the type Reg of a
 * register of so many floats, and functions on it: half_load and float_load
 * (at most LANES elements from x + i on, zeros beyond them), half_store
 * (rounded), reg_zero, reg_add, reg_sub, reg_fma (a * b + c), reg_magnitude,
 * reg_sum.
 */
#ifndef RUV_KERNEL_HALF_INT_H
#define RUV_KERNEL_HALF_INT_H

#include "core/ruv_kernel_int.h"

#if defined(LANES)

RUV_INLINE TARGET Reg
half_add_term(Reg sum, RuvTerm term, const uint16_t *a, const uint16_t *b,
			  size_t i, size_t n)
{
	Reg			x = half_load(a, i, n);
	Reg			y = half_load(b, i, n);
	Reg			diff;

	if (term == RUV_TERM_PRODUCT)
		return reg_fma(x, y, sum);
	diff = reg_sub(x, y);
	if (term == RUV_TERM_SQUARE)
		return reg_fma(diff, diff, sum);
	return reg_add(sum, reg_magnitude(diff));
}

RUV_INLINE TARGET float
half_sum_any(RuvTerm term, const uint16_t *a, const uint16_t *b, size_t n)
{
	Reg			sums[4] = {reg_zero(), reg_zero(), reg_zero(), reg_zero()};
	size_t		i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
	{
		RUV_UNROLL
		for (size_t k = 0; k < 4; k++)
			sums[k] = half_add_term(sums[k], term, a, b, i + k * LANES,
									LANES);
	}
	for (; n - i >= LANES; i += LANES)
		sums[0] = half_add_term(sums[0], term, a, b, i, LANES);
	if (i < n)
		sums[1] = half_add_term(sums[1], term, a, b, i, n - i);
	return reg_sum(reg_add(reg_add(sums[0], sums[1]),
						   reg_add(sums[2], sums[3])));
}

static TARGET float
half_l2_squared(const uint16_t *a, const uint16_t *b, size_t n)
{
	return half_sum_any(RUV_TERM_SQUARE, a, b, n);
}

static TARGET float
half_inner_product(const uint16_t *a, const uint16_t *b, size_t n)
{
	return half_sum_any(RUV_TERM_PRODUCT, a, b, n);
}

static TARGET float
half_l1(const uint16_t *a, const uint16_t *b, size_t n)
{
	return half_sum_any(RUV_TERM_MAGNITUDE, a, b, n);
}

/* The three sums of one register of a cosine. */
RUV_INLINE TARGET void
half_add_three(Reg *sums, Reg x, Reg y)
{
	sums[0] = reg_fma(x, y, sums[0]);
	sums[1] = reg_fma(x, x, sums[1]);
	sums[2] = reg_fma(y, y, sums[2]);
}

static TARGET void
half_cosine(const uint16_t *a, const uint16_t *b, size_t n, float *ab,
			float *aa, float *bb)
{
	Reg			even[3] = {reg_zero(), reg_zero(), reg_zero()};
	Reg			odd[3] = {reg_zero(), reg_zero(), reg_zero()};
	size_t		i = 0;

	for (; n - i >= 2 * LANES; i += 2 * LANES)
	{
		half_add_three(even, half_load(a, i, LANES), half_load(b, i, LANES));
		half_add_three(odd, half_load(a, i + LANES, LANES),
					   half_load(b, i + LANES, LANES));
	}
	for (; i < n; i += LANES)
		half_add_three(even, half_load(a, i, n - i), half_load(b, i, n - i));
	*ab = reg_sum(reg_add(even[0], odd[0]));
	*aa = reg_sum(reg_add(even[1], odd[1]));
	*bb = reg_sum(reg_add(even[2], odd[2]));
}

static TARGET void
half_from_float(const float *x, size_t n, uint16_t *out)
{
	for (size_t i = 0; i < n; i += LANES)
		half_store(out, i, n - i, float_load(x, i, n - i));
}

#define RUV_HALF_KERNEL_TABLE \
	{ \
		.l2_squared = half_l2_squared, \
		.inner_product = half_inner_product, \
		.l1 = half_l1, \
		.cosine = half_cosine, \
		.from_float = half_from_float \
	}

#endif							/* LANES */

#endif							/* RUV_KERNEL_HALF_INT_H */
