"""aditd as an administrator meets it: options, exit codes, settings, signals, systemd."""
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from harness import BUILD, Host, Notify, until


def aditd(*args, env=None):
    return subprocess.run([BUILD / "aditd", *map(str, args)], env=env or {}, capture_output=True,
                          text=True, timeout=60, cwd="/")


def test_version_and_help():
    done = aditd("--version")
    assert done.returncode == 0 and done.stdout.startswith("aditd ") and done.stderr == ""
    done = aditd("--help")
    assert done.returncode == 0 and "--check-config" in done.stdout and "78" in done.stdout


@pytest.mark.parametrize("args", [["--nonsense"], ["word"], ["--config"], ["-x"],
                                  ["--check-config", "extra"]])
def test_wrong_usage_is_64(args):
    done = aditd(*args)
    assert done.returncode == 64 and done.stderr and done.stdout == ""


def test_check_config_of_a_good_file(host):
    done = aditd("--config", host.config_path, "--check-config")
    assert done.returncode == 0 and "good" in done.stdout
    assert not host.state_dir.exists() and host.sim.log() == [], "a check does nothing"


@pytest.mark.parametrize("text, place, words", [
    ("owner: edge1\ncloudlfare: {}\n", "2:1", ["cloudlfare", "cloudflare"]),
    ("owner: edge1\ncloudflare:\n  acount_id: x\n", "3:3", ["cloudflare.acount_id", "account_id"]),
    ("owner: edge1\nowner: edge2\n", "2:1", ["owner"]),
    ("connectors:\n  health:\n    interval: soon\n", "3:5", ["connectors.health.interval", "30s"]),
    ("connectors:\n  health: {interval: 1s, timeout: 2s}\n", "2:", ["timeout", "interval"]),
    ("reconcile: {drift: fix}\n", "1:", ["reconcile.drift", "report"]),
    ("reconcile: {interval: 1ms}\n", "1:", ["reconcile.interval"]),
    ("cloudflare: {account_id: 12}\n", "1:", ["cloudflare.account_id"]),
    ("cloudflare: {account_id: xyz}\n", "1:", ["32 hex digits"]),
    ("cloudflare:\n  base_url: http://api.example.com\n", "2:", ["base_url", "https"]),
    ("cloudflare: {budget: lots}\n", "1:", ["cloudflare.budget"]),
    ("mcp: {listen: 0.0.0.0:80}\n", "1:", ["mcp.listen", "loopback"]),
    ("state_dir: relative/path\n", "1:", ["state_dir", "absolute"]),
    ("owner: [a]\n", "1:", ["owner"]),
    ("owner: a b\n", "1:", ["owner"]),
    ("- a\n- b\n", "1:1", ["settings"]),
    ("owner: edge1\n\tbad: tab\n", "2:", []),
    ("owner: 'unfinished\n", "", []),
    ("owner: &a edge1\nsocket: *a\n", "1:8", ["anchors"]),
    ("safety: {max_delete: -1}\n", "1:", ["safety.max_delete"]),
    ("safety: {protect: ['not a name']}\n", "1:", ["safety.protect"]),
    ("log: {level: loud}\n", "1:", ["log.level", "debug"]),
])
def test_check_config_says_file_line_column_and_what_is_accepted(host, text, place, words):
    host.config_path.write_text(text)
    done = aditd("--config", host.config_path, "--check-config")
    assert done.returncode == 78 and done.stdout == "", done
    assert f"{host.config_path}:{place}" in done.stderr, done.stderr
    assert all(w in done.stderr for w in words), done.stderr
    # The running daemon's own check says the same.
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_file_is_78(host):
    done = aditd("--config", host.folder / "none.yaml")
    assert done.returncode == 78 and "none.yaml" in done.stderr


def test_files_of_conf_d_are_joined(host):
    folder = host.folder / "conf.d"
    folder.mkdir()
    (folder / "10-safety.yaml").write_text("safety: {max_delete: 3}\n")
    (folder / "ignored.txt").write_text("nonsense: [\n")
    assert aditd("--config", host.config_path, "--check-config").returncode == 0
    (folder / "20-bad.yaml").write_text("safety:\n  max_delete: 4\n")
    done = aditd("--config", host.config_path, "--check-config")
    assert done.returncode == 78 and f"{folder}/20-bad.yaml:2:" in done.stderr
    assert "10-safety.yaml" in done.stderr


def test_the_environment_goes_before_the_file(host):
    done = aditd("--config", host.config_path, "--check-config", env={"ADIT_OWNER": "a b"})
    assert done.returncode == 78 and "ADIT_" in done.stderr
    other = host.folder / "t"
    host.spawn(env={"ADIT_SOCKET": str(other), "ADIT_OWNER": "edge9"})
    host.socket = other
    host.wait_up()
    assert host.status()["owner"] == "edge9"


