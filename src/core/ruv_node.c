/*
 * ruv_node.c
 *		Encoding a vector into a record, and asking a record for distances.
 *
 * The codes are RaBitQ's (Gao & Long, SIGMOD 2024): the residual neighbour
 * minus node, rotated, is rounded to 1, 2 or 4 bits a dimension, u, and kept
 * with f = |r|^2 / <u, r>, so that f <u, y> estimates <r, y> without bias.
 * The layout per node is SymphonyQG's (SIGMOD 2025).  Estimates steer the
 * search; no reported bound rests on them.
 */
#include <math.h>
#include <string.h>

#include "core/ruv_node.h"
#include "core/ruv_node_int.h"

#define ALIGN8(n) (((n) + 7) & ~(size_t) 7)

/* Norms from which on squares leave float's range, or its full precision. */
#define WILD_NORM 1e18
#define FAINT_NORM 1e-18

/* What a float that is subnormal, or rounded to zero, is off by at most. */
#define SUBNORMAL_STEP 0x1p-149

size_t
ruv_query_bytes(const RuvLayout *layout)
{
	size_t		n = (size_t) layout->padded;

	return 2 * ALIGN8(n * sizeof(float)) + ALIGN8(n);
}

static float
norm_of(const float *x, int n, double *norm)
{
	double		sum = 0;
	float		largest = 0;

	for (int i = 0; i < n; i++)
	{
		float		a = fabsf(x[i]);

		sum += (double) x[i] * (double) x[i];
		if (a > largest)
			largest = a;
	}
	*norm = sqrt(sum);
	return largest;
}

/* quantized := y / quantum, with the quantum that uses int8's whole range. */
void
ruv_query_quantize(RuvQuery *query, const float *y, float maxabs)
{
	float		inverse = maxabs > 0 ? 127.0f / maxabs : 0;

	query->quantum = maxabs / 127.0f;
	if (!(inverse < 1e30f))
	{
		/* differences this small are zero for every purpose */
		inverse = 0;
		query->quantum = 0;
	}
	query->quantized_sum =
		query->kernels->quantize_i8(y, inverse, (size_t) query->layout->padded,
									query->quantized);
}

void
ruv_query_init(RuvQuery *query, const RuvLayout *layout,
			   const RuvKernels *kernels, const RuvRotation *rotation,
			   const float *vector, void *memory)
{
	size_t		n = (size_t) layout->padded;
	size_t		dims = (size_t) layout->dims;

	query->layout = layout;
	query->kernels = kernels;
	query->x = memory;
	query->diff = (float *) ((char *) memory + ALIGN8(n * sizeof(float)));
	query->quantized = (int8_t *) query->diff + ALIGN8(n * sizeof(float));
	query->quantum = 0;
	query->quantized_sum = 0;

	(void) norm_of(vector, layout->dims, &query->norm);
	memset(query->x + dims, 0, (n - dims) * sizeof(float));
	memcpy(query->x, vector, dims * sizeof(float));
	query->is_wild = false;
	if (layout->metric == RUV_METRIC_COSINE)
	{
		/* its direction is known well; SQL divides by its norm in float */
		query->is_wild = query->norm > 0 &&
			!(query->norm > FAINT_NORM && query->norm < WILD_NORM);
		for (size_t i = 0; i < dims && query->norm > 0; i++)
			query->x[i] = (float) (vector[i] / query->norm);
		query->norm = query->norm > 0 ? 1 : 0;
	}
	else if (!(query->norm < WILD_NORM))
	{
		query->is_wild = true;
		memset(query->x, 0, n * sizeof(float));
	}
	if (ruv_layout_is_rotated(layout))
		ruv_rotate(rotation, kernels, query->x);
	ruv_query_requantize(query);
}

void
ruv_query_requantize(RuvQuery *query)
{
	const RuvLayout *layout = query->layout;
	double		unused;

	/* the other metrics quantize the residual at each visit */
	if (layout->slot == RUV_SLOT_CODE && layout->metric == RUV_METRIC_IP)
		ruv_query_quantize(query, query->x,
						   norm_of(query->x, layout->padded, &unused));
}

/* ---- own vector ---- */

static const void *
own_vector(const RuvNode *node)
{
	return (const char *) node + sizeof(RuvNode);
}

