/*
 * ruv_node.h
 *		One record of the graph: the bytes of a node and what is asked of them.
 *
 * A record is position-independent and knows no page.  Everything that reads
 * one first passes ruv_node_check, so damaged bytes give a status and never
 * an access outside the record.  Byte order is the machine's own, as in
 * every PostgreSQL page.
 */
#ifndef RUV_NODE_H
#define RUV_NODE_H

#include <string.h>

#include "core/ruv_kernel.h"
#include "core/ruv_layout.h"
#include "core/ruv_rotate.h"

#define RUV_NODE_FREE 0			/* never used, or given back by vacuum */
#define RUV_NODE_LIVE 1
#define RUV_NODE_DEAD 2			/* no heap row; leads on until unlinked */

/* The node got another vector; links to it may still be codes of the old. */
#define RUV_NODE_MOVED 1

typedef struct RuvNode
{
	uint8_t		state;
	uint8_t		nlinks;			/* used slots */
	uint8_t		ntids;			/* 1 .. RUV_MAX_TIDS while live */
	uint8_t		flags;			/* RUV_NODE_MOVED */
	uint32_t	self;			/* the node's own id */
	float		scale;			/* of the own vector */
	float		residual;		/* bound on |vector - stored vector|, of the
								 * vector that the node was made for */
	float		norm;			/* bound on |vector| (L2), of every row */
	float		radius;			/* of the first row */
	uint64_t	diverse;		/* bit i: no closer neighbour shades slot i */
} RuvNode;

/* A vector that the graph is asked about or that is about to enter it. */
typedef struct RuvQuery
{
	const RuvLayout *layout;
	const RuvKernels *kernels;
	float	   *x;				/* padded floats, normalised and rotated */
	float	   *diff;			/* scratch: x minus the last visited node */
	int8_t	   *quantized;		/* diff, or x for the inner product */
	float		quantum;		/* what one unit of `quantized` stands for */
	int32_t		quantized_sum;
	double		norm;			/* |x| before rotation */
	bool		is_wild;		/* out of the range of float arithmetic: its
								 * SQL distances may be anything; x is zero,
								 * or of unit length for the cosine */
} RuvQuery;

/* Bytes of scratch that one RuvQuery wants for this layout. */
extern size_t ruv_query_bytes(const RuvLayout *layout);

/*
 * Prepares *query for the `dims` floats of vector, with `memory` (as many
 * bytes as ruv_query_bytes says, aligned to 8) as its scratch.  Cosine: the
 * vector is normalised here; a zero vector stays zero.
 */
extern void ruv_query_init(RuvQuery *query, const RuvLayout *layout,
						   const RuvKernels *kernels,
						   const RuvRotation *rotation, const float *vector,
						   void *memory);

/* To be called when x was written to directly: renews what is derived. */
extern void ruv_query_requantize(RuvQuery *query);

/* What one visit of a node tells. */
typedef struct RuvVisit
{
	float		distance;		/* to the stored vector, graph metric */
	int			nlinks;
	uint32_t	ids[RUV_MAX_LINKS];
	float		estimates[RUV_MAX_LINKS];	/* distances to the neighbours */
} RuvVisit;

/*
 * Everything in the header that could lead a reader out of the record.  Must
 * be RUV_OK before any function below sees it.  Links are ids without any
 * guarantee: whoever follows one checks where it leads.
 */
extern RUV_CHECKED RuvStatus ruv_node_check(const RuvLayout *layout,
											const RuvNode *node,
											uint32_t self);

/* Distance to the node and estimates of the distances to its neighbours. */
extern void ruv_node_visit(RuvQuery *query, const RuvNode *node,
						   RuvVisit *visit);

/* Only the distance to the node. */
extern float ruv_node_distance(const RuvQuery *query, const RuvNode *node);

/* The stored vector as `padded` floats. */
extern void ruv_node_decode(const RuvLayout *layout,
							const RuvKernels *kernels, const RuvNode *node,
							float *x);

