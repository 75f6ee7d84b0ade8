"""A strict account of tests/torture with foreign things in it, and a host there whose connectors run
elsewhere."""
import json
import pathlib
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "torture"))

from furniture import furnish, snapshot  # noqa: E402
from harness import Host  # noqa: E402
from judge import mark_of  # noqa: E402
from lives import unsettled  # noqa: E402
from strict_server import Strict  # noqa: E402

A, B = "http://127.0.0.1:8001", "http://127.0.0.1:8002"

WRITES = (("POST", "cfd_tunnel$"), ("PUT", "configurations"), ("POST", "dns_records"),
          ("PATCH", "dns_records"), ("DELETE", "dns_records"), ("DELETE", "connections"),
          ("DELETE", "cfd_tunnel/[^/]*$"), ("GET", "token"))
WANTED = (["edge1", "second", "third"],
          [("fresh.example.com", "TXT", "after"), ("keep.example.com", "CNAME", ""),
           ("kept.example.com", "TXT", "after"), ("moves.example.com", "CNAME", ""),
           ("new.example.com", "CNAME", "")],
          {"keep.example.com": A, "moves.example.com": B, "new.example.com": A,
           None: "http_status:404"})


class Scene:
    """A strict account with foreign things in it, and a host."""
    zones = ("example.com", "example.net")
    struck_least = 5

    def __init__(self, name, **settings):
        self.strict = Strict(name, zones=self.zones)
        furnish(self.strict.cloud)
        self.theirs = snapshot(self.strict.cloud)
        self.judge, self.cloud = self.strict.judge, self.strict.cloud
        self.host = Host(self.strict)
        self.host.configure(reconcile={"interval": "1s"}, cloudflare={"budget": "1200/5m"})
        self.host.configure(**settings)
        self.stand_between()
        self.host.start()

    def stand_between(self):
        """What its requests go through, if anything."""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.host.check_end()
        finally:
            self.host.close()
            self.strict.close()
        shutil.rmtree(self.host.folder, ignore_errors=True)

    def do(self, op, also="", **args):
        """Asked and approved by the same person, in one call. also: what else the plan names."""
        with self.cloud.lock:
            self.judge.approve(json.dumps(args) + also)
        return self.host.api(op, **args)

    def base(self):
        for name in ("edge1", "second", "doomed"):
            self.do("tunnel_create", name=name, replicas=0)
        for name in ("keep", "moves", "goes"):
            self.do("route_set", hostname=f"{name}.example.com", service=A, tunnel="edge1")
        for name in ("kept", "gone"):
            self.do("dns_set", name=f"{name}.example.com", type="TXT", content="before")
        self.wait_settled(30)

    def all_writes(self):
        """Each operation that changes Cloudflare, at once."""
        self.do("tunnel_create", name="third", replicas=0, wait=False)
        self.do("tunnel_delete", tunnel="doomed", approve=True, wait=False)
        self.do("route_set", hostname="new.example.com", service=A, tunnel="edge1", wait=False)
        self.do("route_set", hostname="moves.example.com", service=B, tunnel="edge1", approve=True,
                wait=False)
        self.do("route_delete", hostname="goes.example.com", approve=True, wait=False)
        self.do("dns_set", name="fresh.example.com", type="TXT", content="after", wait=False)
        self.do("dns_set", name="kept.example.com", type="TXT", content="after", approve=True,
                wait=False)
        self.do("dns_delete", name="gone.example.com", type="TXT", approve=True, wait=False)

    def spoil(self, kind):
        """A fault of that kind for one of each write: what it is sent as."""
        for method, path in WRITES:
            self.strict.fault(kind, method=method, path=path, ms=300)

    def differs(self):
        """In what it is not as wanted, or None. Whether a text has its quotation marks is not
        looked at here."""
        tunnels, records, rules = self.ours()
        unquoted = tunnels, [(n, k, c.strip('"')) for n, k, c in records], rules
        return None if unquoted == WANTED else unquoted

    def harmed(self):
        """Are things that nobody was asked about other than they were?"""
        return snapshot(self.cloud) != self.theirs

    def wait_settled(self, seconds):
        """What remains; waiting times between tries grow, and a reload tries at once."""
        end, again = time.monotonic() + seconds, time.monotonic()
        while True:
            rest, _ = unsettled(self.host)
            if not rest or time.monotonic() > end:
                return rest
            if time.monotonic() > again + 10:
                again = time.monotonic()
                self.host.process.send_signal(signal.SIGHUP)
            time.sleep(0.2)

    def ours_records(self):
        return [r for z in self.cloud.zones.values() for r in z["records"].values()
                if mark_of(r) and self.judge.facts[r["id"]].maker == "adit"]

    def ours(self):
        tunnels = sorted(t["name"] for t in self.cloud.tunnels.values() if not t["deleted_at"] and
                         self.judge.facts[t["id"]].maker == "adit")
        records = sorted((r["name"], r["type"], r["content"] if r["type"] == "TXT" else "")
                         for z in self.cloud.zones.values() for r in z["records"].values()
                         if mark_of(r) and self.judge.facts[r["id"]].maker == "adit")
        rules = {r.get("hostname"): r["service"]
                 for r in json.loads(self.cloud.live_tunnel("edge1")["config"])["ingress"]}
        return tunnels, records, rules