/*
 * Halves and floats may lie unaligned for their type only if the record does;
 * records are aligned to 8 and the header is 32 bytes.
 */
_Static_assert(sizeof(RuvNode) == 32, "on-disk header");

void
ruv_node_decode(const RuvLayout *layout, const RuvKernels *kernels,
				const RuvNode *node, float *x)
{
	size_t		n = (size_t) layout->padded;

	switch (layout->own)
	{
		case RUV_OWN_F32:
			memcpy(x, own_vector(node), n * sizeof(float));
			break;
		case RUV_OWN_F16:
			kernels->decode_f16(own_vector(node), node->scale, n, x);
			break;
		case RUV_OWN_I8:
			kernels->decode_i8(own_vector(node), node->scale, n, x);
			break;
	}
}

static float
l2_squared(const RuvQuery *query, const RuvNode *node)
{
	const RuvKernels *k = query->kernels;
	size_t		n = (size_t) query->layout->padded;

	switch (query->layout->own)
	{
		case RUV_OWN_F32:
			return k->l2_squared(query->x, own_vector(node), n);
		case RUV_OWN_F16:
			return k->l2_squared_f16(query->x, own_vector(node), node->scale,
									 n);
		case RUV_OWN_I8:
			break;
	}
	return k->l2_squared_i8(query->x, own_vector(node), node->scale, n);
}

static float
inner_product(const RuvQuery *query, const RuvNode *node)
{
	const RuvKernels *k = query->kernels;
	size_t		n = (size_t) query->layout->padded;

	switch (query->layout->own)
	{
		case RUV_OWN_F32:
			return k->inner_product(query->x, own_vector(node), n);
		case RUV_OWN_F16:
			return k->inner_product_f16(query->x, own_vector(node),
										node->scale, n);
		case RUV_OWN_I8:
			break;
	}
	return k->inner_product_i8(query->x, own_vector(node), node->scale, n);
}

static float
taxicab(const RuvQuery *query, const RuvNode *node)
{
	const RuvKernels *k = query->kernels;
	size_t		n = (size_t) query->layout->padded;

	switch (query->layout->own)
	{
		case RUV_OWN_F32:
			return k->l1(query->x, own_vector(node), n);
		case RUV_OWN_F16:
			return k->l1_f16(query->x, own_vector(node), node->scale, n);
		case RUV_OWN_I8:
			break;
	}
	return k->l1_i8(query->x, own_vector(node), node->scale, n);
}

float
ruv_node_distance(const RuvQuery *query, const RuvNode *node)
{
	switch (query->layout->metric)
	{
		case RUV_METRIC_L2:
		case RUV_METRIC_COSINE:
			break;
		case RUV_METRIC_IP:
			return -inner_product(query, node);
		case RUV_METRIC_L1:
			return taxicab(query, node);
	}
	return l2_squared(query, node);
}

float
ruv_graph_distance(const RuvLayout *layout, const RuvKernels *kernels,
				   const float *a, const float *b)
{
	size_t		n = (size_t) layout->padded;

	switch (layout->metric)
	{
		case RUV_METRIC_L2:
		case RUV_METRIC_COSINE:
			break;
		case RUV_METRIC_IP:
			return -kernels->inner_product(a, b, n);
		case RUV_METRIC_L1:
			return kernels->l1(a, b, n);
	}
	return kernels->l2_squared(a, b, n);
}

/*
 * The exponent of the largest coordinate, so that halves keep their full
 * precision whatever the unit of the data; a power of two scales exactly.
 */
static float
half_scale(float maxabs)
{
	int			exponent;

	if (!(maxabs > 0))
		return 1;
	(void) frexpf(maxabs, &exponent);
	if (exponent < -100)
		exponent = -100;
	if (exponent > 100)
		exponent = 100;
	return ldexpf(1.0f, exponent);
}

/* How far rotating the query in float may have moved it. */
static double
moved_by_rotation(const RuvQuery *query)
{
	return RUV_ROTATION_ERROR * query->norm +
		query->layout->padded * SUBNORMAL_STEP;
}

