-- The type deltavec: text form, binary form, storage.

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
SELECT text, text::deltavec AS delta
FROM unnest(ARRAY['{3:0.5,7:-1}/384', E' {\t7 : -1 ,\n3:.5}\r/ 384 ', '{1:-0}/1',
	'{}', '{}/3', '[1,-0,3e-1]', '{3:3,1:1,2:2}/3', '*2', '*-0', '* 1.25 + 0.5',
	'-.5', '+-5e-1', '*1.25+0.5{2:7}/3', '+1*2+3-4', '~{2:-1,1:+3}/2',
	'*0.5~{1:2147483647}{2:1}/3', '=[1]', ' = [ 1 , 2 ] ', 'delete', 'delete/7',
	'{1:1e-45,2:3.4028235e38,3:1.1754944e-38,4:0x1p-3,5:16777217}/16000',
	'*0.1', '*0.10000000149011612']) text;

-- it has one text
SELECT bool_and(d::text::deltavec = d AND d::text::deltavec::text = d::text)
FROM unnest('{"{3:0.5,7:-1}/384","*2-1~{1:1}*3~{2:-7}{4:-0}/5","[0.1,1e-45]","=[-0]",delete/3,"{}"}'::deltavec[]) d;

-- what is none
SELECT text, (pg_temp.try(format('SELECT %L::deltavec', text))).*
FROM unnest(ARRAY['', ' ', '{', '{1', '{1:', '{1:1', '{1:1,', '{1:1}', '{1:1}/',
	'{1:1}/3x', '{1:1}/3 4', '{1:1,}/3', '{,}/3', '{a:1}/3', '{1:b}/3',
	'{1;1}/3', '{1 1}/3', '{1:1}{2:2}/3', '{1:1}*2/3', '{-1:1}/3', '{1.5:1}/3',
	'{1:1,2:1,1:1}/3', '{}/-3', '{}/x', '/3', '384', '[', '[1', '[1,]', '[1]x',
	'[1]/1', '*', '**2', '*{1:1}/3', '*2x', '*1', '*1.0', '+0', '-0', '*2*1',
	'~{1:1}', '~{}/3', '~{1:0}/3', '~{1:1.5}/3', '~{1:x}/3', '~1',
	'~{1:1}~{2:1}/3', '~{1:1}{1:1}/3', '*2{1:1,2:2}/2', '=', '=1', '={1:1}/1',
	'=[1]/1', '=[', 'DELETE', 'del', 'delete3', 'delete/', 'null',
	repeat('{', 100)]) text;
SELECT text, (pg_temp.try(format('SELECT %L::deltavec', text))).*
FROM unnest(ARRAY['{0:1}/3', '{4:1}/3', '{16001:1}/16000', '{99999999999999999999:1}/3',
	'{1:1e39}/3', '{1:-1e400}/3', '[1e39]', '*1e39', '~{1:2147483648}/3',
	'~{1:99999999999}/3', '{1:nan}/3', '{1:inf}/3', '{1:-Infinity}/3', '[nan]',
	'[1,inf]', '*nan', '+inf', '-inf', '{}/0', '[]', '=[]', 'delete/0',
	'{}/16001', '{}/99999999999999999999']) text;
SELECT left(statement, 40), (pg_temp.try(statement)).*
FROM unnest(ARRAY[
	format('SELECT delta_dims(%L::deltavec)', '[' || repeat('0,', 15999) || '0]'),
	format('SELECT delta_dims(%L::deltavec)', '[' || repeat('0,', 16000) || '0]'),
	format('SELECT length(%L::deltavec::text)', repeat('*2', 4096)),
	format('SELECT length(%L::deltavec::text)', repeat('*2', 4097))]) statement;

-- soft errors, where the server knows them
DO $$
DECLARE
	bad text;
	valid bool;
