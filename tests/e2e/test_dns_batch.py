"""Many records at once: few requests, each record with its own fate, and no answer that is lost
makes or loses one."""
import concurrent.futures
import time

import pytest

from harness import until

RECORDS = "/zones/*/dns_records*"
BATCH = "/zones/*/dns_records/batch"
LIST = "/zones/*/dns_records"
POST_BATCH = "POST /zones/{zone}/dns_records/batch"


def names(n):
    return [f"n{i}.example.com" for i in range(n)]


def set_all(host, wanted, content="192.0.2.1", **more):
    def one(name):
        return host.api("dns_set", name=name, type="A", content=content, wait=False, **more)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        return list(pool.map(one, wanted))


def all_converged(host, n):
    rows = host.items("dns_list", limit=500)
    return len(rows) == n and all(r["converged"] for r in rows)


def go(host, revision, **more):
    plan = host.api("plan_create", revision=revision)
    assert plan["changes"], plan
    if plan["state"] == "needs_approval":
        dropped = sum(c["sign"] == "-" for c in plan["changes"])
        return plan, host.api("plan_approve", plan=plan["plan"], hash=plan["hash"],
                              deletes=dropped, timeout="120s", **more)
    return plan, host.api("plan_apply", plan=plan["plan"], timeout="120s", **more)


def calls(sim, since):
    return [f"{r['method']} {r['family']}" for r in sim.log(since) if "dns_records" in r["path"]]


@pytest.fixture
def many(running, sim):
    """Twelve records that were made; all but the first are gone again."""
    set_all(running, names(1))
    set_all(running, names(12)[1:])
    until(lambda: all_converged(running, 12), 60)
    running.top = running.status()["revision"]
    _, done = go(running, 1)
    assert done["converged"] and len(sim.records()) == 1, done
    return running


def test_150_records_are_a_few_requests(running, sim):
    set_all(running, names(1))
    since = sim.mark()
    rows = "".join(f"  - {{name: {n}, type: A, content: 192.0.2.1}}\n" for n in names(150)[1:])
    done = running.api("manifest_apply", text=f"manifest: many\nrecords:\n{rows}", timeout="60s")
    assert done["converged"], done
    until(lambda: all_converged(running, 150), 30)
    assert sim.writes(since)[-1] == POST_BATCH and len(sim.writes(since)) <= 2
    top = running.status()["revision"]
    since = sim.mark()
    plan, done = go(running, 1)
    assert done["converged"] and len(sim.records()) == 1, done
    assert sim.writes(since) == [POST_BATCH]
    assert len(calls(sim, since)) <= 4, calls(sim, since)
    since = sim.mark()
    plan, done = go(running, top)
    assert done["converged"] and len(sim.records()) == 150, done
    zone, = [c for c in plan["changes"] if c["object"] == "zone"]
    assert zone["sign"] == "=" and "1 of 1000 records" in zone["detail"]
    assert sim.writes(since) == [POST_BATCH]
    assert len(calls(sim, since)) <= 6, calls(sim, since)
    assert all(r["content"] == "192.0.2.1" for r in sim.records())
    ledger = [r for r in running.tables()["ledger"] if r["operation"] == "POST dns_records"]
    assert len([r for r in ledger if r["phase"] == "intent"]) >= 299


def test_one_that_is_wrong_does_not_hold_the_others(many, sim):
    sim.fault("error", method="POST", path=RECORDS, body_has="n7.example.com", status=400,
              code=9005, message="not this one", count=0)
    since = sim.mark()
    plan, done = go(many, many.top)
    assert not done["converged"] and len(sim.records()) == 11, done
    assert [r["name"] for r in many.items("dns_list") if r.get("problem")] == ["n7.example.com"]
    assert len(sim.writes(since)) <= 12, "halves, not one by one"
    sim.faults_clear()
    until(lambda: all_converged(many, 12), 60)


def check_sent_again(writes, again):
    """Those whose 35 s end a moment later may go by themselves, but each goes twice at the most."""
    assert writes[0] == POST_BATCH and (len(writes) > 1) == again and len(writes) <= 4, writes


@pytest.mark.waits
@pytest.mark.parametrize("do", ["lose", "drop"])
def test_a_batch_without_an_answer(many, sim, do):
    sim.fault(do, method="POST", path=BATCH)
    since = sim.mark()
    _, done = go(many, many.top)
    assert done["converged"] and len(sim.records()) == 12, done
    assert len({r["name"] for r in sim.records()}) == 12
    check_sent_again(sim.writes(since), do == "drop")
    assert many.status()["problems"] == []


@pytest.mark.parametrize("do", ["lose", "drop"])
def test_deletes_without_an_answer(many, sim, do):
    go(many, many.top)
    sim.fault(do, method="POST", path=BATCH)
    _, done = go(many, 1)
    assert done["converged"] and len(sim.records()) == 1, done


@pytest.mark.waits
def test_cloudflare_is_down_for_a_while(many, sim):
    sim.fault("error", method="POST", path=BATCH, status=503, code=10000, message="no", count=1)
    since = sim.mark()
    _, done = go(many, many.top)
    assert done["converged"] and len(sim.records()) == 12, done
    check_sent_again(sim.writes(since), True)


@pytest.mark.waits
@pytest.mark.parametrize("ms", [0, 30, 120])
def test_killed_between(many, sim, ms):
    sim.fault("late", method="POST", path=BATCH, ms=60)
    go(many, many.top, wait=False)
    if ms:
        until(lambda: any("batch" in w for w in calls(sim, 0)[-3:]), 20)
    time.sleep(ms / 1000)
    many.kill9()
    many.start()
    until(lambda: all_converged(many, 12), 100)
    assert len(sim.records()) == 12 and len({r["name"] for r in sim.records()}) == 12


def test_answers_that_are_about_others_are_not_believed(many, sim):
    sim.fault("wrong", method="POST", path=BATCH,
              body='{"success":true,"errors":[],"messages":[],"result":{"posts":[]}}')
    _, done = go(many, many.top)
    assert done["converged"] and len(sim.records()) == 12, done


def test_a_plan_that_does_not_fit_is_refused(many, sim):
    sim.fault("wrong", method="GET", path="*/dns_records/usage", count=9,
              body='{"success":true,"errors":[],"messages":[],'
                   '"result":{"record_usage":190,"record_quota":200}}')
    e = many.refused("plan_create", revision=many.top)
    assert e.kind == "conflict" and "190 of 200" in e.message and "11 more" in e.message
    assert len(sim.records()) == 1


def test_a_foreign_record_among_many_is_found_beforehand(many, sim):
    theirs = sim.edit("POST", "/zones/@example.com/dns_records",
                      {"name": "n5.example.com", "type": "CNAME", "content": "x.example.net"})
    e = many.refused("plan_create", revision=many.top)
    assert e.kind == "conflict" and "n5.example.com" in e.message and theirs["id"] in e.hint
    assert len(sim.records()) == 2


def test_a_zone_that_cannot_be_listed_is_asked_name_by_name(many, sim):
    plan = many.api("plan_create", revision=many.top)
    sim.fault("wrong", method="GET", path=LIST, count=1,
              body='{"success":true,"errors":[],"messages":[],"result":[{"id":"x"}],'
                   '"result_info":{"page":1,"per_page":5000,"count":1,"total_count":1}}')
    done = many.api("plan_apply", plan=plan["plan"], timeout="60s")
    assert done["converged"] and len(sim.records()) == 12, done
