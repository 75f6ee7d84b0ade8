"""A tunnel's secret is rotated: no request is lost, a lost answer is read back from the token, who
else uses the old one is asked about, and the secret itself is seen nowhere."""
import base64
import json
import time

import pytest

from harness import PATIENCE, SETTLE, Visitor, until

TUNNEL, TOKEN = "/accounts/*/cfd_tunnel/*", "*/token"
CONNECTIONS = "*/connections"


def secret_of(sim, name="edge1"):
    token = sim.edit("GET", f"/accounts/@account/cfd_tunnel/@{name}/token")
    return json.loads(base64.b64decode(token))["s"]


def stored(host):
    db = host.database()
    secret = db.execute("SELECT data FROM secret").fetchone()[0]
    token = db.execute("SELECT data FROM token").fetchone()[0]
    db.close()
    return bytes(secret).decode(), json.loads(base64.b64decode(bytes(token)))["s"]


def rotate(host, **more):
    return host.api("tunnel_rotate", **{"tunnel": "edge1", "timeout": "120s", **more})


def alone(host, sim):
    """Cloudflare shows the connectors of this host, and those only."""
    def is_so():
        ours = {c.get("connector_id") for c in host.items("connector_list")}
        return ours == {link["connector"] for link in sim.edge_status()["links"]}
    until(is_so, why="connectors that are not this host's")


def patches(sim, since):
    return [w for w in sim.writes(since) if w.startswith("PATCH")]


def rotated(host, sim, old):
    """Cloudflare, the store and the connectors' folders have one secret, another than before."""
    new = secret_of(sim)
    assert new != old and stored(host) == (new, new)
    folders = list(host.state_dir.glob("connectors/*/token"))
    assert any(json.loads(base64.b64decode(f.read_text()))["s"] == new for f in folders), folders
    assert host.status()["problems"] == [] and "rotating" not in host.items("tunnel_list")[0]
    return new


def test_no_request_is_lost(site, sim):
    site.api("tunnel_update", tunnel="edge1", replicas=3, timeout="120s")
    site.wait_converged()
    old, before, since = secret_of(sim), site.connector_pids(), sim.mark()
    assert len(before) == 3
    alone(site, sim)
    with Visitor(sim):
        answer = rotate(site, reason="a laptop was lost")
        assert answer["state"] == "applied" and answer["converged"], answer
        until(lambda: len(site.connector_pids()) == 3 and
              not set(site.connector_pids()) & set(before), PATIENCE + 30)
    new = rotated(site, sim, old)
    assert patches(sim, since) == ["PATCH /accounts/{account}/cfd_tunnel/{tunnel}"]
    events = [e["kind"] for e in site.items("event_list", limit=200)]
    assert "tunnel_rotated" in events and events.count("connector_replaced") == 3, events
    assert sim.edge_status()["refused"] == 0
    text = site.log() + json.dumps(site.items("plan_list")) + json.dumps(
        [{k: v for k, v in row.items()} for name in ("plan", "ledger", "event", "revision", "meta")
         for row in site.tables()[name]], default=str)
    assert old not in text and new not in text


def test_each_call_rotates_once_more(site, sim):
    secrets = [secret_of(sim)]
    for _ in range(2):
        alone(site, sim)
        revision = site.status()["revision"]
        assert rotate(site, if_revision=revision)["converged"]
        secrets.append(rotated(site, sim, secrets[-1]))
        e = site.refused("tunnel_rotate", tunnel="edge1", if_revision=revision)
        assert e.kind == "conflict", e
    assert len(set(secrets)) == 3 and secret_of(sim) == secrets[-1]
    # It is no part of what is wanted: the way back to an older revision rotates nothing.
    since = sim.mark()
    assert site.api("plan_create", revision=revision)["state"] == "unchanged"
    assert sim.writes(since) == []


def test_dry_run_and_words(site, sim):
    old, since = secret_of(sim), sim.mark()
    alone(site, sim)
    plan = rotate(site, dry_run=True)
    assert plan["state"] == "planned" and "another secret" in plan["changes"][0]["detail"], plan
    assert sim.writes(since) == [] and secret_of(sim) == old
    code, text = site.adit("tunnel", "rotate", "edge1")[:2]
    assert code == 0 and "edge1" in text, text
    rotated(site, sim, old)


def test_a_process_of_ours_that_comes_up_is_nobody_elses(site, sim):
    alone(site, sim)
    with Visitor(sim):
        site.api("connector_restart", connector="edge1/1", wait=False)
        until(lambda: len({link["connector"] for link in sim.edge_status()["links"]}) == 2)
        until(lambda: rotate(site, dry_run=True)["state"] == "planned", 2)
        assert "replacing" in site.items("connector_list")[0]
        assert rotate(site, wait=False)["state"] == "applied"
        site.wait_converged(60)


