"""DNS records of any type that adit owns: set, set again, changed, deleted; nothing foreign is
touched, and no answer that is lost makes two of them."""
import concurrent.futures
import time

import pytest

from harness import ApiError, until

NAME = "mail.example.com"
RECORDS = "/zones/*/dns_records*"


def mark(host):
    s = host.status()
    return f"adit:{s['owner']}/{s['install']}"


def zone_id(sim, name="example.com"):
    return next(z["id"] for z in sim.state()["zones"] if z["name"] == name)


def set_record(host, name=NAME, type="A", content="192.0.2.1", **more):
    return host.api("dns_set", name=name, type=type, content=content, **more)


def done(answer, state="applied"):
    assert answer["state"] == state and answer["converged"] is True, answer
    return answer


def foreign(sim, type, content, name=NAME, **more):
    return sim.edit("POST", "/zones/@example.com/dns_records",
                    {"name": name, "type": type, "content": content, **more})


def posts(sim, since):
    return [w for w in sim.writes(since) if w.startswith("POST")]


@pytest.mark.parametrize("type, content, more", [
    ("A", "192.0.2.1", {}),
    ("A", "192.0.2.1", {"proxied": True}),
    ("AAAA", "2001:db8::1", {"ttl": 300}),
    ("CNAME", "target.example.net", {"comment": "to the other site"}),
    ("MX", "mx.example.net", {"priority": 20}),
    ("MX", "mx.example.net", {"priority": 0}),
    ("TXT", "v=spf1 -all", {"ttl": 3600}),
    ("TXT", '"in" "pieces"', {}),
    ("TXT", "blau – grün", {"comment": "größer"}),
])
def test_made_and_the_same_again(running, sim, type, content, more):
    first = done(set_record(running, type=type, content=content, **more))
    assert [(c["sign"], c["object"], c["name"]) for c in first["changes"]] == [
        ("+", "record", NAME)]
    record, = sim.records()
    assert (record["name"], record["type"], record["content"]) == (NAME, type, content)
    assert record["proxied"] is more.get("proxied", False)
    assert record["ttl"] == more.get("ttl", 1)
    assert record["comment"] == " ".join(filter(None, [mark(running), more.get("comment")]))
    if type == "MX":
        assert record["priority"] == more["priority"]
    since = sim.mark()
    again = done(set_record(running, type=type, content=content, **more), "unchanged")
    assert again["changes"] == [] and "plan" not in again
    assert sim.writes(since) == []
    row, = running.items("dns_list")
    assert row["owned"] and row["converged"] and row["type"] == type and "problem" not in row
    assert row["content"] == content and row["zone"] == "example.com"
    assert running.status()["state"] == "ok"


def test_it_is_the_same_in_another_spelling(running, sim):
    done(set_record(running, name="MAIL.Example.COM.", type="AAAA", content="2001:DB8:0:0::1"))
    assert sim.records()[0]["name"] == NAME and sim.records()[0]["content"] == "2001:db8::1"
    done(set_record(running, type="AAAA", content="2001:db8::1"), "unchanged")
    done(set_record(running, name="bücher.example.com", type="CNAME", content="Ziel.Example.NET."))
    record, = sim.records("xn--bcher-kva.example.com")
    assert record["content"] == "ziel.example.net"
    done(set_record(running, name="XN--bcher-kva.example.com", type="CNAME",
                    content="ziel.example.net"), "unchanged")
    done(set_record(running, name="text.example.com", type="TXT", content="a b"))
    since = sim.mark()
    done(set_record(running, name="text.example.com", type="TXT", content='"a b"'), "unchanged")
    assert sim.writes(since) == []
    deleted = running.api("dns_delete", name="BÜCHER.example.com", type="CNAME", approve=True)
    assert done(deleted) and sim.records("xn--bcher-kva.example.com") == []


