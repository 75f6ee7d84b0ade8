"""A syscall of the running aditd fails, once or for a second and a half, and then all is well again.
aditd must live on, and come to what is wanted without a restart."""
import signal
import time

import rounds
import syscalls
from harness import BUILD
from rig import ApiError, Violation, need
from rounds import QUICK, base, operations
from tracer import Tracer

FAIL = {
    "pwrite64": ("ENOSPC", "EIO"), "write": ("ENOSPC", "EIO"), "fdatasync": ("EIO", "ENOSPC"),
    "fsync": ("EIO",), "pread64": ("EIO",), "ftruncate": ("EIO",),
    "openat": ("EMFILE", "ENOSPC", "ENOMEM", "EIO"), "mkdirat": ("ENOSPC",),
    "renameat": ("ENOSPC", "EIO"), "unlinkat": ("EIO",),
    "sendto": ("ECONNRESET", "ENOMEM"), "recvfrom": ("ECONNRESET", "ENOMEM"),
    "sendmsg": ("ECONNRESET", "ENOMEM"), "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "socket": ("EMFILE", "ENOMEM"), "connect": ("ECONNRESET", "ENOMEM"),
    "accept4": ("EMFILE", "ENOMEM"), "clone3": ("EAGAIN", "ENOMEM"), "pidfd_open": ("EMFILE",),
    "clone": ("EAGAIN", "EMFILE"),
    "inotify_add_watch": ("ENOSPC",), "inotify_init1": ("EMFILE",), "mmap": ("ENOMEM",),
}
CHAPTER = "errors"
OPERATIONS = ("route_set_new", "route_set_path", "tunnel_delete", "connector_restart",
              "tunnel_rotate")
STICKS_S, ONCE_S = 1.5, 0.3
# The kernel never refuses EPOLL_CTL_DEL and MOD for want of memory; strace cannot tell them from
# ADD. So these fail once only, and what libmicrohttpd says about a DEL is passed over.
ONCE = {"epoll_ctl"}
UNREAL = "Failed to remove FD from epoll set"


def possible():
    """FAIL, but AddressSanitizer's own allocator dies of a refused mmap."""
    sanitized = b"__asan_init" in (BUILD / "aditd").read_bytes()
    return {c: e for c, e in FAIL.items() if not (sanitized and c == "mmap")}


def points(rng, names):
    queues = []
    for name in names:
        calls = syscalls.count(operations.ALL[name], False)
        all_of = [f"{name}/{c}/{e}/{k}{plus}" for c, errors in possible().items() for e in errors
                  for k in range(1, calls.get(c, 0) + 1) for plus in ("", "+")
                  if not (plus and c in ONCE)]
        rng.shuffle(all_of)
        print(f"   {name}: {len(all_of)} errors", flush=True)
        queues.append(all_of)
    while queues:
        for queue in queues:
            yield queue.pop(0)
        queues = [q for q in queues if q]


def meddle(rig, operation, call_name, error, when):
    tracer = Tracer(rig.host.process.pid, f"{call_name}:error={error}:when={when}", call_name)
    try:
        call = rounds.Call(rig, operation)
        call.join(STICKS_S)
        time.sleep(STICKS_S if when.endswith("+") else ONCE_S)
    finally:
        struck = "(INJECTED)" in tracer.detach()
    return call, struck


def check_healed(rig, call):
    """It lives, answers, and has answered the one who asked."""
    rig.check_alive()
    need(rounds.patiently(lambda: answers(rig), 10), "aditd lives and does not answer")
    call.join(40)
    need(not call.is_alive(), "the call was never answered")


def answers(rig):
    try:
        return rig.host.call("status_get")[0] == 200
    except rounds.GONE:
        return False


def run(name, spare):
    op_name, call_name, error, when = name.split("/")
    operation = operations.ALL[op_name]
    rig = base(spare, operation)
    try:
        call, struck = meddle(rig, operation, call_name, error, when)
        if UNREAL in rig.host.log():
            rig.close()
            return None, "not real"
        check_healed(rig, call)
        if rounds.settle(rig, operation, call, QUICK) is None:
            return rig, lambda: finish(rig, operation, call)
        call_again(rig, operation)
    except BaseException as e:
        e.rig = rig
        raise
    return rig, "converged" if struck else "not reached"


def call_again(rig, operation):
    """What was refused then works now."""
    if rig.wanted() == operation.wants(rig)[1]:
        return
    try:
        again = rounds.Call(rig, operation)
        again.join(40)
        need(again.acknowledged, "after all is well it is still refused:", str(again.refused))
    except ApiError as e:
        raise Violation(f"after all is well it is still refused: {e}") from e
    if rounds.settle(rig, operation, again, rounds.LONG) is None:
        raise rounds.stuck(rig, rounds.LONG)


def finish(rig, operation, call):
    """Waiting times between tries may have grown long: a reload tries at once."""
    if rounds.settle(rig, operation, call, 40) is None:
        rig.host.process.send_signal(signal.SIGHUP)
        if rounds.settle(rig, operation, call, rounds.LONG) is None:
            raise rounds.stuck(rig, rounds.LONG)
    call_again(rig, operation)
    return "after a wait"
