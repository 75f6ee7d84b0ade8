"""A grant that asks: nothing is written before the person at the client has said yes to the very
plan, and no yes lets through what takes an approval."""
import pytest

from harness import free_port, until
from mcp_client import ELICITS, LEGACY, Http, Lines, Refused

YES = {"action": "accept", "content": {"confirm": True}}
NOS = [{"action": "decline"}, {"action": "cancel"}, {"action": "accept"}, {},
       {"action": "accept", "content": {"confirm": False}},
       {"action": "accept", "content": {"confirm": "yes"}}, {"action": "ACCEPT"}, "accept", 5]


@pytest.fixture(name="door")
def a_door(host, origin):
    host.port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{host.port}"})
    host.start()
    host.publish("app.example.com", origin.url)
    host.wish = {"hostname": "new.example.com", "service": origin.url}
    return host


def client(host, name="careful", capabilities=None, **grant):
    made = host.api("grant_create", name=name, role="operator", ask=True,
                    origins=[host.wish["service"]], **grant)
    return Http(host.port, made["token"], ELICITS if capabilities is None else capabilities)


def asked(c, tool, **arguments):
    """The question that the call is answered with."""
    got = c.tool(tool, **arguments)
    assert got["resultType"] == "input_required", got
    assert "ttlMs" not in got and "content" not in got
    question = got["inputRequests"]["confirm"]
    assert question["method"] == "elicitation/create"
    assert question["params"]["mode"] == "form"
    assert question["params"]["requestedSchema"]["required"] == ["confirm"]
    return question["params"]["message"], got["requestState"]


def again(c, state, answer, tool="route_set", **arguments):
    return c.ask("tools/call", name=tool, arguments=arguments, requestState=state,
                 inputResponses={"confirm": answer})


def elicited(host):
    """Rows of the ledger about what a person answered."""
    return [r for r in host.items("ledger_list")
            if r.get("decision") in ("accepted", "declined", "cancelled")]


def routes(host):
    return [r["hostname"] for r in host.items("route_list")]


def test_yes_lets_through_what_was_shown(door, sim):
    c = client(door)
    since = sim.mark()
    message, state = asked(c, "route_set", **door.wish)
    assert "new.example.com" in message and "grant careful" in message
    assert routes(door) == ["app.example.com"] and sim.writes(since) == []
    got = again(c, state, YES, **door.wish)["structuredContent"]
    assert got["state"] == "applied" and got["converged"], got
    assert "new.example.com" in routes(door)
    assert c.tool("route_set", **door.wish)["structuredContent"]["state"] == "unchanged"
    row, = elicited(door)
    assert (row["decision"], row["principal"]) == ("accepted", "grant careful"), row


@pytest.mark.parametrize("answer", NOS, ids=str)
def test_anything_but_yes_is_no_for_good(door, sim, answer):
    c = client(door)
    since = sim.mark()
    _, state = asked(c, "route_set", **door.wish)
    got = again(c, state, answer, **door.wish)
    assert got["isError"] and "nothing was changed" in got["content"][0]["text"]
    plan = door.items("plan_list")[0]
    assert plan["state"] == "rejected", plan
    row, = elicited(door)
    assert row["decision"] in ("declined", "cancelled") and row["plan"] == plan["plan"], row
    for reply in (YES, answer):
        with pytest.raises(Refused):
            again(c, state, reply, **door.wish)
    got = c.tool("plan_apply", plan=plan["plan"])
    assert "rejected" in str(got), got
    assert routes(door) == ["app.example.com"] and sim.writes(since) == []


def test_an_answer_is_good_once_and_for_its_own_call(door):
    c, other = client(door), client(door, "other")
    _, state = asked(c, "route_set", **door.wish)
    elsewhere = {**door.wish, "hostname": "evil.example.com"}
    for who, text, wish in ((c, state, elsewhere), (other, state, door.wish),
                            (c, state[:-1] + ("0" if state[-1] != "0" else "1"), door.wish),
                            (c, "p1-0-99999999999999-x-y", door.wish), (c, "", door.wish),
                            (c, 7, door.wish)):
        with pytest.raises(Refused) as refused:
            again(who, text, YES, **wish)
        assert refused.value.code == -32602
    with pytest.raises(Refused):
        again(c, state, YES, tool="tunnel_create", name="web")
    assert routes(door) == ["app.example.com"]
    assert again(c, state, YES, **door.wish)["structuredContent"]["state"] == "applied"
    with pytest.raises(Refused):
        again(c, state, YES, **door.wish)


def test_who_does_not_answer_is_asked_again(door):
    c = client(door)
    _, state = asked(c, "route_set", **door.wish)
    for responses in ({}, {"other": YES}, 5):
        got = c.ask("tools/call", name="route_set", arguments=door.wish, requestState=state,
                    inputResponses=responses)
        assert got["resultType"] == "input_required", got
    assert routes(door) == ["app.example.com"]
    state = got["requestState"]
    assert again(c, state, YES, **door.wish)["structuredContent"]["state"] == "applied"


def test_a_question_does_not_outlast_the_daemon(door):
    c = client(door)
    _, state = asked(c, "route_set", **door.wish)
    door.stop()
    door.start()
    with pytest.raises(Refused):
        again(c, state, YES, **door.wish)
    assert routes(door) == ["app.example.com"]


def test_yes_approves_nothing(door, sim):
    c = client(door)
    since = sim.mark()
    got = c.tool("route_delete", hostname="app.example.com")["structuredContent"]
    assert got["state"] == "needs_approval" and got["approve_with"].startswith("adit plan approve")
    assert c.tool("plan_apply", plan=got["plan"])["structuredContent"]["state"] == "needs_approval"
    assert routes(door) == ["app.example.com"] and sim.writes(since) == []


