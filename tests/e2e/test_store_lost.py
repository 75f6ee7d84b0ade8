"""A store that is lost or damaged: what is adit's at Cloudflare is found again by its marks, offered
as a plan, and taken back as it stands; meanwhile connectors run on and nothing is written."""
import json
import os
import signal
import sqlite3

import pytest
from harness import Host, Visitor, until

FILES = ("adit.db", "adit.db-wal", "adit.db-shm")


def lose(host):
    for name in FILES:
        (host.state_dir / name).unlink(missing_ok=True)


def damage(host):
    path = host.state_dir / "adit.db"
    with open(path, "r+b") as f:
        f.write(b"\xff" * min(path.stat().st_size, 65536))
    for name in FILES[1:]:
        (host.state_dir / name).unlink(missing_ok=True)


def offer_of(host):
    """The plan that waits."""
    def waiting():
        return [p for p in host.items("plan_list", state="needs_approval")
                if p["operation"] == "store_rebuild"]
    plan, = until(waiting, why=lambda: f"no plan is offered: {host.status()}")
    return host.api("plan_get", plan=plan["plan"])


def approve(host, plan, **more):
    return host.api("plan_approve", plan=plan["plan"], hash=plan["hash"], **more)


def begin_anew(host, how):
    """(pids, plan): the store is gone and the host runs again."""
    pids = host.connector_pids()
    host.stop()
    how(host)
    since = host.sim.mark()
    host.start()
    plan = offer_of(host)
    assert host.connector_pids() == pids and host.sim.writes(since) == []
    return pids, plan


@pytest.mark.parametrize("how", [lose, damage])
def test_what_is_ours_is_taken_back(site, sim, how):
    site.api("dns_set", name="mail.example.com", type="MX", content="mx.example.net", priority=10,
             comment="the post")
    site.publish("*.example.net", site.origin.url, path="^/api",
                 origin={"httpHostHeader": "inner.example"})
    site.wait_converged()
    install = site.status()["install"]
    before = {r["hostname"]: (r.get("path"), r["service"]) for r in site.items("route_list")}
    since = sim.mark()
    with Visitor(sim):
        pids, plan = begin_anew(site, how)
        status = site.status()
        assert status["install"] == install and status["state"] == "degraded"
        problem = status["problems"][0]
        assert ("lost" if how is lose else "damaged") in problem["message"]
        assert f"adit plan approve {plan['plan']}" in problem["hint"]
        assert status["writes"] != "on" and status["plans_waiting"] == 1
        e = site.refused("route_set", hostname="b.example.com", service=site.origin.url)
        assert e.kind == "conflict" and plan["plan"] in e.message + e.hint
        answer = approve(site, plan)
        assert answer["state"] == "applied", answer
        site.wait_converged()
    assert site.connector_pids() == pids and sim.writes(since) == []
    after = {r["hostname"]: (r.get("path"), r["service"]) for r in site.items("route_list")}
    assert after == before
    assert site.status()["writes"] == "on"
    record, = [r for r in site.items("dns_list", zone="example.com", owned=True)
               if r["type"] == "MX"]
    assert record["name"] == "mail.example.com"
    site.publish("later.example.com", site.origin.url)
    site.wait_converged()
    assert site.connector_pids() == pids
    site.restart()
    site.wait_converged()
    assert site.connector_pids() == pids


def test_the_plan_says_what_each_object_is(site, sim):
    sim.edit("POST", "/zones/@example.com/dns_records",
             {"type": "A", "name": "other.example.com", "content": "192.0.2.7"})
    _, plan = begin_anew(site, lose)
    signs = {(c["sign"], c["object"]) for c in plan["changes"]}
    assert {("+", "tunnel"), ("+", "route"), ("+", "record")} <= signs
    assert all(c["detail"] for c in plan["changes"])
    assert not any("other.example.com" in json.dumps(c) for c in plan["changes"])
    assert plan["principal"] == "adit" and plan["approvals"]


def test_a_rejected_plan_leaves_everything_alone(site, sim):
    since = sim.mark()
    pids, plan = begin_anew(site, lose)
    site.api("plan_reject", plan=plan["plan"])
    problem = site.status()["problems"][0]
    assert "rejected" in problem["message"] and "writes resume" in problem["hint"]
    site.refused("route_set", hostname="b.example.com", service=site.origin.url)
    site.restart()
    assert "rejected" in site.status()["problems"][0]["message"]
    assert not site.items("plan_list", state="needs_approval")
    site.api("writes_resume")
    assert site.status()["writes"] == "on"
    assert site.connector_pids() == pids and sim.writes(since) == []
    assert site.items("tunnel_list") == []
    site.restart()
    assert site.status()["writes"] == "on" and sim.writes(since) == []


