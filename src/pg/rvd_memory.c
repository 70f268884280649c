/*
 * rvd_memory.c
 *		A memory context as the core's arena.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/rvd_memory.h"

static void *
context_alloc(void *context, size_t size)
{
	return MemoryContextAllocHuge((MemoryContext) context, size);
}

static void
context_release(void *context, void *pointer)
{
	pfree(pointer);
}

RuvArena
rvd_arena(MemoryContext context)
{
	RuvArena	arena = {context_alloc, context_release, context};

	return arena;
}