float
ruv_node_radius_for(const RuvQuery *query, const RuvNode *node)
{
	const RuvLayout *layout = query->layout;
	double		sum = 0;

	if (query->is_wild)
		return INFINITY;
	ruv_node_decode(layout, query->kernels, node, query->diff);
	for (int i = 0; i < layout->padded; i++)
	{
		double		r = (double) query->x[i] - (double) query->diff[i];

		sum += layout->metric == RUV_METRIC_L1 ? fabs(r) : r * r;
	}
	if (layout->metric != RUV_METRIC_L1)
		sum = sqrt(sum);
	/* what rotating and normalising in float may have moved */
	if (ruv_layout_is_rotated(layout))
		sum += moved_by_rotation(query);
	else if (layout->metric == RUV_METRIC_COSINE)
		sum += 1e-6;
	return (float) (sum * (1 + 1e-6));
}

void
ruv_node_init(const RuvQuery *query, RuvNode *node, uint32_t self)
{
	const RuvLayout *layout = query->layout;
	const RuvKernels *k = query->kernels;
	size_t		n = (size_t) layout->padded;
	float	   *own = (float *) ((char *) node + sizeof(RuvNode));
	double		norm;
	float		maxabs = norm_of(query->x, layout->padded, &norm);

	memset(node, 0, (size_t) layout->record_bytes);
	node->state = RUV_NODE_LIVE;
	node->self = self;
	node->scale = 1;
	switch (layout->own)
	{
		case RUV_OWN_F32:
			memcpy(own, query->x, n * sizeof(float));
			break;
		case RUV_OWN_F16:
			node->scale = half_scale(maxabs);
			k->encode_f16(query->x, 1 / node->scale, n, (uint16_t *) own);
			break;
		case RUV_OWN_I8:
			if (maxabs > 1e-30f)
			{
				node->scale = maxabs / 127.0f;
				(void) k->quantize_i8(query->x, 127.0f / maxabs, n,
									  (int8_t *) own);
			}
			break;
	}
	node->residual = ruv_node_radius_for(query, node);
	node->radius = node->residual;
	node->norm = query->is_wild ? INFINITY :
								  (float) (query->norm * (1 + 1e-6));
}

bool
ruv_node_same_image(const RuvNode *node, const RuvNode *other,
					const RuvLayout *layout)
{
	return node->scale == other->scale &&
		memcmp(own_vector(node), own_vector(other),
			   (size_t) layout->own_bytes) == 0;
}

/* ---- checking ---- */

RuvStatus
ruv_node_check(const RuvLayout *layout, const RuvNode *node, uint32_t self)
{
	if (node->state == RUV_NODE_FREE)
		return RUV_OK;
	if (node->state != RUV_NODE_LIVE && node->state != RUV_NODE_DEAD)
		return RUV_ERR_CORRUPT;
	if (node->self != self || node->ntids > RUV_MAX_TIDS)
		return RUV_ERR_CORRUPT;
	if ((node->ntids == 0) != (node->state == RUV_NODE_DEAD))
		return RUV_ERR_CORRUPT;
	if (node->nlinks > ruv_node_room(layout, node->ntids))
		return RUV_ERR_CORRUPT;
	if (!(node->residual >= 0) || !(node->norm >= 0) || !(node->radius >= 0))
		return RUV_ERR_CORRUPT;
	if ((node->flags & ~RUV_NODE_MOVED) != 0)
		return RUV_ERR_CORRUPT;
	for (int i = 1; i < node->ntids; i++)
		if (!(ruv_node_radius(layout, node, i) >= 0))
			return RUV_ERR_CORRUPT;
	if (!isfinite(node->scale) || node->scale <= 0)
		return RUV_ERR_CORRUPT;
	return RUV_OK;
}

/* ---- estimates ---- */

/*
 * Distances to the n neighbours in `slots`, for a query whose distance to
 * their holder is `distance` and whose quantized residual is in the query.
 */
