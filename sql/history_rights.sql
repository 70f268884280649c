-- Who may do what; what others put on the search path, or into the catalog.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE ROLE rvd_owner;
CREATE ROLE rvd_reader;
CREATE ROLE rvd_writer;
CREATE ROLE rvd_stranger;
CREATE SCHEMA rvd_home AUTHORIZATION rvd_owner;
GRANT USAGE ON SCHEMA rvd_home TO rvd_reader, rvd_writer, rvd_stranger;
GRANT CREATE ON SCHEMA public TO rvd_stranger;
SET search_path = rvd_home, public;

-- an owner, who is no superuser, tracks
SET SESSION AUTHORIZATION rvd_owner;
CREATE TABLE docs (id int PRIMARY KEY, v vector(2));
CREATE TABLE lazy (id int PRIMARY KEY, v vector(2));
INSERT INTO docs VALUES (1, '[1,0]'), (2, '[2,0]');
INSERT INTO lazy TABLE docs;
GRANT SELECT ON docs, lazy TO rvd_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON docs, lazy TO rvd_writer;
SELECT ruvector.track('docs', 'v'), ruvector.track('lazy', 'v', 'lazy', max_drift => 9);
SELECT method FROM ruvector.tag('begin', 'the owner''s');
UPDATE docs SET v = '[1,1]' WHERE id = 1;
SELECT ruvector.apply('lazy', 1, '{2:1}/2');
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'rvd_home'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1;

-- a writer: the log gets what a writer does, but not by itself
SET SESSION AUTHORIZATION rvd_writer;
UPDATE docs SET v = '[2,2]' WHERE id = 2;
INSERT INTO docs VALUES (3, '[3,3]');
UPDATE lazy SET v = '[2,1]' WHERE id = 2;
SELECT ruvector.apply('lazy', 2, '{1:2.5}/2'), ruvector.apply('docs', 3, '{1:3.5}/2'), ruvector.fold('lazy', 2);
SET ruvector.actor = 'a person'; SET ruvector.reason = 'because'; SET ruvector.ticket = '7';
DELETE FROM docs WHERE id = 3;
RESET ruvector.actor; RESET ruvector.reason; RESET ruvector.ticket;
SELECT key, source FROM ruvector.search('lazy', 'v', '[0,0]', 5);
SELECT * FROM ruvector.rollback_to('docs', 'begin');
SELECT ruvector.restore('docs', 2, 2);
SELECT t.*, s FROM unnest(ARRAY[
	'INSERT INTO docs_v_log SELECT * FROM docs_v_log', 'UPDATE docs_v_log SET op = ''u''', 'DELETE FROM docs_v_log', 'TRUNCATE docs_v_log',
	'DELETE FROM lazy_v_pending', $$SELECT ruvector.untrack('docs', 'v')$$, $$SELECT ruvector.set_retention('docs', keep_versions => 1)$$,
	$$SELECT ruvector.compact('docs')$$, $$SELECT ruvector.drop_tag('begin')$$, $$DELETE FROM ruvector.tracked$$,
	$$UPDATE ruvector.tracked SET max_chain = 7$$, $$UPDATE ruvector.tags SET comment = 'mine'$$,
	$$TRUNCATE ruvector.tags$$, $$INSERT INTO ruvector.era VALUES (9, 9)$$]) s, pg_temp.try(s) t;
SELECT id, version, op, actor, reason, ticket FROM docs_v_log ORDER BY id, version;
SELECT id, version, op, actor FROM lazy_v_log ORDER BY id, version;

-- a reader: the past, but no changes
SET SESSION AUTHORIZATION rvd_reader;
SELECT ruvector.get_at('docs', 2, 'begin'::text), ruvector.vector('lazy', 1), (SELECT v FROM lazy_current WHERE id = 1);
SELECT count(*) FROM docs_as_of('begin');
SELECT count(*) FROM ruvector.history('docs', 1);
SELECT key, source FROM ruvector.search_as_of('docs', 'v', '[0,0]', 5, 'begin'::text);
SELECT t.*, s FROM unnest(ARRAY[
	$$SELECT ruvector.apply('docs', 1, '*2')$$, $$SELECT ruvector.apply('lazy', 1, '*2')$$, $$SELECT ruvector.fold('lazy', 1)$$,
	$$SELECT ruvector.fold_all('lazy')$$, $$SELECT ruvector.restore('docs', 1, 1)$$, $$SELECT ruvector.restore('lazy', 1, 1)$$,
	$$SELECT ruvector.rollback_to('docs', 'begin')$$, $$SELECT ruvector.track('docs', 'v')$$, $$SELECT ruvector.materialize_tag('docs', 'begin')$$]) s, pg_temp.try(s) t;

