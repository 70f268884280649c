/*
 * test_delta_frame.c
 *		Deltas as bytes: round trips through every form, error bounds, golden
 *		frames, and what a decoder says to frames that are not right.
 */
#include "delta_testing.h"

#define GOLDEN_FILE "test/golden/delta_v1.hex"

/* A toy: pairs of count and byte.  The context, if any, counts calls. */
static size_t
toy_compress(void *context, const uint8_t *source, size_t size,
			 uint8_t *target, size_t capacity)
{
	size_t		used = 0;

	(void) context;
	for (size_t i = 0; i < size;)
	{
		size_t		run = 1;

		while (i + run < size && run < 255 && source[i + run] == source[i])
			run++;
		if (used + 2 > capacity)
			return 0;
		target[used++] = (uint8_t) run;
		target[used++] = source[i];
		i += run;
	}
	return used;
}

static bool
toy_decompress(void *context, const uint8_t *source, size_t size,
			   uint8_t *target, size_t target_size)
{
	size_t		used = 0;

	(void) context;
	if (size % 2)
		return false;
	for (size_t i = 0; i < size; i += 2)
	{
		if (source[i] > target_size - used)
			return false;
		memset(target + used, source[i + 1], source[i]);
		used += source[i];
	}
	return used == target_size;
}

static const RuvCompressor toy = {RUV_COMPRESSION_LZ4, NULL, toy_compress,
						   toy_decompress};
static const RuvFrameRules with_toy = {&toy, 1, NULL, 0, 0};

/* D3 in every form: what was encoded exactly comes back. */
static void
test_round_trip(void)
{
	static const RuvPositions positions[] = {
		RUV_POSITIONS_AUTO, RUV_POSITIONS_LIST, RUV_POSITIONS_RUNS,
		RUV_POSITIONS_RICE};
	static const RuvValueCodec values[] = {
		RUV_VALUES_AUTO, RUV_VALUES_F32, RUV_VALUES_PACKED,
		RUV_VALUES_DICTIONARY};
	uint32_t	seen_positions = 0;
	uint32_t	seen_values = 0;
	RuvDelta	d = {0};
	RuvDelta	back = {0};

	for (uint32_t i = 0; i < rounds(40000); i++)
	{
		RuvFrameWishes wishes = ruv_frame_default_wishes;
		RuvFrameInfo info;
		uint8_t	   *frame;
		size_t		size;
		size_t		predicted;

		random_delta(1 + random_below(MAX_RANDOM_DIMS), &d);
		wishes.positions = positions[random_below(4)];
		wishes.values = values[random_below(4)];
		wishes.compressor = random_below(2) ? &toy : NULL;
		EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame,
									   &size),
					  RUV_DELTA_OK);
		EXPECT_STATUS(ruv_delta_decode(&arena, &with_toy, frame, size, &back,
									   &info),
					  RUV_DELTA_OK);
		EXPECT(ruv_delta_equal(&d, &back));
		EXPECT_STATUS(ruv_delta_encoded_size(&arena, &wishes, &d, &predicted),
					  RUV_DELTA_OK);
		EXPECT(info.compression == RUV_COMPRESSION_NONE ? size == predicted :
														  size < predicted);
		if (d.nassigned > 0)
		{
			seen_positions |= 1u << info.positions;
			seen_values |= 1u << info.values;
		}
		ruv_release(&arena, frame);
	}
	EXPECT(seen_positions == 15 && seen_values == 7);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &back);
}

/* The chosen form is no larger than any that could be asked for. */
static void
test_smallest(void)
{
	RuvDelta	d = {0};
	size_t		size;
	size_t		other;

	for (uint32_t i = 0; i < rounds(4000); i++)
	{
		random_change(MAX_RANDOM_DIMS, &d);
		EXPECT_STATUS(ruv_delta_encoded_size(&arena, NULL, &d, &size),
					  RUV_DELTA_OK);
		for (int form = 0; form < 9; form++)
		{
			RuvFrameWishes wishes = ruv_frame_default_wishes;

			wishes.positions = (RuvPositions) (RUV_POSITIONS_LIST + form % 3);
			wishes.values = (RuvValueCodec) (RUV_VALUES_F32 + form / 3);
			EXPECT_STATUS(ruv_delta_encoded_size(&arena, &wishes, &d, &other),
						  RUV_DELTA_OK);
			/* Where bits end and bytes begin, up to 7 bits are lost. */
			EXPECT(size <= other + 1);
		}
	}
	ruv_delta_free(&arena, &d);
}

