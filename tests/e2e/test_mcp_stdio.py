"""`adit mcp` as a client starts it: a pipe to the daemon that says nothing of its own on standard
output, ends with its input, and says on standard error why it ends otherwise."""
import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import BUILD, PATIENCE, process_alive, until

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
PONG = {"jsonrpc": "2.0", "id": 1, "result": {}}


class Pipe:
    """A running `adit mcp`."""

    def __init__(self, host, *args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more):
        self.process = subprocess.Popen(
            [BUILD / "adit", "--socket", host.socket, "mcp", *args], stdin=stdin, stdout=stdout,
            stderr=subprocess.PIPE, env={}, **more)

    def send(self, *messages):
        self.process.stdin.write(b"".join(json.dumps(m).encode() + b"\n" for m in messages))
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def ping(self):
        self.send(PING)
        assert self.read() == PONG

    def wait(self):
        """(exit code, what came after the last read, errors)"""
        code = self.process.wait(PATIENCE)
        rest = self.process.stdout.read() if self.process.stdout else b""
        errors = self.process.stderr.read().decode()
        for f in (self.process.stdin, self.process.stdout, self.process.stderr):
            if f:
                try:
                    f.close()
                except BrokenPipeError:
                    pass
        return code, rest, errors


@pytest.fixture
def pipe(running):
    made = Pipe(running)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.wait()


def test_it_ends_with_its_input(running):
    """At once: the two seconds are for what was asked and is not answered yet."""
    took = []
    while len(took) < 5 and min(took, default=2) > 1.5:
        pipe = Pipe(running)
        pipe.ping()
        began = time.monotonic()
        pipe.process.stdin.close()
        assert pipe.wait() == (0, b"", "")
        took.append(time.monotonic() - began)
    assert min(took) < 1.5, took


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_on_a_signal(pipe, signo):
    pipe.ping()
    pipe.process.send_signal(signo)
    assert pipe.wait() == (0, b"", "")


def test_what_was_asked_is_answered_before_it_ends(running):
    """As a shell does it: printf ... | adit mcp."""
    text = "".join(json.dumps({**PING, "id": i}) + "\n" for i in range(200))
    code, out, errors = running.adit("mcp", stdin=text.rstrip("\n"))
    assert (code, errors) == (0, "")
    assert sorted(json.loads(line)["id"] for line in out.splitlines()) == list(range(200))


def test_nothing_else_on_standard_output(running, tmp_path):
    code, out, errors = running.adit("mcp", stdin="")
    assert (code, out, errors) == (0, "", "")
    running.stop()
    code, out, errors = running.adit("mcp", stdin=json.dumps(PING))
    assert code == 3 and out == "" and "cannot be reached" in errors


