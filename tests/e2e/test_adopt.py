"""Taking over what exists: nothing at Cloudflare changes but the comments of the records, and what
is left alone is told with its reason."""
import json

import pytest

from harness import until

# Odd on purpose: what is not ours comes back byte for byte.
RULES = ('{"ingress": [ {"hostname":"app.example.com",  "service":"ORIGIN","x-team":1.50},'
         '{"hostname":"Shop.Example.com","path":"^/api","service":"ORIGIN",'
         '"originRequest":{"connectTimeout":5}},\n'
         '{"path":"^/everywhere$","service":"http_status:418"},'
         '{"hostname":"sock.example.com","service":"unix:/run/app.sock"},'
         '{"hostname":"*.wild.example.com","service":"ORIGIN"},'
         '{"hostname":"a.wild.example.com","service":"http_status:404"},'
         '{"service":"http_status:404"} ],"big":9007199254740993}')


def done(answer):
    assert answer["state"] == "applied" and answer["converged"], answer
    return answer


def make(sim, origin, rules=RULES, name="web"):
    """A tunnel with rules and records that a person made at the dashboard."""
    tunnel = sim.edit("POST", "/accounts/@account/cfd_tunnel",
                      {"name": name, "config_src": "cloudflare"})
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel['id']}/configurations",
             '{"config":%s}' % rules.replace("ORIGIN", origin.url))
    return tunnel["id"]


def record(sim, tunnel, name, comment=None, **more):
    return sim.edit("POST", "/zones/@example.com/dns_records",
                    {"type": "CNAME", "name": name, "content": f"{tunnel}.cfargotunnel.com",
                     "proxied": True, "comment": comment, **more})


def told(answer, sign, kind):
    return {c["name"]: c["detail"] for c in answer["changes"]
            if c["sign"] == sign and c["object"] == kind}


@pytest.fixture
def web(sim, origin):
    tunnel = make(sim, origin)
    record(sim, tunnel, "app.example.com", "ask Ann")
    record(sim, tunnel, "shop.example.com")
    record(sim, tunnel, "stray.example.com", "no rule")
    return tunnel


def unchanged_but_comments(sim, since):
    """Only PATCHes of records, which change nothing but the comment."""
    for row in sim.log(since):
        if row["method"] == "GET":
            continue
        assert row["method"] in ("PATCH", "POST") and "/dns_records" in row["path"], row
        assert row["method"] == "PATCH" or row["path"].endswith("/batch"), row


def bare(record):
    return {k: v for k, v in record.items()
            if k not in ("comment", "modified_on", "comment_modified_on")}


def test_a_tunnel_is_adopted_as_it_stands(running, sim, origin, web):
    text, before, since = sim.config_text(web), sim.records(), sim.mark()
    plan = running.api("tunnel_adopt", tunnel="web")
    assert plan["state"] == "needs_approval" and sim.writes(since) == []
    reads = [r for r in sim.log(since) if r["method"] == "GET"]
    assert len(reads) <= 5, [r["path"] for r in reads]
    taken = told(plan, "+", "tunnel")["web"]
    assert web in taken and "0 edge connections" in taken and "at Cloudflare" in taken
    assert set(told(plan, "+", "route")) == {"app.example.com", "shop.example.com",
                                             "*.wild.example.com"}
    assert "rule 1" in told(plan, "+", "route")["app.example.com"]
    marked = told(plan, "+", "record")
    assert set(marked) == {"app.example.com", "shop.example.com"}
    assert "gets adit's mark" in marked["app.example.com"]
    theirs = next(c["untrusted_text"] for c in plan["changes"]
                  if (c["object"], c["name"]) == ("record", "app.example.com"))
    assert "adit:edge1/" in theirs and "ask Ann" in theirs
    left = told(plan, "=", "rule")
    assert len(left) == 4, left
    words = " | ".join(left.values())
    for part in ("no host name", "unix", "never reached", "no other rule"):
        assert part in words, (part, left)
    assert "no route" in told(plan, "=", "record")["stray.example.com"]
    assert "*.wild.example.com" in told(plan, "=", "record")
    done(running.api("plan_approve", plan=plan["plan"], hash=plan["hash"]))
    unchanged_but_comments(sim, since)
    assert sim.config_text(web) == text
    after = {r["id"]: r for r in sim.records()}
    for old in before:
        new = after[old["id"]]
        assert bare(new) == bare(old)
        if old["name"] == "stray.example.com":
            assert new["comment"] == "no rule"
        else:
            assert new["comment"].startswith("adit:edge1/")
            assert new["comment"].endswith(old["comment"] or "")
    assert sorted(r["hostname"] for r in running.items("route_list")) == \
        ["*.wild.example.com", "app.example.com", "shop.example.com"]
    assert running.connector_pids() == []
    # The same again changes nothing.
    since = sim.mark()
    again = running.api("tunnel_adopt", tunnel="web")
    assert again["state"] == "unchanged" and again["converged"], again
    assert sim.writes(since) == []
    running.restart()
    assert running.api("tunnel_adopt", tunnel=web)["state"] == "unchanged"
    assert sim.writes(since) == [] and sim.config_text(web) == text


