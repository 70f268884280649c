/*
 * rvd_bit_distance.c
 *		Distances between two values of the server's type bit.
 *
 * Short values are read where they stand, whatever their alignment: copying
 * them would take longer than counting their bits.
 */
#include "postgres.h"

#include "utils/varbit.h"

#include "pg/rvd_compat.h"
#include "pg/rvd_kernels.h"

typedef struct Bits
{
	struct varlena *value;
	const uint8 *bytes;
	int32		length;			/* in bits */
} Bits;

static Bits
bits_of(Datum datum)
{
	Bits		bits;

	bits.value = PG_DETOAST_DATUM_PACKED(datum);
	memcpy(&bits.length, VARDATA_ANY(bits.value), sizeof(bits.length));
	bits.bytes = (const uint8 *) VARDATA_ANY(bits.value) + VARBITHDRSZ;
	return bits;
}

/* Both arguments, which must be of one length; returns their bytes. */
static size_t
get_arguments(FunctionCallInfo fcinfo, Bits *a, Bits *b)
{
	*a = bits_of(PG_GETARG_DATUM(0));
	*b = bits_of(PG_GETARG_DATUM(1));
	if (unlikely(a->length != b->length))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %u and %u",
						(unsigned int) a->length, (unsigned int) b->length)));
	return ((size_t) a->length + BITS_PER_BYTE - 1) / BITS_PER_BYTE;
}

/* hamming_distance(bit, bit) returns float8 */
RVD_FUNCTION(rvd_hamming_distance);
Datum
rvd_hamming_distance(PG_FUNCTION_ARGS)
{
	Bits		a;
	Bits		b;
	size_t		bytes = get_arguments(fcinfo, &a, &b);
	double		distance;

	distance = (double) rvd_bit_kernels->hamming(a.bytes, b.bytes, bytes);
	PG_FREE_IF_COPY(a.value, 0);
	PG_FREE_IF_COPY(b.value, 1);
	PG_RETURN_FLOAT8(distance);
}

/*
 * jaccard_distance(bit, bit) returns float8
 *
 * Two values without a common bit are at 1, even if both have none at all.
 */
RVD_FUNCTION(rvd_jaccard_distance);
Datum
rvd_jaccard_distance(PG_FUNCTION_ARGS)
{
	Bits		a;
	Bits		b;
	size_t		bytes = get_arguments(fcinfo, &a, &b);
	uint64_t	both;
	uint64_t	either;

	rvd_bit_kernels->overlap(a.bytes, b.bytes, bytes, &both, &either);
	PG_FREE_IF_COPY(a.value, 0);
	PG_FREE_IF_COPY(b.value, 1);
	if (both == 0)
		PG_RETURN_FLOAT8(1.0);
	PG_RETURN_FLOAT8(1.0 - (double) both / (double) either);
}
