"""Things that change hands at a strict account: a tunnel is adopted, one given back, one renamed, a
manifest applied, and another one pruned, each in a zone of its own, so that each has a request of
its own for a fault to meet."""
import json

from furniture import CATCH_ALL, add_record, add_tunnel
from judge import mark_of
from scene import A, Scene, snapshot

ADOPT, GIVE, APPLY, PRUNE = ZONES = ("adopt.example", "give.example", "apply.example",
                                     "prune.example")
# Odd on purpose: it must stand there byte for byte.
GIVEN = '{"ingress":[{"hostname":"a.%s", "service":"%s"},{"hostname":"b.%s","service":"%s",' \
        '"x":1.50},%s]}' % (ADOPT, A, ADOPT, A, CATCH_ALL)
WRITES = (("PATCH", "cfd_tunnel/[^/]*$"), ("POST", "cfd_tunnel$"), ("DELETE", "connections"),
          ("DELETE", "cfd_tunnel/[^/]*$"))


def manifest(name, routes, records=(), more=""):
    """A tunnel of that name with these routes, and TXT records."""
    lines = [f"manifest: {name}", "tunnels:", *([more] if more else []), f"- name: {name}",
             "  replicas: 0", "  routes:"]
    lines += [f"  - {{hostname: {r}, service: '{A}'}}" for r in routes]
    lines += ["records:"] if records else []
    lines += [f"- {{name: {r}, type: TXT, content: here}}" for r in records]
    return "\n".join(lines) + "\n"


class OwnersScene(Scene):
    zones = Scene.zones + ZONES
    faults = len(WRITES) + 2 + len(ZONES)
    struck_least = faults - 1  # a fault may have met the same request as another one

    def base(self):
        with self.cloud.lock:
            tunnel = add_tunnel(self.cloud, "given", GIVEN)
            self.given = tunnel["id"]
            for host, note in (("a", "ask Ann"), ("b", "")):
                add_record(self.cloud, "CNAME", f"{host}.{ADOPT}", f"{self.given}.cfargotunnel.com",
                           {"proxied": True, **({"comment": note} if note else {})})
        for name in ("leaves", "before"):
            self.do("tunnel_create", name=name, replicas=0)
        for name in ("a", "b"):
            self.do("route_set", hostname=f"{name}.{GIVE}", service=A, tunnel="leaves")
        self.do("manifest_apply", approve=True, text=manifest(
            "pruned", [f"stays.{PRUNE}", f"goes.{PRUNE}"], [f"old.{PRUNE}"],
            "- {name: dropped, replicas: 0}"))
        assert not self.wait_settled(30)
        self.left = self.cloud.live_tunnel("leaves")["config"]

    def spoil(self, kind):
        for method, path in WRITES:
            self.strict.fault(kind, method=method, path=path, ms=300)
        self.strict.fault(kind, method="PUT", path="configurations", ms=300, count=2)
        for zone in ZONES:
            self.strict.fault(kind, method="POST|PATCH|DELETE", ms=300,
                              path=f"{self.cloud.zone_id(zone)}/dns_records")

    def all_writes(self):
        self.do("tunnel_adopt", tunnel="given", replicas=0, approve=True, wait=False,
                also=f"a.{ADOPT} b.{ADOPT}")
        self.do("tunnel_release", tunnel="leaves", approve=True, wait=False,
                also=f"a.{GIVE} b.{GIVE}")
        self.do("tunnel_update", tunnel="before", name="behind", wait=False)
        self.do("manifest_apply", approve=True, wait=False,
                text=manifest("site", [f"a.{APPLY}", f"b.{APPLY}"], [f"txt.{APPLY}"]))
        self.do("manifest_apply", approve=True, prune=True, wait=False,
                text=manifest("pruned", [f"stays.{PRUNE}"]),
                also=f"goes.{PRUNE} old.{PRUNE} dropped")

    def differs(self):
        """In what it is not as wanted, or None."""
        live = {t["name"]: t for t in self.cloud.tunnels.values() if not t["deleted_at"]}
        records = sorted((r["name"], r["type"], bool(mark_of(r)),
                          (r["comment"] or "").partition(" ")[2] if mark_of(r) else r["comment"])
                         for z in self.cloud.zones.values() if z["name"] in ZONES
                         for r in z["records"].values())
        known = sorted(t["name"] for t in self.host.items("tunnel_list", limit=100))
        names = sorted(d["name"] for d in self.host.items("dns_list", limit=100)
                       if d.get("owned", True))
        found = {
            "tunnels": sorted(set(live) - {"theirs", "shared", "bylocal"}),
            "ours": known, "names": names, "records": records,
            "given": live["given"]["config"], "left": live["leaves"]["config"],
            "rules": [self.rules(live.get(t)) for t in ("site", "pruned")]}
        wanted = {
            "tunnels": ["behind", "given", "leaves", "pruned", "site"],
            "ours": ["behind", "given", "pruned", "site"],
            "names": [f"a.{ADOPT}", f"a.{APPLY}", f"b.{ADOPT}", f"b.{APPLY}", f"stays.{PRUNE}",
                      f"txt.{APPLY}"],
            "records": sorted([
                (f"a.{ADOPT}", "CNAME", True, "ask Ann"), (f"b.{ADOPT}", "CNAME", True, ""),
                (f"a.{GIVE}", "CNAME", False, None), (f"b.{GIVE}", "CNAME", False, None),
                (f"a.{APPLY}", "CNAME", True, ""), (f"b.{APPLY}", "CNAME", True, ""),
                (f"txt.{APPLY}", "TXT", True, ""), (f"stays.{PRUNE}", "CNAME", True, "")]),
            "given": GIVEN, "left": self.left,
            "rules": [[f"a.{APPLY}", f"b.{APPLY}", None], [f"stays.{PRUNE}", None]]}
        wrong = {k: (found[k], wanted[k]) for k in wanted if found[k] != wanted[k]}
        return wrong or None

    @staticmethod
    def rules(tunnel):
        rules = json.loads(tunnel["config"])["ingress"] if tunnel and tunnel["config"] else []
        return sorted((r.get("hostname") for r in rules), key=lambda h: (h is None, h))

    def harmed(self):
        """Are things that nobody was asked about other than they were?"""
        return any(now.get(i) != was for kind, now in zip(self.theirs, snapshot(self.cloud))
                   for i, was in kind.items())
