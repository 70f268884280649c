-- Casts between sparsevec, the dense types and arrays.

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

SELECT ARRAY[1,0,-2]::sparsevec, ARRAY[0,-2.5,1e-40]::sparsevec AS from_numeric, '{1,-0,1e-45}'::real[]::sparsevec AS from_real,
	'{0,0.1,1e-60}'::float8[]::sparsevec AS from_float8, '[0:2]={7,0,9}'::int[]::sparsevec AS any_lower_bound;
SELECT '[0,1.5,0,-2]'::vector::sparsevec, '[0,-0,0]'::vector::sparsevec AS zeros, '{2:1.5,4:-2}/4'::sparsevec::vector, '{}/2'::sparsevec::vector AS no_element;
SELECT '[0,1.5,0,-2]'::halfvec::sparsevec, '[0,-0,6e-8]'::halfvec::sparsevec, '{2:1.5,4:0.1}/4'::sparsevec::halfvec, '{1:1e-10}/1'::sparsevec::halfvec AS vanishes;
SELECT '[0,1]'::vector::sparsevec(2), '{2:1}/2'::sparsevec::vector(2), '{2:1}/2'::sparsevec::halfvec(2), '{0,1}'::int[]::sparsevec(2);

-- which casts happen by themselves: dense to sparse, others on assignment
CREATE FUNCTION pg_temp.norm_of(sparsevec) RETURNS float8 LANGUAGE sql AS 'SELECT l2_norm($1)';
CREATE TABLE cast_test (s sparsevec(2), v vector(2), h halfvec(2));
INSERT INTO cast_test (s) VALUES (ARRAY[0,2]), (ARRAY[1.5,0]), ('{3,4}'::real[]), ('{5,0}'::float8[]), ('[7,0]'::vector), ('[0,8]'::halfvec);
UPDATE cast_test SET v = s, h = s;
SELECT *, pg_temp.norm_of(v), pg_temp.norm_of(h) FROM cast_test;
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'INSERT INTO cast_test (s) VALUES (''{7}''::real[])',
	'INSERT INTO cast_test (s) VALUES (''[7]''::vector)',
	'INSERT INTO cast_test (v) VALUES (''{}/3''::sparsevec)',
	'INSERT INTO cast_test (h) VALUES (''{1:1e5}/2''::sparsevec)',
	'SELECT ''{}/2''::sparsevec::real[]']) statement;
DROP TABLE cast_test;

-- there and back
SELECT bool_and(v::sparsevec::vector = v) AS vectors, bool_and(v::halfvec::sparsevec::halfvec = v::halfvec) AS halfvecs,
	bool_and(v::real[]::sparsevec = v::sparsevec) AS arrays
FROM (SELECT n, array_agg(CASE WHEN d % 3 = n % 3 THEN 1 / d::real ELSE 0 END)::vector AS v
	  FROM unnest(ARRAY[1, 2, 3, 127, 128, 129, 500, 16000]) n, generate_series(1, n) d GROUP BY n) s;

-- what does not fit
SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::sparsevec(2)', text, type))).*
FROM unnest(ARRAY['int', 'numeric']) type, unnest(ARRAY['{}', '{1,2,3}', '{NULL,1}', '{{1,2},{3,4}}']) text
ORDER BY type, text COLLATE "C";
SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::sparsevec', text, type))).*
FROM unnest(ARRAY['real', 'float8', 'numeric']) type, unnest(ARRAY['{0,NaN}', '{-Infinity,1}']) text
ORDER BY type, text COLLATE "C";
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT ''{1e300}''::float8[]::sparsevec',
	'SELECT ''{1e300}''::numeric[]::sparsevec',
	'SELECT array_fill(1, ARRAY[16001])::sparsevec',
	'SELECT (array_fill(0, ARRAY[20000]) || array_fill(1, ARRAY[3]))::sparsevec',
	'SELECT ''{}/16001''::sparsevec::vector',
	'SELECT ''{}/16001''::sparsevec::halfvec',
	'SELECT ''{2:65520}/2''::sparsevec::halfvec',
	'SELECT ''{2:-65519}/2''::sparsevec::halfvec',
	'SELECT ''{}/2''::sparsevec::vector(3)',
	'SELECT ''{1}''::bigint[]::sparsevec']) statement;

-- the casts as the catalog has them
SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod
FROM pg_cast WHERE 'sparsevec'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";
