"""Whatever comes to the socket is answered with a JSON error or by closing, while another client is
served all the time; nothing leaks and nothing is done."""
import concurrent.futures
import json
import os
import random
import socket
import threading
import time

import pytest

from harness import KINDS, UnixConnection, until

DEEP = b"[" * 4000 + b"]" * 4000
OK = b'{"hostname":"app.example.com","service":"http://localhost"}'


def post(path, body, *headers):
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers]
    if not any(h.lower().startswith((b"content-length", b"transfer-encoding")) for h in headers):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def arguments(op, *bodies):
    return [post(b"/v1/" + op, b) for b in bodies]


# Bodies that are no JSON object of the operation's arguments.
BODIES = arguments(
    b"route_set", b"", b" ", b"\n", b"nul", b"null", b"true", b"1", b'"x"', b"[]", b"[{}]", b"{",
    b"}", b"{}{}", b"{},", b"{,}", b'{"a"}', b'{"a":}', b'{"a":1,}', b"{a:1}", b"{'a':1}",
    b'{"a":01}', b'{"a":1.}', b'{"a":.5}', b'{"a":+1}', b'{"a":1e}', b'{"a":NaN}',
    b'{"a":Infinity}', b'{"a":0x10}', b'{"a":"\n"}', b'{"a":"\\x"}', b'{"a":"\\u12"}',
    b'{"a":"\\ud800"}', b'{"a":"\\udc00\\ud800"}', b'{"a":"\xff"}', b'{"a":"\xc0\x80"}',
    b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xe2\x82"}', b"\xef\xbb\xbf{}",
    b'{"a":"\x00"}', b"\x00{}", b"{}\x00", b"{} //", b"/**/{}", b"{" * 200, b"[" * 200, DEEP,
    b'{"a":' + DEEP + b"}", b'{"hostname":' * 70 + b"1" + b"}" * 70,
    OK[:-1] + b',"hostname":"b.example.com"}', OK[:-1] + b',"h\\u006fstname":"b.example.com"}',
    OK[:-1], OK + b"x", OK + OK, b'{"a":"' + b"x" * 100000 + b'"}',
    b'{"a":' + b"9" * 5000 + b"}", b'{"a":1e999}', b"{" + b'"k":1,' * 20000 + b'"k":1}',
    b",".join([b'{"a":1'] + [b'"k%d":1' % i for i in range(5000)]) + b"}",
    OK.decode().encode("utf-16"), OK.decode().encode("utf-16-le"), os.urandom(500),
    b"hostname=app.example.com&service=x", b"<xml/>", b"--boundary\r\n\r\n")

# JSON objects with wrong members.
WRONG = [json.dumps(a).encode() for a in (
    {}, {"hostname": 1}, {"hostname": None}, {"hostname": ["a"]}, {"hostname": {}},
    {"hostname": True, "service": "http://localhost"}, {"hostname": "a.example.com", "service": 1},
    {"hostname": "a.example.com", "service": []}, {"hostname": "a.example.com\n", "service": "x"},
    {"hostname": "a.example.com\u0000", "service": "http://localhost"},
    {"hostname": "a" * 5000, "service": "http://localhost"},
    {"hostname": "a.example.com", "service": "http://" + "a" * 5000},
    {"hostname": "../../etc/passwd", "service": "http://localhost"},
    {"hostname": "a.example.com", "service": "http://localhost", "path": "(" * 100},
    {"hostname": "a.example.com", "service": "http://localhost", "path": "(a+)+" * 300},
    {"hostname": "a.example.com", "service": "http://localhost", "path": "(?R)"},
    {"hostname": "a.example.com", "service": "http://localhost", "timeout": -1},
    {"hostname": "a.example.com", "service": "http://localhost", "timeout": "99999999999h"},
    {"hostname": "a.example.com", "service": "http://localhost", "timeout": 1e300},
    {"hostname": "a.example.com", "service": "http://localhost", "timeout": "0s"},
    {"hostname": "a.example.com", "service": "http://localhost", "wait": 1},
    {"hostname": "a.example.com", "service": "http://localhost", "dry_run": "yes please"},
    {"hostname": "a.example.com", "service": "http://localhost", "reason": "x" * 501},
    {"hostname": "a.example.com", "service": "http://localhost", "if_revision": -1},
    {"hostname": "a.example.com", "service": "http://localhost", "if_revision": 1.5},
    {"hostname": "a.example.com", "service": "http://localhost", "if_revision": 2 ** 70},
    {"hostname": "a.example.com", "service": "http://localhost", "if_revision": 99},
    {"hostname": "a.example.com", "service": "http://localhost", "approve": "maybe"},
    {"hostname": "a.example.com", "service": "http://localhost", "hash": "short"},
    {"hostname": "a.example.com", "service": "http://localhost", "origin": 7},
    {"hostname": "a.example.com", "service": "http://localhost", "origin": [1]},
    {"hostname": "a.example.com", "service": "http://localhost", "tunnel": "nope"},
    {"hostname": "a.example.com", "service": "http://localhost", "unknown": 1},
    {"Hostname": "a.example.com", "service": "http://localhost"},
    {"hostname": "a.example.com", "service": "javascript:alert(1)"},
    {"hostname": "a.example.com", "service": "file:///etc/passwd"},
    {"hostname": "a.example.com", "service": "http://localhost/path"},
    {"hostname": "a.example.com", "service": "http://169.254.169.254"},
    {"hostname": "a.example.com", "service": "http://[fe80::1]"},
    {"hostname": "\u202eexample.com", "service": "http://localhost"},
)]

