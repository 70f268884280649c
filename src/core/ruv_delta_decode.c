/*
 * ruv_delta_decode.c
 *		From a frame to a delta, and chains of frames onto a vector.
 *
 * The bytes may be anybody's.  The checksum is looked at before any content,
 * but it is no proof: every count is held against the bytes that are there
 * and against the caller's limits before memory is asked for, and the result
 * is checked as a whole.
 */
#include <string.h>

#include "core/ruv_delta_frame_int.h"
#include "core/ruv_float_bits.h"

typedef struct Frame
{
	unsigned	flags;
	const uint8_t *payload;
	size_t		payload_size;
} Frame;

static uint32_t
max_dims(const RuvFrameRules *rules)
{
	return rules != NULL && rules->max_dims != 0 ? rules->max_dims :
												   RUV_DELTA_MAX_DIMS;
}

static uint32_t
max_payload(const RuvFrameRules *rules)
{
	return rules != NULL && rules->max_payload != 0 ? rules->max_payload :
													  RUV_FRAME_MAX_PAYLOAD;
}

static RuvDeltaStatus
open_frame(const RuvFrameRules *rules, const uint8_t *data, size_t size,
		   Frame *frame)
{
	RuvBitReader r;
	uint32_t	length;
	uint32_t	checksum;
	size_t		body;

	if (size >= 2 && (data[0] != FRAME_MAGIC_0 || data[1] != FRAME_MAGIC_1))
		return RUV_DELTA_MAGIC;
	if (size > 2 && data[2] != RUV_FRAME_VERSION)
		return RUV_DELTA_VERSION;
	if (size < FRAME_MIN_BYTES)
		return RUV_DELTA_TRUNCATED;
	ruv_bits_read_start(&r, data, size);
	(void) ruv_bits_get_bytes(&r, FRAME_FLAGS_AT);
	frame->flags = ruv_bits_get_byte(&r);
	length = ruv_bits_get_varint(&r);
	if (r.fault != RUV_BITS_OK)
		return ruv_values_fault(r.fault);
	if (ruv_bits_left(&r) < FRAME_CHECKSUM_BYTES ||
		ruv_bits_left(&r) - FRAME_CHECKSUM_BYTES < length)
		return RUV_DELTA_TRUNCATED;
	if (ruv_bits_left(&r) - FRAME_CHECKSUM_BYTES > length)
		return RUV_DELTA_TRAILING;
	frame->payload = ruv_bits_get_bytes(&r, length);
	frame->payload_size = length;
	body = size - FRAME_CHECKSUM_BYTES;
	checksum = ruv_bits_get_u32(&r);
	if (frame_checksum(rules)(0, data, body) != checksum)
		return RUV_DELTA_CHECKSUM;
	if (frame->flags & FLAG_UNKNOWN)
		return RUV_DELTA_FORMAT;
	return length > max_payload(rules) ? RUV_DELTA_LIMIT : RUV_DELTA_OK;
}

/* *raw comes from the arena. */
static RuvDeltaStatus
decompress(const RuvArena *arena, const RuvFrameRules *rules,
		   const Frame *frame, RuvCompression method, uint8_t **raw,
		   size_t *raw_size)
{
	const RuvCompressor *compressor = NULL;
	RuvBitReader r;
	uint32_t	size;
	const uint8_t *source;

	for (uint32_t i = 0; rules != NULL && i < rules->ncompressors; i++)
	{
		if (rules->compressors[i].method == method)
			compressor = &rules->compressors[i];
	}
	if (compressor == NULL)
		return RUV_DELTA_COMPRESSION;
	ruv_bits_read_start(&r, frame->payload, frame->payload_size);
	size = ruv_bits_get_varint(&r);
	if (r.fault != RUV_BITS_OK)
		return ruv_values_fault(r.fault);
	if (size == 0)
		return RUV_DELTA_NOT_CANONICAL;
	if (size > max_payload(rules))
		return RUV_DELTA_LIMIT;
	*raw = ruv_alloc(arena, size);
	if (*raw == NULL)
		return RUV_DELTA_MEMORY;
	*raw_size = size;
	source = frame->payload + r.position;
	return compressor->decompress(compressor->context, source,
								  ruv_bits_left(&r), *raw, size) ?
		RUV_DELTA_OK :
		RUV_DELTA_DECOMPRESSION;
}