def test_config_check_by_the_socket(running):
    good = running.config_path.read_text()
    answer = running.api("config_check", text=good)
    assert answer == {"valid": True, "needs_restart": []}
    changed = running.settings | {"owner": "edge2", "state_dir": "/elsewhere"}
    answer = running.api("config_check", text=json.dumps(changed))
    assert answer["valid"] and answer["needs_restart"] == ["owner", "state_dir"]
    answer = running.api("config_check", text="owner: [", name="my.yaml")
    assert answer["valid"] is False and answer["message"].startswith("my.yaml:")
    code, out, err = running.adit("config", "check", running.config_path)
    assert code == 0, (out, err)


def test_sighup_takes_good_settings(running):
    running.configure(log={"level": "error"}, reconcile={"interval": "30s"})
    running.process.send_signal(signal.SIGHUP)
    kept = running.state_dir / "settings.last-good.yaml"
    until(lambda: json.loads(kept.read_text())["log"]["level"] == "error")
    assert running.status()["state"] == "ok"


def test_sighup_keeps_what_runs_when_the_file_is_bad(running, sim):
    kept = running.state_dir / "settings.last-good.yaml"
    before = kept.read_text()
    running.config_path.write_text("owner: edge1\nnonsense: 1\n")
    running.reload()
    assert "running settings are kept" in running.log() and "2:1: nonsense" in running.log()
    assert running.status()["state"] == "ok" and kept.read_text() == before
    assert "2:1: nonsense" in running.status()["problems"][0]["message"]
    assert running.publish("app.example.com", "http_status:204")["converged"]


def test_sighup_does_not_change_what_needs_a_restart(running):
    running.configure(owner="edge2", socket=str(running.folder / "other"))
    running.reload()
    assert running.status()["owner"] == "edge1" and not (running.folder / "other").exists()
    assert "owner changes only by a restart" in running.log()


def test_many_reloads_at_once(site, sim):
    pids, fds = site.connector_pids(), len(os.listdir(f"/proc/{site.process.pid}/fd"))
    for _ in range(50):
        site.process.send_signal(signal.SIGHUP)
        site.status()
    site.wait_converged()
    assert site.connector_pids() == pids
    until(lambda: len(os.listdir(f"/proc/{site.process.pid}/fd")) <= fds + 2)


def test_sigusr1_writes_the_flight_recorder(host):
    host.configure(log={"level": "info"})
    host.start()
    assert '"debug"' not in host.log()
    host.process.send_signal(signal.SIGUSR1)
    until(lambda: "call status_get" in host.log(), why="what was not logged is not dumped")
    assert host.status()["state"] == "ok"


def test_a_second_aditd_on_the_same_state_is_refused(running):
    config = running.folder / "second.yaml"
    config.write_text(json.dumps(running.settings | {"socket": str(running.folder / "s2")}))
    done = aditd("--config", config)
    assert done.returncode == 1 and "in use by another aditd" in done.stderr, done
    assert str(running.process.pid) in done.stderr and not (running.folder / "s2").exists()
    assert running.status()["state"] == "ok"


def test_a_second_aditd_on_the_same_socket_is_refused(running):
    config = running.folder / "second.yaml"
    config.write_text(json.dumps(running.settings | {"state_dir": str(running.folder / "st2")}))
    done = aditd("--config", config)
    assert done.returncode == 1 and str(running.socket) in done.stderr, done
    assert running.status()["state"] == "ok"


def test_a_stale_socket_is_replaced(host):
    host.start()
    host.kill9()
    assert host.socket.exists()
    host.start()
    assert stat.S_ISSOCK(host.socket.stat().st_mode)
    assert host.status()["state"] == "ok"


def test_another_owner_is_shown_and_not_taken(site, sim):
    record = sim.records()[0]
    site.stop()
    site.configure(owner="edge2")
    since = sim.mark()
    site.spawn()
    until(lambda: site.process.poll() is not None or site.socket.exists() and _answers(site))
    if site.process.poll() is None:
        assert site.status()["problems"] or site.status()["owner"] == "edge1"
    assert "owner" in site.log()
    assert sim.writes(since) == [] and sim.records() == [record]


def _answers(host):
    try:
        return host.visit("GET", "/healthz")[0] == 200
    except OSError:
        return False


def test_the_install_id_stays(host):
    host.start()
    first = host.status()
    assert len(first["install"]) == 8 and int(first["install"], 16) >= 0
    host.restart()
    assert host.status()["install"] == first["install"]


def test_sigterm_ends_soon_and_cleanly(site):
    slow = subprocess.Popen([BUILD / "adit", "--socket", site.socket, "route", "set",
                             "b.example.com", "http_status:204", "--timeout", "5m"], env={},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site.stop()
    slow.wait(20)


@pytest.fixture
def notify(host):
    made = Notify(host.folder / "notify")
    yield made
    made.close()


def test_systemd_is_told(host, notify, origin):
    host.start(env={"NOTIFY_SOCKET": notify.path})
    notify.wait("READY=1")
    host.publish("app.example.com", origin.url)
    notify.wait("1 of 1 connectors serve, 1 routes")
    host.process.send_signal(signal.SIGHUP)
    notify.wait("RELOADING=1")
    until(lambda: sum("READY=1" in m for m in notify.messages) >= 2)
    host.stop()
    notify.wait("STOPPING=1")


def test_the_watchdog_is_fed_from_the_loop(host, notify):
    process = host.spawn(env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "600000"})
    host.wait_up()
    until(lambda: sum("WATCHDOG=1" in m for m in notify.messages) >= 3)
    # A loop that does not turn feeds nobody.
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    seen = len(notify.messages)
    time.sleep(1)
    assert len(notify.messages) == seen
    process.send_signal(signal.SIGCONT)
    until(lambda: len(notify.messages) > seen)


