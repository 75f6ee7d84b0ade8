"""Joining a tunnel of another host, and giving tunnels, routes and records back: what is not ours is
never written, and what was ours stays as it stands, without our mark."""
import pytest

from harness import SETTLE, until

NAME = "app.example.com"


def done(answer):
    assert answer["state"] == "applied" and answer["converged"], answer
    return answer


def tunnel_of(host, name="edge1"):
    return next((t for t in host.items("tunnel_list") if t["name"] == name), None)


def record_of(sim, name=NAME):
    records = sim.records(name)
    assert len(records) == 1, records
    return records[0]


# ---- join ----

def test_one_owns_and_one_joins(site, second, sim):
    uuid = sim.tunnels("edge1")[0]["id"]
    text, since = sim.config_text(uuid), sim.mark()
    waits = second.api("tunnel_join", tunnel="edge1")
    assert waits["state"] == "needs_approval" and "edge1" in waits["approvals"][0], waits
    done(second.api("tunnel_join", tunnel="edge1", replicas=2, approve=True))
    assert len(second.connector_pids()) == 2 and len(site.connector_pids()) == 1
    links = {link["connector"] for link in sim.edge_status()["links"]}
    assert len(links) == 3, links
    joined = tunnel_of(second)
    assert joined["joined"] and joined["remote_id"] == uuid and joined["state"] == "healthy"
    assert joined["converged"] and "joined" not in tunnel_of(site)
    # Nothing of it is written: not its configuration, not a record.
    assert sim.writes(since) == [] and sim.config_text(uuid) == text
    e = second.refused("route_set", hostname="new.example.com", service=site.origin.url,
                       tunnel="edge1")
    assert e.kind == "conflict" and "another host" in e.message, e
    # The same again changes nothing.
    assert second.api("tunnel_join", tunnel=uuid, replicas=2)["state"] == "unchanged"
    assert site.publish("more.example.com", site.origin.url)["converged"]
    until(lambda: all(link["config_version"] == 2 for link in sim.edge_status()["links"]))
    assert "JOINED" in second.adit("tunnel", "list")[1]


def test_it_outlives_a_restart_of_the_daemon(site, second, sim):
    done(second.api("tunnel_join", tunnel="edge1", approve=True))
    pids, since = second.connector_pids(), sim.mark()
    second.kill9()
    second.start()
    assert second.wait_converged() and second.connector_pids() == pids
    assert sim.writes(since) == [] and tunnel_of(second)["joined"]


@pytest.mark.parametrize("way", ["tunnel_release", "tunnel_delete"])
def test_leaving_stops_the_connectors_only(site, second, sim, way):
    done(second.api("tunnel_join", tunnel="edge1", approve=True))
    since = sim.mark()
    done(second.api(way, tunnel="edge1", approve=True))
    until(lambda: not second.connector_pids())
    assert tunnel_of(second) is None and second.status()["tunnels"] == []
    assert sim.writes(since) == [] and len(sim.tunnels("edge1")) == 1
    assert sim.fetch()[0] == 200 and site.wait_converged()


def test_what_cannot_be_joined(running, second, sim):
    assert second.refused("tunnel_join", tunnel="nothing").kind == "not_found"
    missing = "00000000-1111-4222-8333-444444444444"
    assert second.refused("tunnel_join", tunnel=missing).kind == "not_found"
    gone = sim.edit("POST", "/accounts/@account/cfd_tunnel",
                    {"name": "old", "config_src": "cloudflare"})
    sim.edit("DELETE", "/accounts/@account/cfd_tunnel/@old")
    e = second.refused("tunnel_join", tunnel=gone["id"])
    assert e.kind == "not_found" and "deleted" in e.message
    sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "filed", "config_src": "local"})
    e = second.refused("tunnel_join", tunnel="filed")
    assert e.kind == "conflict" and "file" in e.message and e.hint
    done(second.api("tunnel_create", name="mine", replicas=0))
    e = second.refused("tunnel_join", tunnel="mine")
    assert e.kind == "conflict" and "own" in e.message


