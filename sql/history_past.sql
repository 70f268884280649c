-- Asking for the past, comparing points in time, going back.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, title text, v vector(3));
INSERT INTO docs VALUES (1, 'one', '[1,0,0]'), (2, 'two', '[2,0,0]'), (3, 'three', '[3,0,0]'), (4, 'four', NULL);
SELECT ruvector.track('docs', 'v');
SELECT clock_timestamp() AS before_first \gset
SELECT method FROM ruvector.tag('first', 'nothing has changed');
SET ruvector.actor = 'ann'; SET ruvector.reason = 'typo'; SET ruvector.ticket = 'T-1';
UPDATE docs SET v = '[1,1,0]' WHERE id = 1;
UPDATE docs SET v = '[1,1,1]' WHERE id = 1;
RESET ruvector.ticket;
DELETE FROM docs WHERE id = 2;
INSERT INTO docs VALUES (5, 'five', '[5,0,0]');
UPDATE docs SET v = '[4,0,0]' WHERE id = 4;
SELECT method FROM ruvector.tag('second');
SET ruvector.actor = 'bob'; SET ruvector.reason = '';
UPDATE docs SET v = '[1,1,2]' WHERE id = 1;
UPDATE docs SET v = '[0,1,2]' WHERE id = 1;
INSERT INTO docs VALUES (2, 'two again', '[2,2,0]');
DELETE FROM docs WHERE id = 3;
UPDATE docs SET v = NULL WHERE id = 4;
SELECT method FROM ruvector.tag('third');

-- one key: by version, tag, time, point
SELECT i AS version, ruvector.get_at('docs', 1, i) FROM generate_series(1, 5) i;
SELECT id, ruvector.get_at('docs', id, 'first'::text) AS first, ruvector.get_at('docs', id, 'second'::text) AS second,
	ruvector.get_at('docs', id, 'third'::text) AS third
FROM generate_series(1, 5) id;
SELECT ruvector.get_at('docs', 1, ruvector.resolve('second'::text)), ruvector.get_at('docs', 1, (SELECT at FROM ruvector.tags WHERE name = 'second')),
	ruvector.get_at('docs', 1, clock_timestamp()) = v AS is_now, ruvector.get_at('docs', 1, clock_timestamp()::text) = v AS is_now_by_text
FROM docs WHERE id = 1;
SELECT ruvector.get_at('docs', 1, NULL::int) IS NULL, ruvector.get_at('docs', 1, NULL::text) IS NULL, ruvector.get_at(NULL, 1, 1) IS NULL;
SELECT version, op, actor, reason, ticket, vector, method FROM ruvector.row_at('docs', 1, 'second');
SELECT version, op, vector, method FROM ruvector.row_at('docs', 2, 'second');
SELECT count(*) FROM ruvector.row_at('docs', 5, 'first');
SELECT (ruvector.resolve(at)).method FROM ruvector.tags WHERE name = 'first';
SELECT (ruvector.resolve(:'before_first'::timestamptz)).method;

-- all versions, or some
SELECT version, op, nullif(actor, current_user) AS actor, reason, ticket, delta, vector FROM ruvector.history('docs', 1);
SELECT version FROM ruvector.history('docs', 1, latest => 2);
SELECT version FROM ruvector.history('docs', 1, since => (SELECT at FROM ruvector.tags WHERE name = 'second'));
SELECT version FROM ruvector.history('docs', 1, until => (SELECT at FROM ruvector.tags WHERE name = 'first'));
SELECT count(*) FROM ruvector.history('docs', 1, since => 'infinity');
SELECT count(*) FROM ruvector.history('docs', 77, until => 'infinity');
SELECT count(*) FROM ruvector.history(NULL, 1);

-- differences
SELECT delta, changed, round(l2::numeric, 4) AS l2, round(cosine::numeric, 4) AS cosine FROM ruvector.diff('docs', 1, 1, 5);
SELECT delta, changed, l2, cosine FROM ruvector.diff('docs', 1, 3, 3);
SELECT delta, l2 FROM ruvector.diff('docs', 1, 5, 2);
SELECT delta, l2 FROM ruvector.diff('docs', 2, 1, 2);
SELECT key, change, round(l2::numeric, 4) AS l2, from_version, to_version FROM ruvector.changes_between('docs', 'first', 'second') ORDER BY key;
SELECT key, change, round(l2::numeric, 4) AS l2, from_version, to_version FROM ruvector.changes_between('docs', 'second', 'third') ORDER BY key;
SELECT key, change, from_version, to_version FROM ruvector.changes_between('docs', 'first', 'third') ORDER BY key;
SELECT count(*) FROM ruvector.changes_between('docs', 'third', 'third');
SELECT key, change FROM ruvector.changes_between('docs', 'third', 'first');
SELECT dim, value, version, actor, reason FROM ruvector.blame('docs', 1);
SELECT dim, value, version FROM ruvector.blame('docs', 3);

