-- Casts between halfvec, vector and arrays.

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

SELECT ARRAY[1,-2,65504]::halfvec, ARRAY[1,-2.5,1e-40]::halfvec AS from_numeric,
	'{1,-2.5,1e-40,-0}'::real[]::halfvec AS from_real, '{1,-2.5,0.1,1e-60,-0}'::float8[]::halfvec AS from_float8;
SELECT '[0:2]={7,8,9}'::int[]::halfvec AS any_lower_bound, '{1,2}'::int[]::halfvec(2), '{1,2}'::numeric[]::halfvec(2);
SELECT '[1,2.5,0.1]'::halfvec::real[], '[1,2.5,0.1]'::halfvec::vector, '[1,2.5,0.1]'::vector::halfvec, '[0.1]'::halfvec::vector::halfvec = '[0.1]' AS back;
SELECT '[1,2]'::halfvec(2)::vector(2), '[1,2]'::vector(2)::halfvec(2), '[-0,6e-8,65504]'::halfvec::vector;

-- which casts happen by themselves: vector to halfvec, others on assignment
CREATE FUNCTION pg_temp.first(halfvec) RETURNS real LANGUAGE sql AS 'SELECT ($1::real[])[1]';
CREATE TABLE cast_test (h halfvec(2), v vector(2), r real[]);
INSERT INTO cast_test (h) VALUES (ARRAY[1,2]), (ARRAY[1.5,2]), ('{3,4}'::real[]), ('{5,6}'::float8[]), ('[7,8]'::vector);
UPDATE cast_test SET v = h, r = h;
SELECT *, pg_temp.first(v) FROM cast_test;
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'INSERT INTO cast_test (h) VALUES (''{7}''::real[])',
	'INSERT INTO cast_test (h) VALUES (''[7]''::vector)',
	'INSERT INTO cast_test (v) VALUES (''[7]''::halfvec)',
	'SELECT array_length(''[1]''::halfvec, 1)']) statement;
DROP TABLE cast_test;

-- there and back, every length that matters
SELECT bool_and(h::real[]::halfvec = h) AS reals, bool_and(h::vector::halfvec = h) AS vectors, bool_and(array_length(h::real[], 1) = n) AS length
FROM (SELECT n, array_agg(1 / d::real)::halfvec AS h
	  FROM unnest(ARRAY[1, 2, 3, 7, 8, 9, 15, 16, 17, 127, 128, 129, 500, 16000]) n, generate_series(1, n) d GROUP BY n) s;

-- what does not fit
SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::halfvec(2)', text, type))).*
FROM unnest(ARRAY['int', 'numeric']) type, unnest(ARRAY['{}', '{1,2,3}', '{NULL,1}', '{{1,2},{3,4}}', '{1,65520}', '{-70000,1}']) text
ORDER BY type, text COLLATE "C";
SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::halfvec', text, type))).*
FROM unnest(ARRAY['real', 'float8', 'numeric']) type, unnest(ARRAY['{1,NaN}', '{-Infinity,1}', '{65519.99}', '{65520}', '{NaN,1e6}', '{1e6,NaN}']) text
ORDER BY type, text COLLATE "C";
SELECT text, (pg_temp.try(format('SELECT %L::vector::halfvec(2)', text))).*
FROM unnest(ARRAY['[1,65519]', '[1,65520]', '[1,-1e6]', '[1e6]', '[1e-10,-1e-45]']) text;
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT ''{1e300}''::float8[]::halfvec',
	'SELECT ''{1e6,1e300}''::numeric[]::halfvec',
	'SELECT ''{1e300,1e6}''::numeric[]::halfvec',
	'SELECT array_agg(i)::halfvec FROM generate_series(1, 16001) i',
	'SELECT ''{1}''::bigint[]::halfvec']) statement;

-- the casts as the catalog has them
SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod
FROM pg_cast WHERE 'halfvec'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";
