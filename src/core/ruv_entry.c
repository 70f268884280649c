/*
 * ruv_entry.c
 *		The entry table.
 */
#include <math.h>
#include <string.h>

#include "core/ruv_entry.h"
#include "core/ruv_node_int.h"

/*
 * Slots without codes rank nothing by themselves, so each entry costs a
 * visit there; a handful is enough.
 */
#define MAX_PLAIN_ENTRIES 8

int
ruv_entry_room(const RuvLayout *layout, int room)
{
	int			n = room / layout->slot_bytes;
	int			most = layout->slot == RUV_SLOT_ID ? MAX_PLAIN_ENTRIES :
											 RUV_MAX_ENTRIES;

	return n < most ? n : most;
}

uint32_t
ruv_entry_id(const RuvLayout *layout, const void *table, int i)
{
	uint32_t	id;

	memcpy(&id, ruv_entry_slot(layout, table, i), 4);
	return id;
}

void
ruv_entry_visit(RuvQuery *query, const void *table, int n, uint32_t *ids,
				float *estimates)
{
	const RuvLayout *layout = query->layout;
	float		distance = 0;

	if (layout->slot == RUV_SLOT_CODE && layout->metric != RUV_METRIC_IP)
	{
		float		maxabs = 0;
		size_t		size = (size_t) layout->padded;

		for (size_t i = 0; i < size; i++)
			if (fabsf(query->x[i]) > maxabs)
				maxabs = fabsf(query->x[i]);
		ruv_query_quantize(query, query->x, maxabs);
		distance = query->kernels->inner_product(query->x, query->x, size);
	}
	ruv_estimate_slots(query, table, n, distance, ids, estimates);
}

void
ruv_entry_set(const RuvLayout *layout, const RuvKernels *kernels,
			  void *table, int i, uint32_t id, const float *x)
{
	float		squared = kernels->inner_product(x, x,
												 (size_t) layout->padded);

	ruv_slot_encode(layout, kernels, ruv_entry_slot(layout, table, i), id, x,
					x, squared);
}
