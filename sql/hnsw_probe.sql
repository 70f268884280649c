-- Recall of an index: measured, kept, looked after.
CREATE FUNCTION probe_point(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(((hashint4(i * 1009 + d) & 65535) - 32768) / 32768.0 ORDER BY d)::vector
	FROM generate_series(1, dims) d $$;
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;
CREATE TABLE probe (id int PRIMARY KEY, a vector(3), b vector(40), c vector(48), d vector(100))
	WITH (autovacuum_enabled = off);
INSERT INTO probe SELECT i, probe_point(i, 3), probe_point(i, 40), probe_point(i, 48), probe_point(i, 100)
FROM generate_series(1, 1000) i;
-- what an index does not have is not missed: NULL, and the zero vector under the cosine
INSERT INTO probe VALUES (1001, NULL, NULL, NULL, array_fill(0, '{100}'));
CREATE INDEX probe_a ON probe USING hnsw (a vector_l2_ops);
CREATE INDEX probe_b ON probe USING hnsw (b vector_l1_ops);
CREATE INDEX probe_c ON probe USING hnsw (c vector_ip_ops);
CREATE INDEX probe_d ON probe USING hnsw (d vector_cosine_ops);

-- a search that visits everything finds everything
SET hnsw.ef_search = 1000;
SELECT i, recall, low BETWEEN 0.96 AND 0.97 AS low, high, queries, k, ef_search, rows, exact_ms > 0 AS exact_ms, index_ms > 0 AS index_ms
FROM unnest('{probe_a,probe_b,probe_d}'::regclass[]) i, ruvector.measure_recall(i);
-- under the inner product a node may be out of reach
SELECT recall > 0.9 AND high >= recall AND low <= recall AS recall, rows FROM ruvector.measure_recall('probe_c');
SELECT recall, queries, k, rows FROM ruvector.measure_recall('probe_b', k => 1000, sample => 20);
SELECT recall, queries, k FROM ruvector.measure_recall('probe_a', sample => 10000);

-- less effort finds less; a row that is not shown is not found
CREATE TABLE probe_found AS
SELECT e.ef, r.* FROM unnest('{1,10,200}'::int[]) WITH ORDINALITY e(ef, n),
	LATERAL (SELECT set_config('hnsw.ef_search', e.ef::text || left(e.n::text, 0), false) AS s OFFSET 0) s,
	LATERAL ruvector.measure_recall('probe_d', k => 10 + 0 * length(s.s), sample => 200, seed => 1) r;
SELECT ef, ef_search, recall <= 0.1 AS one_of_ten, low < recall AND recall <= high AND high <= 1 AS inside,
	recall > lag(recall) OVER (ORDER BY ef) AS better FROM probe_found ORDER BY ef;
-- a seed repeats the sample
SET hnsw.ef_search = 10;
SELECT (SELECT recall FROM ruvector.measure_recall('probe_d', seed => 5)) = (SELECT recall FROM ruvector.measure_recall('probe_d', seed => 5)) AS same;
-- the planner has no say, and all orders of a scan are measured
SET enable_indexscan = off;
SET hnsw.ef_search = 20;
SELECT mode, recall BETWEEN 0.3 AND 1 AS recall
FROM unnest('{off,relaxed_order,strict_order}'::text[]) mode,
	LATERAL (SELECT set_config('hnsw.iterative_scan', mode, false) AS s OFFSET 0) s,
	LATERAL ruvector.measure_recall('probe_d', k => 10 + 0 * length(s.s));
RESET hnsw.iterative_scan;
RESET enable_indexscan;

-- the same as SQL says, for queries that are none of the rows
SELECT count(ruvector.probe_add('probe_d', probe_point(5000 + i, 100))) FROM generate_series(1, 40) i;
SET hnsw.ef_search = 12;
SET enable_seqscan = off;
CREATE TABLE probe_truth AS
SELECT q.id,
	(SELECT array_agg(x) FROM (SELECT d <=> q.query AS x FROM probe WHERE id <= 1000 ORDER BY (d <=> q.query) + 0 LIMIT 10) s) AS truth,
	(SELECT array_agg(x) FROM (SELECT d <=> q.query AS x FROM probe ORDER BY d <=> q.query LIMIT 10) s) AS near
FROM ruvector.probe_query q WHERE q.index_name = 'probe_d';
RESET enable_seqscan;
SELECT queries, abs(recall - (SELECT avg((SELECT count(*) FROM unnest(near) x WHERE x <= truth[10] * (1 + 1e-9)) / 10.0)
	FROM probe_truth)) < 1e-9 AS as_sql, recall < 1 AS misses FROM ruvector.measure_recall('probe_d');
-- the interval by its formula: Wilson's, with the design effect of the queries and one that found nothing
WITH q AS (SELECT (SELECT count(*) FROM unnest(near) x WHERE x <= truth[10] * (1 + 1e-9)) / 10.0::float8 AS r FROM probe_truth),
	e AS (SELECT var_samp(r) / (avg(r) * (1 - avg(r)) / 10) AS effect FROM (SELECT r FROM q UNION ALL SELECT 0) x),
	s AS (SELECT avg(r) AS p, 400 / greatest(1, effect) AS n, 1.959963984540054 AS z FROM q, e GROUP BY effect)
SELECT abs(low - (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)) < 1e-9 AS low,
	abs(high - (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)) < 1e-9 AS high
FROM s, ruvector.measure_recall('probe_d');
SELECT queries FROM ruvector.measure_recall('probe_d', sample => 7);
SELECT queries FROM ruvector.measure_recall('probe_a', sample => 7);
SELECT ruvector.probe_clear('probe_d'), ruvector.probe_clear('probe_d'), ruvector.probe_clear('probe_a');
SELECT queries FROM ruvector.measure_recall('probe_d');

-- part of a table, an expression, equal rows, few rows, none
SET hnsw.ef_search = 400;
CREATE INDEX probe_part ON probe USING hnsw (a vector_l2_ops) WHERE id % 4 = 0;
CREATE INDEX probe_expr ON probe USING hnsw ((subvector(d, 1, 20)::vector(20)) vector_l2_ops);
CREATE TABLE probe_few (v vector(2));
CREATE INDEX probe_few_v ON probe_few USING hnsw (v vector_l2_ops);
SELECT i, recall, low BETWEEN 0.96 AND 0.97 AS low, queries, rows FROM unnest('{probe_part,probe_expr,probe_few_v}'::regclass[]) i, ruvector.measure_recall(i);
INSERT INTO probe_few SELECT '[1,1]' FROM generate_series(1, 5);
SELECT recall, queries, rows FROM ruvector.measure_recall('probe_few_v');
INSERT INTO probe_few SELECT '[1,1]' FROM generate_series(1, 300);
SELECT recall, queries, rows FROM ruvector.measure_recall('probe_few_v');
-- rows count as the snapshot sees them
BEGIN;
DELETE FROM probe_few WHERE ctid < '(0,100)';
SELECT recall, rows FROM ruvector.measure_recall('probe_few_v');
ROLLBACK;

-- what is kept
SET hnsw.ef_search = 1000;
SELECT index::regclass, rel::regclass, recall, k, ef_search, queries, rows, stale_share FROM ruvector.probe('probe_a', sample => 50);
SELECT index, recall, low < 1 AS low, high, k, ef_search, queries, rows, stale_share, measured_at > now() - interval '1 hour' AS recent
FROM ruvector.index_quality;
SET hnsw.ef_search = 1;
SELECT recall BETWEEN 0.05 AND 0.1 AS recall, queries FROM ruvector.probe('probe_a');
SELECT index, recall BETWEEN 0.05 AND 0.1 AS recall FROM ruvector.index_quality;

-- drift: rows that went farther than soft_update
UPDATE probe SET d = d + (SELECT array_agg(0.1 * x) FROM unnest(probe_point(-id, 100)::real[]) x)::vector WHERE id <= 100;
SELECT live, drifted, few_links, orphans, dead, rows, stale_rows FROM ruvector.index_damage('probe_d');
SET hnsw.ef_search = 1000;
SELECT stale_share > 0.08 AS stale FROM ruvector.probe('probe_d');
-- enough as it is; then not, so that repair is called, some of it, all of it
SELECT repaired, recall >= 0.99 AS recall, low > 0.9 AS low, moved, is_enough, is_on_target FROM ruvector.index_maintain('probe_d');
ALTER INDEX probe_d SET (min_recall = 1, target_recall = 0.5);
SELECT * FROM ruvector.recall_bounds('probe_d');
SELECT repaired, moved, remaining > 0 AS remaining, is_enough, is_on_target FROM ruvector.index_maintain('probe_d', 10);
SELECT repaired, moved, remaining FROM ruvector.index_maintain('probe_d');
-- the older versions lie behind, until VACUUM
SELECT drifted, stale_rows FROM ruvector.index_damage('probe_d');
CALL pg_temp.settle();
VACUUM probe;
SELECT live, drifted, orphans, dead, rows, stale_rows FROM ruvector.index_damage('probe_d');
ALTER INDEX probe_d RESET (min_recall, target_recall);
SELECT * FROM ruvector.recall_bounds('probe_d');
SELECT repaired, recall, is_enough FROM ruvector.index_maintain('probe_d');
-- an empty index lacks nothing
TRUNCATE probe_few;
SELECT repaired, recall, low FROM ruvector.index_maintain('probe_few_v');

-- who may
CREATE ROLE probe_owner;
CREATE ROLE probe_reader;
GRANT CREATE ON SCHEMA public TO probe_owner;
SET ROLE probe_owner;
CREATE FUNCTION probe_code(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN IF current_user <> 'probe_owner' THEN RAISE EXCEPTION 'called by %', current_user; END IF; RETURN v; END $$;
CREATE TABLE probe_owned (id int PRIMARY KEY, v vector(40));
INSERT INTO probe_owned SELECT i, probe_point(i, 40) FROM generate_series(1, 50) i;
CREATE INDEX probe_owned_v ON probe_owned USING hnsw ((probe_code(v)::vector(40)) vector_l2_ops);
SELECT ruvector.probe_add('probe_owned_v', probe_point(77, 40)) IS NOT NULL AS added;
SELECT recall, queries, rows FROM ruvector.probe('probe_owned_v');
SELECT ruvector.measure_recall('probe_a');
SELECT ruvector.probe_add('probe_a', '[1,2,3]');
SELECT ruvector.probe_clear('probe_a');
SELECT ruvector.probe('probe_a');
SELECT ruvector.index_maintain('probe_a');
SELECT ruvector.index_damage('probe_a');
INSERT INTO ruvector.probe_query (rel, index_name, query) VALUES ('probe', 'probe_a', '[1,2,3]');
SELECT index FROM ruvector.index_quality ORDER BY index::text;
GRANT SELECT ON probe_owned TO probe_reader;
SET ROLE probe_reader;
SELECT index, recall FROM ruvector.index_quality;
SELECT count(*) FROM ruvector.probe_query;
SELECT count(*) FROM ruvector.index_measurement;
DELETE FROM ruvector.index_measurement;
UPDATE ruvector.index_measurement SET recall = 0;
RESET ROLE;
SELECT index_name, vector_dims(query) FROM ruvector.probe_query;
SELECT recall, queries FROM ruvector.measure_recall('probe_owned_v');
SELECT index FROM ruvector.index_quality ORDER BY index::text;
-- what was measured goes with the index; an index of the same name asks the same
DROP INDEX probe_owned_v;
SELECT index FROM ruvector.index_quality ORDER BY index::text;
CREATE INDEX probe_owned_v ON probe_owned USING hnsw (v vector_l2_ops);
SELECT queries FROM ruvector.probe('probe_owned_v');
SELECT count(*) FROM ruvector.index_measurement;
-- queries go with the table
DROP TABLE probe_owned;
SELECT queries FROM ruvector.probe('probe_a');
SELECT count(*) FROM ruvector.probe_query;
SELECT index FROM ruvector.index_quality ORDER BY index::text;

-- an index that the planner would not use yet
CREATE TABLE probe_young (id int PRIMARY KEY, v vector(2));
INSERT INTO probe_young VALUES (1, '[1,2]'), (2, '[2,1]');
BEGIN;
UPDATE probe_young SET v = '[3,3]' WHERE id = 1;
CREATE INDEX probe_young_v ON probe_young USING hnsw (v vector_l2_ops);
SELECT ruvector.measure_recall('probe_young_v');
ROLLBACK;

-- errors
SELECT ruvector.measure_recall('probe');
SELECT ruvector.measure_recall('probe_pkey');
SELECT ruvector.measure_recall('probe_a', 0);
SELECT ruvector.measure_recall('probe_a', 1001);
SELECT ruvector.measure_recall('probe_a', sample => 0);
SELECT ruvector.measure_recall('probe_a', sample => 10001);
SELECT ruvector.measure_recall('probe_a', k => NULL);
SELECT ruvector.measure_recall(NULL) IS NULL AS nothing;
SELECT ruvector.probe_add('probe_a', '[1,2]');
SELECT ruvector.probe_add('probe_d', array_fill(0, '{100}')::vector);
SELECT repaired FROM ruvector.index_maintain('probe_a', -1);
SET hnsw.ef_search = 1;
SELECT ruvector.index_maintain('probe_a', -1);
SELECT ruvector.index_maintain(NULL);
CREATE INDEX ON probe USING hnsw (a vector_l2_ops) WITH (min_recall = 1.1);
CREATE INDEX ON probe USING hnsw (a vector_l2_ops) WITH (target_recall = -1);

DROP TABLE probe, probe_few, probe_found, probe_truth, probe_young;
DROP FUNCTION probe_code, probe_point;
REVOKE CREATE ON SCHEMA public FROM probe_owner;
DROP ROLE probe_owner, probe_reader;
