"""adit-sim from outside: the relay's faults on the wire, the control port, the options."""
import http.client
import json
import subprocess
import time
import urllib.error

import pytest

from simulator import BUILD, Simulator


@pytest.fixture(name="sim")
def running_simulator():
    with Simulator() as sim:
        yield sim


def tunnels(sim):
    return f"/accounts/{sim.account}/cfd_tunnel"


def names(sim):
    return [t["name"] for t in sim.api("GET", tunnels(sim))[1]["result"]]


def comes(sim, name):
    end = time.monotonic() + 20
    while names(sim) != [name]:
        assert time.monotonic() < end, names(sim)
        time.sleep(0.05)


def test_lost_answer_has_its_effect(sim):
    sim.fault(do="lose", method="POST")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        sim.api("POST", tunnels(sim), {"name": "web"})
    assert names(sim) == ["web"]
    assert [r["fault"] for r in sim.log()] == ["lose", None]


def test_dropped_request_has_none(sim):
    for reset in (False, True):
        sim.fault(do="drop", method="POST", reset=reset)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            sim.api("POST", tunnels(sim), {"name": "web"})
    assert names(sim) == []


def test_late_effect(sim):
    sim.fault(do="late", method="POST", ms=1000)
    with pytest.raises(http.client.RemoteDisconnected):
        sim.api("POST", tunnels(sim), {"name": "web"})
    assert names(sim) == []
    comes(sim, "web")
    assert sim.control("GET", "counters")["writes"] == 1


def test_late_effect_while_the_caller_waits(sim):
    sim.fault(do="late", method="POST", ms=200, hold=True)
    with pytest.raises(TimeoutError):
        sim.api("POST", tunnels(sim), {"name": "web"}, timeout=0.6)
    comes(sim, "web")


def test_late_effect_after_the_caller_left(sim):
    sim.fault(do="late", method="POST", ms=1500, hold=True)
    with pytest.raises(TimeoutError):
        sim.api("POST", tunnels(sim), {"name": "web"}, timeout=0.2)
    assert names(sim) == []
    comes(sim, "web")


def test_hanging_request(sim):
    sim.fault(do="hang", method="POST")
    with pytest.raises(TimeoutError):
        sim.api("POST", tunnels(sim), {"name": "web"}, timeout=0.3)
    assert names(sim) == []


def test_delayed_answer(sim):
    sim.fault(do="delay", ms=300)
    start = time.monotonic()
    assert sim.api("GET", "/zones")[0] == 200
    assert time.monotonic() - start > 0.25


def test_cut_body(sim):
    sim.fault(do="cut", bytes=40)
    with pytest.raises(http.client.IncompleteRead) as caught:
        sim.api("GET", "/zones")
    assert len(caught.value.partial) == 40
    sim.fault(do="cut", bytes=0)
    with pytest.raises(http.client.IncompleteRead):
        sim.api("GET", "/zones")


def test_slow_body(sim):
    size = len(json.dumps(sim.api("GET", "/user/tokens/verify")[1], separators=(",", ":")))
    sim.fault(do="slow", bytes=size)
    start = time.monotonic()
    status, answer, _ = sim.api("GET", "/user/tokens/verify")
    assert status == 200 and answer["success"]
    assert time.monotonic() - start > 0.5


def test_answers_in_cloudflares_stead(sim):
    sim.fault(do="error", status=403, code=9109, message="no")
    status, answer, headers = sim.api("GET", "/zones")
    assert (status, answer["errors"][0]["code"]) == (403, 9109)
    assert headers["cf-ray"]
    sim.fault(do="limit", ms=7000)
    status, answer, headers = sim.api("GET", "/zones")
    assert (status, answer["errors"][0]["code"], headers["retry-after"]) == (429, 971, "7")
    sim.fault(do="raw", status=502, body="<html>", headers=["X-Test: 1"])
    with pytest.raises(json.JSONDecodeError):
        sim.api("GET", "/zones")
    sim.fault(do="wrong", method="POST", body={"success": True, "result": []})
    assert sim.api("POST", tunnels(sim), {"name": "web"})[1]["result"] == []
    assert names(sim) == ["web"]


