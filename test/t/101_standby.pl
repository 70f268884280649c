# A standby says what the primary says, after every kind of change, with each
# page compared as it is replayed; while vacuum is replayed it may cancel a
# query but not give a wrong row; promoted, it goes on.
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
my $primary = start_server('primary', "wal_consistency_checking = 'generic'",
	'hot_standby_feedback = off', 'max_standby_streaming_delay = 0');

for my $table (@tables)
{
	my ($name, $dims, $opclass) = (@$table{qw(name dims)}, OPCLASS->{ $table->{metric} });

	$primary->safe_psql('postgres', qq(
		CREATE TABLE $name (id int PRIMARY KEY, v vector($dims));
		CREATE INDEX ${name}_v ON $name USING hnsw (v $opclass)));
}
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	return;
}

# The index of the standby is the primary's, byte by byte and row by row.
sub compare
{
	my ($name) = @_;

	catch_up();
	for my $table (@tables)
	{
		my ($t, $dims, $metric) = @$table{qw(name dims metric)};

		my $query = "array_fill(0.1::real, ARRAY[$dims])::vector";

		is_deeply(
			ids_by_index($standby, $t, $metric, $query, 50),
			ids_by_index($primary, $t, $metric, $query, 50),
			"$name: the standby answers as the primary, $t");
		is( $standby->safe_psql('postgres', "SELECT * FROM ruvector.index_check('${t}_v')"),
			$primary->safe_psql('postgres', "SELECT * FROM ruvector.index_check('${t}_v')"),
			"$name: the check finds the same, $t");
	}
	return;
}

sub each_table
{
	my ($sql) = @_;

	for my $table (@tables)
	{
		my $statement = $sql;
		my $vector = random_vector($table->{dims}, 'i');

		$statement =~ s/TABLE/$table->{name}/g;
		$statement =~ s/VECTOR/$vector/g;
		$primary->safe_psql('postgres', $statement);
	}
	return;
}

each_table('INSERT INTO TABLE SELECT i, VECTOR FROM generate_series(1, 200) i');
compare('insert');
each_table('INSERT INTO TABLE SELECT id + 1000, v FROM TABLE WHERE id <= 40');
compare('attached rows');
each_table('UPDATE TABLE SET v = (SELECT VECTOR FROM generate_series(id, id) i) WHERE id % 9 = 0');
each_table('DELETE FROM TABLE WHERE id % 3 = 0');
compare('update and delete');
each_table('VACUUM (INDEX_CLEANUP on) TABLE');
compare('vacuum');
each_table('INSERT INTO TABLE SELECT i, VECTOR FROM generate_series(2001, 2100) i');
compare('slots used again');
each_table('REINDEX INDEX TABLE_v');
compare('reindex');
each_table('REINDEX INDEX CONCURRENTLY TABLE_v');
compare('reindex concurrently');
each_table('TRUNCATE TABLE; INSERT INTO TABLE SELECT i, VECTOR FROM generate_series(1, 120) i');
compare('truncate');

# ---- queries while vacuum is replayed ----

# Rows of the first kind stay and are near the query, those of the second come
# and go next to them.  A query either counts what stays, in order, or fails
# because of the replay; it never returns a row that is not there.
my $dims = 64;
$primary->safe_psql('postgres', qq(
	CREATE TABLE c (id int PRIMARY KEY, v vector($dims));
	CREATE INDEX c_v ON c USING hnsw (v vector_l2_ops);
	INSERT INTO c SELECT i, array_fill((i * 0.001)::real, ARRAY[$dims])::vector
	FROM generate_series(1, 100) i));
catch_up();
my $by_index = 'SET enable_seqscan = off; SET enable_bitmapscan = off;
	SET enable_sort = off; SET hnsw.ef_search = 1000;';
my $question = <<"EOS";
$by_index
SELECT 'answer', count(*) FILTER (WHERE id <= 100), bool_and(id % 7 <> 0 OR id <= 100),
	count(*) = count(DISTINCT id)
FROM (SELECT id FROM c ORDER BY v <-> array_fill(0::real, ARRAY[$dims])::vector LIMIT 900) x;
SELECT 'check', orphans < 0 FROM ruvector.index_check('c_v');
EOS
my ($in, $out, $err) = ($question x 150, '', '');
my $reader = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $standby->connstr('postgres'), '-f', '-' ],
	'<', \$in, '>', \$out, '2>', \$err);

