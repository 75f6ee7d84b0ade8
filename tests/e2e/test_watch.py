"""GET /v1/watch and adit status --watch: a snapshot, then what changes, for as long as one may."""
import json
import os
import pty
import queue
import signal
import socket
import subprocess
import threading
from http.client import HTTPConnection

import pytest

from harness import BUILD, PATIENCE, free_port, until, visit


class Stream:
    """curl -N on the stream: events and comments as they come."""

    def __init__(self, host, query="", headers=(), user=None):
        more = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
        self.process = subprocess.Popen(
            ["/usr/bin/curl", "-sN", "--unix-socket", host.socket,
             *(x for h in headers for x in ("-H", h)), "-w", "\n:code %{http_code}\n",
             f"http://localhost/v1/watch{query}"],
            stdout=subprocess.PIPE, text=True, cwd="/", env={}, **more)
        self.queue, self.comments, self.text = queue.Queue(), [], ""
        self.code, self.objects, self.status = None, {}, None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        for line in self.process.stdout:
            self.text += line
            line = line.rstrip("\n")
            if line.startswith(":code "):
                self.code = int(line.split()[1])
            elif line.startswith(":"):
                self.comments.append(line)
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif "data" in event:
                data = json.loads(event["data"])
                assert data["type"] == event["event"], event
                assert event["id"].endswith(f":{data['seq']}"), event
                data["place"] = event["id"]
                self.queue.put(data)
                event = {}
        self.queue.put(None)

    def next(self, seconds=PATIENCE):
        """The next event; None at the end of the stream."""
        event = self.queue.get(timeout=seconds)
        if event and event["type"] == "changed":
            self.objects[event["object"]] = event.get("data")
        self.status = (event or {}).get("status", self.status)
        return event

    def when(self, what):
        """Events until what() is true of what they told."""
        while not what():
            assert self.next() is not None, f"the stream ended: {self.text[-500:]}"

    def until(self, seconds=PATIENCE, **fit):
        """The next event that fits."""
        def step():
            event = self.next(seconds)
            assert event is not None, f"the stream ended: {self.text[-500:]}"
            return event if all(event.get(k) == v for k, v in fit.items()) else None
        return until(step, seconds, 0, f"no event {fit}")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


@pytest.fixture
def streams():
    opened = []

    def start(*args, **named):
        opened.append(Stream(*args, **named))
        return opened[-1]
    yield start
    for s in opened:
        s.close()


def quiet(stream):
    """What is on its way has come."""
    last = None
    while True:
        try:
            last = stream.next(1.5) or last
        except queue.Empty:
            return last


def test_a_snapshot_and_then_what_changes(running, origin, streams):
    stream = streams(running)
    first = stream.next()
    assert first["type"] == "snapshot" and first["id"] == "" and first["boot"] in first["place"]
    assert first["status"]["owner"] == "edge1" and first["status"]["routes"] == []
    running.publish("app.example.com", origin.url)
    route = stream.until(type="changed", object="route")
    assert route["data"]["hostname"] == "app.example.com" and route["revision"] > 0
    stream.when(lambda: stream.objects["route"]["state"] == "live")
    stream.when(lambda: stream.objects.get("connector", {}).get("state") == "ready")
    stream.when(lambda: stream.status["state"] == "ok")
    running.wait_converged()
    quiet(stream)
    late = streams(running).next()
    kinds = sorted(o["object"] for o in late["objects"])
    assert kinds == ["connector", "record", "route", "tunnel", "zone", "zone"]
    listed = running.items("route_list")[0]
    assert next(o["data"] for o in late["objects"] if o["object"] == "route") == listed
    running.api("route_delete", hostname="app.example.com", approve=True)
    assert stream.until(type="removed", object="route")["id"] == route["id"]


def test_what_changes_not_is_not_told(site, streams):
    stream = streams(site)
    stream.next()
    quiet(stream)
    running = streams(site, "?view=status")
    assert "objects" not in running.next()
    for _ in range(20):
        site.status()
    assert quiet(stream) is None and quiet(running) is None


