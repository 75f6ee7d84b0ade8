"""Connectors that are replaced, stopped and upgraded, and aditd that dies meanwhile."""
import os
import shutil
import time

import pytest
from harness import FAST_STUB, Visitor, until
from mcp_client import Lines


def one(site):
    connector, = site.items("connector_list")
    return connector


def watch_pids(site, done, seconds=30):
    """Never a third process, and in the end one."""
    end = time.monotonic() + seconds
    while True:
        pids = site.connector_pids()
        assert 1 <= len(pids) <= 2, pids
        if len(pids) == 1 and done():
            return pids[0]
        assert time.monotonic() < end, pids
        time.sleep(0.02)


def test_a_restart_drops_nothing(site, sim):
    before = one(site)
    with Visitor(sim):
        answer = site.api("connector_restart", connector="edge1/1")
        assert answer["converged"] and answer["pid"] != before["pid"]
        pid = watch_pids(site, lambda: True)
        until(lambda: sim.edge_status()["connectors"] == 1)
    assert pid == answer["pid"] == one(site)["pid"] and one(site)["restarts"] == 0
    kinds = [e["kind"] for e in site.items("event_list")]
    assert {"connector_replacing", "connector_replaced"} <= set(kinds), kinds
    assert "connector_exited" not in kinds


@pytest.mark.waits
@pytest.mark.parametrize("wait", [0, 0.05, 0.2, 0.6, 1.5, 2.6, 3.0, 3.6])
def test_aditd_dies_while_a_connector_is_replaced(site, sim, wait):
    """Before the other starts, while it comes up, settles, takes the place; while the old drains.
    The restart was answered, so the old one never stays; what came up for it is not started anew."""
    site.mode(FAST_STUB + "ready_after_ms 300\nstop_ms 1500\n")
    before, = site.connector_pids()
    with Visitor(sim):
        site.api("connector_restart", connector="edge1/1", wait=False)
        time.sleep(wait)
        site.kill9()
        left = site.connector_pids()
        came_up = [p for p in left if p != before]
        assert 1 <= len(left) <= 2 and len(came_up) <= 1, left
        site.start(observed=False)
        pid = watch_pids(site, lambda: (c := one(site))["state"] == "ready" and c["pid"] != before)
        until(lambda: one(site)["pid"] == pid and "replacing" not in one(site))
        assert [pid] == (came_up or [pid]), "what came up takes the place"
        assert one(site)["restarts"] == 0
    site.wait_converged()
    assert site.connector_pids() == [pid]
    assert not [e for e in site.items("event_list") if e["kind"] == "connector_killed"]


def test_aditd_dies_when_mcp_was_answered(site, sim):
    """The answer goes out in the turn of the loop in which the request came."""
    site.api("grant_create", name="claude", role="operator")
    client = Lines(site, "--grant", "claude")
    site.mode(FAST_STUB + "ready_after_ms 300\n")
    before, = site.connector_pids()
    with Visitor(sim):
        answer = client.tool("connector_restart", connector="edge1/1", wait=False)
        site.kill9()
        assert answer["structuredContent"]["pid"] == before, answer
        site.start(observed=False)
        pid = watch_pids(site, lambda: (c := one(site))["state"] == "ready" and c["pid"] != before)
    assert one(site)["pid"] == pid and one(site)["restarts"] == 0
    site.wait_converged()
    assert client.process.wait(10) == 3


def test_aditd_dies_again_and_again_while_a_connector_is_replaced(site, sim):
    site.mode(FAST_STUB + "ready_after_ms 1500\nstop_ms 2500\n")
    before, = site.connector_pids()
    with Visitor(sim):
        site.api("connector_restart", connector="edge1/1", wait=False)
        time.sleep(0.3)
        for _ in range(8):
            site.kill9()
            assert len(site.connector_pids()) <= 2
            site.start(observed=False)
            time.sleep(0.4)
        pid = watch_pids(site, lambda: one(site)["state"] == "ready")
    assert one(site)["pid"] == pid != before and one(site)["restarts"] == 0


