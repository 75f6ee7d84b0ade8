"""What looks as if all were gone, and is not: nothing is deleted, nothing is forgotten, nothing is
made again, and the status says why. Each variant is seen by several looks, under drift: repair."""
import json
import re
import signal
import time

import pytest
from harness import until
from scene import A, Scene
from strict_server import HTML


def envelope(result, total=None, success=True):
    info = {} if total is None else {"result_info": {"page": 1, "per_page": 100, "total_count": total,
                                                     "count": len(result or [])}}
    errors = [] if success else [{"code": 1000, "message": "it did not work"}]
    return json.dumps({"success": success, "errors": errors, "messages": [], "result": result,
                       **info})


def listing(row):
    return re.search(r"(/cfd_tunnel|/dns_records|^/zones)$", row["path"])


def only(pattern, status, text):
    """Answers this to GETs of that path."""
    def instead(row, was, answer):
        return (status, text) if re.search(pattern, row["path"]) else (was, answer)
    return instead


def first_row_only(row, status, answer):
    """A page that tells of more rows than it has, and no second page has any."""
    if not listing(row) or status != 200:
        return status, answer
    body = json.loads(answer)
    body["result"] = body["result"][:1] if "page=1" in row["query"] else []
    body["result_info"]["count"] = len(body["result"])
    return status, json.dumps(body)


def total_zero(row, status, answer):
    if not listing(row) or status != 200:
        return status, answer
    return 200, envelope([], 0)


def total_of_zero_with_rows(row, status, answer):
    if not listing(row) or status != 200:
        return status, answer
    body = json.loads(answer)
    body["result_info"]["total_count"] = 0
    return 200, json.dumps(body)


def other_zone_names(row, status, answer):
    """The zone was renamed, or another one took its place."""
    if row["path"] != "/zones" or status != 200:
        return status, answer
    body = json.loads(answer)
    for zone in body["result"]:
        zone["name"], zone["id"] = "renamed-" + zone["name"], zone["id"][::-1]
    return 200, json.dumps(body)


def other_account(row, status, answer):
    """A token of another account: it works, and shows nothing of ours."""
    if "/accounts/" in row["path"] or row["path"].startswith("/accounts"):
        return 403, envelope(None, success=False)
    return (200, envelope([], 0)) if row["path"] == "/zones" else (403, envelope(None, success=False))


DENIED = envelope(None, success=False)
VARIANTS = {
    "no tunnels": only(r"/cfd_tunnel$", 200, envelope([], 0)),
    "no records": only(r"/dns_records$", 200, envelope([], 0)),
    "no records and no total": only(r"/dns_records$", 200, envelope([])),
    "no zones": only(r"^/zones$", 200, envelope([], 0)),
    "nothing at all": total_zero,
    "the first row of many": first_row_only,
    "a total of nought": total_of_zero_with_rows,
    "another zone": other_zone_names,
    "no right to records": only(r"/dns_records", 403, DENIED),
    "no right to tunnels": only(r"/cfd_tunnel", 403, DENIED),
    "another account": other_account,
    "200 and no success": only(".", 200, envelope(None, success=False)),
    "200 and an empty list without success": only(".", 200, envelope([], 0, success=False)),
    "200 and null": only(".", 200, envelope(None)),
    "a page of HTML": only(".", 200, HTML),
    "records are 404": only(r"/dns_records", 404, DENIED),
    "tunnels are 404": only(r"/cfd_tunnel", 404, DENIED),
}
# What hides nothing that adit needs, or shows all rows after all.
SILENT = {"a total of nought"}


def kept(scene):
    """What the store holds, with Cloudflare's ids."""
    host = scene.host
    return (sorted((t["name"], t.get("remote_id"), t["want"])
                   for t in host.items("tunnel_list", limit=100)),
            sorted((r["hostname"], r["service"]) for r in host.items("route_list", limit=100)),
            sorted((d["name"], d.get("remote_id")) for d in host.items("dns_list", limit=100)
                   if d.get("id")))


