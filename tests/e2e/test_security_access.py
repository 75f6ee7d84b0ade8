"""Who has access to the account: members, roles, and what they come to; tokens and what they lack."""
import json
import time

import pytest

from harness import free_port
from mcp_client import Http

ALL = {"read": True, "write": True}
READ = {"read": True, "write": False}
SUPER = "Super Administrator - All Privileges"
ROLES = [
    {"name": SUPER, "description": "Can edit any Cloudflare setting", "permissions": {}},
    {"name": "Administrator", "permissions": {"dns_records": ALL, "waf": ALL, "organization": READ}},
    {"name": "DNS", "description": "Can edit DNS records", "permissions": {"dns_records": ALL, "zone": READ}},
    {"name": "Analytics", "permissions": {"analytics": READ}},
]
GROUP = "c8fed203ed3043cba015a93ad1616f1f"
GROUPS = [{"id": GROUP, "name": "Zone WAF Write"}]


def scope(zone):
    return [{"id": "6d7f2f5f5b1d4a0e9081fdc98d432fd1", "name": "one zone", "scope": {
        "key": "com.cloudflare.api.account.x", "objects": [{"key": f"com.cloudflare.api.account.zone.{zone}"}]}}]


def people(zone):
    return [
        {"email": "root@example.com", "roles": [SUPER], "two_factor": True},
        {"email": "careless@example.com", "roles": ["Administrator"], "two_factor": False},
        {"email": "names@example.com", "roles": ["DNS"], "two_factor": True},
        {"email": "rules@example.com", "two_factor": True, "policies": [
            {"id": "p1", "access": "allow", "permission_groups": [{"id": GROUP}],
             "resource_groups": scope(zone)}]},
        {"email": "guest@example.com", "status": "pending", "roles": ["Analytics"]},
    ]


def seed(sim, **lists):
    sim.control("POST", "seed", {"security": {sim.account: lists}})


def zone_id(sim, name="example.com"):
    return next(z["id"] for z in sim.state()["zones"] if z["name"] == name)


@pytest.fixture
def team(host, sim):
    seed(sim, roles=ROLES, permission_groups=GROUPS)
    seed(sim, members=people(zone_id(sim)))
    host.start()
    return host


def asked(sim, since, part):
    return [r for r in sim.log(since) if r["method"] == "GET" and part in r["path"]]


def emails(answer):
    return [row["untrusted_email"].split("@")[0] for row in answer["items"]]


# ---- members ----

def test_members_and_what_they_may(team, sim):
    since = sim.mark()
    answer = team.api("member_list")
    rows = {row["untrusted_email"].split("@")[0]: row for row in answer["items"]}
    assert answer["total"] == 5 and answer["source"] == "api" and answer["rate"]["remaining"] > 0
    assert rows["root"]["super_administrator"] and rows["root"]["can"] == ["dns", "firewall", "members", "tokens"]
    assert rows["careless"]["can"] == ["dns", "firewall"] and rows["careless"]["two_factor"] == "off"
    assert rows["names"]["can"] == ["dns"] and rows["names"]["untrusted_roles"] == ["DNS"]
    # A policy names its group by the id alone: the list of groups says what it is.
    assert rows["rules"]["untrusted_roles"] == ["Zone WAF Write on example.com"]
    assert rows["rules"]["can"] == ["firewall"] and rows["guest"]["can"] == []
    assert rows["guest"]["status"] == "pending" and "rights" not in rows["guest"]
    assert len(asked(sim, since, "/members")) == 1 and len(asked(sim, since, "/permission_groups")) == 1


@pytest.mark.parametrize("arguments, found", [
    ({"text": "NAMES@"}, ["names"]),
    ({"role": "administrator"}, ["root", "careless"]),
    ({"role": "zone waf"}, ["rules"]),
    ({"role": GROUP}, ["rules"]),
    ({"status": "pending"}, ["guest"]),
    ({"two_factor": "off"}, ["careless", "guest"]),
    ({"two_factor": "unknown"}, []),
    ({"text": "nobody"}, []),
    ({"limit": 2}, ["root", "careless"]),
    ({"limit": 2, "cursor": "4"}, ["guest"]),
])
def test_members_are_chosen(team, arguments, found):
    assert emails(team.api("member_list", **arguments)) == found


