/*
 * ruv_delta_encode.c
 *		From a delta to its frame.
 *
 * First a plan: the smallest way to write positions and values, by exact
 * count of bits.  Then the payload is written twice, at first only to learn
 * its size.
 */
#include <string.h>

#include "core/ruv_delta_frame_int.h"
#include "core/ruv_float_bits.h"

const RuvFrameWishes ruv_frame_default_wishes = {
	0, RUV_POSITIONS_AUTO, RUV_VALUES_AUTO, NULL, 0};

typedef struct Plan
{
	RuvPositions positions;
	unsigned	position_rice;
	RuvValuePlan values;
	uint32_t   *gap;			/* before each assigned dimension */
	uint32_t   *nudge_gap;		/* of one step at a time */
	uint32_t   *nudge_size;
} Plan;

static uint32_t
longest_nudge_step(const RuvDelta *delta)
{
	uint32_t	longest = 0;

	for (uint32_t i = 0; i < delta->nsteps; i++)
	{
		if (delta->steps[i].nnudges > longest)
			longest = delta->steps[i].nnudges;
	}
	return longest;
}

/* Calls with w NULL only count the bits. */
static uint64_t
write_runs(RuvBitWriter *w, const RuvDelta *delta)
{
	uint32_t	n = delta->nassigned;
	uint32_t	end = 0;
	uint32_t	nruns = 0;
	uint64_t	bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		nruns += i == 0 || delta->dim[i] != delta->dim[i - 1] + 1;
	if (w != NULL)
		ruv_bits_put_varint(w, nruns);
	bytes += ruv_varint_bytes(nruns);
	for (uint32_t i = 0; i < n;)
	{
		uint32_t	first = delta->dim[i];
		uint32_t	gap = first - end - (i > 0);
		uint32_t	length = 1;

		while (i + length < n && delta->dim[i + length] == first + length)
			length++;
		if (w != NULL)
		{
			ruv_bits_put_varint(w, gap);
			ruv_bits_put_varint(w, length - 1);
		}
		bytes += ruv_varint_bytes(gap) + ruv_varint_bytes(length - 1);
		end = first + length;
		i += length;
	}
	return 8 * bytes;
}

static void
plan_positions(const RuvDelta *delta, RuvPositions wanted, Plan *plan)
{
	uint32_t	n = delta->nassigned;
	uint64_t	list = 0;
	uint64_t	runs = write_runs(NULL, delta);
	uint64_t	rice;

	for (uint32_t i = 0; i < n; i++)
	{
		plan->gap[i] = delta->dim[i] - (i > 0 ? delta->dim[i - 1] + 1 : 0);
		list += 8 * ruv_varint_bytes(plan->gap[i]);
	}
	plan->position_rice = ruv_rice_choose(plan->gap, n, MAX_POSITION_RICE,
										  &rice);
	rice += POSITION_RICE_BITS;
	if (n == delta->dims)
		plan->positions = RUV_POSITIONS_ALL;
	else if (wanted != RUV_POSITIONS_AUTO && wanted != RUV_POSITIONS_ALL)
		plan->positions = wanted;
	else if (list <= runs && list <= rice)
		plan->positions = RUV_POSITIONS_LIST;
	else
		plan->positions = runs <= rice ? RUV_POSITIONS_RUNS :
										 RUV_POSITIONS_RICE;
}

static void
write_positions(RuvBitWriter *w, const RuvDelta *delta, const Plan *plan)
{
	switch (plan->positions)
	{
		case RUV_POSITIONS_LIST:
			for (uint32_t i = 0; i < delta->nassigned; i++)
				ruv_bits_put_varint(w, plan->gap[i]);
			return;
		case RUV_POSITIONS_RUNS:
			(void) write_runs(w, delta);
			return;
		case RUV_POSITIONS_RICE:
			ruv_bits_put(w, plan->position_rice, POSITION_RICE_BITS);
			for (uint32_t i = 0; i < delta->nassigned; i++)
				ruv_bits_put_rice(w, plan->gap[i], plan->position_rice);
			return;
		default:
			return;
	}
}

