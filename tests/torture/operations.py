"""The operations under torture: each begins at a known state, changes it, and is undone."""
from rig import ACCOUNT, CATCH_ALL, FOREIGN_RULE, need

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

    def prepare(self, rig):
        """From whatever is there to the base."""
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

    def call(self, rig, **how):
        return rig.do("connector_restart", connector="edge1/1", **how)


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


ALL = {o.name: o for o in (TunnelCreate(), RouteSetNew(), RouteSetPath(), RouteDelete(),
                           TunnelDelete(), ConnectorRestart(),
                           ManifestApply(), ManifestPrune())}
