/*
 * rvd_history.h
 *		Tracked columns: what the C files of this folder share.
 *
 * src/history/README.md has the log's columns, its invariants and the
 * protocol between writers.
 */
#ifndef RVD_HISTORY_H
#define RVD_HISTORY_H

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"

#include "core/ruv_delta.h"
#include "core/ruv_delta_frame.h"
#include "pg/rvd_compat.h"
#include "types/rvd_vector.h"

#define RVD_MAX_KEYS 8			/* columns of a tracked table's primary key */
#define RVD_MAX_ARGUMENTS 10	/* of a statement, besides the key */

/* What a log row did; also the column op of the log. */
#define RVD_OP_BEGIN 'b'		/* the row was there when tracking began */
#define RVD_OP_INSERT 'i'
#define RVD_OP_UPDATE 'u'
#define RVD_OP_DELETE 'd'
#define RVD_OP_FOLD 'f'			/* lazy: the column was brought up to date */
#define RVD_OP_FOUND 'x'		/* a change that went past the triggers */

/* Statements that are prepared once per tracked column and backend. */
typedef enum RvdPlan
{
	RVD_PLAN_CHAIN,				/* keyframe to head, where rows are hidden */
	RVD_PLAN_CHAIN_AT_VERSION,
	RVD_PLAN_CHAIN_AT_POINT,
	RVD_PLAN_CHAIN_AT_COMMIT,
	RVD_PLAN_CHAIN_AT_TIME,
	RVD_PLAN_APPEND,			/* to a log that is not plain */
	RVD_PLAN_SET_COLUMN,
	RVD_PLAN_LOCK_ROW,
	RVD_PLAN_ADD_DELTA,
	RVD_PLAN_PENDING_ADD,
	RVD_PLAN_PENDING_DROP,
	RVD_PLAN_PENDING_CLEAR,
	RVD_PLAN_INSERTED,			/* rows of a transition table */
	RVD_PLAN_TRUNCATED,
	RVD_PLAN_COUNT
} RvdPlan;

/* The log's columns besides the key's. */
typedef enum RvdLogColumn
{
	RVD_LOG_VERSION,
	RVD_LOG_BASE,
	RVD_LOG_OP,
	RVD_LOG_ERA,
	RVD_LOG_CONTENT,
	RVD_LOG_DELTA,
	RVD_LOG_KEYFRAME,
	RVD_LOG_ACTOR,
	RVD_LOG_REASON,
	RVD_LOG_TICKET,
	RVD_LOG_XID,
	RVD_LOG_AT,
	RVD_LOG_COLUMNS
} RvdLogColumn;

/*
 * A tracked column, from ruvector.tracked.  Kept per backend and replaced when
 * the table's or the log's relcache entry is: every change of the catalog row
 * sends that invalidation.
 */
typedef struct RvdTracked
{
	int32		id;				/* hash key */
	bool		is_valid;
	bool		is_lazy;
	bool		is_only;		/* known to be the table's only one */
	Oid			rel;
	Oid			owner;
	Oid			log;
	Oid			log_index;		/* of the log's primary key */
	AttrNumber	column;
	int			nkeys;
	AttrNumber	key[RVD_MAX_KEYS];
	AttrNumber	log_key[RVD_MAX_KEYS];
	AttrNumber	log_column[RVD_LOG_COLUMNS];
	Oid			log_type[RVD_LOG_COLUMNS];
	Oid			key_type[RVD_MAX_KEYS];
	int			max_chain;
	double		max_drift;
	TimestampTz horizon;		/* nothing older can be asked for */
	char	   *vector_schema;	/* quoted */
	Oid			vector_type;
	Oid			delta_type;
	Oid			actor;			/* who acted before rvd_as_owner */
	char	   *column_plain_name;
	char	   *key_plain_name[RVD_MAX_KEYS];
	char	   *rel_name;		/* this and below qualified and quoted */
	char	   *column_name;
	char	   *log_name;
	char	   *pending_name;	/* NULL unless lazy */
	char	   *key_name[RVD_MAX_KEYS];
	char	   *log_key_name[RVD_MAX_KEYS];
	SPIPlanPtr	plans[RVD_PLAN_COUNT];
	MemoryContext context;
} RvdTracked;

/* A value of the primary key, as the log stores it. */
typedef struct RvdKey
{
	Datum		value[RVD_MAX_KEYS];
} RvdKey;

