"""Every fault that Cloudflare's API may have against every write there is, at the strict account of
tests/torture: all converges, with no duplicate, no orphan and one request for an object at a time.
The faults run side by side: what was lost may land for 35 s, and is waited for once."""
import concurrent.futures
import pathlib
import signal
import time

import pytest

from harness import until
from scene import A, Scene
from scene_owners import OwnersScene

LOST = ("drop", "reset", "lose", "lose_reset", "late", "late_reset", "cut", "garbled", "failed_200",
        "null_result", "wrong_types", "html_200")
REFUSED = ("limit", "error", "html", "unavailable", "codeless", "denied", "delay", "dribble",
           "redirect")
PATIENCE_S, LANDED_S = 80, 45


def trial(scene_of, kind):
    """What went wrong, or None."""
    with scene_of(kind) as scene:
        scene.base()
        scene.spoil(kind)
        scene.all_writes()
        rest = scene.wait_settled(PATIENCE_S)
        # What was lost may land behind what came after it; then one more look mends it.
        end = time.monotonic() + LANDED_S
        while scene.differs() and time.monotonic() < end:
            time.sleep(0.5)
        struck = sum(f.done for f in scene.strict.faults)
        wrong = list(scene.judge.violations[:3])
        if rest:
            wrong.append(f"after {PATIENCE_S} s: {rest}")
        elif scene.differs():
            wrong.append(f"it is {scene.differs()}")
        if struck < scene.struck_least:
            wrong.append(f"only {struck} faults struck")
        if scene.harmed():
            wrong.append("foreign things changed")
        if len(scene.strict.rows) > 600:
            wrong.append(f"{len(scene.strict.rows)} requests")
        return f"{kind}: {'; '.join(wrong)}" if wrong else None


def all_trials(scene_of, kinds):
    with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
        wrong = [w for w in pool.map(lambda kind: trial(scene_of, kind), kinds) if w]
    assert not wrong, "\n".join(wrong)


@pytest.mark.waits
@pytest.mark.parametrize("kinds", [LOST, REFUSED], ids=["lost", "refused"])
def test_every_fault_where_things_change_hands(kinds):
    all_trials(OwnersScene, kinds)


@pytest.mark.waits
def test_every_lost_answer_of_every_write():
    all_trials(Scene, LOST)


def test_403_breaks_the_circuit_of_one_zone_only():
    with Scene("403") as scene:
        scene.do("tunnel_create", name="edge1", replicas=0)
        zone = scene.cloud.zone_id("example.com")
        scene.strict.fault("denied", path=f"zones/{zone}/dns_records", count=10000)
        scene.do("route_set", hostname="no.example.com", service=A, tunnel="edge1", wait=False)
        scene.do("dns_set", name="other.example.com", type="TXT", content="x", wait=False)
        said = scene.host.wait_problem(name="no.example.com")
        assert "DNS" in said["message"] + said.get("hint", ""), said
        # The other zone, and tunnels, go on meanwhile.
        scene.do("dns_set", name="yes.example.net", type="TXT", content="x")
        scene.do("route_set", hostname="yes2.example.net", service=A, tunnel="edge1", wait=False)
        scene.do("tunnel_create", name="second", replicas=0)
        until(lambda: ("yes2.example.net", "CNAME", "") in scene.ours()[1],
              why="a name in another zone was held back")
        before = scene.strict.mark()
        time.sleep(3)
        asked = [r for r in scene.strict.log(before) if zone in r["path"]]
        assert len(asked) <= 6, [f"{r['method']} {r['path']}" for r in asked]
        scene.strict.faults_clear()
        assert not scene.wait_settled(45)
        assert not scene.judge.violations


@pytest.mark.waits
def test_every_refusal_of_every_write():
    all_trials(Scene, REFUSED)


def test_401_stops_writing_and_says_so_first():
    with Scene("401") as scene:
        scene.do("tunnel_create", name="edge1", replicas=0)
        scene.strict.fault("unauthorised", count=100000)
        scene.do("route_set", hostname="no.example.com", service=A, tunnel="edge1", wait=False)
        until(lambda: scene.host.status()["access"] != "ok", why="nothing told of the 401")
        time.sleep(1.5)
        before = scene.strict.mark()
        time.sleep(2.5)
        assert not scene.strict.writes(before), "it went on writing"
        code, out, _ = scene.host.adit("status")
        head = "\n".join(out.splitlines()[:4])
        assert code != 0 and "token" in head, out
        first = scene.host.status()["problems"][0]
        assert "token" in first["message"], first
        scene.strict.faults_clear()
        scene.host.process.send_signal(signal.SIGHUP)
        assert not scene.wait_settled(45)
        assert not scene.judge.violations


def test_redirects_are_not_followed():
    with Scene("redirect") as scene:
        scene.do("tunnel_create", name="edge1", replicas=0)
        fault = scene.strict.fault("redirect", count=100000)
        scene.do("route_set", hostname="no.example.com", service=A, tunnel="edge1", wait=False)
        scene.host.process.send_signal(signal.SIGHUP)
        until(lambda: fault.done >= 4, why="no request met the redirect")
        assert scene.host.status()["state"] != "ok"
        assert not scene.judge.violations, scene.judge.violations
        scene.strict.faults_clear()
        assert not scene.wait_settled(45)
        assert not scene.judge.violations


def test_an_endless_answer_is_not_kept():
    with Scene("huge") as scene:
        fault = scene.strict.fault("huge", method="GET", count=3)
        scene.host.process.send_signal(signal.SIGHUP)
        until(lambda: fault.done >= 1, why="no request met it")
        time.sleep(1)
        text = pathlib.Path(f"/proc/{scene.host.process.pid}/status").read_text()
        rss = int(next(w for w in text.splitlines() if w.startswith("VmHWM")).split()[1])
        # The sanitizers' build keeps what it freed for a while.
        assert rss < 500_000, f"{rss} KiB"
        scene.strict.faults_clear()
        scene.do("tunnel_create", name="edge1", replicas=0)
        assert not scene.wait_settled(45)
