"""The failures that users of cloudflared meet, each played by the stub or the simulated edge: seen
and healed, or named, in a stated time, and without a storm of restarts. The same number stands for
the same failure everywhere here; those without one come last."""
import os
import pathlib
import signal
import time

import pytest

from harness import FAST_STUB, Visitor, until

QUICK = {"interval": "200ms", "timeout": "200ms", "failures": 30, "unready": "2s"}
LOOKUP = ("Could not lookup srv records on _v2-origintunneld._tcp.argotunnel.com: lookup "
          "_v2-origintunneld._tcp.argotunnel.com on 192.0.2.53:53: server misbehaving")


def starts(host):
    """How often cloudflared was started, by the word of its own logs."""
    return sum(log.read_text(errors="replace").count('"message":"Starting tunnel"')
               for log in host.state_dir.glob("connectors/*/log*"))


def connector(host):
    return until(lambda: host.items("connector_list"), why="no connector")[0]


def why(host):
    return host.api("health_get", host="app.example.com")


def ready(host):
    c = connector(host)
    return c["state"] == "ready" and c


def published(host, origin, **health):
    host.configure(connectors={"health": {**QUICK, **health}})
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    return connector(host)


def begun(host, origin, mode):
    """A host whose connector cannot work from its first start on."""
    host.configure(connectors={"health": QUICK})
    host.mode(FAST_STUB + mode)
    host.start()
    host.publish("app.example.com", origin.url, wait=False)


def healed(host, sim, seconds):
    """The page comes again, and what was told of the failure goes."""
    until(lambda: sim.fetch()[0] == 200, seconds, 0.1, "the page did not come back")
    host.wait_converged()


def test_failure_01_all_connections_lost_and_long_waits_until_the_next_try(host, sim, origin):
    before = published(host, origin)
    sim.edge(mode={"key": "lose_all_s", "value": 600})
    until(lambda: connector(host)["state"] == "unready")
    healed(host, sim, 20)
    after = connector(host)
    assert after["pid"] != before["pid"] and after["restarts"] == before["restarts"] + 1
    assert starts(host) == 2
    assert any("no connection" in e["message"] for e in host.items("event_list"))


def test_failure_01_registrations_that_are_never_answered(host, sim, origin):
    """The wedge: the edge is well again, and the process does not notice. Asked to stop, it takes
    all its grace period, though it serves nobody: it is not left that long."""
    host.configure(connectors={"grace_period": "60s"})
    before = published(host, origin)
    sim.edge(refuse={"words": "", "times": 4}, drop=True)
    until(lambda: connector(host)["state"] == "unready")
    healed(host, sim, 20)
    assert connector(host)["pid"] != before["pid"] and starts(host) == 2


def test_failure_01_a_long_outage_is_no_storm(host, sim, origin):
    published(host, origin, unready="1s")
    sim.edge(close_connectors=True, drop=True)
    until(lambda: connector(host)["state"] == "starting", 20)
    time.sleep(6)
    assert starts(host) == 2, "one restart, and then the new process is let try"
    sim.edge(reset=True)
    healed(host, sim, 30)
    assert starts(host) <= 3


def test_failure_03_a_name_that_leads_to_another_tunnel(host, sim, origin):
    before = published(host, origin)
    zone = next(z for z in sim.state()["zones"] if z["name"] == "example.com")
    record, = sim.records("app.example.com")
    sim.edit("PATCH", f"/zones/{zone['id']}/dns_records/{record['id']}",
             {"content": "11111111-2222-3333-4444-555555555555.cfargotunnel.com"})
    assert sim.fetch()[0] == 530
    host.api("drift_list", refresh=True)
    row, = [d for d in host.items("drift_list") if d["name"] == "app.example.com"]
    assert row["field"] == "content" and "11111111-2222" in row["untrusted_seen"]
    assert why(host)["broken"] == "record"
    problem = host.wait_problem(name="app.example.com")
    assert problem["message"] and problem["hint"] and host.status()["state"] != "ok"
    assert connector(host)["pid"] == before["pid"] and starts(host) == 1


