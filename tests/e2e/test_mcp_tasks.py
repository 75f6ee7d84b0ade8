"""Calls that last as tasks: a client that can have one gets a handle, and the outcome over whatever
connection it asks by; nobody else does, and what is asked for is done either way."""
import pytest

from harness import free_port, until
from mcp_client import Http, Lines, Refused

NAME = "io.modelcontextprotocol/tasks"
TASKS = {"extensions": {NAME: {}}}
KEYS = {"taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs"}


@pytest.fixture(name="door")
def a_door(host, sim, origin):
    """What is put to Cloudflare takes three seconds there."""
    host.port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{host.port}"})
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    sim.fault("delay", method="PUT", path="*/configurations", ms=3000)
    host.wish = {"hostname": "new.example.com", "service": origin.url}
    return host


def grant(host, name="claude", **more):
    return host.api("grant_create", name=name, role="operator", origins=[host.wish["service"]],
                    **more)["token"]


def begin(client, wish):
    made = client.tool("route_set", **wish)
    assert made["resultType"] == "task" and made["status"] == "working", made
    assert KEYS <= set(made) and "result" not in made and "content" not in made
    assert made["ttlMs"] > 60000 and made["pollIntervalMs"] > 0
    return made["taskId"]


def outcome(client, task):
    def over():
        got = client.ask("tasks/get", taskId=task)
        assert got["resultType"] == "complete" and got["taskId"] == task, got
        return got["status"] != "working" and got
    return until(over, every=0.2)


def unknown(client, task, method="tasks/get"):
    with pytest.raises(Refused) as e:
        client.ask(method, taskId=task)
    assert e.value.code == -32602, e.value
    return str(e.value)


def test_the_outcome_comes_over_another_connection(door):
    token = grant(door)
    client = Http(door.port, token, TASKS)
    capabilities = client.ask("server/discover")["capabilities"]
    assert capabilities["extensions"] == {NAME: {}} and "tasks" not in capabilities
    task = begin(client, door.wish)
    assert "new.example.com" in [r["hostname"] for r in door.items("route_list")]  # it goes on
    got = outcome(Http(door.port, token, TASKS), task)
    assert got["status"] == "completed", got
    result = got["result"]["structuredContent"]
    assert result["state"] == "applied" and result["converged"], result
    assert outcome(client, task) == got  # as often as one asks
    assert client.ask("tasks/cancel", taskId=task).keys() <= {"resultType", "_meta"}
    assert outcome(client, task) == got
    lines = Lines(door, "--grant", "claude", capabilities=TASKS)
    assert lines.ask("tasks/get", taskId=task)["status"] == "completed"
    lines.end()
    row = next(r for r in door.items("ledger_list") if r.get("operation") == "route_set")
    assert row["principal"] == "grant claude", row


def test_what_is_soon_done_is_no_task(door):
    client = Http(door.port, grant(door), TASKS)
    got = client.tool("status_get")
    assert got["resultType"] == "complete" and got["structuredContent"]
    got = client.tool("route_set", **door.wish, wait=False)
    assert got["resultType"] == "complete", got


def test_who_cannot_have_one_waits(door):
    client = Http(door.port, grant(door))
    got = client.tool("route_set", **door.wish)
    assert got["resultType"] == "complete" and got["structuredContent"]["converged"], got
    for method in ("tasks/get", "tasks/update", "tasks/cancel"):
        with pytest.raises(Refused) as e:
            client.ask(method, taskId="x")
        assert e.value.code == -32021
        assert e.value.data == {"requiredCapabilities": TASKS}
    lines = Lines(door, "--grant", "claude")
    ident = lines.send_legacy("initialize", protocolVersion="2025-11-25",
                              capabilities={"extensions": {NAME: {}}}, clientInfo={"name": "old"})
    assert "extensions" not in lines.answer(ident)["capabilities"]
    ident = lines.send_legacy("tasks/get", taskId="x")
    with pytest.raises(Refused) as e:
        lines.answer(ident)
    assert e.value.code == -32601
    lines.end()


def test_a_task_is_its_grants_alone(door):
    client = Http(door.port, grant(door), TASKS)
    other = Http(door.port, grant(door, "other"), TASKS)
    task = begin(client, door.wish)
    words = {unknown(other, t, m) for t in (task, "0" * 32)
             for m in ("tasks/get", "tasks/update", "tasks/cancel")}
    assert len(words) == 1, words  # nothing tells one that is there from one that is not
    assert outcome(client, task)["status"] == "completed"
    door.api("grant_revoke", name="claude")
    again = Http(door.port, grant(door), TASKS)  # of the same name, but another one
    assert unknown(again, task) == words.pop()


