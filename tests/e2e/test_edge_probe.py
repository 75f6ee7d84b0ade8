"""The probe through the public edge: a request with a nonce of its own goes by the simulated edge, the
tunnel and a connector to aditd's own listener, and its answer back."""
import http.client
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import FAST_STUB, until
from traffic import Crowd, SlowOrigin

PREFIX = "/.well-known/adit-probe/"
CALM = {"grace_period": "10s", "health": {"interval": "500ms", "timeout": "500ms", "failures": 20,
                                          "unready": "60s"}}


@pytest.fixture
def probed(host, sim, origin):
    host.configure(cloudflare={"edge_url": sim.visitors.rstrip("/")}, connectors=CALM)
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    return host


def begin(host, *more):
    code, out, err = host.adit("route", "probe", "app.example.com", *more)
    assert code == 0, out + err
    return out


def why(host):
    return host.api("health_get", host="app.example.com")


def rung(answer, name="edge"):
    return next(r for r in answer["rungs"] if r["rung"] == name)


def edge(host, state, words="", seconds=30):
    """The edge rung comes to be so."""
    return until(lambda: (r := rung(why(host)))["state"] == state and words in r["evidence"] and r,
                 seconds, 0.2, lambda: rung(why(host)))


def probe_route(host):
    rows = [r for r in host.items("route_list") if r["service"].startswith("unix:")]
    assert len(rows) <= 1
    return rows[0] if rows else None


def rules(sim):
    return sim.config(sim.tunnels()[0]["id"])["ingress"]


def listener(host):
    return host.state_dir / "edge-probe.sock"


def ask(path, nonce_host="app.example.com", method="HEAD"):
    """(status, headers, body) of a direct request to a Unix socket."""
    class Unix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(5)
            self.sock.connect(str(path[0]))
    c = Unix("x")
    c.request(method, path[1], headers={"Host": nonce_host})
    r = c.getresponse()
    return r.status, r.headers, r.read()


def test_the_whole_way(probed, sim):
    assert "adit route probe app.example.com" in rung(why(probed))["evidence"]
    assert not listener(probed).exists()
    out = begin(probed)
    assert "a probe through the public edge, until 2" in out
    assert rules(sim)[0]["path"] == r"^/\.well-known/adit-probe/[0-9a-f]{32}$"
    r = edge(probed, "ok")
    assert "connector edge1/1" in r["evidence"] and "ms" in r["evidence"]
    assert why(probed)["state"] == "ok"
    row = probe_route(probed)
    assert row["edge_state"] == "passed" and row["until"] and "url" not in row
    assert probed.status()["problems"] == []
    assert listener(probed).stat().st_mode & 0o777 == 0o600
    # The page of the name is what it was.
    assert sim.fetch()[1] == "origin /"


def test_it_ends_by_itself(probed, sim):
    before = sim.config_text(sim.tunnels()[0]["id"])
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{sim.tunnels()[0]['id']}/configurations",
             {"config": {"ingress": [{"hostname": "other.example.org", "service": "http://x:1",
                                      "foreign": [1.0, "é"]}, *rules(sim)]}})
    probed.api("drift_list", refresh=True)
    foreign = rules(sim)[0]
    begin(probed, "--for", "12s")
    edge(probed, "ok")
    assert len(rules(sim)) == 4 and foreign in rules(sim)
    until(lambda: probe_route(probed) is None, 60, 0.5)
    probed.wait_converged()
    until(lambda: len(rules(sim)) == 3)
    assert rules(sim)[0] == foreign and before.count("unix:") == 0
    assert not any("adit-probe" in str(rule) for rule in rules(sim))
    until(lambda: not listener(probed).exists())
    plan = probed.items("plan_list")[0]
    assert (plan["operation"], plan["principal"], plan["state"]) == ("probe_end", "adit", "applied")
    assert rung(why(probed))["state"] == "not_checked"
    assert probed.items("revision_list")[0]["operation"] == "probe_end"


