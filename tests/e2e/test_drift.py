"""Drift: what somebody else changes at Cloudflare is seen and told, put back where that is allowed,
and never believed from a listing that may lie."""
import json

from harness import until

ZONE = "/zones/@example.com/dns_records"


def observe(host):
    """A whole observation that began now is over."""
    host.api("drift_list", refresh=True)


def drift(host, **fit):
    rows = host.items("drift_list")
    return [r for r in rows if all(r.get(k) == v for k, v in fit.items())]


def reads(sim, since):
    return [r for r in sim.log(since) if r["method"] == "GET"]


def doubts(host):
    return [p for p in host.status()["problems"] if p["object"] == "system"]


def own_record(host, name, **more):
    answer = host.api("dns_set", **{"name": name, "type": "A", "content": "192.0.2.1", **more})
    assert answer["converged"], answer


def path_of(sim, name):
    record, = sim.records(name)
    return f"{ZONE}/{record['id']}"


# ---- report, ignore ----

def test_an_edited_record_is_reported(site, sim):
    own_record(site, "mail.example.com")
    sim.edit("PATCH", path_of(sim, "mail.example.com"), {"content": "192.0.2.66", "ttl": 900})
    since = sim.mark()
    observe(site)
    rows = drift(site, name="mail.example.com")
    assert [(r["field"], r["wanted"], r["untrusted_seen"]) for r in rows] == [
        ("content", "192.0.2.1", "192.0.2.66"), ("ttl", "1", "900")]
    assert all(r["object"] == "record" and r["kind"] == "changed" and r["policy"] == "report" and
               not r["repair"] and r["since"] and "report" in r["why_not"] for r in rows)
    problem = site.wait_problem(object="record", name="mail.example.com", kind="conflict")
    assert "somebody else" in problem["message"] and "drift" in problem["hint"]
    status = site.status()
    assert status["drift"]["count"] == 2 and status["drift"]["observed"]
    assert status["drift"]["first"][0]["name"] == "mail.example.com"
    code, text, _ = site.adit("status")
    assert code == 1 and "record mail.example.com drifted: content changed" in text
    code, text, _ = site.adit("drift", "list")
    assert code == 0 and "192.0.2.66" in text
    assert sim.writes(since) == []
    # Put back by hand, it is over.
    sim.edit("PATCH", path_of(sim, "mail.example.com"), {"content": "192.0.2.1", "ttl": 1})
    observe(site)
    site.wait_converged()
    assert drift(site) == [] and site.status()["drift"]["count"] == 0


def test_what_is_ignored_is_neither_told_nor_counted(site, sim):
    own_record(site, "mail.example.com", drift="ignore")
    sim.edit("PATCH", path_of(sim, "mail.example.com"), {"content": "192.0.2.66"})
    since = sim.mark()
    observe(site)
    assert drift(site) == []
    site.wait_converged()
    assert sim.writes(since) == []


def test_drift_is_filtered(site, sim):
    own_record(site, "mail.example.com")
    own_record(site, "mail.example.net")
    for record in sim.records("mail.example.com"):
        sim.edit("PATCH", f"{ZONE}/{record['id']}", {"content": "192.0.2.66"})
    app, = sim.records("app.example.com")
    sim.edit("PATCH", f"{ZONE}/{app['id']}", {"proxied": False})
    observe(site)
    assert {r["name"] for r in drift(site)} == {"mail.example.com", "app.example.com"}
    assert [r["name"] for r in site.items("drift_list", tunnel="edge1")] == ["app.example.com"]
    assert len(site.items("drift_list", zone="example.com")) == 2
    assert site.items("drift_list", zone="example.net") == []
    assert site.refused("drift_list", zone="nowhere.example").kind == "not_found"
    assert site.refused("drift_list", tunnel="nowhere").kind == "not_found"
    first = site.api("drift_list", limit=1)
    assert first["truncated"] and first["total"] == 2
    assert len(site.api("drift_list", limit=1, cursor=first["next_cursor"])["items"]) == 1


