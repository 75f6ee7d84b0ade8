"""From the API to a page and back: adit-sim's API, edge and visitors' port with stub connectors
and an origin of the tests'. Faults of the edge by the control port."""
import base64
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import PATIENCE, free_port, until

BUILD = Path(os.environ.get("ADIT_BUILD", "build/dev"))
# The origin's stream waits for it after each piece.
STREAM_MAY_GO_ON = threading.Event()
STREAM_MAY_GO_ON.set()


def call(url, method="GET", body=None, token=None, host=None):
    host_port, _, path = url.removeprefix("http://").partition("/")
    c = http.client.HTTPConnection(host_port, timeout=15)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = "Bearer " + token
    if host:
        headers["Host"] = host
    data = json.dumps(body) if isinstance(body, (dict, list)) else body
    c.request(method, "/" + path, data, headers)
    r = c.getresponse()
    text = r.read()
    c.close()
    return r.status, text


class Sim:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.log = open(self.folder / "sim.log", "wb")
        self.process = subprocess.Popen(
            [BUILD / "adit-sim", "--api", "127.0.0.1:0", "--control", "127.0.0.1:0", "--edge",
             "127.0.0.1:0", "--visitors", "127.0.0.1:0", "--zone", "example.com"],
            stdout=subprocess.PIPE, stderr=self.log)
        self.at = json.loads(self.process.stdout.readline())
        self.stubs = []

    def api(self, method, path, body=None):
        status, text = call(self.at["api"] + path, method, body, self.at["token"])
        answer = json.loads(text)
        assert status == 200 and answer["success"], answer
        return answer["result"]

    def edge(self, **command):
        status, text = call(self.at["control"] + "/control/edge", "POST", command)
        assert status == 200, text
        return json.loads(text)

    def status(self):
        return json.loads(call(self.at["control"] + "/control/edge")[1])

    def tunnel(self, name="web"):
        made = self.api("POST", f"/accounts/{self.at['account']}/cfd_tunnel",
                        {"name": name, "config_src": "cloudflare",
                         "tunnel_secret": base64.b64encode(os.urandom(32)).decode()})
        return made["id"]

    def configure(self, tunnel, service, hostname="app.example.com"):
        rules = [{"hostname": hostname, "service": service}, {"service": "http_status:404"}]
        return self.api("PUT", f"/accounts/{self.at['account']}/cfd_tunnel/{tunnel}/configurations",
                        {"config": {"ingress": rules}})

    def publish(self, tunnel, name="app.example.com"):
        zone = self.api("GET", "/zones?name=example.com")[0]["id"]
        self.api("POST", f"/zones/{zone}/dns_records",
                 {"type": "CNAME", "name": name, "content": tunnel + ".cfargotunnel.com",
                  "proxied": True, "ttl": 1})

    def stub(self, tunnel, mode="step_ms 10\nbackoff_percent 5\nstop_ms 50\n", protocol="http2"):
        text = self.api("GET", f"/accounts/{self.at['account']}/cfd_tunnel/{tunnel}/token")
        folder = self.folder / f"stub{len(self.stubs)}"
        folder.mkdir()
        (folder / "cloudflared").symlink_to((BUILD / "adit-sim-cloudflared").resolve())
        (folder / "cloudflared.mode").write_text(mode)
        (folder / "token").write_text(text)
        (folder / "c.yml").write_text(
            f"metrics: 127.0.0.1:0\nprotocol: {protocol}\ntoken-file: {folder}/token\n")
        with open(folder / "log", "wb") as log:
            p = subprocess.Popen([folder / "cloudflared", "tunnel", "--config", folder / "c.yml",
                                  "--output", "json", "run"], env={}, stderr=log)
        p.log = folder / "log"
        self.stubs.append(p)
        return p

    def connections(self, n):
        until(lambda: self.status()["connections"] == n)

    def fetch(self, path="/", host="app.example.com", **kw):
        return call(self.at["visitors"] + path, host=host, **kw)

    def close(self):
        for p in self.stubs:
            p.kill()
            p.wait(PATIENCE)
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.log.close()
        return code


@pytest.fixture
def sim(tmp_path):
    s = Sim(tmp_path)
    yield s
    code = s.close()
    assert code == 0, (tmp_path / "sim.log").read_text()