def listening(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(str(path))
    os.chmod(path, 0o666)
    s.listen(16)
    return s


STARTER = """
import os, sys
fds = [int(n) for n in sys.argv[1].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 100 + i, inheritable=True)
for i in range(len(fds)):
    os.dup2(100 + i, 3 + i, inheritable=True)
    os.close(100 + i)
env = dict(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.execve(sys.argv[2], sys.argv[2:], env)
"""


def test_sockets_passed_in(host):
    """As systemd does: descriptors from 3 on, for this process alone."""
    host.configure(socket=str(host.folder / "unused"))
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", 0))
    tcp.listen(16)
    with listening(host.socket) as unix, tcp:
        fds = f"{unix.fileno()},{tcp.fileno()}"
        with open(host.log_path, "ab") as log:
            host.started_at = 0
            host.process = subprocess.Popen(
                [sys.executable, "-c", STARTER, fds, str(BUILD / "aditd"), "--config",
                 str(host.config_path)], pass_fds=[unix.fileno(), tcp.fileno()], env={}, cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # A client that came before it was ready is served.
        assert host.status()["state"] in ("ok", "degraded")
        assert not (host.folder / "unused").exists()
        import http.client
        port = tcp.getsockname()[1]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()
        # A restart of aditd loses no client: the socket stays.
        host.stop()


def test_a_passed_in_socket_that_others_could_reach_is_refused(host):
    with listening(host.socket) as unix, socket.socket() as tcp:
        tcp.bind(("0.0.0.0", 0))
        tcp.listen(16)
        done = subprocess.run([sys.executable, "-c", STARTER, f"{unix.fileno()},{tcp.fileno()}",
                               str(BUILD / "aditd"), "--config", str(host.config_path)],
                              pass_fds=[unix.fileno(), tcp.fileno()], env={}, cwd="/", timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1 and "loopback" in done.stderr


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="not installed here")
def test_started_by_the_first_client(host):
    with open(host.log_path, "ab") as log:
        host.started_at = 0
        host.process = subprocess.Popen(
            ["systemd-socket-activate", "-l", str(host.socket), str(BUILD / "aditd"), "--config",
             str(host.config_path)], env={"PATH": "/usr/bin:/bin"}, cwd="/",
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    until(host.socket.exists)
    host.wait_up()
    assert host.status()["owner"] == "edge1"
    host.stop()


def test_the_socket_is_open_to_all_and_the_state_to_none(running):
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o666
    assert stat.S_IMODE(running.state_dir.stat().st_mode) == 0o700


def test_a_state_dir_that_cannot_be_used_is_told(host):
    host.state_dir.write_text("a file")
    done = aditd("--config", host.config_path)
    assert done.returncode == 1 and "state_dir" in done.stderr


def test_a_state_dir_behind_a_link_is_refused(host):
    real = host.folder / "real"
    real.mkdir(0o700)
    host.state_dir.symlink_to(real)
    done = aditd("--config", host.config_path)
    assert done.returncode == 1 and "state_dir" in done.stderr
    assert list(real.iterdir()) == []


def test_nothing_to_be_found_of_the_daemon_is_exit_3(host):
    code, out, err = host.adit("status")
    assert code == 3 and str(host.socket) in err and out == ""


def test_two_hosts_share_an_account(sim, running, origin):
    """Each keeps to its own: another owner, another install, another tunnel."""
    other = Host(sim, owner="edge2")
    try:
        other.start()
        running.publish("a.example.com", origin.url)
        other.publish("b.example.com", origin.url)
        running.wait_converged()
        other.wait_converged()
        assert sorted(t["name"] for t in sim.tunnels()) == ["edge1", "edge2"]
        e = other.refused("route_set", hostname="a.example.com", service=origin.url)
        assert e.kind == "conflict"
        other.api("tunnel_delete", tunnel="edge2", approve=True)
        assert [t["name"] for t in sim.tunnels()] == ["edge1"]
        assert [r["name"] for r in sim.records()] == ["a.example.com"]
        until(lambda: sim.fetch(host="a.example.com")[0] == 200)
        other.stop()
    finally:
        other.close()
        shutil.rmtree(other.folder, ignore_errors=True)


def test_no_more_than_loopback_and_its_own_files(running):
    """No listening socket but the one of the settings, nothing written outside state_dir."""
    pid = running.process.pid
    targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    writable = [t for t in targets if t.startswith("/") and not t.startswith("/dev/")]
    for t in writable:
        assert pathlib.Path(t).is_relative_to(running.folder) or t.startswith("/proc"), t
