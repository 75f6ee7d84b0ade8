"""Lost answers over HTTP/2, where many requests share a connection: streams that are reset, a
connection that says goodbye again and again, and one that ends in the middle of an answer. All must
go as it does over HTTP/1.1: nothing twice, nothing foreign touched, and all converges."""
import concurrent.futures
import threading
import time

import pytest

from front import NGINX, Front
from harness import until
from scene import Scene
from scene_owners import OwnersScene
from test_api_faults import trial

pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")

# What the account answers not at all, or not to its end, resets the stream; the rest goes through.
SPOILT = ("drop", "lose", "late", "cut", "garbled", "limit", "html", "delay")
STREAMS = """
    proxy_buffering off; proxy_next_upstream off; keepalive_requests {requests};
    error_page 502 504 = @gone;
    location @gone {{ return 444; }}
"""


class Http2:
    """Before a scene."""
    requests = 1000  # then a connection says goodbye

    def stand_between(self):
        folder = self.host.folder / "front"
        folder.mkdir()
        self.front = Front(folder, self.strict, main="",
                           server=STREAMS.format(requests=self.requests))
        self.host.configure(cloudflare={"base_url": self.front.api_url(self.strict),
                                        "ca_file": str(folder / "cert.pem")})

    def __exit__(self, kind, *rest):
        versions = {row[1] for row in self.front.requests()}
        self.front.close()
        super().__exit__(kind, *rest)
        assert kind or versions == {"HTTP/2.0"}, versions


class Http2Scene(Http2, Scene):
    """The eight writes."""


class Http2Owners(Http2, OwnersScene):
    """Where things change hands."""


class ShortLived(Http2Scene):
    """A GOAWAY behind every fifth request."""
    requests = 5


def side_by_side(trials):
    with concurrent.futures.ThreadPoolExecutor(len(trials)) as pool:
        wrong = [w for w in pool.map(lambda t: t(), trials) if w]
    assert not wrong, "\n".join(wrong)


@pytest.mark.waits
def test_spoilt_answers():
    side_by_side([lambda k=k: trial(Http2Scene, k) for k in SPOILT] +
                 [lambda k=k: trial(Http2Owners, k) for k in SPOILT[:4]] +
                 [lambda k=k: trial(ShortLived, k) for k in SPOILT[1:3]])


def while_it_writes(scene, meddle, kind=None):
    """All writes at once, with such faults, and meddle() all the time until they are done."""
    over = threading.Event()

    def run():
        while not over.is_set():
            meddle()
    scene.base()
    if kind:
        scene.spoil(kind)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        scene.all_writes()
        time.sleep(3)
    finally:
        over.set()
        thread.join()
    rest = scene.wait_settled(80)
    assert not rest, rest
    until(lambda: not scene.differs(), 45, 0.5, lambda: str(scene.differs()))
    assert not scene.judge.violations and not scene.harmed(), scene.judge.violations[:3]


@pytest.mark.parametrize("scene_of", [Http2Scene, Http2Owners])
def test_goodbyes_while_it_writes(scene_of):
    with scene_of("goodbye") as scene:
        def meddle():
            scene.front.say_goodbye()
            time.sleep(0.15)
        while_it_writes(scene, meddle)


@pytest.mark.parametrize("scene_of", [Http2Scene, Http2Owners])
def test_connections_that_end_in_an_answer(scene_of):
    """Half of each answer to a write has come when the connection ends."""
    with scene_of("hang up") as scene:
        def meddle():
            done = sum(f.done for f in scene.strict.faults)
            time.sleep(0.05)
            if done > meddle.seen:
                meddle.seen = done
                scene.front.hang_up()
        meddle.seen = 0
        while_it_writes(scene, meddle, "hold")
        assert meddle.seen >= 3, meddle.seen
