-- search: now over lazy columns, and as of a point in time

-- Names of metrics; operators are in the schema of the column's type.
CREATE FUNCTION ruvector.distance_operator(t ruvector.tracked, metric text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name text := CASE metric WHEN 'l2' THEN '<->' WHEN 'ip' THEN '<#>' WHEN 'cosine' THEN '<=>' WHEN 'l1' THEN '<+>' END;
BEGIN
	IF name IS NULL AND metric IN ('<->', '<#>', '<=>', '<+>') THEN
		name := metric;
	ELSIF name IS NULL THEN
		RAISE EXCEPTION 'metric "%" is none of "l2", "ip", "cosine", "l1"', metric USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN (SELECT format('OPERATOR(%I.%s)', n.nspname, name)
		FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid JOIN pg_namespace n ON n.oid = y.typnamespace
		WHERE a.attrelid = t.rel AND a.attname = t."column");
END
$$;

CREATE FUNCTION ruvector.check_search(t ruvector.tracked, query vector, k integer) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	dims integer := (SELECT atttypmod FROM pg_attribute WHERE attrelid = t.rel AND attname = t."column");
BEGIN
	IF query IS NULL THEN
		RAISE EXCEPTION 'query must not be null' USING ERRCODE = 'null_value_not_allowed';
	ELSIF k IS NULL OR k < 1 THEN
		RAISE EXCEPTION 'k must be at least 1' USING ERRCODE = 'invalid_parameter_value';
	ELSIF dims > 0 AND cardinality(query::real[]) <> dims THEN
		RAISE EXCEPTION 'different vector dimensions % and %', dims, cardinality(query::real[]) USING ERRCODE = 'data_exception';
	END IF;
END
$$;

-- Two lists are merged: rows whose column tells the truth, by the index; and
-- the keys in `overlay`, whose vectors are put together and compared one by
-- one.  $1 query, $2 k, $3 point.
CREATE FUNCTION ruvector.search_statement(t ruvector.tracked, operator text, behind text, vector_of text, filter text)
RETURNS text LANGUAGE sql STABLE RETURN format($sql$
	WITH overlay AS MATERIALIZED (%1$s),
	live AS MATERIALIZED (
		SELECT %2$s AS key, r.%3$I %4$s $1 AS distance
		FROM %5$s r
		WHERE (%6$s) NOT IN (SELECT %7$s FROM overlay o) AND r.%3$I IS NOT NULL AND (%8$s)
		ORDER BY r.%3$I %4$s $1 LIMIT $2),
	composed AS MATERIALIZED (
		SELECT (%9$s)::text AS key, %10$s AS v FROM overlay o %11$s)
	SELECT s.key, s.distance, s.source FROM (
		SELECT l.key, l.distance, 'index' AS source FROM live l
		UNION ALL
		SELECT c.key, c.v %4$s $1, 'overlay' FROM composed c WHERE c.v IS NOT NULL) s
	ORDER BY s.distance, s.key LIMIT $2$sql$,
	behind,
	format('(%s)::text', CASE cardinality(t.key) WHEN 1 THEN format('r.%I', t.key[1])
		ELSE (SELECT format('ROW(%s)', string_agg(format('r.%I', k), ', ' ORDER BY n)) FROM unnest(t.key) WITH ORDINALITY u(k, n)) END),
	t."column", operator, t.rel,
	(SELECT string_agg(format('r.%I', k), ', ' ORDER BY n) FROM unnest(t.key) WITH ORDINALITY u(k, n)),
	ruvector.key_list(t, 'o'), coalesce(filter, 'true'),
	ruvector.key_value(t, 'o'), vector_of,
	CASE WHEN filter IS NULL THEN '' ELSE format('JOIN %s r ON %s WHERE %s', t.rel, ruvector.key_matches(t, 'o'), filter) END);

-- a table that holds the column as it was, with an index of its own
CREATE FUNCTION ruvector.search_frozen_statement(t ruvector.tracked, operator text, frozen regclass, filter text)
RETURNS text LANGUAGE sql STABLE RETURN format($sql$
	SELECT (%1$s)::text, o.vector_then %2$s $1, 'tag'
	FROM %3$s o %4$s WHERE o.vector_then IS NOT NULL %5$s
	ORDER BY o.vector_then %2$s $1 LIMIT $2$sql$,
	ruvector.key_value(t, 'o'), operator, frozen,
	CASE WHEN filter IS NULL THEN '' ELSE format('JOIN %s r ON %s', t.rel, ruvector.key_matches(t, 'o')) END,
	CASE WHEN filter IS NULL THEN '' ELSE format('AND (%s)', filter) END);

CREATE FUNCTION ruvector.search(rel regclass, "column" name, query vector, k integer DEFAULT 10, metric text DEFAULT 'l2',
	filter text DEFAULT NULL)
RETURNS TABLE (key text, distance float8, source text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET hnsw.iterative_scan = strict_order SET hnsw.max_scan_tuples = 2147483647 AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
BEGIN
	PERFORM ruvector.check_search(t, query, k);
	RETURN QUERY EXECUTE ruvector.search_statement(t, ruvector.distance_operator(t, metric),
		format('SELECT %s FROM %s p', ruvector.key_list(t, 'p'), t.pending),
		format('ruvector.vector(%s::oid::regclass, %s, %L)', t.rel::oid, ruvector.key_value(t, 'o'), t."column"), filter)
		USING query, k;
END
$$;

COMMENT ON FUNCTION ruvector.search(regclass, name, vector, integer, text, text) IS
	'nearest neighbours now, exact about changes that a lazy column has not taken yet';

CREATE FUNCTION ruvector.search_as_of(rel regclass, "column" name, query vector, k integer, point ruvector.point,
	metric text DEFAULT 'l2', filter text DEFAULT NULL, exact boolean DEFAULT false)
RETURNS TABLE (key text, distance float8, source text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET hnsw.iterative_scan = strict_order SET hnsw.max_scan_tuples = 2147483647 AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
	changed text;
	frozen regclass;
BEGIN
	PERFORM ruvector.check_search(t, query, k);
	PERFORM ruvector.check_reachable(t, point);
	frozen := (SELECT m.rel FROM ruvector.materialized m WHERE m.tracked_id = t.id
		AND 'tag ' || quote_ident(m.tag) = point.method AND has_table_privilege(m.rel, 'SELECT'));
	IF frozen IS NOT NULL AND NOT exact THEN
		RETURN QUERY EXECUTE ruvector.search_frozen_statement(t, ruvector.distance_operator(t, metric), frozen, filter)
			USING query, k;
		RETURN;
	END IF;
	IF exact THEN
		changed := format('SELECT DISTINCT %s FROM %s l', ruvector.key_list(t, 'l'), t.log);
	ELSE
		changed := format('SELECT %s FROM %s l WHERE %s UNION SELECT %s FROM %s p', ruvector.key_list(t, 'l'), t.log,
			ruvector.not_happened(point, 3), ruvector.key_list(t, 'p'), t.pending);
	END IF;
	RETURN QUERY EXECUTE ruvector.search_statement(t, ruvector.distance_operator(t, metric), changed,
		format('ruvector.get_at(%s::oid::regclass, %s, $3, %L)', t.rel::oid, ruvector.key_value(t, 'o'), t."column"), filter)
		USING query, k, point;
END
$$;

CREATE FUNCTION ruvector.search_as_of(rel regclass, "column" name, query vector, k integer, as_of text,
	metric text DEFAULT 'l2', filter text DEFAULT NULL, exact boolean DEFAULT false)
RETURNS TABLE (key text, distance float8, source text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.key, s.distance, s.source
	FROM ruvector.search_as_of(rel, "column", query, k, ruvector.resolve(as_of), metric, filter, exact) s;
END;

CREATE FUNCTION ruvector.search_as_of(rel regclass, "column" name, query vector, k integer, as_of timestamptz,
	metric text DEFAULT 'l2', filter text DEFAULT NULL, exact boolean DEFAULT false)
RETURNS TABLE (key text, distance float8, source text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT s.key, s.distance, s.source
	FROM ruvector.search_as_of(rel, "column", query, k, ruvector.resolve(as_of), metric, filter, exact) s;
END;

COMMENT ON FUNCTION ruvector.search_as_of(regclass, name, vector, integer, ruvector.point, text, text, boolean) IS
	'what a search would have returned then: unchanged keys by the index, changed ones compared one by one';

CREATE FUNCTION ruvector.search_drift(rel regclass, "column" name, query vector, k integer, from_point text, to_point text,
	metric text DEFAULT 'l2', filter text DEFAULT NULL)
RETURNS TABLE (key text, from_rank bigint, to_rank bigint, from_distance float8, to_distance float8, change text)
LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT coalesce(a.key, b.key), a.rank, b.rank, a.distance, b.distance,
		CASE WHEN a.key IS NULL THEN 'entered' WHEN b.key IS NULL THEN 'left'
			WHEN a.rank <> b.rank OR a.distance <> b.distance THEN 'moved' ELSE 'same' END
	FROM (SELECT s.key, s.distance, row_number() OVER (ORDER BY s.distance, s.key) AS rank
			FROM ruvector.search_as_of(rel, "column", query, k, from_point, metric, filter) s) a
		FULL JOIN (SELECT s.key, s.distance, row_number() OVER (ORDER BY s.distance, s.key) AS rank
			FROM ruvector.search_as_of(rel, "column", query, k, to_point, metric, filter) s) b USING (key)
	ORDER BY b.rank, a.rank;
END;

COMMENT ON FUNCTION ruvector.search_drift(regclass, name, vector, integer, text, text, text, text) IS
	'what entered and left the nearest k between two points in time';
