/*
 * ruv_bits.c
 *		Varints, bit fields and Rice codes.
 */
#include <string.h>

#include "core/ruv_bits.h"

void
ruv_bits_write_start(RuvBitWriter *w, uint8_t *data, size_t capacity)
{
	memset(w, 0, sizeof(*w));
	w->data = data;
	w->capacity = capacity;
}

void
ruv_bits_put_rice(RuvBitWriter *w, uint32_t value, unsigned k)
{
	uint32_t	ones = value >> k;

	for (; ones >= 32; ones -= 32)
		ruv_bits_put(w, UINT32_MAX, 32);
	ruv_bits_put(w, (UINT32_C(1) << ones) - 1, ones + 1);
	ruv_bits_put(w, value & ((UINT32_C(1) << k) - 1), k);
}

void
ruv_bits_put_align(RuvBitWriter *w)
{
	if (w->npending > 0)
		ruv_bits_put(w, 0, 8 - w->npending);
}

void
ruv_bits_put_varint(RuvBitWriter *w, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		ruv_bits_put_byte(w, (uint8_t) (value | 0x80));
	ruv_bits_put_byte(w, (uint8_t) value);
}

void
ruv_bits_put_u32(RuvBitWriter *w, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		ruv_bits_put_byte(w, (uint8_t) (value >> 8 * i));
}

void
ruv_bits_read_start(RuvBitReader *r, const uint8_t *data, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->data = data;
	r->size = size;
}

void
ruv_bits_set_fault(RuvBitReader *r, RuvBitFault fault)
{
	if (r->fault == RUV_BITS_OK)
		r->fault = fault;
	r->position = r->size;
	r->pending = 0;
	r->npending = 0;
}

/* A Rice code whose ones go on beyond what is pending, or are too many. */
uint32_t
ruv_bits_get_long_rice(RuvBitReader *r, unsigned k, uint32_t max)
{
	uint64_t	ones = 0;
	uint64_t	value;

	for (;;)
	{
		unsigned	run;

		ruv_bits_refill(r);
		if (r->npending == 0)
		{
			ruv_bits_set_fault(r, RUV_BITS_TRUNCATED);
			return 0;
		}
		run = ruv_bits_low_ones(r->pending);
		ones += run;
		if (ones > max >> k)
		{
			ruv_bits_set_fault(r, RUV_BITS_TOO_LARGE);
			return 0;
		}
		if (run < r->npending)
		{
			r->pending >>= run;
			r->pending >>= 1;
			r->npending -= run + 1;
			break;
		}
		r->pending = 0;
		r->npending = 0;
	}
	value = ones << k | ruv_bits_get(r, k);
	if (value > max)
		ruv_bits_set_fault(r, RUV_BITS_TOO_LARGE);
	return r->fault == RUV_BITS_OK ? (uint32_t) value : 0;
}

void
ruv_bits_get_align(RuvBitReader *r)
{
	unsigned	odd = r->npending & 7;

	if (r->pending & ((UINT64_C(1) << odd) - 1))
	{
		ruv_bits_set_fault(r, RUV_BITS_NOT_CANONICAL);
		return;
	}
	r->position -= r->npending / 8;
	r->pending = 0;
	r->npending = 0;
}

const uint8_t *
ruv_bits_get_bytes(RuvBitReader *r, size_t n)
{
	const uint8_t *bytes = r->data + r->position;

	if (r->size - r->position < n)
	{
		ruv_bits_set_fault(r, RUV_BITS_TRUNCATED);
		return NULL;
	}
	r->position += n;
	return bytes;
}

uint8_t
ruv_bits_get_byte(RuvBitReader *r)
{
	const uint8_t *byte = ruv_bits_get_bytes(r, 1);

	return byte != NULL ? *byte : 0;
}

uint32_t
ruv_bits_get_varint(RuvBitReader *r)
{
	uint64_t	value = 0;
	uint8_t		byte;

	for (unsigned i = 0; i < RUV_MAX_VARINT_BYTES; i++)
	{
		byte = ruv_bits_get_byte(r);
		value |= (uint64_t) (byte & 0x7f) << 7 * i;
		if (byte & 0x80)
			continue;
		if (byte == 0 && i > 0)
			ruv_bits_set_fault(r, RUV_BITS_NOT_CANONICAL);
		else if (value > UINT32_MAX)
			ruv_bits_set_fault(r, RUV_BITS_TOO_LARGE);
		return r->fault == RUV_BITS_OK ? (uint32_t) value : 0;
	}
	ruv_bits_set_fault(r, RUV_BITS_TOO_LARGE);
	return 0;
}

uint32_t
ruv_bits_get_u32(RuvBitReader *r)
{
	const uint8_t *p = ruv_bits_get_bytes(r, 4);

	if (p == NULL)
		return 0;
	return (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 |
		(uint32_t) p[3] << 24;
}

size_t
ruv_bits_left(const RuvBitReader *r)
{
	return r->size - r->position;
}

size_t
ruv_varint_bytes(uint32_t value)
{
	size_t		n = 1;

	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

unsigned
ruv_bits_width(uint32_t n)
{
	unsigned	width = 0;

	while (width < 32 && (UINT64_C(1) << width) < n)
		width++;
	return width;
}

static uint64_t
rice_sum(const uint32_t *values, size_t n, unsigned k)
{
	uint64_t	sum = (uint64_t) n * (k + 1);

	for (size_t i = 0; i < n; i++)
		sum += values[i] >> k;
	return sum;
}

/* From the logarithm of the mean downhill, to either side. */
unsigned
ruv_rice_choose(const uint32_t *values, size_t n, unsigned max_k,
				uint64_t *bits)
{
	uint64_t	mean = n > 0 ? (rice_sum(values, n, 0) - n) / n : 0;
	unsigned	best = 0;
	int			direction = 1;

	while (best < max_k && mean >> best > 1)
		best++;
	*bits = rice_sum(values, n, best);
	for (int tries = 0; tries < 2; tries++, direction = -direction)
	{
		while ((direction > 0 && best < max_k) || (direction < 0 && best > 0))
		{
			unsigned	next = direction > 0 ? best + 1 : best - 1;
			uint64_t	sum = rice_sum(values, n, next);

			if (sum >= *bits)
				break;
			*bits = sum;
			best = next;
		}
	}
	return best;
}
