-- Order and hash of sparsevecs: the btree and hash operator classes.

SELECT a, b, sparsevec_cmp(a, b), a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt
FROM (VALUES ('{1:1,2:2}/2'::sparsevec, '{1:1,2:2}/2'::sparsevec), ('{1:1,2:2}/2', '{1:1,2:3}/2'), ('{1:2}/1', '{1:1,2:9}/2'),
	('{1:1}/1', '{1:1,2:-9}/2'), ('{1:1}/2', '{1:1}/1'), ('{1:1}/3', '{2:1}/3'), ('{1:-1}/3', '{2:1}/3'), ('{2:1}/3', '{1:-1}/3'),
	('{}/3', '{3:1}/3'), ('{}/3', '{3:-1}/3'), ('{}/3', '{4:-1}/4'), ('{}/3', '{}/2'), ('{1:0}/2', '{}/2'), ('{1:1}/2', NULL)) s (a, b);

-- as the dense vectors are ordered that they stand for
CREATE TEMP TABLE dense AS
SELECT array_agg((i * d * 37) % 5 - 2)::vector AS v FROM generate_series(1, 90) i, generate_series(1, i % 4 + 1) d GROUP BY i;
SELECT count(*), bool_and(sparsevec_cmp(a.v::sparsevec, b.v::sparsevec) = vector_cmp(a.v, b.v)) AS equal FROM dense a, dense b;
DROP TABLE dense;

CREATE TABLE order_test (id int, v sparsevec);
INSERT INTO order_test SELECT i, ARRAY[i * 7 % 50, 0, i % 3]::sparsevec FROM generate_series(1, 500) i;
INSERT INTO order_test VALUES (501, NULL), (502, '{}/3'), (503, '{1:0,2:-0}/3'), (504, '{}/2'), (505, '{1:49,3:2}/4');
CREATE INDEX order_test_v ON order_test (v);
ANALYZE order_test;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM order_test WHERE v = '{1:3,3:1}/3';
SELECT id FROM order_test WHERE v = '{1:3,3:1}/3' ORDER BY id;
SELECT id, v FROM order_test WHERE v < '{3:1}/3' ORDER BY v, id;
SELECT id, v FROM order_test WHERE v > '{1:49,3:1}/3' AND v <= '{1:49,3:2}/4' ORDER BY v DESC, id;
SELECT count(*), count(DISTINCT v), min(id) FROM order_test WHERE v >= '{1:10}/3' AND v < '{1:20}/3';
DROP INDEX order_test_v;

-- hash: an index, joins, groups
CREATE INDEX order_test_v ON order_test USING hash (v);
EXPLAIN (COSTS OFF) SELECT id FROM order_test WHERE v = '{}/3';
SELECT min(id), max(id), count(*) FROM order_test WHERE v = '{}/3';
RESET enable_seqscan;
RESET enable_bitmapscan;
EXPLAIN (COSTS OFF) SELECT count(*) FROM order_test a JOIN order_test b USING (v);
SELECT count(*) FROM order_test a JOIN order_test b USING (v);
SET enable_hashjoin = off;
SELECT count(*) FROM order_test a JOIN order_test b USING (v);
RESET enable_hashjoin;
SELECT count(*) FROM (SELECT DISTINCT v FROM order_test) s;
SELECT bool_and((sparsevec_hash(a.v) = sparsevec_hash(b.v)) = (a.v = b.v)) AS hash,
	bool_and((sparsevec_hash_extended(a.v, 42) = sparsevec_hash_extended(b.v, 42)) = (a.v = b.v)) AS seeded
FROM order_test a, order_test b WHERE a.id % 10 = 0 OR a.id > 500;
SELECT bool_and(sparsevec_hash(v) = (sparsevec_hash_extended(v, 0) & 4294967295)::bit(32)::int) AS low_half,
	bool_and(sparsevec_hash_extended(v, 0) <> sparsevec_hash_extended(v, 1)) AS seed
FROM order_test WHERE v IS NOT NULL;

SELECT amname, opcname, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype = 'sparsevec'::regtype AND amname IN ('btree', 'hash') ORDER BY 1, 2;
DROP TABLE order_test;
