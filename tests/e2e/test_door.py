"""The way in to MCP: Host, Origin, bearer, method, type and size, in that order; limits; what a
refused caller is told."""
import http.client
import json
import socket
import subprocess
import time

import pytest

from doorway import (BEARER, FORGED, OWN, PING, PONG, TYPE, ask, descriptors, filled, open_door,
                     open_stream, raw, read_answer)
from harness import BUILD, PATIENCE, free_port, until


@pytest.fixture
def door(host):
    return open_door(host)


# ---- the order of what is judged ----

# Header lines, and the status that they get; {port} and {token} are put in.
CASES = [
    # our own names
    ([OWN, BEARER], 200),
    (["Host: localhost:{port}", BEARER], 200),
    (["Host: LocalHost:{port}", BEARER], 200),
    ([OWN, BEARER, "Origin: http://127.0.0.1:{port}"], 200),
    ([OWN, BEARER, "Origin: http://localhost:{port}"], 200),
    (["Host: localhost:{port}", BEARER, "Origin: http://localhost:{port}"], 200),
    (["Host: localhost:{port}", BEARER, "Origin: http://127.0.0.1:{port}"], 200),
    (["host: 127.0.0.1:{port}", "AUTHORIZATION: bearer {token}"], 200),
    ([OWN, "Authorization: BEARER   {token}"], 200),
    # other hosts, whoever asks
    (["Host: evil.example", BEARER], 403),
    (["Host: evil.example:{port}", BEARER], 403),
    (["Host: 127.0.0.1", BEARER], 403),
    (["Host: 127.0.0.1:1", BEARER], 403),
    (["Host: localhost", BEARER], 403),
    (["Host: 127.0.0.1:{port}.evil.example", BEARER], 403),
    (["Host: 127.0.0.1.evil.example:{port}", BEARER], 403),
    (["Host: localhost.evil.example:{port}", BEARER], 403),
    (["Host: evil.localhost:{port}", BEARER], 403),
    (["Host: 0.0.0.0:{port}", BEARER], 403),
    (["Host: 127.1:{port}", BEARER], 403),
    (["Host: 127.0.0.2:{port}", BEARER], 403),
    (["Host: 2130706433:{port}", BEARER], 403),
    (["Host: 0x7f.0.0.1:{port}", BEARER], 403),
    (["Host: [::1]:{port}", BEARER], 403),
    (["Host: [::ffff:127.0.0.1]:{port}", BEARER], 403),
    (["Host: user@127.0.0.1:{port}", BEARER], 403),
    (["Host: 127.0.0.1:{port}, evil.example", BEARER], 403),
    (["Host: localhost.:{port}", BEARER], 403),
    (["Host: ", BEARER], 403),
    ([BEARER], 400),
    ([OWN, "Host: evil.example", BEARER], 400),
    (["Host: evil.example", "X-Forwarded-Host: 127.0.0.1:{port}", BEARER], 403),
    (["Host: evil.example", FORGED], 403),
    (["Host: evil.example"], 403),
    # other origins
    ([OWN, BEARER, "Origin: http://evil.example"], 403),
    ([OWN, BEARER, "Origin: null"], 403),
    ([OWN, BEARER, "Origin: file://"], 403),
    ([OWN, BEARER, "Origin: https://127.0.0.1:{port}"], 403),
    ([OWN, BEARER, "Origin: http://127.0.0.1"], 403),
    ([OWN, BEARER, "Origin: http://localhost"], 403),
    ([OWN, BEARER, "Origin: http://localhost:3000"], 403),
    ([OWN, BEARER, "Origin: http://127.0.0.1:{port}.evil.example"], 403),
    ([OWN, BEARER, "Origin: http://127.0.0.1:{port}/"], 403),
    ([OWN, BEARER, "Origin: http://evil.example@127.0.0.1:{port}"], 403),
    ([OWN, BEARER, "Origin: "], 403),
    ([OWN, BEARER, "Origin: http://127.0.0.1:{port}", "Origin: http://evil.example"], 403),
    ([OWN, BEARER, "Origin: http://evil.example", "Origin: http://127.0.0.1:{port}"], 403),
    ([OWN, "Origin: http://evil.example"], 403),
    ([OWN, FORGED, "Origin: null"], 403),
    # the token, in its header alone
    ([OWN], 401),
    ([OWN, FORGED], 401),
    ([OWN, "Authorization: Bearer"], 401),
    ([OWN, "Authorization: Bearer "], 401),
    ([OWN, "Authorization: {token}"], 401),
    ([OWN, "Authorization: Basic {token}"], 401),
    ([OWN, "Authorization: Bearer{token}"], 401),
    ([OWN, "Authorization: Bearer {token}x"], 401),
    ([OWN, "Authorization: Bearer x{token}"], 401),
    ([OWN, "Authorization: Bearer {token},{token}"], 401),
    ([OWN, "Authorization: Bearer {token} {token}"], 401),
    ([OWN, BEARER, BEARER], 401),
    ([OWN, FORGED, BEARER], 401),
    ([OWN, BEARER, FORGED], 401),
    ([OWN, "Authorization: Bearer " + "A" * 5000], 401),
    ([OWN, "X-Adit-Token: {token}"], 401),
    ([OWN, "X-Adit-Grant: claude"], 401),
    ([OWN, "Cookie: token={token}"], 401),
    ([OWN, "Proxy-Authorization: Bearer {token}"], 401),
    ([OWN, "X-Forwarded-User: root", "X-Adit-Grant: claude", FORGED], 401),
]


