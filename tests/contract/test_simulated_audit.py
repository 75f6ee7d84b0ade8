"""The audit logs of adit-sim, old and new: ten months of entries, filters, pages, who did what."""
import datetime
import urllib.parse

import pytest

from openapi import check_answer, check_query
from simulator import Simulator

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
COUNT, STEP = 6000, 75
PEOPLE = [f"p{i}@example.com" for i in range(7)]
TYPES = ("create", "update", "delete", "view")


def moment(minutes):
    return (NOW - datetime.timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def entry(i):
    """The ith, so many minutes older than the one before it."""
    row = {"id": f"{i:08}-0000-4000-8000-000000000000",
           "action": {"type": TYPES[i % 4], "time": moment(STEP * i + 3),
                      "result": "failure" if i % 11 == 0 else "success"},
           "actor": {"email": PEOPLE[i % 7], "type": "user", "ip_address": f"192.0.2.{i % 200}",
                     "context": "dash" if i % 3 else "api_token"},
           "resource": {"id": f"{i % 500:032x}", "product": "rulesets", "type": "ruleset"}}
    if i % 5 == 0:
        row["zone"] = {"name": "example.com"}
    return row


ENTRIES = [entry(i) for i in range(COUNT)]


@pytest.fixture(name="sim", scope="module")
def running_simulator():
    with Simulator("--zone", "example.com") as sim:
        sim.control("POST", "seed", {"security": {"account": {"audit": ENTRIES}}})
        yield sim


def ask(sim, log="logs/audit", **query):
    path = f"/accounts/{sim.account}/{log}"
    names = [(k.replace("_not", ".not"), v) for k, v in query.items()]
    check_query("GET", path, [name for name, _ in names])
    full = f"{path}?{urllib.parse.urlencode(names, doseq=True)}"
    status, answer, _ = sim.api("GET", full, timeout=30)
    check_answer("GET", full, status, answer)
    return answer if status == 200 else (status, answer["errors"][0]["code"])


def every(sim, **query):
    """All ids, and how many pages they took."""
    found, pages, cursor = [], 0, None
    while True:
        answer = ask(sim, **query, **({"cursor": cursor} if cursor else {}))
        assert answer["result_info"]["count"] == str(len(answer["result"]))
        found += [x["id"] for x in answer["result"]]
        pages += 1
        cursor = answer["result_info"]["cursor"]
        if not cursor:
            return found, pages


def ids(of):
    return [e["id"] for e in ENTRIES if of(e)]


WINDOW = {"since": moment(10 ** 6), "before": moment(-60)}


def test_everything_of_the_new_log(sim):
    newest = [e["id"] for e in ENTRIES if e["action"]["time"] > "2026-02-08"]
    found, pages = every(sim, **WINDOW, limit=1000)
    assert found == newest and pages == -(-len(newest) // 1000)
    upward, _ = every(sim, **WINDOW, limit=999, direction="asc")
    assert upward == newest[::-1]


def test_filters(sim):
    months = {"since": moment(60 * 24 * 60), "before": moment(0), "limit": 1000}

    def recent(of):
        return ids(lambda e: e["action"]["time"] > months["since"] and of(e))

    assert every(sim, **months)[0] == recent(lambda e: True)
    assert every(sim, **months, actor_email=PEOPLE[1:3])[0] == recent(
        lambda e: e["actor"]["email"] in PEOPLE[1:3])
    assert every(sim, **months, action_type_not=["view", "create"], zone_name="example.com")[0] == \
        recent(lambda e: e["action"]["type"] in ("update", "delete") and "zone" in e)
    assert every(sim, **months, action_result="failure", actor_context="api_token")[0] == recent(
        lambda e: e["action"]["result"] == "failure" and e["actor"]["context"] == "api_token")
    some = [f"{i:032x}" for i in range(100)]
    assert every(sim, **months, resource_id=some)[0] == recent(
        lambda e: e["resource"]["id"] in some)
    assert every(sim, **months, resource_scope="zones")[0] == recent(lambda e: "zone" in e)


@pytest.mark.parametrize("wrong", [
    {"since": "yesterday"}, {"limit": 1001}, {"limit": 0}, {"direction": "up"}, {"cursor": "17"},
    {"action_type": "made"}, {"actor_context": "phone"}, {"actor_email": ""},
    {"raw_status_code": "ok"}])
def test_what_is_refused(sim, wrong):
    assert ask(sim, **{**WINDOW, **wrong}) == (400, 7400)


def test_both_times_are_required(sim):
    for name in WINDOW:
        assert ask(sim, **{name: WINDOW[name]}) == (400, 7400)
    status, answer, _ = sim.api("GET", f"/accounts/{sim.account}/logs/audit?"
                                f"{urllib.parse.urlencode({**WINDOW, 'actor_mail': 'x'})}")
    assert (status, answer["errors"][0]["code"]) == (400, 7400)


def test_the_old_log_has_what_is_older(sim):
    answer = ask(sim, "audit_logs", since=moment(10 ** 6), before="2026-02-08", per_page=1000,
                 direction="desc")
    older = [e for e in ENTRIES if e["action"]["time"] < "2026-02-08"]
    assert [x["id"] for x in answer["result"]] == [e["id"] for e in older][:1000]
    assert answer["result_info"]["total_count"] == len(older)
    page = ask(sim, "audit_logs", **{"actor.email": PEOPLE[0], "zone.name": "example.com",
                                     "per_page": 7, "page": 2, "direction": "asc"})
    wanted = [e for e in ENTRIES[::-1] if e["actor"]["email"] == PEOPLE[0] and "zone" in e]
    assert [x["id"] for x in page["result"]] == [e["id"] for e in wanted[7:14]]
    row = page["result"][0]
    assert row["metadata"] == {"zone_name": "example.com"}
    assert isinstance(row["action"]["result"], bool) and row["when"].endswith("Z")
    assert ask(sim, "audit_logs", per_page=1001) == (400, 7400)
    assert ask(sim, "audit_logs", export="true") == (400, 7400)


def test_who_changed_a_rule_stands_there(sim):
    zone = sim.api("GET", "/zones?name=example.com")[1]["result"][0]["id"]
    path = f"/zones/{zone}/rulesets/phases/http_request_firewall_custom/entrypoint"
    body = {"rules": [{"action": "block", "expression": "true", "description": "shut"}]}
    made = sim.control("POST", "edit", {
        "method": "PUT", "path": path, "body": body, "at": "30m",
        "actor": {"email": "eve@example.com", "ip_address": "203.0.113.9", "context": "api"}})
    ruleset = made["answer"]["result"]["id"]
    sim.api("PUT", path, {"rules": []})
    own, theirs = ask(sim, since=moment(60), before=moment(-60), zone_id=zone,
                      resource_id=ruleset)["result"]
    assert theirs["actor"]["email"] == "eve@example.com" and theirs["actor"]["context"] == "api"
    assert abs((datetime.datetime.fromisoformat(theirs["action"]["time"])
                - NOW).total_seconds() + 1800) < 900
    assert theirs["resource"]["request"] == body and theirs["resource"]["product"] == "rulesets"
    assert theirs["zone"] == {"id": zone, "name": "example.com"}
    assert own["actor"]["context"] == "api_token" and own["actor"]["token_id"]
    assert own["raw"]["cf_ray_id"] == sim.log()[-2]["ray"].split("-")[0]
    sim.control("POST", "edit", {"method": "POST", "path": "/user/tokens",
                                 "body": {"name": "new one"}})
    token = ask(sim, since=moment(60), before=moment(-60), resource_type="token")["result"][0]
    assert token["resource"]["scope"] == "user" and token["action"]["type"] == "create"