@pytest.fixture
def origin():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, body):
            self.send_response(200)
            self.send_header("X-Seen-Host", self.headers["Host"])
            self.send_header("X-Seen-Path", self.path)
            if self.path == "/stream":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for _ in range(3):
                    self.wfile.write(b"4\r\ntick\r\n")
                    self.wfile.flush()
                    STREAM_MAY_GO_ON.wait(PATIENCE)
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self):
            if self.path == "/slow":
                time.sleep(1)
            self.answer(b"page" if self.path != "/big" else b"0123456789" * 600_000)

        do_HEAD = do_GET

        def do_POST(self):
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(sim, origin):
    """A published tunnel with one ready connector."""
    sim.id = sim.tunnel()
    sim.configure(sim.id, origin)
    sim.publish(sim.id)
    sim.first = sim.stub(sim.id)
    sim.connections(4)
    until(lambda: sim.fetch()[0] == 200)
    return sim


def test_a_page_through_the_tunnel(site):
    assert site.fetch("/x?y=1")[1] == b"page"
    assert site.fetch("/", host="app.example.com:8080")[0] == 200
    # The name leads to the tunnel in any case; the connector's rules are case-sensitive.
    assert site.fetch("/", host="APP.Example.com") == (404, b"")
    status, text = site.fetch("/", host="nobody.example.com")
    assert status == 404 and b"simulated edge" in text
    assert site.status()["requests"] >= 3


def test_the_api_sees_the_connector_and_its_version(site):
    path = f"/accounts/{site.at['account']}/cfd_tunnel/{site.id}"
    assert site.api("GET", path)["status"] == "healthy"
    connectors = site.api("GET", path + "/connections")
    assert len(connectors) == 1 and len(connectors[0]["conns"]) == 4
    version = site.api("GET", path + "/configurations")["version"]
    until(lambda: site.api("GET", path + "/connections")[0]["config_version"] == version)
    site.first.terminate()
    assert site.first.wait(PATIENCE) == 0
    site.connections(0)
    assert site.api("GET", path)["status"] == "down"


def test_a_configuration_applies_live(site):
    site.configure(site.id, "http_status:418")
    until(lambda: site.fetch()[0] == 418)
    site.configure(site.id, "hello_world")
    until(lambda: b"Congrats" in site.fetch()[1])


def test_known_without_a_connector_is_530_and_1033(sim):
    tunnel = sim.tunnel()
    sim.configure(tunnel, "hello_world")
    sim.publish(tunnel)
    assert sim.fetch() == (530, b"error code: 1033")
    sim.stub(tunnel)
    until(lambda: sim.fetch()[0] == 200)


def test_bodies_both_ways(site):
    body = os.urandom(3_000_000)
    assert site.fetch("/post", method="POST", body=body) == (200, body)
    assert len(site.fetch("/big")[1]) == 6_000_000
    c = http.client.HTTPConnection(site.at["visitors"].removeprefix("http://"), timeout=10)
    for path in ("/a", "/b?c=%20d", "/big"):  # one connection
        c.request("GET", path, headers={"Host": "app.example.com"})
        r = c.getresponse()
        assert r.headers["X-Seen-Path"] == path and r.headers["X-Seen-Host"] == "app.example.com"
        r.read()
    c.request("HEAD", "/big", headers={"Host": "app.example.com"})
    r = c.getresponse()
    assert r.headers["Content-Length"] == "6000000" and r.read() == b""
    STREAM_MAY_GO_ON.clear()
    c.request("GET", "/stream", headers={"Host": "app.example.com"})
    r = c.getresponse()
    assert r.read(4) == b"tick"  # not held back to its end
    STREAM_MAY_GO_ON.set()
    assert r.read() == b"tick" * 2
    c.close()


