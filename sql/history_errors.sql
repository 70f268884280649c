-- What cannot be: which error, and that nothing has changed.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, v vector(3));
CREATE TABLE lazy (id int PRIMARY KEY, v vector(3));
INSERT INTO docs VALUES (1, '[1,0,0]'), (2, NULL);
INSERT INTO lazy TABLE docs;
SELECT method FROM ruvector.tag('before');
SELECT ruvector.track('docs', 'v'), ruvector.track('lazy', 'v', 'lazy', max_drift => 9);
SELECT method FROM ruvector.tag('after');
CREATE TEMPORARY TABLE logs AS SELECT 'docs' AS of, l.* FROM docs_v_log l UNION ALL SELECT 'lazy', l.* FROM lazy_v_log l;

-- keys, versions, points
SELECT t.*, s FROM unnest(ARRAY[
	$$SELECT ruvector.vector('docs', 9)$$, $$SELECT ruvector.get_at('docs', 9, 1)$$, $$SELECT ruvector.get_at('docs', 9, 'after'::text)$$,
	$$SELECT ruvector.get_at('docs', 1, 2)$$, $$SELECT ruvector.get_at('docs', 1, 0)$$, $$SELECT ruvector.get_at('docs', 1, -1)$$,
	$$SELECT ruvector.get_at('docs', 1, 'none'::text)$$, $$SELECT ruvector.get_at('docs', 1, 'infinity'::text)$$,
	$$SELECT ruvector.get_at('docs', 1, 'infinity'::timestamptz)$$, $$SELECT ruvector.get_at('docs', 1, '3000-01-01'::text)::text$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.get_at(''docs'', 1, ''before''::text)')$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.get_at(''docs'', 1, ''1999-01-01''::timestamptz)')$$,
	$$SELECT code FROM pg_temp.try('SELECT * FROM docs_as_of(''before'')')$$, $$SELECT code FROM pg_temp.try('SELECT ruvector.row_at(''docs'', 1, ''before'')')$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.search_as_of(''docs'', ''v'', ''[1,2,3]'', 1, ''before''::text)')$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.changes_between(''docs'', ''before'', ''after'')')$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.rollback_to(''docs'', ''before'')')$$,
	$$SELECT ruvector.get_at('docs', 1, ROW(1, NULL, NULL, 'x')::ruvector.point)$$, $$SELECT ruvector.history('docs', 9)$$,
	$$SELECT ruvector.blame('docs', 9)$$, $$SELECT ruvector.vector('docs', NULL::int)$$, $$SELECT ruvector.vector('docs', 'one')$$,
	$$SELECT ruvector.vector('docs', 99999999999)$$, $$SELECT ruvector.vector('docs', 1.5)$$, $$SELECT ruvector.vector('docs', ROW(1))$$,
	$$SELECT ruvector.vector('docs', 1, 'w')$$, $$SELECT ruvector.vector('docs', '1')$$, $$SELECT ruvector.vector('docs', 1::bigint)$$]) s, pg_temp.try(s) t;
SELECT regexp_replace(answer, '\d{4}-\S+ \S+', 'TIME', 'g') AS answer FROM pg_temp.try($$SELECT ruvector.get_at('docs', 1, 'before'::text)$$);

-- deltas
SELECT t.*, s FROM unnest(ARRAY[
	$$SELECT ruvector.apply('docs', 9, '*2')$$, $$SELECT ruvector.apply('lazy', 9, '*2')$$, $$SELECT ruvector.fold('lazy', 9)$$,
	$$SELECT ruvector.apply('docs', 1, NULL)$$, $$SELECT ruvector.apply('lazy', 1, NULL)$$, $$SELECT ruvector.apply(NULL, 1, '*2')$$,
	$$SELECT ruvector.apply('lazy', NULL::int, '*2')$$,
	$$SELECT ruvector.apply('docs', 1, '{1:1}/2')$$, $$SELECT ruvector.apply('lazy', 1, '{1:1}/2')$$, $$SELECT ruvector.apply('lazy', 1, '=[1,2]')$$,
	$$SELECT ruvector.apply('docs', 1, '=[1,2]')$$, $$SELECT ruvector.apply('docs', 1, '*3e38*3e38')$$, $$SELECT ruvector.apply('lazy', 1, '*3e38*3e38')$$,
	$$SELECT ruvector.apply('docs', 2, '*2')$$, $$SELECT ruvector.apply('lazy', 2, '*2')$$,
	$$UPDATE lazy SET v = '[1,2]'$$, $$INSERT INTO lazy VALUES (3, '[1,2]')$$, $$INSERT INTO lazy VALUES (3, '[1,2,3]'), (1, '[1,2,3]')$$]) s, pg_temp.try(s) t;
