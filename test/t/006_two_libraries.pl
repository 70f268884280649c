# Another library for the same names in the same server, and in the same
# process: an extension called "vector", if the server has one.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

my ($sharedir) = run_command([ 'pg_config', '--sharedir' ]);

plan skip_all => 'the server has no extension called "vector"'
  unless -e "$sharedir/extension/vector.control";

my $node = new_server('two');
my $dims = 24;
my $query = "array_fill(0.2::real, ARRAY[$dims])::vector";
my %opclass = (l2 => 'vector_l2_ops', ip => 'vector_ip_ops', cosine => 'vector_cosine_ops', l1 => 'vector_l1_ops');

$node->start;
for my $pair ([ 'ours', 'ruvector_delta' ], [ 'theirs', 'vector' ])
{
	my ($database, $extension) = @$pair;
	my $vector = random_vector($dims, 'i');

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE EXTENSION $extension");
	$node->safe_psql($database, "CREATE TABLE t_$_ (id int PRIMARY KEY, v vector($dims));
		INSERT INTO t_$_ SELECT i, $vector FROM generate_series(1, 200) i;
		CREATE INDEX ON t_$_ USING hnsw (v $opclass{$_})") for sort keys %opclass;
}

sub both_work
{
	my ($name) = @_;

	for my $database ('ours', 'theirs')
	{
		for my $metric (sort keys %opclass)
		{
			same_rows($node, "t_$metric", $metric, $query, "$name, $database", 0, $database);
			$node->safe_psql($database, "INSERT INTO t_$metric SELECT id + (SELECT max(id) FROM t_$metric), v
				FROM t_$metric WHERE id <= 5; DELETE FROM t_$metric WHERE id % 31 = 0");
			$node->safe_psql($database, "VACUUM t_$metric");
		}
	}
	return;
}

both_work('a process each');

# ours finds the other's settings and takes them as they are
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'vector, ruvector_delta'");
$node->restart;
both_work('both preloaded');
for my $database ('ours', 'theirs')
{
	# nodes, each with one row or two
	cmp_ok( $node->safe_psql($database, q(
			SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 7;
			SELECT count(*) FROM (SELECT id FROM t_l2 ORDER BY v <-> (SELECT v FROM t_l2 WHERE id = 1)) x)),
		'<=', 14, "both preloaded, $database: hnsw.ef_search is obeyed");
}

# a session of one database that is told to load the other library, too
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is( $node->safe_psql('theirs', q(
		SELECT '[1,2]'::vector <-> '[1,4]';
		LOAD 'ruvector_delta';
		SELECT '[1,2]'::vector <-> '[1,4]', '[1,2]'::vector + '[1,4]')),
	"2\n2|[2,6]", 'ours loaded second');
# theirs may refuse to be the second; what it says is its own affair
my $stdout;
$node->psql('ours', q(
		SELECT '[1,2]'::vector <-> '[1,4]';
		LOAD 'vector';
		SELECT '[1,2]'::vector <-> '[1,4]';),
	on_error_stop => 0, stdout => \$stdout);
is($stdout, "2\n2", 'theirs loaded second, or not: ours works on');
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC|terminated by signal/, 'nothing crashed');

$node->stop;
done_testing();
