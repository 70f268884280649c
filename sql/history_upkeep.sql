-- Retention, compaction, accounting.
\getenv abs_srcdir PG_ABS_SRCDIR
\set shared :abs_srcdir '/test/history.sql'
\i :shared

CREATE TABLE docs (id int PRIMARY KEY, v vector(4));
INSERT INTO docs SELECT i, ARRAY[i, 0, 0, 0] FROM generate_series(1, 5) i;
SELECT ruvector.track('docs', 'v', max_chain => 4);
CREATE TABLE truth (id int, version int, v vector(4));
CREATE FUNCTION pg_temp.rounds(first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN first .. last LOOP
		UPDATE docs SET v = v + '[0,1,0,0]' WHERE id <= 4;
	END LOOP;
END $$;
-- by number of versions
SELECT pg_temp.rounds(1, 9);
INSERT INTO truth SELECT id, version, vector FROM generate_series(1, 5) id, ruvector.history('docs', id);
SELECT ruvector.compact('docs');
SELECT ruvector.set_retention('docs', keep_versions => 3);
SELECT keep_age, keep_versions FROM ruvector.tracked;
SELECT ruvector.compact('docs', budget => 1);
SELECT id, min(version), max(version), count(*) FROM docs_v_log GROUP BY id ORDER BY id;
SELECT ruvector.compact('docs'), ruvector.compact('docs');
SELECT id, version, base, delta, keyframe FROM docs_v_log WHERE id IN (1, 5) ORDER BY id, version;
SELECT count(*) FROM docs_v_log l JOIN truth USING (id, version) WHERE ruvector.content(ruvector.get_at('docs', id, version)) <> ruvector.content(truth.v);
SELECT * FROM pg_temp.faults('docs');
SELECT * FROM pg_temp.try($$SELECT ruvector.get_at('docs', 1, 7)$$);
SELECT code FROM pg_temp.try($$SELECT ruvector.get_at('docs', 1, (SELECT since FROM ruvector.tracked))$$);
SELECT ruvector.oldest_reachable('docs') > (SELECT since FROM ruvector.tracked) AS moved;

-- by age: what a person named is kept, however old
SELECT ruvector.set_retention('docs', keep_age => '0');
SELECT method FROM ruvector.tag('named');
SELECT pg_temp.rounds(1, 3);
DELETE FROM docs WHERE id = 4;

SELECT ruvector.compact('docs') AS before_the_tag;
SELECT id, ruvector.get_at('docs', id, 'named'::text) FROM generate_series(1, 5) id;
SELECT id, min(version), max(version) FROM docs_v_log GROUP BY id ORDER BY id;
SELECT ruvector.compact('docs');
SELECT ruvector.drop_tag('named');
INSERT INTO ruvector.tags (name, at, era, snapshot, automatic) VALUES ('by the clock', clock_timestamp(), ruvector.current_era(), pg_current_snapshot(), true);
SELECT pg_temp.rounds(1, 1);
SELECT ruvector.compact('docs') AS after_the_tag;
SELECT id, min(version), max(version) FROM docs_v_log GROUP BY id ORDER BY id;
SELECT code FROM pg_temp.try($$SELECT ruvector.get_at('docs', 1, 'by the clock'::text)$$);
SELECT * FROM pg_temp.faults('docs');
-- age and number: whichever leaves more
SELECT pg_temp.rounds(1, 5);
SELECT ruvector.set_retention('docs', keep_age => '0', keep_versions => 4), ruvector.compact('docs');
SELECT id, max(version) - min(version) + 1 AS versions FROM docs_v_log GROUP BY id ORDER BY id;
SELECT ruvector.set_retention('docs', keep_age => '1 day', keep_versions => 1), ruvector.compact('docs');
SELECT ruvector.set_retention('docs'), ruvector.compact('docs');
SELECT keep_age, keep_versions FROM ruvector.tracked;
SELECT * FROM pg_temp.faults('docs');

-- a lazy column builds on its base: that stays
CREATE TABLE lazy (id int PRIMARY KEY, v vector(4));
INSERT INTO lazy SELECT i, ARRAY[i, 0, 0, 9] FROM generate_series(1, 3) i;
SELECT ruvector.track('lazy', 'v', 'lazy', max_drift => 9);
SELECT count(ruvector.apply('lazy', id, format('{2:%s}/4', n)::deltavec)) FROM generate_series(1, 2) id, generate_series(1, 5) n;
SELECT ruvector.fold('lazy', 1);
SELECT count(ruvector.apply('lazy', id, format('{3:%s}/4', n)::deltavec)) FROM generate_series(1, 2) id, generate_series(1, 3) n;
SELECT ruvector.set_retention('lazy', keep_age => '0'), ruvector.compact('lazy');
SELECT id, version, base, op, delta FROM lazy_v_log ORDER BY id, version;
SELECT * FROM pg_temp.faults('lazy');
UPDATE lazy SET v = '[2,5,3,1]' WHERE id = 2;
SELECT ruvector.vector('lazy', 2), ruvector.fold_all('lazy'), ruvector.vector('lazy', 1);
SELECT ruvector.compact('lazy');
SELECT * FROM lazy ORDER BY id;
SELECT * FROM pg_temp.faults('lazy');

-- what it takes up
CREATE TABLE big (id int, part text, v vector(384), PRIMARY KEY (part, id));
INSERT INTO big SELECT i, 'p', (SELECT array_agg(sin(i + d)) FROM generate_series(1, 384) d) FROM generate_series(1, 50) i;
SELECT ruvector.track('big', 'v', max_chain => 64);
DO $$ BEGIN FOR n IN 1 .. 30 LOOP UPDATE big SET v = v + delta_sparse(ARRAY[n, 2 * n], ARRAY[n, n]::real[], 384); END LOOP; END $$;
SELECT "column", mode, keys, versions, mean_chain, longest_chain, pending, log_bytes < whole_bytes AS is_less,
	ratio = round(whole_bytes::numeric / log_bytes, 2) AS is_ratio, ratio > 3 AS is_much_less,
	log_bytes = pg_total_relation_size('big_v_log') AS is_size, whole_bytes > 1550 * 1544 AS holds_vectors, oldest_reachable = ruvector.oldest_reachable('big') AS is_horizon
FROM ruvector.history_report('big');
SELECT keys, versions, pending FROM ruvector.history_report('lazy');
SELECT count(*) FROM ruvector.history_report('truth');
SELECT ruvector.untrack(rel, "column", false) FROM ruvector.tracked;
SELECT count(ruvector.drop_tag(name)) FROM ruvector.tags;
DROP TABLE docs, lazy, big, truth;
