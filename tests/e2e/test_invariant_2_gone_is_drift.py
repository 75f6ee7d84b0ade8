"""Invariant 2: absence counts only from a complete listing that knew of the object, and what is gone
is not made again unasked."""
import sqlite3

from harness import until


def test_invariant_2_a_listing_from_before_a_create_proves_nothing(running, sim, origin):
    """The list of tunnels was asked for before ours was made, and is answered after."""
    sim.fault("delay", method="GET", path="/accounts/*/cfd_tunnel", ms=1500)
    running.reload()
    sim.wait_struck()
    answer = running.publish("app.example.com", origin.url)
    assert answer["converged"], answer
    since = sim.mark()
    # It goes on to the records when the tunnels have come.
    until(lambda: any(r["path"].endswith("dns_records") and r["method"] == "GET" and
                      not any(q.startswith("name") for q in r["query"])
                      for r in sim.log()), why="the records were not listed")
    running.wait_converged()
    assert sim.writes(since) == []


def test_invariant_2_a_listing_from_before_a_record_proves_nothing(site, sim):
    sim.fault("delay", method="GET", path="/zones/*/dns_records", ms=1500)
    site.reload()
    sim.wait_struck()
    answer = site.publish("b.example.com", site.origin.url)
    assert answer["converged"], answer
    until(lambda: all(f["done"] for f in sim.control("GET", "faults")))
    site.wait_converged()


def test_invariant_2_a_deleted_record_is_not_made_again(site, sim):
    sim.edit("DELETE", "/zones/@example.com/dns_records/" + sim.records()[0]["id"])
    since = sim.mark()
    site.reload()
    problem = site.wait_problem(object="record", name="app.example.com")
    assert "deleted at Cloudflare" in problem["message"] and problem["hint"]
    site.restart()
    site.wait_problem(object="record", name="app.example.com")
    assert sim.writes(since) == [] and sim.records() == []


def test_invariant_2_a_deleted_tunnel_is_not_made_again(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{tunnel}/connections")
    sim.edit("DELETE", f"/accounts/@account/cfd_tunnel/{tunnel}")
    since = sim.mark()
    site.reload()
    # A read that was under way may meet the absence first, and be told for a moment.
    problem = until(lambda: next((p for p in site.status()["problems"] if p["object"] == "tunnel"
                                  and "deleted at Cloudflare" in p["message"]), None))
    assert problem["name"] == "edge1" and problem["hint"]
    site.restart()
    site.wait_problem(object="tunnel", name="edge1")
    assert sim.writes(since) == [] and sim.tunnels() == []
    # As the hint says: deleted here, it is free to be made anew.
    sim.edit("DELETE", "/zones/@example.com/dns_records/" + sim.records()[0]["id"])
    assert site.api("tunnel_delete", tunnel="edge1", approve=True)["converged"]
    assert site.publish("app.example.com", site.origin.url)["converged"]
    site.wait_converged()


def test_invariant_2_an_incomplete_listing_is_no_absence(site, sim):
    for fault in (dict(do="cut", bytes=40), dict(do="error", status=500),
                  dict(do="wrong", body='{"success":true,"errors":[],"messages":[],"result":[],'
                       '"result_info":{"page":1,"per_page":1000,"count":0,"total_count":1}}')):
        sim.fault(method="GET", path="/accounts/*/cfd_tunnel", **fault)
        site.reload()
        sim.wait_struck()
        assert not site.problems(object="tunnel", kind="not_found"), fault
        sim.faults_clear()
    site.reload()
    site.wait_converged()


def test_invariant_2_a_store_from_another_machine_holds_its_writes(site, sim):
    """A restored or cloned disk: two hosts must not keep the same tunnels."""
    site.stop()
    with sqlite3.connect(site.state_dir / "adit.db") as db:
        db.execute("UPDATE meta SET value = 'another machine' WHERE key = 'machine'")
    db.close()
    site.start()
    since = sim.mark()
    status = site.status()
    assert "another machine" in status["writes"] and status["state"] == "degraded"
    problem = next(p for p in status["problems"] if p["name"] == "writes")
    assert "adit writes resume" in problem["hint"]
    e = site.refused("tunnel_create", name="web")
    assert e.kind == "conflict" and "resume" in e.hint
    assert sim.fetch()[0] == 200 and sim.writes(since) == []
    assert site.api("writes_resume", reason="this is the one") == {"writes": "on", "changed": True}
    assert site.api("tunnel_create", name="web")["converged"]
    site.restart()
    assert site.status()["writes"] == "on"
    assert site.api("writes_resume")["changed"] is False
