-- The type halfvec: text form, type modifier, arithmetic, taking apart.

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

-- text form: the float that is written, rounded to a half, ties to even
SELECT '[1,2.5,-3e-4]'::halfvec, E' \t[\n4 ,5\f, 6\x0b]\r'::halfvec, '[+1,.5,5.,1E2,1e-2,0x1p-1]'::halfvec;
SELECT '[0.1,2049,2051,2049.001,4098,-4102]'::halfvec AS rounded, '[0,-0,1e-10,-1e-10]'::halfvec AS zeros;
SELECT '[65504,65519,-65519.99,6.1e-5,6.09756e-5,6e-8,2.9802322387695312e-8,2.9802326e-8]'::halfvec AS ends;
SELECT text, (pg_temp.try(format('SELECT %L::halfvec', text))).*
FROM unnest(ARRAY['', '1,2', '{1}', '[', '[]', '[ ]', '[,]', '[1', '[1,', '[1,]', '[1 2]', '[a]', '[1.2.3]', '[1]]', '[1]x',
	'[nan]', '[1,-NaN,x]', '[inf]', '[-Infinity]', '[65520]', '[-65520]', '[65519.998]', '[7e4,x]', '[1e39]', '[x,7e4]',
	'[0x1p16]', '[1e400]']) text;

-- every half comes back from its text
SELECT count(*), bool_and(v::text::halfvec = v) AS equal, bool_and(halfvec_send(v::text::halfvec) = halfvec_send(v)) AS same
FROM (SELECT ARRAY[sign * m * 2 ^ (e - 10)]::halfvec AS v FROM generate_series(-14, 15) e,
	(SELECT * FROM generate_series(1024, 2047, 11) UNION ALL SELECT 2047) m (m), unnest(ARRAY[1, -1]) sign
	UNION ALL SELECT ARRAY[m * 2 ^ -24]::halfvec FROM generate_series(0, 1023) m) s;

-- soft errors, where the server knows them
DO $$
DECLARE
	bad text;
	valid bool;
BEGIN
	IF current_setting('server_version_num')::int < 160000 THEN
		RETURN;
	END IF;
	FOREACH bad IN ARRAY ARRAY['', '[]', '[1', '[1]x', '[nan]', '[inf]', '[65520]', '[1,2,3]']
	LOOP
		EXECUTE 'SELECT pg_input_is_valid($1, ''halfvec(2)'')' INTO valid USING bad;
		ASSERT NOT valid, bad;
	END LOOP;
	EXECUTE 'SELECT pg_input_is_valid(''[1,2]'', ''halfvec(2)'')' INTO valid;
	ASSERT valid;
END $$;

-- type modifier
CREATE TABLE typmod_test (v halfvec(3), many halfvec(2)[]);
SELECT attname, format_type(atttypid, atttypmod), attstorage, attalign
FROM pg_attribute WHERE attrelid = 'typmod_test'::regclass AND attnum > 0;
INSERT INTO typmod_test VALUES ('[1,2,3]', '{"[1,2]","[3,4]"}') RETURNING *, pg_column_size(v);
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'INSERT INTO typmod_test (v) VALUES (''[1,2]'')',
	'INSERT INTO typmod_test (v) VALUES (''[1,2]''::halfvec)',
	'INSERT INTO typmod_test (many) VALUES (''{"[1]"}'')',
	'SELECT ''[1,2]''::halfvec(3)',
	'SELECT ''[1,2]''::halfvec::halfvec(3)',
	'SELECT ''[1,2]''::halfvec(1, 2)',
	'SELECT ''[1,2]''::halfvec(0)',
	'SELECT ''[1,2]''::halfvec(16001)']) statement;
DROP TABLE typmod_test;

-- 16,000 dimensions and one more
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::halfvec(16000)) AS dims, pg_column_size(array_fill(1, ARRAY[16000])::halfvec) AS bytes;
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT (''['' || repeat(''1,'', 16000) || ''1]'')::halfvec',
	'SELECT (''['' || repeat(''1,'', 16000) || ''x'')::halfvec',
	'SELECT array_fill(1, ARRAY[16000])::halfvec || ''[1]''']) statement;

-- arithmetic: rounded once
SELECT '[1,2,3]'::halfvec + '[4,5,-6]' AS sum, '[1,2,3]'::halfvec - '[4,5,-6]' AS difference,
	'[1,2,3]'::halfvec * '[4,5,-6]' AS product, '[1,2]'::halfvec || '[3]' AS joined;