# ---- answers ----

@pytest.mark.parametrize("do, more", [("lose", {}), ("lose", {"reset": True}), ("cut", {"bytes": 9}),
                                      ("wrong", {"body": '{"success":true,"result":{}}'})])
def test_a_lost_answer_is_read_from_the_token(site, sim, do, more):
    old, since = secret_of(sim), sim.mark()
    alone(site, sim)
    sim.fault(do, method="PATCH", path=TUNNEL, **more)
    assert rotate(site)["converged"]
    rotated(site, sim, old)
    assert len(patches(sim, since)) == 1, "it was repeated blindly"


def test_a_late_effect_is_waited_for(site, sim):
    old, since = secret_of(sim), sim.mark()
    alone(site, sim)
    sim.fault("late", method="PATCH", path=TUNNEL, ms=5000)
    assert rotate(site)["converged"]
    rotated(site, sim, old)
    assert len(patches(sim, since)) == 1


@pytest.mark.waits
def test_what_never_arrived_is_sent_again_when_it_cannot_land_any_more(site, sim):
    old = secret_of(sim)
    alone(site, sim)
    sim.fault("drop", method="PATCH", path=TUNNEL)
    start = time.monotonic()
    assert rotate(site)["converged"] and time.monotonic() - start >= SETTLE - 5
    rotated(site, sim, old)


@pytest.mark.waits
def test_a_refusal_leaves_all_as_it_was(site, sim):
    old, pids = secret_of(sim), site.connector_pids()
    alone(site, sim)
    sim.fault("error", method="PATCH", path=TUNNEL, status=403, code=10000,
              message="Authentication error", count=1000)
    answer = rotate(site, wait=False)
    assert answer["state"] == "applied"
    problem = site.wait_problem(object="tunnel")
    assert "refused" in problem["message"] and problem["hint"], problem
    assert secret_of(sim) == old and site.connector_pids() == pids and sim.fetch()[0] == 200
    e = site.refused("tunnel_rotate", tunnel="edge1")
    assert e.kind == "busy" and "just being rotated" in e.message, e
    # It holds up nothing else.
    assert site.items("tunnel_list")[0]["rotating"]
    site.publish("more.example.com", site.origin.url, wait=False)
    until(lambda: "more.example.com" in sim.config_text(sim.tunnels()[0]["id"]))
    sim.faults_clear()
    site.restart()
    until(lambda: secret_of(sim) != old, PATIENCE + SETTLE)
    site.wait_converged(PATIENCE + 60)
    rotated(site, sim, old)


@pytest.mark.waits
def test_somebody_elses_secret_is_told_and_taken(site, sim):
    """Ours never arrives, and another one is put meanwhile: connectors must live with that one."""
    alone(site, sim)
    sim.fault("drop", method="PATCH", path=TUNNEL)
    rotate(site, wait=False)
    sim.wait_struck()
    theirs = base64.b64encode(b"x" * 40).decode()
    sim.edit("PATCH", "/accounts/@account/cfd_tunnel/@edge1", {"tunnel_secret": theirs})
    problem = site.wait_problem(PATIENCE + SETTLE, object="tunnel", kind="conflict")
    assert "somebody else" in problem["message"] and "adit tunnel rotate" in problem["hint"]
    assert stored(site)[1] == theirs
    until(lambda: "connector_replaced" in [e["kind"] for e in site.items("event_list", limit=200)],
          PATIENCE + 30)
    alone(site, sim)
    assert rotate(site)["converged"]
    rotated(site, sim, theirs)


# ---- kill -9 ----

MOMENTS = {
    "acknowledged": ([], False),
    "patch_never_arrives": ([dict(do="hang", method="PATCH", path=TUNNEL)], True),
    "patch_lands_later": ([dict(do="late", method="PATCH", path=TUNNEL, ms=2500, hold=True)], True),
    "patch_done_answer_lost": ([dict(do="delay", method="PATCH", path=TUNNEL, ms=60000)], True),
    "token_asked": ([dict(do="delay", method="GET", path=TOKEN, ms=60000)], True),
}