SELECT 'docs' AS of, l.* FROM docs_v_log l UNION ALL SELECT 'lazy', l.* FROM lazy_v_log l EXCEPT TABLE logs;
SELECT id FROM lazy_v_pending;
SELECT * FROM pg_temp.faults('docs');
SELECT * FROM pg_temp.faults('lazy');

-- frames: what is damaged cannot be written, what was put in its place is noticed
SELECT ruvector.apply('lazy', 1, '{2:1}/3'), ruvector.apply('lazy', 1, '{3:1}/3');
SELECT t.*, s FROM unnest(ARRAY[
	$$UPDATE lazy_v_log SET delta = substr(delta::bytea, 1, length(delta::bytea) - 1)::deltavec WHERE id = 1 AND version = 2$$,
	$$UPDATE lazy_v_log SET delta = set_byte(delta::bytea, length(delta::bytea) - 5, 99)::deltavec WHERE id = 1 AND version = 2$$,
	$$UPDATE lazy_v_log SET delta = ''::bytea::deltavec WHERE id = 1 AND version = 2$$]) s, pg_temp.try(s) t;
SELECT ruvector.vector('lazy', 1);
UPDATE lazy_v_log SET delta = '{2:7}/3' WHERE id = 1 AND version = 2;
SELECT t.*, s FROM unnest(ARRAY[$$SELECT ruvector.vector('lazy', 1)$$, $$SELECT ruvector.get_at('lazy', 1, 2)$$, $$SELECT ruvector.get_at('lazy', 1, 1)$$,
	$$SELECT ruvector.apply('lazy', 1, '*2')$$, $$SELECT ruvector.fold('lazy', 1)$$, $$UPDATE lazy SET v = '[1,1,1]' WHERE id = 1$$,
	$$SELECT ruvector.fold_all('lazy')$$, $$SELECT key FROM ruvector.search('lazy', 'v', '[1,1,1]')$$]) s, pg_temp.try(s) t;
UPDATE lazy_v_log SET delta = '{2:1}/4' WHERE id = 1 AND version = 2;
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('lazy', 1)$$);
UPDATE lazy_v_log SET delta = 'delete' WHERE id = 1 AND version = 1;
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('lazy', 1)$$);
UPDATE lazy_v_log SET delta = '=[1,0,0]' WHERE id = 1 AND version = 1;
UPDATE lazy_v_log SET delta = '{2:1}/3' WHERE id = 1 AND version = 2;
DELETE FROM lazy_v_log WHERE id = 1 AND version = 1;
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('lazy', 1)$$);
INSERT INTO lazy_v_log SELECT (l).* FROM (SELECT l FROM (SELECT id, xid, at, content, version, base, era, op, delta, keyframe, actor, reason, ticket
	FROM logs WHERE of = 'lazy' AND id = 1) l) x;
SELECT ruvector.vector('lazy', 1);
SELECT * FROM pg_temp.faults('lazy');

