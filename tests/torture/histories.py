"""Random lives of a host: operations, other people's edits at Cloudflare, faults of Cloudflare and
kill -9, all from one seed. When all is quiet, what must always hold is looked at."""
import json
import os
import random
import signal
import time

from outsider import Outsider
from rig import ApiError, Rig, Violation, need, patiently
from rounds import GONE

CHAPTER = "histories"
HOSTS = [f"h{i}.example.com" for i in range(4)] + ["x.example.net"]
PATHS = ("", "", "", "/api", "/static/.*")
TUNNELS = ("edge1", "second", "third")
QUIET_S, SETTLE_S, MOST_S = 3, 36, 110

FAULTS = [dict(do="lose"), dict(do="drop"), dict(do="drop", reset=True), dict(do="lose", reset=True),
          dict(do="limit", ms=700), dict(do="error", status=500), dict(do="error", status=503),
          dict(do="raw", status=502, body="<html>bad gateway"), dict(do="delay", ms=400),
          dict(do="late", ms=300), dict(do="late", ms=1500), dict(do="cut", bytes=15),
          dict(do="wrong", status=502), dict(do="wrong", body="{"), dict(do="slow", bytes=200)]
WHERE = [dict(), dict(method="POST"), dict(method="PUT"), dict(method="PATCH"),
         dict(method="DELETE"), dict(method="GET"), dict(path="*/configurations"),
         dict(path="*/dns_records*"), dict(path="*/cfd_tunnel*"), dict(path="*/token")]


