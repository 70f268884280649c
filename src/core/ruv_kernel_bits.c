/*
 * ruv_kernel_bits.c
 *		The scalar table of bit counts, and the choice of a table.
 */
#include "core/ruv_kernel_bits_int.h"

/* As many as one kind of processor may have. */
#define MAX_TABLES 4

/* Counts in pairs, in nibbles, in bytes; the product adds up the bytes. */
static inline uint64_t
count_bits(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) +
		(word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return word * UINT64_C(0x0101010101010101) >> 56;
}

static uint64_t
hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	uint64_t	count = 0;

	for (size_t i = 0; i < bytes; i += 8)
		count += count_bits(ruv_load_word(a + i, bytes - i) ^
							ruv_load_word(b + i, bytes - i));
	return count;
}

static void
overlap(const uint8_t *a, const uint8_t *b, size_t bytes, uint64_t *both,
		uint64_t *either)
{
	uint64_t	in_both = 0;
	uint64_t	in_either = 0;

	for (size_t i = 0; i < bytes; i += 8)
	{
		uint64_t	x = ruv_load_word(a + i, bytes - i);
		uint64_t	y = ruv_load_word(b + i, bytes - i);

		in_both += count_bits(x & y);
		in_either += count_bits(x | y);
	}
	*both = in_both;
	*either = in_either;
}

const RuvBitKernels ruv_bit_kernels_scalar = {
	.name = "scalar", .hamming = hamming, .overlap = overlap};

int
ruv_bit_kernels_all(const RuvBitKernels **tables, int room)
{
	const RuvBitKernels *usable[MAX_TABLES];
	int			count = 0;

	usable[count++] = &ruv_bit_kernels_scalar;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("popcnt"))
	{
		usable[count++] = &ruv_bit_kernels_popcnt;
		if (__builtin_cpu_supports("avx2"))
			usable[count++] = &ruv_bit_kernels_avx2;
		if (__builtin_cpu_supports("avx512f") &&
			__builtin_cpu_supports("avx512bw") &&
			__builtin_cpu_supports("avx512vpopcntdq"))
			usable[count++] = &ruv_bit_kernels_vpopcntdq;
	}
#elif defined(__AARCH64EL__)
	usable[count++] = &ruv_bit_kernels_neon;
#endif

	if (count > room)
		count = room;
	for (int i = 0; i < count; i++)
		tables[i] = usable[i];
	return count;
}

const RuvBitKernels *
ruv_bit_kernels_best(void)
{
	const RuvBitKernels *tables[MAX_TABLES] = {NULL};
	int			count = ruv_bit_kernels_all(tables, MAX_TABLES);

	return tables[count - 1];
}
