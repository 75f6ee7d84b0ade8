"""Thousands of slow requests under way while connectors are replaced, and while aditd is killed: not
one may fail. Rounds are heavy and follow one another, so this chapter is run by its name alone."""
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import Host, Sim, until  # noqa: E402
from traffic import Crowd, SlowOrigin  # noqa: E402

CHAPTER = "inflight"
OPERATIONS = ("restart", "options", "rotate", "upgrade", "kills")
REQUESTS = int(os.environ.get("ADIT_INFLIGHT", "10000"))
KILLS = int(os.environ.get("ADIT_INFLIGHT_KILLS", "100"))
REPLICAS, SLOW = 6, (6.0, 14.0)
FEW = {"interval": "1s", "timeout": "1s", "failures": 30, "unready": "120s"}
LONG = 400


def pids(host):
    return sorted(c["pid"] for c in host.items("connector_list"))


def replaced(host, before):
    until(lambda: not set(pids(host)) & set(before) and host.connector_pids() == pids(host) and
          host.converged(), LONG, 0.5, lambda: f"{before}, {pids(host)}, {host.connector_pids()}")


def change_restart(host, crowd):
    for c in host.items("connector_list"):
        crowd.changing()
        answer = host.api("connector_restart", connector=c["name"], timeout="120s")
        if not answer["converged"]:
            raise AssertionError(answer)


def change_options(host, crowd):
    crowd.changing()
    host.configure(connectors={"grace_period": "50s"})
    host.reload()


def change_rotate(host, crowd):
    crowd.changing()
    answer = host.api("tunnel_rotate", tunnel="edge1", approve=True, wait=False)
    if answer["state"] != "applied":
        raise AssertionError(answer)


def change_upgrade(host, crowd):
    """Another file takes the program's place, as a package does it; upgrade is asked for."""
    crowd.changing()
    fresh = host.folder / "cloudflared.new"
    shutil.copy(host.stub, fresh)
    fresh.rename(host.cloudflared)
    host.api("connector_upgrade", tunnel="edge1", wait=False)


def change_kills(host, crowd):
    for i in range(KILLS):
        crowd.changing()
        if i % 2:
            host.kill9()
        else:
            host.stop()
        host.start(observed=False)


CHANGES = {"restart": change_restart, "options": change_options, "rotate": change_rotate,
           "upgrade": change_upgrade, "kills": change_kills}


def points(_rng, operations):
    yield from (o for o in operations if o in CHANGES)


def judge(host, name, before):
    if name == "kills":
        until(lambda: pids(host) == before == host.connector_pids(), 60)
    else:
        replaced(host, before)
    restarts = sum(c["restarts"] for c in host.items("connector_list"))
    if restarts:
        raise AssertionError(f"{restarts} restarts of connectors")


def run(name, _spare):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="adit-inflight-", dir="/tmp"))
    sim, origin = Sim(folder), SlowOrigin(SLOW)
    host = Host(sim)
    began = time.monotonic()
    try:
        host.configure(connectors={"grace_period": "60s", "health": FEW}, log={"level": "info"})
        host.start()
        host.api("tunnel_create", name="edge1", replicas=REPLICAS)
        host.publish("app.example.com", origin.url)
        host.wait_converged(60)
        before = pids(host)
        crowd = Crowd(sim, REQUESTS)
        with crowd:
            CHANGES[name](host, crowd)
            judge(host, name, before)
        print(f"   {name}: {crowd.asked.good} requests, {REQUESTS} at a time, none failed, "
              f"{time.monotonic() - began:.0f} s", flush=True)
    finally:
        host.close()
        origin.close()
        sim.close()
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(host.folder, ignore_errors=True)
    return None, "ok"
