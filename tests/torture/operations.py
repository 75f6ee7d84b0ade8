"""The operations under torture: each begins at a known state, changes it, and is undone."""
import base64
import json

from rig import ACCOUNT, CATCH_ALL, FOREIGN_RULE, ZONE, folder_of, need, patiently

APP, OTHER = "app.example.com", "b.example.com"


def world(rig, *routes):
    """What is wanted with these (hostname, path), and with nothing when None."""
    return {"tunnels": {"edge1": 1}, "routes": {r: rig.origin.url for r in routes}}


class Operation:
    name, base, after = "", (), ()  # routes before and behind; None = not even a tunnel

    def wants(self, rig):
        """(before, after)"""
        return tuple({"tunnels": {}, "routes": {}} if s is None else world(rig, *s)
                     for s in (self.base, self.after))

    def call(self, rig, **how):
        """The operation; what it answers."""
        raise NotImplementedError

    def reached(self, rig):
        """Cloudflare looks like the end of it already."""
        rows = self.wants(rig)[1]["routes"]
        rules = sum(len(t["config"]["ingress"]) - 1 for t in rig.our_tunnels() if t["config"])
        return len(rig.our_records()) == len({h for h, _ in rows}) and rules >= len(rows)

    def check_cloud(self, rig, want):
        """Cloudflare and this host are exactly as wanted."""
        rig.check_cloud(want)

    def check_done(self, rig):
        """What was acknowledged, and neither side of which tells by what is wanted."""

    def prepare(self, rig):
        """From whatever is there to the base."""
        take_away_given(rig)
        for hostname, path in list(rig.wanted()["routes"]):
            if self.base is None or (hostname, path) not in self.base:
                rig.do("route_delete", hostname=hostname, approve=True, **with_path(path))
        if self.base is None:
            for tunnel in rig.wanted()["tunnels"]:
                rig.do("tunnel_delete", tunnel=tunnel, approve=True)
        else:
            rig.do("tunnel_create", name="edge1")
            for hostname, path in self.base:
                rig.do("route_set", hostname=hostname, service=rig.origin.url, **with_path(path))
        need(rig.wait_settled(20), "the base was not reached:", rig.unconverged())
        if self.base:
            add_foreign_rule(rig)


def with_path(path):
    return {"path": path} if path else {}


def add_foreign_rule(rig):
    """Somebody's own rule stands in our configuration, first."""
    tunnel, = rig.our_tunnels()
    config = tunnel["config"] or {"ingress": [CATCH_ALL]}
    if FOREIGN_RULE not in config["ingress"]:
        config["ingress"].insert(0, FOREIGN_RULE)
        rig.sim.edit("PUT", f"{ACCOUNT}/cfd_tunnel/{tunnel['id']}/configurations",
                     {"config": config})


class TunnelCreate(Operation):
    name, base, after = "tunnel_create", None, ()

    def call(self, rig, **how):
        return rig.do("tunnel_create", name="edge1", **how)


class RouteSetNew(Operation):
    name, base, after = "route_set_new", None, ((APP, ""),)

    def call(self, rig, **how):
        return rig.do("route_set", hostname=APP, service=rig.origin.url, **how)


class RouteSetPath(Operation):
    name, base, after = "route_set_path", ((APP, ""),), ((APP, ""), (APP, "/api"))

    def call(self, rig, **how):
        return rig.do("route_set", hostname=APP, path="/api", service=rig.origin.url, **how)


class RouteDelete(Operation):
    name, base, after = "route_delete", ((APP, ""), (OTHER, "")), ((APP, ""),)

    def call(self, rig, **how):
        return rig.do("route_delete", hostname=OTHER, approve=True, **how)


class TunnelDelete(Operation):
    name, base, after = "tunnel_delete", ((APP, ""), (OTHER, "")), None

    def call(self, rig, **how):
        return rig.do("tunnel_delete", tunnel="edge1", approve=True, **how)


class ConnectorRestart(Operation):
    name, base, after = "connector_restart", ((APP, ""),), ((APP, ""),)

    def prepare(self, rig):
        super().prepare(rig)
        rig.served = rig.host.connector_pids()

    def reached(self, rig):
        """Another process has taken the place, and the old one has drained."""
        pids = rig.host.connector_pids()
        return len(pids) == 1 and pids != rig.served

    def call(self, rig, **how):
        return rig.do("connector_restart", connector="edge1/1", **how)


