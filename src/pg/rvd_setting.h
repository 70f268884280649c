/*
 * rvd_setting.h
 *		Settings that another library in this process may have defined first.
 */
#ifndef RVD_SETTING_H
#define RVD_SETTING_H

/* Has some library defined this setting (not only somebody set it)? */
extern bool rvd_setting_is_defined(const char *name);

/* The value of a setting of another library's. */
extern const char *rvd_setting_text(const char *name);
extern int	rvd_setting_int(const char *name);
extern double rvd_setting_real(const char *name);

#endif							/* RVD_SETTING_H */
