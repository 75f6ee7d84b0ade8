"""Publishing a host name: what is made at Cloudflare, what the caller is told, what is refused."""
import concurrent.futures

import pytest

from harness import until


def test_a_page_comes_through_the_tunnel(running, sim, origin):
    answer = running.publish("app.example.com", origin.url)
    assert answer["state"] == "applied" and answer["converged"] is True, answer
    assert answer["plan"].startswith("p") and answer["problems"] == []
    until(lambda: sim.fetch("/hello") == (200, "origin /hello"))
    assert sim.fetch("/", host="other.example.com")[0] == 404


def test_one_tunnel_one_configuration_one_marked_record(running, sim, origin):
    since = sim.mark()
    running.publish("app.example.com", origin.url)
    assert sim.writes(since) == ["POST /accounts/{account}/cfd_tunnel",
                                 "PUT /accounts/{account}/cfd_tunnel/{tunnel}/configurations",
                                 "POST /zones/{zone}/dns_records"]
    tunnel, = sim.tunnels()
    assert tunnel["name"] == "edge1" and tunnel["remote_config"] is True
    assert sim.config(tunnel["id"])["ingress"] == [
        {"hostname": "app.example.com", "service": origin.url}, {"service": "http_status:404"}]
    record, = sim.records()
    install = running.status()["install"]
    assert record["name"] == "app.example.com" and record["type"] == "CNAME"
    assert record["content"] == tunnel["id"] + ".cfargotunnel.com" and record["proxied"] is True
    assert record["comment"] == f"adit:edge1/{install}"
    assert len(running.connector_pids()) == 1


def test_the_same_again_is_unchanged_and_writes_nothing(site, sim):
    since, revision = sim.mark(), site.status()["revision"]
    again = site.publish("app.example.com", site.origin.url)
    assert again["state"] == "unchanged" and again["converged"] is True
    assert again["changes"] == [] and "plan" not in again
    assert sim.writes(since) == [] and site.status()["revision"] == revision
    # The normal form of a name is the name.
    assert site.publish("APP.Example.COM.", site.origin.url)["state"] == "unchanged"


def test_a_second_name_shares_tunnel_and_connector(site, sim):
    pids, since = site.connector_pids(), sim.mark()
    answer = site.publish("shop.example.net", site.origin.url)
    assert answer["state"] == "applied" and answer["converged"] is True
    assert sim.writes(since) == ["PUT /accounts/{account}/cfd_tunnel/{tunnel}/configurations",
                                 "POST /zones/{zone}/dns_records"]
    until(lambda: sim.fetch("/x", host="shop.example.net") == (200, "origin /x"))
    assert sim.fetch("/y") == (200, "origin /y")
    assert site.connector_pids() == pids and len(sim.tunnels()) == 1


def test_paths_lead_to_other_services_longest_first(site, sim):
    assert site.publish("app.example.com", "http_status:418", path="/api")["converged"]
    assert site.publish("app.example.com", "http_status:503", path="/api/v2")["converged"]
    until(lambda: sim.fetch("/api")[0] == 418)
    assert sim.fetch("/api/v2")[0] == 503
    assert sim.fetch("/")[1] == "origin /"
    rules = sim.config(sim.tunnels()[0]["id"])["ingress"]
    assert [r.get("path") for r in rules] == ["/api/v2", "/api", None, None]
    assert len(sim.records()) == 1, "one record a name"
    routes = site.items("route_list", hostname="app.example.com")
    assert [r["state"] for r in routes] == ["live"] * 3


def test_status_and_lists_tell_of_it(site):
    status = site.status()
    assert status["state"] == "ok" and status["problems"] == [] and status["writes"] == "on"
    assert status["access"] == "ok" and status["owner"] == "edge1"
    assert list(status)[:2] == ["state", "problems"], "problems come first"
    tunnel, = status["tunnels"]
    assert (tunnel["state"], tunnel["connectors_ready"], tunnel["edge_connections"],
            tunnel["routes"]) == ("healthy", 1, 4, 1)
    connector, = site.items("connector_list")
    assert connector["name"] == "edge1/1" and connector["state"] == "ready"
    assert [connector["pid"]] == site.connector_pids() and connector["edge_connections"] == 4
    record, = site.items("dns_list")
    assert record["owned"] is True and record["converged"] is True
    got = site.api("tunnel_get", tunnel="edge1")
    assert got["remote_id"] and [r["hostname"] for r in got["route_items"]] == ["app.example.com"]
    assert [c["state"] for c in got["connector_items"]] == ["ready"]
    kinds = {e["kind"] for e in site.items("event_list")}
    assert {"tunnel_created", "config_put", "record_created"} <= kinds
    assert status["rate"]["limit"] == 1200


