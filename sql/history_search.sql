-- Search now over lazy columns, and as of a point, against an exact answer.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, kind text, v vector(8));
INSERT INTO docs SELECT i, CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END, (SELECT array_agg(sin(i * 12.9898 + d * 78.233)) FROM generate_series(1, 8) d)
FROM generate_series(1, 180) i;
CREATE TABLE lazy (LIKE docs INCLUDING ALL);
INSERT INTO lazy SELECT * FROM docs;
CREATE INDEX ON docs USING hnsw (v vector_l2_ops);
CREATE INDEX ON docs USING hnsw (v vector_cosine_ops);
CREATE INDEX ON lazy USING hnsw (v vector_l2_ops);
SELECT ruvector.track('docs', 'v'), ruvector.track('lazy', 'v', 'lazy', max_drift => 2);

-- the truth is written down at every tag
CREATE TABLE truth (tag text, rel text, id int, kind text, v vector(8));
CREATE FUNCTION pg_temp.write_down(name text) RETURNS void LANGUAGE sql AS $$
	SELECT ruvector.tag(name);
	INSERT INTO truth SELECT name, 'docs', id, kind, v FROM docs;
	INSERT INTO truth SELECT name, 'lazy', id, kind, v FROM lazy_current
$$;
CREATE FUNCTION pg_temp.moved(v vector, by float8) RETURNS vector LANGUAGE sql AS
	$$ SELECT array_agg(x + sin(n * by) / 2 ORDER BY n)::vector FROM unnest(v::real[]) WITH ORDINALITY u(x, n) $$;
SELECT pg_temp.write_down('first');
UPDATE docs SET v = pg_temp.moved(v, id) WHERE id % 5 = 0;
UPDATE lazy SET v = pg_temp.moved(v, id) WHERE id % 5 = 0;
SELECT pg_temp.write_down('second');
DELETE FROM docs WHERE id % 7 = 0;
DELETE FROM lazy WHERE id % 7 = 0;
INSERT INTO docs SELECT id + 1000, kind, pg_temp.moved(v, 3) FROM docs WHERE id % 11 = 0;
INSERT INTO lazy SELECT id + 1000, kind, pg_temp.moved(v, 3) FROM docs WHERE id < 1000 AND id % 11 = 0;
UPDATE docs SET v = NULL WHERE id = 13;
SELECT ruvector.fold_all('lazy', at_most => 20);
UPDATE lazy SET v = pg_temp.moved(v, id) WHERE id % 4 = 0;
SELECT pg_temp.write_down('third');
UPDATE docs SET v = pg_temp.moved(v, 9) WHERE id < 100;
UPDATE lazy SET v = pg_temp.moved(v, 9) WHERE id < 100;
INSERT INTO lazy SELECT id + 2000, kind, v FROM lazy WHERE id % 50 = 1;
SELECT count(*) > 50 AS much_is_pending FROM lazy_v_pending;
SELECT * FROM pg_temp.faults('docs');
SELECT * FROM pg_temp.faults('lazy');

-- how many searches differ from an exact one, over metrics, tags and queries
CREATE FUNCTION pg_temp.exact(rows regclass, tag_name text, table_name text, q vector, metric text, k int, filter text)
RETURNS TABLE (key text, distance float8) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT id::text, v %s $1 FROM %s r WHERE %s AND v IS NOT NULL AND (%s)
		ORDER BY v %1$s $1, id::text LIMIT $4',
		CASE metric WHEN 'l2' THEN '<->' WHEN 'ip' THEN '<#>' WHEN 'cosine' THEN '<=>' ELSE '<+>' END, rows,
		CASE WHEN tag_name IS NULL THEN 'true' ELSE 'tag = $2 AND rel = $3' END, coalesce(filter, 'true'))
		USING q, tag_name, table_name, k;
END $$;
CREATE TABLE queries AS SELECT n, (SELECT array_agg(cos(n * 3.7 + d * 1.3)) FROM generate_series(1, 8) d)::vector(8) AS q FROM generate_series(1, 2) n;
CREATE FUNCTION pg_temp.differ(k int, exactly bool, filter text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*)
	FROM queries q, (VALUES ('docs'), ('lazy')) r (rel), (VALUES ('first'), ('second'), ('third')) t (tag),
		(VALUES ('l2'), ('ip'), ('cosine'), ('l1')) m (metric)
	WHERE (SELECT array_agg(s.key || ' ' || s.distance ORDER BY s.distance, s.key)
			FROM ruvector.search_as_of(r.rel::regclass, 'v', q.q, k, t.tag, m.metric, filter, exactly) s)
		IS DISTINCT FROM (SELECT array_agg(e.key || ' ' || e.distance ORDER BY e.distance, e.key)
			FROM pg_temp.exact('truth', t.tag, r.rel, q.q, m.metric, k, filter) e)
$$;
SET hnsw.ef_search = 1000;
SELECT pg_temp.differ(10, false, NULL) AS by_index, pg_temp.differ(10, true, NULL) AS exact, pg_temp.differ(1, false, NULL) AS nearest,
	pg_temp.differ(1000, false, NULL) AS all_rows;
SELECT count(*) AS now FROM queries, (VALUES ('l2'), ('ip'), ('cosine'), ('l1')) m (metric)
WHERE (SELECT array_agg(s.key || ' ' || s.distance ORDER BY s.distance, s.key) FROM ruvector.search('lazy', 'v', q, 10, metric) s)
	IS DISTINCT FROM (SELECT array_agg(e.key || ' ' || e.distance ORDER BY e.distance, e.key)
		FROM pg_temp.exact('lazy_current', NULL, NULL, q, metric, 10, NULL) e);
