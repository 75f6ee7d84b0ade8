"""Plans: stored before they are carried out, judged again when they are, and refused when anything
that they were made from, or anybody's right to them, is another one by then."""
import pytest

from harness import until
from test_doors import call_as, denied

APP, SHOP = "app.example.com", "shop.example.net"


@pytest.fixture
def crew(site):
    """bin and sys propose, daemon reads."""
    site.configure(access={"viewer": {"users": ["daemon"]}, "operator": {"users": ["bin"]},
                           "admin": {"users": ["sys"]}})
    site.reload()
    return site


def names(site, count, **more):
    for i in range(count):
        site.publish(f"n{i}.example.com", "http_status:204", **more)


def drop(site, i, **more):
    return site.api("route_delete", hostname=f"n{i}.example.com", **more)


def test_a_dry_run_is_nothing(site, sim):
    since, before = sim.mark(), site.items("plan_list")
    answer = site.publish(SHOP, "http_status:204", dry_run=True)
    assert answer["state"] == "planned" and "plan" not in answer and answer["hash"]
    answer = site.api("route_delete", hostname=APP, dry_run=True, approve=True)
    assert answer["state"] == "needs_approval" and answer["approvals"]
    assert site.items("plan_list") == before and sim.writes(since) == []


def test_a_created_plan_waits_to_be_applied(site, sim):
    site.api("tunnel_create", name="spare", replicas=0)
    site.publish(SHOP, "http_status:204")
    site.api("route_delete", hostname=SHOP, approve=True)
    since = sim.mark()
    plan = site.api("plan_create", revision=3, reason="it was better so")
    assert plan["state"] == "planned" and plan["approvals"] == [] and plan["hash"], plan
    assert site.api("revision_list")["total"] == 4 and sim.writes(since) == []
    kept = site.api("plan_get", plan=plan["plan"])
    assert kept["state"] == "planned" and kept["reason"] == "it was better so"
    assert kept["changes"] == plan["changes"] and kept["hash"] == plan["hash"]
    assert site.refused("plan_apply", plan=plan["plan"], hash="0" * 12).kind == "conflict"
    assert site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"]).kind == "conflict"
    done = site.api("plan_apply", plan=plan["plan"], hash=plan["hash"][:12])
    assert done["state"] == "applied" and done["converged"] and done["revision"] == 5
    assert sim.fetch(host=SHOP)[0] == 204
    e = site.refused("plan_apply", plan=plan["plan"])
    assert e.kind == "conflict" and "applied" in e.message


def test_what_needs_approval_is_shown_by_apply_and_waits_on(site, sim):
    site.publish(SHOP, "http_status:204")
    plan, since = site.api("plan_create", revision=1), sim.mark()
    assert plan["state"] == "needs_approval"
    shown = site.api("plan_apply", plan=plan["plan"])
    assert shown["state"] == "needs_approval" and shown["approvals"] == plan["approvals"]
    assert sim.writes(since) == []
    code, out, _ = site.adit("plan", "apply", plan["plan"])
    assert code == 77 and f"adit plan approve {plan['plan']}" in out, out
    assert site.api("plan_reject", plan=plan["plan"])["state"] == "rejected"
    assert site.refused("plan_apply", plan=plan["plan"]).kind == "conflict"


def test_a_planned_one_is_stale_after_a_change(site, sim):
    site.publish(APP, "http_status:418", approve=True)
    site.api("tunnel_create", name="spare", replicas=0)
    site.api("tunnel_delete", tunnel="spare", approve=True)
    plan = site.api("plan_create", revision=3)
    assert plan["state"] == "planned", plan
    site.api("tunnel_create", name="spare", replicas=0)
    since = sim.mark()
    e = site.refused("plan_apply", plan=plan["plan"])
    assert e.kind == "conflict" and "stale" in e.message and e.hint
    assert site.api("plan_get", plan=plan["plan"])["state"] == "stale" and sim.writes(since) == []


