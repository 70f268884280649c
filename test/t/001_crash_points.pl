# At every named gap between two WAL records: the server dies, or the
# statement fails.  Nothing committed may be lost, and work goes on.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

# The kinds of slots: vectors, codes of 4 bits and of 1, ids.
my @shapes = ([ 3, 'l2' ], [ 64, 'ip' ], [ 400, 'cosine' ], [ 40, 'l1' ]);
my $node = start_server('crash', 'restart_after_crash = on');

if ($node->psql('postgres', "LOAD 'ruvector_delta'; SHOW ruvector.debug_point") != 0)
{
	$node->stop;
	plan skip_all => 'built without RVD_DEBUG';
}

# What runs into a point: the first word of its name says it.
sub statement
{
	my ($point, $dims) = @_;

	return 'REINDEX INDEX t_v' if $point =~ /^build/;
	return 'VACUUM (INDEX_CLEANUP on) t' if $point =~ /^vacuum/;
	return "SELECT ruvector.index_repair('t_v')" if $point =~ /^repair/;
	# enough for a new page
	return 'INSERT INTO t SELECT i, ' . random_vector($dims, 'i')
	  . ' FROM generate_series(1001, 1150) i';
}

my @points = qw(insert-after-extend insert-after-node insert-after-backlink
  insert-before-entry vacuum-between-marks vacuum-after-mark
  vacuum-after-entries vacuum-between-unlinks vacuum-after-unlink
  vacuum-before-free
  vacuum-between-frees build-before-log build-after-log repair-after-move
  repair-before-refresh repair-between-nodes);

sub work_goes_on
{
	my ($name, $dims, $metric) = @_;
	my $query = "array_fill(0.25::real, ARRAY[$dims])::vector";
	my $orphans = check_index($node, 't_v', $name);

	same_rows($node, 't', $metric, $query, $name, $orphans);
	fill($node, 't', $dims, 2001, 2020);
	$node->safe_psql('postgres', 'DELETE FROM t WHERE id % 7 = 0');
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) t');
	is_whole($node, 't', $metric, $query, "$name, vacuum");
	is( $node->safe_psql('postgres', q(
			SELECT dead, rows = (SELECT count(*) FROM t)
			FROM ruvector.index_check('t_v'))),
		'0|t',
		"$name: vacuum freed what had been left");
	return;
}

# The statement fails, or the server dies and comes back.
sub fail_at
{
	my ($point, $how, $sql, $name) = @_;
	my $stderr;

	if ($how eq ':panic')
	{
		crash_server($node, $sql) or BAIL_OUT("$name: no recovery");
		return;
	}
	$node->psql('postgres', $sql, stderr => \$stderr);
	like($stderr, qr/debug point "$point" reached/, "$name: reached");
	return;
}

