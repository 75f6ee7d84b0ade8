"""Invariant 7: a record moves to another tunnel only when that one runs what serves its name."""
import time

from harness import FAST_STUB, LEAVING, PATIENCE, Visitor, until


def place(rows, method, end):
    """Where in the log the first row of this method and end of path stands."""
    return next(i for i, r in enumerate(rows) if r["method"] == method and r["path"].endswith(end))


def rules(sim, tunnel):
    return len(sim.config(tunnel)["ingress"])


def wait_left(sim, tunnel):
    """The rule of a name that moved away goes at last."""
    until(lambda: rules(sim, tunnel) == 1, LEAVING + PATIENCE, why="the old tunnel kept the rule")


def move(site, sim, **how):
    """app.example.com goes from edge1 to web; the ids of both tunnels."""
    assert site.api("tunnel_create", name="web")["converged"]
    answer = site.publish("app.example.com", site.origin.url, tunnel="web", approve=True, **how)
    assert answer["state"] == "applied" and answer["converged"], answer
    return sim.tunnels("edge1")[0]["id"], sim.tunnels("web")[0]["id"]


def test_invariant_7_the_edge_may_learn_of_a_record_late(site, sim):
    """Cloudflare confirms a record before its whole edge knows it: the old rule stays meanwhile."""
    sim.edge(record_lag_ms=LEAVING * 500)
    with Visitor(sim):  # not one request fails
        old, web = move(site, sim)
        moved = time.monotonic()
        route, = site.items("route_list")
        assert route["state"] == "live" and route["old_tunnel"] == "edge1", route
        assert route["old_until"] == site.status()["routes"][0]["old_until"]
        code, out, _ = site.adit("route", "list")
        assert code == 0 and "LEAVES" in out and "edge1" in out
        shown = site.adit("plan", "get", site.items("plan_list")[0]["plan"])[1]
        assert f"from tunnel edge1 to web, the old rule stays {LEAVING} s more" in shown, shown
        until(lambda: rules(sim, old) == 1, LEAVING + PATIENCE, why="the old tunnel kept the rule")
        assert time.monotonic() - moved > LEAVING - 2
    assert sim.edge_status()["failures"] == 0
    assert "old_tunnel" not in site.items("route_list")[0] and rules(sim, web) == 2


def test_invariant_7_a_restart_counts_anew(site, sim):
    old, _ = move(site, sim)
    site.kill9()
    site.start()
    started = time.monotonic()
    assert rules(sim, old) == 2
    assert site.items("route_list")[0]["old_tunnel"] == "edge1"
    wait_left(sim, old)
    assert time.monotonic() - started > LEAVING - 4


def test_invariant_7_a_name_that_moves_back_at_once(site, sim):
    with Visitor(sim):
        old, web = move(site, sim)
        answer = site.publish("app.example.com", site.origin.url, tunnel="edge1", approve=True)
        assert answer["converged"], answer
        assert sim.records()[0]["content"] == old + ".cfargotunnel.com"
        assert rules(sim, web) == 2 and rules(sim, old) == 2
        wait_left(sim, web)
    assert rules(sim, old) == 2


def test_invariant_7_a_name_that_is_deleted_meanwhile_is_gone_at_once(site, sim):
    site.publish("b.example.com", site.origin.url)
    old, web = move(site, sim)
    site.mode("never_ready 1\n")
    site.api("tunnel_create", name="third", timeout="1s")
    site.publish("b.example.com", site.origin.url, tunnel="third", approve=True, wait=False)
    assert site.api("route_delete", hostname="app.example.com", approve=True)["converged"]
    until(lambda: rules(sim, old) == 2 and rules(sim, web) == 1, LEAVING / 2,
          why="a deleted name was still served")
    assert sim.fetch(host="b.example.com")[0] == 200


def test_invariant_7_the_old_tunnel_may_be_deleted_with_the_move(site, sim):
    """Its connectors serve until the name has moved, and go after that."""
    site.api("manifest_apply", name="site", text=f"""
tunnels:
- name: old
  routes: [{{hostname: c.example.com, service: {site.origin.url}}}]
""")
    until(lambda: sim.fetch(host="c.example.com")[0] == 200)
    old = sim.tunnels("old")[0]["id"]
    sim.edge(record_lag_ms=3000)
    bad, since = [], sim.mark()
    answer = site.api("manifest_apply", name="site", prune=True, approve=True, wait=False, text=f"""
tunnels:
- name: new
  routes: [{{hostname: c.example.com, service: {site.origin.url}}}]
""")
    assert answer["state"] == "applied", answer

    def is_gone():
        status = sim.fetch(host="c.example.com")[0]
        if status != 200:
            bad.append(status)
        return not sim.tunnels("old")

    until(is_gone, LEAVING + 2 * PATIENCE, why="the old tunnel was not deleted")
    assert not bad, bad
    rows = sim.log(since)
    record, = sim.records("c.example.com")
    assert place(rows, "PATCH", record["id"]) < place(rows, "DELETE", old)


def test_invariant_7_a_refused_put_does_not_leave_the_old_rule_for_good(site, sim):
    old, _ = move(site, sim)
    sim.fault("error", status=403, code=10000, message="Authentication error", method="PUT",
              path=f"*{old}/configurations", count=1)
    sim.wait_struck(seconds=LEAVING + PATIENCE)
    until(lambda: rules(sim, old) == 1, 2 * PATIENCE, why="the old tunnel kept the rule")


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
    wait_left(sim, old)


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
    wait_left(sim, old)
