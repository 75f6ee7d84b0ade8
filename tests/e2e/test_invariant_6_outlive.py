"""Invariant 6: connectors outlive the daemon, and start without Cloudflare, token or store."""
import json
import os
import signal
import subprocess
import time

from harness import FAST_STUB, Notify, Visitor, process_alive, until


def test_invariant_6_connectors_survive_kill_and_restart(site, sim):
    pids = site.connector_pids()
    since = sim.mark()
    with Visitor(sim):
        site.kill9()
        assert site.connector_pids() == pids
        until(lambda: sim.fetch()[0] == 200)
        site.start()
        site.wait_converged()
    connector, = site.items("connector_list")
    assert site.connector_pids() == pids == [connector["pid"]] and connector["restarts"] == 0
    assert sim.edge_status()["connectors"] == 1 and sim.writes(since) == []


def test_invariant_6_connectors_survive_a_clean_stop(site, sim):
    pids = site.connector_pids()
    with Visitor(sim):
        site.stop()
        assert site.connector_pids() == pids
        site.start()
        site.wait_converged()
    assert site.connector_pids() == pids


def test_invariant_6_a_connector_that_died_meanwhile_is_started(site, sim):
    pids = site.connector_pids()
    site.stop()
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: not process_alive(pids[0]))
    assert sim.fetch()[0] == 530
    site.start()
    site.wait_converged()
    assert len(site.connector_pids()) == 1 and site.connector_pids() != pids
    until(lambda: sim.fetch()[0] == 200)


def test_invariant_6_a_killed_connector_is_started_again(site, sim):
    before = site.items("connector_list")[0]
    os.kill(before["pid"], signal.SIGKILL)
    site_back = lambda: (c := site.items("connector_list")[0])["state"] == "ready" and (
        c["pid"] != before["pid"]) and c
    after = until(site_back)
    assert after["restarts"] == before["restarts"] + 1
    assert "signal 9" in after["last_exit"] and after["connector_id"] != before["connector_id"]
    until(lambda: sim.fetch()[0] == 200)
    assert site.connector_pids() == [after["pid"]]
    assert any("connector" in e["kind"] for e in site.items("event_list"))
    site.wait_converged()


def test_invariant_6_connector_restart_asked_for(site, sim):
    before = site.items("connector_list")[0]
    answer = site.api("connector_restart", connector="edge1/1", reason="to see it")
    assert answer["converged"] is True and answer["state"] == "ready"
    assert answer["pid"] != before["pid"]
    until(lambda: site.connector_pids() == [answer["pid"]])
    until(lambda: sim.fetch()[0] == 200)
    e = site.refused("connector_restart", connector="edge1/7")
    assert e.kind == "not_found" and "edge1/7" in e.message and e.hint


def test_invariant_12_a_connector_that_cannot_start_says_why(host, sim, origin):
    program = host.cloudflared
    program.unlink()
    host.start()
    answer = host.publish("app.example.com", origin.url, timeout="2s")
    assert answer["state"] == "applied" and not answer["converged"]
    problem = host.wait_problem(object="connector", name="edge1/1")
    assert problem["message"] and problem["hint"]
    assert host.status()["state"] == "down" and sim.fetch()[0] == 530
    assert host.adit("status")[0] == 2
    program.symlink_to(os.path.realpath(host.stub))
    host.api("connector_restart", connector="edge1/1")
    host.wait_converged()
    assert host.adit("status")[0] == 0


def test_invariant_12_a_connector_that_ends_again_and_again(host, sim, origin):
    host.mode("exit_code 1\nexit_words failed to do a thing\n")
    host.start()
    host.publish("app.example.com", origin.url, timeout="1s")
    connector = until(lambda: (c := host.items("connector_list")[0])["restarts"] >= 3 and c)
    assert connector["last_exit"] and connector["state"] in ("restarting", "starting", "blocked")
    assert "failed to do a thing" in connector["untrusted_last_line"]
    assert len(host.connector_pids()) <= 1
    host.mode("step_ms 10\nbackoff_percent 5\nstop_ms 50\n")
    host.wait_converged(70)


