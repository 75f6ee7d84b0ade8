"""The strict Cloudflare on a port, with its faults: lost, late, slow, cut and wrong answers. A
second port is somebody else's: a token that comes there is a violation."""
import http.server
import json
import random
import re
import socket
import struct
import threading
import time
import types
import urllib.parse

from strict import Cloud, Refusal, failure

BASE = "/client/v4"
HTML = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
LIMITED = "Please wait and consider throttling your request speed"
HELD_MOST = 10  # seconds that a slow answer may last
PROBED = ("/ready", "/config")  # of a connector
# What may happen to a request. Of those in NO_EFFECT nothing is done; of those in NO_ANSWER the
# caller cannot know.
NO_EFFECT = {"drop", "reset", "limit", "error", "html", "denied", "unauthorised", "redirect",
             "unavailable", "codeless"}
NO_ANSWER = {"drop", "reset", "lose", "late", "cut", "garbled", "failed_200", "null_result",
             "wrong_types", "huge", "html_200", "lose_reset", "late_reset", "hold"}


class Fault:
    def __init__(self, kind, method=None, path=None, count=1, ms=0):
        self.kind, self.method, self.count, self.ms = kind, method, count, ms
        self.path = re.compile(path) if path else None
        self.done = 0

    def takes(self, method, path):
        if self.count <= 0 or (self.method and method not in self.method.split("|")) or \
                (self.path and not self.path.search(path)):
            return False
        self.count, self.done = self.count - 1, self.done + 1
        return True

    def __str__(self):
        return f"{self.kind} {self.method or '*'} {self.path.pattern if self.path else '*'} " \
            f"x{self.count} {self.ms} ms"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError, ValueError):
            pass  # the caller was killed

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length).decode() if length else ""
        self.server.strict.take(self, self.command, self.path, text)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer(self, status, text, kind="application/json", cut=None, **headers):
        data = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("cf-ray", "8f0000000000000-FRA")
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data if cut is None else data[:cut])
        self.wfile.flush()

    def hang_up(self, reset=False):
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
        try:
            self.connection.shutdown(socket.SHUT_RDWR) if not reset else self.connection.close()
        except OSError:
            pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Strict:
    """One account on a port. For Host it looks like a running adit-sim."""

    def __init__(self, seed=0, **how):
        self.cloud = Cloud(random.Random(f"cloud {seed}"), **how)
        self.judge = self.cloud.judge
        self.account, self.token = self.cloud.account, self.cloud.token
        self.faults, self.rows = [], []
        self.timers = []
        self.instead = None  # fn(row, status, text): what is answered to a GET instead
        self.listener = self.listen(self)
        self.elsewhere = self.listen(types.SimpleNamespace(take=self.strayed))
        self.api_url = f"http://127.0.0.1:{self.listener.server_address[1]}{BASE}"
        self.elsewhere_url = f"http://localhost:{self.elsewhere.server_address[1]}{BASE}"
        self.process = types.SimpleNamespace(poll=lambda: None)

    @staticmethod
    def listen(strict):
        listener = Listener(("127.0.0.1", 0), Handler)
        listener.strict = strict
        threading.Thread(target=listener.serve_forever, args=(0.2,), daemon=True).start()
        return listener

    def close(self):
        for timer in self.timers:
            timer.cancel()
        for listener in (self.listener, self.elsewhere):
            listener.shutdown()
            listener.server_close()

    # ---- what the harness asks of adit-sim ----

    def mark(self):
        return len(self.rows)

    def log(self, since=0):
        return self.rows[since:]

    def writes(self, since=0):
        return [r for r in self.rows[since:] if r["method"] != "GET"]

    # ---- faults ----

    def fault(self, kind, **how):
        with self.cloud.lock:
            self.faults.append(Fault(kind, **how))
            return self.faults[-1]

    def faults_clear(self):
        with self.cloud.lock:
            self.faults.clear()

    def pick(self, method, path):
        return next((f for f in self.faults if f.takes(method, path)), None)

    # ---- requests ----

    @staticmethod
    def is_probe(handler, path):
        """Some host's connector had this port before, and is asked how it is."""
        return path in PROBED and "Authorization" not in handler.headers

    def strayed(self, handler, method, path, text):
        token = handler.headers.get("Authorization")
        if self.is_probe(handler, path):
            handler.answer(404, "")
            return
        # Another token is of another aditd, whose own Cloudflare had this port and is gone.
        if token in (None, f"Bearer {self.token}"):
            with self.cloud.lock:
                self.judge.violate("a request went elsewhere"
                                   f"{', with the token' if token else ''}: {method} {path}")
        handler.answer(404, failure(7000, "nothing here"))

    def take(self, handler, method, target, text):
        url = urllib.parse.urlsplit(target)
        path = url.path.removeprefix(BASE)
        if self.is_probe(handler, target):
            handler.answer(404, "")
            return
        with self.cloud.lock:
            row = {"method": method, "path": path, "query": url.query.split("&"), "status": 0,
                   "body": text, "fault": None, "at": time.monotonic(),
                   "when": self.judge.tick(), "epoch": self.judge.epoch}
            self.rows.append(row)
            if not url.path.startswith(BASE + "/"):
                self.judge.violate(f"the token was sent to a wrong path: {method} {target}")
            fault = self.pick(method, path)
            row["fault"] = str(fault) if fault else None
            flight = self.judge.begin(objects_of(method, path, text), method != "GET")
        answer = self.serve(handler, row, dict(urllib.parse.parse_qsl(url.query, True)), text, fault)
        with self.cloud.lock:  # the caller may send the next as soon as it has the answer
            self.judge.end(flight)
        answer()
        with self.cloud.lock:
            self.judge.answered(row)

    def serve(self, handler, row, query, text, fault):
        """What remains to be done: the answer, if there is one."""
        kind = fault.kind if fault else None
        row["struck"] = kind
        if kind in ("late", "late_reset"):
            timer = threading.Timer(fault.ms / 1000, self.perform, (row, query, text, False,
                                                                    handler.headers))
            timer.daemon = True
            self.timers.append(timer)
            timer.start()
            return lambda: handler.hang_up(kind == "late_reset")
        if kind == "delay":
            time.sleep(min(fault.ms / 1000, HELD_MOST))
        if kind in NO_EFFECT:
            return lambda: self.refuse(handler, row, kind, fault)
        status, answer = self.perform(row, query, text, kind not in NO_ANSWER, handler.headers)
        return lambda: self.spoil(handler, status, answer, kind)

    def perform(self, row, query, text, arrives, headers):
        with self.cloud.lock, self.judge.delivery(row, arrives):
            try:
                if headers.get("Authorization") != f"Bearer {self.token}":
                    raise Refusal(401, 1000, "Invalid API Token")
                if text and headers.get("Content-Type", "").split(";")[0] != "application/json":
                    raise Refusal(415, 1001, "Content-Type must be application/json")
                status, answer = self.cloud.route(row["method"], row["path"], query, text)
            except Refusal as e:
                status, answer = e.status, failure(e.code, e.message)
                row["refusal"] = e.message
            except Exception as e:  # a mistake of the judge is one too
                self.judge.violate(f"the judge broke at {row['method']} {row['path']}: {e!r}")
                status, answer = 500, failure(0, repr(e))
            if self.instead and row["method"] == "GET":
                status, answer = self.instead(row, status, answer)
            row["status"] = status
            return status, answer

    @staticmethod
    def refuse(handler, row, kind, fault):
        if kind in ("drop", "reset"):
            return handler.hang_up(kind == "reset")
        if kind == "limit":
            wait = str(max(1, round(fault.ms / 1000)))
            row["status"] = 429
            return handler.answer(429, failure(971, LIMITED), Retry_After=wait,
                                  Ratelimit=f'"default";r=0;t={wait}')
        answers = {"error": (500, failure(1000, "internal")),
                   "unavailable": (503, failure(1100, "unavailable")),
                   "codeless": (504, '{"success":false,"errors":[{"message":"timeout"}],'
                                '"messages":[],"result":null}'),
                   "denied": (403, failure(10000, "Authentication error")),
                   "unauthorised": (401, failure(1000, "Invalid API Token"))}
        if kind == "html":
            row["status"] = 502
            return handler.answer(502, HTML, "text/html")
        if kind == "redirect":
            row["status"] = 307
            where = handler.server.strict.elsewhere_url + row["path"]
            return handler.answer(307, "", Location=where)
        row["status"] = answers[kind][0]
        return handler.answer(*answers[kind])

    @staticmethod
    def spoil(handler, status, text, kind):
        """The effect is there; what the caller gets of the answer."""
        if kind in ("lose", "lose_reset"):
            handler.hang_up(kind == "lose_reset")
        elif kind == "cut":
            handler.answer(status, text, cut=len(text) // 2)
            handler.hang_up()
        elif kind == "garbled":
            handler.answer(status, text[:-2] + "\x01")
        elif kind == "failed_200":
            handler.answer(200, failure(1000, "it did not work"))
        elif kind == "null_result":
            handler.answer(200, '{"success":true,"errors":[],"messages":[],"result":null}')
        elif kind == "wrong_types":
            handler.answer(200, '{"success":true,"errors":[],"messages":[],"result":{"id":7,'
                           '"name":[],"version":"x","config":3}}')
        elif kind == "huge":
            handler.answer(200, '{"result":"' + "x" * 100_000_000 + '"}')
        elif kind == "html_200":
            handler.answer(200, HTML, "text/html")
        elif kind == "hold":
            hold(handler, status, text)
        elif kind == "dribble":
            dribble(handler, status, text)
        else:
            handler.answer(status, text)


def hold(handler, status, text):
    """Half of it, and then nothing: whoever stands between hangs up meanwhile."""
    handler.answer(status, text, cut=len(text) // 2)
    time.sleep(HELD_MOST)
    handler.hang_up()


def dribble(handler, status, text):
    """A byte at a time, for a while."""
    handler.answer(status, text, cut=0)
    data = text.encode()
    for i in range(min(30, len(data))):
        handler.wfile.write(data[i:i + 1])
        handler.wfile.flush()
        time.sleep(0.01)
    handler.wfile.write(data[30:])
    handler.wfile.flush()


def objects_of(method, path, text):
    """What a request is about: no two may be under way for one of them, if one is a write."""
    parts = path.strip("/").split("/")
    if "cfd_tunnel" in parts:
        rest = parts[parts.index("cfd_tunnel") + 1:]
        return [rest[0]] if rest else names_in(text, "tunnel") if method == "POST" else []
    if "dns_records" not in parts:
        return []
    rest = parts[parts.index("dns_records") + 1:]
    if not rest:
        return names_in(text, parts[1]) if method == "POST" else []
    if rest[0] == "usage":
        return []
    return batch_objects(text, parts[1]) if rest[0] == "batch" else [rest[0]]


def names_in(text, prefix):
    try:
        body = json.loads(text)
        return [f"{prefix} {body.get('type', '')} {body['name']}"]
    except (ValueError, KeyError):
        return []


def batch_objects(text, zone):
    try:
        body = json.loads(text)
    except ValueError:
        return []
    ids = [o["id"] for k in ("deletes", "patches", "puts") for o in body.get(k, [])]
    return ids + [f"{zone} {o.get('type', '')} {o['name']}" for o in body.get("posts", [])]