static void
write_nudges(RuvBitWriter *w, const RuvNudge *nudge, uint32_t n,
			 const Plan *plan)
{
	uint32_t   *gap = plan->nudge_gap;
	uint32_t   *size = plan->nudge_size;
	uint64_t	bits;
	unsigned	gap_rice;
	unsigned	size_rice;

	for (uint32_t i = 0; i < n; i++)
	{
		int64_t		places = nudge[i].places;

		gap[i] = nudge[i].dim - (i > 0 ? nudge[i - 1].dim + 1 : 0);
		size[i] = (uint32_t) ((places < 0 ? -places : places) - 1);
	}
	gap_rice = ruv_rice_choose(gap, n, MAX_NUDGE_RICE, &bits);
	size_rice = ruv_rice_choose(size, n, MAX_NUDGE_RICE, &bits);
	ruv_bits_put_varint(w, n);
	ruv_bits_put(w, gap_rice, NUDGE_RICE_BITS);
	ruv_bits_put(w, size_rice, NUDGE_RICE_BITS);
	for (uint32_t i = 0; i < n; i++)
	{
		ruv_bits_put_rice(w, gap[i], gap_rice);
		ruv_bits_put(w, nudge[i].places < 0, 1);
		ruv_bits_put_rice(w, size[i], size_rice);
	}
	ruv_bits_put_align(w);
}

static void
write_steps(RuvBitWriter *w, const RuvDelta *delta, const Plan *plan)
{
	const RuvNudge *nudge = delta->nudges;

	for (uint32_t i = 0; i < delta->nsteps; i++)
	{
		const RuvDeltaStep *step = &delta->steps[i];

		ruv_bits_put_byte(w, (uint8_t) step->kind);
		if (step->kind != RUV_STEP_NUDGE)
		{
			ruv_bits_put_u32(w, ruv_float_bits(step->operand));
			continue;
		}
		write_nudges(w, nudge, step->nnudges, plan);
		nudge += step->nnudges;
	}
}

static void
write_payload(RuvBitWriter *w, const RuvDelta *delta, const Plan *plan)
{
	ruv_bits_put_varint(w, delta->dims);
	if (delta->nsteps > 0)
	{
		ruv_bits_put_varint(w, delta->nsteps);
		ruv_bits_put_varint(w, delta->nnudges);
	}
	if (delta->nassigned > 0)
	{
		unsigned	form = plan->values.codec;

		form = form << FORMAT_VALUES_SHIFT | plan->positions;
		ruv_bits_put_byte(w, (uint8_t) form);
		if (plan->positions != RUV_POSITIONS_ALL)
			ruv_bits_put_varint(w, delta->nassigned);
	}
	write_steps(w, delta, plan);
	if (delta->nassigned > 0)
	{
		write_positions(w, delta, plan);
		ruv_values_write(w, &plan->values, delta->value, delta->nassigned);
	}
	ruv_bits_put_align(w);
}

/* Plans with memory of its own, which *scratch tells. */
static RuvDeltaStatus
make_plan(const RuvArena *arena, const RuvFrameWishes *wishes,
		  const RuvDelta *delta, Plan *plan, uint32_t **scratch)
{
	uint32_t	n = delta->nassigned;
	size_t		nudges = longest_nudge_step(delta);
	size_t		words = ruv_values_scratch(n) + n + 2 * nudges + 1;

	memset(plan, 0, sizeof(*plan));
	*scratch = ruv_alloc(arena, words * sizeof(uint32_t));
	if (*scratch == NULL)
		return RUV_DELTA_MEMORY;
	plan->gap = *scratch + ruv_values_scratch(n);
	plan->nudge_gap = plan->gap + n;
	plan->nudge_size = plan->nudge_gap + nudges;
	if (n == 0)
		return RUV_DELTA_OK;
	plan_positions(delta, wishes->positions, plan);
	return ruv_values_plan(delta->value, n, wishes->bound, wishes->values,
						   *scratch, &plan->values);
}