-- a stranger: nothing
SET SESSION AUTHORIZATION rvd_stranger;
SELECT t.*, s FROM unnest(ARRAY[
	$$SELECT ruvector.get_at('docs', 2, 1)$$, $$SELECT ruvector.vector('lazy', 1)$$, $$SELECT ruvector.history('docs', 1)$$, 'TABLE docs_v_log',
	$$SELECT ruvector.search('docs', 'v', '[0,0]')$$, $$SELECT ruvector.search_as_of('docs', 'v', '[0,0]', 1, 'begin'::text)$$,
	$$SELECT docs_as_of('begin')$$, 'TABLE lazy_current', $$SELECT ruvector.changes_between('docs', 'begin', 'begin')$$,
	$$SELECT ruvector.blame('docs', 1)$$, $$SELECT ruvector.history_report('docs')$$, $$SELECT ruvector.apply('lazy', 1, '*2')$$,
	$$SELECT ruvector.untrack('docs', 'v')$$, $$SELECT ruvector.track('docs', 'v')$$]) s, pg_temp.try(s) t;

-- nor by the catalog: no row of another's table, no trigger with another's number
CREATE TABLE public.mine (id int PRIMARY KEY, v vector(2));
SELECT ruvector.track('public.mine', 'v');
INSERT INTO public.mine VALUES (1, '[1,1]');
SELECT t.*, s FROM unnest(ARRAY[
	$$UPDATE ruvector.tracked SET rel = 'public.mine', "column" = 'w' WHERE rel = 'rvd_home.docs'::regclass$$,
	$$UPDATE ruvector.tracked SET rel = 'rvd_home.docs', "column" = 'w' WHERE rel = 'public.mine'::regclass$$,
	$$INSERT INTO ruvector.tracked SELECT (t).* FROM (SELECT t FROM ruvector.tracked t WHERE rel = 'rvd_home.docs'::regclass) x$$,
	$$DELETE FROM ruvector.tracked WHERE rel = 'rvd_home.docs'::regclass$$]) s, pg_temp.try(s) t;
SELECT id AS victim FROM ruvector.tracked WHERE rel = 'rvd_home.docs'::regclass \gset
SELECT id AS own FROM ruvector.tracked WHERE rel = 'public.mine'::regclass \gset
CREATE TABLE public.bait (id int PRIMARY KEY, v vector(2));
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON public.bait FOR EACH ROW EXECUTE FUNCTION ruvector.capture(:victim);
SELECT * FROM pg_temp.try($$INSERT INTO public.bait VALUES (1, '[6,6]')$$);
CREATE TABLE public.wrong (id text, v int);
CREATE TRIGGER t AFTER INSERT ON public.wrong FOR EACH ROW EXECUTE FUNCTION ruvector.capture(:own);
SELECT * FROM pg_temp.try($$INSERT INTO public.wrong VALUES ('x', 1)$$);
CREATE TRIGGER b BEFORE INSERT OR DELETE ON public.mine FOR EACH ROW EXECUTE FUNCTION ruvector.capture(:own);
SELECT * FROM pg_temp.try($$INSERT INTO public.mine VALUES (2, '[6,6]')$$);
SELECT * FROM pg_temp.try($$DELETE FROM public.mine$$);
DROP TRIGGER b ON public.mine;
CREATE TRIGGER b BEFORE INSERT ON public.mine FOR EACH STATEMENT EXECUTE FUNCTION ruvector.capture(:own);
SELECT code FROM pg_temp.try($$INSERT INTO public.mine VALUES (2, '[6,6]')$$);
DROP TRIGGER b ON public.mine;
CREATE TRIGGER b AFTER INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION ruvector.capture();
SELECT * FROM pg_temp.try($$INSERT INTO public.mine VALUES (2, '[6,6]')$$);
DROP TRIGGER b ON public.mine;
CREATE TRIGGER b AFTER INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION ruvector.capture('x');
SELECT * FROM pg_temp.try($$INSERT INTO public.mine VALUES (2, '[6,6]')$$);
DROP TRIGGER b ON public.mine;
SELECT * FROM pg_temp.try('SELECT ruvector.capture()');
-- a log that is none: columns of other types than they were
CREATE TABLE public.forged (id int, xid xid8, at timestamptz, content bigint, version int, base int, era smallint, op "char",
	delta int, keyframe int, actor text, reason text, ticket text, PRIMARY KEY (id, version));