def test_what_changed_meanwhile_is_not_let_through(door, origin):
    c = client(door)
    _, state = asked(c, "route_set", **door.wish)
    door.publish("new.example.com", "http_status:404")
    got = again(c, state, YES, **door.wish)
    assert got.get("isError") or got["structuredContent"]["state"] in ("stale", "needs_approval"), got
    assert door.items("route_list", hostname="new.example.com")[0]["service"] == "http_status:404"


def test_who_cannot_be_asked_changes_nothing(door, sim):
    since = sim.mark()
    for name, capabilities in (("none", {}), ("url", {"elicitation": {"url": {}}})):
        c = client(door, name, capabilities)
        got = c.tool("route_set", **door.wish)
        assert got["isError"] and "nothing was changed" in got["content"][0]["text"]
        assert c.tool("connector_restart", connector="edge1/1")["isError"]
        assert c.tool("route_list")["structuredContent"]["items"]
        shown = c.tool("route_set", **door.wish, dry_run=True)
        assert shown.get("isError") or shown["structuredContent"]["state"] == "planned"
    assert routes(door) == ["app.example.com"] and sim.writes(since) == []


def test_what_makes_no_plan_is_asked_about_too(door):
    c = client(door)
    pids = door.connector_pids()
    message, state = asked(c, "connector_restart", connector="edge1/1")
    assert "edge1/1" in message and door.connector_pids() == pids
    got = again(c, state, {"action": "decline"}, tool="connector_restart", connector="edge1/1")
    assert got["isError"] and door.connector_pids() == pids
    _, state = asked(c, "connector_restart", connector="edge1/1")
    again(c, state, YES, tool="connector_restart", connector="edge1/1")
    until(lambda: door.connector_pids() and door.connector_pids() != pids)


def test_a_frozen_grant_is_not_asked(door):
    c = client(door)
    _, state = asked(c, "route_set", **door.wish)
    door.api("grant_freeze", state="on")
    got = again(c, state, YES, **door.wish)
    assert got["isError"] and "read-only" in got["content"][0]["text"]
    assert routes(door) == ["app.example.com"]


def test_nobody_is_asked_about_what_would_be_refused(door):
    """Nor more often than the grant may call."""
    made = door.api("grant_create", name="reader", role="viewer", ask=True)
    reader = Http(door.port, made["token"], ELICITS)
    told = reader.tool("connector_restart", connector="edge1/1")["content"][0]["text"]
    assert "role operator" in told, told
    few = client(door, "few", budget="3/1d")
    for _ in range(3):
        asked(few, "connector_restart", connector="edge1/1")
    assert "budget" in few.tool("connector_restart", connector="edge1/1")["content"][0]["text"]
    c = client(door)
    door.api("grant_freeze", state="on")
    assert "read-only" in c.tool("connector_restart", connector="edge1/1")["content"][0]["text"]
    assert elicited(door) == []
    rows = [r["principal"] for r in door.items("ledger_list") if r.get("outcome") == "refused"]
    assert sorted(rows) == ["grant careful", "grant few", "grant reader"], rows


def legacy(host, capabilities):
    host.api("grant_create", name="old", role="operator", ask=True,
             origins=[host.wish["service"]])
    c = Lines(host, "--grant", "old")
    got = c.answer(c.send_legacy("initialize", protocolVersion=LEGACY, capabilities=capabilities,
                                 clientInfo={"name": "tests", "version": "1"}))
    assert got["protocolVersion"] == LEGACY
    c.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
    return c


@pytest.mark.parametrize("reply, applied", [(YES, True), (NOS[0], False), (NOS[4], False)],
                         ids=["yes", "declined", "unticked"])
def test_a_legacy_client_is_asked_by_a_request(door, reply, applied):
    c = legacy(door, {"elicitation": {}})
    ident = c.send_legacy("tools/call", name="route_set", arguments=door.wish)
    question = c.until(lambda m: m.get("method") == "elicitation/create")
    assert "new.example.com" in question["params"]["message"]
    c.write({"jsonrpc": "2.0", "id": "adit-0000", "result": YES})
    c.write({"jsonrpc": "2.0", "id": question["id"], "result": reply})
    got = c.answer(ident)
    assert got.get("isError", False) is not applied, got
    assert ("new.example.com" in routes(door)) is applied
    c.write({"jsonrpc": "2.0", "id": question["id"], "result": YES})
    c.answer(c.send_legacy("ping"))
    assert ("new.example.com" in routes(door)) is applied
    assert c.end()[0] == 0


def test_a_legacy_client_that_answers_by_an_error_or_leaves(door):
    c = legacy(door, {"elicitation": {}})
    ident = c.send_legacy("tools/call", name="route_set", arguments=door.wish)
    question = c.until(lambda m: m.get("method") == "elicitation/create")
    c.write({"jsonrpc": "2.0", "id": question["id"],
             "error": {"code": -32603, "message": "no screen"}})
    assert c.answer(ident)["isError"]
    c.send_legacy("tools/call", name="route_set", arguments=door.wish)
    c.until(lambda m: m.get("method") == "elicitation/create")
    c.process.kill()
    c.process.wait()
    until(lambda: door.api("status_get"))
    assert routes(door) == ["app.example.com"]


def test_a_legacy_client_without_forms_changes_nothing(door):
    c = legacy(door, {})
    got = c.answer(c.send_legacy("tools/call", name="route_set", arguments=door.wish))
    assert got["isError"] and routes(door) == ["app.example.com"]
    assert c.end()[0] == 0
