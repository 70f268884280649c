-- Lazy columns: the log is ahead, the column follows.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, title text, v vector(4));
INSERT INTO docs SELECT i, 't', ARRAY[i, 0, 0, 1] FROM generate_series(1, 6) i;
SELECT ruvector.track('docs', 'v', 'lazy', max_drift => 0.5, max_chain => 5);

-- apply: the row is not written until it is due
SELECT ctid AS before FROM docs WHERE id = 4 \gset
SELECT ruvector.apply('docs', 4, '{2:0.1}/4'), ruvector.apply('docs', 4, '*1.1'), ruvector.apply('docs', 4, '{}'),
	ruvector.apply('docs', 4, '{2:0.1}/4');
SELECT ctid = :'before' AS is_untouched, v FROM docs WHERE id = 4;
SELECT ruvector.vector('docs', 4), (SELECT v FROM docs_current WHERE id = 4) AS in_view;
SELECT id FROM docs_v_pending;
SELECT version, base, op, delta, keyframe FROM docs_v_log WHERE id = 4 ORDER BY version;
SELECT * FROM pg_temp.faults('docs');

-- by UPDATE, which does not see the row's own change
UPDATE docs SET v = '[5,0.1,0,1]' WHERE id = 5;
UPDATE docs SET v = '[5,0.2,0,1]', title = 'both' WHERE id = 5;
UPDATE docs SET title = 'only' WHERE id = 5;
SELECT * FROM docs WHERE id = 5;
SELECT * FROM docs_current WHERE id = 5;
-- back to what the column holds is a change, too
UPDATE docs SET v = '[5,0,0,1]' WHERE id = 5;
UPDATE docs SET v = '[5,0,0,1]' WHERE id = 5;
SELECT version, base, vector FROM ruvector.history('docs', 5) JOIN docs_v_log USING (version, delta) WHERE id = 5 ORDER BY 1;
SELECT * FROM pg_temp.faults('docs');

-- max_drift: the column takes what is further away; then nothing is pending
SELECT ruvector.apply('docs', 6, '{2:3}/4');
SELECT v, EXISTS (SELECT FROM docs_v_pending p WHERE p.id = d.id) AS is_pending FROM docs d WHERE id = 6;
SELECT ruvector.apply('docs', 6, '{2:4}/4');
SELECT v, EXISTS (SELECT FROM docs_v_pending p WHERE p.id = d.id) AS is_pending FROM docs d WHERE id = 6;
UPDATE docs SET v = '[0,0,0,9]' WHERE id = 6;
SELECT v, EXISTS (SELECT FROM docs_v_pending p WHERE p.id = d.id) AS is_pending FROM docs d WHERE id = 6;
-- max_chain
SELECT i, ruvector.apply('docs', 1, format('{2:0.0%s}/4', i)::deltavec),
	(SELECT count(*) FROM docs_v_pending WHERE id = 1) AS pending
FROM generate_series(1, 7) i;
SELECT version, base, keyframe IS NOT NULL AS is_whole FROM docs_v_log WHERE id = 1 ORDER BY version;
SELECT v, ruvector.vector('docs', 1) FROM docs WHERE id = 1;
SELECT * FROM pg_temp.faults('docs');

-- NULL, and from NULL
UPDATE docs SET v = NULL WHERE id = 2;
UPDATE docs SET v = '[1,1,1,1]' WHERE id = 2;
SELECT ruvector.apply('docs', 2, '{4:2}/4'), ruvector.apply('docs', 2, 'delete'), ruvector.apply('docs', 2, '=[1,2,3,4]');
SELECT version, op, vector FROM ruvector.history('docs', 2);
SELECT * FROM pg_temp.faults('docs');

-- fold
SELECT ruvector.fold('docs', 4), ruvector.fold('docs', 4), ruvector.fold('docs', 3);
SELECT version, op, delta, vector FROM ruvector.history('docs', 4, latest => 1);
SELECT v FROM docs WHERE id = 4;
SELECT count(*) FROM docs_v_pending;
SELECT ruvector.fold_all('docs', at_most => 1), ruvector.fold_all('docs'), ruvector.fold_all('docs');
SELECT count(*) FROM docs_v_pending;
SELECT bool_and(d.v = c.v) FROM docs d JOIN docs_current c USING (id);
SELECT * FROM pg_temp.faults('docs');

-- many at once; all or nothing
SELECT ruvector.apply_many('docs', ARRAY[1, 2, 3, 1], ARRAY['{1:9}/4', '{1:9}/4', '{1:9}/4', '{1:9.5}/4']::deltavec[]);
SELECT ruvector.apply_many('docs', '{}'::int[], '{}'), ruvector.apply_many('docs', NULL::int[], NULL);
SELECT id, v FROM docs_current WHERE id < 4 ORDER BY id;
SELECT * FROM pg_temp.try($$SELECT ruvector.apply_many('docs', ARRAY[1, 99], ARRAY['{1:7}/4', '{1:7}/4']::deltavec[])$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.apply_many('docs', ARRAY[1, 2], ARRAY['{1:7}/4']::deltavec[])$$);
SELECT ruvector.vector('docs', 1);

