-- what stands beside a tracked table, and what happens when that is altered

-- The rows of a column's past, as a set of records (keys, vector, version, at).
CREATE FUNCTION ruvector.as_of_(tracked_id integer, point ruvector.point) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
BEGIN
	SELECT * INTO t FROM ruvector.tracked x WHERE x.id = tracked_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the column that this function shows is no longer tracked' USING ERRCODE = 'undefined_object';
	END IF;
	RETURN QUERY EXECUTE format($sql$
		SELECT %1$s, ruvector.get_at(%2$s::oid::regclass, %3$s, h.version, %4$L)::%7$s, h.version, h.at
		FROM (SELECT DISTINCT ON (%5$s) l.* FROM %6$s l WHERE ruvector.happened(l.era, l.xid, l.at, $1)
			ORDER BY %5$s, l.version DESC) h
		WHERE h.op <> 'd'$sql$,
		ruvector.key_list(t, 'h'), t.rel::oid, ruvector.key_value(t, 'h'), t."column", ruvector.key_list(t, 'l'), t.log,
		(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = t.rel AND a.attname = t."column"))
		USING ruvector.check_reachable(t, point);
END
$$;

-- <table>_as_of(text), or <table>_<column>_as_of where that name is taken.
CREATE FUNCTION ruvector.create_as_of(tracked_id integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	place record;
	columns text;
	body text;
	name name;
BEGIN
	SELECT * INTO STRICT t FROM ruvector.tracked x WHERE x.id = tracked_id;
	SELECT n.oid AS schema, n.nspname, c.relname, pg_get_userbyid(c.relowner) AS owner INTO place
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.rel;
	name := format('%s_as_of', place.relname);
	IF EXISTS (SELECT FROM pg_proc WHERE proname = name AND pronamespace = place.schema) THEN
		name := format('%s_%s_as_of', place.relname, t."column");
	END IF;
	SELECT string_agg(format('%I %s', CASE WHEN k.name IN ('as_of', 'since', 'since_version') THEN 'key_' ELSE '' END || k.name,
		format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY k.n) INTO columns
	FROM unnest(t.key || t."column") WITH ORDINALITY k(name, n)
		JOIN pg_attribute a ON a.attrelid = t.rel AND a.attname = k.name;
	body := format('SELECT * FROM ruvector.as_of_(%s, ruvector.resolve($1)) AS r(%s, since_version integer, since timestamptz)',
		tracked_id, columns);
	EXECUTE format($sql$
		CREATE FUNCTION %1$I.%2$I(as_of text) RETURNS TABLE (%3$s, since_version integer, since timestamptz)
		LANGUAGE sql STABLE AS %4$L$sql$, place.nspname, name, columns, body);
	EXECUTE format($sql$
		CREATE FUNCTION %1$I.%2$I(as_of timestamptz) RETURNS TABLE (%3$s, since_version integer, since timestamptz)
		LANGUAGE sql STABLE AS %4$L$sql$, place.nspname, name, columns, body);
	EXECUTE format('ALTER FUNCTION %I.%I(text) OWNER TO %I', place.nspname, name, place.owner);
	EXECUTE format('ALTER FUNCTION %I.%I(timestamptz) OWNER TO %I', place.nspname, name, place.owner);
	UPDATE ruvector.tracked x SET as_of = name WHERE x.id = tracked_id;
END
$$;

-- They are known by what they do: table and schema may have other names now.
CREATE FUNCTION ruvector.drop_as_of(tracked_id integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT p.oid::regprocedure AS signature FROM ruvector.tracked t
		JOIN pg_proc p ON p.proname = t.as_of AND pg_has_role(current_user, p.proowner, 'USAGE')
			AND starts_with(p.prosrc, format('SELECT * FROM ruvector.as_of_(%s, ruvector.resolve($1))', tracked_id))
		WHERE t.id = tracked_id
	LOOP
		EXECUTE format('DROP FUNCTION %s', f.signature);
	END LOOP;
END
$$;

-- The view that create_current made, whatever it is called now.
CREATE FUNCTION ruvector.current_view(rel regclass) RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT v.oid::regclass
	FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
	WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = rel
		AND v.relowner = (SELECT c.relowner FROM pg_class c WHERE c.oid = rel)
		AND obj_description(v.oid, 'pg_class') = 'made by ruvector.track'
	LIMIT 1
$$;

-- <table>_current: the table with the truth in its lazy columns; only where
-- there are any.
CREATE FUNCTION ruvector.create_current(rel regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	place record;
	columns text;
	view text := ruvector.current_view(rel);
BEGIN
	SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) AS owner INTO place
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = create_current.rel;
	IF NOT EXISTS (SELECT FROM ruvector.tracked t WHERE t.rel = create_current.rel AND t.mode = 'lazy') THEN
		IF view IS NOT NULL THEN
			EXECUTE format('DROP VIEW %s', view);
		END IF;
		RETURN;
	END IF;
	IF view IS NULL THEN
		view := format('%I.%I', place.nspname, (place.relname || '_current')::name);
		IF to_regclass(view) IS NOT NULL THEN
			RAISE EXCEPTION 'relation % exists', view USING ERRCODE = 'duplicate_table',
				HINT = 'A lazy column needs that name for its view: rename or drop it.';
		END IF;
	END IF;
	SELECT string_agg(CASE WHEN t.id IS NULL THEN format('r.%I', a.attname)
		ELSE format('ruvector.vector_of(%s, %s)::%s AS %I', t.id,
			CASE cardinality(t.key) WHEN 1 THEN format('r.%I', t.key[1])
				ELSE (SELECT format('ROW(%s)', string_agg(format('r.%I', k), ', ' ORDER BY n))
					FROM unnest(t.key) WITH ORDINALITY u(k, n)) END,
			format_type(a.atttypid, a.atttypmod), a.attname) END, ', ' ORDER BY a.attnum)
	INTO columns
	FROM pg_attribute a LEFT JOIN ruvector.tracked t ON t.rel = a.attrelid AND t."column" = a.attname AND t.mode = 'lazy'
	WHERE a.attrelid = create_current.rel AND a.attnum > 0 AND NOT a.attisdropped;
	EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_invoker = on) AS SELECT %s FROM %s r', view, columns, create_current.rel);
	EXECUTE format('ALTER VIEW %s OWNER TO %I', view, place.owner);
	PERFORM ruvector.grant_select(rel, view);
	EXECUTE format('COMMENT ON VIEW %s IS %L', view, 'made by ruvector.track');
END
$$;

-- ALTER TABLE: names, owner and row security follow; what would make the log's contents untrue is
-- refused.  Column numbers hold until a dump is restored; then rel_oid differs.
CREATE FUNCTION ruvector.follow_rights(rel regclass, log regclass, pending regclass, key name[], log_key name[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c record;
	other record;
BEGIN
	SELECT relowner, relrowsecurity INTO c FROM pg_class WHERE oid = rel;
	FOR other IN SELECT oid::regclass AS name FROM pg_class WHERE oid IN (log, pending) AND relowner <> c.relowner LOOP
		EXECUTE format('ALTER TABLE %s OWNER TO %I', other.name, pg_get_userbyid(c.relowner));
	END LOOP;
	IF c.relrowsecurity THEN
		PERFORM ruvector.protect_log(rel, key, log_key, log, pending);
	END IF;
END
$$;

CREATE FUNCTION ruvector.follow_alter() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
	names name[];
	log_dims integer;
	is_vector boolean;
BEGIN
	FOR t IN SELECT x.* FROM ruvector.tracked x
		WHERE x.rel_oid = x.rel AND x.rel IN (SELECT c.objid FROM pg_event_trigger_ddl_commands() c WHERE c.classid = 'pg_class'::regclass)
	LOOP
		SELECT array_agg(a.attname ORDER BY u.n) INTO names
		FROM unnest(t.numbers) WITH ORDINALITY u(number, n) JOIN pg_attribute a ON a.attrelid = t.rel AND a.attnum = u.number;
		IF names IS DISTINCT FROM t."column" || t.key THEN
			UPDATE ruvector.tracked x SET "column" = names[1], key = names[2:] WHERE x.id = t.id;
		END IF;
		PERFORM ruvector.follow_rights(t.rel, t.log, t.pending, names[2:], t.log_key);
		SELECT a.atttypid = ruvector.vector_type(), a.atttypmod INTO is_vector, log_dims
		FROM pg_attribute a WHERE a.attrelid = t.rel AND a.attname = names[1];
		IF NOT is_vector OR log_dims IS DISTINCT FROM t.dims THEN
			RAISE EXCEPTION 'type of column "%" of table % cannot be changed while it is tracked', names[1], t.rel
				USING ERRCODE = 'feature_not_supported', HINT = 'Use ruvector.untrack, alter, and track it again.';
		END IF;
		IF EXISTS (SELECT FROM unnest(names[2:], t.log_key) u(k, l)
			JOIN pg_attribute a ON a.attrelid = t.rel AND a.attname = k
			JOIN pg_attribute b ON b.attrelid = t.log AND b.attname = l WHERE a.atttypid <> b.atttypid)
			OR ruvector.primary_key(t.rel) IS DISTINCT FROM names[2:] THEN
			RAISE EXCEPTION 'primary key of table % cannot be changed while column "%" is tracked', t.rel, names[1]
				USING ERRCODE = 'feature_not_supported', HINT = 'Use ruvector.untrack, alter, and track it again.';
		END IF;
	END LOOP;
END
$$;

CREATE FUNCTION ruvector.follow_drop() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ruvector.tracked;
BEGIN
	IF to_regclass('ruvector.tracked') IS NULL THEN
		RETURN;
	END IF;
	FOR t IN SELECT x.* FROM ruvector.tracked x JOIN pg_event_trigger_dropped_objects() d
		ON d.classid = 'pg_class'::regclass AND d.objid = x.rel AND x.rel_oid = x.rel AND d.objsubid = ANY (x.numbers)
	LOOP
		RAISE EXCEPTION 'column "%" of table % is tracked, or belongs to its key', t."column", t.rel
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Use ruvector.untrack first.';
	END LOOP;
	-- the log stays: it is what tells of the table
	FOR t IN SELECT x.* FROM ruvector.tracked x JOIN pg_event_trigger_dropped_objects() d
		ON d.classid = 'pg_class'::regclass AND d.objid = x.rel AND d.objsubid = 0
	LOOP
		PERFORM ruvector.drop_as_of(t.id);
		DELETE FROM ruvector.tracked x WHERE x.id = t.id;
	END LOOP;
	FOR t IN SELECT x.* FROM ruvector.tracked x JOIN pg_event_trigger_dropped_objects() d
		ON d.classid = 'pg_class'::regclass AND d.objid IN (x.log, x.pending) AND d.objsubid = 0
	LOOP
		RAISE EXCEPTION 'column "%" of table % is tracked and needs that table', t."column", t.rel
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Use ruvector.untrack first.';
	END LOOP;
	DELETE FROM ruvector.materialized m USING pg_event_trigger_dropped_objects() d
	WHERE d.classid = 'pg_class'::regclass AND d.objid = m.rel AND d.objsubid = 0;
END
$$;

CREATE EVENT TRIGGER ruvector_follow_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
	EXECUTE FUNCTION ruvector.follow_alter();
CREATE EVENT TRIGGER ruvector_follow_drop ON sql_drop EXECUTE FUNCTION ruvector.follow_drop();
