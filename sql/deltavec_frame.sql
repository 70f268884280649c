-- Frames that are damaged, forged or torn: each is refused, with its own
-- reason, and changes nothing.

-- what a statement fails with, or its result
CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement INTO answer;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT;
END $$;

-- CRC-32C, written anew: polynomial 0x1EDC6F41, reflected
CREATE FUNCTION pg_temp.crc32c(data bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	crc bigint := x'ffffffff'::bigint;
BEGIN
	FOR i IN 0..length(data) - 1 LOOP
		crc := crc # get_byte(data, i);
		FOR b IN 1..8 LOOP
			crc := CASE WHEN crc & 1 = 1 THEN (crc >> 1) # x'82f63b78'::bigint ELSE crc >> 1 END;
		END LOOP;
	END LOOP;
	RETURN crc # x'ffffffff'::bigint;
END $$;
CREATE FUNCTION pg_temp.u32(n bigint) RETURNS bytea LANGUAGE sql AS $$
	SELECT decode(string_agg(lpad(to_hex((n >> 8 * i) & 255), 2, '0'), '' ORDER BY i), 'hex') FROM generate_series(0, 3) i $$;
-- a frame around a payload of less than 128 bytes, its checksum right
CREATE FUNCTION pg_temp.frame(flags text, payload bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT body || pg_temp.u32(pg_temp.crc32c(body))
	FROM (SELECT '\x7ade01'::bytea || decode(flags, 'hex') || decode(lpad(to_hex(length(payload)), 2, '0'), 'hex') || payload AS body) s $$;

-- the checksum is the same that others compute
SELECT to_hex(pg_temp.crc32c('123456789'));
SELECT '*2'::deltavec::bytea = pg_temp.frame('10', '\x0001000100000040') AS scale,
	'{}'::deltavec::bytea = pg_temp.frame('00', '\x00') AS nothing,
	'delete/3'::deltavec::bytea = pg_temp.frame('02', '\x03') AS deleted,
	delta_between('[0,0,0]', '[0,0,1]', 0, 'sparse,f32')::bytea = pg_temp.frame('20', '\x03010102 0000803f') AS sparse;
SELECT bool_and(substr(b, length(b) - 3) = pg_temp.u32(pg_temp.crc32c(substr(b, 1, length(b) - 4)))) AS checksums
FROM (SELECT delta_create(array_agg(sin(i * n))::vector)::bytea AS b
	FROM generate_series(1, 12) n, generate_series(1, 100) i WHERE i <= 8 * n GROUP BY n) s;

CREATE TABLE forged (id int GENERATED ALWAYS AS IDENTITY, why text, frame bytea);
INSERT INTO forged (why, frame) VALUES
	('nothing at all', '\x'),
	('half a magic', '\x7a'),
	('magic alone', '\x7ade'),
	('head alone', '\x7ade0100'),
	('other magic', '\x5ade0110080001000100000040bae8bf79'),
	('zeros', decode(repeat('00', 40), 'hex')),
	('text', '[1,2,3]'),
	('version 0', '\x7ade0010080001000100000040bae8bf79'),
	('version 2', '\x7ade0210080001000100000040bae8bf79'),
	('length beyond the end', '\x7ade0110090001000100000040bae8bf79'),
	('length of 4 GB', '\x7ade0110ffffffff0f0001000100000040bae8bf79'),
	('length in six bytes', '\x7ade0110ffffffffff010001000100000040bae8bf79'),
	('length not in its shortest form', '\x7ade011088000001000100000040bae8bf79'),
	('length short of the end', '\x7ade0110070001000100000040bae8bf79'),
	('a byte after the end', '\x7ade0110080001000100000040bae8bf7900'),
	('two frames', '\x7ade0110080001000100000040bae8bf797ade0110080001000100000040bae8bf79'),
	('value altered', '\x7ade0110080001000100000041bae8bf79'),
	('checksum altered', '\x7ade0110080001000100000040bae8bf78'),
	('unknown flag', pg_temp.frame('50', '\x0001000100000040')),
	('unknown flag 2', pg_temp.frame('80', '\x00')),
	('unknown kind', pg_temp.frame('03', '\x00')),
	('unknown compression', pg_temp.frame('0c', '\x00')),
	('no payload', pg_temp.frame('00', '\x')),
	('payload after the payload', pg_temp.frame('00', '\x0000')),
	('too many dimensions', pg_temp.frame('00', '\x817d')),
	('65,536 dimensions', pg_temp.frame('00', '\x808004')),
	('4 G dimensions', pg_temp.frame('20', '\xffffffff0f00')),
	('create of nothing', pg_temp.frame('01', '\x00')),
	('create of a part', pg_temp.frame('21', '\x03010102 0000803f')),
	('create with a step', pg_temp.frame('31', '\x010100010000004000 0000803f')),
	('delete with values', pg_temp.frame('22', '\x0100 0000803f')),
	('delete with a step', pg_temp.frame('12', '\x0001000100000040')),
	('steps but none', pg_temp.frame('10', '\x000000')),
	('unknown step', pg_temp.frame('10', '\x0001000400000040')),
	('step 0', pg_temp.frame('10', '\x0001000000000040')),
	('4 G steps', pg_temp.frame('10', '\x00ffffffff0f000100000040')),
	('a step too many', pg_temp.frame('10', '\x0002000100000040')),
	('factor of 1', pg_temp.frame('10', '\x000100010000803f')),
	('factor NaN', pg_temp.frame('10', '\x000100010000c07f')),
	('shift by infinity', pg_temp.frame('10', '\x000100020000807f')),
	('shift by -0', pg_temp.frame('10', '\x0001000200000080')),
	('4 G nudges', pg_temp.frame('10', '\x0301ffffffff0f03010000')),
	('nudges without dimensions', pg_temp.frame('10', '\x0001010301000000')),
	('nudges beyond the last dimension', pg_temp.frame('10', '\x03010103010007')),
	('values but none', pg_temp.frame('20', '\x030100')),
	('more values than dimensions', pg_temp.frame('20', '\x030104000000000000803f0000803f0000803f0000803f')),
	('4 G values', pg_temp.frame('20', '\x0301ffffffff0f')),
	('fewer values than announced', pg_temp.frame('20', '\x03010202000000803f')),
	('position beyond the last', pg_temp.frame('20', '\x03010103 0000803f')),
	('position of 4 G', pg_temp.frame('20', '\x030101ffffffff0f 0000803f')),
	('positions that wrap around', pg_temp.frame('20', '\x03010201ffffffff0f 0000803f0000803f')),
	('run beyond the last', pg_temp.frame('20', '\x03020201 0201 0000803f0000803f')),
	('run longer than announced', pg_temp.frame('20', '\x03020101 0001 0000803f0000803f')),
	('run shorter than announced', pg_temp.frame('20', '\x03020201 0000 0000803f0000803f')),
	('unknown positions', pg_temp.frame('20', '\x03040100 0000803f')),
	('unknown values', pg_temp.frame('20', '\x03f10100 0000803f')),
	('value NaN', pg_temp.frame('20', '\x03010102 0000c07f')),
	('value infinite', pg_temp.frame('20', '\x03010102 000080ff')),
	('f16 infinite', pg_temp.frame('20', '\x03310102 007c')),
	('int8 scale NaN', pg_temp.frame('20', '\x03410102 0000c07f0000000001')),
	('packed bits not 0', pg_temp.frame('20', '\x03110102 ffffffffffffff')),
	('dictionary of garbage', pg_temp.frame('20', '\x03210102 ffffffffffffffffffffffff')),
	('lz4 of garbage', pg_temp.frame('24', '\x20ffffffffffffffff')),
	('lz4 of nothing', pg_temp.frame('24', '\x20')),
	('lz4 shorter than announced', pg_temp.frame('04', '\x05 20 0000')),
	('lz4 offset before the start', pg_temp.frame('24', '\x40 10 00 ffff 00')),
	('lz4 of 4 GB', pg_temp.frame('24', '\xffffffff0f 1f00 0100 ffffffff')),
	('lz4 of 16 MB and a byte', pg_temp.frame('24', '\x81808008 1f00 0100 ffffffff')),
	('lz4 of no bytes', pg_temp.frame('04', '\x00 00')),
	('zstd of garbage', pg_temp.frame('28', '\x20ffffffffffffffff')),
	('zstd of nothing', pg_temp.frame('28', '\x20')),
	('zstd, longer than announced', pg_temp.frame('08', '\x01 28b52ffd 2002 1100000000')),
	('zstd, shorter than announced', pg_temp.frame('08', '\x03 28b52ffd 2002 1100000000')),
	('zstd and an empty frame that is skipped', pg_temp.frame('08', '\x01 28b52ffd 2001 09000000 502a4d1800000000')),
	('zstd of zstd', pg_temp.frame('08', '\x09 28b52ffd 2009 490000 28b52ffd2001090000'));
SELECT why, (pg_temp.try(format('SELECT %L::bytea::deltavec', frame))).* FROM forged ORDER BY id;
-- and the frames that they were made from are good
SELECT bytes::bytea::deltavec FROM unnest(ARRAY['\x7ade0110080001000100000040bae8bf79',
	pg_temp.frame('08', '\x01 28b52ffd 2001 090000 00'), pg_temp.frame('04', '\x01 10 00')]) bytes;

-- by COPY, with the table as it was afterwards; one row of many is enough
CREATE TABLE received (d deltavec);
INSERT INTO received VALUES ('*2');
\set SHOW_CONTEXT never
\copy (SELECT '\x7ade0110080001000100000040bae8bf79'::bytea FROM generate_series(1, 3)) TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
SELECT * FROM received;
\copy (SELECT '\x7ade0110080001000100000040bae8bf79'::bytea UNION ALL SELECT frame FROM forged WHERE why = 'value altered') TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy (SELECT frame FROM forged WHERE why = 'nothing at all') TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy (SELECT frame FROM forged WHERE why = 'length beyond the end') TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy (SELECT frame FROM forged WHERE why = 'position beyond the last') TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy (SELECT frame FROM forged WHERE why = 'value NaN') TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy (SELECT frame FROM forged WHERE why = 'lz4 of 4 GB') TO 'results/deltavec_frame.bin' WITH (FORMAT binary)
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\set VERBOSITY sqlstate
\copy received FROM 'results/deltavec_frame.bin' WITH (FORMAT binary)
\set VERBOSITY default
SELECT count(*) FROM received;

-- no beginning of a frame is a frame, and no altered bit goes unnoticed
CREATE TABLE good AS SELECT n, f FROM (VALUES
	(1, '*2+0.5~{3:-1}{5:7}/9'::deltavec::bytea), (2, '=[1,2,3]'::deltavec::bytea),
	(3, delta_between('[0,0,0,0]', '[1.5,2,0,0]', 0.1, 'int8')::bytea),
	(4, (SELECT delta_create(array_agg(i % 3)::vector)::bytea FROM generate_series(1, 2000) i)),
	(5, (SELECT delta_between(NULL, array_agg(i % 3)::vector, 0, 'f32,lz4')::bytea FROM generate_series(1, 400) i)),
	(6, (SELECT delta_between(NULL, array_agg(i % 3)::vector, 0, 'f32,zstd')::bytea FROM generate_series(1, 400) i))) v(n, f);
CREATE FUNCTION pg_temp.refused(frame bytea) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	PERFORM frame::deltavec;
	RETURN false;
EXCEPTION WHEN invalid_binary_representation THEN
	RETURN true;
END $$;
SELECT n, bool_and(pg_temp.refused(substr(f, 1, i))) AS torn FROM good, generate_series(0, length(f) - 1) i GROUP BY n ORDER BY n;
SELECT n, bool_and(pg_temp.refused(set_bit(f, i, 1 - get_bit(f, i)))) AS altered
FROM good, generate_series(0, 8 * length(f) - 1) i GROUP BY n ORDER BY n;
-- with the checksum made right again, whatever is let in is a delta like any other
CREATE FUNCTION pg_temp.sound(frame bytea) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	d deltavec;
BEGIN
	d := (substr(frame, 1, length(frame) - 4) || pg_temp.u32(pg_temp.crc32c(substr(frame, 1, length(frame) - 4))))::deltavec;
	RETURN d = d::text::deltavec AND (d || '{}') = d;
EXCEPTION WHEN invalid_binary_representation OR program_limit_exceeded THEN
	RETURN true;
END $$;
SELECT n, bool_and(pg_temp.sound(set_bit(f, i, 1 - get_bit(f, i)))) AS sound
FROM good, generate_series(0, 8 * Least(length(f), 60) - 1) i WHERE n <> 4 GROUP BY n ORDER BY n;
DROP TABLE forged, received, good;
