# A stream of changing embeddings, replayed into an eager and a lazy column:
# every version of every document, and all documents at every tag, are bit for
# bit what the file says.  Before and after folding, compaction, a crash, dump
# and restore into another cluster, and pg_upgrade.
#
# RVD_EVENTS=path replays another file of the same format.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

use constant { DIMS => 384, CREATE => 0, DELETE => 2 };

my $events = $ENV{RVD_EVENTS} // "$FindBin::Bin/../data/docs384.events";
my $dir = PostgreSQL::Test::Utils::tempdir;

# ---- the truth, from the file ----

# Writes what is to be loaded: changes as text, vectors in COPY's binary form.
# The version of a document is counted here, too.  Returns the number of events.
sub read_events
{
	my ($changes, $vectors) = @_;
	my $data = slurp_file($events);
	my ($n, $offset, %vector, %version) = (0, 0);

	open my $text, '>', $changes or die $!;
	open my $binary, '>:raw', $vectors or die $!;
	print $binary "PGCOPY\n\377\r\n\0", pack('N2', 0, 0);
	while ($offset < length $data)
	{
		my ($doc, $author, undef, $kind, $count) = unpack("\@$offset V V q< C v", $data);
		my @pairs = unpack('@' . ($offset + 19) . '(v f<)' . $count, $data);
		my @dims = map { $_ % 2 ? () : $pairs[$_] + 1 } 0 .. $#pairs;
		my @values = map { $_ % 2 ? sprintf('%.9g', $pairs[$_]) : () } 0 .. $#pairs;
		my $before = $vector{$doc};

		$offset += 19 + 6 * $count;
		$n++;
		if ($kind == DELETE)
		{
			delete $vector{$doc};
		}
		else
		{
			my $v = $kind == CREATE ? "\0" x (4 * DIMS) : $before;

			substr($v, 4 * ($dims[$_] - 1), 4) = pack('f>', $pairs[ 2 * $_ + 1 ]) for 0 .. $#dims;
			$vector{$doc} = $v;
		}
		$version{$doc}++
		  unless defined $before && $kind != DELETE && $before eq $vector{$doc};
		print $text join("\t", $n, $doc, $author, $kind, $version{$doc},
			'{' . join(',', @dims) . '}', '{' . join(',', @values) . '}'), "\n";
		print $binary pack('n N2', 2, 4, $n),
		  $kind == DELETE
		  ? pack('N', 0xFFFFFFFF)
		  : pack('N n2 a*', 4 + 4 * DIMS, DIMS, 0, $vector{$doc});
	}
	print $binary pack('n', 0xFFFF);
	close $text;
	close $binary;
	return $n;
}

my $n = read_events("$dir/changes", "$dir/vectors");
my $every = int($n / 12);                # a tag
my @parts = map { int($n * $_) } (0.4, 0.8, 0.9, 1);
note "$n events, a tag every $every";

my $node = start_server('replay');

$node->safe_psql('postgres', qq(
	CREATE TABLE events (n int PRIMARY KEY, doc int, author int, kind int, version int, dims int[], new_values real[],
		lazy_version int, tag text);
	CREATE TABLE vectors (n int PRIMARY KEY, v vector(${\DIMS}));
	\\copy events (n, doc, author, kind, version, dims, new_values) FROM '$dir/changes'
	\\copy vectors FROM '$dir/vectors' WITH (FORMAT binary)
	CREATE TABLE docs (doc int PRIMARY KEY, v vector(${\DIMS}));
	CREATE TABLE lazy (doc int PRIMARY KEY, v vector(${\DIMS}));
	ANALYZE events;
	ANALYZE vectors;
	SELECT ruvector.track('docs', 'v'), ruvector.track('lazy', 'v', 'lazy');));