-- deletion, change of key and rollback of what is pending
SELECT ruvector.apply('docs', 3, '{1:9.1}/4');
DELETE FROM docs WHERE id = 3;
SELECT version, op, vector FROM ruvector.history('docs', 3, latest => 2);
SELECT ruvector.apply('docs', 4, '{3:0.1}/4');
UPDATE docs SET id = 14 WHERE id = 4;
SELECT v, ruvector.vector('docs', 14) FROM docs WHERE id = 14;
BEGIN;
SELECT ruvector.apply('docs', 14, '{3:0.2}/4');
SAVEPOINT a;
SELECT ruvector.apply('docs', 14, '{3:0.3}/4');
ROLLBACK TO a;
SELECT ruvector.apply('docs', 14, '{4:0.3}/4');
COMMIT;
SELECT ruvector.vector('docs', 14);
BEGIN; SELECT ruvector.fold_all('docs'); ROLLBACK;
BEGIN; TRUNCATE docs; ROLLBACK;
SELECT count(*) FROM docs_v_pending;
SELECT * FROM pg_temp.faults('docs');

-- ON CONFLICT and COPY
INSERT INTO docs VALUES (14, 'conflict', '[4.4,0.1,0.2,0.4]'), (20, 'new', '[1,1,1,1]') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
COPY docs (id, v) FROM stdin;
21	[2,1,1,1]
\.
SELECT id, v, ruvector.vector('docs', id) FROM docs WHERE id IN (14, 20, 21) ORDER BY id;
SELECT * FROM pg_temp.faults('docs');

-- triggers of others, during a fold and after it
CREATE TABLE other (id int PRIMARY KEY, v vector(4));
INSERT INTO other VALUES (1, '[1,1,1,1]');
SELECT ruvector.track('other', 'v', 'lazy');
CREATE FUNCTION pg_temp.also() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN UPDATE other SET v = ruvector.vector('other', id) + '[0.01,0,0,0]'; PERFORM ruvector.apply('docs', 21, '{1:2.1}/4'); RETURN NULL; END $$;
CREATE TRIGGER also AFTER UPDATE ON docs FOR EACH ROW WHEN (NEW.id = 20) EXECUTE FUNCTION pg_temp.also();
CREATE FUNCTION pg_temp.rounded() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.v := (SELECT array_agg(round(x::numeric, 1) ORDER BY n)::vector FROM unnest(NEW.v::real[]) WITH ORDINALITY u(x, n)); RETURN NEW; END $$;
CREATE TRIGGER rounded BEFORE UPDATE ON docs FOR EACH ROW WHEN (NEW.id = 20) EXECUTE FUNCTION pg_temp.rounded();
SELECT ruvector.apply('docs', 20, '{2:1.06}/4'), ruvector.fold('docs', 20);
SELECT version, op, vector FROM ruvector.history('docs', 20);
SELECT ruvector.vector('other', 1), ruvector.vector('docs', 21);
SELECT * FROM pg_temp.faults('docs');
SELECT * FROM pg_temp.faults('other');
DROP TRIGGER also ON docs;
DROP TRIGGER rounded ON docs;

-- what goes past the triggers is found by the next write, and by a fold
SET session_replication_role = replica;
UPDATE docs SET v = '[0,0,0,1]' WHERE id IN (14, 20, 21);
DELETE FROM docs WHERE id = 6;
INSERT INTO docs VALUES (30, 'past', '[3,0,0,1]');
RESET session_replication_role;
UPDATE docs SET v = '[0,0,0.1,1]' WHERE id IN (14, 30);
DELETE FROM docs WHERE id = 20;
SELECT ruvector.apply('docs', 21, '{4:7}/4');
SELECT ruvector.apply('docs', 6, '{4:9.1}/4');
SELECT ruvector.fold_all('docs');
SELECT id, version, op, vector FROM unnest('{6,14,20,21,30}'::int[]) id, ruvector.history('docs', id, latest => 3) ORDER BY id, version;
SELECT * FROM pg_temp.faults('docs');

-- eager columns take deltas, too
CREATE TABLE eager (id int PRIMARY KEY, v vector(2));
INSERT INTO eager VALUES (1, '[1,1]'), (2, NULL);
SELECT ruvector.track('eager', 'v');
SELECT ruvector.apply('eager', 1, '*2'), ruvector.apply('eager', 1, '{}'), ruvector.apply('eager', 1, '{2:5}/2'),
	ruvector.apply('eager', 2, '=[3,4]'), ruvector.apply('eager', 1, 'delete'), ruvector.fold('eager', 1), ruvector.fold_all('eager');
SELECT id, version, op, delta, vector FROM generate_series(1, 2) id, ruvector.history('eager', id) ORDER BY id, version;
SELECT * FROM pg_temp.faults('eager');
SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
DROP TABLE docs, other, eager;
