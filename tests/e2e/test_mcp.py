"""MCP as clients meet it: both eras, over HTTP on the socket and over lines, with a published name
behind it. Every answer of a tool is held against the schema that the tool declares."""
import http.client
import json
import subprocess

import jsonschema
import pytest

from harness import BUILD, PATIENCE, UnixConnection, free_port, until, visit

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
PREFIX = "io.modelcontextprotocol/"
META = {PREFIX + "protocolVersion": MODERN, PREFIX + "clientCapabilities": {},
        PREFIX + "clientInfo": {"name": "test", "version": "1"}}
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def post(host, message, headers=None, connection=None):
    """(status, headers, JSON or None) of one POST to /mcp."""
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    status, got, body = visit(connection or UnixConnection(host.socket), "POST", "/mcp", text,
                              {"Content-Type": "application/json", **(headers or {})})
    return status, got, json.loads(body) if body else None


def ask(host, method, id_=1, **params):
    """A modern request, with the headers that it needs."""
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    if NAMED.get(method) in params:
        headers["Mcp-Name"] = params[NAMED[method]]
    return post(host, {"jsonrpc": "2.0", "id": id_, "method": method,
                       "params": {"_meta": META, **params}}, headers)


def tool(host, name, /, **arguments):
    status, _, answer = ask(host, "tools/call", name=name, arguments=arguments)
    assert status == 200 and "result" in answer, answer
    return answer["result"]


def closed(schema):
    """The same schema, refusing members of the answer and of its rows that it does not name."""
    rows = schema["properties"].get("items")
    more = {"items": {**rows, "items": {**rows["items"], "additionalProperties": False}}} \
        if rows else {}
    return {**schema, "properties": {**schema["properties"], **more},
            "additionalProperties": False}


def listed(host):
    status, _, answer = ask(host, "tools/list")
    assert status == 200
    return {t["name"]: t for t in answer["result"]["tools"]}


class Lines:
    """`adit mcp`, as a client starts it."""

    def __init__(self, host, *args):
        self.process = subprocess.Popen(
            [BUILD / "adit", "--socket", host.socket, "mcp", *args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={})

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def read(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, method, id_=1, **params):
        self.send({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})
        return self.read()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0
        assert self.process.stdout.read() == b""
        self.process.stdout.close()


@pytest.fixture
def lines(running):
    made = Lines(running)
    yield made
    made.close()


# ---- the two eras ----

def test_modern(running):
    status, headers, answer = ask(running, "server/discover", id_="first")
    assert (status, answer["id"]) == (200, "first")
    assert headers["Content-Type"] == "application/json" and "Mcp-Session-Id" not in headers
    result = answer["result"]
    assert result["resultType"] == "complete" and result["supportedVersions"] == [MODERN]
    assert result["_meta"][PREFIX + "serverInfo"]["name"] == "adit"
    assert len(result["instructions"]) <= 2000
    for method in ("initialize", "ping", "resources/subscribe", "nothing/at-all"):
        status, _, answer = ask(running, method)
        assert (status, answer["error"]["code"]) == (404, -32601)


@pytest.mark.parametrize("version", LEGACY)
def test_legacy(running, version):
    status, headers, answer = post(running, {
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": version, "capabilities": {},
                   "clientInfo": {"name": "old", "version": "1"}}})
    assert status == 200 and answer["result"]["protocolVersion"] == version
    session = {"Mcp-Session-Id": headers["Mcp-Session-Id"], "MCP-Protocol-Version": version}
    status, _, answer = post(
        running, {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
    assert (status, answer) == (202, None)
    status, _, answer = post(running, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, session)
    assert answer["result"]["tools"] and "ttlMs" not in answer["result"]
    status, _, answer = post(running, {"jsonrpc": "2.0", "id": 2, "method": "tools/call",
                                       "params": {"name": "status_get"}}, session)
    result = answer["result"]
    assert json.loads(result["content"][0]["text"])["state"] == "ok"
    assert ("structuredContent" in result) == (version >= "2025-06-18")
    status, _, answer = post(running, [{"jsonrpc": "2.0", "id": 3, "method": "ping"}], session)
    assert status == (200 if version == "2025-03-26" else 400)
    assert visit(UnixConnection(running.socket), "DELETE", "/mcp", headers=session)[0] == 405


def test_what_is_refused(running):
    """By status and code, whatever a client does wrong."""
    discover = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": META}}
    modern = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}
    old = {**META, PREFIX + "protocolVersion": "1900-01-01"}
    rows = [
        (b"{", {}, 400, -32700),
        (b"[]", {}, 400, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', {}, 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', {}, 400, -32700),
        (b"[" * 70 + b"]" * 70, {}, 400, -32700),
        (discover, {"Mcp-Method": "server/discover"}, 400, -32020),
        (discover, {"MCP-Protocol-Version": MODERN}, 400, -32020),
        (discover, {**modern, "Mcp-Method": "tools/list"}, 400, -32020),
        ({**discover, "params": {"_meta": old}},
         {**modern, "MCP-Protocol-Version": "1900-01-01"}, 400, -32022),
        ({**discover, "params": {}}, modern, 400, -32602),
        ({**discover, "method": "initialize", "params": {}}, modern, 400, -32020),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, modern, 400, -32600),
        (discover | {"params": {}}, {"MCP-Protocol-Version": "1999-01-01"}, 400, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"Mcp-Session-Id": "made-up"}, 404,
         -32600),
    ]
    for message, headers, status, code in rows:
        got, _, answer = post(running, message, headers)
        assert (got, answer["error"]["code"]) == (status, code), (message, headers, answer)
    assert visit(UnixConnection(running.socket), "GET", "/mcp")[0] == 405