def secrets_of(rig):
    """Of the tunnel: at Cloudflare, in the store, in its token there, and where a connector runs."""
    def inside(token):
        return json.loads(base64.b64decode(token))["s"]
    db = rig.host.database()
    secret, = db.execute("SELECT data FROM secret").fetchone()
    token, = db.execute("SELECT data FROM token").fetchone()
    db.close()
    folders = [inside((rig.host.state_dir / "connectors" / folder_of(pid) / "token").read_text())
               for pid in rig.host.connector_pids()]
    return [inside(rig.sim.edit("GET", f"{ACCOUNT}/cfd_tunnel/@edge1/token")),
            bytes(secret).decode(), inside(bytes(token)), *folders]


class TunnelRotate(Operation):
    name, base, after = "tunnel_rotate", ((APP, ""),), ((APP, ""),)

    def prepare(self, rig):
        super().prepare(rig)
        rig.served, rig.secret = rig.host.connector_pids(), secrets_of(rig)[0]

    def reached(self, rig):
        """Its connector runs with the new secret, and the old one has drained."""
        pids = rig.host.connector_pids()
        return len(pids) == 1 and pids != rig.served

    def call(self, rig, **how):
        return rig.do("tunnel_rotate", tunnel="edge1", approve=True, **how)

    def check_cloud(self, rig, want):
        super().check_cloud(rig, want)
        need(len(set(secrets_of(rig))) == 1, "not one secret everywhere")

    def check_done(self, rig):
        need(secrets_of(rig)[0] != rig.secret, "its secret is the old one")


class ManifestApply(Operation):
    """A tunnel with two names at once: their records go in one batch."""
    name, base, after = "manifest_apply", None, ((APP, ""), (OTHER, ""))

    def call(self, rig, **how):
        routes = "".join(f"  - {{hostname: {h}, service: '{rig.origin.url}'}}\n"
                         for h in (APP, OTHER))
        return rig.do("manifest_apply", approve=True,
                      text=f"manifest: site\ntunnels:\n- name: edge1\n  routes:\n{routes}", **how)


class ManifestPrune(Operation):
    """The same manifest without one of its names."""
    name, base, after = "manifest_prune", ((APP, ""), (OTHER, "")), ((APP, ""),)

    def prepare(self, rig):
        route_delete = RouteDelete()
        route_delete.base = None
        route_delete.prepare(rig)
        ManifestApply().call(rig)
        need(rig.wait_settled(20), "the base was not reached:", rig.unconverged())
        add_foreign_rule(rig)

    def call(self, rig, **how):
        return rig.do("manifest_apply", approve=True, prune=True,
                      text="manifest: site\ntunnels:\n- name: edge1\n  routes:\n"
                      f"  - {{hostname: {APP}, service: '{rig.origin.url}'}}\n", **how)


# Odd on purpose: what changes hands stays byte for byte.
RULES = ('{"ingress":[ {"hostname":"%(app)s",  "service":"%(url)s","x-team":1.50},'
         '{"hostname":"%(other)s","service":"%(url)s"},'
         '{"hostname":"theirs.example.com", "service":"http://10.0.0.1:80"},'
         '{"service":"http_status:404"} ],"big":9007199254740993}')
NOTE = "ask Ann"


class Given:
    """A tunnel that changes hands: itself, its configuration's text, and its records without marks."""

    def __init__(self, rig, name, records):
        self.tunnel, = rig.sim.tunnels(name)
        self.id, self.name = self.tunnel["id"], name
        self.text = rig.sim.config_text(self.id)
        self.records = {i: bare(r) for i, r in by_id(rig).items() if i in records}
        self.notes = {i: by_id(rig)[i]["comment"] for i in records}
        rig.given = self


def by_id(rig):
    return {r["id"]: r for r in rig.sim.records()}


def bare(record):
    return {k: v for k, v in record.items()
            if k not in ("comment", "modified_on", "comment_modified_on")}


