"""Records that adit did not make: refused, unless a person names each of them; then exactly what
was shown gives way, and nothing else. And records of adit's own whose type changes."""
import time

import pytest

from harness import until

NAME = "app.example.com"
RECORDS = "/zones/*/dns_records*"
BATCH = "/zones/*/dns_records/batch"
CONTENTS = {"A": "192.0.2.9", "AAAA": "2001:db8::9", "CNAME": "old.example.net", "TXT": "theirs"}


def foreign(sim, type="A", name=NAME, **more):
    return sim.edit("POST", "/zones/@example.com/dns_records",
                    {"name": name, "type": type, "content": CONTENTS[type], **more})


def change(sim, record, **members):
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}", members)


def route(host, *records, **more):
    return host.api("route_set", hostname=NAME, service=host.origin.url,
                    overwrite=[r["id"] for r in records], **more)


def approve(host, plan, **more):
    return host.api("plan_approve", plan=plan["plan"], hash=plan["hash"], **more)


def took(answer):
    assert answer["state"] == "applied" and answer["converged"] is True, answer
    return answer


def is_ours(host, sim, name=NAME):
    record, = sim.records(name)
    s = host.status()
    assert record["comment"].startswith(f"adit:{s['owner']}/{s['install']}"), record
    assert record["content"] == sim.tunnels()[0]["id"] + ".cfargotunnel.com" and record["proxied"]
    row, = [r for r in host.tables()["record"] if r["name"] == name]
    assert not row["takes"] and row["remote_id"] == record["id"]
    return record


@pytest.fixture
def served(running, origin):
    running.origin = origin
    return running


def test_a_foreign_record_is_refused_with_its_id(served, sim):
    theirs = foreign(sim)
    since = sim.mark()
    e = served.refused("route_set", hostname=NAME, service=served.origin.url)
    assert e.kind == "conflict" and "A 192.0.2.9" in e.message and "not adit's" in e.message
    assert f"--overwrite {theirs['id']}" in e.hint
    e = served.refused("route_set", hostname=NAME, service=served.origin.url,
                       overwrite=["0" * 32])
    assert e.kind == "conflict" and theirs["id"] in e.hint
    assert sim.writes(since) == [] and [r["id"] for r in sim.records()] == [theirs["id"]]


def test_one_of_the_same_type_is_changed(served, sim):
    theirs = foreign(sim, "CNAME", ttl=300)
    plan = route(served, theirs)
    assert plan["state"] == "needs_approval", plan
    assert any("CNAME old.example.net" in a for a in plan["approvals"]), plan
    assert any(c["sign"] == "-" and "overwritten" in c["detail"] for c in plan["changes"])
    assert sim.records()[0]["comment"] is None
    since = sim.mark()
    took(approve(served, plan))
    assert [w for w in sim.writes(since) if "dns_records" in w] == [
        "PATCH /zones/{zone}/dns_records/{hex}"]
    assert is_ours(served, sim)["id"] == theirs["id"]
    took_again = route(served, theirs)
    assert took_again["state"] == "unchanged", took_again


@pytest.mark.parametrize("types", [["A"], ["AAAA"], ["A", "AAAA"], ["A", "TXT"]])
def test_others_are_replaced_in_one_batch(served, sim, types):
    theirs = [foreign(sim, t) for t in types]
    clash = [r for r in theirs if r["type"] != "TXT"]
    plan = route(served, *clash)
    assert sum("Overwrites" in a for a in plan["approvals"]) == len(clash), plan
    since = sim.mark()
    took(approve(served, plan))
    assert [w for w in sim.writes(since) if "dns_records" in w] == [
        "POST /zones/{zone}/dns_records/batch"]
    rest = [r for r in sim.records(NAME) if r["type"] == "TXT"]
    assert len(rest) == types.count("TXT")
    assert [r["type"] for r in sim.records(NAME) if r not in rest] == ["CNAME"]


def test_each_must_be_named(served, sim):
    a, b = foreign(sim, "A"), foreign(sim, "AAAA")
    e = served.refused("route_set", hostname=NAME, service=served.origin.url,
                       overwrite=[a["id"]])
    assert e.kind == "conflict" and b["id"] in e.hint and a["id"] not in e.hint
    assert "AAAA" in e.message
    text = foreign(sim, "TXT")
    e = served.refused("route_set", hostname=NAME, service=served.origin.url,
                       overwrite=[a["id"], b["id"], text["id"]])
    assert e.kind == "invalid" and text["id"] in e.message
    assert len(sim.records()) == 3