class History:
    def __init__(self, name):
        self.rng = random.Random(name)
        self.policy = self.rng.choice(["report", "repair", "ignore"])
        self.steps = []
        self.rig = Rig(reconcile={"drift": self.policy,
                                  "interval": self.rng.choice(["1s", "3s", "60s"])})
        self.host, self.sim = self.rig.host, self.rig.sim
        self.outsider = Outsider(self.rig, self.rng)
        self.pending = []            # plans that wait for approval
        self.may_delete = set()      # host names and tunnels whose end somebody approved
        self.acts = [
            (self.publish, 9), (self.unpublish, 3), (self.tunnel_create, 2),
            (self.tunnel_delete, 1), (self.connector_restart, 1), (self.decide, 2),
            (self.outside, 7), (self.fault, 5), (self.faults_over, 2), (self.kill, 3),
            (self.reload, 1), (self.restart, 1), (self.kill_connector, 1), (self.pause, 4)]

    def told(self, what):
        self.steps.append(what)

    def step(self):
        acts, weights = zip(*self.acts)
        self.rng.choices(acts, weights)[0]()

    # ---- operations ----

    def call(self, op, **args):
        """What people and programs get wrong, or Cloudflare, is answered; all else is a mistake."""
        try:
            answer = self.rig.do(op, wait=False, **args)
            self.told(f"{op} {args} -> {answer.get('state', answer)}")
        except ApiError as e:
            self.told(f"{op} {args} -> {e.kind}: {e.message}")
            need(e.kind != "internal" and e.message, f"{op} answered", str(e))
            return None
        if answer.get("state") == "needs_approval":
            self.pending.append((answer["plan"], answer["hash"], args))
        return answer

    def service(self):
        return self.rng.choice([self.rig.origin.url, "http_status:418", "http://localhost:1"])

    def publish(self):
        args = {"hostname": self.rng.choice(HOSTS), "service": self.service(),
                "approve": self.rng.random() < 0.8}
        path, tunnel = self.rng.choice(PATHS), self.rng.choice(TUNNELS + (None,) * 4)
        if path:
            args["path"] = path
        if tunnel:
            args["tunnel"] = tunnel
        self.call("route_set", **args)

    def unpublish(self):
        args = {"hostname": self.rng.choice(HOSTS), "approve": self.rng.random() < 0.8}
        path = self.rng.choice(PATHS)
        if path:
            args["path"] = path
        if args["approve"]:
            self.may_delete.add(args["hostname"])
        self.call("route_delete", **args)

    def tunnel_create(self):
        self.call("tunnel_create", name=self.rng.choice(TUNNELS),
                  replicas=self.rng.choice([0, 1, 1, 2]))

    def tunnel_delete(self):
        tunnel, approve = self.rng.choice(TUNNELS), self.rng.random() < 0.7
        if approve:
            self.may_delete |= {tunnel, *HOSTS}
        self.call("tunnel_delete", tunnel=tunnel, approve=approve)

    def connector_restart(self):
        self.call("connector_restart", connector=f"{self.rng.choice(TUNNELS)}/1")

    def decide(self):
        if not self.pending:
            return
        plan, digest, args = self.pending.pop(self.rng.randrange(len(self.pending)))
        if self.rng.random() < 0.3:
            if self.call_plan("plan_reject", plan):
                self.rig.plans[plan] = "rejected"
            return
        self.may_delete |= {args.get("hostname", ""), args.get("tunnel", "")}
        self.may_delete |= set(HOSTS) if "tunnel" in args and "hostname" not in args else set()
        done = self.call_plan("plan_approve", plan, hash=digest, wait=False)
        if done:
            self.rig.plans[plan] = done["state"]

    def call_plan(self, op, plan, **args):
        args["plan"] = plan
        try:
            answer = self.host.api(op, **args)
            self.told(f"{op} {plan} -> {answer['state']}")
            return answer
        except ApiError as e:
            self.told(f"{op} {plan} -> {e.kind}: {e.message}")
            need(e.kind != "internal" and e.message, f"{op} answered", str(e))
            self.rig.plans.pop(plan, None)  # stale by now
            return None

    # ---- trouble ----

    def outside(self):
        self.told("outside: " + self.outsider.act())

    def fault(self):
        rule = {"method": "*", "path": "*", **self.rng.choice(FAULTS), **self.rng.choice(WHERE)}
        rule["count"] = self.rng.choice([1, 1, 2, 4])
        self.told(f"fault {rule}")
        self.sim.control("POST", "faults", {k: v for k, v in rule.items() if v != "*"})

    def faults_over(self):
        self.told("no faults")
        self.sim.faults_clear()

    def kill(self):
        time.sleep(self.rng.random() * 0.08)
        self.told("kill -9")
        self.host.kill9()
        if self.rng.random() < 0.3:
            self.outside()
        self.host.start(observed=False)

    def restart(self):
        self.told("restart")
        self.host.stop()
        self.host.start(observed=False)

    def reload(self):
        self.told("reload")
        self.host.process.send_signal(signal.SIGHUP)

    def kill_connector(self):
        pids = self.host.connector_pids()
        if pids:
            self.told("kill -9 of a connector")
            try:
                os.kill(self.rng.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                pass

    def pause(self):
        time.sleep(self.rng.random() * 0.5)

    # ---- afterwards ----

    def become_quiet(self):
        """Until all is as wanted, or what is not has its sentence and nothing moves any more."""
        self.sim.faults_clear()
        self.reload()
        began, moved, last = time.monotonic(), time.monotonic(), None
        nudged = False
        while True:
            now, seen = time.monotonic(), (len(self.sim.writes()), self.rig.unconverged())
            if seen != last:
                last, moved = seen, now
            if now - moved > QUIET_S and not seen[1]:
                return seen[1]
            if now - began > SETTLE_S and not nudged:
                nudged = True
                self.reload()
            if now - moved > QUIET_S * 2 and now - began > SETTLE_S + 10:
                return seen[1]
            if now - began > MOST_S:
                return seen[1]
            time.sleep(0.2)

    def check(self):
        rest = self.become_quiet()
        mute = [f"{kind} {name}" for kind, name, sentence in rest if not sentence]
        need(not mute, "not as wanted, and no sentence says why:", mute)
        self.rig.check_alive()
        self.rig.check_ledger()
        self.rig.check_plans()
        self.outsider.check()
        self.check_nothing_left(rest)
        self.check_deletes()
        if not rest:
            self.check_connectors_only()
        return "converged" if not rest else "says why not"

    def check_nothing_left(self, rest):
        """All that our token made and that bears our mark is in our store."""
        known = {t.get("remote_id") for t in self.host.items("tunnel_list", limit=500)}
        for t in self.rig.our_tunnels():
            need(t["id"] in known, f"orphan: tunnel {t['name']} {t['id']}; rest", str(rest))
        known = {d.get("remote_id") for d in self.host.items("dns_list", limit=500)}
        # One whose answer was lost is claimed when its turn comes; until then it says why not.
        waiting = {name for kind, name, _ in rest if kind == "record"}
        made = {r["object"] for r in self.sim.log() if r["method"] == "POST" and r["status"] == 200}
        for r in self.rig.our_records():
            if r["id"] in made and r["name"] not in waiting:
                need(r["id"] in known, f"orphan: record {r['name']} {r['id']}; rest", str(rest))

    def check_deletes(self):
        """Nothing went that nobody wanted away."""
        names = {}
        for r in self.sim.log():
            if r["method"] == "POST" and r["body"] and r["object"]:
                names[r["object"]] = r["body"].get("name")
            if r["method"] == "DELETE" and r["status"] == 200 and r["object"] in names:
                need(names[r["object"]] in self.may_delete,
                     f"deleted without a plan: {r['path']}, {names[r['object']]}")

    def check_connectors_only(self):
        count = sum(self.rig.wanted()["tunnels"].values())
        self.rig.check_connectors(count)

    def live(self):
        for _ in range(self.rng.randint(8, 40)):
            self.step()
            if self.host.process.poll() is not None:
                raise Violation(f"aditd ended with {self.host.process.returncode}")
        return self.check()


def run(name, spare):
    """One history; the rig is new for each, so that the seed alone tells what comes."""
    if spare:
        spare.close()
    history = History(name)
    try:
        outcome = history.live()
        patiently(lambda: history.rig.host.process.poll() is None, 1)
        history.rig.finish()
        history.rig.close()
    except (Exception, *GONE) as e:
        e.rig, e.steps = history.rig, [f"drift: {history.policy}", *history.steps,
                                       "status: " + status_of(history)]
        raise
    return None, outcome


def status_of(history):
    try:
        return json.dumps(history.host.status())[:6000]
    except Exception as e:  # it may be dead
        return repr(e)
