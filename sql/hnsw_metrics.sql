-- The hnsw index with inner product, cosine distance and taxicab distance.
SET enable_seqscan = off;

CREATE TABLE metric_test (id int, v vector(3));
INSERT INTO metric_test VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL), (5, '[-2,0,0]'), (6, '[10,0,-1]');
CREATE INDEX metric_ip ON metric_test USING hnsw (v vector_ip_ops);
CREATE INDEX metric_cosine ON metric_test USING hnsw (v vector_cosine_ops);
CREATE INDEX metric_l1 ON metric_test USING hnsw (v vector_l1_ops);
INSERT INTO metric_test VALUES (7, '[1,2,4]'), (8, NULL), (9, '[0,0,-0]');

-- each operator has its index
EXPLAIN (COSTS OFF) SELECT id FROM metric_test ORDER BY v <#> '[3,3,3]';
EXPLAIN (COSTS OFF) SELECT id FROM metric_test ORDER BY v <=> '[3,3,3]';
EXPLAIN (COSTS OFF) SELECT id FROM metric_test ORDER BY v <+> '[3,3,3]';

-- inner product; equal products in any order
SELECT id, v <#> '[3,3,3]' AS distance FROM metric_test WHERE id <> 9 ORDER BY v <#> '[3,3,3]';
SELECT id, v <#> '[1,0,0]' AS distance FROM metric_test ORDER BY v <#> '[1,0,0]' LIMIT 1;
SELECT id, v <#> '[-1,0,0]' AS distance FROM metric_test ORDER BY v <#> '[-1,0,0]' LIMIT 1;
SELECT count(*), min(v <#> '[0,0,0]'), max(v <#> '[0,0,0]')
FROM (SELECT v FROM metric_test ORDER BY v <#> '[0,0,0]') s;
SELECT count(*) FROM (SELECT v FROM metric_test ORDER BY v <#> (SELECT NULL::vector)) s;

-- cosine: a vector without direction is not in the index
SELECT id, round((v <=> '[3,3,3]')::numeric, 5) AS distance FROM metric_test ORDER BY v <=> '[3,3,3]';
SELECT id, round((v <=> '[-5,0,0]')::numeric, 5) AS distance FROM metric_test ORDER BY v <=> '[-5,0,0]' LIMIT 2;
-- the length of the query does not matter, nor that of the vectors
SELECT id FROM metric_test ORDER BY v <=> '[3e-10,3e-10,3e-10]' LIMIT 3;
SELECT id FROM metric_test ORDER BY v <=> '[3e10,3e10,3e10]' LIMIT 3;
-- a query without direction: no order, but rows
SELECT count(*) FROM (SELECT v FROM metric_test ORDER BY v <=> '[0,0,0]') s;
SELECT count(*) FROM (SELECT v FROM metric_test ORDER BY v <=> (SELECT NULL::vector)) s;
SELECT t.id, n.id AS nearest FROM metric_test t
CROSS JOIN LATERAL (SELECT id FROM metric_test ORDER BY v <=> t.v LIMIT 1) n
WHERE t.v <> '[0,0,0]' ORDER BY t.id;

-- taxicab
SELECT id, v <+> '[3,3,3]' AS distance FROM metric_test WHERE id <> 9 ORDER BY v <+> '[3,3,3]';
SELECT id, v <+> '[9,1,-1]' AS distance FROM metric_test ORDER BY v <+> '[9,1,-1]' LIMIT 1;
SELECT count(*) FROM (SELECT v FROM metric_test ORDER BY v <+> (SELECT NULL::vector)) s;

SELECT i AS index, metric, rows FROM unnest(ARRAY['metric_ip', 'metric_cosine', 'metric_l1']::regclass[]) i,
	ruvector.index_info(i);
SELECT i AS index, live, orphans, rows FROM unnest(ARRAY['metric_ip', 'metric_cosine', 'metric_l1']::regclass[]) i,
	ruvector.index_check(i);

-- all zero: an index with nothing in it
CREATE TABLE zero_test (v vector(2));
INSERT INTO zero_test SELECT '[0,0]' FROM generate_series(1, 30);
CREATE INDEX zero_cosine ON zero_test USING hnsw (v vector_cosine_ops);
CREATE INDEX zero_ip ON zero_test USING hnsw (v vector_ip_ops);
SELECT count(*) FROM (SELECT v FROM zero_test ORDER BY v <=> '[1,1]') s;
SELECT count(*) FROM (SELECT v FROM zero_test ORDER BY v <#> '[1,1]') s;
UPDATE zero_test SET v = '[1,2]' WHERE ctid = (SELECT min(ctid) FROM zero_test);
SELECT v FROM zero_test ORDER BY v <=> '[1,1]';
UPDATE zero_test SET v = '[0,0]';
SELECT v FROM zero_test ORDER BY v <=> '[1,1]';
SELECT i AS index, rows FROM unnest(ARRAY['zero_cosine', 'zero_ip']::regclass[]) i, ruvector.index_check(i);

-- Small, middling and large dimensions: recall against sorting, and the order
-- of what is returned.
CREATE FUNCTION metric_point(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(((hashint4(i * 1009 + d) & 65535) - 32768) / 32768.0 * (1 + abs(i) % 3) ORDER BY d)::vector
	FROM generate_series(1, dims) d $$;
CREATE TABLE metric_many (id int, a vector(12), b vector(64), c vector(200), d vector(32));
INSERT INTO metric_many SELECT i, metric_point(i, 12), metric_point(i, 64), metric_point(i, 200), metric_point(i, 32)
FROM generate_series(1, 1000) i;
CREATE TABLE metric_query AS
SELECT i, metric_point(-i, 12) AS a, metric_point(-i, 64) AS b, metric_point(-i, 200) AS c, metric_point(-i, 32) AS d
FROM generate_series(1, 10) i;
ANALYZE metric_many, metric_query;

-- [recall of 10, rows out of order] of one column with one operator
CREATE FUNCTION metric_quality(col name, op text, OUT recall bool, OUT hits bigint, OUT out_of_order bigint)
LANGUAGE plpgsql AS $$
DECLARE
	class text := CASE op WHEN '<#>' THEN 'vector_ip_ops' WHEN '<=>' THEN 'vector_cosine_ops' ELSE 'vector_l1_ops' END;
	common bigint;
BEGIN
	EXECUTE format('CREATE INDEX metric_many_index ON metric_many USING hnsw (%I %I)', col, class);
	EXECUTE format($q$
		WITH found AS MATERIALIZED (
			SELECT q.i, n.id, n.x, lag(n.x) OVER (PARTITION BY q.i) AS before FROM metric_query q,
				LATERAL (SELECT id, %1$I %2$s q.%1$I AS x FROM metric_many ORDER BY %1$I %2$s q.%1$I LIMIT 10) n),
		exact AS MATERIALIZED (
			SELECT q.i, n.id FROM metric_query q,
				LATERAL (SELECT id FROM metric_many ORDER BY (%1$I %2$s q.%1$I) + 0 LIMIT 10) n)
		SELECT (SELECT count(*) FROM found JOIN exact USING (i, id)), (SELECT count(*) FROM found),
			(SELECT count(*) FROM found WHERE x < before)$q$, col, op) INTO common, hits, out_of_order;
	recall := common >= 90;
	IF NOT recall THEN
		RAISE NOTICE 'recall of 100: %', common;
	END IF;
	-- vectors that are nobody's neighbours may lose every link that leads to them
	PERFORM FROM ruvector.index_check('metric_many_index')
	WHERE rows <> 1000 OR orphans > CASE WHEN op IN ('<#>', '<+>') THEN 100 ELSE 0 END;
	IF FOUND THEN
		RAISE 'not every row can be reached';
	END IF;
	DROP INDEX metric_many_index;
END $$;
SELECT op, col AS column, q.*
FROM (VALUES ('<#>', 'a'), ('<#>', 'b'), ('<#>', 'c'), ('<=>', 'a'), ('<=>', 'b'), ('<=>', 'c'), ('<+>', 'a'), ('<+>', 'b'), ('<+>', 'c'), ('<+>', 'd')) s (op, col),
	metric_quality(col, op) q;

-- the classes validate
SELECT opcname, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
WHERE amname = 'hnsw' ORDER BY opcname::text COLLATE "C";
DROP TABLE metric_test, zero_test, metric_many, metric_query;
DROP FUNCTION metric_point, metric_quality;