def test_the_status_is_asked_of_the_api(team, sim):
    since = sim.mark()
    team.api("member_list", status="pending")
    row, = asked(sim, since, "/members")
    assert "status=pending" in row["query"]


def test_details_tell_each_right(team):
    row, = team.items("member_list", text="rules@", details=True)
    right, = row["rights"]
    assert right == {"kind": "policy", "id": GROUP, "untrusted_name": "Zone WAF Write", "denies": False,
                     "reaches": "zones", "zones": ["example.com"]}
    row, = team.items("member_list", text="names@", fields=["full"])
    assert row["rights"] and row["can"] == ["dns"]
    row, = team.items("member_list", text="names@", fields=["rights"])
    assert row["rights"][0]["permissions"] == "edit dns_records; read zone" and list(row) == ["rights"]


def test_groups_that_cannot_be_read_are_unknown(team, sim):
    sim.fault("error", path="/accounts/*/iam/permission_groups", status=403, code=10000, count=0)
    answer = team.api("member_list", text="rules@")
    assert answer["items"][0]["untrusted_roles"] == [f"{GROUP} on example.com"]
    part, = answer["unknown"]
    assert part["part"] == "names of permission groups" and part["message"]
    assert part["missing_permission"] == "Account Settings: Read"


def test_a_thousand_members_cost_a_page_each_fifty(host, sim):
    seed(sim, members=[{"email": f"m{i}@example.com", "two_factor": i % 2 == 0, "roles": []}
                       for i in range(1200)])
    host.start()
    since = sim.mark()
    answer = host.api("member_list", two_factor="off", limit=1000)
    assert answer["total"] == 600 == answer["count"] and not answer["truncated"]
    assert len(asked(sim, since, "/members")) == 24


def test_rows_that_make_no_sense_are_counted(team, sim):
    rows = [{"id": "../x"}, {"id": None}, {"id": "m1", "email": "\u202ea@example.com\u0007", "status": 7,
                                          "user": [], "roles": {}, "policies": [7, {}]}]
    sim.control("POST", "seed", {"fixtures": {f"/accounts/{sim.account}/members": {
        "success": True, "errors": [], "messages": [], "result": rows,
        "result_info": {"page": 1, "per_page": 50, "count": 3, "total_count": 3}}}})
    answer = team.api("member_list")
    row, = answer["items"]
    assert answer["unreadable"] == 2 and row["status"] == row["two_factor"] == "unknown"
    assert row["untrusted_email"] == "?a@example.com?"


# ---- roles ----

def test_roles_in_words(team, sim):
    since = sim.mark()
    rows = {row["untrusted_name"]: row for row in team.items("role_list")}
    assert set(rows) == {r["name"] for r in ROLES}
    assert rows["DNS"]["permissions"] == "edit dns_records; read zone" and rows["DNS"]["can"] == ["dns"]
    assert rows[SUPER]["super_administrator"] and "members" not in rows["DNS"]
    assert rows[SUPER]["permissions"] == "everything"
    assert not asked(sim, since, "/members")
    rows = {row["untrusted_name"]: row for row in team.items("role_list", members=True)}
    assert {name: row["members"] for name, row in rows.items()} == {
        SUPER: 1, "Administrator": 1, "DNS": 1, "Analytics": 1}
    assert [r["untrusted_name"] for r in team.items("role_list", text="edit dns")] == ["DNS"]
    code, text, _ = team.adit("role", "list")
    assert code == 0 and "edit dns_records; read zone" in text


def test_a_member_of_very_many_roles(host, sim):
    seed(sim, members=[{"email": "all@example.com", "two_factor": True,
                        "roles": [{"id": f"r{i}", "name": f"Role {i}"} for i in range(300)]}])
    host.start()
    row, = host.items("member_list")
    assert row["untrusted_roles"][39:] == ["Role 39", "and more"]
    assert len(host.items("member_list", details=True)[0]["rights"]) == 300


