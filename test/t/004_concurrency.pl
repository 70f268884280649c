# Sessions that insert, update, delete, vacuum, build and look at once.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

my $node = start_server('concurrency', 'max_parallel_maintenance_workers = 2',
	'max_worker_processes = 16', "min_parallel_table_scan_size = '0'");
my $dir = PostgreSQL::Test::Utils::tempdir;
my @tables = (
	{ name => 't_l2', dims => 3, metric => 'l2' },
	{ name => 't_ip', dims => 24, metric => 'ip' },
	{ name => 't_code', dims => 64, metric => 'l2' },
	{ name => 't_cosine', dims => 400, metric => 'cosine' },
	{ name => 't_l1', dims => 40, metric => 'l1' });

# pgbench with scripts; each as often as its weight says.
sub start_clients
{
	my ($n, $transactions, %scripts) = @_;
	my ($in, $out) = ('', '');
	my @files;

	for my $name (sort keys %scripts)
	{
		my ($sql, $weight) = @{ $scripts{$name} };

		append_to_file("$dir/$name.sql", $sql) unless -e "$dir/$name.sql";
		push @files, '-f', "$dir/$name.sql\@$weight";
	}
	return {
		out => \$out,
		run => IPC::Run::start(
			[ 'pgbench', '--no-vacuum', '--client', $n, '--jobs', $n,
				'--transactions', $transactions, @files, $node->connstr('postgres') ],
			'<', \$in, '>', \$out, '2>&1')
	};
}

sub finish
{
	my ($clients, $name) = @_;

	ok($clients->{run}->finish, "$name: no client failed") or diag ${ $clients->{out} };
	return;
}

# ---- inserts from an empty index on, against vacuum ----

for my $table (@tables)
{
	my ($name, $dims, $metric) = @$table{qw(name dims metric)};
	my $opclass = OPCLASS->{$metric};
	my $vector = random_vector($dims, 'i');
	my $operator = OPERATOR->{$metric};

	$node->safe_psql('postgres', qq(
		CREATE TABLE $name (id serial PRIMARY KEY, v vector($dims));
		CREATE INDEX ${name}_v ON $name USING hnsw (v $opclass)));
	my $writers = start_clients(5, 50,
		"$name.insert" => [ "INSERT INTO $name (v) SELECT $vector FROM generate_series(1, 4) i;", 6 ],
		"$name.copy" => [ "INSERT INTO $name (v) SELECT v FROM $name WHERE id % 50 = floor(random() * 50) LIMIT 2;", 1 ],
		"$name.update" => [ "UPDATE $name SET v = (SELECT $vector FROM generate_series(1, 1) i) WHERE id = (SELECT id FROM $name ORDER BY random() LIMIT 1);", 2 ],
		"$name.delete" => [ "DELETE FROM $name WHERE id % 40 = floor(random() * 40);", 1 ]);
	my $others = start_clients(2, 15,
		"$name.vacuum" => [ "VACUUM (INDEX_CLEANUP on) $name;", 2 ],
		"$name.check" => [ "SELECT * FROM ruvector.index_check('${name}_v');", 1 ],
		"$name.search" => [ "SET enable_seqscan = off; SELECT id FROM $name ORDER BY v $operator array_fill(0.1::real, ARRAY[$dims])::vector LIMIT 20;", 2 ]);

	finish($writers, "writers of $name");
	finish($others, "vacuum and readers of $name");

	my $query = "array_fill(0.2::real, ARRAY[$dims])::vector";
	is_whole($node, $name, $metric, $query, 'inserts against vacuum');
	$node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP on) $name");
	is_whole($node, $name, $metric, $query, 'vacuumed');
}

# ---- against a fresh index: recall with a pool far smaller than the table ----

