/*
 * ruv_link.c
 *		Slots of a record, selection of neighbours, the back-link rule.
 */
#include <math.h>
#include <string.h>

#include "core/ruv_link.h"
#include "core/ruv_node_int.h"

/* Steps of the uniform quantiser that fits a normal distribution best (Max,
 * 1960), in units of its deviation. */
#define STEP_2BIT 0.9957f
#define STEP_4BIT 0.3352f

int
ruv_node_room(const RuvLayout *layout, int ntids)
{
	int			left = layout->record_bytes - layout->slot_offset -
		ruv_rows_bytes(ntids);
	int			room = left / layout->slot_bytes;

	return room < layout->slots ? room : layout->slots;
}

void
ruv_slot_encode(const RuvLayout *layout, const RuvKernels *kernels,
				uint8_t *slot, uint32_t id, const float *r,
				const float *neighbour, float distance)
{
	size_t		n = (size_t) layout->padded;
	float		squared;
	float		along;
	float		sigma;

	memcpy(slot, &id, 4);
	switch (layout->slot)
	{
		case RUV_SLOT_VECTOR:
			memcpy(slot + 4, neighbour, n * sizeof(float));
			return;
		case RUV_SLOT_ID:
			memcpy(slot + 4, &distance, 4);
			return;
		case RUV_SLOT_CODE:
			break;
	}
	squared = kernels->inner_product(r, r, n);
	sigma = sqrtf(squared / (float) n) *
		(layout->bits == 2 ? STEP_2BIT : STEP_4BIT);
	along = kernels->code_encode(layout->bits, r,
								 sigma > 0 ? 1 / sigma : 0, n, slot + 8);
	ruv_store_bf16(slot + 4, distance);
	ruv_store_bf16(slot + 6, along > 0 ? squared / along : 0);
}

void
ruv_node_set_link(const RuvLayout *layout, const RuvKernels *kernels,
				  RuvNode *node, int i, uint32_t id, const float *r,
				  const float *neighbour, float distance)
{
	ruv_slot_encode(layout, kernels, ruv_node_slot(layout, node, i), id, r,
					neighbour, distance);
}

float
ruv_node_link_distance(const RuvLayout *layout, const RuvKernels *kernels,
					   const RuvNode *node, int i)
{
	const uint8_t *slot = ruv_node_slot(layout, node, i);
	float		distance;

	if (layout->slot == RUV_SLOT_CODE)
		return ruv_slot_distance(slot);
	if (layout->slot == RUV_SLOT_VECTOR)
	{
		float		own[RUV_SMALL_DIMS];
		float		x[RUV_SMALL_DIMS];

		memcpy(own, (const char *) node + sizeof(RuvNode),
			   (size_t) layout->dims * sizeof(float));
		memcpy(x, slot + 4, (size_t) layout->dims * sizeof(float));
		return ruv_graph_distance(layout, kernels, own, x);
	}
	memcpy(&distance, slot + 4, 4);
	return distance;
}

static uint64_t
without_bit(uint64_t bits, int i)
{
	return bits & ~((uint64_t) 1 << i);
}

static bool
has_bit(uint64_t bits, int i)
{
	return (bits >> i & 1) != 0;
}

void
ruv_node_drop_link(const RuvLayout *layout, RuvNode *node, int i)
{
	int			last = node->nlinks - 1;

	if (i != last)
	{
		memcpy(ruv_node_slot(layout, node, i),
			   ruv_node_slot(layout, node, last),
			   (size_t) layout->slot_bytes);
		node->diverse = without_bit(node->diverse, i) |
			(node->diverse >> last & 1) << i;
	}
	node->diverse = without_bit(node->diverse, last);
	node->nlinks--;
}

/* The slot that is least missed: farthest, and not diverse if there is one. */
static int
least_missed(const RuvLayout *layout, const RuvKernels *kernels,
			 const RuvNode *node)
{
	int			worst = -1;
	bool		worst_diverse = true;
	float		worst_distance = 0;

	for (int i = 0; i < node->nlinks; i++)
	{
		float		d = ruv_node_link_distance(layout, kernels, node, i);
		bool		diverse = has_bit(node->diverse, i);

		if (worst < 0 || (worst_diverse && !diverse) ||
			(worst_diverse == diverse && d > worst_distance))
		{
			worst = i;
			worst_diverse = diverse;
			worst_distance = d;
		}
	}
	return worst;
}

/* The radius of a row beyond the first lies before its TID. */
static uint8_t *
radius_of(const RuvLayout *layout, const RuvNode *node, int i)
{
	return ruv_node_tid(layout, node, i) + RUV_TID_BYTES;
}

/*
 * Rows of equal vectors have equal radii, to the last bit: a scan in strict
 * order could not return them one after the other.  So there is a value for
 * "the node's residual", minus zero.
 */
