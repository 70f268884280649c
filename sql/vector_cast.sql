-- Casts between vectors and arrays.

SELECT ARRAY[1,-2,2147483647]::vector, ARRAY[1,-2.5,1e-40]::vector AS from_numeric,
	'{1,-2.5,1e-40,-0}'::real[]::vector AS from_real, '{1,-2.5,0.1,1e-60,-0}'::float8[]::vector AS from_float8;
SELECT '[0:2]={7,8,9}'::int[]::vector AS any_lower_bound;
SELECT '[1,2.5]'::vector::real[], array_lower('[1,2.5]'::vector::real[], 1), array_length('[1,2.5]'::vector::real[], 1);
SELECT '{1,2}'::int[]::vector(2), '{1,2}'::real[]::vector(2), '{1,2}'::float8[]::vector(2), '{1,2}'::numeric[]::vector(2);

-- on assignment without a cast, and implicitly to real[]
CREATE FUNCTION pg_temp.second(real[]) RETURNS real LANGUAGE sql AS 'SELECT $1[2]';
CREATE TABLE cast_test (v vector(2), r real[]);
INSERT INTO cast_test (v) VALUES (ARRAY[1,2]), (ARRAY[1.5,2]), ('{3,4}'::real[]), ('{5,6}'::float8[]);
UPDATE cast_test SET r = v;
SELECT v, r, r[2], pg_temp.second(v), 1.5 = ANY (v::real[]) AS has FROM cast_test;
INSERT INTO cast_test (v) VALUES ('{7}'::real[]);
DROP TABLE cast_test;

-- there and back, every length that matters
SELECT bool_and(v::real[]::vector = v), bool_and(v::real[]::float8[]::vector = v), bool_and(array_length(v::real[], 1) = n)
FROM (SELECT n, array_agg(1 / d::real)::vector AS v
	  FROM unnest(ARRAY[1, 2, 3, 500, 16000]) n, generate_series(1, n) d GROUP BY n) s;

-- an array with a bitmap of nulls, but no null
SELECT a, array_to_vector(a, -1, false) FROM (SELECT ('{1,NULL,3}'::real[])[1:1] || '{4}'::real[] AS a) s;
SELECT array_to_vector(array_remove('{1,NULL,3}'::int[], NULL), 2, true);

CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement INTO answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT;
END $$;

SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::vector(2)', text, type))).*
FROM unnest(ARRAY['int', 'real', 'float8', 'numeric']) type,
	unnest(ARRAY['{}', '{1,2,3}', '{NULL,1}', '{{1,2},{3,4}}']) text;
SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::vector(2)', text, type))).*
FROM unnest(ARRAY['real', 'float8', 'numeric']) type,
	unnest(ARRAY['{1,NaN}', '{-Infinity,1}']) text;
SELECT type, text, (pg_temp.try(format('SELECT %L::%s[]::vector', text, type))).*
FROM unnest(ARRAY['float8', 'numeric']) type, unnest(ARRAY['{4e38}', '{1,-4e38}']) text;
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT array_agg(i)::vector FROM generate_series(1, 16001) i',
	'SELECT array_to_vector(array_agg(i), 16001, false) FROM generate_series(1, 16001) i',
	'SELECT vector(''[1,2]''::vector, 3, true)',
	'SELECT ''{1}''::bigint[]::vector',
	'SELECT ''{1}''::text[]::vector']) statement;

-- the casts as the catalog has them
SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod
FROM pg_cast JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget
WHERE 'vector'::regtype IN (castsource, casttarget)
	AND (castsource = casttarget OR 'A' IN (s.typcategory, t.typcategory))
ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";
