/*
 * rvd_deltavec_make.c
 *		Ways to make a deltavec.
 *
 * A vector that is NULL is one that does not exist: what a create starts from
 * and a delete leaves.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "types/rvd_deltavec_int.h"

#define GETARG_VECTOR_OR_NULL(n) \
	(PG_ARGISNULL(n) ? NULL : RVD_GETARG_VECTOR(n))

/* The words of delta_between's last argument. */
typedef struct CodecWord
{
	const char *word;
	enum
	{
		WORD_POSITIONS,
		WORD_VALUES,
		WORD_COMPRESSION
	} kind;
	int			choice;
} CodecWord;

static const CodecWord codec_words[] = {
	{"sparse", WORD_POSITIONS, RUV_POSITIONS_LIST},
	{"runs", WORD_POSITIONS, RUV_POSITIONS_RUNS},
	{"rice", WORD_POSITIONS, RUV_POSITIONS_RICE},
	{"f32", WORD_VALUES, RUV_VALUES_F32},
	{"packed", WORD_VALUES, RUV_VALUES_PACKED},
	{"dictionary", WORD_VALUES, RUV_VALUES_DICTIONARY},
	{"f16", WORD_VALUES, RUV_VALUES_F16},
	{"int8", WORD_VALUES, RUV_VALUES_INT8},
	{"int4", WORD_VALUES, RUV_VALUES_INT4},
	{"none", WORD_COMPRESSION, RUV_COMPRESSION_NONE},
	{"lz4", WORD_COMPRESSION, RUV_COMPRESSION_LZ4},
	{"zstd", WORD_COMPRESSION, RUV_COMPRESSION_ZSTD}};

static const CodecWord *
find_codec_word(const char *word, size_t length)
{
	for (size_t i = 0; i < lengthof(codec_words); i++)
	{
		if (strlen(codec_words[i].word) == length &&
			pg_strncasecmp(word, codec_words[i].word, length) == 0)
			return &codec_words[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown deltavec codec \"%.*s\"", (int) length, word),
			 errhint("Give one each, or none, separated by commas, of sparse, runs, rice; "
					 "f32, packed, dictionary, f16, int8, int4; none, lz4, zstd.")));
	pg_unreachable();
}

/*
 * What a codec text asks for: words separated by commas, at most one of each
 * kind.  *compress is false if the text says nothing about compression.
 */
static void
read_codec(const char *text, RuvFrameWishes *wishes, bool *compress)
{
	unsigned	seen = 0;
	const char *p = text + strspn(text, " ");

	*compress = false;
	while (*p != '\0')
	{
		size_t		length = strcspn(p, ", ");
		const CodecWord *word = find_codec_word(p, length);

		if (seen & 1u << word->kind)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("conflicting deltavec codecs in \"%s\"", text)));
		seen |= 1u << word->kind;
		if (word->kind == WORD_POSITIONS)
			wishes->positions = (RuvPositions) word->choice;
		else if (word->kind == WORD_VALUES)
			wishes->values = (RuvValueCodec) word->choice;
		else
		{
			*compress = true;
			wishes->compressor = rvd_compressor(word->choice);
		}
		p += length;
		p += strspn(p, " ");
		if (*p == ',')
			p += 1 + strspn(p + 1, " ");
	}
}

/*
 * delta_between(vector, vector, epsilon real, codec text) returns deltavec
 *
 * From NULL it is a create, to NULL a delete.
 */
RVD_FUNCTION(rvd_between);
Datum
rvd_between(PG_FUNCTION_ARGS)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RvdVector  *old = GETARG_VECTOR_OR_NULL(0);
	RvdVector  *new = GETARG_VECTOR_OR_NULL(1);
	RuvFrameWishes wishes = ruv_frame_default_wishes;
	RuvDelta	delta = {0};
	bool		compress = false;

	wishes.bound = PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT4(2);
	if (!(wishes.bound >= 0) || isinf(wishes.bound))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("epsilon must be a finite number of at least 0")));
	if (!PG_ARGISNULL(3))
		read_codec(text_to_cstring(PG_GETARG_TEXT_PP(3)), &wishes, &compress);

	if (new == NULL)
		ruv_delta_delete(old != NULL ? (uint32_t) old->dims : 0, &delta);
	else
	{
		if (old != NULL)
			rvd_vector_check_same_dims(old, new);
		rvd_check_delta(
			ruv_delta_between(&arena, (uint32_t) new->dims,
							  old != NULL ? old->x : NULL, new->x,
							  wishes.bound, true, &delta),
			"comparing two vectors");
	}
	PG_RETURN_DATUM(compress ? rvd_deltavec_encode(&wishes, &delta) :
							   rvd_deltavec_best(&wishes, &delta));
}

/* ruvector.whole(vector) returns deltavec: a create, or a delete for NULL */
RVD_FUNCTION(rvd_whole);
Datum
rvd_whole(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(rvd_delta_whole(GETARG_VECTOR_OR_NULL(0)));
}

static void
check_number(float number)
{
	if (isnan(number))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in deltavec")));
	if (isinf(number))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("infinite value not allowed in deltavec")));
}

