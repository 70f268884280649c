/*
 * rvd_setting.c
 *		Settings of another library, by name.
 */
#include "postgres.h"

#include "utils/guc.h"

#include "pg/rvd_setting.h"

bool
rvd_setting_is_defined(const char *name)
{
	return GetConfigOption(name, true, false) != NULL &&
		(GetConfigOptionFlags(name, true) & GUC_CUSTOM_PLACEHOLDER) == 0;
}

const char *
rvd_setting_text(const char *name)
{
	return GetConfigOption(name, false, false);
}

int
rvd_setting_int(const char *name)
{
	return (int) strtol(rvd_setting_text(name), NULL, 10);
}

double
rvd_setting_real(const char *name)
{
	return strtod(rvd_setting_text(name), NULL);
}
