"""Many slow requests at once through the simulated edge: a web server whose pages take their time,
and visitors who each ask for one page after the other. Both are processes of their own, so that
the test's own work takes nothing from them."""
import asyncio
import json
import multiprocessing
import os
import random
import resource
import signal
import time
import urllib.parse

HEAD = b"GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n"


def many_files():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(slow, told):
    open_now = 0

    async def page(reader, writer):
        nonlocal open_now
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            word = head.split(b" ", 2)[1]
            open_now += 1
            try:
                await asyncio.sleep(random.uniform(*slow))
            finally:
                open_now -= 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                         % (len(word), word))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(page, "127.0.0.1", 0, backlog=4096)
    told.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def serve(slow, told):
    many_files()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(slow, told))


class SlowOrigin:
    """Pages that take between slow[0] and slow[1] seconds."""

    def __init__(self, slow=(0.5, 1.5)):
        here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(slow, there), daemon=True)
        self.process.start()
        self.port = here.recv()
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self):
        self.process.terminate()
        self.process.join()


class Asked:
    """What the visitors have seen; shared as four numbers."""

    def __init__(self):
        self.numbers = multiprocessing.Array("q", 4)

    in_flight = property(lambda self: self.numbers[0])
    good = property(lambda self: self.numbers[1])
    bad = property(lambda self: self.numbers[2])


async def _visitor(number, at, host, numbers, stop, say):
    reader = writer = None
    while not stop.is_set():
        word = number * 1000 + random.randrange(1000)
        began = time.monotonic()
        why = None
        numbers[0] += 1
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection(*at)
            writer.write(HEAD % (word, host.encode()))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 150)
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((int(l[15:]) for l in lines if l.startswith("content-length:")), None)
            body = await asyncio.wait_for(
                reader.readexactly(length) if length is not None else reader.read(), 60)
            if " 200 " not in lines[0] or body != b"/%d" % word:
                why = f"{lines[0]} {body[:60]!r}"
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as e:
            why = repr(e)
        numbers[0] -= 1
        if why is None:
            numbers[1] += 1
            continue
        numbers[2] += 1
        say(f"after {time.monotonic() - began:.2f} s: {why}")
        if writer:
            writer.close()
        reader = writer = None
        await asyncio.sleep(0.1)


async def _visit(count, url, host, asked, ending, told):
    stop = asyncio.Event()
    at = (url.hostname, url.port)
    words = []

    def say(text):
        if len(words) < 20:
            words.append(text)

    async def watch():
        while not ending.is_set():
            await asyncio.sleep(0.05)
        stop.set()

    jobs = [asyncio.create_task(watch())]
    for i in range(count):
        jobs.append(asyncio.create_task(_visitor(i, at, host, asked, stop, say)))
        if i % 50 == 49:
            await asyncio.sleep(0.02)
    await asyncio.gather(*jobs)
    told.send(json.dumps(words))


def visit(count, url, host, asked, ending, told):
    many_files()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_visit(count, url, host, asked, ending, told))


class Crowd:
    """So many visitors, each with a request under way all the time; no request may fail. `least`
    tells how many were in flight at the fewest when `changing` was called."""

    def __init__(self, sim, count, host="app.example.com"):
        self.count, self.asked = count, Asked()
        self.ending = multiprocessing.Event()
        self.told, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=visit, args=(count, urllib.parse.urlsplit(sim.visitors), host,
                                self.asked.numbers, self.ending, there), daemon=True)
        self.sim, self.before = sim, None

    def in_flight(self):
        """By the edge's word."""
        return self.sim.edge_status()["open_requests"]

    def __enter__(self):
        self.process.start()
        end = time.monotonic() + 60
        while self.in_flight() < self.count * 0.8:
            assert time.monotonic() < end, f"only {self.in_flight()} requests are under way"
            time.sleep(0.1)
        return self

    def changing(self):
        """To be called when something is changed: a test without load would prove nothing."""
        seen = self.in_flight()
        assert seen >= self.count * 0.5, f"only {seen} requests are under way"
        return seen

    def __exit__(self, kind, *_):
        self.ending.set()
        words = json.loads(self.told.recv()) if self.told.poll(200) else ["they did not end"]
        self.process.join(10)
        if self.process.is_alive():
            os.kill(self.process.pid, signal.SIGKILL)
        if kind is None:
            assert not words and not self.asked.bad, (self.asked.good, self.asked.bad, words)
            assert self.asked.good >= self.count
