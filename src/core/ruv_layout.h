/*
 * ruv_layout.h
 *		Geometry of a graph index: which bytes of a page mean what.
 *
 * Every number follows from (metric, dims, m, page room) alone, so that two
 * servers agree on it and a stored copy can be checked against a fresh one.
 */
#ifndef RUV_LAYOUT_H
#define RUV_LAYOUT_H

#include "core/ruv_common.h"

#define RUV_MAX_LINKS 64		/* the diverse bitmap has as many bits */
#define RUV_MAX_TIDS 10			/* heap rows that share one node */
#define RUV_TID_BYTES 6
#define RUV_ROW_BYTES 8			/* of each row beyond the first: TID, radius */
#define RUV_SMALL_DIMS 32		/* up to here slots hold whole vectors */
#define RUV_MAX_GRAPH_DIMS 4096

typedef enum RuvMetric
{
	RUV_METRIC_L2 = 1,			/* squared Euclidean distance */
	RUV_METRIC_IP = 2,			/* negative inner product */
	RUV_METRIC_COSINE = 3,		/* squared Euclidean, of unit vectors */
	RUV_METRIC_L1 = 4			/* taxicab distance */
} RuvMetric;

/* How a node stores its own vector. */
typedef enum RuvOwnKind
{
	RUV_OWN_F32 = 1,
	RUV_OWN_F16 = 2,
	RUV_OWN_I8 = 3
} RuvOwnKind;

/* What a node knows of each neighbour besides its id. */
typedef enum RuvSlotKind
{
	RUV_SLOT_VECTOR = 1,		/* its vector, float32 */
	RUV_SLOT_CODE = 2,			/* a code of neighbour minus node */
	RUV_SLOT_ID = 3				/* the distance to it only */
} RuvSlotKind;

/*
 * A page holds `per_page` records of `record_bytes` each.  A record is
 *
 *		RuvNode header | own vector | slots ... | free | rows
 *
 * with `slots` the most links that it can hold while it has one row; each
 * further row takes its bytes from the end of the slots.
 */
typedef struct RuvLayout
{
	RuvMetric	metric;
	RuvOwnKind	own;
	RuvSlotKind slot;
	int			bits;			/* of a code, 0 where slots hold none */
	int			dims;			/* of the SQL vector */
	int			padded;			/* of the stored vector, >= dims */
	int			own_bytes;
	int			code_bytes;
	int			slot_bytes;
	int			slot_offset;
	int			slots;
	int			record_bytes;	/* multiple of 8 */
	int			per_page;
} RuvLayout;

/* Bytes at the end of a record that has n rows; room for one is kept. */
static inline int
ruv_rows_bytes(int n)
{
	return RUV_TID_BYTES + RUV_ROW_BYTES * (n > 1 ? n - 1 : 0);
}

/* Are stored vectors rotated?  Only codes need it. */
static inline bool
ruv_layout_is_rotated(const RuvLayout *layout)
{
	return layout->slot == RUV_SLOT_CODE;
}

/*
 * Chooses the geometry for vectors of `dims` (1 .. RUV_MAX_GRAPH_DIMS) whose
 * nodes want 2 * m links, on pages with `room` usable bytes.  A record may
 * hold more links, up to RUV_MAX_LINKS, where the page has the bytes, or
 * fewer, where it has not.  With RUV_MAX_TIDS it still has slots.
 * RUV_ERR_LIMIT if not even one record fits.
 */
extern RUV_CHECKED RuvStatus ruv_layout_init(RuvLayout *layout,
											 RuvMetric metric, int dims, int m,
											 int room);

#endif							/* RUV_LAYOUT_H */
