-- What deltas promise, bit for bit, on ordinary and on extreme vectors.

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

-- by hand
SELECT '[1,2,3]'::vector + d AS result FROM unnest('{"{}","{3:0.5,1:-1}/3","[4,5,6]",*2,+0.5,*2-1,'
	'"*2-1{2:7}/3","~{1:1,3:-1}/3","=[4,5]",delete}'::deltavec[]) d;
SELECT a || b AS composed FROM (VALUES
	('{1:1}/3'::deltavec, '{3:3}/3'::deltavec), ('{1:1}/3', '{1:2}/3'), ('*2', '*3'), ('*2', '+1'),
	('{1:1}/3', '*2+1'), ('*2', '{1:1}/3'), ('*2', '[1,2]'), ('=[1,2]', '*2'), ('=[1,2]', '=[3]'), ('delete/2', '=[3]'),
	('delete', '*2'), ('delete', '=[1]'), ('=[1]', 'delete'), ('{}', '{}/3'), ('~{1:1}/2', '~{1:-1}/2'),
	('~{1:1}/2', '~{2:2}/2'), ('~{1:1,2:1}/2', '{2:7}/2')) v(a, b);
SELECT delta_between('[1,2,3]', '[1,2,4]') AS sparse, delta_between('[0,1]', '[-0,1]') AS zero,
	delta_between('[1,2]', '[1,2]') AS nothing, delta_between(NULL, '[1,2]') AS created,
	delta_between('[1,2]', NULL) AS deleted, delta_between(NULL, NULL) AS never;
SELECT v, d, delta_invert(d, v) AS inverse FROM (VALUES ('[1,2]'::vector, '{1:7}/2'::deltavec), ('[1,2]', '*0'),
	('[1,2]', 'delete'), ('[1,2]', '=[3]'), ('[1,2]', '=[1,3]'), (NULL, '=[3]'), (NULL, 'delete/2'), (NULL, '*2'),
	('[1,2]', '{}'), ('[1,2]', NULL)) t(v, d);
SELECT v, d, delta_apply(v, d), v + d AS strict FROM (VALUES (NULL::vector, '=[3]'::deltavec), (NULL, '*2'),
	(NULL, 'delete'), ('[1]', 'delete'), ('[1]', NULL), (NULL, NULL), ('[1]', '*2')) t(v, d);
SELECT ruvector.whole('[1,2]'), ruvector.whole(NULL);

-- pairs of vectors with all sorts of changes between them
SELECT setseed(0.42);
CREATE FUNCTION pg_temp.odd(x float8) RETURNS real LANGUAGE sql AS $$
	SELECT (ARRAY['0', '-0', '1e-45', '-1e-45', '1.1754942e-38', '-1.1754944e-38', '3.4028235e38', '-3.4028235e38',
		'1', '-1', '1.0000001', '0.1', '16777216', '-3e-20'])[1 + floor(x * 14)]::real $$;
CREATE TABLE numbers AS
SELECT kind, i, d, (random() - 0.5)::real AS x, random() AS chance, random() AS luck
FROM unnest(ARRAY['any', 'edit', 'same', 'scaled', 'shifted', 'affine', 'normalised', 'odd', 'odd edit', 'run']) kind,
	generate_series(1, 12) i, generate_series(1, 90) d;
CREATE TABLE pairs AS
SELECT kind, i, array_agg(a ORDER BY d)::vector AS v, array_agg(b ORDER BY d)::vector AS w
FROM (SELECT kind, i, d, a, (CASE kind
		WHEN 'any' THEN chance::real
		WHEN 'edit' THEN CASE WHEN chance < 0.05 THEN luck::real ELSE a END
		WHEN 'same' THEN a
		WHEN 'scaled' THEN a * (0.9 + i / 100.0)::real
		WHEN 'shifted' THEN a + (i / 1000.0)::real
		WHEN 'affine' THEN a * 1.25::real + (i / 1000.0)::real
		WHEN 'normalised' THEN a * (1 / sqrt(i))::real + CASE WHEN chance < 0.05 THEN luck::real ELSE 0::real END
		WHEN 'odd' THEN pg_temp.odd(luck)
		WHEN 'odd edit' THEN CASE WHEN chance < 0.1 THEN pg_temp.odd(luck) ELSE a END
		WHEN 'run' THEN CASE WHEN d BETWEEN 30 AND 50 THEN 0 ELSE a END
		END)::real AS b
	FROM (SELECT *, CASE WHEN kind LIKE 'odd%' THEN pg_temp.odd(chance + 0) ELSE x END AS a FROM numbers) n) s
