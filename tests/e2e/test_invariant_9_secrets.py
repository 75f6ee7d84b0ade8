"""Invariant 9: the API token, a tunnel's secret and a connector's token are nowhere but where they
must be."""
import base64
import json
import os
import pathlib
import stat

import pytest

CANARY = "canary-api-token-7f3a9c1e5b2d4f60"


@pytest.fixture
def secret_site(sim, host, origin):
    """Published with a token that is easy to find; gives the site and its secrets."""
    sim.control("POST", "seed", {"tokens": [{"value": CANARY}]})
    host.write_token(CANARY)
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    db = host.database()
    secret = bytes(db.execute("SELECT data FROM secret").fetchone()[0])
    token = bytes(db.execute("SELECT data FROM token").fetchone()[0])
    db.close()
    parts = json.loads(base64.b64decode(token))
    found = {CANARY.encode(), secret, token, parts["s"].encode(), base64.b64encode(secret),
             base64.b64decode(parts["s"])}
    host.secrets = {s for s in found if len(s) >= 16}
    assert len(host.secrets) >= 3
    return host


def holds(host, data, where):
    data = data if isinstance(data, bytes) else str(data).encode()
    for s in host.secrets:
        assert s not in data, f"a secret stands in {where}"


def processes(host):
    return [host.process.pid, *host.connector_pids()]


def test_invariant_9_not_in_command_lines_and_environments(secret_site):
    for pid in processes(secret_site):
        for name in ("cmdline", "environ"):
            holds(secret_site, pathlib.Path(f"/proc/{pid}/{name}").read_bytes(), f"{pid}/{name}")


def test_invariant_9_connectors_inherit_nothing(secret_site):
    for pid in secret_site.connector_pids():
        assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b""
        ours = os.readlink(f"/proc/{secret_site.process.pid}/exe")
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            assert "adit.db" not in target and "lock" not in pathlib.Path(target).name, target
            assert str(secret_site.socket) not in target and target != ours
            if target.startswith("/") and int(fd) > 2:
                raise AssertionError(f"{fd} -> {target}")
        # Descriptors 0 to 2: nothing, and the log.
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert "/connectors/" in os.readlink(f"/proc/{pid}/fd/2")


def test_invariant_9_connectors_share_no_socket_with_us(secret_site):
    def sockets(pid):
        return {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")
                if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(("socket:", "pipe:"))}
    for pid in secret_site.connector_pids():
        assert not sockets(pid) & sockets(secret_site.process.pid)


def test_invariant_9_not_in_answers(secret_site):
    for op in ("status_get", "tunnel_list", "route_list", "dns_list", "zone_list", "plan_list",
               "connector_list", "event_list", "log_search"):
        holds(secret_site, secret_site.visit("GET", f"/v1/{op}")[2], op)
    holds(secret_site, secret_site.visit("GET", "/v1/tunnel_get?tunnel=edge1")[2], "tunnel_get")
    holds(secret_site, secret_site.visit("GET", "/v1/dns_list?zone=example.com")[2], "dns_list")
    holds(secret_site, secret_site.visit("GET", "/metrics")[2], "metrics")
    for plan in secret_site.items("plan_list"):
        holds(secret_site, json.dumps(secret_site.api("plan_get", plan=plan["plan"])), "a plan")


def test_invariant_9_not_in_logs(secret_site, sim):
    secret_site.process.send_signal(10)  # SIGUSR1: the flight recorder
    secret_site.api("connector_restart", connector="edge1/1")
    secret_site.api("tunnel_delete", tunnel="edge1", approve=True)
    holds(secret_site, secret_site.log_path.read_bytes(), "aditd's log")
    assert "debug" in secret_site.log(), "the log was not at level debug"


def test_invariant_9_not_in_connector_logs(secret_site):
    logs = list(secret_site.state_dir.glob("connectors/*/*log*"))
    assert logs
    for log in logs:
        holds(secret_site, log.read_bytes(), log.name)