def test_no_daemon_no_socket_no_right(running):
    done = subprocess.run([BUILD / "adit", "--socket", "/nonexistent/adit.sock", "mcp"], env={},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 3 and "no socket" in done.stderr and done.stdout == ""
    done = subprocess.run([BUILD / "adit", "--socket", running.socket, "mcp"], env={}, user=5,
                          group=60, extra_groups=[], cwd="/", stdin=subprocess.PIPE,
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 77 and "games" in done.stderr and done.stdout == ""


def test_what_it_takes(running):
    code, out, errors = running.adit("mcp", "--grant", "a b", stdin="")
    assert code == 64 and out == "" and "grant" in errors
    code, out, errors = running.adit("mcp", "--grant", "x\r\nX-Adit-Grant: y", stdin="")
    assert code == 64 and out == ""
    code, out, errors = running.adit("mcp", "tools", stdin="")
    assert code == 64 and out == "" and "adit mcp --help" in errors
    code, out, errors = running.adit("mcp", "--help")
    assert code == 0 and "--grant" in out and "claude mcp add" in out
    assert "mcp" in running.adit("--help")[1]


def test_a_grant_that_is_none(running):
    code, out, errors = running.adit("mcp", "--grant", "nothing", stdin=json.dumps(PING))
    assert code == 77 and out == "" and '"nothing"' in errors and "adit grant list" in errors


@pytest.mark.parametrize("socket_path", [None, "/nonexistent/adit.sock"])
def test_the_client_hears_why_it_is_refused(running, socket_path):
    """It shows its user what it is answered; of an end it says that the connection is closed."""
    pipe = Pipe(running, "--grant", "nothing") if not socket_path else subprocess.Popen(
        [BUILD / "adit", "--socket", socket_path, "mcp"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={})
    process = pipe if socket_path else pipe.process
    said = '"nothing"' if not socket_path else "socket"
    for ident in ("first", 2):  # the second is of the older way
        process.stdin.write(json.dumps({**PING, "id": ident}).encode() + b'\n{"method":"x"}\n5\n')
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["id"] == ident and said in answer["error"]["message"], answer
        assert isinstance(answer["error"]["code"], int) and "result" not in answer
    process.stdin.close()
    assert process.wait(PATIENCE) == (3 if socket_path else 77)
    assert process.stdout.read() == b"" and said in process.stderr.read().decode()
    process.stdout.close()
    process.stderr.close()


def test_a_grant_above_its_user(host):
    host.configure(access={"operator": {"users": ["bin"]}})
    host.start()
    host.api("grant_create", name="high", role="admin")
    host.api("grant_create", name="low", role="operator")
    for name, expected in (("high", 77), ("low", 0)):
        done = subprocess.run([BUILD / "adit", "--socket", host.socket, "mcp", "--grant", name],
                              env={}, user=2, group=2, extra_groups=[], cwd="/",
                              input=json.dumps(PING), capture_output=True, text=True, timeout=20)
        assert done.returncode == expected, (name, done)
        assert (done.stdout == "") == (expected == 77)
        assert ("admin" in done.stderr) == (expected == 77)


def test_the_daemon_stops(running, pipe):
    pipe.ping()
    running.stop()
    code, rest, errors = pipe.wait()
    assert code == 3 and rest == b"" and "cannot be reached" in errors


def test_the_daemon_is_killed(running, pipe):
    pipe.ping()
    running.kill9()
    code, rest, errors = pipe.wait()
    assert code == 3 and rest == b"" and errors


def test_the_grant_ends(running):
    running.api("grant_create", name="claude")
    pipe = Pipe(running, "--grant", "claude")
    pipe.ping()
    running.api("grant_revoke", name="claude")
    code, rest, errors = pipe.wait()
    assert code == 77 and rest == b"" and '"claude"' in errors


def test_its_client_is_killed(running):
    """The daemon notices that nobody is there."""
    before = len(os.listdir(f"/proc/{running.process.pid}/fd"))
    for _ in range(5):
        pipe = Pipe(running)
        pipe.ping()
        pipe.process.kill()
        pipe.wait()
    until(lambda: len(os.listdir(f"/proc/{running.process.pid}/fd")) <= before + 1,
          why="connections stayed open")


def test_its_output_is_closed(running):
    pipe = Pipe(running)
    pipe.ping()
    pipe.process.stdout.close()
    pipe.process.stdout = None
    pipe.send(PING, PING)
    assert pipe.wait()[0] == 1


def test_large_messages_and_a_slow_reader(running):
    """Both directions at once, more than any buffer holds: nothing is lost, nothing deadlocks."""
    pipe = Pipe(running)
    long = "x" * 200

    def send():
        for i in range(3000):
            pipe.send({**PING, "id": f"{i}-{long}"})

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(1)
    got = [pipe.read()["id"] for _ in range(3000)]
    sender.join()
    assert sorted(int(g.split("-")[0]) for g in got) == list(range(3000))
    pipe.process.stdin.close()
    assert pipe.wait()[0] == 0


@pytest.mark.parametrize("kind", ["socketpair", "file"])
def test_other_kinds_of_streams(running, kind, tmp_path):
    if kind == "socketpair":
        ours, theirs = socket.socketpair()
        pipe = Pipe(running, stdin=theirs, stdout=theirs)
        theirs.close()
        ours.settimeout(PATIENCE)
        ours.sendall(json.dumps(PING).encode() + b"\n")
        assert json.loads(ours.makefile().readline()) == PONG
        ours.shutdown(socket.SHUT_WR)
        assert pipe.wait()[0] == 0
        ours.close()
        return
    (tmp_path / "in").write_text((json.dumps(PING) + "\n") * 1000)
    with open(tmp_path / "in", "rb") as i, open(tmp_path / "out", "wb") as o:
        pipe = Pipe(running, stdin=i, stdout=o)
        assert pipe.wait()[0] == 0
    lines = (tmp_path / "out").read_text().splitlines()
    assert len(lines) == 1000 and all(json.loads(line) == PONG for line in lines)


def test_standard_streams_that_are_closed(running):
    done = subprocess.run(["/bin/sh", "-c", 'exec "$1" --socket "$2" mcp 0<&- 1>&-', "sh",
                           BUILD / "adit", running.socket], env={}, capture_output=True,
                          timeout=20)
    assert done.returncode in (0, 1)


def test_a_person_is_told_what_it_is(running):
    main, tty = pty.openpty()
    process = subprocess.Popen([BUILD / "adit", "--socket", running.socket, "mcp"], stdin=tty,
                               stdout=subprocess.PIPE, stderr=tty, env={})
    os.close(tty)
    seen = b""
    while b"Ctrl-D" not in seen:
        seen += os.read(main, 1000)
    assert b"claude mcp add" in seen
    os.write(main, b"\x04")
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
    os.close(main)


def test_it_holds_nothing_but_its_streams(running, pipe):
    pipe.ping()
    until(lambda: len(os.listdir(f"/proc/{pipe.process.pid}/fd")) <= 4)
    assert process_alive(pipe.process.pid)
    status = pathlib.Path(f"/proc/{pipe.process.pid}/status").read_text()
    assert "Threads:\t1\n" in status
