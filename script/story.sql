-- What the demo asks about embeddings that change: 515 files of open-source
-- projects, every version of nine years, loaded in the order of time.
\set id 457
SELECT path AS file FROM names WHERE id = :id \gset
\pset footer off
\pset border 0

\echo
\echo '  The files nearest to'
\echo '  ' :file
\echo '  at the end of 2017 and now:'
SELECT rank, then_path AS at_2017, now_path AS now
FROM (SELECT row_number() OVER (ORDER BY s.distance, s.key) AS rank, regexp_replace(n.path, '^.*/', '') AS then_path
		FROM ruvector.search_as_of('docs', 'embedding', ruvector.get_at('docs', :id, '2017'), 6, '2017') s
			JOIN names n ON n.id = s.key::int) a
	JOIN (SELECT row_number() OVER (ORDER BY s.distance, s.key) AS rank, regexp_replace(n.path, '^.*/', '') AS now_path
		FROM ruvector.search('docs', 'embedding', ruvector.get_at('docs', :id, '2017'), 6) s
			JOIN names n ON n.id = s.key::int) b USING (rank)
ORDER BY rank;

\echo '  What came and went in 2018:'
SELECT s.change, s.from_rank AS rank_2017, s.to_rank AS rank_2018, regexp_replace(n.path, '^.*/', '') AS file
FROM ruvector.search_drift('docs', 'embedding', ruvector.get_at('docs', :id, '2018'), 6, '2017', '2018') s
	JOIN names n ON n.id = s.key::int
WHERE s.change IN ('entered', 'left') ORDER BY 1, 2, 3;

\echo '  Who gave that file''s vector its values:'
SELECT actor, count(*) AS dimensions, max(version) AS last_version
FROM ruvector.blame('docs', :id) GROUP BY actor ORDER BY 2 DESC, 1 LIMIT 4;

\echo '  Back to the end of 2016, as one more version:'
SELECT t.version AS of_2016, ruvector.restore('docs', :id, t.version) AS is_now
FROM ruvector.row_at('docs', :id, '2016') t;
SELECT ruvector.content(ruvector.vector('docs', :id)) = ruvector.content(ruvector.get_at('docs', :id, '2016'))
	AS same_bits;

\echo '  What the history takes up:'
SELECT keys AS files, versions, pg_size_pretty(log_bytes) AS log, pg_size_pretty(whole_bytes) AS if_whole, ratio,
	mean_chain FROM ruvector.history_report('docs');
