"""An edit of a record of adit's that comes between what adit last put there and adit's own later
write of it, which no plan named: it is told before it is written over, once, and kept."""
import sqlite3
import time

from harness import until

ZONE = "/zones/@example.com/dns_records"
RECORDS = "/zones/*/dns_records/*"


def own(host, name, **more):
    answer = host.api("dns_set", **{"name": name, "type": "A", "content": "192.0.2.1", "approve": True,
                                 **more})
    assert answer["converged"], answer


def waiting(host, name, content="192.0.2.9", **more):
    """A plan of another content, which waits."""
    plan = host.api("dns_set", name=name, type="A", content=content, **more)
    assert plan["state"] == "needs_approval", plan
    return plan


def edit(sim, name, **members):
    record, = sim.records(name)
    sim.edit("PATCH", f"{ZONE}/{record['id']}", members)


def carry_out(host, plan, **more):
    return host.api("plan_approve", plan=plan["plan"], hash=plan["hash"], **more)


def told(host):
    return [e for e in host.items("event_list") if e["kind"] == "edit_overwritten"]


def shown(host):
    return [r for r in host.items("drift_list") if r["kind"] == "overwritten"]


def content(sim, name):
    return [r["content"] for r in sim.records(name)]


def test_an_edit_after_the_plan_is_told_and_kept(running, sim):
    own(running, "a.example.com", ttl=300)
    plan = waiting(running, "a.example.com", ttl=300)
    edit(sim, "a.example.com", content="192.0.2.66", ttl=900)
    assert carry_out(running, plan)["converged"]
    assert content(sim, "a.example.com") == ["192.0.2.9"]
    event, = told(running)
    assert event["name"] == "a.example.com" and plan["plan"] in event["message"], event
    assert "A a.example.com: content, ttl were changed by somebody" in event["message"], event
    assert "192.0.2.66" not in event["message"], event
    assert event["untrusted_detail"] == "content: 192.0.2.66, ttl: 900", event
    rows = shown(running)
    assert [(r["object"], r["name"], r["field"], r["wanted"], r["untrusted_seen"])
            for r in rows] == [
        ("record", "a.example.com", "content", "192.0.2.9", "192.0.2.66"),
        ("record", "a.example.com", "ttl", "300", "900")], rows
    assert len(running.items("drift_list", zone="example.com")) == 2
    assert running.items("drift_list", zone="example.net") == []
    running.restart()
    assert len(told(running)) == 1 and shown(running) == rows


def test_a_plan_names_an_edit_that_is_known(running, sim):
    own(running, "a.example.com", ttl=300)
    edit(sim, "a.example.com", content="192.0.2.66")
    running.items("drift_list", refresh=True)
    for answer, fate in (
            (running.api("dns_set", name="a.example.com", type="A", content="192.0.2.9", ttl=300,
                         dry_run=True), "this plan writes over that"),
            (running.api("dns_delete", name="a.example.com", type="A", dry_run=True),
             "this plan deletes it all the same"),
            (running.api("dns_delete", name="a.example.com", type="A", release=True, dry_run=True),
             "that stays as it is")):
        said = "\n".join(answer["warnings"])
        assert f"A record a.example.com was changed by somebody since adit last wrote it " \
            f"(content): {fate}" in said, said
        assert "192.0.2.66" not in said, said


def test_a_plan_that_waits_is_stale_when_an_edit_was_seen_meanwhile(running, sim):
    """Who approves it was not shown what it would lose."""
    own(running, "a.example.com")
    own(running, "b.example.com")
    plans = [waiting(running, "a.example.com"),
             running.api("dns_delete", name="b.example.com", type="A")]
    for name in ("a.example.com", "b.example.com"):
        edit(sim, name, content="192.0.2.66")
    running.items("drift_list", refresh=True)
    since = sim.mark()
    for plan, fate in zip(plans, ("this plan writes over that", "this plan deletes it")):
        e = running.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
        assert e.kind == "conflict" and "is stale" in e.message and fate in e.message, e
        assert running.api("plan_get", plan=plan["plan"])["state"] == "stale"
    assert sim.writes(since) == [] and content(sim, "a.example.com") == ["192.0.2.66"]
    # One that says it is carried out.
    plan = waiting(running, "a.example.com")
    assert "this plan writes over that" in "\n".join(plan["warnings"]), plan
    assert carry_out(running, plan)["converged"]
    assert content(sim, "a.example.com") == ["192.0.2.9"]


def test_without_an_edit_nothing_is_told(running, sim):
    own(running, "a.example.com")
    assert carry_out(running, waiting(running, "a.example.com"))["converged"]
    # An edit to what is wanted anyway is not lost either.
    plan = waiting(running, "a.example.com", "192.0.2.7")
    edit(sim, "a.example.com", content="192.0.2.7")
    assert carry_out(running, plan)["converged"]
    own(running, "a.example.com", content="192.0.2.8")
    assert content(sim, "a.example.com") == ["192.0.2.8"]
    assert not told(running) and not shown(running)


def test_what_a_repair_names_is_no_news(running, sim):
    own(running, "a.example.com")
    edit(sim, "a.example.com", content="192.0.2.66")
    running.api("drift_list", refresh=True)
    plan = running.api("plan_create", drift=True, object="a.example.com")
    running.api("plan_apply", plan=plan["plan"], hash=plan["hash"])
    until(lambda: content(sim, "a.example.com") == ["192.0.2.1"])
    assert not told(running)


