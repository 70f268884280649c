/*
 * rvd_module.c
 *		Module magic and _PG_init: the one file that knows every layer.
 */
#include "postgres.h"

#include "history/rvd_history.h"
#include "hnsw/rvd_hnsw.h"
#include "ivfflat/rvd_ivfflat.h"
#include "pg/rvd_compat.h"
#include "pg/rvd_kernels.h"
#include "worker/rvd_worker.h"

RVD_MODULE_MAGIC("ruvector_delta", "0.1.0");

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	rvd_kernels_init();
	rvd_hnsw_init();
	rvd_ivfflat_init();
	rvd_history_init();
	rvd_worker_init();
}