for my $i (1 .. 10)
{
	# ids that are multiples of 7 are never committed
	$primary->safe_psql('postgres', qq(
		INSERT INTO c SELECT 1000 + $i * 500 + g * 7 + 1, array_fill((random() * 0.1)::real, ARRAY[$dims])::vector
		FROM generate_series(1, 60) g WHERE (1000 + $i * 500 + g * 7 + 1) % 7 <> 0;
		BEGIN;
		INSERT INTO c SELECT 7 * (10000 + $i * 100 + g), array_fill((random() * 0.1)::real, ARRAY[$dims])::vector
		FROM generate_series(1, 30) g;
		ROLLBACK;
		DELETE FROM c WHERE id > 100;));
	$primary->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) c');
}
catch_up();
$reader->finish;

my @answers = grep { /^answer/ } split /\n/, $out;
my @wrong = grep { !/^answer\|100\|t\|t$/ } @answers;
is(scalar @wrong, 0, 'no wrong answer during replay of vacuum') or diag(join "\n", @wrong[ 0 .. ($#wrong < 9 ? $#wrong : 9) ]);
cmp_ok(scalar @answers, '>', 0, 'answers came during replay');
note scalar(@answers) . ' answers';
ok($standby->poll_query_until('postgres', 'SELECT idx_scan >= '
		  . @answers . q( FROM pg_stat_user_indexes WHERE indexrelname = 'c_v')),
	'the index gave them');
my @others = grep { /ERROR|FATAL/ && !/conflict with recovery/ } split /\n/, $err;
is(join("\n", @others), '', 'no error but conflicts with recovery');

# ---- a snapshot that vacuum's replay runs into ----

# A transaction looks twice; in between rows that it sees are deleted, vacuumed
# and their slots used again.
sub look_twice
{
	my ($name, $happened) = @_;
	my ($look_out, $look_err) = ('', '');
	my $marker = $standby->data_dir . '/go_on';
	my $look = "SELECT 'look', count(*), min(id), max(id) FROM (SELECT id FROM c
		ORDER BY v <-> array_fill(0::real, ARRAY[$dims])::vector LIMIT 900) x;";
	my $session = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $standby->connstr('postgres'), '-f', '-' ],
		'<', \"$by_index
			BEGIN ISOLATION LEVEL REPEATABLE READ;
			$look
			DO \$\$ BEGIN
				WHILE (pg_stat_file('go_on', true)).size IS NULL LOOP
					PERFORM pg_sleep(0.01);
				END LOOP;
			END \$\$;
			$look
			COMMIT;",
		'>', \$look_out, '2>', \$look_err);

	$session->pump until $look_out =~ /^look.*\n/ || !$session->pumpable;
	$primary->safe_psql('postgres', 'DELETE FROM c WHERE id % 2 = 0');
	$primary->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) c');
	$primary->safe_psql('postgres', "INSERT INTO c
		SELECT 50000 + i, array_fill(0.01::real, ARRAY[$dims])::vector
		FROM generate_series(1, 50) i");
	$happened->();
	append_to_file($marker, "go on\n");
	$session->finish;
	unlink $marker;
	catch_up();
	$primary->safe_psql('postgres', "DELETE FROM c;
		INSERT INTO c SELECT i, array_fill((i * 0.001)::real, ARRAY[$dims])::vector
		FROM generate_series(1, 100) i");
	catch_up();
	return ($look_out, $look_err);
}

my ($looks, $errors) = look_twice('cancelled', \&catch_up);
is($looks, "look|100|1|100\n", 'no second answer to a snapshot whose rows are gone');
like($errors, qr/conflict with recovery/, 'it was cancelled');

$standby->safe_psql('postgres', 'ALTER SYSTEM SET max_standby_streaming_delay = -1');
$standby->reload;
($looks, $errors) = look_twice('waited for', sub {
	$standby->poll_query_until('postgres', q(
		SELECT wait_event = 'RecoveryConflictSnapshot' FROM pg_stat_activity
		WHERE backend_type = 'startup'))
	  or BAIL_OUT('replay did not wait');
});
is($looks, "look|100|1|100\n" x 2, 'replay waits for a snapshot, which sees the same twice');
is($errors, '', 'it was not cancelled');

# ---- promotion ----

compare('at last');
$standby->promote;
$primary->stop('immediate');
for my $table (@tables)
{
	my ($t, $d, $metric) = @$table{qw(name dims metric)};
	my $query = "array_fill(0.2::real, ARRAY[$d])::vector";

	fill($standby, $t, $d, 5001, 5100);
	$standby->safe_psql('postgres', "DELETE FROM $t WHERE id % 4 = 0");
	$standby->safe_psql('postgres', "VACUUM (INDEX_CLEANUP on) $t");
	is_whole($standby, $t, $metric, $query, 'promoted');
}

for my $node ($primary, $standby)
{
	unlike(slurp_file($node->logfile), qr/TRAP:|PANIC|inconsistent page|is damaged/,
		$node->name . ': no inconsistency');
}
$standby->stop;
done_testing();
