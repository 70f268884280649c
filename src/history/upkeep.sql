-- limits, retention, tags as tables, accounting

-- Every write keeps the limits; what lies beyond lowered ones is due at once
-- for whoever folds.
CREATE FUNCTION ruvector.set_limits(rel regclass, "column" name DEFAULT NULL, max_drift real DEFAULT NULL,
	max_chain integer DEFAULT NULL, max_age interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
	types text;
	beyond bigint;
BEGIN
	UPDATE ruvector.tracked x SET max_drift = coalesce(set_limits.max_drift, x.max_drift),
		max_chain = coalesce(set_limits.max_chain, x.max_chain), max_age = coalesce(set_limits.max_age, x.max_age)
	WHERE x.id = t.id RETURNING * INTO t;
	SELECT quote_ident(n.nspname) INTO types FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
		JOIN pg_namespace n ON n.oid = y.typnamespace WHERE a.attrelid = t.rel AND a.attname = t."column";
	EXECUTE format($sql$
		UPDATE %1$s p SET behind_since = '-infinity' FROM %2$s r
		WHERE %3$s AND p.behind_since > '-infinity' AND (
			(SELECT l.version - l.base FROM %4$s l WHERE %5$s ORDER BY l.version DESC LIMIT 1) >= $1
			OR r.%6$I OPERATOR(%7$s.<->) ruvector.vector(%8$s::oid::regclass, %9$s, %6$L) > $2 * %7$s.vector_norm(r.%6$I))$sql$,
		t.pending, t.rel, ruvector.key_matches(t, 'p'), t.log,
		(SELECT string_agg(format('l.%I = p.%1$I', n), ' AND ') FROM unnest(t.log_key) n),
		t."column", types, t.rel::oid, ruvector.key_value(t, 'p'))
		USING t.max_chain, t.max_drift;
	GET DIAGNOSTICS beyond = ROW_COUNT;
	RETURN beyond;
END
$$;

COMMENT ON FUNCTION ruvector.set_limits(regclass, name, real, integer, interval) IS
	'how far a lazy column may be behind; NULL leaves a limit as it is; returns how many rows the new ones exclude';

CREATE FUNCTION ruvector.set_retention(rel regclass, "column" name DEFAULT NULL, keep_age interval DEFAULT NULL,
	keep_versions integer DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
BEGIN
	UPDATE ruvector.tracked x SET keep_age = set_retention.keep_age, keep_versions = set_retention.keep_versions
	WHERE x.id = t.id;
END
$$;

COMMENT ON FUNCTION ruvector.set_retention(regclass, name, interval, integer) IS
	'how far back ruvector.compact must leave a column''s history: by age, by number of versions, or both; NULL both: for ever';

-- A point such that nothing at or after `horizon` can be asked for that it
-- has not happened before: the first tag that is kept, else now.
CREATE FUNCTION ruvector.first_kept_point(horizon timestamptz) RETURNS ruvector.point
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(
		(SELECT ROW(g.era, g.snapshot, g.at, 'tag ' || quote_ident(g.name))::ruvector.point
		FROM ruvector.tags g WHERE g.at >= horizon ORDER BY g.at LIMIT 1),
		ROW(ruvector.current_era(), pg_current_snapshot(), horizon, 'now')::ruvector.point)
$$;

-- What no point after this asks for may go: what was given a name is kept,
-- however old.
CREATE FUNCTION ruvector.compact_until(t ruvector.tracked) RETURNS timestamptz
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
	SELECT least(clock_timestamp() - coalesce(t.keep_age, interval '0'),
		(SELECT min(g.at) FROM ruvector.tags g WHERE NOT g.automatic AND g.at >= t.horizon))
$$;

-- Takes away versions that no point within the retention needs, of the keys
-- that `among` (a condition on log rows l) lets through.  The first one that
-- stays gets a keyframe if it has none: what is left of its chain begins there.
-- What a lazy column still builds on is not touched.
CREATE FUNCTION ruvector.compact_(t ruvector.tracked, until timestamptz, among text, budget integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	removed bigint;
BEGIN
	EXECUTE format($sql$
		WITH kept AS MATERIALIZED (
			SELECT * FROM (
				SELECT %1$s, max(l.version) FILTER (WHERE l.at <= $1 AND ruvector.happened(l.era, l.xid, l.at, $2)
						AND (l.era < ($2).era OR coalesce(ruvector.commit_time(l.xid), l.at) <= $1)
						AND l.version <= h.version - coalesce($3, 1) + 1 %8$s) AS first, min(l.version) AS oldest
				FROM %2$s l, LATERAL (SELECT h.version, h.base FROM %2$s h WHERE %3$s ORDER BY h.version DESC LIMIT 1) h
				WHERE %9$s
				GROUP BY %1$s) x
			WHERE x.first > x.oldest LIMIT $4),
		whole AS (
			UPDATE %2$s l SET keyframe = ruvector.whole(ruvector.get_at(%5$s::oid::regclass, %6$s, l.version, %7$L))
			FROM kept k WHERE %4$s AND l.version = k.first AND l.version <> l.base AND l.keyframe IS NULL)
		DELETE FROM %2$s l USING kept k WHERE %4$s AND l.version < k.first$sql$,
		ruvector.key_list(t, 'l'), t.log,
		(SELECT string_agg(format('h.%I = l.%1$I', n), ' AND ') FROM unnest(t.log_key) n),
		(SELECT string_agg(format('l.%I = k.%1$I', n), ' AND ') FROM unnest(t.log_key) n),
		t.rel::oid, ruvector.key_value(t, 'l'), t."column",
		CASE t.mode WHEN 'lazy' THEN 'AND l.version <= h.base' ELSE '' END, among)
		USING until, ruvector.first_kept_point(until), t.keep_versions, budget;
	GET DIAGNOSTICS removed = ROW_COUNT;
	IF removed > 0 THEN
		UPDATE ruvector.tracked x SET horizon = until WHERE x.id = t.id AND x.horizon < until;
	END IF;
	RETURN removed;
END
$$;

CREATE FUNCTION ruvector.compact(rel regclass, "column" name DEFAULT NULL, budget integer DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
BEGIN
	IF t.keep_age IS NULL AND t.keep_versions IS NULL THEN
		RETURN 0;
	END IF;
	RETURN ruvector.compact_(t, ruvector.compact_until(t), 'true', budget);
END
$$;

COMMENT ON FUNCTION ruvector.compact(regclass, name, integer) IS
	'removes versions that the retention no longer asks for, of at most `budget` keys; returns how many';

-- Nobody but the owner may read it where rows are hidden.
CREATE FUNCTION ruvector.materialize_tag(rel regclass, tag text, "column" name DEFAULT NULL, metric text DEFAULT 'l2')
RETURNS regclass LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.tracked_column(rel, "column");
	place record;
	name text;
	types text;
	opclass text := CASE metric WHEN 'l2' THEN 'vector_l2_ops' WHEN 'ip' THEN 'vector_ip_ops'
		WHEN 'cosine' THEN 'vector_cosine_ops' WHEN 'l1' THEN 'vector_l1_ops' END;
BEGIN
	IF NOT EXISTS (SELECT FROM ruvector.tags g WHERE g.name = tag) THEN
		RAISE EXCEPTION 'tag "%" does not exist', tag USING ERRCODE = 'undefined_object';
	ELSIF opclass IS NULL THEN
		RAISE EXCEPTION 'metric "%" is none of "l2", "ip", "cosine", "l1"', metric USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT n.nspname, c.relname, c.relrowsecurity, pg_get_userbyid(c.relowner) AS owner INTO place
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.rel;
	SELECT n.nspname INTO types FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
		JOIN pg_namespace n ON n.oid = y.typnamespace WHERE a.attrelid = t.rel AND a.attname = t."column";
	name := format('%I.%I', place.nspname, format('%s_%s_at_%s', place.relname, t."column", tag)::name);
	EXECUTE format('CREATE TABLE %s AS SELECT %s, ruvector.get_at(%s::oid::regclass, %s, $1, %L)::%s AS vector_then
		FROM (SELECT DISTINCT %s FROM %s l) k', name, ruvector.key_list(t, 'k'), t.rel::oid, ruvector.key_value(t, 'k'),
		t."column", (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = t.rel AND a.attname = t."column"),
		ruvector.key_list(t, 'l'), t.log)
		USING ruvector.check_reachable(t, ruvector.resolve(tag));
	EXECUTE format('DELETE FROM %s WHERE vector_then IS NULL', name);
	EXECUTE format('CREATE INDEX ON %s USING hnsw (vector_then %I.%I)', name, types, opclass);
	EXECUTE format('ALTER TABLE %s OWNER TO %I', name, place.owner);
	IF NOT place.relrowsecurity THEN
		PERFORM ruvector.grant_select(t.rel, name);
	END IF;
	INSERT INTO ruvector.materialized (tracked_id, tag, rel) VALUES (t.id, materialize_tag.tag, name::regclass);
	RETURN name::regclass;
END
$$;

COMMENT ON FUNCTION ruvector.materialize_tag(regclass, text, name, text) IS
	'a table with a column as it was at a tag, and its own index, which search_as_of then uses';

CREATE FUNCTION ruvector.history_report(rel regclass)
RETURNS TABLE ("column" name, mode text, keys bigint, versions bigint, log_bytes bigint, whole_bytes bigint, ratio numeric,
	mean_chain numeric, longest_chain integer, pending bigint, oldest_reachable timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
BEGIN
	FOR t IN SELECT * FROM ruvector.tracked x WHERE x.rel = history_report.rel ORDER BY x."column" LOOP
		-- a whole vector has 8 bytes and 4 a dimension; the rest of a row is the same
		RETURN QUERY EXECUTE format($sql$
			SELECT $1, $2, s.keys, s.versions, pg_total_relation_size(%1$L::regclass),
				pg_total_relation_size(%1$L::regclass) - s.delta_bytes + s.vector_bytes,
				round((pg_total_relation_size(%1$L::regclass) - s.delta_bytes + s.vector_bytes)::numeric
					/ greatest(pg_total_relation_size(%1$L::regclass), 1), 2),
				round(s.mean_chain, 1), s.longest_chain, (SELECT count(*) FROM %2$s), $3
			FROM (SELECT count(DISTINCT %3$s) AS keys, count(*) AS versions,
					coalesce(sum(pg_column_size(l.delta) + coalesce(pg_column_size(l.keyframe), 0)), 0) AS delta_bytes,
					coalesce(sum(8 + 4 * $4), 0) AS vector_bytes,
					avg(l.version - l.base + 1) AS mean_chain, max(l.version - l.base + 1) AS longest_chain
				FROM %1$s l) s$sql$, t.log, t.pending,
			CASE cardinality(t.log_key) WHEN 1 THEN ruvector.key_list(t, 'l') ELSE format('(%s)', ruvector.key_list(t, 'l')) END)
			USING t."column", t.mode, t.horizon, greatest(t.dims, 0);
	END LOOP;
END
$$;

COMMENT ON FUNCTION ruvector.history_report(regclass) IS
	'what the history of a table''s columns takes up, and what it would if every version were a whole vector';