/* Every value is as near as was asked for, or the codec is refused. */
static void
test_error_bound(void)
{
	static const RuvValueCodec values[] = {
		RUV_VALUES_AUTO, RUV_VALUES_F16, RUV_VALUES_INT8, RUV_VALUES_INT4};
	uint32_t	coded[4] = {0};
	uint32_t	refused[4] = {0};
	RuvDelta	d = {0};
	RuvDelta	back = {0};

	for (uint32_t i = 0; i < rounds(20000); i++)
	{
		RuvFrameWishes wishes = ruv_frame_default_wishes;
		uint32_t	which = random_below(4);
		float		x[MAX_RANDOM_DIMS];
		uint8_t	   *frame;
		size_t		size;
		RuvDeltaStatus status;

		for (int k = 0; k < MAX_RANDOM_DIMS; k++)
			x[k] = (float) random_below(20000) / 10000 - 1;
		wishes.values = values[which];
		wishes.bound = 0.25f / (float) (1 << random_below(14));
		EXPECT_STATUS(ruv_delta_create(&arena, MAX_RANDOM_DIMS, x, &d),
					  RUV_DELTA_OK);
		status = ruv_delta_encode(&arena, NULL, &wishes, &d, &frame, &size);
		if (status == RUV_DELTA_INACCURATE)
		{
			EXPECT(which > 0 && frame == NULL);
			refused[which]++;
			continue;
		}
		EXPECT_STATUS(status, RUV_DELTA_OK);
		coded[which]++;
		EXPECT_STATUS(ruv_delta_decode(&arena, NULL, frame, size, &back,
									   NULL),
					  RUV_DELTA_OK);
		for (int k = 0; k < MAX_RANDOM_DIMS; k++)
		{
			double		error = (double) back.value[k] - (double) x[k];

			EXPECT(error <= (double) wishes.bound &&
				   -error <= (double) wishes.bound);
		}
		ruv_release(&arena, frame);
	}
	for (int which = 1; which < 4; which++)
		EXPECT(coded[which] > 0 && refused[which] > 0);
	EXPECT(coded[0] > 0 && refused[0] == 0);
	ruv_delta_free(&arena, &d);
	ruv_delta_free(&arena, &back);
}

/* A bound of 0 is about bits: a half or a level may hold -0.0 or not. */
static void
test_exact_is_exact(void)
{
	static const float halves[] = {-0.0f, 51, 255};
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	RuvDelta	d = {0};
	uint8_t	   *frame;
	size_t		size;

	EXPECT_STATUS(ruv_delta_create(&arena, 3, halves, &d), RUV_DELTA_OK);
	wishes.values = RUV_VALUES_INT8;
	EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame, &size),
				  RUV_DELTA_INACCURATE);
	wishes.values = RUV_VALUES_F16;
	EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame, &size),
				  RUV_DELTA_OK);
	ruv_release(&arena, frame);
	wishes.bound = __builtin_nanf("");
	EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame, &size),
				  RUV_DELTA_ARGUMENT);
	ruv_delta_free(&arena, &d);
}

/* However long the chain, the error is that of one step. */
static void
test_error_feedback(void)
{
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	float		truth[48];
	float		seen[48];
	float		replayed[48];
	bool		exists = true;
	uint32_t	inexact = 0;

	wishes.bound = 0.01f;
	for (int k = 0; k < 48; k++)
		truth[k] = seen[k] = replayed[k] = 0;
	for (uint32_t version = 0; version < 300; version++)
	{
		uint8_t	   *frame;
		RuvBytes	bytes;

		for (int k = 0; k < 48; k++)
		{
			if (random_below(3) == 0)
				truth[k] += (float) random_below(1000) / 10000 - 0.05f;
			else if (version % 50 == 0)
				truth[k] *= 0.9f;
		}
		EXPECT_STATUS(ruv_delta_encode_next(&arena, NULL, &wishes, 48, seen,
											truth, &frame, &bytes.size),
					  RUV_DELTA_OK);
		bytes.data = frame;
		EXPECT_STATUS(ruv_delta_fold(&arena, NULL, &bytes, 1, replayed, 48,
									 &exists, NULL),
					  RUV_DELTA_OK);
		EXPECT(same_bits(seen, replayed, 48));
		for (int k = 0; k < 48; k++)
		{
			double		error = (double) seen[k] - (double) truth[k];

			EXPECT(error <= (double) wishes.bound &&
				   -error <= (double) wishes.bound);
			inexact += error != 0;
		}
		ruv_release(&arena, frame);
	}
	EXPECT(inexact > 1000);
}

