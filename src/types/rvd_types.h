/*
 * rvd_types.h
 *		What all vector types check and say alike.
 *
 * Texts and SQLSTATEs are pgvector's: programs match on them.  "type" is the
 * name of the SQL type, which is in most of the texts.
 */
#ifndef RVD_TYPES_H
#define RVD_TYPES_H

#include "fmgr.h"
#include "nodes/nodes.h"
#include "utils/array.h"

#include "core/ruv_number_text.h"
#include "pg/rvd_compat.h"

/* rvd_types.c */
extern void rvd_check_dims(const char *type, int64 dims, int max_dims);
extern void rvd_dims_differ(const char *type, int a, int b);
extern bool rvd_dims_fit(int32 typmod, int dims, Node *escontext);
extern void rvd_check_finite(const char *type, const float *x, int n);
extern void rvd_check_unused(int unused);
extern int32 rvd_typmod_of(ArrayType *array, const char *type, int max_dims);

extern float rvd_parse_float(const char *text, char **end);
extern Datum rvd_text_fault(const char *type, RuvTextFault fault,
							const char *text, const char *detail,
							const RuvTextResult *result, Node *escontext);
extern char *rvd_append_float(char *p, float value);

extern int	rvd_array_count(ArrayType *array);
extern void rvd_array_floats(ArrayType *array, const char *type, float limit,
							 float *x, int n);
extern ArrayType *rvd_array_new(Oid element_type, Size element_size, int n);
extern void rvd_check_range(const char *type, float limit, const float *x,
							int n);

/* Rounding may leave a cosine a little outside its range; NaN stays NaN. */
static inline double
rvd_clamp_cosine(double cosine)
{
	if (cosine > 1)
		return 1;
	if (cosine < -1)
		return -1;
	return cosine;
}

#endif							/* RVD_TYPES_H */
