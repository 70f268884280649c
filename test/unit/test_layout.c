/*
 * test_layout.c
 *		Geometry: nothing overlaps, everything fits, the page is well used,
 *		and the numbers of an existing index do not change.
 */
#include <limits.h>

#include "core/ruv_entry.h"
#include "ruv_test.h"

#define LEAST_LINKS 4
#define MOST_TIDS_BYTES (6 + (RUV_MAX_TIDS - 1) * 8)

static int
smaller(int a, int b)
{
	return a < b ? a : b;
}

/* What a slot has to look like, from the rules in the README. */
static void
check_slot(const RuvLayout *layout)
{
	int			dims = layout->dims;
	RuvSlotKind kind = RUV_SLOT_CODE;
	int			bits = 1;

	if (dims <= 32)
		kind = RUV_SLOT_VECTOR;
	else if (layout->metric == RUV_METRIC_L1)
		kind = RUV_SLOT_ID;
	if (kind != RUV_SLOT_CODE)
		bits = 0;
	else if (dims <= 96)
		bits = 4;
	else if (dims <= 256)
		bits = 2;

	CHECK(layout->slot == kind, "dims %d", dims);
	CHECK(layout->bits == bits, "dims %d: %d bits", dims, layout->bits);
	CHECK(ruv_layout_is_rotated(layout) == (kind == RUV_SLOT_CODE),
		  "dims %d", dims);
	if (kind != RUV_SLOT_CODE)
	{
		CHECK(layout->padded == dims && layout->code_bytes == 0,
			  "dims %d: padded %d", dims, layout->padded);
		CHECK(layout->slot_bytes == (kind == RUV_SLOT_ID ? 8 : 4 + 4 * dims),
			  "dims %d: %d bytes", dims, layout->slot_bytes);
		return;
	}
	/* what code_dot and the rotation want of n */
	CHECK(layout->padded >= dims && layout->padded < dims + 64 &&
			  layout->padded % (bits == 2 ? 64 : 32) == 0,
		  "dims %d: padded %d", dims, layout->padded);
	CHECK((size_t) layout->code_bytes ==
			  ruv_code_bytes(bits, (size_t) layout->padded),
		  "dims %d: %d code bytes", dims, layout->code_bytes);
	CHECK(layout->slot_bytes == 8 + layout->code_bytes,
		  "dims %d: %d bytes", dims, layout->slot_bytes);
}

/* Header, own vector, slots and TIDs lie one behind the other. */
static void
check_record(const RuvLayout *layout, int room)
{
	int			width = 1;

	if (layout->own == RUV_OWN_F32)
		width = 4;
	else if (layout->own == RUV_OWN_F16)
		width = 2;
	CHECK(layout->own_bytes == layout->padded * width, "own %d",
		  (int) layout->own);
	CHECK(layout->slot_offset == (int) sizeof(RuvNode) + layout->own_bytes,
		  "offset %d", layout->slot_offset);
	CHECK(layout->slots >= LEAST_LINKS && layout->slots <= RUV_MAX_LINKS,
		  "%d slots", layout->slots);
	CHECK(layout->record_bytes % 8 == 0, "%d bytes", layout->record_bytes);
	CHECK(layout->per_page >= 1 &&
			  layout->per_page * layout->record_bytes <= room,
		  "%d records of %d bytes", layout->per_page, layout->record_bytes);

	for (int ntids = 0; ntids <= RUV_MAX_TIDS; ntids++)
	{
		int			links = ruv_node_room(layout, ntids);
		int			tids = 6 + 8 * (ntids > 1 ? ntids - 1 : 0);
		int			end = layout->slot_offset + links * layout->slot_bytes;

		if (ntids <= 1)
			CHECK(links == layout->slots, "%d links", links);
		CHECK(links >= LEAST_LINKS, "dims %d: %d links with %d TIDs",
			  layout->dims, links, ntids);
		CHECK(end + tids <= layout->record_bytes, "%d TIDs: end %d of %d",
			  ntids, end, layout->record_bytes);
		CHECK(links == layout->slots ||
				  end + layout->slot_bytes + tids > layout->record_bytes,
			  "%d TIDs: a slot is wasted", ntids);
	}
}

/* Slots of a record if `per_page` shared the page, -1 if none fits. */
static int
slots_if(const RuvLayout *layout, int width, int room, int per_page)
{
	int			left = room / per_page / 8 * 8 - (int) sizeof(RuvNode) -
		layout->padded * width;

	if (left - MOST_TIDS_BYTES < LEAST_LINKS * layout->slot_bytes)
		return -1;
	return (left - RUV_TID_BYTES) / layout->slot_bytes;
}

/*
 * Links enough, and not fewer records than have to be: whole vectors keep
 * 2 * m; the others 22 and, one record less being given for it, up to 32.
 */
