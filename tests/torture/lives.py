"""Random lives of a host at the strict Cloudflare: every operation there is, other people's edits,
faults, kill -9 and restarts, all from one seed; connectors run elsewhere, so that a life is short.
When all is quiet, nothing foreign was written to, nothing is there twice, nothing is left behind,
and what is not as wanted has its sentence."""
import json
import pathlib
import random
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import rawjson  # noqa: E402
from furniture import furnish, snapshot  # noqa: E402
from harness import ApiError, Host  # noqa: E402
from judge import mark_of, rule_key  # noqa: E402
from rig import BROKEN, Violation, need, patiently  # noqa: E402
from rounds import GONE  # noqa: E402
from stranger import HOSTS, Stranger  # noqa: E402
from strict_server import NO_ANSWER, Strict  # noqa: E402

CHAPTER = "lives"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OPERATIONS = set(re.findall(r"^OP\((\w+)\)", (ROOT / "ops/decl/ops.def").read_text(), re.M))
DECLARED = "".join(p.read_text() for p in (ROOT / "ops/decl").glob("*.c"))
TUNNELS = ("edge1", "second", "third")
RENAMED = "renamed"  # its new name here, while Cloudflare may not have heard of it
PATHS = ("", "", "", "/api", "/static/.*")
OWN = (("t0.example.com", "TXT", "hello"), ("t1.example.net", "TXT", "there"),
       ("m0.example.com", "MX", "mx.example.org"), ("h2.example.com", "A", "192.0.2.77"),
       ("c0.example.net", "CNAME", "www.example.org"))
LOST = ("lose", "late", "drop", "reset", "cut", "garbled", "failed_200", "null_result",
        "wrong_types", "html_200", "lose_reset", "late_reset")
CLEAN = ("limit", "error", "html", "unavailable", "codeless", "delay", "dribble", "denied",
         "unauthorised", "redirect")
UNSURE = NO_ANSWER | {"error", "unavailable", "codeless", "html", "redirect", "unauthorised",
                      "denied", "limit"}
QUIET_S, LANDED_S, MOST_S = 1.6, 37, 150
# What moves away is served by its old tunnel for 20 s more.
MUTE_S = 32


def has_argument(operation, name):
    """Is it declared? What another build lacks is not tried."""
    start = DECLARED.find(f"op_{operation}(void)")
    end = DECLARED.find(".name =", start)
    return operation in OPERATIONS and f"args, {name}" in DECLARED[start:end]


def differences(host):
    """What is over, and only told, explains nothing."""
    return [d for d in host.items("drift_list", limit=500)
            if (d["object"], d["kind"]) != ("record", "overwritten")]


def unsettled(host):
    """[(kind, name, sentence or None)] of what is not as wanted; are writes held?"""
    status = host.status()
    said, found = {}, []
    if "drift_list" in OPERATIONS:  # somebody else's change, which is told, and left or put back
        for d in differences(host):
            said.setdefault(d["name"], f"drift: {d}")
            if d["repair"]:
                found.append(("drift", d["name"], said[d["name"]]))
    for p in status["problems"]:
        said.setdefault(p.get("name", "").split("/")[0], p.get("message"))
    for c in host.items("connector_list", limit=500):
        if c.get("reason"):
            said.setdefault(c["tunnel"], c["reason"])
    for r in host.items("route_list", limit=500):
        message = (r.get("problem") or {}).get("message")
        if r.get("old_until"):  # the old rule goes by itself
            found.append(("leaving", r["hostname"], None))
        # Nothing runs where these routes lead, which hinders nothing.
        if message and not message.startswith("The origin of "):
            found.append(("route", r["hostname"], message))
            said.setdefault(r["tunnel"], message)
    for d in host.items("dns_list", limit=500):
        if d.get("owned", True) and not d["converged"]:
            message = (d.get("problem") or {}).get("message") or said.get(d["name"]) or \
                said.get(d.get("tunnel"))
            found.append(("record", d["name"], message))
            said.setdefault(d.get("tunnel"), message)
    for t in host.items("tunnel_list", limit=500):
        if not t["converged"]:
            found.append(("tunnel", t["name"], (t.get("problem") or {}).get("message") or
                          said.get(t["name"])))
    return sorted(found, key=str), status["writes"] != "on"