@pytest.mark.parametrize("change", [{"ttl": 120}, {"comment": "new"}, {"proxied": True}])
def test_a_member_changes_by_one_patch(running, sim, change):
    done(set_record(running, comment="old"))
    since = sim.mark()
    answer = done(set_record(running, **{"comment": "old", **change}))
    assert [c["sign"] for c in answer["changes"]] == ["~"]
    assert sim.writes(since) == ["PATCH /zones/{zone}/dns_records/{hex}"]
    record, = sim.records()
    assert record["comment"] == f"{mark(running)} {change.get('comment', 'old')}"
    assert record["ttl"] == change.get("ttl", 1)
    assert record["proxied"] is change.get("proxied", False)
    done(set_record(running, **{"comment": "old", **change}), "unchanged")


def test_leading_elsewhere_needs_approval(running, sim):
    done(set_record(running, proxied=True))
    since = sim.mark()
    answer = set_record(running, content="192.0.2.2", proxied=True)
    assert answer["state"] == "needs_approval" and sim.writes(since) == []
    assert "192.0.2.1" in answer["approvals"][0] and "192.0.2.2" in answer["approvals"][0]
    applied = running.api("plan_approve", plan=answer["plan"], hash=answer["hash"])
    assert done(applied) and sim.records()[0]["content"] == "192.0.2.2"
    bare = set_record(running, content="192.0.2.2")
    assert bare["state"] == "needs_approval" and "proxy" in bare["approvals"][0]
    done(set_record(running, name="t.example.com", type="TXT", content="one"))
    changed = done(set_record(running, name="t.example.com", type="TXT", content="two"))
    assert "one TXT record" in changed["warnings"][0]
    assert [r["content"] for r in sim.records("t.example.com")] == ["two"]


@pytest.mark.parametrize("kind, one, two", [
    ("CAA", '0 issue "letsencrypt.org"', '0 issue "pki.goog"'),
    ("TLSA", "3 1 1 c0ffee00", "3 1 1 c0ffee01"),
    ("SSHFP", "4 2 c0ffee00", "4 2 c0ffee01")])
def test_what_leads_nowhere_is_changed_at_once(running, sim, kind, one, two):
    done(set_record(running, name="t.example.com", type=kind, content=one))
    done(set_record(running, name="t.example.com", type=kind, content=two))
    assert len(sim.records("t.example.com")) == 1


@pytest.mark.parametrize("kind, one, two", [
    ("MX", "mx1.example.net", "mx2.example.net"),
    ("NS", "ns1.example.net", "ns2.example.net"),
    ("SRV", "10 5 443 a.example.net", "10 5 443 b.example.net"),
    ("HTTPS", "1 a.example.net alpn=h2", "1 b.example.net alpn=h2")])
def test_what_leads_somewhere_is_asked_for(running, sim, kind, one, two):
    name = "_sip._tcp.example.com" if kind == "SRV" else "t.example.com"
    done(set_record(running, name=name, type=kind, content=one))
    answer = set_record(running, name=name, type=kind, content=two)
    assert answer["state"] == "needs_approval" and "Repoints" in answer["approvals"][0]


@pytest.mark.parametrize("theirs, ours", [("A", "A"), ("A", "CNAME"), ("AAAA", "CNAME"),
                                          ("CNAME", "A"), ("CNAME", "AAAA"), ("CNAME", "CNAME"),
                                          ("TXT", "TXT"), ("MX", "MX")])
def test_what_is_foreign_is_refused(running, sim, theirs, ours):
    contents = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "CNAME": "x.example.net", "TXT": "text",
                "MX": "mx.example.net"}
    before = foreign(sim, theirs, contents[theirs])
    since = sim.mark()
    for dry_run in (True, False):
        e = running.refused("dns_set", name=NAME, type=ours, content=contents[ours],
                            dry_run=dry_run)
        assert e.kind == "conflict" and "not adit's" in e.message and theirs in e.message
        assert ("no second one" in e.message) is (theirs == ours)
    e = running.refused("dns_delete", name=NAME, type=theirs)
    assert e.kind == "not_found" and "not adit's" in e.message
    assert sim.writes(since) == [] and [r["id"] for r in sim.records()] == [before["id"]]
    assert running.items("dns_list") == []


