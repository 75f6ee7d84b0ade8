"""A relay between aditd and the simulated Cloudflare that puts texts of others into the answers: into
every text that is no id, no time and no word which the protocol knows."""
import http.client
import http.server
import itertools
import json
import re
import threading
import urllib.parse

from injections import TEXTS

KEPT = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT.*|"
                  r"(\d+\.){3}\d+")
# aditd asks for these by name, or is not itself without them: they are spoilt when loud.
BEARING = {"id", "name", "type", "status", "config_src", "hostname", "service", "path", "content",
           "comment", "result", "tunnel_secret", "source", "legacy_id"}


class Spoiler:
    """mode: what becomes of an answer.
    clean   nothing
    quiet   texts on which nothing rests, all texts of records and rules that are not adit's
    loud    every text
    error   each answer is an error"""

    def __init__(self, sim, is_ours):
        self.mode, self.status, self.is_ours = "clean", 403, is_ours
        self.texts, self.used = itertools.cycle(TEXTS), 0
        self.fixed = {}  # a record says the same each time
        self.lock = threading.Lock()
        outer, self.target = self, urllib.parse.urlsplit(sim.api_url)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def relay(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, text = outer.ask(self.command, self.path, self.headers, body)
                status, text = outer.spoil(self.command, self.path, status, text)
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "cf-ray"):
                        self.send_header(name, value)
                self.send_header("cf-ray", "approved by root" if outer.mode != "clean" else
                                 headers.get("cf-ray", ""))
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = relay

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}{self.target.path}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ask(self, method, path, headers, body):
        connection = http.client.HTTPConnection(self.target.netloc, timeout=30)
        try:
            connection.request(method, path, body or None,
                               {k: v for k, v in headers.items() if k.lower() != "host"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def text(self):
        with self.lock:
            self.used += 1
            return next(self.texts)

    # ---- what is put where ----

    def error(self):
        code = (10000, 9109, 1004, 7003, 81057, 9300, 0)[self.used % 7]
        return {"success": False, "result": None, "messages": [{"code": 1, "message": self.text()}],
                "errors": [{"code": code, "message": self.text(), "documentation_url": self.text(),
                            "error_chain": [{"code": 9005, "message": self.text()}]}]}

    def walk(self, value, key=None, spare=frozenset()):
        if isinstance(value, dict):
            return {k: self.walk(v, k, spare) for k, v in value.items()}
        if isinstance(value, list):
            return [self.walk(v, key, spare) for v in value]
        if isinstance(value, str) and key not in spare and not KEPT.fullmatch(value):
            return self.text()
        return value

    def record(self, row):
        if self.is_ours(row):
            return self.walk(row, spare=BEARING)
        names = [k for k in ("comment", "content", "name") if k == "comment" or
                 (row["type"] == "TXT" if k == "content" else row["name"].startswith("odd"))]
        for k in names:
            if (row["id"], k) not in self.fixed:
                self.fixed[row["id"], k] = self.text()
        return {**self.walk(row, spare=BEARING), **{k: self.fixed[row["id"], k] for k in names}}

    def rule(self, rule):
        if not rule.get("hostname", "").startswith("f"):
            return rule
        return {"hostname": self.text(), "path": self.text(), "service": self.text(),
                "originRequest": {self.text(): True, "httpHostHeader": self.text()}}

    def row(self, path, row):
        if not isinstance(row, dict):
            return row
        if "/dns_records" in path and "name" in row:
            return self.record(row)
        config = row.get("config")
        if isinstance(config, dict) and isinstance(config.get("ingress"), list):
            rules = [self.rule(r) for r in config["ingress"]]
            return {**row, "config": {**config, "ingress": rules, self.text(): self.text()}}
        return self.walk(row, spare=BEARING)

    def spoil(self, method, path, status, text):
        if self.mode == "clean" or path.endswith("/token"):
            return status, text
        if self.mode == "error":
            return self.status, json.dumps(self.error()).encode()
        doc = json.loads(text)
        result = doc.get("result")
        if not doc.get("success"):
            doc = self.error()
        elif self.mode == "loud":
            doc["result"] = self.walk(result)
        elif isinstance(result, list):
            doc["result"] = [self.row(path, r) for r in result]
        elif isinstance(result, dict):
            doc["result"] = self.row(path, result)
        return status, json.dumps(doc).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
