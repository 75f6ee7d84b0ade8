"""What keeping processes alive costs, beside programs that do nothing else: restart, a hung process,
a thousand starts, memory, probing, flapping. PEERS names a folder in which to look for runsv,
s6-supervise, supervise (daemontools), supervisord and monit before PATH."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from tools import (BUILD, QUICK, RUNSV, compared, cpu_ms, ended, hosted, rss_kib, scratch,
                   show, simulated, table)

from harness import until  # noqa: E402

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
LEAST = "least: spawn + pidfd"


def peer(name):
    return shutil.which(name, path=f"{os.environ.get('PEERS', '')}:{os.environ['PATH']}")


class Starts:
    """What bench-ready wrote: who began when."""

    def __init__(self, folder, name):
        self.program = folder / name
        self.file = folder / (name + ".starts")
        shutil.copy(BUILD / "bench-ready", self.program)

    def rows(self):
        if not self.file.exists():
            return []
        return [tuple(map(int, line.split())) for line in self.file.read_text().splitlines()
                if line.count(" ") == 1]

    def alive(self):
        return [pid for pid, _ in self.rows() if pathlib.Path(f"/proc/{pid}/exe").exists()]

    def kill_one(self, pid):
        """Nanoseconds from SIGKILL to the first instruction of the next one."""
        known = len(self.rows())
        at = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(self.rows()) > known, 30, 0.002, "nothing was started again")
        return self.rows()[known][1] - at

    def kill_all(self):
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


# ---- restart ----

def run_script(folder, name, program):
    """A service folder as runit, s6 and daemontools have them."""
    service = folder / name
    service.mkdir()
    (service / "run").write_text(f"#!/bin/sh\nexec {program}\n")
    (service / "run").chmod(0o755)
    return service


def supervisord_config(folder, count, program):
    path = folder / "supervisord.conf"
    path.write_text(f"[supervisord]\nnodaemon=true\nlogfile={folder}/supervisord.log\n"
                    f"pidfile={folder}/supervisord.pid\n[program:x]\ncommand={program}\n"
                    f"numprocs={count}\nprocess_name=x%(process_num)d\nautorestart=true\n"
                    "startsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n")
    return path


def restart_peers(folder, count):
    """{name: (starts, processes)} of those that are installed."""
    out = {LEAST: Starts(folder, "least")}
    running = {LEAST: [subprocess.Popen([BUILD / "bench-restarter", str(count),
                                         out[LEAST].program])]}
    for name, program in (("runit runsv", RUNSV or peer("runsv")),
                          ("s6-supervise", peer("s6-supervise")),
                          ("daemontools supervise", peer("supervise"))):
        if not program:
            continue
        short = name.split()[0]
        out[name] = Starts(folder, short)
        running[name] = [subprocess.Popen(
            [program, run_script(folder, f"{short}-{i}", out[name].program)], **QUIET)
            for i in range(count)]
    if peer("supervisord"):
        name = "supervisord, startsecs=0"
        out[name] = Starts(folder, "supervisord-child")
        config = supervisord_config(folder, count, out[name].program)
        running[name] = [subprocess.Popen([peer("supervisord"), "-c", config], **QUIET)]
    return out, running


def bench_restart():
    count = 5 if QUICK else 24
    with scratch() as folder, simulated("--zone", "example.com") as sim, \
            hosted(sim) as host:
        ours = Starts(folder, "cloudflared")
        host.configure(connectors={"cloudflared": str(ours.program)})
        host.cloudflared = ours.program
        host.start()
        host.api("tunnel_create", name="restart", replicas=count, wait=False)
        who, running = restart_peers(folder, count)
        who["aditd"] = ours
        for name, starts in who.items():
            until(lambda s=starts: len(s.alive()) == count, 60, why=f"{name}: not all started")
        # A short life is a flapping one: runsv then waits a second, and aditd up to 100 ms. Ten
        # seconds are a stable run to aditd.
        time.sleep(11)
        pids = {name: starts.alive() for name, starts in who.items()}
        samples = {name: [] for name in who}
        for i in range(count):
            for name, starts in who.items():
                samples[name].append(starts.kill_one(pids[name][i]))
                time.sleep(0.05)
        memory = {name: sum(rss_kib(p.pid) for p in ps) for name, ps in running.items()}
        memory["aditd"] = rss_kib(host.process.pid)
        host.stop()
        for p in [p for ps in running.values() for p in ps]:
            ended(p)
        for starts in who.values():
            starts.kill_all()
    table("Restart: SIGKILL to the first instruction of the next process", ("", "n", "ms", "ratio"),
          compared(samples, LEAST, 1e-6))
    print(f"\nRSS with {count} children: " +
          ", ".join(f"{name} {kib:,} KiB" for name, kib in memory.items()) + ".")


# ---- a hung process ----

def monit_files(folder, program, port):
    start = folder / "start.sh"
    pid = folder / "monit-child.pid"
    start.write_text(f"#!/bin/sh\nsetsid {program} {port} </dev/null >/dev/null 2>&1 &\n"
                     f"echo $! > {pid}\n")
    start.chmod(0o755)
    config = folder / "monitrc"
    config.write_text(f"set daemon 1\nset idfile {folder}/id\nset statefile {folder}/state\n"
                      f"set pidfile {folder}/monit.pid\nset log {folder}/monit.log\n"
                      f"check process x with pidfile {pid}\n"
                      f"  start program = \"{start}\"\n"
                      f"  stop program = \"/bin/sh -c 'kill -9 $(cat {pid})'\"\n"
                      f"  if failed host 127.0.0.1 port {port} protocol http request \"/ready\" "
                      "with timeout 1 seconds for 3 cycles then restart\n")
    config.chmod(0o600)
    return config


def bench_hung():
    rounds = 2 if QUICK else 4
    health = {"interval": "1s", "timeout": "1s", "failures": 3, "unready": "45s"}
    with scratch() as folder, simulated("--zone", "example.com") as sim, \
            hosted(sim, connectors={"health": health}) as host:
        who = {name: Starts(folder, file) for name, file in
               (("least: one probe a second", "least"), ("aditd", "cloudflared"),
                ("monit, cycle 1 s", "monit-child"))}
        ours, least = who["aditd"], who["least: one probe a second"]
        host.configure(connectors={"cloudflared": str(ours.program)})
        host.cloudflared = ours.program
        host.start()
        host.api("tunnel_create", name="hung", wait=False)
        running = [subprocess.Popen([BUILD / "bench-watcher", "1000", "3", least.program, "39711"])]
        if peer("monit"):
            config = monit_files(folder, who["monit, cycle 1 s"].program, 39712)
            running.append(subprocess.Popen([peer("monit"), "-I", "-c", config], **QUIET))
        else:
            del who["monit, cycle 1 s"]
        samples = {name: [] for name in who}
        for i in range(rounds):
            for starts in who.values():
                until(lambda s=starts: len(s.alive()) == 1, 60, why="it does not run")
            time.sleep(12.1 + 0.37 * i)  # aditd asks oftener after a start; other phases each time
            known = {name: len(s.rows()) for name, s in who.items()}
            at = time.monotonic_ns()
            for starts in who.values():
                os.kill(starts.alive()[0], signal.SIGUSR1)
            for name, starts in who.items():
                until(lambda n=name, s=starts: len(s.rows()) > known[n], 90, 0.02, name)
                samples[name].append(starts.rows()[known[name]][1] - at)
        host.stop()
        for p in running:
            ended(p)
        for starts in who.values():
            starts.kill_all()
    table("A hung process: no answer any more, to the first instruction of the next one; asked "
          "once a second, three failures", ("", "n", "ms", "ratio"),
          compared(samples, "least: one probe a second", 1e-6))


# ---- many: starts, memory, probing ----

def many(host, have, want):
    while have < want:
        host.api("tunnel_create", name=f"many-{have}", replicas=25, wait=False)
        have += 25
    return have


def all_ready(host, want):
    rows = host.items("connector_list", limit=1000)
    return sum(c["state"] == "ready" for c in rows) >= want


def probe_cpu(host, interval_ms):
    """aditd and a program that only asks, at the same time over the same connectors."""
    rows = host.items("connector_list", limit=1000)
    prober = subprocess.Popen([BUILD / "bench-prober", str(interval_ms),
                               *(str(c["metrics_port"]) for c in rows)])
    seconds = 5 if QUICK else 30
    time.sleep(2 if QUICK else 11)
    before = {p.pid: cpu_ms(p.pid) for p in (prober, host.process)}
    time.sleep(seconds)
    after = {p.pid: cpu_ms(p.pid) - before[p.pid] for p in (prober, host.process)}
    ended(prober)
    least = after[prober.pid]
    table(f"CPU with {len(rows)} connectors at rest, each asked every {interval_ms} ms, over "
          f"{seconds} s", ("", "ms", "us a connector and second", "ratio"),
          [(name, show(ms), show(ms * 1000 / len(rows) / seconds), f"{ms / least:.2f}")
           for name, ms in (("least", least), ("aditd", after[host.process.pid]))])


def rest_cpu(host):
    """Nothing is asked while all are stopped: what is left is what aditd does of itself."""
    tunnels = {c["tunnel"] for c in host.items("connector_list", limit=1000)}
    for name in tunnels:
        host.api("connector_stop", tunnel=name, wait=False)
    until(lambda: all(c["state"] == "stopped" for c in host.items("connector_list", limit=1000)), 60,
          0.5, "not all stopped")
    seconds = 5 if QUICK else 30
    time.sleep(2 if QUICK else 11)
    before = cpu_ms(host.process.pid)
    time.sleep(seconds)
    used = cpu_ms(host.process.pid) - before
    for name in tunnels:
        host.api("connector_start", tunnel=name, wait=False)
    return f"{used:.2f} ms of CPU in {seconds} s with all connectors stopped: none is asked."


def start_all(host, ours, count):
    """Milliseconds from exec of aditd to the first instruction of the last connector."""
    host.stop()
    ours.kill_all()
    until(lambda: not ours.alive(), 60)
    known = len(ours.rows())
    at = time.monotonic_ns()
    host.spawn()
    until(lambda: len(ours.rows()) >= known + count, 120, 0.05, "not all were started")
    took = ours.rows()[known + count - 1][1] - at
    host.wait_up()
    return took


def start_least(folder, count):
    least = Starts(folder, "least")
    at = time.monotonic_ns()
    process = subprocess.Popen([BUILD / "bench-restarter", str(count), least.program])
    until(lambda: len(least.rows()) >= count, 120, 0.05, "not all were started")
    took = least.rows()[count - 1][1] - at
    ended(process)
    least.kill_all()
    least.file.unlink()
    return took


def bench_many():
    steps = [0, 25, 50] if QUICK else [0, 100, 500, 1000]
    calm = {"interval": "5s", "timeout": "2s", "failures": 3, "unready": "45s"}
    rows, have, base = [], 0, 0
    with scratch() as folder, simulated("--zone", "example.com") as sim, \
            hosted(sim, connectors={"health": calm}, reconcile={"interval": "10m"}) as host:
        ours = Starts(folder, "cloudflared")
        host.configure(connectors={"cloudflared": str(ours.program)})
        host.cloudflared = ours.program
        sim.control("POST", "seed", {"limits": {"requests": 100000, "window_s": 300}})
        host.start()
        for want in steps:
            have = many(host, have, want)
            until(lambda w=want: all_ready(host, w), 240, 0.5, "not all became ready")
            time.sleep(1 if QUICK else 6)
            rss = rss_kib(host.process.pid)
            base = base or rss
            rows.append((want, f"{rss:,}", show((rss - base) / want) if want else ""))
            if want == (50 if QUICK else 100):
                host.configure(connectors={"health": {**calm, "interval": "1s", "timeout": "1s"}})
                host.reload()
                probe_cpu(host, 1000)
                print("\n" + rest_cpu(host))
                host.configure(connectors={"health": calm})
                host.reload()
        table("RSS of aditd", ("connectors", "KiB", "KiB a connector"), rows)
        samples = {LEAST: [], "aditd, from its exec on": []}
        for _ in range(1 if QUICK else 3):
            samples[LEAST].append(start_least(folder, steps[-1]))
            samples["aditd, from its exec on"].append(start_all(host, ours, steps[-1]))
        host.stop()
        ours.kill_all()
    table(f"{steps[-1]:,} processes started", ("", "n", "ms", "ratio"),
          compared(samples, LEAST, 1e-6))


# ---- flapping ----

def bench_flapping():
    count, seconds = (50, 5) if QUICK else (1000, 30)
    with scratch() as folder, simulated("--zone", "example.com") as sim, hosted(sim) as host:
        ours = Starts(folder, "flap")
        host.configure(connectors={"cloudflared": str(ours.program)})
        host.cloudflared = ours.program
        sim.control("POST", "seed", {"limits": {"requests": 100000, "window_s": 300}})
        host.start()
        many(host, 0, count)
        until(lambda: len(ours.rows()) >= 2 * count, 200, 0.2, "not all flap")
        rows = []
        for minute in range(1 if QUICK else 2):
            time.sleep(2 if QUICK else 10)
            before, starts = cpu_ms(host.process.pid), len(ours.rows())
            time.sleep(seconds)
            used, starts = cpu_ms(host.process.pid) - before, len(ours.rows()) - starts
            rows.append((f"window {minute + 1}", starts, show(used), f"{used / seconds / 10:.2f} %"))
        host.stop()
    table(f"{count} processes that end at once, {seconds} s each", ("", "starts", "ms of CPU",
                                                                      "of a core"), rows)


PARTS = {"restart": bench_restart, "hung": bench_hung, "many": bench_many,
         "flapping": bench_flapping}
