/*
 * ruv_bits.h
 *		Writing and reading integers as varints, bit fields and Rice codes.
 *
 * Bits fill a byte from its lowest up; a field's lowest bit comes first.
 * Bytes, varints and floats start on a byte boundary: align before them.  The
 * bits skipped by aligning are zero, and a reader insists on it.
 *
 * Varint: seven bits per byte, lowest first, the high bit set on all but the
 * last byte (LEB128), at most five bytes, shortest form only.
 *
 * Rice code with parameter k (Rice & Plaunt, 1971): value >> k ones, a zero,
 * then the k low bits.  It is within a few hundredths of a bit of the best
 * code for geometrically distributed gaps.
 *
 * Both ends keep the first fault and then do nothing harmful, so that callers
 * look once, at the end of a block.
 */
#ifndef RUV_BITS_H
#define RUV_BITS_H

#include "core/ruv_common.h"

#define RUV_MAX_VARINT_BYTES 5

typedef struct RuvBitWriter
{
	uint8_t	   *data;			/* NULL: only count */
	size_t		capacity;		/* of data, in bytes */
	size_t		used;			/* whole bytes so far, also beyond capacity */
	uint64_t	pending;		/* bits not yet a whole byte */
	unsigned	npending;		/* at most 7 between calls */
} RuvBitWriter;

typedef enum RuvBitFault
{
	RUV_BITS_OK = 0,
	RUV_BITS_TRUNCATED,			/* the data ends too early */
	RUV_BITS_NOT_CANONICAL,		/* a longer form, or padding that is not 0 */
	RUV_BITS_TOO_LARGE			/* a value beyond what the reader allows */
} RuvBitFault;

typedef struct RuvBitReader
{
	const uint8_t *data;
	size_t		size;
	size_t		position;		/* next byte to load */
	uint64_t	pending;		/* loaded bits, the rest zero */
	unsigned	npending;
	RuvBitFault fault;
} RuvBitReader;

extern void ruv_bits_write_start(RuvBitWriter *w, uint8_t *data,
								 size_t capacity);
extern void ruv_bits_put_rice(RuvBitWriter *w, uint32_t value, unsigned k);
extern void ruv_bits_put_align(RuvBitWriter *w);
/* The following need an aligned writer. */
extern void ruv_bits_put_varint(RuvBitWriter *w, uint32_t value);
extern void ruv_bits_put_u32(RuvBitWriter *w, uint32_t value);

extern void ruv_bits_read_start(RuvBitReader *r, const uint8_t *data,
								size_t size);
extern void ruv_bits_get_align(RuvBitReader *r);
/* The following need an aligned reader. */
extern uint8_t ruv_bits_get_byte(RuvBitReader *r);
extern uint32_t ruv_bits_get_varint(RuvBitReader *r);
extern uint32_t ruv_bits_get_u32(RuvBitReader *r);
/* n bytes in place, or NULL. */
extern const uint8_t *ruv_bits_get_bytes(RuvBitReader *r, size_t n);
/* Whole bytes not yet read; the reader is aligned. */
extern size_t ruv_bits_left(const RuvBitReader *r);

/* Keeps the first fault; from then on there is nothing to read. */
extern void ruv_bits_set_fault(RuvBitReader *r, RuvBitFault fault);
extern uint32_t ruv_bits_get_long_rice(RuvBitReader *r, unsigned k,
									   uint32_t max);

/* Bytes of a varint; bits that tell n values apart; bits of a Rice code. */
extern size_t ruv_varint_bytes(uint32_t value);
extern unsigned ruv_bits_width(uint32_t n);
static inline uint64_t
ruv_rice_bits(uint32_t value, unsigned k)
{
	return (uint64_t) (value >> k) + 1 + k;
}

/* The parameter up to max_k with the fewest bits for these values. */
extern unsigned ruv_rice_choose(const uint32_t *values, size_t n,
								unsigned max_k, uint64_t *bits);

/*
 * What is called for every value, inline.
 */

/* The writer is aligned. */
static inline void
ruv_bits_put_byte(RuvBitWriter *w, uint8_t value)
{
	if (w->data != NULL && w->used < w->capacity)
		w->data[w->used] = value;
	w->used++;
}

/* The low n bits of value, n at most 32; the bits above them are zero. */
static inline void
ruv_bits_put(RuvBitWriter *w, uint32_t value, unsigned n)
{
	w->pending |= (uint64_t) value << w->npending;
	w->npending += n;
	while (w->npending >= 8)
	{
		ruv_bits_put_byte(w, (uint8_t) w->pending);
		w->pending >>= 8;
		w->npending -= 8;
	}
}

/* Loads until 56 bits or more are pending, but not 64, or the data ends. */
static inline void
ruv_bits_refill(RuvBitReader *r)
{
	unsigned	room = (63 - r->npending) / 8;

	if (room > 0 && r->size - r->position >= 8)
	{
		const uint8_t *p = r->data + r->position;
		uint64_t	low = (uint64_t) p[0] | (uint64_t) p[1] << 8 |
			(uint64_t) p[2] << 16 | (uint64_t) p[3] << 24;
		uint64_t	high = (uint64_t) p[4] | (uint64_t) p[5] << 8 |
			(uint64_t) p[6] << 16 | (uint64_t) p[7] << 24;
		uint64_t	word = (low | high << 32) & UINT64_MAX >> (64 - 8 * room);

		r->pending |= word << r->npending;
		r->position += room;
		r->npending += 8 * room;
		return;
	}
	while (r->npending <= 55 && r->position < r->size)
	{
		r->pending |= (uint64_t) r->data[r->position++] << r->npending;
		r->npending += 8;
	}
}

/* The length of the run of ones at the low end of what may be pending. */
static inline unsigned
ruv_bits_low_ones(uint64_t bits)
{
#if defined(__GNUC__)
	return (unsigned) __builtin_ctzll(~bits | UINT64_C(1) << 63);
#else
	unsigned	n = 0;

	for (; bits & 1; bits >>= 1)
		n++;
	return n;
#endif
}

/* n bits, n at most 32; 0 once there is a fault. */
static inline uint32_t
ruv_bits_get(RuvBitReader *r, unsigned n)
{
	uint32_t	value;

	if (r->npending < n)
	{
		ruv_bits_refill(r);
		if (r->npending < n)
		{
			ruv_bits_set_fault(r, RUV_BITS_TRUNCATED);
			return 0;
		}
	}
	value = (uint32_t) (r->pending & ((UINT64_C(1) << n) - 1));
	r->pending >>= n;
	r->npending -= n;
	return value;
}

/* A value above max is TOO_LARGE; 0 once there is a fault.  k is below 32. */
static inline uint32_t
ruv_bits_get_rice(RuvBitReader *r, unsigned k, uint32_t max)
{
	unsigned	run;
	uint64_t	value;

	if (r->npending < 32)
		ruv_bits_refill(r);
	run = ruv_bits_low_ones(r->pending);
	if (run + 1 + k > r->npending)
		return ruv_bits_get_long_rice(r, k, max);
	value = r->pending >> run >> 1;
	value = (uint64_t) run << k | (value & ((UINT64_C(1) << k) - 1));
	if (value > max)
	{
		ruv_bits_set_fault(r, RUV_BITS_TOO_LARGE);
		return 0;
	}
	r->pending = r->pending >> run >> 1 >> k;
	r->npending -= run + 1 + k;
	return (uint32_t) value;
}

#endif							/* RUV_BITS_H */
