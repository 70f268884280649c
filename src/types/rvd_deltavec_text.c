/*
 * rvd_deltavec_text.c
 *		The text form of a delta.
 *
 *		delta	= change | create | delete
 *		change	= steps [ "{" [ item { "," item } ] "}" ] [ "/" dims ]
 *				| vector								all are assigned
 *		steps	= { "*" number | "+" number | number below 0 | nudge }
 *		nudge	= "~" "{" place { "," place } "}"
 *		item	= dimension ":" number					assigned
 *		place	= dimension ":" integer					moved by so many floats
 *		create	= "=" vector
 *		delete	= "delete" [ "/" dims ]
 *		vector	= "[" number { "," number } "]"
 *
 * Dimensions count from 1, as in subvector.  Without "/" a delta is one for
 * vectors of any dimensions, so a list of items needs it.  Blanks may stand
 * between any two of these.  Items may come in any order; apart from that and
 * from the spelling of numbers a delta has one text, and what would have no
 * effect (a factor of 1) is refused.  The numbers that are written are the
 * shortest that give the same floats back.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "core/ruv_vector_text.h"
#include "types/rvd_deltavec_int.h"
#include "types/rvd_types.h"

/* How much of a text an error message repeats. */
#define MAX_QUOTED 60

typedef struct Parser
{
	const char *text;
	const char *p;
	Node	   *escontext;
	RuvArena	arena;
	RuvDeltaStep *steps;		/* room for all signs in the text */
	uint32_t	nsteps;
	RvdDeltaEntry *entries;		/* room for all colons; nudges come first */
	uint32_t	nentries;
	uint32_t	nnudges;
	uint32_t	dims;			/* 0: none given */
	uint32_t	widest;			/* the highest dimension named */
} Parser;

/* ---------------------------------------------------------------- faults */

static const char *
quoted(const char *text)
{
	size_t		length = strlen(text);

	if (length <= MAX_QUOTED)
		return text;
	return psprintf("%.*s...",
					pg_mbcliplen(text, (int) Min(length, PG_INT32_MAX),
								 MAX_QUOTED),
					text);
}

/* False, so that a parser may return it. */
static bool
syntax_fault(const Parser *in, const char *detail)
{
	ereturn(in->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type deltavec: \"%s\"",
					quoted(in->text)),
			 *in->p == '\0' ?
				 errdetail("At the end: %s", detail) :
				 errdetail("At \"%s\": %s", quoted(in->p), detail)));
}

static bool
number_fault(const Parser *in, float number, const char *begin,
			 const char *end)
{
	const char *digits = begin + (*begin == '-' || *begin == '+');

	if (isnan(number))
		ereturn(in->escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in deltavec")));
	/* an infinity that was not written as a word is an overflow */
	if (*digits != '.' && !(*digits >= '0' && *digits <= '9'))
		ereturn(in->escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("infinite value not allowed in deltavec")));
	ereturn(in->escontext, false,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("\"%.*s\" is out of range for type deltavec",
					(int) Min(end - begin, MAX_QUOTED), begin)));
}

static bool
too_many_dims(const Parser *in)
{
	ereturn(in->escontext, false,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("deltavec cannot have more than %d dimensions",
					RVD_VECTOR_MAX_DIMS)));
}

static bool
no_dims(const Parser *in)
{
	ereturn(in->escontext, false,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("deltavec must have at least 1 dimension")));
}

/* --------------------------------------------------------------- reading */

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Skips blanks; the character then. */
static char
peek(Parser *in)
{
	while (*in->p == ' ' || (*in->p >= '\t' && *in->p <= '\r'))
		in->p++;
	return *in->p;
}

static bool
take(Parser *in, char c)
{
	if (peek(in) != c)
		return false;
	in->p++;
	return true;
}

static bool
read_number(Parser *in, float *number)
{
	const char *begin;
	char	   *end;

	(void) peek(in);
	begin = in->p;
	*number = strtof(begin, &end);
	if (end == begin)
		return syntax_fault(in, "A number is expected.");
	if (!isfinite(*number))
		return number_fault(in, *number, begin, end);
	in->p = end;
	return true;
}

/* A sequence of digits; PG_UINT32_MAX if it is that or more. */
static bool
read_count(Parser *in, uint32_t *count)
{
	uint64		sum = 0;

	if (!is_digit(peek(in)))
		return syntax_fault(in, "An integer is expected.");
	for (; is_digit(*in->p); in->p++)
		sum = Min(sum * 10 + (uint64) (*in->p - '0'), PG_UINT32_MAX);
	*count = (uint32_t) sum;
	return true;
}

