"""Rulesets, access rules, lockdowns and rules by user agent of adit-sim, and what Cloudflare has
retired."""
import pytest

from openapi import ask
from simulator import Simulator

CUSTOM, MANAGED = "http_request_firewall_custom", "http_request_firewall_managed"
LIMIT, TRANSFORM = "http_ratelimit", "http_request_transform"


@pytest.fixture(name="sim", scope="module")
def running_simulator():
    with Simulator("--zone", "example.com", "--zone", "example.net") as sim:
        yield sim


@pytest.fixture(autouse=True)
def fresh(sim):
    sim.control("POST", "reset")


def zone(sim, name="example.com"):
    return f"/zones/{sim.api('GET', f'/zones?name={name}')[1]['result'][0]['id']}"


def entry(where, phase):
    return f"{where}/rulesets/phases/{phase}/entrypoint"


def rule(n, action="block", **more):
    return {"action": action, "expression": f'http.host eq "h{n}"', "description": f"rule {n}",
            **more}


def token(sim, value, *scopes):
    sim.control("POST", "seed", {"tokens": [{"value": value, "scopes": ["zone:read", *scopes]}]})
    return value


SEED = {"example.com": {"rulesets": [
    {"phase": CUSTOM, "rules": [rule(1), rule(2, enabled=False), rule(3, "managed_challenge")]},
    {"phase": MANAGED, "rules": [
        rule(4, "execute", action_parameters={"id": "e" * 32, "overrides": {
            "action": "log", "rules": [{"id": "f" * 32, "action": "block", "enabled": True}]}}),
        rule(5, "skip", action_parameters={"ruleset": "current"})]},
    {"phase": LIMIT, "rules": [rule(6, ratelimit={
        "characteristics": ["ip.src"], "period": 60, "requests_per_period": 9})]},
    {"phase": TRANSFORM, "rules": []}]},
    "managed": {"rulesets": [{"id": "e" * 32, "name": "Cloudflare Managed Ruleset",
                              "phase": MANAGED, "rules": [rule(7, id="f" * 32)]}]}}


def test_rulesets_are_read_as_a_list_and_one_by_one(sim):
    sim.control("POST", "seed", {"security": SEED})
    where = zone(sim)
    items = ask(sim, f"{where}/rulesets")["result"]
    assert [(r["kind"], r["phase"]) for r in items] == [
        ("zone", CUSTOM), ("zone", MANAGED), ("zone", LIMIT), ("zone", TRANSFORM),
        ("managed", MANAGED)]
    assert all("rules" not in r for r in items)
    whole = ask(sim, f"{where}/rulesets/{items[0]['id']}")["result"]
    assert [r["enabled"] for r in whole["rules"]] == [True, False, True]
    assert ask(sim, entry(where, CUSTOM))["result"] == whole
    assert ask(sim, f"{where}/rulesets/{'e' * 32}")["result"]["rules"][0]["id"] == "f" * 32
    overrides = ask(sim, entry(where, MANAGED))["result"]["rules"]
    assert [r["action"] for r in overrides] == ["execute", "skip"]
    assert ask(sim, entry(where, LIMIT))["result"]["rules"][0]["ratelimit"]["period"] == 60


def test_no_rules_is_no_entry_point(sim):
    where = zone(sim, "example.net")
    assert ask(sim, f"{where}/rulesets")["result"] == []
    assert ask(sim, entry(where, CUSTOM)) == (404, 10003)
    assert ask(sim, entry(f"/accounts/{sim.account}", CUSTOM)) == (404, 10003)
    assert ask(sim, entry(where, "no_such_phase")) == (400, 7400)
    assert ask(sim, f"{where}/rulesets/{'0' * 32}") == (404, 10001)