def test_it_is_ended_and_prolonged(probed, sim):
    begin(probed, "--for", "1m")
    first = probe_route(probed)["until"]
    mark = sim.mark()
    begin(probed, "--for", "1h")
    assert probe_route(probed)["until"] > first
    begin(probed, "--always")
    assert "until" not in probe_route(probed)
    answer = probed.api("route_probe", hostname="app.example.com", always=True)
    assert answer["state"] == "unchanged"
    assert not [w for w in sim.writes(mark) if w.startswith("PUT")], "nothing of it is Cloudflare's"
    begin(probed, "--end")
    assert probe_route(probed) is None and len(rules(sim)) == 2
    answer = probed.api("route_probe", hostname="app.example.com", end=True)
    assert answer["state"] == "unchanged"


def test_it_goes_with_its_name(probed, sim, origin):
    begin(probed)
    answer = probed.api("route_delete", hostname="app.example.com", approve=True)
    assert answer["state"] == "applied" and len(answer["changes"]) == 3
    probed.wait_converged()
    assert probe_route(probed) is None and not sim.records("app.example.com")
    assert len(rules(sim)) == 1


def test_a_foreign_rule_does_not_give_way_unasked(probed, sim):
    """One that would have to stand behind the probe's is named, and a person decides."""
    tunnel = sim.tunnels()[0]["id"]
    theirs = {"hostname": "app.example.com", "path": "^/.well-known/", "service": "http://x:1"}
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations",
             {"config": {"ingress": [theirs, *rules(sim)]}})
    probed.api("drift_list", refresh=True)
    code, out, err = probed.adit("route", "probe", "app.example.com")
    assert code == 77 and "http://x:1" in out + err, out + err
    assert rules(sim)[0] == theirs and len(rules(sim)) == 3 and probe_route(probed) is None
    plan = probed.items("plan_list")[0]
    probed.api("plan_approve", plan=plan["plan"], hash=probed.api(
        "plan_get", plan=plan["plan"])["hash"])
    until(lambda: len(rules(sim)) == 4)
    assert "adit-probe" in rules(sim)[0]["path"] and rules(sim)[1] == theirs
    edge(probed, "ok")
    begin(probed, "--end")
    assert rules(sim)[0] == theirs and len(rules(sim)) == 3


def test_what_it_is_refused_for(probed, sim, origin):
    probed.publish("*.example.com", origin.url)
    probed.publish("lone.example.com", origin.url)
    for name, words in [("nobody.example.com", "not published"), ("*.example.com", "wildcard")]:
        assert words in probed.refused("route_probe", hostname=name).message
    probed.api("route_delete", hostname="lone.example.com", keep_dns=True, approve=True)
    assert "not published" in probed.refused("route_probe", hostname="lone.example.com").message
    # No other route leads there, whoever wants it.
    begin(probed)
    sock = f"unix:{listener(probed)}"
    probed.configure(safety={"allow_services": [sock]})
    probed.reload()
    for path in (None, "^/x", r"^/\.well-known/adit-probe/"):
        error = probed.refused("route_set", hostname="evil.example.com", service=sock,
                               **({"path": path} if path else {}))
        assert error.error["kind"] == "denied", error
    error = probed.refused("route_set", hostname="evil.example.com", service=sock,
                           path=r"^/\.well-known/adit-probe/[0-9a-f]{32}$")
    assert "not published" in error.message
    assert "probed" in probed.refused("tunnel_release", tunnel="edge1", routes=["*"]).message


def test_the_listener_says_nothing(probed, sim):
    """Whoever is no connector, and whatever is asked for, gets 404 and not a byte more."""
    begin(probed)
    edge(probed, "ok")
    sock = listener(probed)
    for target in (PREFIX + "0" * 32, PREFIX, "/", "/v1/status_get", PREFIX + "0" * 31 + "/",
                   "/../v1/status_get", PREFIX + "0" * 32 + "?x"):
        for method in ("HEAD", "GET", "POST"):
            status, headers, body = ask((sock, target), method=method)
            assert (status, body) == (404, b""), (target, method)
            assert not [h for h in headers if h.lower().startswith("adit")]
    # Through the edge it is the same: a nonce that nobody asked for.
    assert sim.fetch(PREFIX + "a" * 32) == (404, "")
    # Another path of the name is the origin's.
    assert sim.fetch(PREFIX + "a" * 31)[1] == f"origin {PREFIX}{'a' * 31}"


