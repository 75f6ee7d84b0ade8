"""A grant that is narrowed to a part, through MCP's own door: what is outside is as if it were not
there, in what the daemon knows and in what Cloudflare is asked for, and is not changed."""
import json
import subprocess

import pytest

from harness import BUILD

SECRET = "zzsecret"
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {},
              "clientInfo": {"name": "test", "version": "1"}}


class Client:
    """An MCP client under a grant, by `adit mcp`."""

    def __init__(self, host, grant):
        self.process = subprocess.Popen(
            [BUILD / "adit", "--socket", host.socket, "mcp", "--grant", grant],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})
        self.count = 0
        self.ask("initialize", **INITIALIZE)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, **params):
        """The whole answer, as text: what came before it is none."""
        self.count += 1
        self.send({"jsonrpc": "2.0", "id": self.count, "method": method, "params": params})
        while True:
            line = self.process.stdout.readline().decode()
            if json.loads(line).get("id") == self.count:
                return line

    def call(self, tool, **arguments):
        return self.ask("tools/call", name=tool, arguments=arguments)

    def result(self, tool, **arguments):
        answer = json.loads(self.call(tool, **arguments))["result"]
        assert not answer.get("isError"), answer
        return answer["structuredContent"]

    def refused(self, tool, **arguments):
        answer = json.loads(self.call(tool, **arguments))
        assert "error" in answer or answer["result"].get("isError"), answer
        return json.dumps(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def zone_of(sim, name):
    return next(z["id"] for z in sim.state()["zones"] if z["name"] == name)


@pytest.fixture
def part(site, sim):
    """app.example.com and what stands beside it is outside: a shared tunnel, another tunnel, a
    foreign record of the same zone. Inside is what lies below in.example.com."""
    site.publish("a.in.example.com", site.origin.url)
    site.publish(f"{SECRET}.example.com", site.origin.url)
    sim.edit("POST", "/zones/@example.com/dns_records",
             {"name": f"{SECRET}-foreign.example.com", "type": "A", "content": "192.0.2.9"})
    sim.edit("POST", "/zones/@example.com/dns_records",
             {"name": "foreign.in.example.com", "type": "A", "content": "192.0.2.8"})
    site.wait_converged()
    site.api("tunnel_create", name=f"{SECRET}-tun", replicas=0)
    site.api("grant_create", name="part", role="operator", hosts=["*.in.example.com"],
             origins=[site.origin.url])
    client = Client(site, "part")
    yield client
    client.close()


READS = [
    ("status_get", {}), ("status_get", {"refresh": True}), ("tunnel_list", {}),
    ("tunnel_get", {"tunnel": "edge1"}), ("route_list", {}), ("dns_list", {}),
    ("dns_list", {"zone": "example.com"}), ("zone_list", {}), ("plan_list", {}),
    ("drift_list", {"refresh": True}), ("manifest_export", {}), ("revision_list", {}),
    ("revision_diff", {"from": 1}), ("connector_list", {}), ("log_search", {}),
    ("event_list", {}), ("health_get", {"host": "a.in.example.com"}),
    ("route_test", {"url": "https://a.in.example.com/"}),
    ("route_test", {"url": "https://a.in.example.com/", "refresh": True}),
]


def test_no_answer_names_what_is_outside(part):
    for tool, arguments in READS:
        for form in ("concise", "detailed"):
            text = part.call(tool, response_format=form, **arguments)
            assert SECRET not in text and "app.example.com" not in text, (tool, text)
    for kind in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        assert SECRET not in part.ask(kind)


def test_rows_of_cloudflare_are_filtered_before_they_are_counted(part):
    found = part.result("dns_list", zone="example.com")
    assert {r["name"] for r in found["items"]} == {"a.in.example.com", "foreign.in.example.com"}
    assert found["total"] == 2


def test_numbers_of_a_whole_zone_are_for_those_who_see_it(part, running):
    assert "narrowed" in part.refused("dns_usage", zone="example.com")
    assert running.api("dns_usage", zone="example.com")["record_usage"] >= 4


def test_a_rule_is_counted_among_those_that_are_seen(part):
    found = part.result("route_test", url="https://a.in.example.com/", refresh=True)
    assert found["rule"] == 1 and found["total"] == 2


def test_it_changes_what_is_inside_and_nothing_else(part, running, sim):
    before = sim.mark()
    part.refused("route_set", hostname="new.example.com", service=running.origin.url)
    part.refused("route_set", hostname=f"{SECRET}.example.com", service=running.origin.url)
    part.refused("route_delete", hostname=f"{SECRET}.example.com")
    part.refused("tunnel_update", tunnel="edge1", replicas=2)
    part.refused("tunnel_delete", tunnel=f"{SECRET}-tun")
    part.refused("connector_restart", connector="edge1/1")
    part.refused("tunnel_adopt", tunnel=f"{SECRET}-tun")
    assert sim.writes(before) == []
    made = part.result("route_set", hostname="b.in.example.com", service=running.origin.url)
    assert made["state"] == "applied" and made["converged"] is True
    waits = part.result("route_set", hostname="c.in.example.com", service="http://10.9.9.9:1")
    assert waits["state"] == "needs_approval" and "origins" in json.dumps(waits["approvals"])


def test_what_it_proposed_is_judged_again(part, running):
    plan = part.result("route_delete", hostname="a.in.example.com", wait=False)
    assert plan["state"] == "needs_approval"
    running.api("grant_revoke", name="part")
    e = running.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.error["kind"] in ("conflict", "denied")
    assert running.items("route_list", hostname="a.in.example.com")