def test_invariant_8_a_hung_connector_is_replaced(host, sim, origin):
    host.configure(connectors={"health": {"failures": 3}})
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    pid, = host.connector_pids()
    sim.edge(mode={"key": "ready_hang", "value": 1})
    until(lambda: host.connector_pids() not in ([], [pid]) and len(host.connector_pids()) == 1, 40)
    host.wait_converged()
    until(lambda: sim.fetch()[0] == 200)


def test_invariant_8_lost_edge_connections_are_told(site, sim):
    pid, = site.connector_pids()
    sim.edge(close_connectors=True)
    sim.edge(drop=True)
    until(lambda: site.status()["state"] == "down")
    assert site.status()["tunnels"][0]["state"] == "down"
    assert site.items("connector_list")[0]["state"] == "unready"
    sim.edge(reset=True)
    site.wait_converged()
    assert site.connector_pids() == [pid], "an edge that comes back needs no restart"


def test_invariant_12_a_start_that_takes_long_says_why(host, sim, origin):
    sim.edge(close_connectors=True)
    host.start()
    host.publish("app.example.com", origin.url, wait=False)
    told = until(lambda: [p for p in host.status()["problems"] if p["object"] == "connector"], 40)
    assert told[0]["name"] == "edge1/1" and "starting" in told[0]["message"], told
    sim.edge(reset=True)
    host.wait_converged()
    assert host.status()["problems"] == []


def test_invariant_6_a_broken_configuration_uses_the_last_good_one(site, sim):
    pids = site.connector_pids()
    good = site.config_path.read_text()
    site.stop()
    os.kill(pids[0], signal.SIGKILL)
    site.config_path.write_text("owner: edge1\ncloudlfare: {}\n")
    for _ in range(2):  # the broken one is never taken for a good one
        site.start(env={"STATE_DIRECTORY": f"{site.state_dir}:/elsewhere"})
        until(lambda: sim.fetch()[0] == 200)
        assert len(site.connector_pids()) == 1
        assert "cloudlfare" in site.log() and "last good" in site.log()
        problem = site.status()["problems"][0]
        assert problem["name"] == "settings" and "2:1: cloudlfare" in problem["message"]
        site.stop()
    site.config_path.write_text(good)
    site.start()
    site.wait_converged()


def test_invariant_6_what_is_kept_holds_the_files_of_conf_d(host):
    (host.folder / "conf.d").mkdir()
    (host.folder / "conf.d" / "10-safety.yaml").write_text("safety: {max_delete: 3}\n")
    host.start()
    kept = json.loads((host.state_dir / "settings.last-good.yaml").read_text())
    assert kept["safety"]["max_delete"] == 3 and kept["owner"] == "edge1"


def test_invariant_6_a_broken_configuration_at_the_first_start_is_refused(host):
    host.config_path.write_text("owner: edge1\ncloudlfare: {}\n")
    process = host.spawn(env={"STATE_DIRECTORY": str(host.state_dir)})
    assert process.wait(20) == 78
    assert f"{host.config_path}:2:1: cloudlfare" in host.log()


def damage(path):
    size = path.stat().st_size
    with open(path, "r+b") as f:
        f.seek(0)
        f.write(b"\xff" * min(size, 65536))


def test_invariant_6_a_damaged_store_leaves_connectors_running(site, sim):
    pids = site.connector_pids()
    site.stop()
    damage(site.state_dir / "adit.db")
    for name in ("adit.db-wal", "adit.db-shm"):
        (site.state_dir / name).unlink(missing_ok=True)
    with Visitor(sim):
        site.start()
        assert site.connector_pids() == pids
        assert [p.name for p in site.state_dir.iterdir() if ".damaged-" in p.name]
        assert site.status()["tunnels"] == [] or site.status()["problems"]
        time.sleep(1)
        assert site.connector_pids() == pids
    assert len(sim.tunnels()) == 1 and len(sim.records()) == 1, "nothing of it is deleted"