static RuvDeltaStatus
frame_size(size_t payload, size_t *size)
{
	if (payload > RUV_FRAME_MAX_PAYLOAD)
		return RUV_DELTA_LIMIT;
	*size = FRAME_LENGTH_AT + ruv_varint_bytes((uint32_t) payload) + payload +
		FRAME_CHECKSUM_BYTES;
	return RUV_DELTA_OK;
}

RuvDeltaStatus
ruv_delta_encoded_size(const RuvArena *arena, const RuvFrameWishes *wishes,
					   const RuvDelta *delta, size_t *size)
{
	Plan		plan;
	uint32_t   *scratch;
	RuvBitWriter w;
	RuvDeltaStatus status;

	if (wishes == NULL)
		wishes = &ruv_frame_default_wishes;
	status = make_plan(arena, wishes, delta, &plan, &scratch);
	if (status == RUV_DELTA_OK)
	{
		ruv_bits_write_start(&w, NULL, 0);
		write_payload(&w, delta, &plan);
		status = frame_size(w.used, size);
	}
	ruv_release(arena, scratch);
	return status;
}

/* Magic, version, flags and length. */
static void
write_head(RuvBitWriter *w, const RuvDelta *delta, RuvCompression compression,
		   size_t payload)
{
	unsigned	flags = (unsigned) delta->kind |
		(unsigned) compression << FLAG_COMPRESSION_SHIFT;

	if (delta->nsteps > 0)
		flags |= FLAG_STEPS;
	if (delta->nassigned > 0)
		flags |= FLAG_ASSIGNED;
	ruv_bits_put_byte(w, FRAME_MAGIC_0);
	ruv_bits_put_byte(w, FRAME_MAGIC_1);
	ruv_bits_put_byte(w, RUV_FRAME_VERSION);
	ruv_bits_put_byte(w, (uint8_t) flags);
	ruv_bits_put_varint(w, (uint32_t) payload);
}

