-- Options of the hnsw index and its settings; what CREATE INDEX refuses.

CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT;
END $$;

CREATE TABLE option_test (id int PRIMARY KEY, v vector(3), free vector, wide vector(2001));
INSERT INTO option_test SELECT i, ARRAY[i, i % 7, 1] FROM generate_series(1, 100) i;

-- m and ef_construction
SELECT options, (pg_temp.try(format('CREATE INDEX option_try ON option_test USING hnsw (v vector_l2_ops) WITH (%s)', options))).*
FROM unnest(ARRAY['m = 1', 'm = 101', 'ef_construction = 3', 'ef_construction = 1001', 'm = 16, ef_construction = 31',
	'm = 33', 'm = x', 'fillfactor = 90']) options;
CREATE INDEX option_small ON option_test USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
CREATE INDEX option_even ON option_test USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 32);
CREATE INDEX option_large ON option_test USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
CREATE INDEX option_default ON option_test USING hnsw (v vector_l2_ops);
SELECT i AS index, m, ef_construction, rows FROM unnest(ARRAY['option_small', 'option_even', 'option_large', 'option_default']::regclass[]) i,
	ruvector.index_info(i);
SELECT i AS index, live, rows FROM unnest(ARRAY['option_small', 'option_even', 'option_large', 'option_default']::regclass[]) i,
	ruvector.index_check(i);
SELECT indexdef FROM pg_indexes WHERE indexname = 'option_small';
DROP INDEX option_small, option_even, option_large;

-- a changed option is the next build's
ALTER INDEX option_default SET (m = 101);
ALTER INDEX option_default SET (m = 20, ef_construction = 40);
SELECT m, ef_construction FROM ruvector.index_info('option_default');
INSERT INTO option_test VALUES (101, '[101,0,0]');
SELECT m, ef_construction, rows FROM ruvector.index_info('option_default');
REINDEX INDEX option_default;
SELECT m, ef_construction, rows FROM ruvector.index_info('option_default');
-- together they are checked by the build
ALTER INDEX option_default SET (m = 21);
REINDEX INDEX option_default;
SELECT m, ef_construction, rows FROM ruvector.index_info('option_default');
ALTER INDEX option_default RESET (m, ef_construction);
REINDEX INDEX option_default;
SELECT m, ef_construction, rows FROM ruvector.index_info('option_default');
SELECT live, orphans, rows FROM ruvector.index_check('option_default');

-- columns
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'CREATE INDEX ON option_test USING hnsw (free vector_l2_ops)',
	'CREATE INDEX ON option_test USING hnsw (wide vector_l2_ops)',
	'CREATE INDEX ON option_test USING hnsw ((free + free) vector_l2_ops)',
	'CREATE INDEX ON option_test USING hnsw ((v::vector(4)) vector_l2_ops)',
	'CREATE INDEX ON option_test USING hnsw (id vector_l2_ops)',
	'CREATE INDEX ON option_test USING hnsw (v)',
	'CREATE INDEX ON option_test USING hnsw (v vector_l2_ops DESC)',
	'CREATE INDEX ON option_test USING hnsw (v vector_l2_ops NULLS FIRST)',
	'CREATE INDEX ON option_test USING hnsw (v vector_l2_ops, v vector_ip_ops)',
	'CREATE INDEX ON option_test USING hnsw (v vector_l2_ops) INCLUDE (id)',
	'CREATE UNIQUE INDEX ON option_test USING hnsw (v vector_l2_ops)',
	'CLUSTER option_test USING option_default']) statement;

-- rows that do not fit the index, though they fit the column
CREATE TABLE option_free (id int, v vector);
CREATE INDEX option_free_v ON option_free USING hnsw ((v::vector(2)) vector_l2_ops);
INSERT INTO option_free VALUES (1, '[1,2]');
INSERT INTO option_free VALUES (2, '[1,2,3]');
DROP INDEX option_free_v;
INSERT INTO option_free VALUES (2, '[1,2,3]');
CREATE INDEX option_free_v ON option_free USING hnsw ((v::vector(2)) vector_l2_ops);
CREATE INDEX option_free_v ON option_free USING hnsw ((v::vector(2)) vector_l2_ops) WHERE vector_dims(v) = 2;
SELECT live, rows FROM ruvector.index_check('option_free_v');

-- settings
SHOW hnsw.ef_search;
SHOW hnsw.iterative_scan;
SHOW hnsw.max_scan_tuples;
SHOW hnsw.scan_mem_multiplier;
SELECT setting, (pg_temp.try('SET ' || setting)).* FROM unnest(ARRAY[
	'hnsw.ef_search = 0', 'hnsw.ef_search = 1001', 'hnsw.ef_search = x', 'hnsw.iterative_scan = on',
	'hnsw.max_scan_tuples = 0', 'hnsw.scan_mem_multiplier = 0', 'hnsw.scan_mem_multiplier = 1001']) setting;
\set VERBOSITY sqlstate
SET hnsw.no_such_setting = 1;
\set VERBOSITY default

-- ef_search bounds the rows of a scan
SET enable_seqscan = off;
SET hnsw.ef_search = 1;
SELECT id FROM option_test ORDER BY v <-> '[50,1,1]' LIMIT 5;
SET hnsw.ef_search = 10;
SELECT count(*) FROM (SELECT id FROM option_test ORDER BY v <-> '[50,1,1]' LIMIT 50) s;
SET hnsw.ef_search = 1000;
SELECT count(*) FROM (SELECT id FROM option_test ORDER BY v <-> '[50,1,1]' LIMIT 50) s;
SELECT count(*) FROM (SELECT id FROM option_test ORDER BY v <-> '[50,1,1]') s;
RESET hnsw.ef_search;
SELECT count(*) FROM (SELECT id FROM option_test ORDER BY v <-> '[50,1,1]') s;
BEGIN;
SET LOCAL hnsw.ef_search = 7;
SELECT count(*) FROM (SELECT id FROM option_test ORDER BY v <-> '[50,1,1]') s;
COMMIT;
SHOW hnsw.ef_search;
DROP TABLE option_test, option_free;
