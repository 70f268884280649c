-- Background jobs in the foreground: what they find, do, and leave; for whom.
SET client_min_messages = warning;
CREATE ROLE regress_rvd_alice;
CREATE ROLE regress_rvd_bob;
GRANT CREATE ON SCHEMA public TO regress_rvd_alice, regress_rvd_bob;
CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;

-- the oracle: what the column, the truth and the log's last version are
CREATE FUNCTION pg_temp.state(rel regclass, condition text DEFAULT 'true')
RETURNS TABLE (key text, stored vector, truth vector, is_pending boolean, versions bigint)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT r.id::text, r.v, ruvector.vector(%1$L, r.id),
			EXISTS (SELECT FROM %1$s_v_pending p WHERE p.id = r.id), (SELECT count(*) FROM %1$s_v_log l WHERE l.id = r.id)
		FROM %1$s r WHERE %2$s ORDER BY r.id', rel, condition);
END $$;
GRANT ALL ON FUNCTION pg_temp.state(regclass, text) TO PUBLIC;

-- which jobs there are
SELECT statement, t.* FROM unnest(ARRAY[$$'no such job'$$, $$'Tag'$$, $$'tag', 0$$, $$'tag', -1$$, $$'checkpoint', 1$$]) a,
	format('SELECT * FROM ruvector.run_worker(%s)', a) statement, pg_temp.try(statement) t;
SELECT count(*) FROM ruvector.run_worker(NULL);
SELECT j AS job, w.* FROM unnest(ARRAY['checkpoint', 'tag', 'compact', 'repair']) j, ruvector.run_worker(j) w;

-- ---- checkpoint: keys that are behind for longer than max_age

CREATE TABLE worker_a (id int PRIMARY KEY, v vector(4));
INSERT INTO worker_a SELECT i, ARRAY[100, i, i, i] FROM generate_series(1, 6) i;
SELECT ruvector.track('worker_a', 'v', 'lazy', max_age => '1 hour');
SELECT ruvector.apply('worker_a', i, '{1:101}/4') FROM generate_series(1, 5) i;
SELECT ruvector.apply('worker_a', 2, '{1:102}/4');
SELECT * FROM pg_temp.state('worker_a');
SELECT * FROM ruvector.run_worker('checkpoint');
UPDATE worker_a_v_pending SET behind_since = behind_since - interval '1 hour' WHERE id IN (2, 4, 5);
SELECT * FROM ruvector.run_worker('checkpoint', 1);
SELECT * FROM ruvector.run_worker('checkpoint');
SELECT * FROM ruvector.run_worker('checkpoint');
SELECT * FROM pg_temp.state('worker_a');
-- a fold is a version, and changes nothing
SELECT version, op, delta, vector FROM ruvector.history('worker_a', 2);
-- nothing of it stays if the caller does not
BEGIN;
UPDATE worker_a_v_pending SET behind_since = '-infinity';
SELECT * FROM ruvector.run_worker('checkpoint');
ROLLBACK;
SELECT * FROM pg_temp.state('worker_a', 'id IN (1, 3)');
-- limits that are lowered: due at once is what they exclude
SELECT ruvector.apply('worker_a', 3, '{1:103}/4'), ruvector.apply('worker_a', 3, '{1:104}/4'),
	ruvector.apply('worker_a', 6, '{1:110}/4');
SELECT ruvector.set_limits('worker_a', max_chain => 3);
SELECT * FROM ruvector.run_worker('checkpoint');
SELECT ruvector.set_limits('worker_a', max_drift => 0.05);
SELECT * FROM ruvector.run_worker('checkpoint');
SELECT * FROM pg_temp.state('worker_a', 'id IN (1, 3, 6)');
SELECT max_drift, max_chain, max_age FROM ruvector.tracked WHERE rel = 'worker_a'::regclass;

-- keys of several columns, of types whose text depends on settings, with a
-- name that the log needs for itself
CREATE TABLE worker_b (at timestamptz, base interval, "Name, ""x""" text, v vector(2), PRIMARY KEY (base, "Name, ""x""", at));
INSERT INTO worker_b SELECT '2026-03-04 05:06:07.891234+00', '1 day 2 hours', n, '[1,2]' FROM unnest(ARRAY['', 'a"b\c', '{}', 'NULL']) n;
SELECT ruvector.track('worker_b', 'v', 'lazy', max_age => '1 microsecond');
SELECT count(ruvector.apply('worker_b', ROW(base, "Name, ""x""", at), '{2:2.5}/2')) FROM worker_b;
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'iso_8601';
SELECT * FROM ruvector.run_worker('checkpoint', 3);
SELECT * FROM ruvector.run_worker('checkpoint');
RESET datestyle;
RESET intervalstyle;
SELECT "Name, ""x""", v FROM worker_b ORDER BY 1;

-- a row that was deleted past the triggers
SELECT ruvector.apply('worker_a', 1, '{2:3}/4');
UPDATE worker_a_v_pending SET behind_since = '-infinity';
SET session_replication_role = replica;
DELETE FROM worker_a WHERE id = 1;
RESET session_replication_role;
SELECT * FROM ruvector.run_worker('checkpoint');
SELECT count(*) FROM worker_a_v_pending;
SELECT ruvector.untrack('worker_b', 'v', false);
DROP TABLE worker_b;

