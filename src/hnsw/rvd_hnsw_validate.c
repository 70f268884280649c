/*
 * rvd_hnsw_validate.c
 *		amvalidate: is an operator class one that hnsw can use?
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

#include "hnsw/rvd_hnsw_int.h"

/* Complains in the manner of the other access methods. */
static void
complain(const char *family, const char *what, const char *object)
{
	ereport(INFO,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("operator family \"%s\" of access method hnsw %s %s",
					family, what, object)));
}

static bool
validate_procs(CatCList *list, const char *family)
{
	bool		has_distance = false;
	bool		result = true;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc)
			GETSTRUCT(&list->members[i]->tuple);
		bool		ok;

		switch (proc->amprocnum)
		{
			case 1:
				has_distance = true;
				ok = check_amproc_signature(proc->amproc, FLOAT8OID, true, 2,
											2, proc->amproclefttype,
											proc->amproclefttype);
				break;
			case 2:
				ok = check_amproc_signature(proc->amproc, FLOAT8OID, true, 1,
											1, proc->amproclefttype);
				break;
			case 3:
				ok = check_amproc_signature(proc->amproc, INTERNALOID, true,
											1, 1, INTERNALOID);
				break;
			default:
				ok = false;
		}
		if (!ok)
		{
			complain(family, "contains an unsuitable support function",
					 format_procedure(proc->amproc));
			result = false;
		}
	}
	if (!has_distance)
	{
		complain(family, "lacks support function", "1");
		result = false;
	}
	return result;
}

static bool
validate_operators(CatCList *list, const char *family)
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
			complain(family, "contains an unsuitable operator",
					 format_operator(op->amopopr));
			result = false;
		}
	}
	return result;
}

bool
rvd_hnsw_validate(Oid opclass)
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
	result = validate_procs(procs, name);
	result &= validate_operators(operators, name);
	ReleaseCatCacheList(procs);
	ReleaseCatCacheList(operators);
	return result;
}
