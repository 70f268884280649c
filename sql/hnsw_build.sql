-- Building: in memory, beyond it, in parallel, concurrently.
SET enable_seqscan = off;

-- VACUUM leaves what an older snapshot, such as autovacuum's, might still see.
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

CREATE TABLE build_test (id int, kind int, v vector(16));
INSERT INTO build_test SELECT i, i % 5, (SELECT array_agg(((hashint4(i * 31 + d) & 65535) - 32768) / 1000.0 ORDER BY d)
	FROM generate_series(1, 16) d) FROM generate_series(1, 1500) i;
INSERT INTO build_test SELECT i, 0, NULL FROM generate_series(3001, 3100) i;
ANALYZE build_test;

-- Is the index whole, and does it find what sorting finds?
CREATE FUNCTION pg_temp.judge(index regclass, OUT live bigint, OUT dead bigint, OUT orphans bigint, OUT rows bigint, OUT recall bool)
LANGUAGE plpgsql AS $$
DECLARE
	hits bigint;
BEGIN
	SELECT c.live, c.dead, c.orphans, c.rows INTO live, dead, orphans, rows FROM ruvector.index_check(index) c;
	SELECT count(*) INTO hits FROM generate_series(10, 1450, 75) q,
		LATERAL (SELECT b.v + array_fill(0.1, ARRAY[16])::vector AS v FROM build_test b WHERE b.id = q) p,
		LATERAL (SELECT count(*) FROM (SELECT id FROM build_test ORDER BY v <-> p.v LIMIT 10) found
			JOIN (SELECT id FROM build_test ORDER BY (v <-> p.v) + 0 LIMIT 10) exact USING (id)) c (n),
		generate_series(1, c.n);
	recall := hits >= 180;
END $$;

-- one process
SET max_parallel_maintenance_workers = 0;
CREATE INDEX build_v ON build_test USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.judge('build_v');
SELECT reltuples FROM pg_class WHERE relname = 'build_v';
SELECT relpages * current_setting('block_size')::bigint = bytes AS pages FROM pg_class, ruvector.index_info('build_v')
WHERE relname = 'build_v';
DROP INDEX build_v;

-- the same input, the same index, byte by byte
CREATE INDEX build_a ON build_test USING hnsw (v vector_l2_ops);
CREATE INDEX build_b ON build_test USING hnsw (v vector_l2_ops);
SELECT a.mean_links = b.mean_links AS links, a.bytes = b.bytes AS bytes, a.entries = b.entries AS entries
FROM ruvector.index_info('build_a') a, ruvector.index_info('build_b') b;
DROP INDEX build_a, build_b;

-- more than the memory holds: the rest goes through shared buffers
SET maintenance_work_mem = '1MB';
CREATE INDEX build_v ON build_test USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.judge('build_v');
REINDEX INDEX build_v;
INSERT INTO build_test SELECT i, 1, v FROM build_test, generate_series(5001, 5010) i WHERE id = 1;
SELECT * FROM pg_temp.judge('build_v');
DELETE FROM build_test WHERE id > 5000;
CALL pg_temp.settle();
VACUUM build_test;
SELECT * FROM pg_temp.judge('build_v');
DROP INDEX build_v;

-- several processes
SET max_parallel_maintenance_workers = 2;
SET min_parallel_table_scan_size = 0;
SET maintenance_work_mem = '128MB';
CREATE INDEX build_v ON build_test USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.judge('build_v');
SELECT reltuples FROM pg_class WHERE relname = 'build_v';
DROP INDEX build_v;
ALTER TABLE build_test SET (parallel_workers = 2);
CREATE INDEX build_v ON build_test USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.judge('build_v');
DROP INDEX build_v;
-- with less memory than they keep back, and with a little; who runs out first
-- and when is chance, so the notice is not shown
SET client_min_messages = warning;
SET maintenance_work_mem = '1MB';
CREATE INDEX build_v ON build_test USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.judge('build_v');
SET maintenance_work_mem = '4MB';
REINDEX INDEX build_v;
SELECT * FROM pg_temp.judge('build_v');
REINDEX INDEX CONCURRENTLY build_v;
SELECT * FROM pg_temp.judge('build_v');
SET maintenance_work_mem = '64MB';
DROP INDEX build_v;
CREATE INDEX CONCURRENTLY build_v ON build_test USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.judge('build_v');
RESET client_min_messages;
-- part of the table, an expression, other metrics
CREATE INDEX build_partial ON build_test USING hnsw (v vector_l2_ops) WHERE kind = 2;
CREATE INDEX build_expression ON build_test USING hnsw ((subvector(v, 3, 5)::vector(5)) vector_cosine_ops);
CREATE INDEX build_ip ON build_test USING hnsw (v vector_ip_ops) WITH (m = 8);
CREATE INDEX build_l1 ON build_test USING hnsw (v vector_l1_ops) WITH (ef_construction = 100);
SELECT i AS index, dims, m, ef_construction, metric, rows
FROM unnest(ARRAY['build_partial', 'build_expression', 'build_ip', 'build_l1']::regclass[]) i, ruvector.index_info(i);
SELECT i AS index, dead, rows
FROM unnest(ARRAY['build_partial', 'build_expression', 'build_ip', 'build_l1']::regclass[]) i, ruvector.index_check(i);
DROP INDEX build_partial, build_expression, build_ip, build_l1;

