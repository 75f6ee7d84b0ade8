"""`adit mcp` hands its standard streams to aditd, which reads and writes them itself: of which kinds,
how that ends, and what aditd does with descriptors that are none of those."""
import array
import json
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

from doorway import PING, PONG, descriptors
from harness import BUILD, PATIENCE, until
from mcp_client import modern

UPGRADE = (b"GET /mcp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
           b"Upgrade: adit-mcp-streams, adit-mcp-lines\r\n\r\n")


def inode(fd):
    return os.readlink(f"/proc/self/fd/{fd}") if isinstance(fd, int) else inode(fd.fileno())


def held(host):
    """What aditd has open."""
    folder, found = f"/proc/{host.process.pid}/fd", []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass
    return found


class Client:
    """`adit mcp` on streams that are made here: its ends are `input`, `output` and what they lead to."""

    def __init__(self, host, kind, *args, **more):
        self.host, self.before = host, descriptors(host)
        given = getattr(self, kind)()
        self.given = [inode(fd) for fd in given]
        self.process = subprocess.Popen(
            [BUILD / "adit", "--socket", host.socket, "mcp", *args], stdin=given[0],
            stdout=given[1], stderr=subprocess.PIPE, env={}, **more)
        for fd in set(given):
            os.close(fd)
        self.rest = b""

    def pipes(self):
        given_in, self.input = os.pipe()
        self.output, given_out = os.pipe()
        return given_in, given_out

    def pair(self):
        """One socket for both."""
        ours, theirs = socket.socketpair()
        self.input = ours.detach()
        self.output = os.dup(self.input)
        theirs = theirs.detach()
        return theirs, theirs

    def pairs(self):
        """As Node starts its children."""
        ours_in, in_ = socket.socketpair()
        ours_out, out = socket.socketpair()
        self.input, self.output = ours_in.detach(), ours_out.detach()
        return in_.detach(), out.detach()

    def mixed(self):
        """As Python's asyncio does."""
        return self.pairs()[0], self.pipes_out()

    def pipes_out(self):
        os.close(self.output)
        self.output, given = os.pipe()
        return given

    def handed(self):
        return all(i in held(self.host) for i in self.given)

    def send(self, *messages):
        data = memoryview(b"".join(json.dumps(m).encode() + b"\n" for m in messages))
        while data:
            data = data[os.write(self.input, data):]

    def read(self):
        while b"\n" not in self.rest:
            assert select.select([self.output], [], [], PATIENCE)[0], "no answer"
            more = os.read(self.output, 65536)
            if not more:
                return None
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ping(self, ident=1):
        self.send({**PING, "id": ident})
        assert self.read() == {**PONG, "id": ident}

    def close_input(self, half=False):
        if half:
            socket.socket(fileno=os.dup(self.input)).shutdown(socket.SHUT_WR)
        else:
            os.close(self.input)
            self.input = -1

    def end(self):
        """(exit code, errors); nothing of it stays open in aditd."""
        code = self.process.wait(PATIENCE)
        errors = self.process.stderr.read().decode()
        self.close()
        return code, errors

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        for fd in {self.input, self.output} - {-1}:
            os.close(fd)
        self.input = self.output = -1

    def is_forgotten(self):
        until(lambda: descriptors(self.host) <= self.before,
              why=lambda: f"{descriptors(self.host)} open, {self.before} before")
        assert not any(i in held(self.host) for i in self.given)


KINDS = ["pipes", "pair", "pairs", "mixed"]


@pytest.fixture
def client(running):
    made = []

    def start(kind, *args, **more):
        running.is_up()
        made.append(Client(running, kind, *args, **more))
        return made[-1]
    yield start
    for c in made:
        c.close()


# ---- as clients do it ----

