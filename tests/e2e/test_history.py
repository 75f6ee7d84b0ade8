"""The history: what was changed when and by whom, what differs, and the way back as a plan."""
import json

APP, SHOP = "app.example.com", "shop.example.net"


def said(changes):
    return sorted(f"{c['sign']} {c['object']} {c['name']}" for c in changes)


def diff(host, start, to=None):
    return said(host.api("revision_diff", **{"from": start}, **({"to": to} if to else {}))["changes"])


def wanted(host):
    """What is desired, without ids and versions."""
    return (sorted((t["name"], t["replicas"]) for t in host.items("tunnel_list")),
            sorted((r["hostname"], r.get("path"), r["service"], r["tunnel"])
                   for r in host.items("route_list")),
            sorted(r["name"] for r in host.items("dns_list")))


def back(host, revision, **more):
    return host.api("plan_create", revision=revision, **more)


def go_back(host, revision, **more):
    """Planned, then carried out."""
    plan = back(host, revision, **more)
    verb = "plan_approve" if plan["state"] == "needs_approval" else "plan_apply"
    done = host.api(verb, plan=plan["plan"], hash=plan["hash"])
    assert done["state"] == "applied" and done["changes"] == plan["changes"], done
    return done


def test_each_change_is_listed_with_who_and_why(site):
    site.publish(SHOP, "http_status:204", reason="the shop opens")
    site.api("tunnel_create", name="spare", replicas=0)
    answer = site.api("revision_list")
    assert [r["revision"] for r in answer["items"]] == [3, 2, 1] and answer["total"] == 3
    assert answer["source"] == "model"
    shop = answer["items"][1]
    assert shop["operation"] == "route_set" and shop["reason"] == "the shop opens"
    assert "root" in shop["principal"] and shop["changes"] == 2
    plan = site.api("plan_get", plan=shop["plan"])
    assert plan["revision"] == 2 and len(plan["changes"]) == 2
    assert "reason" not in answer["items"][0]


def test_the_list_is_filtered_cut_and_gone_on_with(site):
    site.publish(SHOP, "http_status:204")
    site.api("tunnel_create", name="spare", replicas=0)
    of = lambda **args: [r["revision"] for r in site.items("revision_list", **args)]
    assert of(object=SHOP) == [2] and of(object="Shop.Example.NET.") == [2]
    assert of(object="edge1") == [2, 1] and of(object="spare") == [3]
    assert of(object="nothing.example.com") == []
    first = site.api("revision_list", limit=2)
    assert first["truncated"] and of(limit=2, cursor=first["next_cursor"]) == [1]
    assert site.items("revision_list", limit=1, fields=["revision"]) == [{"revision": 3}]
    assert site.refused("revision_list", cursor="x").kind == "invalid"


def test_differences_between_any_two(site, sim):
    site.publish(SHOP, "http_status:204")
    site.publish(APP, "http_status:418", approve=True)
    since = sim.mark()
    assert diff(site, 1) == [f"+ record {SHOP}", f"+ route {SHOP}", f"~ route {APP}"]
    assert diff(site, 1, 2) == [f"+ record {SHOP}", f"+ route {SHOP}"]
    assert diff(site, 2, 1) == [f"- record {SHOP}", f"- route {SHOP}"]
    assert diff(site, 2) == [f"~ route {APP}"]
    assert diff(site, 3) == [] and site.api("revision_diff", **{"from": 3})["count"] == 0
    assert len(diff(site, 0)) == 5
    assert site.refused("revision_diff", **{"from": 9}).kind == "not_found"
    assert site.refused("revision_diff", **{"from": 1, "to": 4}).kind == "not_found"
    assert site.refused("revision_diff", **{"from": -1}).kind == "invalid"
    assert sim.log(since) == [] or not sim.writes(since)


def test_back_takes_away_what_came_later_after_approval(site, sim):
    before = wanted(site)
    assert site.publish(SHOP, "http_status:204")["converged"]
    plan, since = back(site, 1, reason="too early"), sim.mark()
    assert plan["state"] == "needs_approval" and len(plan["approvals"]) == 2, plan
    assert said(plan["changes"]) == [f"- record {SHOP}", f"- route {SHOP}"]
    assert sim.writes(since) == [] and sim.fetch(host=SHOP)[0] == 204
    done = site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert done["state"] == "applied" and done["converged"] and done["revision"] == 3, done
    assert wanted(site) == before and diff(site, 1) == []
    assert len(sim.records()) == 1 and sim.fetch()[0] == 200 and sim.fetch(host=SHOP)[0] == 404
    row = site.items("revision_list", limit=1)[0]
    assert row["operation"] == "plan_create" and row["reason"] == "too early"