SELECT '[2048,2048,0.1]'::halfvec + '[1,3,0.2]' AS sum, '[2048,65504]'::halfvec - '[-1,-15]' AS difference,
	'[45,0.1]'::halfvec * '[45.5,0.1]' AS product, '[-0,0]'::halfvec + '[-0,0]' AS zeros, '[0]'::halfvec * '[6e-8]' AS zero;
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT ''[1,2]''::halfvec + ''[3]''',
	'SELECT ''[1,2]''::halfvec - ''[3]''',
	'SELECT ''[1,2]''::halfvec * ''[3]''',
	'SELECT ''[1,65504]''::halfvec + ''[1,16]''',
	'SELECT ''[1,-65504]''::halfvec - ''[1,65504]''',
	'SELECT ''[1,256]''::halfvec * ''[1,-256]''',
	'SELECT ''[1,1e-4]''::halfvec * ''[1,1e-4]''',
	'SELECT ''[1e-4,300]''::halfvec * ''[1e-4,300]''',
	'SELECT ''[300,1e-4]''::halfvec * ''[300,1e-4]''']) statement;

-- every length, so that the ends of all chunks and registers are seen
SELECT count(*), bool_and(a + b = s::halfvec) AS sum, bool_and(a - b = d::halfvec) AS difference, bool_and(a * b = p::halfvec) AS product,
	bool_and(a || b = (x || y)::halfvec) AS joined, bool_and(a::real[] = x) AS elements, bool_and(vector_dims(a) = n) AS dims
FROM (SELECT n, x, y, x::halfvec AS a, y::halfvec AS b,
	(SELECT array_agg(x[d] + y[d] ORDER BY d) FROM generate_series(1, n) d) AS s,
	(SELECT array_agg(x[d] - y[d] ORDER BY d) FROM generate_series(1, n) d) AS d,
	(SELECT array_agg(x[d] * y[d] ORDER BY d) FROM generate_series(1, n) d) AS p
FROM (SELECT n, array_agg(((n * 7 + d * 3) % 11 - 5)::real ORDER BY d) AS x, array_agg(((n * 5 + d * 2) % 9 - 4)::real ORDER BY d) AS y
	FROM (SELECT * FROM generate_series(1, 40) UNION SELECT * FROM generate_series(120, 140) UNION SELECT 1000) n (n),
		generate_series(1, n) d GROUP BY n) t) u;

-- parts
SELECT start, count, (pg_temp.try(format(
	'SELECT subvector(''[1,2,3,4,5]''::halfvec, %s, %s)', start, count))).*
FROM (VALUES (1, 5), (2, 3), (5, 1), (4, 9), (-1, 4), (0, 2), (0, 1),
	(6, 1), (1, 0), (1, -1), (2147483647, 2147483647), (1, 2147483647), (-2147483647, 2147483647)) s (start, count);

-- norms
SELECT l2_norm('[3,4]'::halfvec), l2_norm('[0,0]'::halfvec), l2_norm('[65504,65504]'::halfvec), l2_norm('[6e-8]'::halfvec);
SELECT l2_normalize('[3,4]'::halfvec), l2_normalize('[0,-0.5]'::halfvec), l2_normalize('[0,0]'::halfvec), l2_normalize('[65504]'::halfvec),
	l2_normalize('[6e-8]'::halfvec), l2_normalize('[65504,6e-8]'::halfvec);

-- one bit for each element above zero
SELECT binary_quantize('[1,0,-1]'::halfvec), binary_quantize('[-0,6e-8,2,-3,4,5,-6,7]'::halfvec),
	binary_quantize('[1,-1,1,-1,1,-1,1,-1,1]'::halfvec);
SELECT length(b), b = repeat('10', 8000)::bit(16000) AS equal
FROM (SELECT binary_quantize(array_agg(d % 2)::halfvec) AS b FROM generate_series(1, 16000) d) s;

-- toasted values: the same answers from every storage
CREATE TABLE toast_test (storage text, v halfvec);
INSERT INTO toast_test SELECT 'external', array_agg(d % 10) FROM generate_series(1, 3000) d;
ALTER TABLE toast_test ALTER v SET STORAGE extended;
INSERT INTO toast_test SELECT 'compressed', array_agg(d % 10) FROM generate_series(1, 3000) d;
INSERT INTO toast_test VALUES ('short', '[1,2,3]');
SELECT storage, vector_dims(v), l2_norm(v + v)::real, subvector(v, 1, 3), vector_dims(v || v), v = v AS equal, v <-> v AS distance
FROM toast_test ORDER BY storage;
SELECT a.v = b.v AS equal, a.v <-> b.v AS distance, halfvec_hash(a.v) = halfvec_hash(b.v) AS hash
FROM toast_test a, toast_test b WHERE a.storage = 'external' AND b.storage = 'compressed';
DROP TABLE toast_test;
