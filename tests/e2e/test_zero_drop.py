"""No request fails while a connector's process is replaced by another one, nor while aditd is killed
and started again: hundreds of slow requests are under way in each of these. A larger form of the
same is in scripts/torture."""
import shutil
import time

import pytest

from harness import FAST_STUB, until
from traffic import Crowd, SlowOrigin

CROWD = 200
# Health must not suffer from a machine that is busy with other tests.
CALM = {"grace_period": "30s", "health": {"interval": "500ms", "timeout": "500ms", "failures": 20,
                                          "unready": "60s"}}


@pytest.fixture
def slow():
    made = SlowOrigin()
    yield made
    made.close()


@pytest.fixture
def busy(host, sim, slow):
    """Two connectors behind one name."""
    host.configure(connectors=CALM)
    host.start()
    host.api("tunnel_create", name="edge1", replicas=2)
    host.publish("app.example.com", slow.url)
    host.wait_converged()
    return host


def pids(host):
    return sorted(c["pid"] for c in host.items("connector_list"))


def all_replaced(host, before, seconds=90):
    """Every process is another one, the old ones are gone, and all is well."""
    until(lambda: not set(pids(host)) & set(before) and host.connector_pids() == pids(host) and
          host.converged(), seconds, 0.2, lambda: f"{before} {pids(host)} {host.connector_pids()}")
    rows = host.items("connector_list")
    assert all(c["restarts"] == 0 for c in rows), rows


def test_zero_drop_connector_restart(busy, sim):
    before = pids(busy)
    with Crowd(sim, CROWD) as crowd:
        for name in ("edge1/1", "edge1/2"):
            crowd.changing()
            answer = busy.api("connector_restart", connector=name, timeout="60s")
            assert answer["converged"], answer
        all_replaced(busy, before)


def test_zero_drop_of_the_only_connector(host, sim, slow):
    host.configure(connectors=CALM)
    host.start()
    host.publish("app.example.com", slow.url)
    host.wait_converged()
    before = pids(host)
    with Crowd(sim, CROWD) as crowd:
        crowd.changing()
        assert host.api("connector_restart", connector="edge1/1", timeout="60s")["converged"]
        all_replaced(host, before)


def test_zero_drop_changed_options(busy, sim):
    before = pids(busy)
    with Crowd(sim, CROWD) as crowd:
        crowd.changing()
        busy.configure(connectors={"grace_period": "25s"})
        busy.reload()
        all_replaced(busy, before)
        crowd.changing()


def test_zero_drop_another_token(busy, sim):
    before = pids(busy)
    with Crowd(sim, CROWD) as crowd:
        crowd.changing()
        busy.api("tunnel_rotate", tunnel="edge1", approve=True)
        all_replaced(busy, before)
        crowd.changing()


def another_program(host):
    """Another file takes the program's place, as a package does it."""
    fresh = host.folder / "cloudflared.new"
    shutil.copy(host.stub, fresh)
    fresh.rename(host.cloudflared)


def test_zero_drop_upgrade_asked_for(busy, sim):
    before = pids(busy)
    with Crowd(sim, CROWD) as crowd:
        another_program(busy)
        for name in ("edge1/1", "edge1/2"):
            crowd.changing()
            busy.api("connector_upgrade", connector=name, timeout="60s")
        all_replaced(busy, before)


def test_zero_drop_upgrade_that_rolls_by_itself(busy, sim):
    before = pids(busy)
    busy.configure(connectors={"upgrade": "roll"})
    busy.reload()
    with Crowd(sim, CROWD) as crowd:
        another_program(busy)
        crowd.changing()
        all_replaced(busy, before, 120)
        crowd.changing()


def test_zero_drop_a_replacement_that_does_not_come_up(busy, sim):
    before = pids(busy)
    # One that the edge knew for a moment would take requests with it, as the real one does.
    busy.mode(FAST_STUB + "ready_after_ms 5000\nexit_code 1\nexit_after_ms 300\nexit_words no\n")
    with Crowd(sim, CROWD) as crowd:
        crowd.changing()
        answer = busy.api("connector_restart", connector="edge1/1", timeout="60s")
        assert not answer["converged"] and "did not come up" in answer["problem"]["message"]
        assert pids(busy) == before == busy.connector_pids()


def test_zero_drop_aditd_killed_and_restarted_again_and_again(busy, sim):
    before = pids(busy)
    with Crowd(sim, CROWD) as crowd:
        for i in range(20):
            crowd.changing()
            if i % 2:
                busy.kill9()
            else:
                busy.stop()
            busy.start(observed=False)
        assert busy.connector_pids() == before
        until(lambda: pids(busy) == before)
    busy.wait_converged()
    assert all(c["restarts"] == 0 for c in busy.items("connector_list"))


def test_zero_drop_aditd_killed_while_a_process_is_replaced(busy, sim):
    with Crowd(sim, CROWD) as crowd:
        for pause in (0.1, 0.5, 1.5, 2.5):
            before = pids(busy)
            crowd.changing()
            busy.api("connector_restart", connector="edge1/1", wait=False)
            time.sleep(pause)
            busy.kill9()
            busy.start(observed=False)
            until(lambda: len(busy.connector_pids()) == 2 and busy.converged() and
                  set(pids(busy)) != set(before), 60, 0.2, why="an answered restart is not done")
            assert len(set(pids(busy)) & set(before)) == 1
    assert all(c["restarts"] == 0 for c in busy.items("connector_list"))
