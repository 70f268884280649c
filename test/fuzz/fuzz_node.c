/*
 * fuzz_node.c
 *		Any record that ruv_node_check lets pass, and any entry table, can be
 *		read and changed without leaving its bytes, and a record that was
 *		changed passes the check again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruv_entry.h"
#include "core/ruv_link.h"

#define ROOM 8160
#define SELF 77
#define MAX_STEPS 24

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input; zeros follow it. */
typedef struct Input
{
	const uint8_t *data;
	size_t		size;
} Input;

/* Everything that one input is about. */
typedef struct Case
{
	RuvLayout	layout;
	const RuvKernels *kernels;
	RuvRotation rotation;
	RuvQuery	query;
	void	   *memory;			/* of the query */
	float	   *x;				/* a decoded vector */
	RuvVisit	visit;
} Case;

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void *
must_alloc(size_t size)
{
	void	   *memory = malloc(size);

	require(memory != NULL);
	return memory;
}

static void *
arena_alloc(void *context, size_t size)
{
	(void) context;
	return must_alloc(size);
}

static void
arena_release(void *context, void *pointer)
{
	(void) context;
	free(pointer);
}

static const RuvArena arena = {arena_alloc, arena_release, NULL};

static void
take(Input *input, void *bytes, size_t size)
{
	size_t		n = size < input->size ? size : input->size;

	memset(bytes, 0, size);
	if (n > 0)
		memcpy(bytes, input->data, n);
	input->data += n;
	input->size -= n;
}

/* All that is left, over and over: a record is longer than most inputs. */
static void
take_rest(Input *input, void *bytes, size_t size)
{
	memset(bytes, 0, size);
	for (size_t i = 0; i < size && input->size > 0; i++)
		((uint8_t *) bytes)[i] = input->data[i % input->size];
	input->size = 0;
}

static int
take_byte(Input *input)
{
	uint8_t		byte;

	take(input, &byte, 1);
	return byte;
}

/* Any vector that SQL lets in: neither NaN nor an infinity. */
static void
take_query(Case *c, Input *input)
{
	size_t		n = (size_t) c->layout.dims;
	float	   *vector = must_alloc(n * sizeof(float));
	int			shape = take_byte(input);

	if (shape % 2 == 0)
		take(input, vector, n * sizeof(float));
	else
		for (size_t i = 0; i < n; i++)
			vector[i] = (float) ((int) (i * i + (size_t) shape) % 17 - 8);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(vector[i]))
			vector[i] = 1;
	ruv_query_init(&c->query, &c->layout, c->kernels, &c->rotation, vector,
				   c->memory);
	free(vector);
}

static bool
case_init(Case *c, Input *input)
{
	static const int edges[] = {1, 2, 3, 31, 32, 33, 64, 65, 96, 97, 128, 200,
					 256, 257, 300, 512, 1000, 2000, 3000, 4096};
	const RuvKernels *tables[8];
	int			ntables = ruv_kernels_all(tables, 8);
	int			metric = RUV_METRIC_L2 + take_byte(input) % 4;
	int			dims = edges[(size_t) take_byte(input) %
					 (sizeof(edges) / sizeof(edges[0]))];
	int			m = 2 + take_byte(input) % 99;

	memset(c, 0, sizeof(*c));
	c->kernels = tables[take_byte(input) % ntables];
	if (ruv_layout_init(&c->layout, (RuvMetric) metric, dims, m, ROOM) !=
		RUV_OK)
		return false;
	if (ruv_layout_is_rotated(&c->layout))
		require(ruv_rotation_init(&c->rotation, (size_t) c->layout.padded, 1,
								  &arena) == RUV_OK);
	c->memory = must_alloc(ruv_query_bytes(&c->layout));
	c->x = must_alloc((size_t) c->layout.padded * sizeof(float));
	take_query(c, input);
	return true;
}

static void
case_free(Case *c)
{
	free(c->rotation.signs);
	free(c->memory);
	free(c->x);
}

/* ---- a record ---- */

/* Arbitrary bytes; with a sound header for most inputs. */
static RuvNode *
take_record(Case *c, Input *input)
{
	int			kind = take_byte(input);
	RuvNode	   *node = must_alloc((size_t) c->layout.record_bytes);

	if (kind % 8 == 1)
	{
		ruv_node_init(&c->query, node, SELF);
		node->ntids = 1;
	}
	else
		take_rest(input, node, (size_t) c->layout.record_bytes);
	if (kind % 8 == 0)
		return node;
	node->state = RUV_NODE_LIVE;
	node->self = SELF;
	/* often sound, sometimes a little too much: the check has to tell */
	node->ntids = (uint8_t) (node->ntids % (RUV_MAX_TIDS + 3));
	node->nlinks = (uint8_t) (node->nlinks % (c->layout.slots + 3));
	if (!(node->residual >= 0))
		node->residual = 1;
	if (!(node->norm >= 0))
		node->norm = 1;
	if (!(node->radius >= 0))
		node->radius = 2;
	node->flags &= 3;
	if (!isfinite(node->scale) || node->scale <= 0)
		node->scale = 1;
	if (kind % 8 == 2)
		node->state = RUV_NODE_DEAD;
	return node;
}

