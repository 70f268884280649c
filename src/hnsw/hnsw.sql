-- access method

CREATE FUNCTION hnswhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'rvd_hnswhandler' LANGUAGE C;

COMMENT ON FUNCTION hnswhandler(internal) IS 'hnsw index access method handler';

CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hnswhandler;

COMMENT ON ACCESS METHOD hnsw IS 'hnsw index access method';

-- operator classes

CREATE OPERATOR CLASS vector_l2_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_l2_squared_distance(vector, vector);

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector);

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 vector_negative_inner_product(vector, vector),
	FUNCTION 2 vector_norm(vector);

CREATE OPERATOR CLASS vector_l1_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 l1_distance(vector, vector);

-- looking into an index

CREATE FUNCTION ruvector.index_check(index regclass,
	OUT nodes bigint, OUT live bigint, OUT dead bigint, OUT links bigint,
	OUT orphans bigint, OUT rows bigint)
	AS 'MODULE_PATHNAME', 'rvd_index_check' LANGUAGE C STRICT;

COMMENT ON FUNCTION ruvector.index_check(regclass) IS
	'verifies every invariant of an hnsw index; raises index_corrupted (XX002) at the first that is broken';

CREATE FUNCTION ruvector.index_info(index regclass,
	OUT metric text, OUT dims integer, OUT m integer,
	OUT ef_construction integer, OUT stored text, OUT code_bits integer,
	OUT nodes_per_page integer, OUT max_links integer, OUT levels integer,
	OUT entries integer, OUT nodes bigint, OUT live bigint, OUT dead bigint,
	OUT free bigint, OUT rows bigint, OUT mean_links float8,
	OUT dead_share float8, OUT bytes bigint)
	AS 'MODULE_PATHNAME', 'rvd_index_info' LANGUAGE C STRICT;

COMMENT ON FUNCTION ruvector.index_info(regclass) IS
	'geometry and contents of an hnsw index';

CREATE FUNCTION ruvector.index_repair(index regclass,
	budget integer DEFAULT NULL, OUT moved bigint, OUT relinked bigint,
	OUT tied bigint, OUT remaining bigint)
	AS 'MODULE_PATHNAME', 'rvd_index_repair' LANGUAGE C;

COMMENT ON FUNCTION ruvector.index_repair(regclass, integer) IS
	'repairs the worst nodes of an hnsw index, at most `budget` of them: moves those whose row has drifted, gives new links to those with few, ties those that nothing leads to';
