"""Whatever others write at Cloudflare: it is shown in members named untrusted_* alone, without what
nobody sees and not without end; no sentence, list or description of adit's repeats it, and nothing is
applied or approved in its consequence."""
import json
import re
import unicodedata

import pytest

from base64 import b64encode

from harness import free_port, until
from injections import TEXTS
from mcp_client import Http, Refused
from spoiler import Spoiler

MARK = re.compile(r"qz\d{4}zq")
MOST, DOCUMENT = 2048 + 8, 16384 + 8
# Where they are to be seen at the least: what shows nothing leaks nothing.
SHOWN = {f"untrusted_{n}" for n in ("comment", "content", "hostname", "message", "name", "rule_path",
                                    "seen", "service", "text")}
FOREIGN = [f"t{i}.example.com" for i in range(len(TEXTS))]


def unseen(text):
    """Characters of it that nobody sees, or that move what stands around them."""
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cn", "Cs", "Co", "Zl", "Zp")
            or unicodedata.name(c, "").startswith("VARIATION") or c in "\u034f\u115f\u2800\u3164\uffa0"]


def strings(value, where=()):
    """(the names that lead to it, text) of every string and every key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*where, "a key"), key
            yield from strings(inner, (*where, key))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, where)
    elif isinstance(value, str):
        try:
            inner = json.loads(value) if value[:1] in "{[" else None
        except ValueError:
            inner = None
        if isinstance(inner, (dict, list)) and not is_theirs(where):
            yield from strings(inner, where)
        else:
            yield where, value


def is_theirs(where):
    return bool(where) and where[-1].startswith("untrusted_")


class Asker:
    """Asks, and judges every answer."""

    def __init__(self, port, token):
        self.client, self.seen, self.members = Http(port, token), set(), set()

    def judge(self, what, answer):
        for where, text in strings(answer):
            marks = MARK.findall(text)
            assert not marks or is_theirs(where), (what, where, text[:300])
            self.seen |= set(marks)
            self.members |= {where[-1]} if marks else set()
            if is_theirs(where):
                most = DOCUMENT if where[-1] in ("untrusted_put", "untrusted_seen") else MOST
                assert not unseen(text) and len(text.encode()) <= most, (what, where, text[:300])

    def ask(self, method, **params):
        try:
            answer = self.client.ask(method, **params)
        except TimeoutError as e:
            raise AssertionError((method, params)) from e
        except Refused as e:
            answer = {"refused": str(e), "data": e.data}
        self.judge((method, params), answer)
        return answer

    def tool(self, name, /, **arguments):
        return self.ask("tools/call", name=name, arguments=arguments)


# What is given for an argument of that name: what there is, what is theirs, and what is nowhere.
def values(host):
    return {
        "tunnel": ["edge1", host.foreign, "nowhere"], "host": ["app.example.com", "f1.example.com", "no.example.org"],
        "hostname": ["app.example.com", "taken.example.com", "no.example.org"],
        "zone": ["example.com", "example.com", "nowhere.org"],
        "name": ["own.example.com", "taken.example.com", "nowhere"],
        "type": ["TXT", "A", "TXT"], "content": ["text", "192.0.2.9", "text"],
        "service": [host.origin.url, "http://127.0.0.1:9", "unix:/x y"],
        "plan": ["p1", "p2", "p999"], "url": ["https://app.example.com/", "https://f1.example.com/a", "https://no.example.org/"],
        "connector": ["edge1/1", "edge1", "nowhere"], "object": ["app.example.com", "own.example.com", "nowhere"],
        "revision": [1, 2, 999], "from": [1, 1, 999], "to": [2, 2, 1], "hash": ["0" * 16, "f" * 64, "x"],
        "manifest": ["tunnels: []\n", "routes:\n- x y\n", ":"], "config": ["ingress:\n- service: http_status:404\n"] * 3,
        "text": ["tunnels: []\n", "a: b", ":"], "replicas": [1, 1, 1],
    }


def calls_of(tool, given):
    schema = tool["inputSchema"]
    known, wanted = schema.get("properties", {}), schema.get("required", [])
    always = {k: v for k, v in (("dry_run", True), ("wait", False)) if k in known}
    for i in range(3):
        arguments = {k: given[k][i] for k in wanted if k in given}
        if set(arguments) != set(wanted):
            continue
        arguments.update(always)
        yield arguments
        for more in ({"zone": given["zone"][i], "limit": 1000, "response_format": "detailed"},
                     {"tunnel": given["tunnel"][i]}, {"refresh": True}):
            if set(more) <= set(known) and not set(more) & set(wanted):
                yield {**arguments, **more}


def ask_everything(asker, host):
    given = values(host)
    tools = asker.ask("tools/list")["tools"]
    for tool in tools:
        reads = tool["annotations"]["readOnlyHint"]
        if not reads and "dry_run" not in tool["inputSchema"]["properties"]:
            given_here = {k: v[-1:] * 3 for k, v in given.items()}
        else:
            given_here = given
        for arguments in calls_of(tool, given_here):
            asker.tool(tool["name"], **arguments)
    for resource in asker.ask("resources/list").get("resources", []):
        asker.ask("resources/read", uri=resource["uri"])
    asker.ask("resources/templates/list")
    for uri in ("adit://tunnels/edge1", "adit://tunnels/foreign", "adit://plans/p1", "adit://plans/p99",
                "adit://nothing/" + "x" * 40):
        asker.ask("resources/read", uri=uri)
    for prompt in asker.ask("prompts/list").get("prompts", []):
        arguments = {a["name"]: "app.example.com" for a in prompt.get("arguments", [])}
        asker.ask("prompts/get", name=prompt["name"], arguments=arguments)
        for argument in arguments:
            for begun in ("", "q", "a"):
                asker.ask("completion/complete", ref={"type": "ref/prompt", "name": prompt["name"]},
                          argument={"name": argument, "value": begun})
    for uri in ("adit://tunnels/{name}", "adit://plans/{id}", "adit://help/{operation}"):
        asker.ask("completion/complete", ref={"type": "ref/resource", "uri": uri},
                  argument={"name": uri.split("{")[1][:-1], "value": ""})
    asker.ask("server/discover")
    return tools


def page_through(asker, **arguments):
    cursor, n = None, 0
    while n < 60:
        answer = asker.tool("dns_list", zone="example.com", limit=40,
                            **({"cursor": cursor} if cursor else {}), **arguments)
        cursor, n = answer["structuredContent"].get("next_cursor"), n + 1
        if not cursor:
            return


@pytest.fixture(name="spoilt")
def a_spoilt_host(sim, host, origin):
    for row in [{"name": n, "type": "TXT"} for n in FOREIGN] + \
            [{"name": f"odd{i}.example.com", "type": "TXT"} for i in range(6)] + \
            [{"name": "taken.example.com", "type": "TXT"}, {"name": "mine.example.com", "type": "TXT"}]:
        sim.edit("POST", "/zones/@example.com/dns_records",
                 {**row, "content": "text", "comment": "a comment", "ttl": 300})
    made = sim.edit("POST", "/accounts/@account/cfd_tunnel",
                    {"name": "foreign", "config_src": "cloudflare",
                     "tunnel_secret": b64encode(b"s" * 32).decode()})
    host.foreign, host.origin, host.port = made["id"], origin, free_port()
    spoiler = Spoiler(sim, lambda r: (r.get("comment") or "").startswith("adit:edge1/"))
    host.configure(reconcile={"interval": "1s"}, mcp={"listen": f"127.0.0.1:{host.port}"},
                   cloudflare={"base_url": spoiler.url})
    host.start()
    host.publish("app.example.com", origin.url)
    host.api("dns_set", name="own.example.com", type="TXT", content="ours")
    host.wait_converged()
    tunnel, = sim.tunnels("edge1")
    for ident, ours in ((tunnel["id"], True), (made["id"], False)):
        config = sim.config(ident) if ours else {"ingress": [{"service": "http_status:404"}]}
        config["ingress"][-1:-1] = [{"hostname": f"f{i}.example.com", "service": "http://127.0.0.1:1"}
                                    for i in range(60)]
        sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{ident}/configurations", {"config": config})
    host.spoiler = spoiler
    yield host
    spoiler.close()


def decided(host):
    """Plans that were let through by whomever."""
    return {p["plan"]: p["state"] for p in host.items("plan_list", limit=1000)
            if p["state"] in ("applied", "approved") or p.get("decided_by")}


def looked(host, sim, n=2):
    since = sim.mark()
    until(lambda: sum("/cfd_tunnel" in r["path"] for r in sim.log(since)) >= n, 60)


def waiting(asker, host):
    """Plans that need approval, because of what stands there: asked for, and looked at."""
    found = [asker.tool("tunnel_adopt", tunnel="foreign"), asker.tool("tunnel_adopt", tunnel=host.foreign),
             asker.tool("tunnel_join", tunnel=host.foreign, replicas=1),
             asker.tool("route_delete", hostname="app.example.com"),
             asker.tool("dns_set", name="taken.example.com", type="TXT", content="ours"),
             asker.tool("dns_delete", name="own.example.com", type="TXT"),
             asker.tool("route_set", hostname="f1.example.com", service=host.origin.url),
             asker.tool("route_set", hostname="taken.example.com", service=host.origin.url)]
    rows = asker.tool("dns_list", zone="example.com", name="taken.example.com",
                      response_format="detailed").get("structuredContent", {})
    for row in rows.get("items", []):
        found.append(asker.tool("dns_set", name="taken.example.com", type="TXT", content="ours",
                                overwrite=[row["remote_id"]]))
    for answer in found:
        plan = answer.get("structuredContent", {}).get("plan")
        if plan:
            asker.tool("plan_get", plan=plan, response_format="detailed")
            asker.tool("plan_apply", plan=plan)
    return [a.get("structuredContent", {}).get("state") for a in found]


def test_texts_of_others_stay_where_they_belong(spoilt, sim):
    host, spoiler = spoilt, spoilt.spoiler
    token = host.api("grant_create", name="claude", role="operator")["token"]
    asker = Asker(host.port, token)
    clean = [asker.ask("tools/list"), asker.ask("prompts/list"), asker.ask("server/discover")]
    before = decided(host)
    spoiler.mode = "quiet"
    looked(host, sim)
    page_through(asker)
    page_through(asker, response_format="detailed")
    assert len(asker.seen) == len(TEXTS), len(asker.seen)
    ask_everything(asker, host)
    states = waiting(asker, host)
    assert states.count("needs_approval") >= 3, states
    spoiler.mode = "loud"
    looked(host, sim)
    ask_everything(asker, host)
    waiting(asker, host)
    spoiler.mode = "error"
    for status in (403, 400, 404, 409, 500):
        spoiler.status = status
        asker.tool("drift_list", refresh=True)
        asker.tool("dns_list", zone="example.com")
        waiting(asker, host)
    ask_everything(asker, host)
    assert asker.members >= SHOWN, SHOWN - asker.members
    spoiler.mode = "clean"
    assert [asker.ask("tools/list"), asker.ask("prompts/list"), asker.ask("server/discover")] == clean
    until(lambda: host.status()["access"] == "ok", 60)
    assert decided(host) == before
    assert [r["hostname"] for r in host.items("route_list")] == ["app.example.com"]
    assert [t["name"] for t in host.items("tunnel_list")] == ["edge1"]
    for row in host.items("plan_list", limit=1000):
        asker.tool("plan_get", plan=row["plan"])
