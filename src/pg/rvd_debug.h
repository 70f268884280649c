/*
 * rvd_debug.h
 *		Named places where a test build can be made to fail.
 *
 * One stands at every gap between two WAL records.  Built with -DRVD_DEBUG,
 * the setting ruvector.debug_point = 'name' raises an ERROR when the backend
 * passes the point of that name, 'name:wait' holds it there, 'name:panic'
 * takes the server down.  Other builds have neither setting nor points.
 */
#ifndef RVD_DEBUG_H
#define RVD_DEBUG_H

#ifdef RVD_DEBUG
extern void rvd_debug_point(const char *name);
extern void rvd_debug_init(void);

#define RVD_DEBUG_POINT(name) rvd_debug_point(name)
#else
#define RVD_DEBUG_POINT(name) ((void) 0)
#endif

#endif							/* RVD_DEBUG_H */
