#!/usr/bin/env python3
"""Runs rounds side by side for a bounded time, tells how far it is, and closes with a table. Each
round has a name, and the name alone repeats it."""
import argparse
import collections
import itertools
import os
import queue
import random
import signal
import sys
import threading
import time
import traceback

import documents
import errors
import histories
import inflight
import lives
import syscalls
import tracer
from harness import end_leftovers
CHAPTERS = {m.CHAPTER: m for m in (syscalls, histories, errors, lives, documents, inflight)}
ALONE = (inflight.CHAPTER,)  # never beside others
SKIPPED = 77
# Operations without a POST: none of their rounds waits for one that may still land.
BRIEF = ("route_set_path", "connector_restart", "route_delete", "tunnel_delete")
TURNS = {"syscalls": 6, "errors": 2, "histories": 1, "lives": 6,
         "documents": 1, "inflight": 1}  # a history lasts longest
SEEDED = ("histories", "lives", "documents")  # their rounds have no end
ENOUGH = 20  # violations; more tell nothing new
ASIDE_MOST = 24  # rounds that only wait for their 35 s


class Torture:
    def __init__(self, workers, deadline):
        self.workers, self.deadline = workers, deadline
        self.names = queue.Queue(2 * workers)
        self.lock = threading.Lock()
        self.counts = collections.defaultdict(collections.Counter)
        self.failures = []
        self.aside = threading.Semaphore(ASIDE_MOST)
        self.waiting = []

    def note(self, chapter, group, outcome):
        with self.lock:
            self.counts[chapter, group][outcome] += 1

    def fail(self, chapter, name, error):
        rig = getattr(error, "rig", None)
        with self.lock:
            self.failures.append(name)
            self.counts[chapter, name.split("/")[0].split(":")[0]]["VIOLATED"] += 1
            print(f"\nVIOLATION {chapter} {name}: {str(error)[:1500] or repr(error)}")
            for line in getattr(error, "steps", [])[-90:]:
                print(f"   {line}")
            if not getattr(error, "expected", False) and type(error).__name__ != "Violation":
                print("".join(traceback.format_exception(error))[-1500:])
            if rig:
                print(f"   its folder: {rig.host.folder}, before it: {rig.past[-3:]}")
            print(f"   again: scripts/torture {chapter} --only '{name}'\n", flush=True)

    def close(self, error):
        rig = getattr(error, "rig", None)
        try:
            if rig:
                rig.close(keep=True)
        except Exception as e:  # the others go on
            print(f"   its end: {e}", flush=True)

    def round(self, chapter, name, spare):
        """The rig to go on with, or None."""
        try:
            rig, outcome = CHAPTERS[chapter].run(name, spare)
        except Exception as e:  # every failure of a round is told, and the others go on
            self.fail(chapter, name, e)
            self.close(e)
            return None
        if not callable(outcome):
            self.note(chapter, group_of(name), outcome)
            if rig:
                rig.past.append(name)
            return rig
        self.aside.acquire()
        thread = threading.Thread(target=self.finish, args=(chapter, name, rig, outcome))
        with self.lock:
            self.waiting.append(thread)
        thread.start()
        return None

    def finish(self, chapter, name, rig, rest):
        try:
            self.note(chapter, group_of(name), rest())
            rig.close()
        except Exception as e:
            e.rig = rig
            self.fail(chapter, name, e)
            self.close(e)
        finally:
            self.aside.release()

    def work(self):
        spare, rounds = None, 0
        while True:
            item = self.names.get()
            if item is None:
                break
            spare, rounds = self.round(*item, spare), rounds + 1
            if spare and rounds % 40 == 0:  # logs and ledgers shall stay short
                spare.close()
                spare = None
        if spare:
            spare.close()

    def progress(self):
        with self.lock:
            done = sum(sum(c.values()) for c in self.counts.values())
            slow = sum(t.is_alive() for t in self.waiting)
        return f"{done} rounds, {slow} settle, {len(self.failures)} violations"

    def run(self, named):
        """named: (chapter, name) until the time is over."""
        threads = [threading.Thread(target=self.work) for _ in range(self.workers)]
        for t in threads:
            t.start()
        told = began = time.monotonic()
        left = False
        for item in named:
            if time.monotonic() > self.deadline or len(self.failures) >= ENOUGH:
                left = True
                break
            self.names.put(item)
            if time.monotonic() > told + 10:
                told = time.monotonic()
                print(f"   {told - began:4.0f} s: {self.progress()}", flush=True)
        for _ in threads:
            self.names.put(None)
        for t in threads:
            t.join()
        for t in self.waiting:
            t.join()
        return left

    def table(self):
        print(f"\n{'':34}" + "".join(f"{o:>13}" for o in self.outcomes()))
        for (chapter, group), row in sorted(self.counts.items()):
            print(f"{chapter + ' ' + group:34}" +
                  "".join(f"{row[o] or '-':>13}" for o in self.outcomes()))

    def outcomes(self):
        return sorted({o for row in self.counts.values() for o in row})


