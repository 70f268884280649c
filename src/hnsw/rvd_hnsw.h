/*
 * rvd_hnsw.h
 *		The hnsw access method, as seen from outside its folder.
 */
#ifndef RVD_HNSW_H
#define RVD_HNSW_H

#define RVD_HNSW_DEFAULT_M 16
#define RVD_HNSW_MIN_M 2
#define RVD_HNSW_MAX_M 100
#define RVD_HNSW_DEFAULT_EF_CONSTRUCTION 64
#define RVD_HNSW_DEFAULT_SOFT_UPDATE 0.05
#define RVD_HNSW_DEFAULT_REINSERT 0.20
#define RVD_HNSW_DEFAULT_MIN_RECALL 0.90
#define RVD_HNSW_DEFAULT_TARGET_RECALL 0.95
#define RVD_HNSW_MIN_EF_CONSTRUCTION 4
#define RVD_HNSW_MAX_EF_CONSTRUCTION 1000
#define RVD_HNSW_MAX_DIMS 2000

/* Settings and reloptions; called once from _PG_init. */
extern void rvd_hnsw_init(void);

#endif							/* RVD_HNSW_H */
