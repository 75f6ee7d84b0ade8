"""Cloudflare over TLS and HTTP/2, as it really is: nginx with a certificate of our own stands before
adit-sim. The name and the trust anchor are checked, and one connection carries all requests."""
import pathlib

import pytest

from front import NGINX, Front
from harness import until

pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")

@pytest.fixture
def front(sim, host):
    folder = pathlib.Path(host.folder) / "front"
    folder.mkdir()
    made = Front(folder, sim)
    host.configure(cloudflare={"base_url": made.api_url(sim),
                               "ca_file": str(folder / "cert.pem")})
    yield made
    made.close()


def test_everything_goes_over_one_http2_connection(front, sim, host, origin):
    host.start()
    host.publish("app.example.com", origin.url)
    host.wait_converged()
    assert sim.fetch()[0] == 200
    until(lambda: len(front.requests()) > 5)
    rows = front.requests()
    assert {row[1] for row in rows} == {"HTTP/2.0"}
    assert len({row[0] for row in rows}) == 1, rows


def test_a_certificate_that_is_not_trusted_is_refused(front, sim, host):
    host.configure(cloudflare={"ca_file": None})
    host.start(observed=False)
    until(lambda: host.status()["access"] == "unreachable")
    problem = next(p for p in host.status()["problems"] if p["object"] == "system")
    assert "certificate" in problem["message"].lower()
    assert front.requests() == []


def test_a_certificate_of_another_name_is_refused(sim, host):
    folder = pathlib.Path(host.folder) / "front"
    folder.mkdir()
    front = Front(folder, sim, name="elsewhere.example")
    try:
        host.configure(cloudflare={"base_url": front.api_url(sim),
                                   "ca_file": str(folder / "cert.pem")})
        host.start(observed=False)
        until(lambda: host.status()["access"] == "unreachable")
        assert front.requests() == []
    finally:
        front.close()