static bool
read_places(Parser *in, int32_t *places)
{
	const char *begin;
	bool		negative;
	uint32_t	size;

	(void) peek(in);
	begin = in->p;
	negative = *in->p == '-';
	if (negative || *in->p == '+')
		in->p++;
	if (!read_count(in, &size))
		return false;
	if (size > PG_INT32_MAX)
		ereturn(in->escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%.*s\" is out of range for type deltavec",
						(int) Min(in->p - begin, MAX_QUOTED), begin)));
	if (size == 0)
	{
		in->p = begin;
		return syntax_fault(in, "A move by 0 has no effect.");
	}
	*places = negative ? -(int32_t) size : (int32_t) size;
	return true;
}

/* "{" dimension ":" number or places, ... "}" */
static bool
read_entries(Parser *in, bool is_nudge)
{
	if (!take(in, '{'))
		return syntax_fault(in, "\"{\" is expected.");
	if (take(in, '}'))
		return true;
	do
	{
		RvdDeltaEntry *entry = &in->entries[in->nentries];
		const char *begin;
		uint32_t	dim;

		(void) peek(in);
		begin = in->p;
		if (!read_count(in, &dim))
			return false;
		if (dim == 0 || dim > RVD_VECTOR_MAX_DIMS)
			ereturn(in->escontext, false,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("dimension \"%.*s\" is out of range for type deltavec",
							(int) Min(in->p - begin, MAX_QUOTED), begin),
					 errdetail("Dimensions count from 1 to at most %d.",
							   RVD_VECTOR_MAX_DIMS)));
		in->widest = Max(in->widest, dim);
		if (!take(in, ':'))
			return syntax_fault(in, "\":\" is expected.");
		entry->dim = dim - 1;
		if (is_nudge ? !read_places(in, &entry->places) :
					   !read_number(in, &entry->value))
			return false;
		in->nentries++;
	} while (take(in, ','));
	if (!take(in, '}'))
		return syntax_fault(in, "\",\" or \"}\" is expected.");
	return true;
}

static bool
sort_entries(const Parser *in, RvdDeltaEntry *entry, uint32_t n)
{
	int64		twice = rvd_deltavec_sort(entry, n);

	if (twice < 0)
		return true;
	ereturn(in->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type deltavec: \"%s\"",
					quoted(in->text)),
			 errdetail("Dimension %u is listed twice.",
					   entry[twice].dim + 1)));
}

static bool
read_nudges(Parser *in, RuvDeltaStep *step)
{
	uint32_t	before = in->nentries;

	if (step > in->steps && step[-1].kind == RUV_STEP_NUDGE)
		return syntax_fault(in, "Two \"~\" in a row must be one.");
	step->kind = RUV_STEP_NUDGE;
	if (!read_entries(in, true))
		return false;
	if (in->nentries == before)
		return syntax_fault(in, "An empty \"~{}\" has no effect.");
	step->nnudges = in->nentries - before;
	in->nnudges = in->nentries;
	return sort_entries(in, in->entries + before, step->nnudges);
}

/* "+" joins only; "-" belongs to the number. */
static bool
read_operand(Parser *in, RuvDeltaStep *step)
{
	const char *begin = in->p;
	bool		is_scale = *begin == '*';

	step->kind = is_scale ? RUV_STEP_SCALE : RUV_STEP_OFFSET;
	if (*begin != '-')
		in->p++;
	if (!read_number(in, &step->operand))
		return false;
	if (step->operand != (is_scale ? 1.0f : 0.0f))
		return true;
	in->p = begin;
	return syntax_fault(in, "A factor of 1, or a shift by 0, has no effect.");
}

static bool
read_steps(Parser *in)
{
	for (;;)
	{
		RuvDeltaStep *step = &in->steps[in->nsteps];
		char		sign = peek(in);

		if (sign != '*' && sign != '+' && sign != '-' && sign != '~')
			return true;
		if (in->nsteps == RUV_DELTA_MAX_STEPS)
			ereturn(in->escontext, false,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("deltavec cannot have more than %d steps",
							RUV_DELTA_MAX_STEPS)));
		memset(step, 0, sizeof(*step));
		if (sign == '~')
		{
			in->p++;
			if (!read_nudges(in, step))
				return false;
		}
		else if (!read_operand(in, step))
			return false;
		in->nsteps++;
	}
}

/* [ "/" dims ], and the end */
static bool
read_end(Parser *in)
{
	if (take(in, '/'))
	{
		if (!read_count(in, &in->dims))
			return false;
		if (in->dims == 0)
			return no_dims(in);
		if (in->dims > RVD_VECTOR_MAX_DIMS)
			return too_many_dims(in);
	}
	if (peek(in) != '\0')
		return syntax_fault(in, "The end is expected.");
	return true;
}

