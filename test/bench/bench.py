#!/usr/bin/env python3
"""Speed, size and recall of a vector index, of one server or of two in turn.

  bench.py --data DIR/text384 --metric cosine --ours 'dbname=a' --theirs 'dbname=b'

--data names PREFIX.base.* and PREFIX.query.* (.u8bin, .f16bin or .fbin) and,
if there, PREFIX.gt_METRIC.ibin; without that file, or with --rows, the exact
answers are computed first.  --ours is a database with ruvector_delta at hand;
--theirs, if given, one with pgvector: every phase runs for both before the
next one, and the queries take turns, --rounds times over.  Of the rounds, the
one with the least server CPU per query is reported.

Phases (--do): load, build, query, buffers, insert, update.  Inserts take the
rows of the file after those loaded, so they need --rows; inserts and updates
change the table, so a later query phase needs a new load.

Prints one JSON object a line, then a table and, with two servers, ratios at
equal recall.  Needs cc, libpq's headers and psql; Python's own library only.
"""
import argparse
import glob
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OPERATORS = {"l2": "<->", "cosine": "<=>", "ip": "<#>", "l1": "<+>"}
ELEMENT = {"u8bin": "B", "f16bin": "e", "fbin": "f"}
TABLE, INDEX = "bench_items", "bench_items_embedding_idx"
RECALLS = (0.90, 0.95, 0.98, 0.99)
SETTINGS = ("server_version", "shared_buffers", "jit", "full_page_writes", "fsync")
PHASES = ("load", "build", "query", "buffers", "insert", "update")


def output(*command, stdin=None):
    r = subprocess.run(command, input=stdin, capture_output=True, text=True,
                       check=False)
    if r.returncode:
        sys.exit(f"{' '.join(command)}\n{r.stderr}")
    return r.stdout.strip()


def compiled(source, compiler, work, *options):
    """path of the program made of a source file, or None"""
    program = os.path.join(work, os.path.splitext(source)[0])
    r = subprocess.run([*compiler, "-O3", "-o", program, os.path.join(HERE, source),
                        *options], capture_output=True, text=True, check=False)
    if r.returncode:
        print(f"{source}: {r.stderr}", file=sys.stderr)
        return None
    return program


def compile_client(work):
    pg_config = os.environ.get("PG_CONFIG", "pg_config")
    libdir = output(pg_config, "--libdir")
    return compiled("vecbench.c", ["cc", "-std=gnu11"], work,
                    "-I" + output(pg_config, "--includedir"), "-L" + libdir,
                    "-Wl,-rpath," + libdir, "-lpq", "-lpthread", "-lm") \
        or sys.exit("the client could not be compiled")


def only_file(pattern):
    found = glob.glob(pattern)
    if len(found) != 1:
        sys.exit(f"{pattern}: {len(found)} files, one is needed")
    return found[0]


def file_head(path):
    with open(path, "rb") as f:
        return struct.unpack("<II", f.read(8))


def literals(path, count):
    """the file's first vectors, as SQL writes them"""
    rows, dims = file_head(path)
    form = struct.Struct(f"<{dims}{ELEMENT[path.rsplit('.', 1)[1]]}")
    with open(path, "rb") as f:
        f.seek(8)
        for _ in range(min(count, rows)):
            yield "'[%s]'" % ",".join("%.9g" % x for x in form.unpack(f.read(form.size)))


def json_values(text):
    """the JSON values that follow one another in a text"""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        while at < len(text) and text[at].isspace():
            at += 1


