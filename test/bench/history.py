#!/usr/bin/env python3
"""What a change of a tracked vector costs, beside an UPDATE in pgvector.

  history.py --events DIR/docs384.events --ours 'dbname=a' --theirs 'dbname=b' \\
      --data DIR/text384

--events is a stream of changing vectors: little-endian records u32 document,
u32 author, i64 time, u8 kind (0 create, 1 update, 2 delete), u16 count, then
count pairs (u16 dimension, f32 new value).  --ours is a database that may have
ruvector_delta, --theirs, if given, one that may have pgvector; both are best
of one server, since WAL is read off the server of --ours.  Superuser.

Phases (--do):
  stream      every event a transaction, the ways of writing in turn; median
              over the turns, without the first ones, after one checkpoint
  cold        the beginning of it again, with a checkpoint before every turn
  normalised  the stream with vectors of length 1: one factor for all
              dimensions besides the event's own changes
  batch       the stream with one transaction a turn: without commits
  parts       composing 100 deltas, folding a chain of 64, reading versions
  as_of       search_as_of on --data, with growing shares of changed keys

Prints one JSON object a line, then tables.  Needs cc, libpq's headers and
psql; Python's own library only.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile

import bench

PHASES = ("stream", "cold", "normalised", "batch", "parts", "as_of")
# label: way of replay.c, mode of ruvector.track, its max_drift
WAYS = {
    "pgvector": ("update", None, None),
    "plain": ("update", None, None),
    "eager": ("update", "eager", 0.5),
    "lazy": ("lazy", "lazy", 0.5),
    "apply": ("apply", "lazy", 0.5),
    "apply-unbound": ("apply", "lazy", 1e30),
}
WORK = ("updates", "others", "vacuum", "fold")


class Session:
    """a psql that stays, and its backend's seconds on a core"""

    def __init__(self, conn):
        self.p = subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", conn],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.ask("SELECT pg_backend_pid()")[0]

    def ask(self, sql):
        self.p.stdin.write(sql + ";\n\\echo -- done\n")
        self.p.stdin.flush()
        rows = []
        for line in self.p.stdout:
            if line == "-- done\n":
                return rows
            rows.append(line.rstrip("\n"))
        sys.exit(f"psql ended at: {sql[:200]}")

    def cpu(self):
        with open(f"/proc/{self.pid}/schedstat") as f:
            return int(f.read().split()[0]) * 1e-9

    def timed(self, sql):
        """rows, seconds on a core"""
        before = self.cpu()
        rows = self.ask(sql)
        return rows, self.cpu() - before

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def say(phase, **figures):
    print(json.dumps({"phase": phase, **figures}), flush=True)


def table_of(label):
    return "history_" + label.replace("-", "_")


def conn_of(a, label):
    return a.theirs if label == "pgvector" else a.ours


def labels(a):
    return [l for l in WAYS if l != "pgvector" or a.theirs]


