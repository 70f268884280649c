-- delta_compose(deltavec): order, NULL, groups, windows, parallel plans, long
-- chains out of line.

SELECT delta_compose(d ORDER BY n) AS forth, delta_compose(d ORDER BY n DESC) AS back
FROM unnest('{*2,"{3:1}/3",+0.5,"{1:7}/3"}'::deltavec[]) WITH ORDINALITY u(d, n);
SELECT delta_compose(d) IS NULL AS none FROM unnest('{}'::deltavec[]) d;
SELECT delta_compose(d) IS NULL AS none FROM unnest('{NULL,NULL}'::deltavec[]) d;
SELECT delta_compose(d ORDER BY n) AS some FROM unnest('{NULL,*2,NULL,+1,NULL}'::deltavec[]) WITH ORDINALITY u(d, n);
SELECT delta_compose(d ORDER BY n) AS last FROM unnest('{*2,delete,"=[1,2]","{2:7}/2","=[3]",+1}'::deltavec[]) WITH ORDINALITY u(d, n);
SELECT n, delta_compose(d) OVER (ORDER BY n) AS so_far,
	delta_compose(d) OVER (ORDER BY n ROWS 1 PRECEDING) AS two
FROM unnest('{*2,"{3:1}/3",NULL,+0.5,"{1:7}/3"}'::deltavec[]) WITH ORDINALITY u(d, n);
SELECT n % 2 AS part, delta_compose(d ORDER BY n), delta_compose(d ORDER BY n) FILTER (WHERE n > 2) AS later
FROM unnest('{*2,"{3:1}/3",+0.5,"{1:7}/3"}'::deltavec[]) WITH ORDINALITY u(d, n) GROUP BY 1 ORDER BY 1;
SELECT delta_compose(d ORDER BY n) FROM unnest('{"{}/2","{}/3"}'::deltavec[]) WITH ORDINALITY u(d, n);
SELECT delta_compose(delta_scale(2)) FROM generate_series(1, 4097);

-- chains: 40 vectors of 64 dimensions, each of 50 versions, as they came
SELECT setseed(0.17);
CREATE TABLE versions (id int, n int, v vector, d deltavec);
DO $$
DECLARE
	v real[];
	before vector;
BEGIN
	FOR id IN 1..40 LOOP
		before := NULL;
		v := (SELECT array_agg(random()) FROM generate_series(1, 64));
		FOR n IN 1..50 LOOP
			INSERT INTO versions VALUES (id, n, v::vector, delta_between(before, v::vector));
			before := v::vector;
			CASE n % 3
				WHEN 0 THEN v := (SELECT array_agg(x * 0.9::real ORDER BY o) FROM unnest(v) WITH ORDINALITY u(x, o));
				ELSE v[1 + floor(random() * 64)] := random();
			END CASE;
		END LOOP;
	END LOOP;
END $$;
ANALYZE versions;
SELECT count(*), bool_and(vector_send(delta_apply(NULL, sum)) = vector_send(v)) AS right
FROM (SELECT id, delta_compose(d ORDER BY n) AS sum FROM versions GROUP BY id) s JOIN versions USING (id) WHERE n = 50;
SELECT count(*), bool_and(vector_send(delta_apply(NULL, sum)) = vector_send(v)) AS right
FROM (SELECT v, delta_compose(d) OVER (PARTITION BY id ORDER BY n) AS sum FROM versions) s;
SELECT bool_and(vector_send(a.v + sum) = vector_send(b.v)) AS right
FROM (SELECT id, delta_compose(d ORDER BY n) AS sum FROM versions WHERE n > 10 GROUP BY id) s
	JOIN versions a USING (id) JOIN versions b USING (id) WHERE a.n = 10 AND b.n = 50;

-- it is not computed in parts, but all of the type may run in workers
SELECT aggcombinefn, aggkind, proparallel FROM pg_aggregate JOIN pg_proc p ON p.oid = aggfnoid WHERE proname = 'delta_compose';
SELECT count(*) AS not_parallel_safe FROM pg_proc p WHERE proparallel <> 's'
	AND pronamespace <> 'ruvector'::regnamespace
	AND (prorettype = 'deltavec'::regtype OR 'deltavec'::regtype = ANY (proargtypes));
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION pg_temp.plan_has(query text, what text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ what THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT pg_temp.plan_has('SELECT count(*) FROM versions WHERE delta_kind(d) = ''affine'' AND v + d IS NOT NULL', 'Parallel');
SELECT count(*), count(DISTINCT v + d) > 1 AS applied, bool_and(d = d::text::deltavec) AS same,
	bool_and(deltavec_hash(d) = deltavec_hash(d || '{}')) AS hashed FROM versions WHERE delta_kind(d) <> 'create';
SELECT pg_temp.plan_has('SELECT id, delta_compose(d ORDER BY n) FROM versions GROUP BY id', 'Partial') AS in_parts;
SELECT bool_and(vector_send(delta_apply(NULL, sum)) = vector_send(v)) AS right
FROM (SELECT id, delta_compose(d ORDER BY n) AS sum FROM versions GROUP BY id) s JOIN versions USING (id) WHERE n = 50;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- 16,000 dimensions: deltas out of line, and one after the other
CREATE TABLE wide (n int, d deltavec);
INSERT INTO wide SELECT 0, delta_create(array_agg(sin(i))::vector) FROM generate_series(1, 16000) i;
INSERT INTO wide SELECT n, delta_sparse(array_agg(i), array_agg(cos(i * n)::real), 16000)
FROM generate_series(1, 5) n, generate_series(1, 16000) i WHERE i % (n + 1) = 0 GROUP BY n;
INSERT INTO wide VALUES (6, '*0.5'), (7, '{16000:-0}/16000');
SELECT n, delta_kind(d), delta_changed(d), pg_column_size(d) > 2000 AS out_of_line FROM wide ORDER BY n;
SELECT delta_kind(d), delta_dims(d), delta_apply(NULL, d) = v AS right
FROM (SELECT delta_compose(d ORDER BY n) AS d FROM wide) s, (SELECT array_agg((CASE WHEN i = 16000 THEN -0.0::real
	WHEN i % 6 = 0 THEN cos(i * 5)::real * 0.5::real WHEN i % 5 = 0 THEN cos(i * 4)::real * 0.5::real
	WHEN i % 4 = 0 THEN cos(i * 3)::real * 0.5::real WHEN i % 3 = 0 THEN cos(i * 2)::real * 0.5::real
	WHEN i % 2 = 0 THEN cos(i)::real * 0.5::real ELSE sin(i)::real * 0.5::real END) ORDER BY i)::vector AS v
	FROM generate_series(1, 16000) i) w;
DROP TABLE versions, wide;
