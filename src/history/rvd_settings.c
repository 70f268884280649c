/*
 * rvd_settings.c
 *		Settings of history, and the era that transaction ids belong to.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/guc.h"

#include "history/rvd_history.h"

static char *actor = NULL;
static char *reason = NULL;
static char *ticket = NULL;

static int16 known_era = 0;

const char *
rvd_setting_actor(void)
{
	return actor;
}

const char *
rvd_setting_reason(void)
{
	return reason;
}

const char *
rvd_setting_ticket(void)
{
	return ticket;
}

/* The row that named the era may be gone with the transaction. */
static void
after_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		known_era = 0;
}

static void
after_subtransaction(SubXactEvent event, SubTransactionId mine,
					 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		known_era = 0;
}

void
rvd_history_init(void)
{
	DefineCustomStringVariable("ruvector.actor",
							   "Sets who is recorded as the author of changes.",
							   "Empty stands for the current role.", &actor,
							   "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("ruvector.reason",
							   "Sets why changes are made, for the record.",
							   NULL, &reason, "", PGC_USERSET, 0, NULL, NULL,
							   NULL);
	DefineCustomStringVariable("ruvector.ticket",
							   "Sets the ticket that changes belong to.", NULL,
							   &ticket, "", PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(after_transaction, NULL);
	RegisterSubXactCallback(after_subtransaction, NULL);
}

/*
 * Transaction ids mean something within one cluster only.  Eras number the
 * clusters that a database has lived in; ruvector.current_era() begins a new
 * one where the last was another cluster's.
 */
int16
rvd_era(void)
{
	bool		null;

	if (known_era != 0)
		return known_era;
	if (SPI_execute("SELECT ruvector.current_era()", RecoveryInProgress(),
					1) != SPI_OK_SELECT)
		elog(ERROR, "could not determine the era");
	known_era = DatumGetInt16(SPI_getbinval(
		SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
	return known_era;
}

/* ruvector.system_identifier() returns bigint */
RVD_FUNCTION(rvd_system_identifier);
Datum
rvd_system_identifier(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) GetSystemIdentifier());
}