def test_hosts_origins_and_bearers(door):
    assert len(CASES) >= 60
    wrong = []
    body = json.dumps(PING).encode()
    for lines, expected in CASES:
        status, headers, text = raw(door, [*filled(door, lines), TYPE], body)
        if status != expected or (status == 200 and json.loads(text) != PONG):
            wrong.append((lines, expected, status, text))
        if any(h.lower().startswith("access-control") for h in headers):
            wrong.append((lines, "Access-Control"))
        if status == 401 and not headers["WWW-Authenticate"].startswith('Bearer realm="adit"'):
            wrong.append((lines, "WWW-Authenticate", dict(headers)))
        if door.token.encode() in text:
            wrong.append((lines, "the token came back"))
    assert wrong == []
    assert door.token not in door.log()


def test_a_token_in_the_target_is_none(door):
    for path in (f"/mcp?token={door.token}", f"/mcp?access_token={door.token}",
                 f"/mcp/{door.token}"):
        status, _, text = raw(door, [*filled(door, [OWN]), TYPE], b"{}", path=path)
        assert status in (401, 404) and door.token.encode() not in text, (path, status, text)
    assert door.token not in door.log()


def test_what_is_wrong_first_is_told_first(door):
    """Each row is wrong in one thing less than the one before it."""
    large = b"x" * (1 << 20) + b"x"
    evil, page = "Host: evil.example", "Origin: http://evil.example"
    own, bearer = filled(door, [OWN, BEARER])
    rows = [
        ("GET", [evil, page, FORGED, "Content-Type: text/plain"], 403),
        ("GET", [own, page, FORGED, "Content-Type: text/plain"], 403),
        ("GET", [own, FORGED, "Content-Type: text/plain"], 401),
        ("GET", [own, bearer, "Content-Type: text/plain"], 405),
        ("POST", [own, bearer, "Content-Type: text/plain", "Accept: text/html"], 415),
        ("POST", [own, bearer, TYPE, "Accept: image/png"], 406),
        ("POST", [own, bearer, TYPE, "Accept: application/json"], 413),
    ]
    for method, lines, expected in rows:
        status, _, text = raw(door, lines, large, method)
        assert status == expected, (method, lines, status, text[:300])


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "PUT", "HEAD", "PATCH"])
def test_only_post(door, method):
    own, bearer = filled(door, [OWN, BEARER])
    status, headers, text = raw(door, [own, bearer], method=method)
    assert status == 405 and headers["Allow"] == "POST", (status, text)
    assert not [h for h in headers if h.lower().startswith("access-control")]
    assert raw(door, [own], method=method)[0] == 401, "who has no token is not told that"