def test_a_tunnel_renamed_by_somebody_is_told(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    sim.edit("PATCH", f"/accounts/@account/cfd_tunnel/{tunnel}", {"name": "theirs"})
    observe(site)
    row, = drift(site, object="tunnel")
    assert (row["field"], row["wanted"], row["untrusted_seen"]) == ("name", "edge1", "theirs")
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    observe(site)
    observe(site)
    until(lambda: sim.tunnels()[0]["name"] == "edge1", why="it was not named again")
    until(lambda: not drift(site))


# ---- absence ----

def test_one_deleted_record_is_looked_at_by_its_id_and_told(site, sim):
    own_record(site, "mail.example.com")
    sim.edit("DELETE", path_of(sim, "mail.example.com"))
    since = sim.mark()
    observe(site)
    row, = drift(site, name="mail.example.com")
    assert row["kind"] == "gone" and not row["repair"] and "deleted" in row["why_not"]
    looks = [r for r in reads(sim, since) if "/dns_records/" in r["path"]]
    assert len(looks) == 1 and looks[0]["status"] == 404
    assert sim.writes(since) == [] and not doubts(site)
    # Once it is known, it is not asked for again.
    since = sim.mark()
    observe(site)
    assert not [r for r in reads(sim, since) if "/dns_records/" in r["path"]]


def test_all_gone_at_once_is_doubted_until_a_person_says_so(site, sim):
    for i in range(4):
        own_record(site, f"n{i}.example.com")
    for record in sim.records():
        sim.edit("DELETE", f"{ZONE}/{record['id']}")
    since = sim.mark()
    observe(site)
    doubt, = doubts(site)
    assert "none of the 5 records of example.com" in doubt["message"]
    assert "writes resume" in doubt["hint"]
    assert not drift(site, kind="gone") and sim.writes(since) == []
    # Nothing is written to them meanwhile, nor are they forgotten.
    answer = site.api("dns_delete", name="n0.example.com", type="A", approve=True, timeout="2s")
    assert not answer["converged"]
    assert any("nothing is concluded" in p["message"] for p in answer["problems"]), answer
    site.restart()
    observe(site)
    assert len(doubts(site)) == 1 and sim.writes(since) == []
    assert site.api("writes_resume")["changed"]
    observe(site)
    assert not doubts(site)
    assert {r["name"] for r in drift(site, kind="gone")} >= {"n1.example.com", "n2.example.com"}
    until(lambda: not [r for r in site.items("dns_list") if r["name"] == "n0.example.com"],
          why="what was to be deleted stayed")
    assert sim.writes(since) == []
    # It lasts over a restart.
    site.restart()
    observe(site)
    assert not doubts(site) and sim.writes(since) == []


def test_an_empty_listing_of_tunnels_is_doubted(site, sim):
    site.api("tunnel_create", name="web")
    empty = ('{"success":true,"errors":[],"messages":[],"result":[],"result_info":'
             '{"page":1,"per_page":1000,"count":0,"total_count":0}}')
    sim.fault("wrong", method="GET", path="/accounts/*/cfd_tunnel", body=empty, count=2)
    since = sim.mark()
    observe(site)
    doubt, = doubts(site)
    assert "none of the 2 tunnels" in doubt["message"]
    assert sim.fetch()[0] == 200
    sim.faults_clear()
    observe(site)
    assert not doubts(site)
    site.wait_converged()
    assert sim.writes(since) == []


def test_a_zone_that_is_no_longer_shown_tells_nothing(site, sim):
    zone = next(z for z in sim.state()["zones"] if z["name"] == "example.net")
    other = ('{"success":true,"errors":[],"messages":[],"result":[' + json.dumps(
        {"id": zone["id"], "name": "example.net", "status": "active", "paused": False,
         "account": {"id": sim.account}}) +
        '],"result_info":{"page":1,"per_page":50,"count":1,"total_count":1}}')
    sim.fault("wrong", method="GET", path="/zones", body=other, count=50)
    since = sim.mark()
    observe(site)
    doubt, = doubts(site)
    assert "zone of app.example.com" in doubt["message"]
    assert not drift(site) and not [r for r in reads(sim, since) if "dns_records" in r["path"]]
    answer = site.api("route_delete", hostname="app.example.com", approve=True, timeout="2s")
    assert not answer["converged"] and sim.records("app.example.com")
    sim.faults_clear()
    observe(site)
    assert not doubts(site)
    until(lambda: not sim.records("app.example.com"), why="the record was not deleted")


# ---- our mark on what is not known ----

def test_a_restored_store_holds_all_writes(site, sim):
    """The store of before is put back: Cloudflare has records that it does not know."""
    site.stop()
    before = {p.name: p.read_bytes() for p in site.state_dir.glob("adit.db*")}
    site.start()
    own_record(site, "later.example.com")
    own_record(site, "later.example.net")  # a zone of which the old store knows nothing
    site.stop()
    for p in site.state_dir.glob("adit.db*"):
        p.unlink()
    for name, data in before.items():
        (site.state_dir / name).write_bytes(data)
    site.start()
    since = sim.mark()
    held = until(lambda: site.status()["writes"] != "on" and site.status()["writes"],
                 why="writes are not held")
    assert "2 records" in held and "later.example.com" in held and "later.example.net" in held
    e = site.refused("tunnel_create", name="web")
    assert e.kind == "conflict" and "resume" in e.hint
    assert sim.fetch()[0] == 200 and sim.writes(since) == []
    assert site.api("writes_resume") == {"writes": "on", "changed": True}
    site.restart()
    observe(site)
    assert site.status()["writes"] == "on"  # they hold nothing again
    assert site.api("tunnel_create", name="web")["converged"]
    assert len(sim.records("later.example.com")) == 1


def test_a_copied_mark_holds_writes_until_it_is_gone(site, sim):
    status = site.status()
    copy = sim.edit("POST", ZONE, {"type": "A", "name": "copy.example.com",
                                   "content": "192.0.2.9",
                                   "comment": f"adit:{status['owner']}/{status['install']}"})
    observe(site)
    assert "copy.example.com" in site.status()["writes"]
    sim.edit("DELETE", f"{ZONE}/{copy['id']}")
    observe(site)
    site.wait_converged()
    assert site.status()["writes"] == "on"


def test_the_mark_of_another_host_holds_nothing(site, sim):
    sim.edit("POST", ZONE, {"type": "A", "name": "copy.example.com", "content": "192.0.2.9",
                            "comment": "adit:edge1/00000000"})
    observe(site)
    assert site.status()["writes"] == "on"


def test_deleting_and_making_again_is_no_reason_to_hold(site, sim):
    for _ in range(3):
        own_record(site, "mail.example.com")
        site.api("dns_delete", name="mail.example.com", type="A", approve=True)
        observe(site)
        assert site.status()["writes"] == "on"


# ---- repair ----

def passes(host):
    """Repair waits for the second complete observation."""
    observe(host)
    observe(host)


def test_an_edited_record_is_put_back_where_that_is_wanted(site, sim):
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    own_record(site, "mail.example.com")
    own_record(site, "left.example.com", drift="report")
    passes(site)
    for name in ("mail.example.com", "left.example.com"):
        sim.edit("PATCH", path_of(sim, name), {"content": "192.0.2.66"})
    since = sim.mark()
    observe(site)
    until(lambda: sim.records("mail.example.com")[0]["content"] == "192.0.2.1",
          why="it was not put back")
    until(lambda: not drift(site, name="mail.example.com"))
    assert sim.records("left.example.com")[0]["content"] == "192.0.2.66"
    assert len(sim.writes(since)) == 1
    plan = next(p for p in site.items("plan_list") if p["operation"] == "drift_repair")
    assert plan["state"] == "applied" and plan["principal"] == "adit"
    detail = site.api("plan_get", plan=plan["plan"])
    assert [(c["sign"], c["name"]) for c in detail["changes"]] == [("~", "mail.example.com")]
    assert any(e["kind"] == "drift_repaired" for e in site.items("event_list"))
    rows = site.tables()["ledger"]
    intent = next(r for r in rows if r["operation"] == "drift_repair")
    assert intent["principal"] == "adit"
    assert intent["seq"] < next(r["seq"] for r in rows if r["operation"].startswith("PATCH"))


def test_many_are_put_back_by_one_request_without_another_look(site, sim):
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    names = [f"n{i}.example.com" for i in range(9)] + ["app.example.com"]
    for name in names[:-1]:
        own_record(site, name)
    passes(site)
    right = {name: sim.records(name)[0]["content"] for name in names}
    for name in names:
        sim.edit("PATCH", path_of(sim, name), {
            "content": "elsewhere.example.org" if name.startswith("app") else "192.0.2.66"})
    since = sim.mark()
    observe(site)
    until(lambda: {n: sim.records(n)[0]["content"] for n in names} == right,
          why="they were not put back")
    calls = [f"{r['method']} {r['family']}" for r in sim.log(since) if "dns_records" in r["path"]]
    assert calls == ["GET /zones/{zone}/dns_records", "POST /zones/{zone}/dns_records/batch"]
    until(lambda: not drift(site))
    site.wait_converged()
    assert [p["operation"] for p in site.items("plan_list")].count("drift_repair") == 1
    # A later look without a change asks for each list and the audit log once, and writes nothing.
    since = sim.mark()
    observe(site)
    lists = [r["family"] for r in sim.log(since) if not r["path"].endswith("/configurations")]
    assert sorted(lists) == ["/accounts/{account}/cfd_tunnel", "/accounts/{account}/logs/audit",
                             "/zones", "/zones/{zone}/dns_records"], lists
    assert sim.writes(since) == []


def test_nothing_is_put_back_before_the_second_look(site, sim):
    own_record(site, "mail.example.com", drift="repair")
    site.stop()
    sim.edit("PATCH", path_of(sim, "mail.example.com"), {"content": "192.0.2.66"})
    since = sim.mark()
    site.start()
    until(lambda: drift(site, name="mail.example.com"), why="it was not seen")
    assert sim.writes(since) == []
    observe(site)
    until(lambda: sim.records("mail.example.com")[0]["content"] == "192.0.2.1",
          why="it was not put back")


def test_deletions_and_exposure_are_never_put_back_unasked(site, sim):
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    own_record(site, "mail.example.com")
    own_record(site, "open.example.com")
    passes(site)
    app, = sim.records("app.example.com")
    sim.edit("DELETE", path_of(sim, "mail.example.com"))
    sim.edit("PATCH", f"{ZONE}/{app['id']}", {"proxied": False})
    sim.edit("PATCH", path_of(sim, "open.example.com"), {"proxied": True})
    since = sim.mark()
    passes(site)
    passes(site)
    rows = {r["name"]: r for r in drift(site)}
    assert "deleted" in rows["mail.example.com"]["why_not"]
    assert "publish" in rows["app.example.com"]["why_not"]
    assert "protection" in rows["open.example.com"]["why_not"]
    assert not any(r["repair"] for r in rows.values()) and sim.writes(since) == []
    for name in rows:
        site.wait_problem(object="record", name=name)
    # Asked for, with approval, all of it is.
    plan = site.api("plan_create", drift=True, reason="as it was")
    assert plan["state"] == "needs_approval" and len(plan["approvals"]) == 3, plan
    assert sim.writes(since) == []
    done = site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert done["converged"], done
    assert sim.records("app.example.com")[0]["proxied"]
    assert not sim.records("open.example.com")[0]["proxied"]
    assert sim.records("mail.example.com")[0]["content"] == "192.0.2.1"
    observe(site)
    site.wait_converged()
    assert drift(site) == []


def test_who_undoes_it_again_and_again_is_not_fought(site, sim):
    own_record(site, "mail.example.com", drift="repair")
    passes(site)
    for _ in range(3):
        sim.edit("PATCH", path_of(sim, "mail.example.com"), {"content": "192.0.2.66"})
        observe(site)
        until(lambda: sim.records("mail.example.com")[0]["content"] == "192.0.2.1",
              why="it was not put back")
        until(lambda: not drift(site))
    sim.edit("PATCH", path_of(sim, "mail.example.com"), {"content": "192.0.2.66"})
    since = sim.mark()
    passes(site)
    problem = site.wait_problem(object="record", name="mail.example.com")
    assert "again and again" in problem["message"]
    assert "again and again" in drift(site)[0]["why_not"] and sim.writes(since) == []
    assert any(e["kind"] == "drift_fought" for e in site.items("event_list"))


def test_too_much_at_once_is_not_put_back_unasked(site, sim):
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    for i in range(11):
        own_record(site, f"n{i}.example.com")
    passes(site)
    for i in range(11):
        sim.edit("PATCH", path_of(sim, f"n{i}.example.com"), {"content": "192.0.2.66"})
    since = sim.mark()
    passes(site)
    notice, = doubts(site)
    assert notice["name"] == "drift" and "11 objects" in notice["message"]
    assert "plan create --drift" in notice["hint"] and sim.writes(since) == []
    one = site.api("plan_create", drift=True, object="n0.example.com")
    assert site.api("plan_apply", plan=one["plan"])["converged"]
    assert sim.records("n0.example.com")[0]["content"] == "192.0.2.1"
    # Ten are few: the others follow by themselves.
    observe(site)
    until(lambda: {r["content"] for r in sim.records() if r["type"] == "A"} == {"192.0.2.1"},
          why="the others were not put back")
    until(lambda: not doubts(site))


def test_a_mark_that_was_taken_away_comes_back_by_a_plan(site, sim):
    own_record(site, "mail.example.com")
    sim.edit("PATCH", path_of(sim, "mail.example.com"), {"comment": "mine"})
    observe(site)
    row, = drift(site, name="mail.example.com")
    assert row["kind"] == "unmarked" and row["untrusted_seen"] == "mine"
    plan = site.api("plan_create", drift=True, object="mail.example.com")
    assert plan["state"] == "needs_approval" and "mark" in plan["approvals"][0]
    assert site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])["converged"]
    assert sim.records("mail.example.com")[0]["comment"].startswith("adit:edge1/")