@pytest.mark.parametrize("words", [
    LOOKUP,  # 7: DNS is not ready at boot
    LOOKUP.replace("192.0.2.53:53: server misbehaving", "1.1.1.1:853: i/o timeout"),  # 8
], ids=["07_dns_is_not_ready_at_boot", "08_srv_cannot_be_asked"])
def test_failure(host, sim, origin, words):
    begun(host, origin, f"exit_code 1\nexit_words {words}\n")
    c = until(lambda: (c := connector(host))["restarts"] >= 3 and c)
    assert words in c["untrusted_last_line"], "the resolver is named"
    problem = host.wait_problem(object="connector", name="edge1/1")
    assert "cannot reach Cloudflare's edge" in problem["message"] and "DNS" in problem["hint"]
    time.sleep(3)
    assert starts(host) <= 9, "later and later"
    host.mode(FAST_STUB)
    healed(host, sim, 40)


def test_failure_07_names_are_not_answered_at_all(host, sim, origin):
    """No port listens meanwhile: that is no hung process."""
    begun(host, origin, "bind_after_ms 5000\n")
    pid = until(host.connector_pids)
    time.sleep(4)
    assert host.connector_pids() == pid and connector(host)["state"] == "starting"
    healed(host, sim, 30)
    assert starts(host) == 1 and connector(host)["restarts"] == 0


def test_failure_09_no_free_edge_addresses(host, sim, origin):
    """IPv4 alone is tried once, and helps."""
    begun(host, origin, "ipv6_broken 1\n")
    healed(host, sim, 40)
    told = [e for e in host.items("event_list") if e["kind"] == "connector_addresses"]
    assert len(told) == 1 and "IPv4 alone is tried" in told[0]["message"]
    assert connector(host)["restarts"] == 1 and starts(host) == 2
    # another process of it does not try the others first
    host.adit("connector", "restart", "edge1/1", "--yes")
    healed(host, sim, 40)
    assert starts(host) == 3


def test_failure_09_no_address_of_either_family(host, sim, origin):
    begun(host, origin, "exit_code 1\nexit_words there are no free edge addresses left to resolve"
                        " to\n")
    c = until(lambda: (c := connector(host))["restarts"] >= 3 and c)
    assert "no free edge addresses" in c["untrusted_last_line"]
    problem = host.wait_problem(object="connector", name="edge1/1")
    assert "cannot reach any address" in problem["message"] and "7844" in problem["hint"]
    time.sleep(3)
    assert starts(host) <= 9
    told = [e["message"] for e in host.items("event_list") if e["kind"] == "connector_addresses"]
    assert len(told) == 2, "tried once, and told that it did not help"
    host.mode(FAST_STUB)
    healed(host, sim, 40)


def test_failure_10_a_token_that_is_refused_for_ever(host, sim, origin):
    published(host, origin)
    sim.edge(refuse={"words": "Unauthorized: Invalid tunnel secret", "permanent": True}, drop=True)
    until(lambda: connector(host)["state"] == "blocked", 30)
    problem = host.wait_problem(object="connector", name="edge1/1")
    assert "token was refused" in problem["message"] and problem["hint"]
    time.sleep(3)
    assert starts(host) <= 3, "it is not started again and again"
    sim.edge(reset=True)
    host.api("connector_restart", connector="edge1/1", wait=False)
    healed(host, sim, 30)


def test_failure_10_by_quic_the_log_has_no_words(host, sim, origin):
    """Told as far as it is known; http2, which stands in for quic after a while, knows more."""
    host.configure(connectors={"protocol": "quic"})
    sim.edge(refuse={"words": "Unauthorized: Invalid tunnel secret", "permanent": True})
    begun(host, origin, "")
    until(lambda: "does not register it" in connector(host).get("reason", ""))
    until(lambda: connector(host)["state"] == "blocked", 50)
    problem = host.wait_problem(object="connector", name="edge1/1")
    assert "token was refused" in problem["message"]
    sim.edge(reset=True)
    host.api("connector_restart", connector="edge1/1", wait=False)
    healed(host, sim, 30)


def test_failure_10_refused_for_another_cause(host, sim, origin):
    published(host, origin, unready="4s")
    sim.edge(refuse={"words": "rate limited, try later"}, drop=True)
    problem = host.wait_problem(object="connector", name="edge1/1",
                                message="Cloudflare's edge does not register it")
    assert problem["hint"]
    until(lambda: (c := connector(host)) and "exit 1" in c.get("last_exit", ""), 40)
    time.sleep(3)
    assert connector(host)["state"] != "blocked" and starts(host) <= 9, "later and later"
    sim.edge(reset=True)
    healed(host, sim, 40)