def looks(scene, count):
    """So many looks at Cloudflare since now."""
    mark = scene.strict.mark()

    def seen():
        return sum(r["path"].endswith(("/cfd_tunnel", "/zones")) and r["method"] == "GET"
                   for r in scene.strict.log(mark))
    return lambda: seen() >= 2 * count


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_taken_for_gone(variant):
    with Scene(variant, reconcile={"drift": "repair"}) as scene:
        scene.base()
        before, mark = kept(scene), scene.strict.mark()
        at_cloudflare = scene.ours()
        scene.strict.instead = VARIANTS[variant]
        seen = looks(scene, 3)
        for _ in range(3):
            scene.host.process.send_signal(signal.SIGHUP)
            time.sleep(0.7)
        until(seen, 12, why="it did not look")
        assert kept(scene) == before
        status = scene.host.status()
        if variant not in SILENT:
            told = status["problems"] or scene.host.items("drift_list", limit=100)
            assert told, status
            assert status["state"] != "ok" or status["writes"] != "on", status
        scene.strict.instead = None
        scene.host.process.send_signal(signal.SIGHUP)
        assert not scene.wait_settled(40)
        assert not scene.strict.writes(mark), scene.strict.writes(mark)
        assert kept(scene) == before and scene.ours() == at_cloudflare
        assert not scene.judge.violations


def test_nothing_is_taken_for_gone_after_a_restart():
    with Scene("restart", reconcile={"drift": "repair"}) as scene:
        scene.base()
        before, mark = kept(scene), scene.strict.mark()
        scene.strict.instead = total_zero
        scene.host.stop()
        scene.host.start(observed=False)
        until(looks(scene, 2), 30, why="it did not look")
        assert kept(scene) == before
        assert scene.host.status()["state"] != "ok"
        scene.strict.instead = None
        scene.host.process.send_signal(signal.SIGHUP)
        assert not scene.wait_settled(40)
        assert not scene.strict.writes(mark)
        assert kept(scene) == before


def test_many_deletes_wait_for_the_number():
    """One call too many: it is refused, or waits and says how many."""
    with Scene("many", safety={"max_delete": 3}) as scene:
        scene.do("tunnel_create", name="edge1", replicas=0)
        for i in range(5):
            scene.do("route_set", hostname=f"a{i}.example.com", service=A, tunnel="edge1")
        mark = scene.strict.mark()
        answer = scene.host.api("tunnel_delete", tunnel="edge1", wait=False)
        assert answer["state"] == "needs_approval"
        assert any(re.search(r"\b(11|10|6|5)\b", a) for a in answer["approvals"]), answer
        assert not scene.strict.writes(mark)


# ---- the wrong manifest ----

SITE = """manifest: site
tunnels:
- name: edge1
  replicas: 0
  routes:
%s
records:
- {name: note.example.com, type: TXT, content: before}
"""


def site_of(prefix, count=5):
    return SITE % "\n".join(f"  - {{hostname: {prefix}{i}.example.com, service: '{A}'}}"
                            for i in range(count))