static Datum
affine(uint32_t dims, float a, float b, uint32_t n, const uint32_t *dim,
	   const float *value)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	delta = {0};

	rvd_check_delta(
		ruv_delta_affine(&arena, dims, a, b, n, dim, value, &delta),
		"making a delta");
	return rvd_delta_to_datum(&delta);
}

/* The length of a list: an array that is empty, or has one dimension. */
static int
count_elements(const ArrayType *array)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (ARR_HASNULL(array) && array_contains_nulls((ArrayType *) array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));
	return ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
}

/* The elements of delta_sparse, in order of their dimensions. */
static RvdDeltaEntry *
entries_of_arrays(const ArrayType *dimensions, const ArrayType *values,
				  int32 dims, int n)
{
	RvdDeltaEntry *entry = palloc(sizeof(RvdDeltaEntry) * ((Size) n + 1));
	const int32 *dimension = (const int32 *) ARR_DATA_PTR(dimensions);
	const float *value = (const float *) ARR_DATA_PTR(values);
	int64		twice;

	for (int i = 0; i < n; i++)
	{
		if (dimension[i] < 1 || dimension[i] > dims)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("dimension \"%d\" is out of range for type deltavec",
							dimension[i]),
					 errdetail("Dimensions count from 1 to %d here.", dims)));
		check_number(value[i]);
		entry[i].dim = (uint32_t) (dimension[i] - 1);
		entry[i].value = value[i];
	}
	twice = rvd_deltavec_sort(entry, (uint32_t) n);
	if (twice >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimension %u is listed twice",
						entry[twice].dim + 1)));
	return entry;
}

/*
 * delta_sparse(dimensions integer[], new_values real[], dims integer)
 * returns deltavec
 */
RVD_FUNCTION(rvd_delta_sparse);
Datum
rvd_delta_sparse(PG_FUNCTION_ARGS)
{
	ArrayType  *dimensions = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *values = PG_GETARG_ARRAYTYPE_P(1);
	int32		dims = PG_GETARG_INT32(2);
	int			n = count_elements(dimensions);
	RvdDeltaEntry *entry;
	uint32_t   *dim;
	float	   *value;

	if (count_elements(values) != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("different numbers of dimensions and values: %d and %d",
						n, count_elements(values))));
	rvd_deltavec_check_dims(dims);
	entry = entries_of_arrays(dimensions, values, dims, n);
	dim = palloc(sizeof(uint32_t) * ((Size) n + 1));
	value = palloc(sizeof(float) * ((Size) n + 1));
	for (int i = 0; i < n; i++)
	{
		dim[i] = entry[i].dim;
		value[i] = entry[i].value;
	}
	PG_RETURN_DATUM(affine((uint32_t) dims, 1, 0, (uint32_t) n, dim, value));
}

/* delta_dense(vector) returns deltavec */
RVD_FUNCTION(rvd_delta_dense);
Datum
rvd_delta_dense(PG_FUNCTION_ARGS)
{
	RvdVector  *v = RVD_GETARG_VECTOR(0);

	PG_RETURN_DATUM(affine((uint32_t) v->dims, 1, 0, (uint32_t) v->dims,
						   NULL, v->x));
}

/* delta_scale(real) returns deltavec */
RVD_FUNCTION(rvd_delta_scale);
Datum
rvd_delta_scale(PG_FUNCTION_ARGS)
{
	check_number(PG_GETARG_FLOAT4(0));
	PG_RETURN_DATUM(affine(0, PG_GETARG_FLOAT4(0), 0, 0, NULL, NULL));
}

/* delta_offset(real) returns deltavec */
RVD_FUNCTION(rvd_delta_offset);
Datum
rvd_delta_offset(PG_FUNCTION_ARGS)
{
	check_number(PG_GETARG_FLOAT4(0));
	PG_RETURN_DATUM(affine(0, 1, PG_GETARG_FLOAT4(0), 0, NULL, NULL));
}

/* delta_create(vector) returns deltavec */
RVD_FUNCTION(rvd_delta_create);
Datum
rvd_delta_create(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(rvd_delta_whole(RVD_GETARG_VECTOR(0)));
}

/* delta_delete() returns deltavec */
RVD_FUNCTION(rvd_delta_delete);
Datum
rvd_delta_delete(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(rvd_delta_whole(NULL));
}

/*
 * delta_invert(deltavec, base vector) returns deltavec
 *
 * What leads back to the base, which may be NULL.
 */
RVD_FUNCTION(rvd_delta_invert);
Datum
rvd_delta_invert(PG_FUNCTION_ARGS)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RvdVector  *base = GETARG_VECTOR_OR_NULL(1);
	RuvDelta	delta;
	RuvDelta	result = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rvd_delta_from_datum(PG_GETARG_DATUM(0), &delta);
	if (base == NULL)
		ruv_delta_delete(delta.dims, &result);
	else if (delta.kind == RUV_DELTA_CREATE &&
			 delta.dims != (uint32_t) base->dims)
		PG_RETURN_DATUM(rvd_delta_whole(base));
	else
	{
		rvd_deltavec_check_fits(&delta, base);
		rvd_check_delta(ruv_delta_invert(&arena, &delta,
										 (uint32_t) base->dims, base->x,
										 &result),
						"inverting a delta");
	}
	PG_RETURN_DATUM(rvd_delta_to_datum(&result));
}
