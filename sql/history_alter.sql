-- ALTER, DROP and TRUNCATE of what is tracked; writes past the triggers.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, title text, v vector(2));
INSERT INTO docs VALUES (1, 'a', '[1,0]'), (2, 'b', '[2,0]');
SELECT ruvector.track('docs', 'v', 'lazy', max_drift => 9);
SELECT ruvector.apply('docs', 1, '{2:1}/2');
SELECT method FROM ruvector.tag('alter');

-- names follow
ALTER TABLE docs RENAME v TO embedding;
ALTER TABLE docs RENAME id TO "The Id";
ALTER TABLE docs RENAME TO papers;
CREATE SCHEMA rvd_other;
ALTER TABLE papers SET SCHEMA rvd_other;
SELECT rel, "column", key, log_key, log FROM ruvector.tracked;
SELECT ruvector.apply('rvd_other.papers', 1, '{2:2}/2');
UPDATE rvd_other.papers SET embedding = '[2,1]' WHERE "The Id" = 2;
INSERT INTO rvd_other.papers VALUES (3, 'c', '[3,0]');
UPDATE rvd_other.papers SET "The Id" = 4 WHERE "The Id" = 3;
SELECT version, op, vector FROM ruvector.history('rvd_other.papers', 1);
SELECT * FROM docs_current ORDER BY 1;
SELECT id, v, since_version FROM docs_as_of('alter') ORDER BY id;
SELECT key FROM ruvector.search('rvd_other.papers', 'embedding', '[1,2]');
SELECT key FROM ruvector.search_as_of('rvd_other.papers', 'embedding', '[1,2]', 5, 'alter'::text);
SELECT * FROM pg_temp.faults('rvd_other.papers');
ALTER TABLE rvd_other.papers ADD COLUMN more int DEFAULT 7, ALTER COLUMN title SET DEFAULT 'x';
ALTER INDEX rvd_other.docs_pkey RENAME TO papers_pkey;
ALTER TABLE rvd_other.papers DROP COLUMN more;
UPDATE rvd_other.papers SET embedding = '[2,2]' WHERE "The Id" = 2;
SELECT * FROM pg_temp.faults('rvd_other.papers');

-- what would make the log untrue is refused, and nothing has changed then
SELECT t.*, s FROM unnest(ARRAY[
	'ALTER TABLE rvd_other.papers DROP COLUMN embedding CASCADE', 'ALTER TABLE rvd_other.papers DROP COLUMN "The Id" CASCADE',
	'ALTER TABLE rvd_other.papers DROP CONSTRAINT papers_pkey', 'DROP TABLE docs_v_log', 'DROP TABLE docs_v_pending',
	'DROP TABLE rvd_other.papers']) s, pg_temp.try(s) t;
DROP VIEW docs_current;
SELECT t.*, s FROM unnest(ARRAY[
	'ALTER TABLE rvd_other.papers ALTER COLUMN embedding TYPE vector(3) USING ''[1,2,3]''',
	'ALTER TABLE rvd_other.papers ALTER COLUMN embedding TYPE vector', 'ALTER TABLE rvd_other.papers ALTER COLUMN embedding TYPE real[]',
	'ALTER TABLE rvd_other.papers ALTER COLUMN "The Id" TYPE bigint']) s, pg_temp.try(s) t;
SELECT * FROM pg_temp.faults('rvd_other.papers');

-- untrack finds what was made, whatever it is called now; the log stays
SELECT ruvector.untrack('rvd_other.papers', 'embedding');
SELECT count(*) FROM pg_proc WHERE proname = 'docs_as_of';
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'rvd_other.papers'::regclass;
SELECT * FROM rvd_other.papers ORDER BY 1;
SELECT count(*) FROM docs_v_log;
UPDATE rvd_other.papers SET embedding = '[0,0]';
ALTER TABLE rvd_other.papers ALTER COLUMN embedding TYPE vector(3) USING '[1,2,3]';
DROP TABLE docs_v_log;
-- and again
SELECT ruvector.track('rvd_other.papers', 'embedding');
UPDATE rvd_other.papers SET embedding = '[3,2,1]' WHERE "The Id" = 1;
SELECT log FROM ruvector.tracked;
SELECT version, op, vector FROM ruvector.history('rvd_other.papers', 1);
DROP SCHEMA rvd_other CASCADE;
SELECT count(*) FROM ruvector.tracked;

-- names that are taken
CREATE TABLE docs (id int PRIMARY KEY, v vector(2), w vector(2));
CREATE VIEW docs_current AS SELECT 1 AS mine;
CREATE FUNCTION docs_as_of(int) RETURNS int LANGUAGE sql RETURN $1;
SELECT * FROM pg_temp.try($$SELECT ruvector.track('docs', 'v', 'lazy')$$);
SELECT ruvector.track('docs', 'v');
SELECT as_of FROM ruvector.tracked;
SELECT ruvector.untrack('docs', 'v');
SELECT *, docs_as_of(1) FROM docs_current;
SELECT * FROM pg_temp.try($$SELECT ruvector.track('docs', 'v')$$);
DROP TABLE docs_v_log;
DROP VIEW docs_current;
DROP FUNCTION docs_as_of;

-- DROP TABLE leaves the log, which tells of it
SELECT ruvector.track('docs', 'v'), ruvector.track('docs', 'w');
INSERT INTO docs VALUES (1, '[1,1]', '[2,2]');
DROP TABLE docs;
SELECT count(*) FROM ruvector.tracked;
SELECT proname FROM pg_proc WHERE proname ~ '^docs_.*as_of';
SELECT id, version, op FROM docs_v_log;
DROP TABLE docs_v_log, docs_v_pending, docs_w_log, docs_w_pending;

-- writes past the triggers are found by the next ones that are not
CREATE TABLE docs (id int PRIMARY KEY, v vector(2));
INSERT INTO docs SELECT i, ARRAY[i, 0] FROM generate_series(1, 6) i;
SELECT ruvector.track('docs', 'v');
SET session_replication_role = replica;
UPDATE docs SET v = v + '[0,1]' WHERE id <= 3;
DELETE FROM docs WHERE id IN (4, 5);
INSERT INTO docs VALUES (7, '[7,7]'), (8, '[8,8]');
RESET session_replication_role;
UPDATE docs SET v = v + '[0,1]' WHERE id = 1;
DELETE FROM docs WHERE id = 2;
UPDATE docs SET v = '[3,0]' WHERE id = 3;
INSERT INTO docs VALUES (4, '[4,4]');
UPDATE docs SET v = '[7,8]' WHERE id = 7;
DELETE FROM docs WHERE id = 8;
SELECT id, version, op, vector FROM generate_series(1, 8) id, ruvector.history('docs', id) ORDER BY id, version;
-- (what was deleted is not seen)
SELECT * FROM pg_temp.faults('docs');
ALTER TABLE docs DISABLE TRIGGER USER;
TRUNCATE docs;
ALTER TABLE docs ENABLE TRIGGER USER;
INSERT INTO docs VALUES (5, '[5,5]'), (6, '[6,6]');
SELECT version, op, vector FROM ruvector.history('docs', 6);
SELECT ruvector.untrack('docs', 'v', false);
DROP TABLE docs;
SELECT count(ruvector.drop_tag(name)) FROM ruvector.tags;