class Life:
    def __init__(self, name):
        self.rng = random.Random(name)
        self.policy = self.rng.choice(["report", "report", "repair", "ignore"])
        self.faulty = self.rng.choice(["", "clean", "clean", "lost"])
        self.steps, self.pending = [], []
        self.strict = Strict(name)
        self.cloud, self.judge = self.strict.cloud, self.strict.judge
        self.judge.policy = self.policy
        furnish(self.cloud)
        self.host = Host(self.strict)
        self.host.configure(reconcile={"interval": "1s", "drift": self.policy},
                            cloudflare={"budget": "14400/1h"}, safety={"max_delete": 1000},
                            connectors={"health": {"interval": "1s", "timeout": "500ms",
                                                   "unready": "3s"}},
                            log={"level": "info"})
        self.stranger = Stranger(self.cloud, self.rng)
        self.lost_at, self.kills = 0, 0
        self.acts = [
            (self.route_set, 9), (self.route_delete, 3), (self.dns_set, 4), (self.dns_delete, 2),
            (self.tunnel_create, 2), (self.tunnel_delete, 1), (self.decide, 2), (self.roll_back, 1),
            (self.outside, 8), (self.fault, 5 if self.faulty else 0), (self.faults_over, 2),
            (self.kill, 3), (self.restart, 1), (self.reload, 1), (self.narrow, 1), (self.pause, 6),
            (self.adopt, 2), (self.join, 1), (self.release, 1), (self.update, 1), (self.drift, 2),
            (self.manifest, 3), (self.rotate, 1)]

    def told(self, what):
        self.steps.append(what)

    # ---- operations ----

    def write(self, op, **args):
        """What is asked, and what is approved, is known to the judge before adit acts."""
        if op not in OPERATIONS:
            return None
        with self.cloud.lock:
            self.judge.ask(json.dumps(args))
            if args.get("drift") == "repair":
                self.judge.policy = "repair"
            self.judge.rotates |= op == "tunnel_rotate"
        answer = self.call(op, **args, **({} if op == "plan_create" else {"wait": False}))
        if answer and answer.get("state") == "planned":
            self.apply_plan(answer["plan"])
        if answer and answer.get("state") == "needs_approval":
            self.pending.append((answer["plan"], answer["hash"]))
            if self.rng.random() < 0.85:
                self.settle_plan(len(self.pending) - 1, True)
        return answer

    def call(self, op, **args):
        try:
            answer = self.host.api(op, **args)
            self.told(f"{op} {args} -> {answer.get('plan', '')} {answer.get('state', '')}")
            return answer
        except ApiError as e:
            self.told(f"{op} {args} -> {e.kind}: {e.message} {e.hint}")
            need(e.kind != "internal" and e.message, f"{op} answered", str(e))
            self.refusal = e
            return None

    def settle_plan(self, index, approve):
        plan, digest = self.pending.pop(index)
        if not approve:
            self.call("plan_reject", plan=plan)
            return
        shown = self.call("plan_get", plan=plan)
        if not shown:
            return
        with self.cloud.lock:
            self.judge.approve(json.dumps(shown, ensure_ascii=False))
        if not self.call("plan_approve", plan=plan, hash=digest, wait=False):
            with self.cloud.lock:
                self.judge.approved.pop()

    def apply_plan(self, plan):
        """One that needs no approval, and waits to be carried out."""
        shown = self.call("plan_get", plan=plan)
        if shown and "plan_apply" in OPERATIONS:
            with self.cloud.lock:
                self.judge.ask(json.dumps(shown, ensure_ascii=False))
            self.call("plan_apply", plan=plan, wait=False)

    def known_tunnel(self):
        try:
            names = [t["name"] for t in self.host.items("tunnel_list", limit=100)]
        except ApiError:
            names = []
        return self.rng.choice(sorted(names) or ["edge1"])

    def route_set(self):
        args = {"hostname": self.rng.choice(HOSTS), "tunnel": self.known_tunnel(),
                "service": self.rng.choice(["http://localhost:1", "http://localhost:2",
                                            "http_status:418"])}
        path = self.rng.choice(PATHS)
        if path:
            args["path"] = path
        if has_argument("route_set", "drift") and self.rng.random() < 0.1:
            args["drift"] = self.rng.choice(["repair", "report", "ignore"])
        self.overwriting("route_set", args)

    def overwriting(self, op, args):
        """Refused for somebody's record: sometimes it is taken, by its id."""
        self.refusal = None
        if self.write(op, **args) or not self.refusal or not has_argument(op, "overwrite"):
            return
        ids = re.findall(r"\b[0-9a-f]{32}\b", self.refusal.message + " " + self.refusal.hint)
        if ids and self.rng.random() < 0.5:
            self.write(op, **args, overwrite=sorted(set(ids)))

    def route_delete(self):
        routes = self.call("route_list", limit=100)
        if not routes or not routes["items"]:
            return
        r = self.rng.choice(sorted(routes["items"], key=lambda r: (r["hostname"],
                                                                   r.get("path", ""))))
        self.write("route_delete", hostname=r["hostname"],
                   **({"path": r["path"]} if r.get("path") else {}))

    def dns_set(self):
        name, kind, content = self.rng.choice(OWN)
        if self.rng.random() < 0.4 and kind in ("TXT",):
            content += str(self.rng.randrange(3))
        args = {"name": name, "type": kind, "content": content}
        if self.rng.random() < 0.3:
            args["comment"] = "a note"
        self.overwriting("dns_set", args)

    def dns_delete(self):
        name, kind, _ = self.rng.choice(OWN)
        self.write("dns_delete", name=name, type=kind)

    def tunnel_create(self):
        self.write("tunnel_create", name=self.rng.choice(TUNNELS), replicas=0)

    def tunnel_delete(self):
        self.write("tunnel_delete", tunnel=self.known_tunnel())

    def decide(self):
        if self.pending:
            self.settle_plan(self.rng.randrange(len(self.pending)), self.rng.random() < 0.7)

    def roll_back(self):
        found = self.call("revision_list", limit=20) if "revision_list" in OPERATIONS else None
        if found and found["items"]:
            self.write("plan_create", revision=self.rng.choice(found["items"])["revision"])

    def adopt(self):
        args = {"tunnel": self.rng.choice(["shared", "shared", "theirs", "bylocal", "his"])}
        if has_argument("tunnel_adopt", "replicas"):
            args["replicas"] = 0
        if args["tunnel"] == "shared" and self.rng.random() < 0.6:
            args["routes"] = ["old.example.com"]
        if args["tunnel"] == "bylocal":
            args["convert"] = self.rng.random() < 0.5
        self.write("tunnel_adopt", **args)

    def join(self):
        self.write("tunnel_join", tunnel="theirs", replicas=1)

    def release(self):
        self.write("tunnel_release", tunnel=self.known_tunnel())

    def update(self):
        what = self.rng.choice([{"name": RENAMED}, {"drift": "repair"}, {"drift": "ignore"}])
        self.write("tunnel_update", tunnel=self.known_tunnel(), **what)

    def rotate(self):
        self.write("tunnel_rotate", tunnel=self.known_tunnel())

    def drift(self):
        if "drift_list" in OPERATIONS:
            self.call("drift_list")
        if has_argument("plan_create", "drift"):
            self.write("plan_create", drift=True)

    def manifest(self):
        """Some of what there may be, as a manifest that prunes or not; or back what was exported."""
        if not {"manifest_apply", "manifest_export"} <= OPERATIONS:
            return
        if self.rng.random() < 0.2:
            shown = self.call("manifest_export")
            if shown:
                self.write("manifest_apply", name="copy", text=shown["text"])
            return
        lines = ["manifest: site", "tunnels:", f"- name: {self.rng.choice(TUNNELS)}",
                 "  replicas: 0", "  routes:"]
        for host in self.rng.sample(HOSTS[:3], self.rng.randrange(1, 4)):
            lines.append(f"  - {{hostname: {host}, "
                         f"service: 'http://localhost:{self.rng.randrange(1, 4)}'}}")
        if self.rng.random() < 0.5:
            lines += ["records:", "- {name: t0.example.com, type: TXT, content: hello}"]
        self.write("manifest_apply", text="\n".join(lines) + "\n",
                   prune=self.rng.random() < 0.5)

    # ---- trouble ----

    def outside(self):
        self.told("outside: " + self.stranger.act())

    def fault(self):
        kind = self.rng.choice(CLEAN if self.faulty == "clean" else LOST)
        how = {"method": self.rng.choice(["POST", "PUT", "PATCH", "DELETE", "GET", None]),
               "path": self.rng.choice([None, None, "configurations", "dns_records", "cfd_tunnel",
                                        "batch", "token"]),
               "count": self.rng.choice([1, 1, 2, 3]), "ms": self.rng.choice([250, 700, 1500])}
        if self.faulty == "clean" and kind in ("denied", "unauthorised"):
            how["count"] = self.rng.choice([1, 5])
        if kind.startswith("late") and self.rng.random() < 0.2:
            how["ms"] = self.rng.choice([5000, 15000, 30000])
        self.told(f"fault {self.strict.fault(kind, **how)}")

    def faults_over(self):
        self.strict.faults_clear()

    def narrow(self):
        """The token loses a zone, or gets it back."""
        with self.cloud.lock:
            zone = self.cloud.zone_id("example.net")
            self.cloud.hidden ^= {zone}
        self.told(f"hidden zones: {len(self.cloud.hidden)}")

    def kill(self):
        time.sleep(self.rng.random() * 0.03)
        self.told("kill -9")
        self.kills += 1
        self.lost_at = time.monotonic()
        self.host.kill9()
        with self.cloud.lock:
            self.judge.forget()
        if self.rng.random() < 0.3:
            self.outside()
        self.host.start(observed=False)

    def restart(self):
        self.told("restart")
        self.lost_at = time.monotonic()
        self.host.stop()
        with self.cloud.lock:
            self.judge.forget()
        self.host.start(observed=False)

    def reload(self):
        self.host.process.send_signal(signal.SIGHUP)

    def pause(self):
        time.sleep(self.rng.random() * 0.12)

    # ---- afterwards ----

    def last_lost(self):
        times = [r["at"] for r in self.strict.rows[-200:]
                 if r["method"] in ("POST", "PUT", "PATCH") and r.get("struck") in UNSURE]
        return max([self.lost_at, *times])

    def become_quiet(self):
        self.strict.faults_clear()
        with self.cloud.lock:
            self.cloud.hidden.clear()
        self.reload()
        began = moved = time.monotonic()
        last, again = None, began
        while True:
            now = time.monotonic()
            rest, held = unsettled(self.host)
            seen = len(self.strict.writes()), rest
            if held and now - moved > QUIET_S:
                self.call("writes_resume")
            if seen != last:
                last, moved = seen, now
            landed = now - self.last_lost() > LANDED_S
            if now - moved > QUIET_S and not seen[1]:
                return seen[1]
            if now - moved > 2 * QUIET_S and landed and all(s for *_, s in seen[1]):
                return seen[1]
            if now - moved > MUTE_S and landed or now - began > MOST_S:
                return seen[1]
            if now - again > 10:  # waiting times between tries have grown
                again = now
                self.reload()
            time.sleep(0.15)

    def check(self):
        rest = self.become_quiet()
        self.told(f"rest: {rest}")
        self.check_judge()
        mute = [f"{kind} {name}" for kind, name, sentence in rest if not sentence]
        need(not mute, "not as wanted, and no sentence says why:", mute)
        self.check_nothing_left(rest)
        self.check_races()
        self.check_overwritten()
        if not rest:
            self.check_truth()
            self.check_rests()
        log = self.host.log()
        for word in BROKEN:
            need(word not in log, f"{word} in the log of aditd")
        return "converged" if not rest else "says why not"

    def check_judge(self):
        need(not self.judge.violations, " | ".join(self.judge.violations[:4]))

    def check_nothing_left(self, rest):
        """All that adit made is in its store, once."""
        known = {t.get("remote_id") for t in self.host.items("tunnel_list", limit=500)}
        waits = {name for _, name, _ in rest}
        released = " ".join(t for _, t in self.judge.approved if "elease" in t)
        for t in self.cloud.tunnels.values():
            facts = self.judge.facts[t["id"]]
            if facts.maker == "adit" and not t["deleted_at"] and \
                    not any(n in waits or n in released for n in {t["name"], RENAMED, *facts.names}):
                need(t["id"] in known, f"orphan: tunnel {t['name']} {t['id']}")
        rows = self.host.items("dns_list", limit=500)
        known = {d.get("remote_id") for d in rows if d.get("id")}
        seen = set()
        for zone in self.cloud.zones.values():
            for r in zone["records"].values():
                if self.judge.facts[r["id"]].maker != "adit" or mark_of(r) != self.judge.mark:
                    continue
                need((r["name"], r["type"]) not in seen, f"twice: {r['type']} {r['name']}")
                seen.add((r["name"], r["type"]))
                # A mark that is put back on what adit has let go is not adit's doing.
                if r["name"] not in waits and \
                        not (r["id"] in self.stranger.gave and r["name"] in released):
                    need(r["id"] in known, f"orphan: record {r['type']} {r['name']} {r['id']}")

    def check_races(self):
        """An edit that came between adit's GET and its PUT was told."""
        if not self.judge.races:
            return
        told = json.dumps(self.host.items("event_list", limit=500)) + \
            json.dumps(self.host.status()["problems"])
        need("raced" in told or "race" in told, "overwritten by a race, and nothing says so:",
             self.judge.races[:2])

    def check_overwritten(self):
        """An edit that a plan of before it wrote over was told, and is shown."""
        events = [e for e in self.host.items("event_list", limit=500)
                  if e["kind"] == "edit_overwritten"]
        shown = {d["name"] for d in self.host.items("drift_list", limit=500)
                 if d["kind"] == "overwritten"} if "drift_list" in OPERATIONS else None
        for name, times in self.judge.overwritten.items():
            told = sum(e["name"] == name for e in events)
            need(told >= times, f"an edit of {name} was written over untold:", told, times)
            need(shown is None or name in shown, f"{name} is not shown as overwritten")

    def check_truth(self):
        """All is converged: then Cloudflare is so, unless somebody's change is reported."""
        drifted = json.dumps(differences(self.host)) if "drift_list" in OPERATIONS else None
        edited = any(w in s for s in self.steps if s.startswith("outside")
                     for w in ("rule", "a member"))
        ids = {t["name"]: t.get("remote_id") for t in self.host.items("tunnel_list", limit=500)}
        for r in self.host.items("route_list", limit=500):
            t = self.cloud.tunnels.get(ids[r["tunnel"]])
            rules = rawjson.elements(rawjson.member(t["config"], "ingress")) \
                if t and t["config"] else []
            there = any(rule_key(x) == (r["hostname"], r.get("path", "")) and
                        json.loads(x)["service"] == r["service"] for x in rules)
            # Configurations are read now and then only: another's edit may not be seen yet.
            need(there or edited or (drifted and r["hostname"] in drifted),
                 f"route {r['hostname']} is called converged, and {r['tunnel']} has {rules}")

    def check_rests(self):
        """Nothing is wanted any more: looking again writes nothing."""
        before = len(self.strict.writes())
        self.reload()
        time.sleep(0.3)
        self.reload()
        time.sleep(1.2)
        after = self.strict.writes()[before:]
        need(not after, "at rest it wrote:", [f"{r['method']} {r['path']}" for r in after][:4])

    def live(self):
        self.host.start(observed=False)
        self.write("tunnel_create", name="edge1", replicas=0)
        for _ in range(self.rng.randint(6, 28)):
            acts, weights = zip(*self.acts)
            self.rng.choices(acts, weights)[0]()
            if self.host.process.poll() is not None:
                raise Violation(f"aditd ended with {self.host.process.returncode}: "
                                f"{self.host.log()[-800:]}")
        return self.check()

    def close(self, keep=False):
        try:
            self.host.close()
        finally:  # the port is another's soon
            self.strict.close()
        if not keep:
            shutil.rmtree(self.host.folder, ignore_errors=True)


def run(name, spare):
    """One life, at an account and with a host of its own."""
    if spare:
        spare.close()
    life = Life(name)
    try:
        outcome = life.live()
        patiently(lambda: life.host.process.poll() is None, 1)
        life.host.check_end()
        life.close()
    except (Exception, *GONE) as e:
        told = [f"{r['method']} {r['path'][-75:]} {r['status']} {r['fault'] or ''} "
                f"{r.get('refusal', '')}" for r in life.strict.rows[-40:]]
        e.rig, e.steps = None, [f"drift: {life.policy}, folder {life.host.folder}", *life.steps,
                                *told]
        life.close(keep=True)
        raise
    return None, outcome


__all__ = ["run", "snapshot"]
