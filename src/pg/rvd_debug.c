/*
 * rvd_debug.c
 *		Named places where a test build can be made to fail.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "pg/rvd_debug.h"

#ifdef RVD_DEBUG

static char *debug_point = NULL;

void
rvd_debug_init(void)
{
	DefineCustomStringVariable("ruvector.debug_point",
							   "Fails where a test wants it to.",
							   NULL, &debug_point, "", PGC_USERSET, 0,
							   NULL, NULL, NULL);
}

/* Until the test has done what it wants to do to this process. */
static void
wait_here(const char *name)
{
	elog(LOG, "debug point \"%s\" waits", name);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10000L);
	}
}

void
rvd_debug_point(const char *name)
{
	size_t		length = strlen(name);

	if (debug_point == NULL || strncmp(debug_point, name, length) != 0)
		return;
	if (debug_point[length] == '\0')
		elog(ERROR, "debug point \"%s\" reached", name);
	if (strcmp(debug_point + length, ":wait") == 0)
		wait_here(name);
	if (strcmp(debug_point + length, ":panic") == 0)
	{
		/* what was logged so far is to be there after the crash */
		XLogFlush(XactLastRecEnd);
		elog(PANIC, "debug point \"%s\" reached", name);
	}
}

#endif							/* RVD_DEBUG */
