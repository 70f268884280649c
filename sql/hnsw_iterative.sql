-- Iterative scans: a search goes on where a filter has left too few rows.
SET enable_seqscan = off;

-- VACUUM leaves what an older snapshot, such as autovacuum's, might still see.
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

-- points on a line, so that every answer can be named
CREATE TABLE iterative_test (id int PRIMARY KEY, kind int, v vector(3));
INSERT INTO iterative_test SELECT i, i % 100, ARRAY[i, 0, 0] FROM generate_series(1, 3000) i;
CREATE INDEX iterative_v ON iterative_test USING hnsw (v vector_l2_ops);
ANALYZE iterative_test;

-- off: the filter sees ef_search rows
SELECT count(*) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]' LIMIT 100) s;
SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <-> '[1500.2,0,0]' LIMIT 5;
-- on: until the limit is reached
SET hnsw.iterative_scan = strict_order;
SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <-> '[1500.2,0,0]' LIMIT 5;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]' LIMIT 100) s;
SET hnsw.iterative_scan = relaxed_order;
SELECT id FROM (SELECT id, v FROM iterative_test WHERE kind = 7 ORDER BY v <-> '[1500.2,0,0]' LIMIT 5) s
ORDER BY v <-> '[1500.2,0,0]';
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]' LIMIT 100) s;

-- Without a limit, everything that can be reached, each row once.  Relaxed
-- order finds all; strict order leaves out what it comes upon too late.
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[-3,1,0]') s;
SELECT count(*) FROM (SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <-> '[-3,1,0]') s;
SET hnsw.iterative_scan = strict_order;
SELECT count(*) > 500 AS many, count(*) = count(DISTINCT id) AS each_once, count(*) FILTER (WHERE d < before) AS out_of_order
FROM (SELECT id, d, lag(d) OVER () AS before FROM (
	SELECT id, v <-> '[-3,1,0]' AS d FROM iterative_test ORDER BY v <-> '[-3,1,0]') s) t;
-- whatever ef_search is
SET hnsw.ef_search = 1;
SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <-> '[307.2,0,0]' LIMIT 1;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[-3,1,0]') s;
SET hnsw.ef_search = 1000;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[-3,1,0]') s;
RESET hnsw.ef_search;

-- bounds on the rows visited
SET hnsw.max_scan_tuples = 1;
SELECT count(*) BETWEEN 40 AND 200 AS one_round FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]') s;
SET hnsw.max_scan_tuples = 1000;
SELECT count(*) BETWEEN 1000 AND 1200 AS about_1000 FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]') s;
RESET hnsw.max_scan_tuples;
-- and on the memory
SET work_mem = '64kB';
SELECT count(*) < 3000 AS cut_short FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]') s;
SET hnsw.scan_mem_multiplier = 100;
SELECT count(*) = 3000 AS complete FROM (SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]') s;
RESET work_mem;
RESET hnsw.scan_mem_multiplier;

-- the other metrics, to the end
CREATE INDEX iterative_ip ON iterative_test USING hnsw (v vector_ip_ops);
CREATE INDEX iterative_l1 ON iterative_test USING hnsw (v vector_l1_ops);
SET hnsw.iterative_scan = strict_order;
SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <+> '[1500.2,0,0]' LIMIT 5;
SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <#> '[1,0,0]' LIMIT 3;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <+> '[-3,1,0]') s;

-- a query that is NULL, a table that is empty, a filter that nothing passes
SELECT count(*) FROM (SELECT id FROM iterative_test ORDER BY v <-> (SELECT NULL::vector)) s;
SELECT id FROM iterative_test WHERE kind = 100 ORDER BY v <-> '[1,1,1]' LIMIT 3;
CREATE TABLE iterative_empty (v vector(3));
CREATE INDEX iterative_empty_v ON iterative_empty USING hnsw (v vector_l2_ops);
SELECT v FROM iterative_empty ORDER BY v <-> '[1,1,1]' LIMIT 3;

-- rescans, and cursors that go far
SELECT x, (SELECT array_agg(id) FROM (
	SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <-> ARRAY[x, 0.2, 0]::vector LIMIT 2) s)
FROM unnest(ARRAY[10, 2000, 990]) x;
SET hnsw.iterative_scan = strict_order;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM iterative_test WHERE kind = 7 ORDER BY v <-> '[1500.2,0,0]';
FETCH 3 FROM c;
DELETE FROM iterative_test WHERE id BETWEEN 1000 AND 1450;
FETCH 2 FROM c;
ROLLBACK;

-- deleted rows are passed through
DELETE FROM iterative_test WHERE id BETWEEN 1100 AND 1900;
SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]' LIMIT 2;
CALL pg_temp.settle();
VACUUM iterative_test;
SELECT id FROM iterative_test ORDER BY v <-> '[1500.2,0,0]' LIMIT 2;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM iterative_test ORDER BY v <-> '[-3,1,0]') s;
SELECT i AS index, dead, orphans, rows FROM unnest(ARRAY['iterative_v', 'iterative_l1']::regclass[]) i, ruvector.index_check(i);
SELECT dead, rows FROM ruvector.index_check('iterative_ip');
DROP TABLE iterative_test, iterative_empty;