def test_what_does_not_clash_stands_beside(running, sim):
    foreign(sim, "A", "192.0.2.9")
    foreign(sim, "TXT", "theirs", name="other.example.com")
    done(set_record(running, type="AAAA", content="2001:db8::1"))
    done(set_record(running, type="TXT", content="ours"))
    done(set_record(running, type="MX", content="mx.example.net"))
    assert len(sim.records(NAME)) == 4
    assert sim.control("GET", "counters")["foreign_writes"] == 0


def test_a_foreign_record_that_comes_between(running, sim):
    """The look beforehand saw nothing; the look right before the POST sees it."""
    sim.fault("error", method="GET", path=RECORDS, status=503, code=10000, message="no",
              count=1)
    before = foreign(sim, "A", "192.0.2.9")
    answer = set_record(running)
    assert not answer["converged"] and answer["warnings"], answer
    problem, = answer["problems"]
    assert problem["kind"] == "conflict" and "dns delete" in problem["hint"]
    assert [r["id"] for r in sim.records()] == [before["id"]]
    done(running.api("dns_delete", name=NAME, type="A", approve=True))
    assert [r["id"] for r in sim.records()] == [before["id"]]


def test_our_own_records_do_not_clash_either(running, sim):
    done(set_record(running))
    e = running.refused("route_set", hostname=NAME, service="http://127.0.0.1:1")
    assert e.kind == "conflict" and "dns delete" in e.hint
    done(set_record(running, type="AAAA", content="2001:db8::1"))
    e = running.refused("dns_set", name=NAME, type="CNAME", content="x.example.net")
    assert e.kind == "conflict" and "more than one" in e.message and "dns delete" in e.hint
    assert len(sim.records()) == 2


def patient(host, operation, **args):
    """As a client does: what is refused as busy is asked for again."""
    busy = []

    def ask():
        try:
            return host.api(operation, **args)
        except ApiError as e:
            if e.kind != "busy":
                raise
            busy.append(e)
            return None

    return until(ask, every=0.1, why=lambda: f"busy: {busy[-1]}")


def test_callers_at_once(running, sim):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: set_record(running), range(8)):
            assert answer["state"] in ("applied", "unchanged") and answer["converged"], answer
        assert len(sim.records()) == 1
        states = list(pool.map(
            lambda x: patient(running, "dns_set", name="b.example.com", type=x[0],
                              content=x[1])["state"],
            [("A", "192.0.2.1"), ("CNAME", "x.example.net")] * 4))
    assert set(states) <= {"applied", "unchanged", "needs_approval"}, states
    assert len(sim.records("b.example.com")) == 1


def test_the_way_back_to_an_earlier_revision(running, sim):
    done(set_record(running, type="MX", content="mx.example.net", priority=5, comment="old"))
    done(set_record(running, name="t.example.com", type="TXT", content="one"))
    done(set_record(running, name="t.example.com", type="TXT", content="two", ttl=600))
    diff = running.api("revision_diff", **{"from": 2, "to": 3})["changes"]
    assert len(diff) == 1 and "two" in diff[0]["detail"], diff
    done(running.api("dns_delete", name=NAME, type="MX", approve=True))
    plan = running.api("plan_create", revision=2)
    verb = "plan_approve" if plan["state"] == "needs_approval" else "plan_apply"
    done(running.api(verb, plan=plan["plan"], hash=plan["hash"]))
    mx, = sim.records(NAME)
    assert (mx["content"], mx["priority"]) == ("mx.example.net", 5)
    assert mx["comment"].endswith(" old")
    text, = sim.records("t.example.com")
    assert (text["content"], text["ttl"]) == ("one", 1)


def test_a_routes_record_is_the_routes(site, sim):
    since = sim.mark()
    for type, content in (("CNAME", "x.example.net"), ("A", "192.0.2.1")):
        e = site.refused("dns_set", name="app.example.com", type=type, content=content)
        assert e.kind == "conflict" and "route_set" in e.hint, e
    e = site.refused("dns_delete", name="app.example.com", type="CNAME")
    assert e.kind == "conflict" and "route_delete" in e.hint
    tunnel = sim.tunnels()[0]["id"]
    e = site.refused("dns_set", name=NAME, type="CNAME", content=f"{tunnel}.cfargotunnel.com")
    assert e.kind == "invalid" and "route_set" in e.hint
    assert sim.writes(since) == []
    # A text beside it is no matter of the route's.
    done(set_record(site, name="app.example.com", type="TXT", content="hello"))
    assert site.items("route_list")[0]["state"] == "live"


