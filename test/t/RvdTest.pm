# What the TAP tests share: servers with the extension, tables of random
# vectors, and the question whether an index tells the truth.
#
# The truth is the table itself.  With ef_search above the number of rows a
# search visits whatever can be reached, so the index must return every row;
# that is how a lost row or a lost part of the graph is noticed.
package RvdTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(new_server start_server crash_server fill check_index
  ids_by_index ids_by_table same_rows is_whole recall random_vector OPERATOR OPCLASS);

use constant OPERATOR =>
  { l2 => '<->', ip => '<#>', cosine => '<=>', l1 => '<+>' };
use constant OPCLASS => {
	l2 => 'vector_l2_ops',
	ip => 'vector_ip_ops',
	cosine => 'vector_cosine_ops',
	l1 => 'vector_l1_ops'
};

# A server that is not started yet; further settings as lines.
sub new_server
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 1, extra => ['--no-sync']);
	$node->append_conf('postgresql.conf', join("\n",
		"autovacuum = off",
		"shared_buffers = 64MB",
		"max_wal_size = 1GB",
		"checkpoint_timeout = 1h",
		"dynamic_shared_memory_type = mmap",
		"jit = off",
		@settings, ''));
	return $node;
}

sub start_server
{
	my $node = new_server(@_);

	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION ruvector_delta');
	return $node;
}

# Runs SQL that takes the server down, and waits until it is up again; for
# servers with restart_after_crash = on.
sub crash_server
{
	my ($node, $sql) = @_;
	my $offset = -s $node->logfile;

	$node->psql('postgres', $sql);
	for (1 .. 1800)
	{
		return 1
		  if slurp_file($node->logfile, $offset) =~ /ready to accept connections/;
		usleep(100_000);
	}
	return 0;
}

# A random vector as an SQL expression; "salt" makes it differ by row.
sub random_vector
{
	my ($dims, $salt) = @_;

	return "(SELECT array_agg(random() * 2 - 1)::vector($dims)"
	  . " FROM generate_series(1, $dims) WHERE $salt IS NOT NULL)";
}

# Appends rows with the ids $from to $to.
sub fill
{
	my ($node, $table, $dims, $from, $to) = @_;

	$node->safe_psql('postgres',
		"INSERT INTO $table SELECT i, "
		  . random_vector($dims, 'i')
		  . " FROM generate_series($from, $to) i");
}

# Does index_check find every invariant kept?  Orphans are counted, not
# forbidden; the number is returned, -1 for a damaged index.
sub check_index
{
	my ($node, $index, $name, $database) = @_;
	my ($orphans, $stderr) = ('', '');
	my $status = $node->psql($database // 'postgres',
		"SELECT orphans FROM ruvector.index_check('$index')",
		stdout => \$orphans,
		stderr => \$stderr);

	is($stderr, '', "$name: index_check of $index");
	return $status == 0 ? $orphans : -1;
}

# The ids that the index returns for a query, nearest first.
sub ids_by_index
{
	my ($node, $table, $metric, $query, $limit, $database) = @_;
	my $operator = OPERATOR->{$metric};
	my $out = $node->safe_psql($database // 'postgres', qq(
		SET enable_seqscan = off;
		SET enable_bitmapscan = off;
		SET enable_sort = off;
		SET hnsw.ef_search = 1000;
		EXPLAIN (COSTS off) SELECT id FROM $table ORDER BY v $operator $query LIMIT $limit;
		SELECT 'ids:';
		SELECT id FROM $table ORDER BY v $operator $query LIMIT $limit;));
	my ($plan, $ids) = split /^ids:\n?/m, $out;

	die "not an index scan:\n$plan" unless $plan =~ /Order By: \(v /;
	return [ split /\n/, $ids // '' ];
}

# The same from the table alone.
sub ids_by_table
{
	my ($node, $table, $metric, $query, $limit, $database) = @_;
	my $operator = OPERATOR->{$metric};

	return [
		split /\n/,
		$node->safe_psql($database // 'postgres', qq(
		SET enable_indexscan = off;
		SET enable_indexonlyscan = off;
		SELECT id FROM $table ORDER BY v $operator $query LIMIT $limit))
	];
}

# Does the index return the rows of the table, all of them, and no other?
# $orphans rows may be missing.
sub same_rows
{
	my ($node, $table, $metric, $query, $name, $orphans, $database) = @_;
	my %expected =
	  map { $_ => 1 } @{ ids_by_table($node, $table, $metric, $query, 'ALL', $database) };
	my $found = ids_by_index($node, $table, $metric, $query, 'ALL', $database);
	my %found = map { $_ => 1 } @$found;
	my @missing = grep { !$found{$_} } sort { $a <=> $b } keys %expected;
	my @wrong = grep { !$expected{$_} } @$found;

	ok( @missing <= ($orphans // 0) && !@wrong && @$found == keys %found,
		"$name: the index returns the rows of $table")
	  or diag(sprintf '%d of %d rows missing (%s), %d wrong (%s), %d twice',
		scalar @missing, scalar keys %expected, join(' ', @missing[ 0 .. ($#missing < 9 ? $#missing : 9) ]),
		scalar @wrong, join(' ', @wrong),
		scalar(@$found) - scalar(keys %found));
	return;
}

# The index of the table, named after it, is sound, nothing is cut off, and it
# returns what the table holds.  Slots of ids alone rank no neighbour, and their
# entry table is small: there a search may miss a node or two.
sub is_whole
{
	my ($node, $table, $metric, $query, $name, $database) = @_;
	my $orphans = check_index($node, "${table}_v", $name, $database);

	cmp_ok($orphans, '<=', $metric eq 'l1' ? 5 : 0, "$name: no orphan in $table");
	same_rows($node, $table, $metric, $query, $name, $orphans, $database);
	return;
}

# Share of the true nearest $limit rows among those of the index, over the
# vectors of some rows moved a little.
sub recall
{
	my ($node, $table, $metric, $dims, $limit, $queries) = @_;
	my ($hits, $all) = (0, 0);

	for my $q (1 .. $queries // 5)
	{
		my $query = "'["
		  . join(',', map { sprintf '%.4f', sin($_ * 12.9898 + $q * 78.233) } 1 .. $dims)
		  . "]'::vector";
		my %true = map { $_ => 1 } @{ ids_by_table($node, $table, $metric, $query, $limit) };

		$hits += grep { $true{$_} } @{ ids_by_index($node, $table, $metric, $query, $limit) };
		$all += keys %true;
	}
	return $all ? $hits / $all : 1;
}

1;
