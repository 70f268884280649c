-- Distances between sparsevecs, as functions and as operators.

SELECT l2_distance('{}/2'::sparsevec, '{1:3,2:4}/2'), '{1:1}/1'::sparsevec <-> '{1:-1}/1' AS operator,
	sparsevec_l2_squared_distance('{}/2', '{1:3,2:4}/2');
SELECT inner_product('{1:1,2:2}/9'::sparsevec, '{2:4,3:3}/9'), '{1:1,2:2}/9'::sparsevec <#> '{2:4,3:3}/9' AS operator,
	sparsevec_negative_inner_product('{1:1,2:2}/9', '{2:4,3:3}/9');
SELECT l1_distance('{2:-1}/3'::sparsevec, '{1:3,2:4}/3'), '{2:-1}/3'::sparsevec <+> '{1:3,2:4}/3' AS operator;
SELECT cosine_distance('{1:1,2:2}/2'::sparsevec, '{1:2,2:4}/2') AS same, '{1:1}/2'::sparsevec <=> '{2:2}/2' AS right_angle,
	'{1:1,2:1}/2'::sparsevec <=> '{1:-3,2:-3}/2' AS opposite, '{}/2'::sparsevec <=> '{1:1}/2' AS one_zero, '{}/2'::sparsevec <=> '{}/2' AS both_zero;

-- sums beyond a float are infinite, not an error
SELECT '{1:3e38}/1'::sparsevec <-> '{1:-3e38}/1' AS l2, '{1:3e38}/1'::sparsevec <+> '{1:-3e38}/1' AS l1,
	'{1:3e38}/1'::sparsevec <#> '{1:3e38}/1' AS ip, '{1:3e38}/1'::sparsevec <=> '{1:3e38}/1' AS cosine;

-- against the dense vectors that they stand for; small integers, so every sum
-- is exact; few elements against many, too, which is another way of summing
CREATE TEMP TABLE pairs AS
SELECT n, array_agg(CASE WHEN (n * d * 7) % 13 < a THEN (n * 7 + d * 3) % 11 - 5 ELSE 0 END ORDER BY d)::vector AS x,
	array_agg(CASE WHEN (n * d * 5) % 17 < b THEN (n * 5 + d * 2) % 9 - 4 ELSE 0 END ORDER BY d)::vector AS y
FROM generate_series(1, 60) n, unnest(ARRAY[0, 1, 4, 13]) a, unnest(ARRAY[0, 1, 5, 17]) b, generate_series(1, n * 3) d GROUP BY n, a, b;
SELECT count(*), bool_and((x::sparsevec <-> y::sparsevec) = (x <-> y)) AS l2, bool_and((x::sparsevec <#> y::sparsevec) = (x <#> y)) AS ip,
	bool_and((x::sparsevec <+> y::sparsevec) = (x <+> y)) AS l1,
	bool_and((x::sparsevec <=> y::sparsevec) = (x <=> y)
		OR abs((x::sparsevec <=> y::sparsevec) - (x <=> y)) < 1e-12) AS cosine,
	bool_and(l2_norm(x::sparsevec) = vector_norm(x)) AS norm
FROM pairs;
SELECT '{5:2}/100'::sparsevec <#> v AS first, '{99:2}/100'::sparsevec <#> v AS last, '{100:2}/100'::sparsevec <#> v AS absent,
	v <#> '{5:2,50:3,99:1}/100' AS three, v <#> '{}/100' AS none
FROM (SELECT ('{' || string_agg(i || ':' || i, ',') || '}/100')::sparsevec AS v FROM generate_series(5, 99) i) s;

-- dimensions must agree, whatever the elements
\set VERBOSITY sqlstate
SELECT l2_distance('{1:1}/2'::sparsevec, '{1:1}/3');
SELECT inner_product('{1:1}/2'::sparsevec, '{1:1}/3');
SELECT l1_distance('{1:1}/2'::sparsevec, '{1:1}/3');
SELECT cosine_distance('{1:1}/2'::sparsevec, '{1:1}/3');
SELECT sparsevec_l2_squared_distance('{1:1}/2', '{1:1}/3');
SELECT sparsevec_negative_inner_product('{1:1}/2', '{1:1}/3');
\set VERBOSITY default
SELECT '{1:1}/2'::sparsevec <-> '{1:1}/3';

-- a dense vector on one side becomes a sparse one, as the cast is implicit
SELECT '[1,0,2]'::vector <-> '{1:1,3:5}/3'::sparsevec AS vector, '[1,0,2]'::halfvec <-> '{1:1,3:5}/3'::sparsevec AS halfvec;
DROP TABLE pairs;