GROUP BY kind, i;

-- v + (from v to w) is w
SELECT kind, bool_and(vector_send(v + delta_between(v, w)) = vector_send(w)) AS there,
	bool_and(vector_send(w + delta_between(w, v)) = vector_send(v)) AS back,
	bool_and(vector_send(v + delta_between(v, w) + delta_invert(delta_between(v, w), v)) = vector_send(v)) AS inverse,
	bool_and(delta_is_identity(delta_between(v, w)) = (vector_send(v) = vector_send(w))) AS identity
FROM pairs GROUP BY kind ORDER BY kind COLLATE "C";

-- a common factor is found: less than a byte per dimension instead of about four
SELECT kind, bool_and(delta_kind(delta_between(v, w)) = 'affine' OR delta_kind(delta_between(v, w)) = 'scale')
	AND max(delta_bytes(delta_between(v, w))) < 90 AS found
FROM pairs WHERE kind IN ('scaled') AND i <> 10 GROUP BY kind;

-- deltas of every kind, for 90 dimensions
CREATE TABLE deltas AS
SELECT row_number() OVER (ORDER BY n, d::text) AS id, d
FROM (SELECT 1 AS n, delta_between(v, w) AS d FROM pairs WHERE i <= 2
	UNION ALL SELECT 2, d FROM unnest('{"{}","{1:-0}/90","{90:1e-45,2:3e38}/90",*0.5,*-1,*0,+0.001,-1e-45,"*0.3+0.1{7:5}/90",'
		'"~{1:1,2:-1,90:300}/90","*0.9~{3:7}{4:1}/90","~{5:-5}*0.5~{5:5}+1e-3/90",delete,delete/90}'::deltavec[]) d
	UNION ALL SELECT 3, delta_create(w) FROM pairs WHERE i = 3 AND kind IN ('any', 'odd')) s;

-- what applies without overflow
CREATE FUNCTION pg_temp.apply(v vector, VARIADIC d deltavec[]) RETURNS vector LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..cardinality(d) LOOP
		v := delta_apply(v, d[i]);
	END LOOP;
	RETURN v;
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN NULL;
END $$;
CREATE FUNCTION pg_temp.compose(VARIADIC d deltavec[]) RETURNS deltavec LANGUAGE plpgsql AS $$
DECLARE
	sum deltavec := d[1];
BEGIN
	FOR i IN 2..cardinality(d) LOOP
		sum := sum || d[i];
	END LOOP;
	RETURN sum;
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN NULL;
END $$;

-- v + (a || b) is (v + a) + b, wherever that exists
SELECT count(*) > 1000 AS enough, bool_and(vector_send(pg_temp.apply(v, pg_temp.compose(a.d, b.d)))
	IS NOT DISTINCT FROM vector_send(pg_temp.apply(v, a.d, b.d))) AS holds
FROM deltas a, deltas b, (SELECT v FROM pairs WHERE i = 5 AND kind IN ('any', 'odd')) p
WHERE pg_temp.apply(v, a.d, b.d) IS NOT NULL;

-- (a || b) || c is a || (b || c)
SELECT count(*) > 10000 AS enough, bool_and(l = r AND l::text = r::text) AS holds
FROM (SELECT pg_temp.compose(pg_temp.compose(a.d, b.d), c.d) AS l, pg_temp.compose(a.d, pg_temp.compose(b.d, c.d)) AS r
	FROM deltas a, deltas b, deltas c WHERE (a.id + b.id + c.id) % 2 = 0) s
WHERE l IS NOT NULL AND r IS NOT NULL;

-- {} changes nothing on either side; text and bytes give the same delta back
SELECT bool_and(d || '{}' = d AND '{}' || d = d) AS neutral,
	bool_and(d::text::deltavec = d AND d::text::deltavec::text = d::text) AS text,
	bool_and(d::bytea::deltavec = d AND d::bytea::deltavec::bytea = d::bytea) AS bytes
FROM deltas;

