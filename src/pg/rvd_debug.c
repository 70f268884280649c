/*
 * rvd_debug.c
 *		Named places where a test build can be made to fail.
 */
#include "postgres.h"

#include "access/xlog.h"
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

void
rvd_debug_point(const char *name)
{
	size_t		length = strlen(name);

	if (debug_point == NULL || strncmp(debug_point, name, length) != 0)
		return;
	if (debug_point[length] == '\0')
		elog(ERROR, "debug point \"%s\" reached", name);
	if (strcmp(debug_point + length, ":panic") == 0)
	{
		/* what was logged so far is to be there after the crash */
		XLogFlush(XactLastRecEnd);
		elog(PANIC, "debug point \"%s\" reached", name);
	}
}

#endif							/* RVD_DEBUG */