/* Writes the frame of a planned delta, uncompressed. */
static RuvDeltaStatus
write_frame(const RuvArena *arena, const RuvFrameRules *rules,
			const RuvDelta *delta, const Plan *plan, uint8_t **frame,
			size_t *size)
{
	RuvBitWriter w;
	size_t		payload;
	RuvDeltaStatus status;

	ruv_bits_write_start(&w, NULL, 0);
	write_payload(&w, delta, plan);
	payload = w.used;
	status = frame_size(payload, size);
	if (status != RUV_DELTA_OK)
		return status;
	*frame = ruv_alloc(arena, *size);
	if (*frame == NULL)
		return RUV_DELTA_MEMORY;
	ruv_bits_write_start(&w, *frame, *size);
	write_head(&w, delta, RUV_COMPRESSION_NONE, payload);
	write_payload(&w, delta, plan);
	ruv_bits_put_u32(&w, frame_checksum(rules)(0, *frame, w.used));
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
encode_plain(const RuvArena *arena, const RuvFrameRules *rules,
			 const RuvFrameWishes *wishes, const RuvDelta *delta,
			 uint8_t **frame, size_t *size)
{
	Plan		plan;
	uint32_t   *scratch;
	RuvDeltaStatus status = make_plan(arena, wishes, delta, &plan, &scratch);

	if (status == RUV_DELTA_OK)
		status = write_frame(arena, rules, delta, &plan, frame, size);
	ruv_release(arena, scratch);
	return status;
}

/*
 * Puts a compressed form of `plain` in place of *frame if it is smaller.  The
 * length of the raw payload stands before the compressed bytes.
 */
static RuvDeltaStatus
try_compressed(const RuvArena *arena, const RuvFrameRules *rules,
			   const RuvFrameWishes *wishes, const RuvDelta *delta,
			   const uint8_t *plain, size_t plain_size, uint8_t **frame,
			   size_t *size)
{
	RuvBitReader r;
	RuvBitWriter w;
	uint32_t	raw;
	size_t		head;
	size_t		packed;
	uint8_t	   *buffer;

	ruv_bits_read_start(&r, plain + FRAME_LENGTH_AT,
						plain_size - FRAME_LENGTH_AT);
	raw = ruv_bits_get_varint(&r);
	if (raw < wishes->compress_from || raw == 0)
		return RUV_DELTA_OK;
	head = ruv_varint_bytes(raw);
	buffer = ruv_alloc(arena, *size + head + raw);
	if (buffer == NULL)
		return RUV_DELTA_MEMORY;
	/* Compressed behind the place of the frame, then moved. */
	packed = wishes->compressor->compress(wishes->compressor->context,
										  ruv_bits_get_bytes(&r, raw), raw,
										  buffer + *size + head, raw);
	if (packed == 0 ||
		FRAME_LENGTH_AT + ruv_varint_bytes((uint32_t) (head + packed)) +
				head + packed + FRAME_CHECKSUM_BYTES >=
			*size)
	{
		ruv_release(arena, buffer);
		return RUV_DELTA_OK;
	}
	ruv_bits_write_start(&w, buffer, *size);
	write_head(&w, delta, wishes->compressor->method, head + packed);
	ruv_bits_put_varint(&w, raw);
	memmove(buffer + w.used, buffer + *size + head, packed);
	w.used += packed;
	ruv_bits_put_u32(&w, frame_checksum(rules)(0, buffer, w.used));
	ruv_release(arena, *frame);
	*frame = buffer;
	*size = w.used;
	return RUV_DELTA_OK;
}

RuvDeltaStatus
ruv_delta_encode(const RuvArena *arena, const RuvFrameRules *rules,
				 const RuvFrameWishes *wishes, const RuvDelta *delta,
				 uint8_t **frame, size_t *size)
{
	RuvFrameWishes bytes;
	uint8_t	   *plain = NULL;
	size_t		plain_size;
	RuvDeltaStatus status;

	*frame = NULL;
	if (wishes == NULL)
		wishes = &ruv_frame_default_wishes;
	if (!(wishes->bound >= 0))
		return RUV_DELTA_ARGUMENT;
	status = encode_plain(arena, rules, wishes, delta, frame, size);
	if (status != RUV_DELTA_OK || wishes->compressor == NULL)
		return status;

	/* What bits hide from a compressor, bytes may show it. */
	bytes = *wishes;
	if (bytes.positions == RUV_POSITIONS_AUTO)
		bytes.positions = RUV_POSITIONS_LIST;
	if (bytes.values == RUV_VALUES_AUTO && bytes.bound == 0)
		bytes.values = RUV_VALUES_F32;
	status = encode_plain(arena, rules, &bytes, delta, &plain, &plain_size);
	if (status == RUV_DELTA_OK)
		status = try_compressed(arena, rules, wishes, delta, plain,
								plain_size, frame, size);
	if (status == RUV_DELTA_OK &&
		!((*frame)[FRAME_FLAGS_AT] & FLAG_COMPRESSION))
		status = try_compressed(arena, rules, wishes, delta, *frame, *size,
								frame, size);
	ruv_release(arena, plain);
	if (status != RUV_DELTA_OK)
	{
		ruv_release(arena, *frame);
		*frame = NULL;
	}
	return status;
}

RuvDeltaStatus
ruv_delta_encode_next(const RuvArena *arena, const RuvFrameRules *rules,
					  const RuvFrameWishes *wishes, uint32_t dims,
					  float *seen, const float *new_vector, uint8_t **frame,
					  size_t *size)
{
	RuvDelta	delta = {0};
	bool		exists = true;
	RuvDeltaStatus status;

	*frame = NULL;
	if (wishes == NULL)
		wishes = &ruv_frame_default_wishes;
	status = ruv_delta_between(arena, dims, seen, new_vector, wishes->bound,
							   true, &delta);
	if (status == RUV_DELTA_OK)
		status = ruv_delta_encode(arena, rules, wishes, &delta, frame, size);
	if (status == RUV_DELTA_OK && seen != NULL)
	{
		status = ruv_delta_decode(arena, rules, *frame, *size, &delta, NULL);
		if (status == RUV_DELTA_OK)
			status = ruv_delta_apply(&delta, seen, dims, &exists);
	}
	ruv_delta_free(arena, &delta);
	if (status != RUV_DELTA_OK)
	{
		ruv_release(arena, *frame);
		*frame = NULL;
	}
	return status;
}