def test_who_comes_back_misses_nothing(site, origin, streams):
    stream = streams(site)
    stream.next()
    site.publish("two.example.com", origin.url)
    place = stream.until(type="changed", object="route")["place"]
    stream.close()
    site.publish("three.example.com", origin.url)
    site.wait_converged()
    for again in (streams(site, f"?since={place}"),
                  streams(site, headers=[f"Last-Event-ID: {place}"])):
        names, event = set(), again.next()
        while event["type"] != "status":
            assert event["type"] in ("changed", "removed"), event
            assert event["seq"] > int(place.split(":")[1])
            names.add(event.get("data", {}).get("hostname"))
            event = again.next()
        assert "three.example.com" in names
    for strange in ("feedbeef:1", place.split(":")[0] + ":99999999", "nonsense", "0"):
        assert streams(site, f"?since={strange}").next()["type"] == "snapshot"
    site.restart()
    assert streams(site, f"?since={place}").next()["type"] == "snapshot"


def test_what_it_does_not_take_is_refused_with_a_sentence(running, streams):
    status, _, text = running.visit("GET", "/v1/watch?what=1")
    assert status == 400 and "what" in json.loads(text)["error"]["message"]
    status, _, text = running.visit("GET", "/v1/watch?view=colour")
    assert status == 400 and "status" in json.loads(text)["error"]["message"]
    assert running.visit("POST", "/v1/watch", b"{}")[0] == 405
    mine = [streams(running) for _ in range(8)]
    for stream in mine:
        stream.next()
    status, _, text = running.visit("GET", "/v1/watch")
    assert status == 503 and json.loads(text)["error"]["kind"] == "busy"
    mine[0].close()
    until(lambda: streams(running).queue.get(timeout=PATIENCE), why="no room came free")


def test_a_stream_lasts_as_long_as_the_role(host, streams):
    host.configure(access={"viewer": {"users": ["daemon", "bin"]}})
    host.start()
    stays, goes, stranger = (streams(host, user=uid) for uid in (1, 2, 5))
    assert stays.next()["type"] == goes.next()["type"] == "snapshot"
    assert stranger.next() is None and stranger.code == 403
    host.configure(access={"viewer": {"users": ["daemon"]}})
    host.reload()
    end = goes.until(20, type="end")
    assert "bin" in end["message"] and goes.next() is None
    until(lambda: stays.comments, 20, why="no heartbeat")
    host.stop()
    stays.thread.join(PATIENCE)
    assert not stays.thread.is_alive()


def test_who_never_reads_holds_nothing_up(site, origin):
    deaf = []
    for _ in range(8):
        s = socket.socket(socket.AF_UNIX)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(str(site.socket))
        s.sendall(b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
        deaf.append(s)
    for i in range(5):
        site.publish(f"n{i}.example.com", origin.url)
    site.wait_converged()
    for s in deaf:
        s.close()


class Watching:
    """adit status --watch, its output line by line."""

    def __init__(self, host, *options):
        self.process = subprocess.Popen(
            [BUILD / "adit", "--socket", host.socket, "status", "--watch", *options], env={},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.errors = [], []
        self.threads = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines),
                                     (self.process.stderr, self.errors))]
        for t in self.threads:
            t.start()

    @staticmethod
    def _read(pipe, lines):
        for line in pipe:
            lines.append(line)

    def wait(self, *words, where=None, seconds=PATIENCE):
        lines = self.lines if where is None else where
        return until(lambda: next((line for line in list(lines)
                                   if all(w in line for w in words)), None), seconds,
                     why=lambda: f"no {words} in {lines} {self.errors}")

    def end(self, sig=signal.SIGINT):
        self.process.send_signal(sig)
        code = self.process.wait(PATIENCE)
        for t in self.threads:
            t.join()
        return code