def test_a_role_that_is_told_as_a_policy_too_is_one(host, sim):
    both = {"id": GROUP, "name": "DNS", "permissions": {"dns_records": ALL}}
    seed(sim, roles=[both], members=[
        {"email": "both@example.com", "two_factor": True, "roles": [both], "policies": [
            {"id": "p1", "access": "allow", "permission_groups": [{"id": GROUP, "name": "DNS"}],
             "resource_groups": [{"scope": {"objects": [{"key": "*"}]}}]}]}])
    host.start()
    row, = host.items("member_list")
    assert row["untrusted_roles"] == ["DNS"] and row["can"] == ["dns"]
    assert host.items("role_list", members=True)[0]["members"] == 1


# ---- which account ----

def test_an_account_by_name(team, sim):
    assert team.api("member_list", account=sim.account)["total"] == 5
    name = next(r["untrusted_name"] for r in team.items("account_list") if r["id"] == sim.account)
    assert team.api("member_list", account=name.upper())["total"] == 5
    assert team.api("member_list", account="other account")["total"] == 1
    error = team.refused("member_list", account="nowhere").error
    assert error["kind"] == "not_found" and "account list" in error["hint"]
    sim.control("POST", "seed", {"accounts": [{"id": "3" * 32, "name": "Twice"}, {"id": "4" * 32, "name": "Twice"}]})
    error = team.refused("member_list", account="twice", fresh=True).error
    assert error["kind"] == "conflict" and "id" in error["hint"]


def test_an_accounts_token_knows_the_accounts_name(host, sim):
    use(host, token(sim, [*MANAGES, "account:read"], account=sim.account))
    host.start()
    name = host.items("account_list")[0]["untrusted_name"]
    assert host.api("member_list", account=name)["total"] == 1
    assert host.refused("member_list", account="nowhere").kind == "not_found"


def test_a_token_that_lists_no_accounts_says_so(host, sim):
    use(host, token(sim, MANAGES))
    host.start()
    error = host.refused("member_list", account="whatever").error
    assert error["kind"] == "denied" and error["missing_permission"] == "Account Settings: Read"


def test_zones_by_plan_and_account(host, sim):
    sim.control("POST", "seed", {"zones": [{"name": "paid.example", "plan": "pro"}]})
    host.start()
    assert [z["name"] for z in host.items("zone_list", plan="PRO")] == ["paid.example"]
    assert len(host.items("zone_list", account=sim.account)) == 3
    assert len(host.items("zone_list", account=sim.account.upper())) == 3
    assert host.items("zone_list", account="0" * 32) == []
    name = host.items("account_list")[0]["untrusted_name"]
    assert host.items("zone_list", account=name.upper()) == host.items("zone_list")
    error = host.refused("zone_list", account="nowhere").error
    assert error["kind"] == "not_found" and "account list" in error["hint"], error


# ---- tokens ----

MANAGES = ["tunnel:write", "tunnel:read", "dns:write", "dns:read", "zone:read"]
SECURITY = ["account:read", "zone-waf:read", "account-waf:read", "account-rulesets:read",
            "firewall:read", "account-firewall:read", "tokens:read", "account-tokens:read"]


def token(sim, scopes, **more):
    value = f"sim-token-{time.monotonic_ns()}"
    sim.control("POST", "seed", {"tokens": [{"value": value, "scopes": scopes, **more}]})
    return value


def use(host, managing, reading=None):
    host.write_token(managing)
    if reading:
        second = host.folder / "read-token"
        second.write_text(reading + "\n")
        second.chmod(0o600)
        host.configure(cloudflare={"read_token_file": str(second)})


def permissions(row):
    words = {"may": "yes", "may_partly": "partly", "may_not": "no", "not_known": "unknown"}
    return {name: word for key, word in words.items() for name in row[key]}


def named(answer, verdict):
    return {r["operation"]: r for r in answer[verdict]}