-- ---- what fails is rolled back, said, and does not end the rest

SET ROLE regress_rvd_alice;
CREATE TABLE worker_c (id int PRIMARY KEY, v vector(4));
INSERT INTO worker_c SELECT i, ARRAY[100, i, i, i] FROM generate_series(1, 30) i;
SELECT ruvector.track('worker_c', 'v', 'lazy', max_age => '1 microsecond');
CREATE TABLE worker_notes (who name, path text, what text);
CREATE FUNCTION public.worker_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.worker_notes VALUES (current_user, current_setting('search_path'), 'fold of ' || NEW.id);
	IF NEW.id = 2 THEN
		RAISE EXCEPTION 'not this one';
	ELSIF NEW.id = 3 THEN
		CREATE TEMPORARY TABLE worker_stays (a int);
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER note BEFORE UPDATE ON worker_c FOR EACH ROW EXECUTE FUNCTION public.worker_note();
SELECT count(ruvector.apply('worker_c', i, '{1:101}/4')) FROM generate_series(1, 4) i;
RESET ROLE;
-- by a superuser, in the owner's name
SELECT * FROM ruvector.run_worker('checkpoint') WHERE target = 'public.worker_c.v';
SELECT * FROM worker_notes ORDER BY what;
SELECT * FROM pg_temp.state('worker_c', 'id <= 5');
SELECT current_user = session_user AS is_oneself, current_setting('search_path') AS path;
-- after ten in a row, the rest is left for another time
TRUNCATE worker_notes;
CREATE OR REPLACE FUNCTION public.worker_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'none at all';
END $$;
SELECT count(ruvector.apply('worker_c', i, '{1:101}/4')) FROM generate_series(5, 30) i;
SELECT * FROM ruvector.run_worker('checkpoint') WHERE target = 'public.worker_c.v';
SELECT count(*) FROM worker_c_v_pending;
SELECT count(*), count(*) FILTER (WHERE op = 'f') AS folds FROM worker_c_v_log;
-- one's own tables only
SET ROLE regress_rvd_bob;
SELECT * FROM ruvector.run_worker('checkpoint');
SELECT * FROM ruvector.run_worker('tag');
RESET ROLE;
GRANT regress_rvd_alice TO regress_rvd_bob;
SET ROLE regress_rvd_bob;
SELECT * FROM ruvector.run_worker('checkpoint');
RESET ROLE;
DROP TRIGGER note ON worker_c;
SET ROLE regress_rvd_bob;
SELECT * FROM ruvector.run_worker('checkpoint');
RESET ROLE;
SELECT count(*) FILTER (WHERE stored <> truth), count(*) FILTER (WHERE is_pending), min(stored <-> '[101,1,1,1]') FROM pg_temp.state('worker_c');

-- a log that is somebody else's is not touched
ALTER TABLE worker_c_v_log OWNER TO regress_rvd_bob;
SELECT ruvector.set_retention('worker_c', keep_age => '0');
SELECT * FROM ruvector.run_worker('compact');
ALTER TABLE worker_c_v_log OWNER TO regress_rvd_alice;
-- nor can an entry be laid in wait for a table that is not there yet
SET ROLE regress_rvd_alice;
SELECT code, answer ~ '^tracked column \d+ cannot be given to another table$' AS refused
FROM pg_temp.try($$UPDATE ruvector.tracked SET rel = '4000000000' WHERE rel = 'worker_c'::regclass$$);
RESET ROLE;

-- ---- compact: what the retention does not ask for

SELECT count(*) FROM worker_c_v_log;
-- a tag with a name keeps what it needs
SELECT (ruvector.tag('keep')).method;
SELECT count(ruvector.apply('worker_c', i, '{1:102}/4')) FROM generate_series(1, 30) i;
SELECT * FROM ruvector.run_worker('compact');
SELECT versions, count(*) FROM pg_temp.state('worker_c') GROUP BY versions ORDER BY versions;
SELECT count(*) FROM worker_c c WHERE ruvector.get_at('worker_c', c.id, 'keep') <> ('[101,' || id || ',' || id || ',' || id || ']')::vector;
SELECT ruvector.drop_tag('keep');
-- a lazy column builds on what it holds
SELECT * FROM ruvector.run_worker('compact', 1);
SELECT ruvector.fold_all('worker_c');
SELECT * FROM ruvector.run_worker('compact');
SELECT versions, count(*) FROM pg_temp.state('worker_c') GROUP BY versions ORDER BY versions;
SELECT count(*) FROM pg_temp.state('worker_c') WHERE truth <> ('[102,' || key || ',' || key || ',' || key || ']')::vector;
SELECT horizon > since AS moved FROM ruvector.tracked WHERE rel = 'worker_c'::regclass;
SELECT * FROM ruvector.run_worker('compact');
-- a long log: several items
INSERT INTO worker_c SELECT i, ARRAY[100, i, i, i] FROM generate_series(1001, 4000) i;
SELECT count(ruvector.apply('worker_c', i, '{1:103}/4')) FROM generate_series(1001, 4000) i;
SELECT ruvector.fold_all('worker_c');
SELECT items > 1 AS several, done, failed, error FROM ruvector.run_worker('compact');
SELECT versions, count(*), count(*) FILTER (WHERE truth = stored AND stored <-> ('[100,' || key || ',' || key || ',' || key || ']')::vector = 3) AS right FROM pg_temp.state('worker_c', 'id > 1000') GROUP BY versions;

