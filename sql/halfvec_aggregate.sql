-- sum and avg of halfvecs: groups, windows, parallel plans, hostile states.

CREATE TABLE agg_test (id int, kind int, v halfvec);
INSERT INTO agg_test
SELECT i, i % 3, CASE WHEN i % 10 <> 0 THEN ARRAY[i % 20, -2 * (i % 20), i % 7]::halfvec END FROM generate_series(1, 600) i;
ANALYZE agg_test;

SELECT sum(v), avg(v), count(v) FROM agg_test;
SELECT kind, sum(v), avg(v) FROM agg_test GROUP BY ROLLUP (kind) ORDER BY kind;
SELECT sum(v), avg(v) FROM agg_test WHERE id < 0;
SELECT sum(v), avg(v) FROM agg_test WHERE id = 10;

-- avg rounds once, at the end; sum is a halfvec at every step
SELECT avg(v) AS exact, sum(v) AS rounded FROM unnest(ARRAY['[2048]', '[1]', '[1]', '[1]']::halfvec[]) v;
SELECT avg(v) FROM unnest(ARRAY['[65504]', '[65504]']::halfvec[]) v;

-- the states that are updated in place are nobody else's
SELECT id, v, sum(v) OVER w, avg(v) OVER w FROM agg_test WHERE id < 8 WINDOW w AS (ORDER BY id) ORDER BY id;
SELECT id, sum(v) OVER w, avg(v) OVER w FROM agg_test WHERE id BETWEEN 8 AND 12
WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) ORDER BY id;
SELECT v FROM agg_test WHERE id < 4 ORDER BY id;

-- large, toasted values
CREATE TABLE agg_large (kind int, v halfvec(4000));
INSERT INTO agg_large
SELECT i % 2, (SELECT array_agg(i * d % 100) FROM generate_series(1, 4000) d) FROM generate_series(1, 20) i;
SELECT kind, subvector(sum(v), 3998, 3), subvector(avg(v), 3998, 3) FROM agg_large GROUP BY kind ORDER BY kind;
SELECT sum(v) = (SELECT array_agg(s)::halfvec FROM (
	SELECT sum(i * d % 100)::int AS s FROM generate_series(1, 4000) d, generate_series(1, 20) i GROUP BY d ORDER BY d) t) AS equal
FROM agg_large;

-- in parallel
ALTER TABLE agg_test SET (parallel_workers = 2);
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT sum(v), avg(v) FROM agg_test;
SELECT sum(v), avg(v) FROM agg_test;
SELECT kind, sum(v), avg(v) FROM agg_test GROUP BY kind ORDER BY kind;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE agg_test, agg_large;

-- errors
SELECT sum(v) FROM unnest(ARRAY['[1,2]', '[3]']::halfvec[]) v;
SELECT avg(v) FROM unnest(ARRAY['[1,2]', '[3]']::halfvec[]) v;
SELECT sum(v) FROM unnest(ARRAY['[65504]', '[65504]']::halfvec[]) v;

-- the parts of the aggregate, called by hand with any state
SELECT halfvec_accum('{0}', '[1,2]'), halfvec_accum('{2,5,6}', '[1,2]'), halfvec_combine('{2,5,6}', '{1,-1,1}'),
	halfvec_combine('{0}', '{2,5,6}'), halfvec_avg('{2,5,6}'), halfvec_avg('{0}');

-- what a statement fails with, or its result
CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE statement INTO answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE,
		answer = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	IF detail <> '' THEN
		answer := answer || ' / ' || detail;
	END IF;
END $$;

SELECT state, f AS function, (pg_temp.try('SELECT ' || format(f, state))).*
FROM unnest(ARRAY['{}', '{NULL}', '{{1,2}}', '{1}', '{1,2}']) state,
	unnest(ARRAY['halfvec_accum(%L, ''[1,2]'')', 'halfvec_combine(%L, ''{1,2,3}'')', 'halfvec_avg(%L)']) f
ORDER BY f COLLATE "C", state COLLATE "C";
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT halfvec_accum(''{1,1e308,Infinity}'', ''[1,1]'')',
	'SELECT halfvec_combine(''{1,1e308}'', ''{1,1e308}'')',
	'SELECT halfvec_avg(''{1,65519}'')', 'SELECT halfvec_avg(''{1,65520}'')', 'SELECT halfvec_avg(''{2,131039,NaN,1e6}'')',
	'SELECT halfvec_avg(''{1,1e6,NaN}'')', 'SELECT halfvec_avg(''{1,1e308}'')',
	'SELECT halfvec_avg(array_fill(1::float8, ARRAY[16002]))']) statement;
