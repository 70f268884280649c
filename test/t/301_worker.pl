# Background workers: they find the databases, fold, tag and compact; they may
# be killed at any point of their work; they stand in nobody's way.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RvdTest;
use Test::More;

my $node = new_server('workers', "shared_preload_libraries = 'ruvector_delta'",
	'restart_after_crash = on', 'ruvector.worker_naptime = 100ms',
	'ruvector.worker_discovery = 200ms', 'ruvector.tag_interval = 200ms',
	'ruvector.compact_interval = 300ms',
	# a place for every database: one with much to do keeps its own
	'ruvector.workers = 5');
$node->start;

my $has_points = $node->psql('postgres', 'SHOW ruvector.debug_point') == 0;

sub set_for_all
{
	my ($node, @settings) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET $_") for @settings;
	$node->reload;
	return;
}

# A database with a lazy table of $rows rows, [100, id, id, id] each.
sub make_database
{
	my ($name, $rows, $max_age) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, qq(
		CREATE EXTENSION ruvector_delta;
		CREATE TABLE t (id int PRIMARY KEY, v vector(4));
		INSERT INTO t SELECT i, ARRAY[100, i, i, i] FROM generate_series(1, $rows) i;
		SELECT ruvector.track('t', 'v', 'lazy', max_age => '$max_age')));
	return;
}

