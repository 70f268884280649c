-- The ivfflat index over its life: inserts beyond a page, deletes and vacuum,
-- room that is used again, unlogged tables, REINDEX.
SET enable_seqscan = off;
SET client_min_messages = warning;

-- VACUUM leaves what an older snapshot, such as autovacuum's, might still see.
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

CREATE TABLE ivf_life (id int, v vector(100)) WITH (autovacuum_enabled = off);
CREATE FUNCTION ivf_fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO ivf_life SELECT i, array_agg((hashint4(i * 101 + d) & 255) / 16.0 ORDER BY d)
	FROM generate_series(first, last) i, generate_series(1, 100) d GROUP BY i ORDER BY i $$;
-- How many rows the index finds, and how many find themselves.
CREATE FUNCTION ivf_found(OUT found bigint, OUT themselves bigint) LANGUAGE sql AS $$
	SELECT (SELECT count(DISTINCT id) FROM (SELECT id FROM ivf_life ORDER BY v <-> array_fill(1, ARRAY[100])::vector) s),
		(SELECT count(*) FROM ivf_life l, LATERAL (SELECT id FROM ivf_life n ORDER BY n.v <-> l.v LIMIT 1) n WHERE n.id = l.id) $$;
SET ivfflat.probes = 4;

-- on nothing: random centers, lists without pages
CREATE INDEX ivf_life_v ON ivf_life USING ivfflat (v) WITH (lists = 4);
SELECT * FROM ivf_found();
SELECT ivf_fill(1, 500);
SELECT * FROM ivf_found();
REINDEX INDEX ivf_life_v;
SELECT * FROM ivf_found();
SELECT ivf_fill(501, 900);
SELECT * FROM ivf_found();

-- what vacuum frees is used again: the index does not grow
CREATE TEMP TABLE before AS SELECT pg_relation_size('ivf_life_v') AS bytes;
DELETE FROM ivf_life WHERE id % 3 = 0;
SELECT * FROM ivf_found();
CALL pg_temp.settle();
VACUUM (INDEX_CLEANUP on) ivf_life;
SELECT * FROM ivf_found();
SELECT reltuples FROM pg_class WHERE relname = 'ivf_life_v';
SELECT ivf_fill(id, id) FROM generate_series(3, 900, 3) id \g /dev/null
SELECT * FROM ivf_found();
SELECT pg_relation_size('ivf_life_v') = bytes AS same_size FROM before;
DELETE FROM ivf_life;
CALL pg_temp.settle();
VACUUM (INDEX_CLEANUP on) ivf_life;
SELECT * FROM ivf_found();
SELECT ivf_fill(1, 50);
SELECT * FROM ivf_found();
UPDATE ivf_life SET v = v * array_fill(2, ARRAY[100])::vector WHERE id <= 25;
SELECT * FROM ivf_found();
TRUNCATE ivf_life;
SELECT * FROM ivf_found();

-- more equal rows than a sample tells apart
INSERT INTO ivf_life SELECT i, array_fill(1, ARRAY[100]) FROM generate_series(1, 200) i;
REINDEX INDEX ivf_life_v;
SELECT found FROM ivf_found();

-- CONCURRENTLY, and a transaction that is undone
REINDEX INDEX CONCURRENTLY ivf_life_v;
BEGIN;
SELECT ivf_fill(1000, 1100);
ROLLBACK;
SELECT found FROM ivf_found();

-- unlogged
CREATE UNLOGGED TABLE ivf_unlogged (id int, v vector(3));
INSERT INTO ivf_unlogged SELECT i, ARRAY[i, 1, 1] FROM generate_series(1, 20) i;
CREATE INDEX ON ivf_unlogged USING ivfflat (v vector_cosine_ops) WITH (lists = 3);
INSERT INTO ivf_unlogged SELECT i, ARRAY[i, 1, 1] FROM generate_series(21, 40) i;
SELECT count(*) FROM (SELECT * FROM ivf_unlogged ORDER BY v <=> '[1,2,3]') s;
TRUNCATE ivf_unlogged;
SELECT count(*) FROM (SELECT * FROM ivf_unlogged ORDER BY v <=> '[1,2,3]') s;

DROP FUNCTION ivf_found, ivf_fill;
DROP TABLE ivf_life, ivf_unlogged;
