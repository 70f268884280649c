/*
 * ruv_rotate.c
 *		The random rotation: sign bits from a seed, and its rounds.
 *
 * Where n is no power of two, the two Hadamard transforms of a round overlap
 * in the middle of the vector.  They mix the middle more than the ends, and a
 * coordinate of the first few reaches the last few only through it; the
 * butterfly pairs coordinates half a vector apart and evens that out.
 */
#include "core/ruv_rotate.h"

#define SQRT_HALF 0.70710678118654752f

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t	z;

	*state += UINT64_C(0x9e3779b97f4a7c15);
	z = *state;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/*
 * ruv_rotation_init
 *		Draw the signs of every round.
 *
 * The caller releases rotation->signs with the arena that it gave.  Bytes are
 * taken from the numbers lowest first whatever the byte order of the machine.
 */
RuvStatus
ruv_rotation_init(RuvRotation *rotation, size_t n, uint64_t seed,
				  const RuvArena *arena)
{
	size_t		bytes = n / 8 * RUV_ROTATE_ROUNDS;
	uint64_t	random = 0;

	if (n < 32 || n % 8 != 0)
		return RUV_ERR_ARGUMENT;

	rotation->n = n;
	rotation->block = 32;
	while (rotation->block <= n / 2)
		rotation->block *= 2;
	rotation->signs = ruv_alloc(arena, bytes);
	if (rotation->signs == NULL)
		return RUV_ERR_MEMORY;

	for (size_t i = 0; i < bytes; i++)
	{
		if (i % 8 == 0)
			random = splitmix64(&seed);
		rotation->signs[i] = (uint8_t) (random >> i % 8 * 8);
	}
	return RUV_OK;
}

/* Four at a time, because half the coordinates are a multiple of four. */
static void
mix_halves(float *x, size_t half)
{
	for (size_t i = 0; i < half; i += 4)
	{
		float	   *low = x + i;
		float	   *high = x + half + i;
		float		sum[4];
		float		diff[4];

		for (int k = 0; k < 4; k++)
		{
			sum[k] = (low[k] + high[k]) * SQRT_HALF;
			diff[k] = (low[k] - high[k]) * SQRT_HALF;
		}
		for (int k = 0; k < 4; k++)
		{
			low[k] = sum[k];
			high[k] = diff[k];
		}
	}
}

void
ruv_rotate(const RuvRotation *rotation, const RuvKernels *kernels, float *x)
{
	size_t		n = rotation->n;
	size_t		block = rotation->block;
	const uint8_t *signs = rotation->signs;

	for (int round = 0; round < RUV_ROTATE_ROUNDS; round++)
	{
		kernels->flip_signs(x, signs, n);
		kernels->hadamard(x, block);
		if (block < n)
		{
			kernels->hadamard(x + n - block, block);
			mix_halves(x, n / 2);
		}
		signs += n / 8;
	}
}
