-- background work

-- A job NAME has two functions, which run as the owner of a target:
-- NAME_items(target, after, at_most) lists what is to be done, behind the item
-- `after` in an order of its own; NAME_item(target, item) does one of it, in a
-- transaction of its own, and returns how much that was.

CREATE FUNCTION ruvector.worker_targets(job text) RETURNS TABLE (id bigint, owner oid, target text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF job = 'repair' THEN
		RETURN QUERY SELECT i.indexrelid::bigint, c.relowner, i.indexrelid::regclass::text
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
			WHERE a.amname = 'hnsw' AND i.indisvalid AND c.relkind = 'i' AND c.relpersistence <> 't';
		RETURN;
	END IF;
	RETURN QUERY SELECT t.id::bigint, c.relowner, format('%s.%I', t.rel, t."column")
		FROM ruvector.tracked t JOIN pg_class c ON c.oid = t.rel
		WHERE CASE job WHEN 'checkpoint' THEN t.mode = 'lazy'
			WHEN 'compact' THEN t.keep_age IS NOT NULL OR t.keep_versions IS NOT NULL
			ELSE job = 'tag' END;
	IF job = 'tag' THEN
		-- to be cleared away; whoever owns the table may
		RETURN QUERY SELECT 0::bigint, c.relowner, 'outdated tags' FROM pg_class c WHERE c.oid = 'ruvector.tags'::regclass;
	END IF;
END
$$;

-- The entry says which tables belong to a column; what it says is acted on
-- with the rights of the table's owner, so they must be that owner's.
CREATE FUNCTION ruvector.worker_column(id bigint) RETURNS ruvector.tracked
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	wrong regclass;
BEGIN
	SELECT * INTO t FROM ruvector.tracked x WHERE x.id = worker_column.id;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT o INTO wrong FROM unnest(ARRAY[t.log, t.pending]) o
	WHERE NOT EXISTS (SELECT FROM pg_class c, pg_class r
		WHERE c.oid = o AND r.oid = t.rel AND c.relowner = r.relowner AND c.relkind = 'r');
	IF FOUND THEN
		RAISE EXCEPTION 'table % does not belong to the owner of table %', wrong, t.rel
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Use ALTER TABLE ... OWNER TO.';
	END IF;
	RETURN t;
END
$$;

-- checkpoint: an item is a key that is behind for longer than max_age.  Chains
-- and drift are bounded by every write itself.

CREATE FUNCTION ruvector.checkpoint_items(id bigint, after text[], at_most integer) RETURNS SETOF text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET datestyle = iso SET intervalstyle = postgres SET extra_float_digits = 1 AS $$
DECLARE
	t ruvector.tracked := ruvector.worker_column(id);
BEGIN
	IF t.id IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format($sql$
		SELECT p.behind_since::text || x.key
		FROM %s p, LATERAL (SELECT ARRAY[%s]) x(key)
		WHERE p.behind_since <= clock_timestamp() - $1
			AND ($2 IS NULL OR (p.behind_since, x.key) > ($2[1]::timestamptz, $2[2:]))
		ORDER BY p.behind_since, x.key LIMIT $3$sql$, t.pending,
		(SELECT string_agg(format('p.%I::text', k), ', ' ORDER BY n) FROM unnest(t.log_key) WITH ORDINALITY u(k, n)))
		USING t.max_age, after, at_most;
END
$$;

CREATE FUNCTION ruvector.checkpoint_item(id bigint, item text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked := ruvector.worker_column(id);
	key text;
	was_behind boolean;
BEGIN
	IF t.id IS NULL THEN
		RETURN 0;
	END IF;
	SELECT string_agg(format('($1[%s])::%s', n, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY n) INTO key
	FROM unnest(t.log_key) WITH ORDINALITY u(k, n) JOIN pg_attribute a ON a.attrelid = t.log AND a.attname = k;
	IF cardinality(t.log_key) > 1 THEN
		key := format('ROW(%s)', key);
	END IF;
	BEGIN
		EXECUTE format('SELECT ruvector.fold(%s::oid::regclass, %s, %L)', t.rel::oid, key, t."column")
			INTO was_behind USING item[2:];
	EXCEPTION WHEN no_data_found THEN
		-- deleted since it was listed; or past the triggers, and then the entry is left
		EXECUTE format('DELETE FROM %s l WHERE %s', t.pending, ruvector.key_equals(t, 'l')) USING item[2:];
		was_behind := false;
	END;
	RETURN was_behind::integer;
END
$$;

-- tag: where something was written that the last tag does not see; a fold
-- changes no vector

CREATE FUNCTION ruvector.tag_items(id bigint, after text[], at_most integer) RETURNS SETOF text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	last record;
	is_news boolean;
BEGIN
	IF after IS NOT NULL THEN
		RETURN;
	ELSIF id = 0 THEN
		RETURN QUERY SELECT ARRAY['outdated'] WHERE EXISTS (SELECT FROM ruvector.outdated_tags());
		RETURN;
	END IF;
	t := ruvector.worker_column(id);
	IF t.id IS NULL THEN
		RETURN;
	END IF;
	SELECT g.era, g.snapshot, g.at INTO last FROM ruvector.tags g ORDER BY g.at DESC LIMIT 1;
	IF NOT FOUND OR last.era <> ruvector.current_era() THEN
		EXECUTE format('SELECT EXISTS (SELECT FROM %s)', t.log) INTO is_news;
	ELSIF last.snapshot::text = pg_current_snapshot()::text THEN
		RETURN;
	ELSE
		EXECUTE format('SELECT EXISTS (SELECT FROM %s l WHERE l.op <> ''f'' AND %s)', t.log,
			ruvector.not_happened(ROW(last.era, last.snapshot, last.at, 'tag')::ruvector.point, 1))
			INTO is_news USING ROW(last.era, last.snapshot, last.at, 'tag')::ruvector.point;
	END IF;
	IF is_news THEN
		RETURN NEXT ARRAY['tag'];
	END IF;
END
$$;

CREATE FUNCTION ruvector.tag_item(id bigint, item text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint;
BEGIN
	IF id = 0 THEN
		DELETE FROM ruvector.tags g WHERE g.name IN (SELECT o.name FROM ruvector.outdated_tags() o);
	ELSE
		INSERT INTO ruvector.tags (name, at, era, snapshot, automatic)
		VALUES (to_char(clock_timestamp() AT TIME ZONE 'UTC', '"auto-"YYYYMMDD"T"HH24MISS.US"Z"'),
			clock_timestamp(), ruvector.current_era(), ruvector.committed_snapshot(), true);
	END IF;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;

-- A tag that stands as a table is in use.
CREATE FUNCTION ruvector.outdated_tags() RETURNS TABLE (name text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT g.name FROM ruvector.tags g
	WHERE g.automatic
		AND g.at < clock_timestamp()
			- (SELECT make_interval(secs => s.setting::float8) FROM pg_settings s WHERE s.name = 'ruvector.tag_retention'
				AND s.setting::float8 > 0)
		AND NOT EXISTS (SELECT FROM ruvector.materialized m WHERE m.tag = g.name)
	ORDER BY g.at LIMIT 1000
$$;

-- compact: an item is some blocks of the log, and until when

CREATE FUNCTION ruvector.compact_items(id bigint, after text[], at_most integer) RETURNS SETOF text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET datestyle = iso AS $$
DECLARE
	t ruvector.tracked := ruvector.worker_column(id);
	until timestamptz;
BEGIN
	IF t.id IS NULL OR t.keep_age IS NULL AND t.keep_versions IS NULL THEN
		RETURN;
	END IF;
	until := coalesce(after[3]::timestamptz, ruvector.compact_until(t));
	RETURN QUERY SELECT ARRAY[b::text, (b + 32)::text, until::text]
		FROM generate_series(coalesce(after[2]::bigint, 0),
			pg_relation_size(t.log) / current_setting('block_size')::bigint - 1, 32) b
		LIMIT at_most;
END
$$;

-- The versions of a key are found by the log's primary key.
CREATE FUNCTION ruvector.compact_item(id bigint, item text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET datestyle = iso
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	t ruvector.tracked := ruvector.worker_column(id);
BEGIN
	IF t.id IS NULL OR t.keep_age IS NULL AND t.keep_versions IS NULL THEN
		RETURN 0;
	END IF;
	RETURN ruvector.compact_(t, item[3]::timestamptz,
		format('(%s) IN (SELECT %s FROM %s c WHERE c.ctid >= %L AND c.ctid < %L AND c.at <= $1)',
			ruvector.key_list(t, 'l'), ruvector.key_list(t, 'c'), t.log,
			format('(%s,0)', item[1]), format('(%s,0)', item[2])), NULL);
END
$$;

-- repair: an item is the worst nodes of an index, so many that vacuum, which
-- waits for it, waits for seconds

CREATE FUNCTION ruvector.repair_items(id bigint, after text[], at_most integer) RETURNS SETOF text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT ARRAY['worst'] FROM pg_class c WHERE c.oid = id::oid AND after IS NULL
$$;

CREATE FUNCTION ruvector.repair_item(id bigint, item text[]) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.moved + r.relinked + r.tied FROM ruvector.index_repair(id::oid::regclass, 5000) r
$$;

CREATE FUNCTION ruvector.run_worker(job text, budget integer DEFAULT NULL)
RETURNS TABLE (target text, items bigint, done bigint, failed bigint, error text)
	AS 'MODULE_PATHNAME', 'rvd_run_worker' LANGUAGE C;

COMMENT ON FUNCTION ruvector.run_worker(text, integer) IS
	'does a background job ("checkpoint", "tag", "compact", "repair") here and now, for the tables that the caller owns';

CREATE FUNCTION ruvector.worker_status_()
RETURNS TABLE (database_oid oid, job text, pid integer, state text, started timestamptz, last_run timestamptz, runs bigint,
	done bigint, failed bigint, last_error text, failed_at timestamptz, next_due timestamptz)
	AS 'MODULE_PATHNAME', 'rvd_worker_status' LANGUAGE C STRICT;

CREATE VIEW ruvector.worker_status AS
	SELECT d.datname AS database, s.job, s.pid, s.state, s.started, s.last_run, s.runs, s.done, s.failed, s.last_error,
		s.failed_at, s.next_due
	FROM ruvector.worker_status_() s LEFT JOIN pg_catalog.pg_database d ON d.oid = s.database_oid
	WHERE s.database_oid IS NULL OR d.oid IS NOT NULL;

COMMENT ON VIEW ruvector.worker_status IS 'background workers and their jobs; empty unless the library is preloaded';

GRANT SELECT ON ruvector.worker_status TO PUBLIC;
