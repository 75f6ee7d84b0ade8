"""Who may come in, and by which door: the kernel's word on the Unix socket, Host and Origin on
TCP."""
import http.client
import json
import pwd
import re
import subprocess

import pytest

from harness import BUILD, free_port, visit


@pytest.fixture
def doors(host):
    """daemon reads, bin proposes, sys administers; nobody else. A TCP door with metrics."""
    port = free_port()
    host.configure(access={"viewer": {"users": ["daemon"], "groups": ["lp"]},
                           "operator": {"users": ["bin"]}, "admin": {"users": ["sys"]}},
                   mcp={"listen": f"127.0.0.1:{port}", "metrics": True})
    host.port = port
    return host.start()


def call_as(host, user, op, args=None, groups=(), uid=None):
    """(status, answer) of a call by another user; curl is the client, so no code of ours runs."""
    entry = pwd.getpwnam(user) if user else None
    done = subprocess.run(
        ["/usr/bin/curl", "-s", "--max-time", "20", "--unix-socket", host.socket,
         "-H", "Content-Type: application/json", "-d", json.dumps(args or {}),
         "-w", "\n%{http_code}", f"http://localhost/v1/{op}"],
        user=uid if uid is not None else entry.pw_uid,
        group=uid if uid is not None else entry.pw_gid, extra_groups=list(groups), env={},
        capture_output=True, text=True, timeout=30, cwd="/")
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


def denied(answer):
    status, body = answer
    assert status == 403 and body["error"]["kind"] == "denied", answer
    return body["error"]


def test_an_unknown_user_is_refused_with_a_sentence(doors):
    error = denied(call_as(doors, "games", "status_get"))
    assert "games (uid 5)" in error["message"] and "group" in error["hint"]
    error = denied(call_as(doors, None, "status_get", uid=54321))
    assert "uid 54321" in error["message"]


def test_nobody_is_refused_whatever_the_settings_say(host):
    host.configure(access={"admin": {"users": ["nobody"]}})
    host.start()
    assert "does not tell" in denied(call_as(host, "nobody", "status_get"))["message"]


def test_a_viewer_reads_and_proposes_nothing(doors, sim):
    since = sim.mark()
    for op in ("status_get", "tunnel_list", "route_list", "dns_list", "zone_list", "plan_list",
               "connector_list", "event_list", "log_search"):
        assert call_as(doors, "daemon", op)[0] == 200, op
    for op, args in (("tunnel_create", {"name": "x"}), ("route_delete", {"hostname": "a.b"}),
                     ("route_set", {"hostname": "app.example.com", "service": "http://localhost"}),
                     ("connector_restart", {"connector": "a/1"}),
                     ("plan_approve", {"plan": "p1", "hash": "0" * 12}),
                     ("plan_reject", {"plan": "p1"}), ("config_check", {"text": ""})):
        error = denied(call_as(doors, "daemon", op, args))
        assert op in error["message"] and "viewer" in error["message"] and error["hint"]
    assert sim.writes(since) == []


def test_an_operator_proposes_and_does_not_approve(doors, sim, origin):
    status, answer = call_as(doors, "bin", "route_set",
                             {"hostname": "app.example.com", "service": origin.url})
    assert status == 200 and answer["result"]["converged"], answer
    status, answer = call_as(doors, "bin", "route_delete", {"hostname": "app.example.com"})
    plan = answer["result"]
    assert plan["state"] == "needs_approval"
    error = denied(call_as(doors, "bin", "plan_approve",
                           {"plan": plan["plan"], "hash": plan["hash"]}))
    assert "root" in error["message"]
    answer = call_as(doors, "bin", "route_delete",
                     {"hostname": "app.example.com", "approve": True})[1]["result"]
    assert answer["state"] == "needs_approval" and "root" in answer["warnings"][0]
    assert len(sim.records()) == 1
    denied(call_as(doors, "bin", "config_check", {"text": "owner: x"}))
    kept = doors.api("plan_get", plan=plan["plan"])
    assert "bin (uid 2)" in kept["principal"]