-- tables as they were, in joins
SELECT id, v, since_version FROM docs_as_of('first') ORDER BY id;
SELECT id, v, since_version FROM docs_as_of('second') ORDER BY id;
SELECT id, v FROM docs_as_of(clock_timestamp()) EXCEPT SELECT id, v FROM docs;
SELECT coalesce(a.id, b.id) AS id, a.v AS before, b.v AS after
FROM docs_as_of('first') a FULL JOIN docs_as_of('third') b USING (id) WHERE a.v IS DISTINCT FROM b.v ORDER BY 1;
SELECT d.title, a.v <-> d.v AS moved FROM docs d JOIN docs_as_of('second') a USING (id) WHERE a.since > (SELECT min(at) FROM ruvector.tags) ORDER BY 1;

-- one row goes back: a new version
SELECT ruvector.restore('docs', 1, 2), (SELECT v FROM docs WHERE id = 1);
SELECT v FROM docs WHERE id = 1;
SELECT ruvector.restore('docs', 1, 2);
SELECT * FROM pg_temp.try($$SELECT ruvector.restore('docs', 3, 1)$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.restore('docs', 2, 2)$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.restore('docs', 1, 99)$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.restore('docs', 1, NULL)$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.restore('docs', 88, 1)$$);
SELECT version, vector FROM ruvector.history('docs', 1, latest => 2);

-- all rows go back; what is not there is counted
CREATE TEMPORARY TABLE now AS SELECT * FROM docs;
SELECT * FROM ruvector.rollback_to('docs', 'second', dry_run => true);
SELECT count(*) FROM (SELECT * FROM docs EXCEPT SELECT * FROM now) x;
SELECT * FROM ruvector.rollback_to('docs', 'second');
SELECT * FROM docs ORDER BY id;
SELECT * FROM ruvector.rollback_to('docs', 'second');
SELECT * FROM ruvector.rollback_to('docs', 'first', dry_run => true);
SELECT * FROM ruvector.rollback_to('docs', 'first');
SELECT id, v FROM docs ORDER BY id;
SELECT method FROM ruvector.tag('went back');
SELECT key, change FROM ruvector.changes_between('docs', 'first', 'went back') ORDER BY key;
SELECT * FROM pg_temp.faults('docs');

-- the same of a lazy column
CREATE TABLE lazy (id int PRIMARY KEY, v vector(3));
INSERT INTO lazy SELECT i, ARRAY[i, 0, 9] FROM generate_series(1, 4) i;
SELECT ruvector.track('lazy', 'v', 'lazy', max_drift => 1);
SELECT count(ruvector.apply('lazy', i, '{2:0.5}/3')) FROM generate_series(1, 3) i;
SELECT method FROM ruvector.tag('lazy');
SELECT count(ruvector.apply('lazy', i, '{2:0.7}/3')) FROM generate_series(2, 4) i;
SELECT ruvector.fold('lazy', 1), ruvector.fold('lazy', 2);
SELECT id, ruvector.get_at('lazy', id, 'lazy'::text) AS then, ruvector.vector('lazy', id) AS now, v AS stored FROM lazy ORDER BY id;
SELECT id, v, since_version FROM lazy_as_of('lazy') ORDER BY id;
SELECT method FROM ruvector.tag('folded');
SELECT key, change, from_version, to_version FROM ruvector.changes_between('lazy', 'lazy', 'folded') ORDER BY key;
SELECT dim, value, version FROM ruvector.blame('lazy', 2);
SELECT * FROM ruvector.rollback_to('lazy', 'lazy', dry_run => true);
SELECT * FROM ruvector.rollback_to('lazy', 'lazy');
SELECT * FROM lazy_current ORDER BY id;
SELECT ruvector.restore('lazy', 2, 3), ruvector.vector('lazy', 2);
SELECT * FROM pg_temp.faults('lazy');

-- tags: names, whose, what a transaction does itself
BEGIN;
UPDATE docs SET v = '[7,7,7]' WHERE id = 1;
SELECT method FROM ruvector.tag('within');
COMMIT;
SELECT ruvector.get_at('docs', 1, 'within'::text);
SELECT name, automatic, creator = current_user AS mine, comment FROM ruvector.tags ORDER BY at;
SELECT * FROM pg_temp.try($$SELECT ruvector.tag('first')$$);
SELECT ruvector.drop_tag('within');
SELECT * FROM pg_temp.try($$SELECT ruvector.drop_tag('within')$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.get_at('docs', 1, 'within'::text)$$);
SELECT count(ruvector.drop_tag(name)) FROM ruvector.tags;
SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
DROP TABLE docs, lazy;
