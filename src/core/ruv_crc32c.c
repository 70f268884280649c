/*
 * ruv_crc32c.c
 *		CRC-32C eight bytes at a time, by the tables of Kounavis & Berry
 *		(2005): table k holds the checksum of a byte followed by k zeros.
 */
#include "core/ruv_crc32c.h"

static inline uint32_t
load_u32(const uint8_t *p)
{
	return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 |
		(uint32_t) p[3] << 24;
}

uint32_t
ruv_crc32c(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;
	const		uint32_t(*table)[256] = ruv_crc32c_table;

	crc = ~crc;
	for (; size >= 8; size -= 8, p += 8)
	{
		uint32_t	low = load_u32(p) ^ crc;
		uint32_t	high = load_u32(p + 4);

		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
			table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
			table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
			table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
	}
	for (; size > 0; size--, p++)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return ~crc;
}
