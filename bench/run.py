"""Runs the benchmarks that docs/PERFORMANCE.md tells of, and prints its tables.

Every figure stands beside a named peer or a program that does the least possible, measured in the
same run and in turns with it. Medians; n is the number of samples. Nothing here is a test.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

import mcp
import supervise
from tools import (BUILD, QUICK, RUNSV, compared, cpu_ms, ended, hosted, median, options, parser,
                   rss_kib, scratch, show, simulated, table)

from harness import until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NODE = shutil.which("node")
SECRET = "AQIDBAUGBwgBAgMEBQYHCAECAwQFBgcIAQIDBAUGBwg="


# ---- observation ----

def fill_sim(sim, tunnels, records, install):
    """Tunnels and records as aditd would have made them; lines for bench-commit adopt."""
    sim.control("POST", "seed", {
        "zones": [{"name": "big.example", "plan": "pro", "record_quota": records + 10}],
        "limits": {"requests": 100000, "window_s": 300}})
    edits = [{"method": "POST", "path": "/accounts/@account/cfd_tunnel",
              "body": {"name": f"tunnel-{i:04d}", "config_src": "cloudflare",
                       "tunnel_secret": SECRET}} for i in range(tunnels)]
    for i in range(0, tunnels, 100):
        sim.control("POST", "edit", edits[i:i + 100])
    made = sim.tunnels()
    posts = [{"type": "CNAME", "name": f"app{i:05d}.big.example", "ttl": 1, "proxied": True,
              "content": f"{made[i * tunnels // records]['id']}.cfargotunnel.com",
              "comment": f"adit:bench/{install}"} for i in range(records)]
    for i in range(0, records, 200):
        sim.edit("POST", "/zones/@big.example/dns_records/batch", {"posts": posts[i:i + 200]})
    zone = next(z for z in sim.state()["zones"] if z["name"] == "big.example")
    by_content = {}
    for r in zone["records"]:
        by_content.setdefault(r["content"], []).append(r)
    lines = []
    for t in made:
        lines.append(f"t {t['name']} {t['id']}\n")
        lines += [f"d {r['name']} {r['id']} {zone['id']}\n"
                  for r in by_content.get(f"{t['id']}.cfargotunnel.com", [])]
    put_configurations(sim, made, by_content)
    return zone["id"], lines


def put_configurations(sim, tunnels, by_content):
    """Each tunnel serves the names that lead to it, as the routes of bench-commit adopt say."""
    puts = []
    for t in tunnels:
        rules = [{"hostname": r["name"], "service": "http://127.0.0.1:8080"}
                 for r in by_content.get(f"{t['id']}.cfargotunnel.com", [])]
        puts.append({"method": "PUT", "path": f"/accounts/@account/cfd_tunnel/{t['id']}/configurations",
                     "body": {"config": {"ingress": rules + [{"service": "http_status:404"}]}}})
    for i in range(0, len(puts), 100):
        sim.control("POST", "edit", puts[i:i + 100])


def save_page(sim, path, file):
    request = urllib.request.Request(sim.api_url + path,
                                     headers={"Authorization": f"Bearer {sim.token}"})
    with urllib.request.urlopen(request) as answer:
        file.write_bytes(answer.read())
    return str(file)


def observe_cpu(files):
    rounds = 6 if QUICK else 12
    node, first, later = ("node JSON.parse + diff", "aditd's rooms, first look",
                          "aditd's rooms, later look, 1 % of the rows changed")
    samples = {node: [], first: [], later: []} if NODE else {first: [], later: []}

    def run(program):
        out = subprocess.run([*program, str(rounds), *files], check=True, capture_output=True,
                             text=True).stdout
        # The first rounds warm up caches and compilers.
        return [tuple(map(int, line.split())) for line in out.splitlines()[3:]]

    for _ in range(1 if QUICK else 10):
        for row in run([BUILD / "bench-observe"]):
            samples[first].append((row[0], row[2]))
            samples[later].append((row[1], row[3]))
        if NODE:
            samples[node] += run([NODE, HERE / "observe.mjs"])
    for column, what in ((0, "10,000 records"), (1, "1,000 tunnels")):
        table(f"CPU of a look at {what}", ("", "n", "ms", "ratio"),
              compared({k: [s[column] for s in v] for k, v in samples.items()},
                       node if NODE else first, 0.001))


def requests_of(rows):
    return [r for r in rows if r["status"]]


def full_look(sim, install, state, lines):
    """API calls and CPU of aditd, from its start and in later looks."""
    subprocess.run([BUILD / "bench-commit", state, "adopt"], input="".join(lines), text=True,
                   check=True)
    with hosted(sim, state_dir=str(state), reconcile={"interval": "3s"}) as host:
        mark = sim.mark()
        host.start(observed=False)
        look = lambda: [r for r in sim.log(mark) if "dns_records" in r["path"]]  # noqa: E731
        until(lambda: len(look()) >= 2, 60, why="the records were not listed")
        time.sleep(1.5)
        first = requests_of(sim.log(mark))
        counts, sweeps, audits, used = [], [], [], []
        for _ in range(2 if QUICK else 5):
            mark, before = sim.mark(), cpu_ms(host.process.pid)
            until(lambda: len(look()) >= 2, 60, why="no second look")
            time.sleep(1.2)
            # One configuration after the other is read at a pace of its own, whatever is looked at.
            rows = requests_of(sim.log(mark))
            sweeps.append(sum(r["path"].endswith("/configurations") for r in rows))
            audits.append(sum(r["path"].endswith("/logs/audit") for r in rows))
            counts.append(len(rows) - sweeps[-1] - audits[-1])
            used.append(cpu_ms(host.process.pid) - before)
        problems = len(host.status()["problems"])
        rss = rss_kib(host.process.pid)
        host.stop()
    return first, counts, sweeps, audits, used, problems, rss


def change_outside(sim, zone_records, every=100):
    """Somebody leads one record in a hundred elsewhere."""
    some = zone_records[::every]
    for i in range(0, len(some), 100):
        sim.edit("POST", "/zones/@big.example/dns_records/batch",
                 {"patches": [{"id": r["id"], "content": "elsewhere.example.org"}
                              for r in some[i:i + 100]]})
    return len(some)


def big_records(sim):
    return next(z for z in sim.state()["zones"] if z["name"] == "big.example")["records"]


def repair(sim, state):
    """One look that finds 1 % drift, and what is done about it: requests by kind, CPU, how many
    were put back, and in which time."""
    with hosted(sim, state_dir=str(state),
                reconcile={"interval": "3s", "drift": "repair"}) as host:
        host.start(observed=False)
        listings = lambda mark: [r for r in sim.log(mark)  # noqa: E731
                                 if r["path"].endswith("/dns_records") and r["method"] == "GET"]
        until(lambda: len(listings(0)) >= 6, 90, why="the records were not listed")
        count = change_outside(sim, big_records(sim))
        mark, before, began = sim.mark(), cpu_ms(host.process.pid), time.monotonic()
        left = lambda: sum(r["content"] == "elsewhere.example.org"  # noqa: E731
                           for r in big_records(sim))
        until(lambda: len(listings(mark)) >= 2, 60, why="no look")
        end = time.monotonic() + 40
        while left() and time.monotonic() < end:
            time.sleep(0.5)
        took, used = time.monotonic() - began, cpu_ms(host.process.pid) - before
        families = {}
        for r in requests_of(sim.log(mark)):
            key = f"{r['method']} {r['family']}"
            families[key] = families.get(key, 0) + 1
        rest = left()
        drift = host.status().get("drift", {}).get("count", 0)
        host.stop()
    return count, rest, drift, took, used, families


def bench_observe():
    with scratch() as folder, simulated("--zone", "example.com") as sim:
        state = folder / "state"
        state.mkdir(mode=0o700)
        install = subprocess.run([BUILD / "bench-commit", state, "fill", "0"], check=True,
                                 capture_output=True, text=True).stdout.strip()
        zone, lines = fill_sim(sim, 1000, 10000, install)
        files = [save_page(sim, f"/accounts/{sim.account}/cfd_tunnel?is_deleted=false"
                           "&per_page=1000&page=1", folder / "tunnels.json")]
        files += [save_page(sim, f"/zones/{zone}/dns_records?per_page=5000&page={p}",
                            folder / f"records{p}.json") for p in (1, 2)]
        observe_cpu(files)
        first, counts, sweeps, audits, used, problems, rss = full_look(sim, install, state, lines)
        beside = [r for r in first if r["path"].endswith(("/configurations", "/logs/audit"))]
        least = 1 + 1 + 2
        table("Calls of a complete look: 1,000 tunnels, 10,000 records",
              ("", "n", "calls", "ratio"),
              [("least: zones, tunnels, 2 pages of records", "", least, "1.00"),
               ("first look after a start", 1, len(first) - len(beside),
                f"{(len(first) - len(beside)) / least:.2f}"),
               ("a later look", len(counts), show(median(counts)),
                f"{median(counts) / least:.2f}"),
               ("beside it: the audit log", len(audits), show(median(audits)), "")])
        families = {}
        for r in first:
            key = f"{r['method']} {r['family']}"
            families[key] = families.get(key, 0) + 1
        print(f"\nBetween looks, {sum(sweeps)} configurations were read in {len(sweeps)} intervals.")
        print("\nFirst look: " + ", ".join(f"{n} {k}" for k, n in sorted(families.items())) + ".")
        count, rest, drift, took, repaired_ms, families = repair(sim, state)
        dns = sum(n for k, n in families.items() if "dns_records" in k)
        looks = max(1, families.get("GET /accounts/{account}/cfd_tunnel", 1))
        table(f"1 % drift on records ({count}): a look and its repair", ("", "n", "DNS calls", "ratio"),
              [(f"least: 2 pages each of {looks} looks, 1 batch when all is put back", "",
                2 * looks + (rest == 0), "1.00"),
               ("aditd", 1, dns, f"{dns / (2 * looks + (rest == 0)):.2f}")])
        print(f"\nPut back {count - rest} of {count} in {took:.1f} s, {drift} then told as drift; "
              f"CPU of aditd meanwhile {repaired_ms:.0f} ms. Requests: " +
              ", ".join(f"{n} {k}" for k, n in sorted(families.items())) + ".")
        print(f"CPU of aditd for a later look, HTTP and all: {median(used):.0f} ms "
              f"(n {len(used)}); RSS then {rss:,} KiB; problems told: {problems}.")


# ---- round trip ----

def pinned(process_or_pid):
    os.sched_setaffinity(getattr(process_or_pid, "pid", process_or_pid), {0})


def bench_roundtrip():
    rounds, count = (2, 500) if QUICK else (20, 2000)
    with scratch() as folder, simulated("--zone", "example.com") as sim, hosted(sim) as host:
        host.start()
        host.publish("app.example.com", "http://127.0.0.1:9", wait=False)
        until(lambda: host.status()["routes"] and host.connector_pids(), why="no connector")
        time.sleep(2)
        size = len(json.dumps({"result": host.status()}, separators=(",", ":")))
        echo = subprocess.Popen([BUILD / "bench-echo", folder / "echo", str(size)])
        least = subprocess.Popen([BUILD / "bench-listener", folder / "least", str(size)])
        for p in (host.process, echo, least):
            pinned(p)
        where = {"least: blocking read and write": folder / "least",
                 "loop/server, fixed answer": folder / "echo", "aditd status_get": host.socket}
        until(lambda: all(p.exists() for p in where.values()), why="no socket")
        samples = {name: [] for name in where}
        for _ in range(rounds):
            for name, path in where.items():
                out = subprocess.run(["taskset", "-c", "0", BUILD / "bench-client", path,
                                      str(count), "/v1/status_get"], check=True,
                                     capture_output=True, text=True).stdout
                # One sample a round: the median of its requests.
                samples[name].append(median([int(v) for v in out.splitlines()[1:]]))
        host.stop()
        ended(echo)
        ended(least)
    table(f"Round trip on a Unix socket, one CPU, {size} bytes", ("", "n", "us", "ratio"),
          compared(samples, "loop/server, fixed answer", 0.001))


# ---- many rows ----

ROWS = (("status_get", {}), ("route_list", {"limit": 50}), ("route_list", {"limit": 1000}),
        ("tunnel_list", {"limit": 1000}), ("dns_list", {"limit": 1000}),
        ("dns_list", {"limit": 1000, "zone": "big.example"}), ("drift_list", {}))


def cpu_of_call(host, op, args):
    before = cpu_ms(host.process.pid)
    host.api(op, **args)
    time.sleep(0.05)
    return cpu_ms(host.process.pid) - before


def bench_rows():
    """How long one call keeps the loop of a host that has much."""
    with scratch() as folder, simulated("--zone", "example.com") as sim:
        state = folder / "state"
        state.mkdir(mode=0o700)
        install = subprocess.run([BUILD / "bench-commit", state, "fill", "0"], check=True,
                                 capture_output=True, text=True).stdout.strip()
        lines = fill_sim(sim, 1000, 10000, install)[1]
        subprocess.run([BUILD / "bench-commit", state, "adopt"], input="".join(lines), text=True,
                       check=True)
        with hosted(sim, state_dir=str(state), reconcile={"interval": "10m"}) as host:
            mark = sim.mark()
            host.start(observed=False)
            until(lambda: any("dns_records" in r["path"] for r in sim.log(mark)), 60,
                  why="the records were not listed")
            time.sleep(3)
            count = 3 if QUICK else 15
            rows = [(" ".join([op, *(f"{k}={v}" for k, v in args.items())]), count,
                     show(median([cpu_of_call(host, op, args) for _ in range(count)])))
                    for op, args in ROWS]
            host.stop()
    table("A call's CPU with 1,000 tunnels, 10,000 routes and records", ("", "n", "ms"), rows)


# ---- durable writes ----

def bench_commit():
    rounds = 20 if QUICK else 300
    names = ("floor: 4 KiB in place + fdatasync", "one ledger row",
             "a changed route: plan, rows, revision, ledger", "a row of 100 in one transaction")
    with scratch() as folder:
        out = subprocess.run([BUILD / "bench-commit", folder, str(rounds)], check=True,
                             capture_output=True, text=True).stdout
    columns = zip(*(map(int, line.split()) for line in out.splitlines()))
    table("Durable writes", ("", "n", "us", "ratio"),
          compared(dict(zip(names, map(list, columns))), names[0], 0.001))


# ---- cold start ----

def first_answer(command, path, **how):
    """Nanoseconds from before exec to the first answer, by a client that waits already."""
    with contextlib.suppress(FileNotFoundError):
        pathlib.Path(path).unlink()
    client = subprocess.Popen([BUILD / "bench-client", path, "0", "/v1/status_get"],
                              stdout=subprocess.PIPE, text=True)
    time.sleep(0.05)
    at = time.monotonic_ns()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    out = client.communicate(timeout=30)[0]
    ended(server)
    assert client.returncode == 0, command
    return int(out.split()[1]) - at


SERVE = {
    "node": "const p=process.argv[1];require('http').createServer((q,r)=>{r.setHeader("
            "'Content-Length','2');r.end('{}')}).listen(p)",
    "python3": "import http.server,socketserver,sys\n"
               "class H(http.server.BaseHTTPRequestHandler):\n"
               "    protocol_version='HTTP/1.1'\n"
               "    def do_GET(self):\n"
               "        self.send_response(200); self.send_header('Content-Length','2')\n"
               "        self.end_headers(); self.wfile.write(b'{}')\n"
               "    def address_string(self): return 'x'\n"
               "socketserver.UnixStreamServer(sys.argv[1],H).serve_forever()",
}


def bench_start():
    rounds = 3 if QUICK else 24
    with scratch() as folder, simulated("--zone", "example.com") as sim, hosted(sim) as host:
        host.state_dir.mkdir(mode=0o700)
        subprocess.run([BUILD / "bench-commit", host.state_dir, "fill", "1000"], check=True,
                       stdout=subprocess.DEVNULL)
        # Nothing answers there: what is looked at is the start alone.
        host.configure(cloudflare={"base_url": "http://127.0.0.1:9/client/v4"})
        path = folder / "socket"
        commands = {
            "least: static, bind and answer": ([BUILD / "bench-listener", path, "2"], path, {}),
            "python3 http.server": (["/usr/bin/python3", "-c", SERVE["python3"], path], path, {}),
            "aditd, 1,000 routes": ([BUILD / "aditd", "--config", host.config_path], host.socket,
                                    {"env": {}}),
        }
        if NODE:
            commands["node http"] = ([NODE, "-e", SERVE["node"], path], path, {})
        samples = {name: [] for name in commands}
        for _ in range(rounds):
            for name, (command, socket, how) in commands.items():
                samples[name].append(first_answer(command, socket, **how))
    table("Cold start: exec to the first answer", ("", "n", "ms", "ratio"),
          compared(samples, "python3 http.server", 1e-6))


ALL = {"observe": bench_observe, **supervise.PARTS, "roundtrip": bench_roundtrip,
       "rows": bench_rows, "commit": bench_commit, "start": bench_start, "mcp": mcp.bench_mcp}


def main():
    wanted = options.only.split(",") if options.only else list(ALL)
    for name in wanted:
        if name not in ALL:
            parser.error(f"{name} is none of {', '.join(ALL)}")
    print(f"{os.cpu_count()} cores, kernel {os.uname().release}, load {os.getloadavg()[0]:.1f}"
          f"{'' if NODE else '; node is missing'}{'' if RUNSV else '; runsv is missing'}")
    for name in wanted:
        ALL[name]()


main()
