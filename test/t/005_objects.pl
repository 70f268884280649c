# The index as an object of the database: dumped and restored, unlogged, moved,
# dropped, in two databases, owned by somebody without rights.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

my $node = new_server('objects');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $dims = 24;
my $query = "array_fill(0.2::real, ARRAY[$dims])::vector";

$node->start;

# ---- dump and restore, in public and elsewhere ----

my %opclass = (l2 => 'vector_l2_ops', ip => 'vector_ip_ops', cosine => 'vector_cosine_ops', l1 => 'vector_l1_ops');

for my $schema ('public', 'Odd schema')
{
	my ($from, $to) = map { ($schema eq 'public' ? 'plain' : 'odd') . "_$_" } 'from', 'to';
	my $vector = random_vector($dims, 'i');
	my $path = "SET search_path = public, \"$schema\";";

	$node->safe_psql('postgres', "CREATE DATABASE $_") for $from, $to;
	$node->safe_psql($from, "CREATE SCHEMA IF NOT EXISTS \"$schema\";
		CREATE EXTENSION ruvector_delta SCHEMA \"$schema\"");
	for my $metric (sort keys %opclass)
	{
		$node->safe_psql($from, qq($path
			CREATE TABLE public.t_$metric (id int PRIMARY KEY, v vector($dims));
			INSERT INTO t_$metric SELECT i, $vector FROM generate_series(1, 100) i;
			CREATE INDEX t_${metric}_v ON t_$metric USING hnsw (v $opclass{$metric}) WITH (m = 12, ef_construction = 50)));
	}
	for my $format ('plain', 'custom')
	{
		my $file = "$dir/$from.$format";

		$node->command_ok([ 'pg_dump', "--format=$format", '--file', $file, $node->connstr($from) ],
			"$schema: pg_dump, $format");
		$node->safe_psql('postgres', "DROP DATABASE $to");
		$node->safe_psql('postgres', "CREATE DATABASE $to");
		$node->command_ok(
			$format eq 'plain'
			? [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr($to) ]
			: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($to), $file ],
			"$schema: restored");
		for my $database ($from, $to)
		{
			$node->safe_psql('postgres', "ALTER DATABASE $database SET search_path = public, \"$schema\"");
		}
		for my $metric (sort keys %opclass)
		{
			check_index($node, "t_${metric}_v", "$schema, $format", $to);
			same_rows($node, "t_$metric", $metric, $query, "$schema, $format", 0, $to);
			is_deeply(
				ids_by_table($node, "t_$metric", $metric, $query, 30, $from),
				ids_by_table($node, "t_$metric", $metric, $query, 30, $to),
				"$schema, $format, $metric: the same vectors");
		}
		is( $node->safe_psql($to, q(SELECT reloptions FROM pg_class WHERE relname = 't_l2_v')),
			'{m=12,ef_construction=50}',
			"$schema, $format: the options are kept");
	}
}

# Each database has its extension; one drops it, the other does not notice.
$node->safe_psql('plain_to', 'DROP EXTENSION ruvector_delta CASCADE');
is($node->safe_psql('plain_to', q(SELECT count(*) FROM pg_class WHERE relname LIKE 't\_%\_v')),
	0, 'DROP EXTENSION CASCADE takes the indexes');
is($node->safe_psql('plain_to', q(SELECT count(*) FROM pg_attribute WHERE attname = 'v' AND attrelid = 't_l2'::regclass)),
	0, 'and the columns');
is($node->safe_psql('plain_to', 'SELECT count(*) FROM t_l2'), 100, 'but not the tables');
is($node->safe_psql('plain_to', q(SELECT count(*) FROM pg_proc WHERE probin LIKE '%ruvector_delta%')),
	0, 'no function is left');
my ($status, undef, $stderr) = $node->psql('plain_from', 'DROP EXTENSION ruvector_delta');
isnt($status, 0, 'without CASCADE it is refused');
same_rows($node, 't_l2', 'l2', $query, 'the other database', 0, 'plain_from');
$node->safe_psql('plain_to', 'CREATE EXTENSION ruvector_delta');
is($node->safe_psql('plain_to', q(SELECT '[1,2]'::vector <-> '[1,4]')), '2', 'created again');

# ---- unlogged ----

