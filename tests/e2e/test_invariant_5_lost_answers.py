"""Invariant 5 and 10: answers are lost, late, refused or nonsense; nothing is done twice, and the
caller is told in sentences."""
import time

import pytest

from harness import PATIENCE, SETTLE, until

TUNNELS, RECORDS = "/accounts/*/cfd_tunnel", "/zones/*/dns_records"
CONFIG = "*/configurations"


def check_once(sim):
    tunnel, = sim.tunnels()
    record, = sim.records()
    assert record["content"] == tunnel["id"] + ".cfargotunnel.com"
    assert len(sim.config(tunnel["id"])["ingress"]) == 2
    until(lambda: sim.fetch()[0] == 200)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method, path", [("POST", TUNNELS), ("POST", RECORDS), ("PUT", CONFIG)])
def test_invariant_5_a_lost_answer_is_read_back(running, sim, origin, method, path, reset):
    sim.fault("lose", method=method, path=path, reset=reset)
    since = sim.mark()
    answer = running.publish("app.example.com", origin.url, timeout="60s")
    assert answer["state"] == "applied" and answer["converged"], answer
    check_once(sim)
    assert len([w for w in sim.writes(since) if w.startswith("POST")]) == 2, "a POST was repeated"
    assert running.status()["problems"] == []


@pytest.mark.parametrize("do, more", [("cut", {"bytes": 20}), ("wrong", {}),
                                      ("wrong", {"body": "{"}), ("wrong", {"status": 502}),
                                      ("wrong", {"body": '{"success":true,"result":{}}'})])
@pytest.mark.parametrize("path", [TUNNELS, RECORDS])
def test_invariant_5_an_answer_that_cannot_be_read_is_a_lost_one(running, sim, origin, path, do,
                                                                  more):
    sim.fault(do, method="POST", path=path, **more)
    since = sim.mark()
    answer = running.publish("app.example.com", origin.url, timeout="60s")
    assert answer["converged"], answer
    check_once(sim)
    assert len([w for w in sim.writes(since) if w.startswith("POST")]) == 2


@pytest.mark.parametrize("path", [TUNNELS, RECORDS])
def test_invariant_5_a_late_effect_is_waited_for(running, sim, origin, path):
    sim.fault("late", method="POST", path=path, ms=5000)
    since = sim.mark()
    answer = running.publish("app.example.com", origin.url, timeout="90s")
    assert answer["converged"], answer
    check_once(sim)
    assert len([w for w in sim.writes(since) if w.startswith("POST")]) == 2


@pytest.mark.waits
@pytest.mark.parametrize("path", [TUNNELS, RECORDS])
def test_invariant_5_a_request_that_never_arrived_is_sent_again_after_35_s(running, sim, origin,
                                                                            path):
    sim.fault("drop", method="POST", path=path)
    answer = running.publish("app.example.com", origin.url, timeout=f"{SETTLE + 40}s")
    assert answer["converged"], answer
    check_once(sim)


def test_invariant_5_somebody_elses_tunnel_is_not_claimed_after_a_lost_answer(running, sim,
                                                                               origin):
    """Our POST never arrived, and another of that name appears: its token has another secret."""
    sim.fault("drop", method="POST", path=TUNNELS)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    theirs = sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "edge1"})
    problem = running.wait_problem(object="tunnel", kind="conflict")
    assert "not adit's" in problem["message"]
    assert [t["id"] for t in sim.tunnels()] == [theirs["id"]] and sim.records() == []
    assert sim.control("GET", "counters")["foreign_writes"] == 0


@pytest.mark.waits
def test_invariant_5_a_tunnel_that_lands_late_under_a_name_that_was_freed_is_claimed(running, sim,
                                                                                      origin):
    """Another of the name is there when we look, and gives it away before our POST lands."""
    sim.fault("late", method="POST", path=TUNNELS, ms=8000)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    theirs = sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "edge1"})
    running.wait_problem(object="tunnel", kind="conflict")
    sim.edit("PATCH", f"/accounts/@account/cfd_tunnel/{theirs['id']}", {"name": "theirs"})
    until(lambda: running.items("tunnel_list")[0].get("remote_id"), PATIENCE + SETTLE)
    made, = [t for t in sim.tunnels() if t["id"] != theirs["id"]]
    assert running.items("tunnel_list")[0]["remote_id"] == made["id"]