WRONG = {
    "no tunnel and no record": "manifest: site\n",
    "empty lists": "manifest: site\ntunnels: []\nrecords: []\n",
    "empty but for its name, given beside it": "tunnels: []\n",
    "a tunnel without its routes":
        "manifest: site\ntunnels:\n- {name: edge1, replicas: 0, routes: []}\n",
    "the first of many": site_of("a", 1),
    "all names renamed": site_of("b"),
    "another tunnel": site_of("a").replace("name: edge1", "name: other"),
    "another zone": site_of("a").replace("example.com", "example.net"),
    "records alone": "manifest: site\nrecords:\n"
                     "- {name: note.example.com, type: TXT, content: before}\n",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_manifest_deletes_nothing_unasked(wrong):
    """Without prune nothing goes; with it, a person says yes, and how many where they are many."""
    with Scene("manifest", safety={"max_delete": 3}) as scene:
        scene.do("manifest_apply", text=site_of("a"))
        scene.do("tunnel_create", name="hand", replicas=0)
        scene.do("route_set", hostname="hand.example.com", service=A, tunnel="hand")
        assert not scene.wait_settled(30)
        before, at_cloudflare, mark = kept(scene), scene.ours(), scene.strict.mark()
        apply = {"text": WRONG[wrong], "name": "site", "wait": False, "timeout": "20s"}
        look = scene.host.api("manifest_apply", **apply, dry_run=True)
        assert not [c for c in look["changes"] if c["sign"] == "-"], look
        moves = [a for a in look.get("approvals", []) if "Deletes" in a]
        assert not moves, look
        plan = scene.host.api("manifest_apply", **apply, prune=True)
        assert plan["state"] == "needs_approval", plan
        gone = [c["name"] for c in plan["changes"] if c["sign"] == "-"]
        words = " ".join(plan["approvals"])
        for name in gone:
            assert name in words, (name, plan)
        assert not any("hand" in name for name in gone)
        many = wrong != "another tunnel"
        assert ("safety.max_delete" in words) == many, plan
        if many:
            again = scene.host.api("manifest_apply", **apply, prune=True, approve=True)
            assert again["state"] == "needs_approval", again
            error = scene.host.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
            assert error.kind == "needs_approval" and "--deletes" in error.hint, error
            error = scene.host.refused("plan_approve", plan=plan["plan"], hash=plan["hash"],
                                       deletes=1)
            assert error.kind == "conflict", error
        assert not scene.strict.writes(mark), scene.strict.writes(mark)
        assert kept(scene) == before and scene.ours() == at_cloudflare
        assert not scene.judge.violations


def test_another_manifest_s_objects_are_nobody_else_s_to_prune():
    with Scene("others") as scene:
        scene.do("manifest_apply", text=site_of("a"))
        mark = scene.strict.mark()
        empty = scene.host.api("manifest_apply", text="tunnels: []\n", name="site2", prune=True)
        assert empty["state"] == "unchanged" and not empty["changes"], empty
        other = scene.host.refused("manifest_apply", text=site_of("a", 1), name="site2")
        assert other.kind == "invalid", other
        text = site_of("a", 1).replace("manifest: site", "manifest: site2")
        other = scene.host.refused("manifest_apply", text=text, prune=True)
        assert other.kind == "conflict" and "site" in other.message, other
        assert not scene.strict.writes(mark)


def test_own_deletes_that_came_late_are_no_riddle():
    """All records are gone because adit deleted them, and died before it was told."""
    with Scene("own") as scene:
        scene.do("tunnel_create", name="edge1", replicas=0)
        for i in range(3):
            scene.do("route_set", hostname=f"a{i}.example.com", service=A, tunnel="edge1")
        assert not scene.wait_settled(30)
        for path in ("dns_records/[0-9a-f]{32}$", "dns_records/batch"):
            scene.strict.fault("late", path=path, count=10, ms=400,
                               method="POST" if "batch" in path else "DELETE")
        with scene.cloud.lock:
            scene.judge.approve("edge1 " + " ".join(f"a{i}.example.com" for i in range(3)))
        scene.host.api("tunnel_delete", tunnel="edge1", approve=True, wait=False)
        until(lambda: len([r for r in scene.strict.rows if r.get("struck") == "late"]) >= 1,
              why="no delete was sent")
        time.sleep(0.15)
        scene.host.kill9()
        with scene.cloud.lock:
            scene.judge.forget()
        scene.strict.faults_clear()
        until(lambda: not scene.ours_records(), 10, why="the deletes did not land")
        scene.host.start(observed=False)
        until(lambda: not scene.host.items("tunnel_list"), 60,
              why=lambda: f"it is stuck: {scene.host.status()['problems']}")
        assert not scene.judge.violations
