"""What people do to adit's own records by hand, and plans over more than one zone."""
import time

import pytest

from harness import SETTLE, ApiError, until

NAME, OLD = "mail.example.com", "old.example.com"
BATCH = "POST /zones/{zone}/dns_records/batch"
USAGE = "*/dns_records/usage"


def path_of(record, zone="example.com"):
    return f"/zones/@{zone}/dns_records/{record['id']}"


def observe(host):
    host.api("drift_list", refresh=True)


def done(answer):
    assert answer["state"] == "applied" and answer["converged"] is True, answer
    return answer


def approve(host, plan, **more):
    return host.api("plan_approve", plan=plan["plan"], hash=plan["hash"], **more)


@pytest.fixture
def renamed(running, sim, request):
    """A record of adit's that somebody gave another name."""
    done(running.api("dns_set", name=NAME, type="A", content="192.0.2.1",
                     drift=getattr(request, "param", "report")))
    sim.edit("PATCH", path_of(sim.records(NAME)[0]), {"name": OLD})
    return running


@pytest.mark.parametrize("renamed", ["report", "repair"], indirect=True)
def test_a_record_that_was_renamed_is_told_and_put_back_by_a_person(renamed, sim):
    since = sim.mark()
    observe(renamed)
    row, = renamed.items("drift_list")
    assert (row["field"], row["wanted"], row["untrusted_seen"]) == ("name", NAME, OLD)
    renamed.wait_problem(object="record", name=NAME, kind="conflict")
    assert sim.writes(since) == []
    plan = renamed.api("plan_create", drift=True)
    assert plan["state"] == "needs_approval" and "another name" in plan["approvals"][0], plan
    done(approve(renamed, plan))
    assert len(sim.records(NAME)) == 1 and sim.records(OLD) == []
    assert renamed.items("drift_list") == [] and renamed.status()["problems"] == []


def test_under_its_new_name_it_is_neither_changed_nor_deleted(renamed, sim):
    since = sim.mark()
    answer = renamed.api("dns_set", name=NAME, type="A", content="192.0.2.2", approve=True,
                         timeout="2s")
    assert not answer["converged"]
    renamed.wait_problem(object="record", name=NAME, kind="conflict")
    answer = renamed.api("dns_delete", name=NAME, type="A", approve=True, timeout="2s")
    assert not answer["converged"]
    problem = renamed.wait_problem(object="record", name=NAME, kind="conflict")
    assert "another name" in problem["message"]
    record, = sim.records(OLD)
    assert record["content"] == "192.0.2.1" and sim.writes(since) == []
    sim.edit("PATCH", path_of(record), {"name": NAME})
    observe(renamed)
    until(lambda: sim.records() == [], 60)


def test_what_somebody_wrote_behind_the_mark_stays(site, sim):
    record, = sim.records()
    words = record["comment"] + " do not touch"
    sim.edit("PATCH", path_of(record), {"comment": words})
    done(site.api("tunnel_create", name="other"))
    done(site.api("route_set", hostname="app.example.com", service=site.origin.url,
                  tunnel="other", approve=True))
    after, = sim.records()
    other, = sim.tunnels("other")
    assert after["content"] == other["id"] + ".cfargotunnel.com" and after["comment"] == words


def test_a_comment_that_a_manifest_adds_is_written(site, sim):
    text = ("manifest: site\ntunnels:\n- name: edge1\n  routes:\n  - hostname: app.example.com\n"
            f"    service: {site.origin.url}\n    comment: {{}}\n")
    for comment in ("from a file", "from another"):
        answer = site.api("manifest_apply", text=text.format(comment), approve=True)
        assert answer["converged"], answer
        assert sim.records()[0]["comment"].endswith(" " + comment)


def test_wanted_again_while_a_delete_may_still_land(running, sim):
    wish = {"name": NAME, "type": "A", "content": "192.0.2.1"}
    done(running.api("dns_set", **wish))
    old, = sim.records(NAME)
    sim.fault("late", method="DELETE", path="/zones/*/dns_records/*", ms=2500)
    running.api("dns_delete", name=NAME, type="A", approve=True, wait=False)
    sim.wait_struck()
    time.sleep(0.3)  # aditd knows by now that the answer is lost
    answers = []

    def again():
        try:
            answers.append(running.api("dns_set", **wish))
        except ApiError as e:
            assert e.kind == "busy" and NAME in e.message, e
        return answers

    until(again, every=0.2)
    assert answers[0]["converged"], answers
    time.sleep(3)
    observe(running)
    new, = sim.records(NAME)
    assert new["id"] != old["id"] and running.items("drift_list") == []


