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
