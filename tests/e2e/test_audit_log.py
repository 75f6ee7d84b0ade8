"""The audit log: a hint by which foreign writes are seen and named though no connector runs and no
sweep is due; never needed, and never believed for what it lacks."""
import pytest

from harness import until

AUDIT = "/logs/audit"
SLOWLY = 60
NARROW = "sim-token-without-account-settings"


def asked(sim, since, part):
    return [r for r in sim.log(since) if r["method"] == "GET" and part in r["path"]]


def often(host):
    """As often as a tenth of the budget allows: a look in about ten seconds."""
    host.configure(reconcile={"interval": "1s"})
    host.start()


def looks(sim, since, n):
    """So many whole looks began and ended."""
    until(lambda: len(asked(sim, since, "/cfd_tunnel")) > n, SLOWLY, why="no looks")


@pytest.fixture
def web(host, sim):
    """A tunnel with a route that no connector of this host serves."""
    often(host)
    host.api("tunnel_create", name="web", replicas=0)
    host.api("route_set", hostname="app.example.com", service="http://127.0.0.1:8080",
             tunnel="web", wait=False)
    tunnel, = sim.tunnels("web")
    until(lambda: sim.tunnels("web")[0]["version"] == 1)
    return tunnel


def repoint(sim, tunnel, service="http://127.0.0.1:6666"):
    config = sim.config(tunnel["id"])
    config["ingress"][0]["service"] = service
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel['id']}/configurations",
             {"config": config})


def edited(host):
    return [r for r in host.items("drift_list") if r["kind"] == "edited"]


@pytest.mark.waits
def test_a_foreign_configuration_is_read_and_its_writer_named(host, sim, web):
    since = sim.mark()
    looks(sim, since, 1)
    assert asked(sim, since, AUDIT) and not asked(sim, since, "/configurations")  # our own PUT
    repoint(sim, web)
    since = sim.mark()
    until(lambda: edited(host), SLOWLY)
    row, = edited(host)
    assert row["untrusted_seen"] == "http://127.0.0.1:6666"
    assert row["untrusted_actor"].startswith("owner@example.com by dash, 20")
    assert host.status()["audit_log"] == "read"
    code, text, _ = host.adit("drift", "list")
    assert code == 0 and "owner@example.com by dash" in text
    mark = sim.mark()
    looks(sim, mark, 1)
    # What is known is not read again, though the log shows it again and again.
    assert len(asked(sim, since, "/configurations")) == 1 and not sim.writes(since)


@pytest.mark.waits
def test_an_entry_that_comes_late_is_seen_late(host, sim, web):
    sim.control("POST", "seed", {"limits": {"audit_lag_ms": 22000}})
    repoint(sim, web)
    since = sim.mark()
    looks(sim, since, 1)
    assert not asked(sim, since, "/configurations")
    until(lambda: edited(host), SLOWLY)
    assert edited(host)[0]["untrusted_actor"]


def test_what_happened_while_aditd_was_away(host, sim, web):
    host.stop()
    repoint(sim, web)
    host.start()
    until(lambda: edited(host), SLOWLY)
    assert "owner@example.com" in edited(host)[0]["untrusted_actor"]


def test_a_records_writer_is_named(running, sim):
    answer = running.api("dns_set", name="mail.example.com", type="A", content="192.0.2.1")
    assert answer["converged"]
    record, = sim.records("mail.example.com")
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}", {"content": "192.0.2.66"})
    running.api("drift_list", refresh=True)
    row, = running.items("drift_list")
    assert row["untrusted_actor"].startswith("owner@example.com by dash")
    # As it should be again, and changed again: by nobody whom the log knows.
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}", {"content": "192.0.2.1"})
    running.api("drift_list", refresh=True)
    assert running.items("drift_list") == []
    sim.control("POST", "seed", {"limits": {"audit_lag_ms": 3600000}})
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}", {"content": "192.0.2.67"})
    running.api("drift_list", refresh=True)
    row, = running.items("drift_list")
    assert "untrusted_actor" not in row


def test_a_token_that_may_not_read_it_is_no_problem(host, sim):
    sim.control("POST", "seed", {"tokens": [{"value": NARROW, "scopes": [
        "zone:read", "dns:read", "dns:write", "tunnel:read", "tunnel:write"]}]})
    host.write_token(NARROW)
    often(host)
    host.api("dns_set", name="mail.example.com", type="A", content="192.0.2.1")
    since = sim.mark()
    looks(sim, since, 1)
    assert len(asked(sim, 0, AUDIT)) == 1
    status = host.status()
    assert status["audit_log"] == "not permitted" and status["problems"] == []
    assert status["access"] == "ok" and status["writes"] == "on"


@pytest.mark.waits
@pytest.mark.parametrize("fault", [
    dict(do="error", status=500, code=1), dict(do="drop"), dict(do="raw", body="<html>"),
    dict(do="wrong", body={"success": True, "errors": [], "messages": [], "result": {"a": 1}}),
    dict(do="wrong", body={"success": True, "errors": [], "messages": [], "result": [
        {"id": "x", "action": {"time": "2026-11-22T04:00:00Z"}, "resource": {"id": 5},
         "raw": {"uri": "/cfd_tunnel//configurations"}}, 7, None, {"id": None}],
        "result_info": {"cursor": ""}})])
def test_nonsense_harms_no_look(host, sim, fault):
    often(host)
    host.api("dns_set", name="mail.example.com", type="A", content="192.0.2.1")
    sim.fault(path=f"/accounts/*{AUDIT}*", count=0, **fault)
    since = sim.mark()
    looks(sim, since, 1)
    assert asked(sim, since, "/dns_records")
    status = host.status()
    assert status["problems"] == [] and status["state"] == "ok"
