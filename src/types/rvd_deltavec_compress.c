/*
 * rvd_deltavec_compress.c
 *		lz4 and zstd for frames.
 *
 * What is decompressed may be anybody's bytes: neither library writes beyond
 * the target, and a result of another size than announced is a fault.
 */
#include "postgres.h"

#include <lz4.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "types/rvd_deltavec_int.h"

/* Frames are small: the default of zstd, which higher levels hardly beat. */
#define ZSTD_LEVEL 3

static size_t
compress_lz4(void *context, const uint8_t *source, size_t size,
			 uint8_t *target, size_t capacity)
{
	int			written = LZ4_compress_default((const char *) source,
											   (char *) target, (int) size,
											   (int) capacity);

	return written > 0 ? (size_t) written : 0;
}

static bool
decompress_lz4(void *context, const uint8_t *source, size_t size,
			   uint8_t *target, size_t target_size)
{
	int			written = LZ4_decompress_safe((const char *) source,
											  (char *) target, (int) size,
											  (int) target_size);

	return written >= 0 && (size_t) written == target_size;
}

/* The library allocates by itself; running out is no fault of the bytes. */
static void
check_zstd_memory(size_t result)
{
	if (ZSTD_isError(result) &&
		ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed in zstd.")));
}

static size_t
compress_zstd(void *context, const uint8_t *source, size_t size,
			  uint8_t *target, size_t capacity)
{
	size_t		written = ZSTD_compress(target, capacity, source, size,
										ZSTD_LEVEL);

	check_zstd_memory(written);
	return ZSTD_isError(written) ? 0 : written;
}

static bool
decompress_zstd(void *context, const uint8_t *source, size_t size,
				uint8_t *target, size_t target_size)
{
	size_t		written;

	/* exactly one frame: the library would take several, and skip some */
	if (ZSTD_findFrameCompressedSize(source, size) != size)
		return false;
	written = ZSTD_decompress(target, target_size, source, size);
	check_zstd_memory(written);
	return !ZSTD_isError(written) && written == target_size;
}

const RuvCompressor rvd_compressors[RVD_COMPRESSORS] = {
	{RUV_COMPRESSION_LZ4, NULL, compress_lz4, decompress_lz4},
	{RUV_COMPRESSION_ZSTD, NULL, compress_zstd, decompress_zstd}};

const RuvCompressor *
rvd_compressor(RuvCompression method)
{
	for (int i = 0; i < RVD_COMPRESSORS; i++)
	{
		if (rvd_compressors[i].method == method)
			return &rvd_compressors[i];
	}
	return NULL;
}
