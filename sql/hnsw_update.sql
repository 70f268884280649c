-- INSERT, UPDATE, DELETE, VACUUM and commands on whole tables and indexes.
SET enable_seqscan = off;

-- VACUUM leaves what an older snapshot, such as autovacuum's, might still see.
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

CREATE FUNCTION pg_temp.sound(index regclass, OUT live bigint, OUT dead bigint, OUT orphans bigint, OUT rows bigint)
LANGUAGE sql AS 'SELECT live, dead, orphans, rows FROM ruvector.index_check($1)';

CREATE TABLE update_test (id int PRIMARY KEY, note text, v vector(3)) WITH (fillfactor = 50, autovacuum_enabled = off);
INSERT INTO update_test SELECT i, 'a', ARRAY[i, i % 3, 0] FROM generate_series(1, 300) i;
CREATE INDEX update_v ON update_test USING hnsw (v vector_l2_ops);

-- an update of another column leaves the index alone, if the page has room
SELECT * FROM pg_temp.sound('update_v');
UPDATE update_test SET note = 'b' WHERE id % 10 = 0;
SELECT rows FROM pg_temp.sound('update_v');
SELECT id, note FROM update_test ORDER BY v <-> '[100.1,1,0]' LIMIT 2;
-- an update of the vector does not: old and new are both there until vacuum
UPDATE update_test SET v = v + '[1000,0,0]' WHERE id % 10 = 0;
SELECT rows FROM pg_temp.sound('update_v');
SELECT id FROM update_test ORDER BY v <-> '[100.1,1,0]' LIMIT 2;
SELECT id, v FROM update_test ORDER BY v <-> '[1100.1,1,0]' LIMIT 2;
CALL pg_temp.settle();
VACUUM update_test;
SELECT * FROM pg_temp.sound('update_v');
-- to NULL and back
UPDATE update_test SET v = NULL WHERE id = 101;
SELECT id = 101 AS found FROM update_test ORDER BY v <-> '[101,2,0]' LIMIT 1;
UPDATE update_test SET v = '[101,2,0]' WHERE id = 101;
SELECT id = 101 AS found FROM update_test ORDER BY v <-> '[101,2,0]' LIMIT 1;
-- to itself, over and over
DO $$ BEGIN FOR i IN 1..30 LOOP UPDATE update_test SET v = v WHERE id = 55; END LOOP; END $$;
SELECT id FROM update_test ORDER BY v <-> '[55,0.9,0]' LIMIT 2;
CALL pg_temp.settle();
VACUUM update_test;
SELECT * FROM pg_temp.sound('update_v');

-- what was rolled back is not seen, and vacuum removes it
BEGIN;
INSERT INTO update_test SELECT i, 'c', ARRAY[i, 0, 5000] FROM generate_series(1001, 1100) i;
SELECT id FROM update_test ORDER BY v <-> '[1050,0,5000]' LIMIT 1;
SAVEPOINT s;
DELETE FROM update_test WHERE id = 1050;
SELECT id IN (1049, 1051) AS beside FROM update_test ORDER BY v <-> '[1050,0,5000]' LIMIT 1;
ROLLBACK TO s;
SELECT id FROM update_test ORDER BY v <-> '[1050,0,5000]' LIMIT 1;
ROLLBACK;
SELECT count(*) FROM (SELECT id FROM update_test ORDER BY v <-> '[1050,0,5000]' LIMIT 10) s;
SELECT rows FROM pg_temp.sound('update_v');
CALL pg_temp.settle();
VACUUM update_test;
SELECT * FROM pg_temp.sound('update_v');
SELECT count(*) FROM (SELECT id FROM update_test ORDER BY v <-> '[1050,0,5000]' LIMIT 10) s;