def prepare(a):
    """empty tables, or with --background rows of --data in them"""
    for label in labels(a):
        way, mode, drift = WAYS[label]
        table, s = table_of(label), Session(conn_of(a, label))
        s.ask("SET client_min_messages = error")
        extension = "vector" if label == "pgvector" else "ruvector_delta"
        s.ask(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        if mode:
            s.ask(f"SELECT ruvector.untrack(rel, \"column\", false) FROM ruvector.tracked"
                  f" WHERE rel = to_regclass('{table}')")
        s.ask(f"DROP TABLE IF EXISTS {table} CASCADE;"
              f"CREATE TABLE {table} (id int4 PRIMARY KEY, embedding vector({a.dims}))")
        if a.background:
            bench.output(a.loader, "load", "conn=" + conn_of(a, label), "table=" + table,
                         "vecs=" + a.base, f"rows={a.background}", "idbase=1000000")
        s.ask(f"CREATE INDEX ON {table} USING hnsw (embedding vector_l2_ops)")
        if mode:
            s.ask(f"SELECT ruvector.track('{table}', 'embedding', '{mode}', {drift})")
        s.ask(f"VACUUM (ANALYZE) {table}")
        s.close()


def replay(a, phase, count, **options):
    """label: turns, each as replay.c prints it"""
    prepare(a)
    turns = {label: [] for label in labels(a)}
    targets = [f"{l}={WAYS[l][0]}:{table_of(l)}:{conn_of(a, l)}" for l in labels(a)]
    for line in bench.output(
            a.replay, f"dims={a.dims}", "events=" + a.events, "watch=" + a.ours,
            f"count={count}", *(f"{k}={v}" for k, v in options.items()),
            *targets).splitlines():
        r = json.loads(line)
        turns[r["target"]].append(r)
        say(phase, **r)
    return turns


def each(turn, work, what):
    w = turn[work]
    return w[what] / w["n"] if w["n"] else 0


def print_stream(a, phase, turns, skip):
    """an update by itself, then with what it makes necessary later"""
    figures = {}
    for label, list_ in turns.items():
        kept = [t for t in list_[skip:] if t["updates"]["n"]] or list_
        n = sum(t["updates"]["n"] for t in list_)
        f = {"cpu": statistics.median(each(t, "updates", "cpu") for t in kept) * 1e6,
             "wal": statistics.median(each(t, "updates", "wal") for t in kept)}
        for work in WORK:
            for what in ("cpu", "wal"):
                f[f"{work}_{what}"] = sum(t[work][what] for t in list_) / n
        f["total_cpu"] = sum(f[w + "_cpu"] for w in ("updates", "fold", "vacuum")) * 1e6
        f["total_wal"] = sum(f[w + "_wal"] for w in ("updates", "fold", "vacuum"))
        figures[label] = f
        say(phase + " summary", target=label, **{k: round(v, 7) for k, v in f.items()})
    print(f"\n{phase}: per update{'':17}{'CPU us':>9}{'WAL B':>8}{'fold WAL':>10}"
          f"{'vacuum WAL':>12}{'total us':>10}{'total WAL':>11}", end="")
    print("".join(f"{'/' + r:>22}" for r in ("pgvector", "plain") if r in figures))
    for label, f in figures.items():
        print(f"  {label:24}{f['cpu']:19.1f}{f['wal']:8.0f}{f['fold_wal']:10.0f}"
              f"{f['vacuum_wal']:12.0f}{f['total_cpu']:10.1f}{f['total_wal']:11.0f}", end="")
        for r in ("pgvector", "plain"):
            if r in figures:
                o = figures[r]
                print(f"    {o['cpu'] / f['cpu']:5.2f}x {o['wal'] / f['wal']:5.2f}x"
                      f" {o['total_wal'] / f['total_wal']:4.1f}x", end="")
        print()
    print("  (NAME/: CPU, WAL, total WAL of NAME divided by that of the line)")


def print_logs(a):
    for label in labels(a):
        if not WAYS[label][1]:
            continue
        s = Session(a.ours)
        rows = s.ask(f"SELECT versions, log_bytes, whole_bytes, ratio, mean_chain,"
                     f" longest_chain FROM ruvector.history_report('{table_of(label)}')")
        rows += s.ask(f"SELECT round(avg(pg_column_size(l)), 1), round(avg(pg_column_size(delta))"
                      f" FILTER (WHERE op = 'u'), 1), count(keyframe), pg_relation_size("
                      f"'{table_of(label)}_embedding_log') FROM {table_of(label)}_embedding_log l")
        keys = ("versions", "log_bytes", "whole_bytes", "ratio", "mean_chain", "longest_chain")
        more = ("row_bytes", "update_delta_bytes", "keyframes", "heap_bytes")
        say("log", target=label, **dict(zip(keys, map(float, rows[0].split("|")))),
            **dict(zip(more, map(float, rows[1].split("|")))))
        s.close()


def phase_stream(a):
    turns = replay(a, "stream", a.count, turn=a.turn, fold=a.fold)
    print_logs(a)
    print_stream(a, "stream", turns, a.skip)


def phase_cold(a):
    turns = replay(a, "cold", min(a.count or 3000, 3000), turn=250, fold=0, checkpoint=1)
    print_stream(a, "cold", turns, 4)


def phase_normalised(a):
    turns = replay(a, "normalised", a.count, turn=a.turn, fold=a.fold, normalise=1)
    print_logs(a)
    print_stream(a, "normalised", turns, a.skip)


def phase_batch(a):
    turns = replay(a, "batch", a.count, turn=a.turn, fold=a.fold, transaction=1)
    print_stream(a, "batch", turns, a.skip)


def median_us(session, sqls):
    return round(statistics.median(session.timed(sql)[1] for sql in sqls) * 1e6, 1)


def phase_parts(a):
    """on what the stream left in the table of apply-unbound, or, if that was
    not played, after playing it"""
    s = Session(a.ours)
    table = table_of("apply-unbound")
    log = table + "_embedding_log"
    if s.ask(f"SELECT to_regclass('{log}') IS NULL") == ["t"]:
        replay(a, "parts", a.count, turn=a.turn, fold=a.fold)
    s.ask("SET client_min_messages = error")
    # 100 deltas that follow one another, of the keys with the longest history
    s.ask(f"CREATE TEMP TABLE hundred AS SELECT (row_number() OVER () - 1) / 100 AS n, delta"
          f" FROM (SELECT delta FROM {log} WHERE op = 'u' ORDER BY id, version) l")
    sets = [int(x) for x in s.ask("SELECT n FROM hundred GROUP BY n HAVING count(*) = 100")]
    once, many = [], []
    for n in sets[:200]:
        repeat = "SELECT count(c) FROM (SELECT %s(delta) AS c FROM hundred," \
            f" generate_series(1, 20) g WHERE n = {n} GROUP BY g) x"
        once.append(repeat % "count")
        many.append(repeat % "delta_compose")
    s.ask(many[0])
    say("parts", what="compose 100 deltas", cpu_us=round(
        (median_us(s, many) - median_us(s, once)) / 20, 1), sets=len(many))
    # chains of 64: fold what 63 more deltas have made long
    keys = [int(x) for x in s.ask(
        f"SELECT id FROM {table} ORDER BY id LIMIT 100")]
    s.ask(f"SELECT ruvector.fold_all('{table}')")
    for i in range(1, 64):
        s.ask(f"SELECT count(ruvector.apply('{table}', id, delta_sparse(ARRAY[{i}, {i + 200}],"
              f" ARRAY[random(), random()]::real[], {a.dims}))) FROM {table}"
              f" WHERE id = ANY ('{{{','.join(map(str, keys))}}}')")
    lengths = s.ask(f"SELECT min(n), max(n) FROM (SELECT max(version) - max(base) + 1 AS n"
                    f" FROM {log} WHERE id = ANY ('{{{','.join(map(str, keys))}}}')"
                    f" GROUP BY id) x")[0]
    read = [f"SELECT count(ruvector.vector('{table}', {k})) FROM generate_series(1, 20)" for k in keys]
    s.ask(read[0])
    say("parts", what="read a vector at the end of its chain", chain=lengths,
        cpu_us=round(median_us(s, read) / 20, 1))
    fold = [f"SELECT ruvector.fold('{table}', {k})" for k in keys]
    say("parts", what="fold a chain of 64, index and commit included", cpu_us=median_us(s, fold))
    read = [f"SELECT count(ruvector.get_at('{table}', {k}, 1)) FROM generate_series(1, 20)"
            for k in keys]
    say("parts", what="read the first version", cpu_us=round(median_us(s, read) / 20, 1))
    s.close()


def as_of_table(a, s):
    table = "history_text"
    s.ask("SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS ruvector_delta")
    s.ask(f"SELECT ruvector.untrack(rel, \"column\", false) FROM ruvector.tracked"
          f" WHERE rel = to_regclass('{table}')")
    s.ask(f"DROP TABLE IF EXISTS {table} CASCADE;"
          f"DELETE FROM ruvector.tags WHERE name = 'history_text';"
          f"CREATE TABLE {table} (id int4 PRIMARY KEY, embedding vector({a.dims}))")
    bench.output(a.loader, "load", "conn=" + a.ours, "table=" + table, "vecs=" + a.base,
                 f"rows={a.rows}")
    s.ask("SET maintenance_work_mem = '512MB'")
    s.ask(f"CREATE INDEX ON {table} USING hnsw (embedding vector_l2_ops)")
    s.ask(f"SELECT ruvector.track('{table}', 'embedding')")
    s.ask(f"VACUUM (ANALYZE) {table}; VACUUM (ANALYZE) {table}_embedding_log")
    s.ask("SELECT ruvector.tag('history_text')")
    return table


def asked(s, queries, call):
    """sorted keys of each query, median milliseconds on a core of one"""
    found, times = [], []
    for q in queries:
        rows, cpu = s.timed(f"SELECT key FROM {call % q}")
        found.append(set(rows))
        times.append(cpu * 1e3)
    return found, round(statistics.median(times), 3)


def phase_as_of(a):
    s = Session(a.ours)
    table = as_of_table(a, s)
    queries = list(bench.literals(a.query, a.queries))
    as_of = f"ruvector.search_as_of('{table}', 'embedding', %s, {a.k}, 'history_text'"
    done, rows = 0, []
    plain = f"(SELECT id AS key FROM {table} ORDER BY embedding <-> %s LIMIT {a.k}) x"
    for share in (0, 0.001, 0.01, 0.1, 0.5):
        upto = int(a.rows * share)
        # a number of keys all over the table: a twentieth of the dimensions
        # take the values that another row has there
        s.ask(f"UPDATE {table} t SET embedding = t.embedding + d.delta FROM (SELECT x.id,"
              f" delta_sparse(array_agg(g.n), array_agg((o.embedding::real[])[g.n]), {a.dims}) AS delta"
              f" FROM {table} x JOIN {table} o ON o.id = (x.id + 1) % {a.rows},"
              f" LATERAL generate_series(1 + x.id % 20, {a.dims}, 20) g(n)"
              f" WHERE (x.id * 7919::bigint) % {a.rows} >= {done}"
              f" AND (x.id * 7919::bigint) % {a.rows} < {upto} GROUP BY x.id) d WHERE t.id = d.id")
        s.ask(f"VACUUM (ANALYZE) {table}; VACUUM (ANALYZE) {table}_embedding_log")
        done = upto
        found, ms = asked(s, queries, as_of + ")")
        few = queries[:max(3, a.queries // 20)]
        exact, exact_ms = asked(s, few, as_of + ", exact => true)")
        _, plain_ms = asked(s, queries, plain)
        recall = sum(len(f & e) for f, e in zip(found, exact)) / sum(map(len, exact))
        rows.append((share, upto, ms, exact_ms, plain_ms, recall))
        say("as_of", share=share, changed=upto, cpu_ms=ms, exact_cpu_ms=exact_ms,
            search_now_cpu_ms=plain_ms, recall=round(recall, 4), compared=len(few))
    s.close()
    print(f"\nas_of: {a.rows} rows{'':6}{'changed':>9}{'CPU ms':>9}{'exact ms':>10}"
          f"{'now ms':>8}{'recall':>8}")
    for share, upto, ms, exact_ms, plain_ms, recall in rows:
        print(f"{share:23.1%}{upto:9}{ms:9.2f}{exact_ms:10.1f}{plain_ms:8.2f}{recall:8.4f}")


def compile_replay(work):
    pg_config = os.environ.get("PG_CONFIG", "pg_config")
    libdir = bench.output(pg_config, "--libdir")
    return bench.compiled("replay.c", ["cc", "-std=gnu11"], work,
                          "-I" + bench.output(pg_config, "--includedir"), "-L" + libdir,
                          "-Wl,-rpath," + libdir, "-lpq", "-lm") \
        or sys.exit("the client could not be compiled")


def dims_of(path):
    """one more than the highest dimension in the stream"""
    highest = 0
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        (count,) = struct.unpack_from("<H", data, at + 17)
        for i in range(count):
            highest = max(highest, struct.unpack_from("<H", data, at + 19 + 6 * i)[0])
        at += 19 + 6 * count
    return highest + 1


def arguments():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--events", required=True)
    ap.add_argument("--ours", required=True, metavar="CONN")
    ap.add_argument("--theirs", metavar="CONN", help="a database with pgvector")
    ap.add_argument("--data", help="PREFIX of the files of as_of and --background")
    ap.add_argument("--do", default="stream,cold,normalised,batch,parts")
    ap.add_argument("--count", type=int, default=0, help="only the first events")
    ap.add_argument("--turn", type=int, default=1000)
    ap.add_argument("--skip", type=int, default=3, help="turns that medians leave out")
    ap.add_argument("--fold", type=int, default=5, help="fold_all every so many turns")
    ap.add_argument("--background", type=int, default=0,
                    help="so many rows of --data stand in the tables besides")
    ap.add_argument("--rows", type=int, default=0, help="of --data, in as_of")
    ap.add_argument("--queries", type=int, default=100)
    ap.add_argument("-k", type=int, default=10)
    a = ap.parse_args()
    unknown = set(a.do.split(",")) - set(PHASES)
    if unknown:
        ap.error("unknown phases: " + ", ".join(sorted(unknown)))
    a.dims = dims_of(a.events)
    if a.data:
        a.base, a.query = (bench.only_file(f"{a.data}.{what}.*bin") for what in ("base", "query"))
        rows, dims = bench.file_head(a.base)
        a.rows = min(a.rows or rows, rows)
        if dims != a.dims:
            ap.error(f"--data has {dims} dimensions, --events {a.dims}")
    elif a.background or "as_of" in a.do.split(","):
        ap.error("--data is needed")
    return a


def main():
    a = arguments()
    with tempfile.TemporaryDirectory() as work:
        a.replay = compile_replay(work)
        a.loader = bench.compile_client(work)
        s = Session(a.ours)
        say("settings", version=s.ask("SHOW server_version")[0], **{
            x: s.ask("SHOW " + x)[0] for x in ("shared_buffers", "full_page_writes", "fsync",
                                               "synchronous_commit", "wal_compression", "jit")})
        s.close()
        for phase in PHASES:
            if phase in a.do.split(","):
                globals()["phase_" + phase](a)


if __name__ == "__main__":
    main()
