"""The real Claude Code, on loopback, with a scripted model: it publishes a service over MCP, is
refused a deletion, sees it approved on the socket, and finishes; and it answers what a security
team asks of an account, each question by one call. CLAUDE names its program; without it this is left
out."""
import http.server
import json
import os
import subprocess
import threading

import pytest

from harness import BUILD, Host, Origin, Sim
from security_world import CUSTOM, LIMIT, MANAGED, World

CLAUDE = os.environ.get("CLAUDE")


def events(block, stop):
    """A streamed answer of one block."""
    delta = ({"type": "text_delta", "text": block["text"]} if block["type"] == "text" else
             {"type": "input_json_delta", "partial_json": json.dumps(block["input"])})
    empty = {**block, **({"text": ""} if block["type"] == "text" else {"input": {}})}
    usage = {"input_tokens": 1, "output_tokens": 1}
    for event in (
            {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted",
                "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
             "usage": usage},
            {"type": "message_stop"}):
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


class Model:
    """Answers each turn by the next step of a script; a step is given the last tool's result."""

    def __init__(self, steps):
        self.steps, self.results, self.tools = steps, [], set()
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                size = int(self.headers.get("Content-Length", 0))
                request = json.loads(self.rfile.read(size) or "{}")
                block, stop = model.turn(self.path, request)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for part in events(block, stop):
                    self.wfile.write(part)
                self.close_connection = True

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def turn(self, path, request):
        """A block, and why the turn ends with it. What is no turn of the talk gets a word."""
        if not request.get("tools") or "/messages" not in path or "count" in path:
            return {"type": "text", "text": "ok"}, "end_turn"
        self.tools |= {t["name"] for t in request["tools"]}
        found = [b for m in request["messages"] if isinstance(m["content"], list)
                 for b in m["content"] if b["type"] == "tool_result"]
        if len(found) > len(self.results):
            self.results = [text_of(b) for b in found]
        step = self.steps[min(len(self.results), len(self.steps) - 1)]
        try:
            name, arguments = step(self.results[-1] if self.results else None)
        except (AssertionError, KeyError) as error:  # unanswered, Claude would ask for ever
            name, arguments = None, repr(error)
        if name is None:
            return {"type": "text", "text": arguments}, "end_turn"
        return {"type": "tool_use", "id": f"toolu_{len(self.results)}",
                "name": f"mcp__adit__{name}", "input": arguments}, "tool_use"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def text_of(block):
    content = block.get("content", "")
    if isinstance(content, list):
        return "".join(c.get("text", "") for c in content)
    return content


needs_claude = pytest.mark.skipif(not CLAUDE, reason="CLAUDE names no program of Claude Code")