def test_one_that_is_cancelled_is_waited_for_no_more(door):
    client = Http(door.port, grant(door), TASKS)
    task = begin(client, door.wish)
    assert client.ask("tasks/cancel", taskId=task).keys() <= {"resultType", "_meta"}
    got = outcome(client, task)
    assert got["status"] == "cancelled" and "result" not in got, got
    got = client.ask("tasks/update", taskId=task, inputResponses={"x": {}})
    assert got["resultType"] == "complete", got
    door.wait_converged()  # what was applied is done all the same
    assert "new.example.com" in [r["hostname"] for r in door.items("route_list")]


def test_who_listens_is_told(door):
    token = grant(door)
    lines = Lines(door, "--grant", "claude", capabilities=TASKS)
    task = begin(Http(door.port, token, TASKS), door.wish)
    listen = lines.send("subscriptions/listen",
                        notifications={"taskIds": [task, "0" * 32], "toolsListChanged": True})
    told = lines.notice("notifications/subscriptions/acknowledged")
    assert told["notifications"] == {"toolsListChanged": True, "taskIds": [task]}, told
    assert lines.notice("notifications/tasks")["status"] == "working"
    told = lines.notice("notifications/tasks")
    assert told["taskId"] == task and told["status"] == "completed", told
    assert told["result"]["structuredContent"]["state"] == "applied"
    assert told["_meta"]["io.modelcontextprotocol/subscriptionId"] == listen
    lines.end()
    plain = Lines(door, "--grant", "claude")
    ident = plain.send("subscriptions/listen", notifications={"taskIds": [task]})
    with pytest.raises(Refused) as e:
        plain.answer(ident)
    assert e.value.code == -32021
    plain.end()


@pytest.mark.parametrize("ends", ["stop", "kill9"])
def test_a_new_start_goes_on_with_it(door, sim, ends):
    """Its plan is put once, and its client is told of it as if nothing had been."""
    token = grant(door)
    client = Http(door.port, token, TASKS)
    task = begin(client, door.wish)
    since = sim.mark()
    getattr(door, ends)()
    sim.faults_clear()
    door.start(observed=False)
    got = outcome(client, task)
    result = got["result"]["structuredContent"]
    assert (result["plan"], result["state"], result["converged"]) == ("p2", "applied", True), got
    assert outcome(client, task) == got
    assert door.api("plan_list")["total"] == 2
    names = [r["name"] for r in sim.records("new.example.com")]
    assert names == ["new.example.com"]
    assert len(sim.writes(since)) == 1  # the record; the configuration was under way before
    other = Http(door.port, grant(door, "other"), TASKS)
    unknown(other, task)


def test_who_listens_after_a_new_start_is_told(door, sim):
    task = begin(Http(door.port, grant(door), TASKS), door.wish)
    door.kill9()
    sim.faults_clear()
    sim.fault("delay", method="PUT", path="*/configurations", ms=1000)
    sim.fault("delay", method="POST", path="*/dns_records", ms=1000)
    door.start(observed=False)
    lines = Lines(door, "--grant", "claude", capabilities=TASKS)
    lines.send("subscriptions/listen", notifications={"taskIds": [task]})
    told = lines.notice("notifications/subscriptions/acknowledged")
    assert told["notifications"] == {"taskIds": [task]}, told
    assert lines.notice("notifications/tasks")["status"] == "working"
    told = lines.notice("notifications/tasks")
    assert told["status"] == "completed", told
    assert told["result"]["structuredContent"]["converged"], told
    lines.end()


def test_what_was_not_yet_planned_is_told(door, sim):
    """Killed while Cloudflare is looked at: nothing was stored, so nothing was changed."""
    sim.fault("delay", method="GET", path="*/dns_records*", ms=6000)
    client = Http(door.port, grant(door), TASKS)
    task = begin(client, door.wish)
    door.kill9()
    sim.faults_clear()
    door.start()
    got = outcome(client, task)["result"]
    assert got["isError"] and "structuredContent" not in got, got
    said = got["content"][0]["text"]
    assert "nothing" in said and "route_set" in said and "again" in said, said
    assert door.api("plan_list")["total"] == 1
    assert [r["hostname"] for r in door.items("route_list")] == ["app.example.com"]


def test_a_read_that_was_cut_off_is_told(door, sim):
    sim.fault("delay", method="GET", path="*/members*", ms=6000)
    made = door.api("grant_create", name="auditor", role="auditor")
    client = Http(door.port, made["token"], TASKS)
    made = client.tool("member_list")
    assert made["resultType"] == "task", made
    door.kill9()
    sim.faults_clear()
    door.start()
    got = outcome(client, made["taskId"])["result"]
    assert got["isError"] and "member_list" in got["content"][0]["text"], got
    assert client.tool("member_list")["structuredContent"]["items"]
