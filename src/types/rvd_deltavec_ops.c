/*
 * rvd_deltavec_ops.c
 *		Operators of the type deltavec, and the ways to make one.
 *
 * A vector that is NULL is one that does not exist: what a delete leaves, and
 * what a create starts from.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"

#include "types/rvd_deltavec_int.h"

#define GETARG_VECTOR_OR_NULL(n) \
	(PG_ARGISNULL(n) ? NULL : RVD_GETARG_VECTOR(n))

/* vector + deltavec returns vector; NULL for a delete */
RVD_FUNCTION(rvd_deltavec_add);
Datum
rvd_deltavec_add(PG_FUNCTION_ARGS)
{
	RvdVector  *result = rvd_delta_applied(RVD_GETARG_VECTOR(0),
										   PG_GETARG_DATUM(1));

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/* deltavec || deltavec returns deltavec, the left one first */
RVD_FUNCTION(rvd_deltavec_concat);
Datum
rvd_deltavec_concat(PG_FUNCTION_ARGS)
{
	RuvArena	arena = rvd_arena(CurrentMemoryContext);
	RuvDelta	first;
	RuvDelta	second;
	RuvDelta	result = {0};

	rvd_delta_from_datum(PG_GETARG_DATUM(0), &first);
	rvd_delta_from_datum(PG_GETARG_DATUM(1), &second);
	if (first.dims != second.dims && first.dims != 0 && second.dims != 0)
		rvd_deltavec_dims_differ(first.dims, second.dims);
	rvd_check_delta(ruv_delta_compose(&arena, &first, &second, &result),
					"composing two deltas");
	PG_RETURN_DATUM(rvd_delta_to_datum(&result));
}

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