def test_a_changed_service_is_put_and_applies_live(site, sim):
    pids = site.connector_pids()
    # A published name that leads elsewhere needs approval; root gives it in the same call.
    answer = site.publish("app.example.com", "http_status:418", approve=True)
    assert answer["state"] == "applied" and answer["converged"], answer
    until(lambda: sim.fetch()[0] == 418)
    assert site.connector_pids() == pids


def test_a_repointed_name_waits_for_approval(site, sim):
    since = sim.mark()
    answer = site.publish("app.example.com", "http_status:418")
    assert answer["state"] == "needs_approval" and answer["converged"] is False
    assert answer["approvals"] and sim.writes(since) == []
    assert sim.fetch("/a") == (200, "origin /a")


def test_an_unknown_tunnel_is_answered_with_the_nearest(site):
    e = site.refused("route_set", hostname="b.example.com", service="http://localhost:1",
                     tunnel="edge2")
    assert e.status == 404 and e.kind == "not_found" and '"edge2"' in e.message
    assert e.hint == 'Did you mean "edge1"?'


def test_a_tunnel_of_ones_own(running, sim, origin):
    assert running.api("tunnel_create", name="web", replicas=2)["converged"]
    assert len(running.connector_pids()) == 2
    assert running.api("tunnel_create", name="web", replicas=2)["state"] == "unchanged"
    assert running.publish("app.example.com", origin.url, tunnel="web")["converged"]
    assert [t["name"] for t in sim.tunnels()] == ["web"]
    until(lambda: sim.fetch()[0] == 200)
    # Fewer replicas: the connector that is too many goes.
    answer = running.api("tunnel_create", name="web", replicas=1, approve=True)
    assert answer["converged"], answer
    assert len(running.connector_pids()) == 1


@pytest.mark.parametrize("args, word", [
    ({"hostname": "app.example.com", "service": "localhost:8080"}, "service"),
    ({"hostname": "app.example.com", "service": "htp://localhost"}, "service"),
    ({"hostname": "app.example.com", "service": "http://localhost:99999"}, "port"),
    ({"hostname": "app.example.com", "service": "http://u:secret@localhost"}, "secrets"),
    ({"hostname": "app.example.com", "service": "http://169.254.169.254"}, ""),
    ({"hostname": "app.example.com", "service": "unix:/run/x.sock"}, "unix"),
    ({"hostname": "app.example.com", "service": "bastion"}, "bastion"),
    ({"hostname": "a b.example.com", "service": "http://localhost"}, "hostname"),
    ({"hostname": "app..example.com", "service": "http://localhost"}, "hostname"),
    ({"hostname": "", "service": "http://localhost"}, "hostname"),
    ({"hostname": "a.*.example.com", "service": "http://localhost"}, "hostname"),
    ({"hostname": "x" * 64 + ".example.com", "service": "http://localhost"}, "hostname"),
    ({"hostname": "app.example.com", "service": "http://localhost", "path": "/(a"}, "path"),
    ({"hostname": "app.example.com"}, "service"),
    ({"service": "http://localhost"}, "hostname"),
    ({"hostname": "app.example.com", "service": "http://localhost", "hotsname": 1}, "hotsname"),
    ({"hostname": "app.example.com", "service": "http://localhost", "timeout": "1h30"}, "timeout"),
    ({"hostname": "app.example.com", "service": "http://localhost", "wait": "maybe"}, "wait"),
])
def test_what_cannot_be_is_refused_with_a_sentence(running, sim, args, word):
    since = sim.mark()
    e = running.refused("route_set", **args)
    assert e.kind in ("invalid", "denied") and e.status in (400, 403)
    assert word in e.message and "secret@" not in e.message
    assert sim.writes(since) == [] and running.items("route_list") == []


def test_a_name_of_no_zone_is_refused_with_the_zones(running, sim):
    e = running.refused("route_set", hostname="app.example.org", service="http://localhost")
    assert e.kind == "not_found" and "app.example.org" in e.message
    assert "example.com" in e.hint and "example.net" in e.hint
    # A zone of another account is none of ours.
    assert running.refused("route_set", hostname="a.elsewhere.example",
                           service="http://localhost").kind == "not_found"
    assert sim.tunnels() == []


def test_dry_run_writes_nothing(running, sim, origin):
    since, revision = sim.mark(), running.status()["revision"]
    answer = running.publish("app.example.com", origin.url, dry_run=True)
    assert answer["state"] == "planned" and "plan" not in answer
    assert [(c["sign"], c["object"]) for c in answer["changes"]] == [
        ("+", "tunnel"), ("+", "route"), ("+", "record")]
    assert sim.writes(since) == [] and running.status()["revision"] == revision
    assert running.items("plan_list") == [] and running.items("tunnel_list") == []
    assert running.connector_pids() == []


def test_wait_false_answers_at_once(running, sim, origin):
    sim.fault("delay", method="POST", ms=1500)
    answer = running.publish("app.example.com", origin.url, wait=False)
    assert answer["state"] == "applied" and answer["converged"] is False
    assert answer["waiting_for"]
    running.wait_converged()


