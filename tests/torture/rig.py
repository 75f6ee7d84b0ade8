"""A simulated Cloudflare with one host on it, used for many rounds, and what must hold after each:
once, nothing twice, nothing foreign touched, nothing left behind."""
import hashlib
import json
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import ApiError, Host, Origin, Sim, process_alive  # noqa: E402

ACCOUNT, ZONE = "/accounts/@account", "/zones/@example.com"
# Rounds come one after the other: no allowance may run out.
SEED = {"zones": [{"name": "example.com"}, {"name": "example.net"}],
        "limits": {"requests": 1000000}}
CATCH_ALL = {"service": "http_status:404"}
FOREIGN_RULE = {"hostname": "theirs.example.com", "service": "http://10.0.0.1:80"}
BROKEN = ("AddressSanitizer", "LeakSanitizer: det", "runtime error:", "Assertion")
# Columns of a row of the ledger: its link, its own hash, and those that came later.
PREV, HASH, MORE = 10, 11, 12


class Violation(Exception):
    """What must always hold did not."""


def need(true, *words):
    if not true:
        raise Violation(" ".join(w if isinstance(w, str) else json.dumps(w) for w in words))


def patiently(what, seconds, every=0.03):
    """The first true value of what(), or None after the time."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


class Rig:
    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="adit-torture-", dir="/tmp"))
        seed = self.folder / "seed.json"
        seed.write_text(json.dumps(SEED))
        self.sim = Sim(self.folder, "--state", str(seed))
        self.origin = Origin()
        self.host = Host(self.sim)
        self.host.configure(cloudflare={"budget": "14400/1h"}, safety={"max_delete": 1000},
                            connectors={"health": {"interval": "1s", "timeout": "900ms"}},
                            **settings)
        self.plans = {}  # acknowledged: number -> state
        self.theirs = None
        self.given = None  # the tunnel that changes hands, while there is one
        self.looked_at = 0  # what changes hands now was touched by nobody before that place in the log
        self.past = []  # names of the rounds that it went through
        self.served = []  # pids of the connectors when the round began
        self.secret = None  # of the tunnel then
        try:
            self.host.start()
        except BaseException:
            self.close(keep=True)
            raise

    # ---- what is foreign ----

    def add_foreign(self):
        """Somebody else's tunnel and records; they must look the same at the end."""
        self.sim.edit("POST", f"{ACCOUNT}/cfd_tunnel", {"name": "theirs"})
        for name, kind, content in (("www", "A", "192.0.2.1"), ("app", "TXT", '"verify"'),
                                    ("mail", "CNAME", "mail.example.org")):
            self.sim.edit("POST", f"{ZONE}/dns_records",
                          {"type": kind, "name": name, "content": content, "comment": "by hand"})
        self.theirs = self.foreign()

    def foreign(self):
        given, records = (self.given.id, self.given.records) if self.given else ("", {})
        return ([t for t in self.sim.tunnels() if not self.made_by_us(t) and t["id"] != given],
                [r for r in self.sim.records() if not self.marked(r) and r["id"] not in records])

    def is_marking(self, row):
        """A PATCH of what changes hands, which leaves all but the comment as it is."""
        body = row["body"] if isinstance(row["body"], dict) else {}
        alone = row["method"] == "PATCH" and [{"id": row["path"].rpartition("/")[2], **body}]
        patches = alone or ([k for k in body if body[k]] == ["patches"] and body["patches"])
        return self.given and patches and all(
            p["id"] in self.given.records and
            {k: v for k, v in p.items() if k != "comment"}.items() <=
            self.given.records[p["id"]].items() for p in patches)

    def made_by_us(self, tunnel):
        return tunnel["maker"] == self.sim.state()["tokens"][0]["id"]

    @staticmethod
    def marked(record):
        return record["comment"].startswith("adit:edge1/") if record["comment"] else False

    def our_tunnels(self):
        ours = self.sim.state()["tokens"][0]["id"]
        return [t for t in self.sim.tunnels() if t["maker"] == ours]

    def our_records(self):
        return [r for r in self.sim.records() if self.marked(r)]

    # ---- the host ----

    def do(self, op, **args):
        """Make it so, without trouble."""
        answer = self.host.api(op, **args)
        if "plan" in answer:
            self.plans[answer["plan"]] = answer["state"]
        return answer

    def wanted(self):
        """What the store says that is wanted."""
        tunnels = {t["name"]: t["replicas"] for t in self.host.items("tunnel_list", limit=500)
                   if t["want"] == "present"}
        routes = {(r["hostname"], r.get("path", "")): r["service"]
                  for r in self.host.items("route_list", limit=500)}
        return {"tunnels": tunnels, "routes": routes}

    def unconverged(self):
        """[(object, name, its sentence or None)] of all that is not as wanted."""
        s = self.host.status()
        said = [p for p in s["problems"] if p.get("message")]
        found = []
        for t in s["tunnels"]:
            if not t["converged"]:  # itself, or one of its routes says why
                names = [t["name"]] + [r["hostname"] for r in s["routes"]
                                       if r["tunnel"] == t["name"]]
                found.append(("tunnel", t["name"],
                              next(filter(None, (said_of(said, n) for n in names)), None)))
        for r in s["routes"]:
            if r["state"] != "live":
                found.append(("route", r["hostname"],
                              said_of(said, r["hostname"]) or said_of(said, r["tunnel"])))
        for d in self.host.items("dns_list", limit=500):
            if d.get("owned", True) and not d["converged"]:
                found.append(("record", d["name"],
                              (d.get("problem") or {}).get("message") or
                              said_of(said, d.get("tunnel") or "")))
        for t in self.host.items("tunnel_list", limit=500):
            if t["want"] != "present":
                found.append(("tunnel", t["name"],
                              (t.get("problem") or {}).get("message") or said_of(said, t["name"])))
        return found

    def settled(self):
        return self.host.converged() and not self.unconverged()

    def wait_settled(self, seconds):
        return patiently(self.settled, seconds)

    def finish(self):
        """The daemon ends well, and complained about nothing."""
        self.host.check_end()

    def close(self, keep=False):
        try:
            self.host.close()
        finally:  # the port is another's soon
            self.sim.close()
            self.origin.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if not keep:
            shutil.rmtree(self.host.folder, ignore_errors=True)

    # ---- what must hold ----

    def check_cloud(self, want):
        """Cloudflare and this host are exactly as wanted."""
        ours = {t["name"]: t for t in self.our_tunnels()}
        need(len(ours) == len(self.our_tunnels()), "two tunnels of one name")
        need(set(ours) == set(want["tunnels"]), "tunnels", sorted(ours), "wanted",
             sorted(want["tunnels"]))
        rules = [r for t in ours.values() for r in self.rules(t)]
        expect = [{"hostname": h, **({"path": p} if p else {}), "service": s}
                  for (h, p), s in want["routes"].items()]
        need(sorted(rules, key=str) == sorted(expect, key=str), "ingress", rules, "wanted", expect)
        names = sorted(r["name"] for r in self.our_records())
        need(names == sorted({h for h, _ in want["routes"]}), "records", names)
        ends = {t["id"] + ".cfargotunnel.com" for t in ours.values()}
        need(all(r["content"] in ends for r in self.our_records()), "a record leads elsewhere")
        self.check_connectors(sum(want["tunnels"].values()))

    @staticmethod
    def rules(tunnel):
        """Our rules, as they stand in the configuration; what is foreign stays as it was."""
        if not tunnel["config"]:
            return []
        rules = tunnel["config"]["ingress"]
        need(rules and rules[-1] == CATCH_ALL, "no catch-all in", rules)
        return [r for r in rules[:-1] if r != FOREIGN_RULE]

    def check_connectors(self, count):
        """That many processes, known by their pid, connected, and the folders they need."""
        host = self.host
        # One that is to take another's place settles for a while, or comes up in vain.
        patiently(lambda: not any(r.get("replacing") for r in host.items("connector_list")), 20)
        patiently(lambda: len(host.connector_pids()) == count, 10)
        pids, rows = host.connector_pids(), host.items("connector_list")
        need(len(pids) == count, f"{len(pids)} connectors run instead of {count}")
        need(sorted(r["pid"] for r in rows) == pids, "connector_list", rows, "but run", pids)
        # The first folder bears a connector's name; the second is there while its process serves.
        serving = {folder_of(pid) for pid in pids}
        wanted = sorted(serving | {f.removesuffix(".b") for f in serving})
        need(len(wanted) - sum(f.endswith(".b") for f in wanted) == count,
             f"{count} processes of", wanted)
        folder = host.state_dir / "connectors"
        need(patiently(lambda: names_in(folder) == wanted, 8), "folders", names_in(folder),
             "but needed are", wanted)
        patiently(lambda: self.sim.edge_status()["connectors"] == count, 5)
        need(self.sim.edge_status()["connectors"] == count, "the edge has",
             self.sim.edge_status()["connectors"], f"connectors instead of {count}")

    def check_foreign(self):
        rows = [r for r in self.sim.log(self.looked_at) if r["foreign"] and r["method"] != "GET"]
        strange = [f"{r['method']} {r['path']} {r['body']}" for r in rows if not self.is_marking(r)]
        need(not strange, f"{len(strange)} writes to foreign objects:", strange[:3])
        if self.theirs is not None:
            need(self.foreign() == self.theirs, "foreign objects changed:", self.foreign()[1])

    def check_plans(self):
        kept = {p["plan"]: p["state"] for p in self.host.items("plan_list", limit=500)}
        for plan, state in self.plans.items():
            if plan not in kept:  # older than the list is long
                kept[plan] = self.host.api("plan_get", plan=plan)["state"]
            need(kept[plan] == state, f"plan {plan} was {state}, is {kept[plan]}")

    def check_ledger(self):
        """The chain, computed here; and each write at Cloudflare was announced before."""
        db = self.host.database()
        try:
            rows = [tuple(r) for r in db.execute("SELECT * FROM ledger ORDER BY seq")]
            columns = [c[1] for c in db.execute("PRAGMA table_info(ledger)")]
            head, = db.execute("SELECT value FROM meta WHERE key = 'ledger_head'").fetchone()
            need(db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "the store is damaged")
        finally:
            shutil.rmtree(pathlib.Path(db.execute("PRAGMA database_list").fetchone()[2]).parent)
            db.close()
        need(columns[PREV:MORE] == ["prev_hash", "hash"], "columns of the ledger", columns)
        prev, seen = None, {}
        for number, row in enumerate(rows, 1):
            need(row[0] == number, f"the ledger lacks row {number}")
            need(prev in (None, row[PREV]) and chained(row) == row[HASH], f"ledger row {number}")
            prev = row[HASH]
            if row[2] == "intent" and row[3] == "adit":
                seen[row[4]] = seen.get(row[4], 0) + 1
        need(not rows or head == f"{len(rows)} {prev}", "the ledger's head is", head)
        self.check_announced(seen)

    def check_announced(self, intents):
        """No write left without its intent; a batch is one request for many."""
        done, records = {}, 0
        for r in self.sim.log():
            # What was put off by 429 did nothing, and is sent again on the same intent.
            if r["method"] == "GET" or r["status"] == 429:
                continue
            records += "dns_records" in r["path"]
            if not r["path"].endswith("/batch"):
                done[r["method"]] = done.get(r["method"], 0) + 1
        for method, count in done.items():
            said = sum(n for op, n in intents.items() if op.startswith(method + " "))
            need(count <= said, f"{count} {method} at Cloudflare, {said} in the ledger", intents)
        said = sum(n for op, n in intents.items() if op.endswith(" dns_records"))
        need(records <= said, f"{records} writes of records, {said} in the ledger", intents)

    def check_alive(self):
        host = self.host
        need(host.process.poll() is None, f"aditd ended with {host.process.returncode}")
        for word in BROKEN:
            need(word not in host.log(), f"{word} in the log of aditd")


def folder_of(pid):
    """The folder that a connector was started from."""
    argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return pathlib.Path(argv[argv.index(b"--config") + 1].decode()).parent.name


def names_in(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def said_of(problems, name):
    return next((p["message"] for p in problems if p.get("name", "").split("/")[0] == name), None)


def chained(row):
    """The hash of a ledger row: which fields are there, then each with its length before it. Those
    that came later count in rows that have one of them."""
    told = row[:HASH] + (row[MORE:] if any(f is not None for f in row[MORE:]) else ())
    fields = [None if f is None else str(f).encode() for f in told]
    parts = ["".join("0" if f is None else "1" for f in fields).encode()]
    parts += [f or b"" for f in fields]
    return hashlib.sha256(b"".join(len(p).to_bytes(8, "big") + p for p in parts)).hexdigest()


__all__ = ["ACCOUNT", "ZONE", "ApiError", "CATCH_ALL", "FOREIGN_RULE", "Rig", "Violation", "need",
           "patiently", "process_alive"]
