-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION ruvector_delta" to load this file. \quit

-- An access method has no schema, so this extension and another one that has
-- an access method of the same name cannot share a database, whatever schemas
-- they are given.  Say so before CREATE ACCESS METHOD does in its own terms.
DO $conflict$
DECLARE
	rival pg_catalog.text;
	method pg_catalog.name;
BEGIN
	SELECT pg_catalog.quote_ident(e.extname) INTO rival
	FROM pg_catalog.pg_extension e
	WHERE e.extname OPERATOR(pg_catalog.=) 'vector'::pg_catalog.name;

	IF FOUND THEN
		RAISE EXCEPTION
			'extension "ruvector_delta" cannot be installed beside extension "vector"'
			USING ERRCODE = 'duplicate_object',
			DETAIL = 'Both define the type "vector" and the access method "hnsw", and access methods belong to no schema.',
			HINT = 'Create ruvector_delta in a new database and restore a dump of this one there, without its extension "vector": columns, queries and indexes of type vector need no change.';
	END IF;

	SELECT COALESCE(
		(SELECT pg_catalog.format('extension %I', e.extname)
		 FROM pg_catalog.pg_depend d
			JOIN pg_catalog.pg_extension e
				ON e.oid OPERATOR(pg_catalog.=) d.refobjid
		 WHERE d.classid OPERATOR(pg_catalog.=)
				'pg_catalog.pg_am'::pg_catalog.regclass
			AND d.objid OPERATOR(pg_catalog.=) a.oid
			AND d.refclassid OPERATOR(pg_catalog.=)
				'pg_catalog.pg_extension'::pg_catalog.regclass
			AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"),
		'no extension'), a.amname INTO rival, method
	FROM pg_catalog.pg_am a
	WHERE a.amname OPERATOR(pg_catalog.=) 'hnsw'::pg_catalog.name
		OR a.amname OPERATOR(pg_catalog.=) 'ivfflat'::pg_catalog.name
	LIMIT 1;

	IF FOUND THEN
		RAISE EXCEPTION 'access method "%" already exists', method
			USING ERRCODE = 'duplicate_object',
			DETAIL = pg_catalog.format('It belongs to %s; access methods belong to no schema.', rival),
			HINT = 'Drop that access method, or create ruvector_delta in another database.';
	END IF;
END
$conflict$;

-- Whatever pgvector does not have lives in this schema, so that it cannot
-- meet a name of the user's.
CREATE SCHEMA ruvector;

GRANT USAGE ON SCHEMA ruvector TO PUBLIC;

COMMENT ON SCHEMA ruvector IS 'functions and catalogs of ruvector_delta';

CREATE FUNCTION ruvector.simd_info() RETURNS text
	AS 'MODULE_PATHNAME', 'rvd_simd_info'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION ruvector.simd_info() IS 'instruction sets in use for distances, by type';

