"""The configuration of a tunnel that others write too, rule by rule: what is theirs is taken or
shadowed only by approval, one route in the way of something holds no other back, and what somebody
made of a rule of ours is left alone."""
import json

from harness import until

WIDE = '{"hostname":"*.example.com", "service":"http://10.0.0.1:80","id":9007199254740993}'
SAME = '{"hostname":"b.example.com","service":"http://10.0.0.2:80"}'


def tunnel_of(sim):
    return sim.tunnels()[0]["id"]


def put(sim, text):
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel_of(sim)}/configurations",
             '{"config":' + text + "}")


def insert(sim, rule):
    """Somebody writes a rule before all others."""
    put(sim, sim.config_text(tunnel_of(sim)).replace('"ingress":[', '"ingress":[' + rule + ",", 1))


def change(sim, edit):
    config = sim.config(tunnel_of(sim))
    edit(config["ingress"])
    put(sim, json.dumps(config))


def text_of(sim):
    return sim.config_text(tunnel_of(sim))


def hosts(sim):
    return [rule.get("hostname") for rule in sim.config(tunnel_of(sim))["ingress"]]


def rule(sim, hostname):
    return next(r for r in sim.config(tunnel_of(sim))["ingress"] if r.get("hostname") == hostname)


def route(site, hostname):
    return next(r for r in site.items("route_list") if r["hostname"] == hostname)


def approve(site, plan, **more):
    return site.api("plan_approve", plan=plan["plan"], hash=plan["hash"], **more)


def test_a_broader_foreign_rule_is_stood_before_by_approval(site, sim):
    insert(sim, WIDE)
    text, since = text_of(sim), sim.mark()
    plan = site.publish("b.example.com", site.origin.url)
    assert plan["state"] == "needs_approval", plan
    assert plan["approvals"] == ["Puts b.example.com before rule 1 (*.example.com) to "
                                 "http://10.0.0.1:80, which adit did not make, and takes requests "
                                 "from it."]
    assert any(c["sign"] == "=" and "1 of them not adit's" in c["detail"]
               for c in plan["changes"]), plan["changes"]
    assert text_of(sim) == text and sim.writes(since) == []
    # app.example.com is reached no more: somebody put the rule before it. That is told as well.
    assert any("app.example.com is not reached" in w for w in plan["warnings"]), plan["warnings"]
    done = approve(site, plan)
    assert done["state"] == "applied", done
    assert hosts(sim) == ["b.example.com", "*.example.com", "app.example.com", None]
    assert WIDE in text_of(sim) and route(site, "b.example.com")["state"] == "live"


def test_a_foreign_rule_of_the_name_is_replaced_by_approval(site, sim):
    insert(sim, SAME)
    plan = site.publish("b.example.com", site.origin.url)
    assert plan["state"] == "needs_approval"
    done = approve(site, plan)
    assert done["state"] == "applied" and done["converged"], done
    assert hosts(sim) == ["app.example.com", "b.example.com", None]
    assert rule(sim, "b.example.com")["service"] == site.origin.url
    # It is ours now, and goes with its route.
    assert site.api("route_delete", hostname="b.example.com", approve=True)["converged"]
    assert hosts(sim) == ["app.example.com", None]


def test_a_rule_like_ours_is_not_ours(site, sim):
    insert(sim, SAME)
    plan = site.publish("b.example.com", "http://10.0.0.2:80")
    assert plan["state"] == "needs_approval" and "just as wanted" in plan["approvals"][0], plan
    since = sim.mark()
    assert approve(site, plan)["state"] == "applied"
    until(lambda: sim.records("b.example.com"))
    assert [w for w in sim.writes(since) if "configurations" in w] == []