def test_forms_of_content_type_and_accept(door):
    own, bearer = filled(door, [OWN, BEARER])
    body = json.dumps(PING).encode()
    for line, expected in (
            (TYPE, 200), ("content-type: Application/JSON", 200),
            ("Content-Type: application/json; charset=utf-8", 200),
            ('Content-Type: application/json;charset="UTF-8"', 200),
            ("Content-Type: application/json; charset=utf-16", 415),
            ("Content-Type: application/json; charset=utf-8x", 415),
            ("Content-Type: application/jsonx", 415), ("Content-Type: application/json2", 415),
            ("Content-Type: text/json", 415), ("Content-Type: ", 415), ("X-Nothing: 1", 415),
            ("Content-Type: application/x-www-form-urlencoded", 415),
            ("Content-Type: multipart/form-data; boundary=x", 415)):
        assert raw(door, [own, bearer, line], body)[0] == expected, line
    for line, expected in (
            ("Accept: application/json, text/event-stream", 200), ("Accept: */*", 200),
            ("Accept: application/json", 200), ("Accept: text/event-stream", 200),
            ("Accept: application/*;q=0.5", 200), ("Accept: ", 200), ("Accept: text/html", 406),
            ("Accept: image/*", 406)):
        assert raw(door, [own, bearer, TYPE, line], body)[0] == expected, line


# ---- what a refused caller is told ----

def strip(answer):
    status, headers, text = answer
    return status, sorted((k, v) for k, v in headers.items() if k != "Date"), text


def test_no_refusal_tells_why(door):
    """Unknown, expired, revoked, half: the same bytes."""
    short = door.api("grant_create", name="short", expires_at="1s")
    gone = door.api("grant_create", name="gone")
    door.api("grant_revoke", name="gone")
    double = door.api("grant_create", name="double", second_token=True)
    second = double["second_token"]
    assert ask(door, token=double["token"], X_Adit_Token=second)[0] == 200
    until(lambda: ask(door, token=short["token"])[0] == 401, why="the grant did not expire")
    refusals = [
        ask(door, token="adit_" + "A" * 43),
        ask(door, token="x"),
        ask(door, token=short["token"]),
        ask(door, token=gone["token"]),
        ask(door, token=double["token"]),
        ask(door, token=double["token"], X_Adit_Token="wrong"),
        ask(door, token=double["token"], X_Adit_Token=double["token"]),
        ask(door, token=second, X_Adit_Token=double["token"]),
        ask(door, token=door.token + "x", X_Adit_Token=second),
    ]
    assert {json.dumps(strip(r)[:2]) for r in refusals} == {json.dumps(strip(refusals[0])[:2])}
    assert {r[2] for r in refusals} == {refusals[0][2]}
    assert ask(door)[0] == 200, "a second token that nobody asked for does not matter"
    assert ask(door, X_Adit_Token="anything")[0] == 200


def test_the_401_is_for_whoever_reads_it(door):
    """Claude Code shows the body as it came."""
    own = filled(door, [OWN])
    status, headers, text = raw(door, [*own, TYPE], b"{}")
    body = json.loads(text)
    assert headers["Content-Type"] == "application/json" and text.count(b"\n") <= 1
    assert headers["WWW-Authenticate"] == 'Bearer realm="adit"'
    for word in ("adit grant create", "Authorization: Bearer", "claude mcp add"):
        assert word in body["error_description"], body
    status, headers, text = raw(door, [*own, FORGED, TYPE], b"{}")
    body = json.loads(text)
    assert headers["WWW-Authenticate"] == 'Bearer realm="adit", error="invalid_token"'
    assert body["error"] == "invalid_token"
    for word in ("expired", "revoked", "X-Adit-Token", "adit grant list"):
        assert word in body["error_description"], body
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration", "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration", "/register"])
def test_there_is_no_oauth(door, path):
    own = filled(door, [OWN])
    for method, body in (("GET", b""), ("POST", b'{"redirect_uris":["http://localhost/x"]}')):
        status, headers, text = raw(door, own, body, method, path)
        answer = json.loads(text)
        assert status == 404 and headers["Content-Type"] == "application/json"
        assert answer["error"] == "invalid_request"
        assert "Authorization: Bearer" in answer["error_description"]
    assert raw(door, ["Host: evil.example"], method="GET", path=path)[0] == 403


def test_other_paths_are_not_there(door):
    own, bearer = filled(door, [OWN, BEARER])
    for path in ("/mcp/", "/MCP", "//mcp", "/mcp/x", "/", "/sse", "/v1/status_get", "/%6dcp/"):
        assert raw(door, [own, bearer, TYPE], b"{}", path=path)[0] == 404, path


# ---- limits ----