def test_a_deadline_answers_with_what_is_missing(running, sim, origin):
    running.mode("never_ready 1\n")
    answer = running.publish("app.example.com", origin.url, timeout="2s")
    assert answer["state"] == "applied" and answer["converged"] is False
    assert "connector edge1/1" in answer["waiting_for"], answer


def test_if_revision_refuses_a_changed_state(site, sim):
    revision, since = site.status()["revision"], sim.mark()
    e = site.refused("route_set", hostname="b.example.com", service="http://localhost",
                     if_revision=revision - 1 if revision > 1 else revision + 1)
    assert e.kind == "conflict" and e.status == 409 and str(revision) in e.message
    assert sim.writes(since) == []
    done = site.publish("b.example.com", site.origin.url, if_revision=revision)
    assert done["converged"] and done["revision"] == revision + 1


def test_the_reason_stays_with_the_plan(site):
    done = site.publish("b.example.com", site.origin.url, reason="for the shop")
    plan = site.api("plan_get", plan=done["plan"])
    assert plan["reason"] == "for the shop" and plan["state"] == "applied"
    assert plan["hash"] == done["hash"] and "root" in plan["principal"]


def test_many_at_once_all_come_true(running, sim, origin):
    for i in range(12):
        running.publish(f"a{i}.example.com", origin.url, wait=False)
    running.wait_converged()
    assert len(sim.records()) == 12 and len(sim.tunnels()) == 1
    assert len(sim.config(sim.tunnels()[0]["id"])["ingress"]) == 13
    until(lambda: all(sim.fetch(host=f"a{i}.example.com")[0] == 200 for i in range(12)))


def test_many_callers_at_once_are_all_answered(running, sim, origin):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(
            lambda i: running.publish(f"a{i}.example.com", origin.url, timeout="60s"), range(16)))
    assert all(a["state"] == "applied" and a["converged"] for a in answers), answers
    assert len({a["plan"] for a in answers}) == 16 and len({a["revision"] for a in answers}) >= 1
    assert len(sim.tunnels()) == 1 and len(sim.records()) == 16


def test_the_same_by_many_at_once_is_one(running, sim, origin):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda _: running.publish("app.example.com", origin.url), range(8)))
    assert all(a["converged"] for a in answers), answers
    assert len(running.items("route_list")) == 1 and len(running.items("tunnel_list")) == 1
    assert len(running.items("dns_list")) == 1
    assert len(sim.tunnels()) == 1 and len(sim.records()) == 1
    assert len(running.connector_pids()) == 1


def test_a_wildcard_name(running, sim, origin):
    assert running.publish("*.example.com", "http_status:418")["converged"]
    assert running.publish("app.example.com", origin.url)["converged"]
    rules = sim.config(sim.tunnels()[0]["id"])["ingress"]
    assert [r.get("hostname") for r in rules] == ["app.example.com", "*.example.com", None]


def test_the_command_line(running, sim, origin):
    code, out, err = running.adit("publish", "app.example.com", origin.url)
    assert code == 0, (out, err)
    running.wait_converged()
    assert sim.fetch()[0] == 200
    code, out, err = running.adit("status")
    assert code == 0 and "edge1" in out and "app.example.com" in out
    code, out, err = running.adit("--json", "tunnel", "list")
    assert code == 0 and '"edge1"' in out
    code, out, err = running.adit("route", "set", "b.example.com", "http://localhost",
                                  "--tunnel", "edge3")
    assert code == 1 and "Did you mean" in err, (code, err)
    assert running.adit("publish", "b.example.com", "nonsense")[0] == 64
    assert running.adit("route", "delete", "app.example.com")[0] == 77, "no approval given"
    assert sim.fetch()[0] == 200
    code, out, err = running.adit("route", "delete", "app.example.com", "--yes")
    assert code == 0, (out, err)
    assert sim.records() == []


def test_one_name_goes_through_one_tunnel(site, sim):
    """It has one record: its paths move together, and a new one follows the others."""
    site.api("tunnel_create", name="web")
    site.publish("app.example.com", site.origin.url, path="^/static", tunnel="web", approve=True)
    site.wait_converged()
    assert {r["tunnel"] for r in site.items("route_list")} == {"web"}
    site.publish("app.example.com", site.origin.url, path="^/more")
    assert {r["tunnel"] for r in site.items("route_list")} == {"web"}
    assert len(sim.records("app.example.com")) == 1


def test_a_tunnel_without_any_connector_says_so(running, sim, origin):
    running.api("tunnel_create", name="edge1", replicas=0)
    running.publish("app.example.com", origin.url, wait=False)
    problem = until(lambda: [p for p in running.status()["problems"] if p["object"] == "tunnel"])[0]
    assert "No connector runs" in problem["message"] and "--replicas" in problem["hint"]
