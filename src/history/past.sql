-- the past of a key, of a table

-- Pieces of statements over the log of one tracked column.  A key travels as
-- text[], one element a column.

CREATE FUNCTION ruvector.key_list(t ruvector.tracked, alias text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN (
	SELECT string_agg(format('%s.%I', alias, k), ', ' ORDER BY n) FROM unnest(t.log_key) WITH ORDINALITY u(k, n));

-- one value for a function that takes key "any"
CREATE FUNCTION ruvector.key_value(t ruvector.tracked, alias text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN
	CASE cardinality(t.log_key) WHEN 1 THEN ruvector.key_list(t, alias)
		ELSE format('ROW(%s)', ruvector.key_list(t, alias)) END;

CREATE FUNCTION ruvector.key_equals(t ruvector.tracked, alias text) RETURNS text
LANGUAGE sql STABLE RETURN (
	SELECT string_agg(format('%s.%I = ($1[%s])::%s', alias, k, n, format_type(a.atttypid, a.atttypmod)), ' AND ' ORDER BY n)
	FROM unnest(t.log_key) WITH ORDINALITY u(k, n)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = t.log AND a.attname = k);

-- log row `alias` and table row r are of one key
CREATE FUNCTION ruvector.key_matches(t ruvector.tracked, alias text) RETURNS text
LANGUAGE sql IMMUTABLE RETURN (
	SELECT string_agg(format('r.%I = %s.%I', k, alias, l), ' AND ' ORDER BY n)
	FROM unnest(t.key) WITH ORDINALITY u(k, n) JOIN unnest(t.log_key) WITH ORDINALITY v(l, n) USING (n));

CREATE FUNCTION ruvector.tracked_column(rel regclass, col name DEFAULT NULL) RETURNS ruvector.tracked
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_columns ruvector.tracked[];
BEGIN
	SELECT array_agg(t) INTO found_columns FROM ruvector.tracked t
	WHERE t.rel = tracked_column.rel AND (col IS NULL OR t."column" = col);
	IF found_columns IS NULL THEN
		RAISE EXCEPTION 'table % has no tracked column%', rel, coalesce(' "' || col || '"', '')
			USING ERRCODE = 'undefined_object', HINT = 'Use ruvector.track to begin.';
	ELSIF cardinality(found_columns) > 1 THEN
		RAISE EXCEPTION 'table % has more than one tracked column', rel
			USING ERRCODE = 'ambiguous_column', HINT = 'Name the column.';
	END IF;
	RETURN found_columns[1];
END
$$;

CREATE FUNCTION ruvector.check_reachable(t ruvector.tracked, point ruvector.point) RETURNS ruvector.point
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF point.at < t.horizon THEN
		RAISE EXCEPTION 'the history of %.% does not reach back that far', t.rel, t."column"
			USING ERRCODE = 'invalid_parameter_value',
			DETAIL = format('It begins at %s.', t.horizon), HINT = 'See ruvector.oldest_reachable.';
	END IF;
	RETURN point;
END
$$;

CREATE FUNCTION ruvector.oldest_reachable(rel regclass, "column" name DEFAULT NULL) RETURNS timestamptz
LANGUAGE sql STABLE RETURN (ruvector.tracked_column(rel, "column")).horizon;

-- history

CREATE FUNCTION ruvector.op_name(op "char") RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
	CASE op WHEN 'b' THEN 'begin' WHEN 'i' THEN 'insert' WHEN 'u' THEN 'update'
		WHEN 'd' THEN 'delete' WHEN 'f' THEN 'fold' WHEN 'x' THEN 'found' END;

CREATE FUNCTION ruvector.history_(tracked_id integer, key text[], since timestamptz, until timestamptz, latest integer)
RETURNS TABLE (version integer, op text, at timestamptz, xid xid8, actor text, reason text, ticket text,
	delta deltavec, vector vector)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
BEGIN
	SELECT * INTO STRICT t FROM ruvector.tracked x WHERE x.id = tracked_id;
	RETURN QUERY EXECUTE format($sql$
		SELECT l.version, ruvector.op_name(l.op), l.at, l.xid, l.actor, l.reason, l.ticket, l.delta,
			ruvector.get_at(%s::oid::regclass, %s, l.version, %L)
		FROM (SELECT * FROM %s l WHERE %s AND ($2 IS NULL OR l.at >= $2) AND ($3 IS NULL OR l.at <= $3)
			ORDER BY l.version DESC LIMIT $4) l
		ORDER BY l.version$sql$, t.rel::oid, ruvector.key_value(t, 'l'), t."column", t.log, ruvector.key_equals(t, 'l'))
		USING key, since, until, latest;
	IF NOT FOUND AND since IS NULL AND until IS NULL THEN
		RAISE EXCEPTION 'key (%) of table % has no history', array_to_string(key, ', '), t.rel
			USING ERRCODE = 'no_data_found';
	END IF;
END
$$;

CREATE FUNCTION ruvector.history(rel regclass, key "any", since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	latest integer DEFAULT NULL, "column" name DEFAULT NULL)
RETURNS TABLE (version integer, op text, at timestamptz, xid xid8, actor text, reason text, ticket text,
	delta deltavec, vector vector)
	AS 'MODULE_PATHNAME', 'rvd_forward_set' LANGUAGE C STABLE;

COMMENT ON FUNCTION ruvector.history(regclass, "any", timestamptz, timestamptz, integer, name) IS
	'the versions of a key, oldest first: who, when, why, what';

CREATE FUNCTION ruvector.row_at_(tracked_id integer, key text[], as_of text)
RETURNS TABLE (version integer, op text, at timestamptz, actor text, reason text, ticket text, vector vector, method text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	p ruvector.point;
BEGIN
	SELECT * INTO STRICT t FROM ruvector.tracked x WHERE x.id = tracked_id;
	p := ruvector.check_reachable(t, ruvector.resolve(as_of));
	RETURN QUERY EXECUTE format($sql$
		SELECT l.version, ruvector.op_name(l.op), l.at, l.actor, l.reason, l.ticket,
			ruvector.get_at(%s::oid::regclass, %s, l.version, %L), $3
		FROM (SELECT * FROM %s l WHERE %s AND ruvector.happened(l.era, l.xid, l.at, $2)
			ORDER BY l.version DESC LIMIT 1) l$sql$,
		t.rel::oid, ruvector.key_value(t, 'l'), t."column", t.log, ruvector.key_equals(t, 'l'))
		USING key, p, p.method;
END
$$;

CREATE FUNCTION ruvector.row_at(rel regclass, key "any", as_of text, "column" name DEFAULT NULL)
RETURNS TABLE (version integer, op text, at timestamptz, actor text, reason text, ticket text, vector vector, method text)
	AS 'MODULE_PATHNAME', 'rvd_forward_set' LANGUAGE C STABLE;

COMMENT ON FUNCTION ruvector.row_at(regclass, "any", text, name) IS
	'the version of a key at a tag or a time, and which method told so';

-- differences

CREATE FUNCTION ruvector.diff_(tracked_id integer, key text[], from_version integer, to_version integer)
RETURNS TABLE (delta deltavec, changed integer, l2 float8, cosine float8)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	types text;
BEGIN
	SELECT * INTO STRICT t FROM ruvector.tracked x WHERE x.id = tracked_id;
	SELECT quote_ident(n.nspname) INTO types FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
		JOIN pg_attribute a ON a.atttypid = y.oid WHERE a.attrelid = t.rel AND a.attname = t."column";
	RETURN QUERY EXECUTE format($sql$
		SELECT d.delta, %1$s.delta_changed(d.delta), v.a OPERATOR(%1$s.<->) v.b, v.a OPERATOR(%1$s.<=>) v.b
		FROM (SELECT ruvector.get_at(%2$s::oid::regclass, %3$s, $2, %4$L) AS a,
				ruvector.get_at(%2$s::oid::regclass, %3$s, $3, %4$L) AS b
			FROM %5$s l WHERE %6$s LIMIT 1) v,
			LATERAL (SELECT %1$s.delta_between(v.a, v.b) AS delta) d$sql$,
		types, t.rel::oid, ruvector.key_value(t, 'l'), t."column", t.log, ruvector.key_equals(t, 'l'))
		USING key, from_version, to_version;
END
$$;

CREATE FUNCTION ruvector.diff(rel regclass, key "any", from_version integer, to_version integer, "column" name DEFAULT NULL)
RETURNS TABLE (delta deltavec, changed integer, l2 float8, cosine float8)
	AS 'MODULE_PATHNAME', 'rvd_forward_set' LANGUAGE C STABLE;

COMMENT ON FUNCTION ruvector.diff(regclass, "any", integer, integer, name) IS
	'what leads from one version of a key to another, and how far that is';

-- The condition on log rows l that have not happened at point $n; its first
-- part is what an index can use.
CREATE FUNCTION ruvector.not_happened(point ruvector.point, n integer) RETURNS text
LANGUAGE sql IMMUTABLE RETURN
	CASE WHEN (point).snapshot IS NOT NULL THEN
		format('(l.era > %s OR l.era = %1$s AND l.xid >= %L)', (point).era, pg_snapshot_xmin((point).snapshot))
	WHEN (point).method = 'commit time' THEN 'true'
	ELSE format('l.at > %L', (point).at) END
	|| format(' AND NOT ruvector.happened(l.era, l.xid, l.at, $%s)', n);

CREATE FUNCTION ruvector.changes_between(rel regclass, from_point text, to_point text, "column" name DEFAULT NULL)
RETURNS TABLE (key text, change text, l2 float8, from_version integer, to_version integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
	a ruvector.point := ruvector.check_reachable(t, ruvector.resolve(from_point));
	b ruvector.point := ruvector.check_reachable(t, ruvector.resolve(to_point));
	types text;
BEGIN
	SELECT quote_ident(n.nspname) INTO types FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
		JOIN pg_attribute c ON c.atttypid = y.oid WHERE c.attrelid = t.rel AND c.attname = t."column";
	RETURN QUERY EXECUTE format($sql$
		SELECT x.key, CASE WHEN x.a IS NULL THEN 'added' WHEN x.b IS NULL THEN 'removed' ELSE 'changed' END,
			x.a OPERATOR(%1$s.<->) x.b, x.va, x.vb
		FROM (SELECT (%2$s)::text AS key,
				ruvector.get_at(%3$s::oid::regclass, %2$s, $1, %4$L) AS a,
				ruvector.get_at(%3$s::oid::regclass, %2$s, $2, %4$L) AS b,
				(SELECT max(v.version) FROM %5$s v WHERE %6$s AND ruvector.happened(v.era, v.xid, v.at, $1)) AS va,
				(SELECT max(v.version) FROM %5$s v WHERE %6$s AND ruvector.happened(v.era, v.xid, v.at, $2)) AS vb
			FROM (SELECT DISTINCT %7$s FROM %5$s l WHERE %8$s AND ruvector.happened(l.era, l.xid, l.at, $2)) k) x
		WHERE ruvector.content(x.a) <> ruvector.content(x.b)$sql$,
		types, ruvector.key_value(t, 'k'), t.rel::oid, t."column", t.log,
		(SELECT string_agg(format('v.%I = k.%1$I', n), ' AND ') FROM unnest(t.log_key) n),
		ruvector.key_list(t, 'l'), ruvector.not_happened(a, 1))
		USING a, b;
END
$$;

COMMENT ON FUNCTION ruvector.changes_between(regclass, text, text, name) IS
	'the keys whose vectors differ between two points in time, and by how much';

CREATE FUNCTION ruvector.blame_(tracked_id integer, key text[])
RETURNS TABLE (dim integer, value real, version integer, at timestamptz, actor text, reason text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.dim::integer, c.value, c.version, c.at, c.actor, c.reason
	FROM (SELECT DISTINCT ON (d.dim) d.dim, d.value, d.version, d.at, d.actor, d.reason
		FROM (SELECT e.dim, e.value, h.version, h.at, h.actor, h.reason,
				lag(e.value) OVER w AS before, lag(h.version) OVER w AS before_version
			FROM ruvector.history_(tracked_id, key, NULL, NULL, NULL) h,
				LATERAL unnest(h.vector::real[]) WITH ORDINALITY e(value, dim)
			WHERE h.op <> 'fold'
			WINDOW w AS (PARTITION BY e.dim ORDER BY h.version)) d
		WHERE d.before IS NULL OR float4send(d.before) <> float4send(d.value)
		ORDER BY d.dim, d.version DESC) c
	ORDER BY c.dim
$$;

CREATE FUNCTION ruvector.blame(rel regclass, key "any", "column" name DEFAULT NULL)
RETURNS TABLE (dim integer, value real, version integer, at timestamptz, actor text, reason text)
	AS 'MODULE_PATHNAME', 'rvd_forward_set' LANGUAGE C STABLE;

COMMENT ON FUNCTION ruvector.blame(regclass, "any", name) IS
	'for each dimension, counted from 1, the version that gave it its value, and who and why';

-- going back: history is appended to, never cut

CREATE FUNCTION ruvector.restore_(tracked_id integer, key text[], version integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	n bigint;
	result integer;
	op "char";
BEGIN
	IF version IS NULL THEN
		RAISE EXCEPTION 'version must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT * INTO STRICT t FROM ruvector.tracked x WHERE x.id = tracked_id;
	EXECUTE format('SELECT l.op FROM %s l WHERE %s AND l.version = $2', t.log, ruvector.key_equals(t, 'l'))
		INTO op USING key, version;
	IF op = 'd' THEN
		RAISE EXCEPTION 'version % of key (%) is a deletion', version, array_to_string(key, ', ')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Delete the row, or choose another version.';
	END IF;
	EXECUTE format('UPDATE %s r SET %I = ruvector.get_at(%s::oid::regclass, %s, $2, %L) WHERE %s',
		t.rel, t."column", t.rel::oid,
		CASE cardinality(t.key) WHEN 1 THEN format('r.%I', t.key[1]) ELSE
			(SELECT format('ROW(%s)', string_agg(format('r.%I', k), ', ' ORDER BY o)) FROM unnest(t.key) WITH ORDINALITY u(k, o)) END,
		t."column",
		(SELECT string_agg(format('r.%I = ($1[%s])::%s', k, o, format_type(a.atttypid, a.atttypmod)), ' AND ')
			FROM unnest(t.key) WITH ORDINALITY u(k, o) JOIN pg_attribute a ON a.attrelid = t.rel AND a.attname = k))
		USING key, version;
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n = 0 THEN
		RAISE EXCEPTION 'table % has no row with key (%)', t.rel, array_to_string(key, ', ')
			USING ERRCODE = 'no_data_found', HINT = 'Insert the row again; its history goes on.';
	END IF;
	EXECUTE format('SELECT max(l.version) FROM %s l WHERE %s', t.log, ruvector.key_equals(t, 'l')) INTO result USING key;
	RETURN result;
END
$$;

CREATE FUNCTION ruvector.restore(rel regclass, key "any", version integer, "column" name DEFAULT NULL) RETURNS integer
	AS 'MODULE_PATHNAME', 'rvd_forward_integer' LANGUAGE C;

COMMENT ON FUNCTION ruvector.restore(regclass, "any", integer, name) IS
	'gives a row the vector of an earlier version, as a new version; returns its number';

CREATE FUNCTION ruvector.rollback_to(rel regclass, as_of text, "column" name DEFAULT NULL, dry_run boolean DEFAULT false)
RETURNS TABLE (restored bigint, not_there_then bigint, gone_now bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
	p ruvector.point := ruvector.check_reachable(t, ruvector.resolve(as_of));
BEGIN
	EXECUTE format($sql$
		CREATE TEMPORARY TABLE ruvector_rollback ON COMMIT DROP AS
		SELECT k.*, ruvector.get_at(%1$s::oid::regclass, %2$s, $1, %3$L) AS vector_then,
			ruvector.vector(%1$s::oid::regclass, %2$s, %3$L) AS vector_now,
			EXISTS (SELECT FROM %4$s r WHERE %5$s) AS is_there_now,
			coalesce((SELECT h.op <> 'd' FROM %7$s h WHERE %9$s AND ruvector.happened(h.era, h.xid, h.at, $1)
				ORDER BY h.version DESC LIMIT 1), false) AS was_there_then
		FROM (SELECT DISTINCT %6$s FROM %7$s l WHERE %8$s) k$sql$,
		t.rel::oid, ruvector.key_value(t, 'k'), t."column", t.rel, ruvector.key_matches(t, 'k'),
		ruvector.key_list(t, 'l'), t.log, ruvector.not_happened(p, 1),
		(SELECT string_agg(format('h.%I = k.%1$I', n), ' AND ') FROM unnest(t.log_key) n))
		USING p;
	DELETE FROM pg_temp.ruvector_rollback
	WHERE is_there_now AND was_there_then AND ruvector.content(vector_now) = ruvector.content(vector_then)
		OR NOT is_there_now AND NOT was_there_then;
	IF NOT dry_run THEN
		EXECUTE format('UPDATE %s r SET %I = k.vector_then FROM pg_temp.ruvector_rollback k
			WHERE %s AND k.was_there_then', t.rel, t."column", ruvector.key_matches(t, 'k'));
	END IF;
	RETURN QUERY SELECT count(*) FILTER (WHERE was_there_then AND is_there_now),
		count(*) FILTER (WHERE NOT was_there_then AND is_there_now), count(*) FILTER (WHERE NOT is_there_now)
		FROM pg_temp.ruvector_rollback;
	DROP TABLE pg_temp.ruvector_rollback;
END
$$;

COMMENT ON FUNCTION ruvector.rollback_to(regclass, text, name, boolean) IS
	'gives all rows of a table the vectors that they had at a point in time, as new versions; rows are neither made nor deleted';