static RuvDeltaStatus
read_list(RuvBitReader *r, RuvDelta *out)
{
	uint64_t	next = 0;

	for (uint32_t i = 0; i < out->nassigned; i++)
	{
		next += ruv_bits_get_varint(r);
		if (next >= out->dims)
			return RUV_DELTA_POSITION;
		out->dim[i] = (uint32_t) next++;
	}
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
read_runs(RuvBitReader *r, RuvDelta *out)
{
	uint32_t	nruns = ruv_bits_get_varint(r);
	uint64_t	next = 0;
	uint32_t	n = 0;

	for (uint32_t run = 0; run < nruns && r->fault == RUV_BITS_OK; run++)
	{
		uint64_t	length;

		/* Runs that touch would be one run. */
		next += ruv_bits_get_varint(r) + (uint64_t) (run > 0);
		length = ruv_bits_get_varint(r) + UINT64_C(1);
		if (next + length > out->dims)
			return RUV_DELTA_POSITION;
		if (length > out->nassigned - n)
			return RUV_DELTA_COUNT;
		for (; length > 0; length--)
			out->dim[n++] = (uint32_t) next++;
	}
	return n == out->nassigned ? RUV_DELTA_OK : RUV_DELTA_COUNT;
}

static RuvDeltaStatus
read_rice(RuvBitReader *r, RuvDelta *out)
{
	unsigned	rice = ruv_bits_get(r, POSITION_RICE_BITS);
	uint32_t	next = 0;

	for (uint32_t i = 0; i < out->nassigned; i++)
	{
		next += ruv_bits_get_rice(r, rice, RUV_DELTA_MAX_DIMS);
		if (next >= out->dims)
			return RUV_DELTA_POSITION;
		out->dim[i] = next++;
	}
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
read_positions(RuvBitReader *r, RuvPositions positions, RuvDelta *out)
{
	RuvDeltaStatus status = RUV_DELTA_OK;

	switch (positions)
	{
		case RUV_POSITIONS_ALL:
			for (uint32_t i = 0; i < out->nassigned; i++)
				out->dim[i] = i;
			break;
		case RUV_POSITIONS_LIST:
			status = read_list(r, out);
			break;
		case RUV_POSITIONS_RUNS:
			status = read_runs(r, out);
			break;
		case RUV_POSITIONS_RICE:
			status = read_rice(r, out);
			break;
		default:
			return RUV_DELTA_FORMAT;
	}
	return r->fault != RUV_BITS_OK ? ruv_values_fault(r->fault) : status;
}

/* One nudge step; `room` is what the declared total leaves. */
static RuvDeltaStatus
read_nudges(RuvBitReader *r, uint32_t dims, uint32_t room, RuvNudge *nudge,
			uint32_t *count)
{
	uint32_t	n = ruv_bits_get_varint(r);
	unsigned	gap_rice = ruv_bits_get(r, NUDGE_RICE_BITS);
	unsigned	size_rice = ruv_bits_get(r, NUDGE_RICE_BITS);
	uint32_t	next = 0;

	if (n > room)
		return RUV_DELTA_COUNT;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	minus;
		uint32_t	size;

		next += ruv_bits_get_rice(r, gap_rice, RUV_DELTA_MAX_DIMS);
		minus = ruv_bits_get(r, 1);
		size = ruv_bits_get_rice(r, size_rice, INT32_MAX - 1) + 1;
		if (next >= dims)
			return RUV_DELTA_POSITION;
		nudge[i].dim = next++;
		nudge[i].places = minus ? -(int32_t) size : (int32_t) size;
	}
	ruv_bits_get_align(r);
	*count = n;
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
read_steps(RuvBitReader *r, uint32_t nsteps, uint32_t nnudges, RuvDelta *out)
{
	for (uint32_t i = 0; i < nsteps; i++)
	{
		RuvDeltaStep *step = &out->steps[i];
		unsigned	kind = ruv_bits_get_byte(r);
		RuvDeltaStatus status = RUV_DELTA_OK;

		step->kind = (RuvStepKind) kind;
		step->operand = 0;
		step->nnudges = 0;
		switch (kind)
		{
			case RUV_STEP_SCALE:
			case RUV_STEP_OFFSET:
				step->operand = ruv_float_from_bits(ruv_bits_get_u32(r));
				break;
			case RUV_STEP_NUDGE:
				status = read_nudges(r, out->dims, nnudges - out->nnudges,
									 out->nudges + out->nnudges,
									 &step->nnudges);
				break;
			default:
				status = RUV_DELTA_FORMAT;
				break;
		}
		if (r->fault != RUV_BITS_OK)
			return ruv_values_fault(r->fault);
		if (status != RUV_DELTA_OK)
			return status;
		out->nnudges += step->nnudges;
	}
	out->nsteps = nsteps;
	return out->nnudges == nnudges ? RUV_DELTA_OK : RUV_DELTA_COUNT;
}

/* The counts at the head of a payload. */
typedef struct Counts
{
	uint32_t	dims;
	uint32_t	nsteps;
	uint32_t	nnudges;
	uint32_t	nassigned;
	unsigned	format;
} Counts;

static RuvDeltaStatus
read_counts(RuvBitReader *r, const RuvFrameRules *rules, unsigned flags,
			Counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	counts->dims = ruv_bits_get_varint(r);
	if (flags & FLAG_STEPS)
	{
		counts->nsteps = ruv_bits_get_varint(r);
		counts->nnudges = ruv_bits_get_varint(r);
	}
	if (flags & FLAG_ASSIGNED)
	{
		counts->format = ruv_bits_get_byte(r);
		counts->nassigned = counts->dims;
		if ((counts->format & FORMAT_POSITIONS) != RUV_POSITIONS_ALL)
			counts->nassigned = ruv_bits_get_varint(r);
	}
	if (r->fault != RUV_BITS_OK)
		return ruv_values_fault(r->fault);
	if (counts->dims > max_dims(rules) ||
		counts->dims > RUV_DELTA_MAX_DIMS)
		return RUV_DELTA_LIMIT;
	if (((flags & FLAG_STEPS) && counts->nsteps == 0) ||
		((flags & FLAG_ASSIGNED) && counts->nassigned == 0))
		return RUV_DELTA_NOT_CANONICAL;
	if (counts->nassigned > counts->dims ||
		counts->nsteps > ruv_bits_left(r) ||
		counts->nnudges > 8 * (uint64_t) ruv_bits_left(r) / NUDGE_MIN_BITS)
		return RUV_DELTA_COUNT;
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
read_payload(const RuvArena *arena, const RuvFrameRules *rules,
			 unsigned flags, RuvBitReader *r, RuvDelta *out,
			 RuvFrameInfo *info)
{
	Counts		counts;
	RuvPositions positions;
	RuvValueCodec values;
	RuvDeltaStatus status = read_counts(r, rules, flags, &counts);

	if (status != RUV_DELTA_OK)
		return status;
	status = ruv_delta_reserve(arena, counts.nassigned, counts.nsteps,
							   counts.nnudges, out);
	if (status != RUV_DELTA_OK)
		return status;
	positions = (RuvPositions) (counts.format & FORMAT_POSITIONS);
	values = (RuvValueCodec) (counts.format >> FORMAT_VALUES_SHIFT);
	out->kind = (RuvDeltaKind) (flags & FLAG_KIND);
	out->dims = counts.dims;
	status = read_steps(r, counts.nsteps, counts.nnudges, out);
	if (status == RUV_DELTA_OK && counts.nassigned > 0)
	{
		out->nassigned = counts.nassigned;
		status = read_positions(r, positions, out);
		if (status == RUV_DELTA_OK)
			status = ruv_values_read(arena, r, values, out->value,
									 out->nassigned);
	}
	if (status != RUV_DELTA_OK)
		return status;
	ruv_bits_get_align(r);
	if (r->fault != RUV_BITS_OK)
		return ruv_values_fault(r->fault);
	if (ruv_bits_left(r) > 0)
		return RUV_DELTA_NOT_CANONICAL;
	info->kind = out->kind;
	info->positions = positions;
	info->values = values;
	return ruv_delta_check(out);
}

RuvDeltaStatus
ruv_delta_decode(const RuvArena *arena, const RuvFrameRules *rules,
				 const uint8_t *frame, size_t size, RuvDelta *out,
				 RuvFrameInfo *info)
{
	Frame		parts = {0};
	RuvFrameInfo unused;
	RuvBitReader r;
	uint8_t	   *raw = NULL;
	size_t		raw_size;
	RuvDeltaStatus status = open_frame(rules, frame, size, &parts);

	if (status != RUV_DELTA_OK)
		return status;
	if (info == NULL)
		info = &unused;
	memset(info, 0, sizeof(*info));
	info->payload_size = parts.payload_size;
	info->compression = (RuvCompression) ((parts.flags & FLAG_COMPRESSION) >>
										  FLAG_COMPRESSION_SHIFT);
	raw_size = parts.payload_size;
	if (info->compression != RUV_COMPRESSION_NONE)
		status = decompress(arena, rules, &parts, info->compression, &raw,
							&raw_size);
	if (status == RUV_DELTA_OK)
	{
		info->raw_size = raw_size;
		ruv_bits_read_start(&r, raw != NULL ? raw : parts.payload, raw_size);
		status = read_payload(arena, rules, parts.flags, &r, out, info);
	}
	ruv_release(arena, raw);
	return status;
}

/* Does the vector after this frame not depend on the one before it? */
static bool
starts_anew(const RuvBytes *frame)
{
	return frame->size > FRAME_FLAGS_AT &&
		(frame->data[FRAME_FLAGS_AT] & FLAG_KIND) != RUV_DELTA_CHANGE;
}

RuvDeltaStatus
ruv_delta_fold(const RuvArena *arena, const RuvFrameRules *rules,
			   const RuvBytes *frames, uint32_t n, float *x, uint32_t dims,
			   bool *exists, uint32_t *failed)
{
	RuvDelta	delta = {0};
	RuvDeltaStatus status = RUV_DELTA_OK;
	uint32_t	i = n;

	while (i > 0 && !starts_anew(&frames[i - 1]))
		i--;
	for (i -= i > 0; i < n; i++)
	{
		status = ruv_delta_decode(arena, rules, frames[i].data,
								  frames[i].size, &delta, NULL);
		if (status == RUV_DELTA_OK)
			status = ruv_delta_apply(&delta, x, dims, exists);
		if (status != RUV_DELTA_OK)
			break;
	}
	if (status != RUV_DELTA_OK && failed != NULL)
		*failed = i;
	ruv_delta_free(arena, &delta);
	return status;
}
