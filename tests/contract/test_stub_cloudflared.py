"""The stub cloudflared behaves as the real one was measured to: command line, files, log lines,
/ready, signals, exit codes, failure modes."""
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
from stub_edge import Edge, RUNNING, UNREGISTER

STUB = Path(os.environ.get("ADIT_BUILD", "build/dev")) / "adit-sim-cloudflared"
TUNNEL = "11111111-2222-4333-8444-555555555555"
SECRET = "c2VjcmV0LW9mLXRoZS10dW5uZWw="


def token(edge=None, **more):
    body = {"a": "0" * 32, "t": TUNNEL, "s": SECRET, **more}
    if edge:
        body["e"] = edge
    return base64.b64encode(json.dumps(body).encode()).decode()


class Stub:
    """One run; the mode file is its own, since the program is a link of its own."""

    def __init__(self, folder, edge=None, mode="", config="", env=None, protocol="quic",
                 output=("--output", "json"), stderr=None):
        self.folder = Path(folder)
        self.program = self.folder / "cloudflared"
        if not self.program.exists():
            self.program.symlink_to(STUB)
        (self.folder / "cloudflared.mode").write_text(mode)
        (self.folder / "token").write_text("\n " + token(edge) + " \n")
        self.port = free_port()
        self.pidfile = self.folder / "pid"
        (self.folder / "c.yml").write_text(
            f"# ours\nno-autoupdate: true\nno-prechecks: true # x\n"
            f"metrics: 127.0.0.1:{self.port}\nprotocol: {protocol}\n"
            f"token-file: {self.folder}/token\nretries: 2\nlabel: host-a\n"
            f"pidfile: '{self.pidfile}'\n{config}")
        self.log_path = self.folder / "log"
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [self.program, "tunnel", "--config", self.folder / "c.yml", *output, "run"],
            env=env or {}, stderr=stderr or self.log_file, stdout=self.log_file)

    def get(self, path, timeout=PATIENCE):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        c.request("GET", path)
        r = c.getresponse()
        return r.status, r.read().decode()

    def ready(self):
        try:
            return self.get("/ready")[0]
        except OSError:
            return 0

    def wait_ready(self, status=200, seconds=10):
        until(lambda: self.ready() == status, seconds)

    def connections(self):
        return json.loads(self.get("/ready")[1])["readyConnections"]

    def lines(self):
        return self.log_path.read_bytes().decode(errors="replace").splitlines()

    def log(self):
        return [json.loads(x) for x in self.lines() if x.startswith("{") and x.endswith("}")]

    def says(self, message):
        return [x for x in self.log() if x.get("message") == message]

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.log_file.close()


@pytest.fixture
def edge():
    e = Edge()
    yield e
    e.close()


@pytest.fixture
def start(tmp_path):
    runs = []

    def begin(*args, **kw):
        runs.append(Stub(tmp_path, *args, **kw))
        return runs[-1]

    yield begin
    for r in runs:
        r.stop()


@pytest.fixture
def origin():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path == "/slow":
                time.sleep(1.5)
            body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
            if self.path == "/big":
                body = b"x" * 3_000_000
            self.send_response(200)
            if self.path == "/chunked":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for i in range(0, len(body), 7):
                    piece = body[i:i + 7]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()
    server.server_close()


def run(*args, env=None, timeout=10):
    return subprocess.run([STUB, *args], env=env or {}, capture_output=True, text=True,
                          timeout=timeout)


# ---- the command line ----

def test_version():
    r = run("--version")
    assert r.returncode == 0 and r.stdout.startswith("cloudflared version 2026.8.2 (built ")
    assert run("version").stdout == r.stdout


@pytest.mark.parametrize("args, words", [
    (["tunnel", "run", "--metrics", "127.0.0.1:1"], "not defined: -metrics"),
    (["tunnel", "--token-file", "/x", "run"], "not defined: -token-file"),
    (["tunnel", "--nonsense", "run"], "not defined: -nonsense"),
    (["tunnel", "run", "--grace-period", "5s"], "not defined: -grace-period"),
    (["tunnel", "--grace-period", "soon", "run"], "invalid value"),
    (["tunnel", "--retries", "two", "run"], "invalid value"),
    (["tunnel", "--config"], "needs an argument"),
])
def test_misplaced_flags_are_usage_on_stdout_and_exit_0(args, words):
    r = run(*args)
    assert r.returncode == 0
    assert r.stdout.startswith("Incorrect Usage: ") and words in r.stdout.splitlines()[0]
    assert r.stderr == ""