def test_new_options_are_rolled_without_a_drop(running, sim, origin):
    running.api("tunnel_create", name="edge1", replicas=2)
    running.publish("app.example.com", origin.url)
    running.wait_converged()
    before = running.connector_pids()
    with Visitor(sim):
        running.configure(connectors={"grace_period": "7s"})
        running.reload()
        until(lambda: len(p := running.connector_pids()) == 2 and not set(p) & set(before), 40)
        running.wait_converged()
    assert all(c["restarts"] == 0 for c in running.items("connector_list"))


def test_the_last_one_is_stopped_by_a_person_only(site, sim):
    answer = site.api("connector_stop", connector="edge1/1", reason="a new disk")
    assert answer["state"] == "needs_approval" and "app.example.com" in answer["approvals"][0]
    assert one(site)["state"] == "ready"
    answer = site.api("plan_approve", plan=answer["plan"], hash=answer["hash"])
    assert answer["converged"], answer
    stopped = one(site)
    assert stopped["state"] == "stopped" and stopped["stopped_why"] == "a new disk"
    assert "root" in stopped["stopped_by"] and "stopped_until" not in stopped
    assert site.connector_pids() == []
    # It stays so: over passes, restarts and a boot.
    site.restart()
    time.sleep(1)
    assert one(site)["state"] == "stopped" and site.connector_pids() == []
    assert site.api("connector_stop", connector="edge1/1")["state"] == "unchanged"
    answer = site.api("connector_start", connector="edge1/1")
    assert answer["state"] == "applied" and answer["converged"], answer
    until(lambda: sim.fetch()[0] == 200)
    assert "stopped_by" not in one(site)
    assert site.api("connector_start", connector="edge1/1")["state"] == "unchanged"


def test_stopped_for_a_time(site, sim):
    answer = site.api("connector_stop", **{"tunnel": "edge1", "for": "4s", "approve": True})
    assert answer["converged"] and one(site)["stopped_until"], answer
    assert "4s" in answer["changes"][0]["detail"]
    site.restart()
    assert one(site)["state"] == "stopped"
    until(lambda: one(site)["state"] == "ready")
    assert "stopped_until" not in one(site) and sim.fetch()[0] == 200
    assert any(e["kind"] == "connector_stop_over" for e in site.items("event_list"))


def test_one_of_two_is_stopped_by_an_operator(running, sim, origin):
    running.api("tunnel_create", name="edge1", replicas=2)
    running.publish("app.example.com", origin.url)
    running.wait_converged()
    with Visitor(sim):
        answer = running.api("connector_stop", connector="edge1/2")
        assert answer["state"] == "applied" and answer["converged"], answer
    states = {c["name"]: c["state"] for c in running.items("connector_list")}
    assert states == {"edge1/1": "ready", "edge1/2": "stopped"}
    assert running.api("connector_stop", connector="edge1/1")["state"] == "needs_approval"
    for args in ({}, {"connector": "edge1/1", "tunnel": "edge1"}):
        assert running.refused("connector_stop", **args).kind == "invalid"


def put_another(site):
    """The same program as another file, as a package puts it there."""
    fresh = site.folder / "cloudflared.new"
    shutil.copy(os.path.realpath(site.stub), fresh)
    os.replace(fresh, site.cloudflared)


def test_another_cloudflared_is_told_and_taken_when_asked(site, sim):
    before = one(site)
    assert "update_available" not in before
    put_another(site)
    told = until(lambda: (c := one(site)).get("disk_version") and c)
    assert told["update_available"] and told["pid"] == before["pid"]
    tunnel, = site.status()["tunnels"]
    assert tunnel["update_available"] == 1 and tunnel["disk_version"] == told["disk_version"]
    code, text = site.adit("status")[:2]
    assert code == 0 and "adit connector upgrade --tunnel edge1" in text, text
    with Visitor(sim):
        answer = site.api("connector_upgrade", connector="edge1/1")
        assert answer["converged"] and answer["pid"] != before["pid"], answer
        watch_pids(site, lambda: True)
    assert "update_available" not in one(site) and one(site)["restarts"] == 0
    assert "update_available" not in site.status()["tunnels"][0]
    again = site.api("connector_upgrade", connector="edge1/1")
    assert again["converged"] and again["pid"] == answer["pid"]