/* The end of a chain, and the vector there. */
typedef struct RvdState
{
	bool		is_known;		/* the key is in the log */
	bool		exists;			/* the row does, at that point */
	RvdVector  *vector;			/* NULL if it is NULL or the row is gone */
	RvdVector  *keyframe;		/* the vector at the chain's beginning */
	int32		version;
	int32		base;			/* version at which the chain begins */
	char		op;
	int64		content;
} RvdState;

/* Frames that make a vector, from the last back to the first. */
typedef struct RvdChain
{
	RuvBytes   *frames;
	int			n;
	int			room;
} RvdChain;

/* Which past is asked for. */
typedef struct RvdPoint
{
	RvdPlan		plan;			/* RVD_PLAN_CHAIN...: what value[] means */
	Datum		value[2];
} RvdPoint;

/* Who one was before acting as the table's owner; an ERROR restores it. */
typedef struct RvdIdentity
{
	Oid			user;
	int			context;
} RvdIdentity;

/* What is to be appended. */
typedef struct RvdChange
{
	char		op;
	Datum		delta;			/* deltavec */
	Datum		keyframe;		/* deltavec, or 0 for none */
	int64		content;
	int32		version;
	int32		base;
} RvdChange;

typedef enum RvdAppended
{
	RVD_APPENDED,
	RVD_TAKEN,					/* the version, by another transaction */
	RVD_NEEDS_STATEMENT			/* the log is not as we made it */
} RvdAppended;

/* rvd_tracked.c: the calling function is connected to SPI */
extern RvdTracked *rvd_tracked_by_id(int32 id);
extern RvdTracked *rvd_tracked_by_name(Oid rel, const char *column);
extern SPIPlanPtr rvd_tracked_plan(RvdTracked *t, RvdPlan plan);
extern void rvd_as_owner(RvdTracked *t, RvdIdentity *before);
extern void rvd_as_before(const RvdIdentity *before);

/* rvd_key.c */
extern RvdKey rvd_key_argument(FunctionCallInfo fcinfo, int argument,
							   const RvdTracked *t);
extern char *rvd_key_text(const RvdTracked *t, const RvdKey *key);

/* rvd_log.c */
extern RvdState rvd_log_read(const RvdTracked *t, const RvdKey *key,
							 const RvdPoint *point, RvdChain *chain);
extern RvdAppended rvd_log_append(const RvdTracked *t, const RvdKey *key,
								  const Datum *values, const bool *nulls);

/* rvd_version.c */
extern RvdState rvd_state_seen(RvdTracked *t, const RvdKey *key,
							   const RvdPoint *point);
extern RvdState rvd_head(RvdTracked *t, const RvdKey *key, bool with_vector);
extern Datum rvd_keyframe(Datum delta, const RvdVector *new);
extern bool rvd_append(RvdTracked *t, const RvdKey *key,
					   const RvdChange *change);
extern bool rvd_append_change(RvdTracked *t, const RvdKey *key,
							  const RvdState *head, char op,
							  const RvdVector *old, const RvdVector *new,
							  bool as_keyframe);
extern void rvd_lost_race(const RvdTracked *t, const RvdKey *key);
extern void rvd_who_and_why(const RvdTracked *t, Datum *values, bool *nulls);
extern bool rvd_same_bits(const RvdVector *a, const RvdVector *b);
extern int64 rvd_content(const RvdVector *v);
extern double rvd_drift(const RvdVector *from, const RvdVector *to);

/* rvd_lazy.c */
extern RvdState rvd_lazy_current(RvdTracked *t, const RvdKey *key,
								 const RvdVector *column);
extern bool rvd_lazy_write(RvdTracked *t, const RvdKey *key,
						   const RvdVector *column, const RvdVector *new);
extern RvdState rvd_lazy_end(RvdTracked *t, const RvdKey *key,
							 const RvdVector *column);
extern bool rvd_is_folding(RvdTracked *t, const RvdKey *key,
						   const RvdVector *new);
extern bool rvd_lock_row(RvdTracked *t, const RvdKey *key,
						 RvdVector **column);
extern void rvd_pending_drop(RvdTracked *t, const RvdKey *key);

/* rvd_settings.c */
extern void rvd_history_init(void);
extern const char *rvd_setting_actor(void);
extern const char *rvd_setting_reason(void);
extern const char *rvd_setting_ticket(void);
extern int16 rvd_era(void);

#endif							/* RVD_HISTORY_H */