def test_flags_of_tunnel_before_run_and_of_run_after_it(tmp_path):
    r = run("tunnel", "--no-autoupdate", "--metrics=127.0.0.1:0", "--retries", "1", "--protocol",
            "http2", "run", "--token", "!!!", "--protocol", "quic", TUNNEL)
    assert r.returncode == 255 and "token is not valid" in r.stderr


# ---- tokens: rc 255 ----

@pytest.mark.parametrize("text", [
    "not base64!", base64.b64encode(b"no json").decode(), token(t="no-uuid"), "", "YQ",
    base64.b64encode(b'{"a":"x"').decode(), token() + "x",
])
def test_bad_token_is_255(tmp_path, text):
    (tmp_path / "token").write_text(text)
    r = run("tunnel", "run", "--token-file", str(tmp_path / "token"))
    assert r.returncode == 255
    assert r.stderr.splitlines()[-1] == "See 'cloudflared tunnel run --help'."


def test_no_token_file_and_nothing_to_run_are_255(tmp_path):
    r = run("tunnel", "run", "--token-file", str(tmp_path / "none"))
    assert r.returncode == 255 and "no such file" in r.stderr
    r = run("tunnel", "run")
    assert r.returncode == 255 and "requires the ID or name" in r.stderr


# ---- the config file: rc 1 ----

@pytest.mark.parametrize("line, words", [
    ('retries: "2"', "expected int found string for retries"),
    ("no-autoupdate: yes please", "expected bool found string for no-autoupdate"),
    ("metrics: 20301", "expected string found int for metrics"),
    ("edge-ip-version: 4", "expected string found int for edge-ip-version"),
    ("label:", "expected string found <nil> for label"),
    ("grace-period: 20", "expected duration found int for grace-period"),
    ("grace-period: soon", "time: invalid duration"),
    ("grace-period: 4m", "grace-period must be equal or less than 3m0s"),
    ("protocol: h3", "unknown protocol h3"),
    ("just words", "could not find expected ':'"),
    ("label: a: b", "mapping values are not allowed"),
    ("  label: a", "did not find expected"),
    ('label: "a', "unexpected end"),
    ("label: a\nlabel: b", "already defined"),
])
def test_bad_config_is_1_with_a_plain_last_line(tmp_path, line, words):
    (tmp_path / "t").write_text(token())
    (tmp_path / "c.yml").write_text(line + f"\ntoken-file: {tmp_path}/t\n")
    r = run("tunnel", "--config", str(tmp_path / "c.yml"), "--output", "json", "run")
    assert r.returncode == 1
    assert words in r.stderr.splitlines()[-1]


def test_unknown_keys_only_warn_and_nested_blocks_pass(start, edge):
    s = start(edge.address, config="nonsense: 1\ningress:\n  - service: http_status:404\n")
    s.wait_ready()
    assert any("field nonsense not found" in x for x in s.lines())


def test_missing_config_is_1(tmp_path):
    r = run("tunnel", "--config", str(tmp_path / "no.yml"), "run")
    assert r.returncode == 1


def test_busy_metrics_port_is_1(start):
    one = start()
    one.wait_ready(503)
    r = run("tunnel", "--metrics", f"127.0.0.1:{one.port}", "--output", "json", "run", "--token",
            token())
    assert r.returncode == 1
    assert r.stderr.splitlines()[-1].endswith("bind: address already in use")


def test_the_environment_beats_the_file_and_the_flag_both(tmp_path):
    (tmp_path / "c.yml").write_text("protocol: nine\n")
    args = ["tunnel", "--config", str(tmp_path / "c.yml"), "run", "--token", token()]
    assert "protocol nine," in run(*args).stderr
    env = {"TUNNEL_TRANSPORT_PROTOCOL": "ten"}
    assert "protocol ten," in run(*args, env=env).stderr
    assert "protocol eleven," in run(*args, "--protocol", "eleven", env=env).stderr