# The first dimension of every vector of a condition becomes $value.
sub change
{
	my ($node, $database, $value, $condition) = @_;

	$node->safe_psql($database, "SELECT count(ruvector.apply('t', id, '{1:$value}/4'))
		FROM t WHERE $condition");
	return;
}

sub poll_for
{
	my ($node, $database, $name, $sql) = @_;

	ok($node->poll_query_until($database, $sql), $name)
	  or diag($node->safe_psql('a', 'SELECT * FROM ruvector.worker_status;
		SELECT datname, pid, state, wait_event, query FROM pg_stat_activity'));
	return;
}

# Nothing pending, what the column says is the truth, and it is what was
# written last; no version is missing, and no fold came without a change.
sub is_folded
{
	my ($node, $database, $name, $value, $condition) = @_;

	poll_for($node, $database, "$name: nothing is pending", 'SELECT count(*) = 0 FROM t_v_pending');
	is( $node->safe_psql($database, qq(
			SELECT count(*) FILTER (WHERE v IS DISTINCT FROM ruvector.vector('t', id)),
				count(*) FILTER (WHERE $condition AND v <> ('[$value' || repeat(',' || id, 3) || ']')::vector)
			FROM t)),
		'0|0', "$name: columns hold the truth");
	is( $node->safe_psql($database, q(
			SELECT count(*) FROM (SELECT max(version) - min(version) + 1 <> count(*) AS has_gap FROM t_v_log GROUP BY id) k
			WHERE has_gap)),
		0, "$name: no gap");
	is( $node->safe_psql($database, q(
			SELECT count(*) FROM t_v_log f WHERE op = 'f' AND (base <> version OR EXISTS (
				SELECT FROM t_v_log b WHERE b.id = f.id AND b.version = f.version - 1 AND b.op = 'f')))),
		0, "$name: nothing was folded twice");
	return;
}

# The pid of the worker that a debug point holds.
sub held_worker
{
	my ($node, $point) = @_;
	my $offset = -s $node->logfile;

	$node->safe_psql('postgres', "ALTER DATABASE a SET ruvector.debug_point = '$point:wait'");
	change($node, 'a', 100 + ++$main::turn, 'id <= 30');
	$node->wait_for_log(qr/debug point "$point" waits/, $offset);
	return $node->safe_psql('postgres', q(
		SELECT pid FROM pg_stat_activity WHERE backend_type = 'ruvector worker' AND datname = 'a'));
}

# No worker is held any more: those that began with the setting are gone, and
# one has come through.
sub release
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'ALTER DATABASE a RESET ruvector.debug_point');
	my $moment = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	my $runs = $node->safe_psql('a', q(SELECT coalesce((
		SELECT runs FROM ruvector.worker_status WHERE database = 'a' AND job = 'checkpoint'), 0)));
	$node->poll_query_until('a', qq(
		WITH held AS MATERIALIZED (
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE backend_type = 'ruvector worker' AND datname = 'a' AND backend_start < '$moment')
		SELECT count(*) = 0 AND (
			SELECT runs > $runs FROM ruvector.worker_status WHERE database = 'a' AND job = 'checkpoint')
		FROM held)) or BAIL_OUT('a worker is held');
	return;
}

# ---- two databases, and two without ----

our $turn = 0;
make_database('a', 100, '1 microsecond');
make_database('b', 20, '1 hour');
$node->safe_psql('postgres', 'CREATE DATABASE empty; CREATE DATABASE closed ALLOW_CONNECTIONS false');
poll_for($node, 'a', 'both databases are found, and no other', q(
	SELECT array_agg(DISTINCT database::text ORDER BY database::text) = '{a,b}'
	FROM ruvector.worker_status WHERE job = 'compact' AND runs > 0));
is($node->safe_psql('a', q(SELECT count(*), min(state) FROM ruvector.worker_status WHERE database IS NULL)),
	'1|running', 'there is a launcher');
is( $node->safe_psql('a', q(
		SELECT backend_type FROM pg_stat_activity
		WHERE pid = (SELECT pid FROM ruvector.worker_status WHERE job = 'launcher'))),
	'ruvector launcher', 'which pg_stat_activity knows');

# ---- checkpoint ----

change($node, 'a', ++$turn, 'id > 30') for 1 .. 3;
change($node, 'b', 7, 'id <= 10');
is_folded($node, 'a', 'max_age', $turn, 'id > 30');
is($node->safe_psql('a', q(SELECT DISTINCT actor FROM t_v_log WHERE op = 'f')),
	'ruvector worker', 'the history says who folded');
# drift is beyond max_drift in a; in b nothing is old enough
$node->safe_psql('b', q(SELECT ruvector.set_limits('t', max_drift => 10)));
change($node, 'b', 108, 'id > 10');
is($node->safe_psql('b', 'SELECT count(*) FROM t_v_pending'), 10, 'what is young is pending');
is($node->safe_psql('b', q(SELECT ruvector.set_limits('t', max_chain => 1))), 10, 'a chain that is too long now');
is_folded($node, 'b', 'max_chain', 108, 'id > 10');
$node->safe_psql('b', q(SELECT ruvector.set_limits('t', max_drift => 10, max_chain => 64)));
$node->safe_psql('a', q(SELECT ruvector.set_limits('t', max_drift => 10)));

# ---- tags ----

poll_for($node, 'a', 'a tag sees all that was written', q(
	SELECT NOT EXISTS (SELECT FROM t_v_log l WHERE l.op <> 'f' AND NOT pg_visible_in_snapshot(l.xid, g.snapshot))
	FROM ruvector.tags g WHERE automatic ORDER BY at DESC LIMIT 1));
my $tags = $node->safe_psql('a', 'SELECT count(*) FROM ruvector.tags');
my $runs = $node->safe_psql('a', q(
	SELECT runs + 3 FROM ruvector.worker_status WHERE database = 'a' AND job = 'tag'));
poll_for($node, 'a', 'the job goes on',
	"SELECT runs >= $runs FROM ruvector.worker_status WHERE database = 'a' AND job = 'tag'");
is($node->safe_psql('a', 'SELECT count(*) FROM ruvector.tags'), $tags, 'no tag where nothing was written');
change($node, 'a', ++$turn, 'id = 50');
poll_for($node, 'a', 'a tag where something was', "SELECT count(*) > $tags FROM ruvector.tags");
# a setting of the database reaches the worker at its next visit
$node->safe_psql('a', q(SELECT ruvector.tag('mine')));
$node->safe_psql('postgres', q(ALTER DATABASE a SET ruvector.tag_retention = '1s'));
poll_for($node, 'a', 'old tags go, but for those with names',
	q(SELECT array_agg(name) = '{mine}' FROM ruvector.tags));
$node->safe_psql('a', q(SELECT ruvector.drop_tag('mine')));

# ---- compaction ----

$node->safe_psql('a', q(SELECT ruvector.set_retention('t', keep_age => '0')));
poll_for($node, 'a', 'compaction leaves what is needed',
	'SELECT count(*) = count(DISTINCT id) FROM t_v_log');
is_folded($node, 'a', 'compaction', $turn, 'id = 50');
$node->safe_psql('a', q(SELECT ruvector.set_retention('t')));

# ---- what fails ----

$node->safe_psql('a', q(
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF OLD.id = 1 AND ruvector.content(OLD.v) <> ruvector.content(NEW.v) THEN
			RAISE EXCEPTION 'secret of key %', OLD.id;
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER refuse AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse();
	CREATE ROLE nobody_special));
change($node, 'a', ++$turn, 'id <= 3');
poll_for($node, 'a', 'a failure is told', q(
	SELECT failed > 0 AND last_error = 'secret of key 1' AND failed_at IS NOT NULL
	FROM ruvector.worker_status WHERE database = 'a' AND job = 'checkpoint'));
poll_for($node, 'a', 'and keeps no other key from its turn',
	q(SELECT array_agg(id) = '{1}' FROM t_v_pending));
like(slurp_file($node->logfile), qr/WARNING:  background job "checkpoint" failed at public.t.v: secret of key 1/,
	'it is in the log');
is( $node->safe_psql('a', q(
		SET ROLE nobody_special;
		SELECT DISTINCT last_error FROM ruvector.worker_status WHERE last_error IS NOT NULL)),
	'<insufficient privilege>', 'not everybody may read it');
$node->safe_psql('a', 'DROP TRIGGER refuse ON t');
is_folded($node, 'a', 'the obstacle is gone', $turn, 'id <= 3');

# somebody else's lock
my $psql = $node->background_psql('a');
$psql->query_safe('BEGIN');
$psql->query_safe('SELECT FROM t WHERE id = 60 FOR UPDATE');
change($node, 'a', ++$turn, 'id BETWEEN 59 AND 61');
poll_for($node, 'a', 'a row that is locked has to wait', q(SELECT array_agg(id) = '{60}' FROM t_v_pending));
$psql->query_safe('COMMIT');
$psql->quit;
is_folded($node, 'a', 'the lock is gone', $turn, 'id BETWEEN 59 AND 61');

# ---- killed in the middle of a fold ----

for my $point ($has_points ? qw(history-between-log-and-row history-after-row worker-before-commit) : ())
{
	for my $how ('KILL', 'immediate', 'TERM')
	{
		my $name = "$point, $how";
		my $pid = held_worker($node, $point);
		my $offset = -s $node->logfile;

		if ($how eq 'immediate')
		{
			$node->stop('immediate');
			$node->start;
		}
		elsif ($how eq 'KILL')
		{
			kill 'KILL', $pid;
			$node->wait_for_log(qr/ready to accept connections/, $offset);
		}
		poll_for($node, 'postgres', "$name: the server answers", 'SELECT true');
		release($node);
		is_folded($node, 'a', $name, 100 + $turn, 'id <= 30');
	}
}

# ---- in nobody's way ----

# Slow enough to be at it for minutes, and always between two items.
set_for_all($node, 'ruvector.worker_cost_limit = 1', q(ruvector.worker_cost_delay = '100ms'));
make_database('c', 3000, '1 microsecond');

sub busy
{
	my ($database, $name) = @_;

	poll_for($node, 'a', "$name: a worker is at it", qq(
		SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '$database' AND backend_type = 'ruvector worker'
			AND query ~ '^checkpoint: public.t.v')));
	return;
}

