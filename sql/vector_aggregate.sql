-- sum and avg of vectors: groups, windows, parallel plans, hostile states.

CREATE TABLE agg_test (id int, kind int, v vector);
INSERT INTO agg_test
SELECT i, i % 3, CASE WHEN i % 10 <> 0 THEN ARRAY[i, -2 * i, i % 7]::vector END
FROM generate_series(1, 600) i;
ANALYZE agg_test;

SELECT sum(v), avg(v), count(v) FROM agg_test;
SELECT kind, sum(v), avg(v) FROM agg_test GROUP BY ROLLUP (kind) ORDER BY kind;
SELECT sum(v) FILTER (WHERE id < 4), avg(v ORDER BY id DESC) FILTER (WHERE id < 4),
	sum(DISTINCT subvector(v, 3, 1)), avg(DISTINCT subvector(v, 3, 1)) FROM agg_test;
SELECT sum(v), avg(v) FROM agg_test WHERE id < 0;
SELECT sum(v), avg(v) FROM agg_test WHERE id = 10;

-- against the aggregates of real, dimension by dimension
SELECT avg(v)::real[] = ARRAY[avg((v::real[])[1])::real, avg((v::real[])[2])::real, avg((v::real[])[3])::real] AS avg,
	sum(v)::real[] = ARRAY[sum((v::real[])[1]), sum((v::real[])[2]), sum((v::real[])[3])] AS sum
FROM agg_test;

-- the states that are updated in place are nobody else's
SELECT id, v, sum(v) OVER w, avg(v) OVER w FROM agg_test WHERE id < 8
WINDOW w AS (ORDER BY id) ORDER BY id;
SELECT id, sum(v) OVER w, avg(v) OVER w FROM agg_test WHERE id BETWEEN 8 AND 12
WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) ORDER BY id;
SELECT min(id) AS id, sum(v), avg(v), sum(v + v) FROM agg_test WHERE id < 5 GROUP BY v ORDER BY id;
SELECT sum(v) FROM agg_test WHERE id < 4;
SELECT v FROM agg_test WHERE id < 4 ORDER BY id;
SELECT (SELECT sum(v + g.v) FROM agg_test WHERE id < 3) FROM agg_test g WHERE id < 4 ORDER BY id;

-- large, toasted values
CREATE TABLE agg_large (kind int, v vector(4000));
INSERT INTO agg_large
SELECT i % 2, (SELECT array_agg(i * d % 100) FROM generate_series(1, 4000) d) FROM generate_series(1, 20) i;
SELECT kind, subvector(sum(v), 3998, 3), subvector(avg(v), 3998, 3) FROM agg_large GROUP BY kind ORDER BY kind;
SELECT sum(v) = (SELECT array_agg(s)::vector FROM (
	SELECT sum(i * d % 100)::int AS s FROM generate_series(1, 4000) d, generate_series(1, 20) i GROUP BY d ORDER BY d) t) AS equal
FROM agg_large;

-- in parallel
ALTER TABLE agg_test SET (parallel_workers = 2);
ALTER TABLE agg_large SET (parallel_workers = 2);
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT sum(v), avg(v) FROM agg_test;
SELECT sum(v), avg(v) FROM agg_test;
SELECT sum(v), avg(v) FROM agg_test WHERE id < 0;
SELECT kind, sum(v), avg(v) FROM agg_test GROUP BY kind ORDER BY kind;
SELECT kind, subvector(sum(v), 3998, 3), subvector(avg(v), 3998, 3) FROM agg_large GROUP BY kind ORDER BY kind;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE agg_test, agg_large;

-- errors
SELECT sum(v) FROM unnest(ARRAY['[1,2]', '[3]']::vector[]) v;
SELECT avg(v) FROM unnest(ARRAY['[1,2]', '[3]']::vector[]) v;
SELECT sum(v) FROM unnest(ARRAY['[3e38]', '[3e38]']::vector[]) v;
SELECT avg(v) FROM unnest(ARRAY['[3e38]', '[3e38]']::vector[]) v;

-- the parts of the aggregate, called by hand with any state
SELECT vector_accum('{0}', '[1,2]'), vector_accum('{2,5,6}', '[1,2]'), vector_accum('[3:5]={2,5,6}', '[1,2]');
SELECT vector_combine('{0}', '{0}'), vector_combine('{0}', '{2,5,6}'), vector_combine('{2,5,6}', '{0}'),
	vector_combine('{2,5,6}', '{1,-1,1}');
SELECT vector_avg('{2,5,6}'), vector_avg('{0}'), vector_avg('{0,5,6}');

CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement INTO answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT;
END $$;

SELECT state, f AS function, (pg_temp.try('SELECT ' || format(f, state))).*
FROM unnest(ARRAY['{}', '{NULL}', '{1,NULL}', '{{1,2}}', '{1}', '{1,2}']) state,
	unnest(ARRAY['vector_accum(%L, ''[1,2]'')', 'vector_combine(%L, ''{1,2,3}'')',
		'vector_combine(''{1,2,3}'', %L)', 'vector_avg(%L)']) f;
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT vector_accum(''{1,1e308,Infinity}'', ''[1,1]'')',
	'SELECT vector_combine(''{1,1e308}'', ''{1,1e308}'')',
	'SELECT vector_avg(''{1,1e308}'')', 'SELECT vector_avg(''{1,NaN}'')',
	'SELECT vector_avg(array_fill(1::float8, ARRAY[16002]))',
	'SELECT vector_combine(''{0}'', array_fill(1::float8, ARRAY[16002]))',
	'SELECT vector_combine(array_fill(1::float8, ARRAY[16002]), ''{0}'')',
	'SELECT vector_combine(array_fill(1::float8, ARRAY[16002]), array_fill(1::float8, ARRAY[16002]))']) statement;