def test_an_admin_who_is_not_root_does_not_approve_either(doors, sim, origin):
    doors.publish("app.example.com", origin.url)
    assert call_as(doors, "sys", "config_check", {"text": "owner: x\n"})[0] == 200
    plan = call_as(doors, "sys", "route_delete", {"hostname": "app.example.com"})[1]["result"]
    denied(call_as(doors, "sys", "plan_approve", {"plan": plan["plan"], "hash": plan["hash"]}))
    assert len(sim.records()) == 1


def test_a_supplementary_group_counts(doors):
    lp = pwd.getpwnam("lp").pw_gid
    assert call_as(doors, "games", "status_get", groups=[lp])[0] == 200
    assert call_as(doors, "lp", "status_get")[0] == 200, "and the main one"
    denied(call_as(doors, "games", "tunnel_create", {"name": "x"}, groups=[lp]))
    denied(call_as(doors, "games", "status_get", groups=[pwd.getpwnam("mail").pw_gid]))


def test_headers_say_nothing_about_who_calls(doors):
    done = subprocess.run(
        ["/usr/bin/curl", "-s", "--unix-socket", doors.socket, "-H", "Authorization: Bearer root",
         "-H", "X-Forwarded-User: root", "-H", "X-Remote-User: root",
         "http://localhost/v1/status_get"], user=5, group=60, extra_groups=[], env={},
        capture_output=True, text=True, timeout=30, cwd="/")
    assert '"denied"' in done.stdout


def test_rights_follow_a_reload(doors):
    denied(call_as(doors, "games", "status_get"))
    doors.configure(access={"viewer": {"users": ["games"]}})
    doors.reload()
    assert call_as(doors, "games", "status_get")[0] == 200
    denied(call_as(doors, "daemon", "status_get"))


def test_the_client_says_who_is_refused(doors):
    done = subprocess.run([BUILD / "adit", "--socket", doors.socket, "status"], user=5, group=60,
                          extra_groups=[], env={}, capture_output=True, text=True, timeout=30,
                          cwd="/")
    assert done.returncode == 77 and "games" in done.stderr, (done.returncode, done.stderr)


# ---- TCP ----

def tcp(host, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=20)
    return visit(connection, method, path, body, headers)


def test_operations_are_not_on_tcp(doors):
    for method, path in (("POST", "/v1/status_get"), ("GET", "/v1/status_get"),
                         ("GET", "/v1/watch"), ("POST", "/v1/tunnel_create"), ("GET", "/v1"),
                         ("GET", "/V1/status_get"), ("GET", "//v1/status_get"),
                         ("GET", "/%761/status_get"), ("GET", "/")):
        status, headers, text = tcp(doors, method, path, body=b"{}" if method == "POST" else None)
        assert status == 404 and json.loads(text)["error"]["kind"] == "not_found", (path, text)
    assert "Unix socket" in json.loads(tcp(doors, "GET", "/v1/status_get")[2])["error"]["hint"]


@pytest.mark.parametrize("host_header", [
    "evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "127.0.0.1.evil.example:%d",
    "0.0.0.0:%d", "[::1]:%d", "127.1:%d", "user@127.0.0.1:%d", " ", "LOCALHOST:%d.", "2130706433:%d"])
def test_a_wrong_host_is_refused(doors, host_header):
    value = host_header % doors.port if "%d" in host_header else host_header
    status, _, text = tcp(doors, "GET", "/healthz", {"Host": value})
    assert status in (400, 403), (value, status, text)


@pytest.mark.parametrize("origin_header", [
    "http://evil.example", "null", "https://127.0.0.1:%d", "http://127.0.0.1", "file://",
    "http://localhost", "http://127.0.0.1:%d.evil.example", "http://127.0.0.1:%d/"])
def test_a_wrong_origin_is_refused(doors, origin_header):
    value = origin_header % doors.port if "%d" in origin_header else origin_header
    status, headers, text = tcp(doors, "GET", "/healthz", {"Origin": value})
    assert status == 403 and json.loads(text)["error"]["kind"] == "denied"
    assert "Access-Control-Allow-Origin" not in headers