def test_failure_10_a_tunnel_that_was_deleted(host, sim, origin):
    published(host, origin)
    tunnel, = sim.tunnels()
    path = f"/accounts/{sim.account}/cfd_tunnel/{tunnel['id']}"
    sim.edge(close_connectors=True)
    sim.edit("DELETE", f"{path}/connections")
    sim.edit("DELETE", path)
    sim.edge(reset=True)
    assert not sim.tunnels()
    assert until(lambda: sim.fetch()[0] == 530)
    c = until(lambda: (c := connector(host))["state"] == "blocked" and c, 30)
    problem = host.wait_problem(object="connector", name="edge1/1")
    assert "does not know the tunnel" in problem["message"] and problem["hint"]
    time.sleep(3)
    assert starts(host) <= 3 and c["untrusted_last_line"]


def test_failure_11_the_receive_buffer_is_no_failure(host, sim, origin):
    before = published(host, origin)
    sim.edge(mode={"key": "log_plain", "value": 1})
    until(lambda: "receive buffer" in next(host.state_dir.glob("connectors/*/log")).read_text())
    time.sleep(1)
    assert host.converged() and connector(host)["pid"] == before["pid"]
    assert not [e for e in host.items("event_list") if "buffer" in str(e)]


def test_failure_13_a_program_that_replaced_itself(host, sim, origin):
    before = published(host, origin)
    settings = next(host.state_dir.glob("connectors/*/*.yml")).read_text()
    assert "no-autoupdate: true" in settings
    sim.edge(mode={"key": "exit_code", "value": 11})
    after = until(lambda: (c := ready(host)) and c["pid"] != before["pid"] and c)
    assert after["state"] == "ready" and starts(host) == 2
    assert any("replaced itself" in e["message"] for e in host.items("event_list"))
    healed(host, sim, 10)


def test_failure_15_a_start_that_takes_long_is_not_killed(host, sim, origin):
    begun(host, origin, "ready_after_ms 6000\n")
    pid = until(host.connector_pids)
    time.sleep(4)
    c = connector(host)
    assert c["state"] == "starting" and host.connector_pids() == pid and c["restarts"] == 0
    healed(host, sim, 30)
    assert host.connector_pids() == pid and starts(host) == 1


# ---- the rows without a number ----

def test_failure_rolling_restart_answers_every_request(host, sim, origin):
    before = published(host, origin)
    with Visitor(sim):
        answer = host.api("connector_restart", connector="edge1/1")
        assert answer["converged"] and answer["pid"] != before["pid"]
        until(lambda: host.connector_pids() == [answer["pid"]])


def test_failure_maintenance_of_the_edge_restarts_nothing(host, sim, origin):
    """Connections are closed one after the other, over and over, as the edge does."""
    before = published(host, origin)
    for index in [0, 1, 2, 3] * 3:
        assert sim.edge(drop={"index": index})["affected"] <= 1
        time.sleep(0.3)
    after = until(lambda: ready(host))
    assert after["pid"] == before["pid"] and after["restarts"] == before["restarts"]
    assert starts(host) == 1
    host.wait_converged()


def test_failure_an_origin_that_is_down_restarts_nothing(host, sim, origin):
    before = published(host, origin)
    origin.close()
    until(lambda: sim.fetch()[0] == 502)
    until(lambda: why(host).get("broken") == "origin", 40, 0.3, lambda: str(why(host)))
    assert why(host)["state"] == "down" and why(host)["evidence"]
    time.sleep(3)
    after = connector(host)
    assert after["state"] == "ready" and after["pid"] == before["pid"] and starts(host) == 1
    assert "originService" in next(host.state_dir.glob("connectors/*/log")).read_text()


def test_failure_a_token_is_seen_by_nobody(host, sim, origin):
    pid = published(host, origin)["pid"]
    token = next(host.state_dir.glob("connectors/*/token"))
    assert token.stat().st_mode & 0o077 == 0
    secret = token.read_text().strip()
    proc = pathlib.Path(f"/proc/{pid}")
    for name in ("cmdline", "environ"):
        assert secret.encode() not in (proc / name).read_bytes()
    for log in [host.log_path, *host.state_dir.glob("connectors/*/log*")]:
        assert secret not in log.read_text(errors="replace")
    assert secret not in str(host.items("event_list")) + str(host.status())


def test_failure_the_metrics_port_stays(host, sim, origin):
    before = published(host, origin)
    os.kill(before["pid"], signal.SIGKILL)
    after = until(lambda: (c := ready(host)) and c["pid"] != before["pid"] and c)
    assert after["metrics_port"] == before["metrics_port"]