sub run_into
{
	my ($point, $how, $dims, $metric) = @_;
	my $name = "$point$how, $metric($dims)";
	my $opclass = OPCLASS->{$metric};
	my $sql = "SET ruvector.debug_point = '$point$how'; " . statement($point, $dims);

	$node->safe_psql('postgres', "DROP TABLE IF EXISTS t;
		CREATE TABLE t (id int PRIMARY KEY, v vector($dims))");
	fill($node, 't', $dims, 1, 200);
	# so many that vacuum replaces links
	$node->safe_psql('postgres', "CREATE INDEX t_v ON t USING hnsw (v $opclass);
		DELETE FROM t WHERE id % 3 = 0 OR id > 180");
	# rows that drift away from their nodes
	$node->safe_psql('postgres', "UPDATE t SET v = v + (SELECT array_agg((i % 2) * 0.15 * x)
			FROM unnest(t.v::real[]) WITH ORDINALITY u(x, i))::vector
		WHERE id % 4 = 1") if $point =~ /^repair/;
	fail_at($point, $how, $sql, $name);
	work_goes_on($name, $dims, $metric);
	return;
}

my $turn = 0;
for my $point (@points)
{
	run_into($point, '', @{ $shapes[ $turn++ % @shapes ] });
	# another shape dies than failed
	run_into($point, ':panic', @{ $shapes[ $turn % @shapes ] });
}

like(slurp_file($node->logfile), qr/PANIC:  debug point "$_" reached/,
	"$_: took the server down")
  for @points;

# Nodes whose every neighbour goes: they look for new ones, and vacuum has
# others link to them.
for my $try (
	[ 'vacuum-between-orphans', '' ],
	[ 'vacuum-between-orphans', ':panic' ],
	[ 'vacuum-between-replacements', '' ],
	[ 'vacuum-between-replacements', ':panic' ])
{
	my ($point, $how) = @$try;
	my $name = "$point$how";

	$node->safe_psql('postgres', 'DROP TABLE t;
		CREATE TABLE t (id int PRIMARY KEY, v vector(40))');
	fill($node, 't', 40, 1, 600);
	$node->safe_psql('postgres', 'CREATE INDEX t_v ON t USING hnsw (v vector_l1_ops)
			WITH (m = 2, ef_construction = 4);
		DELETE FROM t WHERE id % 20 <> 0');
	fail_at($point, $how, "SET ruvector.debug_point = '$name';
		VACUUM (INDEX_CLEANUP on) t", $name);
	for my $time ('before', 'after')
	{
		my $orphans = check_index($node, 't_v', "$name, $time vacuum");

		same_rows($node, 't', 'l1', 'array_fill(0.25::real, ARRAY[40])::vector',
			"$name, $time vacuum", $orphans);
		$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) t');
	}
}

# Many equal vectors: whom a node forgets for the next of them, that one links to.
for my $how ('', ':panic')
{
	my $name = "insert-after-adoption$how";
	my $insert = sub {
		my ($from, $to) = @_;

		return "INSERT INTO t SELECT i, array_fill(0.5::real, ARRAY[40])::vector
			FROM generate_series($from, $to) i";
	};

	$node->safe_psql('postgres', 'DROP TABLE t;
		CREATE TABLE t (id int PRIMARY KEY, v vector(40));
		CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)');
	fill($node, 't', 40, 1, 100);
	$node->safe_psql('postgres', $insert->(101, 300));
	fail_at('insert-after-adoption', $how, "SET ruvector.debug_point = '$name'; "
		  . $insert->(301, 1200), $name);
	$node->safe_psql('postgres', $insert->(301, 1200));
	work_goes_on($name, 40, 'l2');
}

# The very first node, which nothing can lead to but the entry table.
for my $how ('', ':panic')
{
	my $name = "first node$how";

	$node->safe_psql('postgres', "DROP TABLE t;
		CREATE TABLE t (id int PRIMARY KEY, v vector(3));
		CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)");
	fail_at('insert-after-node', $how, "SET ruvector.debug_point = 'insert-after-node$how';
		INSERT INTO t VALUES (1, '[1,2,3]')", $name);
	is(check_index($node, 't_v', $name), 1, "$name: it is an orphan");
	work_goes_on($name, 3, 'l2');
}

# A failed statement in a transaction that goes on and commits.
for my $point (grep { /^insert/ && !/extend/ } @points)
{
	my $vector = random_vector(3, '1');

	$node->safe_psql('postgres', "DROP TABLE t;
		CREATE TABLE t (id int PRIMARY KEY, v vector(3));
		CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)");
	fill($node, 't', 3, 1, 50);
	$node->safe_psql('postgres', qq(
		BEGIN;
		INSERT INTO t SELECT 100, $vector;
		DO \$\$
		BEGIN
			SET LOCAL ruvector.debug_point = '$point';
			INSERT INTO t SELECT 101, $vector;
		EXCEPTION WHEN internal_error THEN
			RAISE NOTICE 'failed as wanted';
		END \$\$;
		INSERT INTO t SELECT 102, $vector;
		COMMIT));
	is($node->safe_psql('postgres', 'SELECT count(*) FROM t WHERE id >= 100'),
		2, "$point: the rest of the transaction is there");
	work_goes_on("$point, savepoint", 3, 'l2');
}

$node->stop;
done_testing();
