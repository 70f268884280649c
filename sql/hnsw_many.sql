-- Many equal vectors, several orders, and space that is used again.
SET client_min_messages = warning;
SET enable_seqscan = off;

-- noise between -1 and 1 that is the same everywhere
CREATE FUNCTION many_noise(seed int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sin(seed * 12.9898 + i * 78.233 + seed * i * 0.37)::real ORDER BY i)::vector
	FROM generate_series(1, dims) i
$$;

-- 3,000 equal rows share nodes, ten a node, and every one of them is found
CREATE TABLE many_equal (id int, v vector(40));
INSERT INTO many_equal SELECT i, array_fill(0.5::real, ARRAY[40])::vector FROM generate_series(1, 2000) i;
CREATE INDEX many_equal_v ON many_equal USING hnsw (v vector_l2_ops);
INSERT INTO many_equal SELECT i, array_fill(0.5::real, ARRAY[40])::vector FROM generate_series(2001, 3000) i;
SELECT rows, orphans, live < 400 AS shared FROM ruvector.index_check('many_equal_v');
SET hnsw.iterative_scan = strict_order;
SELECT count(DISTINCT id) FROM (SELECT id FROM many_equal ORDER BY v <-> many_noise(1, 40) LIMIT 5000) x;
-- half of them go, others take their place
DELETE FROM many_equal WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP on) many_equal;
INSERT INTO many_equal SELECT i, array_fill(0.5::real, ARRAY[40])::vector FROM generate_series(3001, 4000) i;
SELECT rows, dead, orphans FROM ruvector.index_check('many_equal_v');
SELECT count(DISTINCT id) FROM (SELECT id FROM many_equal ORDER BY v <-> many_noise(1, 40) LIMIT 5000) x;
DROP TABLE many_equal;

-- equal rows among others do not hide these, wherever they are
CREATE TABLE many_mixed (id int, v vector(40));
INSERT INTO many_mixed SELECT i, CASE WHEN i % 4 > 0 THEN array_fill(0::real, ARRAY[40])::vector
	ELSE many_noise(i, 40) END FROM generate_series(1, 2000) i;
CREATE INDEX many_mixed_v ON many_mixed USING hnsw (v vector_l2_ops);
SELECT rows, orphans FROM ruvector.index_check('many_mixed_v');
SET hnsw.iterative_scan = relaxed_order;
SELECT count(DISTINCT id) FROM (SELECT id FROM many_mixed ORDER BY v <-> many_noise(1, 40) LIMIT 5000) x;
SELECT count(DISTINCT id) FROM (SELECT id FROM many_mixed ORDER BY v <-> array_fill(0::real, ARRAY[40])::vector LIMIT 5000) x;
RESET hnsw.iterative_scan;
DROP TABLE many_mixed;

-- clusters far from each other are not cut off when most of a cluster goes
CREATE TABLE many_clusters (id int, v vector(40));
INSERT INTO many_clusters
	SELECT i, (SELECT array_agg(100 * sin(1 + i * 7919 % 100 * 12.9898 + d * 78.233) + sin(i * 3.7 + d * 1.3) ORDER BY d)
		FROM generate_series(1, 40) d)::real[]::vector
	FROM generate_series(1, 2000) i;
CREATE INDEX many_clusters_v ON many_clusters USING hnsw (v vector_l1_ops);
DELETE FROM many_clusters WHERE id % 4 <> 0;
VACUUM (INDEX_CLEANUP on) many_clusters;
SELECT rows, dead, orphans FROM ruvector.index_check('many_clusters_v');
DROP TABLE many_clusters;

-- the second order decides where the first cannot
CREATE TABLE many_orders (id int, v vector(3));
INSERT INTO many_orders SELECT i, many_noise(i, 3) FROM generate_series(1, 30) i;
CREATE INDEX many_orders_v ON many_orders USING hnsw (v vector_ip_ops);
EXPLAIN (COSTS OFF) SELECT id FROM many_orders ORDER BY v <#> '[0,0,0]', v <#> '[1,2,3]';
SELECT array_agg(id) AS by_index FROM (SELECT id FROM many_orders ORDER BY v <#> '[0,0,0]', v <#> '[1,2,3]' LIMIT 30) x \gset
SELECT array_agg(id) AS by_null FROM (SELECT id FROM many_orders ORDER BY v <#> NULL, v <#> '[1,2,3]' LIMIT 30) x \gset
SET enable_indexscan = off;
SELECT array_agg(id) = :'by_index' AS same, array_agg(id) = :'by_null' AS same_after_null
FROM (SELECT id FROM many_orders ORDER BY v <#> '[1,2,3]' LIMIT 30) x;
RESET enable_indexscan;
DROP TABLE many_orders;

-- a slot that is free is found again, however few a page has
CREATE TABLE many_slots (id int, v vector(768));
INSERT INTO many_slots SELECT i, many_noise(i, 768) FROM generate_series(1, 200) i;
CREATE INDEX many_slots_v ON many_slots USING hnsw (v vector_l2_ops);
SELECT pg_relation_size('many_slots_v') AS before \gset
DELETE FROM many_slots WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP on) many_slots;
INSERT INTO many_slots SELECT i, many_noise(i, 768) FROM generate_series(201, 300) i;
SELECT pg_relation_size('many_slots_v') - :before AS grown;
SELECT rows, dead, orphans FROM ruvector.index_check('many_slots_v');
DROP TABLE many_slots;
DROP FUNCTION many_noise;