void
ruv_estimate_slots(const RuvQuery *query, const uint8_t *slots, int n,
				   float distance, uint32_t *ids, float *estimates)
{
	const RuvLayout *layout = query->layout;
	size_t		stride = (size_t) layout->slot_bytes;
	int32_t		dots[RUV_MAX_LINKS];
	float		centre = (float) ((1 << layout->bits) - 1) / 2;
	float		shift;
	float		weight;

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		memcpy(&ids[i], slots + (size_t) i * stride, 4);
	if (layout->slot == RUV_SLOT_ID)
	{
		/*
		 * Nothing is known; ranking them next to their holder has them
		 * visited while the holder is among the best, as HNSW does.
		 */
		for (int i = 0; i < n; i++)
			estimates[i] = distance;
		return;
	}
	if (layout->slot == RUV_SLOT_VECTOR)
	{
		float		x[RUV_SMALL_DIMS];

		for (int i = 0; i < n; i++)
		{
			memcpy(x, slots + (size_t) i * stride + 4,
				   (size_t) layout->dims * 4);
			estimates[i] = ruv_graph_distance(layout, query->kernels,
											  query->x, x);
		}
		return;
	}

	query->kernels->code_dot(layout->bits, query->quantized,
							 (size_t) layout->padded, slots + 8, stride, n,
							 dots);
	shift = centre * (float) query->quantized_sum;
	weight = layout->metric == RUV_METRIC_IP ? -query->quantum :
											   -2 * query->quantum;
	for (int i = 0; i < n; i++)
	{
		const uint8_t *slot = slots + (size_t) i * stride;
		float		along = weight * ((float) dots[i] - shift) *
			ruv_slot_factor(slot);

		estimates[i] = distance + along;
		if (layout->metric != RUV_METRIC_IP)
			estimates[i] += ruv_slot_distance(slot);
	}
}

void
ruv_node_visit(RuvQuery *query, const RuvNode *node, RuvVisit *visit)
{
	const RuvLayout *layout = query->layout;
	const RuvKernels *k = query->kernels;
	size_t		n = (size_t) layout->padded;

	if (layout->slot == RUV_SLOT_CODE && layout->metric != RUV_METRIC_IP)
	{
		float		maxabs;

		if (layout->own == RUV_OWN_F16)
			visit->distance = k->residual_f16(query->x, own_vector(node),
											  node->scale, n, query->diff,
											  &maxabs);
		else
			visit->distance = k->residual_i8(query->x, own_vector(node),
											 node->scale, n, query->diff,
											 &maxabs);
		ruv_query_quantize(query, query->diff, maxabs);
	}
	else
		visit->distance = ruv_node_distance(query, node);
	visit->nlinks = node->nlinks;
	ruv_estimate_slots(query, ruv_node_slot(layout, node, 0), node->nlinks,
					   visit->distance, visit->ids, visit->estimates);
}

RuvInterval
ruv_node_interval(const RuvQuery *query, float distance, float residual,
				  float norm)
{
	const RuvLayout *layout = query->layout;
	double		error = RUV_KERNEL_ERROR(layout->padded);
	double		root = sqrt(fabs(distance));
	double		lost = layout->padded * SUBNORMAL_STEP;
	double		moved = 0;
	double		slack;
	double		low;
	double		high;
	RuvInterval interval = {-INFINITY, INFINITY};

	if (query->is_wild || !isfinite(residual) || !isfinite(norm) ||
		!isfinite(distance))
		return interval;
	if (ruv_layout_is_rotated(layout))
		moved = moved_by_rotation(query);
	slack = residual + moved;
	switch (layout->metric)
	{
		case RUV_METRIC_L2:
			/* either sum of squares may have lost that much */
			slack += 3 * sqrt(lost);
			interval.low = (root * (1 - error) - slack) * (1 - error);
			interval.high = (root * (1 + error) + slack) * (1 + error);
			if (interval.low < 0)
				interval.low = 0;
			break;
		case RUV_METRIC_COSINE:
			/* |a - b|^2 / 2 of unit vectors is 1 - cos(a, b) */
			low = fmax(root * (1 - error) - slack - 1e-6, 0);
			high = root * (1 + error) + slack + 1e-6;
			interval.low = low * low / 2 - 4 * error;
			interval.high = high * high / 2 + 4 * error;
			break;
		case RUV_METRIC_IP:
			/* the norm of the stored vector is at most norm + residual */
			slack = residual * query->norm + 3 * lost +
				(moved + 2 * error * query->norm) * ((double) norm + residual);
			interval.low = distance - slack;
			interval.high = distance + slack;
			break;
		case RUV_METRIC_L1:
			slack += 3 * lost;
			interval.low = (distance * (1 - error) - slack) * (1 - error);
			interval.high = (distance * (1 + 2 * error) + slack) *
				(1 + 2 * error);
			if (interval.low < 0)
				interval.low = 0;
			break;
	}
	return interval;
}