static void
check_density(const RuvLayout *layout, int m, int room)
{
	int			asked = smaller(2 * m, RUV_MAX_LINKS);
	int			least = asked;
	int			width = layout->own_bytes / layout->padded;
	int			densest = layout->per_page;
	int			denser;

	if (layout->slot != RUV_SLOT_VECTOR)
		least = smaller(asked, 22);
	CHECK(layout->slots >= least || layout->per_page == 1,
		  "metric %s, dims %d, m %d: %d slots, %d a page",
		  metric_name(layout->metric), layout->dims, m, layout->slots,
		  layout->per_page);
	denser = layout->per_page + 1;
	if (layout->slot != RUV_SLOT_VECTOR && layout->per_page >= 3)
		denser++;
	CHECK(slots_if(layout, width, room, denser) < least,
		  "dims %d, m %d: %d a page would do", layout->dims, m, denser);
	/* bytes instead of halves only where they save half of the pages */
	if (slots_if(layout, width, room, densest + 1) >= least)
		densest++;
	if (layout->own == RUV_OWN_I8)
		CHECK(slots_if(layout, 2, room, densest / 2 + 1) < least,
			  "dims %d, m %d: halves would do", layout->dims, m);
}

static void
check_layout(RuvMetric metric, int dims, int m, int room)
{
	RuvLayout	layout;
	RuvLayout	again;
	RuvStatus	status;

	memset(&layout, 0xFF, sizeof(layout));
	memset(&again, 0, sizeof(again));
	status = ruv_layout_init(&layout, metric, dims, m, room);
	CHECK(ruv_layout_init(&again, metric, dims, m, room) == status,
		  "dims %d", dims);
	if (status == RUV_ERR_LIMIT)
	{
		/* then the smallest form of the vector leaves no room for links */
		CHECK(slots_if(&layout, dims <= 32 ? 4 : 1, room, 1) < 0,
			  "metric %s, dims %d, m %d, room %d is refused",
			  metric_name(metric), dims, m, room);
		return;
	}
	if (!CHECK(status == RUV_OK, "dims %d: status %d", dims, (int) status))
		return;
	CHECK(layout.metric == metric && layout.dims == dims, "dims %d", dims);
	CHECK(memcmp(&layout, &again, sizeof(layout)) == 0,
		  "dims %d: two answers", dims);
	check_slot(&layout);
	check_record(&layout, room);
	check_density(&layout, m, room);
	CHECK(ruv_entry_room(&layout, room) >= 1 &&
			  ruv_entry_room(&layout, room) <= RUV_MAX_ENTRIES &&
			  ruv_entry_room(&layout, room) * layout.slot_bytes <= room,
		  "dims %d: %d entries", dims, ruv_entry_room(&layout, room));
}

static void
test_geometry(void)
{
	static const int rooms[] = {TEST_ROOM, 512, 1000, 4064, 16352, 32736};
	static const int edges[] = {95, 96, 97, 127, 128, 255, 256, 257, 768,
					 1000, 1024, 1536, 2000, 2001, 3072, 4095,
					 4096};

	for (size_t r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++)
		for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
			for (int m = 2; m <= 100; m += m < 40 && !is_quick() ? 1 : 7)
			{
				for (int dims = 1; dims <= 70; dims++)
					check_layout((RuvMetric) metric, dims, m, rooms[r]);
				for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
					check_layout((RuvMetric) metric, edges[i], m, rooms[r]);
				for (int dims = 71 + m; dims <= 4096; dims += 101)
					check_layout((RuvMetric) metric, dims, m, rooms[r]);
			}
}

/* A page of 8192 bytes takes every vector that SQL lets in, whatever m. */
static void
test_all_dims_fit(void)
{
	RuvLayout	layout;

	for (int metric = RUV_METRIC_L2; metric <= RUV_METRIC_L1; metric++)
		for (int dims = 1; dims <= RUV_MAX_GRAPH_DIMS; dims++)
			for (int m = 2; m <= 100; m += is_quick() ? 49 : 14)
				CHECK(ruv_layout_init(&layout, (RuvMetric) metric, dims, m,
									  TEST_ROOM) == RUV_OK,
					  "metric %d, dims %d, m %d", metric, dims, m);
}