/* A chain at once is the chain one by one. */
static void
test_fold(void)
{
	uint32_t	defined = 0;

	for (uint32_t i = 0; i < rounds(2000); i++)
	{
		uint32_t	dims = 1 + random_below(32);
		RuvDelta	d = {0};
		RuvBytes	frames[12];
		uint8_t	   *owned[12];
		float		x[32];
		float		y[32];
		bool		exists = true;
		bool		folded = true;
		RuvDeltaStatus status = RUV_DELTA_OK;

		random_vector(x, dims);
		memcpy(y, x, sizeof(y));
		for (int k = 0; k < 12; k++)
		{
			random_delta(dims, &d);
			if (status == RUV_DELTA_OK)
				status = ruv_delta_apply(&d, x, dims, &exists);
			EXPECT_STATUS(ruv_delta_encode(&arena, NULL, NULL, &d, &owned[k],
										   &frames[k].size),
						  RUV_DELTA_OK);
			frames[k].data = owned[k];
		}
		if (status == RUV_DELTA_OK)
		{
			defined++;
			EXPECT_STATUS(ruv_delta_fold(&arena, NULL, frames, 12, y, dims,
										 &folded, NULL),
						  RUV_DELTA_OK);
			EXPECT(exists == folded && (!exists || same_bits(x, y, dims)));
		}
		for (int k = 0; k < 12; k++)
			ruv_release(&arena, owned[k]);
		ruv_delta_free(&arena, &d);
	}
	EXPECT(defined > rounds(2000) / 10);
}

/* The frames that must never change, each with the delta that it stands for. */
#define GOLDEN_COUNT 14

static void
golden_delta(int number, RuvDelta *d, RuvFrameWishes *wishes)
{
	static const uint32_t dim[] = {0, 3, 4, 5, 300, 383};
	static const float value[] = {0.5f, -1.25f, 0.69314718f, 0.5f, -0.0f,
					   3.0f};
	float		dense[20];
	RuvDeltaStatus status = RUV_DELTA_OK;

	*wishes = ruv_frame_default_wishes;
	for (int i = 0; i < 20; i++)
		dense[i] = (float) (i - 7) / 8;
	if (number < 6)
	{
		wishes->positions = (RuvPositions) (1 + number % 3);
		wishes->values = (RuvValueCodec) (number / 2);
		status = ruv_delta_affine(&arena, 384, 1, 0, 6, dim, value, d);
	}
	else if (number < 9)
	{
		wishes->values = (RuvValueCodec) (number - 3);
		wishes->bound = 0.5f;
		status = ruv_delta_create(&arena, 20, dense, d);
	}
	else if (number == 9)
		ruv_delta_delete(0, d);
	else if (number == 10)
		ruv_delta_delete(384, d);
	else if (number == 11)
		status = ruv_delta_affine(&arena, 0, 0.5f, -3, 0, NULL, NULL, d);
	else if (number == 12)
	{
		status = ruv_delta_affine(&arena, 384, 1, 0, 6, dim, value, d);
		wishes->compressor = &toy;
		wishes->values = RUV_VALUES_F32;
		for (int i = 0; i < 6; i++)
			d->value[i] = 0;
	}
	else
	{
		status = ruv_delta_reserve(&arena, 2, 3, 3, d);
		d->dims = 384;
		d->nassigned = 2;
		d->nsteps = 3;
		d->nnudges = 3;
		d->dim[0] = 2;
		d->dim[1] = 200;
		d->value[0] = 1.5f;
		d->value[1] = -0.75f;
		d->steps[0] = (RuvDeltaStep){RUV_STEP_SCALE, 0.75f, 0};
		d->steps[1] = (RuvDeltaStep){RUV_STEP_NUDGE, 0, 3};
		d->steps[2] = (RuvDeltaStep){RUV_STEP_OFFSET, -0.25f, 0};
		d->nudges[0] = (RuvNudge){0, -1};
		d->nudges[1] = (RuvNudge){7, 1};
		d->nudges[2] = (RuvNudge){383, -5};
	}
	EXPECT_STATUS(status, RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_check(d), RUV_DELTA_OK);
}