def test_a_token_that_may_all_and_tells_so(host, sim):
    use(host, token(sim, [*MANAGES, *SECURITY], name="mine", expires_on="100d"))
    host.start()
    since = sim.mark()
    answer = host.api("token_check")
    row, = answer["tokens"]
    assert row["status"] == "active" and row["owner"] == "user" and row["untrusted_name"] == "mine"
    assert row["known_by"] == "policies" and row["serves"] == "all operations" and row["expires_on"]
    assert answer["warnings"] == answer["partly"] == answer["cannot"] == answer["unknown"] == []
    assert "route_set" in answer["can"] and "firewall_rule_list" in answer["can"]
    assert len([r for r in sim.log(since) if "/tokens" in r["path"]]) == 2
    assert host.token_path.read_text().strip() not in str(answer)
    code, text, _ = host.adit("token", "check")
    assert code == 0 and "active" in text


def test_an_accounts_token_is_found_out_by_reading(host, sim):
    use(host, token(sim, [*MANAGES, "account:read", "zone-waf:read"], account=sim.account))
    host.start()
    answer = host.api("token_check")
    row, = answer["tokens"]
    assert row["owner"] == "account" and row["known_by"] == "reads" and row["id"]
    assert permissions(row)["Account Settings: Read"] == "yes" == permissions(row)["Zone WAF: Read"]
    assert permissions(row)["DNS: Edit"] == "unknown" and permissions(row)["DNS: Read"] == "yes"
    assert permissions(row)["Account WAF: Read"] == "no"
    assert "Firewall Services: Read" in row["missing"] and "DNS: Edit" not in row["missing"]
    assert named(answer, "unknown")["route_set"]["unknown"] == ["Cloudflare Tunnel: Edit", "DNS: Edit"]
    assert named(answer, "partly")["waf_override_list"]["missing"] == ["Account WAF: Read"]
    assert "member_list" in answer["can"]
    assert host.status()["access"] == "ok"


def test_two_tokens_serve_two_ends(host, sim):
    use(host, token(sim, MANAGES), token(sim, SECURITY))
    host.start()
    answer = host.api("token_check")
    manages, reads = answer["tokens"]
    assert manages["setting"].endswith("api_token_file") and manages["serves"] == "managing"
    assert reads["setting"].endswith("read_token_file") and reads["known_by"] == "policies"
    assert permissions(reads)["DNS: Edit"] == "no" and answer["cannot"] == []
    assert "member_list" in answer["can"] and reads["missing"] == []
    # Without it drift is found, but not who made it.
    assert list(named(answer, "partly")) == ["drift_list"]
    assert manages["missing"] == ["Account Settings: Read"]


def test_a_token_that_ends_soon_is_warned_of(host, sim):
    use(host, token(sim, [*MANAGES, *SECURITY], expires_on="3d"))
    host.start()
    warning, = host.api("token_check")["warnings"]
    assert "expires in" in warning and "api_token_file" in warning


def test_a_token_for_one_zone(host, sim):
    use(host, token(sim, [*MANAGES, *SECURITY], zones=["example.com"]))
    host.start()
    answer = host.api("token_check")
    assert permissions(answer["tokens"][0])["DNS: Edit"] == "partly"
    assert named(answer, "partly")["dns_set"]["missing"] == [] and "tunnel_list" in answer["can"]


def test_a_token_that_is_refused(host, sim):
    use(host, "nobody-knows-this-token-0000000000000000")
    host.start()
    answer = host.api("token_check")
    row, = answer["tokens"]
    assert row["status"] == "refused" and row["message"] and "api_token_file" in row["hint"]
    assert "member_list" in named(answer, "cannot") and "missing" not in row
    assert "is refused" in answer["warnings"][0]


# ---- the review ----

def test_the_review_begins_with_the_riskiest(team, sim):
    since = sim.mark()
    answer = team.api("access_review")
    assert emails(answer) == ["careless", "root", "guest", "names", "rules"]
    first, root, guest = answer["items"][:3]
    assert first["flags"] == ["no_second_factor"] and root["flags"] == ["super_administrator"]
    assert guest["flags"] == ["invited", "invitation_undated"] and "invited" not in guest
    assert answer["summary"] == {
        "members": 5, "accepted": 4, "pending": 1, "super_administrators": 1, "without_second_factor": 1,
        "second_factor_unknown": 0, "invitations_old": 0, "invitations_undated": 1, "can_dns": 3,
        "can_firewall": 3, "can_members": 1, "can_tokens": 1, "by_policies": 1}
    assert "1 member who has accepted has no second factor." in answer["findings"]
    assert {p: len(asked(sim, since, p)) for p in ("/members", "/permission_groups", "/logs/audit", "/roles")} == {
        "/members": 1, "/permission_groups": 1, "/logs/audit": 1, "/roles": 0}