change($node, 'c', 200, 'true');
busy('c', 'copy');
$node->safe_psql('postgres', 'CREATE DATABASE d TEMPLATE c');
pass('a database is copied under a worker');
busy('c', 'rename');
$node->safe_psql('postgres', 'ALTER DATABASE c RENAME TO e');
pass('and renamed');
busy('d', 'drop');
$node->safe_psql('postgres', 'DROP DATABASE d');
pass('and dropped');
poll_for($node, 'a', 'no slot is left', q(SELECT NOT EXISTS (
	SELECT FROM ruvector.worker_status WHERE database IS NULL AND job <> 'launcher' OR database = 'd')));
busy('e', 'drop extension');
$node->safe_psql('e', 'DROP EXTENSION ruvector_delta CASCADE');
poll_for($node, 'a', 'the extension goes, and with it the jobs', q(
	SELECT NOT EXISTS (SELECT FROM ruvector.worker_status WHERE database = 'e')));
$node->safe_psql('e', 'CREATE EXTENSION ruvector_delta');
poll_for($node, 'a', 'and comes back', q(
	SELECT count(*) = 4 FROM ruvector.worker_status WHERE database = 'e'));
$node->safe_psql('postgres', 'DROP DATABASE e');

# ---- settings are read again ----

set_for_all($node, 'ruvector.workers = 0');
poll_for($node, 'a', 'workers are off', q(
	SELECT state = 'off' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'ruvector worker')
	FROM ruvector.worker_status WHERE job = 'launcher'));
