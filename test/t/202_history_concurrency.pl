# Fifty sessions that write one key, sessions that fold meanwhile, backends and
# servers that are killed in the middle: one line of versions for each key,
# nothing lost, nothing twice.  A standby reads the past.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;
use Time::HiRes qw(usleep);

use constant SESSIONS => 50;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = new_server('history', 'max_connections = 100', 'restart_after_crash = on');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION ruvector_delta');

# pgbench: each script of its own number of clients; returns the runs
sub start_clients
{
	my ($clients, $transactions, @scripts) = @_;
	my @files;

	for my $i (0 .. $#scripts)
	{
		my $file = "$dir/" . time() . "_$$" . int(rand(1e9)) . ".sql";

		append_to_file($file, $scripts[$i]);
		push @files, "-f", $file;
	}
	my ($in, $out) = ('', '');
	return {
		out => \$out,
		run => IPC::Run::start(
			[ 'pgbench', '--no-vacuum', '--client', $clients, '--jobs', 2, '--transactions', $transactions, @files, $node->connstr('postgres') ],
			'<', \$in, '>', \$out, '2>&1')
	};
}

sub has_no_faults
{
	my ($name, @tables) = @_;
	my $out = $node->safe_psql('postgres', join("\n", "\\i $FindBin::Bin/../history.sql", '\set ECHO none', '\echo faults:',
			map { "SELECT '$_', * FROM pg_temp.faults('$_') LIMIT 5;" } @tables));

	is($out =~ s/.*^faults:\n?//msr, '', "$name: no invariant is broken");
	return;
}

# ---- fifty sessions, one key ----

# Every change adds one to a dimension, whatever it finds there, so that the
# sum says how many there were; and every session has its own dimension, so
# that the vector says whose are missing.
my $each = 10;
$node->safe_psql('postgres', qq(
	CREATE TABLE eager (id int PRIMARY KEY, v vector(${\SESSIONS}));
	CREATE TABLE lazy (id int PRIMARY KEY, v vector(${\SESSIONS}));
	INSERT INTO eager VALUES (1, array_fill(0::real, ARRAY[${\SESSIONS}]));
	INSERT INTO lazy VALUES (1, array_fill(1::real, ARRAY[${\SESSIONS}]));
	CREATE FUNCTION one(dim int) RETURNS vector LANGUAGE sql AS
		'SELECT array_agg((i = dim)::int::real ORDER BY i)::vector FROM generate_series(1, ${\SESSIONS}) i';
	SELECT ruvector.track('eager', 'v', max_chain => 16), ruvector.track('lazy', 'v', 'lazy', max_drift => 1000, max_chain => 16);));
my $writers = start_clients(SESSIONS, $each, 'UPDATE eager SET v = v + one(:client_id + 1) WHERE id = 1;');
ok($writers->{run}->finish, 'eager: no client failed') or diag ${ $writers->{out} };
is( $node->safe_psql('postgres', 'SELECT max(version), count(*) FROM eager_v_log'),
	join('|', (SESSIONS * $each + 1) x 2), 'eager: as many versions as changes');
is( $node->safe_psql('postgres', "SELECT v = array_fill($each, ARRAY[${\SESSIONS}])::vector FROM eager"), 't', 'eager: nobody\'s are missing');
is( $node->safe_psql('postgres', q(
		SELECT count(*) FROM ruvector.history('eager', 1) WHERE (SELECT sum(x) FROM unnest(vector::real[]) x) <> version - 1)),
	0, 'eager: each version has one change more than the one before');

# Deltas that assign are not sums; an offset is one, and does not ask what it
# finds.  All sessions add to all dimensions, some fold.
$writers = start_clients(SESSIONS, $each, q(SELECT ruvector.apply('lazy', 1, '+1');));
my $folders = start_clients(2, 20, q(SELECT ruvector.fold('lazy', 1);), q(SELECT ruvector.fold_all('lazy');));
ok($writers->{run}->finish, 'lazy: no client failed') or diag ${ $writers->{out} };
ok($folders->{run}->finish, 'lazy: no fold failed') or diag ${ $folders->{out} };
my $applied = SESSIONS * $each;
is( $node->safe_psql('postgres', q(SELECT count(*) FILTER (WHERE op = 'u'), count(*) FILTER (WHERE op NOT IN ('b', 'u', 'f')), count(*) = max(version) FROM lazy_v_log)),
	"$applied|0|t", 'lazy: as many versions as deltas, besides folds');
is( $node->safe_psql('postgres', "SELECT ruvector.vector('lazy', 1) = array_fill($applied + 1, ARRAY[${\SESSIONS}])::vector"),
	't', 'lazy: every delta counts, once');
cmp_ok($node->safe_psql('postgres', q(SELECT count(*) FROM lazy_v_log WHERE op = 'f' OR version = base)), '>', $applied / 20, 'lazy: it was folded often');
has_no_faults('one key', 'eager', 'lazy');

# ---- many keys, everything at once, tags in between ----

# What a tag holds is written down by the transaction that makes it, from the
# same snapshot.
$node->safe_psql('postgres', q(
	CREATE TABLE seen (tag text, rel text, id int, v vector(4));
	CREATE TABLE many (id int PRIMARY KEY, v vector(4));
	CREATE TABLE many_lazy (id int PRIMARY KEY, v vector(4));
	INSERT INTO many SELECT i, ARRAY[i, 1, 1, 1] FROM generate_series(1, 30) i;
	INSERT INTO many_lazy SELECT * FROM many;
	SELECT ruvector.track('many', 'v', max_chain => 8), ruvector.track('many_lazy', 'v', 'lazy', max_drift => 1, max_chain => 8);
	CREATE FUNCTION write_down(name text) RETURNS void LANGUAGE sql AS $$
		SELECT ruvector.tag(name);
		INSERT INTO seen SELECT name, 'many', * FROM many;
		INSERT INTO seen SELECT name, 'many_lazy', * FROM many_lazy_current $$;));
my $load = start_clients(10, 60,
	'\set id random(1, 30)
	UPDATE many SET v = v + \'[0,1,0,0]\' WHERE id = :id;
	SELECT ruvector.apply(\'many_lazy\', id, \'+1\') FROM many_lazy WHERE id = :id;',
	'\set id random(1, 30)
	BEGIN;
	UPDATE many SET v = v + \'[0,0,1,0]\' WHERE id = :id;
	UPDATE many_lazy SET v = ruvector.vector(\'many_lazy\', id) + \'[0,0,0.1,0]\' WHERE id = :id;
	COMMIT;',
	'\set id random(1, 30)
	DELETE FROM many WHERE id = :id;
	INSERT INTO many VALUES (:id, \'[1,2,3,4]\') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
	SELECT ruvector.fold_all(\'many_lazy\', at_most => 3);',
	'\set id random(1, 30)
	INSERT INTO many_lazy VALUES (:id, \'[4,3,2,1]\') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;');
my $tags = start_clients(1, 12, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT write_down(\'t\' || pg_current_xact_id()::text); COMMIT;');
ok($tags->{run}->finish, 'many keys: no tag failed') or diag ${ $tags->{out} };
$load->{run}->finish;
unlike(${ $load->{out} }, qr/ERROR(?!.*(?:deadlock detected|has no row with key))/, 'many keys: no client failed')
  or diag ${ $load->{out} };
unlike(${ $load->{out} }, qr/deadlock/, 'many keys: nobody waited in a circle');
is( $node->safe_psql('postgres', q(
		SELECT count(DISTINCT tag), count(*) FILTER (WHERE vector_send(s.v) IS DISTINCT FROM vector_send(ruvector.get_at(rel::regclass, id, tag)))
		FROM seen s)), '12|0', 'many keys: tags hold what was committed, all of it and nothing else');
is( $node->safe_psql('postgres', q(
		SELECT count(*) FROM (SELECT DISTINCT tag, rel FROM seen) t
		WHERE (SELECT count(*) FROM seen s WHERE s.tag = t.tag AND s.rel = t.rel)
			<> CASE rel WHEN 'many' THEN (SELECT count(*) FROM many_as_of(tag)) ELSE (SELECT count(*) FROM many_lazy_as_of(tag)) END)),
	0, 'many keys: and as many rows');
has_no_faults('many keys', 'many', 'many_lazy');

# ---- killed in the middle ----

# What was committed, each session knows; killed ones may have one more.
$node->safe_psql('postgres', q(
	CREATE TABLE counted (id int PRIMARY KEY, v vector(2));
	INSERT INTO counted SELECT i, '[1,1]' FROM generate_series(1, 4) i;
	SELECT ruvector.track('counted', 'v', 'lazy', max_drift => 1e9, max_chain => 5);
	CREATE TABLE ledger (id int, n serial);));
for my $point ('history-between-log-and-row', 'history-after-row')
{
	for my $how ('', ':panic')
	{
		my $before = $node->safe_psql('postgres', q(SELECT count(*), ruvector.vector('counted', 1) FROM counted_v_log WHERE id = 1));
		my $statement = qq(SET ruvector.debug_point = '$point$how'; SELECT ruvector.fold('counted', 1););

		$node->safe_psql('postgres', q(SELECT ruvector.apply('counted', 1, '+1')))
		  unless $node->safe_psql('postgres', 'SELECT count(*) FROM counted_v_pending WHERE id = 1');
		$before = $node->safe_psql('postgres', q(SELECT count(*), ruvector.vector('counted', 1) FROM counted_v_log WHERE id = 1));
		if ($how eq '')
		{
			isnt($node->psql('postgres', $statement), 0, "$point: a fold fails there");
		}
		else
		{
			ok(crash_server($node, $statement), "$point: the server crashes there, and comes back");
		}
		is($node->safe_psql('postgres', q(SELECT count(*), ruvector.vector('counted', 1) FROM counted_v_log WHERE id = 1)),
			$before, "$point$how: nothing of it is left");
		has_no_faults("$point$how", 'counted');
	}
}

for my $round (1 .. 4)
{
	my $start = $node->safe_psql('postgres', 'SELECT sum((ruvector.vector(\'counted\', id)::real[])[1]) - (SELECT count(*) FROM ledger) FROM counted');
	my $offset = -s $node->logfile;
	my $run = start_clients(8, 100000,
		'\set id random(1, 4)
		BEGIN; INSERT INTO ledger VALUES (:id); SELECT ruvector.apply(\'counted\', :id, \'+1\'); COMMIT;',
		'SELECT ruvector.fold_all(\'counted\');');

	$node->poll_query_until('postgres', "SELECT count(*) > 40 * $round FROM ledger") or BAIL_OUT('no progress');
	if ($round % 2)
	{
		my $pid = $node->safe_psql('postgres', q(
			SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
			ORDER BY query LIKE '%fold_all%' DESC, state = 'active' DESC LIMIT 1));

		kill 'KILL', $pid;
		for (1 .. 1800)
		{
			last if slurp_file($node->logfile, $offset) =~ /ready to accept connections/;
			usleep(100_000);
		}
		$run->{run}->finish;
	}
	else
	{
		$node->stop('immediate');
		$run->{run}->finish;
		$node->start;
	}
	is($node->safe_psql('postgres', 'SELECT sum((ruvector.vector(\'counted\', id)::real[])[1]) - (SELECT count(*) FROM ledger) FROM counted'),
		$start, "round $round: as many deltas as were committed");
	has_no_faults("round $round", 'counted');
}

# ---- a standby reads ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', q(
	SELECT ruvector.tag('for the standby');
	SELECT ruvector.apply('counted', 1, '+100');
	UPDATE many SET v = '[9,9,9,9]';));
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
for my $question (
	q(SELECT id, ruvector.get_at('counted', id, 'for the standby'::text) FROM counted ORDER BY id),
	q(SELECT id, ruvector.vector('counted', id) FROM counted ORDER BY id),
	q(SELECT * FROM ruvector.search_as_of('many', 'v', '[1,1,1,1]', 10, 'for the standby'::text)),
	q(SELECT * FROM ruvector.search('counted', 'v', '[1,1]', 4)),
	q(SELECT * FROM ruvector.history('many', 7)),
	q(SELECT * FROM many_as_of('for the standby') ORDER BY id),
	q(SELECT * FROM ruvector.changes_between('many', 'for the standby', (SELECT name FROM ruvector.tags ORDER BY at DESC LIMIT 1))),
	q(SELECT ruvector.get_at('many', 7, (SELECT at FROM ruvector.tags WHERE name = 'for the standby'))))
{
	my $answer = $node->safe_psql('postgres', $question);

	is($standby->safe_psql('postgres', $question), $answer, "standby: $question");
}
for my $change (q(SELECT ruvector.apply('counted', 1, '+1')), q(SELECT ruvector.tag('x')), q(SELECT ruvector.fold('counted', 1)))
{
	my ($out, $err);

	isnt($standby->psql('postgres', $change, stdout => \$out, stderr => \$err), 0, "standby: no $change");
	like($err, qr/read-only transaction|during recovery/, 'for that reason');
}
unlike(join("\n", grep { /ERROR|FATAL|PANIC|TRAP|terminated/ } split /\n/, slurp_file($_->logfile)),
	qr/TRAP:|deadlock detected|is damaged|signal 11/, $_->name . ': no inconsistency') for $node, $standby;
$standby->stop;
$node->stop;
done_testing();
