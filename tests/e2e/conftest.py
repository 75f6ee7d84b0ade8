"""Fixtures of the end-to-end tests; a failed test shows the logs of what it ran."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import Host, Origin, Sim  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "waits: twenty seconds and more, most of them spent waiting; "
                                       "CTest runs these beside all others")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    item.failed = True
    for value in {id(v): v for v in getattr(item, "funcargs", {}).values()}.values():
        if isinstance(value, Host):
            report.sections.append(("the host", value.report()))
        elif isinstance(value, Sim):
            rows = [f"{r['method']} {r['path']} {r['query']} -> {r['status']} {r['fault'] or ''}"
                    for r in value.log()[-60:]] if value.process.poll() is None else []
            report.sections.append(("requests at adit-sim", "\n".join(rows)))


@pytest.fixture
def sim():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="adit-sim-", dir="/tmp"))
    running = Sim(folder)
    yield running
    status = running.close()
    text = running.log_path.read_text()
    shutil.rmtree(folder, ignore_errors=True)
    assert status == 0, text


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.close()


def lent(made, request):
    """A host for one test: what must hold at the end is asked of it, unless the test failed."""
    yield made
    failed = getattr(request.node, "failed", False)
    try:
        if not failed:
            made.check_end()
    finally:
        made.close()
    if not failed:
        shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def host(sim, request):
    """Settings and token are there; aditd is not started."""
    yield from lent(Host(sim), request)


@pytest.fixture
def second(sim, request):
    """Another host with an owner of its own, running."""
    made = Host(sim, owner="edge2")
    made.start()
    yield from lent(made, request)


@pytest.fixture
def running(host):
    """aditd, with its first look at Cloudflare done."""
    return host.start()


@pytest.fixture
def site(running, origin):
    """app.example.com is published, live, and its page comes."""
    running.origin = origin
    running.publish("app.example.com", origin.url)
    running.wait_converged()
    return running
