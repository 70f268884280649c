-- What the tests of history share; included by sql/history_*.sql.
--
-- pg_temp.faults asks the log itself, by folding its deltas with an aggregate
-- of SQL, and not the functions that the tests are about.

\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;

-- what a statement fails with, or its result
CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	IF statement ~ '^(SELECT|TABLE) ' THEN
		EXECUTE statement INTO answer;
	ELSE
		EXECUTE statement;
	END IF;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	answer := concat_ws(' / ', answer, nullif(detail, ''), nullif(hint, ''));
END $$;

CREATE AGGREGATE pg_temp.folded(deltavec) (sfunc = delta_apply, stype = vector);

-- Invariants of src/history/README.md that a tracked column breaks.
CREATE FUNCTION pg_temp.faults(tracked_table regclass, tracked_column name DEFAULT NULL)
RETURNS TABLE (fault text, key text, version integer) LANGUAGE plpgsql AS $$
DECLARE
	t ruvector.tracked;
	keys text;
	same_key text;
	row_key text;
BEGIN
	SELECT * INTO STRICT t FROM ruvector.tracked x
	WHERE x.rel = tracked_table AND (tracked_column IS NULL OR x."column" = tracked_column);
	SELECT string_agg(format('l.%I', k), ', '), string_agg(format('p.%I = l.%1$I', k), ' AND ')
	INTO keys, same_key FROM unnest(t.log_key) k;
	SELECT string_agg(format('r.%I = l.%I', a, b), ' AND ') INTO row_key FROM unnest(t.key, t.log_key) u(a, b);
	EXECUTE format($sql$
		CREATE TEMPORARY TABLE seen AS
		SELECT l.*, pg_temp.folded(CASE WHEN before IS NULL THEN coalesce(keyframe, delta) ELSE delta END)
			OVER (PARTITION BY %1$s ORDER BY l.version) AS vector
		FROM (SELECT l.*, ROW(%1$s)::text AS key_text, lag(l.version) OVER w AS before, lag(l.base) OVER w AS base_before,
				lead(l.version) OVER w IS NULL AS is_last
			FROM %2$s l WINDOW w AS (PARTITION BY %1$s ORDER BY l.version)) l$sql$,
		keys, t.log);
	RETURN QUERY SELECT 'H1: gap', s.key_text, s.version FROM seen s WHERE s.version <> coalesce(s.before + 1, s.version)
		UNION ALL
		SELECT 'H2: begins with a delta that needs another', s.key_text, s.version FROM seen s
		WHERE (s.version = s.base OR s.before IS NULL) AND s.keyframe IS NULL AND delta_kind(s.delta) NOT IN ('create', 'delete')
		UNION ALL
		SELECT 'H2: base', s.key_text, s.version FROM seen s
		WHERE s.version <> s.base AND (s.base > s.version OR s.base <> coalesce(s.base_before, s.base))
		UNION ALL
		SELECT 'H3: long chain', s.key_text, s.version FROM seen s WHERE s.version - s.base > t.max_chain
		UNION ALL
		SELECT 'H2: keyframe', s.key_text, s.version FROM seen s
		WHERE s.keyframe IS NOT NULL AND s.content <> ruvector.content(delta_apply(NULL, s.keyframe))
		UNION ALL
		SELECT 'H4: content', s.key_text, s.version FROM seen s WHERE s.content <> ruvector.content(s.vector);
	RETURN QUERY EXECUTE format($sql$
		SELECT 'H6: column', l.key_text, l.version FROM %1$s r LEFT JOIN (SELECT * FROM seen WHERE is_last) l ON %2$s
		WHERE l.version IS NULL OR l.op = 'd'
			OR ruvector.content(r.%3$I) IS DISTINCT FROM CASE WHEN %4$L = 'eager' THEN l.content
				ELSE (SELECT p.content FROM seen p WHERE %5$s AND p.version = l.base) END
		UNION ALL
		SELECT 'H6: row', l.key_text, l.version FROM seen l
		WHERE l.is_last AND l.op <> 'd' AND NOT EXISTS (SELECT FROM %1$s r WHERE %2$s)
		UNION ALL
		SELECT 'H6: pending', l.key_text, l.version FROM seen l
		WHERE l.is_last AND (%4$L = 'lazy' AND l.version > l.base) <> EXISTS (SELECT FROM %6$s p WHERE %5$s)$sql$,
		t.rel, row_key, t."column", t.mode, same_key, t.pending);
	DROP TABLE seen;
END $$;
\set ECHO all