def test_it_is_served_and_changed_like_our_own(running, sim, origin, web):
    done(running.api("tunnel_adopt", tunnel="web", replicas=1, approve=True))
    until(lambda: sim.fetch()[0] == 200)
    assert len(running.connector_pids()) == 1
    # Not one that would take requests from the rule for every host.
    done(running.publish("new.example.com", origin.url, tunnel="web", path="^/else"))
    rules = sim.config(web)["ingress"]
    assert [r for r in rules if r.get("hostname") == "new.example.com"]
    foreign = json.loads(RULES.replace("ORIGIN", origin.url))["ingress"]
    for rule in foreign:
        assert rule in rules, rule
    assert sim.config_text(web).count('"x-team":1.50') == 1
    assert sim.config_text(web).endswith('"big":9007199254740993}')
    done(running.api("route_delete", hostname="app.example.com", approve=True))
    assert [r["name"] for r in sim.records()].count("app.example.com") == 0
    assert foreign[2] in sim.config(web)["ingress"]


def test_only_what_was_chosen(running, sim, web):
    since = sim.mark()
    answer = running.api("tunnel_adopt", tunnel=web, routes=["app.example.com"], approve=True)
    done(answer)
    assert list(told(answer, "+", "route")) == ["app.example.com"]
    assert "not chosen" in " ".join(told(answer, "=", "rule").values())
    unchanged_but_comments(sim, since)
    assert sum((r["comment"] or "").startswith("adit:") for r in sim.records()) == 1
    # What is asked for later is added.
    done(running.api("tunnel_adopt", tunnel="web", routes=["*.example.com"], approve=True))
    assert len(running.items("route_list")) == 3


@pytest.mark.parametrize("none", [[], ["none"]])
def test_the_tunnel_alone(running, sim, web, none):
    since = sim.mark()
    done(running.api("tunnel_adopt", tunnel="web", routes=none, replicas=1, approve=True))
    assert sim.writes(since) == [] and running.items("route_list") == []
    assert len(running.connector_pids()) == 1


def test_routes_without_records(running, sim, web):
    since = sim.mark()
    answer = running.api("tunnel_adopt", tunnel="web", records=False, approve=True)
    done(answer)
    assert sim.writes(since) == [] and running.items("dns_list") == []
    assert "not asked" in told(answer, "=", "record")["app.example.com"]


def test_what_is_refused(running, sim, origin, web):
    assert running.refused("tunnel_adopt", tunnel="nothing").kind == "not_found"
    assert running.refused("tunnel_adopt", tunnel="web", routes=["bad host"]).kind == "invalid"
    gone = make(sim, origin, name="gone")
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{gone}")
    e = running.refused("tunnel_adopt", tunnel=gone)
    assert e.kind == "not_found" and "deleted" in e.message, e
    e = running.refused("tunnel_adopt", tunnel="web", take_over="edge9")
    assert e.kind == "not_found" and "edge9" in e.message, e


