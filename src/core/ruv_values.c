/*
 * ruv_values.c
 *		Choice of a value codec, and the codecs of whole bytes.
 */
#include "core/ruv_float_bits.h"
#include "core/ruv_kernel.h"
#include "core/ruv_values.h"

RuvDeltaStatus
ruv_values_fault(RuvBitFault fault)
{
	switch (fault)
	{
		case RUV_BITS_OK:
			return RUV_DELTA_OK;
		case RUV_BITS_TRUNCATED:
			return RUV_DELTA_TRUNCATED;
		case RUV_BITS_NOT_CANONICAL:
			return RUV_DELTA_NOT_CANONICAL;
		case RUV_BITS_TOO_LARGE:
			return RUV_DELTA_COUNT;
	}
	return RUV_DELTA_FORMAT;
}

/* A bound of 0 means the very bits: -0.0 is not 0.0. */
static bool
within(float decoded, float value, float bound)
{
	double		error = (double) decoded - (double) value;

	if (bound == 0)
		return ruv_float_same(decoded, value);
	return ruv_float_is_finite(decoded) && error <= (double) bound &&
		error >= -(double) bound;
}

static inline float
level_value(const RuvValuePlan *plan, uint32_t code)
{
	return ruv_float_rounded((float) code * plan->scale) + plan->zero;
}

static uint32_t
level_code(const RuvValuePlan *plan, uint32_t levels, float value)
{
	double		code;

	if (plan->scale == 0)
		return 0;
	code = ((double) value - (double) plan->zero) / (double) plan->scale + 0.5;
	if (code <= 0)
		return 0;
	return code >= levels ? levels : (uint32_t) code;
}

static uint32_t
level_count(RuvValueCodec codec)
{
	return codec == RUV_VALUES_INT8 ? 255 : 15;
}

/* False if the bound is missed. */
static bool
plan_levels(const float *value, uint32_t n, float bound, RuvValuePlan *plan)
{
	uint32_t	levels = level_count(plan->codec);
	float		low = value[0];
	float		high = value[0];

	for (uint32_t i = 1; i < n; i++)
	{
		low = value[i] < low ? value[i] : low;
		high = value[i] > high ? value[i] : high;
	}
	plan->zero = low;
	plan->scale = (float) (((double) high - (double) low) / levels);
	plan->bits = 64 + (plan->codec == RUV_VALUES_INT8 ? 8 : 4) * (uint64_t) n;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	code = level_code(plan, levels, value[i]);

		if (!within(level_value(plan, code), value[i], bound))
			return false;
	}
	return ruv_float_is_finite(level_value(plan, levels));
}

static bool
plan_half(const float *value, uint32_t n, float bound, RuvValuePlan *plan)
{
	plan->bits = 16 * (uint64_t) n;
	for (uint32_t i = 0; i < n; i++)
	{
		float		back = ruv_half_to_float(ruv_float_to_half(value[i]));

		if (!within(back, value[i], bound))
			return false;
	}
	return true;
}

static bool
plan_one(const float *value, uint32_t n, float bound, RuvValueCodec codec,
		 uint32_t *scratch, RuvValuePlan *plan)
{
	*plan = (RuvValuePlan){.codec = codec};
	switch (codec)
	{
		case RUV_VALUES_F32:
			plan->bits = 32 * (uint64_t) n;
			return true;
		case RUV_VALUES_PACKED:
			ruv_packed_plan(value, n, plan);
			return true;
		case RUV_VALUES_DICTIONARY:
			ruv_dictionary_plan(value, n, scratch, plan);
			return true;
		case RUV_VALUES_F16:
			return plan_half(value, n, bound, plan);
		case RUV_VALUES_INT8:
		case RUV_VALUES_INT4:
			return plan_levels(value, n, bound, plan);
		case RUV_VALUES_AUTO:
			break;
	}
	return false;
}

RuvDeltaStatus
ruv_values_plan(const float *value, uint32_t n, float bound,
				RuvValueCodec wanted, uint32_t *scratch, RuvValuePlan *plan)
{
	RuvValueCodec last = bound > 0 ? RUV_VALUES_INT4 : RUV_VALUES_DICTIONARY;

	if (wanted != RUV_VALUES_AUTO)
		return plan_one(value, n, bound, wanted, scratch, plan) ?
			RUV_DELTA_OK :
			RUV_DELTA_INACCURATE;
	if (!plan_one(value, n, bound, RUV_VALUES_F32, scratch, plan))
		return RUV_DELTA_INACCURATE;
	for (int codec = RUV_VALUES_PACKED; codec <= (int) last; codec++)
	{
		RuvValuePlan other;

		if (codec == RUV_VALUES_DICTIONARY &&
			!ruv_dictionary_may_pay(value, n, scratch))
			continue;
		if (plan_one(value, n, bound, (RuvValueCodec) codec, scratch,
					 &other) &&
			other.bits < plan->bits)
			*plan = other;
	}
	return RUV_DELTA_OK;
}

