/*
 * fuzz_vector_text.c
 *		Any text is refused or read, and then every element has the very bits
 *		that strtof gives for it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_vector_text.h"

#define ROOM 64

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
check_elements(const char *text, const float *x, int count)
{
	const char *p = strchr(text, '[') + 1;

	for (int i = 0; i < count; i++)
	{
		char	   *end;
		float		value = strtof(p, &end);

		require(end != p && isfinite(value));
		require(memcmp(&value, &x[i], sizeof(value)) == 0);
		p = strpbrk(end, ",]") + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);
	float		x[ROOM];
	RuvTextResult result;
	RuvTextFault fault;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	fault = ruv_vector_text_parse(text, strtof, INFINITY, x, ROOM, &result);
	require(result.count >= 0 && result.count <= ROOM);
	require(result.begin >= text && result.end <= text + size);
	if (fault == RUV_TEXT_OK)
	{
		require(ruv_vector_text_bound(text) == (size_t) result.count);
		check_elements(text, x, result.count);
	}
	free(text);
	return 0;
}