change($node, 'a', ++$turn, 'id = 70');
is($node->safe_psql('a', 'SELECT count(*) FROM t_v_pending'), 1, 'nobody folds');
set_for_all($node, 'ruvector.workers = 1', 'ruvector.worker_cost_delay = 0');
is_folded($node, 'a', 'workers are on', $turn, 'id = 70');

# ---- the launcher is ended ----

$node->safe_psql('a', q(SELECT pg_terminate_backend(pid) FROM ruvector.worker_status WHERE job = 'launcher'));
change($node, 'a', ++$turn, 'id = 71');
is_folded($node, 'a', 'a new launcher', $turn, 'id = 71');

# ---- a standby rests until it is promoted ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('b', q(SELECT ruvector.set_limits('t', max_age => '1 hour')));
change($node, 'b', 8, 'id <= 5');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is( $standby->safe_psql('b', q(SELECT count(*), (SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'ruvector'),
		(SELECT count(*) FROM ruvector.worker_status) FROM t_v_pending)),
	'5|0|0', 'a standby has no workers');
my ($stdout, $stderr) = ('', '');
$standby->psql('b', q(SELECT ruvector.run_worker('checkpoint')), stderr => \$stderr);
like($stderr, qr/cannot execute ruvector.run_worker\(\) during recovery/, 'and does not do their work');
$standby->promote;
$node->stop('immediate');
$standby->safe_psql('b', q(SELECT ruvector.set_limits('t', max_age => '1 microsecond')));
is_folded($standby, 'b', 'promoted', 8, 'id <= 5');

# ---- stopped while at work ----

if ($has_points)
{
	my $offset = -s $standby->logfile;

	held_worker($standby, 'history-between-log-and-row');
	$standby->stop('fast');
	unlike(slurp_file($standby->logfile, $offset), qr/PANIC|server process .* was terminated by signal/, 'a fast stop is one');
	$standby->start;
	release($standby);
	is_folded($standby, 'a', 'stopped', 100 + $turn, 'id <= 30');
}
$standby->stop('fast');
for my $server ($node, $standby)
{
	unlike(slurp_file($server->logfile), qr/TRAP:|PANIC/, $server->name . ': no assertion failed');
}
done_testing();
