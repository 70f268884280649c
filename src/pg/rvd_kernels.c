/*
 * rvd_kernels.c
 *		Choice of the kernel tables, and ruvector.simd_info() that shows it.
 *
 * Asking the CPU may trap into a hypervisor, so it is done once per process.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pg/rvd_compat.h"
#include "pg/rvd_kernels.h"

const RuvKernels *rvd_kernels = NULL;
const RuvBitKernels *rvd_bit_kernels = NULL;

void
rvd_kernels_init(void)
{
	rvd_kernels = ruv_kernels_best();
	rvd_bit_kernels = ruv_bit_kernels_best();
}

/*
 * ruvector.simd_info() returns text: the kernel tables in use
 *
 * Floats and halves have one table between them; sums over sparse vectors
 * have no other kernel than the portable one.
 */
RVD_FUNCTION(rvd_simd_info);
Datum
rvd_simd_info(PG_FUNCTION_ARGS)
{
	char	   *info = psprintf("vector %s, halfvec %s, sparsevec scalar, bit %s",
								rvd_kernels->name, rvd_kernels->name,
								rvd_bit_kernels->name);

	PG_RETURN_TEXT_P(cstring_to_text(info));
}
