"""adit against a daemon of our own on a Unix socket: exit codes, what --json prints, errors,
questions on a terminal, and a daemon that is not there."""

import errno
import fcntl
import http.server
import json
import os
import pty
import select
import socket
import socketserver
import struct
import subprocess
import tempfile
import termios
import threading
import time

import pytest

ADIT = os.path.join(os.environ["ADIT_BUILD"], "adit")
HASH = "5c1e0d5c1e0d5c1e0d5c1e0d5c1e0d5c1e0d5c1e0d5c1e0d5c1e0d5c1e0d5c1e"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is asked")


class Daemon:
    """Answers each operation with what the test put there; keeps what it was asked."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "adit.sock")
        self.calls, self.answers, self.delay, self.cut = [], {}, 0, False
        daemon = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                daemon.calls.append((self.path, json.loads(body)))
                time.sleep(daemon.delay)
                if daemon.cut:
                    self.close_connection = True
                    return
                status, answer = daemon.answers[self.path.rsplit("/", 1)[1]]
                data = answer.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

            def get_request(self):
                request, _ = super().get_request()
                return request, ("local", 0)

        self.server = Server(self.path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def result(self, operation, **members):
        self.answers[operation] = (200, json.dumps({"result": members}) + "\n")

    def error(self, operation, status, **members):
        self.answers[operation] = (status, json.dumps({"error": members}) + "\n")


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="adit-cli-") as path:
        yield path


@pytest.fixture
def daemon(folder):
    d = Daemon(folder)
    yield d
    d.close()


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("ADIT_SOCKET", "NO_COLOR")}
    env["TERM"] = "xterm"
    env.update(more)
    return env


def adit(daemon, *words, stdin=None, **env):
    return subprocess.run([ADIT, "--socket", daemon.path, *words], capture_output=True, text=True,
                          input=stdin, timeout=60, env=environment(**env))


class Terminal:
    """adit on a terminal of a given width."""

    def __init__(self, daemon, *words, columns=100, **env):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.fd, self.text = master, ""
        self.process = subprocess.Popen([ADIT, "--socket", daemon.path, *words], stdin=slave,
                                        stdout=slave, stderr=slave, start_new_session=True,
                                        env=environment(**env))
        os.close(slave)

    def read(self, until=None):
        end = time.monotonic() + 30
        while time.monotonic() < end and (until is None or until not in self.text):
            ready, _, _ = select.select([self.fd], [], [], 0.2)
            if not ready:
                continue
            try:
                piece = os.read(self.fd, 4096)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                break
            if not piece:
                break
            self.text += piece.decode()
        return self.text

    def say(self, line):
        os.write(self.fd, line.encode())

    def end(self):
        self.read()
        code = self.process.wait(30)
        os.close(self.fd)
        return code


APPLIED = dict(plan="p8", state="applied", hash=HASH, converged=True, problems=[], warnings=[],
               approvals=[],
               changes=[dict(sign="+", object="route", name="app.example.com")])
WAITING = dict(plan="p7", state="needs_approval", hash=HASH, converged=False, problems=[],
               warnings=[], approvals=["it deletes a route"],
               changes=[dict(sign="-", object="route", name="app.example.com")])


@pytest.mark.parametrize("state,code", [("ok", 0), ("degraded", 1), ("down", 2)])
def test_status_exit_code(daemon, state, code):
    daemon.result("status_get", state=state, problems=[], tunnels=[], routes=[])
    got = adit(daemon, "status")
    assert got.returncode == code and state in got.stdout and got.stderr == ""
    assert daemon.calls == [("/v1/status_get", {})]


@pytest.mark.parametrize("answer,words,code", [
    (dict(APPLIED), [], 0),
    (dict(APPLIED, converged=False), [], 75),
    (dict(APPLIED, converged=False), ["--no-wait"], 0),
    (dict(APPLIED, converged=False, problems=[dict(message="No", kind="conflict")]), [], 1),
    (dict(APPLIED, state="unchanged"), [], 0),
    (dict(WAITING), [], 77),
    (dict(WAITING, plan=None), ["--dry-run"], 0),
    (dict(APPLIED, state="stale"), [], 1),
])
def test_write_exit_code(daemon, answer, words, code):
    daemon.result("route_set", **answer)
    got = adit(daemon, "publish", "app.example.com", "http://127.0.0.1:8080", *words)
    assert got.returncode == code, got.stdout + got.stderr


@pytest.mark.parametrize("kind,status,code", [
    ("invalid", 400, 64), ("not_found", 404, 1), ("denied", 403, 77), ("conflict", 409, 1),
    ("busy", 503, 75), ("rate_limited", 429, 75), ("upstream", 502, 69), ("timeout", 504, 75),
    ("cancelled", 409, 1), ("internal", 500, 1), ("needs_approval", 409, 77)])
def test_errors_have_exit_codes(daemon, kind, status, code):
    daemon.error("tunnel_get", status, kind=kind, message="It went wrong", hint="Do this.",
                 retryable=False)
    got = adit(daemon, "tunnel", "get", "web")
    assert got.returncode == code
    assert got.stdout == "" and got.stderr == "adit: It went wrong\n      Do this.\n"


def test_error_names_cloudflare(daemon):
    daemon.error("zone_list", 403, kind="denied", message="Refused", retryable=False,
                 missing_permission="Zone: Read",
                 cloudflare=dict(status=403, code=10000, ray="8a1b-FRA"))
    got = adit(daemon, "zone", "list")
    assert "The token lacks: Zone: Read" in got.stderr
    assert "HTTP 403, code 10000, ray 8a1b-FRA" in got.stderr


@pytest.mark.parametrize("status,body,code", [
    (200, '{"result":{"items":[ ],"count":0,\t"total":0, "truncated":false}}\n', 0),
    (404, '{"error": {"kind":"not_found","message":"No \\u00e9"}}', 1),
    (500, 'not json at all', 1)])
def test_json_is_the_answer_itself(daemon, status, body, code):
    daemon.answers["tunnel_list"] = (status, body)
    got = adit(daemon, "tunnel", "list", "--json")
    assert (got.returncode, got.stdout, got.stderr) == (code, body, "")


def test_json_of_a_waiting_plan(daemon):
    daemon.result("route_delete", **WAITING)
    got = adit(daemon, "unpublish", "app.example.com", "--json")
    assert got.returncode == 77 and got.stdout == daemon.answers["route_delete"][1]


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"result":[]}', "<html>", '{"result":{}} x'])
def test_strange_answers(daemon, body):
    daemon.answers["tunnel_list"] = (502, body)
    got = adit(daemon, "tunnel", "list")
    assert got.returncode == 1 and "HTTP 502" in got.stderr and got.stdout == ""


def test_usage_errors_call_nobody(daemon):
    for words, said in ((["tunel", "list"], "adit tunnel?"), (["tunnel", "create"], "NAME"),
                        (["tunnel", "list", "--limit", "0"], "limit"), ([], "missing")):
        got = adit(daemon, *words)
        assert got.returncode == 64 and said in got.stderr and got.stdout == ""
    assert daemon.calls == []


def test_a_file_is_sent_as_text(daemon, folder):
    path = os.path.join(folder, "a.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("owner: é\n")
    daemon.result("config_check", valid=False, message="a.yaml:1:1: no")
    got = adit(daemon, "config", "check", path)
    assert got.returncode == 78 and "a.yaml:1:1: no" in got.stdout
    assert daemon.calls == [("/v1/config_check", {"text": "owner: é\n", "name": path})]


def test_standard_input_is_a_file_too(daemon):
    daemon.result("config_check", valid=True, needs_restart=[])
    got = adit(daemon, "config", "check", "-", stdin="owner: x\n")
    assert got.returncode == 0
    assert daemon.calls[0][1] == {"text": "owner: x\n", "name": "standard input"}


# ---- a daemon that is not there ----


def test_no_socket(folder):
    got = subprocess.run([ADIT, "status"], capture_output=True, text=True, timeout=60,
                         env=environment(ADIT_SOCKET=os.path.join(folder, "none.sock")))
    assert got.returncode == 3 and got.stdout == ""
    assert "there is no socket" in got.stderr and "none.sock" in got.stderr
    assert "aditd" in got.stderr


def test_nobody_listens(folder):
    path = os.path.join(folder, "dead.sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
    got = subprocess.run([ADIT, "status", "--json", "--socket", path], capture_output=True,
                         text=True, timeout=60, env=environment())
    assert got.returncode == 3 and got.stdout == "" and "nobody listens" in got.stderr


@as_root
def test_no_permission(daemon, folder):
    os.chmod(folder, 0o755)
    os.chmod(daemon.path, 0o600)
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        program = os.path.join(place, "adit")
        with open(ADIT, "rb") as source, open(program, "wb") as copy:
            copy.write(source.read())
        os.chmod(program, 0o755)
        got = subprocess.run([program, "--socket", daemon.path, "status"], capture_output=True,
                             text=True, timeout=60, user=65534, group=65534, extra_groups=[],
                             env=environment())
    assert got.returncode == 3 and "may not open" in got.stderr and "sudo" in got.stderr


def test_daemon_leaves_without_an_answer(daemon):
    daemon.cut = True
    got = adit(daemon, "tunnel", "create", "web")
    assert got.returncode == 3 and "without an answer" in got.stderr
    assert len(daemon.calls) == 1


def test_a_path_too_long():
    got = subprocess.run([ADIT, "--socket", "/tmp/" + "x" * 200, "status"], capture_output=True,
                         text=True, timeout=60, env=environment())
    assert got.returncode == 3 and "cannot be reached" in got.stderr


def test_output_that_cannot_be_written(daemon):
    daemon.result("status_get", state="ok", problems=[], tunnels=[], routes=[])
    with open("/dev/full", "w", encoding="ascii") as full:
        got = subprocess.run([ADIT, "--socket", daemon.path, "status"], stdout=full,
                             stderr=subprocess.PIPE, text=True, timeout=60, env=environment())
    assert got.returncode == 1 and "No space left" in got.stderr


# ---- approving ----


def test_without_a_terminal_nothing_is_asked(daemon):
    daemon.result("route_delete", **WAITING)
    got = adit(daemon, "unpublish", "app.example.com", stdin="y\n")
    assert got.returncode == 77
    assert "sudo adit plan approve p7 --hash 5c1e0d5c1e0d\n" in got.stdout
    assert [path for path, _ in daemon.calls] == ["/v1/route_delete"]
    assert "approve" not in daemon.calls[0][1]


def test_yes_approves_in_the_same_call(daemon):
    daemon.result("route_delete", **APPLIED)
    assert adit(daemon, "unpublish", "a.example.com", "--yes").returncode == 0
    assert adit(daemon, "unpublish", "a.example.com", "--yes=" + HASH[:12]).returncode == 0
    assert daemon.calls[0][1] == {"hostname": "a.example.com", "approve": True}
    assert daemon.calls[1][1] == {"hostname": "a.example.com", "approve": True,
                                  "hash": HASH[:12]}


@as_root
def test_root_is_asked_and_approves_what_was_shown(daemon):
    daemon.result("route_delete", **WAITING)
    daemon.result("plan_approve", **APPLIED)
    t = Terminal(daemon, "unpublish", "app.example.com", "--timeout", "1m")
    shown = t.read("[y/N]")
    assert "it deletes a route" in shown and "needs approval" in shown
    t.say("y\n")
    assert t.end() == 0
    assert daemon.calls[1] == ("/v1/plan_approve", {"plan": "p7", "hash": HASH, "wait": True,
                                                    "timeout": "1m"})
    assert "applied" in t.text


@as_root
@pytest.mark.parametrize("said", ["n\n", "\n", "yep\n", "\x04"])
def test_all_but_yes_is_no(daemon, said):
    daemon.result("route_delete", **WAITING)
    t = Terminal(daemon, "unpublish", "app.example.com")
    t.read("[y/N]")
    t.say(said)
    assert t.end() == 77
    assert "sudo adit plan approve p7" in t.text and len(daemon.calls) == 1


@as_root
def test_an_approval_can_be_refused(daemon):
    daemon.result("route_delete", **WAITING)
    daemon.error("plan_approve", 409, kind="conflict", message="Plan p7 is stale")
    t = Terminal(daemon, "unpublish", "app.example.com")
    t.read("[y/N]")
    t.say("yes\n")
    assert t.end() == 1 and "Plan p7 is stale" in t.text


# ---- on a terminal ----


def test_colour_only_on_a_terminal(daemon):
    daemon.result("status_get", state="degraded", problems=[], tunnels=[], routes=[])
    assert "\033[" not in adit(daemon, "status").stdout
    assert "\033[33m" in adit(daemon, "--color=always", "status").stdout
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        t = Terminal(daemon, "status", **env)
        assert t.end() == 1 and ("\033[" in t.text) == coloured


def test_tables_keep_to_the_width(daemon):
    row = dict(hostname="a" * 60 + ".example.com", service="http://127.0.0.1:8080", tunnel="web",
               state="live")
    daemon.result("route_list", items=[row], count=1, total=1, truncated=False)
    t = Terminal(daemon, "route", "list", columns=60, NO_COLOR="1")
    assert t.end() == 0
    assert max(len(line) for line in t.text.splitlines()) <= 60 and "\u2026" in t.text
    assert row["hostname"] in adit(daemon, "route", "list").stdout


def test_progress_is_shown_and_erased(daemon):
    daemon.delay = 1.2
    daemon.result("tunnel_create", **APPLIED)
    t = Terminal(daemon, "tunnel", "create", "web")
    assert t.end() == 0
    assert "waiting for tunnel create" in t.text and "1 s" in t.text
    assert "\r\033[Kplan" in t.text.replace("\033[1m", "")
    assert "waiting" not in adit(daemon, "tunnel", "create", "web").stderr


def test_help_and_version_need_no_daemon(folder):
    for words in (["--help"], ["help", "tunnel"], ["route", "set", "--help"], ["--version"],
                  ["gen", "man"], ["gen", "operations-md"]):
        got = subprocess.run([ADIT, *words], capture_output=True, text=True, timeout=60,
                             env=environment(ADIT_SOCKET=os.path.join(folder, "none")))
        assert got.returncode == 0 and got.stdout and got.stderr == ""