def test_back_repoints_and_dry_run_changes_nothing(site, sim):
    page = sim.fetch()
    site.publish(APP, "http_status:418", approve=True)
    assert sim.fetch()[0] == 418
    shown = back(site, 1, dry_run=True)
    assert shown["state"] == "needs_approval" and "plan" not in shown
    assert said(shown["changes"]) == [f"~ route {APP}"] and sim.fetch()[0] == 418
    done = go_back(site, 1)
    assert done["hash"] == shown["hash"] and done["state"] == "applied" and done["converged"], done
    assert sim.fetch()[:1] == page[:1] and diff(site, 1) == []
    assert back(site, 1)["state"] == "unchanged"


def test_a_deleted_route_is_put_back(site, sim):
    before, old = wanted(site), site.items("route_list")[0]["id"]
    assert site.api("route_delete", hostname=APP, approve=True)["converged"]
    assert sim.records() == [] and sim.fetch()[0] == 404
    done = go_back(site, 1)
    assert done["state"] == "applied" and done["converged"] and done["warnings"] == [], done
    assert wanted(site) == before and sim.fetch()[0] == 200
    assert site.items("route_list")[0]["id"] != old and diff(site, 1) == []
    assert len(sim.tunnels()) == 1 and len(sim.records()) == 1


def test_a_deleted_tunnel_is_made_anew_and_that_is_said(site, sim):
    before, old = wanted(site), sim.tunnels()[0]["id"]
    site.api("tunnel_delete", tunnel="edge1", approve=True)
    assert sim.tunnels() == []
    done = go_back(site, 1)
    assert done["state"] == "applied" and done["converged"], done
    assert any("edge1" in w and "anew" in w for w in done["warnings"]), done
    assert wanted(site) == before and sim.tunnels()[0]["id"] != old and sim.fetch()[0] == 200
    assert diff(site, 1) == ["~ tunnel edge1"] and diff(site, 3) == []


def test_a_path_and_its_options_come_back(site, sim):
    site.publish(APP, "http_status:404", path="^/x", origin={"connectTimeout": 7})
    before = site.items("route_list")
    site.api("route_delete", hostname=APP, path="^/x", approve=True)
    assert go_back(site, 2)["converged"]
    after = site.items("route_list")
    strip = lambda rows: [{k: v for k, v in r.items() if k != "id"} for r in rows]
    assert strip(after) == strip(before)
    assert sim.fetch("/x")[0] == 404 and sim.fetch()[0] == 200


def test_a_record_of_its_own_goes_and_comes_back(site, sim):
    site.api("dns_set", name="mail.example.com", type="A", content="192.0.2.7", ttl=300)
    site.api("dns_set", name="mail.example.com", type="A", content="192.0.2.8", approve=True)
    assert diff(site, 2) == ["~ record mail.example.com"]
    site.api("dns_delete", name="mail.example.com", type="A", approve=True)
    assert sim.records("mail.example.com") == [] and diff(site, 1) == []
    assert go_back(site, 2)["converged"]
    found = sim.records("mail.example.com")
    assert [(r["content"], r["ttl"]) for r in found] == [("192.0.2.7", 300)]
    assert diff(site, 2) == []


def test_if_revision_and_numbers_that_are_not_there(site, sim):
    site.publish(SHOP, "http_status:204")
    since = sim.mark()
    assert site.refused("plan_create", revision=1, if_revision=1).kind == "conflict"
    e = site.refused("plan_create", revision=7)
    assert e.kind == "not_found" and "revision 2" in e.hint
    assert site.refused("plan_create", revision=0).kind == "invalid"
    assert site.refused("plan_create").kind == "invalid"
    assert sim.writes(since) == []


def test_the_history_survives_a_restart(site, sim):
    site.publish(SHOP, "http_status:204")
    rows, between = site.items("revision_list"), diff(site, 1)
    site.kill9()
    site.start()
    assert site.items("revision_list") == rows and diff(site, 1) == between
    assert go_back(site, 1)["converged"] and diff(site, 1) == []


def test_what_the_cli_shows(site):
    site.publish(SHOP, "http_status:204", reason="the shop opens")
    code, out, _ = site.adit("revision", "list")
    assert code == 0 and "the shop opens" in out and "WHEN" in out and "route_set" in out, out
    code, out, _ = site.adit("revision", "list", "--object", SHOP)
    assert code == 0 and len(out.splitlines()) == 2, out
    code, out, _ = site.adit("revision", "diff", 1)
    assert code == 0 and f"+ route {SHOP}" in out, out
    assert json.loads(site.adit("revision", "diff", 1, 2, "--json")[1])
    code, out, _ = site.adit("plan", "create", "--revision", 1, "--dry-run")
    assert f"- route {SHOP}" in out and "approval" in out, out
    code, out, errors = site.adit("plan", "create", "--revision", 1)
    assert code == 77 and f"- route {SHOP}" in out, out + errors
    plan = site.items("plan_list", limit=1)[0]["plan"]
    shown = site.api("plan_get", plan=plan)["hash"][:12]
    code, out, errors = site.adit("plan", "approve", plan, "--hash", shown)
    assert code == 0 and "done" in out, out + errors
    assert site.adit("revision", "diff")[0] == 64