def test_invariant_6_a_damaged_store_still_starts_connectors(site, sim):
    pids = site.connector_pids()
    site.stop()
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: not site.connector_pids())
    damage(site.state_dir / "adit.db")
    for name in ("adit.db-wal", "adit.db-shm"):
        (site.state_dir / name).unlink(missing_ok=True)
    site.start()
    until(lambda: len(site.connector_pids()) == 1, why="the connector's folder did not start it")
    until(lambda: sim.fetch()[0] == 200)


def test_invariant_6_connectors_start_without_cloudflare_and_token(site, sim):
    pids = site.connector_pids()
    site.stop()
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: not site.connector_pids())
    site.token_path.unlink()
    sim.fault("drop", count=0)
    site.start(observed=False)
    until(lambda: sim.fetch()[0] == 200, why="no page without a token")
    status = site.status()
    assert status["access"] == "missing" and status["writes"] != "on"
    assert status["problems"][0]["hint"]
    assert len(site.connector_pids()) == 1


def test_invariant_6_ready_without_a_token_says_what_it_needs(host):
    host.token_path.unlink()
    notify = Notify(host.folder / "notify")
    try:
        host.start(env={"NOTIFY_SOCKET": notify.path}, observed=False)
        ready = notify.wait("READY=1")
        assert "STATUS=" in ready and "token" in ready, ready
        assert host.status()["state"] == "degraded"
        # The file that comes and SIGHUP are enough.
        host.write_token(host.sim.token)
        host.reload()
        until(lambda: host.status()["access"] == "ok")
        notify.wait("RELOADING=1")
        notify.wait("of 0 connectors serve")
    finally:
        host.stop()
        notify.close()


def test_invariant_6_a_second_replica_is_no_second_process_of_the_first(running, sim, origin):
    running.api("tunnel_create", name="edge1", replicas=3)
    running.publish("app.example.com", origin.url)
    running.wait_converged()
    pids = running.connector_pids()
    assert len(pids) == 3
    with Visitor(sim):
        for _ in range(3):
            running.kill9()
            running.start(observed=False)
        running.wait_converged()
    assert running.connector_pids() == pids
    assert sorted(c["pid"] for c in running.items("connector_list")) == pids


def test_invariant_6_a_lost_process_file_is_no_reason_for_a_second(site, sim):
    """The process is found by its command line when nothing else tells of it."""
    pids = site.connector_pids()
    site.kill9()
    for file in site.state_dir.glob("connectors/*/process"):
        file.unlink()
    site.start()
    site.wait_converged()
    assert site.connector_pids() == pids


def test_invariant_6_a_pid_of_a_stranger_is_left_alone(site):
    """The process file names a pid that now belongs to somebody else."""
    pids = site.connector_pids()
    site.stop()
    os.kill(pids[0], signal.SIGKILL)
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        for file in site.state_dir.glob("connectors/*/process"):
            text = file.read_text()
            assert str(pids[0]) in text
            file.write_text(text.replace(str(pids[0]), str(stranger.pid)))
        site.start()
        site.wait_converged()
        assert stranger.poll() is None and len(site.connector_pids()) == 1
        site.api("tunnel_delete", tunnel="edge1", approve=True)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_invariant_6_settings_are_kept_for_the_next_start(site):
    kept = site.state_dir / "settings.last-good.yaml"
    assert json.loads(kept.read_text())["owner"] == "edge1"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_invariant_12_a_restart_that_cannot_work_answers_at_once(site, sim):
    connector, = site.items("connector_list")
    site.mode(FAST_STUB + "exit_code 255\nexit_after_ms 10\nexit_words broken token\n")
    began = time.monotonic()
    answer = site.api("connector_restart", connector=connector["name"], timeout="30s")
    assert answer["converged"] is False and answer["state"] == "ready", answer
    assert answer["pid"] == connector["pid"], "the old one goes on"
    assert "did not come up" in answer["problem"]["message"] and answer["problem"]["hint"]
    assert time.monotonic() - began < 25 and sim.fetch()[0] == 200
