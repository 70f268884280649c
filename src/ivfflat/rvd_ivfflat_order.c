/*
 * rvd_ivfflat_order.c
 *		Items taken in ascending order of distance, sorted as far as taken.
 *
 * Most queries take ten of some thousand rows.  So the items are not sorted:
 * a sample tells a bound below which a few of them lie, these are brought to
 * the front and sorted, and more when they are used up.  When the items no
 * longer fit into the given memory, they go to a tuplesort, which spills.
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"

#include "core/ruv_float_bits.h"
#include "ivfflat/rvd_ivfflat_int.h"

#define SAMPLE 128
#define SMALL 512				/* so few are sorted at once */

/* NaN stands behind all numbers, and -0 where 0 does. */
static uint32
key_of(float distance)
{
	if (distance != distance)
		return PG_UINT32_MAX;
	return (uint32) (ruv_float_place(distance + 0.0f) -
					 (int64) PG_INT32_MIN);
}

static int
compare_items(const RvdIvfItem *a, const RvdIvfItem *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (int) a->offset - (int) b->offset;
}

#define ST_SORT sort_items
#define ST_ELEMENT_TYPE RvdIvfItem
#define ST_COMPARE(a, b) compare_items(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_keys
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

void
rvd_ivfflat_order_init(RvdIvfOrder *order, Size max_bytes)
{
	memset(order, 0, sizeof(*order));
	order->room = 1024;
	order->max_items = Max(max_bytes / sizeof(RvdIvfItem), order->room);
	order->items = palloc(order->room * sizeof(RvdIvfItem));
	order->share = 4;
}

void
rvd_ivfflat_order_clear(RvdIvfOrder *order)
{
	order->nitems = order->nsorted = order->next = 0;
	order->share = 4;
	if (order->spill != NULL)
	{
		ExecDropSingleTupleTableSlot(order->slot_in);
		ExecDropSingleTupleTableSlot(order->slot_out);
		tuplesort_end(order->spill);
		order->spill = NULL;
	}
}

/* ---- on disk ---- */

static void
spill_item(RvdIvfOrder *order, const RvdIvfItem *item)
{
	TupleTableSlot *slot = order->slot_in;

	/* the three as one number each, ascending as they do */
	ExecClearTuple(slot);
	slot->tts_values[0] = Int64GetDatum((int64) item->key);
	slot->tts_values[1] = Int64GetDatum((int64) item->number << 16 |
										item->offset);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(order->spill, slot);
}

static void
begin_spill(RvdIvfOrder *order)
{
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	AttrNumber	columns[] = {1, 2};
	Oid			operators[] = {Int8LessOperator, Int8LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};

	TupleDescInitEntry(desc, 1, "key", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "item", INT8OID, -1, 0);
	order->slot_in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	order->slot_out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	order->spill = tuplesort_begin_heap(desc, 2, columns, operators,
										collations, nulls_first, work_mem,
										NULL, TUPLESORT_NONE);
	for (Size i = 0; i < order->nitems; i++)
		spill_item(order, &order->items[i]);
	order->nitems = 0;
}

static bool
next_spilled(RvdIvfOrder *order, RvdIvfItem *item)
{
	bool		isnull;
	int64		place;

	if (order->next++ == 0)
		tuplesort_performsort(order->spill);
	if (!tuplesort_gettupleslot(order->spill, true, false, order->slot_out,
								NULL))
		return false;
	item->key = (uint32) DatumGetInt64(slot_getattr(order->slot_out, 1,
													&isnull));
	place = DatumGetInt64(slot_getattr(order->slot_out, 2, &isnull));
	item->number = (uint32) (place >> 16);
	item->offset = (uint16) (place & 0xFFFF);
	return true;
}

/* ---- in memory ---- */

void
rvd_ivfflat_order_add(RvdIvfOrder *order, float distance, uint32 number,
					  uint16 offset)
{
	RvdIvfItem	item = {key_of(distance), number, offset};

	Assert(order->next == 0);
	if (order->spill != NULL)
	{
		spill_item(order, &item);
		return;
	}
	if (order->nitems == order->room)
	{
		if (order->room == order->max_items)
		{
			begin_spill(order);
			spill_item(order, &item);
			return;
		}
		order->room = Min(order->room * 2, order->max_items);
		order->items = repalloc_huge(order->items,
									 order->room * sizeof(RvdIvfItem));
	}
	order->items[order->nitems++] = item;
}

/* A key that about `share` 128ths of the items from `from` on do not pass. */
static uint32
bound_of(const RvdIvfOrder *order, Size from)
{
	Size		n = order->nitems - from;
	uint32		keys[SAMPLE];

	for (Size i = 0; i < SAMPLE; i++)
		keys[i] = order->items[from + i * n / SAMPLE].key;
	sort_keys(keys, SAMPLE);
	return keys[order->share - 1];
}

/* Brings the next items to the front of those that are left, sorted. */
static void
sort_more(RvdIvfOrder *order)
{
	Size		from = order->nsorted;
	Size		to = from;

	if (order->nitems - from <= SMALL || order->share >= SAMPLE)
		to = order->nitems;
	else
	{
		uint32		bound = bound_of(order, from);

		for (Size i = from; i < order->nitems; i++)
		{
			RvdIvfItem	item = order->items[i];

			if (item.key > bound)
				continue;
			order->items[i] = order->items[to];
			order->items[to++] = item;
		}
		order->share *= 4;
	}
	Assert(to > from);
	sort_items(order->items + from, to - from);
	order->nsorted = to;
}

bool
rvd_ivfflat_order_next(RvdIvfOrder *order, RvdIvfItem *item)
{
	if (order->spill != NULL)
		return next_spilled(order, item);
	if (order->next == order->nitems)
		return false;
	if (order->next == order->nsorted)
		sort_more(order);
	*item = order->items[order->next++];
	return true;
}