def talk(folder, host, model, question):
    """What Claude says in the end, under the grant "claude"."""
    settings = folder / "mcp.json"
    settings.write_text(json.dumps({"mcpServers": {"adit": {
        "type": "stdio", "command": str(BUILD / "adit"),
        "args": ["--socket", str(host.socket), "mcp", "--grant", "claude"]}}}))
    done = subprocess.run(
        [CLAUDE, "-p", question, "--mcp-config", settings, "--strict-mcp-config",
         "--allowedTools", "mcp__adit", "--output-format", "json"],
        cwd=folder, capture_output=True, text=True, timeout=150, check=False,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "ANTHROPIC_BASE_URL": model.url,
             "ANTHROPIC_API_KEY": "made-up", "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1",
             "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["result"]


@needs_claude
def test_claude_publishes_and_waits_for_a_person(tmp_path):
    folder = tmp_path / "sim"
    folder.mkdir()
    sim, origin = Sim(folder), Origin()
    host = Host(sim).start()
    host.publish("old.example.com", origin.url)
    host.api("grant_create", name="claude", role="operator", origins=[origin.url])

    def approve(result):
        """The person's part, on the socket, between two turns."""
        plan = json.loads(result)
        assert plan["state"] == "needs_approval" and "adit plan approve" in plan["approve_with"]
        assert host.items("route_list", hostname="old.example.com")
        host.api("plan_approve", plan=plan["plan"], hash=plan["hash"])
        return "plan_get", {"plan": plan["plan"]}

    model = Model([
        lambda _: ("route_set", {"hostname": "new.example.com", "service": origin.url}),
        lambda _: ("route_delete", {"hostname": "old.example.com"}),
        approve,
        lambda _: (None, "All is done.")])
    assert talk(tmp_path, host, model, "Publish it.") == "All is done."
    published, refused, plan = map(json.loads, model.results)
    assert published["state"] == "applied" and published["converged"]
    assert refused["state"] == "needs_approval" and plan["state"] == "applied"
    host.wait_converged()
    assert [r["hostname"] for r in host.items("route_list")] == ["new.example.com"]
    rows = [r for r in host.items("ledger_list") if r["principal"] == "grant claude"]
    assert any("claude-code" in r.get("untrusted_client", "") for r in rows), rows[:2]
    model.close()
    host.close()
    origin.close()
    sim.close()


# ---- what a security team asks ----

def paused_rules(world):
    zone = world.zones["staging.example"]
    rules = [r for s in zone["rulesets"] if s["phase"] in (CUSTOM, MANAGED, LIMIT)
             for r in s["rules"] if not r["enabled"]]
    return sorted(r["id"] for r in rules + [
        r for r in zone["lockdowns"] + zone["ua_rules"] if r["paused"]])


def token_changes(world):
    lately = world.ages("48h")
    return sorted((x["action"]["time"], x["action"]["type"], x["resource"]["id"])
                  for x in world.entries if lately(x) and x["resource"]["type"] == "token"
                  and x["action"]["type"] != "view")


def who_edits_dns(world):
    names = {"DNS", "Administrator", "Super Administrator - All Privileges"}
    return sorted(m["email"] for m in world.members if names & {
        *m.get("roles", []), *(m.get("policies") or [{"permission_groups": []}])[0][
            "permission_groups"]})


def rows(result):
    answer = json.loads(result)
    assert not answer.get("truncated") and not answer.get("unknown"), result[-300:]
    return answer["items"]


QUESTIONS = [
    ("Which firewall rules of staging are paused?", "firewall_rule_list",
     {"zone": "staging.example", "paused": True},
     lambda items: sorted(r["id"] for r in items), paused_rules),
    ("Summarise changes to API tokens in the last 48 hours", "audit_log_list",
     {"resource": "token", "action": "change", "since": "48h", "limit": 200,
      "fields": ["time", "action", "resource"]},
     lambda items: sorted((r["time"], r["action"], r["resource"]) for r in items), token_changes),
    ("Who can change DNS?", "access_review",
     {"can": "dns", "limit": 200, "fields": ["untrusted_email"]},
     lambda items: sorted(r["untrusted_email"] for r in items), who_edits_dns)]


@pytest.fixture(name="secured", scope="module")
def host_with_a_small_account(tmp_path_factory):
    sim, world = Sim(tmp_path_factory.mktemp("sim")), World(zones=30, members=90, entries=400)
    world.seed(sim)
    host = Host(sim).start()
    host.api("grant_create", name="claude", role="auditor")
    yield host, world
    host.close()
    sim.close()


@needs_claude
@pytest.mark.parametrize("question, tool, arguments, told, counted", QUESTIONS)
def test_claude_answers_a_question_by_one_call(secured, tmp_path, question, tool, arguments, told,
                                               counted):
    host, world = secured
    model = Model([lambda _: (tool, arguments),
                   lambda result: (None, json.dumps(told(rows(result))))])
    said = json.loads(talk(tmp_path, host, model, question))
    wanted = json.loads(json.dumps(counted(world)))
    assert said == wanted and wanted
    assert len(model.results) == 1
    model.close()
