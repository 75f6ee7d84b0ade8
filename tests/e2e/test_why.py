"""`adit why HOST`: each rung is broken once, the first broken one is named, and the command that is
named with it mends it. Origins are probed by connecting, never where no route may lead."""
import json
import os
import shlex
import signal
import socket
import threading
import time

import pytest

from harness import Host, Origin, free_port, until

ZONE = "/zones/@example.com/dns_records"
RUNGS = ["record", "proxied", "edge", "tunnel", "connector", "configuration", "rule", "origin"]


def why(host, name="app.example.com", **more):
    answer = host.api("health_get", host=name, **more)
    assert [r["rung"] for r in answer["rungs"]] == RUNGS
    return answer


def states(answer):
    return {r["rung"]: r["state"] for r in answer["rungs"]}


def broken(host, rung, name="app.example.com"):
    """The answer, once that rung is the first broken one; above it nothing is called healthy."""
    answer = until(lambda: (lambda a: a.get("broken") == rung and a)(why(host, name)),
                   why=lambda: f"{rung} is not named: {json.dumps(why(host, name), indent=1)}")
    assert answer["state"] == "down" and answer["evidence"]
    above = RUNGS[RUNGS.index(rung) + 1:]
    assert not [r for r in answer["rungs"] if r["rung"] in above and r["state"] == "ok"], answer
    code, text, _ = host.adit("why", name)
    assert code == 2 and f"! {rung}" in text and "->" in text, text
    return answer


def mend(host, answer):
    """Its command, as a person types it; a plan that it stores is approved."""
    words = shlex.split(answer["command"])
    assert words[0] == "adit", words
    code, text, errors = host.adit(*words[1:], "--json")
    result = json.loads(text)["result"] if code in (0, 1, 75, 77) else None
    assert result is not None, (words, code, text, errors)
    if result.get("state") in ("needs_approval", "planned"):
        op = "plan_approve" if result["state"] == "needs_approval" else "plan_apply"
        host.api(op, plan=result["plan"], **({"hash": result["hash"]} if "approve" in op else {}))


def healthy(host, name="app.example.com"):
    answer = until(lambda: (lambda a: a["state"] == "ok" and a)(why(host, name)), 40,
                   why=lambda: json.dumps(why(host, name), indent=1))
    assert "broken" not in answer and "command" not in answer
    return answer


def record_of(sim, name="app.example.com"):
    return next(r for r in sim.records(name) if r["type"] == "CNAME")


def test_a_healthy_name(site, sim, origin):
    answer = healthy(site)
    assert states(answer) == {**{r: "ok" for r in RUNGS}, "edge": "not_checked"}
    assert answer["service"] == origin.url and answer["tunnel"] == "edge1"
    assert answer["rate"] and "unasked" not in answer
    code, text, _ = site.adit("why", "app.example.com")
    assert code == 0 and "app.example.com: ok" in text and "+ origin" in text
    code, text, _ = site.adit("why", "https://app.example.com/some/path?x", "--json")
    assert json.loads(text)["result"]["path"] == "/some/path"
    since = sim.mark()
    why(site)
    assert sorted(r["path"].rsplit("/", 1)[1] for r in sim.log(since)) == [
        "configurations", "connections", "dns_records"]


def test_rung_record_gone(site, sim):
    sim.edit("DELETE", f"{ZONE}/{record_of(sim)['id']}")
    mend(site, broken(site, "record"))
    healthy(site)
    assert sim.fetch()[0] == 200


def test_rung_record_leads_elsewhere(site, sim):
    sim.edit("PATCH", f"{ZONE}/{record_of(sim)['id']}", {"content": "elsewhere.example.net"})
    answer = broken(site, "record")
    assert answer["rungs"][0]["untrusted_detail"] == "CNAME elsewhere.example.net"
    mend(site, answer)
    healthy(site)


def test_rung_record_foreign(running, sim, origin):
    running.publish("app.example.com", origin.url)
    running.wait_converged()
    sim.edit("DELETE", f"{ZONE}/{record_of(sim)['id']}")
    sim.edit("POST", ZONE, {"type": "A", "name": "app.example.com", "content": "192.0.2.7"})
    answer = broken(running, "record")
    assert answer["rungs"][0]["untrusted_detail"] == "A 192.0.2.7"
    assert "--overwrite" in answer["command"]


def test_rung_proxied(site, sim):
    sim.edit("PATCH", f"{ZONE}/{record_of(sim)['id']}", {"proxied": False})
    mend(site, broken(site, "proxied"))
    healthy(site)


def test_rung_tunnel_no_connector_wanted(site):
    site.api("tunnel_update", tunnel="edge1", replicas=0, approve=True)
    until(lambda: not site.connector_pids())
    mend(site, broken(site, "tunnel"))
    healthy(site)