def test_a_tunnel_is_upgraded_one_connector_after_the_other(host, sim, origin):
    host.start()
    host.api("tunnel_create", name="edge1", replicas=2)
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    before = host.connector_pids()
    with Visitor(sim):
        put_another(host)
        host.api("connector_upgrade", tunnel="edge1", wait=False)
        end = time.monotonic() + 60
        while set(pids := host.connector_pids()) & set(before) or len(pids) != 2:
            rows = host.items("connector_list")
            assert len(pids) <= 4 and sum("replacing" in c for c in rows) <= 1, rows
            assert time.monotonic() < end, pids
        answer = host.api("connector_upgrade", tunnel="edge1")
    assert answer["converged"] and len(answer["connector_items"]) == 2, answer
    assert host.connector_pids() == pids
    code, out, _ = host.adit("connector", "upgrade", "--tunnel", "edge1")
    assert code == 0 and "edge1/2" in out, out
    for args in ({}, {"connector": "edge1/1", "tunnel": "edge1"}):
        assert host.refused("connector_upgrade", **args).kind == "invalid"
    host.api("tunnel_create", name="spare", replicas=0)
    assert host.refused("connector_upgrade", tunnel="spare").kind == "not_found"


def test_an_upgrade_of_a_tunnel_that_is_in_vain_says_so(host, sim, origin):
    host.start()
    host.api("tunnel_create", name="edge1", replicas=2)
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    before = host.connector_pids()
    bad = host.folder / "bad"
    bad.write_text("#!/bin/sh\nexit 1\n")
    bad.chmod(0o755)
    os.replace(bad, host.cloudflared)
    answer = host.api("connector_upgrade", tunnel="edge1")
    assert not answer["converged"] and "did not come up" in answer["problem"]["message"], answer
    assert sum("problem" in c for c in answer["connector_items"]) == 1
    assert host.connector_pids() == before
    assert host.adit("connector", "upgrade", "--tunnel", "edge1")[0] == 1


def test_another_cloudflared_is_rolled(host, sim, origin):
    host.configure(connectors={"upgrade": "roll"})
    host.start()
    host.api("tunnel_create", name="edge1", replicas=2)
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    before = host.connector_pids()
    with Visitor(sim):
        put_another(host)
        until(lambda: len(p := host.connector_pids()) == 2 and not set(p) & set(before), 60)
        host.wait_converged()
    assert all(c["restarts"] == 0 for c in host.items("connector_list"))


def test_a_bad_cloudflared_stops_at_the_first(host, sim, origin):
    host.configure(connectors={"upgrade": "roll"})
    host.start()
    host.api("tunnel_create", name="edge1", replicas=2)
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    before = host.connector_pids()
    with Visitor(sim):
        bad = host.folder / "bad"
        bad.write_text("#!/bin/sh\nexit 1\n")
        bad.chmod(0o755)
        os.replace(bad, host.cloudflared)
        told = until(lambda: [c for c in host.items("connector_list") if "problem" in c], 60)
        time.sleep(2)
        assert len(told) == 1 and "did not come up" in told[0]["problem"]["message"], told
        assert host.connector_pids() == before
        put_another(host)
        until(lambda: len(p := host.connector_pids()) == 2 and not set(p) & set(before), 60)
        host.wait_converged()


def test_a_storm_is_no_storm_after_a_restart_of_aditd(host, sim, origin):
    """What it may start is counted over aditd's own life."""
    host.mode("exit_code 255\nexit_words broken token\n")
    host.start()
    host.publish("app.example.com", origin.url, timeout="2s")
    until(lambda: one(host)["state"] == "blocked")
    starts = len([e for e in host.items("event_list") if e["kind"] == "connector_started"])
    for _ in range(3):
        host.kill9()
        host.start(observed=False)
        time.sleep(0.5)
        assert one(host)["state"] == "blocked" and one(host)["problem"]["hint"]
    events = [e for e in host.items("event_list") if e["kind"] == "connector_started"]
    assert len(events) == starts
    host.mode(FAST_STUB)
    host.api("connector_restart", connector="edge1/1")
    host.wait_converged()