def test_raw_visitors(site):
    def raw(data, seconds=5):
        host, port = site.at["visitors"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=seconds) as s:
            s.sendall(data)
            got = b""
            while chunk := s.recv(65536):
                got += chunk
            return got

    head = b"Host: app.example.com\r\n"
    assert raw(b"GET / HTTP/1.0\r\n" + head + b"\r\n").endswith(b"page")
    assert raw(b"GET /stream HTTP/1.0\r\n" + head + b"\r\n").endswith(b"\r\n\r\n" + b"tick" * 3)
    assert raw(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(b"GET / HTTP/1.1\r\nX: " + b"y" * 40000).startswith(b"HTTP/1.1 431")
    two = b"GET /1 HTTP/1.1\r\n" + head + b"\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n" + head
    got = raw(two + b"\r\n")
    assert got.index(b"X-Seen-Path: /1") < got.index(b"X-Seen-Path: /2")
    chunked = b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n" + head
    assert raw(chunked + b"\r\nzz\r\n").startswith(b"HTTP/1.1 400")
    site.configure(site.id, "http_status:204")
    until(lambda: site.fetch()[0] == 204)
    assert raw(chunked + b"\r\n3\r\nabc\r\n0\r\n\r\n").startswith(b"HTTP/1.1 204")


def test_many_at_once(site):
    bad = []

    def visit():
        for _ in range(10):
            if site.fetch() != (200, b"page"):
                bad.append(1)

    threads = [threading.Thread(target=visit) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad and site.status()["open_requests"] == 0


def test_a_dead_origin_is_502(site):
    site.configure(site.id, f"http://127.0.0.1:{free_port()}")
    until(lambda: site.fetch()[0] == 502)
    assert site.fetch()[1] == b"error code: 502"
    assert b"Unable to reach the origin service" in site.first.log.read_bytes()
    assert site.status()["failures"] >= 2


def test_two_connectors_and_a_rolling_restart_without_a_failed_request(site):
    second = site.stub(site.id)
    site.connections(8)
    assert site.status()["connectors"] == 2
    failed, stop = [], threading.Event()

    def visit():
        while not stop.is_set():
            got = site.fetch()[0]
            if got != 200:
                failed.append(got)

    t = threading.Thread(target=visit)
    t.start()
    site.first.terminate()
    assert site.first.wait(PATIENCE) == 0
    stop.set()
    t.join()
    assert not failed and site.status()["connectors"] == 1
    second.terminate()


def test_dropped_connections_come_back_and_an_open_request_is_502(site):
    got = []
    t = threading.Thread(target=lambda: got.append(site.fetch("/slow")))
    t.start()
    until(lambda: site.status()["open_requests"] == 1)
    assert site.edge(drop={"tunnel": site.id})["affected"] == 4
    t.join()
    assert got == [(502, b"error code: 502")]
    site.connections(4)
    assert site.edge(drop={"count": 1})["affected"] == 1


def test_a_killed_connector_is_noticed(site):
    site.first.kill()
    site.connections(0)
    assert site.fetch() == (530, b"error code: 1033")


def test_refused_with_words_and_again_accepted(site):
    site.edge(refuse={"words": "Unauthorized: Invalid tunnel secret", "permanent": True})
    site.edge(drop={})
    until(lambda: b'"error":"Unauthorized: Invalid tunnel secret"' in site.first.log.read_bytes())
    assert site.status()["connections"] == 0 and site.first.poll() is None
    site.edge(refuse=None)
    site.connections(4)


def test_a_deleted_tunnel_is_unauthorized(site):
    base = f"/accounts/{site.at['account']}/cfd_tunnel/{site.id}"
    site.first.send_signal(signal.SIGSTOP)  # it must not come back in between
    site.api("DELETE", base + "/connections")
    until(lambda: site.status()["connections"] == 0)
    site.api("DELETE", base)
    site.first.send_signal(signal.SIGCONT)
    until(lambda: b"Unauthorized: Failed to get tunnel" in site.first.log.read_bytes())


def test_frozen_hangs_for_visitors_and_thaws(site):
    site.edge(timeout_ms=400)
    site.edge(freeze={"tunnel": site.id})
    assert site.fetch() == (524, b"error code: 524")
    site.edge(freeze=False)
    until(lambda: site.fetch()[0] == 200)


def test_a_delay_and_a_registration_delay(site):
    site.edge(delay_ms=300)
    began = time.monotonic()
    assert site.fetch()[0] == 200 and time.monotonic() - began >= 0.3
    site.edge(reset=True)
    site.edge(register_delay_ms=600)
    began = time.monotonic()
    site.edge(drop=True)
    site.connections(0)
    site.connections(4)
    assert time.monotonic() - began >= 0.6


def test_modes_reach_the_connector(site):
    other = site.stub(site.id)
    site.connections(8)
    connector = site.status()["links"][-1]["connector"]
    assert site.edge(mode={"connector": connector, "key": "exit_code", "value": 7})["affected"] == 1
    until(lambda: other.poll() == 7 or site.first.poll() == 7)
    site.connections(4)  # the edge has noticed
    assert site.edge(mode={"tunnel": site.id, "key": "exit_code", "value": 9})["affected"] == 1


def test_a_quic_connector_notices_a_frozen_edge(site):
    site.first.kill()
    site.connections(0)
    quic = site.stub(site.id, protocol="quic")
    site.connections(4)
    site.edge(freeze=True)
    until(lambda: b"timeout: no recent network activity" in quic.log.read_bytes(), 12)
    site.edge(freeze=False)
    site.connections(4)
    until(lambda: site.fetch()[0] == 200)


@pytest.mark.parametrize("command", [{"nonsense": 1}, {}, {"refuse": {}}, {"mode": {}},
                                     {"delay_ms": -1}, {"delay_ms": "x"}])
def test_a_wrong_command_is_refused(sim, command):
    status, _ = call(sim.at["control"] + "/control/edge", "POST", command)
    assert 400 <= status < 500
