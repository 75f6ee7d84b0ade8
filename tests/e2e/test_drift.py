"""Drift: what somebody else changes at Cloudflare is seen and told, put back where that is allowed,
and never believed from a listing that may lie."""
import json
import sqlite3

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
