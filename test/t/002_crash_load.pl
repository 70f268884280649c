# The server dies under load, several times: clients insert, update and
# delete, one vacuums, one makes checkpoints.  After each recovery the index
# tells what the table tells.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

my @tables = (
	{ name => 't_l2', dims => 3, metric => 'l2' },
	{ name => 't_ip', dims => 64, metric => 'ip' },
	{ name => 't_cosine', dims => 400, metric => 'cosine' },
	{ name => 't_l1', dims => 40, metric => 'l1' });
my $rounds = 4;
my $clients = 4;
my $node = start_server('load', 'max_wal_size = 64MB');
my $dir = PostgreSQL::Test::Utils::tempdir;

sub script
{
	my ($name, $sql) = @_;

	append_to_file("$dir/$name.sql", $sql);
	return "$dir/$name.sql";
}

# The scripts of the clients; a table stays small enough to be compared whole.
my (@writers, $vacuums);
$vacuums = '';
for my $table (@tables)
{
	my ($name, $dims, $opclass) = (@$table{qw(name dims)}, OPCLASS->{ $table->{metric} });
	my $vector = random_vector($dims, 'i');

	$node->safe_psql('postgres', qq(
		CREATE TABLE $name (id serial PRIMARY KEY, v vector($dims));
		INSERT INTO $name (v) SELECT $vector FROM generate_series(1, 250) i;
		CREATE INDEX ${name}_v ON $name USING hnsw (v $opclass)));
	push @writers,
	  '-f' => script("$name.insert", qq(
		INSERT INTO $name (v) SELECT $vector FROM generate_series(1, 3) i
		WHERE (SELECT count(*) FROM $name) < 700;)) . '@4',
	  # the same vector again: a row attached to a node
	  '-f' => script("$name.copy", qq(
		INSERT INTO $name (v) SELECT v FROM $name
		WHERE (SELECT count(*) FROM $name) < 700
		ORDER BY random() LIMIT 2;)) . '@1',
	  '-f' => script("$name.update", qq(
		UPDATE $name SET v = (SELECT $vector FROM generate_series(1, 1) i)
		WHERE id = (SELECT id FROM $name ORDER BY random() LIMIT 1);)) . '@3',
	  '-f' => script("$name.delete", qq(
		DELETE FROM $name WHERE id IN
			(SELECT id FROM $name WHERE id % 10 = floor(random() * 10) LIMIT 9);)) . '@1',
	  '-f' => script("$name.abort", qq(
		BEGIN;
		INSERT INTO $name (v) SELECT $vector FROM generate_series(1, 2) i;
		ROLLBACK;)) . '@1';
	$vacuums .= "VACUUM (INDEX_CLEANUP on) $name;\n";
}
my $vacuum = script('vacuum', $vacuums);
my $checkpoint = script('checkpoint', "CHECKPOINT;\nSELECT pg_sleep(0.3);\n");

sub start_clients
{
	my ($n, @arguments) = @_;
	my ($in, $out) = ('', '');

	return IPC::Run::start(
		[ 'pgbench', '--no-vacuum', '--client', $n, '--jobs', $n, '--time', 600,
			'--max-tries', 5, @arguments, $node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>&1');
}

sub rows_written
{
	return $node->safe_psql('postgres', 'SELECT '
		  . join ' + ', map { "(SELECT last_value FROM $_->{name}_id_seq)" } @tables);
}

for my $round (1 .. $rounds)
{
	my $until = rows_written() + 250;
	my @load = (
		start_clients($clients, @writers),
		start_clients(1, '-f', $vacuum),
		start_clients(1, '-f', $checkpoint));

	$node->poll_query_until('postgres', "SELECT $until <= "
		  . join ' + ', map { "(SELECT last_value FROM $_->{name}_id_seq)" } @tables)
	  or BAIL_OUT('no progress');
	$node->stop('immediate');
	$_->finish for @load;
	$node->start;

	for my $table (@tables)
	{
		my ($name, $dims, $metric) = @$table{qw(name dims metric)};
		my $query = "array_fill(0.1::real, ARRAY[$dims])::vector";
		my $orphans = check_index($node, "${name}_v", "round $round");

		same_rows($node, $name, $metric, $query, "round $round", $orphans);
		$node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP on) $name") if $round % 2;
		cmp_ok(recall($node, $name, $metric, $dims, 10), '>=', 0.95, "round $round: recall of $name");
	}
}

for my $table (@tables)
{
	my ($name, $dims, $metric) = @$table{qw(name dims metric)};
	my $query = "array_fill(-0.1::real, ARRAY[$dims])::vector";

	$node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP on) $name");
	is_whole($node, $name, $metric, $query, 'at last');
}

unlike(slurp_file($node->logfile), qr/TRAP:|PANIC|XX00\d|is damaged|terminated by signal (?!3)/,
	'nothing crashed by itself');
$node->stop;
done_testing();
