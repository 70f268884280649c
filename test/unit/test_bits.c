/*
 * test_bits.c
 *		The checksum against its definition and published values; bit fields,
 *		Rice codes and varints back and forth.
 */
#include "delta_testing.h"

static void
test_crc32c(void)
{
	static const uint8_t zeros[32] = {0};
	uint8_t		bytes[100];

	EXPECT(ruv_crc32c(0, "123456789", 9) == 0xe3069283);
	EXPECT(ruv_crc32c(0, zeros, 32) == 0x8a9136aa); /* RFC 3720, B.4 */
	for (uint32_t i = 0; i < 256; i++)
	{
		uint32_t	c = i;

		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
		EXPECT(ruv_crc32c_table[0][i] == c);
		for (int k = 1; k < RUV_CRC32C_TABLES; k++)
		{
			c = c >> 8 ^ ruv_crc32c_table[0][c & 0xff];
			EXPECT(ruv_crc32c_table[k][i] == c);
		}
	}
	for (int i = 0; i < 100; i++)
		bytes[i] = (uint8_t) random_below(256);
	for (size_t cut = 0; cut <= 100; cut++)
		EXPECT(ruv_crc32c(ruv_crc32c(0, bytes, cut), bytes + cut, 100 - cut) ==
			   ruv_crc32c(0, bytes, 100));
}

/* Fields, Rice codes and varints in any order come back. */
static void
test_bits(void)
{
	uint8_t		data[4096];
	uint32_t	value[300];
	unsigned	param[300];

	for (uint32_t round = 0; round < rounds(3000); round++)
	{
		RuvBitWriter w;
		RuvBitReader r;

		ruv_bits_write_start(&w, data, sizeof(data));
		for (int i = 0; i < 300; i++)
		{
			param[i] = random_below(32);
			value[i] = random_below(UINT32_C(1) << 31) >> (31 - param[i]);
			if (i % 3 == 0)
				ruv_bits_put(&w, value[i], param[i]);
			else if (i % 3 == 1)
				ruv_bits_put_rice(&w, value[i], param[i] > 6 ? param[i] - 6 : 0);
			else
			{
				ruv_bits_put_align(&w);
				ruv_bits_put_varint(&w, value[i]);
				EXPECT(ruv_varint_bytes(value[i]) <= 5);
			}
		}
		EXPECT(w.used <= sizeof(data));
		ruv_bits_read_start(&r, data, w.used);
		for (int i = 0; i < 300; i++)
		{
			uint32_t	got;

			if (i % 3 == 0)
				got = ruv_bits_get(&r, param[i]);
			else if (i % 3 == 1)
				got = ruv_bits_get_rice(&r, param[i] > 6 ? param[i] - 6 : 0,
										value[i] + random_below(2));
			else
			{
				ruv_bits_get_align(&r);
				got = ruv_bits_get_varint(&r);
			}
			EXPECT(got == value[i]);
		}
		EXPECT(r.fault == RUV_BITS_OK && ruv_bits_left(&r) == 0);
		(void) ruv_bits_get(&r, 1);
		EXPECT(r.fault == RUV_BITS_TRUNCATED);
		ruv_bits_read_start(&r, data, w.used);
		(void) ruv_bits_get(&r, param[0]);
		if (value[1] > 0)
		{
			(void) ruv_bits_get_rice(&r, param[1] > 6 ? param[1] - 6 : 0,
									 value[1] - 1);
			EXPECT(r.fault == RUV_BITS_TOO_LARGE);
		}
	}
}

int
main(void)
{
	test_crc32c();
	test_bits();
	EXPECT(counting.live == 0);
	if (failures > 0)
		return 1;
	printf("ok: bits and checksum\n");
	return 0;
}
