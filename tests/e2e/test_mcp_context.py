"""What MCP offers beside tools: resources, prompts, completion, and being told of changes."""
import json

import pytest

from harness import free_port, until
from mcp_client import META, Http, Lines, Refused

ID = META + "subscriptionId"


@pytest.fixture(name="door")
def a_door(host, origin):
    host.port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{host.port}"})
    host.start()
    host.publish("app.example.com", origin.url)
    host.api("tunnel_create", name="other")
    host.publish("two.example.net", origin.url, tunnel="other")
    return host


def client(host, name="claude", **grant):
    token = host.api("grant_create", name=name, **{"role": "operator", **grant})["token"]
    return Http(host.port, token)


def read(c, uri):
    content, = c.ask("resources/read", uri=uri)["contents"]
    assert content["uri"] == uri and content["mimeType"] == "application/json"
    return json.loads(content["text"])


def test_resources_are_what_the_operations_say(door):
    c = client(door)
    uris = [r["uri"] for r in c.ask("resources/list")["resources"]]
    assert uris == ["adit://status", "adit://tunnels/edge1", "adit://tunnels/other"]
    assert read(c, "adit://status")["tunnels"]
    assert read(c, "adit://tunnels/other")["name"] == "other"
    assert read(c, "adit://plans/p1")["state"] == "applied"
    text = read(c, "adit://help/route_set")
    assert text["name"] == "route_set" and "approve" not in text["inputSchema"]["properties"]
    for uri in ("adit://nothing", "adit://tunnels/", "adit://tunnels/none", "adit://tunnels/%00",
                "adit://tunnels/%zz", "adit://plans/p999", "adit://plans/x", "file:///etc",
                "adit://help/plan_approve", "adit://help/none", "adit://status/"):
        with pytest.raises(Refused) as refused:
            c.ask("resources/read", uri=uri)
        assert refused.value.code == -32602
    templates = [t["uriTemplate"] for t in c.ask("resources/templates/list")["resourceTemplates"]]
    assert templates == ["adit://tunnels/{name}", "adit://plans/{id}", "adit://help/{operation}"]


def test_a_narrow_grant_is_offered_its_part_alone(door):
    c = client(door, tunnels=["edge1"], role="viewer")
    uris = [r["uri"] for r in c.ask("resources/list")["resources"]]
    assert uris == ["adit://status", "adit://tunnels/edge1"]
    with pytest.raises(Refused) as outside:
        c.ask("resources/read", uri="adit://tunnels/other")
    with pytest.raises(Refused) as nowhere:
        c.ask("resources/read", uri="adit://tunnels/never")
    assert str(outside.value) == str(nowhere.value)
    assert "other" not in str(c.ask("resources/read", uri="adit://status"))

    def offered(ref, argument, value=""):
        return c.ask("completion/complete", ref=ref,
                     argument={"name": argument, "value": value})["completion"]["values"]

    tunnel = {"type": "ref/resource", "uri": "adit://tunnels/{name}"}
    assert offered(tunnel, "name") == ["edge1"]
    assert offered({"type": "ref/prompt", "name": "why_is_it_down"}, "host") == ["app.example.com"]
    operations = offered({"type": "ref/resource", "uri": "adit://help/{operation}"}, "operation")
    assert "route_list" in operations and "route_set" not in operations
    assert offered({"type": "ref/resource", "uri": "adit://help/{operation}"}, "operation",
                   "ROUTE_l") == ["route_list"]


@pytest.mark.parametrize("params", [
    {"ref": {"type": "ref/prompt", "name": "none"}, "argument": {"name": "host", "value": ""}},
    {"ref": {"type": "ref/prompt", "name": "why_is_it_down"}, "argument": {"name": "x", "value": ""}},
    {"ref": {"type": "ref/prompt", "name": "why_is_it_down"}, "argument": {"name": "host"}},
    {"ref": {"type": "ref/resource", "uri": "adit://status"}, "argument": {"name": "a", "value": ""}},
    {"ref": {"type": "other"}, "argument": {"name": "a", "value": ""}},
    {"ref": 5, "argument": 7}, {},
    {"ref": {"type": "ref/prompt", "name": "why_is_it_down"},
     "argument": {"name": "host", "value": "x" * 301}}])
def test_completion_of_nonsense(door, params):
    with pytest.raises(Refused) as refused:
        client(door).ask("completion/complete", **params)
    assert refused.value.code == -32602


