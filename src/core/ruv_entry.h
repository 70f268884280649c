/*
 * ruv_entry.h
 *		The entry table: where a search starts.
 *
 * One page holds a random sample of the nodes with codes relative to the
 * origin, in the slots' own format.  One page access ranks them all, which
 * does the work of HNSW's upper layers.
 */
#ifndef RUV_ENTRY_H
#define RUV_ENTRY_H

#include "core/ruv_node.h"

#define RUV_MAX_ENTRIES RUV_MAX_LINKS

/* Slots that fit into `room` bytes of table. */
extern int	ruv_entry_room(const RuvLayout *layout, int room);

static inline uint8_t *
ruv_entry_slot(const RuvLayout *layout, const void *table, int i)
{
	return (uint8_t *) table + i * layout->slot_bytes;
}

extern uint32_t ruv_entry_id(const RuvLayout *layout, const void *table,
							 int i);

/* Estimated distances of the query to the n entries. */
extern void ruv_entry_visit(RuvQuery *query, const void *table, int n,
							uint32_t *ids, float *estimates);

/* Writes entry i: node `id`, whose stored vector (decoded) is x. */
extern void ruv_entry_set(const RuvLayout *layout, const RuvKernels *kernels,
						  void *table, int i, uint32_t id, const float *x);

#endif							/* RUV_ENTRY_H */
