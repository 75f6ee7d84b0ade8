"""Invariants 3 and 5: aditd is killed at named moments between "create" and "ready". What was
acknowledged comes true after a restart, once: one tunnel, one rule, one record, one connector."""
import pathlib

import pytest

from harness import SETTLE, PATIENCE, until

TUNNELS, RECORDS = "/accounts/*/cfd_tunnel", "/zones/*/dns_records"
LONG = 60000


def folder_made(host):
    return list(pathlib.Path(host.state_dir).glob("connectors/*/config.yml"))


# name: the faults that open the moment, what tells that it has come, how long the rest may take.
# "late" with hold: the request is in flight and has its effect later, although we are dead.
MOMENTS = {
    "just_acknowledged": ([], None, SETTLE),
    "looking_for_the_tunnel": ([dict(do="delay", method="GET", path=TUNNELS, nth=2, ms=LONG)],
                               "fault", 0),
    "tunnel_post_never_arrives": ([dict(do="hang", method="POST", path=TUNNELS)], "fault", SETTLE),
    "tunnel_post_lands_later": ([dict(do="late", method="POST", path=TUNNELS, ms=2500, hold=True)],
                                "fault", SETTLE),
    "tunnel_made_answer_lost": ([dict(do="delay", method="POST", path=TUNNELS, ms=LONG)],
                                "fault", 0),
    "tunnel_made_answer_cut": ([dict(do="slow", method="POST", path=TUNNELS, bytes=1)],
                               "fault", 0),
    "token_asked": ([dict(do="delay", method="GET", path="*/token", ms=LONG)], "fault", 0),
    "folder_made": ([dict(do="delay", method="GET", path="*/configurations", ms=LONG)],
                    folder_made, 0),
    "connector_spawned": ([], lambda h: h.connector_pids(), SETTLE),
    "configuration_read": ([dict(do="delay", method="GET", path="*/configurations", ms=LONG)],
                           "fault", 0),
    "put_never_arrives": ([dict(do="hang", method="PUT", path="*/configurations")], "fault", SETTLE),
    "put_lands_later": ([dict(do="late", method="PUT", path="*/configurations", ms=1500,
                              hold=True)], "fault", SETTLE),
    "put_done_answer_lost": ([dict(do="delay", method="PUT", path="*/configurations", ms=LONG)],
                             "fault", SETTLE),
    "looking_for_the_record": ([dict(do="delay", method="GET", path=RECORDS, nth=3, ms=LONG)],
                               "fault", 0),
    "record_post_never_arrives": ([dict(do="hang", method="POST", path=RECORDS)], "fault", SETTLE),
    "record_post_lands_later": ([dict(do="late", method="POST", path=RECORDS, ms=2500, hold=True)],
                                "fault", SETTLE),
    "record_made_answer_lost": ([dict(do="delay", method="POST", path=RECORDS, ms=LONG)],
                                "fault", 0),
    "connector_not_ready_yet": ([], lambda h: h.sim.records(), 0),
}


def reached(host, sign):
    if sign is None:
        return
    if sign == "fault":
        host.sim.wait_struck()
    else:
        until(lambda: sign(host), every=0.002, why="the moment did not come")


def check_whole(host, origin_url):
    sim = host.sim
    tunnel, = sim.tunnels()
    assert tunnel["name"] == "edge1"
    rules = sim.config(tunnel["id"])["ingress"]
    assert rules == [{"hostname": "app.example.com", "service": origin_url},
                     {"service": "http_status:404"}]
    record, = sim.records()
    assert record["content"] == tunnel["id"] + ".cfargotunnel.com"
    assert record["comment"].startswith("adit:edge1/")
    pid, = host.connector_pids()
    connector, = host.items("connector_list")
    assert connector["pid"] == pid
    until(lambda: sim.edge_status()["connectors"] == 1, why="a connector too many")
    until(lambda: sim.fetch("/z") == (200, "origin /z"))


@pytest.mark.waits
@pytest.mark.parametrize("moment", MOMENTS)
def test_invariant_3_killed_while_publishing(host, sim, origin, moment):
    faults, sign, settle = MOMENTS[moment]
    if moment == "connector_not_ready_yet":
        host.mode("step_ms 10\nbackoff_percent 5\nstop_ms 50\nready_after_ms 3000\n")
    host.start()
    for rule in faults:
        sim.fault(**rule)
    done = host.publish("app.example.com", origin.url, wait=False)
    assert done["state"] == "applied" and done["converged"] is False
    reached(host, sign)
    host.kill9()
    pids = host.connector_pids()
    sim.faults_clear()
    host.start(observed=False)
    host.wait_converged(PATIENCE + settle)
    check_whole(host, origin.url)
    # The plan that was acknowledged, and the connector that ran, are still the same.
    assert host.api("plan_get", plan=done["plan"])["state"] == "applied"
    if pids:
        assert host.connector_pids() == pids
    assert host.publish("app.example.com", origin.url)["state"] == "unchanged"


