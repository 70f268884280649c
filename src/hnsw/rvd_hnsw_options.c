/*
 * rvd_hnsw_options.c
 *		Settings hnsw.* and reloptions, with pgvector's names and ranges.
 *
 * pgvector may be loaded in the same process.  If it came first, the settings
 * are its variables: they are read by name then.
 */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw.h"
#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_debug.h"
#include "pg/rvd_setting.h"

typedef struct RvdHnswOptions
{
	int32		vl_len_;
	int			m;
	int			ef_construction;
	double		soft_update;
	double		reinsert;
	double		min_recall;
	double		target_recall;
} RvdHnswOptions;

static const struct config_enum_entry iterative_scan_options[] = {
	{"off", RVD_ITERATIVE_OFF, false},
	{"relaxed_order", RVD_ITERATIVE_RELAXED, false},
	{"strict_order", RVD_ITERATIVE_STRICT, false},
	{NULL, 0, false}};

static int	ef_search = 40;
static int	iterative_scan = RVD_ITERATIVE_OFF;
static int	max_scan_tuples = 20000;
static double scan_mem_multiplier = 1;
static bool settings_are_ours = true;
static relopt_kind hnsw_relopt_kind;

void
rvd_hnsw_init(void)
{
	hnsw_relopt_kind = add_reloption_kind();
	add_int_reloption(hnsw_relopt_kind, "m", "Max number of connections",
					  RVD_HNSW_DEFAULT_M, RVD_HNSW_MIN_M, RVD_HNSW_MAX_M,
					  AccessExclusiveLock);
	add_int_reloption(hnsw_relopt_kind, "ef_construction",
					  "Size of the dynamic candidate list for construction",
					  RVD_HNSW_DEFAULT_EF_CONSTRUCTION,
					  RVD_HNSW_MIN_EF_CONSTRUCTION,
					  RVD_HNSW_MAX_EF_CONSTRUCTION, AccessExclusiveLock);
	add_real_reloption(hnsw_relopt_kind, "soft_update",
					   "Relative change of a vector up to which its node need not follow",
					   RVD_HNSW_DEFAULT_SOFT_UPDATE, 0, 1,
					   ShareUpdateExclusiveLock);
	add_real_reloption(hnsw_relopt_kind, "reinsert",
					   "Relative change of a vector from which on it gets a node of its own",
					   RVD_HNSW_DEFAULT_REINSERT, 0, 1,
					   ShareUpdateExclusiveLock);
	add_real_reloption(hnsw_relopt_kind, "min_recall",
					   "Recall below which the index is to be repaired",
					   RVD_HNSW_DEFAULT_MIN_RECALL, 0, 1,
					   ShareUpdateExclusiveLock);
	add_real_reloption(hnsw_relopt_kind, "target_recall",
					   "Recall with which the index is as good as is wanted",
					   RVD_HNSW_DEFAULT_TARGET_RECALL, 0, 1,
					   ShareUpdateExclusiveLock);

#ifdef RVD_DEBUG
	rvd_debug_init();
#endif
	settings_are_ours = !rvd_setting_is_defined("hnsw.ef_search");
	if (!settings_are_ours)
		return;
	DefineCustomIntVariable("hnsw.ef_search",
							"Sets the size of the dynamic candidate list for search",
							"Valid range is 1..1000.", &ef_search,
							40, 1, 1000, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("hnsw.iterative_scan",
							 "Sets the mode for iterative scans", NULL,
							 &iterative_scan, RVD_ITERATIVE_OFF,
							 iterative_scan_options, PGC_USERSET, 0, NULL,
							 NULL, NULL);
	DefineCustomIntVariable("hnsw.max_scan_tuples",
							"Sets the max number of tuples to visit for iterative scans",
							NULL, &max_scan_tuples, 20000, 1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("hnsw.scan_mem_multiplier",
							 "Sets the multiple of work_mem to use for iterative scans",
							 NULL, &scan_mem_multiplier, 1, 1, 1000,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("hnsw");
}

int
rvd_hnsw_ef_search(void)
{
	return settings_are_ours ? ef_search :
							   rvd_setting_int("hnsw.ef_search");
}

int
rvd_hnsw_max_scan_tuples(void)
{
	return settings_are_ours ? max_scan_tuples :
							   rvd_setting_int("hnsw.max_scan_tuples");
}

double
rvd_hnsw_scan_mem_multiplier(void)
{
	return settings_are_ours ? scan_mem_multiplier :
							   rvd_setting_real("hnsw.scan_mem_multiplier");
}

RvdIterativeScan
rvd_hnsw_iterative_scan(void)
{
	const char *value;

	if (settings_are_ours)
		return (RvdIterativeScan) iterative_scan;
	value = rvd_setting_text("hnsw.iterative_scan");
	for (int i = 0; iterative_scan_options[i].name != NULL; i++)
		if (strcmp(iterative_scan_options[i].name, value) == 0)
			return (RvdIterativeScan) iterative_scan_options[i].val;
	return RVD_ITERATIVE_OFF;
}

int
rvd_hnsw_option_m(Relation index)
{
	RvdHnswOptions *options = (RvdHnswOptions *) index->rd_options;

	return options ? options->m : RVD_HNSW_DEFAULT_M;
}

int
rvd_hnsw_option_ef_construction(Relation index)
{
	RvdHnswOptions *options = (RvdHnswOptions *) index->rd_options;

	return options ? options->ef_construction :
					 RVD_HNSW_DEFAULT_EF_CONSTRUCTION;
}

double
rvd_hnsw_option_soft_update(Relation index)
{
	RvdHnswOptions *options = (RvdHnswOptions *) index->rd_options;

	return options ? options->soft_update : RVD_HNSW_DEFAULT_SOFT_UPDATE;
}

double
rvd_hnsw_option_reinsert(Relation index)
{
	RvdHnswOptions *options = (RvdHnswOptions *) index->rd_options;

	return options ? options->reinsert : RVD_HNSW_DEFAULT_REINSERT;
}

double
rvd_hnsw_option_min_recall(Relation index)
{
	RvdHnswOptions *options = (RvdHnswOptions *) index->rd_options;

	return options ? options->min_recall : RVD_HNSW_DEFAULT_MIN_RECALL;
}

double
rvd_hnsw_option_target_recall(Relation index)
{
	RvdHnswOptions *options = (RvdHnswOptions *) index->rd_options;

	return options ? options->target_recall : RVD_HNSW_DEFAULT_TARGET_RECALL;
}

/* What is not named here differs between the versions and may be zero. */
#define OPTION(type, field) \
	{ \
		.optname = #field, .opttype = RELOPT_TYPE_##type, \
		.offset = offsetof(RvdHnswOptions, field) \
	}

bytea *
rvd_hnsw_options(Datum reloptions, bool validate)
{
	static const relopt_parse_elt tab[] = {
		OPTION(INT, m),
		OPTION(INT, ef_construction),
		OPTION(REAL, soft_update),
		OPTION(REAL, reinsert),
		OPTION(REAL, min_recall),
		OPTION(REAL, target_recall),
	};

	return (bytea *) build_reloptions(reloptions, validate, hnsw_relopt_kind,
									  sizeof(RvdHnswOptions), tab,
									  lengthof(tab));
}

/*
 * A hop here costs one page where HNSW's costs one page a neighbour, so the
 * same ef_search can afford a wider pool, and it takes one to have the recall
 * at default settings that users expect (docs/decisions.md, "effort").
 */
int
rvd_hnsw_width(int ef)
{
	return ef + ef / 4 + 4;
}
