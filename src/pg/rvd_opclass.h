/*
 * rvd_opclass.h
 *		Is an operator class one that an access method of ours can use?
 */
#ifndef RVD_OPCLASS_H
#define RVD_OPCLASS_H

/* A support function: all its arguments are of the class's type. */
typedef struct RvdSupport
{
	int			number;
	Oid			result;			/* INTERNALOID: internal to internal */
	int			nargs;
	bool		is_required;
} RvdSupport;

/*
 * amvalidate: complains (INFO) about each fault of the operator class's
 * family.  Operators: strategy 1, an order by float8.
 */
extern bool rvd_validate_opclass(Oid opclass, const char *am,
								 const RvdSupport *supports, int nsupports);

#endif							/* RVD_OPCLASS_H */
