"""Deleting: a person approves what was shown, the order at Cloudflare, and nothing else goes."""
import pytest

from harness import until


def deletes(sim, since):
    return [w for w in sim.writes(since) if w.startswith("DELETE")]


def test_a_delete_waits_for_approval_and_does_nothing(site, sim):
    since = sim.mark()
    for op, args in (("route_delete", {"hostname": "app.example.com"}),
                     ("tunnel_delete", {"tunnel": "edge1"})):
        answer = site.api(op, **args)
        assert answer["state"] == "needs_approval" and answer["approvals"], answer
        assert answer["plan"] and len(answer["hash"]) == 64
        assert all(c["sign"] == "-" for c in answer["changes"]), answer
    assert site.status()["plans_waiting"] == 2
    assert sim.writes(since) == [] and sim.fetch()[0] == 200


def test_route_delete_approved_by_its_hash(site, sim):
    plan, since = site.api("route_delete", hostname="app.example.com"), sim.mark()
    done = site.api("plan_approve", plan=plan["plan"], hash=plan["hash"][:12])
    assert done["state"] == "applied" and done["converged"] is True, done
    assert sim.records() == [] and site.items("route_list") == []
    until(lambda: len(sim.config(sim.tunnels()[0]["id"])["ingress"]) == 1)
    assert deletes(sim, since) == ["DELETE /zones/{zone}/dns_records/{hex}"]
    assert sim.fetch()[0] == 404
    kept = site.api("plan_get", plan=plan["plan"])
    assert kept["state"] == "applied" and "root" in kept["decided_by"]
    # The tunnel and its connector stay.
    assert len(sim.tunnels()) == 1 and len(site.connector_pids()) == 1


@pytest.mark.parametrize("digits, kind", [("0" * 64, "conflict"), ("0" * 12, "conflict"),
                                          ("abc", "invalid"), ("", "invalid")])
def test_a_wrong_hash_is_refused(site, sim, digits, kind):
    plan, since = site.api("route_delete", hostname="app.example.com"), sim.mark()
    assert site.refused("plan_approve", plan=plan["plan"], hash=digits).kind == kind
    assert site.api("plan_get", plan=plan["plan"])["state"] == "needs_approval"
    assert sim.writes(since) == []


def test_a_stale_plan_is_refused(site, sim):
    plan = site.api("route_delete", hostname="app.example.com")
    assert site.publish("app.example.com", "http_status:418", approve=True)["converged"]
    since = sim.mark()
    e = site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "conflict" and "stale" in e.message and e.hint
    assert site.api("plan_get", plan=plan["plan"])["state"] == "stale"
    assert site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"]).kind == "conflict"
    assert sim.writes(since) == [] and len(sim.records()) == 1


def test_a_change_elsewhere_does_not_make_it_stale(site, sim):
    assert site.api("tunnel_create", name="other", replicas=0)["state"] == "applied"
    plan = site.api("route_delete", hostname="app.example.com")
    assert site.api("tunnel_create", name="third", replicas=0)["state"] == "applied"
    assert site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])["converged"]
    assert sim.records() == []


def test_a_rejected_plan_is_over(site, sim):
    plan, since = site.api("route_delete", hostname="app.example.com"), sim.mark()
    assert site.api("plan_reject", plan=plan["plan"], reason="no")["state"] == "rejected"
    e = site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "conflict" and "rejected" in e.message
    assert site.status()["plans_waiting"] == 0 and sim.writes(since) == []


def test_approve_in_the_same_call(site, sim):
    done = site.api("route_delete", hostname="app.example.com", approve=True)
    assert done["state"] == "applied" and done["converged"] and sim.records() == []


def test_approve_with_another_hash_parks_it(site, sim):
    since = sim.mark()
    answer = site.api("route_delete", hostname="app.example.com", approve=True, hash="0" * 12)
    assert answer["state"] == "needs_approval" and answer["warnings"] and sim.writes(since) == []
    shown = site.api("route_delete", hostname="app.example.com", dry_run=True)
    done = site.api("route_delete", hostname="app.example.com", approve=True, hash=shown["hash"])
    assert done["state"] == "applied" and done["converged"], done


