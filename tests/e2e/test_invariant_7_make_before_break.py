"""Invariant 7: a record moves to another tunnel only when that one runs what serves its name."""
from harness import FAST_STUB, Visitor, until


def place(rows, method, end):
    """Where in the log the first row of this method and end of path stands."""
    return next(i for i, r in enumerate(rows) if r["method"] == method and r["path"].endswith(end))


def test_invariant_7_the_record_moves_after_the_configuration(site, sim):
    assert site.api("tunnel_create", name="web")["converged"]
    web, old = sim.tunnels("web")[0]["id"], sim.tunnels("edge1")[0]["id"]
    since = sim.mark()
    with Visitor(sim):  # not one request fails meanwhile
        answer = site.publish("app.example.com", site.origin.url, tunnel="web", approve=True)
        assert answer["state"] == "applied" and answer["converged"], answer
        site.wait_converged()
    record, = sim.records()
    assert record["content"] == web + ".cfargotunnel.com"
    rows = sim.log(since)
    assert place(rows, "PUT", f"{web}/configurations") < place(rows, "PATCH", record["id"])
    until(lambda: sim.fetch()[0] == 200)
    until(lambda: len(sim.config(old)["ingress"]) == 1, why="the old tunnel kept the rule")


def test_invariant_7_the_record_does_not_move_to_a_tunnel_that_does_not_serve(site, sim):
    site.mode("never_ready 1\n")
    site.api("tunnel_create", name="web", timeout="1s")
    record, since = sim.records(), sim.mark()
    answer = site.publish("app.example.com", site.origin.url, tunnel="web", approve=True,
                          timeout="4s")
    assert answer["state"] == "applied" and answer["converged"] is False, answer
    assert "web" in answer["waiting_for"]
    assert not [w for w in sim.writes(since) if w.startswith("PATCH")]
    assert sim.records() == record
    assert sim.fetch()[0] == 200  # the old tunnel still serves it


def test_invariant_7_an_edit_of_the_rule_that_is_kept_stays(site, sim):
    """While the name has not moved, the old tunnel keeps its rule as it stands there."""
    site.mode("never_ready 1\n")
    site.api("tunnel_create", name="web", timeout="1s")
    old = sim.tunnels("edge1")[0]["id"]
    site.publish("app.example.com", site.origin.url, tunnel="web", approve=True, wait=False)
    web = sim.tunnels("web")[0]["id"]
    until(lambda: len((sim.config(web) or {"ingress": []})["ingress"]) == 2,
          why="no rule on the new one")
    config = sim.config(old)
    config["ingress"][0]["service"] = "http_status:418"
    sim.edit("PUT", f"/accounts/@account/cfd_tunnel/{old}/configurations", {"config": config})
    site.publish("b.example.com", site.origin.url, tunnel="edge1", wait=False)
    rules = until(lambda: (lambda r: len(r) == 3 and r)(sim.config(old)["ingress"]),
                  why="the other name was not put")
    assert {r.get("hostname"): r["service"] for r in rules}["app.example.com"] == "http_status:418"


def test_invariant_7_replicas_are_restarted_one_by_one(running, sim, origin):
    running.api("tunnel_create", name="edge1", replicas=2)
    running.publish("app.example.com", origin.url)
    running.wait_converged()
    until(lambda: sim.edge_status()["connections"] == 8)
    with Visitor(sim):
        for name in ("edge1/1", "edge1/2"):
            assert running.api("connector_restart", connector=name)["converged"]
            running.wait_converged()
            until(lambda: sim.edge_status()["connections"] == 8)


def test_invariant_7_a_restart_in_the_middle_keeps_the_old_way(site, sim):
    site.mode("never_ready 1\n")
    site.api("tunnel_create", name="web", timeout="1s")
    site.publish("app.example.com", site.origin.url, tunnel="web", approve=True, wait=False)
    web, old = sim.tunnels("web")[0]["id"], sim.tunnels("edge1")[0]["id"]
    until(lambda: len((sim.config(web) or {"ingress": []})["ingress"]) == 2,
          why="no rule on the new one")
    site.kill9()
    site.start()
    assert len(sim.config(old)["ingress"]) == 2 and sim.fetch()[0] == 200
    # It comes up at last: the name moves, and then the old rule goes.
    site.mode(FAST_STUB)
    with Visitor(sim):
        site.api("connector_restart", connector="web/1", timeout="20s")
        until(lambda: sim.records()[0]["content"] == web + ".cfargotunnel.com",
              why="the record did not move")
    until(lambda: len(sim.config(old)["ingress"]) == 1, why="the old tunnel kept the rule")