/* On-disk numbers: if one of these changes, the format's version must. */
static void
test_golden(void)
{
	static const struct
	{
		RuvMetric	metric;
		int			dims;
		int			m;
		int			own;
		int			padded;
		int			bits;
		int			slot_bytes;
		int			slots;
		int			record_bytes;
		int			per_page;
	} golden[] = {
		{RUV_METRIC_L2, 3, 16, RUV_OWN_F32, 3, 0, 16, 32, 576, 14},
		{RUV_METRIC_L2, 1, 2, RUV_OWN_F32, 1, 0, 8, 13, 152, 53},
		{RUV_METRIC_L2, 32, 16, RUV_OWN_F32, 32, 0, 132, 60, 8160, 1},
		{RUV_METRIC_IP, 32, 100, RUV_OWN_F32, 32, 0, 132, 60, 8160, 1},
		{RUV_METRIC_L1, 20, 16, RUV_OWN_F32, 20, 0, 84, 47, 4080, 2},
		{RUV_METRIC_L2, 33, 16, RUV_OWN_F16, 64, 4, 40, 29, 1360, 6},
		{RUV_METRIC_COSINE, 96, 16, RUV_OWN_F16, 96, 4, 56, 32, 2040, 4},
		{RUV_METRIC_L2, 97, 8, RUV_OWN_F16, 128, 2, 40, 18, 1016, 8},
		{RUV_METRIC_L2, 128, 16, RUV_OWN_F16, 128, 2, 40, 33, 1632, 5},
		{RUV_METRIC_IP, 256, 16, RUV_OWN_F16, 256, 2, 72, 30, 2720, 3},
		{RUV_METRIC_COSINE, 257, 16, RUV_OWN_F16, 288, 1, 44, 32, 2040, 4},
		{RUV_METRIC_COSINE, 384, 16, RUV_OWN_F16, 384, 1, 56, 34, 2720, 3},
		{RUV_METRIC_L2, 784, 16, RUV_OWN_F16, 800, 1, 108, 22, 4080, 2},
		{RUV_METRIC_COSINE, 768, 16, RUV_OWN_F16, 768, 1, 104, 24, 4080, 2},
		{RUV_METRIC_L2, 1000, 16, RUV_OWN_I8, 1024, 1, 136, 22, 4080, 2},
		{RUV_METRIC_COSINE, 1536, 16, RUV_OWN_F16, 1536, 1, 200, 25, 8160, 1},
		{RUV_METRIC_IP, 2000, 16, RUV_OWN_I8, 2016, 1, 260, 23, 8160, 1},
		{RUV_METRIC_L1, 128, 16, RUV_OWN_F16, 128, 0, 8, 26, 504, 16},
		{RUV_METRIC_L1, 1000, 16, RUV_OWN_I8, 1000, 0, 8, 40, 1360, 6},
		{RUV_METRIC_L2, 4096, 16, RUV_OWN_I8, 4096, 1, 520, 7, 8160, 1},
	};

	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
	{
		RuvLayout	l;

		CHECK(ruv_layout_init(&l, golden[i].metric, golden[i].dims,
							  golden[i].m, TEST_ROOM) == RUV_OK,
			  "row %zu", i);
		CHECK((int) l.own == golden[i].own && l.padded == golden[i].padded &&
				  l.bits == golden[i].bits &&
				  l.slot_bytes == golden[i].slot_bytes &&
				  l.slots == golden[i].slots &&
				  l.record_bytes == golden[i].record_bytes &&
				  l.per_page == golden[i].per_page,
			  "row %zu: %d, %d, %d, %d, %d, %d, %d", i, (int) l.own, l.padded,
			  l.bits, l.slot_bytes, l.slots, l.record_bytes, l.per_page);
	}
}

static void
expect_refused(int metric, int dims, int m, int room)
{
	RuvLayout	layout;

	CHECK(ruv_layout_init(&layout, (RuvMetric) metric, dims, m, room) ==
			  RUV_ERR_ARGUMENT,
		  "metric %d, dims %d, m %d, room %d", metric, dims, m, room);
}

static void
test_arguments(void)
{
	RuvLayout	layout;

	expect_refused(0, 10, 16, TEST_ROOM);
	expect_refused(5, 10, 16, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, 0, 16, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, -1, 16, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, RUV_MAX_GRAPH_DIMS + 1, 16, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, INT_MAX, 16, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, 10, 0, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, 10, -1, TEST_ROOM);
	expect_refused(RUV_METRIC_L2, 10, 16, 511);
	expect_refused(RUV_METRIC_L2, 10, 16, 0);
	expect_refused(RUV_METRIC_L2, 10, 16, -8192);

	/* many links are cut down, not refused */
	CHECK(ruv_layout_init(&layout, RUV_METRIC_L2, 10, INT_MAX, TEST_ROOM) ==
				  RUV_OK &&
			  layout.slots == RUV_MAX_LINKS,
		  "%d slots", layout.slots);
	CHECK(ruv_layout_init(&layout, RUV_METRIC_L2, 4096, 16, 512) ==
			  RUV_ERR_LIMIT,
		  "a vector larger than the page");
	CHECK(ruv_layout_init(&layout, RUV_METRIC_L1, 4096, 16, 4096) ==
			  RUV_ERR_LIMIT,
		  "a vector as large as the page");
}

int
main(void)
{
	test_geometry();
	test_all_dims_fit();
	test_golden();
	test_arguments();
	return test_result("layout");
}
