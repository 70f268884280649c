-- The type sparsevec: text form, type modifier, limits, norm.

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

-- text form: indices from 1, in any order; zeros are left out, unseen
SELECT '{1:1,3:2.5,5:-3e-4}/5'::sparsevec, E' \t{\n 3 : 1 ,1\x0b:\f2 }\r/ 5 '::sparsevec, '{}/3'::sparsevec, '{ }/+3'::sparsevec;
SELECT '{1:0,2:-0,9:0e9,0:0}/3'::sparsevec AS zeros, '{+1:+.5,2:5.,03:0x1p-1}/3'::sparsevec AS numbers,
	'{1:3.4028235e38,2:-1e-45,3:0.1}/3'::sparsevec AS ends;
SELECT '{1000000000:1}/1000000000'::sparsevec;
SELECT text, (pg_temp.try(format('SELECT %L::sparsevec', text))).*
FROM unnest(ARRAY['', '[1]', '1:1', '{', '{,', '{}', '{}/', '{}/x', '{}/0', '{}/-1', '{}/1000000000', '{}/1000000001', '{}/99999999999999999999',
	'{}/1.5', '{}/1}', '{1', '{1:', '{1:}/1', '{:1}/1', '{1:1', '{1:1}', '{1:1}1', '{1:1,}/1', '{,1:1}/1', '{1:1 2:1}/2', '{1;1}/1',
	'{1.5:1}/2', '{0x1:1}/1', '{a:1}/1', '{1:a}/1', '{1:1.2.3}/1', '{1:1]/1', '{0:1}/1', '{-1:1}/1', '{2:1}/1', '{2147483647:1}/2', '{2147483648:1}/2',
	'{-2147483648:1}/2', '{-2147483649:1}/2', '{99999999999999999999:1}/2', '{1:1,1:2}/2', '{2:1,1:1,2:1}/2', '{3:1,1:1,1:1}/2', '{1:0,1:1}/1',
	'{1:nan}/1', '{1:-inf,x', '{1:1e39}/1', '{1:-4e38,x', '{1:1e-46}/1', '{1:0x1p-150,x', '{9:1e-46}/1', '{9:nan}/1']) text;

-- the text form gives back the same vector
SELECT count(*), bool_and(v::text::sparsevec = v) AS equal, bool_and(sparsevec_send(v::text::sparsevec) = sparsevec_send(v)) AS same
FROM (SELECT array_agg(CASE WHEN (i * d) % 3 = 0 THEN sin(i * 7 + d) * 10 ^ (i % 60 - 30) ELSE 0 END)::sparsevec AS v
	  FROM generate_series(1, 300) i, generate_series(1, 20) d GROUP BY i) s;

-- soft errors, where the server knows them
DO $$
DECLARE
	bad text;
	valid bool;
BEGIN
	IF current_setting('server_version_num')::int < 160000 THEN
		RETURN;
	END IF;
	FOREACH bad IN ARRAY ARRAY['', '{}', '{}/0', '{}/1000000001', '{1:1}/3', '{3:1}/2', '{1:1,1:1}/2', '{1:nan}/2', '{1:inf}/2', '{1:1e39}/2',
		'{}/2x', '{' || repeat('1:0,', 16000) || '1:0}/2']
	LOOP
		EXECUTE 'SELECT pg_input_is_valid($1, ''sparsevec(2)'')' INTO valid USING bad;
		ASSERT NOT valid, left(bad, 40);
	END LOOP;
	EXECUTE 'SELECT pg_input_is_valid(''{2:1}/2'', ''sparsevec(2)'')' INTO valid;
	ASSERT valid;
END $$;

-- type modifier
CREATE TABLE typmod_test (v sparsevec(3), many sparsevec(2)[]);
SELECT attname, format_type(atttypid, atttypmod), attstorage, attalign
FROM pg_attribute WHERE attrelid = 'typmod_test'::regclass AND attnum > 0;
INSERT INTO typmod_test VALUES ('{1:1,3:3}/3', '{"{1:1}/2","{}/2"}') RETURNING *, pg_column_size(v);
SELECT statement, (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'INSERT INTO typmod_test (v) VALUES (''{}/2'')',
	'INSERT INTO typmod_test (v) VALUES (''{}/2''::sparsevec)',
	'INSERT INTO typmod_test (many) VALUES (''{"{}/1"}'')',
	'SELECT ''{}/2''::sparsevec(3)',
	'SELECT ''{}/2''::sparsevec::sparsevec(3)',
	'SELECT ''{}/2''::sparsevec(1, 2)',
	'SELECT ''{}/2''::sparsevec(0)',
	'SELECT ''{}/1000000000''::sparsevec(1000000000)',
	'SELECT ''{}/2''::sparsevec(1000000001)']) statement;
DROP TABLE typmod_test;

-- 16,000 elements and one more; the text counts zeros, too
SELECT length(v::text) > 16000 AS long, pg_column_size(v) AS bytes, l2_norm(v) = sqrt(16000) AS norm
FROM (SELECT ('{' || string_agg(i * 50000 || ':1', ',') || '}/1000000000')::sparsevec AS v FROM generate_series(1, 16000) i) s;
SELECT (pg_temp.try(statement)).* FROM unnest(ARRAY[
	'SELECT (''{'' || repeat(''1:0,'', 16000) || ''1:0}/3'')::sparsevec',
	'SELECT repeat('','', 16000)::sparsevec',
	'SELECT length((''{'' || repeat(''1:0,'', 15999) || ''1:0}/3'')::sparsevec::text)']) statement;

-- norm; a quotient that vanishes is an element no more
SELECT l2_norm('{1:3,7:4}/9'::sparsevec), l2_norm('{}/3'::sparsevec), l2_norm('{1:-2}/3'::sparsevec),
	l2_norm('{1:1e-45}/1'::sparsevec) > 0 AS tiny, l2_norm('{1:3e38,2:3e38,3:3e38}/3'::sparsevec) > 5e38 AS large;
SELECT l2_normalize('{1:3,7:4}/9'::sparsevec), l2_normalize('{}/3'::sparsevec), l2_normalize('{2:-3e38}/3'::sparsevec),
	l2_normalize('{2:1e-45}/3'::sparsevec), l2_normalize('{1:3e38,2:1e-10,3:3e38}/3'::sparsevec);

-- toasted values: the same answers from every storage
CREATE TABLE toast_test (storage text, v sparsevec);
INSERT INTO toast_test SELECT 'external', ('{' || string_agg(i * 3 || ':' || i % 10 + 1, ',') || '}/9000')::sparsevec FROM generate_series(1, 3000) i;
ALTER TABLE toast_test ALTER v SET STORAGE extended;
INSERT INTO toast_test SELECT 'compressed', ('{' || string_agg(i * 3 || ':' || i % 10 + 1, ',') || '}/9000')::sparsevec FROM generate_series(1, 3000) i;
INSERT INTO toast_test VALUES ('short', '{1:1}/3');
SELECT storage, l2_norm(v)::real, v = v AS equal, v <-> v AS distance, length(v::text) FROM toast_test ORDER BY storage;
SELECT a.v = b.v AS equal, a.v <-> b.v AS distance, sparsevec_cmp(a.v, b.v)
FROM toast_test a, toast_test b WHERE a.storage = 'external' AND b.storage = 'compressed';
DROP TABLE toast_test;
