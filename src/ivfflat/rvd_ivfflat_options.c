/*
 * rvd_ivfflat_options.c
 *		Settings ivfflat.* and reloptions, with pgvector's names and ranges.
 *
 * pgvector may be loaded in the same process.  If it came first, the settings
 * are its variables: they are read by name then.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "ivfflat/rvd_ivfflat_int.h"
#include "pg/rvd_setting.h"

typedef struct RvdIvfOptions
{
	int32		vl_len_;
	int			lists;
} RvdIvfOptions;

enum
{
	ITERATIVE_OFF,
	ITERATIVE_RELAXED
};

static const struct config_enum_entry iterative_scan_options[] = {
	{"off", ITERATIVE_OFF, false},
	{"relaxed_order", ITERATIVE_RELAXED, false},
	{NULL, 0, false}};

static int	probes = RVD_IVFFLAT_DEFAULT_PROBES;
static int	iterative_scan = ITERATIVE_OFF;
static int	max_probes = RVD_IVFFLAT_MAX_LISTS;
static bool settings_are_ours = true;
static relopt_kind ivfflat_relopt_kind;

void
rvd_ivfflat_init(void)
{
	ivfflat_relopt_kind = add_reloption_kind();
	add_int_reloption(ivfflat_relopt_kind, "lists",
					  "Number of inverted lists", RVD_IVFFLAT_DEFAULT_LISTS,
					  RVD_IVFFLAT_MIN_LISTS, RVD_IVFFLAT_MAX_LISTS,
					  AccessExclusiveLock);

	settings_are_ours = !rvd_setting_is_defined("ivfflat.probes");
	if (!settings_are_ours)
		return;
	DefineCustomIntVariable("ivfflat.probes", "Sets the number of probes",
							"Valid range is 1..lists.", &probes,
							RVD_IVFFLAT_DEFAULT_PROBES, RVD_IVFFLAT_MIN_LISTS,
							RVD_IVFFLAT_MAX_LISTS, PGC_USERSET, 0, NULL, NULL,
							NULL);
	DefineCustomEnumVariable("ivfflat.iterative_scan",
							 "Sets the mode for iterative scans", NULL,
							 &iterative_scan, ITERATIVE_OFF,
							 iterative_scan_options, PGC_USERSET, 0, NULL,
							 NULL, NULL);
	DefineCustomIntVariable("ivfflat.max_probes",
							"Sets the max number of probes for iterative scans",
							NULL, &max_probes, RVD_IVFFLAT_MAX_LISTS,
							RVD_IVFFLAT_MIN_LISTS, RVD_IVFFLAT_MAX_LISTS,
							PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ivfflat");
}

int
rvd_ivfflat_probes(void)
{
	return settings_are_ours ? probes : rvd_setting_int("ivfflat.probes");
}

int
rvd_ivfflat_max_probes(void)
{
	return settings_are_ours ? max_probes :
							   rvd_setting_int("ivfflat.max_probes");
}

bool
rvd_ivfflat_is_iterative(void)
{
	if (settings_are_ours)
		return iterative_scan != ITERATIVE_OFF;
	return strcmp(rvd_setting_text("ivfflat.iterative_scan"), "off") != 0;
}

int
rvd_ivfflat_option_lists(Relation index)
{
	RvdIvfOptions *options = (RvdIvfOptions *) index->rd_options;

	return options ? options->lists : RVD_IVFFLAT_DEFAULT_LISTS;
}

bytea *
rvd_ivfflat_options(Datum reloptions, bool validate)
{
	/* what is not named here differs between the versions and may be zero */
	static const relopt_parse_elt tab[] = {
		{.optname = "lists", .opttype = RELOPT_TYPE_INT, .offset = offsetof(RvdIvfOptions, lists)},
	};

	return (bytea *) build_reloptions(reloptions, validate,
									  ivfflat_relopt_kind,
									  sizeof(RvdIvfOptions), tab,
									  lengthof(tab));
}
