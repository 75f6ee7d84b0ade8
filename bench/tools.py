"""What the benchmarks share: the command line, tables, hosts, and what a process has used."""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/e2e"))
parser = argparse.ArgumentParser(description="Prints the tables of docs/PERFORMANCE.md.")
parser.add_argument("--build", required=True, type=pathlib.Path)
parser.add_argument("--quick", action="store_true", help="few samples: does all of it run?")
parser.add_argument("--only", help="names, with commas between them")
options = parser.parse_args()
os.environ["ADIT_BUILD"] = str(options.build.resolve())

from harness import Host, Sim  # noqa: E402

BUILD = options.build.resolve()
QUICK = options.quick
RUNSV = os.environ.get("RUNSV") or shutil.which("runsv")


# ---- small things ----

def table(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |")
    sys.stdout.flush()


def median(values):
    return statistics.median(values)


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def compared(samples, base, scale=1.0):
    """Rows of name, n, median and ratio to the named base; samples: {name: [values]}."""
    floor = median(samples[base])
    return [(name, len(v), show(median(v) * scale), ratio(median(v) / floor))
            for name, v in samples.items() if v]


def ratio(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


@contextlib.contextmanager
def scratch():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="adit-bench-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def simulated(*args):
    with scratch() as folder:
        sim = Sim(folder, *args)
        try:
            yield sim
        finally:
            sim.close()


@contextlib.contextmanager
def hosted(sim, **settings):
    host = Host(sim, owner="bench")
    host.configure(log={"level": "info"}, **settings)
    try:
        yield host
    finally:
        host.close()
        shutil.rmtree(host.folder, ignore_errors=True)


def ended(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def rss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def cpu_ms(pid):
    """Of all threads that live; finer than the ticks of /proc/PID/stat."""
    return sum(int(p.read_text().split()[0])
               for p in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6