static size_t
from_hex(const char *hex, uint8_t *bytes, size_t room)
{
	size_t		n = 0;

	for (unsigned byte; n < room && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		bytes[n++] = (uint8_t) byte;
	return n;
}

/* Written byte for byte, and read back. */
static void
test_golden(void)
{
	FILE	   *file = fopen(GOLDEN_FILE, "r");
	int			number = 0;
	char		line[1024];

	EXPECT(file != NULL);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
	{
		RuvDelta	d = {0};
		RuvDelta	back = {0};
		RuvFrameWishes wishes;
		uint8_t		expected[500];
		size_t		expected_size;
		uint8_t	   *frame;
		size_t		size;

		if (line[0] == '#')
			continue;
		expected_size = from_hex(line, expected, sizeof(expected));
		golden_delta(number, &d, &wishes);
		EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame,
									   &size),
					  RUV_DELTA_OK);
		if (size != expected_size || memcmp(frame, expected, size) != 0)
		{
			failures++;
			printf("not ok: golden frame %d is now\n", number);
			for (size_t i = 0; i < size; i++)
				printf("%02x", frame[i]);
			printf("\n");
		}
		EXPECT_STATUS(ruv_delta_decode(&arena, &with_toy, expected,
									   expected_size, &back, NULL),
					  RUV_DELTA_OK);
		if (wishes.bound == 0)
			EXPECT(ruv_delta_equal(&d, &back));
		ruv_release(&arena, frame);
		ruv_delta_free(&arena, &d);
		ruv_delta_free(&arena, &back);
		number++;
	}
	EXPECT(number == GOLDEN_COUNT);
	if (file != NULL)
		fclose(file);
}

/* Decodes n bytes that lie at the very end of a block, at an odd address. */
static RuvDeltaStatus
decode_at_end(const RuvFrameRules *rules, const uint8_t *bytes, size_t n)
{
	uint8_t	   *block = malloc(n + 1);
	RuvDelta	d = {0};
	RuvDeltaStatus status;

	if (block == NULL)
		abort();
	if (n > 0)
		memcpy(block + 1, bytes, n);
	status = ruv_delta_decode(&arena, rules, block + 1, n, &d, NULL);
	if (status == RUV_DELTA_OK)
		EXPECT_STATUS(ruv_delta_check(&d), RUV_DELTA_OK);
	ruv_delta_free(&arena, &d);
	free(block);
	return status;
}

static void
seal(uint8_t *frame, size_t size)
{
	uint32_t	crc = ruv_crc32c(0, frame, size - 4);

	for (int i = 0; i < 4; i++)
		frame[size - 4 + (size_t) i] = (uint8_t) (crc >> 8 * i);
}

/* Cut short, prolonged, altered: refused; altered and sealed again: safe. */
static void
test_damage(void)
{
	uint32_t	survived = 0;
	uint32_t	refused = 0;

	for (int number = 0; number < GOLDEN_COUNT; number++)
	{
		RuvDelta	d = {0};
		RuvFrameWishes wishes;
		uint8_t	   *frame;
		uint8_t		bytes[500];
		size_t		size;

		golden_delta(number, &d, &wishes);
		EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame,
									   &size),
					  RUV_DELTA_OK);
		for (size_t n = 0; n < size; n++)
			EXPECT_STATUS(decode_at_end(&with_toy, frame, n),
						  RUV_DELTA_TRUNCATED);
		memcpy(bytes, frame, size);
		bytes[size] = 0;
		EXPECT_STATUS(decode_at_end(&with_toy, bytes, size + 1),
					  RUV_DELTA_TRAILING);
		for (size_t bit = 0; bit < 8 * size; bit++)
		{
			bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
			EXPECT(decode_at_end(&with_toy, bytes, size) != RUV_DELTA_OK);
			seal(bytes, size);
			if (decode_at_end(&with_toy, bytes, size) == RUV_DELTA_OK)
				survived++;
			else
				refused++;
			memcpy(bytes, frame, size);
		}
		ruv_release(&arena, frame);
		ruv_delta_free(&arena, &d);
	}
	EXPECT(survived > 100 && refused > 100);
}