$node->safe_psql('postgres', 'CREATE EXTENSION ruvector_delta');
for my $metric (sort keys %opclass)
{
	$node->safe_psql('postgres', "CREATE UNLOGGED TABLE u_$metric (id int PRIMARY KEY, v vector($dims));
		CREATE INDEX u_${metric}_v ON u_$metric USING hnsw (v $opclass{$metric})");
	fill($node, "u_$metric", $dims, 1, 100);
	same_rows($node, "u_$metric", $metric, $query, 'unlogged', 0);
}
$node->restart;
same_rows($node, "u_$_", $_, $query, 'unlogged, after a clean restart', 0) for sort keys %opclass;
$node->stop('immediate');
$node->start;
for my $metric (sort keys %opclass)
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM u_$metric"), 0, "$metric: empty after a crash");
	same_rows($node, "u_$metric", $metric, $query, 'unlogged, empty', 0);
	check_index($node, "u_${metric}_v", 'unlogged, empty');
	fill($node, "u_$metric", $dims, 1, 60);
	same_rows($node, "u_$metric", $metric, $query, 'unlogged, filled again', 0);
	check_index($node, "u_${metric}_v", 'unlogged, filled again');
}
$node->safe_psql('postgres', 'ALTER TABLE u_l2 SET LOGGED');
$node->stop('immediate');
$node->start;
same_rows($node, 'u_l2', 'l2', $query, 'made logged, after a crash', 0);
is($node->safe_psql('postgres', 'SELECT count(*) FROM u_l2'), 60, 'nothing is lost');

# ---- tablespaces ----

mkdir "$dir/space" or die;
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$dir/space'");
$node->safe_psql('postgres', 'ALTER INDEX u_l2_v SET TABLESPACE space');
check_index($node, 'u_l2_v', 'moved');
fill($node, 'u_l2', $dims, 201, 220);
$node->stop('immediate');
$node->start;
same_rows($node, 'u_l2', 'l2', $query, 'moved, after a crash', 0);
$node->safe_psql('postgres', 'REINDEX (TABLESPACE pg_default) INDEX u_l2_v');
same_rows($node, 'u_l2', 'l2', $query, 'moved back', 0);

# ---- accounts ----

$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE other LOGIN;
	GRANT CREATE ON SCHEMA public TO owner; CREATE DATABASE theirs OWNER owner');
my $as = sub {
	my ($role, $sql, $database) = @_;
	my ($out, $err);
	my $code = $node->psql($database // 'postgres', $sql,
		extra_params => [ '-U', $role ], stdout => \$out, stderr => \$err);

	return ($code, $out, $err);
};
my @answer = $as->('owner', "CREATE TABLE o (id int, v vector(3)); INSERT INTO o VALUES (1, '[1,2,3]');
	CREATE INDEX o_v ON o USING hnsw (v vector_l2_ops);
	SELECT orphans FROM ruvector.index_check('o_v'); SELECT live FROM ruvector.index_info('o_v')");
is($answer[0], 0, 'an owner without rights creates an index') or diag $answer[2];
is($answer[1], "0\n1", 'and may look into it');
for my $function ('index_check', 'index_info')
{
	@answer = $as->('other', "SELECT * FROM ruvector.$function('o_v')");
	like($answer[2], qr/must be owner of|permission denied/, "$function: not for others");
}
@answer = $as->('owner', 'CREATE EXTENSION ruvector_delta', 'theirs');
like($answer[2], qr/permission denied to create extension/, 'CREATE EXTENSION is for superusers');

# ---- what else DDL does to an index ----

$node->safe_psql('postgres', "CREATE TABLE p (id int, v vector($dims)) PARTITION BY HASH (id);
	CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE INDEX p_v ON p USING hnsw (v vector_l2_ops)");
fill($node, 'p', $dims, 1, 100);
same_rows($node, 'p', 'l2', $query, 'partitioned', 0);
$node->safe_psql('postgres', 'CLUSTER u_ip USING u_ip_pkey; VACUUM FULL u_cosine; TRUNCATE u_l1');
same_rows($node, "u_$_", $_, $query, 'rewritten', 0) for 'ip', 'cosine', 'l1';
# a column that loses its number of dimensions keeps its index
$node->safe_psql('postgres', 'ALTER TABLE u_ip ALTER COLUMN v TYPE vector');
same_rows($node, 'u_ip', 'ip', $query, 'without dimensions', 0);
fill($node, 'u_ip', $dims, 301, 320);
same_rows($node, 'u_ip', 'ip', $query, 'without dimensions, inserted', 0);

unlike(slurp_file($node->logfile), qr/TRAP:|PANIC|is damaged|terminated by signal (?!3)/, 'nothing crashed');
$node->stop;
done_testing();
