/*
 * fuzz_delta.c
 *		Any bytes are refused or are a canonical delta; that one survives
 *		being encoded in every form, applied, and composed.
 *
 * The first byte chooses: the bytes as they are, or sealed with the right
 * checksum, or as the payload of a frame with these flags, so that the
 * mutations reach behind the checksum.
 */
#include <stdlib.h>
#include <string.h>

#include "core/ruv_delta_frame.h"
#include "core/ruv_float_bits.h"

#define MAX_DIMS 512

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void *
take(void *context, size_t size)
{
	(void) context;
	/* A frame of a few hundred bytes may not ask for much. */
	require(size < (1 << 20));
	return malloc(size);
}

static void
give(void *context, void *pointer)
{
	(void) context;
	free(pointer);
}

static const RuvArena arena = {take, give, NULL};

/* Stands for compression: the bytes and as many zeros as are missing. */
static size_t
pad_compress(void *context, const uint8_t *source, size_t size,
			 uint8_t *target, size_t capacity)
{
	(void) context;
	while (size > 0 && source[size - 1] == 0)
		size--;
	if (size == 0 || size > capacity)
		return 0;
	memcpy(target, source, size);
	return size;
}

static bool
pad_decompress(void *context, const uint8_t *source, size_t size,
			   uint8_t *target, size_t target_size)
{
	(void) context;
	if (size > target_size)
		return false;
	memcpy(target, source, size);
	memset(target + size, 0, target_size - size);
	return true;
}

static const RuvCompressor padding = {RUV_COMPRESSION_LZ4, NULL,
						   pad_compress, pad_decompress};
static const RuvFrameRules rules = {&padding, 1, NULL, MAX_DIMS, 1 << 16};

static void
check_forms(const RuvDelta *delta)
{
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	RuvDelta	back = {0};

	for (int form = 0; form < 8; form++)
	{
		uint8_t	   *frame;
		size_t		size;

		wishes.positions = (RuvPositions) (RUV_POSITIONS_LIST + form % 3);
		wishes.values = (RuvValueCodec) (form % 3);
		wishes.compressor = form % 2 ? &padding : NULL;
		if (form >= 6)
			wishes = ruv_frame_default_wishes;
		require(ruv_delta_encode(&arena, &rules, &wishes, delta, &frame,
								 &size) == RUV_DELTA_OK);
		require(ruv_delta_decode(&arena, &rules, frame, size, &back, NULL) ==
				RUV_DELTA_OK);
		require(ruv_delta_equal(delta, &back));
		free(frame);
	}
	ruv_delta_free(&arena, &back);
}

/* Twice in a row is the composition with itself. */
static void
check_application(const RuvDelta *delta)
{
	uint32_t	dims = delta->dims != 0 ? delta->dims : 3;
	float		x[MAX_DIMS];
	float		y[MAX_DIMS];
	bool		exists = true;
	bool		also = true;
	RuvDelta	twice = {0};

	for (uint32_t i = 0; i < dims; i++)
		x[i] = y[i] = (float) ((int) i - 7) / 16;
	if (ruv_delta_apply(delta, x, dims, &exists) == RUV_DELTA_OK &&
		ruv_delta_apply(delta, x, dims, &exists) == RUV_DELTA_OK &&
		ruv_delta_compose(&arena, delta, delta, &twice) == RUV_DELTA_OK)
	{
		require(ruv_delta_check(&twice) == RUV_DELTA_OK);
		require(ruv_delta_apply(&twice, y, dims, &also) == RUV_DELTA_OK);
		require(exists == also);
		for (uint32_t i = 0; exists && i < dims; i++)
			require(ruv_float_same(x[i], y[i]));
	}
	ruv_delta_free(&arena, &twice);
}

/* The input as a frame; returns its size. */
static size_t
make_frame(const uint8_t *data, size_t size, unsigned choice, uint8_t *frame)
{
	RuvBitWriter w;
	uint32_t	checksum;

	if (choice == 0 || (choice == 1 && size < 4))
	{
		memcpy(frame, data, size);
		return size;
	}
	ruv_bits_write_start(&w, frame, size + 16);
	if (choice >= 2)
	{
		ruv_bits_put_u32(&w, 0x0001de7a | (choice & 0x3f) << 24);
		ruv_bits_put_varint(&w, (uint32_t) size);
	}
	else
		size -= 4;
	memcpy(frame + w.used, data, size);
	w.used += size;
	checksum = ruv_crc32c(0, frame, w.used);
	ruv_bits_put_u32(&w, checksum);
	return w.used;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t	   *frame;
	uint8_t	   *exact;
	size_t		length;
	RuvDelta	delta = {0};

	if (size < 1 || size > 2000)
		return 0;
	frame = malloc(size + 16);
	require(frame != NULL);
	length = make_frame(data + 1, size - 1, data[0], frame);
	exact = malloc(length + 1);
	require(exact != NULL);
	memcpy(exact + 1, frame, length);
	if (ruv_delta_decode(&arena, &rules, exact + 1, length, &delta, NULL) ==
		RUV_DELTA_OK)
	{
		require(ruv_delta_check(&delta) == RUV_DELTA_OK);
		check_forms(&delta);
		check_application(&delta);
	}
	ruv_delta_free(&arena, &delta);
	free(exact);
	free(frame);
	return 0;
}