def test_who_can_change_what(team, sim):
    since = sim.mark()
    answer = team.api("access_review", can="dns")
    assert set(emails(answer)) == {"root", "careless", "names"} and answer["total"] == 3
    assert not asked(sim, since, "/logs/audit") and "invitations_old" not in answer["summary"]
    assert set(emails(team.api("access_review", can="members"))) == {"root"}
    assert set(emails(team.api("access_review", can="firewall"))) == {"root", "careless", "rules"}


@pytest.mark.parametrize("ago, old", [("480h", True), ("330h", False)])
def test_invitations_that_nobody_took(team, sim, ago, old):
    rows = {row["untrusted_email"].split("@")[0]: row["id"] for row in team.items("member_list")}
    seed(sim, audit=[{"action": {"type": "create", "result": "success", "time": ago, "description": "x"},
                      "resource": {"id": rows["guest"], "product": "members", "type": "member",
                                   "scope": "accounts"}}])
    answer = team.api("access_review", fresh=True)
    guest, = [r for r in answer["items"] if r["id"] == rows["guest"]]
    assert guest["flags"] == ["invited"] + ["invitation_old"] * old and guest["invited"]
    assert answer["summary"]["invitations_old"] == old and answer["summary"]["invitations_undated"] == 0


def test_dates_that_cannot_be_read_are_unknown(team, sim):
    sim.fault("error", path="/accounts/*/logs/audit", status=403, code=10000, count=0)
    answer = team.api("access_review")
    part, = answer["unknown"]
    assert part["part"] == "age of invitations" and part["missing_permission"]
    assert answer["summary"]["invitations_undated"] == 1


def test_the_review_as_a_text(team):
    answer = team.api("access_review", format="markdown")
    text = answer["untrusted_markdown"]
    assert answer["items"] == [] and answer["count"] == 5
    assert text.startswith(f"# Access to Cloudflare account {team.sim.account}\n")
    assert "- 1 member is super administrator.\n" in text
    assert "| careless@example.com | accepted | off | dns, firewall | Administrator |\n" in text
    assert "| root@example.com | accepted | on | everything |" in text
    assert "| rules@example.com | accepted | on | firewall | Zone WAF Write on example.com |" in text
    code, told, _ = team.adit("access", "review", "--format", "markdown")
    assert code == 0 and told.splitlines()[2:] == text.splitlines()[2:] and told.startswith("# Access")
    code, told, _ = team.adit("access", "review", "dns")
    assert code == 0 and "- 1 member is super administrator." in told and "careless@" in told


def test_others_words_are_no_markup(host, sim):
    evil = "x|[y](http://z)\n# <b>`*_\u202e"
    seed(sim, members=[{"email": evil, "two_factor": True, "roles": [{"id": "r", "name": evil * 20}]}])
    host.start()
    text = host.api("access_review", format="markdown")["untrusted_markdown"]
    row = text.strip().split("\n")[-1]
    assert row.startswith("| x\\|\\[y\\](http\\://z)?\\# \\<b\\>\\`\\*\\_? | accepted")
    assert len(row) < 400 and "\u202e" not in text


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_a_large_account_fits_in_answers(host, sim, form):
    seed(sim, roles=ROLES, members=[
        {"email": f"member-{i}@example.com", "two_factor": i % 3 != 0, "roles": ["Administrator", "DNS"],
         "status": "pending" if i % 100 == 0 else "accepted"} for i in range(1200)])
    host.start()
    since, seen, cursor = sim.mark(), 0, {}
    while True:
        answer = host.api("access_review", format=form, limit=1000, **cursor)
        assert len(json.dumps(answer, ensure_ascii=False)) < 40000 and answer["total"] == 1200
        seen += answer["count"]
        if not answer["truncated"]:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert seen == 1200 and answer["summary"]["pending"] == 12
    assert len(asked(sim, since, "/members")) == 24 and len(asked(sim, since, "/logs/audit")) == 1


