# Bytes of an index that nobody wrote.  Whatever they are, scans, inserts,
# vacuum and the check give an error of corruption or an answer; the server
# lives, and nothing runs for ever.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

use constant BLOCK => 8192;
use constant CONTENTS => 24;

my $seed = $ENV{RVD_SEED} // 20240601;
my $rounds = $ENV{RVD_ROUNDS} // 4;
srand($seed);
note "RVD_SEED=$seed RVD_ROUNDS=$rounds";

# The kinds of slots: vectors, codes of 4, 2 and 1 bits, ids.
my @shapes = (
	[ 3, 'l2' ], [ 24, 'ip' ], [ 64, 'l2' ], [ 150, 'ip' ],
	[ 400, 'cosine' ], [ 40, 'l1' ], [ 5, 'l1' ]);
my $copies = 6;
my $rows = 100;
my $node = start_server('damage');
my @tables;

for my $copy (1 .. $copies)
{
	for my $shape (@shapes)
	{
		my ($dims, $metric) = @$shape;

		push @tables, { name => "t_${metric}_${dims}_$copy", dims => $dims, metric => $metric };
	}
}

# (Re)creates every table, with dead rows for vacuum to find.
sub make_tables
{
	my $sql = '';

	for my $table (@tables)
	{
		my ($name, $dims) = @$table{qw(name dims)};
		my $opclass = OPCLASS->{ $table->{metric} };
		my $vector = random_vector($dims, 'i');

		$sql .= qq(
			DROP TABLE IF EXISTS $name;
			CREATE TABLE $name (id int PRIMARY KEY, v vector($dims));
			INSERT INTO $name SELECT i, $vector FROM generate_series(1, $rows) i;
			CREATE INDEX ${name}_v ON $name USING hnsw (v $opclass);
			DELETE FROM $name WHERE id % 5 = 0;);
	}
	$node->safe_psql('postgres', $sql);
	for my $table (@tables)
	{
		$table->{file} = $node->data_dir . '/'
		  . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$table->{name}_v')");
	}
	return;
}

# ---- damage ----

sub read_file
{
	my ($path) = @_;

	open(my $file, '<:raw', $path) or die "$path: $!";
	local $/;
	my $bytes = <$file>;
	close $file;
	return $bytes;
}

sub write_file
{
	my ($path, $bytes) = @_;

	open(my $file, '>:raw', $path) or die "$path: $!";
	print $file $bytes;
	close $file or die "$path: $!";
	return;
}

# Where the record of a slot begins; from the metapage as it was written.
sub record_at
{
	my ($table, $block, $slot) = @_;

	return $block * BLOCK + CONTENTS + $slot * $table->{record_bytes};
}

sub random_node
{
	my ($table, $bytes) = @_;
	my $blocks = length($bytes) / BLOCK;

	return record_at($table, 2 + int rand($blocks - 2), int rand $table->{per_page});
}

sub poke
{
	my ($bytes, $at, $value) = @_;

	substr($$bytes, $at, length $value) = $value;
	return;
}

sub random_bytes
{
	my ($n) = @_;

	return join '', map { chr int rand 256 } 1 .. $n;
}

# Numbers that arithmetic stumbles over.
my @odd_floats = map { pack 'f<', $_ } 'nan', 'inf', '-inf', -1, 0, 3e38, 1e-40;
my @odd_bytes = map { chr } 0, 1, 2, 3, 10, 11, 127, 128, 255;

