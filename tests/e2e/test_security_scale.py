"""Security of a large account: every answer complete and right, by a count of its own from what was
put into the simulator; with few more calls than the least there could be; each small enough for a
model; and 429s of Cloudflare's are nobody's business but adit's."""
import json
import pathlib
import shutil
import tempfile

import pytest

from harness import Host, Sim
from security_world import CUSTOM, LIMIT, MANAGED, ROLES, SETS, V2_BEGINS, World, written
from test_scopes import Client

pytestmark = pytest.mark.xdist_group("a large account")

MOST = 40000  # characters of an answer by MCP
ZONES = ["staging.example", "z001.example", "z040.example", "z096.example", "z103.example"]


@pytest.fixture(name="world", scope="module")
def large_world():
    return World()


@pytest.fixture(name="large", scope="module")
def host_of_a_large_account(world):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="adit-sim-", dir="/tmp"))
    sim = Sim(folder)
    world.seed(sim)
    host = Host(sim)
    host.configure(reconcile={"interval": "1h"})  # what is counted are the calls for those who ask
    host.start()
    host.api("grant_create", name="auditor", role="auditor")
    host.api("grant_create", name="viewer", role="viewer")
    yield host
    host.close()
    sim.close()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(host.folder, ignore_errors=True)


@pytest.fixture(name="client")
def client_of_an_auditor(large):
    made = Client(large, "auditor")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def fresh_allowance(large):
    """Each test spends an allowance of its own."""
    large.sim.control("POST", "seed", {"limits": {"requests": 10 ** 6}})


def everything(host, op, **args):
    """All items of a list, in answers of a thousand; and the first answer."""
    found, cursor, first = [], {}, None
    while True:
        answer = host.api(op, limit=1000, **args, **cursor)
        first = first or answer
        found += answer["items"]
        assert answer["total"] == first["total"] and answer["count"] == len(answer["items"])
        if not answer.get("next_cursor"):
            assert len(found) == answer["total"], op
            return found, first
        cursor = {"cursor": answer["next_cursor"]}


def calls(sim, since, *parts):
    """What was asked of the API, as far as it has one of these parts."""
    return [r for r in sim.log(since)
            if r["method"] == "GET" and any(p in r["path"] for p in parts)]


# ---- an account's firewall ----

def firewall_of(world, zone):
    """{id: (paused, action)} as firewall_rule_list should have it, without the account's part."""
    z = world.zones[zone]
    out = {r["id"]: (not r["enabled"], r["action"])
           for ruleset in z["rulesets"] if ruleset["phase"] in (CUSTOM, MANAGED, LIMIT)
           for r in ruleset["rules"]}
    named = {"whitelist": "allow"}
    out |= {r["id"]: (False, named.get(r["mode"], r["mode"])) for r in z["access_rules"]}
    out |= {r["id"]: (r["paused"], "block") for r in z["lockdowns"]}
    out |= {r["id"]: (r["paused"], r["mode"]) for r in z["ua_rules"]}
    return out


@pytest.mark.parametrize("zone", ZONES)
def test_a_zones_firewall(large, world, zone):
    since = large.sim.mark()
    found, answer = everything(large, "firewall_rule_list", zone=zone)
    own = {r["id"]: (r["paused"], r["action"]) for r in found if not r.get("wider")}
    expected = firewall_of(world, zone)
    # of a lockdown the word is adit's
    assert own.keys() == expected.keys()
    locks = {r["id"] for r in world.zones[zone]["lockdowns"]}
    assert {i: v for i, v in own.items() if i not in locks} == {
        i: v for i, v in expected.items() if i not in locks}
    assert {i: own[i][0] for i in locks} == {i: expected[i][0] for i in locks}
    assert answer["unknown"] == [] and answer["unreadable"] == 0
    paths = [r["path"] for r in calls(large.sim, since, "/rulesets", "/firewall/")]
    assert len(paths) == len(set(paths)) <= 9
    paused = everything(large, "firewall_rule_list", zone=zone, paused=True)[0]
    assert {r["id"] for r in paused} == {i for i, (stands, _) in expected.items() if stands}


