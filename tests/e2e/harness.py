"""The programs as their users run them: adit-sim for Cloudflare, aditd in a folder of its own, adit
and plain HTTP as its clients. Everything is on loopback; what a test started ends with it."""
import atexit
import contextlib
import fcntl
import http.client
import http.server
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.parse

BUILD = pathlib.Path(os.environ.get("ADIT_BUILD", "build/dev")).resolve()
# A slow machine is no failure: what shall come is waited for this long.
PATIENCE = float(os.environ.get("ADIT_PATIENCE", "20"))
FAST_STUB = "step_ms 10\nbackoff_percent 5\nstop_ms 50\n"
# A POST whose answer was lost may still land for 35 s; only then is it sent again.
SETTLE = 35
# A name that moved is served by the tunnel that it left for so long after its record was changed.
LEAVING = 20


def until(what, seconds=PATIENCE, every=0.03, why="it did not come true"):
    """The first true value of what(); an AssertionError after the deadline."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{why() if callable(why) else why} within {seconds} s")
        time.sleep(every)


_held_ports = []


def free_port():
    """Of loopback; none that the kernel gives away, and bound here as long as this process runs, so
    that no other test takes it. Whoever sets SO_REUSEADDR listens on it all the same."""
    for _ in range(100):
        port = 12000 + secrets.randbelow(20000)
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            s.close()
            continue
        # Only now: with it two would hold the same one.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held_ports.append(s)
        return port
    raise AssertionError("no port is free")


class ApiError(Exception):
    def __init__(self, status, error):
        super().__init__(f"{status} {error}")
        self.status, self.error = status, error
        self.kind, self.message = error["kind"], error["message"]
        self.hint = error.get("hint", "")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def visit(connection, method, path, body=None, headers=None):
    """(status, headers, bytes) of one request on a connection of its own."""
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Sim:
    """A running adit-sim."""

    def __init__(self, folder, *options):
        self.log_path = folder / "sim.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [BUILD / "adit-sim", *(options or ("--zone", "example.com",
                                                   "--zone", "example.net"))],
                stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"adit-sim ended: {self.log_path.read_text()}")
        at = json.loads(line)
        self.api_url, self.visitors = at["api"], at["visitors"]
        self.token, self.account = at["token"], at["account"]
        self._control = at["control"]

    def close(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status

    # ---- the control port ----

    def control(self, method, path, body=None):
        url = urllib.parse.urlsplit(self._control)
        data = None if body is None else json.dumps(body).encode()
        status, _, text = visit(http.client.HTTPConnection(url.netloc, timeout=PATIENCE),
                                method, f"/control/{path}", data)
        assert status == 200, text
        return json.loads(text)

    def fault(self, do, **rule):
        self.control("POST", "faults", {"do": do, **rule})

    def faults_clear(self):
        self.control("DELETE", "faults")

    def edit(self, method, path, body=None):
        """Somebody else does this at the dashboard."""
        answer = self.control("POST", "edit", {"method": method, "path": path, "body": body})
        assert answer["status"] == 200, answer
        return answer["answer"]["result"]

    def edge(self, **command):
        return self.control("POST", "edge", command)

    def edge_status(self):
        return self.control("GET", "edge")

    def log(self, since=0):
        rows = self.control("GET", f"log?since={since}")["rows"]
        for row in rows:
            row["path"] = row["path"].removeprefix("/client/v4")
        return rows

    def mark(self):
        """A place in the log, for log(since)."""
        return self.control("GET", "log")["next"]

    def writes(self, since=0):
        """["POST /accounts/{account}/cfd_tunnel", ...]"""
        return [f"{r['method']} {r['family']}" for r in self.log(since) if r["method"] != "GET"]

    def struck(self, count=1):
        """Have the faults struck that often?"""
        return sum(f["done"] for f in self.control("GET", "faults")) >= count

    def wait_struck(self, count=1, seconds=PATIENCE):
        until(lambda: self.struck(count), seconds, 0.005, "no request met the fault")

    # ---- what is there ----

    def state(self):
        return self.control("GET", "state")

    def tunnels(self, name=None):
        return [t for t in self.state()["tunnels"]
                if not t["deleted_at"] and (name is None or t["name"] == name)]

    def records(self, name=None):
        return [r for z in self.state()["zones"] for r in z["records"]
                if name is None or r["name"] == name]

    def config_text(self, tunnel_id):
        """The config member as its bytes stand there."""
        url = urllib.parse.urlsplit(self.api_url)
        _, _, text = visit(http.client.HTTPConnection(url.netloc, timeout=PATIENCE), "GET",
                           f"{url.path}/accounts/{self.account}/cfd_tunnel/{tunnel_id}"
                           "/configurations", headers={"Authorization": f"Bearer {self.token}"})
        text = text.decode()
        start = text.index('"config":') + len('"config":')
        _, length = json.JSONDecoder().raw_decode(text[start:])
        return text[start:start + length]

    def config(self, tunnel_id):
        return json.loads(self.config_text(tunnel_id))

    def fetch(self, path="/", host="app.example.com"):
        """(status, text) of a visitor's request."""
        url = urllib.parse.urlsplit(self.visitors)
        status, _, text = visit(http.client.HTTPConnection(url.netloc, timeout=PATIENCE), "GET",
                                path, headers={"Host": host})
        return status, text.decode(errors="replace")

    def fetch_head(self, path, host="app.example.com"):
        """(status, headers) of the same by HEAD."""
        url = urllib.parse.urlsplit(self.visitors)
        status, headers, _ = visit(http.client.HTTPConnection(url.netloc, timeout=PATIENCE),
                                   "HEAD", path, headers={"Host": host})
        return status, {k.lower(): v for k, v in dict(headers).items()}