INSERT INTO public.forged VALUES (1, '5', now(), 7, 1, 1, 1, 'u', 12345, 67890);
UPDATE ruvector.tracked SET log = 'public.forged' WHERE rel = 'public.mine'::regclass;
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('public.mine', 1)$$);
SELECT code FROM pg_temp.try($$UPDATE public.mine SET v = '[5,5]'$$);
UPDATE ruvector.tracked SET log = 'public.mine_v_log' WHERE rel = 'public.mine'::regclass;
UPDATE ruvector.tracked SET "column" = 'id' WHERE rel = 'public.mine'::regclass;
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('public.mine', 1)$$);
UPDATE ruvector.tracked SET "column" = 'v' WHERE rel = 'public.mine'::regclass;
SELECT ruvector.vector('public.mine', 1);
-- a type that has the name only
RESET SESSION AUTHORIZATION;
CREATE SCHEMA rvd_evil AUTHORIZATION rvd_stranger;
SET SESSION AUTHORIZATION rvd_stranger;
CREATE DOMAIN rvd_evil.vector AS int;
CREATE TABLE rvd_evil.t (id int PRIMARY KEY, v rvd_evil.vector);
SELECT * FROM pg_temp.try($$SELECT ruvector.track('rvd_evil.t', 'v')$$);

-- functions and operators of a stranger, in the way of a superuser
CREATE FUNCTION rvd_evil.trap() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'trapped';
END $$;
DO $do$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT * FROM (VALUES ('cardinality', 'integer[]', 'integer'), ('format', 'text', 'text'), ('count', 'integer', 'bigint'), ('quote_ident', 'name', 'text'),
		('to_regclass', 'text', 'regclass'), ('pg_has_role', 'name, oid, text', 'boolean'), ('whole', 'public.vector', 'public.deltavec'),
		('delta_apply', 'public.vector, public.deltavec', 'public.vector'), ('now', '', 'timestamptz')) v (name, arguments, result)
	LOOP
		EXECUTE format('CREATE FUNCTION rvd_evil.%I(%s) RETURNS %s LANGUAGE sql AS $$ SELECT CASE WHEN rvd_evil.trap() THEN NULL::%s END $$',
			f.name, f.arguments, f.result, f.result);
	END LOOP;
	FOR f IN SELECT * FROM (VALUES ('=', 'integer', 'integer'), ('=', 'name', 'name'), ('=', 'text', 'text'), ('<>', 'bigint', 'bigint'), ('<=', 'integer', 'integer'), ('<', 'smallint', 'smallint'),
		('=', 'oid', 'oid'), ('=', 'regclass', 'regclass'), ('+', 'integer', 'integer'), ('+', 'public.vector', 'public.deltavec'), ('<->', 'public.vector', 'public.vector')) v (name, l, r)
	LOOP
		EXECUTE format('CREATE OR REPLACE FUNCTION rvd_evil.trap_op(%s, %s) RETURNS boolean LANGUAGE sql AS ''SELECT rvd_evil.trap()''', f.l, f.r);
		EXECUTE format('CREATE OPERATOR rvd_evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = rvd_evil.trap_op)', f.name, f.l, f.r);
	END LOOP;
END $do$;
GRANT USAGE ON SCHEMA rvd_evil TO PUBLIC;
RESET SESSION AUTHORIZATION;
CREATE TABLE rvd_home.trapped (id int PRIMARY KEY, name text, v vector(2));
INSERT INTO rvd_home.trapped VALUES (1, 'x', '[1,0]'), (2, 'y', '[2,0]');
SET search_path = rvd_evil, pg_catalog, public;
SELECT * FROM pg_temp.try('SELECT 1 + 1');
SELECT t.* FROM unnest(ARRAY[
	$$SELECT ruvector.track('rvd_home.trapped', 'v', 'lazy', max_drift => 9)$$, $$SELECT (ruvector.tag('trapped')).method$$,
	$$INSERT INTO rvd_home.trapped VALUES (3, 'z', '[3,0]')$$, $$UPDATE rvd_home.trapped SET v = '[1,1]'$$,
	$$SELECT ruvector.apply('rvd_home.trapped', 1, '{1:5}/2')$$, $$SELECT ruvector.apply_many('rvd_home.trapped', ARRAY[1, 2], ARRAY['{1:5}/2', '{2:5}/2']::public.deltavec[])$$,
	$$SELECT ruvector.fold('rvd_home.trapped', 1)$$, $$SELECT ruvector.fold_all('rvd_home.trapped')$$,
	$$SELECT ruvector.get_at('rvd_home.trapped', 1, 1)$$, $$SELECT ruvector.get_at('rvd_home.trapped', 1, 'trapped'::text)$$,
	$$SELECT key FROM ruvector.search('rvd_home.trapped', 'v', '[1,1]', 1)$$, $$SELECT key FROM ruvector.search_as_of('rvd_home.trapped', 'v', '[1,0]', 1, 'trapped'::text)$$,
	$$SELECT string_agg(op, ' ') FROM ruvector.history('rvd_home.trapped', 1)$$, $$SELECT key FROM ruvector.changes_between('rvd_home.trapped', 'trapped', 'trapped')$$,
	$$SELECT value FROM ruvector.blame('rvd_home.trapped', 2)$$, $$SELECT delta FROM ruvector.diff('rvd_home.trapped', 1, 1, 2)$$,
	$$SELECT id FROM rvd_home.trapped_as_of('trapped') LIMIT 1$$, $$SELECT restored FROM ruvector.rollback_to('rvd_home.trapped', 'trapped')$$,
	$$SELECT ruvector.restore('rvd_home.trapped', 1, 2)$$, $$DELETE FROM rvd_home.trapped$$, $$TRUNCATE rvd_home.trapped$$,
	$$SELECT ruvector.set_retention('rvd_home.trapped', keep_age => '0')$$, $$SELECT ruvector.compact('rvd_home.trapped')$$, $$SELECT "column" FROM ruvector.history_report('rvd_home.trapped')$$,
	$$SELECT ruvector.drop_tag('trapped')$$, $$ALTER TABLE rvd_home.trapped RENAME v TO w$$, $$SELECT ruvector.untrack('rvd_home.trapped', 'w', false)$$]) s, pg_temp.try(s) t;
