"""Random configuration documents, merged: the unit test's own program, from other seeds than there.
Each round is 2,000 documents; fifty of them are a hundred thousand."""
import os
import pathlib
import subprocess

from rig import Violation

CHAPTER = "documents"
COUNT = 2000
PROGRAM = pathlib.Path(os.environ.get("ADIT_BUILD", "build/dev")).resolve() / \
    "unit_reconcile_test_merge_random"


def possible():
    return PROGRAM.exists()


def run(name, spare):
    """name: seed:number. Nothing of a host is needed."""
    seed, number = (int(part) for part in name.split(":"))
    first = (seed + 1) * 1_000_000_000 + number * COUNT
    done = subprocess.run([PROGRAM, str(COUNT), str(first)], capture_output=True, text=True,
                          timeout=600)
    if done.returncode:
        raise Violation(f"{PROGRAM.name} {COUNT} {first}: {done.stderr[-1200:]}")
    return spare, "held"
