-- Keys of any type, of several columns, with names that the log has taken; tables
-- with several tracked columns, in other schemas, with odd names, partitioned.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE by_uuid (id uuid PRIMARY KEY, v vector(2));
CREATE TABLE by_text (name text PRIMARY KEY, v vector(2));
CREATE TABLE by_char (code char(5) PRIMARY KEY, v vector(2));
CREATE TABLE by_numeric (n numeric(10,2) PRIMARY KEY, v vector(2));
CREATE TABLE by_date (d date PRIMARY KEY, v vector(2));
CREATE TABLE by_case (name text COLLATE "C" PRIMARY KEY, v vector(2));
SELECT ruvector.track(t, 'v') FROM unnest('{by_uuid,by_text,by_char,by_numeric,by_date,by_case}'::regclass[]) t;
INSERT INTO by_uuid VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[1,0]');
UPDATE by_uuid SET v = '[1,1]';
INSERT INTO by_text VALUES ('O''Hara, "x" {y} \z', '[1,0]'), ('', '[0,1]'), (repeat('long ', 200), '[2,2]');
UPDATE by_text SET v = v + '[1,1]';
INSERT INTO by_char VALUES ('ab', '[1,0]');
UPDATE by_char SET v = '[1,1]' WHERE code = 'ab';
INSERT INTO by_numeric VALUES (1.5, '[1,0]');
UPDATE by_numeric SET v = '[1,1]', n = 1.50;
INSERT INTO by_date VALUES ('2024-02-29', '[1,0]');
SET DateStyle = 'SQL, DMY';
UPDATE by_date SET v = '[1,1]';
SELECT version, vector FROM ruvector.history('by_date', '2024-02-29'::date);
RESET DateStyle;
INSERT INTO by_case VALUES ('a', '[1,0]'), ('A', '[0,1]');

SELECT version, vector FROM ruvector.history('by_uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT ruvector.get_at('by_uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, 1);
SELECT version, vector FROM ruvector.history('by_text', 'O''Hara, "x" {y} \z');
SELECT version, vector FROM ruvector.history('by_text', '');
SELECT ruvector.vector('by_text', repeat('long ', 200));
SELECT ruvector.vector('by_char', 'ab'), ruvector.vector('by_char', 'ab'::char(5)), ruvector.vector('by_char', 'ab   '::text);
SELECT version, op, vector FROM ruvector.history('by_numeric', 1.5);
SELECT ruvector.vector('by_case', 'a'), ruvector.vector('by_case', 'A');
SELECT t, f.* FROM unnest('{by_uuid,by_text,by_char,by_numeric,by_date,by_case}'::regclass[]) t, pg_temp.faults(t) f;

-- several columns, their order that of the key; INCLUDE is no part of it
CREATE TABLE pairs (note text, b text, v vector(2), a int, PRIMARY KEY (a, b) INCLUDE (note));
SELECT ruvector.track('pairs', 'v', 'lazy');
SELECT key, log_key FROM ruvector.tracked WHERE rel = 'pairs'::regclass;
INSERT INTO pairs SELECT 'n', chr(96 + i), ARRAY[i, j], j FROM generate_series(1, 3) i, generate_series(1, 2) j;
SELECT ruvector.apply('pairs', ROW(1, 'b'), '{1:2.1}/2'), ruvector.apply('pairs', ROW(1::bigint, 'b'::varchar), '{2:1.1}/2');
UPDATE pairs SET a = 5, note = 'moved' WHERE (a, b) = (1, 'b');
SELECT version, op, vector FROM ruvector.history('pairs', ROW(1, 'b'));
SELECT version, op, vector FROM ruvector.history('pairs', ROW(5, 'b'));
SELECT key, distance FROM ruvector.search('pairs', 'v', '[2.1,1.1]', 2);
SELECT ruvector.fold_all('pairs'), t.* FROM pg_temp.try($$SELECT ruvector.vector('pairs', 5)$$) t;
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('pairs', ROW(5, 'b', 1))$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('pairs', ROW(5, NULL::text))$$);
SELECT * FROM pg_temp.faults('pairs');

-- names that the log, or <table>_as_of, has taken
CREATE TABLE taken (version int, at text, since int, delta int, v vector(2), PRIMARY KEY (version, at, since, delta));
SELECT ruvector.track('taken', 'v');
INSERT INTO taken VALUES (7, 'home', 3, 1, '[1,0]');
UPDATE taken SET v = '[1,1]';
SELECT key, log_key FROM ruvector.tracked WHERE rel = 'taken'::regclass;
SELECT version, vector FROM ruvector.history('taken', ROW(7, 'home', 3, 1));
SELECT version IS NOT NULL AS tagged FROM (SELECT (ruvector.tag('taken')).method AS version) x;
SELECT * FROM taken_as_of('taken') \gset row_
SELECT :row_version, :'row_at', :row_key_since, :row_delta, :'row_v', :row_since_version;
SELECT * FROM pg_temp.faults('taken');

