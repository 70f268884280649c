/*
 * ruv_crc32c.h
 *		CRC-32C (Castagnoli): the checksum of everything that travels.
 *
 * Polynomial 0x1EDC6F41, bits reflected, register and result inverted, as in
 * iSCSI (RFC 3720); of "123456789" it is 0xE3069283.
 */
#ifndef RUV_CRC32C_H
#define RUV_CRC32C_H

#include "core/ruv_common.h"

#define RUV_CRC32C_TABLES 8

/*
 * The checksum of `size` bytes after bytes whose checksum is `crc`; start
 * with 0.  A caller with an instruction for it may use its own function of
 * this type where the core lets him.
 */
typedef uint32_t (*RuvCrc32c)(uint32_t crc, const void *data, size_t size);

extern uint32_t ruv_crc32c(uint32_t crc, const void *data, size_t size);

/* ruv_crc32c_table.c */
extern const uint32_t ruv_crc32c_table[RUV_CRC32C_TABLES][256];

#endif							/* RUV_CRC32C_H */