@pytest.mark.waits
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_rotating(site, sim, moment):
    faults, strikes = MOMENTS[moment]
    old, before, since = secret_of(sim), site.connector_pids(), sim.mark()
    alone(site, sim)
    for fault in faults:
        sim.fault(**fault)
    with Visitor(sim):
        assert rotate(site, wait=False)["state"] == "applied"
        if strikes:
            sim.wait_struck()
        site.kill9()
        sim.faults_clear() if moment == "token_asked" else None
        site.start()
        until(lambda: "tunnel_rotated" in [e["kind"] for e in site.items("event_list")],
              PATIENCE + SETTLE + 10)
        site.wait_converged(PATIENCE + 60)
        until(lambda: len(site.connector_pids()) == 1 and site.connector_pids() != before,
              PATIENCE + 30)
    rotated(site, sim, old)
    assert len(patches(sim, since)) <= (2 if moment in ("patch_never_arrives", "acknowledged")
                                        else 1)


def test_killed_while_the_connector_is_replaced(site, sim):
    old, before = secret_of(sim), site.connector_pids()
    alone(site, sim)
    site.mode("ready_after_ms 3000\n")
    with Visitor(sim):
        rotate(site, wait=False)
        until(lambda: len(site.connector_pids()) == 2)
        site.kill9()
        site.start()
        site.wait_converged(PATIENCE + 60)
        until(lambda: len(site.connector_pids()) == 1, PATIENCE + 30)
    assert site.connector_pids() != before
    rotated(site, sim, old)


# ---- what does not come up ----

def test_a_connector_that_does_not_come_up_leaves_the_old_one(site, sim):
    old, before = secret_of(sim), site.connector_pids()
    alone(site, sim)
    site.mode("exit_code 1\n")
    with Visitor(sim):
        rotate(site, wait=False)
        problem = site.wait_problem(PATIENCE + 30, object="tunnel")
        assert "no longer valid" in problem["message"] and "restart" in problem["hint"], problem
        assert before[0] in site.connector_pids() and not site.converged()
        site.mode("")
        site.api("connector_restart", connector="edge1/1", wait=False)
        site.wait_converged(PATIENCE + 90)
        until(lambda: before[0] not in site.connector_pids(), PATIENCE + 30)
    rotated(site, sim, old)


def test_the_old_secret_makes_no_new_connections(site, sim):
    """What the real one does, which the rest of this file relies on."""
    theirs = base64.b64encode(b"y" * 40).decode()
    pids = site.connector_pids()
    sim.edit("PATCH", "/accounts/@account/cfd_tunnel/@edge1", {"tunnel_secret": theirs})
    assert sim.fetch()[0] == 200 and site.connector_pids() == pids
    refused = sim.edge_status()["refused"]
    sim.edge(drop={"count": 1})
    until(lambda: sim.edge_status()["refused"] > refused, PATIENCE + 10)
    assert sim.fetch()[0] == 200


# ---- who else uses it ----

def test_another_hosts_connector_needs_a_person(site, second, sim):
    second.api("tunnel_join", tunnel="edge1", approve=True)
    old, since = secret_of(sim), sim.mark()
    ours = {c["connector_id"] for c in site.items("connector_list")}
    other, = {link["connector"] for link in sim.edge_status()["links"]} - ours
    waits = rotate(site)
    assert waits["state"] == "needs_approval", waits
    why, = waits["approvals"]
    assert other in why and "203.0.113.1" in why and sim.writes(since) == [], why
    e = second.refused("tunnel_rotate", tunnel="edge1")
    assert e.kind == "conflict" and "another host" in e.message, e
    assert rotate(site, approve=True)["converged"]
    assert secret_of(sim) != old and sim.fetch()[0] == 200
    # The other host's connections stay as they are.
    assert other in {link["connector"] for link in sim.edge_status()["links"]}


@pytest.mark.parametrize("do, more", [("error", {"status": 403}), ("wrong", {"body": "{}"}),
                                      ("wrong", {"body": '{"success":true,"result":[7]}'})])
def test_not_known_who_uses_it_needs_a_person(site, sim, do, more):
    since = sim.mark()
    sim.fault(do, method="GET", path=CONNECTIONS, count=50, **more)
    waits = rotate(site)
    assert waits["state"] == "needs_approval" and "could not be read" in waits["approvals"][0]
    assert sim.writes(since) == []


def test_what_cannot_be_rotated(running, sim):
    assert running.refused("tunnel_rotate", tunnel="nothing").kind == "not_found"
    sim.fault("error", method="POST", path="/accounts/*/cfd_tunnel", status=500, count=1000)
    running.api("tunnel_create", name="edge1", wait=False)
    e = running.refused("tunnel_rotate", tunnel="edge1")
    assert e.kind == "conflict" and "not made yet" in e.message, e
