"""The official conformance suite of MCP against aditd with the suite's own tools
(adit-conformance): every scenario that it requires passes, in both eras. The suite knows no
bearers, so a relay in front puts one in and leaves all else as it is. It is fetched by npm, and
left out in words where that is not to be had."""
import asyncio
import json
import os
import subprocess
import threading

import pytest

from harness import Host, Sim, free_port
from npm import NODE, NODE_24, fetched

SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"


@pytest.fixture(name="suite", scope="module")
def the_suite():
    """A folder in the build directory that holds it; fetched once."""
    return fetched("npm-mcp", [NODE_24, "@modelcontextprotocol/conformance@0.2.0-alpha.12"],
                   [SUITE, NODE])


class Relay:
    """Bytes between a client and a port of aditd, with a bearer in each request's head. Its own
    port stands in Host and Origin; aditd's is put there, since the judged names are what counts."""

    def __init__(self, port, token):
        self.target, self.token = port, token
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(10)

    def _run(self, ready):
        async def serve():
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        upstream = None
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.target)
            back = asyncio.ensure_future(self._copy(upstream[0], writer))
            while True:
                await self._request(reader, upstream[1])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if upstream:
                upstream[1].close()
                await back
            writer.close()

    async def _request(self, reader, out):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head[:-4].split("\r\n")
        length = next((int(x.split(":")[1]) for x in lines
                       if x.lower().startswith("content-length:")), 0)
        lines = [x.replace(f":{self.port}", f":{self.target}")
                 if x.lower().startswith(("host:", "origin:")) else x for x in lines]
        lines.append(f"Authorization: Bearer {self.token}")
        out.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        out.write(await reader.readexactly(length))
        await out.drain()

    @staticmethod
    async def _copy(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    @staticmethod
    async def _end():
        """A client may keep its connections: what still relays ends here."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture(name="server", scope="module")
def a_server(tmp_path_factory):
    sim = Sim(tmp_path_factory.mktemp("sim"))
    host = Host(sim, program="adit-conformance")
    port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{port}"})
    host.start()
    token = host.api("grant_create", name="suite", role="operator")["token"]
    relay = Relay(port, token)
    yield f"http://127.0.0.1:{relay.port}/mcp"
    relay.close()
    host.close()
    sim.close()


def failures(folder):
    """Checks that neither passed nor were left out, by scenario."""
    found = []
    for file in sorted(folder.glob("*/checks.json")):
        for check in json.loads(file.read_text()):
            if check["status"] not in ("SUCCESS", "INFO", "SKIPPED"):
                found.append(f"{file.parent.name[:60]} {check['id']}: {check.get('errorMessage')}")
    return found


def run_suite(suite, url, folder, *options):
    return subprocess.run(
        [suite / NODE, suite / SUITE, "server", "--url", url, "-o", folder, *options],
        cwd=suite, capture_output=True, text=True, timeout=150, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)})


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
def test_what_a_revision_requires(suite, server, tmp_path, revision):
    done = run_suite(suite, server, tmp_path, "--requirements", revision)
    assert done.returncode == 0, done.stdout[-4000:] + "\n".join(failures(tmp_path))


@pytest.mark.parametrize("scenario", [
    "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields",
    "tasks-request-state-removal", "tasks-request-headers", "tasks-dispatch-and-envelope",
    "tasks-required-task-error"])
def test_the_tasks_extension(suite, server, tmp_path, scenario):
    """All but the scenarios of tasks that ask for something: ours ask before they begin."""
    done = run_suite(suite, server, tmp_path, "--scenario", scenario, "--spec-version",
                     "2026-07-28", "--force")
    assert done.returncode == 0, done.stdout[-4000:] + "\n".join(failures(tmp_path))
    assert list(tmp_path.glob("*/checks.json")), done.stdout[-2000:]


def test_headers_of_a_tools_own(suite, server, tmp_path):
    """Not scored by the suite, kept by us."""
    for scenario in ("http-header-validation", "http-custom-header-server-validation"):
        done = run_suite(suite, server, tmp_path, "--scenario", scenario, "--spec-version",
                         "2026-07-28")
        assert done.returncode == 0, done.stdout[-4000:] + "\n".join(failures(tmp_path))