-- conflicts
INSERT INTO update_test VALUES (1, 'd', '[9000,0,0]') ON CONFLICT DO NOTHING;
SELECT id FROM update_test ORDER BY v <-> '[9000,0,0]' LIMIT 1;
INSERT INTO update_test VALUES (1, 'd', '[9000,0,0]'), (9001, 'd', '[9001,0,0]')
ON CONFLICT (id) DO UPDATE SET v = excluded.v, note = 'conflict';
SELECT id, note FROM update_test ORDER BY v <-> '[9000,0,0]' LIMIT 2;
INSERT INTO update_test VALUES (2, 'd', '[9002,0,0]');
SELECT id FROM update_test ORDER BY v <-> '[9002,0,0]' LIMIT 1;

-- freed nodes are used again: the file does not grow
CALL pg_temp.settle();
VACUUM update_test;
SELECT rows, pg_relation_size('update_v') AS bytes FROM pg_temp.sound('update_v') \gset before_
DELETE FROM update_test WHERE id BETWEEN 100 AND 200;
CALL pg_temp.settle();
VACUUM update_test;
SELECT dead, orphans FROM pg_temp.sound('update_v');
SELECT free >= 90 AS freed FROM ruvector.index_info('update_v');
INSERT INTO update_test SELECT i, 'e', ARRAY[i, 0, 7] FROM generate_series(100, 200) i;
SELECT dead, orphans, rows = :before_rows AS as_many, pg_relation_size('update_v') <= :before_bytes AS as_large FROM pg_temp.sound('update_v');
SELECT id FROM update_test ORDER BY v <-> '[150,0,7]' LIMIT 1;

-- everything out, everything in
DELETE FROM update_test;
SELECT id FROM update_test ORDER BY v <-> '[1,1,1]' LIMIT 3;
CALL pg_temp.settle();
VACUUM update_test;
SELECT * FROM pg_temp.sound('update_v');
SELECT entries, nodes, rows FROM ruvector.index_info('update_v');
SELECT id FROM update_test ORDER BY v <-> '[1,1,1]' LIMIT 3;
INSERT INTO update_test SELECT i, 'f', ARRAY[i, i % 3, 0] FROM generate_series(1, 300) i;
SELECT id FROM update_test ORDER BY v <-> '[150.2,0,0]' LIMIT 3;
SELECT *, pg_relation_size('update_v') <= :before_bytes AS as_large FROM pg_temp.sound('update_v');

-- vacuum in all its forms
DELETE FROM update_test WHERE id % 3 = 0;
VACUUM (INDEX_CLEANUP off) update_test;
SELECT rows FROM pg_temp.sound('update_v');
SELECT count(*) FILTER (WHERE id % 3 = 0) AS gone, count(*) > 10 AS others FROM (SELECT id FROM update_test ORDER BY v <-> '[150,0,0]') s;
CALL pg_temp.settle();
VACUUM (FREEZE, INDEX_CLEANUP on) update_test;
SELECT * FROM pg_temp.sound('update_v');
SET min_parallel_index_scan_size = 0;
CREATE INDEX update_ip ON update_test USING hnsw (v vector_ip_ops);
DELETE FROM update_test WHERE id % 3 = 1 AND id > 200;
CALL pg_temp.settle();
VACUUM (PARALLEL 2) update_test;
RESET min_parallel_index_scan_size;
SELECT dead, rows FROM pg_temp.sound('update_v');
SELECT dead, rows FROM pg_temp.sound('update_ip');
VACUUM FULL update_test;
SELECT * FROM pg_temp.sound('update_v');
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0]' LIMIT 2;
DROP INDEX update_ip;
ANALYZE update_test;
SELECT reltuples FROM pg_class WHERE relname = 'update_v';