def core_seconds(pid):
    """seconds on a core of a process, and of its parent's ended children: a
    backend's parallel workers are among those"""
    try:
        with open(f"/proc/{pid}/schedstat") as f:
            own = int(f.read().split()[0]) * 1e-9
        with open(f"/proc/{pid}/stat") as f:
            parent = f.read().rsplit(")", 1)[1].split()[1]
        with open(f"/proc/{parent}/stat") as f:
            s = f.read().rsplit(")", 1)[1].split()
        return own + (int(s[13]) + int(s[14])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


class Server:
    """one database, and what is done with it"""

    def __init__(self, label, conn, extension, a):
        self.label, self.conn, self.extension, self.a = label, conn, extension, a
        op = OPERATORS[a.metric]
        self.search = f"SELECT id FROM {TABLE} ORDER BY embedding {op} %s LIMIT {a.k}"
        self.best = {}                  # ef -> figures of the best round
        self.figures = {}

    def psql(self, sql):
        return output("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.conn,
                      stdin=sql)

    def vecbench(self, command, **args):
        return json.loads(output(self.a.client, command, "conn=" + self.conn,
                                 *(f"{k}={v}" for k, v in args.items())))

    def say(self, phase, figures):
        print(json.dumps({"server": self.label, "phase": phase, **figures}), flush=True)

    def load(self):
        self.psql(f'CREATE EXTENSION IF NOT EXISTS "{self.extension}";'
                  f"DROP TABLE IF EXISTS {TABLE};"
                  f"CREATE TABLE {TABLE} (id int4, embedding vector({self.a.dims}))")
        figures = self.vecbench("load", table=TABLE, vecs=self.a.base, rows=self.a.rows)
        self.psql(f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id);"
                  f"VACUUM (FREEZE, ANALYZE) {TABLE}; CHECKPOINT")
        figures["version"] = self.psql(
            "SELECT extversion FROM pg_extension WHERE extname = '%s'" % self.extension)
        figures["settings"] = {s: self.psql("SHOW " + s) for s in SETTINGS}
        self.say("load", figures)

    def build(self):
        self.psql(f"DROP INDEX IF EXISTS {INDEX}; CHECKPOINT")
        sql = (f"CREATE INDEX {INDEX} ON {TABLE} USING hnsw "
               f"(embedding vector_{self.a.metric}_ops) WITH ({self.a.with_})")
        session = (f"SET max_parallel_maintenance_workers = {self.a.workers};"
                   f"SET maintenance_work_mem = '{self.a.memory}';")
        with subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.conn],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as p:
            def send(text):
                p.stdin.write(text + "\n")
                p.stdin.flush()
                return p.stdout.readline().strip() or sys.exit("build: psql ended")
            pid = send(session + "SELECT pg_backend_pid();")
            cpu, began = core_seconds(pid), time.monotonic()
            send(sql + "; SELECT 'built';")
            seconds, cpu = time.monotonic() - began, core_seconds(pid) - cpu
            p.stdin.close()
        self.figures.update(build_seconds=round(seconds, 2), build_cpu_s=round(cpu, 2),
                            index_bytes=int(self.psql(f"SELECT pg_relation_size('{INDEX}')")))
        plan = self.psql("SET enable_seqscan = off; EXPLAIN "
                         + self.search % next(literals(self.a.query, 1)))
        self.say("build", {"sql": sql, **self.figures, "index_used": INDEX in plan})

    def setting(self, ef):
        # With few rows a scan of the table is the better plan; the index is
        # what is measured.
        return f"SET enable_seqscan = off; SET hnsw.ef_search = {ef}"

    def ask(self, ef):
        got = os.path.join(self.a.work, "got.ibin")
        r = self.vecbench("query", sql=self.search % "$1", vecs=self.a.query,
                          set=self.setting(ef), seconds=self.a.seconds, k=self.a.k,
                          clients=self.a.clients, out=got)
        r["recall"] = recall(self.a, got)
        key = r["server_cpu_ms"] or 1e3 / r["qps"]
        if ef not in self.best or key < self.best[ef]["key"]:
            self.best[ef] = {"key": key, **r}

    def buffers(self, ef):
        """mean of the buffers that a query pins, heap included"""
        explain = "".join(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {self.search % q};\n"
            for q in literals(self.a.query, self.a.explained))
        plans = [p[0]["Plan"] for p in
                 json_values(self.psql(self.setting(ef) + ";\n" + explain))]
        hit = sum(p["Shared Hit Blocks"] for p in plans) / len(plans)
        read = sum(p["Shared Read Blocks"] for p in plans) / len(plans)
        self.best.setdefault(ef, {})["buffers"] = round(hit + read, 1)
        self.say("buffers", {"ef": ef, "hit": round(hit, 1), "read": round(read, 1)})

    def write(self, phase):
        args = {"insert": dict(sql=f"INSERT INTO {TABLE} (id, embedding) VALUES ($1, $2)",
                               start=self.a.rows),
                "update": dict(sql=f"UPDATE {TABLE} SET embedding = $2 WHERE id = $1",
                               rows=self.a.rows, share=self.a.share)}[phase]
        # The first run comes right after a checkpoint and writes whole pages.
        for when, seed in (("after a checkpoint", 1), ("later", 2)):
            if when == "after a checkpoint":
                self.psql("CHECKPOINT")
            r = self.vecbench(phase, vecs=self.a.base, count=self.a.writes, seed=seed,
                              set="SET synchronous_commit = off", **args)
            if phase == "insert":
                args["start"] += self.a.writes
            self.say(phase, {"when": when, **r})
        self.figures[phase + "_wal_bytes"] = r["wal_bytes_each"]
        self.figures[phase + "_cpu_ms"] = r["server_cpu_ms"]

    def cpu_at(self, target, key="key"):
        """a figure where recall reaches target: between the two nearest efs,
        in proportion on a logarithmic scale"""
        points = sorted((r["recall"], r[key]) for r in self.best.values() if r.get(key))
        above = [p for p in points if p[0] >= target]
        below = [p for p in points if p[0] < target]
        if not above:
            return None
        (b, y) = min(above, key=lambda p: p[1])
        if not below:
            return y
        (a, x) = below[-1]
        f = (target - a) / (b - a)
        return math.exp(math.log(x) + f * (math.log(y) - math.log(x)))