def test_status_watch_tells_a_line_per_change(running, origin):
    live = Watching(running)
    live.wait("status of the whole")
    running.publish("app.example.com", origin.url)
    live.wait("route app.example.com", "live")
    live.wait("connector edge1/1", "ready")
    live.wait("record app.example.com CNAME", "as wanted")
    running.api("route_delete", hostname="app.example.com", approve=True)
    live.wait("route app.example.com", "removed")
    assert live.end() == 0 and not live.errors, live.errors


def test_status_watch_outlasts_the_daemon(site, origin):
    live, raw = Watching(site), Watching(site, "--json")
    live.wait("status of the whole")
    raw.wait('"snapshot"')
    site.stop()
    live.wait("not reachable, retrying", where=live.errors)
    site.start()
    live.wait("reachable again", where=live.errors)
    site.publish("two.example.com", origin.url)
    live.wait("route two.example.com", "live")
    assert live.end(signal.SIGTERM) == 0
    assert sum("retrying" in line for line in live.errors) == 1, live.errors
    raw.wait('"two.example.com"')
    assert raw.end() == 0
    events = [json.loads(line) for line in raw.lines]
    assert [e["type"] for e in events].count("snapshot") == 2
    assert len({e["boot"] for e in events if e["type"] == "snapshot"}) == 2


def test_status_watch_without_a_daemon_or_a_right_ends(host):
    live = Watching(host)
    assert live.process.wait(PATIENCE) == 3
    live.wait("cannot be reached", where=live.errors)
    host.start()
    done = subprocess.run([BUILD / "adit", "--socket", host.socket, "status", "--watch"], env={},
                          user=5, group=5, extra_groups=[], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 77 and "games" in done.stderr
    code, _, errors = host.adit("status", "--watch", "--refresh")
    assert code == 64 and "--watch" in errors
    code, _, errors = host.adit("tunnel", "list", "--watch")
    assert code == 64 and "--watch" in errors


def test_status_watch_draws_the_page_again(site, origin):
    main, other = pty.openpty()
    live = subprocess.Popen([BUILD / "adit", "--socket", site.socket, "status", "--watch"],
                            env={"TERM": "xterm"}, stdin=other, stdout=other, stderr=other)
    os.close(other)
    seen = []

    def read():
        while True:
            try:
                seen.append(os.read(main, 65536))
            except OSError:
                return
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    text = lambda: b"".join(seen).decode(errors="replace")  # noqa: E731
    until(lambda: "app.example.com" in text() and "Ctrl-C ends" in text())
    site.publish("two.example.com", origin.url)
    until(lambda: "two.example.com" in text())
    site.stop()
    until(lambda: "daemon is not reachable, retrying" in text())
    live.send_signal(signal.SIGINT)
    assert live.wait(PATIENCE) == 0
    thread.join(PATIENCE)
    os.close(main)
    assert text().startswith("\x1b[?1049h") and text().endswith("\x1b[?1049l")


def test_no_grant_reaches_the_streams(host, streams):
    """They tell of everything: neither a token nor a grant's name on the socket opens one, or any
    other of the operations there, and what is refused names nothing."""
    port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{port}"})
    host.start()
    host.publish("secret.example.com", "http_status:404")
    token = host.api("grant_create", name="narrow", hosts=["app.example.com"])["token"]
    for path in ("/v1/watch", "/v1/watch?view=status", "/v1/status_get", "/v1/route_list"):
        over_tcp = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        status, _, text = visit(over_tcp, "GET", path, None, {"Authorization": f"Bearer {token}"})
        assert status == 404 and b"secret" not in text and b"edge1" not in text, text
        status, _, text = host.visit("GET", path, None, {"X-Adit-Grant": "narrow"})
        assert status == 400 and "X-Adit-Grant" in json.loads(text)["error"]["message"], text
        assert b"secret" not in text and b"edge1" not in text, text
    assert host.visit("GET", "/v1/status_get")[0] == 200
    assert streams(host).next()["type"] == "snapshot"