def test_a_kept_record_of_a_route_is_not_adits_any_more(site, sim):
    done(site.api("route_delete", hostname="app.example.com", keep_dns=True, approve=True))
    assert len(sim.records()) == 1
    e = site.refused("dns_delete", name="app.example.com", type="CNAME")
    assert e.kind == "not_found" and len(sim.records()) == 1


def test_a_wildcard_route_does_not_lose_a_name_unasked(running, sim, origin):
    done(running.publish("*.example.com", origin.url))
    answer = set_record(running)
    assert answer["state"] == "needs_approval" and "*.example.com" in answer["approvals"][0]
    assert len(sim.records()) == 1


def test_deleted_by_the_hash_that_was_shown(running, sim):
    done(set_record(running))
    kept = foreign(sim, "TXT", "theirs")
    since = sim.mark()
    plan = running.api("dns_delete", name=NAME, type="A")
    assert plan["state"] == "needs_approval" and plan["changes"][0]["sign"] == "-"
    assert sim.writes(since) == []
    assert running.refused("plan_approve", plan=plan["plan"], hash="0" * 64).kind == "conflict"
    done(running.api("plan_approve", plan=plan["plan"], hash=plan["hash"]))
    assert sim.writes(since) == ["DELETE /zones/{zone}/dns_records/{hex}"]
    assert [r["id"] for r in sim.records()] == [kept["id"]]
    assert running.items("dns_list") == [] and running.tables()["record"] == []
    assert running.refused("dns_delete", name=NAME, type="A").kind == "not_found"
    done(set_record(running))
    assert len(sim.records()) == 2


def test_without_its_mark_nothing_is_written(running, sim):
    done(set_record(running))
    record, = sim.records()
    path = f"/zones/@example.com/dns_records/{record['id']}"
    sim.edit("PATCH", path, {"comment": "mine now"})
    since = sim.mark()
    answer = set_record(running, ttl=600)
    assert not answer["converged"] and "mark" in answer["problems"][0]["message"], answer
    for op, more in (("dns_set", {"content": "192.0.2.1", "ttl": 900}), ("dns_delete", {})):
        e = running.refused(op, name=NAME, type="A", **more)
        assert e.kind == "conflict" and "mark" in e.message and "mark" in e.hint
    assert sim.writes(since) == [] and sim.records()[0]["comment"] == "mine now"


def test_a_mark_that_goes_before_a_delete_keeps_the_record(running, sim):
    done(set_record(running))
    record, = sim.records()
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}", {"comment": None})
    answer = running.api("dns_delete", name=NAME, type="A", approve=True)
    assert not answer["converged"] and answer["problems"][0]["kind"] == "conflict"
    assert len(sim.records()) == 1


@pytest.mark.waits
@pytest.mark.parametrize("do", ["lose", "drop"])
@pytest.mark.parametrize("type, content", [("A", "192.0.2.1"), ("TXT", "some text"),
                                           ("MX", "mx.example.net")])
def test_a_create_without_an_answer(running, sim, do, type, content):
    if do == "drop" and type != "A":
        pytest.skip("it takes 35 s each")
    sim.fault(do, method="POST", path=RECORDS)
    since = sim.mark()
    done(set_record(running, type=type, content=content, timeout="80s"))
    assert len(sim.records()) == 1 and len(posts(sim, since)) == (1 if do == "lose" else 2)
    assert running.status()["problems"] == []


@pytest.mark.parametrize("do", ["lose", "drop"])
def test_a_change_without_an_answer(running, sim, do):
    done(set_record(running))
    sim.fault(do, method="PATCH", path=RECORDS)
    done(set_record(running, ttl=300, comment="new", timeout="60s"))
    record, = sim.records()
    assert record["ttl"] == 300 and record["comment"].endswith(" new")


