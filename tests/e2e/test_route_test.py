"""`adit route test URL`: the rule that takes a request, as the stub cloudflared finds it too."""
import json

import pytest

from harness import Origin


def put_config(sim, rules):
    tunnel = sim.tunnels()[0]["id"]
    config = sim.config(tunnel)
    config["ingress"] = rules
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})


@pytest.fixture
def theirs():
    server = Origin("theirs")
    yield server
    server.close()


def test_our_rule_takes_it(site, sim, origin):
    answer = site.api("route_test", url="https://app.example.com/a%20b?x=1")
    assert answer["host"] == "app.example.com" and answer["path"] == "/a b"
    assert answer["rule"] == 1 and answer["ours"] and answer["certain"] and answer["as_wanted"]
    assert answer["service"] == origin.url and "differs" not in answer
    assert answer["tunnel"] == "edge1" and answer["source"] == "model"
    assert [(r["number"], r["verdict"]) for r in answer["rules"]] == [(1, "matches"), (2, "later")]
    code, text, _ = site.adit("route", "test", "https://app.example.com/")
    assert code == 0 and "route app.example.com" in text and "matches" in text
    code, text, _ = site.adit("route", "test", "app.example.com", "--json")
    assert json.loads(text)["result"]["rule"] == 1


def test_no_rule_is_for_it(site):
    answer = site.api("route_test", url="https://other.example.com/", tunnel="edge1")
    assert answer["rule"] == 2 and not answer["ours"] and answer["as_wanted"]
    assert "takes the rest" in answer["result"]
    assert [r["verdict"] for r in answer["rules"]] == ["host", "matches"]
    # The name is compared letter by letter.
    answer = site.api("route_test", url="https://APP.example.com/", tunnel="edge1")
    assert answer["rules"][0]["verdict"] == "case" and answer["rule"] == 2


def test_a_foreign_rule_takes_it(site, sim, origin, theirs):
    mine = {"hostname": "app.example.com", "service": origin.url}
    put_config(sim, [
        {"hostname": "*.example.com", "path": "^/(private|x)", "service": theirs.url}, mine,
        {"service": "http_status:404"}])
    answer = site.api("route_test", url="https://app.example.com/private", refresh=True)
    assert answer["source"] == "api" and answer["rule"] == 1 and not answer["ours"]
    assert answer["untrusted_service"] == theirs.url and "service" not in answer
    assert answer["untrusted_hostname"] == "*.example.com"
    assert not answer["as_wanted"] and "an earlier rule takes it" in answer["differs"]
    assert [r["verdict"] for r in answer["rules"]] == ["matches", "later", "later"]
    answer = site.api("route_test", url="https://app.example.com/public", refresh=True)
    assert answer["rule"] == 2 and answer["ours"] and answer["as_wanted"]
    assert [r["verdict"] for r in answer["rules"]] == ["path", "matches", "later"]
    # And so the connector does.
    status, text = sim.fetch("/private")
    assert status == 200 and text.startswith("theirs")
    assert sim.fetch("/public")[1].startswith("origin")


def test_what_somebody_changed_is_told(site, sim):
    put_config(sim, [{"hostname": "app.example.com", "service": "http://127.0.0.1:9"},
                     {"service": "http_status:404"}])
    answer = site.api("route_test", url="https://app.example.com/", refresh=True)
    assert answer["ours"] and not answer["as_wanted"] and "changed" in answer["differs"]
    assert answer["untrusted_service"] == "http://127.0.0.1:9" and "service" not in answer
    put_config(sim, [{"service": "http_status:404"}])
    answer = site.api("route_test", url="https://app.example.com/", refresh=True)
    assert answer["rule"] == 1 and "removed" in answer["differs"]


def test_patterns_are_bounded(site, sim):
    put_config(sim, [{"hostname": "app.example.com", "path": "(a+)+[bc]$",
                      "service": "http://127.0.0.1:9"}, {"service": "http_status:404"}])
    answer = site.api("route_test", url="https://app.example.com/" + "a" * 1500, refresh=True)
    assert not answer["certain"] and answer["rules"][0]["verdict"] == "unsure"
    assert "not certain" in answer["result"]


def test_many_rules_are_cut(site, sim):
    put_config(sim, [{"hostname": f"n{i}.example.com", "service": "http://127.0.0.1:9"}
                     for i in range(500)] +
               [{"hostname": "app.example.com", "service": "http://127.0.0.1:9"},
                {"service": "http_status:404"}])
    answer = site.api("route_test", url="https://app.example.com/", refresh=True)
    assert answer["rule"] == 501 and answer["total"] == 502 and answer["truncated"]
    assert [r["number"] for r in answer["rules"]] == [501, 502]


def test_refused(running, sim):
    assert running.refused("route_test", url="ftp://x.example.com/").kind == "invalid"
    assert running.refused("route_test", url="https://*.example.com/").kind == "invalid"
    e = running.refused("route_test", url="https://app.example.com/")
    assert e.kind == "not_found" and "adit publish app.example.com" in e.hint
    assert running.refused("route_test", url="https://a.example.com", tunnel="no").kind == \
        "not_found"
    running.api("tunnel_create", name="bare", replicas=0)
    answer = running.api("route_test", url="https://app.example.com/", tunnel="bare")
    assert answer["rule"] == 0 and "503" in answer["result"]