def test_a_foreign_rule_that_changed_since_stays(site, sim):
    insert(sim, SAME)
    plan = site.publish("b.example.com", site.origin.url)
    change(sim, lambda rules: rules[0].update(service="http://10.0.0.3:80"))
    text, since = text_of(sim), sim.mark()
    done = approve(site, plan, timeout="20s")
    assert done["converged"] is False and done["problems"][0]["kind"] == "conflict", done
    problem = site.wait_problem(object="route", name="b.example.com")
    assert "http://10.0.0.3:80" in problem["message"] and "route set" in problem["hint"]
    assert text_of(sim) == text and sim.writes(since) == []
    assert route(site, "b.example.com")["state"] == "problem"
    assert "problem" not in site.items("tunnel_list")[0]
    # The others go on, and a removal does.
    assert site.publish("c.example.com", site.origin.url)["state"] == "applied"
    assert route(site, "c.example.com")["state"] == "live"
    assert site.api("route_delete", hostname="c.example.com", approve=True)["state"] == "applied"
    until(lambda: hosts(sim) == ["b.example.com", "app.example.com", None])
    assert rule(sim, "b.example.com")["service"] == "http://10.0.0.3:80"
    # A restart knows no more and no less.
    site.restart()
    site.wait_problem(object="route", name="b.example.com")
    assert sim.records("b.example.com") == []
    # Set again, it is asked for as it stands now.
    again = site.publish("b.example.com", site.origin.url + "/"[:0], approve=True)
    assert again["state"] in ("applied", "unchanged"), again


def test_what_somebody_made_of_our_rule_is_left_alone(site, sim):
    site.publish("b.example.com", site.origin.url)
    change(sim, lambda rules: next(r for r in rules if r.get("hostname") == "app.example.com")
           .update(service="http_status:418"))
    since = sim.mark()
    done = site.publish("c.example.com", site.origin.url)
    assert done["state"] == "applied", done
    assert rule(sim, "app.example.com")["service"] == "http_status:418"
    assert "c.example.com" in hosts(sim)
    assert len([w for w in sim.writes(since) if "configurations" in w]) == 1
    # Set anew, what is wanted here wins, when a person agrees.
    plan = site.publish("app.example.com", "http_status:204")
    assert plan["state"] == "needs_approval", plan
    assert any(a.startswith("Overwrites rule 1 (app.example.com) to http_status:418, which "
               "adit made") for a in plan["approvals"]), plan["approvals"]
    site.api("plan_reject", plan=plan["plan"])
    done = site.publish("app.example.com", "http_status:204", approve=True)
    assert rule(sim, "app.example.com")["service"] == "http_status:204", done
    # Removed there, it is not put back unasked.
    change(sim, lambda rules: rules.remove(next(r for r in rules
                                                if r.get("hostname") == "app.example.com")))
    assert site.publish("d.example.com", site.origin.url)["state"] == "applied"
    assert "app.example.com" not in hosts(sim) and "d.example.com" in hosts(sim)
    assert route(site, "app.example.com")["state"] == "problem"
    assert site.api("route_delete", hostname="app.example.com", approve=True)["state"] == "applied"


def test_an_edit_after_the_plan_looked_is_named_and_kept(site, sim):
    """A plan waits; the rule that it writes over is edited once more before somebody agrees."""
    change(sim, lambda rules: rules[0].update(service="http_status:418"))
    plan = site.publish("app.example.com", "http_status:204")
    assert plan["state"] == "needs_approval", plan
    change(sim, lambda rules: rules[0].update(service="http_status:419"))
    assert approve(site, plan)["converged"]
    assert rule(sim, "app.example.com")["service"] == "http_status:204"
    told, = [e["message"] for e in site.items("event_list") if e["kind"] == "edit_overwritten"]
    assert "http_status:419" in told, told
    row, = [r for r in site.items("drift_list") if r["kind"] == "overwritten"]
    assert "http_status:419" in row["untrusted_seen"], row
    assert "http_status:204" in row["untrusted_put"], row


def test_an_edit_of_a_rule_that_goes_after_the_plan_looked_is_named_and_kept(site, sim):
    for n, before in enumerate((None, "http_status:418")):
        hostname = f"h{n}.example.com"
        site.publish(hostname, site.origin.url)

        def edit(service):
            change(sim, lambda rules: [r.update(service=service) for r in rules
                                       if r.get("hostname") == hostname])

        if before:
            edit(before)
        plan = site.api("route_delete", hostname=hostname)
        assert plan["state"] == "needs_approval", plan
        edit("http_status:419")
        assert approve(site, plan)["converged"]
        assert hostname not in hosts(sim)
        told = [e["message"] for e in site.items("event_list") if e["kind"] == "edit_overwritten"]
        assert len(told) == n + 1, told
        assert any(hostname in t and "http_status:419" in t and "removed" in t for t in told), told
    rows = [r for r in site.items("drift_list") if r["kind"] == "overwritten"]
    assert all("http_status:419" in r["untrusted_seen"] for r in rows) and len(rows) == 2, rows