/* Writes a fresh live node without links or TIDs for the query's vector. */
extern void ruv_node_init(const RuvQuery *query, RuvNode *node,
						  uint32_t self);

/* Does the node store the same image that ruv_node_init would write? */
extern bool ruv_node_same_image(const RuvNode *node, const RuvNode *other,
								const RuvLayout *layout);

/* Distance between two decoded vectors in the graph metric. */
extern float ruv_graph_distance(const RuvLayout *layout,
								const RuvKernels *kernels, const float *a,
								const float *b);

/*
 * The interval that surely holds the SQL distance between the query and any
 * row attached to a node, given the graph distance `distance` of its stored
 * vector.  Bounds cover quantisation (triangle inequality on the residual),
 * rotation, the float sums here and those of the SQL function.
 */
typedef struct RuvInterval
{
	double		low;
	double		high;
} RuvInterval;

extern RuvInterval ruv_node_interval(const RuvQuery *query, float distance,
									 float residual, float norm);

/* ---- links ---- */

static inline uint8_t *
ruv_node_slot(const RuvLayout *layout, const RuvNode *node, int i)
{
	return (uint8_t *) node + layout->slot_offset + i * layout->slot_bytes;
}

static inline uint32_t
ruv_node_link(const RuvLayout *layout, const RuvNode *node, int i)
{
	uint32_t	id;

	memcpy(&id, ruv_node_slot(layout, node, i), 4);
	return id;
}

/* The slot with the link to `id`, -1 if there is none. */
static inline int
ruv_node_slot_of(const RuvLayout *layout, const RuvNode *node, uint32_t id)
{
	for (int i = 0; i < node->nlinks; i++)
		if (ruv_node_link(layout, node, i) == id)
			return i;
	return -1;
}

/* The most links the record can hold with that many TIDs. */
extern int	ruv_node_room(const RuvLayout *layout, int ntids);

/* Writes slot i: neighbour `id`, whose vector minus the node's is r. */
extern void ruv_node_set_link(const RuvLayout *layout,
							  const RuvKernels *kernels, RuvNode *node, int i,
							  uint32_t id, const float *r,
							  const float *neighbour, float distance);

/* Removes slot i; the last slot takes its place. */
extern void ruv_node_drop_link(const RuvLayout *layout, RuvNode *node, int i);

/* The distance from node to neighbour i, as stored in or derived from slot. */
extern float ruv_node_link_distance(const RuvLayout *layout,
									const RuvKernels *kernels,
									const RuvNode *node, int i);

/*
 * ---- rows ----
 *
 * A node is a ball: each row attached to it is a heap TID, opaque here, and a
 * radius, a bound on |the row's vector - stored vector| in the metric's norm
 * (L1: sum of differences, else Euclidean), padded and rotated as stored.
 */

static inline uint8_t *
ruv_node_tid(const RuvLayout *layout, const RuvNode *node, int i)
{
	return (uint8_t *) node + layout->record_bytes - RUV_TID_BYTES -
		i * RUV_ROW_BYTES;
}

extern float ruv_node_radius(const RuvLayout *layout, const RuvNode *node,
							 int i);

/*
 * Stores the radius of row i, rounded up where it is kept in less; one that
 * equals the node's residual, which must be set, stays as it is.
 */
extern void ruv_node_set_radius(const RuvLayout *layout, RuvNode *node, int i,
								float radius);

/* A bound on |the query's vector - stored vector|: the radius of its row. */
extern float ruv_node_radius_for(const RuvQuery *query, const RuvNode *node);

/*
 * Adds a row; where it needs bytes that a slot has, the link that is least
 * missed goes.  False if the node has RUV_MAX_TIDS already.
 */
extern RUV_CHECKED bool ruv_node_add_row(const RuvLayout *layout,
										 const RuvKernels *kernels,
										 RuvNode *node, const void *tid,
										 float radius);

extern void ruv_node_drop_row(const RuvLayout *layout, RuvNode *node, int i);

#endif							/* RUV_NODE_H */
