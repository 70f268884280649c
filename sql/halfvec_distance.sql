-- Distances between halfvecs, as functions and as operators.

SELECT l2_distance('[0,0]'::halfvec, '[3,4]'), '[1]'::halfvec <-> '[-1]' AS operator, halfvec_l2_squared_distance('[0,0]', '[3,4]');
SELECT inner_product('[1,2]'::halfvec, '[3,4]'), '[1,2]'::halfvec <#> '[3,4]' AS operator, halfvec_negative_inner_product('[1,2]', '[3,4]');
SELECT l1_distance('[0,-1]'::halfvec, '[3,4]'), '[0,-1]'::halfvec <+> '[3,4]' AS operator;
SELECT cosine_distance('[1,2]'::halfvec, '[2,4]') AS same, '[1,0]'::halfvec <=> '[0,2]' AS right_angle,
	'[1,1]'::halfvec <=> '[-3,-3]' AS opposite, '[0,0]'::halfvec <=> '[1,2]' AS one_zero, '[0,0]'::halfvec <=> '[0,0]' AS both_zero;
SELECT halfvec_spherical_distance('[1,0]', '[1,0]') AS same, halfvec_spherical_distance('[1,0]', '[0,1]') AS right_angle,
	halfvec_spherical_distance('[1,0]', '[-1,0]') AS opposite, halfvec_spherical_distance('[2,0]', '[2,0]') AS no_unit;

-- sums are floats: far beyond the largest half
SELECT '[65504]'::halfvec <-> '[-65504]' AS l2, '[65504]'::halfvec <+> '[-65504]' AS l1, '[65504]'::halfvec <#> '[65504]' AS ip,
	'[65504,65504]'::halfvec <=> '[65504,65504]' AS cosine, '[6e-8]'::halfvec <-> '[0]' AS subnormal;

-- a cosine stays in its range whatever the rounding
SELECT bool_and(d BETWEEN 0 AND 2) AS in_range, max(d) < 1e-6 AS small
FROM (SELECT v <=> v AS d FROM (
	SELECT array_agg(sin(i * 31 + k))::halfvec AS v
	FROM generate_series(1, 200) i, generate_series(1, 17) k GROUP BY i) s) t;

-- every length of a vector against the sum in SQL, so that no kernel's
-- remainder loop goes untried; small integers, so every sum is exact
CREATE TEMP TABLE pairs AS
SELECT n, array_agg((n * 7 + d * 3) % 11 - 5 ORDER BY d)::real[]::halfvec AS a,
	array_agg((n * 5 + d * 2) % 9 - 4 ORDER BY d)::real[]::halfvec AS b
FROM generate_series(1, 200) n, generate_series(1, n) d GROUP BY n;
SELECT count(*), bool_and(l2_distance(a, b) = sqrt(l2)) AS l2, bool_and(halfvec_l2_squared_distance(a, b) = l2) AS l2_squared,
	bool_and(inner_product(a, b) = ip) AS ip, bool_and(halfvec_negative_inner_product(a, b) = -ip) AS negative_ip,
	bool_and(l1_distance(a, b) = l1) AS l1,
	bool_and(abs(cosine_distance(a, b) - (1 - ip / sqrt(aa * bb))) < 1e-12 OR aa * bb = 0) AS cosine, bool_and(l2_norm(a) = sqrt(aa)) AS norm
FROM pairs, LATERAL (
	SELECT sum((x - y) ^ 2) AS l2, sum(x * y) AS ip, sum(abs(x - y)) AS l1, sum(x * x) AS aa, sum(y * y) AS bb
	FROM unnest(a::real[]::float8[], b::real[]::float8[]) u (x, y)) s;

-- what vector says of the same numbers
SELECT bool_and((a <-> b) = (a::vector <-> b::vector)) AS l2, bool_and((a <#> b) = (a::vector <#> b::vector)) AS ip,
	bool_and((a <+> b) = (a::vector <+> b::vector)) AS l1
FROM pairs;

-- lengths must agree
\set VERBOSITY sqlstate
SELECT l2_distance('[1,2]'::halfvec, '[3]');
SELECT inner_product('[1,2]'::halfvec, '[3]');
SELECT l1_distance('[1,2]'::halfvec, '[3]');
SELECT cosine_distance('[1,2]'::halfvec, '[3]');
SELECT halfvec_spherical_distance('[1,2]', '[3]');
SELECT halfvec_l2_squared_distance('[1,2]', '[3]');
SELECT halfvec_negative_inner_product('[1,2]', '[3]');
\set VERBOSITY default
SELECT '[1,2]'::halfvec <-> '[3]';

-- a vector on one side becomes a halfvec, as the cast is implicit
SELECT '[1,2]'::vector <-> '[4,6]'::halfvec AS distance, '[1e5]'::vector <-> '[1]'::vector AS vectors;
SELECT '[1e5]'::vector <-> '[1]'::halfvec AS distance;
DROP TABLE pairs;
