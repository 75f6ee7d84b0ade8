"""aditd dies at each of its syscalls, one a round, and is started again. Between two syscalls
nothing outside can change, so these are all the moments there are."""
import time

import rounds
from rounds import QUICK, base, make_late, operations
from tracer import Tracer, count_calls

# Calls that somebody outside can see the effect of, or where time passes; the rest comes after.
SEEN = {"write", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "unlinkat", "rename",
        "renameat", "mkdirat", "openat", "connect", "sendto", "sendmsg", "recvfrom", "clone",
        "clone3", "vfork", "kill", "pidfd_send_signal", "accept4", "epoll_wait", "close", "symlinkat"}
# Where a longer delay makes a difference: around the requests, and what is written of them.
AROUND_REQUESTS = {"sendto", "recvfrom", "fdatasync"}
CHAPTER = "syscalls"
OPERATIONS = tuple(operations.ALL)


def count(operation, late):
    """{syscall: how often} in one quiet run of the operation."""
    rig = base(None, operation)
    try:
        if late:
            make_late(rig, late)
        tracer = Tracer(rig.host.process.pid)
        rounds.Call(rig, operation).join(20)
        rounds.patiently(lambda: operation.reached(rig), 5)
        time.sleep(0.7 if late else 0.25)
        return count_calls(tracer.detach())
    finally:
        rig.close()


def points(rng, names, lates=(0, *rounds.LATE_MS)):
    """Names of all rounds, those of greater interest first; each operation in turn."""
    queues, counted = [], {}
    for late in lates:
        for name in names:
            if late <= rounds.LATE_MS[0]:
                counted[name] = count(operations.ALL[name], late)
            calls = counted[name] if late <= rounds.LATE_MS[0] else \
                {c: n for c, n in counted[name].items() if c in AROUND_REQUESTS}
            mode = f"late{late}" if late else "plain"
            all_of = [(c, k) for c, n in calls.items() for k in range(1, n + 1)]
            rng.shuffle(all_of)
            all_of.sort(key=lambda p: p[0] not in SEEN)
            queues.append([f"{name}/{mode}/{c}/{k}" for c, k in all_of])
            print(f"   {name}, {mode}: {len(all_of)} syscalls", flush=True)
    while queues:
        for queue in queues:
            yield queue.pop(0)
        queues = [q for q in queues if q]


def meddle(rig, operation, late, call_name, k):
    """Runs the operation until it dies; was it acknowledged, did it die there?"""
    if late:
        make_late(rig, late)
    tracer = Tracer(rig.host.process.pid, f"{call_name}:signal=KILL:when={k}", call_name)
    try:
        call = rounds.Call(rig, operation)
        rounds.patiently(lambda: tracer.ended() or (not call.is_alive() and operation.reached(rig)),
                         4, 0.01)
        rounds.patiently(tracer.ended, 0.6 if late else 0.25, 0.01)
        died = tracer.ended()
    finally:
        tracer.detach()
    rig.host.kill9()
    call.join(20)
    rig.sim.faults_clear()
    return call, died


def run(name, spare):
    """One round. (how it went, the rig to go on with or a function that finishes the round)"""
    op_name, mode, call_name, k = name.split("/")
    operation = operations.ALL[op_name]
    rig = base(spare, operation)
    try:
        late = int(mode.removeprefix("late")) if mode != "plain" else 0
        call, died = meddle(rig, operation, late, call_name, int(k))
        rig.host.start(observed=False)
        if late > QUICK * 1000:
            return rig, lambda: finish(rig, operation, call, late)
        time.sleep(late / 1000)
        if rounds.settle(rig, operation, call, QUICK) is None:
            return rig, lambda: finish(rig, operation, call, late)
    except BaseException as e:
        e.rig = rig
        raise
    return rig, "converged" if died else "not reached"


def finish(rig, operation, call, late):
    if late > QUICK * 1000:  # until all has landed
        time.sleep(late / 1000 + 1)
    if rounds.settle(rig, operation, call, rounds.LONG) is None:
        raise rounds.stuck(rig, rounds.LONG)
    return "after 35 s"