OTHER = [
    (b"tunnel_create", {"name": ""}), (b"tunnel_create", {"name": "x" * 65}),
    (b"tunnel_create", {"name": "a/b"}), (b"tunnel_create", {"name": "a\nb"}),
    (b"tunnel_create", {"name": "web", "replicas": -1}),
    (b"tunnel_create", {"name": "web", "replicas": 26}),
    (b"tunnel_create", {"name": "web", "replicas": "2 or 3"}),
    (b"tunnel_delete", {"tunnel": "none"}), (b"tunnel_get", {}), (b"tunnel_get", {"tunnel": ""}),
    (b"tunnel_get", {"tunnel": ["x"]}), (b"tunnel_list", {"limit": 0}),
    (b"tunnel_list", {"limit": 1001}), (b"tunnel_list", {"limit": "all"}),
    (b"tunnel_list", {"cursor": "x"}), (b"tunnel_list", {"cursor": "-1"}),
    (b"tunnel_list", {"cursor": "1e9"}), (b"tunnel_list", {"fields": "name"}),
    (b"tunnel_list", {"fields": [1]}), (b"tunnel_list", {"fields": ["x"] * 1000}),
    (b"plan_get", {"plan": "p0"}), (b"plan_get", {"plan": "p-1"}), (b"plan_get", {"plan": "7"}),
    (b"plan_get", {"plan": "p99999999999999999999"}), (b"plan_get", {"plan": 7}),
    (b"plan_approve", {"plan": "p1"}), (b"plan_approve", {"plan": "p1", "hash": "x" * 65}),
    (b"plan_list", {"state": "happy"}), (b"plan_reject", {"plan": "p1"}),
    (b"event_list", {"since": "yesterday"}), (b"event_list", {"since": "2026-13-45T00:00:00Z"}),
    (b"event_list", {"since": -5}), (b"connector_restart", {"connector": "web/1"}),
    (b"connector_restart", {}), (b"dns_list", {"zone": "no.zone.example"}),
    (b"dns_list", {"name": 5}), (b"config_check", {}), (b"config_check", {"text": 5}),
    (b"status_get", {"verbose": True}), (b"route_delete", {"hostname": "none.example.com"}),
    (b"route_list", {"hostname": "not a name"}), (b"route_list", {"tunnel": "none"}),
]