def test_our_own_host_and_origin_are_let_in(doors):
    for name in (f"127.0.0.1:{doors.port}", f"localhost:{doors.port}", f"LocalHost:{doors.port}"):
        for headers in ({"Host": name}, {"Host": name, "Origin": f"http://{name}"}):
            assert tcp(doors, "GET", "/healthz", headers)[0] == 200, headers
    status, headers, text = tcp(doors, "GET", "/healthz")
    assert json.loads(text) == {"status": "alive"} and headers["Content-Type"] == "application/json"


def test_the_tcp_door_is_closed_unless_asked_for(running):
    found = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, timeout=20).stdout
    mine = [line for line in found.splitlines() if f"pid={running.process.pid}," in line]
    assert mine == []


def test_metrics_on_tcp_only_where_asked_for(doors):
    assert tcp(doors, "GET", "/metrics")[0] == 200
    doors.configure(mcp={"metrics": False})
    doors.reload()
    assert tcp(doors, "GET", "/metrics")[0] == 404
    assert doors.visit("GET", "/metrics")[0] == 200


# ---- reading by GET ----

def test_get_reads_with_arguments_from_the_query(running):
    running.api("tunnel_create", name="web", replicas=0)
    status, headers, text = running.visit("GET", "/v1/tunnel_list?limit=1&fields=name")
    assert status == 200 and json.loads(text)["result"]["items"] == [{"name": "web"}]
    assert headers["Cache-Control"] == "no-store"
    status, _, text = running.visit("GET", "/v1/tunnel_get?tunnel=web")
    assert json.loads(text)["result"]["name"] == "web"
    assert running.visit("GET", "/v1/tunnel_get")[0] == 400
    status, headers, text = running.visit("HEAD", "/v1/tunnel_list")
    assert status == 200 and text == b"" and int(headers["Content-Length"]) > 2


@pytest.mark.parametrize("op", ["tunnel_create", "tunnel_delete", "route_set", "route_delete",
                                "plan_approve", "plan_reject", "connector_restart"])
def test_get_changes_nothing(running, op):
    status, headers, text = running.visit("GET", f"/v1/{op}?name=x&hostname=x&tunnel=x")
    error = json.loads(text)["error"]
    assert headers["Allow"] == "POST"
    assert status == 405 and "POST" in error["message"] and "GET" in error["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405(running, method):
    status, headers, text = running.visit(method, "/v1/tunnel_list")
    assert status == 405 and method in json.loads(text)["error"]["message"]
    assert headers["Allow"] == "GET, HEAD, POST"


LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-z_]+="[^"\\]*",?)*\})? (-?[0-9.e+]+)$')


def test_metrics_are_prometheus_text(site):
    status, headers, text = site.visit("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    types, values = {}, {}
    for line in text.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types and kind in ("counter", "gauge")
            types[name] = kind
        elif line.startswith("# HELP "):
            assert len(line.split(" ", 3)[3]) > 5
        else:
            found = LINE.match(line)
            assert found, line
            assert found[1] in types, line
            assert (types[found[1]] == "counter") == found[1].endswith("_total")
            assert line.rpartition(" ")[0] not in values
            values[line.rpartition(" ")[0]] = float(found[4])
    assert text.endswith(b"\n")
    assert values["aditd_tunnels"] == values["aditd_routes"] == 1
    assert values["aditd_connectors_serving"] == 1 and values["aditd_cloudflare_access"] == 1
    assert values['aditd_connectors{state="ready"}'] == 1
    assert 0 < values["aditd_cloudflare_ratelimit_remaining"] <= 1200
    assert values["aditd_api_requests_total"] > 3


def test_a_connector_cannot_call_us(site, sim):
    """What comes out of a tunnel must not reach our own door, even where a route named it."""
    for service in (f"unix:{site.socket}",):
        e = site.refused("route_set", hostname="x.example.com", service=service)
        assert e.kind in ("denied", "invalid")
    assert sim.fetch(host="x.example.com")[0] == 404


def test_our_own_doors_are_no_origin(doors):
    for service in (f"http://127.0.0.1:{doors.port}", f"http://localhost:{doors.port}",
                    f"http://[::1]:{doors.port}", f"http://127.1:{doors.port}",
                    f"http://2130706433:{doors.port}", f"tcp://127.0.0.1:{doors.port}"):
        e = doors.refused("route_set", hostname="x.example.com", service=service)
        assert e.kind == "denied", (service, e)