def test_one_connection_serves_many_requests(sim):
    host, port = sim.api_url.split("/")[2].split(":")
    link = http.client.HTTPConnection(host, int(port), timeout=10)
    for i in range(50):
        body = json.dumps({"name": f"t{i}", "pad": "x" * 3000 * i})
        link.request("POST", "/client/v4" + tunnels(sim), body,
                     {"Authorization": f"Bearer {sim.token}", "Content-Type": "application/json"})
        answer = link.getresponse()
        assert json.loads(answer.read())["result"]["name"] == f"t{i}"
    link.close()
    assert len(names(sim)) == 50


def test_edits_by_somebody_else(sim):
    answer = sim.control("POST", "edit", [
        {"method": "POST", "path": "/accounts/@account/cfd_tunnel", "body": {"name": "theirs"}},
        {"method": "PUT", "path": "/accounts/@account/cfd_tunnel/@theirs/configurations",
         "body": '{"config": {"ingress":[{"service":"http_status:404"}] , "x":1.0}}'}])
    assert [a["status"] for a in answer] == [200, 200]
    tunnel = sim.api("GET", tunnels(sim))[1]["result"][0]
    assert sim.control("GET", "counters")["requests"] == 1
    sim.api("PATCH", f"{tunnels(sim)}/{tunnel['id']}", {"name": "ours"})
    counters = sim.control("GET", "counters")
    assert (counters["writes"], counters["foreign_writes"]) == (1, 1)
    state = sim.control("GET", "state")
    assert state["tunnels"][0]["name"] == "ours" and state["tunnels"][0]["version"] == 1


def test_log_and_reset(sim):
    sim.api("POST", tunnels(sim) + "?a=b", {"name": "web"})
    row = sim.log()[0]
    assert (row["method"], row["query"], row["body"]) == ("POST", ["a=b"], {"name": "web"})
    assert sim.token not in json.dumps(row) and row["token_id"]
    assert sim.control("GET", "log?since=1")["rows"] == []
    sim.fault(do="error")
    sim.control("POST", "reset")
    assert sim.log() == [] and names(sim) == []
    sim.control("DELETE", "log")
    assert sim.log() == []


def test_control_refuses_nonsense(sim):
    for method, path, body, status in [
            ("POST", "faults", {"do": "nothing"}, 400), ("POST", "edit", {}, 400),
            ("POST", "edit", {"method": "GET", "path": "/zones/@none"}, 404),
            ("POST", "seed", {"zone": []}, 400), ("GET", "nothing", None, 404)]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            sim.control(method, path, body)
        assert caught.value.code == status
        assert "error" in json.loads(caught.value.read())


def test_seed_file_and_ready_file(tmp_path):
    seed, ready = tmp_path / "seed.json", tmp_path / "ready.json"
    seed.write_text(json.dumps({
        "tokens": [{"value": "reads-zones-only-01", "scopes": ["zone:read"]}],
        "edits": [{"method": "POST", "path": "/zones/@shop.example/dns_records",
                   "body": {"type": "A", "name": "www", "content": "192.0.2.1"}}]}))
    with Simulator("--zone", "shop.example", "--state", seed, "--ready-file", ready,
                   "--token", "another-token-000001") as sim:
        assert json.loads(ready.read_text())["token"] == "another-token-000001"
        assert sim.control("GET", "state")["zones"][0]["records"][0]["name"] == "www.shop.example"
        sim.control("POST", "reset")
        assert len(sim.control("GET", "state")["zones"][0]["records"]) == 1
        sim.token = "reads-zones-only-01"
        assert sim.api("GET", tunnels(sim))[0] == 403


@pytest.mark.parametrize("options, status, words", [
    (["--help"], 0, "--visitors"), (["--version"], 0, "adit-sim "),
    (["--nothing"], 64, "--nothing"), (["--api", "0.0.0.0:0"], 64, "loopback"),
    (["--account", "x"], 64, "32 hex"), (["--token", "short"], 64, "--token"),
    (["--ready-fd", "x"], 64, "descriptor"), (["extra"], 64, "extra"),
    (["--state", "/nonexistent/seed.json"], 1, "seed.json")])
def test_options(options, status, words):
    done = subprocess.run([BUILD / "adit-sim", *options], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == status
    assert words in done.stdout + done.stderr
