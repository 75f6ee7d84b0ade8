"""Invariant 1 and 4: what is not ours is neither deleted nor overwritten nor shadowed, and what
stands in a shared document comes back byte for byte."""
import json

import pytest

from harness import until

FOREIGN = ('{"ingress":[{"hostname":"theirs.example.com","service":"http://10.0.0.1:80",'
           '"originRequest":{"connectTimeout":30,"x-unknown":1.50,"big":12345678901234567890}},'
           '{"service":"http_status:404"}],"warp-routing":{"enabled":true},'
           '"future":{"a":[1.0,2e3,"\\u00e4"]}}')


def add_record(sim, kind, name, content, **more):
    return sim.edit("POST", "/zones/@example.com/dns_records",
                    {"type": kind, "name": name, "content": content, **more})


@pytest.mark.parametrize("kind, content", [
    ("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("CNAME", "elsewhere.example.org")])
def test_invariant_1_a_foreign_record_is_refused_and_stays(running, sim, origin, kind, content):
    theirs = add_record(sim, kind, "app", content, comment="by hand")
    since = sim.mark()
    e = running.refused("route_set", hostname="app.example.com", service=origin.url)
    assert e.kind == "conflict" and "app.example.com" in e.message and kind in e.message
    assert e.hint
    assert sim.writes(since) == [] and sim.records() == [theirs]
    assert running.items("route_list") == [] and running.items("tunnel_list") == []


def test_invariant_1_a_record_that_came_meanwhile_stays(running, sim, origin):
    """The look beforehand saw nothing; the look right before the write does."""
    sim.fault("delay", method="PUT", path="*configurations", ms=1500)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    theirs = add_record(sim, "A", "app", "192.0.2.1")
    problem = running.wait_problem(object="record", name="app.example.com")
    assert problem["kind"] == "conflict" and problem["hint"]
    assert sim.records() == [theirs] and running.status()["state"] == "degraded"
    # Out of the way, it goes on by itself when asked to look again.
    sim.edit("DELETE", "/zones/@example.com/dns_records/" + theirs["id"])
    running.reload()
    running.wait_converged()
    assert sim.records()[0]["type"] == "CNAME"


def test_invariant_1_a_foreign_tunnel_of_the_name_is_refused(running, sim, origin):
    theirs = sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "edge1"})
    since = sim.mark()
    for op, args in (("route_set", {"hostname": "app.example.com", "service": origin.url}),
                     ("tunnel_create", {"name": "edge1"})):
        e = running.refused(op, **args)
        assert e.kind == "conflict" and '"edge1"' in e.message and e.hint
    assert sim.writes(since) == [] and [t["id"] for t in sim.tunnels()] == [theirs["id"]]
    assert running.connector_pids() == []


def test_invariant_1_a_tunnel_that_came_meanwhile_is_not_taken(running, sim, origin):
    """Between the look beforehand and the POST somebody makes one of that name."""
    # The reconciler's own look-up is the second one.
    sim.fault("delay", method="GET", path="/accounts/*/cfd_tunnel", nth=2, ms=1500)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    theirs = sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "edge1"})
    # The POST is refused first; the look that follows tells whose it is.
    until(lambda: any("is not adit's" in p["message"] and p["hint"]
                      for p in running.problems(object="tunnel", name="edge1", kind="conflict")))
    assert [t["id"] for t in sim.tunnels()] == [theirs["id"]]
    assert sim.records() == [] and running.connector_pids() == []
    assert sim.control("GET", "counters")["foreign_writes"] == 0


def test_invariant_4_foreign_rules_and_members_come_back_byte_for_byte(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    ours = json.dumps({"hostname": "app.example.com", "service": site.origin.url})
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations",
             '{"config":' + FOREIGN.replace('{"ingress":[', '{"ingress":[' + ours + ",", 1) + "}")
    assert site.publish("b.example.com", site.origin.url)["converged"]
    text = sim.config_text(tunnel)
    theirs = FOREIGN[FOREIGN.index('{"hostname"'):FOREIGN.index(',{"service"')]
    assert theirs in text, "a foreign rule was rewritten"
    assert '"warp-routing":{"enabled":true}' in text
    assert '"future":{"a":[1.0,2e3,"\\u00e4"]}' in text
    hosts = [r.get("hostname") for r in json.loads(text)["ingress"]]
    assert sorted(hosts[:-1]) == ["app.example.com", "b.example.com", "theirs.example.com"]
    assert hosts[-1] is None
    # Taking ours away leaves theirs as it was.
    assert site.api("route_delete", hostname="b.example.com", approve=True)["converged"]
    text = sim.config_text(tunnel)
    assert theirs in text and '"future":{"a":[1.0,2e3,"\\u00e4"]}' in text