# Each takes a reference to the file's bytes and the table; by name, because
# a failure is reported with it.
my %damage = (
	'a byte' => sub {
		my ($bytes) = @_;
		poke($bytes, int rand length $$bytes, random_bytes(1));
	},
	'ten bytes' => sub {
		my ($bytes) = @_;
		poke($bytes, int rand(length($$bytes) - 10), random_bytes(1)) for 1 .. 10;
	},
	'a run of bytes' => sub {
		my ($bytes) = @_;
		my $n = 1 + int rand 300;
		poke($bytes, int rand(length($$bytes) - $n), random_bytes($n));
	},
	'metapage' => sub {
		my ($bytes) = @_;
		poke($bytes, CONTENTS + int rand 40, $odd_bytes[ rand @odd_bytes ]);
	},
	'ef_construction' => sub {
		my ($bytes) = @_;
		poke($bytes, CONTENTS + 22, pack 'v', (0, 1, 65535)[ rand 3 ]);
	},
	'page header' => sub {
		my ($bytes) = @_;
		my $block = int rand(length($$bytes) / BLOCK);
		# lower, upper, special: any that the server itself lets pass
		poke($bytes, $block * BLOCK + 12, pack 'v*', @{ ([ 24, 8184, 8184 ],
			[ 24, 24, 8184 ], [ 0, 0, 8184 ], [ 100, 5000, 8184 ],
			[ 24, 8000, 8000 ], [ 24, 8192, 8192 ], [ 8184, 8184, 8184 ])[ rand 7 ] });
	},
	'special space' => sub {
		my ($bytes) = @_;
		my $block = int rand(length($$bytes) / BLOCK);
		poke($bytes, $block * BLOCK + BLOCK - 8 + int rand 8, $odd_bytes[ rand @odd_bytes ]);
	},
	'entry count' => sub {
		my ($bytes) = @_;
		poke($bytes, BLOCK + CONTENTS + 4, pack 'V', (0, 1, 5, 254, 255, 256, 4294967295)[ rand 7 ]);
	},
	'entries' => sub {
		my ($bytes) = @_;
		poke($bytes, BLOCK + CONTENTS + 8 + int rand 2000, random_bytes(1 + int rand 40));
	},
	'state and counts' => sub {
		my ($bytes, $table) = @_;
		for (1 .. 20)
		{
			poke($bytes, random_node($table, $$bytes) + int rand 4, $odd_bytes[ rand @odd_bytes ]);
		}
	},
	'own id' => sub {
		my ($bytes, $table) = @_;
		poke($bytes, random_node($table, $$bytes) + 4, random_bytes(4)) for 1 .. 5;
	},
	'factors of a node' => sub {
		my ($bytes, $table) = @_;
		poke($bytes, random_node($table, $$bytes) + 8 + 4 * int rand 4, $odd_floats[ rand @odd_floats ])
		  for 1 .. 20;
	},
	'diverse bits' => sub {
		my ($bytes, $table) = @_;
		poke($bytes, random_node($table, $$bytes) + 24, random_bytes(8)) for 1 .. 20;
	},
	'vectors, links and rows' => sub {
		my ($bytes, $table) = @_;
		for (1 .. 30)
		{
			poke($bytes, random_node($table, $$bytes) + 32 + 4 * int rand(($table->{record_bytes} - 32) / 4),
				rand() < 0.5 ? $odd_floats[ rand @odd_floats ] :
				pack('V', (0, 1, 2, 1e6, 4294967295, 2 * $table->{per_page}, 3 * $table->{per_page} + 1)[ rand 7 ]));
		}
	},
	'rows' => sub {
		my ($bytes, $table) = @_;
		poke($bytes, random_node($table, $$bytes) + $table->{record_bytes} - 6,
			pack('v3', (0, 65535)[ rand 2 ], (0, 1, 500)[ rand 3 ], (0, 1, 300, 65535)[ rand 4 ]))
		  for 1 .. 20;
	},
	'two records change places' => sub {
		my ($bytes, $table) = @_;
		my ($a, $b) = map { random_node($table, $$bytes) } 1 .. 2;
		my $record = substr $$bytes, $a, $table->{record_bytes};
		poke($bytes, $a, substr $$bytes, $b, $table->{record_bytes});
		poke($bytes, $b, $record);
	},
	'a page of zeros' => sub {
		my ($bytes) = @_;
		poke($bytes, BLOCK * int rand(length($$bytes) / BLOCK), "\0" x BLOCK);
	},
	'a page of noise' => sub {
		my ($bytes) = @_;
		my $keep = CONTENTS * int rand 2;    # its header may be good
		poke($bytes, BLOCK * int(rand(length($$bytes) / BLOCK)) + $keep,
			random_bytes(BLOCK - 8 - $keep));
	},
	'a page in the place of another' => sub {
		my ($bytes) = @_;
		my ($a, $b) = map { BLOCK * int rand(length($$bytes) / BLOCK) } 1 .. 2;
		poke($bytes, $a, substr $$bytes, $b, BLOCK);
	},
	'truncated' => sub {
		my ($bytes) = @_;
		$$bytes = substr $$bytes, 0, BLOCK * int rand(length($$bytes) / BLOCK);
	},
	'truncated in a page' => sub {
		my ($bytes) = @_;
		$$bytes = substr $$bytes, 0, int rand length $$bytes;
	},
	'more pages than there were' => sub {
		my ($bytes) = @_;
		$$bytes .= rand() < 0.5 ? "\0" x (3 * BLOCK) : random_bytes(2 * BLOCK);
	});
my @damages = sort keys %damage;

# ---- what is asked of a damaged index ----

