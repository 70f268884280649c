-- The shapes of queries that an hnsw index serves, and those it does not.

CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT;
END $$;

-- every point of a grid; the queries lie so that no two distances are equal
CREATE TABLE query_test (id int PRIMARY KEY, kind int, v vector(2));
INSERT INTO query_test SELECT i, i % 4, ARRAY[i % 50, i / 50] FROM generate_series(0, 1999) i;
CREATE INDEX query_test_v ON query_test USING hnsw (v vector_l2_ops);
VACUUM ANALYZE query_test;

-- which plans
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY '[7.171,3.283]' <-> v LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]';
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' DESC LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY v <=> '[7.171,3.283]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY (v <-> '[7.171,3.283]') * 2 LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM query_test WHERE v <-> '[7.171,3.283]' < 2;
EXPLAIN (COSTS OFF) SELECT id FROM query_test WHERE v = '[7,3]';
EXPLAIN (COSTS OFF) SELECT count(v) FROM query_test;
-- not even when there is nothing else
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(v) FROM query_test;
SELECT id FROM query_test WHERE v = '[7,3]';

SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
SELECT id FROM query_test WHERE kind = 1 ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
-- another order within the same distance is the executor's to sort
SELECT id FROM query_test ORDER BY v <-> '[7,3]', id DESC LIMIT 5;
SELECT id FROM (SELECT id, v FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 3) s ORDER BY id;

-- the query from elsewhere: subselect, join, rescans
SELECT id FROM query_test ORDER BY v <-> (SELECT v FROM query_test WHERE id = 777) LIMIT 1;
EXPLAIN (COSTS OFF)
SELECT q.id, n.id AS near FROM query_test q, LATERAL (SELECT id FROM query_test WHERE id <> q.id ORDER BY v <-> q.v + '[0.1,0.2]' LIMIT 2) n
WHERE q.id IN (0, 777, 1999);
SELECT q.id, n.id AS near FROM query_test q, LATERAL (SELECT id FROM query_test WHERE id <> q.id ORDER BY v <-> q.v + '[0.1,0.2]' LIMIT 2) n
WHERE q.id IN (0, 777, 1999) ORDER BY q.id, n.id;
SELECT x, (SELECT id FROM query_test ORDER BY v <-> ARRAY[x, 5.3]::vector LIMIT 1) FROM generate_series(0, 40, 10) x;
-- NULL, then a vector, then NULL: the same scan again and again
SELECT x, (SELECT count(*) FROM (SELECT id FROM query_test ORDER BY v <-> x::vector LIMIT 5) s)
FROM unnest(ARRAY[NULL, '[1,1]', NULL, '[2,2]']) x;
SELECT count(*) = 2000 AS all_found FROM query_test q
WHERE id = (SELECT id FROM query_test ORDER BY v <-> q.v LIMIT 1);

-- prepared, with a plan for any value
SET plan_cache_mode = force_generic_plan;
PREPARE nearest (vector, int) AS SELECT id FROM query_test ORDER BY v <-> $1 LIMIT $2;
EXPLAIN (COSTS OFF) EXECUTE nearest ('[7.171,3.283]', 2);
EXECUTE nearest ('[7.171,3.283]', 2);
EXECUTE nearest ('[40.1,30.2]', 1);
EXECUTE nearest (NULL, 0);
SELECT (pg_temp.try('EXECUTE nearest (''[1]'', 1)')).*;
EXECUTE nearest ('[7.171,3.283]', 1);
REINDEX INDEX query_test_v;
EXECUTE nearest ('[7.171,3.283]', 1);
DEALLOCATE nearest;
RESET plan_cache_mode;

-- cursors
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]';
FETCH 2 FROM c;
FETCH FROM c;
MOVE 30 FROM c;
FETCH ALL FROM c;
FETCH FROM c;
CLOSE c;
DECLARE c SCROLL CURSOR FOR SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]';
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH LAST FROM c;
FETCH FIRST FROM c;
CLOSE c;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 2;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]';
FETCH FROM c;
FETCH BACKWARD FROM c;
ROLLBACK;
-- a cursor sees what there was
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]';
FETCH FROM c;
DELETE FROM query_test WHERE id IN (157, 158, 207);
INSERT INTO query_test VALUES (5000, 0, '[7.171,3.283]');
FETCH 2 FROM c;
SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 2;
UPDATE query_test SET v = '[7.171,3.283]' WHERE CURRENT OF c;
ROLLBACK;
SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 2;
-- in PL/pgSQL
DO $$
DECLARE
	r record;
	n int := 0;
BEGIN
	FOR r IN SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 3 LOOP
		n := n + 1;
		IF n = 2 THEN
			ASSERT r.id = 207, r.id;
		END IF;
	END LOOP;
	ASSERT n = 3;
END $$;