@pytest.mark.parametrize("kind", KINDS)
def test_aditd_serves_them(client, kind):
    c = client(kind)
    c.ping()
    assert c.handed()
    for i in range(300):
        c.ping(f"n{i}")
    os.write(c.input, b"no json\n")
    assert c.read()["error"]["code"] == -32700
    os.write(c.input, json.dumps({**PING, "id": "unended"}).encode())
    c.close_input(half=kind == "pair")
    assert c.read()["id"] == "unended"
    assert c.read() is None
    assert c.end() == (0, "")
    c.is_forgotten()


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_and_a_slow_reader(client, kind):
    c, long = client(kind), "x" * 230
    c.ping()
    sender = threading.Thread(target=lambda: [
        c.send(*({**PING, "id": f"{i}-{k}-{long}"} for k in range(10))) for i in range(500)])
    sender.start()
    time.sleep(0.5)
    got = {c.read()["id"] for _ in range(5000)}
    sender.join()
    assert got == {f"{i}-{k}-{long}" for i in range(500) for k in range(10)}
    c.close_input(half=kind == "pair")
    assert c.end() == (0, "")


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_not_read_is_not_read(client, running, kind):
    """And aditd goes on with others; nothing piles up."""
    c = client(kind)
    c.ping()
    assert c.handed()
    os.set_blocking(c.input, False)
    line, sent, quiet = json.dumps({**PING, "id": "x" * 250}).encode() + b"\n", 0, 0
    while quiet < 20 and sent < 100 << 20:
        try:
            sent += os.write(c.input, line)
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.02)
    assert sent < 20 << 20, "it was read without an end"
    assert running.is_up()
    pages = int(open(f"/proc/{running.process.pid}/statm").read().split()[1])
    assert pages * 4096 < 500 << 20
    c.process.kill()
    c.close()
    c.is_forgotten()


@pytest.mark.parametrize("kind", KINDS)
def test_its_input_ended_before_it_began(client, running, kind):
    class Late(Client):
        def late(self):
            given = getattr(self, kind)()
            self.send(*({**PING, "id": i} for i in range(20)))
            self.close_input(half=kind == "pair")
            return given
    for _ in range(5):
        c = Late(running, "late")
        assert sorted(c.read()["id"] for _ in range(20)) == list(range(20))
        assert c.read() is None
        assert c.end() == (0, "")
        c.is_forgotten()


def test_a_call_that_lasts_is_waited_for_a_little(client, running, sim, origin):
    running.api("grant_create", name="claude", role="operator", origins=[origin.url])
    sim.fault("delay", method="PUT", path="*/configurations", ms=15000, count=1)
    c = client("pipes", "--grant", "claude")
    c.send(modern("tools/call", {"name": "route_set", "arguments": {
        "hostname": "app.example.com", "service": origin.url}}, 1))
    until(lambda: running.api("route_list")["total"] == 1)
    c.close_input()
    began = time.monotonic()
    assert c.read() is None, "it was answered"
    assert c.end() == (0, "") and time.monotonic() - began > 1.5
    until(lambda: not any(i in held(running) for i in c.given))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(client, kind, signo):
    c = client(kind)
    c.ping()
    assert c.handed()
    c.process.send_signal(signo)
    assert c.read() is None
    assert c.process.wait(PATIENCE) == (-signo if signo == signal.SIGKILL else 0)
    until(lambda: not c.handed())
    with pytest.raises(BrokenPipeError):
        c.send(PING)
    assert c.end()[1] == ""
    c.is_forgotten()


@pytest.mark.parametrize("kind", ["pipes", "pairs", "mixed"])
def test_its_output_is_closed(client, kind):
    c = client(kind)
    c.ping()
    os.close(c.output)
    c.output = -1
    c.send(PING, PING)
    assert c.end() == (1, "")
    c.is_forgotten()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_aditd_goes(client, running, kind, how):
    """In the middle of a call."""
    c = client(kind)
    c.ping()
    assert c.handed()
    if how == "kill9":
        os.kill(running.process.pid, signal.SIGSTOP)
        c.send(PING)
    getattr(running, how)()
    try:
        assert c.read() is None
    except ConnectionResetError:
        assert (kind, how) == ("pair", "kill9"), "only a socket's end with something unread tells"
    code, errors = c.end()
    assert code == 3 and "cannot be reached" in errors


