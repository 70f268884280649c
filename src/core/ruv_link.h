/*
 * ruv_link.h
 *		Which neighbours a node keeps.
 *
 * Both directions use the heuristic of HNSW (Malkov & Yashunin, algorithm 4):
 * a neighbour is diverse if no closer diverse neighbour is nearer to it than
 * the node is.  Lists are then filled up with the nearest of the others,
 * which costs nothing inside a fixed record and keeps clustered data
 * reachable.
 */
#ifndef RUV_LINK_H
#define RUV_LINK_H

#include "core/ruv_node.h"

/* A node that could become a neighbour of the vector being placed. */
typedef struct RuvCandidate
{
	uint32_t	id;
	float		distance;		/* to the vector being placed */
	const float *x;				/* its stored vector, decoded */
} RuvCandidate;

/*
 * Picks up to `room` of the n candidates, which are sorted by distance.
 * chosen[] gets their indexes, diverse ones and fill alike, in order of
 * distance; *diverse has bit k set if chosen[k] is diverse.  Returns how many.
 * scratch has room for 2 * n ints.
 */
extern int	ruv_select(const RuvLayout *layout, const RuvKernels *kernels,
					   const RuvCandidate *candidates, int n, int room,
					   int *chosen, uint64_t *diverse, int *scratch);

/* What to do with a node whose neighbour somebody wants to become. */
typedef struct RuvLinkPlan
{
	int			slot;			/* to write; -1: the newcomer is not taken */
	uint64_t	diverse;		/* of the slots after that */
} RuvLinkPlan;

/*
 * Is something that far from a node's stored vector to be taken for equal to
 * it?  residual is what storing the node's own vector lost.
 */
extern bool ruv_link_is_twin(const RuvLayout *layout, float residual,
							 float distance);

/*
 * Decides on the link node -> id from what the record itself knows: `visit`
 * is the visit of this node by the newcomer's query.  With must_take the
 * newcomer gets in whatever it costs.  One page is enough: the distances
 * between the newcomer and the present neighbours are the estimates of their
 * codes.  Taken: a diverse newcomer or a free slot.  Where slots hold ids only
 * the caller fills in the estimates that it knows, and infinity elsewhere.
 *
 * A link to a twin is not given up for another twin: of many equal vectors
 * each may be known to one other only.
 */
extern RuvLinkPlan ruv_link_plan(const RuvLayout *layout,
								 const RuvKernels *kernels,
								 const RuvNode *node, const RuvVisit *visit,
								 uint32_t id, bool must_take);

/*
 * Adds the link to `id`, whose vector is x, x - node = r, and ranks it as
 * diverse; where there is no slot free, the link that is least missed goes.
 * Nothing if it is there.
 */
extern void ruv_link_add(const RuvLayout *layout, const RuvKernels *kernels,
						 RuvNode *node, uint32_t id, const float *r,
						 const float *x, float distance);

/*
 * Carries the plan out on the record.  query is the newcomer's, with `diff`
 * as the visit of this very node left it.
 */
extern void ruv_link_apply(RuvQuery *query, RuvNode *node,
						   const RuvLinkPlan *plan, uint32_t id,
						   float distance);

/*
 * Writes the link to `id` anew, for the vector that it has now, query's, as
 * visited last.  False if there is no such link.
 */
extern bool ruv_link_refresh(RuvQuery *query, RuvNode *node, uint32_t id,
							 float distance);

/* Gives a node the links of `image`, as many as it has room for. */
extern void ruv_link_take(const RuvLayout *layout, RuvNode *node,
						  const RuvNode *image);

/*
 * Gives a node the vector and the links of `image`, which was made for the
 * query.  Its rows stay; their radii grow by what the centre moved.
 */
extern void ruv_link_move(const RuvQuery *query, RuvNode *node,
						  const RuvNode *image);

#endif							/* RUV_LINK_H */
