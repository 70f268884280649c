-- Distances between vectors, as functions and as operators.

SELECT l2_distance('[0,0]'::vector, '[3,4]'), '[1]'::vector <-> '[-1]' AS operator,
	vector_l2_squared_distance('[0,0]', '[3,4]');
SELECT inner_product('[1,2]'::vector, '[3,4]'), '[1,2]'::vector <#> '[3,4]' AS operator,
	vector_negative_inner_product('[1,2]', '[3,4]');
SELECT l1_distance('[0,-1]'::vector, '[3,4]'), '[0,-1]'::vector <+> '[3,4]' AS operator;
SELECT cosine_distance('[1,2]'::vector, '[2,4]') AS same, '[1,0]'::vector <=> '[0,2]' AS right_angle,
	'[1,1]'::vector <=> '[-3,-3]' AS opposite;
SELECT vector_spherical_distance('[1,0]', '[1,0]') AS same, vector_spherical_distance('[1,0]', '[0,1]') AS right_angle,
	vector_spherical_distance('[1,0]', '[-1,0]') AS opposite, vector_spherical_distance('[2,0]', '[2,0]') AS no_unit;

-- no direction, no cosine
SELECT '[0,0]'::vector <=> '[1,2]' AS one_zero, '[0,0]'::vector <=> '[0,0]' AS both_zero;

-- sums beyond a float are infinite, not an error
SELECT '[3e38]'::vector <-> '[-3e38]' AS l2, '[3e38]'::vector <+> '[-3e38]' AS l1,
	'[3e38]'::vector <#> '[3e38]' AS ip, '[3e38]'::vector <=> '[3e38]' AS cosine;

-- a cosine stays in its range whatever the rounding
SELECT bool_and(d BETWEEN 0 AND 2) AS in_range, max(d) < 1e-6 AS small
FROM (SELECT v <=> v AS d FROM (
	SELECT array_agg(sin(i * 31 + k))::vector AS v
	FROM generate_series(1, 200) i, generate_series(1, 17) k GROUP BY i) s) t;

-- every length of a vector against the sum in SQL, so that no kernel's
-- remainder loop goes untried; small integers, so every sum is exact
CREATE TEMP TABLE pairs AS
SELECT n, array_agg((n * 7 + d * 3) % 11 - 5 ORDER BY d)::real[] AS a,
	array_agg((n * 5 + d * 2) % 9 - 4 ORDER BY d)::real[] AS b
FROM generate_series(1, 200) n, generate_series(1, n) d GROUP BY n;
SELECT count(*),
	bool_and(l2_distance(a::vector, b::vector) = sqrt(l2)) AS l2,
	bool_and(vector_l2_squared_distance(a::vector, b::vector) = l2) AS l2_squared,
	bool_and(inner_product(a::vector, b::vector) = ip) AS ip,
	bool_and(vector_negative_inner_product(a::vector, b::vector) = -ip) AS negative_ip,
	bool_and(l1_distance(a::vector, b::vector) = l1) AS l1,
	bool_and(abs(cosine_distance(a::vector, b::vector) - (1 - ip / sqrt(aa * bb))) < 1e-12
		OR aa * bb = 0) AS cosine,
	bool_and(vector_norm(a::vector) = sqrt(aa)) AS norm
FROM pairs, LATERAL (
	SELECT sum((x - y) ^ 2) AS l2, sum(x * y) AS ip, sum(abs(x - y)) AS l1, sum(x * x) AS aa, sum(y * y) AS bb
	FROM unnest(a::float8[], b::float8[]) u (x, y)) s;

-- lengths must agree
\set VERBOSITY sqlstate
SELECT l2_distance('[1,2]'::vector, '[3]');
SELECT inner_product('[1,2]'::vector, '[3]');
SELECT l1_distance('[1,2]'::vector, '[3]');
SELECT cosine_distance('[1,2]'::vector, '[3]');
SELECT vector_spherical_distance('[1,2]', '[3]');
SELECT vector_l2_squared_distance('[1,2]', '[3]');
SELECT vector_negative_inner_product('[1,2]', '[3]');
\set VERBOSITY default
SELECT '[1,2]'::vector <-> '[3]';

-- the nearest, by a scan of the table
CREATE TEMP TABLE points (id int, v vector(2));
INSERT INTO points SELECT i, ARRAY[i % 10, i / 10] FROM generate_series(0, 99) i;
INSERT INTO points VALUES (100, NULL);
SELECT id, v <-> '[3.1,4.2]' < 1 AS near FROM points ORDER BY v <-> '[3.1,4.2]', id LIMIT 4;
SELECT id FROM points WHERE v <-> '[0,0]' <= 1 ORDER BY id;
SELECT id, NULL::vector <-> v AS distance FROM points WHERE id = 1;
DROP TABLE points, pairs;

-- the table of distance functions in use
SELECT ruvector.simd_info() <> '' AS named;