@pytest.mark.waits
@pytest.mark.parametrize("wanted", [True, False])
def test_invariant_5_a_lost_tunnel_that_somebody_renamed_is_no_orphan(running, sim, origin, wanted):
    """Made, aditd killed before it heard, and renamed before the start: its token has our secret."""
    sim.fault("lose", method="POST", path=TUNNELS)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    running.kill9()
    made, = sim.tunnels()
    theirs = sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "theirs"})
    sim.edit("PATCH", f"/accounts/@account/cfd_tunnel/{made['id']}", {"name": "renamed"})
    running.start(observed=False)
    if not wanted:
        running.api("tunnel_delete", tunnel="edge1", approve=True, wait=False)
        until(lambda: running.items("tunnel_list") == [], PATIENCE + SETTLE)
        assert [t["id"] for t in sim.tunnels()] == [theirs["id"]]
        return
    until(lambda: running.items("tunnel_list")[0].get("remote_id") == made["id"],
          PATIENCE + SETTLE)
    until(lambda: "app.example.com" in sim.config_text(made["id"]))
    assert {t["id"] for t in sim.tunnels()} == {made["id"], theirs["id"]}


def test_invariant_5_a_lost_tunnel_whose_name_somebody_gave_to_another_is_no_orphan(running, sim,
                                                                                     origin):
    sim.fault("lose", method="POST", path=TUNNELS)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    running.kill9()
    made, = sim.tunnels()
    sim.edit("PATCH", f"/accounts/@account/cfd_tunnel/{made['id']}", {"name": "renamed"})
    theirs = sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": made["name"]})
    running.start(observed=False)
    until(lambda: running.items("tunnel_list")[0].get("remote_id") == made["id"])
    until(lambda: "app.example.com" in sim.config_text(made["id"]))
    assert {t["id"] for t in sim.tunnels()} == {made["id"], theirs["id"]}
    assert sim.control("GET", "counters")["foreign_writes"] == 0


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("do", ["lose", "drop"])
def test_invariant_5_a_delete_whose_answer_is_lost(site, sim, do, nth):
    sim.fault(do, method="DELETE", nth=nth)
    done = site.api("tunnel_delete", tunnel="edge1", approve=True, timeout="60s")
    assert done["converged"], done
    assert sim.tunnels() == [] and sim.records() == [] and site.items("tunnel_list") == []


def test_invariant_5_deleted_while_its_create_is_unknown(running, sim, origin):
    sim.fault("lose", method="POST", path=TUNNELS)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    running.api("tunnel_delete", tunnel="edge1", approve=True, wait=False)
    until(lambda: running.items("tunnel_list") == [], PATIENCE + SETTLE)
    assert sim.tunnels() == [] and sim.records() == []


def test_invariant_10_429_is_waited_out_and_no_failure(running, sim, origin):
    for method, path in (("POST", TUNNELS), ("PUT", CONFIG), ("POST", RECORDS)):
        sim.fault("limit", method=method, path=path, ms=1000)
    answer = running.publish("app.example.com", origin.url, timeout="60s")
    assert answer["converged"] and answer["problems"] == [], answer
    assert sim.struck(3)
    check_once(sim)


def test_invariant_10_retry_after_is_obeyed(running, sim, origin):
    sim.fault("limit", method="POST", path=TUNNELS, ms=3000)
    since = sim.mark()
    assert running.publish("app.example.com", origin.url, timeout="60s")["converged"]
    posts = [r["time"] for r in sim.log(since) if r["method"] == "POST" and
             r["path"].endswith("cfd_tunnel")]
    assert len(posts) == 2
    first, second = (float(t[-7:-1]) + 60 * int(t[-10:-8]) for t in posts)
    assert (second - first) % 3600 >= 2.9


def test_invariant_10_retry_after_is_obeyed_over_a_restart(running, sim, origin):
    sim.fault("limit", method="POST", path=TUNNELS, ms=12000)
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    said, since = time.monotonic(), sim.mark()
    until(lambda: running.status()["rate"]["remaining"] == 0, why="nobody was told to wait")
    time.sleep(0.2)  # it is on the disk by now
    running.kill9()
    running.start(observed=False)
    until(lambda: sim.log(since), 12 + PATIENCE, why="nothing was asked again")
    assert time.monotonic() - said > 11
    running.wait_converged(60)
    check_once(sim)


@pytest.mark.parametrize("status", [500, 503, 520])
def test_invariant_5_an_html_page_instead_of_an_answer(running, sim, origin, status):
    sim.fault("raw", status=status, body="<html>bad gateway <b>secret words</b></html>", count=3)
    answer = running.publish("app.example.com", origin.url, timeout="60s")
    assert answer["converged"], answer
    tunnel, = sim.tunnels()
    assert len(sim.records()) == 1 and tunnel["name"] == "edge1"