def test_what_changes_after_the_approval_is_left_alone(served, sim):
    theirs = foreign(sim)
    plan = route(served, theirs)
    change(sim, theirs, content="192.0.2.10")
    since = sim.mark()
    answer = approve(served, plan)
    assert not answer["converged"], answer
    assert any("changed since" in p["message"] for p in answer["problems"]), answer
    assert [w for w in sim.writes(since) if "dns_records" in w] == []
    assert sim.records()[0]["content"] == "192.0.2.10"
    again = route(served, theirs)
    assert again["state"] == "needs_approval", again
    assert any("192.0.2.10" in a for a in again["approvals"])
    took(approve(served, again))
    is_ours(served, sim)


def test_what_is_new_after_the_approval_is_left_alone(served, sim):
    plan = route(served, foreign(sim))
    foreign(sim, "AAAA")
    answer = approve(served, plan)
    assert not answer["converged"] and len(sim.records()) == 2, answer
    assert sim.control("GET", "counters")["foreign_writes"] == 0


def test_what_is_gone_meanwhile_is_no_matter(served, sim):
    theirs = foreign(sim)
    plan = route(served, theirs)
    sim.edit("DELETE", f"/zones/@example.com/dns_records/{theirs['id']}")
    took(approve(served, plan))
    is_ours(served, sim)


def test_read_only_records_and_those_of_another_adit_are_refused(served, sim):
    kept = foreign(sim, "CNAME", meta={"read_only": True})
    e = served.refused("route_set", hostname=NAME, service=served.origin.url,
                       overwrite=[kept["id"]])
    assert e.kind == "conflict" and "read-only" in e.message and "overwrite" not in e.hint
    other = foreign(sim, "CNAME", "b.example.com", comment="adit:edge2/0123abcd theirs")
    e = served.refused("route_set", hostname="b.example.com", service=served.origin.url,
                       overwrite=[other["id"]])
    assert e.kind == "conflict" and "edge2/0123abcd" in e.message and "overwrite" not in e.hint


def test_another_tunnel_is_said_in_words(served, sim):
    theirs = foreign(sim, "CNAME", proxied=True)
    change(sim, theirs, content="11111111-2222-4333-8444-555555555555.cfargotunnel.com")
    plan = route(served, theirs)
    assert any("another tunnel" in a for a in plan["approvals"]), plan
    took(approve(served, plan))


def test_a_mark_that_was_taken_off_is_put_on_again(served, sim):
    took(served.publish(NAME, served.origin.url))
    record = is_ours(served, sim)
    change(sim, record, comment="mine")
    served.restart()
    assert served.wait_problem(object="record", kind="conflict")
    plan = route(served, record)
    assert plan["state"] == "needs_approval", plan
    took(approve(served, plan))
    assert is_ours(served, sim)["id"] == record["id"]


def test_dns_set_overwrites_as_well(running, sim):
    theirs = foreign(sim, "TXT")
    plan = running.api("dns_set", name=NAME, type="TXT", content="ours", comment="mine",
                       overwrite=[theirs["id"]])
    took(approve(running, plan))
    record, = sim.records()
    assert record["id"] == theirs["id"] and record["content"] == "ours"
    assert record["comment"].endswith(" mine")


def test_the_client_names_records(served, sim):
    theirs = foreign(sim), foreign(sim, "AAAA")
    code, out, err = served.adit("route", "set", NAME, served.origin.url, "--overwrite",
                                 theirs[0]["id"], "--overwrite", theirs[1]["id"], "--yes")
    assert code == 0, (out, err)
    is_ours(served, sim)


def test_what_cannot_be_looked_at_is_not_overwritten(served, sim):
    theirs = foreign(sim)
    sim.fault("error", method="GET", path=RECORDS, status=503, code=10000, message="no", count=1)
    e = served.refused("route_set", hostname=NAME, service=served.origin.url,
                       overwrite=[theirs["id"]])
    assert "cannot be looked at" in e.message, e


@pytest.mark.waits
@pytest.mark.parametrize("do", ["lose", "drop"])
@pytest.mark.parametrize("type", ["A", "CNAME"])
def test_an_overwriting_without_an_answer(served, sim, do, type):
    plan = route(served, foreign(sim, type))
    sim.fault(do, method="POST" if type == "A" else "PATCH", path=RECORDS)
    took(approve(served, plan, timeout="100s"))
    is_ours(served, sim)


@pytest.mark.parametrize("ms", [0, 20, 60])
def test_killed_while_it_overwrites(served, sim, ms):
    plan = route(served, foreign(sim))
    sim.fault("late", method="POST", path=BATCH, ms=50)
    approve(served, plan, wait=False)
    until(lambda: any("batch" in w for w in sim.writes(0)) or ms == 0, 20)
    time.sleep(ms / 1000)
    served.kill9()
    served.start()
    until(lambda: served.items("dns_list")[0]["converged"], 80)
    is_ours(served, sim)


