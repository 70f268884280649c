/*
 * rvd_ivfflat.h
 *		The ivfflat access method, as seen from outside its folder.
 */
#ifndef RVD_IVFFLAT_H
#define RVD_IVFFLAT_H

#define RVD_IVFFLAT_DEFAULT_LISTS 100
#define RVD_IVFFLAT_MIN_LISTS 1
#define RVD_IVFFLAT_MAX_LISTS 32768
#define RVD_IVFFLAT_DEFAULT_PROBES 1
#define RVD_IVFFLAT_MAX_DIMS 2000

/* Settings and reloptions; called once from _PG_init. */
extern void rvd_ivfflat_init(void);

#endif							/* RVD_IVFFLAT_H */
