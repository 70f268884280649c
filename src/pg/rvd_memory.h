/*
 * rvd_memory.h
 *		A memory context as the core's arena.
 */
#ifndef RVD_MEMORY_H
#define RVD_MEMORY_H

#include "utils/palloc.h"

#include "core/ruv_common.h"

/* alloc raises ERROR when memory is out, so it never returns NULL. */
extern RuvArena rvd_arena(MemoryContext context);

#endif							/* RVD_MEMORY_H */
