-- COPY of halfvecs as text and as binary, and binary input that is none.

CREATE TABLE copy_out (id int, v halfvec(3));
CREATE TABLE copy_in (LIKE copy_out);
INSERT INTO copy_out VALUES (1, '[1,2.5,-3e-4]'), (2, '[0,-0,6e-8]'), (3, NULL), (4, '[65504,0.1,-65504]');

\copy copy_out TO 'results/halfvec_copy.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/halfvec_copy.bin' WITH (FORMAT binary)
SELECT * FROM copy_in ORDER BY id;
SELECT count(*) FROM copy_out o JOIN copy_in i USING (id) WHERE halfvec_send(o.v) IS NOT DISTINCT FROM halfvec_send(i.v);
TRUNCATE copy_in;
\copy copy_out TO 'results/halfvec_copy.txt'
\copy copy_in FROM 'results/halfvec_copy.txt'
SELECT count(*) FROM copy_out o JOIN copy_in i USING (id) WHERE halfvec_send(o.v) IS NOT DISTINCT FROM halfvec_send(i.v);

-- the wire format: int16 dims, int16 zero, halves, in network order
SELECT halfvec_send('[1,-2]'), length(halfvec_send(array_fill(1, ARRAY[16000])::halfvec));
CREATE TABLE copy_wide (v halfvec);
INSERT INTO copy_wide SELECT array_agg(sin(d)) FROM generate_series(1, 16000) d;
\copy copy_wide TO 'results/halfvec_copy.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_copy.bin' WITH (FORMAT binary)
SELECT count(*), count(DISTINCT v) FROM copy_wide;
TRUNCATE copy_wide;

-- A file of bytea values has the form of a file of halfvecs with these bytes.
\set SHOW_CONTEXT never
\copy (SELECT '\x0002 0000 3c00 c000'::bytea) TO 'results/halfvec_copy.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_copy.bin' WITH (FORMAT binary)
SELECT v FROM copy_wide;
-- no dimension, too many
\copy (SELECT '\x0000 0000'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x3e81 0000'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
-- something in the unused field
\copy (SELECT '\x0001 ffff 3c00'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
-- fewer elements than announced, a torn element, more than announced
\copy (SELECT '\x3e80 0000 3c00'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x0001 0000 3c'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x0001 0000 3c00 3c00'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
-- NaN and infinity
\copy (SELECT '\x0002 0000 3c00 fe01'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy (SELECT '\x0002 0000 fc00 7e00'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_wide FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
-- not the dimensions of the column
\copy (SELECT 1::int, '\x0002 0000 3c00 c000'::bytea) TO 'results/halfvec_bad.bin' WITH (FORMAT binary)
\copy copy_in FROM 'results/halfvec_bad.bin' WITH (FORMAT binary)
SELECT count(*) FROM copy_wide;
DROP TABLE copy_out, copy_in, copy_wide;