#define AS_RESIDUAL 0x8000

float
ruv_node_radius(const RuvLayout *layout, const RuvNode *node, int i)
{
	uint16_t	bits;

	if (i == 0)
		return node->radius;
	memcpy(&bits, radius_of(layout, node, i), 2);
	return bits == AS_RESIDUAL ? node->residual :
								 ruv_load_bf16(radius_of(layout, node, i));
}

void
ruv_node_set_radius(const RuvLayout *layout, RuvNode *node, int i,
					float radius)
{
	const uint16_t as_residual = AS_RESIDUAL;

	if (i == 0)
		node->radius = radius;
	else if (radius == node->residual)
		memcpy(radius_of(layout, node, i), &as_residual, 2);
	else
		ruv_store_bf16_above(radius_of(layout, node, i), radius);
}

bool
ruv_node_add_row(const RuvLayout *layout, const RuvKernels *kernels,
				 RuvNode *node, const void *tid, float radius)
{
	int			n = node->ntids;

	if (n >= RUV_MAX_TIDS)
		return false;
	while (node->nlinks > 0 && node->nlinks > ruv_node_room(layout, n + 1))
		ruv_node_drop_link(layout, node, least_missed(layout, kernels, node));
	memcpy(ruv_node_tid(layout, node, n), tid, RUV_TID_BYTES);
	ruv_node_set_radius(layout, node, n, radius);
	node->ntids++;
	return true;
}

void
ruv_node_drop_row(const RuvLayout *layout, RuvNode *node, int i)
{
	int			last = node->ntids - 1;

	if (i != last)
	{
		memcpy(ruv_node_tid(layout, node, i),
			   ruv_node_tid(layout, node, last), RUV_TID_BYTES);
		ruv_node_set_radius(layout, node, i,
							ruv_node_radius(layout, node, last));
	}
	node->ntids--;
}

/*
 * Is candidate c nearer to one of the chosen than to the vector being placed?
 */
static bool
is_shaded(const RuvLayout *layout, const RuvKernels *kernels,
		  const RuvCandidate *candidates, const int *kept, int nkept, int c)
{
	for (int i = 0; i < nkept; i++)
	{
		float		d = ruv_graph_distance(layout, kernels, candidates[c].x,
										   candidates[kept[i]].x);

		if (d <= candidates[c].distance)
			return true;
	}
	return false;
}

int
ruv_select(const RuvLayout *layout, const RuvKernels *kernels,
		   const RuvCandidate *candidates, int n, int room, int *chosen,
		   uint64_t *diverse, int *scratch)
{
	int		   *kept = scratch;
	int		   *shaded = scratch + n;
	int			nkept = 0;
	int			nshaded = 0;
	int			i = 0;
	int			j = 0;
	int			nchosen = 0;

	for (int c = 0; c < n && nkept < room; c++)
	{
		if (is_shaded(layout, kernels, candidates, kept, nkept, c))
			shaded[nshaded++] = c;
		else
			kept[nkept++] = c;
	}
	if (nshaded > room - nkept)
		nshaded = room - nkept;

	/* merge the two sorted lists */
	*diverse = 0;
	while (i < nkept || j < nshaded)
	{
		if (j == nshaded || (i < nkept && kept[i] < shaded[j]))
		{
			*diverse |= (uint64_t) 1 << nchosen;
			chosen[nchosen++] = kept[i++];
		}
		else
			chosen[nchosen++] = shaded[j++];
	}
	return nchosen;
}

/*
 * Squared distances for the metrics that square; the inner product has no
 * distance by which equal vectors could be told.  A stored distance is
 * rounded up by less than 1 part in 256.
 */
bool
ruv_link_is_twin(const RuvLayout *layout, float residual, float distance)
{
	if (layout->metric == RUV_METRIC_IP)
		return false;
	if (layout->metric != RUV_METRIC_L1)
		residual *= residual;
	return distance <= residual * 1.02f;
}