def test_many_deletions_take_their_number(site, sim):
    site.configure(safety={"max_delete": 3})
    site.reload()
    names(site, 3)
    one = drop(site, 0, approve=True)
    assert one["state"] == "applied", one     # 2 objects of 3
    two = drop(site, 1)
    assert any("safety.max_delete" in a for a in two["approvals"]), two
    assert any("2 objects already" in w for w in two["warnings"]), two
    since = sim.mark()
    wrong = dict(plan=two["plan"], hash=two["hash"])
    assert site.refused("plan_approve", **wrong).kind == "needs_approval"
    assert site.refused("plan_approve", deletes=3, **wrong).kind == "conflict"
    assert sim.writes(since) == []
    assert site.api("plan_approve", deletes=2, **wrong)["converged"]
    # In the same call too, root or not.
    assert drop(site, 2, approve=True)["state"] == "needs_approval"
    assert drop(site, 2, approve=True, deletes=9)["state"] == "needs_approval"
    done = drop(site, 2, approve=True, deletes=2)
    assert done["state"] == "applied" and done["converged"], done


def test_a_wrong_number_is_wrong_below_the_limit_too(site):
    plan = site.api("route_delete", hostname=APP)
    assert len(plan["approvals"]) == 2
    args = dict(plan=plan["plan"], hash=plan["hash"])
    assert site.refused("plan_approve", deletes=1, **args).kind == "conflict"
    assert site.api("plan_approve", deletes=2, **args)["converged"]


def test_everybody_has_deletions_of_his_own(crew):
    crew.configure(safety={"max_delete": 2})
    crew.reload()
    names(crew, 2)
    assert drop(crew, 0, approve=True)["state"] == "applied"
    theirs = call_as(crew, "bin", "route_delete", {"hostname": "n1.example.com"})[1]["result"]
    assert not any("max_delete" in a for a in theirs["approvals"]), theirs
    assert crew.api("plan_approve", plan=theirs["plan"], hash=theirs["hash"])["converged"]


def test_a_stricter_policy_is_asked_at_the_approval(site, sim):
    plan = site.publish(APP, "http_status:418")
    assert plan["state"] == "needs_approval"
    site.configure(safety={"protect": [APP]})
    site.reload()
    since = sim.mark()
    e = site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "conflict" and "protected" in e.message and "stale" in e.message
    assert site.api("plan_get", plan=plan["plan"])["state"] == "stale" and sim.writes(since) == []
    again = site.publish(APP, "http_status:418")
    assert len(again["approvals"]) == 2
    assert site.api("plan_approve", plan=again["plan"], hash=again["hash"])["converged"]


def test_a_service_that_is_no_longer_allowed(site, sim):
    site.configure(safety={"allow_services": ["unix:/run/app.sock"], "protect": [SHOP]})
    site.reload()
    plan = site.publish(SHOP, "unix:/run/app.sock")
    assert plan["state"] == "needs_approval"
    site.configure(safety={"allow_services": []})
    site.reload()
    e = site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "conflict" and "unix:/run/app.sock" in e.message, e


def test_another_user_applies_and_a_reader_does_not(crew):
    crew.api("tunnel_create", name="spare", replicas=0)
    crew.api("tunnel_delete", tunnel="spare", approve=True)
    plan = call_as(crew, "bin", "plan_create", {"revision": 2})[1]["result"]
    assert plan["state"] == "planned", plan
    denied(call_as(crew, "daemon", "plan_apply", {"plan": plan["plan"]}))
    done = call_as(crew, "sys", "plan_apply", {"plan": plan["plan"]})[1]["result"]
    assert done["state"] == "applied", done
    kept = crew.api("plan_get", plan=plan["plan"])
    assert "bin" in kept["principal"] and "sys" in kept["decided_by"]


def test_who_lost_his_role_has_no_plans_approved(crew, sim):
    plan = call_as(crew, "bin", "route_delete", {"hostname": APP})[1]["result"]
    crew.configure(access={"operator": {"users": []}, "viewer": {"users": ["bin"]}})
    crew.reload()
    since = sim.mark()
    e = crew.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "denied" and "bin" in e.message and "proposed" in e.message, e
    assert sim.writes(since) == []
    crew.configure(access={"operator": {"users": ["bin"]}, "viewer": {"users": []}})
    crew.reload()
    assert crew.api("plan_approve", plan=plan["plan"], hash=plan["hash"])["converged"]


def test_a_revision_that_is_asked_for_and_a_reason(site):
    now = site.api("revision_list")["items"][0]["revision"]
    assert site.refused("route_delete", hostname=APP, if_revision=now + 1).kind == "conflict"
    plan = site.api("route_delete", hostname=APP, if_revision=now, reason="retire it")
    assert site.api("plan_get", plan=plan["plan"])["reason"] == "retire it"