BEGIN
	IF current_setting('server_version_num')::int < 160000 THEN
		RETURN;
	END IF;
	FOREACH bad IN ARRAY ARRAY['', '{', '{1:1}', '{4:1}/3', '{1:1,1:1}/3', '[]', '[nan]',
		'[1e39]', '[1]x', '*1e39', '*1', '~{1:0}/3', '~{1:9999999999}/3',
		'*2{1:1}/1', 'delete/0', '{}/16001', repeat('*2', 4097)]
	LOOP
		EXECUTE 'SELECT pg_input_is_valid($1, ''deltavec'')' INTO valid USING bad;
		ASSERT NOT valid, bad;
	END LOOP;
	EXECUTE 'SELECT pg_input_is_valid(''{1:1}/2'', ''deltavec'')' INTO valid;
	ASSERT valid;
END $$;

-- making one
SELECT delta_create('[1,2]'), '[1,2]'::vector::deltavec, delta_delete(),
	delta_dense('[1,2]'), delta_scale(2), delta_scale(1), delta_offset(-0.5), delta_offset(0);
SELECT delta_sparse('{7,3}', '{-1,0.5}', 384), delta_sparse('{}', '{}', 3),
	delta_sparse('{2,1}', '{2,1}', 2), delta_sparse('[5:6]={1,2}', '{8,9}', 3);
SELECT statement, (pg_temp.try('SELECT ' || statement)).*
FROM unnest(ARRAY['delta_sparse(''{0}'', ''{1}'', 3)', 'delta_sparse(''{4}'', ''{1}'', 3)',
	'delta_sparse(''{1,1}'', ''{1,2}'', 3)', 'delta_sparse(''{1,2}'', ''{1}'', 3)',
	'delta_sparse(''{1}'', ''{nan}'', 3)', 'delta_sparse(''{1}'', ''{-inf}'', 3)',
	'delta_sparse(''{NULL}'', ''{1}'', 3)', 'delta_sparse(''{1}'', ''{NULL}'', 3)',
	'delta_sparse(''{{1}}'', ''{1}'', 3)', 'delta_sparse(''{1}'', ''{{1}}'', 3)',
	'delta_sparse(''{}'', ''{}'', 0)', 'delta_sparse(''{}'', ''{}'', -1)',
	'delta_sparse(''{}'', ''{}'', 16001)', 'delta_sparse(NULL, ''{1}'', 3)',
	'delta_scale(''nan'')', 'delta_scale(''inf'')', 'delta_offset(''nan'')',
	'delta_offset(''-inf'')', 'delta_scale(NULL)', 'delta_create(NULL)',
	'delta_dense(NULL)']) statement;

-- what one is
SELECT d, delta_kind(d), delta_dims(d) AS dims, delta_changed(d) AS changed,
	delta_dimensions(d) AS dimensions, delta_is_identity(d) AS identity,
	delta_norm(d, '[3,-4,0]') AS norm
FROM unnest('{"{}","{}/3","{3:1}/3","[3,0,3]","=[3,-4,1]",*2,+0.5,"~{3:1,1:-2}/3",'
	'"~{2:1}{1:3}/3","*2{1:1}/3",*2+1,delete,delete/3}'::deltavec[]) d;
SELECT delta_dimensions('{3:1,16000:2}/16000'), delta_changed('*2/16000'),
	array_length(delta_dimensions('*2/16000'), 1), delta_norm('[1]', '[3.4028235e38]');
SELECT delta_bytes(d) = octet_length(d::bytea), delta_bytes(d) = octet_length(deltavec_send(d))
FROM unnest('{"{}","{3:1}/3","=[3,-4,1]"}'::deltavec[]) d;
SELECT (pg_temp.try('SELECT delta_norm(''{3:1}/3'', ''[1,2]'')')).*;
SELECT (pg_temp.try('SELECT delta_norm(''=[1]'', ''[1,2]'')')).*;

-- equality is of what is done, bit for bit, not of bytes
SELECT a, b, a = b AS equal, a <> b AS different,
	deltavec_hash(a) = deltavec_hash(b) AS hash,
	deltavec_hash_extended(a, 7) = deltavec_hash_extended(b, 7) AS hash_extended
FROM (VALUES ('{1:1,2:2}/2'::deltavec, '[1,2]'::deltavec), ('[1,2]', '=[1,2]'), ('{}', '{}/3'),
	('{1:0}/3', '{1:-0}/3'), ('*0', '*-0'), ('*2*3', '*6'), ('~{1:1}/2', '~{1:1}/2'), ('~{1:1}/2', '~{1:2}/2'),
	('delete', 'delete/3')) v(a, b);