PATHS = [post(p, b"{}") for p in (
    b"/v1/", b"/v1", b"/", b"/v1/nothing", b"/v1/tunnel_lst", b"/v1/tunnel_list/", b"/v1//x",
    b"/v2/tunnel_list", b"/V1/tunnel_list", b"/v1/TUNNEL_LIST", b"/v1/../v1/tunnel_list",
    b"/v1/%00", b"/v1/tunnel%5flist%00", b"/v1/%zz", b"/v1/%", b"/v1/" + b"a" * 5000,
    b"*", b"v1/tunnel_list", b"//v1/tunnel_list", b"/v1/tunnel_list;x=1",
    b"/v1/tunnel_create?name=a", b"/mcp", b"/metrics", b"/healthz",
    b"/v1/tunnel-list", b"/v1/\xff\xfe", b"/v1/<script>")]

METHODS = [m + b" /v1/tunnel_create HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" for m in (
    b"GET", b"HEAD", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"get",
    b"FOO", b"PRI", b"PROPFIND", b"X" * 300)]

QUERIES = [b"GET /v1/tunnel_list?" + q + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
           for q in (b"limit=x", b"limit=-1", b"limit=1&limit=2", b"nope=1", b"limit=%zz",
                     b"limit=1%00", b"cursor=%ff%fe", b"fields=" + b"a," * 3000, b"=1", b"limit")]