def test_lines_of_both_eras(lines):
    answer = lines.ask("initialize", protocolVersion="2024-11-05", capabilities={},
                       clientInfo={"name": "old", "version": "1"})
    assert answer["result"]["protocolVersion"] == "2024-11-05"
    lines.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert lines.ask("ping", id_="p") == {"jsonrpc": "2.0", "id": "p", "result": {}}
    assert "annotations" not in lines.ask("tools/list")["result"]["tools"][0]
    answer = lines.ask("server/discover", _meta=META)
    assert answer["result"]["supportedVersions"] == [MODERN]
    lines.send([{"jsonrpc": "2.0", "id": i, "method": "ping"} for i in range(3)])
    assert [a["id"] for a in lines.read()] == [0, 1, 2]


# ---- tools ----

def test_schemas(running):
    for t in listed(running).values():
        for schema in (t["inputSchema"], t["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"


def test_answers_keep_their_schemas(site):
    """What every reading tool answers about a published name, in both shapes."""
    tools = listed(site)
    tunnel = site.api("tunnel_list")["items"][0]["name"]
    arguments = {
        "health_get": {"host": "app.example.com"}, "tunnel_get": {"tunnel": tunnel},
        "route_test": {"url": "https://app.example.com/x"}, "dns_usage": {"zone": "example.com"},
        "plan_get": {"plan": "p1"}, "revision_diff": {"from": 0},
    }
    wrong = []
    for name, t in tools.items():
        check = jsonschema.Draft202012Validator(closed(t["outputSchema"]))
        for shape in ("concise", "detailed"):
            result = tool(site, name, response_format=shape, **arguments.get(name, {}))
            assert not result.get("isError"), (name, result)
            wrong += [f"{name} ({shape}): {'/'.join(map(str, e.path))}: {e.message}"
                      for e in check.iter_errors(result["structuredContent"])]
            assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert not wrong, "\n".join(wrong)
    assert {"status_get", "health_get", "route_list", "log_search", "event_list"} <= set(tools)


def test_without_a_grant_nothing_is_changed(running):
    """Root on the socket is a viewer here, as everybody is."""
    assert not [t for t in listed(running).values() if not t["annotations"]["readOnlyHint"]]
    for name, arguments in (
            ("route_set", {"hostname": "a.example.com", "service": "http://127.0.0.1:1"}),
            ("plan_approve", {"plan": "p1", "hash": "0" * 12}), ("writes_resume", {})):
        result = tool(running, name, **arguments)
        assert result["isError"] and "structuredContent" not in result
        assert json.loads(result["content"][0]["text"])["kind"] == "denied"
    assert running.api("route_list")["total"] == 0


def test_long_lists_come_in_pages(running, origin):
    names = [f"n{i:03}.example.com" for i in range(40)]
    for name in names:
        running.api("route_set", hostname=name, service=origin.url, wait=False)
    seen, cursor, pages = [], None, 0
    while True:
        more = {"cursor": cursor} if cursor else {}
        result = tool(running, "route_list", **more)
        assert len(result["content"][0]["text"]) <= 8192
        answer = result["structuredContent"]
        seen += [r["hostname"] for r in answer["items"]]
        pages += 1
        cursor = answer.get("next_cursor")
        if not cursor:
            break
    assert sorted(seen) == names and answer["total"] == 40 and pages > 1


def test_requests_on_one_connection(running):
    """Kept open, as clients do: one after the other, of both eras."""
    connection = UnixConnection(running.socket)
    try:
        for i in range(50):
            meta = {"_meta": META} if i % 2 else {}
            method = "tools/list" if i % 2 else "ping"
            headers = {"Content-Type": "application/json"}
            if i % 2:
                headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            connection.request("POST", "/mcp", json.dumps(
                {"jsonrpc": "2.0", "id": i, "method": method, "params": meta}), headers)
            answer = connection.getresponse()
            assert answer.status == 200 and json.loads(answer.read())["id"] == i
    except http.client.HTTPException as e:
        raise AssertionError(f"the connection did not stay: {e!r}") from e
    finally:
        connection.close()


# ---- with a grant, on the port ----

class Client:
    """A client with a token, as one message after the other."""

    def __init__(self, host, port, **grant):
        made = host.api("grant_create", **{"name": "claude", "role": "operator", **grant})
        self.port, self.bearer = port, {"Authorization": f"Bearer {made['token']}"}

    def send(self, method, stream=False, **params):
        """The connection of a request that is under way."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "MCP-Protocol-Version": MODERN,
                   "Mcp-Method": method, **self.bearer}
        if NAMED.get(method) in params:
            headers["Mcp-Name"] = params[NAMED[method]]
        meta = {**META, **({"progressToken": "p"} if stream else {})}
        connection.request("POST", "/mcp", json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **params}}),
            headers)
        return connection

    def tool(self, name, /, **arguments):
        connection = self.send("tools/call", name=name, arguments=arguments)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        result = json.loads(answer.read())["result"]
        connection.close()
        return result


@pytest.fixture
def port(host):
    made = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{made}"})
    return made


def test_a_change_and_one_that_waits(port, running, origin):
    """A service is published at once; taking it back takes a person, by the command that is told."""
    client = Client(running, port, origins=[origin.url])
    result = client.tool("route_set", hostname="app.example.com", service=origin.url)
    assert result["structuredContent"]["state"] == "applied", result
    assert result["structuredContent"]["converged"] is True
    waits = client.tool("route_delete", hostname="app.example.com")["structuredContent"]
    assert waits["state"] == "needs_approval" and waits["approvals"] and waits["next"]
    command = waits["approve_with"].split()
    assert command[0] == "adit" and waits["plan"] in command
    refused = client.tool("plan_approve", plan=waits["plan"], hash=waits["hash"])
    assert refused["isError"] and running.api("route_list")["total"] == 1
    code, out, errors = running.adit(*command[1:], "--yes")
    assert code == 0, (out, errors)
    done = client.tool("plan_get", plan=waits["plan"])["structuredContent"]
    assert done["state"] == "applied" and "approve_with" not in done
    assert running.api("route_list")["total"] == 0


def test_a_call_that_lasts(port, running, sim, origin):
    """It tells what it waits for, as a stream; leaving it stops the waiting, not the change."""
    client = Client(running, port, origins=[origin.url])
    sim.fault("delay", method="PUT", path="*/configurations", ms=6000, count=1)
    connection = client.send("tools/call", stream=True, name="route_set",
                             arguments={"hostname": "app.example.com", "service": origin.url})
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.readline() == b"event: message\n"
    told = json.loads(answer.readline().removeprefix(b"data: "))
    assert told["method"] == "notifications/progress"
    assert told["params"]["progressToken"] == "p" and told["params"]["message"]
    connection.close()
    answer.close()
    until(lambda: running.api("route_list")["items"][0]["state"] == "live")