def recall(a, got):
    return json.loads(output(a.client, "recall", "vecs=" + a.query, "base=" + a.base,
                             "metric=" + a.metric, "truth=" + a.truth, "got=" + got,
                             f"rows={a.rows}", f"k={a.k}"))["recall"]


def hnswlib(a):
    """the same graph in a C++ library, without a server: ef -> figures, and
    those of the build"""
    program = None
    if shutil.which("c++"):
        program = compiled("bench_hnswlib.cpp", ["c++"], a.work, "-march=native", "-lpthread")
    if program is None:
        sys.exit("hnswlib: not here (Debian: libhnswlib-dev, g++)")
    m = dict(p.strip().split("=") for p in a.with_.replace(" ", "").split(",") if p)
    found, figures = {}, {}
    for line in output(program, a.base, str(a.rows), a.query, a.metric, str(a.k),
                       m.get("m", "16"), m.get("ef_construction", "64"), a.efs,
                       a.work).splitlines():
        r = json.loads(line)
        if "ef" in r:
            r["recall"] = recall(a, r.pop("got"))
            r["key"] = r["ms"]
            found[r["ef"]] = r
        elif "build_seconds" in r:
            figures["build_seconds"] = r["build_seconds"]
        print(json.dumps({"server": "hnswlib", **r}), flush=True)
    return found, figures


def print_table(a, servers):
    print(f"\n{'':12}{'ef':>5}{'recall@' + str(a.k):>11}{'queries/s':>11}{'p50 ms':>9}"
          f"{'p99 ms':>9}{'CPU ms':>9}{'buffers':>9}")
    for s in servers:
        for ef, r in sorted(s.best.items()):
            print(f"{s.label:12}{ef:5}" + "".join(
                f"{r[key]:{width}}" if key in r else " " * (width - 1) + "-"
                for key, width in (("recall", 11), ("qps", 11), ("p50_ms", 9), ("p99_ms", 9),
                                   ("server_cpu_ms", 9), ("buffers", 9))))
    for s in servers:
        for key, value in s.figures.items():
            print(f"{s.label:12}{key:20}{value:>16}")