def test_invariant_4_no_put_for_no_change(site, sim):
    tunnel = sim.tunnels()[0]
    since = sim.mark()
    site.publish("app.example.com", site.origin.url)
    site.reload()
    site.restart()
    site.wait_converged()
    assert sim.writes(since) == []
    assert sim.tunnels()[0]["version"] == tunnel["version"]


def test_invariant_4_a_foreign_rule_for_our_name_takes_a_person(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    config = sim.config(tunnel)
    config["ingress"].insert(0, {"hostname": "b.example.com", "service": "http://10.0.0.1:80"})
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})
    text, since = sim.config_text(tunnel), sim.mark()
    answer = site.publish("b.example.com", site.origin.url)
    assert answer["state"] == "needs_approval" and answer["converged"] is False, answer
    assert answer["approvals"][0].startswith("Replaces rule 1 (b.example.com)"), answer
    assert sim.config_text(tunnel) == text and sim.writes(since) == []


def test_invariant_4_a_race_with_another_writer_is_told(site, sim):
    """The API has no compare-and-swap: a version that skipped one is a problem on the tunnel, and
    both documents are kept."""
    tunnel = sim.tunnels()[0]["id"]
    # Read, and on its way; somebody writes before it lands. The caller still gets its answer.
    sim.fault("late", method="PUT", path="*configurations", ms=1200, hold=True)
    site.publish("b.example.com", site.origin.url, wait=False)
    sim.wait_struck()
    config = sim.config(tunnel)
    config["warp-routing"] = {"enabled": True}
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})
    until(lambda: "b.example.com" in sim.config_text(tunnel))
    # The answer never came, so it is read back: what is there holds ours.
    assert "warp-routing" not in sim.config_text(tunnel)


def test_invariant_4_a_version_that_skipped_one_is_a_problem(site, sim):
    tunnel = sim.tunnels()[0]["id"]
    read = sim.config_text(tunnel)
    # The read is answered late: what it says is no longer true when the PUT leaves. The plan's own
    # look meets the first one.
    sim.fault("delay", method="GET", path="*configurations", ms=1000)
    sim.fault("delay", method="GET", path="*configurations", ms=1000)
    site.publish("b.example.com", site.origin.url, wait=False)
    sim.wait_struck(2)
    config = json.loads(read)
    config["warp-routing"] = {"enabled": True}
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})
    problem = site.wait_problem(object="tunnel", name="edge1", kind="conflict")
    assert "somebody else" in problem["message"] and problem["hint"]
    assert "config_raced" in {e["kind"] for e in site.items("event_list")}
    kept, = [r["value"] for r in site.tables()["meta"] if r["key"].startswith("race:")]
    kept = json.loads(kept)
    assert kept["read"] == json.loads(read) and "b.example.com" in json.dumps(kept["put"])
    row, = site.items("drift_list", tunnel="edge1")
    assert (row["kind"], row["name"], row["repair"]) == ("race", "edge1", False), row
    assert "b.example.com" in row["untrusted_put"] and row["since"], row
    assert site.status()["state"] == "degraded"
    # The next write has a look, and the problem is over.
    assert site.publish("c.example.com", site.origin.url)["converged"]
    site.wait_converged()


def race_of_a_put_without_answer(site, sim, do, **more):
    """Somebody writes between adit's GET and a PUT whose answer is lost. The GET is answered late."""
    tunnel = sim.tunnels()[0]["id"]
    read = sim.config_text(tunnel)
    sim.fault("delay", method="GET", path="*configurations", ms=1000)
    # The plan's own look meets the first one.
    sim.fault("delay", method="GET", path="*configurations", ms=1000)
    sim.fault(do, method="PUT", path="*configurations", **more)
    site.publish("b.example.com", site.origin.url, wait=False)
    sim.wait_struck(2)
    config = json.loads(read)
    config["warp-routing"] = {"enabled": True}
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{tunnel}/configurations", {"config": config})
    sim.wait_struck(3)
    return read


