-- Distances between values of the server's type bit.

SELECT hamming_distance(B'111', B'111') AS same, hamming_distance('111', '110') AS one, B'111' <~> B'000' AS all, B'' <~> B'' AS empty;
SELECT jaccard_distance(B'1111', B'1111') AS same, jaccard_distance('1111', '1110') AS three_of_four, B'1100' <%> B'1000' AS half,
	B'1100' <%> B'0011' AS apart, B'0000' <%> B'0000' AS both_zero, B'' <%> B'' AS empty;
SELECT B'1'::bit(3) <~> B'101' AS padded, B'101'::varbit <~> B'100'::varbit AS varbit, NULL::bit(3) <~> B'101' AS nothing;

-- every length, so that the ends of all registers are seen; longer ones, so
-- that the counters of bytes fill up
CREATE TEMP TABLE pairs AS
SELECT n, string_agg(CASE WHEN (n * d * 7 + d * d) % 5 < 2 THEN '1' ELSE '0' END, '' ORDER BY d)::varbit AS a,
	string_agg(CASE WHEN (n * d * 3 + d * d) % 7 < 4 THEN '1' ELSE '0' END, '' ORDER BY d)::varbit AS b
FROM (SELECT * FROM generate_series(1::bigint, 600) UNION ALL VALUES (1000), (1001), (9999), (83000)) n (n), generate_series(1, n) d GROUP BY n;
SELECT count(*), bool_and((a <~> b) = differ) AS hamming,
	bool_and((a <%> b) = CASE WHEN common = 0 THEN 1 ELSE 1 - common::float8 / united::float8 END) AS jaccard
FROM pairs, LATERAL (SELECT length(replace((a # b)::text, '0', '')) AS differ, length(replace((a & b)::text, '0', '')) AS common,
	length(replace((a | b)::text, '0', '')) AS united) s;
SELECT count(*), max(a <~> ~a) AS hamming, bool_and((a <~> ~a) = n) AS complement, bool_and((a <~> a) = 0) AS itself,
	bool_and((a <%> ~a) = 1) AS jaccard, bool_and((a <%> a) = CASE WHEN a::text ~ '1' THEN 0 ELSE 1 END) AS same
FROM pairs;
SELECT repeat('1', 83000)::varbit <~> repeat('0', 83000)::varbit AS hamming, repeat('1', 83000)::varbit <%> repeat('1', 83000)::varbit AS jaccard;

-- toasted values, and short ones as they stand in a row
CREATE TABLE bit_test (id int, a bit(9), b bit varying);
INSERT INTO bit_test SELECT i, i::bit(9), repeat(i::bit(9)::text, CASE WHEN i % 100 = 0 THEN 3000 ELSE i % 20 END)::varbit FROM generate_series(1, 300) i;
SELECT sum(a <~> B'101010101'), round(sum(a <%> B'101010101')::numeric, 9) FROM bit_test;
SELECT count(*), bool_and((b <~> ~b) = length(b)) AS complement FROM bit_test;
SELECT id FROM bit_test ORDER BY a <~> 65::bit(9), id LIMIT 5;
DROP TABLE bit_test, pairs;

-- lengths must agree
SELECT hamming_distance(B'111', B'00');
SELECT jaccard_distance(B'111', B'00');
SELECT B'111' <~> B'1110';
\set VERBOSITY sqlstate
SELECT B'111' <%> B'1110';
\set VERBOSITY default

-- which instructions count, and which add up
SELECT ruvector.simd_info() ~ '^vector \S+, halfvec \S+, sparsevec scalar, bit \S+$' AS named;