def test_joined_connectors_come_before_the_owners_end(site, second, sim):
    """The owner gives the tunnel back; the other host's replicas serve it without a gap."""
    done(second.api("tunnel_join", tunnel="edge1", approve=True))
    done(site.api("tunnel_release", tunnel="edge1", approve=True))
    until(lambda: not site.connector_pids())
    assert sim.fetch() == (200, "origin /") and len(second.connector_pids()) == 1


# ---- release ----

def test_a_tunnel_is_given_back_whole(site, sim):
    sim_tunnel, before = sim.tunnels("edge1")[0]["id"], record_of(sim)
    text, since = sim.config_text(sim_tunnel), sim.mark()
    waits = site.api("tunnel_release", tunnel="edge1")
    assert waits["state"] == "needs_approval" and len(waits["approvals"]) == 3, waits
    done(site.api("tunnel_release", tunnel="edge1", approve=True))
    assert sim.writes(since) == ["PATCH /zones/{zone}/dns_records/{hex}"]
    patch = next(r for r in sim.log(since) if r["method"] == "PATCH")
    assert patch["body"] == '{"comment":""}' or patch["body"] == {"comment": ""}, patch
    after = record_of(sim)
    assert after["comment"] is None
    for key in ("id", "name", "type", "content", "proxied", "ttl"):
        assert after[key] == before[key], key
    assert sim.config_text(sim_tunnel) == text and len(sim.tunnels("edge1")) == 1
    for op in ("tunnel_list", "route_list", "dns_list"):
        assert site.items(op) == [], op
    until(lambda: not site.connector_pids())
    site.restart()
    assert site.items("tunnel_list") == [] and len(sim.writes(since)) == 1


def test_the_users_text_stays(running, sim, origin):
    done(running.publish(NAME, origin.url))
    record = record_of(sim)
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}",
             {"comment": record["comment"] + " ask Ann, ünder 42"})
    done(running.api("tunnel_release", tunnel="edge1", approve=True))
    assert record_of(sim)["comment"] == "ask Ann, ünder 42"


def test_one_route_is_given_back(site, sim):
    done(site.publish("other.example.com", site.origin.url))
    tunnel = sim.tunnels("edge1")[0]["id"]
    text, since = sim.config_text(tunnel), sim.mark()
    e = site.refused("tunnel_release", tunnel="edge1", routes=["none.example.net"])
    assert e.kind == "not_found"
    done(site.api("tunnel_release", tunnel="edge1", routes=["other.example.com"], approve=True))
    assert [r["hostname"] for r in site.items("route_list")] == [NAME]
    assert sim.config_text(tunnel) == text
    assert sim.writes(since) == ["PATCH /zones/{zone}/dns_records/{hex}"]
    assert record_of(sim, "other.example.com")["comment"] is None
    # Its rule is foreign from now on: what is put later leaves it where and as it is.
    done(site.publish("third.example.com", site.origin.url))
    rules = [r.get("hostname") for r in sim.config(tunnel)["ingress"]]
    assert "other.example.com" in rules and len(rules) == 4
    done(site.api("route_delete", hostname=NAME, approve=True))
    done(site.api("route_delete", hostname="third.example.com", approve=True))
    assert [r.get("hostname") for r in sim.config(tunnel)["ingress"]] == ["other.example.com", None]
    assert sim.fetch(host="other.example.com")[0] == 200


def test_a_record_that_lost_its_mark_or_is_gone_is_forgotten(site, sim):
    done(site.publish("other.example.com", site.origin.url))
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record_of(sim)['id']}",
             {"comment": "mine now"})
    sim.edit("DELETE",
             f"/zones/@example.com/dns_records/{record_of(sim, 'other.example.com')['id']}")
    since = sim.mark()
    done(site.api("tunnel_release", tunnel="edge1", approve=True))
    assert sim.writes(since) == [] and record_of(sim)["comment"] == "mine now"
    assert site.items("dns_list") == []