def test_an_edit_that_the_plan_named_before_it_removes_it_is_no_news(site, sim):
    change(sim, lambda rules: rules[0].update(service="http_status:418"))
    assert site.api("route_delete", hostname="app.example.com", approve=True)["converged"]
    assert "app.example.com" not in hosts(sim)
    assert "edit_overwritten" not in {e["kind"] for e in site.items("event_list")}
    assert not [r for r in site.tables()["meta"] if r["key"].startswith("agreed:")]


def test_an_edit_that_the_plan_named_is_no_news(site, sim):
    change(sim, lambda rules: rules[0].update(service="http_status:418"))
    assert site.publish("app.example.com", "http_status:204", approve=True)["converged"]
    assert "edit_overwritten" not in {e["kind"] for e in site.items("event_list")}
    assert site.items("drift_list") == []


def test_what_somebody_edited_is_ours_after_another_put(site, sim):
    """A rule that is left as it stands is still known as ours, and goes with its route."""
    change(sim, lambda rules: rules[0].update(service="http_status:418"))
    for name in ("b", "c"):
        assert site.publish(f"{name}.example.com", site.origin.url)["state"] == "applied"
    assert rule(sim, "app.example.com")["service"] == "http_status:418"
    plan = site.publish("b.example.com", site.origin.url, drift="ignore")
    assert not any("adit did not make" in w for w in plan["warnings"]), plan["warnings"]
    plan = site.api("route_delete", hostname="app.example.com")
    assert any("http_status:418, which adit made and which somebody changed" in w
               for w in plan["warnings"]), plan["warnings"]
    assert approve(site, plan)["converged"]
    assert hosts(sim) == ["b.example.com", "c.example.com", None]


def test_what_was_let_once_is_asked_for_again(site, sim):
    insert(sim, SAME)
    assert site.publish("b.example.com", site.origin.url, approve=True)["converged"]
    change(sim, lambda rules: rules.insert(0, json.loads(SAME)))
    plan = site.publish("b.example.com", "http://127.0.0.1:9")
    assert any("rule 1 (b.example.com)" in a for a in plan["approvals"]), plan["approvals"]
    assert [r for r in site.tables()["route"] if r["takes"]] == []


def test_what_only_a_plan_saw_stays(site, sim):
    """Somebody writes right after adit looked. What a plan is shown of it the next write knows."""
    assert site.api("tunnel_create", name="web")["converged"]
    moved = site.publish("app.example.com", site.origin.url, tunnel="web", approve=True)
    assert moved["converged"] and moved["state"] == "applied", moved
    old = sim.tunnels("edge1")[0]["id"]

    def config(text):
        sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{old}/configurations",
                 '{"config":' + text + "}")

    site.api("drift_list", refresh=True)  # the reconciler's look
    config(sim.config_text(old).replace('"ingress":[', '"ingress":[' + SAME + ",", 1))
    site.api("route_set", hostname="c.example.com", service=site.origin.url, tunnel="edge1",
             dry_run=True)
    gone = site.api("route_delete", hostname="app.example.com", approve=True)
    assert gone["state"] == "applied", gone
    until(lambda: "app.example.com" not in sim.config_text(old))
    assert SAME in sim.config_text(old)
    assert "config_raced" not in {e["kind"] for e in site.items("event_list")}


def test_a_tunnel_goes_with_words_about_what_others_made(site, sim):
    insert(sim, SAME)
    plan = site.api("tunnel_delete", tunnel="edge1")
    assert any("holds 1 rule that adit did not make" in w for w in plan["warnings"]), plan


def test_a_knot_is_refused(site, sim):
    """Ours for all below, then theirs for a path of one: a route for that one has no place."""
    site.publish("*.example.com", site.origin.url)
    change(sim, lambda rules: rules.insert(len(rules) - 1, {
        "hostname": "b.example.com", "path": "^/p", "service": "http://10.0.0.1:80"}))
    since = sim.mark()
    e = site.refused("route_set", hostname="b.example.com", service=site.origin.url)
    assert e.kind == "conflict" and "no place" in e.message and e.hint
    assert sim.writes(since) == []


def test_a_configuration_that_cannot_be_read_beforehand_is_a_warning(site, sim):
    sim.fault("error", status=500, method="GET", path="*configurations", count=1)
    plan = site.publish("b.example.com", site.origin.url, dry_run=True)
    assert plan["state"] == "planned", plan
    assert any("could not be read beforehand" in w for w in plan["warnings"]), plan
