/*
 * ruv_common.h
 *		What every file of the portable core may rely on.
 *
 * The core is plain C11.  It includes no PostgreSQL header, keeps no mutable
 * global, calls no clock, no random generator and no malloc: time, seeds and
 * memory come from the caller.  A callback that the caller hands in may leave
 * by longjmp, so nothing here holds a resource across one.
 */
#ifndef RUV_COMMON_H
#define RUV_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define RUV_CHECKED __attribute__((warn_unused_result))
#else
#define RUV_CHECKED
#endif

/* Outcome of a core function; a count is never mixed into it. */
typedef enum RuvStatus
{
	RUV_OK = 0,
	RUV_ERR_ARGUMENT,			/* the caller broke the contract */
	RUV_ERR_LIMIT,				/* a size is beyond what the format holds */
	RUV_ERR_CORRUPT,			/* stored bytes break an invariant */
	RUV_ERR_MEMORY				/* the arena is exhausted */
} RuvStatus;

/*
 * Memory comes from the caller.  alloc never returns NULL if the caller
 * reports exhaustion by not returning (as palloc does); a caller without that
 * may return NULL, which the core passes on as RUV_ERR_MEMORY.
 */
typedef struct RuvArena
{
	void	   *(*alloc)(void *context, size_t size);
	void		(*release)(void *context, void *pointer);
	void	   *context;
} RuvArena;

static inline void *
ruv_alloc(const RuvArena *arena, size_t size)
{
	return arena->alloc(arena->context, size);
}

static inline void
ruv_release(const RuvArena *arena, void *pointer)
{
	if (pointer != NULL)
		arena->release(arena->context, pointer);
}

#endif							/* RUV_COMMON_H */