/* Frames made by hand, without their checksum, and what is wrong with them. */
static void
test_refusals(void)
{
	static const struct
	{
		const char *hex;
		RuvDeltaStatus status;
	} cases[] = {
		/* change of 8 dims: list, f32, dims 1 and 3 */
		{"7ade01200d08010201010000803f00000040", RUV_DELTA_OK},
		{"7bde01200d08010201010000803f00000040", RUV_DELTA_MAGIC},
		{"7adf01200d08010201010000803f00000040", RUV_DELTA_MAGIC},
		{"7ade02200d08010201010000803f00000040", RUV_DELTA_VERSION},
		{"7ade01600d08010201010000803f00000040", RUV_DELTA_FORMAT},
		{"7ade01230d08010201010000803f00000040", RUV_DELTA_FORMAT},
		{"7ade01220d08010201010000803f00000040", RUV_DELTA_FORMAT},
		{"7ade01210d08010201010000803f00000040", RUV_DELTA_FORMAT},
		{"7ade01240d08010201010000803f00000040", RUV_DELTA_DECOMPRESSION},
		{"7ade01280d08010201010000803f00000040", RUV_DELTA_COMPRESSION},
		{"7ade01208d0008010201010000803f00000040", RUV_DELTA_NOT_CANONICAL},
		{"7ade01208d808080800008010201010000803f000040", RUV_DELTA_COUNT},
		{"7ade01200d08040201010000803f00000040", RUV_DELTA_FORMAT},
		{"7ade01200d08610201010000803f00000040", RUV_DELTA_FORMAT},
		{"7ade01200d08010a01010000803f00000040", RUV_DELTA_COUNT},
		{"7ade01200d08010001010000803f00000040", RUV_DELTA_NOT_CANONICAL},
		{"7ade01200d03010201010000803f00000040", RUV_DELTA_POSITION},
		{"7ade01200d08010301010000803f00000040", RUV_DELTA_TRUNCATED},
		{"7ade01200d08010101010000803f00000040", RUV_DELTA_NOT_CANONICAL},
		{"7ade01200d08010201010000807f00000040", RUV_DELTA_VALUE},
		{"7ade01200d08010201010000803f0000c0ff", RUV_DELTA_VALUE},
		{"7ade01200f808004010201010000803f00000040", RUV_DELTA_LIMIT},
		{"7ade01200e8800010201010000803f00000040", RUV_DELTA_NOT_CANONICAL},
		/* runs: one of 2 from dim 1; two that overlap the count; beyond */
		{"7ade01200e0802020101010000803f00000040", RUV_DELTA_OK},
		{"7ade01200e0802020101020000803f00000040", RUV_DELTA_COUNT},
		{"7ade01200e0802020101070000803f00000040", RUV_DELTA_POSITION},
		{"7ade01200e0802020101000000803f00000040", RUV_DELTA_COUNT},
		/* steps: scale by 0.5; by 1; of an unknown kind; offset by -0 */
		{"7ade011008000100010000003f", RUV_DELTA_OK},
		{"7ade011008000100010000803f", RUV_DELTA_NOT_CANONICAL},
		{"7ade011008000100040000003f", RUV_DELTA_FORMAT},
		{"7ade0110080001000200000080", RUV_DELTA_NOT_CANONICAL},
		{"7ade011008000100010000807f", RUV_DELTA_VALUE},
		{"7ade011008000900010000003f", RUV_DELTA_COUNT},
		{"7ade011008000101010000003f", RUV_DELTA_COUNT},
		{"7ade011003000000", RUV_DELTA_NOT_CANONICAL},
		{"7ade011208000100010000003f", RUV_DELTA_NOT_CANONICAL},
		/* nudge dim 0 by 1: count 1, rice 0 and 0, bits 0 0 0 */
		{"7ade01100708010103010000", RUV_DELTA_OK},
		{"7ade01100700010103010000", RUV_DELTA_POSITION},
		{"7ade01100708010103020000", RUV_DELTA_COUNT},
		{"7ade01100708010103010080", RUV_DELTA_NOT_CANONICAL},
		{"7ade011007080101030100fc", RUV_DELTA_TRUNCATED},
		{"7ade01100708010003000000", RUV_DELTA_NOT_CANONICAL},
		/* int8 scale -1; infinite; half infinity */
		{"7ade01210c0240000080bf000000000102", RUV_DELTA_VALUE},
		{"7ade01210b0240000000000000000001", RUV_DELTA_TRUNCATED},
		{"7ade01210c02400000807f000000000102", RUV_DELTA_VALUE},
		{"7ade01210c024000000000000000000102", RUV_DELTA_OK},
		{"7ade01210602300000007c", RUV_DELTA_VALUE},
		{"7ade012106023000000078", RUV_DELTA_OK},
		/* delete */
		{"7ade01020100", RUV_DELTA_OK},
		{"7ade0102020000", RUV_DELTA_NOT_CANONICAL},
		{"7ade01010100", RUV_DELTA_FORMAT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t		bytes[100];
		size_t		n = from_hex(cases[i].hex, bytes, 90);
		RuvDeltaStatus status;

		seal(bytes, n + 4);
		status = decode_at_end(&with_toy, bytes, n + 4);
		if (status == cases[i].status)
			continue;
		failures++;
		printf("not ok: %s: %s\n", cases[i].hex, ruv_delta_message(status));
	}
}

/* Magnitudes 1, 2 and the one `gap` places above 2; values 1, 1, and by
 * number. */
static RuvDeltaStatus
decode_dictionary(uint32_t gap, uint32_t number)
{
	uint8_t		bytes[100];
	RuvBitWriter w;

	ruv_bits_write_start(&w, bytes, sizeof(bytes));
	ruv_bits_put_u32(&w, 0x2101de7a);	/* a create */
	ruv_bits_put_byte(&w, 0);	/* its length, below */
	ruv_bits_put_varint(&w, 3);
	ruv_bits_put_byte(&w, RUV_VALUES_DICTIONARY << 4);
	ruv_bits_put(&w, 0, 5);		/* shift */
	ruv_bits_put(&w, 0, 1);		/* no zero */
	ruv_bits_put_rice(&w, 3, 4);	/* magnitudes */
	ruv_bits_put(&w, 0x3f800000, 31);
	ruv_bits_put(&w, 30, 5);
	ruv_bits_put_rice(&w, 0x007fffff, 30);
	ruv_bits_put_rice(&w, gap - 1, 30);
	ruv_bits_put(&w, 15, 4);	/* numbers of a fixed width */
	ruv_bits_put(&w, 0, 2);		/* all plus */
	ruv_bits_put(&w, 0, 4);
	ruv_bits_put(&w, number, 2);
	ruv_bits_put_align(&w);
	bytes[4] = (uint8_t) (w.used - 5);
	ruv_bits_put_u32(&w, 0);
	seal(bytes, w.used);
	return decode_at_end(NULL, bytes, w.used);
}

/* Also what no value uses must be a finite magnitude. */
static void
test_dictionary_limits(void)
{
	EXPECT_STATUS(decode_dictionary(0x3f7fffff, 2), RUV_DELTA_OK);
	EXPECT_STATUS(decode_dictionary(0x3f800000, 1), RUV_DELTA_VALUE);
	EXPECT_STATUS(decode_dictionary(0x7fffffff, 1), RUV_DELTA_COUNT);
	EXPECT_STATUS(decode_dictionary(1, 3), RUV_DELTA_COUNT);
}

/* What a compressed frame declares is held against the limit beforehand. */
static void
test_compression(void)
{
	RuvFrameRules rules = with_toy;
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	RuvDelta	d = {0};
	RuvFrameInfo info;
	float		x[1000] = {0};
	uint8_t	   *frame;
	size_t		size;
	size_t		plain;

	for (int i = 0; i < 1000; i++)
		x[i] = i == 500 ? 1.1f : -2.7f;
	wishes.compressor = &toy;
	wishes.values = RUV_VALUES_INT8;
	wishes.bound = 1;
	EXPECT_STATUS(ruv_delta_create(&arena, 1000, x, &d), RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_encoded_size(&arena, &wishes, &d, &plain),
				  RUV_DELTA_OK);
	EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame, &size),
				  RUV_DELTA_OK);
	EXPECT(size < plain / 10);
	EXPECT_STATUS(ruv_delta_decode(&arena, &rules, frame, size, &d, &info),
				  RUV_DELTA_OK);
	EXPECT(info.compression == RUV_COMPRESSION_LZ4 && info.raw_size > 1000 &&
		   info.payload_size < info.raw_size);
	rules.max_payload = (uint32_t) info.raw_size;
	EXPECT_STATUS(decode_at_end(&rules, frame, size), RUV_DELTA_OK);
	rules.max_payload--;
	counting.done = 0;
	EXPECT_STATUS(decode_at_end(&rules, frame, size), RUV_DELTA_LIMIT);
	EXPECT(counting.done == 0);
	EXPECT_STATUS(decode_at_end(NULL, frame, size), RUV_DELTA_COMPRESSION);
	rules = with_toy;
	rules.max_dims = 999;
	EXPECT_STATUS(decode_at_end(&rules, frame, size), RUV_DELTA_LIMIT);
	ruv_release(&arena, frame);
	wishes.compress_from = 5000;
	EXPECT_STATUS(ruv_delta_encode(&arena, NULL, &wishes, &d, &frame, &size),
				  RUV_DELTA_OK);
	EXPECT(size == plain);
	ruv_release(&arena, frame);
	ruv_delta_free(&arena, &d);
}

