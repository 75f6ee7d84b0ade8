"""Tools under the names and with the arguments of guides for another server: there when the
settings say so, the same operation in all else."""
import json

import pytest

from test_scopes import Client, zone_of
from test_security_rules import SEED, names

PREFIX = "list_all_cloudflare_"
STANDS_FOR = {
    "zones": "zone_list", "accounts": "account_list", "members": "member_list",
    "roles": "role_list", "audit_logs": "audit_log_list", "firewall_rules": "firewall_rule_list",
    "rule_sets": "ruleset_list", "waf_overrides": "waf_override_list"}


@pytest.fixture(name="walled")
def host_with_a_firewall(host, sim):
    sim.control("POST", "seed", {"security": SEED})
    host.configure(mcp={"aliases": "truto"})
    host.start()
    return host


def tools(client):
    listed = json.loads(client.ask("tools/list"))["result"]["tools"]
    return {t["name"]: t for t in listed}


def aliases(client):
    return {n.removeprefix(PREFIX) for n in tools(client) if n.startswith(PREFIX)}


def test_each_alias_answers_as_what_it_stands_for(walled, sim):
    walled.api("grant_create", name="auditor", role="auditor")
    client = Client(walled, "auditor")
    listed = tools(client)
    zone = {"zone_id": zone_of(sim, "example.com")}
    own = {"firewall_rules": zone, "waf_overrides": zone, "rule_sets": zone,
           "audit_logs": {"account_id": sim.account, "since": "1h"},
           "members": {"account_id": sim.account}, "roles": {"account_id": sim.account},
           "zones": {"account_id": sim.account}}
    assert aliases(client) == set(STANDS_FOR)
    for name, op in STANDS_FOR.items():
        assert op in listed[PREFIX + name]["description"]
        assert listed[PREFIX + name]["annotations"] == listed[op]["annotations"]
        takes = listed[op]["inputSchema"]["properties"]
        mine = {k.removesuffix("_id"): v for k, v in own.get(name, {}).items()
                if k.removesuffix("_id") in takes}
        there = client.result(PREFIX + name, **own.get(name, {}))
        here = client.result(op, **mine)
        assert there.get("items") == here.get("items"), name
        assert there["total"] == here["total"]
    client.close()


def test_arguments_of_the_guides(walled, sim):
    walled.api("grant_create", name="auditor", role="auditor")
    client = Client(walled, "auditor")
    firewall = PREFIX + "firewall_rules"

    def found(**args):
        return names(client.result(firewall, **args)["items"])
    zone = zone_of(sim, "example.com")
    assert found(zone_id=zone, paused=True) == ["rule 2", "rule 5", "desk"]
    assert "desk" not in found(zone_id=zone, paused=False)
    assert len(found(zone_id=zone, paused=False)) == 8
    assert found(zone_id="example.com", limit=2, next_cursor="2") == ["rule 3", "rule 6"]
    assert found(zone="example.com", description="office") == ["office"]
    assert "zone_id" in client.refused(firewall, zone="example.com", zone_id=zone)
    client.refused(firewall)
    client.refused(firewall, zone_id="no-such.org")
    client.refused(PREFIX + "audit_logs", account_id="f" * 32)
    client.close()


def test_who_may_not_do_it_has_no_name_for_it(walled, sim):
    walled.api("grant_create", name="viewer", role="viewer")
    walled.api("grant_create", name="zone", role="auditor", zones=["example.com"])
    client = Client(walled, "viewer")
    assert aliases(client) == {"zones"}
    assert "denied" in client.refused(PREFIX + "members", account_id=sim.account)
    client.close()
    client = Client(walled, "zone")
    client.refused(PREFIX + "firewall_rules", zone_id=zone_of(sim, "example.net"))
    assert client.result(PREFIX + "firewall_rules", zone_id="example.com")["total"] == 9
    client.close()


def test_off_unless_said(host):
    host.start()
    host.api("grant_create", name="auditor", role="auditor")
    client = Client(host, "auditor")
    assert aliases(client) == set()
    assert "Unknown tool" in client.refused(PREFIX + "zones")
    host.configure(mcp={"aliases": "truto"})
    host.reload()
    assert "zones" in aliases(client)
    client.close()
    host.stop()
    host.configure(mcp={"aliases": "other"})
    assert host.spawn("--check-config").wait(20) != 0