sub questions
{
	my ($table) = @_;
	my ($name, $dims) = @$table{qw(name dims)};
	my $operator = OPERATOR->{ $table->{metric} };
	my $query = "array_fill(0.3::real, ARRAY[$dims])::vector";
	my $insert = "INSERT INTO $name SELECT i, " . random_vector($dims, 'i');

	# the last one frees and reuses slots of what is left
	return (
		"SELECT id FROM $name ORDER BY v $operator $query LIMIT 10",
		"SELECT id FROM $name ORDER BY v $operator $query",
		"SET hnsw.iterative_scan = relaxed_order; SELECT id FROM $name ORDER BY v $operator $query",
		"SET hnsw.iterative_scan = strict_order; SELECT id FROM $name ORDER BY v $operator $query",
		"RESET hnsw.iterative_scan; SELECT * FROM ruvector.index_check('${name}_v')",
		"SELECT * FROM ruvector.index_info('${name}_v')",
		(map { "$insert FROM generate_series(" . (1000 + 10 * $_) . ", 10 * $_ + 1009) i" } 1 .. 4),
		"INSERT INTO $name SELECT 5000 + id, v FROM $name WHERE id < 20",
		"VACUUM (INDEX_CLEANUP on) $name",
		"DELETE FROM $name WHERE id % 3 = 0",
		"VACUUM (INDEX_CLEANUP on) $name",
		"$insert FROM generate_series(2000, 2040) i",
		"SELECT id FROM $name ORDER BY v $operator $query",
		"SELECT * FROM ruvector.index_check('${name}_v')");
}

# Errors that damage may lead to.  XX001 is the server's own word for a page
# that it rejects and for a heap block that a damaged TID makes up; one far
# away is a file that does not exist.  A damaged bound on a distance makes the
# executor complain, which is the only one who can know.
my $allowed = qr{^(XX002:\ |XX001:\ (invalid\ page|could\ not\ read\ block)|
	(58P01|XX000):\ could\ not\ open\ file.*target\ block|
	XX000:\ index\ returned\ tuples\ in\ wrong\ order)}x;
my (%seen, %by_damage);

sub ask_all
{
	my ($round) = @_;
	my $script = qq(\\set VERBOSITY verbose
		SET enable_seqscan = off;
		SET enable_bitmapscan = off;
		SET enable_sort = off;
		SET hnsw.ef_search = 300;
		SET statement_timeout = '60s';
		SET client_min_messages = error;\n);
	my ($stdout, $stderr) = ('', '');

	for my $table (@tables)
	{
		my $n = 0;
		$script .= "\\warn \@ $table->{name} " . $n++ . "\n$_;\n" for questions($table);
	}
	$script .= "\\warn \@ end 0\n";
	$node->psql('postgres', $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);

	my ($table, $question) = ('?', 0);
	my @bad;
	for my $line (split /\n/, $stderr)
	{
		if ($line =~ /@ (\S+) (\d+)/)
		{
			($table, $question) = ($1, $2);
		}
		elsif ($line =~ /ERROR:\s+((\w{5}): .*)/)
		{
			my $message = $1;
			$seen{$2}++;
			my ($damaged) = grep { $_->{name} eq $table } @tables;
			$by_damage{ $damaged->{damage} }++;
			push @bad, "$table ($damaged->{damage}), question $question: $message"
			  unless $message =~ $allowed;
		}
		elsif ($line !~ /^(DETAIL|HINT|LOCATION|CONTEXT):/)
		{
			push @bad, "$table: question $question: $line";
		}
	}
	is(join("\n", @bad), '', "round $round: answers and errors of corruption, nothing else");
	like($stderr, qr/@ end 0/, "round $round: the server answered to the end")
	  or diag($stderr);
	return;
}

# ---- the rounds ----

my $turn = 0;
for my $round (1 .. $rounds)
{
	make_tables();
	$node->safe_psql('postgres', 'CHECKPOINT');
	$node->stop;
	for my $table (@tables)
	{
		my $bytes = read_file($table->{file});

		($table->{per_page}, $table->{record_bytes}) = unpack 'v2', substr $bytes, CONTENTS + 30, 4;
		$table->{damage} = $damages[ $turn++ % @damages ];
		$damage{ $table->{damage} }->(\$bytes, $table);
		write_file($table->{file}, $bytes);
	}
	$node->start;
	ask_all($round);
	# what was logged for damaged pages can be replayed, too
	$node->stop('immediate');
	$node->start;
	is($node->safe_psql('postgres', 'SELECT 1'), '1', "round $round: recovery");
}

unlike(slurp_file($node->logfile), qr/TRAP:|PANIC|terminated by signal (?!3)/, 'nothing crashed');
ok($seen{XX002}, "$turn damaged indexes, errors: " . join ', ', map { "$_ $seen{$_}" } sort keys %seen);

# A damaged index is repaired by what the hint says.
my $sound = 0;
for my $table (@tables)
{
	$sound++ if $node->safe_psql('postgres', "REINDEX INDEX $table->{name}_v;
		SELECT orphans <= 5 FROM ruvector.index_check('$table->{name}_v')") eq 't';
}
is($sound, scalar @tables, 'all are sound after REINDEX');

$node->stop;
done_testing();
