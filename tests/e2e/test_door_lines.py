"""MCP on the Unix socket, where the kernel's word stands for a token: by request, and by connections
of lines, left and cut in every state."""
import json
import socket
import threading

import pytest

from doorway import BEARER, OWN, PING, PONG, Lines, ask, descriptors, filled, open_door, raw
from harness import until


@pytest.fixture
def door(host):
    return open_door(host)


# ---- MCP on the socket ----

def on_socket(host, message=PING, **headers):
    status, _, text = host.visit("POST", "/mcp", json.dumps(message).encode(),
                                 {"Content-Type": "application/json",
                                  **{k.replace("_", "-"): v for k, v in headers.items()}})
    return status, json.loads(text)


def test_the_socket_wants_no_token(door):
    assert on_socket(door) == (200, PONG)
    assert on_socket(door, X_Adit_Grant="claude") == (200, PONG)
    status, answer = on_socket(door, X_Adit_Grant="nothing")
    assert status == 403 and "nothing" in answer["error"]["message"]
    assert "adit grant list" in answer["error"]["hint"]
    assert door.visit("GET", "/mcp")[0] == 405
    assert door.visit("POST", "/mcp", b"{}", {"Content-Type": "text/plain"})[0] == 415


def test_lines_both_ways(door):
    lines = Lines(door, "X-Adit-Grant: claude", after=json.dumps(PING).encode() + b"\n")
    assert lines.status == 101 and lines.read() == PONG
    for i in range(50):
        lines.send({**PING, "id": f"n{i}"})
        assert lines.read() == {**PONG, "id": f"n{i}"}
    lines.s.sendall(b"no json\n")
    assert lines.read()["error"]["code"] == -32700
    lines.send(PING)
    assert lines.read() == PONG
    lines.s.sendall(json.dumps({**PING, "id": "last"}).encode())
    lines.s.shutdown(socket.SHUT_WR)
    assert lines.read()["id"] == "last"
    assert lines.read() is None
    lines.close()


def test_ten_thousand_lines_in_one_packet(door):
    lines = Lines(door)
    out = b"".join(json.dumps({**PING, "id": i}).encode() + b"\n" for i in range(10000))
    sender = threading.Thread(target=lines.s.sendall, args=(out,))
    sender.start()
    assert sorted(lines.read()["id"] for _ in range(10000)) == list(range(10000))
    sender.join()
    assert door.is_up()
    lines.close()


def test_a_line_that_is_too_long_is_answered(door):
    lines = Lines(door)
    long = json.dumps({**PING, "id": "x" * (1 << 20)}).encode() + b"\n"
    sender = threading.Thread(target=lines.s.sendall, args=(long,))
    sender.start()
    assert "error" in lines.read()
    sender.join()
    lines.send(PING)
    assert lines.read() == PONG
    lines.close()


def test_who_does_not_read_is_waited_for_and_no_further(door):
    """What he asks is not taken while he owes us reading: nothing piles up here."""
    lines = Lines(door)
    one = json.dumps({**PING, "id": "x" * 200}).encode() + b"\n"
    lines.s.settimeout(1)
    sent = 0
    try:
        for _ in range(200000):
            lines.s.sendall(one)
            sent += 1
    except TimeoutError:
        pass
    assert sent < 100000, "he was read without an end"
    assert door.is_up()
    pages = int(open(f"/proc/{door.process.pid}/statm").read().split()[1])
    assert pages * 4096 < 500 << 20
    lines.close()
    assert ask(door)[0] == 200


def test_lines_are_refused_with_a_sentence(door):
    lines = Lines(door, "X-Adit-Grant: nothing")
    assert lines.status == 403
    assert lines.file.readable()
    lines.close()
    # Not over TCP, where a token is for one request.
    own, bearer = filled(door, [OWN, BEARER])
    status, _, _ = raw(door, [own, bearer, "Connection: Upgrade", "Upgrade: adit-mcp-lines"],
                       method="GET")
    assert status == 405


def test_lines_end_with_their_grant(door):
    ending, staying = Lines(door, "X-Adit-Grant: claude"), Lines(door)
    for lines in (ending, staying):
        lines.send(PING)
        assert lines.read() == PONG
    door.api("grant_revoke", name="claude")
    assert ending.read() is None
    staying.send(PING)
    assert staying.read() == PONG
    expiring = door.api("grant_create", name="short", expires_at="1s") and \
        Lines(door, "X-Adit-Grant: short")
    assert expiring.read() is None
    for lines in (ending, staying, expiring):
        lines.close()


def test_the_daemon_ends_with_lines_open(door):
    lines = Lines(door, "X-Adit-Grant: claude")
    lines.send(PING)
    assert lines.read() == PONG
    door.stop()
    assert lines.read() is None
    lines.close()


def test_many_come_and_go(door):
    """Left in every state; nothing stays behind."""
    for i in range(60):
        lines = Lines(door, after=b'{"jsonrpc"' if i % 3 == 0 else b"")
        if i % 3 == 1:
            lines.send(*[PING] * 50)
        lines.close()
    until(lambda: descriptors(door) < 60, why=lambda: f"{descriptors(door)} descriptors are open")
    assert ask(door)[0] == 200