def test_a_deleted_tunnel_is_made_again_by_a_plan(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{tunnel}/connections")
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{tunnel}")
    observe(site)
    row, = drift(site, object="tunnel")
    assert row["kind"] == "gone"
    plan = site.api("plan_create", drift=True)
    assert plan["state"] == "needs_approval", plan
    done = site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert done["converged"], done
    assert sim.tunnels()[0]["id"] != tunnel
    site.wait_converged()
    assert sim.fetch()[0] == 200


def test_plan_create_takes_one_source(site):
    for args in ({}, {"drift": True, "revision": 1}, {"revision": 1, "object": "x"},
                 {"object": "x"}):
        assert site.refused("plan_create", **args).kind == "invalid", args
    assert site.refused("plan_create", drift=True, object="x.example.com").kind == "not_found"
    assert site.api("plan_create", drift=True)["state"] == "unchanged"


# ---- another token ----

def other_token(site, sim, value, **seed):
    sim.control("POST", "seed", {"tokens": [{"value": value, **seed}]})
    site.write_token(value)
    site.reload()


def test_a_token_for_another_zone_tells_nothing_about_this_one(site, sim):
    own_record(site, "mail.example.com")
    since = sim.mark()
    other_token(site, sim, "narrow-narrow-narrow-1", zones=["example.net"])
    observe(site)
    assert len(doubts(site)) >= 1 and not drift(site)
    answer = site.api("dns_delete", name="mail.example.com", type="A", approve=True, timeout="2s")
    assert not answer["converged"]
    assert sim.writes(since) == [] and len(sim.records("mail.example.com")) == 1
    site.restart()
    observe(site)
    assert sim.writes(since) == [] and sim.fetch()[0] == 200
    # With the old one all of it goes on.
    site.write_token(sim.token)
    site.reload()
    observe(site)
    assert not doubts(site)
    until(lambda: not sim.records("mail.example.com"), why="the record was not deleted")


def test_another_token_that_shows_none_of_one_is_doubted(site, sim):
    """The same listing by the old token would be looked into; by this one it may be the token."""
    empty = ('{"success":true,"errors":[],"messages":[],"result":[],"result_info":'
             '{"page":1,"per_page":1000,"count":0,"total_count":0}}')
    since = sim.mark()
    sim.fault("wrong", method="GET", path="/accounts/*/cfd_tunnel", body=empty, count=50)
    other_token(site, sim, "other-other-other-0001")
    observe(site)
    doubt, = [p for p in doubts(site) if p["name"] == "tunnels"]
    assert "another API token" in doubt["message"]
    assert not [r for r in reads(sim, since)
                if "/cfd_tunnel/" in r["path"] and r["path"].count("/") == 4]
    sim.faults_clear()
    observe(site)
    site.wait_converged()
    assert sim.writes(since) == [] and sim.fetch()[0] == 200


def test_a_look_makes_few_calls(site, sim):
    for i in range(6):
        own_record(site, f"n{i}.example.com")
    passes(site)
    since = sim.mark()
    observe(site)
    paths = [r["path"].rsplit("/", 1)[-1] for r in reads(sim, since)]
    assert sorted(p for p in paths if p != "configurations") == [
        "audit", "cfd_tunnel", "dns_records", "zones"], paths
    status = site.status()
    assert status["drift"]["interval_s"] == 60
    site.configure(cloudflare={"budget": "100/5m"})
    site.reload()
    until(lambda: site.status()["drift"]["interval_s"] > 100,  # 3 of 8 calls in five minutes
          why="the interval stayed")


# ---- rules ----

def edit_rules(sim, change):
    """Somebody edits the configuration of the tunnel at the dashboard."""
    tunnel = sim.tunnels()[0]["id"]
    config = sim.config(tunnel)
    change(config["ingress"])
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})