# ---- up and down ----

def test_without_an_edge_it_retries_for_ever(start):
    s = start(mode="backoff_percent 1\n")
    s.wait_ready(503)
    status, body = s.get("/ready")
    connector = s.says("Starting tunnel") and json.loads(body)["connectorId"]
    assert body == '{"status":503,"readyConnections":0,"connectorId":"%s"}' % connector
    assert s.get("/healthcheck") == (200, "OK\n")
    assert s.get("/nothing")[0] == 404
    assert json.loads(s.get("/config")[1])["version"] == -1
    until(lambda: len(s.says("Failed to dial a quic connection")) >= 3)
    assert s.says("Retrying connection in up to 8s")
    assert s.process.poll() is None


def test_four_connections_and_the_log_lines(start, edge):
    edge.set_config(3, [("a.example.com", "", "http_status:418"), ("", "", "http_status:404")])
    s = start(edge.address, mode="step_ms 50\n")
    edge.wait(lambda e: len(e.links) == 4)
    until(lambda: s.connections() == 4)
    hello = edge.hellos[0]
    assert hello[:3] == ["0" * 32, TUNNEL, SECRET] and hello[5] == "2026.8.2"
    assert sorted(h[4] for h in edge.hellos) == ["0", "1", "2", "3"]
    up = s.says("Registered tunnel connection")
    assert len(up) == 4 and up[0]["connIndex"] == 0 and up[0]["location"] == "lhr01"
    assert up[0]["protocol"] == "quic" and up[0]["level"] == "info" and up[0]["event"] == 0
    assert s.says("Generated Connector ID: " + hello[3])
    assert s.says(f"Starting metrics server on 127.0.0.1:{s.port}/metrics")
    assert s.says("Updated to new configuration")[0]["version"] == 3
    for line in s.lines():
        keys = list(json.loads(line))
        assert keys == sorted(keys)
    assert json.loads(s.get("/config")[1])["version"] == 3
    diag = json.loads(s.get("/diag/tunnel")[1])
    assert len(diag["connections"]) == 4 and "index" not in diag["connections"][0]
    assert int(s.pidfile.read_text()) == s.process.pid
    edge.wait(lambda e: any(f[0] == RUNNING and f[2] == b"3" for f in e.links[0].frames))


def test_the_token_is_in_no_argument_environment_or_line(start, edge):
    s = start(edge.address)
    s.wait_ready()
    proc = Path(f"/proc/{s.process.pid}")
    for text in ((proc / "cmdline").read_bytes(), (proc / "environ").read_bytes(),
                 s.log_path.read_bytes()):
        assert token(edge.address).encode() not in text and SECRET.encode() not in text


def test_a_new_connector_id_each_start(start, edge):
    for _ in range(2):
        s = start(edge.address)
        s.wait_ready()
        s.stop()
    assert len({h[3] for h in edge.hellos}) == 2