def test_prompts_are_there_for_who_can_follow_them(door):
    operator, viewer = client(door), client(door, "reader", role="viewer")
    assert [p["name"] for p in operator.ask("prompts/list")["prompts"]] == [
        "why_is_it_down", "publish_service"]
    assert [p["name"] for p in viewer.ask("prompts/list")["prompts"]] == ["why_is_it_down"]
    with pytest.raises(Refused):
        viewer.ask("prompts/get", name="publish_service",
                   arguments={"host": "a.example.com", "service": "http://127.0.0.1:1"})

    def text(**arguments):
        got = operator.ask("prompts/get", name="publish_service", arguments=arguments)
        message, = got["messages"]
        return message["content"]["text"]

    wanted = {"host": "a.example.com", "service": "http://127.0.0.1:1"}
    assert "through the tunnel web" in text(**wanted, tunnel="web")
    plain = text(**wanted)
    assert "http://127.0.0.1:1 as a.example.com.\n" in plain
    assert not set("{}[]") & set(plain)
    # What an argument holds is not read again as one.
    assert "{service}" in text(**{**wanted, "host": "{service}"})
    for bad in ({}, {"host": "a"}, {**wanted, "host": 5}, {**wanted, "host": ""},
                {**wanted, "host": "a\nb"}, {**wanted, "host": "x" * 301}, {**wanted, "tunnel": []}):
        with pytest.raises(Refused) as refused:
            text(**bad)
        assert refused.value.code == -32602


def test_a_listener_is_told_what_changed_and_no_more(door, origin):
    c = Lines(door, "--grant", narrow(door))
    ident = c.send("subscriptions/listen", notifications={
        "resourcesListChanged": True, "promptsListChanged": False,
        "resourceSubscriptions": ["adit://tunnels/edge1", "adit://tunnels/other", "nonsense"]})
    first = c.notice("notifications/subscriptions/acknowledged")
    assert first["_meta"] == {ID: ident}
    assert first["notifications"]["resourcesListChanged"] is True
    assert "promptsListChanged" not in first["notifications"]
    assert "nonsense" not in first["notifications"]["resourceSubscriptions"]
    door.publish("three.example.net", origin.url, tunnel="other")
    door.publish("four.example.com", origin.url)
    told = c.notice("notifications/resources/updated")
    assert told == {"_meta": {ID: ident}, "uri": "adit://tunnels/edge1"}
    code, rest = c.end()
    assert code == 0 and rest[-1]["id"] == ident
    assert rest[-1]["result"]["_meta"][ID] == ident
    assert "other" not in str(rest) and "other" not in str(c.kept), (rest, c.kept)


def narrow(host):
    host.api("grant_create", name="narrow", role="viewer", tunnels=["edge1"])
    return "narrow"


def test_a_listener_hears_of_the_switch_for_all_grants(door):
    door.api("grant_create", name="claude", role="operator")
    c = Lines(door, "--grant", "claude")
    c.send("subscriptions/listen", notifications={"toolsListChanged": True,
                                                  "promptsListChanged": True})
    c.notice("notifications/subscriptions/acknowledged")
    names = {t["name"] for t in c.ask("tools/list")["tools"]}
    assert "route_set" in names
    door.api("grant_freeze", state="on")
    c.notice("notifications/tools/list_changed")
    c.notice("notifications/prompts/list_changed")
    names = {t["name"] for t in c.ask("tools/list")["tools"]}
    assert "route_set" not in names and "route_list" in names
    assert c.end()[0] == 0


def test_a_cancelled_listener_hears_nothing_more(door, origin):
    c = Lines(door)
    ident = c.send("subscriptions/listen", notifications={
        "resourceSubscriptions": ["adit://status"]})
    c.notice("notifications/subscriptions/acknowledged")
    c.write({"jsonrpc": "2.0", "method": "notifications/cancelled",
             "params": {"requestId": ident, "_meta": {}}})
    c.ask("server/discover")
    door.publish("five.example.com", origin.url)
    until(lambda: door.items("route_list", hostname="five.example.com"))
    assert c.end() == (0, [])


def test_listeners_are_counted(door):
    c = Lines(door)
    for _ in range(16):
        c.send("subscriptions/listen", notifications={"toolsListChanged": True})
        c.notice("notifications/subscriptions/acknowledged")
    with pytest.raises(Refused) as refused:
        c.ask("subscriptions/listen", notifications={"toolsListChanged": True})
    assert refused.value.code == -32603 and "limit" in str(refused.value)
    assert c.end()[0] == 0


@pytest.mark.parametrize("notifications", [None, [], {"resourceSubscriptions": "x"},
                                           {"resourceSubscriptions": [5]},
                                           {"resourceSubscriptions": ["x" * 301]},
                                           {"resourceSubscriptions": ["a"] * 65}])
def test_a_listener_that_asks_for_nonsense(running, notifications):
    c = Lines(running)
    with pytest.raises(Refused) as refused:
        c.ask("subscriptions/listen", notifications=notifications)
    assert refused.value.code == -32602
    assert c.end()[0] == 0