class Visitor:
    """Fetches the page all the time; every answer that is no 200 is kept, and fails the test."""

    def __init__(self, sim, path="/"):
        self.sim, self.path, self.seen, self.bad = sim, path, 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stop.is_set():
            try:
                status = self.sim.fetch(self.path)[0]
            except OSError as e:
                status = repr(e)
            self.seen += 1
            if status != 200:
                self.bad.append(status)
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        until(lambda: self.seen > 3, why="nobody could visit")
        self.stop.set()
        self.thread.join(10)
        assert not self.bad, (self.seen, self.bad[:5])


class Origin:
    """A small web server: its page tells what was asked of it."""

    def __init__(self, word="origin"):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                body = f"{word} {self.path}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Notify:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            data = self.socket.recv(4096)
            if data == b"end":
                return
            self.messages.append(data.decode())

    def wait(self, part, seconds=PATIENCE):
        return until(lambda: next((m for m in list(self.messages) if part in m), None), seconds,
                     why=lambda: f"no {part!r} in {self.messages[-5:]}")

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", self.path)
        self.thread.join(5)
        self.socket.close()


def merge(base, over):
    out = dict(base)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def process_alive(pid):
    """A zombie is none."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


HOSTS = set()  # that were started and not closed


@atexit.register
def end_leftovers():
    """Whatever a test or its end left behind asks a port on and on that is another's soon."""
    for host in list(HOSTS):
        host.end()