class Tap:
    """Stands before the edge and keeps what passes; it can send it twice."""

    def __init__(self, sim):
        seen = self.seen = []
        tap = self
        tap.steal = False

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_HEAD(self):
                seen.append((self.path, self.headers["Host"]))
                if tap.steal:  # somebody on the way is first
                    tap.stolen = sim.fetch_head(self.path)
                status, headers = sim.fetch_head(self.path)
                seen[-1] += (status, headers.get("adit-probe"))
                self.send_response(status)
                for k, v in headers.items():
                    if k.lower() == "adit-probe":
                        self.send_header(k, v)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def tapped(host, sim, origin):
    tap = Tap(sim)
    host.configure(cloudflare={"edge_url": tap.url}, connectors=CALM)
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    begin(host)
    edge(host, "ok")
    yield host, tap
    tap.close()


def test_a_nonce_is_good_once(tapped, sim):
    host, tap = tapped
    path, name, status, answer = tap.seen[-1]
    assert name == "app.example.com" and status == 200 and re.fullmatch("[0-9a-f]{32}", answer)
    assert len({s[0] for s in tap.seen}) == len(tap.seen), "each has its own"
    # Sent again, through the edge or to the listener, it is nobody's.
    assert sim.fetch_head(path)[0] == 404
    assert ask((listener(host), path))[0] == 404
    # Whoever takes it on the way is seen: the answer does not come back to who asked.
    tap.steal = True
    r = edge(host, "broken", "did not come back")
    assert tap.stolen[0] == 200 and tap.seen[-1][2] == 404 and r["cure"]
    # A nonce stands in no log.
    for seen in tap.seen:
        assert seen[0].rpartition("/")[2] not in host.log()


def test_the_edge_is_down(tapped, sim):
    host, tap = tapped
    tap.close()
    r = edge(host, "broken", "cannot be reached from this host")
    answer = why(host)
    assert answer["broken"] == "edge" and answer["state"] == "down" and r["cure"]
    problem = host.wait_problem(object="route", name="app.example.com")
    assert "cannot be reached" in problem["message"]
    assert host.items("connector_list")[0]["restarts"] == 0


def test_the_edge_is_frozen(probed, sim):
    """Nothing is closed, nothing answers: cloudflared says that it is connected. What is known of
    that is told all the time, also while the next request waits for its answer."""
    begin(probed)
    edge(probed, "ok")
    sim.edge(freeze=True)
    assert why(probed)["state"] == "degraded", "no answer yet is no good news"
    edge(probed, "broken", "No answer came", 40)
    for _ in range(3):
        answer = why(probed)
        assert answer["broken"] == "edge" and answer["state"] == "down"
    assert probed.items("connector_list")[0]["restarts"] == 0
    sim.edge(reset=True)
    edge(probed, "ok")


def test_no_connection_of_the_tunnel_is_the_connectors_fault(probed, sim):
    begin(probed)
    edge(probed, "ok")
    probed.api("connector_stop", connector="edge1/1", approve=True)
    answer = until(lambda: (a := why(probed))["broken"] == "connector" and
                   rung(a)["state"] == "unknown" and a, 30, 0.2, lambda: why(probed))
    assert "explains" in rung(answer)["evidence"]
    probed.api("connector_start", connector="edge1/1")
    edge(probed, "ok")


def test_a_connector_that_lies_about_its_configuration(probed, sim, origin):
    """It says that it runs the newest one, and serves an older: only a request shows it."""
    sim.edge(mode={"key": "stale", "value": 1})
    sim.edge(mode={"key": "report_version", "value": 99})
    begin(probed, "--for", "5m")
    r = edge(probed, "broken", "did not arrive here")
    assert "HTTP status 200" in r["evidence"] and "adit route test" in r["cure"]
    assert why(probed)["broken"] == "edge"
    sim.edge(mode={"key": "report_version", "value": 0})


def test_a_stale_configuration_is_named(probed, sim):
    begin(probed)
    edge(probed, "ok")
    sim.edge(mode={"key": "stale", "value": 1})
    # A configuration that it does not take in.
    probed.api("route_probe", hostname="app.example.com", end=True, wait=False)
    time.sleep(1)
    probed.api("route_probe", hostname="app.example.com", wait=False)
    answer = until(lambda: (a := why(probed))["broken"] == "configuration" and a, 30, 0.2,
                   lambda: why(probed))
    assert answer["command"] == "adit connector restart edge1/1"


