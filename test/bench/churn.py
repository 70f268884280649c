#!/usr/bin/env python3
"""What updates and deletes cost an hnsw index and do to its recall, beside pgvector.

  churn.py --data DIR/text384 --operator '<=>' --opclass vector_cosine_ops \\
      --ours 'dbname=a' --theirs 'dbname=b'

--data is the prefix of a set of vectors (test/bench/README.md).  --ours is a
database that may have ruvector_delta, --theirs, if given, one that may have
pgvector; both of one server, whose WAL is read.  Superuser.

Phases (--do):
  other    UPDATE of a column that is not in the index, of a quarter of the rows
  churn    --rounds times: a fifth of the rows get a twentieth of their
           dimensions from other rows; then VACUUM and, in ours, index_repair
  delete   a tenth, a fifth, and the fifth nearest to one row; then VACUUM

Recall is at default settings, of --queries rows of the table, against a scan;
`fresh` is that of a new index on the same rows.  Prints a JSON object a line.
"""
import argparse
import json
import tempfile

import bench
from history import Session

FUNCTIONS = """
CREATE OR REPLACE FUNCTION churn_mix(v vector, w vector, n int, seed int) RETURNS vector
LANGUAGE plpgsql AS $$
DECLARE a real[] := v::real[]; b real[] := w::real[]; d int;
BEGIN
  FOR i IN 1..n LOOP
    d := 1 + (hashint4(seed * 1000 + i) & 2147483647) % array_length(a, 1);
    a[d] := b[d];
  END LOOP;
  RETURN a::vector;
END $$;
CREATE OR REPLACE FUNCTION churn_recall(op text, n int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE q vector; hits bigint := 0; near float8[]; truth float8[]; asked int := 0;
BEGIN
  FOR q IN SELECT embedding FROM churn ORDER BY hashint4(id + 1) LIMIT n LOOP
    asked := asked + 1;
    SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = on;
    EXECUTE format('SELECT array_agg(d) FROM (SELECT embedding %1$s $1 AS d FROM churn ORDER BY embedding %1$s $1 LIMIT 10) x', op)
      INTO near USING q;
    SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off;
    EXECUTE format('SELECT array_agg(d) FROM (SELECT embedding %1$s $1 AS d FROM churn ORDER BY embedding %1$s $1 LIMIT 10) x', op)
      INTO truth USING q;
    hits := hits + (SELECT count(*) FROM unnest(near) d WHERE d <= truth[10] + 1e-9);
  END LOOP;
  RETURN hits / (10.0 * asked);
END $$
"""