@pytest.mark.parametrize("kind", KINDS)
def test_aditd_hangs(client, running, kind):
    """The end of the input ends it all the same; what was not read yet is waited for."""
    idle, asking = client(kind), client(kind)
    idle.ping()
    asking.ping()
    os.kill(running.process.pid, signal.SIGSTOP)
    try:
        asking.send(PING)
        for c in (idle, asking):
            c.close_input(half=kind == "pair")
        assert idle.end() == (0, "")
        assert asking.process.poll() is None
    finally:
        os.kill(running.process.pid, signal.SIGCONT)
    assert asking.read() == PONG and asking.read() is None
    assert asking.end() == (0, "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_grant_ends(client, running, kind):
    running.api("grant_create", name="claude")
    c = client(kind, "--grant", "claude")
    c.ping()
    assert c.handed()
    running.api("grant_revoke", name="claude")
    assert c.read() is None
    code, errors = c.end()
    assert code == 77 and '"claude"' in errors
    c.is_forgotten()


def test_settings_that_shut_it_out(host):
    """Whoever may no longer come in has no session, either."""
    host.configure(access={"operator": {"users": ["bin"]}})
    host.start()
    c = Client(host, "pipes", user=2, group=2, extra_groups=[], cwd="/")
    c.ping()
    host.configure(access={"operator": {"users": []}})
    host.reload()
    assert c.read() is None
    assert c.end()[0] == 77


# ---- what is not handed over ----

@pytest.mark.parametrize("kind", ["pipes", "pair", "pairs"])
def test_streams_of_another_user(host, kind):
    """Pipes that it may not open again, sockets of somebody else's: the bytes are carried."""
    host.configure(access={"operator": {"users": ["bin"]}})
    host.start()
    c = Client(host, kind, user=2, group=2, extra_groups=[], cwd="/")
    for i in range(20):
        c.ping(i)
    assert not c.handed()
    c.close_input(half=kind == "pair")
    assert c.read() is None
    assert c.end() == (0, "")
    c.is_forgotten()


@pytest.mark.parametrize("which", ["stdin", "stdout"])
def test_files_and_terminals_stay_where_they_are(running, which, tmp_path):
    main, tty = pty.openpty()
    (tmp_path / "in").write_text(json.dumps(PING) + "\n")
    for fd in (os.open(tmp_path / "in", os.O_RDWR), os.open("/dev/null", os.O_RDWR), tty):
        other_in, other_out = os.pipe()
        streams = {"stdin": other_in, "stdout": other_out, which: fd}
        with subprocess.Popen([BUILD / "adit", "--socket", running.socket, "mcp"], env={},
                              stderr=subprocess.DEVNULL, **streams) as process:
            time.sleep(0.2)
            mine = [inode(f) for f in (other_in, other_out)]
            assert not any(i in held(running) for i in mine)
            process.terminate()
            assert process.wait(PATIENCE) == 0
        for f in (fd, other_in, other_out):
            os.close(f)
    os.close(main)


# ---- of other versions ----

class Daemon:
    """Answers the upgrade as it is told, and then pings; what it was asked stands in `asked`."""

    def __init__(self, path, protocol, word=b""):
        self.door, self.protocol, self.word = socket.socket(socket.AF_UNIX), protocol, word
        self.door.bind(str(path))
        self.door.listen()
        self.door.settimeout(PATIENCE)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        s, _ = self.door.accept()
        with s, s.makefile("rb") as lines:
            self.asked = b"".join(iter(lines.readline, b"\r\n"))
            s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " +
                      self.protocol + b"\r\n\r\n")
            if self.word is None:
                return
            if self.word:
                assert s.recv(1) == b"\n"
                s.sendall(self.word)
            for line in lines:
                s.sendall(json.dumps({**PONG, "id": json.loads(line)["id"]}).encode() + b"\n")