RuvLinkPlan
ruv_link_plan(const RuvLayout *layout, const RuvKernels *kernels,
			  const RuvNode *node, const RuvVisit *visit, uint32_t id,
			  bool must_take)
{
	RuvLinkPlan plan = {-1, node->diverse};
	int			n = node->nlinks;
	bool		new_is_diverse = true;
	bool		is_twin = ruv_link_is_twin(layout, node->residual,
										   visit->distance);
	int			worst = -1;
	bool		worst_diverse = false;
	float		worst_distance = 0;
	float		distances[RUV_MAX_LINKS];

	for (int i = 0; i < n; i++)
	{
		if (visit->ids[i] == id)
			return plan;
		distances[i] = ruv_node_link_distance(layout, kernels, node, i);
		if (has_bit(node->diverse, i) && distances[i] <= visit->distance &&
			visit->estimates[i] <= visit->distance)
			new_is_diverse = false;
	}
	for (int i = 0; i < n; i++)
	{
		bool		diverse;

		/* a newcomer that is itself diverse shades those behind it */
		if (new_is_diverse && distances[i] > visit->distance &&
			visit->estimates[i] < distances[i])
			plan.diverse = without_bit(plan.diverse, i);
		diverse = has_bit(plan.diverse, i);
		if (is_twin && !must_take &&
			ruv_link_is_twin(layout, node->residual, distances[i]))
			continue;
		if (worst < 0 || (worst_diverse && !diverse) ||
			(worst_diverse == diverse && distances[i] > worst_distance))
		{
			worst = i;
			worst_diverse = diverse;
			worst_distance = distances[i];
		}
	}

	if (n < ruv_node_room(layout, node->ntids))
		plan.slot = n;
	else if (worst >= 0 &&
			 (must_take || (new_is_diverse && !worst_diverse) ||
			  (new_is_diverse == worst_diverse &&
			   visit->distance < worst_distance)))
		plan.slot = worst;
	if (plan.slot < 0)
	{
		plan.diverse = node->diverse;
		return plan;
	}
	plan.diverse = without_bit(plan.diverse, plan.slot);
	if (new_is_diverse)
		plan.diverse |= (uint64_t) 1 << plan.slot;
	return plan;
}

/* Slot i := the link to the query's vector. */
static void
set_to_query(RuvQuery *query, RuvNode *node, int i, uint32_t id,
			 float distance)
{
	const RuvLayout *layout = query->layout;

	if (layout->slot == RUV_SLOT_CODE && layout->metric == RUV_METRIC_IP)
	{
		/* the inner product's visit needs no residual: make it now */
		ruv_node_decode(layout, query->kernels, node, query->diff);
		for (int k = 0; k < layout->padded; k++)
			query->diff[k] = query->x[k] - query->diff[k];
	}
	ruv_node_set_link(layout, query->kernels, node, i, id, query->diff,
					  query->x, distance);
}

void
ruv_link_apply(RuvQuery *query, RuvNode *node, const RuvLinkPlan *plan,
			   uint32_t id, float distance)
{
	set_to_query(query, node, plan->slot, id, distance);
	node->diverse = plan->diverse;
	if (plan->slot == node->nlinks)
		node->nlinks++;
}

bool
ruv_link_refresh(RuvQuery *query, RuvNode *node, uint32_t id, float distance)
{
	int			i = ruv_node_slot_of(query->layout, node, id);

	if (i >= 0)
		set_to_query(query, node, i, id, distance);
	return i >= 0;
}

void
ruv_link_take(const RuvLayout *layout, RuvNode *node, const RuvNode *image)
{
	int			room = ruv_node_room(layout, node->ntids);
	int			n = image->nlinks < room ? image->nlinks : room;

	memcpy(ruv_node_slot(layout, node, 0), ruv_node_slot(layout, image, 0),
		   (size_t) n * (size_t) layout->slot_bytes);
	node->nlinks = (uint8_t) n;
	node->diverse = image->diverse;
	if (n < 64)
		node->diverse &= ((uint64_t) 1 << n) - 1;
}

void
ruv_link_move(const RuvQuery *query, RuvNode *node, const RuvNode *image)
{
	const RuvLayout *layout = query->layout;
	float		step = ruv_node_radius_for(query, node) + image->residual;
	float		radii[RUV_MAX_TIDS] = {0};

	for (int i = 0; i < node->ntids; i++)
		radii[i] = (ruv_node_radius(layout, node, i) + step) * (1 + 1e-6f);
	memcpy((char *) node + sizeof(RuvNode),
		   (const char *) image + sizeof(RuvNode), (size_t) layout->own_bytes);
	node->scale = image->scale;
	node->residual = image->residual;
	node->norm = fmaxf(node->norm, image->norm);
	node->flags |= RUV_NODE_MOVED;
	for (int i = 0; i < node->ntids; i++)
		ruv_node_set_radius(layout, node, i, radii[i]);
	ruv_link_take(layout, node, image);
}

void
ruv_link_add(const RuvLayout *layout, const RuvKernels *kernels,
			 RuvNode *node, uint32_t id, const float *r, const float *x,
			 float distance)
{
	if (ruv_node_slot_of(layout, node, id) >= 0)
		return;
	if (node->nlinks > 0 &&
		node->nlinks >= ruv_node_room(layout, node->ntids))
		ruv_node_drop_link(layout, node, least_missed(layout, kernels, node));
	ruv_node_set_link(layout, kernels, node, node->nlinks, id, r, x, distance);
	node->diverse |= (uint64_t) 1 << node->nlinks;
	node->nlinks++;
}
