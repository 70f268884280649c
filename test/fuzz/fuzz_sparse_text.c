/*
 * fuzz_sparse_text.c
 *		Any text is refused or read; what is read has the bits that strtof
 *		gives, and comes back from its own text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_sparse_text.h"
#include "core/ruv_vector_text.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
check_again(const RuvSparseElement *elements,
			const RuvSparseTextResult *first)
{
	size_t		n = (size_t) first->text.count;
	char	   *text = malloc(n * 40 + 40);
	RuvSparseElement *again = malloc((n + 1) * sizeof(*again));
	RuvSparseTextResult result;
	char	   *p = text;

	require(text != NULL && again != NULL);
	*p++ = '{';
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s%lld:%.9g", i > 0 ? "," : "",
					 (long long) elements[i].index + 1,
					 (double) elements[i].value);
	sprintf(p, "}/%d", first->dims);

	require(ruv_sparse_text_parse(text, strtof, again, &result) ==
			RUV_TEXT_OK);
	require(result.dims == first->dims);
	require(result.text.count == first->text.count);
	for (size_t i = 0; i < n; i++)
	{
		require(again[i].index == elements[i].index);
		require(again[i].value == elements[i].value);
	}
	free(text);
	free(again);
}

/* The numbers behind the colons, without the zeros. */
static void
check_values(const char *text, const RuvSparseElement *elements, int count)
{
	int			i = 0;

	for (const char *p = strchr(text, ':'); p != NULL; p = strchr(p, ':'))
	{
		float		value = strtof(++p, NULL);

		require(isfinite(value));
		if (value == 0)
			continue;
		require(i < count);
		require(memcmp(&value, &elements[i++].value, sizeof(value)) == 0);
	}
	require(i == count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);
	RuvSparseElement *elements;
	RuvSparseTextResult result;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	elements = malloc(ruv_vector_text_bound(text) * sizeof(*elements));
	require(elements != NULL);
	if (ruv_sparse_text_parse(text, strtof, elements, &result) == RUV_TEXT_OK)
	{
		check_values(text, elements, result.text.count);
		check_again(elements, &result);
	}
	require(result.text.begin >= text && result.text.end <= text + size);
	free(elements);
	free(text);
	return 0;
}
