-- beginning and ending to track a column

-- The names that the log gives the columns of the key: their own, unless one
-- of the log's columns has that name.
CREATE FUNCTION ruvector.log_key_names(key name[]) RETURNS name[]
LANGUAGE sql IMMUTABLE RETURN (
	SELECT array_agg(CASE WHEN k = ANY ('{version,base,op,era,xid,at,content,delta,keyframe,actor,reason,ticket,behind_since}'::name[])
		THEN ('key_' || k)::name ELSE k END ORDER BY n)
	FROM unnest(key) WITH ORDINALITY u(k, n));

CREATE FUNCTION ruvector.primary_key(rel regclass) RETURNS name[]
LANGUAGE sql STABLE RETURN (
	SELECT array_agg(a.attname ORDER BY k.n)
	FROM pg_catalog.pg_index i, unnest(i.indkey::smallint[]) WITH ORDINALITY k(attnum, n),
		pg_catalog.pg_attribute a
	WHERE i.indrelid = rel AND i.indisprimary AND k.n <= i.indnkeyatts
		AND a.attrelid = i.indrelid AND a.attnum = k.attnum);

-- Everything that cannot be tracked is refused here, with the reason.
CREATE FUNCTION ruvector.check_trackable(rel regclass, col name, mode text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c record;
	key name[] := ruvector.primary_key(rel);
BEGIN
	SELECT relkind, relpersistence, relowner INTO c FROM pg_class WHERE oid = rel;
	IF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of table %', rel USING ERRCODE = 'insufficient_privilege';
	ELSIF c.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION '% is not a table', rel USING ERRCODE = 'wrong_object_type';
	ELSIF c.relpersistence = 't' THEN
		RAISE EXCEPTION 'temporary table % cannot be tracked', rel USING ERRCODE = 'feature_not_supported';
	ELSIF EXISTS (SELECT FROM pg_inherits i, pg_class p WHERE i.inhrelid = rel AND p.oid = i.inhparent) THEN
		RAISE EXCEPTION '% is a part of another table', rel USING ERRCODE = 'feature_not_supported',
			HINT = 'Track the table that it is a part of.';
	ELSIF c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = rel) THEN
		RAISE EXCEPTION 'table % has others that inherit from it', rel USING ERRCODE = 'feature_not_supported',
			DETAIL = 'Triggers would not see changes of their rows.';
	ELSIF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = rel AND a.attname = col AND NOT a.attisdropped
		AND a.atttypid = ruvector.vector_type()) THEN
		RAISE EXCEPTION 'table % has no column "%" of type vector', rel, col USING ERRCODE = 'undefined_column';
	ELSIF mode = 'lazy' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = rel AND a.attname = col AND a.attgenerated <> '') THEN
		RAISE EXCEPTION 'generated column "%" of table % cannot be lazy', col, rel USING ERRCODE = 'feature_not_supported';
	ELSIF key IS NULL THEN
		RAISE EXCEPTION 'table % has no primary key', rel USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Versions are kept by primary key: add one.';
	ELSIF cardinality(key) > 8 THEN
		RAISE EXCEPTION 'primary key of table % has more than 8 columns', rel USING ERRCODE = 'program_limit_exceeded';
	ELSIF mode IS NULL OR mode NOT IN ('eager', 'lazy') THEN
		RAISE EXCEPTION 'mode "%" is neither "eager" nor "lazy"', mode USING ERRCODE = 'invalid_parameter_value';
	ELSIF EXISTS (SELECT FROM ruvector.tracked t WHERE t.rel = check_trackable.rel AND t."column" = col) THEN
		RAISE EXCEPTION 'column "%" of table % is tracked already', col, rel USING ERRCODE = 'duplicate_object';
	END IF;
END
$$;

