# Searching the past of real vectors: 200 pairs of a query and a tag, each
# answered by the index and changed rows together, against all rows compared.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

use constant { DIMS => 384, ROWS => 700, QUERIES => 50, K => 10 };

my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = start_server('search');

# Half precision as big-endian single, bit for bit.
sub half
{
	my ($h) = @_;
	my ($exponent, $fraction) = (($h >> 10) & 31, $h & 1023);
	my $x = $exponent ? (1 + $fraction / 1024) * 2**($exponent - 15) : $fraction / 1024 * 2**-14;

	return $h & 0x8000 ? -$x : $x;
}

# The first n vectors of a file, for COPY.
sub load
{
	my ($table, $file, $n) = @_;
	my $data = slurp_file("$FindBin::Bin/../data/$file");
	my %float;

	open my $out, '>:raw', "$dir/$table" or die $!;
	print $out "PGCOPY\n\377\r\n\0", pack('N2', 0, 0);
	for my $i (0 .. $n - 1)
	{
		my @halves = unpack('@' . (8 + 2 * DIMS * $i) . ' v' . DIMS, $data);

		print $out pack('n N2 N n2', 2, 4, $i + 1, 4 + 4 * DIMS, DIMS, 0),
		  pack('f>*', map { $float{$_} //= half($_) } @halves);
	}
	print $out pack('n', 0xFFFF);
	close $out;
	$node->safe_psql('postgres', qq(
		CREATE TABLE $table (id int PRIMARY KEY, v vector(${\DIMS}));
		\\copy $table FROM '$dir/$table' WITH (FORMAT binary)));
	return;
}

load('eager', 'text384.base-1.f16bin', ROWS);
load('query', 'text384.query.f16bin', QUERIES);
load('more', 'text384.base-2.f16bin', 150);

# An eager and a lazy column, each with an index, and four tags: rows move
# towards others, go away, come.
$node->safe_psql('postgres', q(
	CREATE TABLE lazy (LIKE eager INCLUDING ALL);
	INSERT INTO lazy TABLE eager;
	CREATE INDEX ON eager USING hnsw (v vector_cosine_ops);
	CREATE INDEX ON lazy USING hnsw (v vector_cosine_ops);
	SELECT ruvector.track('eager', 'v'), ruvector.track('lazy', 'v', 'lazy');
	CREATE TABLE truth (tag int, rel text, id int, v vector);
	CREATE FUNCTION towards(vector, vector) RETURNS vector LANGUAGE sql AS
		$$ SELECT array_agg(a * 0.7 + b * 0.3 ORDER BY n)::vector FROM unnest($1::real[], $2::real[]) WITH ORDINALITY u(a, b, n) $$;
	CREATE FUNCTION write_down(tag int) RETURNS void LANGUAGE sql AS $$
		SELECT ruvector.tag('tag ' || tag);
		INSERT INTO truth SELECT tag, 'eager', * FROM eager;
		INSERT INTO truth SELECT tag, 'lazy', * FROM lazy_current $$;));
for my $tag (1 .. 4)
{
	$node->safe_psql('postgres', join "\n", "SELECT write_down($tag);", map { qq(
		UPDATE $_ t SET v = towards(ruvector.vector('$_', t.id), q.v) FROM query q WHERE t.id % 26 = $tag AND q.id = t.id % 50 + 1;
		UPDATE $_ t SET v = ruvector.vector('$_', t.id) + delta_sparse(ARRAY[$tag, 100], ARRAY[0.01, 0.02]::real[], 384) WHERE t.id % 30 = $tag;
		DELETE FROM $_ WHERE id % 40 = $tag;
		INSERT INTO $_ SELECT id + 10000, v FROM more WHERE id % 12 = $tag;
		SELECT ruvector.fold_all('$_', at_most => 30);) } qw(eager lazy));
}
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM lazy_v_pending'), '>', 20, 'the lazy column is behind');

# The share of the nearest that were found, the least of one search, and how
# many distances were wrong.
my $answers = q(
	CREATE TEMPORARY TABLE pairs AS SELECT row_number() OVER () AS n, q.id, q.v, tag, rel
	FROM query q, generate_series(%s) tag, unnest('{eager,lazy}'::text[]) rel WHERE (q.id + tag) %% 2 = (rel = 'lazy')::int;
	CREATE TEMPORARY TABLE exact AS SELECT n, x.* FROM pairs p, LATERAL (SELECT t.id::text AS key, t.v <=> p.v AS distance FROM truth t
		WHERE t.tag = p.tag AND t.rel = p.rel ORDER BY t.v <=> p.v, t.id::text LIMIT 10) x;
	SET hnsw.ef_search = %s;
	CREATE TEMPORARY TABLE found AS SELECT n, x.* FROM pairs p, ruvector.search_as_of(rel::regclass, 'v', p.v, 10, 'tag ' || p.tag, 'cosine', exact => %s) x;
	SELECT (SELECT count(*) FROM pairs), round(avg(hits), 4), min(hits), sum(wrong)
	FROM (SELECT n, count(f.key) / 10.0 AS hits, count(*) FILTER (WHERE e.distance <> f.distance) AS wrong
		FROM exact e LEFT JOIN found f USING (n, key) GROUP BY n) x);

is($node->safe_psql('postgres', sprintf($answers, '1, 4', 40, 'true')), '200|1.0000|1.00000000000000000000|0', 'exact mode: the same keys and distances');
is($node->safe_psql('postgres', sprintf($answers, '1, 4', 1000, 'false')), '200|1.0000|1.00000000000000000000|0', 'by index, with effort: the same keys and distances');
my ($pairs, $recall, $least, $wrong) = split /\|/, $node->safe_psql('postgres', sprintf($answers, '1, 4', 40, 'false'));
my $live = $node->safe_psql('postgres', q(
	SET hnsw.ef_search = 40;
	SET enable_seqscan = off;
	SELECT round(avg(hits), 4) FROM (SELECT (SELECT count(*) FROM (SELECT id FROM eager e ORDER BY e.v <=> q.v LIMIT 10) a
		WHERE id IN (SELECT id FROM eager e ORDER BY (e.v <=> q.v) + 0 LIMIT 10)) / 10.0 AS hits FROM query q) x));
note "recall of the past $recall, at least $least; of the present $live";
is($wrong, 0, 'by index, as usual: no distance is wrong');
cmp_ok($recall, '>=', $live - 0.02, 'and the past is found as well as the present');

like($node->safe_psql('postgres', q(
	SELECT string_agg(DISTINCT source, ' ' ORDER BY source) FROM query q, ruvector.search_as_of('eager', 'v', q.v, 10, 'tag 4'::text, 'cosine'))),
	qr/^index overlay$/, 'both ways have a part in it');
$node->safe_psql('postgres', q(SELECT ruvector.materialize_tag('eager', 'tag 2', metric => 'cosine')));
is($node->safe_psql('postgres', sprintf($answers, '2, 2', 1000, 'false')), '50|1.0000|1.00000000000000000000|0', 'a tag as a table: the same keys and distances');
$node->stop;
done_testing();
