/*
 * rvd_kernels.h
 *		The kernel tables that this backend uses, chosen once at load time.
 */
#ifndef RVD_KERNELS_H
#define RVD_KERNELS_H

#include "core/ruv_kernel.h"
#include "core/ruv_kernel_bits.h"

/* Never NULL after rvd_kernels_init, which _PG_init calls first. */
extern const RuvKernels *rvd_kernels;
extern const RuvBitKernels *rvd_bit_kernels;

extern void rvd_kernels_init(void);

#endif							/* RVD_KERNELS_H */