def test_a_comment_that_does_not_fit_is_left_alone(running, sim, origin, web):
    record(sim, web, "long.example.com", "x" * 90)
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{web}/configurations",
             {"config": {"ingress": [{"hostname": "long.example.com", "service": origin.url},
                                     {"service": "http_status:404"}]}})
    answer = done(running.api("tunnel_adopt", tunnel="web", approve=True))
    words = told(answer, "=", "record")["long.example.com"]
    assert "100" in words and "shorten" in words, words
    assert sim.records("long.example.com")[0]["comment"] == "x" * 90
    since = sim.mark()
    assert running.api("tunnel_adopt", tunnel="web")["state"] == "unchanged"
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{sim.records('long.example.com')[0]['id']}",
             {"comment": "short"})
    done(running.api("tunnel_adopt", tunnel="web", approve=True))
    assert sim.records("long.example.com")[0]["comment"].endswith(" short")
    unchanged_but_comments(sim, since)


def test_services_that_the_settings_allow(host, sim, web):
    host.configure(safety={"allow_services": ["unix:/run/app.sock"],
                           "protect": ["shop.example.com"]})
    host.start()
    plan = host.api("tunnel_adopt", tunnel="web")
    assert "sock.example.com" in told(plan, "+", "route")
    assert any("protected" in a for a in plan["approvals"]), plan["approvals"]


def test_a_local_tunnel_is_converted_only_when_told(running, sim, origin):
    tunnel = sim.edit("POST", "/accounts/@account/cfd_tunnel",
                      {"name": "filed", "config_src": "local"})
    since = sim.mark()
    e = running.refused("tunnel_adopt", tunnel="filed")
    assert e.kind == "conflict" and "config.yml" in e.message and "--convert" in e.hint
    answer = done(running.api("tunnel_adopt", tunnel="filed", convert=True, replicas=1,
                              approve=True))
    assert any("no way back" in w and "manifest_import" in w for w in answer["warnings"]), answer
    assert any("no way back" in a for a in answer["approvals"]), answer
    assert sim.writes(since) == []
    done(running.publish("app.example.com", origin.url, tunnel="filed"))
    assert sim.config(tunnel["id"])["ingress"][0]["hostname"] == "app.example.com"
    assert sim.fetch()[0] == 200


# ---- what happens in between ----