def test_a_deletion_tells_the_edit_that_goes_with_it(running, sim):
    own(running, "a.example.com")
    plan = running.api("dns_delete", name="a.example.com", type="A")
    assert plan["state"] == "needs_approval", plan
    edit(sim, "a.example.com", content="192.0.2.66")
    assert carry_out(running, plan)["converged"]
    assert sim.records("a.example.com") == []
    event, = told(running)
    assert "it is deleted because plan " + plan["plan"] in event["message"], event
    row, = shown(running)
    assert (row["wanted"], row["untrusted_seen"]) == ("no record", "192.0.2.66"), row


def test_a_refused_write_tells_once(running, sim):
    own(running, "a.example.com")
    plan = waiting(running, "a.example.com")
    edit(sim, "a.example.com", content="192.0.2.66")
    sim.fault("error", method="PATCH", path=RECORDS, status=400, code=9005, count=2)
    carry_out(running, plan)
    until(lambda: content(sim, "a.example.com") == ["192.0.2.9"], seconds=40)
    running.wait_converged()
    assert len(told(running)) == 1, told(running)


def test_killed_with_the_write_on_its_way(running, sim):
    own(running, "a.example.com")
    plan = waiting(running, "a.example.com")
    edit(sim, "a.example.com", content="192.0.2.66")
    sim.fault("delay", method="PATCH", path=RECORDS, ms=1500, count=1)
    since = sim.mark()
    carry_out(running, plan, wait=False)
    until(lambda: told(running))
    running.kill9()
    running.start()
    running.wait_converged()
    assert content(sim, "a.example.com") == ["192.0.2.9"], sim.writes(since)
    assert len(told(running)) == 1 and len(shown(running)) == 1


def test_a_lost_answer_is_nobodys_edit(running, sim):
    """What adit wrote itself, and never heard of, is not taken for somebody else's."""
    own(running, "a.example.com")
    sim.fault("lose", method="PATCH", path=RECORDS, count=1)
    plan = waiting(running, "a.example.com")
    carry_out(running, plan, wait=False)
    until(lambda: content(sim, "a.example.com") == ["192.0.2.9"])
    own(running, "a.example.com", content="192.0.2.10")
    assert content(sim, "a.example.com") == ["192.0.2.10"] and not told(running)


def test_an_edit_between_the_look_and_the_write_is_told_by_the_audit_log(running, sim):
    """Nobody saw what stood there: Cloudflare let the write wait after the look."""
    own(running, "a.example.com")
    plan = waiting(running, "a.example.com")
    sim.fault("limit", method="PATCH", path=RECORDS, ms=4000, count=1)
    carry_out(running, plan, wait=False)
    sim.wait_struck()
    time.sleep(1.1)  # the log may tell whole seconds
    edit(sim, "a.example.com", content="192.0.2.66")
    until(lambda: content(sim, "a.example.com") == ["192.0.2.9"], why="it was not written")
    running.wait_converged()
    running.items("drift_list", refresh=True)
    event, = until(lambda: told(running), why="the lost edit was not told")
    assert event["name"] == "a.example.com" and "was not seen" in event["message"], event
    assert plan["plan"] in event["message"] and event["untrusted_detail"], event
    running.items("drift_list", refresh=True)
    assert len(told(running)) == 1


def test_several_in_one_batch(running, sim):
    names = [f"b{i}.example.com" for i in range(4)]

    def wish(content, **more):
        rows = "".join(f"  - {{name: {n}, type: A, content: {content}}}\n" for n in names)
        return running.api("manifest_apply", text=f"manifest: many\nrecords:\n{rows}", **more)

    assert wish("192.0.2.1")["converged"]
    plan = wish("192.0.2.9")
    assert plan["state"] == "needs_approval", plan
    for name in names[:2]:
        edit(sim, name, content="192.0.2.66")
    since = sim.mark()
    assert carry_out(running, plan)["converged"]
    assert all(content(sim, name) == ["192.0.2.9"] for name in names)
    assert sim.writes(since) == ["POST /zones/{zone}/dns_records/batch"]
    assert sorted(e["name"] for e in told(running)) == names[:2], told(running)
    assert {r["name"] for r in shown(running)} == set(names[:2])


def test_a_row_of_before_learns_what_stands_there(running, sim):
    """An older aditd left no word of what it applied."""
    own(running, "a.example.com")
    running.stop()
    db = sqlite3.connect(running.state_dir / "adit.db")
    with db:
        db.execute("UPDATE record SET applied = NULL, asked = NULL")
    db.close()
    running.start()
    running.api("drift_list", refresh=True)
    row, = [r for r in running.tables()["record"] if r["name"] == "a.example.com"]
    assert "192.0.2.1" in row["applied"], row
    plan = waiting(running, "a.example.com")
    edit(sim, "a.example.com", content="192.0.2.66")
    assert carry_out(running, plan)["converged"]
    assert len(told(running)) == 1


def test_overwritten_records_count_as_deletions(running, sim):
    """Each that gives way is gone for good, like what adit deletes."""
    theirs = [sim.edit("POST", ZONE, {"name": "t.example.com", "type": "A",
                                      "content": f"192.0.2.{10 + i}"}) for i in range(3)]
    running.configure(safety={"max_delete": 2})
    running.reload()
    plan = running.api("dns_set", name="t.example.com", type="CNAME", content="x.example.org",
                       overwrite=[r["id"] for r in theirs])
    assert plan["state"] == "needs_approval" and plan["deletes"] == 3, plan
    assert any(a.startswith("Deletes 3 objects at once") for a in plan["approvals"]), plan
    assert running.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    done = running.api("plan_approve", plan=plan["plan"], hash=plan["hash"], deletes=3)
    assert done["converged"] and content(sim, "t.example.com") == ["x.example.org"]
    row, = [p for p in running.tables()["plan"] if p["drops"]]
    assert row["drops"] == 3