/* -------------------------------------------------------------- building */

/* A vector, which is all that is left of the text. */
static bool
build_vector(Parser *in, RuvDelta *delta)
{
	int			room = (int) Min(ruv_vector_text_bound(in->p),
								 RVD_VECTOR_MAX_DIMS);
	RuvTextResult result;
	RuvTextFault fault;

	rvd_check_delta(
		ruv_delta_reserve(&in->arena, (uint32_t) room, 0, 0, delta),
		"reading a delta");
	fault = ruv_vector_text_parse(in->p, rvd_parse_float, INFINITY,
								  delta->value, room, &result);
	switch (fault)
	{
		case RUV_TEXT_OK:
			break;
		case RUV_TEXT_NO_ELEMENT:
			return no_dims(in);
		case RUV_TEXT_TOO_MANY:
			return too_many_dims(in);
		case RUV_TEXT_NAN:
			return number_fault(in, get_float4_nan(), in->p, in->p);
		case RUV_TEXT_INFINITE:
			return number_fault(in, get_float4_infinity(), "inf", NULL);
		case RUV_TEXT_OUT_OF_RANGE:
			return number_fault(in, get_float4_infinity(), result.begin,
								result.end);
		case RUV_TEXT_NO_BRACKET:
			return syntax_fault(in, "\"[\" is expected.");
		case RUV_TEXT_JUNK:
			return syntax_fault(in, "The end is expected after \"]\".");
		case RUV_TEXT_NO_NUMBER:
		case RUV_TEXT_NO_SEPARATOR:
		case RUV_TEXT_NO_DIMS:
			return syntax_fault(in, "Numbers and \",\" are expected up to \"]\".");
	}
	delta->dims = (uint32_t) result.count;
	delta->nassigned = delta->dims;
	for (uint32_t i = 0; i < delta->dims; i++)
		delta->dim[i] = i;
	return true;
}

/* What the parts do not show one by one. */
static bool
check_change(Parser *in, const RuvDelta *delta)
{
	RuvDeltaStatus status = ruv_delta_check(delta);

	if (status == RUV_DELTA_NOT_CANONICAL)
		return syntax_fault(in, "A step has no effect on what is assigned.");
	rvd_check_delta(status, "reading a delta");
	return true;
}

static bool
build_change(Parser *in, RuvDelta *delta)
{
	uint32_t	n = in->nentries - in->nnudges;
	const RvdDeltaEntry *entry = in->entries;

	if (in->dims == 0 && in->nentries > 0)
		return syntax_fault(in, "\"/\" and the number of dimensions are expected.");
	if (in->widest > in->dims)
		ereturn(in->escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("dimension \"%u\" is out of range for type deltavec",
						in->widest),
				 errdetail("Dimensions count from 1 to %u here.", in->dims)));
	rvd_check_delta(ruv_delta_reserve(&in->arena, n, in->nsteps, in->nnudges,
									  delta),
					"reading a delta");
	delta->dims = in->dims;
	delta->nassigned = n;
	delta->nsteps = in->nsteps;
	delta->nnudges = in->nnudges;
	for (uint32_t i = 0; i < in->nsteps; i++)
		delta->steps[i] = in->steps[i];
	for (uint32_t i = 0; i < in->nnudges; i++, entry++)
	{
		delta->nudges[i].dim = entry->dim;
		delta->nudges[i].places = entry->places;
	}
	for (uint32_t i = 0; i < n; i++, entry++)
	{
		delta->dim[i] = entry->dim;
		delta->value[i] = entry->value;
	}
	return check_change(in, delta);
}

static bool
read_change(Parser *in, RuvDelta *delta)
{
	const char *begin = in->p;
	size_t		nsigns = 1;
	size_t		ncolons = 1;

	for (const char *p = begin; *p != '\0'; p++)
	{
		nsigns += *p == '*' || *p == '+' || *p == '-' || *p == '~';
		ncolons += *p == ':';
	}
	nsigns = Min(nsigns, RUV_DELTA_MAX_STEPS + 1);
	in->steps = palloc(nsigns * sizeof(RuvDeltaStep));
	in->entries = MemoryContextAllocHuge(CurrentMemoryContext,
										 ncolons * sizeof(RvdDeltaEntry));
	if (!read_steps(in))
		return false;
	if (peek(in) == '{' &&
		!(read_entries(in, false) &&
		  sort_entries(in, in->entries + in->nnudges,
					   in->nentries - in->nnudges)))
		return false;
	if (in->p == begin)
		return syntax_fault(in, "One of \"{[=*+-~\" or \"delete\" is expected.");
	if (!read_end(in) || !build_change(in, delta))
		return false;
	pfree(in->steps);
	pfree(in->entries);
	return true;
}