def take_away_given(rig):
    """Its owner takes it away, once adit has given it back."""
    given = rig.given
    if not given:
        return
    if given.name in rig.wanted()["tunnels"]:
        rig.do("tunnel_release", tunnel=given.name, approve=True)
        need(rig.wait_settled(20), "it is not given back:", rig.unconverged())
    for i in given.records:
        rig.sim.edit("DELETE", f"{ZONE}/dns_records/{i}")
    need(patiently(lambda: not rig.sim.edge_status()["connectors"], 10), "connectors stay")
    rig.sim.edit("DELETE", f"{ACCOUNT}/cfd_tunnel/{given.id}")
    rig.given, rig.looked_at = None, rig.sim.mark()


class Handover(Operation):
    """Nothing at Cloudflare tells whose the tunnel is but the marks in its records' comments."""
    taken = True  # is it adit's behind the operation?

    def reached(self, rig):
        return self.marks(rig) == (len(rig.given.records) if self.taken else 0) and \
            len(rig.host.connector_pids()) == self.taken

    @staticmethod
    def marks(rig):
        return sum(rig.marked(r) for i, r in by_id(rig).items() if i in rig.given.records)

    def check_cloud(self, rig, want):
        given, ours = rig.given, bool(want["tunnels"])
        tunnel, = rig.sim.tunnels(given.name)
        need(tunnel["id"] == given.id, "another tunnel has its name")
        text = rig.sim.config_text(given.id)
        need(text == given.text, "its configuration changed:", text)
        records = by_id(rig)
        for i, record in given.records.items():
            need(bare(records[i]) == record, "a record changed:", records[i], "was", record)
            comment = records[i]["comment"] or ""
            need(rig.marked(records[i]) == ours, "whose is it?", comment)
            note = comment.partition(" ")[2] if ours else comment
            need(note == (given.notes[i] or ""), "its comment is", comment)
        names = sorted(d["name"] for d in rig.host.items("dns_list", limit=500))
        need(names == sorted({h for h, _ in want["routes"]}), "dns_list", names)
        rig.check_connectors(sum(want["tunnels"].values()))


class TunnelAdopt(Handover):
    name, base = "tunnel_adopt", None

    def wants(self, rig):
        nothing, after = {"tunnels": {}, "routes": {}}, world(rig, (APP, ""), (OTHER, ""))
        return nothing, {**after, "tunnels": {"web": 1}}

    def prepare(self, rig):
        super().prepare(rig)
        made = rig.sim.edit("POST", f"{ACCOUNT}/cfd_tunnel",
                            {"name": "web", "config_src": "cloudflare"})["id"]
        rules = RULES % {"app": APP, "other": OTHER, "url": rig.origin.url}
        rig.sim.edit("PUT", f"{ACCOUNT}/cfd_tunnel/{made}/configurations",
                     f'{{"config":{rules}}}')
        Given(rig, "web", [rig.sim.edit("POST", f"{ZONE}/dns_records", {
            "type": "CNAME", "name": name, "content": f"{made}.cfargotunnel.com", "proxied": True,
            "comment": note})["id"] for name, note in ((APP, NOTE), (OTHER, None))])

    def call(self, rig, **how):
        return rig.do("tunnel_adopt", tunnel="web", routes=[APP, OTHER], replicas=1, approve=True,
                      **how)


class TunnelRelease(Handover):
    name, base, after, taken = "tunnel_release", ((APP, ""), (OTHER, "")), None, False

    def prepare(self, rig):
        super().prepare(rig)
        first = rig.our_records()[0]
        rig.sim.edit("PATCH", f"{ZONE}/dns_records/{first['id']}",
                     {"comment": f"{first['comment']} {NOTE}"})
        given = Given(rig, "edge1", [r["id"] for r in rig.our_records()])
        given.notes = {i: (c.partition(" ")[2] or None) for i, c in given.notes.items()}

    def call(self, rig, **how):
        return rig.do("tunnel_release", tunnel="edge1", approve=True, **how)


ALL = {o.name: o for o in (TunnelCreate(), RouteSetNew(), RouteSetPath(), RouteDelete(),
                           TunnelDelete(), ConnectorRestart(), TunnelRotate(),
                           ManifestApply(), ManifestPrune(), TunnelAdopt(), TunnelRelease())}
