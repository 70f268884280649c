-- Eager columns: every way to change a row becomes a version.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id bigint PRIMARY KEY, title text, v vector(3));
INSERT INTO docs VALUES (1, 'a', '[1,2,3]'), (2, 'b', '[4,5,6]'), (3, 'c', NULL);
SELECT ruvector.track('docs', 'v');
SELECT rel, "column", key, mode, log, pending, max_drift, max_chain, max_age, dims FROM ruvector.tracked;

-- one row, many rows, none, another column, the same vector
UPDATE docs SET v = '[1,2,4]' WHERE id = 1;
UPDATE docs SET title = 'A' WHERE id = 1;
UPDATE docs SET v = v WHERE id = 1;
UPDATE docs SET v = '[1,2,4]' WHERE id = 1;
UPDATE docs SET v = '[1,-0,4]' WHERE id = 1;
UPDATE docs SET v = '[1,0,4]' WHERE id = 1;
UPDATE docs SET v = v + '[1,1,1]' WHERE id < 100;
UPDATE docs SET v = '[9,9,9]' WHERE id = 100;
INSERT INTO docs SELECT i, 'new', ARRAY[i, i, i] FROM generate_series(4, 6) i;
INSERT INTO docs SELECT i, 'none', NULL FROM generate_series(7, 6) i;
DELETE FROM docs WHERE id = 5;
DELETE FROM docs WHERE id = 100;
COPY docs (id, v) FROM stdin;
7	[7,7,7]
8	\N
\.
UPDATE docs SET v = NULL WHERE id = 7;
UPDATE docs SET v = '[8,8,8]' WHERE id = 8;
SELECT id, version, base, op, delta, keyframe, content = ruvector.content(ruvector.get_at('docs', id, version)) AS is_content
FROM docs_v_log ORDER BY id, version;
SELECT * FROM pg_temp.faults('docs');

-- back again; the same key after a deletion
INSERT INTO docs VALUES (5, 'again', '[5,5,6]');
DELETE FROM docs WHERE id = 5;
SELECT version, op, delta, vector FROM ruvector.history('docs', 5);

-- ON CONFLICT, MERGE, WITH
INSERT INTO docs VALUES (1, 'x', '[0,0,1]'), (9, 'x', '[9,9,9]') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
INSERT INTO docs VALUES (1, 'x', '[0,0,2]'), (10, 'x', '[1,0,0]') ON CONFLICT DO NOTHING;
INSERT INTO docs VALUES (1, 'x', '[0,0,2]') ON CONFLICT (id) DO UPDATE SET title = 'y';
MERGE INTO docs d USING (VALUES (1, '[3,2,1]'::vector), (9, NULL), (11, '[1,1,0]')) s (id, v) ON d.id = s.id
	WHEN MATCHED AND s.v IS NULL THEN DELETE
	WHEN MATCHED THEN UPDATE SET v = s.v
	WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'merged', s.v);
WITH gone AS (DELETE FROM docs WHERE id = 10 RETURNING v), moved AS (UPDATE docs SET v = '[2,2,2]' WHERE id = 11 RETURNING id)
INSERT INTO docs SELECT 12, 'from 10', v FROM gone;
SELECT id, version, op, vector FROM unnest('{1,9,10,11,12}'::bigint[]) id, ruvector.history('docs', id, latest => 3) ORDER BY id, version;
SELECT * FROM pg_temp.faults('docs');

-- a key that changes is another key
UPDATE docs SET id = 20, v = '[2,0,0]' WHERE id = 2;
UPDATE docs SET id = id + 100 WHERE id IN (4, 6);
SELECT id, version, op, vector FROM unnest('{2,20,4,104}'::bigint[]) id, ruvector.history('docs', id) ORDER BY id, version;

-- transactions
BEGIN;
UPDATE docs SET v = '[1,1,1]' WHERE id = 1;
SAVEPOINT a;
UPDATE docs SET v = '[2,2,2]' WHERE id = 1;
INSERT INTO docs VALUES (30, 'rolled back', '[1,2,3]');
ROLLBACK TO a;
UPDATE docs SET v = '[3,3,3]' WHERE id = 1;
RELEASE a;
UPDATE docs SET v = '[4,4,4]' WHERE id = 1;
SELECT version, op, vector FROM ruvector.history('docs', 1, latest => 3);
COMMIT;
BEGIN;
DELETE FROM docs;
TRUNCATE docs;
ROLLBACK;
SELECT version, vector FROM ruvector.history('docs', 1, latest => 1);
SELECT * FROM pg_temp.faults('docs');

