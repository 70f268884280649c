-- Order and hash of halfvecs: the btree and hash operator classes.

SELECT a, b, halfvec_cmp(a, b), a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt
FROM (VALUES ('[1,2]'::halfvec, '[1,2]'::halfvec), ('[1,2]', '[1,3]'), ('[2]', '[1,9]'), ('[1]', '[1,-9]'),
	('[1,0]', '[1]'), ('[0,-0]', '[-0,0]'), ('[-1]', '[1]'), ('[-6e-8]', '[0]'), ('[1,2]', NULL)) s (a, b);

-- wherever the first difference lies
SELECT count(*), bool_and(halfvec_cmp(a, b) = CASE WHEN d > n THEN -1 ELSE sign(y) END) AS greater,
	bool_and(halfvec_cmp(b, a) = CASE WHEN d > n THEN 1 ELSE -sign(y) END) AS less
FROM (SELECT n, d, y, array_fill(1, ARRAY[n])::halfvec AS b,
	(array_fill(1, ARRAY[d - 1]) || CASE WHEN d > n THEN '{}' ELSE ARRAY[1 + y] || array_fill(-y, ARRAY[n - d]) END)::halfvec AS a
	FROM unnest(ARRAY[1, 2, 16, 17, 100, 128, 129, 300]) n, generate_series(2, n) d, unnest(ARRAY[-3, 3]) y) s;

-- as arrays are ordered
SELECT count(*), bool_and(halfvec_cmp(a, b) = btarraycmp(a::real[], b::real[])) AS equal
FROM (SELECT array_agg((i * d * 37) % 2)::halfvec AS a
	  FROM generate_series(1, 60) i, generate_series(1, i % 4 + 1) d GROUP BY i) x,
	(SELECT array_agg((i * d * 23) % 2)::halfvec AS b
	 FROM generate_series(1, 60) i, generate_series(1, i % 4 + 1) d GROUP BY i) y;

CREATE TABLE order_test (id int, v halfvec);
INSERT INTO order_test SELECT i, ARRAY[i * 7 % 50, i % 3] FROM generate_series(1, 500) i;
INSERT INTO order_test VALUES (501, NULL), (502, '[0,0]'), (503, '[-0,0]'), (504, '[0]'), (505, '[49,2,1]');
CREATE INDEX order_test_v ON order_test (v);
ANALYZE order_test;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM order_test WHERE v = '[3,1]';
SELECT id FROM order_test WHERE v = '[3,1]' ORDER BY id;
SELECT id, v FROM order_test WHERE v < '[0,1]' ORDER BY v, id;
SELECT id, v FROM order_test WHERE v > '[49,1]' AND v <= '[49,2,1]' ORDER BY v DESC, id;
SELECT v FROM order_test WHERE v = '[0,0]' ORDER BY v::text COLLATE "C";
SELECT count(*), count(DISTINCT v), min(id) FROM order_test WHERE v >= '[10]' AND v < '[20]';
DROP INDEX order_test_v;

-- hash: an index, joins, groups
CREATE INDEX order_test_v ON order_test USING hash (v);
EXPLAIN (COSTS OFF) SELECT id FROM order_test WHERE v = '[0,-0]';
SELECT min(id), max(id), count(*) FROM order_test WHERE v = '[0,-0]';
RESET enable_seqscan;
RESET enable_bitmapscan;
EXPLAIN (COSTS OFF) SELECT count(*) FROM order_test a JOIN order_test b USING (v);
SELECT count(*) FROM order_test a JOIN order_test b USING (v);
SET enable_hashjoin = off;
SELECT count(*) FROM order_test a JOIN order_test b USING (v);
RESET enable_hashjoin;
SELECT count(*) FROM (SELECT DISTINCT v FROM order_test) s;
SELECT bool_and((halfvec_hash(a.v) = halfvec_hash(b.v)) = (a.v = b.v)) AS hash,
	bool_and((halfvec_hash_extended(a.v, 42) = halfvec_hash_extended(b.v, 42)) = (a.v = b.v)) AS seeded
FROM order_test a, order_test b WHERE a.id % 10 = 0 OR a.id > 500;
SELECT bool_and(halfvec_hash(v) = (halfvec_hash_extended(v, 0) & 4294967295)::bit(32)::int) AS low_half,
	bool_and(halfvec_hash_extended(v, 0) <> halfvec_hash_extended(v, 1)) AS seed
FROM order_test WHERE v IS NOT NULL;

SELECT amname, opcname, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype = 'halfvec'::regtype AND amname IN ('btree', 'hash') ORDER BY 1, 2;
DROP TABLE order_test;