# What happens, one statement a version; the deltas of the lazy column are
# those of the file.
$node->safe_psql('postgres', q{
	CREATE PROCEDURE replay(first int, last int, every int) LANGUAGE plpgsql AS $$
	DECLARE
		e record;
	BEGIN
		FOR e IN SELECT * FROM events JOIN vectors USING (n) WHERE n BETWEEN first AND last ORDER BY n LOOP
			PERFORM set_config('ruvector.actor', e.author::text, false);
			IF e.kind = 0 THEN
				INSERT INTO docs VALUES (e.doc, e.v);
				INSERT INTO lazy VALUES (e.doc, e.v);
			ELSIF e.kind = 1 THEN
				UPDATE docs SET v = e.v WHERE doc = e.doc;
				PERFORM ruvector.apply('lazy', e.doc, delta_sparse(e.dims, e.new_values, 384));
			ELSE
				DELETE FROM docs WHERE doc = e.doc;
				DELETE FROM lazy WHERE doc = e.doc;
			END IF;
			UPDATE events SET lazy_version = (SELECT max(version) FROM lazy_v_log l WHERE l.doc = e.doc) WHERE n = e.n;
			IF e.n % every = 0 THEN
				COMMIT;
				PERFORM ruvector.tag('after ' || e.n);
				UPDATE events SET tag = 'after ' || e.n WHERE n = e.n;
				COMMIT;
			ELSIF e.n % 50 = 0 THEN
				COMMIT;
			END IF;
		END LOOP;
	END $$;

	-- versions that are not what they should be, of how many
	CREATE FUNCTION wrong_versions(OUT wrong bigint, OUT compared bigint) LANGUAGE sql AS $$
		SELECT count(*) FILTER (WHERE vector_send(x.found) IS DISTINCT FROM vector_send(x.v)), count(*)
		FROM (SELECT ruvector.get_at('docs', doc, version) AS found, v
			FROM events JOIN vectors USING (n) JOIN docs_v_log USING (doc, version)
			UNION ALL
			SELECT ruvector.get_at('lazy', doc, lazy_version), v
			FROM events e JOIN vectors USING (n) JOIN lazy_v_log l USING (doc) WHERE l.version = e.lazy_version) x
	$$;

	-- documents that are not what they should be, at a tag or after an event
	CREATE FUNCTION wrong_documents(query text, after int, OUT wrong bigint, OUT compared bigint) LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('SELECT count(*) FILTER (WHERE f.doc IS NULL OR t.doc IS NULL OR vector_send(f.v) IS DISTINCT FROM vector_send(t.v)),
				count(*)
			FROM (%s) f FULL JOIN (SELECT doc, v FROM (SELECT DISTINCT ON (doc) n, doc, kind FROM events WHERE n <= %s ORDER BY doc, n DESC) e
				JOIN vectors USING (n) WHERE kind <> 2) t USING (doc)', query, after) INTO wrong, compared;
	END $$;
	CREATE FUNCTION wrong_at_tags(OUT tags bigint, OUT wrong numeric, OUT fewest bigint) LANGUAGE sql AS $$
		SELECT count(DISTINCT tag), sum(w.wrong), min(w.compared)
		FROM (SELECT e.n, e.tag FROM events e JOIN ruvector.tags t ON t.name = e.tag) e, unnest('{docs,lazy}'::text[]) rel,
			wrong_documents(format('SELECT doc, v FROM %s_as_of(%L)', rel, tag), n) w
	$$;});

# ---- the questions ----

# All of them, under a name.
sub compare
{
	my ($server, $name, $last) = @_;
	my ($wrong, $compared) = split /\|/, $server->safe_psql('postgres', 'SELECT * FROM wrong_versions()');
	my ($tags, $wrong_at, $fewest) = split /\|/, $server->safe_psql('postgres', 'SELECT * FROM wrong_at_tags()');
	my $kept = $server->safe_psql('postgres', "SELECT count(*) FROM ruvector.tags WHERE name LIKE 'after %'");

	is($wrong, 0, "$name: $compared versions are what they were");
	cmp_ok($compared, '>', $last / 2, "$name: not few of them");
	is("$tags|$wrong_at", "$kept|0", "$name: all documents at $kept tags are what they were");
	cmp_ok($fewest, '>', 10, "$name: not few of them");
	for my $now ('SELECT doc, v FROM docs', 'SELECT doc, v FROM lazy_current')
	{
		like($server->safe_psql('postgres', "SELECT * FROM wrong_documents('$now', $last)"), qr/^0\|\d{2,}$/, "$name: $now");
	}
	return;
}

sub replay
{
	my ($server, $from, $to) = @_;

	$server->safe_psql('postgres', "CALL replay($from + 1, $to, $every)");
	return;
}

# The invariants that the regression tests look at.
sub has_no_faults
{
	my ($server, $name) = @_;
	my $out = $server->safe_psql('postgres', qq(
		\\i $FindBin::Bin/../history.sql
		\\set ECHO none
		\\echo faults:
		SELECT * FROM pg_temp.faults('docs') LIMIT 10;
		SELECT * FROM pg_temp.faults('lazy') LIMIT 10;));

	is($out =~ s/.*^faults:\n?//msr, '', "$name: no invariant is broken");
	return;
}

# ---- one cluster ----

replay($node, 0, $parts[0]);
compare($node, 'replayed', $parts[0]);
is( $node->safe_psql('postgres', "SELECT count(*) FROM docs_v_log l JOIN events e USING (doc, version) WHERE e.n <= $parts[0] AND actor <> author::text"),
	0, 'authors are those of the file');
has_no_faults($node, 'replayed');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM lazy_v_pending'), '>', 10, 'the lazy column is behind');
cmp_ok($node->safe_psql('postgres', "SELECT ruvector.fold_all('lazy')"), '>', 10, 'and brought up to date');
is($node->safe_psql('postgres', "SELECT * FROM wrong_documents('SELECT doc, v FROM lazy', $parts[0])") =~ s/\|.*//r, 0,
	'folded: the column itself');
compare($node, 'folded', $parts[0]);

replay($node, $parts[0], $parts[1]);
$node->stop('immediate');
$node->start;
compare($node, 'after a crash', $parts[1]);
has_no_faults($node, 'after a crash');

# named tags are kept: three of them are not any more
my $removed = $node->safe_psql('postgres', q(
	DELETE FROM ruvector.tags WHERE name IN (SELECT name FROM ruvector.tags ORDER BY at LIMIT 3);
	SELECT ruvector.set_retention(t, keep_age => '0') FROM unnest('{docs,lazy}'::regclass[]) t;
	SELECT sum(ruvector.compact(t)) FROM unnest('{docs,lazy}'::regclass[]) t)) =~ s/.*\n//sr;
cmp_ok($removed, '>', $n / 20, "compaction took $removed versions");
compare($node, 'compacted', $parts[1]);
has_no_faults($node, 'compacted');
is($node->safe_psql('postgres', q(
	SELECT sum(ruvector.compact(t)) FROM unnest('{docs,lazy}'::regclass[]) t)), 0, 'and has no more to take');

# ---- another cluster: its transaction ids are others ----

# Goes on there, and asks about both.
sub go_on
{
	my ($server, $name, $from, $to, $era) = @_;
	my $tags = $server->safe_psql('postgres', 'SELECT count(*) FROM ruvector.tags');

	compare($server, "$name, before it is written to", $from);
	replay($server, $from, $to);
	$server->safe_psql('postgres', "SELECT ruvector.tag('after $to'); UPDATE events SET tag = 'after $to' WHERE n = $to")
	  unless $to % $every == 0;
	compare($server, "$name, and more", $to);
	has_no_faults($server, $name);
	is($server->safe_psql('postgres', 'SELECT max(era), count(DISTINCT system_identifier) FROM ruvector.era'),
		"$era|$era", "$name: an era of its own");
	cmp_ok($server->safe_psql('postgres', 'SELECT count(*) FROM ruvector.tags'), '>', $tags, "$name: with tags");
	return;
}

my $other = new_server('restored', 'track_commit_timestamp = on');
$other->start;
$node->command_ok([ 'pg_dump', '--format=custom', '--file', "$dir/dump", $node->connstr('postgres') ], 'pg_dump');
$other->command_ok([ 'pg_restore', '--exit-on-error', '--dbname', $other->connstr('postgres'), "$dir/dump" ], 'pg_restore');
cmp_ok($other->safe_psql('postgres', 'SELECT pg_current_xact_id()'), '<',
	$node->safe_psql('postgres', 'SELECT max(xid::text::bigint) FROM docs_v_log'),
	'transaction ids of the log are of the future here');
go_on($other, 'restored', $parts[1], $parts[2], 2);
for my $tag (split /\n/, $other->safe_psql('postgres', 'SELECT name FROM ruvector.tags ORDER BY at'))
{
	is($other->safe_psql('postgres', qq(
		SELECT (ruvector.resolve(at)).method, w.wrong FROM ruvector.tags t,
			wrong_documents(format('SELECT doc, v FROM docs_as_of(%L::timestamptz)', at), (SELECT n FROM events e WHERE e.tag = t.name)) w
		WHERE name = '$tag')), 'commit time|0', "restored: the time of \"$tag\", which may be before the restore");
}
$other->safe_psql('postgres', 'ALTER TABLE docs RENAME v TO embedding');
is($other->safe_psql('postgres', q(SELECT "column" FROM ruvector.tracked WHERE rel = 'docs'::regclass)), 'embedding',
	'restored: names follow there, too');
$other->safe_psql('postgres', 'ALTER TABLE docs RENAME embedding TO v');
is($other->safe_psql('postgres', q(SELECT count(*) FROM ruvector.tags WHERE creator <> current_user)), 0, 'restored: tags are whose they were');
$node->stop;

# ---- pg_upgrade ----

SKIP:
{
	my $bindir = $other->config_data('--bindir');
	my $upgraded = new_server('upgraded', 'track_commit_timestamp = on');

	skip 'no pg_upgrade', 1 unless -x "$bindir/pg_upgrade";
	$other->stop;
	command_ok(
		[ 'pg_upgrade', '--old-bindir', $bindir, '--new-bindir', $bindir, '--old-datadir', $other->data_dir,
			'--new-datadir', $upgraded->data_dir, '--old-port', $other->port, '--new-port', $upgraded->port,
			'--socketdir', $upgraded->host ],
		'pg_upgrade');
	$upgraded->start;
	go_on($upgraded, 'upgraded', $parts[2], $parts[3], 3);
	$upgraded->stop;
}

done_testing();