def test_what_stands_before_the_name(host, sim, origin):
    """An Access policy or a redirect answers: nothing is proved, and nothing is wrong."""
    class Gate(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.send_response(302)
            self.send_header("Location", "https://team.example.org/login")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host.configure(cloudflare={"edge_url": f"http://127.0.0.1:{server.server_address[1]}"})
    host.start()
    host.publish("app.example.com", origin.url)
    begin(host)
    r = edge(host, "not_checked", "302")
    assert "nothing is proved" in r["evidence"] and why(host)["state"] == "ok"
    assert host.status()["problems"] == []
    server.shutdown()
    server.server_close()


def test_a_name_that_is_not_ours_any_more_is_not_asked_for(tapped, sim):
    host, tap = tapped
    zone = next(z for z in sim.state()["zones"] if z["name"] == "example.com")
    record, = sim.records("app.example.com")
    sim.edit("PATCH", f"/zones/{zone['id']}/dns_records/{record['id']}", {"comment": ""})
    host.api("drift_list", refresh=True)
    edge(host, "not_checked", "No request was sent")
    before = len(tap.seen)
    why(host)
    time.sleep(1)
    assert len(tap.seen) == before


def test_aditd_is_killed_and_started_again(probed, sim):
    begin(probed)
    edge(probed, "ok")
    pid = probed.connector_pids()
    probed.kill9()
    probed.start()
    edge(probed, "ok")
    assert probed.connector_pids() == pid
    # Over its time while aditd is away, it goes at the next start.
    begin(probed, "--for", "5s")
    probed.stop()
    time.sleep(6)
    probed.start()
    until(lambda: probe_route(probed) is None, 30)
    until(lambda: len(rules(sim)) == 2)


def replaced(host, before, seconds=60):
    return until(lambda: (c := host.items("connector_list")[0])["pid"] != before and
                 c["state"] == "ready" and c, seconds, 0.2)


def test_a_replacement_has_to_pass(probed, sim):
    begin(probed)
    edge(probed, "ok")
    before = probed.connector_pids()[0]
    probed.api("connector_restart", connector="edge1/1", timeout="60s")
    replaced(probed, before)
    until(lambda: len(probed.connector_pids()) == 1, 30)
    assert "proved" not in str(probed.status()["problems"])
    edge(probed, "ok")


def test_no_request_is_lost_while_replacements_are_proved(host, sim):
    slow = SlowOrigin()
    host.configure(cloudflare={"edge_url": sim.visitors.rstrip("/")}, connectors=CALM)
    host.start()
    host.api("tunnel_create", name="edge1", replicas=2)
    host.publish("app.example.com", slow.url)
    host.wait_converged()
    begin(host, "--always")
    edge(host, "ok")
    before = set(host.connector_pids())
    with Crowd(sim, 60) as crowd:
        crowd.changing()
        for name in ("edge1/1", "edge1/2"):
            answer = host.api("connector_restart", connector=name, timeout="60s")
            assert answer["converged"], answer
        until(lambda: len(p := host.connector_pids()) == 2 and not set(p) & before, 60, 0.2)
    assert all(c["restarts"] == 0 for c in host.items("connector_list"))
    edge(host, "ok")
    slow.close()


def test_a_replacement_that_does_not_serve_is_taken_away(probed, sim):
    """It has all its connections and says that it runs the newest configuration, and serves none."""
    begin(probed, "--always")
    edge(probed, "ok")
    before = probed.connector_pids()[0]
    probed.mode(FAST_STUB + "stale 1\nreport_version 99\n")
    probed.api("connector_restart", connector="edge1/1", wait=False)
    problem = probed.wait_problem(object="connector", name="edge1/1")
    assert "through the public edge fail" in problem["message"], problem
    until(lambda: probed.connector_pids() == [before], 30)
    edge(probed, "ok")
    # Mended, the same restart goes through.
    probed.mode(FAST_STUB)
    probed.api("connector_restart", connector="edge1/1", timeout="60s")
    replaced(probed, before)
