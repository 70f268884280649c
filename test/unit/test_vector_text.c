/*
 * test_vector_text.c
 *		The text form of vectors: every fault, and numbers against strtof.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_vector_text.h"

static int	failures = 0;

static void
expect_fault(const char *text, int room, RuvTextFault expected)
{
	float		x[8];
	RuvTextResult result;
	RuvTextFault fault = ruv_vector_text_parse(text, strtof, INFINITY, x,
											   room, &result);

	if (fault == expected)
		return;
	failures++;
	printf("not ok: \"%s\" gives %d, not %d\n", text, (int) fault,
		   (int) expected);
}

/* The number in three surroundings has the bits that strtof gives it. */
static void
expect_number(const char *number)
{
	static const char *const frames[] = {"[%s]", "[ %s ,1]", "[0,%s\t]"};
	float		expected = strtof(number, NULL);

	for (int i = 0; i < 3; i++)
	{
		char		text[128];
		float		x[2];
		RuvTextResult result;
		RuvTextFault fault;

		snprintf(text, sizeof(text), frames[i], number);
		fault = ruv_vector_text_parse(text, strtof, INFINITY, x, 2, &result);
		if (fault == RUV_TEXT_OK &&
			memcmp(&x[i == 2], &expected, sizeof(expected)) == 0)
			continue;
		failures++;
		printf("not ok: %s: fault %d\n", text, (int) fault);
	}
}

static void
test_faults(void)
{
	expect_fault("[1]", 1, RUV_TEXT_OK);
	expect_fault(" \t[ 1 ,\n2 ]\v\f\r", 2, RUV_TEXT_OK);
	expect_fault("", 8, RUV_TEXT_NO_BRACKET);
	expect_fault("1]", 8, RUV_TEXT_NO_BRACKET);
	expect_fault("[]", 8, RUV_TEXT_NO_ELEMENT);
	expect_fault("[ ]", 8, RUV_TEXT_NO_ELEMENT);
	expect_fault("[1,2]", 1, RUV_TEXT_TOO_MANY);
	expect_fault("[1,x]", 1, RUV_TEXT_TOO_MANY);
	expect_fault("[", 8, RUV_TEXT_NO_NUMBER);
	expect_fault("[,", 8, RUV_TEXT_NO_NUMBER);
	expect_fault("[1,]", 8, RUV_TEXT_NO_NUMBER);
	expect_fault("[.]", 8, RUV_TEXT_NO_NUMBER);
	expect_fault("[-]", 8, RUV_TEXT_NO_NUMBER);
	expect_fault("[1e39]", 8, RUV_TEXT_OUT_OF_RANGE);
	expect_fault("[-.4e39]", 8, RUV_TEXT_OUT_OF_RANGE);
	expect_fault("[0x1p999]", 8, RUV_TEXT_OUT_OF_RANGE);
	expect_fault("[nan]", 8, RUV_TEXT_NAN);
	expect_fault("[inf]", 8, RUV_TEXT_INFINITE);
	expect_fault("[-Infinity]", 8, RUV_TEXT_INFINITE);
	expect_fault("[1e]", 8, RUV_TEXT_NO_SEPARATOR);
	expect_fault("[1.2.3]", 8, RUV_TEXT_NO_SEPARATOR);
	expect_fault("[1", 8, RUV_TEXT_NO_SEPARATOR);
	expect_fault("[1 2]", 8, RUV_TEXT_NO_SEPARATOR);
	expect_fault("[1] 2", 8, RUV_TEXT_JUNK);
	expect_fault("[1]]", 8, RUV_TEXT_JUNK);
}

static void
test_numbers(void)
{
	static const char *const numbers[] = {
		"0", "-0", "+0", "-0.000", "1.", ".5", "-.5e1", "1e+5", "1E-5",
		"0x10", "0x1.8p1", "1e-46", "-1e-46", "1e-38", "1.17549435e-38",
		"3.4028235e38", "16777217", "16777219", "16777217.0000000000001",
		"8388608.5", "8388609.5", "0.1", "9007199254740991",
		"9007199254740993", "90071992547409931234567890", "1e22", "1e23",
		"1e-22", "1e-23", "0e999", "0.0000000000000000000000000000000001",
		"00000000000000000000000000000000000000000000000001"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		expect_number(numbers[i]);
}

/* Every way in which programs print floats, and midpoints of two floats. */
static void
test_random_numbers(void)
{
	static const char *const formats[] = {"%.9g", "%.17g", "%g", "%.8f",
										  "%.10e", "%.12f", "%.25f"};
	uint64_t	state = 42;

	for (int i = 0; i < 300000; i++)
	{
		char		number[64];
		double		value;

		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		value = ((double) (state >> 33) / 2147483648.0 - 0.5);
		if (i % 3 == 1)
			value = (double) (float) value + (double) (float) value / 16777216;
		if (i % 5 == 1)
			value *= 1e-6;
		snprintf(number, sizeof(number), formats[i % 7], value);
		expect_number(number);
	}
}

int
main(void)
{
	test_faults();
	test_numbers();
	test_random_numbers();
	if (failures > 0)
		return 1;
	printf("ok: vector text\n");
	return 0;
}
