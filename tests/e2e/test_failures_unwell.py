"""Failures that /ready does not tell of, and quic's: each seen and healed, or named, in a stated time,
without a request lost and without a storm of restarts. The numbers are those of docs/SIM.md's list."""
import base64
import json
import resource
import time

import pytest

from harness import FAST_STUB, Visitor, process_alive, until
from test_failures import QUICK, begun, connector, healed, published, starts


def events(host, kind):
    return [e["message"] for e in host.items("event_list") if e["kind"] == kind]


def replaced(host, before, seconds=30):
    return until(lambda: (c := connector(host)).get("pid") not in (None, before["pid"]) and
                 c["state"] == "ready" and c, seconds, 0.1, "it was not replaced")


def test_failure_02_half_open(host, sim, origin):
    """Connected by its own words, and Cloudflare knows nothing of it."""
    before = published(host, origin)
    assert before["protocol"] == "http2"
    assert sim.edge(half_open=True)["affected"] == 4
    assert sim.fetch()[0] == 530
    after = replaced(host, before)
    healed(host, sim, 10)
    assert after["restarts"] == before["restarts"] and starts(host) == 2
    assert any("lists no connection" in m for m in events(host, "connector_unwell"))
    until(lambda: connector(host).get("edge_listed") == 4)
    until(lambda: not process_alive(before["pid"]))


@pytest.mark.waits
def test_failure_02_half_open_again_and_again_is_no_storm(host, sim, origin):
    before = published(host, origin)
    sim.edge(half_open=True)
    after = replaced(host, before)
    sim.edge(half_open=True)
    problem = host.wait_problem(30, object="connector", name="edge1/1")
    assert "lists no connection" in problem["message"] and problem["hint"]
    time.sleep(5)
    assert starts(host) == 2 and connector(host)["pid"] == after["pid"]


def test_failure_02_a_list_that_cannot_be_had_heals_nobody(host, sim, origin):
    sim.fault("error", method="GET", path="*/connections", status=500, count=0)
    before = published(host, origin)
    time.sleep(8)
    assert connector(host)["pid"] == before["pid"] and "edge_listed" not in connector(host)
    assert not host.problems()
    asked = [r for r in sim.log() if r["path"].endswith("/connections")]
    assert 1 <= len(asked) <= 4, "later and later"


@pytest.mark.waits
def test_failure_05_udp_is_blocked(host, sim, origin):
    host.configure(connectors={"protocol": "quic"})
    begun(host, origin, "quic_blocked 1\n")
    healed(host, sim, 45)
    c = connector(host)
    assert c["protocol"] == "http2" and "by quic" in c["protocol_why"], c
    assert starts(host) == 2 and c["restarts"] == 1
    # It outlasts aditd, and the connector's next start does not try again.
    host.kill9()
    host.start()
    c = until(lambda: (c := connector(host)).get("protocol_why") and c)
    host.api("connector_restart", connector="edge1/1")
    c = connector(host)
    assert c["protocol"] == "http2" and c["state"] == "ready" and starts(host) == 3


def quic_is_due(host):
    """As if the hours were over."""
    for kept in host.state_dir.glob("connectors/*/kept"):
        text = json.loads(kept.read_text())
        text["quic_again_ms"] = 1
        kept.write_text(json.dumps(text))


@pytest.mark.waits
def test_failure_06_the_way_back_to_quic(host, sim, origin):
    host.configure(connectors={"protocol": "quic"})
    begun(host, origin, "quic_blocked 1\n")
    healed(host, sim, 45)
    before = connector(host)
    with Visitor(sim):
        # Still blocked: tried beside it, taken away again.
        host.stop()
        quic_is_due(host)
        host.start(observed=False)
        until(lambda: "replacing" in connector(host))
        until(lambda: any("in vain" in m for m in events(host, "connector_protocol")), 45)
        c = connector(host)
        assert c["pid"] == before["pid"] and c["protocol"] == "http2" and "problem" not in c
        # Open again.
        host.mode(FAST_STUB)
        host.stop()
        quic_is_due(host)
        host.start(observed=False)
        c = until(lambda: (c := connector(host)).get("protocol") == "quic" and c, 30)
        assert c["pid"] != before["pid"] and "protocol_why" not in c
        until(lambda: host.connector_pids() == [c["pid"]])
    assert any("quic serves again" in m for m in events(host, "connector_protocol"))
    host.wait_converged()


@pytest.mark.waits
def test_failure_04_quic_loses_its_connections(host, sim, origin):
    host.configure(connectors={"protocol": "quic"})
    before = published(host, origin)
    sim.edge(mode={"key": "quic_flap_ms", "value": 700})
    c = until(lambda: (c := connector(host)).get("protocol") == "http2" and
              c["state"] == "ready" and c, 60)
    assert "within an hour" in c["protocol_why"] and c["pid"] != before["pid"]
    healed(host, sim, 10)
    time.sleep(3)
    assert connector(host)["pid"] == c["pid"]


def test_failure_06_http2_is_never_left(host, sim, origin):
    """Pinned: not for quic, whatever comes."""
    published(host, origin)
    sim.edge(mode={"key": "lose_all_s", "value": 600})
    healed(host, sim, 20)
    assert connector(host)["protocol"] == "http2" and "protocol_why" not in connector(host)
    assert not events(host, "connector_protocol")


def test_failure_12_open_files(host, sim, origin):
    host.configure(connectors={"health": QUICK})
    host.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)))
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    before = connector(host)
    with Visitor(sim):
        sim.edge(mode={"key": "open_fds", "value": 900})
        after = replaced(host, before, 45)
    assert after["restarts"] == before["restarts"] and starts(host) == 2
    assert any("open files" in m for m in events(host, "connector_unwell"))
    # Once in an hour.
    sim.edge(mode={"key": "open_fds", "value": 900})
    problem = host.wait_problem(45, object="connector", name="edge1/1")
    assert "open files" in problem["message"] and connector(host)["open_fds"] > 800
    assert connector(host)["pid"] == after["pid"] and starts(host) == 2


@pytest.mark.waits
def test_failure_14_a_connector_with_an_old_configuration(host, sim, origin):
    before = published(host, origin)
    sim.edge(mode={"key": "stale", "value": 1})
    host.publish("other.example.com", origin.url, wait=False)
    after = replaced(host, before, 60)
    until(lambda: sim.fetch(host="other.example.com")[0] == 200)
    host.wait_converged()
    assert after["restarts"] == before["restarts"] and starts(host) == 2
    assert any("older configuration" in m for m in events(host, "connector_unwell"))


@pytest.mark.waits
def test_failure_14_once_for_each_version(host, sim, origin):
    before = published(host, origin)
    host.mode(FAST_STUB + "report_version 0\n")
    sim.edge(mode={"key": "report_version", "value": 0})
    host.publish("other.example.com", origin.url, wait=False)
    replaced(host, before, 60)
    problem = host.wait_problem(45, object="connector", name="edge1/1")
    assert "older configuration" in problem["message"] and problem["hint"]
    time.sleep(5)
    assert starts(host) == 2


def test_failure_10_somebody_gave_the_tunnel_another_secret(host, sim, origin):
    """The token is read again by itself, and fits again."""
    before = published(host, origin)
    tunnel, = sim.tunnels()
    sim.edit("PATCH", f"/accounts/{sim.account}/cfd_tunnel/{tunnel['id']}",
             {"tunnel_secret": base64.b64encode(b"s" * 32).decode()})
    sim.edge(drop=True)
    until(lambda: connector(host).get("pid") not in (None, before["pid"]), 30)
    healed(host, sim, 30)
    assert starts(host) <= 3