{
	my $dims = 24;
	my $vector = random_vector($dims, 'i');
	my $recall = sub {
		return $node->safe_psql('postgres', qq(
			SET hnsw.ef_search = 40;
			CREATE TEMP TABLE q AS SELECT i, (SELECT array_agg(sin(i * 12.9898 + d * 78.233))::vector($dims)
				FROM generate_series(1, $dims) d) AS v FROM generate_series(1, 40) i;
			SET enable_indexscan = off;
			CREATE TEMP TABLE exact AS SELECT i, (SELECT array_agg(id) FROM
				(SELECT id FROM r ORDER BY r.v <-> q.v LIMIT 10) x) AS ids FROM q;
			SET enable_indexscan = on; SET enable_seqscan = off; SET enable_sort = off;
			CREATE TEMP TABLE found AS SELECT i, (SELECT array_agg(id) FROM
				(SELECT id FROM r ORDER BY r.v <-> q.v LIMIT 10) x) AS ids FROM q;
			SELECT avg((SELECT count(*) FROM unnest(e.ids) a WHERE a = ANY (f.ids)) / 10.0)
			FROM exact e JOIN found f USING (i)));
	};

	$node->safe_psql('postgres', qq(
		CREATE TABLE r (id serial PRIMARY KEY, v vector($dims));
		CREATE INDEX r_v ON r USING hnsw (v vector_l2_ops)));
	my $writers = start_clients(4, 40,
		'r.insert' => [ "INSERT INTO r (v) SELECT $vector FROM generate_series(1, 25) i;", 8 ],
		'r.delete' => [ 'DELETE FROM r WHERE id % 60 = floor(random() * 60);', 1 ]);
	my $vacuum = start_clients(1, 10, 'r.vacuum' => [ "VACUUM (INDEX_CLEANUP on) r;", 1 ]);

	finish($writers, 'writers of r');
	finish($vacuum, 'vacuum of r');
	my $lived = $recall->();
	$node->safe_psql('postgres', 'REINDEX INDEX r_v');
	my $fresh = $recall->();
	note "recall $lived, after REINDEX $fresh";
	cmp_ok($lived, '>=', 0.9, 'recall of an index that was written by many');
	cmp_ok($lived, '>=', $fresh - 0.05, 'it is not worse than that of a fresh one');
}

# ---- parallel builds ----

# whole in memory, and with so little that most goes through buffers
for my $memory ('64MB', '4MB')
{
	for my $table (@tables)
	{
		my ($name, $dims, $metric) = @$table{qw(name dims metric)};
		my $opclass = OPCLASS->{$metric};
		my ($out, $err);

		$node->psql('postgres', qq(
			SET maintenance_work_mem = '$memory';
			SET client_min_messages = debug1;
			ALTER TABLE $name SET (parallel_workers = 2);
			DROP INDEX ${name}_v;
			CREATE INDEX ${name}_v ON $name USING hnsw (v $opclass)),
			stdout => \$out, stderr => \$err);
		like($err, qr/using [12] parallel workers/, "$name, $memory: built in parallel");
		is( $node->safe_psql('postgres', qq(
				SELECT rows = (SELECT count(*) FROM $name) FROM ruvector.index_check('${name}_v'))),
			't', "$name, $memory: as many rows as the table");
		is_whole($node, $name, $metric, "array_fill(0.3::real, ARRAY[$dims])::vector",
			"parallel, $memory");
	}
}

# ---- REINDEX CONCURRENTLY and CREATE INDEX CONCURRENTLY under load ----

for my $table (@tables)
{
	my ($name, $dims, $metric) = @$table{qw(name dims metric)};
	my $opclass = OPCLASS->{$metric};
	my $vector = random_vector($dims, 'i');
	my $load = start_clients(3, 40,
		"$name.insert2" => [ "INSERT INTO $name (v) SELECT $vector FROM generate_series(1, 2) i;", 2 ],
		"$name.update" => [ '', 2 ],
		"$name.delete" => [ '', 1 ]);

	$node->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY ${name}_v");
	$node->safe_psql('postgres', "DROP INDEX CONCURRENTLY ${name}_v");
	$node->safe_psql('postgres', "CREATE INDEX CONCURRENTLY ${name}_v ON $name USING hnsw (v $opclass)");
	$node->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY ${name}_v");
	finish($load, "load during REINDEX CONCURRENTLY of $name");
	is_whole($node, $name, $metric, "array_fill(0.4::real, ARRAY[$dims])::vector", 'concurrently');
}

# ---- the check against what takes the table and the index the other way ----

{
	my $checks = start_clients(2, 30, 'd.check' => [ "SELECT * FROM ruvector.index_check('t_l2_v');", 1 ]);
	my $rebuilds = start_clients(1, 30, 'd.reindex' => [ "REINDEX INDEX t_l2_v;", 1 ]);

	finish($checks, 'checks against REINDEX');
	finish($rebuilds, 'REINDEX against checks');
}

unlike(slurp_file($node->logfile), qr/TRAP:|PANIC|is damaged|deadlock|terminated by signal/,
	'nothing crashed, nobody waited for each other');
$node->stop;
done_testing();
