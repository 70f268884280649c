-- Hash operator class of vector: hash joins, hash aggregates, hash indexes.

-- equal vectors, equal hashes: the sign of zero must not matter
SELECT bool_and((vector_hash(a) = vector_hash(b)) = (a = b)) AS hash,
	bool_and((vector_hash_extended(a, 0) = vector_hash_extended(b, 0)) = (a = b)) AS extended,
	bool_and((vector_hash_extended(a, 42) = vector_hash_extended(b, 42)) = (a = b)) AS seeded,
	count(*) FILTER (WHERE a = b) AS equal
FROM unnest(ARRAY['[0]', '[-0]', '[0,0]', '[-0,0]', '[0,-0]', '[1]', '[-1]', '[1,0]', '[1,-0]', '[0,1]',
		'[1e-45]', '[1,2,3]', '[3,2,1]']::vector[]) a,
	unnest(ARRAY['[0]', '[-0]', '[0,0]', '[-0,0]', '[0,-0]', '[1]', '[-1]', '[1,0]', '[1,-0]', '[0,1]',
		'[1e-45]', '[1,2,3]', '[3,2,1]']::vector[]) b;
-- as the other types do it: seed 0 gives the same low half, another seed another hash
SELECT bool_and(vector_hash(v) = (vector_hash_extended(v, 0) & 4294967295)::bit(32)::int) AS low_half,
	bool_and(vector_hash_extended(v, 0) <> vector_hash_extended(v, 1)) AS seed,
	count(DISTINCT vector_hash(v)) AS hashes
FROM (SELECT ARRAY[i, i + 1, i * 0.5]::vector AS v FROM generate_series(1, 1000) i) s;

CREATE TABLE hash_test (id int, v vector);
INSERT INTO hash_test SELECT i, ARRAY[i % 100, i % 7] FROM generate_series(1, 2100) i;
INSERT INTO hash_test VALUES (2101, '[0,0]'), (2102, '[-0,-0]'), (2103, '[0]'), (2104, NULL);
ANALYZE hash_test;

-- joins
EXPLAIN (COSTS OFF) SELECT count(*) FROM hash_test a JOIN hash_test b USING (v);
SELECT count(*) FROM hash_test a JOIN hash_test b USING (v);
SET enable_hashjoin = off;
SELECT count(*) FROM hash_test a JOIN hash_test b USING (v);
RESET enable_hashjoin;
SELECT a.v, b.v FROM hash_test a JOIN hash_test b USING (v) WHERE a.id = 2101 AND b.id > 2100 ORDER BY b.id;
SELECT count(*) FROM hash_test a FULL JOIN (VALUES ('[1,1]'::vector), ('[-0,0]'), ('[7]')) b (v) USING (v);
SELECT count(*) FROM hash_test WHERE v IN (SELECT v FROM hash_test WHERE id < 11);
SELECT count(*) FROM hash_test WHERE v NOT IN (SELECT v FROM hash_test WHERE id < 11);

-- groups
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT v, count(*) FROM hash_test GROUP BY v;
EXPLAIN (COSTS OFF) SELECT DISTINCT v FROM hash_test;
SELECT count(*), sum(n) FROM (SELECT v, count(*) AS n FROM hash_test GROUP BY v) s;
SELECT count(*) FROM (SELECT DISTINCT v FROM hash_test) s;
SELECT count(*) FROM (SELECT v FROM hash_test UNION SELECT '[-0]'::vector) s;
SELECT count(*) FROM (SELECT v FROM hash_test WHERE id < 50 INTERSECT SELECT v FROM hash_test WHERE id > 20) s;
RESET enable_sort;
SELECT count(*) FROM (SELECT DISTINCT v FROM hash_test) s;

-- values beyond a page
SELECT count(*) FROM (SELECT array_agg(i * d % 50) FILTER (WHERE true) AS a
	FROM generate_series(1, 20) i, generate_series(1, 3000) d GROUP BY i) x
JOIN (SELECT array_agg((i + 50) * d % 50) AS a
	FROM generate_series(1, 20) i, generate_series(1, 3000) d GROUP BY i) y ON x.a::vector = y.a::vector;

-- an index
CREATE INDEX hash_test_v ON hash_test USING hash (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM hash_test WHERE v = '[0,-0]';
SELECT min(id), max(id), count(*) FROM hash_test WHERE v = '[0,-0]';
SELECT count(*) FROM hash_test WHERE v = '[0]';
RESET enable_seqscan;
RESET enable_bitmapscan;

-- partitions by hash
CREATE TABLE part_test (v vector) PARTITION BY HASH (v);
CREATE TABLE part_0 PARTITION OF part_test FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part_test FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part_test SELECT v FROM hash_test;
SELECT count(*) = 2104 AS whole, count(DISTINCT tableoid) AS parts,
	count(DISTINCT tableoid) FILTER (WHERE v = '[0,0]') AS parts_of_zero FROM part_test;

-- the classes validate
SELECT amname, opcname, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype = 'vector'::regtype AND amname IN ('btree', 'hash') ORDER BY 1, 2;
DROP TABLE hash_test, part_test;