-- a filter is about rows as they are now: what is gone has none
SELECT count(*) FROM queries, (VALUES ('docs'), ('lazy')) r (rel)
WHERE (SELECT array_agg(s.key ORDER BY s.distance, s.key) FROM ruvector.search_as_of(rel::regclass, 'v', q, 10, 'second', 'l2', 'r.kind = ''a''') s)
	IS DISTINCT FROM (SELECT array_agg(e.key ORDER BY e.distance, e.key)
		FROM pg_temp.exact('truth', 'second', rel, q, 'l2', 10, 'kind = ''a'' AND id % 7 <> 0') e);
SELECT count(*) FROM queries
WHERE (SELECT array_agg(s.key ORDER BY s.distance, s.key) FROM ruvector.search('lazy', 'v', q, 10, filter => 'r.kind = ''a''') s)
	IS DISTINCT FROM (SELECT array_agg(e.key ORDER BY e.distance, e.key) FROM pg_temp.exact('lazy_current', NULL, NULL, q, 'l2', 10, 'kind = ''a''') e);
SELECT DISTINCT source FROM ruvector.search_as_of('docs', 'v', (SELECT q FROM queries WHERE n = 1), 100, 'second'::text) ORDER BY 1;
SELECT count(*) FROM ruvector.search('docs', 'v', (SELECT q FROM queries WHERE n = 1), 5, '<=>');

-- by a time; by a point
SELECT count(*) FROM (SELECT * FROM ruvector.search_as_of('docs', 'v', '[1,0,0,0,0,0,0,0]', 20, (SELECT at FROM ruvector.tags WHERE name = 'second'))
	EXCEPT SELECT * FROM ruvector.search_as_of('docs', 'v', '[1,0,0,0,0,0,0,0]', 20, 'second'::text)) x;
SELECT count(*) FROM (SELECT * FROM ruvector.search_as_of('docs', 'v', '[1,0,0,0,0,0,0,0]', 20, ruvector.resolve('second'::text))
	EXCEPT SELECT * FROM ruvector.search_as_of('docs', 'v', '[1,0,0,0,0,0,0,0]', 20, 'second'::text)) x;

-- what entered, left and moved
CREATE TABLE few (id int PRIMARY KEY, v vector(2));
INSERT INTO few VALUES (1, '[1,0]'), (2, '[2,0]'), (3, '[3,0]'), (4, '[4,0]');
SELECT ruvector.track('few', 'v');
SELECT method FROM ruvector.tag('few');
UPDATE few SET v = '[0.5,0]' WHERE id = 4;
UPDATE few SET v = '[1,1]' WHERE id = 1;
DELETE FROM few WHERE id = 3;
SELECT method FROM ruvector.tag('fewer');
SELECT key, from_rank, to_rank, from_distance, round(to_distance::numeric, 4) AS to_distance, change
FROM ruvector.search_drift('few', 'v', '[0,0]', 3, 'few', 'fewer');
SELECT key, change FROM ruvector.search_drift('few', 'v', '[0,0]', 3, 'few', 'few');

-- a tag as a table
SELECT ruvector.materialize_tag('docs', 'second'), ruvector.materialize_tag('lazy', 'third');
SELECT count(*) FROM docs_v_at_second f FULL JOIN (SELECT * FROM truth WHERE tag = 'second' AND rel = 'docs' AND v IS NOT NULL) t USING (id)
WHERE ruvector.content(f.vector_then) <> ruvector.content(t.v);
SELECT DISTINCT source FROM ruvector.search_as_of('docs', 'v', '[1,0,0,0,0,0,0,0]', 20, 'second'::text);
SELECT pg_temp.differ(10, false, NULL);
SELECT rel FROM ruvector.materialized ORDER BY rel::text;
SELECT code FROM pg_temp.try($$SELECT ruvector.materialize_tag('docs', 'second')$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.materialize_tag('docs', 'none')$$);
SELECT * FROM pg_temp.try($$SELECT ruvector.materialize_tag('docs', 'third', metric => 'hamming')$$);
DROP TABLE docs_v_at_second;
SELECT rel FROM ruvector.materialized ORDER BY rel::text;
SELECT DISTINCT source FROM ruvector.search_as_of('docs', 'v', '[1,0,0,0,0,0,0,0]', 20, 'second'::text) ORDER BY 1;
SELECT count(ruvector.drop_tag(name)) FROM ruvector.tags;
SELECT count(*) FROM ruvector.materialized;

-- arguments
SELECT t.*, a
FROM unnest(ARRAY[$$'docs', 'v', NULL$$, $$'docs', 'v', '[1]'$$, $$'docs', 'v', '[1,2,3,4,5,6,7,8]', 0$$, $$'docs', 'v', '[1,2,3,4,5,6,7,8]', NULL$$,
	$$'docs', 'v', '[1,2,3,4,5,6,7,8]', 5, 'l3'$$, $$'docs', 'v', '[1,2,3,4,5,6,7,8]', 5, NULL$$, $$'docs', 'kind', '[1]'$$,
	$$'truth', 'v', '[1,2,3,4,5,6,7,8]'$$]) a, pg_temp.try(format('SELECT * FROM ruvector.search(%s)', a)) t;
SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
DROP TABLE docs, lazy, few, truth, queries, lazy_v_at_third;