def test_wanted_again_after_a_restart_while_a_delete_may_still_land(running, sim):
    """aditd is killed while the DELETE is on its way, which lands seconds later. Those that it sends
    after the start are refused."""
    wish = {"name": NAME, "type": "A", "content": "192.0.2.1"}
    done(running.api("dns_set", **wish))
    old, = sim.records(NAME)
    sim.fault("late", method="DELETE", path="/zones/*/dns_records/*", ms=4000, hold=True)
    running.api("dns_delete", name=NAME, type="A", approve=True, wait=False)
    sim.wait_struck()
    running.kill9()
    assert [r["key"] for r in running.tables()["meta"] if r["key"].startswith("deleting:")]
    sim.fault("error", method="DELETE", status=400, code=9005, message="not now", count=0)
    running.start(observed=False)
    sim.wait_struck(2)
    time.sleep(0.3)
    with pytest.raises(ApiError) as e:
        running.api("dns_set", **wish, wait=False)
    assert e.value.kind == "busy" and NAME in e.value.message, e.value
    until(lambda: sim.records(NAME) == [], why="the DELETE did not land")
    sim.faults_clear()
    running.reload()
    until(lambda: running.items("dns_list", name=NAME) == [], SETTLE)
    assert not [r for r in running.tables()["meta"] if r["key"].startswith("deleting:")]
    done(running.api("dns_set", **wish))
    new, = sim.records(NAME)
    assert new["id"] != old["id"]


def records(zone, n):
    return "".join(f"- {{name: n{i}.{zone}, type: A, content: 192.0.2.1}}\n" for i in range(n))


def test_a_plan_over_two_zones(running, sim):
    text = "manifest: site\nrecords:\n" + records("example.com", 12) + records("example.net", 4)
    since = sim.mark()
    answer = done(running.api("manifest_apply", text=text, timeout="60s"))
    zones = {c["name"]: c["detail"] for c in answer["changes"] if c["object"] == "zone"}
    assert zones == {"example.com": "0 of 1000 records"}, "only many are counted"
    assert sim.writes(since) == [BATCH, BATCH]
    assert len(sim.records()) == 16 and all(r["converged"] for r in running.items("dns_list"))
    # What stands in the way in the second zone refuses the whole plan, and nothing is written.
    running.api("manifest_apply", text="manifest: site\n", prune=True, approve=True,
                deletes=16, timeout="60s")
    until(lambda: sim.records() == [], 60)
    sim.edit("POST", "/zones/@example.net/dns_records",
             {"name": "n2.example.net", "type": "A", "content": "192.0.2.9"})
    since = sim.mark()
    e = running.refused("manifest_apply", text=text)
    assert e.kind == "conflict" and "n2.example.net" in e.message
    assert sim.writes(since) == [] and len(sim.records()) == 1


def test_what_is_overwritten_makes_room(running, sim):
    ids = [sim.edit("POST", "/zones/@example.com/dns_records",
                    {"name": f"n{i}.example.com", "type": "A", "content": "192.0.2.9"})["id"]
           for i in range(3)]
    text = "manifest: site\nrecords:\n" + records("example.com", 12)
    told = ('{"success":true,"errors":[],"messages":[],'
            '"result":{"record_usage":%d,"record_quota":200}}')
    sim.fault("wrong", method="GET", path=USAGE, body=told % 192)
    e = running.refused("manifest_apply", text=text, overwrite=ids)
    assert e.kind == "conflict" and "192 of 200" in e.message
    sim.fault("wrong", method="GET", path=USAGE, count=0, body=told % 191)
    plan = running.api("manifest_apply", text=text, overwrite=ids)
    assert plan["state"] == "needs_approval", plan
    done(approve(running, plan, timeout="60s"))
    assert len(sim.records()) == 12 and {r["content"] for r in sim.records()} == {"192.0.2.1"}