-- ---- tag: where something was written since the last

TRUNCATE ruvector.tags CASCADE;
SELECT * FROM ruvector.run_worker('tag') ORDER BY target;
SELECT * FROM ruvector.run_worker('tag') ORDER BY target;
SELECT count(*), bool_and(automatic) FROM ruvector.tags;
CREATE TABLE worker_elsewhere (a int);
INSERT INTO worker_elsewhere VALUES (1);
SELECT sum(done) FROM ruvector.run_worker('tag');
SELECT ruvector.apply('worker_c', 1, '{1:104}/4');
SELECT sum(done) FROM ruvector.run_worker('tag');
SELECT ruvector.apply('worker_c', 1, '{1:105}/4');
SELECT ruvector.get_at('worker_c', 1, (SELECT name FROM ruvector.tags ORDER BY at DESC LIMIT 1)) AS at_last_tag;
-- a tag of somebody's is as good
SELECT (ruvector.tag('mine')).method;
SELECT sum(done) FROM ruvector.run_worker('tag');
SELECT ruvector.apply('worker_c', 1, '{1:106}/4');
SELECT sum(done) FROM ruvector.run_worker('tag');
SELECT count(*), count(*) FILTER (WHERE automatic) AS automatic, count(*) FILTER (WHERE creator = 'regress_rvd_alice') AS alice FROM ruvector.tags;
-- outdated: not those that stand as tables, nor those with names
SELECT count(ruvector.materialize_tag('worker_c', name)) FROM (SELECT name FROM ruvector.tags WHERE automatic ORDER BY at LIMIT 1) t;
SET ruvector.tag_retention = '1d';
SELECT * FROM ruvector.run_worker('tag') WHERE target = 'outdated tags';
UPDATE ruvector.tags SET at = at - interval '25 hours';
SELECT * FROM ruvector.run_worker('tag') WHERE target = 'outdated tags';
SELECT count(*), count(*) FILTER (WHERE automatic) AS automatic FROM ruvector.tags;
SET ruvector.tag_retention = 0;
DO $$
DECLARE
	m ruvector.materialized;
BEGIN
	DELETE FROM ruvector.materialized RETURNING * INTO m;
	EXECUTE format('DROP TABLE %s', m.rel);
END $$;
SELECT * FROM ruvector.run_worker('tag') WHERE target = 'outdated tags';
SET ruvector.tag_retention = '1d';
SELECT * FROM ruvector.run_worker('tag') WHERE target = 'outdated tags';
RESET ruvector.tag_retention;

-- ---- repair: nodes follow rows that have moved

CREATE TABLE worker_i (id int PRIMARY KEY, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO worker_i SELECT i, ARRAY[1000, i * 20, i % 7, i % 11] FROM generate_series(1, 60) i;
CREATE INDEX worker_i_v ON worker_i USING hnsw (v vector_l2_ops) WITH (reinsert = 1);
CREATE TABLE worker_p (id int PRIMARY KEY, v vector(4)) PARTITION BY RANGE (id);
CREATE INDEX worker_p_v ON worker_p USING hnsw (v vector_l2_ops);
SELECT * FROM ruvector.run_worker('repair');
UPDATE worker_i SET v = v + '[0,70,0,0]' WHERE id <= 3;
SELECT * FROM ruvector.run_worker('repair');
SELECT * FROM ruvector.run_worker('repair');
SET ROLE regress_rvd_bob;
SELECT * FROM ruvector.run_worker('repair');
RESET ROLE;
DROP TABLE worker_i, worker_p;

-- ---- settings, view

SELECT name, setting, unit, context, min_val FROM pg_settings
WHERE name ~ '^ruvector\.(worker|tag|compact|repair)' ORDER BY name;
SELECT pg_catalog.has_table_privilege('public', 'ruvector.worker_status', 'SELECT') AS everybody,
	(SELECT count(*) FROM ruvector.worker_status WHERE current_setting('shared_preload_libraries') !~ 'ruvector_delta') AS rows_without_preload;

SELECT ruvector.untrack('worker_a', 'v', false), ruvector.untrack('worker_c', 'v', false);
DELETE FROM ruvector.tags;
DROP TABLE worker_a, worker_c, worker_notes, worker_elsewhere;
DROP FUNCTION public.worker_note;
DROP OWNED BY regress_rvd_alice, regress_rvd_bob;
DROP ROLE regress_rvd_alice, regress_rvd_bob;
