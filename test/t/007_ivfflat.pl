# The ivfflat index at every named gap between two WAL records, on a standby,
# after a crash of an unlogged table, and with a page that is damaged.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

my $node = start_server('ivfflat', 'restart_after_crash = on',
	"wal_consistency_checking = 'generic'");

if ($node->psql('postgres', "LOAD 'ruvector_delta'; SHOW ruvector.debug_point") != 0)
{
	$node->stop;
	plan skip_all => 'built without RVD_DEBUG';
}
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('ivfflat_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# All lists are probed: the index must return every row of the table.
sub is_complete
{
	my ($server, $name) = @_;
	my ($by_index, $by_table) = map {
		$server->safe_psql('postgres', qq(
			SET enable_seqscan = $_->[0];
			SET enable_indexscan = $_->[1];
			SET ivfflat.probes = 5;
			SELECT string_agg(id::text, ' ') FROM
				(SELECT id FROM t ORDER BY v <-> array_fill(0.25::real, ARRAY[60])::vector, id) s))
	} ([ 'off', 'on' ], [ 'on', 'off' ]);

	is($by_index, $by_table, "$name: the index returns the rows of the table");
	return;
}

sub standby_agrees
{
	my ($name) = @_;

	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	is_complete($standby, "$name, standby");
	return;
}

my $vector = random_vector(60, 'i');
my $insert = "INSERT INTO t SELECT i, $vector FROM generate_series(1001, 1150) i";
my %statement = (
	'ivfflat-build-before-log' => 'REINDEX INDEX t_v',
	'ivfflat-build-after-log' => 'REINDEX INDEX t_v',
	'ivfflat-insert-before-hint' => $insert,
	'ivfflat-vacuum-between-pages' => 'VACUUM (INDEX_CLEANUP on) t',
	'ivfflat-vacuum-before-hints' => 'VACUUM (INDEX_CLEANUP on) t');

for my $point (sort keys %statement)
{
	for my $how ('', ':panic')
	{
		my $name = "$point$how";
		my $sql = "SET ruvector.debug_point = '$name'; $statement{$point}";
		my $stderr;

		$node->safe_psql('postgres', 'DROP TABLE IF EXISTS t;
			CREATE TABLE t (id int PRIMARY KEY, v vector(60))');
		fill($node, 't', 60, 1, 300);
		$node->safe_psql('postgres', 'SET client_min_messages = warning;
			CREATE INDEX t_v ON t USING ivfflat (v) WITH (lists = 5);
			DELETE FROM t WHERE id % 3 = 0 OR id > 280');
		if ($how eq '')
		{
			$node->psql('postgres', $sql, stderr => \$stderr);
			like($stderr, qr/debug point "$point" reached/, "$name: reached");
		}
		else
		{
			crash_server($node, $sql) or BAIL_OUT("$name: no recovery");
			like(slurp_file($node->logfile), qr/PANIC:  debug point "$point" reached/,
				"$name: took the server down");
		}
		is_complete($node, $name);
		$node->safe_psql('postgres', 'DELETE FROM t WHERE id % 7 = 0');
		fill($node, 't', 60, 2001, 2100);
		$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) t');
		fill($node, 't', 60, 3001, 3100);
		is_complete($node, "$name, work goes on");
		standby_agrees($name);
	}
}

# An unlogged table is empty after a crash, its index works on.
$node->safe_psql('postgres', 'SET client_min_messages = warning;
	CREATE UNLOGGED TABLE u (id int, v vector(3));
	CREATE INDEX u_v ON u USING ivfflat (v) WITH (lists = 3);
	INSERT INTO u SELECT i, ARRAY[i, i, i] FROM generate_series(1, 500) i');
crash_server($node, "SET ruvector.debug_point = 'ivfflat-insert-before-hint:panic'; $insert;
	INSERT INTO t SELECT i, $vector FROM generate_series(4001, 4400) i")
  or BAIL_OUT('no recovery');
my $count = 'SET enable_seqscan = off; SET ivfflat.probes = 3;
	SELECT count(*) FROM (SELECT id FROM u ORDER BY v <-> \'[1,2,3]\') s';
is($node->safe_psql('postgres', $count), 0, 'unlogged: empty after a crash');
$node->safe_psql('postgres',
	'INSERT INTO u SELECT i, ARRAY[i, i, i] FROM generate_series(1, 500) i');
is($node->safe_psql('postgres', $count), 500, 'unlogged: takes rows again');

# The standby becomes a server of its own.
standby_agrees('before promotion');
$standby->promote;
fill($standby, 't', 60, 5001, 5100);
is_complete($standby, 'promoted');
$standby->stop;

# A damaged page: an error that names it, never a wrong row.
my $path = $node->data_dir . '/'
  . $node->safe_psql('postgres', "SELECT pg_relation_filepath('t_v')");
my $size = $node->safe_psql('postgres', "CHECKPOINT; SELECT pg_relation_size('t_v')");
my $scan = 'SET enable_seqscan = off; SET ivfflat.probes = 5; SET enable_sort = off;
	SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> array_fill(0.25::real, ARRAY[60])::vector) s';

# [ what, block, place in it, bytes to put there ]; the special space has the
# last 16 bytes: next, list, nused, unused, kind, page id
for my $damage (
	[ 'magic', 0, 24, "\0\0\0\0" ],
	[ 'dimensions', 0, 38, "\x07\0" ],
	[ 'header', 1, 12, "\xff\x1f" ],
	[ 'first block', 1, 24, "\xf0\xff\xff\0" ],
	[ 'a page of lists', 1, 8192 - 4, "\x03\0" ],
	[ 'kind', 4, 8192 - 4, "\x01\0" ],
	[ 'list', 4, 8192 - 12, "\x77\0\0\0" ],
	[ 'next block', 4, 8192 - 16, "\x01\0\0\0" ],
	[ 'count', 4, 8192 - 8, "\xff\0" ],
	[ 'count of a page that is not full', 4, 24, "\0\0\0\0\0\0" ])
{
	my ($what, $block, $offset, $bytes) = @$damage;
	my ($file, $old, $stderr);

	$node->stop;
	open $file, '+<:raw', $path or die $!;
	sysseek $file, $block * 8192 + $offset, 0;
	sysread $file, $old, length $bytes;
	sysseek $file, $block * 8192 + $offset, 0;
	syswrite $file, $bytes;
	close $file;
	$node->start;
	$node->psql('postgres', "\\set VERBOSITY verbose\n$scan", stderr => \$stderr);
	like($stderr, qr/ERROR:  XX00[12]/, "damage: $what");
	$node->stop;
	open $file, '+<:raw', $path or die $!;
	sysseek $file, $block * 8192 + $offset, 0;
	syswrite $file, $old;
	close $file;
	$node->start;
}
is_complete($node, 'damage undone');
$node->stop;
done_testing();
