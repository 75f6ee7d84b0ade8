"""Accounts, members, roles and tokens of adit-sim, by the API's document where it is at hand."""
import pytest

from openapi import ask
from simulator import Simulator

NARROW = "a-narrow-token-of-the-test"


@pytest.fixture(name="sim", scope="module")
def running_simulator():
    with Simulator("--zone", "example.com") as sim:
        yield sim


@pytest.fixture(autouse=True)
def fresh(sim):
    sim.control("POST", "reset")


def seed(sim, owner="account", **lists):
    sim.control("POST", "seed", {"security": {owner: lists}})


def people(count):
    return [{"email": f"p{i:04}@example.com", "status": "pending" if i % 7 == 0 else "accepted",
             "two_factor": i % 3 == 0, "roles": ["Reader" if i % 2 else "Keeper"]}
            for i in range(count)]


def roles():
    return [{"name": n, "description": f"{n} of things",
             "permissions": {"dns": {"read": True, "write": n == "Keeper"}}}
            for n in ("Reader", "Keeper")]


def test_members_come_in_pages_with_their_roles(sim):
    seed(sim, members=people(1200), roles=roles())
    path, found, page = f"/accounts/{sim.account}/members", [], 0
    while True:
        page += 1
        answer = ask(sim, f"{path}?page={page}&per_page=50")
        found += answer["result"]
        if page >= answer["result_info"]["total_pages"]:
            break
    assert page == 24 and [m["email"] for m in found] == [p["email"] for p in people(1200)]
    assert len({m["id"] for m in found}) == 1200
    for given, m in zip(people(1200), found):
        assert m["roles"][0]["name"] == given["roles"][0] and m["roles"][0]["permissions"]
        assert m["user"]["two_factor_authentication_enabled"] == given["two_factor"]
        assert ("id" in m["user"]) == (m["status"] == "accepted")
    one = ask(sim, f"{path}/{found[5]['id']}")["result"]
    assert one == found[5]
    assert ask(sim, f"{path}/{'0' * 32}") == (404, 1003)
    assert ask(sim, f"{path}?per_page=51") == (400, 7400)


def test_members_filters_and_order(sim):
    seed(sim, members=people(20), roles=roles())
    path = f"/accounts/{sim.account}/members"
    pending = ask(sim, f"{path}?status=pending")["result"]
    assert [m["email"] for m in pending] == [f"p{i:04}@example.com" for i in (0, 7, 14)]
    down = ask(sim, f"{path}?order=user.email&direction=desc&per_page=5")["result"]
    assert [m["email"] for m in down] == [f"p{i:04}@example.com" for i in (19, 18, 17, 16, 15)]
    assert ask(sim, f"{path}?status=lost") == (400, 7400)
    assert ask(sim, f"{path}?order=age") == (400, 7400)


def test_members_with_policies(sim):
    seed(sim, permission_groups=[{"name": "DNS", "meta": {"label": "dns"}}], members=[
        {"email": "fine@example.com", "policies": [
            {"id": "1" * 32, "access": "allow", "permission_groups": ["DNS"], "resource_groups": [
                {"id": "2" * 32, "scope": {"key": "com.cloudflare.api.account", "objects": [
                    {"key": "*"}]}}]}]}])
    member = ask(sim, f"/accounts/{sim.account}/members")["result"][0]
    assert "roles" not in member
    assert member["policies"][0]["permission_groups"][0]["meta"] == {"label": "dns"}
    groups = ask(sim, f"/accounts/{sim.account}/iam/permission_groups?label=dns")["result"]
    assert [g["name"] for g in groups] == ["DNS"]
    assert ask(sim, f"/accounts/{sim.account}/iam/permission_groups?label=x")["result"] == []


def test_invitations_and_farewells(sim):
    path = f"/accounts/{sim.account}/members"
    made = ask(sim, path, "POST", {"email": "new@example.com", "roles": []})["result"]
    assert made["status"] == "pending"
    assert ask(sim, path, "POST", {"roles": []}) == (400, 7400)
    assert len(ask(sim, path)["result"]) == 2
    assert ask(sim, f"{path}/{made['id']}", "DELETE")["result"] == {"id": made["id"]}
    assert len(ask(sim, path)["result"]) == 1