def test_too_many_headers(door):
    own, bearer = filled(door, [OWN, BEARER])
    body = json.dumps(PING).encode()
    many = [f"X-{i}: {i}" for i in range(90)]
    assert raw(door, [own, bearer, TYPE, *many], body)[0] == 200
    many = [f"X-{i}: {i}" for i in range(120)]
    assert raw(door, [own, bearer, TYPE, *many], body)[0] == 431
    assert raw(door, [own, bearer, TYPE, "X-Long: " + "x" * 20000], body)[0] == 431


def test_a_chunked_body_has_the_same_limit(door):
    own, bearer = filled(door, [OWN, BEARER])
    with socket.create_connection(("127.0.0.1", door.port), PATIENCE) as s:
        s.sendall("\r\n".join(["POST /mcp HTTP/1.1", own, bearer, TYPE,
                               "Transfer-Encoding: chunked", "", ""]).encode())
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            for _ in range(20):
                s.sendall(chunk)
            s.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        assert read_answer(s)[0] == 413


def test_slow_senders_are_cut_and_others_are_served(door):
    """A byte now and then keeps no connection: header 10 s, body 30 s; nobody waits for them."""
    own, bearer = filled(door, [OWN, BEARER])
    slow = []
    for i in range(40):
        s = socket.create_connection(("127.0.0.1", door.port), 60)
        s.sendall(b"POST /mcp HTTP/1.1\r\nX: " if i % 2 else
                  "\r\n".join(["POST /mcp HTTP/1.1", own, TYPE, "Content-Length: 10", "",
                               ""]).encode())
        slow.append(s)
    began = time.monotonic()
    ended = set()
    while len(ended) < 20 and time.monotonic() - began < 25:
        for i, s in enumerate(slow):
            try:
                if i % 2 and i not in ended:
                    s.sendall(b"x")
            except OSError:
                ended.add(i)
        before = time.monotonic()
        assert ask(door)[0] == 200
        assert time.monotonic() - before < 10
        time.sleep(0.3)
    assert len(ended) == 20 and time.monotonic() - began > 5
    for s in slow:
        s.close()


def test_connections_of_one_grant(door):
    """128 of one; the others have theirs."""
    other = door.api("grant_create", name="other")["token"]
    body = json.dumps(PING).encode()
    kept, refused = [], 0
    for _ in range(140):
        c = http.client.HTTPConnection("127.0.0.1", door.port, timeout=PATIENCE)
        c.request("POST", "/mcp", body, {"Content-Type": "application/json",
                                         "Authorization": f"Bearer {door.token}"})
        answer = c.getresponse()
        text = answer.read()
        refused += answer.status == 429
        if answer.status == 429:
            error = json.loads(text)["error"]
            assert error["kind"] == "rate_limited" and answer.headers["Retry-After"] == "1"
        kept.append(c)
    assert refused == 12
    assert ask(door, token=other)[0] == 200
    for c in kept:
        c.close()
    until(lambda: ask(door)[0] == 200, why="its connections did not come back")


def test_a_grant_that_ends_takes_what_is_open_along(door):
    """Revoked, its token is nothing on a connection that was let in a moment before."""
    c = http.client.HTTPConnection("127.0.0.1", door.port, timeout=PATIENCE)
    body, headers = json.dumps(PING).encode(), {"Content-Type": "application/json",
                                                "Authorization": f"Bearer {door.token}"}
    c.request("POST", "/mcp", body, headers)
    assert c.getresponse().read()
    # Let in by its header, it is asked again when the body is there.
    with socket.create_connection(("127.0.0.1", door.port), PATIENCE) as s:
        own, bearer = filled(door, [OWN, BEARER])
        s.sendall("\r\n".join(["POST /mcp HTTP/1.1", own, bearer, TYPE,
                               f"Content-Length: {len(body)}", "", ""]).encode() + body[:5])
        time.sleep(0.2)
        door.api("grant_revoke", name="claude")
        s.sendall(body[5:])
        assert read_answer(s)[0] == 401
    c.request("POST", "/mcp", body, headers)
    assert c.getresponse().status == 401
    c.close()