def test_invariant_12_a_404_of_a_proxy_is_no_absence(site, sim):
    sim.fault("raw", status=404, body="<html>not found</html>", method="GET", count=0)
    since = sim.mark()
    site.reload()
    until(lambda: sim.struck(2))
    assert "deleted at Cloudflare" not in str(site.status()["problems"])
    sim.faults_clear()
    site.reload()
    site.wait_converged()
    assert sim.writes(since) == []


def test_invariant_12_403_names_the_missing_permission(running, sim, origin):
    sim.fault("error", status=403, code=10000, message="Authentication error", method="POST",
              path=RECORDS, count=0)
    answer = running.publish("app.example.com", origin.url, timeout="10s")
    problem = next(p for p in answer["problems"] if p["kind"] == "denied")
    assert "DNS" in problem["missing_permission"] and "Edit" in problem["missing_permission"]
    assert problem["hint"] and problem["cloudflare"]["status"] == 403
    assert running.status()["state"] == "degraded"


def test_invariant_6_a_refused_token_turns_writes_off(running, sim, origin):
    running.write_token("another-token-00000000000000000000")
    running.reload()
    until(lambda: running.status()["access"] == "refused")
    status = running.status()
    assert status["state"] == "degraded" and status["writes"] != "on"
    problem, = [p for p in status["problems"] if p["object"] == "system"]
    assert problem["kind"] == "denied" and "token" in problem["message"] and problem["hint"]
    since = sim.mark()
    answer = running.publish("app.example.com", origin.url, timeout="1s")
    assert answer["state"] == "applied" and answer["converged"] is False and answer["warnings"]
    assert sim.writes(since) == []
    # The right one and SIGHUP: what waited comes true.
    running.write_token(sim.token)
    running.reload()
    running.wait_converged()
    check_once(sim)


def test_invariant_6_a_token_that_expires_at_work(site, sim):
    sim.fault("error", status=401, code=1000, message="Invalid API Token", count=0)
    site.reload()
    until(lambda: site.status()["access"] == "refused")
    assert site.status()["writes"] != "on" and sim.fetch()[0] == 200
    pids = site.connector_pids()
    answer = site.publish("b.example.com", site.origin.url, timeout="1s")
    assert answer["converged"] is False
    sim.faults_clear()
    site.reload()
    site.wait_converged()
    assert site.connector_pids() == pids and len(sim.records()) == 2


def test_invariant_6_cloudflare_unreachable_at_the_start(host, sim, origin):
    url = host.settings["cloudflare"]["base_url"]
    sim.fault("drop", count=0)
    host.start(observed=False)
    until(lambda: host.status()["access"] == "unreachable")
    status = host.status()
    assert status["state"] == "degraded" and status["problems"][0]["object"] == "system"
    answer = host.publish("app.example.com", origin.url, timeout="1s")
    assert answer["state"] == "applied" and answer["warnings"] and not answer["converged"]
    sim.faults_clear()
    host.wait_converged(40)
    check_once(sim)
    assert url == sim.api_url


def test_invariant_5_a_slow_cloudflare_is_no_failure(running, sim, origin):
    sim.fault("delay", ms=300, count=0)
    answer = running.publish("app.example.com", origin.url, timeout="60s")
    assert answer["converged"] and answer["problems"] == []


def test_invariant_5_one_request_at_a_time_for_an_object(running, sim, origin):
    """While the POST of a tunnel is under way, calls for the same one start no second."""
    sim.fault("delay", method="POST", path=TUNNELS, ms=1500)
    since = sim.mark()
    running.publish("app.example.com", origin.url, wait=False)
    sim.wait_struck()
    for i in range(5):
        running.publish(f"b{i}.example.com", origin.url, wait=False)
    running.wait_converged()
    assert sim.writes(since).count("POST /accounts/{account}/cfd_tunnel") == 1
    assert len(sim.records()) == 6


def test_invariant_5_a_record_that_landed_elsewhere_is_found_again(running, sim, origin):
    """The answer of the record's POST is lost, and aditd dies before it looks."""
    sim.fault("late", method="POST", path=RECORDS, ms=50, hold=True)
    running.publish("app.example.com", origin.url, wait=False)
    until(sim.records)
    running.kill9()
    sim.faults_clear()
    running.start(observed=False)
    running.wait_converged(PATIENCE + SETTLE)
    check_once(sim)