@pytest.mark.parametrize("fault", ["lose", "drop", "late"])
def test_lost_answers(site, sim, fault):
    sim.fault(fault, method="PATCH", path="/zones/*", **({"ms": 800} if fault == "late" else {}))
    site.api("tunnel_release", tunnel="edge1", approve=True)
    until(lambda: not site.items("tunnel_list") and not site.items("dns_list"), 60)
    assert record_of(sim)["comment"] is None and sim.struck()


@pytest.mark.parametrize("fault", ["hang", "lose"])
def test_killed_between(site, sim, fault):
    sim.fault(fault, method="PATCH", path="/zones/*")
    site.api("tunnel_release", tunnel="edge1", approve=True, wait=False)
    sim.wait_struck()
    site.kill9()
    site.start()
    until(lambda: not site.items("tunnel_list") and not site.items("dns_list"), 60)
    assert record_of(sim)["comment"] is None and not site.connector_pids()
    assert len(sim.tunnels("edge1")) == 1


@pytest.mark.waits
def test_a_route_released_while_its_put_is_unknown_keeps_its_rule(site, sim):
    """The PUT that brings it has no answer yet; it lands, and the rule stays."""
    sim.fault("late", method="PUT", path="*/configurations", ms=1500)
    site.publish("late.example.com", site.origin.url, wait=False)
    sim.wait_struck()
    site.api("tunnel_release", tunnel="edge1", routes=["late.example.com"], approve=True,
             wait=False)
    tunnel = sim.tunnels("edge1")[0]["id"]
    rules = lambda: [r.get("hostname") for r in sim.config(tunnel)["ingress"]]  # noqa: E731
    until(lambda: "late.example.com" in rules())
    site.wait_converged(SETTLE + 40)
    done(site.publish("third.example.com", site.origin.url, timeout="60s"))
    assert "late.example.com" in rules(), rules()


def test_a_route_released_while_its_put_is_answered_keeps_its_rule(site, sim):
    """The PUT has landed, its answer is on the way: what it brought is not ours when it comes."""
    sim.fault("delay", method="PUT", path="*/configurations", ms=1500)
    site.publish("late.example.com", site.origin.url, wait=False)
    tunnel = sim.tunnels("edge1")[0]["id"]
    rules = lambda: [r.get("hostname") for r in sim.config(tunnel)["ingress"]]  # noqa: E731
    until(lambda: "late.example.com" in rules())
    site.api("tunnel_release", tunnel="edge1", routes=["late.example.com"], approve=True,
             wait=False)
    site.wait_converged()
    done(site.publish("third.example.com", site.origin.url))
    assert "late.example.com" in rules(), rules()


def test_a_kept_record_is_given_back(site, sim):
    record, since = record_of(sim), sim.mark()
    answer = site.api("route_delete", hostname=NAME, keep_dns=True, approve=True)
    done(answer)
    assert record_of(sim)["id"] == record["id"] and record_of(sim)["comment"] is None
    assert site.items("dns_list") == []
    assert not any(w.startswith("DELETE") for w in sim.writes(since))
    # A later delete cannot hit it.
    assert site.refused("dns_delete", name=NAME, type="CNAME").kind == "not_found"


def test_dns_delete_releases(running, sim):
    done(running.api("dns_set", name="www.example.com", type="A", content="192.0.2.1",
                     comment="the old one"))
    since = sim.mark()
    done(running.api("dns_delete", name="www.example.com", type="A", release=True, approve=True))
    assert record_of(sim, "www.example.com")["comment"] == "the old one"
    assert sim.writes(since) == ["PATCH /zones/{zone}/dns_records/{hex}"]
    assert running.items("dns_list") == []
    code, out, err = running.adit("dns", "delete", "www.example.com", "A", "--release", "--yes")
    assert code == 1 and "not adit's" in out + err