# Where two readers could disagree on where a request ends, and headers that are none.
HEADERS = [
    post(b"/v1/status_get", b"{}", b"Content-Length: 2", b"Content-Length: 3"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 2", b"Content-Length: 2"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    post(b"/v1/status_get", b"0\r\n\r\n", b"Transfer-Encoding: chunked, chunked"),
    post(b"/v1/status_get", b"0\r\n\r\n", b"Transfer-Encoding: gzip"),
    post(b"/v1/status_get", b"0\r\n\r\n", b"Transfer-Encoding: xchunked"),
    post(b"/v1/status_get", b"0\r\n\r\n", b"Transfer-Encoding: chunked",
         b"Transfer-Encoding: identity"),
    post(b"/v1/status_get", b"{}", b"Content-Length: -2"),
    post(b"/v1/status_get", b"{}", b"Content-Length: +2"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 0x2"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 2,2"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 99999999999999999999999"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 18446744073709551615"),
    post(b"/v1/status_get", b"{}", b"Content-Length : 2"),
    post(b"/v1/status_get", b"zz\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    post(b"/v1/status_get", b"-2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    post(b"/v1/status_get", b"ffffffffffffffffff\r\n", b"Transfer-Encoding: chunked"),
    post(b"/v1/status_get", b"2\r\n{}XX0\r\n\r\n", b"Transfer-Encoding: chunked"),
    post(b"/v1/status_get", b"{}", b"X" * 20000 + b": 1"),
    post(b"/v1/status_get", b"{}", b"X: " + b"y" * 40000),
    post(b"/v1/status_get", b"{}", *[b"X%d: %s" % (i, b"y" * 30) for i in range(2000)]),
    post(b"/v1/status_get", b"{}", b"Host: twice"),
    post(b"/v1/status_get", b"{}", b"Bad Name: 1"),
    post(b"/v1/status_get", b"{}", b"Ba\x01d: 1"),
    post(b"/v1/status_get", b"{}", b"no colon"),
    post(b"/v1/status_get", b"{}", b": empty"),
    post(b"/v1/status_get", b"{}", b" folded: 1"),
    post(b"/v1/status_get", b"{}", b"X: a\x00b"),
    post(b"/v1/status_get", b"x" * (1 << 20) + b"x"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 1048577"),
    post(b"/v1/status_get", b"{}", b"Content-Length: 4294967298"),
    b"POST /v1/status_get HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"GET /v1/status_get\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"/v1/status_get\r\n\r\n",
    b"GET /v1/status_get HTTP/9.9\r\nHost: x\r\n\r\n", b"GET /v1/status_get HTTP/2.0\r\n\r\n",
    b"GET /v1/status_get FTP/1.1\r\nHost: x\r\n\r\n",
    b"GET  /v1/nothing  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 99,
    b"\x00" * 64, b"nonsense\r\n\r\n", b"{}\n", b'{"jsonrpc":"2.0"}\n\n', os.urandom(2000),
    b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://other/v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
]

ALL = BODIES + [post(b"/v1/route_set", b) for b in WRONG] + [
    post(b"/v1/" + op, json.dumps(args).encode()) for op, args in OTHER
] + PATHS + METHODS + QUERIES + HEADERS


def connect(host):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(15)
    s.connect(str(host.socket))
    return s


def read_answer(s):
    """All bytes of one answer, or b"" when the connection was closed."""
    got = b""
    try:
        while True:
            head, end, body = got.partition(b"\r\n\r\n")
            if end:
                length = [h.split(b":")[1] for h in head.lower().split(b"\r\n")
                          if h.startswith(b"content-length:")]
                if length and len(body) >= int(length[0]):
                    return got
            piece = s.recv(65536)
            if not piece:
                return got
            got += piece
    except ConnectionResetError:
        return got


def ask(host, data):
    with connect(host) as s:
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        # Whoever waits for more must be told that there is none.
        try:
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_answer(s)


def check_refusal(answer, data):
    """A closed connection, or an error in JSON with a known kind and a sentence."""
    if not answer:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    # These are fine requests after all; what they ask for is harmless.
    if status == 200:
        return status
    assert 400 <= status <= 505, (data[:200], head)
    if data.startswith(b"HEAD"):
        return status
    if b"content-type" not in head.lower():
        # What is no HTTP at all is refused by the library in its own words, and closed.
        assert status in (400, 413, 414, 431, 505) and b"connection: close" in head.lower()
        assert body.endswith(b"</html>") and len(answer) < 600, (data[:200], answer)
        return "html"
    assert b"application/json" in head.lower(), (data[:200], answer[:400])
    error = json.loads(body)["error"]
    assert error["kind"] in KINDS and error["kind"] != "internal", (data[:200], error)
    assert len(error["message"]) > 10 and error["message"].isprintable(), error
    return status


class Witness:
    """Another client, who must not notice anything."""

    def __init__(self, host):
        self.host, self.seen, self.slowest, self.trouble = host, 0, 0.0, None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        connection = UnixConnection(self.host.socket, 20)
        try:
            while not self.stop.is_set():
                began = time.monotonic()
                connection.request("GET", "/v1/status_get")
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status == 200 and json.loads(text)["result"]["state"], text
                self.seen += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                time.sleep(0.005)
        except Exception as e:  # told by the test, whatever it is
            self.trouble = e
        connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        until(lambda: self.seen > 5 or self.trouble, why="the other client was not served")
        self.stop.set()
        self.thread.join(20)
        assert self.trouble is None, self.trouble
        assert self.slowest < 5, f"the other client waited {self.slowest} s"


def descriptors(host):
    return len(os.listdir(f"/proc/{host.process.pid}/fd"))


@pytest.fixture(autouse=True)
def unharmed(running, sim):
    """Afterwards the daemon lives, has no more descriptors open, and has changed nothing."""
    # The first requests open what stays open.
    running.status()
    before, since = descriptors(running), sim.mark()
    yield
    assert running.process.poll() is None, running.log()
    until(lambda: descriptors(running) <= before + 1,
          why=lambda: f"{before} descriptors became {descriptors(running)}")
    assert sim.writes(since) == [] and running.items("tunnel_list") == []
    assert running.status()["revision"] == 0 or running.items("route_list") == []
    running.stop()


def test_every_malformed_request_gets_a_clear_answer(running):
    assert len(ALL) >= 200
    outcomes = {}
    with Witness(running):
        for data in ALL:
            status = check_refusal(ask(running, data), data)
            outcomes[status] = outcomes.get(status, 0) + 1
    assert outcomes.get(400, 0) > 100 and outcomes.get(404, 0) > 15, outcomes
    assert outcomes.get(405, 0) >= 5 and outcomes.get(None, 0) < 40, outcomes
    assert outcomes.get("html", 0) < 30, outcomes


@pytest.mark.parametrize("bodies", [BODIES[3:]])
def test_what_is_no_json_is_invalid_and_says_where(running, bodies):
    for data in bodies:
        answer = ask(running, data)
        assert answer.startswith(b"HTTP/1.1 400"), (data[-100:], answer[:300])
        error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        assert error["kind"] == "invalid" and error["retryable"] is False


def test_wrong_arguments_are_named(running):
    for op, args, name in [
            ("tunnel_list", {"limit": 0}, "limit"), ("tunnel_list", {"limit": "x"}, "limit"),
            ("tunnel_create", {"name": "web", "replicas": 26}, "replicas"),
            ("tunnel_create", {"nmae": "web"}, "nmae"), ("route_set", {"hostname": 1}, "hostname"),
            ("plan_list", {"state": "happy"}, "state")]:
        e = running.refused(op, **args)
        assert e.kind == "invalid" and name in e.message and e.status == 400, e
    assert "name" in running.refused("tunnel_create", nmae="web").error["message"]
    e = running.refused("tunel_list")
    assert e.status == 404 and "tunnel_list" in e.hint


def test_cut_requests_at_every_length(running):
    whole = post(b"/v1/route_set", b'{"hostname": 1}')

    def cut(end):
        with connect(running) as s:
            s.sendall(whole[:end])
            if end % 2:
                s.shutdown(socket.SHUT_WR)
                check_refusal(read_answer(s), whole[:end])

    with Witness(running), concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(cut, range(len(whole))))) == len(whole)


def test_one_byte_at_a_time(running):
    body = b'{"limit": 5}'
    with Witness(running), connect(running) as s:
        for byte in post(b"/v1/tunnel_list", body):
            s.sendall(bytes([byte]))
            time.sleep(0.002)
        answer = read_answer(s)
        assert answer.startswith(b"HTTP/1.1 200") and b'"items":[]' in answer


def test_many_half_open_clients(running):
    with Witness(running):
        sockets = [connect(running) for _ in range(200)]
        for i, s in enumerate(sockets):
            s.sendall(post(b"/v1/route_set", OK)[:20 + i % 100])
        assert running.status()["state"] == "ok"
        for s in sockets:
            s.close()


def test_clients_that_do_not_read(running):
    with Witness(running):
        sockets = [connect(running) for _ in range(20)]
        request = b"GET /v1/status_get HTTP/1.1\r\nHost: x\r\n\r\n"
        for s in sockets:
            s.setblocking(False)
            try:
                for _ in range(200):
                    s.send(request * 10)
            except BlockingIOError:
                pass
        assert running.status()["state"] == "ok"
        for s in sockets:
            s.close()


def test_pipelined_requests_are_answered_in_order(running):
    with connect(running) as s:
        s.sendall(b"".join(b"GET /v1/tunnel_list?limit=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n
                           for n in (1, 0, 2, 0)) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
                  b"Connection: close\r\n\r\n")
        got = b""
        while piece := s.recv(65536):
            got += piece
    statuses = [int(p[:3]) for p in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 400, 200, 400, 200]


def test_nothing_is_smuggled_behind_a_body(running):
    inner = post(b"/v1/tunnel_create", b'{"name":"smuggled"}')
    for framing in ([b"Content-Length: 2", b"Transfer-Encoding: chunked"],
                    [b"Transfer-Encoding: chunked", b"Content-Length: 2"],
                    [b"Content-Length: 0", b"Content-Length: %d" % len(inner)],
                    [b"Transfer-Encoding : chunked"], [b"Transfer-Encoding:\x0bchunked"]):
        answer = ask(running, post(b"/v1/status_get", b"0\r\n\r\n" + inner, *framing).replace(
            b"Connection: close\r\n", b""))
        assert b"smuggled" not in answer and not answer.startswith(b"HTTP/1.1 200"), framing
        assert answer.count(b"HTTP/1.1 ") <= 1
    assert running.items("tunnel_list") == []


def test_random_bytes_and_mutations(running):
    rng = random.Random(7)
    seeds = [post(b"/v1/route_set", b'{"hostname":1,"service":"http://localhost"}'),
             b"GET /v1/tunnel_list?limit=5 HTTP/1.1\r\nHost: x\r\n\r\n"]
    mutated = []
    for _ in range(300):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(data))
            data[at:at + rng.randint(0, 2)] = rng.randbytes(rng.randint(0, 3))
        mutated.append(bytes(data))

    with Witness(running), concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda data: check_refusal(ask(running, data), data), mutated))
