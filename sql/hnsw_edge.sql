-- Values and shapes at the edges of what an hnsw index takes.
SET enable_seqscan = off;

-- VACUUM leaves what an older snapshot, such as autovacuum's, might still see.
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

-- one dimension
CREATE TABLE edge_one (id int, v vector(1));
INSERT INTO edge_one SELECT i, ARRAY[i * 7 % 101] FROM generate_series(1, 100) i;
CREATE INDEX edge_one_l2 ON edge_one USING hnsw (v vector_l2_ops);
CREATE INDEX edge_one_ip ON edge_one USING hnsw (v vector_ip_ops);
CREATE INDEX edge_one_cosine ON edge_one USING hnsw (v vector_cosine_ops);
CREATE INDEX edge_one_l1 ON edge_one USING hnsw (v vector_l1_ops);
INSERT INTO edge_one VALUES (101, '[-5]'), (102, '[0]');
SELECT id, v FROM edge_one ORDER BY v <-> '[50.2]' LIMIT 3;
SELECT id, v FROM edge_one ORDER BY v <#> '[2]' LIMIT 3;
SELECT id, v FROM edge_one ORDER BY v <=> '[-1]' LIMIT 1;
SELECT id, v FROM edge_one ORDER BY v <+> '[0]' LIMIT 3;
SELECT i AS index, live, rows FROM unnest(ARRAY['edge_one_l2', 'edge_one_ip', 'edge_one_cosine', 'edge_one_l1']::regclass[]) i,
	ruvector.index_check(i);