@pytest.mark.parametrize("do", ["lose", "drop"])
def test_a_delete_without_an_answer(running, sim, do):
    done(set_record(running))
    sim.fault(do, method="DELETE", path=RECORDS)
    done(running.api("dns_delete", name=NAME, type="A", approve=True, timeout="60s"))
    assert sim.records() == [] and running.items("dns_list") == []


def test_a_change_while_the_create_is_unknown_waits(running, sim):
    sim.fault("late", method="POST", path=RECORDS, ms=4000)
    set_record(running, wait=False)
    sim.wait_struck()
    e = running.refused("dns_set", name=NAME, type="A", content="192.0.2.2")
    assert e.kind == "busy" and "being created" in e.message
    until(lambda: running.items("dns_list")[0]["converged"], 60)
    assert [r["content"] for r in sim.records()] == ["192.0.2.1"]


@pytest.mark.waits
@pytest.mark.parametrize("ms", [0, 5, 30])
def test_killed_between(running, sim, ms):
    set_record(running, wait=False, ttl=300)
    time.sleep(ms / 1000)
    running.kill9()
    running.start()
    until(lambda: running.items("dns_list")[0]["converged"], 60)
    assert len(sim.records()) == 1
    set_record(running, ttl=600, comment="after", wait=False)
    time.sleep(ms / 1000)
    running.kill9()
    running.start()
    until(lambda: running.items("dns_list")[0]["converged"], 60)
    record, = sim.records()
    assert record["ttl"] == 600 and record["comment"].endswith(" after")
    running.api("dns_delete", name=NAME, type="A", approve=True, wait=False)
    time.sleep(ms / 1000)
    running.kill9()
    running.start()
    until(lambda: running.items("dns_list") == [], 60)
    assert sim.records() == []


def test_changed_or_deleted_by_somebody_else(running, sim):
    done(set_record(running))
    record, = sim.records()
    path = f"/zones/@example.com/dns_records/{record['id']}"
    sim.edit("PATCH", path, {"ttl": 900})
    running.restart()
    problem = running.wait_problem(object="record", kind="conflict")
    assert "somebody else" in problem["message"] and "adit drift list" in problem["hint"]
    sim.edit("DELETE", path)
    running.restart()
    problem = running.wait_problem(object="record", kind="not_found")
    assert "dns delete" in problem["hint"]
    done(running.api("dns_delete", name=NAME, type="A", approve=True))
    done(set_record(running))


@pytest.mark.parametrize("args, word", [
    ({"type": "TXT", "content": "x", "proxied": True}, "proxied"),
    ({"type": "MX", "content": "mx.example.net", "proxied": True}, "proxied"),
    ({"ttl": 2}, "60"), ({"ttl": 59}, "60"), ({"ttl": 86401}, "86400"), ({"ttl": 0}, "ttl"),
    ({"proxied": True, "ttl": 300}, "ttl"),
    ({"content": "192.0.2.256"}, "IPv4"), ({"content": "2001:db8::1"}, "IPv4"),
    ({"type": "AAAA", "content": "192.0.2.1"}, "IPv6"),
    ({"type": "CNAME", "content": "192.0.2.1"}, "address"),
    ({"type": "CNAME", "content": NAME}, "itself"),
    ({"type": "CNAME", "content": "*.example.net"}, "wildcard"),
    ({"type": "MX", "content": "10 mx.example.net"}, "content"),
    ({"type": "TXT", "content": "two\nlines"}, "line"),
    ({"type": "SRV", "content": "5 5060 sip.example.net"}, "port"),
    ({"type": "SPF", "content": "v=spf1 -all"}, "CNAME"),
    ({"type": "LOC", "content": "51 N 0 W"}, "altitude"),
    ({"type": "NS", "content": "192.0.2.1"}, "address"),
    ({"comment": "x" * 90}, "100"), ({"comment": "ü" * 90}, "100"),
    ({"comment": "a\nb"}, "comment"),
    ({"zone": "example.net"}, "example.net"), ({"zone": "nowhere.org"}, "nowhere.org"),
    ({"name": "mail.nowhere.org"}, "zone"), ({"name": "mail"}, "name"),
])
def test_what_cannot_be_is_refused(running, sim, args, word):
    since = sim.mark()
    e = running.refused("dns_set", **{"name": NAME, "type": "A", "content": "192.0.2.1", **args})
    assert e.kind in ("invalid", "not_found") and word in e.message, e
    assert sim.writes(since) == [] and running.items("dns_list") == []