def test_a_foreign_edit_between_plan_and_apply(running, sim, origin, web):
    """A rule and a comment change after they were shown: both are left as they stand, and told."""
    plan = running.api("tunnel_adopt", tunnel="web")
    text = RULES.replace("ORIGIN", origin.url).replace('"service":"%s","x-team"' % origin.url,
                                                       '"service":"http_status:503","x-team"')
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{web}/configurations",
             '{"config":%s}' % text)
    shop = sim.records("shop.example.com")[0]
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{shop['id']}", {"comment": "changed"})
    since = sim.mark()
    answer = running.api("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert answer["state"] == "applied" and not answer["converged"], answer
    assert running.wait_problem(object="route", name="app.example.com")
    assert running.wait_problem(object="record", name="shop.example.com")
    unchanged_but_comments(sim, since)
    assert sim.config_text(web) == text
    assert sim.records("shop.example.com")[0]["comment"] == "changed"
    # Adopted again, as they are by now.
    done(running.api("tunnel_adopt", tunnel="web", replicas=1, approve=True))
    assert running.wait_converged() and sim.config_text(web) == text
    assert sim.records("shop.example.com")[0]["comment"].endswith(" changed")


@pytest.mark.parametrize("fault", ["lose", "drop", "late"])
def test_lost_answers(running, sim, web, fault):
    text, since = sim.config_text(web), sim.mark()
    more = {"ms": 700} if fault == "late" else {}
    sim.fault(fault, path="/zones/*/dns_records/*", method="PATCH", **more)
    sim.fault(fault, path="/zones/*/dns_records/batch", method="POST", **more)
    running.api("tunnel_adopt", tunnel="web", replicas=1, approve=True, wait=False)
    running.wait_converged(90)
    unchanged_but_comments(sim, since)
    assert sim.config_text(web) == text and len(sim.records()) == 3
    assert sum((r["comment"] or "").startswith("adit:") for r in sim.records()) == 2


@pytest.mark.parametrize("fault", ["hang", "lose"])
def test_killed_between(running, sim, web, fault):
    text, since = sim.config_text(web), sim.mark()
    sim.fault(fault, path="/zones/*/dns_records/*", method="PATCH")
    sim.fault(fault, path="/zones/*/dns_records/batch", method="POST")
    running.api("tunnel_adopt", tunnel="web", replicas=1, approve=True, wait=False)
    sim.wait_struck()
    running.kill9()
    running.start()
    running.wait_converged(90)
    unchanged_but_comments(sim, since)
    assert sim.config_text(web) == text
    assert sum((r["comment"] or "").startswith("adit:") for r in sim.records()) == 2


def test_a_mark_that_somebody_took_away_comes_back(running, sim, web):
    done(running.api("tunnel_adopt", tunnel="web", approve=True))
    app = sim.records("app.example.com")[0]
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{app['id']}", {"comment": "Bob was here"})
    since = sim.mark()
    plan = running.api("tunnel_adopt", tunnel="web")
    assert list(told(plan, "+", "record")) == ["app.example.com"], plan
    assert plan["state"] == "needs_approval" and not told(plan, "+", "route")
    done(running.api("plan_approve", plan=plan["plan"], hash=plan["hash"]))
    assert sim.records("app.example.com")[0]["comment"].endswith(" Bob was here")
    unchanged_but_comments(sim, since)


# ---- two hosts ----

def test_hand_over(site, second, sim):
    """edge1 gives back, edge2 adopts; visitors notice nothing, and nothing but comments changes."""
    tunnel = sim.tunnels("edge1")[0]["id"]
    text, since = sim.config_text(tunnel), sim.mark()
    e = second.refused("tunnel_adopt", tunnel="edge1")
    assert e.kind == "conflict" and "edge1/" in e.message and "--take-over edge1/" in e.hint
    done(second.api("tunnel_join", tunnel="edge1", approve=True))
    done(site.api("tunnel_release", tunnel="edge1", approve=True))
    assert sim.fetch()[0] == 200
    answer = done(second.api("tunnel_adopt", tunnel="edge1", approve=True))
    assert "joined until now" in told(answer, "+", "tunnel")["edge1"]
    assert sim.fetch()[0] == 200 and len(second.connector_pids()) == 1
    unchanged_but_comments(sim, since)
    assert sim.config_text(tunnel) == text
    assert sim.records()[0]["comment"].startswith("adit:edge2/")
    assert "joined" not in second.items("tunnel_list")[0]
    done(second.publish("more.example.com", site.origin.url, tunnel="edge1"))
    assert site.items("tunnel_list") == []


@pytest.mark.parametrize("exact", [True, False])
def test_take_over_from_a_dead_owner(site, second, sim, exact):
    tunnel, pids = sim.tunnels("edge1")[0]["id"], site.connector_pids()
    text, since = sim.config_text(tunnel), sim.mark()
    mark = sim.records()[0]["comment"].removeprefix("adit:")
    e = second.refused("tunnel_adopt", tunnel="edge1", take_over="edge3")
    assert e.kind == "conflict" and mark in e.message, e
    e = second.refused("tunnel_adopt", tunnel="edge1", take_over="edge1/00000000")
    assert e.kind == "conflict", e
    e = second.refused("tunnel_adopt", tunnel="edge1", routes=["none"])
    assert e.kind == "conflict", e
    site.kill9()
    plan = second.api("tunnel_adopt", tunnel="edge1", replicas=1,
                      take_over=mark if exact else "edge1")
    assert plan["state"] == "needs_approval"
    assert f"taken over from {mark}" in told(plan, "+", "record")["app.example.com"]
    # Its connector outlived its daemon, so it looks alive.
    assert any("alive" in w for w in plan["warnings"]), plan["warnings"]
    done(second.api("plan_approve", plan=plan["plan"], hash=plan["hash"]))
    unchanged_but_comments(sim, since)
    assert sim.config_text(tunnel) == text and sim.fetch()[0] == 200
    assert sim.records()[0]["comment"].startswith("adit:edge2/") and pids


def test_a_name_that_is_taken_is_offered(running, sim, origin, web):
    e = running.refused("tunnel_create", name="web")
    assert e.kind == "conflict" and "adit tunnel adopt web" in e.hint
    code, out, err = running.adit("tunnel", "adopt", "web", "--routes", "app.example.com", "--yes")
    assert code == 0, (out, err)
    assert "rule 1 as it stands" in out and "left alone" in out


def test_its_last_connector_here_stops_only_when_a_person_says_so(running, sim, web):
    """None of its rules is a route of ours, and it serves them all the same."""
    done(running.api("tunnel_adopt", tunnel="web", routes=["none"], replicas=1, approve=True))
    running.restart()
    answer = running.api("tunnel_update", tunnel="web", replicas=0)
    assert answer["state"] == "needs_approval", answer
    assert "Stops the connectors of tunnel web" in answer["approvals"][0], answer


# ---- the way back ----

def go_back(host, revision):
    plan = host.api("plan_create", revision=revision)
    assert plan["state"] == "needs_approval", plan
    return plan, host.api("plan_approve", plan=plan["plan"], hash=plan["hash"])


def test_going_back_before_it_gives_it_back(running, sim, origin, web):
    """Nothing that somebody else made is deleted, whatever revision is gone back to."""
    running.api("tunnel_create", name="own", replicas=0)
    done(running.publish("mine.example.com", origin.url, tunnel="own"))
    text, before = sim.config_text(web), sim.records()
    revision = running.items("revision_list")[0]["revision"]
    done(running.api("tunnel_adopt", tunnel="web", approve=True))
    done(running.publish("late.example.com", origin.url, tunnel="own"))
    plan, answer = go_back(running, revision)
    words = " ".join(plan["approvals"])
    assert "Gives tunnel web back" in words and "Deletes tunnel" not in words, plan
    assert "Deletes the route late.example.com" in words, plan
    assert not [c for c in plan["changes"] if c["sign"] == "-"
                and c["name"] != "late.example.com"], plan["changes"]
    assert "given back" in told(plan, "~", "tunnel")["web"]
    assert "adit tunnel delete web" in " ".join(plan["warnings"])
    done(answer)
    assert sim.config_text(web) == text and [t["id"] for t in sim.tunnels("web")] == [web]
    after = {r["id"]: r for r in sim.records()}
    for old in before:
        assert bare(after[old["id"]]) == bare(old)
        assert ("adit:" in (after[old["id"]]["comment"] or "")) == \
            (old["name"] == "mine.example.com")
    assert [t["name"] for t in running.items("tunnel_list")] == ["own"]
    assert [r["hostname"] for r in running.items("route_list")] == ["mine.example.com"]


def test_going_back_before_more_of_it_was_adopted(running, sim, web):
    done(running.api("tunnel_adopt", tunnel="web", routes=["app.example.com"], approve=True))
    text, revision = sim.config_text(web), running.items("revision_list")[0]["revision"]
    done(running.api("tunnel_adopt", tunnel="web", routes=["shop.example.com"], approve=True))
    plan, answer = go_back(running, revision)
    assert "Gives the route shop.example.com ^/api back" in " ".join(plan["approvals"]), plan
    done(answer)
    assert sim.config_text(web) == text
    assert {r["name"] for r in sim.records() if "adit:" in (r["comment"] or "")} == \
        {"app.example.com"}


def test_going_back_makes_no_other_host_s_tunnel(site, second, sim):
    """Joined, left, and gone back to: there is nothing to make."""
    done(second.api("tunnel_join", tunnel="edge1", replicas=0))
    revision = second.items("revision_list")[0]["revision"]
    done(second.api("tunnel_release", tunnel="edge1", approve=True))
    e = second.refused("plan_create", revision=revision)
    assert e.kind == "conflict" and "adit tunnel join edge1" in e.hint, e
    assert [r for r in sim.tunnels("edge1")] and len(sim.tunnels("edge1")) == 1
