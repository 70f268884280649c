/*
 * ruv_layout.c
 *		Choice of codes, own-vector format and records per page.
 *
 * Measured on SIFT, MNIST and text embeddings: a code wants bits x dims of
 * about 256 or more; half precision keeps the own vector exact enough that
 * neighbouring results seldom need the heap to be told apart; fewer than some
 * two dozen links cost hops, more than 34 cost only bytes.  So: the densest
 * page whose records keep enough links with halves; int8 only where halves
 * would cost twice the pages.
 */
#include <string.h>

#include "core/ruv_layout.h"
#include "core/ruv_node.h"

#define LEAST_LINKS 4			/* of a node with RUV_MAX_TIDS */
#define FEWEST_LINKS 22
#define ENOUGH_LINKS 32

static int
round_up(int value, int unit)
{
	return (value + unit - 1) / unit * unit;
}

static int
own_bytes(RuvOwnKind own, int padded)
{
	switch (own)
	{
		case RUV_OWN_F32:
			return padded * 4;
		case RUV_OWN_F16:
			return padded * 2;
		case RUV_OWN_I8:
			break;
	}
	return padded;
}

static void
choose_slot(RuvLayout *layout)
{
	int			dims = layout->dims;

	layout->bits = 0;
	layout->code_bytes = 0;
	layout->padded = dims;
	if (dims <= RUV_SMALL_DIMS)
	{
		layout->slot = RUV_SLOT_VECTOR;
		layout->slot_bytes = 4 + 4 * dims;
	}
	else if (layout->metric == RUV_METRIC_L1)
	{
		layout->slot = RUV_SLOT_ID;
		layout->slot_bytes = 8;
	}
	else
	{
		layout->slot = RUV_SLOT_CODE;
		layout->bits = 1;
		if (dims <= 256)
			layout->bits = dims <= 96 ? 4 : 2;
		layout->padded = round_up(dims, layout->bits == 2 ? 64 : 32);
		layout->code_bytes = layout->padded * layout->bits / 8;
		layout->slot_bytes = 8 + layout->code_bytes;
	}
}

/* Bytes of one record when `per_page` of them share the page. */
static int
record_bytes(int room, int per_page)
{
	return room / per_page / 8 * 8;
}

/*
 * The most links of a record with this own vector; -1 if it does not fit.
 * Rows may take the bytes of slots, but not of the last few: a node that
 * leads nowhere would cut off others.
 */
static int
links_for(const RuvLayout *layout, RuvOwnKind own, int room, int per_page)
{
	int			left = record_bytes(room, per_page) - (int) sizeof(RuvNode) -
		own_bytes(own, layout->padded);

	if (left < ruv_rows_bytes(RUV_MAX_TIDS) + LEAST_LINKS * layout->slot_bytes)
		return -1;
	return (left - RUV_TID_BYTES) / layout->slot_bytes;
}

/* The most records a page can have while each keeps `wanted` links. */
static int
most_per_page(const RuvLayout *layout, RuvOwnKind own, int room, int wanted)
{
	int			per_page = room / (int) sizeof(RuvNode);

	while (per_page > 0 && links_for(layout, own, room, per_page) < wanted)
		per_page--;
	return per_page;
}

RuvStatus
ruv_layout_init(RuvLayout *layout, RuvMetric metric, int dims, int m,
				int room)
{
	int			most = m < RUV_MAX_LINKS / 2 ? 2 * m : RUV_MAX_LINKS;
	int			wanted;
	int			per_page;

	if (metric < RUV_METRIC_L2 || metric > RUV_METRIC_L1 ||
		dims < 1 || dims > RUV_MAX_GRAPH_DIMS || m < 1 || room < 512)
		return RUV_ERR_ARGUMENT;
	memset(layout, 0, sizeof(*layout));
	layout->metric = metric;
	layout->dims = dims;
	choose_slot(layout);

	if (layout->slot == RUV_SLOT_VECTOR)
	{
		wanted = most;
		layout->own = RUV_OWN_F32;
		per_page = most_per_page(layout, layout->own, room, wanted);
	}
	else
	{
		int			per_page_i8;

		wanted = most < FEWEST_LINKS ? most : FEWEST_LINKS;
		layout->own = RUV_OWN_F16;
		per_page = most_per_page(layout, RUV_OWN_F16, room, wanted);
		per_page_i8 = most_per_page(layout, RUV_OWN_I8, room, wanted);
		if (per_page == 0 || per_page_i8 >= 2 * per_page)
		{
			layout->own = RUV_OWN_I8;
			per_page = per_page_i8;
		}

		/* one record less on a full page costs little and may give many */
		wanted = most < ENOUGH_LINKS ? most : ENOUGH_LINKS;
		if (per_page >= 4 &&
			links_for(layout, layout->own, room, per_page) < wanted)
			per_page--;
	}

	/* where not even one record has as many links, what fits must do */
	if (per_page < 1)
		per_page = 1;
	layout->per_page = per_page;
	layout->own_bytes = own_bytes(layout->own, layout->padded);
	layout->record_bytes = record_bytes(room, per_page);
	layout->slot_offset = (int) sizeof(RuvNode) + layout->own_bytes;
	layout->slots = links_for(layout, layout->own, room, per_page);
	if (layout->slots > RUV_MAX_LINKS)
		layout->slots = RUV_MAX_LINKS;
	if (layout->slots < LEAST_LINKS)
		return RUV_ERR_LIMIT;
	return RUV_OK;
}