-- what cannot be tracked
CREATE TABLE no_key (id int, v vector(3));
CREATE TABLE nine (a int, b int, c int, d int, e int, f int, g int, h int, i int, v vector(3), PRIMARY KEY (a, b, c, d, e, f, g, h, i));
CREATE TEMPORARY TABLE short_lived (id int PRIMARY KEY, v vector(3));
CREATE TABLE parent (id int PRIMARY KEY, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE child PARTITION OF parent DEFAULT;
CREATE TABLE inherited (id int PRIMARY KEY, v vector(3));
CREATE TABLE heir () INHERITS (inherited);
CREATE TABLE made (id int PRIMARY KEY, a real[], v vector(3) GENERATED ALWAYS AS (a::vector) STORED);
CREATE VIEW seen AS TABLE docs;
CREATE MATERIALIZED VIEW kept AS TABLE docs;
SELECT t.*, s FROM unnest(ARRAY[
	$$SELECT ruvector.track('no_key', 'v')$$, $$SELECT ruvector.track('nine', 'v')$$, $$SELECT ruvector.track('short_lived', 'v')$$,
	$$SELECT ruvector.track('child', 'v')$$, $$SELECT ruvector.track('heir', 'v')$$, $$SELECT ruvector.track('inherited', 'v')$$,
	$$SELECT ruvector.track('seen', 'v')$$, $$SELECT ruvector.track('kept', 'v')$$, $$SELECT ruvector.track('docs', 'id')$$,
	$$SELECT ruvector.track('docs', 'none')$$, $$SELECT ruvector.track('docs', NULL)$$, $$SELECT ruvector.track('docs', 'v')$$,
	$$SELECT ruvector.track('made', 'v', 'lazy')$$, $$SELECT ruvector.track('made', 'v', 'sometimes')$$, $$SELECT ruvector.track('made', 'v', NULL)$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.track(''made'', ''v'', max_chain => 0)')$$, $$SELECT code FROM pg_temp.try('SELECT ruvector.track(''made'', ''v'', max_drift => -1)')$$,
	$$SELECT code FROM pg_temp.try('SELECT ruvector.track(''made'', ''v'', max_age => ''-1 s'')')$$, $$SELECT ruvector.track('none', 'v')$$,
	$$SELECT ruvector.track(1::oid::regclass, 'v')$$, $$SELECT ruvector.track(NULL, 'v')$$,
	$$SELECT ruvector.untrack('no_key', 'v')$$, $$SELECT ruvector.untrack('docs', 'id')$$, $$SELECT ruvector.oldest_reachable('no_key')$$,
	$$SELECT ruvector.vector('no_key', 1)$$, $$SELECT ruvector.apply('no_key', 1, '*2')$$, $$SELECT ruvector.fold('no_key', 1)$$, $$SELECT ruvector.history('no_key', 1)$$,
	$$SELECT ruvector.fold_all('no_key')$$, $$SELECT ruvector.compact('no_key')$$, $$SELECT ruvector.rollback_to('no_key', 'after')$$]) s, pg_temp.try(s) t;
SELECT code, s FROM unnest(ARRAY[$$SELECT ruvector.tag('')$$, $$SELECT ruvector.tag(NULL)$$,
	$$SELECT ruvector.set_retention('docs', keep_versions => 0)$$, $$SELECT ruvector.set_retention('docs', keep_age => '-1 s')$$]) s, pg_temp.try(s) t;
SELECT count(*) FROM ruvector.tracked;
SELECT relname FROM pg_class WHERE relname ~ '_v_(log|pending)$' ORDER BY 1;
-- a column that is made of others is tracked like any; so is an unlogged table's
SELECT ruvector.track('made', 'v');
INSERT INTO made VALUES (1, '{1,2,3}');
UPDATE made SET a = '{1,2,4}';
SELECT version, vector FROM ruvector.history('made', 1);
SELECT code FROM pg_temp.try($$SELECT ruvector.apply('made', 1, '*2')$$);
CREATE UNLOGGED TABLE light (id int PRIMARY KEY, v vector(3));
SELECT ruvector.track('light', 'v', 'lazy');
INSERT INTO light VALUES (1, '[1,2,3]');
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('light_v_log', 'light_v_pending') ORDER BY 1;
SELECT * FROM pg_temp.faults('made');
SELECT * FROM pg_temp.faults('light');

SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
SELECT count(ruvector.drop_tag(name)) FROM ruvector.tags;
DROP TABLE docs, lazy, no_key, nine, short_lived, parent, inherited, heir, made, light CASCADE;