static RuvDeltaStatus
call_number(int number, const RuvDelta *d, uint8_t **frame, RuvDelta *out)
{
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	float		seen[600];
	float		next[600];
	bool		exists = true;
	size_t		size;
	RuvBytes	bytes;
	RuvDeltaStatus status;

	wishes.compressor = number == 0 ? NULL : &toy;
	for (int i = 0; i < 600; i++)
	{
		seen[i] = (float) i + 1;
		next[i] = seen[i] * 1.1f;
	}
	if (number == 3)
		return ruv_delta_encode_next(&arena, NULL, &ruv_frame_default_wishes,
									 600, seen, next, frame, &size);
	status = ruv_delta_encode(&arena, NULL, &wishes, d, frame, &size);
	if (number < 2 || status != RUV_DELTA_OK)
		return status;
	bytes.data = *frame;
	bytes.size = size;
	if (number == 2)
		return ruv_delta_decode(&arena, &with_toy, *frame, size, out, NULL);
	return ruv_delta_fold(&arena, &with_toy, &bytes, 1, seen, 600, &exists,
						  NULL);
}

/* Every allocation fails once: a clean status, nothing lost. */
static void
test_memory(void)
{
	RuvDelta	d = {0};
	float		x[600];

	/* More magnitudes than a decoder keeps without asking for memory. */
	for (int i = 0; i < 600; i++)
		x[i] = (float) (i / 2) + 0.1f;
	for (int number = 0; number < 6; number++)
	{
		RuvDeltaStatus status = RUV_DELTA_MEMORY;
		int			live;
		int			fail_at = 0;

		EXPECT_STATUS(ruv_delta_create(&arena, 600, x, &d), RUV_DELTA_OK);
		for (int i = 0; i < 600 && number == 5; i++)
			d.value[i] = 0;		/* compressible */
		live = counting.live;
		while (status == RUV_DELTA_MEMORY)
		{
			RuvDelta	out = {0};
			uint8_t	   *frame = NULL;

			counting.done = 0;
			counting.fail_at = ++fail_at;
			status = call_number(number, &d, &frame, &out);
			counting.fail_at = 0;
			ruv_release(&arena, frame);
			ruv_delta_free(&arena, &out);
			EXPECT(counting.live == live);
		}
		EXPECT(status == RUV_DELTA_OK && fail_at > 2);
	}
	ruv_delta_free(&arena, &d);
}

int
main(void)
{
	test_golden();
	test_round_trip();
	test_smallest();
	test_error_bound();
	test_exact_is_exact();
	test_error_feedback();
	test_fold();
	test_damage();
	test_refusals();
	test_dictionary_limits();
	test_compression();
	test_memory();
	EXPECT(counting.live == 0);
	if (failures > 0)
		return 1;
	printf("ok: delta frames\n");
	return 0;
}