static void
offer_link(Case *c, RuvNode *node, uint32_t id, bool must_take)
{
	RuvLinkPlan plan;
	bool		has = false;

	for (int i = 0; i < node->nlinks; i++)
		if (ruv_node_link(&c->layout, node, i) == id)
			has = true;
	ruv_node_visit(&c->query, node, &c->visit);
	plan = ruv_link_plan(&c->layout, c->kernels, node, &c->visit, id,
						 must_take);
	require(!(has && plan.slot >= 0));
	require(has || !must_take || plan.slot >= 0);
	require(plan.slot < ruv_node_room(&c->layout, node->ntids));
	if (plan.slot < 0)
		return;
	ruv_link_apply(&c->query, node, &plan, id, c->visit.distance);
	require(ruv_node_link(&c->layout, node, plan.slot) == id);
}

static void
ask(Case *c, RuvNode *node)
{
	RuvInterval interval;
	float		distance = ruv_node_distance(&c->query, node);

	ruv_node_visit(&c->query, node, &c->visit);
	require(c->visit.nlinks == node->nlinks);
	for (int i = 0; i < c->visit.nlinks; i++)
		require(c->visit.ids[i] == ruv_node_link(&c->layout, node, i));
	for (int i = 0; i < node->ntids; i++)
	{
		float		radius = ruv_node_radius(&c->layout, node, i);

		interval = ruv_node_interval(&c->query, distance, radius, node->norm);
		require(!isnan(interval.low) && !isnan(interval.high));
		require(interval.low <= interval.high);
	}
	require(!(ruv_node_radius_for(&c->query, node) < 0));
	ruv_node_decode(&c->layout, c->kernels, node, c->x);
	require(ruv_node_same_image(node, node, &c->layout));
	(void) ruv_graph_distance(&c->layout, c->kernels, c->query.x, c->x);
	for (int i = 0; i < node->nlinks; i++)
		(void) ruv_node_link_distance(&c->layout, c->kernels, node, i);
}

static void
change(Case *c, RuvNode *node, int what, int which)
{
	const uint8_t tid[RUV_TID_BYTES] = {1, 2, 3, 4, 5, 6};
	bool		is_full;

	switch (what % 6)
	{
		case 0:
			ask(c, node);
			break;
		case 1:
			offer_link(c, node, (uint32_t) which, false);
			break;
		case 2:
			offer_link(c, node, (uint32_t) which, true);
			break;
		case 3:
			if (node->nlinks > 0)
				ruv_node_drop_link(&c->layout, node, which % node->nlinks);
			break;
		case 4:
			is_full = node->ntids == RUV_MAX_TIDS;
			require(ruv_node_add_row(&c->layout, c->kernels, node, tid,
									 (float) which) == !is_full);
			node->state = RUV_NODE_LIVE;
			break;
		case 5:
			if (node->ntids > 0)
				ruv_node_drop_row(&c->layout, node, which % node->ntids);
			if (node->ntids == 0)
				node->state = RUV_NODE_DEAD;
			break;
	}
}

static void
try_record(Case *c, Input *input)
{
	uint8_t		steps[MAX_STEPS][2];
	int			nsteps = take_byte(input) % (MAX_STEPS + 1);
	RuvNode	   *node;

	take(input, steps, (size_t) nsteps * sizeof(steps[0]));
	node = take_record(c, input);
	if (ruv_node_check(&c->layout, node, SELF) == RUV_OK &&
		node->state != RUV_NODE_FREE)
	{
		ask(c, node);
		for (int i = 0; i < nsteps; i++)
		{
			change(c, node, steps[i][0], steps[i][1]);
			require(ruv_node_check(&c->layout, node, SELF) == RUV_OK);
		}
		ask(c, node);
	}
	free(node);
}

/* ---- an entry table ---- */

static void
try_table(Case *c, Input *input)
{
	int			room = ruv_entry_room(&c->layout, ROOM - 8);
	int			n = take_byte(input) % (room + 1);
	size_t		bytes = (size_t) n * (size_t) c->layout.slot_bytes;
	uint8_t	   *table = must_alloc(bytes > 0 ? bytes : 1);
	uint32_t	ids[RUV_MAX_ENTRIES];
	float		estimates[RUV_MAX_ENTRIES];

	require(room <= RUV_MAX_ENTRIES);
	take(input, table, bytes);
	ruv_entry_visit(&c->query, table, n, ids, estimates);
	for (int i = 0; i < n; i++)
		require(ids[i] == ruv_entry_id(&c->layout, table, i));
	if (n > 0)
	{
		take_rest(input, c->x, (size_t) c->layout.padded * sizeof(float));
		ruv_entry_set(&c->layout, c->kernels, table, n - 1, 9, c->x);
		ruv_entry_visit(&c->query, table, n, ids, estimates);
		require(ids[n - 1] == 9);
	}
	free(table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input		input = {data, size};
	Case		c;

	if (case_init(&c, &input))
	{
		if (take_byte(&input) % 4 == 0)
			try_table(&c, &input);
		else
			try_record(&c, &input);
		case_free(&c);
	}
	return 0;
}
