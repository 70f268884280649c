#!/usr/bin/env python3
"""Is every test run?  Usage: check_tests.py ROOT 'REGRESS...' 'ISOLATION...'

The Makefile lists regression and isolation tests one by one.  A listed test
needs its files, a file needs its listing, expected output needs its script.
"""
import glob
import os
import sys


def stems(pattern):
    return {os.path.splitext(os.path.basename(f))[0] for f in glob.glob(pattern)}


def compare(what, listed, scripts, expected, where):
    # pg_regress takes NAME_1.out as a second accepted answer of NAME
    base = {e if e in listed or e[-2:-1] != "_" or not e[-1].isdigit() else e[:-2]
            for e in expected}
    for name in sorted(listed - scripts):
        yield f"{what}: {name} is listed, but {where} has no script of that name"
    for name in sorted(scripts - listed):
        yield f"{what}: {name} is in {where}, but the Makefile does not list it"
    for name in sorted(listed - base):
        yield f"{what}: {name} has no expected output"
    for name in sorted(base - scripts):
        yield f"{what}: expected output {name} has no script"


def check(root, regress, isolation):
    sql = {s for s in stems(os.path.join(root, "sql/*.sql")) if "--" not in s}
    bad = list(compare("REGRESS", set(regress), sql,
                       stems(os.path.join(root, "expected/*.out")), "sql/"))
    iso = os.path.join(root, "test/isolation")
    bad += compare("ISOLATION", set(isolation), stems(iso + "/specs/*.spec"),
                   stems(iso + "/expected/*.out"), "test/isolation/specs/")
    for what, listed in (("REGRESS", regress), ("ISOLATION", isolation)):
        bad += [f"{what}: {name} is listed twice"
                for name in sorted({n for n in listed if listed.count(n) > 1})]
    return bad


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    problems = check(sys.argv[1], sys.argv[2].split(), sys.argv[3].split())
    print("\n".join(problems) or "tests-listed: ok")
    sys.exit(bool(problems))