def test_a_tunnel_that_is_there_keeps_its_replicas(site):
    site.api("tunnel_create", name="edge1", replicas=2)
    assert site.api("tunnel_create", name="edge1")["state"] == "unchanged"
    assert site.items("tunnel_list")[0]["replicas"] == 2
    site.api("tunnel_create", name="new")
    assert [t["replicas"] for t in site.items("tunnel_list", name="new")] == [1]


def shown(site, *words):
    code, out, errors = site.adit(*words)
    assert not errors, errors
    return code, out


def test_how_a_plan_reads(site):
    code, out = shown(site, "plan")
    assert code == 0 and out == "no plan waits\n"
    site.publish(SHOP, "http_status:204")
    site.publish(APP, "http_status:418", path="^/v1")
    code, out = shown(site, "plan", "create", "--revision", 1, "--reason", "too early")
    assert code == 77
    lines = out.splitlines()
    plan = site.items("plan_list", limit=1)[0]["plan"]
    digits = site.api("plan_get", plan=plan)["hash"][:12]
    assert lines[0] == (f'plan {plan}: needs approval   base revision 3   by root (uid 0)   '
                        'reason "too early"'), out
    tunnel, zone = lines.index("  tunnel edge1"), lines.index("  zone example.net")
    assert 0 < tunnel < zone
    assert any(line.startswith(f"    - route {SHOP}") and line.endswith("[needs approval]")
               for line in lines[tunnel:zone]), out
    assert f"    - record {SHOP} CNAME to tunnel edge1 [needs approval]" in lines[zone:], out
    assert "  protected   none touched" in lines and "  exposure    no new public name" in lines
    assert "  deletes     3 objects" in lines
    assert (f"  API calls   about 4   undo: adit plan create --revision 3   hash {digits}"
            in lines), out
    assert lines[-2].startswith(f"waiting: sudo adit plan approve {plan} --hash {digits}   (exp")
    assert lines[-1] == f"to drop it: adit plan reject {plan}"
    # The same, asked for by its number, or by nothing: what waits, in full.
    code, again = shown(site, "plan", "get", plan)
    assert code == 0 and again == out
    assert shown(site, "plan") == (0, out)
    assert shown(site, "reject", plan)[0] == 0
    assert shown(site, "plan")[1] == "no plan waits\n"
    code, after = shown(site, "plan", "get", plan)
    assert "rejected" in after and "decided" in after and "to drop it" not in after


def test_how_a_dry_run_and_a_stored_plan_read(site):
    code, out = shown(site, "publish", SHOP, "http_status:204", "--dry-run")
    assert code == 0 and out.startswith("dry run: nothing was changed   base revision 1"), out
    assert f"  exposure    new public name {SHOP}" in out and "waiting" not in out
    site.api("tunnel_create", name="spare", replicas=0)
    site.api("tunnel_delete", tunnel="spare", approve=True)
    code, out = shown(site, "plan", "create", "--revision", 2)
    assert code == 0 and "  tunnel spare\n    + tunnel spare" in out, out
    plan = site.items("plan_list", limit=1)[0]["plan"]
    assert f"waiting: adit plan apply {plan}   (expires in" in out, out
    site.publish(SHOP, "http_status:204")
    site.api("route_delete", hostname=SHOP)
    code, out = shown(site, "plan")
    assert 0 < out.index("plan approve p") < out.index(f"plan apply {plan}"), out
    assert shown(site, "plan", "apply", plan)[0] == 0


def test_the_only_connector_that_serves_is_restarted_by_an_operator(crew):
    """Nobody is left unserved by that, so nobody has to agree."""
    before, = crew.connector_pids()
    status, answer = call_as(crew, "bin", "connector_restart", {"connector": "edge1/1"})
    assert status == 200 and answer["result"]["converged"], answer
    assert answer["result"]["pid"] != before


def test_what_is_refused_is_in_the_ledger(crew):
    for _ in range(5):
        denied(call_as(crew, "daemon", "route_delete", {"hostname": APP}))
        denied(call_as(crew, "daemon", "plan_apply", {"plan": "p1"}))
    rows = [r for r in crew.tables()["ledger"] if r["outcome"] == "refused"]
    assert 2 <= len(rows) < 10, rows
    assert {r["operation"] for r in rows} == {"route_delete", "plan_apply"}, rows