DELETING = {
    "just_acknowledged": ([], None),
    "record_delete_never_arrives": ([dict(do="hang", method="DELETE", path="*/dns_records/*")],
                                    "fault"),
    "record_gone_answer_lost": ([dict(do="delay", method="DELETE", path="*/dns_records/*",
                                      ms=LONG)], "fault"),
    "connections_in_flight": ([dict(do="hang", method="DELETE", path="*/connections")], "fault"),
    "tunnel_delete_never_arrives": ([dict(do="hang", method="DELETE",
                                          path="/accounts/*/cfd_tunnel/????????-*[0-9a-f]")],
                                    "fault"),
    "tunnel_gone_answer_lost": ([dict(do="delay", method="DELETE", ms=LONG, nth=3)], "fault"),
}


@pytest.mark.parametrize("moment", DELETING)
def test_invariant_3_killed_while_deleting(site, sim, moment):
    faults, sign = DELETING[moment]
    for rule in faults:
        sim.fault(**rule)
    done = site.api("tunnel_delete", tunnel="edge1", approve=True, wait=False)
    assert done["state"] == "applied"
    reached(site, sign)
    site.kill9()
    sim.faults_clear()
    site.start(observed=False)
    until(lambda: site.items("tunnel_list") == [] and site.items("dns_list") == [],
          why=lambda: f"not deleted: {site.status()}")
    assert sim.tunnels() == [] and sim.records() == [] and site.connector_pids() == []
    assert site.status()["state"] == "ok"


def test_invariant_3_a_plan_that_waits_survives(site, sim):
    plan = site.api("route_delete", hostname="app.example.com")
    site.kill9()
    site.start()
    assert site.status()["plans_waiting"] == 1
    kept = site.api("plan_get", plan=plan["plan"])
    assert kept["state"] == "needs_approval" and kept["hash"] == plan["hash"]
    assert site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])["converged"]
    assert sim.records() == []


def test_invariant_3_a_rejection_survives(site):
    plan = site.api("route_delete", hostname="app.example.com")
    site.api("plan_reject", plan=plan["plan"])
    site.kill9()
    site.start()
    assert site.api("plan_get", plan=plan["plan"])["state"] == "rejected"


@pytest.mark.waits
def test_invariant_3_every_acknowledged_plan_is_there(running, origin):
    done = [running.publish(f"a{i}.example.com", origin.url, wait=False) for i in range(20)]
    running.kill9()
    running.start(observed=False)
    numbers = {p["plan"] for p in running.items("plan_list", limit=100)}
    assert {d["plan"] for d in done} <= numbers
    assert len(running.items("route_list", limit=100)) == 20
    # A write that was on its way when it was killed may still take effect, which is waited for.
    running.wait_converged(PATIENCE + SETTLE)
    assert len(running.sim.records()) == 20 and len(running.sim.tunnels()) == 1


@pytest.mark.waits
def test_invariant_3_killed_again_and_again(running, sim, origin):
    """Whatever moment it is, thirty times over."""
    running.publish("app.example.com", origin.url, wait=False)
    for i in range(30):
        running.kill9()
        running.start(observed=False)
        if i % 3 == 0:
            running.publish(f"a{i}.example.com", origin.url, wait=False)
    running.wait_converged(PATIENCE + SETTLE)
    assert len(sim.records()) == 11 and len(sim.tunnels()) == 1
    assert len(running.connector_pids()) == 1
    assert len(sim.config(sim.tunnels()[0]["id"])["ingress"]) == 12
    assert sim.control("GET", "counters")["foreign_writes"] == 0


def test_invariant_3_no_mutation_without_a_ledger_row(running, sim, origin):
    since = sim.mark()
    running.publish("app.example.com", origin.url)
    sim_writes = [w.split(" ")[0] + " " + w.rpartition("/")[2] for w in sim.writes(since)]
    rows = running.tables()["ledger"]
    intents = [r["operation"] for r in rows if r["phase"] == "intent" and r["principal"] == "adit"]
    results = [r for r in rows if r["phase"] == "result" and r["principal"] == "adit"]
    assert intents == sim_writes == ["POST cfd_tunnel", "PUT configurations", "POST dns_records"]
    assert [r["outcome"] for r in results] == ["ok"] * 3
    assert [r["seq"] for r in rows] == list(range(1, len(rows) + 1))
    assert all(a["hash"] == b["prev_hash"] for a, b in zip(rows, rows[1:]))