SELECT deltavec_hash(d) = deltavec_hash_extended(d, 0)::bit(32)::int AS consistent
FROM (VALUES ('*2{1:1}/3'::deltavec)) v(d);
SELECT d, count(*) FROM unnest('{*2,"[1,2]",*2,"{2:2,1:1}/2",*3,NULL}'::deltavec[]) d GROUP BY d ORDER BY d::text COLLATE "C";
CREATE TABLE deltavec_part (d deltavec) PARTITION BY HASH (d);
CREATE TABLE deltavec_part_1 PARTITION OF deltavec_part FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE deltavec_part_2 PARTITION OF deltavec_part FOR VALUES WITH (modulus 2, remainder 1);
INSERT INTO deltavec_part SELECT delta_scale(i) FROM generate_series(2, 40) i;
CREATE INDEX ON deltavec_part USING hash (d);
SET enable_seqscan = off;
SELECT d FROM deltavec_part WHERE d = '*7';
RESET enable_seqscan;
SELECT count(*) FROM deltavec_part a JOIN deltavec_part b USING (d);
DROP TABLE deltavec_part;

-- two frames of one delta
SELECT a::bytea <> b::bytea AS other_bytes, a = b AS same, deltavec_hash(a) = deltavec_hash(b) AS hash
FROM (SELECT delta_between('[0,0,0,0]', '[1,2,3,0]', codec => 'sparse,f32') a,
	delta_between('[0,0,0,0]', '[1,2,3,0]', codec => 'runs,packed') b) s;

-- COPY, as text and as binary; out of line from 2 kB on
CREATE TABLE deltavec_out (id int, d deltavec);
CREATE TABLE deltavec_in (LIKE deltavec_out);
SELECT attstorage, attalign FROM pg_attribute WHERE attrelid = 'deltavec_out'::regclass AND attname = 'd';
INSERT INTO deltavec_out SELECT row_number() OVER (), d FROM unnest('{"{}","{3:0.1,7:-0}/384","[1e-45]",*2+0.5,'
	'"~{3:1,1:-2}/3",delete,NULL}'::deltavec[]) d;
INSERT INTO deltavec_out SELECT 100, delta_create(array_agg(sin(i))::vector) FROM generate_series(1, 16000) i;
INSERT INTO deltavec_out SELECT 101, delta_dense(array_agg(i % 7)::vector) FROM generate_series(1, 16000) i;
INSERT INTO deltavec_out SELECT 102, delta_sparse(array_agg(i), array_agg(cos(i)::real), 16000) FROM generate_series(1, 16000, 3) i;
\copy deltavec_out TO 'results/deltavec.bin' WITH (FORMAT binary)
\copy deltavec_in FROM 'results/deltavec.bin' WITH (FORMAT binary)
SELECT count(*) FROM deltavec_out o JOIN deltavec_in i USING (id)
WHERE o.d::bytea IS NOT DISTINCT FROM i.d::bytea AND o.d IS NOT DISTINCT FROM i.d;
TRUNCATE deltavec_in;
\copy deltavec_out TO 'results/deltavec.txt'
\copy deltavec_in FROM 'results/deltavec.txt'
SELECT count(*) FROM deltavec_out o JOIN deltavec_in i USING (id)
WHERE o.d IS NOT DISTINCT FROM i.d AND o.d::text IS NOT DISTINCT FROM i.d::text;
SELECT id, delta_kind(d), delta_dims(d), delta_changed(d), delta_bytes(d) < 4 * delta_changed(d) AS smaller
FROM deltavec_out WHERE id >= 100 ORDER BY id;
SELECT pg_relation_size(reltoastrelid) > 0 AS out_of_line FROM pg_class WHERE relname = 'deltavec_out';
SELECT bool_and(vector_send(v + d) = vector_send(v + (d || '{}'))) AS applied
FROM deltavec_out, (SELECT array_agg(-i)::vector AS v FROM generate_series(1, 16000) i) v WHERE id >= 100;

-- an unknown literal beside a vector is a vector, as before
SELECT '[1,2]'::vector + '[3,4]' AS sum, '[1,2]'::vector || '[3]' AS joined;
DROP TABLE deltavec_out, deltavec_in;