def print_ratios(ours, theirs):
    """theirs / ours: above 1 means that ours needs less"""
    def ratio(x, y):
        return f"{y / x:10.2f}" if x and y else f"{'-':>10}"
    print(f"\n{theirs.label} / {ours.label} (above 1: ours needs less)")
    for key, name in (("key", "CPU per query"), ("buffers", "buffers per query")):
        for target in RECALLS:
            if any(key in r for r in theirs.best.values()):
                print(f"  {name} at recall {target:.2f}"
                      + ratio(ours.cpu_at(target, key), theirs.cpu_at(target, key)))
    for key in theirs.figures:
        if key in ours.figures:
            print(f"  {key:32}" + ratio(ours.figures[key], theirs.figures[key]))


def arguments():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, help="PREFIX of the files")
    ap.add_argument("--metric", choices=sorted(OPERATORS), required=True)
    ap.add_argument("--ours", required=True, metavar="CONN")
    ap.add_argument("--theirs", metavar="CONN", help="a database with pgvector")
    ap.add_argument("--hnswlib", action="store_true", help="the library as well")
    ap.add_argument("--rows", type=int, help="load only the first rows of the base")
    ap.add_argument("--with", dest="with_", default="m=16, ef_construction=64")
    ap.add_argument("--efs", default="20,40,80,120,200,400")
    ap.add_argument("-k", type=int, default=10)
    ap.add_argument("--clients", type=int, default=1)
    ap.add_argument("--seconds", type=float, default=2)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--workers", type=int, default=0, help="parallel workers of the build")
    ap.add_argument("--memory", default="1GB", help="maintenance_work_mem of the build")
    ap.add_argument("--explained", type=int, default=100, help="queries of the buffers phase")
    ap.add_argument("--writes", type=int, default=1000, help="rows of each write run")
    ap.add_argument("--share", type=float, default=0.05,
                    help="share of the dimensions that an update changes")
    ap.add_argument("--do", default="load,build,query,buffers")
    a = ap.parse_args()
    unknown = set(a.do.split(",")) - set(PHASES)
    if unknown:
        ap.error("unknown phases: " + ", ".join(sorted(unknown)))
    a.base, a.query = (only_file(f"{a.data}.{what}.*bin") for what in ("base", "query"))
    rows, a.dims = file_head(a.base)
    a.rows = min(a.rows or rows, rows)
    if "insert" in a.do.split(",") and a.rows + 2 * a.writes > rows:
        ap.error("inserts need --rows, at least twice --writes below the file's")
    a.truth = f"{a.data}.gt_{a.metric}.ibin"
    a.whole = a.rows == rows
    return a


def main():
    a = arguments()
    phases, efs = a.do.split(","), [int(x) for x in a.efs.split(",")]
    with tempfile.TemporaryDirectory() as a.work:
        a.client = compile_client(a.work)
        if "query" in phases and not (a.whole and os.path.exists(a.truth)):
            a.truth = os.path.join(a.work, "truth.ibin")
            output(a.client, "truth", "vecs=" + a.query, "base=" + a.base,
                   "metric=" + a.metric, "out=" + a.truth, f"rows={a.rows}", f"k={a.k}")
        servers = [Server("ours", a.ours, "ruvector_delta", a)]
        if a.theirs:
            servers.append(Server("pgvector", a.theirs, "vector", a))
        for phase in PHASES:
            if phase not in phases:
                continue
            for ef in efs if phase in ("query", "buffers") else [None]:
                for _ in range(a.rounds if phase == "query" else 1):
                    for s in servers:
                        if phase == "query":
                            s.ask(ef)
                        elif phase == "buffers":
                            s.buffers(ef)
                        elif phase in ("insert", "update"):
                            s.write(phase)
                        else:
                            getattr(s, phase)()
                if phase == "query":
                    for s in servers:
                        s.say("query", {"ef": ef, **s.best[ef]})
        library, built = hnswlib(a) if a.hnswlib else ({}, {})
    print_table(a, servers)
    for ef, r in sorted(library.items()):
        print(f"{'hnswlib':12}{ef:5}{r['recall']:11}{1e3 / r['ms']:11.2f}"
              f"{'':18}{r['ms']:9.4f}")
    if a.theirs:
        print_ratios(*servers)
    if library:
        peer = Server("hnswlib", "", "", a)
        peer.best, peer.figures = library, built
        print_ratios(servers[0], peer)


if __name__ == "__main__":
    main()