-- truncate, in a transaction and for good
BEGIN;
TRUNCATE update_test;
INSERT INTO update_test VALUES (1, 'g', '[1,1,1]');
SELECT id FROM update_test ORDER BY v <-> '[150,0,0]' LIMIT 2;
ROLLBACK;
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0]' LIMIT 2;
BEGIN;
CREATE TABLE update_new (v vector(2));
CREATE INDEX update_new_v ON update_new USING hnsw (v vector_l2_ops);
INSERT INTO update_new VALUES ('[1,2]');
TRUNCATE update_new;
INSERT INTO update_new VALUES ('[3,4]'), ('[5,6]');
SELECT v FROM update_new ORDER BY v <-> '[0,0]';
COMMIT;
SELECT v FROM update_new ORDER BY v <-> '[9,9]';
SELECT * FROM pg_temp.sound('update_new_v');

-- rebuilt
REINDEX INDEX update_v;
SELECT * FROM pg_temp.sound('update_v');
REINDEX INDEX CONCURRENTLY update_v;
REINDEX TABLE CONCURRENTLY update_test;
SELECT * FROM pg_temp.sound('update_v');
CREATE INDEX CONCURRENTLY update_cosine ON update_test USING hnsw (v vector_cosine_ops);
SELECT * FROM pg_temp.sound('update_cosine');
SELECT id FROM update_test ORDER BY v <=> '[5,2,0]' LIMIT 1;
DROP INDEX CONCURRENTLY update_cosine;
CLUSTER update_test USING update_test_pkey;
SELECT * FROM pg_temp.sound('update_v');
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0]' LIMIT 2;
ALTER TABLE update_test ALTER COLUMN v TYPE vector(4) USING (v || '[1]')::vector(4);
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0,1]' LIMIT 2;
SELECT dims, rows FROM ruvector.index_info('update_v');

-- without WAL
ALTER TABLE update_test SET UNLOGGED;
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0,1]' LIMIT 2;
INSERT INTO update_test VALUES (5000, 'h', '[149.9,0,0,1]');
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0,1]' LIMIT 2;
DELETE FROM update_test WHERE id < 100;
CALL pg_temp.settle();
VACUUM update_test;
SELECT * FROM pg_temp.sound('update_v');
ALTER TABLE update_test SET LOGGED;
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0,1]' LIMIT 2;
SELECT * FROM pg_temp.sound('update_v');
CREATE UNLOGGED TABLE update_unlogged (id int, v vector(3));
CREATE INDEX update_unlogged_v ON update_unlogged USING hnsw (v vector_l2_ops);
INSERT INTO update_unlogged SELECT i, ARRAY[i, 0, 0] FROM generate_series(1, 100) i;
SELECT id FROM update_unlogged ORDER BY v <-> '[42.1,0,0]' LIMIT 2;
SELECT * FROM pg_temp.sound('update_unlogged_v');
CREATE TEMP TABLE update_temp (id int, v vector(3)) ON COMMIT DELETE ROWS;
CREATE INDEX update_temp_v ON update_temp USING hnsw (v vector_l2_ops);
BEGIN;
INSERT INTO update_temp SELECT i, ARRAY[i, 0, 0] FROM generate_series(1, 100) i;
SELECT id FROM update_temp ORDER BY v <-> '[42.1,0,0]' LIMIT 2;
DELETE FROM update_temp WHERE id = 42;
SELECT id FROM update_temp ORDER BY v <-> '[42.1,0,0]' LIMIT 2;
SELECT * FROM pg_temp.sound('update_temp_v');
COMMIT;
SELECT id FROM update_temp ORDER BY v <-> '[42.1,0,0]' LIMIT 2;
SELECT * FROM pg_temp.sound('update_temp_v');

-- in another tablespace
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_rvd_space LOCATION '';
ALTER INDEX update_v SET TABLESPACE regress_rvd_space;
SELECT id FROM update_test ORDER BY v <-> '[149.9,0,0,1]' LIMIT 2;
ALTER TABLE update_test SET TABLESPACE regress_rvd_space;
INSERT INTO update_test VALUES (5001, 'i', '[149.9,0,0,1]');
SELECT * FROM pg_temp.sound('update_v');
DROP TABLE update_test, update_new, update_unlogged, update_temp;
DROP TABLESPACE regress_rvd_space;
