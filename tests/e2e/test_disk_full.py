"""A disk that takes no writes: changes are refused with a sentence, reads and connectors go on, a plan
can still be rejected, and everything goes on by itself when the disk is well again."""
import os
import resource
import signal
import sqlite3
import subprocess
import time

import pytest
from harness import Visitor, until

root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")


def mount(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small(host):
    """state_dir is a disk of 6 MiB."""
    host.state_dir.mkdir(mode=0o700)
    mount("-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", host.state_dir)
    yield host
    subprocess.run(["umount", "-l", host.state_dir], check=False)


def fill(host):
    """Not a byte is left."""
    with open(host.state_dir / "noise", "ab", buffering=0) as noise:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    noise.write(b"x" * size)
            except OSError:
                pass


def refused_for_room(host, origin):
    """The store's files have some room of their own; it is used up after a few."""
    for n in range(400):
        status, answer = host.call("route_set", hostname=f"n{n}.example.com", service=origin.url,
                                   wait=False, reason="x" * 400)
        if status != 200:
            return answer["error"]
    raise AssertionError("a full disk took 400 changes")


def waiting_plan(host):
    answer = host.api("route_delete", hostname="app.example.com")
    assert answer["state"] == "needs_approval"
    return answer


@pytest.mark.waits
@root
def test_a_full_disk_refuses_changes_and_lets_reject(small, sim, origin):
    host = small.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    plan, second = waiting_plan(host), waiting_plan(host)
    pids = host.connector_pids()
    with Visitor(sim):
        assert (host.state_dir / "reserve").stat().st_size == 256 * 1024
        fill(host)
        error = refused_for_room(host, origin)
        assert "full" in error["message"] and "space" in error["hint"], error
        assert host.items("route_list") and host.items("plan_list")
        problem = host.wait_problem(object="system", name="disk")
        assert "full" in problem["message"] and problem["hint"]
        assert host.status()["state"] == "degraded"
        answer = host.api("plan_reject", plan=plan["plan"])
        assert answer["state"] == "rejected" and not any("stored" in w for w in answer["warnings"])
        assert not (host.state_dir / "reserve").exists()
        fill(host)
        refused_for_room(host, origin)
        host.api("plan_reject", plan=second["plan"])
        for p in (plan, second):
            e = host.refused("plan_approve", plan=p["plan"], hash=p["hash"])
            assert e.kind in ("conflict", "internal")
            assert host.api("plan_get", plan=p["plan"])["state"] == "rejected"
        (host.state_dir / "noise").unlink()
        until(lambda: not host.problems(name="disk"), 45)
        host.publish("later.example.com", origin.url)
    assert host.connector_pids() == pids
    assert (host.state_dir / "reserve").exists()
    host.kill9()
    host.start()
    for p in (plan, second):
        assert host.api("plan_get", plan=p["plan"])["state"] == "rejected"
    host.wait_converged()
    assert host.connector_pids() == pids


@root
def test_a_start_on_a_full_disk(small, sim, origin):
    host = small.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    pids = host.connector_pids()
    host.kill9()
    fill(host)
    with Visitor(sim):
        host.start(observed=False)
        assert host.connector_pids() == pids
        assert [t["name"] for t in host.items("tunnel_list")] == ["edge1"]
        (host.state_dir / "noise").unlink()
        host.wait_converged(60)
    assert host.connector_pids() == pids


def limit_files(host, size):
    resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_rejection_that_cannot_be_written_holds_here(site, sim):
    plan = waiting_plan(site)
    limit_files(site, 0)
    e = site.refused("route_set", hostname="b.example.com", service=site.origin.url)
    assert "Nothing was done" in e.message and e.hint
    assert site.wait_problem(object="system", name="disk")["hint"]
    answer = site.api("plan_reject", plan=plan["plan"])
    assert answer["state"] == "rejected"
    assert any("restarted" in w for w in answer["warnings"])
    assert site.api("plan_get", plan=plan["plan"])["state"] == "rejected"
    site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    limit_files(site, resource.RLIM_INFINITY)
    e = site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "conflict" and "rejected" in e.message
    site.reload()
    until(lambda: not site.problems(name="disk"))
    site.kill9()
    site.start()
    assert site.api("plan_get", plan=plan["plan"])["state"] == "rejected"
    site.wait_converged()


def attached(host):
    return until(lambda: not host.problems(name="store") and host.converged(), 45,
                 why=lambda: f"the store did not come: {host.status()}")


def test_a_store_that_another_program_holds_is_taken_when_it_is_free(site, sim):
    pids, aditd = site.connector_pids(), None
    site.api("dns_set", name="mail.example.com", type="TXT", content="hello")
    site.stop()
    backup = sqlite3.connect(site.state_dir / "adit.db")
    backup.execute("PRAGMA locking_mode = EXCLUSIVE")
    backup.execute("BEGIN EXCLUSIVE")
    since = sim.mark()
    with Visitor(sim):
        site.start(observed=False)
        aditd = site.process.pid
        problem, = site.problems(name="store")
        assert "locked" in problem["message"] and problem["hint"]
        e = site.refused("route_set", hostname="b.example.com", service=site.origin.url)
        assert "locked" in e.message and e.hint
        assert site.connector_pids() == pids
        backup.close()
        site.reload()
        attached(site)
    assert site.process.pid == aditd and site.connector_pids() == pids
    assert sim.writes(since) == []
    site.publish("b.example.com", site.origin.url)
    site.api("dns_delete", name="mail.example.com", type="TXT", approve=True)
    site.api("connector_restart", connector="edge1/1")
    site.wait_converged()
    until(lambda: len(site.connector_pids()) == 1)
    site.restart()
    site.wait_converged()


def test_a_connector_that_dies_without_a_store_is_started(site, sim):
    pid, = site.connector_pids()
    site.stop()
    backup = sqlite3.connect(site.state_dir / "adit.db")
    backup.execute("PRAGMA locking_mode = EXCLUSIVE")
    backup.execute("BEGIN EXCLUSIVE")
    site.start(observed=False)
    os.kill(pid, signal.SIGKILL)
    fresh, = until(lambda: [p for p in site.connector_pids() if p != pid])
    until(lambda: sim.fetch()[0] == 200)
    backup.close()
    attached(site)
    assert site.connector_pids() == [fresh]


@root
def test_a_read_only_disk_at_the_start(site, sim):
    pids = site.connector_pids()
    site.stop()
    mount("--bind", site.state_dir, site.state_dir)
    try:
        mount("-o", "remount,bind,ro", site.state_dir)
        with Visitor(sim):
            site.start(observed=False)
            assert site.problems(name="store") and site.connector_pids() == pids
            site.refused("route_set", hostname="b.example.com", service=site.origin.url)
            mount("-o", "remount,bind,rw", site.state_dir)
            attached(site)
        assert site.connector_pids() == pids
        site.publish("b.example.com", site.origin.url)
        site.wait_converged()
        site.stop()
    finally:
        subprocess.run(["umount", "-l", site.state_dir], check=False)


def test_another_aditd_on_the_folder_is_refused_still(site):
    second = subprocess.Popen([site.process.args[0], "--config", site.config_path], env={},
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    _, errors = second.communicate(timeout=20)
    assert second.returncode == 1 and "another aditd" in errors, errors