@pytest.mark.parametrize("of", ["account", "zone"])
def test_a_list_goes_on_by_its_cursor(sim, of):
    """The cursor stands in one of two places, as in Cloudflare's documents."""
    sim.control("POST", "seed", {"security": {"account" if of == "account" else "example.com": {
        "rulesets": [{"phase": CUSTOM, "kind": "custom", "name": f"set {i:03}"}
                     for i in range(120)]}}})
    path, cursor, found = f"/accounts/{sim.account}/rulesets", None, []
    if of == "zone":
        path = f"{zone(sim)}/rulesets"
    for page in range(4):
        answer = ask(sim, f"{path}?per_page=50" + (f"&cursor={cursor}" if cursor else ""))
        found += answer["result"]
        info = answer["result_info"]
        cursor = info.get("cursor") if of == "account" else info.get("cursors", {}).get("after")
        if not cursor:
            break
    assert page == 2 and [r["name"] for r in found] == [f"set {i:03}" for i in range(120)]
    assert ask(sim, f"{path}?cursor=nonsense") == (400, 7400)
    assert ask(sim, f"{path}?page=2") == (400, 7400)


def test_a_narrow_token_is_shown_less_and_not_told(sim):
    sim.control("POST", "seed", {"security": SEED})
    where, narrow = zone(sim), token(sim, "only-transform-rules-1", "transform:read")
    assert [r["phase"] for r in ask(sim, f"{where}/rulesets", token=narrow)["result"]] == [
        TRANSFORM]
    assert ask(sim, entry(where, CUSTOM), token=narrow) == (403, 9109)
    whole = ask(sim, f"{where}/rulesets")["result"]
    assert ask(sim, f"{where}/rulesets/{whole[0]['id']}", token=narrow) == (403, 9109)
    assert ask(sim, f"{where}/firewall/access_rules/rules", token=narrow) == (403, 9109)
    waf = token(sim, "only-the-waf-of-zones1", "zone-waf:read")
    assert {r["phase"] for r in ask(sim, f"{where}/rulesets", token=waf)["result"]} == {
        CUSTOM, MANAGED, LIMIT}
    assert ask(sim, f"/accounts/{sim.account}/rulesets", token=waf) == (403, 10000)
    nothing = token(sim, "nothing-but-its-zones1")
    assert ask(sim, f"{where}/rulesets", token=nothing) == (403, 9109)
    old = token(sim, "all-that-reads-rules-1", "waf:read")
    assert len(ask(sim, f"{where}/rulesets", token=old)["result"]) == 5
    assert ask(sim, f"/accounts/{sim.account}/rulesets", token=old)["success"]
    assert ask(sim, entry(where, CUSTOM), "PUT", {"rules": []}, old) == (403, 9109)


def test_rules_are_changed_one_by_one(sim):
    sim.control("POST", "seed", {"security": SEED})
    where = zone(sim)
    was = ask(sim, entry(where, CUSTOM))["result"]
    rules = f"{where}/rulesets/{was['id']}/rules"
    now = ask(sim, f"{rules}/{was['rules'][0]['id']}", "PATCH", {"enabled": False})["result"]
    assert [r["enabled"] for r in now["rules"]] == [False, False, True]
    assert (now["version"], now["rules"][0]["version"]) == ("2", "2")
    assert now["rules"][1:] == was["rules"][1:]
    assert now["rules"][0]["expression"] == was["rules"][0]["expression"]
    made = ask(sim, rules, "POST", {**rule(8), "position": {"index": 1}})["result"]["rules"]
    assert [r["description"] for r in made] == ["rule 8", "rule 1", "rule 2", "rule 3"]
    moved = ask(sim, f"{rules}/{made[0]['id']}", "PATCH", {
        "position": {"after": made[2]["id"]}})["result"]["rules"]
    assert [r["description"] for r in moved] == ["rule 1", "rule 2", "rule 8", "rule 3"]
    left = ask(sim, f"{rules}/{made[0]['id']}", "DELETE")["result"]["rules"]
    assert [r["description"] for r in left] == ["rule 1", "rule 2", "rule 3"]
    assert ask(sim, f"{rules}/{made[0]['id']}", "DELETE") == (404, 10002)
    assert ask(sim, rules, "POST", {"action": "block"}) == (400, 20127)
    assert ask(sim, rules, "POST", {**rule(9), "paused": True}) == (400, 7400)