def test_nothing_is_put_into_what_is_being_given_back(site, sim):
    sim.fault("error", method="PATCH", path="/zones/*", status=500, count=0)
    site.api("tunnel_release", tunnel="edge1", approve=True, wait=False)
    e = site.refused("route_set", hostname=NAME, service=site.origin.url)
    assert e.kind in ("busy", "conflict"), e
    assert tunnel_of(site)["want"] == "released" and tunnel_of(site)["state"] == "releasing"
    sim.faults_clear()
    until(lambda: not site.items("tunnel_list"), 60)


# ---- update ----

def test_rename(site, sim):
    tunnel, since = sim.tunnels("edge1")[0]["id"], sim.mark()
    done(site.api("tunnel_update", tunnel="edge1", name="web front"))
    assert sim.tunnels("web front")[0]["id"] == tunnel
    assert sim.writes(since) == ["PATCH /accounts/{account}/cfd_tunnel/{tunnel}"]
    assert site.api("tunnel_update", tunnel="web front",
                    name="web front")["state"] == "unchanged"
    assert sim.fetch()[0] == 200


def test_a_taken_name_is_refused_beforehand_and_does_not_hold_up_routes(site, sim):
    sim.edit("POST", "/accounts/@account/cfd_tunnel", {"name": "taken"})
    assert site.refused("tunnel_update", tunnel="edge1", name="taken").kind == "conflict"
    # It is taken between the look and the PATCH.
    sim.fault("error", method="PATCH", path="*/cfd_tunnel/*", status=409, code=1013)
    answer = site.api("tunnel_update", tunnel="edge1", name="free")
    assert answer["state"] == "applied" and not answer["converged"], answer
    assert "another tunnel" in site.wait_problem(object="tunnel")["message"]
    assert site.publish("more.example.com", site.origin.url, tunnel="free",
                        wait=False)["state"] == "applied"
    until(lambda: sim.fetch(host="more.example.com")[0] == 200)
    done(site.api("tunnel_update", tunnel="free", name="free too"))
    assert [t["name"] for t in sim.tunnels() if t["name"] != "taken"] == ["free too"]


@pytest.mark.parametrize("fault", ["lose", "drop", "hang"])
def test_a_rename_outlives_lost_answers_and_kill9(site, sim, fault):
    sim.fault(fault, method="PATCH", path="*/cfd_tunnel/*")
    site.api("tunnel_update", tunnel="edge1", name="web", wait=False)
    sim.wait_struck()
    site.kill9()
    site.start()
    until(lambda: sim.tunnels("web"), 60)
    assert site.wait_converged(60)


def test_a_name_that_somebody_else_gave_stays(site, sim):
    sim.edit("PATCH", "/accounts/@account/cfd_tunnel/@edge1", {"name": "theirs"})
    done(site.publish("more.example.com", site.origin.url))
    assert sim.tunnels("theirs"), "a change of routes renames nothing"
    answer = site.api("tunnel_update", tunnel="edge1", name="ours")
    assert answer["problems"] and "third name" in answer["problems"][0]["message"], answer
    assert sim.tunnels("theirs")
    done(site.api("tunnel_update", tunnel="ours", name="web"))
    assert sim.tunnels("web") and not sim.tunnels("theirs")


def test_replicas_and_drift(site, sim):
    since = sim.mark()
    done(site.api("tunnel_update", tunnel="edge1", replicas=2, drift="ignore"))
    assert len(site.connector_pids()) == 2
    waits = site.api("tunnel_update", tunnel="edge1", replicas=0)
    assert waits["state"] == "needs_approval"
    done(site.api("tunnel_update", tunnel="edge1", drift="default"))
    assert site.api("tunnel_update", tunnel="edge1")["state"] == "unchanged"
    assert [w for w in sim.writes(since) if "PATCH" in w] == []
