"""The way in to MCP as clients use it: a port with a grant, raw requests, connections of lines."""
import http.client
import json
import os
import socket

from harness import PATIENCE, free_port, visit

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
PONG = {"jsonrpc": "2.0", "id": 1, "result": {}}
TYPE = "Content-Type: application/json"


def open_door(host):
    """A port for MCP, and the grant "claude"."""
    host.port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{host.port}"})
    host.start()
    host.grant = host.api("grant_create", name="claude", role="operator")
    host.token = host.grant["token"]
    return host


def read_answer(s, method="POST"):
    """(status, headers, body) of one answer on a raw socket; status 0 = closed without one."""
    answer = http.client.HTTPResponse(s, method=method)
    try:
        answer.begin()
    except (http.client.BadStatusLine, ConnectionError):
        return 0, {}, b""
    return answer.status, answer.headers, answer.read()


def raw(host, lines, body=b"", method="POST", path="/mcp", length=None):
    """One request whose header lines are all the test's own."""
    with socket.create_connection(("127.0.0.1", host.port), PATIENCE) as s:
        head = [f"{method} {path} HTTP/1.1", *lines]
        if body or length is not None:
            head.append(f"Content-Length: {len(body) if length is None else length}")
        s.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        return read_answer(s, method)


def ask(host, message=PING, token=None, **headers):
    """(status, headers, text) of a well-formed message."""
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {token or host.token}",
            **{k.replace("_", "-"): v for k, v in headers.items()}}
    return visit(http.client.HTTPConnection("127.0.0.1", host.port, timeout=PATIENCE), "POST",
                 "/mcp", json.dumps(message).encode(), sent)


OWN = "Host: 127.0.0.1:{port}"
BEARER = "Authorization: Bearer {token}"
FORGED = "Authorization: Bearer adit_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def filled(door, lines):
    return [line.replace("{port}", str(door.port)).replace("{token}", door.token)
            for line in lines]


class Lines:
    """A connection of lines."""

    def __init__(self, host, *headers, method="GET", after=b""):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(PATIENCE)
        self.s.connect(str(host.socket))
        self.s.sendall("\r\n".join([f"{method} /mcp HTTP/1.1", "Host: x", "Connection: Upgrade",
                                    "Upgrade: adit-mcp-lines", *headers, "", ""]).encode() + after)
        self.file = self.s.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def send(self, *messages):
        self.s.sendall(b"".join(json.dumps(m).encode() + b"\n" for m in messages))

    def read(self):
        line = self.file.readline()
        return json.loads(line) if line else None

    def close(self):
        self.file.close()
        self.s.close()


MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
          "io.modelcontextprotocol/clientCapabilities": {}}
LISTEN = {"jsonrpc": "2.0", "id": "listen", "method": "subscriptions/listen",
          "params": {"_meta": MODERN, "notifications": {"toolsListChanged": True}}}


def open_stream(host, token=None):
    """A connection whose answer does not end, and the answer."""
    c = http.client.HTTPConnection("127.0.0.1", host.port, timeout=PATIENCE)
    c.request("POST", "/mcp", json.dumps(LISTEN).encode(),
              {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
               "Authorization": f"Bearer {token or host.token}",
               "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"})
    answer = c.getresponse()
    return c, answer


def descriptors(host):
    return len(os.listdir(f"/proc/{host.process.pid}/fd"))
