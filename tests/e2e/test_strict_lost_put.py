"""A PUT of a configuration whose answer never came: what it carried is ours, whether it landed, lands
later or never does."""
import pytest

from harness import SETTLE, until

CONFIG = "*/configurations"
RULES = [{"service": "http_status:404"}]


def hosts(sim):
    return [r.get("hostname") for r in sim.config(sim.tunnels()[0]["id"])["ingress"]]


def test_strict_unpublished_while_its_first_put_is_on_its_way(running, sim, origin):
    """Converged is said when the rule is gone, not while the PUT with it still has no answer."""
    sim.fault("delay", method="PUT", path=CONFIG, ms=1500)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    answer = running.api("route_delete", hostname="app.example.com", approve=True)
    assert answer["converged"] is True and hosts(sim) == [None], (answer, hosts(sim))


@pytest.mark.parametrize("do, more", [("lose", {}), ("cut", {"bytes": 20}), ("wrong", {})])
def test_strict_a_route_unpublished_while_its_put_has_no_answer(running, sim, origin, do, more):
    sim.fault(do, method="PUT", path=CONFIG, **more)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    running.api("route_delete", hostname="app.example.com", approve=True, wait=False)
    until(lambda: sim.config(sim.tunnels()[0]["id"])["ingress"] == RULES and
          all(t["converged"] for t in running.status()["tunnels"]))
    assert sim.records() == [] and running.status()["problems"] == []


def test_strict_the_same_after_kill_9(running, sim, origin):
    sim.fault("lose", method="PUT", path=CONFIG)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    running.kill9()
    assert hosts(sim) == ["app.example.com", None]
    # It is unpublished before the new daemon can see what stands there.
    sim.fault("raw", status=503, body="no", method="GET", path=CONFIG, count=0)
    running.start(observed=False)
    running.api("route_delete", hostname="app.example.com", approve=True, wait=False)
    sim.faults_clear()
    until(lambda: hosts(sim) == [None] and
          all(t["converged"] for t in running.status()["tunnels"]), SETTLE + 20)
    assert running.status()["problems"] == []


@pytest.mark.waits
def test_strict_an_old_put_that_lands_late_is_overwritten(site, sim):
    """It takes a newer one's rule away, which is seen when nothing can land any more."""
    sim.fault("late", method="PUT", path=CONFIG, ms=6000)
    site.publish("b.example.com", site.origin.url, wait=False)
    sim.wait_struck()
    answer = site.publish("c.example.com", site.origin.url, timeout="3s")
    # While one may still land, nothing is called true.
    assert not answer["converged"] and "may still take effect" in answer["waiting_for"], answer
    until(lambda: "c.example.com" in hosts(sim))
    until(lambda: "c.example.com" not in hosts(sim), 15, every=0.2, why="the late PUT did not land")
    until(lambda: sorted(h for h in hosts(sim) if h) ==
          ["app.example.com", "b.example.com", "c.example.com"], SETTLE + 20, every=0.3)
    site.wait_converged()


@pytest.mark.waits
def test_strict_an_old_put_is_remembered_over_a_restart(site, sim):
    """What was sent before the kill lands when everything looked settled again."""
    sim.fault("late", method="PUT", path=CONFIG, ms=8000)
    site.publish("b.example.com", site.origin.url, wait=False)
    sim.wait_struck()
    site.kill9()
    site.start(observed=False)
    site.publish("c.example.com", site.origin.url, wait=False)
    until(lambda: "c.example.com" in hosts(sim), why="c was not put")
    site.kill9()
    site.start(observed=False)
    until(lambda: "c.example.com" not in hosts(sim), 15, every=0.2, why="the late PUT did not land")
    until(lambda: sorted(h for h in hosts(sim) if h) ==
          ["app.example.com", "b.example.com", "c.example.com"], SETTLE + 20, every=0.3)
    # The audit log may show it at once; nothing is called true before it can no longer land.
    site.wait_converged(SETTLE + 20)
