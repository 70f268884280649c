-- What a read touches: the key's chain, not the log.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, v vector(4));
INSERT INTO docs SELECT i, ARRAY[i, 0, 0, 1] FROM generate_series(1, 300) i;
SELECT ruvector.track('docs', 'v', max_chain => 10);
CREATE FUNCTION pg_temp.rounds(n int) RETURNS void LANGUAGE plpgsql AS
	$$ BEGIN FOR i IN 1 .. n LOOP UPDATE docs SET v = v + '[0,0,0,1]'; END LOOP; END $$;
SELECT pg_temp.rounds(10);
SELECT method FROM ruvector.tag('early');
SELECT pg_temp.rounds(20);
SELECT method FROM ruvector.tag('late');
UPDATE docs SET v = v + '[0,0,0,1]' WHERE id % 100 = 0;
VACUUM ANALYZE docs_v_log;

-- pages that a statement touches the second time it runs
CREATE FUNCTION pg_temp.pages(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE statement;
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) ' || statement INTO plan;
	RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END $$;
SELECT relpages > 100 AS log_is_long FROM pg_class WHERE relname = 'docs_v_log';
SELECT s, pg_temp.pages(s) <= most AS is_few FROM (VALUES
	($$SELECT ruvector.vector('docs', 250)$$, 30),
	($$SELECT ruvector.get_at('docs', 250, 3)$$, 30),
	($$SELECT ruvector.get_at('docs', 250, 31)$$, 30),
	($$SELECT ruvector.get_at('docs', 250, 'early'::text)$$, 60),
	($$SELECT ruvector.get_at('docs', 250, 'late'::text)$$, 60),
	($$SELECT ruvector.get_at('docs', 250, clock_timestamp())$$, 80),
	($$SELECT * FROM ruvector.row_at('docs', 250, 'early')$$, 100),
	($$SELECT * FROM ruvector.history('docs', 250, latest => 2)$$, 100),
	($$SELECT ruvector.restore('docs', 250, 31)$$, 120),
	($$SELECT * FROM ruvector.diff('docs', 250, 30, 31)$$, 120)) v (s, most);
-- of a log twice as long, no more
SELECT pg_temp.pages($$SELECT ruvector.get_at('docs', 250, 'early'::text)$$) AS early, pg_temp.pages($$SELECT ruvector.vector('docs', 250)$$) AS now \gset before_
SELECT pg_temp.rounds(30);
VACUUM ANALYZE docs_v_log;
SELECT pg_temp.pages($$SELECT ruvector.get_at('docs', 250, 'early'::text)$$) <= :before_early + 40 AS early,
	pg_temp.pages($$SELECT ruvector.vector('docs', 250)$$) <= :before_now + 10 AS now;

-- and what changed since a point is found without reading all of the log
SELECT method FROM ruvector.tag('last');
UPDATE docs SET v = v + '[0,0,0,1]' WHERE id = 7;
SELECT brin_summarize_new_values(indexrelid) >= 0 AS summarized FROM pg_index WHERE indrelid = 'docs_v_log'::regclass AND NOT indisprimary;
CREATE TEMPORARY TABLE plan (line text);
DO $$ DECLARE l text; BEGIN
	FOR l IN EXECUTE 'EXPLAIN (COSTS off) ' || format('SELECT l.id FROM docs_v_log l WHERE %s',
		replace(ruvector.not_happened(ruvector.resolve('last'::text), 1), '$1', 'ruvector.resolve(''last''::text)'))
	LOOP INSERT INTO plan VALUES (l); END LOOP; END $$;
SELECT count(*) FILTER (WHERE line LIKE '%Bitmap Index Scan%brin%' OR line LIKE '%Bitmap Index Scan on docs_v_log_era%') AS by_brin,
	count(*) FILTER (WHERE line LIKE '%Seq Scan%') AS by_scan FROM plan;
SELECT key, source FROM ruvector.search_as_of('docs', 'v', '[7,0,0,1]', 1, 'last'::text);
SELECT ruvector.untrack('docs', 'v', false);
SELECT count(ruvector.drop_tag(name)) FROM ruvector.tags;
DROP TABLE docs;