def test_tunnel_delete_in_the_order_that_works(site, sim):
    assert site.publish("shop.example.net", site.origin.url)["converged"]
    pids, since = site.connector_pids(), sim.mark()
    assert len(pids) == 1
    done = site.api("tunnel_delete", tunnel="edge1", approve=True)
    assert done["state"] == "applied" and done["converged"] is True, done
    assert deletes(sim, since) == ["DELETE /zones/{zone}/dns_records/{hex}"] * 2 + [
        "DELETE /accounts/{account}/cfd_tunnel/{tunnel}/connections",
        "DELETE /accounts/{account}/cfd_tunnel/{tunnel}"]
    assert sim.writes(since) == deletes(sim, since), "no configuration is put on the way out"
    assert sim.tunnels() == [] and sim.records() == []
    assert site.connector_pids() == [] and sim.edge_status()["connections"] == 0


def test_nothing_is_left_after_a_delete(site, sim):
    site.api("tunnel_delete", tunnel="edge1", approve=True)
    for op in ("tunnel_list", "route_list", "dns_list", "connector_list"):
        assert site.items(op) == [], op
    assert site.status()["state"] == "ok"
    tables = site.tables()
    for name in ("tunnel", "route", "record", "connector", "secret", "token", "rules"):
        assert tables[name] == [], name
    folder = site.state_dir / "connectors"
    until(lambda: not folder.exists() or not list(folder.iterdir()), why="a folder stayed")
    # And again from the beginning.
    assert site.publish("app.example.com", site.origin.url)["converged"]
    until(lambda: sim.fetch()[0] == 200)


def test_routes_keep_a_tunnel_unless_cascade(site, sim):
    since = sim.mark()
    e = site.refused("tunnel_delete", tunnel="edge1", cascade=False)
    assert e.kind == "conflict" and "1 route" in e.message and "cascade" in e.hint
    assert sim.writes(since) == []


def test_a_path_of_several_leaves_the_record(site, sim):
    assert site.publish("app.example.com", "http_status:418", path="/api")["converged"]
    done = site.api("route_delete", hostname="app.example.com", path="/api", approve=True)
    assert done["converged"] and len(sim.records()) == 1
    until(lambda: sim.fetch("/api") == (200, "origin /api"))
    done = site.api("route_delete", hostname="app.example.com", approve=True)
    assert done["converged"] and sim.records() == []


def test_what_is_not_there_cannot_be_deleted(site):
    assert site.refused("route_delete", hostname="b.example.com").kind == "not_found"
    assert site.refused("tunnel_delete", tunnel="edge2").hint == 'Did you mean "edge1"?'
    assert site.refused("plan_approve", plan="p999", hash="0" * 12).kind == "not_found"
    assert site.refused("plan_approve", plan="x", hash="0" * 12).kind == "invalid"
    assert site.refused("plan_get", plan="p999").hint


def test_foreign_objects_stay(site, sim):
    sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "theirs"})
    sim.edit("POST", "/zones/@example.com/dns_records",
             {"type": "A", "name": "www", "content": "192.0.2.1", "comment": "by hand"})
    sim.edit("POST", "/zones/@example.com/dns_records",
             {"type": "TXT", "name": "app", "content": '"verify"'})
    theirs = sim.tunnels("theirs")
    others = [r for r in sim.records() if r["type"] != "CNAME"]
    assert len(others) == 2
    assert site.api("tunnel_delete", tunnel="edge1", approve=True)["converged"]
    assert sim.tunnels() == theirs and sim.records() == others
    assert sim.control("GET", "counters")["foreign_writes"] == 0


def test_a_record_already_gone_is_no_obstacle(site, sim):
    sim.edit("DELETE", "/zones/@example.com/dns_records/" + sim.records()[0]["id"])
    assert site.api("tunnel_delete", tunnel="edge1", approve=True)["converged"]
    assert sim.tunnels() == []


def test_a_protected_name_says_so(host, sim, origin):
    host.configure(safety={"protect": ["*.example.com"]})
    host.start()
    answer = host.publish("app.example.com", origin.url)
    assert answer["state"] == "needs_approval", answer
    assert any("protect" in a for a in answer["approvals"])
    assert sim.writes() == []
    assert host.api("plan_approve", plan=answer["plan"], hash=answer["hash"])["converged"]