def rule(sim, name="app.example.com"):
    rules = [r for r in sim.config(sim.tunnels()[0]["id"])["ingress"] if r.get("hostname") == name]
    return rules[0] if rules else None


def seen_rule(site, **fit):
    observe(site)
    return until(lambda: drift(site, object="route", **fit), why="the rule was not looked at")[0]


def test_an_edited_rule_is_told_or_put_back(site, sim):
    edit_rules(sim, lambda rules: rules[0].update(service="http://127.0.0.1:9"))
    row = seen_rule(site)
    assert (row["kind"], row["field"], row["untrusted_seen"]) == (
        "edited", "service", "http://127.0.0.1:9")
    site.wait_problem(object="route", name="app.example.com")
    since = sim.mark()
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    passes(site)
    until(lambda: rule(sim)["service"] == site.origin.url, why="it was not put back")
    site.wait_converged()
    assert sum(w.startswith("PUT") for w in sim.writes(since)) == 1


def test_a_removed_rule_is_only_put_back_by_a_plan(site, sim):
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    passes(site)
    edit_rules(sim, lambda rules: rules.pop(0))
    since = sim.mark()
    row = seen_rule(site, kind="removed")
    assert "publish" in row["why_not"]
    passes(site)
    assert rule(sim) is None and sim.writes(since) == []
    plan = site.api("plan_create", drift=True, object="app.example.com")
    assert plan["state"] == "needs_approval", plan
    assert site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])["converged"]
    assert rule(sim)["service"] == site.origin.url


def test_a_closed_rule_is_not_opened_unasked(site, sim):
    site.configure(reconcile={"drift": "repair"})
    site.reload()
    passes(site)
    edit_rules(sim, lambda rules: rules[0].update(service="http_status:503"))
    row = seen_rule(site, kind="edited")
    assert "publish" in row["why_not"]
    passes(site)
    assert rule(sim)["service"] == "http_status:503"


def test_an_ignored_rule_is_left(site, sim):
    site.publish("app.example.com", site.origin.url, drift="ignore")
    site.wait_converged()
    edit_rules(sim, lambda rules: rules[0].update(service="http://127.0.0.1:9"))
    since = sim.mark()
    passes(site)
    site.wait_converged()
    assert drift(site) == [] and sim.writes(since) == []