def test_an_entry_point_is_put_as_a_whole(sim):
    where = zone(sim, "example.net")
    made = ask(sim, entry(where, CUSTOM), "PUT", {"rules": [rule(1)]})["result"]
    assert (made["version"], made["kind"], len(made["rules"])) == ("1", "zone", 1)
    again = ask(sim, entry(where, CUSTOM), "PUT", {
        "rules": [{k: made["rules"][0][k] for k in ("id", "action", "expression", "description")},
                  rule(2)]})["result"]
    assert (again["id"], again["version"]) == (made["id"], "2")
    assert again["rules"][0]["id"] == made["rules"][0]["id"]
    assert ask(sim, entry(where, CUSTOM), "PUT", {"rules": [], "kind": "zone"}) == (400, 7400)
    edited = sim.control("POST", "edit", {"method": "DELETE",
                                          "path": f"{where}/rulesets/{made['id']}"})
    assert edited == {"status": 204, "answer": None}
    assert ask(sim, entry(where, CUSTOM)) == (404, 10003)


def test_access_rules_lockdowns_and_agents(sim):
    access = [{"mode": ("block", "whitelist")[i % 2], "notes": f"note {i}",
               "configuration": {"target": "ip", "value": f"192.0.2.{i}"}} for i in range(60)]
    sim.control("POST", "seed", {"security": {
        "account": {"access_rules": access}, "example.com": {
            "access_rules": access[:3],
            "lockdowns": [{"urls": ["example.com/admin*"], "description": "ours",
                           "configurations": [{"target": "ip", "value": "192.0.2.1"}]}],
            "ua_rules": [{"configuration": {"target": "ua", "value": "BadBot"}, "paused": True},
                         {"configuration": {"target": "ua", "value": "Worse"}}]}}})
    path = f"/accounts/{sim.account}/firewall/access_rules/rules"
    assert len(ask(sim, f"{path}?per_page=1000")["result"]) == 60
    found = ask(sim, f"{path}?mode=block&per_page=5&page=2")
    assert found["result_info"]["total_count"] == 30
    assert [r["notes"] for r in found["result"]] == [f"note {i}" for i in range(10, 20, 2)]
    assert len(ask(sim, f"{path}?notes=note 1&match=all".replace(" ", "%20"))["result"]) == 11
    assert ask(sim, f"{path}?mode=shout") == (400, 7400)
    one = ask(sim, f"{path}/{found['result'][0]['id']}")["result"]
    assert one == found["result"][0]
    where = zone(sim)
    mine = f"{where}/firewall/access_rules/rules"
    assert len(ask(sim, mine)["result"]) == 3
    made = ask(sim, mine, "POST", {"mode": "challenge", "configuration": {
        "target": "country", "value": "T1"}})["result"]
    assert ask(sim, f"{mine}/{made['id']}", "PATCH", {"mode": "block"})["result"]["mode"] == "block"
    assert ask(sim, f"{mine}/{made['id']}", "DELETE")["result"] == {"id": made["id"]}
    lock = ask(sim, f"{where}/firewall/lockdowns?ip=192.0.2.1")["result"]
    assert lock[0]["paused"] is False and lock[0]["urls"] == ["example.com/admin*"]
    assert ask(sim, f"{where}/firewall/lockdowns?uri_search=nowhere")["result"] == []
    assert len(ask(sim, f"{where}/firewall/ua_rules?paused=true")["result"]) == 1


@pytest.mark.parametrize("path", ["firewall/rules", "filters", "firewall/waf/overrides",
                                  "firewall/waf/packages", "rate_limits"])
def test_what_is_retired(sim, path):
    where = zone(sim)
    assert ask(sim, f"{where}/{path}") == (410, 7400)
    assert ask(sim, f"{where}/{path}", "POST", {}) == (410, 7400)
    sim.control("POST", "seed", {"security": {"example.com": {"retired": "maintenance"}}})
    assert ask(sim, f"{where}/{path}") == (400, 10020)
    assert ask(sim, f"{zone(sim, 'example.net')}/{path}") == (410, 7400)
