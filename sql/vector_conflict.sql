-- CREATE EXTENSION in databases that already have something, or want another
-- schema.  Each part works in a database of its own.
\set SHOW_CONTEXT never
SELECT current_database() AS home \gset

CREATE DATABASE regression_rvd_conflict TEMPLATE template0;
\c regression_rvd_conflict

-- somebody else's access method
CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER bthandler;
CREATE EXTENSION ruvector_delta;
\echo :LAST_ERROR_SQLSTATE
CREATE SCHEMA elsewhere;
CREATE EXTENSION ruvector_delta SCHEMA elsewhere;
DROP ACCESS METHOD hnsw;

-- somebody else's type, in the schema that the extension would use
CREATE DOMAIN vector AS text;
CREATE EXTENSION ruvector_delta;
DROP DOMAIN vector;

-- somebody else's schema
CREATE SCHEMA ruvector;
CREATE EXTENSION ruvector_delta;
DROP SCHEMA ruvector;

-- pgvector itself, where it is at hand; in a session of its own, because it
-- cannot be loaded where its settings exist already
\c regression_rvd_conflict
DO $$
DECLARE
	hint text;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
		RETURN;
	END IF;
	EXECUTE 'CREATE EXTENSION vector';
	BEGIN
		EXECUTE 'CREATE EXTENSION ruvector_delta SCHEMA elsewhere';
		RAISE 'both extensions in one database';
	EXCEPTION WHEN duplicate_object THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		ASSERT hint LIKE '%restore a dump%', hint;
	END;
	EXECUTE 'DROP EXTENSION vector';
END $$;

-- nothing is left over from the attempts
CREATE EXTENSION ruvector_delta;
SELECT '[1,2]'::vector <-> '[1,2]' AS works;
DROP EXTENSION ruvector_delta;
SELECT nspname FROM pg_namespace WHERE nspname = 'ruvector';
SELECT amname FROM pg_am WHERE amname = 'hnsw';

-- in another schema, which no search path names
CREATE EXTENSION ruvector_delta SCHEMA elsewhere;
SELECT '[1,2]'::vector;
CREATE TABLE t (id int, v elsewhere.vector(2));
INSERT INTO t VALUES (1, '[1,2]'), (2, '[3,4]'), (3, ARRAY[3,4]), (4, '[0,-0]');
CREATE INDEX ON t (v);
CREATE INDEX ON t USING hash (v);
SELECT id, v OPERATOR(elsewhere.<->) '[3,4]' AS distance FROM t ORDER BY v OPERATOR(elsewhere.<->) '[3,4]', id;
SELECT count(*) FROM t a JOIN t b ON a.v OPERATOR(elsewhere.=) b.v;
SELECT DISTINCT v FROM t ORDER BY v;
SELECT elsewhere.sum(v), elsewhere.avg(v) FROM t;
SELECT v::elsewhere.vector(2)::real[] FROM t WHERE id = 1;
SELECT obj_description('elsewhere.vector'::regtype) AS type, obj_description('ruvector'::regnamespace) AS schema;

-- everyone may look into the schema ruvector, and only look
CREATE ROLE regress_rvd_anyone;
SET ROLE regress_rvd_anyone;
SELECT ruvector.simd_info() <> '' AS named;
SELECT has_schema_privilege('ruvector', 'CREATE');
RESET ROLE;
DROP ROLE regress_rvd_anyone;

-- no member of the extension outside the two schemas
SELECT DISTINCT nspname FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
	JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	JOIN pg_namespace n ON n.oid = pronamespace
WHERE extname = 'ruvector_delta' AND d.deptype = 'e' ORDER BY 1;
-- functions that the planner may send to workers and constant-fold: all that
-- pgvector has
SELECT p.oid::regprocedure FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
	JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE extname = 'ruvector_delta' AND d.deptype = 'e' AND prokind = 'f'
	AND pronamespace = 'elsewhere'::regnamespace
	AND 'elsewhere.vector'::regtype = ANY (proargtypes::oid[] || prorettype)
	AND (proparallel <> 's' OR provolatile <> 'i' OR NOT proisstrict);

\c :home
DROP DATABASE regression_rvd_conflict;