def test_rung_tunnel_gone(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{tunnel}/connections")
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{tunnel}")
    mend(site, broken(site, "tunnel"))
    site.wait_converged(40)
    healthy(site)


def test_rung_connector(site, sim):
    """It cannot start: the tunnel's missing connections are explained by it."""
    site.mode(FAILS := "exit_code 1\nexit_after_ms 10\n")
    for pid in site.connector_pids():
        os.kill(pid, signal.SIGKILL)
    # In the moments when it just starts the log is what there is to look at.
    answer = until(lambda: (lambda a: a["command"].startswith("adit connector ") and a)(
        broken(site, "connector")), why="it always starts")
    assert FAILS and states(answer)["tunnel"] in ("unknown", "ok")
    site.mode("step_ms 10\nbackoff_percent 5\nstop_ms 50\n")
    mend(site, answer)
    healthy(site)


def test_rung_configuration_stale(site, sim):
    """It is connected and does not take what is pushed; a new process does."""
    site.mode("step_ms 10\nstop_ms 50\nstale 1\n")
    tunnel = sim.tunnels()[0]["id"]
    config = sim.config(tunnel)
    config["ingress"].insert(0, {"hostname": "x.example.com", "service": "http://127.0.0.1:9"})
    until(lambda: "stale" in (site.folder / "cloudflared.mode").read_text())
    pids = site.connector_pids()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: site.connector_pids() and site.connector_pids() != pids)
    time.sleep(0.5)
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})
    answer = broken(site, "configuration")
    assert answer["command"] == "adit connector restart edge1/1"
    site.mode("step_ms 10\nbackoff_percent 5\nstop_ms 50\n")
    mend(site, answer)
    healthy(site)


def test_rung_rule(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations",
             {"config": {"ingress": [{"service": "http_status:404"}]}})
    answer = broken(site, "rule")
    assert "removed" in answer["evidence"]
    mend(site, answer)
    healthy(site)


def test_rung_origin_refused(site, origin):
    port = free_port()
    site.publish("down.example.com", f"http://localhost:{port}")
    answer = broken(site, "origin", "down.example.com")
    assert f"localhost:{port}" in answer["evidence"]
    assert "::1" in answer["cure"] and f"http://127.0.0.1:{port}" in answer["cure"]
    # It is told on the route and in the status as well, and nothing is restarted for it.
    before = site.items("connector_list")[0]
    problem = site.wait_problem(object="route", name="down.example.com")
    assert "down" in problem["message"] and problem["since"]
    route, = site.items("route_list", hostname="down.example.com")
    assert route["origin_state"] == "refused" and route["problem"]
    assert site.adit("status")[0] == 1
    # Led elsewhere it is up at once.
    site.api("route_set", hostname="down.example.com", service=origin.url, approve=True)
    healthy(site, "down.example.com")
    route, = site.items("route_list", hostname="down.example.com")
    assert route["origin_state"] == "up" and "problem" not in route
    until(lambda: site.adit("status")[0] == 0)
    after = site.items("connector_list")[0]
    assert (before["pid"], before["restarts"]) == (after["pid"], after["restarts"])


def test_rung_origin_comes_and_goes(site, origin):
    healthy(site)
    origin.close()
    answer = broken(site, "origin")
    assert answer["rungs"][-1]["state"] == "broken"
    back = Origin()
    site.api("route_set", hostname="app.example.com", service=back.url, approve=True)
    healthy(site)
    back.close()


def test_an_origin_that_comes_and_goes_is_an_event(site, origin):
    port = free_port()
    site.publish("other.example.com", f"http://127.0.0.1:{port}")
    told = until(lambda: [e for e in site.items("event_list", kind="origin_down")
                          if e["name"] == "other.example.com"])
    assert len(told) == 1 and f":{port}" in told[0]["message"] and told[0]["object"] == "route"
    listener = socket.create_server(("127.0.0.1", port))
    try:
        until(lambda: site.items("event_list", kind="origin_up"), 30)
    finally:
        listener.close()
    assert len(site.items("event_list", kind="origin_up")) == 1


