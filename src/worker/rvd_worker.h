/*
 * rvd_worker.h
 *		Background work: what the module itself needs to know.
 */
#ifndef RVD_WORKER_H
#define RVD_WORKER_H

/*
 * Settings; and where the library is preloaded, shared memory and launcher.
 * The last of the layers' functions of this kind.
 */
extern void rvd_worker_init(void);

#endif							/* RVD_WORKER_H */