-- several columns of a table, two of them lazy; names that need quotes
CREATE SCHEMA "Odd.Schema";
CREATE TABLE "Odd.Schema"."My ""Docs""" ("the.Key" int PRIMARY KEY, "V 1" vector(2), "v'2" vector(3), v3 vector(2));
INSERT INTO "Odd.Schema"."My ""Docs""" VALUES (1, '[1,0]', '[1,2,3]', '[0,1]');
ALTER TABLE "Odd.Schema"."My ""Docs""" ENABLE ROW LEVEL SECURITY;
SELECT ruvector.track('"Odd.Schema"."My ""Docs"""', 'V 1');
SELECT ruvector.track('"Odd.Schema"."My ""Docs"""', 'v''2', 'lazy', max_drift => 10);
SELECT ruvector.track('"Odd.Schema"."My ""Docs"""', 'v3', 'lazy', max_drift => 10);
UPDATE "Odd.Schema"."My ""Docs""" SET "V 1" = '[1,1]', "v'2" = '[1,2,4]';
UPDATE "Odd.Schema"."My ""Docs""" SET v3 = '[0,2]';
SET search_path = "Odd.Schema";
SELECT * FROM "My ""Docs""";
SELECT * FROM "My ""Docs""_current";
RESET search_path;
SELECT "column", log, as_of FROM ruvector.tracked WHERE rel = '"Odd.Schema"."My ""Docs"""'::regclass ORDER BY 1;
SELECT version, vector FROM ruvector.history('"Odd.Schema"."My ""Docs"""', 1, "column" => 'v''2');
SELECT * FROM pg_temp.try($$SELECT ruvector.vector('"Odd.Schema"."My ""Docs"""', 1)$$);
SELECT c, f.* FROM unnest('{V 1,v''2,v3}'::name[]) c, pg_temp.faults('"Odd.Schema"."My ""Docs"""', c) f;
SELECT ruvector.untrack('"Odd.Schema"."My ""Docs"""', 'v''2', keep_history => false);
SELECT * FROM "Odd.Schema"."My ""Docs""_current";
DROP TABLE "Odd.Schema"."My ""Docs""" CASCADE;
DROP SCHEMA "Odd.Schema" CASCADE;

-- partitions, one with its columns in another order; rows that move between them
CREATE TABLE parted (region text, id int, v vector(2), PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
CREATE TABLE parted_b (v vector(2), gone int, id int NOT NULL, region text NOT NULL, PRIMARY KEY (region, id));
ALTER TABLE parted_b DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_b FOR VALUES IN ('b');
CREATE TABLE parted_lazy (LIKE parted INCLUDING ALL) PARTITION BY LIST (region);
CREATE TABLE parted_lazy_a PARTITION OF parted_lazy FOR VALUES IN ('a');
CREATE TABLE parted_lazy_b PARTITION OF parted_lazy FOR VALUES IN ('b');
INSERT INTO parted VALUES ('a', 1, '[1,0]'), ('b', 1, '[0,1]');
INSERT INTO parted_lazy SELECT * FROM parted;
SELECT ruvector.track('parted', 'v');
SELECT ruvector.track('parted_lazy', 'v', 'lazy', max_drift => 10);
INSERT INTO parted VALUES ('a', 2, '[2,0]'), ('b', 2, '[0,2]');
INSERT INTO parted_b VALUES ('[0,3]', 3, 'b');
INSERT INTO parted_lazy VALUES ('a', 2, '[2,0]'), ('b', 2, '[0,2]');
UPDATE parted SET v = v + '[1,1]' WHERE id < 3;
UPDATE parted_lazy SET v = v + '[1,1]';
UPDATE parted SET region = 'b', id = id + 10 WHERE region = 'a';
UPDATE parted_lazy SET region = 'b', id = id + 10 WHERE region = 'a' AND id = 1;
UPDATE parted_lazy SET region = 'b', id = id + 10, v = '[5,5]' WHERE region = 'a' AND id = 2;
DELETE FROM parted_b WHERE id = 3;
SELECT region, id, version, op, vector FROM (SELECT DISTINCT region, id FROM parted_v_log) k, ruvector.history('parted', ROW(region, id)) ORDER BY 1, 2, 3;
SELECT region, id, version, op, vector FROM (SELECT DISTINCT region, id FROM parted_lazy_v_log) k, ruvector.history('parted_lazy', ROW(region, id)) ORDER BY 1, 2, 3;
SELECT t, f.* FROM unnest('{parted,parted_lazy}'::regclass[]) t, pg_temp.faults(t) f;
TRUNCATE parted, parted_lazy;
SELECT t, f.* FROM unnest('{parted,parted_lazy}'::regclass[]) t, pg_temp.faults(t) f;
SELECT ruvector.untrack('parted', 'v', false), ruvector.untrack('parted_lazy', 'v', false);
SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('parted')) AND NOT tgisinternal;
DROP TABLE parted, parted_lazy;
SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
DROP TABLE by_uuid, by_text, by_char, by_numeric, by_date, by_case, pairs, taken;
SELECT ruvector.drop_tag('taken');
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname ~ '_(log|pending|current)$';
SELECT proname FROM pg_proc WHERE proname ~ '_as_of$' AND pronamespace = 'public'::regnamespace;
