/*
 * rvd_hnsw_open.c
 *		What SQL functions that are given an index have in common.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"

#include "hnsw/rvd_hnsw_int.h"
#include "pg/rvd_compat.h"

Oid
rvd_lock_table_of(Oid index, LOCKMODE lock)
{
	Oid			table = IndexGetRelation(index, true);

	if (OidIsValid(table) && rvd_owns_relation(index))
		LockRelationOid(table, lock);
	return table;
}

Relation
rvd_open_hnsw_index(Oid oid, LOCKMODE lock)
{
	Relation	index = relation_open(oid, lock);

	if (index->rd_rel->relkind != RELKIND_INDEX ||
		index->rd_rel->relam != get_index_am_oid("hnsw", false))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an hnsw index",
						RelationGetRelationName(index)),
				 index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX ?
					 errhint("Give the index of one partition.") :
					 0));
	if (!rvd_owns_relation(oid))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX,
					   RelationGetRelationName(index));
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
	if (!index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid",
						RelationGetRelationName(index))));
	return index;
}

Datum
rvd_make_row_with_nulls(FunctionCallInfo fcinfo, Datum *values, bool *nulls,
						int n)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (desc->natts != n)
		elog(ERROR, "return type must have %d columns", n);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

Datum
rvd_make_row(FunctionCallInfo fcinfo, Datum *values, int n)
{
	bool	   *nulls = palloc0((Size) n * sizeof(bool));

	return rvd_make_row_with_nulls(fcinfo, values, nulls, n);
}