# ---- who may ----

OPERATIONS = ["member_list", "role_list", "access_review"]


@pytest.fixture
def door(host, sim):
    host.port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{host.port}"})
    seed(sim, roles=ROLES, permission_groups=GROUPS)
    seed(sim, members=people(zone_id(sim)))
    return host.start()


def client(host, role, **more):
    made = host.api("grant_create", name=f"g{time.monotonic_ns()}", role=role, **more)
    return Http(host.port, made["token"])


def tools(of):
    return {t["name"]: t for t in of.ask("tools/list")["tools"]}


def test_a_viewer_sees_none_of_it(door, sim):
    viewer, since = client(door, "viewer"), sim.mark()
    assert "zone_list" in tools(viewer)
    for operation in [*OPERATIONS, "token_check"]:
        assert operation not in tools(viewer)
        assert viewer.tool(operation)["isError"]
    assert viewer.tool("zone_list")["structuredContent"]["total"] == 2
    for by in (viewer, client(door, "auditor", zones=["example.com"])):
        found = by.tool("zone_list", account="Simulated")  # a name: accounts are another's matter
        assert found["isError"], found
        assert by.tool("zone_list", account=sim.account)["structuredContent"]["total"] >= 1
    assert "access_review" not in [p["name"] for p in viewer.ask("prompts/list")["prompts"]]
    assert not asked(sim, since, f"/accounts/{sim.account}/members")


def test_an_auditor_reads_and_writes_nothing(door, sim):
    auditor, since = client(door, "auditor"), sim.mark()
    offered = tools(auditor)
    assert {*OPERATIONS, "token_check", "zone_list"} <= set(offered)
    assert all(t["annotations"]["readOnlyHint"] for t in offered.values())
    for write, wish in (("dns_set", {"name": "x.example.com", "type": "A", "content": "192.0.2.1"}),
                        ("tunnel_create", {"name": "x"}), ("tunnel_delete", {"tunnel": "edge1"})):
        assert auditor.ask("tools/call", name=write, arguments=wish)["isError"], write
    answer = auditor.tool("access_review", can="dns")["structuredContent"]
    assert set(emails(answer)) == {"root", "careless", "names"}
    assert sim.writes(since) == []


def test_the_prompt_leads_through_the_review(door):
    auditor = client(door, "auditor")
    prompt, = [p for p in auditor.ask("prompts/list")["prompts"] if p["name"] == "access_review"]
    assert [a["name"] for a in prompt["arguments"]] == ["account"]
    text = auditor.ask("prompts/get", name="access_review", arguments={"account": "Sim Account"})[
        "messages"][0]["content"]["text"]
    assert "access_review for Sim Account" in text


@pytest.mark.parametrize("narrowed", [{"zones": ["example.com"]}, {"hosts": ["*.example.com"]}])
def test_a_narrowed_grant_has_nothing_of_the_account(door, sim, narrowed):
    auditor, since = client(door, "auditor", **narrowed), sim.mark()
    for operation in [*OPERATIONS, "token_check"]:
        answer = auditor.tool(operation)
        assert answer["isError"] and "account as a whole" in str(answer), answer
    assert not asked(sim, since, f"/accounts/{sim.account}/members") and not asked(sim, since, "/tokens")


def test_a_refusal_names_the_permission_and_the_token(host, sim):
    narrow = "sim-token-without-account-settings"
    sim.control("POST", "seed", {"tokens": [{"value": narrow, "scopes": [
        "tunnel:write", "dns:write", "zone:read"]}]})
    host.write_token(narrow)
    host.start()
    for operation in OPERATIONS:
        error = host.refused(operation).error
        assert error["kind"] == "denied" and error["missing_permission"] == "Account Settings: Read"
        assert "api_token_file" in error["hint"] and "read_token_file" not in error["hint"]
