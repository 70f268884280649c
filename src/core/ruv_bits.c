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

static inline void
write_byte(RuvBitWriter *w, uint8_t value)
{
	if (w->data != NULL && w->used < w->capacity)
		w->data[w->used] = value;
	w->used++;
}

void
ruv_bits_put(RuvBitWriter *w, uint32_t value, unsigned n)
{
	w->pending |= (uint64_t) value << w->npending;
	w->npending += n;
	while (w->npending >= 8)
	{
		write_byte(w, (uint8_t) w->pending);
		w->pending >>= 8;
		w->npending -= 8;
	}
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
ruv_bits_put_byte(RuvBitWriter *w, uint8_t value)
{
	write_byte(w, value);
}

void
ruv_bits_put_varint(RuvBitWriter *w, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		write_byte(w, (uint8_t) (value | 0x80));
	write_byte(w, (uint8_t) value);
}

void
ruv_bits_put_u32(RuvBitWriter *w, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		write_byte(w, (uint8_t) (value >> 8 * i));
}

void
ruv_bits_read_start(RuvBitReader *r, const uint8_t *data, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->data = data;
	r->size = size;
}

static inline void
set_fault(RuvBitReader *r, RuvBitFault fault)
{
	if (r->fault == RUV_BITS_OK)
		r->fault = fault;
	r->position = r->size;
	r->pending = 0;
	r->npending = 0;
}

/* Loads until more than 56 bits are pending or the data ends. */
static inline void
refill(RuvBitReader *r)
{
	while (r->npending <= 56 && r->position < r->size)
	{
		r->pending |= (uint64_t) r->data[r->position++] << r->npending;
		r->npending += 8;
	}
}

uint32_t
ruv_bits_get(RuvBitReader *r, unsigned n)
{
	uint32_t	value;

	if (r->npending < n)
	{
		refill(r);
		if (r->npending < n)
		{
			set_fault(r, RUV_BITS_TRUNCATED);
			return 0;
		}
	}
	value = (uint32_t) (r->pending & ((UINT64_C(1) << n) - 1));
	r->pending >>= n;
	r->npending -= n;
	return value;
}

/* The length of the run of ones at the low end. */
static inline unsigned
low_ones(uint64_t bits)
{
#if defined(__GNUC__)
	return bits == UINT64_MAX ? 64 : (unsigned) __builtin_ctzll(~bits);
#else
	unsigned	n = 0;

	for (; bits & 1; bits >>= 1)
		n++;
	return n;
#endif
}

uint32_t
ruv_bits_get_rice(RuvBitReader *r, unsigned k, uint32_t max)
{
	uint64_t	ones = 0;
	uint64_t	value;

	for (;;)
	{
		unsigned	run;

		refill(r);
		if (r->npending == 0)
		{
			set_fault(r, RUV_BITS_TRUNCATED);
			return 0;
		}
		run = low_ones(r->pending);
		ones += run;
		if (ones > max >> k)
		{
			set_fault(r, RUV_BITS_TOO_LARGE);
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
		set_fault(r, RUV_BITS_TOO_LARGE);
	return r->fault == RUV_BITS_OK ? (uint32_t) value : 0;
}

void
ruv_bits_get_align(RuvBitReader *r)
{
	unsigned	odd = r->npending & 7;

	if (r->pending & ((UINT64_C(1) << odd) - 1))
	{
		set_fault(r, RUV_BITS_NOT_CANONICAL);
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
		set_fault(r, RUV_BITS_TRUNCATED);
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
			set_fault(r, RUV_BITS_NOT_CANONICAL);
		else if (value > UINT32_MAX)
			set_fault(r, RUV_BITS_TOO_LARGE);
		return r->fault == RUV_BITS_OK ? (uint32_t) value : 0;
	}
	set_fault(r, RUV_BITS_TOO_LARGE);
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

unsigned
ruv_rice_choose(const uint32_t *values, size_t n, unsigned max_k,
				uint64_t *bits)
{
	unsigned	best = 0;

	*bits = UINT64_MAX;
	for (unsigned k = 0; k <= max_k; k++)
	{
		uint64_t	sum = (uint64_t) n * (k + 1);

		for (size_t i = 0; i < n; i++)
			sum += values[i] >> k;
		if (sum < *bits)
		{
			*bits = sum;
			best = k;
		}
		else if (sum > *bits)
			break;
	}
	return best;
}