@pytest.fixture
def silent():
    """A port that takes no connection and refuses none: its backlog is full."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    held = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(server.getsockname())
        held.append(s)
    time.sleep(0.2)
    yield server.getsockname()[1]
    for s in [*held, server]:
        s.close()


def test_rung_origin_timeout(site, silent):
    site.publish("slow.example.com", f"http://127.0.0.1:{silent}")
    answer = broken(site, "origin", "slow.example.com")
    assert "in time" in answer["evidence"]
    route, = site.items("route_list", hostname="slow.example.com")
    assert route["origin_state"] == "timeout"


class Listener:
    """Counts who connects, and what they send."""

    def __init__(self):
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(50)
        self.port = self.server.getsockname()[1]
        self.seen, self.bytes = 0, b""
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.server.accept()
            except OSError:
                return
            self.seen += 1
            s.settimeout(2)
            try:
                self.bytes += s.recv(100)
            except OSError:
                pass
            s.close()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def test_a_place_is_asked_once_for_all_its_routes_and_no_byte_is_sent(site):
    listener = Listener()
    try:
        for i in range(4):
            site.publish(f"n{i}.example.com", f"tcp://127.0.0.1:{listener.port}")
        until(lambda: all(r.get("origin_state") == "up" for r in site.items("route_list")))
        seen = listener.seen
        assert 1 <= seen <= 5 and listener.bytes == b""
        # Changes of other things ask nothing again; steady is every 30 s.
        site.publish("other.example.com", "http_status:404")
        time.sleep(2)
        assert listener.seen == seen
        why(site, "n0.example.com")
        until(lambda: listener.seen == seen + 1)
    finally:
        listener.close()


def test_an_origin_that_is_asked_by_http(site, origin):
    port = free_port()
    done = site.adit("publish", "app.example.com", origin.url, "--probe", "http")
    assert done[0] == 0 and "probe tcp to http" in done[1], done
    healthy(site)
    route, = site.items("route_list", hostname="app.example.com")
    assert (route["probe"], route["origin_state"], route["origin_status"]) == ("http", "up", 200)
    assert "HTTP status 200" in why(site)["rungs"][-1]["evidence"]
    # Asked for again without a word of it, it stays; nothing of it is Cloudflare's.
    assert site.publish("app.example.com", origin.url)["state"] == "unchanged"
    assert site.publish("app.example.com", origin.url, probe="none")["state"] == "applied"
    answer = why(site)
    assert states(answer)["origin"] == "not_checked" and answer["state"] == "ok"
    error = site.refused("route_set", hostname="ssh.example.com", service="ssh://127.0.0.1:22",
                         probe="http")
    assert "probe" in error.message and "HTTP" in error.message
    site.publish("down.example.com", f"http://127.0.0.1:{port}", probe="http")
    assert "no HTTP answer" in broken(site, "origin", "down.example.com")["evidence"]


def test_what_is_not_asked_about(site):
    site.publish("status.example.com", "http_status:200")
    answer = why(site, "status.example.com")
    assert states(answer)["origin"] == "not_checked" and answer["state"] == "ok"
    route, = site.items("route_list", hostname="status.example.com")
    assert "origin_state" not in route


def test_a_place_that_became_forbidden_is_not_asked(sim, request, origin):
    """The policy holds for probes too, also for what was published before the settings said so."""
    listener = Listener()
    host = Host(sim)
    try:
        host.start()
        host.publish("app.example.com", f"http://127.0.0.1:{listener.port}")
        until(lambda: listener.seen >= 1)
        port = listener.port
        host.stop()
        listener.close()
        host.configure(mcp={"listen": f"127.0.0.1:{port}"})
        host.start()
        answer = why(host)
        assert states(answer)["origin"] == "not_checked"
        assert "origin_state" not in host.items("route_list")[0]
        host.check_end()
    finally:
        host.close()


def test_without_cloudflare_nothing_is_called_broken(site, sim):
    sim.fault("error", status=500, code=1, count=1000)
    answer = why(site, timeout="3s")
    sim.faults_clear()
    assert answer["unasked"] and answer["state"] == "degraded"
    assert states(answer)["tunnel"] == "unknown" and states(answer)["record"] == "ok"
    until(lambda: site.adit("why", "app.example.com")[0] == 0)


def test_wildcards_and_paths(site, origin):
    site.publish("*.wild.example.com", origin.url)
    site.publish("app.example.com", "http://127.0.0.1:1", path="^/dead")
    site.wait_converged()
    assert healthy(site, "a.wild.example.com")["service"] == origin.url
    assert why(site, "https://app.example.com/dead")["broken"] == "origin"
    healthy(site, "https://app.example.com/alive")


def test_a_record_of_its_own_stands_before_a_wildcard(site, sim, origin):
    site.publish("*.wild.example.com", origin.url)
    site.wait_converged()
    healthy(site, "a.wild.example.com")
    sim.edit("POST", ZONE, {"type": "A", "name": "a.wild.example.com", "content": "192.0.2.7"})
    answer = broken(site, "record", "a.wild.example.com")
    assert answer["rungs"][0]["untrusted_detail"] == "A 192.0.2.7" and "before" in answer["evidence"]
    assert "--overwrite" in answer["command"]
    healthy(site, "b.wild.example.com")
    code, text = site.adit(*answer["command"].split()[1:], "--yes")[:2]
    assert code == 0, text
    healthy(site, "a.wild.example.com")
    # What leads nowhere hides it as well.
    sim.edit("POST", ZONE, {"type": "TXT", "name": "b.wild.example.com", "content": '"x"'})
    assert "nowhere" in broken(site, "record", "b.wild.example.com")["evidence"]
    # A record of our own that was wanted so.
    assert site.api("dns_set", name="c.wild.example.com", type="A", content="192.0.2.8",
                    approve=True)["converged"]
    answer = broken(site, "record", "c.wild.example.com")
    assert "dns delete" in answer["command"] and "adit's" in answer["evidence"]


def test_refused(running):
    e = running.refused("health_get", host="nobody.example.com")
    assert e.kind == "not_found" and "adit publish nobody.example.com" in e.hint
    assert running.refused("health_get", host="*.example.com").kind == "invalid"
    assert running.adit("why", "nobody.example.com")[0] == 1