-- 2,000 dimensions; vectors that are far apart, so that ids can be named
CREATE FUNCTION edge_wide(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(i + (hashint4(i * 2003 + d) & 255) / 1024.0 ORDER BY d)::vector(2000)
	FROM generate_series(1, 2000) d $$;
CREATE TABLE edge_wide (id int, v vector(2000));
INSERT INTO edge_wide SELECT i, edge_wide(i) FROM generate_series(1, 60) i;
CREATE INDEX edge_wide_l2 ON edge_wide USING hnsw (v vector_l2_ops);
CREATE INDEX edge_wide_ip ON edge_wide USING hnsw (v vector_ip_ops);
CREATE INDEX edge_wide_cosine ON edge_wide USING hnsw (v vector_cosine_ops);
CREATE INDEX edge_wide_l1 ON edge_wide USING hnsw (v vector_l1_ops);
INSERT INTO edge_wide SELECT i, edge_wide(i) FROM generate_series(61, 80) i;
SELECT id FROM edge_wide ORDER BY v <-> edge_wide(70) LIMIT 1;
SELECT id FROM edge_wide ORDER BY v <#> edge_wide(70) LIMIT 3;
SELECT id FROM edge_wide ORDER BY v <=> edge_wide(33) LIMIT 1;
SELECT id FROM edge_wide ORDER BY v <+> (SELECT v FROM edge_wide WHERE id = 12) LIMIT 1;
SELECT i AS index, live, rows
FROM unnest(ARRAY['edge_wide_l2', 'edge_wide_ip', 'edge_wide_cosine', 'edge_wide_l1']::regclass[]) i, ruvector.index_check(i);
SELECT i AS index, dims, m, rows
FROM unnest(ARRAY['edge_wide_l2', 'edge_wide_ip', 'edge_wide_cosine', 'edge_wide_l1']::regclass[]) i, ruvector.index_info(i);

-- queries of other dimensions
SELECT id FROM edge_one ORDER BY v <-> '[1,2]' LIMIT 1;
SELECT id FROM edge_one ORDER BY v <=> (SELECT '[1,2]'::vector) LIMIT 1;

-- Every number of dimensions around the limits of one code or another: the
-- vector itself comes first, and the order holds.
CREATE FUNCTION edge_dims(dims int, OUT first_is_self bool, OUT in_order bool, OUT complete bool) LANGUAGE plpgsql AS $$
DECLARE
	op text;
	r record;
BEGIN
	EXECUTE format('CREATE TABLE edge_dims (id int, v vector(%s))', dims);
	EXECUTE format('INSERT INTO edge_dims SELECT i, array_agg(((hashint4(i * 4001 + d) & 65535) - 32768) / 1000.0 ORDER BY d)
		FROM generate_series(1, 60) i, generate_series(1, %s) d GROUP BY i', dims);
	CREATE INDEX edge_dims_l2 ON edge_dims USING hnsw (v vector_l2_ops);
	CREATE INDEX edge_dims_ip ON edge_dims USING hnsw (v vector_ip_ops);
	CREATE INDEX edge_dims_cosine ON edge_dims USING hnsw (v vector_cosine_ops);
	CREATE INDEX edge_dims_l1 ON edge_dims USING hnsw (v vector_l1_ops);
	first_is_self := true;
	in_order := true;
	FOREACH op IN ARRAY ARRAY['<->', '<#>', '<=>', '<+>'] LOOP
		EXECUTE format('SELECT count(*) AS n, coalesce(bool_and(d >= before), true) AS in_order, min(id) FILTER (WHERE before IS NULL) AS first
			FROM (SELECT id, d, lag(d) OVER () AS before FROM (
				SELECT id, v %1$s q AS d FROM edge_dims, (SELECT v AS q FROM edge_dims WHERE id = 30) q
				ORDER BY v %1$s q LIMIT 40) s) t', op) INTO r;
		in_order := in_order AND r.in_order AND r.n = 40;
		first_is_self := first_is_self AND (op = '<#>' OR r.first = 30);
	END LOOP;
	SELECT bool_and(rows = 60 AND (orphans = 0 OR i = 'edge_dims_ip'::regclass)) INTO complete
	FROM unnest(ARRAY['edge_dims_l2', 'edge_dims_ip', 'edge_dims_cosine', 'edge_dims_l1']::regclass[]) i, ruvector.index_check(i);
	DROP TABLE edge_dims;
END $$;
SELECT count(*), bool_and(first_is_self) AS first_is_self, bool_and(in_order) AS in_order, bool_and(complete) AS complete
FROM unnest(ARRAY[2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128, 129, 255, 256, 257, 511, 512, 513, 768,
	1000, 1023, 1024, 1025, 1535, 1536, 1537, 1999]) dims, edge_dims(dims);

-- sums beyond a float are infinite, not an error
CREATE TABLE edge_huge (id int, v vector(2));
INSERT INTO edge_huge VALUES (1, '[1e38,1e38]'), (2, '[-3e38,3e38]'), (3, '[3e38,3e38]'), (4, '[0,0]'), (5, '[2,2]'),
	(6, '[-1e38,2]'), (7, '[1e10,1e10]');
CREATE INDEX edge_huge_l2 ON edge_huge USING hnsw (v vector_l2_ops);
INSERT INTO edge_huge SELECT id + 10, v FROM edge_huge;
SELECT v, v <-> '[1,1]' AS distance FROM edge_huge WHERE id IN (4, 5, 7) ORDER BY v <-> '[1,1]';
SELECT count(*) FILTER (WHERE d = 'infinity') AS infinite, count(*) FILTER (WHERE d < 'infinity') AS finite,
	bool_and(d >= before OR before IS NULL) AS in_order
FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> '[1,1]' AS d FROM edge_huge ORDER BY v <-> '[1,1]') s) t;
SELECT v FROM edge_huge ORDER BY v <-> '[3e38,3e38]' LIMIT 2;
SELECT count(*) FROM (SELECT v FROM edge_huge ORDER BY v <-> '[3e38,3e38]') s;
SELECT rows FROM ruvector.index_check('edge_huge_l2');
DROP INDEX edge_huge_l2;
CREATE INDEX edge_huge_ip ON edge_huge USING hnsw (v vector_ip_ops);
SELECT count(*), count(*) FILTER (WHERE d < before) AS out_of_order
FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <#> '[1,1]' AS d FROM edge_huge ORDER BY v <#> '[1,1]') s) t;
SELECT rows FROM ruvector.index_check('edge_huge_ip');
DROP INDEX edge_huge_ip;
CREATE INDEX edge_huge_l1 ON edge_huge USING hnsw (v vector_l1_ops);
SELECT count(*), count(*) FILTER (WHERE d < before) AS out_of_order
FROM (SELECT d, lag(d) OVER () AS before FROM (SELECT v <+> '[1,1]' AS d FROM edge_huge ORDER BY v <+> '[1,1]') s) t;
SELECT rows FROM ruvector.index_check('edge_huge_l1');

-- values that a square makes vanish
CREATE TABLE edge_tiny (id int, v vector(3));
INSERT INTO edge_tiny VALUES (1, '[1e-45,0,0]'), (2, '[1e-40,1e-45,0]'), (3, '[0,-1e-38,0]'), (4, '[0,0,0]'), (5, '[1e-10,0,0]'),
	(6, '[0,2e-10,0]'), (7, '[1,0,0]');
CREATE INDEX edge_tiny_l2 ON edge_tiny USING hnsw (v vector_l2_ops);
CREATE INDEX edge_tiny_l1 ON edge_tiny USING hnsw (v vector_l1_ops);
SELECT id FROM edge_tiny WHERE id > 4 ORDER BY v <-> '[0,0,0]';
SELECT count(*) FROM (SELECT id FROM edge_tiny ORDER BY v <-> '[0,0,0]') s;
SELECT id FROM edge_tiny ORDER BY v <+> '[0,0,0]';
SELECT i AS index, live, rows FROM unnest(ARRAY['edge_tiny_l2', 'edge_tiny_l1']::regclass[]) i, ruvector.index_check(i);

-- Cosines of such vectors are what the operator makes of them, in its order.
CREATE TABLE edge_cosine (id int, v vector(2));
INSERT INTO edge_cosine VALUES (1, '[1e38,1e38]'), (2, '[-3e38,3e38]'), (3, '[-1e38,2]'), (4, '[1e-40,1e-45]'), (5, '[-1e-22,1e-23]'),
	(6, '[1e-22,2e-22]'), (7, '[1,1]'), (8, '[-1,-1]'), (9, '[0,0]'), (10, '[1e-45,0]');
CREATE INDEX edge_cosine_v ON edge_cosine USING hnsw (v vector_cosine_ops);
SELECT q, count(*), count(*) FILTER (WHERE d < before) AS out_of_order
FROM unnest(ARRAY['[1,1]', '[-1e-22,3e-22]', '[3e38,3e38]', '[1e-45,0]']) q,
	LATERAL (SELECT d, lag(d) OVER () AS before FROM (
		SELECT v <=> q::vector AS d FROM edge_cosine ORDER BY v <=> q::vector) s) t
GROUP BY q ORDER BY q COLLATE "C";
SELECT rows FROM ruvector.index_check('edge_cosine_v');

-- equal vectors: rows of one node, then of several nodes
CREATE TABLE edge_equal (id int, v vector(3));
INSERT INTO edge_equal SELECT i, '[1,2,3]' FROM generate_series(1, 10) i;
CREATE INDEX edge_equal_v ON edge_equal USING hnsw (v vector_l2_ops);
SELECT live, rows FROM ruvector.index_check('edge_equal_v');
INSERT INTO edge_equal SELECT i, '[1,2,3]' FROM generate_series(11, 38) i;
INSERT INTO edge_equal SELECT i, ARRAY[i, 0, 0] FROM generate_series(101, 120) i;
SELECT rows, live < 58 AS shared FROM ruvector.index_check('edge_equal_v');
SELECT count(*), bool_and(v = '[1,2,3]') AS equal FROM (SELECT v FROM edge_equal ORDER BY v <-> '[1,2,3]' LIMIT 38) s;
SELECT count(DISTINCT id), min(id), max(id) FROM (SELECT id FROM edge_equal ORDER BY v <-> '[1,2,2]' LIMIT 38) s;
SET hnsw.iterative_scan = strict_order;
SET hnsw.ef_search = 1;
SELECT count(DISTINCT id), count(*) FROM (SELECT id FROM edge_equal WHERE v = '[1,2,3]' ORDER BY v <-> '[1,2,3]') s;
RESET hnsw.iterative_scan;
RESET hnsw.ef_search;
-- -0 is equal to 0, though not the same bytes
INSERT INTO edge_equal VALUES (201, '[0,-0,0]'), (202, '[-0,0,-0]'), (203, '[0,0,0]');
SELECT id FROM (SELECT id FROM edge_equal ORDER BY v <-> '[0,0,0]' LIMIT 3) s ORDER BY id;
DELETE FROM edge_equal WHERE v = '[1,2,3]' AND id <> 17;
CALL pg_temp.settle();
VACUUM edge_equal;
SELECT id FROM edge_equal ORDER BY v <-> '[1,2,3]' LIMIT 1;
SELECT dead, orphans, rows FROM ruvector.index_check('edge_equal_v');
DROP TABLE edge_one, edge_wide, edge_huge, edge_tiny, edge_cosine, edge_equal;
DROP FUNCTION edge_wide, edge_dims;