def test_streams_end_with_their_grant(door):
    """What was said is whole, and nothing follows."""
    other = door.api("grant_create", name="other")["token"]
    ending, answer = open_stream(door)
    staying, kept = open_stream(door, other)
    assert answer.status == kept.status == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert kept.readline()
    door.api("grant_revoke", name="claude")
    assert answer.read().startswith(b"event: message\ndata: {")
    assert ask(door)[0] == 401 and ask(door, token=other)[0] == 200
    assert not kept.isclosed()
    ending.close()
    staying.close()


def test_streams_that_are_left_are_noticed(door):
    before = descriptors(door)
    for _ in range(3):
        opened = [open_stream(door) for _ in range(10)]
        assert {a.status for _, a in opened} == {200}
        for c, a in opened:
            a.close()
            c.close()
        until(lambda: descriptors(door) <= before + 1, why="streams stayed open")


# ---- the port itself ----

def test_the_port_follows_the_settings(door):
    old, door.port = door.port, free_port()
    kept = http.client.HTTPConnection("127.0.0.1", old, timeout=PATIENCE)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    door.configure(mcp={"listen": f"127.0.0.1:{door.port}"})
    door.reload()
    until(lambda: ask_or_none(door) == 200, why="the new port did not open")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", old), 2)
    with pytest.raises((OSError, http.client.HTTPException)):
        kept.request("GET", "/healthz")
        kept.getresponse().read()
    door.configure(mcp=None)
    door.reload()
    until(lambda: ask_or_none(door) is None, why="the port stayed open")
    assert door.status()["state"] == "ok"


def ask_or_none(host):
    try:
        return ask(host)[0]
    except OSError:
        return None


def test_a_taken_port_is_told_and_taken_later(host):
    """Nothing else waits for it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host.port = taken.getsockname()[1]
        host.configure(mcp={"listen": f"127.0.0.1:{host.port}"})
        host.start()
        problem = host.wait_problem(name="mcp.listen")
        assert f"127.0.0.1:{host.port}" in problem["message"], problem
        assert host.status()["state"] == "degraded"
    until(lambda: not host.problems(name="mcp.listen"), 45, why="it was not tried again")
    host.token = host.api("grant_create", name="claude")["token"]
    assert ask(host)[0] == 200


def test_the_port_can_be_passed_in(host):
    """As a socket unit does it; settings do not move it then."""
    with socket.socket() as passed:
        passed.bind(("127.0.0.1", 0))
        passed.listen()
        host.port = passed.getsockname()[1]
        fd = passed.fileno()
        host.configure(mcp={"listen": f"127.0.0.1:{free_port()}"})
        # LISTEN_PID must be the daemon's own, so a shell execs it.
        with open(host.log_path, "ab") as log:
            host.started_at = host.sim.mark()
            host.process = subprocess.Popen(
                ["/bin/bash", "-c",
                 'exec 3<&"$1"; LISTEN_PID=$$ LISTEN_FDS=1 exec "$2" --config "$3"',
                 "sh", str(fd), BUILD / "aditd", host.config_path],
                env={}, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[fd])
    host.wait_up()
    host.token = host.api("grant_create", name="claude")["token"]
    assert ask(host)[0] == 200
    host.configure(mcp={"listen": f"127.0.0.1:{free_port()}"})
    host.reload()
    assert ask(host)[0] == 200


def test_what_comes_out_of_a_connector_is_not_read(door, sim):
    """A foreign rule leads to our own port: the connection is closed before its request is read."""
    door.api("tunnel_create", name="web", replicas=1)
    door.wait_converged()
    tunnel = sim.tunnels("web")[0]["id"]
    sim.edit("PUT", f"/accounts/{sim.account}/cfd_tunnel/{tunnel}/configurations",
             {"config": {"ingress": [
                 {"hostname": "own.example.com", "service": f"http://127.0.0.1:{door.port}",
                  "originRequest": {"httpHostHeader": f"127.0.0.1:{door.port}"}},
                 {"service": "http_status:404"}]}})
    sim.edit("POST", f"/zones/{sim.state()['zones'][0]['id']}/dns_records",
             {"type": "CNAME", "name": "own.example.com", "proxied": True,
              "content": f"{tunnel}.cfargotunnel.com"})
    status, text = until(lambda: (a := sim.fetch("/healthz", "own.example.com"))[0] not in
                         (404, 530) and a, why="the rule did not come")
    assert status == 502 and "alive" not in text, (status, text)
    assert ask(door)[0] == 200