class Host:
    """A host of its own: folder, settings, token, aditd."""

    def __init__(self, sim, owner="edge1", program="aditd"):
        self.sim, self.program = sim, program
        # Unix sockets have short paths; other users must be able to reach it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="adit-e2e-", dir="/tmp"))
        self.folder.chmod(0o711)
        self.socket = self.folder / "adit.sock"
        self.state_dir = self.folder / "state"
        self.config_path = self.folder / "adit.yaml"
        self.token_path = self.folder / "token"
        self.log_path = self.folder / "aditd.log"
        self.cloudflared = self.folder / "cloudflared"
        self.stub = BUILD / "adit-sim-cloudflared"
        self.cloudflared.symlink_to(self.stub)
        self.mode(FAST_STUB)
        self.write_token(sim.token)
        self.process = None
        self.settings = {
            "owner": owner,
            "state_dir": str(self.state_dir),
            "socket": str(self.socket),
            "cloudflare": {"account_id": sim.account, "api_token_file": str(self.token_path),
                           "base_url": sim.api_url, "budget": "1200/5m"},
            "connectors": {"launcher": "child", "cloudflared": str(self.cloudflared),
                           "protocol": "http2", "grace_period": "2s",
                           "health": {"interval": "100ms", "timeout": "100ms", "failures": 20,
                                      "unready": "20s"}},
            "log": {"level": "debug"},
        }
        self.configure()

    # ---- files ----

    def configure(self, **over):
        """Change settings (None takes a key away) and write the file."""
        self.settings = merge(self.settings, over)
        self.config_path.write_text(json.dumps(self.settings, indent=2) + "\n")

    def write_token(self, token, mode=0o600):
        fresh = self.folder / "token.new"
        fresh.write_text(token + "\n")
        fresh.chmod(mode)
        fresh.rename(self.token_path)

    def mode(self, text):
        (self.folder / "cloudflared.mode").write_text(text)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- the daemon ----

    def spawn(self, *options, env=None, config=None, **more):
        """aditd without waiting for it."""
        HOSTS.add(self)
        self.started_at = self.sim.mark() if self.sim.process.poll() is None else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BUILD / self.program, "--config", config or self.config_path, *options],
                env=env or {}, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)
        return self.process

    def start(self, observed=True, **how):
        self.spawn(**how)
        self.wait_up()
        if observed:
            self.wait_observed()
        return self

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"aditd ended with {self.process.returncode}:\n{self.log()}")
        try:
            return self.visit("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def wait_up(self):
        until(self.is_up, why="aditd did not answer")

    def wait_observed(self):
        """Its first look at Cloudflare is over, well or not."""
        until(lambda: self.status()["access"] != "unchecked", why="Cloudflare was not observed")
        if self.status()["access"] == "ok":
            until(lambda: any(r["method"] == "GET" and r["path"].endswith("/cfd_tunnel") and
                              not any(q.startswith("name=") for q in r["query"])
                              for r in self.sim.log(self.started_at)),
                  why="the tunnels were not listed")

    def stop(self):
        """SIGTERM; it must end well."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        assert code == 0, f"aditd ended with {code}:\n{self.log()[-4000:]}"

    def kill9(self):
        """A child that was just being started holds the lock for the moment until it runs its own
        program: whoever restarts us waits that long, as systemd does."""
        self.process.kill()
        self.process.wait(PATIENCE)
        until(self.is_unlocked, every=0.005, why="the lock stayed")

    def is_unlocked(self):
        if not (self.state_dir / "lock").exists():
            return True
        with open(self.state_dir / "lock", "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def restart(self, **how):
        if self.process.poll() is None:
            self.stop()
        return self.start(**how)

    def reload(self):
        before = self.log().count("settings")
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log().count("settings") > before, why="no reload in the log")

    # ---- clients ----

    def visit(self, method, path, body=None, headers=None):
        return visit(UnixConnection(self.socket, 120), method, path, body, headers)

    def call(self, op, **args):
        """(status, answer) of POST /v1/<op>."""
        status, _, text = self.visit("POST", f"/v1/{op}", json.dumps(args).encode(),
                                     {"Content-Type": "application/json"})
        return status, json.loads(text)

    def api(self, op, **args):
        """The result; what is refused is raised."""
        status, answer = self.call(op, **args)
        if "error" in answer:
            raise ApiError(status, answer["error"])
        assert status == 200 and set(answer) == {"result"}, (status, answer)
        return answer["result"]

    def refused(self, op, **args):
        """The error of a call that must fail."""
        try:
            answer = self.api(op, **args)
        except ApiError as e:
            assert e.message and e.error["kind"] in KINDS, e
            return e
        raise AssertionError(f"{op} {args} was not refused: {answer}")

    def adit(self, *args, stdin=None, env=None):
        """(exit code, output, errors) of the client."""
        done = subprocess.run([BUILD / "adit", "--socket", self.socket, *map(str, args)],
                              env=env or {}, input=stdin, text=True, capture_output=True,
                              timeout=90)
        return done.returncode, done.stdout, done.stderr

    def status(self):
        return self.api("status_get")

    def items(self, op, **args):
        return self.api(op, **args)["items"]

    def publish(self, hostname, service, **more):
        return self.api("route_set", hostname=hostname, service=service, **more)

    def converged(self):
        s = self.status()
        # Many a test publishes what does not run: an origin that is down hinders nothing.
        down = {r["hostname"] for r in s["routes"] if r.get("origin_state", "up") != "up"}
        rest = [p for p in s["problems"]
                if p["object"] != "route" or p["name"] not in down]
        return (s["state"] in ("ok", "degraded" if down else "ok") and not rest and
                all(t["converged"] for t in s["tunnels"]) and
                all(r["state"] == "live" for r in s["routes"]) and s)

    def wait_converged(self, seconds=PATIENCE):
        return until(self.converged, seconds, 0.05,
                     lambda: f"not converged: {json.dumps(self.status(), indent=1)}")

    def problems(self, **fit):
        return [p for p in self.status()["problems"]
                if all(p.get(k) == v for k, v in fit.items())]

    def wait_problem(self, seconds=PATIENCE, **fit):
        return until(lambda: self.problems(**fit), seconds,
                     why=lambda: f"no problem {fit}: {self.status()}")[0]

    # ---- what runs ----

    def connector_pids(self):
        """The connectors of this host, found by the path of their program, not by aditd's word."""
        found = []
        mine = str(self.cloudflared).encode()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                argv = (entry / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if argv[0] == mine:
                found.append(int(entry.name))
        return sorted(found)

    def database(self):
        """A copy of the store, opened to be read."""
        copy = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for name in sorted(p.name for p in self.state_dir.iterdir()
                           if p.name.startswith("adit.db")):
            shutil.copy(self.state_dir / name, copy / name)
        db = sqlite3.connect(copy / "adit.db")
        db.row_factory = sqlite3.Row
        return db

    def tables(self):
        """Every table but the ones that hold secrets, as lists of rows."""
        db = self.database()
        names = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        out = {n: [dict(r) for r in db.execute(f'SELECT * FROM "{n}"')] for n in names}
        db.close()
        return out

    def end(self):
        """aditd and its connectors, each by its pid."""
        HOSTS.discard(self)
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        for pid in self.connector_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        self.end()
        until(lambda: not self.connector_pids(), why="connectors stayed")

    def check_end(self):
        """After a test that passed: a daemon that runs ends well, and no sanitizer complained."""
        if self.process and self.process.poll() is None:
            self.stop()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion"):
            assert word not in self.log(), self.log()[-6000:]

    def report(self):
        """What helps to see why a test failed."""
        parts = [f"---- aditd ----\n{self.log()[-6000:]}"]
        for log in sorted(self.state_dir.glob("connectors/*/*log*")):
            parts.append(f"---- {log.parent.name}/{log.name} ----\n"
                         f"{log.read_text(errors='replace')[-1500:]}")
        return "\n".join(parts)


KINDS = {"invalid", "not_found", "denied", "conflict", "needs_approval", "busy", "rate_limited",
         "upstream", "timeout", "cancelled", "internal"}
