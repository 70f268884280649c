-- COPY of vectors as text and as binary, and binary input that is no vector.

CREATE TABLE copy_out (id int, v vector(3));
CREATE TABLE copy_in (LIKE copy_out);
INSERT INTO copy_out VALUES (1, '[1,2.5,-3e-4]'), (2, '[0,-0,1e-45]'), (3, NULL), (4, '[3.4028235e38,0.1,16777216]');

\copy copy_out TO 'results/vector_copy.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/vector_copy.bin' WITH (FORMAT binary)
SELECT * FROM copy_in ORDER BY id;
SELECT count(*) FROM copy_out o JOIN copy_in i USING (id) WHERE vector_send(o.v) IS NOT DISTINCT FROM vector_send(i.v);
TRUNCATE copy_in;

\copy copy_out TO 'results/vector_copy.txt'
\copy copy_in FROM 'results/vector_copy.txt'
SELECT * FROM copy_in ORDER BY id;
TRUNCATE copy_in;

COPY copy_in FROM stdin WITH (FORMAT csv);
1,"[1,2,3]"
2,
\.
COPY copy_in FROM stdin WITH (FORMAT csv);
3,"[1,2]"
\.
SELECT * FROM copy_in ORDER BY id;

-- the wire format: int16 dims, int16 zero, float4 each, in network order
SELECT vector_send('[1,-2]'), length(vector_send(array_fill(1, ARRAY[16000])::vector));
CREATE TABLE copy_wide (v vector);
INSERT INTO copy_wide SELECT array_agg(sin(d)) FROM generate_series(1, 16000) d;
\copy copy_wide TO 'results/vector_copy.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_copy.bin' WITH (FORMAT binary)
SELECT count(*), count(DISTINCT v) FROM copy_wide;
TRUNCATE copy_wide;

-- A file of bytea values has the form of a file of vectors with these bytes.
\set SHOW_CONTEXT never
\copy (SELECT '\x0002 0000 3f800000 c0000000'::bytea) TO 'results/vector_copy.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_copy.bin' WITH (FORMAT binary)
SELECT v FROM copy_wide;

-- nothing
\copy (SELECT '\x'::bytea) TO 'results/vector_bad_1.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_1.bin' WITH (FORMAT binary)
-- no dimension
\copy (SELECT '\x0000 0000'::bytea) TO 'results/vector_bad_2.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_2.bin' WITH (FORMAT binary)
-- too many, and what would be negative as int16
\copy (SELECT '\x3e81 0000'::bytea) TO 'results/vector_bad_3.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_3.bin' WITH (FORMAT binary)
\copy (SELECT '\xffff 0000'::bytea) TO 'results/vector_bad_4.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_4.bin' WITH (FORMAT binary)
-- something in the unused field
\copy (SELECT '\x0001 0001 3f800000'::bytea) TO 'results/vector_bad_5.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_5.bin' WITH (FORMAT binary)
-- fewer elements than announced, a torn element, more than announced
\copy (SELECT '\x3e80 0000 3f800000'::bytea) TO 'results/vector_bad_6.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_6.bin' WITH (FORMAT binary)
\copy (SELECT '\x0001 0000 3f8000'::bytea) TO 'results/vector_bad_7.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_7.bin' WITH (FORMAT binary)
\copy (SELECT '\x0001 0000 3f800000 3f800000'::bytea) TO 'results/vector_bad_8.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_8.bin' WITH (FORMAT binary)
-- NaN and infinity
\copy (SELECT '\x0002 0000 3f800000 7fc00000'::bytea) TO 'results/vector_bad_9.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_9.bin' WITH (FORMAT binary)
\copy (SELECT '\x0002 0000 ff800000 7fc00000'::bytea) TO 'results/vector_bad_10.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_10.bin' WITH (FORMAT binary)
-- not the dimensions of the column
\copy (SELECT 1::int, '\x0002 0000 3f800000 c0000000'::bytea) TO 'results/vector_bad_11.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/vector_bad_11.bin' WITH (FORMAT binary)
-- the same once more, for the SQLSTATEs
\set VERBOSITY sqlstate
\copy copy_wide FROM 'results/vector_bad_1.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_2.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_3.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_4.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_5.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_6.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_7.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_8.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_9.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/vector_bad_10.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/vector_bad_11.bin' WITH (FORMAT binary)
\set VERBOSITY default
SELECT count(*) FROM copy_wide;
DROP TABLE copy_out, copy_in, copy_wide;