bool
rvd_deltavec_parse(const char *text, Node *escontext, RuvDelta *delta)
{
	Parser		in = {.text = text, .p = text, .escontext = escontext};

	in.arena = rvd_arena(CurrentMemoryContext);
	if (peek(&in) == '[')
		return build_vector(&in, delta);
	if (take(&in, '='))
	{
		(void) peek(&in);
		if (!build_vector(&in, delta))
			return false;
		delta->kind = RUV_DELTA_CREATE;
		return true;
	}
	if (strncmp(in.p, "delete", strlen("delete")) == 0)
	{
		in.p += strlen("delete");
		if (!read_end(&in))
			return false;
		ruv_delta_delete(in.dims, delta);
		return true;
	}
	return read_change(&in, delta);
}

static int
compare_entries(const void *a, const void *b)
{
	uint32_t	x = ((const RvdDeltaEntry *) a)->dim;
	uint32_t	y = ((const RvdDeltaEntry *) b)->dim;

	return (x > y) - (x < y);
}

int64
rvd_deltavec_sort(RvdDeltaEntry *entry, uint32_t n)
{
	qsort(entry, n, sizeof(RvdDeltaEntry), compare_entries);
	for (uint32_t i = 1; i < n; i++)
	{
		if (entry[i].dim == entry[i - 1].dim)
			return i;
	}
	return -1;
}

/* --------------------------------------------------------------- writing */

static void
put_number(StringInfo out, float number)
{
	enlargeStringInfo(out, FLOAT_SHORTEST_DECIMAL_LEN);
	out->len += float_to_shortest_decimal_buf(number, out->data + out->len);
}

static void
put_integer(StringInfo out, int32 number)
{
	enlargeStringInfo(out, MAXINT8LEN + 1);
	out->len += pg_ltoa(number, out->data + out->len);
}

static void
put_vector(StringInfo out, const RuvDelta *delta)
{
	appendStringInfoChar(out, '[');
	for (uint32_t i = 0; i < delta->nassigned; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		put_number(out, delta->value[i]);
	}
	appendStringInfoChar(out, ']');
}

static void
put_nudges(StringInfo out, const RuvNudge *nudge, uint32_t n)
{
	appendStringInfoString(out, "~{");
	for (uint32_t i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		put_integer(out, (int32) nudge[i].dim + 1);
		appendStringInfoCharMacro(out, ':');
		put_integer(out, nudge[i].places);
	}
	appendStringInfoChar(out, '}');
}

static void
put_steps(StringInfo out, const RuvDelta *delta)
{
	const RuvNudge *nudge = delta->nudges;

	for (uint32_t i = 0; i < delta->nsteps; i++)
	{
		const RuvDeltaStep *step = &delta->steps[i];

		switch (step->kind)
		{
			case RUV_STEP_SCALE:
				appendStringInfoChar(out, '*');
				put_number(out, step->operand);
				break;
			case RUV_STEP_OFFSET:
				if (!(step->operand < 0))
					appendStringInfoChar(out, '+');
				put_number(out, step->operand);
				break;
			case RUV_STEP_NUDGE:
				put_nudges(out, nudge, step->nnudges);
				nudge += step->nnudges;
				break;
		}
	}
}

static void
put_items(StringInfo out, const RuvDelta *delta)
{
	appendStringInfoChar(out, '{');
	for (uint32_t i = 0; i < delta->nassigned; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		put_integer(out, (int32) delta->dim[i] + 1);
		appendStringInfoCharMacro(out, ':');
		put_number(out, delta->value[i]);
	}
	appendStringInfoChar(out, '}');
}

char *
rvd_deltavec_print(const RuvDelta *delta)
{
	StringInfoData out;

	initStringInfo(&out);
	if (delta->kind == RUV_DELTA_CREATE)
		appendStringInfoChar(&out, '=');
	if (delta->dims > 0 && delta->nassigned == delta->dims)
	{
		put_vector(&out, delta);
		return out.data;
	}
	if (delta->kind == RUV_DELTA_DELETE)
		appendStringInfoString(&out, "delete");
	else
	{
		put_steps(&out, delta);
		if (delta->nassigned > 0 || delta->nsteps == 0)
			put_items(&out, delta);
	}
	if (delta->dims > 0)
		appendStringInfo(&out, "/%u", delta->dims);
	return out.data;
}