def test_invariant_9_not_in_the_store_but_in_their_own_tables(secret_site):
    for name, rows in secret_site.tables().items():
        if name not in ("secret", "token"):
            for row in rows:
                for value in row.values():
                    holds(secret_site, value, f"table {name}")


def test_invariant_9_not_in_error_texts(secret_site, sim):
    """Cloudflare's and the wire's answers may hold what we sent."""
    for words in (f"Invalid token {CANARY}", f"Authorization: Bearer {CANARY}"):
        sim.fault("error", status=400, code=9999, message=words, method="GET", count=2)
        secret_site.reload()
        status, _, text = secret_site.visit("POST", "/v1/dns_list", b'{"zone":"example.com"}')
        holds(secret_site, text, "an error")
        sim.faults_clear()
    secret = next(iter(secret_site.secrets))
    sim.fault("error", status=400, code=1, message="x " + CANARY, method="PUT")
    answer = secret_site.publish("b.example.com", "http://127.0.0.1:1", timeout="2s")
    holds(secret_site, json.dumps(answer), "a write's answer")
    holds(secret_site, json.dumps(secret_site.status()), "the status")
    holds(secret_site, secret_site.log_path.read_bytes(), "the log")
    assert secret


def test_invariant_9_files_are_ours_alone(secret_site):
    assert stat.S_IMODE(secret_site.state_dir.stat().st_mode) == 0o700
    for path in secret_site.state_dir.rglob("*"):
        info = path.lstat()
        assert not stat.S_ISLNK(info.st_mode), path
        mode = stat.S_IMODE(info.st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))
    holding = [p for p in secret_site.state_dir.rglob("*") if p.is_file() and
               any(s in p.read_bytes() for s in secret_site.secrets)]
    names = {p.name for p in holding}
    assert names <= {"token", "adit.db", "adit.db-wal"}, names
    holds_api = [p for p in secret_site.state_dir.rglob("*") if p.is_file() and
                 CANARY.encode() in p.read_bytes()]
    assert holds_api == [], "the API token is nobody's to keep"


def test_invariant_9_no_core_file_and_no_debugger(secret_site):
    limits = pathlib.Path(f"/proc/{secret_site.process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core"))
    assert core.split()[4:6] == ["0", "0"], core
    # Not dumpable: its /proc files belong to root whoever it runs as; as another user it cannot
    # be read at all.
    status = pathlib.Path(f"/proc/{secret_site.process.pid}/coredump_filter")
    assert status.exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_invariant_9_a_token_that_others_may_read_is_refused(host, mode):
    host.write_token(host.sim.token, mode)
    host.start(observed=False)
    status = host.status()
    assert status["access"] == "missing" and status["writes"] != "on"
    assert "may be read by others" in status["problems"][0]["message"]
    assert "chmod 0600" in status["problems"][0]["hint"]
    assert host.sim.log() == []


def test_invariant_9_a_token_behind_a_link_is_refused(host):
    real = host.folder / "real"
    host.token_path.rename(real)
    host.token_path.symlink_to(real)
    host.start(observed=False)
    assert host.status()["access"] == "missing" and host.sim.log() == []


def test_invariant_9_curl_ignores_the_environment(host, sim):
    key_log = host.folder / "keys"
    host.start(env={"http_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
                    "ALL_PROXY": "http://127.0.0.1:1", "SSLKEYLOGFILE": str(key_log),
                    "HOME": str(host.folder), "NETRC": str(host.folder / ".netrc")})
    assert host.status()["access"] == "ok" and not key_log.exists()


def test_invariant_9_credentials_of_systemd_go_first(host, sim):
    folder = host.folder / "credentials"
    folder.mkdir(0o700)
    (folder / "cloudflare-token").write_text(sim.token)
    (folder / "cloudflare-token").chmod(0o600)
    host.token_path.unlink()
    host.start(env={"CREDENTIALS_DIRECTORY": str(folder)})
    assert host.status()["access"] == "ok"
    holds_nothing = pathlib.Path(f"/proc/{host.process.pid}/environ").read_bytes()
    assert sim.token.encode() not in holds_nothing