def check_race_told(site, read):
    problem = site.wait_problem(object="tunnel", name="edge1", kind="conflict")
    assert "somebody else" in problem["message"] and problem["hint"]
    raced = [e for e in site.items("event_list") if e["kind"] == "config_raced"]
    assert len(raced) == 1, raced
    kept, = [r["value"] for r in site.tables()["meta"] if r["key"].startswith("race:")]
    kept = json.loads(kept)
    assert kept["read"] == json.loads(read) and "b.example.com" in json.dumps(kept["put"])


def test_invariant_4_a_race_is_told_when_the_answer_is_lost(site, sim):
    read = race_of_a_put_without_answer(site, sim, "lose")
    check_race_told(site, read)
    assert not [r for r in site.tables()["meta"] if r["key"].startswith("put:")]
    assert site.publish("c.example.com", site.origin.url)["converged"]


def test_invariant_4_a_race_is_told_after_kill_9(site, sim):
    read = race_of_a_put_without_answer(site, sim, "lose")
    site.kill9()
    site.start()
    check_race_told(site, read)
    assert not [r for r in site.tables()["meta"] if r["key"].startswith("put:")]
    assert site.publish("c.example.com", site.origin.url)["converged"]


def test_invariant_4_a_lost_answer_alone_is_no_race(site, sim):
    sim.fault("lose", method="PUT", path="*configurations")
    site.publish("b.example.com", site.origin.url, wait=False)
    sim.wait_struck()
    site.kill9()
    site.start()
    site.wait_converged()
    assert "config_raced" not in {e["kind"] for e in site.items("event_list")}
    assert not [r for r in site.tables()["meta"] if r["key"].startswith(("race:", "put:"))]


def test_invariant_1_a_record_without_its_mark_is_not_deleted(site, sim):
    record = sim.records()[0]
    sim.edit("PATCH", "/zones/@example.com/dns_records/" + record["id"], {"comment": "mine now"})
    plan = site.api("route_delete", hostname="app.example.com")
    since = sim.mark()
    site.api("plan_approve", plan=plan["plan"], hash=plan["hash"], timeout="3s")
    problem = site.wait_problem(object="record", name="app.example.com")
    assert problem["kind"] == "conflict" and "mark" in problem["message"] and problem["hint"]
    assert [w for w in sim.writes(since) if "dns_records" in w] == []
    assert sim.records()[0]["comment"] == "mine now"
    # The mark put back, it is ours again and goes.
    sim.edit("PATCH", "/zones/@example.com/dns_records/" + record["id"],
             {"comment": record["comment"]})
    site.reload()
    until(lambda: sim.records() == [], why="the record was not deleted")


def test_invariant_12_a_tunnel_that_waits_for_such_a_record_says_so(site, sim):
    record = sim.records()[0]
    sim.edit("PATCH", "/zones/@example.com/dns_records/" + record["id"], {"comment": "mine now"})
    site.api("tunnel_delete", tunnel="edge1", approve=True, timeout="3s")
    problem = site.wait_problem(object="tunnel", name="edge1")
    assert "app.example.com" in problem["message"] and problem["hint"]
    assert sim.tunnels("edge1") and sim.records()[0]["comment"] == "mine now"
    # The mark put back, all of it goes.
    sim.edit("PATCH", "/zones/@example.com/dns_records/" + record["id"],
             {"comment": record["comment"]})
    site.reload()
    until(lambda: sim.records() == [] and sim.tunnels() == [], why="it was not deleted")
    until(lambda: site.items("tunnel_list") == [])


def test_invariant_1_a_removed_mark_is_shown_and_nothing_is_written(site, sim):
    record = sim.records()[0]
    sim.edit("PATCH", "/zones/@example.com/dns_records/" + record["id"], {"comment": ""})
    since = sim.mark()
    site.reload()
    problem = site.wait_problem(object="record", name="app.example.com")
    assert "mark" in problem["message"] and site.status()["state"] == "degraded"
    assert sim.writes(since) == [] and sim.fetch()[0] == 200


def test_invariant_1_another_installs_mark_is_not_ours(running, sim, origin):
    theirs = add_record(sim, "CNAME", "app", "x.example.org", comment="adit:edge1/00000000")
    assert running.refused("route_set", hostname="app.example.com",
                           service=origin.url).kind == "conflict"
    assert sim.records() == [theirs]


def test_invariant_1_a_changed_record_is_reported_and_left(site, sim):
    record = sim.records()[0]
    sim.edit("PATCH", "/zones/@example.com/dns_records/" + record["id"], {"proxied": False})
    since = sim.mark()
    site.reload()
    assert site.wait_problem(object="record")["kind"] == "conflict"
    assert sim.writes(since) == []
