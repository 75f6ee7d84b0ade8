"""A route that cannot come true is no reason for another one's call to wait."""


def test_strict_a_refused_zone_does_not_hold_up_the_others(running, sim, origin):
    zone, = [z["id"] for z in sim.state()["zones"] if z["name"] == "example.net"]
    sim.fault("error", status=403, code=9109, message="Unauthorized to access requested resource",
              path=f"/zones/{zone}/dns_records", count=0)
    first = running.publish("b.example.net", origin.url, timeout="10s")
    assert first["converged"] is False and first["problems"][0]["kind"] == "denied", first
    answer = running.publish("app.example.com", origin.url, timeout="20s")
    assert answer["converged"] is True and answer["problems"] == [], answer
    # What is not as wanted is told all the same.
    assert running.problems(object="record", name="b.example.net")
    assert running.status()["state"] == "degraded"