static void
write_levels(RuvBitWriter *w, const RuvValuePlan *plan, const float *value,
			 uint32_t n)
{
	uint32_t	levels = level_count(plan->codec);
	unsigned	width = plan->codec == RUV_VALUES_INT8 ? 8 : 4;

	ruv_bits_put_u32(w, ruv_float_bits(plan->scale));
	ruv_bits_put_u32(w, ruv_float_bits(plan->zero));
	for (uint32_t i = 0; i < n; i++)
		ruv_bits_put(w, level_code(plan, levels, value[i]), width);
}

void
ruv_values_write(RuvBitWriter *w, const RuvValuePlan *plan,
				 const float *value, uint32_t n)
{
	switch (plan->codec)
	{
		case RUV_VALUES_PACKED:
			ruv_packed_write(w, plan, value, n);
			return;
		case RUV_VALUES_DICTIONARY:
			ruv_dictionary_write(w, plan, value, n);
			return;
		default:
			ruv_bits_put_align(w);
			break;
	}
	switch (plan->codec)
	{
		case RUV_VALUES_F16:
			for (uint32_t i = 0; i < n; i++)
				ruv_bits_put(w, ruv_float_to_half(value[i]), 16);
			return;
		case RUV_VALUES_INT8:
		case RUV_VALUES_INT4:
			write_levels(w, plan, value, n);
			return;
		default:
			for (uint32_t i = 0; i < n; i++)
				ruv_bits_put_u32(w, ruv_float_bits(value[i]));
			return;
	}
}

static RuvDeltaStatus
read_levels(RuvBitReader *r, RuvValueCodec codec, float *value, uint32_t n)
{
	RuvValuePlan plan = {.codec = codec};
	unsigned	width = codec == RUV_VALUES_INT8 ? 8 : 4;

	plan.scale = ruv_float_from_bits(ruv_bits_get_u32(r));
	plan.zero = ruv_float_from_bits(ruv_bits_get_u32(r));
	if (!(plan.scale >= 0) ||
		!ruv_float_is_finite(level_value(&plan, 0)) ||
		!ruv_float_is_finite(level_value(&plan, level_count(codec))))
		return RUV_DELTA_VALUE;
	for (uint32_t i = 0; i < n; i++)
		value[i] = level_value(&plan, ruv_bits_get(r, width));
	return RUV_DELTA_OK;
}

static RuvDeltaStatus
read_plain(RuvBitReader *r, RuvValueCodec codec, float *value, uint32_t n)
{
	uint32_t	infinite = 0;

	if (codec == RUV_VALUES_F16)
	{
		for (uint32_t i = 0; i < n; i++)
		{
			value[i] = ruv_half_to_float((uint16_t) ruv_bits_get(r, 16));
			infinite |= !ruv_float_is_finite(value[i]);
		}
	}
	else
	{
		const uint8_t *p = ruv_bits_get_bytes(r, 4 * (size_t) n);

		if (p == NULL)
			return RUV_DELTA_TRUNCATED;
		for (uint32_t i = 0; i < n; i++, p += 4)
		{
			value[i] = ruv_float_from_bits((uint32_t) p[0] |
										   (uint32_t) p[1] << 8 |
										   (uint32_t) p[2] << 16 |
										   (uint32_t) p[3] << 24);
			infinite |= !ruv_float_is_finite(value[i]);
		}
	}
	return infinite ? RUV_DELTA_VALUE : RUV_DELTA_OK;
}

RuvDeltaStatus
ruv_values_read(const RuvArena *arena, RuvBitReader *r, RuvValueCodec codec,
				float *value, uint32_t n)
{
	RuvDeltaStatus status;

	if (codec != RUV_VALUES_PACKED && codec != RUV_VALUES_DICTIONARY)
		ruv_bits_get_align(r);
	switch (codec)
	{
		case RUV_VALUES_F32:
		case RUV_VALUES_F16:
			status = read_plain(r, codec, value, n);
			break;
		case RUV_VALUES_PACKED:
			status = ruv_packed_read(r, value, n);
			break;
		case RUV_VALUES_DICTIONARY:
			status = ruv_dictionary_read(arena, r, value, n);
			break;
		case RUV_VALUES_INT8:
		case RUV_VALUES_INT4:
			status = read_levels(r, codec, value, n);
			break;
		default:
			return RUV_DELTA_FORMAT;
	}
	if (r->fault != RUV_BITS_OK)
		return ruv_values_fault(r->fault);
	return status;
}