def test_roles_and_accounts(sim):
    seed(sim, roles=roles())
    listed = ask(sim, f"/accounts/{sim.account}/roles")["result"]
    assert [r["name"] for r in listed] == ["Reader", "Keeper"]
    assert ask(sim, f"/accounts/{sim.account}/roles/{listed[1]['id']}")["result"] == listed[1]
    assert len(ask(sim, "/accounts")["result"]) == 2
    first, second = (a["id"] for a in ask(sim, "/accounts?direction=desc")["result"])
    assert second == sim.account and first != second


def test_what_a_token_is_told_of_itself(sim):
    sim.control("POST", "seed", {"tokens": [
        {"value": NARROW, "name": "reads", "scopes": ["account:read", "zone:read", "tokens:read"],
         "zones": ["example.com"], "expires_on": "30d"}]})
    verified = ask(sim, "/user/tokens/verify", token=NARROW)["result"]
    assert verified["status"] == "active" and verified["expires_on"]
    own = ask(sim, f"/user/tokens/{verified['id']}", token=NARROW)["result"]
    assert own["name"] == "reads" and own["expires_on"] == verified["expires_on"]
    assert [[g["name"] for g in p["permission_groups"]] for p in own["policies"]] == [
        ["API Tokens Read"], ["Account Settings Read"], ["Zone Read"]]
    assert list(own["policies"][2]["resources"])[0].startswith("com.cloudflare.api.account.zone.")
    assert NARROW not in str(own)
    assert ask(sim, f"/accounts/{sim.account}/tokens", token=NARROW) == (403, 10000)
    assert ask(sim, f"/accounts/{sim.account}/tokens/verify", token=NARROW) == (401, 1000)
    sim.control("POST", "seed", {"tokens": [{"value": NARROW, "expires_on": "-1s"}]})
    assert ask(sim, "/user/tokens/verify", token=NARROW) == (401, 1000)
    assert ask(sim, "/zones", token=NARROW) == (401, 10000)


def test_tokens_of_the_account(sim):
    owned = "cfat_a-token-of-the-account"
    sim.control("POST", "seed", {"tokens": [
        {"value": owned, "account": sim.account, "name": "machine"}]})
    assert ask(sim, "/user/tokens/verify", token=owned) == (401, 1000)
    assert ask(sim, f"/accounts/{sim.account}/tokens/verify", token=owned)["result"]["id"]
    assert ask(sim, "/accounts", token=owned) == (400, 1001)
    seed(sim, tokens=[{"name": "old", "status": "expired", "policies": []}])
    path = f"/accounts/{sim.account}/tokens"
    assert [t["name"] for t in ask(sim, path)["result"]] == ["machine"]
    both = ask(sim, f"{path}?include_expired=true")["result"]
    assert sorted(t["name"] for t in both) == ["machine", "old"]


def test_zones_by_what_they_are(sim):
    sim.control("POST", "seed", {"zones": [
        {"name": "new.example", "status": "pending"}, {"name": "part.example", "type": "partial"},
        {"name": "rest.example", "paused": True}]})

    def names(query):
        return sorted(z["name"] for z in ask(sim, f"/zones?{query}")["result"])

    mine = f"account.id={sim.account}"
    assert names(f"{mine}&status=pending") == ["new.example"]
    assert names(f"{mine}&type=partial") == ["part.example"]
    assert names(f"{mine}&type=partial&type=secondary") == ["part.example"]
    assert names("name=new.example&type=partial&match=any") == ["new.example", "part.example"]
    assert names("account.name=contains:Other") == ["elsewhere.example"]
    down = ask(sim, "/zones?order=name&direction=desc&per_page=5")["result"]
    assert [z["name"] for z in down[:2]] == ["rest.example", "part.example"]
    assert ask(sim, "/zones?status=lost") == (400, 7400)
