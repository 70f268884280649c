-- Order of vectors, and the btree operator class.

-- element by element, then the shorter first; -0 equals 0
SELECT a, b, vector_cmp(a, b), a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt
FROM (VALUES ('[1,2]'::vector, '[1,2]'::vector), ('[1,2]', '[1,3]'), ('[2]', '[1,9]'), ('[1]', '[1,-9]'),
	('[1,0]', '[1]'), ('[0,-0]', '[-0,0]'), ('[-1]', '[1]'), ('[-1e-45]', '[0]'), ('[1,2]', NULL)) s (a, b);

-- as arrays are ordered
SELECT count(*), bool_and(vector_cmp(a, b) = btarraycmp(a::real[], b::real[])) AS equal
FROM (SELECT array_agg((i * d * 37) % 2)::vector AS a
	  FROM generate_series(1, 60) i, generate_series(1, i % 4 + 1) d GROUP BY i) x,
	(SELECT array_agg((i * d * 23) % 2)::vector AS b
	 FROM generate_series(1, 60) i, generate_series(1, i % 4 + 1) d GROUP BY i) y;

CREATE TABLE btree_test (id int, v vector);
INSERT INTO btree_test SELECT i, ARRAY[i * 7 % 50, i % 3] FROM generate_series(1, 500) i;
INSERT INTO btree_test VALUES (501, NULL), (502, '[0,0]'), (503, '[-0,0]'), (504, '[0]'), (505, '[49,2,1]');
CREATE INDEX btree_test_v ON btree_test (v);
ANALYZE btree_test;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM btree_test WHERE v = '[3,1]';
SELECT id FROM btree_test WHERE v = '[3,1]' ORDER BY id;
SELECT id, v FROM btree_test WHERE v < '[0,1]' ORDER BY v, id;
SELECT id, v FROM btree_test WHERE v > '[49,1]' AND v <= '[49,2,1]' ORDER BY v DESC, id;
EXPLAIN (COSTS OFF) SELECT v FROM btree_test ORDER BY v LIMIT 2;
-- equal vectors with different bytes keep their own, whatever the index stores
SELECT v FROM btree_test WHERE v = '[0,0]' ORDER BY v::text COLLATE "C";
SELECT id FROM btree_test WHERE v IS NULL;
SELECT count(*), count(DISTINCT v), min(id) FROM btree_test WHERE v >= '[10]' AND v < '[20]';
RESET enable_seqscan;
RESET enable_bitmapscan;

-- unique means unique
CREATE TABLE unique_test (v vector(2) PRIMARY KEY);
INSERT INTO unique_test VALUES ('[1,2]'), ('[2,1]'), ('[0,0]');
INSERT INTO unique_test VALUES ('[-0,0]');
INSERT INTO unique_test VALUES ('[1,2]'), ('[3,3]') ON CONFLICT DO NOTHING;
SELECT v FROM unique_test ORDER BY v DESC;

-- merge join, without and with an index
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM btree_test a JOIN btree_test b USING (v);
SELECT count(*) FROM btree_test a JOIN btree_test b USING (v);
SELECT count(*) FROM btree_test a FULL JOIN unique_test b USING (v);
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(*) FROM btree_test a JOIN btree_test b USING (v);

-- partitions by range
CREATE TABLE range_test (v vector) PARTITION BY RANGE (v);
CREATE TABLE range_low PARTITION OF range_test FOR VALUES FROM (MINVALUE) TO ('[10]');
CREATE TABLE range_high PARTITION OF range_test FOR VALUES FROM ('[10]') TO (MAXVALUE);
INSERT INTO range_test SELECT v FROM btree_test WHERE v IS NOT NULL;
SELECT tableoid::regclass, count(*), min(v::text COLLATE "C"), max(vector_dims(v)) FROM range_test GROUP BY 1 ORDER BY 1;
DROP TABLE btree_test, unique_test, range_test;
