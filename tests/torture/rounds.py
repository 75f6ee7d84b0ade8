"""What the rounds of "syscalls" and "errors" have in common: begin at the base, meddle, and see
whether the host comes back to what was acknowledged."""
import http.client
import threading
import time

import operations
from rig import ApiError, Rig, Violation, need, patiently

QUICK = 3    # what takes longer settles aside: a lost create may land for 35 s
LONG = 90
LATE_MS = (250, 1500, 5000, 30000)
GONE = (OSError, http.client.HTTPException)


class Call(threading.Thread):
    """The operation, called without waiting for its end: was it acknowledged?"""

    def __init__(self, rig, operation):
        super().__init__(daemon=True)
        self.rig, self.operation = rig, operation
        self.acknowledged, self.refused = False, None
        self.start()

    def run(self):
        try:
            answer = self.operation.call(self.rig, wait=False)
            self.acknowledged = answer.get("state", "applied") in ("applied", "unchanged")
        except ApiError as e:
            self.refused = e
        except GONE:
            pass


def make_late(rig, ms):
    """Cloudflare does it a little later than it hangs up: the caller may be dead by then."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        rig.sim.fault("late", method=method, path="*", ms=ms, count=0)


def base(spare, operation):
    """A rig at the operation's base: the spare one of this worker, or a new one."""
    rig = spare or Rig()
    try:
        if rig.theirs is None:
            rig.add_foreign()
        operation.prepare(rig)
        return rig
    except Exception as e:
        e.rig = rig
        raise


def check_back(rig, operation, acknowledged, seconds):
    """None while it goes on; else what is wanted was reached, and it is either side of the
    operation, the far one if that was acknowledged."""
    if not rig.wait_settled(seconds):
        return None
    before, after = operation.wants(rig)
    want = rig.wanted()
    need(want == after or (want == before and not acknowledged),
         "acknowledged, but wanted is" if acknowledged else "wanted is neither side:", str(want))
    return want


def check_whole(rig, operation, want):
    patiently(lambda: whole(rig, operation, want), 5, 0.2)
    operation.check_cloud(rig, want)
    rig.check_foreign()
    rig.check_plans()
    rig.check_ledger()
    rig.check_alive()


def whole(rig, operation, want):
    try:
        operation.check_cloud(rig, want)
        return True
    except Violation:
        return False


def stuck(rig, seconds):
    return Violation(f"not as wanted after {seconds:.0f} s: {rig.unconverged()}")


def settle(rig, operation, call, seconds):
    """Waits until all is as wanted, then checks everything. How long it took, or None."""
    began = time.monotonic()
    want = check_back(rig, operation, call.acknowledged, seconds)
    if want is None:
        return None
    check_whole(rig, operation, want)
    if call.acknowledged:
        operation.check_done(rig)
    return time.monotonic() - began


__all__ = ["Call", "LONG", "QUICK", "base", "make_late", "operations", "patiently", "settle",
           "stuck"]