def group_of(name):
    return name.split("/")[0].split(":")[0]


def in_turn(*streams):
    """One of each as long as there are any."""
    for items in itertools.zip_longest(*streams):
        yield from (i for i in items if i is not None)


def streams(args):
    rng = random.Random(args.seed)
    if args.only:
        return [[(args.chapter, args.only)] * args.times]
    if args.sample:
        return [[("syscalls", n) for n in syscalls.points(rng, BRIEF, lates=(0,))],
                [("errors", n) for n in errors.points(rng, BRIEF[:2])],
                [("lives", f"{args.seed}:{i}") for i in range(1000)]]
    wanted = [c for c in CHAPTERS if c not in ALONE] if args.chapter == "all" else [args.chapter]
    wanted = [c for c in wanted if c != documents.CHAPTER or documents.possible()]
    out = []
    for chapter in wanted:
        module = CHAPTERS[chapter]
        if chapter in SEEDED:
            names = (f"{args.seed}:{i}" for i in itertools.count())
        else:
            names = module.points(rng, args.operations or module.OPERATIONS)
        stream = zip(itertools.repeat(chapter), names)
        out += [stream] * TURNS[chapter]  # the same one: it has so many turns
    return out


def read_arguments():
    p = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    p.add_argument("chapter", nargs="?", default="all", choices=[*CHAPTERS, "all"])
    p.add_argument("--minutes", type=float, default=5, help="begin no round after that time")
    p.add_argument("--seed", type=int, default=None, help="the order, and the histories")
    p.add_argument("--only", metavar="ROUND", help="this round alone, by its name")
    p.add_argument("--times", type=int, default=1, help="so often, with --only")
    p.add_argument("--sample", action="store_true",
                   help="what takes no 35 s to settle: for every day")
    p.add_argument("--workers", type=int, default=6)
    p.add_argument("--operations", nargs="+", metavar="OPERATION")
    args = p.parse_args()
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1000000)
    if args.only and args.chapter == "all":
        p.error("--only wants a chapter")
    return args


def stop(*_):
    """Nothing that was started is left behind."""
    end_leftovers()
    os._exit(1)


def main():
    args = read_arguments()
    signal.signal(signal.SIGTERM, stop)
    if args.chapter in ALONE:
        args.workers = 1
    if args.chapter not in (*SEEDED, *ALONE) and not tracer.possible():
        print("strace cannot attach to a process here: nothing was tried")
        return SKIPPED
    print(f"== {args.chapter}, seed {args.seed}, {args.minutes:g} minutes, "
          f"{args.workers} side by side", flush=True)
    began = time.monotonic()
    torture = Torture(min(args.workers, args.times) if args.only else args.workers,
                      began + args.minutes * 60)
    left = torture.run(in_turn(*streams(args)))
    torture.table()
    print(f"\n{torture.progress()} in {time.monotonic() - began:.0f} s"
          f"{'; not all rounds were tried' if left else ''}")
    for name in torture.failures:
        print(f"violated: {name}")
    return 1 if torture.failures else 0


if __name__ == "__main__":
    sys.exit(main())
