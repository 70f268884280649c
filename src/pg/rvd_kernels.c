/*
 * rvd_kernels.c
 *		Choice of the kernel table, and ruvector.simd_info() that shows it.
 *
 * Asking the CPU may trap into a hypervisor, so it is done once per process.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pg/rvd_compat.h"
#include "pg/rvd_kernels.h"

const RuvKernels *rvd_kernels = NULL;

void
rvd_kernels_init(void)
{
	rvd_kernels = ruv_kernels_best();
}

/* ruvector.simd_info() returns text: name of the kernel table in use */
RVD_FUNCTION(rvd_simd_info);
Datum
rvd_simd_info(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(rvd_kernels->name));
}
