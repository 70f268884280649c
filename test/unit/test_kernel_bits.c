/*
 * test_kernel_bits.c
 *		Bit counts of every table against counting one bit after another.
 *
 * Arrays are allocated to the byte and begin at every offset from an aligned
 * address, so that the sanitizer sees a step outside.
 */
#include "core/ruv_kernel_bits.h"
#include "ruv_test.h"

#define MAX_TABLES 8

static const RuvBitKernels *tables[MAX_TABLES];
static int	n_tables;
static uint64_t state = 42;

static int
bits_of(unsigned int byte)
{
	int			count = 0;

	for (; byte != 0; byte >>= 1)
		count += (int) (byte & 1);
	return count;
}

typedef enum Kind
{
	RANDOM,
	FULL,						/* every counter as large as it gets */
	APART,						/* nothing in common */
	KINDS
} Kind;

static void
test_counts(Kind kind, size_t n, size_t offset)
{
	uint8_t	   *memory[2] = {must_alloc(n + offset), must_alloc(n + offset)};
	uint8_t	   *a = memory[0] + offset;
	uint8_t	   *b = memory[1] + offset;
	uint64_t	differ = 0;
	uint64_t	in_both = 0;
	uint64_t	in_either = 0;

	for (size_t i = 0; i < n; i++)
	{
		a[i] = (uint8_t) (random_bits(&state) >> 40);
		b[i] = (uint8_t) (random_bits(&state) >> 40);
		if (kind == FULL)
			a[i] = b[i] = 0xff;
		if (kind == APART)
			b[i] = (uint8_t) ~a[i];
		differ += (uint64_t) bits_of(a[i] ^ b[i]);
		in_both += (uint64_t) bits_of(a[i] & b[i]);
		in_either += (uint64_t) bits_of(a[i] | b[i]);
	}
	for (int t = 0; t < n_tables; t++)
	{
		uint64_t	both = 1;
		uint64_t	either = 1;
		uint64_t	distance = tables[t]->hamming(a, b, n);

		CHECK(distance == differ, "%s, %zu bytes: %llu", tables[t]->name, n,
			  (unsigned long long) distance);
		tables[t]->overlap(a, b, n, &both, &either);
		CHECK(both == in_both && either == in_either,
			  "%s, %zu bytes: %llu, %llu", tables[t]->name, n,
			  (unsigned long long) both, (unsigned long long) either);
	}
	free(memory[0]);
	free(memory[1]);
}

int
main(void)
{
	n_tables = ruv_bit_kernels_all(tables, MAX_TABLES);
	CHECK(n_tables >= 1 && ruv_bit_kernels_best() == tables[n_tables - 1],
		  "%d tables", n_tables);
	for (int t = 0; t < n_tables; t++)
		printf("%s%s", tables[t]->name, t < n_tables - 1 ? ", " : "\n");

	for (Kind kind = 0; kind < KINDS; kind++)
	{
		for (size_t n = 0; n <= 150; n++)
			test_counts(kind, n, n % 9);
		for (size_t offset = 0; offset < 64; offset++)
			test_counts(kind, 1000, offset);
		/* beyond what the counter of a byte holds */
		test_counts(kind, 8000, 0);
		test_counts(kind, 100003, 3);
	}
	return test_result("bit counts");
}
