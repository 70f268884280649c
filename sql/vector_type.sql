-- The type vector: text form, type modifier, arithmetic, taking apart.

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

-- text form
SELECT '[1,2.5,-3e-4]'::vector;
SELECT E' \t[\n4 ,5\f, 6\x0b]\r'::vector;
SELECT '[+1,.5,5.,1E2,1e-2,0x1p-1]'::vector;
SELECT '[0.1,0.10000000149011612,0.1000000000000000055511151231257827]'::vector;
SELECT '[16777217,16777219,9007199254740993,1e22,1e23]'::vector;
SELECT '[0,-0,1e-46,-1e-46,1e-45]'::vector;
SELECT '[3.4028235e38,-3.4028235e38,1.1754944e-38]'::vector;
SELECT text, (pg_temp.try(format('SELECT %L::vector', text))).*
FROM unnest(ARRAY['', ' ', '1,2', '(1,2)', '[', '[ ', '[]', '[ ]', '[,]',
	'[1', '[1,', '[1,]', '[,1]', '[1,,2]', '[1, ,2]', '[1 2]', '[1;2]', '[a]',
	'[1e]', '[1.2.3]', '[--1]', '[.]', '[0x]', '[1]]', '[1]x', '[1] [2]',
	'[nan]', '[1,-NaN]', '[inf]', '[-Infinity]', '[1e39]', '[-4e38,x]',
	'[0x1p128]', '[1e400]', '[NULL]', '{1,2}']) text;

-- the text form gives back the same vector
SELECT count(*), bool_and(v::text::vector = v), bool_and(v::text::vector::text = v::text)
FROM (SELECT array_agg(sin(i * 7 + d) * 10 ^ (i % 60 - 30))::vector AS v
	  FROM generate_series(1, 300) i, generate_series(1, 8) d GROUP BY i) s;

-- soft errors, where the server knows them
DO $$
DECLARE
	bad text;
	valid bool;
BEGIN
	IF current_setting('server_version_num')::int < 160000 THEN
		RETURN;
	END IF;
	FOREACH bad IN ARRAY ARRAY['', '[]', '[1', '[1]x', '[nan]', '[inf]', '[1e39]', '[1,2,3]']
	LOOP
		EXECUTE 'SELECT pg_input_is_valid($1, ''vector(2)'')' INTO valid USING bad;
		ASSERT NOT valid, bad;
	END LOOP;
	EXECUTE 'SELECT pg_input_is_valid(''[1,2]'', ''vector(2)'')' INTO valid;
	ASSERT valid;
END $$;

-- type modifier
SELECT '[1,2,3]'::vector(3);
CREATE TABLE typmod_test (v vector(3), many vector(2)[]);
SELECT attname, format_type(atttypid, atttypmod), attstorage, attalign
FROM pg_attribute WHERE attrelid = 'typmod_test'::regclass AND attnum > 0;
INSERT INTO typmod_test VALUES ('[1,2,3]', '{"[1,2]","[3,4]"}') RETURNING *;
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'INSERT INTO typmod_test (v) VALUES (''[1,2]'')',
	'INSERT INTO typmod_test (v) VALUES (''[1,2]''::vector)',
	'INSERT INTO typmod_test (many) VALUES (''{"[1]"}'')',
	'SELECT ''[1,2]''::vector(3)',
	'SELECT ''[1,2]''::vector::vector(3)',
	'SELECT ''[1,2]''::vector(1, 2)',
	'SELECT ''[1,2]''::vector(0)',
	'SELECT ''[1,2]''::vector(-2)',
	'SELECT ''[1,2]''::vector(16001)',
	'SELECT ''[1,2]''::vector(two)']) statement;
DROP TABLE typmod_test;

-- 16,000 dimensions and one more
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::vector(16000));
SELECT vector_dims(array_fill(0.5, ARRAY[16000])::vector);
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT (''['' || repeat(''1,'', 16000) || ''1]'')::vector',
	'SELECT (''['' || repeat(''1,'', 16000) || ''x'')::vector',
	'SELECT array_fill(1, ARRAY[16000])::vector || ''[1]''']) statement;

-- arithmetic
SELECT '[1,2,3]'::vector + '[4,5,-6]' AS sum, '[1,2,3]'::vector - '[4,5,-6]' AS difference,
	'[1,2,3]'::vector * '[4,5,-6]' AS product, '[1,2]'::vector || '[3]' AS joined;