@pytest.mark.parametrize("zone", ZONES)
def test_a_zones_rulesets_and_overrides(large, world, zone):
    since = large.sim.mark()
    listed = everything(large, "ruleset_list", zone=zone)[0]
    wanted = [r["id"] for r in world.zones[zone]["rulesets"]]
    assert [r["id"] for r in listed if r["kind"] == "zone"] == wanted
    assert [r["id"] for r in listed if r["kind"] == "managed"] == SETS
    assert len(calls(large.sim, since, "/rulesets")) == 1
    for ruleset in world.zones[zone]["rulesets"]:
        since = large.sim.mark()
        rules, answer = everything(large, "ruleset_get", zone=zone, ruleset=ruleset["id"])
        assert answer["ruleset"]["phase"] == ruleset["phase"]
        assert [(r["id"], r["enabled"]) for r in rules] == [
            (r["id"], r["enabled"]) for r in ruleset["rules"]]
        assert len(calls(large.sim, since, "/rulesets")) == 1
    overrides = everything(large, "waf_override_list", zone=zone, kind="override")[0]
    wanted = [(o["id"], o["action"], o["enabled"])
              for ruleset in world.zones[zone]["rulesets"] if ruleset["phase"] == MANAGED
              for o in ruleset["rules"][0]["action_parameters"]["overrides"]["rules"]]
    assert [(o["target"], o["action"], o["enabled"]) for o in overrides
            if o["of"] == "rule"] == wanted


def test_the_accounts_rulesets_come_by_cursor(large, world):
    since = large.sim.mark()
    found = everything(large, "ruleset_list")[0]
    assert [r["id"] for r in found] == [r["id"] for r in world.account["rulesets"]] + SETS
    assert len(calls(large.sim, since, "/rulesets")) == 3


def test_zones(large, world):
    found, answer = everything(large, "zone_list")
    assert {z["name"] for z in found} >= set(world.zones) and answer["total"] == 302
    pending = everything(large, "zone_list", status="pending")[0]
    assert {z["name"] for z in pending} == {
        name for name, z in world.zones.items() if z["status"] == "pending"}
    # what the daemon asks for itself, once for all
    pages = calls(large.sim, 0, "/zones")
    pages = [r for r in pages if r["path"] == "/zones"]
    assert len(pages) % 7 == 0


# ---- people ----

def roles_of(member):
    return member.get("roles") or member["policies"][0]["permission_groups"]


def test_members(large, world):
    since = large.sim.mark()
    found, answer = everything(large, "member_list")
    assert not answer.get("unreadable") and not answer.get("unknown")
    told = [(m["untrusted_email"], m["status"], m["two_factor"], m["super_administrator"])
            for m in found]
    assert told == [
        (m["email"], m["status"], "on" if m["two_factor"] else "off",
         roles_of(m)[0].startswith("Super")) for m in world.members]
    assert [len(m["untrusted_roles"]) for m in found] == [1] * len(found)
    may = [m["untrusted_email"] for m in found if "dns" in m["can"]]
    assert may == [m["email"] for m in world.members if roles_of(m)[0] in POWERS["dns"]]
    # 24 pages of members, and what the permission groups of policies are called
    assert len(calls(large.sim, since, "/members", "/permission_groups", "/roles")) <= 26


OWNERS = {"Super Administrator - All Privileges"}
POWERS = {"dns": OWNERS | {"Administrator", "DNS"},
          "firewall": OWNERS | {"Administrator", "Firewall"}, "members": OWNERS, "tokens": OWNERS}


@pytest.mark.parametrize("args, of", [
    ({"status": "pending"}, lambda m: m["status"] == "pending"),
    ({"two_factor": "off"}, lambda m: not m["two_factor"]),
    ({"role": "read only"}, lambda m: roles_of(m)[0] == "Administrator Read Only"),
    ({"role": "dns", "status": "accepted"},
     lambda m: roles_of(m)[0] == "DNS" and m["status"] == "accepted"),
    ({"text": "m110"}, lambda m: "m110" in m["email"])])