-- conflict is symmetric; without one the order does not matter
SELECT bool_and(delta_conflict(a.d, b.d) = delta_conflict(b.d, a.d)) AS symmetric,
	bool_and(delta_conflict(a.d, b.d) OR pg_temp.apply(v, a.d, b.d) IS NULL OR pg_temp.apply(v, b.d, a.d) IS NULL
		OR vector_send(pg_temp.apply(v, a.d, b.d)) = vector_send(pg_temp.apply(v, b.d, a.d))) AS commute
FROM deltas a, deltas b, (SELECT v FROM pairs WHERE i = 5 AND kind = 'any') p;
SELECT a, b, delta_conflict(a, b) FROM (VALUES ('{1:1}/3'::deltavec, '{2:1}/3'::deltavec), ('{1:1}/3', '{1:1}/3'),
	('{1:1}/3', '{1:2}/3'), ('{1:1}/3', '*2'), ('{1:0}/3', '*2'), ('*2', '*2'), ('*2', '+1'), ('delete', '*2'),
	('delete', 'delete'), ('{}', 'delete'), ('=[1]', '=[1]'), ('=[1]', '=[2]'), ('=[1]', '{1:1}/3')) v(a, b);

-- with an error allowed, it is kept, whatever the codec
SELECT codec, count(*), bool_and(abs(x - y) <= 0.01::real) AS within, min(size) < max(size) AS adaptive
FROM (SELECT codec, unnest((v + d)::real[])::float8 AS x, unnest(w::real[])::float8 AS y, delta_bytes(d) AS size
	FROM (SELECT codec, v, w, delta_between(v, w, 0.01, codec) AS d
		FROM pairs, unnest(ARRAY[NULL, '', 'f16', 'int8', 'sparse', 'runs, f16', 'rice,INT8,zstd', 'lz4', 'none', 'dictionary']) codec
		WHERE kind IN ('any', 'edit', 'scaled', 'normalised', 'run')) s) s
GROUP BY codec ORDER BY codec COLLATE "C";
SELECT bool_and(delta_bytes(delta_between(v, w, 0.01)) < delta_bytes(delta_between(v, w)) / 2) AS pays
FROM pairs WHERE kind = 'any';
SELECT bool_and(vector_send(v + delta_between(v, w, 0, codec)) = vector_send(w)) AS exact
FROM pairs, unnest(ARRAY['f32', 'packed', 'dictionary', 'sparse', 'runs', 'rice', 'lz4', 'zstd', 'f32,lz4', 'sparse,f32,zstd']) codec;

-- errors
SELECT statement, (pg_temp.try('SELECT ' || statement)).*
FROM unnest(ARRAY[
	'''[1,2]''::vector + ''{1:1}/3''::deltavec', '''[1,2]''::vector + ''delete/3''::deltavec',
	'''{1:1}/2''::deltavec || ''{1:1}/3''', '''=[1]''::deltavec || ''{1:1}/3''', 'delta_conflict(''{}/2'', ''{}/3'')',
	'''[3e38]''::vector + ''*2''::deltavec', '''[3e38,1]''::vector + ''*2{1:1}/2''::deltavec',
	'''[3.4028235e38]''::vector + ''~{1:1}/1''::deltavec',
	'''=[3e38]''::deltavec || ''*2''', '''~{1:2147483647}/2''::deltavec || ''~{1:1}/2''',
	'delta_between(''[1]'', ''[1,2]'')', 'delta_between(''[1]'', ''[2]'', -1)', 'delta_between(''[1]'', ''[2]'', ''nan'')',
	'delta_between(''[1]'', ''[2]'', ''inf'')', 'delta_between(''[1]'', ''[2.1]'', 0, ''f16'')',
	'delta_between(''[1,2,3]'', ''[2,4,7]'', 1e-6, ''int4'')',
	'delta_between(''[1]'', ''[2]'', 0, ''gzip'')', 'delta_between(''[1]'', ''[2]'', 0, ''f32,f16'')',
	'delta_between(''[1]'', ''[2]'', 0, ''lz4 zstd'')', 'delta_between(''[1]'', ''[2]'', 0, '','')',
	'delta_invert(''{1:1}/3'', ''[1]'')', 'delta_invert(''*2'', ''[3e38]'')']) statement;
SELECT (pg_temp.try(format('SELECT %L::deltavec || %L', repeat('*2', 4000), repeat('*2', 97)))).*;
DROP TABLE numbers, pairs, deltas;
