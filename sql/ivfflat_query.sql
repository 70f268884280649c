-- The ivfflat index: what is in it, what comes out, in which order.
SET enable_seqscan = off;
SET client_min_messages = warning;

CREATE TABLE ivf_l2 (id int, v vector(3));
INSERT INTO ivf_l2 VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL);
CREATE INDEX ivf_l2_v ON ivf_l2 USING ivfflat (v) WITH (lists = 1);
INSERT INTO ivf_l2 VALUES (5, '[1,2,4]'), (6, NULL), (7, '[-3,-3,-3]');
EXPLAIN (COSTS OFF) SELECT id FROM ivf_l2 ORDER BY v <-> '[3,3,3]';
-- NULLs are not in the index
SELECT id, v, v <-> '[3,3,3]' AS distance FROM ivf_l2 ORDER BY v <-> '[3,3,3]';
SELECT id FROM ivf_l2 WHERE id % 2 = 1 ORDER BY v <-> '[0,0,0]';
-- a query that is NULL orders nothing and finds everything
SELECT count(*), count(v) FROM (SELECT v FROM ivf_l2 ORDER BY v <-> (SELECT NULL::vector)) s;
-- two keys: the second decides between equals of the first
INSERT INTO ivf_l2 VALUES (8, '[-1,-1,-1]');
SELECT id FROM ivf_l2 ORDER BY v <-> '[0,0,0]', v <-> '[-5,-5,-5]' LIMIT 3;
SELECT id FROM ivf_l2 ORDER BY v <-> '[1,2]' LIMIT 1;

-- inner product: rows with no direction are rows
CREATE TABLE ivf_ip (id int, v vector(3));
INSERT INTO ivf_ip VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL);
CREATE INDEX ivf_ip_v ON ivf_ip USING ivfflat (v vector_ip_ops) WITH (lists = 1);
INSERT INTO ivf_ip VALUES (5, '[1,2,4]'), (6, '[0,0,0]'), (7, '[-1,0,0]');
SELECT id, v <#> '[3,3,3]' AS distance FROM ivf_ip ORDER BY v <#> '[3,3,3]';

-- cosine: they are not in the index, and give no order as a query
CREATE TABLE ivf_cosine (id int, v vector(3));
INSERT INTO ivf_cosine VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL);
CREATE INDEX ivf_cosine_v ON ivf_cosine USING ivfflat (v vector_cosine_ops) WITH (lists = 1);
INSERT INTO ivf_cosine VALUES (5, '[1,2,4]'), (6, '[0,0,0]'), (7, '[-1e-20,0,0]'), (8, '[3e30,3e30,2e30]');
SELECT id FROM ivf_cosine ORDER BY v <=> '[3,3,3]';
SELECT count(*) FROM (SELECT * FROM ivf_cosine ORDER BY v <=> '[0,0,0]') s;
SELECT count(*) FROM (SELECT * FROM ivf_cosine ORDER BY v <=> (SELECT NULL::vector)) s;

-- All probes: as exact as a sort, for every metric, whether the rows fit into
-- work_mem or not, and for any number of them taken.
CREATE TABLE ivf_many (id int, v vector(5));
INSERT INTO ivf_many SELECT i, array_agg(((hashint4(i * 17 + d) & 1023) - 500) / 8.0 ORDER BY d)
	FROM generate_series(1, 9000) i, generate_series(1, 5) d GROUP BY i;
CREATE INDEX ivf_many_l2 ON ivf_many USING ivfflat (v vector_l2_ops) WITH (lists = 40);
CREATE INDEX ivf_many_ip ON ivf_many USING ivfflat (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX ivf_many_cosine ON ivf_many USING ivfflat (v vector_cosine_ops) WITH (lists = 40);
CREATE FUNCTION ivf_compare(op text, k int, OUT rows bigint, OUT in_order bool, OUT as_sorted bool) LANGUAGE plpgsql AS $$
DECLARE
	by_index float8[];
	by_sort float8[];
	query text := format('SELECT array_agg(d) FROM (SELECT v %1$s ''[3,-7,11,1,0.5]'' AS d FROM ivf_many
		ORDER BY v %1$s ''[3,-7,11,1,0.5]'' LIMIT %2$s) s', op, k);
BEGIN
	EXECUTE query INTO by_index;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_seqscan = on;
	EXECUTE query INTO by_sort;
	RESET enable_indexscan;
	SET LOCAL enable_seqscan = off;
	rows := cardinality(by_index);
	-- the cosine is ordered as it follows from rounded unit vectors
	SELECT bool_and(coalesce(d >= before - 1e-6, true)) INTO in_order
	FROM (SELECT d, lag(d) OVER (ORDER BY o) AS before FROM unnest(by_index) WITH ORDINALITY u (d, o)) s;
	SELECT bool_and(abs(i - s) < 1e-6) INTO as_sorted FROM unnest(by_index, by_sort) u (i, s);
END $$;
SET ivfflat.probes = 40;
SELECT op, k, c.* FROM unnest(ARRAY['<->', '<#>', '<=>']) op, unnest(ARRAY[1, 10, 400, 9000]) k, ivf_compare(op, k) c;
SET work_mem = '64kB';
SELECT op, k, c.* FROM unnest(ARRAY['<->', '<#>', '<=>']) op, unnest(ARRAY[10, 9000]) k, ivf_compare(op, k) c;
RESET work_mem;
-- more probes than lists
SET ivfflat.probes = 32768;
SELECT count(*) FROM (SELECT id FROM ivf_many ORDER BY v <-> '[0,0,0,0,0]') s;

-- Fewer probes find fewer rows, the nearest of them the same.
SET ivfflat.probes = 1;
SELECT count(*) BETWEEN 1 AND 4000 AS some FROM (SELECT id FROM ivf_many ORDER BY v <-> '[0,0,0,0,0]') s;
SELECT count(*) AS found FROM generate_series(1, 9000, 100) i,
	LATERAL (SELECT id FROM ivf_many m ORDER BY v <-> (SELECT v FROM ivf_many WHERE id = i) LIMIT 1) n WHERE n.id = i;

-- Iterative: all lists in turn, each row once; max_probes bounds them.
SET ivfflat.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ivf_many ORDER BY v <-> '[0,0,0,0,0]') s;
SELECT count(*) FROM (SELECT id FROM ivf_many WHERE id % 1000 = 7 ORDER BY v <-> '[0,0,0,0,0]' LIMIT 9) s;
SET ivfflat.max_probes = 39;
SELECT count(*) < 9000 AS fewer FROM (SELECT id FROM ivf_many ORDER BY v <-> '[0,0,0,0,0]') s;
-- probes, if they are more
SET ivfflat.probes = 40;
SELECT count(*) FROM (SELECT id FROM ivf_many ORDER BY v <-> '[0,0,0,0,0]') s;
RESET ivfflat.iterative_scan;
RESET ivfflat.max_probes;
-- a scan that is begun again
SET ivfflat.probes = 40;
SET enable_material = off;
SELECT count(*), count(DISTINCT n.id) FROM generate_series(1, 5) i, LATERAL (SELECT id FROM ivf_many ORDER BY v <-> ARRAY[i,i,i,i,i]::vector LIMIT 3) n;

DROP FUNCTION ivf_compare;
DROP TABLE ivf_l2, ivf_ip, ivf_cosine, ivf_many;