@pytest.mark.parametrize("protocol,word", [(b"adit-mcp-lines", b""), (b"adit-mcp-streams", b"r")])
def test_a_daemon_that_wants_the_bytes(tmp_path, protocol, word):
    daemon = Daemon(tmp_path / "s", protocol, word)
    done = subprocess.run([BUILD / "adit", "--socket", tmp_path / "s", "mcp"], env={},
                          input=(json.dumps(PING) + "\n") * 5, capture_output=True, text=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [PONG] * 5
    assert b"adit-mcp-lines" in daemon.asked
    daemon.thread.join(PATIENCE)
    daemon.door.close()


def test_a_daemon_that_leaves_before_it_takes_them(tmp_path):
    daemon = Daemon(tmp_path / "s", b"adit-mcp-streams", None)
    process = subprocess.Popen([BUILD / "adit", "--socket", tmp_path / "s", "mcp"], env={},
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    daemon.thread.join(PATIENCE)
    daemon.door.close()
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3 and out == b"" and errors


# ---- what aditd is handed by others ----

def connect(host, request=UPGRADE, fds=()):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(str(host.socket))
    smuggle(s, request, fds)
    return s


def give(s, data, fds):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    s.sendmsg([data], rights)


def smuggle(s, data, fds):
    """Linux does not let them out from 6.16 on, where aditd has not asked for them."""
    try:
        give(s, data, fds)
    except PermissionError:
        s.sendall(data)


def upgraded(host):
    s = connect(host)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += s.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ") and b"Upgrade: adit-mcp-streams\r\n" in head
    return s


class Wrong:
    """Descriptors that aditd must not serve; each kind is a method."""

    def __init__(self):
        self.keep = []

    def own(self, *things):
        self.keep += things
        return [t if isinstance(t, int) else t.fileno() for t in things]

    def none(self):
        return []

    def one(self):
        return self.own(*socket.socketpair())[:1]

    def three(self):
        return [self.own(*socket.socketpair())[0]] * 3

    def many(self):
        return [self.own(*socket.socketpair())[0]] * 253

    def a_file(self):
        return self.own(os.open("/proc/self/exe", os.O_RDONLY)) * 2

    def null(self):
        return self.own(os.open("/dev/null", os.O_RDWR)) * 2

    def a_folder(self):
        return self.own(os.open("/", os.O_RDONLY | os.O_DIRECTORY)) * 2

    def a_listener(self):
        s = socket.socket(socket.AF_UNIX)
        s.bind("")
        s.listen()
        return self.own(s) * 2

    def udp(self):
        return self.own(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) * 2

    def tcp(self):
        return self.own(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) * 2

    def datagrams(self):
        return self.own(*socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))

    def a_terminal(self):
        return self.own(*pty.openpty())

    def a_blocking_pipe(self):
        return self.own(*os.pipe())

    def half_a_blocking_pipe(self):
        fds = self.own(*os.pipe())
        os.set_blocking(fds[0], False)
        return fds

    def a_pipe_the_wrong_way(self):
        fds = self.own(*os.pipe2(os.O_NONBLOCK))
        return fds[::-1]

    def a_timer(self):
        return self.own(os.eventfd(0), os.memfd_create("x"))

    def close(self):
        for t in self.keep:
            os.close(t) if isinstance(t, int) else t.close()


@pytest.mark.parametrize("kind", [k for k in vars(Wrong) if not k.startswith("_")
                                  and k not in ("own", "close")])
def test_wrong_descriptors(running, kind):
    """Refused and closed, and the connection carries the lines."""
    before, wrong = descriptors(running), Wrong()
    fds = getattr(wrong, kind)()
    for _ in range(3):
        with upgraded(running) as s:
            give(s, b"\n", fds)
            assert s.recv(1) == b"r"
            s.sendall(json.dumps(PING).encode() + b"\n")
            assert json.loads(s.makefile().readline()) == PONG
            assert descriptors(running) <= before + 2
    until(lambda: descriptors(running) <= before, why="descriptors stay open")
    assert running.is_up()
    wrong.close()


@pytest.mark.parametrize("uid, word", [(0, b"streams"), (2, b"lines")])
def test_only_an_admins_are_taken(host, uid, word):
    """Whoever hands one over can make aditd wait; the grant's role has nothing to do with it."""
    host.configure(access={"operator": {"users": ["bin"]}})
    host.start()
    host.api("grant_create", name="low", role="operator")
    os.seteuid(uid)
    try:
        s = connect(host, UPGRADE.replace(b"\r\n\r\n", b"\r\nX-Adit-Grant: low\r\n\r\n"))
    finally:
        os.seteuid(0)
    with s, s.makefile("rb") as text:
        head = list(iter(text.readline, b"\r\n"))
    assert head[0].startswith(b"HTTP/1.1 101"), head
    assert b"Upgrade: adit-mcp-%s\r\n" % word in head, head


def test_descriptors_that_nobody_asked_for(running):
    """With a request, with lines, after those that were taken: aditd holds none of them."""
    def is_closed(r, w):
        os.close(w)
        assert select.select([r], [], [], PATIENCE)[0] and os.read(r, 1) == b""
        os.close(r)

    r, w = os.pipe()
    get = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(running, get, [w, w]) as s:
        assert s.recv(100).startswith(b"HTTP/1.1 ")
        assert inode(r) not in held(running)
        is_closed(r, w)

    r, w = os.pipe()
    with connect(running, UPGRADE + b"\n", [w, w]) as s:  # before the 101
        text = s.makefile("rb")
        while text.readline() != b"\r\n":
            pass
        assert text.read(1) == b"r"
        smuggle(s, json.dumps(PING).encode() + b"\n", [w, w])
        assert json.loads(text.readline()) == PONG
        assert inode(r) not in held(running)
        is_closed(r, w)

    r, w = os.pipe()
    ours, theirs = socket.socketpair()
    with upgraded(running) as s, ours, theirs:
        give(s, b"\n", [theirs.fileno()] * 2)
        assert s.recv(1) == b"t"
        smuggle(s, b"\n", [w, w])
        ours.sendmsg([json.dumps(PING).encode() + b"\n"],
                     [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w, w]))])
        assert json.loads(ours.makefile().readline()) == PONG
        assert inode(r) not in held(running)
    is_closed(r, w)


