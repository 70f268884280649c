-- ruvector.index_info and ruvector.index_check: what they tell, and to whom.

-- VACUUM leaves what an older snapshot, such as autovacuum's, might still see.
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

CREATE TABLE info_test (id int PRIMARY KEY, a vector(3), b vector(64), c vector(200), d vector(768), e vector(2000));
CREATE INDEX info_a ON info_test USING hnsw (a vector_l2_ops) WITH (m = 4, ef_construction = 20);
CREATE INDEX info_b ON info_test USING hnsw (b vector_ip_ops);
CREATE INDEX info_c ON info_test USING hnsw (c vector_cosine_ops);
CREATE INDEX info_d ON info_test USING hnsw (d vector_l2_ops);
CREATE INDEX info_e ON info_test USING hnsw (e vector_l1_ops) WITH (m = 100, ef_construction = 200);
SELECT i AS index, metric, dims, m, ef_construction, levels, entries, nodes, live, dead, free, rows, mean_links, dead_share
FROM unnest(ARRAY['info_a', 'info_b', 'info_c', 'info_d', 'info_e']::regclass[]) i, ruvector.index_info(i);
SELECT i AS index, stored IN ('float32', 'float16', 'int8') AS stored, code_bits BETWEEN 0 AND 4 AS code_bits,
	nodes_per_page >= 1 AS nodes_per_page, max_links BETWEEN 2 * least(m, 4) AND 64 AS max_links,
	bytes = pg_relation_size(i) AS bytes
FROM unnest(ARRAY['info_a', 'info_b', 'info_c', 'info_d', 'info_e']::regclass[]) i, ruvector.index_info(i);
SELECT i AS index, c.* FROM unnest(ARRAY['info_a', 'info_e']::regclass[]) i, ruvector.index_check(i) c;

-- the counts add up
INSERT INTO info_test (id, a) SELECT i, ARRAY[i, i % 7, 0] FROM generate_series(1, 200) i;
INSERT INTO info_test (id, a) SELECT i, '[1,1,0]' FROM generate_series(201, 204) i;
INSERT INTO info_test (id) VALUES (205);
SELECT nodes, live, dead, rows, entries BETWEEN 1 AND nodes AS entries, mean_links BETWEEN 1 AND max_links AS mean_links,
	nodes + free = (bytes / current_setting('block_size')::int - 2) * nodes_per_page AS slots
FROM ruvector.index_info('info_a');
SELECT nodes, live, dead, orphans, rows FROM ruvector.index_check('info_a');
SELECT i.mean_links = c.links::float8 / c.nodes AS links FROM ruvector.index_info('info_a') i, ruvector.index_check('info_a') c;
DELETE FROM info_test WHERE id > 100;
CALL pg_temp.settle();
VACUUM info_test;
SELECT nodes, live, dead, rows, nodes + free = (bytes / current_setting('block_size')::int - 2) * nodes_per_page AS slots
FROM ruvector.index_info('info_a');
SELECT nodes, live, dead, orphans, rows FROM ruvector.index_check('info_a');

-- NULL in, NULL out; only hnsw indexes
SELECT ruvector.index_info(NULL) IS NULL AS info, ruvector.index_check(NULL) IS NULL AS "check";
CREATE TABLE info_parts (v vector(2)) PARTITION BY HASH (v);
CREATE INDEX info_parts_v ON info_parts USING hnsw (v vector_l2_ops);
CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
SELECT statement, t.* FROM unnest(ARRAY['info', 'check']) f, unnest(ARRAY['info_test', 'info_test_pkey', 'info_parts', 'info_parts_v']) i,
	format('SELECT ruvector.index_%s(%L)', f, i) statement, pg_temp.try(statement) t;
\set VERBOSITY sqlstate
SELECT ruvector.index_info('no_such_index');
\set VERBOSITY default

-- the owner, and who has the owner's rights
CREATE ROLE regress_rvd_owner;
CREATE ROLE regress_rvd_member IN ROLE regress_rvd_owner;
CREATE ROLE regress_rvd_other;
GRANT SELECT ON info_test TO regress_rvd_other;
ALTER TABLE info_test OWNER TO regress_rvd_owner;
SET ROLE regress_rvd_other;
SELECT rows FROM ruvector.index_info('info_a');
SELECT rows FROM ruvector.index_check('info_a');
SELECT id FROM info_test ORDER BY a <-> '[50.1,1,0]' LIMIT 1;
SET ROLE regress_rvd_member;
SELECT rows FROM ruvector.index_info('info_a');
SELECT rows FROM ruvector.index_check('info_a');
RESET ROLE;
SELECT rows FROM ruvector.index_check('info_a');
SELECT provolatile, proisstrict, proparallel FROM pg_proc WHERE proname IN ('index_info', 'index_check');

-- a check sees rows not yet committed, and leaves no lock on the table
BEGIN;
INSERT INTO info_test (id, a) VALUES (301, '[1,2,3]');
SELECT rows FROM ruvector.index_check('info_a');
SELECT mode FROM pg_locks WHERE relation = 'info_test'::regclass AND pid = pg_backend_pid() AND mode LIKE 'Share%';
ROLLBACK;
SELECT rows FROM ruvector.index_check('info_a');
DROP TABLE info_test, info_parts;
DROP ROLE regress_rvd_owner, regress_rvd_member, regress_rvd_other;