def test_members_are_chosen(large, world, args, of):
    wanted = [m["email"] for m in world.members if of(m)]
    since = large.sim.mark()
    found = everything(large, "member_list", fresh=True, **args)[0]
    assert [m["untrusted_email"] for m in found] == wanted
    pages = len(calls(large.sim, since, "/members"))
    least = -(-sum(m["status"] == args["status"] for m in world.members) // 50) \
        if "status" in args else 24
    assert pages == least * -(-max(len(wanted), 1) // 1000)


def test_roles(large, world):
    found = everything(large, "role_list", members=True)[0]
    held = {r["untrusted_name"]: r["members"] for r in found}
    assert list(held) == list(ROLES)
    assert held == {name: sum(name in m.get("roles", []) for m in world.members)
                    for name in ROLES}


def test_who_has_access(large, world):
    since = large.sim.mark()
    found, answer = everything(large, "access_review", fresh=True)
    accepted = [m for m in world.members if m["status"] == "accepted"]
    has = {power: {m["email"] for m in world.members if roles_of(m)[0] in roles}
           for power, roles in POWERS.items()}
    wanted = {"members": len(world.members), "accepted": len(accepted),
              "pending": len(world.members) - len(accepted), "super_administrators": 5,
              "without_second_factor": sum(not m["two_factor"] for m in accepted),
              "second_factor_unknown": 0, "by_policies": sum("policies" in m
                                                             for m in world.members),
              **{f"can_{power}": len(who) for power, who in has.items()}}
    assert {k: answer["summary"][k] for k in wanted} == wanted
    assert len(found) == len(world.members) and not answer.get("unknown")
    assert {m["untrusted_email"] for m in found if "no_second_factor" in m["flags"]} == {
        m["email"] for m in accepted if not m["two_factor"]}
    # 24 pages of members, one of groups, and when those were invited who have not come
    asked = calls(large.sim, since, "/members", "/permission_groups", "/roles", "/logs/audit")
    assert len(asked) <= 1.1 * (24 + 1 + 2)
    for power, who in has.items():
        listed = everything(large, "access_review", can=power)[0]
        assert {m["untrusted_email"] for m in listed} == who


# ---- what was done ----

def entries(host, **args):
    """The ids of all entries, in answers of a thousand."""
    found, cursor = [], {}
    while True:
        answer = host.api("audit_log_list", limit=1000, details=True, **args, **cursor)
        assert not answer.get("unknown") and not answer.get("unreadable")
        found += [x["id"] for x in answer["items"]]
        if not answer.get("next_cursor"):
            return found
        cursor = {"cursor": answer["next_cursor"]}


def made(world, of):
    return [x["id"] for x in world.entries if of(x)]


def test_every_entry_of_both_logs(large, world):
    since = large.sim.mark()
    assert entries(large, since="500d") == [x["id"] for x in world.entries]
    new = sum(x["action"]["time"] >= written(V2_BEGINS) for x in world.entries)
    least = -(-new // 1000) - (-(len(world.entries) - new) // 1000)
    assert len(world.entries) > new > 1000
    assert len(calls(large.sim, since, "/logs/audit", "/audit_logs")) <= 1.1 * least


CHANGES = ("create", "update", "delete")


@pytest.mark.parametrize("args, of", [
    ({"since": "48h", "resource": "token", "action": "change"},
     lambda x: x["resource"]["type"] == "token" and x["action"]["type"] in CHANGES),
    ({"since": "30d", "type": "token", "action": "delete"},
     lambda x: x["resource"]["type"] == "token" and x["action"]["type"] == "delete"),
    ({"since": "90d", "zone": "staging.example"},
     lambda x: x.get("zone", {}).get("name") == "staging.example"),
    ({"since": "60d", "actor": "m0007@example.com", "result": "failure"},
     lambda x: x["actor"]["email"] == "m0007@example.com" and x["action"]["result"] == "failure"),
    ({"since": "20d", "until": "10d", "product": "members"},
     lambda x: x["resource"]["product"] == "members")])
def test_entries_are_chosen(large, world, args, of):
    asked, mark = world.ages(**args), large.sim.mark()
    wanted = made(world, lambda x: asked(x) and of(x))
    assert entries(large, **args) == wanted and wanted
    word = 1 if "resource" not in args else -(-len(made(world, asked)) // 1000)
    least = max(word, -(-len(wanted) // 1000))
    assert len(calls(large.sim, mark, "/logs/audit", "/audit_logs")) <= max(1.1 * least, least)


STOPS = {"block", "managed_challenge", "js_challenge", "execute"}


@pytest.mark.parametrize("zone", ["z001.example", "z040.example"])
def test_a_report_of_what_changed(large, world, zone):
    lately, since = world.ages("20h"), large.sim.mark()
    changes = made(world, lambda x: lately(x) and x.get("zone", {}).get("name") == zone and
                   x["resource"]["type"] in ("ruleset", "access_rule") and
                   x["action"]["type"] in CHANGES)
    wanted = {i for i, (paused, action) in firewall_of(world, zone).items()
              if not paused and action in STOPS}
    report = large.api("security_change_report", zone=zone, since="20h", fresh=True)
    assert report["entries_total"] == len(report["entries"]) == len(changes) > 0
    assert report["blocking_total"] == len(wanted) and report["unknown"] == []
    told = {r["id"] for r in report["blocking"]}
    assert told <= wanted and len(told) == min(len(wanted), 60)
    assert report["truncated"] == (len(wanted) > 60)
    # nine parts of the firewall, the zone's entries, and those of the account's firewall
    of_account = len(made(world, lambda x: lately(x) and "zone" not in x and
                          x["action"]["type"] in CHANGES))
    assert len(calls(large.sim, since, "/rulesets", "/firewall/")) == 9
    assert len(calls(large.sim, since, "/logs/audit")) <= 1 - (-of_account // 1000)


def test_a_report_that_cannot_look_back_so_far_says_so(large, client):
    zone = "z040.example"
    report = large.api("security_change_report", zone=zone, since="90d")
    assert report["truncated"] and report["looked_back_to"] > report["since"]
    for op, args, most in (("security_change_report", {"zone": zone}, MOST),
                           ("incident_capsule", {"name": zone}, 16000)):
        assert len(text_of(client.call(op, since="90d", **args))) < most


# ---- for a model ----

LISTS = [("zone_list", {}), ("account_list", {}), ("ruleset_list", {}),
         ("ruleset_list", {"zone": "z001.example"}),
         ("ruleset_get", {"zone": "z001.example", "phase": CUSTOM}),
         ("firewall_rule_list", {"zone": "z001.example"}),
         ("waf_override_list", {"zone": "z001.example"}), ("member_list", {}),
         ("access_review", {}), ("access_review", {"format": "markdown"}),
         ("member_list", {"details": True}), ("role_list", {"members": True}),
         ("audit_log_list", {"since": "90d"}),
         ("audit_log_list", {"since": "90d", "details": True})]


def text_of(line):
    answer = json.loads(line)["result"]
    assert not answer.get("isError"), line[:500]
    return "".join(block["text"] for block in answer["content"])


@pytest.mark.parametrize("op, args", LISTS)
@pytest.mark.parametrize("more", [{}, {"limit": 1000}])
def test_each_answer_is_small_enough_for_a_model(client, op, args, more):
    line = client.call(op, **args, **more)
    told = json.loads(line)["result"]["structuredContent"]
    assert len(text_of(line)) < MOST
    assert len(json.dumps(told, ensure_ascii=False, separators=(",", ":"))) < MOST
    assert told["truncated"] == ("next_cursor" in told)


@pytest.mark.parametrize("op, args", [
    ("account_list", {}), ("member_list", {}), ("firewall_rule_list", {"zone": "z040.example"}),
    ("ruleset_list", {}), ("audit_log_list", {"since": "20d", "action": "view"})])
def test_no_429_reaches_the_caller(large, op, args):
    before = large.api(op, **args)
    large.sim.fault("limit", method="GET", path="*", ms=1000, count=2)
    try:
        answer = large.api(op, fresh=True, **args)
        assert answer["items"] == before["items"]
        assert answer.get("unknown") == before.get("unknown")
        assert large.sim.struck()
    finally:
        large.sim.faults_clear()


def test_an_allowance_that_is_soon_spent_is_waited_for(large, world):
    """Cloudflare's own limit, as its headers tell it: forty calls in four seconds."""
    sim = large.sim
    sim.control("POST", "seed", {"limits": {"requests": 40, "window_s": 4, "block_s": 1}})
    try:
        for _ in range(2):
            assert large.api("member_list", fresh=True)["total"] == len(world.members)
            answer = large.api("firewall_rule_list", zone="z040.example", fresh=True)
            assert answer["total"] and not answer["unknown"]
        assert large.api("ruleset_list", fresh=True)["total"] == 122
    finally:
        sim.control("POST", "seed", {"limits": {"requests": 10 ** 6, "window_s": 300,
                                                "block_s": 300}})


# ---- to whom ----

SECURITY = {"access_review", "account_list", "audit_log_list", "firewall_rule_list",
            "incident_capsule",
            "member_list", "role_list", "ruleset_get", "ruleset_list", "security_change_report",
            "token_check", "waf_override_list"}


def tools_of(client):
    return {t["name"]: t for t in json.loads(client.ask("tools/list"))["result"]["tools"]}


def test_a_viewer_sees_the_zones_alone(large):
    viewer = Client(large, "viewer")
    tools = tools_of(viewer)
    assert "zone_list" in tools and not SECURITY & set(tools)
    for op in SECURITY:
        viewer.refused(op, zone="staging.example")
    assert viewer.result("zone_list")["total"] == 302
    viewer.close()


def test_an_auditor_writes_nothing(large, client):
    tools = tools_of(client)
    assert SECURITY <= set(tools)
    assert all(t["annotations"]["readOnlyHint"] for t in tools.values())
    since = large.sim.mark()
    for op, args in (("route_set", {"hostname": "a.staging.example", "service": "http_status:404"}),
                     ("route_delete", {"hostname": "a.staging.example"}),
                     ("tunnel_create", {"name": "x"}), ("drift_repair", {}),
                     ("grant_create", {"name": "x"}), ("plan_approve", {"plan": 1, "hash": "x"})):
        assert op not in tools
        client.refused(op, **args)
    assert not [r for r in large.sim.log(since) if r["method"] != "GET"]
