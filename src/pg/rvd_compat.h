/*
 * rvd_compat.h
 *		The one home of PostgreSQL version differences (15 to 18).
 *
 * Included after postgres.h by every file that needs one of these names.
 */
#ifndef RVD_COMPAT_H
#define RVD_COMPAT_H

#include "fmgr.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * Declares and registers a function that SQL calls.  PostgreSQL 15 leaves
 * PGDLLEXPORT empty; the Makefile defines it there, so that everything else
 * can stay hidden (pgvector may be loaded in the same server).
 */
#define RVD_FUNCTION(name) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

#if PG_VERSION_NUM >= 180000
#define RVD_MODULE_MAGIC(n, v) PG_MODULE_MAGIC_EXT(.name = n, .version = v)
#define RVD_HAVE_INDEX_SEARCH_COUNT 1
#define RVD_HAVE_DISABLED_NODES 1
#else
#define RVD_MODULE_MAGIC(n, v) PG_MODULE_MAGIC
#endif

/*
 * Soft errors of input functions came with 16; before, each is a plain ERROR,
 * and no caller asks for anything else.
 */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...) \
	do \
	{ \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

#if PG_VERSION_NUM >= 160000
#define RVD_AM_HAS_SUMMARIZING 1
#endif

#if PG_VERSION_NUM >= 170000
#define RVD_AM_HAS_BUILD_PARALLEL 1
#define RVD_AM_HAS_INSERT_CLEANUP 1
#endif

#if PG_VERSION_NUM >= 180000
#define RVD_AM_HAS_TREE_HEIGHT 1
#endif

/* A scan by order alone; 18 has a place for its statistics. */
#if PG_VERSION_NUM >= 180000
#define rvd_index_beginscan_ordered(table, index, snapshot, norderbys) \
	index_beginscan(table, index, snapshot, NULL, 0, norderbys)
#else
#define rvd_index_beginscan_ordered(table, index, snapshot, norderbys) \
	index_beginscan(table, index, snapshot, 0, norderbys)
#endif

/* The macro is commands/vacuum.h's; it got an argument in 18. */
#if PG_VERSION_NUM >= 180000
#define rvd_vacuum_delay() vacuum_delay_point(false)
#else
#define rvd_vacuum_delay() vacuum_delay_point()
#endif

/* May the current user maintain this index?  Named differently before 16. */
#if PG_VERSION_NUM >= 160000
#define rvd_owns_relation(oid) \
	object_ownercheck(RelationRelationId, oid, GetUserId())
#else
#define rvd_owns_relation(oid) pg_class_ownercheck(oid, GetUserId())
#endif

/* Names a relation's file; renamed in 16. */
#if PG_VERSION_NUM >= 160000
#define rvd_read_recent_buffer(rel, block, buffer) \
	ReadRecentBuffer((rel)->rd_locator, MAIN_FORKNUM, block, buffer)
#else
#define rvd_read_recent_buffer(rel, block, buffer) \
	ReadRecentBuffer((rel)->rd_node, MAIN_FORKNUM, block, buffer)
#endif

/* Waits have names of their own from 17 on. */
#if PG_VERSION_NUM >= 170000
#define rvd_new_wait_event(name) WaitEventExtensionNew(name)
#else
#define rvd_new_wait_event(name) PG_WAIT_EXTENSION
#endif

/* A scan got a place for its statistics in 18. */
#if PG_VERSION_NUM >= 180000
#define rvd_index_beginscan(table, index, snapshot, nkeys) \
	index_beginscan(table, index, snapshot, NULL, nkeys, 0)
#else
#define rvd_index_beginscan(table, index, snapshot, nkeys) \
	index_beginscan(table, index, snapshot, nkeys, 0)
#endif

/* An insertion of one row into all indexes; an argument more since 16. */
#if PG_VERSION_NUM >= 160000
#define rvd_insert_index_tuples(target, slot, estate) \
	ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL, false)
#else
#define rvd_insert_index_tuples(target, slot, estate) \
	ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL)
#endif

/*
 * For code of the owner's that a maintenance command runs.  Before 17 such
 * commands left the path to the user; here it is as safe in all versions.
 */
#if PG_VERSION_NUM >= 170000
#define rvd_restrict_search_path() RestrictSearchPath()
#else
#define rvd_restrict_search_path() \
	((void) set_config_option("search_path", "pg_catalog, pg_temp", \
							  PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, \
							  true, 0, false))
#endif

#endif							/* RVD_COMPAT_H */