-- equal vectors from several processes
CREATE TABLE build_equal (v vector(3)) WITH (parallel_workers = 2);
INSERT INTO build_equal SELECT ARRAY[i % 50, 0, 0] FROM generate_series(1, 500) i;
CREATE INDEX build_equal_v ON build_equal USING hnsw (v vector_l2_ops);
SELECT live < 150 AS shared, rows FROM ruvector.index_check('build_equal_v');
SELECT count(*) FROM (SELECT v FROM build_equal ORDER BY v <-> '[7,0,0]' LIMIT 10) s WHERE v = '[7,0,0]';
-- an empty table, one with nothing but NULLs, one row
CREATE TABLE build_none (v vector(3)) WITH (parallel_workers = 2);
CREATE INDEX build_none_v ON build_none USING hnsw (v vector_l2_ops);
SELECT * FROM ruvector.index_check('build_none_v');
INSERT INTO build_none SELECT NULL FROM generate_series(1, 1000);
REINDEX INDEX build_none_v;
SELECT * FROM ruvector.index_check('build_none_v');
INSERT INTO build_none VALUES ('[1,2,3]');
REINDEX INDEX build_none_v;
SELECT * FROM ruvector.index_check('build_none_v');
-- unlogged and temporary
CREATE UNLOGGED TABLE build_unlogged WITH (parallel_workers = 2) AS SELECT id, v::vector(16) FROM build_test;
CREATE INDEX build_unlogged_v ON build_unlogged USING hnsw (v vector_l2_ops);
SELECT dead, orphans, rows FROM ruvector.index_check('build_unlogged_v');
CREATE TEMP TABLE build_temp WITH (parallel_workers = 2) AS SELECT id, v::vector(16) FROM build_test;
CREATE INDEX build_temp_v ON build_temp USING hnsw (v vector_l2_ops);
SELECT dead, orphans, rows FROM ruvector.index_check('build_temp_v');

-- in the transaction that made the table, and undone
BEGIN;
CREATE TABLE build_same (v vector(3)) WITH (parallel_workers = 2);
INSERT INTO build_same SELECT ARRAY[i, 0, 0] FROM generate_series(1, 100) i;
CREATE INDEX build_same_v ON build_same USING hnsw (v vector_l2_ops);
SELECT v FROM build_same ORDER BY v <-> '[42.1,0,0]' LIMIT 1;
SAVEPOINT s;
REINDEX INDEX build_same_v;
DELETE FROM build_same WHERE v = '[42,0,0]';
ROLLBACK TO s;
SELECT v FROM build_same ORDER BY v <-> '[42.1,0,0]' LIMIT 1;
COMMIT;
SELECT live, rows FROM ruvector.index_check('build_same_v');

-- a build that fails leaves nothing, or an index that is not used
\set SHOW_CONTEXT never
CREATE TABLE build_fail (id int, v vector);
INSERT INTO build_fail SELECT i, ARRAY[i, 0, 0] FROM generate_series(1, 100) i;
INSERT INTO build_fail VALUES (101, '[1,2]');
CREATE INDEX build_fail_v ON build_fail USING hnsw ((v::vector(3)) vector_l2_ops);
CREATE INDEX CONCURRENTLY build_fail_v ON build_fail USING hnsw ((v::vector(3)) vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'build_fail_v'::regclass;
SELECT rows FROM ruvector.index_check('build_fail_v');
DELETE FROM build_fail WHERE id = 101;
CALL pg_temp.settle();
VACUUM build_fail;
REINDEX INDEX build_fail_v;
SELECT dead, rows FROM ruvector.index_check('build_fail_v');

-- phases, as pg_stat_progress_create_index names them
SELECT n, pg_indexam_progress_phasename(oid, n) FROM pg_am, generate_series(0, 3) n WHERE amname = 'hnsw' ORDER BY n;
DROP TABLE build_test, build_equal, build_none, build_unlogged, build_temp, build_same, build_fail;