class Churn:
    """one extension's table, refilled for every experiment"""

    def __init__(self, a, label, conn):
        self.a, self.label, self.conn = a, label, conn
        self.s = Session(conn)
        extension = "ruvector_delta" if label == "ours" else "vector"
        self.s.ask("SET client_min_messages = error")
        self.s.ask(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        self.s.ask(FUNCTIONS)

    def fill(self):
        self.s.ask(f"DROP TABLE IF EXISTS churn; CREATE TABLE churn (id int4 PRIMARY KEY,"
                   f" embedding vector({self.a.dims}), note int DEFAULT 0) WITH (autovacuum_enabled = off)")
        bench.output(self.a.loader, "load", "conn=" + self.conn, "table=churn",
                     "vecs=" + self.a.base, f"rows={self.a.rows}")
        self.index()

    def index(self):
        self.s.ask("SET max_parallel_maintenance_workers = 0; DROP INDEX IF EXISTS churn_v;"
                   f"CREATE INDEX churn_v ON churn USING hnsw (embedding {self.a.opclass})")

    def cost(self, sql, n):
        """microseconds on a core and bytes of WAL, for each of n"""
        where = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
        wal = float(self.s.ask(where)[0])
        rows, seconds = self.s.timed(sql)
        wal = float(self.s.ask(where)[0]) - wal
        return {"us": round(seconds * 1e6 / n, 1), "wal": round(wal / n)}, rows

    def recall(self):
        return float(self.s.ask(f"SELECT churn_recall('{self.a.operator}', {self.a.queries})")[0])

    def bytes(self):
        return int(self.s.ask("SELECT pg_relation_size('churn_v')")[0])

    def say(self, phase, **figures):
        print(json.dumps({"phase": phase, "label": self.label, **figures}), flush=True)

    # one index more has every update go through all of them
    def phase_other(self):
        self.fill()
        self.s.ask("CREATE INDEX ON churn (note)")
        n = self.a.rows // 4
        for i in range(3):
            cost, _ = self.cost(f"UPDATE churn SET note = note + 1 WHERE id % 4 = {i}", n)
            self.say("other", **cost)

    def phase_churn(self):
        self.fill()
        self.say("churn", round=0, recall=self.recall(), bytes=self.bytes())
        for r in range(1, self.a.rounds + 1):
            self.s.ask(
                "DROP TABLE IF EXISTS churn_new; CREATE TABLE churn_new AS"
                f" SELECT a.id, churn_mix(a.embedding, b.embedding, {max(self.a.dims // 20, 1)}, a.id * 31 + {r}) v"
                f" FROM churn a JOIN churn b ON b.id = (hashint4(a.id + {r} * 7919) & 2147483647) % {self.a.rows}"
                f" WHERE (hashint4(a.id * 13 + {r} * 104729) & 2147483647) % 5 = 0")
            n = int(self.s.ask("SELECT count(*) FROM churn_new")[0])
            update, _ = self.cost("UPDATE churn SET embedding = n.v FROM churn_new n WHERE n.id = churn.id", n)
            vacuum, _ = self.cost("VACUUM (PARALLEL 0) churn", n)
            repair = {}
            if self.label == "ours":
                repair, _ = self.cost("SELECT ruvector.index_repair('churn_v')", n)
            self.say("churn", round=r, rows=n, update=update, vacuum=vacuum, repair=repair,
                     recall=self.recall(), bytes=self.bytes())
        self.index()
        self.say("churn", round="fresh", recall=self.recall(), bytes=self.bytes())

    def phase_delete(self):
        near = (f"id IN (SELECT id FROM churn ORDER BY embedding {self.a.operator}"
                f" (SELECT embedding FROM churn WHERE id = 7) LIMIT {self.a.rows // 5})")
        for what, where in (("tenth", "id % 10 = 0"), ("fifth", "id % 5 = 0"), ("cluster", near)):
            self.fill()
            self.s.ask("SET enable_indexscan = off; DELETE FROM churn WHERE " + where
                       + "; RESET enable_indexscan")
            cost, _ = self.cost("VACUUM (PARALLEL 0) churn", 1)
            self.say("delete", what=what, vacuum=cost, recall=self.recall())
            self.index()
            self.say("delete", what=what, fresh=self.recall())


def arguments():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", required=True, metavar="PREFIX")
    ap.add_argument("--operator", required=True)
    ap.add_argument("--opclass", required=True)
    ap.add_argument("--ours", required=True, metavar="CONN")
    ap.add_argument("--theirs", metavar="CONN")
    ap.add_argument("--do", default="other,churn,delete")
    ap.add_argument("--rows", type=int, default=0)
    ap.add_argument("--rounds", type=int, default=10)
    ap.add_argument("--queries", type=int, default=200)
    a = ap.parse_args()
    a.base = bench.only_file(a.data + ".base.*bin")
    rows, a.dims = bench.file_head(a.base)
    a.rows = min(a.rows or rows, rows)
    return a


def main():
    a = arguments()
    with tempfile.TemporaryDirectory() as work:
        a.loader = bench.compile_client(work)
        for phase in a.do.split(","):
            for label, conn in (("ours", a.ours), ("pgvector", a.theirs)):
                if conn:
                    getattr(Churn(a, label, conn), "phase_" + phase)()


if __name__ == "__main__":
    main()