SET search_path = rvd_home, public;

-- row security: hidden rows have no past, for those whom it is about
SET SESSION AUTHORIZATION rvd_owner;
CREATE TABLE secret (id int PRIMARY KEY, whose name, v vector(2));
INSERT INTO secret VALUES (1, 'rvd_reader', '[1,0]'), (2, 'rvd_writer', '[2,0]'), (3, 'rvd_reader', '[3,0]');
GRANT SELECT, UPDATE ON secret TO rvd_reader;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (whose = current_user);
SELECT ruvector.track('secret', 'v', 'lazy', max_drift => 9);
SELECT method FROM ruvector.tag('secret');
SELECT ruvector.apply('secret', i, '{2:1}/2') FROM generate_series(1, 3) i;
DELETE FROM secret WHERE id = 3;
SELECT id, count(*) FROM secret_v_log GROUP BY 1 ORDER BY 1;
SET SESSION AUTHORIZATION rvd_reader;
SELECT id, version FROM secret_v_log ORDER BY 1, 2;
SELECT id FROM secret_v_pending;
SELECT * FROM secret_current;
SELECT key FROM ruvector.search('secret', 'v', '[0,0]');
SELECT key FROM ruvector.search_as_of('secret', 'v', '[0,0]', 10, 'secret'::text);
SELECT id FROM secret_as_of('secret');
SELECT t.*, s FROM unnest(ARRAY[$$SELECT ruvector.vector('secret', 2)$$, $$SELECT ruvector.get_at('secret', 2, 1)$$, $$SELECT ruvector.history('secret', 3)$$,
	$$SELECT ruvector.apply('secret', 2, '*2')$$, $$SELECT ruvector.apply('secret', 1, '*2')$$, $$SELECT ruvector.fold('secret', 2)$$, $$SELECT ruvector.fold('secret', 1)$$]) s, pg_temp.try(s) t;
-- and where it is turned on later
SET SESSION AUTHORIZATION rvd_owner;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (id = 1);
SET SESSION AUTHORIZATION rvd_reader;
SELECT DISTINCT id FROM docs_v_log;
SELECT id FROM docs_v_pending;
RESET SESSION AUTHORIZATION;

-- the log goes to whom the table goes
ALTER TABLE docs OWNER TO rvd_writer;
SET SESSION AUTHORIZATION rvd_writer;
UPDATE docs SET v = '[7,7]' WHERE id = 1;
SELECT op, vector FROM ruvector.history('docs', 1, latest => 1);
RESET SESSION AUTHORIZATION;
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('docs', 'docs_v_log', 'docs_v_pending') ORDER BY 1;
SELECT f.*, t FROM unnest('{docs,lazy,secret,public.mine}'::regclass[]) t, pg_temp.faults(t) f;

SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
SELECT ruvector.drop_tag(name) FROM ruvector.tags;
RESET search_path;
DROP OWNED BY rvd_owner, rvd_reader, rvd_writer, rvd_stranger CASCADE;
DROP SCHEMA IF EXISTS rvd_home CASCADE;
DROP ROLE rvd_owner, rvd_reader, rvd_writer, rvd_stranger;
