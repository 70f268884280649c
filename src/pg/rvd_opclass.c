/*
 * rvd_opclass.c
 *		amvalidate: is an operator class one that an access method can use?
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "pg/rvd_opclass.h"

/* Complains in the manner of the other access methods. */
static void
complain(const char *am, const char *family, const char *what,
		 const char *object)
{
	ereport(INFO,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("operator family \"%s\" of access method %s %s %s",
					family, am, what, object)));
}

static bool
is_suitable(Form_pg_amproc proc, const RvdSupport *support)
{
	Oid			type = proc->amproclefttype;

	if (support->result == INTERNALOID)
		return check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1,
									  INTERNALOID);
	return check_amproc_signature(proc->amproc, support->result, true,
								  support->nargs, support->nargs, type, type);
}

static bool
validate_procs(CatCList *list, const char *am, const char *family,
			   const RvdSupport *supports, int nsupports)
{
	bool		result = true;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc)
			GETSTRUCT(&list->members[i]->tuple);
		bool		ok = false;

		for (int s = 0; s < nsupports; s++)
			if (supports[s].number == proc->amprocnum)
				ok = is_suitable(proc, &supports[s]);
		if (!ok)
		{
			complain(am, family, "contains an unsuitable support function",
					 format_procedure(proc->amproc));
			result = false;
		}
	}
	for (int s = 0; s < nsupports; s++)
	{
		bool		found = !supports[s].is_required;

		for (int i = 0; i < list->n_members; i++)
			found |= ((Form_pg_amproc) GETSTRUCT(&list->members[i]->tuple))
						 ->amprocnum == supports[s].number;
		if (!found)
		{
			complain(am, family, "lacks support function",
					 psprintf("%d", supports[s].number));
			result = false;
		}
	}
	return result;
}

static bool
validate_operators(CatCList *list, const char *am, const char *family)
{
	bool		result = true;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop)
			GETSTRUCT(&list->members[i]->tuple);

		if (op->amopstrategy != 1 || op->amoppurpose != AMOP_ORDER ||
			!check_amop_signature(op->amopopr, FLOAT8OID, op->amoplefttype,
								  op->amoprighttype) ||
			!opfamily_can_sort_type(op->amopsortfamily, FLOAT8OID))
		{
			complain(am, family, "contains an unsuitable operator",
					 format_operator(op->amopopr));
			result = false;
		}
	}
	return result;
}

bool
rvd_validate_opclass(Oid opclass, const char *am, const RvdSupport *supports,
					 int nsupports)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Oid			family;
	char	   *name;
	CatCList   *procs;
	CatCList   *operators;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	family = ((Form_pg_opclass) GETSTRUCT(tuple))->opcfamily;
	ReleaseSysCache(tuple);
	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(family));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator family %u", family);
	name = pstrdup(NameStr(((Form_pg_opfamily) GETSTRUCT(tuple))->opfname));
	ReleaseSysCache(tuple);
	procs = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));
	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	result = validate_procs(procs, am, name, supports, nsupports);
	result &= validate_operators(operators, am, name);
	ReleaseCatCacheList(procs);
	ReleaseCatCacheList(operators);
	return result;
}