-- triggers of others: those that change the row before, and those that change
-- it, or other rows of the statement, after
CREATE FUNCTION pg_temp.normalise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := l2_normalize(NEW.v); RETURN NEW; END';
CREATE TRIGGER zzz_before BEFORE INSERT OR UPDATE ON docs FOR EACH ROW WHEN (NEW.title = 'normalise') EXECUTE FUNCTION pg_temp.normalise();
INSERT INTO docs VALUES (40, 'normalise', '[3,0,4]');
UPDATE docs SET v = '[0,2,0]' WHERE id = 40;
CREATE FUNCTION pg_temp.more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() > 1 THEN
		RETURN NULL;
	ELSIF NEW.title = 'double' THEN
		UPDATE docs SET v = v + v WHERE id = NEW.id;
	ELSIF NEW.title = 'the other' THEN
		UPDATE docs SET v = v + v WHERE title = 'the other';
	ELSIF NEW.title = 'away' THEN
		DELETE FROM docs WHERE id = NEW.id;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER "!after" AFTER INSERT OR UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION pg_temp.more();
INSERT INTO docs VALUES (41, 'double', '[1,0,0]'), (42, 'the other', '[0,1,0]'), (43, 'the other', '[0,0,1]'), (44, 'away', '[1,1,1]');
UPDATE docs SET v = v + '[1,1,1]' WHERE id BETWEEN 41 AND 44;
UPDATE docs SET title = 'away', v = '[0,0,0]' WHERE id = 43;
SELECT id, v FROM docs WHERE id BETWEEN 40 AND 44 ORDER BY id;
SELECT * FROM pg_temp.faults('docs');
DROP TRIGGER "!after" ON docs;
INSERT INTO docs VALUES (44, 'back', '[1,2,1]');
BEGIN;
DELETE FROM docs WHERE id = 44;
INSERT INTO docs VALUES (44, 'back', '[1,2,2]');
COMMIT;
SELECT op, vector FROM ruvector.history('docs', 44, latest => 3);

-- TRUNCATE ends every key that is there
TRUNCATE docs;
SELECT op, count(*) FROM (SELECT DISTINCT ON (id) op FROM docs_v_log ORDER BY id, version DESC) x GROUP BY op;
INSERT INTO docs VALUES (1, 'new life', '[1,1,1]');
SELECT op, vector FROM ruvector.history('docs', 1, latest => 2);
SELECT * FROM pg_temp.faults('docs');

-- chains end at max_chain
CREATE TABLE long (id int PRIMARY KEY, v vector(2));
SELECT ruvector.track('long', 'v', max_chain => 3);
INSERT INTO long VALUES (1, '[0,0]');
DO $$ BEGIN FOR i IN 1 .. 10 LOOP UPDATE long SET v = ARRAY[i, 0] WHERE id = 1; END LOOP; END $$;
SELECT version, base, delta, keyframe FROM long_v_log ORDER BY version;
SELECT * FROM pg_temp.faults('long');

-- no limit of dimensions: they may differ
CREATE TABLE wide (id int PRIMARY KEY, v vector);
SELECT ruvector.track('wide', 'v');
INSERT INTO wide VALUES (1, '[1,2]');
UPDATE wide SET v = '[1,2,3]';
UPDATE wide SET v = '[1,2,4]';
UPDATE wide SET v = NULL;
UPDATE wide SET v = '[1]';
SELECT version, base, delta, vector FROM ruvector.history('wide', 1) JOIN wide_v_log USING (version, delta);
SELECT * FROM pg_temp.faults('wide');
DROP TABLE docs, long, wide, docs_v_log, docs_v_pending, long_v_log, long_v_pending, wide_v_log, wide_v_pending;
SELECT count(*) FROM ruvector.tracked;