-- The log, and for lazy columns the keys whose column is behind it.
CREATE FUNCTION ruvector.create_log(rel regclass, col name, key name[], log_key name[], log text, pending text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	types text := (SELECT nspname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
		JOIN pg_namespace n ON n.oid = t.typnamespace WHERE a.attrelid = rel AND a.attname = col);
	unlogged text := (SELECT CASE relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE '' END FROM pg_class WHERE oid = rel);
	columns text;
	keys text;
BEGIN
	SELECT string_agg(format('%I %s%s NOT NULL', l.name, format_type(a.atttypid, a.atttypmod),
			CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %I.%I', n.nspname, c.collname) ELSE '' END),
			', ' ORDER BY k.n),
		string_agg(quote_ident(l.name), ', ' ORDER BY k.n)
	INTO columns, keys
	FROM unnest(key) WITH ORDINALITY k(name, n)
		JOIN unnest(log_key) WITH ORDINALITY l(name, n) USING (n)
		JOIN pg_attribute a ON a.attrelid = rel AND a.attname = k.name
		JOIN pg_type t ON t.oid = a.atttypid
		LEFT JOIN pg_collation c ON c.oid = a.attcollation
		LEFT JOIN pg_namespace n ON n.oid = c.collnamespace;
	EXECUTE format('CREATE %s TABLE %s (%s,
		xid xid8 NOT NULL, at timestamptz NOT NULL, content bigint NOT NULL,
		version integer NOT NULL, base integer NOT NULL, era smallint NOT NULL, op "char" NOT NULL,
		delta %I.deltavec NOT NULL, keyframe %I.deltavec,
		actor text, reason text, ticket text,
		PRIMARY KEY (%s, version))', unlogged, log, columns, types, types, keys);
	EXECUTE format('CREATE INDEX ON %s USING brin (era, xid ruvector.xid8_minmax_ops, at)
		WITH (pages_per_range = 8, autosummarize = on)', log);
	EXECUTE format('CREATE %s TABLE %s (%s, behind_since timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (%s))',
		unlogged, pending, columns, keys);
END
$$;

-- Who may read the table may read its log; rows that a policy hides are
-- hidden there, too, and so is what was deleted.
-- Policies of the log and of what is pending: the table is asked.
CREATE FUNCTION ruvector.protect_log(rel regclass, key name[], log_key name[], VARIADIC tables regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT oid::regclass AS name, relname FROM pg_class WHERE oid = ANY (tables) AND NOT relrowsecurity LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', c.name);
		EXECUTE format('CREATE POLICY as_the_table ON %s FOR SELECT USING (EXISTS (SELECT FROM %s r WHERE %s))', c.name, rel,
			(SELECT string_agg(format('r.%I = %I.%I', k.name, c.relname, l.name), ' AND ')
				FROM unnest(key) WITH ORDINALITY k(name, n) JOIN unnest(log_key) WITH ORDINALITY l(name, n) USING (n)));
	END LOOP;
END
$$;

-- Gives SELECT on what stands beside a table to whom has it on the table.
CREATE FUNCTION ruvector.grant_select(rel regclass, VARIADIC others text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	g record;
BEGIN
	FOR g IN SELECT DISTINCT a.grantee, r.rolname
		FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
		WHERE c.oid = rel AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
	LOOP
		EXECUTE format('GRANT SELECT ON %s TO %s', array_to_string(others, ', '),
			CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END);
	END LOOP;
END
$$;

CREATE FUNCTION ruvector.grant_log(rel regclass, key name[], log_key name[], log text, pending text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c record;
	owner text;
BEGIN
	SELECT relowner, relrowsecurity INTO c FROM pg_class WHERE oid = rel;
	owner := pg_get_userbyid(c.relowner);
	EXECUTE format('ALTER TABLE %s OWNER TO %I', log, owner);
	EXECUTE format('ALTER TABLE %s OWNER TO %I', pending, owner);
	PERFORM ruvector.grant_select(rel, log, pending);
	IF c.relrowsecurity THEN
		PERFORM ruvector.protect_log(rel, key, log_key, log::regclass, pending::regclass);
	END IF;
END
$$;

-- AFTER triggers fire before everybody else's, so that changes are seen in
-- their order even where other triggers make more; the BEFORE trigger fires
-- last, to see what those made of the row.
CREATE FUNCTION ruvector.create_triggers(rel regclass, col name, tracked_id integer, mode text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	is_partitioned boolean := (SELECT relkind = 'p' FROM pg_class WHERE oid = rel);
	name text := format('00_ruvector_%s_', tracked_id);
BEGIN
	EXECUTE format('CREATE TRIGGER %I AFTER UPDATE OR DELETE%s ON %s FOR EACH ROW
		EXECUTE FUNCTION ruvector.capture(%L)', name || 'row', CASE WHEN is_partitioned THEN ' OR INSERT' ELSE '' END,
		rel, tracked_id);
	IF NOT is_partitioned THEN
		EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS ruvector_inserted
			FOR EACH STATEMENT EXECUTE FUNCTION ruvector.capture(%L)', name || 'insert', rel, tracked_id);
	END IF;
	EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT
		EXECUTE FUNCTION ruvector.capture(%L)', name || 'truncate', rel, tracked_id);
	IF mode = 'lazy' THEN
		EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW
			EXECUTE FUNCTION ruvector.capture(%L)', format('zz_ruvector_%s_lazy', tracked_id), rel, tracked_id);
	END IF;
END
$$;

-- Against writers, and others who track.
CREATE FUNCTION ruvector.lock_table(rel regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class WHERE oid = rel) THEN
		RAISE EXCEPTION 'there is no table "%"', rel USING ERRCODE = 'undefined_table';
	END IF;
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', rel);
END
$$;

CREATE FUNCTION ruvector.track(rel regclass, "column" name, mode text DEFAULT 'eager',
	max_drift real DEFAULT 0.5, max_chain integer DEFAULT 64, max_age interval DEFAULT '5 minutes')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key name[] := ruvector.primary_key(rel);
	log_key name[] := ruvector.log_key_names(key);
	place record;
	log text;
	pending text;
	tracked_id integer;
	moment timestamptz;
BEGIN
	PERFORM ruvector.lock_table(rel);
	PERFORM ruvector.check_trackable(rel, "column", mode);
	SELECT n.nspname, c.relname INTO place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = rel;
	log := format('%I.%I', place.nspname, format('%s_%s_log', place.relname, "column")::name);
	pending := format('%I.%I', place.nspname, format('%s_%s_pending', place.relname, "column")::name);
	IF to_regclass(log) IS NOT NULL OR to_regclass(pending) IS NOT NULL THEN
		RAISE EXCEPTION 'table % exists', coalesce(to_regclass(log), to_regclass(pending)) USING ERRCODE = 'duplicate_table',
			HINT = 'It may be the history of a column that was tracked before: rename or drop it.';
	END IF;
	PERFORM ruvector.create_log(rel, "column", key, log_key, log, pending);
	PERFORM ruvector.grant_log(rel, key, log_key, log, pending);
	moment := clock_timestamp();
	EXECUTE format('INSERT INTO %s (%s, version, base, op, era, content, delta, actor, reason, ticket, xid, at)
		SELECT %s, 1, 1, ''b'', $1, ruvector.content(%I), ruvector.whole(%I),
			coalesce(nullif(current_setting(''ruvector.actor'', true), ''''), current_user),
			nullif(current_setting(''ruvector.reason'', true), ''''), nullif(current_setting(''ruvector.ticket'', true), ''''),
			pg_current_xact_id(), $2
		FROM %s', log, (SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(log_key) WITH ORDINALITY u(k, n)),
		(SELECT string_agg(quote_ident(k), ', ' ORDER BY n) FROM unnest(key) WITH ORDINALITY u(k, n)),
		"column", "column", rel)
		USING ruvector.current_era(), moment;
	INSERT INTO ruvector.tracked AS t (rel, "column", key, log_key, mode, log, pending, max_drift, max_chain, max_age,
		dims, since, horizon, rel_oid, numbers)
	SELECT track.rel, track."column", key, log_key, track.mode, log::regclass, pending::regclass,
		track.max_drift, track.max_chain, track.max_age,
		(SELECT a.atttypmod FROM pg_attribute a WHERE a.attrelid = track.rel AND a.attname = track."column"),
		moment, moment, track.rel,
		(SELECT array_agg(a.attnum ORDER BY u.n) FROM unnest(track."column" || key) WITH ORDINALITY u(k, n)
			JOIN pg_attribute a ON a.attrelid = track.rel AND a.attname = u.k)
	RETURNING t.id INTO tracked_id;
	PERFORM ruvector.create_triggers(rel, "column", tracked_id, mode);
	PERFORM ruvector.create_as_of(tracked_id);
	PERFORM ruvector.create_current(rel);
END
$$;

COMMENT ON FUNCTION ruvector.track(regclass, name, text, real, integer, interval) IS
	'from now on every change of a table''s vector column is kept';

CREATE FUNCTION ruvector.untrack(rel regclass, "column" name, keep_history boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t record;
	trigger record;
BEGIN
	PERFORM ruvector.lock_table(rel);
	SELECT * INTO t FROM ruvector.tracked x WHERE x.rel = untrack.rel AND x."column" = untrack."column";
	IF NOT FOUND THEN
		RAISE EXCEPTION 'column "%" of table % is not tracked', "column", rel USING ERRCODE = 'undefined_object';
	END IF;
	PERFORM ruvector.fold_all(rel, "column");
	FOR trigger IN SELECT tgname FROM pg_trigger WHERE tgrelid = rel AND tgparentid = 0
		AND tgfoid = 'ruvector.capture()'::regprocedure AND tgargs = convert_to(t.id::text, 'UTF8') || '\x00'
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trigger.tgname, rel);
	END LOOP;
	PERFORM ruvector.drop_as_of(t.id);
	DELETE FROM ruvector.tracked x WHERE x.id = t.id;
	PERFORM ruvector.create_current(rel);
	EXECUTE format('DROP TABLE %s', t.pending);
	IF NOT keep_history THEN
		EXECUTE format('DROP TABLE %s', t.log);
	END IF;
END
$$;

COMMENT ON FUNCTION ruvector.untrack(regclass, name, boolean) IS
	'ends tracking; the log stays as an ordinary table unless told otherwise';

CREATE FUNCTION ruvector.fold_all(rel regclass, "column" name DEFAULT NULL, at_most bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	folded bigint := 0;
	n bigint;
BEGIN
	FOR t IN SELECT * FROM ruvector.tracked x WHERE x.rel = fold_all.rel
		AND (fold_all."column" IS NULL OR x."column" = fold_all."column") AND x.mode = 'lazy'
	LOOP
		-- in the order of keys, so that two of these do not wait for each other
		EXECUTE format('SELECT count(*) FROM (SELECT ruvector.fold(%L::regclass, %s, %L) AS f
				FROM (SELECT * FROM %s p ORDER BY %s LIMIT %s) p) x WHERE f',
			rel::oid, ruvector.key_value(t, 'p'), t."column", t.pending, ruvector.key_list(t, 'p'),
			coalesce(at_most::text, 'ALL')) INTO n;
		folded := folded + n;
	END LOOP;
	RETURN folded;
END
$$;

COMMENT ON FUNCTION ruvector.fold_all(regclass, name, bigint) IS
	'brings the rows of lazy columns up to date; returns how many were behind';