def test_the_offer_survives_a_restart_and_is_made_once(site, sim):
    _, plan = begin_anew(site, lose)
    for _ in range(2):
        site.kill9()
        site.start()
        assert plan["plan"] in site.status()["problems"][0]["message"]
    assert len(site.items("plan_list")) == 1
    assert approve(site, plan)["state"] == "applied"
    site.wait_converged()


def test_killed_while_it_looks_it_looks_again(site, sim):
    site.stop()
    lose(site)
    sim.fault("delay", path="*dns_records*", ms=1500, count=1)
    site.start()
    site.kill9()
    sim.faults_clear()
    site.start()
    assert approve(site, offer_of(site))["state"] == "applied"
    site.wait_converged()


def test_nothing_of_ours_is_no_reason_to_wait(running, sim):
    running.stop()
    lose(running)
    running.start()
    until(lambda: running.status()["writes"] == "on")
    assert running.items("plan_list") == []


def test_a_lost_store_without_cloudflare_holds_writes(site, sim):
    pids = site.connector_pids()
    site.stop()
    lose(site)
    sim.fault("drop", count=0)
    site.start(observed=False)
    status = site.status()
    assert "lost" in status["problems"][0]["message"] and status["writes"] != "on"
    assert site.connector_pids() == pids
    sim.faults_clear()
    site.reload()
    plan = offer_of(site)
    approve(site, plan)
    site.wait_converged()
    assert site.connector_pids() == pids


def test_marks_without_folders_are_taken_back_too(site, sim):
    """The connectors of this host are gone with everything but the small file."""
    pids = site.connector_pids()
    site.stop()
    lose(site)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not site.connector_pids())
    for folder in (site.state_dir / "connectors").iterdir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    since = sim.mark()
    site.start()
    answer = approve(site, offer_of(site), wait=False)
    assert answer["state"] == "applied"
    until(lambda: [r["hostname"] for r in site.items("route_list")] == ["app.example.com"])
    site.api("tunnel_create", name="edge1", replicas=1)
    site.wait_converged()
    assert [w for w in sim.writes(since) if "cfd_tunnel" in w or "dns" in w] == []
    until(lambda: sim.fetch()[0] == 200)


def test_what_was_edited_meanwhile_is_not_overwritten(site, sim):
    """The rule is another one when the plan is approved."""
    _, plan = begin_anew(site, lose)
    tunnel, = sim.tunnels()
    path = f"/accounts/{sim.account}/cfd_tunnel/{tunnel['id']}/configurations"
    config = {"ingress": [{"hostname": "app.example.com", "service": "http://192.0.2.99:80"},
                          {"service": "http_status:404"}]}
    sim.edit("PUT", path, {"config": config})
    since = sim.mark()
    approve(site, plan, timeout="3s")
    until(lambda: site.problems(object="route") or site.problems(object="tunnel"))
    assert sim.writes(since) == []


def test_another_hosts_marks_are_not_ours(site, sim, origin):
    other = Host(sim, owner="edge2")
    try:
        other.start()
        other.publish("two.example.com", origin.url)
        other.wait_converged()
        _, plan = begin_anew(site, lose)
        assert not any("two.example.com" in json.dumps(c) for c in plan["changes"])
        approve(site, plan)
        site.wait_converged()
        other.wait_converged()
        other.check_end()
    finally:
        other.close()


def test_a_damaged_store_still_tells_policies_and_replicas(site, sim):
    site.api("tunnel_create", name="edge1", replicas=2)
    site.wait_converged()
    pids = site.connector_pids()
    site.stop()
    # One page of a table that is not needed for the rebuilding.
    db = sqlite3.connect(site.state_dir / "adit.db")
    root, = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'rules'").fetchone()
    size, = db.execute("PRAGMA page_size").fetchone()
    ids = {row[0] for row in db.execute("SELECT id FROM route UNION SELECT id FROM record")}
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with open(site.state_dir / "adit.db", "r+b") as f:
        f.seek((root - 1) * size)
        f.write(b"\xff" * size)
    site.start()
    approve(site, offer_of(site))
    site.wait_converged()
    assert site.connector_pids() == pids and len(pids) == 2
    assert {d["id"] for d in site.tables()["record"]} <= ids
