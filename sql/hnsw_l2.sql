-- The hnsw index with L2 distance: what is in it, what comes out, in which order.
SET enable_seqscan = off;

CREATE TABLE l2_test (id int, v vector(3));
INSERT INTO l2_test VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL);
CREATE INDEX l2_test_v ON l2_test USING hnsw (v vector_l2_ops);
INSERT INTO l2_test VALUES (5, '[1,2,4]'), (6, NULL), (7, '[-3,-3,-3]');

EXPLAIN (COSTS OFF) SELECT id FROM l2_test ORDER BY v <-> '[3,3,3]';
-- NULLs are not in the index
SELECT id, v, v <-> '[3,3,3]' AS distance FROM l2_test ORDER BY v <-> '[3,3,3]';
SELECT id FROM l2_test ORDER BY '[0,0,1]' <-> v LIMIT 3;
SELECT id, (v <-> '[1,2,3]')::int AS distance FROM l2_test ORDER BY v <-> '[1,2,3]' LIMIT 2 OFFSET 1;
SELECT id FROM l2_test WHERE id % 2 = 1 ORDER BY v <-> '[0,0,0]';
-- what the index orders by is what the operator says
SELECT id FROM l2_test WHERE v <-> '[3,3,3]' < 3 ORDER BY v <-> '[3,3,3]';

-- a query that is NULL orders nothing and finds everything
SELECT count(*), count(v) FROM (SELECT v FROM l2_test ORDER BY v <-> (SELECT NULL::vector)) s;

-- nothing left, nothing found
DELETE FROM l2_test;
SELECT id FROM l2_test ORDER BY v <-> '[3,3,3]';
INSERT INTO l2_test VALUES (8, '[3,3,3]');
SELECT id FROM l2_test ORDER BY v <-> '[0,0,0]';
TRUNCATE l2_test;
SELECT id FROM l2_test ORDER BY v <-> '[3,3,3]';
SELECT * FROM ruvector.index_check('l2_test_v');

-- built on nothing, filled row by row
CREATE TABLE l2_empty (id int, v vector(2));
CREATE INDEX l2_empty_v ON l2_empty USING hnsw (v vector_l2_ops);
SELECT id FROM l2_empty ORDER BY v <-> '[1,1]';
INSERT INTO l2_empty VALUES (1, NULL);
SELECT id FROM l2_empty ORDER BY v <-> '[1,1]';
INSERT INTO l2_empty SELECT i, ARRAY[i % 10, i / 10] FROM generate_series(0, 99) i;
SELECT id FROM l2_empty ORDER BY v <-> '[2.171,3.283]' LIMIT 6;
SELECT live, orphans, rows FROM ruvector.index_check('l2_empty_v');

-- The first k of n, once by the index, once by sorting, for queries that are
-- not in the table.  The order must be that of the distances as they are
-- computed, without an exception.
CREATE FUNCTION l2_point(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(((hashint4(i * 1009 + d) & 65535) - 32768) / 32768.0 ORDER BY d)::vector
	FROM generate_series(1, dims) d $$;
CREATE TABLE l2_many (id int, a vector(12), b vector(40), c vector(150));
INSERT INTO l2_many SELECT i, l2_point(i, 12), l2_point(i, 40), l2_point(i, 150) FROM generate_series(1, 1500) i;
CREATE INDEX l2_many_a ON l2_many USING hnsw (a vector_l2_ops);
CREATE INDEX l2_many_b ON l2_many USING hnsw (b vector_l2_ops);
CREATE INDEX l2_many_c ON l2_many USING hnsw (c vector_l2_ops);
INSERT INTO l2_many SELECT i, l2_point(i, 12), l2_point(i, 40), l2_point(i, 150) FROM generate_series(1501, 2000) i;
CREATE TABLE l2_query AS SELECT i, l2_point(-i, 12) AS a, l2_point(-i, 40) AS b, l2_point(-i, 150) AS c
FROM generate_series(1, 20) i;
ANALYZE l2_many, l2_query;

EXPLAIN (COSTS OFF)
SELECT n.id FROM unnest(ARRAY[l2_point(-1, 12)]) q(a), LATERAL (SELECT id FROM l2_many ORDER BY a <-> q.a LIMIT 10) n;
CREATE VIEW l2_found AS
SELECT 'a' AS kind, q.i, n.* FROM l2_query q, LATERAL (SELECT id, a <-> q.a AS d FROM l2_many ORDER BY a <-> q.a LIMIT 10) n
UNION ALL
SELECT 'b', q.i, n.* FROM l2_query q, LATERAL (SELECT id, b <-> q.b FROM l2_many ORDER BY b <-> q.b LIMIT 10) n
UNION ALL
SELECT 'c', q.i, n.* FROM l2_query q, LATERAL (SELECT id, c <-> q.c FROM l2_many ORDER BY c <-> q.c LIMIT 10) n;
CREATE VIEW l2_exact AS
SELECT 'a' AS kind, q.i, n.* FROM l2_query q, LATERAL (SELECT id FROM l2_many ORDER BY (a <-> q.a) + 0 LIMIT 10) n
UNION ALL
SELECT 'b', q.i, n.* FROM l2_query q, LATERAL (SELECT id FROM l2_many ORDER BY (b <-> q.b) + 0 LIMIT 10) n
UNION ALL
SELECT 'c', q.i, n.* FROM l2_query q, LATERAL (SELECT id FROM l2_many ORDER BY (c <-> q.c) + 0 LIMIT 10) n;
SELECT kind, count(*) >= 180 AS recall FROM l2_found JOIN l2_exact USING (kind, i, id) GROUP BY kind ORDER BY kind;
SELECT kind, count(*), count(*) FILTER (WHERE d < before) AS out_of_order
FROM (SELECT kind, d, lag(d) OVER (PARTITION BY kind, i) AS before FROM l2_found) s GROUP BY kind ORDER BY kind;
-- to the end of what one search finds
SET hnsw.ef_search = 200;
SELECT count(*), count(*) FILTER (WHERE d < before) AS out_of_order
FROM (SELECT d, lag(d) OVER () AS before FROM (
	SELECT c <-> l2_point(-50, 150) AS d FROM l2_many ORDER BY c <-> l2_point(-50, 150)) s) t;
RESET hnsw.ef_search;

SELECT i AS index, live, orphans, rows FROM unnest(ARRAY['l2_many_a', 'l2_many_b', 'l2_many_c']::regclass[]) i,
	ruvector.index_check(i);
DROP VIEW l2_found, l2_exact;
DROP TABLE l2_test, l2_empty, l2_many, l2_query;
DROP FUNCTION l2_point;