@pytest.mark.waits
def test_deleted_before_it_was_taken(served, sim):
    theirs = foreign(sim, "CNAME")
    plan = route(served, theirs)
    sim.fault("error", method="PATCH", path=RECORDS, status=503, code=10000, message="no",
              count=100)
    approve(served, plan, wait=False)
    until(lambda: served.items("dns_list")[0].get("problem"), 30)
    served.api("route_delete", hostname=NAME, approve=True, wait=False)
    until(lambda: served.items("dns_list") == [], 60)
    assert [r["id"] for r in sim.records()] == [theirs["id"]]
    assert sim.records()[0]["comment"] is None


# ---- a type that changes ----

def set_record(host, type, **more):
    return host.api("dns_set", name=NAME, type=type, content=CONTENTS[type], **more)


@pytest.mark.parametrize("was, now", [("A", "CNAME"), ("CNAME", "AAAA"), ("CNAME", "A")])
def test_a_type_changes_in_one_batch(running, sim, was, now):
    took(set_record(running, was, comment="kept"))
    since = sim.mark()
    plan = set_record(running, now, comment="kept")
    assert plan["state"] == "needs_approval" and CONTENTS[was] in plan["approvals"][0], plan
    took(approve(running, plan))
    assert sim.writes(since) == ["POST /zones/{zone}/dns_records/batch"]
    record, = sim.records()
    assert record["type"] == now and record["comment"].endswith(" kept")
    assert len(running.tables()["record"]) == 1
    assert set_record(running, now, comment="kept")["state"] == "unchanged"


@pytest.mark.waits
@pytest.mark.parametrize("do", ["lose", "drop"])
def test_a_type_change_without_an_answer(running, sim, do):
    took(set_record(running, "A"))
    plan = set_record(running, "CNAME")
    sim.fault(do, method="POST", path=BATCH)
    took(approve(running, plan, timeout="100s"))
    assert [r["type"] for r in sim.records()] == ["CNAME"]
    assert running.status()["problems"] == []


def test_a_type_change_meets_foreign_records(running, sim):
    took(set_record(running, "A"))
    theirs = foreign(sim, "AAAA")
    e = running.refused("dns_set", name=NAME, type="CNAME", content="x.example.net")
    assert e.kind == "conflict" and theirs["id"] in e.hint
    plan = running.api("dns_set", name=NAME, type="CNAME", content="x.example.net",
                       overwrite=[theirs["id"]])
    took(approve(running, plan))
    assert [r["type"] for r in sim.records()] == ["CNAME"]


def test_a_type_goes_back_with_its_revision(running, sim):
    took(set_record(running, "A"))
    took(approve(running, set_record(running, "CNAME")))
    plan = running.api("plan_create", revision=1)
    assert plan["state"] == "needs_approval", plan
    took(approve(running, plan))
    assert [(r["type"], r["content"]) for r in sim.records()] == [("A", CONTENTS["A"])]
    took(running.api("dns_delete", name=NAME, type="A", approve=True))
    took(set_record(running, "CNAME"))
    took(approve(running, running.api("plan_create", revision=1)))
    assert [(r["type"], r["content"]) for r in sim.records()] == [("A", CONTENTS["A"])]


# ---- wildcards ----

def test_a_foreign_wildcard_is_told(served, sim):
    foreign(sim, "A", "*.example.com")
    answer = took(served.publish(NAME, served.origin.url))
    assert any("*.example.com" in w and "192.0.2.9" in w for w in answer["warnings"]), answer
    assert served.publish("x.y.example.com", served.origin.url)["warnings"]
    assert len(sim.records("*.example.com")) == 1


# ---- names in any spelling ----

@pytest.mark.parametrize("spelling", ["BÜCHER.Example.COM.", "xn--bcher-kva.example.com",
                                      "XN--BCHER-KVA.EXAMPLE.COM"])
def test_a_foreign_record_is_found_in_any_spelling(served, sim, spelling):
    theirs = foreign(sim, "A", "xn--bcher-kva.example.com")
    e = served.refused("route_set", hostname=spelling, service=served.origin.url)
    assert e.kind == "conflict" and theirs["id"] in e.hint
    plan = served.api("route_set", hostname=spelling, service=served.origin.url,
                      overwrite=[theirs["id"]])
    took(approve(served, plan))
    is_ours(served, sim, "xn--bcher-kva.example.com")