def test_a_peer_that_changes_its_mind(running):
    """It makes what it handed over wait, and fills and empties it: aditd is there for others."""
    in_r, in_w = os.pipe2(os.O_NONBLOCK)
    out_r, out_w = os.pipe2(os.O_NONBLOCK)
    with upgraded(running) as s:
        give(s, b"\n", [in_r, out_w])
        assert s.recv(1) == b"t"
        os.set_blocking(in_r, True)
        os.set_blocking(out_w, True)
        for _ in range(50):
            try:
                os.write(in_w, (json.dumps({**PING, "id": "x" * 250}) + "\n").encode() * 12)
            except BlockingIOError:
                pass
            assert running.is_up()
        while select.select([out_r], [], [], 0.2)[0]:
            os.read(out_r, 1000)
        assert running.is_up()
    for fd in (in_r, in_w, out_r, out_w):
        os.close(fd)


def spins_not(running):
    def used():
        fields = open(f"/proc/{running.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = used()
    time.sleep(1)
    assert used() - before < 30, "it spins"


@pytest.mark.parametrize("ends", [lambda: os.pipe2(os.O_NONBLOCK),
                                  lambda: [s.detach() for s in socket.socketpair()]])
def test_two_ends_of_one_thing(running, ends):
    """What aditd answers it is told; it does not answer that for ever."""
    given_in, given_out = ends()
    with upgraded(running) as s:
        give(s, b"\n", [given_in, given_out])
        assert s.recv(1) == b"t"
        os.write(given_out, b"no json\n" + json.dumps(PING).encode() + b"\n")
        spins_not(running)
    os.close(given_in)
    os.close(given_out)


def test_what_stays_behind_costs_nothing(running):
    """The socket is open still when its session has ended, and readable."""
    ours, theirs = socket.socketpair()
    for _ in range(5):
        with upgraded(running) as s:
            give(s, b"\n", [theirs.fileno()] * 2)
            assert s.recv(1) == b"t"
    ours.sendall(json.dumps(PING).encode() + b"\n")
    running.is_up()
    spins_not(running)
    ours.close()
    theirs.close()