def test_a_comment_of_just_100_characters(running, sim):
    room = 100 - len(mark(running)) - 1
    done(set_record(running, comment="ü" * room, zone="example.com"))
    assert len(sim.records()[0]["comment"]) == 100
    e = running.refused("dns_set", name=NAME, type="A", content="192.0.2.1",
                        comment="ü" * (room + 1))
    assert "101" in e.message


def test_usage(running, sim):
    before = running.api("dns_usage", zone="example.com")
    assert before["record_usage"] == 0 and before["zone"] == "example.com"
    assert before["rate"]["limit"] > 0 and "record_quota" in before
    done(set_record(running))
    assert running.api("dns_usage", zone=zone_id(sim))["record_usage"] == 1
    assert running.refused("dns_usage", zone="nowhere.org").kind == "not_found"
    told = '{"success":true,"errors":[],"messages":[],"result":{"record_usage":3%s}}'
    for more, quota in ((',"record_quota":null', None), (',"record_quota":9', 9), ("", None)):
        sim.fault("wrong", method="GET", path="*/dns_records/usage", body=told % more)
        answer = running.api("dns_usage", zone="example.com")
        assert answer["record_usage"] == 3 and answer["record_quota"] == quota
    sim.fault("wrong", method="GET", path="*/dns_records/usage", body=told % ',"record_quota":"x"')
    assert running.refused("dns_usage", zone="example.com").kind == "upstream"
    sim.fault("error", method="GET", path="*/dns_records/usage", status=403, code=9109,
              message="Unauthorized")
    e = running.refused("dns_usage", zone="example.com")
    assert e.kind == "denied"


def test_the_client(running, sim):
    code, out, _ = running.adit("dns", "set", "--help")
    assert code == 0 and "--proxied" in out and "--ttl" in out and "NAME TYPE CONTENT" in out
    code, out, err = running.adit("dns", "set", NAME, "A", "192.0.2.1", "--ttl", "300")
    assert code == 0 and NAME in out, (out, err)
    code, out, _ = running.adit("dns", "list")
    assert code == 0 and NAME in out and "192.0.2.1" in out
    code, out, _ = running.adit("dns", "usage", "example.com")
    assert code == 0 and "1" in out, out
    code, out, err = running.adit("dns", "delete", NAME, "A", "--yes")
    assert code == 0 and sim.records() == [], (out, err)


@pytest.mark.parametrize("do, more", [("lose", {}), ("late", {"ms": 3000})])
def test_deleted_while_its_create_is_unknown(running, sim, do, more):
    sim.fault(do, method="POST", path=RECORDS, **more)
    set_record(running, wait=False)
    sim.wait_struck()
    done(running.api("dns_delete", name=NAME, type="A", approve=True, timeout="80s"))
    assert sim.records() == [] and running.items("dns_list") == []


def test_a_name_goes_over_to_a_route_with_approval(running, sim, origin):
    done(set_record(running, type="CNAME", content="x.example.net", ttl=300, comment="kept"))
    before, = sim.records()
    answer = running.publish(NAME, origin.url)
    assert answer["state"] == "needs_approval", answer
    assert any("x.example.net" in a for a in answer["approvals"])
    done(running.api("plan_approve", plan=answer["plan"], hash=answer["hash"]))
    record, = sim.records()
    assert record["id"] == before["id"] and record["proxied"] and record["ttl"] == 1
    assert record["content"] == sim.tunnels()[0]["id"] + ".cfargotunnel.com"
    assert record["comment"].endswith(" kept")
    running.restart()
    assert running.wait_converged()
    e = running.refused("dns_set", name=NAME, type="CNAME", content="x.example.net")
    assert "route_set" in e.hint
    done(running.api("route_delete", hostname=NAME, approve=True))
    assert sim.records() == []