SELECT '[-0,0]'::vector + '[-0,0]' AS sum, '[0]'::vector * '[1e-45]' AS product;
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT ''[1,2]''::vector + ''[3]''',
	'SELECT ''[1,2]''::vector - ''[3]''',
	'SELECT ''[1,2]''::vector * ''[3]''',
	'SELECT ''[1,3e38]''::vector + ''[1,3e38]''',
	'SELECT ''[1,-3e38]''::vector - ''[1,3e38]''',
	'SELECT ''[1,1e20]''::vector * ''[1,-1e20]''',
	'SELECT ''[1,1e-30]''::vector * ''[1,1e-30]''',
	'SELECT ''[1e-30,1e30]''::vector * ''[1e-30,1e30]''',
	'SELECT ''[1e30,1e-30]''::vector * ''[1e30,1e-30]''']) statement;

-- an operand is never changed
WITH twice AS MATERIALIZED (SELECT '[1,2]'::vector AS v)
SELECT v + v AS sum, v + v + v AS more, v FROM twice;

-- parts
SELECT vector_dims('[1,2,3]'::vector), vector_dims('[7]'::vector);
SELECT start, count, (pg_temp.try(format(
	'SELECT subvector(''[1,2,3,4,5]''::vector, %s, %s)', start, count))).*
FROM (VALUES (1, 5), (2, 3), (5, 1), (4, 9), (-1, 4), (0, 2), (0, 1), (-3, 4),
	(6, 1), (1, 0), (1, -1), (2147483647, 2147483647), (1, 2147483647),
	(-2147483647, 2147483647), (3, '-2147483647')) s (start, count);

-- norms
SELECT vector_norm('[3,4]'), vector_norm('[0,0]'), vector_norm('[-2]'),
	vector_norm('[1e-45]') > 0 AS tiny, vector_norm('[3e38,3e38,3e38]') > 5e38 AS large;
SELECT vector_norm('[1,1,1,1,1,1,1,1,1]'), vector_norm('[1,2,4,2]'), vector_norm('[4,2,2,1,0,0]');
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[0,-0.5]'::vector),
	l2_normalize('[0,0]'::vector), l2_normalize('[-3e38]'::vector), l2_normalize('[1e-45]'::vector);

-- one bit for each element above zero
SELECT binary_quantize('[1,0,-1]'::vector), binary_quantize('[-0,1e-45,2,-3,4,5,-6,7]'::vector),
	binary_quantize('[1,-1,1,-1,1,-1,1,-1,1]'::vector);
SELECT length(b), b = repeat('10', 8000)::bit(16000) AS equal
FROM (SELECT binary_quantize(array_agg(d % 2)::vector) AS b FROM generate_series(1, 16000) d) s;

-- toasted values: the same answers from every storage
CREATE TABLE toast_test (storage text, v vector);
INSERT INTO toast_test SELECT 'external', array_agg(d % 10) FROM generate_series(1, 3000) d;
ALTER TABLE toast_test ALTER v SET STORAGE extended;
INSERT INTO toast_test SELECT 'compressed', array_agg(d % 10) FROM generate_series(1, 3000) d;
INSERT INTO toast_test VALUES ('short', '[1,2,3]');
SELECT storage, pg_column_size(v) AS bytes, vector_dims(v), vector_norm(v + v)::real,
	subvector(v, 1, 3), vector_dims(v || v), v = v AS equal
FROM toast_test WHERE storage <> 'compressed';
SELECT pg_column_size(v) < 3000 AS small, vector_dims(v), vector_norm(v + v)::real, subvector(v, 1, 3)
FROM toast_test WHERE storage = 'compressed';
SELECT a.storage, b.storage, a.v = b.v AS equal, vector_cmp(a.v, b.v), a.v <-> b.v AS distance
FROM toast_test a, toast_test b
WHERE a.storage < b.storage AND 'short' NOT IN (a.storage, b.storage);
DROP TABLE toast_test;

-- in plain storage a row must fit its page
CREATE TABLE plain_test (a vector(1024), b vector(1024));
ALTER TABLE plain_test ALTER a SET STORAGE plain, ALTER b SET STORAGE plain;
INSERT INTO plain_test SELECT v, v FROM (SELECT array_agg(d)::vector AS v FROM generate_series(1, 1024) d) s;
DROP TABLE plain_test;