-- locks and changes by way of the index
BEGIN;
SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 1 FOR UPDATE;
UPDATE query_test SET kind = 9 WHERE id IN (SELECT id FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 2);
SELECT id, kind FROM query_test ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
ROLLBACK;

-- an expression
CREATE INDEX query_expression ON query_test USING hnsw (((v * '[1,-1]')::vector(2)) vector_l2_ops);
EXPLAIN (COSTS OFF) SELECT id FROM query_test ORDER BY (v * '[1,-1]')::vector(2) <-> '[7.171,-3.283]' LIMIT 3;
SELECT id FROM query_test ORDER BY (v * '[1,-1]')::vector(2) <-> '[7.171,-3.283]' LIMIT 3;
SELECT live, orphans, rows FROM ruvector.index_check('query_expression');
DROP INDEX query_expression;

-- a part of the table
DROP INDEX query_test_v;
CREATE INDEX query_partial ON query_test USING hnsw (v vector_l2_ops) WHERE kind = 3;
ANALYZE query_test;
EXPLAIN (COSTS OFF) SELECT id FROM query_test WHERE kind = 3 ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
SELECT id FROM query_test WHERE kind = 3 ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
INSERT INTO query_test VALUES (3000, 3, '[7.2,3.3]'), (3001, 2, '[7.1,3.2]');
UPDATE query_test SET kind = 3 WHERE id = 157;
SELECT id FROM query_test WHERE kind = 3 ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
UPDATE query_test SET kind = 2 WHERE id = 3000;
SELECT id FROM query_test WHERE kind = 3 ORDER BY v <-> '[7.171,3.283]' LIMIT 3;
SELECT orphans, rows FROM ruvector.index_check('query_partial');

-- partitions
CREATE TABLE query_parts (id int, v vector(2)) PARTITION BY LIST (id);
CREATE INDEX query_parts_v ON query_parts USING hnsw (v vector_l2_ops) WITH (m = 8);
CREATE TABLE query_parts_1 PARTITION OF query_parts FOR VALUES IN (1);
CREATE TABLE query_parts_2 PARTITION OF query_parts FOR VALUES IN (2);
CREATE TABLE query_parts_3 (v vector(2), id int);
INSERT INTO query_parts_3 SELECT ARRAY[i, 3], 3 FROM generate_series(1, 200) i;
ALTER TABLE query_parts ATTACH PARTITION query_parts_3 FOR VALUES IN (3);
INSERT INTO query_parts SELECT i % 2 + 1, ARRAY[i, i % 2 + 1] FROM generate_series(1, 400) i;
ANALYZE query_parts;
EXPLAIN (COSTS OFF) SELECT id, v FROM query_parts ORDER BY v <-> '[20.171,2.283]' LIMIT 5;
SELECT id, v FROM query_parts ORDER BY v <-> '[20.171,2.283]' LIMIT 5;
UPDATE query_parts SET id = 3 WHERE v = '[21,2]';
SELECT tableoid::regclass, id, v FROM query_parts ORDER BY v <-> '[21,2.283]' LIMIT 2;
SELECT i AS index, m, rows FROM unnest(ARRAY['query_parts_1_v_idx', 'query_parts_2_v_idx', 'query_parts_3_v_idx']::regclass[]) i,
	ruvector.index_info(i);
SELECT * FROM ruvector.index_check('query_parts_v');
SELECT i AS index, orphans, rows FROM unnest(ARRAY['query_parts_1_v_idx', 'query_parts_2_v_idx', 'query_parts_3_v_idx']::regclass[]) i,
	ruvector.index_check(i);

-- inheritance
CREATE TABLE query_child () INHERITS (query_test);
CREATE INDEX query_child_v ON query_child USING hnsw (v vector_l2_ops);
CREATE INDEX query_parent_v ON query_test USING hnsw (v vector_l2_ops);
INSERT INTO query_child VALUES (4000, 0, '[7.3,3.4]');
SELECT id FROM query_test ORDER BY v <-> '[7.3,3.4]' LIMIT 2;
DROP TABLE query_child;

-- row security filters what the index finds
CREATE ROLE regress_rvd_reader;
GRANT SELECT ON query_test TO regress_rvd_reader;
ALTER TABLE query_test ENABLE ROW LEVEL SECURITY;
CREATE POLICY kind_two ON query_test FOR SELECT TO regress_rvd_reader USING (kind = 2);
SET ROLE regress_rvd_reader;
SELECT id, kind FROM query_test ORDER BY v <-> '[8.171,3.283]' LIMIT 3;
SET hnsw.ef_search = 1;
SELECT count(*) FROM (SELECT id FROM query_test ORDER BY v <-> '[8.171,3.283]' LIMIT 3) s;
SET hnsw.iterative_scan = strict_order;
SELECT id, kind FROM query_test ORDER BY v <-> '[8.171,3.283]' LIMIT 3;
RESET ROLE;
DROP TABLE query_test, query_parts;
DROP ROLE regress_rvd_reader;
