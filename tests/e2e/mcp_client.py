"""Two small clients of MCP: over HTTP with a grant's token, and over the streams of `adit mcp`."""
import http.client
import json
import queue
import subprocess
import threading

from harness import BUILD, PATIENCE, visit

MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"
ELICITS = {"elicitation": {"form": {}}}


def modern(method, params, ident, capabilities=None):
    meta = {META + "protocolVersion": MODERN, META + "clientCapabilities": capabilities or {},
            META + "clientInfo": {"name": "tests", "version": "1"}}
    return {"jsonrpc": "2.0", "id": ident, "method": method,
            "params": {**params, "_meta": {**meta, **params.get("_meta", {})}}}


class Refused(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code, self.data = error["code"], error.get("data")


def result_of(answer):
    if "error" in answer:
        raise Refused(answer["error"])
    return answer["result"]


class Http:
    """A modern client: each message by itself."""

    def __init__(self, port, token, capabilities=None):
        self.port, self.token, self.capabilities, self.count = port, token, capabilities, 0

    def send(self, method, **params):
        """(status, headers, text)"""
        self.count += 1
        name = params.get("name") or params.get("uri") or params.get("taskId")
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}",
                   "Accept": "application/json, text/event-stream",
                   "MCP-Protocol-Version": MODERN, "Mcp-Method": method,
                   **({"Mcp-Name": name} if name else {})}
        body = json.dumps(modern(method, params, self.count, self.capabilities)).encode()
        return visit(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE),
                     "POST", "/mcp", body, headers)

    def ask(self, method, **params):
        status, _, text = self.send(method, **params)
        text = text.decode()
        if text.startswith("event:"):
            text = text.strip().rsplit("data: ", 1)[1]
        assert status in (200, 400, 404), (status, text)
        return result_of(json.loads(text))

    def tool(self, name, **arguments):
        return self.ask("tools/call", name=name, arguments=arguments)


class Lines:
    """`adit mcp`: messages that come are kept until they are asked for."""

    def __init__(self, host, *options, capabilities=None):
        self.capabilities, self.count, self.kept = capabilities, 0, []
        self.process = subprocess.Popen([BUILD / "adit", "--socket", host.socket, "mcp", *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={})
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def write(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def until(self, what):
        """The first message of which that is true."""
        for i, message in enumerate(self.kept):
            if what(message):
                return self.kept.pop(i)
        while True:
            message = self.lines.get(timeout=PATIENCE)
            assert message is not None, "adit mcp has ended"
            if what(message):
                return message
            self.kept.append(message)

    def send(self, method, **params):
        self.count += 1
        self.write(modern(method, params, self.count, self.capabilities))
        return self.count

    def send_legacy(self, method, **params):
        self.count += 1
        self.write({"jsonrpc": "2.0", "id": self.count, "method": method, "params": params})
        return self.count

    def answer(self, ident):
        return result_of(self.until(lambda m: m.get("id") == ident and "method" not in m))

    def ask(self, method, **params):
        return self.answer(self.send(method, **params))

    def tool(self, name, **arguments):
        return self.ask("tools/call", name=name, arguments=arguments)

    def notice(self, method):
        return self.until(lambda m: m.get("method") == method)["params"]

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(PATIENCE)
        rest = []
        while (message := self.lines.get(timeout=PATIENCE)) is not None:
            rest.append(message)
        return code, rest
