-- COPY of sparsevecs as text and as binary, and binary input that is none.

CREATE TABLE copy_out (id int, v sparsevec(3));
CREATE TABLE copy_in (LIKE copy_out);
INSERT INTO copy_out VALUES (1, '{1:1,3:-3e-4}/3'), (2, '{}/3'), (3, NULL), (4, '{1:3.4028235e38,2:1e-45,3:0.1}/3');

\copy copy_out TO 'results/sparsevec_copy.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/sparsevec_copy.bin' WITH (FORMAT binary)
SELECT * FROM copy_in ORDER BY id;
SELECT count(*) FROM copy_out o JOIN copy_in i USING (id) WHERE sparsevec_send(o.v) IS NOT DISTINCT FROM sparsevec_send(i.v);
TRUNCATE copy_in;
\copy copy_out TO 'results/sparsevec_copy.txt'
\copy copy_in FROM 'results/sparsevec_copy.txt'
SELECT count(*) FROM copy_out o JOIN copy_in i USING (id) WHERE sparsevec_send(o.v) IS NOT DISTINCT FROM sparsevec_send(i.v);

-- the wire format: int32 dims, elements, zero; indices from 0; float4 values
SELECT sparsevec_send('{2:1,7:-2}/9'), sparsevec_send('{}/1000000000');
CREATE TABLE copy_wide (v sparsevec);
INSERT INTO copy_wide SELECT ('{' || string_agg(i * 50000 || ':' || i, ',') || '}/1000000000')::sparsevec FROM generate_series(1, 16000) i;
\copy copy_wide TO 'results/sparsevec_copy.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_copy.bin' WITH (FORMAT binary)
SELECT count(*), count(DISTINCT v) FROM copy_wide;
TRUNCATE copy_wide;

-- A file of bytea values has the form of a file of sparsevecs with these bytes.
\set SHOW_CONTEXT never
\copy (SELECT '\x00000009 00000002 00000000 00000001 00000006 3f800000 c0000000'::bytea) TO 'results/sparsevec_copy.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_copy.bin' WITH (FORMAT binary)
SELECT v FROM copy_wide;
-- no dimension, too many
\copy (SELECT '\x00000000 00000000 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x3b9aca01 00000000 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
-- elements: less than none, too many, more than dimensions
\copy (SELECT '\x00000009 ffffffff 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x3b9aca00 00003e81 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000001 00000002 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
-- something in the unused field
\copy (SELECT '\x00000001 00000000 00000001'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
-- fewer bytes than announced, and more
\copy (SELECT '\x00004000 00003e80 00000000 00000000 3f800000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000001 00000001 00000000 00000000 3f800000 00'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
-- indices: below zero, beyond dimensions, descending, twice
\copy (SELECT '\x00000009 00000001 00000000 ffffffff 3f800000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000009 00000001 00000000 00000009 3f800000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000009 00000002 00000000 00000002 00000001 3f800000 3f800000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000009 00000002 00000000 00000002 00000002 3f800000 3f800000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
-- values: NaN, infinite, zero of either sign
\copy (SELECT '\x00000009 00000001 00000000 00000002 7fc00000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000009 00000001 00000000 00000002 ff800000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000009 00000001 00000000 00000002 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x00000009 00000001 00000000 00000002 80000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
-- not the dimensions of the column
\copy (SELECT 1::int, '\x00000009 00000000 00000000'::bytea) TO 'results/sparsevec_bad.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/sparsevec_bad.bin' WITH (FORMAT binary)
SELECT count(*) FROM copy_wide;
DROP TABLE copy_out, copy_in, copy_wide;