def test_ready_1_on_the_notify_socket_after_the_first_connection(start, edge, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(5)
        start(edge.address, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert notify.recv(100) == b"READY=1"
        notify.settimeout(0.3)
        with pytest.raises(TimeoutError):
            notify.recv(100)


def test_console_output(start, edge):
    s = start(edge.address, output=())
    s.wait_ready()
    assert any(" INF Registered tunnel connection connIndex=0 " in x for x in s.lines())


# ---- signals ----

def test_sigterm_unregisters_and_exits_0_after_a_second(start, edge):
    s = start(edge.address)
    s.wait_ready()
    links = list(edge.links)
    began = time.monotonic()
    s.process.terminate()
    until(lambda: s.ready() == 503)
    assert s.process.wait(PATIENCE) == 0
    assert 0.9 < time.monotonic() - began
    assert any(k == UNREGISTER for k, _, _ in links[0].frames)
    assert s.says("Initiating graceful shutdown due to signal terminated ...")
    assert s.says("Unregistered tunnel connection")
    assert s.says("Metrics server stopped")
    assert s.pidfile.exists()


def test_sigterm_while_connections_come_up_unregisters_them_too(start, edge):
    edge.slow = True
    s = start(edge.address)
    s.wait_ready()
    until(lambda: len(edge.hellos) > 1)
    s.process.terminate()
    until(lambda: s.ready() == 503)
    with edge.changed:
        edge.slow = False
        edge.changed.notify_all()
    assert s.process.wait(PATIENCE) == 0 and s.says("Unregistered tunnel connection")


def test_sigterm_without_a_connection_exits_0_at_once(start):
    s = start()
    s.wait_ready(503)
    s.process.send_signal(signal.SIGINT)
    assert s.process.wait(PATIENCE) == 0


def test_sigterm_waits_out_the_grace_period_and_a_second_one_kills(start, edge):
    edge.hold = True
    s = start(edge.address, config="grace-period: 2s\n", mode="stop_ms 100\n")
    s.wait_ready()
    began = time.monotonic()
    s.process.terminate()
    assert s.process.wait(PATIENCE) == 0
    assert time.monotonic() - began > 1.9
    s = start(edge.address)
    s.wait_ready()
    s.process.terminate()
    until(lambda: s.ready() == 503)
    s.process.terminate()
    assert s.process.wait(PATIENCE) == -signal.SIGTERM


def test_a_request_in_flight_completes_in_the_drain(start, edge, origin):
    edge.hold = True
    edge.set_config(1, [("", "", origin)])
    s = start(edge.address)
    edge.wait(lambda e: e.links)
    until(lambda: s.says("Updated to new configuration"))
    ident = edge.send_request(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.2)
    s.process.terminate()
    head, _ = edge.answer(ident)
    assert head.startswith("HTTP/1.1 200")
    edge.close()
    assert s.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("sent, got", [
    (signal.SIGHUP, -signal.SIGHUP), (signal.SIGQUIT, 2), (signal.SIGKILL, -signal.SIGKILL)])
def test_signals_that_end_it_at_once(start, edge, sent, got):
    s = start(edge.address)
    s.wait_ready()
    s.process.send_signal(sent)
    assert s.process.wait(PATIENCE) == got


def test_signals_that_are_ignored(start, edge):
    s = start(edge.address)
    s.wait_ready()
    for sent in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        s.process.send_signal(sent)
    time.sleep(0.2)
    assert s.ready() == 200


def test_a_closed_log_reader_kills_by_sigpipe(start, edge):
    read, write = os.pipe()
    s = start(edge.address, stderr=write)
    os.close(write)
    s.wait_ready()
    os.close(read)
    edge.mode("log_plain")
    assert s.process.wait(PATIENCE) == -signal.SIGPIPE


# ---- refusals and losses ----

def test_unauthorized_is_retried_for_ever(start, edge):
    edge.refuse = ("permanent", "Unauthorized: Invalid tunnel secret")
    s = start(edge.address, mode="backoff_percent 1\n", protocol="http2")
    until(lambda: len(s.says("Register tunnel error from server side")) >= 3)
    line = s.says("Register tunnel error from server side")[0]
    assert line["error"] == "Unauthorized: Invalid tunnel secret" and line["level"] == "error"
    assert s.ready() == 503
    edge.refuse = None
    s.wait_ready()


@pytest.mark.parametrize("protocol, ends", [("http2", True), ("quic", False)])
def test_another_permanent_refusal_ends_http2_only(start, edge, protocol, ends):
    edge.refuse = ("permanent", "tunnel has been deleted")
    s = start(edge.address, mode="backoff_percent 1\n", protocol=protocol)
    if ends:
        assert s.process.wait(PATIENCE) == 1
        assert s.lines()[-1] == "tunnel has been deleted"
    else:
        until(lambda: len(s.says("Serve tunnel error")) >= 3)
        assert s.process.poll() is None


def test_a_lost_connection_comes_back(start, edge):
    s = start(edge.address, mode="step_ms 10\nbackoff_percent 5\n", protocol="http2")
    until(lambda: s.ready() == 200 and s.connections() == 4)
    for link in list(edge.links):
        link.close()
    until(lambda: len(s.says("Lost connection with the edge")) >= 4)
    assert {x["level"] for x in s.says("Connection terminated")} == {"warn", "error"}
    until(lambda: s.connections() == 4)
    edge.wait(lambda e: len(e.hellos) >= 8)
    assert len({h[3] for h in edge.hellos}) == 1


def test_quic_notices_silence(start, edge):
    s = start(edge.address)
    s.wait_ready()
    edge.changed.acquire()  # the edge's threads stand still: no answer to any ping
    try:
        until(lambda: s.ready() == 503, 9)
    finally:
        edge.changed.release()
    assert s.says("Serve tunnel error")[-1]["error"].startswith("timeout: no recent network")


# ---- rules and origins ----

def test_rules_are_matched_as_cloudflared_does(start, edge):
    edge.set_config(1, [
        ("a.example.com", "^/api", "http_status:201"), ("a.example.com", "", "http_status:202"),
        ("*.example.com", "", "http_status:203"), ("hello.test", "", "hello_world"),
        ("", "", "http_status:404")])
    s = start(edge.address)
    until(lambda: s.says("Updated to new configuration"))
    for host, path, status in [
            ("a.example.com", "/api/x?y", 201), ("a.example.com", "/x/api", 202),
            ("a.example.com:8080", "/", 202), ("A.example.com", "/", 203),
            ("b.c.example.com", "/", 203), ("example.com", "/", 404), ("other", "/", 404)]:
        assert edge.fetch(host, path)[0].startswith(f"HTTP/1.1 {status} "), (host, path)
    assert b"Congrats" in edge.fetch("hello.test")[1]


def test_a_bad_or_older_configuration_is_refused_and_the_old_one_stays(start, edge):
    edge.set_config(5, [("", "", "http_status:201")])
    s = start(edge.address)
    until(lambda: s.says("Updated to new configuration"))
    edge.set_config(6, [("x.test", "", "http_status:202")])
    until(lambda: s.says("Failed to deserialize new configuration"))
    assert s.says("Failed to deserialize new configuration")[0]["version"] == 6
    edge.set_config(4, [("", "", "http_status:203")])
    assert edge.fetch("x.test")[0].startswith("HTTP/1.1 201")
    assert json.loads(s.get("/config")[1])["version"] == 5


def test_before_any_configuration_it_answers_503(start, edge):
    s = start(edge.address)
    s.wait_ready()
    assert edge.fetch("x.test")[0].startswith("HTTP/1.1 503")


def test_an_origin_is_reached(start, edge, origin):
    edge.set_config(1, [("w.test", "", origin, "inner.test"), ("", "", origin)])
    s = start(edge.address)
    until(lambda: s.says("Updated to new configuration"))
    head, body = edge.fetch("x.test", "/p?q=1")
    told = json.loads(body)
    assert head.startswith("HTTP/1.1 200") and told["path"] == "/p?q=1"
    assert told["headers"]["Host"] == "x.test" and told["headers"]["Connection"] == "close"
    assert json.loads(edge.fetch("w.test")[1])["headers"]["Host"] == "inner.test"
    head, body = edge.fetch("x.test", "/chunked")
    assert "chunked" not in head.lower() and json.loads(body)["path"] == "/chunked"
    assert len(edge.fetch("x.test", "/big")[1]) == 3_000_000
    raw = b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    assert edge.answer(edge.send_request(raw, b"hello"))[1] == b"hello"
    raw = b"POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert edge.answer(edge.send_request(raw, b"h" * 50000))[1] == b"h" * 50000
    assert 'status_code="200"} 4' in s.get("/metrics")[1]


def test_a_dead_origin_is_502_with_the_real_line(start, edge):
    dead = f"http://127.0.0.1:{free_port()}"
    edge.set_config(1, [("", "", dead)])
    s = start(edge.address)
    until(lambda: s.says("Updated to new configuration"))
    assert edge.fetch("x.test")[0].startswith("HTTP/1.1 502")
    line = [x for x in s.log() if "originService" in x][0]
    assert line["error"].endswith(f"dial tcp {dead[7:]}: connect: connection refused")
    assert line["event"] == 1 and line["ingressRule"] == 0 and line["cfRay"] == "0123-SIM"
    assert "message" not in line and line["originService"] == dead
    assert "cloudflared_tunnel_request_errors 1" in s.get("/metrics")[1]


# ---- modes ----

def test_ready_after_ms_and_never_ready(start, edge):
    began = time.monotonic()
    s = start(edge.address, mode="ready_after_ms 700\n")
    s.wait_ready(503)
    s.wait_ready()
    assert time.monotonic() - began > 0.65
    s.stop()
    s = start(edge.address, mode="never_ready 1\n")
    time.sleep(0.5)
    assert s.ready() == 503


@pytest.mark.parametrize("mode, code, words", [
    ("exit_code 11\n", 11, ""), ("exit_code 0\nexit_after_ms 300\n", 0, ""),
    ("exit_words Could not lookup srv records\nexit_code 1\n", 1, "Could not lookup srv records"),
    ("exit_signal 11\n", -11, "")])
def test_exit_modes(start, edge, mode, code, words):
    s = start(edge.address, mode=mode)
    assert s.process.wait(PATIENCE) == code
    assert s.lines()[-1].endswith(words)


def test_a_mode_line_can_be_limited_to_a_tunnel(start, edge):
    other = "99999999-2222-4333-8444-555555555555"
    s = start(edge.address, mode=f"exit_code 3 {other}\n")
    s.wait_ready()
    s.stop()
    assert start(edge.address, mode=f"exit_code 3 {TUNNEL}\n").process.wait(PATIENCE) == 3


def test_modes_at_run_time(start, edge):
    edge.set_config(1, [("", "", "http_status:201")])
    s = start(edge.address, mode="step_ms 10\n")
    until(lambda: s.ready() == 200 and s.connections() == 4)
    edge.mode("lose", 2)
    until(lambda: s.connections() == 2, 1)
    edge.mode("log_torn")
    edge.mode("log_plain")
    edge.mode("log_burst", 70000)
    until(lambda: any(len(x) > 70000 for x in s.lines()))
    broken = [x for x in s.lines() if not (x.startswith("{") and x.endswith("}"))]
    assert len(broken) == 1 and "receive buffer size" in broken[0]
    with pytest.raises(json.JSONDecodeError):
        for x in s.lines():
            if x not in broken:
                json.loads(x)
    edge.mode("report_version", 0)
    until(lambda: json.loads(s.get("/config")[1])["version"] == 0)
    edge.mode("lose_all_s", 1)
    until(lambda: s.ready() == 503, 1)
    s.wait_ready()


def test_dead_is_ready_and_serves_nothing(start, edge):
    edge.set_config(1, [("", "", "http_status:201")])
    s = start(edge.address)
    until(lambda: s.says("Updated to new configuration"))
    edge.mode("dead")
    time.sleep(0.1)
    ident = edge.send_request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)
    assert ident not in edge.answers and s.ready() == 200
    edge.mode("dead", 0)
    assert edge.fetch("x")[0].startswith("HTTP/1.1 201")


def test_ready_hangs_and_recovers(start, edge):
    s = start(edge.address, mode="ready_hang 1\n")
    edge.wait(lambda e: e.links)
    with pytest.raises(TimeoutError):
        s.get("/ready", timeout=0.5)
    edge.mode("ready_hang", 0)
    s.wait_ready()


def test_stale_ignores_new_configurations(start, edge):
    edge.set_config(1, [("", "", "http_status:201")])
    s = start(edge.address, mode="stale 1\n")
    s.wait_ready()
    time.sleep(0.2)
    assert json.loads(s.get("/config")[1])["version"] == -1


def test_ignored_sigterm(start, edge):
    s = start(edge.address, mode="ignore_term 1\n")
    s.wait_ready()
    s.process.terminate()
    time.sleep(1.5)
    assert s.process.poll() is None and s.ready() == 200
    s.process.kill()
    assert s.process.wait(PATIENCE) == -signal.SIGKILL


def test_quic_blocked_leaves_http2_as_the_way(start, edge):
    s = start(edge.address, mode="quic_blocked 1\n")
    until(lambda: s.says("Failed to dial a quic connection"))
    s.stop()
    s = start(edge.address, mode="quic_blocked 1\n", protocol="http2")
    s.wait_ready()
